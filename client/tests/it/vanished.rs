//! Pages that vanish between two calls, without a word: whoever wants the card next has it.

use std::time::Duration;

use latchkey_client::desk::{GIVES_WAY_AFTER, Phase, RequestView, Secret, TerminalWork};
use serde_json::json;

use crate::deployed::{authenticate, open, served, settings, terminal};
use crate::wire::{PORTAL, Request, Served};

const OTHER: &str = "https://other.example";
const PREFETCH: &str = "/api/v1/terminal_proxy_bauth_app_prefetch";
const COMMAND: &str = "/api/v1/terminal_proxy_command";
const MOMENT: Duration = Duration::from_secs(1);

/// With a session that a terminal works in.
async fn at_work() -> Served {
    let mut served = served(settings());
    let opened = open(&mut served).await;
    served.scene.holder.asked().await;
    authenticate(&served, &mut terminal(), &opened).await;
    served
}

fn is_asked_about(origin: &str) -> impl Fn(&RequestView) -> bool {
    move |request| request.origin == origin && request.phase == Phase::AskHandOver
}

fn is_at_work(request: &RequestView) -> bool {
    request.origin == PORTAL && request.phase == Phase::TerminalAtWork { work: TerminalWork::Reading }
}

/// What does not fit the session changes nothing in it, and shows that its page is there.
async fn drive(served: &Served) -> (String, String) {
    let command = json!({ "header_cmd_to_card": "AIYAAA==", "cmd_to_card": "fAA=" }).to_string();
    let answer = served.ask(Request::post(COMMAND, &command)).await;
    (answer.json()["err"].as_str().unwrap().to_owned(), answer.code())
}

#[tokio::test(start_paused = true)]
async fn another_sites_page_has_the_card_ten_seconds_after_a_page_vanished() {
    let mut served = at_work().await;
    let _other = served.send(Request::post(PREFETCH, "{}").with("Origin", OTHER)).await;
    served.scene.sites(&[PORTAL, OTHER]).await;
    tokio::time::advance(GIVES_WAY_AFTER - MOMENT).await;
    // A page that is there keeps what it has.
    assert_eq!(drive(&served).await, ("7".into(), "terminal-wrong-order".into()));
    tokio::time::advance(GIVES_WAY_AFTER - MOMENT).await;
    served.scene.first(is_at_work).await;
    tokio::time::advance(MOMENT).await;
    served.scene.first(is_asked_about(OTHER)).await;
    served.scene.holder.until_card_was_reset().await;
    assert_eq!(drive(&served).await, ("7".into(), "terminal-session-idle".into()), "it was not gone after all");
    assert_eq!(drive(&served).await, ("7".into(), "terminal-wrong-order".into()), "there is a session yet");
}

#[tokio::test(start_paused = true)]
async fn who_comes_later_than_that_has_the_card_at_once() {
    let mut served = at_work().await;
    tokio::time::advance(GIVES_WAY_AFTER).await;
    served.scene.first(is_at_work).await;
    let _other = served.send(Request::post(PREFETCH, "{}").with("Origin", OTHER)).await;
    served.scene.first(is_asked_about(OTHER)).await;
    served.scene.holder.until_card_was_reset().await;
}

/// In his window, where he looks at his card or signs documents.
#[tokio::test(start_paused = true)]
async fn the_holder_has_the_card_for_something_of_his_own() {
    for waits in [false, true] {
        let mut served = at_work().await;
        if waits {
            served.scene.desk.make_way();
            tokio::time::advance(GIVES_WAY_AFTER - MOMENT).await;
            served.scene.first(is_at_work).await;
            tokio::time::advance(MOMENT).await;
        } else {
            tokio::time::advance(GIVES_WAY_AFTER).await;
            served.scene.desk.make_way();
        }
        served.scene.empty().await;
        served.scene.holder.until_card_was_reset().await;
        assert_eq!(drive(&served).await.1, "terminal-session-idle");
    }
}

/// A question to the holder is not idle, however long he thinks, and neither is a session that nobody else is kept from.
#[tokio::test(start_paused = true)]
async fn nothing_is_taken_from_a_holder_who_thinks() {
    let mut served = served(settings());
    let at_pin = Phase::AgentAsks { secret: Secret::Pin, tries_left: Some(3) };
    let page = served.send(Request::post(PREFETCH, "{}")).await;
    let _other = served.send(Request::post(PREFETCH, "{}").with("Origin", OTHER)).await;
    let number = served.scene.first(is_asked_about(PORTAL)).await.id;
    served.scene.desk.agree(number);
    let question = served.scene.holder.asking().await;
    served.scene.phase(at_pin.clone()).await;
    tokio::time::advance(GIVES_WAY_AFTER * 2).await;
    question.holder_acted();
    served.scene.phase(at_pin).await;
    drop(page);

    let mut alone = at_work().await;
    tokio::time::advance(GIVES_WAY_AFTER * 5).await;
    assert_eq!(drive(&alone).await.1, "terminal-wrong-order", "nobody else wants the card");
    alone.scene.first(is_at_work).await;
}
