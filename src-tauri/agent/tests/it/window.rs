//! The window itself: keys, the field that holds no digit, what assistive tools are told, silence.

use latchkey_agent::{Answer, CardTask, Failure, Report, Step};
use latchkey_fixtures::vcard::automaton::PinState;
use latchkey_tests::desktop::{Event, Key, Wanted};

use crate::screen::{AGENT, Scene, wanted};
use crate::stage::{ORDINARY, holder, sign_in};

/// Everything that could tell an assistive tool something about what is typed.
const TOLD: [&str; 12] = [
    "object:announcement",
    "object:children-changed",
    "object:property-change",
    "object:selection-changed",
    "object:state-changed",
    "object:text-caret-moved",
    "object:text-changed",
    "object:text-selection-changed",
    "object:value-changed",
    "object:visible-data-changed",
    "object:active-descendant-changed",
    "window",
];

#[test]
fn a_sign_in_goes_by_keyboard_alone_and_only_with_all_digits() {
    let mut scene = Scene::new(ORDINARY, "--lang en");
    let exchange = scene.begin(sign_in());
    let states: &[&str] = &["focused", "editable"];
    scene.tool.wait_for(Wanted { states, ..wanted("password text", "PIN of your card") }).unwrap();
    let pin = holder(ORDINARY).pin;
    scene.tool.type_out(&pin[..3]).unwrap();
    scene.sees("3 of 6");
    // Enter does nothing yet; a slip is taken back; letters do not count.
    scene.tool.strike(Key::Enter).unwrap();
    scene.tool.type_out("9x").unwrap();
    scene.sees("Only the digits 0 to 9 count");
    scene.tool.strike(Key::Backspace).unwrap();
    scene.sees("3 of 6");
    assert!(scene.tool.look(Wanted { states: &["sensitive"], ..wanted("push button", "Sign in") }).unwrap().is_empty());
    // Digits find the field wherever the focus is.
    scene.tool.strike(Key::Tab).unwrap();
    scene.tool.wait_for(Wanted { states: &["focused"], ..wanted("push button", "Cancel") }).unwrap();
    scene.tool.type_out(&pin[3..]).unwrap();
    scene.sees("6 of 6");
    // One too many is none.
    scene.tool.type_out("7").unwrap();
    scene.tool.strike(Key::BackTab).unwrap();
    scene.tool.strike(Key::Enter).unwrap();
    assert!(matches!(exchange.finish(|_| ()), Ok(Answer::SignedIn(_))));
}

#[test]
fn escape_and_closing_say_no_and_so_does_enter_before_the_last_try() {
    let mut scene = Scene::new("alena-prypynenaya", "--lang en");
    for key in [Key::Escape, Key::Enter] {
        let exchange = scene.begin(sign_in());
        scene.tool.wait_for(Wanted { states: &["focused"], ..wanted("push button", "Not now") }).unwrap();
        scene.tool.strike(key).unwrap();
        assert_eq!(exchange.finish(|_| ()).unwrap_err(), Failure::Cancelled, "{key:?}");
        scene.tool.wait_until_gone(Wanted { application: AGENT, role: Some("dialog"), ..Wanted::default() }).unwrap();
    }
    assert_eq!(scene.card.pin_state(), PinState::Pins);
}

#[test]
fn a_request_taken_back_closes_its_question() {
    let mut scene = Scene::new(ORDINARY, "--lang en");
    let exchange = scene.begin(sign_in());
    scene.field("PIN of your card");
    exchange.cancellation().cancel();
    assert_eq!(exchange.finish(|_| ()).unwrap_err(), Failure::Cancelled);
    scene.tool.wait_until_gone(Wanted { application: AGENT, role: Some("dialog"), ..Wanted::default() }).unwrap();
    // The next one works.
    let exchange = scene.begin(sign_in());
    scene.enter("PIN of your card", holder(ORDINARY).pin, "Sign in");
    exchange.finish(|_| ()).unwrap();
}

#[test]
fn assistive_tools_are_told_how_many_digits_there_are_and_never_which() {
    let mut scene = Scene::new(ORDINARY, "--lang en --pad");
    let exchange = scene.begin(sign_in());
    let field = scene.field("PIN of your card, 6 digits");
    assert_eq!(field.role, "password text");
    assert_eq!(field.labels, ["PIN of your card"]);
    assert_eq!(field.description, "No digit yet");
    let window = scene.sees("Latchkey");
    assert_eq!(window.role, "dialog");
    assert!(window.description.contains("https://portal.example"), "{window:?}");
    for kind in TOLD {
        scene.tool.listen(kind).unwrap();
    }
    // By the keyboard, and by the pointer on the pad: 2 1 0 1 0 1.
    let pin = holder(ORDINARY).pin;
    assert_eq!(pin, "210101");
    scene.tool.type_out(&pin[..2]).unwrap();
    scene.sees("2 of 6");
    for (count, digit) in pin.chars().enumerate().skip(2) {
        let key = scene.tool.wait_for(Wanted { name: Some(&digit.to_string()), ..wanted("push button", "") }).unwrap();
        let place = key.place.unwrap();
        scene.tool.click(place.x + place.width / 2, place.y + place.height / 2).unwrap();
        scene.sees(&format!("{} of 6", count + 1));
    }
    let events = scene.tool.events().unwrap();
    let from_field: Vec<_> = events.iter().filter(|event| event.source.starts_with("PIN of your card")).collect();
    assert!(from_field.iter().any(|event| event.data.as_deref() == Some("digit 3 of 6")), "{events:?}");
    assert!(from_field.iter().any(|event| event.data.as_deref() == Some("All digits are there")), "{events:?}");
    // What changed in the field are dots; no key of the pad tells that it was pressed.
    let told = |event: &&Event| event.kind.starts_with("object:text-changed") && event.role == "password text";
    let changes: Vec<_> = events.iter().filter(told).collect();
    assert!(changes.len() >= 6, "{events:?}");
    assert!(changes.iter().all(|event| matches!(event.data.as_deref(), Some("" | "●"))), "{changes:?}");
    let of_pad: Vec<_> = events.iter().filter(|event| event.source.len() == 1).collect();
    assert!(of_pad.is_empty(), "{of_pad:?}");
    let said = events.iter().filter_map(|event| event.data.as_deref());
    let digits = said.filter(|data| data.chars().count() < 3 && data.chars().any(|said| said.is_ascii_digit()));
    assert_eq!(digits.collect::<Vec<_>>(), Vec::<&str>::new());
    let text = scene.field("PIN of your card").text.unwrap_or_default();
    assert!(text.chars().all(|shown| shown == '●'), "{text:?}");
    scene.press("Sign in");
    exchange.finish(|_| ()).unwrap();
}

#[test]
fn the_pad_is_reached_by_keyboard_too() {
    let mut scene = Scene::new(ORDINARY, "--lang en --pad");
    let exchange = scene.begin(sign_in());
    scene.field("PIN of your card");
    scene.tool.strike(Key::Tab).unwrap();
    scene.tool.wait_for(Wanted { states: &["focused"], name: Some("1"), ..wanted("push button", "") }).unwrap();
    scene.tool.strike(Key::Space).unwrap();
    scene.sees("1 of 6");
    scene.press("Erase the last digit");
    scene.sees("0 of 6");
    for digit in holder(ORDINARY).pin.chars() {
        let key = scene.tool.wait_for(Wanted { name: Some(&digit.to_string()), ..wanted("push button", "") }).unwrap();
        scene.tool.press(&key).unwrap();
    }
    scene.press("Sign in");
    exchange.finish(|_| ()).unwrap();
}

#[test]
fn a_silent_holder_is_warned_and_can_have_more_time_before_the_question_closes() {
    let mut scene = Scene::new(ORDINARY, "--lang en --patience 6");
    let exchange = scene.begin(CardTask::ChangePin);
    scene.sees("This question will close in");
    scene.press("More time");
    assert!(matches!(exchange.next(), Report::Progress(Step::HolderActive)));
    scene.tool.wait_until_gone(Wanted { states: &["showing"], ..wanted("label", "This question will close") }).unwrap();
    scene.sees("This question will close in");
    assert_eq!(exchange.finish(|_| ()).unwrap_err().code(), "holder-silent");
    scene.tool.wait_until_gone(Wanted { application: AGENT, role: Some("dialog"), ..Wanted::default() }).unwrap();
    assert_eq!(scene.card.pin_state(), PinState::Pin3);
}

#[test]
fn nothing_is_pasted_and_digits_come_and_go_at_the_end_only() {
    let mut scene = Scene::new(ORDINARY, "--lang en");
    let exchange = scene.begin(sign_in());
    scene.field("PIN of your card");
    scene.tool.strike(Key::Control('v')).unwrap();
    scene.sees("Pasting does not work here");
    let pin = holder(ORDINARY).pin;
    scene.tool.type_out(&pin[..5]).unwrap();
    scene.sees("5 of 6");
    // Wherever the cursor is sent, the last digit goes and the next one comes at the end.
    scene.tool.strike(Key::Home).unwrap();
    scene.tool.strike(Key::Control('a')).unwrap();
    scene.tool.type_out("9").unwrap();
    scene.sees("6 of 6");
    scene.tool.strike(Key::Home).unwrap();
    scene.tool.strike(Key::Delete).unwrap();
    scene.sees("5 of 6");
    scene.tool.type_out(&pin[5..]).unwrap();
    scene.press("Sign in");
    exchange.finish(|_| ()).unwrap();
}
