//! What a service takes from outside: the time, random values, and a database whose failures are counted.

use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rand_core::{CryptoRng, TryCryptoRng, TryRng};
use time::OffsetDateTime;

use crate::metrics::Metrics;
use crate::storage::StorageError;

/// Tells the time.
pub(crate) type Clock = Box<dyn Fn() -> OffsetDateTime + Send + Sync>;

/// A service that asks for the time, draws random values and counts what its database refuses.
pub(crate) trait Outside {
    fn clock(&self) -> &Clock;

    fn random(&self) -> &Random;

    fn counters(&self) -> &Metrics;

    /// The time in whole milliseconds, as the database keeps it.
    fn now(&self) -> OffsetDateTime {
        let now = self.clock()();
        now.replace_millisecond(now.millisecond()).unwrap_or(now)
    }

    /// What is drawn at once, with nobody drawing meanwhile.
    fn draw<T>(&self, draw: impl FnOnce(&mut dyn CryptoRng) -> T) -> T {
        draw(&mut **self.random().lock())
    }

    /// The database's answer, counted if it is none.
    fn counted<T>(&self, answer: Result<T, StorageError>) -> Result<T, StorageError> {
        answer.inspect_err(|_| self.counters().storage_failed())
    }
}

/// Where random values come from, for many at a time.
pub(crate) struct Random(Mutex<Box<dyn CryptoRng + Send>>);

impl Random {
    pub(crate) fn new(source: Box<dyn CryptoRng + Send>) -> Self {
        Self(Mutex::new(source))
    }

    fn lock(&self) -> MutexGuard<'_, Box<dyn CryptoRng + Send>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For work that takes its time between two values: others draw meanwhile.
impl TryRng for &Random {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.lock().next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.lock().next_u64())
    }

    fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), Infallible> {
        self.lock().fill_bytes(octets);
        Ok(())
    }
}

impl TryCryptoRng for &Random {}
