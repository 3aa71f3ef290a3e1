//! The configuration file: what is accepted, and how each fault is pointed at.

use std::path::{Path, PathBuf};
use std::time::Duration;

use latchkey_portal::configuration::{Configuration, Limits, LogFormat};
use latchkey_portal::storage::DatabasePlace;
use latchkey_verify::Assurance;
use proptest::prelude::*;

const EXAMPLE: &str = include_str!("../../portal.example.toml");

fn parse(text: &str) -> Result<Configuration, String> {
    Configuration::parse(text, Path::new("/etc/latchkey")).map_err(|fault| fault.to_string())
}

#[test]
fn the_documented_example_is_accepted_and_says_the_defaults() {
    let configuration = parse(EXAMPLE).unwrap();
    assert_eq!(configuration.origin.as_str(), "https://portal.example");
    match &configuration.database.value {
        DatabasePlace::File(settings) => assert_eq!(settings.path, PathBuf::from("/etc/latchkey/portal.sqlite")),
        other => panic!("{other:?}"),
    }
    assert_eq!(configuration.tls.key.value, PathBuf::from("/etc/latchkey/tls/portal.key.pem"));
    assert_eq!(configuration.listen.iter().map(|address| address.value.port()).collect::<Vec<_>>(), [8443, 8443]);
    assert_eq!(configuration.name.belarusian, "Выдуманы партал");
    assert_eq!(configuration.utc_offset, time::macros::offset!(+3));
    assert_eq!(configuration.trust.minimum_assurance, Assurance::High);
    assert_eq!(configuration.trust.levels.card_held_key.len(), 1);

    let (without_optional_tables, _) = EXAMPLE.split_once("[limits]").unwrap();
    let defaults = parse(without_optional_tables).unwrap();
    assert_eq!((defaults.limits, defaults.log), (configuration.limits, configuration.log));
    let seconds = Duration::from_secs;
    let limits = Limits {
        challenge: seconds(300),
        challenges: 1_000_000,
        session: seconds(1800),
        request: seconds(15),
        stop: seconds(30),
    };
    assert_eq!(defaults.limits, limits);
    assert_eq!((defaults.log.format, defaults.log.level), (LogFormat::Text, tracing::Level::INFO));
}

/// Whatever the sources ask a table for is in the example, or, of a registered site, in the operator's guide.
#[test]
fn every_setting_is_documented() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = std::fs::read_dir(folder.join("configuration")).unwrap().map(|entry| entry.unwrap().path());
    let guide = include_str!("../../../../docs/operator.md");
    let mut asked = 0;
    for file in files.chain([folder.join("configuration.rs")]) {
        let text = std::fs::read_to_string(&file).unwrap();
        let is_of_sites = file.file_name().unwrap() == "registry.rs";
        for kind in ["string", "strings", "number", "truth", "table", "tables", "optional_string", "optional_strings"] {
            for after in text.split(&format!(".{kind}(\"")).skip(1) {
                let key = after.split('"').next().unwrap();
                let in_example = EXAMPLE.lines().any(|line| {
                    let line = line.trim_start_matches('#');
                    line.starts_with(&format!("{key} = ")) || line.starts_with(&format!("[{key}"))
                });
                let is_documented = if is_of_sites {
                    guide.contains(&format!("`{key}`")) || guide.contains(&format!("[{key}]"))
                } else {
                    in_example
                };
                assert!(is_documented, "{key} of {}", file.display());
                asked += 1;
            }
        }
    }
    assert!(asked > 70, "only {asked} settings were found");
}

/// Each row replaces a line of the example; the fault names the line and the key.
#[test]
fn every_fault_is_told_with_its_line_and_key() {
    let rows = [
        ("utc_offset = ", "utc_offset = \"3\"", "`utc_offset` a difference to UTC is like +03:00, at most 14 hours"),
        (
            "utc_offset = ",
            "utc_offset = \"-15:00\"",
            "`utc_offset` a difference to UTC is like +03:00, at most 14 hours",
        ),
        (
            "public_origin = ",
            "public_origin = \"http://portal.example\"",
            "`public_origin` an origin begins with https://",
        ),
        (
            "public_origin = ",
            "public_origin = \"https://portal.example/\"",
            "`public_origin` an origin is a scheme, a host and a port, and nothing else",
        ),
        (
            "public_origin = ",
            "public_origin = \"https://Portal.example:443\"",
            "`public_origin` must be written as browsers do: https://portal.example",
        ),
        ("public_origin = ", "public_origin = 7", "`public_origin` must be a string, not a whole number"),
        ("public_origin = ", "public_orgin = \"https://portal.example\"", "`public_origin` is missing"),
        (
            "listen = ",
            "listen = [\"localhost:8443\"]",
            "`listen` must be an IP address and a port like 192.0.2.1:443 or [::1]:443, not localhost:8443",
        ),
        ("listen = ", "listen = []", "`listen` must not be empty"),
        ("listen = ", "listen = \"127.0.0.1:8443\"", "`listen` must be an array of strings, not a string"),
        ("listen = ", "listen = [true]", "`listen` must be a string, not a truth value"),
        ("database = ", "database = \"\"", "`database` must name a file or a PostgreSQL database"),
        (
            "database = ",
            "database = \"postgresql://db.example:port/latchkey\"",
            "`database` must be a PostgreSQL address such as postgresql://latchkey@db.example/latchkey",
        ),
        ("database = ", "database = \"a\"\ninsecure = true", "`insecure` there is no such key"),
        ("be = ", "be = \"\"", "`name.be` must have 1 to 100 characters, not 0"),
        ("be = ", "be = \" Партал\"", "`name.be` must have no control characters and no space at its ends"),
        ("be = ", "be = \"Пар\\u0000тал\"", "`name.be` must have no control characters and no space at its ends"),
        ("be = ", "uk = \"Портал\"", "`name.be` is missing"),
        ("en = ", "en = \"Portal\"\nuk = \"Портал\"", "`name.uk` there is no such key"),
        ("key = ", "key = [\"a\"]", "`tls.key` must be a string, not an array"),
        ("key = ", "key = \"a\"\nmode = \"plain\"", "`tls.mode` there is no such key"),
        ("anchors = ", "anchors = []", "`trust.anchors` must not be empty"),
        ("revocation_lists = ", "revocation_lists = []", "`trust.revocation_lists` must not be empty"),
        (
            "card_held_policies = ",
            "card_held_policies = [\"1.2\", \"high\"]",
            "`trust.card_held_policies` not an object identifier such as 1.2.112.0.2",
        ),
        ("card_held_policies = ", "", "`trust.card_held_policies` is missing"),
        (
            "minimum_assurance = ",
            "minimum_assurance = \"highest\"",
            "`trust.minimum_assurance` an assurance level is low, substantial or high",
        ),
        ("minimum_assurance = ", "", "`trust.minimum_assurance` is missing"),
        (
            "challenge_seconds = ",
            "challenge_seconds = 301",
            "`limits.challenge_seconds` must be from 30 to 300, not 301",
        ),
        ("challenge_seconds = ", "challenge_seconds = -1", "`limits.challenge_seconds` must be from 30 to 300, not -1"),
        ("session_seconds = ", "session_seconds = 59", "`limits.session_seconds` must be from 60 to 86400, not 59"),
        (
            "request_seconds = ",
            "request_seconds = 1.5",
            "`limits.request_seconds` must be a whole number, not a fraction",
        ),
        (
            "stop_seconds = ",
            "stop_seconds = 99999999999999999999",
            "`limits.stop_seconds` must be from 1 to 300, not 99999999999999999999",
        ),
        (
            "#[revocation]",
            "[revocation]\naddresses = [\"http://lists.example/a.crl\"]",
            "`revocation.addresses` must have one address for each of the 2 lists, or \"\"",
        ),
        (
            "#[revocation]",
            "[revocation]\nstatus_service = \"ftp://status.example/\"",
            "`revocation.status_service` must be an HTTP or HTTPS address as browsers write it, not ftp://status.example/",
        ),
        ("#[revocation]", "[revocation]\ngrace_hours = 25", "`revocation.grace_hours` must be from 0 to 24, not 25"),
        ("requests = ", "requests = 0", "`rates.requests` must be from 1 to 100000000, not 0"),
        ("challenges = 120", "challenges = \"few\"", "`rates.challenges` must be a whole number, not a string"),
        ("refused_sites = ", "refused = 30", "`rates.refused` there is no such key"),
        (
            "#proxies = ",
            "proxies = [\"192.0.2.0/33\"]",
            "`rates.proxies` must be IP addresses like 192.0.2.7 or 192.0.2.0/24, not 192.0.2.0/33",
        ),
        ("format = ", "format = \"xml\"", "`log.format` must be \"text\" or \"json\", not \"xml\""),
        (
            "level = ",
            "level = \"trace\"",
            "`log.level` must be \"error\", \"warn\", \"info\" or \"debug\", not \"trace\"",
        ),
    ];
    for (line, replacement, expected) in rows {
        let faulty = EXAMPLE
            .lines()
            .map(|found| if found.starts_with(line) { replacement } else { found })
            .collect::<Vec<_>>()
            .join("\n");
        assert_ne!(faulty, EXAMPLE.trim_end(), "{line}");
        let told = parse(&faulty).unwrap_err();
        let (place, told) = told.split_once(": ").unwrap();
        assert_eq!(told, expected, "{replacement}");
        let number: usize = place.strip_prefix("line ").unwrap().parse().unwrap();
        let at_fault = faulty.lines().nth(number - 1).unwrap();
        let key = expected.split('`').nth(1).unwrap().rsplit('.').next().unwrap();
        let table = expected.split('`').nth(1).unwrap().split('.').next().unwrap();
        let is_there = at_fault.starts_with(key) || at_fault == format!("[{table}]") || number == 1;
        assert!(is_there, "{replacement}: line {number} is {at_fault}");
    }
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    let rows = [
        ("a = 1\nb = \n", "line 2: "),
        ("a = 1\na = 2\n", "line 2: "),
        ("a = 1\n\n[b\n", "line 3: "),
        ("a = 1\nb = \"\u{0}\"\n", "line 2: "),
    ];
    for (text, expected) in rows {
        let told = parse(text).unwrap_err();
        assert!(told.starts_with(expected), "{text:?}: {told}");
    }
    assert!(Configuration::load(Path::new("/nowhere/portal.toml")).is_err());
}

#[test]
fn no_prefix_of_the_example_is_accepted_before_its_last_required_key() {
    let (required, _) = EXAMPLE.split_once("[limits]").unwrap();
    let needed = required.find("minimum_assurance = \"high").unwrap() + "minimum_assurance = \"high\"".len();
    for kept in (0..needed).filter(|kept| EXAMPLE.is_char_boundary(*kept)) {
        assert!(parse(&EXAMPLE[..kept]).is_err(), "a prefix of {kept} octets was accepted");
    }
    parse(&EXAMPLE[..needed]).unwrap();
}

proptest! {
    /// Whatever a configuration says, it is accepted or its fault is told with a line of it.
    #[test]
    fn an_altered_example_is_accepted_or_told_apart(at in 0..EXAMPLE.len(), with in "[\\PC\n]{0,3}", cut in 0..40_usize) {
        let end = (at + cut).min(EXAMPLE.len());
        prop_assume!(EXAMPLE.is_char_boundary(at) && EXAMPLE.is_char_boundary(end));
        let altered = format!("{}{with}{}", &EXAMPLE[..at], &EXAMPLE[end..]);
        if let Err(fault) = Configuration::parse(&altered, Path::new("/etc/latchkey")) {
            prop_assert!((1..=altered.lines().count() + 1).contains(&fault.line), "{}", fault);
        }
    }
}
