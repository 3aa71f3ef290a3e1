//! What is refused for what it is, before a session is looked at; and what the terminal says of itself.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, Request};
use latchkey_card::profile::Profile;
use latchkey_portal::http::terminal_description;
use latchkey_portal::metrics::TERMINAL_DESCRIPTIONS;
use latchkey_portal::terminal::{DATA_TO_SIGN_MAX_SIZE, TerminalRefusal};
use serde_json::{Value, json};
use time::Duration;

use super::world::{ALL_GROUPS, Session, World, base64};
use crate::support::NOW;

fn json_request(path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path).header("content-type", "application/json").body(body.into()).unwrap()
}

#[tokio::test]
async fn requests_are_refused_for_what_they_are() {
    let init = "/api/v1/bauth_init";
    let post = || Request::post(init).header("content-type", "application/json");
    let too_much = "x".repeat(DATA_TO_SIGN_MAX_SIZE / 3 * 4 + 1025);
    let too_long = base64(&vec![0; 0x1_0003]);
    let rows: Vec<(&str, Request<Body>, (u16, &str))> = vec![
        (
            "a page, of whichever site",
            post().header("origin", "https://portal.example").body("{}".into()).unwrap(),
            (403, "origin-refused"),
        ),
        (
            "a page under a name of its own for this computer",
            post()
                .header("host", "rebound.example:48777")
                .header("origin", "http://rebound.example:48777")
                .body("{}".into())
                .unwrap(),
            (403, "origin-refused"),
        ),
        ("no content type", Request::post(init).body("{}".into()).unwrap(), (415, "content-type-refused")),
        (
            "a form",
            Request::post(init).header("content-type", "text/plain").body("{}".into()).unwrap(),
            (415, "content-type-refused"),
        ),
        ("too long a body", post().body(too_much.into()).unwrap(), (413, "body-too-large")),
        (
            "an announced length",
            post().header("content-length", "99999999").body("{}".into()).unwrap(),
            (413, "body-too-large"),
        ),
        ("no JSON", post().body("{".into()).unwrap(), (400, "body-malformed")),
        ("an array", post().body("[]".into()).unwrap(), (400, "body-malformed")),
        ("another profile", post().body(r#"{"card_profile":"x"}"#.into()).unwrap(), (400, "body-malformed")),
        ("rights that are no base64", post().body(r#"{"certhat":"-"}"#.into()).unwrap(), (400, "body-malformed")),
        ("a number for a handle", json_request("/api/v1/request_dg", r#"{"hreq":1}"#), (400, "body-malformed")),
        ("no handle", json_request("/api/v1/request_dg", "{}"), (400, "body-malformed")),
        (
            "a handle that is none",
            json_request("/api/v1/request_dg", r#"{"hreq":"6f1c"}"#),
            (404, "terminal-session-unknown"),
        ),
        (
            "no group",
            json_request("/api/v1/read_dg_init", r#"{"hreq":"x","data_groups_to_read":[]}"#),
            (400, "body-malformed"),
        ),
        (
            "another group",
            json_request("/api/v1/read_dg_init", r#"{"hreq":"x","data_groups_to_read":["dg6"]}"#),
            (400, "body-malformed"),
        ),
        (
            "a group twice",
            json_request("/api/v1/read_dg_init", r#"{"hreq":"x","data_groups_to_read":["dg1","dg1"]}"#),
            (400, "body-malformed"),
        ),
        (
            "an answer that is no base64",
            json_request("/api/v1/read_dg", r#"{"hreq":"x","card_response":"?"}"#),
            (400, "body-malformed"),
        ),
        (
            "an answer longer than a card's",
            json_request("/api/v1/read_dg", json!({ "hreq": "x", "card_response": too_long }).to_string()),
            (413, "body-too-large"),
        ),
        (
            "contents that are no base64",
            json_request("/api/v1/sign_data", r#"{"hreq":"x","card_response":"","data_to_sign":"текст"}"#),
            (400, "body-malformed"),
        ),
        ("another address", Request::get("/api/v1/nothing").body(Body::empty()).unwrap(), (404, "not-found")),
        ("another method", Request::get(init).body(Body::empty()).unwrap(), (405, "method-not-allowed")),
        (
            "a question whether a page may ask",
            Request::builder().method(Method::OPTIONS).uri(init).body(Body::empty()).unwrap(),
            (405, "method-not-allowed"),
        ),
    ];
    let world = World::new().await;
    for (name, request, (status, code)) in rows {
        let answer = world.back_end().send(request).await;
        assert_eq!(answer.refusal(), (status, code.to_owned()), "{name}");
        assert_eq!(answer.json().as_object().unwrap().len(), 2, "{name}: code and message, nothing else");
    }
}

/// Each address is behind the same checks.
#[tokio::test]
async fn every_address_refuses_pages_and_bodies_before_it_looks_for_a_session() {
    let world = World::new().await;
    let deployed = [
        "bauth_init",
        "bauth_process",
        "read_dg_init",
        "read_dg",
        "request_dg",
        "sign_init",
        "sign_select_app",
        "sign_data",
        "sign_result",
        "bauth_logout",
    ];
    let tickets = ["/latchkey/v1/tickets", "/latchkey/v1/tickets/read", "/latchkey/v1/tickets/issue"];
    let too_much = "x".repeat(DATA_TO_SIGN_MAX_SIZE / 3 * 4 + 1025);
    for path in deployed.map(|name| format!("/api/v1/{name}")).into_iter().chain(tickets.map(str::to_owned)) {
        let post = || Request::post(&path).header("content-type", "application/json");
        let rows = [
            (post().header("origin", "https://portal.example").body("{}".into()).unwrap(), 403, "origin-refused"),
            (Request::post(&path).body("{}".into()).unwrap(), 415, "content-type-refused"),
            (post().body(too_much.clone().into()).unwrap(), 413, "body-too-large"),
            (post().body("{".into()).unwrap(), 400, "body-malformed"),
            (Request::get(&path).body(Body::empty()).unwrap(), 405, "method-not-allowed"),
        ];
        for (request, status, code) in rows {
            let answer = world.back_end().send(request).await;
            assert_eq!(answer.refusal(), (status, code.to_owned()), "{path}");
        }
    }
}

/// Members that are not known are passed over, and content types are those of back ends of today.
#[tokio::test]
async fn what_back_ends_of_today_send_is_taken() {
    let world = World::new().await;
    let body = r#"{"so_certificate":null,"cert_id":"x","is_bilateral":true,"stb":false}"#;
    let request = Request::post("/api/v1/bauth_init").header("content-type", "application/json; charset=utf-8");
    let answer = world.back_end().send(request.body(body.into()).unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let members: BTreeSet<_> = answer.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, BTreeSet::from(["cmd_to_card", "hreq", "terminal_certificate"].map(str::to_owned)));
    assert_eq!(answer.json()["hreq"].as_str().unwrap().len(), 43, "256 bits");
}

#[tokio::test]
async fn the_description_is_reviewed_and_is_what_is_served() {
    let description = terminal_description().to_pretty_json().unwrap();
    insta::assert_snapshot!("openapi", description);
    let world = World::new().await;
    let served = world.back_end().send(Request::get("/api/v1/openapi.json").body(Body::empty()).unwrap()).await;
    assert_eq!(served.json(), serde_json::from_str::<Value>(&description).unwrap());
    let described = serde_json::to_value(terminal_description()).unwrap();
    let paths = described["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 17);
    for path in paths.keys() {
        let answer = world.back_end().send(json_request(path, "[]")).await;
        assert_eq!(answer.refusal(), (400, "body-malformed".to_owned()), "{path}");
    }
}

/// Every code is in the description, and every code that the description promises is provoked.
#[test]
fn every_code_is_described_and_provoked() {
    let tests = [
        include_str!("attacks.rs"),
        include_str!("orders.rs"),
        include_str!("requests.rs"),
        include_str!("flows.rs"),
        include_str!("tickets.rs"),
        include_str!("card_renewal.rs"),
        include_str!("renewal_over_http.rs"),
    ];
    let described = terminal_description().to_json().unwrap();
    for code in TerminalRefusal::CODES {
        assert!(described.contains(&format!("`{code}`")), "{code} is not described");
        assert!(tests.iter().any(|test| test.contains(&format!("\"{code}\""))), "{code} is not provoked");
    }
    let guide = include_str!("../../../../../docs/portal-developer.md");
    for code in TerminalRefusal::CODES {
        assert!(guide.contains(&format!("`{code}`")), "{code} is not in the guide");
    }
}

#[tokio::test]
async fn what_happens_is_counted_without_people() {
    let world = World::new().await;
    let (mut card, profile) = (world.card(), Profile::standard());
    let mut session = Session::established(world.back_end(), &mut card, &profile).await;
    session.read(&ALL_GROUPS).await;
    let data = session.ask("request_dg", json!({})).await;
    session.post("request_dg", json!({})).await;
    let counted = world.metrics.render();
    let until = (NOW.date() + Duration::days(2)).midnight().assume_utc().unix_timestamp();
    for line in [
        "latchkey_portal_terminal_sessions_total 1",
        "latchkey_portal_terminal_established_total 1",
        "latchkey_portal_terminal_refusals_total{code=\"terminal-wrong-order\"} 1",
        &format!("latchkey_portal_terminal_certificate_until_timestamp_seconds {until}"),
        "latchkey_portal_http_requests_total{method=\"POST\",route=\"/api/v1/request_dg\",status=\"200\"} 1",
    ] {
        assert!(counted.lines().any(|found| found == line), "{line} is not in\n{counted}");
    }
    // Renewals are counted where there is an authority to ask.
    for description in TERMINAL_DESCRIPTIONS.iter().filter(|description| !description.name.ends_with("_renewals_total"))
    {
        assert!(counted.contains(&format!("# HELP {} {}", description.name, description.text)));
    }
    for personal in
        data["personal_data"].as_object().unwrap().values().filter(|value| value.as_str().unwrap().len() > 3)
    {
        assert!(!counted.contains(personal.as_str().unwrap()), "{personal}");
    }
}

#[tokio::test]
async fn health_tells_alive_from_ready() {
    let world = World::new().await;
    let get = async |path: &str| world.back_end().send(Request::get(path).body(Body::empty()).unwrap()).await;
    assert_eq!(get("/health/live").await.json(), json!({ "status": "live" }));
    assert_eq!(get("/health/ready").await.json(), json!({ "status": "ready" }));
    world.terminal.stop();
    assert_eq!(get("/health/ready").await.refusal(), (503, "stopping".to_owned()));
}
