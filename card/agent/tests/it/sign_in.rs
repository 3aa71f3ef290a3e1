//! Signing in: what the card signs, what is sent to it, and what the holder sees on the way.

use latchkey_agent::{Asker, CardModel, CardTask, Failure, PinStatus, Purpose, ReaderName, SecretKind, Step};
use latchkey_crypto::assertion::{Assertion, AssertionAlgorithm, signed_hash};
use latchkey_crypto::belt;
use latchkey_crypto::hash::HashAlgorithm;
use latchkey_crypto::x509::Certificate;
use latchkey_fixtures::card_image::{KeyPair, Octets};
use latchkey_fixtures::faults::{At, FaultProfile, Happening};
use latchkey_fixtures::vcard::automaton::PinState;
use latchkey_reader::CardAfter;

use crate::desk::{Desk, Event, HolderCard, OneApplication, holder};
use crate::holder::{Reply, Scene, assertion, challenge, origin, sign_in};

const ORDINARY: &str = "hanna-vydumanaya";

fn pin() -> Reply {
    Reply::Digits(holder(ORDINARY).pin)
}

#[test]
fn the_card_signs_origin_and_challenge_and_nothing_else() {
    let card = HolderCard::of(ORDINARY);
    let scene = Scene::new(&Desk::with(&card), [pin()]);
    let assertion = assertion(scene.ask(sign_in()).unwrap());
    assert_eq!(assertion.unverified_certificate(), card.image.esign.base_certificate.0);
    assert_eq!(assertion.algorithm().name(), "bign-with-hbelt");
    assert_eq!(Assertion::parse(assertion.to_json().as_bytes()).unwrap(), assertion);

    // Computed here from the texts alone, as a portal would.
    let of_origin = belt::hash(&[b"https://portal.example"]);
    let of_challenge = belt::hash(&[challenge().as_str().as_bytes()]);
    let hash = belt::hash(&[&of_origin, &of_challenge]);
    let algorithm = AssertionAlgorithm::Bign(HashAlgorithm::BeltHash);
    assert_eq!(signed_hash(algorithm, &origin(), &challenge()), hash);
    let certificate = Certificate::from_der(assertion.unverified_certificate()).unwrap();
    certificate.public_key().verify_hash(algorithm, &hash, assertion.signature()).unwrap();
}

#[test]
fn a_sign_in_sends_what_was_counted_and_no_more() {
    for id in [ORDINARY, "vielmi-douhaya", "alex-nichyj"] {
        let card = HolderCard::of(id);
        let scene = Scene::new(&Desk::with(&card), [Reply::Digits(holder(id).pin)]);
        scene.ask(sign_in()).unwrap();
        let blocks = card.image.esign.base_certificate.0.len().div_ceil(224);
        let mut expected = vec![0xA4, 0x22, 0xA4, 0x22, 0x86, 0x86, 0xA4, 0xA4];
        expected.extend(std::iter::repeat_n(0xB0, blocks));
        expected.extend([0x22, 0x2A]);
        let sent = scene.desk.instructions();
        assert_eq!(sent, expected, "{id}");
        assert!(sent.len() <= 10 + blocks, "{id}: {} commands", sent.len());
    }
}

#[test]
fn tries_are_learnt_and_the_transaction_released_before_the_pin_is_asked_for() {
    let scene = Scene::new(&Desk::with(&HolderCard::of(ORDINARY)), [pin()]);
    scene.ask(sign_in()).unwrap();
    let events = scene.desk.events();
    let before = [
        Event::Begun,
        Event::Command(0xA4),
        Event::Command(0x22),
        Event::Ended(CardAfter::Untouched),
        Event::Asked(SecretKind::Pin),
        Event::Begun,
    ];
    assert_eq!(events[..before.len()], before);
    assert_eq!(events.last(), Some(&Event::Ended(CardAfter::Reset)));
    assert_eq!(events.iter().filter(|event| **event == Event::Begun).count(), 2);
}

#[test]
fn the_steps_are_told_as_they_are_reached() {
    let scene = Scene::new(&Desk::with(&HolderCard::of(ORDINARY)), [pin()]);
    let (result, steps) = scene.ask_with_steps(sign_in());
    result.unwrap();
    let expected = [
        Step::ReaderChosen(ReaderName::parse("Reader").unwrap()),
        Step::CardRecognised(CardModel::Stb79),
        Step::PinStatusKnown(PinStatus::Usable { tries_left: 3 }),
        Step::WaitingFor(SecretKind::Pin),
        Step::ChannelOpen,
        Step::CertificateRead,
        Step::Signing,
        Step::Done,
    ];
    assert_eq!(steps, expected);
}

#[test]
fn the_question_says_who_asks_for_what_and_how_many_tries_are_left() {
    let scene = Scene::new(&Desk::with(&HolderCard::of(ORDINARY)), [pin()]);
    scene.ask(sign_in()).unwrap();
    let (kind, question) = scene.questions().pop().unwrap();
    assert_eq!(kind, SecretKind::Pin);
    assert_eq!(question.asker, Asker::Portal(origin()));
    assert_eq!(question.purpose, Purpose::SignIn);
    assert_eq!(question.pin, PinStatus::Usable { tries_left: 3 });
    assert_eq!(question.digits, 6);
}

#[test]
fn odd_cards_end_as_they_must() {
    struct Row {
        id: &'static str,
        asked: &'static [SecretKind],
        code: Option<&'static str>,
    }
    const PIN: &[SecretKind] = &[SecretKind::Pin];
    const LAST: &[SecretKind] = &[SecretKind::LastTryConfirmation, SecretKind::Can, SecretKind::Pin];
    let rows = [
        Row { id: "yan-bezbatskovich", asked: PIN, code: None },
        // Whether a certificate is expired or revoked is for the portal to say.
        Row { id: "uladzislau-praterminavany", asked: PIN, code: None },
        Row { id: "piotr-adklikany", asked: PIN, code: None },
        Row { id: "kastus-zablakavany", asked: &[], code: Some("pin-blocked") },
        Row { id: "ihar-adkliuchany", asked: &[], code: Some("pin-deactivated") },
        Row { id: "alena-prypynenaya", asked: LAST, code: None },
    ];
    for Row { id, asked, code } in rows {
        let person = holder(id);
        let replies = asked.iter().map(|kind| match kind {
            SecretKind::Pin => Reply::Digits(person.pin),
            SecretKind::Can => Reply::Digits(person.can),
            _ => Reply::Yes,
        });
        let scene = Scene::new(&Desk::with(&HolderCard::of(id)), replies.collect::<Vec<_>>());
        let result = scene.ask(sign_in());
        assert_eq!(scene.asked(), asked, "{id}");
        assert_eq!(result.err().map(|failure| failure.code()), code, "{id}");
    }
}

#[test]
fn a_card_whose_certificate_is_not_its_own_is_found_out() {
    let mut card = HolderCard::of(ORDINARY);
    card.image.esign.base_certificate = HolderCard::of("yan-bezbatskovich").image.esign.base_certificate;
    let failure = Scene::new(&Desk::with(&card), [pin()]).ask(sign_in()).unwrap_err();
    assert_eq!(failure, Failure::SignatureFaulty);
}

#[test]
fn a_card_without_a_usable_certificate_signs_nothing() {
    let other_key = latchkey_fixtures::vectors::file("pki/person512.cert.der");
    let ticket = [&[0x04, 0x20][..], &[7; 32]].concat();
    let rows: [(&str, Vec<u8>, &str); 5] = [
        ("something else", vec![0x80, 0x01, 0x07], "certificate-faulty"),
        ("an empty file", Vec::new(), "certificate-missing"),
        ("a ticket", ticket, "certificate-pending"),
        ("no certificate", vec![0x30, 0x03, 0x02, 0x01, 0x05], "certificate-faulty"),
        ("a key of another level", other_key, "certificate-faulty"),
    ];
    for (name, contents, code) in rows {
        let mut card = HolderCard::of(ORDINARY);
        card.image.esign.base_certificate = Octets(contents);
        let scene = Scene::new(&Desk::with(&card), [pin()]);
        assert_eq!(scene.ask(sign_in()).unwrap_err().code(), code, "{name}");
        assert!(!scene.desk.instructions().contains(&0x2A), "{name}: a signature was asked for");
        assert_eq!(scene.desk.events().last(), Some(&Event::Ended(CardAfter::Reset)), "{name}");
        assert_eq!(card.pin_state(), PinState::Pin3, "{name}");
    }
}

#[test]
fn a_card_whose_key_cannot_sign_says_so() {
    let HolderCard { image, .. } = HolderCard::of(ORDINARY);
    let KeyPair::Active { private_key } = image.keys.base else { panic!("the ordinary card has its key") };
    let rows = [
        ("no key", KeyPair::Absent, "key-missing"),
        ("a key out of use", KeyPair::Inactive { private_key }, "key-inactive"),
    ];
    for (name, key, code) in rows {
        let mut card = HolderCard::of(ORDINARY);
        card.image.keys.base = key;
        assert_eq!(Scene::new(&Desk::with(&card), [pin()]).ask(sign_in()).unwrap_err().code(), code, "{name}");
    }
}

#[test]
fn a_card_that_breaks_the_protocol_gets_no_further() {
    let rows: [(&str, u32, &[u8], &str); 5] = [
        ("a refusal of the first step", 5, &[0x6F, 0x00], "card-refused"),
        ("a first step without its objects", 5, &[0x7C, 0x00, 0x90, 0x00], "card-protocol"),
        ("a false key confirmation", 6, &[0x7C, 0x0A, 0x83, 0x08, 1, 2, 3, 4, 5, 6, 7, 8, 0x90, 0x00], "card-protocol"),
        ("a plain refusal in the channel", 7, &[0x69, 0x88], "card-closed-channel"),
        ("a plain success in the channel", 7, &[0x90, 0x00], "card-closed-channel"),
    ];
    for (name, at, answer, code) in rows {
        let card = HolderCard::of(ORDINARY);
        let lie = Happening::Plain(Octets(answer.to_vec()));
        let desk = Desk::with_faults(&card, FaultProfile::of(name, At::Exchange(at), lie), &card);
        let scene = Scene::new(&desk, [pin()]);
        assert_eq!(scene.ask(sign_in()).unwrap_err().code(), code, "{name}");
        assert_eq!(desk.instructions().len(), at as usize, "{name}: something was said to the card after that");
        assert_eq!(desk.events().last(), Some(&Event::Ended(CardAfter::Reset)), "{name}");
    }
}

#[test]
fn other_cards_are_named() {
    let rows: [(&str, &'static [u8], &str); 5] = [
        ("bank card", b"2PAY.SYS.DDF01", "payment-card"),
        ("PIV card", &[0xA0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00], "piv-card"),
        ("passport", &[0xA0, 0x00, 0x00, 0x02, 0x47, 0x10, 0x01], "travel-document"),
        ("OpenPGP card", &[0xD2, 0x76, 0x00, 0x01, 0x24, 0x01], "openpgp-card"),
        ("a card with nothing on it", b"", "unknown-card"),
    ];
    for (name, application, code) in rows {
        let desk = Desk::default();
        desk.plug_in("Reader");
        desk.insert_played("Reader", Box::new(OneApplication(application)));
        for task in [CardTask::Status, sign_in()] {
            let scene = Scene::new(&desk, []);
            assert_eq!(scene.ask(task).unwrap_err().code(), code, "{name}");
        }
        assert_eq!(desk.events().last(), Some(&Event::Ended(CardAfter::Reset)), "{name}");
    }
}
