//! Sign-ins through everything: virtual card, real pcscd, command line client, HTTPS, portal, its database.

use std::process::{Command, Output};

use latchkey_fixtures::holders::Holder;
use latchkey_tests::faults::look_up;
use latchkey_tests::process::program;
use latchkey_tests::stage::{Cards, Portal, SampleSet, give_secrets, holder};

use crate::recording::commands_in;

/// A stage with a portal.
struct Stage {
    set: SampleSet,
    cards: Cards,
    portal: Portal,
}

impl Stage {
    fn set(readers: usize) -> Self {
        let set = SampleSet::write().unwrap();
        let cards = Cards::start(&set, readers).unwrap();
        let portal = Portal::start(&set).unwrap();
        Self { set, cards, portal }
    }

    /// Inserts a card, signs in with it, and takes it out again.
    fn sign_in_with(&mut self, card: &str, secrets: &[&str], arguments: &[&str]) -> Output {
        self.cards.insert(card, 1).unwrap();
        let output = self.sign_in(secrets, arguments).output().unwrap();
        self.cards.remove(1).unwrap();
        output
    }

    /// The client about to sign in, agreeing to everything, with secrets from a pipe.
    fn sign_in(&self, secrets: &[&str], arguments: &[&str]) -> Command {
        let mut client = self.cards.client().unwrap();
        client.args(["--lang", "en", "sign-in", &self.portal.address(), "--yes", "--json"]).args(arguments);
        client.arg("--ca-file").arg(self.set.tls_authority());
        give_secrets(&mut client, secrets).unwrap();
        client
    }
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// Both outputs, for a failed assertion.
fn said(output: &Output) -> String {
    format!("{}\n{}\n{}", output.status, text(&output.stdout), text(&output.stderr))
}

/// As many commands to the card and requests to the portal as a sign-in has, and none more.
#[test]
fn a_sign_in_takes_exactly_so_many_commands_and_requests() {
    let mut stage = Stage::set(1);
    let recording = stage.set.path().join("sign-in.txt");
    let citizen = holder("hanna-vydumanaya").unwrap();
    let output = stage.sign_in_with(citizen.id, &[citizen.pin], &["--record", recording.to_str().unwrap()]);
    assert!(output.status.success(), "{}", said(&output));
    let recording = std::fs::read_to_string(recording).unwrap();
    assert_eq!(commands_in(&recording), 16, "{recording}");
    let metrics = look_up(&stage.set.tls_authority(), stage.portal.port(), "/metrics").unwrap();
    let requests = metrics.lines().filter(|line| line.starts_with("latchkey_portal_http_requests_total{"));
    let counted: Vec<_> = requests.collect();
    let sum: u32 = counted.iter().map(|line| line.rsplit(' ').next().unwrap().parse::<u32>().unwrap()).sum();
    assert_eq!(sum, 2, "{counted:#?}");
}

#[test]
fn the_demo_signs_in_twice_in_a_row() {
    for _ in 0..2 {
        let output = Command::new(program("latchkey-demo").unwrap()).arg("--yes").output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        assert!(text(&output.stdout).contains("The portal knows who signed in."), "{}", said(&output));
    }
}

/// A back end of the kind that is deployed, and cards of both models: data read and something signed.
#[test]
fn the_demo_has_a_terminal_read_and_sign_with_cards_of_both_models() {
    for profile in ["stb", "kta"] {
        let mut demo = Command::new(program("latchkey-demo").unwrap());
        let output = demo.args(["--terminal", "--yes", "--profile", profile]).output().unwrap();
        assert!(output.status.success(), "{profile}: {}", said(&output));
        let shown = text(&output.stdout);
        for expected in ["a CMS message of", "LA:_Family_name: "] {
            assert!(shown.contains(expected), "{profile}: {expected}\n{}", said(&output));
        }
    }
}

#[test]
fn the_demo_lets_the_holder_in_at_another_site() {
    for (more, of_portal) in [(None, "localhost"), (Some("--cluster"), "One of the nodes dies")] {
        let mut demo = Command::new(program("latchkey-demo").unwrap());
        let output = demo.args(["--ticket", "--yes"]).args(more).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        let shown = text(&output.stdout);
        let person = "PNOBY-4010190A000PB0, urn:latchkey:acr:high";
        for expected in [of_portal, person, "the site can ask nothing more", "The site knows who came"] {
            assert!(shown.contains(expected), "{expected}\n{}", said(&output));
        }
    }
}

#[test]
fn the_demo_tells_which_arguments_do_not_go_together() {
    for arguments in [
        &["--profile", "kta"][..],
        &["--terminal", "--profile", "unheard-of"],
        &["--ticket", "--terminal"],
        &["--cluster"],
        &["--terminal", "--profile", "kta", "--holder", "hanna-vydumanaya"],
        &["--terminal", "--holder", "kiryl-raspausiudzany"],
    ] {
        let output = Command::new(program("latchkey-demo").unwrap()).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
    }
}

#[test]
fn the_demo_fails_when_the_portal_refuses() {
    let mut demo = Command::new(program("latchkey-demo").unwrap());
    let output = demo.args(["--yes", "--holder", "piotr-adklikany"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("certificate-revoked"), "{}", said(&output));
}

#[test]
fn every_sample_holder_is_let_in_or_refused_for_the_right_reason() {
    let mut stage = Stage::set(1);
    let accepted = r#""result":"accepted""#;
    for (id, exit_code, expected) in [
        ("hanna-vydumanaya", 0, accepted),
        ("yan-bezbatskovich", 0, accepted),
        ("stanislava-neviadomaya", 0, accepted),
        ("vielmi-douhaya", 0, accepted),
        ("maria-utapiyskaya", 0, accepted),
        ("alex-nichyj", 0, accepted),
        ("volha-pamylkovaya", 0, accepted),
        ("uladzislau-praterminavany", 9, "certificate-expired"),
        ("piotr-adklikany", 9, "certificate-revoked"),
        ("kastus-zablakavany", 6, "pin-blocked"),
        ("ihar-adkliuchany", 6, "pin-deactivated"),
    ] {
        let output = stage.sign_in_with(id, &[holder(id).unwrap().pin], &[]);
        assert_eq!(output.status.code(), Some(exit_code), "{id}: {}", said(&output));
        assert!(said(&output).contains(expected), "{id}: {}", said(&output));
    }
}

#[test]
fn the_last_try_needs_the_can_and_an_explicit_yes() {
    let mut stage = Stage::set(1);
    let id = "alena-prypynenaya";
    let Holder { pin, can, .. } = holder(id).unwrap();
    let output = stage.sign_in_with(id, &[can, pin], &[]);
    assert_eq!(output.status.code(), Some(6), "{}", said(&output));
    assert!(said(&output).contains("last-try-not-allowed"), "{}", said(&output));
    let output = stage.sign_in_with(id, &[can, pin], &["--allow-last-try"]);
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn a_wrong_pin_costs_one_try_which_the_card_remembers() {
    let mut stage = Stage::set(1);
    let id = "hanna-vydumanaya";
    let output = stage.sign_in_with(id, &["999999"], &[]);
    assert_eq!(output.status.code(), Some(6), "{}", said(&output));
    assert!(said(&output).contains("pin-wrong"), "{}", said(&output));
    stage.cards.insert(id, 1).unwrap();
    let status = stage.cards.client().unwrap().args(["pin", "status", "--json"]).output().unwrap();
    assert!(text(&status.stdout).contains(r#""triesLeft":2"#), "{}", said(&status));
}

#[test]
fn among_two_cards_the_holder_chooses_by_reader() {
    let mut stage = Stage::set(2);
    let Holder { pin, .. } = holder("hanna-vydumanaya").unwrap();
    stage.cards.insert("volha-pamylkovaya", 1).unwrap();
    stage.cards.insert("hanna-vydumanaya", 2).unwrap();
    let output = stage.sign_in(&[pin], &[]).output().unwrap();
    assert!(said(&output).contains("several-cards"), "{}", said(&output));
    let reader = stage.cards.reader_name(2).unwrap();
    let output = stage.sign_in(&[pin], &["--reader", &reader]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn a_dead_card_service_is_named() {
    let mut stage = Stage::set(1);
    stage.cards.service().kill().unwrap();
    let output = stage.sign_in(&["000000"], &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("no-service"), "{}", said(&output));
}

#[test]
fn no_digit_of_a_secret_reaches_a_log_an_answer_or_the_database() {
    let mut stage = Stage::set(1);
    let id = "alena-prypynenaya";
    let Holder { pin, can, puk, .. } = holder(id).unwrap();
    let output = stage.sign_in_with(id, &[can, pin], &["--allow-last-try", "-v", "-v"]);
    assert!(output.status.success(), "{}", said(&output));
    let mut places = vec![
        ("the client's outputs".to_owned(), said(&output).into_bytes()),
        ("the card service's log".to_owned(), stage.cards.logs().into_bytes()),
        ("the portal's log".to_owned(), stage.portal.log().into_bytes()),
    ];
    for entry in std::fs::read_dir(stage.set.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("portal-")) {
            places.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    for (place, octets) in &places {
        for (name, secret) in [("PIN", pin), ("CAN", can), ("PUK", puk)] {
            let found = octets.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "the {name} is in {place}");
        }
    }
    let sealed = places.iter().any(|(place, octets)| place.ends_with(".sqlite") && !octets.is_empty());
    assert!(sealed, "the database was not looked at: {:?}", places.iter().map(|(place, _)| place).collect::<Vec<_>>());
}
