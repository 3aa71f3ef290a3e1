//! The signed part of a certificate: what it says.

use super::certificate::Certificate;
use super::date::{Date, Period};
use super::error::{CertificateError, CertificateFault};
use super::name::Name;
use super::rights::{CertHat, EidRights, EsignRights, Rights, TAG_CERT_HAT};
use crate::belt;
use crate::bign::{PrivateKey, PublicKey};
use crate::tlv::{Cursor, Tag, Writer};

/// What a certificate says. Anybody can make one up: only a path ([`super::TrustAnchors`]) makes it true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateBody {
    /// Who issues it.
    pub authority: Name,
    /// Whom it speaks of.
    pub holder: Name,
    /// The holder's key.
    pub key: PublicKey,
    /// What it grants, without reserved bits. A word that is not written grants nothing.
    pub rights: Rights,
    /// When it is in force.
    pub period: Period,
}

pub(super) const TAG_BODY: Tag = Tag::new(0x7F4E);
const TAG_VERSION: Tag = Tag::new(0x5F29);
const TAG_AUTHORITY: Tag = Tag::new(0x42);
const TAG_KEY: Tag = Tag::new(0x7F49);
const TAG_OID: Tag = Tag::new(0x06);
const TAG_BIT_STRING: Tag = Tag::new(0x03);
const TAG_HOLDER: Tag = Tag::new(0x5F20);
const TAG_FROM: Tag = Tag::new(0x5F25);
const TAG_UNTIL: Tag = Tag::new(0x5F24);
const TAG_EXTENSIONS: Tag = Tag::new(0x65);
const TAG_EXTENSION: Tag = Tag::new(0x73);

const V1: u8 = 0;
const NO_UNUSED_BITS: u8 = 0;
/// bign-pubkey, 1.2.112.0.2.0.34.101.45.2.1.
const BIGN_PUBKEY: &[u8] = &[0x2A, 0x70, 0x00, 0x02, 0x00, 0x22, 0x65, 0x2D, 0x02, 0x01];
/// id-SignAuthExt, 1.2.112.0.2.0.34.101.79.8.1.
const ID_SIGN_AUTH_EXT: &[u8] = &[0x2A, 0x70, 0x00, 0x02, 0x00, 0x22, 0x65, 0x4F, 0x08, 0x01];

impl CertificateBody {
    /// The octets to be signed: the whole data object `7F4E`. A word of rights that grants nothing is not written.
    #[must_use]
    pub fn to_octets(&self) -> Vec<u8> {
        let key = Writer::new()
            .object(TAG_OID, &[BIGN_PUBKEY])
            .object(TAG_BIT_STRING, &[&[NO_UNUSED_BITS], self.key.octets()]);
        let mut fields = Writer::new()
            .object(TAG_VERSION, &[&[V1]])
            .object(TAG_AUTHORITY, &[self.authority.as_str().as_bytes()])
            .object(TAG_KEY, &[&key.finish()])
            .object(TAG_HOLDER, &[self.holder.as_str().as_bytes()]);
        if self.rights.eid != EidRights::NONE {
            fields = fields.octets(&CertHat::Eid(self.rights.eid).to_octets());
        }
        fields = fields
            .object(TAG_FROM, &[&self.period.from().octets()])
            .object(TAG_UNTIL, &[&self.period.until().octets()]);
        if self.rights.esign != EsignRights::NONE {
            let rights = CertHat::Esign(self.rights.esign).to_octets();
            let extension = Writer::new().object(TAG_OID, &[ID_SIGN_AUTH_EXT]).octets(&rights).finish();
            let extensions = Writer::new().object(TAG_EXTENSION, &[&extension]).finish();
            fields = fields.object(TAG_EXTENSIONS, &[&extensions]);
        }
        Writer::new().object(TAG_BODY, &[&fields.finish()]).finish()
    }

    /// Reads a whole body, the data object `7F4E`.
    ///
    /// # Errors
    /// [`CertificateError`] for anything else, octets behind it included.
    pub fn parse(octets: &[u8]) -> Result<Self, CertificateError> {
        let mut cursor = Cursor::new(octets);
        let fields = cursor.expect(TAG_BODY)?;
        cursor.finish()?;
        Self::read(fields)
    }

    /// A certificate with the issuer's signature, if the issuer has a key of level 128; a request, if the key is the
    /// holder's own.
    #[must_use]
    pub fn sign(&self, key: &PrivateKey) -> Certificate {
        let octets = self.to_octets();
        let signature = key.sign_hash(&belt::hash(&[&octets]));
        Certificate::assemble(self.clone(), octets, signature.to_vec())
    }

    /// Reads the value of the data object `7F4E`.
    pub(super) fn read(mut fields: Cursor<'_>) -> Result<Self, CertificateError> {
        let version = fields.expect(TAG_VERSION)?;
        if version.rest() != [V1] {
            return Err(CertificateFault::Version.at(&version));
        }
        let authority = read_name(&fields.expect(TAG_AUTHORITY)?)?;
        let key = read_key(fields.expect(TAG_KEY)?)?;
        let holder = read_name(&fields.expect(TAG_HOLDER)?)?;
        let eid = match fields.optional(TAG_CERT_HAT)? {
            Some(rights) => read_eid(rights)?,
            None => EidRights::NONE,
        };
        let from = read_date(fields.expect(TAG_FROM)?)?;
        let until_value = fields.expect(TAG_UNTIL)?;
        let until = read_date(until_value.clone())?;
        let period = Period::new(from, until).ok_or(CertificateFault::EndsBeforeItBegins.at(&until_value))?;
        let esign = match fields.optional(TAG_EXTENSIONS)? {
            Some(extensions) => read_extensions(extensions)?,
            None => EsignRights::NONE,
        };
        fields.finish()?;
        Ok(Self { authority, holder, key, rights: Rights { eid, esign }, period })
    }
}

fn read_name(value: &Cursor<'_>) -> Result<Name, CertificateError> {
    Name::parse(value.rest()).map_err(|error| CertificateFault::Name(error).at(value))
}

fn read_key(mut value: Cursor<'_>) -> Result<PublicKey, CertificateError> {
    let algorithm = value.expect(TAG_OID)?;
    let mut bits = value.expect(TAG_BIT_STRING)?;
    value.finish()?;
    if algorithm.rest() != BIGN_PUBKEY {
        return Err(CertificateFault::KeyAlgorithm.at(&algorithm));
    }
    let whole_octets = CertificateFault::KeyBits.at(&bits);
    if bits.octet()? != NO_UNUSED_BITS {
        return Err(whole_octets);
    }
    PublicKey::from_octets(bits.rest()).map_err(|error| CertificateFault::Key(error).at(&bits))
}

fn read_date(value: Cursor<'_>) -> Result<Date, CertificateError> {
    let octets = value.clone().whole_array()?;
    Date::from_octets(octets).map_err(|error| CertificateFault::Date(error).at(&value))
}

fn read_eid(value: Cursor<'_>) -> Result<EidRights, CertificateError> {
    let elsewhere = CertificateFault::RightsApplication.at(&value);
    match CertHat::parse_value(value)? {
        CertHat::Eid(rights) => Ok(rights),
        CertHat::Esign(_) => Err(elsewhere),
    }
}

/// The only extension there is: rights in eSign.
fn read_extensions(mut extensions: Cursor<'_>) -> Result<EsignRights, CertificateError> {
    let mut extension = extensions.expect(TAG_EXTENSION)?;
    extensions.finish()?;
    let identifier = extension.expect(TAG_OID)?;
    if identifier.rest() != ID_SIGN_AUTH_EXT {
        return Err(CertificateFault::Extension.at(&identifier));
    }
    let rights = extension.expect(TAG_CERT_HAT)?;
    extension.finish()?;
    let elsewhere = CertificateFault::RightsApplication.at(&rights);
    match CertHat::parse_value(rights)? {
        CertHat::Esign(rights) => Ok(rights),
        CertHat::Eid(_) => Err(elsewhere),
    }
}
