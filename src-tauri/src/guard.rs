//! The guard on windows that show pages: no digit, letter or combination typed there reaches a page. A page that was
//! taken over cannot imitate the agent's window and have a PIN typed into itself.

use gtk::gdk;
use gtk::gdk::keys::Key;
use gtk::gdk::keys::constants as key;
use gtk::glib::Propagation;
use gtk::prelude::*;

/// Guards whatever is typed into this window or one of its parts. Key events pass the signal `event` before anything
/// else.
pub(crate) fn guard(widget: &impl IsA<gtk::Widget>) {
    widget.connect_event(|_, event| if may_pass(event) { Propagation::Proceed } else { Propagation::Stop });
}

fn may_pass(event: &gdk::Event) -> bool {
    match event.event_type() {
        gdk::EventType::KeyPress | gdk::EventType::KeyRelease => {
            let modifiers = event.state().unwrap_or_else(gdk::ModifierType::empty);
            event.keyval().is_some_and(|pressed| is_for_moving(Key::from(pressed), modifiers))
        }
        _ => true,
    }
}

/// Whether a key only moves the focus, scrolls, or presses what has the focus.
#[must_use]
pub fn is_for_moving(pressed: Key, modifiers: gdk::ModifierType) -> bool {
    let combining = gdk::ModifierType::CONTROL_MASK
        | gdk::ModifierType::MOD1_MASK
        | gdk::ModifierType::SUPER_MASK
        | gdk::ModifierType::META_MASK
        | gdk::ModifierType::HYPER_MASK;
    !modifiers.intersects(combining) && MOVING.contains(&pressed)
}

/// The keys of a keypad move only while they are no digits: GDK names them apart.
const MOVING: [Key; 24] = [
    key::Tab,
    key::ISO_Left_Tab,
    key::KP_Tab,
    key::Return,
    key::ISO_Enter,
    key::KP_Enter,
    key::space,
    key::KP_Space,
    key::Escape,
    key::Left,
    key::Right,
    key::Up,
    key::Down,
    key::KP_Left,
    key::KP_Right,
    key::KP_Up,
    key::KP_Down,
    key::Home,
    key::End,
    key::Page_Up,
    key::Page_Down,
    key::Shift_L,
    key::Shift_R,
    key::Caps_Lock,
];
