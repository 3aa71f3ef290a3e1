//! Which level a site demands, and what tickets say of the one that was reached.

use latchkey_portal::provider::assurance::{ACR_NAMES, Demand, acr, amr};
use latchkey_portal::session::{Assurance, Way};

use crate::support::{NOW, ORIGIN, World, open};

const HIGH: &str = "urn:latchkey:acr:high";
const SUBSTANTIAL: &str = "urn:latchkey:acr:substantial";
const LOW: &str = "urn:latchkey:acr:low";
const FOREIGN: &str = "https://example.org/loa/4";
const LEVELS: [Assurance; 3] = [Assurance::Low, Assurance::Substantial, Assurance::High];

#[test]
fn any_level_at_or_above_a_listed_one_serves() {
    // What is listed; which of low, substantial and high serve.
    let rows: [(&[&str], [bool; 3]); 12] = [
        (&[], [true, true, true]),
        (&[LOW], [true, true, true]),
        (&[SUBSTANTIAL], [false, true, true]),
        (&[HIGH], [false, false, true]),
        (&[HIGH, LOW], [true, true, true]),
        (&[LOW, HIGH], [true, true, true]),
        (&[HIGH, SUBSTANTIAL], [false, true, true]),
        (&[FOREIGN], [false, false, false]),
        (&[FOREIGN, HIGH], [false, false, true]),
        (&[HIGH, FOREIGN], [false, false, true]),
        (&["high"], [false, false, false]),
        (&["URN:LATCHKEY:ACR:HIGH"], [false, false, false]),
    ];
    for (listed, serves) in rows {
        let demand = Demand::of(listed.iter().copied());
        assert_eq!(LEVELS.map(|level| demand.is_met_by(level)), serves, "{listed:?}");
    }
}

#[test]
fn of_two_lists_both_bind() {
    let rows: [(&[&str], &[&str], [bool; 3]); 5] = [
        (&[LOW], &[HIGH], [false, false, true]),
        (&[HIGH], &[LOW], [false, false, true]),
        (&[], &[SUBSTANTIAL], [false, true, true]),
        (&[HIGH], &[FOREIGN], [false, false, false]),
        (&[], &[], [true, true, true]),
    ];
    for (one, other, serves) in rows {
        let demand = Demand::of(one.iter().copied()).and(Demand::of(other.iter().copied()));
        assert_eq!(LEVELS.map(|level| demand.is_met_by(level)), serves, "{one:?} and {other:?}");
    }
}

#[test]
fn every_level_has_one_published_name() {
    assert_eq!(ACR_NAMES, [HIGH, SUBSTANTIAL, LOW]);
    assert_eq!(LEVELS.map(acr), [LOW, SUBSTANTIAL, HIGH]);
}

#[test]
fn the_methods_tell_card_mode_and_who_named_the_origin() {
    let rows = [
        (Assurance::High, Way::Terminal, "sc pin mfa urn:latchkey:amr:terminal-mode"),
        (Assurance::Substantial, Way::Terminal, "sc pin mfa urn:latchkey:amr:terminal-mode"),
        (Assurance::High, Way::Page, "sc pin mfa urn:latchkey:amr:base-mode urn:latchkey:amr:browser-origin"),
        (Assurance::High, Way::Link, "sc pin mfa urn:latchkey:amr:base-mode"),
        (Assurance::High, Way::Program, "sc pin mfa urn:latchkey:amr:base-mode"),
        (Assurance::Substantial, Way::Page, "pop urn:latchkey:amr:base-mode urn:latchkey:amr:browser-origin"),
        (Assurance::Low, Way::Program, "pop urn:latchkey:amr:base-mode"),
        (Assurance::Low, Way::OutsideAccount, "urn:latchkey:amr:outside-account"),
    ];
    for (level, way, methods) in rows {
        assert_eq!(amr(level, way).join(" "), methods, "{level} {way:?}");
    }
}

/// The way is kept with the session from the request that presented the assertion.
#[tokio::test]
async fn a_session_keeps_how_its_assertion_came() {
    for (origin, way) in [(Some(ORIGIN), Way::Page), (None, Way::Program)] {
        let world = World::new().await;
        let mut browser = world.browser();
        browser.sign_in_from(&world.card(), origin).await;
        let storage = open(&world.database()).await;
        let session = storage.session(&browser.session_token().hash(), NOW).await.unwrap().unwrap();
        assert_eq!((session.assurance, session.signed_in_at, session.way), (Assurance::High, NOW, way));
    }
}
