//! What a check found, with its verdict and words.

use latchkey_agent::{CardModel, Failure, PinStatus, ReaderName};
use latchkey_crypto::assertion::Origin;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Check, CheckName, Verdict};
use crate::portal::PortalFailure;
use crate::settings::ProxyAddress;
use crate::texts::{Filling, Texts};
use crate::wording::{Place, Told, Words};

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is worded in three languages")]
pub enum Finding {
    /// Not looked at, because this was not as it should be.
    Because(CheckName),
    /// Not answered in time.
    NoAnswer,
    /// What the agent failed of.
    Agent(Failure),
    /// What the portal or the way to it failed of.
    Portal {
        origin: Origin,
        failure: PortalFailure,
    },
    ServiceAnswers {
        protocol: (u32, u32),
    },
    ServiceNotInstalled,
    ServiceNotRunning,
    ServiceForbidden,
    ServiceStrange {
        reason: String,
    },
    ServiceOfOtherVersion,
    Readers(Vec<ReaderName>),
    CardIn(ReaderName),
    SeveralCards(Vec<ReaderName>),
    CardModel(CardModel),
    Pin(PinStatus),
    AgentProtected,
    AgentExposed,
    PortOurs {
        port: u16,
    },
    PortOfNobody {
        port: u16,
    },
    PortOfOther {
        port: u16,
        program: Option<String>,
    },
    LoopbackWorks,
    LoopbackWithoutIpv6,
    LoopbackBroken,
    ClockRight,
    ClockNotCompared,
    ClockBeforeRelease {
        now: OffsetDateTime,
    },
    ClockApart {
        seconds: i64,
        badly: bool,
    },
    ProxyOfSystem,
    ProxyNone,
    ProxyReached {
        address: ProxyAddress,
    },
    ProxyUnreachable {
        address: ProxyAddress,
    },
    NoPortal,
    TlsTrusted,
    CertificateNotRead,
    CertificateValid {
        until: OffsetDateTime,
    },
    CertificateEndsSoon {
        until: OffsetDateTime,
    },
    CertificateExpired {
        since: OffsetDateTime,
    },
    CertificateNotYetValid {
        from: OffsetDateTime,
    },
    RevocationNotLooked,
    CertificateNotRevoked {
        as_of: OffsetDateTime,
    },
    CertificateRevoked {
        since: OffsetDateTime,
    },
    RevocationUnknown,
    PermissionNotAsked,
    PermissionGranted {
        names: Vec<&'static str>,
    },
    PermissionDenied {
        names: Vec<&'static str>,
    },
    PortalAnswers {
        origin: Origin,
    },
    StatusServiceNotSet,
    StatusServiceAnswers {
        origin: Origin,
    },
    StatusServiceSilent {
        origin: Origin,
    },
    StatusServiceStrange {
        origin: Origin,
    },
    NoBrowser,
    Browsers {
        names: Vec<&'static str>,
    },
    BrowsersConfined {
        names: Vec<&'static str>,
    },
    LinksOurs,
    LinksOfNobody,
    LinksOfOther {
        entry: String,
    },
    AutostartOn,
    AutostartOff,
    AutostartMissing,
    AutostartUnwanted,
}

/// A check in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worded {
    /// What was looked at.
    pub title: String,
    /// What was found.
    pub finding: String,
    /// What to do about it.
    pub cure: Option<String>,
}

impl Finding {
    /// How it is.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        match self {
            Self::Because(_) | Self::NoPortal | Self::CertificateNotRead | Self::RevocationNotLooked => {
                Verdict::NotChecked
            }
            Self::ServiceAnswers { .. }
            | Self::Readers(_)
            | Self::CardIn(_)
            | Self::CardModel(_)
            | Self::Pin(PinStatus::Usable { .. })
            | Self::AgentProtected
            | Self::PortOurs { .. }
            | Self::LoopbackWorks
            | Self::ClockRight
            | Self::ClockNotCompared
            | Self::ProxyOfSystem
            | Self::ProxyNone
            | Self::ProxyReached { .. }
            | Self::TlsTrusted
            | Self::CertificateValid { .. }
            | Self::CertificateNotRevoked { .. }
            | Self::PermissionNotAsked
            | Self::PermissionGranted { .. }
            | Self::PortalAnswers { .. }
            | Self::StatusServiceNotSet
            | Self::StatusServiceAnswers { .. }
            | Self::Browsers { .. }
            | Self::LinksOurs
            | Self::AutostartOn
            | Self::AutostartOff => Verdict::Good,
            Self::SeveralCards(_)
            | Self::Pin(PinStatus::Suspended)
            | Self::PortOfNobody { .. }
            | Self::LoopbackWithoutIpv6
            | Self::ClockApart { badly: false, .. }
            | Self::BrowsersConfined { .. }
            | Self::CertificateEndsSoon { .. }
            | Self::RevocationUnknown
            | Self::PermissionDenied { .. }
            | Self::StatusServiceSilent { .. }
            | Self::StatusServiceStrange { .. }
            | Self::NoBrowser
            | Self::LinksOfNobody
            | Self::LinksOfOther { .. }
            | Self::AutostartMissing
            | Self::AutostartUnwanted => Verdict::Warning,
            Self::NoAnswer
            | Self::Agent(_)
            | Self::Portal { .. }
            | Self::ServiceNotInstalled
            | Self::ServiceNotRunning
            | Self::ServiceForbidden
            | Self::ServiceStrange { .. }
            | Self::ServiceOfOtherVersion
            | Self::Pin(PinStatus::Blocked | PinStatus::Deactivated)
            | Self::AgentExposed
            | Self::PortOfOther { .. }
            | Self::LoopbackBroken
            | Self::ClockBeforeRelease { .. }
            | Self::ClockApart { badly: true, .. }
            | Self::CertificateExpired { .. }
            | Self::CertificateNotYetValid { .. }
            | Self::CertificateRevoked { .. }
            | Self::ProxyUnreachable { .. } => Verdict::Bad,
        }
    }

    /// Whether what depends on it can be looked at.
    pub(super) const fn lets_go_on(&self) -> bool {
        matches!(
            self,
            Self::ServiceAnswers { .. } | Self::Readers(_) | Self::CardIn(_) | Self::CardModel(_) | Self::Pin(_)
        )
    }

    /// The texts of what was found, and of the cure.
    #[rustfmt::skip]
    const fn keys(&self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Because(_) => ("doctor-because", None),
            Self::NoAnswer => ("doctor-no-answer", Some("doctor-no-answer-cure")),
            // These have a failure's words.
            Self::Agent(_) | Self::Portal { .. } => ("doctor-no-answer", None),
            Self::ServiceAnswers { .. } => ("doctor-service-answers", None),
            Self::ServiceNotInstalled => ("doctor-service-not-installed", Some("doctor-service-not-installed-cure")),
            Self::ServiceNotRunning => ("doctor-service-not-running", Some("doctor-service-not-running-cure")),
            Self::ServiceForbidden => ("doctor-service-forbidden", Some("doctor-service-forbidden-cure")),
            Self::ServiceStrange { .. } => ("doctor-service-strange", Some("doctor-service-strange-cure")),
            Self::ServiceOfOtherVersion => ("doctor-service-of-other-version", Some("doctor-service-of-other-version-cure")),
            Self::Readers(_) => ("doctor-readers", None),
            Self::CardIn(_) => ("doctor-card-in", None),
            Self::SeveralCards(_) => ("doctor-several-cards", Some("doctor-several-cards-cure")),
            Self::CardModel(CardModel::Stb79) => ("model-stb-34-101-79", None),
            Self::CardModel(CardModel::Kta) => ("model-kta", None),
            Self::CardModel(_) => ("doctor-card-known", None),
            Self::Pin(PinStatus::Usable { .. }) => ("pin-usable", None),
            Self::Pin(PinStatus::Suspended) => ("pin-suspended", Some("doctor-pin-suspended-cure")),
            Self::Pin(PinStatus::Blocked) => ("doctor-pin-blocked", Some("doctor-pin-blocked-cure")),
            Self::Pin(PinStatus::Deactivated) => ("doctor-pin-deactivated", Some("doctor-pin-deactivated-cure")),
            Self::AgentProtected => ("doctor-agent-protected", None),
            Self::AgentExposed => ("doctor-agent-exposed", Some("doctor-agent-exposed-cure")),
            Self::PortOurs { .. } => ("doctor-port-ours", None),
            Self::PortOfNobody { .. } => ("doctor-port-of-nobody", Some("doctor-port-of-nobody-cure")),
            Self::PortOfOther { program: Some(_), .. } => ("doctor-port-of-program", Some("doctor-port-of-other-cure")),
            Self::PortOfOther { program: None, .. } => ("doctor-port-of-other", Some("doctor-port-of-other-cure")),
            Self::LoopbackWorks => ("doctor-loopback-works", None),
            Self::LoopbackWithoutIpv6 => ("doctor-loopback-without-ipv6", Some("doctor-loopback-without-ipv6-cure")),
            Self::LoopbackBroken => ("doctor-loopback-broken", Some("doctor-loopback-broken-cure")),
            Self::ClockRight => ("doctor-clock-right", None),
            Self::ClockNotCompared => ("doctor-clock-not-compared", None),
            Self::ClockBeforeRelease { .. } => ("doctor-clock-before-release", Some("doctor-clock-cure")),
            Self::ClockApart { .. } => ("doctor-clock-apart", Some("doctor-clock-cure")),
            Self::ProxyOfSystem => ("doctor-proxy-of-system", None),
            Self::ProxyNone => ("doctor-proxy-none", None),
            Self::ProxyReached { .. } => ("doctor-proxy-reached", None),
            Self::ProxyUnreachable { .. } => ("doctor-proxy-unreachable", Some("doctor-proxy-unreachable-cure")),
            Self::NoPortal => ("doctor-no-portal", None),
            Self::TlsTrusted => ("doctor-tls-trusted", None),
            Self::CertificateNotRead => ("doctor-certificate-not-read", None),
            Self::CertificateValid { .. } => ("doctor-certificate-valid", None),
            Self::CertificateEndsSoon { .. } => ("doctor-certificate-ends-soon", Some("doctor-certificate-cure")),
            Self::CertificateExpired { .. } => ("doctor-certificate-expired", Some("doctor-certificate-cure")),
            Self::CertificateNotYetValid { .. } => ("doctor-certificate-not-yet-valid", Some("doctor-certificate-not-yet-valid-cure")),
            Self::RevocationNotLooked => ("doctor-revocation-not-looked", None),
            Self::CertificateNotRevoked { .. } => ("doctor-certificate-not-revoked", None),
            Self::CertificateRevoked { .. } => ("doctor-certificate-revoked", Some("doctor-certificate-cure")),
            Self::RevocationUnknown => ("doctor-revocation-unknown", Some("doctor-revocation-unknown-cure")),
            Self::PermissionNotAsked => ("doctor-permission-not-asked", None),
            Self::PermissionGranted { .. } => ("doctor-permission-granted", None),
            Self::PermissionDenied { .. } => ("doctor-permission-denied", Some("doctor-permission-denied-cure")),
            Self::PortalAnswers { .. } => ("doctor-portal-answers", None),
            Self::StatusServiceNotSet => ("doctor-status-service-not-set", None),
            Self::StatusServiceAnswers { .. } => ("doctor-status-service-answers", None),
            Self::StatusServiceSilent { .. } => ("doctor-status-service-silent", Some("doctor-status-service-cure")),
            Self::StatusServiceStrange { .. } => ("doctor-status-service-strange", Some("doctor-status-service-cure")),
            Self::NoBrowser => ("doctor-no-browser", Some("doctor-no-browser-cure")),
            Self::Browsers { .. } => ("doctor-browsers", None),
            Self::BrowsersConfined { .. } => ("doctor-browsers-confined", Some("doctor-browsers-confined-cure")),
            Self::LinksOurs => ("doctor-links-ours", None),
            Self::LinksOfNobody => ("doctor-links-of-nobody", Some("doctor-links-cure")),
            Self::LinksOfOther { .. } => ("doctor-links-of-other", Some("doctor-links-cure")),
            Self::AutostartOn => ("doctor-autostart-on", None),
            Self::AutostartOff => ("doctor-autostart-off", None),
            Self::AutostartMissing => ("doctor-autostart-missing", Some("doctor-autostart-cure")),
            Self::AutostartUnwanted => ("doctor-autostart-unwanted", Some("doctor-autostart-cure")),
        }
    }

    fn fillings(&self, texts: &Texts) -> Vec<(&'static str, Filling)> {
        match self {
            Self::Because(name) => vec![("check", texts.say(name.title()).into())],
            Self::Portal { origin, .. }
            | Self::PortalAnswers { origin }
            | Self::StatusServiceAnswers { origin }
            | Self::StatusServiceSilent { origin }
            | Self::StatusServiceStrange { origin } => vec![("origin", origin.as_str().into())],
            Self::ServiceAnswers { protocol: (major, minor) } => {
                vec![("version", format!("{major}.{minor}").into())]
            }
            Self::ServiceStrange { reason } => vec![("reason", reason.as_str().into())],
            Self::Readers(readers) | Self::SeveralCards(readers) => {
                let names = readers.iter().map(|name| format!("“{name}”")).collect::<Vec<_>>();
                vec![("readers", names.join(", ").into())]
            }
            Self::CardIn(reader) => vec![("reader", reader.to_string().into())],
            Self::Pin(PinStatus::Usable { tries_left }) => vec![("tries", (*tries_left).into())],
            Self::PortOurs { port } | Self::PortOfNobody { port } => vec![("port", port.to_string().into())],
            Self::PortOfOther { port, program } => {
                vec![("port", port.to_string().into()), ("program", program.clone().unwrap_or_default().into())]
            }
            Self::ClockBeforeRelease { now } => vec![("now", now.format(&Rfc3339).unwrap_or_default().into())],
            Self::ClockApart { seconds, .. } => {
                vec![("minutes", u32::try_from(seconds / 60).unwrap_or(u32::MAX).max(1).into())]
            }
            Self::ProxyReached { address } | Self::ProxyUnreachable { address } => {
                vec![("address", address.as_str().into())]
            }
            Self::CertificateValid { until: date }
            | Self::CertificateEndsSoon { until: date }
            | Self::CertificateExpired { since: date }
            | Self::CertificateNotYetValid { from: date }
            | Self::CertificateNotRevoked { as_of: date }
            | Self::CertificateRevoked { since: date } => vec![("date", date.date().to_string().into())],
            Self::Browsers { names }
            | Self::BrowsersConfined { names }
            | Self::PermissionGranted { names }
            | Self::PermissionDenied { names } => vec![("names", names.join(", ").into())],
            Self::LinksOfOther { entry } => vec![("entry", entry.as_str().into())],
            _ => Vec::new(),
        }
    }
}

impl Check {
    /// The check in words for that place.
    #[must_use]
    pub fn worded(&self, texts: &Texts, place: Place) -> Worded {
        let title = texts.say(self.name.title());
        let told: Option<&dyn Told> = match &self.finding {
            Finding::Agent(failure) => Some(failure),
            Finding::Portal { failure, .. } => Some(failure),
            _ => None,
        };
        if let Some(failure) = told {
            let Words { what_happened, what_to_do, .. } = Words::about(failure, texts, place);
            return Worded { title, finding: what_happened, cure: Some(what_to_do) };
        }
        let (finding, cure) = self.finding.keys();
        let fillings = self.finding.fillings(texts);
        Worded { title, finding: texts.fill(finding, &fillings), cure: cure.map(|key| texts.fill(key, &fillings)) }
    }
}
