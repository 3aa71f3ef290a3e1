//! Signing in by link, and what an attacker tries with links.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_fixtures::random::Seeded;
use latchkey_portal::link::ShortCode;
use serde_json::Value;
use time::Duration;

use crate::support::{Answer, Browser, CHALLENGE_COOKIE, NOW, ORIGIN, SESSION_COOKIE, World, change, octets_of};

/// A link as a browser is offered it.
struct Offered {
    request: String,
    short_code: String,
}

async fn offer(browser: &mut Browser) -> Offered {
    let answer = browser.post_json("/api/v1/challenges", r#"{"via":"link"}"#).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let json = answer.json();
    let link = json["link"].as_str().unwrap();
    let request = link.strip_prefix("latchkey:sign-in?portal=https%3A%2F%2Fportal.example&request=").unwrap();
    Offered { request: request.to_owned(), short_code: json["shortCode"].as_str().unwrap().to_owned() }
}

/// What a client program does: no cookies, one path after another.
async fn fetch(world: &World, request: &str) -> Answer {
    world.browser().post_json(&format!("/api/v1/links/{request}"), "{}").await
}

async fn present(world: &World, fetched: &Answer) -> Answer {
    let json = fetched.json();
    let assertion = world.card().sign(ORIGIN, json["challenge"].as_str().unwrap());
    world.browser().post_json(json["assertionPath"].as_str().unwrap(), assertion).await
}

/// The path of the address that the client program is to open.
fn completion(signed: &Answer) -> String {
    assert_eq!(signed.status, 200, "{}", signed.text());
    assert_eq!(signed.json()["result"], "signed");
    signed.json()["completionAddress"].as_str().unwrap().strip_prefix(ORIGIN).unwrap().to_owned()
}

pub(crate) async fn signed(world: &World, browser: &mut Browser) -> String {
    let offered = offer(browser).await;
    followed(world, &offered.request).await
}

/// What the holder's client program does with a link: the path that it opens in the browser.
pub(crate) async fn followed(world: &World, request: &str) -> String {
    completion(&present(world, &fetch(world, request).await).await)
}

async fn is_signed_in(browser: &Browser) -> bool {
    browser.clone().get("/api/v1/session").await.status == 200
}

#[tokio::test]
async fn a_link_signs_in_the_browser_that_asked_for_it() {
    let world = World::new().await;
    let mut browser = world.browser();
    let offered = offer(&mut browser).await;
    let fetched = fetch(&world, &offered.request).await;
    assert_eq!(fetched.status, 200, "{}", fetched.text());
    let json = fetched.json();
    assert_eq!(json["shortCode"], offered.short_code.as_str());
    assert_eq!((json["format"].as_str(), json["purpose"].as_str()), (Some("latchkey-challenge:1"), Some("sign-in")));
    let signed = present(&world, &fetched).await;
    assert_eq!(signed.json().as_object().unwrap().len(), 2, "nothing but the address: {}", signed.text());
    assert!(!is_signed_in(&browser).await, "signed in before the address was opened");

    let completed = browser.get(&completion(&signed)).await;
    assert_eq!((completed.status.as_u16(), completed.header("location")), (303, "/"));
    assert!(completed.cookie(CHALLENGE_COOKIE).unwrap().contains("Max-Age=0;"));
    let session = browser.get("/api/v1/session").await.json();
    assert_eq!(session["assurance"], "high");
    assert_eq!(session["signedInAt"], "2026-05-04T09:00:00Z");
}

#[tokio::test]
async fn a_browser_that_asks_for_a_link_is_given_nothing_to_present_or_ask_after() {
    let world = World::new().await;
    let mut browser = world.browser();
    let offer = browser.post_json("/api/v1/challenges", r#"{"via":"link"}"#).await.json();
    let given: Vec<_> = offer.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(given, ["expiresAt", "format", "link", "purpose", "shortCode"]);
    let description = serde_json::to_value(latchkey_portal::http::description()).unwrap();
    // The provider's addresses know nothing of links.
    let readable = |of: &serde_json::Value| of.get("get").is_some_and(|get| get["tags"][0] != "provider");
    let readable = description["paths"].as_object().unwrap().iter().filter(|(_, of)| readable(of));
    let readable: Vec<_> = readable.map(|(path, _)| path.as_str()).collect();
    assert_eq!(readable, ["/api/v1/openapi.json", "/api/v1/session", "/health/live", "/health/ready", "/metrics"]);
}

/// The victim's client signs what the attacker's browser asked for; the address is opened in the victim's browser.
#[tokio::test]
async fn another_browser_than_the_asking_one_signs_nobody_in_and_ends_it() {
    let world = World::new().await;
    let mut attacker = world.browser();
    let address = signed(&world, &mut attacker).await;
    let mut with_own_cookie = world.browser();
    offer(&mut with_own_cookie).await;
    let refused = with_own_cookie.get(&address).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("<code>completion-of-other-browser</code>"), "{}", refused.text());
    assert!(refused.cookie(SESSION_COOKIE).is_none());
    // Nothing is left for the attacker, who may have learnt the address meanwhile.
    let late = attacker.get(&address).await;
    assert_eq!(late.status, 404);
    assert!(late.text().contains("<code>completion-unknown</code>"));
    for browser in [&attacker, &with_own_cookie] {
        assert!(!is_signed_in(browser).await);
    }

    let address = signed(&world, &mut attacker).await;
    let without_cookie = world.browser().get(&address).await;
    assert_eq!(without_cookie.status, 403);
    assert_eq!(attacker.get(&address).await.status, 404);
    assert!(!is_signed_in(&attacker).await);
}

#[tokio::test]
async fn an_address_completes_once() {
    let world = World::new().await;
    let mut browser = world.browser();
    let address = signed(&world, &mut browser).await;
    let mut copy = browser.clone();
    assert_eq!(browser.get(&address).await.status, 303);
    for again in [&mut copy, &mut browser] {
        let refused = again.get(&address).await;
        assert_eq!(refused.status, 404);
        assert!(refused.cookie(SESSION_COOKIE).is_none());
    }
    assert!(is_signed_in(&browser).await, "the session is untouched");
    assert!(!is_signed_in(&copy).await);
}

#[tokio::test]
async fn a_link_is_fetched_once_and_answered_once() {
    let world = World::new().await;
    let mut browser = world.browser();
    let offered = offer(&mut browser).await;
    let fetched = fetch(&world, &offered.request).await;
    let again = fetch(&world, &offered.request).await;
    assert_eq!(again.refusal(), (409, "link-replayed".to_owned()));
    assert_eq!(present(&world, &fetched).await.status, 200);
    assert_eq!(present(&world, &fetched).await.refusal(), (409, "link-replayed".to_owned()));

    let offered = offer(&mut browser).await;
    let fetched = fetch(&world, &offered.request).await;
    let path = fetched.json()["assertionPath"].as_str().unwrap().to_owned();
    let refused = world.browser().post_json(&path, "{}").await;
    assert_eq!(refused.refusal(), (422, "malformed-assertion".to_owned()));
    assert_eq!(present(&world, &fetched).await.refusal(), (409, "link-replayed".to_owned()), "used up by the refusal");
}

#[tokio::test]
async fn links_that_never_were_and_addresses_that_are_none_are_unknown() {
    let world = World::new().await;
    let unknown = "A".repeat(43);
    for request in ["x", "%FF", unknown.as_str()] {
        assert_eq!(fetch(&world, request).await.refusal(), (404, "link-unknown".to_owned()), "{request}");
        let path = format!("/api/v1/links/{request}/assertion");
        let presented = world.browser().post_json(&path, "{}").await;
        assert_eq!(presented.refusal(), (404, "link-unknown".to_owned()), "{request}");
        let completed = world.browser().get(&format!("/complete/{request}")).await;
        assert_eq!(completed.status, 404, "{request}");
        assert!(completed.text().contains("<code>completion-unknown</code>"), "{request}");
    }
    let mut browser = world.browser();
    let offered = offer(&mut browser).await;
    let path = format!("/api/v1/links/{}/assertion", offered.request);
    let early = world.browser().post_json(&path, "{}").await;
    assert_eq!(early.refusal(), (404, "link-unknown".to_owned()), "not fetched");
    let with_body = world.browser().post_json(&format!("/api/v1/links/{}", offered.request), r#"{"x":1}"#).await;
    assert_eq!(with_body.refusal(), (400, "body-malformed".to_owned()));
}

#[tokio::test]
async fn a_link_expires_with_its_challenge_and_an_address_after_a_minute() {
    let world = World::new().await;
    let mut browser = world.browser();
    let offered = offer(&mut browser).await;
    world.set_clock(NOW + Duration::milliseconds(120_001));
    assert_eq!(fetch(&world, &offered.request).await.refusal(), (410, "challenge-expired".to_owned()));

    world.set_clock(NOW);
    let offered = offer(&mut browser).await;
    let fetched = fetch(&world, &offered.request).await;
    world.set_clock(NOW + Duration::milliseconds(120_001));
    assert_eq!(present(&world, &fetched).await.refusal(), (410, "challenge-expired".to_owned()));

    for (after, status, code) in [(59_999, 303, None), (60_000, 410, Some("completion-expired"))] {
        world.set_clock(NOW);
        let address = signed(&world, &mut browser).await;
        world.set_clock(NOW + Duration::milliseconds(after));
        let completed = browser.clone().get(&address).await;
        assert_eq!(completed.status, status, "{after}");
        assert!(code.is_none_or(|code| completed.text().contains(&format!("<code>{code}</code>"))), "{after}");
    }
    world.set_clock(NOW);
    let address = signed(&world, &mut browser).await;
    world.set_clock(NOW + Duration::minutes(1));
    world.portal.purge().await.unwrap();
    let forgotten = browser.get(&address).await;
    assert!(forgotten.text().contains("<code>completion-unknown</code>"), "nothing of the person is kept longer");
}

/// The browser keeps its cookie for as long as the sign-in may take, the minute for the completion included.
#[tokio::test]
async fn the_asking_browsers_cookie_outlives_the_link() {
    let world = World::new().await;
    let answer = world.browser().post_json("/api/v1/challenges", r#"{"via":"link"}"#).await;
    assert!(answer.cookie(CHALLENGE_COOKIE).unwrap().contains("Max-Age=780;"));
}

#[tokio::test]
async fn a_challenge_of_a_link_is_not_presented_by_a_page_nor_a_pages_by_a_link() {
    let world = World::new().await;
    let mut browser = world.browser();
    let offered = offer(&mut browser).await;
    let fetched = fetch(&world, &offered.request).await.json();
    let id = octets_of(&world.database(), "SELECT id FROM challenges").await;
    let assertion = world.card().sign(ORIGIN, fetched["challenge"].as_str().unwrap());
    let by_page = browser.post_json(&format!("/api/v1/assertions/{}", hex::encode(id)), assertion).await;
    assert_eq!(by_page.refusal(), (404, "challenge-unknown".to_owned()));

    let challenge = browser.challenge().await;
    let name = challenge.path.rsplit('/').next().unwrap();
    let cookie = browser.cookies[CHALLENGE_COOKIE].clone();
    for request in [name, &cookie] {
        let by_link = fetch(&world, request).await;
        assert_eq!(by_link.refusal(), (404, "link-unknown".to_owned()));
        let assertion = world.card().sign(ORIGIN, &challenge.text);
        let by_link = world.browser().post_json(&format!("/api/v1/links/{request}/assertion"), assertion).await;
        assert_eq!(by_link.refusal(), (404, "link-unknown".to_owned()));
    }
}

#[tokio::test]
async fn the_sessions_token_changes_when_a_link_signs_in() {
    let world = World::new().await;
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    let former = browser.clone();
    let address = signed(&world, &mut browser).await;
    assert_eq!(browser.get(&address).await.status, 303);
    assert_ne!(former.cookies[SESSION_COOKIE], browser.cookies[SESSION_COOKIE]);
    assert!(is_signed_in(&browser).await);
    assert!(!is_signed_in(&former).await, "the session that was there before goes on");
}

#[tokio::test]
async fn the_page_offers_a_link_without_a_script() {
    let world = World::new().await;
    let mut browser = world.browser();
    let ask = |body: &'static str| {
        let request = Request::post("/link").header("content-type", "application/x-www-form-urlencoded");
        request.header("origin", ORIGIN).header("accept-language", "en").body(Body::from(body)).unwrap()
    };
    let page = browser.send(ask("")).await;
    assert_eq!(page.status, 200, "{}", page.text());
    let (_, rest) = page.text().split_once("href=\"latchkey:").unwrap();
    let link = rest.split_once('"').unwrap().0.replace("&#38;", "&");
    let request = link.split_once("&request=").unwrap().1;
    let fetched = fetch(&world, request).await;
    let code = fetched.json()["shortCode"].as_str().unwrap().to_owned();
    assert!(page.text().contains(&format!("<strong class=\"short-code\">{code}</strong>")), "{}", page.text());
    let address = completion(&present(&world, &fetched).await);
    assert_eq!(browser.get(&address).await.status, 303);
    assert!(is_signed_in(&browser).await);
    let unasked = browser.send(ask("x=1")).await;
    assert_eq!(unasked.status, 400);
}

#[tokio::test]
async fn a_refusal_at_the_end_of_a_link_is_worded_in_the_pages_language() {
    let world = World::new().await;
    for (language, words) in [("be", "не ў тым браўзеры"), ("ru", "не в том браузере"), ("en", "in another browser")]
    {
        let address = signed(&world, &mut world.browser()).await;
        let request = Request::get(address).header("accept-language", language).body(Body::empty()).unwrap();
        let page = world.browser().send(request).await;
        assert!(page.text().contains(words), "{language}: {}", page.text());
    }
    for code in ["certificate-revoked", "completion-of-other-browser"] {
        let words: Value = world.browser().get(&format!("/refusals/{code}")).await.json();
        assert!(words["whatHappened"].as_str().unwrap().ends_with('.'), "{code}");
        assert!(words["whatToDo"].as_str().unwrap().ends_with('.'), "{code}");
    }
    assert_eq!(world.browser().get("/refusals/no-such-code").await.refusal(), (404, "not-found".to_owned()));
}

#[tokio::test]
async fn the_database_holds_no_token_of_links() {
    let world = World::new().await;
    let mut browser = world.browser();
    let offered = offer(&mut browser).await;
    let address = completion(&present(&world, &fetch(&world, &offered.request).await).await);
    for token in [offered.request.as_str(), address.rsplit('/').next().unwrap()] {
        let octets = URL_SAFE_NO_PAD.decode(token).unwrap();
        for file in std::fs::read_dir(world.directory()).unwrap() {
            let file = std::fs::read(file.unwrap().path()).unwrap();
            let contains = |needle: &[u8]| file.windows(needle.len()).any(|window| window == needle);
            assert!(!contains(token.as_bytes()) && !contains(&octets));
        }
    }
}

#[tokio::test]
async fn values_of_links_that_the_service_would_not_write_are_refused() {
    let world = World::new().await;
    let mut browser = world.browser();
    let damaged = (500, "storage-damaged".to_owned());
    for statement in ["UPDATE challenges SET short_code = 'abcd'", "UPDATE challenges SET short_code = NULL"] {
        let offered = offer(&mut browser).await;
        change(&world.database(), statement).await;
        assert_eq!(fetch(&world, &offered.request).await.refusal(), damaged, "{statement}");
    }
    let address = signed(&world, &mut browser).await;
    change(&world.database(), "UPDATE completions SET assurance = 'boundless'").await;
    let refused = browser.get(&address).await;
    assert_eq!(refused.status, 500);
    assert!(refused.text().contains("<code>storage-damaged</code>"), "{}", refused.text());
    assert!(!is_signed_in(&browser).await);
}

#[test]
fn short_codes_are_four_digits_and_nothing_else() {
    let mut random = Seeded::new("short codes");
    let drawn: BTreeSet<_> = (0..200).map(|_| ShortCode::draw(&mut random).to_string()).collect();
    assert!(drawn.len() > 150 && drawn.iter().any(|code| code.starts_with('0')), "{drawn:?}");
    for code in drawn {
        assert_eq!(ShortCode::parse(&code).unwrap().to_string(), code);
    }
    for text in ["", "123", "12345", "+123", "12 4", "abcd", "٤٢١٧"] {
        assert_eq!(ShortCode::parse(text), None, "{text}");
    }
}
