//! The standard's ticket flow: a relying party's signed request, the holder's choice, the card's binding, a signed answer.

use std::path::Path;

use latchkey_card::bauth::TerminalTemplate;
use latchkey_card::profile::Profile;
use latchkey_card::rights::{Authority, CertHat, DataGroup, EidRights, EsignRights};
use latchkey_crypto::belt;
use latchkey_crypto::bign::PrivateKey;
use latchkey_crypto::cms::{
    ContentHasher, DigestAlgorithm, SignatureForm, SignaturePolicy, SignedAttributes, SignedMessage,
};
use latchkey_crypto::hash::HashAlgorithm;
use latchkey_crypto::signature::SignatureAlgorithm;
use latchkey_crypto::x509::Certificate;
use latchkey_fixtures::cv::CvPki;
use latchkey_fixtures::holders::{Holder, sample_holders, sample_pki};
use latchkey_fixtures::pki::{PersonOrder, TestPki, Validity};
use latchkey_portal::terminal::TerminalRules;
use serde_json::{Value, json};
use time::Duration;
use time::format_description::well_known::Rfc3339;

use super::attacks::Emulator;
use super::credentials::{configured, write, write_sealed};
use super::world::{Session, World, base64, octets, open_card};
use crate::support::{NOW, trust};

const TERMINAL: &str = "https://terminal.example/";
/// Whose key the fixtures' authorities certified for an organisation.
pub(super) const OPERATOR: &str = "operator";

/// What the terminal signs tickets with, and the relying party whose requests it takes.
pub(super) fn with_tickets(directory: &Path, _: &CvPki) {
    let pki = sample_pki(NOW).unwrap();
    let operator = pki.operator_certificate().unwrap().der;
    write(directory, "client.cert.der", &operator, 0o644);
    write(directory, "tickets.cert.der", &operator, 0o644);
    write(directory, "tickets.password", b"tickets\n", 0o600);
    write_sealed(directory, "tickets.sk", &pki.key_of(OPERATOR), "tickets");
}

pub(crate) async fn world() -> World {
    world_with(|_| {}).await
}

/// With other rules.
pub(crate) async fn world_with(change: impl FnOnce(&mut TerminalRules)) -> World {
    World::configured(&format!("{}\n{}", configured(), tickets_section()), change, with_tickets).await
}

pub(super) fn tickets_section() -> String {
    let (_, section) = include_str!("../../../portal.example.toml").split_once("#[terminal.tickets]").unwrap();
    let settings = section.lines().filter_map(|line| line.strip_prefix('#')).filter(|line| !line.starts_with(' '));
    format!("[terminal.tickets]\n{}\n", settings.collect::<Vec<_>>().join("\n"))
}

pub(super) fn request() -> Value {
    json!({
        "format": "latchkey-ticket-1",
        "client": "portal-1",
        "redirect": "https://portal.example/ticket",
        "origins": ["https://portal.example"],
        "terminal": TERMINAL,
        "groups": { "required": [4, 5, 7], "optional": [1, 17] },
        "purpose": { "be": "змяніць адрас", "ru": "изменить адрес", "en": "to change your address" },
        "nonce": base64(&[7; 16]),
        "issued": NOW.format(&Rfc3339).unwrap(),
        "expires": (NOW + Duration::minutes(15)).format(&Rfc3339).unwrap(),
    })
}

/// CMS SignedData by that key, with the contents inside.
fn signed_by(certificate: &[u8], key: &PrivateKey, contents: &[u8]) -> Vec<u8> {
    let certificate = Certificate::from_der(certificate).unwrap();
    let algorithm = SignatureAlgorithm::Bign(HashAlgorithm::BeltHash);
    let mut hasher = ContentHasher::new(DigestAlgorithm::of_signature(algorithm));
    hasher.update(contents);
    let attributes = SignedAttributes::new(hasher.finish(), certificate, algorithm, NOW).unwrap();
    let signature = key.sign_hash(&attributes.hash().try_into().unwrap());
    let signed = attributes.signed(&signature).unwrap();
    let parts = signed.attached_to(contents.len() as u64);
    [parts.head.as_slice(), contents, &parts.tail].concat()
}

pub(super) fn signed(pki: &TestPki, request: &Value) -> Vec<u8> {
    let operator = pki.operator_certificate().unwrap().der;
    signed_by(&operator, &pki.key_of(OPERATOR), request.to_string().as_bytes())
}

/// What the holder agreed to.
fn agreed(groups: &[u8]) -> (Authority, Vec<u8>) {
    let groups = groups.iter().filter_map(|number| DataGroup::new(*number));
    let eid = groups.fold(EidRights::NONE, |all, group| all | EidRights::read(group));
    let esign = EsignRights::TERMINAL_SIGNING;
    let certhat = [CertHat::Eid(eid).to_octets(), CertHat::Esign(esign).to_octets()].concat();
    (Authority { eid: Some(eid), esign: Some(esign), signatures: None }, certhat)
}

/// Begins with a request and has card and terminal prove themselves.
pub(super) async fn established<'c>(
    world: &World,
    card: &'c mut latchkey_fixtures::vcard::VirtualCard,
    profile: &'c Profile,
    holder: &Holder,
    message: &[u8],
    groups: &[u8],
) -> Session<'c> {
    let back_end = world.back_end();
    let (authority, certhat) = agreed(groups);
    let begun = json!({ "request": base64(message), "certhat": base64(&certhat) });
    let begun = back_end.ask_at("/latchkey/v1/tickets", begun).await;
    let hreq = begun["hreq"].as_str().unwrap().to_owned();
    let template = TerminalTemplate::parse(&octets(&begun["cmd_to_card"])).unwrap();
    assert_eq!(template.request_hash(), Some(&belt::hash(&[message])), "the card binds the session to the request");
    let (authenticating, m1) = open_card(card, profile, holder, &authority, &begun);
    let next = back_end.ask("bauth_process", json!({ "hreq": hreq, "card_response": base64(&m1) })).await;
    let (channel, m3) = authenticating.relay_m2(&octets(&next["cmd_to_card"])).unwrap();
    let last = back_end.ask("bauth_process", json!({ "hreq": hreq, "card_response": base64(&m3) })).await;
    assert_eq!(last["is_bauth_established"], true);
    Session { channel, back_end, hreq }
}

pub(super) async fn read(session: &mut Session<'_>) {
    let mut command = session.ask_at("/latchkey/v1/tickets/read", json!({})).await;
    while command["is_last_dg_readed"] != json!(true) {
        let answer = session.relay(&command);
        command = session.ask("read_dg", json!({ "card_response": answer })).await;
    }
}

#[tokio::test]
async fn a_ticket_says_what_the_holder_agreed_to_for_one_request() {
    let world = world().await;
    let holder = &sample_holders()[0];
    let message = signed(&world.pki, &request());
    let (mut card, profile) = (world.card(), Profile::standard());
    // The address, which is optional, was left out.
    let mut session = established(&world, &mut card, &profile, holder, &message, &[1, 4, 5, 7]).await;
    read(&mut session).await;
    let ticket = octets(&session.ask_at("/latchkey/v1/tickets/issue", json!({})).await["ticket"]);

    let mut contents = Vec::new();
    let read = SignedMessage::read(ticket.as_slice(), |part| {
        contents.extend_from_slice(part);
        Ok(())
    });
    let (trust, lists) = (trust(&world.pki), world.lists.current());
    let verdicts = read.unwrap().judge(None, &SignaturePolicy { trust: &trust, revocation: &*lists }, NOW);
    let [Ok(verified)] = verdicts.as_slice() else { panic!("{verdicts:?}") };
    assert_eq!(verified.form, SignatureForm::CadesBaseline);
    let ticket: Value = serde_json::from_slice(&contents).unwrap();
    assert_eq!(ticket["requestHash"], base64(&belt::hash(&[&message])));
    for member in ["client", "redirect", "nonce"] {
        assert_eq!(ticket[member], request()[member], "{member}");
    }
    assert_eq!((&ticket["assurance"], &ticket["documentStatus"]), (&json!("high"), &json!("valid")));
    assert_eq!(ticket["personalData"]["ID"], holder.person.personal_number);
    let groups: Vec<_> = ticket["groups"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(groups, ["dg1", "dg4", "dg5", "dg7"]);

    let again = session.post_at("/latchkey/v1/tickets/issue", json!({})).await;
    assert_eq!(again.refusal(), (409, "terminal-wrong-order".to_owned()), "once");
}

/// A session that a request began is for nothing but its ticket, and no other session gives one.
#[tokio::test]
async fn a_ticket_and_other_sessions_are_kept_apart() {
    let world = world().await;
    let message = signed(&world.pki, &request());
    let holder = &sample_holders()[0];
    for (request, body) in [
        ("/api/v1/read_dg_init", json!({ "data_groups_to_read": ["dg4"] })),
        ("/api/v1/request_dg", json!({})),
        ("/api/v1/sign_init", json!({})),
    ] {
        let (mut card, profile) = (world.card(), Profile::standard());
        let mut session = established(&world, &mut card, &profile, holder, &message, &[4, 5, 7]).await;
        read(&mut session).await;
        let refused = session.post_at(request, body).await;
        assert_eq!(refused.refusal(), (409, "terminal-wrong-order".to_owned()), "{request}");
    }
    for request in ["/latchkey/v1/tickets/read", "/latchkey/v1/tickets/issue"] {
        let (mut card, profile) = (world.card(), Profile::standard());
        let mut session = Session::established(world.back_end(), &mut card, &profile).await;
        session.read(&["dg1", "dg3"]).await;
        let refused = session.post_at(request, json!({})).await;
        assert_eq!(refused.refusal(), (409, "terminal-wrong-order".to_owned()), "{request}");
    }
}

#[tokio::test]
async fn what_is_no_request_of_a_known_relying_party_begins_nothing() {
    let world = world().await;
    let pki = &world.pki;
    let changed = |member: &str, value: Value| {
        let mut request = request();
        request[member] = value;
        signed(pki, &request)
    };
    let time = |after: Duration| json!((NOW + after).format(&Rfc3339).unwrap());
    let holder = &sample_holders()[0];
    let person_key = pki.key_of("somebody");
    let order = PersonOrder::card_held(
        &holder.person,
        &person_key.public_key(),
        "somebody",
        Validity::days_around(NOW, -1, 100),
    );
    let person = pki.authority().issue_to_person(&order.unwrap()).unwrap().der;
    let stranger = TestPki::new("stranger", NOW).unwrap();
    let mut altered = signed(pki, &request());
    let at = altered.windows(8).position(|part| part == b"portal-1").unwrap();
    altered[at] ^= 1;
    let rows: [(&str, Vec<u8>); 11] = [
        ("no message", b"no message".to_vec()),
        ("altered", altered),
        ("signed by somebody with a certificate", signed_by(&person, &person_key, request().to_string().as_bytes())),
        ("signed under other authorities", signed(&stranger, &request())),
        ("of another format", changed("format", json!("latchkey-ticket-2"))),
        ("for another terminal", changed("terminal", json!("https://other.example/"))),
        ("that is over", changed("expires", time(Duration::ZERO))),
        ("that is yet to come", changed("issued", time(Duration::minutes(6)))),
        ("that is good for too long", changed("expires", time(Duration::minutes(61)))),
        ("with a short nonce", changed("nonce", json!(base64(&[7; 15])))),
        ("with a member that nobody knows", changed("admin", json!(true))),
    ];
    let (_, certhat) = agreed(&[4, 5, 7]);
    for (name, message) in rows {
        let body = json!({ "request": base64(&message), "certhat": base64(&certhat) });
        let refused = world.back_end().post_at("/latchkey/v1/tickets", body).await;
        assert_eq!(refused.refusal(), (422, "ticket-request-refused".to_owned()), "a request {name}");
    }
    let body = json!({ "request": base64(&signed(pki, &request())), "certhat": base64(b"no rights") });
    let refused = world.back_end().post_at("/latchkey/v1/tickets", body).await;
    assert_eq!(refused.refusal(), (422, "ticket-request-refused".to_owned()), "rights that are none");
    let body = json!({ "request": base64(&vec![0; 64 * 1024 + 1]), "certhat": "" });
    assert_eq!(world.back_end().post_at("/latchkey/v1/tickets", body).await.status, 413);

    let without = World::new().await;
    let body = json!({ "request": base64(&signed(pki, &request())), "certhat": base64(&certhat) });
    let refused = without.back_end().post_at("/latchkey/v1/tickets", body).await;
    assert_eq!(refused.refusal(), (422, "ticket-request-refused".to_owned()), "where no tickets are issued");
}

#[tokio::test]
async fn there_is_no_ticket_without_the_required_groups() {
    let world = world().await;
    let message = signed(&world.pki, &request());
    let (_, certhat) = agreed(&[4, 5]);
    let body = json!({ "request": base64(&message), "certhat": base64(&certhat) });
    let refused = world.back_end().post_at("/latchkey/v1/tickets", body).await;
    assert_eq!(refused.refusal(), (422, "ticket-groups-missing".to_owned()), "the holder refused one");

    // A card that has not got one of them.
    let mut wanted = request();
    wanted["groups"] = json!({ "required": [4, 22] });
    let message = signed(&world.pki, &wanted);
    let holder = &sample_holders()[1];
    assert!(holder.email.is_none());
    let (mut card, profile) = (world.card_of(holder), Profile::standard());
    let mut session = established(&world, &mut card, &profile, holder, &message, &[4, 22]).await;
    read(&mut session).await;
    let refused = session.post_at("/latchkey/v1/tickets/issue", json!({})).await;
    assert_eq!(refused.refusal(), (422, "ticket-groups-missing".to_owned()));
}

/// Of a card that has not proved itself nothing is told, whatever is asked for and in which order.
#[tokio::test]
async fn a_card_that_has_proved_nothing_gets_no_ticket() {
    let world = world().await;
    let message = signed(&world.pki, &request());
    let (authority, certhat) = agreed(&[4, 5, 7]);
    let body = json!({ "request": base64(&message), "certhat": base64(&certhat) });
    let back_end = world.back_end();
    let requests = [
        ("/latchkey/v1/tickets/read", json!({})),
        ("/latchkey/v1/tickets/issue", json!({})),
        ("/api/v1/read_dg", json!({ "card_response": base64(&[0x90, 0x00]) })),
        ("/api/v1/request_dg", json!({})),
    ];
    for has_m1 in [false, true] {
        for (path, more) in &requests {
            let begun = back_end.ask_at("/latchkey/v1/tickets", body.clone()).await;
            let (mut card, profile) = (world.card(), Profile::standard());
            let (_, m1) = open_card(&mut card, &profile, &sample_holders()[0], &authority, &begun);
            if has_m1 {
                let answer = json!({ "hreq": begun["hreq"], "card_response": base64(&m1) });
                back_end.ask("bauth_process", answer).await;
            }
            let mut more = more.clone();
            more["hreq"] = begun["hreq"].clone();
            let refused = back_end.post_at(path, more.clone()).await;
            assert_eq!(refused.refusal(), (409, "terminal-wrong-order".to_owned()), "{path}");
            let after = back_end.post_at("/latchkey/v1/tickets/issue", more).await;
            assert_eq!(after.refusal(), (404, "terminal-session-unknown".to_owned()), "{path}: it is over");
        }
    }
    // Without the key of its certificate it ends like every other session.
    let begun = back_end.ask_at("/latchkey/v1/tickets", body).await;
    let genuine = world.cv.card("BY0000001").unwrap();
    let own = PrivateKey::generate(&mut latchkey_fixtures::random::Seeded::new("the emulator's own"));
    let octets = genuine.certificate.to_octets();
    let (answer, hreq) = Emulator { key: &own, certificate: &octets }.authenticate_in(&back_end, begun, &certhat).await;
    assert_eq!(answer.refusal(), (422, "terminal-card-not-genuine".to_owned()));
    let after = back_end.post_at("/latchkey/v1/tickets/read", json!({ "hreq": hreq })).await;
    assert_eq!(after.refusal(), (404, "terminal-session-unknown".to_owned()));
}

/// A page that claims more of the holder's agreement than the card was told gets no common key with it.
#[tokio::test]
async fn the_holders_choice_cannot_be_claimed_to_be_another() {
    let world = world().await;
    let message = signed(&world.pki, &request());
    let (_, claimed) = agreed(&[1, 4, 5, 7, 17]);
    let body = json!({ "request": base64(&message), "certhat": base64(&claimed) });
    let begun = world.back_end().ask_at("/latchkey/v1/tickets", body).await;
    let (mut card, profile) = (world.card(), Profile::standard());
    let (authority, _) = agreed(&[4, 5, 7]);
    let (authenticating, m1) = open_card(&mut card, &profile, &sample_holders()[0], &authority, &begun);
    let answer = json!({ "hreq": begun["hreq"], "card_response": base64(&m1) });
    let next = world.back_end().ask("bauth_process", answer).await;
    assert!(authenticating.relay_m2(&octets(&next["cmd_to_card"])).is_err());
}

/// A request that a relying party makes, and that the terminal takes.
pub(crate) fn sound_request(world: &World) -> Vec<u8> {
    signed(&world.pki, &request())
}
