//! People who sign in and let a site know, again and again, and write down what was acknowledged to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use latchkey_fixtures::holders::sample_holders;
use latchkey_fixtures::pki::SOFTWARE_KEY_POLICY;
use latchkey_fixtures::random::Seeded;
use rand_core::Rng as _;
use reqwest::{Client, RequestBuilder, Response, redirect};
use serde_json::{Value, json};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;
use url::Url;

use super::nodes::{Addresses, NODES, Nodes, url};
use crate::provider::world::{SECRET, SHOP, VERIFIER, form, pairs};
use crate::support::{Card, ORIGIN};

/// How long a visitor waits before trying again after he got no answer, or was told that the service cannot work now.
const PAUSE: Duration = Duration::from_millis(20);
/// No service that works needs this long, even on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// What an assertion is refused for that has served already, or that a clock has made old, forgotten or too young.
const REFUSALS: [&str; 4] =
    ["challenge-replayed", "challenge-expired", "challenge-unknown", "challenge-from-the-future"];

/// People, each with a card.
pub(super) struct Visitors {
    visits: JoinSet<Journal>,
    events: UnboundedReceiver<Event>,
    is_over: Arc<AtomicBool>,
}

/// What happened to a visitor.
enum Event {
    /// Something was acknowledged.
    Acknowledged,
    /// Nobody answered, or the answer was that the service cannot work now.
    Refused,
}

/// What was acknowledged to one visitor, and what he does not know.
#[derive(Default)]
pub(super) struct Journal {
    pub(super) person: usize,
    pub(super) is_high: bool,
    pub(super) sessions: Vec<KeptSession>,
    pub(super) grants: Vec<KeptGrant>,
    /// Sign-ins that may have been accepted, though nobody was told.
    pub(super) lost_sign_ins: usize,
}

/// A session that was acknowledged.
pub(super) struct KeptSession {
    pub(super) cookie: String,
    pub(super) fate: Fate,
}

/// Tokens that were acknowledged.
pub(super) struct KeptGrant {
    pub(super) access_token: String,
    pub(super) fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It must be there.
    Lives,
    /// It must be gone.
    Ended,
    /// An answer was lost: either is right.
    Unknown,
}

/// What became of a request.
enum Outcome {
    Answered(Response),
    /// Nobody answered, or the answer was that the service cannot work now: whether it was done is unknown.
    Unknown,
}

impl Visitors {
    /// So many visitors, who come again and again.
    pub(super) fn begin(nodes: &Nodes, visitors: usize) -> Self {
        let (told, events) = mpsc::unbounded_channel();
        let (mut visits, is_over) = (JoinSet::new(), Arc::default());
        for number in 0..visitors {
            let visitor = Visitor::new(nodes, number, told.clone());
            visits.spawn(visitor.live(Arc::clone(&is_over)));
        }
        Self { visits, events, is_over }
    }

    /// Lets them get so many acknowledgements.
    pub(super) async fn go_on_for(&mut self, acknowledgements: usize) {
        self.wait(acknowledgements, |event| matches!(event, Event::Acknowledged)).await;
    }

    /// Lets them be refused so often.
    pub(super) async fn be_refused(&mut self, times: usize) {
        self.wait(times, |event| matches!(event, Event::Refused)).await;
    }

    async fn wait(&mut self, times: usize, counts: impl Fn(&Event) -> bool) {
        // What happened before does not count.
        while self.events.try_recv().is_ok() {}
        let mut left = times;
        while left > 0 {
            let event = self.events.recv().await.expect("everybody has gone");
            left -= usize::from(counts(&event));
        }
    }

    /// Lets them come to their ends.
    pub(super) async fn end(self) -> Vec<Journal> {
        self.is_over.store(true, Ordering::Relaxed);
        self.visits.join_all().await
    }
}

struct Visitor {
    addresses: Addresses,
    client: Client,
    card: Card,
    chance: Seeded,
    told: UnboundedSender<Event>,
    journal: Journal,
}

impl Visitor {
    /// Every second one has a card whose key may be in a file: `substantial`.
    fn new(nodes: &Nodes, number: usize, told: UnboundedSender<Event>) -> Self {
        let holders = sample_holders();
        let person = number % holders.len();
        let is_high = number.is_multiple_of(2);
        let card = Card::issue(&nodes.installation.pki, |order| {
            order.person = holders[person].person.clone();
            if !is_high {
                order.policies = vec![SOFTWARE_KEY_POLICY];
            }
        });
        let client = nodes.installation.client_builder().redirect(redirect::Policy::none()).timeout(PATIENCE);
        Self {
            addresses: nodes.addresses(),
            client: client.build().unwrap(),
            card,
            chance: Seeded::new(&format!("visitor {number}")),
            told,
            journal: Journal { person, is_high, ..Journal::default() },
        }
    }

    async fn live(mut self, is_over: Arc<AtomicBool>) -> Journal {
        while !is_over.load(Ordering::Relaxed) {
            self.story().await;
        }
        self.journal
    }

    /// A sign-in; a site that is let know, and asks for other tokens; perhaps the end of the session.
    async fn story(&mut self) {
        let Some(cookie) = self.sign_in().await else { return };
        let session = self.journal.sessions.len();
        self.journal.sessions.push(KeptSession { cookie: cookie.clone(), fate: Fate::Lives });
        let granted = self.journal.grants.len();
        if let Some(code) = self.code(&cookie).await {
            self.tokens(&code).await;
        }
        if self.chance.next_u32().is_multiple_of(3) {
            let ending = |visitor: &Self, node| {
                visitor.client.delete(visitor.url(node, "/api/v1/session")).header("cookie", &cookie)
            };
            let node = self.node();
            let fate = match self.send(ending(self, node)).await {
                Outcome::Answered(answer) => {
                    assert_eq!(answer.status(), 204);
                    Fate::Ended
                }
                Outcome::Unknown => Fate::Unknown,
            };
            self.journal.sessions[session].fate = fate;
            for grant in &mut self.journal.grants[granted..] {
                if grant.fate == Fate::Lives {
                    grant.fate = fate;
                }
            }
        }
    }

    /// Presents an assertion, now and then at both nodes at once; gives the cookie of the session.
    async fn sign_in(&mut self) -> Option<String> {
        let issued = self
            .insist(|visitor, node| visitor.client.post(visitor.url(node, "/api/v1/challenges")).json(&json!({})))
            .await;
        assert_eq!(issued.status(), 201, "{:?}", issued.text().await);
        let pre = cookie_of(&issued)?;
        let issued: Value = issued.json().await.ok()?;
        let assertion = self.card.sign(ORIGIN, issued["challenge"].as_str().unwrap());
        let path = issued["assertionPath"].as_str().unwrap();
        let presenting = |visitor: &Self, node| {
            let request = visitor.client.post(visitor.url(node, path)).header("content-type", "application/json");
            request.header("cookie", &pre).body(assertion.clone())
        };
        let mut outcomes = if self.chance.next_u32().is_multiple_of(3) {
            let [one, other] = [0, 1].map(|node| presenting(self, node));
            let (one, other) = tokio::join!(self.send(one), self.send(other));
            vec![one, other]
        } else {
            let node = self.node();
            vec![self.send(presenting(self, node)).await]
        };
        // Whoever does not know tries once more, and learns what became of it.
        if !outcomes.iter().any(Outcome::is_accepted)
            && outcomes.iter().any(|outcome| matches!(outcome, Outcome::Unknown))
        {
            self.journal.lost_sign_ins += 1;
            outcomes.push(Outcome::Answered(self.insist(presenting).await));
        }
        let mut accepted = None;
        for outcome in outcomes {
            let Outcome::Answered(answer) = outcome else { continue };
            match answer.status().as_u16() {
                200 => {
                    assert!(accepted.replace(cookie_of(&answer).unwrap()).is_none(), "an assertion has served twice")
                }
                _ => {
                    let refusal: Value = answer.json().await.unwrap();
                    let code = refusal["code"].as_str().unwrap();
                    assert!(REFUSALS.contains(&code), "{refusal}");
                }
            }
        }
        accepted
    }

    /// Lets the site know, and gives its code.
    async fn code(&mut self, session: &str) -> Option<String> {
        let asking =
            |visitor: &Self, node| visitor.client.get(visitor.url(node, &SHOP.request(&[]))).header("cookie", session);
        let mut answer = self.insist(asking).await;
        if answer.status() == 200 {
            let pending = cookie_of(&answer).unwrap();
            let page = answer.text().await.ok()?;
            let Some(key) = field(&page, "key") else {
                // The clock has ended the session: the page asks for another sign-in.
                return None;
            };
            let decision =
                [("request", field(&page, "request").unwrap()), ("key", key), ("decision", "allow".to_owned())];
            let body = form(&decision.map(|(name, value)| (name.to_owned(), value)));
            let deciding = |visitor: &Self, node| {
                let request = visitor.client.post(visitor.url(node, "/authorize/decision"));
                let request = request.header("content-type", "application/x-www-form-urlencoded");
                request.header("cookie", format!("{session}; {pending}")).body(body.clone())
            };
            answer = self.insist(deciding).await;
        }
        let address = answer.headers().get("location").and_then(|address| Url::parse(address.to_str().ok()?).ok());
        address.and_then(|address| Some(address.query_pairs().find(|(name, _)| name == "code")?.1.into_owned()))
    }

    /// The site's part: exchanges the code, now and then at both nodes at once, and asks for other tokens.
    async fn tokens(&mut self, code: &str) {
        let parameters = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", SHOP.address),
            ("code_verifier", VERIFIER),
        ];
        if self.chance.next_u32().is_multiple_of(4) {
            let [one, other] = [0, 1].map(|node| self.at_token(node, &parameters));
            let (one, other) = tokio::join!(self.send(one), self.send(other));
            let both_answered = [&one, &other].iter().all(|outcome| matches!(outcome, Outcome::Answered(_)));
            assert!(!(one.is_accepted() && other.is_accepted()), "a code has served twice");
            if let Some(accepted) = [one, other].into_iter().find(Outcome::is_accepted) {
                // A code that comes twice ends what it has given.
                let fate = if both_answered { Fate::Ended } else { Fate::Unknown };
                self.keep(accepted, fate).await;
            }
            return;
        }
        let node = self.node();
        let exchanged = self.send(self.at_token(node, &parameters)).await;
        if !exchanged.is_accepted() {
            return;
        }
        let refresh_token = self.keep(exchanged, Fate::Lives).await;
        let node = self.node();
        let refreshing = self.at_token(node, &[("grant_type", "refresh_token"), ("refresh_token", &refresh_token)]);
        match self.send(refreshing).await {
            outcome if outcome.is_accepted() => {
                self.keep(outcome, Fate::Lives).await;
            }
            Outcome::Answered(answer) => {
                let refusal = answer.text().await.unwrap();
                assert!(refusal.contains("invalid_grant"), "{refusal}");
                self.last_grant().fate = Fate::Unknown;
            }
            Outcome::Unknown => {}
        }
    }

    fn last_grant(&mut self) -> &mut KeptGrant {
        self.journal.grants.last_mut().unwrap()
    }

    /// Writes tokens down; gives the one for others.
    async fn keep(&mut self, outcome: Outcome, fate: Fate) -> String {
        let Outcome::Answered(answer) = outcome else { panic!("nothing was answered") };
        let Ok(tokens) = answer.json::<Value>().await else { panic!("half an answer was acknowledged") };
        let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
        self.journal.grants.push(KeptGrant { access_token: text("access_token"), fate });
        text("refresh_token")
    }

    fn at_token(&self, node: usize, parameters: &[(&str, &str)]) -> RequestBuilder {
        let request = self.client.post(self.url(node, "/token")).basic_auth(SHOP.id, Some(encoded(SECRET)));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(form(&pairs(parameters)))
    }

    /// Sends a request until somebody answers that can work.
    async fn insist(&mut self, request: impl Fn(&Self, usize) -> RequestBuilder) -> Response {
        loop {
            let node = self.node();
            if let Outcome::Answered(answer) = self.send(request(self, node)).await {
                return answer;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn send(&self, request: RequestBuilder) -> Outcome {
        let outcome = match request.send().await {
            Ok(answer) if answer.status().as_u16() < 500 => Outcome::Answered(answer),
            Ok(answer) => {
                assert_eq!(answer.status(), 503, "{:?}", answer.text().await);
                Outcome::Unknown
            }
            Err(_) => Outcome::Unknown,
        };
        // Nobody may be listening any more.
        let _ = self.told.send(match outcome {
            Outcome::Answered(_) => Event::Acknowledged,
            Outcome::Unknown => Event::Refused,
        });
        outcome
    }

    fn node(&mut self) -> usize {
        self.chance.next_u32() as usize % NODES
    }

    fn url(&self, node: usize, path: &str) -> String {
        url(&self.addresses, node, path)
    }
}

impl Outcome {
    fn is_accepted(&self) -> bool {
        matches!(self, Self::Answered(answer) if answer.status() == 200)
    }
}

/// The first cookie that an answer sets to something.
pub(super) fn cookie_of(answer: &Response) -> Option<String> {
    let cookies = answer.headers().get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok());
    let mut set = cookies.filter(|cookie| !cookie.contains("Max-Age=0;"));
    set.next().and_then(|cookie| cookie.split(';').next()).map(str::to_owned)
}

pub(super) fn field(page: &str, name: &str) -> Option<String> {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\""))?;
    Some(rest.split('"').next()?.replace("&amp;", "&").replace("&#38;", "&"))
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
