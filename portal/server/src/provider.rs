//! The provider of OpenID Connect, apart from HTTP: other sites learn who is signed in here, and how sure that is.
//!
//! | Room | What it does |
//! |---|---|
//! | [`assurance`] | names of assurance levels and of ways to sign in; which level a site demands |

pub mod assurance;
