//! Signed tokens in the compact form (RFC 7515), by ES256 or RS256 (RFC 7518) and nothing else: the key says which
//! algorithm it is for, never the token.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{HasPublic, Id, PKey, PKeyRef, Private, Public};
use openssl::rsa::Rsa;
use openssl::sha::sha256;
use openssl::sign::{Signer, Verifier};
use openssl::symm::Cipher;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// Most characters of a signed token.
pub const JWS_MAX_SIZE: usize = 4096;
/// Octets of each half of a signature by ES256, and of a coordinate.
const HALF: usize = 32;
/// The sizes that an RSA key may have, in bits: below, it can be broken; above, checking it takes too long.
const RSA_SIZES: std::ops::RangeInclusive<u32> = 2048..=4096;
/// Bits of an RSA key that is drawn here.
const RSA_SIZE: u32 = 3072;
/// The public exponent that every RSA key must have.
const RSA_EXPONENT: u32 = 65_537;

/// Members of private and of secret keys (RFC 7518, clauses 6.2.2, 6.3.2 and 6.4).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A way to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, which every site understands.
    Rs256,
}

/// A text that names no [`Algorithm`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be \"ES256\" or \"RS256\"")]
pub struct UnknownAlgorithm;

/// A key that signs tokens.
pub trait TicketKey: Send + Sync {
    /// The public half.
    fn public(&self) -> &VerificationKey;

    /// Signs, in the form that tokens carry.
    ///
    /// # Errors
    /// [`SigningFailed`].
    fn sign(&self, input: &[u8]) -> Result<Vec<u8>, SigningFailed>;
}

/// The key does not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key for tickets does not sign")]
pub struct SigningFailed;

/// A public key, and the one algorithm that it is for.
#[derive(Clone)]
pub struct VerificationKey {
    key: PKey<Public>,
    algorithm: Algorithm,
    id: String,
    jwk: Value,
}

/// A private key from a file.
pub struct FileKey {
    key: PKey<Private>,
    public: VerificationKey,
}

/// Why a key is not usable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "is no key in PEM, or not with this password, that is of the curve P-256, or of RSA with 2048 to 4096 bits and the exponent 65537"
)]
pub struct KeyError;

/// Why a signed token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// It is no token of this form, or too long.
    #[error("is no signed token")]
    Malformed,
    /// Another algorithm than those two, `none` among them.
    #[error("is signed by another algorithm")]
    Algorithm,
    /// It demands what nobody here understands (RFC 7515, clause 4.1.11).
    #[error("demands an extension")]
    Extension,
    /// It names no key that is registered for its algorithm.
    #[error("names an unknown key")]
    Key,
    /// The signature is wrong.
    #[error("has a wrong signature")]
    Signature,
}

#[derive(Serialize)]
struct HeaderOut<'a> {
    alg: &'static str,
    typ: &'static str,
    kid: &'a str,
}

#[derive(Deserialize)]
struct HeaderIn {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    jwk: Option<Value>,
    crit: Option<Value>,
    b64: Option<Value>,
}

/// A token that was taken apart, of which nothing is known to be true yet.
struct TakenApart<'t> {
    header: HeaderIn,
    algorithm: Algorithm,
    claims: &'t str,
    input: &'t str,
    signature: Vec<u8>,
}

impl Algorithm {
    /// Both, as the discovery document lists them.
    pub const ALL: [Self; 2] = [Self::Es256, Self::Rs256];

    /// The registered name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name).ok_or(UnknownAlgorithm)
    }
}

impl VerificationKey {
    /// Reads a public key: PEM, `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        PKey::public_key_from_pem(pem).map_err(|_| KeyError).and_then(Self::new)
    }

    /// Reads a public key in the form that others are given it (RFC 7517). One with a private half is refused.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_jwk(jwk: &Value) -> Result<Self, KeyError> {
        if PRIVATE_MEMBERS.iter().any(|member| jwk.get(member).is_some()) {
            return Err(KeyError);
        }
        let text = |name: &str| jwk.get(name).and_then(Value::as_str).ok_or(KeyError);
        let octets = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).map_err(|_| KeyError);
        let key = match text("kty")? {
            "EC" if text("crv")? == "P-256" => ec_key(&octets("x")?, &octets("y")?),
            "RSA" => rsa_key(&octets("n")?, &octets("e")?),
            _ => return Err(KeyError),
        };
        key.map_err(|_| KeyError).and_then(Self::new)
    }

    fn new(key: PKey<Public>) -> Result<Self, KeyError> {
        let (algorithm, members) = members(&key).map_err(|_| KeyError)?.ok_or(KeyError)?;
        // The members in the order that RFC 7638 prescribes, which is also that of this map.
        let id = URL_SAFE_NO_PAD.encode(sha256(members.to_string().as_bytes()));
        let mut jwk = members;
        for (name, value) in [("use", "sig"), ("alg", algorithm.name()), ("kid", &id)] {
            if let Some(members) = jwk.as_object_mut() {
                members.insert(name.to_owned(), Value::from(value));
            }
        }
        Ok(Self { key, algorithm, id, jwk })
    }

    /// The key's name: its thumbprint (RFC 7638) in base64url.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it is for.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key as others read it (RFC 7517).
    #[must_use]
    pub const fn jwk(&self) -> &Value {
        &self.jwk
    }

    fn accepts(&self, input: &[u8], signature: &[u8]) -> Result<bool, ErrorStack> {
        match self.algorithm {
            Algorithm::Es256 => {
                let Some((r, s)) = signature.split_at_checked(HALF).filter(|(_, s)| s.len() == HALF) else {
                    return Ok(false);
                };
                let signature = EcdsaSig::from_private_components(BigNum::from_slice(r)?, BigNum::from_slice(s)?)?;
                signature.verify(&sha256(input), &*self.key.ec_key()?)
            }
            Algorithm::Rs256 => {
                let mut verifier = Verifier::new(MessageDigest::sha256(), &self.key)?;
                verifier.verify_oneshot(signature, input)
            }
        }
    }
}

impl FileKey {
    /// Reads a private key: PEM, PKCS #8, without a password.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        Self::from_pem_with(pem, None)
    }

    /// Reads a private key: PEM, PKCS #8, encrypted perhaps.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_pem_with(pem: &[u8], password: Option<&str>) -> Result<Self, KeyError> {
        // Without an answer here the library would ask for a password at the terminal.
        let key = PKey::private_key_from_pem_callback(pem, |room| {
            let password = password.map(str::as_bytes).ok_or_else(ErrorStack::get)?;
            let (to, _) = room.split_at_mut_checked(password.len()).ok_or_else(ErrorStack::get)?;
            to.copy_from_slice(password);
            Ok(password.len())
        });
        let key = key.map_err(|_| KeyError)?;
        let public = key.public_key_to_der().and_then(|der| PKey::public_key_from_der(&der)).map_err(|_| KeyError)?;
        Ok(Self { public: VerificationKey::new(public)?, key })
    }

    /// Draws a key. Where from is the library's affair.
    ///
    /// # Errors
    /// What the library says.
    pub fn draw(algorithm: Algorithm) -> Result<Self, ErrorStack> {
        let key = match algorithm {
            Algorithm::Es256 => {
                PKey::from_ec_key(EcKey::generate(&*EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?)?)?
            }
            Algorithm::Rs256 => PKey::from_rsa(Rsa::generate(RSA_SIZE)?)?,
        };
        let public = PKey::public_key_from_der(&key.public_key_to_der()?)?;
        Ok(Self { public: VerificationKey::new(public).map_err(|KeyError| ErrorStack::get())?, key })
    }

    /// Whether it signs by that algorithm.
    #[must_use]
    pub fn is_for(&self, algorithm: Algorithm) -> bool {
        self.public.algorithm == algorithm
    }

    /// The key for its file: PEM, PKCS #8, encrypted if there is something to do it with.
    ///
    /// # Errors
    /// What the library says.
    pub fn to_pem(&self, encryption: Option<(Cipher, &str)>) -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
        let pem = match encryption {
            None => self.key.private_key_to_pem_pkcs8(),
            Some((cipher, password)) => self.key.private_key_to_pem_pkcs8_passphrase(cipher, password.as_bytes()),
        };
        pem.map(Zeroizing::new)
    }
}

impl TicketKey for FileKey {
    fn public(&self) -> &VerificationKey {
        &self.public
    }

    fn sign(&self, input: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        signature(self.public.algorithm, &self.key, input).map_err(|_| SigningFailed)
    }
}

fn signature(algorithm: Algorithm, key: &PKeyRef<Private>, input: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    match algorithm {
        Algorithm::Es256 => {
            let signature = EcdsaSig::sign(&sha256(input), &*key.ec_key()?)?;
            let size = i32::try_from(HALF).unwrap_or(i32::MAX);
            Ok([signature.r().to_vec_padded(size)?, signature.s().to_vec_padded(size)?].concat())
        }
        Algorithm::Rs256 => Signer::new(MessageDigest::sha256(), key)?.sign_oneshot_to_vec(input),
    }
}

/// Signs claims.
///
/// # Errors
/// [`SigningFailed`].
pub fn sign(key: &dyn TicketKey, kind: &'static str, claims: &Value) -> Result<String, SigningFailed> {
    let public = key.public();
    let header = HeaderOut { alg: public.algorithm().name(), typ: kind, kid: public.id() };
    let header = serde_json::to_vec(&header).map_err(|_| SigningFailed)?;
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = key.sign(input.as_bytes())?;
    Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// The claims of a token that one of the keys signed: the one that it names, or any of its algorithm if it names none.
/// What else the header says of keys is not looked at.
///
/// # Errors
/// [`JwsError`].
pub fn verify<'k>(token: &str, keys: impl IntoIterator<Item = &'k VerificationKey>) -> Result<Value, JwsError> {
    let TakenApart { header, algorithm, claims, input, signature } = TakenApart::of(token)?;
    let is_meant =
        |key: &&VerificationKey| key.algorithm == algorithm && header.kid.as_ref().is_none_or(|id| key.id() == id);
    let mut keys = keys.into_iter().filter(is_meant).peekable();
    if keys.peek().is_none() {
        return Err(JwsError::Key);
    }
    if keys.any(|key| key.accepts(input.as_bytes(), &signature).unwrap_or(false)) {
        object(claims)
    } else {
        Err(JwsError::Signature)
    }
}

/// The key that a token of that type brings along, and the claims that it has signed. Who holds the key has made the token;
/// nothing more is known of him.
///
/// # Errors
/// [`JwsError`].
pub fn self_signed(token: &str, kind: &str) -> Result<(VerificationKey, Value), JwsError> {
    let TakenApart { header, algorithm, claims, input, signature } = TakenApart::of(token)?;
    if header.typ.as_deref() != Some(kind) {
        return Err(JwsError::Malformed);
    }
    let key = header.jwk.as_ref().map(VerificationKey::from_jwk);
    let key = key.and_then(Result::ok).filter(|key| key.algorithm == algorithm).ok_or(JwsError::Key)?;
    if !key.accepts(input.as_bytes(), &signature).unwrap_or(false) {
        return Err(JwsError::Signature);
    }
    Ok((key, object(claims)?))
}

impl<'t> TakenApart<'t> {
    fn of(token: &'t str) -> Result<Self, JwsError> {
        if token.len() > JWS_MAX_SIZE {
            return Err(JwsError::Malformed);
        }
        let (input, signature) = token.rsplit_once('.').ok_or(JwsError::Malformed)?;
        let (header, claims) = input.split_once('.').ok_or(JwsError::Malformed)?;
        let header: HeaderIn = object(header)?;
        let algorithm: Algorithm = header.alg.parse().map_err(|_| JwsError::Algorithm)?;
        if header.crit.is_some() || header.b64.is_some() {
            return Err(JwsError::Extension);
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| JwsError::Malformed)?;
        Ok(Self { header, algorithm, claims, input, signature })
    }
}

/// The claims of a token of which nobody knows yet who signed it: good for finding out whose keys to ask, for nothing
/// else.
///
/// # Errors
/// [`JwsError::Malformed`].
pub(super) fn unverified(token: &str) -> Result<Value, JwsError> {
    if token.len() > JWS_MAX_SIZE {
        return Err(JwsError::Malformed);
    }
    token.split('.').nth(1).ok_or(JwsError::Malformed).and_then(object)
}

/// An object of JSON in base64url.
fn object<T: for<'de> Deserialize<'de>>(encoded: &str) -> Result<T, JwsError> {
    let text = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| JwsError::Malformed)?;
    if !text.starts_with(b"{") {
        return Err(JwsError::Malformed);
    }
    serde_json::from_slice(&text).map_err(|_| JwsError::Malformed)
}

/// What the key is for, and the members of its JSON form that make it this key; nothing if it is of another kind.
fn members(key: &PKeyRef<Public>) -> Result<Option<(Algorithm, Value)>, ErrorStack> {
    match key.id() {
        Id::EC => {
            let key = key.ec_key()?;
            if key.group().curve_name() != Some(Nid::X9_62_PRIME256V1) || key.check_key().is_err() {
                return Ok(None);
            }
            let [x, y] = coordinates(&key)?;
            Ok(Some((Algorithm::Es256, json!({"crv": "P-256", "kty": "EC", "x": x, "y": y}))))
        }
        Id::RSA => {
            let key = key.rsa()?;
            let is_usual = *key.e() == *BigNum::from_u32(RSA_EXPONENT)?;
            if !is_usual || !u32::try_from(key.n().num_bits()).is_ok_and(|size| RSA_SIZES.contains(&size)) {
                return Ok(None);
            }
            let [e, n] = [key.e(), key.n()].map(|number| URL_SAFE_NO_PAD.encode(number.to_vec()));
            Ok(Some((Algorithm::Rs256, json!({"e": e, "kty": "RSA", "n": n}))))
        }
        _ => Ok(None),
    }
}

/// Fails for a point that is not on the curve.
fn ec_key(x: &[u8], y: &[u8]) -> Result<PKey<Public>, ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    let (x, y) = (BigNum::from_slice(x)?, BigNum::from_slice(y)?);
    PKey::from_ec_key(EcKey::from_public_key_affine_coordinates(&group, &x, &y)?)
}

fn rsa_key(n: &[u8], e: &[u8]) -> Result<PKey<Public>, ErrorStack> {
    PKey::from_rsa(Rsa::from_public_components(BigNum::from_slice(n)?, BigNum::from_slice(e)?)?)
}

fn coordinates<T: HasPublic>(key: &openssl::ec::EcKeyRef<T>) -> Result<[String; 2], ErrorStack> {
    let (mut x, mut y, mut context) = (BigNum::new()?, BigNum::new()?, BigNumContext::new()?);
    key.public_key().affine_coordinates(key.group(), &mut x, &mut y, &mut context)?;
    let size = i32::try_from(HALF).unwrap_or(i32::MAX);
    Ok([URL_SAFE_NO_PAD.encode(x.to_vec_padded(size)?), URL_SAFE_NO_PAD.encode(y.to_vec_padded(size)?)])
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.algorithm.name(), self.id)
    }
}
