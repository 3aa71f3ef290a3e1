//! The events.

use crate::cabinet::CabinetId;

/// Something that happened, with what is told of it. Names and members are stable.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The service began to answer.
    ServiceStarted {
        /// Its version.
        version: &'a str,
    },
    /// The service stopped in good order.
    ServiceStopped,
    /// Somebody signed in.
    SignInAccepted {
        /// How sure that is.
        assurance: &'a str,
        /// How he came.
        way: &'a str,
        /// His cabinet, if there are cabinets.
        cabinet: Option<CabinetId>,
    },
    /// Somebody did not get in.
    SignInRefused {
        /// Why not.
        code: &'a str,
    },
    /// A dormant cabinet was opened by its holder's first sign-in with the card.
    CabinetOpened {
        /// Which.
        cabinet: CabinetId,
    },
    /// Somebody signed out.
    SignedOut,
    /// A holder ended sessions in the cabinet.
    SessionsEnded {
        /// Whose.
        cabinet: CabinetId,
        /// How many.
        count: u64,
    },
    /// A holder chose for whom he acts.
    AccountChosen {
        /// Whose cabinet it is.
        cabinet: CabinetId,
        /// The organisation's number as a taxpayer; none if he acts for himself.
        organisation: Option<&'a str>,
    },
    /// A person let a site know who he is.
    ConsentGiven {
        /// The site.
        client: &'a str,
        /// What it may know.
        scopes: &'a str,
    },
    /// A person took that back.
    ConsentWithdrawn {
        /// The site.
        client: &'a str,
    },
    /// A site was given a ticket.
    TicketIssued {
        /// The site.
        client: &'a str,
        /// How sure it is told to be.
        assurance: &'a str,
    },
    /// A code or a refresh token was used a second time; what came of it ended.
    TokenReplayed {
        /// The site that brought it.
        client: &'a str,
    },
    /// Somebody failed to prove that he is a site.
    SiteRefused,
    /// Card and terminal have proven themselves to each other.
    TerminalEstablished,
    /// A request to the terminal was refused.
    TerminalRefused {
        /// Why.
        code: &'a str,
    },
    /// The terminal was given another certificate.
    TerminalRenewed,
    /// The terminal asked for another certificate in vain.
    TerminalNotRenewed {
        /// Why.
        code: &'a str,
    },
    /// Changed revocation lists were taken into use.
    RevocationTaken {
        /// How many.
        count: u64,
    },
    /// A changed revocation list could not be used.
    RevocationRefused,
    /// Changed sites or keys for tickets were taken into use.
    SitesTaken,
    /// Changed sites or keys for tickets could not be used.
    SitesRefused,
}

impl Event<'_> {
    /// The names of all events.
    pub const NAMES: [&'static str; 21] = [
        "service-started",
        "service-stopped",
        "sign-in-accepted",
        "sign-in-refused",
        "cabinet-opened",
        "signed-out",
        "sessions-ended",
        "account-chosen",
        "consent-given",
        "consent-withdrawn",
        "ticket-issued",
        "token-replayed",
        "site-refused",
        "terminal-established",
        "terminal-refused",
        "terminal-renewed",
        "terminal-not-renewed",
        "revocation-taken",
        "revocation-refused",
        "sites-taken",
        "sites-refused",
    ];

    /// The stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ServiceStarted { .. } => "service-started",
            Self::ServiceStopped => "service-stopped",
            Self::SignInAccepted { .. } => "sign-in-accepted",
            Self::SignInRefused { .. } => "sign-in-refused",
            Self::CabinetOpened { .. } => "cabinet-opened",
            Self::SignedOut => "signed-out",
            Self::SessionsEnded { .. } => "sessions-ended",
            Self::AccountChosen { .. } => "account-chosen",
            Self::ConsentGiven { .. } => "consent-given",
            Self::ConsentWithdrawn { .. } => "consent-withdrawn",
            Self::TicketIssued { .. } => "ticket-issued",
            Self::TokenReplayed { .. } => "token-replayed",
            Self::SiteRefused => "site-refused",
            Self::TerminalEstablished => "terminal-established",
            Self::TerminalRefused { .. } => "terminal-refused",
            Self::TerminalRenewed => "terminal-renewed",
            Self::TerminalNotRenewed { .. } => "terminal-not-renewed",
            Self::RevocationTaken { .. } => "revocation-taken",
            Self::RevocationRefused => "revocation-refused",
            Self::SitesTaken => "sites-taken",
            Self::SitesRefused => "sites-refused",
        }
    }

    /// What is told beside the name.
    pub(super) fn details(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::ServiceStarted { version } => vec![("version", (*version).to_owned())],
            Self::SignInAccepted { assurance, way, cabinet } => {
                let known = [("assurance", (*assurance).to_owned()), ("way", (*way).to_owned())];
                known.into_iter().chain(cabinet.map(|cabinet| ("cabinet", cabinet.to_string()))).collect()
            }
            Self::SignInRefused { code } | Self::TerminalRefused { code } | Self::TerminalNotRenewed { code } => {
                vec![("code", (*code).to_owned())]
            }
            Self::CabinetOpened { cabinet } => vec![("cabinet", cabinet.to_string())],
            Self::SessionsEnded { cabinet, count } => {
                vec![("cabinet", cabinet.to_string()), ("count", count.to_string())]
            }
            Self::AccountChosen { cabinet, organisation } => {
                let whose = ("cabinet", cabinet.to_string());
                [whose].into_iter().chain(organisation.map(|number| ("organisation", number.to_owned()))).collect()
            }
            Self::ConsentGiven { client, scopes } => {
                vec![("client", (*client).to_owned()), ("scopes", (*scopes).to_owned())]
            }
            Self::TicketIssued { client, assurance } => {
                vec![("client", (*client).to_owned()), ("assurance", (*assurance).to_owned())]
            }
            Self::ConsentWithdrawn { client } | Self::TokenReplayed { client } => {
                vec![("client", (*client).to_owned())]
            }
            Self::RevocationTaken { count } => vec![("count", count.to_string())],
            Self::ServiceStopped
            | Self::SignedOut
            | Self::SiteRefused
            | Self::TerminalEstablished
            | Self::TerminalRenewed
            | Self::RevocationRefused
            | Self::SitesTaken
            | Self::SitesRefused => Vec::new(),
        }
    }
}
