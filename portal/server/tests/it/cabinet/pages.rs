//! The pages of the cabinet: what the holder sees and does, and what strangers do not.

use axum::body::Body;
use axum::http::Request;
use latchkey_fixtures::pki::SOFTWARE_KEY_POLICY;
use latchkey_portal::cabinet::BrowserFamily;
use latchkey_portal::portal::SIGN_INS_KEPT;
use serde_json::{Value, json};
use time::Duration;

use crate::links;
use crate::provider::world::{CLINIC, SHOP, card_of_another, clients, field, userinfo, world_with_cabinets};
use crate::support::{Answer, Browser, Card, NOW, ORIGIN, SESSION_COOKIE, World, pairs_of};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

pub(super) async fn world() -> World {
    world_with_cabinets(&clients()).await
}

/// A browser in which the holder signed in.
pub(super) async fn signed_in(world: &World) -> Browser {
    let mut browser = world.browser();
    assert_eq!(browser.sign_in(&world.card()).await.status, 200);
    browser
}

pub(super) async fn page(browser: &mut Browser) -> Answer {
    page_in(browser, "en").await
}

pub(super) async fn page_in(browser: &mut Browser, language: &str) -> Answer {
    let request = Request::get("/cabinet").header("accept-language", language).body(Body::empty());
    let answer = browser.send(request.unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer
}

fn is_cabinet(page: &Answer) -> bool {
    page.text().contains("data-page=\"cabinet\"")
}

/// The values of hidden fields with this name, in the order of the page.
fn values(page: &Answer, name: &str) -> Vec<String> {
    let mark = format!("name=\"{name}\" value=\"");
    page.text().split(&mark).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

pub(super) async fn post(browser: &mut Browser, path: &str, form: &str) -> Answer {
    browser.post_form(path, form.to_owned()).await
}

async fn is_signed_in(browser: &Browser) -> bool {
    browser.clone().get("/api/v1/session").await.status == 200
}

#[tokio::test]
async fn the_cabinet_says_who_the_holder_is_in_each_language() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let session = browser.get("/api/v1/session").await.json();
    let holder = &session["holder"];
    let rows = [
        ("be", "Ваш кабінет", holder["belarusianName"]["family"].as_str().unwrap()),
        ("ru", "Ваш кабинет", holder["name"]["family"].as_str().unwrap()),
        ("en", "Your cabinet", holder["latinName"].as_str().unwrap()),
    ];
    for (language, title, name) in rows {
        let page = page_in(&mut browser, language).await;
        assert!(page.text().contains(&format!("<h1>{title}</h1>")) && page.text().contains(name), "{language}");
        assert!(page.text().contains(&format!("<html lang=\"{language}\">")), "{language}");
        assert_eq!(page.header("content-language"), language);
        assert!(!page.text().contains("<script"), "no script at all");
    }
    let home = browser.get("/").await;
    assert!(home.text().contains("href=\"/cabinet\""));
}

#[tokio::test]
async fn a_holder_ends_one_session_or_all_others() {
    let world = world().await;
    let (mut here, first, second, third) =
        (signed_in(&world).await, signed_in(&world).await, signed_in(&world).await, signed_in(&world).await);
    let shown = page(&mut here).await;
    assert_eq!(shown.text().matches("(this browser)").count(), 1);
    let (key, others) = (field(&shown, "key").unwrap(), values(&shown, "session"));
    assert_eq!(others.len(), 3, "none for this browser's own");
    let ended = post(&mut here, "/cabinet/sessions/end", &format!("key={key}&session={}", others[0])).await;
    assert_eq!((ended.status.as_u16(), ended.header("location")), (303, "/cabinet"));
    let left = [is_signed_in(&first).await, is_signed_in(&second).await, is_signed_in(&third).await];
    assert_eq!(left.iter().filter(|left| **left).count(), 2);
    assert_eq!(post(&mut here, "/cabinet/sessions/end-others", &format!("key={key}")).await.status, 303);
    for other in [&first, &second, &third] {
        assert!(!is_signed_in(other).await);
    }
    assert!(is_signed_in(&here).await);
    assert!(values(&page(&mut here).await, "session").is_empty());
}

#[tokio::test]
async fn a_session_that_is_ended_takes_its_sites_tokens_along() {
    let world = world().await;
    let tokens = SHOP.tokens(&world).await;
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(userinfo(&world, token).await.status, 200);
    let mut here = signed_in(&world).await;
    let key = field(&page(&mut here).await, "key").unwrap();
    post(&mut here, "/cabinet/sessions/end-others", &format!("key={key}")).await;
    assert_eq!(userinfo(&world, token).await.status, 401);
}

#[tokio::test]
async fn new_sign_ins_are_told_until_the_holder_has_seen_them() {
    let world = world().await;
    let mut here = signed_in(&world).await;
    assert!(!page(&mut here).await.text().contains("New sign-ins"), "its own is not new");
    world.set_clock(NOW + Duration::minutes(1));
    let mut elsewhere = world.browser();
    let challenge = elsewhere.challenge().await;
    let request = Request::post(&challenge.path).header("content-type", "application/json");
    let request = request.header("user-agent", FIREFOX).header("origin", ORIGIN);
    elsewhere.send(request.body(world.card().sign(ORIGIN, &challenge.text).into()).unwrap()).await;
    let told = page(&mut here).await;
    assert!(told.text().contains("New sign-ins since you last looked"), "{}", told.text());
    assert!(told.text().contains("Firefox, on the portal&#39;s page,"), "{}", told.text());
    assert!(told.text().contains("<time datetime=\"2026-05-04T09:01:00Z\">2026-05-04 09:01 UTC</time>"));
    let (key, until) = (field(&told, "key").unwrap(), field(&told, "until").unwrap());

    // What comes after the page was made is not taken for seen.
    world.set_clock(NOW + Duration::minutes(2));
    signed_in(&world).await;
    assert_eq!(post(&mut here, "/cabinet/seen", &format!("key={key}&until={until}")).await.status, 303);
    let told = page(&mut here).await;
    let (notice, _) = told.text().split_once("id=\"who\"").unwrap();
    assert!(notice.contains("09:02") && !notice.contains("09:01"), "{notice}");
    let far = (NOW + Duration::days(9)).unix_timestamp() * 1000;
    post(&mut here, "/cabinet/seen", &format!("key={key}&until={far}")).await;
    world.set_clock(NOW + Duration::minutes(3));
    signed_in(&world).await;
    assert!(page(&mut here).await.text().contains("New sign-ins"), "nobody sees what is to come");
}

#[tokio::test]
async fn sign_ins_are_forgotten_after_a_while() {
    let world = world().await;
    signed_in(&world).await;
    for (after, kept) in [(SIGN_INS_KEPT, 1), (SIGN_INS_KEPT + Duration::seconds(1), 0)] {
        world.set_clock(NOW + after);
        world.portal.purge().await.unwrap();
        let found = pairs_of(&world.database(), "SELECT true, true FROM sign_ins").await;
        assert_eq!(found.len(), kept);
    }
}

#[tokio::test]
async fn sites_that_know_the_holder_are_listed_and_withdrawn() {
    let world = world().await;
    let mut here = signed_in(&world).await;
    assert!(page(&mut here).await.text().contains("You have let no site know who you are."));
    let tokens = SHOP.tokens(&world).await;
    CLINIC.tokens(&world).await;
    let shown = page(&mut here).await;
    assert_eq!(values(&shown, "site"), ["clinic", "shop"]);
    assert!(shown.text().contains("<strong>Shop</strong> since"), "{}", shown.text());
    let key = field(&shown, "key").unwrap();
    assert_eq!(post(&mut here, "/cabinet/sites/withdraw", &format!("key={key}&site=shop")).await.status, 303);
    assert_eq!(values(&page(&mut here).await, "site"), ["clinic"]);
    assert_eq!(userinfo(&world, tokens["access_token"].as_str().unwrap()).await.status, 401);
    // Somebody else's consents are not his to see.
    let mut another = world.browser();
    another.sign_in(&card_of_another(&world)).await;
    assert!(values(&page(&mut another).await, "site").is_empty());
}

#[tokio::test]
async fn the_export_has_what_is_kept_of_the_holder_and_of_nobody_else() {
    let world = world().await;
    SHOP.tokens(&world).await;
    let mut another = world.browser();
    another.sign_in(&card_of_another(&world)).await;
    let mut here = signed_in(&world).await;
    let export = here.get("/cabinet/export").await;
    assert_eq!(export.header("content-disposition"), "attachment; filename=\"cabinet.json\"");
    assert_eq!(export.header("cache-control"), "no-store");
    let json = export.json();
    assert_eq!((&json["format"], &json["openedAt"]), (&json!("latchkey-cabinet:1"), &json!("2026-05-04T09:00:00Z")));
    assert_eq!((json["sessions"].as_array().unwrap().len(), json["signIns"].as_array().unwrap().len()), (2, 2));
    let signed_in = json!({
        "signedInAt": "2026-05-04T09:00:00Z", "assurance": "high", "way": "program", "browser": "other",
    });
    assert!(json["signIns"].as_array().unwrap().iter().all(|one| *one == signed_in), "{json}");
    assert_eq!(json["connectedSites"][0]["clientId"], "shop");
    let own = here.get("/api/v1/session").await.json();
    assert_eq!(json["holder"], own["holder"]);
    let anothers = another.get("/api/v1/session").await.json();
    let number: &Value = &anothers["holder"]["personalNumber"];
    assert!(!export.text().contains(number.as_str().unwrap()));
}

/// Without a session, with a lower one, with another person's key, with another person's session: nothing happens.
#[tokio::test]
async fn strangers_get_nothing_from_any_address_of_the_cabinet() {
    let world = world().await;
    let (mut here, elsewhere) = (signed_in(&world).await, signed_in(&world).await);
    let shown = page(&mut here).await;
    let (key, session) = (field(&shown, "key").unwrap(), values(&shown, "session").remove(0));
    let mut another = world.browser();
    another.sign_in(&card_of_another(&world)).await;
    let anothers = field(&page(&mut another).await, "key").unwrap();
    let mut lower = world.browser();
    lower.sign_in(&Card::issue(&world.pki, |order| order.policies = vec![SOFTWARE_KEY_POLICY])).await;
    let nobody = world.browser();

    let addresses = [
        ("/cabinet/sessions/end", format!("&session={session}")),
        ("/cabinet/sessions/end-others", String::new()),
        ("/cabinet/seen", "&until=1777885200000".to_owned()),
        ("/cabinet/sites/withdraw", "&site=shop".to_owned()),
        ("/cabinet/acting", "&organisation=190000018".to_owned()),
    ];
    for (path, fields) in &addresses {
        let rows = [
            ("nobody", nobody.clone(), key.as_str(), 404, "no-session"),
            ("a lower session", lower.clone(), key.as_str(), 404, "no-session"),
            ("another's key", here.clone(), anothers.as_str(), 403, "form-refused"),
            ("no key", here.clone(), "", 403, "form-refused"),
        ];
        for (name, mut browser, key, status, code) in rows {
            let refused = post(&mut browser, path, &format!("key={key}{fields}")).await;
            assert_eq!(refused.status.as_u16(), status, "{path}: {name}");
            assert!(refused.text().contains(&format!("<code>{code}</code>")), "{path}: {name}");
        }
        for malformed in ["", "key=", &format!("a=b&key={key}{fields}"), &format!("key={key}{fields}&a=b")] {
            let refused = post(&mut here.clone(), path, malformed).await;
            assert!(matches!(refused.status.as_u16(), 400 | 403), "{path}: {malformed}: {}", refused.status);
        }
        let request = Request::post(*path).header("content-type", "application/x-www-form-urlencoded");
        let request = request.header("origin", "https://evil.example").body(format!("key={key}{fields}").into());
        assert_eq!(here.clone().send(request.unwrap()).await.refusal(), (403, "origin-refused".to_owned()), "{path}");
        let request = Request::get(*path).body(Body::empty()).unwrap();
        assert_eq!(here.clone().send(request).await.status, 405, "{path}");
    }
    // Another holder's own key does not reach into this cabinet.
    let reached = post(&mut another, "/cabinet/sessions/end", &format!("key={anothers}&session={session}")).await;
    assert_eq!(reached.status, 303);
    assert!(is_signed_in(&elsewhere).await, "another's session was ended");
    for mut browser in [nobody, lower] {
        assert!(!is_cabinet(&page(&mut browser).await));
        assert_eq!(browser.get("/cabinet/export").await.status, 404);
    }
}

#[tokio::test]
async fn without_cabinets_there_is_no_page() {
    let world = World::new().await;
    let mut browser = signed_in(&world).await;
    for path in ["/cabinet", "/cabinet/export"] {
        assert_eq!(browser.get(path).await.status, 404, "{path}");
    }
    assert!(!browser.get("/").await.text().contains("/cabinet"));
}

/// A lower session becomes `high` on the spot; by link, which leads away, the browser comes back to the cabinet.
#[tokio::test]
async fn a_lower_session_steps_up_without_losing_its_place() {
    let world = world().await;
    let mut browser = world.browser();
    browser.sign_in(&Card::issue(&world.pki, |order| order.policies = vec![SOFTWARE_KEY_POLICY])).await;
    let lower = browser.cookies[SESSION_COOKIE].clone();
    let demand = page(&mut browser).await;
    assert!(demand.text().contains("data-next=\"/cabinet\""), "{}", demand.text());
    assert!(demand.text().contains("You are signed in already"), "{}", demand.text());
    assert!(demand.text().contains("<input type=\"hidden\" name=\"for\" value=\"cabinet\">"));
    let mut by_link = browser.clone();
    browser.sign_in(&world.card()).await;
    assert!(is_cabinet(&page(&mut browser).await));

    let offered = post(&mut by_link, "/link", "for=cabinet").await;
    assert!(offered.text().contains("data-next=\"/cabinet\""));
    let request =
        offered.text().split("&amp;request=").nth(1).or(offered.text().split("&#38;request=").nth(1)).unwrap();
    let request = request.split('"').next().unwrap();
    let completed = by_link.get(&links::followed(&world, request).await).await;
    assert_eq!((completed.status.as_u16(), completed.header("location")), (303, "/cabinet"));
    assert!(is_cabinet(&page(&mut by_link).await));
    assert_ne!(by_link.cookies[SESSION_COOKIE], lower);
    let mut replaced = world.browser();
    replaced.cookies.insert(SESSION_COOKIE.to_owned(), lower);
    assert!(!is_signed_in(&replaced).await, "the lower session has ended");
}

/// Whatever a cookie or a form says, a sign-in leads to a place of the portal's own list.
#[tokio::test]
async fn no_place_but_the_portals_own_is_returned_to() {
    let world = world().await;
    for place in ["https://evil.example/", "//evil.example", "/cabinet/../..", "cabinet/", "/", ""] {
        let mut browser = world.browser();
        let address = links::signed(&world, &mut browser).await;
        browser.cookies.insert("__Host-latchkey-place".to_owned(), place.to_owned());
        assert_eq!(browser.get(&address).await.header("location"), "/", "{place}");
        let refused = post(&mut world.browser(), "/link", &format!("for={place}")).await;
        assert_eq!(refused.status, 400, "{place}");
    }
}

#[test]
fn browsers_are_told_apart_by_family_and_no_further() {
    let chrome =
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
    let rows = [
        (FIREFOX, BrowserFamily::Firefox),
        (chrome, BrowserFamily::Chromium),
        (&format!("{chrome} Edg/140.0.0.0"), BrowserFamily::Edge),
        (&format!("{chrome} OPR/120.0.0.0"), BrowserFamily::Opera),
        (&chrome.replace("Chrome/", "YaBrowser/25.8 Chrome/"), BrowserFamily::Yandex),
        (
            "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
            BrowserFamily::Safari,
        ),
        ("latchkey/0.1", BrowserFamily::Other),
        ("", BrowserFamily::Other),
    ];
    for (agent, family) in rows {
        assert_eq!(BrowserFamily::of(agent), family, "{agent}");
        assert_eq!(family.name().parse(), Ok(family));
        assert_eq!(family.brand().is_none(), family == BrowserFamily::Other);
    }
    assert!("netscape".parse::<BrowserFamily>().is_err());
}
