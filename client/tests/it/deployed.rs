//! Pages that are deployed today, as they drive a terminal through the local service: what works, and what every wrong
//! step comes to. The terminal is one of the fixtures', the card a virtual one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_agent::{KnownTerminal, SIGNING, SecretKind, TerminalTrust};
use latchkey_card::apdu::{Command, Header};
use latchkey_card::profile::Profile;
use latchkey_client::desk::{Phase, Secret, SitesOfThisRun, TerminalWork};
use latchkey_client::service::{CallersOfSystem, TERMINAL_BODY_MAX_SIZE};
use latchkey_client::settings::TerminalSettings;
use latchkey_crypto::assertion::Origin;
use latchkey_crypto::cv::rights::Rights;
use latchkey_fixtures::card_image::CardImage;
use latchkey_fixtures::cv::CvPki;
use latchkey_fixtures::holders::{deployed_holders, issue_deployed_card, sample_pki};
use latchkey_fixtures::store::InProcess;
use latchkey_fixtures::terminal::PlayedTerminal;
use serde_json::{Value, json};

use crate::holder::{Holder, Reply};
use crate::readers::{Desk as Readers, HolderCard, NOW};
use crate::wire::{Answer, Answering, PORTAL, Request, Served};

const OTHER: &str = "https://other.example";
const TERMINAL: &str = "980000000001";
const PREFETCH: &str = "/api/v1/terminal_proxy_bauth_app_prefetch";
const INIT: &str = "/api/v1/terminal_proxy_bauth_init";
const BAUTH: &str = "/api/v1/terminal_proxy_bauth";
const COMMAND: &str = "/api/v1/terminal_proxy_command";
const SIGN: &str = "/api/v1/terminal_proxy_sign_init";

fn cv_pki() -> CvPki {
    sample_pki(NOW).unwrap().cv_pki().unwrap()
}

pub(crate) fn terminal() -> PlayedTerminal {
    PlayedTerminal::new(&cv_pki(), TERMINAL, CvPki::sign_in_rights(), None).unwrap()
}

/// As an administrator sets it: the terminal is the portal's.
pub(crate) fn settings() -> TerminalSettings {
    let known = KnownTerminal {
        holder: TERMINAL.into(),
        title: Some("The terminal".into()),
        origins: vec![Origin::parse(PORTAL).unwrap()],
    };
    let trust = TerminalTrust { roots: vec![cv_pki().root().certificate.to_octets()], known: vec![known] };
    TerminalSettings { trust, ..TerminalSettings::default() }
}

pub(crate) fn served(settings: TerminalSettings) -> Served {
    let sites = Arc::new(SitesOfThisRun::new(|| NOW));
    Served::with_terminals(Holder::with_card(), sites, Arc::new(CallersOfSystem), Arc::new(settings))
}

/// With a card of the deployed model in the reader, whose holder enters the CAN, the PIN and that second PIN.
fn served_with_deployed_card(pin2: &'static str) -> (Served, CardImage) {
    let holder = deployed_holders().remove(0);
    let image = issue_deployed_card(&sample_pki(NOW).unwrap(), &holder, NOW).unwrap();
    let card = HolderCard { image: image.clone(), memory: InProcess::default() };
    let at_desk = Holder::at(Readers::with(&card));
    at_desk.replies([holder.can, holder.pin, pin2].map(Reply::Digits));
    let sites = Arc::new(SitesOfThisRun::new(|| NOW));
    (Served::with_terminals(at_desk, sites, Arc::new(CallersOfSystem), Arc::new(settings())), image)
}

/// The deployed card asks for its second PIN once its terminal is known; the page learns what card it is, as today.
#[tokio::test]
async fn a_deployed_card_is_opened_with_its_second_pin() {
    let pin2: &'static str = deployed_holders().remove(0).pin2().leak();
    let (mut served, image) = served_with_deployed_card(pin2);
    let opened = opened(&mut served).await;
    let signer = STANDARD.encode(image.security_signer.unwrap().0);
    assert_eq!((&opened["so_certificate"], &opened["SO_CERT"]), (&json!(signer), &json!(signer)));
    assert_eq!(opened["card_profile"], "kta");
    let mut terminal = terminal().for_cards_of(&Profile::kta());
    authenticate(&served, &mut terminal, &opened).await;
    let asked = [SecretKind::Can, SecretKind::Pin, SecretKind::Pin2];
    for expected in asked {
        assert_eq!(served.scene.holder.asked().await.0, expected);
    }
    assert_eq!(carry(&served, &mut terminal, COMMAND, &select_eid()).await.0, 0x9000);
    assert_eq!(carry(&served, &mut terminal, COMMAND, &select_group(1)).await.0, 0x9000);
}

#[tokio::test]
async fn a_wrong_second_pin_is_told_with_its_tries_and_lets_no_terminal_in() {
    let (mut served, _) = served_with_deployed_card("9999999");
    opened(&mut served).await;
    let refused = post(&served, INIT, &offered(&terminal())).await;
    assert_eq!((err(&refused), refused.code().as_str()), ((200, "5".into()), "pin2-wrong"));
    assert_eq!(refused.json()["tries"], 2);
    served.scene.holder.until_card_was_reset().await;
}

/// The holder leaves the signature out of what he lets the terminal do.
#[tokio::test]
async fn what_may_be_signed_can_be_left_out() {
    let (mut served, _) = served_with_deployed_card("0000000");
    let mut page = served.send(Request::post(PREFETCH, r#"{"stb":false}"#)).await;
    let number = served.scene.phase(Phase::AskHandOver).await;
    let choices = served.scene.first(|request| request.id == number).await.disclosure.unwrap().choices();
    assert_eq!(choices, [(SIGNING, true)]);
    served.scene.desk.narrow(number, Rights::NONE);
    served.scene.desk.agree(number);
    let opened = page.answer().await.json();
    let mut terminal = terminal().for_cards_of(&Profile::kta());
    authenticate(&served, &mut terminal, &opened).await;
    for expected in [SecretKind::Can, SecretKind::Pin] {
        assert_eq!(served.scene.holder.asked().await.0, expected);
    }
    let refused = post(&served, SIGN, &said(terminal.say(&select_eid()).unwrap())).await;
    assert_eq!((err(&refused), refused.code().as_str()), ((200, "10".into()), "terminal-act-refused"));
}

async fn post(served: &Served, path: &str, body: &Value) -> Answer {
    served.ask(Request::post(path, &body.to_string())).await
}

/// What a page reads first of an answer.
fn err(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["err"].as_str().unwrap_or_default().to_owned())
}

/// Opens the card for the portal's page; the holder agrees and enters his PIN.
pub(crate) async fn open(served: &mut Served) -> Value {
    served.scene.holder.replies([Reply::pin()]);
    opened(served).await
}

/// The same, however the holder answers.
async fn opened(served: &mut Served) -> Value {
    let mut page = served.send(Request::post(PREFETCH, r#"{"stb":false}"#)).await;
    let number = served.scene.phase(Phase::AskHandOver).await;
    served.scene.desk.agree(number);
    let answer = page.answer().await;
    assert_eq!(err(&answer), (200, "0".into()), "{answer:?}");
    answer.json()
}

pub(crate) fn offered(terminal: &PlayedTerminal) -> Value {
    json!({
        "terminal_certificate": STANDARD.encode(terminal.certificates()),
        "cmd_to_card": STANDARD.encode(terminal.template()),
        "is_bilateral": true,
    })
}

fn said((header, data): ([u8; 4], Vec<u8>)) -> Value {
    json!({ "header_cmd_to_card": STANDARD.encode(header), "cmd_to_card": STANDARD.encode(data) })
}

fn card_response(answer: &Answer) -> Vec<u8> {
    assert_eq!(err(answer), (200, "0".into()), "{answer:?}");
    STANDARD.decode(answer.json()["card_response"].as_str().unwrap()).unwrap()
}

/// BAUTH between the terminal and the card.
pub(crate) async fn authenticate(served: &Served, terminal: &mut PlayedTerminal, opened: &Value) {
    let m1 = card_response(&post(served, INIT, &offered(terminal)).await);
    let cert_hats = STANDARD.decode(opened["certhat"].as_str().unwrap()).unwrap();
    let m2 = terminal.receive_m1(&m1, &cert_hats).unwrap();
    let m3 = card_response(&post(served, BAUTH, &said(([0x00, 0x86, 0x00, 0x00], m2))).await);
    terminal.receive_m3(&m3).unwrap();
}

fn select_eid() -> Command {
    let eid = [0xD1, 0x12, 0x00, 0x02, 0x00, 0x22, 0x65, 0x4F, 0x07, 0x01];
    Command::new(Header::new(0x00, 0xA4, 0x04, 0x0C)).with_data(&eid).unwrap()
}

fn select_group(number: u8) -> Command {
    Command::new(Header::new(0x00, 0xA4, 0x02, 0x0C)).with_data(&[0x01, number]).unwrap()
}

fn read() -> Command {
    Command::new(Header::new(0x00, 0xB0, 0x00, 0x00)).expecting_short_maximum()
}

async fn carry(served: &Served, terminal: &mut PlayedTerminal, path: &str, command: &Command) -> (u16, Vec<u8>) {
    let answer = card_response(&post(served, path, &said(terminal.say(command).unwrap())).await);
    let response = terminal.hear(&answer).unwrap();
    (response.status().value(), response.data().to_vec())
}

#[tokio::test]
async fn a_deployed_page_has_its_terminal_read_what_the_holder_agreed_to() {
    let mut served = served(settings());
    let opened = open(&mut served).await;
    for field in ["so_certificate", "SO_CERT", "cert_id", "certhat"] {
        assert!(opened[field].is_string(), "{field}");
    }
    let (kind, question) = served.scene.holder.asked().await;
    assert_eq!(kind, SecretKind::Pin);
    assert!(question.disclosure.unwrap().keys().contains(&"group-5"));

    let mut terminal = terminal();
    authenticate(&served, &mut terminal, &opened).await;
    let reading = Phase::TerminalAtWork { work: TerminalWork::Reading };
    let view = served.scene.first(|request| request.phase == reading).await;
    let shown = view.disclosure.unwrap().terminal.unwrap();
    assert_eq!((shown.title.as_deref(), shown.vouched_for), (Some("The terminal"), true));

    assert_eq!(carry(&served, &mut terminal, COMMAND, &select_eid()).await.0, 0x9000);
    for number in (1..=11).chain([15, 16]) {
        assert_eq!(carry(&served, &mut terminal, COMMAND, &select_group(number)).await.0, 0x9000, "DG{number}");
        let (status, data) = carry(&served, &mut terminal, COMMAND, &read()).await;
        assert_eq!((status, data.is_empty()), (0x9000, false), "DG{number}");
    }
    // What the holder was not shown the card does not give, whatever the terminal may read.
    let selected = carry(&served, &mut terminal, COMMAND, &select_group(17)).await;
    let (status, data) = carry(&served, &mut terminal, COMMAND, &read()).await;
    assert!(status != 0x9000 || data.first() != Some(&0x71), "the address was not agreed to: {selected:?}");

    let closed = served.ask(Request::post("/latchkey/v1/terminal/close", "{}")).await;
    assert_eq!((closed.status, closed.json()), (200, json!({ "closed": true })));
    served.scene.holder.until_card_was_reset().await;
}

#[tokio::test]
async fn every_name_of_the_first_step_opens_the_card() {
    let rows = [
        ("/auth_sign", r#"{"init":"true"}"#),
        ("/data_groups", r#"{"init":"true"}"#),
        ("/api/v1/bauth", r#"{"data":"AA==","init":"true"}"#),
    ];
    for (path, body) in rows {
        let mut served = served(settings());
        served.scene.holder.replies([Reply::pin()]);
        let mut page = served.send(Request::post(path, body)).await;
        let number = served.scene.phase(Phase::AskHandOver).await;
        served.scene.desk.agree(number);
        let answer = page.answer().await.json();
        assert_eq!((&answer["err"], &answer["SO_CERT"]), (&json!("0"), &answer["so_certificate"]), "{path}");
    }
}

#[tokio::test]
async fn a_signature_that_only_the_terminal_knows_is_asked_about() {
    let mut served = served(settings());
    let opened = open(&mut served).await;
    served.scene.holder.asked().await;
    let mut terminal = terminal();
    authenticate(&served, &mut terminal, &opened).await;
    let esign = [0xD1, 0x12, 0x00, 0x02, 0x00, 0x22, 0x65, 0x4F, 0x07, 0x02];
    let select = Command::new(Header::new(0x00, 0xA4, 0x04, 0x0C)).with_data(&esign).unwrap();
    let key = Command::new(Header::new(0x00, 0x22, 0x41, 0xB6)).with_data(&[0x84, 1, 0x11, 0x80, 1, 0x90]).unwrap();
    let sign = Command::new(Header::new(0x00, 0x2A, 0x9E, 0x9A)).with_data(&[7; 32]).unwrap().expecting_short_maximum();

    served.scene.holder.replies([Reply::Digits("")]);
    assert_eq!(carry(&served, &mut terminal, SIGN, &select).await.0, 0x9000);
    let (kind, question) = served.scene.holder.asked().await;
    assert_eq!((kind, question.purpose), (SecretKind::Consent, latchkey_agent::Purpose::SignForTerminal));
    assert_eq!(carry(&served, &mut terminal, COMMAND, &key).await.0, 0x9000);
    let (status, signature) = carry(&served, &mut terminal, COMMAND, &sign).await;
    assert_eq!((status, signature.len()), (0x9000, 48));
}

#[tokio::test]
async fn nothing_is_signed_that_the_holder_was_not_asked_about() {
    for refuses in [false, true] {
        let mut served = served(settings());
        let opened = open(&mut served).await;
        let mut terminal = terminal();
        authenticate(&served, &mut terminal, &opened).await;
        let sign = Command::new(Header::new(0x00, 0x2A, 0x9E, 0x9A)).with_data(&[7; 32]).unwrap();
        let (path, code, number) =
            if refuses { (SIGN, "cancelled", "4") } else { (COMMAND, "terminal-act-refused", "10") };
        served.scene.holder.replies([Reply::Cancel]);
        let answer = post(&served, path, &said(terminal.say(&sign).unwrap())).await;
        assert_eq!((err(&answer).1.as_str(), answer.code().as_str()), (number, code));
        served.scene.holder.until_card_was_reset().await;
        let after = post(&served, COMMAND, &json!({ "header_cmd_to_card": "BLAAAA==", "cmd_to_card": "" })).await;
        assert_eq!(err(&after), (200, "7".into()), "the session goes on");
    }
}

/// Each step before what has to come before it, by the page that opened the card and by one that did not.
#[tokio::test]
async fn a_step_out_of_its_order_changes_nothing() {
    let mut served = served(settings());
    let relayed = json!({ "header_cmd_to_card": STANDARD.encode([0, 0x86, 0, 0]), "cmd_to_card": "fAA=" });
    let protected = json!({ "header_cmd_to_card": "BLAAAA==", "cmd_to_card": "" });
    for path in [INIT, BAUTH, COMMAND, SIGN] {
        let body = if path == INIT { offered(&terminal()) } else { relayed.clone() };
        let answer = post(&served, path, &body).await;
        assert_eq!((err(&answer), answer.code().as_str()), ((200, "7".into()), "terminal-wrong-order"), "{path}");
    }
    let opened = open(&mut served).await;
    for (path, body) in [(BAUTH, &relayed), (COMMAND, &protected), (COMMAND, &relayed), (SIGN, &protected)] {
        assert_eq!(err(&post(&served, path, body).await), (200, "7".into()), "{path} before BAUTH");
    }
    let mut terminal = terminal();
    authenticate(&served, &mut terminal, &opened).await;
    assert_eq!(err(&post(&served, BAUTH, &relayed).await), (200, "7".into()), "BAUTH once more");
    assert_eq!(err(&post(&served, INIT, &offered(&terminal)).await), (200, "7".into()), "another terminal");
    assert_eq!(carry(&served, &mut terminal, COMMAND, &select_eid()).await.0, 0x9000, "the session was disturbed");
}

#[tokio::test]
async fn another_sites_page_finds_no_session_and_a_second_tab_is_told_to_wait() {
    let mut served = served(settings());
    let opened = open(&mut served).await;
    let mut terminal = terminal();
    let body = offered(&terminal).to_string();
    let foreign = served.ask(Request::post(INIT, &body).with("Origin", OTHER)).await;
    assert_eq!((err(&foreign), foreign.code().as_str()), ((200, "7".into()), "terminal-wrong-order"));
    let closed = served.ask(Request::post("/latchkey/v1/terminal/close", "{}").with("Origin", OTHER)).await;
    assert_eq!(closed.json(), json!({ "closed": false }));
    let second_tab = served.ask(Request::post(PREFETCH, r#"{"stb":false}"#)).await;
    assert_eq!((err(&second_tab), second_tab.code().as_str()), ((200, "7".into()), "terminal-wrong-order"));
    authenticate(&served, &mut terminal, &opened).await;
}

#[tokio::test]
async fn a_tab_that_is_closed_while_it_waits_ends_the_session() {
    let mut served = served(settings());
    let page = served.send(Request::post(PREFETCH, r#"{"stb":false}"#)).await;
    served.scene.phase(Phase::AskHandOver).await;
    drop(page);
    served.scene.empty().await;

    // While the holder is asked about a terminal that nobody knows.
    open(&mut served).await;
    served.scene.holder.asked().await;
    let stranger = PlayedTerminal::new(&cv_pki(), "980000000009", CvPki::sign_in_rights(), None).unwrap();
    let body = offered(&stranger).to_string();
    let page = served.send(Request::post(INIT, &body)).await;
    let asks = Phase::AgentAsks { secret: Secret::Consent, tries_left: Some(3) };
    served.scene.phase(asks).await;
    drop(page);
    served.scene.empty().await;
    served.scene.holder.until_card_was_reset().await;
}

/// The card carries the command out all the same. Its answer is lost, and with it the channel's counter.
#[tokio::test]
async fn a_tab_that_is_closed_while_a_command_is_at_the_card_ends_the_session() {
    let is_slow = Arc::new(AtomicBool::new(false));
    let at_card = Arc::clone(&is_slow);
    let (holder, mut busy) = Holder::with_card_slow_if(move |_| at_card.load(Ordering::Relaxed));
    let sites = Arc::new(SitesOfThisRun::new(|| NOW));
    let mut served = Served::with_terminals(holder, sites, Arc::new(CallersOfSystem), Arc::new(settings()));
    let mut terminal = terminal();
    let opened = open(&mut served).await;
    served.scene.holder.asked().await;
    authenticate(&served, &mut terminal, &opened).await;
    is_slow.store(true, Ordering::Relaxed);
    let command = said(terminal.say(&select_eid()).unwrap()).to_string();
    let page = served.send(Request::post(COMMAND, &command)).await;
    busy.begun().await;
    drop(page);
    served.scene.empty().await;
    drop(busy);
    served.scene.holder.until_card_was_reset().await;
    let late = served.ask(Request::post(COMMAND, &command)).await;
    assert_eq!((err(&late), late.code().as_str()), ((200, "7".into()), "terminal-wrong-order"));
}

/// Also while the holder is asked, or the terminal's command is at the card.
#[tokio::test]
async fn a_page_that_closes_its_session_ends_what_is_under_way() {
    let mut served = served(settings());
    open(&mut served).await;
    served.scene.holder.asked().await;
    let stranger = PlayedTerminal::new(&cv_pki(), "980000000009", CvPki::sign_in_rights(), None).unwrap();
    let body = offered(&stranger).to_string();
    let mut page = served.send(Request::post(INIT, &body)).await;
    served.scene.phase(Phase::AgentAsks { secret: Secret::Consent, tries_left: Some(3) }).await;
    let foreign = served.ask(Request::post("/latchkey/v1/terminal/close", "{}").with("Origin", OTHER)).await;
    assert_eq!(foreign.json(), json!({ "closed": false }));
    let closed = served.ask(Request::post("/latchkey/v1/terminal/close", "{}")).await;
    assert_eq!(closed.json(), json!({ "closed": true }));
    let answer = page.answer().await;
    assert_eq!((err(&answer), answer.code().as_str()), ((200, "7".into()), "request-taken-back"));
    served.scene.empty().await;
    served.scene.holder.until_card_was_reset().await;
}

#[tokio::test]
async fn a_card_that_is_pulled_between_any_two_steps_ends_the_session_with_its_code() {
    for step in 0..4 {
        let mut served = served(settings());
        let opened = open(&mut served).await;
        let mut terminal = terminal();
        let (path, body) = match step {
            0 => (INIT, offered(&terminal)),
            1 => {
                let m1 = card_response(&post(&served, INIT, &offered(&terminal)).await);
                let cert_hats = STANDARD.decode(opened["certhat"].as_str().unwrap()).unwrap();
                (BAUTH, said(([0, 0x86, 0, 0], terminal.receive_m1(&m1, &cert_hats).unwrap())))
            }
            _ => {
                authenticate(&served, &mut terminal, &opened).await;
                if step == 3 {
                    carry(&served, &mut terminal, COMMAND, &select_eid()).await;
                }
                (COMMAND, said(terminal.say(&read()).unwrap()))
            }
        };
        served.scene.holder.readers.pull("Reader");
        let answer = post(&served, path, &body).await;
        assert_eq!((err(&answer), answer.code().as_str()), ((200, "3".into()), "card-removed"), "after step {step}");
        assert_eq!(err(&post(&served, path, &body).await), (200, "7".into()), "after step {step}: a session is left");
    }
}

#[tokio::test]
async fn what_no_page_sends_is_refused_in_the_words_of_these_pages() {
    let served = served(settings());
    let port = served.port;
    let large = format!(r#"{{"stb":"{}"}}"#, "a".repeat(TERMINAL_BODY_MAX_SIZE));
    let ok = r#"{"stb":false}"#;
    let post = |body| Request::post(PREFETCH, body);
    let rows: [(&str, Request<'_>, u16, &str, &str); 12] = [
        (
            "another name for this computer",
            post(ok).with("Host", &format!("rebound.example:{port}")),
            403,
            "11",
            "host-refused",
        ),
        ("no origin", post(ok).without("Origin"), 403, "11", "origin-missing"),
        ("a page without an origin", post(ok).with("Origin", "null"), 403, "11", "origin-refused"),
        ("a site without TLS", post(ok).with("Origin", "http://portal.example"), 403, "11", "origin-refused"),
        ("two origins", post(ok).and("Origin", OTHER), 403, "11", "origin-refused"),
        ("a form", post(ok).with("Sec-Fetch-Mode", "navigate"), 403, "11", "navigation-refused"),
        ("text", post(ok).with("Content-Type", "text/plain"), 415, "1", "content-type-refused"),
        ("too much", post(&large), 413, "1", "body-too-large"),
        ("no JSON", post("{"), 200, "1", "body-malformed"),
        ("a list", post("[]"), 200, "1", "body-malformed"),
        ("no field", Request::post(INIT, "{}"), 200, "1", "body-malformed"),
        ("no base64", Request::post(COMMAND, r#"{"header_cmd_to_card":"*"}"#), 200, "1", "body-malformed"),
    ];
    for (name, request, status, number, code) in rows {
        let answer = served.ask(request).await;
        assert_eq!((err(&answer), answer.code().as_str()), ((status, number.into()), code), "{name}");
    }
    let get = served.ask(Request::get(PREFETCH)).await;
    assert_eq!((get.status, get.code().as_str()), (405, "method-not-allowed"));
}

/// Each of these addresses, and our own for signed requests, is behind the same checks.
#[tokio::test]
async fn every_address_refuses_strangers_before_it_looks_at_what_they_send() {
    let served = served(settings());
    let rebound = format!("rebound.example:{}", served.port);
    let large = format!(r#"{{"data":"{}"}}"#, "a".repeat(TERMINAL_BODY_MAX_SIZE));
    let deployed =
        ["/select_auth", "/auth_sign", "/data_groups", "/api/v1/bauth", PREFETCH, INIT, BAUTH, COMMAND, SIGN];
    for path in deployed.into_iter().chain(["/latchkey/v1/ticket", "/latchkey/v1/terminal/close"]) {
        let post = |body| Request::post(path, body);
        let rows: [(Request<'_>, u16, &str); 11] = [
            (post("{}").with("Host", &rebound), 403, "host-refused"),
            (post("{}").and("Host", &rebound), 403, "host-refused"),
            (post("{}").method("OPTIONS").with("Host", &rebound), 403, "host-refused"),
            (post("{}").with("Sec-Fetch-Mode", "no-cors"), 403, "navigation-refused"),
            (post("{}").and("Upgrade", "websocket"), 403, "navigation-refused"),
            (post("{}").without("Origin"), 403, "origin-missing"),
            (post("{}").with("Origin", "null"), 403, "origin-refused"),
            (post("{}").with("Origin", "http://portal.example"), 403, "origin-refused"),
            (post("{}").with("Sec-Fetch-Mode", "navigate"), 403, "navigation-refused"),
            (post("{}").with("Content-Type", "text/plain"), 415, "content-type-refused"),
            (post(&large), 413, "body-too-large"),
        ];
        for (request, status, code) in rows {
            let answer = served.ask(request).await;
            assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path}");
            let readable = answer.header("access-control-allow-origin");
            assert!(readable.is_none_or(|origin| origin == PORTAL), "{path}, {code}: {readable:?}");
        }
        let get = served.ask(Request::get(path)).await;
        assert_eq!((get.status, get.code().as_str()), (405, "method-not-allowed"), "{path}");
    }
    assert!(served.scene.desk.changes().borrow().requests.is_empty(), "somebody is at the desk");
}

#[tokio::test]
async fn browsers_are_told_what_these_addresses_take() {
    let served = served(settings());
    let preflight = Request::get(INIT)
        .method("OPTIONS")
        .and("Access-Control-Request-Method", "POST")
        .and("Access-Control-Request-Headers", "authorization,content-type")
        .and("Access-Control-Request-Private-Network", "true");
    let answer = served.ask(preflight).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some(PORTAL));
    assert_eq!(answer.header("access-control-allow-methods"), Some("POST, OPTIONS"));
    assert_eq!(answer.header("access-control-allow-headers"), Some("authorization,content-type"));
    assert_eq!(answer.header("access-control-allow-private-network"), Some("true"));
    let other = Request::get(INIT).method("OPTIONS").and("Access-Control-Request-Method", "POST");
    assert_eq!(served.ask(other).await.header("access-control-allow-private-network"), None);
}

#[tokio::test]
async fn a_no_a_wrong_pin_and_no_card_have_their_numbers() {
    let mut refused = served(settings());
    let mut page = refused.send(Request::post(PREFETCH, "{}")).await;
    let number = refused.scene.phase(Phase::AskHandOver).await;
    refused.scene.desk.refuse(number);
    let answer = page.answer().await;
    assert_eq!((err(&answer), answer.code().as_str()), ((200, "4".into()), "holder-refused"));
    let again = refused.ask(Request::post(PREFETCH, "{}")).await;
    assert_eq!((err(&again), again.code().as_str()), ((403, "11".into()), "refused-today"));

    let mut wrong = served(settings());
    wrong.scene.holder.replies([Reply::Digits("000000")]);
    let mut page = wrong.send(Request::post(PREFETCH, "{}")).await;
    let number = wrong.scene.phase(Phase::AskHandOver).await;
    wrong.scene.desk.agree(number);
    wrong.scene.first(|request| matches!(request.phase, Phase::Failed { .. })).await;
    wrong.scene.desk.end(number);
    let answer = page.answer().await;
    assert_eq!((err(&answer), answer.json()["tries"].as_u64()), ((200, "5".into()), Some(2)));
}

/// A page that replays another portal's terminal gets nothing signed in: the terminal is known to be that portal's, by the
/// administrator or by the holder's first consent.
#[tokio::test]
async fn a_terminal_that_is_driven_from_another_site_is_refused() {
    let mut served = served(settings());
    relay_from_other_site(&mut served).await;

    let unknown = TerminalTrust { known: Vec::new(), ..settings().trust };
    let mut served = self::served(TerminalSettings { trust: unknown, ..TerminalSettings::default() });
    let opened = open(&mut served).await;
    served.scene.holder.replies([Reply::Digits("")]);
    authenticate(&served, &mut terminal(), &opened).await;
    served.ask(Request::post("/latchkey/v1/terminal/close", "{}")).await;
    relay_from_other_site(&mut served).await;
}

async fn relay_from_other_site(served: &mut Served) {
    served.scene.holder.replies([Reply::pin()]);
    let mut page: Answering = served.send(Request::post(PREFETCH, "{}").with("Origin", OTHER)).await;
    let is_other =
        |request: &latchkey_client::desk::RequestView| request.phase == Phase::AskHandOver && request.origin == OTHER;
    let number = served.scene.first(is_other).await.id;
    served.scene.desk.agree(number);
    assert_eq!(err(&page.answer().await).1, "0");
    let body = offered(&terminal()).to_string();
    let answer = served.ask(Request::post(INIT, &body).with("Origin", OTHER)).await;
    assert_eq!((err(&answer), answer.code().as_str()), ((200, "9".into()), "terminal-of-other-site"));
    served.scene.desk.end(number);
    served.scene.holder.until_card_was_reset().await;
}

#[tokio::test]
async fn only_what_an_administrator_named_may_call_without_tls_or_without_a_browser() {
    let http = "http://pharmacy.example";
    let named = TerminalSettings {
        http_origins: [Origin::parse_without_tls(http).unwrap()].into(),
        caller_without_origin: Some(Origin::parse("https://back-end.example").unwrap()),
        ..settings()
    };
    let mut served = served(named);
    let other = served.ask(Request::post(PREFETCH, "{}").with("Origin", "http://other.example")).await;
    assert_eq!((err(&other), other.code().as_str()), ((403, "11".into()), "origin-refused"));
    let sign_in = served.ask(Request::get("/latchkey/v1/status").with("Origin", http)).await;
    assert_eq!((sign_in.status, sign_in.code().as_str()), (403, "origin-refused"), "it may do nothing else");
    let browser = served.ask(Request::post(PREFETCH, "{}").without("Origin")).await;
    assert_eq!((browser.status, browser.code().as_str()), (403, "origin-missing"), "a browser tells of itself");
    let status = served.ask(Request::get("/latchkey/v1/status").without("Origin").without("Sec-Fetch-Mode")).await;
    assert_eq!((status.status, status.code().as_str()), (403, "origin-missing"), "it may do nothing else");

    let page = served.send(Request::post(PREFETCH, "{}").with("Origin", http)).await;
    assert_eq!(served.scene.first(|request| request.phase == Phase::AskHandOver).await.origin, http);
    drop(page);
    served.scene.empty().await;
    let caller = Request::post(PREFETCH, "{}").without("Origin").without("Sec-Fetch-Mode");
    let _caller = served.send(caller).await;
    let asked = served.scene.first(|request| request.phase == Phase::AskHandOver).await;
    assert_eq!(asked.origin, "https://back-end.example");
}

/// A page that begins anew after its session was left alone for a while.
#[tokio::test(start_paused = true)]
async fn a_page_that_was_loaded_again_begins_anew() {
    let mut served = served(settings());
    open(&mut served).await;
    tokio::time::advance(Duration::from_millis(2999)).await;
    let second_tab = served.ask(Request::post(PREFETCH, r#"{"stb":false}"#)).await;
    assert_eq!((err(&second_tab), second_tab.code().as_str()), ((200, "7".into()), "terminal-wrong-order"));
    tokio::time::advance(Duration::from_millis(1)).await;
    let opened = open(&mut served).await;
    authenticate(&served, &mut terminal(), &opened).await;
}
