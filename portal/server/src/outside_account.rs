//! Outside accounts: another provider of OpenID Connect, whose account holders may sign in here with the assurance `low`.
//! This service is its relying party, by the crate `openidconnect`.
//!
//! Nothing is remembered here of who goes there. The browser keeps one random value and the moment, in a cookie that this
//! host alone gets; `state`, `nonce` and PKCE's verifier are made of both under the key that requests are sealed with, so
//! that they are told to the other provider and to nobody else. Nothing but the account's identifier and its name is taken
//! from there, and neither is passed on to sites.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration as StdDuration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey_crypto::assertion::Origin;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient,
    CoreClientAuthMethod, CoreGrantType, CoreIdTokenClaims, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType,
    CoreSubjectIdentifierType, CoreTokenResponse,
};
use openidconnect::{
    AdditionalProviderMetadata, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret,
    CsrfToken, DiscoveryError, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl,
    Nonce, PkceCodeChallenge, PkceCodeVerifier, ProviderMetadata, RedirectUrl, RequestTokenError, Scope,
    TokenResponse as _,
};
use reqwest::Client;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use time::{Duration, OffsetDateTime};
use url::Url;

use crate::calling::{caller, innermost_cause};
use crate::configuration::{Fault, OutsideAccountSettings};
use crate::files::read_own_secret;
use crate::http::Language;
use crate::keys::{KeyId, KeyUnavailable, KeyUse, OwnKeys};
use crate::portal::PortalName;
use crate::provider::pending::milliseconds;
use crate::session::OutsideAccount;
use crate::terminal::authority::is_loopback;
use crate::tls;
use crate::token::Token;

/// Where the other provider sends people back.
pub const RETURN: &str = "/outside-account/return";
/// How long a visitor may take there.
pub const UNDER_WAY_LIFETIME: Duration = Duration::minutes(15);
/// How long one answer of the other provider may take, and all that are needed at once.
const TIME_LIMIT: StdDuration = StdDuration::from_secs(5);
const WHOLE_TIME_LIMIT: StdDuration = StdDuration::from_secs(10);
/// Most octets of an answer.
const ANSWER_MAX_SIZE: usize = 256 * 1024;
/// How long what it says of itself is believed, its keys included.
const METADATA_LIFETIME: Duration = Duration::minutes(10);
/// How old that must be to be asked for again because of a key that is not in it.
const METADATA_REST: Duration = Duration::minutes(1);
/// By how much its clock may be behind.
const CLOCK_DIFFERENCE: Duration = Duration::minutes(1);
/// What its tickets should say beside who it is: when that person has signed in there.
const WANTED_CLAIMS: &str = r#"{"id_token":{"auth_time":{"essential":true}}}"#;
/// Most octets of the client secret, of an account's identifier (OpenID Connect Core 1.0, clause 2), and of a code.
const SECRET_MAX_SIZE: usize = 1024;
const SUBJECT_MAX_SIZE: usize = 255;
const CODE_MAX_SIZE: usize = 4096;
/// Most characters of an account's name that are kept.
const NAME_MAX_LENGTH: usize = 100;
/// By what tickets may be signed there: never by a secret that two know, never by nothing.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 2] =
    [CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, CoreJwsSigningAlgorithm::EcdsaP256Sha256];

/// The other provider, and this service as its relying party.
pub struct OutsideAccounts {
    keys: Arc<dyn OwnKeys>,
    way: Arc<dyn WayThere>,
    issuer: IssuerUrl,
    name: PortalName,
    id: ClientId,
    secret: ClientSecret,
    known: Mutex<Option<Known>>,
}

/// Why somebody is not signed in with an outside account.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutsideAccountError {
    /// The other provider does not answer, or not as providers do.
    #[error("the other provider cannot be used: {0}")]
    Unavailable(String),
    /// The visitor has said no there.
    #[error("the visitor has said no there")]
    Declined,
    /// The answer belongs to no sign-in of this browser, or does not hold, or is an error.
    #[error("the other provider's answer is not accepted: {0}")]
    Refused(String),
    /// A key of this service cannot be used.
    #[error(transparent)]
    Key(#[from] KeyUnavailable),
}

/// A sign-in that is under way, as its browser keeps it.
#[derive(Debug)]
pub struct UnderWay {
    /// When it began, in whole milliseconds.
    pub since: OffsetDateTime,
    /// What no other browser has.
    pub token: Token,
}

/// What the browser brings back (RFC 6749, clauses 4.1.2 and 4.1.2.1; RFC 9207).
#[derive(Debug, Clone, Copy, Default)]
pub struct Returned<'a> {
    /// Echoes what was sent along.
    pub state: Option<&'a str>,
    /// The code.
    pub code: Option<&'a str>,
    /// Who answers.
    pub issuer: Option<&'a str>,
    /// An error in place of a code.
    pub error: Option<&'a str>,
}

/// What the other provider says of itself.
type Metadata = ProviderMetadata<
    AlsoSaid,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// What the crate does not read by itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct AlsoSaid {
    /// Whether its answers always name it (RFC 9207, clause 3).
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for AlsoSaid {}

/// What was asked of the other provider, and when.
#[derive(Clone)]
struct Known {
    metadata: Metadata,
    since: OffsetDateTime,
}

/// What a sign-in that is under way has told the other provider, or will.
struct Values {
    state: String,
    nonce: String,
    verifier: String,
}

type RelyingParty =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

impl OutsideAccounts {
    /// Reads the files of the section `[outside_account]`. `keys` has those under which requests are sealed.
    ///
    /// # Errors
    /// The [`Fault`] of the key that names a file which cannot be used.
    pub fn load(settings: &OutsideAccountSettings, keys: Arc<dyn OwnKeys>) -> Result<Self, Fault> {
        let OutsideAccountSettings { issuer, name, client_id, client_secret, tls_authorities, .. } = settings;
        let builder = caller(TIME_LIMIT, tls_authorities.as_ref().map(tls::authorities).transpose()?);
        let secret = read_own_secret(&client_secret.value).map_err(|error| client_secret.file_fault(error))?;
        let secret = std::str::from_utf8(&secret).ok().map(str::trim);
        let secret = secret.filter(|text| (1..=SECRET_MAX_SIZE).contains(&text.len()));
        let secret = secret.ok_or_else(|| client_secret.file_fault("has no secret"))?;
        Ok(Self {
            keys,
            way: Arc::new(OverHttp(builder.build().map_err(|error| issuer.fault(error))?)),
            issuer: IssuerUrl::new(issuer.value.clone()).map_err(|error| issuer.fault(error))?,
            name: name.clone(),
            id: ClientId::new(client_id.clone()),
            secret: ClientSecret::new(secret.to_owned()),
            known: Mutex::default(),
        })
    }

    /// The same by another way to the other provider.
    #[must_use]
    pub fn by(self, way: Arc<dyn WayThere>) -> Self {
        Self { way, ..self }
    }

    /// What people are told that the other provider is called.
    #[must_use]
    pub fn name(&self, language: Language) -> &str {
        self.name.of(language)
    }

    /// The address to which the visitor is sent; `anew`: to sign in there once more.
    ///
    /// # Errors
    /// [`OutsideAccountError`].
    pub async fn address(
        &self,
        origin: &Origin,
        under_way: &UnderWay,
        anew: bool,
        now: OffsetDateTime,
    ) -> Result<Url, OutsideAccountError> {
        let newest = self.keys.keys(KeyUse::Seal).into_iter().next().ok_or(KeyUnavailable)?;
        let Values { state, nonce, verifier } = self.values(&newest, under_way)?;
        let party = self.relying_party(in_time(self.known(now)).await?.metadata, origin)?;
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier));
        let request = party
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state.clone()),
                move || Nonce::new(nonce.clone()),
            )
            .add_scope(Scope::new("profile".to_owned()))
            .add_extra_param("claims", WANTED_CLAIMS)
            .set_pkce_challenge(challenge);
        let request = if anew { request.add_prompt(CoreAuthPrompt::Login) } else { request };
        let (address, _, _) = request.url();
        if is_safe(&address) { Ok(address) } else { Err(unavailable("people would be sent to an address without TLS")) }
    }

    /// Whose account it is that the browser comes back with; and when he has signed in there, if the provider says that it was
    /// before he set out.
    ///
    /// # Errors
    /// [`OutsideAccountError`].
    pub async fn account(
        &self,
        origin: &Origin,
        under_way: &UnderWay,
        returned: Returned<'_>,
        now: OffsetDateTime,
    ) -> Result<(OutsideAccount, Option<OffsetDateTime>), OutsideAccountError> {
        let Values { nonce, verifier, .. } = self.answered(under_way, returned.state, now)?;
        // Another provider's answer must not be taken to this one (mix-up).
        if returned.issuer.is_some_and(|issuer| issuer != self.issuer.as_str()) {
            return Err(refused("another provider answers"));
        }
        if returned.issuer.is_none() && self.names_itself(now).await? {
            return Err(refused("it does not say who answers"));
        }
        if returned.error == Some("access_denied") {
            return Err(OutsideAccountError::Declined);
        }
        if let Some(error) = returned.error {
            return Err(says(error));
        }
        let code = returned.code.filter(|code| (1..=CODE_MAX_SIZE).contains(&code.len()));
        let code = AuthorizationCode::new(code.ok_or_else(|| refused("there is no code"))?.to_owned());
        in_time(async {
            let known = self.known(now).await?;
            let tokens = self.exchange(known.metadata.clone(), origin, code, verifier).await?;
            let (account, signed_in_at) = self.verified(known, origin, &tokens, &Nonce::new(nonce), now).await?;
            let is_earlier = |at: &OffsetDateTime| at.saturating_add(CLOCK_DIFFERENCE) < under_way.since;
            Ok((account, signed_in_at.filter(is_earlier)))
        })
        .await
    }

    /// Whether the other provider says that each of its answers names it.
    async fn names_itself(&self, now: OffsetDateTime) -> Result<bool, OutsideAccountError> {
        let metadata = in_time(self.known(now)).await?.metadata;
        Ok(metadata.additional_metadata().authorization_response_iss_parameter_supported)
    }

    /// What had been told of a sign-in, if this is the answer to it.
    fn answered(
        &self,
        under_way: &UnderWay,
        state: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<Values, OutsideAccountError> {
        let other = || refused("it belongs to no sign-in of this browser");
        if !(under_way.since..under_way.since.saturating_add(UNDER_WAY_LIFETIME)).contains(&now) {
            return Err(refused("it comes too late"));
        }
        let state = state.ok_or_else(other)?;
        for key in self.keys.keys(KeyUse::Seal) {
            let values = self.values(&key, under_way)?;
            if bool::from(values.state.as_bytes().ct_eq(state.as_bytes())) {
                return Ok(values);
            }
        }
        Err(other())
    }

    fn values(&self, key: &KeyId, under_way: &UnderWay) -> Result<Values, KeyUnavailable> {
        let moment = milliseconds(under_way.since).to_be_bytes();
        let token = under_way.token.expose_for_cookie();
        let value = |name: &[u8]| {
            // The moment and the token have one length each, so that no two values have the same octets.
            let parts = [b"latchkey-portal outside account ".as_slice(), &moment, token.as_bytes(), name];
            self.keys.mac(key, &parts).map(|value| URL_SAFE_NO_PAD.encode(value))
        };
        Ok(Values { state: value(b"state")?, nonce: value(b"nonce")?, verifier: value(b"verifier")? })
    }

    /// Gets what a code is good for.
    async fn exchange(
        &self,
        metadata: Metadata,
        origin: &Origin,
        code: AuthorizationCode,
        verifier: String,
    ) -> Result<CoreTokenResponse, OutsideAccountError> {
        let party = self.relying_party(metadata, origin)?;
        let exchange = party.exchange_code(code).map_err(|error| unavailable(&error))?;
        let calling = calling(&self.way);
        let tokens = exchange.set_pkce_verifier(PkceCodeVerifier::new(verifier)).request_async(&calling).await;
        tokens.map_err(|error| match error {
            // What else such an answer says may quote what was sent.
            RequestTokenError::ServerResponse(answer) => says(answer.error().as_ref()),
            RequestTokenError::Request(error) => unavailable(&error),
            RequestTokenError::Parse(..) => refused("its tokens cannot be read"),
            RequestTokenError::Other(_) => unavailable("it gives no tokens"),
        })
    }

    /// Whose account it is, and when he has signed in, if that is told; if the ticket holds (OpenID Connect Core 1.0, clause
    /// 3.1.3.7).
    async fn verified(
        &self,
        known: Known,
        origin: &Origin,
        tokens: &CoreTokenResponse,
        nonce: &Nonce,
        now: OffsetDateTime,
    ) -> Result<(OutsideAccount, Option<OffsetDateTime>), OutsideAccountError> {
        let ticket = tokens.id_token().ok_or_else(|| refused("there is no ticket"))?;
        let verify = |metadata: Metadata| {
            let party = self.relying_party(metadata, origin)?;
            let verifier = party.id_token_verifier().set_allowed_algs(ALGORITHMS);
            let verifier = verifier.set_time_fn(move || SystemTime::from(now).into());
            let signed_in_at = |claims: &CoreIdTokenClaims| {
                claims.auth_time().and_then(|time| OffsetDateTime::from_unix_timestamp(time.timestamp()).ok())
            };
            let told = |claims| self.account_of(claims).map(|account| (account, signed_in_at(claims)));
            Ok::<_, OutsideAccountError>(ticket.claims(&verifier, nonce).map(told))
        };
        let first = verify(known.metadata)?;
        let verdict = match first {
            // It may have a new key since it was asked for its keys.
            Err(ClaimsVerificationError::SignatureVerification(_)) if now - known.since > METADATA_REST => {
                verify(self.ask(now).await?.metadata)?
            }
            first => first,
        };
        verdict.map_err(|error| refused(&error))?
    }

    fn account_of(&self, claims: &CoreIdTokenClaims) -> Result<OutsideAccount, OutsideAccountError> {
        let subject = claims.subject().as_str();
        if !(1..=SUBJECT_MAX_SIZE).contains(&subject.len()) || subject.chars().any(char::is_control) {
            return Err(refused("the account has no identifier"));
        }
        let name = claims.name().and_then(|name| name.get(None)).map(|name| name.as_str());
        let name =
            name.map(|name| name.chars().filter(|it| !it.is_control()).take(NAME_MAX_LENGTH).collect::<String>());
        Ok(OutsideAccount {
            issuer: self.issuer.as_str().to_owned(),
            subject: subject.to_owned(),
            name: name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()),
        })
    }

    fn relying_party(&self, metadata: Metadata, origin: &Origin) -> Result<RelyingParty, OutsideAccountError> {
        let back = RedirectUrl::new(format!("{origin}{RETURN}")).map_err(|error| unavailable(&error))?;
        let ways = metadata.token_endpoint_auth_methods_supported();
        let takes = |way| ways.is_some_and(|ways| ways.contains(&way));
        // In the header unless it says that it takes the secret in the body only.
        let in_body = takes(CoreClientAuthMethod::ClientSecretPost) && !takes(CoreClientAuthMethod::ClientSecretBasic);
        let way = if in_body { AuthType::RequestBody } else { AuthType::BasicAuth };
        let party = CoreClient::from_provider_metadata(metadata, self.id.clone(), Some(self.secret.clone()));
        Ok(party.set_redirect_uri(back).set_auth_type(way))
    }

    /// What the other provider says of itself, its keys included.
    async fn known(&self, now: OffsetDateTime) -> Result<Known, OutsideAccountError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some(known) if (known.since..known.since + METADATA_LIFETIME).contains(&now) => Ok(known),
            _ => self.ask(now).await,
        }
    }

    async fn ask(&self, now: OffsetDateTime) -> Result<Known, OutsideAccountError> {
        let calling = calling(&self.way);
        let metadata = Metadata::discover_async(self.issuer.clone(), &calling).await;
        let metadata = metadata.map_err(|error| match error {
            DiscoveryError::Request(error) => unavailable(&error),
            error => unavailable(&error),
        })?;
        let known = Known { metadata, since: now };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known.clone());
        Ok(known)
    }
}

impl UnderWay {
    /// The text for the browser's cookie.
    #[must_use]
    pub fn expose_for_cookie(&self) -> String {
        format!("{}.{}", milliseconds(self.since), self.token.expose_for_cookie())
    }

    /// Reads that text, which has one spelling.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (moment, token) = text.split_once('.')?;
        let moment: i64 = moment.parse().ok()?;
        let since = OffsetDateTime::from_unix_timestamp_nanos(i128::from(moment) * 1_000_000).ok()?;
        let read = Self { since, token: Token::parse(token)? };
        (read.expose_for_cookie() == text).then_some(read)
    }
}

/// An issuer as its tickets name it: HTTPS, or plain HTTP on this computer; without query and fragment.
///
/// # Errors
/// What is wrong with it, for the configuration's author.
pub fn issuer(text: String) -> Result<String, String> {
    let url = Url::parse(&text).ok().filter(|url| url.as_str().trim_end_matches('/') == text.trim_end_matches('/'));
    let is_bare = |url: &Url| url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    match url.filter(|url| is_bare(url) && url.password().is_none() && is_safe(url)) {
        Some(_) => Ok(text),
        None => Err(format!("must be an HTTPS address as browsers write it, not {text}")),
    }
}

/// Whether nobody on the way can change what goes there: HTTPS, or this computer.
fn is_safe(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url))
}

async fn in_time<T>(work: impl Future<Output = Result<T, OutsideAccountError>>) -> Result<T, OutsideAccountError> {
    match tokio::time::timeout(WHOLE_TIME_LIMIT, work).await {
        Ok(done) => done,
        Err(_) => Err(unavailable("it takes too long")),
    }
}

fn unavailable(why: &(impl ToString + ?Sized)) -> OutsideAccountError {
    OutsideAccountError::Unavailable(why.to_string())
}

fn refused(why: &(impl ToString + ?Sized)) -> OutsideAccountError {
    OutsideAccountError::Refused(why.to_string())
}

/// An error that the other provider names.
fn says(error: &str) -> OutsideAccountError {
    refused(&format!("it says {}", error.chars().filter(char::is_ascii_graphic).take(60).collect::<String>()))
}

/// The way on which the other provider is called.
pub trait WayThere: Send + Sync {
    /// What it answers to a request.
    fn call(&self, request: HttpRequest) -> Call;
}

/// A call that is under way.
pub type Call = Pin<Box<dyn Future<Output = Result<HttpResponse, NoAnswer>> + Send>>;

/// Why a call had no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoAnswer {
    /// Nobody answers, for that reason.
    #[error("there is no answer: {0}")]
    Unreachable(String),
    /// The answer is longer than any that is needed.
    #[error("the answer is longer than {} octets", ANSWER_MAX_SIZE)]
    TooLong,
    /// Others could listen.
    #[error("the address is without TLS")]
    Unsafe,
}

/// Over HTTP, within limits.
struct OverHttp(Client);

impl WayThere for OverHttp {
    fn call(&self, request: HttpRequest) -> Call {
        Box::pin(call(self.0.clone(), request))
    }
}

/// Calls the other provider as the crate asks.
fn calling(way: &Arc<dyn WayThere>) -> impl Fn(HttpRequest) -> Call + Send + Sync + use<> {
    let way = Arc::clone(way);
    move |request| way.call(request)
}

async fn call(http: Client, request: HttpRequest) -> Result<HttpResponse, NoAnswer> {
    let failed = |error: reqwest::Error| NoAnswer::Unreachable(innermost_cause(&error));
    let request: reqwest::Request = request.try_into().map_err(failed)?;
    if !is_safe(request.url()) {
        return Err(NoAnswer::Unsafe);
    }
    let mut answer = http.execute(request).await.map_err(failed)?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(failed)? {
        if body.len().saturating_add(part.len()) > ANSWER_MAX_SIZE {
            return Err(NoAnswer::TooLong);
        }
        body.extend_from_slice(&part);
    }
    let mut response = HttpResponse::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}
