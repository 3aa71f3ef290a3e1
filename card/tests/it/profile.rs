//! The profiles, the files that they are written in, and what each of their values rests on.

use std::fs;
use std::path::Path;

use latchkey_card::profile::{
    Attribute, Basis, Edition, FileId, GroupEncoding, GroupPassword, Profile, RightsOrder, TerminalHello,
};
use latchkey_card::rights::{DataGroup, EidRights, EsignRights};

#[path = "../../build/profile_file.rs"]
mod profile_file;

const STANDARD: &str = include_str!("../../profiles/stb-34.101.79.toml");
const KTA: &str = include_str!("../../profiles/kta.toml");

fn group(number: u8) -> DataGroup {
    DataGroup::new(number).unwrap()
}

#[test]
fn both_files_can_be_read() {
    for (name, text) in [("stb-34.101.79", STANDARD), ("kta", KTA)] {
        let constant = profile_file::to_rust(text).unwrap();
        assert!(constant.starts_with(&format!("Profile {{ name: {name:?}, ")), "{constant}");
    }
}

#[test]
fn a_file_with_anything_wrong_is_refused() {
    let rows = [
        ("an unknown basis", "\"observed 2\"", "\"heard of\""),
        ("seen nowhere", "\"observed 2\"", "\"observed 0\""),
        ("no basis", ", basis = \"observed 2\" }", " }"),
        ("no value", "base-mode = { value = true, basis = \"observed 2\" }", ""),
        ("an unknown value", "[reading]", "[reading]\nquickly = { value = true, basis = \"assumed\" }"),
        ("an unknown edition", "\"print-2019\"", "\"print-2020\""),
        ("octets in lower case", "D11200020022654F0701", "d11200020022654F0701"),
        ("half an octet", "D11200020022654F0701", "D11200020022654F070"),
        ("too short a name of an application", "D11200020022654F0701", "D1120002"),
        ("a file's name of three octets", "\"5101\"", "\"510100\""),
        ("a PIN of three digits", "value = 6,", "value = 3,"),
        ("an eID word of four octets", "0000001F00", "00001F00"),
        ("a group twice", "number = 2", "number = 1"),
        ("a group beyond the last", "number = 5", "number = 23"),
        ("an attribute twice", "\"citizenship\"", "\"sex\""),
        ("an unknown attribute", "\"citizenship\"", "\"shoe-size\""),
    ];
    for (name, from, to) in rows {
        assert!(KTA.contains(from), "{name}");
        assert!(profile_file::to_rust(&KTA.replacen(from, to, 1)).is_err(), "{name}");
    }
}

#[test]
fn the_standard_card_rests_on_the_standard() {
    let profile = Profile::standard();
    let else_based: Vec<_> = profile.bases.iter().filter(|(_, basis)| *basis != Basis::Standard).collect();
    assert_eq!(else_based, [&("rights.eid", Basis::Assumed), &("rights.esign", Basis::Assumed)]);
    assert!(!profile.editions.are_assumed());
    assert_eq!((profile.applet, profile.pin2), (None, None));
    assert!(!profile.base_mode_reading);
    assert_eq!(profile.group_with(Attribute::PersonalNumber).unwrap().group, group(7));
    let reserved: Vec<_> = (1..=22).filter(|number| profile.group(group(*number)).is_none()).collect();
    assert_eq!(reserved, [13, 19, 20]);
    for format in profile.groups {
        assert_eq!(format.file, FileId::new(0x0100 + u16::from(format.group.number())));
        assert_eq!(format.encoding, GroupEncoding::Attribute);
        assert_eq!(format.holds.len(), 1);
    }
}

#[test]
fn the_deployed_card_is_as_far_as_it_is_known() {
    let profile = Profile::kta();
    assert_eq!(profile.applet.unwrap().octets(), [0xD1, 0x12, 0x00, 0x02, 0x00, 0x22, 0x65, 0x4F, 0x07]);
    let pin2 = profile.pin2.unwrap();
    assert_eq!((pin2.id, pin2.digits, pin2.tries), (0x05, 7, 3));
    assert_eq!(profile.confirming_pin(), pin2);
    assert!(profile.base_mode_reading);
    // No PIN before a channel opened with the CAN has confirmed them.
    assert!(profile.editions.are_assumed());
    assert_eq!((profile.editions.hello(), profile.editions.mac()), (Edition::Print2019, Edition::Print2019));
    assert_eq!(profile.hello_terminal, TerminalHello::TemplateAndCertHats);
    assert_eq!(profile.rights_order, RightsOrder::EsignFirst);
    let read = (1..=5).fold(EidRights::NONE, |rights, number| rights | EidRights::read(group(number)));
    assert_eq!((profile.words.eid, profile.words.esign), (Some(read), Some(EsignRights::TERMINAL_SIGNING)));
    let numbers: Vec<_> = profile.groups.iter().map(|format| format.group.number()).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    let by_pin: Vec<_> = profile.groups.iter().filter(|format| format.password == GroupPassword::Pin).collect();
    assert_eq!(by_pin, [profile.group(group(1)).unwrap()]);
    let rows = [
        (Attribute::PersonalNumber, 1),
        (Attribute::Face, 2),
        (Attribute::FamilyName, 3),
        (Attribute::BirthDate, 4),
        (Attribute::Sex, 5),
        (Attribute::Citizenship, 5),
    ];
    for (attribute, number) in rows {
        assert_eq!(profile.group_with(attribute).unwrap().group, group(number), "{attribute:?}");
    }
    assert_eq!(profile.group_with(Attribute::Email), None);
}

/// The list of what is a guess of ours: whoever meets the real card turns these into observed values.
#[test]
fn what_is_invented_is_marked_so() {
    let invented: Vec<_> =
        Profile::kta().bases.iter().filter(|(_, basis)| *basis == Basis::Invented).map(|(path, _)| *path).collect();
    let expected = [
        "applications.applet",
        "files.security-signer",
        "passwords.pin2.digits",
        "passwords.pin2.id",
        "passwords.pin2.tries",
        "groups.1.file",
        "groups.1.encoding",
        "groups.1.holds.DocumentType",
        "groups.1.holds.IssuingState",
        "groups.1.holds.CardSerial",
        "groups.1.holds.Issued",
        "groups.1.holds.Expiry",
        "groups.1.holds.IssuingAuthority",
        "groups.1.holds.PersonalNumber",
        "groups.2.file",
        "groups.2.encoding",
        "groups.2.holds.Face",
        "groups.3.file",
        "groups.3.encoding",
        "groups.3.holds.FamilyName",
        "groups.3.holds.GivenName",
        "groups.3.holds.Patronymic",
        "groups.4.file",
        "groups.4.encoding",
        "groups.4.holds.BirthDate",
        "groups.4.holds.PlaceOfBirth",
        "groups.5.file",
        "groups.5.encoding",
        "groups.5.holds.Sex",
        "groups.5.holds.Citizenship",
    ];
    assert_eq!(invented, expected);
    assert!(Profile::standard().bases.iter().all(|(_, basis)| *basis != Basis::Invented));
}

/// Each value has its basis, under a name of its own.
#[test]
fn every_value_states_what_it_rests_on() {
    for (profile, text) in [(Profile::standard(), STANDARD), (Profile::kta(), KTA)] {
        let mut names: Vec<_> = profile.bases.iter().map(|(path, _)| path).collect();
        assert_eq!(
            names.len(),
            text.lines().filter(|line| !line.starts_with('#')).filter(|line| line.contains("basis = ")).count()
        );
        names.sort();
        names.dedup();
        assert_eq!(names.len(), profile.bases.len());
    }
}

/// The catalogue of what is known, which is written anew with `LATCHKEY_WRITE_CARDS=yes cargo test -p latchkey-card profile`.
#[test]
fn the_catalogue_of_cards_tells_what_each_value_rests_on() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cards.md");
    let catalogue = catalogue();
    if std::env::var_os("LATCHKEY_WRITE_CARDS").is_some() {
        fs::write(&file, &catalogue).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == catalogue, "{} is stale: write it anew with LATCHKEY_WRITE_CARDS=yes", file.display());
}

fn catalogue() -> String {
    let basis_of = |profile: &Profile, path: &str| {
        let known = profile.bases.iter().find(|(name, _)| *name == path);
        known.map_or("–".to_owned(), |(_, basis)| match basis {
            Basis::Standard => "standard".to_owned(),
            Basis::Observed(count) => format!("observed {count}"),
            Basis::Assumed => "assumed".to_owned(),
            Basis::Invented => "**invented**".to_owned(),
        })
    };
    let [standard, kta] = Profile::KNOWN;
    let mut text = HEAD.to_owned();
    for (path, _) in kta.bases {
        text += &format!("| `{path}` | {} | {} |\n", basis_of(standard, path), basis_of(kta, path));
    }
    text
}

const HEAD: &str = "# What is known of the cards

Each value of a model of card, under the name that it has in `card/profiles/`, and what it rests on: a published text,
sightings in so many places that do not depend on each other, an assumption that follows from something known, or an
invention of ours, so that something can be built and tested. Nothing about the deployed card is published;
[`latchkey card probe`](tester.md#an-unknown-card) on a real one turns assumptions and inventions into sightings. A test
writes this list. The standard's data groups beyond the fifth are left out: all that is said of them is the standard's.

The texts of the standard differ in the hello and in what the MAC covers, and those are values here. What encryption begins
with, the counter, is the same in all of them: no second edition is known, so there is no value for it, and a card that
begins otherwise is refused by what its messages decrypt to.

| Value | STB 34.101.79 | Deployed card |
|---|---|---|
";
