//! Another certificate in place of the short-lived one: asked for, issued, taken.

use std::process::{Command, Output};

use latchkey_card::profile::Profile;
use latchkey_crypto::belt;
use latchkey_crypto::bign::PublicKey;
use latchkey_crypto::cv::{Certificate, CertificateBody, Date, Period, Request};
use latchkey_crypto::hash::HashAlgorithm;
use latchkey_fixtures::cv::{Certified, CvPki};
use latchkey_fixtures::holders::sample_holders;
use latchkey_fixtures::random::Seeded;
use latchkey_portal::files::Renewal;
use latchkey_portal::terminal::renewal::{RequestedKey, request, take};
use latchkey_portal::terminal::{Credentials, FORMER_KEY_LIFETIME};
use serde_json::json;
use tempfile::TempDir;
use time::Duration;

use super::credentials::{configured, files, pki, replace, terminal, today, write, write_files};
use super::world::{BackEnd, CALLER, World, base64, caller, octets, open_card, usual_authority};
use crate::process::present;
use crate::support::NOW;

fn installed() -> (TempDir, CvPki) {
    let directory = tempfile::tempdir().unwrap();
    let pki = pki();
    write_files(directory.path(), &pki, &terminal(&pki));
    (directory, pki)
}

/// The authority grants what was asked for, for `days` from today.
fn issue(pki: &CvPki, request: &Request, days: i64) -> Certificate {
    let day = |after| Date::try_from(pki_day(pki) + Duration::days(after)).unwrap();
    let period = Period::new(day(0), day(days)).unwrap();
    CertificateBody { period, ..request.body().clone() }.sign(&pki.authority().key)
}

fn pki_day(pki: &CvPki) -> time::Date {
    // The authority's certificate begins 300 days before the day of the set.
    time::Date::from(pki.authority().certificate.body().period.from()) + Duration::days(300)
}

#[test]
fn a_new_key_waits_until_its_certificate_is_taken() {
    for (which, waits) in [(RequestedKey::New, true), (RequestedKey::Present, false)] {
        let (directory, pki) = installed();
        let files = files(directory.path());
        let credentials = Credentials::load(files.clone(), today()).unwrap();
        let former_key = credentials.current().key.public_key();
        let requested = request(&files, which, today(), &mut Seeded::new("renewal")).unwrap();
        let asked = Request::parse(&requested.request).unwrap();
        assert_eq!(asked.body().holder.as_str(), credentials.current().name);
        assert_eq!(asked.body().rights, CvPki::sign_in_rights());
        assert_eq!(time::Date::from(asked.body().period.until()), NOW.date() + Duration::days(2), "as long as before");
        assert_eq!(asked.body().key.octets() != former_key, waits);
        let (present_key, hash) = (PublicKey::from_octets(&former_key).unwrap(), belt::hash(&[&requested.request]));
        present_key.verify(HashAlgorithm::BeltHash, &hash, &requested.signature).unwrap();
        assert_eq!(credentials.renew(today(), NOW).unwrap(), Renewal::Unchanged, "asking changes nothing");

        write(directory.path(), "issued.cert", &issue(&pki, &asked, 3).to_octets(), 0o644);
        let until = take(&files, &directory.path().join("terminal/issued.cert"), today()).unwrap();
        assert_eq!(time::Date::from(until), NOW.date() + Duration::days(3));
        assert_eq!(credentials.renew(today(), NOW).unwrap(), Renewal::Taken);
        assert_eq!(credentials.current().key.public_key().as_slice(), asked.body().key.octets());
        let left = std::fs::read_dir(directory.path().join("terminal")).unwrap();
        let names: Vec<_> = left.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert!(names.iter().all(|name| !name.ends_with(".next") && !name.ends_with(".taken")), "{names:?}");
    }
}

#[test]
fn a_certificate_that_is_not_this_terminals_is_not_taken() {
    let (directory, pki) = installed();
    let files = files(directory.path());
    let requested = request(&files, RequestedKey::New, today(), &mut Seeded::new("renewal")).unwrap();
    let asked = Request::parse(&requested.request).unwrap();
    let stranger = CvPki::new("stranger", NOW.date()).unwrap();
    let other = pki.terminal("980000000002", CvPki::sign_in_rights()).unwrap().certificate;
    let with_can =
        CertificateBody { rights: latchkey_crypto::cv::rights::Rights::ALL, ..issue(&pki, &asked, 3).body().clone() };
    let rows = [
        ("of another authority", issue(&stranger, &asked, 3).to_octets(), "signature"),
        ("of another terminal", other.to_octets(), "names 980000000002"),
        ("with the right to work with the CAN", with_can.sign(&pki.authority().key).to_octets(), "eID bit 4"),
        ("no certificate", b"no certificate".to_vec(), ""),
        ("the request itself", requested.request.clone(), ""),
    ];
    let before = std::fs::read(directory.path().join("terminal/terminal.cert")).unwrap();
    for (name, octets, problem) in rows {
        write(directory.path(), "issued.cert", &octets, 0o644);
        let error = take(&files, &directory.path().join("terminal/issued.cert"), today()).unwrap_err();
        assert!(error.to_string().contains(problem), "{name}: {error}");
        assert_eq!(std::fs::read(directory.path().join("terminal/terminal.cert")).unwrap(), before, "{name}");
    }
    Credentials::load(files, today()).unwrap();
}

/// The terminal's certificate for another key.
fn for_another_key(pki: &CvPki) -> Certified {
    let (present, key) = (terminal(pki), pki.key_of("the terminal's next"));
    let public = PublicKey::from_octets(&key.public_key()).unwrap();
    let body = CertificateBody { key: public, ..present.certificate.body().clone() };
    Certified { certificate: body.sign(&pki.authority().key), key }
}

/// A card is shown the certificate in use at `first`; before its answers go to `then`, `between` happens. Gives the code of
/// the refusal, if there is one.
async fn authenticate(world: &World, first: &BackEnd, then: &BackEnd, between: impl FnOnce()) -> Result<(), String> {
    let begun = first.begin().await;
    let (mut card, profile) = (world.card(), Profile::standard());
    let (authenticating, m1) = open_card(&mut card, &profile, &sample_holders()[0], &usual_authority(), &begun);
    between();
    let body = |answer: &[u8]| json!({ "hreq": begun["hreq"], "card_response": base64(answer) });
    let answer = then.post("bauth_process", body(&m1)).await;
    if answer.status != 200 {
        return Err(answer.refusal().1);
    }
    let (_channel, m3) = authenticating.relay_m2(&octets(&answer.json()["cmd_to_card"])).unwrap();
    let last = then.ask("bauth_process", body(&m3)).await;
    assert_eq!(last["is_bauth_established"], true);
    Ok(())
}

/// The certificate is replaced while cards compute with it: none of them is called not genuine.
#[tokio::test]
async fn a_session_goes_on_with_the_key_that_its_card_was_shown() {
    let world = World::new().await;
    let another = async |name| BackEnd { router: world.node_called(name).await, caller: caller(CALLER) };
    // Another process looks at its files later.
    let (here, behind, far_behind) = (world.back_end(), another("behind").await, another("far behind").await);
    let replaced = || {
        replace(world.directory.path(), &for_another_key(&world.cv));
        world.terminal.renew();
    };
    authenticate(&world, &here, &here, replaced).await.expect("replaced meanwhile");
    authenticate(&world, &behind, &here, || {}).await.expect("with the former key");
    authenticate(&world, &here, &behind, || {}).await.expect("with the one that waits in the files");
    authenticate(&world, &behind, &here, || {}).await.expect("with the new key");

    let unknown = Err("terminal-session-unknown".to_owned());
    let new = another("new").await;
    let refused = authenticate(&world, &far_behind, &new, || {}).await;
    assert_eq!(refused, unknown, "a process that began after the replacement has not got the former key");
    authenticate(&world, &far_behind, &here, || {}).await.expect("until it is forgotten");
    world.set_clock(NOW + FORMER_KEY_LIFETIME);
    let refused = authenticate(&world, &far_behind, &here, || {}).await;
    assert_eq!(refused, unknown, "the former key is forgotten");
}

fn run(directory: &TempDir, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey-portal"));
    command.arg("terminal").args(arguments);
    command.arg("--config").arg(directory.path().join("portal.toml")).output().unwrap()
}

/// The commands, with the machine's clock.
#[test]
fn the_commands_ask_and_take() {
    let directory = tempfile::tempdir().unwrap();
    let pki = CvPki::new("terminal", present().date()).unwrap();
    write_files(directory.path(), &pki, &terminal(&pki));
    std::fs::write(directory.path().join("portal.toml"), configured()).unwrap();
    let asked = run(&directory, &["renew"]);
    assert_eq!(asked.status.code(), Some(0), "{}", String::from_utf8_lossy(&asked.stderr));
    assert!(String::from_utf8_lossy(&asked.stdout).contains("terminal.cert.request: the request"));
    let request = std::fs::read(directory.path().join("terminal/terminal.cert.request")).unwrap();
    let issued = issue(&pki, &Request::parse(&request).unwrap(), 3);
    write(directory.path(), "issued.cert", &issued.to_octets(), 0o644);
    let file = directory.path().join("terminal/issued.cert");
    let taken = run(&directory, &["take", file.to_str().unwrap()]);
    assert_eq!(taken.status.code(), Some(0), "{}", String::from_utf8_lossy(&taken.stderr));
    assert!(String::from_utf8_lossy(&taken.stdout).contains("taken, in force until"));
    let again = run(&directory, &["take", directory.path().join("terminal/root.cert").to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(6), "{}", String::from_utf8_lossy(&again.stderr));

    let (without, _) = configured().split_once("[terminal]").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    std::fs::write(directory.path().join("portal.toml"), without).unwrap();
    let nothing = run(&directory, &["renew"]);
    assert_eq!(nothing.status.code(), Some(3), "{}", String::from_utf8_lossy(&nothing.stderr));
}
