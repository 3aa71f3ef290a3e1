//! Remembered sign-ins: encrypted, for the holder alone, deletable, and none where the system keeps no keys.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use latchkey_client::history::{
    Code, ENTRIES_MAX, Entry, EntryKind, EntryResult, History, HistoryFailure, HistoryKey, KeyStore, SecretService,
};
use latchkey_crypto::assertion::Origin;
use latchkey_fixtures::random::Seeded;
use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;
use time::Duration;
use time::macros::datetime;

use crate::binary::{latchkey, run};

/// A key store as a test wants it.
#[derive(Default)]
pub(crate) struct Keys {
    kept: Mutex<Option<[u8; 32]>>,
    fails: Mutex<Option<HistoryFailure>>,
    asked: Mutex<u32>,
}

impl Keys {
    fn check(&self) -> Result<(), HistoryFailure> {
        *self.asked.lock().unwrap() += 1;
        self.fails.lock().unwrap().clone().map_or(Ok(()), Err)
    }

    fn fail(&self, failure: HistoryFailure) {
        *self.fails.lock().unwrap() = Some(failure);
    }
}

impl KeyStore for Keys {
    fn is_there(&self) -> Result<(), HistoryFailure> {
        self.check()
    }

    fn find(&self) -> Result<Option<HistoryKey>, HistoryFailure> {
        self.check()?;
        Ok(self.kept.lock().unwrap().as_ref().and_then(|octets| HistoryKey::from_octets(octets)))
    }

    fn keep(&self, key: &HistoryKey) -> Result<(), HistoryFailure> {
        self.check()?;
        *self.kept.lock().unwrap() = Some(*key.octets());
        Ok(())
    }

    fn forget(&self) -> Result<(), HistoryFailure> {
        self.check()?;
        *self.kept.lock().unwrap() = None;
        Ok(())
    }
}

struct Stage {
    folder: TempDir,
    keys: Arc<Keys>,
    history: History,
    random: Seeded,
}

impl Stage {
    fn set() -> Self {
        let folder = TempDir::new().unwrap();
        let keys = Arc::new(Keys::default());
        let history = History::new(&folder.path().join("latchkey"), Arc::<Keys>::clone(&keys));
        Self { folder, keys, history, random: Seeded::new("history") }
    }

    fn remember(&mut self, entry: Entry) -> Result<(), HistoryFailure> {
        self.history.remember(entry, &mut self.random)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("latchkey/history")
    }
}

fn entry(number: u16) -> Entry {
    let result = match number % 3 {
        0 => EntryResult::Done,
        1 => EntryResult::Failed(Code::parse("pin-wrong").unwrap()),
        _ => EntryResult::Failed(Code::parse("holder-refused").unwrap()),
    };
    let kind = match number % 4 {
        0 => EntryKind::Documents,
        1 => EntryKind::Terminal,
        _ => EntryKind::SignIn,
    };
    let origin = Origin::parse(&format!("https://portal-{number}.example")).unwrap();
    Entry { at: datetime!(2026-11-22 8:00 UTC) + Duration::minutes(number.into()), origin, kind, result }
}

#[test]
fn sign_ins_are_shown_the_newest_first() {
    let mut stage = Stage::set();
    assert_eq!(stage.history.entries(), Ok(Vec::new()));
    for number in 0..4 {
        stage.remember(entry(number)).unwrap();
    }
    assert_eq!(stage.history.entries(), Ok([3, 2, 1, 0].map(entry).to_vec()));
}

#[test]
fn each_entry_says_what_was_asked_for() {
    let mut stage = Stage::set();
    for kind in [EntryKind::SignIn, EntryKind::Documents, EntryKind::Terminal] {
        stage.remember(Entry { kind, ..entry(0) }).unwrap();
        assert_eq!(stage.history.entries().unwrap()[0].kind, kind);
    }
}

#[test]
fn a_developers_own_page_is_remembered_and_spoils_nothing() {
    let mut stage = Stage::set();
    let origin = Origin::parse_on_loopback("http://localhost:3000").unwrap();
    let own = Entry { origin, ..entry(0) };
    stage.remember(own.clone()).unwrap();
    stage.remember(entry(1)).unwrap();
    assert_eq!(stage.history.entries(), Ok(vec![entry(1), own]));
}

#[test]
fn the_file_is_the_holders_and_says_nothing_without_the_key() {
    let mut stage = Stage::set();
    stage.remember(entry(0)).unwrap();
    let first = fs::read(stage.file()).unwrap();
    let text = String::from_utf8_lossy(&first);
    assert!(!text.contains("portal") && !text.contains("2026"), "{text}");
    assert_eq!(fs::metadata(stage.file()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(stage.file().parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    stage.history.delete().unwrap();
    stage.remember(entry(0)).unwrap();
    assert_ne!(fs::read(stage.file()).unwrap(), first, "a key or a nonce was used twice");
    *stage.keys.kept.lock().unwrap() = Some([7; 32]);
    assert_eq!(stage.history.entries(), Err(HistoryFailure::Damaged));
}

#[test]
fn the_oldest_are_forgotten_first() {
    let mut stage = Stage::set();
    let most = u16::try_from(ENTRIES_MAX).unwrap();
    for number in 0..most + 2 {
        stage.remember(entry(number)).unwrap();
    }
    let entries = stage.history.entries().unwrap();
    assert_eq!(
        (entries.len(), entries.first(), entries.last()),
        (ENTRIES_MAX, Some(&entry(most + 1)), Some(&entry(2)))
    );
}

#[test]
fn without_a_key_store_nothing_is_remembered_and_it_says_why() {
    let mut stage = Stage::set();
    for failure in [HistoryFailure::NoKeyStore { reason: "no bus".to_owned() }, HistoryFailure::KeyStoreLocked] {
        stage.keys.fail(failure.clone());
        assert_eq!(stage.history.possible(), Err(failure.clone()));
        assert_eq!(stage.remember(entry(1)), Err(failure));
        assert!(!stage.file().exists());
    }
    assert_eq!(stage.history.entries(), Ok(Vec::new()), "there is nothing to ask a key for");
}

#[test]
fn a_key_that_is_gone_is_said_and_its_file_not_written_over() {
    let mut stage = Stage::set();
    stage.remember(entry(1)).unwrap();
    *stage.keys.kept.lock().unwrap() = None;
    let before = fs::read(stage.file()).unwrap();
    assert_eq!(stage.history.entries(), Err(HistoryFailure::KeyLost));
    assert_eq!(stage.remember(entry(2)), Err(HistoryFailure::KeyLost));
    assert_eq!(fs::read(stage.file()).unwrap(), before);
    stage.history.delete().unwrap();
    stage.remember(entry(2)).unwrap();
    assert_eq!(stage.history.entries(), Ok(vec![entry(2)]));
}

#[test]
fn deleting_takes_file_and_key_even_without_a_key_store() {
    let mut stage = Stage::set();
    stage.remember(entry(1)).unwrap();
    stage.history.delete().unwrap();
    assert!(!stage.file().exists() && stage.keys.kept.lock().unwrap().is_none());
    stage.remember(entry(1)).unwrap();
    stage.keys.fail(HistoryFailure::KeyStoreLocked);
    stage.history.delete().unwrap();
    assert!(!stage.file().exists());
    stage.history.delete().unwrap();
}

#[test]
fn of_guests_nothing_is_remembered_and_nothing_shown() {
    let mut stage = Stage::set();
    stage.remember(entry(1)).unwrap();
    let asked = *stage.keys.asked.lock().unwrap();
    let other = stage.history.clone();
    stage.history.begin_guest();
    other.remember(entry(2), &mut stage.random).unwrap();
    assert_eq!(other.entries(), Ok(Vec::new()));
    assert_eq!(*stage.keys.asked.lock().unwrap(), asked, "the key store was asked while a guest was there");
    stage.history.end_guest();
    assert_eq!(other.entries(), Ok(vec![entry(1)]));
}

#[test]
fn what_cannot_be_written_is_said() {
    let mut stage = Stage::set();
    fs::write(stage.folder.path().join("latchkey"), "a file where a folder should be").unwrap();
    assert!(matches!(stage.remember(entry(1)), Err(HistoryFailure::Unwritable { .. })));
}

#[test]
fn every_truncation_every_altered_octet_and_every_longer_file_is_refused() {
    let mut stage = Stage::set();
    stage.remember(entry(1)).unwrap();
    let file = fs::read(stage.file()).unwrap();
    let read = |octets: &[u8]| {
        fs::write(stage.file(), octets).unwrap();
        stage.history.entries()
    };
    for end in 0..file.len() {
        assert_eq!(read(&file[..end]), Err(HistoryFailure::Damaged), "{end}");
    }
    for position in 0..file.len() {
        let mut altered = file.clone();
        altered[position] ^= 1;
        assert_eq!(read(&altered), Err(HistoryFailure::Damaged), "{position}");
    }
    assert_eq!(read(&[&file[..], b"x"].concat()), Err(HistoryFailure::Damaged));
    assert_eq!(read(&vec![b'x'; 600 * 1024]), Err(HistoryFailure::Damaged));
    assert_eq!(read(&file), Ok(vec![entry(1)]));
}

#[test]
fn a_damaged_history_is_not_written_over() {
    let mut stage = Stage::set();
    stage.remember(entry(1)).unwrap();
    fs::write(stage.file(), "damaged").unwrap();
    assert_eq!(stage.remember(entry(2)), Err(HistoryFailure::Damaged));
    assert_eq!(fs::read(stage.file()).unwrap(), b"damaged");
}

#[test]
fn windows_and_terminals_write_one_after_the_other() {
    let stage = Stage::set();
    std::thread::scope(|scope| {
        for writer in 0..4_u16 {
            let history = stage.history.clone();
            scope.spawn(move || {
                let mut random = Seeded::new(&format!("writer {writer}"));
                (0..5).for_each(|number| history.remember(entry(writer * 5 + number), &mut random).unwrap());
            });
        }
    });
    assert_eq!(stage.history.entries().unwrap().len(), 20);
}

proptest! {
    #[test]
    fn no_file_makes_it_stumble(octets in prop::collection::vec(any::<u8>(), 0..200), has_first_line: bool) {
        let stage = Stage::set();
        *stage.keys.kept.lock().unwrap() = Some([7; 32]);
        fs::create_dir(stage.folder.path().join("latchkey")).unwrap();
        let first_line: &[u8] = if has_first_line { b"latchkey-history:1\n" } else { b"" };
        fs::write(stage.file(), [first_line, &octets].concat()).unwrap();
        prop_assert_eq!(stage.history.entries(), Err(HistoryFailure::Damaged));
    }
}

/// A session bus with GNOME's key store on it, unlocked.
struct Keyring {
    folder: TempDir,
    bus: Child,
    daemon: Child,
    address: String,
}

impl Keyring {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let (bus, address) = start_bus(folder.path());
        let mut command = Command::new("gnome-keyring-daemon");
        command.args(["--foreground", "--unlock", "--components=secrets"]).env("DBUS_SESSION_BUS_ADDRESS", &address);
        command.env("HOME", folder.path()).env("XDG_RUNTIME_DIR", folder.path());
        command.env("XDG_DATA_HOME", folder.path().join("data"));
        let mut daemon = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        daemon.stdin.take().unwrap().write_all(b"an invented password").unwrap();
        // It tells nobody that it is ready.
        let keys = SecretService::on_bus(address.clone());
        let is_ready = (0..1500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            keys.is_there().is_ok()
        });
        assert!(is_ready, "the key store does not start");
        Self { folder, bus, daemon, address }
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        for child in [&mut self.daemon, &mut self.bus] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn start_bus(folder: &Path) -> (Child, String) {
    let address = format!("unix:path={}", folder.join("bus").display());
    let mut command = Command::new("dbus-daemon");
    command.args(["--session", "--nofork", "--nopidfile", "--print-address=1"]).arg(format!("--address={address}"));
    // No service of the surrounding system is started on it.
    command.env("XDG_DATA_DIRS", folder).env("XDG_DATA_HOME", folder).env("HOME", folder);
    let mut bus = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(bus.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (bus, line.trim().to_owned())
}

#[test]
fn gnomes_key_store_keeps_the_key() {
    let keyring = Keyring::start();
    let keys = SecretService::on_bus(keyring.address.clone());
    keys.is_there().unwrap();
    assert_eq!(keys.find(), Ok(None));
    let mut random = Seeded::new("keyring");
    let (first, second) = (HistoryKey::generate(&mut random), HistoryKey::generate(&mut random));
    for key in [first, second] {
        keys.keep(&key).unwrap();
        assert_eq!(keys.find(), Ok(Some(key)));
    }
    let history = History::new(&keyring.folder.path().join("latchkey"), Arc::new(keys.clone()));
    history.remember(entry(1), &mut random).unwrap();
    assert_eq!(history.entries(), Ok(vec![entry(1)]));
    history.delete().unwrap();
    assert_eq!((history.entries(), keys.find()), (Ok(Vec::new()), Ok(None)));
}

#[test]
fn a_bus_without_a_key_store_and_no_bus_at_all_are_no_key_store() {
    let folder = TempDir::new().unwrap();
    let (mut bus, address) = start_bus(folder.path());
    for address in [address, format!("unix:path={}", folder.path().join("nobody").display())] {
        let failure = SecretService::on_bus(address.clone()).is_there();
        assert!(matches!(failure, Err(HistoryFailure::NoKeyStore { .. })), "{address}: {failure:?}");
    }
    bus.kill().unwrap();
    bus.wait().unwrap();
}

#[test]
fn the_command_line_shows_and_deletes_the_history() {
    let keyring = Keyring::start();
    let state = keyring.folder.path().join("state");
    let keys = SecretService::on_bus(keyring.address.clone());
    let history = History::new(&state.join("latchkey"), Arc::new(keys));
    history.remember(entry(1), &mut Seeded::new("command line")).unwrap();
    let at_terminal = |arguments: &[&str]| {
        let mut command = latchkey();
        command.env("HOME", keyring.folder.path()).env("XDG_STATE_HOME", &state);
        command.env("DBUS_SESSION_BUS_ADDRESS", &keyring.address).args(["--lang", "en", "history"]);
        run(command.args(arguments))
    };
    let shown = at_terminal(&["--json"]);
    let expected = json!([{ "at": "2026-11-22T08:01:00Z", "origin": "https://portal-1.example", "kind": "terminal", "failure": "pin-wrong" }]);
    assert_eq!(shown.json()["history"], expected, "{shown:?}");
    let shown = at_terminal(&[]);
    assert!(
        shown.out.contains("Nothing is remembered of sites") && shown.out.contains("terminal: failed: pin-wrong"),
        "{shown:?}"
    );
    assert_eq!(at_terminal(&["--delete"]).code, 0);
    assert_eq!(at_terminal(&["--json"]).json()["history"], json!([]));
}
