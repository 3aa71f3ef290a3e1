//! The deployed card, as far as it is known: an applet first, data groups without a terminal, a second PIN before a
//! signature.

use latchkey_card::dialogue::{DialogueError, PinStatus, Selected};
use latchkey_card::password::{Can, Password, Pin, Pin2, Puk};
use latchkey_card::profile::{Edition, Profile};
use latchkey_card::rights::{Authority, DataGroup, EidRights};
use latchkey_fixtures::scripted::ScriptedChannel;

use super::{THREE_TRIES, pin, random};

const SELECT: &str = "
> 00 A4 04 0C 09 D1 12 00 02 00 22 65 4F 07
< 90 00
> 00 A4 00 00
< 90 00
";

/// The channel with the CAN, which asks for nothing, and the one with the PIN inside it, to sign twice.
const SIGNING: &str = "
> 00 22 C1 A4 0E 80 09 2A 70 00 02 00 22 65 42 0D 83 01 02
< 90 00
* bpace 654321
> 00 22 C1 A4 24 80 09 2A 70 00 02 00 22 65 42 0D 83 01 03 7F 4C 10 06 0A 2A 70 00 02 00 22 65 4F 06 02 04 02 80 00 53 01 01
< 90 00
* bpace 123456
> 00 A4 04 0C 0A D1 12 00 02 00 22 65 4F 07 02
< 90 00
";

const VERIFY_PIN2: &str = "> 00 20 00 05 07 31 32 33 34 35 36 37\n";
const CHOOSE_KEY: &str = "> 00 22 41 B6 06 84 01 01 80 01 90\n< 90 00\n";

fn card(text: &str) -> ScriptedChannel {
    ScriptedChannel::of_editions(text, Edition::Print2019, Edition::Print2019)
}

fn can() -> Can {
    Can::parse(b"654321", 6).unwrap()
}

fn pin2() -> Pin2 {
    Pin2::parse(b"1234567", 7).unwrap()
}

fn signature() -> String {
    format!("> 00 2A 9E 9A 20 {} 00\n< {} 90 00\n", "AA".repeat(32), "5A".repeat(48))
}

/// Signs as often as said in a session that goes on with `text`.
fn sign(text: &str, pin2: Option<Pin2>, times: usize) -> Result<(), DialogueError> {
    let profile = Profile::kta();
    let mut card = card(&format!("{SELECT}{SIGNING}{text}"));
    let selected = Selected::select(&mut card, &profile).unwrap();
    let by_can = selected.secure_with_can(can(), &Authority::NOTHING, &mut random()).unwrap();
    let secured = by_can.secure_with_pin(pin("123456"), THREE_TRIES, &Authority::SIGN_IN, &mut random()).unwrap();
    let secured = match pin2 {
        Some(pin2) => secured.with_pin2(pin2),
        None => secured,
    };
    let mut holder = secured.select_esign().unwrap();
    let signed = (0..times).try_for_each(|_| holder.sign_belt_hash(&[0xAA; 32]).map(|_| ()));
    card.finish();
    signed
}

#[test]
fn the_second_pin_is_verified_once_before_the_first_signature() {
    let text = format!("{VERIFY_PIN2}< 90 00\n{CHOOSE_KEY}{0}{CHOOSE_KEY}{0}", signature());
    assert_eq!(sign(&text, Some(pin2()), 2), Ok(()));
}

#[test]
fn nothing_is_signed_without_the_second_pin() {
    assert_eq!(sign("", None, 1), Err(DialogueError::ConfirmationMissing));
}

#[test]
fn a_refused_second_pin_is_never_presented_again() {
    let rows = [
        ("63 C2", DialogueError::Pin2Wrong { tries_left: 2 }),
        ("63 C0", DialogueError::Pin2Wrong { tries_left: 0 }),
        ("69 83", DialogueError::Pin2Blocked),
    ];
    for (status, refusal) in rows {
        let profile = Profile::kta();
        let mut card = card(&format!("{SELECT}{SIGNING}{VERIFY_PIN2}< {status}\n"));
        let selected = Selected::select(&mut card, &profile).unwrap();
        let by_can = selected.secure_with_can(can(), &Authority::NOTHING, &mut random()).unwrap();
        let secured = by_can.secure_with_pin(pin("123456"), THREE_TRIES, &Authority::SIGN_IN, &mut random()).unwrap();
        let mut holder = secured.with_pin2(pin2()).select_esign().unwrap();
        assert_eq!(holder.sign_belt_hash(&[0xAA; 32]), Err(refusal), "{status}");
        assert_eq!(holder.sign_belt_hash(&[0xAA; 32]), Err(DialogueError::ConfirmationMissing), "{status}");
        card.finish();
    }
}

#[test]
fn a_used_up_confirmation_is_given_again_with_the_second_pin() {
    let profile = Profile::kta();
    let text =
        format!("> 00 20 00 05\n< 6A 82\n{VERIFY_PIN2}< 90 00\n> 00 20 00 05\n< 90 00\n> 00 20 FF 05\n< 90 00\n");
    let mut card = card(&format!("{SELECT}{SIGNING}{text}"));
    let selected = Selected::select(&mut card, &profile).unwrap();
    let by_can = selected.secure_with_can(can(), &Authority::NOTHING, &mut random()).unwrap();
    let secured = by_can.secure_with_pin(pin("123456"), THREE_TRIES, &Authority::SIGN_IN, &mut random()).unwrap();
    let mut holder = secured.with_pin2(pin2()).select_esign().unwrap();
    assert_eq!(holder.is_confirmed(), Ok(false));
    let mut holder = holder.confirm_again().unwrap();
    assert_eq!(holder.is_confirmed(), Ok(true));
    holder.forget_confirmation().unwrap();
    card.finish();
}

/// Rights are listed eSign first, and the right to read a group is all that is asked for.
#[test]
fn data_groups_are_read_after_the_can_alone() {
    let profile = Profile::kta();
    let group = |number| DataGroup::new(number).unwrap();
    let authority = Authority {
        eid: Some(EidRights::read(group(1)) | EidRights::read(group(3)) | EidRights::read(group(5))),
        ..Authority::NOTHING
    };
    let text = format!(
        "{SELECT}> 00 22 C1 A4 24 80 09 2A 70 00 02 00 22 65 42 0D 83 01 02 \
         7F 4C 13 06 0A 2A 70 00 02 00 22 65 4F 06 01 04 05 00 00 00 15 00\n< 90 00\n* bpace 654321\n\
         > 00 A4 04 0C 0A D1 12 00 02 00 22 65 4F 07 01\n< 90 00\n\
         > 00 A4 02 0C 02 01 03\n< 90 00\n> 00 B0 00 00 E0\n< 30 04 45 02 41 42 90 00\n\
         > 00 A4 02 0C 02 01 05\n< 6A 82\n\
         > 00 A4 02 0C 02 01 01\n< 69 82\n"
    );
    let mut card = card(&text);
    let selected = Selected::select(&mut card, &profile).unwrap();
    let secured = selected.secure_with_can(can(), &authority, &mut random()).unwrap();
    let mut identity = secured.select_identity().unwrap();
    assert_eq!(identity.read_group(group(3)).unwrap().unwrap().as_slice(), [0x30, 4, 0x45, 2, 0x41, 0x42]);
    assert_eq!(identity.read_group(group(5)).unwrap(), None);
    assert!(
        matches!(identity.read_group(group(1)), Err(DialogueError::CardRefused { .. })),
        "the PIN is needed for DG1"
    );
    // There is no DG7 on this card: nothing is asked.
    assert_eq!(identity.read_group(group(7)).unwrap(), None);
    card.finish();
}

#[test]
fn the_standard_card_gives_data_groups_to_terminals_only() {
    let profile = Profile::standard();
    let text = "> 00A40000\n< 9000\n> 0022C1A40E80092A700002002265420D830102\n< 9000\n* bpace 654321\n";
    let mut card = ScriptedChannel::new(text);
    let selected = Selected::select(&mut card, &profile).unwrap();
    let secured = selected.secure_with_can(can(), &Authority::NOTHING, &mut random()).unwrap();
    assert_eq!(secured.select_identity().unwrap_err(), DialogueError::TerminalNeeded);
    card.finish();
}

#[test]
fn no_pin_and_no_puk_before_the_can_has_confirmed_the_editions() {
    let profile = Profile::kta();
    let mut refusing = card(SELECT);
    let selected = Selected::select(&mut refusing, &profile).unwrap();
    let pin = Pin::parse(b"123456", 6).unwrap();
    let refused = selected.secure_with_pin(pin, THREE_TRIES, &Authority::SIGN_IN, &mut random());
    assert_eq!(refused.unwrap_err(), DialogueError::EditionsUnconfirmed);
    refusing.finish();

    let text = format!(
        "{SELECT}> 00 22 C1 A4 0E 80 09 2A 70 00 02 00 22 65 42 0D 83 01 02\n< 90 00\n* bpace 654321\n\
         > 00 22 C1 A4 0E 80 09 2A 70 00 02 00 22 65 42 0D 83 01 03\n< 69 83\n\
         > 00 22 C1 A4 21 80 09 2A 70 00 02 00 22 65 42 0D 83 01 04 \
         7F 4C 10 06 0A 2A 70 00 02 00 22 65 4F 06 02 04 02 01 00\n< 90 00\n* bpace 1618033988\n\
         > 00 A4 04 0C 0A D1 12 00 02 00 22 65 4F 07 02\n< 90 00\n> 00 2C 03 00\n< 90 00\n"
    );
    let mut card = card(&text);
    let selected = Selected::select(&mut card, &profile).unwrap();
    let mut by_can = selected.secure_with_can(can(), &Authority::NOTHING, &mut random()).unwrap();
    assert_eq!(by_can.pin_status(), Ok(PinStatus::Blocked));
    let puk = Puk::parse(b"1618033988", 10).unwrap();
    let by_puk = by_can.secure_with_puk(puk, &Authority::UNBLOCK_PIN, &mut random()).unwrap();
    by_puk.select_esign().unwrap().unblock_pin().unwrap();
    card.finish();
}
