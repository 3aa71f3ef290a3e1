//! The probe: what it can say, what it finds, and what it never writes down.

use latchkey_card::apdu::Header;
use latchkey_card::dialogue::{DialogueError, ProbeReport, probe};
use latchkey_card::password::{Can, Password};
use latchkey_card::tlv::Cursor;
use latchkey_card::{CardChannel, ChannelError, Command, Response, StatusWord};
use latchkey_fixtures::card_image::{CardImage, HelloEdition, MacEdition};
use latchkey_fixtures::holders::{issue_card, sample_holders, sample_pki};
use latchkey_fixtures::random::Seeded;
use latchkey_fixtures::vcard::VirtualCard;
use proptest::prelude::*;
use time::macros::datetime;

use crate::virtual_card::{image, inserted};

const CAN: &str = "141421";

fn examine(card: &mut dyn CardChannel, can: &str) -> Result<ProbeReport, DialogueError> {
    probe(card, &Can::parse(can.as_bytes(), 6).unwrap(), &mut Seeded::new("a probe"))
}

/// Lets through and remembers what is said.
struct Watched<C> {
    card: C,
    said: Vec<Header>,
    passwords: Vec<u8>,
}

impl<C> Watched<C> {
    const fn new(card: C) -> Self {
        Self { card, said: Vec::new(), passwords: Vec::new() }
    }

    /// Nothing was said but what may be, and no password was named but the CAN.
    fn assert_harmless(&self) {
        for header in &self.said {
            let [cla, ins, p1, p2] = header.octets();
            let is_harmless = match ins {
                0xA4 => matches!((p1, p2), (0, 0) | (4, 0 | 0x0C) | (2, 0x0C)),
                0xB0 => p1 & 0x80 == 0,
                0x22 => (p1, p2) == (0xC1, 0xA4),
                0x86 => (p1, p2) == (0, 0),
                _ => false,
            };
            assert!(is_harmless && cla & !0x14 == 0, "said {header:?}");
        }
        assert!(self.passwords.iter().all(|id| *id == 0x02), "passwords {:?}", self.passwords);
    }
}

impl<C: CardChannel> CardChannel for Watched<C> {
    fn transmit(&mut self, command: &Command) -> Result<Response, ChannelError> {
        self.said.push(command.header());
        if command.header().octets() == [0, 0x22, 0xC1, 0xA4] {
            let at = command.data().windows(2).position(|octets| octets == [0x83, 1]).unwrap();
            self.passwords.push(command.data()[at + 2]);
        }
        self.card.transmit(command)
    }
}

fn with_editions(hello: HelloEdition, mac: MacEdition) -> CardImage {
    let mut image = image();
    image.editions.hello = hello;
    image.editions.mac = mac;
    image
}

#[test]
fn the_editions_of_a_card_are_found() {
    let rows = [
        (HelloEdition::WholeData, MacEdition::WithCounter, "hello: errata-2020 accepted\nmac: errata-2020 accepted\n"),
        (
            HelloEdition::WholeData,
            MacEdition::WithoutCounter,
            "hello: errata-2020 accepted\nmac: errata-2020 card-closed-channel 6988\nhello: errata-2020 accepted\nmac: print-2019 accepted\n",
        ),
        (
            HelloEdition::CertHatOnly,
            MacEdition::WithoutCounter,
            "hello: errata-2020 can-wrong\nhello: print-2019 accepted\nmac: errata-2020 card-closed-channel 6988\nhello: print-2019 accepted\nmac: print-2019 accepted\n",
        ),
    ];
    for (hello, mac, found) in rows {
        let mut card = Watched::new(inserted(with_editions(hello, mac)));
        let report = examine(&mut card, CAN).unwrap();
        card.assert_harmless();
        assert!(report.was_opened() && report.as_str().contains(found), "{report}");
        assert!(report.as_str().contains("\nentry: the master file\n"), "{report}");
        assert!(report.as_str().contains("channel: open\n"), "{report}");
    }
}

#[test]
fn a_wrong_can_is_a_finding() {
    let mut card = Watched::new(inserted(image()));
    let report = examine(&mut card, "000000").unwrap();
    card.assert_harmless();
    assert!(!report.was_opened());
    assert!(report.as_str().ends_with("hello: errata-2020 can-wrong\nhello: print-2019 can-wrong\n"), "{report}");
}

#[test]
fn the_same_card_gives_the_same_report() {
    let report = || examine(&mut inserted(image()), CAN).unwrap();
    assert_eq!(report(), report());
}

/// A card that gives everything it has to whoever selects it: as the deployed card may.
struct Generous {
    files: Vec<(u16, Vec<u8>)>,
    selected: Option<usize>,
}

impl CardChannel for Generous {
    fn transmit(&mut self, command: &Command) -> Result<Response, ChannelError> {
        let answer = |data: &[u8], status| Ok(Response::new(data.to_vec(), StatusWord::new(status)));
        let [_, ins, p1, p2] = command.header().octets();
        match (ins, p1) {
            (0xA4, 0x02) => {
                self.selected = self.files.iter().position(|(file, _)| file.to_be_bytes() == command.data());
                answer(&[], if self.selected.is_some() { 0x9000 } else { 0x6A82 })
            }
            (0xB0, _) => {
                let contents = self.selected.map_or(&[][..], |at| &self.files[at].1);
                let rest = contents.get(usize::from(u16::from_be_bytes([p1, p2]))..).unwrap_or_default();
                answer(&rest[..rest.len().min(224)], 0x9000)
            }
            (0x22, _) => answer(&[], 0x6A80),
            _ => answer(&[], 0x9000),
        }
    }
}

/// The holder's data as objects, as plain text, and in a certificate: none of the values is in the report.
#[test]
fn the_report_has_no_value_of_the_holder() {
    let now = datetime!(2026-11-22 12:00 UTC);
    let pki = sample_pki(now).unwrap();
    for holder in sample_holders() {
        let image = issue_card(&pki, &holder, now).unwrap();
        let mut files: Vec<_> = (0x0101..).zip(image.data_groups.values().map(|octets| octets.0.clone())).collect();
        files.push((0x5201, image.esign.base_certificate.0.clone()));
        files.push((0x5101, image.esign.name.0.clone()));
        let texts: Vec<Vec<u8>> =
            image.data_groups.values().map(|octets| octets.0.iter().skip(2).copied().collect()).collect();
        files.extend((0x0001..).zip(texts.iter().take(5).cloned()));
        let mut values: Vec<_> =
            files.iter().flat_map(|(_, contents)| personal_values(Cursor::new(contents))).collect();
        values.extend(texts);
        let report = examine(&mut Generous { files, selected: None }, CAN).unwrap();
        let text = report.as_str();
        assert!(text.contains("file 0107: 9000"), "{text}");
        for value in values.iter().filter(|value| value.len() > 3) {
            for run in value.windows(value.len().min(6)) {
                let hex: String = run.iter().map(|octet| format!("{octet:02X}")).collect();
                // The identifiers of certificates stand within values too.
                assert!(!text.contains(&hex) || hex.starts_with("2B06010505"), "{}: {hex}\n{text}", holder.id);
            }
            assert!(!text.contains(&*String::from_utf8_lossy(value)), "{}", holder.id);
        }
        for value in [holder.pin, holder.can, holder.puk] {
            assert!(!text.contains(value), "{}: {value}", holder.id);
        }
    }
}

/// The values of all objects without objects in them, but for the identifiers and authorities that may be told.
fn personal_values(mut cursor: Cursor<'_>) -> Vec<Vec<u8>> {
    let mut values = Vec::new();
    while let Ok(object) = cursor.object() {
        let first = object.whole[0];
        if first & 0x20 != 0 {
            values.extend(personal_values(object.value));
        } else if ![0x06, 0x42].contains(&object.tag.number()) {
            values.push(object.value.rest().to_vec());
        }
    }
    values
}

#[test]
fn a_card_that_is_pulled_ends_the_probe() {
    struct Pulled(VirtualCard, usize);
    impl CardChannel for Pulled {
        fn transmit(&mut self, command: &Command) -> Result<Response, ChannelError> {
            self.1 = self.1.checked_sub(1).ok_or(ChannelError::CardRemoved)?;
            self.0.transmit(command)
        }
    }
    for exchanges in (0..120).step_by(7) {
        let ended = examine(&mut Pulled(inserted(image()), exchanges), CAN);
        assert_eq!(ended.unwrap_err(), DialogueError::Channel(ChannelError::CardRemoved), "after {exchanges}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a hostile card answers, the probe says nothing else, ends, and tells no value.
    #[test]
    fn a_hostile_card_learns_nothing_else(answers in proptest::collection::vec(
        (proptest::collection::vec(any::<u8>(), 0..40), prop_oneof![Just(0x9000_u16), Just(0x63C1), any::<u16>()]), 1..60)
    ) {
        struct Hostile(Vec<(Vec<u8>, u16)>, usize);
        impl CardChannel for Hostile {
            fn transmit(&mut self, _: &Command) -> Result<Response, ChannelError> {
                let (data, status) = &self.0[self.1 % self.0.len()];
                self.1 += 1;
                Ok(Response::new(data.clone(), StatusWord::new(*status)))
            }
        }
        let mut card = Watched::new(Hostile(answers, 0));
        examine(&mut card, CAN).unwrap();
        card.assert_harmless();
    }
}
