//! BAUTH as commands carry it: STB 34.101.79, clauses on MSE:Set AT, PSO:Verify Certificate, GENERAL AUTHENTICATE and
//! MSE:Set CS.
//!
//! Card, client and terminal use these objects: each writes what another reads. The arithmetic and the order of steps
//! are each role's own.

mod auxiliary;

pub use auxiliary::{Auxiliary, AuxiliaryAttribute, Day, RegionCode, TAG_AUXILIARY};

use latchkey_crypto::bauth::{M1_SIZE, M2_BILATERAL_SIZE, M2_UNILATERAL_SIZE};
use latchkey_crypto::belt;
use latchkey_crypto::cv::{Certificate, CertificateError};

use crate::bpace::{Message, TAG_DYNAMIC_AUTHENTICATION_DATA, TAG_MECHANISM};
use crate::profile::TerminalHello;
use crate::tlv::{Cursor, Tag, TlvError, TlvErrorKind, Writer};

pub use latchkey_crypto::bauth::Mode;

const TAG_REQUEST_HASH: Tag = Tag::new(0x85);
const TAG_M3: Tag = Tag::new(0x82);
const TAG_CERTIFICATE: Tag = Tag::new(0x7F21);
const TAG_CHANNEL_TEMPLATE: Tag = Tag::new(0xE1);
const TAG_CHANNEL: Tag = Tag::new(0x81);

/// btok-bauth, 1.2.112.0.2.0.34.101.79.11.
const ID_BILATERAL: [u8; 9] = [0x2A, 0x70, 0x00, 0x02, 0x00, 0x22, 0x65, 0x4F, 0x0B];
/// btok-bauth1, 1.2.112.0.2.0.34.101.79.12.
const ID_UNILATERAL: [u8; 9] = [0x2A, 0x70, 0x00, 0x02, 0x00, 0x22, 0x65, 0x4F, 0x0C];

/// Response data of the first GENERAL AUTHENTICATE.
pub type M1 = Message<0x80, M1_SIZE>;
/// Command data of the second in the unilateral mode.
pub type UnilateralM2 = Message<0x81, M2_UNILATERAL_SIZE>;
/// Command data of the second in the bilateral mode.
pub type BilateralM2 = Message<0x81, M2_BILATERAL_SIZE>;

/// Response data of the second GENERAL AUTHENTICATE in the bilateral mode, as long as the card's certificate makes it:
/// `7C { 82 M3 }`.
pub struct M3;

impl M3 {
    /// The data object.
    #[must_use]
    pub fn encode(message: &[u8]) -> Vec<u8> {
        let inner = Writer::new().object(TAG_M3, &[message]).finish();
        Writer::new().object(TAG_DYNAMIC_AUTHENTICATION_DATA, &[&inner]).finish()
    }

    /// Reads the data object.
    ///
    /// # Errors
    /// [`TlvError`] if it is not exactly that.
    pub fn decode(octets: &[u8]) -> Result<&[u8], TlvError> {
        let mut cursor = Cursor::new(octets);
        let mut value = cursor.expect(TAG_DYNAMIC_AUTHENTICATION_DATA)?;
        cursor.finish()?;
        let message = value.expect(TAG_M3)?;
        value.finish()?;
        Ok(message.rest())
    }
}

/// The command data of MSE:Set AT for BAUTH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerminalTemplate {
    octets: Vec<u8>,
    mode: Mode,
    request_hash: Option<[u8; belt::HASH_SIZE]>,
    auxiliary: Option<Auxiliary>,
}

impl TerminalTemplate {
    /// The template for this mode, bound to the belt-hash of an authentication request, with questions that the card
    /// will answer.
    #[must_use]
    pub fn new(mode: Mode, request_hash: Option<[u8; belt::HASH_SIZE]>, auxiliary: Option<Auxiliary>) -> Self {
        let mechanism = match mode {
            Mode::Unilateral => ID_UNILATERAL,
            Mode::Bilateral => ID_BILATERAL,
        };
        let mut writer = Writer::new().object(TAG_MECHANISM, &[&mechanism]);
        if let Some(hash) = request_hash {
            writer = writer.object(TAG_REQUEST_HASH, &[&hash]);
        }
        if let Some(auxiliary) = &auxiliary {
            writer = writer.octets(&auxiliary.to_octets());
        }
        Self { octets: writer.finish(), mode, request_hash, auxiliary }
    }

    /// Reads the command data: the objects may stand in any order, each once; the mechanism is mandatory.
    ///
    /// # Errors
    /// [`TlvError`] if they are anything else.
    pub fn parse(octets: &[u8]) -> Result<Self, TlvError> {
        let mut cursor = Cursor::new(octets);
        let (mut mode, mut request_hash, mut auxiliary) = (None, None, None);
        while !cursor.is_empty() {
            let here = cursor.clone();
            let object = cursor.object()?;
            let set_before = match object.tag {
                TAG_MECHANISM => mode.replace(mode_of(&object.value)?).is_some(),
                TAG_REQUEST_HASH => request_hash.replace(object.value.whole_array()?).is_some(),
                TAG_AUXILIARY => auxiliary.replace(Auxiliary::parse_value(object.value)?).is_some(),
                other => return Err(here.error(TlvErrorKind::UnexpectedTag(other))),
            };
            if set_before {
                return Err(here.error(TlvErrorKind::Repeated(object.tag)));
            }
        }
        let mode = mode.ok_or(cursor.error(TlvErrorKind::Missing(TAG_MECHANISM)))?;
        Ok(Self { octets: octets.to_vec(), mode, request_hash, auxiliary })
    }

    /// The command data as sent.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Who proves himself.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// The belt-hash of the authentication request that this belongs to.
    #[must_use]
    pub const fn request_hash(&self) -> Option<&[u8; belt::HASH_SIZE]> {
        self.request_hash.as_ref()
    }

    /// What the card is asked beyond its data groups.
    #[must_use]
    pub const fn auxiliary(&self) -> Option<&Auxiliary> {
        self.auxiliary.as_ref()
    }

    /// The terminal's hello that enters the BAUTH keys. `cert_hats` are the CertHAT objects of the MSE:Set AT that
    /// opened the client's channel, in their order. Without a request the editions of 2019 leave it empty. A wrong
    /// edition looks like a wrong key of the terminal and touches no counter.
    #[must_use]
    pub fn hello(&self, edition: TerminalHello, cert_hats: &[u8]) -> Vec<u8> {
        match (edition, &self.request_hash) {
            (TerminalHello::TemplateAndCertHats, _) => [&self.octets, cert_hats].concat(),
            (TerminalHello::RequestHash | TerminalHello::RequestHashObject, None) => Vec::new(),
            (TerminalHello::RequestHash, Some(hash)) => hash.to_vec(),
            (TerminalHello::RequestHashObject, Some(hash)) => Writer::new().object(TAG_REQUEST_HASH, &[hash]).finish(),
        }
    }
}

fn mode_of(value: &Cursor<'_>) -> Result<Mode, TlvError> {
    if value.rest() == ID_BILATERAL {
        Ok(Mode::Bilateral)
    } else if value.rest() == ID_UNILATERAL {
        Ok(Mode::Unilateral)
    } else {
        Err(value.error(TlvErrorKind::Value))
    }
}

/// The channel that is active between a card and the other two: the object of MSE:Set CS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActiveChannel {
    /// The client program's.
    Client,
    /// The terminal's.
    Terminal,
}

impl ActiveChannel {
    /// The command data of MSE:Set CS: `E1 { 81 00 | 01 }`.
    #[must_use]
    pub const fn to_octets(self) -> [u8; 5] {
        let number = match self {
            Self::Client => 0,
            Self::Terminal => 1,
        };
        [0xE1, 3, 0x81, 1, number]
    }

    /// Reads the command data.
    ///
    /// # Errors
    /// [`TlvError`] if they are anything else.
    pub fn parse(octets: &[u8]) -> Result<Self, TlvError> {
        let mut cursor = Cursor::new(octets);
        let mut template = cursor.expect(TAG_CHANNEL_TEMPLATE)?;
        cursor.finish()?;
        let value = template.expect(TAG_CHANNEL)?;
        template.finish()?;
        match value.rest() {
            [0] => Ok(Self::Client),
            [1] => Ok(Self::Terminal),
            _ => Err(value.error(TlvErrorKind::Value)),
        }
    }
}

/// The most certificates that a terminal shows: a link, an authority's and its own.
pub const MOST_CERTIFICATES: usize = 3;

/// Why octets are not the certificates of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TerminalCertificatesFault {
    /// No certificate at all.
    #[error("no certificate")]
    None,
    /// More than [`MOST_CERTIFICATES`].
    #[error("too many certificates")]
    TooMany,
    /// Something that is no certificate.
    #[error("the certificate number {number} of the terminal: {error}")]
    Certificate {
        /// Which one, from 1.
        number: usize,
        /// Why it is none. Its offset counts from its beginning.
        error: CertificateError,
    },
}

/// Reads the certificates that a terminal shows, its own last: one after another, each the whole data object `7F21` or
/// only its value.
///
/// # Errors
/// [`TerminalCertificatesFault`] for anything else. Nothing is verified yet.
pub fn terminal_certificates(octets: &[u8]) -> Result<Vec<Certificate>, TerminalCertificatesFault> {
    let mut cursor = Cursor::new(octets);
    let mut certificates = Vec::new();
    while !cursor.is_empty() {
        if certificates.len() == MOST_CERTIFICATES {
            return Err(TerminalCertificatesFault::TooMany);
        }
        let read = next_certificate(&mut cursor);
        let number = certificates.len().saturating_add(1);
        certificates.push(read.map_err(|error| TerminalCertificatesFault::Certificate { number, error })?);
    }
    if certificates.is_empty() { Err(TerminalCertificatesFault::None) } else { Ok(certificates) }
}

fn next_certificate(cursor: &mut Cursor<'_>) -> Result<Certificate, CertificateError> {
    let first = cursor.object()?;
    if first.tag == TAG_CERTIFICATE {
        return Certificate::parse(first.whole);
    }
    let second = cursor.object()?;
    Certificate::parse_contents(&[first.whole, second.whole].concat())
}
