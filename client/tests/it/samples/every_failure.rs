//! One of every failure that a screen can show.

use latchkey_agent::{Failure, OtherCard, SecretKind};
use latchkey_client::app::snapshot;
use latchkey_client::desk::RequestFailure;
use latchkey_client::portal::PortalFailure;
use latchkey_client::service::{PortOwner, ServiceFailure};
use latchkey_client::texts::{self, Language, Texts};
use latchkey_client::wording::Told;

use super::{other_reader, reader};

pub(super) fn agent_failures() -> Vec<Failure> {
    vec![
        Failure::NoService,
        Failure::ServiceFault { reason: "0x80100006".to_owned() },
        Failure::NoReader,
        Failure::UnknownReader { name: other_reader(), readers: vec![reader()] },
        Failure::ReaderGone,
        Failure::Transmission,
        Failure::NoCard,
        Failure::SeveralCards { readers: vec![reader(), other_reader()] },
        Failure::CardRemoved,
        Failure::CardReset,
        Failure::CardSilent,
        Failure::CardMute,
        Failure::CardBusy,
        Failure::CardUnsupported,
        Failure::MalformedResponse,
        Failure::OtherCard(OtherCard::Payment),
        Failure::OtherCard(OtherCard::TravelDocument),
        Failure::OtherCard(OtherCard::Piv),
        Failure::OtherCard(OtherCard::OpenPgp),
        Failure::OtherCard(OtherCard::Unknown),
        Failure::CardProtocol,
        Failure::CardClosedChannel,
        Failure::CardRefused { status: 0x6985 },
        Failure::KeyMissing,
        Failure::KeyInactive,
        Failure::CertificateMissing,
        Failure::CertificatePending,
        Failure::CertificateFaulty,
        Failure::SignatureFaulty,
        Failure::CertificateNotForDocuments,
        Failure::CertificateExpired,
        Failure::CertificateNotYetValid,
        Failure::NoDocuments,
        Failure::TooManyDocuments,
        Failure::DocumentUnreadable { reason: "No such file or directory".to_owned() },
        Failure::DocumentNotAFile,
        Failure::PinWrong { tries_left: 2 },
        Failure::PinWrong { tries_left: 1 },
        Failure::PinWrong { tries_left: 0 },
        Failure::PinBlocked,
        Failure::PinDeactivated,
        Failure::PinStatusChanged,
        Failure::PinDead,
        Failure::Pin2Wrong { tries_left: 2 },
        Failure::Pin2Blocked,
        Failure::CanWrong,
        Failure::PukWrong { tries_left: Some(9) },
        Failure::PukWrong { tries_left: None },
        Failure::Cancelled,
        Failure::HolderSilent,
        Failure::NoPrompt,
        Failure::SecretMalformed { kind: SecretKind::Pin },
        Failure::LastTryNotAllowed,
        Failure::TerminalRejected,
        Failure::TerminalOfOtherSite,
        Failure::TerminalRequestOther,
        Failure::TerminalMalformed,
        Failure::TerminalActRefused,
        Failure::TerminalSessionIdle,
        Failure::AgentFault,
        Failure::AgentStopped,
        Failure::AgentMissing { reason: "No such file or directory (os error 2)".to_owned() },
        Failure::HolderSilent,
    ]
}

fn portal_failures() -> Vec<PortalFailure> {
    let mut failures = vec![
        PortalFailure::AddressInvalid { address: "http://portal.example".to_owned() },
        PortalFailure::CaFileUnreadable { reason: "No such file or directory (os error 2)".to_owned() },
        PortalFailure::Unreachable,
        PortalFailure::Untrusted,
        PortalFailure::Silent,
        PortalFailure::Redirects,
        PortalFailure::AnswerMalformed { reason: "an unknown field" },
        PortalFailure::Failed { status: 502, code: None },
        PortalFailure::Refused { code: "something-unheard-of".to_owned() },
    ];
    let keys = texts::source(Language::English).lines();
    let codes = keys.filter_map(|line| line.strip_prefix("failure-portal-refused-")?.split(' ').next());
    failures.extend(codes.map(|code| PortalFailure::Refused { code: code.to_owned() }));
    failures
}

/// Every failure that a screen can show, in these words.
pub(super) fn failures(texts: &Texts) -> Vec<snapshot::Failure> {
    let mut told: Vec<Box<dyn Told>> = Vec::new();
    told.extend(agent_failures().into_iter().map(|failure| Box::new(failure) as Box<dyn Told>));
    told.extend(portal_failures().into_iter().map(|failure| Box::new(failure) as Box<dyn Told>));
    told.extend(service_failures().into_iter().map(|failure| Box::new(failure) as Box<dyn Told>));
    told.extend(request_failures().into_iter().map(|failure| Box::new(failure) as Box<dyn Told>));
    told.iter().map(|failure| snapshot::Failure::of(&**failure, texts)).collect()
}

fn service_failures() -> [ServiceFailure; 2] {
    let owner = Some(PortOwner { program: "example".to_owned(), process: 4217 });
    [
        ServiceFailure::PortTaken { port: 8084, owner },
        ServiceFailure::NotStarted { port: 8084, reason: "Permission denied".to_owned() },
    ]
}

fn request_failures() -> [RequestFailure; 7] {
    [
        RequestFailure::HolderRefused,
        RequestFailure::HolderEnded,
        RequestFailure::RefusedToday,
        RequestFailure::SiteForbidden,
        RequestFailure::TakenBack,
        RequestFailure::TooManyRequests,
        RequestFailure::Stopping,
    ]
}
