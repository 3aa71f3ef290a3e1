//! The local HTTP service as pages meet it: what is refused before anything happens, and what a sign-in looks like.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use latchkey_agent::Failure;
use latchkey_client::desk::{HOLDER_TIME, OPEN_REQUESTS_OF_SITE, Phase, RequestFailure, SitesOfThisRun};
use latchkey_client::service::{
    AskedSignIn, BODY_MAX_SIZE, CONNECTIONS, Listeners, PortOwner, REMEMBERED_REQUESTS, REQUESTS_UNDER_WAY_OF_SITE,
    ServiceFailure, ServiceRefusal, description,
};
use latchkey_crypto::assertion::{Assertion, ChallengeText, Origin, signed_hash};
use latchkey_crypto::x509::Certificate;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use crate::desk::asking_for_pin;
use crate::holder::{Holder, Reply};
use crate::readers::NOW;
use crate::sites::{Developers, Forbids};
use crate::wire::{Answering, CHALLENGE, PORTAL, REQUEST, Request, Served, Strangers, sign_in_body};

const STATUS: &str = "/latchkey/v1/status";
const SIGN_IN: &str = "/latchkey/v1/sign-in";
const OTHER: &str = "https://other.example";

fn of_request(id: &str, what: &str) -> String {
    format!("/latchkey/v1/requests/{id}/{what}")
}

/// Another name of a request.
fn other_id(number: usize) -> String {
    format!("7f0c6a5e-0c8a-4a58-9a0e-{number:012x}")
}

#[tokio::test]
async fn before_consent_a_page_learns_that_the_program_answers_and_nothing_else() {
    let served = Served::start();
    let answer = served.ask(Request::get(STATUS)).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "program": "latchkey", "api": ["v1"] })));
    assert_eq!(answer.header("access-control-allow-origin"), Some(PORTAL));
    assert!(answer.header("vary").unwrap().contains("origin"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
    assert!(answer.header("server").is_none());
}

#[tokio::test]
async fn a_page_signs_its_holder_in() {
    let mut served = Served::start();
    served.scene.holder.replies([Reply::pin()]);
    let mut page = served.sign_in(REQUEST).await;
    let request = served.scene.first(|request| request.phase == Phase::AskHandOver).await;
    assert_eq!((request.origin.as_str(), request.says_it_is.as_deref()), (PORTAL, Some("A portal")));
    served.scene.desk.agree(request.id);
    let answer = page.answer().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("access-control-allow-origin"), Some(PORTAL));
    assert!(verifies(&answer.json()["assertion"], PORTAL, CHALLENGE));
    assert!(!verifies(&answer.json()["assertion"], OTHER, CHALLENGE));
    let done = served.ask(Request::get(&of_request(REQUEST, "progress?after=99"))).await;
    assert_eq!(done.json()["phase"], "done");
    let repeated = served.ask(Request::post(SIGN_IN, &sign_in_body(REQUEST))).await;
    assert_eq!((repeated.status, repeated.code().as_str()), (409, "request-repeated"));
}

/// Whether the assertion is over that origin and that challenge.
fn verifies(assertion: &Value, origin: &str, challenge: &str) -> bool {
    let assertion = Assertion::parse(assertion.to_string().as_bytes()).unwrap();
    let certificate = Certificate::from_der(assertion.unverified_certificate()).unwrap();
    let (origin, challenge) = (Origin::parse(origin).unwrap(), ChallengeText::parse(challenge).unwrap());
    let hash = signed_hash(assertion.algorithm(), &origin, &challenge);
    certificate.public_key().verify_hash(assertion.algorithm(), &hash, assertion.signature()).is_ok()
}

/// What another portal's card would have to sign, handed in as a challenge in every size that fits.
#[tokio::test]
async fn hashes_handed_in_as_a_challenge_sign_in_nowhere() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use latchkey_crypto::belt;
    let (victim, victims_challenge) = ("https://victim.example", CHALLENGE);
    let of_origin = belt::hash(&[victim.as_bytes()]);
    let of_challenge = belt::hash(&[victims_challenge.as_bytes()]);
    let both = [of_origin, of_challenge].concat();
    let signed = belt::hash(&[&both]).to_vec();
    for (name, octets) in [("both hashes", both), ("the hash that is signed", signed)] {
        let mut served = Served::start();
        served.scene.holder.replies([Reply::pin()]);
        let challenge = STANDARD.encode(octets);
        let body = json!({ "requestId": REQUEST, "challenge": challenge }).to_string();
        let mut page = served.send(Request::post(SIGN_IN, &body)).await;
        let number = served.scene.phase(Phase::AskHandOver).await;
        served.scene.desk.agree(number);
        let assertion = &page.answer().await.json()["assertion"];
        assert!(verifies(assertion, PORTAL, &challenge), "{name}");
        assert!(!verifies(assertion, victim, victims_challenge), "{name}");
        assert!(!verifies(assertion, victim, &challenge), "{name}");
    }
}

#[tokio::test]
async fn both_addresses_of_this_computer_answer_under_their_names() {
    let served = Served::start();
    let port = served.port;
    for host in [format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!("[::1]:{port}")] {
        assert_eq!(served.ask(Request::get(STATUS).with("Host", &host)).await.status, 200, "{host}");
    }
    let Ok(mut stream) = tokio::net::TcpStream::connect(("::1", port)).await else { return };
    let request = Request::get(STATUS).with("Host", &format!("[::1]:{port}"));
    stream.write_all(request.text(port).as_bytes()).await.unwrap();
    assert_eq!(Answering(stream).answer().await.status, 200);
}

#[tokio::test]
async fn another_host_is_refused() {
    let served = Served::start();
    let port = served.port;
    let hosts = [
        format!("rebound.example:{port}"),
        "127.0.0.1".to_owned(),
        format!("127.0.0.1:{}", port.wrapping_add(1)),
        format!("127.0.0.1:{port}.example"),
        format!("127.0.0.2:{port}"),
        format!("localhost.:{port}"),
        format!("LOCALHOST:{port}"),
        format!("[::ffff:127.0.0.1]:{port}"),
        String::new(),
    ];
    for host in &hosts {
        let answer = served.ask(Request::get(STATUS).with("Host", host)).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "host-refused"), "{host}");
        assert!(answer.header("access-control-allow-origin").is_none());
    }
    let good = format!("127.0.0.1:{port}");
    let twice = served.ask(Request::get(STATUS).with("Host", &good).and("Host", &good)).await;
    assert_eq!(twice.code(), "host-refused");
}

#[tokio::test]
async fn only_pages_of_https_sites_are_listened_to() {
    let mut served = Served::start();
    let refused = [
        "null",
        "http://portal.example",
        "http://127.0.0.1:3000",
        "http://localhost",
        "https://portal.example/",
        "https://portal.example:443",
        "HTTPS://PORTAL.EXAMPLE",
        "https://portal.example https://other.example",
        "https://user@portal.example",
        "https://",
        "ftp://portal.example",
        "moz-extension://3c1b2f3e",
        "*",
        "",
    ];
    let body = sign_in_body(REQUEST);
    for origin in refused {
        for request in [Request::post(SIGN_IN, &body), Request::get(STATUS), Request::get(STATUS).method("OPTIONS")] {
            let answer = served.ask(request.with("Origin", origin)).await;
            assert_eq!((answer.status, answer.code().as_str()), (403, "origin-refused"), "{origin}");
            assert!(answer.header("access-control-allow-origin").is_none(), "{origin}");
        }
    }
    let twice = served.ask(Request::post(SIGN_IN, &body).and("Origin", PORTAL)).await;
    assert_eq!(twice.code(), "origin-refused");
    let missing = served.ask(Request::post(SIGN_IN, &body).without("Origin")).await;
    assert_eq!((missing.status, missing.code().as_str()), (403, "origin-missing"));
    served.scene.empty().await;
}

#[tokio::test]
async fn a_browser_may_ask_first() {
    let served = Served::start();
    let ask = || Request::get(SIGN_IN).method("OPTIONS").and("Access-Control-Request-Method", "POST");
    let answer = served.ask(ask().and("Access-Control-Request-Headers", "content-type,authorization")).await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    assert_eq!(answer.header("access-control-allow-origin"), Some(PORTAL));
    assert_eq!(answer.header("access-control-allow-methods"), Some("GET, POST, OPTIONS"));
    assert_eq!(answer.header("access-control-allow-headers"), Some("content-type,authorization"));
    assert!(answer.header("access-control-allow-private-network").is_none());
    assert!(answer.header("access-control-allow-credentials").is_none());

    let answer = served.ask(ask().and("Access-Control-Request-Private-Network", "true")).await;
    assert_eq!(answer.header("access-control-allow-private-network"), Some("true"));
    for headers in ["*", "content-type;x", &"a".repeat(600)] {
        let answer = served.ask(ask().and("Access-Control-Request-Headers", headers)).await;
        assert!(answer.header("access-control-allow-headers").is_none(), "{headers}");
    }
    for method in ["DELETE", "PUT", "*"] {
        let answer = served.ask(ask().with("Access-Control-Request-Method", method)).await;
        assert_eq!((answer.status, answer.code().as_str()), (405, "method-not-allowed"), "{method}");
    }
}

#[tokio::test]
async fn forms_navigations_and_sockets_get_nowhere() {
    let mut served = Served::start();
    for mode in ["navigate", "no-cors", "same-origin", "websocket"] {
        let answer = served.ask(Request::get(STATUS).with("Sec-Fetch-Mode", mode)).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "navigation-refused"), "{mode}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(PORTAL));
    }
    let socket =
        Request::get(STATUS).without("Sec-Fetch-Mode").and("Connection", "Upgrade").and("Upgrade", "websocket");
    let answer = served.ask(socket.and("Sec-WebSocket-Key", "x").and("Sec-WebSocket-Version", "13")).await;
    assert_eq!(answer.code(), "navigation-refused");

    let body = sign_in_body(REQUEST);
    for kind in [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "text/plain; x=application/json",
        "application/json; charset=utf-16",
        "application/jsonp",
        "",
    ] {
        let answer = served.ask(Request::post(SIGN_IN, &body).with("Content-Type", kind)).await;
        assert_eq!((answer.status, answer.code().as_str()), (415, "content-type-refused"), "{kind}");
    }
    let answer = served.ask(Request::post(SIGN_IN, &body).without("Content-Type")).await;
    assert_eq!(answer.code(), "content-type-refused");
    served.scene.empty().await;
}

#[tokio::test]
async fn a_body_that_is_not_what_was_agreed_is_refused() {
    let mut served = Served::start();
    let good = sign_in_body(REQUEST);
    let field = |name: &str, value: Value| {
        let mut body: Value = serde_json::from_str(&good).unwrap();
        body[name] = value;
        body.to_string()
    };
    for kept in 0..good.len() {
        assert!(AskedSignIn::parse(&good.as_bytes()[..kept]).is_err(), "the first {kept} octets were accepted");
    }
    let bodies = [
        good[..good.len() - 1].to_owned(),
        "[]".to_owned(),
        format!("[\"{REQUEST}\",\"{CHALLENGE}\",null]"),
        format!("{good}{good}"),
        good.replacen('{', "{\"challenge\":\"x\",", 1),
        field("more", json!(1)),
        field("challenge", json!("AAEC")),
        field("challenge", json!(CHALLENGE.replace('=', ""))),
        field("challenge", json!("A".repeat(132))),
        field("challenge", json!([1, 2])),
        field("requestId", json!("")),
        field("requestId", json!(REQUEST.to_uppercase())),
        field("requestId", json!(format!("{REQUEST}0"))),
        field("requestId", json!("7f0c6a5e-0c8a-4a58-9a0e3d0f6f1f5c111")),
        field("portalName", json!("x".repeat(201))),
        field("portalName", json!({})),
    ];
    for body in &bodies {
        let answer = served.ask(Request::post(SIGN_IN, body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "body-malformed"), "{body}");
    }
    served.scene.empty().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_however_it_comes() {
    let served = Served::start();
    let large = "x".repeat(BODY_MAX_SIZE + 1);
    let announced = served.ask(Request::post(SIGN_IN, &large)).await;
    assert_eq!((announced.status, announced.code().as_str()), (413, "body-too-large"));
    let in_parts = format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
    let request = Request::post(SIGN_IN, &in_parts).without("Content-Length").and("Transfer-Encoding", "chunked");
    assert_eq!(served.ask(request).await.code(), "body-too-large");
    let merely_announced = Request::post(SIGN_IN, "{").with("Content-Length", "99999999999");
    assert_eq!(served.ask(merely_announced).await.code(), "body-too-large");
}

#[tokio::test(start_paused = true)]
async fn who_sends_slowly_is_not_waited_for() {
    let served = Served::start();
    let body = sign_in_body(REQUEST);
    let half = Request::post(SIGN_IN, &body[..40]).with("Content-Length", &body.len().to_string());
    let answer = served.ask(half).await;
    assert_eq!((answer.status, answer.code().as_str()), (408, "request-timeout"));

    for beginning in ["", "GET /latchkey/v1/sta"] {
        let mut stream = served.connect().await;
        stream.write_all(beginning.as_bytes()).await.unwrap();
        let mut said = Vec::new();
        // Hung up on, with or without a word.
        stream.read_to_end(&mut said).await.ok();
        assert!(!String::from_utf8_lossy(&said).contains("200 OK"));
    }
}

#[tokio::test]
async fn connections_that_say_nothing_are_tolerated_and_bounded() {
    let served = Served::start();
    let mut silent = Vec::new();
    for _ in 0..CONNECTIONS / 2 {
        silent.push(served.connect().await);
    }
    assert_eq!(served.ask(Request::get(STATUS)).await.status, 200);
    for _ in 0..CONNECTIONS {
        silent.push(served.connect().await);
    }
    // Nobody is let in who comes after those, until some of them leave.
    let mut late = served.send(Request::get(STATUS)).await;
    assert!(tokio::time::timeout(Duration::from_millis(300), late.0.readable()).await.is_err());
    silent.clear();
    assert_eq!(late.answer().await.status, 200);
}

#[tokio::test]
async fn what_is_not_there_is_said_so() {
    let served = Served::start();
    for path in
        ["/", "/latchkey/v1", "/latchkey/v1/", "/latchkey/v2/status", "/status", "/select_auth/", "/favicon.ico"]
    {
        let answer = served.ask(Request::get(path)).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "not-found"), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(PORTAL));
    }
    let progress = of_request(REQUEST, "progress");
    for (method, path) in
        [("POST", STATUS), ("GET", SIGN_IN), ("DELETE", SIGN_IN), ("POST", &progress), ("HEAD", SIGN_IN)]
    {
        let answer = served.ask(Request::get(path).method(method).with("Content-Length", "0"));
        // A HEAD has a head only.
        if method != "HEAD" {
            let answer = answer.await;
            assert_eq!((answer.status, answer.code().as_str()), (405, "method-not-allowed"), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn pages_that_call_together_queue_and_see_how_far_they_are() {
    let mut served = Served::start();
    let mut first = served.sign_in(REQUEST).await;
    let number = served.scene.phase(Phase::AskHandOver).await;
    let (id, second_body) = (other_id(1), sign_in_body(&other_id(1)));
    let mut second = served.send(Request::post(SIGN_IN, &second_body).with("Origin", OTHER)).await;
    served.scene.sites(&[PORTAL, OTHER]).await;
    let path = of_request(&id, "progress");
    let now = served.ask(Request::get(&path).with("Origin", OTHER)).await.json();
    assert_eq!(now, json!({ "step": 0, "phase": "waiting-in-line" }));
    let path = of_request(&id, "progress?after=0");
    let mut poll = served.send(Request::get(&path).with("Origin", OTHER)).await;

    served.scene.holder.replies([Reply::pin()]);
    served.scene.desk.agree(number);
    assert_eq!(first.answer().await.status, 200);
    let news = poll.answer().await.json();
    assert_eq!((&news["step"], &news["phase"]), (&json!(1), &json!("asking-holder")));
    let number = served.scene.first(|request| request.origin == OTHER).await.id;
    served.scene.desk.refuse(number);
    let answer = second.answer().await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "holder-refused"));
    let again = sign_in_body(&other_id(2));
    let answer = served.ask(Request::post(SIGN_IN, &again).with("Origin", OTHER)).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "refused-today"));
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_without_news_is_answered_all_the_same() {
    let mut served = Served::start();
    let page = served.sign_in(REQUEST).await;
    served.scene.phase(Phase::AskHandOver).await;
    let begun = Instant::now();
    let answer = served.ask(Request::get(&of_request(REQUEST, "progress?after=7"))).await;
    assert_eq!(answer.json()["phase"], "asking-holder");
    assert_eq!(begun.elapsed().as_secs(), 50);
    for query in ["after=x", "after=-1", "after=1&after=2", "before=1", "after=4294967296"] {
        let answer = served.ask(Request::get(&of_request(REQUEST, &format!("progress?{query}")))).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "body-malformed"), "{query}");
    }
    drop(page);
}

#[tokio::test]
async fn a_request_belongs_to_its_site() {
    let mut served = Served::start();
    let mut page = served.sign_in(REQUEST).await;
    served.scene.phase(Phase::AskHandOver).await;
    let unknown = other_id(9);
    for (origin, id) in [(OTHER, REQUEST), (PORTAL, unknown.as_str()), (PORTAL, "x"), (PORTAL, "%00")] {
        for request in [
            Request::get(&of_request(id, "progress")),
            Request::post(&of_request(id, "cancel"), "{}"),
            Request::post(&of_request(id, "card-removed"), "{}"),
        ] {
            let answer = served.ask(request.with("Origin", origin)).await;
            assert_eq!((answer.status, answer.code().as_str()), (404, "request-unknown"), "{origin} {id}");
        }
    }
    // Another site may use the same name for a request of its own.
    let mut theirs = served.send(Request::post(SIGN_IN, &sign_in_body(REQUEST)).with("Origin", OTHER)).await;
    served.scene.sites(&[PORTAL, OTHER]).await;
    let path = of_request(REQUEST, "cancel");
    let cancelled = served.ask(Request::post(&path, "{}").with("Origin", OTHER)).await;
    assert_eq!(cancelled.json(), json!({ "cancelled": true }));
    assert_eq!(theirs.answer().await.code(), "request-taken-back");
    served.scene.sites(&[PORTAL]).await;
    let cancelled = served.ask(Request::post(&path, "{}")).await;
    assert_eq!(cancelled.status, 200);
    let answer = page.answer().await;
    assert_eq!((answer.status, answer.code().as_str()), (409, "request-taken-back"));
    served.scene.empty().await;
}

#[tokio::test]
async fn a_closed_tab_takes_its_request_back_and_the_card_is_reset() {
    let mut served = Served::start();
    let asked = served.sign_in(REQUEST).await;
    served.scene.phase(Phase::AskHandOver).await;
    let waiting = served.sign_in(&other_id(1)).await;
    served.scene.sites(&[PORTAL, PORTAL]).await;
    drop(waiting);
    served.scene.sites(&[PORTAL]).await;
    drop(asked);
    served.scene.empty().await;

    let at_the_pin = served.sign_in(&other_id(2)).await;
    let number = served.scene.phase(Phase::AskHandOver).await;
    served.scene.desk.agree(number);
    served.scene.phase(asking_for_pin()).await;
    drop(at_the_pin);
    served.scene.empty().await;
    served.scene.holder.until_card_was_reset().await;
    let over = served.ask(Request::get(&of_request(&other_id(2), "progress"))).await;
    assert_eq!(over.json()["phase"], "done");
}

#[tokio::test]
async fn a_tab_that_is_closed_while_the_card_signs_gets_nothing() {
    let (holder, signing) = Holder::with_slow_card();
    let mut served = Served::with(
        holder,
        Arc::new(SitesOfThisRun::new(|| NOW)),
        Arc::new(latchkey_client::service::CallersOfSystem),
    );
    served.scene.holder.replies([Reply::pin()]);
    let page = served.sign_in(REQUEST).await;
    let number = served.scene.phase(Phase::AskHandOver).await;
    served.scene.desk.agree(number);
    served.scene.phase(Phase::Signing).await;
    drop(page);
    served.scene.empty().await;
    drop(signing);
    served.scene.holder.until_card_was_reset().await;
    served.scene.empty().await;
}

#[tokio::test(start_paused = true)]
async fn a_page_is_told_that_nobody_acted() {
    let served = Served::start();
    let begun = Instant::now();
    let answer = served.ask(Request::post(SIGN_IN, &sign_in_body(REQUEST))).await;
    assert_eq!((answer.status, answer.code().as_str()), (408, "holder-silent"));
    assert_eq!(begun.elapsed().as_secs(), HOLDER_TIME.as_secs());
}

#[tokio::test]
async fn a_page_is_told_what_failed_but_not_what_the_computer_is_like() {
    let mut served = Served::start();
    served.scene.holder.replies([Reply::Digits("000000"), Reply::Cancel]);
    let body = sign_in_body(REQUEST);
    let mut page = served.send(Request::post(SIGN_IN, &body).and("Accept-Language", "pl, be-BY;q=0.9, ru;q=0.8")).await;
    let number = served.scene.phase(Phase::AskHandOver).await;
    served.scene.desk.agree(number);
    served.scene.phase(Phase::Failed { failure: Failure::PinWrong { tries_left: 2 }.into() }).await;
    served.scene.desk.end(number);
    let answer = page.answer().await;
    assert_eq!((answer.status, answer.code().as_str()), (422, "pin-wrong"));
    let message = answer.json()["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("Подпіс") && !message.contains('2'), "{message}");

    let mut page = served.sign_in(&other_id(1)).await;
    let number = served.scene.phase(Phase::AskHandOver).await;
    served.scene.desk.agree(number);
    let answer = page.answer().await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "cancelled"));
    let mut page = served.sign_in(&other_id(2)).await;
    let number = served.scene.phase(Phase::AskHandOver).await;
    served.scene.desk.end(number);
    assert_eq!(page.answer().await.code(), "request-ended");
    let mut page = served.sign_in(&other_id(3)).await;
    served.scene.phase(Phase::AskHandOver).await;
    served.scene.desk.stop();
    let answer = page.answer().await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "program-stopping"));
}

#[tokio::test]
async fn a_flood_of_requests_stays_outside() {
    let mut served = Served::start();
    let mut pages = Vec::new();
    for number in 0..OPEN_REQUESTS_OF_SITE {
        pages.push(served.sign_in(&other_id(number)).await);
    }
    served.scene.sites(&[PORTAL; OPEN_REQUESTS_OF_SITE]).await;
    let answer = served.sign_in(REQUEST).await.answer().await;
    assert_eq!((answer.status, answer.code().as_str()), (429, "too-many-requests"));
    let path = of_request(&other_id(0), "progress?after=99");
    for _ in pages.len()..REQUESTS_UNDER_WAY_OF_SITE {
        pages.push(served.send(Request::get(&path)).await);
    }
    let mut refusals = 0;
    while refusals == 0 {
        let answer = served.ask(Request::get(STATUS)).await;
        refusals += usize::from(answer.status == 429 && answer.code() == "too-many-requests");
    }
    assert_eq!(served.ask(Request::get(STATUS).with("Origin", OTHER)).await.status, 200);
}

#[tokio::test]
async fn no_site_makes_the_program_forget_anothers_request() {
    let served = Served::start();
    for (site, number) in [(PORTAL, 0)].into_iter().chain((1..=REMEMBERED_REQUESTS).map(|number| (OTHER, number))) {
        let id = other_id(number);
        let mut page = served.send(Request::post(SIGN_IN, &sign_in_body(&id)).with("Origin", site)).await;
        while served.ask(Request::post(&of_request(&id, "cancel"), "{}").with("Origin", site)).await.status != 200 {}
        assert_eq!(page.answer().await.code(), "request-taken-back");
    }
    assert_eq!(served.ask(Request::get(&of_request(&other_id(0), "progress"))).await.status, 200);
}

#[tokio::test]
async fn a_developers_page_may_call_without_tls_if_the_administrator_listed_it() {
    let listed = "http://localhost:3000";
    let callers = Arc::new(latchkey_client::service::CallersOfSystem);
    let mut served = Served::with(Holder::with_card(), Arc::new(Developers(listed)), callers);
    served.scene.holder.replies([Reply::pin()]);
    for origin in ["http://localhost:3001", "http://localhost", "http://127.0.0.1:3000", "http://portal.example"] {
        assert_eq!(served.ask(Request::get(STATUS).with("Origin", origin)).await.code(), "origin-refused", "{origin}");
    }
    let mut page = served.send(Request::post(SIGN_IN, &sign_in_body(REQUEST)).with("Origin", listed)).await;
    let request = served.scene.first(|request| request.phase == Phase::AskHandOver).await;
    assert_eq!(request.origin, listed);
    served.scene.desk.agree(request.id);
    let answer = page.answer().await;
    assert_eq!(answer.header("access-control-allow-origin"), Some(listed));
    assert!(!verifies(&answer.json()["assertion"], PORTAL, CHALLENGE));
}

#[tokio::test]
async fn a_site_that_the_administrator_forbids_learns_nothing_but_that() {
    let callers = Arc::new(latchkey_client::service::CallersOfSystem);
    let served = Served::with(Holder::with_card(), Arc::new(Forbids(PORTAL)), callers);
    for path in [STATUS, "/latchkey/v1/openapi.json", "/nothing"] {
        let answer = served.ask(Request::get(path)).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "site-forbidden"), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(PORTAL));
    }
    assert_eq!(served.ask(Request::get(STATUS).with("Origin", OTHER)).await.status, 200);
}

#[tokio::test]
async fn another_users_program_is_refused() {
    let served = Served::with(Holder::with_card(), Arc::new(SitesOfThisRun::new(|| NOW)), Arc::new(Strangers));
    let answer = served.ask(Request::get(STATUS)).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "caller-of-other-user"));
}

/// The system tells root's tests, which can become somebody else, whose program called.
#[tokio::test(flavor = "multi_thread")]
async fn the_system_tells_whose_program_calls() {
    if !rustix::process::getuid().is_root() {
        return;
    }
    let served = Served::start();
    let port = served.port;
    let request = Request::get(STATUS).text(port).replace("\r\n", "\\r\\n");
    for (host, user, expected) in [("127.0.0.1", 65534, "403"), ("127.0.0.1", 0, "200"), ("::1", 65534, "403")] {
        use std::os::unix::process::CommandExt as _;
        let script = format!("exec 3<>/dev/tcp/{host}/{port} || exit; printf '{request}' >&3; head -n 1 <&3");
        let answer = tokio::task::spawn_blocking(move || {
            std::process::Command::new("bash").arg("-c").arg(script).uid(user).output().unwrap()
        });
        let answer = String::from_utf8(answer.await.unwrap().stdout).unwrap();
        assert!(answer.contains(expected) || (host == "::1" && answer.is_empty()), "{host} {user}: {answer}");
    }
}

#[tokio::test]
async fn on_a_public_computer_the_session_ends_with_the_card() {
    let mut served = Served::start();
    served.scene.holder.replies([Reply::pin(), Reply::pin()]);
    for (number, is_guest) in [(1, false), (2, true)] {
        served.guest.0.store(is_guest, Ordering::SeqCst);
        let id = other_id(number);
        let mut page = served.sign_in(&id).await;
        let asked = served.scene.phase(Phase::AskHandOver).await;
        let path = of_request(&id, "card-removed");
        let mut waits = served.send(Request::post(&path, "{}")).await;
        served.scene.desk.agree(asked);
        assert_eq!(page.answer().await.status, 200);
        if is_guest {
            assert!(tokio::time::timeout(Duration::from_millis(200), waits.answer()).await.is_err());
            let mut waits = served.send(Request::post(&path, "{}")).await;
            served.scene.holder.readers.pull("Reader");
            assert_eq!(waits.answer().await.json(), json!({ "endSession": true }));
            // Whoever asks later is told the same.
            let late = served.ask(Request::post(&path, "{}")).await;
            assert_eq!(late.json(), json!({ "endSession": true }));
        } else {
            assert_eq!(waits.answer().await.json(), json!({ "endSession": false }));
        }
    }
}

#[test]
fn a_taken_port_names_its_owner() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let failure = Listeners::bind(port).unwrap_err();
    let name = std::fs::read_to_string("/proc/self/comm").unwrap().trim_end().to_owned();
    let owner = Some(PortOwner { program: name, process: std::process::id() });
    assert_eq!(failure, ServiceFailure::PortTaken { port, owner });
    assert_eq!(failure.code(), "port-taken");
}

#[test]
fn a_port_that_may_not_be_used_is_another_failure() {
    // Only the system's own ports are refused, and not to root.
    let refused = ServiceFailure::NotStarted { port: 80, reason: "Permission denied".to_owned() };
    assert_eq!(refused.code(), "service-not-started");
    match Listeners::bind(80) {
        Err(failure) => assert!(ServiceFailure::CODES.contains(&failure.code())),
        Ok(listeners) => assert_eq!(listeners.port(), 80),
    }
}

#[tokio::test]
async fn the_description_is_reviewed_and_is_what_is_served() {
    let description = description().to_pretty_json().unwrap();
    insta::assert_snapshot!("local-service", description);
    let served = Served::start();
    let answer = served.ask(Request::get("/latchkey/v1/openapi.json")).await;
    assert_eq!(answer.json(), serde_json::from_str::<Value>(&description).unwrap());
}

/// Every code that can be answered is described, every code that is described can be answered, and this file or one of
/// those beside it provokes it.
#[test]
fn every_described_code_is_one_that_a_test_provokes() {
    let described = description().to_json().unwrap();
    let codes: Vec<_> = described.split('`').skip(1).step_by(2).collect();
    for code in ServiceRefusal::OWN_CODES.into_iter().chain(RequestFailure::OWN_CODES) {
        assert!(codes.contains(&code), "{code} is not described");
    }
    let tests = [
        include_str!("service.rs"),
        include_str!("service_documents.rs"),
        include_str!("deployed.rs"),
        include_str!("signed_requests.rs"),
    ];
    let tests = tests.concat();
    for code in codes {
        assert!(tests.contains(&format!("\"{code}\"")), "no test provokes {code}");
    }
}
