//! Terminal sessions as pages of portals drive them: at the addresses and with the words of the pages that are deployed
//! today, and at this program's own for signed requests.

mod answer;
mod deployed;
mod renewal;
mod revocation;
mod sessions;
mod signed_request;
mod ticket;

pub use sessions::{REQUEST_WAITS, WAITING_REQUESTS, WaitingRequest};
pub use signed_request::{
    Purposes, REQUEST_ORIGINS_MAX_COUNT, SelectedRequest, SignedRequest, TicketRequest, Unverifiable,
};

pub(super) use answer::refuse;
pub(super) use deployed::{is_deployed, routes};
pub(super) use renewal::{__path_confirm, __path_renew};
pub(super) use renewal::{confirm, renew};
pub(super) use revocation::RequestLists;
pub(super) use sessions::Sessions;
pub(super) use ticket::{__path_close, __path_ticket};
pub(super) use ticket::{close, ticket};

/// Most octets of a body: a command of the longest form, in base64.
pub const TERMINAL_BODY_MAX_SIZE: usize = 128 * 1024;
