//! A site asks, the person signs in and agrees, the site learns what was agreed to.

use axum::http::Request;
use latchkey_portal::provider::ACCESS_LIFETIME;
use serde_json::{Value, json};
use time::Duration;

use super::world::{
    APP, CLINIC, SHOP, Site, agree, card_of_another, clients, decide, pairs, sent, software_card, ticket, userinfo,
    world, world_of,
};
use crate::support::{NOW, ORIGIN, SESSION_COOKIE, World};

const HIGH: &str = "urn:latchkey:acr:high";
const PENDING_COOKIE: &str = "__Host-latchkey-request";

/// The whole way, with the page between.
#[tokio::test]
async fn a_site_learns_who_signed_in_and_how_sure_that_is() {
    let world = world().await;
    let mut browser = world.browser();
    let page = browser.get(&SHOP.request(&[("acr_values", Some(HIGH))])).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("data-next=\"/authorize/resume\""), "{}", page.text());
    assert!(page.text().contains("Крама") && page.text().contains("<span>shop.example</span>"), "{}", page.text());
    world.set_clock(NOW + Duration::seconds(20));
    browser.sign_in_from(&world.card(), Some(ORIGIN)).await;
    let asked = browser.get("/authorize/resume").await;
    assert_eq!(asked.status, 200, "the person is asked");
    let answer = agree(&mut browser, &asked).await;
    assert!(answer.header("location").starts_with("https://shop.example/back?from=portal&code="));
    assert_eq!(sent(&answer, "state").as_deref(), Some("s & t"));
    assert_eq!(sent(&answer, "iss").as_deref(), Some(ORIGIN));
    assert!(!browser.cookies.contains_key(PENDING_COOKIE), "nothing waits any more");

    let tokens = SHOP.exchange(&world, &sent(&answer, "code").unwrap()).await;
    assert_eq!(tokens.header("cache-control"), "no-store");
    let tokens = tokens.json();
    assert_eq!((tokens["token_type"].as_str(), tokens["expires_in"].as_i64()), (Some("Bearer"), Some(300)));
    assert_eq!(tokens["scope"], "openid profile personal_number");
    let claims = ticket(&world, tokens["id_token"].as_str().unwrap()).await;
    let signed_in_at = (NOW + Duration::seconds(20)).unix_timestamp();
    assert_eq!(
        (&claims["iss"], &claims["aud"], &claims["nonce"], &claims["acr"]),
        (&json!(ORIGIN), &json!("shop"), &json!("n-0S6"), &json!(HIGH))
    );
    assert_eq!((claims["auth_time"].as_i64(), claims["exp"].as_i64()), (Some(signed_in_at), Some(signed_in_at + 300)));
    let methods = "sc pin mfa urn:latchkey:amr:base-mode urn:latchkey:amr:browser-origin";
    assert_eq!(
        claims["amr"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect::<Vec<_>>().join(" "),
        methods
    );
    assert!(claims.get("name").is_none(), "who it is stands in userinfo only");

    let known = userinfo(&world, tokens["access_token"].as_str().unwrap()).await.json();
    assert_eq!(known["sub"], claims["sub"]);
    assert_eq!(known["personal_number"].as_str().unwrap().get(..6), Some("PNOBY-"));
    for name in ["name", "family_name", "name#be", "family_name#be", "name#und-Latn"] {
        assert!(known[name].as_str().is_some_and(|name| !name.is_empty()), "{name}");
    }
}

/// What each site learns: no more than it was registered for, and asked for.
#[tokio::test]
async fn scopes_bound_what_a_site_learns() {
    let world = world().await;
    for (site, scope, claims) in [(SHOP, "openid", 1), (SHOP, "openid personal_number", 2), (APP, "openid", 1)] {
        let mut browser = world.browser();
        browser.sign_in(&world.card()).await;
        let asked = browser.get(&site.request(&[("scope", Some(scope))])).await;
        let answer = if asked.status == 200 { agree(&mut browser, &asked).await } else { asked };
        let tokens = site.exchange(&world, &sent(&answer, "code").unwrap()).await.json();
        let known = userinfo(&world, tokens["access_token"].as_str().unwrap()).await.json();
        assert_eq!(known.as_object().unwrap().len(), claims, "{scope}: {known}");
        assert_eq!(tokens.get("refresh_token").is_some(), site.id == "shop", "{scope}");
    }
    let refused = world.browser().get(&CLINIC.request(&[("scope", Some("openid personal_number"))])).await;
    assert_eq!(sent(&refused, "error").as_deref(), Some("invalid_scope"));
}

/// What the operator takes from a site's registration it learns no more, whatever it was granted before.
#[tokio::test]
async fn a_site_learns_nothing_that_it_is_not_registered_for_any_more() {
    let world = world().await;
    let tokens = SHOP.tokens(&world).await;
    let fewer = clients().replace("\"profile\", \"personal_number\", ", "");
    std::fs::write(world.directory().join("provider/clients.toml"), fewer).unwrap();
    world.provider.as_ref().unwrap().renew();
    let known = userinfo(&world, tokens["access_token"].as_str().unwrap()).await.json();
    assert_eq!(known.as_object().unwrap().keys().collect::<Vec<_>>(), ["sub"]);
    let told = SHOP.call(&world, "/introspect", &pairs(&[("token", tokens["access_token"].as_str().unwrap())])).await;
    assert_eq!(told.json()["scope"], "openid");
    let next = SHOP.refresh(&world, tokens["refresh_token"].as_str().unwrap()).await.json();
    assert_eq!(next["scope"], "openid");
    let known = userinfo(&world, next["access_token"].as_str().unwrap()).await.json();
    assert_eq!(known.as_object().unwrap().keys().collect::<Vec<_>>(), ["sub"]);
}

/// Two sites cannot tell by what they are given that they have the same visitor; one site can, however often he comes.
#[tokio::test]
async fn a_person_has_one_subject_at_each_site() {
    let world = world().await;
    let subject = |tokens: Value| {
        let world = &world;
        async move {
            let claims = ticket(world, tokens["id_token"].as_str().unwrap()).await;
            let text = |name: &str| claims[name].as_str().unwrap().to_owned();
            (text("sub"), text("sid"))
        }
    };
    let first = subject(SHOP.tokens(&world).await).await;
    let again = subject(SHOP.tokens(&world).await).await;
    let clinic = subject(CLINIC.tokens(&world).await).await;
    assert_eq!(first.0, again.0);
    assert_ne!(first.0, clinic.0);
    assert_ne!(first.1, again.1);
    assert_ne!(first.1, clinic.1);
}

/// Programs that wait on their users' computers share a host and nothing else.
#[tokio::test]
async fn programs_at_loopback_addresses_do_not_share_a_persons_subject() {
    let app = clients().rsplit_once("[[client]]").unwrap().1.to_owned();
    let other = app.replace("\"app\"", "\"other\"").replace("8765", "9876");
    let world = world_of(&format!("{}\n[[client]]{other}", clients())).await;
    let mut subjects = Vec::new();
    for site in [APP, Site { id: "other", address: "http://127.0.0.1:9876/back", ..APP }, APP] {
        let tokens = site.tokens(&world).await;
        subjects.push(ticket(&world, tokens["id_token"].as_str().unwrap()).await["sub"].clone());
    }
    assert_ne!(subjects[0], subjects[1]);
    assert_eq!(subjects[0], subjects[2]);
}

/// Each row: what a browser has, what a site demands, and how that ends.
#[tokio::test]
async fn a_demand_is_met_or_told_to_be_unmet() {
    type Row<'a> = (&'a str, &'a [(&'a str, Option<&'a str>)], Option<&'a str>);
    let rows: [Row<'_>; 7] = [
        ("whoever is there", &[], None),
        ("nobody may be asked to agree", &[("prompt", Some("none"))], Some("consent_required")),
        ("a level that was reached", &[("acr_values", Some(HIGH)), ("prompt", Some("none"))], Some("consent_required")),
        ("a level that nobody knows", &[("acr_values", Some("urn:other"))], Some("unmet_authentication_requirements")),
        (
            "the same in silence",
            &[("acr_values", Some("urn:other")), ("prompt", Some("none"))],
            Some("interaction_required"),
        ),
        (
            "an essential claim that nobody knows",
            &[("claims", Some(r#"{"id_token":{"acr":{"essential":true,"value":"urn:other"}}}"#))],
            Some("unmet_authentication_requirements"),
        ),
        ("another person", &[("id_token_hint", Some("x.y.z"))], Some("invalid_request")),
    ];
    let world = world().await;
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    for (name, changes, error) in rows {
        let answer = browser.get(&SHOP.request(changes)).await;
        match error {
            Some(error) => {
                assert_eq!(sent(&answer, "error").as_deref(), Some(error), "{name}");
                assert_eq!(sent(&answer, "iss").as_deref(), Some(ORIGIN), "{name}");
            }
            None => assert_eq!(answer.status, 200, "{name}"),
        }
    }
    let silent = world.browser().get(&SHOP.request(&[("prompt", Some("none"))])).await;
    assert_eq!(sent(&silent, "error").as_deref(), Some("login_required"));
}

/// A session of a lower level is asked to sign in again, and keeps its place.
#[tokio::test]
async fn a_session_that_is_not_sure_enough_steps_up_without_losing_its_place() {
    let world = world().await;
    let mut browser = world.browser();
    let software = software_card(&world);
    browser.sign_in(&software).await;
    let code = SHOP.code(&mut browser).await;
    let before = SHOP.exchange(&world, &code).await.json();
    assert_eq!(ticket(&world, before["id_token"].as_str().unwrap()).await["acr"], "urn:latchkey:acr:substantial");

    let demand = SHOP.request(&[("acr_values", Some(HIGH))]);
    let silent = browser.get(&SHOP.request(&[("acr_values", Some(HIGH)), ("prompt", Some("none"))])).await;
    assert_eq!(sent(&silent, "error").as_deref(), Some("interaction_required"));
    let page = browser.get(&demand).await;
    assert_eq!(page.status, 200);
    world.set_clock(NOW + Duration::seconds(30));
    browser.sign_in(&world.card()).await;
    let answer = browser.get("/authorize/resume").await;
    let after = SHOP.exchange(&world, &sent(&answer, "code").unwrap()).await.json();
    let claims = ticket(&world, after["id_token"].as_str().unwrap()).await;
    assert_eq!((claims["acr"].as_str(), claims["auth_time"].as_i64()), (Some(HIGH), Some(NOW.unix_timestamp() + 30)));
    // What was granted before goes on, and says what was true then.
    let refreshed = SHOP.refresh(&world, before["refresh_token"].as_str().unwrap()).await.json();
    let claims = ticket(&world, refreshed["id_token"].as_str().unwrap()).await;
    assert_eq!(
        (claims["acr"].as_str(), claims["auth_time"].as_i64(), claims.get("nonce")),
        (Some("urn:latchkey:acr:substantial"), Some(NOW.unix_timestamp()), None)
    );
}

/// If the card that was used again gives no higher level, the site is told so.
#[tokio::test]
async fn a_sign_in_that_is_still_not_sure_enough_is_told_to_the_site() {
    let world = world().await;
    let mut browser = world.browser();
    browser.get(&SHOP.request(&[("acr_values", Some(HIGH))])).await;
    world.set_clock(NOW + Duration::seconds(30));
    let software = software_card(&world);
    browser.sign_in(&software).await;
    let answer = browser.get("/authorize/resume").await;
    assert_eq!(sent(&answer, "error").as_deref(), Some("unmet_authentication_requirements"));
}

/// `prompt=login` and `max_age` want a sign-in that came after the request, or is young enough.
#[tokio::test]
async fn a_new_sign_in_is_a_new_one() {
    let world = world().await;
    for changes in [("prompt", Some("login")), ("max_age", Some("60")), ("prompt", Some("select_account"))] {
        world.set_clock(NOW);
        let mut browser = world.browser();
        browser.sign_in(&world.card()).await;
        SHOP.code(&mut browser).await;
        world.set_clock(NOW + Duration::seconds(61));
        let page = browser.get(&SHOP.request(&[changes])).await;
        assert!(page.text().contains("data-next"), "{changes:?}");
        let early = browser.get("/authorize/resume").await;
        assert_eq!(early.status, 200, "{changes:?}: nobody has signed in yet");
        world.set_clock(NOW + Duration::seconds(70));
        browser.sign_in(&world.card()).await;
        let answer = browser.get("/authorize/resume").await;
        let tokens = SHOP.exchange(&world, &sent(&answer, "code").unwrap()).await.json();
        let claims = ticket(&world, tokens["id_token"].as_str().unwrap()).await;
        assert_eq!(claims["auth_time"].as_i64(), Some(NOW.unix_timestamp() + 70), "{changes:?}");
    }
}

/// A site that names the person whom it means gets no other.
#[tokio::test]
async fn somebody_else_than_the_site_means_is_not_passed_off() {
    let world = world().await;
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    let code = SHOP.code(&mut browser).await;
    let hint = SHOP.exchange(&world, &code).await.json()["id_token"].as_str().unwrap().to_owned();
    let with_hint = SHOP.request(&[("id_token_hint", Some(&hint)), ("prompt", Some("none"))]);
    assert!(sent(&browser.get(&with_hint).await, "code").is_some());

    let other = card_of_another(&world);
    let mut guest = world.browser();
    guest.sign_in(&other).await;
    SHOP.code(&mut guest).await;
    assert_eq!(sent(&guest.get(&with_hint).await, "error").as_deref(), Some("login_required"));
    guest.get(&SHOP.request(&[("id_token_hint", Some(&hint))])).await;
    world.set_clock(NOW + Duration::seconds(5));
    guest.sign_in(&other).await;
    assert_eq!(sent(&guest.get("/authorize/resume").await, "error").as_deref(), Some("login_required"));
    // Another site's ticket says nothing here.
    let clinic = CLINIC.tokens(&world).await;
    let foreign = SHOP.request(&[("id_token_hint", clinic["id_token"].as_str())]);
    assert_eq!(sent(&browser.get(&foreign).await, "error").as_deref(), Some("invalid_request"));
}

/// OpenID Connect Core 1.0, clause 3.1.2.2: who is named by the value of `sub` is answered about, and nobody else.
#[tokio::test]
async fn a_subject_that_a_site_names_is_not_taken_for_another() {
    let world = world().await;
    let (mut browser, mut guest) = (world.browser(), world.browser());
    browser.sign_in(&world.card()).await;
    guest.sign_in(&card_of_another(&world)).await;
    let code = SHOP.code(&mut browser).await;
    SHOP.code(&mut guest).await;
    let tokens = SHOP.exchange(&world, &code).await.json();
    let subject = ticket(&world, tokens["id_token"].as_str().unwrap()).await["sub"].as_str().unwrap().to_owned();
    let asking = |sub: Value, prompt| {
        let claims = json!({ "id_token": { "sub": sub } }).to_string();
        SHOP.request(&[("claims", Some(claims.as_str())), ("prompt", prompt)])
    };
    let named = [
        json!({ "value": subject }),
        json!({ "values": ["another", subject] }),
        json!({ "value": subject, "values": [subject] }),
    ];
    for named in named {
        let silent = asking(named.clone(), Some("none"));
        assert!(sent(&browser.get(&silent).await, "code").is_some(), "{named}");
        assert_eq!(sent(&guest.get(&silent).await, "error").as_deref(), Some("login_required"), "{named}");
        assert!(guest.get(&asking(named.clone(), None)).await.text().contains("data-next"), "{named}: he signs in");
    }
    world.set_clock(NOW + Duration::seconds(5));
    guest.sign_in(&card_of_another(&world)).await;
    assert_eq!(sent(&guest.get("/authorize/resume").await, "error").as_deref(), Some("login_required"));
    let nobody = [json!({ "value": "another" }), json!({ "values": [] }), json!({ "value": subject, "values": ["x"] })];
    for nobody in nobody {
        let answer = browser.get(&asking(nobody.clone(), Some("none"))).await;
        assert_eq!(sent(&answer, "error").as_deref(), Some("login_required"), "{nobody}");
    }
    for anybody in [json!(null), json!({ "essential": true })] {
        assert!(sent(&browser.get(&asking(anybody.clone(), Some("none"))).await, "code").is_some(), "{anybody}");
    }
    for malformed in [json!({ "value": 1 }), json!({ "values": subject }), json!({ "values": [null] })] {
        let answer = browser.get(&asking(malformed.clone(), None)).await;
        assert_eq!(sent(&answer, "error").as_deref(), Some("invalid_request"), "{malformed}");
    }
}

/// A form of another site: browsers bring no `Lax` cookie along, so it is answered at an address of its own.
#[tokio::test]
async fn a_request_may_come_in_a_form_of_the_site() {
    let world = world().await;
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    let session = browser.cookies.remove(SESSION_COOKIE).unwrap();
    let query = SHOP.request(&[]);
    let request = Request::post("/authorize")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", "https://shop.example")
        .body(query.trim_start_matches("/authorize?").to_owned().into());
    let answer = browser.send(request.unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/authorize/resume"));
    browser.cookies.insert(SESSION_COOKIE.to_owned(), session);
    let asked = browser.get("/authorize/resume").await;
    assert!(sent(&agree(&mut browser, &asked).await, "code").is_some());
}

/// A visitor who goes back without signing in is told to the site.
#[tokio::test]
async fn whoever_goes_back_is_told_to_the_site() {
    let world = world().await;
    let mut browser = world.browser();
    let page = browser.get(&SHOP.request(&[])).await;
    let answer = decide(&mut browser, &page, "deny").await;
    assert_eq!(sent(&answer, "error").as_deref(), Some("access_denied"));
    assert_eq!(sent(&answer, "state").as_deref(), Some("s & t"));
}

/// A sign-in by link ends at the site, if it began there; and at the portal if it began there, whatever waited before.
#[tokio::test]
async fn a_sign_in_by_link_goes_on_to_the_site() {
    for (form, next) in [("for=site", "/authorize/resume"), ("", "/")] {
        let world = world().await;
        let mut browser = world.browser();
        let page = browser.get(&SHOP.request(&[])).await;
        assert!(page.text().contains("<input type=\"hidden\" name=\"for\" value=\"site\">"));
        let offered = browser.post_form("/link", form.to_owned()).await;
        assert!(offered.text().contains(&format!("data-next=\"{next}\"")), "{}", offered.text());
        let link = offered.text().split("request=").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let fetched = world.browser().post_json(&format!("/api/v1/links/{link}"), "{}").await.json();
        let assertion = world.card().sign(ORIGIN, fetched["challenge"].as_str().unwrap());
        let path = fetched["assertionPath"].as_str().unwrap();
        let signed = world.browser().post_json(path, assertion).await.json();
        let completion = signed["completionAddress"].as_str().unwrap().strip_prefix(ORIGIN).unwrap().to_owned();
        let completed = browser.get(&completion).await;
        assert_eq!((completed.status.as_u16(), completed.header("location")), (303, next), "{form}");
    }
}

#[tokio::test]
async fn refresh_tokens_serve_once_each_and_narrow() {
    let world = world().await;
    let first = SHOP.tokens(&world).await;
    let second = SHOP.refresh(&world, first["refresh_token"].as_str().unwrap()).await.json();
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    let narrow = |scope| {
        let token = second["refresh_token"].as_str().unwrap();
        pairs(&[("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)])
    };
    let without_subject = SHOP.call(&world, "/token", &narrow("profile")).await;
    assert_eq!(without_subject.json()["error"], "invalid_scope", "and the token is not used up");
    assert_eq!(SHOP.refresh(&world, second["refresh_token"].as_str().unwrap()).await.status, 200);
    let third = SHOP.tokens(&world).await;
    let only = [
        ("grant_type", "refresh_token"),
        ("refresh_token", third["refresh_token"].as_str().unwrap()),
        ("scope", "openid"),
    ];
    let tokens = SHOP.call(&world, "/token", &pairs(&only)).await.json();
    assert_eq!(tokens["scope"], "openid");
    let known = userinfo(&world, tokens["access_token"].as_str().unwrap()).await.json();
    assert_eq!(known.as_object().unwrap().len(), 1, "{known}");
    assert_eq!(CLINIC.refresh(&world, "x").await.json()["error"], "unauthorized_client");
}

/// The answer to a refresh was lost on the way: who proves anew who he is asks again, and nobody else's request serves twice.
#[tokio::test]
async fn a_lost_answer_to_a_refresh_is_asked_for_again() {
    let refreshing = clients().replace("keys = [", "refresh_tokens = true\nkeys = [");
    let world = world_of(&refreshing).await;
    let first = CLINIC.tokens(&world).await;
    let token = first["refresh_token"].as_str().unwrap();
    let lost = CLINIC.refresh(&world, token).await.json();
    world.set_clock(NOW + Duration::seconds(29));
    let given = CLINIC.refresh(&world, token).await.json();
    assert_eq!(userinfo(&world, lost["access_token"].as_str().unwrap()).await.status, 401);
    assert_eq!(userinfo(&world, given["access_token"].as_str().unwrap()).await.status, 200);
    world.set_clock(NOW + Duration::seconds(30));
    assert_eq!(CLINIC.refresh(&world, token).await.json()["error"], "invalid_grant", "once");
    assert_eq!(userinfo(&world, given["access_token"].as_str().unwrap()).await.status, 401);

    let first = SHOP.tokens(&world).await;
    let token = first["refresh_token"].as_str().unwrap();
    assert_eq!(SHOP.refresh(&world, token).await.status, 200);
    let again = SHOP.refresh(&world, token).await;
    assert_eq!(again.json()["error"], "invalid_grant", "whoever has seen a secret has seen all of the request");
}

#[tokio::test]
async fn tokens_end_in_time_and_with_the_session() {
    let world = world().await;
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    let code = SHOP.code(&mut browser).await;
    let tokens = SHOP.exchange(&world, &code).await.json();
    let (access, refresh) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    world.set_clock(NOW + ACCESS_LIFETIME);
    let over = userinfo(&world, access).await;
    assert_eq!((over.status.as_u16(), over.header("www-authenticate")), (401, "Bearer error=\"invalid_token\""));
    let tokens = SHOP.refresh(&world, refresh).await.json();
    let (access, refresh) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    assert_eq!(userinfo(&world, access).await.status, 200);
    world.portal.purge().await.unwrap();
    world.provider.as_ref().unwrap().purge().await.unwrap();
    assert_eq!(userinfo(&world, access).await.status, 200, "what is not over is not forgotten");
    browser.delete("/api/v1/session").await;
    assert_eq!(userinfo(&world, access).await.status, 401);
    assert_eq!(SHOP.refresh(&world, refresh).await.json()["error"], "invalid_grant");
}

/// Whoever signs in after another person in the same browser takes nothing over.
#[tokio::test]
async fn tokens_end_when_somebody_else_signs_in_in_the_same_browser() {
    let world = world().await;
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    let code = SHOP.code(&mut browser).await;
    let tokens = SHOP.exchange(&world, &code).await.json();
    let access = tokens["access_token"].as_str().unwrap();
    browser.sign_in(&world.card()).await;
    assert_eq!(userinfo(&world, access).await.status, 200, "the same person again");
    let other = card_of_another(&world);
    browser.sign_in(&other).await;
    assert_eq!(userinfo(&world, access).await.status, 401);
}

#[tokio::test]
async fn the_discovery_document_names_every_address_and_they_are_there() {
    let world = world().await;
    let document = world.browser().get("/.well-known/openid-configuration").await;
    assert_eq!(document.header("content-type"), "application/json");
    insta::assert_snapshot!("discovery", serde_json::to_string_pretty(&document.json()).unwrap());
    for (name, address) in document.json().as_object().unwrap() {
        if let Some(path) =
            address.as_str().and_then(|address| address.strip_prefix(ORIGIN)).filter(|path| !path.is_empty())
        {
            let answer = world.browser().get(path).await;
            assert_ne!(answer.status, 404, "{name}");
        }
    }
    let without = World::new().await;
    assert_eq!(without.browser().get("/.well-known/openid-configuration").await.status, 404);
    assert_eq!(without.browser().get("/authorize").await.status, 404);
}

/// In every language, with words of its own.
#[tokio::test]
async fn the_pages_speak_the_visitors_language() {
    let world = world().await;
    let rows = [("be", "Крама", "Ці можна"), ("ru", "Магазин", "Можно ли"), ("en", "Shop", "May the site")];
    for (language, site, question) in rows {
        let mut browser = world.browser();
        browser.sign_in(&world.card()).await;
        let request = Request::get(SHOP.request(&[])).header("accept-language", language);
        let page = browser.send(request.body(axum::body::Body::empty()).unwrap()).await;
        assert!(page.text().contains(site) && page.text().contains(question), "{language}: {}", page.text());
        assert_eq!(page.text().matches("<li>").count(), 4, "{language}");
    }
}
