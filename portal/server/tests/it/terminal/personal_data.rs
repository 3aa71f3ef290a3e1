//! `personal_data`: each key's source and rule, with every sample holder.

use std::collections::BTreeMap;

use latchkey_card::profile::Profile;
use latchkey_card::rights::DataGroup;
use latchkey_card::tlv::{Tag, Writer};
use latchkey_fixtures::data_groups::{BirthDate, GeneralPlace, IdentityAttribute, Sex};
use latchkey_fixtures::holders::{Holder, sample_holders};
use latchkey_portal::terminal::attributes::{Attribute, GROUP_MAX_SIZE, standard_groups};
use latchkey_portal::terminal::personal_data::TABLE;
use latchkey_portal::terminal::{Attributes, MalformedGroup, PersonalData};
use proptest::prelude::*;

use crate::support::NOW;

/// The groups that pages of today ask for, as they are on a card of the standard.
fn read_standard(holder: &Holder, groups: &[u8]) -> Attributes {
    let on_card: BTreeMap<_, _> =
        holder.attributes(NOW).into_iter().map(|attribute| (attribute.number(), attribute)).collect();
    let mut attributes = Attributes::default();
    for group in groups.iter().flat_map(|number| standard_groups(group(*number))) {
        let Some(attribute) = on_card.get(&group.number()) else { continue };
        attributes.take(&Profile::standard(), group, &attribute.to_octets().unwrap()).unwrap();
    }
    attributes
}

fn group(number: u8) -> DataGroup {
    DataGroup::new(number).unwrap()
}

fn two(part: Option<u8>) -> String {
    part.map_or_else(|| "  ".to_owned(), |part| format!("{part:02}"))
}

/// What the table promises, written down a second time from the holder's particulars.
fn promised(holder: &Holder) -> BTreeMap<&'static str, String> {
    let person = &holder.person;
    let (issued, expiry) = holder.card_dates(NOW);
    let day = |date: time::Date| format!("{}{:02}{:02}", date.year(), u8::from(date.month()), date.day());
    let BirthDate { year, month, day: birth_day } = holder.birth;
    let mut promised = BTreeMap::from([
        ("BE:_Family_name", person.family_name.belarusian.clone()),
        ("RU:_Family_name", person.family_name.russian.clone()),
        ("LA:_Family_name", person.family_name.latin.clone()),
        ("BE:_Given_name", person.given_name.belarusian.clone()),
        ("RU:_Given_name", person.given_name.russian.clone()),
        ("LA:_Given_name", person.given_name.latin.clone()),
        ("ID", person.personal_number.clone()),
        ("Serial_Number", holder.document_number.to_owned()),
        ("Issuing_State", "BLR".to_owned()),
        ("Citizenship", holder.citizenship.as_str().to_owned()),
        ("Issuance_board", "Выдуманы аддзел (тэст)/Выдуманный отдел (тест)".to_owned()),
        ("Date_of_issuance", day(issued)),
        ("Date_of_expiry", day(expiry)),
        ("birth_date", format!("{year}{}{}", two(month), two(birth_day))),
    ]);
    if let Some(patronymic) = &person.patronymic {
        promised.insert("BE:_Middle_name", patronymic.belarusian.clone());
        promised.insert("RU:_Middle_name", patronymic.russian.clone());
    }
    match holder.sex {
        Sex::Male => drop(promised.insert("Sex", "M".to_owned())),
        Sex::Female => drop(promised.insert("Sex", "F".to_owned())),
        Sex::Unstated => {}
    }
    if let GeneralPlace::Place(place) = &holder.place_of_birth {
        let countries = match place.country.as_str() {
            "BLR" => ["Рэспубліка Беларусь", "Республика Беларусь"],
            "UTO" => ["UTO", "UTO"],
            other => panic!("{other}"),
        };
        for (form, key) in ["BE_Place_of_birth", "RU_Place_of_birth"].into_iter().enumerate() {
            let parts = [place.state.as_deref(), Some(place.city.as_str())];
            let parts = parts.into_iter().flatten().map(|part| part.split('/').nth(form).unwrap());
            let whole = std::iter::once(countries[form]).chain(parts).collect::<Vec<_>>().join(", ");
            promised.insert(key, whole.to_uppercase());
        }
    }
    promised
}

#[test]
fn every_sample_holder_has_what_the_table_promises() {
    let mut seen = std::collections::BTreeSet::new();
    for holder in sample_holders() {
        let data = PersonalData::of(&read_standard(&holder, &[1, 2, 3, 4, 5])).unwrap();
        let promised = promised(&holder);
        assert_eq!(data.keys().collect::<Vec<_>>(), promised.keys().copied().collect::<Vec<_>>(), "{}", holder.id);
        for (key, value) in &promised {
            assert_eq!(data.get(key), Some(value.as_str()), "{}: {key}", holder.id);
        }
        seen.extend(promised.into_keys());
    }
    let of_the_deployed_card = ["Type"];
    for row in TABLE {
        assert!(seen.contains(row.key) || of_the_deployed_card.contains(&row.key), "no holder has {}", row.key);
    }
}

#[test]
fn the_ordinary_holder_reads_as_pages_expect() {
    let data = PersonalData::of(&read_standard(&sample_holders()[0], &[1, 2, 3, 4, 5])).unwrap();
    insta::assert_snapshot!("personal_data", serde_json::to_string_pretty(&data).unwrap());
}

/// What was not asked for, or not granted, has no key.
#[test]
fn each_deployed_group_has_its_own_keys() {
    let holder = &sample_holders()[0];
    let keys = |group| PersonalData::of(&read_standard(holder, &[group])).unwrap().keys().collect::<Vec<_>>();
    let rows: [(u8, &[&str]); 5] = [
        (1, &["Date_of_expiry", "Date_of_issuance", "ID", "Issuance_board", "Issuing_State", "Serial_Number"]),
        (2, &[]),
        (
            3,
            &[
                "BE:_Family_name",
                "BE:_Given_name",
                "BE:_Middle_name",
                "LA:_Family_name",
                "LA:_Given_name",
                "RU:_Family_name",
                "RU:_Given_name",
                "RU:_Middle_name",
            ],
        ),
        (4, &["BE_Place_of_birth", "RU_Place_of_birth", "birth_date"]),
        (5, &["Citizenship", "Sex"]),
    ];
    for (group, expected) in rows {
        assert_eq!(keys(group), expected, "dg{group}");
    }
}

/// The deployed card's groups: the standard's objects in a SEQUENCE each (assumed), and the kind of document.
#[test]
fn grouped_data_say_the_same() {
    for holder in sample_holders() {
        let on_card: BTreeMap<_, _> =
            holder.attributes(NOW).into_iter().map(|attribute| (attribute.number(), attribute)).collect();
        let mut attributes = Attributes::default();
        for number in 1..=5 {
            let there = standard_groups(group(number)).into_iter().filter_map(|group| on_card.get(&group.number()));
            let mut objects: Vec<u8> = there.flat_map(|attribute| attribute.to_octets().unwrap()).collect();
            if number == 1 {
                objects.splice(0..0, Writer::new().object(Tag::new(0x40), &[b"ID"]).finish());
            }
            // An object that nobody knows.
            objects.extend(Writer::new().object(Tag::new(0x04), &[&[0xFF; 300]]).finish());
            let file = Writer::new().object(Tag::new(0x30), &[&objects]).finish();
            attributes.take(&Profile::kta(), group(number), &file).unwrap();
        }
        let data = PersonalData::of(&attributes).unwrap();
        assert_eq!(data.get("Type"), Some("ID"));
        let standard = PersonalData::of(&read_standard(&holder, &[1, 2, 3, 4, 5])).unwrap();
        for key in standard.keys() {
            assert_eq!(data.get(key), standard.get(key), "{}: {key}", holder.id);
        }
    }
}

#[test]
fn the_table_and_its_documentation_say_the_same() {
    let guide = include_str!("../../../../../docs/portal-developer.md");
    for row in TABLE {
        let number = |profile: Profile| profile.group_with(row.source).map(|format| format.group.number());
        let standard = number(Profile::standard()).map_or_else(|| "–".to_owned(), |group| format!("DG{group}"));
        let deployed = number(Profile::kta()).unwrap();
        let line = format!("| `{}` | {standard} | `dg{deployed}` | {} |", row.key, row.rule);
        assert!(guide.contains(&line), "docs/portal-developer.md lacks the line\n{line}");
    }
    let lines = guide.lines().filter(|line| line.starts_with("| `") && line.contains(" | `dg")).count();
    assert_eq!(lines, TABLE.len());
}

#[test]
fn malformed_groups_are_told_apart() {
    let (standard, deployed) = (Profile::standard(), Profile::kta());
    let object = |tag, value: &[u8]| Writer::new().object(Tag::new(tag), &[value]).finish();
    type Row = (&'static str, u8, Vec<u8>, MalformedGroup);
    let rows: [Row; 9] = [
        ("a name without its Latin form", 5, object(0x45, "А/Б".as_bytes()), MalformedGroup::NameForms),
        ("a name with an empty form", 4, object(0x44, "А//C".as_bytes()), MalformedGroup::NameForms),
        ("a name that is no text", 5, object(0x45, b"\xFF/\xFF/\xFF"), MalformedGroup::Text),
        ("a control character", 16, object(0x50, b"a\x07b"), MalformedGroup::Text),
        ("a number without prefix", 7, object(0x47, b"4010190A000PB0"), MalformedGroup::Prefix),
        ("a passport's number", 1, object(0x41, b"PASBY-MP1234567"), MalformedGroup::Prefix),
        ("a country in small letters", 10, object(0x4A, b"blr"), MalformedGroup::Country),
        ("a date with a gap", 8, object(0x48, b"1990  01"), MalformedGroup::Date),
        ("another sex", 11, object(0x4B, b"X"), MalformedGroup::Sex),
    ];
    for (name, number, file, expected) in rows {
        let mut attributes = Attributes::default();
        attributes.take(&standard, group(number), &file).unwrap();
        assert_eq!(PersonalData::of(&attributes), Err(expected), "{name}");
    }
    let mut attributes = Attributes::default();
    let name = object(0x45, "А/Б/C".as_bytes());
    assert!(matches!(attributes.take(&standard, group(4), &name), Err(MalformedGroup::Objects(_))), "another group's");
    attributes.take(&standard, group(5), &name).unwrap();
    assert_eq!(attributes.take(&standard, group(5), &name), Err(MalformedGroup::Repeated));
    let too_long = vec![0; GROUP_MAX_SIZE + 1];
    assert_eq!(attributes.take(&standard, group(6), &too_long), Err(MalformedGroup::TooLong));
    assert!(attributes.get(Attribute::Patronymic).is_none());
    let twice = object(0x30, &[name.clone(), name].concat());
    assert_eq!(Attributes::default().take(&deployed, group(3), &twice), Err(MalformedGroup::Repeated));
}

#[test]
fn no_prefix_of_a_group_is_accepted() {
    for attribute in sample_holders()[0].attributes(NOW) {
        let group = DataGroup::new(attribute.number()).unwrap();
        let whole = attribute.to_octets().unwrap();
        for kept in 0..whole.len() {
            let taken = Attributes::default().take(&Profile::standard(), group, &whole[..kept]);
            assert!(taken.is_err(), "{group:?}: a prefix of {kept} octets was accepted");
        }
    }
}

proptest! {
    /// What the card's own side can write, this side can read; and altered files are refused or read, never more.
    #[test]
    fn altered_groups_are_refused_or_read(which in 0..14_usize, at in 0..200_usize, octet: u8) {
        let attributes: Vec<IdentityAttribute> = sample_holders()[0].attributes(NOW);
        let attribute = &attributes[which % attributes.len()];
        let group = DataGroup::new(attribute.number()).unwrap();
        let mut file = attribute.to_octets().unwrap();
        let at = at % file.len();
        file[at] = octet;
        let mut read = Attributes::default();
        if read.take(&Profile::standard(), group, &file).is_ok()
            && let Ok(data) = PersonalData::of(&read)
        {
            prop_assert!(data.keys().all(|key| !data.get(key).unwrap().chars().any(char::is_control)));
        }
        let grouped = Writer::new().object(Tag::new(0x30), &[&file]).finish();
        for number in 1..=5 {
            let _ = Attributes::default().take(&Profile::kta(), self::group(number), &grouped);
        }
    }
}
