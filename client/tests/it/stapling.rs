//! The answer of the authority's status service that a client brings along: who is asked, what counts, and that a sign-in
//! does not depend on it.

use std::path::Path;
use std::sync::Arc;

use latchkey_client::desk::{Fulfilled, Phase, RequestFailure};
use latchkey_client::portal::Access;
use latchkey_client::settings::{Managed, SettingsStore};
use latchkey_client::sign_in::status::{Stapler, StatusServiceLook};
use latchkey_crypto::assertion::{Assertion, STAPLED_ANSWER_MAX_SIZE};
use latchkey_crypto::x509::{Certificate, STATUS_ANSWER_MAX_SIZE, StatusRequest};
use latchkey_fixtures::holders::sample_pki;
use latchkey_fixtures::pki::{Status, TestPki, status_service_busy};
use tempfile::TempDir;
use time::Duration;

use crate::desk::Scene;
use crate::holder::Reply;
use crate::readers::NOW;
use crate::status_host::{Answer, Mood, Nonce, StatusHost};

/// A service that answers, and a client whose administrator has named it.
pub(crate) struct Stage {
    pub(crate) host: StatusHost,
    settings: Arc<SettingsStore>,
    _folder: TempDir,
}

impl Stage {
    pub(crate) fn set(mood: Mood) -> Self {
        Self::for_issuers(mood, &[&pki()])
    }

    /// It is to be asked about what the authorities of those have issued.
    fn for_issuers(mood: Mood, issuers: &[&TestPki]) -> Self {
        let host = StatusHost::start(pki(), || NOW, mood);
        let folder = tempfile::tempdir().unwrap();
        let text = named(folder.path(), &host.address, issuers);
        Self::under(&text, host, folder)
    }

    fn under(text: &str, host: StatusHost, folder: TempDir) -> Self {
        let managed = folder.path().join("managed.toml");
        std::fs::write(&managed, text).unwrap();
        let managed = Arc::new(Managed::of_file(&managed).unwrap());
        let settings = Arc::new(SettingsStore::new(folder.path().join("settings.toml"), managed, || NOW));
        Self { host, settings, _folder: folder }
    }

    pub(crate) fn stapler(&self) -> Stapler {
        Stapler::of(&self.settings, || NOW).unwrap()
    }
}

/// What an administrator writes who names that service; the authorities' certificates are put into `folder`.
pub(crate) fn named(folder: &Path, address: &str, issuers: &[&TestPki]) -> String {
    let put = |(number, issuer): (usize, &&TestPki)| {
        let path = folder.join(format!("{number}.der"));
        std::fs::write(&path, &issuer.authority().certificate().der).unwrap();
        path
    };
    let issuers: Vec<_> = issuers.iter().enumerate().map(put).collect();
    format!("[status_service]\naddress = {address:?}\nissuers = {issuers:?}\n")
}

fn pki() -> TestPki {
    sample_pki(NOW).unwrap()
}

/// What the holder's card signs for a page, at a desk with that.
async fn sign_in(stapler: Option<Stapler>) -> Assertion {
    let mut scene = Scene::with_stapler(stapler);
    scene.holder.replies([Reply::pin()]);
    let mut ticket = scene.submit("portal");
    scene.phase(Phase::AskHandOver).await;
    scene.desk.agree(ticket.number());
    let Fulfilled::SignedIn(signed) = ticket.outcome().await.unwrap() else { panic!("no sign-in") };
    signed.assertion
}

/// Each row: what the service does, and whether that is brought along.
#[tokio::test]
async fn only_an_answer_that_counts_is_brought_along() {
    let good = || Answer::saying(Status::Good);
    let revoked = || Answer::saying(Status::Revoked(NOW - Duration::days(1)));
    let minutes = Duration::minutes;
    let rows = [
        ("good", Mood::Answers(good()), true),
        ("good nine minutes ago", Mood::Answers(Answer { age: minutes(9), ..good() }), true),
        ("good, prepared without a nonce", Mood::Answers(Answer { nonce: Nonce::None, ..good() }), true),
        ("revoked", Mood::Answers(revoked()), true),
        ("known as revoked for long", Mood::Answers(Answer { age: Duration::HOUR, ..revoked() }), true),
        ("revoked, wrong nonce", Mood::Answers(Answer { nonce: Nonce::OfAnotherQuestion, ..revoked() }), true),
        ("wrong nonce", Mood::Answers(Answer { nonce: Nonce::OfAnotherQuestion, ..good() }), false),
        ("good eleven minutes ago", Mood::Answers(Answer { age: minutes(11), ..good() }), false),
        ("good in two minutes", Mood::Answers(Answer { age: minutes(-2), ..good() }), false),
        ("unknown", Mood::Says(Status::Unknown), false),
        ("wrong certificate", Mood::Answers(Answer { of_other: true, ..good() }), false),
        ("wrong certificate, revoked", Mood::Answers(Answer { of_other: true, ..revoked() }), false),
        ("by another authority", Mood::Answers(Answer { by_root: true, ..good() }), false),
        ("altered", Mood::Answers(Answer { is_altered: true, ..good() }), false),
        ("altered, revoked", Mood::Answers(Answer { is_altered: true, ..revoked() }), false),
        ("busy", Mood::Octets(status_service_busy()), false),
        ("garbage", Mood::Octets(b"<html>Good.</html>".to_vec()), false),
        ("nothing", Mood::Octets(Vec::new()), false),
        ("too long", Mood::Octets(vec![0x30; STATUS_ANSWER_MAX_SIZE + 1]), false),
        ("too long for an assertion", Mood::Octets(vec![0x30; STAPLED_ANSWER_MAX_SIZE + 1]), false),
        ("endless", Mood::Endless, false),
        ("redirect", Mood::Redirects, false),
        ("failed", Mood::Fails, false),
        ("broken off", Mood::BreaksOff, false),
        ("slow", Mood::KeepsSilent, false),
        ("slow in the middle", Mood::Begins, false),
    ];
    let assertion = sign_in(None).await;
    let stage = Stage::set(Mood::KeepsSilent);
    let stapler = stage.stapler();
    for (visits, (name, mood, is_stapled)) in (1..).zip(rows) {
        stage.host.set(mood);
        let stapled = stapler.staple(assertion.clone()).await;
        assert_eq!(stapled.status_answer().is_some(), is_stapled, "{name}");
        let expected = match stapled.status_answer() {
            Some(answer) => assertion.clone().with_status_answer(answer.to_vec()).unwrap(),
            None => assertion.clone(),
        };
        assert_eq!(stapled, expected, "{name}: nothing else is changed");
        assert_eq!(stage.host.asked().len(), visits, "{name}: it is asked once and nobody else is");
    }
}

/// What the service learns: which certificate, and nothing of the portal.
#[tokio::test]
async fn the_service_is_asked_about_the_certificate_and_learns_nothing_else() {
    let stage = Stage::set(Mood::Says(Status::Good));
    let assertion = sign_in(Some(stage.stapler())).await;
    let again = sign_in(Some(stage.stapler())).await;
    let certificate = Certificate::from_der(assertion.unverified_certificate()).unwrap();
    let issuer = Certificate::from_der(&pki().authority().certificate().der).unwrap();
    let [first, second] = &stage.host.asked()[..] else { panic!("{:?}", stage.host.asked()) };
    let nonces = [first, second].map(|asked| asked.question[asked.question.len() - 32..].to_vec());
    assert_ne!(nonces[0], nonces[1], "each question is a new one");
    for (asked, nonce) in [(first, &nonces[0]), (second, &nonces[1])] {
        assert_eq!(asked.question, StatusRequest::new(&certificate, &issuer, nonce).der());
        assert!(asked.head.contains("\r\ncontent-type: application/ocsp-request\r\n"), "{}", asked.head);
        for header in ["cookie", "origin", "referer", "authorization", "portal"] {
            assert!(!asked.head.contains(header), "{header}: {}", asked.head);
        }
    }
    assert!(assertion.status_answer().is_some() && again.status_answer().is_some());
}

#[tokio::test]
async fn nobody_is_asked_about_certificates_of_others_or_unless_that_is_set() {
    let other = TestPki::new("somebody else's authorities", NOW).unwrap();
    let stage = Stage::for_issuers(Mood::Says(Status::Good), &[&other]);
    let assertion = sign_in(Some(stage.stapler())).await;
    assert_eq!((assertion.status_answer(), stage.host.asked().len()), (None, 0));

    let ours = pki();
    let stage = Stage::for_issuers(Mood::Says(Status::Good), &[&other, &ours]);
    assert!(sign_in(Some(stage.stapler())).await.status_answer().is_some(), "one of several authorities");

    let certificate_of_nobody = {
        let signed = sign_in(None).await;
        let (algorithm, signature) = (signed.algorithm(), signed.signature().to_vec());
        Assertion::new(vec![0x30, 0x00], algorithm, signature, "latchkey:test".to_owned()).unwrap()
    };
    assert_eq!(stage.stapler().staple(certificate_of_nobody.clone()).await, certificate_of_nobody);
    assert_eq!(stage.host.asked().len(), 1);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.toml");
    let unset = Arc::new(SettingsStore::new(file, Arc::new(Managed::default()), || NOW));
    assert!(Stapler::of(&unset, || NOW).is_none());
}

/// As portals are reached: nothing goes past a proxy that is set.
#[tokio::test]
async fn the_service_is_reached_through_the_proxy_that_is_set() {
    let host = StatusHost::start(pki(), || NOW, Mood::BreaksOff);
    let folder = tempfile::tempdir().unwrap();
    let proxy = host.address.trim_end_matches("/status").to_owned();
    let service = named(folder.path(), "http://status.example/", &[&pki()]);
    let text = format!("{service}[fixed]\nproxy = \"address\"\nproxy_address = {proxy:?}\n");
    let stage = Stage::under(&text, host, folder);
    assert!(sign_in(Some(stage.stapler())).await.status_answer().is_some());
    let head = stage.host.asked()[0].head.clone();
    assert!(head.starts_with("post http://status.example/ http/1.1\r\n"), "{head}");
}

/// The client does not decide: it is the portal that refuses.
#[tokio::test]
async fn a_page_gets_what_the_service_says_whatever_that_is() {
    for (mood, is_stapled) in [
        (Mood::Says(Status::Good), true),
        (Mood::Says(Status::Revoked(NOW)), true),
        (Mood::Says(Status::Unknown), false),
        (Mood::BreaksOff, false),
    ] {
        let stage = Stage::set(mood.clone());
        let assertion = sign_in(Some(stage.stapler())).await;
        assert_eq!(assertion.status_answer().is_some(), is_stapled, "{mood:?}");
    }
}

#[tokio::test]
async fn a_request_that_is_taken_back_waits_for_no_answer() {
    let stage = Stage::set(Mood::KeepsSilent);
    let mut scene = Scene::with_stapler(Some(stage.stapler()));
    scene.holder.replies([Reply::pin()]);
    let mut ticket = scene.submit("portal");
    scene.phase(Phase::AskHandOver).await;
    scene.desk.agree(ticket.number());
    stage.host.is_asked().await;
    assert!(scene.holder.card_was_reset(), "the card is free while the service is asked");
    scene.first(|request| request.phase == Phase::Signing).await;
    scene.desk.end(ticket.number());
    assert_eq!(ticket.outcome().await.unwrap_err(), RequestFailure::HolderEnded);
    // The next one has its turn.
    stage.host.set(Mood::Says(Status::Good));
    scene.holder.replies([Reply::pin()]);
    let mut next = scene.submit("other");
    scene.phase(Phase::AskHandOver).await;
    scene.desk.agree(next.number());
    let Fulfilled::SignedIn(signed) = next.outcome().await.unwrap() else { panic!("no sign-in") };
    assert!(signed.assertion.status_answer().is_some());
}

/// What diagnosis is told: whether somebody answers as status services do, whatever he says.
#[tokio::test(flavor = "multi_thread")]
async fn a_status_service_is_known_by_how_it_answers() {
    use StatusServiceLook::{Answers, Silent, Strange};
    let rows = [
        ("it knows the certificate", Mood::Says(Status::Good), Answers),
        ("it does not know it", Mood::Says(Status::Unknown), Answers),
        ("busy", Mood::Octets(status_service_busy()), Answers),
        ("a page", Mood::Octets(b"<html>".to_vec()), Strange),
        ("an error", Mood::Fails, Strange),
        ("an answer without an end", Mood::Endless, Strange),
        ("elsewhere", Mood::Redirects, Strange),
        ("silent", Mood::KeepsSilent, Silent),
        ("broken off", Mood::BreaksOff, Silent),
    ];
    for (name, mood, expected) in rows {
        let stage = Stage::set(mood);
        let service = stage.settings.managed().status_service().unwrap().clone();
        assert_eq!(service.origin().as_str(), stage.host.address.strip_suffix("/status").unwrap());
        assert_eq!(service.look_at(Access::of(&stage.settings)).await, expected, "{name}");
    }
}
