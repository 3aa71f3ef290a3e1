//! The checks: facts become findings. A chain of checks, each of which needs the one before it, is one group.

use latchkey_agent::{CardStatus, Failure, ReaderName};
use latchkey_crypto::assertion::Origin;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::surroundings::{AgentState, CardService, Confinement, LinkHandler, PortHolder, Surroundings};
use super::{Check, CheckName, Finding};
use crate::settings::Proxy;

/// Checks that need each other, told one by one.
pub(super) type Group = Box<dyn FnOnce(&dyn Surroundings, &mut dyn FnMut(Check)) + Send>;

/// Every check once.
pub(super) fn groups(portal: Option<&Origin>) -> Vec<Group> {
    let portal = portal.cloned();
    vec![
        Box::new(cards),
        single(CheckName::Agent, agent),
        single(CheckName::ServicePort, service_port),
        single(CheckName::Loopback, loopback),
        single(CheckName::Proxy, proxy),
        Box::new(move |surroundings, tell| portal_and_clock(surroundings, portal.as_ref(), tell)),
        single(CheckName::Browsers, browsers),
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
    let finding = match looked {
        None => Finding::NoPortal,
        Some((origin, look)) => match look.challenge {
            Ok(()) => Finding::PortalAnswers { origin: origin.clone() },
            Err(failure) => Finding::Portal { origin: origin.clone(), failure },
        },
    };
    tell(Check { name: CheckName::Portal, finding });
}

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
