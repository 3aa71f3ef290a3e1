//! A back end that calls the client program itself, as a municipal service does whose clerk and card reader sit beside it:
//! it sends no `Origin`.

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::post_json;

/// The back end, during one session.
#[derive(Debug)]
pub struct BackEnd {
    client_port: u16,
    terminal_port: u16,
    hreq: String,
    calls: Calls,
}

/// How often each of the two was called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Calls {
    /// The client program.
    pub client: u32,
    /// The terminal.
    pub terminal: u32,
}

/// What the terminal made of a text: a CMS message.
pub type Signed = Vec<u8>;

impl BackEnd {
    /// Has the holder open his card, and card and terminal authenticate each other.
    ///
    /// # Errors
    /// The code of whoever refused.
    pub fn begin(client_port: u16, terminal_port: u16) -> Result<Self> {
        let mut session = Self { client_port, terminal_port, hreq: String::new(), calls: Calls::default() };
        let opened = session.client("/auth_sign", &json!({ "init": "true" }))?;
        let begun = session.terminal("bauth_init", json!({ "so_certificate": opened["SO_CERT"] }))?;
        begun["hreq"].as_str().context("no session")?.clone_into(&mut session.hreq);
        let (certificate, command) = (&begun["terminal_certificate"], &begun["cmd_to_card"]);
        let first = json!({ "terminal_certificate": certificate, "cmd_to_card": command });
        let mut answer = session.client("/api/v1/terminal_proxy_bauth_init", &first)?;
        loop {
            let step = session.terminal("bauth_process", json!({ "card_response": answer["card_response"] }))?;
            if step["is_bauth_established"] == true {
                return Ok(session);
            }
            answer = session.relay("terminal_proxy_bauth", &step)?;
        }
    }

    /// Has the terminal read these data groups, and gives what it found.
    ///
    /// # Errors
    /// The code of whoever refused.
    pub fn read(&mut self, groups: &[&str]) -> Result<Value> {
        let mut step = self.terminal("read_dg_init", json!({ "data_groups_to_read": groups }))?;
        loop {
            let answer = self.relay("terminal_proxy_command", &step)?;
            step = self.terminal("read_dg", json!({ "card_response": answer["card_response"] }))?;
            if step["is_last_dg_readed"] == true {
                break;
            }
        }
        Ok(self.terminal("request_dg", json!({}))?["personal_data"].take())
    }

    /// Has the card sign a text.
    ///
    /// # Errors
    /// The code of whoever refused.
    pub fn sign(&mut self, text: &str) -> Result<Signed> {
        let first = self.terminal("sign_init", json!({}))?;
        let answer = self.relay("terminal_proxy_sign_init", &first)?;
        let second = self.terminal("sign_select_app", json!({ "card_response": answer["card_response"] }))?;
        let answer = self.relay("terminal_proxy_command", &second)?;
        let data = openssl::base64::encode_block(text.as_bytes());
        let third = json!({ "card_response": answer["card_response"], "data_to_sign": data });
        let third = self.terminal("sign_data", third)?;
        let answer = self.relay("terminal_proxy_command", &third)?;
        let result = self.terminal("sign_result", json!({ "card_response": answer["card_response"] }))?;
        Ok(openssl::base64::decode_block(result["signature"].as_str().context("no signature")?)?)
    }

    /// Ends the session at the terminal.
    ///
    /// # Errors
    /// If the terminal refuses.
    pub fn log_out(mut self) -> Result<Calls> {
        self.terminal("bauth_logout", json!({}))?;
        Ok(self.calls)
    }

    /// Passes a command of the terminal's on to the card.
    fn relay(&mut self, endpoint: &str, step: &Value) -> Result<Value> {
        let command = json!({ "header_cmd_to_card": step["header_cmd_to_card"], "cmd_to_card": step["cmd_to_card"] });
        self.client(&format!("/api/v1/{endpoint}"), &command)
    }

    fn client(&mut self, path: &str, data: &Value) -> Result<Value> {
        self.calls.client += 1;
        let answer = post_json(self.client_port, path, data)?;
        match answer["err"].as_str() {
            None | Some("0") => Ok(answer),
            Some(code) => bail!("the client program refused {path}: {code}"),
        }
    }

    fn terminal(&mut self, endpoint: &str, mut data: Value) -> Result<Value> {
        self.calls.terminal += 1;
        if !self.hreq.is_empty() {
            data["hreq"] = self.hreq.as_str().into();
        }
        let answer = post_json(self.terminal_port, &format!("/api/v1/{endpoint}"), &data)?;
        match answer["code"].as_str() {
            None => Ok(answer),
            Some(code) => bail!("the terminal refused {endpoint}: {code}"),
        }
    }
}
