//! Signing in: from the challenge to the session.

use axum::http::StatusCode;
use serde_json::json;

use crate::support::{SESSION_COOKIE, World};

#[tokio::test]
async fn a_card_signs_in() {
    let world = World::new().await;
    let mut browser = world.browser();
    let answer = browser.sign_in(&world.card()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let json = answer.json();
    assert_eq!(json["result"], "accepted");
    assert_eq!(json["assurance"], "high");
    assert_eq!(json["session"], json!({ "expiresAt": "2026-05-04T09:30:00Z" }));
    let checks: Vec<_> = json["checks"].as_array().unwrap().iter().map(|check| check["check"].clone()).collect();
    assert_eq!(
        checks,
        ["challenge", "validity", "key-usage", "path", "signature", "revocation", "revocation", "policy", "identity"]
    );
    assert!(browser.cookies.contains_key(SESSION_COOKIE));

    let session = browser.get("/api/v1/session").await.json();
    assert_eq!(session["holder"], json["holder"]);
    assert_eq!(session["signedInAt"], "2026-05-04T09:00:00Z");
}
