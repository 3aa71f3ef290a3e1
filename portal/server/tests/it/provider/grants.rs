//! Grants in the database, as several processes use it.

use std::sync::Arc;

use latchkey_fixtures::random::Seeded;
use latchkey_portal::provider::clients::ClientId;
use latchkey_portal::provider::dpop::KeyThumbprint;
use latchkey_portal::provider::request::CodeChallenge;
use latchkey_portal::provider::scope::Scopes;
use latchkey_portal::provider::subject::PersonTag;
use latchkey_portal::session::{Assurance, Session};
use latchkey_portal::storage::{
    Basis, GrantId, KeptCode, KeptGrant, Memory, NewToken, NewTokens, PresentedCode, PresentedRefresh, REPEAT_LIFETIME,
    Repeat, Spent, TokenKind,
};
use latchkey_portal::token::{Token, TokenHash};
use time::Duration;
use tokio::task::JoinSet;

use crate::storage::{open_session, session};
use crate::support::{NOW, everything_in, open};

fn hash(seed: &str) -> TokenHash {
    Token::draw(&mut Seeded::new(seed)).hash()
}

pub(crate) fn grant(seed: &str, owner: &str) -> (KeptGrant, KeptCode, PresentedCode) {
    let session = session();
    let (client, challenge) = (ClientId::parse("shop").unwrap(), CodeChallenge::from([7; 32]));
    let code = KeptCode {
        code: hash(&format!("code of {seed}")),
        redirect_uri: "https://shop.example/back".to_owned(),
        challenge,
        key: None,
        expires_at: NOW + Duration::minutes(1),
    };
    let presented = PresentedCode {
        code: code.code,
        client: client.clone(),
        redirect_uri: code.redirect_uri.clone(),
        challenge,
        key: None,
    };
    let grant = KeptGrant {
        id: GrantId::draw(&mut Seeded::new(seed)),
        session: hash(owner),
        person: PersonTag::from([1; 32]),
        client,
        scopes: Scopes::parse("openid profile"),
        signed_in_at: session.signed_in_at,
        assurance: session.assurance,
        way: session.way,
        acting: None,
        age_over_18: None,
        nonce: Some("nonce".to_owned()),
    };
    (grant, code, presented)
}

pub(crate) fn tokens(seed: &str) -> NewTokens {
    bound_tokens(seed, None)
}

fn bound_tokens(seed: &str, key: Option<KeyThumbprint>) -> NewTokens {
    let token = |kind| NewToken { token: hash(&format!("{seed} {kind}")), expires_at: NOW + Duration::minutes(5), key };
    NewTokens { access: token("access"), refresh: Some(token("refresh")) }
}

fn refresh_token(seed: &str) -> TokenHash {
    tokens(seed).refresh.unwrap().token
}

/// Whether access and refresh token serve.
async fn alive(storage: &dyn Memory, seed: &str) -> [bool; 2] {
    let access = storage.token(&tokens(seed).access.token, NOW).await.unwrap();
    let refresh = storage.token(&refresh_token(seed), NOW).await.unwrap();
    [access.is_some(), refresh.is_some()]
}

fn shown(token: TokenHash) -> PresentedRefresh {
    PresentedRefresh { token, scopes: None, key: None, repeat: Repeat::Never }
}

async fn storages(directory: &tempfile::TempDir) -> [Arc<dyn Memory>; 2] {
    let path = directory.path().join("portal.sqlite");
    let storages = [open(&path).await, open(&path).await];
    open_session(&*storages[0], &hash("session"), &session(), None).await;
    storages
}

/// Two openings of one file, as two processes have it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_one_takes_the_code_and_nothing_is_left_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let storages = storages(&directory).await;
    let (grant, code, presented) = grant("contested", "session");
    assert!(storages[0].keep_grant(&grant, &code, Basis::ThisTime).await.unwrap());
    let mut takers = JoinSet::new();
    for number in 0..100 {
        let (storage, presented) = (Arc::clone(&storages[number % 2]), presented.clone());
        let tokens = tokens(&number.to_string());
        takers.spawn(async move { storage.take_code(&presented, &tokens, NOW).await.unwrap() });
    }
    let outcomes = takers.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Err(Spent::Replayed)).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Err(Spent::Unknown)).count(), 98);
    for number in 0..100 {
        assert_eq!(alive(&*storages[0], &number.to_string()).await, [false, false]);
    }
}

/// Each row: what is presented, when, and why it gives nothing. What belongs to the code does not serve afterwards, except
/// where another site has presented the code.
#[tokio::test]
async fn a_code_gives_nothing_without_what_belongs_to_it() {
    type Change = fn(&mut PresentedCode);
    let over = session().expires_at - NOW;
    let nothing: Change = |_| {};
    let rows: [(&str, Change, Duration, Result<(), Spent>); 9] = [
        ("all that belongs to it", nothing, Duration::ZERO, Ok(())),
        ("at the last moment", nothing, Duration::minutes(1) - Duration::MILLISECOND, Ok(())),
        ("too late", nothing, Duration::minutes(1), Err(Spent::Unfit)),
        ("after the session", nothing, over, Err(Spent::Unfit)),
        ("another address", |code| code.redirect_uri.push('/'), Duration::ZERO, Err(Spent::Unfit)),
        ("another challenge", |code| code.challenge = CodeChallenge::from([1; 32]), Duration::ZERO, Err(Spent::Unfit)),
        ("another key", |code| code.key = Some(KeyThumbprint::from([1; 32])), Duration::ZERO, Err(Spent::Unfit)),
        ("no key", |code| code.key = None, Duration::ZERO, Err(Spent::Unfit)),
        ("another site", |code| code.client = ClientId::parse("clinic").unwrap(), Duration::ZERO, Err(Spent::Unknown)),
    ];
    for (name, change, after, outcome) in rows {
        let directory = tempfile::tempdir().unwrap();
        let storage = Arc::clone(&storages(&directory).await[0]);
        let (grant, code, presented) = grant("one", "session");
        let key = Some(KeyThumbprint::from([3; 32]));
        let (code, right) = (KeptCode { key, ..code }, PresentedCode { key, ..presented });
        storage.keep_grant(&grant, &code, Basis::ThisTime).await.unwrap();
        let mut presented = right.clone();
        change(&mut presented);
        let taken = storage.take_code(&presented, &tokens("first"), NOW + after).await.unwrap();
        assert_eq!(taken.map(|_| ()), outcome, "{name}");
        assert_eq!(alive(&*storage, "first").await, [outcome.is_ok(); 2], "{name}");
        let then = storage.take_code(&right, &tokens("second"), NOW).await.unwrap().map(|_| ());
        let expected = match outcome {
            Ok(()) => Err(Spent::Replayed),
            Err(Spent::Unknown) => Ok(()),
            Err(_) => Err(Spent::Unknown),
        };
        assert_eq!(then, expected, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_one_gets_the_next_refresh_token_and_the_family_ends() {
    let directory = tempfile::tempdir().unwrap();
    let storages = storages(&directory).await;
    let (grant, code, presented) = grant("family", "session");
    storages[0].keep_grant(&grant, &code, Basis::ThisTime).await.unwrap();
    let first = tokens("first");
    storages[0].take_code(&presented, &first, NOW).await.unwrap().unwrap();
    let mut refreshing = JoinSet::new();
    for number in 0..100 {
        let (storage, token, client) =
            (Arc::clone(&storages[number % 2]), refresh_token("first"), grant.client.clone());
        let next = tokens(&number.to_string());
        refreshing.spawn(async move { storage.refresh(&shown(token), &client, &next, NOW).await.unwrap().is_ok() });
    }
    assert_eq!(refreshing.join_all().await.into_iter().filter(|is_ok| *is_ok).count(), 1);
    for seed in std::iter::once("first".to_owned()).chain((0..100).map(|number| number.to_string())) {
        assert_eq!(alive(&*storages[0], &seed).await, [false, false], "{seed}");
    }
}

#[tokio::test]
async fn a_grant_comes_back_as_it_was_and_ends_with_its_session() {
    let directory = tempfile::tempdir().unwrap();
    let storage = Arc::clone(&storages(&directory).await[0]);
    let (grant, code, presented) = grant("one", "session");
    storage.keep_grant(&grant, &code, Basis::ThisTime).await.unwrap();
    let taken = storage.take_code(&presented, &tokens("one"), NOW).await.unwrap().unwrap();
    assert_eq!((&taken.grant, &taken.session), (&grant, &session()));
    let found = storage.token(&tokens("one").access.token, NOW).await.unwrap().unwrap();
    assert_eq!((found.grant, found.token.scopes, found.token.kind), (grant.clone(), grant.scopes, TokenKind::Access));
    assert_eq!(GrantId::parse(&grant.id.to_string()), Some(grant.id));
    storage.end_session(&grant.session).await.unwrap();
    assert_eq!(storage.token(&tokens("one").access.token, NOW).await.unwrap(), None);
    let (orphan, code, _) = self::grant("two", "nobody's session");
    assert!(!storage.keep_grant(&orphan, &code, Basis::ThisTime).await.unwrap(), "there is no such session");
}

/// A race: a site is answered while its visitor signs in anew, ends the session, or both.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_grant_for_a_session_that_is_ending_is_kept_whole_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("portal.sqlite");
    let storages = [open(&path).await, open(&path).await];
    for round in 0..40 {
        let (former, next) = (format!("former {round}"), format!("next {round}"));
        open_session(&*storages[0], &hash(&former), &session(), None).await;
        let mut keeping = JoinSet::new();
        for number in 0..6 {
            let storage = Arc::clone(&storages[number % 2]);
            let (grant, code, _) = grant(&format!("{round} {number}"), &former);
            keeping.spawn(async move { (storage.keep_grant(&grant, &code, Basis::ThisTime).await.unwrap(), grant) });
        }
        if round % 2 == 0 {
            open_session(&*storages[1], &hash(&next), &session(), Some(&hash(&former))).await;
        } else {
            storages[1].end_session(&hash(&former)).await.unwrap();
        }
        for (is_kept, grant) in keeping.join_all().await {
            let is_there = storages[0].end_grant(&grant.id).await.unwrap();
            assert!(!is_there || is_kept, "{round}: nobody was told of it");
        }
    }
}

/// A race: a site is answered while the person takes back what he has agreed to.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_granted_by_what_was_withdrawn() {
    let directory = tempfile::tempdir().unwrap();
    let storages = storages(&directory).await;
    for round in 0..40 {
        let (sample, ..) = grant("sample", "session");
        let agreed = storages[0].agree(&sample.person, &sample.client, sample.scopes, None, NOW);
        agreed.await.unwrap();
        let mut keeping = JoinSet::new();
        for number in 0..6 {
            let storage = Arc::clone(&storages[number % 2]);
            let (grant, code, _) = grant(&format!("{round} {number}"), "session");
            keeping.spawn(async move { (storage.keep_grant(&grant, &code, Basis::Consent).await.unwrap(), grant) });
        }
        assert!(storages[1].withdraw(&sample.person, &sample.client).await.unwrap());
        for (is_kept, grant) in keeping.join_all().await {
            let is_there = storages[0].end_grant(&grant.id).await.unwrap();
            assert!(!is_there, "{round}: granted by nothing, kept: {is_kept}");
        }
        let (late, code, _) = grant(&format!("{round} late"), "session");
        assert!(!storages[0].keep_grant(&late, &code, Basis::Consent).await.unwrap());
    }
}

/// Downgrade: whoever signs in again goes on with what was granted in his former session, but not by something less, which
/// would keep a grant alive that says more.
#[tokio::test]
async fn downgrade_a_grant_goes_over_to_a_session_that_is_as_sure_and_to_no_other() {
    use Assurance::{High, Low, Substantial};
    for granted in [Low, Substantial, High] {
        for next in [Low, Substantial, High] {
            let directory = tempfile::tempdir().unwrap();
            let storage = open(&directory.path().join("portal.sqlite")).await;
            open_session(&*storage, &hash("former"), &Session { assurance: granted, ..session() }, None).await;
            let (grant, code, presented) = grant("one", "former");
            storage.keep_grant(&KeptGrant { assurance: granted, ..grant }, &code, Basis::ThisTime).await.unwrap();
            storage.take_code(&presented, &tokens("one"), NOW).await.unwrap().unwrap();
            let session = Session { assurance: next, ..session() };
            open_session(&*storage, &hash("next"), &session, Some(&hash("former"))).await;
            let found = storage.token(&tokens("one").access.token, NOW).await.unwrap();
            assert_eq!(found.map(|found| found.grant.session), (next >= granted).then(|| hash("next")));
            let told = storage.due_logouts(1, NOW).await.unwrap().len();
            assert_eq!(told, usize::from(next < granted), "{granted} {next}");
        }
    }
}

/// A session that is over makes nobody a thief, however often its tokens are tried; a second use is told as one.
#[tokio::test]
async fn a_token_of_a_session_that_is_over_is_unknown_and_not_replayed() {
    let directory = tempfile::tempdir().unwrap();
    let storage = Arc::clone(&storages(&directory).await[0]);
    let (grant, code, presented) = grant("one", "session");
    storage.keep_grant(&grant, &code, Basis::ThisTime).await.unwrap();
    let lasting = |seed: &str| {
        let lasting = |token| NewToken { expires_at: NOW + Duration::days(1), ..token };
        let NewTokens { access, refresh } = tokens(seed);
        NewTokens { access: lasting(access), refresh: refresh.map(lasting) }
    };
    storage.take_code(&presented, &lasting("first"), NOW).await.unwrap().unwrap();
    let refresh = |seed: &str, next: &str, after| {
        let (token, next) = (refresh_token(seed), lasting(next));
        let (storage, client) = (&storage, &grant.client);
        async move { storage.refresh(&shown(token), client, &next, NOW + after).await.unwrap().map(|_| ()) }
    };
    let over = session().expires_at - NOW;
    assert_eq!(refresh("first", "second", over - Duration::MILLISECOND).await, Ok(()));
    for _ in 0..2 {
        assert_eq!(refresh("second", "third", over).await, Err(Spent::Unknown));
    }
    assert_eq!(refresh("first", "third", Duration::ZERO).await, Err(Spent::Replayed));
    assert_eq!(refresh("second", "third", Duration::ZERO).await, Err(Spent::Unknown), "the family has ended");
}

/// Each row: who presents a refresh token again, bound or not, how long after, and whether the lost answer is given again.
#[tokio::test]
async fn a_lost_answer_is_given_again_to_whoever_proves_anew_who_he_is() {
    let (key, other) = (KeyThumbprint::from([3; 32]), KeyThumbprint::from([4; 32]));
    let soon = REPEAT_LIFETIME - Duration::MILLISECOND;
    let rows = [
        ("anybody", None, None, Repeat::Never, soon, false),
        ("the site", None, None, Repeat::BySite, soon, true),
        ("the site with a proof", None, Some(other), Repeat::BySite, soon, true),
        ("the site too late", None, None, Repeat::BySite, REPEAT_LIFETIME, false),
        ("who holds the key", Some(key), Some(key), Repeat::WithItsKey, soon, true),
        ("who holds the key, too late", Some(key), Some(key), Repeat::WithItsKey, REPEAT_LIFETIME, false),
        ("who holds a key that does not matter", None, Some(other), Repeat::WithItsKey, soon, false),
    ];
    for (name, bound, shown_key, repeat, after, is_given) in rows {
        let directory = tempfile::tempdir().unwrap();
        let storage = Arc::clone(&storages(&directory).await[0]);
        let (grant, code, presented) = grant("one", "session");
        storage.keep_grant(&grant, &code, Basis::ThisTime).await.unwrap();
        let bound_tokens = |seed: &str| bound_tokens(seed, bound);
        storage.take_code(&presented, &bound_tokens("first"), NOW).await.unwrap().unwrap();
        let first = PresentedRefresh { token: refresh_token("first"), scopes: None, key: bound, repeat };
        storage.refresh(&first, &grant.client, &bound_tokens("lost"), NOW).await.unwrap().unwrap();
        let again = PresentedRefresh { key: shown_key, ..first };
        let outcome = storage.refresh(&again, &grant.client, &bound_tokens("given"), NOW + after).await.unwrap();
        assert_eq!(outcome.is_ok(), is_given, "{name}: {outcome:?}");
        let alive = async |seed: &str| storage.token(&tokens(seed).access.token, NOW + after).await.unwrap().is_some();
        assert!(!alive("lost").await, "{name}: what was lost serves nobody");
        assert_eq!(alive("given").await, is_given, "{name}");
        if is_given {
            // Whoever has caught what was lost is found out by it, as is the site if it got both.
            let caught = PresentedRefresh { token: refresh_token("lost"), ..again };
            let outcome = storage.refresh(&caught, &grant.client, &bound_tokens("caught"), NOW + after).await.unwrap();
            assert_eq!(outcome.map(|_| ()), Err(Spent::Replayed), "{name}");
            assert!(!alive("given").await, "{name}: and all of it has ended");
        }
    }
}

/// What was given was exchanged: the answer was not lost. And another site's, or another key's, second try ends nothing.
#[tokio::test]
async fn an_answer_that_has_arrived_is_not_given_again() {
    let directory = tempfile::tempdir().unwrap();
    let storage = Arc::clone(&storages(&directory).await[0]);
    let (grant, code, presented) = grant("one", "session");
    storage.keep_grant(&grant, &code, Basis::ThisTime).await.unwrap();
    storage.take_code(&presented, &tokens("first"), NOW).await.unwrap().unwrap();
    let by_site = |seed: &str| PresentedRefresh { repeat: Repeat::BySite, ..shown(refresh_token(seed)) };
    let refresh = async |seed: &str, next: &str, client: &ClientId| {
        storage.refresh(&by_site(seed), client, &tokens(next), NOW).await.unwrap().map(|_| ())
    };
    assert_eq!(refresh("first", "second", &grant.client).await, Ok(()));
    assert_eq!(refresh("second", "third", &grant.client).await, Ok(()));
    let stranger = ClientId::parse("clinic").unwrap();
    assert_eq!(refresh("second", "stolen", &stranger).await, Err(Spent::Unknown));
    assert!(storage.token(&tokens("third").access.token, NOW).await.unwrap().is_some());
    assert_eq!(refresh("first", "stolen", &grant.client).await, Err(Spent::Replayed));
    assert_eq!(storage.token(&tokens("third").access.token, NOW).await.unwrap(), None);
}

/// Nothing that would open anything stands in the database's files.
#[tokio::test]
async fn the_database_has_hashes_of_codes_and_tokens_only() {
    let world = super::world::world().await;
    let mut browser = world.browser();
    browser.sign_in(&world.card()).await;
    let code = super::world::SHOP.code(&mut browser).await;
    let tokens = super::world::SHOP.exchange(&world, &code).await.json();
    let kept = everything_in(&world.database()).await;
    let texts = [code.as_str(), tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap()];
    for text in texts {
        let octets = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, text).unwrap();
        for secret in [text.as_bytes(), &octets] {
            assert!(!kept.windows(secret.len()).any(|part| part == secret), "{text}");
        }
    }
}

#[tokio::test]
async fn what_is_over_is_forgotten_and_the_rest_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let storage = Arc::clone(&storages(&directory).await[0]);
    let (taken, code, presented) = grant("taken", "session");
    storage.keep_grant(&taken, &code, Basis::ThisTime).await.unwrap();
    storage.take_code(&presented, &tokens("taken"), NOW).await.unwrap().unwrap();
    let (waiting, code, late) = grant("waiting", "session");
    storage.keep_grant(&waiting, &code, Basis::ThisTime).await.unwrap();
    assert!(storage.see_once(&hash("statement"), NOW + Duration::minutes(2)).await.unwrap());
    storage.purge_grants(NOW + Duration::minutes(1)).await.unwrap();
    assert_eq!(storage.take_code(&late, &tokens("late"), NOW).await.unwrap(), Err(Spent::Unknown));
    assert!(storage.token(&tokens("taken").access.token, NOW).await.unwrap().is_some());
    assert!(!storage.see_once(&hash("statement"), NOW).await.unwrap());
    storage.purge_grants(NOW + Duration::minutes(5)).await.unwrap();
    assert!(storage.token(&tokens("taken").access.token, NOW).await.unwrap().is_none());
    assert!(storage.see_once(&hash("statement"), NOW).await.unwrap());
    assert!(storage.end_grant(&taken.id).await.unwrap(), "that a code was used is known as long as the session lasts");
}
