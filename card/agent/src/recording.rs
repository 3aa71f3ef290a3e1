//! Recording what is said to cards: readers whose transactions hand out a recording.

use std::sync::{Arc, Mutex, PoisonError, mpsc};

use latchkey_card::record::{Recorded, Recording};
use latchkey_card::{CardChannel, ChannelError, Command, Response};
use latchkey_reader::{
    Atr, CardAfter, CardConnection, CardReaders, CardTransaction, Insertion, OpenTransaction, ReaderError, ReaderEvent,
    ReaderName, ReaderState,
};

/// Where recorded lines go.
pub trait RecordingSink: Send {
    /// Keeps lines, in their order. There is nobody to complain to: what cannot be kept is for whoever made the sink to
    /// tell.
    fn keep(&mut self, lines: &Recorded);
}

/// The same readers, with everything that is said to their cards recorded, blanked.
#[must_use]
pub fn recorded(readers: Arc<dyn CardReaders>, sink: Box<dyn RecordingSink>) -> Arc<dyn CardReaders> {
    Arc::new(RecordedReaders { readers, sink: SharedSink(Arc::new(Mutex::new(sink))) })
}

struct RecordedReaders {
    readers: Arc<dyn CardReaders>,
    sink: SharedSink,
}

/// One sink for all transactions of an agent.
#[derive(Clone)]
struct SharedSink(Arc<Mutex<Box<dyn RecordingSink>>>);

impl SharedSink {
    fn recording(&self) -> Recording {
        let sink = self.clone();
        Recording::new(move |lines| sink.0.lock().unwrap_or_else(PoisonError::into_inner).keep(lines))
    }
}

impl CardReaders for RecordedReaders {
    fn list(&self) -> Result<Vec<ReaderState>, ReaderError> {
        self.readers.list()
    }

    fn subscribe(&self) -> mpsc::Receiver<ReaderEvent> {
        self.readers.subscribe()
    }

    fn connect(&self, reader: &ReaderName, insertion: Insertion) -> Result<Box<dyn CardConnection>, ReaderError> {
        let connection = self.readers.connect(reader, insertion)?;
        // Whatever was said before, nothing stands of it.
        self.sink.recording().reset();
        Ok(Box::new(RecordedConnection { connection, sink: self.sink.clone() }))
    }
}

struct RecordedConnection {
    connection: Box<dyn CardConnection>,
    sink: SharedSink,
}

impl CardConnection for RecordedConnection {
    fn insertion(&self) -> Insertion {
        self.connection.insertion()
    }

    fn atr(&self) -> Atr {
        self.connection.atr()
    }

    fn recording(&self) -> Option<Recording> {
        Some(self.sink.recording())
    }

    fn begin(&mut self) -> Result<CardTransaction<'_>, ReaderError> {
        let begun = self.connection.begin();
        let mut recording = self.sink.recording();
        if matches!(begun, Err(ReaderError::CardReset)) {
            recording.reset();
        }
        Ok(CardTransaction::new(Box::new(RecordedTransaction { transaction: Some(begun?), recording })))
    }
}

struct RecordedTransaction<'connection> {
    /// Taken when it ends.
    transaction: Option<CardTransaction<'connection>>,
    recording: Recording,
}

impl CardChannel for RecordedTransaction<'_> {
    fn transmit(&mut self, command: &Command) -> Result<Response, ChannelError> {
        self.transaction.as_mut().map_or(Err(ChannelError::CardReset), |transaction| transaction.transmit(command))
    }

    fn recording(&mut self) -> Option<&mut Recording> {
        Some(&mut self.recording)
    }
}

impl OpenTransaction for RecordedTransaction<'_> {
    fn end(&mut self, after: CardAfter) -> Result<(), ReaderError> {
        let Some(transaction) = self.transaction.take() else { return Ok(()) };
        match after {
            CardAfter::Untouched => transaction.leave(),
            CardAfter::Reset => {
                self.recording.reset();
                transaction.reset()
            }
        }
    }
}
