//! A service that is killed while a cabinet is being opened.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::process::Installation;
use crate::support::{ORIGIN, change, open};

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
        let sessions = installation.number("SELECT count(*) FROM sessions").await;
        match installation.number("SELECT count(*) FROM cabinets").await {
            0 => assert_eq!((sessions, acknowledged.len()), (0, 0)),
            1 => {
                let of_open = "SELECT count(*) FROM sessions JOIN cabinets ON cabinets.id = cabinet \
                    WHERE opened_at IS NOT NULL";
                assert_eq!(installation.number(of_open).await, sessions);
                let open = installation.number("SELECT count(*) FROM cabinets WHERE opened_at IS NOT NULL").await;
                assert_eq!(open, 1);
            }
            more => panic!("one person has {more} cabinets"),
        }
    }
}

async fn reset(path: &std::path::Path) {
    open(path).await.close().await.unwrap();
    for statement in ["DELETE FROM sessions", "DELETE FROM sign_ins", "DELETE FROM cabinets"] {
        change(path, statement).await;
    }
}
