//! What operators see of the provider: figures without people, and a log without secrets.

use latchkey_portal::metrics::PROVIDER_DESCRIPTIONS;
use serde_json::Value;

use super::world::{CLINIC, SECRET, SHOP, VERIFIER, clients, configured, form, pairs, sent, world, write_files};
use crate::own_keys;
use crate::process::Installation;
use crate::support::ORIGIN;

#[tokio::test]
async fn tickets_and_refusals_are_counted_without_people() {
    let world = world().await;
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    let code = SHOP.code(&mut browser).await;
    let tokens = SHOP.exchange(&world, &code).await.json();
    SHOP.exchange(&world, &code).await;
    SHOP.call(&world, "/token", &pairs(&[("grant_type", "password")])).await;
    let silent = world.browser().get(&CLINIC.request(&[("prompt", Some("none"))])).await;
    assert_eq!(sent(&silent, "error").as_deref(), Some("login_required"));
    let counted = browser.get("/metrics").await;
    let counted = counted.text();
    for description in PROVIDER_DESCRIPTIONS {
        assert!(counted.contains(&format!("# HELP {} {}", description.name, description.text)), "{counted}");
    }
    for line in [
        "latchkey_portal_tickets_total{assurance=\"high\"} 1",
        "latchkey_portal_provider_refusals_total{error=\"replayed\"} 1",
        "latchkey_portal_provider_refusals_total{error=\"invalid_grant\"} 1",
        "latchkey_portal_provider_refusals_total{error=\"unsupported_grant_type\"} 1",
        "latchkey_portal_provider_refusals_total{error=\"login_required\"} 1",
        "latchkey_portal_http_requests_total{method=\"POST\",route=\"/token\",status=\"400\"} 2",
    ] {
        assert!(counted.lines().any(|found| found == line), "{line} is not in\n{counted}");
    }
    for secret in [&code, tokens["access_token"].as_str().unwrap()] {
        assert!(!counted.contains(secret));
    }
}

/// A site's whole way through the real program, and lines that a site would like to add to its log.
#[tokio::test]
async fn the_log_has_no_code_token_or_line_of_a_site() {
    let installation = Installation::new();
    let directory = installation.directory.path();
    write_files(directory, &clients());
    let file = directory.join("portal.toml");
    let configuration = own_keys::with_folder(&std::fs::read_to_string(&file).unwrap());
    let (_, provider) = configured().split_once("\n[provider]\n").map(|(_, it)| ((), it.to_owned())).unwrap();
    std::fs::write(&file, format!("{configuration}\n[provider]\n{provider}")).unwrap();
    let service = installation.start();
    let browser = installation.browser();
    let issued = browser.post(service.url("/api/v1/challenges")).json(&serde_json::json!({})).send().await.unwrap();
    let issued: Value = issued.json().await.unwrap();
    let assertion = installation.card().sign(ORIGIN, issued["challenge"].as_str().unwrap());
    let request = browser.post(service.url(issued["assertionPath"].as_str().unwrap()));
    let accepted = request.header("content-type", "application/json").body(assertion).send().await.unwrap();
    let holder: Value = accepted.json::<Value>().await.unwrap()["holder"].clone();

    let hostile = "a\" level=ERROR forged=1 {\"level\":\"ERROR\"}";
    let line = "x\r\n{\"level\":\"ERROR\",\"message\":\"forged\"}";
    let asked = browser.get(service.url(&SHOP.request(&[("state", Some(hostile)), ("login_hint", Some(hostile))])));
    let page = asked.send().await.unwrap().text().await.unwrap();
    let field =
        |name: &str| page.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap().split('"').next().unwrap();
    let decision = form(&pairs(&[("request", field("request")), ("key", field("key")), ("decision", "allow")]));
    let post = |path: &str, body: String| {
        let request = browser.post(service.url(path)).header("content-type", "application/x-www-form-urlencoded");
        request.body(body)
    };
    let answer = post("/authorize/decision", decision).send().await.unwrap();
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let code = location.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let exchange = form(&pairs(&[
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", SHOP.address),
        ("code_verifier", VERIFIER),
        ("client_id", "shop"),
        ("client_secret", SECRET),
    ]));
    let tokens: Value = post("/token", exchange.clone()).send().await.unwrap().json().await.unwrap();
    let access = tokens["access_token"].as_str().unwrap();
    let known = browser.get(service.url("/userinfo")).bearer_auth(access).send().await.unwrap();
    assert_eq!(known.json::<Value>().await.unwrap()["personal_number"], holder["personalNumber"]);
    assert_eq!(post("/token", exchange).send().await.unwrap().status(), 400);
    for (name, value) in [("state", line), ("client_id", line), ("redirect_uri", line)] {
        let refused = browser.get(service.url(&SHOP.request(&[(name, Some(value))]))).send().await.unwrap();
        assert_eq!(refused.status(), 400, "{name}");
    }
    service.signal("TERM");
    let (status, log) = service.end();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("used twice") && log.contains("site-request-malformed"), "{log}");
    let secrets =
        [&code, access, tokens["refresh_token"].as_str().unwrap(), tokens["id_token"].as_str().unwrap(), SECRET];
    let personal = [&holder["personalNumber"], &holder["latinName"]].map(|value| value.as_str().unwrap());
    for text in secrets.into_iter().chain(personal).chain(["forged"]) {
        assert!(!log.contains(text), "{text} is in the log:\n{log}");
    }
}
