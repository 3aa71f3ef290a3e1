//! Everything that can go wrong at every exchange of every flow.
//!
//! Whatever it is: the request ends at once, well or with a code that its row names; the card is as after power-up
//! afterwards; no try is gone that was not truly spent; and inserted anew, the card works.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use latchkey_agent::{AfterUnblocking, Answer, CardAgent, CardTask, Failure, PinStatus};
use latchkey_fixtures::faults::{Exchanged, FaultProfile};
use latchkey_fixtures::store::CardStore;
use latchkey_fixtures::vcard::automaton::PinState;

use crate::desk::{Desk, HolderCard};
use crate::flows::{FLOWS, Flow, NEW_PIN, knowing};
use crate::holder::{Knowing, Scene, of_card, sign_in};

/// One thing that goes wrong, as a profile writes it, and how a request may end then: with one of these codes, or as it
/// would if nothing went wrong.
struct Row {
    what: &'static str,
    /// At an exchange before the channel, and at those that open it: what the card says there is not protected.
    before: &'static [&'static str],
    /// At a protected exchange.
    protected: &'static [&'static str],
    /// Whether it can make a right password look wrong to the card, which costs a try.
    falsifies: bool,
}

/// Ends as if nothing went wrong.
const AS_ALWAYS: &str = "as always";
/// The same whether the channel is open or not.
const fn anywhere(what: &'static str, ends: &'static [&'static str]) -> Row {
    Row { what, before: ends, protected: ends, falsifies: false }
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
const CLOSED: &[&str] = &["card-closed-channel"];

const ROWS: &[Row] = &[
    anywhere(r#"{ pull = "before" }"#, &["card-removed"]),
    anywhere(r#"{ pull = "after" }"#, &["card-removed"]),
    anywhere(r#"{ swap = "vielmi-douhaya" }"#, &["card-removed"]),
    anywhere(r#""silence""#, &["card-silent"]),
    anywhere("{ delay = 250 }", &[AS_ALWAYS]),
    anywhere("{ delay = 20001 }", &["card-silent"]),
    Row { protected: &["card-refused"], ..anywhere(r#"{ status = "6F00" }"#, &["card-refused", "unknown-card"]) },
    Row { protected: &["card-refused"], ..anywhere(r#"{ status = "6982" }"#, &["card-refused", "unknown-card"]) },
    Row { before: &["card-malformed-response", "card-refused"], ..anywhere("{ cut = 1 }", NOT_AUTHENTIC) },
    anywhere("{ keep = 0 }", MALFORMED),
    anywhere("{ keep = 1 }", MALFORMED),
    Row { before: &[AS_ALWAYS, "card-refused"], ..anywhere("{ keep = 2 }", CLOSED) },
    Row { before: SAID_WRONG, protected: CLOSED, what: "{ alter = 0 }", falsifies: true },
    Row { before: SAID_WRONG, protected: NOT_AUTHENTIC, what: "{ alter = 4 }", falsifies: true },
    Row { before: SAID_WRONG, protected: NOT_AUTHENTIC, what: "{ alter = 65536 }", falsifies: true },
    // The answer before a channel's first is a plain one.
    Row { before: SAID_WRONG, ..anywhere(r#""replay""#, &["card-protocol", "card-closed-channel"]) },
    // A channel's first answer has no older counter.
    Row { before: &[AS_ALWAYS], ..anywhere(r#""stale-counter""#, &[AS_ALWAYS, "card-protocol"]) },
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
        let ended = ask(&Scene::with_holder(&desk, flow.knowing()), (flow.task)());
        assert_eq!(ended.as_ref().err().map(Failure::code), flow.ends_with, "{}", flow.name);
    }
}

/// How a flow goes if nothing goes wrong.
struct Undisturbed {
    /// Of each exchange, whether it was protected.
    protected: Vec<bool>,
    start: PinState,
    end: PinState,
}

fn test_flow(flow: &Flow) {
    let undisturbed = go_undisturbed(flow);
    let last_protected = undisturbed.protected.iter().rposition(|protected| *protected);
    for row in ROWS {
        for (index, protected) in undisturbed.protected.iter().enumerate() {
            let ends = match last_protected {
                _ if *protected => row.protected,
                // The card has done what was asked for: what it says afterwards changes nothing about that.
                Some(last) if index > last => &[AS_ALWAYS],
                _ => row.before,
            };
            let name = format!("{}, exchange {}: {}", flow.name, index + 1, row.what);
            go_disturbed(flow, &undisturbed, row, index + 1, ends, &name);
        }
    }
}

fn go_undisturbed(flow: &Flow) -> Undisturbed {
    let card = HolderCard::of(flow.holder);
    let (start, scene) = (card.pin_state(), Scene::with_holder(&Desk::with(&card), flow.knowing()));
    let ended = ask(&scene, (flow.task)());
    assert_eq!(ended.as_ref().err().map(Failure::code), flow.ends_with, "{}", flow.name);
    Undisturbed { protected: scene.desk.protected(), start, end: card.pin_state() }
}

fn go_disturbed(flow: &Flow, undisturbed: &Undisturbed, row: &Row, at: usize, ends: &[&str], name: &str) {
    let card = HolderCard::of(flow.holder);
    let desk = Desk::with_faults(&card, profile(&at.to_string(), row.what), &HolderCard::of(OTHER));
    let scene = Scene::with_holder(&desk, flow.knowing());
    let ended = ask(&scene, (flow.task)());
    let code = ended.as_ref().err().map(Failure::code);
    let end = if code == flow.ends_with { AS_ALWAYS } else { code.unwrap_or("success") };
    assert!(ends.contains(&end), "{name}: {end}");

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

fn ask(scene: &Scene, task: CardTask) -> Result<Answer, Failure> {
    let exchange = scene.agent.send(of_card(task));
    let (done, ended) = mpsc::channel();
    thread::spawn(move || done.send(exchange.finish(|_| ())));
    ended.recv_timeout(HANGS_AFTER).expect("the request hangs")
}
