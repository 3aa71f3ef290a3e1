//! What operators see: metrics and health.

use std::collections::BTreeSet;

use latchkey_portal::metrics::DESCRIPTIONS;
use time::{Duration, OffsetDateTime};

use crate::support::{NOW, World, write_lists};

#[tokio::test]
async fn every_metric_is_described_counted_and_free_of_people() {
    let world = World::new().await;
    let mut browser = world.browser();
    let accepted = browser.sign_in(&world.card()).await;
    let challenge = browser.challenge().await;
    browser.post_json(&challenge.path, world.card().sign("https://elsewhere.example", &challenge.text)).await;
    browser.get("/some/address/that/is/not/there?name=Smith").await;
    let metrics = browser.get("/metrics").await;
    assert_eq!(metrics.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");

    let lines: Vec<_> = metrics.text().lines().collect();
    let typed = lines.iter().filter_map(|line| line.strip_prefix("# TYPE ")).filter_map(|line| line.split(' ').next());
    let described: BTreeSet<_> = DESCRIPTIONS.iter().map(|description| description.name).collect();
    assert_eq!(typed.collect::<BTreeSet<_>>(), described);
    for description in DESCRIPTIONS {
        assert!(lines.contains(&&*format!("# HELP {} {}", description.name, description.text)), "{}", description.name);
    }
    for line in [
        "latchkey_portal_challenges_issued_total 2",
        "latchkey_portal_sign_ins_accepted_total{assurance=\"high\"} 1",
        "latchkey_portal_sign_ins_refused_total{code=\"signature-invalid\"} 1",
        "latchkey_portal_verification_duration_seconds_count 2",
        "latchkey_portal_http_requests_total{method=\"POST\",route=\"/api/v1/challenges\",status=\"201\"} 2",
        "latchkey_portal_http_requests_total{method=\"POST\",route=\"/api/v1/assertions/{challenge}\",status=\"422\"} 1",
        "latchkey_portal_http_requests_total{method=\"GET\",route=\"none\",status=\"404\"} 1",
        "latchkey_portal_storage_failures_total 0",
        &format!("latchkey_portal_revocation_current_until_timestamp_seconds {}", lists_end(NOW)),
    ] {
        assert!(lines.contains(&line), "{line} is not in\n{}", metrics.text());
    }
    let holder = accepted.json()["holder"].clone();
    for personal in [&holder["personalNumber"], &holder["name"]["family"], &holder["latinName"]] {
        assert!(!metrics.text().contains(personal.as_str().unwrap()));
    }
    assert!(!metrics.text().contains("Smith"));
}

#[tokio::test]
async fn renewed_and_unusable_revocation_lists_are_counted() {
    let world = World::new().await;
    let counted = async |line: &str| world.browser().get("/metrics").await.text().contains(&format!("\n{line}\n"));
    world.portal.renew_revocation();
    assert!(counted("latchkey_portal_revocation_reloads_total 0").await);
    let later = NOW + Duration::days(1);
    write_lists(world.directory(), &world.pki, &[], later);
    world.portal.renew_revocation();
    assert!(counted("latchkey_portal_revocation_reloads_total 1").await);
    let until = format!("latchkey_portal_revocation_current_until_timestamp_seconds {}", lists_end(later));
    assert!(counted(&until).await);
    std::fs::write(world.directory().join("root.crl.der"), "no list").unwrap();
    world.portal.renew_revocation();
    assert!(counted("latchkey_portal_revocation_reload_failures_total 1").await);
    assert!(counted(&until).await);
}

/// The test PKI makes lists an hour before and promises new ones 30 days after that.
fn lists_end(made: OffsetDateTime) -> i64 {
    (made - Duration::hours(1) + Duration::days(30)).unix_timestamp()
}

#[tokio::test]
async fn a_failing_database_is_counted() {
    let world = World::on_a_file().await;
    std::fs::remove_file(world.database()).unwrap();
    let mut browser = world.browser();
    assert_eq!(browser.get("/health/ready").await.status, 503);
    assert!(browser.get("/metrics").await.text().contains("\nlatchkey_portal_storage_failures_total 1\n"));
}

#[tokio::test]
async fn health_tells_alive_from_ready() {
    let world = World::new().await;
    assert_eq!(world.browser().get("/health/live").await.json(), serde_json::json!({ "status": "live" }));
    assert_eq!(world.browser().get("/health/ready").await.json(), serde_json::json!({ "status": "ready" }));
}
