//! A whole sign-in without a pointer, as a person does it who hears the windows through an assistive tool.

use latchkey_tests::desktop::{AGENT, Key, SceneOrder, Wanted};

use crate::house::{HANNA, House};
use crate::words::PIN;

const WINDOW: &str = "latchkey-desktop";

/// What WebDriver calls the Enter key.
const ENTER: &str = "\u{E007}";

#[test]
fn a_sign_in_by_keyboard_alone() {
    let (mut house, browser, holder) = House::with_card(HANNA, SceneOrder::default());
    browser.type_into("#go", ENTER).unwrap();
    // The window has come to the front, and the reading position is at who asks.
    let heading =
        Wanted { application: Some(WINDOW), role: Some("heading"), states: &["focused"], ..Wanted::default() };
    let asked = Wanted { contains: Some("asks you to sign in"), ..heading };
    house.tool.wait_for(asked).unwrap();
    house.everything_has_a_name();
    let heard = Wanted {
        application: Some(WINDOW),
        name: Some("Agree and sign in"),
        states: &["enabled"],
        ..Wanted::default()
    };
    house.tool.wait_for(heard).unwrap();
    house.tab_to("Agree and sign in");
    house.tool.strike(Key::Enter).unwrap();

    // The agent's window has the focus in its field, which says what it is for.
    let field =
        Wanted { application: Some(AGENT), role: Some("password text"), states: &["focused"], ..Wanted::default() };
    let field = house.tool.wait_for(field).unwrap();
    assert!(field.name.contains(PIN), "{field:?}");
    let dialog = Wanted { application: Some(AGENT), role: Some("dialog"), ..Wanted::default() };
    let dialog = house.tool.wait_for(dialog).unwrap();
    let origin = house.portal.origin();
    assert!(dialog.description.contains(&origin), "{dialog:?}");
    house.everything_has_a_name();
    house.tool.listen("object").unwrap();
    house.tool.type_out(holder.pin).unwrap();
    house.tool.wait_for(Wanted { application: Some(AGENT), contains: Some("6 of 6"), ..Wanted::default() }).unwrap();
    house.tool.strike(Key::Enter).unwrap();
    browser.wait_for_text("You are signed in").unwrap();
    let events = house.tool.events().unwrap();
    assert!(!events.is_empty());
    for event in events {
        let said = format!("{} {}", event.source, event.data.unwrap_or_default());
        assert!(!said.contains(holder.pin), "{said}");
    }

    // What came of it is read out, and Escape leaves.
    house.tool.wait_for(Wanted { contains: Some("Done"), ..heading }).unwrap();
    house.everything_has_a_name();
}

impl House {
    /// Goes from element to element until the one of that name has the focus.
    fn tab_to(&mut self, name: &str) {
        for _ in 0..30 {
            let wanted =
                Wanted { application: Some(WINDOW), name: Some(name), states: &["focused"], ..Wanted::default() };
            if !self.tool.look(wanted).unwrap().is_empty() {
                return;
            }
            self.tool.strike(Key::Tab).unwrap();
        }
        panic!("{name} is not reached by Tab:\n{}", self.tool.tree().unwrap());
    }

    /// Whatever can be operated says what it is.
    fn everything_has_a_name(&mut self) {
        for role in ["push button", "toggle button", "check box", "radio button", "link", "entry", "password text"] {
            let unnamed = self.tool.look(Wanted { role: Some(role), name: Some(""), ..Wanted::default() }).unwrap();
            assert!(unnamed.is_empty(), "{unnamed:#?}");
        }
    }
}
