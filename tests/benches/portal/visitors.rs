//! A person with a browser and a card, and the site that wants to know who comes.

use std::time::{Duration, Instant};

use latchkey_crypto::assertion::{Assertion, AssertionAlgorithm, ChallengeText, Origin, signed_hash};
use latchkey_crypto::bign::PrivateKey;
use latchkey_crypto::hash::HashAlgorithm;
use latchkey_fixtures::holders::sample_holders;
use latchkey_fixtures::pki::{PersonOrder, Validity};
use openssl::base64::encode_block;
use openssl::sha::sha256;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, RequestBuilder, Response};
use serde_json::Value;

use crate::service::{BACK, ORIGIN, PortalProcess, SECRET, SITE};

/// The site's secret for one visit, the same for all.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// What a visitor comes for.
#[derive(Clone, Copy)]
pub(crate) enum Visit {
    SignIn,
    /// With a connection and its handshake for each sign-in.
    SignInOnNewConnection,
    /// A sign-in, and the site learns of it.
    Ticket,
}

pub(crate) struct Visitor {
    client: Client,
    portal: String,
    certificate: Vec<u8>,
    key: PrivateKey,
}

impl Visitor {
    /// Everybody is somebody else.
    pub(crate) fn new(portal: &PortalProcess, number: usize) -> Self {
        let label = format!("visitor {number}");
        let key = portal.pki.key_of(&label);
        let validity = Validity::days_around(portal.pki.now(), -100, 100);
        let mut person = sample_holders()[0].person.clone();
        person.personal_number = format!("30{number:05}A000PB0");
        let order = PersonOrder::card_held(&person, &key.public_key(), &label, validity).unwrap();
        let certificate = portal.pki.authority().issue_to_person(&order).unwrap().der;
        let authority = Certificate::from_pem(&portal.authority).unwrap();
        let client = Client::builder().tls_backend_native().no_proxy().redirect(Policy::none());
        let client = client.tls_certs_only([authority]).build().unwrap();
        Self { client, portal: portal.address.clone(), certificate, key }
    }

    /// Agrees that the site may know, as is asked at the first visit.
    pub(crate) async fn agree(&self) {
        let (session, _) = self.sign_in(Visit::SignIn).await;
        let asked = self.ask(&session).await;
        assert_eq!(asked.status(), 200);
        let pending = cookie(&asked);
        let page = asked.text().await.unwrap();
        let hidden = |name: &str| {
            let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
            rest.split('"').next().unwrap().to_owned()
        };
        let fields = [("request", hidden("request")), ("key", hidden("key")), ("decision", "allow".to_owned())];
        let deciding = self.client.post(format!("{}/authorize/decision", self.portal));
        let deciding = deciding.header("cookie", format!("{session}; {pending}"));
        assert_eq!(send_form(deciding, &fields).await.status(), 303);
    }

    /// Comes, and tells for how long it waited for the portal to accept the sign-in.
    pub(crate) async fn come(&self, visit: Visit) -> Duration {
        let (session, waited) = self.sign_in(visit).await;
        if matches!(visit, Visit::Ticket) {
            let sent = self.ask(&session).await;
            assert_eq!(sent.status(), 303);
            let location = sent.headers()["location"].to_str().unwrap().to_owned();
            sent.bytes().await.unwrap();
            let code = location.split("code=").nth(1).unwrap().split('&').next().unwrap();
            let exchange = [
                ("grant_type", "authorization_code".to_owned()),
                ("code", code.to_owned()),
                ("redirect_uri", BACK.to_owned()),
                ("code_verifier", VERIFIER.to_owned()),
            ];
            let exchanging = self.client.post(format!("{}/token", self.portal)).basic_auth(SITE, Some(SECRET));
            let tokens: Value = send_form(exchanging, &exchange).await.json().await.unwrap();
            assert!(tokens["id_token"].is_string(), "{tokens}");
        }
        waited
    }

    async fn ask(&self, session: &str) -> Response {
        let challenge = encode_block(&sha256(VERIFIER.as_bytes())).replace('+', "-").replace('/', "_");
        let challenge = challenge.trim_end_matches('=');
        let address = format!(
            "{}/authorize?client_id={SITE}&redirect_uri={BACK}&response_type=code&scope=openid%20profile\
             &state=s&nonce=n&code_challenge={challenge}&code_challenge_method=S256",
            self.portal
        );
        self.client.get(address).header("cookie", session).send().await.unwrap()
    }

    /// Gives the cookie of the session, and for how long the portal let its visitor wait.
    async fn sign_in(&self, visit: Visit) -> (String, Duration) {
        let begun = Instant::now();
        let ask = self.client.post(format!("{}/api/v1/challenges", self.portal));
        let issued = ask.header("content-type", "application/json").body("{}").send().await.unwrap();
        let pre = cookie(&issued);
        let issued: Value = issued.json().await.unwrap();
        let waited = begun.elapsed();
        let address = format!("{}{}", self.portal, issued["assertionPath"].as_str().unwrap());
        let assertion = self.sign(issued["challenge"].as_str().unwrap());
        let begun = Instant::now();
        let present = self.client.post(address).header("content-type", "application/json").header("cookie", pre);
        let present = match visit {
            Visit::SignInOnNewConnection => present.header("connection", "close"),
            Visit::SignIn | Visit::Ticket => present,
        };
        let answer = present.body(assertion).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let session = cookie(&answer);
        // Read whole, so that the connection can serve again.
        answer.bytes().await.unwrap();
        (session, waited + begun.elapsed())
    }

    fn sign(&self, challenge: &str) -> String {
        let algorithm = AssertionAlgorithm::Bign(HashAlgorithm::BeltHash);
        let (origin, challenge) = (Origin::parse(ORIGIN).unwrap(), ChallengeText::parse(challenge).unwrap());
        let hash = signed_hash(algorithm, &origin, &challenge).try_into().unwrap();
        let signature = self.key.sign_hash(&hash).to_vec();
        let agent = "https://client.example/benchmark".to_owned();
        Assertion::new(self.certificate.clone(), algorithm, signature, agent).unwrap().to_json()
    }
}

async fn send_form(request: RequestBuilder, fields: &[(&str, String)]) -> Response {
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    request.body(form(fields)).send().await.unwrap()
}

fn form(fields: &[(&str, String)]) -> String {
    openidconnect::url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// The first cookie that an answer sets to something.
fn cookie(answer: &Response) -> String {
    let cookies = answer.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
    let mut set = cookies.filter(|cookie| !cookie.contains("Max-Age=0;"));
    set.next().unwrap().split(';').next().unwrap().to_owned()
}
