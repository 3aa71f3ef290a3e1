//! `--record` and `card probe`: files that hold nothing personal or secret.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use latchkey_card::dialogue::{CardModel, DialogueError, Selected, recognise};
use latchkey_card::password::{Password, Pin};
use latchkey_card::profile::Profile;
use latchkey_card::rights::Authority;
use latchkey_fixtures::random::Seeded;
use latchkey_fixtures::scripted::ScriptedChannel;

use crate::binary::{World, holder, image, image_with_pin, run, run_with_input};

const ORDINARY: &str = "hanna-vydumanaya";
/// Digits that nothing else in a recording has.
const PIN: &str = "271828";
const NEW_PIN: &str = "314159";

/// The ways in which digits may be written down.
fn spellings(digits: &str) -> Vec<String> {
    let hex: Vec<_> = digits.bytes().map(|octet| format!("{octet:02X}")).collect();
    let values: Vec<_> = digits.bytes().map(|octet| format!("{:02X}", octet - b'0')).collect();
    vec![
        digits.to_owned(),
        hex.concat(),
        hex.join(" "),
        hex.concat().to_lowercase(),
        hex.join(" ").to_lowercase(),
        values.join(" "),
        digits.chars().rev().collect(),
    ]
}

#[test]
fn a_recording_holds_no_digit_of_a_pin() {
    let world = World::with(image_with_pin(ORDINARY, PIN));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("change.txt");
    let ran = run_with_input(
        world.latchkey().args(["pin", "change", "--pin-fd", "0", "--record"]).arg(&file),
        &format!("{PIN}\n{NEW_PIN}\n"),
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("# CHANGE REFERENCE DATA\n"), "{text}");
    for secret in [PIN, NEW_PIN, holder(ORDINARY).can, holder(ORDINARY).puk] {
        for spelling in spellings(secret) {
            assert!(!text.contains(&spelling), "{spelling} is in the recording:\n{text}");
        }
    }
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    // The must-fail control: what a recording with the PIN in it would look like is found.
    let leaky = text.replacen("30 30 30 30 30 30", &spellings(PIN)[2], 1);
    assert!(spellings(PIN).iter().any(|spelling| leaky.contains(spelling)));

    // It is not written over, and the card is not asked for nothing.
    let again = run_with_input(world.latchkey().args(["card", "--record"]).arg(&file), "");
    assert!(again.err.ends_with("Code: output-exists\n"), "{again:?}");
    let nowhere = run(world.latchkey().args(["card", "--record", "/nonexistent/recording.txt"]));
    assert!(nowhere.err.ends_with("Code: output-unwritable\n"), "{nowhere:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

/// A bug report becomes a test: what went wrong with the real service and card goes wrong with the recording.
#[test]
fn a_recorded_failure_is_replayed() {
    let world = World::with(image_with_pin(ORDINARY, PIN));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrong.txt");
    let ran = run_with_input(
        world.latchkey().args(["card", "--pin", "--pin-fd", "0", "--record"]).arg(&file),
        &format!("{NEW_PIN}\n"),
    );
    assert!(ran.err.ends_with("Code: pin-wrong\n"), "{ran:?}");

    let mut card = ScriptedChannel::new(&fs::read_to_string(&file).unwrap());
    // The status is asked for once by itself, and once before the PIN.
    recognise(&mut card, Profile::KNOWN).unwrap();
    let CardModel::Known { profile, pin: shown } = recognise(&mut card, Profile::KNOWN).unwrap() else { panic!() };
    let pin = Pin::parse(b"000000", 6).unwrap();
    let selected = Selected::select(&mut card, profile).unwrap();
    let refused =
        selected.secure_with_pin(pin, shown, &Authority::READ_CERTIFICATES, &mut Seeded::new("a replay")).unwrap_err();
    assert_eq!(refused, DialogueError::PinWrong { tries_left: 2 });
    card.finish();
}

#[test]
fn an_examined_card_gives_a_report_without_the_holders_data() {
    let image = image(ORDINARY);
    let person = holder(ORDINARY);
    let world = World::with(image.clone());
    let folder = tempfile::tempdir().unwrap();
    let examine = |name: &str, can: &str| {
        let file = folder.path().join(name);
        let ran = run_with_input(
            world.latchkey().args(["card", "probe", "--pin-fd", "0", "--json"]).arg(&file),
            &format!("{can}\n"),
        );
        (ran, fs::read_to_string(&file).unwrap_or_default())
    };
    let (ran, report) = examine("first.txt", person.can);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json()["channelOpened"], true);
    assert!(report.contains("mac: errata-2020 accepted\n"), "{report}");
    let (_, again) = examine("second.txt", person.can);
    assert_eq!(again, report, "the same card gives the same report");
    for secret in [person.pin, person.can, person.puk] {
        for spelling in spellings(secret) {
            assert!(!report.contains(&spelling), "{spelling}:\n{report}");
        }
    }
    for octets in image.data_groups.values().map(|octets| &octets.0[2..]).filter(|octets| octets.len() > 3) {
        let hex: String = octets.iter().map(|octet| format!("{octet:02X}")).collect();
        assert!(!report.contains(&hex) && !report.contains(&*String::from_utf8_lossy(octets)), "{report}");
    }

    let (ran, report) = examine("wrong.txt", if person.can == "000000" { "111111" } else { "000000" });
    assert_eq!(ran.json()["channelOpened"], false, "{ran:?}");
    assert!(report.contains("hello: print-2019 can-wrong\n"), "{report}");
    // Nothing was spent: all tries of the PIN are there.
    assert_eq!(run(world.latchkey().args(["card", "--json"])).json()["pin"]["triesLeft"], 3);
}

#[test]
fn a_diagnosis_is_recorded_with_and_without_the_pin() {
    let world = World::with(image_with_pin(ORDINARY, PIN));
    let folder = tempfile::tempdir().unwrap();
    let (without, with) = (folder.path().join("without.txt"), folder.path().join("with.txt"));
    run(world.latchkey().args(["doctor", "--record"]).arg(&without));
    run_with_input(
        world.latchkey().args(["doctor", "--pin", "--pin-fd", "0", "--record"]).arg(&with),
        &format!("{PIN}\n"),
    );
    let [without, with] = [without, with].map(|file| fs::read_to_string(file).unwrap());
    assert!(without.contains("# SELECT MF\n") && !without.contains("* bpace"), "{without}");
    assert!(with.contains("* bpace 000000\n") && !with.contains(PIN), "{with}");
}

#[test]
fn no_report_is_left_of_a_card_that_was_not_examined() {
    let world = World::without_card();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.txt");
    let ran = run(world.latchkey().args(["card", "probe", "--wait", "0"]).arg(&file));
    assert!(ran.err.ends_with("Code: no-card\n"), "{ran:?}");
    assert!(!file.exists());
}
