//! Each flow sends exactly the commands of its sequence.

use latchkey_card::dialogue::{ByPin, DialogueError, PinStatus, READ_BLOCK_SIZE, Secured, Selected};
use latchkey_card::key::KeyId;
use latchkey_card::password::{Can, Password, Puk};
use latchkey_card::profile::{ApplicationId, Edition, Editions, FileId, Profile};
use latchkey_card::rights::Authority;
use latchkey_card::tlv::{Tag, Writer};
use latchkey_fixtures::scripted::{ScriptedChannel, dialogue, recorded};
use latchkey_fixtures::vectors::file;

use super::{SIGNING_SESSION, THREE_TRIES, in_session, pin, random, with_pin};

/// READ BINARY of all of `contents`, block by block.
fn reading(contents: &[u8]) -> String {
    let mut text = String::new();
    for (number, block) in contents.chunks(usize::from(READ_BLOCK_SIZE)).enumerate() {
        let offset = number * usize::from(READ_BLOCK_SIZE);
        let asked = if number == 0 { usize::from(READ_BLOCK_SIZE) } else { block.len() };
        text += &format!("> 00B0{offset:04X}{asked:02X}\n< {}9000\n", hex::encode_upper(block));
    }
    text
}

fn puk() -> Puk {
    Puk::parse(b"1618033988", 10).unwrap()
}

fn can() -> Can {
    Can::parse(b"654321", 6).unwrap()
}

/// Two commands to learn the tries; then, with the PIN, eight and one for each block of the certificate.
#[test]
fn a_sign_in_sends_no_command_too_many() {
    let certificate = file("pki/person.cert.der");
    let signature = "5A".repeat(48);
    let status = "> 00A40000\n< 9000\n> 0022C1A40E80092A700002002265420D830103\n< 9000\n";
    let rest = format!(
        "> 00A4020C025201\n< 9000\n{}> 002241B606840101800190\n< 9000\n> 002A9E9A20{}00\n< {signature}9000\n",
        reading(&certificate),
        "AA".repeat(32),
    );
    let text = format!("{status}{SIGNING_SESSION}{rest}");
    let profile = Profile::standard();
    let mut card = ScriptedChannel::new(&text);

    let shown = Selected::select(&mut card, &profile).unwrap().pin_status().unwrap();
    assert_eq!(shown, THREE_TRIES);
    let mut holder = with_pin(&mut card, &profile, shown, &Authority::SIGN_IN).unwrap().select_esign().unwrap();
    assert_eq!(holder.read_certificate(KeyId::BASE_128).unwrap(), certificate);
    assert_eq!(holder.sign_belt_hash(&[0xAA; 32]).unwrap().to_vec(), hex::decode(signature).unwrap());
    card.finish();

    let blocks = certificate.len().div_ceil(usize::from(READ_BLOCK_SIZE));
    let general_authenticate = 1; // the two commands of BPACE are one line of the dialogue
    assert_eq!(dialogue(&text).len() + general_authenticate, 10 + blocks);
}

#[test]
fn the_pin_is_changed() {
    let profile = Profile::standard();
    let mut card = ScriptedChannel::new(&recorded("change-pin.txt"));
    let secured = with_pin(&mut card, &profile, THREE_TRIES, &Authority::CHANGE_PIN).unwrap();
    secured.select_esign().unwrap().change_pin(&pin("654321")).unwrap();
    card.finish();
}

#[test]
fn the_pin_is_unblocked_with_and_without_a_new_one() {
    let profile = Profile::standard();
    let mut card = ScriptedChannel::new(&recorded("unblock-pin.txt"));
    let selected = Selected::select(&mut card, &profile).unwrap();
    let secured = selected.secure_with_puk(puk(), &Authority::UNBLOCK_PIN, &mut random()).unwrap();
    let mut verified = secured.select_esign().unwrap();
    verified.unblock_with_new_pin(&pin("654321")).unwrap();
    verified.unblock_pin().unwrap();
    card.finish();
}

#[test]
fn the_pin_is_activated_and_deactivated_by_puk() {
    let profile = Profile::standard();
    let mut card = ScriptedChannel::new(&recorded("activate-pin.txt"));
    let selected = Selected::select(&mut card, &profile).unwrap();
    let secured = selected.secure_with_puk(puk(), &Authority::ACTIVATE_PIN, &mut random()).unwrap();
    let mut verified = secured.select_esign().unwrap();
    verified.activate_pin().unwrap();
    verified.deactivate_pin().unwrap();
    card.finish();
}

#[test]
fn the_last_try_comes_after_the_can() {
    let profile = Profile::standard();
    let mut card = ScriptedChannel::new(&recorded("suspended-pin.txt"));
    let mut selected = Selected::select(&mut card, &profile).unwrap();
    assert_eq!(selected.pin_status(), Ok(PinStatus::Suspended));
    let mut secured = selected.secure_with_can(can(), &Authority::NOTHING, &mut random()).unwrap();
    let shown = secured.pin_status().unwrap();
    assert_eq!(shown, PinStatus::Usable { tries_left: 1 });
    assert!(shown.is_last_try());
    let secured = secured.secure_with_pin(pin("123456"), shown, &Authority::SIGN_IN, &mut random()).unwrap();
    secured.select_esign().unwrap();
    card.finish();
}

#[test]
fn a_used_up_confirmation_is_given_again_and_taken_back() {
    let profile = Profile::standard();
    let mut card = ScriptedChannel::new(&recorded("confirmation.txt"));
    let secured = with_pin(&mut card, &profile, THREE_TRIES, &Authority::SIGN_IN).unwrap();
    let mut holder = secured.select_esign().unwrap();
    assert_eq!(holder.is_confirmed(), Ok(true));
    assert_eq!(holder.sign_belt_hash(&[0xAA; 32]), Ok([0x5A; 48]));
    assert_eq!(holder.sign_belt_hash(&[0xAA; 32]), Err(DialogueError::ConfirmationMissing));
    assert_eq!(holder.is_confirmed(), Ok(false));
    let mut holder = holder.confirm_again().unwrap();
    holder.forget_confirmation().unwrap();
    holder.deactivate_pin().unwrap();
    card.finish();
}

#[test]
fn a_key_token_is_unwrapped_and_the_name_read() {
    let profile = Profile::standard();
    let mut card = ScriptedChannel::new(&recorded("key-token-and-name.txt"));
    let shown = PinStatus::Usable { tries_left: 2 };
    let secured = with_pin(&mut card, &profile, shown, &Authority::UNWRAP_KEY).unwrap();
    let mut holder = secured.select_esign().unwrap();
    assert_eq!(holder.unwrap_key(&[0x1D; 16], &[0x70; 64]).unwrap().to_vec(), [0x4B; 16]);
    let name = hex::decode("300D310B3009060355040613024259").unwrap();
    assert_eq!(holder.read_name(), Ok(Some(name)));
    card.finish();
}

#[test]
fn files_are_read_to_the_end_of_their_object() {
    let object = |value: usize| Writer::new().object(Tag::new(0x30), &[&vec![7; value]]).finish();
    let behind = "> 00B00000E0\n< 3003020107 FFFFFF 9000\n".to_owned();
    let all = |contents: Vec<u8>| (reading(&contents), contents);
    let rows = [
        ("five octets", 5, all(object(3))),
        ("one octet less than a block", 223, all(object(220))),
        ("one block", 224, all(object(221))),
        ("one octet more than a block", 225, all(object(222))),
        ("two blocks", 448, all(object(444))),
        ("one octet more than two blocks", 449, all(object(445))),
        ("the longest file", 4096, all(object(4092))),
        ("octets behind the object", 5, (behind, hex::decode("3003020107").unwrap())),
    ];
    for (name, size, (commands, contents)) in rows {
        assert_eq!(contents.len(), size, "{name}");
        let read = in_session(&format!("> 00A4020C025201\n< 9000\n{commands}"), |mut holder| {
            holder.read_certificate(KeyId::BASE_128)
        });
        assert_eq!(read, Ok(contents), "{name}");
    }
}

#[test]
fn a_certificate_that_is_not_there_is_named_as_such() {
    let missing = DialogueError::CertificateMissing;
    let rows = [
        ("no file", "> 00A4020C025201\n< 6A82\n", missing),
        ("an empty file", "> 00A4020C025201\n< 9000\n> 00B00000E0\n< 9000\n", missing),
        ("an empty file, 6A86", "> 00A4020C025201\n< 9000\n> 00B00000E0\n< 6A86\n", missing),
        ("an empty file, 6B00", "> 00A4020C025201\n< 9000\n> 00B00000E0\n< 6B00\n", missing),
        (
            "the ticket of a request",
            "> 00A4020C025201\n< 9000\n> 00B00000E0\n< 0404010203049000\n",
            DialogueError::CertificatePending,
        ),
    ];
    for (name, text, error) in rows {
        let read = in_session(text, |mut holder| holder.read_certificate(KeyId::BASE_128));
        assert_eq!(read, Err(error), "{name}");
    }
    // Whatever else stands there is whatever the reader of certificates makes of it.
    let text = "> 00A4020C025201\n< 9000\n> 00B00000E0\n< 8001079000\n";
    assert_eq!(in_session(text, |mut holder| holder.read_certificate(KeyId::BASE_128)), Ok(vec![0x80, 1, 7]));
    let read = in_session("> 00A4020C025101\n< 6A82\n", |mut holder| holder.read_name());
    assert_eq!(read, Ok(None), "no name");
}

#[test]
fn a_card_with_an_applet_is_selected_by_it_first() {
    let applet = ApplicationId::new(&[0xF0, 1, 2, 3, 4]);
    let profile = Profile { applet: Some(applet), ..Profile::standard() };
    let mut card = ScriptedChannel::new("> 00A4040C05F001020304\n< 9000\n> 00A40000\n< 9000\n");
    assert!(Selected::select(&mut card, &profile).is_ok());
    card.finish();
}

#[test]
fn values_of_the_profile_reach_the_card() {
    let mut profile = Profile::standard();
    profile.pin.id = 0x05;
    profile.certificate_files = FileId::new(0x6200);
    let text = "
> 00A40000\n< 9000
> 0022C1A42180092A700002002265420D8301057F4C10060A2A7000020022654F060204028000\n< 9000
* bpace 123456
> 00A4040C0AD11200020022654F0702\n< 9000
> 00200005\n< 9000
> 00A4020C026201\n< 6A82
> 00041005\n< 9000";
    let mut card = ScriptedChannel::new(text);
    let secured = with_pin(&mut card, &profile, THREE_TRIES, &Authority::READ_CERTIFICATES).unwrap();
    let mut holder = secured.select_esign().unwrap();
    assert_eq!(holder.is_confirmed(), Ok(true));
    assert_eq!(holder.read_certificate(KeyId::BASE_128), Err(DialogueError::CertificateMissing));
    holder.deactivate_pin().unwrap();
    card.finish();
}

/// A wrong edition of the hello looks like a wrong password, so a PIN must not be what finds out.
#[test]
fn assumed_editions_get_no_pin_before_the_can() {
    let print = Edition::Print2019;
    let profile = Profile { editions: Editions::assumed(print, print), ..Profile::standard() };
    let mut card = ScriptedChannel::of_editions("> 00A40000\n< 9000\n> 00A40000\n< 9000\n", print, print);
    let refused = with_pin(&mut card, &profile, THREE_TRIES, &Authority::SIGN_IN).unwrap_err();
    assert_eq!(refused, DialogueError::EditionsUnconfirmed);
    let selected = Selected::select(&mut card, &profile).unwrap();
    let refused = selected.secure_with_puk(puk(), &Authority::UNBLOCK_PIN, &mut random()).unwrap_err();
    assert_eq!(refused, DialogueError::EditionsUnconfirmed);
    card.finish();
}

const CAN_SESSION: &str =
    "> 00A40000\n< 9000\n> 0022C1A40E80092A700002002265420D830102\n< 9000\n* bpace 654321\n> 00A40000\n< 9000\n";

#[test]
fn a_card_of_another_edition_answers_the_can_as_if_it_were_wrong() {
    let text = "> 00A40000\n< 9000\n> 0022C1A40E80092A700002002265420D830102\n< 9000\n* bpace 654321 63C1\n";
    let profile =
        Profile { editions: Editions::assumed(Edition::Print2019, Edition::Errata2020), ..Profile::standard() };
    let mut card = ScriptedChannel::new(text);
    let selected = Selected::select(&mut card, &profile).unwrap();
    let refused = selected.secure_with_can(can(), &Authority::NOTHING, &mut random()).unwrap_err();
    assert_eq!(refused, DialogueError::CanWrong);
    card.finish();
}

#[test]
fn a_confirmed_profile_gets_the_pin() {
    let print = Edition::Print2019;
    let assumed = Profile { editions: Editions::assumed(print, print), ..Profile::standard() };
    let mut card = ScriptedChannel::of_editions(CAN_SESSION, print, print);
    let selected = Selected::select(&mut card, &assumed).unwrap();
    let mut secured = selected.secure_with_can(can(), &Authority::NOTHING, &mut random()).unwrap();
    let confirmed = secured.confirm_editions().unwrap();
    assert_eq!(confirmed, Profile { editions: Editions::stated(print, print), ..Profile::standard() });
    card.finish();

    let mut card = ScriptedChannel::of_editions(SIGNING_SESSION, print, print);
    let secured = with_pin(&mut card, &confirmed, THREE_TRIES, &Authority::SIGN_IN).unwrap();
    Secured::<ByPin>::select_esign(secured).unwrap();
    card.finish();
}
