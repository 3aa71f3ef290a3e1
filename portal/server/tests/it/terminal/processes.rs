//! The real binary with a terminal: its listener, its log, several processes on one database.

use std::process::Command;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use latchkey_card::profile::Profile;
use latchkey_crypto::cv::{CertificateBody, Request as CertificateRequest};
use latchkey_fixtures::cv::CvPki;
use latchkey_fixtures::holders::{issue_card, sample_holders, sample_pki};
use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509NameBuilder};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::credentials::{configured, terminal, write, write_files};
use super::world::{ALL_GROUPS, BackEnd, Session, caller, inserted};
use crate::process::{Installation, Process, present, set_mode};

/// A service with a terminal, made for the present time.
pub(crate) struct Installed {
    pub(crate) installation: Installation,
    cv: CvPki,
}

impl Installed {
    pub(crate) fn new(change: impl FnOnce(String) -> String) -> Self {
        let installation = Installation::new();
        let directory = installation.directory.path();
        // The sample holders' authorities, in place of the installation's own.
        let pki = sample_pki(present()).unwrap();
        std::fs::write(directory.join("pki/root.cert.der"), &pki.root().certificate().der).unwrap();
        std::fs::write(directory.join("pki/authority.cert.der"), &pki.authority().certificate().der).unwrap();
        crate::support::write_lists(&directory.join("pki"), &pki, &[], present());
        let cv = pki.cv_pki().unwrap();
        write_files(directory, &cv, &terminal(&cv));
        let listed: Vec<_> =
            sample_holders().iter().map(|holder| format!("{} valid\n", holder.document_number)).collect();
        write(directory, "documents.txt", listed.concat().as_bytes(), 0o644);
        let text = configured()
            .replace("\"127.0.0.1:8443\", \"[::1]:8443\"", "\"127.0.0.1:0\"")
            .replace("\"127.0.0.1:48777\"", "\"127.0.0.1:0\"")
            .replace("format = \"text\"", "format = \"json\"")
            .replace("level = \"info\"", "level = \"debug\"");
        std::fs::write(directory.join("portal.toml"), change(text)).unwrap();
        Self { installation, cv }
    }

    pub(crate) fn command(&self, subcommand: &str) -> Command {
        self.installation.command(subcommand)
    }

    /// Starts the service; gives the terminal's port too.
    pub(crate) fn start(&self) -> (Process, u16) {
        let process = Process::spawn(self.command("serve"));
        let listening = process.logged("the terminal is listening");
        let port = listening["address"].as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap();
        (process, port)
    }

    fn card(&self) -> latchkey_fixtures::vcard::VirtualCard {
        let pki = sample_pki(present()).unwrap();
        inserted(issue_card(&pki, &sample_holders()[0], present()).unwrap())
    }
}

/// The back end of a portal whose terminal is elsewhere.
fn back_end(origin: String, client: reqwest::Client) -> BackEnd {
    let router = Router::new().fallback(move |request: Request| {
        let (client, url) = (client.clone(), format!("{origin}{}", request.uri().path()));
        async move {
            let body = to_bytes(request.into_body(), usize::MAX).await.unwrap();
            let sent = client.post(url).header("content-type", "application/json").body(body).send().await.unwrap();
            let status = sent.status();
            Response::builder().status(status).body(Body::from(sent.bytes().await.unwrap())).unwrap()
        }
    });
    BackEnd { router, caller: caller("127.0.0.1") }
}

fn over_http(port: u16) -> BackEnd {
    back_end(format!("http://127.0.0.1:{port}"), reqwest::Client::builder().no_proxy().build().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_and_a_signature_leave_nothing_of_the_person_in_the_log() {
    let installed = Installed::new(|text| text);
    let (process, port) = installed.start();
    let (mut card, profile) = (installed.card(), Profile::standard());
    let mut session = Session::established(over_http(port), &mut card, &profile).await;
    session.read(&ALL_GROUPS).await;
    let data = session.ask("request_dg", json!({})).await;
    let signed = session.sign("Заява".as_bytes(), false).await;
    assert_eq!(signed.status, 200, "{}", signed.text());
    // What is refused is told in the log, without saying of whom.
    let mut other = installed.card();
    let mut refused = Session::established(over_http(port), &mut other, &profile).await;
    refused.read(&["dg1"]).await;
    assert_eq!(refused.post("read_dg", json!({ "card_response": "AAAA" })).await.status, 409);
    process.signal("TERM");
    let (status, log) = process.end();
    assert_eq!(status.code(), Some(0));
    assert!(log.contains("terminal-wrong-order"), "{log}");
    assert!(!log.contains(&session.hreq) && !log.contains(&refused.hreq), "{log}");
    for personal in data["personal_data"].as_object().unwrap().values() {
        let personal = personal.as_str().unwrap();
        // Shorter ones are words of the log as well.
        assert!(personal.len() < 8 || !log.contains(personal), "{personal} is in the log:\n{log}");
    }
    let directory = installed.installation.directory.path();
    assert!(!directory.join("terminal-steps.sqlite-wal").exists(), "the database is whole");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_replays_at_two_processes_one_is_taken() {
    let installed = Installed::new(|text| text);
    let ((_one, first), (_other, second)) = (installed.start(), installed.start());
    let back_ends = [over_http(first), over_http(second)];
    let (mut card, profile) = (installed.card(), Profile::standard());
    let mut session = Session::established(back_ends[0].clone(), &mut card, &profile).await;
    let command = session.ask("read_dg_init", json!({ "data_groups_to_read": ["dg3"] })).await;
    let answer = session.relay(&command);
    let body = session.body(json!({ "card_response": answer }));
    let mut replays = JoinSet::new();
    for number in 0..100 {
        let (back_end, body) = (back_ends[number % 2].clone(), body.clone());
        replays.spawn(async move {
            let answer = back_end.post("read_dg", body).await;
            (answer.status.as_u16(), answer.json())
        });
    }
    let outcomes = replays.join_all().await;
    let taken = outcomes.iter().filter(|(status, _)| *status == 200).count();
    assert_eq!(taken, 1, "{outcomes:?}");
}

/// A node that is killed takes no session with it: its peer takes the next step.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_outlives_the_process_that_began_it() {
    let installed = Installed::new(|text| text);
    let ((one, first), (_other, second)) = (installed.start(), installed.start());
    let (mut card, profile) = (installed.card(), Profile::standard());
    let mut session = Session::established(over_http(first), &mut card, &profile).await;
    let command = session.ask("read_dg_init", json!({ "data_groups_to_read": ["dg5"] })).await;
    one.signal("KILL");
    one.end();
    session.back_end = over_http(second);
    let mut command: Value = command;
    while command["is_last_dg_readed"] != json!(true) {
        let answer = session.relay(&command);
        command = session.ask("read_dg", json!({ "card_response": answer })).await;
    }
    assert_eq!(session.ask("request_dg", json!({})).await["personal_data"]["Sex"], "F");
}

#[test]
fn what_refuses_the_start_is_named_with_line_and_key() {
    type Row = (&'static str, fn(&Installed), &'static str);
    let rows: [Row; 4] = [
        (
            "a record key that others can read",
            |it| set_mode(&it.installation.directory.path().join("keys"), 0o750),
            "`keys.folder` …/keys: is open to others than its owner (mode 750)",
        ),
        (
            "no record key",
            |it| std::fs::remove_dir_all(it.installation.directory.path().join("keys")).unwrap(),
            "`keys.folder` …/keys: cannot be read",
        ),
        (
            "a certificate with the right to work with the CAN",
            |it| {
                let rights = latchkey_crypto::cv::rights::Rights::ALL;
                let with_can = it.cv.terminal(latchkey_fixtures::holders::SAMPLE_TERMINAL, rights).unwrap();
                write(it.installation.directory.path(), "terminal.cert", &with_can.certificate.to_octets(), 0o644);
            },
            "`terminal.certificate` …/terminal/terminal.cert: carries the right to work with the CAN (eID bit 4)",
        ),
        (
            "a register that is none",
            |it| write(it.installation.directory.path(), "documents.txt", b"BY0000001 gone", 0o644),
            "`terminal.documents` …/terminal/documents.txt: line 1: must be a number",
        ),
    ];
    for (name, spoil, expected) in rows {
        let installed = Installed::new(|text| text);
        spoil(&installed);
        for command in ["check", "serve"] {
            let refused = installed.command(command).output().unwrap();
            assert_eq!(refused.status.code(), Some(3), "{name}: {command}");
            let directory = installed.installation.directory.path().to_str().unwrap().to_owned();
            let told = String::from_utf8(refused.stderr).unwrap().replace(&directory, "…");
            assert!(told.contains(expected), "{name}: {told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_taken_into_use_while_running() {
    let installed = Installed::new(|text| text);
    let (mut process, port) = installed.start();
    let directory = installed.installation.directory.path();
    let ran = Command::new(env!("CARGO_BIN_EXE_latchkey-portal"))
        .args(["terminal", "renew", "--config"])
        .arg(directory.join("portal.toml"))
        .status();
    assert!(ran.unwrap().success());
    let request = std::fs::read(directory.join("terminal/terminal.cert.request")).unwrap();
    let body: CertificateBody = CertificateRequest::parse(&request).unwrap().body().clone();
    write(directory, "issued.cert", &body.sign(&installed.cv.authority().key).to_octets(), 0o644);
    let ran = Command::new(env!("CARGO_BIN_EXE_latchkey-portal"))
        .args(["terminal", "take", "--config"])
        .arg(directory.join("portal.toml"))
        .arg(directory.join("terminal/issued.cert"))
        .status();
    assert!(ran.unwrap().success());
    process.signal("HUP");
    process.wait_for("the terminal's changed certificate is in use");
    let (mut card, profile) = (installed.card(), Profile::standard());
    Session::established(over_http(port), &mut card, &profile).await;
}

/// A caller's certificate and its key, PEM, and an authority's.
fn identity(name: &str) -> (X509, PKey<Private>) {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let subject = subject.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder.set_issuer_name(&subject).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    (builder.build(), key)
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_with_certificates_are_told_apart_by_them() {
    let installed = Installed::new(|text| {
        text + "\n[terminal.tls]\ncertificate = \"tls/portal.cert.pem\"\nkey = \"tls/portal.key.pem\"\n\
                caller_authorities = \"tls/callers.pem\"\n"
    });
    let directory = installed.installation.directory.path();
    let identities = [identity("one"), identity("other"), identity("stranger")];
    let known: Vec<_> = identities[..2].iter().flat_map(|(certificate, _)| certificate.to_pem().unwrap()).collect();
    std::fs::write(directory.join("tls/callers.pem"), known).unwrap();
    let (_process, port) = installed.start();
    let authority = std::fs::read(directory.join("tls/ca.pem")).unwrap();
    let client = |identity: Option<&(X509, PKey<Private>)>| {
        let authority = reqwest::Certificate::from_pem(&authority).unwrap();
        let mut builder = reqwest::Client::builder().tls_backend_native().no_proxy().tls_certs_only([authority]);
        if let Some((certificate, key)) = identity {
            let (certificate, key) = (certificate.to_pem().unwrap(), key.private_key_to_pem_pkcs8().unwrap());
            builder = builder.identity(reqwest::Identity::from_pkcs8_pem(&certificate, &key).unwrap());
        }
        builder.build().unwrap()
    };
    let origin = format!("https://localhost:{port}");
    let [one, other] = [0, 1].map(|number| back_end(origin.clone(), client(Some(&identities[number]))));
    let begun = one.begin().await;
    let stolen = other.post("bauth_logout", json!({ "hreq": begun["hreq"] })).await;
    assert_eq!(stolen.refusal(), (403, "terminal-of-other-caller".to_owned()));
    assert_eq!(one.post("bauth_logout", json!({ "hreq": begun["hreq"] })).await.status, 200);
    for (name, unknown) in [("no certificate", client(None)), ("a stranger's", client(Some(&identities[2])))] {
        let sent = unknown.post(format!("{origin}/api/v1/bauth_init")).json(&json!({})).send().await;
        assert!(sent.is_err(), "{name}: {sent:?}");
    }
    let plain = reqwest::Client::builder().no_proxy().build().unwrap();
    assert!(plain.post(format!("http://127.0.0.1:{port}/api/v1/bauth_init")).json(&json!({})).send().await.is_err());
}
