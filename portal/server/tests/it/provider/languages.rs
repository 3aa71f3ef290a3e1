//! The language that a site wants the pages to have (`ui_locales`).

use axum::body::Body;
use axum::http::Request;
use proptest::prelude::*;
use time::Duration;

use super::pushed::{push, with};
use super::world::{SHOP, agree, decide, field, form, pairs, sent, world};
use crate::support::{Answer, Browser, NOW, SESSION_COOKIE};

const PENDING_COOKIE: &str = "__Host-latchkey-request";
const LANGUAGE_COOKIE: &str = "__Host-latchkey-language";

/// What a browser gets that likes Russian best.
async fn get(browser: &mut Browser, path: &str) -> Answer {
    browser.send(Request::get(path).header("accept-language", "ru").body(Body::empty()).unwrap()).await
}

async fn asked(browser: &mut Browser, locales: &str) -> Answer {
    get(browser, &SHOP.request(&[("ui_locales", Some(locales))])).await
}

fn speaks(page: &Answer, language: &str, what: &str) {
    assert_eq!(page.header("content-language"), language, "{what}: {}", page.text());
    assert!(page.text().contains(&format!("<html lang=\"{language}\">")), "{what}");
}

#[tokio::test]
async fn the_first_language_of_a_sites_list_that_there_is_counts() {
    let world = world().await;
    let rows = [
        ("be", "be"),
        ("en", "en"),
        ("en be", "en"),
        ("de pl be-tarask en", "be"),
        ("EN-gb", "en"),
        ("en-Latn-US-x-private", "en"),
        ("de fr", "ru"),
        ("", "ru"),
        ("eng", "ru"),
        ("x-en", "ru"),
        ("en,be", "ru"),
        ("en;q=0.5", "ru"),
        ("*", "ru"),
        ("  be", "be"),
        ("- -en en- be", "en"),
    ];
    for (locales, language) in rows {
        speaks(&asked(&mut world.browser(), locales).await, language, locales);
    }
    let discovered = world.browser().get("/.well-known/openid-configuration").await.json();
    assert_eq!(discovered["ui_locales_supported"], serde_json::json!(["be", "ru", "en"]));
}

#[tokio::test]
async fn what_the_visitor_has_chosen_counts_more() {
    let world = world().await;
    let mut browser = world.browser();
    speaks(&asked(&mut browser, "en").await, "en", "the site's wish");
    let chosen = browser.post_form("/language", "place=%2Fauthorize%2Fresume&language=be").await;
    assert_eq!(chosen.header("location"), "/authorize/resume");
    speaks(&get(&mut browser, "/authorize/resume").await, "be", "chosen on that page");
    speaks(&asked(&mut browser, "en").await, "be", "chosen before");
    browser.cookies.insert(LANGUAGE_COOKIE.to_owned(), "de".to_owned());
    speaks(&asked(&mut browser, "en").await, "en", "a choice that there is not");
}

/// Every page on the way has it, what its script reads has it, and when the site is answered it is over.
#[tokio::test]
async fn it_holds_on_the_way_and_no_longer() {
    let world = world().await;
    let mut browser = world.browser();
    speaks(&asked(&mut browser, "en").await, "en", "sign-in");
    let words = get(&mut browser, "/refusals/challenge-expired").await;
    assert_eq!(words.header("content-language"), "en");
    let link = Request::post("/link")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept-language", "ru")
        .body(Body::from("for=site"));
    speaks(&browser.send(link.unwrap()).await, "en", "link");
    let refused = browser.post_form("/authorize/decision", "decision=allow").await;
    assert_eq!(refused.status, 403);
    speaks(&refused, "en", "refusal");
    world.set_clock(NOW + Duration::seconds(5));
    browser.sign_in(&world.card()).await;
    let consent = get(&mut browser, "/authorize/resume").await;
    speaks(&consent, "en", "consent");
    assert!(sent(&agree(&mut browser, &consent).await, "code").is_some());
    assert!(!browser.cookies.contains_key(PENDING_COOKIE));
    speaks(&get(&mut browser, "/").await, "ru", "the portal's own page");

    // The next request has a wish of its own, or none; and who goes to the portal's own page leaves it behind.
    asked(&mut browser, "en").await;
    speaks(&get(&mut browser, &SHOP.request(&[("prompt", Some("login"))])).await, "ru", "the next request");
    speaks(&get(&mut browser, "/authorize/resume").await, "ru", "the next request, again");
    let consent = get(&mut browser, &SHOP.request(&[("ui_locales", Some("en")), ("prompt", Some("consent"))])).await;
    speaks(&consent, "en", "asked once more");
    decide(&mut browser, &consent, "deny").await;
    speaks(&get(&mut browser, "/").await, "ru", "after a no");
}

#[tokio::test]
async fn requests_that_were_sent_ahead_and_farewells_have_it_too() {
    let world = world().await;
    let mut browser = world.browser();
    let pushed = push(&world, &SHOP, &[("ui_locales", Some("pl en"))]).await;
    // What the browser brings beside the reference does not count.
    let address = format!("{}&ui_locales=be", with(&SHOP, &pushed));
    speaks(&get(&mut browser, &address).await, "en", "sent ahead");
    let by_form = form(&pairs(&[("ui_locales", "be")]));
    let request = format!("{}&{by_form}", SHOP.request(&[]).split_once('?').unwrap().1);
    let answer = browser.post_form("/authorize", request).await;
    assert_eq!(answer.header("location"), "/authorize/resume");
    speaks(&get(&mut browser, "/authorize/resume").await, "be", "in a form");

    browser.sign_in(&world.card()).await;
    browser.cookies.remove(PENDING_COOKIE);
    let leaving = get(&mut browser, "/end-session?client_id=shop&ui_locales=de%20en").await;
    speaks(&leaving, "en", "the question whether to leave");
    assert!(field(&leaving, "key").is_some());
    speaks(&get(&mut browser, "/end-session?client_id=shop").await, "ru", "without a wish");
}

/// A wish that is no wish changes nothing: it is no error (OpenID Connect Core 1.0, clause 3.1.2.1), stands nowhere on the page,
/// and the browser's language counts.
#[tokio::test]
async fn hostile_values_change_nothing() {
    let world = world().await;
    let long = format!("{} en", "x".repeat(200));
    let many = format!("{}en", "a ".repeat(100));
    let hostile = [
        "<script>alert(1)</script>",
        "\"><img src=x>",
        "../../etc/passwd",
        "en\u{202E}",
        "\u{435}n",
        "{{7*7}}",
        "%65%6e",
        "en; Path=/; Domain=evil.example",
        "en:ru",
        &long,
        &many,
    ];
    let plain = get(&mut world.browser(), &SHOP.request(&[])).await;
    for locales in hostile {
        let mut browser = world.browser();
        let page = asked(&mut browser, locales).await;
        assert_eq!(page.status, 200, "{locales}");
        speaks(&page, "ru", locales);
        assert_eq!(page.body.len(), plain.body.len(), "{locales}");
        assert!(!page.cookie(PENDING_COOKIE).unwrap().contains("evil"), "{locales}");
    }
    for locales in ["en\r\nset-cookie: x=1", "en\u{0}"] {
        let told = asked(&mut world.browser(), locales).await;
        assert!(told.text().contains("site-request-malformed"), "{locales:?}: {}", told.text());
    }
    let twice = format!("{}&ui_locales=en&ui_locales=be", SHOP.request(&[]));
    assert!(get(&mut world.browser(), &twice).await.text().contains("site-request-malformed"));
}

/// The language stands in the cookie beside the seal: whoever alters it alters his own pages, and the request stays what it is.
#[tokio::test]
async fn an_altered_cookie_changes_the_language_at_most() {
    let world = world().await;
    let mut browser = world.browser();
    asked(&mut browser, "en").await;
    let kept = browser.cookies[PENDING_COOKIE].clone();
    let sealed = kept.strip_suffix(":en").unwrap();
    for tag in ["", ":", ":de", ":<b>", ":en:be"] {
        browser.cookies.insert(PENDING_COOKIE.to_owned(), format!("{sealed}{tag}"));
        assert_eq!(get(&mut browser, "/refusals/challenge-expired").await.header("content-language"), "ru", "{tag}");
        speaks(&get(&mut browser, "/authorize/resume").await, "en", tag);
    }
    for altered in [format!(":{sealed}"), sealed.replacen('.', ":", 1), "en".to_owned(), ":en".to_owned()] {
        browser.cookies.insert(PENDING_COOKIE.to_owned(), altered.clone());
        assert!(get(&mut browser, "/authorize/resume").await.text().contains("site-request-over"), "{altered}");
    }
    assert!(!browser.cookies.contains_key(SESSION_COOKIE));
}

/// Whatever a site or a browser writes there, it is answered.
#[test]
fn whatever_a_list_says_it_is_answered() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = runtime.block_on(world());
    let parts = prop::sample::select(vec!["be", "ru", "en", "-", " ", ":", ".", "x", "\u{202E}", "é", ";", "EN", "*"]);
    let lists = prop::collection::vec(parts, 0..120).prop_map(|parts| parts.concat());
    proptest!(ProptestConfig::with_cases(128), |(locales in lists)| {
        let mut browser = world.browser();
        let page = runtime.block_on(asked(&mut browser, &locales));
        prop_assert_eq!(page.status, 200);
        let language = page.header("content-language").to_owned();
        prop_assert!(["be", "ru", "en"].contains(&language.as_str()));
        let again = runtime.block_on(get(&mut browser, "/authorize/resume"));
        prop_assert_eq!(again.header("content-language"), language);
    });
}
