//! Diagnosis: what a sign-in needs, looked at step by step from the card service to the portal, each with a verdict, what
//! was found and the cure.

mod certificate;
mod checks;
mod finding;
mod permissions;
mod report;
mod surroundings;
mod system;

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use latchkey_crypto::assertion::Origin;
use serde::Serialize;

pub use certificate::look_at_certificate;
pub use finding::{Finding, Worded};
pub use permissions::permissions_in;
pub use report::{Personal, report};
pub use surroundings::{
    AgentState, Browser, CardService, CertificateLook, Confinement, LinkHandler, Loopback, LoopbackPermission,
    PortHolder, PortalLook, RevocationLook, Surroundings,
};
pub use system::{Plan, System, browsers_in};

/// Longest time for one check.
pub const CHECK_TIME: Duration = Duration::from_secs(20);

/// What is looked at, in the order in which a sign-in needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CheckName {
    /// The card service.
    PcscService,
    /// A reader.
    Reader,
    /// A card in it.
    Card,
    /// Whether the card is one that can sign in.
    CardModel,
    /// The state of its PIN.
    Pin,
    /// The holder's certificate.
    Certificate,
    /// Whether it was revoked.
    Revocation,
    /// The agent that owns cards and secrets.
    Agent,
    /// The port at which portals' pages call.
    ServicePort,
    /// This computer's own addresses.
    Loopback,
    /// The clock.
    Clock,
    /// The proxy.
    Proxy,
    /// The portal's TLS certificate.
    Tls,
    /// The portal.
    Portal,
    /// Who is asked about the certificates that people sign in with.
    StatusService,
    /// The browsers.
    Browsers,
    /// Whether browsers let the portal's pages call this computer.
    BrowserPermission,
    /// Who opens `latchkey:` links.
    LinkHandler,
    /// Whether the program starts with the session.
    Autostart,
}

impl CheckName {
    /// Every check, in order.
    pub const ALL: [Self; 19] = [
        Self::PcscService,
        Self::Reader,
        Self::Card,
        Self::CardModel,
        Self::Pin,
        Self::Certificate,
        Self::Revocation,
        Self::Agent,
        Self::ServicePort,
        Self::Loopback,
        Self::Clock,
        Self::Proxy,
        Self::Tls,
        Self::Portal,
        Self::StatusService,
        Self::Browsers,
        Self::BrowserPermission,
        Self::LinkHandler,
        Self::Autostart,
    ];

    /// The stable name, kebab-case.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::PcscService => "pcsc-service",
            Self::Reader => "reader",
            Self::Card => "card",
            Self::CardModel => "card-model",
            Self::Pin => "pin",
            Self::Certificate => "certificate",
            Self::Revocation => "revocation",
            Self::Agent => "agent",
            Self::ServicePort => "service-port",
            Self::Loopback => "loopback",
            Self::Clock => "clock",
            Self::Proxy => "proxy",
            Self::Tls => "tls",
            Self::Portal => "portal",
            Self::StatusService => "status-service",
            Self::Browsers => "browsers",
            Self::BrowserPermission => "browser-permission",
            Self::LinkHandler => "link-handler",
            Self::Autostart => "autostart",
        }
    }

    /// The text that names it.
    const fn title(self) -> &'static str {
        match self {
            Self::PcscService => "doctor-title-pcsc-service",
            Self::Reader => "doctor-title-reader",
            Self::Card => "doctor-title-card",
            Self::CardModel => "doctor-title-card-model",
            Self::Pin => "doctor-title-pin",
            Self::Certificate => "doctor-title-certificate",
            Self::Revocation => "doctor-title-revocation",
            Self::Agent => "doctor-title-agent",
            Self::ServicePort => "doctor-title-service-port",
            Self::Loopback => "doctor-title-loopback",
            Self::Clock => "doctor-title-clock",
            Self::Proxy => "doctor-title-proxy",
            Self::Tls => "doctor-title-tls",
            Self::Portal => "doctor-title-portal",
            Self::StatusService => "doctor-title-status-service",
            Self::Browsers => "doctor-title-browsers",
            Self::BrowserPermission => "doctor-title-browser-permission",
            Self::LinkHandler => "doctor-title-link-handler",
            Self::Autostart => "doctor-title-autostart",
        }
    }
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Not as it should be; signing in works all the same, in one way at least.
    Warning,
    /// Signing in will not work.
    Bad,
    /// Something that it depends on is missing.
    NotChecked,
}

impl Verdict {
    /// The stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
            Self::NotChecked => "not-checked",
        }
    }
}

/// One check and what it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Which.
    pub name: CheckName,
    /// What was found.
    pub finding: Finding,
}

impl Check {
    /// How it is.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        self.finding.verdict()
    }
}

/// Looks at everything. `found` learns each check as soon as it is done, in no order; the answer has them all, in order.
///
/// What does not depend on each other is looked at side by side. What does not answer within `time` is abandoned and told
/// so.
pub fn diagnose(
    surroundings: &Arc<dyn Surroundings>,
    portal: Option<&Origin>,
    time: Duration,
    mut found: impl FnMut(&Check),
) -> Vec<Check> {
    let (tell, told) = mpsc::channel();
    for group in checks::groups(portal) {
        let (surroundings, tell) = (Arc::clone(surroundings), tell.clone());
        let work = move || {
            group(&*surroundings, &mut |check| {
                // Whoever waited may have given up.
                tell.send(check).ok();
            });
        };
        if let Err(error) = thread::Builder::new().name("doctor".into()).spawn(work) {
            tracing::error!(%error, "there can be no thread");
        }
    }
    drop(tell);
    let mut checks: Vec<Check> = Vec::with_capacity(CheckName::ALL.len());
    let mut deadline = Instant::now().checked_add(time);
    // A group that goes on gets its time for each step.
    while let Ok(check) = told.recv_timeout(left(deadline)) {
        found(&check);
        checks.push(check);
        deadline = Instant::now().checked_add(time);
    }
    for name in CheckName::ALL {
        if !checks.iter().any(|check| check.name == name) {
            let check = Check { name, finding: Finding::NoAnswer };
            found(&check);
            checks.push(check);
        }
    }
    checks.sort_by_key(|check| check.name);
    checks
}

fn left(deadline: Option<Instant>) -> Duration {
    deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()))
}
