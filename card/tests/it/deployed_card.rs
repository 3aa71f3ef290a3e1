//! The client's dialogue and a terminal's against the virtual card of the deployed model. Whatever is invented about that
//! model is invented on both sides: these tests show that the sides fit each other, not that a real card is like that.

use latchkey_card::bauth::{Mode, TerminalTemplate, terminal_certificates};
use latchkey_card::bpace::AuthenticationTemplate;
use latchkey_card::dialogue::{
    AgreedActs, ByPin, CardModel, DialogueError, PinStatus, Secured, Selected, TerminalAct, recognise,
};
use latchkey_card::key::KeyId;
use latchkey_card::password::{Can, Password, Pin, Pin2};
use latchkey_card::profile::Profile;
use latchkey_card::rights::{Authority, DataGroup, EidRights};
use latchkey_card::terminal::{AfterM1, AwaitingM1, CardTrustAnchors, Next, Offer, TerminalEditions, TerminalFile};
use latchkey_crypto::belt;
use latchkey_crypto::cv::{Date, TrustAnchor, TrustAnchors};
use latchkey_crypto::hash::HashAlgorithm;
use latchkey_crypto::signature::SignatureAlgorithm;
use latchkey_crypto::x509::Certificate;
use latchkey_fixtures::card_image::{self, CardImage};
use latchkey_fixtures::cv::CvPki;
use latchkey_fixtures::holders::{Holder, deployed_holders, issue_deployed_card, sample_pki};
use latchkey_fixtures::random::Seeded;
use latchkey_fixtures::store::InProcess;
use latchkey_fixtures::vcard::VirtualCard;
use time::OffsetDateTime;
use time::macros::datetime;

const NOW: OffsetDateTime = datetime!(2026-11-30 12:00 UTC);
const THREE_TRIES: PinStatus = PinStatus::Usable { tries_left: 3 };

fn holder() -> Holder {
    deployed_holders().remove(0)
}

fn image() -> CardImage {
    issue_deployed_card(&sample_pki(NOW).unwrap(), &holder(), NOW).unwrap()
}

fn inserted() -> VirtualCard {
    VirtualCard::new(image(), Box::new(InProcess::default()), Box::new(Seeded::new("the card"))).unwrap()
}

fn random() -> Seeded {
    Seeded::new("the client")
}

fn can() -> Can {
    Can::parse(holder().can.as_bytes(), 6).unwrap()
}

fn pin2(digits: &str) -> Pin2 {
    Pin2::parse(digits.as_bytes(), 7).unwrap()
}

fn group(number: u8) -> DataGroup {
    DataGroup::new(number).unwrap()
}

/// The channel with the CAN, which confirms the editions, and the one with the PIN inside it.
fn open<'c>(card: &'c mut VirtualCard, profile: &'c Profile, authority: &Authority) -> Secured<'c, ByPin> {
    let pin = Pin::parse(holder().pin.as_bytes(), 6).unwrap();
    let by_can = Selected::select(card, profile).unwrap();
    let by_can = by_can.secure_with_can(can(), &Authority::NOTHING, &mut random()).unwrap();
    by_can.secure_with_pin(pin, THREE_TRIES, authority, &mut random()).unwrap()
}

#[test]
fn the_card_is_recognised() {
    let model = recognise(&mut inserted(), Profile::KNOWN).unwrap();
    assert_eq!(model, CardModel::Known { profile: &Profile::kta(), pin: THREE_TRIES });
}

#[test]
fn the_holder_signs_with_the_second_pin() {
    let profile = Profile::kta();
    let mut card = inserted();
    let secured = open(&mut card, &profile, &Authority::SIGN_IN).with_pin2(pin2(&holder().pin2()));
    let mut esign = secured.select_esign().unwrap();
    let certificate = esign.read_certificate(KeyId::BASE_128).unwrap();
    let hash = belt::hash(&[b"origin and challenge"]);
    let signature = esign.sign_belt_hash(&hash).unwrap();
    let key = Certificate::from_der(&certificate).unwrap();
    let algorithm = SignatureAlgorithm::Bign(HashAlgorithm::BeltHash);
    assert_eq!(key.public_key().verify_hash(algorithm, &hash, &signature), Ok(()));
    // The agreed signature is made; another one wants another confirmation.
    assert_eq!(esign.sign_belt_hash(&hash), Err(DialogueError::ConfirmationMissing));
    assert_eq!(esign.is_confirmed(), Ok(false));
    assert!(esign.confirm_again().unwrap().sign_belt_hash(&hash).is_ok());
}

#[test]
fn a_wrong_second_pin_is_told_with_its_own_tries() {
    let profile = Profile::kta();
    let mut card = inserted();
    for tries_left in [2, 1, 0] {
        card.reset();
        let secured = open(&mut card, &profile, &Authority::SIGN_IN).with_pin2(pin2("0000000"));
        let refused = secured.select_esign().unwrap().sign_belt_hash(&[7; 32]);
        assert_eq!(refused, Err(DialogueError::Pin2Wrong { tries_left }));
    }
    card.reset();
    let secured = open(&mut card, &profile, &Authority::SIGN_IN).with_pin2(pin2(&holder().pin2()));
    assert_eq!(secured.select_esign().unwrap().sign_belt_hash(&[7; 32]), Err(DialogueError::Pin2Blocked));
}

#[test]
fn groups_are_read_without_a_terminal_and_the_number_with_the_pin_only() {
    let profile = Profile::kta();
    let all = (1..=5).fold(EidRights::NONE, |all, number| all | EidRights::read(group(number)));
    let authority = Authority { eid: Some(all), ..Authority::NOTHING };
    let held = |number| image().data_groups[&card_image::DataGroup::new(number).unwrap()].0.clone();
    let mut card = inserted();
    let by_can = Selected::select(&mut card, &profile).unwrap();
    let by_can = by_can.secure_with_can(can(), &authority, &mut random()).unwrap();
    let mut identity = by_can.select_identity().unwrap();
    for number in 2..=5 {
        assert_eq!(identity.read_group(group(number)).unwrap().unwrap().to_vec(), held(number), "DG{number}");
    }
    assert!(matches!(identity.read_group(group(1)), Err(DialogueError::CardRefused { .. })));
    let mut card = inserted();
    let mut identity = open(&mut card, &profile, &authority).select_identity().unwrap();
    assert_eq!(identity.read_group(group(1)).unwrap().unwrap().to_vec(), held(1));
}

/// As pages of the deployed system have it: groups, then a signature in three commands, nobody switching channels.
#[test]
fn a_terminal_reads_groups_and_has_a_signature_made() {
    let profile = &Profile::KNOWN[1];
    let pki = sample_pki(NOW).unwrap().cv_pki().unwrap();
    let certified = pki.terminal("980000000001", CvPki::sign_in_rights()).unwrap();
    let template = TerminalTemplate::new(Mode::Bilateral, None, None);
    let offer = Offer::new(&[pki.authority().certificate.clone(), certified.certificate.clone()], &template);
    let authority = profile.words;
    let cert_hats = AuthenticationTemplate::new(3, &authority, profile.rights_order).cert_hats().to_vec();

    let mut card = inserted();
    let secured = open(&mut card, profile, &authority).with_pin2(pin2(&holder().pin2()));
    let certificates = terminal_certificates(&offer.certificates).unwrap();
    let agreed = AgreedActs::NONE.with(TerminalAct::Sign);
    let (waiting, m1) = secured.authenticate_terminal(&template, &certificates, agreed).unwrap();
    let editions = TerminalEditions { hello: profile.hello_terminal, mac: profile.editions.mac() };
    let awaiting = AwaitingM1::new(&template, &cert_hats, profile, editions);
    let (after, command) = awaiting.receive(&m1, &certified.key, &mut Seeded::new("terminal")).unwrap();
    let AfterM1::Bilateral(awaiting) = after else { panic!("a unilateral run") };
    let (mut channel, m3) = waiting.relay_m2(&command.data).unwrap();
    let anchors = TrustAnchors::new(vec![TrustAnchor::of_root(pki.root().certificate.clone()).unwrap()]);
    let issuers = [pki.authority().certificate.clone()];
    let today = Date::try_from(NOW.date()).unwrap();
    let trust = CardTrustAnchors { anchors: &anchors, issuers: &issuers, today };
    let established = awaiting.receive(&m3, &trust).unwrap();
    assert_eq!(established.card().name().as_str(), holder().document_number);

    let files: Vec<_> = (1..=5).map(|number| TerminalFile::DataGroup(group(number))).collect();
    let mut next = established.read(&[files, vec![TerminalFile::Certificate]].concat()).unwrap();
    let (findings, established) = loop {
        match next {
            Next::Done(outcome) => break outcome,
            Next::Command(step, command) => {
                next = step.receive(&channel.relay(command.header, &command.data).unwrap()).unwrap();
            }
        }
    };
    for (number, (_, read)) in (1..=5).zip(&findings.files) {
        let held = &image().data_groups[&card_image::DataGroup::new(number).unwrap()].0;
        assert_eq!(&read.as_ref().unwrap().to_vec(), held, "DG{number}");
    }
    let certificate = Certificate::from_der(findings.files[5].1.as_ref().unwrap()).unwrap();

    let hash = belt::hash(&[b"what the holder has agreed to"]);
    let (step, command) = established.sign().unwrap();
    let (step, command) = step.receive(&channel.relay(command.header, &command.data).unwrap()).unwrap();
    let (step, command) = step.receive(&channel.relay(command.header, &command.data).unwrap(), &hash).unwrap();
    let (signature, _) = step.receive(&channel.relay(command.header, &command.data).unwrap()).unwrap();
    let algorithm = SignatureAlgorithm::Bign(HashAlgorithm::BeltHash);
    assert_eq!(certificate.public_key().verify_hash(algorithm, &hash, &signature), Ok(()));
}

#[test]
fn a_wrong_second_pin_ends_the_session_before_the_terminal_comes() {
    let profile = Profile::kta();
    let pki = sample_pki(NOW).unwrap().cv_pki().unwrap();
    let template = TerminalTemplate::new(Mode::Bilateral, None, None);
    let mut card = inserted();
    let secured = open(&mut card, &profile, &profile.words).with_pin2(pin2("0000000"));
    let certificates = [pki.authority().certificate.clone()];
    let refused = secured.authenticate_terminal(&template, &certificates, AgreedActs::NONE).map(|_| ());
    assert_eq!(refused.unwrap_err(), DialogueError::Pin2Wrong { tries_left: 2 });
}
