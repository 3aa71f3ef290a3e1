//! Readers that are plugged in and unplugged, and services that do not do their work.

use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use latchkey_card::apdu::Header;
use latchkey_card::{CardChannel, ChannelError, Command};
use latchkey_reader::{
    CardPresence, CardReaders, Insertion, PcscOptions, PcscReaders, ReaderError, ReaderEvent, ReaderName, choose_card,
};

use crate::played_service::{PlayedCard, PlayedReader, PlayedService, Reception};
use crate::service::{PATIENCE, impatient, service_test};

fn reader(name: &'static str, count: u32, card: PlayedCard) -> PlayedReader {
    PlayedReader { name, count, card }
}

fn name(text: &str) -> ReaderName {
    ReaderName::parse(text).unwrap()
}

fn next(events: &Receiver<ReaderEvent>) -> ReaderEvent {
    events.recv_timeout(PATIENCE).unwrap()
}

fn next_insertion(events: &Receiver<ReaderEvent>, expected: &str) -> Insertion {
    match next(events) {
        ReaderEvent::CardInserted { reader, presence } if reader == name(expected) => presence.insertion().unwrap(),
        other => panic!("expected a card in {expected}, not {other:?}"),
    }
}

service_test! {
    fn readers_come_and_go_with_and_without_cards(socket) {
        let service = PlayedService::start(&socket, Reception::Friendly);
        let readers = PcscReaders::start(impatient()).unwrap();
        assert_eq!(readers.list(), Ok(vec![]));
        assert_eq!(choose_card(&readers.list().unwrap(), None), Err(ReaderError::NoReader));
        let events = readers.subscribe();
        assert_eq!(next(&events), ReaderEvent::ServiceUp);

        service.show(&[reader("A", 0, PlayedCard::Absent)]);
        assert_eq!(next(&events), ReaderEvent::ReaderAppeared(name("A")));

        service.show(&[reader("A", 0, PlayedCard::Absent), reader("B", 0, PlayedCard::Present)]);
        assert_eq!(next(&events), ReaderEvent::ReaderAppeared(name("B")));
        let first = next_insertion(&events, "B");

        service.show(&[reader("B", 0, PlayedCard::Present)]);
        assert_eq!(next(&events), ReaderEvent::ReaderVanished(name("A")));
        assert_eq!(choose_card(&readers.list().unwrap(), None).unwrap().insertion, first, "still the same");

        service.show(&[]);
        assert_eq!(next(&events), ReaderEvent::ReaderVanished(name("B")));
        assert_eq!(readers.connect(&name("B"), first).err(), Some(ReaderError::ReaderGone));

        service.show(&[reader("B", 0, PlayedCard::Present)]);
        assert_eq!(next(&events), ReaderEvent::ReaderAppeared(name("B")));
        assert_ne!(next_insertion(&events, "B"), first, "who knows where it has been");
        assert_eq!(readers.connect(&name("B"), first).err(), Some(ReaderError::CardRemoved));
    }
}

service_test! {
    fn a_mute_card_is_shown_and_not_connected_to(socket) {
        let service = PlayedService::start(&socket, Reception::Friendly);
        service.show(&[reader("A", 1, PlayedCard::Mute)]);
        let readers = PcscReaders::start(impatient()).unwrap();
        let list = readers.list().unwrap();
        let CardPresence::Mute { insertion } = list[0].presence else { panic!("{list:?}") };
        assert_eq!(choose_card(&list, None), Err(ReaderError::CardMute));
        assert_eq!(readers.connect(&name("A"), insertion).err(), Some(ReaderError::CardMute));

        // Turned round, it is another insertion.
        let events = readers.subscribe();
        service.show(&[reader("A", 3, PlayedCard::Present)]);
        assert_eq!(next(&events), ReaderEvent::ServiceUp);
        assert_eq!(next(&events), ReaderEvent::ReaderAppeared(name("A")));
        assert_eq!(next_insertion(&events, "A"), insertion);
        assert_eq!(next(&events), ReaderEvent::CardRemoved { reader: name("A"), insertion });
        assert_ne!(next_insertion(&events, "A"), insertion);
    }
}

service_test! {
    fn a_reader_unplugged_under_a_connection_is_gone(socket) {
        let service = PlayedService::start(&socket, Reception::Friendly);
        service.show(&[reader("A", 1, PlayedCard::Present)]);
        let readers = PcscReaders::start(impatient()).unwrap();
        let chosen = choose_card(&readers.list().unwrap(), None).unwrap();
        let mut connection = readers.connect(&chosen.reader, chosen.insertion).unwrap();
        connection.begin().unwrap().leave().unwrap();
        service.show(&[]);
        assert_eq!(connection.begin().err(), Some(ReaderError::ReaderGone));
        assert_eq!(connection.begin().err(), Some(ReaderError::ReaderGone), "for good");
    }
}

service_test! {
    fn what_the_service_refuses_has_its_cause(socket) {
        let service = PlayedService::start(&socket, Reception::Friendly);
        let readers = PcscReaders::start(impatient()).unwrap();
        for (count, (error, code)) in [
            (pcsc::Error::ProtoMismatch, "card-unsupported"),
            (pcsc::Error::UnresponsiveCard, "card-mute"),
            (pcsc::Error::SharingViolation, "card-busy"),
            (pcsc::Error::NoMemory, "service-fault"),
        ]
        .into_iter()
        .enumerate()
        {
            // A name of its own for each, so that the list shows which one the watch has seen.
            let name = ["A", "B", "C", "D"][count];
            let events = readers.subscribe();
            service.show(&[reader(name, 1, PlayedCard::Refused(error))]);
            let insertion = loop {
                match next(&events) {
                    ReaderEvent::CardInserted { reader, presence } if reader.to_string() == name => break presence,
                    _ => {}
                }
            };
            let refused = readers.connect(&ReaderName::parse(name).unwrap(), insertion.insertion().unwrap());
            assert_eq!(refused.err().map(|error| error.code()), Some(code), "{error:?}");
        }
    }
}

service_test! {
    fn a_fault_of_the_reader_is_told_and_the_card_stays(socket) {
        let service = PlayedService::start(&socket, Reception::Friendly);
        service.show(&[reader("A", 1, PlayedCard::Faulty(pcsc::Error::NotTransacted))]);
        let readers = PcscReaders::start(impatient()).unwrap();
        let chosen = choose_card(&readers.list().unwrap(), None).unwrap();
        let mut connection = readers.connect(&chosen.reader, chosen.insertion).unwrap();
        let mut transaction = connection.begin().unwrap();
        let command = Command::new(Header::new(0, 0xA4, 0, 0));
        assert_eq!(transaction.transmit(&command), Err(ChannelError::Transmission));
        transaction.reset().unwrap();
        assert!(connection.begin().is_ok());
    }
}

service_test! {
    fn a_card_swapped_before_the_watch_knows_is_not_connected_to(socket) {
        let service = PlayedService::start(&socket, Reception::Friendly);
        service.show(&[reader("A", 1, PlayedCard::Present)]);
        let readers = PcscReaders::start(impatient()).unwrap();
        let chosen = choose_card(&readers.list().unwrap(), None).unwrap();
        service.show(&[reader("A", 3, PlayedCard::Present)]);
        // Whether the watch has noticed or not.
        let refused = readers.connect(&chosen.reader, chosen.insertion);
        assert_eq!(refused.err(), Some(ReaderError::CardRemoved));
    }
}

service_test! {
    fn a_service_that_does_not_want_to_is_asked_again(socket) {
        is_asked_again(&PlayedService::start(&socket, Reception::TooBusy));
    }
}

service_test! {
    fn a_service_that_talks_nonsense_is_none(socket) {
        is_asked_again(&PlayedService::start(&socket, Reception::Nonsense));
    }
}

/// There is no service as long as this one does not receive anybody, and there is once it does.
fn is_asked_again(service: &PlayedService) {
    let readers = PcscReaders::start(impatient()).unwrap();
    let events = readers.subscribe();
    assert_eq!(readers.list(), Err(ReaderError::NoService));
    assert_eq!(next(&events), ReaderEvent::ServiceDown);
    service.receive(Reception::Friendly);
    assert_eq!(next(&events), ReaderEvent::ServiceUp);
}

service_test! {
    fn a_service_that_never_answers_hangs_nobody(socket) {
        let _service = PlayedService::start(&socket, Reception::Stuck);
        // To look at the readers is given up this early; the service answers nothing however long one waits.
        let options = PcscOptions { card_free_within: Duration::from_millis(200), ..impatient() };
        let readers = PcscReaders::start(options).unwrap();
        let since = Instant::now();
        assert_eq!(readers.list(), Err(ReaderError::NoService));
        assert_eq!(readers.connect(&name("A"), Insertion::new(1)).err(), Some(ReaderError::NoService));
        drop(readers);
        assert!(since.elapsed() < Duration::from_secs(10), "took {:?}", since.elapsed());
    }
}
