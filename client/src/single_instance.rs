//! One program a person: whoever starts it again tells the one that runs what was wanted. They meet at a socket in a
//! folder that is the person's own, so that nothing of it depends on a desktop's bus, and nothing waits for it by the
//! clock.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::net::sockopt::socket_acceptconn;
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
    lock: File,
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
        let (lock, socket) = files(folder);
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
                Ok(Self::First(First { listener, lock }))
            }
            Err(TryLockError::WouldBlock) => tell(&socket, wish).map(|()| Self::Told),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

fn files(folder: &Path) -> (PathBuf, PathBuf) {
    (folder.join("desktop.lock"), folder.join("desktop.socket"))
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
    /// Goes on with what a program that was the one handed over, if that is the lock and the socket of `folder`: nobody
    /// could come in between.
    #[must_use]
    pub fn of(folder: &Path, listener: UnixListener, lock: File) -> Option<Self> {
        let (lock_file, socket_file) = files(folder);
        let (held, there) = (lock.metadata().ok()?, fs::metadata(lock_file).ok()?);
        let is_lock = (held.dev(), held.ino()) == (there.dev(), there.ino()) && lock.try_lock().is_ok();
        let is_socket = listener.local_addr().ok()?.as_pathname() == Some(socket_file.as_path())
            && socket_acceptconn(&listener).is_ok_and(|listens| listens)
            && listener.set_nonblocking(true).is_ok();
        (is_lock && is_socket).then_some(Self { listener, lock })
    }

    /// The socket and the lock once more, to be handed over. As long as they are there, the program is the one.
    ///
    /// # Errors
    /// The operating system's.
    pub fn parts(&self) -> io::Result<(UnixListener, File)> {
        Ok((self.listener.try_clone()?, self.lock.try_clone()?))
    }

    /// Hears what later starts want, on the Tokio runtime that the caller is in, until `end`; to the end of what is being
    /// said then.
    ///
    /// # Errors
    /// The operating system's, if the socket cannot be waited for.
    pub async fn hear(&self, mut wanted: impl FnMut(Wish), end: impl Future<Output = ()>) -> io::Result<()> {
        let listener = tokio::net::UnixListener::from_std(self.listener.try_clone()?)?;
        let mut end = std::pin::pin!(end);
        loop {
            let (stream, _) = tokio::select! {
                came = listener.accept() => came?,
                () = &mut end => return Ok(()),
            };
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
