//! What the program behind the window knows, and how a snapshot is made of it.

use std::sync::Arc;

use time::OffsetDateTime;

use super::card::MyCard;
use super::readers::Readers;
use super::requests::Requests;
use super::settings;
use super::snapshot::{self, DoctorView, GuestPhase, GuestView, ServiceState, Snapshot};
use super::window::Window;
use crate::settings::SettingsStore;
use crate::texts::Texts;
use crate::wording::Told;

/// Everything that can change.
pub(super) struct State {
    pub(super) texts: Texts,
    pub(super) readers: Readers,
    pub(super) requests: Requests,
    pub(super) card: MyCard,
    pub(super) window: Window,
    pub(super) notice: Option<Arc<dyn Told + Send + Sync>>,
}

impl State {
    pub(super) fn new(texts: Texts) -> Self {
        Self {
            texts,
            readers: Readers::default(),
            requests: Requests::default(),
            card: MyCard::default(),
            window: Window::default(),
            notice: None,
        }
    }

    pub(super) fn snapshot(&self, settings: &SettingsStore, now: OffsetDateTime) -> Snapshot {
        let texts = &self.texts;
        Snapshot {
            version: env!("CARGO_PKG_VERSION"),
            language: texts.language().code(),
            service: ServiceState::Listening,
            readers: self.readers.view(),
            readers_failure: self.readers.failure().map(|failure| snapshot::Failure::of(failure, texts)),
            requests: self.requests.view(texts),
            card: self.card.view(texts, now),
            settings: settings::view(settings),
            doctor: DoctorView::default(),
            guest: GuestView { portals: Vec::new(), portal: None, phase: GuestPhase::Off, failure: None },
            history: Vec::new(),
            update: None,
            notice: self.notice.as_ref().map(|failure| snapshot::Failure::of(&**failure, texts).without_remedy()),
            closes_in_seconds: self.window.closes_in_seconds(),
        }
    }
}
