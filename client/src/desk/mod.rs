//! The desk: where requests of pages and links meet the holder. One request is at work, the others wait in line; each
//! goes through the steps of [`Phase`]. The agent asks for secrets at a place of its own; here the holder agrees,
//! refuses, chooses and repeats.

mod failure;
mod line;
mod request;
mod sites;
mod source;
mod ticket;
mod view;
mod work;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use latchkey_agent::{CardAgent, ReaderName};
use latchkey_crypto::cv::rights::Rights;
use tokio::sync::{mpsc, watch};

pub use failure::RequestFailure;
pub use line::{GIVES_WAY_AFTER, HOLDER_TIME, OPEN_REQUESTS, OPEN_REQUESTS_OF_SITE, WARNING_TIME};
pub use request::{Fulfilled, SignedIn};
pub use sites::{REFUSAL_HOLDS, Sites, SitesOfThisRun, Standing};
pub use source::{FetchedLink, Link, PageRequest, PageWish, Pending, SAYS_IT_IS_MAX_SIZE, TerminalWish};
pub use ticket::{PageTicket, Progress, ProgressPhase};
pub use view::{ArrivedBy, DeskView, Phase, RequestNumber, RequestView, Secret, TerminalDisclosure, TerminalWork};

use crate::sign_in::status::Stapler;
use request::Event;
use source::Source;
use work::{Means, Message};

/// The desk. Clones are the same desk; it closes when the last one is gone, and ends all requests.
#[derive(Clone)]
pub struct Desk {
    messages: mpsc::UnboundedSender<Message>,
    changes: watch::Receiver<Arc<DeskView>>,
    last: Arc<AtomicU64>,
}

impl Desk {
    /// Opens a desk on the Tokio runtime that the caller is in, whose clock it goes by. Nothing wakes up while no
    /// request is open. With a `stapler`, sign-ins bring along what it adds.
    #[must_use]
    pub fn open(agent: Arc<dyn CardAgent>, sites: Arc<dyn Sites>, stapler: Option<Stapler>) -> Self {
        let (messages, arriving) = mpsc::unbounded_channel();
        let (shown, changes) = watch::channel(Arc::default());
        tokio::spawn(work::work(Means { agent, stapler }, sites, messages.downgrade(), arriving, shown));
        Self { messages, changes, last: Arc::default() }
    }

    /// A page asks to sign in. Dropping the ticket takes that back.
    #[must_use]
    pub fn submit(&self, page: PageRequest) -> PageTicket {
        let number = self.next_number();
        let (ticket, counterfoil) = ticket::issue(number, self.messages.downgrade());
        self.send(Message::Submit(number, Source::Page(page), Some(counterfoil)));
        ticket
    }

    /// The holder followed a link. Its end is shown to him only.
    ///
    /// # Errors
    /// [`RequestFailure::TooManyRequests`] if it finds no place at the desk.
    pub fn follow(&self, link: Box<dyn Link>) -> Result<RequestNumber, RequestFailure> {
        if self.changes.borrow().is_crowded(link.origin()) {
            return Err(RequestFailure::TooManyRequests);
        }
        let number = self.next_number();
        self.send(Message::Submit(number, Source::Link(link), None));
        Ok(number)
    }

    /// What the holder sees, now and after every change.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<Arc<DeskView>> {
        self.changes.clone()
    }

    /// The holder's yes to the question that is open.
    pub fn agree(&self, number: RequestNumber) {
        self.send(Message::Happened(number, Event::Agreed));
    }

    /// The holder keeps only these of the rights that he may leave out, while he is asked about them.
    pub fn narrow(&self, number: RequestNumber, kept: Rights) {
        self.send(Message::Happened(number, Event::Narrowed(kept)));
    }

    /// The holder's no. The site of a page is not asked about again for a day; the portal that a link names may know
    /// nothing of it.
    pub fn refuse(&self, number: RequestNumber) {
        self.send(Message::Happened(number, Event::Refused));
    }

    /// The holder takes a request off the list, whichever page's it is and how far it may be.
    pub fn end(&self, number: RequestNumber) {
        self.send(Message::Happened(number, Event::Ended));
    }

    /// The holder wants another try after a failure.
    pub fn retry(&self, number: RequestNumber) {
        self.send(Message::Happened(number, Event::Retried));
    }

    /// The holder says in which reader the card is that he means.
    pub fn choose_reader(&self, number: RequestNumber, reader: ReaderName) {
        self.send(Message::Happened(number, Event::ReaderChosen(reader)));
    }

    /// The holder wants more time.
    pub fn more_time(&self, number: RequestNumber) {
        self.send(Message::HolderActed(number));
    }

    /// The holder wants the card for something that is not at the desk: a terminal session that nobody drives any more
    /// gives way.
    pub fn make_way(&self) {
        self.send(Message::MakeWay);
    }

    /// The program is about to end: so do all requests.
    pub fn stop(&self) {
        self.send(Message::Stop);
    }

    fn next_number(&self) -> RequestNumber {
        RequestNumber(self.last.fetch_add(1, Ordering::Relaxed).wrapping_add(1))
    }

    fn send(&self, message: Message) {
        if self.messages.send(message).is_err() {
            tracing::debug!("the desk is closed");
        }
    }
}
