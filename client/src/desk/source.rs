//! Where requests come from: a page that called the local service, or a link that the holder followed.

use std::pin::Pin;
use std::time::Duration;

use latchkey_agent::{
    AskedRights, Asker, CardRequest, CardTask, Documents, ReaderChoice, Request, SIGNING, ShownDocument, SignDocuments,
    SignIn, TerminalSession,
};
use latchkey_crypto::assertion::{Assertion, ChallengeText, Origin};
use latchkey_crypto::cv::rights::Rights;

use super::{ArrivedBy, RequestFailure, TerminalDisclosure};
use crate::sign_in::APP_VERSION;

/// How long the agent waits for a reader and a card. The desk ends the wait long before if the holder does nothing.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// Most characters of a name that a page gives itself.
pub const SAYS_IT_IS_MAX_SIZE: usize = crate::portal::PORTAL_NAME_MAX_SIZE;

/// What a page asks for.
#[derive(Debug, Clone)]
pub struct PageRequest {
    /// As the browser reported it.
    pub origin: Origin,
    /// What it wants.
    pub wish: PageWish,
    /// The name that the page gives itself.
    pub says_it_is: Option<String>,
}

/// What a page wants of the card.
#[derive(Debug, Clone)]
pub enum PageWish {
    /// The portal's challenge, for the origin that the browser reported.
    SignIn(ChallengeText),
    /// These documents.
    SignDocuments(Documents),
    /// To let a terminal work with the card.
    TerminalSession(Box<TerminalWish>),
}

/// What a page wants a terminal to do with the card.
#[derive(Debug, Clone)]
pub struct TerminalWish {
    /// What the agent is asked for. The origin is the page's.
    pub session: TerminalSession,
    /// What of it the holder may leave out.
    pub optional: Rights,
}

/// Something that takes a while. Dropping it ends it.
pub type Pending<T> = Pin<Box<dyn Future<Output = Result<T, RequestFailure>> + Send>>;

/// A link that the holder followed. Nothing was sent to its host yet.
pub trait Link: Send {
    /// The host to be asked.
    fn origin(&self) -> &Origin;

    /// The holder agreed to the host: asks it what it wants.
    fn fetch(self: Box<Self>) -> Pending<Box<dyn FetchedLink>>;
}

/// What the host of a link wants.
pub trait FetchedLink: Send {
    /// The name that the portal gives itself.
    fn says_it_is(&self) -> &str;

    /// The code by which the holder recognises his own request.
    fn short_code(&self) -> Option<&str>;

    /// What to ask the agent, which waits `patience` for a card if there is none: a sign-in at [`Link::origin`].
    fn request(&self, reader: ReaderChoice, patience: Duration) -> Request;

    /// The card signed: hands the assertion over and opens the address that completes the sign-in.
    fn present(self: Box<Self>, assertion: Assertion) -> Pending<()>;
}

/// Where a request comes from, before anything happened.
pub(super) enum Source {
    Page(PageRequest),
    Link(Box<dyn Link>),
}

/// What is asked of the holder: origin and challenge are known.
pub(super) enum Wanted {
    Page(PageRequest),
    Link(Box<dyn FetchedLink>),
}

/// What a request shows of itself at every step.
#[derive(Debug, Clone)]
pub(super) struct Label {
    pub(super) origin: Origin,
    pub(super) says_it_is: Option<String>,
    pub(super) arrived_by: ArrivedBy,
    pub(super) short_code: Option<String>,
    pub(super) documents: Vec<ShownDocument>,
    pub(super) disclosure: Option<TerminalDisclosure>,
}

impl Source {
    pub(super) fn label(&self) -> Label {
        match self {
            Self::Page(page) => Label {
                origin: page.origin.clone(),
                says_it_is: page.says_it_is.clone(),
                arrived_by: ArrivedBy::Page,
                short_code: None,
                documents: page.wish.documents(),
                disclosure: page.wish.disclosure(),
            },
            Self::Link(link) => Label {
                origin: link.origin().clone(),
                says_it_is: None,
                arrived_by: ArrivedBy::Link,
                short_code: None,
                documents: Vec::new(),
                disclosure: None,
            },
        }
    }
}

impl PageWish {
    /// What a terminal is going to be let do.
    fn disclosure(&self) -> Option<TerminalDisclosure> {
        match self {
            Self::SignIn(_) | Self::SignDocuments(_) => None,
            Self::TerminalSession(wish) => Some(TerminalDisclosure {
                request: wish.session.request.clone(),
                rights: wish.session.rights,
                optional: wish.optional,
                terminal: None,
            }),
        }
    }

    /// The holder leaves out what is not among `kept` and may be left out.
    pub(super) fn narrow(&mut self, kept: Rights) {
        if let Self::TerminalSession(wish) = self {
            let kept = kept & wish.optional;
            wish.session.rights = match wish.session.rights {
                AskedRights::Exactly(rights) => AskedRights::Exactly(rights.without(wish.optional) | kept),
                AskedRights::OfModel { signs } => AskedRights::OfModel {
                    signs: if wish.optional.contains(SIGNING) { kept.contains(SIGNING) } else { signs },
                },
            };
        }
    }

    /// The documents, as they are shown: the page's own names.
    fn documents(&self) -> Vec<ShownDocument> {
        match self {
            Self::SignIn(_) | Self::TerminalSession(_) => Vec::new(),
            Self::SignDocuments(documents) => documents
                .as_slice()
                .iter()
                .map(|document| ShownDocument { name: document.name(), size: document.size_at_hand() })
                .collect(),
        }
    }
}

impl Wanted {
    /// What to ask the agent. Nothing but origin and challenge, or contents, reaches the agent.
    pub(super) fn agent_request(&self, reader: ReaderChoice) -> Request {
        match self {
            Self::Page(PageRequest { origin, wish, .. }) => {
                let task = match wish.clone() {
                    PageWish::SignIn(challenge) => CardTask::SignIn(SignIn {
                        origin: origin.clone(),
                        challenge,
                        app_version: APP_VERSION.to_owned(),
                    }),
                    PageWish::SignDocuments(documents) => {
                        CardTask::SignDocuments(SignDocuments { asker: Asker::Portal(origin.clone()), documents })
                    }
                    PageWish::TerminalSession(wish) => {
                        CardTask::TerminalSession(Box::new(TerminalSession { origin: origin.clone(), ..wish.session }))
                    }
                };
                Request::OfCard(CardRequest { reader, patience: PATIENCE, task })
            }
            Self::Link(link) => link.request(reader, PATIENCE),
        }
    }
}
