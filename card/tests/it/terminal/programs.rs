//! What a terminal does in its channel: exactly these commands, and no other.

use latchkey_card::apdu::StatusWord;
use latchkey_card::bauth::AuxiliaryAttribute;
use latchkey_card::key::{key_hash, request_ticket};
use latchkey_card::rights::DataGroup;
use latchkey_card::terminal::{Established, Findings, KeyAct, KeyOutcome, Next, TerminalFile};
use latchkey_crypto::bign::PrivateKey;
use latchkey_crypto::secret::BeltKey;
use latchkey_crypto::x509::CertificateRequest;

use super::{PlayedCard, established, established_asking, kept, model_session_key, run};

const SELECT_EID: &str = "> 00 A4 04 0C 0A D1 12 00 02 00 22 65 4F 07 01\n< 90 00\n";
const SELECT_ESIGN: &str = "> 00 A4 04 0C 0A D1 12 00 02 00 22 65 4F 07 02\n< 90 00\n";
/// btok-bauth with the question whether the document is valid on 2026-01-01 and whether the holder was born by
/// 2008-01-01.
const ASKING: &str = "80092A7000020022654F0B\
                      67307316060A2A7000020022654F0501830832303236303130317316060A2A7000020022654F050288083230303830313031";

fn group(number: u8) -> TerminalFile {
    TerminalFile::DataGroup(DataGroup::new(number).unwrap())
}

/// Reads in a channel with the card of the text, and says how many commands that took.
fn read(text: &str, files: &[TerminalFile]) -> (Findings, usize) {
    read_in(established(), &model_session_key(), text, files)
}

fn read_in(established: Established, key: &BeltKey, text: &str, files: &[TerminalFile]) -> (Findings, usize) {
    let mut card = PlayedCard::new(key, text);
    let next = kept!(Established, established).read(files).unwrap();
    let (findings, _) = run(&mut card, next, |step, answer| kept!(Reading, step).receive(answer).unwrap());
    card.finish();
    (findings, card.answered)
}

fn file_of(size: usize) -> Vec<u8> {
    let contents: Vec<u8> = (0..size).map(|place| u8::try_from(place % 251).unwrap()).collect();
    latchkey_card::tlv::Writer::new().object(latchkey_card::tlv::Tag::new(0x4E), &[&contents]).finish()
}

/// SELECT EF and READ BINARY of all of `contents`, block by block.
fn reading(id: &str, contents: &[u8]) -> String {
    let mut text = format!("> 00 A4 02 0C 02 {id}\n< 90 00\n");
    for (number, block) in contents.chunks(224).enumerate() {
        let asked = if number == 0 { 224 } else { block.len() };
        text += &format!("> 00B0{:04X}{asked:02X}\n< {}9000\n", number * 224, hex::encode_upper(block));
    }
    text
}

/// One command to select eID, and for each group one to select it and one for each block.
#[test]
fn data_groups_are_read_until_they_are_whole() {
    let (short, long) = (file_of(8), file_of(600));
    let text = [SELECT_EID, &reading("01 05", &short), &reading("01 0E", &long)].concat();
    let (findings, commands) = read(&text, &[group(5), group(14)]);
    assert_eq!(commands, 1 + 2 + 1 + long.len().div_ceil(224));
    let [(first, Ok(dg5)), (second, Ok(dg14))] = &findings.files[..] else { panic!("{findings:?}") };
    assert_eq!((*first, *second), (group(5), group(14)));
    assert_eq!((dg5.to_vec(), dg14.to_vec()), (short, long));
    assert!(findings.attributes.is_empty());
}

#[test]
fn a_group_that_is_refused_or_missing_or_empty_does_not_end_the_reading() {
    let text = [
        SELECT_EID,
        "> 00 A4 02 0C 02 01 01\n< 69 82\n> 00 A4 02 0C 02 01 02\n< 6A 82\n",
        "> 00 A4 02 0C 02 01 03\n< 90 00\n> 00 B0 00 00 E0\n< 69 82\n",
        "> 00 A4 02 0C 02 01 04\n< 90 00\n> 00 B0 00 00 E0\n< 90 00\n",
        "> 00 A4 02 0C 02 01 05\n< 90 00\n> 00 B0 00 00 E0\n< 6A 86\n",
        "> 00 A4 02 0C 02 01 06\n< 90 00\n> 00 B0 00 00 E0\n< 6B 00\n",
        &format!("> 00 A4 02 0C 02 01 07\n< 90 00\n> 00 B0 00 00 E0\n< 45820200{} 90 00\n", "00".repeat(220)),
        "> 00 B0 00 E0 E0\n< 69 82\n",
        &reading("01 08", &file_of(3)),
    ];
    let files: Vec<_> = (1..=8).map(group).collect();
    let (findings, _) = read(&text.concat(), &files);
    let told: Vec<_> = findings
        .files
        .iter()
        .map(|(_, read)| read.as_ref().map(|octets| octets.len()).map_err(|s| s.value()))
        .collect();
    assert_eq!(told, [Err(0x6982), Err(0x6A82), Err(0x6982), Ok(0), Ok(0), Ok(0), Err(0x6982), Ok(5)]);
}

#[test]
fn the_certificate_is_read_behind_the_groups() {
    let text = [SELECT_EID, &reading("01 05", &file_of(3)), SELECT_ESIGN, &reading("52 11", &file_of(900))].concat();
    let (findings, commands) = read(&text, &[group(5), TerminalFile::Certificate]);
    assert_eq!((findings.files.len(), commands), (2, 3 + 2 + 904_usize.div_ceil(224)));
    // Where eSign is refused its files are, and the groups stay.
    let text = [SELECT_EID, &reading("01 05", &file_of(3)), "> 00A4040C0AD11200020022654F0702\n< 69 82\n"].concat();
    let files = [group(5), TerminalFile::Certificate, TerminalFile::Name, TerminalFile::KeyHash];
    let (findings, _) = read(&text, &files);
    let refused = Err(StatusWord::NOT_ALLOWED);
    assert!(findings.files[0].1.is_ok());
    assert!(findings.files[1..].iter().all(|(_, read)| *read == refused), "{findings:?}");
}

/// The validity of the document comes first.
#[test]
fn attributes_are_compared_before_anything_is_read() {
    let validity = "> 80 20 80 00 0C 06 0A 2A 70 00 02 00 22 65 4F 05 01\n";
    let age = "> 80 20 80 00 0C 06 0A 2A 70 00 02 00 22 65 4F 05 02\n";
    let (first, key) = established_asking(ASKING);
    let text = [SELECT_EID, validity, "< 90 00\n", age, "< 62 00\n", &reading("01 05", &file_of(3))].concat();
    let (findings, commands) = read_in(first, &key, &text, &[group(5)]);
    assert_eq!(commands, 5);
    let expected = [(AuxiliaryAttribute::DocumentValidity, true), (AuxiliaryAttribute::AgeVerification, false)];
    assert_eq!(findings.attributes, expected);
    assert!(findings.files[0].1.is_ok());

    let (second, key) = established_asking(ASKING);
    let (findings, commands) =
        read_in(second, &key, &[SELECT_EID, validity, "< 62 00\n"].concat(), &[group(5), TerminalFile::Certificate]);
    assert_eq!((findings.files.len(), commands), (0, 2), "of a document that is not valid nothing is read");
    assert_eq!(findings.attributes, [(AuxiliaryAttribute::DocumentValidity, false)]);
}

#[test]
fn attributes_are_compared_once_in_a_session() {
    let (established, key) = established_asking(ASKING);
    let compared = "> 8020800 00C060A2A7000020022654F0501\n< 9000\n> 8020800 00C060A2A7000020022654F0502\n< 9000\n";
    let text = [SELECT_EID, compared, SELECT_EID, &reading("01 05", &file_of(3))].concat();
    let mut card = PlayedCard::new(&key, &text);
    let next = established.read(&[]).unwrap();
    let (findings, established) = run(&mut card, next, |step, answer| kept!(Reading, step).receive(answer).unwrap());
    assert_eq!(findings.attributes.len(), 2);
    let next = established.read(&[group(5)]).unwrap();
    let (findings, _) = run(&mut card, next, |step, answer| kept!(Reading, step).receive(answer).unwrap());
    assert!(findings.attributes.is_empty());
    card.finish();
}

#[test]
fn a_signature_takes_exactly_three_commands() {
    let signature = "5A".repeat(48);
    let text = format!(
        "{SELECT_ESIGN}> 00 22 41 B6 06 84 01 11 80 01 90\n< 90 00\n> 00 2A 9E 9A 20 {} 00\n< {signature} 90 00\n",
        "AA".repeat(32),
    );
    let mut card = PlayedCard::new(&model_session_key(), &text);
    let (step, command) = established().sign().unwrap();
    let (step, command) = kept!(SelectingEsign, step).receive(&card.answer(&command)).unwrap();
    let (step, command) = kept!(ChoosingKey, step).receive(&card.answer(&command), &[0xAA; 32]).unwrap();
    let (signed, _) = kept!(AwaitingSignature, step).receive(&card.answer(&command)).unwrap();
    assert_eq!(signed, [0x5A; 48]);
    card.finish();
    assert_eq!(card.answered, 3);
}

fn manage(card: &mut PlayedCard, established: Established, act: KeyAct) -> (KeyOutcome, Established) {
    let (step, command) = established.manage_key(act).unwrap();
    run(card, Next::Command(step, command), |step, answer| kept!(KeyManaging, step).receive(answer).unwrap())
}

/// Gives the client its turn and takes it back.
fn hand_over(card: &mut PlayedCard, established: Established) -> Established {
    let (step, command) = established.hand_over().unwrap();
    let step = kept!(HandingOver, step).receive(&card.answer(&command)).unwrap();
    kept!(HandedOver, step).resume()
}

#[test]
fn a_key_is_destroyed_and_generated() {
    let public_key = PrivateKey::from_octets(&[7; 32]).unwrap().public_key();
    let text = format!(
        "{SELECT_ESIGN}> 00 E6 21 00 05 B6 03 84 01 11\n< 90 00\n\
         {SELECT_ESIGN}> 00 46 80 00 05 B6 03 84 01 11 00\n< {} 90 00\n",
        hex::encode(public_key)
    );
    let mut card = PlayedCard::new(&model_session_key(), &text);
    let (outcome, established) = manage(&mut card, established(), KeyAct::Destroy);
    assert_eq!(outcome, KeyOutcome::Destroyed);
    let (outcome, _) = manage(&mut card, established, KeyAct::Generate);
    assert_eq!(outcome, KeyOutcome::Generated(public_key));
    card.finish();
    assert_eq!(card.answered, 4);
}

#[test]
fn a_file_is_written_block_by_block() {
    let certificate = file_of(500);
    let mut text = format!("{SELECT_ESIGN}> 00 A4 02 0C 02 52 11\n< 90 00\n");
    for (number, block) in certificate.chunks(224).enumerate() {
        let offset = number * 224;
        text += &format!("> 00D6{offset:04X}{:02X}{}\n< 9000\n", block.len(), hex::encode_upper(block));
    }
    let mut card = PlayedCard::new(&model_session_key(), &text);
    let (step, command) = established().write_file(TerminalFile::Certificate, &certificate).unwrap();
    run(&mut card, Next::Command(step, command), |step, answer| kept!(Writing, step).receive(answer).unwrap());
    card.finish();
    assert_eq!(card.answered, 2 + certificate.len().div_ceil(224));
}

#[test]
fn the_client_gets_its_turn_and_the_channel_goes_on() {
    let text = format!("> 00 22 01 A4 05 E1 03 81 01 00\n< 90 00\n{SELECT_ESIGN}");
    let mut card = PlayedCard::new(&model_session_key(), &text);
    let established = hand_over(&mut card, established());
    let (_, command) = established.sign().unwrap();
    card.answer(&command);
    card.finish();
}

/// Sequence J: the key pair is replaced and certified. Fifteen commands, and one for each block that is read or
/// written; the client confirms after the old key was destroyed and after the new one was generated.
#[test]
fn a_key_is_renewed_and_its_certificate_requested_and_written() {
    let key = PrivateKey::from_octets(&[7; 32]).unwrap();
    let name = hex::decode("300D310B3009060355040613024259").unwrap();
    let request = CertificateRequest::new(&name, &key.public_key()).unwrap();
    let signature = key.sign_hash(&request.hash());
    let whole = request.signed(&signature).unwrap();
    let to_client = "> 00 22 01 A4 05 E1 03 81 01 00\n< 90 00\n";
    let write = |id: &str, contents: &[u8]| {
        let update = format!("> 00 D6 00 00 {:02X} {}\n< 90 00\n", contents.len(), hex::encode_upper(contents));
        format!("{SELECT_ESIGN}> 00 A4 02 0C 02 {id}\n< 90 00\n{update}")
    };
    let text = [
        &format!("{SELECT_ESIGN}> 00 E6 21 00 05 B6 03 84 01 11\n< 90 00\n{to_client}"),
        &format!("{SELECT_ESIGN}> 00 46 80 00 05 B6 03 84 01 11 00\n< {} 90 00\n", hex::encode(key.public_key())),
        to_client,
        &format!("{SELECT_ESIGN}{}", reading("51 01", &name)),
        &format!("{SELECT_ESIGN}> 00 22 41 B6 06 84 01 11 80 01 90\n< 90 00\n"),
        &format!("> 00 2A 9E 9A 20 {} 00\n< {} 90 00\n", hex::encode(request.hash()), hex::encode(signature)),
        &write("52 11", &request_ticket(&whole)),
        &write("53 11", &key_hash(&key.public_key())),
    ];
    let mut card = PlayedCard::new(&model_session_key(), &text.concat());

    let destroyed = manage(&mut card, established(), KeyAct::Destroy).1;
    let resumed = hand_over(&mut card, destroyed);
    let (outcome, generated) = manage(&mut card, resumed, KeyAct::Generate);
    let KeyOutcome::Generated(public_key) = outcome else { panic!("{outcome:?}") };
    let resumed = hand_over(&mut card, generated);
    let next = resumed.read(&[TerminalFile::Name]).unwrap();
    let (findings, read) = run(&mut card, next, |step, answer| step.receive(answer).unwrap());
    let [(_, Ok(name))] = &findings.files[..] else { panic!("{findings:?}") };
    let request = CertificateRequest::new(name, &public_key).unwrap();
    let (step, command) = read.sign().unwrap();
    let (step, command) = step.receive(&card.answer(&command)).unwrap();
    let (step, command) = step.receive(&card.answer(&command), &request.hash()).unwrap();
    let (signature, mut established) = step.receive(&card.answer(&command)).unwrap();
    let request = request.signed(&signature).unwrap();
    for (file, contents) in
        [(TerminalFile::Certificate, request_ticket(&request)), (TerminalFile::KeyHash, key_hash(&public_key))]
    {
        let (step, command) = established.write_file(file, &contents).unwrap();
        let next = Next::Command(step, command);
        established = run(&mut card, next, |step, answer| step.receive(answer).unwrap());
    }
    card.finish();
    assert_eq!(card.answered, 2 + 1 + 2 + 1 + 3 + 3 + 3 + 3);
}
