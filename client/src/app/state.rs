//! What the program behind the window knows, and how a snapshot is made of it.

use std::sync::Arc;

use super::Around;
use super::card::MyCard;
use super::doctor::Diagnosis;
use super::documents::MyDocuments;
use super::history::Remembered;
use super::readers::Readers;
use super::requests::Requests;
use super::settings;
use super::snapshot::{self, GuestPhase, GuestView, NewerVersion, ServiceState, Snapshot};
use super::window::Window;
use crate::guest;
use crate::texts::Texts;
use crate::update::Version;
use crate::wording::Told;

/// Everything that can change.
pub(super) struct State {
    pub(super) texts: Texts,
    pub(super) readers: Readers,
    pub(super) requests: Requests,
    pub(super) card: MyCard,
    pub(super) documents: MyDocuments,
    pub(super) window: Window,
    /// Whether there has been one.
    pub(super) had_window: bool,
    pub(super) diagnosis: Diagnosis,
    pub(super) remembered: Remembered,
    pub(super) newer: Option<Version>,
    pub(super) notice: Option<Arc<dyn Told + Send + Sync>>,
    /// How much is under way that nothing is shown of.
    pub(super) errands: usize,
}

impl State {
    pub(super) fn new(texts: Texts) -> Self {
        Self {
            texts,
            readers: Readers::default(),
            requests: Requests::default(),
            card: MyCard::default(),
            documents: MyDocuments::default(),
            window: Window::default(),
            had_window: false,
            diagnosis: Diagnosis::default(),
            remembered: Remembered::default(),
            newer: None,
            notice: None,
            errands: 0,
        }
    }

    pub(super) fn snapshot(&self, around: &Around) -> Snapshot {
        let texts = &self.texts;
        Snapshot {
            version: env!("CARGO_PKG_VERSION"),
            language: texts.language().code(),
            service: match &around.service_failure {
                None => ServiceState::Listening,
                Some(failure) => ServiceState::Closed(snapshot::Failure::of(failure, texts)),
            },
            readers: self.readers.view(),
            readers_failure: self.readers.failure().map(|failure| snapshot::Failure::of(failure, texts)),
            requests: self.requests.view(texts),
            card: self.card.view(texts, (around.clock)()),
            documents: self.documents.view(texts),
            settings: settings::view(&around.settings, self.remembered.failure(), texts),
            doctor: self.diagnosis.view(texts),
            guest: guest(around, texts),
            history: self.remembered.view(),
            update: self.newer.map(|version| NewerVersion { version: version.to_string() }),
            notice: self.notice.as_ref().map(|failure| snapshot::Failure::of(&**failure, texts).without_remedy()),
            closes_in_seconds: self.window.closes_in_seconds(),
        }
    }
}

fn guest(around: &Around, texts: &Texts) -> GuestView {
    let state = around.guest.state().borrow().clone();
    GuestView {
        portals: around.settings.managed().guest().portals.iter().map(ToString::to_string).collect(),
        portal: state.portal.map(|portal| portal.to_string()),
        phase: match state.phase {
            guest::GuestPhase::Off => GuestPhase::Off,
            guest::GuestPhase::Opening => GuestPhase::Opening,
            guest::GuestPhase::Open => GuestPhase::Open,
            guest::GuestPhase::Clearing => GuestPhase::Clearing,
        },
        failure: state.failure.map(|failure| snapshot::Failure::of(&failure, texts).without_remedy()),
    }
}
