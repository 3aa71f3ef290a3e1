//! The holder's file: what is read, what is kept, what is written.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use latchkey_client::desk::{REFUSAL_HOLDS, Sites, Standing};
use latchkey_client::settings::{
    Autostart, LanguageChoice, ProxyAddress, ProxyChoice, Setting, SettingName, Settings, SettingsFailure,
    SettingsStore, SiteState, Theme,
};
use latchkey_client::texts::Language;
use latchkey_crypto::assertion::Origin;
use proptest::prelude::*;
use time::Duration;

use super::{Holder, files, managed, origin};

#[test]
fn without_a_file_the_programs_defaults_hold() {
    let holder = Holder::new();
    let store = holder.store();
    let expected = Settings {
        language: None,
        theme: Theme::System,
        autostart: false,
        tray: false,
        pin_pad: false,
        proxy: ProxyChoice::System,
        proxy_address: None,
        history: false,
    };
    assert_eq!(store.settings(), expected);
    assert_eq!(store.failure(), None);
    assert!(!holder.path().exists(), "looking at settings wrote a file");
}

#[test]
fn every_setting_is_read_back_as_it_was_set() {
    let holder = Holder::new();
    let rows = [
        (Setting::Language(LanguageChoice::Is(Language::Belarusian)), "language = \"be\""),
        (Setting::Theme(Theme::Contrast), "theme = \"contrast\""),
        (Setting::Autostart(true), "autostart = true"),
        (Setting::Tray(true), "tray = true"),
        (Setting::PinPad(true), "pin_pad = true"),
        (Setting::Proxy(ProxyChoice::Address), "proxy = \"address\""),
        (
            Setting::ProxyAddress("http://proxy.example:3128".parse().unwrap()),
            "proxy_address = \"http://proxy.example:3128\"",
        ),
        (Setting::History(true), "history = true"),
    ];
    assert_eq!(rows.len(), SettingName::ALL.len());
    for (setting, line) in &rows {
        holder.store().change(setting).unwrap();
        assert!(holder.reads().lines().any(|written| written == *line), "{line}\n{}", holder.reads());
    }
    let settings = holder.store().settings();
    let expected = Settings {
        language: Some(Language::Belarusian),
        theme: Theme::Contrast,
        autostart: true,
        tray: true,
        pin_pad: true,
        proxy: ProxyChoice::Address,
        proxy_address: Some("http://proxy.example:3128".parse().unwrap()),
        history: true,
    };
    assert_eq!(settings, expected);
    for name in SettingName::ALL {
        assert_eq!(SettingName::of_key(name.key()), Some(name));
        assert_eq!(SettingName::of_key(&name.key().replace('_', "-")), Some(name));
    }
}

#[test]
fn the_file_is_its_owners_alone_and_nothing_else_lies_about() {
    let holder = Holder::new();
    holder.store().change(&Setting::Tray(true)).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&holder.path()), 0o600);
    assert_eq!(mode(holder.path().parent().unwrap()), 0o700);
    assert_eq!(files(holder.path().parent().unwrap()), ["settings.lock", "settings.toml"]);
}

#[test]
fn comments_and_keys_of_other_versions_survive_a_change() {
    let holder = Holder::new();
    let text = "# mine\ncolour_of_the_moon = \"blue\" # later version\ntheme = \"dark\" # at night\n\n[later]\nx = 1\n";
    holder.writes(text);
    let store = holder.store();
    assert_eq!(store.failure(), None);
    store.change(&Setting::Theme(Theme::Light)).unwrap();
    assert_eq!(holder.reads(), text.replace("\"dark\"", "\"light\""));
    store.allow_site(&origin("https://portal.example")).unwrap();
    store.forget_site(&origin("https://portal.example")).unwrap();
    assert_eq!(holder.reads(), text.replace("\"dark\"", "\"light\""));
}

#[test]
fn one_bad_value_costs_one_setting_and_is_told_with_its_line() {
    let rows = [
        ("theme", "\n\ntheme = \"pink\"\n", 3, "theme must be system, light, dark or contrast"),
        ("language", "language = 7\n", 1, "language must be a text in quotation marks"),
        ("tray", "# a\ntray = \"true\"\n", 2, "tray must be true or false, without quotation marks"),
        ("proxy", "proxy = \"http://x\"\n", 1, "proxy must be system, none or address"),
        (
            "proxy_address",
            "proxy_address = \"http://me:secret@proxy.example:1\"\n",
            1,
            "proxy_address must be a proxy's address like http://proxy.example:3128, without a password",
        ),
        (
            "a site without a date",
            "[sites.\"https://a.example\"]\nstate = \"allowed\"\n",
            1,
            "sites.\"https://a.example\" must be dated like 2026-01-31T12:00:00Z",
        ),
        (
            "a site that is none",
            "[sites.\"http://a.example\"]\nstate = \"allowed\"\nsince = \"2026-01-31T12:00:00Z\"\n",
            1,
            "sites.\"http://a.example\" must be named by its origin, like https://portal.example",
        ),
        ("sites", "sites = 3\n", 1, "sites must be a table of sites"),
    ];
    for (name, text, line, problem) in rows {
        let holder = Holder::new();
        holder.writes(&format!("{text}\n"));
        let store = holder.store();
        let Some(SettingsFailure::Damaged { fault, .. }) = store.failure() else { panic!("{name} is no fault") };
        assert_eq!((fault.line, fault.problem.as_str()), (line, problem), "{name}");
        // The rest holds, and a change keeps what is not understood.
        let holder = Holder::new();
        holder.writes(&format!("history = true\n{text}"));
        let store = holder.store();
        assert!(store.settings().history, "{name}");
        store.change(&Setting::History(false)).unwrap();
        assert_eq!(holder.reads(), format!("history = false\n{text}"), "{name}");
    }
}

#[test]
fn a_damaged_file_is_told_and_put_aside_and_never_lost() {
    let holder = Holder::new();
    let damaged = "theme = \"dark\"\nlanguage = \"be\nhistory = true\n";
    holder.writes(damaged);
    let store = holder.store();
    let Some(SettingsFailure::Damaged { fault, .. }) = store.failure() else { panic!("nothing is told") };
    assert_eq!(fault.line, 2, "{fault}");
    assert_eq!(store.settings().theme, Theme::System);
    assert_eq!(holder.reads(), damaged, "the damaged file was touched before anything was set");

    store.change(&Setting::Theme(Theme::Light)).unwrap();
    assert_eq!(store.failure(), None);
    let aside = holder.path().with_extension("toml.damaged-1");
    assert_eq!(fs::read_to_string(aside).unwrap(), damaged);
    assert_eq!(holder.reads(), "theme = \"light\"\n");

    holder.writes("=\n");
    store.change(&Setting::Theme(Theme::Dark)).unwrap();
    assert_eq!(fs::read_to_string(holder.path().with_extension("toml.damaged-1")).unwrap(), damaged);
    assert_eq!(fs::read_to_string(holder.path().with_extension("toml.damaged-2")).unwrap(), "=\n");
}

#[test]
fn a_remembered_site_that_cannot_be_read_is_put_aside_with_the_file() {
    let holder = Holder::new();
    let damaged = "[sites.\"https://a.example\"]\nstate = \"adored\"\n";
    holder.writes(damaged);
    holder.store().refuse_site(&origin("https://b.example")).unwrap();
    assert_eq!(fs::read_to_string(holder.path().with_extension("toml.damaged-1")).unwrap(), damaged);
    assert_eq!(holder.store().failure(), None);
}

#[test]
fn a_file_that_others_may_write_to_or_that_is_too_long_has_no_effect() {
    let holder = Holder::new();
    holder.writes("theme = \"dark\"\n");
    fs::set_permissions(holder.path(), fs::Permissions::from_mode(0o666)).unwrap();
    let store = holder.store();
    assert_eq!(store.settings().theme, Theme::System);
    assert!(matches!(store.failure(), Some(SettingsFailure::Unreadable { .. })));
    assert!(matches!(store.change(&Setting::Tray(true)), Err(SettingsFailure::Unwritable { .. })));
    fs::set_permissions(holder.path(), fs::Permissions::from_mode(0o600)).unwrap();
    holder.writes(&format!("theme = \"dark\"\n#{}\n", "x".repeat(300_000)));
    assert!(matches!(store.failure(), Some(SettingsFailure::Unreadable { .. })));
}

#[test]
fn a_change_by_another_program_is_seen_and_kept() {
    let holder = Holder::new();
    let (one, other) = (holder.store(), holder.store());
    one.change(&Setting::Theme(Theme::Dark)).unwrap();
    assert_eq!(other.settings().theme, Theme::Dark);
    other.change(&Setting::Tray(true)).unwrap();
    assert!(one.settings().tray);
    assert_eq!(one.settings().theme, Theme::Dark);
    holder.writes("theme = \"contrast\"\n");
    assert_eq!(one.settings().theme, Theme::Contrast);
    fs::remove_file(holder.path()).unwrap();
    assert_eq!(one.settings().theme, Theme::System);
}

#[test]
fn of_many_changes_at_once_none_is_lost() {
    let holder = Holder::new();
    std::thread::scope(|scope| {
        for number in 0..20 {
            let store = holder.store();
            scope.spawn(move || store.allow_site(&origin(&format!("https://p{number}.example"))).unwrap());
        }
    });
    assert_eq!(holder.store().sites().len(), 20);
}

#[test]
fn a_refusal_lasts_a_day_and_an_agreement_until_it_is_forgotten() {
    let holder = Holder::new();
    let (portal, shop) = (origin("https://portal.example"), origin("https://shop.example"));
    let store = holder.store();
    assert_eq!(store.site(&portal), None);
    store.allow_site(&portal).unwrap();
    store.refuse_site(&shop).unwrap();
    // Another program, or the next start.
    let store = holder.store();
    assert_eq!(store.site(&portal), Some(SiteState::Allowed));
    assert_eq!(store.site(&shop), Some(SiteState::RefusedToday));
    holder.later(REFUSAL_HOLDS - Duration::SECOND);
    assert_eq!(store.site(&shop), Some(SiteState::RefusedToday));
    holder.later(Duration::SECOND);
    assert_eq!(store.site(&shop), None);
    assert_eq!(store.sites().len(), 1);
    assert_eq!(store.site(&portal), Some(SiteState::Allowed));
    store.forget_site(&portal).unwrap();
    assert_eq!(store.site(&portal), None);
    assert!(!holder.reads().contains("portal.example"));
    assert!(matches!(store.forget_site(&portal), Err(SettingsFailure::SiteUnknown { .. })));
}

#[test]
fn what_is_said_about_a_developers_page_is_read_back() {
    let holder = Holder::new();
    let page = Origin::parse_on_loopback("http://localhost:3000").unwrap();
    holder.store().allow_site(&page).unwrap();
    holder.store().allow_site(&origin("https://portal.example")).unwrap();
    let store = holder.store();
    assert_eq!((store.site(&page), store.failure()), (Some(SiteState::Allowed), None));
    assert_eq!(files(holder.path().parent().unwrap()), ["settings.lock", "settings.toml"]);
}

#[test]
fn the_desk_is_told_what_was_said_about_a_site() {
    let holder = Holder::new();
    let text = "[sites]\nallowed = [\"https://named.example\"]\nforbidden = [\"https://bad.example\"]\n";
    let store = holder.store_under(managed(text));
    let sites: &dyn Sites = &store;
    let standing = |name: &str| sites.standing(&origin(&format!("https://{name}.example")));
    assert_eq!(standing("portal"), Standing::Unknown);
    assert_eq!(standing("named"), Standing::Unknown, "the administrator answered for the holder");
    assert_eq!(standing("bad"), Standing::Forbidden);
    sites.refused(&origin("https://portal.example"));
    sites.agreed(&origin("https://named.example"));
    sites.agreed(&origin("https://bad.example"));
    assert_eq!(standing("portal"), Standing::RefusedToday);
    assert_eq!(standing("named"), Standing::Allowed);
    assert_eq!(standing("bad"), Standing::Forbidden);
    assert!(holder.reads().contains("named.example"));
}

#[test]
fn a_clock_that_was_set_back_makes_no_refusal_longer() {
    let holder = Holder::new();
    let store = holder.store();
    store.refuse_site(&origin("https://shop.example")).unwrap();
    holder.later(-Duration::DAY * 30);
    assert_eq!(store.site(&origin("https://shop.example")), None);
}

#[test]
fn a_refusal_that_cannot_be_written_holds_for_this_run() {
    let holder = Holder::new();
    fs::write(holder.folder.path().join("latchkey"), "in the way").unwrap();
    let store = holder.store();
    let shop = origin("https://shop.example");
    assert!(matches!(store.refuse_site(&shop), Err(SettingsFailure::Unwritable { .. })));
    assert_eq!(store.site(&shop), Some(SiteState::RefusedToday));
    assert!(store.remembers_unwritten());
    store.forget_site(&shop).unwrap();
    assert_eq!(store.site(&shop), None);
    assert!(!store.remembers_unwritten());
    // After a day it is over by itself.
    store.refuse_site(&shop).unwrap_err();
    holder.later(Duration::DAY);
    assert!(!store.remembers_unwritten());
}

#[test]
fn what_a_guest_says_about_sites_is_nobody_elses_and_never_written() {
    let holder = Holder::new();
    let (portal, shop) = (origin("https://portal.example"), origin("https://shop.example"));
    let store = holder.store();
    store.allow_site(&portal).unwrap();
    let before = holder.reads();
    store.begin_guest();
    assert_eq!(store.site(&portal), None, "a guest is asked, whoever agreed before");
    store.refuse_site(&shop).unwrap();
    store.allow_site(&portal).unwrap();
    assert_eq!(store.site(&shop), Some(SiteState::RefusedToday));
    store.end_guest();
    assert_eq!(store.site(&shop), None);
    assert_eq!(store.site(&portal), Some(SiteState::Allowed));
    assert_eq!(holder.reads(), before);
}

/// Which site drove a terminal first is remembered over restarts, and forgotten with the site; a guest's is nobody else's.
#[test]
fn a_terminals_site_is_remembered_until_the_site_is_forgotten() {
    let holder = Holder::new();
    let (portal, other) = (origin("https://portal.example"), origin("https://other.example"));
    let of = |store: &SettingsStore| store.terminals().get("980000000001").cloned();
    let store = holder.store();
    store.let_in("980000000001", &portal).unwrap();
    store.let_in("980000000001", &other).unwrap();
    assert_eq!(of(&store), Some(portal.clone()));
    let store = holder.store();
    assert_eq!(of(&store), Some(portal.clone()), "after a restart");
    assert_eq!(store.sites()[0].state, SiteState::HasTerminal, "he can see whom to forget");
    assert_eq!(store.standing(&portal), Standing::Unknown, "the site is asked about as before");
    store.begin_guest();
    assert_eq!(of(&store), None);
    store.let_in("980000000001", &other).unwrap();
    assert_eq!(of(&store), Some(other));
    store.end_guest();
    assert_eq!(of(&store), Some(portal.clone()));
    store.forget_site(&portal).unwrap();
    assert_eq!((of(&store), of(&holder.store())), (None, None));
    // What nobody may write keeps for this run, and keeps the program from starting anew.
    fs::remove_file(holder.path()).unwrap();
    fs::create_dir(holder.path()).unwrap();
    assert!(store.let_in("980000000001", &portal).is_err());
    assert!(of(&store).is_some() && store.remembers_unwritten());
}

#[test]
fn no_more_terminals_are_remembered_than_may_be_and_none_that_is_none() {
    let holder = Holder::new();
    let store = holder.store();
    for number in 0..101 {
        store.let_in(&format!("98{number:010}"), &origin("https://portal.example")).unwrap();
    }
    let terminals = store.terminals();
    assert_eq!(terminals.len(), 100);
    assert!(terminals.contains_key("980000000100"));
    for (terminal, said) in [
        ("short", "site = \"https://portal.example\"\nsince = \"2026-01-31T12:00:00Z\""),
        ("980000000001", "site = \"https://PORTAL.example\"\nsince = \"2026-01-31T12:00:00Z\""),
        ("980000000001", "site = \"https://portal.example\"\nsince = \"yesterday\""),
        ("980000000001", "since = \"2026-01-31T12:00:00Z\""),
    ] {
        fs::write(holder.path(), format!("[terminals.{terminal}]\n{said}\n")).unwrap();
        let store = holder.store();
        assert!(store.terminals().is_empty(), "{terminal}: {said}");
        assert!(matches!(store.failure(), Some(SettingsFailure::Damaged { .. })), "{terminal}: {said}");
    }
}

#[test]
fn the_oldest_of_too_many_sites_is_forgotten() {
    let holder = Holder::new();
    let mut text = String::new();
    for number in 0..500 {
        text.push_str(&format!(
            "[sites.\"https://p{number}.example\"]\nstate = \"allowed\"\nsince = \"2026-01-{:02}T00:00:00Z\"\n",
            1 + number % 28
        ));
    }
    holder.writes(&text);
    let store = holder.store();
    assert_eq!(store.sites().len(), 500);
    store.allow_site(&origin("https://new.example")).unwrap();
    assert_eq!(store.sites().len(), 500);
    assert_eq!(store.site(&origin("https://new.example")), Some(SiteState::Allowed));
    assert_eq!(store.site(&origin("https://p0.example")), None);
}

#[test]
fn the_proxys_address_is_a_host_and_a_port_and_nothing_else() {
    for good in ["http://proxy.example:3128", "https://proxy.example", "http://[2001:db8::1]:80/", "http://192.0.2.1:1"]
    {
        assert_eq!(good.parse::<ProxyAddress>().map(|address| address.as_str().to_owned()).as_deref(), Ok(good));
    }
    let bad = [
        "",
        "proxy.example:3128",
        "ftp://proxy.example",
        "socks5://proxy.example",
        "http://",
        "http:///x",
        "http://a@proxy.example",
        "http://a:b@proxy.example",
        "http://proxy.example/x",
        "http://proxy.example?x",
        "http://proxy.example#x",
        "http://proxy.example:99999",
        " http://proxy.example",
        "http://proxy.example ",
        "http:\\\\proxy.example",
        "http://пример.бел",
        "http://proxy.example\n",
        "file:///etc/passwd",
    ];
    for text in bad {
        assert!(text.parse::<ProxyAddress>().is_err(), "{text:?} was taken");
    }
    assert!(format!("http://{}", "a".repeat(300)).parse::<ProxyAddress>().is_err());
}

#[test]
fn autostart_is_an_entry_in_the_desktops_list() {
    let holder = Holder::new();
    let program = holder.folder.path().join("odd \"$name\\ 100%/latchkey-desktop");
    let autostart = Autostart::new(holder.folder.path().join("autostart"), program);
    let store = holder.store().with_autostart(autostart.clone());
    assert!(!autostart.is_set());
    store.change(&Setting::Autostart(true)).unwrap();
    assert!(autostart.is_set());
    let entry = fs::read_to_string(autostart.file()).unwrap();
    assert!(entry.starts_with("[Desktop Entry]\nType=Application\n"), "{entry}");
    let exec = entry.lines().find(|line| line.starts_with("Exec=")).unwrap();
    assert!(exec.contains(r#"odd \\"\\$name\\\\ 100%%/latchkey-desktop" --background"#), "{exec}");
    let tried = entry.lines().find(|line| line.starts_with("TryExec=")).unwrap();
    assert!(tried.ends_with(r#"/odd "$name\\ 100%/latchkey-desktop"#), "{tried}");
    store.change(&Setting::Autostart(false)).unwrap();
    assert!(!autostart.is_set());
    assert!(files(&holder.folder.path().join("autostart")).is_empty());

    let store = holder.store_under(managed("[fixed]\nautostart = true\n")).with_autostart(autostart.clone());
    store.keep_autostart().unwrap();
    assert!(autostart.is_set(), "what the administrator fixed is not kept");
    assert!(matches!(store.change(&Setting::Autostart(false)), Err(SettingsFailure::Fixed { name: "autostart" })));
    assert!(autostart.is_set());
}

fn texts() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("theme = \"dark\"\n".to_owned()),
        Just("[sites.\"https://a.example\"]\nstate = \"allowed\"\nsince = \"2026-01-01T00:00:00Z\"\n".to_owned()),
        Just("[later]\nkey = 'x'\n".to_owned()),
        ".{0,30}".prop_map(|text| format!("{text}\n")),
        "[a-z_]{1,10} = [0-9a-z\"\\[\\]{}. ]{0,20}".prop_map(|text| format!("{text}\n")),
    ];
    proptest::collection::vec(line, 0..8).prop_map(|lines| lines.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a file holds: it is read without harm, a change takes effect, and what was there is there or put aside.
    #[test]
    fn a_change_takes_effect_whatever_the_file_holds(text in texts()) {
        let holder = Holder::new();
        holder.writes(&text);
        let store: SettingsStore = holder.store();
        store.change(&Setting::Theme(Theme::Contrast)).unwrap();
        store.refuse_site(&origin("https://shop.example")).unwrap();
        prop_assert_eq!(store.settings().theme, Theme::Contrast);
        prop_assert_eq!(store.site(&origin("https://shop.example")), Some(SiteState::RefusedToday));
        let later = |name: &str| holder.reads().contains(name)
            || fs::read_to_string(holder.path().with_extension("toml.damaged-1")).is_ok_and(|aside| aside == text);
        prop_assert!(!text.contains("[later]") || later("[later]"));
    }
}
