//! Signing in with the real binary: what a person sees, what the portal gets, and where no PIN ever is.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

use latchkey_crypto::assertion::{Assertion, ChallengeText, Origin, signed_hash};
use latchkey_crypto::x509::Certificate;
use latchkey_fixtures::vcard::automaton::PinState;
use rustix::process::Signal;
use serde_json::json;

use crate::binary::{Person, Ran, World, holder, image, image_with_pin, interrupt, run, run_with_input};
use crate::test_portal::{Answer, Answers, CHALLENGE, TestPortal, challenge};

const ORDINARY: &str = "hanna-vydumanaya";

fn pin() -> String {
    format!("{}\n", holder(ORDINARY).pin)
}

#[test]
fn a_holder_signs_in() {
    let world = World::with(image(ORDINARY));
    let portal = TestPortal::start(Answers::default());
    let ran = run_with_input(world.sign_in(&portal.address).args(["--yes", "--pin-fd", "0"]), &pin());
    assert_eq!(ran.code, 0, "{ran:?}");
    for shown in [
        "accepted your sign-in",
        "ВЫДУМАННАЯ АННА ТЕСТОВНА (HANNA VYDUMANAYA)",
        "high",
        "the card's signature",
        "of-another-day",
    ] {
        assert!(ran.out.contains(shown), "{shown} is not in {}", ran.out);
    }
    assert!(ran.out.lines().all(|line| line.chars().count() <= 100), "wider than a terminal:\n{}", ran.out);
    for step in [
        "The portal sent its challenge",
        "Reader: ",
        "Card: ID card",
        "3 tries left",
        "encrypted",
        "certificate was read",
        "signing",
        "sent to the portal",
    ] {
        assert!(ran.err.contains(step), "{step} is not in {}", ran.err);
    }

    let assertion = Assertion::parse(&portal.received()[1].body).unwrap();
    let certificate = Certificate::from_der(assertion.unverified_certificate()).unwrap();
    let origin = Origin::parse(&portal.address).unwrap();
    let hash = signed_hash(assertion.algorithm(), &origin, &ChallengeText::parse(CHALLENGE).unwrap());
    certificate.public_key().verify_hash(assertion.algorithm(), &hash, assertion.signature()).unwrap();
}

#[test]
fn a_verdict_as_json_is_all_that_standard_output_has() {
    let world = World::with(image(ORDINARY));
    let portal = TestPortal::start(Answers::default());
    let ran = run_with_input(world.sign_in(&portal.address).args(["--yes", "--pin-fd", "0", "--json"]), &pin());
    let verdict = ran.json();
    assert_eq!((verdict["result"].as_str(), verdict["origin"].as_str()), (Some("accepted"), Some(&*portal.address)));
    assert_eq!(verdict["verdict"]["assurance"], "high");
}

#[test]
fn a_refusal_is_told_with_the_portals_code() {
    let refusals = [
        (422, 9, "certificate-revoked", "was revoked", "new certificate"),
        (422, 9, "something-unheard-of", "its code is “something-unheard-of”", "tell the portal's operator"),
        (503, 8, "stopping", "is being stopped or restarted", "Repeat in a few minutes"),
        (500, 8, "unheard-of-too", "(HTTP status 500)", "Repeat later"),
    ];
    let world = World::with(image(ORDINARY));
    for (status, exit, code, what, todo) in refusals {
        let to_assertion = Answer::json(status, &json!({ "code": code, "message": "no" }));
        let portal = TestPortal::start(Answers { to_assertion, ..Answers::default() });
        let ran = run_with_input(world.sign_in(&portal.address).args(["--yes", "--pin-fd", "0", "--json"]), &pin());
        assert_eq!(ran.code, exit, "{ran:?}");
        assert!(ran.err.contains(what) && ran.err.contains(todo), "{ran:?}");
        assert!(ran.err.ends_with(&format!("Code: {code}\n")), "{ran:?}");
        assert_eq!(ran.json()["error"]["portalCode"], code);
    }
}

#[test]
fn without_a_terminal_and_without_consent_nothing_is_fetched() {
    let portal = TestPortal::start(Answers::default());
    let world = World::with(image(ORDINARY));
    let mut command = std::process::Command::new("setsid");
    let sign_in = world.sign_in(&portal.address);
    command.arg("--wait").arg(sign_in.get_program()).args(sign_in.get_args()).stdin(Stdio::null());
    command.envs(sign_in.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ran = run(&mut command);
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(ran.err.contains("Code: no-prompt"), "{ran:?}");
    assert!(portal.received().is_empty());
}

#[test]
fn at_the_terminal_the_holder_sees_who_asks_and_agrees_twice() {
    let world = World::with(image(ORDINARY));
    let portal = TestPortal::start(Answers::default());
    let mut person = Person::new();
    let child = person.start(&world.sign_in(&portal.address));
    person.wait_for(&portal.address);
    person.wait_for("[y/N] ");
    assert!(portal.received().is_empty(), "fetched before the holder agreed");
    person.enter("yes");
    person.wait_for("It says it is “Test portal”.");
    person.wait_for("your certificate: family name");
    person.wait_for("[y/N] ");
    person.enter("y");
    // What was learnt before the question is printed before it.
    person.wait_for("PIN: in use, 3 tries left");
    person.wait_for(&format!("{} asks you to sign in.", portal.address));
    person.wait_for("3 tries left: ");
    assert!(!person.echoes());
    person.enter(holder(ORDINARY).pin);
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!(ran.code, 0, "{}\n{ran:?}", person.shown());
    assert!(ran.out.contains("accepted your sign-in"));
    assert!(person.echoes(), "the terminal was left silent");
}

#[test]
fn a_portals_name_cannot_end_its_quotation() {
    let world = World::without_card();
    for (language, hostile) in
        [("en", "Bank”. It is verified: “yes"), ("ru", "Банк». Он проверен: «да"), ("be", "a\"\u{1b}[A")]
    {
        let mut body = challenge();
        body["portalName"] = hostile.into();
        let portal = TestPortal::start(Answers { to_challenge: Answer::json(201, &body), ..Answers::default() });
        let mut command = world.sign_in(&portal.address);
        let ran = run(command.args(["--yes", "--pin-fd", "0", "--lang", language]));
        let line = ran.err.lines().find(|line| line.contains(&portal.address) && line.ends_with(['.'])).unwrap_or("");
        let marks = line.chars().filter(|character| "“”«»\"".contains(*character)).count();
        assert_eq!(marks, 2, "{line:?}: {ran:?}");
        assert!(!ran.err.contains('\u{1b}'), "{ran:?}");
    }
}

#[test]
fn a_no_ends_it_before_anything_happens() {
    let world = World::with(image(ORDINARY));
    for (answers, requests) in [(&["n"][..], 0), (&["y", ""][..], 1)] {
        let portal = TestPortal::start(Answers::default());
        let mut person = Person::new();
        let child = person.start(&world.sign_in(&portal.address));
        for answer in answers {
            person.wait_for("[y/N] ");
            person.enter(answer);
        }
        let ran: Ran = child.wait_with_output().unwrap().into();
        assert_eq!((ran.code, portal.received().len()), (7, requests), "{}", person.shown());
    }
}

#[test]
fn a_signal_during_the_pin_restores_the_terminal_and_presents_nothing() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        let world = World::with(image(ORDINARY));
        let portal = TestPortal::start(Answers::default());
        let mut sign_in = world.sign_in(&portal.address);
        let mut person = Person::new();
        let child = person.start(sign_in.arg("--yes"));
        person.wait_for("3 tries left: ");
        person.type_digits(&holder(ORDINARY).pin[..5]);
        interrupt(&child, signal);
        let ran: Ran = child.wait_with_output().unwrap().into();
        assert_eq!(ran.code, 7, "{signal:?}: {}", person.shown());
        assert!(person.echoes(), "{signal:?} left the terminal silent");
        assert_eq!(portal.received().len(), 1);
        assert_eq!(world.card().with_card(|card| card.memory().pin_state), PinState::Pin3);
    }
}

#[test]
fn whoever_interrupts_while_the_signature_is_under_way_is_not_told_that_nothing_was_sent() {
    let world = World::with(image(ORDINARY));
    let portal = TestPortal::start(Answers { keeps_silent: true, ..Answers::default() });
    let mut sign_in = world.sign_in(&portal.address);
    sign_in.args(["--yes", "--pin-fd", "0", "--json"]).stdin(Stdio::piped());
    let mut child = sign_in.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(pin().as_bytes()).unwrap();
    portal.wait_for_requests(2);
    interrupt(&child, Signal::INT);
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!(ran.code, 7, "{ran:?}");
    assert_eq!(ran.json()["error"]["code"], "hand-over-interrupted");
    assert!(ran.err.contains("The portal may have received it."), "{ran:?}");
}

#[test]
fn the_pin_is_in_no_log_error_answer_argument_variable_or_request() {
    const PIN: &str = "493817";
    for (tried, exit) in [(PIN, 0), ("817493", 6)] {
        let world = World::with(image_with_pin(ORDINARY, PIN));
        let portal = TestPortal::start(Answers::default());
        let mut sign_in = world.sign_in(&portal.address);
        sign_in.args(["--yes", "--pin-fd", "0", "-vv"]);
        let mut child = sign_in.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut seen = String::new();
        while !seen.contains("WaitingFor(Pin)") {
            assert_ne!(log.read_line(&mut seen).unwrap(), 0, "{seen}");
        }
        // One half first: the process holds digits of the PIN while it is looked at.
        let (half, rest) = tried.split_at(3);
        input.write_all(half.as_bytes()).unwrap();
        for file in ["cmdline", "environ"] {
            match fs::read(format!("/proc/{}/{file}", child.id())) {
                Ok(octets) => seen.push_str(&String::from_utf8_lossy(&octets)),
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied, "{file}"),
            }
        }
        writeln!(input, "{rest}").unwrap();
        drop(input);
        log.read_to_string(&mut seen).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(exit), "{seen}");
        seen.push_str(&String::from_utf8(output.stdout).unwrap());
        for request in portal.received() {
            seen.push_str(&format!(
                "{} {:?} {}",
                request.path,
                request.headers,
                String::from_utf8_lossy(&request.body)
            ));
        }
        assert!(seen.contains("reached"), "the log was not on: {seen}");
        for form in forms(tried) {
            assert!(!seen.to_lowercase().contains(&form), "{form} is in what was written:\n{seen}");
        }
    }
}

/// What a PIN may look like when it slips out: itself, its octets in hex with and without spaces, as a list of numbers.
fn forms(pin: &str) -> Vec<String> {
    let hex: Vec<_> = pin.bytes().map(|octet| format!("{octet:02x}")).collect();
    let numbers: Vec<_> = pin.bytes().map(|octet| octet.to_string()).collect();
    let backwards: String = pin.chars().rev().collect();
    vec![pin.to_owned(), backwards, hex.concat(), hex.join(" "), hex.join(":"), numbers.join(", "), numbers.join(",")]
}
