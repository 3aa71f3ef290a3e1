//! A back end that calls the client program itself, as a municipal service does whose clerk and card reader sit beside it:
//! it sends no `Origin`.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::line::{Calls, Line, Party};

/// The back end, during one session.
#[derive(Debug)]
pub struct BackEnd<'a> {
    line: Line<'a>,
    hreq: String,
}

/// What the terminal made of a text: a CMS message.
pub type Signed = Vec<u8>;

impl<'a> BackEnd<'a> {
    /// Has the holder open his card, and card and terminal authenticate each other.
    ///
    /// # Errors
    /// [`Refused`](super::Refused), or why there is no answer.
    pub fn begin(client_port: u16, terminal_port: u16) -> Result<Self> {
        let mut session = Self::on(Line::to(client_port, terminal_port));
        session.authenticate()?;
        Ok(session)
    }

    /// Before any session, on these lines.
    #[must_use]
    pub const fn on(line: Line<'a>) -> Self {
        Self { line, hreq: String::new() }
    }

    /// The terminal's name of the session; empty before there is one.
    #[must_use]
    pub fn hreq(&self) -> &str {
        &self.hreq
    }

    /// The lines to client program and terminal.
    #[must_use]
    pub const fn line(&self) -> &Line<'a> {
        &self.line
    }

    /// Has the holder open his card, and card and terminal authenticate each other.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub fn authenticate(&mut self) -> Result<()> {
        let opened = self.client("/auth_sign", &json!({ "init": "true" }))?;
        let begun = self.terminal("/api/v1/bauth_init", json!({ "so_certificate": opened["SO_CERT"] }))?;
        self.go_on(&begun)
    }

    /// The same for a signed request, in the standard's ticket flow.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub fn authenticate_for(&mut self, request: &[u8]) -> Result<()> {
        let request = openssl::base64::encode_block(request);
        let opened = self.client("/latchkey/v1/ticket", &json!({ "request": request }))?;
        let begun = json!({ "request": request, "certhat": opened["certhat"] });
        let begun = self.terminal("/latchkey/v1/tickets", begun)?;
        self.go_on(&begun)
    }

    fn go_on(&mut self, begun: &Value) -> Result<()> {
        begun["hreq"].as_str().context("no session")?.clone_into(&mut self.hreq);
        let (certificate, command) = (&begun["terminal_certificate"], &begun["cmd_to_card"]);
        let first = json!({ "terminal_certificate": certificate, "cmd_to_card": command });
        let mut answer = self.client("/api/v1/terminal_proxy_bauth_init", &first)?;
        loop {
            let step = self.terminal("/api/v1/bauth_process", json!({ "card_response": answer["card_response"] }))?;
            if step["is_bauth_established"] == true {
                return Ok(());
            }
            answer = self.relay("terminal_proxy_bauth", &step)?;
        }
    }

    /// Has the terminal read these data groups, and gives what it found.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub fn read(&mut self, groups: &[&str]) -> Result<Value> {
        let step = self.terminal("/api/v1/read_dg_init", json!({ "data_groups_to_read": groups }))?;
        self.read_on(step)?;
        Ok(self.terminal("/api/v1/request_dg", json!({}))?["personal_data"].take())
    }

    /// Has the terminal read what the signed request asks for, and gives its ticket: a CMS message.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub fn ticket(&mut self) -> Result<Signed> {
        let step = self.terminal("/latchkey/v1/tickets/read", json!({}))?;
        self.read_on(step)?;
        let issued = self.terminal("/latchkey/v1/tickets/issue", json!({}))?;
        Ok(openssl::base64::decode_block(issued["ticket"].as_str().context("no ticket")?)?)
    }

    fn read_on(&mut self, mut step: Value) -> Result<()> {
        while step["is_last_dg_readed"] != true {
            let answer = self.relay("terminal_proxy_command", &step)?;
            step = self.terminal("/api/v1/read_dg", json!({ "card_response": answer["card_response"] }))?;
        }
        Ok(())
    }

    /// Has the card sign a text.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub fn sign(&mut self, text: &str) -> Result<Signed> {
        let first = self.terminal("/api/v1/sign_init", json!({}))?;
        let answer = self.relay("terminal_proxy_sign_init", &first)?;
        let second = self.terminal("/api/v1/sign_select_app", json!({ "card_response": answer["card_response"] }))?;
        let answer = self.relay("terminal_proxy_command", &second)?;
        let data = openssl::base64::encode_block(text.as_bytes());
        let third = json!({ "card_response": answer["card_response"], "data_to_sign": data });
        let third = self.terminal("/api/v1/sign_data", third)?;
        let answer = self.relay("terminal_proxy_command", &third)?;
        let result = self.terminal("/api/v1/sign_result", json!({ "card_response": answer["card_response"] }))?;
        Ok(openssl::base64::decode_block(result["signature"].as_str().context("no signature")?)?)
    }

    /// Has the terminal replace the card's key for terminals and write a certificate for it; gives the terminal's last
    /// answer.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub fn renew(&mut self) -> Result<Value> {
        let opened = self.client("/latchkey/v1/renewal", &json!({}))?;
        let begun = self.terminal("/latchkey/v1/renewals", json!({ "certhat": opened["certhat"] }))?;
        self.go_on(&begun)?;
        let mut step = self.terminal("/latchkey/v1/renewals/start", json!({}))?;
        loop {
            step = match step["next"].as_str() {
                Some("command") => {
                    let answer = self.relay("terminal_proxy_command", &step)?;
                    self.terminal("/latchkey/v1/renewals/step", json!({ "card_response": answer["card_response"] }))?
                }
                Some("confirm") => {
                    self.client("/latchkey/v1/renewal/confirm", &json!({}))?;
                    self.terminal("/latchkey/v1/renewals/confirmed", json!({}))?
                }
                _ => return Ok(step),
            };
        }
    }

    /// Ends the session at the terminal.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub fn log_out(&mut self) -> Result<Calls> {
        self.terminal("/api/v1/bauth_logout", json!({}))?;
        Ok(self.line.calls())
    }

    /// Passes a command of the terminal's on to the card.
    fn relay(&mut self, endpoint: &str, step: &Value) -> Result<Value> {
        let command = json!({ "header_cmd_to_card": step["header_cmd_to_card"], "cmd_to_card": step["cmd_to_card"] });
        self.client(&format!("/api/v1/{endpoint}"), &command)
    }

    fn client(&mut self, path: &str, data: &Value) -> Result<Value> {
        self.line.call(Party::Client, path, data)
    }

    fn terminal(&mut self, path: &str, mut data: Value) -> Result<Value> {
        if !self.hreq.is_empty() {
            data["hreq"] = self.hreq.as_str().into();
        }
        self.line.call(Party::Terminal, path, &data)
    }
}
