//! Bign: keys and signatures against the standard's annex and entries computed with bee2.

use latchkey_crypto::bign::{InvalidPublicKey, Level, PrivateKey, PublicKey, SignatureError};
use latchkey_crypto::hash::HashAlgorithm;
use latchkey_fixtures::random::Seeded;
use latchkey_fixtures::vectors::{Vector, series, vector};
use proptest::prelude::*;

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

/// A key, a hash value and a signature that verify, for each level.
fn valid() -> [Vector; 3] {
    [
        vector("bign-verify l=128 VALID: base of the invalid cases"),
        vector("bign-verify l=192 VALID: base of the invalid cases"),
        vector("bign-verify l=256 VALID: base of the invalid cases"),
    ]
}

/// The published parameters of each level.
fn parameters() -> [Vector; 3] {
    [
        vector("bign-curve256v1 parameters (little-endian octets)"),
        vector("bign-curve384v1 parameters (little-endian octets)"),
        vector("bign-curve512v1 parameters (little-endian octets)"),
    ]
}

#[test]
fn the_base_point_is_a_point_and_its_second_spelling_is_not() {
    for parameters in parameters() {
        let (p, y) = (parameters.output("p"), parameters.output("yG"));
        let g = [vec![0; y.len()], y.clone()].concat();
        assert!(PublicKey::from_octets(&g).is_ok(), "{}", parameters.name);
        let with_p_for_zero = [p, y].concat();
        let refused = PublicKey::from_octets(&with_p_for_zero);
        assert_eq!(refused, Err(InvalidPublicKey::NotOnCurve), "{}", parameters.name);
    }
}

#[test]
fn the_number_s1_ends_below_the_order() {
    for (valid, parameters) in valid().iter().zip(parameters()) {
        let public_key = PublicKey::from_octets(&valid.input("Q")).unwrap();
        let (algorithm, hash, signature) = (algorithm(valid), valid.input("hash"), valid.input("sig"));
        let s0 = &signature[..signature.len() / 3];
        let q = parameters.output("q");
        let mut below_q = q.clone();
        below_q[0] -= 1;
        let highest = vec![0xFF; q.len()];
        for (s1, expected) in [
            (&q, SignatureError::OutOfRange),
            (&highest, SignatureError::OutOfRange),
            (&below_q, SignatureError::Mismatch),
        ] {
            let verdict = public_key.verify(algorithm, &hash, &[s0, s1].concat());
            assert_eq!(verdict, Err(expected), "{}", valid.name);
        }
    }
}

#[test]
fn the_sum_at_infinity_is_refused() {
    // With Q = G and s1 + H = −(s0 + 2^ℓ) mod q the sum is O. H is 0, s0 is 0, so s1 = q − 2^ℓ.
    for (parameters, algorithm) in parameters().iter().zip(HashAlgorithm::ALL) {
        let y = parameters.output("yG");
        let g = PublicKey::from_octets(&[vec![0; y.len()], y.clone()].concat()).unwrap();
        let half = y.len() / 2;
        let mut s1 = parameters.output("q");
        s1[half] -= 1;
        let signature = [vec![0; half], s1].concat();
        let verdict = g.verify(algorithm, &vec![0; y.len()], &signature);
        assert_eq!(verdict, Err(SignatureError::Mismatch), "{}", parameters.name);
    }
}

/// Keys whose multiples meet those of G in the sum, and hash values that are no residues.
#[test]
fn signatures_at_the_ends_of_the_ranges_verify() {
    use bignp256::ecdsa::signature::hazmat::PrehashVerifier;
    let q: [u8; 32] = parameters()[0].output("q").try_into().unwrap();
    let small = |number: u8| std::array::from_fn(|place| if place == 0 { number } else { 0 });
    let power = |place: usize| std::array::from_fn(|at| u8::from(at == place));
    let below_q = |number: u8| {
        let mut octets = q;
        octets[0] -= number;
        octets
    };
    let keys = [small(1), small(2), small(3), small(0xFF), power(16), power(17), power(31), below_q(1), below_q(2)];
    let hashes = [[0; 32], [0xFF; 32], q, below_q(1), small(1), power(16)];
    for d in keys {
        let key = PrivateKey::from_octets(&d).unwrap();
        let public_key = PublicKey::from_octets(&key.public_key()).unwrap();
        let other = bignp256::ecdsa::VerifyingKey::from_bytes(&key.public_key()).unwrap();
        for hash in hashes {
            for additional in 0..8_u8 {
                let octets = key.sign_hash_with(&hash, &[additional]);
                let name = format!("d = {d:02X?}, H = {hash:02X?}");
                assert_eq!(public_key.verify(HashAlgorithm::BeltHash, &hash, &octets), Ok(()), "{name}");
                let signature = bignp256::ecdsa::Signature::from_bytes(&octets).unwrap();
                assert!(other.verify_prehash(&hash, &signature).is_ok(), "{name}");
            }
        }
    }
}

#[test]
fn other_lengths_are_refused() {
    for valid in valid() {
        let (algorithm, octets) = (algorithm(&valid), valid.input("Q"));
        let (hash, signature) = (valid.input("hash"), valid.input("sig"));
        let public_key = PublicKey::from_octets(&octets).unwrap();
        for kept in 0..octets.len() {
            assert!(PublicKey::from_octets(&octets[..kept]).is_err(), "{}: a key of {kept} octets", valid.name);
        }
        for kept in 0..signature.len() {
            let verdict = public_key.verify(algorithm, &hash, &signature[..kept]);
            assert_eq!(verdict, Err(SignatureError::SignatureLength(kept)), "{}", valid.name);
        }
        for kept in 0..hash.len() {
            let verdict = public_key.verify(algorithm, &hash[..kept], &signature);
            assert_eq!(verdict, Err(SignatureError::HashLength(kept)), "{}", valid.name);
        }
        let longer = [signature.as_slice(), &[0]].concat();
        let verdict = public_key.verify(algorithm, &hash, &longer);
        assert_eq!(verdict, Err(SignatureError::SignatureLength(longer.len())), "{}", valid.name);
        let longer = [octets.as_slice(), &[0]].concat();
        assert_eq!(PublicKey::from_octets(&longer), Err(InvalidPublicKey::Length(longer.len())));
    }
}

#[test]
fn an_algorithm_of_another_level_is_refused() {
    for valid in valid() {
        let public_key = PublicKey::from_octets(&valid.input("Q")).unwrap();
        for other in HashAlgorithm::ALL.into_iter().filter(|other| *other != algorithm(&valid)) {
            let verdict = public_key.verify(other, &valid.input("hash"), &valid.input("sig"));
            assert_eq!(verdict, Err(SignatureError::OtherLevel), "{}", valid.name);
        }
    }
}

#[test]
fn private_keys_end_below_the_order() {
    let mut q: [u8; 32] = parameters()[0].output("q").try_into().unwrap();
    assert!(PrivateKey::from_octets(&[0; 32]).is_none());
    assert!(PrivateKey::from_octets(&q).is_none());
    assert!(PrivateKey::from_octets(&[0xFF; 32]).is_none());
    q[0] -= 1;
    let highest = PrivateKey::from_octets(&q).unwrap();
    assert_eq!(*highest.expose_octets(), q);
    assert_eq!(format!("{highest:?}"), "hidden");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_signature_verifies_and_the_other_implementation_agrees(seed in "[a-z]{8}", hash: [u8; 32]) {
        use bignp256::ecdsa::signature::hazmat::PrehashVerifier;
        let key = PrivateKey::generate(&mut Seeded::new(&seed));
        let signature = key.sign_hash(&hash);
        let public_key = PublicKey::from_octets(&key.public_key()).unwrap();
        prop_assert_eq!(public_key.verify(HashAlgorithm::BeltHash, &hash, &signature), Ok(()));
        let other = bignp256::ecdsa::VerifyingKey::from_bytes(&key.public_key()).unwrap();
        let signature = bignp256::ecdsa::Signature::from_bytes(&signature).unwrap();
        prop_assert!(other.verify_prehash(&hash, &signature).is_ok());
    }

    #[test]
    fn nothing_altered_verifies(
        level in 0_usize..3,
        part in 0_usize..3,
        place: prop::sample::Index,
        change in 1_u8..,
    ) {
        let valid = &valid()[level];
        let mut parts = [valid.input("Q"), valid.input("hash"), valid.input("sig")];
        *place.get_mut(&mut parts[part]) ^= change;
        let [key, hash, signature] = parts;
        if let Ok(key) = PublicKey::from_octets(&key) {
            prop_assert!(key.verify(algorithm(valid), &hash, &signature).is_err());
        }
    }

    #[test]
    fn any_octets_do_no_harm(
        key in proptest::collection::vec(any::<u8>(), 0..140),
        hash in proptest::collection::vec(any::<u8>(), 0..70),
        signature in proptest::collection::vec(any::<u8>(), 0..100),
        level in 0_usize..3,
    ) {
        prop_assert!(PublicKey::from_octets(&key).is_err(), "a random point is on the curve");
        let public_key = PublicKey::from_octets(&valid()[level].input("Q")).unwrap();
        for algorithm in HashAlgorithm::ALL {
            prop_assert!(public_key.verify(algorithm, &hash, &signature).is_err());
        }
    }
}

#[test]
fn levels_know_their_sizes() {
    for (level, key, signature) in [(Level::L128, 64, 48), (Level::L192, 96, 72), (Level::L256, 128, 96)] {
        assert_eq!((level.public_key_size(), level.signature_size()), (key, signature));
    }
}
