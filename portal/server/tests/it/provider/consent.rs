//! What people agree to, how long that holds, and how it ends.

use latchkey_fixtures::holders::sample_holders;
use latchkey_portal::keys::KeyUse;
use latchkey_portal::provider::clients::ClientId;
use latchkey_portal::provider::scope::Scopes;
use latchkey_portal::provider::subject::SubjectKey;

use super::world::{CLINIC, SHOP, agree, decide, field, sent, userinfo, world};
use crate::own_keys;
use crate::support::{NOW, open};

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
