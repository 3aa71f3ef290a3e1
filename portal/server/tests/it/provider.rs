//! The provider of OpenID Connect.

mod age;
mod assurance;
mod attacks;
mod clients;
mod conformance;
mod consent;
mod dpop;
mod flows;
pub(crate) mod grants;
mod languages;
mod logouts;
mod logouts_of_processes;
mod observation;
mod pushed;
mod registry;
mod requests;
mod signing_out;
mod site_host;
mod tokens;
pub(crate) mod world;
