//! Asking the authorities' status service about a certificate whose holder is signing in (RFC 6960, appendix A).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use latchkey_crypto::x509::{
    Certificate, CertificateStatus, STATUS_ANSWER_MAX_SIZE, STATUS_NONCE_SIZE, StatusAnswer, StatusAnswerError,
    StatusRequest, VerifiedStatusAnswer,
};
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use time::OffsetDateTime;
use url::Url;

use super::remote::{self, RemoteError};
use crate::metrics::UNREACHABLE;

/// How long an answer may take: somebody waits for it.
const TIME_LIMIT: Duration = Duration::from_secs(3);
/// For how long nobody is asked after there was no answer, so that not everybody waits for one that is down.
const REST: time::Duration = time::Duration::seconds(30);

/// The service that is asked.
#[derive(Debug)]
pub struct StatusService {
    client: Client,
    address: Url,
    rests_until: Mutex<Option<OffsetDateTime>>,
}

/// Why the service said nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StatusServiceError {
    /// It was silent a short while ago, and is not asked.
    #[error("the status service was silent a short while ago")]
    Resting,
    /// There is no answer, or none that can be used.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The answer says nothing of the certificate.
    #[error(transparent)]
    Answer(#[from] StatusAnswerError),
    /// It answers another question, from another time.
    #[error("the status service answers another question")]
    OtherQuestion,
}

impl StatusService {
    /// The service at that address.
    ///
    /// # Errors
    /// What the library for HTTP says if it cannot begin.
    pub fn new(address: Url) -> Result<Self, reqwest::Error> {
        Ok(Self { client: remote::client(TIME_LIMIT)?, address, rests_until: Mutex::default() })
    }

    /// Asks about `certificate`, which `issuer` issued.
    ///
    /// # Errors
    /// [`StatusServiceError`]: other sources have to decide.
    pub async fn ask(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        nonce: [u8; STATUS_NONCE_SIZE],
        now: OffsetDateTime,
    ) -> Result<VerifiedStatusAnswer, StatusServiceError> {
        if self.lock().is_some_and(|until| now < until) {
            return Err(StatusServiceError::Resting);
        }
        let outcome = self.exchange(StatusRequest::new(certificate, issuer, &nonce)).await;
        *self.lock() = outcome.is_err().then(|| now.saturating_add(REST));
        let answer = StatusAnswer::from_der(&outcome?)?.verified_for(certificate, issuer, now)?;
        // Services that prepare their answers leave the nonce out; how old they are is looked at in any case. That somebody
        // is revoked is never too old.
        let is_other = answer.has_nonce() && !answer.answers(&nonce);
        if is_other && answer.status() == CertificateStatus::Good {
            return Err(StatusServiceError::OtherQuestion);
        }
        Ok(answer)
    }

    async fn exchange(&self, question: StatusRequest) -> Result<Vec<u8>, RemoteError> {
        let request = self.client.post(self.address.clone()).header(CONTENT_TYPE, "application/ocsp-request");
        let answer = remote::send(request.body(question.der().to_vec())).await?;
        remote::body(answer, STATUS_ANSWER_MAX_SIZE).await
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<OffsetDateTime>> {
        self.rests_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How an outcome is counted.
pub(crate) const fn name_of(outcome: &Result<VerifiedStatusAnswer, StatusServiceError>) -> &'static str {
    match outcome {
        Ok(answer) => match answer.status() {
            CertificateStatus::Good => "good",
            CertificateStatus::Revoked(_) => "revoked",
            CertificateStatus::Unknown => "unknown",
        },
        Err(StatusServiceError::Resting) => "resting",
        Err(StatusServiceError::Remote(_)) => UNREACHABLE,
        Err(StatusServiceError::Answer(_) | StatusServiceError::OtherQuestion) => "unusable",
    }
}
