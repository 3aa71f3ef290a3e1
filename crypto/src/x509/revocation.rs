//! Whether a certificate is revoked, and by which evidence.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::certificate::Certificate;
use super::revocation_list::VerifiedRevocationList;
use super::revoked::Revocation;
use super::status_answer::{CertificateStatus, VerifiedStatusAnswer};

/// Where a verifier learns whether a certificate is revoked: revocation lists, or answers of a status service that the
/// caller has fetched before.
pub trait RevocationData {
    /// What is known at `now` of `certificate`, which `issuer` issued.
    ///
    /// # Errors
    /// [`RevocationFault`]: it is revoked, or nothing current says that it is not.
    fn status(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        now: OffsetDateTime,
    ) -> Result<RevocationEvidence, RevocationFault>;
}

/// What shows that a certificate is not revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevocationEvidence {
    /// The issuer's complete and current revocation list does not have it.
    List {
        /// The list's number, big-endian.
        number: Option<Vec<u8>>,
        /// When the list was made.
        this_update: OffsetDateTime,
        /// Until when it is current.
        next_update: OffsetDateTime,
    },
    /// The issuer's status service said so a short while ago.
    Answer {
        /// When it was known to be right.
        this_update: OffsetDateTime,
        /// Until when nothing newer is known, if it says so.
        next_update: Option<OffsetDateTime>,
    },
}

/// Why a certificate does not count as not revoked. A relying party tells each of them apart, so that a new one has to be
/// looked at there: the list is exhaustive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RevocationFault {
    /// It is revoked.
    #[error("revoked since {}", .0.since)]
    Revoked(Revocation),
    /// There is no data of its issuer.
    #[error("no revocation data of the issuer")]
    Unknown,
    /// The data was to be renewed before now.
    #[error("the revocation data was current until {next_update}")]
    Stale {
        /// Until when it was current.
        next_update: OffsetDateTime,
    },
    /// The data was made after now: one of two clocks is wrong.
    #[error("the revocation data is of {this_update}, which is yet to come")]
    FromTheFuture {
        /// When it says that it was made.
        this_update: OffsetDateTime,
    },
}

/// The current revocation list of each authority. Lists are shared: a copy that differs in one list has the others in
/// common with the original.
#[derive(Debug, Default, Clone)]
pub struct RevocationLists(HashMap<AuthorityKey, Arc<VerifiedRevocationList>>);

/// Lists, and answers of status services about single certificates. Whichever of them says that a certificate is revoked is
/// believed; that it is not is believed of whatever is current and newest.
#[derive(Debug, Clone, Copy)]
pub struct RevocationSources<'a> {
    /// The lists.
    pub lists: &'a RevocationLists,
    /// The answers.
    pub answers: &'a [VerifiedStatusAnswer],
}

/// An authority is its name *and* its key: a list signed by another key of the same name says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct AuthorityKey {
    name: Vec<u8>,
    key_info: Vec<u8>,
}

impl RevocationLists {
    /// No list: every certificate's status is unknown.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a list in, unless one of the same authority is here already that is newer by date or number: an old list must
    /// not bring a revoked certificate back. Tells whether it was taken.
    pub fn insert(&mut self, list: impl Into<Arc<VerifiedRevocationList>>) -> bool {
        let list = list.into();
        if self.of_the_authority_of(&list).is_some_and(|known| list.is_older_than(known)) {
            return false;
        }
        self.0.insert(AuthorityKey::of(&list), list);
        true
    }

    /// The list here that is by the same authority as `list`.
    #[must_use]
    pub fn of_the_authority_of(&self, list: &VerifiedRevocationList) -> Option<&Arc<VerifiedRevocationList>> {
        self.0.get(&AuthorityKey::of(list))
    }

    /// The lists, in no order.
    pub fn lists(&self) -> impl Iterator<Item = &VerifiedRevocationList> {
        self.0.values().map(Arc::as_ref)
    }
}

impl AuthorityKey {
    fn of(list: &VerifiedRevocationList) -> Self {
        Self { name: list.issuer().der().to_vec(), key_info: list.authority_key_info().to_vec() }
    }

    pub(super) fn of_certificate(authority: &Certificate) -> Self {
        Self { name: authority.subject().der().to_vec(), key_info: authority.public_key_info().to_vec() }
    }
}

impl RevocationData for RevocationLists {
    fn status(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        now: OffsetDateTime,
    ) -> Result<RevocationEvidence, RevocationFault> {
        let list = self.0.get(&AuthorityKey::of_certificate(issuer)).ok_or(RevocationFault::Unknown)?;
        // First of all: what an old list has revoked stays revoked.
        if let Some(revocation) = list.revocation_of(certificate.serial_number()) {
            return Err(RevocationFault::Revoked(revocation));
        }
        let (this_update, next_update) = (list.this_update(), list.next_update());
        if now < this_update {
            return Err(RevocationFault::FromTheFuture { this_update });
        }
        if now > next_update {
            return Err(RevocationFault::Stale { next_update });
        }
        Ok(RevocationEvidence::List { number: list.number().map(<[u8]>::to_vec), this_update, next_update })
    }
}

impl RevocationSources<'_> {
    /// The answers about that certificate. One whose maker is revoked himself counts for nothing.
    fn about(&self, certificate: &Certificate, issuer: &Certificate) -> impl Iterator<Item = &VerifiedStatusAnswer> {
        let authority = AuthorityKey::of_certificate(issuer);
        let serial_number = certificate.serial_number();
        let list = self.lists.0.get(&authority);
        let is_revoked = move |delegate: &Certificate| {
            list.is_some_and(|list| list.revocation_of(delegate.serial_number()).is_some())
        };
        self.answers.iter().filter(move |answer| {
            answer.authority == authority
                && answer.serial_number == serial_number
                && !answer.delegate().is_some_and(&is_revoked)
        })
    }
}

impl RevocationData for RevocationSources<'_> {
    fn status(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        now: OffsetDateTime,
    ) -> Result<RevocationEvidence, RevocationFault> {
        // However old: what was revoked stays revoked.
        for answer in self.about(certificate, issuer) {
            if let CertificateStatus::Revoked(revocation) = answer.status() {
                return Err(RevocationFault::Revoked(revocation));
            }
        }
        let by_list = self.lists.status(certificate, issuer, now);
        if matches!(by_list, Err(RevocationFault::Revoked(_))) {
            return by_list;
        }
        let of_list = self.lists.0.get(&AuthorityKey::of_certificate(issuer)).map(|list| list.this_update());
        let is_good = |answer: &&VerifiedStatusAnswer| {
            let is_newer = of_list.is_none_or(|of_list| answer.this_update() >= of_list);
            answer.status() == CertificateStatus::Good && answer.is_current(now) && is_newer
        };
        let newest = self.about(certificate, issuer).filter(is_good).max_by_key(|answer| answer.this_update());
        match newest {
            Some(answer) => {
                Ok(RevocationEvidence::Answer { this_update: answer.this_update(), next_update: answer.next_update() })
            }
            None => by_list,
        }
    }
}

/// For people: kind, number and times.
impl fmt::Display for RevocationEvidence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (this_update, next_update) = match self {
            Self::List { number, this_update, next_update } => {
                write!(formatter, "revocation list")?;
                if let Some(number) = number {
                    write!(formatter, " number 0x")?;
                    number.iter().try_for_each(|octet| write!(formatter, "{octet:02X}"))?;
                }
                (this_update, Some(next_update))
            }
            Self::Answer { this_update, next_update } => {
                write!(formatter, "answer of the status service")?;
                (this_update, next_update.as_ref())
            }
        };
        write!(formatter, " of {}", rfc3339(*this_update))?;
        next_update.map_or(Ok(()), |until| write!(formatter, ", current until {}", rfc3339(*until)))
    }
}

fn rfc3339(moment: OffsetDateTime) -> String {
    moment.format(&Rfc3339).unwrap_or_else(|_| moment.to_string())
}
