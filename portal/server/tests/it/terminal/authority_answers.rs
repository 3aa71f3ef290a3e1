//! What the issuing authority answers, read before anything is believed: whole or refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_portal::terminal::authority::{AuthorityError, CERTIFICATE_MAX_SIZE, Collected, IssuedToTerminal};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::credentials::{pki, terminal};

/// A terminal's certificate, and what stands above it.
fn answer() -> Value {
    let cv = pki();
    let [own, above] = [terminal(&cv).certificate, cv.authority().certificate.clone()].map(|one| one.to_octets());
    json!({ "certificate": STANDARD.encode(own), "path": [STANDARD.encode(above)], "more": "is passed over" })
}

fn octets(answer: &Value) -> Vec<u8> {
    answer.to_string().into_bytes()
}

fn refused(status: u16, body: &[u8]) -> &'static str {
    IssuedToTerminal::of_answer(status, body).unwrap_err().code()
}

#[test]
fn a_terminals_certificate_is_read_whole_or_not_at_all() {
    let whole = octets(&answer());
    let issued = IssuedToTerminal::of_answer(200, &whole).unwrap();
    assert_eq!((issued.certificate, issued.path.len()), (terminal(&pki()).certificate, 1));
    for kept in 0..whole.len() {
        assert_eq!(refused(200, &whole[..kept]), "authority-answer-malformed", "{kept} octets of an answer");
    }
    let own = terminal(&pki()).certificate.to_octets();
    for kept in 0..own.len() {
        let cut = STANDARD.encode(&own[..kept]);
        for (certificate, path) in [(&cut, vec![]), (&STANDARD.encode(&own), vec![&cut])] {
            let body = octets(&json!({ "certificate": certificate, "path": path }));
            assert_eq!(refused(200, &body), "authority-answer-malformed", "{kept} octets of a certificate");
        }
    }
    let mut long = answer();
    long["path"] = json!(vec![long["certificate"].clone(); 3]);
    assert_eq!(refused(200, &octets(&long)), "authority-answer-malformed", "a path of three");
    for status in [0, 199, 201, 202, 302, 404, 500, 999] {
        assert_eq!(refused(status, &whole), "authority-refused", "{status}");
    }
}

#[test]
fn a_holders_certificate_fits_a_card() {
    let collected = |status, body: &[u8]| Collected::of_answer(status, body.to_vec());
    assert_eq!(collected(200, &[7; CERTIFICATE_MAX_SIZE]).unwrap(), Collected::Issued(vec![7; CERTIFICATE_MAX_SIZE]));
    let long = collected(200, &[7; CERTIFICATE_MAX_SIZE + 1]).unwrap_err();
    assert_eq!(long.code(), "authority-answer-malformed");
    assert_eq!(collected(202, b"").unwrap(), Collected::NotYet);
    let unknown = br#"{"code":"request-unknown","message":"?"}"#;
    assert_eq!(collected(404, unknown).unwrap(), Collected::Unknown);
    for (status, body) in [(404, &unknown[..unknown.len() - 1]), (404, b"{\"code\":\"not-found\"}"), (410, unknown)] {
        assert_eq!(collected(status, body).unwrap_err().code(), "authority-refused", "{status}");
    }
}

/// Codes of others go into the log only if they look like codes.
#[test]
fn a_refusals_code_is_one_or_is_left_out() {
    let rows = [("person-unknown", "person-unknown"), ("Line\nbreak", ""), (&"a".repeat(65), "")];
    for (told, kept) in rows {
        let body = octets(&json!({ "code": told }));
        let Err(AuthorityError::Refused { code, .. }) = IssuedToTerminal::of_answer(422, &body) else {
            panic!("{told} is no refusal")
        };
        assert_eq!(code, kept);
    }
}

proptest! {
    #[test]
    fn whatever_is_answered_is_read_or_refused(status: u16, body: Vec<u8>) {
        prop_assert!(IssuedToTerminal::of_answer(status, &body).is_err());
        let is_refused = Collected::of_answer(status, body).is_err();
        prop_assert_eq!(is_refused, !matches!(status, 200 | 202));
    }

    #[test]
    fn an_altered_answer_is_refused_or_has_certificates(place: prop::sample::Index, mask in 1_u8..) {
        let mut body = octets(&answer());
        let place = place.index(body.len());
        body[place] ^= mask;
        match IssuedToTerminal::of_answer(200, &body) {
            Ok(issued) => {
                let again = latchkey_crypto::cv::Certificate::parse(&issued.certificate.to_octets());
                prop_assert_eq!(again.ok(), Some(issued.certificate));
                prop_assert!(issued.path.len() <= 2);
            }
            Err(error) => prop_assert_eq!(error.code(), "authority-answer-malformed"),
        }
    }
}
