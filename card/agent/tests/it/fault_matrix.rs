//! Everything that can go wrong at every exchange of every flow.
//!
//! Whatever it is: the request ends at once, well or with a code that its row names; the card is as after power-up
//! afterwards; no try is gone that was not truly spent; and inserted anew, the card works.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use latchkey_agent::{AfterUnblocking, Answer, CardAgent, CardTask, Exchange, Failure, PinStatus};
use latchkey_fixtures::faults::{Exchanged, FaultProfile};
use latchkey_fixtures::store::CardStore;
use latchkey_fixtures::vcard::automaton::PinState;

use crate::desk::{Desk, HolderCard};
use crate::flows::{Driven, FLOWS, Flow, NEW_PIN, knowing};
use crate::holder::{Knowing, Scene, of_card, sign_in};
use crate::terminal_flows;

/// One thing that goes wrong, as a profile writes it, and how a request may end then: with one of these codes, or as it
/// would if nothing went wrong.
struct Row {
    what: &'static str,
    /// At an exchange before the channel, and at those that open it: what the card says there is not protected.
    before: &'static [&'static str],
    /// At an exchange that is protected between card and agent.
    protected: &'static [&'static str],
    /// At one that is protected between card and terminal, in which the agent passes on what it cannot read.
    relayed: &'static [&'static str],
    /// Whether it can make a right password look wrong to the card, which costs a try.
    falsifies: bool,
}

/// Ends as if nothing went wrong.
const AS_ALWAYS: &str = "as always";
/// The same whether the channel is open or not.
const fn anywhere(what: &'static str, ends: &'static [&'static str]) -> Row {
    Row { what, before: ends, protected: ends, relayed: ends, falsifies: false }
}

/// A refusal by the card that cannot be anybody else's inside a channel.
const fn refused(what: &'static str) -> Row {
    let before = &["card-refused", "unknown-card"];
    Row { relayed: &[terminal_flows::REFUSED], before, ..anywhere(what, &["card-refused", "terminal-rejected"]) }
}

const SAID_WRONG: &[&str] = &[
    AS_ALWAYS,
    "card-refused",
    "card-protocol",
    "unknown-card",
    "pin-wrong",
    "can-wrong",
    "puk-wrong",
    "pin-deactivated",
];
const MALFORMED: &[&str] = &["card-malformed-response"];
const NOT_AUTHENTIC: &[&str] = &["card-protocol"];
/// The agent cannot tell, and the terminal does.
const NOT_THE_CARDS: &[&str] = &[terminal_flows::NOT_AUTHENTIC];
const CLOSED: &[&str] = &["card-closed-channel"];

const ROWS: &[Row] = &[
    anywhere(r#"{ pull = "before" }"#, &["card-removed"]),
    anywhere(r#"{ pull = "after" }"#, &["card-removed"]),
    anywhere(r#"{ swap = "vielmi-douhaya" }"#, &["card-removed"]),
    anywhere(r#""silence""#, &["card-silent"]),
    anywhere("{ delay = 250 }", &[AS_ALWAYS]),
    anywhere("{ delay = 20001 }", &["card-silent"]),
    refused(r#"{ status = "6F00" }"#),
    refused(r#"{ status = "6982" }"#),
    Row {
        before: &["card-malformed-response", "card-refused"],
        relayed: NOT_THE_CARDS,
        ..anywhere("{ cut = 1 }", NOT_AUTHENTIC)
    },
    anywhere("{ keep = 0 }", MALFORMED),
    anywhere("{ keep = 1 }", MALFORMED),
    Row { before: &[AS_ALWAYS, "card-refused"], ..anywhere("{ keep = 2 }", CLOSED) },
    Row { before: SAID_WRONG, falsifies: true, ..anywhere("{ alter = 0 }", CLOSED) },
    Row { before: SAID_WRONG, relayed: NOT_THE_CARDS, falsifies: true, ..anywhere("{ alter = 4 }", NOT_AUTHENTIC) },
    Row { before: SAID_WRONG, relayed: NOT_THE_CARDS, falsifies: true, ..anywhere("{ alter = 65536 }", NOT_AUTHENTIC) },
    // The answer before a channel's first is a plain one.
    Row {
        before: SAID_WRONG,
        relayed: NOT_THE_CARDS,
        ..anywhere(r#""replay""#, &["card-protocol", "card-closed-channel"])
    },
    // A channel's first answer has no older counter.
    Row {
        before: &[AS_ALWAYS],
        relayed: &[AS_ALWAYS, terminal_flows::NOT_AUTHENTIC],
        ..anywhere(r#""stale-counter""#, &[AS_ALWAYS, "card-protocol"])
    },
    Row { before: SAID_WRONG, ..anywhere(r#"{ plain = "9000" }"#, CLOSED) },
    Row { before: SAID_WRONG, ..anywhere(r#"{ plain = "63C1" }"#, CLOSED) },
    Row { before: SAID_WRONG, ..anywhere(r#"{ plain = "6985" }"#, CLOSED) },
    // While the status is learnt, a reset is healed by asking anew.
    Row { before: &[AS_ALWAYS, "card-reset"], ..anywhere(r#""reset""#, &["card-reset"]) },
    anywhere(r#"{ reader = "reader-gone" }"#, &["reader-gone"]),
    anywhere(r#"{ reader = "no-service" }"#, &["no-service"]),
    anywhere(r#"{ reader = "card-busy" }"#, &["card-busy"]),
    anywhere(r#"{ reader = "card-transmission" }"#, &["card-transmission"]),
];

/// The card that others are swapped for.
const OTHER: &str = "vielmi-douhaya";
/// Longer than anybody would wait for an agent whose readers answer at once.
const HANGS_AFTER: Duration = Duration::from_secs(20);

#[test]
fn every_fault_at_every_exchange_of_every_flow_ends_well() {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(flow) = FLOWS.get(next.fetch_add(1, Ordering::Relaxed)) {
            test_flow(flow);
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
}

#[test]
fn a_slow_contactless_card_serves_every_flow() {
    for flow in FLOWS {
        let (card, other) = (HolderCard::of(flow.holder), HolderCard::of(OTHER));
        let desk = Desk::with_faults(&card, profile(r#""every""#, "{ delay = 900 }"), &other);
        let ended = go(&Scene::with_holder(&desk, flow.knowing()), flow).ended;
        assert_eq!(ended.err(), flow.ends_with, "{}", flow.name);
    }
}

/// What an exchange with the card is to whoever listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    /// Protected between card and agent.
    Protected,
    /// Protected between card and terminal.
    Relayed,
}

/// How a flow goes if nothing goes wrong.
struct Undisturbed {
    exchanges: Vec<Kind>,
    start: PinState,
    end: PinState,
}

fn test_flow(flow: &Flow) {
    let undisturbed = go_undisturbed(flow);
    let last_protected = undisturbed.exchanges.iter().rposition(|kind| *kind != Kind::Plain);
    for row in ROWS {
        for (index, kind) in undisturbed.exchanges.iter().enumerate() {
            let ends = match (kind, last_protected) {
                (Kind::Protected, _) => row.protected,
                (Kind::Relayed, _) => row.relayed,
                // The card has done what was asked for: what it says afterwards changes nothing about that.
                (Kind::Plain, Some(last)) if index > last => &[AS_ALWAYS],
                (Kind::Plain, _) => row.before,
            };
            let name = format!("{}, exchange {}: {}", flow.name, index + 1, row.what);
            go_disturbed(flow, &undisturbed, row, index + 1, ends, &name);
        }
    }
}

fn go_undisturbed(flow: &Flow) -> Undisturbed {
    let card = HolderCard::of(flow.holder);
    let (start, scene) = (card.pin_state(), Scene::with_holder(&Desk::with(&card), flow.knowing()));
    let Driven { ended, relayed } = go(&scene, flow);
    assert_eq!(ended.err(), flow.ends_with, "{}", flow.name);
    let kind = |(index, protected)| match protected {
        _ if relayed.contains(&index) => Kind::Relayed,
        true => Kind::Protected,
        false => Kind::Plain,
    };
    let exchanges = scene.desk.protected().into_iter().enumerate().map(kind).collect();
    Undisturbed { exchanges, start, end: card.pin_state() }
}

fn go_disturbed(flow: &Flow, undisturbed: &Undisturbed, row: &Row, at: usize, ends: &[&str], name: &str) {
    let card = HolderCard::of(flow.holder);
    let desk = Desk::with_faults(&card, profile(&at.to_string(), row.what), &HolderCard::of(OTHER));
    let scene = Scene::with_holder(&desk, flow.knowing());
    let code = go(&scene, flow).ended.err();
    let end = if code == flow.ends_with { AS_ALWAYS } else { code.unwrap_or("success") };
    let of_status = if ends == SAID_WRONG { flow.status_changed } else { &[] };
    let is_allowed = |end| ends.contains(&end) || of_status.contains(&end);
    assert!(is_allowed(end) || code.is_some_and(is_allowed), "{name}: {end}");

    if desk.has_card("Reader") {
        let select_master_file = [0x00, 0xA4, 0x00, 0x00];
        desk.behind_our_back("Reader", |card| match card.exchange(&select_master_file) {
            Exchanged::Answered(octets, _) => assert_eq!(octets, [0x90, 0x00], "{name}: the card was not reset"),
            // Such a card answers again when it is inserted anew.
            Exchanged::Silent if row.what == r#""silence""# => {}
            other => panic!("{name}: {other:?}"),
        });
        desk.pull("Reader");
    }

    let Undisturbed { start, end, .. } = *undisturbed;
    let left = card.pin_state();
    let truly_spent = row.falsifies && left == one_try_less(start);
    assert!([start, end].contains(&left) || truly_spent, "{name}: the card is {left:?}");

    desk.insert("Reader", &card);
    assert_works(&desk, &card, flow.holder, name);
}

/// Inserted anew, the card does what its holder wants of it: whatever state its PIN is in, it ends in a sign-in.
fn assert_works(desk: &Desk, card: &HolderCard, holder: &str, name: &str) {
    let has_new_pin =
        card.memory.clone().load().unwrap().is_some_and(|memory| memory.pin.ascii() == NEW_PIN.as_bytes());
    let holder = knowing(holder);
    let scene = Scene::with_holder(desk, Knowing { pin: if has_new_pin { NEW_PIN } else { holder.pin }, ..holder });
    let status = match ask(&scene, CardTask::Status) {
        Ok(Answer::CardStatus(status)) => status.pin,
        other => panic!("{name}, inserted anew: {other:?}"),
    };
    let before = match status {
        PinStatus::Usable { .. } | PinStatus::Suspended => None,
        PinStatus::Blocked => Some(CardTask::UnblockPin(AfterUnblocking::KeepPin)),
        PinStatus::Deactivated => Some(CardTask::ActivatePin),
    };
    for task in before.into_iter().chain([sign_in()]) {
        ask(&scene, task).unwrap_or_else(|failure| panic!("{name}, inserted anew: {failure}"));
    }
    assert_eq!(card.pin_state(), PinState::Pin3, "{name}");
}

fn profile(at: &str, what: &str) -> FaultProfile {
    FaultProfile::parse(&format!("[[fault]]\nname = \"of the matrix\"\nat = {at}\nwhat = {what}")).unwrap()
}

/// What the card remembers after one wrong password.
fn one_try_less(state: PinState) -> PinState {
    match state {
        PinState::Pin3 => PinState::Pin2,
        PinState::Pin2 => PinState::Pins,
        // The last try, or a wrong PUK of a PIN that is blocked.
        PinState::Pins => PinState::Pin0,
        PinState::Pin0 => PinState::Puk9,
        other => other,
    }
}

fn go(scene: &Scene, flow: &Flow) -> Driven {
    let (desk, drive) = (scene.desk.clone(), flow.drive);
    within_limits(scene.agent.send(of_card((flow.task)())), move |exchange| drive(&desk, exchange))
}

fn ask(scene: &Scene, task: CardTask) -> Result<Answer, Failure> {
    within_limits(scene.agent.send(of_card(task)), |exchange| exchange.finish(|_| ()))
}

fn within_limits<T: Send + 'static>(exchange: Exchange, drive: impl FnOnce(Exchange) -> T + Send + 'static) -> T {
    let (done, ended) = mpsc::channel();
    thread::spawn(move || done.send(drive(exchange)));
    ended.recv_timeout(HANGS_AFTER).expect("the request hangs, or a test failed in it")
}
