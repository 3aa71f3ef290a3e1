//! The commands of `latchkey-portal`, and what each exit code means.

use std::net::TcpListener;
use std::process::{Command, Output};

use latchkey_fixtures::pki::TestPki;
use latchkey_fixtures::pki::tls::TlsFiles;
use openssl::pkey::PKey;
use openssl::symm::Cipher;
use serde_json::Value;

use crate::process::{Installation, present, set_mode};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_latchkey-portal")).args(arguments).output().unwrap()
}

fn text(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).unwrap()
}

#[test]
fn help_tells_commands_and_exit_codes() {
    let help = run(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    insta::assert_snapshot!("help", text(&help.stdout));
    for arguments in [&[][..], &["serve"], &["serve", "--config"], &["check", "--insecure"], &["fly"]] {
        assert_eq!(run(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn openapi_prints_the_description() {
    let printed = run(&["openapi"]);
    assert_eq!(printed.status.code(), Some(0));
    let printed: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(printed, serde_json::to_value(latchkey_portal::http::description()).unwrap());
}

#[test]
fn check_accepts_a_sound_installation_and_makes_nothing() {
    let installation = Installation::new();
    let checked = installation.command("check").output().unwrap();
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stderr));
    assert!(text(&checked.stdout).ends_with("portal.toml: the configuration is sound\n"));
    assert!(!installation.directory.path().join("portal.sqlite").exists());
}

/// Each row spoils one file; `check` and `serve` tell the line, the key and the file.
#[test]
fn a_file_that_cannot_be_used_is_named_with_line_and_key() {
    type Row = (&'static str, fn(&Installation), &'static str);
    let rows: [Row; 14] = [
        (
            "key open to everybody",
            |it| set_mode(&it.directory.path().join("tls/portal.key.pem"), 0o604),
            "`tls.key` …/tls/portal.key.pem: is open to every user of this machine (mode 604)",
        ),
        (
            "no key",
            |it| remove(it, "tls/portal.key.pem"),
            "`tls.key` …/tls/portal.key.pem: cannot be read: No such file",
        ),
        (
            "key is no key",
            |it| write(it, "tls/portal.key.pem", b"secret"),
            "`tls.key` …/tls/portal.key.pem: is no private key in PEM without a password",
        ),
        (
            "key behind a password",
            |it| {
                let key = std::fs::read(it.directory.path().join("tls/portal.key.pem")).unwrap();
                let key = PKey::private_key_from_pem(&key).unwrap();
                let sealed = key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), b"secret").unwrap();
                write(it, "tls/portal.key.pem", &sealed);
            },
            "`tls.key` …/tls/portal.key.pem: is no private key in PEM without a password",
        ),
        (
            "key of another certificate",
            |it| write(it, "tls/portal.key.pem", &TlsFiles::issue(present()).unwrap().key),
            "`tls.key` …/tls/portal.key.pem: is not the key of the certificate",
        ),
        (
            "certificate is none",
            |it| write(it, "tls/portal.cert.pem", b""),
            "`tls.certificate` …/tls/portal.cert.pem: has no certificate in PEM",
        ),
        (
            "certificate without end",
            |it| write(it, "tls/portal.cert.pem", &[b'x'; 300_000]),
            "`tls.certificate` …/tls/portal.cert.pem: is longer than 262144 octets",
        ),
        ("anchor is none", |it| write(it, "pki/root.cert.der", b"0"), "`trust.anchors` …/pki/root.cert.der: "),
        (
            "anchor is a person",
            |it| write(it, "pki/root.cert.der", &it.card().certificate),
            "`trust.anchors` …/pki/root.cert.der: is no certificate of an authority",
        ),
        (
            "no intermediate",
            |it| remove(it, "pki/authority.cert.der"),
            "`trust.intermediates` …/pki/authority.cert.der: cannot be read",
        ),
        (
            "no list",
            |it| remove(it, "pki/authority.crl.der"),
            "`trust.revocation_lists` …/pki/authority.crl.der: cannot be read",
        ),
        ("list is none", |it| write(it, "pki/root.crl.der", b"0"), "`trust.revocation_lists` …/pki/root.crl.der: "),
        (
            "list of somebody else",
            |it| {
                let stranger = TestPki::new("stranger", present()).unwrap();
                write(it, "pki/root.crl.der", &stranger.root_revocation_list(&[]).unwrap());
            },
            "`trust.revocation_lists` …/pki/root.crl.der: the list is not signed by any of the configured authorities",
        ),
        ("no configuration", |it| remove(it, "portal.toml"), "No such file"),
    ];
    for (name, spoil, expected) in rows {
        let installation = Installation::new();
        spoil(&installation);
        for command in ["check", "serve"] {
            let refused = installation.command(command).output().unwrap();
            assert_eq!(refused.status.code(), Some(3), "{name}: {command}");
            let told = text(&refused.stderr).replace(installation.directory.path().to_str().unwrap(), "…");
            assert!(told.starts_with("latchkey-portal: …/portal.toml: "), "{name}: {told}");
            assert!(told.contains(expected), "{name}: {told}");
            assert!(told.contains(": line ") || name == "no configuration", "{name}: {told}");
            assert!(refused.stdout.is_empty(), "{name}: {command}");
        }
    }
}

#[test]
fn an_unusable_database_or_address_has_its_own_exit_code() {
    let installation = Installation::in_a_file();
    write(&installation, "portal.sqlite", &[b'x'; 4096]);
    set_mode(&installation.directory.path().join("portal.sqlite"), 0o600);
    let refused = installation.command("serve").output().unwrap();
    assert_eq!(refused.status.code(), Some(4), "{}", text(&refused.stderr));

    let installation = Installation::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let configuration = std::fs::read_to_string(installation.directory.path().join("portal.toml")).unwrap();
    write(&installation, "portal.toml", configuration.replace("127.0.0.1:0", &address.to_string()).as_bytes());
    let refused = installation.command("serve").output().unwrap();
    assert_eq!(refused.status.code(), Some(5), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains(&format!("cannot listen on {address}")));
}

fn write(installation: &Installation, name: &str, octets: &[u8]) {
    std::fs::write(installation.directory.path().join(name), octets).unwrap();
}

fn remove(installation: &Installation, name: &str) {
    std::fs::remove_file(installation.directory.path().join(name)).unwrap();
}
