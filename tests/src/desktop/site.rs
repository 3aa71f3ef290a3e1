//! A site on the internet that is none of ours: whatever it answers, it answers under a certificate that browsers trust.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Result;
use openssl::ssl::{SslAcceptor, SslFiletype, SslMethod};

use crate::stage::SampleSet;

/// How long a browser may think about a connection that it opened.
const SILENCE: Duration = Duration::from_secs(5);

/// Longest body of a request, in octets.
const BODY_MAX_SIZE: usize = 1 << 20;

/// What a site is asked.
#[derive(Debug)]
pub struct Asked {
    /// `GET`, `POST`.
    pub method: String,
    /// The address behind the site's, with its query.
    pub path: String,
    /// The header `Cookie`, or nothing.
    pub cookies: String,
    /// The header `Authorization`, or nothing.
    pub authorization: String,
    /// The header `Accept-Language`, or nothing.
    pub languages: String,
    /// Whether a page of the site itself sends it, as the header `Origin` says.
    pub is_own: bool,
    /// What came with it.
    pub body: Vec<u8>,
}

/// What a site answers.
#[derive(Debug)]
pub struct Answered {
    status: &'static str,
    header: String,
    body: Vec<u8>,
}

impl Answered {
    /// A page.
    #[must_use]
    pub fn page(html: impl Into<String>) -> Self {
        let header = "Content-Type: text/html; charset=utf-8".to_owned();
        Self { status: "200 OK", header, body: html.into().into_bytes() }
    }

    /// Data.
    #[must_use]
    pub fn json(value: &serde_json::Value) -> Self {
        let header = "Content-Type: application/json".to_owned();
        Self { status: "200 OK", header, body: value.to_string().into_bytes() }
    }

    /// Data that tells of a refusal.
    #[must_use]
    pub fn refusal(value: &serde_json::Value) -> Self {
        Self { status: "400 Bad Request", ..Self::json(value) }
    }

    /// The same, for the browser to keep a cookie.
    #[must_use]
    pub fn with_cookie(mut self, cookie: &str) -> Self {
        self.header.push_str(&format!("\r\nSet-Cookie: {cookie}"));
        self
    }

    /// The way to another address.
    #[must_use]
    pub fn redirect(address: &str) -> Self {
        Self { status: "303 See Other", header: format!("Location: {address}"), body: Vec::new() }
    }

    /// That there is nothing at the address.
    #[must_use]
    pub fn nothing() -> Self {
        Self { status: "404 Not Found", header: "Content-Type: text/plain".to_owned(), body: Vec::new() }
    }
}

/// A running site.
#[derive(Debug)]
pub struct Site {
    origin: String,
    port: u16,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Site {
    /// Answers at <https://portal.example>, on a port of its own, as `answer` says.
    ///
    /// # Errors
    /// If the sample set is incomplete or there is no port.
    pub fn start(set: &SampleSet, answer: impl Fn(&Asked) -> Answered + Send + Sync + 'static) -> Result<Self> {
        Self::start_at(set, "portal.example", 0, answer)
    }

    /// Answers at another name of the test certificate, on that port; 0 is one of its own.
    ///
    /// # Errors
    /// If the sample set is incomplete or the port is taken.
    pub fn start_at(
        set: &SampleSet,
        host: &str,
        port: u16,
        answer: impl Fn(&Asked) -> Answered + Send + Sync + 'static,
    ) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let port = listener.local_addr()?.port();
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
        acceptor.set_certificate_chain_file(set.path().join("tls/portal.cert.pem"))?;
        acceptor.set_private_key_file(set.path().join("tls/portal.key.pem"), SslFiletype::PEM)?;
        let (acceptor, answer) = (Arc::new(acceptor.build()), Arc::new(answer));
        let origin = format!("https://{host}:{port}");
        let own = origin.clone();
        let ends = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ends);
        let thread = thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                if told.load(Ordering::SeqCst) {
                    break;
                }
                let (acceptor, answer, own) = (Arc::clone(&acceptor), Arc::clone(&answer), own.clone());
                // Browsers open connections that they do not use: one at a time would wait for those.
                thread::spawn(move || serve(&acceptor, connection, &own, &*answer));
            }
        });
        Ok(Self { origin, port, ends, thread: Some(thread) })
    }

    /// Its origin, as browsers report it.
    #[must_use]
    pub fn origin(&self) -> String {
        self.origin.clone()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        // Wakes the one who waits for connections.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Answers one request. A browser that breaks off is none of the site's business.
fn serve(acceptor: &SslAcceptor, connection: TcpStream, own: &str, answer: &dyn Fn(&Asked) -> Answered) -> Option<()> {
    connection.set_read_timeout(Some(SILENCE)).ok()?;
    let mut connection = BufReader::new(acceptor.accept(connection).ok()?);
    let Answered { status, header, body } = answer(&asked(&mut connection, own)?);
    let head = format!("HTTP/1.1 {status}\r\n{header}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    connection.get_mut().write_all(&[head.as_bytes(), &body].concat()).ok()?;
    connection.get_mut().shutdown().ok().map(drop)
}

fn asked(connection: &mut BufReader<impl Read>, own: &str) -> Option<Asked> {
    let first = line(connection)?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut size, mut is_own) = (0, false);
    let (mut cookies, mut authorization, mut languages) = (String::new(), String::new(), String::new());
    loop {
        let header = line(connection)?;
        match header.split_once(": ") {
            None => break,
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => size = value.parse().ok()?,
            Some((name, value)) if name.eq_ignore_ascii_case("cookie") => value.clone_into(&mut cookies),
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => value.clone_into(&mut authorization),
            Some((name, value)) if name.eq_ignore_ascii_case("accept-language") => value.clone_into(&mut languages),
            Some((name, value)) if name.eq_ignore_ascii_case("origin") => is_own = value == own,
            Some(_) => {}
        }
    }
    let mut body = vec![0; Some(size).filter(|size| *size <= BODY_MAX_SIZE)?];
    connection.read_exact(&mut body).ok()?;
    Some(Asked { method, path, cookies, authorization, languages, is_own, body })
}

fn line(connection: &mut BufReader<impl Read>) -> Option<String> {
    let mut line = String::new();
    connection.by_ref().take(8192).read_line(&mut line).ok()?;
    line.strip_suffix("\r\n").map(str::to_owned)
}
