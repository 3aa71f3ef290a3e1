//! CV certificates, against the test set that bee2's command-line program made, the model certificates, and a test
//! authority's faults.

use latchkey_crypto::cv::{Certificate, Date, Name};
use latchkey_fixtures::vectors::file;

mod card;
mod manifest;
mod paths;
mod reading;
mod rights;
mod writing;

fn certificate(octets: &[u8]) -> Certificate {
    Certificate::parse(octets).unwrap()
}

fn name(text: &str) -> Name {
    Name::parse(text.as_bytes()).unwrap()
}

/// The day that `YYMMDD` writes.
fn day(text: &str) -> Date {
    let digits: Vec<u8> = text.bytes().map(|digit| digit - b'0').collect();
    Date::from_octets(digits.try_into().unwrap()).unwrap()
}

/// The day of the standard test set.
fn today() -> Date {
    day("261121")
}

/// Every certificate, link and request of the test set.
fn test_set() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("card-with-rights.cert", file("cv/card-with-rights.cert")),
        ("card.cert", file("cv/card.cert")),
        ("lowca.cert", file("cv/lowca.cert")),
        ("root-bad-self-signature.cert", file("cv/root-bad-self-signature.cert")),
        ("root.cert", file("cv/root.cert")),
        ("root2-bad.link", file("cv/root2-bad.link")),
        ("root2.cert", file("cv/root2.cert")),
        ("root2.link", file("cv/root2.link")),
        ("sub-expired.cert", file("cv/sub-expired.cert")),
        ("sub.cert", file("cv/sub.cert")),
        ("sub.req", file("cv/sub.req")),
        ("terminal-altered-date.cert", file("cv/terminal-altered-date.cert")),
        ("terminal-bad-signature.cert", file("cv/terminal-bad-signature.cert")),
        ("terminal-cut.cert", file("cv/terminal-cut.cert")),
        ("terminal-date-ascii.cert", file("cv/terminal-date-ascii.cert")),
        ("terminal-date-month-13.cert", file("cv/terminal-date-month-13.cert")),
        ("terminal-expired.cert", file("cv/terminal-expired.cert")),
        ("terminal-from-after-until.cert", file("cv/terminal-from-after-until.cert")),
        ("terminal-future.cert", file("cv/terminal-future.cert")),
        ("terminal-key-off-curve.cert", file("cv/terminal-key-off-curve.cert")),
        ("terminal-level-above-issuer.cert", file("cv/terminal-level-above-issuer.cert")),
        ("terminal-name-too-short.cert", file("cv/terminal-name-too-short.cert")),
        ("terminal-no-rights.cert", file("cv/terminal-no-rights.cert")),
        ("terminal-reserved-rights-bit.cert", file("cv/terminal-reserved-rights-bit.cert")),
        ("terminal-starts-before-issuer.cert", file("cv/terminal-starts-before-issuer.cert")),
        ("terminal-trailing-octet.cert", file("cv/terminal-trailing-octet.cert")),
        ("terminal-under-expired-sub.cert", file("cv/terminal-under-expired-sub.cert")),
        ("terminal-wrong-issuer-name.cert", file("cv/terminal-wrong-issuer-name.cert")),
        ("terminal-zero-rights-written.cert", file("cv/terminal-zero-rights-written.cert")),
        ("terminal.cert", file("cv/terminal.cert")),
        ("terminal.req", file("cv/terminal.req")),
        ("terminal2.cert", file("cv/terminal2.cert")),
        ("terminal2.req", file("cv/terminal2.req")),
    ]
}

fn octets_of(file: &str) -> Vec<u8> {
    test_set().into_iter().find(|(name, _)| *name == file).unwrap_or_else(|| panic!("{file}")).1
}
