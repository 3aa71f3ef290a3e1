//! Guest mode in a real browser: a profile while the guest is here, and nothing afterwards.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use latchkey_agent::{Cancellation, CardAgent, Exchange, Failure, ReaderEvent, ReaderName, Report, Request, RequestId};
use latchkey_client::guest::{Guest, GuestBrowser, GuestFailure, GuestPhase, GuestState, GuestSurroundings};
use latchkey_client::service::GuestMode;
use latchkey_client::settings::{Managed, SettingsStore, SiteState};
use latchkey_crypto::assertion::Origin;
use latchkey_reader::{CardPresence, Insertion};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use time::macros::datetime;

use crate::binary::{Person, World, image, interrupt, latchkey, run};
use crate::test_portal::{Answers, TestPortal};

/// Generous: the machine may be building something else.
const TIME: Duration = Duration::from_secs(120);

/// An agent whose only card leaves its reader when the test says so.
#[derive(Default)]
struct CardToRemove {
    watchers: Mutex<Vec<mpsc::Sender<Report>>>,
}

impl CardAgent for CardToRemove {
    fn send(&self, request: Request) -> Exchange {
        let (tell, reports) = mpsc::channel();
        let cancellation = Cancellation::default();
        if matches!(request, Request::WatchReaders) {
            let last = tell.clone();
            cancellation.on_cancel(move || {
                last.send(Report::Finished(Err(Failure::Cancelled))).ok();
            });
            self.watchers.lock().unwrap().push(tell);
        }
        Exchange::new(RequestId(1), reports, cancellation)
    }
}

impl CardToRemove {
    fn remove(&self) {
        self.tell(&Report::Readers(ReaderEvent::ReaderVanished(ReaderName::parse("Reader").unwrap())));
    }

    fn tell(&self, report: &Report) {
        for watcher in &*self.watchers.lock().unwrap() {
            watcher.send(report.clone()).ok();
        }
    }
}

/// A public computer: a home, a browser, a portal.
struct Computer {
    folder: TempDir,
    card: Arc<CardToRemove>,
    settings: Arc<SettingsStore>,
}

impl Computer {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("home")).unwrap();
        let settings = folder.path().join("settings.toml");
        let store = SettingsStore::new(settings, Arc::new(Managed::default()), || datetime!(2026-12-01 12:00 UTC));
        Self { folder, card: Arc::default(), settings: Arc::new(store) }
    }

    fn profiles(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    /// A program that does `then`, which sees the arguments.
    fn browser(&self, then: &str) -> PathBuf {
        let path = self.folder.path().join("browser");
        let home = self.folder.path().join("home");
        fs::write(&path, format!("#!/bin/sh\nexport HOME={}\n{then}\n", home.display())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// Chromium as a test can start it: without a screen, and with faith in the test's portal.
    fn chromium(&self) -> PathBuf {
        let switches = "--headless=new --no-sandbox --disable-gpu --disable-quic --ignore-certificate-errors";
        self.browser(&format!("exec /usr/bin/chromium {switches} \"$@\""))
    }

    fn guest(&self, browser: Option<PathBuf>, grace: Duration) -> Guest {
        Guest::new(GuestSurroundings {
            folder: self.profiles(),
            browser: browser.map(GuestBrowser::at),
            grace,
            agent: self.card.clone(),
            settings: self.settings.clone(),
        })
    }

    /// What lies where guests' profiles are made.
    fn left(&self) -> Vec<String> {
        let entries = fs::read_dir(self.profiles()).into_iter().flatten();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn profile(&self) -> PathBuf {
        let name = self.left().into_iter().find(|name| !name.ends_with(".lock")).expect("no profile");
        self.profiles().join(name)
    }

    fn assert_nothing_is_left(&self) {
        assert_eq!(self.left(), Vec::<String>::new());
        assert_eq!(users_of(&self.profiles()), Vec::<u32>::new(), "a process of the browser goes on");
        let home: Vec<_> = files_below(&self.folder.path().join("home"));
        // An empty list of certificates that Chromium's library makes for every user.
        let strange: Vec<_> = home.iter().filter(|file| !file.contains("/.pki/nssdb/")).collect();
        assert!(strange.is_empty(), "left at home: {strange:?}");
    }
}

fn files_below(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path.display().to_string()] }).collect()
}

/// Processes whose command line names something below that folder.
fn users_of(folder: &Path) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let wanted = folder.to_str().unwrap().to_owned();
    processes
        .filter(|process: &u32| {
            let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(&wanted)
        })
        .collect()
}

fn wait_for(guest: &Guest, phase: GuestPhase) -> GuestState {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let mut state = guest.state();
        let reached = state.wait_for(|state| state.phase == phase);
        tokio::time::timeout(TIME, reached).await.expect("the phase was not reached").unwrap().clone()
    })
}

fn portal_with_page(page: &str) -> (TestPortal, Origin) {
    let portal = TestPortal::start(Answers { page: Some(page.to_owned()), ..Answers::default() });
    let origin = Origin::parse(&portal.address).unwrap();
    (portal, origin)
}

/// Reports to the portal what the browser would say to a call of this computer, and leaves something behind.
const PAGE: &str = "<script>
    document.cookie = 'who=hanna; secure; max-age=100000';
    localStorage.setItem('who', 'hanna');
    navigator.permissions.query({ name: 'loopback-network' }).then(found => fetch('/state-' + found.state));
</script>";

#[test]
fn the_profile_is_there_while_the_guest_is_and_gone_when_the_card_is() {
    let computer = Computer::new();
    let guest = computer.guest(Some(computer.chromium()), Duration::from_millis(200));
    let (portal, origin) = portal_with_page(PAGE);
    assert!(!GuestMode::is_on(&guest));
    guest.open(&origin).unwrap();
    assert!(GuestMode::is_on(&guest));
    assert_eq!(guest.open(&origin), Err(GuestFailure::Busy));
    assert_eq!(wait_for(&guest, GuestPhase::Open).portal.as_ref(), Some(&origin));
    // The page, and what it says about its permission.
    portal.wait_for_requests(2);
    let profile = computer.profile();
    assert_eq!(fs::metadata(&profile).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(profile.join("Default").is_dir() && !users_of(&profile).is_empty());
    computer.settings.allow_site(&origin).unwrap();
    assert_eq!(computer.settings.site(&origin), Some(SiteState::Allowed));

    computer.card.remove();
    let ended = wait_for(&guest, GuestPhase::Off);
    assert_eq!(ended, GuestState::default());
    computer.assert_nothing_is_left();
    assert_eq!(computer.settings.site(&origin), None, "what the guest said about sites is remembered");
    assert!(!computer.settings.path().exists(), "something about the guest was written");
}

#[test]
fn a_session_ends_when_nobody_can_tell_any_more_whether_the_card_is_there() {
    let inserted = ReaderEvent::CardInserted {
        reader: ReaderName::parse("Reader").unwrap(),
        presence: CardPresence::Mute { insertion: Insertion::new(1) },
    };
    let rows = [
        ("the agent died", vec![Report::Finished(Err(Failure::AgentStopped))]),
        ("the card service ended", vec![Report::Readers(inserted), Report::Readers(ReaderEvent::ServiceDown)]),
    ];
    for (name, reports) in rows {
        let computer = Computer::new();
        let guest = computer.guest(Some(computer.browser("exec sleep 1000")), Duration::ZERO);
        guest.open(&Origin::parse("https://portal.example").unwrap()).unwrap();
        wait_for(&guest, GuestPhase::Open);
        reports.iter().for_each(|report| computer.card.tell(report));
        assert_eq!(wait_for(&guest, GuestPhase::Off), GuestState::default(), "{name}");
        computer.assert_nothing_is_left();
    }
}

#[test]
fn where_others_could_reach_it_no_profile_is_made_and_nothing_is_deleted() {
    let computer = Computer::new();
    let somebodys = computer.profiles().join("guest-photos");
    fs::create_dir_all(&somebodys).unwrap();
    fs::set_permissions(computer.profiles(), fs::Permissions::from_mode(0o777)).unwrap();
    let guest = computer.guest(Some(computer.browser("exec sleep 1000")), Duration::ZERO);
    assert!(matches!(wait_for(&guest, GuestPhase::Off).failure, Some(GuestFailure::NotCleared { .. })));
    guest.open(&Origin::parse("https://portal.example").unwrap()).unwrap();
    assert!(matches!(wait_for(&guest, GuestPhase::Off).failure, Some(GuestFailure::NoProfile { .. })));
    assert_eq!(computer.left(), ["guest-photos"]);
}

#[test]
fn the_portal_and_no_other_page_may_call_this_computer_unasked() {
    let computer = Computer::new();
    let guest = computer.guest(Some(computer.chromium()), Duration::ZERO);
    let (portal, origin) = portal_with_page(PAGE);
    guest.open(&origin).unwrap();
    portal.wait_for_requests(2);
    let said = |portal: &TestPortal| {
        let paths = portal.received().into_iter().map(|received| received.path);
        paths.filter(|path| path.starts_with("/state-")).collect::<Vec<_>>()
    };
    while said(&portal).is_empty() {
        portal.wait_for_requests(portal.received().len() + 1);
    }
    assert_eq!(said(&portal), ["/state-granted"]);
    guest.end();
    wait_for(&guest, GuestPhase::Off);

    // The same page at another origin: nothing was granted to it.
    let (stranger, _) = portal_with_page(PAGE);
    let page = format!("<script>location = '{}/'</script>", stranger.address);
    let (_portal, origin) = portal_with_page(&page);
    guest.open(&origin).unwrap();
    while said(&stranger).is_empty() {
        stranger.wait_for_requests(stranger.received().len() + 1);
    }
    assert_ne!(said(&stranger), ["/state-granted"]);
    guest.end();
    wait_for(&guest, GuestPhase::Off);
    computer.assert_nothing_is_left();
}

#[test]
fn one_guest_finds_nothing_of_the_one_before() {
    let computer = Computer::new();
    let guest = computer.guest(Some(computer.chromium()), Duration::ZERO);
    let page = "<script>
        fetch('/found-' + (localStorage.getItem('who') ?? 'nobody') + '-' + document.cookie.includes('who'));
        document.cookie = 'who=hanna; secure; max-age=100000';
        localStorage.setItem('who', 'hanna');
    </script>";
    let (portal, origin) = portal_with_page(page);
    let found = |count: usize| loop {
        let paths = portal.received().into_iter().map(|received| received.path);
        let found: Vec<_> = paths.filter(|path| path.starts_with("/found-")).collect();
        if found.len() >= count {
            break found;
        }
        portal.wait_for_requests(portal.received().len() + 1);
    };
    for count in 1..=2 {
        guest.open(&origin).unwrap();
        assert_eq!(found(count), vec!["/found-nobody-false"; count]);
        guest.end();
        wait_for(&guest, GuestPhase::Off);
    }
}

#[test]
fn a_browser_that_is_killed_leaves_nothing() {
    let computer = Computer::new();
    let guest = computer.guest(Some(computer.chromium()), Duration::from_secs(60));
    let (portal, origin) = portal_with_page(PAGE);
    guest.open(&origin).unwrap();
    portal.wait_for_requests(2);
    for process in users_of(&computer.profile()) {
        kill_process(Pid::from_raw(process.cast_signed()).unwrap(), Signal::KILL).ok();
    }
    wait_for(&guest, GuestPhase::Off);
    computer.assert_nothing_is_left();
}

#[test]
fn what_a_killed_program_left_is_deleted_with_its_browser_at_the_next_start() {
    let computer = Computer::new();
    let (portal, _) = portal_with_page(PAGE);
    // As the program leaves it when it is killed: profile and lock file are there, the browser runs, nobody holds the lock.
    let profile = computer.profiles().join("guest-ABCDEF");
    fs::create_dir_all(&profile).unwrap();
    fs::set_permissions(computer.profiles(), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(computer.profiles().join("guest-ABCDEF.lock"), "").unwrap();
    fs::write(computer.profiles().join("of-somebody-else"), "").unwrap();
    let mut browser = Command::new(computer.chromium())
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("{}/", portal.address))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    portal.wait_for_requests(1);

    let guest = computer.guest(None, Duration::ZERO);
    assert_eq!(*guest.state().borrow(), GuestState::default());
    assert!(!browser.wait().unwrap().success(), "the browser ended by itself");
    assert_eq!(computer.left(), ["of-somebody-else"]);
    assert_eq!(users_of(&profile), Vec::<u32>::new());
}

#[test]
fn what_a_running_program_holds_is_not_deleted_by_another() {
    let computer = Computer::new();
    let guest = computer.guest(Some(computer.browser("exec sleep 1000 # \"$@\"")), Duration::ZERO);
    let (_portal, origin) = portal_with_page("");
    guest.open(&origin).unwrap();
    wait_for(&guest, GuestPhase::Open);
    let held = computer.left();
    assert_eq!(held.len(), 2);
    let _other = computer.guest(None, Duration::ZERO);
    let mut now = computer.left();
    now.sort();
    let mut held = held;
    held.sort();
    assert_eq!(now, held);
    drop(guest);
}

#[test]
fn the_page_has_its_time_to_end_its_session_after_the_card_is_removed() {
    let computer = Computer::new();
    let guest = computer.guest(Some(computer.browser("exec sleep 1000")), Duration::from_secs(1000));
    let (_portal, origin) = portal_with_page("");
    guest.open(&origin).unwrap();
    wait_for(&guest, GuestPhase::Open);
    computer.card.remove();
    wait_for(&guest, GuestPhase::Clearing);
    assert!(GuestMode::is_on(&guest), "the page would be told that this is no guest's computer");
    assert!(computer.profile().is_dir());
    // Whoever cannot wait ends it.
    guest.end();
    wait_for(&guest, GuestPhase::Off);
    computer.assert_nothing_is_left();
}

#[test]
fn a_browser_that_does_not_heed_is_ended_all_the_same() {
    let computer = Computer::new();
    let stubborn = "trap '' TERM INT HUP; printf x > \"${1#--user-data-dir=}/started\"; while :; do sleep 0.05; done";
    let guest = computer.guest(Some(computer.browser(stubborn)), Duration::ZERO);
    let (_portal, origin) = portal_with_page("");
    guest.open(&origin).unwrap();
    wait_for(&guest, GuestPhase::Open);
    computer.card.remove();
    wait_for(&guest, GuestPhase::Off);
    computer.assert_nothing_is_left();
}

#[test]
fn why_there_is_no_guest_is_told_and_nothing_is_left() {
    let computer = Computer::new();
    let (_portal, origin) = portal_with_page("");
    let failure = |guest: &Guest| {
        guest.open(&origin).unwrap();
        wait_for(guest, GuestPhase::Off).failure.map(|failure| failure.code())
    };
    assert_eq!(failure(&computer.guest(None, Duration::ZERO)), Some("guest-no-browser"));
    let missing = computer.folder.path().join("no-such-browser");
    assert_eq!(failure(&computer.guest(Some(missing), Duration::ZERO)), Some("guest-browser-not-started"));
    let failing = computer.browser("exit 3");
    assert_eq!(failure(&computer.guest(Some(failing), Duration::ZERO)), Some("guest-browser-not-started"));
    assert_eq!(computer.left(), Vec::<String>::new());
    fs::remove_dir_all(computer.profiles()).unwrap();
    fs::write(computer.profiles(), "in the way").unwrap();
    let guest = computer.guest(None, Duration::ZERO);
    assert_eq!(guest.state().borrow().failure.as_ref().map(GuestFailure::code), Some("guest-not-cleared"));
    assert_eq!(failure(&guest), Some("guest-no-profile"));
}

#[test]
fn no_shell_sees_the_address_and_every_argument_is_one() {
    let computer = Computer::new();
    let list = computer.folder.path().join("arguments");
    let browser = computer.browser(&format!("printf '%s\\n' \"$@\" > {}", list.display()));
    let guest = computer.guest(Some(browser), Duration::ZERO);
    let origin = Origin::parse("https://portal.example:8443").unwrap();
    guest.open(&origin).unwrap();
    wait_for(&guest, GuestPhase::Off);
    let arguments = fs::read_to_string(list).unwrap();
    assert_eq!(arguments.lines().last(), Some("https://portal.example:8443/"));
    assert!(arguments.lines().all(|argument| !argument.contains("--no-sandbox")));
    assert_eq!(arguments.lines().filter(|argument| argument.starts_with("--user-data-dir=")).count(), 1);
}

#[test]
fn firefox_gets_a_profile_in_which_this_portal_alone_may_call() {
    let computer = Computer::new();
    let copy = computer.folder.path().join("copy");
    let script = computer.browser(&format!("cp \"$2/user.js\" {}; printf '%s\\n' \"$@\" >> {0}", copy.display()));
    let firefox = computer.folder.path().join("firefox-esr");
    fs::rename(script, &firefox).unwrap();
    let guest = computer.guest(Some(firefox), Duration::ZERO);
    guest.open(&Origin::parse("https://portal.example").unwrap()).unwrap();
    wait_for(&guest, GuestPhase::Off);
    let seen = fs::read_to_string(copy).unwrap();
    assert!(seen.contains("user_pref(\"network.lna.skip-domains\", \"portal.example\");"), "{seen}");
    assert!(seen.contains("--profile\n") && seen.contains("--private-window\nhttps://portal.example/\n"), "{seen}");
    assert!(!seen.contains("permissions.default.loopback-network"), "every page may call: {seen}");
    computer.assert_nothing_is_left();
}

/// A person at a public computer's terminal.
struct Desk {
    computer: Computer,
    world: World,
    person: Person,
}

impl Desk {
    fn new(browser: impl FnOnce(&Computer) -> PathBuf) -> Self {
        let computer = Computer::new();
        let browser = browser(&computer);
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let text = format!("port = {port}\n[guest]\nbrowser = {browser:?}\ngrace_seconds = 0\n");
        fs::write(computer.folder.path().join("managed.toml"), text).unwrap();
        Self { computer, world: World::with(image("hanna-vydumanaya")), person: Person::new() }
    }

    fn open(&mut self, address: &str) -> Child {
        let folder = self.computer.folder.path();
        let mut command = self.world.latchkey();
        command.args(["guest", address, "--managed"]).arg(folder.join("managed.toml"));
        for variable in ["XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"] {
            command.env(variable, folder.join("xdg"));
        }
        let child = self.person.start(&command);
        self.person.wait_for("is open for a guest.");
        child
    }

    fn profiles(&self) -> PathBuf {
        self.computer.folder.path().join("xdg/latchkey/guest")
    }

    fn assert_nothing_is_left(&self) {
        assert_eq!(fs::read_dir(self.profiles()).unwrap().count(), 0);
        assert_eq!(users_of(&self.profiles()), Vec::<u32>::new());
    }
}

#[test]
fn at_the_terminal_everything_is_gone_when_the_card_is_taken_out() {
    let mut desk = Desk::new(Computer::chromium);
    let (portal, _) = portal_with_page(PAGE);
    let mut child = desk.open(&portal.address);
    portal.wait_for_requests(2);
    desk.world.remove();
    desk.person.wait_for("The guest has gone, and everything he left is deleted.");
    assert!(child.wait().unwrap().success());
    desk.assert_nothing_is_left();
}

#[test]
fn an_interruption_at_the_terminal_ends_the_guests_session() {
    let mut desk = Desk::new(|computer| computer.browser("exec sleep 1000"));
    let mut child = desk.open("https://portal.example");
    interrupt(&child, Signal::INT);
    desk.person.wait_for("The guest has gone, and everything he left is deleted.");
    assert!(child.wait().unwrap().success());
    desk.assert_nothing_is_left();
}

#[test]
fn a_program_that_was_killed_clears_up_when_it_is_started_again() {
    let mut desk = Desk::new(Computer::chromium);
    let (portal, _) = portal_with_page(PAGE);
    let mut child = desk.open(&portal.address);
    portal.wait_for_requests(2);
    child.kill().unwrap();
    child.wait().unwrap();
    let left: Vec<_> = fs::read_dir(desk.profiles()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let former = left.iter().find(|path| path.is_dir()).expect("the killed program left nothing").clone();
    assert!(!users_of(&former).is_empty());

    let mut child = desk.open(&portal.address);
    assert!(!former.exists());
    assert_eq!(users_of(&former), Vec::<u32>::new());
    interrupt(&child, Signal::TERM);
    assert!(child.wait().unwrap().success());
    desk.assert_nothing_is_left();
}

#[test]
fn a_guest_is_not_sent_where_the_administrator_forbids() {
    let folder = tempfile::tempdir().unwrap();
    let managed = folder.path().join("managed.toml");
    fs::write(&managed, "[sites]\nforbidden = [\"https://bad.example\"]\n").unwrap();
    let ran = |address: &[&str]| run(latchkey().args(["guest", "--json", "--managed"]).arg(&managed).args(address));
    assert_eq!(ran(&["https://bad.example"]).json()["error"]["code"], "site-forbidden");
    assert_eq!(ran(&["http://portal.example"]).json()["error"]["code"], "portal-address-invalid");
    assert_eq!(ran(&[]).json()["error"]["code"], "usage-missing");
}
