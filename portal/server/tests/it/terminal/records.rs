//! The database of open sessions.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration as StdDuration;

use latchkey_fixtures::random::Seeded;
use latchkey_portal::storage::{KeptStep, PostgresSteps, SqliteSettings, SqliteSteps, Steps, StorageError};
use latchkey_portal::token::Token;
use time::Duration;
use tokio::task::JoinSet;

use crate::process::set_mode;
use crate::support::{NOW, of_server};

pub(crate) async fn open(path: &Path) -> Arc<dyn Steps> {
    match of_server(path).await {
        None => Arc::new(open_file(path).await),
        Some(settings) => Arc::new(PostgresSteps::open(settings).await.unwrap()),
    }
}

pub(crate) async fn open_file(path: &Path) -> SqliteSteps {
    let settings = SqliteSettings { path: path.to_owned(), patience: StdDuration::from_secs(60) };
    SqliteSteps::open(settings).await.unwrap()
}

fn first(seed: &str) -> KeptStep {
    KeptStep {
        session: Token::draw(&mut Seeded::new(seed)).hash(),
        caller: [7; 32],
        step: 0,
        expires_at: NOW + Duration::minutes(2),
        record: vec![1, 2, 3],
    }
}

fn next(step: &KeptStep, record: u8) -> KeptStep {
    KeptStep {
        step: step.step + 1,
        record: vec![record],
        expires_at: step.expires_at + Duration::seconds(1),
        ..step.clone()
    }
}

#[tokio::test]
async fn a_step_takes_the_place_of_the_one_before_it() {
    let directory = tempfile::tempdir().unwrap();
    let steps = open(&directory.path().join("steps.sqlite")).await;
    let (zero, unknown) = (first("one"), first("unknown"));
    assert!(steps.begin(&zero, 10).await.unwrap());
    assert_eq!(steps.step(&zero.session, NOW).await.unwrap(), Some(zero.clone()));
    assert_eq!(steps.step(&unknown.session, NOW).await.unwrap(), None);
    let one = next(&zero, 1);
    assert!(!steps.advance(&next(&one, 2), NOW).await.unwrap(), "a step is left out");
    assert!(!steps.advance(&KeptStep { caller: [8; 32], ..one.clone() }, NOW).await.unwrap(), "another caller's");
    assert!(!steps.advance(&next(&unknown, 1), NOW).await.unwrap(), "another session's");
    assert!(steps.advance(&one, NOW).await.unwrap());
    assert!(!steps.advance(&one, NOW).await.unwrap(), "the same again");
    assert!(!steps.advance(&next(&zero, 9), NOW).await.unwrap(), "another one in the same place");
    assert_eq!(steps.step(&zero.session, NOW).await.unwrap(), Some(one));
    assert!(steps.end(&zero.session).await.unwrap());
    assert!(!steps.end(&zero.session).await.unwrap());
    assert_eq!(steps.step(&zero.session, NOW).await.unwrap(), None);
}

#[tokio::test]
async fn a_step_is_over_at_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let steps = open(&directory.path().join("steps.sqlite")).await;
    let zero = first("one");
    steps.begin(&zero, 10).await.unwrap();
    let last = zero.expires_at - Duration::milliseconds(1);
    assert!(steps.step(&zero.session, last).await.unwrap().is_some());
    assert_eq!(steps.step(&zero.session, zero.expires_at).await.unwrap(), None);
    assert!(!steps.advance(&next(&zero, 1), zero.expires_at).await.unwrap());
    assert_eq!(steps.purge(last).await.unwrap(), 0);
    assert_eq!(steps.purge(zero.expires_at).await.unwrap(), 1);
}

#[tokio::test]
async fn no_more_sessions_are_kept_than_may_be() {
    let directory = tempfile::tempdir().unwrap();
    let steps = open(&directory.path().join("steps.sqlite")).await;
    for (seed, kept) in [("one", true), ("two", true), ("three", false)] {
        assert_eq!(steps.begin(&first(seed), 2).await.unwrap(), kept, "{seed}");
    }
    steps.end(&first("one").session).await.unwrap();
    assert!(steps.begin(&first("three"), 2).await.unwrap());
}

/// Two openings of one file, as two processes have it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_one_takes_the_step() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("steps.sqlite");
    let nodes = [open(&path).await, open(&path).await];
    let zero = first("contested");
    nodes[0].begin(&zero, 10).await.unwrap();
    let mut takers = JoinSet::new();
    for number in 0..100_u8 {
        let (node, next) = (Arc::clone(&nodes[usize::from(number % 2)]), next(&zero, number));
        takers.spawn(async move { (number, node.advance(&next, NOW).await.unwrap()) });
    }
    let winners: Vec<_> = takers.join_all().await.into_iter().filter(|(_, taken)| *taken).collect();
    let [(winner, _)] = winners.as_slice() else { panic!("{winners:?}") };
    let kept = nodes[1].step(&zero.session, NOW).await.unwrap().unwrap();
    assert_eq!((kept.step, kept.record), (1, vec![*winner]), "only the winner's record is kept");
}

#[tokio::test]
async fn nothing_is_left_of_a_session_after_the_purge() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("steps.sqlite");
    let steps = open_file(&path).await;
    let pattern = b"a record that is easy to find".to_vec();
    let zero = KeptStep { record: pattern.clone(), ..first("one") };
    steps.begin(&zero, 10).await.unwrap();
    steps.advance(&next(&zero, 1), NOW).await.unwrap();
    steps.purge(zero.expires_at + Duration::seconds(1)).await.unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let octets = std::fs::read(directory.path().join(format!("steps.sqlite{suffix}"))).unwrap();
        assert!(!octets.windows(pattern.len()).any(|window| window == pattern), "steps.sqlite{suffix}");
    }
}

#[tokio::test]
async fn a_lost_or_open_database_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("steps.sqlite");
    let steps = open_file(&path).await;
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    steps.check().await.unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(steps.check().await, Err(StorageError::FileGone(_))));
    assert!(matches!(steps.begin(&first("one"), 10).await, Err(StorageError::FileGone(_))));
    assert!(!path.exists(), "a lost database is not replaced by an empty one");

    std::fs::write(&path, "").unwrap();
    set_mode(&path, 0o644);
    let refused = SqliteSteps::open(SqliteSettings::new(path)).await;
    assert!(matches!(refused, Err(StorageError::OpenToEverybody(0o644))));
}
