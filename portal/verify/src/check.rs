//! What an accepted sign-in was checked against.

use std::fmt;

use latchkey_crypto::assertion::{AssertionAlgorithm, Origin};
use latchkey_crypto::x509::{ObjectIdentifier, RevocationEvidence, SerialNumber};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::{Assurance, Purpose};

/// One check that passed, and the data that it was made against. For the audit trail and for showing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Check {
    /// The challenge was made for this purpose and is young enough.
    Challenge {
        /// What it was made for.
        purpose: Purpose,
        /// When.
        issued_at: OffsetDateTime,
        /// How long ago.
        age: Duration,
    },
    /// The certificate is valid now.
    Validity {
        /// From when.
        not_before: OffsetDateTime,
        /// Until when.
        not_after: OffsetDateTime,
    },
    /// The certificate's key may be used to sign in.
    KeyUsage,
    /// A path leads to a trusted anchor.
    Path {
        /// The names of the authorities as people call them, from the certificate's issuer up to the anchor.
        authorities: Vec<String>,
        /// The anchor's serial number.
        anchor: SerialNumber,
    },
    /// The signature is over this origin and the challenge.
    Signature {
        /// The relying party's origin.
        origin: Origin,
        /// The algorithm, which the key prescribes.
        algorithm: AssertionAlgorithm,
        /// The key's curve or size.
        key: String,
    },
    /// A certificate on the path is not revoked.
    Revocation {
        /// Its serial number.
        serial_number: SerialNumber,
        /// Who issued it, as people call it.
        issuer: String,
        /// What shows it.
        evidence: RevocationEvidence,
    },
    /// Whether a certificate on the path is revoked was last known a while ago: the assurance is [`Assurance::Substantial`]
    /// at most.
    RevocationInGrace {
        /// Its serial number.
        serial_number: SerialNumber,
        /// Who issued it, as people call it.
        issuer: String,
        /// Until when the newest data was current.
        current_until: OffsetDateTime,
    },
    /// The policy that gives the assurance.
    Policy {
        /// The certificate policy; none: the portal knows none of the certificate's.
        policy: Option<ObjectIdentifier>,
        /// The assurance.
        assurance: Assurance,
    },
    /// The certificate identifies one person, of the anchor's country. Who that is stands in
    /// [`crate::VerifiedSignIn::identity`].
    Identity,
}

impl Check {
    /// The check's stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Challenge { .. } => "challenge",
            Self::Validity { .. } => "validity",
            Self::KeyUsage => "key-usage",
            Self::Path { .. } => "path",
            Self::Signature { .. } => "signature",
            Self::Revocation { .. } => "revocation",
            Self::RevocationInGrace { .. } => "revocation-in-grace",
            Self::Policy { .. } => "policy",
            Self::Identity => "identity",
        }
    }

    /// Until when the data was current that it was made against, if that was out of date.
    pub(crate) fn stale_since(&self) -> Option<OffsetDateTime> {
        match self {
            Self::RevocationInGrace { current_until, .. } => Some(*current_until),
            _ => None,
        }
    }

    /// What it was made against, for people.
    #[must_use]
    pub fn against(&self) -> String {
        Against(self).to_string()
    }
}

struct Against<'a>(&'a Check);

impl fmt::Display for Against<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Check::Challenge { purpose, issued_at, age } => {
                let (moment, seconds) = (rfc3339(*issued_at), age.whole_seconds());
                write!(formatter, "challenge for {purpose} of {moment}, {seconds} s old")
            }
            Check::Validity { not_before, not_after } => {
                write!(formatter, "valid from {} until {}", rfc3339(*not_before), rfc3339(*not_after))
            }
            Check::KeyUsage => formatter.write_str("digitalSignature, client authentication not excluded"),
            Check::Path { authorities, anchor } => {
                write!(formatter, "{}; anchor's serial number {anchor}", authorities.join(" < "))
            }
            Check::Signature { origin, algorithm, key } => write!(formatter, "{origin}, {algorithm}, {key}"),
            Check::Revocation { serial_number, issuer, evidence } => {
                write!(formatter, "{serial_number} of {issuer}: {evidence}")
            }
            Check::RevocationInGrace { serial_number, issuer, current_until } => {
                write!(
                    formatter,
                    "{serial_number} of {issuer}: data that was current until {}",
                    rfc3339(*current_until)
                )
            }
            Check::Policy { policy: Some(policy), assurance } => write!(formatter, "{policy}: {assurance}"),
            Check::Policy { policy: None, assurance } => write!(formatter, "no known policy: {assurance}"),
            Check::Identity => formatter.write_str("personal number and name of the subject, country of the anchor"),
        }
    }
}

fn rfc3339(moment: OffsetDateTime) -> String {
    moment.format(&Rfc3339).unwrap_or_else(|_| moment.to_string())
}
