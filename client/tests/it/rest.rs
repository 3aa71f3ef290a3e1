//! When the program may start anew: a minute after its window is gone, and never while something would be lost by it.

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::Ordering;
use std::time::Duration;

use latchkey_client::app::REST;
use latchkey_client::app::snapshot::{GuestPhase, SettingChange};
use latchkey_client::desk::Phase;
use latchkey_client::guest::GuestBrowser;
use latchkey_client::service::Listeners;
use serde_json::json;
use tokio::time::Instant;

use crate::app::Stage;
use crate::holder::Holder;
use crate::idle::real_time;
use crate::wire::{REQUEST, Request, Served, sign_in_body};

/// Long after everything that has a time is over.
const LATER: Duration = Duration::from_secs(3600);

impl Stage {
    /// Whether it does not rest, if nothing else happens.
    async fn stays_awake(&self) -> bool {
        // A stopped clock does not wait for threads.
        real_time().await;
        tokio::time::timeout(LATER, self.app.rested(REST)).await.is_err()
    }

    /// Waits until it rests.
    async fn rests(&self) {
        // Threads come to their end in a time that this clock does not show.
        self.app.rested(Duration::ZERO).await;
        tokio::time::timeout(REST * 2, self.app.rested(REST)).await.unwrap();
    }

    /// The window comes and goes.
    fn glance(&self) {
        self.app.window_opened();
        self.app.window_closed();
    }
}

#[tokio::test(start_paused = true)]
async fn a_program_that_had_no_window_has_nothing_to_give_back() {
    let stage = Stage::of(Holder::with_card());
    assert!(stage.stays_awake().await);
    stage.glance();
    stage.rests().await;
    assert!(stage.app.leave().await.is_some());
}

#[tokio::test(start_paused = true)]
async fn the_minute_begins_when_the_window_is_gone_and_anew_when_it_was_there_again() {
    let stage = Stage::with_window(Holder::with_card());
    assert!(stage.stays_awake().await, "with a window");
    stage.app.window_closed();
    let begun = Instant::now();
    let rested = stage.app.rested(REST);
    let again = async {
        tokio::time::sleep(REST - Duration::from_secs(1)).await;
        stage.app.show_window();
        stage.app.window_opened();
        // Whoever waits for the minute looks between the two, as he does where windows take their time.
        tokio::task::yield_now().await;
        stage.app.window_closed();
    };
    tokio::join!(rested, again);
    // The history is read on a thread whenever a window opens: its end may be noticed a little later.
    let took = Instant::now() - begun;
    assert!(took >= REST * 2 - Duration::from_secs(1) && took < REST * 3, "{took:?}");
    // A start that wants the window is one that waits for it.
    stage.app.show_window();
    assert!(stage.stays_awake().await);
    assert!(stage.app.leave().await.is_none());
    stage.glance();
    stage.rests().await;
}

#[tokio::test(start_paused = true)]
async fn requests_keep_it_from_resting_until_they_are_gone() {
    let mut stage = Stage::of(Holder::with_card());
    stage.glance();
    let ticket = stage.submit("portal");
    stage.shown(|now| now.requests.len() == 1).await;
    assert!(stage.app.leave().await.is_none());
    drop(ticket);
    stage.shown(|now| now.requests.is_empty()).await;
    stage.rests().await;
}

#[tokio::test(start_paused = true)]
async fn what_the_holder_may_not_have_read_keeps_it_from_resting() {
    let mut stage = Stage::of(Holder::with_card());
    stage.app.follow("latchkey:nonsense");
    stage.shown(|now| now.notice.is_some()).await;
    stage.glance();
    assert!(stage.stays_awake().await);
    stage.app.put_notice_away();
    stage.rests().await;
}

#[tokio::test]
async fn a_diagnosis_is_waited_for() {
    let mut stage = Stage::of(Holder::with_card());
    stage.app.window_opened();
    stage.app.diagnose(None);
    stage.app.window_closed();
    let has_left = stage.app.leave().await.is_some();
    // On a quick machine it has ended by then.
    if has_left {
        return assert!(!stage.app.snapshot().doctor.running);
    }
    stage.shown(|now| !now.doctor.running).await;
    stage.app.rested(Duration::ZERO).await;
    assert!(stage.app.leave().await.is_some());
}

#[tokio::test]
async fn a_guest_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let browser = folder.path().join("chromium");
    std::fs::write(&browser, "#!/bin/sh\nexec sleep 600\n").unwrap();
    std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o755)).unwrap();
    let holder = Holder::with_card();
    let (agent, managed) = (holder.agent.clone(), "[guest]\nportals = [\"https://portal.example\"]\n");
    let mut stage = Stage::with_browser(holder, managed, agent, Some(GuestBrowser::at(browser)));
    stage.app.window_opened();
    stage.app.start_guest("https://portal.example");
    stage.app.window_closed();
    stage.shown(|now| now.guest.phase == GuestPhase::Open).await;
    assert!(stage.app.leave().await.is_none());
    stage.app.end_guest();
    stage.shown(|now| now.guest.phase == GuestPhase::Off).await;
    stage.app.rested(Duration::ZERO).await;
    assert!(stage.app.leave().await.is_some());
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_is_at_work_keeps_its_program() {
    let stage = Stage::of(Holder::with_card());
    stage.glance();
    stage.agent_is_busy.store(true, Ordering::Relaxed);
    stage.rests().await;
    assert!(stage.app.leave().await.is_none());
    stage.agent_is_busy.store(false, Ordering::Relaxed);
    stage.rests().await;
    assert!(stage.app.leave().await.is_some());
}

/// A change of the settings reads the history on a thread: what is under way there is waited for.
#[tokio::test(start_paused = true)]
async fn what_threads_do_is_waited_for() {
    let stage = Stage::of(Holder::with_card());
    stage.glance();
    stage.app.change(SettingChange::History(true));
    stage.rests().await;
    assert!(stage.app.leave().await.is_some());
}

/// As when the program starts anew: the sockets listen all the time, and what sites must not use again is remembered.
#[tokio::test]
async fn a_service_is_gone_on_with_when_nobody_is_connected_and_forgets_no_name() {
    let mut served = Served::start();
    let page = served.sign_in(REQUEST).await;
    let number = served.scene.phase(Phase::AskHandOver).await;
    assert!(served.service.leave_if_idle().await.is_none(), "somebody is connected");
    // He is served on, and so is whoever comes.
    assert_eq!(served.ask(Request::get(STATUS)).await.status, 200);
    served.scene.desk.refuse(number);
    let mut page = page;
    assert_eq!(page.answer().await.status, 403);
    drop(page);
    let (sockets, memory) = served.left().await;
    assert_eq!(memory.used.len(), 1);
    // Nobody accepts now: whoever calls waits.
    let waiting = served.send(Request::get(&of_request("progress?after=99"))).await;
    let listeners = Listeners::of(sockets, served.port).unwrap();
    served.go_on(listeners, memory);
    let mut waiting = waiting;
    assert_eq!(waiting.answer().await.json()["phase"], "done");
    let repeated = served.ask(Request::post(SIGN_IN, &sign_in_body(REQUEST))).await;
    assert_eq!((repeated.status, repeated.code().as_str()), (409, "request-repeated"));
    let removed = served.ask(Request::post(&of_request("card-removed"), "{}")).await;
    assert_eq!(removed.json(), json!({ "endSession": false }));
}

const STATUS: &str = "/latchkey/v1/status";
const SIGN_IN: &str = "/latchkey/v1/sign-in";

fn of_request(what: &str) -> String {
    format!("/latchkey/v1/requests/{REQUEST}/{what}")
}
