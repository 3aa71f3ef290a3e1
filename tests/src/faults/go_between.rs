//! Somebody between a client and a portal, who reads and changes what passes: with the portal's TLS key, or with a site of
//! his own.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use openssl::ssl::{SslAcceptor, SslConnector, SslFiletype, SslMethod};

/// What he does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mischief {
    /// He has a site of his own and relays what its visitors are asked for to the portal.
    RelayFromOtherOrigin,
    /// He presents an assertion a second time, and the visitor gets the second answer.
    Replay,
    /// He presents the assertion in a session of his own.
    PresentInOtherSession,
    /// He turns a bit of the signature.
    AlterSignature,
}

/// Where he waits. He goes on until the process ends.
#[derive(Debug)]
pub(super) struct GoBetween {
    port: u16,
}

/// A request or a response: its head with the empty line, and its body.
struct Message {
    head: String,
    body: Vec<u8>,
}

/// What he knows.
struct Place {
    acceptor: SslAcceptor,
    connector: SslConnector,
    portal_port: u16,
    mischief: Mischief,
}

/// How long a connection may keep him waiting.
const PATIENCE: Duration = Duration::from_secs(60);

const ASSERTIONS: &str = "POST /api/v1/assertions/";
const CHALLENGES: &str = "/api/v1/challenges";

impl GoBetween {
    /// Waits on `listener` for visitors of the portal at `portal_port`, with the portal's TLS files from `tls`.
    ///
    /// # Errors
    /// If the files cannot be used.
    pub(super) fn start(listener: TcpListener, portal_port: u16, tls: &Path, mischief: Mischief) -> Result<Self> {
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
        acceptor.set_certificate_chain_file(tls.join("portal.cert.pem"))?;
        acceptor.set_private_key_file(tls.join("portal.key.pem"), SslFiletype::PEM)?;
        let place =
            Place { acceptor: acceptor.build(), connector: connector(&tls.join("ca.pem"))?, portal_port, mischief };
        let (port, place) = (listener.local_addr()?.port(), Arc::new(place));
        thread::Builder::new().name("go-between".to_owned()).spawn(move || {
            for visitor in listener.incoming().flatten() {
                let place = Arc::clone(&place);
                // A visitor who is not understood sees a connection that breaks off.
                thread::spawn(move || place.serve(visitor));
            }
        })?;
        Ok(Self { port })
    }

    /// The port on which he waits.
    #[must_use]
    pub(super) const fn port(&self) -> u16 {
        self.port
    }
}

impl Place {
    /// One request a connection.
    fn serve(&self, visitor: TcpStream) -> Result<()> {
        visitor.set_read_timeout(Some(PATIENCE))?;
        let mut visitor = BufReader::new(self.acceptor.accept(visitor)?);
        let request = Message::read(&mut visitor)?;
        let response = self.meddle(request)?;
        let mut visitor = visitor.into_inner();
        response.write(&mut visitor)?;
        visitor.shutdown()?;
        Ok(())
    }

    fn meddle(&self, request: Message) -> Result<Message> {
        if !request.head.starts_with(ASSERTIONS) {
            return self.ask(&request);
        }
        match self.mischief {
            Mischief::RelayFromOtherOrigin => self.ask(&request),
            Mischief::Replay => {
                self.ask(&request)?;
                self.ask(&request)
            }
            Mischief::PresentInOtherSession => {
                let head =
                    format!("POST {CHALLENGES} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\r\n");
                let own = self.ask(&Message { head, body: b"{}".to_vec() })?;
                let cookie = own.header("set-cookie").context("the portal gives no cookie")?;
                let cookie = cookie.split(';').next().unwrap_or_default();
                self.ask(&request.with_header("Cookie", cookie))
            }
            Mischief::AlterSignature => {
                let mut assertion: serde_json::Value = serde_json::from_slice(&request.body)?;
                let signature = assertion.get("signature").and_then(|signature| signature.as_str());
                let mut octets = openssl::base64::decode_block(signature.context("no signature")?)?;
                *octets.first_mut().context("an empty signature")? ^= 1;
                let altered = openssl::base64::encode_block(&octets);
                let assertion_fields = assertion.as_object_mut().context("no object")?;
                assertion_fields.insert("signature".to_owned(), altered.into());
                self.ask(&Message { body: serde_json::to_vec(&assertion)?, ..request })
            }
        }
    }

    fn ask(&self, request: &Message) -> Result<Message> {
        exchange(&self.connector, self.portal_port, request)
    }
}

/// The text that a portal answers a GET with: for what visitors of its pages are not told.
///
/// # Errors
/// If it does not answer.
pub fn look_up(tls_authority: &Path, port: u16, path: &str) -> Result<String> {
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n");
    let answer = exchange(&connector(tls_authority)?, port, &Message { head, body: Vec::new() })?;
    if !answer.head.starts_with("HTTP/1.1 200 ") {
        bail!("{path}: {}", answer.head);
    }
    Ok(String::from_utf8(answer.body)?)
}

fn connector(tls_authority: &Path) -> Result<SslConnector> {
    let mut connector = SslConnector::builder(SslMethod::tls_client())?;
    connector.set_ca_file(tls_authority)?;
    Ok(connector.build())
}

fn exchange(connector: &SslConnector, port: u16, request: &Message) -> Result<Message> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut stream = connector.connect("localhost", stream)?;
    request.write(&mut stream)?;
    Message::read(&mut BufReader::new(stream))
}

impl Message {
    fn read(stream: &mut impl BufRead) -> Result<Self> {
        let mut head = String::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line)? == 0 {
                bail!("broken off in its head");
            }
            head.push_str(&line);
            if line == "\r\n" {
                break;
            }
        }
        let mut message = Self { head, body: Vec::new() };
        let length: u64 = message.header("content-length").map_or(Ok(0), str::parse)?;
        stream.take(length).read_to_end(&mut message.body)?;
        Ok(message)
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let mut found = lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim());
        found.next()
    }

    /// The same with this header in place of the one of its name.
    fn with_header(self, name: &str, value: &str) -> Self {
        let other = |line: &&str| !line.split_once(':').is_some_and(|(found, _)| found.eq_ignore_ascii_case(name));
        let kept: Vec<_> = self.head.trim_end().lines().filter(other).collect();
        Self { head: format!("{}\r\n{name}: {value}\r\n\r\n", kept.join("\r\n")), ..self }
    }

    /// Says that nothing follows on this connection, and how long the body is.
    fn write(&self, stream: &mut impl Write) -> io::Result<()> {
        let length = self.body.len().to_string();
        let message = Self { head: self.head.clone(), body: Vec::new() };
        let head = message.with_header("Content-Length", &length).with_header("Connection", "close").head;
        stream.write_all(&[head.as_bytes(), &self.body].concat())?;
        stream.flush()
    }
}
