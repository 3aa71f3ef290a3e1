//! Certificates, paths and revocation lists, against the test set that OpenSSL with the Belarusian engine made.

use latchkey_crypto::belt;
use latchkey_crypto::bign::PrivateKey;
use latchkey_crypto::x509::{
    Certificate, CertificateError, CertificatePath, CertificatePurpose, CertificateRequest, HolderIdentity, PathError,
    RevocationData, RevocationFault, RevocationList, RevocationListError, RevocationLists, RevocationReason,
    TrustStore, VerificationError,
};
use latchkey_fixtures::random::Seeded;
use latchkey_fixtures::vectors::{file, vector};
use openssl::x509::X509Req;
use time::OffsetDateTime;
use time::macros::datetime;

mod holder;
mod keys;
mod lists;
mod manifest;
mod paths;
mod robustness;
mod status;
mod strictness;

/// The reference time of the test set.
const NOW: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);

fn certificate(octets: &[u8]) -> Certificate {
    Certificate::from_der(octets).unwrap()
}

/// Root and subordinate authority as a relying party knows them.
fn trust() -> TrustStore {
    TrustStore::new(
        vec![certificate(&file("pki/root.cert.der")), certificate(&file("pki/root512.cert.der"))],
        vec![certificate(&file("pki/sub.cert.der"))],
    )
    .unwrap()
}

fn list(octets: &[u8], authority: &[u8]) -> Result<RevocationLists, RevocationListError> {
    let mut lists = RevocationLists::new();
    assert!(lists.insert(RevocationList::from_der(octets)?.verified_by(&certificate(authority))?));
    Ok(lists)
}

fn path_verdict(octets: &[u8], purpose: CertificatePurpose) -> Result<usize, PathError> {
    let (leaf, trust) = (certificate(octets), trust());
    CertificatePath::build(&leaf, &trust, purpose, NOW).map(|path| path.authorities().len())
}

/// Certificate, purpose, and the number of authorities above it or why there is no path.
#[test]
fn paths_get_the_verdicts_of_the_test_set() {
    use CertificatePurpose as For;
    let rows = [
        ("person", file("pki/person.cert.der"), For::SIGN_IN, Ok(2)),
        ("person, document", file("pki/person.cert.der"), For::DOCUMENT_SIGNATURE, Ok(2)),
        ("person, key transport", file("pki/person.cert.der"), For::KEY_TRANSPORT, Err(PathError::WrongKeyUsage)),
        ("authentication only", file("pki/person-auth-only.cert.der"), For::SIGN_IN, Ok(2)),
        (
            "authentication only, document",
            file("pki/person-auth-only.cert.der"),
            For::DOCUMENT_SIGNATURE,
            Err(PathError::WrongKeyUsage),
        ),
        ("encryption", file("pki/person-enc.cert.der"), For::KEY_TRANSPORT, Ok(2)),
        ("encryption, sign-in", file("pki/person-enc.cert.der"), For::SIGN_IN, Err(PathError::WrongKeyUsage)),
        (
            "encryption, document",
            file("pki/person-enc.cert.der"),
            For::DOCUMENT_SIGNATURE,
            Err(PathError::WrongKeyUsage),
        ),
        ("expired", file("pki/person-expired.cert.der"), For::SIGN_IN, Err(PathError::Expired)),
        ("future", file("pki/person-future.cert.der"), For::SIGN_IN, Err(PathError::NotYetValid)),
        ("revoked, path alone", file("pki/person-revoked.cert.der"), For::SIGN_IN, Ok(2)),
        ("bad signature", file("pki/person-bad-signature.cert.der"), For::SIGN_IN, Err(PathError::SignatureInvalid)),
        ("altered name", file("pki/person-altered-name.cert.der"), For::SIGN_IN, Err(PathError::SignatureInvalid)),
        ("status service", file("pki/ocsp.cert.der"), For::STATUS_SERVICE, Ok(2)),
        ("status service, sign-in", file("pki/ocsp.cert.der"), For::SIGN_IN, Err(PathError::WrongExtendedKeyUsage)),
        ("time stamps", file("pki/tsa.cert.der"), For::TIME_STAMPS, Ok(2)),
        ("time stamps, sign-in", file("pki/tsa.cert.der"), For::SIGN_IN, Err(PathError::WrongExtendedKeyUsage)),
        (
            "person, status service",
            file("pki/person.cert.der"),
            For::STATUS_SERVICE,
            Err(PathError::WrongExtendedKeyUsage),
        ),
        ("level 256", file("pki/person512.cert.der"), For::SIGN_IN, Ok(1)),
        ("root as holder", file("pki/root.cert.der"), For::SIGN_IN, Err(PathError::AuthorityAsHolder)),
        ("authority as holder", file("pki/sub.cert.der"), For::SIGN_IN, Err(PathError::AuthorityAsHolder)),
        ("issued by a person", file("pki/issued-by-non-ca.cert.der"), For::SIGN_IN, Err(PathError::UnknownIssuer)),
    ];
    for (name, octets, purpose, verdict) in rows {
        assert_eq!(path_verdict(&octets, purpose), verdict, "{name}");
    }
}

#[test]
fn a_person_is_no_authority_even_if_configured_as_one() {
    let person = certificate(&file("pki/person.cert.der"));
    let issued = certificate(&file("pki/issued-by-non-ca.cert.der"));
    let anchors = vec![certificate(&file("pki/root.cert.der"))];
    let trust = TrustStore::new(anchors, vec![certificate(&file("pki/sub.cert.der")), person.clone()]).unwrap();
    let refused = CertificatePath::build(&issued, &trust, CertificatePurpose::SIGN_IN, NOW).map(|_| ());
    assert_eq!(refused, Err(PathError::IssuerNotAuthority));
    assert!(TrustStore::new(vec![person], Vec::new()).is_err());
}

#[test]
fn an_unknown_critical_extension_is_refused_at_reading() {
    let refused = Certificate::from_der(&file("pki/person-critical.cert.der")).unwrap_err();
    assert_eq!(refused, CertificateError::UnknownCriticalExtension("2.999.7".parse().unwrap()));
}

#[test]
fn an_anchor_is_needed_and_must_be_valid() {
    let person = certificate(&file("pki/person.cert.der"));
    let verdict = |trust: &TrustStore, now| {
        CertificatePath::build(&person, trust, CertificatePurpose::SIGN_IN, now).map(|path| path.policies().to_vec())
    };
    let (root, sub) = (certificate(&file("pki/root.cert.der")), certificate(&file("pki/sub.cert.der")));
    let other = certificate(&file("pki/root512.cert.der"));
    let policy = "1.2.112.1.2.1.1.1.3.1".parse().unwrap();
    assert_eq!(verdict(&trust(), NOW), Ok(vec![policy]));
    assert_eq!(verdict(&TrustStore::new(vec![other], vec![sub.clone()]).unwrap(), NOW), Err(PathError::UnknownIssuer));
    assert_eq!(verdict(&TrustStore::new(vec![root], vec![]).unwrap(), NOW), Err(PathError::UnknownIssuer));
    let direct = TrustStore::new(vec![sub], vec![]).unwrap();
    assert!(verdict(&direct, NOW).is_ok());
    assert_eq!(verdict(&direct, datetime!(2026-11-01 0:00 UTC)), Err(PathError::NotYetValid));
}

#[test]
fn self_signed_certificates_verify_with_their_own_keys() {
    for (name, octets) in [
        ("root", file("pki/root.cert.der")),
        ("root512", file("pki/root512.cert.der")),
        ("state root", vector("State PKI root CA (legacy) certificate").output("der")),
    ] {
        let root = certificate(&octets);
        assert_eq!(root.verify_signature(root.public_key()), Ok(()), "{name}");
        let other = certificate(&file("pki/person.cert.der"));
        assert!(other.verify_signature(root.public_key()).is_err(), "{name}");
        let trust = TrustStore::new(vec![root.clone()], vec![]).unwrap();
        assert_eq!(
            CertificatePath::build(&root, &trust, CertificatePurpose::SIGN_IN, datetime!(2026-11-22 12:00 UTC))
                .map(|_| ()),
            Err(PathError::AuthorityAsHolder),
            "{name}"
        );
    }
}

#[test]
fn certificates_are_the_same_if_their_octets_are() {
    let (person, root) = (file("pki/person.cert.der"), file("pki/root.cert.der"));
    assert!(certificate(&person) == certificate(&person));
    assert!(certificate(&person) != certificate(&root));
}

#[test]
fn a_certificate_names_its_issuers_key() {
    let sub = certificate(&file("pki/sub.cert.der"));
    let person = certificate(&file("pki/person.cert.der"));
    assert!(sub.subject_key_identifier().is_some());
    assert_eq!(person.authority_key_identifier(), sub.subject_key_identifier());
}

#[test]
fn the_state_root_of_2014_reads_as_printed() {
    let root = certificate(&vector("State PKI root CA (legacy) certificate").output("der"));
    assert_eq!(root.subject().common_name(), Some("Корневой удостоверяющий центр ГосСУОК"));
    assert_eq!(root.serial_number().to_string(), "40E46B8D534E248000000002");
    assert_eq!(root.not_before(), datetime!(2014-06-30 06:59:38 UTC));
    assert_eq!(root.not_after(), datetime!(2034-06-30 20:59:59 UTC));
    let constraints = root.basic_constraints().unwrap();
    assert_eq!((constraints.is_authority, constraints.path_length), (true, None));
    assert_eq!(root.subject_key_identifier().map(<[u8]>::len), Some(20));
    let unrelated = certificate(&file("pki/root.cert.der"));
    assert_eq!(root.verify_signature(unrelated.public_key()), Err(VerificationError::WrongSignature));
}

#[test]
fn revocation_lists_get_the_verdicts_of_the_test_set() {
    let (root, sub) = (file("pki/root.cert.der"), file("pki/sub.cert.der"));
    let person = certificate(&file("pki/person.cert.der"));
    let revoked = certificate(&file("pki/person-revoked.cert.der"));
    let authority = certificate(&sub);

    let of_root = list(&file("pki/root.crl.der"), &root).unwrap();
    assert!(of_root.status(&authority, &certificate(&root), NOW).is_ok());
    assert_eq!(of_root.status(&person, &authority, NOW), Err(RevocationFault::Unknown));

    let fresh = list(&file("pki/sub-fresh.crl.der"), &sub).unwrap();
    let evidence = fresh.status(&person, &authority, NOW).unwrap();
    assert!(evidence.to_string().starts_with("revocation list number 0x02 of 2026-11-20T00:00:00Z"), "{evidence}");
    match fresh.status(&revoked, &authority, NOW) {
        Err(RevocationFault::Revoked(revocation)) => assert_eq!(revocation.reason, RevocationReason::KeyCompromise),
        other => panic!("{other:?}"),
    }
    let early = datetime!(2026-11-19 0:00 UTC);
    let this_update = datetime!(2026-11-20 0:00 UTC);
    assert_eq!(fresh.status(&person, &authority, early), Err(RevocationFault::FromTheFuture { this_update }));

    let stale = list(&file("pki/sub-stale.crl.der"), &sub).unwrap();
    let next_update = datetime!(2026-11-17 0:00 UTC);
    assert_eq!(stale.status(&person, &authority, NOW), Err(RevocationFault::Stale { next_update }));
    assert!(stale.status(&person, &authority, next_update).is_ok(), "in its last second");
    let after = next_update + time::Duration::SECOND;
    assert_eq!(stale.status(&person, &authority, after), Err(RevocationFault::Stale { next_update }));
    assert_eq!(stale.status(&revoked, &authority, NOW), Err(RevocationFault::Stale { next_update }));

    let bad = list(&file("pki/sub-bad-signature.crl.der"), &sub).unwrap_err();
    assert_eq!(bad, RevocationListError::Signature(VerificationError::WrongSignature));
}

#[test]
fn a_revocation_list_belongs_to_its_authority() {
    let octets = file("pki/sub-fresh.crl.der");
    let fresh = || RevocationList::from_der(&octets).unwrap();
    let refused = |authority: &[u8]| fresh().verified_by(&certificate(authority)).map(|_| ()).unwrap_err();
    assert_eq!(refused(&file("pki/root.cert.der")), RevocationListError::OtherIssuer);
    assert_eq!(refused(&file("pki/person.cert.der")), RevocationListError::OtherIssuer);
    assert!(fresh().verified_by(&certificate(&file("pki/sub.cert.der"))).is_ok());
}

#[test]
fn an_older_list_does_not_replace_a_newer_one() {
    let sub = certificate(&file("pki/sub.cert.der"));
    let verified = |octets: &[u8]| RevocationList::from_der(octets).unwrap().verified_by(&sub).unwrap();
    let (fresh, stale) = (file("pki/sub-fresh.crl.der"), file("pki/sub-stale.crl.der"));
    let mut lists = RevocationLists::new();
    assert!(lists.insert(verified(&stale)));
    assert!(lists.insert(verified(&fresh)));
    assert!(!lists.insert(verified(&stale)));
    assert_eq!(lists.lists().map(|list| list.revoked_count()).collect::<Vec<_>>(), [1]);
}

/// The key that a certification request carries is one, and its proof of possession verifies.
#[test]
fn a_certification_request_verifies_with_its_own_key() {
    let request = vector("BPKI certification request (PKCS#10 profile)");
    let octets = request.output("csr");
    let key = latchkey_crypto::bign::PublicKey::from_octets(&request.output("pubkey")).unwrap();
    // CertificationRequest: header of 4 octets, CertificationRequestInfo of 0x134 octets with its own header of 4.
    let info = &octets[4..4 + 4 + 0x134];
    let (algorithm, signature) = octets[info.len() + 4..].split_at(15);
    assert_eq!(hex::encode_upper(algorithm), "300D06092A7000020022652D0C0500");
    let hash = latchkey_crypto::hash::HashAlgorithm::BeltHash;
    assert_eq!(key.verify(hash, &hash.hash(&[info]), &signature[3..]), Ok(()));
    assert!(octets.windows(64).any(|window| window == key.octets()));
}

/// Name and key of a request made elsewhere make the same request but for its attributes, and OpenSSL reads it.
#[test]
fn certification_requests_are_written_as_elsewhere() {
    let vector = vector("BPKI certification request (PKCS#10 profile)");
    let theirs = vector.output("csr");
    let (name, key_info) = (&theirs[11..11 + 2 + 0x5F], &theirs[108..108 + 2 + 0x5D]);
    let key = PrivateKey::generate(&mut Seeded::new("request"));
    let request = CertificateRequest::new(name, &key.public_key()).unwrap();
    let ours = request.signed(&key.sign_hash(&request.hash())).unwrap();

    let mut with_their_key = key_info.to_vec();
    with_their_key[31..].copy_from_slice(&key.public_key());
    let length = u8::try_from(3 + name.len() + key_info.len() + 2).unwrap();
    let info = [&[0x30, 0x81, length, 2, 1, 0], name, &with_their_key, &[0xA0, 0]].concat();
    assert_eq!(ours[4..4 + info.len()], info);
    assert_eq!(&ours[4 + info.len()..][..15], &theirs[316..331], "the algorithm");
    assert_eq!(request.hash(), belt::hash(&[&info]));
    assert_eq!(X509Req::from_der(&ours).unwrap().to_der().unwrap(), ours);
}

#[test]
fn what_makes_no_request_is_refused() {
    let key = PrivateKey::generate(&mut Seeded::new("no request"));
    let name = hex::decode("300D310B3009060355040613024259").unwrap();
    let request = CertificateRequest::new(&name, &key.public_key()).unwrap();
    let other = PrivateKey::generate(&mut Seeded::new("another key"));
    assert!(request.signed(&other.sign_hash(&request.hash())).is_err());
    assert!(request.signed(&key.sign_hash(&[7; 32])).is_err());
    assert!(CertificateRequest::new(&name, &[0xFF; 64]).is_err());
    for kept in 0..name.len() {
        assert!(CertificateRequest::new(&name[..kept], &key.public_key()).is_err(), "{kept} octets of a name");
    }
    assert!(CertificateRequest::new(&[&name[..], &[0]].concat(), &key.public_key()).is_err());
}

#[test]
fn persons_of_the_test_set_are_identified() {
    let rows = [
        ("person", file("pki/person.cert.der"), "PNOBY-0000000A000PB0", "ВЫДУМАННАЯ ПРИМЕРА ТЕСТОВНА"),
        ("level 256", file("pki/person512.cert.der"), "PNOBY-0000000A003PB0", "ВЫДУМАННАЯ УРОВНЯ ДВЕСТИ"),
        ("revoked", file("pki/person-revoked.cert.der"), "PNOBY-0000000A001PB0", "ПРИДУМАННЫЙ ОБРАЗЕЦ ПРОБОВИЧ"),
    ];
    for (name, octets, number, of_person) in rows {
        let identity = HolderIdentity::of(&certificate(&octets)).unwrap();
        assert_eq!(identity.personal_number().as_str(), number, "{name}");
        assert_eq!(identity.name().to_string(), of_person, "{name}");
    }
}
