//! Every refusal: its status and its stable code.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request};
use latchkey_crypto::assertion::ASSERTION_MAX_SIZE;
use latchkey_fixtures::pki::{Revocation, RevocationReason, SOFTWARE_KEY_POLICY, TestPki, Validity};
use latchkey_portal::cabinet::{Barred, Entered};
use latchkey_portal::challenge::ChallengeId;
use latchkey_portal::session::Session;
use latchkey_portal::storage::{
    Answer, Completed, Completing, KeptChallenge, KeptCompletion, LinkSpent, NotCompleted, NotTaken, Opening, Purged,
    Storage,
};
use latchkey_portal::token::TokenHash;
use time::macros::date;
use time::{Duration as TimeSpan, OffsetDateTime};

use crate::support::{CHALLENGE_COOKIE, Card, NOW, ORIGIN, SESSION_COOKIE, World, change, open, write_lists};

const CHALLENGES: &str = "/api/v1/challenges";

/// Requests that are refused for what they are, before anything is looked up.
#[tokio::test]
async fn requests_are_refused_for_what_they_are() {
    type Row = (&'static str, Request<Body>, (u16, &'static str));
    let json = || Request::post(CHALLENGES).header("content-type", "application/json");
    let too_much = "x".repeat(ASSERTION_MAX_SIZE + 1);
    let rows: Vec<Row> = vec![
        (
            "a page of another site",
            json().header("origin", "https://elsewhere.example").body("{}".into()).unwrap(),
            (403, "origin-refused"),
        ),
        (
            "a page without an origin of its own",
            json().header("origin", "null").body("{}".into()).unwrap(),
            (403, "origin-refused"),
        ),
        (
            "the right origin beside a wrong one",
            json().header("origin", ORIGIN).header("origin", "https://elsewhere.example").body("{}".into()).unwrap(),
            (403, "origin-refused"),
        ),
        (
            "the origin with another port",
            json().header("origin", "https://portal.example:8443").body("{}".into()).unwrap(),
            (403, "origin-refused"),
        ),
        (
            "another site reads the session",
            Request::get("/api/v1/session").header("origin", "https://elsewhere.example").body(Body::empty()).unwrap(),
            (403, "origin-refused"),
        ),
        ("no content type", Request::post(CHALLENGES).body("{}".into()).unwrap(), (415, "content-type-refused")),
        (
            "the content type of a form",
            Request::post(CHALLENGES).header("content-type", "text/plain").body("{}".into()).unwrap(),
            (415, "content-type-refused"),
        ),
        (
            "JSON in another character set",
            Request::post(CHALLENGES)
                .header("content-type", "application/json; charset=utf-16")
                .body("{}".into())
                .unwrap(),
            (415, "content-type-refused"),
        ),
        (
            "two content types",
            json().header("content-type", "application/json").body("{}".into()).unwrap(),
            (415, "content-type-refused"),
        ),
        ("a long body", json().body(too_much.clone().into()).unwrap(), (413, "body-too-large")),
        (
            "a long body that is announced",
            json().header("content-length", "1000000000").body("{}".into()).unwrap(),
            (413, "body-too-large"),
        ),
        ("no body", json().body(Body::empty()).unwrap(), (400, "body-malformed")),
        ("an array", json().body("[]".into()).unwrap(), (400, "body-malformed")),
        ("null", json().body("null".into()).unwrap(), (400, "body-malformed")),
        ("an unknown field", json().body(r#"{"purpose":"x"}"#.into()).unwrap(), (400, "body-malformed")),
        ("something after the body", json().body("{}{}".into()).unwrap(), (400, "body-malformed")),
        ("an unknown address", Request::get("/api/v2/challenges").body(Body::empty()).unwrap(), (404, "not-found")),
        ("another method", Request::get(CHALLENGES).body(Body::empty()).unwrap(), (405, "method-not-allowed")),
        (
            "a question whether another site may ask",
            Request::builder().method(Method::OPTIONS).uri(CHALLENGES).body(Body::empty()).unwrap(),
            (405, "method-not-allowed"),
        ),
        ("no session", Request::get("/api/v1/session").body(Body::empty()).unwrap(), (404, "no-session")),
        (
            "a cookie that is no token",
            Request::get("/api/v1/session")
                .header("cookie", format!("{SESSION_COOKIE}=x"))
                .body(Body::empty())
                .unwrap(),
            (404, "no-session"),
        ),
        (
            "an assertion whose challenge is no name",
            Request::post("/api/v1/assertions/x").header("content-type", "application/json").body("{}".into()).unwrap(),
            (404, "challenge-unknown"),
        ),
        (
            "an assertion whose challenge is no text",
            Request::post("/api/v1/assertions/%FF")
                .header("content-type", "application/json")
                .body("{}".into())
                .unwrap(),
            (404, "challenge-unknown"),
        ),
    ];
    let world = World::new().await;
    for (name, request, (status, code)) in rows {
        let answer = world.browser().send(request).await;
        assert_eq!(answer.refusal(), (status, code.to_owned()), "{name}");
        assert!(answer.json()["message"].as_str().unwrap().ends_with('.'), "{name}");
        assert_eq!(answer.json().as_object().unwrap().len(), 2, "{name}: code and message, nothing else");
    }
}

#[tokio::test]
async fn a_challenge_serves_one_presentation_by_one_browser() {
    let world = World::new().await;
    let card = world.card();
    let mut asking = world.browser();
    let challenge = asking.challenge().await;
    let assertion = card.sign(ORIGIN, &challenge.text);

    let mut other = world.browser();
    other.challenge().await;
    let stolen = other.post_json(&challenge.path, assertion.clone()).await;
    assert_eq!(stolen.refusal(), (403, "challenge-of-other-session".to_owned()));
    let without_cookie = world.browser().post_json(&challenge.path, assertion.clone()).await;
    assert_eq!(without_cookie.refusal(), (403, "challenge-of-other-session".to_owned()));

    let mut again = asking.clone();
    let accepted = asking.post_json(&challenge.path, assertion.clone()).await;
    assert_eq!(accepted.status, 200, "the thief's attempt took nothing away");
    let replayed = again.post_json(&challenge.path, assertion.clone()).await;
    assert_eq!(replayed.refusal(), (409, "challenge-replayed".to_owned()));
    assert!(replayed.cookie(SESSION_COOKIE).is_none());
}

#[tokio::test]
async fn a_refused_assertion_uses_its_challenge_up() {
    let world = World::new().await;
    let mut browser = world.browser();
    let challenge = browser.challenge().await;
    let refused = browser.post_json(&challenge.path, "{}").await;
    assert_eq!(refused.refusal(), (422, "malformed-assertion".to_owned()));
    let replayed = browser.post_json(&challenge.path, world.card().sign(ORIGIN, &challenge.text)).await;
    assert_eq!(replayed.refusal(), (409, "challenge-replayed".to_owned()));
}

#[tokio::test]
async fn a_challenge_that_never_was_is_unknown() {
    let world = World::new().await;
    let mut browser = world.browser();
    let challenge = browser.challenge().await;
    let path = "/api/v1/assertions/00000000000000000000000000000000";
    let answer = browser.post_json(path, world.card().sign(ORIGIN, &challenge.text)).await;
    assert_eq!(answer.refusal(), (404, "challenge-unknown".to_owned()));
}

#[tokio::test]
async fn a_late_presentation_is_named_until_the_challenge_is_forgotten() {
    let rows = [
        ("the last moment", TimeSpan::seconds(120), 200, None),
        ("a moment later", TimeSpan::milliseconds(120_001), 410, Some("challenge-expired")),
        ("before it is forgotten", TimeSpan::seconds(119 + 600), 410, Some("challenge-expired")),
        ("after it is forgotten", TimeSpan::seconds(120 + 600), 404, Some("challenge-unknown")),
    ];
    for (name, after, status, code) in rows {
        let world = World::new().await;
        let mut browser = world.browser();
        let challenge = browser.challenge().await;
        world.set_clock(NOW + after);
        world.portal.purge().await.unwrap();
        let answer = browser.post_json(&challenge.path, world.card().sign(ORIGIN, &challenge.text)).await;
        assert_eq!(answer.status.as_u16(), status, "{name}");
        assert_eq!(answer.json()["code"].as_str(), code, "{name}");
    }
}

/// One row per kind of fault; the verdicts themselves are tested where they are made.
#[tokio::test]
async fn what_verification_refuses_is_told_by_its_code() {
    type Sign = fn(&TestPki, &str) -> String;
    let rows: [(&str, Sign, &str); 7] = [
        (
            "another site's origin",
            |pki, text| Card::issue(pki, |_| {}).sign("https://elsewhere.example", text),
            "signature-invalid",
        ),
        ("another challenge", |pki, _| Card::issue(pki, |_| {}).sign(ORIGIN, &"A".repeat(44)), "signature-invalid"),
        (
            "an expired certificate",
            |pki, text| {
                Card::issue(pki, |order| order.validity = Validity::days_around(NOW, -100, -1)).sign(ORIGIN, text)
            },
            "certificate-expired",
        ),
        (
            "an authority of the same name with another key",
            |_, text| Card::issue(&TestPki::new("another", NOW).unwrap(), |_| {}).sign(ORIGIN, text),
            "certificate-signature-invalid",
        ),
        ("no policy", |pki, text| Card::issue(pki, |order| order.policies.clear()).sign(ORIGIN, text), "wrong-policy"),
        (
            "another algorithm",
            |pki, text| Card::issue(pki, |_| {}).sign(ORIGIN, text).replace("bign-with-hbelt", "ES256"),
            "algorithm-mismatch",
        ),
        (
            "another format",
            |pki, text| Card::issue(pki, |_| {}).sign(ORIGIN, text).replace("web-eid:1.0", "web-eid:9.0"),
            "unsupported-format",
        ),
    ];
    let world = World::new().await;
    for (name, sign, code) in rows {
        let mut browser = world.browser();
        let challenge = browser.challenge().await;
        let answer = browser.post_json(&challenge.path, sign(&world.pki, &challenge.text)).await;
        assert_eq!(answer.refusal(), (422, code.to_owned()), "{name}");
        assert!(answer.cookie(SESSION_COOKIE).is_none(), "{name}");
        assert!(answer.cookie(CHALLENGE_COOKIE).is_none(), "{name}");
    }
}

#[tokio::test]
async fn a_revoked_card_and_stale_lists_are_refused() {
    let world = World::new().await;
    let card = world.card();
    let revoked = Revocation {
        serial_number: card.serial_number.clone(),
        revoked_at: NOW - TimeSpan::days(4),
        reason: RevocationReason::KeyCompromise,
    };
    write_lists(world.directory(), &world.pki, &[revoked], NOW);
    assert!(world.lists.renew().faults.is_empty());
    let answer = world.browser().sign_in(&card).await;
    assert_eq!(answer.refusal(), (422, "certificate-revoked".to_owned()));

    world.set_clock(NOW + TimeSpan::days(31));
    let answer = world.browser().sign_in(&Card::issue(&world.pki, |order| order.label = "other".to_owned())).await;
    assert_eq!(answer.refusal(), (422, "revocation-stale".to_owned()));
}

#[tokio::test]
async fn a_key_in_a_file_gives_less_assurance() {
    let world = World::new().await;
    let policy = SOFTWARE_KEY_POLICY;
    let card = Card::issue(&world.pki, |order| order.policies = vec![policy]);
    let answer = world.browser().sign_in(&card).await;
    assert_eq!((answer.status.as_u16(), answer.json()["assurance"].as_str()), (200, Some("substantial")));
}

#[tokio::test]
async fn without_a_database_nothing_is_answered_but_that() {
    let world = World::on_a_file().await;
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    let challenge = browser.challenge().await;
    let aside = world.directory().join("aside.sqlite");
    std::fs::rename(world.database(), &aside).unwrap();

    let unavailable = (503, "storage-unavailable".to_owned());
    assert_eq!(browser.get("/health/ready").await.refusal(), unavailable);
    assert_eq!(browser.get("/health/live").await.status, 200);
    assert_eq!(browser.post_json(CHALLENGES, "{}").await.refusal(), unavailable);
    let assertion = world.card().sign(ORIGIN, &challenge.text);
    assert_eq!(browser.post_json(&challenge.path, assertion.clone()).await.refusal(), unavailable);
    assert_eq!(browser.get("/api/v1/session").await.refusal(), unavailable);
    assert_eq!(browser.delete("/api/v1/session").await.refusal(), unavailable);
    let page = browser.get("/").await;
    assert_eq!(page.status, 503);
    assert!(page.text().contains("storage-unavailable"));
    assert!(!world.database().exists(), "a lost database is not replaced by an empty one");

    std::fs::rename(aside, world.database()).unwrap();
    assert_eq!(browser.get("/health/ready").await.status, 200);
    assert_eq!(browser.get("/api/v1/session").await.status, 200, "the session is still there");
    assert_eq!(browser.post_json(&challenge.path, assertion).await.status, 200);
}

#[tokio::test]
async fn a_damaged_database_is_named_as_such() {
    let world = World::new().await;
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    change(&world.database(), "UPDATE sessions SET assurance = 'boundless'").await;
    assert_eq!(browser.get("/api/v1/session").await.refusal(), (500, "storage-damaged".to_owned()));
}

#[tokio::test]
async fn a_service_that_is_being_stopped_finishes_what_was_begun() {
    let world = World::new().await;
    let mut browser = world.browser();
    let challenge = browser.challenge().await;
    world.portal.stop();
    assert_eq!(browser.get("/health/ready").await.refusal(), (503, "stopping".to_owned()));
    assert_eq!(world.browser().post_json(CHALLENGES, "{}").await.refusal(), (503, "stopping".to_owned()));
    let answer = browser.post_json(&challenge.path, world.card().sign(ORIGIN, &challenge.text)).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_fault_of_the_service_is_named_as_such() {
    let world = World::new().await;
    // A time before the year 0 has no RFC 3339 form.
    world.set_clock(date!(-1 - 01 - 01).midnight().assume_utc());
    let answer = world.browser().post_json(CHALLENGES, "{}").await;
    assert_eq!(answer.refusal(), (500, "internal-error".to_owned()));
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_ended() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::with_storage(directory, Arc::new(Silent), |settings| {
        settings.request_time_limit = Duration::from_millis(20);
    });
    let answer = world.browser().post_json(CHALLENGES, "{}").await;
    assert_eq!(answer.refusal(), (408, "request-timeout".to_owned()));
}

/// Every code that the description promises is provoked by a test of this crate.
#[test]
fn every_described_code_is_provoked() {
    let tests = [
        include_str!("refusals.rs"),
        include_str!("page.rs"),
        include_str!("headers.rs"),
        include_str!("links.rs"),
        include_str!("provider/attacks.rs"),
        include_str!("cabinet/door.rs"),
        include_str!("rates.rs"),
    ];
    let tests = tests.concat();
    let description = latchkey_portal::http::description().to_json().unwrap();
    let is_code =
        |text: &&str| text.contains('-') && text.bytes().all(|octet| octet == b'-' || octet.is_ascii_lowercase());
    let codes: std::collections::BTreeSet<_> = description
        .split('`')
        .filter(is_code)
        .chain(["form-refused", "method-not-allowed", "not-found", "stopping"])
        .collect();
    assert_eq!(codes.len(), 26, "{codes:?}");
    let of_completion = ["completion-unknown", "completion-expired", "completion-of-other-browser"];
    for code in codes.into_iter().chain(of_completion) {
        assert!([format!("\"{code}\""), format!("<code>{code}<")].iter().any(|named| tests.contains(named)), "{code}");
    }
}

/// Anybody may ask for challenges, and many times.
#[tokio::test]
async fn a_flood_of_challenges_does_not_fill_the_database() {
    let directory = tempfile::tempdir().unwrap();
    let storage = open(&directory.path().join("portal.sqlite")).await;
    let world = World::with_storage(directory, storage, |settings| settings.challenge_limit = 3);
    let ask = async || world.browser().post_json(CHALLENGES, "{}").await;
    let mut first = world.browser();
    let challenge = first.challenge().await;
    for (asked, status) in [(2, 201), (3, 201), (4, 503), (5, 503)] {
        assert_eq!(ask().await.status, status, "{asked}");
    }
    assert_eq!(ask().await.refusal(), (503, "too-many-challenges".to_owned()));
    // Who has begun is let in all the same.
    let accepted = first.post_json(&challenge.path, world.card().sign(ORIGIN, &challenge.text)).await;
    assert_eq!(accepted.status, 200);
    world.portal.purge().await.unwrap();
    assert_eq!(ask().await.status, 503, "nothing is forgotten yet");
    world.set_clock(NOW + TimeSpan::minutes(12));
    world.portal.purge().await.unwrap();
    assert_eq!(ask().await.status, 201);
}

/// A database that never answers.
pub(crate) struct Silent;

fn silence<'a, T: Send + 'a>() -> Answer<'a, T> {
    Box::pin(std::future::pending())
}

impl Storage for Silent {
    fn keep_challenge<'a>(&'a self, _: &'a KeptChallenge) -> Answer<'a, ()> {
        silence()
    }

    fn take_challenge<'a>(
        &'a self,
        _: ChallengeId,
        _: &'a TokenHash,
        _: OffsetDateTime,
    ) -> Answer<'a, Result<KeptChallenge, NotTaken>> {
        silence()
    }

    fn fetch_link<'a>(&'a self, _: &'a TokenHash, _: OffsetDateTime) -> Answer<'a, Result<KeptChallenge, LinkSpent>> {
        silence()
    }

    fn take_link<'a>(&'a self, _: &'a TokenHash, _: OffsetDateTime) -> Answer<'a, Result<KeptChallenge, LinkSpent>> {
        silence()
    }

    fn keep_completion<'a>(&'a self, _: &'a KeptCompletion) -> Answer<'a, ()> {
        silence()
    }

    fn complete<'a>(&'a self, _: &'a Completing, _: OffsetDateTime) -> Answer<'a, Result<Completed, NotCompleted>> {
        silence()
    }

    fn open_session<'a>(&'a self, _: &'a Opening) -> Answer<'a, Result<Entered, Barred>> {
        silence()
    }

    fn session<'a>(&'a self, _: &'a TokenHash, _: OffsetDateTime) -> Answer<'a, Option<Session>> {
        silence()
    }

    fn end_session<'a>(&'a self, _: &'a TokenHash) -> Answer<'a, bool> {
        silence()
    }

    fn purge(&self, _: OffsetDateTime) -> Answer<'_, Purged> {
        silence()
    }

    fn close(&self) -> Answer<'_, ()> {
        silence()
    }

    fn check(&self) -> Answer<'_, ()> {
        silence()
    }
}
