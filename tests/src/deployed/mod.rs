//! Portals as they stand in the field, which know nothing of Latchkey: written from what is known of their calls to the
//! client program on 127.0.0.1 and to the terminal, without our page module.

#![expect(clippy::indexing_slicing, reason = "a JSON value that is not there is null")]

mod attended;
mod back_end;
mod city_portal;
mod expert_portal;
mod line;
mod page;
mod state_provider;

pub use attended::{Attended, AttendedOrder, SITE};
pub use back_end::{BackEnd, Signed};
pub use city_portal::CityPortal;
pub use expert_portal::{ExpertPortal, RelayingSite};
pub use line::{Accident, Call, Calls, Fate, Line, Party, Refused};
pub use state_provider::{RelyingPartysProgram, StateProvider};

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// A person may have to think meanwhile.
const PATIENCE: Duration = Duration::from_secs(150);

/// Calls a service on this computer that speaks plain HTTP: its answer, whatever its status.
///
/// # Errors
/// If it does not answer with JSON.
pub fn post_json(port: u16, path: &str, data: &Value) -> Result<Value> {
    post_json_as(None, port, path, data)
}

/// The same for a page of that origin, if one is given.
///
/// # Errors
/// If it does not answer with JSON.
pub fn post_json_as(origin: Option<&str>, port: u16, path: &str, data: &Value) -> Result<Value> {
    let mut stream = BufReader::new(connect(port)?);
    stream.get_mut().write_all(&request(origin, port, path, data))?;
    let mut line = String::new();
    while stream.read_line(&mut line)? > 0 && !line.ends_with("\r\n\r\n") {
        if line.len() > 16 * 1024 {
            bail!("the head of the answer has no end");
        }
    }
    let mut answer = Vec::new();
    stream.take(1 << 22).read_to_end(&mut answer)?;
    serde_json::from_slice(&answer).with_context(|| format!("{path} was answered with {line}"))
}

fn connect(port: u16) -> Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port)).with_context(|| format!("nobody answers at port {port}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

fn request(origin: Option<&str>, port: u16, path: &str, data: &Value) -> Vec<u8> {
    let body = data.to_string();
    let origin = origin.map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n{origin}\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body.as_bytes()].concat()
}
