//! Authorization requests (RFC 6749, clause 4.1.1; OpenID Connect Core 1.0, clause 3.1.2.1; RFC 7636), and what is to be
//! done with one.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::sha::sha256;
use serde_json::Value;
use time::{Duration, OffsetDateTime};
use url::form_urlencoded;

use super::assurance::Demand;
use super::clients::{Client, RedirectUri, Registry};
use super::dpop::KeyThumbprint;
use super::error::ErrorCode;
use super::parameters::{Parameters, ParametersError};
use super::scope::{AGE_OVER_18, Scopes};
use crate::http::Language;
use crate::session::{Assurance, Session};
use crate::token::Token;

/// Most octets of the query of an authorization request: with its seal it fits a cookie.
pub const QUERY_MAX_SIZE: usize = 2800;
/// Most characters of `state` and of `nonce`.
pub const ECHOED_MAX_SIZE: usize = 512;

/// A request that was checked.
#[derive(Debug, Clone)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client: Arc<Client>,
    /// Where the answer goes.
    pub redirect_uri: RedirectUri,
    /// What the site gives to recognise the answer by.
    pub state: Option<String>,
    /// What the site wants to find in the ticket.
    pub nonce: Option<String>,
    /// What it wants to know.
    pub scopes: Scopes,
    /// The SHA-256 of what the site will show when it presents the code.
    pub code_challenge: CodeChallenge,
    /// The key without which the code is of no use (RFC 9449, clause 10).
    pub code_key: Option<KeyThumbprint>,
    /// What the person is to be asked.
    pub prompt: Prompt,
    /// How long ago the sign-in may have been.
    pub max_age: Option<Duration>,
    /// How sure the sign-in must be.
    pub demand: Demand,
    /// A ticket of the person whom the site means.
    pub id_token_hint: Option<String>,
    /// Subjects of which the person is to be one, if the site says so.
    pub subjects: Option<Vec<String>>,
    /// In which language the pages are to be.
    pub language: Option<Language>,
}

/// The challenge of PKCE by `S256`. There is no other method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeChallenge([u8; 32]);

/// What the person is to be asked, whatever is known already (`prompt`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prompt {
    /// Nothing may be asked.
    pub none: bool,
    /// To sign in. `select_account` is the same here: another account is another card.
    pub login: bool,
    /// Whether the site may know.
    pub consent: bool,
}

/// Why a request is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestFault {
    /// It cannot be told who asks, or where the answer may go: the person is told, and sent nowhere.
    Told(ToldFault),
    /// The site is told.
    Sent(ErrorAnswer),
}

/// What the person is told of a request that cannot be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ToldFault {
    /// The request cannot be read.
    #[error("the authorization request cannot be read: {0}")]
    Malformed(#[from] ParametersError),
    /// No such site is registered.
    #[error("no such client is registered")]
    UnknownClient,
    /// The site has not registered this address.
    #[error("the client has not registered this redirect_uri")]
    RedirectUri,
    /// The browser brings no request that waits, or one that waits for too long.
    #[error("no authorization request waits in this browser")]
    Over,
}

/// An error for the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorAnswer {
    /// Where it goes.
    pub redirect_uri: RedirectUri,
    /// `state` of the request.
    pub state: Option<String>,
    /// What is wrong.
    pub code: ErrorCode,
}

/// What is to be done next with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The person signs in, anew perhaps.
    SignIn,
    /// The person is asked whether the site may know.
    AskConsent,
    /// The site gets its code.
    Answer,
    /// The site gets an error.
    Refuse(ErrorCode),
}

/// What the person has said to this site's wish to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Nothing.
    NotGiven,
    /// Yes, in this session, to as much or more.
    GivenBefore,
    /// Yes, to this very request.
    GivenNow,
}

/// The end of every `request_uri` of this service is after this.
pub const PUSHED_PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// The site and the token of a query that names a request which was sent ahead (RFC 9126, clause 4). Whatever else stands
/// there does not count.
#[must_use]
pub fn pushed<'r>(query: &str, registry: &'r Registry) -> Option<(&'r Arc<Client>, Token)> {
    let parameters = Parameters::parse(query.as_bytes()).ok()?;
    let token = Token::parse(parameters.get("request_uri")?.strip_prefix(PUSHED_PREFIX)?)?;
    Some((registry.client(parameters.get("client_id")?)?, token))
}

impl AuthorizationRequest {
    /// Reads the query of a request.
    ///
    /// # Errors
    /// [`RequestFault`].
    pub fn parse(query: &str, registry: &Registry) -> Result<Self, RequestFault> {
        if query.len() > QUERY_MAX_SIZE {
            return Err(RequestFault::Told(ParametersError::TooLong.into()));
        }
        let parameters = Parameters::parse(query.as_bytes()).map_err(|error| RequestFault::Told(error.into()))?;
        let client = parameters.get("client_id").and_then(|id| registry.client(id));
        let client = client.ok_or(RequestFault::Told(ToldFault::UnknownClient))?;
        let registered = parameters.get("redirect_uri");
        let registered = client.redirect_uris.iter().find(|address| Some(address.as_str()) == registered);
        let redirect_uri = registered.ok_or(RequestFault::Told(ToldFault::RedirectUri))?;
        Self::checked(&parameters, client, redirect_uri).map_err(|code| {
            let state = echoed(&parameters, "state").ok().flatten();
            RequestFault::Sent(ErrorAnswer { redirect_uri: redirect_uri.clone(), state, code })
        })
    }

    fn checked(parameters: &Parameters, client: &Arc<Client>, redirect_uri: &RedirectUri) -> Result<Self, ErrorCode> {
        let unsupported = [
            ("request", ErrorCode::RequestNotSupported),
            ("request_uri", ErrorCode::RequestUriNotSupported),
            ("registration", ErrorCode::RegistrationNotSupported),
        ];
        if let Some((_, code)) = unsupported.into_iter().find(|(name, _)| parameters.get(name).is_some()) {
            return Err(code);
        }
        match parameters.get("response_type") {
            Some("code") => {}
            Some(_) => return Err(ErrorCode::UnsupportedResponseType),
            None => return Err(ErrorCode::InvalidRequest),
        }
        if !matches!(parameters.get("response_mode"), None | Some("query"))
            || parameters.get("code_challenge_method") != Some("S256")
        {
            return Err(ErrorCode::InvalidRequest);
        }
        let challenge = parameters.get("code_challenge").and_then(CodeChallenge::parse);
        let asked = parameters.get("claims").map_or(Ok(AskedClaims::default()), AskedClaims::parse)?;
        let scopes = Scopes::parse(parameters.get("scope").unwrap_or_default());
        let scopes = Scopes { age_over_18: scopes.age_over_18 || asked.age_over_18, ..scopes };
        if !scopes.openid || !client.scopes.contains(scopes) {
            return Err(ErrorCode::InvalidScope);
        }
        let listed = Demand::of(parameters.get("acr_values").unwrap_or_default().split_ascii_whitespace());
        Ok(Self {
            client: Arc::clone(client),
            redirect_uri: redirect_uri.clone(),
            state: echoed(parameters, "state")?,
            nonce: echoed(parameters, "nonce")?,
            scopes,
            code_challenge: challenge.ok_or(ErrorCode::InvalidRequest)?,
            code_key: parameters.get("dpop_jkt").map(code_key).transpose()?,
            prompt: Prompt::parse(parameters.get("prompt").unwrap_or_default())?,
            max_age: parameters.get("max_age").map(max_age).transpose()?,
            demand: listed.and(asked.demand),
            id_token_hint: parameters.get("id_token_hint").map(str::to_owned),
            subjects: asked.subjects,
            language: parameters.get("ui_locales").and_then(Language::first_of),
        })
    }

    /// What is to be done next. A session that began after the request did serves, however old it may be at most.
    #[must_use]
    pub fn next(
        &self,
        begun_at: OffsetDateTime,
        session: Option<&Session>,
        consent: Consent,
        highest: Assurance,
        now: OffsetDateTime,
    ) -> Next {
        let Prompt { none, login, consent: ask } = self.prompt;
        let unless_silent = |next, error| if none { Next::Refuse(error) } else { next };
        if !self.demand.is_met_by(highest) {
            let unmet = Next::Refuse(ErrorCode::UnmetAuthenticationRequirements);
            return unless_silent(unmet, ErrorCode::InteractionRequired);
        }
        let Some(session) = session else { return unless_silent(Next::SignIn, ErrorCode::LoginRequired) };
        let is_fresh = session.signed_in_at > begun_at;
        let is_old = self.max_age.is_some_and(|limit| now - session.signed_in_at > limit);
        if !is_fresh && (login || is_old) {
            return unless_silent(Next::SignIn, ErrorCode::LoginRequired);
        }
        // Only the card says it, and it was not asked in that session.
        if self.scopes.age_over_18 && session.age_over_18.is_none() {
            return unless_silent(Next::SignIn, ErrorCode::InteractionRequired);
        }
        if !self.demand.is_met_by(session.assurance) {
            // Whoever has shown a card just now has none that would serve better; an outside account may be stepped up.
            let is_final = is_fresh && session.holder().is_some();
            let next = if is_final { Next::Refuse(ErrorCode::UnmetAuthenticationRequirements) } else { Next::SignIn };
            return unless_silent(next, ErrorCode::InteractionRequired);
        }
        match consent {
            Consent::GivenNow => Next::Answer,
            Consent::GivenBefore if !ask => Next::Answer,
            Consent::GivenBefore | Consent::NotGiven => unless_silent(Next::AskConsent, ErrorCode::ConsentRequired),
        }
    }

    /// Whether it matters to the site how long ago the person has signed in.
    #[must_use]
    pub const fn wants_new_sign_in(&self) -> bool {
        self.prompt.login || self.max_age.is_some()
    }

    /// An error for the site that asked.
    #[must_use]
    pub fn error(&self, code: ErrorCode) -> ErrorAnswer {
        ErrorAnswer { redirect_uri: self.redirect_uri.clone(), state: self.state.clone(), code }
    }

    /// The address at which the site finds its code (RFC 6749, clause 4.1.2; RFC 9207).
    #[must_use]
    pub fn answer(&self, code: &str, issuer: &str) -> String {
        address(&self.redirect_uri, [("code", Some(code)), ("state", self.state.as_deref()), ("iss", Some(issuer))])
    }
}

impl ErrorAnswer {
    /// The address at which the site finds the error (RFC 6749, clause 4.1.2.1; RFC 9207).
    #[must_use]
    pub fn address(&self, issuer: &str) -> String {
        let parameters = [("error", Some(self.code.name())), ("state", self.state.as_deref()), ("iss", Some(issuer))];
        address(&self.redirect_uri, parameters)
    }
}

impl CodeChallenge {
    /// What a text that is no verifier is held against: no verifier has it, and no request may.
    pub const OF_NOTHING: Self = Self([0; 32]);

    /// Reads a challenge: 43 characters of base64url.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let challenge = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self);
        challenge.filter(|challenge| *challenge != Self::OF_NOTHING)
    }

    /// The octets that the database stores.
    #[must_use]
    pub const fn octets(&self) -> &[u8; 32] {
        &self.0
    }

    /// The challenge that was made of `verifier` (RFC 7636, clauses 4.1 and 4.2); none if it is no verifier.
    #[must_use]
    pub fn of(verifier: &str) -> Option<Self> {
        let allowed = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~".contains(&octet);
        let is_verifier = (43..=128).contains(&verifier.len()) && verifier.bytes().all(allowed);
        is_verifier.then(|| Self(sha256(verifier.as_bytes())))
    }
}

impl From<[u8; 32]> for CodeChallenge {
    fn from(octets: [u8; 32]) -> Self {
        Self(octets)
    }
}

impl Prompt {
    fn parse(text: &str) -> Result<Self, ErrorCode> {
        let mut prompt = Self::default();
        for word in text.split_ascii_whitespace() {
            match word {
                "none" => prompt.none = true,
                "login" | "select_account" => prompt.login = true,
                "consent" => prompt.consent = true,
                _ => return Err(ErrorCode::InvalidRequest),
            }
        }
        if prompt.none && (prompt.login || prompt.consent) { Err(ErrorCode::InvalidRequest) } else { Ok(prompt) }
    }
}

fn echoed(parameters: &Parameters, name: &str) -> Result<Option<String>, ErrorCode> {
    match parameters.get(name) {
        Some(text) if text.chars().count() > ECHOED_MAX_SIZE => Err(ErrorCode::InvalidRequest),
        text => Ok(text.map(str::to_owned)),
    }
}

fn code_key(text: &str) -> Result<KeyThumbprint, ErrorCode> {
    KeyThumbprint::parse(text).ok_or(ErrorCode::InvalidRequest)
}

fn max_age(text: &str) -> Result<Duration, ErrorCode> {
    let seconds = if text.bytes().all(|digit| digit.is_ascii_digit()) { text.parse::<u32>().ok() } else { None };
    seconds.map(|seconds| Duration::seconds(seconds.into())).ok_or(ErrorCode::InvalidRequest)
}

/// What the parameter `claims` asks for (OpenID Connect Core 1.0, clause 5.5). Claims that are not here go by scope, and a level
/// that is not essential is a wish.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct AskedClaims {
    demand: Demand,
    age_over_18: bool,
    /// Nobody else than one of these is to be answered about (clause 3.1.2.2).
    subjects: Option<Vec<String>>,
}

impl AskedClaims {
    fn parse(text: &str) -> Result<Self, ErrorCode> {
        let claims: Value = serde_json::from_str(text).map_err(|_| ErrorCode::InvalidRequest)?;
        let claims = claims.as_object().ok_or(ErrorCode::InvalidRequest)?;
        let of_ticket = claims.get("id_token");
        let places = [of_ticket, claims.get("userinfo")].into_iter().flatten();
        let age_over_18 = places.clone().any(|claims| claims.get(AGE_OVER_18).is_some());
        let mut levels = places.filter_map(|claims| claims.get("acr")).map(essential_acr);
        let demand = levels.try_fold(Demand::Any, |demand, level| level.map(|level| demand.and(level)))?;
        let subjects = of_ticket.and_then(|claims| claims.get("sub")).map(Wanted::of).transpose()?;
        Ok(Self { demand, age_over_18, subjects: subjects.and_then(Wanted::all) })
    }
}

/// The values that a claim may have (clause 5.5.1).
#[derive(Default)]
struct Wanted<'v> {
    one: Option<&'v str>,
    several: Option<Vec<&'v str>>,
}

impl<'v> Wanted<'v> {
    fn of(claim: &'v Value) -> Result<Self, ErrorCode> {
        let text = |value: &'v Value| value.as_str().ok_or(ErrorCode::InvalidRequest);
        let one = claim.get("value").map(text).transpose()?;
        let several = match claim.get("values") {
            None => None,
            Some(Value::Array(values)) => Some(values.iter().map(text).collect::<Result<_, _>>()?),
            Some(_) => return Err(ErrorCode::InvalidRequest),
        };
        Ok(Self { one, several })
    }

    /// All of them, if any is listed; those that both lists have, if there are two.
    fn all(self) -> Option<Vec<String>> {
        let Self { one, several } = self;
        let listed = match (one, several) {
            (None, several) => several?,
            (Some(one), Some(several)) if !several.contains(&one) => Vec::new(),
            (Some(one), _) => vec![one],
        };
        Some(listed.into_iter().map(str::to_owned).collect())
    }
}

/// What the claim `acr` demands of the level (OpenID Connect Core 1.0, clause 5.5.1.1).
fn essential_acr(acr: &Value) -> Result<Demand, ErrorCode> {
    if acr.get("essential").and_then(Value::as_bool) != Some(true) {
        return Ok(Demand::Any);
    }
    let Wanted { one, several } = Wanted::of(acr)?;
    Ok(Demand::of(one).and(Demand::of(several.unwrap_or_default())))
}

fn address<const N: usize>(redirect_uri: &RedirectUri, parameters: [(&str, Option<&str>); N]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    let registered = redirect_uri.as_str();
    let joint = if registered.contains('?') { '&' } else { '?' };
    format!("{registered}{joint}{}", query.finish())
}
