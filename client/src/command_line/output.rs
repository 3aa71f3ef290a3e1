//! Results: for people as lines, for programs as JSON, both on standard output.

use std::io::{ErrorKind, Write};

use latchkey_agent::{CardContents, CardStatus, PinStatus, ReaderEvent, ReaderReport};
use latchkey_crypto::assertion::Origin;
use latchkey_crypto::x509::{Certificate, HolderIdentity};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::console::pin_status;
use super::failure::CommandFailure;
use super::table::{columns, table};
use crate::portal::{Verdict, VerdictName};
use crate::texts::{Language, Texts};
use crate::wording::card_model;

/// A result: the text is made only if it is wanted.
pub(super) struct Output {
    pub(super) json: Value,
    pub(super) text: String,
}

impl Output {
    /// Writes the result in the form that was asked for.
    pub(super) fn write(&self, as_json: bool) -> Result<(), CommandFailure> {
        write(&if as_json { self.json.to_string() } else { self.text.clone() })
    }
}

/// Writes a text and the end of its line on standard output.
pub(super) fn write(text: &str) -> Result<(), CommandFailure> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        // Whoever read has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| CommandFailure::OutputFailed { reason: error.to_string() }),
    }
}

pub(super) fn readers(texts: &Texts, readers: &[ReaderReport]) -> Output {
    let line = |reader: &ReaderReport| {
        let key = if reader.card { "reader-with-card" } else { "reader-without-card" };
        texts.fill(key, &[("reader", reader.name.to_string().into())])
    };
    let text = if readers.is_empty() {
        texts.say("readers-none")
    } else {
        readers.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    let list: Vec<_> =
        readers.iter().map(|reader| json!({ "name": reader.name.to_string(), "card": reader.card })).collect();
    Output { json: json!({ "readers": list }), text }
}

/// What happened to a reader; `None` for what concerns nobody who watches cards.
pub(super) fn reader_event(texts: &Texts, event: &ReaderEvent) -> Option<Output> {
    let (reader, name, key) = match event {
        ReaderEvent::ReaderAppeared(reader) => (reader, "reader-appeared", "reader-appeared"),
        ReaderEvent::ReaderVanished(reader) => (reader, "reader-vanished", "reader-vanished"),
        ReaderEvent::CardInserted { reader, .. } => (reader, "card-inserted", "reader-with-card"),
        ReaderEvent::CardRemoved { reader, .. } => (reader, "card-removed", "reader-without-card"),
        ReaderEvent::ServiceUp => return Some(service_event(texts, "service-up")),
        ReaderEvent::ServiceDown => return Some(service_event(texts, "service-down")),
        _ => return None,
    };
    Some(Output {
        json: json!({ "event": name, "reader": reader.to_string() }),
        text: texts.fill(key, &[("reader", reader.to_string().into())]),
    })
}

fn service_event(texts: &Texts, name: &str) -> Output {
    Output { json: json!({ "event": name }), text: texts.say(name) }
}

pub(super) fn card(texts: &Texts, status: &CardStatus, contents: Option<&CardContents>, now: OffsetDateTime) -> Output {
    let mut rows = vec![
        (texts.say("card-reader"), status.reader.to_string()),
        (texts.say("card-model"), card_model(texts, status.model)),
        (texts.say("card-pin"), pin_status(texts, status.pin)),
    ];
    let mut json = json!({
        "reader": status.reader.to_string(),
        "model": status.model.code(),
        "pin": pin_json(status.pin),
    });
    if let Some(contents) = contents {
        let mut certificates = Vec::new();
        for (number, der) in (1_u32..).zip(&contents.certificates) {
            let heading = texts.fill("card-certificate", &[("number", number.into())]);
            match Certificate::from_der(der) {
                Ok(certificate) => {
                    rows.push((heading, certificate.public_key().to_string()));
                    rows.extend(certificate_rows(texts, &certificate, now));
                    certificates.push(certificate_json(&certificate, now));
                }
                Err(error) => {
                    tracing::warn!(%error, "a certificate on the card cannot be read");
                    rows.push((heading, texts.say("card-certificate-unreadable")));
                    certificates.push(Value::Null);
                }
            }
        }
        if let Some(object) = json.as_object_mut() {
            object.insert("certificates".into(), certificates.into());
        }
    }
    Output { json, text: table(&rows, columns()) }
}

pub(super) fn pin(texts: &Texts, done: &str, status: PinStatus) -> Output {
    let status_text = texts.fill("step-pin", &[("status", pin_status(texts, status).into())]);
    Output { json: json!({ "pin": pin_json(status) }), text: format!("{done}\n{status_text}") }
}

pub(super) fn accepted(texts: &Texts, origin: &Origin, verdict: &Verdict) -> Output {
    let holder = &verdict.holder;
    let name = match (texts.language(), &holder.belarusian_name) {
        (Language::Belarusian, Some(name)) => name,
        _ => &holder.name,
    };
    let latin = holder.latin_name.as_ref().map(|latin| format!(" ({latin})")).unwrap_or_default();
    let rows = [
        (texts.say("accepted-holder"), format!("{}{latin}", full_name(name))),
        (texts.say("card-personal-number"), holder.personal_number.clone()),
        (texts.say("accepted-assurance"), assurance(texts, &verdict.assurance)),
        (texts.say("accepted-session"), verdict.session.expires_at.clone()),
    ];
    let checks: Vec<_> =
        verdict.checks.iter().map(|check| (check_name(texts, &check.check), check.against.clone())).collect();
    let text = [
        texts.fill("accepted", &[("origin", origin.as_str().into())]),
        table(&rows, columns()),
        texts.say("accepted-checks"),
        table(&checks, columns()),
    ];
    let json = json!({ "result": "accepted", "origin": origin.as_str(), "verdict": verdict });
    Output { json, text: text.join("\n") }
}

/// A sign-in by link ends in the browser; who signed in is the browser's to show.
pub(super) fn opened(texts: &Texts, origin: &Origin) -> Output {
    let text = texts.fill("opened-in-browser", &[("origin", origin.as_str().into())]);
    Output { json: json!({ "result": "signed", "origin": origin.as_str() }), text }
}

fn certificate_rows(texts: &Texts, certificate: &Certificate, now: OffsetDateTime) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    if let Ok(holder) = HolderIdentity::of(certificate) {
        let name = match (texts.language(), holder.belarusian_name()) {
            (Language::Belarusian, Some(name)) => name,
            _ => holder.name(),
        };
        rows.push((texts.say("card-holder"), name.to_string()));
        rows.push((texts.say("card-personal-number"), holder.personal_number().to_string()));
    }
    let range = [("from", day(certificate.not_before()).into()), ("until", day(certificate.not_after()).into())];
    let state = match validity(certificate, now) {
        "expired" => "card-validity-expired",
        "future" => "card-validity-future",
        _ => "card-validity-current",
    };
    rows.push((texts.say("card-valid"), format!("{}; {}", texts.fill("card-valid-range", &range), texts.say(state))));
    rows.push((texts.say("card-issuer"), certificate.issuer().to_string()));
    rows.push((texts.say("card-serial"), certificate.serial_number().to_string()));
    rows
}

fn certificate_json(certificate: &Certificate, now: OffsetDateTime) -> Value {
    let holder = HolderIdentity::of(certificate).ok().map(|holder| {
        json!({
            "name": holder.name().to_string(),
            "belarusianName": holder.belarusian_name().map(ToString::to_string),
            "latinName": holder.latin_name(),
            "personalNumber": holder.personal_number().as_str(),
        })
    });
    json!({
        "holder": holder,
        "issuer": certificate.issuer().to_string(),
        "serialNumber": certificate.serial_number().to_string(),
        "notBefore": certificate.not_before().format(&Rfc3339).ok(),
        "notAfter": certificate.not_after().format(&Rfc3339).ok(),
        "validity": validity(certificate, now),
        "key": certificate.public_key().to_string(),
    })
}

fn validity(certificate: &Certificate, now: OffsetDateTime) -> &'static str {
    if now < certificate.not_before() {
        "future"
    } else if now > certificate.not_after() {
        "expired"
    } else {
        "current"
    }
}

fn pin_json(status: PinStatus) -> Value {
    let state = match status {
        PinStatus::Usable { .. } => "usable",
        PinStatus::Suspended => "suspended",
        PinStatus::Blocked => "blocked",
        PinStatus::Deactivated => "deactivated",
    };
    json!({ "state": state, "triesLeft": status.tries_left() })
}

fn full_name(name: &VerdictName) -> String {
    [&name.family, &name.given, &name.patronymic].into_iter().flatten().cloned().collect::<Vec<_>>().join(" ")
}

fn assurance(texts: &Texts, level: &str) -> String {
    match level {
        "low" => texts.say("assurance-low"),
        "substantial" => texts.say("assurance-substantial"),
        "high" => texts.say("assurance-high"),
        other => other.to_owned(),
    }
}

fn check_name(texts: &Texts, check: &str) -> String {
    match check {
        "challenge" => texts.say("check-challenge"),
        "validity" => texts.say("check-validity"),
        "key-usage" => texts.say("check-key-usage"),
        "path" => texts.say("check-path"),
        "signature" => texts.say("check-signature"),
        "revocation" => texts.say("check-revocation"),
        "policy" => texts.say("check-policy"),
        "identity" => texts.say("check-identity"),
        other => other.to_owned(),
    }
}

/// The day of a moment, as every language of the texts reads it.
fn day(moment: OffsetDateTime) -> String {
    moment.format(format_description!("[year]-[month]-[day]")).unwrap_or_default()
}
