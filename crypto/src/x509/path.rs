//! Certification paths (STB 34.101.19-2012, clause 8; RFC 5280, clause 6).
//!
//! `rustls-webpki` finds a path and checks signatures, names, dates, basic constraints and path lengths below the
//! anchor. It does not look at key use, policies, and the anchor's own certificate; that is done here, over the same
//! certificates, for each path that it offers.

use std::cell::RefCell;
use std::fmt;
use std::time::Duration;

use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use time::OffsetDateTime;
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, VerifiedPath};

use super::ObjectIdentifier;
use super::certificate::Certificate;
use super::extensions::KeyUsage;
use super::path_algorithm::KnownSignatures;

/// The authorities that a relying party trusts, and those it knows below them. Both are configuration: nothing that a
/// card or client sends is added.
#[derive(Clone)]
pub struct TrustStore {
    anchors: Vec<Certificate>,
    intermediates: Vec<Certificate>,
    webpki_anchors: Vec<TrustAnchor<'static>>,
    webpki_intermediates: Vec<CertificateDer<'static>>,
    known_signatures: KnownSignatures,
}

/// A certificate that cannot stand at the top of a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an authority that can be trusted: {subject}")]
pub struct InvalidAnchor {
    /// Whom the certificate speaks of.
    pub subject: String,
}

/// What the last certificate of a path is to be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CertificatePurpose {
    key_usage: KeyUsage,
    extended: Option<&'static [u8]>,
    must_be_stated: bool,
}

/// 1.3.6.1.5.5.7.3.2.
const CLIENT_AUTHENTICATION: &[u8] = b"\x2B\x06\x01\x05\x05\x07\x03\x02";
/// 1.3.6.1.5.5.7.3.8.
const TIME_STAMPING: &[u8] = b"\x2B\x06\x01\x05\x05\x07\x03\x08";
/// 1.3.6.1.5.5.7.3.9.
const OCSP_SIGNING: &[u8] = b"\x2B\x06\x01\x05\x05\x07\x03\x09";
/// 2.5.29.37.0.
const ANY_PURPOSE: &[u8] = b"\x55\x1D\x25\x00";
/// 2.5.29.32.0.
const ANY_POLICY: &[u8] = b"\x55\x1D\x20\x00";

impl CertificatePurpose {
    /// Signing in: digitalSignature; if purposes are stated, client authentication among them.
    pub const SIGN_IN: Self =
        Self { key_usage: KeyUsage::DIGITAL_SIGNATURE, extended: Some(CLIENT_AUTHENTICATION), must_be_stated: false };
    /// Signing documents: nonRepudiation.
    pub const DOCUMENT_SIGNATURE: Self =
        Self { key_usage: KeyUsage::NON_REPUDIATION, extended: None, must_be_stated: false };
    /// Receiving keys: keyEncipherment.
    pub const KEY_TRANSPORT: Self =
        Self { key_usage: KeyUsage::KEY_ENCIPHERMENT, extended: None, must_be_stated: false };
    /// Answering for an authority whether a certificate is revoked (RFC 6960, clause 4.2.2.2).
    pub const STATUS_SERVICE: Self =
        Self { key_usage: KeyUsage::DIGITAL_SIGNATURE, extended: Some(OCSP_SIGNING), must_be_stated: true };
    /// Making time stamps (RFC 3161, clause 2.3).
    pub const TIME_STAMPS: Self =
        Self { key_usage: KeyUsage::DIGITAL_SIGNATURE, extended: Some(TIME_STAMPING), must_be_stated: true };

    /// An authority that states purposes hands down no others.
    fn may_be_handed_down_by(self, authority: &Certificate) -> bool {
        match (self.extended, authority.extended_key_usage()) {
            (Some(wanted), Some(stated)) => states(stated, wanted) || states(stated, ANY_PURPOSE),
            _ => true,
        }
    }

    fn is_among_purposes_of(self, certificate: &Certificate) -> bool {
        match (self.extended, certificate.extended_key_usage()) {
            (None, _) => true,
            (Some(wanted), Some(stated)) => {
                states(stated, wanted) || (!self.must_be_stated && states(stated, ANY_PURPOSE))
            }
            (Some(_), None) => !self.must_be_stated,
        }
    }
}

/// Why no path leads from a certificate to an anchor. A relying party tells each of them apart, so that a new one has to
/// be looked at there: the list is exhaustive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The certificate is one of an authority, not of a holder.
    #[error("the certificate is an authority's own")]
    AuthorityAsHolder,
    /// The certificate is not valid yet.
    #[error("the certificate is not valid yet")]
    NotYetValid,
    /// The certificate is no longer valid.
    #[error("the certificate has expired")]
    Expired,
    /// keyUsage does not allow the purpose, or is missing.
    #[error("the certificate's key may not be used for this")]
    WrongKeyUsage,
    /// extendedKeyUsage limits the certificate, or an authority above it, to other purposes.
    #[error("the certificate is limited to other purposes")]
    WrongExtendedKeyUsage,
    /// No known authority has the issuer's name.
    #[error("the certificate's issuer is not known")]
    UnknownIssuer,
    /// A signature on the path is wrong.
    #[error("a certificate's signature is wrong")]
    SignatureInvalid,
    /// A certificate on the path was issued by somebody who is no authority: basicConstraints or keyUsage.
    #[error("the certificate's issuer is no authority")]
    IssuerNotAuthority,
    /// An authority on the path is expired or not yet valid.
    #[error("an issuing authority is not valid now")]
    IssuerNotValidNow,
    /// More authorities follow one another than basicConstraints allow, or than anyone needs.
    #[error("the path is longer than allowed")]
    TooLong,
}

/// A path from a certificate up to an anchor, on which everything but revocation was checked.
#[derive(Debug, Clone)]
pub struct CertificatePath<'a> {
    certificate: &'a Certificate,
    authorities: Vec<&'a Certificate>,
    policies: Vec<ObjectIdentifier>,
}

impl TrustStore {
    /// Trusts `anchors`, and knows `intermediates` as steps on the way to them.
    ///
    /// # Errors
    /// [`InvalidAnchor`] if an anchor's certificate says that it is no authority, or is self-issued but not signed by
    /// its own key.
    pub fn new(anchors: Vec<Certificate>, intermediates: Vec<Certificate>) -> Result<Self, InvalidAnchor> {
        let webpki_anchors = anchors.iter().map(anchor).collect::<Result<_, _>>()?;
        let webpki_intermediates =
            intermediates.iter().map(|certificate| CertificateDer::from(certificate.der().to_vec())).collect();
        let authorities: Vec<_> = anchors.iter().chain(&intermediates).collect();
        let known_signatures = KnownSignatures::among(&authorities);
        Ok(Self { anchors, intermediates, webpki_anchors, webpki_intermediates, known_signatures })
    }

    /// The anchors.
    #[must_use]
    pub fn anchors(&self) -> &[Certificate] {
        &self.anchors
    }

    /// The intermediate authorities.
    #[must_use]
    pub fn intermediates(&self) -> &[Certificate] {
        &self.intermediates
    }
}

impl fmt::Debug for TrustStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { anchors, intermediates, .. } = self;
        formatter.debug_struct("TrustStore").field("anchors", anchors).field("intermediates", intermediates).finish()
    }
}

impl<'a> CertificatePath<'a> {
    /// Finds and checks a path from `certificate` to an anchor of `trust`, for `purpose`, at `now`.
    ///
    /// # Errors
    /// [`PathError`], the certificate's own faults first.
    pub fn build(
        certificate: &'a Certificate,
        trust: &'a TrustStore,
        purpose: CertificatePurpose,
        now: OffsetDateTime,
    ) -> Result<Self, PathError> {
        check_holder(certificate, purpose, now)?;
        let der = CertificateDer::from(certificate.der());
        let end_entity = EndEntityCert::try_from(&der).map_err(path_error)?;
        let seconds = u64::try_from(now.unix_timestamp()).unwrap_or(0);
        // A path that webpki would take, and what is wrong with it beyond what webpki looks at.
        let outcome = RefCell::new(Err(None));
        let check = |candidate: &VerifiedPath<'_>| {
            let checked = Self::check(certificate, trust, purpose, now, candidate);
            let verdict = checked.as_ref().map(|_| ()).map_err(|_| webpki::Error::UnknownIssuer);
            *outcome.borrow_mut() = checked.map_err(Some);
            verdict
        };
        let algorithms = trust.known_signatures.algorithms();
        let algorithms = algorithms.each_ref().map(|algorithm| algorithm as &dyn SignatureVerificationAlgorithm);
        let found = end_entity.verify_for_usage(
            &algorithms,
            &trust.webpki_anchors,
            &trust.webpki_intermediates,
            UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
            PurposesCheckedHere,
            None,
            Some(&check),
        );
        match (found, outcome.into_inner()) {
            (Ok(_), Ok(path)) => Ok(path),
            (_, Err(Some(error))) => Err(error),
            (Err(error), _) => Err(path_error(error)),
            (Ok(_), Err(None)) => Err(PathError::UnknownIssuer),
        }
    }

    /// The certificate at the lower end.
    #[must_use]
    pub const fn certificate(&self) -> &'a Certificate {
        self.certificate
    }

    /// The authorities from the certificate's issuer up to the anchor.
    #[must_use]
    pub fn authorities(&self) -> &[&'a Certificate] {
        &self.authorities
    }

    /// The anchor.
    #[must_use]
    pub fn anchor(&self) -> &'a Certificate {
        self.authorities.last().copied().unwrap_or(self.certificate)
    }

    /// Each certificate below the anchor with its issuer: what revocation data must speak of.
    pub fn issued(&self) -> impl Iterator<Item = (&'a Certificate, &'a Certificate)> {
        let certificates = std::iter::once(self.certificate).chain(self.authorities.iter().copied());
        certificates.zip(self.authorities.iter().copied())
    }

    /// The certificate's policies that every authority on the path may issue under.
    ///
    /// An intermediate authority whose certificate names no policies restricts none. RFC 5280, clause 6.1.3, would then
    /// let none pass; but the intermediates are chosen by the relying party, and authorities below the state's root
    /// leave the extension out.
    #[must_use]
    pub fn policies(&self) -> &[ObjectIdentifier] {
        &self.policies
    }

    fn check(
        certificate: &'a Certificate,
        trust: &'a TrustStore,
        purpose: CertificatePurpose,
        now: OffsetDateTime,
        candidate: &VerifiedPath<'_>,
    ) -> Result<Self, PathError> {
        let mut authorities = Vec::new();
        for step in candidate.intermediate_certificates() {
            let known = trust.intermediates.iter().find(|known| known.der() == step.der().as_ref());
            authorities.push(known.ok_or(PathError::UnknownIssuer)?);
        }
        for (below, authority) in authorities.iter().enumerate() {
            check_authority(authority, below, purpose, now)?;
        }
        let policies = policies(certificate, &authorities);
        // The same name and key may be an anchor twice, such as before and after its certificate was renewed.
        let mut outcome = Err(PathError::UnknownIssuer);
        for (anchor, _) in trust.anchors.iter().zip(&trust.webpki_anchors).filter(|(_, of)| *of == candidate.anchor()) {
            outcome = check_authority(anchor, authorities.len(), purpose, now).map(|()| anchor);
            if outcome.is_ok() {
                break;
            }
        }
        authorities.push(outcome?);
        Ok(Self { certificate, authorities, policies })
    }
}

/// What the certificate says of itself.
fn check_holder(certificate: &Certificate, purpose: CertificatePurpose, now: OffsetDateTime) -> Result<(), PathError> {
    if certificate.is_authority() {
        return Err(PathError::AuthorityAsHolder);
    }
    if now < certificate.not_before() {
        return Err(PathError::NotYetValid);
    }
    if now > certificate.not_after() {
        return Err(PathError::Expired);
    }
    if !certificate.key_usage().is_some_and(|usage| usage.contains(purpose.key_usage)) {
        return Err(PathError::WrongKeyUsage);
    }
    if !purpose.is_among_purposes_of(certificate) {
        return Err(PathError::WrongExtendedKeyUsage);
    }
    Ok(())
}

/// What an authority's certificate says of itself, with so many further authorities below it.
fn check_authority(
    authority: &Certificate,
    below: usize,
    purpose: CertificatePurpose,
    now: OffsetDateTime,
) -> Result<(), PathError> {
    if !may_issue_certificates(authority) {
        return Err(PathError::IssuerNotAuthority);
    }
    if now < authority.not_before() || now > authority.not_after() {
        return Err(PathError::IssuerNotValidNow);
    }
    let allowed = authority.basic_constraints().and_then(|constraints| constraints.path_length);
    if allowed.is_some_and(|allowed| below > usize::from(allowed)) {
        return Err(PathError::TooLong);
    }
    if !purpose.may_be_handed_down_by(authority) {
        return Err(PathError::WrongExtendedKeyUsage);
    }
    Ok(())
}

fn may_issue_certificates(authority: &Certificate) -> bool {
    authority.basic_constraints().is_some_and(|constraints| constraints.is_authority)
        && authority.key_usage().is_none_or(|usage| usage.contains(KeyUsage::CERTIFICATE_SIGNATURE))
}

fn policies(certificate: &Certificate, authorities: &[&Certificate]) -> Vec<ObjectIdentifier> {
    let allows = |authority: &Certificate, policy: &ObjectIdentifier| {
        authority.policies().is_none_or(|own| own.contains(policy) || states(own, ANY_POLICY))
    };
    let claimed = certificate.policies().unwrap_or_default().iter();
    claimed
        .filter(|policy| {
            policy.contents() != ANY_POLICY && authorities.iter().all(|authority| allows(authority, policy))
        })
        .cloned()
        .collect()
}

fn states(stated: &[ObjectIdentifier], wanted: &[u8]) -> bool {
    stated.iter().any(|identifier| identifier.contents() == wanted)
}

fn anchor(certificate: &Certificate) -> Result<TrustAnchor<'static>, InvalidAnchor> {
    let invalid = || InvalidAnchor { subject: certificate.subject().to_string() };
    let is_self_issued = certificate.issuer() == certificate.subject();
    if !may_issue_certificates(certificate)
        || (is_self_issued && certificate.verify_signature(certificate.public_key()).is_err())
    {
        return Err(invalid());
    }
    let der = CertificateDer::from(certificate.der());
    webpki::anchor_from_trusted_cert(&der).map(|anchor| anchor.to_owned()).map_err(|_| invalid())
}

/// Extended key use is checked in [`check_holder`] and [`check_authority`].
struct PurposesCheckedHere;

impl ExtendedKeyUsageValidator for PurposesCheckedHere {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        Ok(())
    }
}

fn path_error(error: webpki::Error) -> PathError {
    use webpki::Error;
    match error {
        Error::CertExpired { .. } | Error::CertNotValidYet { .. } => PathError::IssuerNotValidNow,
        Error::EndEntityUsedAsCa => PathError::IssuerNotAuthority,
        Error::PathLenConstraintViolated
        | Error::MaximumPathDepthExceeded
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumSignatureChecksExceeded => PathError::TooLong,
        Error::InvalidSignatureForPublicKey
        | Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => PathError::SignatureInvalid,
        _ => PathError::UnknownIssuer,
    }
}
