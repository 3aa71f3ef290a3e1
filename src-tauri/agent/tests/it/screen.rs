//! The agent's windows as an assistive tool perceives and operates them.

use latchkey_agent::wire::AgentProcess;
use latchkey_agent::{CardTask, Exchange, Report, SecretKind, Step};
use latchkey_fixtures::vpcd::InsertedCard;
use latchkey_tests::desktop::{AssistiveTool, Perceived, Screen, Wanted};

use crate::stage::{HolderCard, Stage, ask};

/// A screen with the agent on it, a card in its reader, and an assistive tool.
pub(crate) struct Scene {
    pub(crate) tool: AssistiveTool,
    pub(crate) agent: AgentProcess,
    pub(crate) card: HolderCard,
    _inserted: InsertedCard,
    _screen: Screen,
    _stage: Stage,
}

impl Scene {
    /// With this holder's card, and the agent told these arguments.
    pub(crate) fn new(holder: &str, arguments: &str) -> Self {
        let stage = Stage::new();
        let screen = Screen::virtual_one().unwrap();
        let card = HolderCard::of(holder);
        let inserted = stage.insert(&card);
        Self {
            tool: AssistiveTool::start(&screen).unwrap(),
            agent: stage.agent_on(&screen, arguments),
            card,
            _inserted: inserted,
            _screen: screen,
            _stage: stage,
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

/// As the accessibility bus calls the program.
pub(crate) const AGENT: Option<&str> = Some("latchkey-agent");
