//! Organisations: who may act for them, what sites are told of that, and how it ends.

use axum::http::Request;
use latchkey_crypto::x509::PersonalNumber;
use latchkey_fixtures::holders::sample_holders;
use latchkey_fixtures::random::Seeded;
use latchkey_portal::cabinet::{Barred, CabinetId, Knock};
use latchkey_portal::organisation::{
    Binding, BindingId, InvalidOrganisationNumber, Organisation, OrganisationName, OrganisationNumber,
};
use latchkey_portal::provider::clients::ClientId;
use latchkey_portal::provider::request::CodeChallenge;
use latchkey_portal::provider::scope::Scopes;
use latchkey_portal::provider::subject::PersonTag;
use latchkey_portal::session::{Assurance, Way};
use latchkey_portal::storage::{Basis, GrantId, KeptCode, KeptGrant, Memory};
use latchkey_portal::token::Token;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use std::sync::Arc;
use time::Duration;

use super::cabinet_keys;
use super::pages::{page, page_in, post, signed_in, world};
use crate::provider::world::{CLINIC, SHOP, agree, card_of_another, field, pairs, sent, ticket, userinfo};
use crate::support::{Answer, Browser, NOW, World, address_of, octets_of, open};

const WORKS: &str = "190000018";
const FARM: &str = "290000014";
const SCOPE: &str = "openid acting_account";

fn organisation(number: &str) -> Organisation {
    let name = |language: &str| format!("{language} {number}").parse().unwrap();
    Organisation {
        number: number.parse().unwrap(), names: [name("Завод"), name("Завод (рус.)"), name("Works")]
    }
}

fn knock_of(world: &World, holder: usize) -> Knock {
    let number: PersonalNumber = sample_holders()[holder].person.personal_number.to_string().parse().unwrap();
    let names = cabinet_keys(world.directory(), 0).names(&number).unwrap();
    Knock { named: names.newest, id: CabinetId::draw(&mut Seeded::new("of the test")) }
}

async fn bind(world: &World, holder: usize, number: &str, seed: &str) -> Result<bool, Barred> {
    let id = BindingId::draw(&mut Seeded::new(&format!("{holder} {number} {seed}")));
    let binding = Binding { id, organisation: organisation(number), bound_at: NOW };
    memory(world).await.bind(&knock_of(world, holder), &binding).await.unwrap()
}

async fn unbind(world: &World, number: &str) -> bool {
    memory(world).await.unbind(&knock_of(world, 0).named.name, &number.parse().unwrap()).await.unwrap()
}

async fn memory(world: &World) -> Arc<dyn Memory> {
    open(&world.database()).await
}

/// Chooses an account on the cabinet's page.
async fn act_for(browser: &mut Browser, number: &str) -> Answer {
    let key = field(&page(browser).await, "key").unwrap();
    let answer = post(browser, "/cabinet/acting", &format!("key={key}&organisation={number}")).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/cabinet"));
    page(browser).await
}

fn request(prompt: Option<&'static str>) -> String {
    SHOP.request(&[("scope", Some(SCOPE)), ("prompt", prompt)])
}

/// What a ticket and userinfo say, which is the same.
async fn told(world: &World, answer: &Answer) -> (Value, Value) {
    let tokens = SHOP.exchange(world, &sent(answer, "code").unwrap()).await.json();
    let claims = ticket(world, tokens["id_token"].as_str().unwrap()).await;
    let known = userinfo(world, tokens["access_token"].as_str().unwrap()).await.json();
    assert_eq!(claims.get("acting_for"), known.get("acting_for"));
    (claims["acting_for"].clone(), tokens)
}

/// A world in which the holder is signed in and may act for two organisations.
async fn bound() -> (World, Browser) {
    let world = world().await;
    let browser = signed_in(&world).await;
    for number in [WORKS, FARM] {
        assert_eq!(bind(&world, 0, number, "first").await, Ok(true));
    }
    (world, browser)
}

/// A race: the account is changed while the answer about the former one is under way.
#[tokio::test]
async fn nothing_is_granted_of_an_organisation_for_which_the_session_does_not_act() {
    let (world, mut browser) = bound().await;
    let memory = memory(&world).await;
    let grant = |organisation: &str, seed: &str| KeptGrant {
        id: GrantId::draw(&mut Seeded::new(seed)),
        session: browser.session_token().hash(),
        person: PersonTag::from([1; 32]),
        client: ClientId::parse("shop").unwrap(),
        scopes: Scopes::parse(SCOPE),
        signed_in_at: NOW,
        assurance: Assurance::High,
        way: Way::Page,
        age_over_18: None,
        acting: Some(BindingId::draw(&mut Seeded::new(&format!("0 {organisation} first")))),
        nonce: None,
    };
    let code = |seed: &str| KeptCode {
        code: Token::draw(&mut Seeded::new(seed)).hash(),
        redirect_uri: SHOP.address.to_owned(),
        challenge: CodeChallenge::from([7; 32]),
        key: None,
        expires_at: NOW + Duration::minutes(1),
    };
    let [of_works, of_farm] = [grant(WORKS, "works"), grant(FARM, "farm")];
    assert!(!memory.keep_grant(&of_works, &code("before"), Basis::ThisTime).await.unwrap(), "he acts for himself");
    act_for(&mut browser, FARM).await;
    assert!(!memory.keep_grant(&of_works, &code("other"), Basis::ThisTime).await.unwrap(), "he acts for another one");
    assert!(memory.keep_grant(&of_farm, &code("this"), Basis::ThisTime).await.unwrap());
}

#[tokio::test]
async fn the_holder_chooses_for_whom_he_acts_in_each_language() {
    let (world, mut browser) = bound().await;
    let rows = [
        ("be", "За сябе", "Завод 190000018"),
        ("ru", "За себя", "Завод (рус.) 190000018"),
        ("en", "Yourself", "Works 190000018"),
    ];
    for (language, himself, name) in rows {
        let shown = page_in(&mut browser, language).await;
        assert!(shown.text().contains(&format!(">{himself} <strong>(")), "{language}: {}", shown.text());
        assert!(shown.text().contains(&format!(">{name} ({WORKS})</p>")), "{language}: {}", shown.text());
    }
    let shown = act_for(&mut browser, WORKS).await;
    assert!(shown.text().contains(&format!("Works {WORKS} ({WORKS}) <strong>(now)</strong>")), "{}", shown.text());
    assert!(browser.get("/").await.text().contains(&format!("<dd>Завод {WORKS}</dd>")));
    let export = browser.get("/cabinet/export").await.json();
    let expected = json!({
        "organisationNumber": WORKS, "name": format!("Завод (рус.) {WORKS}"), "boundAt": "2026-05-04T09:00:00Z",
    });
    assert_eq!(export["organisations"][0], expected);
    let shown = act_for(&mut browser, "").await;
    assert!(shown.text().contains(">Yourself <strong>(now)</strong>"), "{}", shown.text());
    let mut another = world.browser();
    another.sign_in(&card_of_another(&world)).await;
    assert!(!page(&mut another).await.text().contains("For whom you act"), "nothing is bound to his cabinet");
}

#[tokio::test]
async fn a_site_is_told_for_whom_the_holder_acts_and_only_then() {
    let (world, mut browser) = bound().await;
    act_for(&mut browser, WORKS).await;
    let asked = browser.get(&request(None)).await;
    let shown = format!("што вы дзейнічаеце за арганізацыю <strong>Завод {WORKS}</strong>");
    assert!(asked.text().contains(&shown), "{}", asked.text());
    let (acting, tokens) = told(&world, &agree(&mut browser, &asked).await).await;
    let expected = json!({
        "organisation_number": WORKS, "name": format!("Завод (рус.) {WORKS}"), "name#be": format!("Завод {WORKS}"),
        "name#en": format!("Works {WORKS}"),
    });
    assert_eq!(acting, expected);

    // Less than was agreed to is told where less is asked for.
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh), ("scope", "openid")];
    let narrower = SHOP.call(&world, "/token", &pairs(&fields)).await.json();
    let claims = ticket(&world, narrower["id_token"].as_str().unwrap()).await;
    let known = userinfo(&world, narrower["access_token"].as_str().unwrap()).await.json();
    assert!(claims.get("acting_for").is_none() && known.get("acting_for").is_none(), "{claims} {known}");
    let answer = browser.get(&SHOP.request(&[("scope", Some("openid"))])).await;
    assert_eq!(told(&world, &answer).await.0, Value::Null);
    // A site that was not registered for it cannot even ask.
    let refused = browser.get(&CLINIC.request(&[("scope", Some(SCOPE))])).await;
    assert_eq!(sent(&refused, "error").as_deref(), Some("invalid_scope"));
}

/// Each organisation is a question of its own, whatever was agreed to before.
#[tokio::test]
async fn nobody_is_told_of_an_organisation_without_consent() {
    let (world, mut browser) = bound().await;
    let asked = browser.get(&request(None)).await;
    assert!(asked.text().contains("што вы дзейнічаеце за сябе"), "{}", asked.text());
    assert_eq!(told(&world, &agree(&mut browser, &asked).await).await.0, Value::Null);
    for number in [WORKS, FARM] {
        act_for(&mut browser, number).await;
        let silent = browser.get(&request(Some("none"))).await;
        assert_eq!(sent(&silent, "error").as_deref(), Some("consent_required"), "{number}");
        let asked = browser.get(&request(None)).await;
        assert!(asked.text().contains(&format!("<strong>Завод {number}</strong>")), "{}", asked.text());
        let (acting, _) = told(&world, &agree(&mut browser, &asked).await).await;
        assert_eq!(acting["organisation_number"], number);
        assert!(sent(&browser.get(&request(Some("none"))).await, "code").is_some(), "{number}: was agreed to");
    }
    act_for(&mut browser, "").await;
    assert_eq!(told(&world, &browser.get(&request(Some("none"))).await).await.0, Value::Null);
    // With what was agreed to at a site ends all of it.
    let key = field(&page(&mut browser).await, "key").unwrap();
    post(&mut browser, "/cabinet/sites/withdraw", &format!("key={key}&site=shop")).await;
    act_for(&mut browser, WORKS).await;
    let silent = browser.get(&request(Some("none"))).await;
    assert_eq!(sent(&silent, "error").as_deref(), Some("consent_required"));
}

/// In another tab, between the question and its answer.
#[tokio::test]
async fn an_account_that_changes_under_the_question_is_asked_about_again() {
    let (world, mut browser) = bound().await;
    for (asked_of, acts_for) in [("", WORKS), (WORKS, FARM), (FARM, "")] {
        act_for(&mut browser, asked_of).await;
        let asked = browser.get(&request(Some("consent"))).await;
        act_for(&mut browser, acts_for).await;
        let again = agree(&mut browser, &asked).await;
        assert_eq!(again.status, 200, "{asked_of}: nobody agrees to what he has not seen");
        let (acting, _) = told(&world, &agree(&mut browser, &again).await).await;
        assert_eq!(acting.get("organisation_number").and_then(Value::as_str).unwrap_or_default(), acts_for);
    }
}

/// What was told of an organisation ends with it; the session goes on.
#[tokio::test]
async fn an_organisation_that_is_taken_away_takes_along_what_sites_were_told() {
    let (world, mut browser) = bound().await;
    act_for(&mut browser, WORKS).await;
    let asked = browser.get(&request(None)).await;
    let (_, of_works) = told(&world, &agree(&mut browser, &asked).await).await;
    let waiting = sent(&browser.get(&request(None)).await, "code").unwrap();
    let plain = SHOP.exchange(&world, &SHOP.code(&mut browser).await).await.json();
    assert!(unbind(&world, WORKS).await);
    let told = memory(&world).await.due_logouts(10, NOW).await.unwrap();
    assert_eq!(told.iter().map(|told| told.client.as_str()).collect::<Vec<_>>(), ["shop"], "what it came for");
    assert!(!unbind(&world, WORKS).await);
    assert_eq!(userinfo(&world, of_works["access_token"].as_str().unwrap()).await.status, 401);
    assert_eq!(
        SHOP.refresh(&world, of_works["refresh_token"].as_str().unwrap()).await.json()["error"],
        "invalid_grant"
    );
    assert_eq!(SHOP.exchange(&world, &waiting).await.json()["error"], "invalid_grant");
    assert_eq!(userinfo(&world, plain["access_token"].as_str().unwrap()).await.status, 200, "said nothing of it");
    assert!(page(&mut browser).await.text().contains(">Yourself <strong>(now)</strong>"));
    // Bound again, it is another question.
    assert_eq!(bind(&world, 0, WORKS, "second").await, Ok(true));
    act_for(&mut browser, WORKS).await;
    assert_eq!(sent(&browser.get(&request(Some("none"))).await, "error").as_deref(), Some("consent_required"));
}

/// A transaction of another process at the database server; its tests are for that alone, as nobody else writes to a file
/// meanwhile.
async fn another_process(world: &World) -> Option<PgConnection> {
    let mut connection = PgConnection::connect(&address_of(&world.database())?).await.unwrap();
    sqlx::query("BEGIN").execute(&mut connection).await.unwrap();
    Some(connection)
}

/// Commits what the other process has done, as soon as somebody waits for it.
async fn commit_when_waited_for(world: &World, mut process: PgConnection) {
    let number: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut process).await.unwrap();
    let mut watcher = PgConnection::connect(&address_of(&world.database()).unwrap()).await.unwrap();
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid))";
    while sqlx::query_scalar::<_, i64>(waiting).bind(number).fetch_one(&mut watcher).await.unwrap() == 0 {}
    sqlx::query("COMMIT").execute(&mut process).await.unwrap();
}

/// A site is granted something, and comes for it, while the organisation is taken away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_for_a_ticket_at_that_moment_is_told_that_it_has_ended() {
    let (world, mut browser) = bound().await;
    let Some(mut process) = another_process(&world).await else { return };
    act_for(&mut browser, WORKS).await;
    let asked = browser.get(&request(None)).await;
    assert!(sent(&agree(&mut browser, &asked).await, "code").is_some());
    for statement in [
        "CREATE TEMPORARY TABLE granted AS SELECT * FROM grants",
        "UPDATE granted SET id = sha256(id), code = sha256(code), code_taken_at = 1",
        "UPDATE granted SET id = substr(id, 1, 16)",
        "INSERT INTO grants SELECT * FROM granted",
    ] {
        sqlx::query(statement).execute(&mut process).await.unwrap();
    }
    let (taken_away, ()) = tokio::join!(unbind(&world, WORKS), commit_when_waited_for(&world, process));
    assert!(taken_away);
    let told = memory(&world).await.due_logouts(10, NOW).await.unwrap();
    assert_eq!(told.iter().map(|told| told.client.as_str()).collect::<Vec<_>>(), ["shop"]);
    assert_eq!(octets_of(&world.database(), "SELECT convert_to(count(*)::text, 'UTF8') FROM grants").await, b"0");
}

/// The other way round: whoever is granted something waits for the organisation to be taken away, and gets nothing by it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_told_of_an_organisation_that_is_taken_away_at_that_moment() {
    let (world, mut browser) = bound().await;
    act_for(&mut browser, WORKS).await;
    let asked = browser.get(&request(None)).await;
    assert!(sent(&agree(&mut browser, &asked).await, "code").is_some());
    let Some(mut process) = another_process(&world).await else { return };
    for statement in ["SELECT 1 FROM sessions WHERE binding IS NOT NULL FOR UPDATE", "DELETE FROM bindings"] {
        sqlx::query(statement).execute(&mut process).await.unwrap();
    }
    let again = request(None);
    let (answer, ()) = tokio::join!(browser.get(&again), commit_when_waited_for(&world, process));
    assert_eq!(answer.status, 200, "nothing is sent: {}", answer.header("location"));
    assert_eq!(told(&world, &browser.get(&again).await).await.0, Value::Null);
}

#[tokio::test]
async fn an_organisation_bound_twice_only_gets_its_names_anew() {
    let (world, mut browser) = bound().await;
    act_for(&mut browser, WORKS).await;
    let renamed = Organisation {
        names: ["Новы", "Новый", "New"].map(|name| name.parse().unwrap()),
        ..organisation(WORKS)
    };
    let binding = Binding { id: BindingId::draw(&mut Seeded::new("other")), organisation: renamed, bound_at: NOW };
    assert_eq!(memory(&world).await.bind(&knock_of(&world, 0), &binding).await.unwrap(), Ok(false));
    let shown = page(&mut browser).await;
    assert!(shown.text().contains(&format!(">New ({WORKS}) <strong>(now)</strong>")), "{}", shown.text());
}

#[tokio::test]
async fn with_the_cabinet_end_its_organisations_for_ever() {
    let (world, mut browser) = bound().await;
    act_for(&mut browser, WORKS).await;
    let asked = browser.get(&request(None)).await;
    let (_, tokens) = told(&world, &agree(&mut browser, &asked).await).await;
    let memory = memory(&world).await;
    let blocked = memory.block_cabinet(&knock_of(&world, 0), NOW).await.unwrap();
    assert_eq!(userinfo(&world, tokens["access_token"].as_str().unwrap()).await.status, 401);
    assert_eq!(memory.bindings(blocked.cabinet).await.unwrap(), []);
    assert_eq!(bind(&world, 0, WORKS, "second").await, Err(Barred::Blocked));
}

/// A new sign-in in the same browser acts for the person, and sites that were told something before keep it.
#[tokio::test]
async fn a_new_sign_in_acts_for_the_person_himself() {
    let (world, mut browser) = bound().await;
    act_for(&mut browser, WORKS).await;
    let asked = browser.get(&request(None)).await;
    let (_, tokens) = told(&world, &agree(&mut browser, &asked).await).await;
    browser.sign_in(&world.card()).await;
    assert!(page(&mut browser).await.text().contains(">Yourself <strong>(now)</strong>"));
    let known = userinfo(&world, tokens["access_token"].as_str().unwrap()).await.json();
    assert_eq!(known["acting_for"]["organisation_number"], WORKS);
    assert_eq!(told(&world, &browser.get(&request(Some("none"))).await).await.0, Value::Null);
}

/// By its number in a form, as another holder, as somebody whose organisation was taken away meanwhile.
#[tokio::test]
async fn nobody_acts_for_an_organisation_of_another() {
    let (world, mut browser) = bound().await;
    let mut another = world.browser();
    another.sign_in(&card_of_another(&world)).await;
    let shown = act_for(&mut another, WORKS).await;
    assert!(!shown.text().contains(WORKS), "{}", shown.text());
    let asked = another.get(&request(None)).await;
    assert!(asked.text().contains("за сябе"), "{}", asked.text());
    assert_eq!(told(&world, &agree(&mut another, &asked).await).await.0, Value::Null);
    unbind(&world, FARM).await;
    assert!(act_for(&mut browser, FARM).await.text().contains(">Yourself <strong>(now)</strong>"));
    let key = field(&page(&mut browser).await, "key").unwrap();
    for malformed in ["1", "190000019", "19000001x", "190000018%00", "' OR 1=1 --", "https://evil.example"] {
        let refused = post(&mut browser, "/cabinet/acting", &format!("key={key}&organisation={malformed}")).await;
        assert_eq!(refused.status, 400, "{malformed}");
    }
    let request = Request::post("/cabinet/acting").header("content-type", "application/x-www-form-urlencoded");
    let request = request.header("origin", "https://evil.example");
    let request = request.body(format!("key={key}&organisation={WORKS}").into()).unwrap();
    assert_eq!(browser.send(request).await.refusal(), (403, "origin-refused".to_owned()));
}

#[test]
fn numbers_of_organisations_check_themselves() {
    for number in [WORKS, FARM, "200988541", "500000015"] {
        assert_eq!(number.parse::<OrganisationNumber>().unwrap().as_str(), number);
    }
    for wrong in ["", "19000001", "1900000180", "190000019", "19000001٨", "AB0000018", " 190000018", "19000000-"] {
        assert_eq!(wrong.parse::<OrganisationNumber>(), Err(InvalidOrganisationNumber), "{wrong}");
    }
    // Any one digit that is another.
    for place in 0..9 {
        for digit in '0'..='9' {
            let mut changed: Vec<char> = WORKS.chars().collect();
            changed[place] = digit;
            let changed: String = changed.into_iter().collect();
            assert_eq!(changed.parse::<OrganisationNumber>().is_ok(), changed == WORKS, "{changed}");
        }
    }
    for wrong in ["", " Works", "Works ", "a\nb", &"x".repeat(201)] {
        assert!(wrong.parse::<OrganisationName>().is_err(), "{wrong}");
    }
}
