//! Readers of the test's own making with virtual cards in them: what happens to a card is recorded, and cards and readers
//! have the faults of their profiles.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, mpsc};
use std::time::Duration;

use latchkey_card::{CardChannel, ChannelError, Command, Response};
use latchkey_fixtures::card_image::CardImage;
use latchkey_fixtures::faults::{Exchanged, FaultProfile, FaultyCard};
use latchkey_fixtures::holders::{
    Holder, deployed_holders, issue_card, issue_deployed_card, sample_holders, sample_pki,
};
use latchkey_fixtures::random::Seeded;
use latchkey_fixtures::scripted::ScriptedChannel;
use latchkey_fixtures::store::{CardMemory, CardStore, InProcess};
use latchkey_fixtures::vcard::VirtualCard;
use latchkey_fixtures::vcard::automaton::PinState;
use latchkey_reader::{
    Atr, CardAfter, CardConnection, CardPresence, CardReaders, CardTransaction, Insertion, OpenTransaction,
    ReaderError, ReaderEvent, ReaderName, ReaderState,
};
use time::OffsetDateTime;
use time::macros::datetime;

/// When all this happens.
pub(crate) const NOW: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);

/// After how long a reader gives a card up.
const CARD_ANSWERS_WITHIN: Duration = Duration::from_secs(20);

/// What happened at a desk, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// A transaction began.
    Begun,
    /// A command reached a card: its instruction.
    Command(u8),
    /// A transaction ended.
    Ended(CardAfter),
    /// A connection was given up and its card reset.
    ResetByDrop,
    /// The holder was asked.
    Asked(latchkey_agent::SecretKind),
}

/// What plays a card.
pub(crate) trait Played: Send {
    fn exchange(&mut self, command: &[u8]) -> Exchanged;
    fn reset(&mut self);
}

/// Readers on a desk. Clones are the same desk.
#[derive(Clone, Default)]
pub(crate) struct Desk(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    slots: Vec<Slot>,
    insertions: u64,
    events: Vec<Event>,
    in_transaction: bool,
    protected: Vec<bool>,
    subscribers: Vec<mpsc::Sender<ReaderEvent>>,
    service_is_down: bool,
    is_mute: bool,
    refuses_connections: Option<ReaderError>,
}

struct Slot {
    name: ReaderName,
    card: Option<InsertedCard>,
}

struct InsertedCard {
    insertion: Insertion,
    played: Box<dyn Played>,
    foreign_resets: u64,
}

/// The memory of a card, which outlives its stay in a reader.
#[derive(Clone)]
pub(crate) struct HolderCard {
    pub(crate) image: CardImage,
    pub(crate) memory: InProcess,
}

impl HolderCard {
    pub(crate) fn of(holder: &str) -> Self {
        static IMAGES: OnceLock<Vec<CardImage>> = OnceLock::new();
        let images = IMAGES.get_or_init(|| {
            let pki = sample_pki(NOW).unwrap();
            let standard = sample_holders().into_iter().map(|holder| issue_card(&pki, &holder, NOW));
            let deployed = deployed_holders().into_iter().map(|holder| issue_deployed_card(&pki, &holder, NOW));
            standard.chain(deployed).collect::<Result<_, _>>().unwrap()
        });
        let image = images.iter().find(|image| image.name.as_str() == holder).unwrap().clone();
        Self { image, memory: InProcess::default() }
    }

    /// How many tries of the second PIN are left, on a card that has one.
    pub(crate) fn pin2_tries(&self) -> Option<u8> {
        let memory = self.memory.clone().load().unwrap().unwrap_or_else(|| CardMemory::at_birth(&self.image));
        memory.pin2.map(|pin2| pin2.tries_left)
    }

    /// The state of the PIN that the card remembers.
    pub(crate) fn pin_state(&self) -> PinState {
        self.memory.clone().load().unwrap().map_or(self.image.pin_state, |memory| memory.pin_state)
    }

    pub(crate) fn powered_up(&self) -> VirtualCard {
        let random = Box::new(Seeded::new("a card in a test"));
        VirtualCard::new(self.image.clone(), Box::new(self.memory.clone()), random).unwrap()
    }
}

pub(crate) fn holder(id: &str) -> Holder {
    sample_holders().into_iter().chain(deployed_holders()).find(|holder| holder.id == id).unwrap()
}

impl Played for FaultyCard {
    fn exchange(&mut self, command: &[u8]) -> Exchanged {
        Self::exchange(self, command)
    }

    fn reset(&mut self) {
        self.card_mut().reset();
    }
}

/// A card that follows a dialogue; whoever keeps a clone can say that it was held to its end.
impl Played for Arc<Mutex<ScriptedChannel>> {
    fn exchange(&mut self, command: &[u8]) -> Exchanged {
        match self.lock().unwrap().transmit(&Command::parse(command).unwrap()) {
            Ok(response) => Exchanged::Answered(response.to_octets().to_vec(), Duration::ZERO),
            Err(error) => Exchanged::ReaderFailed(error),
        }
    }

    fn reset(&mut self) {
        self.lock().unwrap().reset();
    }
}

/// A card that knows one application and refuses everything else.
pub(crate) struct OneApplication(pub(crate) &'static [u8]);

impl Played for OneApplication {
    fn exchange(&mut self, command: &[u8]) -> Exchanged {
        let command = Command::parse(command).unwrap();
        let is_known = command.header().ins == 0xA4 && command.data() == self.0;
        Exchanged::Answered(if is_known { vec![0x90, 0x00] } else { vec![0x6A, 0x82] }, Duration::ZERO)
    }

    fn reset(&mut self) {}
}

impl Desk {
    /// A desk with one reader and this card in it.
    pub(crate) fn with(card: &HolderCard) -> Self {
        let desk = Self::default();
        desk.plug_in("Reader");
        desk.insert("Reader", card);
        desk
    }

    pub(crate) fn plug_in(&self, reader: &str) {
        let name = ReaderName::parse(reader).unwrap();
        let mut state = self.state();
        state.slots.push(Slot { name: name.clone(), card: None });
        state.publish(&ReaderEvent::ReaderAppeared(name));
    }

    /// A desk with one reader and in it this card with these faults, among them being swapped for the `other`.
    pub(crate) fn with_faults(card: &HolderCard, faults: FaultProfile, other: &HolderCard) -> Self {
        let desk = Self::default();
        desk.plug_in("Reader");
        let faulty = FaultyCard::new(card.powered_up(), faults, [other.powered_up()]).unwrap();
        desk.insert_played("Reader", Box::new(faulty));
        desk
    }

    pub(crate) fn insert(&self, reader: &str, card: &HolderCard) {
        self.insert_played(reader, Box::new(FaultyCard::from(card.powered_up())));
    }

    pub(crate) fn insert_played(&self, reader: &str, played: Box<dyn Played>) {
        self.state().insert(&ReaderName::parse(reader).unwrap(), played);
    }

    pub(crate) fn pull(&self, reader: &str) {
        self.state().pull(&ReaderName::parse(reader).unwrap());
    }

    /// Another program resets the card.
    pub(crate) fn foreign_reset(&self, reader: &str) {
        let name = ReaderName::parse(reader).unwrap();
        let mut state = self.state();
        let card = state.slot(&name).card.as_mut().unwrap();
        card.foreign_resets += 1;
        card.played.reset();
    }

    /// Another program does something with the card without anyone being told.
    pub(crate) fn behind_our_back(&self, reader: &str, act: impl FnOnce(&mut dyn Played)) {
        let name = ReaderName::parse(reader).unwrap();
        act(&mut *self.state().slot(&name).card.as_mut().unwrap().played);
    }

    /// The cards of this desk do not answer to a reset.
    pub(crate) fn strike_mute(&self) {
        self.state().is_mute = true;
    }

    /// No card can be connected to.
    pub(crate) fn refuse_connections(&self, error: ReaderError) {
        self.state().refuses_connections = Some(error);
    }

    pub(crate) fn stop_service(&self) {
        let mut state = self.state();
        state.service_is_down = true;
        state.publish(&ReaderEvent::ServiceDown);
    }

    pub(crate) fn record(&self, event: Event) {
        self.state().events.push(event);
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.state().events.clone()
    }

    /// The instructions that reached a card.
    pub(crate) fn instructions(&self) -> Vec<u8> {
        let sent = |event: &Event| if let Event::Command(instruction) = event { Some(*instruction) } else { None };
        self.state().events.iter().filter_map(sent).collect()
    }

    pub(crate) fn has_card(&self, reader: &str) -> bool {
        let name = ReaderName::parse(reader).unwrap();
        self.state().slot(&name).card.is_some()
    }

    /// Of every command that reached a card, whether it was protected.
    pub(crate) fn protected(&self) -> Vec<bool> {
        self.state().protected.clone()
    }

    pub(crate) fn is_in_transaction(&self) -> bool {
        self.state().in_transaction
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    fn slot(&mut self, name: &ReaderName) -> &mut Slot {
        self.slots.iter_mut().find(|slot| slot.name == *name).unwrap()
    }

    fn card(&mut self, name: &ReaderName, insertion: Insertion) -> Option<&mut InsertedCard> {
        self.slot(name).card.as_mut().filter(|card| card.insertion == insertion)
    }

    fn insert(&mut self, reader: &ReaderName, played: Box<dyn Played>) {
        self.insertions += 1;
        let insertion = Insertion::new(self.insertions);
        self.slot(reader).card = Some(InsertedCard { insertion, played, foreign_resets: 0 });
        let presence = CardPresence::Present { insertion, atr: atr() };
        self.publish(&ReaderEvent::CardInserted { reader: reader.clone(), presence });
    }

    fn pull(&mut self, reader: &ReaderName) {
        if let Some(card) = self.slot(reader).card.take() {
            self.publish(&ReaderEvent::CardRemoved { reader: reader.clone(), insertion: card.insertion });
        }
    }

    fn publish(&mut self, event: &ReaderEvent) {
        self.subscribers.retain(|subscriber| subscriber.send(event.clone()).is_ok());
    }
}

impl CardReaders for Desk {
    fn list(&self) -> Result<Vec<ReaderState>, ReaderError> {
        let state = self.state();
        if state.service_is_down {
            return Err(ReaderError::NoService);
        }
        let presence = |slot: &Slot| match &slot.card {
            None => CardPresence::Absent,
            Some(card) if state.is_mute => CardPresence::Mute { insertion: card.insertion },
            Some(card) => CardPresence::Present { insertion: card.insertion, atr: atr() },
        };
        Ok(state.slots.iter().map(|slot| ReaderState { name: slot.name.clone(), presence: presence(slot) }).collect())
    }

    fn subscribe(&self) -> mpsc::Receiver<ReaderEvent> {
        let (sender, receiver) = mpsc::channel();
        let mut state = self.state();
        let service = if state.service_is_down { ReaderEvent::ServiceDown } else { ReaderEvent::ServiceUp };
        sender.send(service).unwrap();
        for Slot { name, card } in state.slots.iter().filter(|_| !state.service_is_down) {
            sender.send(ReaderEvent::ReaderAppeared(name.clone())).unwrap();
            if let Some(InsertedCard { insertion, .. }) = card {
                let presence = CardPresence::Present { insertion: *insertion, atr: atr() };
                sender.send(ReaderEvent::CardInserted { reader: name.clone(), presence }).unwrap();
            }
        }
        state.subscribers.push(sender);
        receiver
    }

    fn connect(&self, reader: &ReaderName, insertion: Insertion) -> Result<Box<dyn CardConnection>, ReaderError> {
        if let Some(error) = &self.state().refuses_connections {
            return Err(error.clone());
        }
        let foreign_resets = self.state().card(reader, insertion).ok_or(ReaderError::CardRemoved)?.foreign_resets;
        Ok(Box::new(Connection {
            desk: self.clone(),
            reader: reader.clone(),
            insertion,
            foreign_resets,
            touched: false,
        }))
    }
}

struct Connection {
    desk: Desk,
    reader: ReaderName,
    insertion: Insertion,
    foreign_resets: u64,
    touched: bool,
}

impl CardConnection for Connection {
    fn insertion(&self) -> Insertion {
        self.insertion
    }

    fn atr(&self) -> Atr {
        atr()
    }

    fn begin(&mut self) -> Result<CardTransaction<'_>, ReaderError> {
        let desk = self.desk.clone();
        let mut state = desk.state();
        let card = state.card(&self.reader, self.insertion).ok_or(ReaderError::CardRemoved)?;
        if card.foreign_resets != self.foreign_resets {
            self.foreign_resets = card.foreign_resets;
            return Err(ReaderError::CardReset);
        }
        assert!(!state.in_transaction, "a transaction within a transaction");
        state.in_transaction = true;
        state.events.push(Event::Begun);
        Ok(CardTransaction::new(Box::new(Transaction(self))))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut state = self.desk.0.lock().unwrap();
        if self.touched
            && let Some(card) = state.card(&self.reader, self.insertion)
        {
            card.played.reset();
            state.events.push(Event::ResetByDrop);
        }
    }
}

struct Transaction<'connection>(&'connection mut Connection);

impl CardChannel for Transaction<'_> {
    fn transmit(&mut self, command: &Command) -> Result<Response, ChannelError> {
        let mut state = self.0.desk.state();
        state.events.push(Event::Command(command.header().ins));
        self.0.touched = true;
        state.protected.push(command.header().cla & 0x04 != 0);
        let (reader, insertion) = (&self.0.reader, self.0.insertion);
        let card = state.card(reader, insertion).ok_or(ChannelError::CardRemoved)?;
        match card.played.exchange(&command.to_octets()) {
            // A reader waits for so long, which no test needs to do.
            Exchanged::Answered(_, delay) if delay > CARD_ANSWERS_WITHIN => Err(ChannelError::CardSilent),
            Exchanged::Answered(octets, _) => Response::parse(&octets).ok_or(ChannelError::MalformedResponse),
            Exchanged::Silent => Err(ChannelError::CardSilent),
            Exchanged::Reset => Err(ChannelError::CardReset),
            Exchanged::ReaderFailed(error) => Err(error),
            Exchanged::Pulled => {
                state.pull(reader);
                Err(ChannelError::CardRemoved)
            }
            Exchanged::Swapped(other) => {
                state.pull(reader);
                state.insert(reader, other);
                Err(ChannelError::CardRemoved)
            }
        }
    }
}

impl OpenTransaction for Transaction<'_> {
    fn end(&mut self, after: CardAfter) -> Result<(), ReaderError> {
        let mut state = self.0.desk.state();
        state.in_transaction = false;
        state.events.push(Event::Ended(after));
        let card = state.card(&self.0.reader, self.0.insertion).ok_or(ReaderError::CardRemoved)?;
        if after == CardAfter::Reset {
            card.played.reset();
            self.0.touched = false;
        }
        Ok(())
    }
}

fn atr() -> Atr {
    Atr::new(&[0x3B, 0x80, 0x80, 0x01, 0x01]).unwrap()
}
