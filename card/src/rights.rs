//! What a client program asks of the card, in the words of CertHAT (STB 34.101.79).

use std::num::NonZeroU8;

pub use latchkey_crypto::cv::rights::{CertHat, DataGroup, EidRights, EsignRights, TAG_CERT_HAT};

/// What a client program asks of the card in one session: exactly what the holder was shown, no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Authority {
    /// Rights in eID; no object if `None`.
    pub eid: Option<EidRights>,
    /// Rights in eSign; no object if `None`.
    pub esign: Option<EsignRights>,
    /// How many signatures one confirmation by PIN allows; no object, which means one, if `None`. "Unlimited" cannot
    /// be asked for.
    pub signatures: Option<NonZeroU8>,
}

impl Authority {
    /// Nothing: to confirm editions or to lift a suspension with the CAN.
    pub const NOTHING: Self = Self { eid: None, esign: None, signatures: None };
    /// Sign in to a portal: read the certificate, sign once.
    pub const SIGN_IN: Self = Self::signing(NonZeroU8::MIN);
    /// Read certificates. The card has no right that reads without signing; the session is told to forget the PIN
    /// confirmation before it reads.
    pub const READ_CERTIFICATES: Self = Self::esign(EsignRights::BASE_SIGNING);
    /// Read the name object.
    pub const READ_NAME: Self = Self::esign(EsignRights::BASE_KEYS);
    /// Unwrap a key token.
    pub const UNWRAP_KEY: Self = Self::esign(EsignRights::BASE_SIGNING);
    /// Change the PIN.
    pub const CHANGE_PIN: Self = Self::esign(EsignRights::CHANGE_PIN);
    /// Unblock the PIN, with or without a new one.
    pub const UNBLOCK_PIN: Self = Self::esign(EsignRights::UNBLOCK_PIN);
    /// Activate or deactivate the PIN.
    pub const ACTIVATE_PIN: Self = Self::esign(EsignRights::ACTIVATE_PIN);

    /// Sign `count` times, as agreed with the holder.
    #[must_use]
    pub const fn signing(count: NonZeroU8) -> Self {
        Self { eid: None, esign: Some(EsignRights::BASE_SIGNING), signatures: Some(count) }
    }

    const fn esign(rights: EsignRights) -> Self {
        Self { eid: None, esign: Some(rights), signatures: None }
    }
}
