//! `latchkey settings` as a person runs it, and settings that other commands keep to.

use std::process::Command;

use serde_json::json;

use super::Holder;
use crate::binary::{Ran, latchkey, run};

impl Holder {
    fn latchkey(&self) -> Command {
        let mut command = latchkey();
        command.env("XDG_CONFIG_HOME", self.folder.path()).env("HOME", self.folder.path());
        command
    }

    fn settings(&self, arguments: &[&str]) -> Ran {
        run(self.latchkey().arg("settings").args(arguments))
    }

    fn administrator(&self, text: &str) -> String {
        let path = self.folder.path().join("managed.toml");
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

#[test]
fn settings_are_shown_changed_and_shown_again() {
    let holder = Holder::new();
    let shown = holder.settings(&["show", "--json"]).json();
    assert_eq!(shown["settings"]["theme"], "system");
    assert_eq!(shown["settings"]["proxy_address"], json!(null));
    let changed = holder.settings(&["set", "pin-pad", "true"]);
    assert_eq!(changed.code, 0, "{changed:?}");
    assert!(changed.out.contains("pin_pad"), "{changed:?}");
    assert_eq!(holder.reads(), "pin_pad = true\n");
    assert_eq!(holder.settings(&["show", "--json"]).json()["settings"]["pin_pad"], "true");
}

#[test]
fn the_language_that_was_set_is_spoken_unless_another_is_asked_for() {
    let holder = Holder::new();
    assert_eq!(holder.settings(&["set", "language", "be"]).code, 0);
    let belarusian = holder.settings(&["sites"]);
    assert!(belarusian.out.contains("Ні пра адзін сайт"), "{belarusian:?}");
    let russian = holder.settings(&["sites", "--lang", "ru"]);
    assert!(russian.out.contains("Ни об одном сайте"), "{russian:?}");
}

#[test]
fn what_cannot_be_set_is_told_with_its_code() {
    let holder = Holder::new();
    let file = holder.administrator("[fixed]\ntheme = \"contrast\"\n");
    let rows = [
        (&["set", "colour", "blue"][..], "setting-unknown", 2),
        (&["set", "theme", "pink"], "setting-value", 2),
        (&["set", "proxy-address", "http://me:secret@proxy.example"], "setting-value", 2),
        (&["set", "theme", "dark", "--managed", &file], "setting-fixed", 2),
        (&["forget", "https://portal.example"], "site-unknown", 2),
        (&["forget", "http://portal.example"], "portal-address-invalid", 2),
    ];
    for (arguments, code, exit) in rows {
        let ran = holder.settings(&[arguments, &["--json"]].concat());
        assert_eq!(ran.json()["error"]["code"], code, "{ran:?}");
        assert_eq!(ran.code, exit, "{arguments:?}");
    }
    let shown = holder.settings(&["show", "--managed", &file]);
    assert!(shown.out.contains("contrast (fixed by the administrator)"), "{shown:?}");
    std::fs::write(holder.folder.path().join("latchkey"), "in the way").unwrap();
    let ran = holder.settings(&["set", "theme", "dark", "--json"]);
    assert_eq!((ran.json()["error"]["code"].as_str(), ran.code), (Some("settings-unwritable"), 1));
}

#[test]
fn sites_are_shown_and_forgotten() {
    let holder = Holder::new();
    holder.writes("[sites.\"https://portal.example\"]\nstate = \"allowed\"\nsince = \"2026-01-31T12:00:00Z\"\n");
    let file = holder.administrator("[sites]\nforbidden = [\"https://bad.example\"]\n");
    let listed = holder.settings(&["sites", "--json", "--managed", &file]).json();
    let expected = json!({ "sites": [
        { "origin": "https://bad.example", "state": "forbidden-by-administrator", "since": null },
        { "origin": "https://portal.example", "state": "allowed", "since": "2026-01-31T12:00:00Z" },
    ] });
    assert_eq!(listed, expected);
    let forgotten = holder.settings(&["forget", "https://portal.example/", "--json"]);
    assert_eq!(forgotten.json(), json!({ "sites": [] }));
    assert_eq!(holder.reads(), "");
}

#[test]
fn a_damaged_file_is_told_by_every_command() {
    let holder = Holder::new();
    holder.writes("\ntheme = \"pink\"\n");
    for arguments in [&["settings", "show"][..], &["readers"]] {
        let ran = run(holder.latchkey().args(arguments));
        assert!(ran.err.contains("line 2") && ran.err.contains("settings-damaged"), "{ran:?}");
    }
    std::fs::set_permissions(holder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    let ran = holder.settings(&["show"]);
    assert!(ran.err.contains("settings-unreadable"), "{ran:?}");
}

#[test]
fn nothing_is_done_under_an_administrators_file_with_a_fault() {
    let holder = Holder::new();
    let file = holder.administrator("port = 1\n");
    for arguments in [&["readers", "--json"][..], &["sign-in", "https://portal.example", "--json"]] {
        let ran = run(holder.latchkey().args(arguments).args(["--managed", &file]));
        assert_eq!(ran.json()["error"]["code"], "managed-settings-faulty", "{ran:?}");
        assert_eq!(ran.code, 1);
    }
    let ran = run(holder.latchkey().args(["readers", "--json", "--managed", "/nonexistent/managed.toml"]));
    assert_eq!(ran.json()["error"]["code"], "managed-settings-unreadable");
    let help = run(holder.latchkey().args(["--managed", &file, "--help"]));
    assert_eq!(help.code, 0, "help needs no settings: {help:?}");
}

#[test]
fn a_forbidden_site_is_not_contacted() {
    let holder = Holder::new();
    let file = holder.administrator("[sites]\nforbidden = [\"https://bad.example\"]\n");
    let arguments = ["sign-in", "https://bad.example", "--yes", "--json", "--managed", &file];
    let ran = run(holder.latchkey().args(arguments));
    assert_eq!(ran.json()["error"]["code"], "site-forbidden", "{ran:?}");
    assert_eq!(ran.code, 7);
    let link = format!("latchkey:sign-in?portal=https%3A%2F%2Fbad.example&request={}", "A".repeat(43));
    let ran = run(holder.latchkey().args(["open", &link, "--yes", "--json", "--managed", &file]));
    assert_eq!(ran.json()["error"]["code"], "site-forbidden", "{ran:?}");
}
