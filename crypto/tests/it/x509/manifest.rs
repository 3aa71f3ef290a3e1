//! The manifest of the test set: every certificate's and list's verdict, and every key.

use latchkey_crypto::bign::PrivateKey;
use latchkey_crypto::x509::{
    Certificate, CertificatePath, CertificatePurpose, PathError, PublicKey, RevocationData, RevocationList, TrustStore,
};
use latchkey_fixtures::vectors::file;
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{NOW, certificate, list};

#[derive(Deserialize)]
struct Manifest {
    reference_time: String,
    files: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    file: String,
    verdict: String,
    why: String,
    #[serde(default)]
    chain: Vec<String>,
}

fn manifest() -> Manifest {
    let manifest: Manifest = serde_json::from_slice(&file("pki/pki.json")).unwrap();
    assert_eq!(OffsetDateTime::parse(&manifest.reference_time, &Rfc3339).unwrap(), NOW);
    manifest
}

fn octets(name: &str) -> Vec<u8> {
    file(&format!("pki/{name}"))
}

/// Path for any of the purposes, then revocation by the lists of the set. An anchor is judged by its own signature.
fn is_accepted(entry: &Entry) -> bool {
    let Ok(leaf) = Certificate::from_der(&octets(&entry.file)) else { return false };
    let Some((anchor, intermediates)) = entry.chain.split_last() else {
        return leaf.verify_signature(leaf.public_key()).is_ok();
    };
    let authorities = |names: &[String]| names.iter().map(|name| certificate(&octets(name))).collect::<Vec<_>>();
    let trust = TrustStore::new(authorities(std::slice::from_ref(anchor)), authorities(intermediates)).unwrap();
    let purposes = [
        CertificatePurpose::SIGN_IN,
        CertificatePurpose::KEY_TRANSPORT,
        CertificatePurpose::STATUS_SERVICE,
        CertificatePurpose::TIME_STAMPS,
    ];
    let found = purposes.into_iter().map(|purpose| CertificatePath::build(&leaf, &trust, purpose, NOW));
    let lists = list(&file("pki/sub-fresh.crl.der"), &file("pki/sub.cert.der")).unwrap();
    let path = found.reduce(Result::or).unwrap();
    match path {
        Ok(path) if path.authorities().len() == 2 => lists.status(&leaf, path.authorities()[0], NOW).is_ok(),
        Ok(_) => true,
        // An authority of the set below its root: as a holder it is refused, as an authority its signature counts.
        Err(PathError::AuthorityAsHolder) => leaf.verify_signature(trust.anchors()[0].public_key()).is_ok(),
        Err(_) => false,
    }
}

#[test]
fn every_certificate_gets_its_verdict() {
    let mut judged = 0;
    for entry in manifest().files.iter().filter(|entry| entry.file.ends_with(".cert.der")) {
        assert_eq!(is_accepted(entry), entry.verdict == "accept", "{}: {}", entry.file, entry.why);
        judged += 1;
    }
    assert_eq!(judged, 16);
}

#[test]
fn every_revocation_list_gets_its_verdict() {
    let mut judged = 0;
    for entry in manifest().files.iter().filter(|entry| entry.file.ends_with(".crl.der")) {
        let authority = if entry.file.starts_with("root") { "root.cert.der" } else { "sub.cert.der" };
        let verified =
            RevocationList::from_der(&octets(&entry.file)).unwrap().verified_by(&certificate(&octets(authority)));
        let is_good = verified.is_ok_and(|list| (list.this_update()..=list.next_update()).contains(&NOW));
        assert_eq!(is_good, entry.verdict == "good", "{}: {}", entry.file, entry.why);
        judged += 1;
    }
    assert_eq!(judged, 4);
}

/// Each private key of level 128 belongs to the certificate of its owner.
#[test]
fn keys_and_certificates_belong_together() {
    let rows = [
        ("root", file("pki/root.testkey.der"), file("pki/root.cert.der")),
        ("sub", file("pki/sub.testkey.der"), file("pki/sub.cert.der")),
        ("person", file("pki/person.testkey.der"), file("pki/person.cert.der")),
        ("person-auth-only", file("pki/person.testkey.der"), file("pki/person-auth-only.cert.der")),
        ("person-enc", file("pki/person-enc.testkey.der"), file("pki/person-enc.cert.der")),
        ("person-revoked", file("pki/person-revoked.testkey.der"), file("pki/person-revoked.cert.der")),
        ("notca", file("pki/notca.testkey.der"), file("pki/issued-by-non-ca.cert.der")),
        ("ocsp", file("pki/ocsp.testkey.der"), file("pki/ocsp.cert.der")),
        ("tsa", file("pki/tsa.testkey.der"), file("pki/tsa.cert.der")),
    ];
    for (name, key_info, of_owner) in rows {
        // PrivateKeyInfo ends with an OCTET STRING of the 32 octets of d.
        let secret = key_info[key_info.len() - 32..].try_into().unwrap();
        let public_key = PrivateKey::from_octets(secret).unwrap().public_key();
        match certificate(&of_owner).public_key() {
            PublicKey::Bign(certified) => assert_eq!(certified.octets(), public_key, "{name}"),
            other => panic!("{name}: {other}"),
        }
    }
}
