//! A status service (OCSP) on this computer that answers as a test says. Its HTTP is written out, so that it can be as
//! wrong as anybody's.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use latchkey_fixtures::pki::{Status, StatusOrder, TestPki};
use time::{Duration, OffsetDateTime};
use tokio::sync::Notify;

/// What it does with a question.
#[derive(Debug, Clone)]
pub(crate) enum Mood {
    /// It says that of the certificate.
    Says(Status),
    /// It answers otherwise than it should, but in form.
    Answers(Answer),
    /// Its answer is these octets.
    Octets(Vec<u8>),
    /// It sends whoever asks to another address of its own, where there is a good answer.
    Redirects,
    /// It fails, with a good answer.
    Fails,
    /// It says nothing.
    KeepsSilent,
    /// It begins an answer and never ends it.
    Begins,
    /// It hangs up in the middle of its answer.
    BreaksOff,
    /// Its answer has no end.
    Endless,
}

/// An answer to be put together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) status: Status,
    /// How long ago that was known.
    pub(crate) age: Duration,
    pub(crate) nonce: Nonce,
    /// Which certificate it is about, if not the one that was asked about.
    pub(crate) of_other: bool,
    /// Whether the root answers in the authority's place.
    pub(crate) by_root: bool,
    /// Whether its last octet is another one.
    pub(crate) is_altered: bool,
}

/// The nonce of an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Nonce {
    OfQuestion,
    OfAnotherQuestion,
    None,
}

const OTHER_NONCE: &[u8] = &[7; 32];

impl Answer {
    pub(crate) fn saying(status: Status) -> Self {
        let nonce = Nonce::OfQuestion;
        Self { status, age: Duration::ZERO, nonce, of_other: false, by_root: false, is_altered: false }
    }
}

/// What somebody asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The first line and the headers, in lower case.
    pub(crate) head: String,
    pub(crate) question: Vec<u8>,
}

/// The service. Ends with the test's process.
pub(crate) struct StatusHost {
    /// Where it is asked.
    pub(crate) address: String,
    shared: Arc<Shared>,
}

struct Shared {
    pki: TestPki,
    clock: fn() -> OffsetDateTime,
    mood: Mutex<Mood>,
    asked: Mutex<Vec<Asked>>,
    arrived: Notify,
}

impl StatusHost {
    /// A service that speaks for the authority of `pki`.
    pub(crate) fn start(pki: TestPki, clock: fn() -> OffsetDateTime, mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/status", listener.local_addr().unwrap());
        let (mood, asked) = (Mutex::new(mood), Mutex::default());
        let shared = Arc::new(Shared { pki, clock, mood, asked, arrived: Notify::new() });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&serving);
                // Who hangs up has what he wants.
                std::thread::spawn(move || shared.serve(stream.unwrap()).ok());
            }
        });
        Self { address, shared }
    }

    /// What it does from now on.
    pub(crate) fn set(&self, mood: Mood) {
        *self.shared.mood.lock().unwrap() = mood;
    }

    /// What it was asked up to now.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// Waits until it is asked something more.
    pub(crate) async fn is_asked(&self) {
        self.shared.arrived.notified().await;
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let head = head.to_lowercase();
        let size = head.split("content-length: ").nth(1).and_then(|rest| rest.split('\r').next());
        let mut question = vec![0; size.map_or(0, |size| size.parse().unwrap())];
        reader.read_exact(&mut question)?;
        let is_elsewhere = !head.starts_with("post /status ");
        self.asked.lock().unwrap().push(Asked { head, question: question.clone() });
        self.arrived.notify_one();
        let mood = if is_elsewhere { Mood::Says(Status::Good) } else { self.mood.lock().unwrap().clone() };
        self.answer(stream, &question, mood)
    }

    fn answer(&self, mut stream: TcpStream, question: &[u8], mood: Mood) -> std::io::Result<()> {
        let good = || self.answer_to(question, &Answer::saying(Status::Good));
        match mood {
            Mood::Says(status) => send(&mut stream, "200 OK", &self.answer_to(question, &Answer::saying(status))),
            Mood::Answers(answer) => send(&mut stream, "200 OK", &self.answer_to(question, &answer)),
            Mood::Octets(octets) => send(&mut stream, "200 OK", &octets),
            Mood::Redirects => send(&mut stream, "307 Temporary Redirect\r\nlocation: /elsewhere", &good()),
            Mood::Fails => send(&mut stream, "500 Internal Server Error", &good()),
            Mood::KeepsSilent => until_hung_up(&mut stream),
            Mood::Begins => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n\x30")?;
                until_hung_up(&mut stream)
            }
            Mood::BreaksOff => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n\x30"),
            Mood::Endless => {
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
                loop {
                    stream.write_all(&[0x30; 1000])?;
                }
            }
        }
    }

    fn answer_to(&self, question: &[u8], answer: &Answer) -> Vec<u8> {
        let Answer { status, age, nonce, of_other, by_root, is_altered } = *answer;
        let mut serial_number = serial_number_in(question);
        if of_other {
            *serial_number.last_mut().unwrap() ^= 1;
        }
        // The nonce is the last thing in a question.
        let asked = &question[question.len() - 32..];
        let order = StatusOrder {
            serial_number: &serial_number,
            status,
            this_update: (self.clock)() - age,
            next_update: None,
            nonce: match nonce {
                Nonce::OfQuestion => Some(asked),
                Nonce::OfAnotherQuestion => Some(OTHER_NONCE),
                Nonce::None => None,
            },
        };
        let authority = if by_root { self.pki.root() } else { self.pki.authority() };
        let mut octets = authority.status_answer(&order).unwrap();
        if is_altered {
            *octets.last_mut().unwrap() ^= 1;
        }
        octets
    }
}

/// The serial number stands behind the algorithm and two hash values of twenty octets.
fn serial_number_in(question: &[u8]) -> Vec<u8> {
    const SHA1: &[u8] = b"\x06\x05\x2B\x0E\x03\x02\x1A\x05\x00";
    let algorithm = question.windows(SHA1.len()).position(|octets| octets == SHA1).unwrap();
    let number = &question[algorithm + SHA1.len() + 2 * 22..];
    let number = &number[2..2 + usize::from(number[1])];
    number.iter().copied().skip_while(|octet| *octet == 0).collect()
}

fn send(stream: &mut TcpStream, status: &str, body: &[u8]) -> std::io::Result<()> {
    let size = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-type: application/ocsp-response\r\ncontent-length: {size}\r\n\r\n");
    stream.write_all(&[head.as_bytes(), body].concat())
}

fn until_hung_up(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.read_to_end(&mut Vec::new()).map(|_| ())
}
