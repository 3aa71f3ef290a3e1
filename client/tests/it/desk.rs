//! The desk: pages' requests, the holder's answers, and an agent in this process with a virtual card.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use latchkey_agent::{Asker, Failure, ReaderChoice, ReaderName, Request, SecretKind};
use latchkey_client::desk::{
    ArrivedBy, Desk, DeskView, FetchedLink, Fulfilled, HOLDER_TIME, Link, OPEN_REQUESTS, OPEN_REQUESTS_OF_SITE,
    PageRequest, PageTicket, PageWish, Pending, Phase, ProgressPhase, REFUSAL_HOLDS, RequestFailure, RequestNumber,
    RequestView, Secret, Sites, SitesOfThisRun, Standing, WARNING_TIME,
};
use latchkey_client::portal::PortalFailure;
use latchkey_client::sign_in::status::Stapler;
use latchkey_crypto::assertion::{Assertion, ChallengeText, Origin, signed_hash};
use latchkey_crypto::x509::Certificate;
use latchkey_fixtures::random::Seeded;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::holder::{HOLDER, Holder, Reply};
use crate::readers::{Desk as Readers, HolderCard, NOW};

/// A desk with a holder at it.
pub(crate) struct Scene {
    pub(crate) desk: Desk,
    pub(crate) holder: Holder,
    pub(crate) view: watch::Receiver<Arc<DeskView>>,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::of(Holder::with_card(), Arc::new(SitesOfThisRun::new(|| NOW)))
    }

    /// A desk at which sign-ins bring along what that adds.
    pub(crate) fn with_stapler(stapler: Option<Stapler>) -> Self {
        Self::with(Holder::with_card(), Arc::new(SitesOfThisRun::new(|| NOW)), stapler)
    }

    fn of(holder: Holder, sites: Arc<dyn Sites>) -> Self {
        Self::with(holder, sites, None)
    }

    fn with(holder: Holder, sites: Arc<dyn Sites>, stapler: Option<Stapler>) -> Self {
        let desk = Desk::open(holder.agent.clone(), sites, stapler);
        let view = desk.changes();
        Self { desk, holder, view }
    }

    pub(crate) fn submit(&self, site: &str) -> PageTicket {
        self.desk.submit(page(site))
    }

    /// Waits until the first request is as `expected` says.
    pub(crate) async fn first(&mut self, expected: impl Fn(&RequestView) -> bool) -> RequestView {
        let view = self.view.wait_for(|view| view.requests.first().is_some_and(&expected)).await.unwrap();
        view.requests[0].clone()
    }

    pub(crate) async fn phase(&mut self, expected: Phase) -> RequestNumber {
        self.first(|request| request.phase == expected).await.id
    }

    pub(crate) async fn empty(&mut self) {
        self.view.wait_for(|view| view.requests.is_empty()).await.unwrap();
    }

    /// The sites that wait, in their order, the one at work first.
    pub(crate) async fn sites(&mut self, expected: &[&str]) {
        let is_so = |view: &Arc<DeskView>| {
            view.requests.iter().map(|request| request.origin.as_str()).eq(expected.iter().copied())
        };
        self.view.wait_for(is_so).await.unwrap();
    }

    /// A request of that site which the agent asks the PIN for.
    async fn at_the_pin(&mut self, site: &str) -> PageTicket {
        let ticket = self.submit(site);
        self.phase(Phase::AskHandOver).await;
        self.desk.agree(ticket.number());
        self.phase(asking_for_pin()).await;
        ticket
    }
}

pub(crate) fn asking_for_pin() -> Phase {
    Phase::AgentAsks { secret: Secret::Pin, tries_left: Some(3) }
}

fn page(site: &str) -> PageRequest {
    PageRequest {
        origin: Origin::parse(&format!("https://{site}.example")).unwrap(),
        wish: PageWish::SignIn(challenge(site)),
        says_it_is: Some(format!("The portal {site}")),
    }
}

fn challenge(site: &str) -> ChallengeText {
    ChallengeText::draw(&mut Seeded::new(&format!("a challenge of {site}")))
}

fn failed(failure: Failure) -> Phase {
    Phase::Failed { failure: failure.into() }
}

#[tokio::test]
async fn a_page_signs_in_after_the_holder_agreed() {
    let mut scene = Scene::new();
    scene.holder.replies([Reply::pin()]);
    let mut ticket = scene.submit("portal");
    let request = scene.first(|request| request.phase == Phase::AskHandOver).await;
    assert_eq!((request.origin.as_str(), request.id), ("https://portal.example", ticket.number()));
    assert_eq!(request.says_it_is.as_deref(), Some("The portal portal"));
    assert_eq!((request.arrived_by, request.short_code), (ArrivedBy::Page, None));
    assert!(scene.holder.readers.events().is_empty(), "the card was touched before the holder agreed");
    assert_eq!(ticket.progress().borrow().phase, ProgressPhase::AskingHolder);

    scene.desk.agree(request.id);
    let (kind, question) = scene.holder.asked().await;
    let Asker::Portal(origin) = question.asker else { panic!("{question:?}") };
    assert_eq!((kind, origin.as_str()), (SecretKind::Pin, "https://portal.example"));
    let over = scene.first(|request| request.phase == Phase::Done).await;
    assert!(over.is_over);
    let Fulfilled::SignedIn(signed) = ticket.outcome().await.unwrap() else { panic!("no sign-in") };
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
async fn pages_that_call_together_are_served_in_the_order_in_which_they_came() {
    let mut scene = Scene::new();
    let sites = ["first", "second", "third"];
    let mut tickets = sites.map(|site| scene.submit(site));
    scene.sites(&["https://first.example", "https://second.example", "https://third.example"]).await;
    assert_eq!(tickets[1].progress().borrow().phase, ProgressPhase::WaitingInLine);
    // The holder ends another page's request while one is at work.
    scene.desk.end(tickets[1].number());
    assert_eq!(tickets[1].outcome().await.unwrap_err(), RequestFailure::HolderEnded);
    scene.holder.replies([Reply::pin(), Reply::pin()]);
    for index in [0, 2] {
        let number = scene.first(|request| request.phase == Phase::AskHandOver).await.id;
        assert_eq!(number, tickets[index].number());
        scene.desk.agree(number);
        tickets[index].outcome().await.unwrap();
    }
}

#[tokio::test]
async fn a_refused_site_is_not_asked_about_again_for_a_day() {
    let now = Arc::new(Mutex::new(NOW));
    let clock = Arc::clone(&now);
    let sites = Arc::new(SitesOfThisRun::new(move || *clock.lock().unwrap()));
    let mut scene = Scene::of(Holder::with_card(), sites);
    let (mut asked, mut waiting, other) = (scene.submit("portal"), scene.submit("portal"), scene.submit("other"));
    let number = scene.phase(Phase::AskHandOver).await;
    scene.desk.refuse(number);
    assert_eq!(asked.outcome().await.unwrap_err(), RequestFailure::HolderRefused);
    assert_eq!(waiting.outcome().await.unwrap_err(), RequestFailure::RefusedToday);
    scene.sites(&["https://other.example"]).await;
    drop(other);
    scene.empty().await;

    *now.lock().unwrap() += REFUSAL_HOLDS - time::Duration::SECOND;
    assert_eq!(scene.submit("portal").outcome().await.unwrap_err(), RequestFailure::RefusedToday);
    *now.lock().unwrap() += time::Duration::SECOND;
    let _again = scene.submit("portal");
    scene.phase(Phase::AskHandOver).await;
}

/// Says the same of every site.
struct Always(Standing);

impl Sites for Always {
    fn standing(&self, _: &Origin) -> Standing {
        self.0
    }

    fn refused(&self, _: &Origin) {}

    fn agreed(&self, _: &Origin) {}

    fn terminals(&self) -> BTreeMap<String, Origin> {
        BTreeMap::new()
    }

    fn let_in(&self, _: &str, _: &Origin) {}
}

#[tokio::test]
async fn an_allowed_site_skips_the_hand_over_question_but_never_the_pin() {
    let mut scene = Scene::of(Holder::with_card(), Arc::new(Always(Standing::Allowed)));
    let _ticket = scene.submit("portal");
    let (kind, question) = scene.holder.asked().await;
    assert_eq!(kind, SecretKind::Pin);
    assert!(matches!(question.asker, Asker::Portal(origin) if origin.as_str() == "https://portal.example"));
}

#[tokio::test]
async fn a_forbidden_site_is_refused_before_anything() {
    let mut scene = Scene::of(Holder::with_card(), Arc::new(Always(Standing::Forbidden)));
    assert_eq!(scene.submit("portal").outcome().await.unwrap_err(), RequestFailure::SiteForbidden);
    scene.empty().await;
    assert!(scene.holder.readers.events().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_site_holds_the_desk_two_minutes_without_the_holder_and_he_is_warned() {
    let mut scene = Scene::new();
    let begun = Instant::now();
    let mut ticket = scene.submit("portal");
    let waiting = scene.submit("other");
    let warned = scene.first(|request| request.seconds_left.is_some()).await;
    assert_eq!(warned.seconds_left, Some(30));
    assert_eq!(begun.elapsed().as_secs(), (HOLDER_TIME - WARNING_TIME).as_secs());
    let before_the_end = scene.first(|request| request.seconds_left == Some(1)).await;
    assert_eq!(before_the_end.phase, Phase::AskHandOver);
    assert_eq!(ticket.outcome().await.unwrap_err(), RequestFailure::Card(Failure::HolderSilent));
    assert_eq!(begun.elapsed().as_secs(), HOLDER_TIME.as_secs());
    scene.first(|request| request.id == waiting.number() && request.phase == Phase::AskHandOver).await;
}

#[tokio::test(start_paused = true)]
async fn more_time_is_another_two_minutes() {
    let mut scene = Scene::new();
    let begun = Instant::now();
    let mut ticket = scene.submit("portal");
    scene.first(|request| request.seconds_left == Some(10)).await;
    scene.desk.more_time(ticket.number());
    scene.first(|request| request.seconds_left.is_none()).await;
    assert!(ticket.outcome().await.is_err());
    assert_eq!(begun.elapsed().as_secs(), 110 + HOLDER_TIME.as_secs());
    // The holder who comes back sees what happened; nothing can be repeated.
    let over = scene.first(|request| request.is_over).await;
    assert_eq!(over.phase, failed(Failure::HolderSilent));
    scene.desk.retry(over.id);
    scene.desk.end(over.id);
    scene.empty().await;
}

#[tokio::test(start_paused = true)]
async fn while_the_agent_asks_the_holders_keys_count_as_his_presence() {
    let mut scene = Scene::new();
    let mut ticket = scene.at_the_pin("portal").await;
    let question = scene.holder.asking().await;
    tokio::time::advance(HOLDER_TIME - Duration::from_secs(10)).await;
    scene.first(|request| request.seconds_left == Some(10)).await;
    question.holder_acted();
    scene.first(|request| request.seconds_left.is_none()).await;
    tokio::time::advance(HOLDER_TIME).await;
    assert_eq!(ticket.outcome().await.unwrap_err(), RequestFailure::Card(Failure::HolderSilent));
    scene.holder.until_card_was_reset().await;
}

#[tokio::test]
async fn a_page_that_goes_away_takes_its_request_back_at_every_step() {
    let mut scene = Scene::new();
    let (asked, waiting) = (scene.submit("asked"), scene.submit("waiting"));
    scene.sites(&["https://asked.example", "https://waiting.example"]).await;
    drop(waiting);
    scene.sites(&["https://asked.example"]).await;
    drop(asked);
    scene.empty().await;
    assert!(scene.holder.readers.events().is_empty());

    drop(scene.at_the_pin("portal").await);
    scene.empty().await;
    scene.holder.until_card_was_reset().await;
    // The line goes on.
    scene.holder.replies([Reply::pin()]);
    let mut next = scene.submit("next");
    let number = scene.phase(Phase::AskHandOver).await;
    scene.desk.agree(number);
    next.outcome().await.unwrap();
}

#[tokio::test]
async fn after_a_wrong_pin_the_holder_may_try_again_and_the_page_waits() {
    let mut scene = Scene::new();
    scene.holder.replies([Reply::Digits("000000"), Reply::pin()]);
    let mut ticket = scene.submit("portal");
    let number = scene.phase(Phase::AskHandOver).await;
    scene.desk.agree(number);
    scene.phase(failed(Failure::PinWrong { tries_left: 2 })).await;
    assert_eq!(ticket.progress().borrow().phase, ProgressPhase::Card);
    scene.desk.retry(number);
    ticket.outcome().await.unwrap();
}

#[tokio::test]
async fn a_failure_that_the_holder_puts_away_is_told_to_the_page() {
    let mut scene = Scene::new();
    scene.holder.replies([Reply::Digits("000000")]);
    let mut ticket = scene.submit("portal");
    let number = scene.phase(Phase::AskHandOver).await;
    scene.desk.agree(number);
    scene.phase(failed(Failure::PinWrong { tries_left: 2 })).await;
    scene.desk.end(number);
    assert_eq!(ticket.outcome().await.unwrap_err(), Failure::PinWrong { tries_left: 2 }.into());
    scene.empty().await;
}

#[tokio::test]
async fn a_no_at_the_pin_ends_the_request() {
    let mut scene = Scene::new();
    scene.holder.replies([Reply::Cancel]);
    let mut ticket = scene.submit("portal");
    let number = scene.phase(Phase::AskHandOver).await;
    scene.desk.agree(number);
    assert_eq!(ticket.outcome().await.unwrap_err(), Failure::Cancelled.into());
    scene.empty().await;
}

#[tokio::test]
async fn readers_and_cards_are_waited_for_and_chosen() {
    let readers = Readers::default();
    let mut scene = Scene::of(Holder::at(readers.clone()), Arc::new(SitesOfThisRun::new(|| NOW)));
    scene.holder.replies([Reply::pin()]);
    let mut ticket = scene.submit("portal");
    let number = scene.phase(Phase::AskHandOver).await;
    scene.desk.agree(number);
    scene.phase(Phase::ConnectReader).await;
    readers.plug_in("Left");
    scene.phase(Phase::InsertCard).await;
    readers.plug_in("Right");
    readers.insert("Right", &HolderCard::of(HOLDER));
    ticket.outcome().await.unwrap();

    readers.insert("Left", &HolderCard::of("volha-pamylkovaya"));
    let mut ticket = scene.submit("portal");
    let number = scene.phase(Phase::AskHandOver).await;
    scene.desk.agree(number);
    scene.phase(Phase::ChooseReader { readers: vec!["Left".into(), "Right".into()] }).await;
    scene.holder.replies([Reply::pin()]);
    scene.desk.choose_reader(number, ReaderName::parse("Right").unwrap());
    let Fulfilled::SignedIn(signed) = ticket.outcome().await.unwrap() else { panic!("no sign-in") };
    assert_eq!(signed.reader, Some(ReaderName::parse("Right").unwrap()));
}

#[tokio::test]
async fn what_comes_too_late_or_for_another_request_changes_nothing() {
    let mut scene = Scene::new();
    let ticket = scene.submit("portal");
    let number = scene.phase(Phase::AskHandOver).await;
    let other = RequestNumber(number.0 + 1);
    scene.desk.retry(number);
    scene.desk.choose_reader(number, ReaderName::parse("Reader").unwrap());
    scene.desk.agree(other);
    scene.desk.refuse(other);
    scene.desk.end(other);
    let waiting = scene.submit("other");
    scene.desk.agree(waiting.number());
    scene.desk.refuse(waiting.number());
    scene.sites(&["https://portal.example", "https://other.example"]).await;
    scene.phase(Phase::AskHandOver).await;
    assert!(scene.holder.readers.events().is_empty());
    drop(ticket);
}

#[tokio::test]
async fn a_flood_of_requests_is_bounded_for_each_site_and_in_all() {
    let mut scene = Scene::new();
    let mut tickets: Vec<_> = (0..OPEN_REQUESTS_OF_SITE).map(|_| scene.submit("flooding")).collect();
    assert_eq!(scene.submit("flooding").outcome().await.unwrap_err(), RequestFailure::TooManyRequests);
    for number in OPEN_REQUESTS_OF_SITE..OPEN_REQUESTS {
        tickets.push(scene.submit(&format!("site-{number}")));
    }
    assert_eq!(scene.submit("one-more").outcome().await.unwrap_err(), RequestFailure::TooManyRequests);
    tickets.remove(0);
    let _place = scene.submit("one-more");
    scene.first(|request| request.id == tickets[0].number()).await;
}

#[tokio::test]
async fn when_the_program_ends_every_page_is_told() {
    let mut scene = Scene::new();
    let mut at_work = scene.at_the_pin("portal").await;
    let mut waiting = scene.submit("other");
    scene.desk.stop();
    assert_eq!(at_work.outcome().await.unwrap_err(), RequestFailure::Stopping);
    assert_eq!(waiting.outcome().await.unwrap_err(), RequestFailure::Stopping);
    scene.holder.until_card_was_reset().await;
    let mut late = scene.submit("portal");
    drop(scene);
    assert_eq!(late.outcome().await.unwrap_err(), RequestFailure::Stopping);
}

/// A link to a host that answers as the test says.
struct TestLink {
    origin: Origin,
    fetched: Result<(), PortalFailure>,
    presented: Arc<Mutex<Vec<Assertion>>>,
}

struct Fetched(Arc<Mutex<Vec<Assertion>>>);

impl Link for TestLink {
    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn fetch(self: Box<Self>) -> Pending<Box<dyn FetchedLink>> {
        Box::pin(async move {
            self.fetched?;
            Ok(Box::new(Fetched(self.presented)) as Box<dyn FetchedLink>)
        })
    }
}

impl FetchedLink for Fetched {
    fn says_it_is(&self) -> &str {
        "The linked portal"
    }

    fn short_code(&self) -> Option<&str> {
        Some("4217")
    }

    fn request(&self, reader: ReaderChoice, patience: Duration) -> Request {
        use latchkey_agent::{CardRequest, CardTask, SignIn};
        let (origin, challenge) = (page("linked").origin, challenge("linked"));
        let sign_in = SignIn { origin, challenge, app_version: "latchkey:test".into() };
        Request::OfCard(CardRequest { reader, patience, task: CardTask::SignIn(sign_in) })
    }

    fn present(self: Box<Self>, assertion: Assertion) -> Pending<()> {
        Box::pin(async move {
            self.0.lock().unwrap().push(assertion);
            Ok(())
        })
    }
}

#[tokio::test]
async fn a_link_asks_for_the_host_first_and_presents_what_was_signed() {
    let mut scene = Scene::new();
    scene.holder.replies([Reply::pin()]);
    let presented = Arc::default();
    let origin = page("linked").origin;
    let link = TestLink { origin: origin.clone(), fetched: Ok(()), presented: Arc::clone(&presented) };
    let number = scene.desk.follow(Box::new(link)).unwrap();
    let host = scene.first(|request| request.phase == Phase::AskHost).await;
    assert_eq!((host.arrived_by, host.says_it_is, host.short_code), (ArrivedBy::Link, None, None));
    scene.desk.agree(number);
    let asked = scene.first(|request| request.phase == Phase::AskHandOver).await;
    assert_eq!(asked.says_it_is.as_deref(), Some("The linked portal"));
    assert_eq!(asked.short_code.as_deref(), Some("4217"));
    assert!(presented.lock().unwrap().is_empty());
    scene.desk.agree(number);
    scene.phase(Phase::Done).await;
    assert_eq!(presented.lock().unwrap().len(), 1);

    let link = TestLink { origin: origin.clone(), fetched: Err(PortalFailure::Unreachable), presented };
    let number = scene.desk.follow(Box::new(link)).unwrap();
    scene.phase(Phase::AskHost).await;
    scene.desk.agree(number);
    let over = scene.first(|request| matches!(request.phase, Phase::Failed { .. })).await;
    assert_eq!(over.phase, Phase::Failed { failure: PortalFailure::Unreachable.into() });
    assert!(over.is_over);
}

#[tokio::test]
async fn a_no_to_a_link_is_not_held_against_the_site_that_it_names() {
    for agrees_to_host in [false, true] {
        let mut scene = Scene::of(Holder::with_card(), Arc::new(SitesOfThisRun::new(|| NOW)));
        let link = TestLink { origin: page("linked").origin, fetched: Ok(()), presented: Arc::default() };
        let number = scene.desk.follow(Box::new(link)).unwrap();
        scene.phase(Phase::AskHost).await;
        if agrees_to_host {
            scene.desk.agree(number);
            scene.phase(Phase::AskHandOver).await;
        }
        scene.desk.refuse(number);
        scene.empty().await;
        let _asks_itself = scene.submit("linked");
        scene.phase(Phase::AskHandOver).await;
    }
}

#[tokio::test]
async fn a_link_that_finds_no_place_is_told() {
    let mut scene = Scene::new();
    let link = || Box::new(TestLink { origin: page("linked").origin, fetched: Ok(()), presented: Arc::default() });
    let _tickets: Vec<_> = (0..OPEN_REQUESTS_OF_SITE).map(|_| scene.submit("linked")).collect();
    scene.sites(&["https://linked.example"; OPEN_REQUESTS_OF_SITE]).await;
    assert_eq!(scene.desk.follow(link()).unwrap_err(), RequestFailure::TooManyRequests);
}

#[tokio::test]
async fn a_link_to_a_refused_site_says_so() {
    let mut scene = Scene::of(Holder::with_card(), Arc::new(Always(Standing::RefusedToday)));
    let link = TestLink { origin: page("linked").origin, fetched: Ok(()), presented: Arc::default() };
    scene.desk.follow(Box::new(link)).unwrap();
    let over = scene.first(|request| request.is_over).await;
    assert_eq!(over.phase, Phase::Failed { failure: RequestFailure::RefusedToday });
}
