//! Nothing wakes up while nobody asks for anything.

use std::time::Duration;

use latchkey_client::desk::Phase;
use tokio::time::Instant;

use crate::wire::{REQUEST, Served};

/// A stopped clock goes on only where something waits for a time: then it jumps there at once.
#[tokio::test(start_paused = true)]
async fn an_idle_service_waits_for_no_time() {
    let mut served = Served::start();
    let mut page = served.sign_in(REQUEST).await;
    let number = served.scene.phase(Phase::AskHandOver).await;
    served.scene.desk.refuse(number);
    served.scene.empty().await;
    assert_eq!(page.answer().await.status, 403);
    drop(page);
    let begun = Instant::now();
    real_time().await;
    let settled = Instant::now();
    // What was still under way when the page hung up may have cost one moment; nothing comes after it.
    assert!(settled - begun < Duration::from_secs(60), "{:?}", settled - begun);
    real_time().await;
    assert_eq!(Instant::now(), settled);
}

/// Lets time pass outside of the runtime.
pub(crate) async fn real_time() {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        tell.send(()).unwrap();
    });
    told.await.unwrap();
}
