//! What the program behind the window knows, and how a snapshot is made of it.

use time::OffsetDateTime;

use super::card::MyCard;
use super::readers::Readers;
use super::requests::Requests;
use super::snapshot::{self, DoctorView, GuestPhase, GuestView, ProxyChoice, ServiceState, Settings, Snapshot, Theme};
use super::window::Window;
use crate::texts::Texts;

/// Everything that can change.
pub(super) struct State {
    pub(super) texts: Texts,
    pub(super) readers: Readers,
    pub(super) requests: Requests,
    pub(super) card: MyCard,
    pub(super) window: Window,
}

impl State {
    pub(super) fn new(texts: Texts) -> Self {
        Self {
            texts,
            readers: Readers::default(),
            requests: Requests::default(),
            card: MyCard::default(),
            window: Window::default(),
        }
    }

    pub(super) fn snapshot(&self, now: OffsetDateTime) -> Snapshot {
        let texts = &self.texts;
        Snapshot {
            version: env!("CARGO_PKG_VERSION"),
            language: texts.language().code(),
            service: ServiceState::Listening,
            readers: self.readers.view(),
            readers_failure: self.readers.failure().map(|failure| snapshot::Failure::of(failure, texts)),
            requests: self.requests.view(texts),
            card: self.card.view(texts, now),
            settings: Settings {
                language: None,
                theme: Theme::System,
                autostart: false,
                tray: false,
                pin_pad: false,
                proxy: ProxyChoice::System,
                proxy_address: None,
                history: false,
                history_failure: None,
                sites: Vec::new(),
                fixed: Vec::new(),
                file: String::new(),
            },
            doctor: DoctorView::default(),
            guest: GuestView { portals: Vec::new(), portal: None, phase: GuestPhase::Off, failure: None },
            history: Vec::new(),
            update: None,
            closes_in_seconds: self.window.closes_in_seconds(),
        }
    }
}
