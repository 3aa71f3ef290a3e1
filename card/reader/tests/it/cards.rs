//! Connections, transactions, and everything that can go wrong with a card in the middle of them.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use latchkey_card::apdu::Header;
use latchkey_card::{CardChannel, ChannelError, Command, StatusWord};
use latchkey_reader::{CardConnection, CardReaders, Insertion, ReaderError};
use pcsc::{Context, Disposition, Protocols, Scope, ShareMode};

use crate::scripted_card::{ATR, Answer, Noticed, ScriptedCard};
use crate::service::{World, service_test};

/// A card in the first reader of a service, and its insertion.
fn world_with_card(
    socket: PathBuf,
    script: impl FnMut(&[u8]) -> Answer + Send + 'static,
) -> (World, ScriptedCard, Insertion) {
    let world = World::new(socket);
    let card = ScriptedCard::insert(world.port(0), script);
    let insertion = world.expect_card(0);
    (world, card, insertion)
}

fn connect(world: &World, insertion: Insertion) -> Box<dyn CardConnection> {
    world.readers.connect(&world.name(0), insertion).unwrap()
}

/// Another program's connection to the card in the first reader.
fn foreign_card(world: &World) -> pcsc::Card {
    let context = Context::establish(Scope::User).unwrap();
    context.connect(world.name(0).as_c_str(), ShareMode::Shared, Protocols::ANY).unwrap()
}

fn select() -> Command {
    Command::new(Header::new(0x00, 0xA4, 0x00, 0x0C)).with_data(&[0x3F, 0x00]).unwrap()
}

const SELECT: [u8; 7] = [0x00, 0xA4, 0x00, 0x0C, 0x02, 0x3F, 0x00];

fn agree(_: &[u8]) -> Answer {
    Answer::Octets(vec![0x90, 0x00])
}

service_test! {
    fn commands_reach_the_card_and_answers_come_back(socket) {
        let (world, card, insertion) = world_with_card(socket, |command| {
            let mut answer = command.to_vec();
            answer.extend([0x90, 0x00]);
            Answer::Octets(answer)
        });
        let mut connection = connect(&world, insertion);
        assert_eq!((connection.insertion(), connection.atr().octets()), (insertion, ATR.as_slice()));

        let mut transaction = connection.begin().unwrap();
        let response = transaction.transmit(&select()).unwrap();
        assert_eq!((response.data(), response.status()), (SELECT.as_slice(), StatusWord::SUCCESS));
        let long = Command::new(Header::new(0x00, 0xD6, 0, 0)).with_data(&[0x5A; 65_000]).unwrap();
        let long = long.expecting(65_536).unwrap();
        assert_eq!(transaction.transmit(&long).unwrap().data(), &long.to_octets()[..]);
        transaction.reset().unwrap();
        card.wait_for(&Noticed::Reset);
    }
}

service_test! {
    fn every_session_ends_with_a_reset(socket) {
        let (world, card, insertion) = world_with_card(socket, agree);
        type Session = fn(&mut dyn CardConnection) -> Result<(), ReaderError>;
        let sessions: [(&str, Session); 4] = [
            ("reset at the end of the transaction", |connection| connection.begin()?.reset()),
            ("dropped in the middle of a transaction", |connection| {
                let mut transaction = connection.begin()?;
                transaction.transmit(&select())?;
                Ok(())
            }),
            ("an error in the middle of a transaction", |connection| {
                let mut transaction = connection.begin()?;
                transaction.transmit(&select())?;
                Err(ReaderError::MalformedResponse)
            }),
            ("left, and the person went away", |connection| {
                let mut transaction = connection.begin()?;
                transaction.transmit(&select())?;
                transaction.leave()
            }),
        ];
        for (case, session) in sessions {
            let mut connection = connect(&world, insertion);
            session(connection.as_mut()).ok();
            drop(connection);
            let noticed = card.noticed();
            let resets = noticed.iter().filter(|noticed| **noticed == Noticed::Reset).count();
            assert_eq!(resets, 1, "{case}: {noticed:?}");
            assert_ne!(noticed.last(), Some(&Noticed::Command(SELECT.to_vec())), "{case}");
        }

        // Nothing was said: nothing to undo, and another program's work with the card is not disturbed.
        drop(connect(&world, insertion));
        assert!(!card.noticed().contains(&Noticed::Reset));
    }
}

service_test! {
    fn our_own_reset_is_not_taken_for_a_foreign_one(socket) {
        let (world, card, insertion) = world_with_card(socket, agree);
        let mut connection = connect(&world, insertion);
        for _ in 0..3 {
            let mut transaction = connection.begin().unwrap();
            transaction.transmit(&select()).unwrap();
            transaction.reset().unwrap();
            card.wait_for(&Noticed::Reset);
            let mut transaction = connection.begin().unwrap();
            transaction.transmit(&select()).unwrap();
            transaction.leave().unwrap();
        }
    }
}

service_test! {
    fn a_foreign_reset_is_told_once_and_healed(socket) {
        let (world, _card, insertion) = world_with_card(socket, agree);
        let mut connection = connect(&world, insertion);
        let mut transaction = connection.begin().unwrap();
        transaction.transmit(&select()).unwrap();
        transaction.leave().unwrap();

        type Foreign = fn(pcsc::Card) -> pcsc::Card;
        let ways: [(&str, Foreign); 2] = [
            ("by reconnecting", |mut card| {
                card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::ResetCard).unwrap();
                card
            }),
            ("by the end of a transaction", |mut card| {
                card.transaction().unwrap().end(Disposition::ResetCard).map_err(|(_, error)| error).unwrap();
                card
            }),
        ];
        let mut foreign = foreign_card(&world);
        for (case, reset) in ways {
            foreign = reset(foreign);
            assert_eq!(connection.begin().err(), Some(ReaderError::CardReset), "{case}");
            let mut transaction = connection.begin().unwrap();
            assert!(transaction.transmit(&select()).unwrap().status().is_success(), "{case}");
            transaction.leave().unwrap();
        }
        foreign.disconnect(Disposition::UnpowerCard).map_err(|(_, error)| error).unwrap();
        assert_eq!(connection.begin().err(), Some(ReaderError::CardReset), "by switching it off");
        assert!(connection.begin().unwrap().transmit(&select()).is_ok());
    }
}

service_test! {
    fn a_foreign_transaction_is_waited_for_but_not_for_ever(socket) {
        let (world, _card, insertion) = world_with_card(socket, agree);
        let mut connection = connect(&world, insertion);
        let mut foreign = foreign_card(&world);

        let held = foreign.transaction().unwrap();
        let since = Instant::now();
        assert_eq!(connection.begin().err(), Some(ReaderError::CardBusy));
        assert!(since.elapsed() >= Duration::from_secs(2));
        assert_eq!(connection.begin().err(), Some(ReaderError::CardBusy), "such a connection is given up");
        assert_eq!(world.readers.connect(&world.name(0), insertion).err(), Some(ReaderError::CardBusy));
        drop(connection);
        held.end(Disposition::LeaveCard).map_err(|(_, error)| error).unwrap();

        // The connections that were given up release the card as soon as they get it.
        let mut connection = connect(&world, insertion);
        let waits = std::thread::scope(|scope| {
            let held = foreign.transaction().unwrap();
            let waits = scope.spawn(move || connection.begin().map(|transaction| transaction.leave().is_ok()));
            held.end(Disposition::LeaveCard).map_err(|(_, error)| error).unwrap();
            waits.join().unwrap()
        });
        assert_eq!(waits, Ok(true), "one that ends in time is only waited for");
    }
}

service_test! {
    fn while_a_person_thinks_others_may_use_the_card(socket) {
        let (world, _card, insertion) = world_with_card(socket, agree);
        let mut connection = connect(&world, insertion);
        connection.begin().unwrap().leave().unwrap();
        let mut foreign = foreign_card(&world);
        foreign.transaction().unwrap().end(Disposition::LeaveCard).map_err(|(_, error)| error).unwrap();
        assert!(connection.begin().is_ok(), "which is no reset");
    }
}

service_test! {
    fn a_card_pulled_out_while_it_works_is_removed(socket) {
        let (world, _card, insertion) = world_with_card(socket, |_| Answer::Pull);
        let mut connection = connect(&world, insertion);
        let mut transaction = connection.begin().unwrap();
        assert_eq!(transaction.transmit(&select()), Err(ChannelError::CardRemoved));
        assert_eq!(transaction.transmit(&select()), Err(ChannelError::CardRemoved));
        drop(transaction);
        assert_eq!(connection.begin().err(), Some(ReaderError::CardRemoved));
        world.expect_removal(0, insertion);
        assert_eq!(world.readers.connect(&world.name(0), insertion).err(), Some(ReaderError::CardRemoved));
    }
}

service_test! {
    fn a_card_pulled_out_between_commands_is_removed(socket) {
        let (world, card, insertion) = world_with_card(socket, agree);
        let mut connection = connect(&world, insertion);
        let mut transaction = connection.begin().unwrap();
        transaction.transmit(&select()).unwrap();
        card.pull();
        assert_eq!(transaction.transmit(&select()), Err(ChannelError::CardRemoved));
    }
}

service_test! {
    fn a_card_that_was_swapped_is_not_talked_to(socket) {
        let (world, card, insertion) = world_with_card(socket, agree);
        let mut connection = connect(&world, insertion);
        connection.begin().unwrap().leave().unwrap();
        card.pull();
        world.expect_removal(0, insertion);
        let other = ScriptedCard::insert_agreeable(world.port(0));
        let inserted = world.expect_card(0);

        // Another program's reset must not make us forget the removal.
        foreign_card(&world).disconnect(Disposition::ResetCard).map_err(|(_, error)| error).unwrap();
        assert_eq!(connection.begin().err(), Some(ReaderError::CardRemoved));
        assert_eq!(world.readers.connect(&world.name(0), insertion).err(), Some(ReaderError::CardRemoved));
        drop(connection);
        assert!(!other.noticed().iter().any(|noticed| matches!(noticed, Noticed::Command(_))));

        assert!(connect(&world, inserted).begin().unwrap().transmit(&select()).is_ok());
    }
}

service_test! {
    fn a_card_that_never_answers_is_given_up(socket) {
        let (world, card, insertion) = world_with_card(socket, |_| Answer::Silence);
        let mut connection = connect(&world, insertion);
        let mut transaction = connection.begin().unwrap();
        let since = Instant::now();
        assert_eq!(transaction.transmit(&select()), Err(ChannelError::CardSilent));
        assert!(since.elapsed() >= Duration::from_secs(2));
        drop(transaction);
        assert_eq!(connection.begin().err(), Some(ReaderError::CardSilent));
        drop(connection);
        assert!(since.elapsed() < Duration::from_secs(4), "nothing else waits for it: {:?}", since.elapsed());

        // The other reader works on, and so does this one after the card is gone.
        let _other = ScriptedCard::insert_agreeable(world.port(1));
        world.expect_card(1);
        card.pull();
        world.expect_removal(0, insertion);
        let _card = ScriptedCard::insert_agreeable(world.port(0));
        let insertion = world.expect_card(0);
        assert!(connect(&world, insertion).begin().unwrap().transmit(&select()).is_ok());
    }
}

service_test! {
    fn a_card_that_spins_out_its_answer_is_given_up(socket) {
        let (world, _card, insertion) = world_with_card(socket, |_| {
            std::thread::sleep(Duration::from_millis(300));
            Answer::Octets(vec![0x00, 0x61, 0x01])
        });
        let mut connection = connect(&world, insertion);
        let since = Instant::now();
        assert_eq!(connection.begin().unwrap().transmit(&select()), Err(ChannelError::CardSilent));
        assert!(since.elapsed() < Duration::from_secs(10), "took {:?}", since.elapsed());
    }
}

service_test! {
    fn answers_that_are_no_responses_are_refused_and_the_card_is_reset(socket) {
        let (world, card, insertion) = world_with_card(socket, {
            let mut answers = vec![vec![0x90], [vec![0; 257], vec![0x90, 0x00]].concat(), vec![0x61, 0x10]];
            answers.reverse();
            move |_| Answer::Octets(answers.pop().unwrap_or(vec![0x61, 0x00]))
        });
        let mut connection = connect(&world, insertion);
        for case in ["too short", "longer than a short command can ask for", "more is announced for ever"] {
            let mut transaction = connection.begin().unwrap();
            assert_eq!(transaction.transmit(&select()), Err(ChannelError::MalformedResponse), "{case}");
            drop(transaction);
            card.wait_for(&Noticed::Reset);
        }
    }
}

service_test! {
    fn a_service_that_dies_under_a_dialogue_is_gone(socket) {
        let (mut world, card, insertion) = world_with_card(socket, agree);
        let mut connection = connect(&world, insertion);
        let mut transaction = connection.begin().unwrap();
        transaction.transmit(&select()).unwrap();
        world.service.kill().unwrap();
        assert_eq!(transaction.transmit(&select()), Err(ChannelError::ServiceGone));
        drop(transaction);
        assert_eq!(connection.begin().err(), Some(ReaderError::NoService));
        drop((connection, card));
    }
}

service_test! {
    fn two_cards_are_talked_to_at_once(socket) {
        let world = World::new(socket);
        let answer = |octet| move |_: &[u8]| Answer::Octets(vec![octet, 0x90, 0x00]);
        let _first = ScriptedCard::insert(world.port(0), answer(1));
        let first = world.expect_card(0);
        let _second = ScriptedCard::insert(world.port(1), answer(2));
        let second = world.expect_card(1);
        let mut to_first = world.readers.connect(&world.name(0), first).unwrap();
        let mut to_second = world.readers.connect(&world.name(1), second).unwrap();
        let (mut first, mut second) = (to_first.begin().unwrap(), to_second.begin().unwrap());
        for _ in 0..3 {
            assert_eq!(first.transmit(&select()).unwrap().data(), [1]);
            assert_eq!(second.transmit(&select()).unwrap().data(), [2]);
        }
    }
}
