//! The issuing authority, over HTTP: `docs/enrolment.md` says what is asked and answered.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_crypto::belt::HASH_SIZE;
use latchkey_crypto::bign::SIGNATURE_SIZE;
use latchkey_crypto::cv::Certificate;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::calling::{caller, innermost_cause};
use crate::configuration::{AuthoritySettings, Fault};
use crate::tls;

/// How long an answer of the authority may take.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// Most octets of its answers.
const ANSWER_MAX_SIZE: usize = 16 * 1024;
/// Most octets of a holder's certificate: a card's file has room for so many (STB 34.101.79).
pub const CERTIFICATE_MAX_SIZE: usize = 4096;
/// Most certificates between a root and a terminal: a link's and an authority's.
const PATH_MAX_LENGTH: usize = 2;

/// The issuing authority.
#[derive(Debug, Clone)]
pub struct Authority {
    client: Client,
    address: Url,
}

/// Why the authority gave nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorityError {
    /// Nobody answers at its address, or not in time.
    #[error("the authority does not answer: {0}")]
    Unreachable(String),
    /// It refuses.
    #[error("the authority refuses with {status}: {code}")]
    Refused {
        /// The status.
        status: u16,
        /// Its code; empty if it gave none.
        code: String,
    },
    /// It answers something else than what it was asked for.
    #[error("the authority's answer is none: {0}")]
    Answer(&'static str),
}

/// A terminal's next certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedToTerminal {
    /// The certificate.
    pub certificate: Certificate,
    /// What stands between the root and it.
    pub path: Vec<Certificate>,
}

/// What has become of a holder's request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Collected {
    /// The certificate, DER.
    Issued(Vec<u8>),
    /// It is not issued yet.
    NotYet,
    /// The authority knows nothing of it.
    Unknown,
}

impl Authority {
    /// The authority of the configuration.
    ///
    /// # Errors
    /// The [`Fault`] of the file of TLS authorities, if it cannot be used.
    pub fn new(settings: &AuthoritySettings) -> Result<Self, Fault> {
        let builder = caller(TIME_LIMIT, settings.tls_authorities.as_ref().map(tls::authorities).transpose()?);
        let builder = if is_loopback(&settings.address.value) { builder.no_proxy() } else { builder };
        let client = builder.build().map_err(|error| settings.address.fault(error))?;
        Ok(Self { client, address: settings.address.value.clone() })
    }

    /// Asks whether it takes requests.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub async fn ready(&self) -> Result<(), AuthorityError> {
        match exchange(self.client.get(self.at("ready"))).await? {
            (StatusCode::OK, _) => Ok(()),
            (status, body) => Err(refused(status.as_u16(), &body)),
        }
    }

    /// Hands in a holder's request, PKCS #10 in DER. The ticket for it can be computed.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub async fn submit(&self, request: Vec<u8>) -> Result<(), AuthorityError> {
        let asked = self.client.post(self.at("requests")).header(CONTENT_TYPE, "application/pkcs10").body(request);
        match exchange(asked).await? {
            (StatusCode::ACCEPTED, _) => Ok(()),
            (status, body) => Err(refused(status.as_u16(), &body)),
        }
    }

    /// Fetches what a holder's request has led to.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub async fn collect(&self, ticket: &[u8; HASH_SIZE]) -> Result<Collected, AuthorityError> {
        let address = self.at(&format!("requests/{}", hex::encode(ticket)));
        let (status, body) = exchange(self.client.get(address)).await?;
        Collected::of_answer(status.as_u16(), body)
    }

    /// Asks for a terminal's next certificate.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub async fn renew_terminal(
        &self,
        request: &[u8],
        signature: &[u8; SIGNATURE_SIZE],
    ) -> Result<IssuedToTerminal, AuthorityError> {
        #[derive(Serialize)]
        struct Asked {
            request: String,
            signature: String,
        }
        let asked = Asked { request: STANDARD.encode(request), signature: STANDARD.encode(signature) };
        let (status, body) = exchange(self.client.post(self.at("terminals")).json(&asked)).await?;
        IssuedToTerminal::of_answer(status.as_u16(), &body)
    }

    fn at(&self, name: &str) -> Url {
        let mut address = self.address.clone();
        address.set_path(&format!("{}enrolment/v1/{name}", self.address.path()));
        address
    }
}

impl IssuedToTerminal {
    /// Reads an answer to a terminal's request. Nothing of it is verified.
    ///
    /// # Errors
    /// [`AuthorityError`] if it is a refusal or none of the form in `docs/enrolment.md`.
    pub fn of_answer(status: u16, body: &[u8]) -> Result<Self, AuthorityError> {
        #[derive(Deserialize)]
        struct Answer {
            certificate: String,
            #[serde(default)]
            path: Vec<String>,
        }
        if status != StatusCode::OK {
            return Err(refused(status, body));
        }
        let answer: Answer = serde_json::from_slice(body).map_err(|_| AuthorityError::Answer("it has another form"))?;
        if answer.path.len() > PATH_MAX_LENGTH {
            return Err(AuthorityError::Answer("the path is too long"));
        }
        let path = answer.path.iter().map(String::as_str).map(certificate).collect::<Result<_, _>>()?;
        Ok(Self { certificate: certificate(&answer.certificate)?, path })
    }
}

impl Collected {
    /// Reads an answer to the question what has become of a holder's request. Nothing of it is verified.
    ///
    /// # Errors
    /// [`AuthorityError`] if it is a refusal, or a certificate that no card has room for.
    pub fn of_answer(status: u16, body: Vec<u8>) -> Result<Self, AuthorityError> {
        match StatusCode::from_u16(status) {
            Ok(StatusCode::OK) if body.len() > CERTIFICATE_MAX_SIZE => {
                Err(AuthorityError::Answer("the certificate is too long"))
            }
            Ok(StatusCode::OK) => Ok(Self::Issued(body)),
            Ok(StatusCode::ACCEPTED) => Ok(Self::NotYet),
            Ok(StatusCode::NOT_FOUND) if code(&body) == "request-unknown" => Ok(Self::Unknown),
            _ => Err(refused(status, &body)),
        }
    }
}

impl AuthorityError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "authority-unreachable",
            Self::Refused { .. } => "authority-refused",
            Self::Answer(_) => "authority-answer-malformed",
        }
    }
}

/// The address below which an authority is asked: HTTPS, or plain HTTP on this computer, with a slash at its end.
///
/// # Errors
/// What is wrong with it, for the configuration's author.
pub fn authority_address(text: String) -> Result<Url, String> {
    let url = Url::parse(&text).ok().filter(|url| url.as_str() == text && text.ends_with('/'));
    let plain = url.filter(|url| {
        let is_bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        is_bare && url.password().is_none() && (url.scheme() == "https" || url.scheme() == "http" && is_loopback(url))
    });
    plain.ok_or_else(|| format!("must be an HTTPS address with a slash at its end, as browsers write it, not {text}"))
}

/// Whether an address is one of this computer; of a name nobody can tell.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    }
}

async fn exchange(asked: RequestBuilder) -> Result<(StatusCode, Vec<u8>), AuthorityError> {
    let mut answer = asked.send().await.map_err(|error| unreachable(&error))?;
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(|error| unreachable(&error))? {
        if body.len().saturating_add(part.len()) > ANSWER_MAX_SIZE {
            return Err(AuthorityError::Answer("it is too long"));
        }
        body.extend_from_slice(&part);
    }
    Ok((answer.status(), body))
}

fn unreachable(error: &reqwest::Error) -> AuthorityError {
    AuthorityError::Unreachable(innermost_cause(error))
}

fn refused(status: u16, body: &[u8]) -> AuthorityError {
    AuthorityError::Refused { status, code: code(body) }
}

/// A code of its own making goes into the log: only what such codes look like.
fn code(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        code: String,
    }
    let code = serde_json::from_slice::<Refusal>(body).map(|refusal| refusal.code).unwrap_or_default();
    let is_code = code.len() <= 64 && code.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'-');
    if is_code { code } else { String::new() }
}

fn certificate(text: &str) -> Result<Certificate, AuthorityError> {
    let octets = STANDARD.decode(text).map_err(|_| AuthorityError::Answer("a certificate is not in base64"))?;
    Certificate::parse(&octets).map_err(|_| AuthorityError::Answer("a certificate is none"))
}
