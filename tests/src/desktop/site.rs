//! A site on the internet that is none of ours: whatever it shows, it shows under a certificate that browsers trust.

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

/// A running site with one page, the same at every address.
#[derive(Debug)]
pub struct Site {
    port: u16,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Site {
    /// Serves `page` at <https://portal.example>, on a port of its own.
    ///
    /// # Errors
    /// If the sample set is incomplete or there is no port.
    pub fn start(set: &SampleSet, page: String) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
        acceptor.set_certificate_chain_file(set.path().join("tls/portal.cert.pem"))?;
        acceptor.set_private_key_file(set.path().join("tls/portal.key.pem"), SslFiletype::PEM)?;
        let (acceptor, page) = (Arc::new(acceptor.build()), Arc::new(page));
        let ends = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ends);
        let thread = thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                if told.load(Ordering::SeqCst) {
                    break;
                }
                let (acceptor, page) = (Arc::clone(&acceptor), Arc::clone(&page));
                // Browsers open connections that they do not use: one at a time would wait for those.
                thread::spawn(move || serve(&acceptor, connection, &page));
            }
        });
        Ok(Self { port, ends, thread: Some(thread) })
    }

    /// Its origin, as browsers report it.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("https://portal.example:{}", self.port)
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
fn serve(acceptor: &SslAcceptor, connection: TcpStream, page: &str) -> Option<()> {
    connection.set_read_timeout(Some(SILENCE)).ok()?;
    let mut connection = BufReader::new(acceptor.accept(connection).ok()?);
    read_head(&mut connection)?;
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
        page.len()
    );
    connection.get_mut().write_all(answer.as_bytes()).ok()?;
    connection.get_mut().shutdown().ok().map(drop)
}

fn read_head(connection: &mut BufReader<impl Read>) -> Option<()> {
    let mut line = String::new();
    loop {
        line.clear();
        let octets = connection.by_ref().take(8192).read_line(&mut line).ok()?;
        if octets == 0 || line == "\r\n" {
            return Some(());
        }
    }
}
