//! Secure messaging: each side against pairs computed with bee2, and every rule of refusal.

use latchkey_card::apdu::{Command, Response};
use latchkey_card::profile::Edition;
use latchkey_card::secure_messaging::{CardSecureMessaging, ClientSecureMessaging};
use latchkey_crypto::secret::BeltKey;
use latchkey_fixtures::vectors::{Vector, series, vector};

fn key(octets: &[u8]) -> BeltKey {
    BeltKey::new(octets.try_into().unwrap())
}

/// The two runs of bee2: in each, counters continue from pair to pair.
fn runs() -> [Vec<Vector>; 2] {
    [series("SM pair, ctr "), series("SM session on the PIN BPACE key")]
}

#[test]
fn client_protects_and_unprotects_as_bee2_does() {
    for run in runs() {
        let mut client = ClientSecureMessaging::new(&key(&run[0].input("K0")), Edition::Errata2020);
        for pair in run {
            let plain = Command::parse(&pair.input("cmd")).unwrap();
            let (protected, awaited) = client.protect(&plain).unwrap();
            assert_eq!(protected.to_octets().to_vec(), pair.output("cmd_protected"), "{}", pair.name);
            let response = Response::parse(&pair.output("resp_protected")).unwrap();
            let (response, next) = awaited.unprotect(&response).unwrap();
            assert_eq!(response.to_octets().to_vec(), pair.input("resp"), "{}", pair.name);
            client = next;
        }
    }
}

#[test]
fn card_unprotects_and_protects_as_bee2_does() {
    for run in runs() {
        let mut card = CardSecureMessaging::new(&key(&run[0].input("K0")), Edition::Errata2020);
        for pair in run {
            let (command, due) = card.unprotect(&pair.output("cmd_protected")).unwrap();
            assert_eq!(command.to_octets().to_vec(), pair.input("cmd"), "{}", pair.name);
            let response = Response::parse(&pair.input("resp")).unwrap();
            let (protected, next) = due.protect(&response);
            assert_eq!(protected.to_octets().to_vec(), pair.output("resp_protected"), "{}", pair.name);
            card = next;
        }
    }
}

#[test]
fn the_print_of_2019_leaves_the_counter_out_of_the_mac() {
    let pair = vector("SM MAC, 2019-print variant (counter NOT fed to the MAC), same pair as ctr 1/2");
    let corrected = vector("SM pair, ctr 1/2");
    let with_mac = |protected: Vec<u8>, at_end: usize, mac: Vec<u8>| {
        let mut octets = protected;
        let start = octets.len() - at_end - mac.len();
        octets.splice(start..start + mac.len(), mac);
        octets
    };
    let command = with_mac(corrected.output("cmd_protected"), 1, pair.output("cmd_T"));
    let response = with_mac(corrected.output("resp_protected"), 2, pair.output("resp_T"));

    let client = ClientSecureMessaging::new(&key(&pair.input("K0")), Edition::Print2019);
    let (protected, awaited) = client.protect(&Command::parse(&pair.input("cmd")).unwrap()).unwrap();
    assert_eq!(protected.to_octets().to_vec(), command);
    let (plain, _) = awaited.unprotect(&Response::parse(&response).unwrap()).unwrap();
    assert_eq!(plain.to_octets().to_vec(), pair.input("resp"));

    let card = CardSecureMessaging::new(&key(&pair.input("K0")), Edition::Print2019);
    let (plain, due) = card.unprotect(&command).unwrap();
    assert_eq!(plain.to_octets().to_vec(), pair.input("cmd"));
    let (protected, _) = due.protect(&Response::parse(&pair.input("resp")).unwrap());
    assert_eq!(protected.to_octets().to_vec(), response);
}
