//! Certificates and revocation lists with Bign, ECDSA and RSA keys: STB 34.101.19-2012, STB 34.101.78-2019, RFC 5280.
//!
//! One strict read of a certificate gives everything that is decided on: identity, key, key use, policies, dates. The
//! octets first pass a walk that refuses what is not DER; `x509-parser` then reads the fixed part, the walk's cursor the
//! extensions and names, because defaults written out, named bits, repeated attributes and string types are told apart
//! only there. `rustls-webpki` finds paths; what it leaves to its caller is checked here: key use, extended key use,
//! policies, the dates of the anchor.

mod algorithm_identifier;
mod certificate;
mod der_walk;
mod extensions;
mod holder;
mod name;
mod object_identifier;
mod path;
mod public_key;
mod revocation;
mod revocation_list;
mod serial_number;
mod tag;

pub use certificate::{CERTIFICATE_MAX_SIZE, Certificate, CertificateError};
pub use der_walk::{DerError, DerFault};
pub use extensions::{BasicConstraints, KeyUsage};
pub use holder::{HolderIdentity, HolderIdentityError, InvalidPersonalNumber, PersonName, PersonalNumber};
pub use name::{DistinguishedName, NameError};
pub use object_identifier::{InvalidObjectIdentifier, ObjectIdentifier};
pub use path::{CertificatePath, CertificatePurpose, InvalidAnchor, PathError, TrustStore};
pub use public_key::{
    Curve, EllipticCurveKey, PublicKey, PublicKeyError, RSA_MAX_BITS, RSA_MIN_BITS, RsaKey, VerificationError,
};
pub use revocation::{RevocationData, RevocationEvidence, RevocationFault, RevocationLists};
pub use revocation_list::{
    REVOCATION_LIST_MAX_SIZE, Revocation, RevocationList, RevocationListError, RevocationReason, VerifiedRevocationList,
};
pub use serial_number::{SERIAL_NUMBER_MAX_SIZE, SerialNumber};
