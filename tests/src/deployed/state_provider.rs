//! The state's log-in, as far as it is known: the provider's site with a terminal of its own, and the program that the
//! provider supplies to relying parties, which does all cryptography for them. OpenID Connect with a code and its verifier;
//! what the authorisation address says is signed. That the real one envelopes it as well is between that program and the
//! provider, and nobody else sees a difference.

use std::collections::HashMap;
use std::fs;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use anyhow::{Context as _, Result, bail};
use latchkey_fixtures::holders::sample_pki;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::page::{page, pass_on};
use super::post_json;
use crate::desktop::{Answered, Asked, Site};
use crate::stage::SampleSet;

/// The provider at work.
#[derive(Debug)]
pub struct StateProvider {
    site: Site,
    desk: Arc<Desk>,
}

/// The program that a relying party runs beside its own. Clones are the same program.
#[derive(Debug, Clone)]
pub struct RelyingPartysProgram(Arc<Desk>);

/// What the provider remembers.
#[derive(Debug)]
struct Desk {
    origin: OnceLock<String>,
    terminal_port: u16,
    signer: Vec<u8>,
    /// What relying parties have asked for, by the signed request in the authorisation address.
    asked: Mutex<HashMap<String, Login>>,
    /// Who was identified and not fetched yet, by the parameter that the browser brings back.
    identified: Mutex<HashMap<String, (Login, Value)>>,
    /// Sessions, by their token.
    sessions: Mutex<HashMap<String, Value>>,
}

/// A log-in that has begun.
#[derive(Debug, Clone)]
struct Login {
    redirect: String,
    code_challenge: String,
}

impl StateProvider {
    /// Starts it with a terminal and with visitors whose client program listens at `client_port`.
    ///
    /// # Errors
    /// If the sample set is incomplete or there is no port.
    pub fn start(set: &SampleSet, terminal_port: u16, client_port: u16) -> Result<Self> {
        let desk = Arc::new(Desk {
            origin: OnceLock::new(),
            terminal_port,
            signer: fs::read(set.path().join("pki/operator.cert.der"))?,
            asked: Mutex::default(),
            identified: Mutex::default(),
            sessions: Mutex::default(),
        });
        let page = page(include_str!("state-provider.html"), client_port);
        let answering = Arc::clone(&desk);
        let site = Site::start(set, move |asked| answering.answer(asked, &page))?;
        desk.origin.set(site.origin()).ok();
        Ok(Self { site, desk })
    }

    /// Its origin, as browsers report it.
    #[must_use]
    pub fn origin(&self) -> String {
        self.site.origin()
    }

    /// What it supplies to a relying party.
    #[must_use]
    pub fn program(&self) -> RelyingPartysProgram {
        RelyingPartysProgram(Arc::clone(&self.desk))
    }

    /// What its back end answers to whoever calls its terminal through it: it cannot tell its own page from others.
    pub fn terminal(&self) -> impl Fn(&[u8]) -> Answered + Send + Sync + 'static {
        let terminal_port = self.desk.terminal_port;
        move |body| pass_on(body, terminal_port)
    }

    /// How many people it has identified whom nobody has fetched, and how many are logged in.
    #[must_use]
    pub fn people(&self) -> (usize, usize) {
        (lock(&self.desk.identified).len(), lock(&self.desk.sessions).len())
    }
}

impl RelyingPartysProgram {
    /// Answers at one of its addresses.
    ///
    /// # Errors
    /// If a value is missing, or what was brought back is not this log-in's.
    pub fn call(&self, path: &str, data: &Value) -> Result<Value> {
        match path {
            "/api/v2/login" => self.0.login(data),
            "/api/v2/login_callback" => self.0.callback(data),
            "/api/v2/logout" => self.0.logout(data),
            _ => bail!("there is nothing at {path}"),
        }
    }
}

impl Desk {
    fn login(&self, data: &Value) -> Result<Value> {
        let settings = &data["settings"];
        let code_verifier = random()?;
        let login = Login { redirect: text(settings, "redirect_uri")?, code_challenge: hashed(&code_verifier) };
        let mut asked = settings.clone();
        asked["code_challenge"] = login.code_challenge.as_str().into();
        let address = url_safe(&self.signed(&asked)?);
        lock(&self.asked).insert(address.clone(), login);
        Ok(json!({
            "signed_data_to_check_in_cp": openssl::base64::encode_block(&self.signed(settings)?),
            "code_verifier": code_verifier,
            "enveloped_and_signed_auth_url": format!("{}/auth?request={address}", self.origin()),
        }))
    }

    fn callback(&self, data: &Value) -> Result<Value> {
        let found = lock(&self.identified).remove(&text(data, "params")?);
        let (login, person) = found.context("nobody was identified")?;
        if hashed(&text(data, "code_verifier")?) != login.code_challenge {
            bail!("another browser has begun this log-in");
        }
        let id_token = random()?;
        let userinfo = json!({
            "surname": person["RU:_Family_name"],
            "name": person["RU:_Given_name"],
            "givenName": person["RU:_Middle_name"],
            "serialNumber": person["ID"],
        });
        lock(&self.sessions).insert(id_token.clone(), userinfo.clone());
        Ok(json!({ "id_token": id_token, "userinfo": userinfo }))
    }

    fn logout(&self, data: &Value) -> Result<Value> {
        let (token, back) = (text(data, "id_token")?, text(data, "post_logout_redirect_uri")?);
        let address = format!("{}/session/end?id_token_hint={token}&post_logout_redirect_uri={back}", self.origin());
        Ok(json!({ "address": address }))
    }

    fn answer(&self, Asked { method, path, body, .. }: &Asked, page: &str) -> Answered {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        match (method.as_str(), path) {
            ("GET", "/auth") if lock(&self.asked).contains_key(parameter(query, "request")) => Answered::page(page),
            ("POST", "/terminal") => pass_on(body, self.terminal_port),
            ("POST", "/identified") => match self.identified(body) {
                Ok(address) => Answered::json(&json!({ "address": address })),
                Err(_) => Answered::nothing(),
            },
            ("GET", "/session/end") => {
                lock(&self.sessions).remove(parameter(query, "id_token_hint"));
                Answered::redirect(parameter(query, "post_logout_redirect_uri"))
            }
            _ => Answered::nothing(),
        }
    }

    /// Fetches what the terminal has read, and says where the browser takes that.
    fn identified(&self, body: &[u8]) -> Result<String> {
        let told: Value = serde_json::from_slice(body)?;
        let session = json!({ "hreq": told["hreq"] });
        let mut found = post_json(self.terminal_port, "/api/v1/request_dg", &session)?;
        if found["assurance"].is_null() {
            bail!("the terminal identified nobody");
        }
        post_json(self.terminal_port, "/api/v1/bauth_logout", &session)?;
        let login = lock(&self.asked).remove(&text(&told, "request")?).context("nobody has asked")?;
        let (data, redirect) = (random()?, login.redirect.clone());
        lock(&self.identified).insert(data.clone(), (login, found["personal_data"].take()));
        Ok(format!("{redirect}?data={data}"))
    }

    #[expect(clippy::disallowed_methods, reason = "it is signed now")]
    fn signed(&self, contents: &Value) -> Result<Vec<u8>> {
        let pki = sample_pki(OffsetDateTime::now_utc())?;
        Ok(pki.signed_by_operator(&self.signer, contents.to_string().as_bytes())?)
    }

    fn origin(&self) -> &str {
        self.origin.get().map_or("", String::as_str)
    }
}

fn text(data: &Value, name: &str) -> Result<String> {
    data[name].as_str().map(str::to_owned).with_context(|| format!("{name} is missing"))
}

fn parameter<'query>(query: &'query str, name: &str) -> &'query str {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next().unwrap_or_default()
}

fn random() -> Result<String> {
    let mut octets = [0; 32];
    openssl::rand::rand_bytes(&mut octets)?;
    Ok(url_safe(&octets))
}

/// By which a code's verifier is told (RFC 7636, clause 4.2).
fn hashed(code_verifier: &str) -> String {
    url_safe(&openssl::sha::sha256(code_verifier.as_bytes()))
}

fn url_safe(octets: &[u8]) -> String {
    openssl::base64::encode_block(octets).trim_end_matches('=').replace('+', "-").replace('/', "_")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
