//! BAUTH from the terminal's side.

use latchkey_card::bauth::{M1, M3, Mode, TerminalTemplate, terminal_certificates};
use latchkey_card::terminal::{
    AfterM1, AwaitingAcceptance, AwaitingM1, CardTrustAnchors, Next, Offer, RelayedCommand, TerminalFault, TerminalFile,
};
use latchkey_crypto::bauth::{BauthError, CardWaiting, TerminalKey};
use latchkey_crypto::bign::PrivateKey;
use latchkey_crypto::cv::{CertificateBody, PathError, TrustAnchor, TrustAnchors};
use latchkey_crypto::secret::SecretOctets;
use latchkey_fixtures::cv::CvPki;
use latchkey_fixtures::random::{Recorded, Seeded};
use latchkey_fixtures::vectors::{Vector, vector};
use time::macros::date;

use super::{
    EDITIONS, PlayedCard, after_m1, awaiting_m3, certificate, established, kept, key, model, model_anchors, model_day,
    model_session_key, offered, profile, run, success,
};

#[test]
fn the_terminal_holds_the_published_transcript() {
    let (_, command) = awaiting_m3();
    assert_eq!(command.header, [0x00, 0x86, 0x00, 0x00]);
    assert_eq!(command.data, [&[0x7C, 0x1A, 0x81, 0x18][..], &model().output("M2")].concat());
    let established = established();
    assert_eq!(established.card().certificate(), &certificate("CV certificate ct.cert"));
    assert_eq!(established.card().name().as_str(), "000123456789");
    // What is said next is protected with the transcript's K0.
    let text = "> 00 A4 04 0C 0A D1 12 00 02 00 22 65 4F 07 02\n< 6A 82\n";
    let mut card = PlayedCard::new(&model_session_key(), text);
    let next = established.read(&[TerminalFile::Certificate]).unwrap();
    run(&mut card, next, |step, answer| step.receive(answer).unwrap());
    card.finish();
}

#[test]
fn the_unilateral_transcript_gives_no_card() {
    let (step, command) = awaiting_acceptance();
    assert_eq!((command.header, command.data.len()), ([0x00, 0x86, 0x00, 0x00], 12));
    let unproven = kept!(AwaitingAcceptance, step).receive(&[0x90, 0x00]).unwrap();
    let Next::Done((findings, _)) = kept!(Unproven, unproven).verify().unwrap() else { panic!("something was asked") };
    assert!(findings.attributes.is_empty() && findings.files.is_empty());
}

/// After the unilateral transcript's M1, with the command that brings M2 to the card.
fn awaiting_acceptance() -> (AwaitingAcceptance, RelayedCommand) {
    let vector = vector(
        "BAUTH unilateral, btok model term.cert/ct.cert, same hello (uses OID btok-bauth as in the bilateral vector)",
    );
    // Its hello has the identifier of the bilateral mode: the hello is what was sent, the mode what was run.
    let hello = vector.input("hello_T");
    let template = TerminalTemplate::new(Mode::Unilateral, None, None);
    let offered = AwaitingM1::new(&template, &hello[11..], profile(), EDITIONS);
    let m1 = success(M1::encode(&vector.output("M1").try_into().unwrap()));
    let mut nothing = Recorded::new(Vec::new());
    let (after, command) = offered.receive(&m1, &key(&vector, "d_T"), &mut nothing).unwrap();
    let AfterM1::Unilateral(step) = after else { panic!("a card without a proof") };
    (step, command)
}

#[test]
fn a_card_has_accepted_the_terminal_only_if_it_says_so() {
    let rows: [(&str, &[u8], Option<&str>); 5] = [
        ("success", &[0x90, 0x00], None),
        ("success without its status", &[], None),
        ("a refusal", &[0x6A, 0x80], Some("card-refused")),
        ("one octet", &[0x90], Some("card-answer-malformed")),
        ("something before the status", &[0x7C, 0x00, 0x90, 0x00], Some("card-answer-malformed")),
    ];
    for (name, answer, code) in rows {
        let received = awaiting_acceptance().0.receive(answer);
        assert_eq!(received.err().map(|fault| fault.code()), code, "{name}");
    }
}

/// Nothing came, so nothing can be protected.
#[test]
fn an_empty_answer_is_none_in_a_channel() {
    let Next::Command(step, _) = established().read(&[TerminalFile::Certificate]).unwrap() else {
        panic!("nothing was asked")
    };
    assert_eq!(step.receive(&[]).err().map(|fault| fault.code()), Some("card-answer-malformed"));
}

/// Nobody has published in which form a client hands an answer over.
#[test]
fn answers_are_taken_in_every_form() {
    let model = model();
    let bare = |name: &str| model.output(name);
    let forms = |message: Vec<u8>, object: Vec<u8>, template: Vec<u8>| {
        [message, object, template].into_iter().flat_map(|form| [form.clone(), success(form)])
    };
    let object = |tag: u8, message: &[u8]| {
        latchkey_card::tlv::Writer::new().object(latchkey_card::tlv::Tag::new(tag.into()), &[message]).finish()
    };
    let m1 = M1::encode(&bare("M1").try_into().unwrap());
    for (number, form) in forms(bare("M1"), object(0x80, &bare("M1")), m1).enumerate() {
        let mut random = Recorded::new(model.input("R_T"));
        let received = offered().receive(&form, &key(&model, "d_T"), &mut random);
        assert!(received.is_ok(), "form {number} of M1: {:?}", received.err());
    }
    let anchors = model_anchors();
    let trust = CardTrustAnchors { anchors: &anchors, issuers: &[], today: model_day() };
    for (number, form) in forms(bare("M3"), object(0x82, &bare("M3")), M3::encode(&bare("M3"))).enumerate() {
        let received = awaiting_m3().0.receive(&form, &trust);
        assert!(received.is_ok(), "form {number} of M3: {:?}", received.err());
    }
    // The first answer once more says nothing against the card. Without its object nobody could tell.
    let [_, _, in_object, with_status, in_template, whole] = <[_; 6]>::try_from(
        forms(bare("M1"), object(0x80, &bare("M1")), M1::encode(&bare("M1").try_into().unwrap())).collect::<Vec<_>>(),
    )
    .unwrap();
    for again in [in_object, with_status, in_template, whole] {
        let code = awaiting_m3().0.receive(&again, &trust).err().map(|fault| fault.code());
        assert_eq!(code, Some("card-answer-malformed"), "{again:02X?}");
    }
}

#[test]
fn what_is_no_answer_is_refused() {
    let model = model();
    let receive = |octets: &[u8]| {
        let mut random = Seeded::new("no answer");
        offered().receive(octets, &key(&model, "d_T"), &mut random).err().map(|fault| fault.code())
    };
    assert_eq!(receive(&[0x69, 0x82]), Some("card-refused"));
    assert_eq!(receive(&[0x90, 0x00]), Some("card-answer-malformed"));
    assert_eq!(receive(&[]), Some("card-answer-malformed"));
    let whole = success(M1::encode(&model.output("M1").try_into().unwrap()));
    for kept in 0..whole.len() - 2 {
        assert!(receive(&whole[..kept]).is_some(), "{kept} octets of M1 were accepted");
    }
    let anchors = model_anchors();
    let trust = CardTrustAnchors { anchors: &anchors, issuers: &[], today: model_day() };
    let whole = M3::encode(&model.output("M3"));
    for kept in 0..whole.len() {
        assert!(awaiting_m3().0.receive(&whole[..kept], &trust).is_err(), "{kept} octets of M3 were accepted");
    }
    assert!(matches!(
        awaiting_m3().0.receive(&[0x6A, 0x80], &trust),
        Err(TerminalFault::CardRefused { status, .. }) if status.value() == 0x6A80
    ));
}

#[test]
fn a_card_is_believed_only_with_its_path_its_dates_and_its_key() {
    let model = model();
    let anchors = model_anchors();
    let m3 = success(M3::encode(&model.output("M3")));
    let on = |today| CardTrustAnchors { anchors: &anchors, issuers: &[], today };
    let day = |octets| latchkey_crypto::cv::Date::from_octets(octets).unwrap();
    let expired = awaiting_m3().0.receive(&m3, &on(day([3, 5, 0, 4, 0, 1]))).unwrap_err();
    assert!(matches!(expired, TerminalFault::CardNotTrusted(PathError::Expired { .. })), "{expired:?}");
    let nobody = TrustAnchors::default();
    let unknown = CardTrustAnchors { anchors: &nobody, issuers: &[], today: model_day() };
    let unknown = awaiting_m3().0.receive(&m3, &unknown).unwrap_err();
    assert!(matches!(unknown, TerminalFault::CardNotTrusted(PathError::UnknownAuthority { .. })), "{unknown:?}");

    // A card's part with another key, another certificate, or none.
    let emulated = |key: &PrivateKey, certificate: &[u8]| {
        let mut random = Recorded::new([model.input("R_CT"), model.input("u_CT")].concat());
        let terminal_key = self::key(&model, "d_T").public_key();
        let (card, _) = CardWaiting::start(&terminal_key, &mut random).unwrap();
        let m2 = model.output("M2").try_into().unwrap();
        let (m3, _) = card.receive_bilateral_m2(&m2, &model.input("hello_T"), key, certificate).unwrap();
        awaiting_m3().0.receive(&success(M3::encode(&m3)), &on(model_day()))
    };
    let own_key = key(&model, "d_CT");
    let other_key = PrivateKey::from_octets(&[7; 32]).unwrap();
    assert!(emulated(&own_key, &model.input("cert_CT")).is_ok());
    let fault = emulated(&other_key, &model.input("cert_CT")).unwrap_err();
    assert_eq!(fault, TerminalFault::CardNotProven(BauthError::Signature));
    assert_eq!(emulated(&own_key, b"").unwrap_err().code(), "card-certificate-malformed");
    // A terminal's certificate carries rights, which no card's may.
    let terminal = vector("CV certificate term.cert").output("der");
    assert_eq!(emulated(&key(&model, "d_T"), &terminal).unwrap_err().code(), "card-not-trusted");
}

#[test]
fn a_card_below_an_authority_or_a_link_is_found_among_the_issuers() {
    let pki = CvPki::new("issuers", date!(2026 - 11 - 30)).unwrap();
    let today = date!(2026 - 11 - 30).try_into().unwrap();
    let card = pki.card("980000000077").unwrap();
    let anchors = TrustAnchors::new(vec![TrustAnchor::of_root(pki.root().certificate.clone()).unwrap()]);
    let authority = pki.authority().certificate.clone();
    // The next root, and an authority and a card that have begun with it.
    let next_root = pki.next_root().unwrap();
    let link = pki.root().link(&next_root);
    let (name, period) = (link.body().holder.clone(), link.body().period);
    let next_authority = CertificateBody { authority: name, period, ..authority.body().clone() }.sign(&next_root.key);
    let next_card = CertificateBody { period, ..card.certificate.body().clone() }.sign(&pki.authority().key);
    let rows = [
        ("under the authority", &card.certificate, vec![authority.clone()], true),
        ("without the authority", &card.certificate, vec![link.clone()], false),
        ("under a link", &next_card, vec![authority.clone(), link, next_authority.clone()], true),
        ("without the link", &next_card, vec![next_authority], false),
    ];
    for (name, own, issuers, is_trusted) in rows {
        let terminal = pki.terminal("980000000078", CvPki::sign_in_rights()).unwrap();
        let mut random = Seeded::new(name);
        let template = TerminalTemplate::new(Mode::Bilateral, None, None);
        let (waiting, m1) = CardWaiting::start(&TerminalKey::public_key(&terminal.key), &mut random).unwrap();
        let offered = AwaitingM1::new(&template, b"", profile(), EDITIONS);
        let (after, command) = offered.receive(&M1::encode(&m1), &terminal.key, &mut random).unwrap();
        let AfterM1::Bilateral(step) = after else { panic!("{name}") };
        let m2 = latchkey_card::bauth::BilateralM2::decode(&command.data).unwrap();
        let answer = waiting.receive_bilateral_m2(&m2, template.octets(), &card.key, &own.to_octets());
        let (m3, _) = answer.unwrap();
        let trust = CardTrustAnchors { anchors: &anchors, issuers: &issuers, today };
        let received = step.receive(&M3::encode(&m3), &trust);
        assert_eq!(received.is_ok(), is_trusted, "{name}: {:?}", received.err());
    }
}

/// Another edition of the hello fails where the card refuses M2, or where M3 does not confirm.
#[test]
fn another_hello_fails_cleanly() {
    let hello = model().input("hello_T");
    let template = TerminalTemplate::parse(&hello[..11]).unwrap();
    let offered = AwaitingM1::new(&template, &[], profile(), EDITIONS);
    let (step, command) = after_m1(offered);
    assert_ne!(command.data, [&[0x7C, 0x1A, 0x81, 0x18][..], &model().output("M2")].concat());
    let anchors = model_anchors();
    let trust = CardTrustAnchors { anchors: &anchors, issuers: &[], today: model_day() };
    let fault = step.receive(&success(M3::encode(&model().output("M3"))), &trust).unwrap_err();
    assert_eq!(fault, TerminalFault::CardNotProven(BauthError::KeyConfirmation));
}

#[test]
fn another_terminal_cannot_take_the_answer() {
    let model: Vector = model();
    let m1 = success(M1::encode(&model.output("M1").try_into().unwrap()));
    let other = PrivateKey::from_octets(&[7; 32]).unwrap();
    let fault = offered().receive(&m1, &other, &mut Seeded::new("other")).unwrap_err();
    assert_eq!(fault, TerminalFault::CardNotProven(BauthError::Token));
}

/// A security module that does not answer.
struct Absent;

impl TerminalKey for Absent {
    fn shared_x(&self, _: &[u8; 64]) -> Result<SecretOctets<32>, BauthError> {
        Err(BauthError::KeyUnavailable)
    }

    fn public_key(&self) -> [u8; 64] {
        [0; 64]
    }
}

#[test]
fn a_key_that_cannot_be_used_is_not_the_cards_fault() {
    let m1 = success(M1::encode(&model().output("M1").try_into().unwrap()));
    let fault = offered().receive(&m1, &Absent, &mut Seeded::new("absent")).unwrap_err();
    assert_eq!((&fault, fault.code()), (&TerminalFault::KeyUnavailable, "terminal-key-unavailable"));
}

#[test]
fn an_offer_is_read_as_it_was_made() {
    let path = [certificate("CV certificate ca1000.cert"), certificate("CV certificate term.cert")];
    let template = TerminalTemplate::new(Mode::Bilateral, None, None);
    let offer = Offer::new(&path, &template);
    assert_eq!(terminal_certificates(&offer.certificates).unwrap(), path);
    assert_eq!(TerminalTemplate::parse(&offer.template), Ok(template));
}
