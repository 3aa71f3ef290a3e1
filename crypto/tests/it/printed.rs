//! What values print of themselves in logs and messages: of secrets and people nothing, of the rest what it takes to find
//! it again.

use std::fmt::Debug;

use latchkey_crypto::assertion::{ChallengeText, Origin};
use latchkey_crypto::bign::{PrivateKey, PublicKey};
use latchkey_crypto::container::Password;
use latchkey_crypto::secret::BeltKey;
use latchkey_crypto::signature::SignatureAlgorithm;
use latchkey_crypto::x509::{Certificate, ObjectIdentifier, PersonalNumber, RevocationList, TrustStore};
use latchkey_fixtures::vectors::file;
use zeroize::Zeroizing;

fn printed(value: &dyn Debug) -> String {
    format!("{value:?}")
}

#[test]
fn secrets_and_people_print_nothing() {
    assert_eq!(printed(&BeltKey::new([0x39; 32])), "hidden");
    assert_eq!(printed(&PrivateKey::from_octets(&[7; 32]).unwrap()), "hidden");
    assert_eq!(printed(&Password::new(Zeroizing::new("908172".to_owned()))), "hidden");
    let number = PersonalNumber::parse("PNOBY-3000000A000PB0").unwrap();
    assert_eq!((printed(&number).as_str(), number.to_string().as_str()), ("PersonalNumber(hidden)", number.as_str()));
}

#[test]
fn public_values_print_what_they_are() {
    let root = Certificate::from_der(&file("pki/root.cert.der")).unwrap();
    let name = "C=BY, O=Выдуманный удостоверяющий центр (тест), CN=Тестовый корневой центр";
    assert_eq!(printed(root.subject()), name);
    assert_eq!(printed(&root), format!("Certificate(51A0000000000001 of {name})"));
    assert_eq!(printed(&root.serial_number()), "51A0000000000001");
    let trust = TrustStore::new(vec![root.clone()], Vec::new()).unwrap();
    assert_eq!(printed(&trust), format!("TrustStore {{ anchors: [{root:?}], intermediates: [] }}"));
    let octets = file("pki/root.crl.der");
    let list = RevocationList::from_der(&octets).unwrap();
    let contents = format!("0 entries of {name}, 2026-11-15 0:00:00.0 +00:00:00");
    assert_eq!(printed(&list), format!("RevocationList(not verified, {contents})"));
    assert_eq!(printed(&list.verified_by(&root).unwrap()), format!("VerifiedRevocationList({contents})"));
    let key = PrivateKey::from_octets(&[7; 32]).unwrap().public_key();
    let expected = format!("PublicKey({})", hex::encode_upper(key));
    assert_eq!(printed(&PublicKey::from_octets(&key).unwrap()), expected);
}

#[test]
fn texts_print_as_they_are() {
    let origin = Origin::parse("https://portal.example").unwrap();
    assert_eq!((printed(&origin).as_str(), origin.to_string().as_str()), (origin.as_str(), "https://portal.example"));
    let text = "VGhpcyBjaGFsbGVuZ2UgaXMgZm9yIGEgdGVzdCBvbmx5LCBubyBvdGhlciE=";
    let challenge = ChallengeText::parse(text).unwrap();
    assert_eq!((printed(&challenge).as_str(), challenge.to_string().as_str()), (text, text));
    for text in ["0.9.2342", "1.2.112.0.2.0.34.101.45.12", "2.5.29.15", "2.999.1"] {
        let identifier: ObjectIdentifier = text.parse().unwrap();
        assert_eq!((printed(&identifier).as_str(), identifier.to_string().as_str()), (text, text));
    }
    for algorithm in SignatureAlgorithm::ALL {
        assert_eq!(algorithm.to_string(), algorithm.name());
    }
}
