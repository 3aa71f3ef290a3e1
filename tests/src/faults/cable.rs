//! The cable between a program and its card reader, to be pulled out: it passes everything on to the real card service
//! until then, and afterwards says what the service says when a reader is gone. Virtual readers of a real pcscd cannot be
//! unplugged.
//!
//! It speaks pcsc-lite's protocol 4: messages of a header (size, command) and a body, in the machine's octet order;
//! answers are bodies alone, and the last word of most is the result.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::Result;

/// A cable. It ends with the process.
#[derive(Debug)]
pub(super) struct Cable {
    socket: PathBuf,
    is_out: Arc<AtomicBool>,
}

impl Cable {
    /// A cable from `socket`, where programs will look for the card service, to the service at `service`.
    ///
    /// # Errors
    /// If there can be no such socket.
    pub(super) fn plug_in(socket: &Path, service: PathBuf) -> Result<Self> {
        let listener = UnixListener::bind(socket)?;
        let is_out = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_out);
        thread::Builder::new().name("cable".to_owned()).spawn(move || {
            for program in listener.incoming().flatten() {
                let (service, is_out) = (service.clone(), Arc::clone(&seen));
                thread::spawn(move || pass_on(program, &service, &is_out));
            }
        })?;
        Ok(Self { socket: socket.to_owned(), is_out })
    }

    /// Where programs find it.
    #[must_use]
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Pulls it out.
    pub(super) fn pull_out(&self) {
        self.is_out.store(true, Ordering::SeqCst);
    }
}

/// Serves one program until it or the service hangs up.
fn pass_on(mut program: UnixStream, service: &Path, is_out: &AtomicBool) -> io::Result<()> {
    let mut service = UnixStream::connect(service)?;
    let (mut answers, mut to_program) = (service.try_clone()?, program.try_clone()?);
    thread::spawn(move || {
        let copied = io::copy(&mut answers, &mut to_program);
        // Whichever end is gone, the other learns it.
        let _ = to_program.shutdown(Shutdown::Both);
        copied
    });
    loop {
        let mut header = [0; 8];
        program.read_exact(&mut header)?;
        let [size, command] = words(header);
        let mut body = vec![0; usize::try_from(size).map_err(io::Error::other)?];
        program.read_exact(&mut body)?;
        if command == TRANSMIT {
            // The command for the card follows the message that announces its length.
            let length = body.get(12..16).and_then(|octets| octets.try_into().ok()).map_or(0, u32::from_ne_bytes);
            let announced = body.len();
            body.resize(announced.saturating_add(usize::try_from(length).map_err(io::Error::other)?), 0);
            program.read_exact(body.get_mut(announced..).unwrap_or_default())?;
            if is_out.load(Ordering::SeqCst) {
                body.truncate(announced);
            }
        }
        if is_out.load(Ordering::SeqCst) && NEEDS_THE_READER.contains(&command) {
            let result = body.len().saturating_sub(4);
            body.truncate(result);
            body.extend(READER_UNAVAILABLE.to_ne_bytes());
            program.write_all(&body)?;
        } else {
            service.write_all(&header)?;
            service.write_all(&body)?;
        }
    }
}

fn words(header: [u8; 8]) -> [u32; 2] {
    let [a, b, c, d, e, f, g, h] = header;
    [u32::from_ne_bytes([a, b, c, d]), u32::from_ne_bytes([e, f, g, h])]
}

const CONNECT: u32 = 0x04;
const RECONNECT: u32 = 0x05;
const BEGIN_TRANSACTION: u32 = 0x07;
const TRANSMIT: u32 = 0x09;
const STATUS: u32 = 0x0B;

/// What cannot be done without the reader.
const NEEDS_THE_READER: [u32; 5] = [CONNECT, RECONNECT, BEGIN_TRANSACTION, TRANSMIT, STATUS];

/// `SCARD_E_READER_UNAVAILABLE`.
const READER_UNAVAILABLE: u32 = 0x8010_0017;
