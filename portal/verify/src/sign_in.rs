//! The verification of a sign-in.

use latchkey_crypto::assertion::{Assertion, AssertionAlgorithm, Origin, signed_hash};
use latchkey_crypto::x509::{
    Certificate, CertificatePath, CertificatePurpose, HolderIdentity, PublicKey, RevocationData, RevocationFault,
    StatusAnswer, VerificationError, VerifiedStatusAnswer,
};
use time::OffsetDateTime;

use crate::{Assurance, Check, Grace, PendingChallenge, Purpose, Rejection, SignInPolicy};

/// A sign-in that passed every check. Only [`verify_sign_in`] and [`ProvenSignIn::conclude`] make one.
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

    /// Until when the revocation data was current that was out of date, if any was.
    #[must_use]
    pub fn stale_since(&self) -> Option<OffsetDateTime> {
        self.checks.iter().find_map(Check::stale_since)
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
/// nothing about that person here. Who has to ask somebody else for revocation data takes the steps one by one:
/// [`PresentedAssertion`].
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
    PresentedAssertion::read(assertion_json)?.prove(challenge, policy, now)?.conclude(revocation)
}

/// The first step of a verification: an assertion that was read. Nothing in it is verified.
#[derive(Debug)]
pub struct PresentedAssertion {
    assertion: Assertion,
    certificate: Certificate,
}

/// The second step: somebody signed this challenge for this origin with the key of a certificate that a path leads from to
/// an anchor. Whether it is still in force, and how sure that is, is to be seen.
#[derive(Debug)]
pub struct ProvenSignIn<'a> {
    presented: &'a PresentedAssertion,
    policy: &'a SignInPolicy,
    path: CertificatePath<'a>,
    checks: Vec<Check>,
    now: OffsetDateTime,
}

impl PresentedAssertion {
    /// Reads an assertion from its octets.
    ///
    /// # Errors
    /// [`Rejection`] if assertion or certificate are malformed.
    pub fn read(assertion_json: &[u8]) -> Result<Self, Rejection> {
        let assertion = Assertion::parse(assertion_json)?;
        let certificate = Certificate::from_der(assertion.unverified_certificate())?;
        Ok(Self { assertion, certificate })
    }

    /// Checks challenge, path and signature.
    ///
    /// # Errors
    /// The first [`Rejection`] found.
    pub fn prove<'a>(
        &'a self,
        challenge: &PendingChallenge,
        policy: &'a SignInPolicy,
        now: OffsetDateTime,
    ) -> Result<ProvenSignIn<'a>, Rejection> {
        let age = challenge.check(Purpose::SignIn, now)?;
        let certificate = &self.certificate;
        let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
        let path = CertificatePath::build(certificate, &policy.trust, CertificatePurpose::SIGN_IN, now)
            .map_err(|error| Rejection::of_path(error, not_before, not_after))?;
        let signature = check_signature(&self.assertion, certificate.public_key(), &policy.origin, challenge)?;
        let checks = vec![
            Check::Challenge { purpose: challenge.purpose, issued_at: challenge.issued_at, age },
            Check::Validity { not_before, not_after },
            Check::KeyUsage,
            path_check(&path),
            signature,
        ];
        Ok(ProvenSignIn { presented: self, policy, path, checks, now })
    }
}

impl ProvenSignIn<'_> {
    /// The holder's certificate, and whose it is to say whether it is revoked.
    #[must_use]
    pub fn certificate_and_issuer(&self) -> Option<(&Certificate, &Certificate)> {
        self.path.issued().next()
    }

    /// The answer of a status service that came with the assertion, if it is about the certificate and by whoever may give
    /// it. Nothing else that was sent along says anything.
    #[must_use]
    pub fn stapled_answer(&self) -> Option<VerifiedStatusAnswer> {
        let (certificate, issuer) = self.certificate_and_issuer()?;
        let answer = StatusAnswer::from_der(self.presented.assertion.status_answer()?).ok()?;
        answer.verified_for(certificate, issuer, self.now).ok()
    }

    /// Checks what is left: revocation, assurance, identity.
    ///
    /// # Errors
    /// The first [`Rejection`] found.
    pub fn conclude(self, revocation: &dyn RevocationData) -> Result<VerifiedSignIn, Rejection> {
        let Self { presented, policy, path, mut checks, now } = self;
        let not_revoked = check_revocation(&path, revocation, policy.grace, now)?;
        let (reached, certificate_policy) = policy.check_assurance(&path)?;
        let assurance = policy.check_grace(reached, &not_revoked)?;
        let identity = check_identity(&path)?;
        checks.extend(not_revoked);
        checks.extend([Check::Policy { policy: certificate_policy, assurance }, Check::Identity]);
        Ok(VerifiedSignIn { identity, assurance, checks, certificate: presented.certificate.clone() })
    }
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
    grace: Grace,
    now: OffsetDateTime,
) -> Result<Vec<Check>, Rejection> {
    path.issued()
        .map(|(certificate, issuer)| {
            let (serial_number, issued_by) = (certificate.serial_number(), authority_name(issuer));
            match revocation.status(certificate, issuer, now) {
                Ok(evidence) => Ok(Check::Revocation { serial_number, issuer: issued_by, evidence }),
                Err(RevocationFault::Stale { next_update }) if grace.covers(next_update, now) => {
                    Ok(Check::RevocationInGrace { serial_number, issuer: issued_by, current_until: next_update })
                }
                Err(fault) => Err(Rejection::of_revocation(fault, certificate == path.certificate())),
            }
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
