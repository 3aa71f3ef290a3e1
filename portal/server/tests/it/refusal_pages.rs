//! What is refused before anything else is looked at: on a page to people, whose browser opens an address or sends a form, and
//! as a code to programs and scripts.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::http::request::Builder;
use latchkey_portal::provider::ProviderMaterial;
use latchkey_portal::token::TOKEN_SIZE;

use crate::provider::world::{clients, settings, write_files};
use crate::refusals::Silent;
use crate::support::{Answer, ORIGIN, SESSION_COOKIE, World};

/// What browsers send when they open an address or send a form, and what they send for a script.
const OF_NAVIGATION: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
const OF_SCRIPT: &str = "*/*";
const ELSEWHERE: &str = "https://elsewhere.example";
const FORM: &str = "application/x-www-form-urlencoded";

/// Sends the request as a navigation in each language, and as a script; and the same to an address for programs.
async fn is_told(world: &World, (status, code): (u16, &str), words: [&str; 3], request: impl Fn() -> (Builder, Body)) {
    let send = async |kinds: &str, language: &str| {
        let (head, body) = request();
        let head = head.header("accept", kinds).header("accept-language", language);
        world.browser().send(head.body(body).unwrap()).await
    };
    for (language, words) in ["be", "ru", "en"].into_iter().zip(words) {
        let page = send(OF_NAVIGATION, language).await;
        is_page(&page, (status, code), language, words);
    }
    assert_eq!(send(OF_SCRIPT, "en").await.refusal(), (status, code.to_owned()));
}

fn is_page(page: &Answer, (status, code): (u16, &str), language: &str, words: &str) {
    let text = page.text();
    assert_eq!(page.status, status, "{language}: {text}");
    assert!(page.header("content-type").starts_with("text/html"), "{language}: {text}");
    assert_eq!(page.header("content-language"), language);
    assert!(text.contains("data-page=\"refused\"") && text.contains("href=\"/style.css\""), "{text}");
    assert!(text.contains(words) && text.contains(&format!("<code>{code}</code>")), "{language}: {text}");
    assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"), "{language}");
    assert_eq!(page.header("cache-control"), "no-store");
}

async fn with_provider() -> World {
    World::with_provider(
        |_| {},
        |directory| {
            write_files(directory, &clients());
            ProviderMaterial::load(&settings(directory)).unwrap()
        },
    )
    .await
}

#[tokio::test]
async fn who_is_sent_by_another_sites_page_is_told_on_a_page() {
    let world = with_provider().await;
    let words = ["старонка іншага сайта", "страница другого сайта", "A page of another site sent you here"];
    for path in ["/sign-out", "/link", "/language", "/authorize/decision", "/cabinet/seen", "/nowhere"] {
        for origin in [ELSEWHERE, "null"] {
            let request =
                || (Request::post(path).header("origin", origin).header("content-type", FORM), "key=x".into());
            is_told(&world, (403, "origin-refused"), words, request).await;
        }
    }
    // What programs and sites' servers call tells them as ever, whoever opens it.
    for path in ["/api/v1/challenges", "/token", "/par", "/userinfo"] {
        let request = Request::post(path).header("origin", ELSEWHERE).header("accept", OF_NAVIGATION);
        let answer = world.browser().send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.refusal(), (403, "origin-refused".to_owned()), "{path}");
    }
}

/// The page that tells somebody that another site has sent a form in his name is nobody's: it shows nothing of his.
#[tokio::test]
async fn the_page_for_another_sites_form_shows_nothing_of_the_visitor() {
    let world = World::new().await;
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    let request = Request::post("/sign-out").header("origin", ELSEWHERE).header("accept", OF_NAVIGATION);
    let page = browser.send(request.body(Body::from("key=x")).unwrap()).await;
    assert_eq!(page.status, 403);
    assert!(!page.text().contains("name=\"key\"") && !page.text().contains("3000000A000PB0"), "{}", page.text());
    assert!(page.headers.get("set-cookie").is_none());
    assert_eq!(browser.get("/api/v1/session").await.status, 200, "nobody is signed out");
}

#[tokio::test]
async fn who_sends_too_much_is_told_on_a_page() {
    let world = World::with_cabinets().await;
    let words = ["даслаў больш", "прислал больше", "sent more than is taken here"];
    let refusal = (413, "body-too-large");
    for path in ["/sign-out", "/link", "/language", "/cabinet/acting"] {
        let form = || Request::post(path).header("origin", ORIGIN).header("content-type", FORM);
        for language in ["be", "ru", "en"].into_iter().zip(words) {
            let sent = form().header("accept", OF_NAVIGATION).header("accept-language", language.0);
            let page = world.browser().send(sent.body(Body::from("x".repeat(1_000_000))).unwrap()).await;
            is_page(&page, refusal, language.0, language.1);
            let announced = form().header("content-length", "1000000").header("accept", OF_NAVIGATION);
            let announced = announced.header("accept-language", language.0).body(Body::from("x")).unwrap();
            is_page(&world.browser().send(announced).await, refusal, language.0, language.1);
        }
    }
    let program = Request::post("/api/v1/challenges").header("content-type", "application/json");
    let program = program.header("accept", OF_NAVIGATION).body(Body::from("x".repeat(1_000_000))).unwrap();
    assert_eq!(world.browser().send(program).await.refusal(), (413, "body-too-large".to_owned()));
}

#[tokio::test]
async fn who_sends_what_is_no_form_is_told_on_a_page() {
    let world = World::new().await;
    let words = ["Не ўдалося разабраць", "Не удалось разобрать", "cannot be read"];
    for (kind, status, code) in [("text/plain", 415, "content-type-refused"), (FORM, 400, "body-malformed")] {
        for (language, words) in ["be", "ru", "en"].into_iter().zip(words) {
            let request = Request::post("/language").header("content-type", kind).header("accept", OF_NAVIGATION);
            let request = request.header("accept-language", language).body(Body::from("a=b")).unwrap();
            is_page(&world.browser().send(request).await, (status, code), language, words);
        }
    }
}

#[tokio::test]
async fn who_waits_too_long_is_told_on_a_page() {
    let world = World::with_storage(tempfile::tempdir().unwrap(), Arc::new(Silent), |settings| {
        settings.request_time_limit = Duration::from_millis(20);
    });
    let words = ["занадта шмат часу", "слишком много времени", "It took too long"];
    let session = format!("{SESSION_COOKIE}={}", "A".repeat((TOKEN_SIZE * 4).div_ceil(3)));
    let request = || (Request::get("/").header("cookie", &session), Body::empty());
    is_told(&world, (408, "request-timeout"), words, request).await;
    let program = Request::get("/api/v1/session").header("cookie", &session).header("accept", OF_NAVIGATION);
    let answer = world.browser().send(program.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.refusal(), (408, "request-timeout".to_owned()));
}

/// The host that a browser names decides nothing, so nobody is refused for it; the page leads to the portal's own address.
#[tokio::test]
async fn whoever_comes_under_another_name_gets_the_same_pages() {
    let world = World::new().await;
    let get = async |host: &str| {
        let request = Request::get("/nowhere").header("host", host).header("accept", OF_NAVIGATION);
        world.browser().send(request.body(Body::empty()).unwrap()).await
    };
    let own = get("portal.example").await;
    for host in ["elsewhere.example", "portal.example:1", "127.0.0.1", ""] {
        let page = get(host).await;
        assert_eq!((page.status, page.text()), (own.status, own.text()), "{host}");
    }
}
