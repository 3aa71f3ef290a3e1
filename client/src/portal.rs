//! What is said to a portal: one challenge fetched, one assertion presented, over HTTPS and nothing else.

use std::time::Duration;

use latchkey_crypto::assertion::{Assertion, ChallengeText, Origin};
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Certificate, Client, ClientBuilder, Method, Response, StatusCode, redirect};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::settings::{Proxy, SettingsStore};

/// Most octets of a portal's answer.
pub const ANSWER_MAX_SIZE: usize = 64 * 1024;
/// Most characters of the name that a portal gives itself.
pub const PORTAL_NAME_MAX_SIZE: usize = 200;
/// Digits of the code by which a holder recognises his own link.
pub const SHORT_CODE_SIZE: usize = 4;
/// Longest file of certificate authorities, in octets: more than every public one together.
pub const CA_FILE_MAX_SIZE: u64 = 4 * 1024 * 1024;
/// Longest time for a connection to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time for a whole exchange.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(30);
const CHALLENGE_PATH: &str = "/api/v1/challenges";
const LINK_PATH: &str = "/api/v1/links/";
const CHALLENGE_FORMAT: &str = "latchkey-challenge:1";
const PURPOSE: &str = "sign-in";

/// Why a portal could not be talked to, or what it refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PortalFailure {
    /// The address is not that of an HTTPS site without a path.
    #[error("this is not a portal's address: {address}")]
    AddressInvalid {
        /// What was given.
        address: String,
    },
    /// The file of certificate authorities cannot be used.
    #[error("the file of certificate authorities cannot be read: {reason}")]
    CaFileUnreadable {
        /// Why.
        reason: String,
    },
    /// No connection could be made.
    #[error("the portal cannot be reached")]
    Unreachable,
    /// The TLS handshake failed: the certificate is not trusted, or not for this host.
    #[error("the portal's TLS certificate is not trusted")]
    Untrusted,
    /// No complete answer came in time.
    #[error("the portal did not answer in time")]
    Silent,
    /// The answer points elsewhere; it is not followed.
    #[error("the portal redirects")]
    Redirects,
    /// The answer is not what the interface demands: type, size, form or a value.
    #[error("the portal's answer is malformed: {reason}")]
    AnswerMalformed {
        /// Which rule it breaks, for the log.
        reason: &'static str,
    },
    /// The portal failed.
    #[error("the portal failed with status {status}")]
    Failed {
        /// The HTTP status.
        status: u16,
        /// The portal's own stable code, if it names one, formed as that of a refusal.
        code: Option<String>,
    },
    /// The portal refused, and says why.
    #[error("the portal refused: {code}")]
    Refused {
        /// Its stable code: lower-case letters, digits and hyphens, at most 64.
        code: String,
    },
}

impl PortalFailure {
    /// Every code that [`PortalFailure::code`] can give.
    pub const CODES: [&'static str; 9] = [
        "portal-address-invalid",
        "ca-file-unreadable",
        "portal-unreachable",
        "portal-untrusted",
        "portal-silent",
        "portal-redirects",
        "portal-answer-malformed",
        "portal-failed",
        "portal-refused",
    ];

    /// The stable code, kebab-case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AddressInvalid { .. } => "portal-address-invalid",
            Self::CaFileUnreadable { .. } => "ca-file-unreadable",
            Self::Unreachable => "portal-unreachable",
            Self::Untrusted => "portal-untrusted",
            Self::Silent => "portal-silent",
            Self::Redirects => "portal-redirects",
            Self::AnswerMalformed { .. } => "portal-answer-malformed",
            Self::Failed { .. } => "portal-failed",
            Self::Refused { .. } => "portal-refused",
        }
    }
}

/// Reads a portal's address as a person gives it: an origin, with or without a slash at its end.
///
/// # Errors
/// [`PortalFailure::AddressInvalid`].
pub fn parse_address(address: &str) -> Result<Origin, PortalFailure> {
    Origin::parse(address.strip_suffix('/').unwrap_or(address))
        .map_err(|_| PortalFailure::AddressInvalid { address: address.to_owned() })
}

/// Certificate authorities that are trusted beside the system's, for one sign-in.
#[derive(Debug, Clone, Default)]
pub struct ExtraTrust(Vec<Certificate>);

impl ExtraTrust {
    /// The certificates of a PEM file.
    ///
    /// # Errors
    /// [`PortalFailure::CaFileUnreadable`] if there is none in it, or one that is malformed.
    pub fn from_pem(octets: &[u8]) -> Result<Self, PortalFailure> {
        let unreadable = |reason: String| PortalFailure::CaFileUnreadable { reason };
        let certificates =
            Certificate::from_pem_bundle(octets).map_err(|error| unreadable(innermost(&error).to_string()))?;
        if certificates.is_empty() {
            return Err(unreadable("no certificate in PEM form".to_owned()));
        }
        Ok(Self(certificates))
    }

    /// Trusts those too.
    pub fn add(&mut self, others: Self) {
        self.0.extend(others.0);
    }
}

/// How a portal is reached.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Who is trusted beside the system's certificate authorities.
    pub trust: ExtraTrust,
    /// The proxy.
    pub proxy: Proxy,
}

impl From<ExtraTrust> for Access {
    fn from(trust: ExtraTrust) -> Self {
        Self { trust, proxy: Proxy::System }
    }
}

impl Access {
    /// As administrator and holder have set it at this moment.
    #[must_use]
    pub fn of(settings: &SettingsStore) -> Self {
        Self { trust: settings.managed().trust().clone(), proxy: settings.settings().proxy() }
    }

    /// What every connection to this origin has in common.
    pub(crate) fn client(self, origin: &Origin) -> ClientBuilder {
        let builder = Client::builder()
            .tls_backend_native()
            .https_only(true)
            .redirect(redirect::Policy::none())
            .referer(false)
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(EXCHANGE_TIMEOUT)
            .tls_certs_merge(self.trust.0);
        match self.proxy {
            // What runs on this computer is never asked for through a proxy, as in browsers.
            _ if is_loopback(origin) => builder.no_proxy(),
            Proxy::System => builder,
            Proxy::Direct => builder.no_proxy(),
            Proxy::Through(address) => match reqwest::Proxy::all(address.as_str()) {
                Ok(proxy) => builder.no_proxy().proxy(proxy),
                // The address was parsed when it was set; past the proxy goes nothing.
                Err(error) => {
                    tracing::error!(%error, "the proxy cannot be used");
                    builder
                }
            },
        }
    }
}

/// A portal of one origin, with the cookies that it set meanwhile.
#[derive(Debug)]
pub(crate) struct Portal {
    origin: Origin,
    client: Client,
}

/// What a portal asks for.
#[derive(Debug)]
pub(crate) struct Challenge {
    pub(crate) text: ChallengeText,
    /// The name that it gives itself; proves nothing.
    pub(crate) portal_name: String,
    assertion_path: String,
}

/// What a portal asks for by a link.
#[derive(Debug)]
pub(crate) struct LinkedChallenge {
    pub(crate) challenge: Challenge,
    /// Digits that the asking browser shows too.
    pub(crate) short_code: String,
}

/// Where a sign-in by link ends: an address of the portal itself, good once, in the browser that asked for the link.
#[derive(Clone, PartialEq, Eq)]
pub struct CompletionAddress(String);

impl CompletionAddress {
    /// The address, to be opened in the browser.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes no address but one that the portal itself answers.
    fn of_portal(origin: &Origin, address: String) -> Option<Self> {
        let path = address.strip_prefix(origin.as_str())?;
        is_path(path).then_some(Self(address))
    }
}

impl std::fmt::Debug for CompletionAddress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("CompletionAddress(hidden)")
    }
}

/// What a portal says about a sign-in that it accepted. All of it is the portal's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// How sure it is: `low`, `substantial` or `high`.
    pub assurance: String,
    /// Who signed in, as the portal read the certificate.
    pub holder: VerdictHolder,
    /// What it checked, in its order.
    pub checks: Vec<VerdictCheck>,
    /// The session that began.
    pub session: VerdictSession,
}

/// The person that a portal knows now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerdictHolder {
    /// The identification number with its country.
    pub personal_number: String,
    /// The names as the certificate's subject gives them.
    pub name: VerdictName,
    /// The Belarusian names.
    pub belarusian_name: Option<VerdictName>,
    /// First and family name in Latin letters.
    pub latin_name: Option<String>,
}

/// The names of a person in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictName {
    /// Family name.
    pub family: Option<String>,
    /// First name.
    pub given: Option<String>,
    /// Patronymic.
    pub patronymic: Option<String>,
}

/// One thing that a portal checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictCheck {
    /// What.
    pub check: String,
    /// Against which data.
    pub against: String,
}

/// A portal's session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerdictSession {
    /// When it ends at the latest (RFC 3339).
    pub expires_at: String,
}

impl Portal {
    /// `language` is the one that the portal is asked to name itself in, as an ISO 639-1 code.
    pub(crate) fn new(origin: Origin, access: Access, language: &'static str) -> Result<Self, PortalFailure> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(language));
        let builder = access.client(&origin).cookie_store(true).default_headers(headers);
        let client = builder.build().map_err(|error| {
            tracing::error!(error = %innermost(&error), "the HTTPS client could not be made");
            PortalFailure::Untrusted
        })?;
        Ok(Self { origin, client })
    }

    pub(crate) const fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) async fn fetch_challenge(&self) -> Result<Challenge, PortalFailure> {
        let answer = self.post(CHALLENGE_PATH, "{}".to_owned()).await?;
        read_json::<ChallengeBody>(answer, StatusCode::CREATED).await?.checked()
    }

    /// Fetches what the link with the token `request` is about.
    pub(crate) async fn fetch_link(&self, request: &str) -> Result<LinkedChallenge, PortalFailure> {
        let answer = self.post(&format!("{LINK_PATH}{request}"), "{}".to_owned()).await?;
        let LinkBody { challenge, short_code } = read_json(answer, StatusCode::OK).await?;
        let challenge = challenge.checked()?;
        if short_code.len() != SHORT_CODE_SIZE || !short_code.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(malformed("the short code is none"));
        }
        Ok(LinkedChallenge { challenge, short_code })
    }

    pub(crate) async fn present(&self, challenge: &Challenge, assertion: &Assertion) -> Result<Verdict, PortalFailure> {
        let answer = self.post(&challenge.assertion_path, assertion.to_json()).await?;
        let body: VerdictBody = read_json(answer, StatusCode::OK).await?;
        if body.result != "accepted" {
            return Err(malformed("neither accepted nor refused"));
        }
        Ok(body.verdict)
    }

    pub(crate) async fn present_for_link(
        &self,
        linked: &LinkedChallenge,
        assertion: &Assertion,
    ) -> Result<CompletionAddress, PortalFailure> {
        let answer = self.post(&linked.challenge.assertion_path, assertion.to_json()).await?;
        let body: SignedBody = read_json(answer, StatusCode::OK).await?;
        if body.result != "signed" {
            return Err(malformed("neither signed nor refused"));
        }
        CompletionAddress::of_portal(&self.origin, body.completion_address)
            .ok_or(malformed("the completion's address is none of this origin"))
    }

    /// Asks for something that is answered with 200 and JSON.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<T, PortalFailure> {
        read_json(self.post(path, body.to_string()).await?, StatusCode::OK).await
    }

    async fn post(&self, path: &str, body: String) -> Result<Response, PortalFailure> {
        let address = format!("{}{path}", self.origin);
        tracing::debug!(address, "asking the portal");
        self.client
            .request(Method::POST, address)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json")
            .body(body)
            .send()
            .await
            .map_err(|error| failure_of(&error))
    }
}

/// Looks whether a portal of that origin would let somebody sign in: asks it for a challenge, and leaves it at that. The
/// first of the two is what time it is there, if anything answered.
pub(crate) async fn look_at(origin: &Origin, access: Access) -> (Option<OffsetDateTime>, Result<(), PortalFailure>) {
    let portal = match Portal::new(origin.clone(), access, "en") {
        Ok(portal) => portal,
        Err(failure) => return (None, Err(failure)),
    };
    let answer = match portal.post(CHALLENGE_PATH, "{}".to_owned()).await {
        Ok(answer) => answer,
        Err(failure) => return (None, Err(failure)),
    };
    let date = answer.headers().get(header::DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| OffsetDateTime::parse(date, &Rfc2822).ok());
    let challenge = async { read_json::<ChallengeBody>(answer, StatusCode::CREATED).await?.checked() };
    (date, challenge.await.map(|_| ()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChallengeBody {
    format: String,
    challenge: String,
    portal_name: String,
    purpose: String,
    assertion_path: String,
}

impl ChallengeBody {
    fn checked(self) -> Result<Challenge, PortalFailure> {
        if self.format != CHALLENGE_FORMAT {
            return Err(malformed("another format of challenges"));
        }
        if self.purpose != PURPOSE {
            return Err(malformed("a challenge for another purpose"));
        }
        if self.portal_name.chars().count() > PORTAL_NAME_MAX_SIZE {
            return Err(malformed("the portal's name is too long"));
        }
        if !is_path(&self.assertion_path) {
            return Err(malformed("the assertion's path is none of this origin"));
        }
        let text = ChallengeText::parse(&self.challenge).map_err(|_| malformed("the challenge is malformed"))?;
        Ok(Challenge { text, portal_name: self.portal_name, assertion_path: self.assertion_path })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LinkBody {
    #[serde(flatten)]
    challenge: ChallengeBody,
    short_code: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignedBody {
    result: String,
    completion_address: String,
}

#[derive(Deserialize)]
struct VerdictBody {
    result: String,
    #[serde(flatten)]
    verdict: Verdict,
}

#[derive(Deserialize)]
struct RefusalBody {
    code: String,
}

/// Reads an answer of the status `expected`; a refusal with a code is told as such.
async fn read_json<T: DeserializeOwned>(answer: Response, expected: StatusCode) -> Result<T, PortalFailure> {
    let status = answer.status();
    tracing::debug!(status = status.as_u16(), "the portal answered");
    if status.is_redirection() {
        return Err(PortalFailure::Redirects);
    }
    let is_json = answer
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|value| value.trim().eq_ignore_ascii_case("application/json"));
    if status.is_client_error() || status.is_server_error() {
        let code = if is_json { read_code(answer).await? } else { None };
        return Err(match code {
            Some(code) if status.is_client_error() => PortalFailure::Refused { code },
            code => PortalFailure::Failed { status: status.as_u16(), code },
        });
    }
    if status != expected || !is_json {
        return Err(malformed("another status or type than agreed"));
    }
    serde_json::from_slice(&read_body(answer).await?).map_err(|_| malformed("not the JSON that was agreed"))
}

/// The code that an answer names, if it has the form of one.
async fn read_code(answer: Response) -> Result<Option<String>, PortalFailure> {
    let refusal: Option<RefusalBody> = serde_json::from_slice(&read_body(answer).await?).ok();
    Ok(refusal.map(|refusal| refusal.code).filter(|code| is_code(code)))
}

async fn read_body(mut answer: Response) -> Result<Vec<u8>, PortalFailure> {
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(|error| failure_of(&error))? {
        if body.len().saturating_add(part.len()) > ANSWER_MAX_SIZE {
            return Err(malformed("the answer is too long"));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

/// A path of this origin and nothing that an address parser would read as another host.
fn is_path(text: &str) -> bool {
    text.len() <= 200
        && text.starts_with('/')
        && !text.starts_with("//")
        && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'/' | b'-' | b'_' | b'.'))
}

fn is_code(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-')
}

fn is_loopback(origin: &Origin) -> bool {
    matches!(origin.host(), "localhost" | "127.0.0.1" | "[::1]")
}

pub(crate) const fn malformed(reason: &'static str) -> PortalFailure {
    PortalFailure::AnswerMalformed { reason }
}

fn failure_of(error: &reqwest::Error) -> PortalFailure {
    tracing::debug!(error = %innermost(error), "the portal could not be talked to");
    if error.is_timeout() {
        PortalFailure::Silent
    } else if causes(error).any(|cause| cause.is::<native_tls::Error>()) {
        PortalFailure::Untrusted
    } else if error.is_connect() {
        PortalFailure::Unreachable
    } else {
        malformed("the exchange broke off")
    }
}

fn causes<'error>(error: &'error reqwest::Error) -> impl Iterator<Item = &'error (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |cause| cause.source())
}

fn innermost(error: &reqwest::Error) -> &(dyn std::error::Error + 'static) {
    causes(error).last().unwrap_or(error)
}

const USER_AGENT: &str = concat!("latchkey/", env!("CARGO_PKG_VERSION"));
