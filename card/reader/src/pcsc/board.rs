//! What is known of readers and cards, and who wants to know.

use std::sync::mpsc;

use crate::error::ReaderError;
use crate::readers::{Atr, CardPresence, Insertion, ReaderEvent, ReaderName, ReaderState};

/// One reader as the service shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Observation {
    pub(super) name: ReaderName,
    pub(super) card: ObservedCard,
    /// How many insertions and removals the service has counted in this reader, modulo 65,536.
    pub(super) count: u16,
}

/// What the service shows of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ObservedCard {
    Absent,
    Present(Atr),
    InUseExclusively(Atr),
    Mute,
}

/// What is known of readers and cards. Pure: it is told what the service shows, and tells subscribers what that means.
#[derive(Debug, Default)]
pub(super) struct Board {
    service: Service,
    readers: Vec<Known>,
    insertions: u64,
    subscribers: Vec<mpsc::Sender<ReaderEvent>>,
}

/// What is known of the service.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Service {
    #[default]
    NotLookedAt,
    Up,
    Down,
}

#[derive(Debug, Clone)]
struct Known {
    name: ReaderName,
    presence: CardPresence,
    count: u16,
}

impl Board {
    /// Whether the service was looked at yet.
    pub(super) fn is_known(&self) -> bool {
        self.service != Service::NotLookedAt
    }

    /// The readers now.
    pub(super) fn list(&self) -> Result<Vec<ReaderState>, ReaderError> {
        if self.service != Service::Up {
            return Err(ReaderError::NoService);
        }
        let state = |known: &Known| ReaderState { name: known.name.clone(), presence: known.presence.clone() };
        Ok(self.readers.iter().map(state).collect())
    }

    /// The service's count for that insertion, by which a connection can make sure that it met the same card.
    pub(super) fn count_of(&self, reader: &ReaderName, insertion: Insertion) -> Result<u16, ReaderError> {
        if self.service != Service::Up {
            return Err(ReaderError::NoService);
        }
        let known = self.readers.iter().find(|known| known.name == *reader).ok_or(ReaderError::ReaderGone)?;
        match known.presence {
            _ if known.presence.insertion() != Some(insertion) => Err(ReaderError::CardRemoved),
            CardPresence::Mute { .. } => Err(ReaderError::CardMute),
            _ => Ok(known.count),
        }
    }

    /// A subscriber, who first hears what is there already.
    pub(super) fn subscribe(&mut self) -> mpsc::Receiver<ReaderEvent> {
        let (sender, receiver) = mpsc::channel();
        let mut present = match self.service {
            Service::NotLookedAt => vec![],
            Service::Up => vec![ReaderEvent::ServiceUp],
            Service::Down => vec![ReaderEvent::ServiceDown],
        };
        for known in &self.readers {
            present.push(ReaderEvent::ReaderAppeared(known.name.clone()));
            present.extend(inserted(known));
        }
        // The receiver is in our hands, so nothing is lost.
        present.into_iter().for_each(|event| drop(sender.send(event)));
        self.subscribers.push(sender);
        receiver
    }

    /// The service does not answer.
    pub(super) fn service_down(&mut self) {
        if self.service != Service::Down {
            self.service = Service::Down;
            self.readers.clear();
            self.tell(ReaderEvent::ServiceDown);
        }
    }

    /// Whether an observation contradicts itself because it was made in the middle of a change: the service shows a new
    /// card before it counts it. It must be made again.
    pub(super) fn is_torn(&self, observations: &[Observation]) -> bool {
        self.readers.iter().any(|known| {
            known.presence == CardPresence::Absent
                && observations.iter().any(|seen| {
                    seen.name == known.name && seen.card != ObservedCard::Absent && seen.count == known.count
                })
        })
    }

    /// The service shows these readers, and no others.
    pub(super) fn observe(&mut self, observations: Vec<Observation>) {
        if self.service != Service::Up {
            self.service = Service::Up;
            self.tell(ReaderEvent::ServiceUp);
        }
        let before = std::mem::take(&mut self.readers);
        for known in &before {
            if !observations.iter().any(|seen| seen.name == known.name) {
                self.tell(ReaderEvent::ReaderVanished(known.name.clone()));
            }
        }
        for seen in observations {
            let known = before.iter().find(|known| known.name == seen.name);
            let now = self.take_over(known, seen);
            self.readers.push(now);
        }
    }

    fn take_over(&mut self, before: Option<&Known>, seen: Observation) -> Known {
        let old = before.and_then(|known| known.presence.insertion());
        let same_card = before.is_some_and(|known| known.count == seen.count) && old.is_some();
        let insertion = match old {
            Some(insertion) if same_card => insertion,
            _ => Insertion::new(self.insertions.wrapping_add(1)),
        };
        let presence = match seen.card {
            ObservedCard::Absent => CardPresence::Absent,
            ObservedCard::Present(atr) => CardPresence::Present { insertion, atr },
            ObservedCard::InUseExclusively(atr) => CardPresence::InUseExclusively { insertion, atr },
            ObservedCard::Mute => CardPresence::Mute { insertion },
        };
        let now = Known { name: seen.name, presence, count: seen.count };
        let (reader, presence) = (now.name.clone(), now.presence.clone());
        if before.is_none() {
            self.tell(ReaderEvent::ReaderAppeared(reader.clone()));
        }
        if let Some(old) = old.filter(|_| presence.insertion() != old) {
            self.tell(ReaderEvent::CardRemoved { reader: reader.clone(), insertion: old });
        }
        if presence.insertion().is_some() && presence.insertion() != old {
            self.insertions = self.insertions.wrapping_add(1);
            inserted(&now).into_iter().for_each(|event| self.tell(event));
        } else if presence.insertion().is_some() && before.is_some_and(|known| known.presence != presence) {
            self.tell(ReaderEvent::CardChanged { reader, presence });
        }
        now
    }

    fn tell(&mut self, event: ReaderEvent) {
        self.subscribers.retain(|subscriber| subscriber.send(event.clone()).is_ok());
    }
}

fn inserted(known: &Known) -> Option<ReaderEvent> {
    known.presence.insertion()?;
    Some(ReaderEvent::CardInserted { reader: known.name.clone(), presence: known.presence.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTHER: &[u8] = &[0x3B, 0x01, 0x02];

    fn atr(octets: &[u8]) -> Atr {
        Atr::new(octets).unwrap()
    }

    fn name(text: &str) -> ReaderName {
        ReaderName::parse(text).unwrap()
    }

    fn seen(reader: &str, card: ObservedCard, count: u16) -> Observation {
        Observation { name: name(reader), card, count }
    }

    const ABSENT: ObservedCard = ObservedCard::Absent;

    fn present() -> ObservedCard {
        ObservedCard::Present(atr(&[0x3B, 0x00]))
    }

    /// What subscribers hear, in short.
    fn told(events: &mpsc::Receiver<ReaderEvent>) -> Vec<String> {
        let number = |insertion: Option<Insertion>| insertion.map_or("none".to_owned(), |it| format!("{it:?}"));
        let kind = |presence: &CardPresence| match presence {
            CardPresence::Absent => "absent",
            CardPresence::Present { .. } => "present",
            CardPresence::InUseExclusively { .. } => "exclusive",
            CardPresence::Mute { .. } => "mute",
        };
        let short = |event| match event {
            ReaderEvent::ServiceUp => "up".to_owned(),
            ReaderEvent::ServiceDown => "down".to_owned(),
            ReaderEvent::ReaderAppeared(name) => format!("+{name}"),
            ReaderEvent::ReaderVanished(name) => format!("-{name}"),
            ReaderEvent::CardInserted { reader, presence } => {
                format!("{reader} in {} {}", number(presence.insertion()), kind(&presence))
            }
            ReaderEvent::CardChanged { reader, presence } => {
                format!("{reader} now {} {}", number(presence.insertion()), kind(&presence))
            }
            ReaderEvent::CardRemoved { reader, insertion } => format!("{reader} out {insertion:?}"),
        };
        events.try_iter().map(short).collect()
    }

    #[test]
    fn what_the_service_shows_is_told_as_events() {
        type Row = (&'static str, Vec<Observation>, &'static [&'static str]);
        let rows: [Row; 14] = [
            ("no reader", vec![], &["up"]),
            ("a reader", vec![seen("a", ABSENT, 0)], &["+a"]),
            ("nothing new", vec![seen("a", ABSENT, 0)], &[]),
            ("a card", vec![seen("a", present(), 1)], &["a in Insertion(1) present"]),
            ("nothing new either", vec![seen("a", present(), 1)], &[]),
            (
                "held by another program",
                vec![seen("a", ObservedCard::InUseExclusively(atr(&[0x3B, 0x00])), 1)],
                &["a now Insertion(1) exclusive"],
            ),
            ("given back", vec![seen("a", present(), 1)], &["a now Insertion(1) present"]),
            (
                "swapped between two looks",
                vec![seen("a", ObservedCard::Present(atr(OTHER)), 3)],
                &["a out Insertion(1)", "a in Insertion(2) present"],
            ),
            (
                "a second reader with a card that was there before it",
                vec![seen("b", present(), 0), seen("a", ObservedCard::Present(atr(OTHER)), 3)],
                &["+b", "b in Insertion(3) present"],
            ),
            ("removed", vec![seen("b", present(), 0), seen("a", ABSENT, 4)], &["a out Insertion(2)"]),
            (
                "put in the wrong way round",
                vec![seen("b", present(), 0), seen("a", ObservedCard::Mute, 5)],
                &["a in Insertion(4) mute"],
            ),
            (
                "came and went between two looks",
                vec![seen("b", present(), 2), seen("a", ABSENT, 6)],
                &["b out Insertion(3)", "b in Insertion(5) present", "a out Insertion(4)"],
            ),
            ("a reader vanished with its card", vec![seen("a", ABSENT, 6)], &["-b"]),
            (
                "and came back with it",
                vec![seen("a", ABSENT, 6), seen("b", present(), 2)],
                &["+b", "b in Insertion(6) present"],
            ),
        ];
        let mut board = Board::default();
        let events = board.subscribe();
        for (case, observations, expected) in rows {
            board.observe(observations);
            assert_eq!(told(&events), expected, "{case}");
        }
        board.service_down();
        board.service_down();
        assert_eq!(told(&events), ["down"], "once");
        assert_eq!(board.list(), Err(ReaderError::NoService));
        board.observe(vec![seen("b", present(), 2)]);
        assert_eq!(told(&events), ["up", "+b", "b in Insertion(7) present"], "never the same insertion again");
        assert_eq!(told(&board.subscribe()), ["up", "+b", "b in Insertion(7) present"]);
    }

    #[test]
    fn a_change_half_made_is_noticed() {
        let mut board = Board::default();
        board.observe(vec![seen("a", ABSENT, 4), seen("b", present(), 1)]);
        for (case, observation, torn) in [
            ("a card, not yet counted", seen("a", present(), 4), true),
            ("a card, counted", seen("a", present(), 5), false),
            ("nothing", seen("a", ABSENT, 4), false),
            ("removed, not yet counted", seen("b", ABSENT, 1), false),
            ("a new reader", seen("c", present(), 4), false),
        ] {
            assert_eq!(board.is_torn(&[observation]), torn, "{case}");
        }
    }

    #[test]
    fn only_the_present_insertion_can_be_connected_to() {
        let mut board = Board::default();
        let first = Insertion::new(1);
        assert_eq!(board.count_of(&name("a"), first), Err(ReaderError::NoService));
        board.observe(vec![seen("a", present(), 7), seen("b", ABSENT, 0), seen("c", ObservedCard::Mute, 1)]);
        for (case, reader, insertion, expected) in [
            ("present", "a", 1, Ok(7)),
            ("of another reader", "a", 2, Err(ReaderError::CardRemoved)),
            ("an empty reader", "b", 1, Err(ReaderError::CardRemoved)),
            ("a mute card", "c", 2, Err(ReaderError::CardMute)),
            ("no such reader", "d", 1, Err(ReaderError::ReaderGone)),
        ] {
            assert_eq!(board.count_of(&name(reader), Insertion::new(insertion)), expected, "{case}");
        }
    }

    #[test]
    fn subscribers_that_went_away_are_forgotten() {
        let mut board = Board::default();
        drop(board.subscribe());
        board.service_down();
        assert!(board.subscribers.is_empty());
    }
}
