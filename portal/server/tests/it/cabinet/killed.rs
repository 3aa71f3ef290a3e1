//! A service that is killed while a cabinet is being opened.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::process::Installation;
use crate::support::{ORIGIN, open_file};

const SIGN_INS: usize = 24;

/// Killed after so many were answered: whoever was answered is signed in, and the cabinet is open if and only if somebody
/// is, by one row.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cabinet_is_open_if_and_only_if_its_opener_is_signed_in() {
    let installation = Installation::with_cabinets();
    installation.new_key();
    for answered_before in [0, 1, 5] {
        let service = installation.start();
        let path = installation.directory.path().join("portal.sqlite");
        reset(&path).await;
        let client = installation.client_without_cookies();
        let mut prepared = Vec::new();
        for _ in 0..SIGN_INS {
            let issued = client.post(service.url("/api/v1/challenges")).json(&json!({})).send().await.unwrap();
            let cookie = issued.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
            let issued: Value = issued.json().await.unwrap();
            let assertion = installation.card().sign(ORIGIN, issued["challenge"].as_str().unwrap());
            let request = client.post(service.url(issued["assertionPath"].as_str().unwrap()));
            prepared.push(request.header("cookie", cookie).header("content-type", "application/json").body(assertion));
        }
        let answered = Arc::new(AtomicUsize::new(0));
        let (told, mut enough) = tokio::sync::mpsc::unbounded_channel();
        let mut presenting = JoinSet::new();
        for request in prepared {
            let (answered, told) = (Arc::clone(&answered), told.clone());
            presenting.spawn(async move {
                let answer = request.send().await.ok().filter(|answer| answer.status() == 200)?;
                let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
                if answered.fetch_add(1, Ordering::Relaxed) + 1 == answered_before {
                    let _ = told.send(());
                }
                Some(cookie)
            });
        }
        if answered_before > 0 {
            enough.recv().await;
        }
        service.signal("KILL");
        service.end();
        let acknowledged: Vec<_> = presenting.join_all().await.into_iter().flatten().collect();
        assert!(acknowledged.len() >= answered_before, "{}", acknowledged.len());

        let service = installation.start();
        for cookie in &acknowledged {
            let session = client.get(service.url("/api/v1/session")).header("cookie", cookie).send().await.unwrap();
            assert_eq!(session.status(), 200, "acknowledged, and lost");
        }
        service.signal("TERM");
        service.end();
        let database = sqlx::SqlitePool::connect(path.to_str().unwrap()).await.unwrap();
        let cabinets: Vec<(bool, i64)> = sqlx::query_as(
            "SELECT opened_at IS NOT NULL, (SELECT count(*) FROM sessions WHERE cabinet = cabinets.id) FROM cabinets",
        )
        .fetch_all(&database)
        .await
        .unwrap();
        let sessions: i64 = sqlx::query_scalar("SELECT count(*) FROM sessions").fetch_one(&database).await.unwrap();
        database.close().await;
        match cabinets.as_slice() {
            [] => assert_eq!((sessions, acknowledged.len()), (0, 0)),
            [(is_open, of_it)] => assert_eq!((*is_open, *of_it), (true, sessions)),
            more => panic!("one person has {} cabinets", more.len()),
        }
    }
}

async fn reset(path: &std::path::Path) {
    drop(open_file(path).await);
    let database = sqlx::SqlitePool::connect(path.to_str().unwrap()).await.unwrap();
    for statement in ["DELETE FROM sessions", "DELETE FROM sign_ins", "DELETE FROM cabinets"] {
        sqlx::query(statement).execute(&database).await.unwrap();
    }
    database.close().await;
}
