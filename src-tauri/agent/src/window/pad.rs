//! Digits to press on the screen, in the order of every telephone: found by place, without looking for them.
//!
//! What the pointer presses is taken before the button feels it, so that neither its look nor assistive tools' events
//! tell which digit it was. Whoever reaches the buttons by keyboard or by assistive tools has them told, as anything
//! that he moves to.

use std::rc::Rc;

use gtk::prelude::*;
use gtk::{gdk, glib};

use super::field::DigitField;
use super::speech;

/// A pad for that field.
pub(crate) fn pad(field: &Rc<DigitField>, name: &str, erase: &str) -> gtk::Grid {
    let grid = gtk::Grid::new();
    grid.set_row_spacing(GAP);
    grid.set_column_spacing(GAP);
    grid.set_halign(gtk::Align::Start);
    speech::name(&grid, name);
    speech::role(&grid, gtk::atk::Role::Panel);
    // The last one first: assistive tools are told the children of a grid in the opposite order.
    let key = key("⌫");
    speech::name(&key, erase);
    let erased = Rc::clone(field);
    key.connect_clicked(move |_| erased.erase(1));
    grid.attach(&key, 2, 3, 1, 1);
    grid.attach(&digit_key(field, '0'), 1, 3, 1, 1);
    let places = (0..3).flat_map(|row| (0..3).map(move |column| (column, row)));
    for (digit, (column, row)) in ('1'..='9').zip(places).collect::<Vec<_>>().into_iter().rev() {
        grid.attach(&digit_key(field, digit), column, row, 1, 1);
    }
    grid
}

fn digit_key(field: &Rc<DigitField>, digit: char) -> gtk::Button {
    let key = key(&digit.to_string());
    let pressed = Rc::clone(field);
    key.connect_button_press_event(move |_, event| {
        if event.button() == gdk::BUTTON_PRIMARY && event.event_type() == gdk::EventType::ButtonPress {
            pressed.push(digit);
        }
        glib::Propagation::Stop
    });
    let touched = Rc::clone(field);
    key.connect_touch_event(move |_, event| {
        if event.event_type() == gdk::EventType::TouchBegin {
            touched.push(digit);
        }
        glib::Propagation::Stop
    });
    // By keyboard or assistive tools.
    let clicked = Rc::clone(field);
    key.connect_clicked(move |_| clicked.push(digit));
    key
}

fn key(label: &str) -> gtk::Button {
    let key = gtk::Button::with_label(label);
    key.style_context().add_class("key");
    key.set_focus_on_click(false);
    key
}

const GAP: u32 = 8;
