//! The provider of OpenID Connect.

mod assurance;
