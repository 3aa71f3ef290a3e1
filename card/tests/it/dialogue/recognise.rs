//! Which card is it?

use std::slice;

use latchkey_card::channel::ChannelError;
use latchkey_card::dialogue::{CardModel, DialogueError, OtherCard, PinStatus, recognise};
use latchkey_card::profile::{ApplicationId, Profile};
use latchkey_fixtures::scripted::ScriptedChannel;

const CHOOSE_PIN: &str = "> 0022C1A40E80092A700002002265420D830103\n";
const PAYMENT_BY_CONTACT: &str = "> 00A404000E315041592E5359532E444446303100\n";
const PAYMENT_CONTACTLESS: &str = "> 00A404000E325041592E5359532E444446303100\n";
const TRAVEL_DOCUMENT: &str = "> 00A4040007A000000247100100\n";
const PIV: &str = "> 00A4040009A0000003080000100000\n";
const OPEN_PGP: &str = "> 00A4040006D2760001240100\n";

#[test]
fn a_card_of_the_profile_costs_two_commands() {
    let rows = [
        ("9000", PinStatus::Usable { tries_left: 3 }),
        ("63C1", PinStatus::Usable { tries_left: 1 }),
        ("6985", PinStatus::Suspended),
        ("6983", PinStatus::Blocked),
        ("6984", PinStatus::Deactivated),
    ];
    for (answer, pin) in rows {
        let mut card = ScriptedChannel::new(&format!("> 00A40000\n< 9000\n{CHOOSE_PIN}< {answer}\n"));
        let known = CardModel::Known { profile: &Profile::KNOWN[0], pin };
        assert_eq!(recognise(&mut card, Profile::KNOWN), Ok(known), "{answer}");
        card.finish();
    }
}

#[test]
fn another_card_is_named_by_what_it_lets_select() {
    let no = "< 6A82\n";
    let rows = [
        ("payment card", format!("> 00A40000\n< 6A82\n{PAYMENT_BY_CONTACT}< 6F0084009000\n"), OtherCard::Payment),
        (
            "payment card that has its master file and is contactless",
            format!("> 00A40000\n< 9000\n{CHOOSE_PIN}< 6D00\n{PAYMENT_BY_CONTACT}{no}{PAYMENT_CONTACTLESS}< 611A\n"),
            OtherCard::Payment,
        ),
        (
            "payment card whose environment is blocked",
            format!("> 00A40000\n< 6D00\n{PAYMENT_BY_CONTACT}< 6283\n"),
            OtherCard::Payment,
        ),
        (
            "passport",
            format!("> 00A40000\n< 6E00\n{PAYMENT_BY_CONTACT}{no}{PAYMENT_CONTACTLESS}{no}{TRAVEL_DOCUMENT}< 9000\n"),
            OtherCard::TravelDocument,
        ),
        (
            "PIV card",
            format!(
                "> 00A40000\n< 6A86\n{PAYMENT_BY_CONTACT}{no}{PAYMENT_CONTACTLESS}{no}{TRAVEL_DOCUMENT}{no}{PIV}< 61279000\n"
            ),
            OtherCard::Piv,
        ),
        (
            "OpenPGP card",
            format!(
                "> 00A40000\n< 6A82\n{PAYMENT_BY_CONTACT}{no}{PAYMENT_CONTACTLESS}{no}{TRAVEL_DOCUMENT}{no}{PIV}{no}\
                 {OPEN_PGP}< 9000\n"
            ),
            OtherCard::OpenPgp,
        ),
        (
            "unknown card",
            format!(
                "> 00A40000\n< 9000\n{CHOOSE_PIN}< 6A80\n{PAYMENT_BY_CONTACT}{no}{PAYMENT_CONTACTLESS}{no}\
                 {TRAVEL_DOCUMENT}{no}{PIV}{no}{OPEN_PGP}{no}"
            ),
            OtherCard::Unknown,
        ),
    ];
    for (name, text, other) in rows {
        let mut card = ScriptedChannel::new(&text);
        assert_eq!(recognise(&mut card, &[Profile::standard()]), Ok(CardModel::Other(other)), "{name}");
        card.finish();
    }
}

#[test]
fn a_card_without_the_applet_of_the_profile_is_another() {
    let profile = Profile { applet: Some(ApplicationId::new(&[0xF0, 1, 2, 3, 4])), ..Profile::standard() };
    let mut card =
        ScriptedChannel::new(&format!("> 00A4040C05F001020304\n< 6A82\n{PAYMENT_BY_CONTACT}< 6F0084009000\n"));
    assert_eq!(recognise(&mut card, slice::from_ref(&profile)), Ok(CardModel::Other(OtherCard::Payment)));
    card.finish();
    let mut card =
        ScriptedChannel::new(&format!("> 00A4040C05F001020304\n< 9000\n> 00A40000\n< 9000\n{CHOOSE_PIN}< 9000\n"));
    let known = CardModel::Known { profile: &profile, pin: PinStatus::Usable { tries_left: 3 } };
    assert_eq!(recognise(&mut card, slice::from_ref(&profile)), Ok(known));
}

/// A card that is not the standard's is asked for the applet of the deployed one before it is called another's.
#[test]
fn the_deployed_card_is_recognised_by_its_applet() {
    const APPLET: &str = "> 00A4040C09D11200020022654F07\n";
    for (name, at_first) in [
        ("no master file yet", "> 00A40000\n< 6A82\n".to_owned()),
        ("a master file without passwords", format!("> 00A40000\n< 9000\n{CHOOSE_PIN}< 6D00\n")),
    ] {
        let text = format!("{at_first}{APPLET}< 9000\n> 00A40000\n< 9000\n{CHOOSE_PIN}< 63C2\n");
        let mut card = ScriptedChannel::new(&text);
        let CardModel::Known { profile, pin } = recognise(&mut card, Profile::KNOWN).unwrap() else { panic!("{name}") };
        assert_eq!((profile, pin), (&Profile::kta(), PinStatus::Usable { tries_left: 2 }), "{name}");
        card.finish();
    }
    let text = format!("> 00A40000\n< 6A82\n{APPLET}< 6A82\n{PAYMENT_BY_CONTACT}< 6F0084009000\n");
    let mut card = ScriptedChannel::new(&text);
    assert_eq!(recognise(&mut card, Profile::KNOWN), Ok(CardModel::Other(OtherCard::Payment)));
    card.finish();
}

#[test]
fn a_removed_card_is_not_an_unknown_one() {
    let mut card = ScriptedChannel::new(&format!("> 00A40000\n< 6A82\n{PAYMENT_BY_CONTACT}! card-removed\n"));
    let ended = recognise(&mut card, &[Profile::standard()]).unwrap_err();
    assert_eq!(ended, DialogueError::Channel(ChannelError::CardRemoved));
}

#[test]
fn each_other_card_has_its_code() {
    let rows = [
        (OtherCard::Payment, "payment-card"),
        (OtherCard::TravelDocument, "travel-document"),
        (OtherCard::Piv, "piv-card"),
        (OtherCard::OpenPgp, "openpgp-card"),
        (OtherCard::Unknown, "unknown-card"),
    ];
    for (card, code) in rows {
        assert_eq!(card.code(), code);
    }
}
