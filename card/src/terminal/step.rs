//! Every step of a terminal's session as one type, and as secret octets.

use std::fmt;

use zeroize::Zeroizing;

use crate::terminal::bauth::{AwaitingAcceptance, AwaitingM1, AwaitingM3};
use crate::terminal::established::{Awaiting, Established, Held, Unproven};
use crate::terminal::hand_over::{HandedOver, HandingOver};
use crate::terminal::keys::KeyManaging;
use crate::terminal::reading::{Reading, Verifying};
use crate::terminal::record::{RecordFault, RecordReader, RecordWriter};
use crate::terminal::signing::{AwaitingSignature, ChoosingKey, SelectingEsign};
use crate::terminal::writing::Writing;

/// First octet of a record: another form of the records gets another number.
const RECORD_FORM: u8 = 1;

macro_rules! steps {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// A step of a terminal's session between two answers of the card.
        pub enum TerminalStep {
            $($(#[$doc])* $name($name),)*
        }

        $(impl From<$name> for TerminalStep {
            fn from(step: $name) -> Self {
                Self::$name(step)
            }
        })*

        impl TerminalStep {
            /// The step as octets, for a record that is sealed at once.
            #[must_use]
            pub fn to_secret_octets(&self) -> Zeroizing<Vec<u8>> {
                let mut record = RecordWriter::new();
                record.octet(RECORD_FORM);
                match self {
                    $(Self::$name(step) => {
                        record.octet($number);
                        step.keep(&mut record);
                    })*
                }
                record.finish()
            }

            /// The step that was kept. The record must have been sealed: whoever could write one could make up a card.
            ///
            /// # Errors
            /// [`RecordFault`] for anything else than what [`TerminalStep::to_secret_octets`] gives.
            pub fn from_secret_octets(octets: &[u8]) -> Result<Self, RecordFault> {
                let mut record = RecordReader::new(octets);
                if record.octet()? != RECORD_FORM {
                    return Err(RecordFault);
                }
                let step = match record.octet()? {
                    $($number => $name::restore(&mut record)?.into(),)*
                    _ => return Err(RecordFault),
                };
                record.finish()?;
                Ok(step)
            }

            /// The step's name, for logs.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
                }
            }
        }

        $(impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(concat!(stringify!($name), "(hidden)"))
            }
        })*
    };
}

steps! {
    /// M1 is awaited.
    AwaitingM1 = 1,
    /// M3 is awaited.
    AwaitingM3 = 2,
    /// The card's word is awaited that it has accepted the terminal.
    AwaitingAcceptance = 3,
    /// The terminal's turn, with a card that has proved itself.
    Established = 4,
    /// The terminal's turn, with a card that has not.
    Unproven = 5,
    /// An answer to a question about files or attributes is awaited.
    Reading = 6,
    /// An answer to a question about attributes is awaited.
    Verifying = 7,
    /// eSign is being selected, for a signature.
    SelectingEsign = 8,
    /// The key is being chosen.
    ChoosingKey = 9,
    /// The signature is awaited.
    AwaitingSignature = 10,
    /// The key pair is being destroyed or generated.
    KeyManaging = 11,
    /// A file is being written.
    Writing = 12,
    /// The client is being given its turn.
    HandingOver = 13,
    /// It is the client's turn.
    HandedOver = 14,
}

/// Steps that keep nothing beyond the channel and the card.
macro_rules! only_a_channel {
    ($($name:ident($inner:ty),)*) => {
        $(impl $name {
            fn keep(&self, record: &mut RecordWriter) {
                self.0.keep(record);
            }

            fn restore(record: &mut RecordReader<'_>) -> Result<Self, RecordFault> {
                <$inner>::restore(record).map(Self)
            }
        })*
    };
}

only_a_channel! {
    SelectingEsign(Held<Awaiting>),
    ChoosingKey(Held<Awaiting>),
    AwaitingSignature(Held<Awaiting>),
    HandingOver(Held<Awaiting>),
    HandedOver(Established),
}

impl fmt::Debug for TerminalStep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "TerminalStep({})", self.name())
    }
}
