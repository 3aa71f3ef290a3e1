//! Two processes on one database are one service.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::process::Installation;
use crate::support::ORIGIN;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_presentations_at_two_processes_one_is_accepted() {
    let installation = Installation::new();
    let services = [installation.start(), installation.start()];
    let client = installation.client_without_cookies();
    let issued = client.post(services[0].url("/api/v1/challenges")).json(&json!({})).send().await.unwrap();
    // Sent by hand, so that the one answer that takes the cookie away spares the others nothing.
    let cookie = issued.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let issued: Value = issued.json().await.unwrap();
    let assertion = installation.card().sign(ORIGIN, issued["challenge"].as_str().unwrap());
    let path = issued["assertionPath"].as_str().unwrap();

    let mut presentations = JoinSet::new();
    for number in 0..100 {
        let request = client.post(services[number % 2].url(path)).header("content-type", "application/json");
        let request = request.header("cookie", &cookie).body(assertion.clone());
        presentations.spawn(async move {
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            let json: Value = answer.json().await.unwrap();
            (status, json["code"].as_str().unwrap_or("accepted").to_owned())
        });
    }
    let outcomes = presentations.join_all().await;
    let count = |status, code: &str| outcomes.iter().filter(|outcome| **outcome == (status, code.to_owned())).count();
    assert_eq!(count(200, "accepted"), 1, "{outcomes:?}");
    assert_eq!(count(409, "challenge-replayed"), 99, "{outcomes:?}");
}
