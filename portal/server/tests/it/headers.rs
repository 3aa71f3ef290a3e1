//! Cookies and headers.

use axum::body::Body;
use axum::http::{HeaderValue, Request};
use proptest::prelude::*;

use crate::provider;
use crate::support::{CHALLENGE_COOKIE, NOW, ORIGIN, SESSION_COOKIE, World};

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let expected = [
        ("strict-transport-security", "max-age=63072000"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-store"),
    ];
    let strict =
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'".to_owned();
    let paths = ["/", "/api/v1/session", "/api/v1/openapi.json", "/health/live", "/metrics", "/nowhere", "/sign-out"];
    // Only pages run scripts, and they may call the client program beside the portal itself.
    let of_page = strict.replace(
        "style-src 'self';",
        "script-src 'self'; style-src 'self'; connect-src 'self' http://127.0.0.1:8084 http://*:8084;",
    ) + "; require-trusted-types-for 'script'; trusted-types 'none'";
    let world = World::new().await;
    for path in paths {
        let answer = world.browser().get(path).await;
        for (name, value) in expected {
            assert_eq!(answer.header(name), value, "{path}: {name}");
        }
        let policy = if answer.header("content-type").starts_with("text/html") { &of_page } else { &strict };
        assert_eq!(answer.header("content-security-policy"), policy, "{path}");
        assert!(answer.headers.get("access-control-allow-origin").is_none(), "{path}");
        assert!(answer.headers.get("server").is_none(), "{path}");
    }
    let style = world.browser().get("/style.css").await;
    assert_eq!(style.header("cache-control"), "public, max-age=3600");
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
}

/// A browser that is led to the address of an interface keeps the answer as a file, and shows nothing.
#[tokio::test]
async fn every_answer_of_an_interface_is_a_file_and_no_page_is() {
    let world = provider::world::world().await;
    let mut browser = world.browser();
    for path in ["/", "/style.css", "/page.js", "/metrics"] {
        assert!(browser.get(path).await.headers.get("content-disposition").is_none(), "{path}");
    }
    browser.sign_in(&world.card()).await;
    let interfaces = [
        "/api/v1/session",
        "/api/v1/openapi.json",
        "/health/ready",
        "/nowhere",
        "/.well-known/openid-configuration",
        "/jwks",
    ];
    for path in interfaces {
        let answer = browser.get(path).await;
        assert!(answer.header("content-type").ends_with("json"), "{path}");
        assert_eq!(answer.header("content-disposition"), "attachment; filename=\"answer.json\"", "{path}");
    }
    for (path, body) in [("/token", "grant_type=x"), ("/introspect", "token=x")] {
        let answer = browser.post_form(path, body).await;
        assert_eq!(answer.header("content-disposition"), "attachment; filename=\"answer.json\"", "{path}");
    }
    let refused = browser.post_json("/api/v1/challenges", "no object").await;
    assert_eq!(refused.header("content-disposition"), "attachment; filename=\"answer.json\"");
}

#[tokio::test]
async fn the_cookies_are_bound_to_the_host_and_hidden_from_scripts() {
    let world = World::new().await;
    let mut browser = world.browser();
    let issued = browser.post_json("/api/v1/challenges", "{}").await;
    let attributes = |cookie: Option<&str>| cookie.unwrap().split_once("; ").unwrap().1.to_owned();
    assert_eq!(attributes(issued.cookie(CHALLENGE_COOKIE)), "Max-Age=720; Path=/; Secure; HttpOnly; SameSite=Strict");
    let path = issued.json()["assertionPath"].as_str().unwrap().to_owned();
    let assertion = world.card().sign(ORIGIN, issued.json()["challenge"].as_str().unwrap());
    let accepted = browser.post_json(&path, assertion).await;
    assert_eq!(attributes(accepted.cookie(SESSION_COOKIE)), "Max-Age=1800; Path=/; Secure; HttpOnly; SameSite=Lax");
    assert_eq!(
        accepted.cookie(CHALLENGE_COOKIE),
        Some("__Host-latchkey-pre=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict")
    );
    let ended = browser.delete("/api/v1/session").await;
    assert_eq!(
        ended.cookie(SESSION_COOKIE),
        Some("__Host-latchkey-session=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax")
    );
}

#[tokio::test]
async fn two_tabs_of_a_browser_do_not_take_each_others_challenge_away() {
    let world = World::new().await;
    let mut browser = world.browser();
    let first = browser.challenge().await;
    let second = browser.challenge().await;
    assert_ne!(first.text, second.text);
    let answer = browser.post_json(&first.path, world.card().sign(ORIGIN, &first.text)).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn the_sessions_token_changes_at_sign_in_and_the_former_session_ends() {
    let world = World::new().await;
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    let former = browser.clone();
    browser.sign_in(&world.card()).await;
    assert_ne!(former.cookies[SESSION_COOKIE], browser.cookies[SESSION_COOKIE]);
    assert_eq!(browser.get("/api/v1/session").await.status, 200);
    assert_eq!(former.clone().get("/api/v1/session").await.refusal(), (404, "no-session".to_owned()));
}

#[tokio::test]
async fn a_planted_second_cookie_counts_as_none() {
    let world = World::new().await;
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    let token = browser.cookies[SESSION_COOKIE].clone();
    let both = format!("{SESSION_COOKIE}={token}; {SESSION_COOKIE}={token}");
    let request = Request::get("/api/v1/session").header("cookie", both).body(Body::empty()).unwrap();
    assert_eq!(world.browser().send(request).await.refusal(), (404, "no-session".to_owned()));
}

/// Where an address has a session's token, somebody else may have read it.
#[tokio::test]
async fn a_session_in_an_address_counts_as_none() {
    let world = World::new().await;
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    let token = browser.cookies[SESSION_COOKIE].clone();
    for name in [SESSION_COOKIE, "session", "token", "access_token", "sid"] {
        let answer = world.browser().get(&format!("/api/v1/session?{name}={token}")).await;
        assert_eq!(answer.refusal(), (404, "no-session".to_owned()), "{name}");
    }
    for path in ["/", "/api/v1/session"] {
        let answer = browser.get(path).await;
        assert!(!answer.text().contains(&token) && answer.header("location").is_empty(), "{path}");
    }
}

#[tokio::test]
async fn a_session_ends_in_time_and_at_once_when_asked() {
    let world = World::new().await;
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    let copy = browser.clone();
    world.set_clock(NOW + time::Duration::milliseconds(30 * 60 * 1000 - 1));
    assert_eq!(browser.get("/api/v1/session").await.status, 200);
    world.set_clock(NOW + time::Duration::minutes(30));
    assert_eq!(browser.get("/api/v1/session").await.refusal(), (404, "no-session".to_owned()));

    world.set_clock(NOW);
    assert_eq!(browser.delete("/api/v1/session").await.status, 204);
    assert_eq!(browser.delete("/api/v1/session").await.status, 204, "nothing to end is no failure");
    assert_eq!(copy.clone().get("/api/v1/session").await.refusal(), (404, "no-session".to_owned()));
}

#[tokio::test]
async fn the_host_header_decides_nothing() {
    let world = World::new().await;
    let mut browser = world.browser();
    let request = Request::get("/")
        .header("host", "elsewhere.example")
        .header("x-forwarded-host", "elsewhere.example")
        .header("x-forwarded-proto", "http");
    let page = browser.send(request.body(Body::empty()).unwrap()).await;
    assert!(page.text().contains("latchkey sign-in https://portal.example<"));
    assert!(!page.text().contains("elsewhere"));
}

/// Whatever is in the headers that the service reads, it answers.
#[test]
fn hostile_headers_are_answered() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = runtime.block_on(World::new());
    let names = vec![
        "cookie",
        "accept-language",
        "content-type",
        "origin",
        "content-length",
        "x-forwarded-for",
        "authorization",
        "user-agent",
        "sec-fetch-site",
    ];
    let octets = prop_oneof![Just(b';'), Just(b'='), Just(b','), Just(b'q'), 0x20..=0xFF_u8];
    proptest!(|(name in prop::sample::select(names), value in prop::collection::vec(octets, 0..80))| {
        let Ok(value) = HeaderValue::from_bytes(&value) else { return Ok(()) };
        let mut request = Request::post("/api/v1/challenges");
        if name != "content-type" {
            request = request.header("content-type", "application/json");
        }
        let request = request.header(name, value).body(Body::from("{}")).unwrap();
        let status = runtime.block_on(world.browser().send(request)).status;
        prop_assert!(status.is_client_error() || status.is_success(), "{}", status);
    });
}
