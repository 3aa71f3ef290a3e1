//! A PC/SC service played by the test, for what pcscd cannot be brought to do with virtual readers: plugging and
//! unplugging them, refusing clients, never answering. It speaks pcsc-lite's protocol 4.4 to the real client library:
//! messages of a header (size, command) and a body, in the machine's octet order; answers are bodies alone.

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// A service that ends with the test's process.
pub(crate) struct PlayedService(Arc<Mutex<State>>);

/// A reader as this service shows it.
#[derive(Clone)]
pub(crate) struct PlayedReader {
    pub(crate) name: &'static str,
    /// Insertions and removals.
    pub(crate) count: u32,
    pub(crate) card: PlayedCard,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlayedCard {
    Absent,
    Present,
    Mute,
    /// To connect to it fails with this error.
    Refused(pcsc::Error),
    /// To send to it fails with this error.
    Faulty(pcsc::Error),
}

/// How clients are received.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reception {
    Friendly,
    /// "Too busy" is the answer to everybody who wants a context.
    TooBusy,
    /// Everybody who wants a context gets a result that PC/SC does not know.
    Nonsense,
    /// There is no answer to anything.
    Stuck,
}

struct State {
    readers: Vec<PlayedReader>,
    reception: Reception,
    contexts: u32,
    /// Who waits for a change, by context.
    waiting: Vec<(u32, UnixStream)>,
}

impl PlayedService {
    pub(crate) fn start(socket: &Path, reception: Reception) -> Self {
        let listener = UnixListener::bind(socket).unwrap();
        let state = State { readers: Vec::new(), reception, contexts: 0, waiting: Vec::new() };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, shared) = (client.unwrap(), Arc::clone(&shared));
                std::thread::spawn(move || converse(client, &shared));
            }
        });
        Self(state)
    }

    pub(crate) fn receive(&self, reception: Reception) {
        self.0.lock().unwrap().reception = reception;
    }

    /// Changes what clients see, and wakes those that wait for a change.
    pub(crate) fn show(&self, readers: &[PlayedReader]) {
        let mut state = self.0.lock().unwrap();
        state.readers = readers.to_vec();
        for (_, mut client) in state.waiting.drain(..) {
            client.write_all(&words(&[0, SUCCESS])).ok();
        }
    }
}

/// Serves one client until it hangs up.
fn converse(mut client: UnixStream, state: &Mutex<State>) -> io::Result<()> {
    let mut context = 0;
    loop {
        let size = read_word(&mut client)?;
        let command = read_word(&mut client)?;
        let mut body = vec![0; size as usize];
        client.read_exact(&mut body)?;
        let mut state = state.lock().unwrap();
        let answer = match command {
            _ if state.reception == Reception::Stuck => continue,
            ESTABLISH_CONTEXT => {
                state.contexts += 1;
                context = state.contexts;
                let result = match state.reception {
                    Reception::TooBusy => SERVER_TOO_BUSY,
                    Reception::Nonsense => 0x8010_0BAD,
                    Reception::Friendly | Reception::Stuck => SUCCESS,
                };
                words(&[0, context, result])
            }
            GET_READERS_STATE => states(&state.readers),
            WAIT_FOR_CHANGE => {
                state.waiting.push((context, client.try_clone()?));
                states(&state.readers)
            }
            STOP_WAITING => {
                let waiting = state.waiting.len();
                state.waiting.retain(|(waiting, _)| *waiting != context);
                // Who was woken already gets no second answer.
                if state.waiting.len() == waiting { Vec::new() } else { words(&[0, SUCCESS]) }
            }
            CANCEL => {
                let wanted = u32::from_ne_bytes(body[..4].try_into().unwrap());
                for (waiting, other) in &mut state.waiting {
                    if *waiting == wanted {
                        other.write_all(&words(&[0, CANCELLED]))?;
                    }
                }
                state.waiting.retain(|(waiting, _)| *waiting != wanted);
                words(&[wanted, SUCCESS])
            }
            CONNECT => {
                let name = body[4..].split(|octet| *octet == 0).next().unwrap();
                // The handle that this service gives is the reader's place in the list, from 1.
                let place = state.readers.iter().position(|reader| reader.name.as_bytes() == name);
                let result = match place.map(|place| state.readers[place].card) {
                    None => UNKNOWN_READER,
                    Some(PlayedCard::Refused(error)) => error as u32,
                    Some(_) => SUCCESS,
                };
                body.truncate(CONNECT_HANDLE);
                let place = place.map_or(0, |place| place + 1);
                body.extend(words(&[u32::try_from(place).unwrap(), PROTOCOL_T1, result]));
                body
            }
            BEGIN_TRANSACTION => {
                let place = u32::from_ne_bytes(body[..4].try_into().unwrap());
                let there = (1..=state.readers.len()).contains(&(place as usize));
                words(&[place, if there { SUCCESS } else { READER_UNAVAILABLE }])
            }
            TRANSMIT => {
                // The command follows the message that announces its length.
                let length = u32::from_ne_bytes(body[12..16].try_into().unwrap());
                client.read_exact(&mut vec![0; length as usize])?;
                let place = u32::from_ne_bytes(body[..4].try_into().unwrap());
                let error = match state.readers.get(place as usize - 1).map(|reader| reader.card) {
                    Some(PlayedCard::Faulty(error)) => error as u32,
                    _ => pcsc::Error::NoSmartcard as u32,
                };
                words(&[place, PROTOCOL_T1, 0, 0, 0, 0, 0, error])
            }
            RECONNECT => {
                body[16..].copy_from_slice(&words(&[PROTOCOL_T1, SUCCESS]));
                body
            }
            // Everything else is granted: the result is the last word of what was asked.
            _ => {
                let result = body.len() - 4;
                body[result..].copy_from_slice(&SUCCESS.to_ne_bytes());
                body
            }
        };
        client.write_all(&answer)?;
    }
}

/// What clients see: sixteen places for readers, most of them empty.
fn states(readers: &[PlayedReader]) -> Vec<u8> {
    let mut octets = Vec::new();
    for place in 0..16 {
        let mut state = [0; 184];
        if let Some(PlayedReader { name, count, card }) = readers.get(place) {
            state[..name.len()].copy_from_slice(name.as_bytes());
            state[128..132].copy_from_slice(&count.to_ne_bytes());
            let (shown, atr): (u32, &[u8]) = match card {
                PlayedCard::Absent => (ABSENT, &[]),
                PlayedCard::Present | PlayedCard::Refused(_) | PlayedCard::Faulty(_) => {
                    (PRESENT | POWERED, &[0x3B, 0x81, 0x01, 0x31, 0xB1])
                }
                PlayedCard::Mute => (PRESENT | SWALLOWED, &[]),
            };
            state[132..136].copy_from_slice(&shown.to_ne_bytes());
            state[140..140 + atr.len()].copy_from_slice(atr);
            state[176..180].copy_from_slice(&u32::try_from(atr.len()).unwrap().to_ne_bytes());
            state[180..184].copy_from_slice(&PROTOCOL_T1.to_ne_bytes());
        }
        octets.extend(state);
    }
    octets
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

fn read_word(client: &mut UnixStream) -> io::Result<u32> {
    let mut octets = [0; 4];
    client.read_exact(&mut octets)?;
    Ok(u32::from_ne_bytes(octets))
}

const ESTABLISH_CONTEXT: u32 = 0x01;
const CONNECT: u32 = 0x04;
const RECONNECT: u32 = 0x05;
const BEGIN_TRANSACTION: u32 = 0x07;
const TRANSMIT: u32 = 0x09;
const CANCEL: u32 = 0x0D;
const GET_READERS_STATE: u32 = 0x12;
const WAIT_FOR_CHANGE: u32 = 0x13;
const STOP_WAITING: u32 = 0x14;

/// Where the handle is in the message to connect: after context, name, share mode and protocols.
const CONNECT_HANDLE: usize = 4 + 128 + 4 + 4;

const SUCCESS: u32 = 0;
const CANCELLED: u32 = pcsc::Error::Cancelled as u32;
const UNKNOWN_READER: u32 = pcsc::Error::UnknownReader as u32;
const READER_UNAVAILABLE: u32 = pcsc::Error::ReaderUnavailable as u32;
const SERVER_TOO_BUSY: u32 = pcsc::Error::ServerTooBusy as u32;

const PROTOCOL_T1: u32 = 2;

const ABSENT: u32 = 0x02;
const PRESENT: u32 = 0x04;
const SWALLOWED: u32 = 0x08;
const POWERED: u32 = 0x10;
