//! What the client takes from a portal, and what it does not.

use latchkey_agent::{CardTask, ReaderChoice, Request};
use latchkey_client::portal::{ExtraTrust, PortalFailure, parse_address};
use latchkey_client::sign_in::{AgreedSignIn, HandOverQuestion, HostQuestion};
use latchkey_client::texts::Language;
use latchkey_crypto::assertion::{Assertion, AssertionAlgorithm};
use latchkey_crypto::hash::HashAlgorithm;
use serde_json::{Value, json};

use crate::test_portal::{Answer, Answers, CHALLENGE, TestPortal, challenge, tls, verdict};

fn trust() -> ExtraTrust {
    ExtraTrust::from_pem(&tls().authority).unwrap()
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn fetch(portal: &TestPortal) -> Result<HandOverQuestion, PortalFailure> {
    let question = HostQuestion::about(&portal.address).unwrap();
    wait(question.agreed().fetch(trust(), Language::Belarusian))
}

fn fetched(to_challenge: Answer) -> Result<HandOverQuestion, PortalFailure> {
    fetch(&TestPortal::start(Answers { to_challenge, ..Answers::default() }))
}

fn assertion() -> Assertion {
    let algorithm = AssertionAlgorithm::Bign(HashAlgorithm::BeltHash);
    Assertion::new(vec![0x30, 0x00], algorithm, vec![7; 48], "latchkey:test".into()).unwrap()
}

fn presented(to_assertion: Answer) -> Result<latchkey_client::portal::Verdict, PortalFailure> {
    let portal = TestPortal::start(Answers { to_assertion, ..Answers::default() });
    let agreed: AgreedSignIn = fetch(&portal).unwrap().agreed();
    // One runtime would do; two show that the connection's end is no obstacle.
    wait(agreed.present(&assertion()))
}

#[test]
fn nothing_is_sent_before_the_holder_agrees() {
    let portal = TestPortal::start(Answers::default());
    let question = HostQuestion::about(&portal.address).unwrap();
    assert_eq!(question.origin().as_str(), portal.address);
    assert!(portal.received().is_empty());
    let question = wait(question.agreed().fetch(trust(), Language::Belarusian)).unwrap();
    assert_eq!(question.portal_name(), "Test portal");
    let received = portal.received();
    assert_eq!(received.len(), 1);
    assert_eq!((received[0].path.as_str(), &received[0].body[..]), ("/api/v1/challenges", &b"{}"[..]));
    assert_eq!(received[0].headers["accept-language"], "be");
    assert!(!received[0].headers.contains_key("origin"), "only browsers report origins");
}

#[test]
fn the_agent_is_asked_for_the_origin_that_was_reached_and_the_challenge_that_came() {
    let portal = TestPortal::start(Answers::default());
    let agreed = fetch(&portal).unwrap().agreed();
    let Request::OfCard(request) = agreed.request(ReaderChoice::TheOnlyCard, std::time::Duration::ZERO) else {
        panic!()
    };
    let CardTask::SignIn(sign_in) = request.task else { panic!() };
    assert_eq!(sign_in.origin.as_str(), portal.address);
    assert_eq!(sign_in.challenge.as_str(), CHALLENGE);
}

#[test]
fn the_assertion_goes_where_the_challenge_came_from_with_its_cookie() {
    let portal = TestPortal::start(Answers::default());
    let agreed = fetch(&portal).unwrap().agreed();
    let accepted = wait(agreed.present(&assertion())).unwrap();
    assert_eq!(accepted.holder.personal_number, "PNOBY-3000000A000PB0");
    let received = portal.received();
    assert_eq!(received[1].path, "/api/v1/assertions/17");
    assert_eq!(received[1].headers["cookie"], "__Host-latchkey-pre=abc");
    assert_eq!(Assertion::parse(&received[1].body).unwrap(), assertion());
}

fn altered(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

#[test]
fn a_challenge_that_is_not_what_was_agreed_is_refused() {
    let with = |field: &str, value: Value| Answer::json(201, &altered(challenge(), field, value));
    let mut without = challenge();
    without.as_object_mut().unwrap().remove("purpose");
    let rows = [
        ("another format", with("format", json!("latchkey-challenge:2"))),
        ("another purpose", with("purpose", json!("sign-document"))),
        ("a short challenge", with("challenge", json!("AAAA"))),
        ("a challenge that is no base64", with("challenge", json!("я".repeat(44)))),
        ("a name without end", with("portalName", json!("x".repeat(201)))),
        ("a path to another host", with("assertionPath", json!("//evil.example/api"))),
        ("a whole address", with("assertionPath", json!("https://evil.example/"))),
        ("user information", with("assertionPath", json!("@evil.example/"))),
        ("a backslash", with("assertionPath", json!("/\\evil.example"))),
        ("a query", with("assertionPath", json!("/api?to=evil"))),
        ("no purpose", Answer::json(201, &without)),
        ("not JSON", Answer { body: "<html>".into(), ..Answer::json(201, &challenge()) }),
        ("another type", Answer::json(201, &challenge()).with_header("content-type", "text/html")),
        ("another status", Answer::json(200, &challenge())),
        ("too long", Answer::json(201, &altered(challenge(), "more", json!("x".repeat(70_000))))),
    ];
    for (name, answer) in rows {
        let failure = fetched(answer).unwrap_err();
        assert_eq!(failure.code(), "portal-answer-malformed", "{name}: {failure}");
    }
}

#[test]
fn redirects_are_not_followed() {
    let elsewhere = TestPortal::start(Answers::default());
    for status in [301, 302, 303, 307, 308] {
        let answer = Answer::json(status, &json!({})).with_header("location", &elsewhere.address);
        assert_eq!(fetched(answer.clone()).unwrap_err(), PortalFailure::Redirects, "{status}");
        assert_eq!(presented(answer).unwrap_err(), PortalFailure::Redirects, "{status}");
    }
    assert!(elsewhere.received().is_empty());
}

#[test]
fn refusals_and_failures_are_told_apart() {
    let refused = |status, code: &str| Answer::json(status, &json!({ "code": code, "message": "m" }));
    let failed = |status, code: Option<&str>| PortalFailure::Failed { status, code: code.map(str::to_owned) };
    let rows = [
        ("refused", refused(422, "certificate-revoked"), PortalFailure::Refused { code: "certificate-revoked".into() }),
        ("expired", refused(410, "challenge-expired"), PortalFailure::Refused { code: "challenge-expired".into() }),
        ("a code that is none", refused(422, "Ha ha\u{1b}[2J"), failed(422, None)),
        ("a refusal without a code", Answer::json(400, &json!({})), failed(400, None)),
        ("a failure of another server", Answer::json(502, &json!(["bad gateway"])), failed(502, None)),
        ("a failure with a code that is none", refused(500, "Oops"), failed(500, None)),
        ("a failure", refused(503, "storage-unavailable"), failed(503, Some("storage-unavailable"))),
        ("a page", Answer { body: "gone".into(), status: 404, headers: Vec::new() }, failed(404, None)),
    ];
    for (name, answer, expected) in rows {
        assert_eq!(presented(answer).unwrap_err(), expected, "{name}");
    }
    let neither = Answer::json(200, &altered(verdict(), "result", json!("perhaps")));
    assert_eq!(presented(neither).unwrap_err().code(), "portal-answer-malformed");
}

#[test]
fn a_portal_that_nobody_vouches_for_is_not_talked_to() {
    let portal = TestPortal::start(Answers::default());
    let question = HostQuestion::about(&portal.address).unwrap();
    let failure = wait(question.agreed().fetch(ExtraTrust::default(), Language::English)).unwrap_err();
    assert_eq!(failure, PortalFailure::Untrusted);
    // The certificate is for localhost, not for every name of this computer.
    let other_name = portal.address.replace("localhost", "localhost.localdomain");
    let failure = wait(HostQuestion::about(&other_name).unwrap().agreed().fetch(trust(), Language::English));
    assert!(matches!(failure, Err(PortalFailure::Untrusted | PortalFailure::Unreachable)));
    assert!(portal.received().is_empty());
}

#[test]
fn a_portal_that_is_not_there_is_unreachable() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let question = HostQuestion::about(&format!("https://127.0.0.1:{port}")).unwrap();
    let failure = wait(question.agreed().fetch(trust(), Language::English)).unwrap_err();
    assert_eq!(failure, PortalFailure::Unreachable);
}

#[test]
fn only_an_https_origin_is_a_portals_address() {
    for (address, origin) in [
        ("https://portal.example", "https://portal.example"),
        ("https://portal.example/", "https://portal.example"),
        ("https://Portal.Example:443", "https://portal.example"),
        ("https://portal.example:8443/", "https://portal.example:8443"),
    ] {
        assert_eq!(parse_address(address).unwrap().as_str(), origin);
    }
    for address in [
        "http://portal.example",
        "portal.example",
        "https://",
        "https://portal.example//",
        "https://portal.example/login",
        "https://user@portal.example",
        "https://portal.example?x",
        "",
    ] {
        let refused = PortalFailure::AddressInvalid { address: address.into() };
        assert_eq!(parse_address(address).unwrap_err(), refused);
    }
}

#[test]
fn a_file_without_certificates_is_no_trust() {
    for octets in [&b""[..], b"no PEM", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert_eq!(ExtraTrust::from_pem(octets).unwrap_err().code(), "ca-file-unreadable");
    }
}

/// Half a minute passes as if it were none: nothing else can happen meanwhile.
#[test]
fn a_portal_that_takes_the_connection_and_says_nothing_is_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let question = HostQuestion::about(&address).unwrap();
    let failure = runtime.block_on(question.agreed().fetch(trust(), Language::English)).unwrap_err();
    assert_eq!(failure, PortalFailure::Silent);
}
