//! Every request of a whole visit, recorded as a thief on the way would see it, and sent a hundred times more at both nodes.

use std::collections::BTreeMap;

use reqwest::{Client, Method, Response, redirect};
use serde_json::Value;
use tokio::task::JoinSet;

use super::nodes::{NODES, Nodes, Surroundings};
use super::visitors::{cookie_of, field};
use crate::process::Installation;
use crate::provider::world::{SECRET, SHOP, VERIFIER, basic, form, pairs};
use crate::support::ORIGIN;

const REPLAYS: usize = 100;

/// What each replay of each request is answered, in the order of the visit.
const ANSWERS: [&str; 8] = [
    // Another challenge, for whoever asks.
    "201",
    "409 challenge-replayed",
    // The browser is sent to the site with another code, which serves whoever has the verifier.
    "303",
    "303",
    // The second use ends what the first has given.
    "400 invalid_grant",
    "400 invalid_grant",
    "401 invalid_token",
    "204",
];

/// A request, as it was sent.
#[derive(Clone)]
struct Recorded {
    name: &'static str,
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

/// What an assertion, a code and a refresh token give, they give once; what is asked again is answered again, and changes
/// nothing; and after the end of the session nothing of it serves any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_replays_of_each_request_at_two_nodes_none_gives_anything_twice() {
    let nodes = Nodes::start(Installation::new(), Surroundings::default());
    let client = nodes.installation.client_builder().redirect(redirect::Policy::none()).build().unwrap();
    let visit = visit(&nodes, &client).await;
    let before = rows(&nodes).await;
    assert_eq!(visit.len(), ANSWERS.len());
    for (recorded, expected) in visit.iter().zip(ANSWERS) {
        let answers = replay(&nodes, &client, recorded).await;
        assert_eq!(answers, BTreeMap::from([(expected.to_owned(), REPLAYS)]), "{}", recorded.name);
    }
    let after = rows(&nodes).await;
    // The session was ended by its replayed end, and everything that hung on it with it.
    assert_eq!(before, [("sessions", 1), ("sign_ins", 1), ("grants", 1), ("tokens", 4), ("consents", 1)].map(named));
    assert_eq!(after, [("sessions", 0), ("sign_ins", 1), ("grants", 0), ("tokens", 0), ("consents", 1)].map(named));
}

fn named((name, count): (&str, i64)) -> (String, i64) {
    (name.to_owned(), count)
}

/// One visit: sign-in, consent, tokens, other tokens, who it is. The end of the session is recorded and not sent.
async fn visit(nodes: &Nodes, client: &Client) -> Vec<Recorded> {
    let json = ("content-type", "application/json".to_owned());
    let form_type = ("content-type", "application/x-www-form-urlencoded".to_owned());
    let mut visit = Vec::new();
    let mut record = |name, method, path: &str, headers: &[(&'static str, String)], body: String| {
        let recorded = Recorded { name, method, path: path.to_owned(), headers: headers.to_vec(), body };
        visit.push(recorded.clone());
        async move { recorded.send(nodes, client, 0).await }
    };
    let issued =
        record("the challenge", Method::POST, "/api/v1/challenges", std::slice::from_ref(&json), "{}".to_owned()).await;
    let pre = ("cookie", cookie_of(&issued).unwrap());
    let issued: Value = issued.json().await.unwrap();
    let assertion = nodes.installation.card().sign(ORIGIN, issued["challenge"].as_str().unwrap());
    let path = issued["assertionPath"].as_str().unwrap();
    let accepted = record("the assertion", Method::POST, path, &[json, pre], assertion).await;
    let session = cookie_of(&accepted).unwrap();
    let cookie = ("cookie", session.clone());
    let asked =
        record("the site's request", Method::GET, &SHOP.request(&[]), std::slice::from_ref(&cookie), String::new())
            .await;
    let cookies = ("cookie", format!("{session}; {}", cookie_of(&asked).unwrap()));
    let page = asked.text().await.unwrap();
    let decision = ["request", "key"].map(|name| (name.to_owned(), field(&page, name).unwrap()));
    let decision = form(&[decision.as_slice(), &pairs(&[("decision", "allow")])].concat());
    let path = "/authorize/decision";
    let decided = record("the consent", Method::POST, path, &[form_type.clone(), cookies], decision).await;
    let location = url::Url::parse(decided.headers()["location"].to_str().unwrap()).unwrap();
    let code = location.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let site = ("authorization", basic(SHOP.id, SECRET));
    let exchange = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", SHOP.address),
        ("code_verifier", VERIFIER),
    ];
    let headers = [form_type, site];
    let tokens = record("the code", Method::POST, "/token", &headers, form(&pairs(&exchange))).await;
    let tokens: Value = tokens.json().await.unwrap();
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    let tokens = record("the refresh token", Method::POST, "/token", &headers, form(&pairs(&refresh))).await;
    let tokens: Value = tokens.json().await.unwrap();
    let bearer = ("authorization", format!("Bearer {}", tokens["access_token"].as_str().unwrap()));
    let known = record("the access token", Method::GET, "/userinfo", &[bearer], String::new()).await;
    assert_eq!(known.status(), 200);
    let end = Recorded {
        name: "the end",
        method: Method::DELETE,
        path: "/api/v1/session".to_owned(),
        headers: vec![cookie],
        body: String::new(),
    };
    visit.push(end);
    visit
}

impl Recorded {
    async fn send(&self, nodes: &Nodes, client: &Client, node: usize) -> Response {
        self.request(client, &nodes.url(node, &self.path)).send().await.unwrap()
    }

    fn request(&self, client: &Client, address: &str) -> reqwest::RequestBuilder {
        let request = client.request(self.method.clone(), address).body(self.body.clone());
        self.headers.iter().fold(request, |request, (name, value)| request.header(*name, value))
    }
}

/// Status and code of each answer, and how often it came.
async fn replay(nodes: &Nodes, client: &Client, recorded: &Recorded) -> BTreeMap<String, usize> {
    let mut sending = JoinSet::new();
    for number in 0..REPLAYS {
        let request = recorded.request(client, &nodes.url(number % NODES, &recorded.path));
        sending.spawn(async move {
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            let json: Value = answer.json().await.unwrap_or_default();
            let code = json["code"].as_str().or(json["error"].as_str()).unwrap_or_default();
            format!("{status} {code}").trim_end().to_owned()
        });
    }
    let mut counts = BTreeMap::new();
    for answer in sending.join_all().await {
        *counts.entry(answer).or_default() += 1;
    }
    counts
}

async fn rows(nodes: &Nodes) -> [(String, i64); 5] {
    let numbers = [
        ("sessions", "SELECT count(*) FROM sessions"),
        ("sign_ins", "SELECT count(*) FROM sign_ins"),
        ("grants", "SELECT count(*) FROM grants"),
        ("tokens", "SELECT count(*) FROM tokens"),
        ("consents", "SELECT count(*) FROM consents"),
    ];
    let mut counted = Vec::new();
    for (name, statement) in numbers {
        counted.push((name.to_owned(), nodes.installation.number(statement).await));
    }
    counted.try_into().unwrap()
}
