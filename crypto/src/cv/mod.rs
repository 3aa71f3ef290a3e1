//! Card-verifiable (CV) certificates: STB 34.101.79-2019.
//!
//! A terminal shows a card a path of them, and the card shows the terminal its own. They say who holds a key, for how
//! long, and what a terminal may do with a card; what a path grants is what *every* certificate on it grants, the trust
//! anchor's included.
//!
//! * [`Certificate`] and [`Request`] read octets, strictly; [`CertificateBody`] writes what is to be signed.
//! * [`TrustAnchors`] judges a path for somebody who has a clock. [`TrustedTerminal`] and [`TrustedCard`] come from there
//!   only.
//! * [`CardTrust`] is the judgement of a card, which has none.

mod body;
mod card_trust;
mod certificate;
mod date;
mod error;
mod name;
mod path;
mod request;
pub mod rights;

pub use body::CertificateBody;
pub use card_trust::{Accepted, CardTrust};
pub use certificate::Certificate;
pub use date::{Date, DateError, Period};
pub use error::{CertificateError, CertificateFault};
pub use name::{Name, NameError, Role};
pub use path::{PathError, TrustAnchor, TrustAnchors, TrustedAuthority, TrustedCard, TrustedTerminal};
pub use request::{Request, RequestError};
