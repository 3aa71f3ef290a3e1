//! One program a person: whoever starts it again tells the one that runs what was wanted. They meet at a socket in a
//! folder that is the person's own, so that nothing of it depends on a desktop's bus, and nothing waits for it by the
//! clock.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use tokio::io::AsyncReadExt;

use crate::sign_in::link::LINK_MAX_SIZE;

/// What a second start wants of the program that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Nothing but that it runs.
    Run,
    /// Its window.
    Show,
    /// That it follows this link, which is not read yet.
    Follow(String),
    /// That it ends.
    Quit,
}

impl Wish {
    /// Reads what came over the socket. `None` for what no program of ours says.
    #[must_use]
    pub fn parse(octets: &[u8]) -> Option<Self> {
        match str::from_utf8(octets).ok()?.split_once(' ') {
            None if octets == b"run" => Some(Self::Run),
            None if octets == b"show" => Some(Self::Show),
            None if octets == b"quit" => Some(Self::Quit),
            Some(("follow", link)) if link.len() <= LINK_MAX_SIZE => Some(Self::Follow(link.to_owned())),
            _ => None,
        }
    }

    /// What is said over the socket.
    #[must_use]
    pub fn to_octets(&self) -> Vec<u8> {
        match self {
            Self::Run => b"run".to_vec(),
            Self::Show => b"show".to_vec(),
            Self::Quit => b"quit".to_vec(),
            Self::Follow(link) => format!("follow {link}").into_bytes(),
        }
    }
}

/// What a start of the program comes to.
#[derive(Debug)]
pub enum Instance {
    /// This is the one. It hears what later ones want.
    First(First),
    /// Another runs, and was told.
    Told,
}

/// The program that runs, as long as this value lives.
#[derive(Debug)]
pub struct First {
    listener: UnixListener,
    _lock: File,
}

/// Longest wish: a link with what stands before it.
const WISH_MAX_SIZE: usize = LINK_MAX_SIZE + 16;
/// Longest time for one to be told.
const PATIENCE: Duration = Duration::from_secs(5);

impl Instance {
    /// Is the program that runs, or tells it what is wanted. They meet in `folder`, which is made for its owner alone.
    ///
    /// # Errors
    /// The operating system's; then it is not known whether another runs.
    pub fn begin(folder: &Path, wish: &Wish) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let (lock, socket) = (folder.join("desktop.lock"), folder.join("desktop.socket"));
        let lock = File::options().create(true).truncate(false).write(true).open(lock)?;
        match lock.try_lock() {
            Ok(()) => {
                // Whose lock it is, his is the socket: what lies there is of one that was killed.
                match fs::remove_file(&socket) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
                let listener = UnixListener::bind(&socket)?;
                listener.set_nonblocking(true)?;
                Ok(Self::First(First { listener, _lock: lock }))
            }
            Err(TryLockError::WouldBlock) => tell(&socket, wish).map(|()| Self::Told),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Says the wish and waits until it was heard.
fn tell(socket: &Path, wish: &Wish) -> io::Result<()> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&wish.to_octets())?;
    stream.shutdown(std::net::Shutdown::Write)?;
    match stream.read(&mut [0])? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

impl First {
    /// Hears what later starts want, on the Tokio runtime that the caller is in, as long as the value lives.
    ///
    /// # Errors
    /// The operating system's, if the socket cannot be waited for.
    pub async fn hear(self, mut wanted: impl FnMut(Wish)) -> io::Result<()> {
        let Self { listener, _lock } = self;
        let listener = tokio::net::UnixListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            match tokio::time::timeout(PATIENCE, heard(stream)).await {
                Ok(Ok(Some(wish))) => wanted(wish),
                Ok(Ok(None)) | Err(_) => tracing::warn!("somebody said at the socket what no program of ours says"),
                Ok(Err(error)) => tracing::warn!(%error, "a later start was not heard"),
            }
        }
    }
}

async fn heard(mut stream: tokio::net::UnixStream) -> io::Result<Option<Wish>> {
    let mut octets = Vec::new();
    let limit = u64::try_from(WISH_MAX_SIZE).unwrap_or(u64::MAX).saturating_add(1);
    (&mut stream).take(limit).read_to_end(&mut octets).await?;
    let wish = (octets.len() <= WISH_MAX_SIZE).then(|| Wish::parse(&octets)).flatten();
    if wish.is_some() {
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"+").await?;
    }
    Ok(wish)
}
