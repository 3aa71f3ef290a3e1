//! Sessions computed elsewhere, replayed octet by octet: by the client's dialogue, and by the card's parts.

use latchkey_card::apdu::{Command, Response, StatusWord};
use latchkey_card::bpace::{AuthenticationTemplate, M1, M2, M3, M4};
use latchkey_card::dialogue::{DialogueError, PinStatus, Selected};
use latchkey_card::password::{Can, Password, Pin, Puk};
use latchkey_card::profile::{Edition, Editions, Profile};
use latchkey_card::rights::Authority;
use latchkey_card::secure_messaging::CardSecureMessaging;
use latchkey_crypto::bpace::{CardWaiting, password_key};
use latchkey_fixtures::random::Recorded;
use latchkey_fixtures::scripted::{Answer, Expected, ScriptedChannel, dialogue, recorded};
use latchkey_fixtures::vectors::{Vector, series, vector};

use super::THREE_TRIES;

const SESSION: &str = "base-session-with-signature.txt";

fn session_vector() -> Vector {
    vector("BPACE as profiled by STB 34.101.79 with errata: PIN 123456, hello_KP = whole MSE CDF")
}

/// The hash of the recorded signature, belt-hash("abc"), and the signature.
fn hash_and_signature() -> ([u8; 32], Vec<u8>) {
    let pair =
        vector("SM session on the PIN BPACE key: PSO CDS (key = bign G.1, hash = belt-hash(abc), deterministic)");
    let command = Command::parse(&pair.input("cmd")).unwrap();
    let response = Response::parse(&pair.input("resp")).unwrap();
    (command.data().try_into().unwrap(), response.data().to_vec())
}

/// What a template asks for.
fn authority_of(hello: &[u8]) -> Authority {
    let template = AuthenticationTemplate::parse(hello).unwrap();
    let wants = |is_wanted: bool| is_wanted.then_some(());
    Authority {
        eid: wants(hello.windows(2).any(|at| at == [0x06, 0x01])).map(|()| template.eid_rights()),
        esign: wants(hello.windows(2).any(|at| at == [0x06, 0x02])).map(|()| template.esign_rights()),
        signatures: None,
    }
}

#[test]
fn the_client_holds_the_recorded_session() {
    let profile = Profile::standard();
    let session = session_vector();
    let mut random = Recorded::new(session.input("B_random (Rb||ub)"));
    let mut card = ScriptedChannel::new(&recorded(SESSION));
    let pin = Pin::parse(b"123456", profile.pin.digits).unwrap();
    let authority = authority_of(&session.input("hello_B"));

    let selected = Selected::select(&mut card, &profile).unwrap();
    let secured = selected.secure_with_pin(pin, THREE_TRIES, &authority, &mut random).unwrap();
    let mut holder = secured.select_esign().unwrap();
    assert!(holder.is_confirmed().unwrap());
    let (hash, signature) = hash_and_signature();
    assert_eq!(holder.sign_belt_hash(&hash).unwrap().to_vec(), signature);

    card.finish();
    assert_eq!(random.left(), 0);
}

#[test]
fn the_parts_of_a_card_hold_the_recorded_session() {
    let mut random = Recorded::new(session_vector().input("A_random (Ra||ua)"));
    let (_, signature) = hash_and_signature();
    let success = |data: Vec<u8>| Response::new(data, StatusWord::SUCCESS);
    let (mut template, mut waiting, mut messaging) = (None, None, None);
    for exchange in dialogue(&recorded(SESSION)) {
        let (Expected::Command(octets), Answer::Response(expected)) = (exchange.command, exchange.answer) else {
            panic!("line {} is no recorded exchange", exchange.line);
        };
        let (command, due) = match messaging.take() {
            None => (Command::parse(&octets).unwrap(), None),
            Some(channel) => {
                let (command, due) = CardSecureMessaging::unprotect(channel, &octets).unwrap();
                (command, Some(due))
            }
        };
        let mut opened = None;
        let answer = match command.header().octets() {
            [0x00, 0x22, 0xC1, 0xA4] => {
                template = Some(AuthenticationTemplate::parse(command.data()).unwrap());
                success(Vec::new())
            }
            [0x10, 0x86, 0, 0] => {
                let m1 = M1::decode(command.data()).unwrap();
                let (card, m2) = CardWaiting::receive_m1(&password_key(b"123456"), &m1, &mut random).unwrap();
                waiting = Some(card);
                success(M2::encode(&m2))
            }
            [0x00, 0x86, 0, 0] => {
                let hello = template.as_ref().unwrap().hello(Edition::Errata2020);
                let m3 = M3::decode(command.data()).unwrap();
                let (m4, key) = waiting.take().unwrap().receive_m3(&m3, hello).unwrap();
                opened = Some(CardSecureMessaging::new(&key, Edition::Errata2020));
                success(M4::encode(&m4))
            }
            [0x00, 0x2A, 0x9E, 0x9A] => success(signature.clone()),
            _ => success(Vec::new()),
        };
        let sent = match due {
            None => answer,
            Some(due) => {
                let (protected, next) = due.protect(&answer);
                opened = Some(next);
                protected
            }
        };
        assert_eq!(sent.to_octets().to_vec(), expected, "line {}", exchange.line);
        messaging = opened;
    }
    assert_eq!(random.left(), 0);
}

/// A session as it passes over the wire until BPACE is over, and its status words.
fn wire(vector: &Vector, template: &[u8], last: &str) -> String {
    let hex = |octets: Vec<u8>| hex::encode_upper(octets);
    format!(
        "> 00A40000\n< 9000\n> 0022C1A4{:02X}{}\n< 9000\n> 10860000147C128010{}00\n< 7C528150{}9000\n\
         > 008600004C7C4A8248{}00\n< {last}\n",
        template.len(),
        hex::encode_upper(template),
        hex(vector.output("M1")),
        hex(vector.output("M2")),
        hex(vector.output("M3")),
    )
}

fn accepted(vector: &Vector) -> String {
    format!("7C0A8308{}9000", hex::encode_upper(vector.output("M4")))
}

#[test]
fn the_client_opens_a_channel_with_each_password() {
    let profile = Profile::standard();
    let mut transcripts = series("BPACE l=128 transcript");
    transcripts.push(vector("BPACE, errata profile: CAN 654321, hello_KP = CDF without CertHAT"));
    for transcript in transcripts {
        let name = &transcript.name;
        let hello = transcript.input("hello_B");
        let mut card = ScriptedChannel::new(&wire(&transcript, &hello, &accepted(&transcript)));
        let mut random = Recorded::new(transcript.input("B_random (Rb||ub)"));
        let digits = transcript.text("password_ascii").into_bytes();
        let authority = authority_of(&hello);
        let selected = Selected::select(&mut card, &profile).unwrap();
        let opened = match AuthenticationTemplate::parse(&hello).unwrap().password_id() {
            0x02 => selected.secure_with_can(Can::parse(&digits, 6).unwrap(), &authority, &mut random).err(),
            0x03 => {
                let pin = Pin::parse(&digits, 6).unwrap();
                selected.secure_with_pin(pin, THREE_TRIES, &authority, &mut random).err()
            }
            _ => selected.secure_with_puk(Puk::parse(&digits, 10).unwrap(), &authority, &mut random).err(),
        };
        assert_eq!(opened, None, "{name}");
        card.finish();
    }
}

#[test]
fn the_client_speaks_the_print_of_2019_where_the_profile_says_so() {
    let transcript = vector("BPACE as profiled by the 2019 print: PIN 123456, hello_KP = CertHAT objects only");
    let template = session_vector().input("hello_B");
    let editions = Editions::stated(Edition::Print2019, Edition::Errata2020);
    let profile = Profile { editions, ..Profile::standard() };
    let mut card = ScriptedChannel::new(&wire(&transcript, &template, &accepted(&transcript)));
    let mut random = Recorded::new(transcript.input("B_random (Rb||ub)"));
    let pin = Pin::parse(b"123456", 6).unwrap();
    let selected = Selected::select(&mut card, &profile).unwrap();
    assert!(selected.secure_with_pin(pin, THREE_TRIES, &authority_of(&template), &mut random).is_ok());
    card.finish();
}

#[test]
fn a_wrong_pin_is_told_with_the_tries_left() {
    let transcript = vector("BPACE l=128 WRONG PIN: card 271828, client 271829 (T_B check fails)");
    let hello = transcript.input("hello_B");
    let profile = Profile::standard();
    let mut card = ScriptedChannel::new(&wire(&transcript, &hello, "63C2"));
    let mut random = Recorded::new(transcript.input("B_random (Rb||ub)"));
    let pin = Pin::parse(transcript.text("password_ascii client").as_bytes(), 6).unwrap();
    let selected = Selected::select(&mut card, &profile).unwrap();
    let shown = PinStatus::Usable { tries_left: 3 };
    let refused = selected.secure_with_pin(pin, shown, &authority_of(&hello), &mut random).unwrap_err();
    assert_eq!(refused, DialogueError::PinWrong { tries_left: 2 });
    card.finish();
}
