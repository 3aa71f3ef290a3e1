//! Certificates and revocation lists with Bign, ECDSA and RSA keys: STB 34.101.19-2012, STB 34.101.78-2019, RFC 5280.
//!
//! One strict read of a certificate gives everything that is decided on: identity, key, key use, policies, dates. The
//! octets first pass a walk that refuses what is not DER, then the walk's own cursor reads the fields. `x509-parser` was
//! tried for that: it takes an INTEGER for an extension's identifier and does not tell a default that is written out, so
//! it only serves as one of the parsers that the tests compare with. `rustls-webpki` finds paths; what it leaves to its
//! caller is checked here: key use, extended key use, policies, the anchor's own certificate.

pub(crate) mod algorithm_identifier;
mod certificate;
pub(crate) mod der_walk;
mod extensions;
mod holder;
pub(crate) mod name;
mod object_identifier;
mod path;
mod path_algorithm;
mod public_key;
mod request;
mod revocation;
mod revocation_list;
mod revoked;
mod serial_number;
pub(crate) mod signed;
mod status_answer;
mod status_request;
pub(crate) mod tag;

pub use certificate::{CERTIFICATE_MAX_SIZE, Certificate, CertificateError};
pub use der_walk::{DerError, DerFault, is_printable};
pub use extensions::{BasicConstraints, KeyUsage};
pub use holder::{HolderIdentity, HolderIdentityError, InvalidPersonalNumber, PersonName, PersonalNumber};
pub use name::{DistinguishedName, NameError};
pub use object_identifier::{InvalidObjectIdentifier, ObjectIdentifier};
pub use path::{CertificatePath, CertificatePurpose, InvalidAnchor, PathError, TrustStore};
pub use public_key::{
    Curve, EllipticCurveKey, PublicKey, PublicKeyError, RSA_MAX_BITS, RSA_MIN_BITS, RsaKey, VerificationError,
};
pub use request::{CertificateRequest, CertificateRequestError};
pub use revocation::{RevocationData, RevocationEvidence, RevocationFault, RevocationLists, RevocationSources};
pub use revocation_list::{
    REVOCATION_LIST_MAX_ENTRIES, REVOCATION_LIST_MAX_SIZE, RevocationList, RevocationListError, VerifiedRevocationList,
};
pub use revoked::{Revocation, RevocationReason};
pub use serial_number::{SERIAL_NUMBER_MAX_SIZE, SerialNumber};
pub use status_answer::{
    CertificateStatus, STATUS_ANSWER_MAX_AGE, STATUS_ANSWER_MAX_SIZE, StatusAnswer, StatusAnswerError,
    VerifiedStatusAnswer,
};
pub use status_request::{STATUS_NONCE_SIZE, StatusRequest};
