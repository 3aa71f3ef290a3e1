//! Signed documents: the test set that OpenSSL with the Belarusian engine made, what we make, and what others do.

use latchkey_crypto::cms::{
    CmsError, ContentDigests, SignatureFault, SignatureForm, SignaturePolicy, SignedMessage, VerifiedSignature,
};
use latchkey_crypto::x509::{
    Certificate, PathError, RevocationData, RevocationEvidence, RevocationFault, RevocationList, RevocationLists,
    TrustStore,
};
use latchkey_fixtures::vectors::file;
use time::OffsetDateTime;
use time::macros::datetime;

mod build;
mod foreign;
mod robustness;

/// The reference time of the test set.
const NOW: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);

type Row<'a> = (&'static str, Vec<u8>, Option<&'a [u8]>, Result<SignatureForm, SignatureFault>);
type Verdict = Result<VerifiedSignature, SignatureFault>;

fn certificate(octets: &[u8]) -> Certificate {
    Certificate::from_der(octets).unwrap()
}

fn trust() -> TrustStore {
    let anchors = vec![certificate(&file("pki/root.cert.der")), certificate(&file("pki/root512.cert.der"))];
    TrustStore::new(anchors, vec![certificate(&file("pki/sub.cert.der"))]).unwrap()
}

/// The lists of the set's authorities. The root of level 256 has none.
fn revocation() -> RevocationLists {
    let mut lists = RevocationLists::new();
    let rows = [
        (file("pki/root.crl.der"), file("pki/root.cert.der")),
        (file("pki/sub-fresh.crl.der"), file("pki/sub.cert.der")),
    ];
    for (list, authority) in rows {
        lists.insert(RevocationList::from_der(&list).unwrap().verified_by(&certificate(&authority)).unwrap());
    }
    lists
}

/// Says of every certificate that it is not revoked: for authorities without lists.
struct NothingRevoked;

impl RevocationData for NothingRevoked {
    fn status(
        &self,
        _: &Certificate,
        _: &Certificate,
        now: OffsetDateTime,
    ) -> Result<RevocationEvidence, RevocationFault> {
        Ok(RevocationEvidence::List { number: None, this_update: now, next_update: now })
    }
}

fn read(message: &[u8]) -> Result<(SignedMessage, Vec<u8>), CmsError> {
    let mut contents = Vec::new();
    let message = SignedMessage::read(message, |octets| {
        contents.extend_from_slice(octets);
        Ok(())
    })?;
    Ok((message, contents))
}

fn judge_with(message: &[u8], elsewhere: Option<&[u8]>, policy: &SignaturePolicy<'_>) -> Vec<Verdict> {
    judge_at(message, elsewhere, policy, NOW)
}

fn judge_at(
    message: &[u8],
    elsewhere: Option<&[u8]>,
    policy: &SignaturePolicy<'_>,
    now: OffsetDateTime,
) -> Vec<Verdict> {
    let (message, _) = read(message).unwrap();
    let elsewhere =
        elsewhere.map(|mut contents| ContentDigests::read(&mut contents, &message.digest_algorithms()).unwrap());
    message.judge(elsewhere.as_ref(), policy, now)
}

fn judge(message: &[u8], elsewhere: Option<&[u8]>) -> Verdict {
    let (trust, revocation) = (trust(), revocation());
    let mut verdicts = judge_with(message, elsewhere, &SignaturePolicy { trust: &trust, revocation: &revocation });
    assert_eq!(verdicts.len(), 1);
    verdicts.remove(0)
}

/// Form and fault of each message of the set, with the digest of the document beside it where that is elsewhere.
#[test]
fn messages_get_the_verdicts_of_the_test_set() {
    use SignatureFault as Fault;
    let document = file("pki/document.txt");
    let altered = file("pki/document-altered.txt");
    let rows: [Row<'_>; 12] = [
        ("attached", file("pki/cms-attached.der"), None, Ok(SignatureForm::Cms)),
        ("detached", file("pki/cms-detached.der"), Some(&document), Ok(SignatureForm::Cms)),
        ("detached, other document", file("pki/cms-detached.der"), Some(&altered), Err(Fault::ContentAltered)),
        ("detached, no document", file("pki/cms-detached.der"), None, Err(Fault::ContentAltered)),
        ("CAdES", file("pki/cms-cades-bes.der"), None, Ok(SignatureForm::CadesBaseline)),
        ("in pieces", file("pki/cms-attached-indefinite.ber"), None, Ok(SignatureForm::Cms)),
        // Right in every other respect: that verdict comes last.
        ("no attributes", file("pki/cms-no-signed-attributes.der"), None, Err(Fault::NoSignedAttributes)),
        ("altered content", file("pki/cms-attached-altered-content.der"), None, Err(Fault::ContentAltered)),
        ("CAdES, altered content", file("pki/cms-cades-altered-content.der"), None, Err(Fault::ContentAltered)),
        ("altered signature", file("pki/cms-attached-bad-signature.der"), None, Err(Fault::SignatureWrong)),
        ("altered time", file("pki/cms-attached-altered-signing-time.der"), None, Err(Fault::SignatureWrong)),
        ("expired", file("pki/cms-expired-signer.der"), None, Err(Fault::Path(PathError::Expired))),
    ];
    for (name, message, elsewhere, verdict) in rows {
        assert_eq!(judge(&message, elsewhere).map(|signature| signature.form), verdict, "{name}");
    }
    let revoked = judge(&file("pki/cms-revoked-signer.der"), None).unwrap_err();
    assert!(matches!(revoked, Fault::Revocation(RevocationFault::Revoked(_))), "{revoked:?}");
}

#[test]
fn a_message_of_level_256_is_judged_by_its_own_root() {
    let message = file("pki/cms-attached-512.der");
    assert_eq!(judge(&message, None).unwrap_err(), SignatureFault::Revocation(RevocationFault::Unknown));
    let policy = SignaturePolicy { trust: &trust(), revocation: &NothingRevoked };
    let signature = judge_with(&message, None, &policy).remove(0).unwrap();
    assert_eq!(signature.algorithm.name(), "bign-with-bash512");
    assert_eq!(signature.certificate.der(), file("pki/person512.cert.der"));
}

#[test]
fn what_was_checked_comes_with_the_verdict() {
    let signature = judge(&file("pki/cms-cades-bes.der"), None).unwrap();
    assert_eq!(signature.certificate.der(), file("pki/person.cert.der"));
    assert_eq!(signature.algorithm.name(), "bign-with-hbelt");
    assert_eq!(signature.signing_time, Some(datetime!(2026-11-21 22:27 UTC)));
    // Of the person, and of the authority below the root.
    assert_eq!(signature.evidence.len(), 2);
}

#[test]
fn contents_pass_by_unchanged() {
    let document = file("pki/document.txt");
    for (name, message) in [
        ("attached", file("pki/cms-attached.der")),
        ("CAdES", file("pki/cms-cades-bes.der")),
        ("in pieces", file("pki/cms-attached-indefinite.ber")),
    ] {
        let (message, contents) = read(&message).unwrap();
        assert!(!message.is_detached(), "{name}");
        assert_eq!(contents, document, "{name}");
    }
    let (message, contents) = read(&file("pki/cms-detached.der")).unwrap();
    assert!(message.is_detached() && contents.is_empty());
}

#[test]
fn an_authority_in_the_message_is_a_step_and_never_an_anchor() {
    let message = file("pki/cms-cades-bes.der");
    let verdict = |anchor: &[u8]| {
        let trust = TrustStore::new(vec![certificate(anchor)], Vec::new()).unwrap();
        let policy = SignaturePolicy { trust: &trust, revocation: &revocation() };
        judge_with(&message, None, &policy).remove(0).map(|signature| signature.form)
    };
    assert_eq!(verdict(&file("pki/root.cert.der")), Ok(SignatureForm::CadesBaseline));
    let unknown = verdict(&file("pki/root512.cert.der"));
    assert_eq!(unknown, Err(SignatureFault::Path(PathError::UnknownIssuer)));
}

#[test]
fn other_kinds_of_messages_are_told_apart() {
    let enveloped = read(&file("pki/cms-enveloped.der"));
    assert!(matches!(enveloped, Err(CmsError::NotSigned)), "{enveloped:?}");
    let altered = read(&file("pki/cms-enveloped-altered-token.der"));
    assert!(matches!(altered, Err(CmsError::NotSigned)), "{altered:?}");
    let token = read(&file("pki/timestamp.token.der"));
    assert!(matches!(token, Err(CmsError::NoDocument)), "{token:?}");
}
