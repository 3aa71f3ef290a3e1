//! A question that is open: what happens when keys are pressed, digits come and go, or nothing happens at all.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use gtk::prelude::*;
use gtk::{gdk, glib};
use latchkey_agent::{NoSecret, Pin, SecretKind};

use super::Windows;
use super::clock::{Clock, Waiting};
use super::field::FieldEvent;
use super::layout::{CommonTexts, Field, Parts};
use super::speech;
use crate::prompt::{Asked, Given};
use crate::words::Words;

/// The time of now, to GDK.
const NOW: u32 = gdk::ffi::GDK_CURRENT_TIME as u32;

/// A question's window.
pub(crate) struct QuestionWindow {
    asked: Asked,
    parts: Parts,
    windows: Rc<Windows>,
    clock: Rc<Clock>,
    /// A new PIN as it was entered first.
    first: RefCell<Option<Pin>>,
    ended: Cell<bool>,
}

impl QuestionWindow {
    /// Shows the question.
    pub(crate) fn open(asked: Asked, windows: &Rc<Windows>) -> Rc<Self> {
        let texts = &windows.texts;
        let words = Words::of(asked.kind, &asked.question, texts);
        let common = CommonTexts {
            program: texts.say("program-name"),
            next: texts.say("next"),
            more_time: texts.say("more-time"),
            pad: windows.arguments.pad.then(|| (texts.say("pad"), texts.say("pad-erase"))),
        };
        let parts = Parts::new(&words, asked.question.digits, &common);
        let window = Rc::new(Self {
            asked,
            parts,
            windows: Rc::clone(windows),
            clock: Clock::new(windows.patience()),
            first: RefCell::new(None),
            ended: Cell::new(false),
        });
        window.hook();
        window.begin_entry(words.field.as_deref());
        window.show();
        window.clock.start(Rc::new(Weak(Rc::downgrade(&window))));
        window
    }

    pub(crate) const fn number(&self) -> u64 {
        self.asked.number
    }

    /// Answers the question and closes its window. Only the first answer counts.
    pub(crate) fn end(&self, given: Result<Given, NoSecret>) {
        if self.ended.replace(true) {
            return;
        }
        self.clock.stop();
        if let Some(field) = &self.parts.field {
            field.digits.erase_all();
        }
        self.first.take();
        Windows::forget(self.number());
        self.parts.window.hide();
        self.parts.window.close();
        self.asked.answer(given);
    }

    fn show(&self) {
        let window = &self.parts.window;
        window.show_all();
        self.parts.fit();
        match &self.parts.field {
            Some(field) => field.digits.entry().grab_focus(),
            // Enter must not spend the last try by accident.
            None => self.parts.refuse.grab_focus(),
        }
        // Not at the time of the last key here, as `present` would ask: the holder was in other windows since, and the
        // system keeps the focus where it was given later.
        if let Some(window) = window.window() {
            window.focus(NOW);
        }
    }

    fn hook(self: &Rc<Self>) {
        let parts = &self.parts;
        let window = Rc::downgrade(self);
        parts.window.connect_delete_event(move |_, _| {
            window.upgrade().inspect(|window| window.end(Err(NoSecret::Cancelled)));
            glib::Propagation::Proceed
        });
        let window = Rc::downgrade(self);
        parts.window.connect_key_press_event(move |_, event| {
            window.upgrade().map_or(glib::Propagation::Proceed, |window| window.key(event))
        });
        let window = Rc::downgrade(self);
        parts.refuse.connect_clicked(move |_| {
            window.upgrade().inspect(|window| window.end(Err(NoSecret::Cancelled)));
        });
        let window = Rc::downgrade(self);
        parts.agree.connect_clicked(move |_| {
            window.upgrade().inspect(|window| window.agree());
        });
        let window = Rc::downgrade(self);
        parts.notice.more_time.connect_clicked(move |_| {
            window.upgrade().inspect(|window| {
                window.holder_acted();
                window.focus_field();
            });
        });
        if let Some(field) = &parts.field {
            let window = Rc::downgrade(self);
            field.digits.on_event(move |event| {
                window.upgrade().inspect(|window| window.field_event(event));
            });
        }
    }

    /// Escape closes; digits and what takes them back work wherever the focus is.
    fn key(&self, event: &gdk::EventKey) -> glib::Propagation {
        use gdk::keys::constants as key;
        self.holder_acted();
        let pressed = event.keyval();
        if pressed == key::Escape {
            self.end(Err(NoSecret::Cancelled));
            return glib::Propagation::Stop;
        }
        let Some(field) = &self.parts.field else { return glib::Propagation::Proceed };
        let combined = event.state().intersects(gdk::ModifierType::CONTROL_MASK | gdk::ModifierType::MOD1_MASK);
        let in_field = field.digits.entry().has_focus();
        let erases = [key::BackSpace, key::Delete, key::KP_Delete].contains(&pressed);
        if erases && combined {
            field.digits.erase_all();
        } else if erases {
            field.digits.erase(1);
        } else if !in_field
            && !combined
            && let Some(digit) = pressed.to_unicode().filter(char::is_ascii_digit)
        {
            field.digits.push(digit);
        } else {
            return glib::Propagation::Proceed;
        }
        glib::Propagation::Stop
    }

    fn field_event(&self, event: FieldEvent) {
        if self.ended.get() {
            return;
        }
        self.holder_acted();
        match event {
            FieldEvent::Changed(count) => self.show_count(count),
            FieldEvent::NotDigits => self.notice("digits-only"),
            FieldEvent::Pasted => self.notice("paste-refused"),
            FieldEvent::Entered => self.agree(),
        }
    }

    /// The person goes on.
    fn agree(&self) {
        self.holder_acted();
        let Some(field) = &self.parts.field else { return self.end(Ok(Given::Yes)) };
        if !field.digits.is_complete() {
            return;
        }
        let digits = field.digits.take();
        if self.asked.kind != SecretKind::NewPin {
            return self.end(Ok(Given::Digits(digits)));
        }
        let Ok(pin) = digits.finish::<Pin>(self.asked.question.digits) else {
            return self.end(Err(NoSecret::Malformed));
        };
        let first = self.first.take();
        match first {
            None => {
                self.first.replace(Some(pin));
                self.begin_entry(Some(&self.windows.texts.say("field-new-pin-again")));
            }
            Some(first) if first.is_same_as(&pin) => self.end(Ok(Given::NewPin(pin))),
            Some(_) => {
                self.begin_entry(Some(&self.windows.texts.say("field-new-pin")));
                self.notice("different");
            }
        }
    }

    /// An empty field under that name.
    fn begin_entry(&self, name: Option<&str>) {
        let (Some(field), Some(name)) = (&self.parts.field, name) else { return };
        let texts = &self.windows.texts;
        field.label.set_text(name);
        let spoken =
            texts.fill("field-of-digits", &[("label", name.into()), ("count", number(self.asked.question.digits))]);
        speech::name(field.digits.entry(), &spoken);
        let goes_on = self.asked.kind == SecretKind::NewPin && self.first.borrow().is_none();
        if self.asked.kind == SecretKind::NewPin {
            let key = if goes_on { "continue" } else { Words::deed(self.asked.question.purpose) };
            self.parts.agree.set_label(&texts.say(key));
        }
        self.show_count(0);
        if self.parts.window.is_visible() {
            speech::announce(field.digits.entry(), &spoken);
            self.focus_field();
        }
    }

    fn show_count(&self, count: usize) {
        let Some(Field { digits, count: label, .. }) = &self.parts.field else { return };
        let texts = &self.windows.texts;
        let fillings = [("entered", number(count)), ("count", number(self.asked.question.digits))];
        label.set_text(&texts.fill("entered", &fillings));
        let spoken = if count == 0 { texts.say("entered-none") } else { texts.fill("entered-spoken", &fillings) };
        speech::name(label, &spoken);
        speech::describe(digits.entry(), &spoken);
        let complete = digits.is_complete();
        self.parts.agree.set_sensitive(complete);
        if count > 0 {
            speech::announce(digits.entry(), &spoken);
            self.hide_notice();
        }
        if complete {
            speech::announce(digits.entry(), &texts.say("entered-all"));
        }
    }

    fn focus_field(&self) {
        if let Some(field) = &self.parts.field {
            field.digits.entry().grab_focus();
        }
    }

    fn notice(&self, key: &str) {
        self.parts.notice.more_time.hide();
        self.show_notice(&self.windows.texts.say(key));
    }

    fn show_notice(&self, text: &str) {
        let notice = &self.parts.notice;
        notice.text.set_text(text);
        speech::name(&notice.whole, text);
        notice.whole.show();
        self.parts.fit();
        speech::announce(&notice.whole, text);
    }

    fn hide_notice(&self) {
        if self.parts.notice.whole.is_visible() {
            self.parts.notice.whole.hide();
            self.parts.fit();
        }
    }

    fn holder_acted(&self) {
        self.clock.holder_acted();
        self.asked.asking.holder_acted();
    }
}

/// The clock's view of a window that may be gone.
struct Weak(std::rc::Weak<QuestionWindow>);

impl Waiting for Weak {
    fn warn(&self, left: Duration) {
        let Some(window) = self.0.upgrade() else { return };
        let seconds = u32::try_from(left.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
        window.parts.notice.more_time.show();
        window.show_notice(&window.windows.texts.fill("closing", &[("seconds", seconds.into())]));
        gdk::Display::default().inspect(gdk::Display::beep);
    }

    fn reassure(&self) {
        self.0.upgrade().inspect(|window| window.hide_notice());
    }

    fn give_up(&self) {
        self.0.upgrade().inspect(|window| window.end(Err(NoSecret::Silent)));
    }
}

fn number(count: usize) -> latchkey_texts::Filling {
    u32::try_from(count).unwrap_or(u32::MAX).into()
}
