//! A card that says what a test wants, faults included, over vpcd's protocol: two octets of length, most significant
//! first, then the body; bodies of one octet are control (00 off, 01 on, 02 reset, 04 answer to reset, please).

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What the card does with a command.
pub(crate) enum Answer {
    /// Sends these octets, be they a response or not.
    Octets(Vec<u8>),
    /// Says nothing, until it is pulled out.
    Silence,
    /// Is pulled out instead of answering.
    Pull,
}

/// What happened to the card. Being asked for the answer to reset is not told: the service asks all the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Noticed {
    PowerOff,
    PowerOn,
    Reset,
    Command(Vec<u8>),
}

/// A card in a reader. Dropping it pulls it out.
pub(crate) struct ScriptedCard {
    stream: TcpStream,
    notices: Receiver<Noticed>,
    thread: Option<JoinHandle<()>>,
}

/// T=0 offered first, then T=1.
pub(crate) const ATR: [u8; 5] = [0x3B, 0x80, 0x80, 0x01, 0x01];
/// T=1 alone, and one historical octet.
pub(crate) const OTHER_ATR: [u8; 5] = [0x3B, 0x81, 0x01, 0x31, 0xB1];

impl ScriptedCard {
    /// Inserts a card with the usual answer to reset.
    pub(crate) fn insert(port: u16, script: impl FnMut(&[u8]) -> Answer + Send + 'static) -> Self {
        Self::insert_with_atr(port, &ATR, script)
    }

    pub(crate) fn insert_with_atr(port: u16, atr: &[u8], script: impl FnMut(&[u8]) -> Answer + Send + 'static) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.set_nodelay(true).unwrap();
        let (notice, notices) = channel();
        let ours = stream.try_clone().unwrap();
        let atr = atr.to_vec();
        let thread = std::thread::spawn(move || serve(ours, &atr, script, &notice));
        Self { stream, notices, thread: Some(thread) }
    }

    /// A card that answers every command with 9000.
    pub(crate) fn insert_agreeable(port: u16) -> Self {
        Self::insert(port, |_| Answer::Octets(vec![0x90, 0x00]))
    }

    /// Pulls the card out.
    pub(crate) fn pull(self) {}

    /// Waits until the card notices what is `expected`, whatever it notices before.
    pub(crate) fn wait_for(&self, expected: &Noticed) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut before = Vec::new();
        while let Ok(noticed) = self.notices.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            if noticed == *expected {
                return;
            }
            before.push(noticed);
        }
        panic!("the card noticed no {expected:?}, only {before:?}");
    }

    /// What the card has noticed since it was last asked.
    pub(crate) fn noticed(&self) -> Vec<Noticed> {
        self.notices.try_iter().collect()
    }
}

impl Drop for ScriptedCard {
    fn drop(&mut self) {
        self.stream.shutdown(Shutdown::Both).ok();
        self.thread.take().map(JoinHandle::join);
    }
}

fn serve(mut stream: TcpStream, atr: &[u8], mut script: impl FnMut(&[u8]) -> Answer, notices: &Sender<Noticed>) {
    while let Some(body) = receive(&mut stream) {
        let answer = match body.as_slice() {
            [0x00] => note(notices, Noticed::PowerOff),
            [0x01] => note(notices, Noticed::PowerOn),
            [0x02] => note(notices, Noticed::Reset),
            [0x04] => Some(atr.to_vec()),
            command => {
                notices.send(Noticed::Command(command.to_vec())).ok();
                match script(command) {
                    Answer::Octets(octets) => Some(octets),
                    Answer::Silence => None,
                    Answer::Pull => {
                        stream.shutdown(Shutdown::Both).ok();
                        return;
                    }
                }
            }
        };
        if let Some(answer) = answer {
            let mut message = u16::try_from(answer.len()).unwrap().to_be_bytes().to_vec();
            message.extend(answer);
            if stream.write_all(&message).is_err() {
                return;
            }
        }
    }
}

fn note(notices: &Sender<Noticed>, noticed: Noticed) -> Option<Vec<u8>> {
    notices.send(noticed).ok();
    None
}

fn receive(stream: &mut TcpStream) -> Option<Vec<u8>> {
    // The driver sends length and body apart and waits for our acknowledgement in between.
    rustix::net::sockopt::set_tcp_quickack(&*stream, true).ok();
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut body = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut body).ok()?;
    Some(body)
}
