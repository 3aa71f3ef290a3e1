//! Assertions, origins and challenges: what is read, what is refused, what is signed over.

use latchkey_crypto::assertion::{
    ASSERTION_MAX_SIZE, Assertion, AssertionAlgorithm, AssertionError, ChallengeText, InvalidChallenge, InvalidOrigin,
    Origin, signed_hash,
};
use latchkey_crypto::hash::HashAlgorithm;
use latchkey_crypto::{belt, sha2::Sha2};
use latchkey_fixtures::random::Seeded;
use proptest::prelude::*;
use serde_json::json;

const BELT: AssertionAlgorithm = AssertionAlgorithm::Bign(HashAlgorithm::BeltHash);
const CHALLENGE: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

#[test]
fn origins_have_one_spelling() {
    let rows = [
        ("plain", "https://portal.example", "https://portal.example", "portal.example", 443),
        ("upper case", "HTTPS://Portal.EXAMPLE", "https://portal.example", "portal.example", 443),
        ("default port", "https://portal.example:443", "https://portal.example", "portal.example", 443),
        ("other port", "https://portal.example:8443", "https://portal.example:8443", "portal.example", 8443),
        ("one label", "https://localhost:1", "https://localhost:1", "localhost", 1),
        ("IPv4", "https://127.0.0.1:65535", "https://127.0.0.1:65535", "127.0.0.1", 65535),
        ("IPv6", "https://[::1]:8443", "https://[::1]:8443", "[::1]", 8443),
        ("IPv6 without port", "https://[2001:DB8::1]", "https://[2001:db8::1]", "[2001:db8::1]", 443),
        (
            "international",
            "https://xn--80aaxitdbjk.xn--90ais",
            "https://xn--80aaxitdbjk.xn--90ais",
            "xn--80aaxitdbjk.xn--90ais",
            443,
        ),
    ];
    for (name, text, canonical, host, port) in rows {
        let origin = Origin::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((origin.as_str(), origin.host(), origin.port()), (canonical, host, port), "{name}");
        assert_eq!(origin, Origin::parse(canonical).unwrap(), "{name}");
    }
}

#[test]
fn an_origin_without_tls_is_one_of_this_computer() {
    for text in ["http://localhost", "http://127.0.0.1:3000", "http://[::1]:8080"] {
        let origin = Origin::parse_on_loopback(text).unwrap();
        assert_eq!(origin.as_str(), text);
        assert_eq!(Origin::parse(text), Err(InvalidOrigin::NotHttps), "{text}");
    }
    let origin = Origin::parse_on_loopback("http://localhost:80").unwrap();
    assert_eq!((origin.as_str(), origin.host(), origin.port()), ("http://localhost", "localhost", 80));
    for text in [
        "http://portal.example",
        "http://localhost.example",
        "http://127.0.0.2",
        "http://localhost/",
        "https://localhost",
        "http://localhost@portal.example",
    ] {
        assert!(Origin::parse_on_loopback(text).is_err(), "{text}");
    }
}

#[test]
fn what_is_no_origin_is_refused() {
    let long_label = format!("https://{}.example", "a".repeat(64));
    let long = format!("https://{}example", "a.".repeat(130));
    let rows = [
        ("empty", "", InvalidOrigin::NotHttps),
        ("opaque", "null", InvalidOrigin::NotHttps),
        ("http", "http://portal.example", InvalidOrigin::NotHttps),
        ("wss", "wss://portal.example", InvalidOrigin::NotHttps),
        ("no scheme", "portal.example", InvalidOrigin::NotHttps),
        ("leading space", " https://portal.example", InvalidOrigin::NotHttps),
        ("trailing slash", "https://portal.example/", InvalidOrigin::MoreThanOrigin),
        ("backslash", "https://portal.example\\", InvalidOrigin::MoreThanOrigin),
        ("path", "https://portal.example/sign-in", InvalidOrigin::MoreThanOrigin),
        ("query", "https://portal.example?a", InvalidOrigin::MoreThanOrigin),
        ("fragment", "https://portal.example#a", InvalidOrigin::MoreThanOrigin),
        ("user", "https://portal.example@evil.example", InvalidOrigin::MoreThanOrigin),
        ("trailing line feed", "https://portal.example\n", InvalidOrigin::MoreThanOrigin),
        ("no host", "https://", InvalidOrigin::Host),
        ("port only", "https://:8443", InvalidOrigin::Host),
        ("dot at the end", "https://portal.example.", InvalidOrigin::Host),
        ("empty label", "https://portal..example", InvalidOrigin::Host),
        ("hyphen first", "https://-portal.example", InvalidOrigin::Host),
        ("hyphen last", "https://portal-.example", InvalidOrigin::Host),
        ("underscore", "https://por_tal.example", InvalidOrigin::Host),
        ("not ASCII", "https://партал.бел", InvalidOrigin::Host),
        ("percent", "https://%70ortal.example", InvalidOrigin::Host),
        ("long label", &long_label, InvalidOrigin::Host),
        ("long", &long, InvalidOrigin::TooLong),
        ("short IPv4", "https://127.1", InvalidOrigin::Host),
        ("octal IPv4", "https://0177.0.0.1", InvalidOrigin::Host),
        ("decimal IPv4", "https://2130706433", InvalidOrigin::Host),
        ("hexadecimal IPv4", "https://0x7f000001", InvalidOrigin::Host),
        ("IPv4 in IPv6", "https://[::ffff:127.0.0.1]", InvalidOrigin::Host),
        ("loose IPv6", "https://[0:0::1]", InvalidOrigin::Host),
        ("IPv6 with zone", "https://[fe80::1%eth0]", InvalidOrigin::Host),
        ("open bracket", "https://[::1", InvalidOrigin::Host),
        ("text after bracket", "https://[::1]a", InvalidOrigin::Host),
        ("empty port", "https://portal.example:", InvalidOrigin::Port),
        ("zero port", "https://portal.example:0", InvalidOrigin::Port),
        ("leading zero", "https://portal.example:0443", InvalidOrigin::Port),
        ("signed port", "https://portal.example:+443", InvalidOrigin::Port),
        ("large port", "https://portal.example:65536", InvalidOrigin::Port),
        ("two ports", "https://portal.example:1:2", InvalidOrigin::Port),
    ];
    for (name, text, error) in rows {
        assert_eq!(Origin::parse(text), Err(error), "{name}");
    }
}

#[test]
fn challenges_have_256_bits_at_least() {
    assert_eq!(ChallengeText::parse(CHALLENGE).unwrap().as_str(), CHALLENGE);
    let longest = "A".repeat(128);
    assert_eq!(ChallengeText::parse(&longest).unwrap().as_str(), longest);
    let rows = [
        ("empty", String::new(), InvalidChallenge::Size(0)),
        ("31 octets in 44 characters", format!("{}A==", "A".repeat(41)), InvalidChallenge::Size(44)),
        ("43 characters", "A".repeat(43), InvalidChallenge::Size(43)),
        ("129 characters", "A".repeat(129), InvalidChallenge::Size(129)),
        ("132 characters", "A".repeat(132), InvalidChallenge::Size(132)),
        ("no padding", "A".repeat(47), InvalidChallenge::NotBase64),
        ("bits beyond the end", format!("{}B=", "A".repeat(42)), InvalidChallenge::NotBase64),
        ("address alphabet", "-".repeat(44), InvalidChallenge::NotBase64),
        ("white space", format!("{} \n", CHALLENGE), InvalidChallenge::NotBase64),
    ];
    for (name, text, error) in rows {
        assert_eq!(ChallengeText::parse(&text), Err(error), "{name}");
    }
}

#[test]
fn drawn_challenges_are_readable_and_differ() {
    let mut random = Seeded::new("challenges");
    let (first, second) = (ChallengeText::draw(&mut random), ChallengeText::draw(&mut random));
    assert_ne!(first, second);
    assert_eq!(ChallengeText::parse(first.as_str()).unwrap(), first);
    assert_eq!(first.as_str().len(), 44);
}

/// H(H(origin) ‖ H(challenge)), written out here by hand for belt-hash and, from published values of SHA-256, for
/// ECDSA.
#[test]
fn the_signed_hash_is_over_the_two_hashes() {
    let origin = Origin::parse("https://portal.example").unwrap();
    let challenge = ChallengeText::parse(CHALLENGE).unwrap();
    let by_hand = belt::hash(&[&belt::hash(&[b"https://portal.example"]), &belt::hash(&[CHALLENGE.as_bytes()])]);
    assert_eq!(signed_hash(BELT, &origin, &challenge), by_hand);

    // From Python's hashlib.
    let es256 = signed_hash(AssertionAlgorithm::Ecdsa(Sha2::Sha256), &origin, &challenge);
    assert_eq!(hex::encode(es256), "b799c9722e6cee31784f91fd8c5920df5fd7915f086460ff03539492e3e76175");
}

#[test]
fn every_algorithm_is_found_by_its_name() {
    for algorithm in AssertionAlgorithm::ALL {
        assert_eq!(AssertionAlgorithm::of_name(algorithm.name()), Some(algorithm), "{algorithm}");
    }
    for name in ["", "none", "es256", "HS256", "bign", "BIGN-WITH-HBELT", "ES256 "] {
        assert_eq!(AssertionAlgorithm::of_name(name), None, "{name}");
    }
}

fn good() -> serde_json::Value {
    json!({
        "unverifiedCertificate": "MAA=",
        "algorithm": "bign-with-hbelt",
        "signature": "AAAA",
        "format": "web-eid:1.0",
        "appVersion": "https://latchkey.example/releases/1.0.0",
    })
}

#[test]
fn an_assertion_is_read_and_written() {
    let assertion = Assertion::parse(good().to_string().as_bytes()).unwrap();
    assert_eq!(assertion.unverified_certificate(), [0x30, 0x00]);
    assert_eq!(assertion.algorithm(), BELT);
    assert_eq!(assertion.signature(), [0, 0, 0]);
    assert_eq!(assertion.app_version(), "https://latchkey.example/releases/1.0.0");
    let written: serde_json::Value = serde_json::from_str(&assertion.to_json()).unwrap();
    assert_eq!(written, good());
}

#[test]
fn a_malformed_assertion_is_refused() {
    let with = |field: &str, value: serde_json::Value| {
        let mut json = good();
        json[field] = value;
        json.to_string()
    };
    let without = |field: &str| {
        let mut json = good();
        json.as_object_mut().unwrap().remove(field);
        json.to_string()
    };
    let json_fault: fn(&AssertionError) -> bool = |error| matches!(error, AssertionError::Json(_));
    type Row = (&'static str, String, fn(&AssertionError) -> bool);
    let rows: Vec<Row> = vec![
        ("empty", String::new(), json_fault),
        ("null", "null".to_owned(), json_fault),
        ("array of the values", json!(["MAA=", "ES256", "AAAA", "web-eid:1.0", "a"]).to_string(), json_fault),
        ("unknown field", with("extra", json!("")), json_fault),
        ("no certificate", without("unverifiedCertificate"), json_fault),
        ("no algorithm", without("algorithm"), json_fault),
        ("no signature", without("signature"), json_fault),
        ("no format", without("format"), json_fault),
        ("no version", without("appVersion"), json_fault),
        ("number for text", with("signature", json!(1)), json_fault),
        ("null for text", with("appVersion", json!(null)), json_fault),
        ("field twice", good().to_string().replacen('{', "{\"format\":\"web-eid:1.0\",", 1), json_fault),
        (
            "field twice, one escaped",
            good().to_string().replacen('{', "{\"\\u0066ormat\":\"web-eid:1.0\",", 1),
            json_fault,
        ),
        ("octets behind", good().to_string() + "{}", json_fault),
        ("byte order mark", format!("\u{feff}{}", good()), json_fault),
        ("too long", " ".repeat(ASSERTION_MAX_SIZE) + &good().to_string(), |e| matches!(e, AssertionError::TooLong(_))),
        ("later format", with("format", json!("web-eid:1.1")), |e| *e == AssertionError::Format),
        ("no format name", with("format", json!("")), |e| *e == AssertionError::Format),
        ("unknown algorithm", with("algorithm", json!("none")), |e| *e == AssertionError::Algorithm),
        ("algorithm in other case", with("algorithm", json!("es256")), |e| *e == AssertionError::Algorithm),
        ("certificate empty", with("unverifiedCertificate", json!("")), |e| {
            *e == AssertionError::Base64("unverifiedCertificate")
        }),
        ("certificate long", with("unverifiedCertificate", json!("AAAA".repeat(2731))), |e| {
            *e == AssertionError::Base64("unverifiedCertificate")
        }),
        ("certificate in lines", with("unverifiedCertificate", json!("MA\nA=")), |e| {
            *e == AssertionError::Base64("unverifiedCertificate")
        }),
        ("signature without padding", with("signature", json!("AA")), |e| *e == AssertionError::Base64("signature")),
        ("signature with loose bits", with("signature", json!("AB==")), |e| *e == AssertionError::Base64("signature")),
        ("signature long", with("signature", json!("AAAA".repeat(342))), |e| *e == AssertionError::Base64("signature")),
        ("version empty", with("appVersion", json!("")), |e| *e == AssertionError::AppVersion),
        ("version long", with("appVersion", json!("a".repeat(256))), |e| *e == AssertionError::AppVersion),
        ("status answer empty", with("statusAnswer", json!("")), |e| *e == AssertionError::Base64("statusAnswer")),
        ("status answer long", with("statusAnswer", json!("A".repeat(5464))), |e| {
            *e == AssertionError::Base64("statusAnswer")
        }),
        ("status answer not a string", with("statusAnswer", json!(null)), |e| matches!(e, AssertionError::Json(_))),
        ("version with line feed", with("appVersion", json!("a\nb")), |e| *e == AssertionError::AppVersion),
    ];
    for (name, json, is_expected) in rows {
        let error = Assertion::parse(json.as_bytes()).expect_err(name);
        assert!(is_expected(&error), "{name}: {error:?}");
    }
}

#[test]
fn every_truncation_of_an_assertion_is_refused() {
    let whole = good().to_string();
    for kept in 0..whole.len() {
        assert!(Assertion::parse(&whole.as_bytes()[..kept]).is_err(), "the first {kept} octets were accepted");
    }
}

proptest! {
    #[test]
    fn an_assertion_survives_writing_and_reading(
        certificate in proptest::collection::vec(any::<u8>(), 1..2048),
        signature in proptest::collection::vec(any::<u8>(), 1..1024),
        algorithm in proptest::sample::select(AssertionAlgorithm::ALL.to_vec()),
        app_version in "[ -~]{1,255}",
        answer in proptest::option::of(proptest::collection::vec(any::<u8>(), 1..1024)),
    ) {
        let assertion = Assertion::new(certificate, algorithm, signature, app_version).unwrap();
        let assertion = match answer {
            Some(answer) => assertion.with_status_answer(answer).unwrap(),
            None => assertion,
        };
        prop_assert_eq!(Assertion::parse(assertion.to_json().as_bytes()).unwrap(), assertion);
    }

    #[test]
    fn altered_assertions_do_not_panic(position in 0_usize..200, octet: u8) {
        let mut json = good().to_string().into_bytes();
        if let Some(at) = json.get_mut(position) {
            *at = octet;
        }
        let _ = Assertion::parse(&json);
    }

    #[test]
    fn an_accepted_origin_is_its_own_spelling(text in "(https://)?[a-zA-Z0-9.:/\\[\\]-]{0,40}") {
        if let Ok(origin) = Origin::parse(&text) {
            prop_assert_eq!(Origin::parse(origin.as_str()).unwrap(), origin);
        }
    }

    #[test]
    fn any_text_as_origin_or_challenge_does_not_panic(text: String) {
        let _ = Origin::parse(&text);
        let _ = Origin::parse(&format!("https://{text}"));
        let _ = ChallengeText::parse(&text);
    }
}
