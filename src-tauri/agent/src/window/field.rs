//! A field for digits that never holds one: what is typed goes to locked memory on its way, and the field itself holds
//! as many dots. People and assistive tools deal with an ordinary password field.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gtk::prelude::*;
use gtk::{gdk, glib};
use latchkey_agent::DigitEntry;

use super::speech;

/// The field and the boxes that show how many digits it has.
pub(crate) struct DigitField {
    length: usize,
    digits: RefCell<DigitEntry>,
    entry: gtk::Entry,
    slots: gtk::Box,
    boxes: Vec<gtk::Label>,
    whole: gtk::Overlay,
    /// Whether the field is changing its dots itself.
    own_change: Cell<bool>,
    listener: RefCell<Option<Listener>>,
}

/// Whoever is told what happens in a field.
type Listener = Rc<dyn Fn(FieldEvent)>;

/// What happened in the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldEvent {
    /// It has so many digits now.
    Changed(usize),
    /// Something else than a digit came.
    NotDigits,
    /// Somebody tried to paste.
    Pasted,
    /// Enter was pressed.
    Entered,
}

impl DigitField {
    /// An empty field for so many digits.
    pub(crate) fn new(length: usize) -> Rc<Self> {
        let slots = gtk::Box::new(gtk::Orientation::Horizontal, SLOT_GAP);
        slots.style_context().add_class("slots");
        if length > FEW {
            slots.style_context().add_class("many");
        }
        let boxes: Vec<_> = (0..length)
            .map(|_| {
                let label = gtk::Label::new(None);
                label.style_context().add_class("slot");
                // What the boxes show, the field says.
                speech::role(&label, gtk::atk::Role::RedundantObject);
                slots.add(&label);
                label
            })
            .collect();
        let whole = gtk::Overlay::new();
        whole.set_halign(gtk::Align::Start);
        whole.add(&slots);
        let entry = gtk::Entry::new();
        whole.add_overlay(&entry);
        let field = Rc::new(Self {
            length,
            digits: RefCell::default(),
            entry,
            slots,
            boxes,
            whole,
            own_change: Cell::new(false),
            listener: RefCell::new(None),
        });
        field.harden();
        field.hook();
        field.show_count();
        field
    }

    /// What to put into a window.
    pub(crate) const fn widget(&self) -> &gtk::Overlay {
        &self.whole
    }

    /// What has the focus.
    pub(crate) const fn entry(&self) -> &gtk::Entry {
        &self.entry
    }

    /// Tells what happens from now on.
    pub(crate) fn on_event(&self, tell: impl Fn(FieldEvent) + 'static) {
        self.listener.replace(Some(Rc::new(tell)));
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.digits.borrow().count() == self.length
    }

    /// Takes the digits out and leaves the field empty.
    pub(crate) fn take(&self) -> DigitEntry {
        let digits = self.digits.take();
        self.set_dots(0);
        digits
    }

    /// Appends a digit, if it is one and there is room. Nothing that comes when the field is full counts.
    pub(crate) fn push(&self, character: char) {
        let Some(octet) = u8::try_from(character).ok().filter(u8::is_ascii_digit) else {
            return self.tell(FieldEvent::NotDigits);
        };
        let pushed = {
            let mut digits = self.digits.borrow_mut();
            digits.count() < self.length && digits.push(octet)
        };
        if pushed {
            self.changed();
        }
    }

    /// Takes the last digits back.
    pub(crate) fn erase(&self, count: usize) {
        let mut digits = self.digits.borrow_mut();
        (0..count).for_each(|_| digits.erase());
        drop(digits);
        self.changed();
    }

    /// Takes all digits back.
    pub(crate) fn erase_all(&self) {
        self.erase(self.length);
    }

    fn changed(&self) {
        let count = self.digits.borrow().count();
        self.set_dots(count);
        self.tell(FieldEvent::Changed(count));
    }

    /// Nothing that could keep, show or carry away what is typed.
    fn harden(&self) {
        let entry = &self.entry;
        entry.style_context().add_class("digits");
        entry.set_visibility(false);
        entry.set_has_frame(false);
        entry.set_input_purpose(gtk::InputPurpose::Pin);
        entry.set_input_hints(gtk::InputHints::NO_SPELLCHECK | gtk::InputHints::NO_EMOJI);
        // Digits need no input method, and none shall see them.
        entry.set_property("im-module", "gtk-im-context-simple");
        entry.set_property("caps-lock-warning", false);
        entry.drag_dest_unset();
    }

    fn hook(self: &Rc<Self>) {
        let field = Rc::downgrade(self);
        self.entry.connect_insert_text(move |entry, text, position| {
            let Some(field) = field.upgrade().filter(|field| !field.own_change.get()) else { return };
            entry.stop_signal_emission_by_name("insert-text");
            text.chars().for_each(|character| field.push(character));
            *position = i32::from(entry.text_length());
        });
        let field = Rc::downgrade(self);
        self.entry.connect_delete_text(move |entry, start, end| {
            let Some(field) = field.upgrade().filter(|field| !field.own_change.get()) else { return };
            entry.stop_signal_emission_by_name("delete-text");
            let end = if end < 0 { i32::from(entry.text_length()) } else { end };
            field.erase(usize::try_from(end.saturating_sub(start)).unwrap_or_default());
        });
        let field = Rc::downgrade(self);
        self.entry.connect_paste_clipboard(move |entry| {
            entry.stop_signal_emission_by_name("paste-clipboard");
            field.upgrade().inspect(|field| field.tell(FieldEvent::Pasted));
        });
        let field = Rc::downgrade(self);
        self.entry.connect_activate(move |_| {
            field.upgrade().inspect(|field| field.tell(FieldEvent::Entered));
        });
        self.hook_pointer();
        self.pin_cursor();
        let slots = self.slots.clone();
        self.entry.connect_has_focus_notify(move |entry| {
            let style = slots.style_context();
            if entry.has_focus() { style.add_class("with-focus") } else { style.remove_class("with-focus") }
        });
    }

    /// A click gives the focus and nothing else: no menu, no selection, no pasting with the middle button.
    fn hook_pointer(self: &Rc<Self>) {
        let field = Rc::downgrade(self);
        self.entry.connect_button_press_event(move |entry, event| {
            entry.grab_focus_without_selecting();
            if event.button() == gdk::BUTTON_MIDDLE {
                field.upgrade().inspect(|field| field.tell(FieldEvent::Pasted));
            }
            glib::Propagation::Stop
        });
        self.entry.connect_popup_menu(|_| true);
    }

    /// Digits come and go at the end only: a dot in the middle cannot be told from another.
    fn pin_cursor(&self) {
        let pin = |entry: &gtk::Entry| {
            let end = i32::from(entry.text_length());
            if entry.position() != end || entry.selection_bounds().is_some() {
                entry.set_position(END);
            }
        };
        self.entry.connect_cursor_position_notify(pin);
        self.entry.connect_selection_bound_notify(pin);
    }

    fn set_dots(&self, count: usize) {
        let now = usize::from(self.entry.text_length());
        self.own_change.set(true);
        if count < now {
            self.entry.delete_text(i32::try_from(count).unwrap_or_default(), END);
        }
        let mut position = END;
        (now..count).for_each(|_| self.entry.insert_text(DOT, &mut position));
        self.own_change.set(false);
        self.entry.set_position(END);
        self.show_count();
    }

    fn show_count(&self) {
        let count = self.digits.borrow().count();
        for (index, label) in self.boxes.iter().enumerate() {
            label.set_text(if index < count { DOT } else { "" });
            let style = label.style_context();
            for (class, holds) in [("filled", index < count), ("current", index == count)] {
                if holds { style.add_class(class) } else { style.remove_class(class) }
            }
        }
    }

    fn tell(&self, event: FieldEvent) {
        let listener = self.listener.borrow().clone();
        if let Some(listener) = listener {
            listener(event);
        }
    }
}

/// What the field holds for each digit.
const DOT: &str = "●";
/// GTK's number for the position after everything.
const END: i32 = -1;
/// Digits that go into one row of large boxes.
const FEW: usize = 8;
const SLOT_GAP: i32 = 6;
