//! Readers of the PC/SC service: pcsc-lite on Linux, the system's on Windows and macOS.
//!
//! The service's calls block, so they are made on threads of their own: one watches, with one context, and each
//! connection has one, with another, since a call that does not return keeps its context for ever.

mod board;
mod faults;
mod service_wait;
mod session;
mod watcher;
mod worker;

use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use self::service_wait::{ServiceWait, StopSignal};
use self::session::PcscConnection;
use self::watcher::Shared;
use self::worker::Wanted;
use crate::connection::CardConnection;
use crate::error::ReaderError;
use crate::readers::{CardReaders, Insertion, ReaderEvent, ReaderName, ReaderState};

/// How patient to be.
#[derive(Debug, Clone, Copy)]
pub struct PcscOptions {
    /// How long a card may take over one command or reset before it is given up as silent.
    pub card_answers_within: Duration,
    /// How long another program may keep the card before it counts as busy, and the service its first answer before it
    /// counts as absent.
    pub card_free_within: Duration,
}

impl Default for PcscOptions {
    /// 20 s for the card, as long as a slow one takes to make a key pair; 10 s for other programs.
    fn default() -> Self {
        Self { card_answers_within: Duration::from_secs(20), card_free_within: Duration::from_secs(10) }
    }
}

/// The readers of the PC/SC service. Watched from the start until this is dropped, through every end and return of the
/// service.
pub struct PcscReaders {
    shared: Arc<Shared>,
    options: PcscOptions,
    watcher: Option<(JoinHandle<()>, StopSignal)>,
}

impl PcscReaders {
    /// Starts to watch. That the service does not run is no error: it may come.
    ///
    /// # Errors
    /// [`ReaderError::ServiceFault`] if the operating system gives no thread.
    pub fn start(options: PcscOptions) -> Result<Self, ReaderError> {
        let refused = |error: std::io::Error| ReaderError::ServiceFault { reason: error.to_string() };
        let shared = Arc::new(Shared::default());
        let (wait, stop) = ServiceWait::new().map_err(refused)?;
        let watched = Arc::clone(&shared);
        let watcher = thread::Builder::new()
            .name("latchkey-readers".to_owned())
            .spawn(move || watcher::run(&watched, &wait))
            .map_err(refused)?;
        Ok(Self { shared, options, watcher: Some((watcher, stop)) })
    }
}

impl CardReaders for PcscReaders {
    fn list(&self) -> Result<Vec<ReaderState>, ReaderError> {
        self.shared.board_after_first_look(self.options.card_free_within).list()
    }

    fn subscribe(&self) -> mpsc::Receiver<ReaderEvent> {
        self.shared.board().subscribe()
    }

    fn connect(&self, reader: &ReaderName, insertion: Insertion) -> Result<Box<dyn CardConnection>, ReaderError> {
        let count = self.shared.board_after_first_look(self.options.card_free_within).count_of(reader, insertion)?;
        let connection = PcscConnection::open(Wanted { reader: reader.clone(), count }, insertion, self.options)?;
        // Counts begin again with the service: if it was replaced meanwhile, the card may be another one.
        self.shared.board().count_of(reader, insertion)?;
        Ok(Box::new(connection))
    }
}

impl Drop for PcscReaders {
    fn drop(&mut self) {
        let Some((watcher, stop)) = self.watcher.take() else { return };
        drop(stop);
        for _ in 0..ATTEMPTS_TO_STOP {
            self.shared.stop();
            if watcher.is_finished() {
                // It has ended; that it panicked would have been reported.
                watcher.join().ok();
                return;
            }
            thread::sleep(STOPS_WITHIN);
        }
        tracing::warn!("the thread that watches readers did not stop");
    }
}

/// How often, and how far apart, to wake the watching thread until it has ended: 2 s together.
const ATTEMPTS_TO_STOP: u32 = 200;
const STOPS_WITHIN: Duration = Duration::from_millis(10);
