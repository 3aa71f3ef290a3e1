//! Shared parts of key agreement: STB 34.101.66-2014.

use bignp256::{BignP256, PublicKey};
use latchkey_crypto::bake;
use latchkey_fixtures::vectors::{series, vector};

#[test]
fn key_derivation() {
    for vector in [vector("bake-kdf B.4")].into_iter().chain(series("bake-kdf random")) {
        for number in (0..).take(vector.outputs.len()) {
            let salt = vector.input("iv");
            let (head, tail) = salt.split_at(salt.len() / 2);
            let key = bake::kdf(&vector.input("secret"), &[head, tail], number);
            let expected = vector.output(&format!("num={number}"));
            assert_eq!(key.expose().to_vec(), expected, "{}, {number}", vector.name);
        }
    }
}

#[test]
fn secrets_become_points() {
    for vector in [vector("bake-swu B.4")].into_iter().chain(series("bake-swu random")) {
        let secret: [u8; 32] = vector.input("X").try_into().unwrap();
        let point = BignP256::hash_secret_to_curve(&secret).unwrap();
        let point = PublicKey::from_affine(point.to_affine()).unwrap();
        assert_eq!(point.to_bytes().to_vec(), vector.output("W"), "{}", vector.name);
    }
}
