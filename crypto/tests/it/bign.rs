//! Bign: keys and signatures against the standard's annex and entries computed with bee2.

use latchkey_crypto::bign::{InvalidPublicKey, Level, PrivateKey, PublicKey, SignatureError};
use latchkey_crypto::hash::HashAlgorithm;
use latchkey_fixtures::vectors::{Vector, series, vector};

fn algorithm(vector: &Vector) -> HashAlgorithm {
    let oid = vector.input("oid_der");
    HashAlgorithm::ALL.into_iter().find(|algorithm| algorithm.oid_der() == oid).expect(&vector.name)
}

#[test]
fn key_pair_of_annex_g() {
    let vector = vector("bign keypair G.1");
    let key = PrivateKey::from_octets(&vector.input("d").try_into().unwrap()).unwrap();
    assert_eq!(key.public_key().to_vec(), vector.output("Q"));
}

#[test]
fn deterministic_signatures_are_the_published_ones() {
    let entries = [series("bign-sign deterministic G."), series("bign-128 random")];
    for vector in entries.into_iter().flatten() {
        let key = PrivateKey::from_octets(&vector.input("d").try_into().unwrap()).unwrap();
        let additional = if vector.name.contains("with t") { vector.input("t") } else { Vec::new() };
        let signature = key.sign_hash_with(&vector.input("hash").try_into().unwrap(), &additional);
        assert_eq!(signature.to_vec(), vector.output("sig"), "{}", vector.name);
    }
}

#[test]
fn signatures_of_annex_g_verify() {
    let public_key = PublicKey::from_octets(&vector("bign keypair G.1").output("Q")).unwrap();
    for vector in series("bign-sign G.").into_iter().chain(series("bign-sign deterministic G.")) {
        let verdict = public_key.verify(algorithm(&vector), &vector.input("hash"), &vector.output("sig"));
        assert_eq!(verdict, Ok(()), "{}", vector.name);
    }
}

#[test]
fn signatures_computed_elsewhere_verify() {
    let entries = [
        series("bign-128 random"),
        series("bign-sign deterministic, l=192, no t"),
        series("bign-sign deterministic, l=256, no t"),
    ];
    for vector in entries.into_iter().flatten() {
        let algorithm = algorithm(&vector);
        let hash = algorithm.hash(&[&vector.input("message")]);
        assert_eq!(hash, vector.input("hash"), "{}", vector.name);
        let public_key = PublicKey::from_octets(&vector.output("Q")).unwrap();
        assert_eq!(public_key.level(), algorithm.level());
        assert_eq!(public_key.octets(), vector.output("Q"));
        assert_eq!(public_key.verify(algorithm, &hash, &vector.output("sig")), Ok(()), "{}", vector.name);
    }
}

#[test]
fn stated_verdicts_are_reached() {
    let entries = [series("bign-verify l=128"), series("bign-verify l=192"), series("bign-verify l=256")];
    for vector in entries.into_iter().flatten() {
        let (hash, signature) = (vector.input("hash"), vector.input("sig"));
        let public_key = PublicKey::from_octets(&vector.input("Q"));
        if vector.name.contains("Q off the curve") {
            assert_eq!(public_key, Err(InvalidPublicKey::NotOnCurve), "{}", vector.name);
            continue;
        }
        let expected = if vector.must_be_accepted() {
            Ok(())
        } else if vector.name.contains("s1 >= q") {
            Err(SignatureError::OutOfRange)
        } else {
            Err(SignatureError::Mismatch)
        };
        assert_eq!(public_key.unwrap().verify(algorithm(&vector), &hash, &signature), expected, "{}", vector.name);
    }
}

#[test]
fn levels_know_their_sizes() {
    for (level, key, signature) in [(Level::L128, 64, 48), (Level::L192, 96, 72), (Level::L256, 128, 96)] {
        assert_eq!((level.public_key_size(), level.signature_size()), (key, signature));
    }
}
