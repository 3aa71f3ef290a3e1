//! Readers, cards and PINs at the command line.

use latchkey_fixtures::holders::{deployed_holders, issue_deployed_card, sample_pki};
use time::macros::datetime;

use crate::binary::{Person, World, holder, image, run, run_with_input};

const ORDINARY: &str = "hanna-vydumanaya";

#[test]
fn readers_and_the_card_are_shown_without_a_password() {
    let world = World::with(image(ORDINARY));
    let ran = run(world.latchkey().arg("readers"));
    let (first, second) = (world.reader(0), world.reader(1));
    assert!(ran.out.contains(&format!("{first}: card inserted")), "{ran:?}");
    assert!(ran.out.contains(&format!("{second}: no card")), "{ran:?}");

    let ran = run(world.latchkey().args(["card", "--json"]));
    assert_eq!(ran.code, 0, "{ran:?}");
    let card = ran.json();
    assert_eq!(card["model"], "stb-34.101.79");
    assert_eq!(card["pin"]["state"], "usable");
    assert_eq!(card["pin"]["triesLeft"], 3);
    assert!(card.get("certificates").is_none());

    let ran = run(world.latchkey().args(["--lang", "ru", "pin", "status"]));
    assert!(ran.out.contains("ID-карта Республики Беларусь") && ran.out.contains("осталось 3 попытки"), "{ran:?}");
}

#[test]
fn the_deployed_card_is_named_and_asks_for_its_secrets() {
    let holder = deployed_holders().remove(0);
    let now = datetime!(2026-11-22 12:00 UTC);
    let world = World::with(issue_deployed_card(&sample_pki(now).unwrap(), &holder, now).unwrap());
    let ran = run(world.latchkey().args(["card", "--json"]));
    assert_eq!((ran.code, ran.json()["model"].as_str()), (0, Some("kta")), "{ran:?}");
    for (language, words) in [("be", "выданая картка"), ("ru", "выданная карта"), ("en", "deployed card")]
    {
        let ran = run(world.latchkey().args(["--lang", language, "card"]));
        assert!(ran.out.contains(words), "{ran:?}");
    }
    // Reading certificates takes the CAN, which confirms the editions, and PIN1; signing takes PIN2 as well.
    let secrets = format!("{}\n{}\n", holder.can, holder.pin);
    let ran = run_with_input(world.latchkey().args(["card", "--pin", "--pin-fd", "0", "--json"]), &secrets);
    assert_eq!(ran.json()["certificates"].as_array().map(Vec::len), Some(1), "{ran:?}");
    let folder = tempfile::tempdir().unwrap();
    let document = folder.path().join("document.txt");
    std::fs::write(&document, "to be signed").unwrap();
    let signed = |pin2: &str| {
        run_with_input(world.latchkey().args(["sign", "--pin-fd", "0"]).arg(&document), &format!("{secrets}{pin2}\n"))
    };
    let refused = signed("0000000");
    assert!(refused.err.ends_with("Code: pin2-wrong\n"), "{refused:?}");
    assert_eq!(signed(&holder.pin2()).code, 0);
}

#[test]
fn with_the_pin_the_certificate_is_shown_in_the_holders_language() {
    let world = World::with(image(ORDINARY));
    let pin = format!("{}\n", holder(ORDINARY).pin);
    let show = |language: &str| {
        run_with_input(world.latchkey().args(["--lang", language, "card", "--pin", "--pin-fd", "0"]), &pin)
    };
    let belarusian = show("be");
    assert_eq!(belarusian.code, 0, "{belarusian:?}");
    assert!(belarusian.out.contains("ВЫДУМАНАЯ") && belarusian.out.contains("дзейнічае"), "{belarusian:?}");
    let russian = show("ru");
    assert!(russian.out.contains("ВЫДУМАННАЯ") && russian.out.contains("Владелец"), "{russian:?}");

    let ran = run_with_input(world.latchkey().args(["card", "--pin", "--pin-fd", "0", "--json"]), &pin);
    let certificate = &ran.json()["certificates"][0];
    assert_eq!(certificate["validity"], "current", "{ran:?}");
    assert!(certificate["holder"]["personalNumber"].as_str().unwrap().starts_with("PNOBY-"));
}

#[test]
fn a_pin_is_changed_blocked_and_unblocked() {
    let world = World::with(image(ORDINARY));
    let person = holder(ORDINARY);
    let pin = |arguments: &[&str], input: String| {
        run_with_input(world.latchkey().args(arguments).args(["--pin-fd", "0"]), &input)
    };
    let ran = pin(&["pin", "change"], format!("{}\n518273\n", person.pin));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("The PIN was changed."), "{ran:?}");

    for (expected, words) in [(6, "2 tries are left"), (6, "1 try is left")] {
        let ran = pin(&["card", "--pin"], "000000\n".into());
        assert_eq!(ran.code, expected, "{ran:?}");
        assert!(ran.err.contains(words) && ran.err.ends_with("Code: pin-wrong\n"), "{ran:?}");
    }
    let ran = pin(&["card", "--pin"], "000000\n".into());
    assert!(ran.err.ends_with("Code: last-try-not-allowed\n"), "{ran:?}");
    let ran = pin(&["card", "--pin", "--allow-last-try"], format!("{}\n000000\n", person.can));
    assert!(ran.err.contains("no try is left"), "{ran:?}");
    let ran = pin(&["card", "--pin"], "518273\n".into());
    assert!(ran.err.ends_with("Code: pin-blocked\n"), "{ran:?}");

    let ran = pin(&["pin", "unblock", "--new-pin", "--json"], format!("{}\n739164\n", person.puk));
    assert_eq!(ran.json()["pin"]["triesLeft"], 3, "{ran:?}");
    let ran = pin(&["pin", "deactivate", "--json"], "739164\n".into());
    assert_eq!(ran.json()["pin"]["state"], "deactivated", "{ran:?}");
    let ran = pin(&["pin", "activate", "--json"], format!("{}\n", person.puk));
    assert_eq!(ran.json()["pin"]["state"], "usable", "{ran:?}");
    assert_eq!(pin(&["card", "--pin"], "739164\n".into()).code, 0);
}

#[test]
fn of_two_cards_the_named_one_is_used() {
    let world = World::with(image(ORDINARY));
    let _second = world.insert_second(image("kastus-zablakavany"));
    let ran = run(world.latchkey().args(["card", "--json"]));
    assert_eq!(ran.code, 4, "{ran:?}");
    assert_eq!(ran.json()["error"]["readers"].as_array().unwrap().len(), 2);
    let ran = run(world.latchkey().args(["card", "--json", "--reader", &world.reader(1)]));
    assert_eq!(ran.json()["pin"]["state"], "blocked", "{ran:?}");
    let ran = run(world.latchkey().args(["card", "--reader", "Nowhere"]));
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains(&world.reader(0)) && ran.err.ends_with("Code: unknown-reader\n"), "{ran:?}");
}

#[test]
fn at_the_terminal_a_slip_is_forgiven_while_two_tries_are_left() {
    let world = World::with(image(ORDINARY));
    let mut command = world.latchkey();
    command.args(["pin", "change"]);
    let mut person = Person::new();
    let mut child = person.start(&command);
    person.wait_for("PIN: in use, 3 tries left");
    person.wait_for("You asked to change the PIN");
    person.wait_for("3 tries left: ");
    person.enter("000000");
    person.wait_for("New PIN (6 digits): ");
    person.enter("739164");
    person.wait_for("once more: ");
    person.enter("739164");
    person.wait_for("2 tries are left.");
    person.wait_for("PIN: in use, 2 tries left");
    person.wait_for("You asked to change the PIN");
    person.wait_for("2 tries left: ");
    person.enter(holder(ORDINARY).pin);
    person.wait_for("New PIN (6 digits): ");
    person.enter("739164");
    person.wait_for("once more: ");
    person.enter("739164");
    assert!(child.wait().unwrap().success());
    assert!(person.echoes());
    for secret in ["739164", holder(ORDINARY).pin] {
        assert!(!person.shown().contains(secret), "{}", person.shown());
    }
}

#[test]
fn secrets_are_not_read_from_a_terminal_that_would_show_them() {
    let world = World::with(image(ORDINARY));
    let mut command = world.latchkey();
    command.args(["card", "--pin", "--pin-fd", "0"]);
    let mut person = Person::new();
    let mut child = person.start(&command);
    person.wait_for("“0” does not fit --pin-fd");
    assert_eq!(child.wait().unwrap().code(), Some(2), "{}", person.shown());
}
