//! ECDSA and RSA keys and signatures, made by OpenSSL, and the encodings that are refused.

use latchkey_crypto::sha2::Sha2;
use latchkey_crypto::signature::SignatureAlgorithm;
use latchkey_crypto::x509::{
    Certificate, CertificateError, CertificatePath, CertificatePurpose, PublicKeyError, TrustStore, VerificationError,
};
use latchkey_fixtures::der_edit::edited;
use latchkey_fixtures::vectors::file;
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::{Padding, Rsa};
use openssl::sign::{RsaPssSaltlen, Signer};
use openssl::x509::extension::{BasicConstraints, KeyUsage};
use openssl::x509::{X509, X509Name};
use proptest::prelude::*;

use super::NOW;

fn curve_key(curve: Nid) -> PKey<Private> {
    let group = EcGroup::from_curve_name(curve).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn rsa_key(bits: u32) -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
}

fn name(common_name: &str) -> X509Name {
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_text("CN", common_name).unwrap();
    name.build()
}

/// A certificate for `key`, issued by `issuer`'s key; an authority's own if `is_authority`.
fn issue(
    key: &PKey<Private>,
    subject: &str,
    (issuer, issuer_name): (&PKey<Private>, &str),
    digest: MessageDigest,
    is_authority: bool,
) -> Vec<u8> {
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(77).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&name(subject)).unwrap();
    builder.set_issuer_name(&name(issuer_name)).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&Asn1Time::from_unix(NOW.unix_timestamp() - 1000).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::from_unix(NOW.unix_timestamp() + 1000).unwrap()).unwrap();
    if is_authority {
        builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
        builder.append_extension(KeyUsage::new().critical().key_cert_sign().build().unwrap()).unwrap();
    } else {
        builder.append_extension(KeyUsage::new().critical().digital_signature().build().unwrap()).unwrap();
    }
    builder.sign(issuer, digest).unwrap();
    builder.build().to_der().unwrap()
}

#[test]
fn paths_with_every_kind_of_key_are_found() {
    let rows = [
        ("P-256", curve_key(Nid::X9_62_PRIME256V1), MessageDigest::sha256()),
        ("P-256 with SHA-512", curve_key(Nid::X9_62_PRIME256V1), MessageDigest::sha512()),
        ("P-384", curve_key(Nid::SECP384R1), MessageDigest::sha384()),
        ("P-521", curve_key(Nid::SECP521R1), MessageDigest::sha512()),
        ("RSA 2048 bits", rsa_key(2048), MessageDigest::sha256()),
        ("RSA 3072 bits", rsa_key(3072), MessageDigest::sha512()),
    ];
    for (kind, key, digest) in rows {
        let root = Certificate::from_der(&issue(&key, "root", (&key, "root"), digest, true)).unwrap();
        assert!(kind.starts_with(&root.public_key().to_string()), "{kind}");
        let leaf = Certificate::from_der(&issue(&key, "leaf", (&key, "root"), digest, false)).unwrap();
        let trust = TrustStore::new(vec![root], vec![]).unwrap();
        let path = CertificatePath::build(&leaf, &trust, CertificatePurpose::SIGN_IN, NOW);
        assert_eq!(path.map(|path| path.authorities().len()), Ok(1), "{kind}");
    }
}

#[test]
fn weak_and_foreign_keys_are_refused() {
    let signer = curve_key(Nid::X9_62_PRIME256V1);
    let sha256 = MessageDigest::sha256();
    let read = |key: &PKey<Private>| Certificate::from_der(&issue(key, "leaf", (&signer, "root"), sha256, false));
    let rows = [
        ("RSA 1024 bits", rsa_key(1024), PublicKeyError::NotAKey),
        ("curve secp256k1", curve_key(Nid::SECP256K1), PublicKeyError::UnsupportedAlgorithm),
        ("Ed25519", PKey::generate_ed25519().unwrap(), PublicKeyError::UnsupportedAlgorithm),
    ];
    for (kind, key, error) in rows {
        assert_eq!(read(&key).unwrap_err(), CertificateError::PublicKey(error), "{kind}");
    }
    let leaf = issue(&signer, "leaf", (&signer, "root"), sha256, false);
    let compressed = edited(&leaf, |body| {
        let point = body[6].members()[1].octets();
        point.truncate(1 + 1 + 32);
        point[1] = 0x02;
    });
    let not_a_key = CertificateError::PublicKey(PublicKeyError::NotAKey);
    assert_eq!(Certificate::from_der(&compressed).unwrap_err(), not_a_key);
    let by_sha1 = Certificate::from_der(&issue(&signer, "leaf", (&signer, "root"), MessageDigest::sha1(), false));
    assert_eq!(by_sha1.unwrap_err(), CertificateError::UnsupportedAlgorithm);
}

/// PSS with a salt of the hash's size verifies; other salts, paddings and hashes do not.
#[test]
fn rsa_signatures_are_pinned_to_their_padding() {
    let key = rsa_key(2048);
    let certificate = Certificate::from_der(&issue(&key, "a", (&key, "a"), MessageDigest::sha256(), true)).unwrap();
    let sign = |padding: Padding, salt: Option<i32>| {
        let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
        signer.set_rsa_padding(padding).unwrap();
        if let Some(salt) = salt {
            signer.set_rsa_pss_saltlen(RsaPssSaltlen::custom(salt)).unwrap();
        }
        signer.sign_oneshot_to_vec(b"message").unwrap()
    };
    let verify = |algorithm: SignatureAlgorithm, signature: &[u8]| {
        certificate.public_key().verify_hash(algorithm, &algorithm.hash(&[b"message"]), signature)
    };
    let (pkcs1, pss) = (SignatureAlgorithm::RsaPkcs1(Sha2::Sha256), SignatureAlgorithm::RsaPss(Sha2::Sha256));
    let wrong = Err(VerificationError::WrongSignature);
    let of_pkcs1 = sign(Padding::PKCS1, None);
    assert_eq!(verify(pkcs1, &of_pkcs1), Ok(()));
    assert_eq!(verify(pss, &sign(Padding::PKCS1_PSS, Some(32))), Ok(()));
    assert_eq!(verify(pss, &sign(Padding::PKCS1_PSS, Some(20))), wrong);
    assert_eq!(verify(pss, &of_pkcs1), wrong);
    assert_eq!(verify(pkcs1, &of_pkcs1[..255]), wrong);
    assert_eq!(verify(SignatureAlgorithm::RsaPkcs1(Sha2::Sha384), &of_pkcs1), wrong);
    assert_eq!(verify(SignatureAlgorithm::Ecdsa(Sha2::Sha256), &of_pkcs1), Err(VerificationError::AlgorithmMismatch));
}

#[test]
fn keys_do_not_verify_with_algorithms_of_others() {
    let bign = Certificate::from_der(&file("pki/person.cert.der")).unwrap();
    for algorithm in SignatureAlgorithm::ALL {
        let outcome = bign.public_key().verify_hash(algorithm, &algorithm.hash(&[b""]), &[0; 48]);
        let expected = if Some(algorithm) == bign.public_key().assertion_algorithm() {
            VerificationError::WrongSignature
        } else {
            VerificationError::AlgorithmMismatch
        };
        assert_eq!(outcome, Err(expected), "{algorithm}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// r ‖ s of any octets, and ECDSA-Sig-Value of any octets: an answer, never a panic, never a yes.
    #[test]
    fn random_signatures_are_refused(signature in proptest::collection::vec(any::<u8>(), 0..140)) {
        let key = curve_key(Nid::SECP384R1);
        let certificate = Certificate::from_der(&issue(&key, "a", (&key, "a"), MessageDigest::sha384(), true)).unwrap();
        let algorithm = SignatureAlgorithm::Ecdsa(Sha2::Sha384);
        let hash = algorithm.hash(&[b"message"]);
        prop_assert!(certificate.public_key().verify_hash(algorithm, &hash, &signature).is_err());
        prop_assert!(certificate.public_key().verify_message(algorithm, b"message", &signature).is_err());
    }

    /// The DER form in a certificate has one encoding: an octet more, or a longer length, is another signature.
    #[test]
    fn ecdsa_signatures_have_one_encoding(message in proptest::collection::vec(any::<u8>(), 0..40)) {
        let key = curve_key(Nid::X9_62_PRIME256V1);
        let certificate = Certificate::from_der(&issue(&key, "a", (&key, "a"), MessageDigest::sha256(), true)).unwrap();
        let signature = Signer::new(MessageDigest::sha256(), &key).unwrap().sign_oneshot_to_vec(&message).unwrap();
        let verify = |signature: &[u8]| {
            let algorithm = SignatureAlgorithm::Ecdsa(Sha2::Sha256);
            certificate.public_key().verify_message(algorithm, &message, signature)
        };
        prop_assert_eq!(verify(&signature), Ok(()));
        prop_assert!(verify(&[signature.as_slice(), &[0]].concat()).is_err());
        prop_assert!(verify(&[&[0x30, 0x81], &signature[1..]].concat()).is_err());
    }
}
