//! The database, as the service uses it and as operators break it.

use std::future::poll_fn;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::task::Poll;

use latchkey_crypto::assertion::ChallengeText;
use latchkey_crypto::x509::{PersonName, PersonalNumber};
use latchkey_fixtures::random::Seeded;
use latchkey_portal::cabinet::{BrowserFamily, Entered};
use latchkey_portal::challenge::ChallengeId;
use latchkey_portal::session::{Holder, Person, Session, Way};
use latchkey_portal::storage::{
    Basis, Grants as _, KeptChallenge, Memory, NotTaken, Opening, Purged, SqliteSettings, SqliteStorage, Storage,
    StorageError,
};
use latchkey_portal::token::{Token, TokenHash};
use latchkey_verify::{Assurance, Purpose};
use proptest::prelude::*;
use time::Duration;
use tokio::task::JoinSet;

use crate::process::set_mode;
use crate::provider::grants::{grant, tokens};
use crate::support::{NOW, change, open, open_file};

fn challenge(seed: &str) -> KeptChallenge {
    let mut random = Seeded::new(seed);
    KeptChallenge {
        id: ChallengeId::draw(&mut random),
        browser: Token::draw(&mut random).hash(),
        text: ChallengeText::draw(&mut random),
        purpose: Purpose::SignIn,
        issued_at: NOW,
        expires_at: NOW + Duration::seconds(120),
        link: None,
    }
}

fn token(seed: &str) -> TokenHash {
    Token::draw(&mut Seeded::new(seed)).hash()
}

pub(crate) fn session() -> Session {
    Session {
        signed_in_at: NOW,
        expires_at: NOW + Duration::minutes(30),
        assurance: Assurance::High,
        cabinet: None,
        acting: None,
        age_over_18: None,
        way: Way::Page,
        person: Person::Holder(Holder {
            personal_number: PersonalNumber::parse("3000000A000PB0").unwrap(),
            name: PersonName { family: Some("Выдуманов".to_owned()), given: None, patronymic: None },
            belarusian_name: None,
            latin_name: Some("INVENT VYDUMANOV".to_owned()),
        }),
    }
}

fn holder() -> Holder {
    session().holder().unwrap().clone()
}

/// Where there are no cabinets.
pub(crate) async fn open_session(
    storage: &dyn Memory,
    token: &TokenHash,
    session: &Session,
    replaced: Option<&TokenHash>,
) {
    let opening = Opening {
        token: *token,
        session: session.clone(),
        replaced: replaced.copied(),
        knock: None,
        browser: BrowserFamily::Other,
    };
    let entered = storage.open_session(&opening).await.unwrap().unwrap();
    assert_eq!(entered, Entered { cabinet: None, opened: false });
}

#[tokio::test]
async fn a_challenge_is_taken_once() {
    let directory = tempfile::tempdir().unwrap();
    let storage = open(&directory.path().join("portal.sqlite")).await;
    let kept = challenge("one");
    storage.keep_challenge(&kept).await.unwrap();
    let take = |id, browser: TokenHash| {
        let storage = &storage;
        async move { storage.take_challenge(id, &browser, NOW).await.unwrap() }
    };
    assert_eq!(take(challenge("two").id, kept.browser).await, Err(NotTaken::Unknown));
    assert_eq!(take(kept.id, token("other")).await, Err(NotTaken::OtherSession));
    assert_eq!(take(kept.id, kept.browser).await, Ok(kept.clone()));
    assert_eq!(take(kept.id, kept.browser).await, Err(NotTaken::Replayed));
    assert_eq!(take(kept.id, token("other")).await, Err(NotTaken::OtherSession));
}

/// Two openings of one file, as two processes have it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_one_takes_the_challenge() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("portal.sqlite");
    let storages = [open(&path).await, open(&path).await];
    let kept = challenge("contested");
    storages[0].keep_challenge(&kept).await.unwrap();
    let mut takers = JoinSet::new();
    for number in 0..100 {
        let (storage, id, browser) = (Arc::clone(&storages[number % 2]), kept.id, kept.browser);
        takers.spawn(async move { storage.take_challenge(id, &browser, NOW).await.unwrap() });
    }
    let outcomes = takers.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Err(NotTaken::Replayed)).count(), 99);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_start_on_a_new_file_at_the_same_moment() {
    for round in 0..10 {
        let directory = tempfile::tempdir().unwrap();
        let mut starters = JoinSet::new();
        for _ in 0..4 {
            let path = directory.path().join("portal.sqlite");
            starters.spawn(async move { open(&path).await.check().await });
        }
        for started in starters.join_all().await {
            started.unwrap_or_else(|error| panic!("round {round}: {error}"));
        }
    }
}

#[tokio::test]
async fn sessions_come_back_as_they_were_and_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("portal.sqlite");
    let storage = open(&path).await;
    let (first, second) = (token("first"), token("second"));
    let full = Session {
        assurance: Assurance::Substantial,
        cabinet: None,
        way: Way::Link,
        person: Person::Holder(Holder {
            belarusian_name: Some(PersonName {
                family: Some("Выдуманаў".to_owned()),
                given: Some("Прыклад".to_owned()),
                patronymic: Some("Узоравіч".to_owned()),
            }),
            ..holder()
        }),
        ..session()
    };
    open_session(&*storage, &first, &full, None).await;
    assert_eq!(storage.session(&first, NOW).await.unwrap(), Some(full));
    open_session(&*storage, &second, &session(), Some(&first)).await;
    assert_eq!(storage.session(&first, NOW).await.unwrap(), None);
    assert_eq!(storage.session(&second, NOW + Duration::minutes(30)).await.unwrap(), None);
    storage.close().await.unwrap();

    let storage = open(&path).await;
    assert_eq!(storage.session(&second, NOW).await.unwrap(), Some(session()));
    assert!(storage.end_session(&second).await.unwrap());
    assert!(!storage.end_session(&second).await.unwrap());
}

#[tokio::test]
async fn what_is_over_is_purged() {
    let directory = tempfile::tempdir().unwrap();
    let storage = open(&directory.path().join("portal.sqlite")).await;
    storage.keep_challenge(&challenge("one")).await.unwrap();
    open_session(&*storage, &token("one"), &session(), None).await;
    let rows = [
        ("all is young", Duration::seconds(119), 0, 0, 1),
        ("the challenge expired; it is still told from an unknown one", Duration::seconds(121), 0, 0, 1),
        ("the challenge is forgotten", Duration::seconds(720), 1, 0, 0),
        ("the session is over", Duration::minutes(30), 0, 1, 0),
        ("nothing is left", Duration::days(1), 0, 0, 0),
    ];
    for (name, after, challenges, sessions, challenges_left) in rows {
        let purged = Purged { challenges, sessions, challenges_left };
        assert_eq!(storage.purge(NOW + after).await.unwrap(), purged, "{name}");
    }
}

#[tokio::test]
async fn the_database_never_holds_a_token() {
    let directory = tempfile::tempdir().unwrap();
    let storage = open_file(&directory.path().join("portal.sqlite")).await;
    let token = Token::draw(&mut Seeded::new("secret"));
    open_session(&storage, &token.hash(), &session(), None).await;
    storage.close().await.unwrap();
    let file = std::fs::read(directory.path().join("portal.sqlite")).unwrap();
    let mut octets = [0; 32];
    rand_core::Rng::fill_bytes(&mut Seeded::new("secret"), &mut octets);
    let contains = |needle: &[u8]| file.windows(needle.len()).any(|window| window == needle);
    assert!(contains(token.hash().octets()));
    assert!(!contains(&octets));
    assert!(!contains(token.expose_for_cookie().as_bytes()));
    assert_eq!(format!("{token:?}"), "hidden");
}

#[tokio::test]
async fn a_session_that_is_over_leaves_no_trace_in_the_files() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("portal.sqlite");
    let (storage, other_process) = (open_file(&path).await, open_file(&path).await);
    let holds_the_name = || {
        let files =
            std::fs::read_dir(directory.path()).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
        let name = "Выдуманов".as_bytes();
        files.into_iter().any(|file| file.windows(name.len()).any(|window| window == name))
    };
    let others = Session {
        person: Person::Holder(Holder {
            name: PersonName { family: Some("Z".repeat(300)), given: None, patronymic: None },
            ..holder()
        }),
        ..session()
    };
    open_session(&storage, &token("before"), &others, None).await;
    open_session(&storage, &token("ended"), &session(), None).await;
    open_session(&storage, &token("replaced"), &session(), None).await;
    open_session(&storage, &token("after"), &others, Some(&token("replaced"))).await;
    storage.purge(NOW).await.unwrap();
    assert!(holds_the_name());
    assert!(other_process.session(&token("ended"), NOW).await.unwrap().is_some());
    storage.end_session(&token("ended")).await.unwrap();
    storage.purge(NOW).await.unwrap();
    assert!(!holds_the_name());
    open_session(&storage, &token("expired"), &session(), None).await;
    storage.purge(NOW + Duration::minutes(31)).await.unwrap();
    assert!(!holds_the_name());
}

#[tokio::test]
async fn only_this_user_can_read_the_database() {
    let directory = tempfile::tempdir().unwrap();
    let storage = open_file(&directory.path().join("portal.sqlite")).await;
    storage.keep_challenge(&challenge("one")).await.unwrap();
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
    }
}

#[tokio::test]
async fn a_database_that_is_gone_locked_or_replaced_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("portal.sqlite");
    let settings = SqliteSettings { path: path.clone(), patience: std::time::Duration::from_secs(2) };
    let storage = SqliteStorage::open(settings).await.unwrap();
    storage.keep_challenge(&challenge("before")).await.unwrap();

    let locking = sqlx::SqlitePool::connect(path.to_str().unwrap()).await.unwrap();
    let lock = locking.begin_with("BEGIN IMMEDIATE").await.unwrap();
    assert!(matches!(storage.check().await, Err(StorageError::Unavailable(_))), "locked");
    lock.rollback().await.unwrap();
    storage.check().await.unwrap();
    locking.close().await;

    for suffix in ["", "-wal", "-shm"] {
        std::fs::remove_file(format!("{}{suffix}", path.display())).unwrap();
    }
    assert!(matches!(storage.check().await, Err(StorageError::FileGone(_))), "gone");
    assert!(matches!(storage.session(&token("one"), NOW).await, Err(StorageError::FileGone(_))));

    // What the operator puts in its place is used, and brought to this version.
    std::fs::write(&path, []).unwrap();
    set_mode(&path, 0o604);
    assert!(matches!(storage.check().await, Err(StorageError::OpenToEverybody(0o604))), "open to everybody");
    set_mode(&path, 0o640);
    storage.check().await.unwrap();
    let kept = challenge("before");
    assert_eq!(storage.take_challenge(kept.id, &kept.browser, NOW).await.unwrap(), Err(NotTaken::Unknown));
}

/// Fifty write while another process holds the lock: the first waits for it alone, the others' transactions become one.
#[tokio::test]
async fn those_that_write_at_the_same_time_share_a_transaction() {
    const WRITERS: usize = 50;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("portal.sqlite");
    let storage = open_file(&path).await;
    let locking = sqlx::SqlitePool::connect(path.to_str().unwrap()).await.unwrap();
    let lock = locking.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let challenges: Vec<_> = (0..WRITERS).map(|number| challenge(&format!("{number}"))).collect();
    let mut writing: Vec<_> = challenges.iter().map(|challenge| storage.keep_challenge(challenge)).collect();
    for writing in &mut writing {
        assert!(
            poll_fn(|context| Poll::Ready(writing.as_mut().poll(context).is_pending())).await,
            "written under a lock"
        );
    }
    let frames = || std::fs::metadata(path.with_extension("sqlite-wal")).unwrap().len() / 4096;
    let before = frames();
    lock.rollback().await.unwrap();
    for writing in writing {
        writing.await.unwrap();
    }
    let written = frames() - before;
    assert!(written < 30, "{written} pages for {WRITERS} challenges");
    for challenge in challenges {
        let taken = storage.take_challenge(challenge.id, &challenge.browser, NOW).await.unwrap();
        assert_eq!(taken, Ok(challenge));
    }
}

/// Sign-ins and tickets, too: some come for challenges, others for codes, others with codes.
#[tokio::test]
async fn those_that_come_for_tickets_share_it_too() {
    const EACH: usize = 16;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("portal.sqlite");
    let storage = open_file(&path).await;
    open_session(&storage, &token("session"), &session(), None).await;
    let [kept, taken] = ["kept", "taken"]
        .map(|kind| (0..EACH).map(|number| grant(&format!("{kind} {number}"), "session")).collect::<Vec<_>>());
    for (grant, code, _) in &taken {
        storage.keep_grant(grant, code, Basis::ThisTime).await.unwrap();
    }
    let locking = sqlx::SqlitePool::connect(path.to_str().unwrap()).await.unwrap();
    let lock = locking.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let challenges: Vec<_> = (0..EACH).map(|number| challenge(&format!("{number}"))).collect();
    let tokens: Vec<_> = (0..EACH).map(|number| tokens(&format!("{number}"))).collect();
    let mut keeping: Vec<_> = challenges.iter().map(|challenge| storage.keep_challenge(challenge)).collect();
    let mut granting: Vec<_> =
        kept.iter().map(|(grant, code, _)| storage.keep_grant(grant, code, Basis::ThisTime)).collect();
    let taking = taken.iter().zip(&tokens);
    let mut taking: Vec<_> = taking.map(|((.., code), tokens)| storage.take_code(code, tokens, NOW)).collect();
    // The first waits for the lock alone; of the others as many as can be become one transaction.
    poll_fn(|context| {
        keeping.iter_mut().for_each(|writing| assert!(writing.as_mut().poll(context).is_pending()));
        granting.iter_mut().for_each(|writing| assert!(writing.as_mut().poll(context).is_pending()));
        taking.iter_mut().for_each(|writing| assert!(writing.as_mut().poll(context).is_pending()));
        Poll::Ready(())
    })
    .await;
    let frames = || std::fs::metadata(path.with_extension("sqlite-wal")).unwrap().len() / 4096;
    let before = frames();
    lock.rollback().await.unwrap();
    for keeping in keeping {
        keeping.await.unwrap();
    }
    for granting in granting {
        assert!(granting.await.unwrap());
    }
    for (taking, (grant, ..)) in taking.into_iter().zip(&taken) {
        assert_eq!(taking.await.unwrap().unwrap().grant, *grant, "everybody gets his own");
    }
    let written = frames() - before;
    assert!(written < 100, "{written} pages for three times {EACH}");
}

/// Readers are few. Whoever does not wait for his answer takes none of them away.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn those_that_read_wait_for_each_other_and_may_give_up() {
    let directory = tempfile::tempdir().unwrap();
    let storage = Arc::new(open_file(&directory.path().join("portal.sqlite")).await);
    open_session(&*storage, &token("one"), &session(), None).await;
    let mut reading = JoinSet::new();
    for number in 0..200 {
        let storage = Arc::clone(&storage);
        let task = reading.spawn(async move { storage.session(&token("one"), NOW).await.unwrap() });
        if number % 2 == 0 {
            task.abort();
        }
    }
    while let Some(read) = reading.join_next().await {
        if let Ok(read) = read {
            assert_eq!(read, Some(session()));
        }
    }
    assert_eq!(storage.session(&token("one"), NOW).await.unwrap(), Some(session()));
    storage.close().await.unwrap();
    assert!(storage.session(&token("one"), NOW).await.is_err(), "nobody is answered after the end");
}

/// What fails for one has not happened for anybody who shared the transaction, and everybody is told.
#[tokio::test]
async fn nobody_is_told_of_a_write_that_was_taken_back() {
    let directory = tempfile::tempdir().unwrap();
    let storage = open_file(&directory.path().join("portal.sqlite")).await;
    let [first, second, third] = ["first", "second", "third"].map(challenge);
    storage.keep_challenge(&second).await.unwrap();
    // A number that is there already cannot be kept again.
    let mut writing: Vec<_> =
        [&first, &second, &third].into_iter().map(|challenge| storage.keep_challenge(challenge)).collect();
    for writing in &mut writing {
        assert!(poll_fn(|context| Poll::Ready(writing.as_mut().poll(context).is_pending())).await);
    }
    for writing in writing {
        let error = writing.await.unwrap_err();
        assert!(matches!(&error, StorageError::Unavailable(cause) if cause.as_database_error().is_some()), "{error}");
    }
    for (challenge, kept) in [(first, false), (second, true), (third, false)] {
        let taken = storage.take_challenge(challenge.id, &challenge.browser, NOW).await.unwrap();
        assert_eq!(taken.is_ok(), kept);
    }
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_refused_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("portal.sqlite");
    let start = || SqliteStorage::open(SqliteSettings::new(path.clone()));

    std::fs::write(&path, "this is no database, but it is long enough to look at".repeat(40)).unwrap();
    for mode in [0o604, 0o602, 0o666] {
        set_mode(&path, mode);
        assert!(matches!(start().await, Err(StorageError::OpenToEverybody(found)) if found == mode), "{mode:o}");
    }
    set_mode(&path, 0o600);
    assert!(matches!(start().await, Err(StorageError::Unavailable(_))), "not a database");

    std::fs::remove_file(&path).unwrap();
    start().await.unwrap().close().await.unwrap();
    let database = sqlx::SqlitePool::connect(path.to_str().unwrap()).await.unwrap();
    sqlx::query("INSERT INTO _sqlx_migrations VALUES (9999, 'later', 0, TRUE, x'00', 0)")
        .execute(&database)
        .await
        .unwrap();
    database.close().await;
    assert!(matches!(start().await, Err(StorageError::Migration(_))), "a newer version's tables");

    let missing = SqliteSettings::new(directory.path().join("nowhere/portal.sqlite"));
    assert!(matches!(SqliteStorage::open(missing).await, Err(StorageError::FileGone(_))), "no directory");
}

/// What is in the database was perhaps not written by this service.
#[tokio::test]
async fn values_that_the_service_would_not_write_are_refused() {
    let rows = [
        ("UPDATE challenges SET challenge = 'short'", "challenge"),
        ("UPDATE challenges SET purpose = 'mischief'", "purpose"),
        ("UPDATE challenges SET issued_at = 9223372036854775807", "issued_at"),
    ];
    for (statement, column) in rows {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("portal.sqlite");
        let storage = open(&path).await;
        let kept = challenge("one");
        storage.keep_challenge(&kept).await.unwrap();
        change(&path, statement).await;
        let taken = storage.take_challenge(kept.id, &kept.browser, NOW).await;
        assert!(matches!(taken, Err(StorageError::Damaged(found)) if found == column), "{statement}: {taken:?}");
    }
    let rows = [
        ("UPDATE sessions SET assurance = 'boundless'", "assurance"),
        ("UPDATE sessions SET personal_number = 'Smith'", "personal_number"),
        ("UPDATE sessions SET family_name = NULL", "family_name"),
        ("UPDATE sessions SET signed_in_at = -9223372036854775807", "signed_in_at"),
    ];
    for (statement, column) in rows {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("portal.sqlite");
        let storage = open(&path).await;
        open_session(&*storage, &token("one"), &session(), None).await;
        change(&path, statement).await;
        let found = storage.session(&token("one"), NOW).await;
        assert!(matches!(found, Err(StorageError::Damaged(found)) if found == column), "{statement}: {found:?}");
    }
}

proptest! {
    #[test]
    fn tokens_and_names_are_read_back_and_nothing_else_is(octets: [u8; 32], id: [u8; 16], text in ".{0,64}") {
        let mut random = Seeded::new(&hex::encode(octets));
        let token = Token::draw(&mut random);
        let again = Token::parse(&token.expose_for_cookie()).unwrap();
        prop_assert_eq!(again.hash(), token.hash());
        prop_assert!(token.form_key_is(&again.form_key()));
        prop_assert!(!token.form_key_is(&text));
        let name = ChallengeId::from(id);
        prop_assert_eq!(ChallengeId::parse(&name.to_string()), Some(name));
        if let Some(token) = Token::parse(&text) {
            prop_assert_eq!(token.expose_for_cookie(), text.clone());
        }
        if let Some(name) = ChallengeId::parse(&text) {
            prop_assert_eq!(name.to_string(), text);
        }
    }
}
