//! Everything that can go wrong at every exchange of every flow.
//!
//! Whatever it is: the request ends at once, well or with a code that its row names; the card is as after power-up
//! afterwards; no try is gone that was not truly spent; and inserted anew, the card works.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use latchkey_agent::{AfterUnblocking, Answer, CardAgent, CardTask, Exchange, Failure, PinStatus};
use latchkey_fixtures::card_image::{CipherEdition, CipherEditions};
use latchkey_fixtures::faults::{Exchanged, FaultProfile};
use latchkey_fixtures::store::CardStore;
use latchkey_fixtures::vcard::automaton::PinState;

use crate::desk::{Desk, HolderCard};
use crate::flows::{DEPLOYED, Driven, FLOWS, Flow, NEW_PIN, knowing};
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
    /// On a card of the deployed model too, wherever it is: its edition's MAC leaves the counter out, so that an answer that
    /// was right once looks right again. Only what it decrypts to can give it away.
    deployed: &'static [&'static str],
    /// Whether it can make a right password look wrong to the card, which costs a try.
    falsifies: bool,
}

/// Ends as if nothing went wrong.
const AS_ALWAYS: &str = "as always";
/// The same whether the channel is open or not.
const fn anywhere(what: &'static str, ends: &'static [&'static str]) -> Row {
    Row { what, before: ends, protected: ends, relayed: ends, deployed: &[], falsifies: false }
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
/// The exchanges of a session with a card of the deployed model in which a refusal changes nothing: it has no master file
/// before its applet is selected, and may have no file with the signer of its security object.
const SPARE_OF_DEPLOYED: &[usize] = &[1, 14, 15, 16, 17, 18];

const ROWS: &[Row] = &[
    anywhere(r#"{ pull = "before" }"#, &["card-removed"]),
    anywhere(r#"{ pull = "after" }"#, &["card-removed"]),
    anywhere(SWAPPED, &["card-removed"]),
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
        deployed: &[AS_ALWAYS, terminal_flows::REFUSED, terminal_flows::NOT_AUTHENTIC],
        ..anywhere(r#""replay""#, &["card-protocol", "card-closed-channel"])
    },
    // A channel's first answer has no older counter.
    Row {
        before: &[AS_ALWAYS],
        relayed: &[AS_ALWAYS, terminal_flows::NOT_AUTHENTIC],
        deployed: NOT_THE_CARDS,
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
const SWAPPED: &str = r#"{ swap = "vielmi-douhaya" }"#;
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

/// No text of the standard has another initial value than the counter. The MAC does not show that a card has: whatever it
/// decrypts, or is decrypted of its answers, begins with sixteen octets of something else. Nothing is taken for that.
#[test]
fn a_card_that_encrypts_otherwise_ends_every_flow_with_a_code_and_costs_no_try() {
    use CipherEdition::{AnswersFromZero, CommandsFromZero, FromCounter, FromZero};
    const MEANINGLESS: &[&str] = &["card-protocol", "certificate-faulty", terminal_flows::NOT_AUTHENTIC];
    const REFUSED: &[&str] = &["card-refused"];
    const REFUSED_TO_TERMINAL: &[&str] = &[terminal_flows::REFUSED];
    // What is begun with, in the client's channel and in the terminal's; with what flows end; how many end as always.
    let rows = [
        (CommandsFromZero, FromCounter, REFUSED, 5),
        (AnswersFromZero, FromCounter, MEANINGLESS, 12),
        (FromZero, FromCounter, REFUSED, 5),
        (FromCounter, CommandsFromZero, REFUSED_TO_TERMINAL, 20),
        // What the card answers to a terminal the agent cannot read.
        (FromCounter, AnswersFromZero, &[], 27),
        (FromCounter, FromZero, REFUSED_TO_TERMINAL, 20),
    ];
    let undisturbed: Vec<_> = FLOWS.iter().map(|flow| (flow, go_undisturbed(flow))).collect();
    for (client, terminal, ends, expected) in rows {
        let mut as_always = 0;
        for (flow, Undisturbed { start, end, pin2_tries, .. }) in &undisturbed {
            let name = format!("{client:?} and {terminal:?}, {}", flow.name);
            let mut card = HolderCard::of(flow.holder);
            card.image.editions.ciphers = CipherEditions { client, terminal };
            let scene = Scene::with_holder(&Desk::with(&card), flow.knowing());
            match go(&scene, flow).ended.err() {
                code if code == flow.ends_with => as_always += 1,
                code => assert!(code.is_some_and(|code| ends.contains(&code)), "{name}: {code:?}"),
            }
            assert!([start, end].contains(&&card.pin_state()), "{name}: the card is {:?}", card.pin_state());
            assert!(pin2_tries.contains(&card.pin2_tries()), "{name}: {:?} of the second PIN", card.pin2_tries());
        }
        assert_eq!(as_always, expected, "{client:?} and {terminal:?}");
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
    /// At the start and at the end.
    pin2_tries: [Option<u8>; 2],
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
    let (start, pin2_tries) = (card.pin_state(), card.pin2_tries());
    let scene = Scene::with_holder(&Desk::with(&card), flow.knowing());
    let Driven { ended, relayed } = go(&scene, flow);
    assert_eq!(ended.err(), flow.ends_with, "{}", flow.name);
    let kind = |(index, protected)| match protected {
        _ if relayed.contains(&index) => Kind::Relayed,
        true => Kind::Protected,
        false => Kind::Plain,
    };
    let exchanges = scene.desk.protected().into_iter().enumerate().map(kind).collect();
    Undisturbed { exchanges, start, end: card.pin_state(), pin2_tries: [pin2_tries, card.pin2_tries()] }
}

fn go_disturbed(flow: &Flow, undisturbed: &Undisturbed, row: &Row, at: usize, ends: &[&str], name: &str) {
    let card = HolderCard::of(flow.holder);
    let desk = Desk::with_faults(&card, profile(&at.to_string(), row.what), &HolderCard::of(OTHER));
    let scene = Scene::with_holder(&desk, flow.knowing());
    let code = go(&scene, flow).ended.err();
    let end = if code == flow.ends_with { AS_ALWAYS } else { code.unwrap_or("success") };
    let of_status = if ends == SAID_WRONG { flow.status_changed } else { &[] };
    let of_model = match flow.holder {
        DEPLOYED if row.what.contains("{ status") && SPARE_OF_DEPLOYED.contains(&at) => &[AS_ALWAYS],
        DEPLOYED => row.deployed,
        _ => &[],
    };
    let is_allowed = |end| [ends, of_status, of_model].iter().any(|ends| ends.contains(&end));
    assert!(is_allowed(end) || code.is_some_and(is_allowed), "{name}: {end}");

    if desk.has_card("Reader") {
        // A card of the deployed model wants its applet selected first.
        let select_master_file = [0x00, 0xA4, 0x00, 0x00];
        let is_deployed = flow.holder == DEPLOYED && row.what != SWAPPED;
        let expected = if is_deployed { [0x6A, 0x82] } else { [0x90, 0x00] };
        desk.behind_our_back("Reader", |card| match card.exchange(&select_master_file) {
            Exchanged::Answered(octets, _) => assert_eq!(octets, expected, "{name}: the card was not reset"),
            // Such a card answers again when it is inserted anew.
            Exchanged::Silent if row.what == r#""silence""# => {}
            other => panic!("{name}: {other:?}"),
        });
        desk.pull("Reader");
    }

    let Undisturbed { start, end, .. } = *undisturbed;
    assert!(undisturbed.pin2_tries.contains(&card.pin2_tries()), "{name}: {:?} of the second PIN", card.pin2_tries());
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
