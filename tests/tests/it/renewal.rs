//! A card's key for terminals and its certificate are renewed: authority, terminal, client program and card are programs
//! of their own, and a person agrees at a terminal.

use std::cell::Cell;

use latchkey_tests::deployed::{Attended, AttendedOrder, BackEnd, Fate, Line, Refused, SITE};
use latchkey_tests::stage::{Cards, Portal, PortalOrder, SampleSet, free_port, give_secrets, holder};
use serde_json::{Value, json};

use crate::issuing_authority::AtWork;

const HOLDER: &str = "hanna-vydumanaya";
const CONFIRM: &str = "/latchkey/v1/renewal/confirm";

/// What becomes of the old key is said before the PIN is asked for.
fn told_before(shown: &str, told: &str, asked: &str) {
    let (told, asked) = (shown.find(told), shown.find(asked));
    assert!(told.is_some() && told < asked, "{told:?} {asked:?} in:\n{shown}");
}

#[test]
fn a_page_has_the_key_renewed_and_a_pulled_card_is_brought_to_its_end() {
    let authority = AtWork::start();
    let set = SampleSet::write().unwrap();
    let mut cards = Cards::start(&set, 1).unwrap();
    cards.insert(HOLDER, 1).unwrap();
    let (terminal, client) = (free_port().unwrap(), free_port().unwrap());
    let order =
        PortalOrder { terminal_port: Some(terminal), authority_port: Some(authority.port), ..PortalOrder::default() };
    let portal = Portal::start_with(&set, order).unwrap();
    let holder = holder(HOLDER).unwrap();
    let start = |language, cards: &Cards| {
        let order = AttendedOrder { port: client, language, agreeing: Some(&holder), arguments: &[] };
        Attended::start(cards, &set, order).unwrap()
    };
    let line = || Line::to(client, terminal).from_page(SITE);
    let attended = start("en", &cards);

    // At the second confirmation the new key is there and has no certificate.
    let confirmed = Cell::new(0);
    let pulled = line().with_accident(|call| {
        if call.path == CONFIRM {
            confirmed.set(confirmed.get() + 1);
            if confirmed.get() == 2 {
                cards.remove(1)?;
            }
        }
        Ok(Fate::Answered)
    });
    let refused = BackEnd::on(pulled).renew().unwrap_err();
    assert_eq!(refused.downcast_ref::<Refused>().map(|refused| refused.code.as_str()), Some("card-removed"));
    told_before(&attended.end().unwrap(), "the old one will be gone for good", "6 digits");
    cards.insert(HOLDER, 1).unwrap();

    let attended = start("be", &cards);
    let renewed = BackEnd::on(line()).renew().unwrap();
    assert_eq!(renewed["next"], "issued", "{renewed}");
    told_before(&attended.end().unwrap(), "старога больш не будзе ніколі", "6 лічбаў");

    let attended = start("ru", &cards);
    let mut session = BackEnd::begin(client, terminal).unwrap();
    let data = session.read(&["dg1"]).unwrap();
    assert_eq!(data["ID"], holder.person.personal_number.as_str());
    let message = session.sign("With the new key.").unwrap();
    let certificate = openssl::base64::decode_block(renewed["certificate"].as_str().unwrap()).unwrap();
    assert!(message.windows(certificate.len()).any(|part| part == certificate), "signed with another certificate");
    attended.end().unwrap();
    drop(authority);
    let log = portal.stop().unwrap();
    assert!(log.contains("the terminal's certificate was renewed"), "the sample terminal's is near its end:\n{log}");
    assert!(!log.contains(&holder.person.personal_number), "a personal number is in the log:\n{log}");
}

#[test]
fn the_command_line_renews_and_fetches_what_has_to_wait() {
    let authority = AtWork::start();
    let set = SampleSet::write().unwrap();
    let mut cards = Cards::start(&set, 1).unwrap();
    cards.insert(HOLDER, 1).unwrap();
    let terminal = free_port().unwrap();
    let order = PortalOrder {
        terminal_port: Some(terminal),
        terminal_has_tls: true,
        authority_port: Some(authority.port),
        ..PortalOrder::default()
    };
    let _portal = Portal::start_with(&set, order).unwrap();
    let holder = holder(HOLDER).unwrap();
    let managed = set.path().join("managed.toml");
    let root = openssl::base64::encode_block(&std::fs::read(set.path().join("cv/root.cert")).unwrap());
    let origin = format!("https://localhost:{terminal}");
    let known = format!(
        "[terminal]\nroots = [\"{root}\"]\n[[terminal.known]]\nholder = \"{}\"\norigins = [\"{origin}\"]\n",
        latchkey_fixtures::holders::SAMPLE_TERMINAL
    );
    std::fs::write(&managed, known).unwrap();
    let renew = |pin: &str| {
        let mut command = cards.client().unwrap();
        command.args(["--lang", "en", "card", "renew", &origin, "--yes", "--json", "--ca-file"]);
        command.arg(set.tls_authority()).arg("--managed").arg(&managed);
        give_secrets(&mut command, &[pin]).unwrap();
        let output = command.output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        let result: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{told}"));
        (output.status.code(), result, told)
    };
    let (status, result, told) = renew("000000");
    assert_eq!((status, &result["error"]["code"]), (Some(6), &json!("pin-wrong")), "{result} {told}");
    authority.hold_back(true);
    let (status, result, told) = renew(holder.pin);
    assert_eq!((status, &result["result"]), (Some(0), &json!("waiting")), "{told}");
    assert!(told.contains("destroy your card’s key for terminals for good"), "said before: {told}");
    authority.hold_back(false);
    let (status, result, told) = renew(holder.pin);
    assert_eq!((status, &result["result"]), (Some(0), &json!("issued")), "{told}");
    let certificate = openssl::base64::decode_block(result["certificate"].as_str().unwrap()).unwrap();
    latchkey_crypto::x509::Certificate::from_der(&certificate).unwrap();

    let nobody = free_port().unwrap();
    let mut command = cards.client().unwrap();
    command.args(["--lang", "en", "card", "renew", &format!("https://localhost:{nobody}"), "--yes", "--json"]);
    give_secrets(&mut command, &[holder.pin]).unwrap();
    let output = command.output().unwrap();
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["error"]["code"], "portal-unreachable", "{result}");
    assert!(!String::from_utf8(output.stderr).unwrap().contains("broken off"), "nothing was begun");
}
