//! The checks: facts become findings. A chain of checks, each of which needs the one before it, is one group.

use latchkey_agent::{CardStatus, Failure, ReaderName};
use latchkey_crypto::assertion::Origin;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::surroundings::{
    AgentState, CardService, CertificateLook, Confinement, LinkHandler, PortHolder, RevocationLook, Surroundings,
};
use super::{Check, CheckName, Finding};
use crate::portal::PortalFailure;
use crate::settings::Proxy;
use crate::sign_in::status::StatusServiceLook;

/// Checks that need each other, told one by one.
pub(super) type Group = Box<dyn FnOnce(&dyn Surroundings, &mut dyn FnMut(Check)) + Send>;

/// Every check once.
pub(super) fn groups(portal: Option<&Origin>) -> Vec<Group> {
    let (portal, asking) = (portal.cloned(), portal.cloned());
    vec![
        Box::new(cards),
        Box::new(certificate),
        single(CheckName::Agent, agent),
        single(CheckName::ServicePort, service_port),
        single(CheckName::Loopback, loopback),
        single(CheckName::Proxy, proxy),
        Box::new(move |surroundings, tell| portal_and_clock(surroundings, portal.as_ref(), tell)),
        single(CheckName::StatusService, status_service),
        single(CheckName::Browsers, browsers),
        Box::new(move |surroundings, tell| {
            let finding = browser_permission(surroundings, asking.as_ref());
            tell(Check { name: CheckName::BrowserPermission, finding });
        }),
        single(CheckName::LinkHandler, link_handler),
        single(CheckName::Autostart, autostart),
    ]
}

fn single(name: CheckName, look: fn(&dyn Surroundings) -> Finding) -> Group {
    Box::new(move |surroundings, tell| tell(Check { name, finding: look(surroundings) }))
}

/// The card service, a reader, a card, what it is, its PIN: what fails leaves the rest unchecked.
fn cards(surroundings: &dyn Surroundings, tell: &mut dyn FnMut(Check)) {
    const CHAIN: [CheckName; 5] =
        [CheckName::PcscService, CheckName::Reader, CheckName::Card, CheckName::CardModel, CheckName::Pin];
    let mut missing = None;
    let mut chain = CardChain { surroundings, readers: Vec::new(), status: None };
    for name in CHAIN {
        let finding = match missing {
            Some(because) => Finding::Because(because),
            None => chain.look(name),
        };
        if missing.is_none() && !finding.lets_go_on() {
            missing = Some(name);
        }
        tell(Check { name, finding });
    }
}

struct CardChain<'a> {
    surroundings: &'a dyn Surroundings,
    readers: Vec<ReaderName>,
    status: Option<Result<CardStatus, Failure>>,
}

impl CardChain<'_> {
    fn look(&mut self, name: CheckName) -> Finding {
        match name {
            CheckName::PcscService => card_service(self.surroundings),
            CheckName::Reader => self.reader(),
            CheckName::Card => self.card(),
            CheckName::CardModel => self.model(),
            _ => self.pin(),
        }
    }

    fn reader(&mut self) -> Finding {
        match self.surroundings.readers() {
            // It answered a moment ago.
            Err(Failure::NoService) => Finding::ServiceOfOtherVersion,
            Err(failure) => Finding::Agent(failure),
            Ok(readers) if readers.is_empty() => Finding::Agent(Failure::NoReader),
            Ok(readers) => {
                let names = readers.iter().map(|reader| reader.name.clone()).collect();
                self.readers = readers.into_iter().filter(|reader| reader.card).map(|reader| reader.name).collect();
                Finding::Readers(names)
            }
        }
    }

    fn card(&mut self) -> Finding {
        match self.readers.as_slice() {
            [] => Finding::Agent(Failure::NoCard),
            [reader] => {
                let status = self.surroundings.card(reader);
                let finding = match &status {
                    Ok(_) | Err(Failure::OtherCard(_)) => Finding::CardIn(reader.clone()),
                    Err(failure) => Finding::Agent(failure.clone()),
                };
                self.status = Some(status);
                finding
            }
            several => Finding::SeveralCards(several.to_vec()),
        }
    }

    fn model(&self) -> Finding {
        match &self.status {
            Some(Ok(status)) => Finding::CardModel(status.model),
            Some(Err(failure)) => Finding::Agent(failure.clone()),
            None => Finding::Because(CheckName::Card),
        }
    }

    fn pin(&self) -> Finding {
        match &self.status {
            Some(Ok(status)) => Finding::Pin(status.pin),
            _ => Finding::Because(CheckName::CardModel),
        }
    }
}

fn card_service(surroundings: &dyn Surroundings) -> Finding {
    match surroundings.card_service() {
        CardService::Answers { protocol } => Finding::ServiceAnswers { protocol },
        CardService::NotInstalled => Finding::ServiceNotInstalled,
        CardService::NotRunning => Finding::ServiceNotRunning,
        CardService::Forbidden => Finding::ServiceForbidden,
        CardService::Strange { reason } => Finding::ServiceStrange { reason },
    }
}

fn agent(surroundings: &dyn Surroundings) -> Finding {
    match surroundings.agent() {
        AgentState::Protected => Finding::AgentProtected,
        AgentState::Exposed => Finding::AgentExposed,
        AgentState::Silent(failure) => Finding::Agent(failure),
    }
}

fn service_port(surroundings: &dyn Surroundings) -> Finding {
    match surroundings.service_port() {
        PortHolder::Ours { port } => Finding::PortOurs { port },
        PortHolder::Nobody { port } => Finding::PortOfNobody { port },
        PortHolder::Other { port, program } => Finding::PortOfOther { port, program },
    }
}

fn loopback(surroundings: &dyn Surroundings) -> Finding {
    let loopback = surroundings.loopback();
    match (loopback.ipv4, loopback.ipv6) {
        (true, true) => Finding::LoopbackWorks,
        (true, false) => Finding::LoopbackWithoutIpv6,
        (false, _) => Finding::LoopbackBroken,
    }
}

fn proxy(surroundings: &dyn Surroundings) -> Finding {
    match surroundings.proxy() {
        (Proxy::System, _) => Finding::ProxyOfSystem,
        (Proxy::Direct, _) => Finding::ProxyNone,
        (Proxy::Through(address), true) => Finding::ProxyReached { address },
        (Proxy::Through(address), false) => Finding::ProxyUnreachable { address },
    }
}

fn portal_and_clock(surroundings: &dyn Surroundings, portal: Option<&Origin>, tell: &mut dyn FnMut(Check)) {
    let looked = portal.map(|origin| (origin, surroundings.portal(origin)));
    let date = looked.as_ref().and_then(|(_, look)| look.date);
    tell(Check { name: CheckName::Clock, finding: clock(surroundings.now(), date) });
    let (tls, portal) = match looked {
        None => (Finding::NoPortal, Finding::NoPortal),
        Some((origin, look)) => {
            let (origin, trusted) = (origin.clone(), Finding::TlsTrusted);
            match look.challenge {
                Ok(()) => (trusted, Finding::PortalAnswers { origin }),
                Err(failure @ PortalFailure::Untrusted) => {
                    (Finding::Portal { origin, failure }, Finding::Because(CheckName::Tls))
                }
                Err(failure @ (PortalFailure::Unreachable | PortalFailure::Silent)) => {
                    (Finding::Because(CheckName::Portal), Finding::Portal { origin, failure })
                }
                Err(failure) => (trusted, Finding::Portal { origin, failure }),
            }
        }
    };
    tell(Check { name: CheckName::Tls, finding: tls });
    tell(Check { name: CheckName::Portal, finding: portal });
}

fn status_service(surroundings: &dyn Surroundings) -> Finding {
    match surroundings.status_service() {
        None => Finding::StatusServiceNotSet,
        Some((origin, StatusServiceLook::Answers)) => Finding::StatusServiceAnswers { origin },
        Some((origin, StatusServiceLook::Silent)) => Finding::StatusServiceSilent { origin },
        Some((origin, StatusServiceLook::Strange)) => Finding::StatusServiceStrange { origin },
    }
}

/// The certificate, and whether it was revoked: of one that does not count anyway, that is no question.
fn certificate(surroundings: &dyn Surroundings, tell: &mut dyn FnMut(Check)) {
    let now = surroundings.now();
    let (certificate, revocation) = match surroundings.certificate() {
        CertificateLook::NotRead => (Finding::CertificateNotRead, Finding::CertificateNotRead),
        CertificateLook::Unreadable(failure) => (Finding::Agent(failure), Finding::Because(CheckName::Certificate)),
        CertificateLook::Read { .. } if now < FIRST_RELEASE => {
            (Finding::Because(CheckName::Clock), Finding::Because(CheckName::Clock))
        }
        CertificateLook::Read { not_before, .. } if now < not_before => {
            (Finding::CertificateNotYetValid { from: not_before }, Finding::Because(CheckName::Certificate))
        }
        CertificateLook::Read { not_after, .. } if now > not_after => {
            (Finding::CertificateExpired { since: not_after }, Finding::Because(CheckName::Certificate))
        }
        CertificateLook::Read { not_after: until, revocation, .. } => {
            let ends_soon = until - now < CERTIFICATE_ENDS_SOON;
            let valid =
                if ends_soon { Finding::CertificateEndsSoon { until } } else { Finding::CertificateValid { until } };
            (valid, of_revocation(revocation))
        }
    };
    tell(Check { name: CheckName::Certificate, finding: certificate });
    tell(Check { name: CheckName::Revocation, finding: revocation });
}

const fn of_revocation(revocation: RevocationLook) -> Finding {
    match revocation {
        RevocationLook::NotLooked => Finding::RevocationNotLooked,
        RevocationLook::NotRevoked { as_of } => Finding::CertificateNotRevoked { as_of },
        RevocationLook::Revoked { since } => Finding::CertificateRevoked { since },
        RevocationLook::Unknown => Finding::RevocationUnknown,
    }
}

fn browser_permission(surroundings: &dyn Surroundings, portal: Option<&Origin>) -> Finding {
    let Some(portal) = portal else { return Finding::NoPortal };
    let permissions = surroundings.loopback_permissions(portal);
    let names = |granted: bool| -> Vec<&'static str> {
        let of = permissions.iter().filter(|permission| permission.is_granted == granted);
        of.map(|permission| permission.browser).collect()
    };
    match (names(true), names(false)) {
        (granted, denied) if granted.is_empty() && denied.is_empty() => Finding::PermissionNotAsked,
        (names, denied) if denied.is_empty() => Finding::PermissionGranted { names },
        (_, names) => Finding::PermissionDenied { names },
    }
}

/// Getting another one takes a while.
const CERTIFICATE_ENDS_SOON: Duration = Duration::days(30);

/// Nothing of this program is older.
const FIRST_RELEASE: OffsetDateTime = datetime!(2026-11-01 0:00 UTC);
/// How far clocks may be apart. Portals' requests live for two minutes.
const CLOCK_TOLERANCE: Duration = Duration::minutes(1);
/// Beyond this, certificates are judged at the wrong day.
const CLOCK_WRONG: Duration = Duration::hours(12);

fn clock(now: OffsetDateTime, date: Option<OffsetDateTime>) -> Finding {
    match date {
        None if now < FIRST_RELEASE => Finding::ClockBeforeRelease { now },
        None => Finding::ClockNotCompared,
        Some(date) => {
            let apart = (now - date).abs();
            if apart <= CLOCK_TOLERANCE {
                Finding::ClockRight
            } else {
                Finding::ClockApart { seconds: apart.whole_seconds(), badly: apart > CLOCK_WRONG }
            }
        }
    }
}

fn browsers(surroundings: &dyn Surroundings) -> Finding {
    let browsers = surroundings.browsers();
    let names = |confined: bool| -> Vec<&'static str> {
        let of = browsers.iter().filter(|browser| (browser.confinement != Confinement::None) == confined);
        of.map(|browser| browser.name).collect()
    };
    if browsers.is_empty() {
        Finding::NoBrowser
    } else if names(false).is_empty() {
        Finding::BrowsersConfined { names: names(true) }
    } else {
        Finding::Browsers { names: names(false) }
    }
}

fn link_handler(surroundings: &dyn Surroundings) -> Finding {
    match surroundings.link_handler() {
        LinkHandler::Ours => Finding::LinksOurs,
        LinkHandler::Nobody => Finding::LinksOfNobody,
        LinkHandler::Other(entry) => Finding::LinksOfOther { entry },
    }
}

fn autostart(surroundings: &dyn Surroundings) -> Finding {
    match surroundings.autostart() {
        (true, true) => Finding::AutostartOn,
        (false, false) => Finding::AutostartOff,
        (true, false) => Finding::AutostartMissing,
        (false, true) => Finding::AutostartUnwanted,
    }
}
