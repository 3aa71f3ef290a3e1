//! A portal whose revocation list has run out, a client that brings along what the authority's status service says, and a
//! card: what the portal makes of it.

use latchkey_fixtures::holders::sample_pki;
use latchkey_fixtures::pki::Status;
use latchkey_tests::stage::{Cards, Portal, SampleSet, give_secrets, holder};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use crate::status_host::{Mood, StatusHost};

const HOLDER: &str = "hanna-vydumanaya";

#[expect(clippy::disallowed_methods, reason = "portal and client look at the machine's clock")]
fn present() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// The sample set, in which the list of those whom the authority has revoked should have been renewed ten days ago.
fn set_with_old_list() -> SampleSet {
    let set = SampleSet::write().unwrap();
    let now = present();
    let authority = sample_pki(now).unwrap();
    let (made, over) = (now - Duration::days(40), now - Duration::days(10));
    let list = authority.authority().revocation_list_of(&[], made, over, 1).unwrap();
    std::fs::write(set.path().join("pki/authority.crl.der"), list).unwrap();
    set
}

#[test]
fn the_answer_that_a_client_brings_along_decides_where_the_portals_list_has_run_out() {
    let set = set_with_old_list();
    let mut cards = Cards::start(&set, 1).unwrap();
    cards.insert(HOLDER, 1).unwrap();
    let portal = Portal::start(&set).unwrap();
    let service = StatusHost::start(sample_pki(present()).unwrap(), present, Mood::Says(Status::Good));
    let managed = set.path().join("managed.toml");
    let issuer = set.path().join("pki/authority.cert.der");
    let text = format!("[status_service]\naddress = {:?}\nissuers = [{issuer:?}]\n", service.address);
    std::fs::write(&managed, text).unwrap();
    let sign_in = |brings_answer: bool| {
        let mut client = cards.client().unwrap();
        client.args(["--lang", "en", "sign-in", &portal.address(), "--yes", "--json", "--ca-file"]);
        client.arg(set.tls_authority());
        if brings_answer {
            client.arg("--managed").arg(&managed);
        }
        give_secrets(&mut client, &[holder(HOLDER).unwrap().pin]).unwrap();
        let output = client.output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        let result: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{told}"));
        match &result["verdict"]["assurance"] {
            Value::String(assurance) => assurance.clone(),
            _ => result["error"]["portalCode"].as_str().unwrap_or_else(|| panic!("{result} {told}")).to_owned(),
        }
    };
    let revoked = Status::Revoked(present() - Duration::HOUR);
    let rows = [
        ("nobody is asked", false, Mood::Says(Status::Good), "revocation-stale", 0),
        ("good", true, Mood::Says(Status::Good), "high", 1),
        ("revoked", true, Mood::Says(revoked), "certificate-revoked", 2),
        ("silence", true, Mood::BreaksOff, "revocation-stale", 3),
    ];
    for (name, brings_answer, mood, expected, questions) in rows {
        service.set(mood);
        assert_eq!(sign_in(brings_answer), expected, "{name}");
        assert_eq!(service.asked().len(), questions, "{name}");
    }
}
