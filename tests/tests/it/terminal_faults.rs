//! What can go wrong between any two calls of a terminal's flow, with client program, terminal and card service in
//! processes of their own: every fault at every call of every flow.
//!
//! Whatever it is: whoever calls next is told a code, the session is over at the client program and at the terminal, no try
//! of the PIN is gone, and the next session with the card works at once.

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context as _, Result, ensure};
use latchkey_tests::deployed::{
    Attended, AttendedOrder, BackEnd, Call, Fate, Line, Party, Refused, SITE, post_json, post_json_as,
};
use latchkey_tests::stage::{Cards, Portal, PortalOrder, SampleSet, free_port, holder, pin_state};
use serde_json::json;

use crate::issuing_authority::AtWork;
use crate::ticket_request::ticket_request;

const HOLDER: &str = "hanna-vydumanaya";
/// His card is of the deployed model.
const DEPLOYED: &str = "kiryl-raspausiudzany";

/// What a back end does, from the first call to the last.
struct Flow {
    name: &'static str,
    /// With whose card.
    card: &'static str,
    /// Whether it is a page, whose browser tells its origin.
    is_page: bool,
    /// What goes wrong, and at which of its calls: at each, or at each so many-th.
    faults: &'static [Fault],
    spacing: usize,
    /// Whether it is gone through once more after each fault, to its end: the card may have no key that works before.
    is_repeated: bool,
    go: fn(&mut BackEnd<'_>, &SampleSet) -> Result<()>,
}

const FLOWS: [Flow; 4] = [
    Flow { name: "pages of today", card: HOLDER, go: |session, _| read_and_sign(session, "F"), ..OF_BACK_END },
    Flow {
        name: "pages of today, deployed card",
        card: DEPLOYED,
        go: |session, _| read_and_sign(session, "M"),
        ..OF_BACK_END
    },
    Flow {
        name: "ticket",
        card: HOLDER,
        is_page: true,
        go: |session, set| {
            session.authenticate_for(&ticket_request(set, &[7], &[11])?)?;
            session.ticket()?;
            session.log_out().map(|_| ())
        },
        ..OF_BACK_END
    },
    // With a card that is pulled at each exchange, and with an authority that fails at each of its answers:
    // `card_renewal`.
    Flow {
        name: "renewal",
        is_page: true,
        faults: &[Fault::CardPulled, Fault::NodeKilled, Fault::CallerGone, Fault::AuthorityRefuses],
        spacing: 24,
        is_repeated: true,
        go: |session, _| {
            let renewed = session.renew()?;
            ensure!(["issued", "waiting"].map(Some).contains(&renewed["next"].as_str()), "not renewed: {renewed}");
            Ok(())
        },
        ..OF_BACK_END
    },
];

const OF_BACK_END: Flow = Flow {
    name: "",
    card: HOLDER,
    is_page: false,
    faults: &[
        Fault::CardPulled,
        Fault::NodeKilled,
        Fault::NodeReplaced,
        Fault::DatabaseGone,
        Fault::AnswerLost,
        Fault::CallerGone,
    ],
    spacing: 1,
    is_repeated: false,
    go: |_, _| Ok(()),
};

/// What is read is the holder's sex, or nothing.
fn read_and_sign(session: &mut BackEnd<'_>, sex: &str) -> Result<()> {
    session.authenticate()?;
    let data = session.read(&["dg5"])?;
    ensure!(data["Sex"].as_str().is_none_or(|read| read == sex), "something else was read: {data}");
    session.sign("An invented order.")?;
    session.log_out().map(|_| ())
}

/// What goes wrong at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The card is pulled before it.
    CardPulled,
    /// The terminal is killed before it.
    NodeKilled,
    /// The same, and another one has taken its place.
    NodeReplaced,
    /// The terminal's database is not there.
    DatabaseGone,
    /// Its answer is lost, and the caller calls again.
    AnswerLost,
    /// The caller goes away without its answer, and does not come back.
    CallerGone,
    /// From here on the issuing authority refuses everything.
    AuthorityRefuses,
}

/// A call of a flow in which nothing goes wrong.
type Called = (Party, String);

/// How a flow ends.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    Well,
    Refused(Party, String),
    /// Nobody answered, or the caller did not wait.
    WithoutAnswer,
}

#[test]
fn a_fault_between_any_two_steps_is_told_and_ends_the_session_everywhere() {
    let flows = FLOWS.map(|flow| {
        let calls = Stage::set(&flow).undisturbed(&flow);
        (flow, calls)
    });
    let cases: Vec<_> = flows
        .iter()
        .flat_map(|(flow, calls)| {
            let at_calls = move |(number, fault): (usize, &'static Fault)| {
                // Each fault at other calls.
                let places = (number * 7 % flow.spacing..calls.len()).step_by(flow.spacing);
                places.map(move |at| (flow, calls, *fault, at))
            };
            flow.faults.iter().enumerate().flat_map(at_calls)
        })
        .filter(|(_, calls, fault, at)| fault.concerns(calls, *at))
        .collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut stage: Option<Stage> = None;
        while let Some((flow, calls, fault, at)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut at_work = stage.take().filter(|stage| stage.flow == flow.name);
            stage.insert(at_work.take().unwrap_or_else(|| Stage::set(flow))).go(flow, calls, *fault, *at);
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
}

impl Fault {
    fn concerns(self, calls: &[Called], at: usize) -> bool {
        let (party, _) = &calls[at];
        match self {
            // Before the first call there is no session.
            Self::CardPulled => at > 0,
            Self::NodeKilled | Self::NodeReplaced | Self::DatabaseGone => *party == Party::Terminal,
            Self::AnswerLost | Self::CallerGone | Self::AuthorityRefuses => true,
        }
    }

    /// Whether the flow may end so.
    fn may_end(self, flow: &Flow, calls: &[Called], at: usize, end: &End) -> bool {
        let (_, path) = &calls[at];
        let is_taken_twice = self == Self::AnswerLost && flow.card == DEPLOYED && TAKEN_TWICE.contains(&path.as_str());
        // What an answer decrypts to then is anything, and so is what the terminal has against it.
        let is_refused = matches!(end, End::Refused(Party::Terminal, code) if code.starts_with("terminal-"));
        self.ends_with_any_card(calls, at).contains(end) || (is_taken_twice && is_refused)
    }

    fn ends_with_any_card(self, calls: &[Called], at: usize) -> Vec<End> {
        let (party, path) = &calls[at];
        let refused = |codes: &[&str]| codes.iter().map(|code| End::Refused(*party, (*code).to_owned())).collect();
        match self {
            Self::CardPulled if calls[at..].iter().all(|(party, _)| *party == Party::Terminal) => vec![End::Well],
            Self::CardPulled => vec![End::Refused(Party::Client, "card-removed".into())],
            Self::NodeKilled | Self::CallerGone => vec![End::WithoutAnswer],
            Self::NodeReplaced => vec![End::Well],
            // It may not be asked any more, or only for what can wait.
            Self::AuthorityRefuses => vec![End::Well, End::Refused(Party::Terminal, "authority-refused".into())],
            Self::DatabaseGone => refused(&["storage-unavailable"]),
            Self::AnswerLost => match path.as_str() {
                // Another session begins, in which the card has no part yet.
                "/api/v1/bauth_init" | "/latchkey/v1/tickets" => vec![End::Well],
                // The card takes no command twice, and says so without protection; the holder allowed one signature.
                "/api/v1/terminal_proxy_command" | "/api/v1/terminal_proxy_sign_init" => {
                    refused(&["card-closed-channel", "terminal-act-refused"])
                }
                // M1 once more is no M3.
                "/api/v1/bauth_process" | "/api/v1/read_dg" => {
                    refused(&["terminal-answer-malformed", "terminal-wrong-order"])
                }
                "/api/v1/bauth_logout" => refused(&["terminal-session-unknown"]),
                _ => refused(&["terminal-wrong-order"]),
            },
        }
    }
}

/// Addresses with an answer or a command of the terminal's channel. The deployed card's MAC leaves the counter out: it takes
/// a command twice, and the terminal an answer, and either decrypts to something else then or stands for something else.
const TAKEN_TWICE: [&str; 3] =
    ["/api/v1/terminal_proxy_command", "/api/v1/terminal_proxy_sign_init", "/api/v1/read_dg"];

/// Client program, terminal and card service at work.
struct Stage {
    flow: &'static str,
    card: &'static str,
    client: u16,
    terminal: u16,
    attended: Option<Attended>,
    portal: Portal,
    authority: AtWork,
    cards: Cards,
    set: SampleSet,
}

impl Stage {
    fn set(flow: &Flow) -> Self {
        let card = flow.card;
        let set = SampleSet::write().unwrap();
        let mut cards = Cards::start(&set, 1).unwrap();
        cards.insert(card, 1).unwrap();
        let (terminal, client) = (free_port().unwrap(), free_port().unwrap());
        let authority = AtWork::start();
        let authority_port = flow.is_repeated.then_some(authority.port);
        let order = PortalOrder { terminal_port: Some(terminal), authority_port, ..PortalOrder::default() };
        let portal = Portal::start_with(&set, order).unwrap();
        let holder = holder(card).unwrap();
        let order = AttendedOrder { port: client, language: "en", agreeing: Some(&holder), arguments: &[] };
        let attended = Attended::start(&cards, &set, order).unwrap();
        Self { flow: flow.name, card, client, terminal, attended: Some(attended), portal, authority, cards, set }
    }

    fn line(&self, flow: &Flow) -> Line<'static> {
        let line = Line::to(self.client, self.terminal);
        if flow.is_page { line.from_page(SITE) } else { line }
    }

    fn undisturbed(&self, flow: &Flow) -> Vec<Called> {
        let mut calls = Vec::new();
        let line = self.line(flow).with_accident(|Call { party, path, .. }| {
            calls.push((party, path.to_owned()));
            Ok(Fate::Answered)
        });
        (flow.go)(&mut BackEnd::on(line), &self.set).unwrap();
        // Of the log-out at the terminal the client program learns nothing.
        assert!(self.close(flow.name), "{}", flow.name);
        calls
    }

    fn go(&mut self, flow: &Flow, calls: &[Called], fault: Fault, at: usize) {
        let name = format!("{}, call {at} ({}): {fault:?}", flow.name, calls[at].1);
        let (line, hreq) = (self.line(flow), Cell::new(String::new()));
        let Self { portal, authority, cards, set, terminal, .. } = self;
        let line = line.with_accident(|call: Call<'_>| match fault {
            _ if call.number != at => Ok(Fate::Answered),
            Fault::AuthorityRefuses => {
                authority.refuse(true);
                Ok(Fate::Answered)
            }
            fault => happen(fault, portal, cards, &database(set, *terminal)),
        });
        let mut session = BackEnd::on(line);
        let ended = (flow.go)(&mut session, set);
        hreq.set(session.hreq().to_owned());
        drop(session);
        let end = match ended.as_ref().map_err(|error| error.downcast_ref::<Refused>()) {
            Ok(()) => End::Well,
            Err(Some(refused)) => End::Refused(refused.party, refused.code.clone()),
            Err(None) => End::WithoutAnswer,
        };
        assert!(fault.may_end(flow, calls, at, &end), "{name}: {ended:?}");
        self.mend(fault).unwrap();
        self.assert_over(&end, fault, &hreq.take(), &name);
        if flow.is_repeated {
            (flow.go)(&mut BackEnd::on(self.line(flow)), &self.set).unwrap_or_else(|error| panic!("{name}: {error:?}"));
            self.close(&name);
        }
        self.assert_usable(&name);
    }

    /// Puts back what is not a session's.
    fn mend(&mut self, fault: Fault) -> Result<()> {
        match fault {
            Fault::CardPulled => self.cards.insert(self.card, 1),
            Fault::NodeKilled => self.portal.start_again(),
            Fault::DatabaseGone => {
                let database = database(&self.set, self.terminal);
                Ok(fs::rename(database.with_extension("aside"), database)?)
            }
            Fault::AuthorityRefuses => {
                self.authority.refuse(false);
                Ok(())
            }
            Fault::NodeReplaced | Fault::AnswerLost | Fault::CallerGone => Ok(()),
        }
    }

    /// Whoever has refused a call has no session any more. The others are told by a page that gives up, and forget theirs
    /// two minutes after its last call if there is none.
    fn assert_over(&self, end: &End, fault: Fault, hreq: &str, name: &str) {
        let is_refused_by = |wanted| matches!(end, End::Refused(party, _) if *party == wanted);
        // What fits no step of the client program changes nothing there.
        let changes_nothing = matches!(end, End::Refused(Party::Client, code) if code == "terminal-wrong-order");
        if !is_refused_by(Party::Client) || changes_nothing {
            self.close(name);
        }
        let relayed = json!({ "header_cmd_to_card": "BLAAAA==", "cmd_to_card": "hwA=" });
        let after = post_json(self.client, "/api/v1/terminal_proxy_command", &relayed).unwrap();
        assert_eq!((&after["err"], &after["code"]), (&json!("7"), &json!("terminal-wrong-order")), "{name}: {after}");
        if hreq.is_empty() {
            return;
        }
        let of_session = json!({ "hreq": hreq });
        if !is_refused_by(Party::Terminal) || fault == Fault::DatabaseGone {
            post_json(self.terminal, "/api/v1/bauth_logout", &of_session).unwrap();
        }
        let after = post_json(self.terminal, "/api/v1/request_dg", &of_session).unwrap();
        assert_eq!(after["code"], "terminal-session-unknown", "{name}: {after}");
    }

    /// The next session works.
    fn assert_usable(&self, name: &str) {
        let opened = post_json(self.client, "/auth_sign", &json!({ "init": "true" })).unwrap();
        assert_eq!(opened["err"], "0", "{name}: the next session: {opened}");
        assert!(self.close(name), "{name}: the next session was not open");
        assert_eq!(pin_state(&self.set, self.card).unwrap(), "pin3", "{name}");
    }

    /// Ends the site's session; says whether there was one.
    fn close(&self, name: &str) -> bool {
        let closed = post_json_as(Some(SITE), self.client, "/latchkey/v1/terminal/close", &json!({})).unwrap();
        closed["closed"].as_bool().unwrap_or_else(|| panic!("{name}: {closed}"))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let shown = self.attended.take().map(Attended::end);
        if thread::panicking() {
            eprintln!("{shown:?}\n{}\n{}", self.portal.log(), self.cards.logs());
        }
    }
}

fn happen(fault: Fault, portal: &mut Portal, cards: &mut Cards, database: &PathBuf) -> Result<Fate> {
    match fault {
        Fault::CardPulled => cards.remove(1)?,
        Fault::NodeKilled => portal.kill()?,
        Fault::NodeReplaced => {
            portal.kill()?;
            portal.start_again()?;
        }
        Fault::DatabaseGone => fs::rename(database, database.with_extension("aside")).context("the database")?,
        Fault::AnswerLost => return Ok(Fate::AnswerLost),
        Fault::CallerGone => return Ok(Fate::CallerGone),
        // That is not at the lines.
        Fault::AuthorityRefuses => {}
    }
    Ok(Fate::Answered)
}

fn database(set: &SampleSet, terminal: u16) -> PathBuf {
    set.path().join(format!("terminal-{terminal}.sqlite"))
}
