//! The desk: pages' requests, the holder's answers, and an agent in this process with a virtual card.

use std::sync::Arc;

use latchkey_agent::{Asker, ReaderName, SecretKind};
use latchkey_client::desk::{
    Desk, DeskView, PageRequest, PageTicket, Phase, ProgressPhase, RequestFailure, RequestNumber, RequestView, Secret,
    SitesOfThisRun,
};
use latchkey_crypto::assertion::{ChallengeText, Origin, signed_hash};
use latchkey_crypto::x509::Certificate;
use latchkey_fixtures::random::Seeded;
use tokio::sync::watch;

use crate::holder::{Holder, Reply};
use crate::readers::NOW;

/// A desk with a holder at it.
pub(crate) struct Scene {
    pub(crate) desk: Desk,
    pub(crate) holder: Holder,
    pub(crate) view: watch::Receiver<Arc<DeskView>>,
}

impl Scene {
    pub(crate) fn of(holder: Holder) -> Self {
        let desk = Desk::open(holder.agent.clone(), Arc::new(SitesOfThisRun::new(|| NOW)));
        let view = desk.changes();
        Self { desk, holder, view }
    }

    fn submit(&self, site: &str) -> PageTicket {
        self.desk.submit(page(site))
    }

    /// Waits until the first request is as `expected` says.
    async fn first(&mut self, expected: impl Fn(&RequestView) -> bool) -> RequestView {
        let view = self.view.wait_for(|view| view.requests.first().is_some_and(&expected)).await.unwrap();
        view.requests[0].clone()
    }

    async fn phase(&mut self, expected: Phase) -> RequestNumber {
        self.first(|request| request.phase == expected).await.id
    }

    async fn empty(&mut self) {
        self.view.wait_for(|view| view.requests.is_empty()).await.unwrap();
    }
}

fn page(site: &str) -> PageRequest {
    PageRequest {
        origin: Origin::parse(&format!("https://{site}.example")).unwrap(),
        challenge: challenge(site),
        says_it_is: Some(format!("The portal {site}")),
    }
}

fn challenge(site: &str) -> ChallengeText {
    ChallengeText::draw(&mut Seeded::new(&format!("a challenge of {site}")))
}

#[tokio::test]
async fn a_page_signs_in_after_the_holder_agreed() {
    let mut scene = Scene::of(Holder::with_card());
    scene.holder.replies([Reply::pin()]);
    let mut ticket = scene.submit("portal");
    let request = scene.first(|request| request.phase == Phase::AskHandOver).await;
    assert_eq!((request.origin.as_str(), request.id), ("https://portal.example", ticket.number()));
    assert_eq!(request.says_it_is.as_deref(), Some("The portal portal"));
    assert!(scene.holder.readers.events().is_empty(), "the card was touched before the holder agreed");
    assert_eq!(ticket.progress().borrow().phase, ProgressPhase::AskingHolder);

    scene.desk.agree(request.id);
    let (kind, question) = scene.holder.asked().await;
    let Asker::Portal(origin) = question.asker else { panic!("{question:?}") };
    assert_eq!((kind, origin.as_str()), (SecretKind::Pin, "https://portal.example"));
    scene.phase(Phase::Done).await;
    let signed = ticket.outcome().await.unwrap();
    let certificate = Certificate::from_der(signed.assertion.unverified_certificate()).unwrap();
    let algorithm = signed.assertion.algorithm();
    let hash = signed_hash(algorithm, &page("portal").origin, &challenge("portal"));
    certificate.public_key().verify_hash(algorithm, &hash, signed.assertion.signature()).unwrap();
    assert_eq!(signed.reader, Some(ReaderName::parse("Reader").unwrap()));
    assert!(scene.holder.card_was_reset());
    assert_eq!(ticket.progress().borrow().phase, ProgressPhase::Done);

    // What is over stays on show until the holder has seen it.
    drop(ticket);
    scene.desk.end(request.id);
    scene.empty().await;
}

#[tokio::test]
async fn while_the_agent_asks_the_holder_sees_for_what() {
    let mut scene = Scene::of(Holder::with_card());
    let mut ticket = scene.submit("portal");
    let number = scene.phase(Phase::AskHandOver).await;
    scene.desk.agree(number);
    scene.phase(Phase::AgentAsks { secret: Secret::Pin, tries_left: Some(3) }).await;
    assert_eq!(ticket.progress().borrow().phase, ProgressPhase::Card);
    let Scene { desk, mut holder, .. } = scene;
    drop(desk);
    assert_eq!(ticket.outcome().await.unwrap_err(), RequestFailure::Stopping);
    holder.asked().await;
}
