//! What portals want, as the desk shows it.

use std::sync::Arc;

use super::snapshot::{self, PortalRequest};
use crate::desk::{ArrivedBy, DeskView, Phase, RequestNumber, RequestView, Secret, TerminalDisclosure, TerminalWork};
use crate::disclosure::DisclosureWords;
use crate::texts::{Texts, quotable};

/// The desk's requests.
#[derive(Debug, Default)]
pub(super) struct Requests {
    at_desk: Arc<DeskView>,
    /// The newest of them that was noticed.
    newest: Option<RequestNumber>,
}

impl Requests {
    pub(super) fn view(&self, texts: &Texts) -> Vec<PortalRequest> {
        self.at_desk.requests.iter().map(|request| view(request, texts)).collect()
    }

    /// Whether a request uses the card, or soon will.
    pub(super) fn are_at_work(&self) -> bool {
        self.at_desk.requests.iter().any(|request| !matches!(request.phase, Phase::Done | Phase::Failed { .. }))
    }

    pub(super) fn are_none(&self) -> bool {
        self.at_desk.requests.is_empty()
    }

    pub(super) fn are_all_done(&self) -> bool {
        !self.are_none() && self.at_desk.requests.iter().all(|request| matches!(request.phase, Phase::Done))
    }

    pub(super) fn numbers(&self) -> Vec<RequestNumber> {
        self.at_desk.requests.iter().map(|request| request.id).collect()
    }

    pub(super) const fn newest(&self) -> Option<RequestNumber> {
        self.newest
    }

    /// Takes over what the desk shows now, and says whether there is a request that was not there before.
    pub(super) fn update(&mut self, at_desk: Arc<DeskView>) -> bool {
        self.at_desk = at_desk;
        let newest = self.numbers().into_iter().max();
        let is_new = newest > self.newest;
        self.newest = self.newest.max(newest);
        is_new
    }
}

fn view(request: &RequestView, texts: &Texts) -> PortalRequest {
    PortalRequest {
        id: request.id.0,
        origin: request.origin.clone(),
        says_it_is: request.says_it_is.as_deref().map(quotable),
        arrived_by: match request.arrived_by {
            ArrivedBy::Page => snapshot::ArrivedBy::Page,
            ArrivedBy::Link => snapshot::ArrivedBy::Link,
        },
        short_code: request.short_code.clone(),
        documents: request
            .documents
            .iter()
            .map(|document| snapshot::Document { name: quotable(&document.name), size: texts.size(document.size) })
            .collect(),
        disclosure: request.disclosure.as_ref().map(|disclosure| disclosure_view(disclosure, texts)),
        phase: phase(&request.phase, texts),
        seconds_left: request.seconds_left.map(u64::from),
    }
}

fn disclosure_view(disclosure: &TerminalDisclosure, texts: &Texts) -> snapshot::Disclosure {
    let DisclosureWords { asker, required, optional, terminal } = DisclosureWords::of_request(disclosure, texts);
    let optional = optional.into_iter().map(|(line, kept)| snapshot::Optional { line, kept }).collect();
    snapshot::Disclosure { verified: disclosure.request.is_some(), asker, required, optional, terminal }
}

fn phase(phase: &Phase, texts: &Texts) -> snapshot::Phase {
    match phase {
        Phase::AskHost => snapshot::Phase::AskHost,
        Phase::Fetching => snapshot::Phase::Fetching,
        Phase::WaitingInLine => snapshot::Phase::WaitingInLine,
        Phase::AskHandOver => snapshot::Phase::AskHandOver,
        Phase::ConnectReader => snapshot::Phase::ConnectReader,
        Phase::InsertCard => snapshot::Phase::InsertCard,
        Phase::ChooseReader { readers } => snapshot::Phase::ChooseReader { readers: readers.clone() },
        Phase::ReadingCard => snapshot::Phase::ReadingCard,
        Phase::AgentAsks { secret: wanted, tries_left } => {
            snapshot::Phase::AgentAsks { secret: secret(*wanted), tries_left: *tries_left }
        }
        Phase::Signing => snapshot::Phase::Signing,
        Phase::Sending => snapshot::Phase::Sending,
        Phase::TerminalAtWork { work } => snapshot::Phase::TerminalAtWork {
            work: match work {
                TerminalWork::Awaited => snapshot::TerminalWork::Awaited,
                TerminalWork::Reading => snapshot::TerminalWork::Reading,
                TerminalWork::Signing => snapshot::TerminalWork::Signing,
            },
        },
        Phase::Done => snapshot::Phase::Done,
        Phase::Failed { failure } => snapshot::Phase::Failed { failure: snapshot::Failure::of(failure, texts) },
    }
}

const fn secret(secret: Secret) -> snapshot::Secret {
    match secret {
        Secret::Pin => snapshot::Secret::Pin,
        Secret::Pin2 => snapshot::Secret::Pin2,
        Secret::NewPin => snapshot::Secret::NewPin,
        Secret::Can => snapshot::Secret::Can,
        Secret::Puk => snapshot::Secret::Puk,
        Secret::LastTry => snapshot::Secret::LastTry,
        Secret::Consent => snapshot::Secret::Consent,
    }
}
