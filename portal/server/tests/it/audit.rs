//! The audit log: each event is written by what it names, holds no personal data, and depends on all before it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use latchkey_card::profile::Profile;
use latchkey_portal::audit::{self, Audit, Event};
use latchkey_portal::configuration::Configuration;
use latchkey_portal::provider::ProviderMaterial;
use proptest::prelude::*;
use serde_json::{Value, json};
use time::Duration;

use crate::process::Installation;
use crate::provider::world::{SHOP, clients, field, settings, write_files};
use crate::support::{NOW, World, write_lists};
use crate::terminal;

/// The events of a log that holds together.
fn events(path: &Path) -> Vec<Value> {
    audit::verify(path).unwrap();
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn told<'e>(events: &'e [Value], name: &str) -> &'e Value {
    events.iter().find(|event| event["event"] == name).unwrap_or_else(|| panic!("no {name} in {events:#?}"))
}

/// A log in a file.
fn log(directory: &Path) -> Audit {
    let text = include_str!("../../portal.example.toml").replace("#audit = ", "audit = ");
    Audit::open(Configuration::parse(&text, directory).unwrap().audit_log.as_ref()).unwrap()
}

#[tokio::test]
async fn each_event_is_written_by_what_it_names() {
    let world = World::with_cabinets_and(|directory| {
        write_files(directory, &clients());
        Some(ProviderMaterial::load(&settings(directory)).unwrap())
    })
    .await;
    let mut browser = world.browser();
    let accepted = browser.sign_in(&world.card()).await.json();
    let challenge = browser.challenge().await;
    browser.post_json(&challenge.path, world.card().sign("https://elsewhere.example", &challenge.text)).await;
    let code = SHOP.code(&mut browser).await;
    assert_eq!(SHOP.exchange(&world, &code).await.status, 200);
    assert_eq!(SHOP.exchange(&world, &code).await.status, 400);
    let guess = "grant_type=refresh_token&refresh_token=x&client_id=shop&client_secret=guessed";
    assert_eq!(world.browser().post_form("/token", guess).await.status, 401);
    world.browser().sign_in(&world.card()).await;
    let cabinet = browser.get("/cabinet").await;
    let key = field(&cabinet, "key").unwrap();
    browser.post_form("/cabinet/sessions/end-others", format!("key={key}")).await;
    browser.post_form("/cabinet/sites/withdraw", format!("key={key}&site=shop")).await;
    browser.post_form("/cabinet/acting", format!("key={key}&organisation=")).await;
    assert_eq!(browser.delete("/api/v1/session").await.status, 204);
    write_lists(world.directory(), &world.pki, &[], NOW + Duration::days(1));
    world.portal.renew_revocation();
    fs::write(world.directory().join("root.crl.der"), "no list").unwrap();
    world.portal.renew_revocation();
    let provider = world.provider.as_ref().unwrap();
    for sites in [clients().replace("\"app\"", "\"apps\""), "no sites".to_owned()] {
        fs::write(world.directory().join("provider/clients.toml"), sites).unwrap();
        provider.renew();
    }

    let path = world.directory().join("audit.log");
    let events = events(&path);
    let written: BTreeSet<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    // Those of processes and terminals are in tests of their own.
    let is_elsewhere = |name: &&str| name.starts_with("service-") || name.starts_with("terminal-");
    let expected: BTreeSet<_> = Event::NAMES.into_iter().filter(|name| !is_elsewhere(name)).collect();
    assert_eq!(written, expected);
    let opened = told(&events, "cabinet-opened");
    let sign_in = told(&events, "sign-in-accepted");
    assert_eq!((&sign_in["assurance"], &sign_in["way"]), (&json!("high"), &json!("program")));
    assert_eq!(sign_in["cabinet"], opened["cabinet"]);
    assert_eq!(told(&events, "sign-in-refused")["code"], "signature-invalid");
    assert_eq!(told(&events, "sessions-ended")["count"], "1");
    assert_eq!(told(&events, "consent-given")["scopes"], "openid profile personal_number");
    let ticket = told(&events, "ticket-issued");
    assert_eq!((&ticket["client"], &ticket["assurance"]), (&json!("shop"), &json!("high")));
    let numbers: Vec<_> = events.iter().map(|event| event["number"].as_u64().unwrap()).collect();
    assert!(numbers.iter().copied().eq(1..=numbers.len() as u64), "{numbers:?}");

    let text = fs::read_to_string(&path).unwrap();
    let holder = &accepted["holder"];
    for personal in
        [&holder["personalNumber"], &holder["name"]["family"], &holder["name"]["given"], &holder["latinName"]]
    {
        assert!(!text.contains(personal.as_str().unwrap()), "{personal}");
    }
    assert!(!text.contains(&code));
}

#[tokio::test]
async fn a_terminal_notes_whom_it_has_recognised_and_what_it_refuses() {
    let world = terminal::world::World::new().await;
    let (mut card, profile) = (world.card(), Profile::standard());
    let mut session = terminal::world::Session::established(world.back_end(), &mut card, &profile).await;
    session.read(&["dg1"]).await;
    let data = session.ask("request_dg", json!({})).await;
    assert_eq!(session.post("request_dg", json!({})).await.refusal().0, 409);
    let path = world.directory.path().join("audit.log");
    let events = events(&path);
    let names: Vec<_> = events.iter().map(|event| event["event"].clone()).collect();
    assert_eq!(names, ["terminal-established", "terminal-refused"]);
    assert_eq!(events[1]["code"], "terminal-wrong-order");
    assert!(!fs::read_to_string(&path).unwrap().contains(data["personal_data"]["ID"].as_str().unwrap()));
}

/// A service on a log of its own, from its start to its end; then the command that looks through it.
#[test]
fn a_service_notes_its_start_and_its_end_and_the_command_looks_through_it() {
    let installation = Installation::new();
    let file = installation.directory.path().join("portal.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("#audit = ", "audit = ")).unwrap();
    let path = installation.directory.path().join("audit.log");
    assert_eq!(installation.command("check").output().unwrap().status.code(), Some(0));
    assert!(!path.exists(), "to check changes nothing");
    for _ in 0..2 {
        let service = installation.start();
        service.signal("TERM");
        service.end();
    }
    let names: Vec<_> = events(&path).iter().map(|event| event["event"].clone()).collect();
    assert_eq!(names, ["service-started", "service-stopped", "service-started", "service-stopped"]);
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);

    let look =
        |path: &Path| Command::new(env!("CARGO_BIN_EXE_latchkey-portal")).arg("audit").arg(path).output().unwrap();
    let sound = look(&path);
    assert!(String::from_utf8_lossy(&sound.stdout).starts_with("4 lines; the last is number 4, "));
    fs::write(
        &path,
        fs::read_to_string(&path).unwrap().replace("\"event\":\"service-stopped\"", "\"event\":\"signed-out\""),
    )
    .unwrap();
    let changed = look(&path);
    assert_eq!(changed.status.code(), Some(7));
    assert!(String::from_utf8_lossy(&changed.stderr).contains("line 2: is not what was written"));
    fs::write(&path, "no log\n").unwrap();
    let refused = installation.command("serve").output().unwrap();
    assert_eq!(refused.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("`log.audit` "), "{refused:?}");
}

#[test]
fn several_writers_share_a_log_and_a_log_that_was_put_aside_is_continued() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.log");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let log = log(directory.path());
            scope.spawn(move || (0..25).for_each(|_| log.note(NOW, &Event::SignedOut).unwrap()));
        }
    });
    assert_eq!(audit::verify(&path).unwrap().number, 100);
    let log = log(directory.path());
    fs::rename(&path, directory.path().join("audit.log.1")).unwrap();
    log.note(NOW, &Event::SignedOut).unwrap();
    assert_eq!(audit::verify(&path).unwrap().number, 101);
    let both = ["audit.log.1", "audit.log"].map(|name| fs::read_to_string(directory.path().join(name)).unwrap());
    fs::write(&path, both.concat()).unwrap();
    assert_eq!(audit::verify(&path).unwrap().lines, 101, "the parts belong together");
}

/// What a process that was killed within a line leaves is told, and what comes after it is written whole.
#[test]
fn a_line_that_was_broken_off_is_told_and_the_next_one_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.log");
    log(directory.path()).note(NOW, &Event::SignedOut).unwrap();
    let mut text = fs::read_to_string(&path).unwrap();
    text.push_str("{\"time\":\"2026");
    fs::write(&path, text).unwrap();
    log(directory.path()).note(NOW, &Event::ServiceStopped).unwrap();
    let told = audit::verify(&path).unwrap_err().to_string();
    assert!(told.ends_with("line 2: is no object of JSON"), "{told}");
    let text = fs::read_to_string(&path).unwrap();
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["number"]), (&json!("service-stopped"), &json!(2)));
}

#[tokio::test]
async fn an_event_that_cannot_be_written_is_counted_and_nobody_is_kept_out() {
    let world = World::new().await;
    let path = world.directory().join("audit.log");
    fs::create_dir(&path).unwrap();
    let mut browser = world.browser();
    assert_eq!(browser.sign_in(&world.card()).await.status, 200);
    let metrics = browser.get("/metrics").await;
    assert!(metrics.text().contains("\nlatchkey_portal_audit_failures_total 1\n"), "{}", metrics.text());
}

/// The documentation lists every event.
#[test]
fn every_event_is_documented() {
    let documented = include_str!("../../../../docs/audit.md");
    let listed = documented.lines().filter_map(|line| line.strip_prefix("| `")).filter_map(|row| row.split('`').next());
    assert_eq!(listed.collect::<Vec<_>>(), Event::NAMES);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever octet is altered, and whatever line is taken out, moved or put in twice.
    #[test]
    fn no_change_to_a_log_passes(place in 0.0..1.0_f64, with in any::<u8>(), (one, other) in (0_usize..6, 0_usize..6)) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.log");
        let log = log(directory.path());
        for code in ["a", "b", "c", "d", "e", "f"] {
            log.note(NOW, &Event::SignInRefused { code }).unwrap();
        }
        let sound = fs::read(&path).unwrap();
        let mut altered = sound.clone();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in a short file")]
        let at = (place * sound.len() as f64) as usize;
        altered[at] = with;
        let lines: Vec<_> = sound.split_inclusive(|octet| *octet == b'\n').collect();
        let mut swapped = lines.clone();
        swapped.swap(one, other);
        let mut without = lines.clone();
        without.remove(one);
        // A log may begin later and end earlier: its last number and value are noted elsewhere.
        let is_shorter = one == 0 || one == 5;
        for (changed, may_pass) in [(altered, false), (swapped.concat(), false), (without.concat(), is_shorter)] {
            fs::write(&path, &changed).unwrap();
            let verified = audit::verify(&path);
            prop_assert!(changed == sound || may_pass || verified.is_err(), "{}", String::from_utf8_lossy(&changed));
        }
    }
}
