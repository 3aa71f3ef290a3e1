//! The program starts itself anew in place when nobody needs it: small again, at the same port, and nobody notices.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use latchkey_tests::desktop::{Desktop, SceneOrder, Wanted, wait_until};
use latchkey_tests::stage::holder;

use crate::house::{HANNA, House};
use crate::words::PIN;

/// Whether the program was started by itself.
fn is_anew(desktop: &mut Desktop) -> bool {
    let arguments = fs::read(format!("/proc/{}/cmdline", desktop.process().id())).unwrap();
    arguments.split(|octet| *octet == 0).any(|argument| argument == b"--continue")
}

/// What tells an image of a program from the next one in the same process: where its memory begins.
fn image(desktop: &mut Desktop) -> String {
    let stat = fs::read_to_string(format!("/proc/{}/stat", desktop.process().id())).unwrap();
    stat.rsplit_once(") ").unwrap().1.split_ascii_whitespace().nth(25).unwrap().to_owned()
}

fn wait_until_anew(desktop: &mut Desktop, before: &str) {
    // Its arguments are there a little later than its memory.
    let is_there = || Ok((image(desktop) != before && is_anew(desktop)).then_some(()));
    wait_until("the program to start anew", is_there).unwrap();
    assert!(!desktop.process().has_ended().unwrap());
}

fn open_files(desktop: &mut Desktop) -> usize {
    fs::read_dir(format!("/proc/{}/fd", desktop.process().id())).unwrap().count()
}

/// Processes that have ended and that the program has not asked about.
fn zombies(desktop: &mut Desktop) -> Vec<String> {
    let us = desktop.process().id().to_string();
    let stats =
        fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    stats
        .filter(|stat| {
            let mut fields = stat.rsplit_once(") ").unwrap_or_default().1.split_ascii_whitespace();
            fields.next() == Some("Z") && fields.next() == Some(us.as_str())
        })
        .collect()
}

/// Sends a page's request to sign in. As long as the connection lives, it is wanted.
fn ask(port: u16, number: u32) -> TcpStream {
    let body = format!(r#"{{"requestId":"00000000-0000-4000-8000-{number:012}","challenge":"{}"}}"#, "A".repeat(64));
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let head = format!(
        "POST /latchkey/v1/sign-in HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: https://portal.example\r\n\
         Content-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

/// Somebody who connects all the time, as pages do that look for the program.
struct Caller {
    stop: Arc<AtomicBool>,
    calling: thread::JoinHandle<u32>,
}

impl Caller {
    fn start(port: u16) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let calling = thread::spawn(move || {
            let mut calls = 0;
            while !stopped.load(Ordering::Relaxed) {
                for address in ["127.0.0.1", "::1"] {
                    match TcpStream::connect((address, port)) {
                        Ok(stream) => stream.shutdown(Shutdown::Both).unwrap_or_default(),
                        Err(error) => panic!("after {calls} calls at {address}: {error}"),
                    }
                    calls += 1;
                }
                thread::sleep(Duration::from_millis(20));
            }
            calls
        });
        Self { stop, calling }
    }

    fn stop(self) -> u32 {
        self.stop.store(true, Ordering::Relaxed);
        self.calling.join().unwrap()
    }
}

#[test]
fn the_program_starts_anew_after_its_window_and_answers_all_the_time() {
    let mut house = House::before_the_client(SceneOrder::default());
    house.cards.insert(HANNA, 1).unwrap();
    let port = house.client_port();
    let mut desktop = house.desktop(&["--background", "--rest", "1"]).unwrap();
    wait_until("the program to listen", || Ok(TcpStream::connect(("127.0.0.1", port)).ok())).unwrap();
    let lock = house.screen.home().join("run/latchkey/desktop.lock");
    let before = (image(&mut desktop), fs::metadata(&lock).unwrap().ino());
    let caller = Caller::start(port);
    // Without a window there was nothing to give back.
    thread::sleep(Duration::from_secs(3));
    assert_eq!(image(&mut desktop), before.0);

    let request = ask(port, 1);
    wait_until("the window", || Ok((!house.screen.processes("WebKitWebProcess").is_empty()).then_some(()))).unwrap();
    thread::sleep(Duration::from_secs(2));
    assert_eq!(image(&mut desktop), before.0, "it started anew under a window");
    drop(request);
    wait_until_anew(&mut desktop, &before.0);
    for name in ["WebKit", "latchkey-agent"] {
        assert!(house.screen.processes(name).is_empty(), "{name} is still there");
    }
    assert_eq!(zombies(&mut desktop), [] as [String; 0]);
    // It is still the one that runs, and has not forgotten the name of the request.
    let again = fs::File::options().write(true).open(&lock).unwrap();
    assert!(again.try_lock().is_err());
    assert_eq!(fs::metadata(&lock).unwrap().ino(), before.1);
    let mut answer = String::new();
    ask(port, 1).read_to_string(&mut answer).unwrap();
    assert!(answer.contains("request-repeated"), "{answer}");
    let files = open_files(&mut desktop);

    // A sign-in as before; and then once more anew.
    let before = image(&mut desktop);
    sign_in(&mut house);
    wait_until_anew(&mut desktop, &before);
    wait_until("open files to be as many as before", || Ok((open_files(&mut desktop) <= files).then_some(()))).unwrap();
    assert_eq!(zombies(&mut desktop), [] as [String; 0]);
    assert!(caller.stop() > 100);
    // Whoever is told to end before he listens to that ends at once, which is no good end.
    let mut answer = String::new();
    ask(port, 1).read_to_string(&mut answer).unwrap();
    assert!(answer.contains("request-repeated"), "{answer}");
    desktop.stop().unwrap();
    let refused = TcpStream::connect(("127.0.0.1", port)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

/// From the portal's page to the card, as a person with an assistive tool does it.
fn sign_in(house: &mut House) {
    let browser = house.browser("a");
    browser.click("#go").unwrap();
    let agree = Wanted {
        application: Some("latchkey-desktop"),
        role: Some("push button"),
        name: Some("Agree and sign in"),
        states: &["sensitive", "showing"],
        ..Wanted::default()
    };
    // A question that has just come takes no answer yet.
    let mut asks = || house.tool.wait_and_press(agree);
    asks().unwrap();
    let mut agent = house.agent().unwrap();
    agent.enter(PIN, holder(HANNA).unwrap().pin).unwrap();
    agent.press("Sign in").unwrap();
    browser.wait_for_text("You are signed in").unwrap();
}
