//! The stage itself: what the other tests rely on.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use latchkey_tests::desktop::{
    Answer, Answered, AssistiveTool, Browser, LoopbackPermission, Portals, Screen, Site, Wanted, Window, wait_until,
};
use latchkey_tests::stage::{Cards, Portal, SampleSet};
use rustix::process::Pid;

#[test]
fn a_page_counts_as_public_and_the_browser_asks_before_it_calls_this_computer() {
    let set = SampleSet::write().unwrap();
    let site = Site::start(&set, |_| Answered::page("<!DOCTYPE html><title>A site</title>")).unwrap();
    let screen = Screen::virtual_one().unwrap();
    let mut tool = AssistiveTool::start(&screen).unwrap();
    let program = answering_program();
    for (permission, answer, outcome) in [
        (LoopbackPermission::Granted, None, "answered"),
        (LoopbackPermission::Denied, None, "failed"),
        (LoopbackPermission::NotYetAsked, Some(Answer::Allow), "answered"),
        (LoopbackPermission::NotYetAsked, Some(Answer::Block), "failed"),
    ] {
        let origins = [site.origin()];
        let portals = Portals { origins: &origins, authority: &set.tls_authority(), permission, language: "en" };
        let browser = Browser::start(&screen, &format!("{permission:?}{answer:?}"), portals).unwrap();
        browser.open(&site.origin()).unwrap();
        browser.execute(&call_of(program), &[]).unwrap();
        if let Some(answer) = answer {
            assert_eq!(browser.execute("return window.outcome", &[]).unwrap(), "pending");
            browser.answer_question(&mut tool, answer).unwrap();
        }
        let is_decided =
            || Ok(browser.execute("return window.outcome", &[])?).map(|it| (it != "pending").then_some(it));
        assert_eq!(browser.wait("the call", is_decided).unwrap(), outcome, "{permission:?}, {answer:?}");
    }
}

/// Begins a call to a program on this computer, and keeps what came of it.
fn call_of(port: u16) -> String {
    format!(
        "window.outcome = 'pending';
         fetch('http://127.0.0.1:{port}/', {{ mode: 'no-cors' }})
           .then(() => window.outcome = 'answered', () => window.outcome = 'failed');"
    )
}

/// The port of a program that answers every request.
fn answering_program() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            thread::spawn(move || {
                // A browser opens connections before it knows whether it may use them.
                if connection.read(&mut [0; 4096]).is_ok_and(|octets| octets > 0) {
                    let _ = connection.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
                }
            });
        }
    });
    port
}

#[test]
fn the_window_is_driven_and_perceived() {
    let set = SampleSet::write().unwrap();
    let cards = Cards::start(&set, 1).unwrap();
    let screen = Screen::virtual_one().unwrap();
    let window = Window::start(&screen, &cards, &[]).unwrap();
    window.wait_for("h1").unwrap();
    let mut tool = AssistiveTool::start(&screen).unwrap();
    let desktop = Some("latchkey-desktop");
    let heading = tool.wait_for(Wanted { application: desktop, role: Some("heading"), ..Wanted::default() }).unwrap();
    assert!(!heading.name.is_empty(), "{heading:?}");
    assert!(screen.keep_picture("stage").unwrap().is_file());
}

#[test]
fn nothing_is_left_of_a_stage() {
    let set = SampleSet::write().unwrap();
    let cards = Cards::start(&set, 1).unwrap();
    let screen = Screen::virtual_one().unwrap();
    let portal = Portal::start(&set).unwrap();
    let origins = [portal.origin()];
    let permission = LoopbackPermission::Granted;
    let portals = Portals { origins: &origins, authority: &set.tls_authority(), permission, language: "en" };
    let browser = Browser::start(&screen, "a", portals).unwrap();
    let window = Window::start(&screen, &cards, &[]).unwrap();
    let tool = AssistiveTool::start(&screen).unwrap();
    for name in ["chromium", "latchkey-desktop", "WebKitWebProcess", "python3"] {
        assert!(!screen.processes(name).is_empty(), "{name} does not run");
    }
    drop((browser, window, tool));
    for name in ["chromium", "python3"] {
        screen.wait_until_gone(name).unwrap();
    }
    let home = screen.home().to_owned();
    // The driver of the web view may leave to the screen's end what it started just now.
    let left = [screen.processes("latchkey"), screen.processes("WebKit")].concat();
    drop(screen);
    // Of a process that has ended and that nobody has asked about yet, the surroundings are gone.
    let is_gone = |process: &Pid| {
        fs::read(format!("/proc/{}/environ", process.as_raw_nonzero())).map_or(true, |variables| variables.is_empty())
    };
    wait_until("what is left to end", || Ok(left.iter().all(is_gone).then_some(()))).unwrap();
    wait_until("the home folder to go", || Ok((!home.exists()).then_some(()))).unwrap();
}
