//! Questions as windows. Everything here happens on the main thread.

mod clock;
mod field;
mod layout;
mod look;
mod mark;
mod pad;
mod palette;
mod question;
mod speech;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use latchkey_agent::NoSecret;
use latchkey_texts::Texts;

use crate::arguments::Arguments;
use crate::prompt::Asked;
use crate::texts::texts;
use question::QuestionWindow;

/// What all windows share.
pub(crate) struct Windows {
    arguments: Arguments,
    texts: Arc<Texts>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    /// Whether there is a screen; unknown until it is needed.
    has_screen: Option<bool>,
    open: Option<Rc<QuestionWindow>>,
}

thread_local! {
    static WINDOWS: RefCell<Option<Rc<Windows>>> = const { RefCell::new(None) };
}

impl Windows {
    /// Makes this thread the one that shows windows.
    pub(crate) fn prepare(arguments: Arguments) {
        let windows = Self { arguments, texts: Arc::new(texts(arguments.language)), state: RefCell::default() };
        WINDOWS.with_borrow_mut(|place| *place = Some(Rc::new(windows)));
    }

    /// Shows a question. Its answer goes where the question says.
    pub(crate) fn ask(asked: Asked) {
        let Some(windows) = WINDOWS.with_borrow(Clone::clone) else { return asked.answer(Err(NoSecret::NoPrompt)) };
        if !windows.has_screen() {
            return asked.answer(Err(NoSecret::NoPrompt));
        }
        let window = QuestionWindow::open(asked, &windows);
        let earlier = windows.state.borrow_mut().open.replace(window);
        // The agent asks one question at a time.
        if let Some(earlier) = earlier {
            earlier.end(Err(NoSecret::Cancelled));
        }
    }

    /// Closes the question of that number, if it is still open.
    pub(crate) fn withdraw(number: u64) {
        let open = WINDOWS.with_borrow(Clone::clone).and_then(|windows| windows.state.borrow().open.clone());
        if let Some(open) = open.filter(|open| open.number() == number) {
            open.end(Err(NoSecret::Cancelled));
        }
    }

    /// Forgets the question of that number.
    fn forget(number: u64) {
        WINDOWS.with_borrow(|windows| {
            if let Some(windows) = windows {
                windows.state.borrow_mut().open.take_if(|open| open.number() == number);
            }
        });
    }

    fn has_screen(&self) -> bool {
        let known = self.state.borrow().has_screen;
        known.unwrap_or_else(|| {
            let screen = gtk::init().ok().and_then(|()| gtk::gdk::Screen::default());
            if let Some(screen) = &screen {
                look::dress(screen, self.arguments.theme);
                gtk::Window::set_default_icon_name(ICON);
            } else {
                tracing::warn!("there is no screen to ask on");
            }
            self.state.borrow_mut().has_screen = Some(screen.is_some());
            screen.is_some()
        })
    }

    fn patience(&self) -> Duration {
        self.arguments.patience
    }
}

/// The program's icon, as it is installed.
const ICON: &str = "latchkey";
