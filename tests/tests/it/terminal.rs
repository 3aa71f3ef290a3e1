//! A back end of the kind that is deployed, a terminal and a card, each a program of its own: with a real card service, and
//! a person who agrees at a terminal.

use std::collections::BTreeSet;
use std::path::PathBuf;

use latchkey_tests::deployed::{Attended, AttendedOrder, BackEnd, Calls, Line, SITE};
use latchkey_tests::desktop::memory::{traces_of_data_in, traces_of_data_in_memory};
use latchkey_tests::stage::{Cards, Portal, PortalOrder, SampleSet, free_port, holder};

use crate::recording::commands_in;
use crate::ticket_request::ticket_request;

const HOLDER: &str = "hanna-vydumanaya";
/// His card is of the deployed model.
const DEPLOYED: &str = "kiryl-raspausiudzany";

/// Card service, terminal and client program, each a process of its own, and a holder who agrees.
struct Stage {
    attended: Attended,
    portal: Portal,
    cards: Cards,
    set: SampleSet,
    client: u16,
    terminal: u16,
    recording: PathBuf,
}

impl Stage {
    fn set(card: &str) -> Self {
        let set = SampleSet::write().unwrap();
        let mut cards = Cards::start(&set, 1).unwrap();
        cards.insert(card, 1).unwrap();
        let (terminal, client) = (free_port().unwrap(), free_port().unwrap());
        let order = PortalOrder { terminal_port: Some(terminal), ..PortalOrder::default() };
        let portal = Portal::start_with(&set, order).unwrap();
        let (holder, recording) = (holder(card).unwrap(), set.path().join("session.txt"));
        let arguments = ["-vv", "--record", recording.to_str().unwrap()];
        let order = AttendedOrder { port: client, language: "en", agreeing: Some(&holder), arguments: &arguments };
        let attended = Attended::start(&cards, &set, order).unwrap();
        Self { attended, portal, cards, set, client, terminal, recording }
    }

    /// Ends everything; gives what was recorded of the card, what the client program has shown, and the terminal's log.
    fn end(self) -> (String, String, String) {
        let shown = self.attended.end().unwrap();
        (std::fs::read_to_string(self.recording).unwrap(), shown, self.portal.stop().unwrap())
    }
}

/// As many calls as the sequences of the deployed pages have, with one for each command of the terminal. A card of the
/// deployed model is recognised, opened with the CAN and confirmed with its second PIN besides; its groups are fewer files.
#[test]
fn a_back_end_has_a_card_read_and_sign_through_client_and_terminal() {
    for (card, calls, commands) in
        [(HOLDER, Calls { client: 42, terminal: 46 }, 50), (DEPLOYED, Calls { client: 39, terminal: 43 }, 63)]
    {
        let stage = Stage::set(card);
        let person = holder(card).unwrap().person;
        let mut session = BackEnd::begin(stage.client, stage.terminal).unwrap();
        let data = session.read(&["dg1", "dg2", "dg3", "dg4", "dg5"]).unwrap();
        assert_eq!(data["ID"], person.personal_number.as_str());
        assert_eq!(data["LA:_Given_name"], person.given_name.latin.as_str());
        let signed = session.sign("An invented order.").unwrap();
        assert!(signed.windows(18).any(|part| part == b"An invented order."), "the text is in the message");
        assert_eq!(session.log_out().unwrap(), calls, "{card}");
        let (recording, _, log) = stage.end();
        assert!(!log.contains(&person.personal_number), "the terminal's log has a personal number:\n{log}");
        assert_eq!(commands_in(&recording), commands, "{card}: {recording}");
    }
}

/// The standard's ticket flow, for a page whose relying party has signed what it wants.
#[test]
fn a_page_is_issued_a_ticket_over_what_its_request_names() {
    let stage = Stage::set(HOLDER);
    let mut session = BackEnd::on(Line::to(stage.client, stage.terminal).from_page(SITE));
    session.authenticate_for(&ticket_request(&stage.set, &[4, 5, 7], &[8, 11]).unwrap()).unwrap();
    let ticket = session.ticket().unwrap();
    let number = holder(HOLDER).unwrap().person.personal_number;
    assert!(ticket.windows(number.len()).any(|part| part == number.as_bytes()), "the number is in the ticket");
    assert_eq!(session.log_out().unwrap(), Calls { client: 15, terminal: 18 });
    let (recording, ..) = stage.end();
    assert_eq!(commands_in(&recording), 23, "{recording}");
}

/// The client program passes on what it cannot read: while the terminal's channel is open, and after everything was read,
/// it has nothing of the holder's data, neither in its memory nor in what it says, logs or records.
#[test]
fn the_client_program_never_has_what_the_terminal_reads() {
    let stage = Stage::set(HOLDER);
    let mut session = BackEnd::begin(stage.client, stage.terminal).unwrap();
    let read = session.read(&["dg1", "dg2", "dg3", "dg4", "dg5"]).unwrap();
    let pieces = stage.set.personal_data(HOLDER).unwrap();
    let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
    for name in ["BE:_Family_name", "RU:_Given_name", "LA:_Family_name", "ID"] {
        let value = read[name].as_str().unwrap().as_bytes();
        assert!(pieces.iter().any(|piece| piece.windows(value.len()).any(|part| part == value)), "{name} was read");
    }
    if rustix::process::getuid().is_root() {
        let client = stage.attended.id();
        assert_eq!(traces_of_data_in_memory(client, &pieces).unwrap(), BTreeSet::new());
        // What is there is found: the site in the client's memory, the data in that of the card.
        assert!(!traces_of_data_in_memory(client, &[SITE.as_bytes()]).unwrap().is_empty());
        let in_card = traces_of_data_in_memory(stage.cards.player().unwrap(), &pieces).unwrap();
        let found: BTreeSet<_> = in_card.iter().map(|trace| trace.secret).collect();
        assert_eq!(found.len(), pieces.len(), "of {} pieces the card has {found:?}", pieces.len());
    }
    session.sign("An invented order.").unwrap();
    let said = session.line().said_by_client().to_owned();
    session.log_out().unwrap();
    let (recorded, shown, log) = stage.end();
    for (what, told, is_there) in
        [("log", &shown, "Answer("), ("answers", &said, "card_response"), ("recording", &recorded, ">> 04 B0")]
    {
        assert!(told.contains(is_there), "the {what}:\n{told}");
        assert_eq!(traces_of_data_in(told.as_bytes(), &pieces).unwrap(), BTreeSet::new(), "the {what}:\n{told}");
    }
    assert_eq!(traces_of_data_in(log.as_bytes(), &pieces).unwrap(), BTreeSet::new(), "the terminal's log:\n{log}");
}
