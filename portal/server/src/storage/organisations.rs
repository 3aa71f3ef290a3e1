//! What is remembered of the organisations that people act for.

use super::Answer;
use crate::cabinet::{Barred, CabinetId, CabinetName, Knock};
use crate::organisation::{Binding, BindingId, OrganisationNumber};
use crate::token::TokenHash;

/// The memory of organisations. With a binding ends whatever it was told of: sessions go on as the person himself, what
/// sites were granted ends.
pub trait Organisations: Send + Sync {
    /// Binds an organisation to a cabinet, which is made if there is none. If it is bound already it only gets its names
    /// anew; whether it was not.
    fn bind<'a>(&'a self, knock: &'a Knock, binding: &'a Binding) -> Answer<'a, Result<bool, Barred>>;

    /// Takes an organisation away from a cabinet; whether it was bound.
    fn unbind<'a>(&'a self, cabinet: &'a CabinetName, organisation: &'a OrganisationNumber) -> Answer<'a, bool>;

    /// The organisations that are bound to a cabinet, by their numbers.
    fn bindings(&self, cabinet: CabinetId) -> Answer<'_, Vec<Binding>>;

    /// A binding, if there still is one with that name.
    fn binding(&self, binding: BindingId) -> Answer<'_, Option<Binding>>;

    /// Has the holder act for an organisation that is bound to the cabinet, or for nobody but himself, in a session of that
    /// cabinet; whether he does now.
    fn act_for<'a>(
        &'a self,
        session: &'a TokenHash,
        cabinet: CabinetId,
        organisation: Option<&'a OrganisationNumber>,
    ) -> Answer<'a, bool>;
}
