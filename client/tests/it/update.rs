//! Whether there is a newer version: who may say so, for how long, and what no server can make us believe.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_client::portal::{Access, ExtraTrust};
use latchkey_client::settings::Managed;
use latchkey_client::update::{
    ANSWER_MAX_SIZE, Manifest, UpdateCheck, UpdateFailure, UpdateKey, UpdateSource, Version,
};
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use crate::binary::{latchkey, run};
use crate::test_portal::{serve, tls};

const NOW: OffsetDateTime = datetime!(2026-12-01 12:00 UTC);

/// Whoever publishes, or somebody else.
struct Publisher(PKey<Private>);

impl Publisher {
    fn new() -> Self {
        Self(PKey::generate_ed25519().unwrap())
    }

    fn key(&self) -> String {
        STANDARD.encode(self.0.raw_public_key().unwrap())
    }

    fn signs(&self, manifest: &str) -> String {
        self.signs_in_context(b"latchkey-update:1\0", manifest)
    }

    fn signs_in_context(&self, context: &[u8], manifest: &str) -> String {
        let mut signer = Signer::new_without_digest(&self.0).unwrap();
        let signature = signer.sign_oneshot_to_vec(&[context, manifest.as_bytes()].concat()).unwrap();
        json!({ "manifest": STANDARD.encode(manifest), "signature": STANDARD.encode(signature) }).to_string()
    }

    fn publishes(&self, version: &str, expires: &str) -> String {
        self.signs(&manifest("latchkey", version, expires))
    }
}

fn manifest(program: &str, version: &str, expires: &str) -> String {
    json!({ "program": program, "version": version, "expires": expires, "of-a-later-format": [1, 2] }).to_string()
}

const SOON: &str = "2026-12-08T00:00:00Z";

/// A server of updates, and a program of version 1.2.3 that asks it.
struct Stage {
    publisher: Publisher,
    answer: Arc<Mutex<(u16, String)>>,
    address: String,
    folder: TempDir,
    asked: Arc<Mutex<u32>>,
    runtime: tokio::runtime::Runtime,
}

impl Stage {
    fn set() -> Self {
        let answer = Arc::new(Mutex::new((200, String::new())));
        let asked = Arc::new(Mutex::new(0));
        let (own, count) = (Arc::clone(&answer), Arc::clone(&asked));
        let says = move || {
            *count.lock().unwrap() += 1;
            let (status, body) = own.lock().unwrap().clone();
            async move { (StatusCode::from_u16(status).unwrap(), [("location", "/elsewhere")], body) }
        };
        let (address, runtime) = serve(|_| Router::new().route("/newest.json", get(says)));
        let publisher = Publisher::new();
        Self {
            publisher,
            answer,
            address: format!("{address}/newest.json"),
            folder: TempDir::new().unwrap(),
            asked,
            runtime,
        }
    }

    fn check(&self) -> UpdateCheck {
        let source = UpdateSource::new(&self.address, self.publisher.key().parse().unwrap()).unwrap();
        let trust = ExtraTrust::from_pem(&tls().authority).unwrap();
        let own = "1.2.3".parse().unwrap();
        UpdateCheck::new(source, own, &self.folder.path().join("latchkey"), trust.into())
    }

    fn hears(&self, answer: String, now: OffsetDateTime) -> Result<Option<String>, UpdateFailure> {
        *self.answer.lock().unwrap() = (200, answer);
        self.asks(now)
    }

    fn asks(&self, now: OffsetDateTime) -> Result<Option<String>, UpdateFailure> {
        let newer = self.runtime.block_on(self.check().ask(now))?;
        Ok(newer.map(|version| version.to_string()))
    }
}

#[test]
fn a_newer_version_is_told_and_remembered() {
    let stage = Stage::set();
    assert_eq!(stage.check().known(), None);
    assert_eq!(stage.hears(stage.publisher.publishes("1.10.0", SOON), NOW), Ok(Some("1.10.0".to_owned())));
    assert_eq!(stage.check().known().map(|version| version.to_string()), Some("1.10.0".to_owned()));
}

#[test]
fn the_same_or_an_older_version_is_nothing_to_tell() {
    for version in ["1.2.3", "1.2.2", "0.9.9"] {
        let stage = Stage::set();
        assert_eq!(stage.hears(stage.publisher.publishes(version, SOON), NOW), Ok(None), "{version}");
        assert_eq!(stage.check().known(), None);
    }
}

#[test]
fn what_is_not_to_be_believed_is_refused_and_changes_nothing_known() {
    let stage = Stage::set();
    stage.hears(stage.publisher.publishes("1.5.0", SOON), NOW).unwrap();
    let stranger = Publisher::new();
    let good = stage.publisher.publishes("1.6.0", SOON);
    let signed = |text: &str| stage.publisher.signs(text);
    let with_another_signature = {
        let (own, other): (serde_json::Value, serde_json::Value) = (
            serde_json::from_str(&good).unwrap(),
            serde_json::from_str(&stage.publisher.publishes("9.9.9", SOON)).unwrap(),
        );
        json!({ "manifest": other["manifest"], "signature": own["signature"] }).to_string()
    };
    let rows = [
        ("expired", stage.publisher.publishes("1.6.0", "2026-12-01T12:00:00Z"), UpdateFailure::Expired),
        ("of another key", stranger.publishes("1.6.0", SOON), UpdateFailure::WrongSignature),
        ("a signature of another manifest", with_another_signature, UpdateFailure::WrongSignature),
        (
            "a signature for another use",
            stage.publisher.signs_in_context(b"", &manifest("latchkey", "1.6.0", SOON)),
            UpdateFailure::WrongSignature,
        ),
        ("replayed", stage.publisher.publishes("1.4.9", SOON), UpdateFailure::Older),
        ("of another program", signed(&manifest("padlock", "1.6.0", SOON)), UpdateFailure::Malformed),
        (
            "without a version",
            signed(r#"{"program":"latchkey","expires":"2026-12-08T00:00:00Z"}"#),
            UpdateFailure::Malformed,
        ),
        ("without an end", signed(r#"{"program":"latchkey","version":"1.6.0"}"#), UpdateFailure::Malformed),
        ("a version of two numbers", stage.publisher.publishes("1.6", SOON), UpdateFailure::Malformed),
        ("no time", stage.publisher.publishes("1.6.0", "tomorrow"), UpdateFailure::Malformed),
        ("huge", format!("{}{good}", " ".repeat(ANSWER_MAX_SIZE)), UpdateFailure::Malformed),
        ("empty", String::new(), UpdateFailure::Malformed),
        ("a page", "<html>".to_owned(), UpdateFailure::Malformed),
    ];
    for (name, answer, failure) in rows {
        assert_eq!(stage.hears(answer, NOW), Err(failure), "{name}");
        assert_eq!(stage.check().known().map(|version| version.to_string()), Some("1.5.0".to_owned()), "{name}");
    }
    assert_eq!(stage.hears(good, NOW), Ok(Some("1.6.0".to_owned())));
}

#[test]
fn a_server_that_fails_or_redirects_is_not_followed() {
    let stage = Stage::set();
    for status in [302, 404, 500] {
        *stage.answer.lock().unwrap() = (status, stage.publisher.publishes("1.6.0", SOON));
        assert!(matches!(stage.asks(NOW), Err(UpdateFailure::Unreachable { .. })), "{status}");
    }
    assert_eq!(*stage.asked.lock().unwrap(), 3);
    let trusts_no_test = UpdateCheck::new(
        UpdateSource::new(&stage.address, stage.publisher.key().parse().unwrap()).unwrap(),
        Version::own(),
        stage.folder.path(),
        Access::default(),
    );
    assert!(matches!(stage.runtime.block_on(trusts_no_test.ask(NOW)), Err(UpdateFailure::Unreachable { .. })));
    assert_eq!(*stage.asked.lock().unwrap(), 3);
}

#[test]
fn nobody_is_asked_twice_a_day_unasked() {
    let stage = Stage::set();
    assert!(stage.check().is_due(NOW));
    stage.hears(stage.publisher.publishes("1.2.3", SOON), NOW).unwrap();
    assert!(!stage.check().is_due(NOW + Duration::hours(23)));
    assert!(stage.check().is_due(NOW + Duration::hours(24)));
    assert!(stage.check().is_due(NOW - Duration::hours(1)), "a clock that was set back");
    // One that fails counts too.
    let later = NOW + Duration::days(3);
    stage.hears(String::new(), later).unwrap_err();
    assert!(!stage.check().is_due(later + Duration::hours(1)));
}

#[test]
fn a_note_that_cannot_be_kept_is_said_and_a_damaged_one_forgotten() {
    let stage = Stage::set();
    let folder = stage.folder.path().join("latchkey");
    std::fs::write(&folder, "a file where a folder should be").unwrap();
    let failed = stage.hears(stage.publisher.publishes("1.6.0", SOON), NOW);
    assert!(matches!(failed, Err(UpdateFailure::NotRemembered { .. })), "{failed:?}");
    std::fs::remove_file(&folder).unwrap();
    std::fs::create_dir(&folder).unwrap();
    for damaged in ["", "{", "{\"checked\":7}", "{\"checked\":\"x\",\"newest\":\"1.x\"}"] {
        std::fs::write(folder.join("update.json"), damaged).unwrap();
        assert_eq!(stage.check().known(), None);
        assert!(stage.check().is_due(NOW));
    }
}

#[test]
fn it_is_off_unless_the_administrator_names_address_and_key() {
    let key = Publisher::new().key();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("managed.toml");
    let managed = |text: &str| {
        std::fs::write(&file, text).unwrap();
        Managed::of_file(&file)
    };
    assert!(managed("").unwrap().updates().is_none());
    let address = "https://updates.example/latchkey.json";
    let set = managed(&format!("[updates]\naddress = \"{address}\"\nkey = \"{key}\"\n")).unwrap();
    assert!(set.updates().is_some());
    for (name, text) in [
        ("no key", format!("[updates]\naddress = \"{address}\"\n")),
        ("no address", format!("[updates]\nkey = \"{key}\"\n")),
        ("not encrypted", format!("[updates]\naddress = \"http://updates.example/\"\nkey = \"{key}\"\n")),
        ("with a password", format!("[updates]\naddress = \"https://a:b@updates.example/\"\nkey = \"{key}\"\n")),
        ("half a key", format!("[updates]\naddress = \"{address}\"\nkey = \"{}\"\n", &key[..20])),
        ("something more", format!("[updates]\naddress = \"{address}\"\nkey = \"{key}\"\ninsecure = true\n")),
    ] {
        assert!(managed(&text).is_err(), "{name}");
    }
}

#[test]
fn versions_are_three_plain_numbers() {
    for (text, version) in
        [("0.1.0", Some("0.1.0")), ("10.20.30", Some("10.20.30")), ("4294967295.0.0", Some("4294967295.0.0"))]
    {
        assert_eq!(text.parse::<Version>().ok().map(|version| version.to_string()).as_deref(), version);
    }
    for text in
        ["", "1", "1.2", "1.2.3.4", "1.2.-3", "1.2.+3", "01.2.3", "1..3", "1.2.3-rc", " 1.2.3", "4294967296.0.0"]
    {
        assert!(text.parse::<Version>().is_err(), "{text}");
    }
    assert!("1.10.0".parse::<Version>().unwrap() > "1.9.9".parse().unwrap());
}

#[test]
fn every_truncation_and_every_other_octet_is_refused() {
    let publisher = Publisher::new();
    let key: UpdateKey = publisher.key().parse().unwrap();
    let answer = publisher.publishes("1.6.0", SOON).into_bytes();
    Manifest::open(&answer, &key).unwrap();
    for end in 0..answer.len() {
        Manifest::open(&answer[..end], &key).unwrap_err();
    }
    for position in 0..answer.len() {
        let mut altered = answer.clone();
        altered[position] ^= 0x01;
        Manifest::open(&altered, &key).unwrap_err();
    }
}

proptest! {
    #[test]
    fn no_answer_makes_it_stumble(answer in prop::collection::vec(any::<u8>(), 0..200), text in ".{0,60}") {
        let publisher = Publisher::new();
        let key: UpdateKey = publisher.key().parse().unwrap();
        prop_assert!(Manifest::open(&answer, &key).is_err());
        prop_assert!(Manifest::open(publisher.signs(&text).as_bytes(), &key).is_err());
    }
}

#[test]
fn the_command_line_asks_when_it_is_told_to() {
    let stage = Stage::set();
    let authorities = stage.folder.path().join("authorities.pem");
    std::fs::write(&authorities, &tls().authority).unwrap();
    let managed = stage.folder.path().join("managed.toml");
    let ask = |managed_says: &str| {
        std::fs::write(&managed, managed_says).unwrap();
        let mut command = latchkey();
        command.env("HOME", stage.folder.path()).env("XDG_STATE_HOME", stage.folder.path().join("state"));
        run(command.arg("--managed").arg(&managed).args(["--lang", "en", "update", "--json"]))
    };
    let off = ask("");
    assert_eq!((off.code, &off.json()["error"]["code"]), (2, &json!("update-not-configured")), "{off:?}");

    let set = format!(
        "certificate_authorities = [{authorities:?}]\n[updates]\naddress = {:?}\nkey = {:?}\n",
        stage.address,
        stage.publisher.key()
    );
    *stage.answer.lock().unwrap() = (200, stage.publisher.publishes("4000000000.0.0", "9999-01-01T00:00:00Z"));
    let newer = ask(&set);
    assert_eq!((newer.code, &newer.json()["newer"]), (0, &json!("4000000000.0.0")), "{newer:?}");
    *stage.answer.lock().unwrap() = (200, stage.publisher.publishes("3.0.0", "9999-01-01T00:00:00Z"));
    let older = ask(&set);
    assert_eq!((older.code, &older.json()["error"]["code"]), (8, &json!("update-older")), "{older:?}");
}

#[test]
fn what_the_guide_tells_publishers_to_do_is_believed() {
    let guide = include_str!("../../../docs/building-elsewhere.md");
    let (_, recipe) = guide.split_once("```\nopenssl genpkey").unwrap();
    let (recipe, _) = recipe.split_once("```").unwrap();
    let folder = TempDir::new().unwrap();
    let mut shell = std::process::Command::new("bash");
    let done = shell.args(["-ec", &format!("openssl genpkey{recipe}")]).current_dir(folder.path()).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    let key: UpdateKey = String::from_utf8(done.stdout).unwrap().trim().parse().unwrap();
    let manifest = Manifest::open(&std::fs::read(folder.path().join("latchkey.json")).unwrap(), &key).unwrap();
    assert_eq!(manifest.version, "1.4.0".parse().unwrap());
}
