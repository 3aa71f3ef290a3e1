//! The provider of OpenID Connect, apart from HTTP: other sites learn who is signed in here, and how sure that is. Its
//! issuer is the public origin.
//!
//! | Room | What it does |
//! |---|---|
//! | [`assurance`] | names of assurance levels and of ways to sign in; which level a site demands |
//! | [`clients`] | the sites that may ask |
//! | [`dpop`] | how a site proves that it holds the key which its tokens are bound to |
//! | [`error`] | what protocol errors are called |
//! | [`jws`] | signed tokens, and the keys for them |
//! | [`logout`] | where and how sites are told that a person has signed out |
//! | [`parameters`] | the parameters of a request, each at most once |
//! | [`pending`] | requests that wait in the browser while its visitor signs in |
//! | [`proof`] | how a site proves who it is |
//! | [`reach`] | which addresses are called for sites |
//! | [`registered`] | sites and keys in files, taken anew when they change |
//! | [`registration`] | adding a site to the file |
//! | [`request`] | what a site asks for, and what is to be done next |
//! | [`scope`] | what a site may learn of a person |
//! | [`Provider`] | all of it together, with the database |
//! | [`subject`] | who a person is to a site |
//! | [`telling`] | telling sites as long as the service runs |
//! | [`ticket_keys`] | the keys that tickets are signed with |
//! | [`tickets`] | what tickets say |

pub mod assurance;
pub mod clients;
pub mod dpop;
pub mod error;
pub mod jws;
pub mod logout;
pub mod parameters;
pub mod pending;
pub mod proof;
pub mod reach;
pub mod registered;
pub mod registration;
pub mod request;
pub mod scope;
mod service;
pub mod subject;
pub mod telling;
pub mod ticket_keys;
pub mod tickets;

pub use service::{ACCESS_LIFETIME, CODE_LIFETIME, Provider, ProviderMaterial};
pub(crate) use service::{Failure, NotShown, PUSHED_LIFETIME, Shown, SignedIn, Step, TokenSet, Waiting, counts_again};
