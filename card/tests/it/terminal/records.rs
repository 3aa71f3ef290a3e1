//! Steps as secret octets: whole or refused, and never printed.

use std::collections::BTreeSet;

use latchkey_card::bauth::{Auxiliary, Day, M1, Mode, TerminalTemplate};
use latchkey_card::rights::DataGroup;
use latchkey_card::terminal::{AfterM1, AwaitingM1, Findings, KeyAct, Next, TerminalFile, TerminalStep};
use latchkey_crypto::bauth::CardWaiting;
use latchkey_fixtures::random::Seeded;
use proptest::prelude::*;

use super::{
    EDITIONS, PlayedCard, assert_whole, awaiting_m3, established, established_asking, key, model, model_session_key,
    offered, profile, success,
};

/// Every kind of step, some at several places of their programs.
fn steps() -> Vec<TerminalStep> {
    let group = |number| TerminalFile::DataGroup(DataGroup::new(number).unwrap());
    let mut steps: Vec<TerminalStep> = vec![offered().into(), awaiting_m3().0.into(), established().into()];
    let asking = "80092A7000020022654F0B67187316060A2A7000020022654F050183083230323630313031";
    let text = format!(
        "> 00A4040C0AD11200020022654F0701\n< 9000\n> 802080000C060A2A7000020022654F0501\n< 9000\n\
         > 00A4020C020101\n< 6982\n> 00A4020C020102\n< 9000\n> 00B00000E0\n< 4103424C529000\n\
         > 00A4020C02010E\n< 9000\n> 00B00000E0\n< 4E820200{}9000\n",
        "00".repeat(220),
    );
    let (asked, key) = established_asking(asking);
    let mut card = PlayedCard::new(&key, &text);
    let mut next = asked.read(&[group(1), group(2), group(14), TerminalFile::Certificate]).unwrap();
    while let Next::Command(step, command) = next {
        let record = TerminalStep::from(step);
        let TerminalStep::Reading(step) = TerminalStep::from_secret_octets(&record.to_secret_octets()).unwrap() else {
            panic!("{record:?}")
        };
        steps.push(record);
        if card.exchanges.is_empty() {
            break;
        }
        next = step.receive(&card.answer(&command)).unwrap();
    }
    let select = "> 00A4040C0AD11200020022654F0702\n< 9000\n";
    let choose = "> 002241B606840111800190\n< 9000\n";
    let mut card = PlayedCard::new(&model_session_key(), &[select, choose].concat());
    let (step, command) = established().sign().unwrap();
    let answer = card.answer(&command);
    let kept = TerminalStep::from(step).to_secret_octets();
    let selecting = |octets: &[u8]| match TerminalStep::from_secret_octets(octets).unwrap() {
        TerminalStep::SelectingEsign(step) => step,
        other => panic!("{other:?}"),
    };
    steps.push(selecting(&kept).into());
    let (step, command) = selecting(&kept).receive(&answer).unwrap();
    let answer = card.answer(&command);
    let (choosing, _) = selecting(&kept)
        .receive(&PlayedCard::new(&model_session_key(), select).answer(&established().sign().unwrap().1))
        .unwrap();
    steps.push(choosing.into());
    steps.push(step.receive(&answer, &[7; 32]).unwrap().0.into());
    steps.push(established().manage_key(KeyAct::Generate).unwrap().0.into());
    steps.push(established().manage_key(KeyAct::Destroy).unwrap().0.into());
    steps.push(established().write_file(TerminalFile::Name, b"a name").unwrap().0.into());
    let (handing_over, command) = established().hand_over().unwrap();
    steps.push(established().hand_over().unwrap().0.into());
    let mut card = PlayedCard::new(&model_session_key(), "> 002201A405E103810100\n< 9000\n");
    steps.push(handing_over.receive(&card.answer(&command)).unwrap().into());
    steps.extend(unilateral_steps());
    steps
}

/// Those with a card that proves nothing, but compares attributes.
fn unilateral_steps() -> [TerminalStep; 3] {
    let day = Day::try_from(time::macros::date!(2026 - 11 - 30)).unwrap();
    let template = TerminalTemplate::new(Mode::Unilateral, None, Some(Auxiliary::valid_on(day)));
    let (model, mut random) = (model(), Seeded::new("unilateral"));
    let (_, m1) = CardWaiting::start(&key(&model, "d_T").public_key(), &mut random).unwrap();
    let awaiting = || {
        let offered = AwaitingM1::new(&template, b"", profile(), EDITIONS);
        let received = offered.receive(&success(M1::encode(&m1)), &key(&model, "d_T"), &mut Seeded::new("terminal"));
        let AfterM1::Unilateral(step) = received.unwrap().0 else { panic!("a bilateral run") };
        step
    };
    let unproven = || awaiting().receive(&[0x90, 0x00]).unwrap();
    let Next::Command(verifying, _) = unproven().verify().unwrap() else { panic!("nothing was asked") };
    [awaiting().into(), unproven().into(), verifying.into()]
}

#[test]
fn every_step_is_kept_whole_or_refused() {
    let kinds: BTreeSet<_> = steps().iter().map(TerminalStep::name).collect();
    assert_eq!(kinds.len(), 14, "{kinds:?}");
    for step in steps() {
        assert_whole(&step);
    }
}

#[test]
fn another_form_or_kind_of_record_is_refused() {
    let record = TerminalStep::from(established()).to_secret_octets();
    for (place, octet) in [(0, 0), (0, 2), (1, 0), (1, 15), (1, 255)] {
        let mut altered = record.to_vec();
        altered[place] = octet;
        assert!(TerminalStep::from_secret_octets(&altered).is_err(), "{place}, {octet}");
    }
    // A channel whose turn it is to speak is none that awaits an answer.
    let mut altered = record.to_vec();
    altered[1] = 6;
    assert!(TerminalStep::from_secret_octets(&altered).is_err());
}

#[test]
fn a_reading_that_cannot_have_come_so_far_is_refused() {
    // 224 octets of 516 were read.
    let amid = [0, 0, 2, 4, 0, 0, 0, 224, 0x4E, 0x82, 2, 0];
    let (record, place) = steps()
        .iter()
        .find_map(|step| {
            let record = step.to_secret_octets();
            let place = record.windows(amid.len()).position(|window| window == amid)?;
            Some((record, place))
        })
        .expect("a step amid a file");
    let rows: [(&str, &[u8], usize); 5] = [
        ("a file of that size, all of which was read", &[0, 0, 0, 224, 0, 0, 0, 224], 0),
        ("a smaller file", &[0, 0, 0, 223, 0, 0, 0, 224], 0),
        ("a larger file than there are", &[0, 1, 0, 0, 0, 0, 0, 224], 0),
        ("a file of unknown size", &[0, 0, 0, 0, 0, 0, 0, 224], 0),
        ("a file of known size of which nothing was read", &[0, 0, 2, 4, 0, 0, 0, 0], 224),
    ];
    for (name, sizes, dropped) in rows {
        let altered = [&record[..place], sizes, &record[place + sizes.len() + dropped..]].concat();
        assert!(TerminalStep::from_secret_octets(&altered).is_err(), "{name}");
    }
}

#[test]
fn no_step_prints_what_it_keeps() {
    for step in steps() {
        let printed = format!("{step:?}");
        assert_eq!(printed, format!("TerminalStep({})", step.name()));
        assert!(!printed.chars().any(|sign| sign.is_ascii_digit() && sign != '1' && sign != '3'), "{printed}");
    }
}

/// Neither do the people's data that were read.
#[test]
fn findings_print_only_how_many_they_are() {
    let read = Ok(zeroize::Zeroizing::new(b"908172".to_vec()));
    let findings = Findings { attributes: Vec::new(), files: vec![(TerminalFile::Name, read)] };
    assert_eq!(format!("{findings:?}"), "0 attributes and 1 files hidden");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_octets_are_no_step_or_that_step(octets in proptest::collection::vec(any::<u8>(), 0..400), kind in 1_u8..15) {
        let octets = [&[1, kind], &octets[..]].concat();
        if let Ok(step) = TerminalStep::from_secret_octets(&octets) {
            prop_assert_eq!(step.to_secret_octets().to_vec(), octets);
        }
    }

    #[test]
    fn an_altered_step_is_refused_or_read_as_it_stands(place: prop::sample::Index, mask in 1_u8..) {
        for step in [TerminalStep::from(established()), offered().into(), awaiting_m3().0.into()] {
            let mut octets = step.to_secret_octets().to_vec();
            *place.get_mut(&mut octets) ^= mask;
            if let Ok(step) = TerminalStep::from_secret_octets(&octets) {
                prop_assert_eq!(step.to_secret_octets().to_vec(), octets);
            }
        }
    }
}
