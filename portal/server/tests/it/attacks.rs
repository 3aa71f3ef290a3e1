//! What an attacker on the network does to the running service.

use std::io::{ErrorKind, Read as _, Write as _};
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

/// A connection that says nothing, before or after a request.
#[test]
fn who_says_nothing_is_hung_up_on() {
    let installation = impatient();
    let service = installation.start();
    for said in [&b""[..], KEPT_ALIVE, b"GET / HT"] {
        let mut stream = connect(&installation, service.port);
        stream.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(said).unwrap();
        let mut answer = Vec::new();
        let end = stream.read_to_end(&mut answer);
        assert!(!matches!(&end, Err(error) if error.kind() == ErrorKind::WouldBlock), "{said:?}: {end:?}");
    }
}
