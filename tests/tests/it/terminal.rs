//! A back end of the kind that is deployed, a terminal and a card, each a program of its own: with a real card service, and
//! a person who agrees at a terminal.

use latchkey_tests::deployed::{Attended, AttendedOrder, BackEnd, Calls};
use latchkey_tests::stage::{Cards, Portal, PortalOrder, SampleSet, free_port, holder};

const HOLDER: &str = "hanna-vydumanaya";

#[test]
fn a_back_end_has_a_card_read_and_sign_through_client_and_terminal() {
    let set = SampleSet::write().unwrap();
    let mut cards = Cards::start(&set, 1).unwrap();
    cards.insert(HOLDER, 1).unwrap();
    let (terminal, client) = (free_port().unwrap(), free_port().unwrap());
    let order = PortalOrder { terminal_port: Some(terminal), ..PortalOrder::default() };
    let portal = Portal::start_with(&set, order).unwrap();
    let holder = holder(HOLDER).unwrap();
    let order = AttendedOrder { port: client, language: "en", agreeing: Some(&holder), arguments: &[] };
    let attended = Attended::start(&cards, &set, order).unwrap();

    let mut session = BackEnd::begin(client, terminal).unwrap();
    let data = session.read(&["dg1", "dg2", "dg3", "dg4", "dg5"]).unwrap();
    assert_eq!(data["ID"], holder.person.personal_number.as_str());
    assert_eq!((&data["LA:_Given_name"], &data["Sex"]), (&"HANNA".into(), &"F".into()));
    let signed = session.sign("An invented order.").unwrap();
    assert!(signed.windows(18).any(|part| part == b"An invented order."), "the text is in the message");
    // As many as the sequences of the deployed pages have, with one call for each command of the terminal.
    assert_eq!(session.log_out().unwrap(), Calls { client: 42, terminal: 46 });

    attended.end().unwrap();
    let log = portal.stop().unwrap();
    assert!(!log.contains(&holder.person.personal_number), "the terminal's log has a personal number:\n{log}");
}
