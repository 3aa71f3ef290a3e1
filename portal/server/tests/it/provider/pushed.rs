//! Requests that sites send ahead of their visitors (RFC 9126).

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;
use time::Duration;

use super::world::{APP, CLINIC, SHOP, Site, agree, clients, pairs, sent, ticket, world, world_of};
use crate::support::{Answer, NOW, World};

/// The parameters that a site's browser would bring.
fn parameters(site: &Site, changes: &[(&str, Option<&str>)]) -> Vec<(String, String)> {
    let request = site.request(changes);
    let (_, query) = request.split_once('?').unwrap();
    let parameters = url::form_urlencoded::parse(query.as_bytes()).into_owned();
    // The site that has nothing to prove itself by is named already.
    parameters.filter(|(name, _)| site.id != "app" || name != "client_id").collect()
}

pub(super) async fn push(world: &World, site: &Site, changes: &[(&str, Option<&str>)]) -> Answer {
    site.call(world, "/par", &parameters(site, changes)).await
}

pub(super) fn with(site: &Site, answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{}", answer.text());
    let reference = answer.json()["request_uri"].as_str().unwrap().to_owned();
    format!("/authorize?client_id={}&request_uri={reference}", site.id)
}

#[tokio::test]
async fn a_request_that_was_sent_ahead_is_answered_once() {
    let world = world().await;
    for site in [SHOP, CLINIC, APP] {
        let mut browser = world.browser();
        browser.sign_in(&world.card()).await;
        let pushed = push(&world, &site, &[]).await;
        assert_eq!(pushed.json()["expires_in"], 60);
        let address = with(&site, &pushed);
        let asked = browser.get(&format!("{address}&redirect_uri=https%3A%2F%2Fevil.example&scope=openid")).await;
        assert_eq!(browser.get(&address).await.status, 200, "the same browser may load the page again");
        assert!(world.browser().get(&address).await.text().contains("site-request-over"), "and no other");
        let answer = agree(&mut browser, &asked).await;
        assert!(answer.header("location").starts_with(site.address), "what the browser brings does not count");
        let tokens = site.exchange(&world, &sent(&answer, "code").unwrap()).await;
        assert_eq!(tokens.json()["scope"], site.scope, "{}", tokens.text());
        let again = browser.get(&address).await;
        assert!(again.text().contains("site-request-over"), "{}", again.text());
    }
}

/// What is refused is refused where the site sees it, before anybody is sent anywhere.
#[tokio::test]
async fn a_request_that_was_sent_ahead_is_checked_at_once() {
    let world = world().await;
    let rows: [(&str, Option<&str>, &str); 8] = [
        ("code_challenge_method", Some("plain"), "invalid_request"),
        ("scope", Some("profile"), "invalid_scope"),
        ("response_type", Some("token"), "unsupported_response_type"),
        ("redirect_uri", Some("https://evil.example/"), "invalid_request"),
        ("redirect_uri", None, "invalid_request"),
        ("client_id", Some("clinic"), "invalid_client"),
        ("request_uri", Some("urn:ietf:params:oauth:request_uri:x"), "request_uri_not_supported"),
        ("request", Some("x.y.z"), "request_not_supported"),
    ];
    for (name, value, error) in rows {
        let answer = push(&world, &SHOP, &[(name, value)]).await;
        assert_eq!(answer.json(), json!({"error": error}), "{name}");
    }
    let named = parameters(&SHOP, &[]);
    let unproven = Site { id: "other", ..SHOP }.call(&world, "/par", &named[1..]).await;
    assert_eq!(unproven.json()["error"], "invalid_client");
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let request = Request::builder().method(&method).uri("/par").body(Body::empty()).unwrap();
        assert_eq!(world.browser().send(request).await.refusal(), (405, "method-not-allowed".to_owned()), "{method}");
    }
}

#[tokio::test]
async fn a_request_that_was_sent_ahead_succeeds_whatever_it_carries() {
    let world = world().await;
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    SHOP.code(&mut browser).await;
    let (usual, long) = ("n".repeat(64), "n".repeat(512));
    let rows: [(&str, Option<&str>); 7] = [
        ("scope", Some("personal_number profile openid")),
        ("state", None),
        ("state", Some(&long)),
        ("nonce", None),
        ("nonce", Some(&usual)),
        ("nonce", Some(&long)),
        ("unknown", Some("x")),
    ];
    for (name, value) in rows {
        let pushed = push(&world, &SHOP, &[(name, value)]).await;
        let answer = browser.get(&with(&SHOP, &pushed)).await;
        let expected = |of: &str, usual| if name == of { value } else { Some(usual) };
        assert_eq!(sent(&answer, "state").as_deref(), expected("state", "s & t"), "{name} {value:?}");
        let tokens = SHOP.exchange(&world, &sent(&answer, "code").unwrap()).await.json();
        let claims = ticket(&world, tokens["id_token"].as_str().unwrap()).await;
        assert_eq!(claims["nonce"].as_str(), expected("nonce", "n-0S6"), "{name} {value:?}");
    }
}

/// A reference is of one site, for a minute.
#[tokio::test]
async fn a_reference_serves_its_own_site_for_a_minute() {
    let world = world().await;
    let mut browser = world.browser();
    let pushed = push(&world, &SHOP, &[]).await;
    let foreign = with(&SHOP, &pushed).replace("client_id=shop", "client_id=clinic");
    assert!(browser.get(&foreign).await.text().contains("site-request-over"));
    assert_eq!(browser.get(&with(&SHOP, &pushed)).await.status, 200, "the stranger took nothing away");
    let late = push(&world, &SHOP, &[]).await;
    world.set_clock(NOW + Duration::minutes(1));
    assert!(browser.get(&with(&SHOP, &late)).await.text().contains("site-request-over"));
    world.provider.as_ref().unwrap().purge().await.unwrap();
    for reference in
        ["urn:ietf:params:oauth:request_uri:", "urn:ietf:params:oauth:request_uri:x", "https://evil.example/"]
    {
        let request = format!("{}&request_uri={reference}", SHOP.request(&[]));
        assert_eq!(
            sent(&browser.get(&request).await, "error").as_deref(),
            Some("request_uri_not_supported"),
            "{reference}"
        );
    }
}

#[tokio::test]
async fn a_site_may_be_held_to_sending_its_requests_ahead() {
    let held = clients().replacen("refresh_tokens = true", "require_pushed_requests = true", 1);
    let world = world_of(&held).await;
    let mut browser = world.browser();
    assert_eq!(sent(&browser.get(&SHOP.request(&[])).await, "error").as_deref(), Some("invalid_request"));
    let pushed = push(&world, &SHOP, &[]).await;
    assert_eq!(browser.get(&with(&SHOP, &pushed)).await.status, 200);
    world.set_clock(NOW + Duration::seconds(5));
    browser.sign_in(&world.card()).await;
    let asked = browser.get("/authorize/resume").await;
    assert!(sent(&agree(&mut browser, &asked).await, "code").is_some());
    assert_eq!(SHOP.call(&world, "/par", &pairs(&[])).await.json()["error"], "invalid_request");
}
