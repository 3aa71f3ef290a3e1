//! BPACE objects against hand-built and computed vectors.

use latchkey_card::apdu::Command;
use latchkey_card::bpace::AuthenticationTemplate;
use latchkey_card::profile::{Edition, Profile, RightsOrder};
use latchkey_card::rights::{Authority, EidRights, EsignRights};
use latchkey_fixtures::vectors::vector;

#[test]
fn templates_are_written_and_read_as_the_vectors_say() {
    let model = Authority {
        eid: Some(EidRights::from_octets([0x00, 0x3C, 0x6F, 0x5B, 0x10])),
        esign: Some(EsignRights::from_octets([0xF2, 0x00])),
        signatures: None,
    };
    let profile = Profile::standard();
    let rows = [
        (vector("APDU MSE Set AT BPACE, CAN, no rights"), profile.can.id, Authority::NOTHING),
        (vector("APDU MSE Set AT BPACE, PIN, eID+eSign rights"), profile.pin.id, model),
    ];
    for (vector, id, authority) in rows {
        let written = AuthenticationTemplate::new(id, &authority, RightsOrder::EidFirst);
        let command = Command::parse(&vector.output("apdu")).unwrap();
        assert_eq!(written.octets(), command.data(), "{}", vector.name);
        assert_eq!(AuthenticationTemplate::parse(command.data()), Ok(written), "{}", vector.name);
    }
}

#[test]
fn each_edition_takes_its_own_hello() {
    let errata = vector("BPACE as profiled by STB 34.101.79 with errata: PIN 123456, hello_KP = whole MSE CDF");
    let print = vector("BPACE as profiled by the 2019 print: PIN 123456, hello_KP = CertHAT objects only");
    let template = AuthenticationTemplate::parse(&errata.input("hello_B")).unwrap();
    assert_eq!(template.hello(Edition::Errata2020), errata.input("hello_B"));
    assert_eq!(template.hello(Edition::Print2019), print.input("hello_B"));
}
