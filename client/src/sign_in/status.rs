//! What the authority's status service (OCSP) says of the holder's certificate, brought along with the assertion: then the
//! portal need not ask, and the holder gets in while what the portal knows of revocations is out of date.
//!
//! Nobody is asked unless an administrator has named the service and the authorities that it speaks for: an address that a
//! card or a page names is not asked. The client decides nothing by an answer. Without one the sign-in goes on, and it is
//! the portal that refuses whom the service says to be revoked.

use std::sync::Arc;
use std::time::Duration;

use latchkey_crypto::assertion::{Assertion, AssertionError, Origin};
use latchkey_crypto::x509::{
    Certificate, CertificateError, CertificatePath, CertificatePurpose, CertificateStatus, PathError,
    STATUS_ANSWER_MAX_SIZE, STATUS_NONCE_SIZE, StatusAnswer, StatusAnswerError, StatusRequest, TrustStore,
};
use reqwest::{StatusCode, Url, header};
use time::OffsetDateTime;

use crate::portal::Access;
use crate::settings::SettingsStore;

/// How long an answer may take in all: the holder waits for it.
const TIME_LIMIT: Duration = Duration::from_secs(3);

/// Where a status service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusAddress {
    url: Url,
    origin: Origin,
}

impl StatusAddress {
    /// Reads an address of HTTP or HTTPS without a user's name; an answer counts by its signature, not by its way. `None`
    /// for everything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let site = url.origin().ascii_serialization();
        let origin = Origin::parse(&site).or_else(|_| Origin::parse_without_tls(&site)).ok()?;
        let is_bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        is_bare.then_some(Self { url, origin })
    }
}

/// A status service, and the authorities that it speaks for.
#[derive(Debug, Clone)]
pub struct StatusService {
    address: StatusAddress,
    issuers: TrustStore,
}

impl StatusService {
    /// The service at that address, for certificates that one of the anchors of `issuers` has issued itself.
    #[must_use]
    pub const fn new(address: StatusAddress, issuers: TrustStore) -> Self {
        Self { address, issuers }
    }

    /// Where the service is.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.address.origin
    }

    /// Whether somebody answers there as status services do, asked about one of the authorities itself: what the answer says
    /// of that does not matter.
    pub async fn look_at(&self, access: Access) -> StatusServiceLook {
        let Some(authority) = self.issuers.anchors().first() else { return StatusServiceLook::Strange };
        let mut nonce = [0; STATUS_NONCE_SIZE];
        if getrandom::fill(&mut nonce).is_err() {
            return StatusServiceLook::Silent;
        }
        let question = StatusRequest::new(authority, authority, &nonce);
        match self.exchange(&question, access).await.map(|octets| StatusAnswer::from_der(&octets).map(|_| ())) {
            Ok(Ok(()) | Err(StatusAnswerError::Refused(_))) => StatusServiceLook::Answers,
            Ok(Err(_)) | Err(NoAnswer::Refused(_) | NoAnswer::TooLong) => StatusServiceLook::Strange,
            Err(_) => StatusServiceLook::Silent,
        }
    }

    /// One exchange (RFC 6960, appendix A), without cookies and without following anything.
    async fn exchange(&self, question: &StatusRequest, access: Access) -> Result<Vec<u8>, NoAnswer> {
        let StatusAddress { url, origin } = &self.address;
        let builder = access.client(origin).https_only(url.scheme() == "https");
        let client = builder.timeout(TIME_LIMIT).build()?;
        let request = client.post(url.clone()).header(header::CONTENT_TYPE, "application/ocsp-request");
        let mut answer = request.body(question.der().to_vec()).send().await?;
        if answer.status() != StatusCode::OK {
            return Err(NoAnswer::Refused(answer.status()));
        }
        let mut octets = Vec::new();
        while let Some(part) = answer.chunk().await? {
            if octets.len().saturating_add(part.len()) > STATUS_ANSWER_MAX_SIZE {
                return Err(NoAnswer::TooLong);
            }
            octets.extend_from_slice(&part);
        }
        Ok(octets)
    }
}

/// How a status service answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusServiceLook {
    /// As it should.
    Answers,
    /// Nobody is there, or not in time.
    Silent,
    /// Somebody is there who does not answer as such services do.
    Strange,
}

/// Adds to assertions what the status service says.
#[derive(Clone)]
pub struct Stapler {
    service: StatusService,
    settings: Arc<SettingsStore>,
    clock: fn() -> OffsetDateTime,
}

impl Stapler {
    /// With the service that the administrator has set, if he has, reached as portals are. `clock` tells the time.
    #[must_use]
    pub fn of(settings: &Arc<SettingsStore>, clock: fn() -> OffsetDateTime) -> Option<Self> {
        let service = settings.managed().status_service()?.clone();
        Some(Self { service, settings: Arc::clone(settings), clock })
    }

    /// The assertion with what the service says of its certificate now. As it was, if there is no answer to be had within
    /// three seconds, or none that says whether the certificate is revoked.
    pub async fn staple(&self, assertion: Assertion) -> Assertion {
        let answered = self.ask(assertion.unverified_certificate()).await;
        match answered.and_then(|answer| Ok(assertion.clone().with_status_answer(answer)?)) {
            Ok(stapled) => stapled,
            Err(reason) => {
                tracing::info!(%reason, "the sign-in goes on without an answer of the status service");
                assertion
            }
        }
    }

    /// What the service answers about a certificate of one of its authorities, if that is of use to a portal.
    async fn ask(&self, certificate: &[u8]) -> Result<Vec<u8>, NoAnswer> {
        let (certificate, now) = (Certificate::from_der(certificate)?, (self.clock)());
        let path = CertificatePath::build(&certificate, &self.service.issuers, CertificatePurpose::SIGN_IN, now)?;
        let (_, issuer) = path.issued().next().ok_or(PathError::UnknownIssuer)?;
        let mut nonce = [0; STATUS_NONCE_SIZE];
        getrandom::fill(&mut nonce).map_err(|_| NoAnswer::NoNonce)?;
        let question = StatusRequest::new(&certificate, issuer, &nonce);
        let octets = self.service.exchange(&question, Access::of(&self.settings)).await?;
        let answer = StatusAnswer::from_der(&octets)?.verified_for(&certificate, issuer, now)?;
        match answer.status() {
            // That somebody is revoked is never too old.
            CertificateStatus::Revoked(_) => Ok(octets),
            CertificateStatus::Unknown => Err(NoAnswer::Unknown),
            // Services that prepare their answers leave the nonce out.
            CertificateStatus::Good if answer.has_nonce() && !answer.answers(&nonce) => Err(NoAnswer::OtherQuestion),
            CertificateStatus::Good if !answer.is_current(now) => Err(NoAnswer::NotCurrent),
            CertificateStatus::Good => Ok(octets),
        }
    }
}

/// Why an assertion goes without an answer; for the log, which names no site and no person.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    #[error("the certificate: {0}")]
    Certificate(#[from] CertificateError),
    /// The service does not speak for whoever issued it, or it is good for no sign-in.
    #[error("the certificate is not asked about: {0}")]
    NotAskedAbout(#[from] PathError),
    #[error("the system gives no random octets")]
    NoNonce,
    #[error("{0}")]
    Silent(String),
    #[error("the service answers with status {0}")]
    Refused(StatusCode),
    #[error("the answer is too long")]
    TooLong,
    #[error(transparent)]
    Answer(#[from] StatusAnswerError),
    #[error("the answer is to another question")]
    OtherQuestion,
    #[error("the answer is out of date")]
    NotCurrent,
    #[error("the service does not know the certificate")]
    Unknown,
    /// It does not fit into an assertion.
    #[error(transparent)]
    Assertion(#[from] AssertionError),
}

impl From<reqwest::Error> for NoAnswer {
    fn from(error: reqwest::Error) -> Self {
        Self::Silent(error.without_url().to_string())
    }
}
