//! Another site that lets people in with the portal's sign-in, by the crate `openidconnect`; and a visitor, who signs in
//! with a virtual card by a link.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use latchkey_fixtures::holders::Holder;
use openidconnect::core::{CoreClient, CoreGenderClaim, CoreIdToken, CoreJwsSigningAlgorithm, CoreResponseType};
use openidconnect::url::Url;
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalClaims, AuthenticationContextClass, AuthenticationFlow, AuthorizationCode,
    ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse,
    IssuerUrl, LogoutRequest, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier,
    PostLogoutRedirectUrl, ProviderMetadataWithLogout, RedirectUrl, RefreshToken, Scope, TokenResponse as _,
    UserInfoClaims,
};
use reqwest::Certificate;
use reqwest::redirect::Policy;
use serde::{Deserialize, Serialize};

use crate::stage::{Cards, SampleSet, give_secrets};

/// The level of a sign-in with card and PIN.
pub const HIGH: &str = "urn:latchkey:acr:high";
/// The level of one with an account of another provider.
pub const LOW: &str = "urn:latchkey:acr:low";

/// A registered site.
pub struct RelyingParty {
    metadata: ProviderMetadataWithLogout,
    http: reqwest::Client,
    id: ClientId,
    secret: ClientSecret,
    address: RedirectUrl,
}

/// A visit that was begun: what the site keeps until its visitor comes back.
pub struct Visit {
    /// Where the site sends its visitor.
    pub address: String,
    state: CsrfToken,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
}

/// What the site knows of its visitor.
#[derive(Debug)]
pub struct Known {
    /// Who it is, to this site.
    pub subject: String,
    /// How sure that is.
    pub level: String,
    /// The name in the certificate's subject; nothing of whoever has shown no card.
    pub name: String,
    /// The identification number; nothing, as above.
    pub personal_number: String,
    ticket: CoreIdToken,
    access_token: AccessToken,
    refresh_token: Option<RefreshToken>,
}

/// The portal's own claim.
#[derive(Debug, Serialize, Deserialize)]
struct PersonalNumber {
    #[serde(default)]
    personal_number: String,
}

impl AdditionalClaims for PersonalNumber {}

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

impl RelyingParty {
    /// A site that has read what the provider says of itself.
    ///
    /// # Errors
    /// If the provider cannot be reached, or says what the crate does not understand.
    pub async fn discover(issuer: &str, authority: &Path, id: &str, secret: &str, address: &str) -> Result<Self> {
        let http = http(authority)?.redirect(Policy::none()).build()?;
        let issuer = IssuerUrl::new(issuer.to_owned())?;
        let metadata = ProviderMetadataWithLogout::discover_async(issuer, &called(&http)).await?;
        Ok(Self {
            metadata,
            http,
            id: ClientId::new(id.to_owned()),
            secret: ClientSecret::new(secret.to_owned()),
            address: RedirectUrl::new(address.to_owned())?,
        })
    }

    /// Begins a visit at which the visitor must sign in at `level`.
    #[must_use]
    pub fn begin(&self, level: &str) -> Visit {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let client = self.client();
        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let (address, state, nonce) = client
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .add_scope(Scope::new("profile".to_owned()))
            .add_scope(Scope::new("personal_number".to_owned()))
            .add_auth_context_value(AuthenticationContextClass::new(level.to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        Visit { address: address.into(), state, nonce, verifier }
    }

    /// Takes the visitor back, who comes to `answer`: exchanges the code, checks the ticket, asks who it is.
    ///
    /// # Errors
    /// If the provider refuses, or the crate does not believe it.
    pub async fn finish(&self, visit: Visit, answer: &str) -> Result<Known> {
        let answer = Url::parse(answer)?;
        let parameter =
            |name: &str| answer.query_pairs().find(|(found, _)| found == name).map(|(_, it)| it.into_owned());
        ensure!(answer.as_str().starts_with(self.address.as_str()), "the visitor comes to another address");
        ensure!(parameter("state").as_deref() == Some(visit.state.secret()), "the answer is to another visit");
        ensure!(parameter("iss").as_deref() == Some(self.metadata.issuer()), "another provider answers");
        let code = parameter("code").with_context(|| format!("{:?}", parameter("error")))?;
        let client = self.client();
        let exchange = client.exchange_code(AuthorizationCode::new(code))?.set_pkce_verifier(visit.verifier);
        let tokens = exchange.request_async(&called(&self.http)).await?;
        let ticket = tokens.id_token().context("there is no ticket")?;
        let verifier = client.id_token_verifier();
        let claims = ticket.claims(&verifier, &visit.nonce)?;
        let expected =
            AccessTokenHash::from_token(tokens.access_token(), ticket.signing_alg()?, ticket.signing_key(&verifier)?)?;
        ensure!(claims.access_token_hash() == Some(&expected), "the access token belongs to another ticket");
        let known = self.ask(tokens.access_token(), claims.subject().clone()).await?;
        let name = known.name().and_then(|name| name.get(None));
        Ok(Known {
            subject: claims.subject().to_string(),
            level: claims.auth_context_ref().context("there is no level")?.to_string(),
            name: name.map(|name| name.to_string()).unwrap_or_default(),
            personal_number: known.additional_claims().personal_number.clone(),
            ticket: ticket.clone(),
            access_token: tokens.access_token().clone(),
            refresh_token: tokens.refresh_token().cloned(),
        })
    }

    /// By what the ticket of a visit is signed.
    #[must_use]
    pub fn algorithms(&self) -> &[CoreJwsSigningAlgorithm] {
        self.metadata.id_token_signing_alg_values_supported()
    }

    /// Where a visitor who signs out is sent, to sign out at the provider too and come to `afterwards`.
    ///
    /// # Errors
    /// If the provider has no such place.
    pub fn farewell(&self, known: &Known, afterwards: &str) -> Result<String> {
        let place = self.metadata.additional_metadata().end_session_endpoint.clone().context("nobody signs out")?;
        let request = LogoutRequest::from(place).set_id_token_hint(&known.ticket);
        let request = request.set_post_logout_redirect_uri(PostLogoutRedirectUrl::new(afterwards.to_owned())?);
        Ok(request.http_get_url().into())
    }

    /// Whether the provider still says who the visitor is.
    pub async fn still_knows(&self, known: &Known) -> bool {
        let subject = openidconnect::SubjectIdentifier::new(known.subject.clone());
        self.ask(&known.access_token, subject).await.is_ok()
    }

    /// Gets other tokens for the same visitor.
    ///
    /// # Errors
    /// If the provider refuses.
    pub async fn refresh(&self, known: &mut Known) -> Result<()> {
        let token = known.refresh_token.take().context("the site gets no refresh tokens")?;
        let client = self.client();
        let tokens = client.exchange_refresh_token(&token)?.request_async(&called(&self.http)).await?;
        known.access_token = tokens.access_token().clone();
        known.refresh_token = tokens.refresh_token().cloned();
        Ok(())
    }

    async fn ask(
        &self,
        token: &AccessToken,
        subject: openidconnect::SubjectIdentifier,
    ) -> Result<UserInfoClaims<PersonalNumber, CoreGenderClaim>> {
        Ok(self.client().user_info(token.clone(), Some(subject))?.request_async(&called(&self.http)).await?)
    }

    fn client(&self) -> Client {
        CoreClient::from_provider_metadata(self.metadata.clone(), self.id.clone(), Some(self.secret.clone()))
            .set_redirect_uri(self.address.clone())
    }
}

type Calling = Pin<Box<dyn Future<Output = Result<HttpResponse, Failed>> + Send>>;

/// Calls the provider as the crate asks.
fn called(http: &reqwest::Client) -> impl Fn(HttpRequest) -> Calling {
    let http = http.clone();
    move |request| {
        let http = http.clone();
        Box::pin(async move {
            let answer = http.execute(request.try_into()?).await?;
            let mut response = openidconnect::http::Response::builder().status(answer.status());
            if let Some(headers) = response.headers_mut() {
                headers.clone_from(answer.headers());
            }
            Ok(response.body(answer.bytes().await?.to_vec())?)
        })
    }
}

/// The visitor's browser, which keeps cookies.
pub struct Browser {
    http: reqwest::Client,
    portal: String,
    /// Another site that is there, to which the browser goes when it is sent.
    beside: Option<String>,
}

/// Where the browser is.
#[derive(Debug)]
pub enum Place {
    /// A page of the portal.
    Page(String),
    /// Another site, at this address.
    Elsewhere(String),
}

impl Browser {
    /// A new one.
    ///
    /// # Errors
    /// If that is no authority.
    pub fn new(authority: &Path, portal: &str) -> Result<Self> {
        let http = http(authority)?.cookie_store(true).redirect(Policy::none()).build()?;
        Ok(Self { http, portal: portal.to_owned(), beside: None })
    }

    /// The same browser, which goes to that site, too, when it is sent there.
    #[must_use]
    pub fn beside(self, origin: &str) -> Self {
        Self { beside: Some(origin.to_owned()), ..self }
    }

    /// Opens an address, and goes where the portal sends it.
    ///
    /// # Errors
    /// If the portal does not answer.
    pub async fn open(&self, address: &str) -> Result<Place> {
        self.follow(self.http.get(address)).await
    }

    /// Sends a form of the portal's page, with the hidden fields of the page that it stands on, and `button`.
    ///
    /// # Errors
    /// If the portal does not answer, or the page has no such fields.
    pub async fn press(&self, page: &str, action: &str, button: Option<(&str, &str)>) -> Result<Place> {
        let (_, form) = page.split_once(&format!("action=\"{action}\"")).context("the page has no such form")?;
        let form = form.split("</form>").next().unwrap_or_default();
        let hidden = form.split("<input type=\"hidden\" name=\"").skip(1).filter_map(|field| {
            let (name, rest) = field.split_once("\" value=\"")?;
            Some((name.to_owned(), unescaped(rest.split('"').next()?)))
        });
        let pressed = button.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut body = openidconnect::url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(hidden.chain(pressed));
        let request = self.http.post(format!("{}{action}", self.portal)).header("origin", &self.portal);
        self.follow(request.header("content-type", "application/x-www-form-urlencoded").body(body.finish())).await
    }

    /// Calls the portal as its own page's script does.
    ///
    /// # Errors
    /// If the portal refuses or does not answer.
    pub async fn call(&self, path: &str, body: &serde_json::Value) -> Result<serde_json::Value> {
        let request = self.http.post(format!("{}{path}", self.portal)).header("origin", &self.portal);
        let answer = request.header("content-type", "application/json").body(body.to_string()).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{path}: {text}");
        Ok(serde_json::from_str(&text)?)
    }

    async fn follow(&self, request: reqwest::RequestBuilder) -> Result<Place> {
        let mut answer = request.send().await?;
        while answer.status().is_redirection() {
            let location = answer.headers().get("location").context("sent nowhere")?.to_str()?;
            let address = answer.url().join(location)?;
            let origin = address.origin().ascii_serialization();
            if origin != self.portal && Some(&origin) != self.beside.as_ref() {
                return Ok(Place::Elsewhere(address.into()));
            }
            answer = self.http.get(address).send().await?;
        }
        Ok(Place::Page(answer.text().await?))
    }

    /// The link on a page of the portal, which opens the client program.
    ///
    /// # Errors
    /// If the page has none.
    pub fn link(page: &str) -> Result<String> {
        let (_, link) = page.split_once("href=\"latchkey:").context("the page has no link")?;
        Ok(format!("latchkey:{}", unescaped(link.split('"').next().unwrap_or_default())))
    }
}

impl Place {
    /// The page.
    ///
    /// # Errors
    /// If the browser is elsewhere.
    pub fn page(self) -> Result<String> {
        match self {
            Self::Page(page) => Ok(page),
            Self::Elsewhere(address) => bail!("the browser was sent to {address}"),
        }
    }

    /// The other site's address.
    ///
    /// # Errors
    /// If the browser is still at the portal.
    pub fn elsewhere(self) -> Result<String> {
        match self {
            Self::Elsewhere(address) => Ok(address),
            Self::Page(page) => bail!("the browser is still at the portal:\n{page}"),
        }
    }
}

/// Something that the client program takes for the system's browser: it writes down what it is to open.
pub struct OpenedBy {
    folder: tempfile::TempDir,
}

impl OpenedBy {
    /// Makes it.
    ///
    /// # Errors
    /// If there is no room.
    pub fn make() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("latchkey-opener-").tempdir()?;
        let script = folder.path().join("xdg-open");
        fs::write(
            &script,
            "#!/bin/sh\nprintf %s \"$1\" > \"${0%/*}/opened.new\" && mv \"${0%/*}/opened.new\" \"${0%/*}/opened\"\n",
        )?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
        Ok(Self { folder })
    }

    /// The client program, about to sign in by that link.
    ///
    /// # Errors
    /// If it is not built.
    pub fn client(&self, cards: &Cards, set: &SampleSet, link: &str) -> Result<Command> {
        self.with(cards.client()?, &set.tls_authority(), link)
    }

    /// The same, for a client program that knows where its readers are.
    ///
    /// # Errors
    /// If the path cannot be told.
    pub fn with(&self, mut client: Command, authority: &Path, link: &str) -> Result<Command> {
        client.args(["open", link, "--ca-file"]).arg(authority);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path =
            std::env::join_paths(std::iter::once(PathBuf::from(self.path())).chain(std::env::split_paths(&path)))?;
        client.env("PATH", path);
        Ok(client)
    }

    /// Lets the client program agree to everything, with the holder's PIN from a pipe.
    ///
    /// # Errors
    /// If there can be no pipe.
    pub fn unattended(client: &mut Command, holder: &Holder) -> Result<()> {
        client.arg("--yes");
        give_secrets(client, &[holder.pin])
    }

    /// The address that was to be opened.
    ///
    /// # Errors
    /// If none was.
    pub fn address(&self) -> Result<String> {
        fs::read_to_string(self.path().join("opened")).context("the client program opened nothing")
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Why the provider could not be called.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Sending(#[from] reqwest::Error),
    #[error(transparent)]
    Response(#[from] openidconnect::http::Error),
}

fn http(authority: &Path) -> Result<reqwest::ClientBuilder> {
    let authority = Certificate::from_pem(&fs::read(authority)?)?;
    Ok(reqwest::Client::builder().tls_backend_native().no_proxy().tls_certs_only([authority]))
}

fn unescaped(text: &str) -> String {
    text.replace("&#38;", "&").replace("&amp;", "&")
}
