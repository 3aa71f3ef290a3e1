//! What an attacker on the network does to the running service.

use std::io::{ErrorKind, Read, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::process::{Installation, PATIENCE, Process, connect, connector, exchange};

const LIVE: &str = "GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
const KEPT_ALIVE: &[u8] = b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n";

/// A service with short limits.
fn impatient() -> Installation {
    let installation = Installation::new();
    let path = installation.directory.path().join("portal.toml");
    let configuration = std::fs::read_to_string(&path).unwrap();
    let configuration = configuration
        .replace("request_seconds = 15", "request_seconds = 1")
        .replace("stop_seconds = 30", "stop_seconds = 2");
    std::fs::write(&path, configuration).unwrap();
    installation
}

/// More connections than the process may have files.
#[test]
fn a_flood_of_connections_passes() {
    let installation = impatient();
    let mut command = std::process::Command::new("sh");
    let service = installation.command("serve");
    command.arg("-c").arg("ulimit -n 48 && exec \"$0\" \"$@\"").arg(service.get_program()).args(service.get_args());
    let service = Process::spawn(command);
    let flood: Vec<_> = (0..100).map(|_| TcpStream::connect(("127.0.0.1", service.port)).unwrap()).collect();
    let turned_away = TcpStream::connect(("127.0.0.1", service.port)).unwrap();
    turned_away.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    assert!(connector(&installation).build().connect("localhost", turned_away).is_err(), "the flood was too small");
    drop(flood);
    assert!(exchange(&installation, service.port, LIVE).starts_with("HTTP/1.1 200"));
    service.signal("TERM");
    let (status, log) = service.end();
    assert_eq!(status.code(), Some(0), "{log}");
}

/// A visitor who asks much and reads nothing.
#[test]
fn who_does_not_read_the_answers_is_cut_off() {
    let installation = impatient();
    let service = installation.start();
    let mut stream = connect(&installation, service.port);
    stream.get_ref().set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    let questions = b"GET /api/v1/openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100);
    let begun = Instant::now();
    let error = loop {
        match stream.write_all(&questions) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => break error,
            _ => assert!(begun.elapsed() < PATIENCE, "still connected"),
        }
    };
    assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
}

/// A connection that says nothing: before the handshake, before a request, within one, after one.
#[test]
fn who_says_nothing_is_hung_up_on() {
    let installation = impatient();
    let service = installation.start();
    let mut without_tls = TcpStream::connect(("127.0.0.1", service.port)).unwrap();
    without_tls.set_read_timeout(Some(PATIENCE)).unwrap();
    for said in [&b""[..], b"GET / HT", KEPT_ALIVE] {
        let mut stream = connect(&installation, service.port);
        stream.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(said).unwrap();
        assert_ends(&mut stream);
    }
    assert_ends(&mut without_tls);
}

/// The other end closes the connection, in whichever way.
fn assert_ends(stream: &mut impl Read) {
    let end = stream.read_to_end(&mut Vec::new());
    assert!(!matches!(&end, Err(error) if error.kind() == ErrorKind::WouldBlock), "{end:?}");
}

/// Requests that two readers could understand differently, or that are none, on connections of their own.
#[test]
fn ambiguous_requests_are_refused_or_end_the_connection() {
    let installation = impatient();
    let service = installation.start();
    let post = "POST /api/v1/challenges HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let hidden = "GET /api/v1/session HTTP/1.1\r\nhost: x\r\n\r\n";
    let rows = [
        ("two lengths", format!("{post}content-length: 2\r\ncontent-length: 40\r\n\r\n{{}}{hidden}")),
        ("a length and chunks", format!("{post}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{{}}{hidden}")),
        ("chunks, then something", format!("{post}transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n{hidden}")),
        ("a chunk without end", format!("{post}transfer-encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n{{}}")),
        ("a signed length", format!("{post}content-length: +2\r\n\r\n{{}}{hidden}")),
        ("a folded header", format!("{post}x: y\r\n z: 1\r\ncontent-length: 2\r\n\r\n{{}}")),
        ("a space before the colon", format!("{post}content-length : 2\r\n\r\n{{}}")),
        ("a head without end", format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(70_000))),
        ("too many headers", format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "x: y\r\n".repeat(1000))),
        ("another version", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
        ("no HTTP", "\u{0}\u{1}\u{2}\r\n\r\n".to_owned()),
    ];
    for (name, request) in rows {
        let mut stream = connect(&installation, service.port);
        stream.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
        // The service may end the connection before it has read all.
        let _ = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{name}: {answer}");
        assert!(answer.matches("HTTP/1.1").count() <= 1, "{name}: {answer}");
        assert!(!answer.contains("body-too-large"), "{name}: {answer}");
    }
    assert!(exchange(&installation, service.port, LIVE).starts_with("HTTP/1.1 200"));
}
