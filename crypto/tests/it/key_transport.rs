//! Key transport: STB 34.101.45-2013, clause 7.2.

use latchkey_crypto::bign::{PrivateKey, PublicKey};
use latchkey_crypto::key_transport::{self, KeyTransportError, OVERHEAD};
use latchkey_fixtures::random::{Recorded, Seeded};
use latchkey_fixtures::vectors::{Vector, series};
use proptest::prelude::*;

fn private_key(vector: &Vector) -> PrivateKey {
    PrivateKey::from_octets(&vector.input("d").try_into().unwrap()).unwrap()
}

#[test]
fn tokens_made_elsewhere_open() {
    for vector in series("bign-keytransport G.").into_iter().chain(series("bign-keytransport random")) {
        let header = vector.input("header").try_into().unwrap();
        let key = key_transport::unwrap(&vector.output("token"), &header, &private_key(&vector)).unwrap();
        assert_eq!(*key, vector.input("key"), "{}", vector.name);
    }
}

#[test]
fn tokens_are_made_as_elsewhere() {
    for vector in series("bign-keytransport random") {
        let recipient = PublicKey::from_octets(&vector.input("Q")).unwrap();
        let header = vector.input("header").try_into().unwrap();
        let mut random = Recorded::new(vector.input("k"));
        let token = key_transport::wrap(&vector.input("key"), &header, &recipient, &mut random).unwrap();
        assert_eq!(token, vector.output("token"), "{}", vector.name);
        assert_eq!(random.left(), 0);
    }
}

#[test]
fn what_cannot_be_transported_is_refused() {
    let mut random = Seeded::new("key transport");
    let owner = PrivateKey::generate(&mut random);
    let recipient = PublicKey::from_octets(&owner.public_key()).unwrap();
    let refused = key_transport::wrap(&[1; 15], &[0; 16], &recipient, &mut random);
    assert_eq!(refused, Err(KeyTransportError::TooShort));

    let vector = &series("bign-sign deterministic, l=192, no t")[0];
    let recipient = PublicKey::from_octets(&vector.output("Q")).unwrap();
    let refused = key_transport::wrap(&[1; 32], &[0; 16], &recipient, &mut random);
    assert_eq!(refused, Err(KeyTransportError::OtherLevel));
}

#[test]
fn every_truncation_of_a_token_is_refused() {
    let vector = &series("bign-keytransport G.")[0];
    let (token, key) = (vector.output("token"), private_key(vector));
    let header = vector.input("header").try_into().unwrap();
    for kept in 0..token.len() {
        assert!(key_transport::unwrap(&token[..kept], &header, &key).is_err(), "{kept} octets were accepted");
    }
}

#[test]
fn a_token_without_a_point_is_refused() {
    let key = PrivateKey::generate(&mut Seeded::new("no point"));
    let token = [0xFF; OVERHEAD + 16];
    assert_eq!(key_transport::unwrap(&token, &[0; 16], &key).err(), Some(KeyTransportError::InvalidPoint));
}

/// G has x = 0, which could also be written as p.
#[test]
fn a_point_has_one_spelling() {
    let key = PrivateKey::generate(&mut Seeded::new("spelling"));
    let mut p = [0xFF; 32];
    p[0] = 0x43;
    for (x, expected) in [([0; 32], KeyTransportError::Integrity), (p, KeyTransportError::InvalidPoint)] {
        let token = [&x[..], &[7; OVERHEAD - 32 + 16]].concat();
        assert_eq!(key_transport::unwrap(&token, &[0; 16], &key).err(), Some(expected), "{x:02X?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_key_arrives_and_an_altered_token_does_not_open(
        seed in "[a-z]{8}",
        key in proptest::collection::vec(any::<u8>(), 16..80),
        header: [u8; 16],
        place: prop::sample::Index,
        change in 1_u8..,
    ) {
        let mut random = Seeded::new(&seed);
        let owner = PrivateKey::generate(&mut random);
        let recipient = PublicKey::from_octets(&owner.public_key()).unwrap();
        let mut token = key_transport::wrap(&key, &header, &recipient, &mut random).unwrap();
        prop_assert_eq!(token.len(), key.len() + OVERHEAD);
        prop_assert_eq!(&*key_transport::unwrap(&token, &header, &owner).unwrap(), &key);
        *place.get_mut(&mut token) ^= change;
        prop_assert!(key_transport::unwrap(&token, &header, &owner).is_err());
    }
}
