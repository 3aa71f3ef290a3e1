//! Signed requests: what counts, what does not, whose pages may hand one in, and what it changes for the session.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_client::desk::{Phase, SitesOfThisRun};
use latchkey_client::hand_over::HandOver;
use latchkey_client::service::{CallersOfSystem, Listeners, SignedRequest, TicketRequest, Unverifiable};
use latchkey_client::settings::TerminalSettings;
use latchkey_client::texts::Language;
use latchkey_crypto::assertion::Origin;
use latchkey_crypto::belt;
use latchkey_crypto::cv::rights::{CertHat, DataGroup, EidRights};
use latchkey_crypto::x509::{Certificate, RevocationList, RevocationLists, TrustStore};
use latchkey_fixtures::cv::CvPki;
use latchkey_fixtures::holders::sample_pki;
use latchkey_fixtures::pki::{Revocation, RevocationReason, TestPki};
use latchkey_fixtures::terminal::PlayedTerminal;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::deployed::{authenticate, offered, open, settings};
use crate::holder::{Holder, Reply};
use crate::readers::NOW;
use crate::wire::{PORTAL, Request, Served};

const OTHER: &str = "https://other.example";
const PROVIDER: &str = "https://provider.example";
const TERMINAL: &str = "980000000001";

fn pki() -> TestPki {
    sample_pki(NOW).unwrap()
}

fn trust(pki: &TestPki) -> TrustStore {
    let certificate = |der: &[u8]| Certificate::from_der(der).unwrap();
    let (root, authority) = (&pki.root().certificate().der, &pki.authority().certificate().der);
    TrustStore::new(vec![certificate(root)], vec![certificate(authority)]).unwrap()
}

/// A message that the operator of a portal has signed.
fn signed(contents: &[u8]) -> Vec<u8> {
    let pki = pki();
    pki.signed_by_operator(&pki.operator_certificate().unwrap().der, contents).unwrap()
}

/// As the state's provider asks, as far as that is known.
fn of_provider() -> Vec<u8> {
    let settings = json!({
        "client_id": "an identifier",
        "authority": PROVIDER,
        "redirect_uri": format!("{PORTAL}/signed-in"),
        "scope": "openid profile",
    });
    signed(settings.to_string().as_bytes())
}

fn ticket_request() -> Value {
    json!({
        "format": "latchkey-ticket-1",
        "client": "portal-1",
        "redirect": format!("{PORTAL}/ticket"),
        "origins": [PORTAL, PROVIDER],
        "terminal": "https://terminal.example/api",
        "groups": { "required": [4, 5, 7], "optional": [17, 22] },
        "purpose": { "be": "змяніць адрас", "ru": "изменить адрес", "en": "to change your address" },
        "nonce": STANDARD.encode([7; 16]),
        "issued": "2026-11-22T11:55:00Z",
        "expires": "2026-11-22T12:10:00Z",
    })
}

fn verify(message: &[u8]) -> Result<SignedRequest, Unverifiable> {
    SignedRequest::verify(message, Some(&trust(&pki())), None, NOW)
}

#[test]
fn a_request_counts_if_its_signature_and_path_do() {
    let message = of_provider();
    let request = verify(&message).unwrap();
    let origin = |text: &str| Origin::parse(text).unwrap();
    assert_eq!(request.origins, [origin(PORTAL), origin(PROVIDER)]);
    assert_eq!(request.hash, belt::hash(&[&message]));
    assert_eq!(request.ticket, None);
    let address = format!("{PROVIDER}/auth?client_id=a&redirect_uri=https%3A%2F%2Fportal.example%2Fback&scope=openid");
    assert_eq!(verify(&signed(address.as_bytes())).unwrap().origins, [origin(PORTAL), origin(PROVIDER)]);

    let request = verify(&signed(ticket_request().to_string().as_bytes())).unwrap();
    assert_eq!(request.origins, [origin(PORTAL), origin(PROVIDER)]);
    let shown = request.selected().shown(Language::English, true);
    assert_eq!((shown.purpose.as_deref(), shown.must_be_bound), (Some("to change your address"), true));
}

/// Whether somebody is of age is a right of its own, which is shown and cannot be left out; nothing else need be asked.
#[test]
fn an_age_is_asked_for_as_a_right() {
    let rights = |groups: Value| {
        let mut request = ticket_request();
        request["groups"] = groups;
        request["checks"] = json!({ "ageOver": 18 });
        verify(&signed(request.to_string().as_bytes())).unwrap().ticket.unwrap().rights().unwrap()
    };
    let read = |number| EidRights::read(DataGroup::new(number).unwrap());
    let (required, optional) = rights(json!({ "required": [7], "optional": [4] }));
    assert_eq!((required.eid, optional.eid), (read(7) | EidRights::AGE_VERIFICATION, read(4)));
    assert_eq!(rights(json!({ "required": [] })).0.eid, EidRights::AGE_VERIFICATION);
}

#[test]
fn nothing_else_counts() {
    let message = of_provider();
    assert_eq!(SignedRequest::verify(&message, None, None, NOW), Err(Unverifiable::NoAuthority));
    let other = TestPki::new("somebody else's authorities", NOW).unwrap();
    assert_eq!(SignedRequest::verify(&message, Some(&trust(&other)), None, NOW), Err(Unverifiable::Signer));
    let later = NOW + time::Duration::days(20 * 365);
    assert_eq!(SignedRequest::verify(&message, Some(&trust(&pki())), None, later), Err(Unverifiable::Signer));
    assert_eq!(verify(b"no message"), Err(Unverifiable::Message));
    let at = message.windows(14).position(|part| part == b"portal.example").unwrap();
    let mut altered = message.clone();
    altered[at] = b'P';
    assert_eq!(verify(&altered), Err(Unverifiable::Signature));
    for kept in 0..message.len() {
        assert!(verify(&message[..kept]).is_err(), "{kept} octets of a message");
    }
    for contents in ["", "[]", "{}", "redirect_uri=portal", r#"{"redirect_uri":"http://portal.example"}"#] {
        assert_eq!(verify(&signed(contents.as_bytes())), Err(Unverifiable::Contents), "{contents}");
    }
}

/// That the operator's key is known to others.
fn revoked() -> Revocation {
    let serial_number = pki().operator_certificate().unwrap().serial_number;
    Revocation { serial_number, revoked_at: NOW, reason: RevocationReason::KeyCompromise }
}

/// Where lists are set, a signer counts while a current one of each authority says that he is not revoked.
#[test]
fn a_revoked_signers_request_does_not_count() {
    let (pki, message) = (pki(), of_provider());
    let lists = |of_root: &[u8], of_authority: &[u8]| {
        let mut lists = RevocationLists::new();
        for (list, issuer) in [(of_root, pki.root()), (of_authority, pki.authority())] {
            let issuer = Certificate::from_der(&issuer.certificate().der).unwrap();
            if !list.is_empty() {
                lists.insert(RevocationList::from_der(list).unwrap().verified_by(&issuer).unwrap());
            }
        }
        lists
    };
    let judged = |lists: &RevocationLists, now| SignedRequest::verify(&message, Some(&trust(&pki)), Some(lists), now);
    let nobody =
        (pki.root().revocation_list(&[], NOW, 1).unwrap(), pki.authority().revocation_list(&[], NOW, 1).unwrap());
    let revoked = pki.authority().revocation_list(&[revoked()], NOW, 2).unwrap();
    assert!(judged(&lists(&nobody.0, &nobody.1), NOW).is_ok());
    for (name, lists, now) in [
        ("revoked", lists(&nobody.0, &revoked), NOW),
        ("without its authority's list", lists(&nobody.0, &[]), NOW),
        ("without the root's list", lists(&[], &nobody.1), NOW),
        ("after the lists' end", lists(&nobody.0, &nobody.1), NOW + time::Duration::days(60)),
    ] {
        assert_eq!(judged(&lists, now), Err(Unverifiable::Revocation), "{name}");
    }
}

/// Files are read when they change; an older list does not bring anybody back.
#[tokio::test]
async fn a_changed_revocation_list_counts_at_the_next_request() {
    let (pki, folder) = (pki(), tempfile::tempdir().unwrap());
    let file = |name: &str| folder.path().join(name);
    let write = |name: &str, list: &[u8]| std::fs::write(file(name), list).unwrap();
    let terminals = TerminalSettings {
        request_authorities: Some(trust(&pki)),
        request_revocation_lists: vec![file("root.crl"), file("authority.crl")],
        ..settings()
    };
    let sites = Arc::new(SitesOfThisRun::new(|| NOW));
    let served = Served::with_terminals(Holder::with_card(), sites, Arc::new(CallersOfSystem), Arc::new(terminals));
    let body = select(&of_provider());
    let selected = async || served.ask(Request::post("/select_auth", &body)).await.status;
    assert_eq!(selected().await, 422, "there are no lists yet");
    write("root.crl", &pki.root().revocation_list(&[], NOW, 1).unwrap());
    let nobody = pki.authority().revocation_list(&[], NOW, 1).unwrap();
    write("authority.crl", &nobody);
    assert_eq!(selected().await, 200);
    write("authority.crl", b"no list");
    assert_eq!(selected().await, 200, "what cannot be read changes nothing");
    write("authority.crl", &pki.authority().revocation_list(&[revoked()], NOW, 2).unwrap());
    assert_eq!(selected().await, 422);
    write("authority.crl", &nobody);
    assert_eq!(selected().await, 422, "an older list brings nobody back");
}

/// Our own form is whole or nothing: what is left out or twisted is not read as the provider's form either.
#[test]
fn a_request_in_our_own_form_says_everything() {
    let with = |field: &str, value: Value| {
        let mut request = ticket_request();
        request[field] = value;
        verify(&signed(request.to_string().as_bytes()))
    };
    let rows = [
        ("format", json!("latchkey-ticket-2")),
        ("client", json!("")),
        ("redirect", json!("https://elsewhere.example/ticket")),
        ("redirect", json!("http://portal.example/ticket")),
        ("origins", json!([])),
        ("origins", json!(["https://PORTAL.example"])),
        ("terminal", json!("http://terminal.example")),
        ("groups", json!({ "required": [], "optional": [] })),
        ("groups", json!({ "required": [23], "optional": [] })),
        ("groups", json!({ "required": [4, 4], "optional": [] })),
        ("groups", json!({ "required": [4], "optional": [4] })),
        ("purpose", json!({ "be": "", "ru": "a", "en": "a" })),
        ("checks", json!({ "ageOver": 0 })),
        ("checks", json!({ "ageOver": 121 })),
        ("checks", json!({ "ageOver": "18" })),
        ("checks", json!({ "bornBy": "20080504" })),
        ("nonce", json!("AAAA")),
        ("issued", json!("yesterday")),
        ("expires", json!("2026-11-22T13:10:00Z")),
    ];
    for (field, value) in rows {
        assert_eq!(with(field, value.clone()), Err(Unverifiable::Contents), "{field}: {value}");
    }
    for (field, value) in [("expires", "2026-11-22T11:59:59Z"), ("issued", "2026-11-22T12:06:00Z")] {
        assert_eq!(with(field, json!(value)), Err(Unverifiable::OutOfDate), "{field}");
    }
    let mut more = ticket_request();
    more["scope"] = json!("everything");
    assert_eq!(verify(&signed(more.to_string().as_bytes())), Err(Unverifiable::Contents));
}

fn served() -> Served {
    let terminals = TerminalSettings { request_authorities: Some(trust(&pki())), ..settings() };
    let sites = Arc::new(SitesOfThisRun::new(|| NOW));
    Served::with_terminals(Holder::with_card(), sites, Arc::new(CallersOfSystem), Arc::new(terminals))
}

fn select(message: &[u8]) -> String {
    json!({ "data": STANDARD.encode(message) }).to_string()
}

#[tokio::test]
async fn a_selected_request_is_shown_once_to_its_sites_holder() {
    let mut served = served();
    let message = of_provider();
    let body = select(&message);
    let answer = served.ask(Request::post("/select_auth", &body)).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"step 0":"OK"}"#));
    // Another site's page does not get it.
    let page = served.send(Request::post("/data_groups", "{}").with("Origin", OTHER)).await;
    let request = served.scene.first(|request| request.phase == Phase::AskHandOver).await;
    assert_eq!(request.disclosure.unwrap().request, None);
    drop(page);
    served.scene.empty().await;
    // The provider's page does, once.
    for expected in [true, false] {
        let page = served.send(Request::post("/data_groups", "{}").with("Origin", PROVIDER)).await;
        let request = served.scene.first(|request| request.phase == Phase::AskHandOver).await;
        let verified = request.disclosure.unwrap().request;
        assert_eq!(verified.map(|request| request.hash), expected.then(|| belt::hash(&[&message])));
        drop(page);
        served.scene.empty().await;
    }
}

#[tokio::test]
async fn a_request_that_does_not_count_is_no_success() {
    let served = served();
    let (message, other) = (of_provider(), b"no message".to_vec());
    let answer = served.ask(Request::post("/select_auth", &select(&other))).await;
    assert_eq!((answer.status, answer.code().as_str()), (422, "request-unverifiable"));
    let body = select(&message);
    let answer = served.ask(Request::post("/select_auth", &body).with("Origin", OTHER)).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "request-of-other-site"));
    let answer = served.ask(Request::post("/select_auth", r#"{"data":"*"}"#)).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "body-malformed"));
    let answer = served.ask(Request::post("/select_auth", "{}")).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "body-malformed"));
}

/// A program that starts anew in place between the request and its session.
#[tokio::test]
async fn a_selected_request_is_there_for_the_service_that_goes_on() {
    let mut served = served();
    let message = of_provider();
    assert_eq!(served.ask(Request::post("/select_auth", &select(&message))).await.status, 200);
    let (sockets, memory) = served.left().await;
    let handed_over = HandOver { sockets, memory, instance: None }.put().unwrap();
    let HandOver { sockets, memory, .. } = HandOver::take(handed_over).unwrap();
    let listeners = Listeners::of(sockets, served.port).unwrap();
    served.go_on(listeners, memory);
    let _page = served.send(Request::post("/data_groups", "{}").with("Origin", PROVIDER)).await;
    let request = served.scene.first(|request| request.phase == Phase::AskHandOver).await;
    assert_eq!(request.disclosure.unwrap().request.unwrap().hash, belt::hash(&[&message]));
}

/// Both of the request's sites drive the session; the terminal may bind it to this request and to no other.
#[tokio::test]
async fn a_terminal_can_be_bound_to_the_selected_request_and_to_no_other() {
    let message = of_provider();
    let cv = pki().cv_pki().unwrap();
    for (hash, number) in [(belt::hash(&[&message]), "0"), ([8; 32], "9")] {
        let mut served = served();
        served.ask(Request::post("/select_auth", &select(&message))).await;
        open(&mut served).await;
        let terminal = PlayedTerminal::new(&cv, TERMINAL, CvPki::sign_in_rights(), Some(hash)).unwrap();
        let body = offered(&terminal).to_string();
        let answer = served.ask(Request::post("/api/v1/terminal_proxy_bauth_init", &body)).await.json();
        assert_eq!(answer["err"], number);
        if number == "9" {
            assert_eq!(answer["code"], "terminal-request-other");
        }
    }
}

#[tokio::test]
async fn the_holder_leaves_out_what_a_ticket_may_do_without() {
    let mut served = served();
    served.scene.holder.replies([Reply::pin()]);
    let message = signed(ticket_request().to_string().as_bytes());
    let body = json!({ "request": STANDARD.encode(&message) }).to_string();
    let foreign = served.ask(Request::post("/latchkey/v1/ticket", &body).with("Origin", OTHER)).await;
    assert_eq!((foreign.status, foreign.code().as_str()), (403, "request-of-other-site"));

    let mut page = served.send(Request::post("/latchkey/v1/ticket", &body).and("Accept-Language", "be")).await;
    let asked = served.scene.first(|request| request.phase == Phase::AskHandOver).await;
    let disclosure = asked.disclosure.unwrap();
    assert_eq!(disclosure.request.as_ref().unwrap().purpose.as_deref(), Some("змяніць адрас"));
    let choices = disclosure.choices();
    assert_eq!(choices.len(), 2);
    served.scene.desk.narrow(asked.id, disclosure.with_choice(0, false));
    served.scene.desk.agree(asked.id);
    let answer = page.answer().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = answer.json();
    assert_eq!(answer["requestHash"], STANDARD.encode(belt::hash(&[&message])));
    let read = |number| EidRights::read(DataGroup::new(number).unwrap());
    let kept = read(4) | read(5) | read(7) | read(22);
    assert_eq!(answer["certhat"], STANDARD.encode(CertHat::Eid(kept).to_octets()), "what was left out is asked for");

    // The terminal has to be bound to the request.
    let cv = pki().cv_pki().unwrap();
    let mut bound = PlayedTerminal::new(&cv, TERMINAL, CvPki::sign_in_rights(), Some(belt::hash(&[&message]))).unwrap();
    authenticate(&served, &mut bound, &answer).await;
}

proptest! {
    /// The signature covers what is asked, the path whoever asks, and the hash the rest: the number of the message's version.
    #[test]
    fn an_altered_message_is_no_request(place: prop::sample::Index, mask in 1_u8.., ours: bool) {
        let message = if ours { signed(ticket_request().to_string().as_bytes()) } else { of_provider() };
        let mut altered = message.clone();
        let place = place.index(altered.len());
        altered[place] ^= mask;
        if let Ok(request) = verify(&altered) {
            let same = verify(&message).unwrap();
            prop_assert_ne!(request.hash, same.hash);
            prop_assert_eq!(SignedRequest { hash: same.hash, ..request }, same, "octet {}, {:02X}", place, mask);
        }
    }

    /// Whatever somebody who may sign has signed: it is whole, or does not count.
    #[test]
    fn altered_contents_are_whole_or_do_not_count(place: prop::sample::Index, mask in 1_u8.., cut: prop::sample::Index) {
        let whole = ticket_request().to_string().into_bytes();
        let (mut altered, cut) = (whole.clone(), &whole[..cut.index(whole.len())]);
        let place = place.index(altered.len());
        altered[place] ^= mask;
        prop_assert!(verify(&signed(cut)).is_err());
        if let Ok(request) = verify(&signed(&altered)) {
            let ticket = request.ticket.clone();
            prop_assert!(ticket.is_some_and(|ticket| ticket.rights().is_some()));
            prop_assert!((1..=2).contains(&request.origins.len()));
            let shown = request.selected().shown(Language::Russian, true);
            prop_assert!(shown.purpose.is_some_and(|purpose| !purpose.trim().is_empty()));
        }
    }

    #[test]
    fn octets_are_no_request(octets in any::<Vec<u8>>()) {
        prop_assert!(verify(&octets).is_err());
        prop_assert!(serde_json::from_slice::<TicketRequest>(&octets).is_err());
    }
}
