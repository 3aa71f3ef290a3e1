//! What the pages have in common.

use anyhow::Result;
use serde_json::{Value, json};

use super::post_json;
use crate::desktop::Answered;

const TERMINAL_SESSION: &str = include_str!("terminal-session.js");

/// A page whose visitors' client program listens at that port.
pub(super) fn page(html: &str, client_port: u16) -> String {
    html.replace("TERMINAL_SESSION", TERMINAL_SESSION).replace("CLIENT_PORT", &client_port.to_string())
}

/// Passes on to the terminal what a page says, as back ends in the field do.
pub(super) fn pass_on(body: &[u8], terminal_port: u16) -> Answered {
    let passed = || -> Result<Value> {
        let call: Value = serde_json::from_slice(body)?;
        post_json(terminal_port, call["urlCall"].as_str().unwrap_or_default(), &call["dataCall"])
    };
    // As a back end that has nothing better to say.
    let unreachable = |error: anyhow::Error| json!({ "code": "terminal-unreachable", "message": error.to_string() });
    Answered::json(&passed().unwrap_or_else(unreachable))
}
