//! How long a question waits for its holder: not for ever, and not without a warning. One timer at a time, and none
//! while nothing is asked.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use gtk::glib;

/// What a question does when its holder is silent.
pub(crate) trait Waiting {
    /// The question will close in that time.
    fn warn(&self, left: Duration);

    /// The holder is back.
    fn reassure(&self);

    /// The question closes.
    fn give_up(&self);
}

/// Watches for the holder's actions.
pub(crate) struct Clock {
    patience: Duration,
    acted: Cell<Instant>,
    warned: Cell<bool>,
    timer: RefCell<Option<glib::SourceId>>,
    waiting: RefCell<Option<Rc<dyn Waiting>>>,
}

/// What is due, and when to look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Nothing(Duration),
    Warning(Duration),
    End,
}

impl Clock {
    /// A clock that does not run yet.
    pub(crate) fn new(patience: Duration) -> Rc<Self> {
        Rc::new(Self {
            patience,
            acted: Cell::new(Instant::now()),
            warned: Cell::new(false),
            timer: RefCell::new(None),
            waiting: RefCell::new(None),
        })
    }

    /// Lets it run for that question.
    pub(crate) fn start(self: &Rc<Self>, waiting: Rc<dyn Waiting>) {
        self.acted.set(Instant::now());
        self.waiting.replace(Some(waiting));
        self.look();
    }

    /// The holder did something.
    pub(crate) fn holder_acted(&self) {
        self.acted.set(Instant::now());
        if self.warned.replace(false)
            && let Some(waiting) = self.waiting()
        {
            waiting.reassure();
        }
    }

    /// The question is answered.
    pub(crate) fn stop(&self) {
        self.waiting.replace(None);
        if let Some(timer) = self.timer.take() {
            timer.remove();
        }
    }

    fn look(self: &Rc<Self>) {
        let Some(waiting) = self.waiting() else { return };
        let again = match due(self.acted.get().elapsed(), self.patience) {
            Due::Nothing(again) => again,
            Due::Warning(left) => {
                if !self.warned.replace(true) {
                    waiting.warn(left);
                }
                left
            }
            Due::End => return waiting.give_up(),
        };
        let clock = Rc::downgrade(self);
        let timer = glib::timeout_add_local_once(again, move || {
            if let Some(clock) = clock.upgrade() {
                clock.timer.take();
                clock.look();
            }
        });
        self.timer.replace(Some(timer));
    }

    fn waiting(&self) -> Option<Rc<dyn Waiting>> {
        self.waiting.borrow().clone()
    }
}

fn due(idle: Duration, patience: Duration) -> Due {
    let warning = patience.saturating_sub(WARNED_BEFORE.min(patience / 2));
    if idle >= patience {
        Due::End
    } else if idle >= warning {
        Due::Warning(patience.saturating_sub(idle))
    } else {
        Due::Nothing(warning.saturating_sub(idle))
    }
}

/// How long before its end a question warns; at most half of its time.
const WARNED_BEFORE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_warned_of_and_put_off_by_every_action() {
        let seconds = Duration::from_secs;
        let rows = [
            (0, 120, Due::Nothing(seconds(90))),
            (60, 120, Due::Nothing(seconds(30))),
            (90, 120, Due::Warning(seconds(30))),
            (119, 120, Due::Warning(seconds(1))),
            (120, 120, Due::End),
            (500, 120, Due::End),
            (0, 4, Due::Nothing(seconds(2))),
            (2, 4, Due::Warning(seconds(2))),
        ];
        for (idle, patience, expected) in rows {
            assert_eq!(due(seconds(idle), seconds(patience)), expected, "{idle} of {patience}");
        }
    }
}
