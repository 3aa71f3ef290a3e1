//! What is signed for a document, and the message around it.

use std::io::{self, Read};

use latchkey_crypto::bign::PrivateKey;
use latchkey_crypto::cms::{
    BuildError, ContentDigest, ContentDigests, ContentHasher, DetachedSignature, DigestAlgorithm, SignatureFault,
    SignatureForm, SignedAttributes,
};
use latchkey_crypto::hash::HashAlgorithm;
use latchkey_crypto::signature::SignatureAlgorithm;
use latchkey_fixtures::vectors::file;
use time::macros::datetime;

use super::{NOW, certificate, judge, read};

const BELT: HashAlgorithm = HashAlgorithm::BeltHash;
const BIGN: SignatureAlgorithm = SignatureAlgorithm::Bign(BELT);

fn digest(contents: &[u8]) -> ContentDigest {
    let mut hasher = ContentHasher::new(DigestAlgorithm::Bign(BELT));
    contents.chunks(7).for_each(|octets| hasher.update(octets));
    hasher.finish()
}

fn key(key_info: &[u8]) -> PrivateKey {
    PrivateKey::from_octets(key_info[key_info.len() - 32..].try_into().unwrap()).unwrap()
}

pub(super) fn sign(contents: &[u8]) -> DetachedSignature {
    let person = certificate(&file("pki/person.cert.der"));
    let attributes = SignedAttributes::new(digest(contents), person, BIGN, NOW).unwrap();
    let hash = attributes.hash().try_into().unwrap();
    attributes.signed(&key(&file("pki/person.testkey.der")).sign_hash(&hash)).unwrap()
}

pub(super) fn attached(contents: &[u8]) -> Vec<u8> {
    let parts = sign(contents).attached_to(contents.len() as u64);
    [parts.head.as_slice(), contents, &parts.tail].concat()
}

#[test]
fn what_we_sign_is_a_cades_signature_attached_and_detached() {
    let large = vec![0x5A; 200_000];
    for (name, contents) in [("nothing", &b""[..]), ("a line", b"a line\n"), ("127", &large[..127]), ("large", &large)]
    {
        let detached = judge(&sign(contents).to_der(), Some(contents)).unwrap();
        let inside = judge(&attached(contents), None).unwrap();
        for signature in [detached, inside] {
            assert_eq!(signature.form, SignatureForm::CadesBaseline, "{name}");
            assert_eq!(signature.signing_time, Some(NOW), "{name}");
        }
        let (message, passed) = read(&attached(contents)).unwrap();
        assert_eq!(passed, contents, "{name}");
        assert!(!message.is_detached(), "{name}");
        let other = [contents, b"."].concat();
        assert_eq!(judge(&sign(contents).to_der(), Some(&other)).unwrap_err(), SignatureFault::ContentAltered);
    }
}

/// The lengths around contents of a terabyte, without the contents.
#[test]
fn contents_of_any_size_have_room() {
    let signature = sign(b"contents");
    for size in [0, 127, 128, 65_535, 65_536, u64::from(u32::MAX) + 1, 1 << 40] {
        let parts = signature.attached_to(size);
        let count = usize::from(parts.head[1] & 0x7F);
        let stated = parts.head[2..2 + count].iter().fold(0_u64, |length, octet| length << 8 | u64::from(*octet));
        let around = (parts.head.len() - 2 - count + parts.tail.len()) as u64;
        assert_eq!(stated, size + around, "{size}");
    }
}

#[test]
fn a_detached_signature_survives_writing_and_reading() {
    let signature = sign(b"contents");
    assert_eq!(DetachedSignature::from_der(&signature.to_der()).unwrap(), signature);
    for octets in [file("pki/cms-attached.der"), file("pki/person.cert.der"), Vec::new()] {
        assert_eq!(DetachedSignature::from_der(&octets), Err(BuildError::NotOurs));
    }
}

#[test]
fn a_certificate_that_is_not_for_documents_signs_none() {
    let rows = [
        ("sign-in only", file("pki/person-auth-only.cert.der"), BuildError::KeyUsage),
        ("encryption only", file("pki/person-enc.cert.der"), BuildError::KeyUsage),
        ("an authority", file("pki/sub.cert.der"), BuildError::KeyUsage),
        ("expired", file("pki/person-expired.cert.der"), BuildError::Expired),
        ("not yet valid", file("pki/person-future.cert.der"), BuildError::NotYetValid),
    ];
    for (name, octets, refusal) in rows {
        let refused = SignedAttributes::new(digest(b"contents"), certificate(&octets), BIGN, NOW);
        assert_eq!(refused.map(|_| ()).unwrap_err(), refusal, "{name}");
    }
}

#[test]
fn another_keys_signature_is_not_put_in() {
    let build = || {
        let person = certificate(&file("pki/person.cert.der"));
        SignedAttributes::new(digest(b"contents"), person, BIGN, NOW).unwrap()
    };
    let hash = build().hash().try_into().unwrap();
    let other = key(&file("pki/person-enc.testkey.der"));
    assert_eq!(build().signed(&other.sign_hash(&hash)).unwrap_err(), BuildError::WrongSignature);
    assert_eq!(build().signed(&[]).unwrap_err(), BuildError::WrongSignature);
    let bash = SignatureAlgorithm::Bign(HashAlgorithm::Bash512);
    let person = certificate(&file("pki/person.cert.der"));
    let refused = SignedAttributes::new(digest(b"contents"), person, bash, NOW);
    assert_eq!(refused.map(|_| ()).unwrap_err(), BuildError::AlgorithmMismatch);
}

#[test]
fn a_time_that_cannot_be_is_refused() {
    let sign_at = |time| {
        let person = certificate(&file("pki/person.cert.der"));
        let attributes = SignedAttributes::new(digest(b"contents"), person, BIGN, time).unwrap();
        let hash = attributes.hash().try_into().unwrap();
        attributes.signed(&key(&file("pki/person.testkey.der")).sign_hash(&hash)).unwrap().to_der()
    };
    let verdict = |time| judge(&sign_at(time), Some(b"contents")).map(|signature| signature.signing_time);
    assert_eq!(verdict(datetime!(2026-11-22 12:05 UTC)), Ok(Some(datetime!(2026-11-22 12:05 UTC))));
    assert_eq!(verdict(datetime!(2026-11-22 12:05:01 UTC)), Err(SignatureFault::ImpossibleTime));
    assert_eq!(verdict(datetime!(2026-11-22 15:04:59 +3)), Ok(Some(datetime!(2026-11-22 12:04:59 UTC))));
}

#[test]
fn contents_are_hashed_by_every_algorithm_as_one_piece_is() {
    let contents: Vec<u8> = (0..100_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    let digests = ContentDigests::read(&mut contents.as_slice(), &DigestAlgorithm::ALL).unwrap();
    assert_eq!(digests.size(), 100_000);
    for algorithm in SignatureAlgorithm::ALL {
        let digest = digests.of(DigestAlgorithm::of_signature(algorithm)).unwrap();
        assert_eq!(digest.value(), algorithm.hash(&[&contents]), "{algorithm}");
        assert_eq!(digest.size(), 100_000);
    }
}

#[test]
fn a_source_that_is_interrupted_is_read_on() {
    struct Interrupted(bool, &'static [u8]);
    impl Read for Interrupted {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 = !self.0;
            if self.0 { Err(io::ErrorKind::Interrupted.into()) } else { self.1.read(buffer) }
        }
    }
    let algorithm = DigestAlgorithm::Bign(BELT);
    let digests = ContentDigests::read(&mut Interrupted(false, b"contents"), &[algorithm]).unwrap();
    assert_eq!(digests.of(algorithm).unwrap().value(), digest(b"contents").value());
}

#[test]
fn a_message_tells_the_size_of_the_contents_inside() {
    assert_eq!(read(&attached(&[7; 300])).unwrap().0.content_size(), 300);
    assert_eq!(read(&sign(b"contents").to_der()).unwrap().0.content_size(), 0);
}
