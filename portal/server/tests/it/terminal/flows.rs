//! The flows of pages that are deployed today, from the terminal's addresses to a virtual card.

use latchkey_card::profile::Profile;
use latchkey_crypto::cms::{ContentDigests, DigestAlgorithm, SignatureForm, SignaturePolicy, SignedMessage};
use latchkey_crypto::hash::HashAlgorithm;
use latchkey_fixtures::holders::sample_holders;
use latchkey_fixtures::vcard::State;
use latchkey_portal::terminal::UnknownDocuments;
use serde_json::json;

use super::credentials::write;
use super::world::{ALL_GROUPS, Session, World, octets, usual_authority};
use crate::support::{NOW, trust};

#[tokio::test]
async fn every_sample_holder_who_can_enter_a_pin_is_read() {
    let world = World::new().await;
    let mut read = 0;
    for holder in sample_holders() {
        let usable = holder.pin_state == latchkey_fixtures::vcard::automaton::PinState::Pin3;
        if !usable {
            continue;
        }
        let mut card = world.card_of(&holder);
        let profile = Profile::standard();
        let mut session =
            Session::established_with(world.back_end(), &mut card, &profile, &holder, &usual_authority()).await;
        session.read(&ALL_GROUPS).await;
        let data = session.ask("request_dg", json!({})).await;
        let personal = &data["personal_data"];
        assert_eq!(personal["ID"], holder.person.personal_number, "{}", holder.id);
        assert_eq!(personal["Serial_Number"], holder.document_number, "{}", holder.id);
        assert_eq!(personal["RU:_Family_name"], holder.person.family_name.russian, "{}", holder.id);
        assert_eq!((&data["document_status"], &data["assurance"]), (&json!("valid"), &json!("high")));
        assert_eq!(session.ask("bauth_logout", json!({})).await, json!({}));
        read += 1;
    }
    assert!(read >= 8, "{read}");
}

/// Counted: commands to the card, and requests to the terminal beside them.
#[tokio::test]
async fn reading_takes_so_many_commands() {
    let world = World::new().await;
    let (mut card, profile) = (world.card(), Profile::standard());
    let mut session = Session::established(world.back_end(), &mut card, &profile).await;
    let commands = session.read(&ALL_GROUPS).await;
    // SELECT eID, VERIFY; thirteen groups with SELECT and READ; SELECT eSign, SELECT, and the certificate in blocks.
    assert!((1 + 1 + 26 + 2 + 4..=1 + 1 + 26 + 2 + 8).contains(&commands), "{commands}");
    assert_eq!(session.read(&["dg5"]).await, commands - 1 - 22, "a second reading verifies nothing again");
}

#[tokio::test]
async fn data_are_given_once_and_the_session_goes_on() {
    let world = World::new().await;
    let (mut card, profile) = (world.card(), Profile::standard());
    let mut session = Session::established(world.back_end(), &mut card, &profile).await;
    session.read(&["dg3"]).await;
    let data = session.ask("request_dg", json!({})).await;
    assert!(data["personal_data"].get("ID").is_none(), "not asked for: {data}");
    session.read(&["dg1"]).await;
    let data = session.ask("request_dg", json!({})).await;
    assert_eq!(data["personal_data"]["ID"], "4010190A000PB0");
    assert!(data["personal_data"].get("RU:_Family_name").is_none(), "forgotten: {data}");
    let again = session.post("request_dg", json!({})).await;
    assert_eq!(again.refusal(), (409, "terminal-wrong-order".to_owned()));
    let over = session.post("sign_init", json!({})).await;
    assert_eq!(over.refusal(), (404, "terminal-session-unknown".to_owned()));
}

/// What the holder did not grant has no key, and nothing else suffers.
#[tokio::test]
async fn groups_that_the_holder_refused_are_left_out() {
    use latchkey_card::rights::{Authority, DataGroup, EidRights, EsignRights};
    let world = World::new().await;
    let (mut card, profile) = (world.card(), Profile::standard());
    let holder = &sample_holders()[0];
    let only = |numbers: &[u8]| {
        let groups = numbers.iter().filter_map(|number| DataGroup::new(*number));
        groups.fold(EidRights::NONE, |all, group| all | EidRights::read(group))
    };
    let authority =
        Authority { eid: Some(only(&[1, 4, 5])), esign: Some(EsignRights::TERMINAL_SIGNING), signatures: None };
    let back_end = world.back_end();
    let certhat = [
        latchkey_card::rights::CertHat::Eid(only(&[1, 4, 5])).to_octets(),
        latchkey_card::rights::CertHat::Esign(EsignRights::TERMINAL_SIGNING).to_octets(),
    ];
    let told = json!({ "so_certificate": "", "certhat": super::world::base64(&certhat.concat()) });
    let begun = back_end.ask("bauth_init", told).await;
    let hreq = begun["hreq"].as_str().unwrap().to_owned();
    let (authenticating, m1) = super::world::open_card(&mut card, &profile, holder, &authority, &begun);
    let answer = json!({ "hreq": hreq, "card_response": super::world::base64(&m1) });
    let next = back_end.ask("bauth_process", answer).await;
    let (channel, m3) = authenticating.relay_m2(&octets(&next["cmd_to_card"])).unwrap();
    let answer = json!({ "hreq": hreq, "card_response": super::world::base64(&m3) });
    assert_eq!(back_end.ask("bauth_process", answer).await["is_bauth_established"], true);
    let mut session = Session { channel, back_end, hreq };
    session.read(&ALL_GROUPS).await;
    let data = session.ask("request_dg", json!({})).await;
    let keys: Vec<_> = data["personal_data"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        keys,
        [
            "BE:_Family_name",
            "BE:_Given_name",
            "LA:_Family_name",
            "LA:_Given_name",
            "RU:_Family_name",
            "RU:_Given_name",
            "Serial_Number"
        ]
    );
}

#[tokio::test]
async fn a_signature_is_cades_with_the_contents_or_without() {
    let world = World::new().await;
    for detached in [false, true] {
        let (mut card, profile) = (world.card(), Profile::standard());
        let mut session = Session::established(world.back_end(), &mut card, &profile).await;
        session.read(&ALL_GROUPS).await;
        let content = "Заява, выдуманая".as_bytes();
        let answer = session.sign(content, detached).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let message = octets(&answer.json()["signature"]);
        assert_eq!(message.windows(content.len()).any(|window| window == content), !detached);
        let mut inside = Vec::new();
        let read = SignedMessage::read(message.as_slice(), |part| {
            inside.extend_from_slice(part);
            Ok(())
        });
        assert_eq!(inside, if detached { b"" } else { content });
        let digest = DigestAlgorithm::Bign(HashAlgorithm::BeltHash);
        let elsewhere = ContentDigests::read(&mut &*content, &[digest]).unwrap();
        let (trust, lists) = (trust(&world.pki), world.lists.current());
        let policy = SignaturePolicy { trust: &trust, revocation: &*lists };
        let verdicts = read.unwrap().judge(Some(&elsewhere), &policy, NOW);
        let [Ok(verified)] = verdicts.as_slice() else { panic!("{verdicts:?}") };
        assert_eq!(verified.form, SignatureForm::CadesBaseline);
        let data = session.ask("request_dg", json!({})).await;
        assert_eq!(data["personal_data"]["ID"], "4010190A000PB0", "what was read is still there");
    }
}

/// Each step at another process of the service.
#[tokio::test]
async fn any_node_takes_the_next_step() {
    let world = World::new().await;
    let nodes = [world.router(), world.another_node().await];
    let (mut card, profile) = (world.card(), Profile::standard());
    let mut session = Session::established(world.back_end(), &mut card, &profile).await;
    let mut command = session.ask("read_dg_init", json!({ "data_groups_to_read": ALL_GROUPS })).await;
    for step in 0_usize.. {
        session.back_end.router = nodes[step % 2].clone();
        let answer = session.relay(&command);
        command = session.ask("read_dg", json!({ "card_response": answer })).await;
        if command["is_last_dg_readed"] == json!(true) {
            break;
        }
    }
    session.back_end.router = nodes[1].clone();
    assert_eq!(session.ask("request_dg", json!({})).await["personal_data"]["Sex"], "F");
    session.back_end.router = nodes[0].clone();
    assert_eq!(session.sign(b"contents", false).await.status, 200);
}

#[tokio::test]
async fn the_terminals_channel_stands_between_card_and_terminal_alone() {
    let world = World::new().await;
    let (mut card, profile) = (world.card(), Profile::standard());
    {
        let mut session = Session::established(world.back_end(), &mut card, &profile).await;
        let command = session.ask("read_dg_init", json!({ "data_groups_to_read": ["dg3"] })).await;
        assert_eq!(octets(&command["header_cmd_to_card"])[0], 0x04, "protected from the first command on");
        let answer = session.relay(&command);
        session.ask("read_dg", json!({ "card_response": answer })).await;
    }
    assert_eq!(card.state(), State::Terminal);
}

#[tokio::test]
async fn a_document_of_unknown_status_is_reported_or_refused() {
    let nobody = |directory: &std::path::Path, _: &_| write(directory, "documents.txt", b"", 0o644);
    let report = World::with(|rules| rules.unknown_documents = UnknownDocuments::Report, nobody).await;
    let (mut card, profile) = (report.card(), Profile::standard());
    let mut session = Session::established(report.back_end(), &mut card, &profile).await;
    session.read(&ALL_GROUPS).await;
    let data = session.ask("request_dg", json!({})).await;
    assert_eq!((&data["document_status"], &data["assurance"]), (&json!("unknown"), &json!("substantial")));

    let refuse = World::with(|_| {}, nobody).await;
    let (mut card, profile) = (refuse.card(), Profile::standard());
    let mut session = Session::established(refuse.back_end(), &mut card, &profile).await;
    session.read(&ALL_GROUPS).await;
    let refused = session.post("request_dg", json!({})).await;
    assert_eq!(refused.refusal(), (422, "document-status-unknown".to_owned()));
    let over = session.post("request_dg", json!({})).await;
    assert_eq!(over.refusal(), (404, "terminal-session-unknown".to_owned()));
}

/// The terminal and its authority are under the next root; the card knows the former one only.
#[tokio::test]
async fn a_card_of_the_former_root_follows_the_link() {
    use latchkey_crypto::cv::CertificateBody;
    let text = super::credentials::configured()
        .replace("path = [\"terminal/authority.cert\"]", "path = [\"terminal/link.cert\", \"terminal/next.cert\"]")
        .replace("links = []", "links = [\"terminal/link.cert\"]");
    let prepare = |directory: &std::path::Path, cv: &latchkey_fixtures::cv::CvPki| {
        let next = cv.next_root().unwrap();
        let holder = next.certificate.body().holder.clone();
        let period = next.certificate.body().period;
        let body = CertificateBody { authority: holder, period, ..cv.authority().certificate.body().clone() };
        write(directory, "link.cert", &cv.root().link(&next).to_octets(), 0o644);
        write(directory, "next.cert", &body.sign(&next.key).to_octets(), 0o644);
    };
    let world = World::configured(&text, |_| {}, prepare).await;
    let begun = world.back_end().begin().await;
    let shown = latchkey_card::bauth::terminal_certificates(&octets(&begun["terminal_certificate"])).unwrap();
    assert_eq!(shown.len(), 3, "link, authority, terminal");
    let (mut card, profile) = (world.card(), Profile::standard());
    let mut session = Session::established(world.back_end(), &mut card, &profile).await;
    session.read(&["dg5"]).await;
    assert_eq!(session.ask("request_dg", json!({})).await["personal_data"]["Sex"], "F");
}
