//! The program behind the window: what it shows while pages ask and the holder looks after his card, with an agent in
//! this process, a virtual card and a holder who answers as a test says.

mod documents;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use latchkey_agent::wire::{Appearance, Theme as AgentTheme};
use latchkey_agent::{
    AskedRights, Cancellation, CardAgent, Exchange, Failure, Instruction, RelayedCommand, Report, Request, RequestId,
    SESSION_IDLE_TIME, SecretKind, SessionPassword, SessionReport, TerminalOffer, TerminalSession, TerminalTrust,
};
use latchkey_client::app::snapshot::{
    CardTaskName, HistoryKind, HistoryResult, Phase, PinStatus, Secret, SettingChange, Snapshot, TerminalWork, Validity,
};
use latchkey_client::app::{App, Parts, RESULT_STAYS, WindowWish};
use latchkey_client::desk::{Desk, OPEN_REQUESTS_OF_SITE, PageRequest, PageTicket, PageWish, TerminalWish};
use latchkey_client::doctor::{CheckName, Plan, System};
use latchkey_client::guest::{Guest, GuestBrowser, GuestSurroundings};
use latchkey_client::history::History;
use latchkey_client::service::ServiceFailure;
use latchkey_client::settings::{Managed, SettingsStore, Theme};
use latchkey_client::sign_in::browser::SystemBrowser;
use latchkey_client::texts::Language;
use latchkey_crypto::assertion::{ChallengeText, Origin};
use latchkey_crypto::cv::rights::Rights;
use latchkey_fixtures::cv::CvPki;
use latchkey_fixtures::holders::sample_cv_pki;
use latchkey_fixtures::random::Seeded;
use latchkey_fixtures::terminal::PlayedTerminal;
use latchkey_fixtures::vcard::automaton::PinState;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::history::Keys;
use crate::holder::{HOLDER, Holder, Reply};
use crate::readers::{Desk as Readers, HolderCard, NOW, OneApplication, holder};

/// How long a test waits for something to be shown.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program with its surroundings.
pub(crate) struct Stage {
    pub(crate) app: App,
    desk: Desk,
    holder: Holder,
    changes: watch::Receiver<Arc<Snapshot>>,
    wishes: watch::Receiver<WindowWish>,
    dressed: Arc<Mutex<Vec<Appearance>>>,
    /// Whether the agent's process cannot end now.
    pub(crate) agent_is_busy: Arc<AtomicBool>,
    _home: TempDir,
}

/// An agent that tells nothing of readers but what a test says.
struct BlindAgent {
    agent: Arc<dyn CardAgent>,
    watchers: Mutex<Vec<mpsc::Sender<Report>>>,
}

impl CardAgent for BlindAgent {
    fn send(&self, request: Request) -> Exchange {
        if !matches!(request, Request::WatchReaders) {
            return self.agent.send(request);
        }
        let (tell, reports) = mpsc::channel();
        self.watchers.lock().unwrap().push(tell);
        Exchange::new(RequestId(1), reports, Cancellation::default())
    }
}

impl Stage {
    pub(crate) fn of(holder: Holder) -> Self {
        Self::managed(holder, "")
    }

    fn managed(holder: Holder, managed: &str) -> Self {
        let agent = holder.agent.clone();
        Self::with_agent(holder, managed, agent)
    }

    fn with_agent(holder: Holder, managed: &str, agent: Arc<dyn CardAgent>) -> Self {
        Self::with_browser(holder, managed, agent, None)
    }

    pub(crate) fn with_browser(
        holder: Holder,
        managed: &str,
        agent: Arc<dyn CardAgent>,
        browser: Option<GuestBrowser>,
    ) -> Self {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("managed.toml");
        std::fs::write(&file, managed).unwrap();
        let managed = Arc::new(Managed::of_file(&file).unwrap());
        let settings = Arc::new(SettingsStore::new(home.path().join("settings.toml"), managed, || NOW));
        let desk = Desk::open(agent.clone(), settings.clone(), None);
        let dressed = Arc::new(Mutex::new(Vec::new()));
        let wardrobe = Arc::clone(&dressed);
        let guest = GuestSurroundings {
            folder: home.path().join("guests"),
            browser,
            grace: Duration::ZERO,
            agent: agent.clone(),
            settings: settings.clone(),
        };
        let keys = Arc::new(Keys::default());
        let agent_is_busy = Arc::new(AtomicBool::new(false));
        let busy = Arc::clone(&agent_is_busy);
        let (plan, asked) = (Plan::of_variables(|_| None), agent.clone());
        let app = App::start(Parts {
            agent: agent.clone(),
            desk: desk.clone(),
            settings,
            guest: Arc::new(Guest::new(guest)),
            history: Some(History::new(home.path(), keys)),
            update: None,
            service: Err(ServiceFailure::PortTaken { port: 8084, owner: None }),
            computer: Box::new(move || Arc::new(System::new(plan.clone(), asked.clone(), || NOW))),
            browser: Arc::new(SystemBrowser),
            dress_agent: Box::new(move |appearance| wardrobe.lock().unwrap().push(appearance)),
            release_agent: Box::new(move || !busy.load(Ordering::Relaxed)),
            language_of_run: None,
            system_language: Language::English,
            clock: Box::new(|| NOW),
        });
        let (changes, wishes) = (app.changes(), app.wishes());
        Self { app, desk, holder, changes, wishes, dressed, agent_is_busy, _home: home }
    }

    /// A window that the holder opened.
    pub(crate) fn with_window(holder: Holder) -> Self {
        let stage = Self::of(holder);
        stage.app.show_window();
        stage.app.window_opened();
        stage
    }

    /// A window that shows already that there is a card.
    async fn with_card_in_sight(holder: Holder) -> Self {
        let mut stage = Self::with_window(holder);
        stage.shown(|now| now.readers.iter().flatten().any(|reader| reader.card)).await;
        stage
    }

    /// Waits until what is shown is as `expected` says.
    pub(crate) async fn shown(&mut self, expected: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        let waiting = self.changes.wait_for(|snapshot| expected(snapshot));
        let found = tokio::time::timeout(PATIENCE, waiting).await.map(|found| found.unwrap().clone());
        found.unwrap_or_else(|_| panic!("this is shown: {:#?}", self.app.snapshot()))
    }

    async fn request(&mut self, expected: Phase) -> u64 {
        let snapshot = self.shown(|now| now.requests.first().is_some_and(|first| first.phase == expected)).await;
        snapshot.requests[0].id
    }

    async fn idle(&mut self) -> Arc<Snapshot> {
        self.shown(|now| now.card.task.is_none()).await
    }

    pub(crate) fn submit(&self, site: &str) -> PageTicket {
        self.desk.submit(PageRequest {
            origin: Origin::parse(&format!("https://{site}.example")).unwrap(),
            wish: PageWish::SignIn(ChallengeText::draw(&mut Seeded::new(site))),
            says_it_is: Some(format!("The “{site}”")),
        })
    }
}

fn with_pin(state: PinState) -> Holder {
    let mut card = HolderCard::of(HOLDER);
    card.image.pin_state = state;
    Holder::at(Readers::with(&card))
}

#[tokio::test]
async fn a_page_opens_the_window_and_takes_it_along_when_it_is_done() {
    let mut stage = Stage::of(Holder::with_card());
    stage.holder.replies([Reply::pin()]);
    assert_eq!(stage.wishes.borrow_and_update().shown, 0);
    let _ticket = stage.submit("portal");
    stage.wishes.wait_for(|wish| wish.shown == 1).await.unwrap();
    stage.app.window_opened();
    let number = stage.request(Phase::AskHandOver).await;
    let shown = stage.app.snapshot();
    assert_eq!(shown.requests[0].origin, "https://portal.example");
    assert_eq!(shown.requests[0].says_it_is.as_deref(), Some("The 'portal'"), "a name ended its quotation");

    stage.app.agree(number);
    stage.request(Phase::Done).await;
    let shown = stage.shown(|now| now.closes_in_seconds.is_some()).await;
    assert_eq!(shown.closes_in_seconds, Some(RESULT_STAYS.as_secs()));
    tokio::time::pause();
    stage.wishes.wait_for(|wish| wish.gone == 1).await.unwrap();
    stage.app.window_closed();
    stage.shown(|now| now.requests.is_empty() && now.closes_in_seconds.is_none()).await;
}

#[tokio::test]
async fn a_window_stays_if_the_holder_opened_it_or_uses_it_or_wants_it() {
    for keeps in [0, 1, 2] {
        let mut stage = Stage::of(Holder::with_card());
        stage.holder.replies([Reply::pin()]);
        if keeps == 0 {
            stage.app.show_window();
        }
        let ticket = stage.submit("portal");
        stage.wishes.wait_for(|wish| wish.shown > 0).await.unwrap();
        stage.app.window_opened();
        let number = stage.request(Phase::AskHandOver).await;
        stage.app.agree(number);
        stage.request(Phase::Done).await;
        match keeps {
            0 => {}
            1 => stage.app.card(CardTaskName::Look),
            _ => stage.app.keep_open(),
        }
        let shown = stage.shown(|now| now.closes_in_seconds.is_none()).await;
        assert_eq!(shown.requests.len(), 1, "what became of the request is on show no more");
        drop(ticket);
        stage.app.end(number);
        stage.shown(|now| now.requests.is_empty()).await;
        assert_eq!(stage.wishes.borrow().gone, 0, "{keeps}");
    }
}

#[tokio::test]
async fn a_request_that_is_taken_back_takes_its_window_along() {
    let mut stage = Stage::of(Holder::with_card());
    let ticket = stage.submit("portal");
    stage.request(Phase::AskHandOver).await;
    stage.app.window_opened();
    drop(ticket);
    stage.wishes.wait_for(|wish| wish.gone == 1).await.unwrap();
}

#[tokio::test]
async fn every_new_request_wants_the_window_in_front() {
    let mut stage = Stage::of(Holder::with_card());
    let _first = stage.submit("portal");
    stage.wishes.wait_for(|wish| wish.shown == 1).await.unwrap();
    stage.app.window_opened();
    let _second = stage.submit("clinic");
    stage.wishes.wait_for(|wish| wish.shown == 2).await.unwrap();
    let shown = stage.shown(|now| now.requests.len() == 2).await;
    assert_eq!(shown.requests[1].phase, Phase::WaitingInLine);
    stage.app.end(shown.requests[1].id);
    stage.shown(|now| now.requests.len() == 1).await;
    assert_eq!(stage.wishes.borrow().shown, 2);
}

#[tokio::test]
async fn closing_the_window_ends_what_was_asked_in_it() {
    let mut stage = Stage::of(Holder::with_card());
    let mut ticket = stage.submit("portal");
    stage.request(Phase::AskHandOver).await;
    stage.app.window_opened();
    stage.app.window_closed();
    assert_eq!(ticket.outcome().await.unwrap_err().code(), "request-ended");
    stage.shown(|now| now.requests.is_empty()).await;
    // That was no refusal: the site may ask again.
    let _ticket = stage.submit("portal");
    stage.request(Phase::AskHandOver).await;
}

#[tokio::test]
async fn readers_are_watched_while_a_window_is_open_only() {
    let mut stage = Stage::of(Holder::with_card());
    assert_eq!(stage.app.snapshot().readers, None);
    stage.app.show_window();
    stage.app.window_opened();
    stage.shown(|now| now.readers.as_ref().is_some_and(|readers| readers.iter().any(|reader| reader.card))).await;
    stage.holder.readers.plug_in("Second");
    stage.shown(|now| now.readers.as_ref().is_some_and(|readers| readers.len() == 2)).await;
    stage.app.window_closed();
    stage.shown(|now| now.readers.is_none()).await;
}

#[tokio::test]
async fn a_card_service_that_is_not_there_is_told() {
    let readers = Readers::with(&HolderCard::of(HOLDER));
    readers.stop_service();
    let mut stage = Stage::with_window(Holder::at(readers));
    let shown = stage.shown(|now| now.readers_failure.is_some()).await;
    assert_eq!(shown.readers_failure.as_ref().unwrap().code, "no-service");
    stage.app.card(CardTaskName::Look);
    let shown = stage.shown(|now| now.card.result.is_some()).await;
    let failure = shown.card.result.as_ref().and_then(|result| result.failure.as_ref()).unwrap();
    assert_eq!((failure.code.as_str(), failure.technical), ("no-service", true));
}

#[tokio::test]
async fn the_card_is_looked_at_then_read_with_the_pin_and_forgotten_when_it_is_pulled() {
    let mut stage = Stage::with_window(Holder::with_card());
    stage.holder.replies([Reply::pin()]);
    stage.app.card(CardTaskName::Look);
    let shown = stage.shown(|now| now.card.status.is_some() && now.card.task.is_none()).await;
    let status = shown.card.status.as_ref().unwrap();
    assert_eq!((status.reader.as_str(), status.pin), ("Reader", PinStatus::Usable { tries_left: 3 }));
    assert!(status.model.contains("ID card"), "{}", status.model);
    assert_eq!(shown.card.result, None);

    stage.app.card(CardTaskName::Read);
    let (kind, _) = stage.holder.asked().await;
    assert_eq!(kind, SecretKind::Pin);
    let shown = stage.shown(|now| now.card.contents.is_some()).await;
    let contents = shown.card.contents.as_ref().unwrap();
    let person = contents.holder.as_ref().unwrap();
    assert_eq!(person.latin_name.as_deref(), Some("HANNA VYDUMANAYA"));
    assert!(person.name.contains("ВЫДУМАННАЯ"));
    assert_eq!(contents.certificates[0].validity, Validity::Valid);
    assert_eq!(contents.certificates[0].usage, "signing in, signing documents");

    stage.app.change(SettingChange::Language(serde_json::from_str("\"be\"").unwrap()));
    let shown = stage.shown(|now| now.language == "be").await;
    assert!(shown.card.contents.as_ref().unwrap().holder.as_ref().unwrap().name.contains("ВЫДУМАНАЯ"));

    stage.holder.readers.pull("Reader");
    let shown = stage.shown(|now| now.card.contents.is_none()).await;
    assert_eq!(shown.card.status, None);
}

#[tokio::test]
async fn of_a_card_that_nobody_watches_any_more_nothing_is_shown() {
    let holder = Holder::with_card();
    holder.replies([Reply::pin()]);
    let agent = Arc::new(BlindAgent { agent: holder.agent.clone(), watchers: Mutex::default() });
    let mut stage = Stage::with_agent(holder, "", agent.clone());
    stage.app.show_window();
    stage.app.window_opened();
    stage.app.card(CardTaskName::Read);
    stage.shown(|now| now.card.contents.is_some() && now.card.task.is_none()).await;
    for watcher in &*agent.watchers.lock().unwrap() {
        watcher.send(Report::Finished(Err(Failure::AgentStopped))).unwrap();
    }
    let shown = stage.shown(|now| now.readers_failure.is_some()).await;
    assert_eq!((&shown.card.status, &shown.card.contents), (&None, &None));
}

#[tokio::test]
async fn closing_the_window_forgets_the_card() {
    let mut stage = Stage::with_window(Holder::with_card());
    stage.holder.replies([Reply::pin()]);
    stage.app.card(CardTaskName::Read);
    stage.shown(|now| now.card.contents.is_some()).await;
    stage.app.window_closed();
    let shown = stage.shown(|now| now.card.contents.is_none()).await;
    assert_eq!((&shown.card.status, &shown.card.result), (&None, &None));
}

#[tokio::test]
async fn closing_the_window_takes_back_what_the_card_was_doing() {
    let mut stage = Stage::with_window(Holder::with_card());
    stage.app.card(CardTaskName::ChangePin);
    stage.shown(|now| now.card.phase == Some(Phase::AgentAsks { secret: Secret::Pin, tries_left: Some(3) })).await;
    stage.app.window_closed();
    let shown = stage.idle().await;
    assert_eq!(shown.card.result, None);
    // What is asked of the agent now waits until it is through with what was taken back.
    stage.app.card(CardTaskName::Look);
    stage.shown(|now| now.card.status.is_some()).await;
    assert!(stage.holder.card_was_reset());
}

#[tokio::test]
async fn an_inserted_card_is_looked_at_once_the_holder_wants_to_see_it() {
    let readers = Readers::default();
    readers.plug_in("Reader");
    let mut stage = Stage::with_window(Holder::at(readers));
    stage.shown(|now| now.readers.as_ref().is_some_and(|readers| readers.len() == 1)).await;
    stage.app.card(CardTaskName::Look);
    assert_eq!(stage.app.snapshot().card.task, None, "there is nothing to look at");
    stage.holder.readers.insert("Reader", &HolderCard::of(HOLDER));
    stage.shown(|now| now.card.status.is_some()).await;
}

#[tokio::test]
async fn a_card_that_is_inserted_while_the_readers_are_being_looked_at_is_not_missed() {
    for _ in 0..20 {
        let readers = Readers::default();
        readers.plug_in("Reader");
        let mut stage = Stage::with_window(Holder::at(readers));
        stage.app.card(CardTaskName::Look);
        stage.holder.readers.insert("Reader", &HolderCard::of(HOLDER));
        stage.shown(|now| now.card.status.is_some()).await;
    }
}

#[tokio::test]
async fn wrong_cards_are_called_what_they_are() {
    const PAYMENT: &[u8] = b"2PAY.SYS.DDF01";
    for (application, code) in [(PAYMENT, "payment-card"), (b"unheard-of", "unknown-card")] {
        let readers = Readers::default();
        readers.plug_in("Reader");
        readers.insert_played("Reader", Box::new(OneApplication(application)));
        let mut stage = Stage::with_window(Holder::at(readers));
        stage.app.card(CardTaskName::Look);
        let shown = stage.shown(|now| now.card.result.is_some()).await;
        let result = shown.card.result.as_ref().unwrap();
        assert_eq!(result.failure.as_ref().unwrap().code, code);
        stage.app.cancel_card();
        stage.shown(|now| now.card.result.is_none()).await;
    }
}

#[tokio::test]
async fn of_several_cards_the_holder_chooses_one() {
    let readers = Readers::with(&HolderCard::of(HOLDER));
    readers.plug_in("Second");
    readers.insert("Second", &HolderCard::of("kastus-zablakavany"));
    let mut stage = Stage::with_window(Holder::at(readers));
    stage.app.card(CardTaskName::Look);
    let choice = Phase::ChooseReader { readers: vec!["Reader".to_owned(), "Second".to_owned()] };
    stage.shown(|now| now.card.phase.as_ref() == Some(&choice)).await;
    stage.app.choose_reader(None, "Third");
    assert_eq!(stage.app.snapshot().card.phase, Some(choice), "a reader was chosen that was not offered");
    stage.app.choose_reader(None, "Second");
    let shown = stage.shown(|now| now.card.status.is_some()).await;
    assert_eq!(shown.card.status.as_ref().unwrap().pin, PinStatus::Blocked);
}

#[tokio::test]
async fn every_task_does_what_it_is_called() {
    let puk = Reply::Digits(holder(HOLDER).puk);
    let new = Reply::Digits("135790");
    let usable = PinStatus::Usable { tries_left: 3 };
    let rows = [
        (CardTaskName::ChangePin, PinState::Pin3, vec![Reply::pin(), new], usable),
        (CardTaskName::UnblockPin, PinState::Pin0, vec![puk], usable),
        (CardTaskName::UnblockWithNewPin, PinState::Pin0, vec![puk, new], usable),
        (CardTaskName::ActivatePin, PinState::Pind, vec![puk], usable),
        (CardTaskName::DeactivateWithPin, PinState::Pin3, vec![Reply::pin()], PinStatus::Deactivated),
        (CardTaskName::DeactivateWithPuk, PinState::Pin3, vec![puk], PinStatus::Deactivated),
    ];
    for (task, state, replies, expected) in rows {
        let mut stage = Stage::with_card_in_sight(with_pin(state)).await;
        stage.holder.replies(replies);
        stage.app.card(task);
        let shown = stage.shown(|now| now.card.result.is_some()).await;
        let result = shown.card.result.as_ref().unwrap();
        assert_eq!((result.task, result.failure.as_ref()), (task, None));
        assert_eq!(shown.card.status.as_ref().unwrap().pin, expected, "{task:?}");
        assert!(stage.holder.card_was_reset(), "{task:?}");
    }
}

#[tokio::test]
async fn a_wrong_pin_is_told_with_the_tries_that_are_left_and_what_can_be_done() {
    let wrong = Reply::Digits("000000");
    let rows = [
        (PinState::Pin3, PinStatus::Usable { tries_left: 2 }, "retry"),
        (PinState::Pin2, PinStatus::Suspended, "resume"),
    ];
    for (state, left, remedy) in rows {
        let mut stage = Stage::with_card_in_sight(with_pin(state)).await;
        stage.holder.replies([wrong]);
        stage.app.card(CardTaskName::Read);
        let shown = stage.shown(|now| now.card.result.is_some()).await;
        let failure = shown.card.result.as_ref().unwrap().failure.as_ref().unwrap();
        assert_eq!(failure.code, "pin-wrong");
        assert_eq!(serde_json::to_value(failure.remedy).unwrap(), remedy);
        assert_eq!(shown.card.status.as_ref().unwrap().pin, left);
        assert_eq!(shown.card.contents, None);
    }
}

#[tokio::test]
async fn while_something_is_done_nothing_else_is_begun() {
    let mut stage = Stage::with_window(Holder::with_card());
    stage.app.card(CardTaskName::ChangePin);
    stage.holder.asked().await;
    stage.app.card(CardTaskName::DeactivateWithPin);
    assert_eq!(stage.app.snapshot().card.task, Some(CardTaskName::ChangePin));
    stage.app.cancel_card();
    let shown = stage.idle().await;
    assert_eq!(shown.card.result, None, "the holder knows that he cancelled");
}

#[tokio::test]
async fn settings_change_what_is_said_and_how_the_agent_looks() {
    let mut stage = Stage::with_window(Holder::with_card());
    stage.app.change(SettingChange::Language(serde_json::from_str("\"ru\"").unwrap()));
    stage.app.change(SettingChange::Theme(Theme::Contrast));
    stage.app.change(SettingChange::PinPad(true));
    let shown = stage.shown(|now| now.settings.pin_pad).await;
    assert_eq!((shown.language, shown.settings.language, shown.settings.theme), ("ru", Some("ru"), Theme::Contrast));
    let last = stage.dressed.lock().unwrap().last().copied().unwrap();
    assert_eq!(last, Appearance { language: Some("ru"), theme: AgentTheme::Contrast, pad: true });
}

#[tokio::test]
async fn a_setting_that_is_fixed_stays_and_the_holder_is_told() {
    let mut stage = Stage::managed(Holder::with_card(), "[fixed]\ntray = false\n");
    stage.app.change(SettingChange::Tray(true));
    let shown = stage.shown(|now| now.notice.is_some()).await;
    assert_eq!((shown.notice.as_ref().unwrap().code.as_str(), shown.settings.tray), ("setting-fixed", false));
    stage.app.put_notice_away();
    stage.shown(|now| now.notice.is_none()).await;
}

#[tokio::test]
async fn what_is_remembered_about_a_site_is_shown_and_forgotten() {
    let mut stage = Stage::with_window(Holder::with_card());
    let _ticket = stage.submit("portal");
    let number = stage.request(Phase::AskHandOver).await;
    stage.app.refuse(number);
    stage.shown(|now| now.settings.sites.len() == 1).await;
    stage.app.change(SettingChange::ForgetSite("https://portal.example".to_owned()));
    stage.shown(|now| now.settings.sites.is_empty()).await;
    stage.app.change(SettingChange::ForgetSite("no origin".to_owned()));
    stage.shown(|now| now.notice.is_some()).await;
}

#[tokio::test]
async fn the_cause_is_looked_for_and_the_report_is_there_at_the_end() {
    let mut stage = Stage::with_window(Holder::with_card());
    stage.app.diagnose(Some("https://never-asked.example"));
    stage.app.diagnose(None);
    let shown = stage.shown(|now| now.doctor.report.is_some()).await;
    assert_eq!(shown.doctor.checks.len(), CheckName::ALL.len());
    assert!(!shown.doctor.running);
    let portal = shown.doctor.checks.iter().find(|check| check.name == "portal").unwrap();
    assert_eq!(serde_json::to_value(portal.verdict).unwrap(), "not-checked", "a site was asked that nobody named");
}

#[tokio::test]
async fn a_guest_gets_a_portal_that_the_administrator_named_and_no_other() {
    let managed = "[guest]\nportals = [\"https://portal.example\"]\n";
    let mut stage = Stage::managed(Holder::with_card(), managed);
    assert_eq!(stage.app.snapshot().guest.portals, ["https://portal.example"]);
    stage.app.start_guest("https://other.example");
    assert_eq!(stage.app.snapshot().guest.portal, None);
    stage.app.start_guest("https://portal.example");
    let shown = stage.shown(|now| now.guest.failure.is_some()).await;
    assert_eq!(shown.guest.failure.as_ref().unwrap().code, "guest-no-browser");
}

#[tokio::test]
async fn a_link_that_is_none_is_told_in_a_window_and_one_that_is_asks_about_its_host() {
    let mut stage = Stage::of(Holder::with_card());
    stage.app.follow("latchkey:--managed=/tmp/evil");
    stage.wishes.wait_for(|wish| wish.shown == 1).await.unwrap();
    let shown = stage.shown(|now| now.notice.is_some()).await;
    assert_eq!(shown.notice.as_ref().unwrap().code, "link-malformed");
    let request = "A".repeat(43);
    stage.app.follow(&format!("latchkey:sign-in?portal=https%3A%2F%2Fportal.example&request={request}"));
    stage.request(Phase::AskHost).await;
    stage.wishes.wait_for(|wish| wish.shown == 2).await.unwrap();
    // Pressed again and again, it fills the desk: that is told too.
    for number in 1..=OPEN_REQUESTS_OF_SITE {
        stage.app.follow(&format!("latchkey:sign-in?portal=https%3A%2F%2Fportal.example&request={request}"));
        let open = (number + 1).min(OPEN_REQUESTS_OF_SITE);
        stage.shown(|now| now.requests.len() == open).await;
    }
    stage.shown(|now| now.notice.as_ref().is_some_and(|notice| notice.code == "too-many-requests")).await;
}

#[tokio::test]
async fn a_service_that_does_not_listen_is_told() {
    let stage = Stage::of(Holder::with_card());
    let shown = serde_json::to_value(&*stage.app.snapshot()).unwrap();
    assert_eq!(shown["service"]["listening"], false);
    assert_eq!(shown["service"]["failure"]["code"], "port-taken");
}

#[tokio::test]
async fn sign_ins_are_remembered_if_the_holder_wants_that_and_deleted_when_he_says() {
    let mut stage = Stage::with_window(Holder::with_card());
    stage.holder.replies([Reply::Digits("000000"), Reply::pin(), Reply::pin()]);
    stage.app.change(SettingChange::History(true));
    let ends = async |stage: &mut Stage, site, refuse| {
        let ticket = stage.submit(site);
        let number = stage.request(Phase::AskHandOver).await;
        if refuse {
            stage.app.refuse(number);
        } else {
            stage.app.agree(number);
            let is_through = |phase: &Phase| matches!(phase, Phase::Done | Phase::Failed { .. });
            stage.shown(|now| now.requests.first().is_some_and(|first| is_through(&first.phase))).await;
            stage.app.end(number);
        }
        stage.shown(|now| now.requests.is_empty()).await;
        drop(ticket);
    };
    for (site, refuse, count, result) in
        [("clinic", false, 1, "failed"), ("portal", false, 2, "done"), ("prizes", true, 3, "refused")]
    {
        ends(&mut stage, site, refuse).await;
        let shown = stage.shown(|now| now.history.len() == count).await;
        assert_eq!(shown.history[0].origin, format!("https://{site}.example"));
        assert_eq!(serde_json::to_value(shown.history[0].result).unwrap(), result);
        assert_eq!(shown.history[0].kind, HistoryKind::SignIn);
    }
    stage.app.delete_history();
    stage.shown(|now| now.history.is_empty()).await;
    stage.app.change(SettingChange::History(false));
    ends(&mut stage, "library", false).await;
    stage.app.window_closed();
    stage.app.window_opened();
    assert!(stage.app.snapshot().history.is_empty());
}

/// What a page has a terminal do, as the agent is asked for it.
fn terminal_wish(origin: &Origin) -> PageWish {
    let session = TerminalSession {
        origin: origin.clone(),
        request: None,
        rights: AskedRights::OfModel { signs: true },
        password: SessionPassword::Pin,
        trust: TerminalTrust::default(),
        idle: SESSION_IDLE_TIME,
    };
    PageWish::TerminalSession(Box::new(TerminalWish { session, optional: Rights::NONE }))
}

async fn answer(ticket: &mut PageTicket) -> Vec<u8> {
    loop {
        if let SessionReport::Answer(octets) = ticket.session_report().await.unwrap() {
            return octets;
        }
    }
}

#[tokio::test]
async fn a_terminal_at_work_is_shown_and_remembered_as_such() {
    let mut stage = Stage::with_window(Holder::with_card());
    stage.app.change(SettingChange::History(true));
    let origin = Origin::parse("https://portal.example").unwrap();
    // Only a session to which a terminal came is worth remembering.
    for brings_terminal in [false, true] {
        stage.holder.replies([Reply::pin()]);
        if brings_terminal {
            // Nobody vouches for it; then, it has something signed.
            stage.holder.replies([Reply::Digits(""), Reply::Digits("")]);
        }
        let page = PageRequest { origin: origin.clone(), wish: terminal_wish(&origin), says_it_is: None };
        let mut ticket = stage.desk.submit(page);
        let number = stage.request(Phase::AskHandOver).await;
        stage.app.agree(number);
        let SessionReport::Open { cert_hats, .. } = ticket.session_report().await.unwrap() else { panic!("not open") };
        stage.request(Phase::TerminalAtWork { work: TerminalWork::Awaited }).await;
        if brings_terminal {
            let rights = CvPki::sign_in_rights();
            let mut terminal = PlayedTerminal::new(&sample_cv_pki(NOW).unwrap(), "980000000001", rights, None).unwrap();
            let (certificates, template) = (terminal.certificates(), terminal.template().to_vec());
            ticket.instruct(Instruction::Authenticate(TerminalOffer { certificates, template, bilateral: true }));
            let data = terminal.receive_m1(&answer(&mut ticket).await, &cert_hats).unwrap();
            stage.request(Phase::TerminalAtWork { work: TerminalWork::Reading }).await;
            ticket.instruct(Instruction::Relay(RelayedCommand { header: [0x00, 0x86, 0x00, 0x00], data }));
            terminal.receive_m3(&answer(&mut ticket).await).unwrap();
            ticket.instruct(Instruction::AllowSignature);
            stage.request(Phase::TerminalAtWork { work: TerminalWork::Signing }).await;
        }
        ticket.instruct(Instruction::Close);
        if brings_terminal {
            stage.request(Phase::Done).await;
            stage.app.end(number);
        }
        stage.shown(|now| now.requests.is_empty()).await;
    }
    let shown = stage.shown(|now| !now.history.is_empty()).await;
    let entries: Vec<_> = shown.history.iter().map(|entry| (entry.origin.as_str(), entry.kind, entry.result)).collect();
    assert_eq!(entries, [("https://portal.example", HistoryKind::Terminal, HistoryResult::Done)]);
}

#[test]
fn the_window_can_ask_for_known_changes_only() {
    let rows = [
        (r#"{"name":"theme","value":"dark"}"#, true),
        (r#"{"name":"language","value":null}"#, true),
        (r#"{"name":"language","value":"be"}"#, true),
        (r#"{"name":"proxy","value":"none"}"#, true),
        (r#"{"name":"language","value":"xx"}"#, false),
        (r#"{"name":"theme","value":"pink"}"#, false),
        (r#"{"name":"tray","value":"yes"}"#, false),
        (r#"{"name":"proxyAddress","value":"http://proxy.example:1"}"#, false),
        (r#"{"name":"tray","value":true,"more":1}"#, false),
        (r#"{"name":"tray"}"#, false),
    ];
    for (text, is_known) in rows {
        assert_eq!(serde_json::from_str::<SettingChange>(text).is_ok(), is_known, "{text}");
    }
}
