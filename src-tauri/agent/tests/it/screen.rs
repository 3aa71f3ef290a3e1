//! The agent's windows as an assistive tool perceives and operates them.

use latchkey_agent::wire::AgentProcess;
use latchkey_agent::{CardTask, Exchange, Report, SecretKind, Step};
use latchkey_fixtures::faults::FaultProfile;
use latchkey_fixtures::vpcd::InsertedCard;
use latchkey_tests::desktop::{AssistiveTool, Key, Perceived, Screen, Wanted, wait_until};

use crate::stage::{HolderCard, Stage, ask};

/// A screen with the agent on it, a card in its reader, and an assistive tool.
pub(crate) struct Scene {
    pub(crate) tool: AssistiveTool,
    pub(crate) agent: AgentProcess,
    pub(crate) card: HolderCard,
    inserted: InsertedCard,
    screen: Screen,
    stage: Stage,
}

impl Scene {
    /// With this holder's card, and the agent told these arguments.
    pub(crate) fn new(holder: &str, arguments: &str) -> Self {
        Self::of(holder, FaultProfile::default(), |stage, screen| stage.agent_on(screen, arguments))
    }

    /// The same with a card that takes a quarter of a second for each answer, as a slow contactless one: whoever acts between two
    /// of its answers comes in time.
    pub(crate) fn slow(holder: &str, arguments: &str) -> Self {
        let slow = FaultProfile::parse("[[fault]]\nname = \"slow\"\nat = \"every\"\nwhat = { delay = 250 }").unwrap();
        Self::of(holder, slow, |stage, screen| stage.agent_on(screen, arguments))
    }

    /// The same, with everything that passes between the agent and its user written down.
    pub(crate) fn recorded(holder: &str, arguments: &str) -> Self {
        Self::of(holder, FaultProfile::default(), |stage, screen| stage.recorded_agent_on(screen, arguments))
    }

    /// The same for a person who has texts at twice their size.
    pub(crate) fn large(holder: &str, arguments: &str) -> Self {
        Self::of(holder, FaultProfile::default(), |stage, screen| stage.large_agent_on(screen, arguments))
    }

    /// Enters digits into the only field there is.
    pub(crate) fn fill(&mut self, digits: &str) {
        let field = self.field("");
        self.tool.insert(&field, digits).unwrap();
    }

    /// Presses the last button of the window, which goes on.
    pub(crate) fn go_on(&mut self) {
        self.tool.strike(Key::Enter).unwrap();
    }

    /// Keeps a picture of the window, which must be on the screen with everything that can be pressed.
    pub(crate) fn keep_picture(&mut self, name: &str) {
        let showing =
            Wanted { application: AGENT, role: Some("push button"), states: &["showing"], ..Wanted::default() };
        self.tool.wait_for(showing).unwrap();
        for button in self.tool.look(showing).unwrap() {
            let place = button.place.unwrap();
            assert!(place.x >= 0 && place.y >= 0 && place.y + place.height <= SCREEN_HEIGHT, "{name}: {button:?}");
        }
        self.screen.keep_picture_of("Latchkey", name).unwrap();
    }

    fn of(holder: &str, faults: FaultProfile, start: impl FnOnce(&Stage, &Screen) -> AgentProcess) -> Self {
        let stage = Stage::new();
        let screen = Screen::virtual_one().unwrap();
        let card = HolderCard::of(holder);
        let inserted = stage.insert_with(&card, faults);
        Self {
            tool: AssistiveTool::start(&screen).unwrap(),
            agent: start(&stage, &screen),
            card,
            inserted,
            screen,
            stage,
        }
    }

    /// Asks for that and waits until the agent asks for the first secret.
    pub(crate) fn begin(&self, task: CardTask) -> Exchange {
        let exchange = ask(&self.agent, task);
        next_question(&exchange);
        exchange
    }

    /// The window's field of that name.
    pub(crate) fn field(&mut self, name: &str) -> Perceived {
        self.tool.wait_for(wanted("password text", name)).unwrap()
    }

    /// Enters digits into the field of that name and goes on with the button of that name.
    pub(crate) fn enter(&mut self, field: &str, digits: &str, button: &str) {
        let field = self.field(field);
        self.tool.insert(&field, digits).unwrap();
        self.press(button);
    }

    pub(crate) fn press(&mut self, button: &str) {
        let states: &[&str] = &["sensitive"];
        let button = self.tool.wait_for(Wanted { states, ..wanted("push button", button) }).unwrap();
        self.tool.press(&button).unwrap();
    }

    /// Waits until the card has nothing left of a session.
    pub(crate) fn expect_reset(&self) {
        let is_reset = || Ok((!self.inserted.with_card(|card| card.is_secured())).then_some(()));
        wait_until("the card's reset", is_reset).unwrap();
    }

    pub(crate) fn expect_no_window(&mut self) {
        self.tool.wait_until_gone(Wanted { application: AGENT, role: Some("dialog"), ..Wanted::default() }).unwrap();
    }

    /// What was told to the agent and by it, of one that is recorded. Ends it.
    pub(crate) fn traffic(&self) -> (String, String) {
        self.agent.stop();
        self.screen.wait_until_gone("latchkey-agent").unwrap();
        self.stage.traffic()
    }

    /// Waits until a text is shown that has these words.
    pub(crate) fn sees(&mut self, words: &str) -> Perceived {
        let states: &[&str] = &["showing"];
        self.tool.wait_for(Wanted { application: AGENT, contains: Some(words), states, ..Wanted::default() }).unwrap()
    }
}

/// Waits until the agent asks, and tells for what.
pub(crate) fn next_question(exchange: &Exchange) -> SecretKind {
    loop {
        match exchange.next() {
            Report::Progress(Step::WaitingFor(kind)) => return kind,
            Report::Progress(_) => {}
            other => panic!("no question but {other:?}"),
        }
    }
}

/// Something in the agent's window.
pub(crate) fn wanted<'a>(role: &'a str, name: &'a str) -> Wanted<'a> {
    Wanted { application: AGENT, role: Some(role), contains: Some(name), ..Wanted::default() }
}

/// How high a virtual screen is, in points.
const SCREEN_HEIGHT: i32 = 1000;

/// As the accessibility bus calls the program.
pub(crate) const AGENT: Option<&str> = Some("latchkey-agent");
