//! Containers of software keys: PBES2 of PKCS #5 with PBKDF2 over hmac-hbelt and belt-keywrap256, as profiled by
//! STB 34.101.78-2019. What is inside is a private key of any level or a share of a secret
//! (STB 34.101.60-2014).
//!
//! A container comes from a file that may be hostile: its iteration count is checked before anything is computed, and
//! anything but the profile's own DER is refused.

use std::fmt;

use der::asn1::{Null, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Sequence};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::belt::{self, KEYWRAP_HEADER_SIZE};
use crate::bign::{Level, PrivateKey};
use crate::secret::{BeltKey, SecretOctets};

/// Fewest PBKDF2 iterations that the profile allows.
pub const FEWEST_ITERATIONS: u32 = 10_000;
/// Most iterations that are computed for a container: some seconds. A hostile file could ask for days.
pub const MOST_ITERATIONS: u32 = 1_000_000;

/// Octets of PBKDF2's salt in the profile.
const SALT_SIZE: usize = 8;
const HEADER: [u8; KEYWRAP_HEADER_SIZE] = [0; KEYWRAP_HEADER_SIZE];

const PBES2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.13");
const PBKDF2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.12");
const HMAC_HBELT: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.112.0.2.0.34.101.47.12");
const BELT_KEYWRAP256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.112.0.2.0.34.101.31.73");
const BIGN_PUBKEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.112.0.2.0.34.101.45.2.1");
const BIGN_CURVE256V1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.112.0.2.0.34.101.45.3.1");
const BIGN_CURVE384V1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.112.0.2.0.34.101.45.3.2");
const BIGN_CURVE512V1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.112.0.2.0.34.101.45.3.3");
const BELS_SHARE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.112.0.2.0.34.101.60.11");
const BELS_M0128V1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.112.0.2.0.34.101.60.2.1");
const BELS_M0192V1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.112.0.2.0.34.101.60.2.2");
const BELS_M0256V1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.112.0.2.0.34.101.60.2.3");

/// A container's password. Wiped on drop, unprintable.
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes a password over; its UTF-8 octets are what counts.
    #[must_use]
    pub const fn new(text: Zeroizing<String>) -> Self {
        Self(text)
    }

    /// The text, for a container of another kind than these.
    #[must_use]
    pub fn expose_for_container(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("hidden")
    }
}

/// What a container holds.
#[derive(Debug)]
pub enum Content {
    /// A private key of level 128.
    PrivateKey(PrivateKey),
    /// A private key of level 192, little-endian, 1 ≤ d < q. This crate computes nothing with it.
    PrivateKey192(SecretOctets<48>),
    /// A private key of level 256, little-endian, 1 ≤ d < q. This crate computes nothing with it.
    PrivateKey256(SecretOctets<64>),
    /// A share of a secret.
    Share(Share),
}

/// A share of a secret: its number, from 1 to 16, and as many octets as the secret has. Unprintable, wiped on drop.
pub struct Share {
    level: Level,
    /// number ‖ share
    octets: Zeroizing<Vec<u8>>,
}

impl Share {
    /// Reads number ‖ share. `None` unless the share has 16, 24 or 32 octets and the number is in range.
    #[must_use]
    pub fn from_octets(octets: &[u8]) -> Option<Self> {
        let level = Level::ALL.into_iter().find(|level| 1 + level.bits() / 8 == octets.len())?;
        let numbered = octets.first().is_some_and(|number| (1..=16).contains(number));
        numbered.then(|| Self { level, octets: Zeroizing::new(octets.to_vec()) })
    }

    /// The level of the shared secret: ℓ bits.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// number ‖ share, for the recovery of the secret.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.octets
    }

    const fn parameters(&self) -> ObjectIdentifier {
        match self.level {
            Level::L128 => BELS_M0128V1,
            Level::L192 => BELS_M0192V1,
            Level::L256 => BELS_M0256V1,
        }
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("hidden")
    }
}

/// Why a container was not opened or made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContainerError {
    /// Not the DER of a container, at this octet if known.
    #[error("the file is no key container of STB 34.101.78")]
    Malformed {
        /// Where reading stopped.
        offset: Option<u32>,
    },
    /// Another encryption scheme, derivation or salt size.
    #[error("the container is protected by algorithms outside STB 34.101.78")]
    OtherAlgorithms,
    /// The iteration count is below [`FEWEST_ITERATIONS`] or above [`MOST_ITERATIONS`].
    #[error("the container asks for {0} iterations")]
    Iterations(u32),
    /// The password is another one, or the container was altered.
    #[error("the container does not open with this password")]
    WrongPassword,
    /// What was inside is no Bign private key and no share.
    #[error("the container holds no Bign private key or share")]
    OtherContent,
}

impl ContainerError {
    /// The stable code of the cause.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "container-malformed",
            Self::OtherAlgorithms => "container-algorithms-unknown",
            Self::Iterations(_) => "container-iterations-out-of-range",
            Self::WrongPassword => "container-password-wrong",
            Self::OtherContent => "container-content-unknown",
        }
    }
}

impl From<der::Error> for ContainerError {
    fn from(error: der::Error) -> Self {
        Self::Malformed { offset: error.position().map(u32::from) }
    }
}

/// Opens a container.
///
/// # Errors
/// [`ContainerError`]; a hostile container costs [`MOST_ITERATIONS`] at most.
pub fn open(container: &[u8], password: &Password) -> Result<Content, ContainerError> {
    let EncryptedPrivateKeyInfo { encryption, data } = EncryptedPrivateKeyInfo::from_der(container)?;
    let derivation = &encryption.parameters.derivation.parameters;
    if encryption != Encryption::profiled(derivation.salt, derivation.iterations)
        || derivation.salt.as_bytes().len() != SALT_SIZE
    {
        return Err(ContainerError::OtherAlgorithms);
    }
    check_iterations(derivation.iterations)?;
    let key = protection_key(password, derivation.salt.as_bytes(), derivation.iterations);
    let opened = belt::keyunwrap(data.as_bytes(), &HEADER, &key).map_err(|_| ContainerError::WrongPassword)?;
    PrivateKeyInfo::from_der(&opened).ok().and_then(|info| info.content()).ok_or(ContainerError::OtherContent)
}

/// Makes a container with a new salt.
///
/// # Errors
/// [`ContainerError::Iterations`] if the count is out of range.
pub fn seal(
    content: &Content,
    password: &Password,
    iterations: u32,
    random: &mut dyn CryptoRng,
) -> Result<Vec<u8>, ContainerError> {
    check_iterations(iterations)?;
    let mut salt = [0; SALT_SIZE];
    random.fill_bytes(&mut salt);
    let key = protection_key(password, &salt, iterations);
    let info = Zeroizing::new(content.to_der()?);
    let data = belt::keywrap(&info, &HEADER, &key).map_err(|_| ContainerError::OtherContent)?;
    let encryption = Encryption::profiled(OctetStringRef::new(&salt)?, iterations);
    Ok(EncryptedPrivateKeyInfo { encryption, data: OctetStringRef::new(&data)? }.to_der()?)
}

fn check_iterations(iterations: u32) -> Result<(), ContainerError> {
    if (FEWEST_ITERATIONS..=MOST_ITERATIONS).contains(&iterations) {
        Ok(())
    } else {
        Err(ContainerError::Iterations(iterations))
    }
}

fn protection_key(password: &Password, salt: &[u8], iterations: u32) -> BeltKey {
    belt::pbkdf2(password.0.as_bytes(), salt, iterations)
}

impl Content {
    fn to_der(&self) -> Result<Vec<u8>, der::Error> {
        match self {
            Self::PrivateKey(key) => encoded(BIGN_PUBKEY, BIGN_CURVE256V1, key.expose_octets().as_slice()),
            Self::PrivateKey192(d) => encoded(BIGN_PUBKEY, BIGN_CURVE384V1, d.expose()),
            Self::PrivateKey256(d) => encoded(BIGN_PUBKEY, BIGN_CURVE512V1, d.expose()),
            Self::Share(share) => encoded(BELS_SHARE, share.parameters(), &share.octets),
        }
    }
}

fn encoded(oid: ObjectIdentifier, parameters: ObjectIdentifier, octets: &[u8]) -> Result<Vec<u8>, der::Error> {
    let algorithm = KeyAlgorithm { oid, parameters };
    PrivateKeyInfo { version: 0, algorithm, octets: OctetStringRef::new(octets)? }.to_der()
}

/// Takes a private key over if 1 ≤ d < q. The comparison takes the same time for every key.
fn in_range<const N: usize>(level: Level, octets: &[u8]) -> Option<SecretOctets<N>> {
    let d = SecretOctets::new(octets.try_into().ok()?);
    let mut borrow = 0;
    let mut any = 0;
    for (octet, of_q) in d.expose().iter().zip(level.order()) {
        borrow = (i16::from(*octet) - i16::from(of_q) + borrow) >> 8;
        any |= *octet;
    }
    (any != 0 && borrow != 0).then_some(d)
}

/// PKCS #8 EncryptedPrivateKeyInfo.
#[derive(Sequence)]
struct EncryptedPrivateKeyInfo<'a> {
    encryption: Encryption<'a>,
    data: &'a OctetStringRef,
}

#[derive(Sequence, PartialEq, Eq)]
struct Encryption<'a> {
    oid: ObjectIdentifier,
    parameters: Pbes2Parameters<'a>,
}

impl<'a> Encryption<'a> {
    /// The only form that the profile has.
    fn profiled(salt: &'a OctetStringRef, iterations: u32) -> Self {
        let pseudorandom_function = WithoutParameters { oid: HMAC_HBELT, parameters: Null };
        let parameters = Pbkdf2Parameters { salt, iterations, pseudorandom_function };
        Self {
            oid: PBES2,
            parameters: Pbes2Parameters {
                derivation: Derivation { oid: PBKDF2, parameters },
                scheme: WithoutParameters { oid: BELT_KEYWRAP256, parameters: Null },
            },
        }
    }
}

#[derive(Sequence, PartialEq, Eq)]
struct Pbes2Parameters<'a> {
    derivation: Derivation<'a>,
    scheme: WithoutParameters,
}

#[derive(Sequence, PartialEq, Eq)]
struct Derivation<'a> {
    oid: ObjectIdentifier,
    parameters: Pbkdf2Parameters<'a>,
}

#[derive(Sequence, PartialEq, Eq)]
struct Pbkdf2Parameters<'a> {
    salt: &'a OctetStringRef,
    iterations: u32,
    pseudorandom_function: WithoutParameters,
}

#[derive(Sequence, PartialEq, Eq)]
struct WithoutParameters {
    oid: ObjectIdentifier,
    parameters: Null,
}

/// PKCS #8 PrivateKeyInfo.
#[derive(Sequence)]
struct PrivateKeyInfo<'a> {
    version: u8,
    algorithm: KeyAlgorithm,
    octets: &'a OctetStringRef,
}

#[derive(Sequence)]
struct KeyAlgorithm {
    oid: ObjectIdentifier,
    parameters: ObjectIdentifier,
}

impl PrivateKeyInfo<'_> {
    fn content(&self) -> Option<Content> {
        let octets = self.octets.as_bytes();
        if self.version != 0 {
            return None;
        }
        if self.algorithm.oid == BELS_SHARE {
            let share = Share::from_octets(octets)?;
            let expected = share.parameters();
            return (self.algorithm.parameters == expected).then_some(Content::Share(share));
        }
        if self.algorithm.oid != BIGN_PUBKEY {
            return None;
        }
        match self.algorithm.parameters {
            BIGN_CURVE256V1 => {
                let d = SecretOctets::<32>::new(octets.try_into().ok()?);
                PrivateKey::from_octets(d.expose()).map(Content::PrivateKey)
            }
            BIGN_CURVE384V1 => in_range(Level::L192, octets).map(Content::PrivateKey192),
            BIGN_CURVE512V1 => in_range(Level::L256, octets).map(Content::PrivateKey256),
            _ => None,
        }
    }
}
