//! Signing in with an account of another provider: worth `low`, and no more than that.

use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use latchkey_fixtures::outside_provider::{CLIENT_SECRET, TicketFault};
use latchkey_fixtures::random::Seeded;
use latchkey_portal::configuration::Configuration;
use latchkey_portal::keys::KeyUse;
use latchkey_portal::outside_account::{OutsideAccounts, UnderWay};
use latchkey_portal::provider::ProviderMaterial;
use latchkey_portal::token::Token;
use proptest::prelude::*;
use serde_json::{Value, json};
use time::Duration;
use url::Url;

use crate::outside_host::{Mood, OutsideHost, back};
use crate::own_keys;
use crate::process::set_mode;
use crate::provider::world::{
    CLINIC, SHOP, agree, clients, configured, field, sent, settings, ticket, userinfo, write_files,
};
use crate::support::{Answer, Browser, NOW, SESSION_COOKIE, World, change, pairs_of};

const OUTSIDE_COOKIE: &str = "__Host-latchkey-outside";
const HIGH: (&str, Option<&str>) = ("acr_values", Some("urn:latchkey:acr:high"));

/// The example with its section for an account elsewhere, and everybody let in.
fn with_outside_account(issuer: &str) -> String {
    let text = configured().replace("minimum_assurance = \"high\"", "minimum_assurance = \"low\"");
    let (rest, section) = text.split_once("#[outside_account]\n").unwrap();
    let (section, after) = section.split_once("\n\n").unwrap();
    let setting = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.starts_with(' ') && !setting.starts_with("tls_") => setting.to_owned(),
        _ => line.to_owned(),
    };
    let section = section.lines().map(setting).collect::<Vec<_>>().join("\n");
    format!("{rest}[outside_account]\n{}\n\n{after}", section.replace("https://accounts.example", issuer))
}

fn accounts(directory: &Path, issuer: &str) -> OutsideAccounts {
    let secret = directory.join("outside-account.secret");
    std::fs::write(&secret, format!("{CLIENT_SECRET}\n")).unwrap();
    set_mode(&secret, 0o600);
    let settings = Configuration::parse(&with_outside_account(issuer), directory).unwrap().outside_account.unwrap();
    let keys = own_keys::loaded(directory, &[KeyUse::Seal]);
    OutsideAccounts::load(&settings, Arc::clone(&keys)).unwrap()
}

/// A service with cabinets and sites that takes accounts of that provider.
async fn world_of(issuer: &str) -> World {
    let prepare = |directory: &Path| {
        write_files(directory, &clients());
        (ProviderMaterial::load(&settings(directory)).unwrap(), accounts(directory, issuer))
    };
    World::with_outside_accounts(prepare).await
}

async fn scene() -> (World, OutsideHost) {
    let host = OutsideHost::start().await;
    (world_of(&host.issuer).await, host)
}

/// Sets out for the other provider; where the browser is sent.
async fn set_out(browser: &mut Browser, path: &str) -> Url {
    let answer = browser.get(path).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    Url::parse(answer.header("location")).unwrap()
}

/// There and back as that account.
async fn sign_in_as(browser: &mut Browser, host: &OutsideHost, subject: &str) -> Answer {
    let address = set_out(browser, "/outside-account").await;
    browser.get(&host.sign_in(&address, subject, &json!({}))).await
}

async fn page(browser: &mut Browser, path: &str, language: &str) -> Answer {
    browser.send(Request::get(path).header("accept-language", language).body(Body::empty()).unwrap()).await
}

async fn session(browser: &Browser) -> Value {
    browser.clone().get("/api/v1/session").await.json()
}

/// The code that a page tells, and its status.
fn told(page: &Answer) -> (u16, String) {
    let code = page.text().split("<code>").nth(1).unwrap_or_default();
    (page.status.as_u16(), code.split('<').next().unwrap_or_default().to_owned())
}

fn refused() -> (u16, String) {
    (403, "outside-account-refused".to_owned())
}

#[tokio::test]
async fn somebody_signs_in_with_an_account_elsewhere() {
    let (world, host) = scene().await;
    let mut browser = world.browser();
    let rows = [("be", "Выдуманыя ўліковыя запісы"), ("ru", "Выдуманные учётные записи"), ("en", "Invented accounts")];
    for (language, name) in rows {
        let offer = page(&mut browser, "/", language).await;
        let button = format!("<a class=\"button\" href=\"/outside-account\">{name}</a>");
        assert!(offer.text().contains(&button), "{language}: {}", offer.text());
    }
    let address = set_out(&mut browser, "/outside-account").await;
    let back = browser.get(&host.sign_in(&address, "anna", &json!({}))).await;
    assert_eq!((back.status.as_u16(), back.header("location")), (303, "/"));
    assert!(back.cookie(SESSION_COOKIE).unwrap().contains("Secure; HttpOnly; SameSite=Lax"));
    assert!(back.cookie(OUTSIDE_COOKIE).unwrap().contains("Max-Age=0;"));
    let session = session(&browser).await;
    let expected = json!({ "issuer": host.issuer, "name": "anna of Elsewhere" });
    assert_eq!((&session["assurance"], &session["outsideAccount"]), (&json!("low"), &expected));
    assert_eq!(session["holder"], Value::Null);
    for (language, name) in rows {
        let shown = page(&mut browser, "/", language).await;
        let text = shown.text();
        assert!(text.contains("data-page=\"signed-in-outside\"") && text.contains("anna of Elsewhere"), "{language}");
        assert!(text.contains(&format!("<dd>{name}</dd>")) && !text.contains("3000000A000PB0"), "{language}: {text}");
    }
    let shown = page(&mut browser, "/", "en").await;
    let key = field(&shown, "key").unwrap();
    assert_eq!(browser.post_form("/sign-out", format!("key={key}")).await.status, 303);
    assert_eq!(browser.get("/api/v1/session").await.status, 404);
}

#[tokio::test]
async fn who_says_no_there_is_back_where_he_was() {
    let (world, _host) = scene().await;
    let mut browser = world.browser();
    browser.get(&SHOP.request(&[])).await;
    let address = set_out(&mut browser, "/outside-account?for=site").await;
    let state = address.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let answer = browser.get(&back(&[("error", "access_denied"), ("state", &state)])).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/authorize/resume"));
    assert!(answer.cookie(SESSION_COOKIE).is_none());
    let again = browser.get("/authorize/resume").await;
    assert!(again.text().contains("href=\"/outside-account?for=site\""), "{}", again.text());

    let address = set_out(&mut browser, "/outside-account?for=site").await;
    let state = address.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let answer = browser.get(&back(&[("error", "server_error"), ("state", &state)])).await;
    assert_eq!(told(&answer), refused());
    assert!(answer.text().contains("href=\"/authorize/resume\">Вярнуцца да ўваходу"), "{}", answer.text());
    let other = world.browser().get(&back(&[("error", "server_error"), ("state", &state)])).await;
    assert!(other.text().contains("href=\"/\">На галоўную старонку"), "nothing waits: {}", other.text());
}

#[tokio::test]
async fn another_browsers_answer_signs_nobody_in() {
    let (world, host) = scene().await;
    let (mut attacker, mut victim) = (world.browser(), world.browser());
    let address = set_out(&mut attacker, "/outside-account").await;
    let answer = host.sign_in(&address, "mallory", &json!({}));
    assert_eq!(told(&victim.get(&answer).await), refused(), "who has not set out");
    set_out(&mut victim, "/outside-account").await;
    assert_eq!(told(&victim.get(&answer).await), refused(), "who has set out himself");
    assert_eq!(host.exchanges(), 0, "nothing is asked of the provider for it");
    assert_eq!(victim.get("/api/v1/session").await.status, 404);
    for state in ["", "A", &"A".repeat(43)] {
        set_out(&mut victim, "/outside-account").await;
        assert_eq!(told(&victim.get(&back(&[("code", "c"), ("state", state)])).await), refused(), "{state:?}");
    }
    let forged = format!("1777885200000.{}", "A".repeat(43));
    let never = format!("253402300799999.{}", "A".repeat(43));
    for cookie in ["", "0", "0.", "x.y", "1777885200000.A", &forged, &never] {
        victim.cookies.insert(OUTSIDE_COOKIE.to_owned(), cookie.to_owned());
        assert_eq!(told(&victim.get(&answer).await), refused(), "{cookie:?}");
    }
    assert_eq!(attacker.get(&answer).await.status, 303, "it is good in the browser that began");
}

#[tokio::test]
async fn nobody_is_sent_out_by_another_page() {
    let (world, _host) = scene().await;
    let rows = [("cross-site", 403), ("same-site", 403), ("same-origin", 303), ("none", 303)];
    for (from, status) in rows {
        let request = Request::get("/outside-account").header("sec-fetch-site", from).body(Body::empty()).unwrap();
        let answer = world.browser().send(request).await;
        assert_eq!(answer.status, status, "{from}");
        assert_eq!(answer.cookie(OUTSIDE_COOKIE).is_some(), status == 303, "{from}");
    }
    assert_eq!(world.browser().get("/outside-account?for=evil").await.status, 404);
}

#[tokio::test]
async fn mix_up_another_providers_answer_is_refused() {
    let (world, host) = scene().await;
    let mut browser = world.browser();
    let almost = format!("{}/", host.issuer);
    for issuer in ["https://evil.example", &almost] {
        let address = set_out(&mut browser, "/outside-account").await;
        let answer = host.sign_in(&address, "anna", &json!({}));
        let (answer, _) = answer.split_once("&iss=").unwrap();
        let named = browser.get(&format!("{answer}&iss={issuer}")).await;
        assert_eq!(told(&named), refused(), "{issuer}");
    }
    assert_eq!(host.exchanges(), 0, "the code is not handed to anybody");
    let address = set_out(&mut browser, "/outside-account").await;
    let answer = host.sign_in(&address, "anna", &json!({}));
    let (answer, _) = answer.split_once("&iss=").unwrap();
    assert_eq!(browser.get(answer).await.status, 303, "a provider need not name itself");
}

/// Unless it says that it always does: then an answer without that is somebody else's.
#[tokio::test]
async fn mix_up_a_provider_that_always_names_itself_is_held_to_it() {
    let (world, host) = scene().await;
    host.set(Mood::NamesItself);
    let mut browser = world.browser();
    for end in ["", "&error=access_denied"] {
        let address = set_out(&mut browser, "/outside-account").await;
        let answer = host.sign_in(&address, "anna", &json!({}));
        let (unnamed, _) = answer.split_once("&iss=").unwrap();
        assert_eq!(told(&browser.get(&format!("{unnamed}{end}")).await), refused(), "{end}");
    }
    assert_eq!(host.exchanges(), 0, "the code is not handed to anybody");
    assert_eq!(sign_in_as(&mut browser, &host, "anna").await.status, 303);
}

#[tokio::test]
async fn a_provider_that_takes_the_secret_in_the_body_gets_it_there() {
    let (world, host) = scene().await;
    host.set(Mood::SecretInBody);
    assert_eq!(sign_in_as(&mut world.browser(), &host, "anna").await.status, 303);
    assert_eq!(host.exchanges(), 1);
}

fn returned() -> impl Strategy<Value = String> {
    let soup = prop_oneof![
        Just("code="),
        Just("state="),
        Just("iss="),
        Just("error="),
        Just("access_denied"),
        Just("&"),
        Just("%00"),
        Just("%"),
        Just("https://evil.example"),
        Just("ў"),
        Just("a"),
    ];
    prop::collection::vec(soup, 0..12).prop_map(|parts| parts.concat())
}

/// What a browser brings along of its own making is read as nothing, or as what it says.
#[test]
fn every_truncation_and_change_of_the_cookie_is_refused() {
    let under_way = UnderWay { since: NOW, token: Token::draw(&mut Seeded::new("under way")) };
    let sound = under_way.expose_for_cookie();
    let read = |text: &str| UnderWay::parse(text).map(|read| read.expose_for_cookie());
    assert_eq!(read(&sound), Some(sound.clone()));
    for end in 0..sound.len() {
        assert_eq!(read(&sound[..end]), None, "{end}");
    }
    for other in [format!("+{sound}"), format!("0{sound}"), format!("+{}", &sound[1..]), format!("0{}", &sound[1..])] {
        assert_eq!(read(&other), None, "{other}");
    }
    proptest!(|(place in 0..sound.len(), with in "[ -~]", soup in "[0-9.A-Za-z_+ -]{0,64}", any in any::<String>())| {
        let mut changed = sound.clone();
        changed.replace_range(place..=place, &with);
        for text in [changed, soup, any] {
            // One spelling: whatever is read says the same again.
            prop_assert!(read(&text).is_none_or(|read| read == text), "{}", text);
        }
    });
}

/// Whatever a browser comes back with, nobody is signed in by it and the other provider is asked nothing.
#[test]
fn nothing_that_a_browser_makes_up_signs_anybody_in() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (world, host) = runtime.block_on(scene());
    let mut browser = world.browser();
    runtime.block_on(set_out(&mut browser, "/outside-account"));
    let config = ProptestConfig { cases: 64, ..ProptestConfig::default() };
    proptest!(config, |(query in returned(), cookie in "[ -~]{0,60}")| {
        for cookie in [browser.cookies[OUTSIDE_COOKIE].clone(), cookie.replace([';', ','], "")] {
            let mut browser = browser.clone();
            browser.cookies.insert(OUTSIDE_COOKIE.to_owned(), cookie);
            let address = format!("/outside-account/return?{query}");
            let Ok(request) = Request::get(&address).body(Body::empty()) else { continue };
            let answer = runtime.block_on(browser.send(request));
            prop_assert_eq!(told(&answer), refused());
            prop_assert!(answer.cookie(SESSION_COOKIE).is_none());
        }
    });
    assert_eq!(host.exchanges(), 0);
}

#[tokio::test]
async fn a_ticket_that_does_not_hold_signs_nobody_in() {
    let (world, host) = scene().await;
    let now = NOW.unix_timestamp();
    let rows = [
        ("another nonce", None, json!({ "nonce": "another" })),
        ("no nonce", None, json!({ "nonce": null })),
        ("another audience", None, json!({ "aud": "shop" })),
        ("an audience beside the portal", None, json!({ "aud": ["portal", "shop"] })),
        ("no audience", None, json!({ "aud": null })),
        ("another issuer", None, json!({ "iss": "https://evil.example" })),
        ("no issuer", None, json!({ "iss": null })),
        ("expired", None, json!({ "exp": now - 1 })),
        ("no expiry", None, json!({ "exp": null })),
        ("no identifier", None, json!({ "sub": null })),
        ("an empty identifier", None, json!({ "sub": "" })),
        ("a long identifier", None, json!({ "sub": "a".repeat(256) })),
        ("an identifier with a line in it", None, json!({ "sub": "a\nb" })),
        ("another key", Some(TicketFault::OtherKey), json!({})),
        ("signed by the shared secret", Some(TicketFault::BySecret), json!({})),
        ("signed by nobody", Some(TicketFault::Unsigned), json!({})),
        ("no ticket", Some(TicketFault::Missing), json!({})),
    ];
    for (name, fault, changes) in rows {
        host.provider().set_fault(fault);
        let mut browser = world.browser();
        let address = set_out(&mut browser, "/outside-account").await;
        let answer = browser.get(&host.sign_in(&address, "anna", &changes)).await;
        assert_eq!(told(&answer), refused(), "{name}");
        assert!(answer.cookie(SESSION_COOKIE).is_none(), "{name}");
        assert!(!answer.text().contains("anna") && !answer.text().contains("secret"), "{name}");
    }
    let figures = world.browser().get("/metrics").await;
    assert!(figures.text().contains("outside-account-refused"), "{}", figures.text());
}

#[tokio::test]
async fn code_replay_an_answer_serves_once() {
    let (world, host) = scene().await;
    let mut browser = world.browser();
    let address = set_out(&mut browser, "/outside-account").await;
    let taken_along = browser.cookies[OUTSIDE_COOKIE].clone();
    let answer = host.sign_in(&address, "anna", &json!({}));
    assert_eq!(browser.get(&answer).await.status, 303);
    let first = browser.cookies[SESSION_COOKIE].clone();
    assert_eq!(told(&browser.get(&answer).await), refused(), "the browser has nothing under way any more");
    browser.cookies.insert(OUTSIDE_COOKIE.to_owned(), taken_along.clone());
    assert_eq!(told(&browser.get(&answer).await), refused(), "the provider gives nothing for it");
    assert_eq!(browser.cookies[SESSION_COOKIE], first);
    assert_eq!(session(&browser).await["outsideAccount"]["name"], "anna of Elsewhere");

    let mut late = world.browser();
    let address = set_out(&mut late, "/outside-account").await;
    let answer = host.sign_in(&address, "anna", &json!({ "exp": NOW.unix_timestamp() + 3600 }));
    world.set_clock(NOW + Duration::minutes(15));
    assert_eq!(told(&late.get(&answer).await), refused(), "a quarter of an hour later");
    // A moment that was made younger is another one.
    let since = (NOW + Duration::minutes(14)).unix_timestamp() * 1000;
    let (_, token) = taken_along.split_once('.').unwrap();
    late.cookies.insert(OUTSIDE_COOKIE.to_owned(), format!("{since}.{token}"));
    assert_eq!(told(&late.get(&answer).await), refused());
}

#[tokio::test]
async fn a_provider_that_cannot_be_used_is_told() {
    let unavailable = (502, "outside-account-unavailable".to_owned());
    for mood in [Mood::Busy, Mood::Endless] {
        let (world, host) = scene().await;
        host.set(mood);
        let mut browser = world.browser();
        let answer = page(&mut browser, "/outside-account", "en").await;
        assert_eq!(told(&answer), unavailable, "{mood:?}");
        assert!(answer.text().contains("cannot be reached"), "{}", answer.text());
        assert_eq!(browser.sign_in(&world.card()).await.status, 200, "the card serves");
        host.set(Mood::Sound);
        assert_eq!(world.browser().get("/outside-account").await.status, 303, "it is asked again");
    }
    // Nobody is there.
    let world = world_of("http://127.0.0.1:9").await;
    assert_eq!(told(&world.browser().get("/outside-account").await), unavailable);
    // Somebody is there, but another.
    let host = OutsideHost::start().await;
    let world = world_of(&format!("{}/", host.issuer)).await;
    assert_eq!(told(&world.browser().get("/outside-account").await), unavailable);
}

#[tokio::test]
async fn a_new_key_of_the_provider_is_looked_for() {
    let (world, host) = scene().await;
    sign_in_as(&mut world.browser(), &host, "anna").await;
    host.provider().change_key().unwrap();
    world.set_clock(NOW + Duration::minutes(2));
    assert_eq!(sign_in_as(&mut world.browser(), &host, "anna").await.status, 303);
}

#[tokio::test]
async fn it_opens_no_cabinet_until_the_card_is_shown() {
    let (world, host) = scene().await;
    let mut browser = world.browser();
    sign_in_as(&mut browser, &host, "anna").await;
    let low = browser.cookies[SESSION_COOKIE].clone();
    let demand = page(&mut browser, "/cabinet", "en").await;
    assert!(demand.text().contains("data-next=\"/cabinet\""), "{}", demand.text());
    assert!(demand.text().contains("You are signed in already"), "{}", demand.text());
    assert!(!demand.text().contains("/outside-account"), "only the card opens it");
    assert_eq!(browser.get("/cabinet/export").await.status, 404);
    for path in ["/cabinet/sessions/end-others", "/cabinet/seen", "/cabinet/acting", "/cabinet/sites/withdraw"] {
        assert_eq!(browser.post_form(path, "key=a").await.status, 404, "{path}");
    }
    let cabinets = "SELECT cabinet IS NOT NULL, personal_number = '' FROM sessions";
    assert_eq!(pairs_of(&world.database(), cabinets).await, [(false, true)]);

    browser.sign_in(&world.card()).await;
    assert_ne!(browser.cookies[SESSION_COOKIE], low, "the session has another token");
    assert!(page(&mut browser, "/cabinet", "en").await.text().contains("data-page=\"cabinet\""));
    let mut former = world.browser();
    former.cookies.insert(SESSION_COOKIE.to_owned(), low);
    assert_eq!(former.get("/api/v1/session").await.status, 404, "the low session has ended");
    assert_eq!(pairs_of(&world.database(), cabinets).await, [(true, false)]);
}

#[tokio::test]
async fn downgrade_a_session_with_a_card_stays() {
    let (world, host) = scene().await;
    let mut browser = world.browser();
    let address = set_out(&mut browser, "/outside-account").await;
    let answer = host.sign_in(&address, "anna", &json!({}));
    browser.sign_in(&world.card()).await;
    let high = browser.cookies[SESSION_COOKIE].clone();
    let back = browser.get(&answer).await;
    assert_eq!((back.status.as_u16(), back.header("location")), (303, "/"));
    assert_eq!(browser.cookies[SESSION_COOKIE], high);
    assert_eq!(session(&browser).await["assurance"], "high");
    assert_eq!(host.exchanges(), 0);
    let asked = browser.get(&SHOP.request(&[("prompt", Some("login"))])).await;
    assert!(!asked.text().contains("/outside-account"), "{}", asked.text());
}

#[tokio::test]
async fn a_site_learns_that_it_is_low_and_no_claims() {
    let (world, host) = scene().await;
    let mut browser = world.browser();
    let asked = browser.get(&SHOP.request(&[])).await;
    assert!(asked.text().contains("href=\"/outside-account?for=site\""), "{}", asked.text());
    let address = set_out(&mut browser, "/outside-account?for=site").await;
    let back = browser.get(&host.sign_in(&address, "anna", &json!({}))).await;
    assert_eq!(back.header("location"), "/authorize/resume");
    let consent = page(&mut browser, "/authorize/resume", "en").await;
    assert_eq!(consent.text().matches("<li>").count(), 2, "neither name nor number: {}", consent.text());
    let code = sent(&agree(&mut browser, &consent).await, "code").unwrap();
    let tokens = SHOP.exchange(&world, &code).await.json();
    let claims = ticket(&world, tokens["id_token"].as_str().unwrap()).await;
    assert_eq!(claims["acr"], "urn:latchkey:acr:low");
    assert_eq!(claims["amr"], json!(["urn:latchkey:amr:outside-account"]));
    let known = userinfo(&world, tokens["access_token"].as_str().unwrap()).await.json();
    assert_eq!(known, json!({ "sub": claims["sub"] }));
    assert!(!claims.to_string().contains("anna") && !claims.to_string().contains("PNOBY"));

    // What was agreed to is not kept, and each account has a subject of its own at each site.
    assert_eq!(page(&mut browser, &SHOP.request(&[]), "en").await.status, 200);
    let silent = browser.get(&SHOP.request(&[("prompt", Some("none"))])).await;
    assert_eq!(sent(&silent, "error").as_deref(), Some("consent_required"));
    let at_clinic = subject_at_clinic(&world, &mut browser).await;
    let mut again = world.browser();
    sign_in_as(&mut again, &host, "anna").await;
    assert_eq!(subject_at_clinic(&world, &mut again).await, at_clinic, "the same account is the same");
    let mut other = world.browser();
    sign_in_as(&mut other, &host, "PNOBY-3000000A000PB0").await;
    let others = subject_at_clinic(&world, &mut other).await;
    let mut holder = world.browser();
    holder.sign_in(&world.card()).await;
    let holders = subject_at_clinic(&world, &mut holder).await;
    let subjects = [&claims["sub"], &at_clinic, &others, &holders];
    assert!((0..4).all(|one| (0..one).all(|two| subjects[one] != subjects[two])), "{subjects:?}");
}

async fn subject_at_clinic(world: &World, browser: &mut Browser) -> Value {
    let code = CLINIC.code(browser).await;
    let tokens = CLINIC.exchange(world, &code).await.json();
    ticket(world, tokens["id_token"].as_str().unwrap()).await["sub"].clone()
}

/// The request waits while its visitor shows the card in place of the account; the tokens of the account end.
#[tokio::test]
async fn a_site_that_wants_more_gets_the_card_in_the_same_place() {
    let (world, host) = scene().await;
    let mut browser = world.browser();
    sign_in_as(&mut browser, &host, "anna").await;
    let low = browser.cookies[SESSION_COOKIE].clone();
    let code = SHOP.code(&mut browser).await;
    let of_account = SHOP.exchange(&world, &code).await.json();
    let asked = browser.get(&SHOP.request(&[HIGH])).await;
    assert!(asked.text().contains("data-next=\"/authorize/resume\""), "{}", asked.text());
    assert!(!asked.text().contains("/outside-account"), "only the card serves");
    assert!(asked.text().contains("увайдзіце з ID-карткай"), "{}", asked.text());
    world.set_clock(NOW + Duration::seconds(5));
    browser.sign_in(&world.card()).await;
    assert_ne!(browser.cookies[SESSION_COOKIE], low);
    let consent = browser.get("/authorize/resume").await;
    let answer = agree(&mut browser, &consent).await;
    assert_eq!(sent(&answer, "state").as_deref(), Some("s & t"), "it is the request that waited");
    let tokens = SHOP.exchange(&world, &sent(&answer, "code").unwrap()).await.json();
    let of_card = ticket(&world, tokens["id_token"].as_str().unwrap()).await;
    assert_eq!(of_card["acr"], "urn:latchkey:acr:high");
    let of_account_ticket = ticket(&world, of_account["id_token"].as_str().unwrap()).await;
    assert_ne!(of_card["sub"], of_account_ticket["sub"]);
    assert_eq!(userinfo(&world, of_account["access_token"].as_str().unwrap()).await.status, 401);

    // Whoever has signed in with an account after the site asked for the card is asked for it, and not sent away.
    let mut browser = world.browser();
    browser.get(&SHOP.request(&[HIGH])).await;
    world.set_clock(NOW + Duration::seconds(10));
    let address = set_out(&mut browser, "/outside-account?for=site").await;
    browser.get(&host.sign_in(&address, "anna", &json!({}))).await;
    let asked = browser.get("/authorize/resume").await;
    assert!(asked.text().contains("data-page=\"signed-out\""), "{}", asked.text());
}

/// Downgrade: a site that wants the visitor to sign in anew is told of no sign-in elsewhere that was long ago.
#[tokio::test]
async fn downgrade_a_sign_in_elsewhere_of_long_ago_is_no_new_one() {
    let (world, host) = scene().await;
    let at = |moment: time::OffsetDateTime| json!({ "auth_time": moment.unix_timestamp() });
    let hour_ago = NOW - Duration::hours(1);
    for changes in [("prompt", Some("login")), ("max_age", Some("600"))] {
        let mut browser = world.browser();
        let page = browser.get(&SHOP.request(&[changes])).await;
        let link = "/outside-account?for=site-anew";
        assert!(page.text().contains(&format!("href=\"{link}\"")), "{changes:?}: {}", page.text());
        world.set_clock(NOW + Duration::seconds(10));
        let address = set_out(&mut browser, link).await;
        let asked = |wanted: &str, value: &str| address.query_pairs().any(|(name, is)| name == wanted && is == value);
        assert!(asked("prompt", "login"), "{address}");
        assert!(asked("claims", r#"{"id_token":{"auth_time":{"essential":true}}}"#), "{address}");
        let old = browser.get(&host.sign_in(&address, "anna", &at(hour_ago))).await;
        assert!(old.cookie(SESSION_COOKIE).unwrap().contains("Max-Age=1800;"), "{:?}", old.cookie(SESSION_COOKIE));
        assert_eq!(session(&browser).await["signedInAt"], "2026-05-04T08:00:00Z");
        let again = browser.get("/authorize/resume").await;
        assert!(again.text().contains("data-page=\"signed-out\""), "{changes:?}: {}", again.text());
        let silent = browser.get(&SHOP.request(&[("max_age", Some("600")), ("prompt", Some("none"))])).await;
        assert_eq!(sent(&silent, "error").as_deref(), Some("login_required"), "{changes:?}");

        browser.get(&SHOP.request(&[changes])).await;
        world.set_clock(NOW + Duration::seconds(20));
        let address = set_out(&mut browser, link).await;
        browser.get(&host.sign_in(&address, "anna", &at(NOW - Duration::seconds(39)))).await;
        let asked = browser.get("/authorize/resume").await;
        let code = sent(&agree(&mut browser, &asked).await, "code").unwrap();
        let tokens = SHOP.exchange(&world, &code).await.json();
        let claims = ticket(&world, tokens["id_token"].as_str().unwrap()).await;
        assert_eq!(
            claims["auth_time"].as_i64(),
            Some(NOW.unix_timestamp() + 20),
            "{changes:?}: its clock may be behind"
        );
        world.set_clock(NOW);
    }
    // Who may have signed in long ago is told to have.
    let mut browser = world.browser();
    browser.get(&SHOP.request(&[])).await;
    let address = set_out(&mut browser, "/outside-account?for=site").await;
    assert!(!address.as_str().contains("prompt="), "{address}");
    browser.get(&host.sign_in(&address, "anna", &at(hour_ago))).await;
    let code = SHOP.code(&mut browser).await;
    let tokens = SHOP.exchange(&world, &code).await.json();
    let claims = ticket(&world, tokens["id_token"].as_str().unwrap()).await;
    assert_eq!(claims["auth_time"].as_i64(), Some(hour_ago.unix_timestamp()));
}

#[tokio::test]
async fn what_one_account_was_granted_does_not_go_to_the_next() {
    let (world, host) = scene().await;
    let mut browser = world.browser();
    sign_in_as(&mut browser, &host, "anna").await;
    let code = SHOP.code(&mut browser).await;
    let tokens = SHOP.exchange(&world, &code).await.json();
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(userinfo(&world, token).await.status, 200);
    sign_in_as(&mut browser, &host, "boris").await;
    assert_eq!(session(&browser).await["outsideAccount"]["name"], "boris of Elsewhere");
    assert_eq!(userinfo(&world, token).await.status, 401, "it has ended with anna's session");
}

#[tokio::test]
async fn a_name_is_shown_as_text_and_to_nobody_else() {
    let (world, host) = scene().await;
    let mut browser = world.browser();
    let address = set_out(&mut browser, "/outside-account").await;
    let name = format!("<b>\u{202E}\n{}", "z".repeat(200));
    browser.get(&host.sign_in(&address, "anna", &json!({ "name": name }))).await;
    let shown = page(&mut browser, "/", "en").await;
    assert!(!shown.text().contains("<b>") && !shown.text().contains('\u{202E}'), "{}", shown.text());
    assert!(!shown.text().contains(&"z".repeat(100)), "{}", shown.text());
    let mut nameless = world.browser();
    let address = set_out(&mut nameless, "/outside-account").await;
    nameless.get(&host.sign_in(&address, "anna", &json!({ "name": null }))).await;
    assert_eq!(session(&nameless).await["outsideAccount"]["name"], Value::Null);
    assert_eq!(page(&mut nameless, "/", "en").await.status, 200);
    let log = std::fs::read_to_string(world.directory().join("audit.log")).unwrap();
    assert!(log.contains("\"way\":\"outside-account\""), "{log}");
    assert!(!log.contains("anna") && !log.contains(&host.issuer), "{log}");
}

#[tokio::test]
async fn a_session_that_the_service_would_not_write_is_refused() {
    let (world, host) = scene().await;
    let mut browser = world.browser();
    sign_in_as(&mut browser, &host, "anna").await;
    change(&world.database(), "UPDATE sessions SET outside_subject = NULL").await;
    assert_eq!(browser.get("/api/v1/session").await.refusal(), (500, "storage-damaged".to_owned()));
    change(&world.database(), "UPDATE sessions SET outside_issuer = NULL").await;
    assert_eq!(browser.get("/api/v1/session").await.refusal(), (500, "storage-damaged".to_owned()));
}

#[tokio::test]
async fn where_no_provider_is_configured_nobody_is_offered_one() {
    let world = World::with_cabinets().await;
    let mut browser = world.browser();
    assert!(!browser.get("/").await.text().contains("/outside-account"));
    for path in ["/outside-account", &back(&[("code", "c"), ("state", "s")])] {
        assert_eq!(told(&browser.get(path).await), (404, "not-found".to_owned()), "{path}");
    }
}

#[test]
fn a_configuration_that_would_let_nobody_in_is_refused() {
    let sound = with_outside_account("https://accounts.example");
    let directory = tempfile::tempdir().unwrap();
    assert!(Configuration::parse(&sound, directory.path()).unwrap().outside_account.is_some());
    let issuer = "issuer = \"https://accounts.example\"";
    let no_address = "`outside_account.issuer` must be an HTTPS address as browsers write it, not";
    let rows = [
        (
            "minimum_assurance = \"low\"",
            "minimum_assurance = \"substantial\"",
            "`outside_account` needs trust.minimum_assurance",
        ),
        ("[keys]\n", "[key]\n", "needs the section [keys]"),
        (issuer, "issuer = \"http://accounts.example\"", no_address),
        (issuer, "issuer = \"http://localhost:80\"", no_address),
        (issuer, "issuer = \"https://accounts.example/?a=b\"", no_address),
        (issuer, "issuer = \"https://me@accounts.example\"", no_address),
        (issuer, "", "`outside_account.issuer` is missing"),
        ("client_id = \"portal\"", "client_id = \"\"", "`outside_account.client_id` must have 1 to 255"),
        ("be = \"Выдуманыя ўліковыя запісы\"", "", "`outside_account.name.be` is missing"),
        (
            issuer,
            "issuer = \"https://accounts.example\"\nscope = \"email\"",
            "`outside_account.scope` there is no such key",
        ),
    ];
    for (line, replacement, expected) in rows {
        let faulty = sound.replacen(line, replacement, 1);
        assert_ne!(faulty, sound, "{line}");
        let fault = Configuration::parse(&faulty, directory.path()).unwrap_err().to_string();
        assert!(fault.contains(expected), "{replacement}: {fault}");
    }
}

#[test]
fn a_secret_that_others_can_read_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    own_keys::make(directory.path(), &[KeyUse::Seal]);
    let keys = || own_keys::loaded(directory.path(), &[KeyUse::Seal]);
    let text = with_outside_account("https://accounts.example");
    let settings = Configuration::parse(&text, directory.path()).unwrap().outside_account.unwrap();
    let secret = directory.path().join("outside-account.secret");
    let rows = [("secret", 0o644, "open to others"), (" \n", 0o600, "has no secret"), ("secret", 0o600, "")];
    for (content, mode, expected) in rows {
        std::fs::write(&secret, content).unwrap();
        set_mode(&secret, mode);
        let fault = OutsideAccounts::load(&settings, keys()).err().map(|fault| fault.to_string()).unwrap_or_default();
        assert!(fault.contains(expected) && fault.is_empty() == expected.is_empty(), "{content:?} {mode:o}: {fault}");
        assert!(fault.is_empty() || fault.contains("`outside_account.client_secret`"), "{fault}");
    }
}
