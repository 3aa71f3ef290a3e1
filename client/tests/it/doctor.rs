//! Diagnosis: each check alone fails of its own cause, and nothing of a person is in the report.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::{Duration, Instant};

use latchkey_agent::{
    Cancellation, CardAgent, CardModel, CardStatus, Exchange, Failure, OtherCard, PinStatus, ReaderName, ReaderReport,
    Request, RequestId,
};
use latchkey_client::doctor::{
    AgentState, Browser, CardService, CertificateLook, Check, CheckName, Confinement, Finding, LinkHandler, Loopback,
    LoopbackPermission, Personal, Plan, PortHolder, PortalLook, RevocationLook, Surroundings, System, Verdict,
    diagnose, look_at_certificate, permissions_in, report,
};
use latchkey_client::portal::{ExtraTrust, PortalFailure};
use latchkey_client::settings::Proxy;
use latchkey_client::sign_in::status::StatusServiceLook;
use latchkey_client::texts::{self, Language};
use latchkey_client::wording::Place;
use latchkey_crypto::assertion::Origin;
use latchkey_crypto::x509::{Certificate, RevocationList, RevocationLists, TrustStore};
use latchkey_fixtures::holders::{issue_card, sample_holders, sample_pki, sample_revocations};
use latchkey_fixtures::pcscd::PrivatePcscd;
use serde_json::Value;
use time::OffsetDateTime;
use time::macros::datetime;

use crate::binary::{latchkey, run};
use crate::test_portal::{Answer, Answers, TestPortal, tls};

const TIME: Duration = Duration::from_secs(30);
const NOW: OffsetDateTime = datetime!(2026-12-01 12:00 UTC);

/// Surroundings in which everything is as it should be, unless a test says otherwise.
#[derive(Clone)]
struct Played {
    card_service: CardService,
    readers: Result<Vec<ReaderReport>, Failure>,
    card: Result<CardStatus, Failure>,
    agent: AgentState,
    port: PortHolder,
    loopback: Loopback,
    now: OffsetDateTime,
    proxy: (Proxy, bool),
    portal: PortalLook,
    status_service: Option<(Origin, StatusServiceLook)>,
    browsers: Vec<Browser>,
    permissions: Vec<LoopbackPermission>,
    certificate: CertificateLook,
    links: LinkHandler,
    autostart: (bool, bool),
    /// Answers to the agent's question when it is let go; without it, at once.
    gate: Option<Arc<(Mutex<bool>, Condvar)>>,
}

fn reader(name: &str) -> ReaderName {
    ReaderName::parse(name).unwrap()
}

fn status(pin: PinStatus) -> CardStatus {
    CardStatus { reader: reader("Reader"), model: CardModel::Stb79, pin }
}

fn browser(confinement: Confinement) -> Browser {
    Browser { name: "Chromium", program: "/usr/bin/chromium".into(), confinement }
}

const fn permission(browser: &'static str, is_granted: bool) -> LoopbackPermission {
    LoopbackPermission { browser, is_granted }
}

/// A certificate that is valid from and until so many days from now.
fn certificate(from: i64, until: i64, revocation: RevocationLook) -> CertificateLook {
    let day = |count: i64| NOW + time::Duration::days(count);
    CertificateLook::Read { not_before: day(from), not_after: day(until), revocation }
}

impl Played {
    fn well() -> Self {
        Self {
            card_service: CardService::Answers { protocol: (4, 4) },
            readers: Ok(vec![ReaderReport { name: reader("Reader"), card: true }]),
            card: Ok(status(PinStatus::Usable { tries_left: 3 })),
            agent: AgentState::Protected,
            port: PortHolder::Ours { port: 8084 },
            loopback: Loopback { ipv4: true, ipv6: true },
            now: NOW,
            proxy: (Proxy::System, true),
            portal: PortalLook { date: Some(NOW), challenge: Ok(()) },
            status_service: Some((status_service(), StatusServiceLook::Answers)),
            browsers: vec![browser(Confinement::None)],
            permissions: vec![permission("Chromium", true)],
            certificate: certificate(-100, 100, RevocationLook::NotRevoked { as_of: NOW }),
            links: LinkHandler::Ours,
            autostart: (true, true),
            gate: None,
        }
    }

    fn diagnose(&self) -> Vec<Check> {
        self.diagnose_within(TIME)
    }

    fn diagnose_within(&self, time: Duration) -> Vec<Check> {
        let surroundings: Arc<dyn Surroundings> = Arc::new(self.clone());
        diagnose(&surroundings, Some(&portal()), time, |_| ())
    }
}

fn status_service() -> Origin {
    Origin::parse("https://status.example").unwrap()
}

fn portal() -> Origin {
    Origin::parse("https://portal.example").unwrap()
}

impl Surroundings for Played {
    fn card_service(&self) -> CardService {
        self.card_service.clone()
    }

    fn readers(&self) -> Result<Vec<ReaderReport>, Failure> {
        self.readers.clone()
    }

    fn card(&self, _reader: &ReaderName) -> Result<CardStatus, Failure> {
        self.card.clone()
    }

    fn agent(&self) -> AgentState {
        if let Some(gate) = &self.gate {
            let (open, changed) = &**gate;
            drop(changed.wait_while(open.lock().unwrap(), |open| !*open).unwrap());
        }
        self.agent.clone()
    }

    fn service_port(&self) -> PortHolder {
        self.port.clone()
    }

    fn loopback(&self) -> Loopback {
        self.loopback
    }

    fn now(&self) -> OffsetDateTime {
        self.now
    }

    fn proxy(&self) -> (Proxy, bool) {
        self.proxy.clone()
    }

    fn portal(&self, _origin: &Origin) -> PortalLook {
        self.portal.clone()
    }

    fn status_service(&self) -> Option<(Origin, StatusServiceLook)> {
        self.status_service.clone()
    }

    fn browsers(&self) -> Vec<Browser> {
        self.browsers.clone()
    }

    fn loopback_permissions(&self, _portal: &Origin) -> Vec<LoopbackPermission> {
        self.permissions.clone()
    }

    fn certificate(&self) -> CertificateLook {
        self.certificate.clone()
    }

    fn link_handler(&self) -> LinkHandler {
        self.links.clone()
    }

    fn autostart(&self) -> (bool, bool) {
        self.autostart
    }
}

#[test]
fn where_everything_is_well_every_check_says_so() {
    let checks = Played::well().diagnose();
    let names: Vec<_> = checks.iter().map(|check| check.name).collect();
    assert_eq!(names, CheckName::ALL);
    for check in &checks {
        assert_eq!(check.verdict(), Verdict::Good, "{check:?}");
        assert_eq!(check.worded(&texts::texts(Language::English), Place::Window).cure, None, "{check:?}");
    }
}

type Change = fn(&mut Played);

/// What makes each check fail, and the checks that cannot be made then.
#[rustfmt::skip]
const FAULTS: &[(&str, Change, CheckName, Verdict, &[CheckName])] = {
    use CheckName as N;
    use Verdict::{Bad, Warning};
    const AFTER_SERVICE: &[CheckName] = &[N::Reader, N::Card, N::CardModel, N::Pin];
    const AFTER_READER: &[CheckName] = &[N::Card, N::CardModel, N::Pin];
    const AFTER_CARD: &[CheckName] = &[N::CardModel, N::Pin];
    &[
        ("not installed", |p| p.card_service = CardService::NotInstalled, N::PcscService, Bad, AFTER_SERVICE),
        ("not running", |p| p.card_service = CardService::NotRunning, N::PcscService, Bad, AFTER_SERVICE),
        ("forbidden", |p| p.card_service = CardService::Forbidden, N::PcscService, Bad, AFTER_SERVICE),
        ("strange", |p| p.card_service = CardService::Strange { reason: "x".into() }, N::PcscService, Bad, AFTER_SERVICE),
        ("other version", |p| p.readers = Err(Failure::NoService), N::Reader, Bad, AFTER_READER),
        ("service at fault", |p| p.readers = Err(Failure::ServiceFault { reason: "x".into() }), N::Reader, Bad, AFTER_READER),
        ("no reader", |p| p.readers = Ok(Vec::new()), N::Reader, Bad, AFTER_READER),
        ("no card", |p| p.readers = Ok(vec![ReaderReport { name: reader("Reader"), card: false }]), N::Card, Bad, AFTER_CARD),
        ("several cards", |p| p.readers = Ok(["A", "B"].map(|name| ReaderReport { name: reader(name), card: true }).into()), N::Card, Warning, AFTER_CARD),
        ("mute card", |p| p.card = Err(Failure::CardMute), N::Card, Bad, AFTER_CARD),
        ("busy card", |p| p.card = Err(Failure::CardBusy), N::Card, Bad, AFTER_CARD),
        ("bank card", |p| p.card = Err(Failure::OtherCard(OtherCard::Payment)), N::CardModel, Bad, &[N::Pin]),
        ("unknown card", |p| p.card = Err(Failure::OtherCard(OtherCard::Unknown)), N::CardModel, Bad, &[N::Pin]),
        ("suspended PIN", |p| p.card = Ok(status(PinStatus::Suspended)), N::Pin, Warning, &[]),
        ("blocked PIN", |p| p.card = Ok(status(PinStatus::Blocked)), N::Pin, Bad, &[]),
        ("PIN out of use", |p| p.card = Ok(status(PinStatus::Deactivated)), N::Pin, Bad, &[]),
        ("expired", |p| p.certificate = certificate(-100, -1, RevocationLook::Unknown), N::Certificate, Bad, &[N::Revocation]),
        ("ends soon", |p| p.certificate = certificate(-100, 29, RevocationLook::NotRevoked { as_of: NOW }), N::Certificate, Warning, &[]),
        ("not valid yet", |p| p.certificate = certificate(1, 100, RevocationLook::Unknown), N::Certificate, Bad, &[N::Revocation]),
        ("no certificate", |p| p.certificate = CertificateLook::Unreadable(Failure::CertificateMissing), N::Certificate, Bad, &[N::Revocation]),
        ("revoked", |p| p.certificate = certificate(-100, 100, RevocationLook::Revoked { since: NOW }), N::Revocation, Bad, &[]),
        ("on no list", |p| p.certificate = certificate(-100, 100, RevocationLook::Unknown), N::Revocation, Warning, &[]),
        ("exposed agent", |p| p.agent = AgentState::Exposed, N::Agent, Bad, &[]),
        ("silent agent", |p| p.agent = AgentState::Silent(Failure::AgentStopped), N::Agent, Bad, &[]),
        ("port of nobody", |p| p.port = PortHolder::Nobody { port: 8084 }, N::ServicePort, Warning, &[]),
        ("port taken", |p| p.port = PortHolder::Other { port: 8084, program: None }, N::ServicePort, Bad, &[]),
        ("port taken by a program", |p| p.port = PortHolder::Other { port: 8084, program: Some("other".into()) }, N::ServicePort, Bad, &[]),
        ("no IPv6", |p| p.loopback.ipv6 = false, N::Loopback, Warning, &[]),
        ("no IPv4", |p| p.loopback.ipv4 = false, N::Loopback, Bad, &[]),
        ("clock some minutes wrong", |p| p.now = NOW + Duration::from_secs(180), N::Clock, Warning, &[]),
        ("clock a day wrong", |p| p.now = NOW - Duration::from_secs(86_400), N::Clock, Bad, &[]),
        ("clock of another age", |p| { p.now = datetime!(1970-01-01 0:00 UTC); p.portal.date = None; }, N::Clock, Bad, &[N::Certificate, N::Revocation]),
        ("silent proxy", |p| p.proxy = (Proxy::Through("http://proxy.example:1".parse().unwrap()), false), N::Proxy, Bad, &[]),
        ("portal out of reach", |p| p.portal = PortalLook { date: None, challenge: Err(PortalFailure::Unreachable) }, N::Portal, Bad, &[N::Tls]),
        ("silent portal", |p| p.portal = PortalLook { date: None, challenge: Err(PortalFailure::Silent) }, N::Portal, Bad, &[N::Tls]),
        ("portal not trusted", |p| p.portal = PortalLook { date: None, challenge: Err(PortalFailure::Untrusted) }, N::Tls, Bad, &[N::Portal]),
        ("no portal at all", |p| p.portal.challenge = Err(PortalFailure::AnswerMalformed { reason: "x" }), N::Portal, Bad, &[]),
        ("silent status service", |p| p.status_service = Some((status_service(), StatusServiceLook::Silent)), N::StatusService, Warning, &[]),
        ("strange status service", |p| p.status_service = Some((status_service(), StatusServiceLook::Strange)), N::StatusService, Warning, &[]),
        ("no browser", |p| p.browsers.clear(), N::Browsers, Warning, &[]),
        ("a snap", |p| p.browsers = vec![browser(Confinement::Snap)], N::Browsers, Warning, &[]),
        ("a flatpak", |p| p.browsers = vec![browser(Confinement::Flatpak)], N::Browsers, Warning, &[]),
        ("permission denied", |p| p.permissions = vec![permission("Chromium", true), permission("Brave", false)], N::BrowserPermission, Warning, &[]),
        ("links of nobody", |p| p.links = LinkHandler::Nobody, N::LinkHandler, Warning, &[]),
        ("links of another", |p| p.links = LinkHandler::Other("other.desktop".into()), N::LinkHandler, Warning, &[]),
        ("no entry", |p| p.autostart = (true, false), N::Autostart, Warning, &[]),
        ("an entry too much", |p| p.autostart = (false, true), N::Autostart, Warning, &[]),
    ]
};

#[test]
fn each_fault_is_found_by_its_check_and_by_no_other() {
    for (name, change, at, verdict, unchecked) in FAULTS {
        let mut played = Played::well();
        change(&mut played);
        for check in played.diagnose() {
            let expected = if check.name == *at {
                *verdict
            } else if unchecked.contains(&check.name) {
                Verdict::NotChecked
            } else {
                Verdict::Good
            };
            assert_eq!(check.verdict(), expected, "{name}: {check:?}");
        }
    }
    let covered: Vec<_> = FAULTS.iter().map(|(_, _, at, ..)| *at).collect();
    assert!(CheckName::ALL.iter().all(|name| covered.contains(name)), "a check has no fault");
}

#[test]
fn every_fault_has_words_and_a_cure_in_every_language() {
    for (name, change, at, ..) in FAULTS {
        let mut played = Played::well();
        change(&mut played);
        let checks = played.diagnose();
        for language in Language::ALL {
            let texts = texts::texts(language);
            for check in &checks {
                let worded = check.worded(&texts, Place::Window);
                for text in [Some(&worded.title), Some(&worded.finding), worded.cure.as_ref()].into_iter().flatten() {
                    assert!(!text.is_empty() && !text.starts_with("doctor-") && !text.contains("{"), "{name}: {text}");
                    assert!(!text.contains("latchkey ") && !text.contains("--"), "{name} names a command: {text}");
                }
                assert_eq!(worded.cure.is_some(), check.name == *at, "{name}: {check:?}");
            }
        }
    }
}

#[test]
fn without_a_portal_it_is_not_checked_and_the_clock_not_compared() {
    let surroundings: Arc<dyn Surroundings> = Arc::new(Played::well());
    let checks = diagnose(&surroundings, None, TIME, |_| ());
    let of = |name| checks.iter().find(|check| check.name == name).unwrap();
    assert_eq!(of(CheckName::Portal).finding, Finding::NoPortal);
    assert_eq!(of(CheckName::Clock).finding, Finding::ClockNotCompared);
}

#[test]
fn nobody_need_be_asked_about_certificates() {
    let checks = Played { status_service: None, ..Played::well() }.diagnose();
    let found = checks.iter().find(|check| check.name == CheckName::StatusService).unwrap();
    assert_eq!((&found.finding, found.verdict()), (&Finding::StatusServiceNotSet, Verdict::Good));
}

#[test]
fn without_the_pin_the_certificate_is_not_looked_at() {
    let played = Played { certificate: CertificateLook::NotRead, ..Played::well() };
    for check in played.diagnose() {
        let of_certificate = [CheckName::Certificate, CheckName::Revocation].contains(&check.name);
        let expected = if of_certificate { Verdict::NotChecked } else { Verdict::Good };
        assert_eq!(check.verdict(), expected, "{check:?}");
    }
}

/// As the sample cards hold them, with the lists of the same day.
#[test]
fn certificates_are_judged_by_their_dates_and_by_the_lists() {
    let pki = sample_pki(NOW).unwrap();
    let der = |certificate: &[u8]| Certificate::from_der(certificate).unwrap();
    let anchors = || vec![der(&pki.root().certificate().der)];
    let trust = TrustStore::new(anchors(), vec![der(&pki.authority().certificate().der)]).unwrap();
    let mut lists = RevocationLists::new();
    for (list, authority) in [
        (pki.root_revocation_list(&[]).unwrap(), pki.root()),
        (pki.authority_revocation_list(&sample_revocations(&pki).unwrap()).unwrap(), pki.authority()),
    ] {
        let list = RevocationList::from_der(&list).unwrap();
        lists.insert(list.verified_by(&der(&authority.certificate().der)).unwrap());
    }
    let of = |id: &str| {
        let holder = sample_holders().into_iter().find(|holder| holder.id == id).unwrap();
        issue_card(&pki, &holder, NOW).unwrap().esign.base_certificate.0
    };
    let look = |id: &str, trust: &TrustStore, lists: &RevocationLists| {
        let certificate = look_at_certificate(&of(id), trust, lists, NOW);
        let checks = Played { certificate, ..Played::well() }.diagnose();
        checks.into_iter().find(|check| check.verdict() != Verdict::Good).map(|check| check.finding)
    };
    assert_eq!(look("hanna-vydumanaya", &trust, &lists), None);
    assert!(matches!(look("piotr-adklikany", &trust, &lists), Some(Finding::CertificateRevoked { .. })));
    assert!(matches!(look("uladzislau-praterminavany", &trust, &lists), Some(Finding::CertificateExpired { .. })));
    let stranger = TrustStore::new(anchors(), Vec::new()).unwrap();
    assert_eq!(look("hanna-vydumanaya", &stranger, &lists), Some(Finding::RevocationUnknown));
    assert_eq!(look("hanna-vydumanaya", &trust, &RevocationLists::new()), Some(Finding::RevocationNotLooked));
    let nonsense = look_at_certificate(&[0x30, 0x00], &trust, &lists, NOW);
    assert_eq!(nonsense, CertificateLook::Unreadable(Failure::CertificateFaulty));
}

#[test]
fn the_answers_that_browsers_keep_are_found() {
    let home = tempfile::tempdir().unwrap();
    let keep = |profile: &str, kind: &str, pattern: &str, setting: u8| {
        let folder = home.path().join(profile);
        fs::create_dir_all(&folder).unwrap();
        let text = serde_json::json!({ "profile": { "content_settings": { "exceptions": {
            kind: { pattern: { "setting": setting } } } } } });
        fs::write(folder.join("Preferences"), text.to_string()).unwrap();
    };
    let found = || permissions_in(&[home.path().to_owned()], &portal());
    assert_eq!(found(), []);
    keep("chromium/Default", "loopback_network", "https://portal.example:443,*", 1);
    keep("google-chrome/Default", "loopback_network", "https://other.example:443,*", 2);
    keep("BraveSoftware/Brave-Browser/Default", "local_network_access", "https://portal.example:443,*", 2);
    assert_eq!(found(), [permission("Chromium", true), permission("Brave", false)]);
    keep("chromium/Profile 2", "loopback_network", "https://portal.example:443,*", 2);
    assert_eq!(found(), [permission("Chromium", false), permission("Brave", false)]);
    fs::write(home.path().join("chromium/Default/Preferences"), "{").unwrap();
    fs::remove_dir_all(home.path().join("chromium/Profile 2")).unwrap();
    assert_eq!(found(), [permission("Brave", false)]);
}

#[test]
fn a_check_that_never_answers_is_given_up_and_holds_up_no_other() {
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let played = Played { gate: Some(Arc::clone(&gate)), ..Played::well() };
    let started = Instant::now();
    let checks = played.diagnose_within(Duration::from_millis(300));
    assert!(started.elapsed() < TIME, "the check was waited for");
    for check in checks {
        let expected = if check.name == CheckName::Agent { Finding::NoAnswer } else { check.finding.clone() };
        assert_eq!(check.finding, expected);
        assert_eq!(check.verdict() == Verdict::Good, check.name != CheckName::Agent, "{check:?}");
    }
    *gate.0.lock().unwrap() = true;
    gate.1.notify_all();
}

#[test]
fn checks_are_told_as_they_are_done() {
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let surroundings: Arc<dyn Surroundings> = Arc::new(Played { gate: Some(Arc::clone(&gate)), ..Played::well() });
    let mut told = 0;
    diagnose(&surroundings, Some(&portal()), TIME, |_| {
        told += 1;
        if told == CheckName::ALL.len() - 1 {
            // All others are told while this one is waited for.
            *gate.0.lock().unwrap() = true;
            gate.1.notify_all();
        }
    });
    assert_eq!(told, CheckName::ALL.len());
}

#[test]
fn nothing_of_a_person_is_in_the_report() {
    let personal = Personal {
        home: Some("/home/hanna".to_owned()),
        user: Some("hanna".to_owned()),
        computer: Some("hannas-laptop".to_owned()),
    };
    let mut played = Played::well();
    let name = "ACS ACR39U ICC Reader [CCID Interface] (31F1A2B3C4) 00 00";
    played.readers = Ok(vec![ReaderReport { name: reader(name), card: true }]);
    played.port = PortHolder::Other { port: 8084, program: Some("/home/hanna/bin/thing of hanna".into()) };
    played.links = LinkHandler::Other("hannas-laptop.desktop".to_owned());
    played.card_service = CardService::Answers { protocol: (4, 4) };
    played.agent =
        AgentState::Silent(Failure::AgentMissing { reason: "/home/hanna/latchkey-agent 3000000A000PB0".into() });
    for language in Language::ALL {
        let text = report(&played.diagnose(), &texts::texts(language), &personal);
        for secret in ["hanna", "31F1A2B3C4", "3000000A000PB0", "/home/"] {
            assert!(!text.contains(secret), "{secret} is in the report:\n{text}");
        }
        for word in ["pcsc-service: good", "ACR39U", "8084", "agent: bad", "https://portal.example"] {
            assert!(text.contains(word), "{word} is missing from the report:\n{text}");
        }
    }
}

/// An agent that nobody reaches.
struct NoAgent;

impl CardAgent for NoAgent {
    fn send(&self, _request: Request) -> Exchange {
        let (_gone, reports) = mpsc::channel();
        Exchange::new(RequestId(1), reports, Cancellation::default())
    }
}

fn system(change: impl FnOnce(&mut Plan)) -> System {
    let mut plan = Plan::of_variables(|_| None);
    change(&mut plan);
    System::new(plan, Arc::new(NoAgent), || NOW)
}

#[test]
fn a_real_card_service_tells_its_protocol() {
    let service = PrivatePcscd::start(1).unwrap();
    let socket = service.socket().to_owned();
    let answers = system(|plan| plan.card_service = socket.clone()).card_service();
    assert!(matches!(answers, CardService::Answers { protocol: (4, _) }), "{answers:?}");
}

#[test]
fn a_card_service_that_does_not_answer_is_told_by_its_cause() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("pcscd.comm");
    let look = |programs: Vec<std::path::PathBuf>| {
        system(|plan| (plan.card_service, plan.card_service_programs) = (socket.clone(), programs)).card_service()
    };
    assert_eq!(look(Vec::new()), CardService::NotInstalled);
    assert_eq!(look(vec!["/bin/sh".into()]), CardService::NotRunning);
    let listener = UnixListener::bind(&socket).unwrap();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request").unwrap();
        // Reads until the other side hangs up.
        std::io::copy(&mut stream, &mut std::io::sink()).ok();
    });
    assert!(matches!(look(Vec::new()), CardService::Strange { .. }));
    answering.join().unwrap();
}

#[test]
fn a_port_is_ours_nobodys_or_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let look = || system(|plan| plan.port = port).service_port();
    let answer = |body: &'static str| {
        let listener = listener.try_clone().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            // What is not read when a connection ends may reset it.
            std::io::Read::read(&mut stream, &mut [0; 4096]).unwrap();
            std::io::Write::write_all(&mut stream, body.as_bytes()).unwrap();
        })
    };
    let ours = answer("HTTP/1.1 200 OK\r\n\r\n{\"program\":\"latchkey\",\"api\":[\"v1\"]}");
    assert_eq!(look(), PortHolder::Ours { port });
    ours.join().unwrap();
    let other = answer("HTTP/1.1 200 OK\r\n\r\n{\"program\":\"other\"}");
    assert!(matches!(look(), PortHolder::Other { port: taken, .. } if taken == port));
    other.join().unwrap();
    drop(listener);
    assert_eq!(look(), PortHolder::Nobody { port });
}

#[test]
fn this_computers_own_addresses_work() {
    assert!(system(|_| ()).loopback().ipv4);
}

#[test]
fn a_proxy_that_is_set_is_reached_or_not() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let through = Proxy::Through(address.parse().unwrap());
    let look = || system(|plan| plan.proxy = through.clone()).proxy();
    assert!(look().1);
    drop(listener);
    assert!(!look().1);
}

#[test]
fn a_portal_is_looked_at_over_real_tls() {
    let trust = || ExtraTrust::from_pem(&tls().authority).unwrap();
    let look = |portal: &TestPortal, trust: ExtraTrust| {
        let origin = Origin::parse(&portal.address).unwrap();
        system(|plan| plan.trust = trust).portal(&origin)
    };
    let portal = TestPortal::start(Answers::default());
    let good = look(&portal, trust());
    assert_eq!(good.challenge, Ok(()));
    assert!(good.date.is_some(), "the portal's clock was not read");
    assert_eq!(look(&portal, ExtraTrust::default()).challenge, Err(PortalFailure::Untrusted));
    let to_challenge = Answer::json(404, &serde_json::json!({ "code": "not-found", "message": "" }));
    let stranger = TestPortal::start(Answers { to_challenge, ..Answers::default() });
    let refused = look(&stranger, trust());
    assert_eq!(refused.challenge, Err(PortalFailure::Refused { code: "not-found".to_owned() }));
    assert!(refused.date.is_some());
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let origin = Origin::parse(&format!("https://localhost:{}", closed.port())).unwrap();
    assert_eq!(system(|_| ()).portal(&origin).challenge, Err(PortalFailure::Unreachable));
}

#[test]
fn browsers_and_how_they_are_kept_apart_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let place = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    place("bin/chromium", "#!/bin/sh\nexec /usr/lib/chromium/chromium \"$@\"\n");
    place("bin/firefox", "#!/bin/sh\nexec /snap/bin/firefox \"$@\"\n");
    place("flatpak/exports/bin/com.brave.Browser", "#!/bin/sh\nexec /usr/bin/flatpak run com.brave.Browser\n");
    place("bin/unheard-of", "");
    fs::write(folder.path().join("bin/opera"), "no program").unwrap();
    let folders = ["bin", "flatpak/exports/bin"].map(|name| folder.path().join(name)).to_vec();
    let found: Vec<_> = system(|plan| plan.program_folders = folders)
        .browsers()
        .into_iter()
        .map(|browser| (browser.name, browser.confinement))
        .collect();
    let expected = [("Chromium", Confinement::None), ("Brave", Confinement::Flatpak), ("Firefox", Confinement::Snap)];
    assert_eq!(found, expected);
}

#[test]
fn who_opens_links_is_read_from_the_desktops_lists() {
    let folder = tempfile::tempdir().unwrap();
    let (mine, all) = (folder.path().join("mine"), folder.path().join("all"));
    fs::create_dir(&mine).unwrap();
    fs::create_dir(&all).unwrap();
    let look = || system(|plan| plan.application_folders = vec![mine.clone(), all.clone()]).link_handler();
    assert_eq!(look(), LinkHandler::Nobody);
    let cache = "[MIME Cache]\nx-scheme-handler/latchkey=Latchkey.desktop;\n";
    fs::write(all.join("mimeinfo.cache"), cache).unwrap();
    assert_eq!(look(), LinkHandler::Ours);
    let chosen = "[Added Associations]\nx-scheme-handler/latchkey=latchkey.desktop\n\
                  [Default Applications]\nx-scheme-handler/latchkey=other.desktop;\n";
    fs::write(mine.join("mimeapps.list"), chosen).unwrap();
    assert_eq!(look(), LinkHandler::Other("other.desktop".to_owned()));
}

#[test]
fn an_agent_that_is_gone_is_told() {
    assert_eq!(system(|_| ()).agent(), AgentState::Silent(Failure::AgentStopped));
}

#[test]
fn the_command_shows_every_check_with_a_private_card_service() {
    let service = PrivatePcscd::start(1).unwrap();
    let home = tempfile::tempdir().unwrap();
    let portal = TestPortal::start(Answers::default());
    let command = || {
        let mut command = latchkey();
        command.env("PCSCLITE_CSOCK_NAME", service.socket()).env("HOME", home.path()).arg("doctor");
        command
    };
    let ran = run(command().args(["--json", "--portal", &portal.address]));
    assert_eq!(ran.code, 0, "{ran:?}");
    let answer = ran.json();
    let checks = answer["checks"].as_array().unwrap();
    let verdict = |name: &str| {
        let check = checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name}"));
        check["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!(checks.len(), CheckName::ALL.len());
    for (name, expected) in [
        ("pcsc-service", "good"),
        ("reader", "good"),
        ("card", "bad"),
        ("card-model", "not-checked"),
        ("pin", "not-checked"),
        ("agent", "good"),
        // Its authority is none of the system's.
        ("tls", "bad"),
        ("portal", "not-checked"),
        ("browser-permission", "good"),
        ("certificate", "not-checked"),
        ("revocation", "not-checked"),
        ("clock", "good"),
    ] {
        assert_eq!(verdict(name), expected, "{name}: {answer}");
    }
    assert!(answer["report"].as_str().unwrap().contains("pcsc-service: good"));
    let shown = run(&mut command());
    assert!(shown.out.contains("[ BAD  ] Card: There is no card in the reader."), "{shown:?}");
    let report = run(command().arg("--report"));
    assert!(report.out.starts_with("latchkey ") && !report.out.contains(home.path().to_str().unwrap()), "{report:?}");
    let refused = run(command().args(["--json", "--portal", "http://portal.example"]));
    assert_eq!(refused.json()["error"]["code"], Value::from("portal-address-invalid"));
}
