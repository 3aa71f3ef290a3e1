//! `latchkey serve` as a person at a terminal runs it, with a page that calls it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};

use latchkey_fixtures::card_image::CardImage;
use latchkey_fixtures::holders::{issue_card, sample_pki};
use latchkey_fixtures::pki::Status;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::binary::{Person, Ran, World, holder, image, interrupt, latchkey, run};
use crate::stapling::named;
use crate::status_host::{Mood, StatusHost};
use crate::test_portal::now;
use crate::wire::{CHALLENGE, PORTAL, REQUEST, Request, sign_in_body};

const ORDINARY: &str = "hanna-vydumanaya";

/// A person who serves pages, with the settings of this test.
struct Serving {
    world: World,
    person: Person,
    child: Child,
    port: u16,
    _settings: TempDir,
}

impl Serving {
    fn start(arguments: &[&str]) -> Self {
        Self::with(image(ORDINARY), "", arguments)
    }

    /// With that card, and with more in the administrator's settings.
    fn with(image: CardImage, more: &str, arguments: &[&str]) -> Self {
        let world = World::with(image);
        let (settings, port) = settings();
        std::fs::write(settings.path().join("managed.toml"), format!("port = {port}\n{more}")).unwrap();
        let mut command = world.latchkey();
        command.args(["serve", "--managed"]).arg(settings.path().join("managed.toml")).args(arguments);
        command.env("XDG_CONFIG_HOME", settings.path());
        let mut person = Person::new();
        let child = person.start(&command);
        person.wait_for(&format!("Pages can reach the program at http://127.0.0.1:{port}"));
        Self { world, person, child, port, _settings: settings }
    }

    /// A page asks its holder to sign in.
    fn sign_in(&self, id: &str) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let body = sign_in_body(id);
        let request = Request::post("/latchkey/v1/sign-in", &body).and("Connection", "close");
        stream.write_all(request.text(self.port).as_bytes()).unwrap();
        stream
    }

    /// The person interrupts, as the terminal does it.
    fn end(mut self) -> (Ran, String) {
        interrupt(&self.child, Signal::INT);
        self.person.wait_for("Pages cannot reach the program any more.");
        let ran = self.child.wait_with_output().unwrap().into();
        assert!(self.person.echoes());
        (ran, self.person.shown().to_owned())
    }
}

/// Settings of an administrator with a port that was free just now.
fn settings() -> (TempDir, u16) {
    let folder = TempDir::new().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    std::fs::write(folder.path().join("managed.toml"), format!("port = {port}\n")).unwrap();
    (folder, port)
}

fn answer(mut page: TcpStream) -> String {
    let mut text = String::new();
    page.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_page_is_answered_after_the_person_agreed_and_entered_the_pin() {
    let mut serving = Serving::start(&[]);
    let page = serving.sign_in(REQUEST);
    serving.person.wait_for(&format!("{PORTAL} asks you to sign in. It says it is “A portal”."));
    serving.person.wait_for("your certificate: family name");
    serving.person.wait_for("[y/N] ");
    serving.person.enter("yes");
    serving.person.wait_for(&format!("{PORTAL} asks you to sign in."));
    serving.person.wait_for("3 tries left: ");
    // A slip is forgiven.
    serving.person.enter("000000");
    serving.person.wait_for("Code: pin-wrong");
    serving.person.wait_for("2 tries left: ");
    serving.person.enter(holder(ORDINARY).pin);
    let answered = answer(page);
    assert!(answered.starts_with("HTTP/1.1 200 OK") && answered.contains("bign-with-hbelt"), "{answered}");
    serving.person.wait_for(&format!("{PORTAL} received your signature."));
    let (ran, shown) = serving.end();
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{shown}");
}

#[test]
fn a_page_gets_the_status_services_answer_too() {
    let pki = sample_pki(now()).unwrap();
    let card = issue_card(&pki, &holder(ORDINARY), now()).unwrap();
    let folder = TempDir::new().unwrap();
    let host = StatusHost::start(sample_pki(now()).unwrap(), now, Mood::Says(Status::Good));
    let mut serving = Serving::with(card, &named(folder.path(), &host.address, &[&pki]), &[]);
    let page = serving.sign_in(REQUEST);
    serving.person.wait_for("[y/N] ");
    serving.person.enter("yes");
    serving.person.wait_for("3 tries left: ");
    serving.person.enter(holder(ORDINARY).pin);
    let answered = answer(page);
    assert!(answered.starts_with("HTTP/1.1 200 OK") && answered.contains("\"statusAnswer\":\""), "{answered}");
    assert_eq!(host.asked().len(), 1);
    serving.end();
}

#[test]
fn whoever_refuses_is_not_asked_again_and_a_closed_page_is_forgotten() {
    let mut serving = Serving::start(&["--json"]);
    let closed = serving.sign_in(REQUEST);
    serving.person.wait_for("[y/N] ");
    drop(closed);
    serving.person.wait_for(&format!("The request of {PORTAL} is closed."));
    let put_off = serving.sign_in(&REQUEST.replace("7f0c", "2222"));
    serving.person.wait_for("[y/N] ");
    serving.person.enter("");
    assert!(answer(put_off).contains("\"code\":\"request-ended\""));
    let refused = serving.sign_in(&REQUEST.replace("7f0c", "0000"));
    serving.person.wait_for("[y/N] ");
    serving.person.enter("n");
    assert!(answer(refused).contains("\"code\":\"holder-refused\""));
    let again = answer(serving.sign_in(&REQUEST.replace("7f0c", "1111")));
    assert!(again.contains("\"code\":\"refused-today\""), "{again}");
    let (ran, shown) = serving.end();
    assert_eq!(ran.code, 0, "{shown}");
    let events: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events[0]["event"], "listening");
    assert_eq!((&events[1]["phase"], &events[1]["origin"]), (&"ask-hand-over".into(), &PORTAL.into()));
    assert_eq!(events.iter().filter(|event| event["event"] == "gone").count(), 3, "{events:?}");
}

#[test]
fn an_interruption_at_the_pin_ends_the_request_and_leaves_the_card_as_it_was() {
    use latchkey_fixtures::vcard::automaton::PinState;
    let mut serving = Serving::start(&[]);
    let page = serving.sign_in(REQUEST);
    serving.person.wait_for("[y/N] ");
    serving.person.enter("y");
    serving.person.wait_for("3 tries left: ");
    serving.person.type_digits(&holder(ORDINARY).pin[..5]);
    interrupt(&serving.child, Signal::TERM);
    let ran: Ran = serving.child.wait_with_output().unwrap().into();
    assert_eq!(ran.code, 0, "{}", serving.person.shown());
    assert!(serving.person.echoes());
    let answered = answer(page);
    assert!(answered.is_empty() || answered.contains("program-stopping"), "{answered}");
    assert_eq!(serving.world.card().with_card(|card| card.memory().pin_state), PinState::Pin3);
}

#[test]
fn the_log_names_no_site_no_challenge_no_person_and_no_secret() {
    let mut serving = Serving::start(&["-v", "-v"]);
    let page = serving.sign_in(REQUEST);
    serving.person.wait_for("[y/N] ");
    serving.person.enter("y");
    serving.person.wait_for("3 tries left: ");
    serving.person.enter(holder(ORDINARY).pin);
    let answered = answer(page);
    serving.person.wait_for("received your signature");
    let (_, shown) = serving.end();
    let logged: Vec<_> = shown.lines().filter(|line| line.contains(" latchkey_")).collect();
    assert!(logged.len() > 10, "{shown}");
    let certificate = answered.split("unverifiedCertificate\":\"").nth(1).unwrap().get(..40).unwrap();
    for line in logged {
        for secret in [holder(ORDINARY).pin, CHALLENGE, "A portal", "portal.example", REQUEST, certificate, "VYDUM"] {
            assert!(!line.contains(secret), "{secret:?} is logged: {line}");
        }
    }
}

#[test]
fn a_taken_port_is_told_with_its_owner() {
    let (settings, port) = settings();
    let _owner = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let mut command = latchkey();
    command.args(["serve", "--managed"]).arg(settings.path().join("managed.toml"));
    let mut person = Person::new();
    let child = person.start(&command);
    person.wait_for(&format!("(process {}) listens at port {port} of this computer", std::process::id()));
    person.wait_for("Code: port-taken");
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(1), "{}", person.shown());
}

#[test]
fn without_a_terminal_there_is_nobody_to_be_asked() {
    let (settings, _) = settings();
    let mut command = std::process::Command::new("setsid");
    let serve = latchkey();
    command
        .arg("--wait")
        .arg(serve.get_program())
        .args(["serve", "--managed"])
        .arg(settings.path().join("managed.toml"));
    command.envs(serve.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(Stdio::null());
    let ran = run(&mut command);
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(ran.err.ends_with("Code: no-prompt\n"), "{ran:?}");
}

#[test]
fn the_description_of_the_service_is_printed() {
    let ran = run(latchkey().arg("openapi"));
    assert_eq!(ran.json()["info"]["title"], "Latchkey client program");
}

/// What a terminal can learn and do is listed; the signature is left out by its number.
#[test]
fn a_terminals_wishes_are_shown_and_one_is_left_out_at_the_terminal() {
    let mut serving = Serving::start(&[]);
    let mut page = TcpStream::connect(("127.0.0.1", serving.port)).unwrap();
    let prefetch = Request::post("/api/v1/terminal_proxy_bauth_app_prefetch", r#"{"stb":false}"#);
    page.write_all(prefetch.and("Connection", "close").text(serving.port).as_bytes()).unwrap();
    serving.person.wait_for("Agree? [y/N, or the numbers that you leave out]");
    let shown = serving.person.shown().to_owned();
    for words in [
        "https://portal.example asks to let its terminal read from your card.",
        "Nobody vouches for what this site says about itself.",
        "your family name",
        "the picture of your face",
        "Which of this your card holds will be shown before you enter the PIN.",
        "You may leave these out:",
        "it may have one thing signed by your card",
    ] {
        assert!(shown.contains(words), "{words}\n{shown}");
    }
    serving.person.enter("1");
    serving.person.wait_for("PIN (6 digits), 3 tries left:");
    let asked = serving.person.shown().get(shown.len()..).unwrap_or_default().to_owned();
    assert!(asked.contains("your family name"), "{asked}");
    assert!(!asked.contains("signed by your card") && !asked.contains("picture of your face"), "{asked}");
    serving.end();
}
