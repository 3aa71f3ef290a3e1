//! The binary `latchkey` beside a real pcscd of the test's own, with a virtual card in a virtual reader.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use latchkey_fixtures::card_image::{CardImage, Passwords};
use latchkey_fixtures::holders::{Holder, issue_card, sample_holders, sample_pki};
use latchkey_fixtures::pcscd::PrivatePcscd;
use latchkey_fixtures::random::Seeded;
use latchkey_fixtures::store::InProcess;
use latchkey_fixtures::vcard::VirtualCard;
use latchkey_fixtures::vpcd::InsertedCard;
use rustix::process::{Pid, Signal};
use serde_json::Value;
use time::macros::datetime;

use crate::test_portal::tls;

/// The program, in English, told of no service.
pub(crate) fn latchkey() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    for variable in ["LANG", "LC_ALL", "LC_MESSAGES", "LANGUAGE", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        command.env_remove(variable);
    }
    command.env("LANG", "en_GB.UTF-8").env("PCSCLITE_CSOCK_NAME", "/nonexistent/pcscd.comm");
    command.stdin(Stdio::null());
    command
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

pub(crate) fn run(command: &mut Command) -> Ran {
    command.output().unwrap().into()
}

/// Runs with these lines at standard input.
pub(crate) fn run_with_input(command: &mut Command, input: &str) -> Ran {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that ends without reading is no fault of the test.
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    child.wait_with_output().unwrap().into()
}

pub(crate) fn holder(id: &str) -> Holder {
    sample_holders().into_iter().find(|holder| holder.id == id).unwrap()
}

pub(crate) fn image(id: &str) -> CardImage {
    let now = datetime!(2026-11-22 12:00 UTC);
    issue_card(&sample_pki(now).unwrap(), &holder(id), now).unwrap()
}

/// The card of that holder, with another PIN.
pub(crate) fn image_with_pin(id: &str, pin: &str) -> CardImage {
    let person = holder(id);
    CardImage { passwords: Passwords::parse(pin, person.can, person.puk).unwrap(), ..image(id) }
}

/// A service with readers, and a card in the first one.
pub(crate) struct World {
    service: PrivatePcscd,
    card: Option<InsertedCard>,
    ca_file: tempfile::NamedTempFile,
}

impl World {
    /// Waits until the service has noticed the card.
    pub(crate) fn with(image: CardImage) -> Self {
        let mut world = Self::without_card();
        world.insert(image);
        world.wait_for_cards(1);
        world
    }

    pub(crate) fn without_card() -> Self {
        let mut ca_file = tempfile::NamedTempFile::new().unwrap();
        ca_file.write_all(&tls().authority).unwrap();
        Self { service: PrivatePcscd::start(2).unwrap(), card: None, ca_file }
    }

    /// Puts a card into the first reader.
    pub(crate) fn insert(&mut self, image: CardImage) {
        self.card = Some(insert(&self.service, 0, image));
    }

    /// Takes the card out of the first reader.
    pub(crate) fn remove(&mut self) {
        self.card = None;
    }

    /// The card in the first reader.
    pub(crate) fn card(&self) -> &InsertedCard {
        self.card.as_ref().unwrap()
    }

    /// Puts another card into the second reader.
    pub(crate) fn insert_second(&self, image: CardImage) -> InsertedCard {
        let card = insert(&self.service, 1, image);
        self.wait_for_cards(2);
        card
    }

    pub(crate) fn reader(&self, index: usize) -> String {
        self.service.readers()[index].name.to_string()
    }

    /// The authority that the test portal's certificate is from.
    pub(crate) fn ca_file(&self) -> &Path {
        self.ca_file.path()
    }

    pub(crate) fn latchkey(&self) -> Command {
        let mut command = latchkey();
        command.env("PCSCLITE_CSOCK_NAME", self.service.socket());
        command
    }

    pub(crate) fn sign_in(&self, address: &str) -> Command {
        let mut command = self.latchkey();
        command.args(["sign-in", address, "--ca-file"]).arg(self.ca_file.path());
        command
    }

    /// Watches readers until so many cards were reported, then interrupts the watching as a person would.
    fn wait_for_cards(&self, count: usize) {
        let mut watching =
            self.latchkey().args(["readers", "--watch", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(watching.stdout.take().unwrap()).lines();
        let events = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
        let inserted = events.filter(|event| event["event"] == "card-inserted").take(count).count();
        assert_eq!(inserted, count);
        interrupt(&watching, Signal::INT);
        assert!(watching.wait().unwrap().success());
    }
}

fn insert(service: &PrivatePcscd, reader: usize, image: CardImage) -> InsertedCard {
    let card =
        VirtualCard::new(image, Box::new(InProcess::default()), Box::new(Seeded::new("a card in a test"))).unwrap();
    InsertedCard::insert(card, ([127, 0, 0, 1], service.readers()[reader].port).into()).unwrap()
}

pub(crate) fn interrupt(child: &Child, signal: Signal) {
    rustix::process::kill_process(Pid::from_child(child), signal).unwrap();
}

/// A person at a terminal whom nothing keeps from reading and typing.
pub(crate) struct Person(latchkey_fixtures::person::Person);

impl Person {
    pub(crate) fn new() -> Self {
        Self(latchkey_fixtures::person::Person::new().unwrap())
    }

    pub(crate) fn start(&self, command: &Command) -> Child {
        self.0.start(command).unwrap()
    }

    pub(crate) fn wait_for(&mut self, text: &str) {
        self.0.wait_for(text).unwrap();
    }

    pub(crate) fn type_digits(&mut self, digits: &str) {
        self.0.type_digits(digits).unwrap();
    }

    pub(crate) fn enter(&mut self, line: &str) {
        self.0.enter(line).unwrap();
    }

    pub(crate) fn echoes(&self) -> bool {
        self.0.echoes().unwrap()
    }

    pub(crate) fn shown(&self) -> &str {
        self.0.shown()
    }
}

#[test]
fn a_result_that_nobody_can_take_is_told() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ran: Ran = latchkey().arg("openapi").stdout(full).stderr(Stdio::piped()).output().unwrap().into();
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.ends_with("Code: output-failed\n"), "{ran:?}");
}
