//! How the terminal shows itself: which certificates and keys it starts with, and how they are taken anew.

use std::path::Path;

use latchkey_crypto::bign::PrivateKey;
use latchkey_crypto::container::{self, Content, Password};
use latchkey_crypto::cv::rights::{EidRights, Rights};
use latchkey_crypto::cv::{Certificate, Date};
use latchkey_fixtures::cv::{Certified, CvPki};
use latchkey_fixtures::holders::SAMPLE_TERMINAL;
use latchkey_fixtures::random::Seeded;
use latchkey_portal::configuration::{Configuration, CredentialFiles};
use latchkey_portal::files::Renewal;
use latchkey_portal::keys::KeyUse;
use latchkey_portal::terminal::Credentials;
use time::Duration;
use zeroize::Zeroizing;

use crate::own_keys;
use crate::process::set_mode;
use crate::support::NOW;

const EXAMPLE: &str = include_str!("../../../portal.example.toml");
const PASSWORD: &str = "пароль терминала";

/// The example with the terminal's section in force.
pub(crate) fn configured() -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.is_empty() && !setting.starts_with([' ', '#']) => setting.to_owned(),
        _ => line.to_owned(),
    };
    let example = own_keys::with_folder(EXAMPLE);
    let (before, section) = example.split_once("\n#[terminal]\n").unwrap();
    let section = section.lines().map(line).collect::<Vec<_>>().join("\n");
    let text = format!("{before}\n[terminal]\n{section}");
    text.split("\n[terminal.tls]").next().unwrap().to_owned()
}

pub(crate) fn files(directory: &Path) -> CredentialFiles {
    Configuration::parse(&configured(), directory).unwrap().terminal.unwrap().credentials
}

pub(crate) fn today() -> Date {
    Date::try_from(NOW.date()).unwrap()
}

fn day(after: i64) -> Date {
    Date::try_from(NOW.date() + Duration::days(after)).unwrap()
}

pub(crate) fn pki() -> CvPki {
    CvPki::new("terminal", NOW.date()).unwrap()
}

/// Everything that the example's section names.
pub(crate) fn write_files(directory: &Path, pki: &CvPki, terminal: &Certified) {
    let folder = directory.join("terminal");
    std::fs::create_dir_all(&folder).unwrap();
    write(directory, "root.cert", &pki.root().certificate.to_octets(), 0o644);
    write(directory, "authority.cert", &pki.authority().certificate.to_octets(), 0o644);
    write(directory, "terminal.cert", &terminal.certificate.to_octets(), 0o644);
    write(directory, "password", format!("{PASSWORD}\n").as_bytes(), 0o600);
    own_keys::make(directory, &[KeyUse::Record]);
    write(directory, "documents.txt", b"", 0o644);
    write_key(directory, &terminal.key, PASSWORD);
}

pub(crate) fn write(directory: &Path, name: &str, octets: &[u8], mode: u32) {
    let path = directory.join("terminal").join(name);
    std::fs::write(&path, octets).unwrap();
    set_mode(&path, mode);
}

/// Another certificate with its key in place of the terminal's.
pub(crate) fn replace(directory: &Path, other: &Certified) {
    write(directory, "terminal.cert", &other.certificate.to_octets(), 0o644);
    write_key(directory, &other.key, PASSWORD);
}

fn write_key(directory: &Path, key: &PrivateKey, password: &str) {
    write_sealed(directory, "terminal.sk", key, password);
}

/// A key in a container.
pub(crate) fn write_sealed(directory: &Path, name: &str, key: &PrivateKey, password: &str) {
    let copy = PrivateKey::from_octets(&key.expose_octets()).unwrap();
    let password = Password::new(Zeroizing::new(password.to_owned()));
    let sealed = container::seal(&Content::PrivateKey(copy), &password, 10_000, &mut Seeded::new("salt")).unwrap();
    write(directory, name, &sealed, 0o600);
}

pub(crate) fn terminal(pki: &CvPki) -> Certified {
    pki.terminal(SAMPLE_TERMINAL, CvPki::sign_in_rights()).unwrap()
}

#[test]
fn the_example_is_a_terminal() {
    let directory = tempfile::tempdir().unwrap();
    let (pki, files) = (pki(), files(directory.path()));
    write_files(directory.path(), &pki, &terminal(&pki));
    let credentials = Credentials::load(files, today()).unwrap();
    let shown = credentials.current();
    assert_eq!(shown.name, SAMPLE_TERMINAL);
    assert_eq!(shown.rights, CvPki::sign_in_rights());
    assert_eq!((shown.path.len(), shown.until, shown.days_left(today())), (2, day(1), 1));
    assert_eq!((shown.is_near_its_end(today()), shown.is_near_its_end(day(1))), (false, true));
    assert_eq!(shown.days_left(day(2)), -1);
    assert_eq!(shown.key.public_key().as_slice(), shown.path[1].body().key.octets());
}

/// Each row spoils one thing; the fault names the key and the file.
#[test]
fn what_cannot_be_shown_to_cards_refuses_the_start() {
    type Row = (&'static str, fn(&Path, &CvPki), &'static str, &'static str);
    let rows: [Row; 13] = [
        (
            "the right to work with the CAN",
            |directory, pki| {
                let Rights { eid, esign } = CvPki::sign_in_rights();
                let rights = Rights { eid: eid | EidRights::CAN_ACCESS, esign };
                write_files(directory, pki, &pki.terminal(SAMPLE_TERMINAL, rights).unwrap());
            },
            "terminal.certificate",
            "eID bit 4",
        ),
        (
            "a certificate that is over",
            |directory, pki| {
                let past = CvPki::new("terminal", (NOW - Duration::days(10)).date()).unwrap();
                write(directory, "terminal.cert", &terminal(&past).certificate.to_octets(), 0o644);
                let _ = pki;
            },
            "terminal.certificate",
            "was in force until",
        ),
        (
            "a certificate that is yet to come",
            |directory, _| {
                let future = CvPki::new("terminal", (NOW + Duration::days(10)).date()).unwrap();
                write(directory, "terminal.cert", &terminal(&future).certificate.to_octets(), 0o644);
            },
            "terminal.certificate",
            "is in force from",
        ),
        (
            "another terminal's certificate",
            |directory, pki| {
                let other = pki.terminal("980000000002", CvPki::sign_in_rights()).unwrap();
                write(directory, "terminal.cert", &other.certificate.to_octets(), 0o644);
            },
            "terminal.certificate",
            "is not the certificate of the key",
        ),
        (
            "an authority's certificate",
            |directory, pki| write(directory, "terminal.cert", &pki.authority().certificate.to_octets(), 0o644),
            "terminal.certificate",
            "is the certificate of an authority",
        ),
        (
            "a stranger's root",
            |directory, _| {
                let stranger = CvPki::new("stranger", NOW.date()).unwrap();
                write(directory, "root.cert", &stranger.root().certificate.to_octets(), 0o644);
            },
            "terminal.certificate",
            "signature",
        ),
        (
            "a root that is none",
            |directory, pki| write(directory, "root.cert", &pki.authority().certificate.to_octets(), 0o644),
            "terminal.roots",
            "",
        ),
        (
            "no certificate at all",
            |directory, _| write(directory, "terminal.cert", b"no certificate", 0o644),
            "terminal.certificate",
            "",
        ),
        (
            "a file without end",
            |directory, _| write(directory, "authority.cert", &[0; 2000], 0o644),
            "terminal.card_authorities",
            "is longer than 1024 octets",
        ),
        (
            "another password",
            |directory, _| write(directory, "password", b"other\n", 0o600),
            "terminal.key",
            "does not open with this password",
        ),
        ("no password", |directory, _| write(directory, "password", b"\n", 0o600), "terminal.password", "is empty"),
        (
            "a key that others can read",
            |directory, _| set_mode(&directory.join("terminal/terminal.sk"), 0o640),
            "terminal.key",
            "is open to others than its owner (mode 640)",
        ),
        (
            "a password that others can read",
            |directory, _| set_mode(&directory.join("terminal/password"), 0o604),
            "terminal.password",
            "is open to others than its owner (mode 604)",
        ),
    ];
    for (name, spoil, key, problem) in rows {
        let directory = tempfile::tempdir().unwrap();
        let pki = pki();
        write_files(directory.path(), &pki, &terminal(&pki));
        spoil(directory.path(), &pki);
        let Err(fault) = Credentials::load(files(directory.path()), today()) else { panic!("{name}: accepted") };
        assert_eq!(fault.key, key, "{name}: {fault}");
        assert!(fault.problem.contains(problem), "{name}: {fault}");
    }
}

#[test]
fn a_renewed_certificate_is_taken_with_its_key() {
    let directory = tempfile::tempdir().unwrap();
    let (pki, files) = (pki(), files(directory.path()));
    write_files(directory.path(), &pki, &terminal(&pki));
    let credentials = Credentials::load(files, today()).unwrap();
    assert_eq!(credentials.renew(today(), NOW).unwrap(), Renewal::Unchanged);
    let other = pki.terminal("980000000002", CvPki::sign_in_rights()).unwrap();
    write(directory.path(), "terminal.cert", &other.certificate.to_octets(), 0o644);
    let fault = credentials.renew(today(), NOW).unwrap_err();
    assert!(fault.problem.contains("is not the certificate of the key"), "{fault}");
    assert_eq!(credentials.current().name, SAMPLE_TERMINAL, "half a renewal changes nothing");
    write_key(directory.path(), &other.key, PASSWORD);
    assert_eq!(credentials.renew(today(), NOW).unwrap(), Renewal::Taken);
    assert_eq!(credentials.current().name, "980000000002");
    assert_eq!(credentials.renew(today(), NOW).unwrap(), Renewal::Unchanged);
}

#[test]
fn links_lead_to_further_roots_and_nothing_else_does() {
    let directory = tempfile::tempdir().unwrap();
    let pki = pki();
    write_files(directory.path(), &pki, &terminal(&pki));
    let next = pki.next_root().unwrap();
    let link = pki.root().link(&next);
    write(directory.path(), "link.cert", &link.to_octets(), 0o644);
    let text = configured().replace("links = []", "links = [\"terminal/link.cert\"]");
    let linked = || Configuration::parse(&text, directory.path()).unwrap().terminal.unwrap().credentials;
    let shown = Credentials::load(linked(), today()).unwrap().current();
    assert!(shown.anchors.find(&next.certificate.body().holder).is_some());
    assert!(shown.anchors.find(&pki.root().certificate.body().holder).is_some(), "the former root stays trusted");

    let stranger = CvPki::new("stranger", NOW.date()).unwrap();
    let refused: [Certificate; 2] = [stranger.root().link(&next), pki.authority().certificate.clone()];
    for certificate in refused {
        write(directory.path(), "link.cert", &certificate.to_octets(), 0o644);
        let fault = Credentials::load(linked(), today()).err().unwrap();
        assert_eq!(fault.key, "terminal.links", "{fault}");
    }
}
