//! A card that is inserted after the command was given, with a real pcscd.

use std::process::Stdio;

use crate::binary::{Person, Ran, World, holder, image, run};
use crate::test_portal::{Answers, TestPortal};

const ORDINARY: &str = "hanna-vydumanaya";
const INSERT: &str = "Insert the card into the reader";

#[test]
fn at_the_terminal_a_sign_in_waits_for_the_card() {
    let mut world = World::without_card();
    let portal = TestPortal::start(Answers::default());
    let mut command = world.sign_in(&portal.address);
    command.arg("--yes");
    let mut person = Person::new();
    let child = person.start(&command);
    person.wait_for(INSERT);
    world.insert(image(ORDINARY));
    person.wait_for("Reader: ");
    person.wait_for("3 tries left: ");
    person.enter(holder(ORDINARY).pin);
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!(ran.code, 0, "{}\n{ran:?}", person.shown());
}

#[test]
fn ctrl_c_ends_the_wait() {
    let world = World::without_card();
    let mut command = world.latchkey();
    command.args(["pin", "status"]);
    let mut person = Person::new();
    let child = person.start(&command);
    person.wait_for(INSERT);
    person.type_digits("\x03");
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!(ran.code, 7, "{}", person.shown());
    person.wait_for("Code: cancelled");
}

#[test]
fn whoever_does_not_sit_at_a_terminal_waits_only_if_told_to() {
    let mut world = World::without_card();
    for arguments in [&["card"][..], &["card", "--json"], &["pin", "change", "--pin-fd", "0"], &["card", "--wait", "0"]]
    {
        let ran = run(world.latchkey().args(arguments));
        assert_eq!(ran.code, 4, "{arguments:?}: {ran:?}");
        assert!(ran.err.ends_with("Code: no-card\n") && !ran.err.contains(INSERT), "{arguments:?}: {ran:?}");
    }
    let ran = run(world.latchkey().args(["card", "--wait", "1"]));
    assert!(ran.err.contains(INSERT) && ran.err.ends_with("Code: no-card\n"), "{ran:?}");

    let mut command = world.latchkey();
    let command = command.args(["card", "--json", "--wait", "600"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    world.insert(image(ORDINARY));
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json()["pin"]["triesLeft"], 3);
}

#[test]
fn with_zero_seconds_nobody_waits_at_the_terminal_either() {
    let world = World::without_card();
    let mut command = world.latchkey();
    command.args(["card", "--wait", "0"]);
    let mut person = Person::new();
    let child = person.start(&command);
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!(ran.code, 4, "{ran:?}");
    person.wait_for("Code: no-card");
    assert!(!person.shown().contains(INSERT), "{}", person.shown());
}
