//! The client's dialogue against the virtual card: a holder's whole life with it.

use latchkey_card::dialogue::{ByPin, CardModel, DialogueError, PinStatus, Secured, Selected, recognise};
use latchkey_card::key::KeyId;
use latchkey_card::password::{Can, Password, Pin, Puk};
use latchkey_card::profile::{Edition, Editions, Profile};
use latchkey_card::rights::Authority;
use latchkey_crypto::bign::{PrivateKey, PublicKey};
use latchkey_crypto::hash::HashAlgorithm;
use latchkey_crypto::{belt, key_transport};
use latchkey_fixtures::card_image::{
    CardImage, CardName, HelloEdition, KeyPair, MacEdition, Octets, Passwords, TestPrivateKey,
};
use latchkey_fixtures::random::Seeded;
use latchkey_fixtures::store::InProcess;
use latchkey_fixtures::vcard::VirtualCard;
use latchkey_fixtures::vectors::{file, vector};

const PIN: &str = "271828";
const CAN: &str = "141421";
const PUK: &str = "1618033988";

fn key() -> PrivateKey {
    let octets = vector("bign keypair G.1").input("d");
    PrivateKey::from_octets(&octets.try_into().unwrap()).unwrap()
}

fn public_key() -> PublicKey {
    PublicKey::from_octets(&key().public_key()).unwrap()
}

pub(crate) fn image() -> CardImage {
    let passwords = Passwords::parse(PIN, CAN, PUK).unwrap();
    let mut image = CardImage::blank(CardName::parse("dialogue").unwrap(), "IDCBY-000000000001", passwords);
    image.keys.base = KeyPair::Active { private_key: TestPrivateKey::from(&key()) };
    image.esign.base_certificate = Octets(file("pki/person.cert.der"));
    image.esign.name = Octets(hex::decode("300D310B3009060355040613024259").unwrap());
    image
}

pub(crate) fn inserted(image: CardImage) -> VirtualCard {
    VirtualCard::new(image, Box::new(InProcess::default()), Box::new(Seeded::new("the card"))).unwrap()
}

fn random() -> Seeded {
    Seeded::new("the client")
}

fn pin(digits: &str) -> Pin {
    Pin::parse(digits.as_bytes(), 6).unwrap()
}

fn status(card: &mut VirtualCard) -> PinStatus {
    card.reset();
    match recognise(card, Profile::KNOWN).unwrap() {
        CardModel::Known { pin, .. } => pin,
        CardModel::Other(other) => panic!("{other:?}"),
    }
}

fn open<'c>(
    card: &'c mut VirtualCard,
    profile: &'c Profile,
    digits: &str,
    authority: &Authority,
) -> Result<Secured<'c, ByPin>, DialogueError> {
    let shown = status(card);
    card.reset();
    Selected::select(card, profile)?.secure_with_pin(pin(digits), shown, authority, &mut random())
}

/// Presents the PIN after the CAN, as the last try wants it.
fn open_after_can<'c>(
    card: &'c mut VirtualCard,
    profile: &'c Profile,
    digits: &str,
) -> Result<Secured<'c, ByPin>, DialogueError> {
    card.reset();
    let can = Can::parse(CAN.as_bytes(), 6).unwrap();
    let selected = Selected::select(card, profile)?;
    let mut secured = selected.secure_with_can(can, &Authority::NOTHING, &mut random())?;
    let shown = secured.pin_status()?;
    assert_eq!(shown, PinStatus::Usable { tries_left: 1 });
    secured.secure_with_pin(pin(digits), shown, &Authority::SIGN_IN, &mut random())
}

fn by_puk(
    card: &mut VirtualCard,
    authority: &Authority,
    act: impl FnOnce(latchkey_card::dialogue::PukVerified<'_>) -> Result<(), DialogueError>,
) -> Result<(), DialogueError> {
    let profile = Profile::standard();
    card.reset();
    let puk = Puk::parse(PUK.as_bytes(), 10).unwrap();
    let secured = Selected::select(card, &profile)?.secure_with_puk(puk, authority, &mut random())?;
    act(secured.select_esign()?)
}

#[test]
fn the_holder_signs_in() {
    let (mut card, profile) = (inserted(image()), Profile::standard());
    let mut holder = open(&mut card, &profile, PIN, &Authority::SIGN_IN).unwrap().select_esign().unwrap();
    assert_eq!(holder.read_certificate(KeyId::BASE_128).unwrap(), file("pki/person.cert.der"));
    let hash = belt::hash(&[b"what the holder agreed to"]);
    let signature = holder.sign_belt_hash(&hash).unwrap();
    assert_eq!(public_key().verify(HashAlgorithm::BeltHash, &hash, &signature), Ok(()));
    assert_eq!(holder.sign_belt_hash(&hash), Err(DialogueError::ConfirmationMissing), "one signature was agreed");
    let mut holder = holder.confirm_again().unwrap();
    assert!(holder.sign_belt_hash(&hash).is_ok());
}

#[test]
fn certificates_are_read_without_leaving_a_confirmation() {
    let (mut card, profile) = (inserted(image()), Profile::standard());
    let secured = open(&mut card, &profile, PIN, &Authority::READ_CERTIFICATES).unwrap();
    let mut holder = secured.select_esign().unwrap();
    assert_eq!(holder.is_confirmed(), Ok(true));
    holder.forget_confirmation().unwrap();
    assert_eq!(holder.is_confirmed(), Ok(false));
    assert!(holder.read_certificate(KeyId::BASE_128).is_ok());
    assert_eq!(holder.sign_belt_hash(&[7; 32]), Err(DialogueError::ConfirmationMissing));

    let secured = open(&mut card, &profile, PIN, &Authority::READ_NAME).unwrap();
    let name = secured.select_esign().unwrap().read_name();
    assert_eq!(name, Ok(Some(hex::decode("300D310B3009060355040613024259").unwrap())));
}

#[test]
fn a_key_token_is_unwrapped() {
    let (mut card, profile) = (inserted(image()), Profile::standard());
    let (secret, header) = ([0x4B; 16], [0x1D; 16]);
    let token = key_transport::wrap(&secret, &header, &public_key(), &mut random()).unwrap();
    let mut holder = open(&mut card, &profile, PIN, &Authority::UNWRAP_KEY).unwrap().select_esign().unwrap();
    assert_eq!(holder.unwrap_key(&header, &token).unwrap().to_vec(), secret);
    let mut altered = token.clone();
    altered[40] ^= 1;
    assert_eq!(holder.unwrap_key(&header, &altered).unwrap_err().code(), "card-refused");
}

#[test]
fn the_pin_is_changed_and_the_old_one_forgotten() {
    let (mut card, profile) = (inserted(image()), Profile::standard());
    let secured = open(&mut card, &profile, PIN, &Authority::CHANGE_PIN).unwrap();
    secured.select_esign().unwrap().change_pin(&pin("314159")).unwrap();
    let refused = open(&mut card, &profile, PIN, &Authority::SIGN_IN).unwrap_err();
    assert_eq!(refused, DialogueError::PinWrong { tries_left: 2 });
    assert!(open(&mut card, &profile, "314159", &Authority::SIGN_IN).is_ok());
    assert_eq!(status(&mut card), PinStatus::Usable { tries_left: 3 }, "the right PIN gives the tries back");
}

#[test]
fn a_forgotten_pin_is_suspended_then_blocked_then_unblocked() {
    let (mut card, profile) = (inserted(image()), Profile::standard());
    assert_eq!(status(&mut card), PinStatus::Usable { tries_left: 3 });
    let refused = open(&mut card, &profile, "000000", &Authority::SIGN_IN).unwrap_err();
    assert_eq!(refused, DialogueError::PinWrong { tries_left: 2 });
    assert_eq!(status(&mut card), PinStatus::Usable { tries_left: 2 });
    let refused = open(&mut card, &profile, "000000", &Authority::SIGN_IN).unwrap_err();
    assert_eq!(refused, DialogueError::PinWrong { tries_left: 1 });
    assert_eq!(status(&mut card), PinStatus::Suspended);
    let refused = open(&mut card, &profile, PIN, &Authority::SIGN_IN).unwrap_err();
    assert_eq!(refused, DialogueError::PinSuspended, "even the right PIN is not looked at");
    let refused = open_after_can(&mut card, &profile, "000000").unwrap_err();
    assert_eq!(refused, DialogueError::PinWrong { tries_left: 0 });
    assert_eq!(status(&mut card), PinStatus::Blocked);
    assert_eq!(open(&mut card, &profile, PIN, &Authority::SIGN_IN).unwrap_err(), DialogueError::PinBlocked);

    by_puk(&mut card, &Authority::UNBLOCK_PIN, |mut puk| puk.unblock_with_new_pin(&pin("314159"))).unwrap();
    assert_eq!(status(&mut card), PinStatus::Usable { tries_left: 3 });
    assert!(open(&mut card, &profile, "314159", &Authority::SIGN_IN).is_ok());
}

#[test]
fn the_last_try_with_the_can_saves_the_pin() {
    let (mut card, profile) = (inserted(image()), Profile::standard());
    for _ in 0..2 {
        assert!(open(&mut card, &profile, "000000", &Authority::SIGN_IN).is_err());
    }
    let mut holder = open_after_can(&mut card, &profile, PIN).unwrap().select_esign().unwrap();
    assert!(holder.sign_belt_hash(&[7; 32]).is_ok());
    assert_eq!(status(&mut card), PinStatus::Usable { tries_left: 3 });
}

#[test]
fn the_pin_is_deactivated_and_activated() {
    let (mut card, profile) = (inserted(image()), Profile::standard());
    let secured = open(&mut card, &profile, PIN, &Authority::ACTIVATE_PIN).unwrap();
    secured.select_esign().unwrap().deactivate_pin().unwrap();
    assert_eq!(status(&mut card), PinStatus::Deactivated);
    assert_eq!(open(&mut card, &profile, PIN, &Authority::SIGN_IN).unwrap_err(), DialogueError::PinDeactivated);
    by_puk(&mut card, &Authority::ACTIVATE_PIN, |mut puk| puk.activate_pin()).unwrap();
    assert_eq!(status(&mut card), PinStatus::Usable { tries_left: 3 });
    by_puk(&mut card, &Authority::ACTIVATE_PIN, |puk| puk.deactivate_pin()).unwrap();
    assert_eq!(status(&mut card), PinStatus::Deactivated);
}

/// The card takes no step that the client's rights do not name.
#[test]
fn a_session_can_do_only_what_it_asked_for() {
    let (mut card, profile) = (inserted(image()), Profile::standard());
    let mut holder = open(&mut card, &profile, PIN, &Authority::CHANGE_PIN).unwrap().select_esign().unwrap();
    assert_eq!(holder.sign_belt_hash(&[7; 32]).unwrap_err().code(), "card-refused");
    assert_eq!(holder.read_certificate(KeyId::BASE_128).unwrap_err().code(), "card-refused");
    let holder = open(&mut card, &profile, PIN, &Authority::SIGN_IN).unwrap().select_esign().unwrap();
    assert_eq!(holder.change_pin(&pin("314159")).unwrap_err().code(), "card-refused");
    let refused = by_puk(&mut card, &Authority::ACTIVATE_PIN, |mut puk| puk.unblock_pin()).unwrap_err();
    assert_eq!(refused.code(), "card-refused");
}

#[test]
fn a_wrong_can_or_puk_is_told() {
    let (mut card, profile) = (inserted(image()), Profile::standard());
    let can = Can::parse(b"000000", 6).unwrap();
    let selected = Selected::select(&mut card, &profile).unwrap();
    let refused = selected.secure_with_can(can, &Authority::NOTHING, &mut random()).unwrap_err();
    assert_eq!(refused, DialogueError::CanWrong);
    card.reset();
    let puk = Puk::parse(b"0000000000", 10).unwrap();
    let selected = Selected::select(&mut card, &profile).unwrap();
    let refused = selected.secure_with_puk(puk, &Authority::UNBLOCK_PIN, &mut random()).unwrap_err();
    assert_eq!(refused, DialogueError::PukWrong { tries_left: 9 });
}

#[test]
fn each_pair_of_editions_is_confirmed_by_the_can_and_by_no_other_pair() {
    let editions = [Edition::Errata2020, Edition::Print2019];
    let pairs = || editions.into_iter().flat_map(|hello| editions.map(|mac| (hello, mac)));
    for (theirs, ours) in pairs().flat_map(|theirs| pairs().map(move |ours| (theirs, ours))) {
        let case = format!("card {theirs:?}, client {ours:?}");
        let mut card = inserted(of_editions(theirs));
        let profile = Profile { editions: Editions::assumed(ours.0, ours.1), ..Profile::standard() };
        let can = Can::parse(CAN.as_bytes(), 6).unwrap();
        let selected = Selected::select(&mut card, &profile).unwrap();
        let confirmed = selected
            .secure_with_can(can, &Authority::NOTHING, &mut random())
            .and_then(|mut secured| secured.confirm_editions());
        match confirmed {
            Ok(confirmed) => {
                assert_eq!(ours, theirs, "{case}");
                assert_eq!(confirmed.editions, Editions::stated(ours.0, ours.1), "{case}");
                let opened = open(&mut card, &confirmed, PIN, &Authority::SIGN_IN);
                assert!(opened.unwrap().select_esign().is_ok(), "{case}");
            }
            Err(DialogueError::CanWrong) => assert_ne!(ours.0, theirs.0, "{case}"),
            Err(DialogueError::ChannelClosed { .. }) => assert_ne!(ours.1, theirs.1, "{case}"),
            Err(other) => panic!("{case}: {other:?}"),
        }
        assert_eq!(status(&mut card), PinStatus::Usable { tries_left: 3 }, "{case}");
    }
}

fn of_editions((hello, mac): (Edition, Edition)) -> CardImage {
    let mut image = image();
    image.editions.hello = match hello {
        Edition::Errata2020 => HelloEdition::WholeData,
        Edition::Print2019 => HelloEdition::CertHatOnly,
    };
    image.editions.mac = match mac {
        Edition::Errata2020 => MacEdition::WithCounter,
        Edition::Print2019 => MacEdition::WithoutCounter,
    };
    image
}
