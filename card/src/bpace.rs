//! BPACE as commands carry it: STB 34.101.79, clauses on MSE:Set AT and GENERAL AUTHENTICATE.
//!
//! Both roles use these objects: the client writes what the card reads and the other way round. The arithmetic and
//! the order of steps are each role's own.

use std::num::NonZeroU8;

use latchkey_crypto::bpace::{M1_SIZE, M2_SIZE, M3_SIZE, M4_SIZE};

use crate::profile::{Edition, RightsOrder};
use crate::rights::{Authority, CertHat, EidRights, EsignRights, TAG_CERT_HAT};
use crate::tlv::{Cursor, Tag, TlvError, TlvErrorKind, Writer};

pub(crate) const TAG_DYNAMIC_AUTHENTICATION_DATA: Tag = Tag::new(0x7C);
pub(crate) const TAG_MECHANISM: Tag = Tag::new(0x80);
const TAG_PASSWORD: Tag = Tag::new(0x83);
const TAG_SIGNATURES: Tag = Tag::new(0x53);

/// bake-bpace, 1.2.112.0.2.0.34.101.66.13.
const ID_BPACE: [u8; 9] = [0x2A, 0x70, 0x00, 0x02, 0x00, 0x22, 0x65, 0x42, 0x0D];

/// A message of GENERAL AUTHENTICATE: `7C { TAG message }` with a message of `SIZE` octets.
pub struct Message<const TAG: u32, const SIZE: usize>;

/// Command data of the first GENERAL AUTHENTICATE.
pub type M1 = Message<0x80, M1_SIZE>;
/// Response data of the first.
pub type M2 = Message<0x81, M2_SIZE>;
/// Command data of the second.
pub type M3 = Message<0x82, M3_SIZE>;
/// Response data of the second.
pub type M4 = Message<0x83, M4_SIZE>;

impl<const TAG: u32, const SIZE: usize> Message<TAG, SIZE> {
    /// The data object.
    #[must_use]
    pub fn encode(message: &[u8; SIZE]) -> Vec<u8> {
        let inner = Writer::new().object(Tag::new(TAG), &[message]).finish();
        Writer::new().object(TAG_DYNAMIC_AUTHENTICATION_DATA, &[&inner]).finish()
    }

    /// Reads the data object.
    ///
    /// # Errors
    /// [`TlvError`] if it is not exactly that.
    pub fn decode(octets: &[u8]) -> Result<[u8; SIZE], TlvError> {
        let mut cursor = Cursor::new(octets);
        let mut value = cursor.expect(TAG_DYNAMIC_AUTHENTICATION_DATA)?;
        cursor.finish()?;
        let message = value.expect(Tag::new(TAG))?.whole_array()?;
        value.finish()?;
        Ok(message)
    }
}

/// How many signatures one confirmation by PIN allows: object `53`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureCount {
    /// No object: one signature.
    Unstated,
    /// From 1 to 255.
    Limited(NonZeroU8),
    /// The octet 00: as many as the session lasts. Clients of ours never ask for it.
    Unlimited,
}

/// The command data of MSE:Set AT for BPACE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticationTemplate {
    octets: Vec<u8>,
    cert_hats: Vec<u8>,
    password_id: u8,
    eid: Option<EidRights>,
    esign: Option<EsignRights>,
    signatures: SignatureCount,
}

impl AuthenticationTemplate {
    /// The template for the password that the card names `password_id`, asking for `authority`.
    #[must_use]
    pub fn new(password_id: u8, authority: &Authority, order: RightsOrder) -> Self {
        let eid = authority.eid.map(|rights| CertHat::Eid(rights).to_octets()).unwrap_or_default();
        let esign = authority.esign.map(|rights| CertHat::Esign(rights).to_octets()).unwrap_or_default();
        let cert_hats = match order {
            RightsOrder::EidFirst => [eid, esign].concat(),
            RightsOrder::EsignFirst => [esign, eid].concat(),
        };
        let writer = Writer::new()
            .object(TAG_MECHANISM, &[&ID_BPACE])
            .object(TAG_PASSWORD, &[&[password_id]])
            .octets(&cert_hats);
        let (writer, signatures) = match authority.signatures {
            None => (writer, SignatureCount::Unstated),
            Some(count) => (writer.object(TAG_SIGNATURES, &[&[count.get()]]), SignatureCount::Limited(count)),
        };
        Self { octets: writer.finish(), cert_hats, password_id, eid: authority.eid, esign: authority.esign, signatures }
    }

    /// Reads the command data: the objects may stand in any order, each once; mechanism and password are mandatory.
    ///
    /// # Errors
    /// [`TlvError`] if they are anything else.
    pub fn parse(octets: &[u8]) -> Result<Self, TlvError> {
        let mut cursor = Cursor::new(octets);
        let (mut mechanism, mut password_id, mut signatures) = (None, None, None);
        let (mut eid, mut esign, mut cert_hats) = (None, None, Vec::new());
        while !cursor.is_empty() {
            let repeated = |tag| cursor.error(TlvErrorKind::Repeated(tag));
            let unexpected = |tag| cursor.error(TlvErrorKind::UnexpectedTag(tag));
            let mut after = cursor.clone();
            let object = after.object()?;
            let set_before = match object.tag {
                TAG_MECHANISM if object.value.rest() != ID_BPACE => {
                    return Err(object.value.error(TlvErrorKind::Value));
                }
                TAG_MECHANISM => mechanism.replace(()).is_some(),
                TAG_PASSWORD => password_id.replace(one_octet(&object.value)?).is_some(),
                TAG_SIGNATURES => signatures.replace(one_octet(&object.value)?).is_some(),
                TAG_CERT_HAT => {
                    cert_hats.extend_from_slice(object.whole);
                    match CertHat::parse_value(object.value)? {
                        CertHat::Eid(rights) => eid.replace(rights).is_some(),
                        CertHat::Esign(rights) => esign.replace(rights).is_some(),
                    }
                }
                other => return Err(unexpected(other)),
            };
            if set_before {
                return Err(repeated(object.tag));
            }
            cursor = after;
        }
        mechanism.ok_or(cursor.error(TlvErrorKind::Missing(TAG_MECHANISM)))?;
        Ok(Self {
            octets: octets.to_vec(),
            cert_hats,
            password_id: password_id.ok_or(cursor.error(TlvErrorKind::Missing(TAG_PASSWORD)))?,
            eid,
            esign,
            signatures: signatures.map_or(SignatureCount::Unstated, |count| {
                NonZeroU8::new(count).map_or(SignatureCount::Unlimited, SignatureCount::Limited)
            }),
        })
    }

    /// The command data as sent.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The client's hello that enters the BPACE keys.
    #[must_use]
    pub fn hello(&self, edition: Edition) -> &[u8] {
        match edition {
            Edition::Print2019 => &self.cert_hats,
            Edition::Errata2020 => &self.octets,
        }
    }

    /// How the card names the password.
    #[must_use]
    pub const fn password_id(&self) -> u8 {
        self.password_id
    }

    /// The rights wanted in eID; none if there is no CertHAT for it.
    #[must_use]
    pub fn eid_rights(&self) -> EidRights {
        self.eid.unwrap_or_default()
    }

    /// The rights wanted in eSign; none if there is no CertHAT for it.
    #[must_use]
    pub fn esign_rights(&self) -> EsignRights {
        self.esign.unwrap_or_default()
    }

    /// How many signatures one confirmation by PIN allows.
    #[must_use]
    pub const fn signatures(&self) -> SignatureCount {
        self.signatures
    }

    /// The CertHAT objects as sent, in their order.
    #[must_use]
    pub fn cert_hats(&self) -> &[u8] {
        &self.cert_hats
    }
}

fn one_octet(value: &Cursor<'_>) -> Result<u8, TlvError> {
    value.clone().whole_array::<1>().map(|[octet]| octet)
}
