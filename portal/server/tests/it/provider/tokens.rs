//! Signed tokens: what is accepted, and the ways to confuse whoever checks them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_portal::provider::clients::ClientAuthentication;
use latchkey_portal::provider::jws::{FileKey, JwsError, TicketKey as _, VerificationKey, sign, verify};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sha::sha256;
use openssl::symm::Cipher;
use serde_json::{Value, json};

use super::world::RSA_KEY;

fn pem(curve: Nid) -> Vec<u8> {
    let key = EcKey::generate(&EcGroup::from_curve_name(curve).unwrap()).unwrap();
    PKey::from_ec_key(key).unwrap().private_key_to_pem_pkcs8().unwrap()
}

fn key() -> FileKey {
    FileKey::from_pem(&pem(Nid::X9_62_PRIME256V1)).unwrap()
}

fn rsa_key() -> FileKey {
    FileKey::from_pem(&RSA_KEY).unwrap()
}

/// A token with another header, signed by `key` all the same.
fn with_header(key: &FileKey, header: &Value, claims: &Value) -> String {
    let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", encoded(header), encoded(claims));
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(key.sign(input.as_bytes()).unwrap()))
}

#[test]
fn a_token_is_accepted_under_the_key_that_it_names_only() {
    accepted_under_the_key_that_it_names_only(&key(), &key());
    accepted_under_the_key_that_it_names_only(&key(), &rsa_key());
    accepted_under_the_key_that_it_names_only(&rsa_key(), &key());
}

fn accepted_under_the_key_that_it_names_only(old: &FileKey, new: &FileKey) {
    let claims = json!({"sub": "x", "exp": 1});
    for signer in [old, new] {
        let token = sign(signer, "JWT", &claims).unwrap();
        assert_eq!(verify(&token, [new.public(), old.public()]), Ok(claims.clone()));
    }
    let token = sign(old, "JWT", &claims).unwrap();
    assert_eq!(verify(&token, [new.public()]), Err(JwsError::Key));
    assert_eq!(verify(&token, []), Err(JwsError::Key));
}

#[test]
fn confused_tokens_are_refused() {
    let (mine, other) = (key(), key());
    let claims = json!({"sub": "x"});
    let id = mine.public().id();
    let jwk = other.public().jwk();
    let rows = [
        ("none", json!({"alg": "none"}), &mine, JwsError::Algorithm),
        ("none in another case", json!({"alg": "NoNe", "kid": id}), &mine, JwsError::Algorithm),
        ("the public key as a secret", json!({"alg": "HS256", "kid": id}), &mine, JwsError::Algorithm),
        ("another curve", json!({"alg": "ES384", "kid": id}), &mine, JwsError::Algorithm),
        ("no algorithm", json!({"kid": id}), &mine, JwsError::Malformed),
        ("the other algorithm", json!({"alg": "RS256", "kid": id}), &mine, JwsError::Key),
        ("the other algorithm without a name", json!({"alg": "RS256"}), &mine, JwsError::Key),
        ("RSA with another padding", json!({"alg": "PS256", "kid": id}), &mine, JwsError::Algorithm),
        ("an extension", json!({"alg": "ES256", "crit": ["exp"]}), &mine, JwsError::Extension),
        ("a body that is not encoded", json!({"alg": "ES256", "b64": false}), &mine, JwsError::Extension),
        ("a key of its own", json!({"alg": "ES256", "jwk": jwk}), &other, JwsError::Signature),
        ("an address of keys", json!({"alg": "ES256", "jku": "https://evil.example/"}), &other, JwsError::Signature),
        ("another's key under this name", json!({"alg": "ES256", "kid": id}), &other, JwsError::Signature),
        ("a path as name", json!({"alg": "ES256", "kid": "../../dev/null"}), &mine, JwsError::Key),
        ("SQL as name", json!({"alg": "ES256", "kid": "' OR 1=1 --"}), &mine, JwsError::Key),
        ("an empty name", json!({"alg": "ES256", "kid": ""}), &mine, JwsError::Key),
        ("an array as header", json!(["ES256", id]), &mine, JwsError::Malformed),
    ];
    for (name, header, signer, error) in rows {
        assert_eq!(verify(&with_header(signer, &header, &claims), [mine.public()]), Err(error), "{name}");
    }
}

#[test]
fn every_truncation_and_every_changed_character_is_refused() {
    let key = key();
    let token = sign(&key, "JWT", &json!({"sub": "x"})).unwrap();
    for kept in 0..token.len() {
        assert!(verify(&token[..kept], [key.public()]).is_err(), "{kept}");
        let mut changed = token.clone().into_bytes();
        changed[kept] = if changed[kept] == b'A' { b'B' } else { b'A' };
        assert!(verify(&String::from_utf8(changed).unwrap(), [key.public()]).is_err(), "{kept}");
    }
    assert_eq!(verify(&format!("{token}{}", "A".repeat(4096)), [key.public()]), Err(JwsError::Malformed));
    for text in ["", ".", "..", "...", "a.b.c.d"] {
        assert_eq!(verify(text, [key.public()]), Err(JwsError::Malformed), "{text}");
    }
}

/// A key for one algorithm verifies nothing by the other, even if both are known here.
#[test]
fn a_key_serves_its_own_algorithm_only() {
    let (es, rs) = (key(), rsa_key());
    let claims = json!({"sub": "x"});
    for (signer, algorithm) in [(&es, "RS256"), (&rs, "ES256")] {
        for id in [es.public().id(), rs.public().id()] {
            let token = with_header(signer, &json!({"alg": algorithm, "kid": id}), &claims);
            assert!(verify(&token, [es.public(), rs.public()]).is_err(), "{algorithm} {id}");
        }
    }
}

#[test]
fn only_keys_of_the_one_curve_and_of_sound_rsa_are_taken() {
    let rsa = |rsa: Rsa<Private>| PKey::from_rsa(rsa).unwrap().private_key_to_pem_pkcs8().unwrap();
    let small = rsa(Rsa::generate(1024).unwrap());
    let exponent = rsa(Rsa::generate_with_e(2048, &BigNum::from_u32(3).unwrap()).unwrap());
    for pem in [small, exponent] {
        assert!(FileKey::from_pem(&pem).is_err());
    }
    let sealed = PKey::private_key_from_pem(&RSA_KEY).unwrap();
    let sealed = sealed.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), b"secret").unwrap();
    assert!(FileKey::from_pem(&sealed).is_err());
    for curve in [Nid::SECP384R1, Nid::SECP256K1] {
        assert!(FileKey::from_pem(&pem(curve)).is_err());
    }
    assert!(FileKey::from_pem(b"").is_err());
    assert!(VerificationKey::from_pem(&pem(Nid::X9_62_PRIME256V1)).is_err(), "a private key is no public one");
}

#[test]
fn a_secret_is_known_by_its_hash() {
    let secret = ClientAuthentication::Secret(sha256(b"a secret"));
    assert!(secret.secret_is("a secret"));
    assert!(!secret.secret_is("another") && !secret.secret_is("") && !ClientAuthentication::Public.secret_is(""));
    assert_eq!(format!("{secret:?}"), "secret");
}
