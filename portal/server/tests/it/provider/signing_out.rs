//! Signing out on a site's wish.

use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::world::{CLINIC, SHOP, field, form, sent, userinfo, world};
use crate::support::{Browser, ORIGIN, SESSION_COOKIE, World};

const BYE: &str = "https%3A%2F%2Fshop.example%2Fbye";

async fn signed_in(world: &World) -> (Browser, serde_json::Value) {
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    let code = SHOP.code(&mut browser).await;
    let tokens = SHOP.exchange(world, &code).await.json();
    (browser, tokens)
}

async fn confirm(browser: &mut Browser, page: &crate::support::Answer) -> crate::support::Answer {
    let names = ["key", "client_id", "post_logout_redirect_uri", "state"];
    let fields: Vec<_> = names.into_iter().filter_map(|name| Some((name.to_owned(), field(page, name)?))).collect();
    browser.post_form("/end-session/confirm", form(&fields)).await
}

#[tokio::test]
async fn the_person_is_asked_and_then_sent_back_to_the_site() {
    let world = world().await;
    let (mut browser, tokens) = signed_in(&world).await;
    let hint = tokens["id_token"].as_str().unwrap();
    let page =
        browser.get(&format!("/end-session?id_token_hint={hint}&post_logout_redirect_uri={BYE}&state=a%26b")).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("<strong>Крама</strong>"), "{}", page.text());
    assert_eq!(browser.get("/api/v1/session").await.status, 200, "nobody is signed out by a link");
    let left = confirm(&mut browser, &page).await;
    assert_eq!((left.status.as_u16(), left.header("location")), (303, "https://shop.example/bye?state=a%26b"));
    assert!(!browser.cookies.contains_key(SESSION_COOKIE));
    assert_eq!(userinfo(&world, tokens["access_token"].as_str().unwrap()).await.status, 401);
    let silent = browser.get(&SHOP.request(&[("prompt", Some("none"))])).await;
    assert_eq!(sent(&silent, "error").as_deref(), Some("login_required"));
}

#[tokio::test]
async fn without_an_address_the_person_comes_to_the_portals_own_page() {
    let world = world().await;
    let (mut browser, _) = signed_in(&world).await;
    let page = browser.get("/end-session").await;
    assert_eq!(page.status, 200);
    assert_eq!(confirm(&mut browser, &page).await.header("location"), "/");
    assert_eq!(browser.get("/end-session").await.header("location"), "/", "nobody is left to ask");
    assert_eq!(browser.get("/end-session?state=x").await.header("location"), "/", "a state without an address");
    let back = browser.get(&format!("/end-session?client_id=shop&post_logout_redirect_uri={BYE}")).await;
    assert_eq!((back.status.as_u16(), back.header("location")), (303, "https://shop.example/bye"));
}

#[tokio::test]
async fn nobody_is_signed_out_by_another_page() {
    let world = world().await;
    let (mut browser, _) = signed_in(&world).await;
    for body in ["", "key=", "key=AAAA", "client_id=shop"] {
        let answer = browser.post_form("/end-session/confirm", body).await;
        assert!(answer.text().contains("form-refused"), "{body}");
    }
    let from_elsewhere = |path: &str| {
        Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", "https://shop.example")
            .body("client_id=shop&state=x".into())
            .unwrap()
    };
    assert_eq!(browser.send(from_elsewhere("/end-session/confirm")).await.refusal().0, 403);
    let asked = browser.send(from_elsewhere("/end-session")).await;
    assert_eq!((asked.status.as_u16(), asked.header("location")), (303, "/end-session?client_id=shop&state=x"));
    assert_eq!(browser.get("/api/v1/session").await.status, 200);
}

#[tokio::test]
async fn only_registered_addresses_and_own_tickets_are_believed() {
    let world = world().await;
    let (mut browser, tokens) = signed_in(&world).await;
    let hint = tokens["id_token"].as_str().unwrap().to_owned();
    let clinic = CLINIC.tokens(&world).await["id_token"].as_str().unwrap().to_owned();
    let claims = hint.split('.').nth(1).unwrap();
    let [unsigned, by_secret] =
        ["none", "HS256"].map(|name| URL_SAFE_NO_PAD.encode(format!("{{\"alg\":\"{name}\",\"typ\":\"JWT\"}}")));
    let rows = [
        (format!("id_token_hint={unsigned}.{claims}.&post_logout_redirect_uri={BYE}"), "site-unknown"),
        (format!("id_token_hint={by_secret}.{claims}.AAAA&post_logout_redirect_uri={BYE}"), "site-unknown"),
        (format!("post_logout_redirect_uri={BYE}"), "site-address-unknown"),
        (format!("client_id=nobody&post_logout_redirect_uri={BYE}"), "site-unknown"),
        (format!("id_token_hint={hint}&client_id=clinic"), "site-unknown"),
        (format!("id_token_hint={clinic}&post_logout_redirect_uri={BYE}"), "site-address-unknown"),
        (format!("id_token_hint={}x&post_logout_redirect_uri={BYE}", &hint[..hint.len() - 5]), "site-unknown"),
        (format!("client_id=shop&post_logout_redirect_uri={ORIGIN}"), "site-address-unknown"),
        (format!("client_id=shop&post_logout_redirect_uri={BYE}%3Fadded%3D1"), "site-address-unknown"),
        ("id_token_hint=x.y.z".to_owned(), "site-unknown"),
        ("state=%00".to_owned(), "site-request-malformed"),
        ("state=a&state=b".to_owned(), "site-request-malformed"),
    ];
    for (query, code) in rows {
        let answer = browser.get(&format!("/end-session?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.text().contains(code), "{query}");
        assert!(answer.header("location").is_empty(), "{query}");
    }
}
