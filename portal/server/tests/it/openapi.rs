//! The description of the HTTP interface.

use std::collections::BTreeSet;

use latchkey_portal::http::description;
use serde_json::Value;

use crate::support::World;

#[tokio::test]
async fn the_description_is_reviewed_and_is_what_is_served() {
    let description = description().to_pretty_json().unwrap();
    insta::assert_snapshot!("openapi", description);
    let world = World::new().await;
    let served = world.browser().get("/api/v1/openapi.json").await;
    assert_eq!(served.json(), serde_json::from_str::<Value>(&description).unwrap());
}

#[tokio::test]
async fn what_is_described_is_there() {
    let description = serde_json::to_value(description()).unwrap();
    let paths = description["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 18);
    let world = crate::provider::world::world().await;
    for path in paths.keys() {
        let answer = world.browser().get(&path.replace("{challenge}", "x").replace("{token}", "x")).await;
        let nothing = answer.header("content-type") == "application/json" && answer.json()["code"] == "not-found";
        assert!(!nothing, "{path}");
    }
}

/// An answer has exactly the properties that its description lists.
#[tokio::test]
async fn answers_are_as_described() {
    let description = serde_json::to_value(description()).unwrap();
    let world = World::new().await;
    let mut browser = world.browser();
    let issued = browser.post_json("/api/v1/challenges", "{}").await.json();
    let accepted = browser.sign_in(&world.card()).await.json();
    let session = browser.get("/api/v1/session").await.json();
    let refused = browser.post_json("/api/v1/challenges", "[]").await.json();
    let rows = [
        ("Challenge", &issued),
        ("Accepted", &accepted),
        ("Holder", &accepted["holder"]),
        ("Name", &accepted["holder"]["name"]),
        ("Check", &accepted["checks"][0]),
        ("OpenedSession", &accepted["session"]),
        ("Session", &session),
        ("Refusal", &refused),
    ];
    for (schema, answer) in rows {
        let described = description["components"]["schemas"][schema]["properties"].as_object();
        let described: BTreeSet<_> = described.unwrap_or_else(|| panic!("no schema {schema}")).keys().collect();
        let answered: BTreeSet<_> = answer.as_object().unwrap().keys().collect();
        assert_eq!(answered, described, "{schema}");
    }
}
