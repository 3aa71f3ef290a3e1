//! The entries of a revocation list, in an order in which they are found.

use std::fmt;

use time::OffsetDateTime;

use super::SerialNumber;

/// Since when and why a certificate is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revocation {
    /// Since when.
    pub since: OffsetDateTime,
    /// Why.
    pub reason: RevocationReason,
}

/// Why a certificate is revoked (RFC 5280, clause 5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the standard's and say all there is")]
pub enum RevocationReason {
    Unspecified,
    KeyCompromise,
    AuthorityCompromise,
    AffiliationChanged,
    Superseded,
    CessationOfOperation,
    Hold,
    PrivilegeWithdrawn,
    AttributeAuthorityCompromise,
}

/// Revoked certificates by serial number: one array in ascending order. Half a million entries take 16 MB, and being one
/// piece they are given back at once when a newer list takes their place.
pub(super) struct Revoked(Vec<Entry>);

/// What is kept of an entry. The size is a promise: what a list needs in memory follows from it.
struct Entry {
    /// Seconds since 1970.
    since: i64,
    serial_number: SerialNumber,
    reason: RevocationReason,
}

const _: () = assert!(size_of::<Entry>() == 32);

impl Revoked {
    /// Room for exactly so many entries.
    pub(super) fn with_capacity(count: usize) -> Self {
        Self(Vec::with_capacity(count))
    }

    /// Adds an entry, which is found after [`Revoked::in_order`] only.
    pub(super) fn push(&mut self, serial_number: SerialNumber, revocation: Revocation) {
        let Revocation { since, reason } = revocation;
        self.0.push(Entry { since: since.unix_timestamp(), serial_number, reason });
    }

    /// Brings the entries in order. One serial number may stand twice: revoked it is either way, and the earlier date
    /// counts.
    pub(super) fn in_order(mut self) -> Self {
        // In place: room for a second array would be as much as a third of the file.
        self.0.sort_unstable_by_key(|entry| (entry.serial_number, entry.since));
        self.0.dedup_by_key(|entry| entry.serial_number);
        self
    }

    pub(super) const fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn find(&self, serial_number: SerialNumber) -> Option<Revocation> {
        let place = self.0.binary_search_by_key(&serial_number, |entry| entry.serial_number).ok()?;
        let Entry { since, reason, .. } = self.0.get(place)?;
        // Was a time when it was read.
        let since = OffsetDateTime::from_unix_timestamp(*since).ok()?;
        Some(Revocation { since, reason: *reason })
    }
}

impl fmt::Debug for Revoked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} entries", self.count())
    }
}

impl RevocationReason {
    /// 7 is not used; 8 takes an entry off a delta list.
    pub(super) const fn of_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Unspecified,
            1 => Self::KeyCompromise,
            2 => Self::AuthorityCompromise,
            3 => Self::AffiliationChanged,
            4 => Self::Superseded,
            5 => Self::CessationOfOperation,
            6 => Self::Hold,
            9 => Self::PrivilegeWithdrawn,
            10 => Self::AttributeAuthorityCompromise,
            _ => return None,
        })
    }
}
