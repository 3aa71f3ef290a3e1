//! The service, readers and cards come and go.

use std::time::{Duration, Instant};

use latchkey_fixtures::pcscd::{PcscdOptions, PrivatePcscd};
use latchkey_reader::{CardPresence, CardReaders, Insertion, PcscReaders, ReaderError, ReaderEvent, choose_card};

use crate::scripted_card::{ATR, Answer, OTHER_ATR, ScriptedCard};
use crate::service::{World, impatient, service_test};

service_test! {
    fn insertions_and_removals_are_told_in_order(socket) {
        let world = World::new(socket);

        let card = ScriptedCard::insert_agreeable(world.port(0));
        let first = world.expect_card(0);
        assert_eq!(world.presence(0).insertion(), Some(first));
        assert_eq!(world.presence(1), CardPresence::Absent);
        card.pull();
        world.expect_removal(0, first);
        assert_eq!(world.presence(0), CardPresence::Absent);

        let card = ScriptedCard::insert_agreeable(world.port(0));
        let second = world.expect_card(0);
        assert_ne!(first, second, "the same card inserted again is another insertion");
        card.pull();
        world.expect_removal(0, second);
    }
}

service_test! {
    fn a_new_subscriber_first_hears_what_is_there(socket) {
        let world = World::new(socket);
        let _card = ScriptedCard::insert_agreeable(world.port(1));
        let insertion = world.expect_card(1);

        let late = World { events: world.readers.subscribe(), ..world };
        assert_eq!(late.event(), ReaderEvent::ServiceUp);
        assert_eq!(late.event(), ReaderEvent::ReaderAppeared(late.name(0)));
        assert_eq!(late.event(), ReaderEvent::ReaderAppeared(late.name(1)));
        assert_eq!(late.expect_card(1), insertion);
        assert!(late.events.try_recv().is_err(), "and nothing else");
    }
}

service_test! {
    fn two_cards_in_two_readers_are_told_apart_and_never_guessed(socket) {
        let world = World::new(socket);
        let _first = ScriptedCard::insert_agreeable(world.port(0));
        let in_first = world.expect_card(0);
        let _second = ScriptedCard::insert_with_atr(world.port(1), &OTHER_ATR, |_| Answer::Silence);
        let in_second = world.expect_card(1);

        let list = world.readers.list().unwrap();
        assert_eq!(choose_card(&list, None), Err(ReaderError::SeveralCards { count: 2 }));
        let chosen = choose_card(&list, Some(&world.name(1))).unwrap();
        assert_eq!((chosen.insertion, chosen.atr.octets()), (in_second, OTHER_ATR.as_slice()));
        let chosen = choose_card(&list, Some(&world.name(0))).unwrap();
        assert_eq!((chosen.insertion, chosen.atr.octets()), (in_first, ATR.as_slice()));
    }
}

service_test! {
    fn sixteen_readers_are_watched(socket) {
        let world = World::with(PcscdOptions { readers: 16, socket: Some(socket) });
        let _card = ScriptedCard::insert_agreeable(world.port(15));
        world.expect_card(15);
        assert_eq!(world.readers.list().unwrap().len(), 16);
    }
}

service_test! {
    fn the_service_may_come_late_be_killed_and_come_back(socket) {
        let readers = PcscReaders::start(impatient()).unwrap();
        assert_eq!(readers.list(), Err(ReaderError::NoService));
        let events = readers.subscribe();
        let service = PrivatePcscd::start_with(PcscdOptions { readers: 2, socket: Some(socket) });
        let mut world = World { service: service.unwrap(), readers, events };
        assert_eq!(world.event(), ReaderEvent::ServiceDown);
        world.expect_service();
        let card = ScriptedCard::insert_agreeable(world.port(0));
        let before = world.expect_card(0);

        world.service.kill().unwrap();
        assert_eq!(world.event(), ReaderEvent::ServiceDown);
        assert_eq!(world.readers.list(), Err(ReaderError::NoService));
        let refused = world.readers.connect(&world.name(0), before);
        assert_eq!(refused.err(), Some(ReaderError::NoService));
        card.pull();

        for _ in 0..2 {
            world.service.restart().unwrap();
            if world.events.try_recv() == Ok(ReaderEvent::ServiceDown) {
                panic!("down was told twice");
            }
            world.expect_service();
            let card = ScriptedCard::insert_agreeable(world.port(0));
            let after = world.expect_card(0);
            assert_ne!(before, after);
            let gone = world.readers.connect(&world.name(0), before);
            assert_eq!(gone.err(), Some(ReaderError::CardRemoved));
            assert!(world.readers.connect(&world.name(0), after).is_ok());
            world.service.kill().unwrap();
            card.pull();
            assert_eq!(world.event(), ReaderEvent::ServiceDown);
        }
    }
}

service_test! {
    fn a_service_is_noticed_even_if_its_folder_comes_with_it(socket) {
        let folder = socket.parent().unwrap().to_owned();
        std::fs::remove_dir(&folder).unwrap();
        let readers = PcscReaders::start(impatient()).unwrap();
        assert_eq!(readers.list(), Err(ReaderError::NoService));
        let events = readers.subscribe();
        assert_eq!(events.recv(), Ok(ReaderEvent::ServiceDown));
        std::fs::create_dir(&folder).unwrap();
        let service = PrivatePcscd::start_with(PcscdOptions { readers: 1, socket: Some(socket) }).unwrap();
        World { service, readers, events }.expect_service();
    }
}

service_test! {
    fn without_a_service_nothing_hangs(_socket) {
        let readers = PcscReaders::start(impatient()).unwrap();
        assert_eq!(readers.list(), Err(ReaderError::NoService));
        assert_eq!(readers.subscribe().recv(), Ok(ReaderEvent::ServiceDown));
        let nowhere = latchkey_reader::ReaderName::parse("nowhere").unwrap();
        assert_eq!(readers.connect(&nowhere, Insertion::new(1)).err(), Some(ReaderError::NoService));
        assert_stops(readers);
    }
}

service_test! {
    fn the_watch_stops_at_once_in_its_wait(socket) {
        let World { service, readers, events } = World::new(socket);
        assert_stops(readers);
        assert!(events.recv().is_err(), "nothing more is told");
        drop(service);
    }
}

fn assert_stops(readers: PcscReaders) {
    let since = Instant::now();
    drop(readers);
    assert!(since.elapsed() < Duration::from_secs(2), "took {:?}", since.elapsed());
}

service_test! {
    fn readers_may_vanish_before_the_service_does(socket) {
        let mut world = World::new(socket);
        let _card = ScriptedCard::insert_agreeable(world.port(0));
        let insertion = world.expect_card(0);
        world.service.stop().unwrap();
        loop {
            match world.event() {
                ReaderEvent::ReaderVanished(name) => assert!(name == world.name(0) || name == world.name(1)),
                ReaderEvent::CardRemoved { insertion: removed, .. } => assert_eq!(removed, insertion),
                ReaderEvent::ServiceDown => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(world.readers.list(), Err(ReaderError::NoService));
        world.service.restart().unwrap();
        world.expect_service();
    }
}

service_test! {
    fn a_card_held_exclusively_is_shown_as_such(socket) {
        let world = World::new(socket);
        let _card = ScriptedCard::insert_agreeable(world.port(0));
        let insertion = world.expect_card(0);
        let name = world.name(0);
        let foreign = pcsc::Context::establish(pcsc::Scope::User).unwrap();
        let held = foreign.connect(name.as_c_str(), pcsc::ShareMode::Exclusive, pcsc::Protocols::ANY).unwrap();
        assert_eq!(world.readers.connect(&name, insertion).err(), Some(ReaderError::CardBusy));

        // pcsc-lite does not tell when a card is taken: a first look shows it.
        let readers = PcscReaders::start(impatient()).unwrap();
        let list = readers.list().unwrap();
        let later = World { events: readers.subscribe(), readers, service: world.service };
        assert_eq!(choose_card(&list, None), Err(ReaderError::CardBusy));
        later.expect_service_with_card(|presence| matches!(presence, CardPresence::InUseExclusively { .. }));

        drop(held);
        match later.event() {
            ReaderEvent::CardChanged { presence: CardPresence::Present { insertion, .. }, .. } => {
                assert!(later.readers.connect(&name, insertion).is_ok());
            }
            other => panic!("{other:?}"),
        }
    }
}
