//! Revocation lists that the service fetches in the background.

use std::path::PathBuf;

use latchkey_fixtures::pki::{Revocation, RevocationReason};
use time::Duration;

use crate::authority_host::{AuthorityHost, Mood};
use crate::process::{Installation, Process, present};
use crate::revocation::sign_in;
use crate::support::Card;

/// An installation whose authority's list is fetched from that host.
fn installation(host: &AuthorityHost) -> Installation {
    let installation = Installation::new();
    let path = installation.directory.path().join("portal.toml");
    let address = host.address.join("list.crl").unwrap();
    let section =
        format!("[revocation]\naddresses = [\"\", \"{address}\"]\nfetch_seconds = 1\n\n# How long things last");
    let text = std::fs::read_to_string(&path).unwrap().replace("# How long things last", &section);
    std::fs::write(path, text).unwrap();
    installation
}

fn file(installation: &Installation) -> PathBuf {
    installation.directory.path().join("pki/authority.crl.der")
}

fn list(installation: &Installation, revoked: &[&Card], number: u64) -> Vec<u8> {
    let revocation = |card: &&Card| Revocation {
        serial_number: card.serial_number.clone(),
        revoked_at: present() - Duration::HOUR,
        reason: RevocationReason::KeyCompromise,
    };
    let revoked: Vec<_> = revoked.iter().map(revocation).collect();
    installation.pki.authority().revocation_list(&revoked, present(), number).unwrap()
}

async fn verdict(installation: &Installation, service: &Process, card: &Card) -> String {
    sign_in(&installation.client(), &service.url(""), card).await
}

const TAKEN: &str = "a changed revocation list is in use";
const NOT_FETCHED: &str = "a revocation list could not be fetched; the former one stays in use";

/// From nothing to a first list to one that revokes; each is asked for by its mark.
#[tokio::test(flavor = "multi_thread")]
async fn lists_are_fetched_and_taken_into_use() {
    let host = AuthorityHost::of_lists(Mood::Missing).await;
    let installation = installation(&host);
    std::fs::remove_file(file(&installation)).unwrap();
    let card = installation.card();
    let mut service = installation.start();
    let told = service.wait_for(NOT_FETCHED);
    assert!(told["error"].as_str().unwrap().ends_with("status 404"), "{told}");
    assert_eq!(verdict(&installation, &service, &card).await, "revocation-unknown");

    host.set(Mood::List(list(&installation, &[], 7), Some("\"seven\"")));
    service.signal("HUP");
    assert_eq!(service.wait_for(TAKEN)["entries"], 0);
    assert_eq!(verdict(&installation, &service, &card).await, "accepted");
    let former = std::fs::read(file(&installation)).unwrap();

    // The same mark: nothing is sent again.
    let visits = host.visits();
    service.signal("HUP");
    while host.visits() == visits {
        host.visited().await;
    }
    host.set(Mood::List(list(&installation, &[&card], 8), Some("\"eight\"")));
    service.signal("HUP");
    assert_eq!(service.wait_for(TAKEN)["entries"], 1);
    assert_eq!(verdict(&installation, &service, &card).await, "certificate-revoked");
    assert_ne!(std::fs::read(file(&installation)).unwrap(), former);

    service.signal("TERM");
    let (status, log) = service.end();
    assert_eq!(status.code(), Some(0), "{log}");
}

/// What comes is no list that may take the former one's place: nobody notices but the operator.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_displaces_nothing_and_delays_nobody() {
    let host = AuthorityHost::of_lists(Mood::Missing).await;
    let installation = installation(&host);
    let (card, lost) = (installation.card(), Card::issue(&installation.pki, |order| order.label = "lost".to_owned()));
    let in_use = list(&installation, &[&lost], 5);
    std::fs::write(file(&installation), &in_use).unwrap();
    let mut service = installation.start();
    service.wait_for(NOT_FETCHED);
    let altered: Vec<u8> = in_use.split_last().map(|(last, rest)| [rest, &[last ^ 1]].concat()).unwrap();
    let older = list(&installation, &[], 4);
    let rows = [
        ("sent elsewhere", Mood::Redirect, "status 302"),
        ("broken off", Mood::Failing, "there is no answer"),
        ("never ended", Mood::Dripping, "there is no answer"),
        ("no list", Mood::List(b"<html>".to_vec(), None), "malformed"),
        ("altered", Mood::List(altered, None), "not signed by any of the configured authorities"),
        ("older", Mood::List(older, None), "older than the one in use"),
    ];
    for (name, mood, expected) in rows {
        host.set(mood);
        let visits = host.visits();
        service.signal("HUP");
        while host.visits() == visits {
            host.visited().await;
        }
        // While it is being fetched, and after.
        assert_eq!(verdict(&installation, &service, &card).await, "accepted", "{name}");
        let told = service.wait_for(NOT_FETCHED);
        assert!(told["error"].as_str().unwrap().contains(expected), "{name}: {told}");
        assert_eq!(verdict(&installation, &service, &lost).await, "certificate-revoked", "{name}");
        assert_eq!(std::fs::read(file(&installation)).unwrap(), in_use, "{name}");
    }
    let metrics = installation.client().get(service.url("/metrics")).send().await.unwrap().text().await.unwrap();
    for (outcome, times) in [("refused", 2), ("unreachable", 2), ("unusable", 3)] {
        let line = format!("latchkey_portal_revocation_fetches_total{{outcome=\"{outcome}\"}} {times}");
        assert!(metrics.contains(&line), "{line}\n{metrics}");
    }
}
