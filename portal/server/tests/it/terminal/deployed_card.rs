//! The deployed card, as its profile guesses it: five groups, a second PIN, other editions. What is invented is invented on
//! both sides; these tests show that they fit each other.

use latchkey_card::bauth::{TerminalTemplate, terminal_certificates};
use latchkey_card::dialogue::{AgreedActs, PinStatus, Selected, TerminalAct};
use latchkey_card::password::{Can, Password as _, Pin, Pin2};
use latchkey_card::profile::Profile;
use latchkey_card::rights::Authority;
use latchkey_fixtures::holders::{deployed_holders, issue_deployed_card};
use latchkey_fixtures::random::Seeded;
use latchkey_fixtures::vcard::VirtualCard;
use serde_json::{Value, json};

use super::world::{ALL_GROUPS, Session, World, base64, inserted, octets};
use crate::support::NOW;

/// Begins as a page of today does, which hands the security object's certificate over and nothing else.
async fn established<'c>(world: &World, card: &'c mut VirtualCard, profile: &'c Profile) -> Session<'c> {
    let back_end = world.back_end();
    let begun = back_end.ask("bauth_init", json!({ "so_certificate": base64(b"a security object's signer") })).await;
    let hreq = begun["hreq"].as_str().unwrap().to_owned();
    let holder = deployed_holders().remove(0);
    let mut random = Seeded::new("the client");
    let can = Can::parse(holder.can.as_bytes(), 6).unwrap();
    let by_can = Selected::select(card, profile).unwrap();
    let by_can = by_can.secure_with_can(can, &Authority::NOTHING, &mut random).unwrap();
    let pin = Pin::parse(holder.pin.as_bytes(), 6).unwrap();
    let shown = PinStatus::Usable { tries_left: 3 };
    let by_pin = by_can.secure_with_pin(pin, shown, &profile.words, &mut random).unwrap();
    let by_pin = by_pin.with_pin2(Pin2::parse(holder.pin2().as_bytes(), 7).unwrap());
    let template = TerminalTemplate::parse(&octets(&begun["cmd_to_card"])).unwrap();
    let certificates = terminal_certificates(&octets(&begun["terminal_certificate"])).unwrap();
    let agreed = AgreedActs::NONE.with(TerminalAct::Sign);
    let (authenticating, m1) = by_pin.authenticate_terminal(&template, &certificates, agreed).unwrap();
    let answer = |octets: &[u8]| json!({ "hreq": hreq, "card_response": base64(octets) });
    let next: Value = back_end.ask("bauth_process", answer(&m1)).await;
    let (channel, m3) = authenticating.relay_m2(&octets(&next["cmd_to_card"])).unwrap();
    assert_eq!(back_end.ask("bauth_process", answer(&m3)).await["is_bauth_established"], true);
    Session { channel, back_end, hreq }
}

#[tokio::test]
async fn pages_of_today_read_five_groups_and_have_it_sign() {
    let world = World::new().await;
    let holder = deployed_holders().remove(0);
    let (mut card, profile) = (inserted(issue_deployed_card(&world.pki, &holder, NOW).unwrap()), Profile::kta());
    let mut session = established(&world, &mut card, &profile).await;
    session.read(&ALL_GROUPS).await;
    let data = session.ask("request_dg", json!({})).await;
    let personal = &data["personal_data"];
    assert_eq!(personal["ID"], holder.person.personal_number);
    assert_eq!(personal["Serial_Number"], holder.document_number);
    assert_eq!(personal["Type"], "ID");
    assert_eq!(personal["BE:_Family_name"], holder.person.family_name.belarusian);
    assert_eq!(personal.as_object().unwrap().len(), 20, "{personal}");
    let signed = session.sign("Заява".as_bytes(), false).await;
    assert_eq!(signed.status, 200, "{}", signed.text());
}

/// A card of one kind that is taken for one of the other shares no key with the terminal, and nobody is read.
#[tokio::test]
async fn a_card_taken_for_another_kind_gets_nowhere() {
    let world = World::new().await;
    let (mut card, profile) = (world.card(), Profile::standard());
    let begun = json!({ "so_certificate": base64(b"a security object's signer") });
    let begun = world.back_end().ask("bauth_init", begun).await;
    let holder = &latchkey_fixtures::holders::sample_holders()[0];
    let (authenticating, m1) =
        super::world::open_card(&mut card, &profile, holder, &super::world::usual_authority(), &begun);
    let answer = json!({ "hreq": begun["hreq"], "card_response": base64(&m1) });
    let next = world.back_end().ask("bauth_process", answer).await;
    assert!(authenticating.relay_m2(&octets(&next["cmd_to_card"])).is_err());
}
