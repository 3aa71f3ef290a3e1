//! Refusals as deployed pages read them: a field `err` with a number, in an answer that HTTP calls a success. Beside it
//! stand our own code and, where the holder entered something wrong, the tries that are left.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use latchkey_agent::Failure;
use serde::Serialize;

use super::deployed::SELECT_AUTH;
use crate::desk::RequestFailure;
use crate::service::ServiceRefusal;

#[derive(Serialize)]
struct Refusal {
    err: String,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tries: Option<u8>,
}

/// The answer to a deployed page's request that is refused, at the address `path`.
pub(in crate::service) fn refuse(refusal: &ServiceRefusal, path: &str) -> Response {
    let tries = match refusal {
        ServiceRefusal::Request(RequestFailure::Card(failure)) => failure.tries_left(),
        _ => None,
    };
    let body = Refusal { err: err(refusal), code: refusal.code(), tries };
    (status(refusal, path), Json(body)).into_response()
}

/// What HTTP says: only what is no page's business at all is an error there. Whoever selects a request looks at nothing
/// else than whether it is one.
fn status(refusal: &ServiceRefusal, path: &str) -> StatusCode {
    match refusal {
        ServiceRefusal::Host
        | ServiceRefusal::OtherUser
        | ServiceRefusal::NoOrigin
        | ServiceRefusal::Origin
        | ServiceRefusal::NotScript
        | ServiceRefusal::ContentType
        | ServiceRefusal::BodySize
        | ServiceRefusal::NotFound
        | ServiceRefusal::Method
        | ServiceRefusal::Request(RequestFailure::SiteForbidden | RequestFailure::RefusedToday) => refusal.status(),
        refusal if path == SELECT_AUTH => refusal.status(),
        _ => StatusCode::OK,
    }
}

/// The number in `err`.
fn err(refusal: &ServiceRefusal) -> String {
    let number = match refusal {
        ServiceRefusal::ContentType
        | ServiceRefusal::BodySize
        | ServiceRefusal::Body
        | ServiceRefusal::TimeOut
        | ServiceRefusal::NotFound
        | ServiceRefusal::Method => MALFORMED,
        ServiceRefusal::Host
        | ServiceRefusal::OtherUser
        | ServiceRefusal::NoOrigin
        | ServiceRefusal::Origin
        | ServiceRefusal::NotScript
        | ServiceRefusal::RequestOfOtherSite => ORIGIN,
        ServiceRefusal::RequestUnknown | ServiceRefusal::RequestRepeated | ServiceRefusal::TerminalOrder => ORDER,
        ServiceRefusal::RequestUnverifiable => TERMINAL,
        ServiceRefusal::Request(failure) => return of_request(failure),
    };
    number.to_owned()
}

fn of_request(failure: &RequestFailure) -> String {
    let number = match failure {
        RequestFailure::Card(failure) => return of_card(failure),
        RequestFailure::HolderRefused | RequestFailure::HolderEnded => CANCELLED,
        RequestFailure::RefusedToday | RequestFailure::SiteForbidden => ORIGIN,
        RequestFailure::TakenBack | RequestFailure::TooManyRequests | RequestFailure::Stopping => ORDER,
        RequestFailure::Portal(_) | RequestFailure::Link(_) => MALFORMED,
    };
    number.to_owned()
}

fn of_card(failure: &Failure) -> String {
    let number = match failure {
        Failure::CardRefused { status } => return format!("{status:04X}"),
        Failure::TerminalMalformed => MALFORMED,
        Failure::NoService | Failure::ServiceFault { .. } | Failure::NoReader | Failure::UnknownReader { .. } => READER,
        Failure::ReaderGone => READER,
        Failure::NoCard
        | Failure::CardRemoved
        | Failure::SeveralCards { .. }
        | Failure::CardMute
        | Failure::CardUnsupported
        | Failure::OtherCard(_) => CARD,
        Failure::Cancelled | Failure::HolderSilent | Failure::NoPrompt => CANCELLED,
        Failure::PinWrong { .. } | Failure::Pin2Wrong { .. } | Failure::CanWrong | Failure::PukWrong { .. } => PASSWORD,
        Failure::PinBlocked
        | Failure::Pin2Blocked
        | Failure::PinDeactivated
        | Failure::PinDead
        | Failure::PinStatusChanged => BLOCKED,
        Failure::TerminalSessionIdle => ORDER,
        Failure::TerminalRejected | Failure::TerminalOfOtherSite | Failure::TerminalRequestOther => TERMINAL,
        Failure::TerminalActRefused => RIGHTS,
        _ => EXCHANGE,
    };
    number.to_owned()
}

/// No JSON, or a field that is missing or malformed.
const MALFORMED: &str = "1";
/// There is no reader.
const READER: &str = "2";
/// There is no card, or another one.
const CARD: &str = "3";
/// The holder said no, or nothing.
const CANCELLED: &str = "4";
/// A wrong password.
const PASSWORD: &str = "5";
/// A password that cannot be used.
const BLOCKED: &str = "6";
/// Nothing that fits what went before.
const ORDER: &str = "7";
/// The card's answer, or the protection of messages.
const EXCHANGE: &str = "8";
/// The terminal, or the request that it answers.
const TERMINAL: &str = "9";
/// Something that the holder did not agree to.
const RIGHTS: &str = "10";
/// The site.
const ORIGIN: &str = "11";

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers that pages are told, one failure each, by the codes of their own.
    #[test]
    fn every_number_has_its_causes() {
        let card = |failure| ServiceRefusal::Request(RequestFailure::Card(failure));
        let rows = [
            ("1", ServiceRefusal::Body, 200),
            ("1", card(Failure::TerminalMalformed), 200),
            ("2", card(Failure::NoReader), 200),
            ("3", card(Failure::NoCard), 200),
            ("3", card(Failure::CardRemoved), 200),
            ("4", card(Failure::Cancelled), 200),
            ("4", RequestFailure::HolderRefused.into(), 200),
            ("5", card(Failure::PinWrong { tries_left: 2 }), 200),
            ("5", card(Failure::Pin2Wrong { tries_left: 2 }), 200),
            ("6", card(Failure::PinBlocked), 200),
            ("6", card(Failure::Pin2Blocked), 200),
            ("7", ServiceRefusal::TerminalOrder, 200),
            ("7", card(Failure::TerminalSessionIdle), 200),
            ("8", card(Failure::CardClosedChannel), 200),
            ("9", card(Failure::TerminalRejected), 200),
            ("10", card(Failure::TerminalActRefused), 200),
            ("11", ServiceRefusal::Origin, 403),
            ("6A82", card(Failure::CardRefused { status: 0x6A82 }), 200),
        ];
        for (number, refusal, status) in rows {
            assert_eq!(err(&refusal), number, "{refusal:?}");
            assert_eq!(super::status(&refusal, "/api/v1/bauth").as_u16(), status, "{refusal:?}");
        }
    }
}
