//! What modules of the OpenID Foundation's conformance plans check, where no other test does; `docs/conformance.md` has all of
//! them.

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use time::Duration;

use super::world::{CLINIC, SECRET, SHOP, Site, VERIFIER, agree, form, pairs, sent, ticket, userinfo, world};
use crate::support::{NOW, ORIGIN};

/// Requests that must end in a ticket, each by the module that sends them.
#[tokio::test]
async fn requests_that_must_succeed_do() {
    const ACR: &str = "urn:latchkey:acr:high";
    type Row<'a> = (&'a str, &'a [(&'a str, Option<&'a str>)]);
    let rows: [Row<'_>; 19] = [
        ("oidcc-server", &[]),
        ("oidcc-ensure-request-without-nonce-succeeds-for-code-flow", &[("nonce", None)]),
        ("oidcc-ensure-request-with-valid-pkce-succeeds", &[]),
        ("oidcc-scope-profile", &[("scope", Some("openid profile"))]),
        ("oidcc-scope-email", &[("scope", Some("openid email"))]),
        ("oidcc-scope-address", &[("scope", Some("openid address"))]),
        ("oidcc-scope-phone", &[("scope", Some("openid phone"))]),
        ("oidcc-scope-all", &[("scope", Some("openid profile email address phone"))]),
        ("oidcc-alternate-happy-flow", &[("scope", Some("email openid"))]),
        ("oidcc-display-page", &[("display", Some("page"))]),
        ("oidcc-display-popup", &[("display", Some("popup"))]),
        ("oidcc-ensure-request-with-unknown-parameter-succeeds", &[("extra", Some("foobar"))]),
        ("oidcc-login-hint", &[("login_hint", Some("buffy@portal.example"))]),
        ("oidcc-ui-locales", &[("ui_locales", Some("se be"))]),
        ("oidcc-claims-locales", &[("claims_locales", Some("se"))]),
        ("oidcc-ensure-request-with-acr-values-succeeds", &[("acr_values", Some(ACR))]),
        ("oidcc-max-age-10000", &[("max_age", Some("10000"))]),
        ("oidcc-claims-essential", &[("claims", Some(r#"{"userinfo":{"name":{"essential":true}}}"#))]),
        ("a state with everything", &[("state", Some("~!@#$%^&*()_+|}{[]':;?/.,<>\\ \u{456}"))]),
    ];
    let world = world().await;
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    for (module, changes) in rows {
        let answer = browser.get(&SHOP.request(changes)).await;
        let answer = if answer.status == 200 { agree(&mut browser, &answer).await } else { answer };
        let wanted = |name| changes.iter().find(|(changed, _)| *changed == name).map(|(_, value)| *value);
        assert_eq!(sent(&answer, "state").as_deref(), wanted("state").unwrap_or(Some("s & t")), "{module}");
        let tokens = SHOP.exchange(&world, &sent(&answer, "code").unwrap()).await.json();
        let claims = ticket(&world, tokens["id_token"].as_str().unwrap()).await;
        let nonce = wanted("nonce").unwrap_or(Some("n-0S6"));
        assert_eq!((claims["nonce"].as_str(), claims["iss"].as_str()), (nonce, Some(ORIGIN)), "{module}");
        assert!(claims["auth_time"].is_i64() && claims["acr"] == ACR && claims["aud"] == "shop", "{module}");
        let known = userinfo(&world, tokens["access_token"].as_str().unwrap()).await.json();
        assert_eq!(known["sub"], claims["sub"], "{module}");
    }
}

/// `oidcc-idtoken-signature`: and each names its key, which is published.
#[tokio::test]
async fn tickets_are_signed_by_rs256_unless_another_algorithm_is_registered() {
    let world = world().await;
    let published = world.browser().get("/jwks").await.json();
    for (site, algorithm) in [(CLINIC, "RS256"), (SHOP, "ES256")] {
        let tokens = site.tokens(&world).await;
        let header = tokens["id_token"].as_str().unwrap().split('.').next().unwrap();
        let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
        assert_eq!(header["alg"], algorithm, "{}", site.id);
        let mut keys = published["keys"].as_array().unwrap().iter();
        assert!(keys.any(|key| key["kid"] == header["kid"] && key["alg"] == algorithm), "{}", site.id);
    }
}

/// `oidcc-userinfo-get`, `oidcc-userinfo-post-header`, `oidcc-userinfo-post-body`; and both places at once are none.
#[tokio::test]
async fn userinfo_is_asked_in_three_ways() {
    let world = world().await;
    let tokens = SHOP.tokens(&world).await;
    let access = tokens["access_token"].as_str().unwrap();
    let post = || Request::post("/userinfo").header("content-type", "application/x-www-form-urlencoded");
    let in_form = form(&pairs(&[("access_token", access)]));
    let bearer = format!("Bearer {access}");
    let requests = [
        Request::get("/userinfo").header("authorization", &bearer).body(Body::empty()).unwrap(),
        post().header("authorization", &bearer).body(Body::empty()).unwrap(),
        Request::post("/userinfo").header("authorization", &bearer).body(Body::empty()).unwrap(),
        post().body(in_form.clone().into()).unwrap(),
    ];
    let expected = userinfo(&world, access).await.json();
    for request in requests {
        assert_eq!(world.browser().send(request).await.json(), expected);
    }
    let twice = post().header("authorization", &bearer).body(in_form.into()).unwrap();
    assert_eq!(world.browser().send(twice).await.status, 401);
    let in_query = Request::get(format!("/userinfo?access_token={access}")).body(Body::empty()).unwrap();
    assert_eq!(world.browser().send(in_query).await.json(), json!({"error": "invalid_token"}));
}

/// `oidcc-max-age-1`: a later ticket tells of a later sign-in.
#[tokio::test]
async fn a_sign_in_that_is_too_old_is_made_anew() {
    let world = world().await;
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    SHOP.code(&mut browser).await;
    world.set_clock(NOW + Duration::seconds(2));
    let page = browser.get(&SHOP.request(&[("max_age", Some("1"))])).await;
    assert!(page.text().contains("data-next"), "the visitor signs in again");
    world.set_clock(NOW + Duration::seconds(3));
    browser.sign_in(&world.card()).await;
    let answer = browser.get("/authorize/resume").await;
    let tokens = SHOP.exchange(&world, &sent(&answer, "code").unwrap()).await.json();
    let claims = ticket(&world, tokens["id_token"].as_str().unwrap()).await;
    assert_eq!(claims["auth_time"].as_i64(), Some(NOW.unix_timestamp() + 3));
}

/// `oidcc-server-client-secret-post`, and `oidcc-codereuse-30seconds` after it.
#[tokio::test]
async fn a_secret_in_the_body_and_a_code_half_a_minute_later() {
    let world = world().await;
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    let code = SHOP.code(&mut browser).await;
    let exchange = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", SHOP.address),
        ("code_verifier", VERIFIER),
        ("client_id", "shop"),
        ("client_secret", SECRET),
    ];
    let tokens = browser.post_form("/token", form(&pairs(&exchange))).await.json();
    let access = tokens["access_token"].as_str().unwrap();
    world.set_clock(NOW + Duration::seconds(30));
    assert_eq!(userinfo(&world, access).await.status, 200);
    let again = browser.post_form("/token", form(&pairs(&exchange))).await;
    assert_eq!((again.status.as_u16(), again.json()), (400, json!({"error": "invalid_grant"})));
    assert_eq!(userinfo(&world, access).await.status, 401, "what came of the code has ended");
}

/// `oidcc-response-type-missing`, `oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported`,
/// `oidcc-ensure-request-object-with-redirect-uri`, `oidcc-prompt-none-not-logged-in`.
#[tokio::test]
async fn what_is_not_offered_is_told_to_the_site() {
    let world = world().await;
    let unsigned = "eyJhbGciOiJub25lIn0.eyJyZWRpcmVjdF91cmkiOiJodHRwczovL2V2aWwuZXhhbXBsZS8ifQ.";
    let rows: [(&str, Option<&str>, &str); 4] = [
        ("response_type", None, "invalid_request"),
        ("request", Some(unsigned), "request_not_supported"),
        ("request_uri", Some("https://shop.example/request.jwt"), "request_uri_not_supported"),
        ("prompt", Some("none"), "login_required"),
    ];
    for (name, value, error) in rows {
        let answer = world.browser().get(&SHOP.request(&[(name, value)])).await;
        assert_eq!(sent(&answer, "error").as_deref(), Some(error), "{name}");
        assert!(answer.header("location").starts_with(SHOP.address), "{name}");
    }
    let plain = Site { scope: "openid", ..SHOP };
    assert_eq!(world.browser().get(&plain.request(&[])).await.status, 200);
}
