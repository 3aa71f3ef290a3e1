//! Signing in by link: which links are read, what the client takes from the portal, where the sign-in ends.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::{Arc, Mutex};

use latchkey_client::desk::{ArrivedBy, Phase, RequestFailure};
use latchkey_client::portal::{Access, CompletionAddress, ExtraTrust, PortalFailure};
use latchkey_client::sign_in::browser::Opener;
use latchkey_client::sign_in::link::{FollowedLink, Link, LinkFailure, LinkHandOverQuestion};
use latchkey_client::texts::Language;
use latchkey_crypto::assertion::{Assertion, AssertionAlgorithm, ChallengeText, Origin, signed_hash};
use latchkey_crypto::hash::HashAlgorithm;
use latchkey_crypto::x509::Certificate;
use latchkey_fixtures::pki::Status;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::binary::{Person, Ran, World, holder, image, latchkey, run, run_with_input};
use crate::desk::Scene;
use crate::holder::Reply;
use crate::stapling::Stage;
use crate::status_host::Mood;
use crate::test_portal::{Answer, Answers, CHALLENGE, TestPortal, linked_challenge, tls};

const REQUEST: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGx-_Hh8";
const PLAIN: &str =
    "latchkey:sign-in?portal=https%3A%2F%2Fportal.example&request=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGx-_Hh8";

#[test]
fn a_link_names_its_portal() {
    for (link, origin) in [
        (PLAIN.to_owned(), "https://portal.example"),
        (PLAIN.replace("portal.example", "portal.example%3A8443"), "https://portal.example:8443"),
        (PLAIN.replace("portal.example", "%5B%3A%3A1%5D%3A8443"), "https://[::1]:8443"),
    ] {
        let read = Link::parse(&link).unwrap();
        assert_eq!((read.origin().as_str(), read.to_string()), (origin, link));
    }
    let link = Link::parse(PLAIN).unwrap();
    assert!(!format!("{link:?}").contains(REQUEST), "{link:?}");
}

#[test]
fn what_is_no_link_is_refused() {
    let rows = [
        ("nothing", String::new()),
        ("an address", "https://portal.example/".to_owned()),
        ("another scheme", PLAIN.replace("latchkey:", "latchkeys:")),
        ("capital letters in the scheme", PLAIN.replace("latchkey:", "Latchkey:")),
        ("slashes after the scheme", PLAIN.replace("latchkey:", "latchkey://")),
        ("another task", PLAIN.replace("sign-in", "sign")),
        ("a space before it", format!(" {PLAIN}")),
        ("a line behind it", format!("{PLAIN}\n")),
        ("an option in place of a link", "--managed=/tmp/x".to_owned()),
        ("another field", format!("{PLAIN}&pin=1")),
        (
            "the fields in another order",
            format!("latchkey:sign-in?request={REQUEST}&portal=https%3A%2F%2Fportal.example"),
        ),
        ("two portals", PLAIN.replace("&request", "&portal=https%3A%2F%2Fevil.example&request")),
        ("a fragment", format!("{PLAIN}#x")),
        ("no encryption", PLAIN.replace("https%3A", "http%3A")),
        ("a portal with a path", PLAIN.replace("portal.example&", "portal.example%2Fx&")),
        ("a portal with a slash", PLAIN.replace("portal.example&", "portal.example%2F&")),
        ("a person at the portal", PLAIN.replace("portal.example", "portal.example%40evil.example")),
        ("a host in other letters", PLAIN.replace("portal", "p%D0%BErtal")),
        ("the usual port written out", PLAIN.replace("portal.example", "portal.example%3A443")),
        ("capital letters in the host", PLAIN.replace("portal.example", "Portal.example")),
        ("escapes in small letters", PLAIN.replace("%3A%2F%2F", "%3a%2f%2f")),
        ("a colon that is not escaped", PLAIN.replace("%3A", ":")),
        ("a letter that is escaped", PLAIN.replace("portal.", "p%6Frtal.")),
        ("an escape that breaks off", "latchkey:sign-in?portal=https%3A%2F%2Fa%2&request=".to_owned() + REQUEST),
        ("a short request", PLAIN[..PLAIN.len() - 1].to_owned()),
        ("a long request", format!("{PLAIN}A")),
        ("a request in other letters", PLAIN.replace("Gx-_", "Gx+/")),
        ("no end", format!("latchkey:sign-in?portal={}&request={REQUEST}", "a".repeat(100_000))),
    ];
    for (name, link) in rows {
        assert_eq!(Link::parse(&link), Err(LinkFailure::Malformed), "{name}: {link}");
    }
    for end in 0..PLAIN.len() {
        assert!(Link::parse(&PLAIN[..end]).is_err(), "cut at {end}");
    }
}

proptest! {
    /// One spelling of each link: what is read is what was written.
    #[test]
    fn an_altered_link_is_refused_or_read_as_it_is_written(
        at in 0..PLAIN.len(), octet in any::<u8>(), how in 0..3_u8,
    ) {
        let mut altered = PLAIN.as_bytes().to_vec();
        match how {
            0 => altered[at] = octet,
            1 => altered.insert(at, octet),
            _ => _ = altered.remove(at),
        }
        let altered = String::from_utf8_lossy(&altered).into_owned();
        if let Ok(link) = Link::parse(&altered) {
            prop_assert_eq!(link.to_string(), altered);
        }
    }

    #[test]
    fn any_text_is_read_as_written_or_refused(text in any::<String>()) {
        if let Ok(link) = Link::parse(&text) {
            prop_assert_eq!(link.to_string(), text);
        }
    }
}

fn trust() -> ExtraTrust {
    ExtraTrust::from_pem(&tls().authority).unwrap()
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn link_to(portal: &TestPortal) -> String {
    let origin = portal.address.replace(':', "%3A").replace('/', "%2F");
    format!("latchkey:sign-in?portal={origin}&request={REQUEST}")
}

fn fetch(portal: &TestPortal) -> Result<LinkHandOverQuestion, PortalFailure> {
    wait(Link::parse(&link_to(portal)).unwrap().agreed().fetch(trust(), Language::Belarusian))
}

fn assertion() -> Assertion {
    let algorithm = AssertionAlgorithm::Bign(HashAlgorithm::BeltHash);
    Assertion::new(vec![0x30, 0x00], algorithm, vec![7; 48], "latchkey:test".into()).unwrap()
}

#[test]
fn nothing_is_sent_before_the_holder_agrees_to_the_links_host() {
    let portal = TestPortal::start(Answers::default());
    let link = Link::parse(&link_to(&portal)).unwrap();
    assert_eq!(link.origin().as_str(), portal.address);
    assert!(portal.received().is_empty());
    let question = wait(link.agreed().fetch(trust(), Language::Belarusian)).unwrap();
    assert_eq!((question.portal_name(), question.short_code()), ("Test portal", "0042"));
    let received = portal.received();
    assert_eq!(received.len(), 1);
    let path = format!("/api/v1/links/{REQUEST}");
    assert_eq!((received[0].path.as_str(), &received[0].body[..]), (path.as_str(), &b"{}"[..]));
    assert_eq!(received[0].headers["accept-language"], "be");
}

#[test]
fn the_assertion_for_a_link_gives_an_address_of_the_portal() {
    let portal = TestPortal::start(Answers::default());
    let address = wait(fetch(&portal).unwrap().agreed().present(&assertion())).unwrap();
    assert_eq!(address.as_str(), format!("{}/complete/AbCdEfGh_-", portal.address));
    assert_eq!(format!("{address:?}"), "CompletionAddress(hidden)");
    let received = portal.received();
    assert_eq!(received[1].path, "/api/v1/links/token/assertion");
    assert_eq!(Assertion::parse(&received[1].body).unwrap(), assertion());
}

#[test]
fn what_a_portal_says_of_a_link_is_checked() {
    let with = |field: &str, value: Value| {
        let mut body = linked_challenge();
        body[field] = value;
        Answer::json(200, &body)
    };
    let rows = [
        ("a code of letters", with("shortCode", json!("abcd"))),
        ("a long code", with("shortCode", json!("00423"))),
        ("a code in other digits", with("shortCode", json!("٤٢١٧"))),
        ("no code", with("shortCode", json!(null))),
        ("another format", with("format", json!("latchkey-link:1"))),
        ("another purpose", with("purpose", json!("sign-document"))),
        ("a path to another host", with("assertionPath", json!("//evil.example/api"))),
    ];
    for (name, to_link) in rows {
        let portal = TestPortal::start(Answers { to_link, ..Answers::default() });
        assert_eq!(fetch(&portal).unwrap_err().code(), "portal-answer-malformed", "{name}");
    }
    let to_link = Answer::json(409, &json!({ "code": "link-replayed", "message": "no" }));
    let portal = TestPortal::start(Answers { to_link, ..Answers::default() });
    assert_eq!(fetch(&portal).unwrap_err(), PortalFailure::Refused { code: "link-replayed".into() });
    let to_link = Answer::json(307, &json!({})).with_header("location", "https://evil.example/");
    let portal = TestPortal::start(Answers { to_link, ..Answers::default() });
    assert_eq!(fetch(&portal).unwrap_err(), PortalFailure::Redirects);
}

#[test]
fn no_address_is_opened_but_one_of_the_portal() {
    for address in [
        "https://evil.example/complete/AbC",
        "http://localhost/complete/AbC",
        "ORIGIN",
        "ORIGIN@evil.example/",
        "ORIGIN.evil.example/",
        "ORIGIN0/complete/AbC",
        "ORIGIN//evil.example/",
        "ORIGIN/\\evil.example",
        "ORIGIN/complete/AbC?next=//evil.example",
        "ORIGIN/complete/%2e%2e/",
        "ORIGIN/complete/AbC#x",
        "ORIGIN/complete/a b",
        "ORIGIN/complete/а",
        "/complete/AbC",
        "javascript:alert(1)",
        "--help",
        "",
    ] {
        let to_link_assertion = Answer::json(200, &json!({ "result": "signed", "completionAddress": address }));
        let portal = TestPortal::start(Answers { to_link_assertion, ..Answers::default() });
        let refused = wait(fetch(&portal).unwrap().agreed().present(&assertion())).unwrap_err();
        assert_eq!(refused.code(), "portal-answer-malformed", "{address}");
    }
    let to_link_assertion = Answer::json(200, &json!({ "result": "accepted", "completionAddress": "ORIGIN/x" }));
    let portal = TestPortal::start(Answers { to_link_assertion, ..Answers::default() });
    let refused = wait(fetch(&portal).unwrap().agreed().present(&assertion())).unwrap_err();
    assert_eq!(refused.code(), "portal-answer-malformed");
}

/// A browser that keeps what it was told to open.
#[derive(Default)]
struct KeptAddresses {
    addresses: Mutex<Vec<String>>,
    is_missing: bool,
}

impl Opener for KeptAddresses {
    fn open(&self, address: &CompletionAddress) -> Result<(), LinkFailure> {
        if self.is_missing {
            let reason = "there is no browser".to_owned();
            return Err(LinkFailure::BrowserNotOpened { reason, address: address.clone() });
        }
        self.addresses.lock().unwrap().push(address.as_str().to_owned());
        Ok(())
    }
}

fn followed(portal: &TestPortal, browser: &Arc<KeptAddresses>) -> Box<FollowedLink> {
    let link = Link::parse(&link_to(portal)).unwrap();
    let access = Access::from(trust());
    Box::new(FollowedLink::new(link, access, Language::English, Arc::clone(browser) as Arc<dyn Opener>))
}

#[test]
fn at_the_desk_a_link_asks_twice_signs_and_ends_in_the_browser() {
    let portal = TestPortal::start(Answers::default());
    let browser = Arc::new(KeptAddresses::default());
    wait(async {
        let mut scene = Scene::new();
        scene.holder.replies([Reply::pin()]);
        scene.desk.follow(followed(&portal, &browser)).unwrap();
        let asked = scene.first(|request| request.phase == Phase::AskHost).await;
        assert_eq!((asked.origin.as_str(), asked.arrived_by), (portal.address.as_str(), ArrivedBy::Link));
        assert!(portal.received().is_empty(), "the portal was asked before the holder agreed");
        scene.desk.agree(asked.id);
        let asked = scene.first(|request| request.phase == Phase::AskHandOver).await;
        assert_eq!((asked.says_it_is.as_deref(), asked.short_code.as_deref()), (Some("Test portal"), Some("0042")));
        assert!(scene.holder.readers.events().is_empty(), "the card was touched before the holder agreed");
        scene.desk.agree(asked.id);
        scene.first(|request| request.phase == Phase::Done).await;
    });
    let opened = browser.addresses.lock().unwrap().clone();
    assert_eq!(opened, [format!("{}/complete/AbCdEfGh_-", portal.address)]);
    let presented = Assertion::parse(&portal.received()[1].body).unwrap();
    let certificate = Certificate::from_der(presented.unverified_certificate()).unwrap();
    let origin = Origin::parse(&portal.address).unwrap();
    let hash = signed_hash(presented.algorithm(), &origin, &ChallengeText::parse(CHALLENGE).unwrap());
    certificate.public_key().verify_hash(presented.algorithm(), &hash, presented.signature()).unwrap();
}

#[test]
fn at_the_desk_a_link_brings_along_what_the_status_service_says() {
    for (mood, is_stapled) in [(Mood::Says(Status::Good), true), (Mood::Fails, false)] {
        let portal = TestPortal::start(Answers::default());
        let browser = Arc::new(KeptAddresses::default());
        let service = Stage::set(mood);
        wait(async {
            let mut scene = Scene::with_stapler(Some(service.stapler()));
            scene.holder.replies([Reply::pin()]);
            scene.desk.follow(followed(&portal, &browser)).unwrap();
            for phase in [Phase::AskHost, Phase::AskHandOver] {
                let asked = scene.first(|request| request.phase == phase).await;
                assert!(service.host.asked().is_empty(), "the service was asked before the holder agreed");
                scene.desk.agree(asked.id);
            }
            scene.first(|request| request.phase == Phase::Done).await;
        });
        let presented = Assertion::parse(&portal.received()[1].body).unwrap();
        assert_eq!(presented.status_answer().is_some(), is_stapled);
        assert_eq!((service.host.asked().len(), browser.addresses.lock().unwrap().len()), (1, 1));
    }
}

#[test]
fn at_the_desk_a_missing_browser_is_told_with_the_address() {
    let portal = TestPortal::start(Answers::default());
    let browser = Arc::new(KeptAddresses { is_missing: true, ..KeptAddresses::default() });
    wait(async {
        let mut scene = Scene::new();
        scene.holder.replies([Reply::pin()]);
        scene.desk.follow(followed(&portal, &browser)).unwrap();
        for phase in [Phase::AskHost, Phase::AskHandOver] {
            let asked = scene.first(|request| request.phase == phase).await;
            scene.desk.agree(asked.id);
        }
        let failed = scene.first(|request| matches!(request.phase, Phase::Failed { .. })).await;
        let Phase::Failed { failure: RequestFailure::Link(LinkFailure::BrowserNotOpened { address, .. }) } =
            failed.phase
        else {
            panic!("{failed:?}")
        };
        assert!(address.as_str().starts_with(&portal.address));
    });
}

/// `latchkey open` with a program `xdg-open` of the test's own, which keeps the address or fails.
fn open(world: &World, portal: &TestPortal, folder: &std::path::Path, script: &str) -> Command {
    let program = folder.join("xdg-open");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = world.latchkey();
    command.args(["open", &link_to(portal), "--ca-file"]).arg(world.ca_file());
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    command.env("PATH", path).env("KEPT", folder.join("address"));
    command
}

const KEEP: &str = r#"printf '%s' "$*" > "$KEPT""#;
const ORDINARY: &str = "hanna-vydumanaya";

fn pin() -> String {
    format!("{}\n", holder(ORDINARY).pin)
}

#[test]
fn on_the_command_line_a_link_ends_in_the_system_browser() {
    let world = World::with(image(ORDINARY));
    let portal = TestPortal::start(Answers::default());
    let folder = tempfile::tempdir().unwrap();
    let ran = run_with_input(open(&world, &portal, folder.path(), KEEP).args(["--yes", "--pin-fd", "0"]), &pin());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("The sign-in ends in the browser in which you began it"), "{ran:?}");
    assert!(ran.err.contains("shows the code 0042"), "{ran:?}");
    let opened = fs::read_to_string(folder.path().join("address")).unwrap();
    assert_eq!(opened, format!("{}/complete/AbCdEfGh_-", portal.address), "one argument and nothing else");
    assert!(!ran.out.contains("/complete/") && !ran.err.contains("/complete/"), "{ran:?}");
}

#[test]
fn on_the_command_line_a_browser_that_fails_is_told_with_the_address() {
    let world = World::with(image(ORDINARY));
    let portal = TestPortal::start(Answers::default());
    let folder = tempfile::tempdir().unwrap();
    let ran = run_with_input(open(&world, &portal, folder.path(), "exit 4").args(["--yes", "--pin-fd", "0"]), &pin());
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("Code: browser-not-opened"), "{ran:?}");
    assert!(ran.err.contains(&format!("{}/complete/AbCdEfGh_-", portal.address)), "{ran:?}");
}

#[test]
fn at_the_terminal_a_no_to_a_link_ends_it_before_anything_happens() {
    let world = World::with(image(ORDINARY));
    for (answers, requests) in [(&["n"][..], 0), (&["y", "n"][..], 1)] {
        let portal = TestPortal::start(Answers::default());
        let folder = tempfile::tempdir().unwrap();
        let mut person = Person::new();
        let child = person.start(&open(&world, &portal, folder.path(), KEEP));
        person.wait_for(&portal.address);
        for answer in answers {
            person.wait_for("[y/N] ");
            person.enter(answer);
        }
        let ran: Ran = child.wait_with_output().unwrap().into();
        assert_eq!((ran.code, portal.received().len()), (7, requests), "{}", person.shown());
        assert!(!folder.path().join("address").exists());
    }
}

#[test]
fn on_the_command_line_what_is_no_link_is_told() {
    for link in ["https://portal.example", "latchkey:sign-in", ""] {
        let ran = run(latchkey().args(["open", link]));
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains("Code: link-malformed"), "{ran:?}");
    }
}
