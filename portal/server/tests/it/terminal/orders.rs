//! The order of requests: every pair of step and request that does not belong together.

use latchkey_card::profile::Profile;
use latchkey_fixtures::holders::sample_holders;
use serde_json::{Value, json};

use super::world::{Session, World, base64, octets, open_card, usual_authority};

/// How far a session is.
const STEPS: [&str; 8] =
    ["begun", "confirming", "established", "reading", "was-read", "selecting", "choosing", "signing"];

/// A request with a body that any step could have.
fn requests() -> [(&'static str, Value); 8] {
    let answer = base64(&[0x90, 0x00]);
    [
        ("bauth_process", json!({ "card_response": answer })),
        ("read_dg_init", json!({ "data_groups_to_read": ["dg1"] })),
        ("read_dg", json!({ "card_response": answer })),
        ("request_dg", json!({})),
        ("sign_init", json!({})),
        ("sign_select_app", json!({ "card_response": answer })),
        ("sign_data", json!({ "card_response": answer, "data_to_sign": base64(b"contents") })),
        ("sign_result", json!({ "card_response": answer })),
    ]
}

/// Which requests belong to which step.
fn belongs(step: &str, request: &str) -> bool {
    match step {
        "begun" | "confirming" => request == "bauth_process",
        "established" => matches!(request, "read_dg_init" | "sign_init"),
        "reading" => request == "read_dg",
        "was-read" => matches!(request, "read_dg_init" | "request_dg" | "sign_init"),
        "selecting" => request == "sign_select_app",
        "choosing" => request == "sign_data",
        "signing" => request == "sign_result",
        other => panic!("{other}"),
    }
}

/// Brings a session to a step, and sends it the request; gives the answer and what is left of the session.
async fn at_step(world: &World, step: &str, request: &str, body: &Value) -> ((u16, Value), (u16, Value)) {
    let (mut card, profile) = (world.card(), Profile::standard());
    let back_end = world.back_end();
    let send = async |hreq: &str, name: &str, body: &Value| {
        let mut body = body.clone();
        body["hreq"] = json!(hreq);
        let answer = back_end.post(name, body).await;
        (answer.status.as_u16(), answer.json())
    };
    let hreq = if matches!(step, "begun" | "confirming") {
        let begun = back_end.begin().await;
        let hreq = begun["hreq"].as_str().unwrap().to_owned();
        let holder = &sample_holders()[0];
        let (_, m1) = open_card(&mut card, &profile, holder, &usual_authority(), &begun);
        if step == "confirming" {
            send(&hreq, "bauth_process", &json!({ "card_response": base64(&m1) })).await;
        }
        hreq
    } else {
        let mut session = Session::established(world.back_end(), &mut card, &profile).await;
        if step == "reading" {
            session.ask("read_dg_init", json!({ "data_groups_to_read": ["dg3"] })).await;
        }
        if !matches!(step, "established" | "reading") {
            session.read(&["dg5"]).await;
        }
        if matches!(step, "selecting" | "choosing" | "signing") {
            let first = session.ask("sign_init", json!({})).await;
            if step != "selecting" {
                let answer = session.relay(&first);
                let second = session.ask("sign_select_app", json!({ "card_response": answer })).await;
                if step == "signing" {
                    let answer = session.relay(&second);
                    let body = json!({ "card_response": answer, "data_to_sign": base64(b"contents") });
                    session.ask("sign_data", body).await;
                }
            }
        }
        session.hreq
    };
    let answer = send(&hreq, request, body).await;
    let afterwards = send(&hreq, "bauth_logout", &json!({})).await;
    (answer, afterwards)
}

#[tokio::test]
async fn every_request_out_of_order_ends_the_session() {
    let world = World::new().await;
    let mut out_of_order = 0;
    for step in STEPS {
        for (request, body) in requests() {
            if belongs(step, request) {
                continue;
            }
            let ((status, answer), (afterwards, code)) = at_step(&world, step, request, &body).await;
            assert_eq!((status, &answer["code"]), (409, &json!("terminal-wrong-order")), "{request} while {step}");
            let gone = (404, &json!("terminal-session-unknown"));
            assert_eq!((afterwards, &code["code"]), gone, "{request} while {step}: the session is over");
            out_of_order += 1;
        }
    }
    assert_eq!(out_of_order, 8 * 8 - 11);
}

/// The right request with a card's answer that is none of this step.
#[tokio::test]
async fn every_answer_out_of_place_ends_the_session() {
    let world = World::new().await;
    let answers: [(&str, Vec<u8>); 4] = [
        ("an unprotected success", vec![0x90, 0x00]),
        ("nothing", Vec::new()),
        ("one octet", vec![0x90]),
        ("noise", (0..=255).collect()),
    ];
    for step in STEPS {
        let request = match step {
            "begun" | "confirming" => "bauth_process",
            "reading" => "read_dg",
            "selecting" => "sign_select_app",
            "choosing" => "sign_data",
            "signing" => "sign_result",
            _ => continue,
        };
        for (name, octets) in &answers {
            let body = json!({ "card_response": base64(octets), "data_to_sign": base64(b"contents") });
            let ((status, answer), (afterwards, _)) = at_step(&world, step, request, &body).await;
            assert_eq!(status, 422, "{name} while {step}: {answer}");
            let code = answer["code"].as_str().unwrap();
            assert!(
                ["terminal-answer-malformed", "terminal-card-not-genuine"].contains(&code),
                "{name} while {step}: {code}"
            );
            assert_eq!(afterwards, 404, "{name} while {step}: the session is over");
        }
    }
}

/// An answer that was lost on its way back: the page asks again with what the card said before.
#[tokio::test]
async fn a_lost_answer_ends_the_session() {
    let world = World::new().await;
    let (mut card, profile) = (world.card(), Profile::standard());
    let mut session = Session::established(world.back_end(), &mut card, &profile).await;
    let command = session.ask("read_dg_init", json!({ "data_groups_to_read": ["dg3"] })).await;
    let answer = json!({ "card_response": session.relay(&command) });
    session.ask("read_dg", answer.clone()).await;
    let again = session.post("read_dg", answer.clone()).await;
    assert_eq!(again.refusal(), (422, "terminal-answer-malformed".to_owned()));
    assert_eq!(session.post("read_dg", answer).await.refusal(), (404, "terminal-session-unknown".to_owned()));
}

/// A session's answers mean nothing in another.
#[tokio::test]
async fn an_answer_of_another_session_ends_this_one() {
    let world = World::new().await;
    let profile = Profile::standard();
    let (mut one, mut other) = (world.card(), world.card_of(&sample_holders()[1]));
    let mut first = Session::established(world.back_end(), &mut one, &profile).await;
    let holder = &sample_holders()[1];
    let second = Session::established_with(world.back_end(), &mut other, &profile, holder, &usual_authority()).await;
    let command = first.ask("read_dg_init", json!({ "data_groups_to_read": ["dg3"] })).await;
    second.ask("read_dg_init", json!({ "data_groups_to_read": ["dg3"] })).await;
    let crossed = second.post("read_dg", json!({ "card_response": first.relay(&command) })).await;
    assert_eq!(crossed.refusal(), (422, "terminal-answer-malformed".to_owned()));
    assert_eq!(second.post("bauth_logout", json!({})).await.status, 404);
    assert_eq!(first.post("bauth_logout", json!({})).await.status, 200, "the other one goes on");
}

/// An M2 that is asked for a second time would be another one for the same M1; it is not computed.
#[tokio::test]
async fn the_authentications_answers_are_taken_once() {
    let world = World::new().await;
    let (mut card, profile) = (world.card(), Profile::standard());
    let back_end = world.back_end();
    let begun = back_end.begin().await;
    let (authenticating, m1) = open_card(&mut card, &profile, &sample_holders()[0], &usual_authority(), &begun);
    let answer = json!({ "hreq": begun["hreq"], "card_response": base64(&m1) });
    let next = back_end.ask("bauth_process", answer.clone()).await;
    let again = back_end.post("bauth_process", answer).await;
    assert_eq!(again.status, 422, "{}", again.text());
    let (_, m3) = authenticating.relay_m2(&octets(&next["cmd_to_card"])).unwrap();
    let late = back_end.post("bauth_process", json!({ "hreq": begun["hreq"], "card_response": base64(&m3) })).await;
    assert_eq!(late.refusal(), (404, "terminal-session-unknown".to_owned()));
}
