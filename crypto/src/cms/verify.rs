//! Whether a signature counts: digest, signature, certificate, path, revocation, dates.

use time::{Duration, OffsetDateTime};

use super::digest::ContentDigests;
use super::read::SignedMessage;
use super::signer::Signer;
use crate::signature::SignatureAlgorithm;
use crate::x509::{
    Certificate, CertificatePath, CertificatePurpose, PathError, RevocationData, RevocationEvidence, RevocationFault,
    TrustStore,
};

/// By how much another computer's clock may be ahead of this one's.
const CLOCK_TOLERANCE: Duration = Duration::minutes(5);

/// Whom to believe.
#[derive(Clone, Copy)]
pub struct SignaturePolicy<'a> {
    /// The authorities that are trusted, and those known below them.
    pub trust: &'a TrustStore,
    /// Which certificates are revoked.
    pub revocation: &'a dyn RevocationData,
}

/// A signature that counts, with what was checked.
#[derive(Debug, Clone)]
pub struct VerifiedSignature {
    /// The signer's certificate.
    pub certificate: Certificate,
    /// The algorithm.
    pub algorithm: SignatureAlgorithm,
    /// When it was signed, as the signer says; nobody else vouches for it.
    pub signing_time: Option<OffsetDateTime>,
    /// Which form the signature has.
    pub form: SignatureForm,
    /// What shows that the certificate, and each authority below the anchor, is not revoked.
    pub evidence: Vec<RevocationEvidence>,
}

/// The form of a signature with signed attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureForm {
    /// CAdES B-B: the signer names the certificate and the time.
    CadesBaseline,
    /// CMS alone: nothing signed says which certificate was meant, or when.
    Cms,
}

/// Why a signature does not count. Whoever shows it tells each apart: the list is exhaustive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// The signer's certificate did not come with the message, or cannot be read.
    #[error("the signer's certificate is not in the message")]
    CertificateMissing,
    /// An algorithm that is not known here, that does not fit the key, or two hash functions in one signature.
    #[error("the signature's algorithm is not supported")]
    UnsupportedAlgorithm,
    /// The contents are not those that were signed.
    #[error("the contents were altered")]
    ContentAltered,
    /// The signature is not by the certificate's key.
    #[error("the signature is wrong")]
    SignatureWrong,
    /// The signer means another certificate than the one that came with the message.
    #[error("the signer means another certificate")]
    OtherCertificate,
    /// No path leads from the certificate to a trusted authority, or not for document signatures.
    #[error("the certificate is not acceptable: {0}")]
    Path(#[from] PathError),
    /// The certificate or an authority above it is revoked, or nothing current says that it is not.
    #[error("the certificate's status: {0}")]
    Revocation(#[from] RevocationFault),
    /// The signer claims a time that is yet to come, or at which the certificate was not valid yet.
    #[error("the time of signing cannot be true")]
    ImpossibleTime,
    /// The signature is right but covers the contents directly. Whoever gets a hash value signed elsewhere, for example
    /// by asking for a sign-in, has such a signature too: it is never accepted.
    #[error("the signature has no signed attributes")]
    NoSignedAttributes,
}

impl SignedMessage {
    /// Judges every signer at `now`, in the message's order. `elsewhere` are the digests of contents that are not in the
    /// message; those inside win over it, and without either every signer's verdict is
    /// [`SignatureFault::ContentAltered`].
    #[must_use]
    pub fn judge(
        &self,
        elsewhere: Option<&ContentDigests>,
        policy: &SignaturePolicy<'_>,
        now: OffsetDateTime,
    ) -> Vec<Result<VerifiedSignature, SignatureFault>> {
        let content = self.content.as_ref().or(elsewhere);
        // Authorities in the message are steps on the way to an anchor that is trusted without them.
        let authorities = self.certificates.iter().filter(|certificate| certificate.is_authority());
        let intermediates = policy.trust.intermediates().iter().chain(authorities).cloned().collect();
        let trust = TrustStore::new(policy.trust.anchors().to_vec(), intermediates);
        let trust = trust.as_ref().unwrap_or(policy.trust);
        let policy = SignaturePolicy { trust, revocation: policy.revocation };
        self.signers.iter().map(|signer| judge(signer, &self.certificates, content, &policy, now)).collect()
    }

    /// Whether each signature is by the key of the certificate that it names, over these contents. Nobody is trusted and
    /// nothing else is looked at: this is for whoever made the message.
    #[must_use]
    pub fn check_signatures(
        &self,
        elsewhere: Option<&ContentDigests>,
    ) -> Vec<Result<SignatureAlgorithm, SignatureFault>> {
        let content = self.content.as_ref().or(elsewhere);
        let check = |signer: &Signer| {
            let certificate = self.certificates.iter().find(|certificate| signer.names(certificate));
            check_signature(signer, certificate.ok_or(SignatureFault::CertificateMissing)?, content)
        };
        self.signers.iter().map(check).collect()
    }

    /// The certificate that the signer at `position` names, if it came with the message: whom a signature that does not
    /// count claims to be by.
    #[must_use]
    pub fn claimed_certificate(&self, position: usize) -> Option<&Certificate> {
        let signer = self.signers.get(position)?;
        self.certificates.iter().find(|certificate| signer.names(certificate))
    }
}

fn judge(
    signer: &Signer,
    certificates: &[Certificate],
    content: Option<&ContentDigests>,
    policy: &SignaturePolicy<'_>,
    now: OffsetDateTime,
) -> Result<VerifiedSignature, SignatureFault> {
    let named = certificates.iter().find(|certificate| signer.names(certificate));
    let certificate = named.ok_or(SignatureFault::CertificateMissing)?;
    let algorithm = check_signature(signer, certificate, content)?;
    let reference = signer.attributes.as_ref().and_then(|attributes| attributes.certificate.as_ref());
    if reference.is_some_and(|reference| !reference.names(certificate)) {
        return Err(SignatureFault::OtherCertificate);
    }
    let path = CertificatePath::build(certificate, policy.trust, CertificatePurpose::DOCUMENT_SIGNATURE, now)?;
    let evidence = path
        .issued()
        .map(|(certificate, issuer)| policy.revocation.status(certificate, issuer, now))
        .collect::<Result<_, _>>()?;
    let signing_time = signer.attributes.as_ref().and_then(|attributes| attributes.signing_time);
    let latest = now.saturating_add(CLOCK_TOLERANCE);
    if signing_time.is_some_and(|time| time < certificate.not_before() || time > latest) {
        return Err(SignatureFault::ImpossibleTime);
    }
    // Last of all: this verdict says that nothing else is wrong.
    if signer.attributes.is_none() {
        return Err(SignatureFault::NoSignedAttributes);
    }
    let form = match (reference, signing_time) {
        (Some(_), Some(_)) => SignatureForm::CadesBaseline,
        _ => SignatureForm::Cms,
    };
    Ok(VerifiedSignature { certificate: certificate.clone(), algorithm, signing_time, form, evidence })
}

/// Digest of the contents and signature, over the octets that were received.
fn check_signature(
    signer: &Signer,
    certificate: &Certificate,
    content: Option<&ContentDigests>,
) -> Result<SignatureAlgorithm, SignatureFault> {
    let (digest_algorithm, algorithm) = signer.algorithms().ok_or(SignatureFault::UnsupportedAlgorithm)?;
    let content = content.ok_or(SignatureFault::ContentAltered)?;
    let digest = content.of(digest_algorithm).ok_or(SignatureFault::UnsupportedAlgorithm)?;
    let signature = signer.signature.as_slice();
    let verified = match &signer.attributes {
        Some(attributes) if attributes.message_digest != digest.value() => return Err(SignatureFault::ContentAltered),
        Some(attributes) => certificate.public_key().verify_message(algorithm, &attributes.signed, signature),
        None => certificate.public_key().verify_message_hash(algorithm, digest.value(), signature),
    };
    verified.map(|()| algorithm).map_err(|error| match error {
        crate::x509::VerificationError::AlgorithmMismatch => SignatureFault::UnsupportedAlgorithm,
        crate::x509::VerificationError::WrongSignature => SignatureFault::SignatureWrong,
    })
}
