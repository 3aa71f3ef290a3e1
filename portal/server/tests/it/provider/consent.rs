//! What people agree to, how long that holds, and how it ends.

use axum::body::Body;
use axum::http::Request;
use latchkey_fixtures::holders::sample_holders;
use latchkey_portal::keys::KeyUse;
use latchkey_portal::provider::ProviderMaterial;
use latchkey_portal::provider::clients::ClientId;
use latchkey_portal::provider::scope::Scopes;
use latchkey_portal::provider::subject::SubjectKey;
use latchkey_portal::session::Assurance;

use super::world::{
    APP, CLINIC, SHOP, Site, agree, clients, decide, field, sent, settings, ticket, userinfo, world, world_of,
    write_files,
};
use crate::own_keys;
use crate::support::{Answer, Browser, Card, NOW, World, open};

#[tokio::test]
async fn people_are_asked_once_for_the_same_and_again_for_more() {
    let world = world().await;
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    let few = [("scope", Some("openid profile"))];
    let asked = browser.get(&SHOP.request(&few)).await;
    assert_eq!(asked.text().matches("<li>").count(), 3);
    agree(&mut browser, &asked).await;
    assert!(sent(&browser.get(&SHOP.request(&few)).await, "code").is_some());
    assert!(sent(&browser.get(&SHOP.request(&[("scope", Some("openid"))])).await, "code").is_some(), "less is in it");
    let more = browser.get(&SHOP.request(&[])).await;
    assert_eq!((more.status.as_u16(), more.text().matches("<li>").count()), (200, 4));
    agree(&mut browser, &more).await;
    let silent = browser.get(&SHOP.request(&[("prompt", Some("none"))])).await;
    assert!(sent(&silent, "code").is_some());
    let again = browser.get(&SHOP.request(&[("prompt", Some("consent"))])).await;
    assert!(field(&again, "key").is_some(), "the site wants it anew");
    assert_eq!(browser.get(&CLINIC.request(&[])).await.status, 200, "another site is another question");
}

#[tokio::test]
async fn whoever_refuses_is_asked_again_the_next_time() {
    let world = world().await;
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    let asked = browser.get(&SHOP.request(&[])).await;
    let refused = decide(&mut browser, &asked, "deny").await;
    assert_eq!(sent(&refused, "error").as_deref(), Some("access_denied"));
    assert_eq!(browser.get(&SHOP.request(&[])).await.status, 200);
}

/// Impersonation: any program on the person's computer can wait at a loopback address and call itself by a public name
/// (RFC 8252, clause 8.6), so that nothing is answered there which the person has not just agreed to.
#[tokio::test]
async fn impersonation_what_a_public_program_is_told_is_agreed_to_each_time() {
    let world = world().await;
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    let asked = page(&mut browser, &APP.request(&[])).await;
    assert!(asked.text().contains("asked again the next time"), "{}", asked.text());
    assert!(sent(&agree(&mut browser, &asked).await, "code").is_some());
    assert_eq!(browser.get(&APP.request(&[])).await.status, 200, "he is asked again");
    let silent = browser.get(&APP.request(&[("prompt", Some("none"))])).await;
    assert_eq!(sent(&silent, "error").as_deref(), Some("consent_required"));

    // Nobody else receives what is sent to an address of the site's own.
    let elsewhere = clients().replace("http://127.0.0.1:8765/back", "https://app.example/back");
    let world = world_of(&elsewhere).await;
    let site = Site { address: "https://app.example/back", ..APP };
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    site.code(&mut browser).await;
    assert!(sent(&browser.get(&site.request(&[("prompt", Some("none"))])).await, "code").is_some());
}

/// Whoever has something less than the card agrees for once: the card's holder is asked himself.
#[tokio::test]
async fn what_is_agreed_to_by_a_low_sign_in_is_neither_kept_nor_taken_from_the_holder() {
    let world = World::with_provider(
        |settings| settings.policy.minimum_assurance = Assurance::Low,
        |directory| {
            write_files(directory, &clients());
            ProviderMaterial::load(&settings(directory)).unwrap()
        },
    )
    .await;
    let low = Card::issue(&world.pki, |order| order.policies = Vec::new());
    let (mut impostor, mut holder) = (world.browser(), world.browser());
    impostor.sign_in(&low).await;
    let asked = page(&mut impostor, &SHOP.request(&[])).await;
    assert!(asked.text().contains("asked again the next time"), "{}", asked.text());
    let code = sent(&agree(&mut impostor, &asked).await, "code").unwrap();
    let tokens = SHOP.exchange(&world, &code).await.json();
    assert_eq!(ticket(&world, tokens["id_token"].as_str().unwrap()).await["acr"], "urn:latchkey:acr:low");
    assert_eq!(impostor.get(&SHOP.request(&[])).await.status, 200, "he is asked each time");
    holder.sign_in(&world.card()).await;
    let asked = holder.get(&SHOP.request(&[])).await;
    assert_eq!(asked.status, 200, "the holder has agreed to nothing");
    agree(&mut holder, &asked).await;
    let silent = [("prompt", Some("none"))];
    assert!(sent(&holder.get(&SHOP.request(&silent)).await, "code").is_some());
    let refused = impostor.get(&SHOP.request(&silent)).await;
    assert_eq!(sent(&refused, "error").as_deref(), Some("consent_required"), "what he agrees to is his own");
}

/// A page in English.
async fn page(browser: &mut Browser, path: &str) -> Answer {
    browser.send(Request::get(path).header("accept-language", "en").body(Body::empty()).unwrap()).await
}

/// What the cabinet will show, and do.
#[tokio::test]
async fn connected_sites_are_listed_and_withdrawn_with_all_their_tokens() {
    let world = world().await;
    let tokens = SHOP.tokens(&world).await;
    CLINIC.tokens(&world).await;
    let storage = open(&world.database()).await;
    let person = SubjectKey::new(own_keys::loaded(world.directory(), &[KeyUse::Subject])).unwrap();
    let number = sample_holders()[0].person.personal_number.to_string();
    let person = person.person(&number.parse().unwrap()).unwrap();
    let sites = storage.connected_sites(&person).await.unwrap();
    let listed: Vec<_> =
        sites.iter().map(|site| (site.client.as_str(), site.scopes.text(), site.is_signed_in)).collect();
    let all = "openid profile personal_number".to_owned();
    assert_eq!(listed, [("clinic", "openid profile".to_owned(), true), ("shop", all, true)]);
    assert!(sites.iter().all(|site| site.agreed_at == NOW));
    let shop = ClientId::parse("shop").unwrap();
    assert!(storage.withdraw(&person, &shop).await.unwrap());
    assert!(!storage.withdraw(&person, &shop).await.unwrap());
    assert_eq!(storage.consent(&person, &shop, None).await.unwrap(), None::<Scopes>);
    assert_eq!(userinfo(&world, tokens["access_token"].as_str().unwrap()).await.status, 401);
    assert_eq!(SHOP.refresh(&world, tokens["refresh_token"].as_str().unwrap()).await.json()["error"], "invalid_grant");
}
