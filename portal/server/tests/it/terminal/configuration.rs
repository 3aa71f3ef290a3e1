//! The section `[terminal]`: what is accepted, and how each fault is pointed at.

use std::path::{Path, PathBuf};

use latchkey_portal::configuration::{Configuration, TerminalSettings};
use latchkey_portal::storage::DatabasePlace;
use latchkey_portal::terminal::{Sources, UnknownDocuments};

use super::credentials::configured;

const TLS: &str = "\n[terminal.tls]\ncertificate = \"a.pem\"\nkey = \"b.pem\"\n";
const CALLERS: &str = "caller_authorities = \"c.pem\"\n";

fn parse(text: &str) -> Result<TerminalSettings, String> {
    let configuration = Configuration::parse(text, Path::new("/etc/latchkey"));
    configuration.map(|configuration| configuration.terminal.unwrap()).map_err(|fault| fault.to_string())
}

/// The example with another line in the place of the one that begins so.
fn with(line: &str, replacement: &str) -> String {
    let (before, section) = configured().split_once("\n[terminal]").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let lines = section.lines().map(|found| if found.starts_with(line) { replacement } else { found });
    format!("{before}\n[terminal]{}", lines.collect::<Vec<_>>().join("\n"))
}

#[test]
fn there_is_no_terminal_unless_one_is_configured() {
    let example = include_str!("../../../portal.example.toml");
    assert!(Configuration::parse(example, Path::new("/etc/latchkey")).unwrap().terminal.is_none());
}

#[test]
fn the_documented_section_is_accepted_and_says_the_defaults() {
    let settings = parse(&configured()).unwrap();
    assert_eq!(settings.listen[0].value.port(), 48777);
    match &settings.steps.value {
        DatabasePlace::File(place) => assert_eq!(place.path, PathBuf::from("/etc/latchkey/terminal-steps.sqlite")),
        other => panic!("{other:?}"),
    }
    assert_eq!(settings.unknown_documents, UnknownDocuments::Refuse);
    assert!(matches!(settings.sources, Sources::Listed(_)));
    let without_defaults = with("callers = ", "").replace("sessions = 10000", "").replace("links = []", "");
    let defaults = parse(&without_defaults).unwrap();
    assert_eq!(defaults.sources, Sources::Loopback);
    assert_eq!((defaults.sessions, defaults.credentials.links.len()), (settings.sessions, 0));

    let (_, rest) = include_str!("../../../portal.example.toml").split_once("#[terminal.tls]").unwrap();
    let tls = rest.lines().filter_map(|line| line.strip_prefix('#')).filter(|line| !line.starts_with(' '));
    let whole = format!("{}\n[terminal.tls]\n{}", configured(), tls.collect::<Vec<_>>().join("\n"));
    let whole = parse(&whole).unwrap();
    assert!(whole.tls.unwrap().caller_authorities.is_some());
    assert_eq!(whole.tickets.unwrap().address.value.as_str(), "https://terminal.example/");
}

/// Beyond this computer only over TLS, and only with a list of callers or certificates of callers.
#[test]
fn who_listens_beyond_this_computer_says_to_whom() {
    let public = |listen: &str, callers: &str, tls: &str| {
        let text = with("listen = ", &format!("listen = [\"{listen}\"]"));
        let text = if callers.is_empty() { text.replace("callers = [\"127.0.0.1\"]", "") } else { text };
        parse(&(text + tls)).map(|settings| settings.sources)
    };
    let with_certificates = format!("{TLS}{CALLERS}");
    let rows = [
        ("127.0.0.1:1", "", "", true),
        ("[::1]:1", "", "", true),
        ("[::ffff:127.0.0.1]:1", "", "", true),
        ("192.0.2.1:1", "", "", false),
        ("0.0.0.0:1", "", "", false),
        ("[::]:1", "listed", "", false),
        ("192.0.2.1:1", "", TLS, false),
        ("192.0.2.1:1", "listed", TLS, true),
        ("192.0.2.1:1", "", &with_certificates, true),
        ("192.0.2.1:1", "listed", &with_certificates, true),
    ];
    for (listen, callers, tls, accepted) in rows {
        let told = public(listen, callers, tls);
        assert_eq!(told.is_ok(), accepted, "{listen} {callers} {tls}: {told:?}");
        if let Err(fault) = told {
            assert!(fault.contains("`terminal.listen` is not of this computer: that needs terminal.tls"), "{fault}");
        }
    }
}

#[test]
fn every_fault_is_told_with_its_line_and_key() {
    let rows = [
        ("listen = ", "listen = []", "`terminal.listen` must not be empty"),
        ("listen = ", "listen = [\"localhost:1\"]", "`terminal.listen` must be an IP address and a port"),
        ("callers = ", "callers = []", "`terminal.callers` must not be empty"),
        ("callers = ", "callers = [\"portal.example\"]", "`terminal.callers` must be IP addresses like 192.0.2.7"),
        ("callers = ", "callers = [\"192.0.2.0/24\"]", "`terminal.callers` must be IP addresses like 192.0.2.7"),
        ("steps = ", "", "`terminal.steps` is missing"),
        ("sessions = ", "sessions = 9", "`terminal.sessions` must be from 10 to 1000000, not 9"),
        (
            "steps = ",
            "steps = \"a\"\nrecord_key = \"b\"",
            "`terminal.record_key` is in keys.folder now: `latchkey-portal keys take record FILE` puts it there",
        ),
        ("certificate = ", "", "`terminal.certificate` is missing"),
        ("key = ", "", "`terminal.key` is missing"),
        ("password = ", "password = 1", "`terminal.password` must be a string, not a whole number"),
        ("path = ", "", "`terminal.path` is missing"),
        ("roots = ", "roots = []", "`terminal.roots` must not be empty"),
        ("card_authorities = ", "", "`terminal.card_authorities` is missing"),
        ("unknown_documents = ", "", "`terminal.unknown_documents` is missing"),
        (
            "unknown_documents = ",
            "unknown_documents = \"accept\"",
            "`terminal.unknown_documents` must be \"refuse\" or \"report\", not \"accept\"",
        ),
        ("steps = ", "steps = \"a\"\ninsecure = true", "`terminal.insecure` there is no such key"),
    ];
    for (line, replacement, expected) in rows {
        let text = with(line, replacement);
        assert_ne!(text, configured(), "{line}");
        let fault = parse(&text).unwrap_err();
        assert!(fault.contains(expected), "{replacement}: {fault}");
        let number: usize = fault.strip_prefix("line ").unwrap().split(':').next().unwrap().parse().unwrap();
        let at_fault = text.lines().nth(number - 1).unwrap();
        let key = expected.split('`').nth(1).unwrap().rsplit('.').next().unwrap();
        assert!(at_fault.starts_with(key) || at_fault == "[terminal]", "{replacement}: line {number} is {at_fault}");
    }
    for (address, accepted) in [
        ("https://terminal.example/", true),
        ("https://terminal.example/a/b", true),
        ("https://terminal.example", false),
        ("https://Terminal.example/", false),
        ("http://terminal.example/", false),
        ("terminal.example", false),
    ] {
        let rest = "clients = [\"a\"]\ncertificate = \"a\"\nkey = \"a\"\npassword = \"a\"\n";
        let told = parse(&format!("{}\n[terminal.tickets]\naddress = \"{address}\"\n{rest}", configured()));
        assert_eq!(told.is_ok(), accepted, "{address}: {told:?}");
    }
    let fault = parse(&(configured() + "\n[terminal.tls]\nkey = \"b.pem\"\n")).unwrap_err();
    assert!(fault.contains("`terminal.tls.certificate` is missing"), "{fault}");
}
