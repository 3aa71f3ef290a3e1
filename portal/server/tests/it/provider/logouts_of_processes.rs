//! Telling sites that people have signed out, by the real program: beside its requests, and after it was killed.

use serde_json::Value;

use super::site_host::{Mood, SiteHost};
use super::world::{SECRET, SHOP, VERIFIER, clients_told, configured, form, pairs, write_files};
use crate::own_keys;
use crate::process::{Installation, Process};
use crate::support::ORIGIN;

/// Signs in, and lets the shop know; the browser.
async fn signed_in(installation: &Installation, service: &Process) -> reqwest::Client {
    let browser = installation.browser();
    let issued = browser.post(service.url("/api/v1/challenges")).json(&serde_json::json!({})).send().await.unwrap();
    let issued: Value = issued.json().await.unwrap();
    let assertion = installation.card().sign(ORIGIN, issued["challenge"].as_str().unwrap());
    let request = browser.post(service.url(issued["assertionPath"].as_str().unwrap()));
    request.header("content-type", "application/json").body(assertion).send().await.unwrap();
    let post = |path: &str, body: String| {
        let request = browser.post(service.url(path)).header("content-type", "application/x-www-form-urlencoded");
        request.body(body).send()
    };
    let mut answer = browser.get(service.url(&SHOP.request(&[]))).send().await.unwrap();
    if answer.status() == 200 {
        let page = answer.text().await.unwrap();
        let field =
            |name: &str| page.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap().split('"').next().unwrap();
        let decision = form(&pairs(&[("request", field("request")), ("key", field("key")), ("decision", "allow")]));
        answer = post("/authorize/decision", decision).await.unwrap();
    }
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let code = location.split("code=").nth(1).unwrap().split('&').next().unwrap();
    let exchange = form(&pairs(&[
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", SHOP.address),
        ("code_verifier", VERIFIER),
        ("client_id", "shop"),
        ("client_secret", SECRET),
    ]));
    assert_eq!(post("/token", exchange).await.unwrap().status(), 200);
    browser
}

fn name(token: &str) -> String {
    use base64::Engine as _;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    claims["jti"].as_str().unwrap().to_owned()
}

/// At once while it runs; and what was under way when the process was killed comes again from the next one, under the same
/// name. A process that is stopped in good order waits for the site.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_is_told_at_once_and_again_after_the_process_was_killed() {
    let mut host = SiteHost::start(Mood::Status(200)).await;
    let installation = Installation::new();
    write_files(installation.directory.path(), &clients_told(&[("shop", &host.address)]));
    let file = installation.directory.path().join("portal.toml");
    let configuration = own_keys::with_folder(&std::fs::read_to_string(&file).unwrap());
    let provider = configured().split_once("\n[provider]\n").unwrap().1.to_owned();
    std::fs::write(&file, format!("{configuration}\n[provider]\n{provider}")).unwrap();

    let service = installation.start();
    let browser = signed_in(&installation, &service).await;
    browser.delete(service.url("/api/v1/session")).send().await.unwrap();
    let first = name(&host.token().await);

    let browser = signed_in(&installation, &service).await;
    host.set(Mood::Silent);
    browser.delete(service.url("/api/v1/session")).send().await.unwrap();
    let second = name(&host.token().await);
    assert_ne!(first, second);
    service.signal("KILL");
    service.end();

    host.set(Mood::Status(200));
    let service = installation.start();
    assert_eq!(name(&host.token().await), second);
    service.signal("TERM");
    let (status, log) = service.end();
    assert_eq!(status.code(), Some(0), "{log}");
    let sid = second.strip_prefix("logout-").unwrap();
    assert!(log.contains("a site was told of an end") && !log.contains(sid), "{log}");
    assert!(host.messages().is_empty());
}
