//! A card's key for terminals and its certificate are renewed: authority, terminal, client program and card are programs
//! of their own, and a person agrees at a terminal.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use latchkey_fixtures::authority::{Answered, Asked, IssuingAuthority};
use latchkey_fixtures::holders::sample_authority;
use latchkey_tests::deployed::{Attended, AttendedOrder, BackEnd, SITE, post_json};
use latchkey_tests::stage::{Cards, Portal, PortalOrder, SampleSet, free_port, give_secrets, holder};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::block_in_place;

const HOLDER: &str = "hanna-vydumanaya";

/// The authority of the sample set at a port of its own.
async fn authority() -> (u16, Arc<Mutex<IssuingAuthority>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let authority = Arc::new(Mutex::new(sample_authority(now()).unwrap()));
    let answering = Arc::clone(&authority);
    let router = Router::new().fallback(move |request: Request| {
        let authority = Arc::clone(&answering);
        async move {
            let (head, body) = request.into_parts();
            let body = to_bytes(body, 1 << 20).await.unwrap();
            let content_type = head.headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap());
            let asked = Asked { method: head.method.as_str(), path: head.uri.path(), content_type, body: &body };
            let Answered { status, content_type, body } = authority.lock().await.answer(asked, now());
            Response::builder().status(status).header(CONTENT_TYPE, content_type).body(Body::from(body)).unwrap()
        }
    });
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (port, authority)
}

#[expect(clippy::disallowed_methods, reason = "the programs have the machine's clock")]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// A page of the portal with its back end.
struct Page {
    browser: reqwest::Client,
    client: u16,
    terminal: u16,
    hreq: Value,
}

impl Page {
    fn new(client: u16, terminal: u16) -> Self {
        let browser = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { browser, client, terminal, hreq: Value::Null }
    }

    /// What a page asks the client program.
    async fn client(&self, path: &str, body: Value) -> Value {
        let address = format!("http://127.0.0.1:{}{path}", self.client);
        let sent = self.browser.post(address).header("origin", SITE).json(&body).send();
        sent.await.unwrap().json().await.unwrap()
    }

    fn terminal(&self, path: &str, mut body: Value) -> Value {
        body["hreq"] = self.hreq.clone();
        block_in_place(|| post_json(self.terminal, path, &body)).unwrap()
    }

    async fn relay(&self, step: &Value) -> Value {
        let command = json!({ "header_cmd_to_card": step["header_cmd_to_card"], "cmd_to_card": step["cmd_to_card"] });
        self.client("/api/v1/terminal_proxy_command", command).await
    }

    /// Renews to the end; or until the second confirmation, when the new key is on the card, and then calls `stop`.
    async fn renew(&mut self, mut stop: Option<&mut (dyn FnMut() + Send)>) -> Value {
        let opened = self.client("/latchkey/v1/renewal", json!({})).await;
        let begun = block_in_place(|| {
            post_json(self.terminal, "/latchkey/v1/renewals", &json!({ "certhat": opened["certhat"] }))
        });
        let begun = begun.unwrap();
        self.hreq = begun["hreq"].clone();
        let offer =
            json!({ "terminal_certificate": begun["terminal_certificate"], "cmd_to_card": begun["cmd_to_card"] });
        let mut answer = self.client("/api/v1/terminal_proxy_bauth_init", offer).await;
        loop {
            let body = json!({ "card_response": answer["card_response"] });
            let step = self.terminal("/api/v1/bauth_process", body);
            if step["is_bauth_established"] == true {
                break;
            }
            answer = self.relay(&step).await;
        }
        let mut confirmations = 0;
        let mut step = self.terminal("/latchkey/v1/renewals/start", json!({}));
        loop {
            step = match step["next"].as_str() {
                Some("command") => {
                    let answer = self.relay(&step).await;
                    if answer["err"] != "0" {
                        return answer;
                    }
                    let body = json!({ "card_response": answer["card_response"] });
                    self.terminal("/latchkey/v1/renewals/step", body)
                }
                Some("confirm") => {
                    confirmations += 1;
                    if confirmations == 2
                        && let Some(stop) = stop.take()
                    {
                        block_in_place(stop);
                    }
                    let confirmed = self.client("/latchkey/v1/renewal/confirm", json!({})).await;
                    if confirmed != json!({ "confirmed": true }) {
                        return confirmed;
                    }
                    self.terminal("/latchkey/v1/renewals/confirmed", json!({}))
                }
                _ => return step,
            }
        }
    }
}

/// What becomes of the old key is said before the PIN is asked for.
fn told_before(shown: &str, told: &str, asked: &str) {
    let (told, asked) = (shown.find(told), shown.find(asked));
    assert!(told.is_some() && told < asked, "{told:?} {asked:?} in:\n{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_has_the_key_renewed_and_a_pulled_card_is_brought_to_its_end() {
    let (authority_port, authority) = authority().await;
    let set = SampleSet::write().unwrap();
    let mut cards = Cards::start(&set, 1).unwrap();
    cards.insert(HOLDER, 1).unwrap();
    let (terminal, client) = (free_port().unwrap(), free_port().unwrap());
    let order =
        PortalOrder { terminal_port: Some(terminal), authority_port: Some(authority_port), ..PortalOrder::default() };
    let portal = block_in_place(|| Portal::start_with(&set, order)).unwrap();
    let holder = holder(HOLDER).unwrap();
    let start = |language, cards: &Cards| {
        let order = AttendedOrder { port: client, language, agreeing: Some(&holder), arguments: &[] };
        Attended::start(cards, &set, order).unwrap()
    };
    let attended = start("en", &cards);

    let mut page = Page::new(client, terminal);
    // The new key is there and has no certificate.
    let pulled = page.renew(Some(&mut || cards.remove(1).unwrap())).await;
    assert_eq!(pulled["code"], "card-removed", "{pulled}");
    told_before(&attended.end().unwrap(), "the old one will be gone for good", "6 digits");
    cards.insert(HOLDER, 1).unwrap();

    let attended = start("be", &cards);
    let renewed = page.renew(None).await;
    assert_eq!(renewed["next"], "issued", "{renewed}");
    told_before(&attended.end().unwrap(), "старога больш не будзе ніколі", "6 лічбаў");

    let attended = start("ru", &cards);
    let message = block_in_place(|| {
        let mut session = BackEnd::begin(client, terminal).unwrap();
        let data = session.read(&["dg1"]).unwrap();
        assert_eq!(data["ID"], holder.person.personal_number.as_str());
        session.sign("With the new key.").unwrap()
    });
    let certificate = openssl::base64::decode_block(renewed["certificate"].as_str().unwrap()).unwrap();
    assert!(message.windows(certificate.len()).any(|part| part == certificate), "signed with another certificate");
    attended.end().unwrap();
    drop(authority);
    let log = portal.stop().unwrap();
    assert!(log.contains("the terminal's certificate was renewed"), "the sample terminal's is near its end:\n{log}");
    assert!(!log.contains(&holder.person.personal_number), "a personal number is in the log:\n{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_renews_and_fetches_what_has_to_wait() {
    let (authority_port, authority) = authority().await;
    let set = SampleSet::write().unwrap();
    let mut cards = Cards::start(&set, 1).unwrap();
    cards.insert(HOLDER, 1).unwrap();
    let terminal = free_port().unwrap();
    let order = PortalOrder {
        terminal_port: Some(terminal),
        terminal_has_tls: true,
        authority_port: Some(authority_port),
        ..PortalOrder::default()
    };
    let _portal = block_in_place(|| Portal::start_with(&set, order)).unwrap();
    let holder = holder(HOLDER).unwrap();
    let managed = set.path().join("managed.toml");
    let root = openssl::base64::encode_block(&std::fs::read(set.path().join("cv/root.cert")).unwrap());
    let origin = format!("https://localhost:{terminal}");
    let known = format!(
        "[terminal]\nroots = [\"{root}\"]\n[[terminal.known]]\nholder = \"{}\"\norigins = [\"{origin}\"]\n",
        latchkey_fixtures::holders::SAMPLE_TERMINAL
    );
    std::fs::write(&managed, known).unwrap();
    let renew = |pin: &str| {
        let mut command = cards.client().unwrap();
        command.args(["--lang", "en", "card", "renew", &origin, "--yes", "--json", "--ca-file"]);
        command.arg(set.tls_authority()).arg("--managed").arg(&managed);
        give_secrets(&mut command, &[pin]).unwrap();
        let output = block_in_place(|| command.output()).unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        let result: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{told}"));
        (output.status.code(), result, told)
    };
    let (status, result, told) = renew("000000");
    assert_eq!((status, &result["error"]["code"]), (Some(6), &json!("pin-wrong")), "{result} {told}");
    authority.lock().await.hold_back(true);
    let (status, result, told) = renew(holder.pin);
    assert_eq!((status, &result["result"]), (Some(0), &json!("waiting")), "{told}");
    assert!(told.contains("destroy your card’s key for terminals for good"), "said before: {told}");
    authority.lock().await.hold_back(false);
    let (status, result, told) = renew(holder.pin);
    assert_eq!((status, &result["result"]), (Some(0), &json!("issued")), "{told}");
    let certificate = openssl::base64::decode_block(result["certificate"].as_str().unwrap()).unwrap();
    latchkey_crypto::x509::Certificate::from_der(&certificate).unwrap();

    let nobody = free_port().unwrap();
    let mut command = cards.client().unwrap();
    command.args(["--lang", "en", "card", "renew", &format!("https://localhost:{nobody}"), "--yes", "--json"]);
    give_secrets(&mut command, &[holder.pin]).unwrap();
    let output = block_in_place(|| command.output()).unwrap();
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["error"]["code"], "portal-unreachable", "{result}");
    assert!(!String::from_utf8(output.stderr).unwrap().contains("broken off"), "nothing was begun");
}
