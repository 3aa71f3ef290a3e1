//! What the holder sees of the requests: plain data, without words.

use latchkey_agent::{AskedRights, SIGNING, ShownDocument, ShownTerminal, VerifiedRequest};
use latchkey_crypto::assertion::Origin;
use latchkey_crypto::cv::rights::{DataGroup, EidRights, EsignRights, Rights};

use super::{OPEN_REQUESTS, OPEN_REQUESTS_OF_SITE, RequestFailure};

/// Names a request at a desk. The holder's commands use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestNumber(pub u64);

/// All requests; the first is the one at work, the others wait in the order in which they came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeskView {
    /// The requests.
    pub requests: Vec<RequestView>,
}

impl DeskView {
    /// Whether there is no place for another request of this site.
    pub(super) fn is_crowded(&self, origin: &Origin) -> bool {
        let open = || self.requests.iter().filter(|request| !request.is_over);
        let of_site = open().filter(|request| request.origin == origin.as_str()).count();
        open().count() >= OPEN_REQUESTS || of_site >= OPEN_REQUESTS_OF_SITE
    }
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestView {
    /// Which one.
    pub id: RequestNumber,
    /// As the browser reported it, or as the program itself reached it.
    pub origin: String,
    /// The name that the page or portal gave itself: proves nothing.
    pub says_it_is: Option<String>,
    /// How it came.
    pub arrived_by: ArrivedBy,
    /// Of a link: to recognise one's own request.
    pub short_code: Option<String>,
    /// What the page wants signed, if it wants documents signed: their names are the page's own.
    pub documents: Vec<ShownDocument>,
    /// What a terminal is let do, if that is what the page wants.
    pub disclosure: Option<TerminalDisclosure>,
    /// How far it is.
    pub phase: Phase,
    /// Counts the phases that it has been in: tells a question from another one in the same phase.
    pub step: u32,
    /// Whether it is over: it stays on show until another comes to work or the holder takes it off the list.
    pub is_over: bool,
    /// The holder has to act within so many seconds; `None` while there is time enough.
    pub seconds_left: Option<u32>,
}

/// What a terminal is let do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerminalDisclosure {
    /// Who asks by a signed request that was verified; without it nobody vouches for what the site says.
    pub request: Option<VerifiedRequest>,
    /// What may be read and done, as the holder has it now.
    pub rights: AskedRights,
    /// What of it the holder may leave out.
    pub optional: Rights,
    /// The terminal, as soon as it is known.
    pub terminal: Option<ShownTerminal>,
}

impl TerminalDisclosure {
    /// What the holder may leave out, one by one, each with whether he hands it over.
    #[must_use]
    pub fn choices(&self) -> Vec<(Rights, bool)> {
        let reads = (1..=22).filter_map(DataGroup::new).map(EidRights::read);
        let eid = reads.chain([EidRights::AGE_VERIFICATION, EidRights::PLACE_VERIFICATION]);
        let single = eid.map(|eid| Rights { eid, esign: EsignRights::NONE }).chain([SIGNING]);
        let optional = single.filter(|right| self.optional.contains(*right));
        optional.map(|right| (right, self.keeps(right))).collect()
    }

    fn keeps(&self, right: Rights) -> bool {
        match self.rights {
            AskedRights::Exactly(rights) => rights.contains(right),
            AskedRights::OfModel { signs } => signs || right != SIGNING,
        }
    }

    /// What is handed over of it when the holder keeps or leaves out the one at that place.
    #[must_use]
    pub fn with_choice(&self, place: usize, keep: bool) -> Rights {
        let choices = self.choices().into_iter().enumerate();
        let kept = choices.filter(|(at, (_, kept))| if *at == place { keep } else { *kept });
        kept.fold(Rights::NONE, |all, (_, (right, _))| all | right)
    }
}

/// How a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArrivedBy {
    /// A page called the local service.
    Page,
    /// The holder followed a link.
    Link,
}

/// How far a request is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Of a link: may the program contact this host?
    AskHost,
    /// Of a link: the portal is asked what it wants.
    Fetching,
    /// Others are served first.
    WaitingInLine,
    /// Who asks, what is handed over: agree or refuse.
    AskHandOver,
    /// There is no reader.
    ConnectReader,
    /// There is no card.
    InsertCard,
    /// There are several cards.
    ChooseReader {
        /// The readers that hold one.
        readers: Vec<String>,
    },
    /// The card is talked to.
    ReadingCard,
    /// The agent asks for a secret, at a place of its own.
    AgentAsks {
        /// Which one.
        secret: Secret,
        /// Tries of the PIN, as the card said.
        tries_left: Option<u8>,
    },
    /// The card signs.
    Signing,
    /// Of a link: the signature is handed to the portal.
    Sending,
    /// A terminal session is open: nothing of what passes can be read here.
    TerminalAtWork {
        /// What the terminal is let do now.
        work: TerminalWork,
    },
    /// The portal has the signature.
    Done,
    /// It failed.
    Failed {
        /// Why.
        failure: RequestFailure,
    },
}

/// What a terminal is let do, as far as that can be known without reading what passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TerminalWork {
    /// Nothing yet: the card is open, and the page has not brought its terminal.
    Awaited,
    /// To authenticate itself and to read.
    Reading,
    /// To have the card sign: the holder allowed it.
    Signing,
}

/// What the agent asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secret {
    /// The PIN.
    Pin,
    /// The second PIN, which some cards want before a signature.
    Pin2,
    /// A PIN that the card does not have yet.
    NewPin,
    /// The number printed on the card.
    Can,
    /// The unblocking number.
    Puk,
    /// Whether the last try may be spent.
    LastTry,
    /// Whether a terminal is let in, or may have something signed.
    Consent,
}

impl Phase {
    /// Whether the request stands still until the holder does something.
    #[must_use]
    pub const fn needs_holder(&self) -> bool {
        match self {
            Self::AskHost
            | Self::AskHandOver
            | Self::ConnectReader
            | Self::InsertCard
            | Self::ChooseReader { .. }
            | Self::AgentAsks { .. }
            | Self::Failed { .. } => true,
            Self::Fetching
            | Self::WaitingInLine
            | Self::ReadingCard
            | Self::Signing
            | Self::Sending
            | Self::TerminalAtWork { .. }
            | Self::Done => false,
        }
    }
}
