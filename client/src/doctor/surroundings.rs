//! What diagnosis asks its surroundings: facts, not judged.

use std::path::PathBuf;

use latchkey_agent::{CardStatus, Failure, ReaderName, ReaderReport};
use latchkey_crypto::assertion::Origin;
use time::OffsetDateTime;

use crate::portal::PortalFailure;
use crate::settings::Proxy;
use crate::sign_in::status::StatusServiceLook;

/// What a program that diagnoses can look at. Each question may take a while.
pub trait Surroundings: Send + Sync {
    /// How the card service answers.
    fn card_service(&self) -> CardService;

    /// The readers there are.
    ///
    /// # Errors
    /// The agent's.
    fn readers(&self) -> Result<Vec<ReaderReport>, Failure>;

    /// What the card in that reader says without a password. No try is spent.
    ///
    /// # Errors
    /// The agent's.
    fn card(&self, reader: &ReaderName) -> Result<CardStatus, Failure>;

    /// How the agent is.
    fn agent(&self) -> AgentState;

    /// Who has the port of the local service.
    fn service_port(&self) -> PortHolder;

    /// Which of this computer's own addresses work.
    fn loopback(&self) -> Loopback;

    /// What time it is.
    fn now(&self) -> OffsetDateTime;

    /// The proxy for portals, and whether it can be reached.
    fn proxy(&self) -> (Proxy, bool);

    /// How a portal answers.
    fn portal(&self, origin: &Origin) -> PortalLook;

    /// Who is asked about the certificates that people sign in with, and how he answers; nobody unless an administrator has
    /// set it.
    fn status_service(&self) -> Option<(Origin, StatusServiceLook)>;

    /// The browsers there are.
    fn browsers(&self) -> Vec<Browser>;

    /// What browsers were told about the pages of this portal that want to call this computer.
    fn loopback_permissions(&self, portal: &Origin) -> Vec<LoopbackPermission>;

    /// The holder's certificate, if he has entered his PIN for that.
    fn certificate(&self) -> CertificateLook;

    /// Who opens links.
    fn link_handler(&self) -> LinkHandler;

    /// Whether the holder wants the program to start with his session, and whether it will.
    fn autostart(&self) -> (bool, bool);
}

/// How the card service answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CardService {
    /// It speaks this version of its protocol.
    Answers {
        /// The protocol's version.
        protocol: (u32, u32),
    },
    /// Nothing of it is on this computer.
    NotInstalled,
    /// It is installed, and nothing listens.
    NotRunning,
    /// This user may not talk to it.
    Forbidden,
    /// Something is there that does not speak its protocol.
    Strange {
        /// What happened, in the system's words.
        reason: String,
    },
}

/// How the agent is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentState {
    /// It answers, and other programs of the user cannot read its memory.
    Protected,
    /// It answers, and its memory is not protected.
    Exposed,
    /// It does not answer.
    Silent(Failure),
}

/// Who has a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortHolder {
    /// This program.
    Ours {
        /// Which port.
        port: u16,
    },
    /// Nobody.
    Nobody {
        /// Which port.
        port: u16,
    },
    /// Another program.
    Other {
        /// Which port.
        port: u16,
        /// Which program, where the system tells.
        program: Option<String>,
    },
}

/// Which of this computer's own addresses work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loopback {
    /// 127.0.0.1
    pub ipv4: bool,
    /// ::1
    pub ipv6: bool,
}

/// How a portal answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalLook {
    /// What time it is there.
    pub date: Option<OffsetDateTime>,
    /// Whether it gave a challenge.
    pub challenge: Result<(), PortalFailure>,
}

/// A browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Browser {
    /// What people call it.
    pub name: &'static str,
    /// The program.
    pub program: PathBuf,
    /// How it is kept apart from the system.
    pub confinement: Confinement,
}

/// How a program is kept apart from the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confinement {
    /// It is not.
    None,
    /// It is a snap.
    Snap,
    /// It is a flatpak.
    Flatpak,
}

/// What a browser was told about a portal's pages that want to call this computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoopbackPermission {
    /// What people call the browser.
    pub browser: &'static str,
    /// Whether they may.
    pub is_granted: bool,
}

/// The holder's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateLook {
    /// It was not asked for: that needs the PIN.
    NotRead,
    /// It could not be read.
    Unreadable(Failure),
    /// It was read.
    Read {
        /// Valid from.
        not_before: OffsetDateTime,
        /// Valid until.
        not_after: OffsetDateTime,
        /// Whether it was revoked.
        revocation: RevocationLook,
    },
}

/// Whether a certificate was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationLook {
    /// No revocation lists were given.
    NotLooked,
    /// It was not, says a list of that moment.
    NotRevoked {
        /// When the list was made.
        as_of: OffsetDateTime,
    },
    /// It was, or an authority above it.
    Revoked {
        /// Since when.
        since: OffsetDateTime,
    },
    /// The lists say nothing of it, or are out of date.
    Unknown,
}

/// Who opens links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkHandler {
    /// This program.
    Ours,
    /// Nobody.
    Nobody,
    /// Another program, by the name of its desktop entry.
    Other(String),
}
