//! BPACE: both roles against transcripts computed with bee2.

use latchkey_crypto::bign::PrivateKey;
use latchkey_crypto::bpace::{BpaceError, CardWaiting, ClientStart, password_key};
use latchkey_fixtures::random::{Recorded, Seeded};
use latchkey_fixtures::vectors::{Vector, series, vector};

fn recorded(vector: &Vector, key: &str) -> Recorded {
    Recorded::new(vector.input(key))
}

fn transcripts() -> Vec<Vector> {
    let mut all = series("BPACE l=128 transcript");
    all.push(vector("BPACE transcript B.4 (A=card side, B=client side)"));
    all.push(vector("BPACE as profiled by STB 34.101.79 with errata: PIN 123456, hello_KP = whole MSE CDF"));
    all.push(vector("BPACE as profiled by the 2019 print: PIN 123456, hello_KP = CertHAT objects only"));
    all.push(vector("BPACE, errata profile: CAN 654321, hello_KP = CDF without CertHAT"));
    all
}

fn password(vector: &Vector) -> Vec<u8> {
    vector.text("password_ascii").into_bytes()
}

#[test]
fn client_side_replays_every_transcript() {
    for vector in transcripts() {
        let mut random = recorded(&vector, "B_random (Rb||ub)");
        let (start, m1) = ClientStart::new(password_key(&password(&vector)), &mut random);
        assert_eq!(m1.to_vec(), vector.output("M1"), "{}", vector.name);
        let m2 = vector.output("M2").try_into().unwrap();
        let (confirming, m3) = start.receive_m2(&m2, &vector.input("hello_B"), &mut random).unwrap();
        assert_eq!(m3.to_vec(), vector.output("M3"), "{}", vector.name);
        let k0 = confirming.receive_m4(&vector.output("M4").try_into().unwrap()).unwrap();
        assert_eq!(k0.expose().to_vec(), vector.output("K0"), "{}", vector.name);
    }
}

#[test]
fn card_side_replays_every_transcript() {
    for vector in transcripts() {
        let mut random = recorded(&vector, "A_random (Ra||ua)");
        let m1 = vector.output("M1").try_into().unwrap();
        let (waiting, m2) = CardWaiting::receive_m1(&password_key(&password(&vector)), &m1, &mut random).unwrap();
        assert_eq!(waiting.w().unwrap().to_vec(), vector.output("W"), "{}", vector.name);
        assert_eq!(m2.to_vec(), vector.output("M2"), "{}", vector.name);
        let m3 = vector.output("M3").try_into().unwrap();
        let (m4, k0) = waiting.receive_m3(&m3, &vector.input("hello_B")).unwrap();
        assert_eq!(m4.to_vec(), vector.output("M4"), "{}", vector.name);
        assert_eq!(k0.expose().to_vec(), vector.output("K0"), "{}", vector.name);
    }
}

#[test]
fn card_side_refuses_a_wrong_pin() {
    let vector = vector("BPACE l=128 WRONG PIN: card 271828, client 271829 (T_B check fails)");
    let key = password_key(vector.text("password_ascii card").as_bytes());
    let mut random = recorded(&vector, "A_random (Ra||ua)");
    let (waiting, m2) = CardWaiting::receive_m1(&key, &vector.output("M1").try_into().unwrap(), &mut random).unwrap();
    assert_eq!(m2.to_vec(), vector.output("M2"));
    let m3 = vector.output("M3").try_into().unwrap();
    let refused = waiting.receive_m3(&m3, &vector.input("hello_B")).err();
    assert_eq!(refused, Some(BpaceError::KeyConfirmation));
}

/// Points that a hostile card or client may send. G is (0, y); 0 could also be written as p.
#[test]
fn what_is_no_point_is_refused_by_both_sides() {
    let mut one = [0; 32];
    one[0] = 1;
    let g = PrivateKey::from_octets(&one).unwrap().public_key();
    let mut p = [0xFF; 32];
    p[0] = 0x43;
    let y = &g[32..];
    assert_eq!(g[..32], [0; 32]);
    let rows = [
        ("G", [&[0; 32], y].concat(), true),
        ("x as p", [&p[..], y].concat(), false),
        ("another y", [&[0; 32][..], &[y[0] ^ 1], &y[1..]].concat(), false),
        ("zeros", vec![0; 64], false),
        ("ones", vec![0xFF; 64], false),
    ];
    for (name, point, is_point) in rows {
        let mut random = Seeded::new(name);
        let (client, m1) = ClientStart::new(password_key(b"123456"), &mut random);
        let m2 = [&[7; 16][..], &point].concat().try_into().unwrap();
        let refused = client.receive_m2(&m2, b"", &mut random).err();
        assert_eq!(refused, (!is_point).then_some(BpaceError::InvalidPoint), "{name}, to the client");
        let (card, _) = CardWaiting::receive_m1(&password_key(b"123456"), &m1, &mut random).unwrap();
        let m3 = [&point[..], &[7; 8]].concat().try_into().unwrap();
        let expected = if is_point { BpaceError::KeyConfirmation } else { BpaceError::InvalidPoint };
        assert_eq!(card.receive_m3(&m3, b"").err(), Some(expected), "{name}, to the card");
    }
}
