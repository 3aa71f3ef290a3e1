//! The verification of a sign-in.

use latchkey_crypto::assertion::{Assertion, AssertionAlgorithm, Origin, signed_hash};
use latchkey_crypto::x509::{
    Certificate, CertificatePath, CertificatePurpose, HolderIdentity, PublicKey, RevocationData, VerificationError,
};
use time::OffsetDateTime;

use crate::{Assurance, Check, PendingChallenge, Purpose, Rejection, SignInPolicy};

/// A sign-in that passed every check. Only [`verify_sign_in`] makes one.
#[derive(Debug)]
pub struct VerifiedSignIn {
    identity: HolderIdentity,
    assurance: Assurance,
    checks: Vec<Check>,
    certificate: Certificate,
}

impl VerifiedSignIn {
    /// Who signed in.
    #[must_use]
    pub const fn identity(&self) -> &HolderIdentity {
        &self.identity
    }

    /// How sure that is.
    #[must_use]
    pub const fn assurance(&self) -> Assurance {
        self.assurance
    }

    /// What was checked, in the order of checking, each with the data that it was checked against.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// The holder's certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }
}

/// Verifies an assertion that signs in: its octets as received, the challenge that was taken from the store for it, what
/// the relying party asks for, revocation data for every certificate below the anchor, and the time.
///
/// The signature is checked before revocation and policy are looked up: who merely knows somebody's certificate learns
/// nothing about that person here.
///
/// # Errors
/// The first [`Rejection`] found.
pub fn verify_sign_in(
    assertion_json: &[u8],
    challenge: &PendingChallenge,
    policy: &SignInPolicy,
    revocation: &dyn RevocationData,
    now: OffsetDateTime,
) -> Result<VerifiedSignIn, Rejection> {
    let assertion = Assertion::parse(assertion_json)?;
    let age = challenge.check(Purpose::SignIn, now)?;
    let certificate = Certificate::from_der(assertion.unverified_certificate())?;
    let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
    let path = CertificatePath::build(&certificate, &policy.trust, CertificatePurpose::SIGN_IN, now)
        .map_err(|error| Rejection::of_path(error, not_before, not_after))?;
    let signature = check_signature(&assertion, certificate.public_key(), &policy.origin, challenge)?;
    let not_revoked = check_revocation(&path, revocation, now)?;
    let (assurance, certificate_policy) = policy.check_assurance(&path)?;
    let identity = check_identity(&path)?;

    let mut checks = vec![
        Check::Challenge { purpose: challenge.purpose, issued_at: challenge.issued_at, age },
        Check::Validity { not_before, not_after },
        Check::KeyUsage,
        path_check(&path),
        signature,
    ];
    checks.extend(not_revoked);
    checks.extend([Check::Policy { policy: certificate_policy, assurance }, Check::Identity]);
    Ok(VerifiedSignIn { identity, assurance, checks, certificate })
}

/// Algorithm and curve follow from the certificate's key; the assertion only repeats the name.
fn check_signature(
    assertion: &Assertion,
    key: &PublicKey,
    origin: &Origin,
    challenge: &PendingChallenge,
) -> Result<Check, Rejection> {
    let algorithm = assertion.algorithm();
    let is_prescribed = match key.assertion_algorithm() {
        Some(prescribed) => algorithm == prescribed,
        None => matches!(algorithm, AssertionAlgorithm::RsaPss(_) | AssertionAlgorithm::RsaPkcs1(_)),
    };
    if !is_prescribed {
        return Err(Rejection::AlgorithmMismatch);
    }
    let hash = signed_hash(algorithm, origin, &challenge.text);
    match key.verify_hash(algorithm, &hash, assertion.signature()) {
        Ok(()) => Ok(Check::Signature { origin: origin.clone(), algorithm, key: key.to_string() }),
        Err(VerificationError::AlgorithmMismatch) => Err(Rejection::AlgorithmMismatch),
        Err(VerificationError::WrongSignature) => Err(Rejection::SignatureInvalid),
    }
}

fn check_revocation(
    path: &CertificatePath<'_>,
    revocation: &dyn RevocationData,
    now: OffsetDateTime,
) -> Result<Vec<Check>, Rejection> {
    path.issued()
        .map(|(certificate, issuer)| {
            let evidence = revocation
                .status(certificate, issuer, now)
                .map_err(|fault| Rejection::of_revocation(fault, certificate == path.certificate()))?;
            let serial_number = certificate.serial_number();
            Ok(Check::Revocation { serial_number, issuer: authority_name(issuer), evidence })
        })
        .collect()
}

/// Every anchor could name any number; only those of its own country are its to certify.
fn check_identity(path: &CertificatePath<'_>) -> Result<HolderIdentity, Rejection> {
    let identity = HolderIdentity::of(path.certificate()).map_err(Rejection::HolderUnidentified)?;
    let country = identity.personal_number().country();
    if path.anchor().subject().country() != Some(country) {
        return Err(Rejection::NumberOfOtherCountry { country: country.to_owned() });
    }
    Ok(identity)
}

fn path_check(path: &CertificatePath<'_>) -> Check {
    Check::Path {
        authorities: path.authorities().iter().map(|authority| authority_name(authority)).collect(),
        anchor: path.anchor().serial_number(),
    }
}

/// What people call an authority: its common name, or its whole name if it has none.
fn authority_name(authority: &Certificate) -> String {
    let name = authority.subject();
    name.common_name().map_or_else(|| name.to_string(), str::to_owned)
}
