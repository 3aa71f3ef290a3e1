//! Something on the port at which the portal's page looks for the program: what a page sees of it is the test's to say.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::json;

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Refuses the site before anything.
    RefusesSite(&'static str),
    /// Answers, but tells the browser nothing of pages that may read it.
    SaysNothingToPages,
    /// Answers as another program would.
    IsAnotherProgram,
    /// Takes connections and says nothing.
    Hangs,
    /// Ends a sign-in with this status and body.
    EndsSignIn(u16, &'static str),
    /// Breaks off while it signs in.
    Dies,
    /// Says at once whether the card that signed in was taken out.
    TellsOfCard(bool),
    /// Waits for the card to be taken out, and ends before.
    ForgetsCard,
    /// Gets as far as this phase, counted from 1, and stays there.
    StaysAt(usize),
}

/// The phases of a sign-in as the program names them.
pub(crate) const PHASES: [&str; 4] = ["waiting-in-line", "asking-holder", "card", "signing"];

/// A program that is none.
pub(crate) struct ServiceDouble {
    shared: Arc<Shared>,
}

struct Shared {
    behaviour: Mutex<Behaviour>,
    /// Requests as they arrived, and sign-ins that were broken off.
    happened: Mutex<Vec<String>>,
}

impl ServiceDouble {
    pub(crate) fn start(port: u16, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let shared = Arc::new(Shared { behaviour: Mutex::new(behaviour), happened: Mutex::default() });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let serving = Arc::clone(&serving);
                // A browser may break off at any time.
                thread::spawn(move || serving.serve(connection));
            }
        });
        Self { shared }
    }

    /// Forgets what happened.
    pub(crate) fn behaves(&self, behaviour: Behaviour) {
        *self.shared.behaviour.lock().unwrap() = behaviour;
        self.shared.happened.lock().unwrap().clear();
    }

    /// Whether something whose name begins so has happened.
    pub(crate) fn has_happened(&self, beginning: &str) -> bool {
        self.shared.happened.lock().unwrap().iter().any(|what| what.starts_with(beginning))
    }

    pub(crate) fn happened(&self) -> Vec<String> {
        self.shared.happened.lock().unwrap().clone()
    }
}

/// A request, as far as it matters here.
struct Request {
    line: String,
    origin: String,
}

impl Shared {
    fn serve(&self, connection: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(connection.try_clone()?);
        let mut writer = connection;
        while let Some(request) = read(&mut reader)? {
            let behaviour = *self.behaviour.lock().unwrap();
            self.note(&request.line);
            if behaviour == Behaviour::Hangs {
                return wait_for_end(&mut reader);
            }
            if request.line.starts_with("OPTIONS ") {
                answer(&mut writer, &request.origin, 204, "")?;
            } else if behaviour == Behaviour::SaysNothingToPages {
                answer(&mut writer, "", 200, "{}")?;
            } else if behaviour == Behaviour::IsAnotherProgram {
                answer(&mut writer, &request.origin, 200, r#"{"program":"another"}"#)?;
            } else if let Behaviour::RefusesSite(code) = behaviour {
                answer(&mut writer, &request.origin, 403, &json!({ "code": code, "message": "No." }).to_string())?;
            } else if request.line.contains("/card-removed ") {
                match behaviour {
                    Behaviour::TellsOfCard(removed) => {
                        answer(&mut writer, &request.origin, 200, &json!({ "endSession": removed }).to_string())?;
                    }
                    Behaviour::ForgetsCard => {
                        // Longer than a call takes that is answered at once.
                        thread::sleep(Duration::from_millis(3500));
                        *self.behaviour.lock().unwrap() = Behaviour::RefusesSite("request-unknown");
                        return writer.shutdown(Shutdown::Both);
                    }
                    _ => answer(&mut writer, &request.origin, 404, r#"{"code":"request-unknown"}"#)?,
                }
            } else if request.line.contains("/status ") {
                answer(&mut writer, &request.origin, 200, r#"{"program":"latchkey","api":["v1"]}"#)?;
            } else if request.line.contains("/sign-in ") {
                match behaviour {
                    Behaviour::EndsSignIn(status, body) => answer(&mut writer, &request.origin, status, body)?,
                    Behaviour::Dies => return writer.shutdown(Shutdown::Both),
                    _ => {
                        wait_for_end(&mut reader)?;
                        self.note("sign-in broken off");
                        return Ok(());
                    }
                }
            } else if let Some((_, known)) = request.line.split_once("/progress") {
                let known = known.split(' ').next().and_then(|query| query.strip_prefix("?after=")).unwrap_or("0");
                let next = known.parse::<usize>().unwrap() + 1;
                match behaviour {
                    Behaviour::StaysAt(last) if next <= last => {
                        let body = json!({ "step": next, "phase": PHASES[next - 1] }).to_string();
                        answer(&mut writer, &request.origin, 200, &body)?;
                    }
                    _ => return wait_for_end(&mut reader),
                }
            } else {
                answer(&mut writer, &request.origin, 200, r#"{"cancelled":true}"#)?;
            }
        }
        Ok(())
    }

    fn note(&self, what: &str) {
        self.happened.lock().unwrap().push(what.to_owned());
    }
}

/// `None` when the browser has ended the connection.
fn read(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Request>> {
    let mut request = Request { line: String::new(), origin: String::new() };
    reader.read_line(&mut request.line)?;
    if request.line.is_empty() {
        return Ok(None);
    }
    let mut size = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "origin" => value.clone_into(&mut request.origin),
            "content-length" => size = value.parse().unwrap_or(0),
            _ => {}
        }
    }
    reader.take(size).read_to_end(&mut Vec::new())?;
    Ok(Some(request))
}

fn wait_for_end(reader: &mut BufReader<TcpStream>) -> std::io::Result<()> {
    // A browser that breaks off may reset the connection.
    reader.read_to_end(&mut Vec::new()).map(drop).or(Ok(()))
}

/// To a page of `origin`; to none if that is empty.
fn answer(writer: &mut TcpStream, origin: &str, status: u16, body: &str) -> std::io::Result<()> {
    let pages = match origin {
        "" => String::new(),
        origin => format!(
            "Access-Control-Allow-Origin: {origin}\r\nAccess-Control-Allow-Headers: content-type\r\n\
             Access-Control-Allow-Methods: GET, POST\r\n"
        ),
    };
    let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
    let size = body.len();
    write!(writer, "HTTP/1.1 {status} x\r\n{pages}{kind}Content-Length: {size}\r\n\r\n{body}")
}
