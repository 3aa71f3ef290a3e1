//! The administrator's file: what it can do, and what it cannot.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use base64::Engine as _;
use latchkey_client::settings::{Managed, ProxyChoice, Setting, SettingName, SettingsFailure, SiteState, Theme};
use latchkey_fixtures::holders::sample_pki;
use proptest::prelude::*;

use super::{Holder, managed, origin};
use crate::readers::NOW;

fn refusal(text: &str) -> SettingsFailure {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("managed.toml");
    fs::write(&path, text).unwrap();
    match Managed::of_file(&path) {
        Ok(_) => panic!("taken: {text}"),
        Err(failure) => failure,
    }
}

#[test]
fn an_empty_file_sets_nothing() {
    let managed = managed("");
    assert_eq!(managed.port(), None);
    assert_eq!(managed.sites().count(), 0);
    assert!(managed.developer_origins().is_empty());
    assert!(managed.guest().portals.is_empty());
    assert!(managed.status_service().is_none());
    assert!(!managed.is_forbidden(&origin("https://portal.example")));
}

#[test]
fn fixed_goes_before_the_holders_choice_and_that_before_defaults() {
    let holder = Holder::new();
    let store = holder.store_under(managed(
        "[defaults]\ntheme = \"dark\"\ntray = true\n[fixed]\nproxy = \"address\"\nproxy_address = \"http://proxy.example:3128\"\n",
    ));
    assert_eq!((store.settings().theme, store.settings().tray), (Theme::Dark, true));
    store.change(&Setting::Theme(Theme::Light)).unwrap();
    assert_eq!(store.settings().theme, Theme::Light);
    assert_eq!(store.settings().proxy, ProxyChoice::Address);
    let failure = store.change(&Setting::Proxy(ProxyChoice::None)).unwrap_err();
    assert_eq!(failure, SettingsFailure::Fixed { name: "proxy" });
    holder.writes("proxy = \"none\"\n");
    assert_eq!(store.settings().proxy, ProxyChoice::Address, "an edited file overrides the administrator");
    assert_eq!(store.fixed().into_iter().collect::<Vec<_>>(), [SettingName::Proxy, SettingName::ProxyAddress]);
}

#[test]
fn a_forbidden_site_stays_forbidden_whatever_the_holder_said() {
    let holder = Holder::new();
    let (good, bad, other) =
        (origin("https://good.example"), origin("https://bad.example"), origin("https://other.example"));
    let store = holder.store();
    store.allow_site(&bad).unwrap();
    let text = "[sites]\nallowed = [\"https://good.example\", \"https://bad.example\"]\nforbidden = [\"https://bad.example\"]\n";
    let store = holder.store_under(managed(text));
    assert_eq!(store.site(&bad), Some(SiteState::ForbiddenByAdministrator));
    assert_eq!(store.site(&other), None);
    let listed: Vec<_> = store.sites().into_iter().map(|site| (site.origin, site.state)).collect();
    let expected =
        [(good.clone(), SiteState::AllowedByAdministrator), (bad.clone(), SiteState::ForbiddenByAdministrator)];
    assert_eq!(listed, expected);

    let store = holder.store_under(managed("[sites]\nallowed = [\"https://good.example\"]\nonly_allowed = true\n"));
    assert_eq!(store.site(&other), Some(SiteState::ForbiddenByAdministrator));
    assert_eq!(store.site(&bad), Some(SiteState::ForbiddenByAdministrator));
    assert_eq!(store.site(&good), Some(SiteState::AllowedByAdministrator));
}

#[test]
fn a_named_site_answers_no_question_for_the_holder() {
    let holder = Holder::new();
    let good = origin("https://good.example");
    let store = holder.store_under(managed("[sites]\nallowed = [\"https://good.example\"]\n"));
    assert_ne!(store.site(&good), Some(SiteState::Allowed));
    store.refuse_site(&good).unwrap();
    assert_eq!(store.site(&good), Some(SiteState::RefusedToday), "the holder's no counts");
    store.allow_site(&good).unwrap();
    assert_eq!(store.site(&good), Some(SiteState::Allowed));
}

/// Attempts to weaken a rule: each is refused as a whole, so that nobody believes that the rest of the file holds.
#[test]
fn no_rule_can_be_weakened() {
    let rows = [
        ("an http site", "[sites]\nallowed = [\"http://portal.example\"]"),
        ("every site", "[sites]\nallowed = [\"*\"]"),
        ("every site of a domain", "[sites]\nallowed = [\"https://*.example\"]"),
        ("a site with a path", "[sites]\nallowed = [\"https://portal.example/sign-in\"]"),
        ("a site with a user", "[sites]\nallowed = [\"https://portal.example@evil.example\"]"),
        ("another spelling of a site", "[sites]\nforbidden = [\"https://Portal.example\"]"),
        ("another spelling of its port", "[sites]\nforbidden = [\"https://portal.example:443\"]"),
        ("an opaque origin", "[sites]\nallowed = [\"null\"]"),
        ("a file", "[sites]\nallowed = [\"file:///\"]"),
        ("an extension's page", "[sites]\nallowed = [\"chrome-extension://abcdefgh\"]"),
        ("a developer's page elsewhere", "developer_loopback_origins = [\"http://portal.example\"]"),
        ("a developer's page on the network", "developer_loopback_origins = [\"http://192.0.2.1:3000\"]"),
        ("a name that begins like this computer's", "developer_loopback_origins = [\"http://localhost.evil.example\"]"),
        (
            "an address that begins like this computer's",
            "developer_loopback_origins = [\"http://127.0.0.1.evil.example\"]",
        ),
        ("a user called localhost", "developer_loopback_origins = [\"http://localhost:1@evil.example\"]"),
        ("every port", "developer_loopback_origins = [\"http://localhost:*\"]"),
        ("every page of this computer", "developer_loopback_origins = [\"*\"]"),
        ("every site without TLS", "[terminal]\nhttp_origins = [\"*\"]"),
        ("a site without TLS with a path", "[terminal]\nhttp_origins = [\"http://portal.example/\"]"),
        ("another spelling of a site without TLS", "[terminal]\nhttp_origins = [\"http://PORTAL.example\"]"),
        ("whoever calls without a site", "[terminal]\ncaller_without_origin = \"*\""),
        ("a caller that is nobody's", "[terminal]\ncaller_without_origin = true"),
        ("a root that is none", "[terminal]\nroots = [\"AAAA\"]"),
        ("a terminal without a site", "[terminal]\nknown = [{ holder = \"BYTERM000001\" }]"),
        ("a terminal without a name", "[terminal]\nknown = [{ holder = \"\", origins = [] }]"),
        ("another scheme", "developer_loopback_origins = [\"ftp://localhost\"]"),
        ("a page with a path", "developer_loopback_origins = [\"http://localhost:3000/x\"]"),
        ("a port with zeros", "developer_loopback_origins = [\"http://localhost:0080\"]"),
        ("no port", "port = 0"),
        ("a system service's port", "port = 443"),
        ("another identity program's port", "port = 24727"),
        ("a terminal's port", "port = 48777"),
        ("a port that is none", "port = 65536"),
        ("a port as a text", "port = \"8084\""),
        ("to listen elsewhere", "listen = \"0.0.0.0:8084\""),
        ("to skip the hand-over's question", "skip_consent = true"),
        ("to skip it for a site", "[sites]\nallowed = [{ origin = \"https://portal.example\", ask = false }]"),
        ("to skip the host's question", "[sites]\nask_host = false"),
        ("to skip the PIN", "pin = \"none\""),
        ("to hand a PIN over", "pin_file = \"/etc/latchkey/pin\""),
        ("to spend the last try", "allow_last_try = true"),
        ("to trust every certificate", "insecure = true"),
        ("to trust every certificate by name", "[fixed]\ntls = \"none\""),
        ("authorities from anywhere", "certificate_authorities = [\"*\"]"),
        ("authorities by a relative path", "certificate_authorities = [\"ca.pem\"]"),
        ("authorities from the network", "certificate_authorities = [\"https://ca.example/ca.pem\"]"),
        ("a longer time for a site", "site_seconds = 3600"),
        ("a shorter refusal", "[sites]\nrefusal_hours = 1"),
        ("a proxy that knows a password", "[fixed]\nproxy_address = \"http://me:secret@proxy.example\""),
        ("a proxy that is a program", "[fixed]\nproxy_address = \"file:///bin/proxy\""),
        ("a guest's portal without TLS", "[guest]\nportals = [\"http://portal.example\"]"),
        ("a guest's browser by name", "[guest]\nbrowser = \"chromium\""),
        ("a guest's browser with arguments", "[guest]\nbrowser_arguments = [\"--no-sandbox\"]"),
        ("a guest's profile that stays", "[guest]\nkeep_profile = true"),
        ("a guest's browser that stays", "[guest]\ngrace_seconds = 3600"),
        ("time before its time", "[guest]\ngrace_seconds = -1"),
        ("a status service at a file", "[status_service]\naddress = \"file:///\"\nissuers = [\"/a.der\"]"),
        (
            "a status service that knows a password",
            "[status_service]\naddress = \"http://me:secret@a.example\"\nissuers = [\"/a.der\"]",
        ),
        (
            "a status service that the certificate names",
            "[status_service]\naddress = \"certificate\"\nissuers = [\"/a.der\"]",
        ),
        (
            "a status service for everybody's certificates",
            "[status_service]\naddress = \"http://a.example\"\nissuers = []",
        ),
        (
            "a status service for authorities from the network",
            "[status_service]\naddress = \"http://a.example\"\nissuers = [\"http://a.example/a.der\"]",
        ),
        ("authorities without a status service", "[status_service]\nissuers = [\"/a.der\"]"),
        ("a status service without authorities", "[status_service]\naddress = \"http://a.example\""),
        ("a key twice", "port = 8085\nport = 8086"),
        ("no TOML", "port 8085"),
    ];
    for (name, text) in rows {
        let failure = refusal(&format!("# first\n{text}\n"));
        let SettingsFailure::ManagedFaulty { fault, .. } = &failure else { panic!("{name}: {failure}") };
        assert!(fault.line >= 2, "{name} is told at line {}: {fault}", fault.line);
        assert_eq!(failure.code(), "managed-settings-faulty", "{name}");
    }
}

#[test]
fn what_an_administrator_may_set_is_taken() {
    let managed = managed(
        "port = 8085\ndeveloper_loopback_origins = [\"http://localhost:3000\", \"http://127.0.0.1\", \"http://[::1]:8080\"]\n\
         [guest]\nportals = [\"https://portal.example\"]\nbrowser = \"/usr/bin/chromium\"\ngrace_seconds = 2\n",
    );
    assert_eq!(managed.port(), Some(8085));
    let origins: Vec<_> = managed.developer_origins().iter().map(|origin| origin.as_str()).collect();
    assert_eq!(origins, ["http://127.0.0.1", "http://[::1]:8080", "http://localhost:3000"]);
    assert_eq!(managed.guest().portals, [origin("https://portal.example")]);
    assert_eq!(managed.guest().grace, Duration::from_secs(2));
}

#[test]
fn certificate_authorities_are_read_from_files_that_others_cannot_write_to() {
    let folder = tempfile::tempdir().unwrap();
    let (authorities, file) = (folder.path().join("ca.pem"), folder.path().join("managed.toml"));
    let text = format!("certificate_authorities = [{:?}]\n", authorities.to_str().unwrap());
    fs::write(&file, text).unwrap();
    let refused = || Managed::of_file(&file).map(|_| ()).unwrap_err();
    assert!(matches!(refused(), SettingsFailure::ManagedUnreadable { path, .. } if path == authorities));
    fs::write(&authorities, "no certificate").unwrap();
    assert!(matches!(refused(), SettingsFailure::ManagedUnreadable { path, .. } if path == authorities));
    fs::write(&authorities, &crate::test_portal::tls().authority).unwrap();
    Managed::of_file(&file).unwrap();
    fs::set_permissions(&authorities, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(matches!(refused(), SettingsFailure::ManagedUnreadable { path, .. } if path == authorities));
}

#[test]
fn the_status_services_authorities_are_read_from_files_that_others_cannot_write_to() {
    let folder = tempfile::tempdir().unwrap();
    let (issuer, file) = (folder.path().join("authority.der"), folder.path().join("managed.toml"));
    fs::write(&file, format!("[status_service]\naddress = \"http://status.example/\"\nissuers = [{issuer:?}]\n"))
        .unwrap();
    let refused = || Managed::of_file(&file).map(|_| ()).unwrap_err();
    assert!(matches!(refused(), SettingsFailure::ManagedUnreadable { path, .. } if path == issuer));
    fs::write(&issuer, "no certificate").unwrap();
    assert!(matches!(refused(), SettingsFailure::ManagedUnreadable { path, .. } if path == issuer));
    let pki = sample_pki(NOW).unwrap();
    fs::write(&issuer, &pki.operator_certificate().unwrap().der).unwrap();
    assert!(matches!(refused(), SettingsFailure::ManagedUnreadable { .. }), "this is nobody's authority");
    fs::write(&issuer, &pki.authority().certificate().der).unwrap();
    assert!(Managed::of_file(&file).unwrap().status_service().is_some());
    fs::set_permissions(&issuer, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(matches!(refused(), SettingsFailure::ManagedUnreadable { path, .. } if path == issuer));
}

#[test]
fn a_file_that_others_may_write_to_or_exchange_is_refused() {
    for (name, file_mode, folder_mode, taken) in [
        ("the administrator's own", 0o644, 0o755, true),
        ("writable by everybody", 0o646, 0o755, false),
        ("writable by a group", 0o664, 0o755, false),
        ("in a folder writable by everybody", 0o644, 0o777, false),
        ("in a folder where nobody can exchange another's file", 0o644, 0o1777, true),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("latchkey");
        fs::create_dir(&inner).unwrap();
        let path = inner.join("managed.toml");
        fs::write(&path, "port = 8085\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(file_mode)).unwrap();
        fs::set_permissions(&inner, fs::Permissions::from_mode(folder_mode)).unwrap();
        match Managed::of_file(&path) {
            Ok(_) => assert!(taken, "{name} was taken"),
            Err(SettingsFailure::ManagedUnreadable { .. }) => assert!(!taken, "{name} was refused"),
            Err(failure) => panic!("{name}: {failure}"),
        }
    }
    let missing = tempfile::tempdir().unwrap().path().join("managed.toml");
    assert!(matches!(Managed::of_file(&missing), Err(SettingsFailure::ManagedUnreadable { .. })));
}

/// The example in the guide, and all of the guide.
fn guide() -> (String, String) {
    let guide = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operator.md")).unwrap();
    let example = guide.split("```toml\n").nth(1).unwrap().split("```").next().unwrap().to_owned();
    (example, guide)
}

#[test]
fn the_guides_example_is_taken_and_means_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let authorities = folder.path().join("ca.pem");
    fs::write(&authorities, &crate::test_portal::tls().authority).unwrap();
    let relying_parties = folder.path().join("relying-parties.pem");
    let root = base64::engine::general_purpose::STANDARD.encode(&sample_pki(NOW).unwrap().root().certificate().der);
    let pem = format!("-----BEGIN CERTIFICATE-----\n{root}\n-----END CERTIFICATE-----\n");
    fs::write(&relying_parties, pem).unwrap();
    let example = guide().0.replace("/etc/latchkey/portal-ca.pem", authorities.to_str().unwrap());
    let example = example.replace("/etc/latchkey/relying-parties.pem", relying_parties.to_str().unwrap());
    let issuer = folder.path().join("citizens.der");
    fs::write(&issuer, &sample_pki(NOW).unwrap().authority().certificate().der).unwrap();
    let example = example.replace("/etc/latchkey/citizens.der", issuer.to_str().unwrap());
    let holder = Holder::new();
    let store = holder.store_under(managed(&example));
    assert_eq!(store.managed().port(), Some(8084));
    assert_eq!(store.managed().developer_origins().len(), 1);
    assert!(store.managed().is_forbidden(&origin("https://other.example")));
    let terminals = store.managed().terminals();
    assert_eq!((terminals.http_origins.len(), terminals.trust.roots.len(), terminals.trust.known.len()), (1, 1, 1));
    assert_eq!(terminals.caller_without_origin, Some(origin("https://back-end.example")));
    assert!(terminals.request_authorities.is_some());
    assert!(store.managed().status_service().is_some());
    assert_eq!(store.managed().guest().portals, [origin("https://portal.example")]);
    assert!(store.settings().autostart);
    assert_eq!(store.fixed().into_iter().collect::<Vec<_>>(), [SettingName::Proxy, SettingName::ProxyAddress]);
}

#[test]
fn the_guide_names_every_key() {
    let example = guide().0;
    let mut keys = 0;
    for table in
        ["", "[sites]\n", "[guest]\n", "[terminal]\n", "[updates]\n", "[status_service]\n", "[defaults]\n", "[fixed]\n"]
    {
        // The parser lists what it knows when it meets what it does not.
        let refused = refusal(&format!("{table}no_such_key = 1\n")).to_string();
        let known = refused.split_once("expected ").unwrap().1;
        for key in known.split('`').skip(1).step_by(2) {
            let documented = example.contains(&format!("\n{key} = ")) || example.contains(&format!("[{key}]\n"));
            assert!(documented || example.starts_with(&format!("{key} = ")), "the guide does not show {key}");
            keys += 1;
        }
    }
    assert!(keys > 20, "only {keys} keys");
}

proptest! {
    #[test]
    fn no_text_harms_the_reader(text in "(port|\\[sites\\]|allowed|=|\\[|\\]|\"https://a.example\"|[0-9]{1,6}|\n| |.){0,40}") {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("managed.toml");
        fs::write(&path, text).unwrap();
        let _ = Managed::of_file(&path);
    }
}
