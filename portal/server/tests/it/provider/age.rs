//! What only the card says, without saying why: whether its holder has lived eighteen years. The service's own terminal asks
//! it, through the client program of whoever signs in for a site.

use axum::http::Request;
use latchkey_card::bauth::TerminalTemplate;
use latchkey_card::profile::Profile;
use latchkey_card::rights::{Authority, CertHat, DataGroup, EidRights};
use latchkey_crypto::belt;
use latchkey_crypto::cms::SignedMessage;
use latchkey_fixtures::data_groups::BirthDate;
use latchkey_fixtures::holders::{Holder, sample_holders};
use latchkey_fixtures::vcard::VirtualCard;
use latchkey_portal::provider::ProviderMaterial;
use latchkey_portal::session::Assurance;
use latchkey_portal::terminal::UnknownDocuments;
use serde_json::{Value, json};
use time::Duration;

use super::world::{APP, CLINIC, SHOP, agree, clients, field, pairs, sent, settings, ticket, userinfo, write_files};
use crate::support::{Answer, Browser, NOW, ORIGIN, SESSION_COOKIE, World, everything_in};
use crate::terminal::tickets;
use crate::terminal::world::{self as terminals, base64, octets, open_card};

const SCOPE: &str = "openid profile age_over_18";
const BROWSER_COOKIE: &str = "__Host-latchkey-pre";

/// The terminal's world, and the portal's.
struct Scene {
    terminals: terminals::World,
    world: World,
}

impl Scene {
    async fn set() -> Self {
        Self::with(UnknownDocuments::Refuse, Assurance::High).await
    }

    async fn with(unknown: UnknownDocuments, minimum: Assurance) -> Self {
        let terminals = tickets::world_with(|rules| rules.unknown_documents = unknown).await;
        let terminal = Some(std::sync::Arc::clone(&terminals.terminal));
        let world = World::with_terminal(
            |settings| settings.policy.minimum_assurance = minimum,
            |directory| {
                write_files(directory, &clients());
                Some(ProviderMaterial::load(&settings(directory)).unwrap())
            },
            terminal,
        );
        Self { world: world.await, terminals }
    }

    /// A browser whose visitor was sent here by the shop.
    async fn visitor(&self) -> Browser {
        let mut browser = self.world.browser();
        let page = browser.get(&SHOP.request(&[("scope", Some(SCOPE))])).await;
        assert_eq!(page.status, 200);
        assert!(page.text().contains("data-by-terminal"), "{}", page.text());
        browser
    }
}

/// The ordinary sample holder, born so many days before he would be eighteen by a day, or after.
fn holder_born(days_before: i64) -> Holder {
    let eighteen_years_ago = NOW.date().replace_year(NOW.year() - 18).unwrap();
    let born = eighteen_years_ago - Duration::days(days_before);
    let birth = BirthDate::of(born.year().try_into().unwrap(), born.month().into(), born.day());
    Holder { birth, ..sample_holders()[0].clone() }
}

fn rights(groups: &[u8], age: EidRights) -> (Authority, Vec<u8>) {
    let groups = groups.iter().filter_map(|number| DataGroup::new(*number));
    let eid = groups.fold(age, |all, group| all | EidRights::read(group));
    (Authority { eid: Some(eid), esign: None, signatures: None }, CertHat::Eid(eid).to_octets())
}

/// What is asked for: the document's number, the names, the personal number, and the age without the date of birth.
fn agreed() -> (Authority, Vec<u8>) {
    rights(&[1, 4, 5, 6, 7], EidRights::AGE_VERIFICATION)
}

fn contents(message: &[u8]) -> Value {
    let mut contents = Vec::new();
    SignedMessage::read(message, |part| {
        contents.extend_from_slice(part);
        Ok(())
    })
    .unwrap();
    serde_json::from_slice(&contents).unwrap()
}

async fn request(browser: &mut Browser) -> Answer {
    browser.post_json("/authorize/card/request", "{}").await
}

/// Begins at the terminal with what the client program's holder agreed to.
async fn begin(browser: &mut Browser, request: &str, certhat: &[u8]) -> Answer {
    let body = json!({ "request": request, "certhat": base64(certhat) });
    browser.post_json("/authorize/card/begin", body.to_string()).await
}

async fn step(browser: &mut Browser, hreq: &Value, answer: &[u8]) -> Answer {
    let body = json!({ "hreq": hreq, "card_response": base64(answer) });
    browser.post_json("/authorize/card/step", body.to_string()).await
}

/// What page and client program do together with that card; gives the last answer, and how many commands read the card.
async fn read_card(browser: &mut Browser, card: &mut VirtualCard, holder: &Holder) -> (Answer, usize) {
    let asked = request(browser).await.json();
    let asked = asked["request"].as_str().unwrap();
    let (authority, certhat) = agreed();
    let begun = begin(browser, asked, &certhat).await;
    assert_eq!(begun.status, 200, "{}", begun.text());
    let begun = begun.json();
    let template = TerminalTemplate::parse(&octets(&begun["cmd_to_card"])).unwrap();
    assert_eq!(template.request_hash(), Some(&belt::hash(&[&octets(&json!(asked))])), "bound to the request");
    let profile = Profile::standard();
    let (authenticating, m1) = open_card(card, &profile, holder, &authority, &begun);
    let next = step(browser, &begun["hreq"], &m1).await.json();
    assert_eq!(next["next"], "authenticate");
    let (mut channel, m3) = authenticating.relay_m2(&octets(&next["cmd_to_card"])).unwrap();
    let mut next = step(browser, &begun["hreq"], &m3).await;
    let mut count = 0;
    while next.status == 200 && next.json()["next"] == "command" {
        let command = next.json();
        let header = octets(&command["header_cmd_to_card"]).try_into().unwrap();
        let answer = channel.relay(header, &octets(&command["cmd_to_card"])).unwrap();
        next = step(browser, &begun["hreq"], &answer).await;
        count += 1;
    }
    (next, count)
}

/// The shop's tokens after the visitor's card was read.
async fn tokens_of(scene: &Scene, holder: &Holder) -> (Browser, Value) {
    let mut browser = scene.visitor().await;
    scene.world.set_clock(NOW + Duration::seconds(20));
    let (done, _) = read_card(&mut browser, &mut scene.terminals.card_of(holder), holder).await;
    assert_eq!((done.status.as_u16(), &done.json()["next"]), (200, &json!("done")), "{}", done.text());
    let asked = browser.get("/authorize/resume").await;
    assert!(asked.text().contains("ці споўнілася вам 18 гадоў, без даты нараджэння"), "{}", asked.text());
    let answer = agree(&mut browser, &asked).await;
    let tokens = SHOP.exchange(&scene.world, &sent(&answer, "code").unwrap()).await.json();
    (browser, tokens)
}

/// Who is to sign in anew, though his card was asked, is not told that it was not.
#[tokio::test]
async fn who_is_to_sign_in_anew_is_told_why() {
    let scene = Scene::set().await;
    let (mut browser, _) = tokens_of(&scene, &holder_born(0)).await;
    let page = browser.get(&SHOP.request(&[("scope", Some(SCOPE)), ("prompt", Some("login"))])).await;
    assert!(page.text().contains("Сайту трэба, каб вы ўвайшлі нанова"), "{}", page.text());
    assert!(!page.text().contains("пра гэта вашу картку не пыталіся"), "{}", page.text());
}

#[tokio::test]
async fn a_site_learns_yes_or_no_and_nobody_the_date_of_birth() {
    for (days, is_of_age) in [(0, true), (1, true), (-1, false), (4000, true)] {
        let scene = Scene::set().await;
        let holder = holder_born(days);
        let (_, tokens) = tokens_of(&scene, &holder).await;
        let claims = ticket(&scene.world, tokens["id_token"].as_str().unwrap()).await;
        let known = userinfo(&scene.world, tokens["access_token"].as_str().unwrap()).await;
        assert_eq!(
            (&claims["age_over_18"], &known.json()["age_over_18"]),
            (&json!(is_of_age), &json!(is_of_age)),
            "{days}"
        );
        let methods = json!(["sc", "pin", "mfa", "urn:latchkey:amr:terminal-mode"]);
        assert_eq!((&claims["amr"], &claims["acr"]), (&methods, &json!("urn:latchkey:acr:high")));
        // Names in three scripts, from the groups.
        let known = known.json();
        for (name, value) in [
            ("name", "ВЫДУМАННАЯ АННА ПРИМЕРОВНА"),
            ("name#be", "ВЫДУМАНАЯ ГАННА ПРЫКЛАДАЎНА"),
            ("name#und-Latn", "HANNA VYDUMANAYA"),
            ("family_name#be", "ВЫДУМАНАЯ"),
        ] {
            assert_eq!(known[name], value, "{name}");
        }
        let BirthDate { year, month, day } = holder.birth;
        let born = format!("{year}{:02}{:02}", month.unwrap(), day.unwrap());
        for told in [claims.to_string(), known.to_string()] {
            assert!(!told.contains(&born) && !told.contains("birth"), "{told}");
        }
        let database = everything_in(&scene.world.database()).await;
        assert!(!database.windows(8).any(|window| window == born.as_bytes()), "the database has the date of birth");
    }
}

/// What is read is what the request says, and the request says what is needed.
#[tokio::test]
async fn the_request_asks_for_what_is_needed_and_names_the_site() {
    let scene = Scene::set().await;
    let mut browser = scene.visitor().await;
    let asked = request(&mut browser).await;
    let asked = contents(&octets(&asked.json()["request"]));
    assert_eq!(asked["groups"], json!({ "required": [1, 4, 5, 6, 7], "optional": [] }));
    assert_eq!(asked["checks"], json!({ "ageOver": 18 }));
    assert_eq!((&asked["origins"], &asked["client"]), (&json!([ORIGIN]), &json!("sign-in")));
    let purposes = [
        ("be", "уваход для сайта Крама (shop.example): ці споўнілася вам 18 гадоў"),
        ("ru", "вход для сайта Магазин (shop.example): исполнилось ли вам 18 лет"),
        ("en", "signing in for the site Shop (shop.example): whether you are at least 18"),
    ];
    for (language, purpose) in purposes {
        assert_eq!(asked["purpose"][language], purpose);
    }
    assert_ne!(asked["nonce"], contents(&octets(&request(&mut browser).await.json()["request"]))["nonce"]);
}

/// A session of base mode does not know it: the card is asked, and the browser has a new session afterwards.
#[tokio::test]
async fn a_session_whose_card_was_not_asked_is_asked_and_changes_its_token() {
    let scene = Scene::set().await;
    let mut browser = scene.world.browser();
    browser.sign_in(&scene.world.card()).await;
    let former = browser.cookies[SESSION_COOKIE].clone();
    let address = SHOP.request(&[("scope", Some(SCOPE))]);
    let silent = browser.get(&SHOP.request(&[("scope", Some(SCOPE)), ("prompt", Some("none"))])).await;
    assert_eq!(sent(&silent, "error").as_deref(), Some("interaction_required"));
    let page = browser.get(&address).await;
    assert!(page.text().contains("Вы ўжо ўвайшлі, але пра гэта вашу картку не пыталіся."), "{}", page.text());
    assert!(!page.text().contains("id=\"other-ways\""), "no other way serves");
    assert!(
        page.text().contains("<noscript><p class=\"notice\">Спытаць картку можа толькі старонка"),
        "{}",
        page.text()
    );
    // Whoever signs in by base mode all the same is asked again, and the site gets nothing.
    scene.world.set_clock(NOW + Duration::seconds(10));
    browser.sign_in(&scene.world.card()).await;
    assert!(browser.get("/authorize/resume").await.text().contains("data-by-terminal"));
    let holder = &sample_holders()[0];
    let (done, count) = read_card(&mut browser, &mut scene.terminals.card(), holder).await;
    assert_eq!(done.json()["next"], "done");
    assert!(count > 6, "two questions and five groups");
    assert_ne!(browser.cookies[SESSION_COOKIE], former, "session fixation");
    let mut replaced = scene.world.browser();
    replaced.cookies.insert(SESSION_COOKIE.to_owned(), former);
    assert_eq!(replaced.get("/api/v1/session").await.status, 404);
    let cabinet = browser.get("/cabinet").await;
    assert!(cabinet.text().contains("чытаннем карткі"), "{}", cabinet.text());
    // From now on it is known, without another reading.
    let asked = browser.get(&address).await;
    assert!(field(&asked, "key").is_some(), "the site is asked about");
}

/// One person has one subject, whichever way he signed in, and what was agreed to before is not lost.
#[tokio::test]
async fn base_mode_and_terminal_mode_know_one_person() {
    let scene = Scene::set().await;
    let (mut browser, tokens) = tokens_of(&scene, &sample_holders()[0]).await;
    let by_terminal = ticket(&scene.world, tokens["id_token"].as_str().unwrap()).await;
    let base = ticket(&scene.world, SHOP.tokens(&scene.world).await["id_token"].as_str().unwrap()).await;
    assert_eq!(by_terminal["sub"], base["sub"]);
    assert!(base.get("age_over_18").is_none());
    // A later sign-in by base mode takes nothing back of what the site was told.
    browser.sign_in(&scene.world.card()).await;
    let refreshed = SHOP.refresh(&scene.world, tokens["refresh_token"].as_str().unwrap()).await.json();
    let claims = ticket(&scene.world, refreshed["id_token"].as_str().unwrap()).await;
    assert_eq!((&claims["age_over_18"], &claims["amr"]), (&json!(true), &by_terminal["amr"]));
    // Less is told where less is asked for.
    let refresh = refreshed["refresh_token"].as_str().unwrap();
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh), ("scope", "openid profile")];
    let narrower = SHOP.call(&scene.world, "/token", &pairs(&fields)).await.json();
    let claims = ticket(&scene.world, narrower["id_token"].as_str().unwrap()).await;
    let known = userinfo(&scene.world, narrower["access_token"].as_str().unwrap()).await.json();
    assert!(claims.get("age_over_18").is_none() && known.get("age_over_18").is_none());
}

/// By the parameter `claims`, too; never where the site was not registered for it, or there is nobody to ask.
#[tokio::test]
async fn it_is_asked_by_scope_or_claim_and_only_by_whom_it_may_be() {
    let scene = Scene::set().await;
    let discovery = scene.world.browser().get("/.well-known/openid-configuration").await.json();
    for list in ["scopes_supported", "claims_supported"] {
        assert!(discovery[list].as_array().unwrap().contains(&json!("age_over_18")), "{list}");
    }
    for claims in [
        r#"{"id_token":{"age_over_18":null}}"#,
        r#"{"userinfo":{"age_over_18":{"essential":true}}}"#,
        r#"{"userinfo":{"age_over_18":{"value":true}},"id_token":{}}"#,
    ] {
        let page = scene.world.browser().get(&SHOP.request(&[("claims", Some(claims))])).await;
        assert!(page.text().contains("data-by-terminal"), "{claims}: {}", page.text());
    }
    for site in [CLINIC, APP] {
        let refused = scene.world.browser().get(&site.request(&[("scope", Some("openid age_over_18"))])).await;
        assert_eq!(sent(&refused, "error").as_deref(), Some("invalid_scope"), "{}", site.id);
    }
    let without = super::world::world().await;
    let refused = without.browser().get(&SHOP.request(&[("scope", Some(SCOPE))])).await;
    assert_eq!(sent(&refused, "error").as_deref(), Some("invalid_scope"), "nobody can ask a card");
    let discovery = without.browser().get("/.well-known/openid-configuration").await;
    assert!(!discovery.text().contains("age_over_18"));
}

#[tokio::test]
async fn a_document_that_nobody_vouches_for_is_worth_less_or_nothing() {
    let unknown = Holder { document_number: "XX9999999", ..sample_holders()[0].clone() };
    let rows = [
        (UnknownDocuments::Refuse, Assurance::Low, Err("document-status-unknown")),
        (UnknownDocuments::Report, Assurance::High, Err("wrong-policy")),
        (UnknownDocuments::Report, Assurance::Substantial, Ok("substantial")),
    ];
    for (documents, minimum, expected) in rows {
        let scene = Scene::with(documents, minimum).await;
        let mut browser = scene.visitor().await;
        let mut card = scene.terminals.card_of(&unknown);
        let (done, _) = read_card(&mut browser, &mut card, &unknown).await;
        match expected {
            Err(code) => {
                assert_eq!(done.refusal().1, code);
                assert!(!browser.cookies.contains_key(SESSION_COOKIE));
            }
            Ok(level) => assert_eq!(browser.get("/api/v1/session").await.json()["assurance"], level),
        }
    }
}

/// Attacks, each by somebody who knows what a page knows.
#[tokio::test]
async fn another_browser_does_not_go_on_with_a_session() {
    let scene = Scene::set().await;
    let (mut browser, mut thief) = (scene.visitor().await, scene.visitor().await);
    request(&mut thief).await;
    let asked = request(&mut browser).await.json();
    let (authority, certhat) = agreed();
    let begun = begin(&mut browser, asked["request"].as_str().unwrap(), &certhat).await.json();
    let profile = Profile::standard();
    let mut card = scene.terminals.card();
    let (_, m1) = open_card(&mut card, &profile, &sample_holders()[0], &authority, &begun);
    let stolen = step(&mut thief, &begun["hreq"], &m1).await;
    assert_eq!(stolen.refusal(), (403, "terminal-of-other-caller".to_owned()));
    thief.cookies.remove(BROWSER_COOKIE);
    assert_eq!(step(&mut thief, &begun["hreq"], &m1).await.refusal().0, 403);
    // Nor does a back end of a portal, nor the page with a back end's session.
    let back_end = scene.terminals.back_end();
    let body = json!({ "hreq": begun["hreq"], "card_response": base64(&m1) });
    assert_eq!(back_end.post("bauth_process", body).await.refusal().1, "terminal-of-other-caller");
    let of_back_end = back_end.begin().await;
    let refused = step(&mut browser, &of_back_end["hreq"], &m1).await;
    assert_eq!(refused.refusal().1, "terminal-of-other-caller");
    assert_eq!(step(&mut browser, &begun["hreq"], &m1).await.status, 200, "it stays the browser's own");
}

#[tokio::test]
async fn a_request_that_the_service_did_not_make_is_not_taken() {
    let scene = Scene::set().await;
    let mut browser = scene.visitor().await;
    let own = request(&mut browser).await.json()["request"].as_str().unwrap().to_owned();
    let (_, certhat) = agreed();
    // A relying party's own, signed by a key that the terminal knows.
    let of_party = base64(&tickets::sound_request(&scene.terminals));
    let mut altered = octets(&json!(own));
    let middle = altered.len() / 3;
    altered[middle] ^= 1;
    for (name, request) in
        [("a relying party's", of_party.as_str()), ("altered", &base64(&altered)), ("none", ""), ("no CMS", "AAAA")]
    {
        let refused = begin(&mut browser, request, &certhat).await;
        assert_eq!(refused.refusal(), (422, "ticket-request-refused".to_owned()), "{name}");
    }
    // The service's own serves no back end: it would get a ticket with it.
    let body = json!({ "request": own, "certhat": base64(&certhat) });
    let refused = scene.terminals.back_end().post_at("/latchkey/v1/tickets", body).await;
    assert_eq!(refused.refusal().1, "ticket-request-refused");
    scene.terminals.set_clock(NOW + Duration::minutes(10));
    assert_eq!(begin(&mut browser, &own, &certhat).await.refusal().1, "ticket-request-refused", "too late");
}

/// Less than was asked for, or another choice than the card was sent.
#[tokio::test]
async fn the_holders_choice_is_neither_narrowed_nor_made_up() {
    let scene = Scene::set().await;
    let mut browser = scene.visitor().await;
    let own = request(&mut browser).await.json()["request"].as_str().unwrap().to_owned();
    for (groups, age) in [(&[1, 4, 5, 6, 7][..], EidRights::NONE), (&[4, 5, 6], EidRights::AGE_VERIFICATION)] {
        let refused = begin(&mut browser, &own, &rights(groups, age).1).await;
        assert_eq!(refused.refusal().1, "ticket-groups-missing");
    }
    // The page claims that the holder agreed to the date of birth as well: card and terminal come to other keys.
    let (authority, _) = agreed();
    let (_, more) = rights(&[1, 4, 5, 6, 7, 8], EidRights::AGE_VERIFICATION);
    let begun = begin(&mut browser, &own, &more).await.json();
    let profile = Profile::standard();
    let mut card = scene.terminals.card();
    let (authenticating, m1) = open_card(&mut card, &profile, &sample_holders()[0], &authority, &begun);
    let next = step(&mut browser, &begun["hreq"], &m1).await.json();
    assert!(authenticating.relay_m2(&octets(&next["cmd_to_card"])).is_err(), "the card refuses what it was not sent");
}

#[tokio::test]
async fn an_answer_serves_once_and_an_altered_one_never() {
    let scene = Scene::set().await;
    let mut browser = scene.visitor().await;
    let asked = request(&mut browser).await.json();
    let (authority, certhat) = agreed();
    let begun = begin(&mut browser, asked["request"].as_str().unwrap(), &certhat).await.json();
    let profile = Profile::standard();
    let mut card = scene.terminals.card();
    let (authenticating, m1) = open_card(&mut card, &profile, &sample_holders()[0], &authority, &begun);
    let next = step(&mut browser, &begun["hreq"], &m1).await.json();
    let (_, mut m3) = authenticating.relay_m2(&octets(&next["cmd_to_card"])).unwrap();
    let last = m3.len() - 1;
    m3[last] ^= 1;
    let refused = step(&mut browser, &begun["hreq"], &m3).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    m3[last] ^= 1;
    assert_eq!(step(&mut browser, &begun["hreq"], &m3).await.refusal().1, "terminal-session-unknown");
    assert!(!browser.cookies.contains_key(SESSION_COOKIE));
}

/// From another site's page, without a request that waits, for a request that asks for less.
#[tokio::test]
async fn nobody_else_has_the_card_read() {
    let scene = Scene::set().await;
    for path in ["/authorize/card/request", "/authorize/card/begin", "/authorize/card/step"] {
        let nobody = scene.world.browser().post_json(path, "{}").await;
        assert_eq!(nobody.refusal(), (400, "site-request-over".to_owned()), "{path}");
        let mut other = scene.world.browser();
        other.get(&SHOP.request(&[])).await;
        assert_eq!(other.post_json(path, "{}").await.refusal(), (404, "not-found".to_owned()), "{path}");
        let mut visitor = scene.visitor().await;
        let from_elsewhere = Request::post(path).header("content-type", "application/json");
        let from_elsewhere = from_elsewhere.header("origin", "https://evil.example").body("{}".into()).unwrap();
        assert_eq!(visitor.send(from_elsewhere).await.refusal(), (403, "origin-refused".to_owned()), "{path}");
        let form = visitor.post_form(path, "").await;
        assert_eq!(form.refusal(), (415, "content-type-refused".to_owned()), "{path}");
        for body in
            ["", "[]", "{", r#"{"hreq":1}"#, r#"{"request":"a","certhat":"b"}"#, r#"{"hreq":"a","card_response":"?"}"#]
        {
            if path != "/authorize/card/request" || body.is_empty() {
                let refused = visitor.post_json(path, body).await;
                assert!(refused.status.is_client_error(), "{path} {body}: {}", refused.status);
            }
        }
        assert_eq!(
            super::world::world().await.browser().post_json(path, "{}").await.status,
            404,
            "{path}: no terminal"
        );
    }
}
