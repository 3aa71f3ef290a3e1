//! The page that shows who is signed in.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::Request;
use latchkey_fixtures::pki::PersonOrder;

use crate::support::{Answer, Browser, Card, SESSION_COOKIE, World};

async fn page_in(browser: &mut Browser, language: &str) -> Answer {
    browser.send(Request::get("/").header("accept-language", language).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn it_speaks_the_language_that_the_browser_prefers() {
    let rows = [
        ("be", "be", "Вы не ўвайшлі"),
        ("be-BY, ru;q=0.9", "be", "Вы не ўвайшлі"),
        ("ru-RU,ru;q=0.9,en-US;q=0.8", "ru", "Вы не вошли"),
        ("EN-gb", "en", "You are not signed in"),
        ("ru;q=0.8, en;q=0.801", "en", "You are not signed in"),
        ("en;q=0, ru;q=0.001", "ru", "Вы не вошли"),
        ("en;q=0", "be", "Вы не ўвайшлі"),
        ("de, fr;q=0.5", "be", "Вы не ўвайшлі"),
        ("en;q=2, ru;q=0.5", "ru", "Вы не вошли"),
        ("en;q=0.1234, ru;q=x, ;;,", "be", "Вы не ўвайшлі"),
        ("*", "be", "Вы не ўвайшлі"),
    ];
    let world = World::new().await;
    for (wish, language, title) in rows {
        let page = page_in(&mut world.browser(), wish).await;
        assert_eq!(page.header("content-language"), language, "{wish}");
        assert_eq!(page.header("vary"), "Accept-Language, Cookie", "{wish}");
        assert!(page.text().contains(&format!("<html lang=\"{language}\">")), "{wish}");
        assert!(page.text().contains(&format!("<h1>{title}</h1>")), "{wish}");
    }
    let challenge = Request::post("/api/v1/challenges")
        .header("content-type", "application/json")
        .header("accept-language", "en")
        .body("{}".into());
    let challenge = world.browser().send(challenge.unwrap()).await;
    assert_eq!(challenge.json()["portalName"], "An invented portal");
    assert_eq!(challenge.header("content-language"), "en");
}

#[tokio::test]
async fn a_chosen_language_is_remembered_and_leads_nowhere_else() {
    let world = World::new().await;
    let mut browser = world.browser();
    for (tag, own_name) in [("be", "Беларуская"), ("ru", "Русский"), ("en", "English")] {
        for place in ["/", "/cabinet", "/authorize/resume"] {
            let chosen = choose(&mut browser, &[("place", place), ("language", tag)]).await;
            assert_eq!((chosen.status.as_u16(), chosen.header("location")), (303, place));
            let cookie = chosen.header("set-cookie").to_owned();
            let expected = format!("__Host-latchkey-language={tag}; Max-Age=31536000; Path=/; Secure; HttpOnly;");
            assert!(cookie.starts_with(&expected), "{cookie}");
        }
        for page in ["/", "/cabinet"] {
            let page = Request::get(page).header("accept-language", "en, ru, be").body(Body::empty()).unwrap();
            let page = browser.send(page).await;
            assert_eq!(page.header("content-language"), tag);
            assert!(page.text().contains(&format!("aria-current=\"true\">{own_name}</strong>")), "{}", page.text());
        }
    }
    for fields in [
        &[("place", "https://evil.example/"), ("language", "be")][..],
        &[("place", "//evil.example"), ("language", "be")],
        &[("place", "/cabinet/export"), ("language", "be")],
        &[("place", "/"), ("language", "de")],
        &[("language", "be"), ("place", "/")],
        &[("place", "/"), ("language", "be"), ("language", "ru")],
        &[("place", "/")],
        &[],
    ] {
        let refused = choose(&mut browser, fields).await;
        assert_eq!(refused.status, 400, "{fields:?}");
        assert!(refused.text().contains("<code>body-malformed</code>"), "{fields:?}");
    }
}

async fn choose(browser: &mut Browser, fields: &[(&str, &str)]) -> Answer {
    let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = Request::post("/language")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", "https://portal.example")
        .body(Body::from(body));
    browser.send(request.unwrap()).await
}

/// Who mistypes an address is told so on a page; programs are told as ever.
#[tokio::test]
async fn where_there_is_nothing_people_get_a_page_and_programs_a_code() {
    let world = World::new().await;
    for (method, path, status, code) in
        [("GET", "/nowhere", 404, "not-found"), ("GET", "/sign-out", 405, "method-not-allowed")]
    {
        let request =
            |accept: &str| Request::builder().method(method).uri(path).header("accept", accept).body(Body::empty());
        let page = world.browser().send(request("text/html,application/xhtml+xml,*/*;q=0.8").unwrap()).await;
        assert_eq!(page.status, status);
        assert!(page.header("content-type").starts_with("text/html"), "{path}");
        assert!(page.text().contains(&format!("<code>{code}</code>")), "{}", page.text());
        assert!(page.text().contains("Такой старонкі тут няма."), "{}", page.text());
        let told = world.browser().send(request("*/*").unwrap()).await;
        assert_eq!((told.status.as_u16(), told.json()["code"].as_str().unwrap()), (status, code));
    }
}

/// People find on the portal's page the words that led them there.
#[tokio::test]
async fn the_button_for_other_sites_says_what_the_page_says() {
    let world = World::new().await;
    let buttons: Vec<&str> = include_str!("../../web/sign-in-button.html").lines().collect();
    assert_eq!(buttons.len(), 3);
    for language in ["be", "ru", "en"] {
        let button = buttons.iter().find(|button| button.contains(&format!("lang=\"{language}\""))).unwrap();
        let words = button.rsplit_once("</svg>").unwrap().1.split('<').next().unwrap();
        let page = page_in(&mut world.browser(), language).await;
        assert!(page.text().contains(&format!("hidden>{words}</button>")), "{language}: {words}");
    }
}

#[tokio::test]
async fn it_names_the_holder_in_its_own_language() {
    let world = World::new().await;
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    let session = browser.get("/api/v1/session").await.json();
    let full = |name: &serde_json::Value| {
        ["family", "given", "patronymic"]
            .map(|part| name[part].as_str().unwrap_or_default())
            .join(" ")
            .trim()
            .to_owned()
    };
    let holder = &session["holder"];
    let rows = [
        ("be", full(&holder["belarusianName"]), "высокі"),
        ("ru", full(&holder["name"]), "высокий"),
        ("en", holder["latinName"].as_str().unwrap().to_owned(), "high"),
    ];
    for (language, name, assurance) in rows {
        let page = page_in(&mut browser, language).await;
        assert!(page.text().contains(&format!("<dd>{name}</dd>")), "{language}: {}", page.text());
        assert!(page.text().contains(&format!("<dd>{assurance}</dd>")), "{language}");
        let day = if language == "en" { "2026-05-04" } else { "04.05.2026" };
        let shown = format!("<time datetime=\"2026-05-04T09:30:00Z\">{day} 09:30 UTC</time>");
        assert!(page.text().contains(&shown), "{language}: {}", page.text());
    }
}

/// What the module may tell a page: its outcomes and phases, as its types list them.
fn told_by_the_module() -> BTreeSet<&'static str> {
    let types = include_str!("../../web/latchkey-sign-in.d.ts");
    let codes = types.split("code: \"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let phases = types.split("readonly phase:").nth(1).unwrap().split(';').next().unwrap();
    codes.chain(phases.split('"').skip(1).step_by(2)).collect()
}

#[tokio::test]
async fn every_moment_of_a_sign_in_has_words_in_each_language() {
    let world = World::new().await;
    let mut titles = BTreeSet::new();
    for language in ["be", "ru", "en"] {
        let page = page_in(&mut world.browser(), language).await;
        let mut states = BTreeSet::new();
        for state in page.text().split("<template data-state=\"").skip(1) {
            let name = state.split('"').next().unwrap();
            let title = state.split("<h2>").nth(1).unwrap().split('<').next().unwrap();
            let text = state.split("<p>").nth(1).unwrap().split('<').next().unwrap();
            assert!(!title.is_empty() && text.ends_with(['.', ')']), "{language}: {name}");
            // The moment between the card's signature and the portal's verdict has two names.
            assert!(
                titles.insert(title.to_owned()) || name == "presenting",
                "{language}: {name} says what another says"
            );
            states.insert(name);
        }
        let of_the_page = ["explain", "presenting", "portal-refused", "portal-unreachable"];
        // The page goes on by itself when the program runs and when the card has signed or was read.
        let needed = told_by_the_module().into_iter().filter(|name| !["running", "signed", "read"].contains(name));
        let missing: Vec<_> = needed.chain(of_the_page).filter(|name| !states.contains(name)).collect();
        assert!(missing.is_empty(), "{language} has no words for {missing:?}");
    }
}

#[tokio::test]
async fn without_its_script_the_page_offers_link_and_command() {
    let page = page_in(&mut World::new().await.browser(), "en").await;
    let html = page.text();
    assert!(html.contains("<details id=\"other-ways\" open>"), "{html}");
    assert!(
        html.contains("<form method=\"post\" action=\"/link\"><button type=\"submit\">Get a link</button>"),
        "{html}"
    );
    assert!(html.contains("<code>latchkey sign-in https://portal.example</code>"), "{html}");
    let needed = html.split("<noscript>").nth(1).unwrap().split("</noscript>").next().unwrap();
    assert!(needed.contains("needs JavaScript") && needed.contains("The ways below work without it."), "{needed}");
    for needs_script in ["go", "cancel"] {
        let button = html.split(&format!("<button id=\"{needs_script}\"")).nth(1).unwrap().split('>').next().unwrap();
        assert!(button.ends_with(" hidden"), "{button}");
    }
}

/// Where a script is needed, and only there, whoever runs none is told what for, and what he can do instead.
#[tokio::test]
async fn who_runs_no_scripts_is_told_what_they_are_needed_for() {
    let world = World::with_cabinets().await;
    let mut signed_in = world.browser();
    signed_in.sign_in(&world.card()).await;
    for (language, needed) in [
        ("be", "Кнопцы для ўваходу з карткай патрэбны JavaScript"),
        ("ru", "Кнопке для входа с картой нужен JavaScript"),
        ("en", "The button for signing in with the card needs JavaScript"),
    ] {
        for path in ["/", "/cabinet"] {
            let get = || Request::get(path).header("accept-language", language).body(Body::empty()).unwrap();
            let page = world.browser().send(get()).await;
            assert_eq!(page.text().matches("<noscript>").count(), 1, "{language} {path}");
            assert!(page.text().contains(&format!("<noscript><p class=\"notice\">{needed}")), "{}", page.text());
            let page = signed_in.send(get()).await;
            assert!(!page.text().contains("<noscript>"), "{language} {path}");
        }
    }
}

#[tokio::test]
async fn the_scripts_are_served_as_such_and_never_stale() {
    let world = World::new().await;
    for (path, kind) in [
        ("/latchkey-sign-in.js", "text/javascript; charset=utf-8"),
        ("/page.js", "text/javascript; charset=utf-8"),
        ("/latchkey-sign-in.d.ts", "text/plain; charset=utf-8"),
    ] {
        let script = world.browser().get(path).await;
        assert_eq!((script.status.as_u16(), script.header("content-type")), (200, kind), "{path}");
        assert_eq!(script.header("cache-control"), "no-cache", "{path}");
    }
    let module = world.browser().get("/latchkey-sign-in.js").await;
    assert!(!module.text().contains("\nimport "), "the module depends on nothing");
    assert!(module.text().lines().count() < 400);
}

#[tokio::test]
async fn names_are_text_never_markup() {
    let world = World::new().await;
    let mut browser = world.browser();
    let hostile = |order: &mut PersonOrder| {
        order.person.family_name.russian = "<script>alert(1)</script>".to_owned();
    };
    let accepted = browser.sign_in(&Card::issue(&world.pki, hostile)).await;
    assert_eq!(accepted.status, 200, "{}", accepted.text());
    let page = page_in(&mut browser, "ru").await;
    assert_eq!(page.text().matches("<script").count(), 1, "{}", page.text());
    assert!(page.text().contains("&#60;script&#62;"), "{}", page.text());
}

#[tokio::test]
async fn names_cannot_turn_the_direction_of_writing() {
    let world = World::new().await;
    let mut browser = world.browser();
    let hostile = |order: &mut PersonOrder| order.person.family_name.russian = "\u{202e}ЯАННАДЫВ\u{2066}".to_owned();
    let accepted = browser.sign_in(&Card::issue(&world.pki, hostile)).await;
    assert_eq!(accepted.status, 200, "{}", accepted.text());
    let page = page_in(&mut browser, "ru").await;
    assert!(page.text().contains("\u{fffd}ЯАННАДЫВ\u{fffd}"), "{}", page.text());
}

#[tokio::test]
async fn the_button_signs_out() {
    let world = World::new().await;
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    let copy = browser.clone();
    let key = form_key(&mut browser).await;
    let answer = sign_out(&mut browser, &format!("key={key}")).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/"));
    assert!(!browser.cookies.contains_key(SESSION_COOKIE));
    assert_eq!(copy.clone().get("/api/v1/session").await.status, 404);
    let answer = sign_out(&mut browser, &format!("key={key}")).await;
    assert_eq!(answer.status, 303, "who is signed out already is not told off");
}

#[tokio::test]
async fn only_the_sessions_own_form_signs_out() {
    let world = World::new().await;
    let mut other = world.browser();
    other.sign_in(&world.card()).await;
    let key_of_other = form_key(&mut other).await;
    let rows = [
        ("no key", String::new(), 400, "body-malformed"),
        ("an empty key", "key=".to_owned(), 403, "form-refused"),
        ("another session's key", format!("key={key_of_other}"), 403, "form-refused"),
        ("two keys", format!("key={key_of_other}&key={key_of_other}"), 400, "body-malformed"),
        ("another field", format!("schluessel={key_of_other}"), 400, "body-malformed"),
    ];
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    for (name, form, status, code) in rows {
        let answer = sign_out(&mut browser, &form).await;
        assert_eq!(answer.status.as_u16(), status, "{name}");
        assert!(answer.text().contains(&format!("<code>{code}</code>")), "{name}: {}", answer.text());
        assert_eq!(browser.get("/api/v1/session").await.status, 200, "{name}");
    }
    let as_json = browser.post_json("/sign-out", "{}").await;
    assert_eq!(as_json.status, 415);
    assert!(as_json.text().contains("<code>content-type-refused</code>"));
}

#[tokio::test]
async fn its_scripts_are_its_own_files_and_nothing_is_from_elsewhere() {
    let world = World::new().await;
    let mut browser = world.browser();
    let signed_out = browser.get("/").await;
    browser.sign_in(&world.card()).await;
    for page in [signed_out, browser.get("/").await] {
        let html = page.text();
        for forbidden in ["<script>", "style=", " onclick=", " onload=", " onerror=", "http-equiv", "<iframe", "<img"] {
            assert!(!html.contains(forbidden), "{forbidden} in {html}");
        }
        let values =
            |name: &str| html.split(name).skip(1).map(|rest| rest.split('"').next().unwrap()).collect::<Vec<_>>();
        assert_eq!(values("src=\""), ["/page.js"]);
        assert!(values("href=\"").into_iter().all(|link| ["/style.css", "/"].contains(&link)), "{html}");
        for needed in ["<!DOCTYPE html>", "<main ", "<h1>", "<title>", "name=\"viewport\""] {
            assert!(html.contains(needed), "{needed} not in {html}");
        }
    }
}

async fn form_key(browser: &mut Browser) -> String {
    let page = browser.get("/").await;
    let (_, rest) = page.text().split_once("name=\"key\" value=\"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

async fn sign_out(browser: &mut Browser, form: &str) -> Answer {
    let request = Request::post("/sign-out")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", "https://portal.example")
        .body(Body::from(form.to_owned()));
    browser.send(request.unwrap()).await
}
