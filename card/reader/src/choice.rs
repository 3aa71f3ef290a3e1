//! Which card is meant: by name, or the only one. Never guessed.

use crate::error::ReaderError;
use crate::readers::{Atr, CardPresence, Insertion, ReaderName, ReaderState};

/// A card that can be connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenCard {
    /// Where it is.
    pub reader: ReaderName,
    /// Which insertion it is.
    pub insertion: Insertion,
    /// How it answered to its reset.
    pub atr: Atr,
}

/// The card in the reader `wanted`, or, without a wish, the only card there is.
///
/// # Errors
/// [`ReaderError::NoReader`], [`ReaderError::ReaderGone`] (no reader has the wanted name), [`ReaderError::NoCard`],
/// [`ReaderError::SeveralCards`], [`ReaderError::CardMute`] and [`ReaderError::CardBusy`].
pub fn choose_card(readers: &[ReaderState], wanted: Option<&ReaderName>) -> Result<ChosenCard, ReaderError> {
    if readers.is_empty() {
        return Err(ReaderError::NoReader);
    }
    if let Some(wanted) = wanted {
        let state = readers.iter().find(|state| state.name == *wanted).ok_or(ReaderError::ReaderGone)?;
        return card_of(state);
    }
    let mut with_card = readers.iter().filter(|state| state.presence != CardPresence::Absent);
    let only = with_card.next().ok_or(ReaderError::NoCard)?;
    match with_card.count() {
        0 => card_of(only),
        more => Err(ReaderError::SeveralCards { count: more.saturating_add(1) }),
    }
}

fn card_of(state: &ReaderState) -> Result<ChosenCard, ReaderError> {
    match state.presence {
        CardPresence::Absent => Err(ReaderError::NoCard),
        CardPresence::Mute { .. } => Err(ReaderError::CardMute),
        CardPresence::InUseExclusively { .. } => Err(ReaderError::CardBusy),
        CardPresence::Present { insertion, atr } => Ok(ChosenCard { reader: state.name.clone(), insertion, atr }),
    }
}
