//! Which keys reach a page.

use gtk::gdk::ModifierType;
use gtk::gdk::keys::Key;
use gtk::gdk::keys::constants as key;
use latchkey_desktop::guard::is_for_moving;

#[test]
fn no_digit_letter_or_mark_reaches_a_page() {
    let none = ModifierType::empty();
    for character in (' '..='\u{2FFF}').filter(|character| *character != ' ') {
        let pressed = Key::from_unicode(character);
        let is_moving = is_for_moving(pressed, none);
        // What Unicode has for these two is what the keys are.
        let is_known = matches!(pressed, key::Tab | key::Return | key::Escape);
        assert!(!is_moving || is_known, "{character:?} reaches the page as {pressed:?}");
    }
    let keypad =
        [key::KP_0, key::KP_1, key::KP_2, key::KP_3, key::KP_4, key::KP_5, key::KP_6, key::KP_7, key::KP_8, key::KP_9];
    for pressed in
        keypad.into_iter().chain([key::KP_Decimal, key::BackSpace, key::Delete, key::Multi_key, key::F5, key::F12])
    {
        assert!(!is_for_moving(pressed, none), "{pressed:?}");
    }
}

#[test]
fn whoever_uses_the_keyboard_alone_gets_everywhere() {
    let none = ModifierType::empty();
    for pressed in [
        key::Tab,
        key::ISO_Left_Tab,
        key::Return,
        key::KP_Enter,
        key::space,
        key::Escape,
        key::Left,
        key::Right,
        key::Up,
        key::Down,
        key::Home,
        key::End,
        key::Page_Up,
        key::Page_Down,
    ] {
        assert!(is_for_moving(pressed, none), "{pressed:?}");
        assert!(is_for_moving(pressed, ModifierType::SHIFT_MASK | ModifierType::LOCK_MASK), "{pressed:?}");
        for combined in [ModifierType::CONTROL_MASK, ModifierType::MOD1_MASK, ModifierType::SUPER_MASK] {
            assert!(!is_for_moving(pressed, combined), "{combined:?} with {pressed:?}");
        }
    }
}
