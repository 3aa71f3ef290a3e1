//! The door of a cabinet: who opens it, and for whom it stays closed.

use std::path::Path;
use std::sync::Arc;

use latchkey_crypto::x509::PersonalNumber;
use latchkey_fixtures::holders::sample_holders;
use latchkey_fixtures::pki::SOFTWARE_KEY_POLICY;
use latchkey_fixtures::random::Seeded;
use latchkey_portal::cabinet::{Barred, BrowserFamily, CabinetId, CabinetState, Entered, Knock};
use latchkey_portal::session::Session;
use latchkey_portal::storage::{Memory, Opening};
use latchkey_portal::token::{Token, TokenHash};
use latchkey_verify::Assurance;
use time::Duration;
use tokio::task::JoinSet;

use super::{block, cabinet_keys};
use crate::links;
use crate::storage::session;
use crate::support::{Browser, Card, NOW, World, open, pairs_of};

const NUMBER: &str = "3000000A000PB0";

fn number() -> PersonalNumber {
    PersonalNumber::parse(NUMBER).unwrap()
}

/// A database that has adopted as many keys as were made.
async fn adopted(directory: &Path) -> Arc<dyn Memory> {
    let storage = open(&directory.join("portal.sqlite")).await;
    storage.adopt_keys(&cabinet_keys(directory, 1).ids()).await.unwrap().unwrap();
    storage
}

fn knock(directory: &Path, seed: &str) -> Knock {
    let names = cabinet_keys(directory, 0).names(&number()).unwrap();
    Knock { named: names.newest, id: CabinetId::draw(&mut Seeded::new(seed)) }
}

fn token(seed: &str) -> TokenHash {
    Token::draw(&mut Seeded::new(seed)).hash()
}

fn opening(seed: &str, assurance: Assurance, knock: Knock) -> Opening {
    let session = Session { assurance, ..session() };
    Opening { token: token(seed), session, replaced: None, knock: Some(knock), browser: BrowserFamily::Firefox }
}

#[tokio::test]
async fn the_first_sign_in_with_high_opens_it_and_nothing_less_does() {
    let directory = tempfile::tempdir().unwrap();
    let storage = adopted(directory.path()).await;
    let rows = [
        ("low", Assurance::Low, false, CabinetState::Dormant),
        ("substantial", Assurance::Substantial, false, CabinetState::Dormant),
        ("high", Assurance::High, true, CabinetState::Open { since: NOW }),
        ("high again", Assurance::High, false, CabinetState::Open { since: NOW }),
        ("low again", Assurance::Low, false, CabinetState::Open { since: NOW }),
    ];
    let first = knock(directory.path(), "low").id;
    for (name, assurance, opened, state) in rows {
        let knock = knock(directory.path(), name);
        let entered = storage.open_session(&opening(name, assurance, knock)).await.unwrap().unwrap();
        assert_eq!(entered, Entered { cabinet: Some(first), opened }, "{name}");
        assert_eq!(storage.cabinet_state(first).await.unwrap(), Some(state), "{name}");
        assert_eq!(storage.session(&token(name), NOW).await.unwrap().unwrap().cabinet, Some(first), "{name}");
    }
    assert_eq!(storage.cabinet_state(knock(directory.path(), "other").id).await.unwrap(), None);
}

/// Two openings of one file, as two processes have it; each sign-in brings an id of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_first_sign_ins_at_once_one_opens_it() {
    let directory = tempfile::tempdir().unwrap();
    let storages = [adopted(directory.path()).await, open(&directory.path().join("portal.sqlite")).await];
    let named = knock(directory.path(), "first").named;
    let mut sign_ins = JoinSet::new();
    for place in 0..100 {
        let storage = Arc::clone(&storages[place % 2]);
        let seed = format!("sign-in {place}");
        let knock = Knock { named, id: CabinetId::draw(&mut Seeded::new(&seed)) };
        let assurance = if place % 4 == 0 { Assurance::Substantial } else { Assurance::High };
        let opening = opening(&seed, assurance, knock);
        sign_ins.spawn(async move { (assurance, storage.open_session(&opening).await.unwrap().unwrap()) });
    }
    let outcomes = sign_ins.join_all().await;
    let opened: Vec<_> = outcomes.iter().filter(|(_, entered)| entered.opened).collect();
    assert_eq!(opened.len(), 1);
    assert_eq!(opened[0].0, Assurance::High);
    assert!(outcomes.iter().all(|(_, entered)| entered.cabinet == opened[0].1.cabinet), "one cabinet");
}

#[tokio::test]
async fn a_blocked_cabinet_ends_its_sessions_and_lets_nobody_in() {
    let world = World::with_cabinets().await;
    let (mut one, mut other, mut new) = (world.browser(), world.browser(), world.browser());
    let stranger = Card::issue(&world.pki, |order| order.person = sample_holders()[1].person.clone());
    for browser in [&mut one, &mut other] {
        assert_eq!(browser.sign_in(&world.card()).await.status, 200);
    }
    let mut strangers = world.browser();
    assert_eq!(strangers.sign_in(&stranger).await.status, 200);

    let storage = open(&world.database()).await;
    let holder = one.get("/api/v1/session").await.json()["holder"]["personalNumber"].as_str().unwrap().to_owned();
    let blocking = block(&world, &holder, NOW).await;
    assert_eq!((blocking.sessions, blocking.was_blocked), (2, false));
    for browser in [&mut one, &mut other] {
        assert_eq!(browser.get("/api/v1/session").await.refusal(), (404, "no-session".to_owned()));
    }
    assert_eq!(strangers.get("/api/v1/session").await.status, 200);
    assert_eq!(new.sign_in(&world.card()).await.refusal(), (403, "cabinet-blocked".to_owned()));
    assert!(!new.cookies.contains_key(crate::support::SESSION_COOKIE));
    // For ever, and however often.
    let again = block(&world, &holder, NOW + Duration::days(1)).await;
    assert_eq!((again.sessions, again.was_blocked), (0, true));
    assert_eq!(storage.cabinet_state(blocking.cabinet).await.unwrap(), Some(CabinetState::Blocked { since: NOW }));
    let page = refused_page(&world, &mut new).await;
    assert!(page.contains("cabinet-blocked"), "{page}");
}

/// The words for a blocked cabinet, where a sign-in by link ends.
async fn refused_page(world: &World, browser: &mut Browser) -> String {
    let address = links::signed(world, browser).await;
    let answer = browser.get(&address).await;
    assert_eq!(answer.status, 403);
    assert_eq!(browser.get("/api/v1/session").await.status, 404);
    answer.text().to_owned()
}

#[tokio::test]
async fn somebody_who_was_never_here_can_be_blocked() {
    let directory = tempfile::tempdir().unwrap();
    let storage = adopted(directory.path()).await;
    let blocking = storage.block_cabinet(&knock(directory.path(), "block"), NOW).await.unwrap();
    assert_eq!((blocking.sessions, blocking.was_blocked), (0, false));
    for (name, assurance) in [("low", Assurance::Low), ("high", Assurance::High)] {
        let refused = storage.open_session(&opening(name, assurance, knock(directory.path(), name))).await.unwrap();
        assert_eq!(refused, Err(Barred::Blocked), "{name}");
        assert_eq!(storage.session(&token(name), NOW).await.unwrap(), None, "{name}");
    }
}

#[tokio::test]
async fn a_link_opens_the_cabinet_of_whoever_signed() {
    let world = World::with_cabinets().await;
    let mut browser = world.browser();
    let address = links::signed(&world, &mut browser).await;
    assert!(states(&world).await.is_empty(), "opened before the browser came");
    assert_eq!(browser.get(&address).await.status, 303);
    assert_eq!(states(&world).await, [(true, false)]);
    let substantial = Card::issue(&world.pki, |order| order.policies = vec![SOFTWARE_KEY_POLICY]);
    assert_eq!(world.browser().sign_in(&substantial).await.status, 200);
    assert_eq!(states(&world).await, [(true, false)], "the same cabinet");
}

/// Which cabinets are open, and which blocked.
async fn states(world: &World) -> Vec<(bool, bool)> {
    pairs_of(&world.database(), "SELECT opened_at IS NOT NULL, blocked_at IS NOT NULL FROM cabinets").await
}

#[tokio::test]
async fn a_cabinet_is_found_under_its_older_name_and_gets_the_newest() {
    let directory = tempfile::tempdir().unwrap();
    let storage = adopted(directory.path()).await;
    let before = knock(directory.path(), "before");
    storage.open_session(&opening("before", Assurance::High, before)).await.unwrap().unwrap();

    let rotated = cabinet_keys(directory.path(), 2);
    storage.adopt_keys(&rotated.ids()).await.unwrap().unwrap();
    let first_key = rotated.ids()[2];
    assert_eq!(storage.forget_key(first_key).await.unwrap(), Err(1), "a cabinet is named with it");
    let names = rotated.names(&number()).unwrap();
    for round in ["moves it", "finds it moved"] {
        storage.rename_cabinet(&names).await.unwrap();
        let knock = Knock { named: names.newest, id: CabinetId::draw(&mut Seeded::new(round)) };
        let entered = storage.open_session(&opening(round, Assurance::High, knock)).await.unwrap().unwrap();
        assert_eq!(entered, Entered { cabinet: Some(before.id), opened: false }, "{round}");
    }
    assert_eq!(storage.session(&token("before"), NOW).await.unwrap().unwrap().cabinet, Some(before.id));

    // A process that was not started again since must neither make a second cabinet nor take the name back.
    let refused = storage.open_session(&opening("outdated", Assurance::High, before)).await.unwrap();
    assert_eq!(refused, Err(Barred::KeyOutdated));
    assert_eq!(storage.forget_key(first_key).await.unwrap(), Ok(()));
    let without_newest = &rotated.ids()[1..];
    let missing = storage.adopt_keys(without_newest).await.unwrap();
    assert_eq!(missing, Err(rotated.ids()[0].to_string()));
}

#[tokio::test]
async fn a_process_with_outdated_keys_lets_nobody_new_in() {
    let world = World::with_cabinets().await;
    let storage = open(&world.database()).await;
    storage.adopt_keys(&cabinet_keys(world.directory(), 1).ids()).await.unwrap().unwrap();
    let refused = world.browser().sign_in(&world.card()).await;
    assert_eq!(refused.refusal(), (503, "cabinet-key-outdated".to_owned()));
    assert!(states(&world).await.is_empty());
}

/// Who has the database finds nobody in it by the number, once the sessions are over.
#[tokio::test]
async fn the_database_tells_nobody_whose_a_cabinet_is() {
    let world = World::with_cabinets().await;
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    world.set_clock(NOW + Duration::hours(1));
    world.portal.purge().await.unwrap();
    assert_eq!(states(&world).await.len(), 1);
    for entry in std::fs::read_dir(world.directory()).unwrap().map(|entry| entry.unwrap().path()) {
        let Ok(octets) = std::fs::read(&entry) else { continue };
        let is_there = |text: &str| octets.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!is_there("3000000") || !entry.display().to_string().contains("portal.sqlite"), "{}", entry.display());
    }
}
