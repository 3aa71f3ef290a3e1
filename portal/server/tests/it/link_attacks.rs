//! Attacks on sign-ins by link, over the network: two running services on one database, browsers that are HTTPS clients
//! with cookies of their own.

use reqwest::header::LOCATION;
use reqwest::{Client, Response};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::process::{Installation, Process};
use crate::support::ORIGIN;

/// The services and the people at them.
struct Scene {
    installation: Installation,
    services: [Process; 2],
}

impl Scene {
    fn new() -> Self {
        let installation = Installation::new();
        let services = [installation.start(), installation.start()];
        Self { installation, services }
    }

    fn browser(&self) -> Client {
        self.installation.browser()
    }

    async fn post(&self, node: usize, client: &Client, path: &str, body: String) -> Response {
        let request = client.post(self.services[node].url(path)).header("content-type", "application/json");
        request.body(body).send().await.unwrap()
    }

    async fn get(&self, node: usize, client: &Client, path: &str) -> Response {
        client.get(self.services[node].url(path)).send().await.unwrap()
    }

    /// The link that a browser is offered by the first service.
    async fn link(&self, browser: &Client) -> String {
        let answer = self.post(0, browser, "/api/v1/challenges", json!({ "via": "link" }).to_string()).await;
        let json: Value = answer.json().await.unwrap();
        json["link"].as_str().unwrap().to_owned()
    }

    /// What the holder's client program does with a link, at the second service: the path that it opens in the browser.
    async fn follow(&self, link: &str) -> String {
        let client = self.installation.client_without_cookies();
        let (_, request) = link.split_once("&request=").unwrap();
        let fetched = self.post(1, &client, &format!("/api/v1/links/{request}"), "{}".to_owned()).await;
        assert_eq!(fetched.status(), 200);
        let fetched: Value = fetched.json().await.unwrap();
        let assertion = self.installation.card().sign(ORIGIN, fetched["challenge"].as_str().unwrap());
        let signed = self.post(1, &client, fetched["assertionPath"].as_str().unwrap(), assertion).await;
        assert_eq!(signed.status(), 200);
        let signed: Value = signed.json().await.unwrap();
        signed["completionAddress"].as_str().unwrap().strip_prefix(ORIGIN).unwrap().to_owned()
    }

    async fn is_signed_in(&self, browser: &Client) -> bool {
        self.get(0, browser, "/api/v1/session").await.status() == 200
    }
}

/// Nothing is shared by the services but the database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_of_one_process_is_followed_and_completed_at_others() {
    let scene = Scene::new();
    let browser = scene.browser();
    let address = scene.follow(&scene.link(&browser).await).await;
    let completed = scene.get(1, &browser, &address).await;
    assert_eq!((completed.status().as_u16(), completed.headers()[LOCATION].to_str().unwrap()), (303, "/"));
    assert!(scene.is_signed_in(&browser).await);
}

/// The attacker asks in his browser and has the victim open the link; the victim signs; her client opens the address in
/// her own browser, whether she was at the portal before or not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_somebody_else_opens_signs_nobody_in() {
    let scene = Scene::new();
    for victim_was_there in [false, true] {
        let (attacker, victim) = (scene.browser(), scene.browser());
        if victim_was_there {
            scene.link(&victim).await;
        }
        let address = scene.follow(&scene.link(&attacker).await).await;
        assert!(!scene.is_signed_in(&attacker).await, "signed in by nothing but the victim's signature");
        let refused = scene.get(0, &victim, &address).await;
        assert_eq!(refused.status(), 403);
        assert!(refused.text().await.unwrap().contains("<code>completion-of-other-browser</code>"));
        let late = scene.get(1, &attacker, &address).await;
        assert_eq!(late.status(), 404);
        assert!(late.text().await.unwrap().contains("<code>completion-unknown</code>"));
        for browser in [&attacker, &victim] {
            assert!(!scene.is_signed_in(browser).await, "{victim_was_there}");
        }
    }
}

/// The attacker plants an address of his own sign-in in the victim's browser, to have her act under his name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_signed_in_under_the_name_of_another() {
    let scene = Scene::new();
    let (attacker, victim) = (scene.browser(), scene.browser());
    let own = scene.follow(&scene.link(&victim).await).await;
    assert_eq!(scene.get(0, &victim, &own).await.status(), 303);
    let planted = scene.follow(&scene.link(&attacker).await).await;
    assert_eq!(scene.get(0, &victim, &planted).await.status(), 403);
    assert!(scene.is_signed_in(&victim).await, "her own session goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_browsers_at_the_address_one_is_signed_in() {
    let scene = Scene::new();
    let client = scene.installation.client_without_redirects();
    let offered = scene.post(0, &client, "/api/v1/challenges", json!({ "via": "link" }).to_string()).await;
    // Sent by hand, so that the one answer that takes the cookie away spares the others nothing.
    let cookie = offered.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let offered: Value = offered.json().await.unwrap();
    let address = scene.follow(offered["link"].as_str().unwrap()).await;
    let mut completions = JoinSet::new();
    for number in 0..100 {
        let request = client.get(scene.services[number % 2].url(&address)).header("cookie", &cookie);
        completions.spawn(async move {
            let answer = request.send().await.unwrap();
            let sessions = answer.headers().get_all("set-cookie").iter();
            let sessions = sessions.filter(|cookie| cookie.to_str().unwrap().starts_with("__Host-latchkey-session="));
            (answer.status().as_u16(), sessions.count())
        });
    }
    let outcomes = completions.join_all().await;
    let count = |outcome| outcomes.iter().filter(|other| **other == outcome).count();
    assert_eq!((count((303, 1)), count((404, 0))), (1, 99), "{outcomes:?}");
}

/// What the log tells of links lets nobody follow or complete one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_of_a_link_is_in_the_log() {
    let scene = Scene::new();
    let browser = scene.browser();
    let link = scene.link(&browser).await;
    let address = scene.follow(&link).await;
    assert_eq!(scene.get(0, &browser, &address).await.status(), 303);
    for service in scene.services {
        service.signal("TERM");
        let (_, log) = service.end();
        for token in [link.split_once("&request=").unwrap().1, address.rsplit('/').next().unwrap()] {
            assert!(!log.contains(token), "{log}");
        }
    }
}
