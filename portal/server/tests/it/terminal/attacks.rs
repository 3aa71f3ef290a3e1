//! Who is not identified, and what nobody learns.

use latchkey_card::bauth::{BilateralM2, M1, M3};
use latchkey_card::dialogue::{AgreedActs, DialogueError, Selected};
use latchkey_card::password::{Can, Password as _};
use latchkey_card::profile::Profile;
use latchkey_card::rights::{CertHat, EsignRights};
use latchkey_crypto::bauth::CardWaiting;
use latchkey_crypto::bign::PrivateKey;
use latchkey_crypto::cv::{Certificate, CertificateBody, Date, Period};
use latchkey_fixtures::card_image::{CipherEdition, CipherEditions};
use latchkey_fixtures::cv::CvPki;
use latchkey_fixtures::holders::{issue_card, sample_holders};
use latchkey_fixtures::pki::{Revocation, RevocationReason};
use latchkey_fixtures::random::Seeded;
use serde_json::{Value, json};
use time::Duration;
use tokio::task::JoinSet;

use super::credentials::write;
use super::world::{ALL_GROUPS, BackEnd, Session, World, base64, caller, inserted, octets, open_card, usual_authority};
use crate::support::{NOW, change, everything_in};

/// A program that speaks for a card that it has not: it knows the protocol, and whatever certificate it is given.
pub(super) struct Emulator<'a> {
    pub(super) key: &'a PrivateKey,
    pub(super) certificate: &'a [u8],
}

impl Emulator<'_> {
    /// Goes through the authentication as a card would; gives the terminal's last answer, and the session.
    async fn authenticate(&self, back_end: &BackEnd) -> (crate::support::Answer, Value) {
        let authority = usual_authority();
        let rights = [
            CertHat::Eid(authority.eid.unwrap()).to_octets(),
            CertHat::Esign(EsignRights::TERMINAL_SIGNING).to_octets(),
        ];
        self.authenticate_in(back_end, back_end.begin().await, &rights.concat()).await
    }

    /// The same in a session that has begun, for a card that was sent these rights.
    pub(super) async fn authenticate_in(
        &self,
        back_end: &BackEnd,
        begun: Value,
        rights: &[u8],
    ) -> (crate::support::Answer, Value) {
        let terminal = latchkey_card::bauth::terminal_certificates(&octets(&begun["terminal_certificate"])).unwrap();
        let key = terminal.last().unwrap().body().key.octets().try_into().unwrap();
        let (waiting, m1) = CardWaiting::start(&key, &mut Seeded::new("emulator")).unwrap();
        let answer = json!({ "hreq": begun["hreq"], "card_response": base64(&M1::encode(&m1)) });
        let next = back_end.ask("bauth_process", answer).await;
        let m2 = BilateralM2::decode(&octets(&next["cmd_to_card"])).unwrap();
        let hello = [octets(&begun["cmd_to_card"]).as_slice(), rights].concat();
        let (m3, _) = waiting.receive_bilateral_m2(&m2, &hello, self.key, self.certificate).unwrap();
        let answer = json!({ "hreq": begun["hreq"], "card_response": base64(&M3::encode(&m3)) });
        (back_end.post("bauth_process", answer).await, begun["hreq"].clone())
    }
}

/// A card certificate of the authority for that key.
fn certificate(cv: &CvPki, change: impl FnOnce(&mut CertificateBody)) -> Certificate {
    let mut body = cv.card("BY0000001").unwrap().certificate.body().clone();
    change(&mut body);
    body.sign(&cv.authority().key)
}

#[tokio::test]
async fn nobody_is_identified_without_the_cards_key_and_a_trusted_certificate_in_force() {
    let world = World::new().await;
    let genuine = world.cv.card("BY0000001").unwrap();
    let own = PrivateKey::generate(&mut Seeded::new("the emulator's own"));
    let stranger = CvPki::new("stranger", NOW.date()).unwrap().card("BY0000001").unwrap();
    let day = |after: i64| Date::try_from(NOW.date() + Duration::days(after)).unwrap();
    let period = |from, until| Period::new(day(from), day(until)).unwrap();
    let over = certificate(&world.cv, |body| body.period = period(-30, -1));
    let to_come = certificate(&world.cv, |body| body.period = period(1, 30));
    let with_rights = certificate(&world.cv, |body| body.rights = CvPki::sign_in_rights());
    let mut altered = genuine.certificate.to_octets();
    *altered.last_mut().unwrap() ^= 1;
    let rows: [(&str, &PrivateKey, Vec<u8>); 8] = [
        ("a genuine certificate without its key", &own, genuine.certificate.to_octets()),
        ("another authority's card", &stranger.key, stranger.certificate.to_octets()),
        ("a certificate that is over", &genuine.key, over.to_octets()),
        ("a certificate that is yet to come", &genuine.key, to_come.to_octets()),
        ("a card with a terminal's rights", &genuine.key, with_rights.to_octets()),
        ("an altered certificate", &genuine.key, altered),
        ("an authority's certificate", &world.cv.authority().key, world.cv.authority().certificate.to_octets()),
        ("no certificate", &genuine.key, b"no certificate".to_vec()),
    ];
    for (name, key, certificate) in rows {
        let emulator = Emulator { key, certificate: &certificate };
        let (answer, hreq) = emulator.authenticate(&world.back_end()).await;
        assert_eq!(answer.refusal(), (422, "terminal-card-not-genuine".to_owned()), "{name}");
        for request in ["request_dg", "sign_init"] {
            let after = world.back_end().post(request, json!({ "hreq": hreq })).await;
            assert_eq!(after.refusal(), (404, "terminal-session-unknown".to_owned()), "{name}: {request}");
        }
    }
    // The same program with the card's own key is a card.
    let octets = genuine.certificate.to_octets();
    let (answer, _) = Emulator { key: &genuine.key, certificate: &octets }.authenticate(&world.back_end()).await;
    assert_eq!(answer.json()["is_bauth_established"], true);
}

/// A card that only accepts the terminal has proved nothing: there is no M3, and nothing without it.
#[tokio::test]
async fn a_unilateral_run_identifies_nobody() {
    let world = World::new().await;
    let back_end = world.back_end();
    for accepted in [vec![0x90, 0x00], Vec::new()] {
        let begun = back_end.begin().await;
        let (mut card, profile) = (world.card(), Profile::standard());
        let (_, m1) = open_card(&mut card, &profile, &sample_holders()[0], &usual_authority(), &begun);
        let hreq = &begun["hreq"];
        back_end.ask("bauth_process", json!({ "hreq": hreq, "card_response": base64(&m1) })).await;
        let answer = back_end.post("bauth_process", json!({ "hreq": hreq, "card_response": base64(&accepted) })).await;
        assert_eq!(answer.refusal(), (422, "terminal-answer-malformed".to_owned()));
        let after = back_end.post("request_dg", json!({ "hreq": hreq })).await;
        assert_eq!(after.refusal(), (404, "terminal-session-unknown".to_owned()));
    }
}

/// The card keeps its holder's PIN necessary: it takes no certificate without the right after the CAN.
#[tokio::test]
async fn a_session_with_the_can_gets_nowhere() {
    let world = World::new().await;
    let (mut card, profile, back_end) = (world.card(), Profile::standard(), world.back_end());
    let begun = back_end.begin().await;
    let can = Can::parse(sample_holders()[0].can.as_bytes(), 6).unwrap();
    let selected = Selected::select(&mut card, &profile).unwrap();
    let secured = selected.secure_with_can(can, &usual_authority(), &mut Seeded::new("client")).unwrap();
    let template = latchkey_card::bauth::TerminalTemplate::parse(&octets(&begun["cmd_to_card"])).unwrap();
    let certificates = latchkey_card::bauth::terminal_certificates(&octets(&begun["terminal_certificate"])).unwrap();
    let refused = secured.authenticate_terminal(&template, &certificates, AgreedActs::NONE).unwrap_err();
    assert!(matches!(refused, DialogueError::TerminalCertificateRefused { .. }), "{refused:?}");
    // What a page hands over then.
    let answer = json!({ "hreq": begun["hreq"], "card_response": base64(&[0x6A, 0x80]) });
    assert_eq!(back_end.post("bauth_process", answer).await.refusal(), (422, "terminal-card-refused".to_owned()));
    let after = back_end.post("request_dg", json!({ "hreq": begun["hreq"] })).await;
    assert_eq!(after.status, 404);
}

#[tokio::test]
async fn a_lost_document_identifies_nobody() {
    let lost = |directory: &std::path::Path, _: &CvPki| write(directory, "documents.txt", b"BY0000001 lost\n", 0o644);
    let world = World::with(|_| {}, lost).await;
    let genuine = world.cv.card("BY0000001").unwrap();
    let octets = genuine.certificate.to_octets();
    let (answer, hreq) = Emulator { key: &genuine.key, certificate: &octets }.authenticate(&world.back_end()).await;
    assert_eq!(answer.refusal(), (422, "document-lost".to_owned()));
    let after = world.back_end().post("sign_init", json!({ "hreq": hreq })).await;
    assert_eq!(after.status, 404);
}

/// Reported lost between two steps.
#[tokio::test]
async fn a_document_that_is_lost_meanwhile_is_neither_read_nor_signed_with() {
    for request in ["request_dg", "sign_init"] {
        let world = World::new().await;
        let (mut card, profile) = (world.card(), Profile::standard());
        let mut session = Session::established(world.back_end(), &mut card, &profile).await;
        session.read(&ALL_GROUPS).await;
        write(world.directory.path(), "documents.txt", b"BY0000001 lost\n", 0o644);
        world.terminal.renew();
        let refused = session.post(request, json!({})).await;
        assert_eq!(refused.refusal(), (422, "document-lost".to_owned()), "{request}");
        assert_eq!(session.post("bauth_logout", json!({})).await.status, 404, "{request}");
    }
}

#[tokio::test]
async fn a_document_that_is_over_identifies_nobody() {
    let world = World::new().await;
    let holder = &sample_holders()[0];
    let mut image = issue_card(&world.pki, holder, NOW).unwrap();
    let group = latchkey_fixtures::card_image::DataGroup::new(3).unwrap();
    let yesterday = latchkey_fixtures::data_groups::IdentityAttribute::Expiry((NOW - Duration::days(1)).date());
    image.data_groups.insert(group, yesterday.to_octets().unwrap().into());
    let (mut card, profile) = (inserted(image), Profile::standard());
    let mut session = Session::established(world.back_end(), &mut card, &profile).await;
    let refused = session.read_until_refused(&["dg3"]).await;
    assert_eq!(refused.refusal(), (422, "document-expired".to_owned()));
}

#[tokio::test]
async fn malformed_data_of_a_genuine_card_are_no_identity() {
    let world = World::new().await;
    let mut image = issue_card(&world.pki, &sample_holders()[0], NOW).unwrap();
    let group = latchkey_fixtures::card_image::DataGroup::new(7).unwrap();
    image.data_groups.insert(group, b"\x47\x05PNOBY".to_vec().into());
    let (mut card, profile) = (inserted(image), Profile::standard());
    let mut session = Session::established(world.back_end(), &mut card, &profile).await;
    session.read(&ALL_GROUPS).await;
    let refused = session.post("request_dg", json!({})).await;
    assert_eq!(refused.refusal(), (422, "terminal-data-malformed".to_owned()));
}

/// The terminal's channel of a card that encrypts otherwise than the standard has it: its MACs are right all the same.
#[tokio::test]
async fn a_card_that_encrypts_otherwise_identifies_nobody() {
    let rows = [
        (CipherEdition::CommandsFromZero, "terminal-card-refused"),
        (CipherEdition::FromZero, "terminal-card-refused"),
        (CipherEdition::AnswersFromZero, "terminal-answer-malformed"),
    ];
    for (terminal, code) in rows {
        let world = World::new().await;
        let mut image = issue_card(&world.pki, &sample_holders()[0], NOW).unwrap();
        image.editions.ciphers = CipherEditions { terminal, ..CipherEditions::default() };
        let (mut card, profile) = (inserted(image), Profile::standard());
        let mut session = Session::established(world.back_end(), &mut card, &profile).await;
        let refused = session.read_until_refused(&ALL_GROUPS).await;
        assert_eq!(refused.refusal(), (422, code.to_owned()), "{terminal:?}");
        for request in ["request_dg", "sign_init"] {
            let after = session.post(request, json!({})).await;
            assert_eq!(after.refusal(), (404, "terminal-session-unknown".to_owned()), "{terminal:?}: {request}");
        }
    }
}

#[tokio::test]
async fn a_session_belongs_to_its_caller() {
    let world = World::new().await;
    let (mut card, profile) = (world.card(), Profile::standard());
    let mut session = Session::established(world.back_end(), &mut card, &profile).await;
    session.read(&ALL_GROUPS).await;
    let thief = BackEnd { router: world.router(), caller: caller("127.0.0.2") };
    for request in ["request_dg", "sign_init", "bauth_logout"] {
        let stolen = thief.post(request, session.body(json!({}))).await;
        assert_eq!(stolen.refusal(), (403, "terminal-of-other-caller".to_owned()), "{request}");
    }
    let foreign = BackEnd { router: world.router(), caller: caller("192.0.2.1") };
    for request in ["bauth_init", "request_dg"] {
        let refused = foreign.post(request, session.body(json!({ "so_certificate": "" }))).await;
        assert_eq!(refused.refusal(), (403, "terminal-caller-refused".to_owned()), "{request}");
    }
    assert_eq!(session.ask("request_dg", json!({})).await["personal_data"]["Sex"], "F", "nothing was taken away");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_replays_of_a_step_one_is_taken() {
    let world = World::new().await;
    let nodes = [world.router(), world.another_node().await];
    let (mut card, profile) = (world.card(), Profile::standard());
    let mut session = Session::established(world.back_end(), &mut card, &profile).await;
    let command = session.ask("read_dg_init", json!({ "data_groups_to_read": ["dg3"] })).await;
    let answer = session.relay(&command);
    let body = session.body(json!({ "card_response": answer }));
    let mut replays = JoinSet::new();
    for number in 0..100 {
        let back_end = BackEnd { router: nodes[number % 2].clone(), caller: session.back_end.caller };
        let body = body.clone();
        replays.spawn(async move {
            let answer = back_end.post("read_dg", body).await;
            (answer.status.as_u16(), answer.json())
        });
    }
    let outcomes = replays.join_all().await;
    let commands: Vec<_> = outcomes.iter().filter(|(status, _)| *status == 200).collect();
    assert_eq!(commands.len(), 1, "{outcomes:?}");
    let refused = ["terminal-step-taken", "terminal-answer-malformed", "terminal-session-unknown"];
    for (status, answer) in outcomes.iter().filter(|(status, _)| *status != 200) {
        assert!(refused.contains(&answer["code"].as_str().unwrap()), "{status} {answer}");
    }
}

#[tokio::test]
async fn a_session_is_over_two_minutes_after_its_last_step_and_after_ten_in_all() {
    let world = World::new().await;
    let (mut card, profile) = (world.card(), Profile::standard());
    let session = Session::established(world.back_end(), &mut card, &profile).await;
    world.set_clock(NOW + Duration::milliseconds(120_000));
    let late = session.post("read_dg_init", json!({ "data_groups_to_read": ["dg1"] })).await;
    assert_eq!(late.refusal(), (404, "terminal-session-unknown".to_owned()));

    world.set_clock(NOW);
    let (mut card, profile) = (world.card(), Profile::standard());
    let mut session = Session::established(world.back_end(), &mut card, &profile).await;
    for round in 1..=5 {
        world.set_clock(NOW + Duration::milliseconds(119_999 * round));
        session.read(&["dg5"]).await;
    }
    world.set_clock(NOW + Duration::milliseconds(599_999));
    session.ask("request_dg", json!({})).await;
    world.set_clock(NOW + Duration::minutes(10));
    let over = session.post("sign_init", json!({})).await;
    assert_eq!(over.refusal(), (404, "terminal-session-unknown".to_owned()));
}

/// Nothing in the database's files tells who was read, while it waits to be fetched.
#[tokio::test]
async fn nothing_of_a_person_is_in_the_database() {
    let world = World::new().await;
    let (mut card, profile) = (world.card(), Profile::standard());
    let mut session = Session::established(world.back_end(), &mut card, &profile).await;
    session.read(&ALL_GROUPS).await;
    session.sign("ВЫДУМАННОЕ СОДЕРЖАНИЕ".as_bytes(), false).await;
    let holder = &sample_holders()[0];
    let names = &holder.person.family_name;
    let personal = [
        &*names.russian,
        &names.belarusian,
        &names.latin,
        &holder.person.personal_number,
        holder.document_number,
        "ВЫДУМАННОЕ СОДЕРЖАНИЕ",
        &session.hreq,
        "127.0.0.1",
    ];
    let octets = everything_in(&world.database()).await;
    for personal in personal {
        assert!(!octets.windows(personal.len()).any(|window| window == personal.as_bytes()), "{personal}");
    }
    let data = session.ask("request_dg", json!({})).await;
    assert_eq!(data["personal_data"]["ID"], holder.person.personal_number, "it was there, sealed");
}

/// Who can write the database can end sessions, and nothing else.
#[tokio::test]
async fn an_altered_record_is_never_used() {
    for alteration in [
        "UPDATE steps SET step = step + 1",
        "UPDATE steps SET expires_at = expires_at + 60000",
        "UPDATE steps SET record = caller",
        "UPDATE steps SET record = substr(record, 1, 40)",
        "UPDATE steps SET step = -1",
    ] {
        let world = World::new().await;
        let (mut card, profile) = (world.card(), Profile::standard());
        let mut session = Session::established(world.back_end(), &mut card, &profile).await;
        session.read(&ALL_GROUPS).await;
        change(&world.database(), alteration).await;
        let refused = session.post("request_dg", json!({})).await;
        assert_eq!(refused.refusal(), (500, "storage-damaged".to_owned()), "{alteration}");
    }
}

/// A former record that is put back is sealed for a former step.
#[tokio::test]
async fn a_record_that_is_put_back_is_not_used() {
    let world = World::new().await;
    let (mut card, profile) = (world.card(), Profile::standard());
    let mut session = Session::established(world.back_end(), &mut card, &profile).await;
    session.read(&ALL_GROUPS).await;
    change(&world.database(), "CREATE TABLE aside AS SELECT record FROM steps").await;
    session.ask("request_dg", json!({})).await;
    change(&world.database(), "UPDATE steps SET record = (SELECT record FROM aside)").await;
    let refused = session.post("request_dg", json!({})).await;
    assert_eq!(refused.refusal(), (500, "storage-damaged".to_owned()));
}

#[tokio::test]
async fn without_a_database_nothing_is_answered_but_that() {
    let world = World::on_a_file().await;
    let (mut card, profile) = (world.card(), Profile::standard());
    let mut session = Session::established(world.back_end(), &mut card, &profile).await;
    session.read(&ALL_GROUPS).await;
    let aside = world.directory.path().join("aside.sqlite");
    std::fs::rename(world.database(), &aside).unwrap();
    let unavailable = (503, "storage-unavailable".to_owned());
    assert_eq!(session.post("request_dg", json!({})).await.refusal(), unavailable);
    assert_eq!(session.post("sign_init", json!({})).await.refusal(), unavailable);
    assert_eq!(session.post("bauth_logout", json!({})).await.refusal(), unavailable);
    assert_eq!(world.back_end().post("bauth_init", json!({})).await.refusal(), unavailable);
    std::fs::rename(aside, world.database()).unwrap();
    assert_eq!(session.ask("request_dg", json!({})).await["personal_data"]["Sex"], "F");
}

#[tokio::test]
async fn a_revoked_or_foreign_certificate_signs_nothing() {
    let world = World::new().await;
    let (mut card, profile) = (world.card(), Profile::standard());
    let octets = card.image().esign.terminal_certificate.0.clone();
    let certificate = latchkey_crypto::x509::Certificate::from_der(&octets).unwrap();
    world.revoke(&[Revocation {
        serial_number: certificate.serial_number().octets().to_vec(),
        revoked_at: NOW - Duration::days(4),
        reason: RevocationReason::KeyCompromise,
    }]);
    let mut session = Session::established(world.back_end(), &mut card, &profile).await;
    session.read(&ALL_GROUPS).await;
    let refused = session.sign(b"contents", false).await;
    assert_eq!(refused.refusal(), (422, "terminal-signing-certificate".to_owned()));

    // A card whose certificate is of another key than the one that signs.
    let world = World::new().await;
    let mut image = issue_card(&world.pki, &sample_holders()[0], NOW).unwrap();
    image.esign.terminal_certificate = image.esign.base_certificate.clone();
    let mut card = inserted(image);
    let mut session = Session::established(world.back_end(), &mut card, &profile).await;
    session.read(&ALL_GROUPS).await;
    let refused = session.sign(b"contents", false).await;
    assert_eq!(refused.refusal(), (422, "terminal-signature-wrong".to_owned()));

    // Nothing was read, so that there is no certificate.
    let mut card = world.card();
    let session = Session::established(world.back_end(), &mut card, &profile).await;
    let refused = session.post("sign_init", json!({})).await;
    assert_eq!(refused.refusal(), (422, "terminal-signing-certificate".to_owned()));
}

#[tokio::test]
async fn the_terminals_own_end_and_limits_are_told() {
    let world = World::with(|rules| rules.session_limit = 2, |_, _| {}).await;
    let begin = async || world.back_end().post("bauth_init", json!({ "so_certificate": "" })).await;
    assert_eq!(begin().await.status, 200);
    assert_eq!(begin().await.status, 200);
    assert_eq!(begin().await.refusal(), (503, "too-many-terminal-sessions".to_owned()));
    world.set_clock(NOW + Duration::minutes(3));
    assert_eq!(world.terminal.purge().await.unwrap(), 2);
    assert_eq!(begin().await.status, 200);
    world.set_clock(NOW + Duration::days(2));
    world.terminal.renew();
    assert_eq!(begin().await.refusal(), (503, "terminal-certificate-expired".to_owned()));
    world.set_clock(NOW);
    world.terminal.stop();
    assert_eq!(begin().await.refusal(), (503, "stopping".to_owned()));
}
