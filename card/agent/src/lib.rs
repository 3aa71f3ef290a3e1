//! Who may touch a card: card sessions and secrets behind messages.
