//! BAUTH: both roles against transcripts computed with bee2.

use std::cell::Cell;

use latchkey_crypto::bauth::{
    BauthError, CardWaiting, M1_SIZE, M3_OVERHEAD, Mode, SessionKey, TerminalConfirming, TerminalKey,
    TerminalStepAfterM1, terminal_receive_m1,
};
use latchkey_crypto::bign::PrivateKey;
use latchkey_crypto::cv::{Certificate, Date, TrustAnchor, TrustAnchors};
use latchkey_crypto::secret::SecretOctets;
use latchkey_fixtures::random::{Recorded, Seeded};
use latchkey_fixtures::vectors::{Vector, vector};
use proptest::prelude::*;

fn bilateral() -> [Vector; 2] {
    [
        vector("BAUTH bilateral, dummy 72-octet certificates, empty hello"),
        vector("BAUTH bilateral, btok model term.cert/ct.cert, hello_T = BAUTH CDF || CertHAT*"),
    ]
}

fn unilateral() -> [Vector; 2] {
    [
        vector("BAUTH unilateral, dummy certificates, empty hello"),
        vector(
            "BAUTH unilateral, btok model term.cert/ct.cert, same hello (uses OID btok-bauth as in the bilateral vector)",
        ),
    ]
}

fn key(vector: &Vector, name: &str) -> PrivateKey {
    PrivateKey::from_octets(&vector.input(name).try_into().unwrap()).unwrap()
}

/// The card as it is after M1, which is the vector's.
fn card(vector: &Vector) -> CardWaiting {
    let mut random = Recorded::new([vector.input("R_CT"), vector.input("u_CT")].concat());
    let (waiting, m1) = CardWaiting::start(&key(vector, "d_T").public_key(), &mut random).unwrap();
    assert_eq!(m1.to_vec(), vector.output("M1"), "{}", vector.name);
    assert_eq!(m1[..64], vector.output("V_CT"), "{}", vector.name);
    assert_eq!(random.left(), 0, "{}", vector.name);
    waiting
}

fn m1(vector: &Vector) -> [u8; M1_SIZE] {
    vector.output("M1").try_into().unwrap()
}

/// The terminal as it is after M2, which is the vector's.
fn confirming(vector: &Vector) -> TerminalConfirming {
    let mut random = Recorded::new(vector.input("R_T"));
    let (hello, key) = (vector.input("hello_T"), key(vector, "d_T"));
    let (step, m2) = terminal_receive_m1(&key, &m1(vector), &hello, Mode::Bilateral, &mut random).unwrap();
    assert_eq!(m2, vector.output("M2"), "{}", vector.name);
    assert_eq!(random.left(), 0, "{}", vector.name);
    match step {
        TerminalStepAfterM1::Confirming(confirming) => confirming,
        TerminalStepAfterM1::Established(_) => panic!("a key before the card has proved itself"),
    }
}

/// Takes M3 and trusts the vector's certificate with the vector's key, and no other.
fn receive_m3(vector: &Vector, m3: &[u8]) -> Result<SessionKey, BauthError> {
    let trusted = key(vector, "d_CT").public_key();
    let trust = |certificate: &[u8]| (certificate == vector.input("cert_CT")).then_some(((), trusted));
    confirming(vector).receive_m3(m3, trust).map(|(k0, ())| k0)
}

#[test]
fn card_side_replays_every_transcript() {
    for vector in bilateral() {
        let m2 = vector.output("M2").try_into().unwrap();
        let (own_key, certificate) = (key(&vector, "d_CT"), vector.input("cert_CT"));
        let answer = card(&vector).receive_bilateral_m2(&m2, &vector.input("hello_T"), &own_key, &certificate);
        let (m3, k0) = answer.unwrap();
        assert_eq!(m3, vector.output("M3"), "{}", vector.name);
        assert_eq!(m3.len(), certificate.len() + M3_OVERHEAD, "{}", vector.name);
        assert_eq!(k0.expose().to_vec(), vector.output("K0"), "{}", vector.name);
    }
    for vector in unilateral() {
        let m2 = vector.output("M2").try_into().unwrap();
        let k0 = card(&vector).receive_unilateral_m2(&m2, &vector.input("hello_T")).unwrap();
        assert_eq!(k0.expose().to_vec(), vector.output("K0"), "{}", vector.name);
    }
}

#[test]
fn terminal_side_replays_every_transcript() {
    for vector in bilateral() {
        let shared = key(&vector, "d_T").shared_x(&vector.output("V_CT").try_into().unwrap()).unwrap();
        assert_eq!(shared.expose().to_vec(), vector.output("K"), "{}", vector.name);
        let k0 = receive_m3(&vector, &vector.output("M3")).unwrap();
        assert_eq!(k0.expose().to_vec(), vector.output("K0"), "{}", vector.name);
    }
    for vector in unilateral() {
        let (hello, key) = (vector.input("hello_T"), key(&vector, "d_T"));
        let mut nothing = Recorded::new(Vec::new());
        let (step, m2) = terminal_receive_m1(&key, &m1(&vector), &hello, Mode::Unilateral, &mut nothing).unwrap();
        assert_eq!(m2, vector.output("M2"), "{}", vector.name);
        let TerminalStepAfterM1::Established(k0) = step else { panic!("{}: no key", vector.name) };
        assert_eq!(k0.expose().to_vec(), vector.output("K0"), "{}", vector.name);
    }
}

/// A terminal that forgets everything between its steps, as one that serves many does.
#[test]
fn what_a_terminal_keeps_is_enough_and_what_the_vectors_say() {
    for vector in bilateral() {
        let kept = confirming(&vector).to_secret_octets();
        let expected = ["K0", "K1", "K2", "V_CT", "t"].map(|name| vector.output(name)).concat();
        assert_eq!(kept.expose().to_vec(), expected, "{}", vector.name);
        let again = TerminalConfirming::from_secret_octets(&kept);
        let trusted = key(&vector, "d_CT").public_key();
        let (k0, ()) = again.receive_m3(&vector.output("M3"), |_| Some(((), trusted))).unwrap();
        assert_eq!(k0.expose().to_vec(), vector.output("K0"), "{}", vector.name);
        let other = TerminalConfirming::from_secret_octets(&SecretOctets::new([7; 176]));
        let refused = other.receive_m3(&vector.output("M3"), |_| Some(((), trusted))).err();
        assert_eq!(refused, Some(BauthError::KeyConfirmation), "{}", vector.name);
    }
}

/// The model certificates of the standard, on a day on which they are in force.
#[test]
fn the_published_certificates_authenticate_each_other() {
    let [_, transcript] = bilateral();
    let read = |vector: &Vector| Certificate::parse(&vector.output("der")).unwrap();
    let root = read(&vector("CV certificate ca0000.cert"));
    let authority = read(&vector("CV certificate ca1000.cert"));
    let anchors = TrustAnchors::new(vec![TrustAnchor::of_root(root).unwrap()]);
    let today = Date::from_octets([2, 5, 0, 7, 0, 2]).unwrap();

    let shown = [authority, read(&vector("CV certificate term.cert"))];
    let terminal = anchors.terminal(&shown, today).unwrap();
    let terminal_key: [u8; 64] = terminal.certificate().body().key.octets().try_into().unwrap();
    let mut random = Recorded::new([transcript.input("R_CT"), transcript.input("u_CT")].concat());
    let (waiting, m1) = CardWaiting::start(&terminal_key, &mut random).unwrap();

    let mut random = Recorded::new(transcript.input("R_T"));
    let hello = transcript.input("hello_T");
    let answer = terminal_receive_m1(&key(&transcript, "d_T"), &m1, &hello, Mode::Bilateral, &mut random).unwrap();
    let (TerminalStepAfterM1::Confirming(confirming), m2) = answer else { panic!("a key before the card's proof") };
    let (m3, of_card) = waiting
        .receive_bilateral_m2(&m2.try_into().unwrap(), &hello, &key(&transcript, "d_CT"), &transcript.input("cert_CT"))
        .unwrap();

    let trust = |octets: &[u8]| {
        let card = anchors.card(&[Certificate::parse(octets).ok()?], today).ok()?;
        let key = card.certificate().body().key.octets().try_into().ok()?;
        Some((card, key))
    };
    let (of_terminal, card) = confirming.receive_m3(&m3, trust).unwrap();
    assert_eq!(of_terminal.expose(), of_card.expose());
    assert_eq!(card.certificate(), &read(&vector("CV certificate ct.cert")));
}

#[test]
fn an_altered_m1_gives_no_key() {
    let [vector, _] = bilateral();
    let key = key(&vector, "d_T");
    for place in 0..M1_SIZE {
        let mut m1 = m1(&vector);
        m1[place] ^= 1;
        let refused = terminal_receive_m1(&key, &m1, &[], Mode::Bilateral, &mut Seeded::new("altered")).err();
        let expected = if place < 64 { BauthError::InvalidPoint } else { BauthError::Token };
        assert_eq!(refused, Some(expected), "octet {place}");
    }
}

#[test]
fn another_terminal_cannot_open_m1() {
    let [vector, _] = bilateral();
    let other = PrivateKey::from_octets(&[7; 32]).unwrap();
    let refused = terminal_receive_m1(&other, &m1(&vector), &[], Mode::Unilateral, &mut Seeded::new("other")).err();
    assert_eq!(refused, Some(BauthError::Token));
}

#[test]
fn an_altered_m2_gives_no_key() {
    for vector in bilateral() {
        let hello = vector.input("hello_T");
        let card_key = key(&vector, "d_CT");
        for place in 0..24 {
            let mut m2: [u8; 24] = vector.output("M2").try_into().unwrap();
            m2[place] ^= 1;
            let refused = card(&vector).receive_bilateral_m2(&m2, &hello, &card_key, b"certificate").err();
            assert_eq!(refused, Some(BauthError::KeyConfirmation), "{}, octet {place}", vector.name);
        }
    }
    for vector in unilateral() {
        for place in 0..8 {
            let mut m2: [u8; 8] = vector.output("M2").try_into().unwrap();
            m2[place] ^= 1;
            let refused = card(&vector).receive_unilateral_m2(&m2, &vector.input("hello_T")).err();
            assert_eq!(refused, Some(BauthError::KeyConfirmation), "{}, octet {place}", vector.name);
        }
    }
}

/// Another edition of the hello on one side looks like a wrong key.
#[test]
fn another_hello_gives_no_key() {
    let [_, vector] = bilateral();
    let m2 = vector.output("M2").try_into().unwrap();
    let mut hello = vector.input("hello_T");
    hello.pop();
    for hello in [hello, Vec::new(), vec![0; 32]] {
        let refused = card(&vector).receive_bilateral_m2(&m2, &hello, &key(&vector, "d_CT"), b"").err();
        assert_eq!(refused, Some(BauthError::KeyConfirmation));
    }
}

#[test]
fn an_altered_or_cut_m3_gives_no_key_and_no_certificate() {
    for vector in bilateral() {
        let m3 = vector.output("M3");
        let looked_at = Cell::new(false);
        let receive = |m3: &[u8]| {
            confirming(&vector)
                .receive_m3(m3, |_| {
                    looked_at.set(true);
                    Some(((), [0; 64]))
                })
                .err()
        };
        for place in 0..m3.len() {
            let mut altered = m3.clone();
            altered[place] ^= 0x80;
            assert_eq!(receive(&altered), Some(BauthError::KeyConfirmation), "{}, octet {place}", vector.name);
        }
        for kept in 0..m3.len() {
            let expected = if kept < M3_OVERHEAD { BauthError::Malformed } else { BauthError::KeyConfirmation };
            assert_eq!(receive(&m3[..kept]), Some(expected), "{}, {kept} octets", vector.name);
        }
        assert!(!looked_at.get(), "a certificate was looked at that nobody confirmed");
    }
}

/// What an emulator says that has a card's certificate and not its key, or a key and no certificate.
#[test]
fn a_card_without_key_or_certificate_is_found_out() {
    let [_, vector] = bilateral();
    let (hello, certificate) = (vector.input("hello_T"), vector.input("cert_CT"));
    let m2 = vector.output("M2").try_into().unwrap();
    let emulated = |key: &PrivateKey, certificate: &[u8]| {
        card(&vector).receive_bilateral_m2(&m2, &hello, key, certificate).unwrap().0
    };
    let other_key = PrivateKey::from_octets(&[7; 32]).unwrap();
    assert_eq!(receive_m3(&vector, &emulated(&other_key, &certificate)).err(), Some(BauthError::Signature));
    assert_eq!(receive_m3(&vector, &emulated(&other_key, b"")).err(), Some(BauthError::Certificate));
    let own_key = key(&vector, "d_CT");
    assert_eq!(receive_m3(&vector, &emulated(&own_key, &certificate[1..])).err(), Some(BauthError::Certificate));
    assert!(receive_m3(&vector, &emulated(&own_key, &certificate)).is_ok());
    let m3 = emulated(&own_key, &certificate);
    let off_the_curve = confirming(&vector).receive_m3(&m3, |_| Some(((), [0xFF; 64]))).err();
    assert_eq!(off_the_curve, Some(BauthError::InvalidPoint));
}

/// Points that a hostile card or certificate may carry. G is (0, y); 0 could also be written as p.
#[test]
fn what_is_no_point_is_refused_by_both_sides() {
    let mut one = [0; 32];
    one[0] = 1;
    let g = PrivateKey::from_octets(&one).unwrap().public_key();
    let mut p = [0xFF; 32];
    p[0] = 0x43;
    let y = &g[32..];
    let rows = [
        ("G", [&[0; 32], y].concat(), true),
        ("x as p", [&p[..], y].concat(), false),
        ("another y", [&[0; 32][..], &[y[0] ^ 1], &y[1..]].concat(), false),
        ("zeros", vec![0; 64], false),
        ("ones", vec![0xFF; 64], false),
    ];
    for (name, point, is_point) in rows {
        let mut random = Seeded::new(name);
        let refused = CardWaiting::start(point.as_slice().try_into().unwrap(), &mut random).err();
        assert_eq!(refused, (!is_point).then_some(BauthError::InvalidPoint), "{name}, to the card");
        let m1 = [&point[..], &[7; 32]].concat().try_into().unwrap();
        let key = PrivateKey::generate(&mut random);
        let refused = terminal_receive_m1(&key, &m1, &[], Mode::Bilateral, &mut random).err();
        let expected = if is_point { BauthError::Token } else { BauthError::InvalidPoint };
        assert_eq!(refused, Some(expected), "{name}, to the terminal");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn both_sides_agree_and_an_altered_m3_does_not_pass(
        seed in "[a-z]{8}",
        hello in proptest::collection::vec(any::<u8>(), 0..80),
        certificate in proptest::collection::vec(any::<u8>(), 0..300),
        place: prop::sample::Index,
        change in 1_u8..,
    ) {
        let mut random = Seeded::new(&seed);
        let (terminal, own) = (PrivateKey::generate(&mut random), PrivateKey::generate(&mut random));
        let (card, m1) = CardWaiting::start(&terminal.public_key(), &mut random).unwrap();
        let (step, m2) = terminal_receive_m1(&terminal, &m1, &hello, Mode::Bilateral, &mut random).unwrap();
        let TerminalStepAfterM1::Confirming(step) = step else { panic!("a key before the card's proof") };
        let kept = step.to_secret_octets();
        let m2 = m2.try_into().unwrap();
        let (mut m3, of_card) = card.receive_bilateral_m2(&m2, &hello, &own, &certificate).unwrap();
        let (of_terminal, seen) = step.receive_m3(&m3, |seen| Some((seen.to_vec(), own.public_key()))).unwrap();
        prop_assert_eq!(of_terminal.expose(), of_card.expose());
        prop_assert_eq!(seen, certificate);
        *place.get_mut(&mut m3) ^= change;
        let again = TerminalConfirming::from_secret_octets(&kept);
        prop_assert!(again.receive_m3(&m3, |_| Some(((), own.public_key()))).is_err());
    }
}
