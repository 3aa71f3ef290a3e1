//! Reports are printed by one thread and questions asked by another, the agent's: a question waits for its turn.

use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use latchkey_agent::{Asking, NoSecret, Question, Report, SecretPrompt, Step};
use latchkey_card::password::{Can, Pin, Pin2, Puk};

/// How long a question waits for the reports before it. Longer than printing takes; if nobody handles reports, the
/// question is asked all the same.
const PATIENCE: Duration = Duration::from_secs(2);

/// Says that everything reported before a question was printed. To be told every report, after it was handled.
pub(super) struct Handled(Sender<()>);

/// Asks only when the report that announces the question, and so every one before it, was handled.
pub(super) struct InTurn<P> {
    prompt: P,
    announced: Receiver<()>,
}

/// That prompt, asking in turn with the reports that are told to the other part.
pub(super) fn in_turn<P: SecretPrompt>(prompt: P) -> (InTurn<P>, Handled) {
    let (sender, announced) = mpsc::channel();
    (InTurn { prompt, announced }, Handled(sender))
}

impl Handled {
    pub(super) fn report(&self, report: &Report) {
        if matches!(report, Report::Progress(Step::WaitingFor(_))) && self.0.send(()).is_err() {
            tracing::debug!("nobody asks any more");
        }
    }
}

impl<P> InTurn<P> {
    fn prompt(&mut self) -> &mut P {
        if let Err(error) = self.announced.recv_timeout(PATIENCE) {
            tracing::debug!(%error, "a question was not announced");
        }
        &mut self.prompt
    }
}

impl<P: SecretPrompt> SecretPrompt for InTurn<P> {
    fn pin(&mut self, question: &Question, asking: &Asking) -> Result<Pin, NoSecret> {
        self.prompt().pin(question, asking)
    }

    fn pin2(&mut self, question: &Question, asking: &Asking) -> Result<Pin2, NoSecret> {
        self.prompt().pin2(question, asking)
    }

    fn new_pin(&mut self, question: &Question, asking: &Asking) -> Result<Pin, NoSecret> {
        self.prompt().new_pin(question, asking)
    }

    fn can(&mut self, question: &Question, asking: &Asking) -> Result<Can, NoSecret> {
        self.prompt().can(question, asking)
    }

    fn puk(&mut self, question: &Question, asking: &Asking) -> Result<Puk, NoSecret> {
        self.prompt().puk(question, asking)
    }

    fn confirm_last_try(&mut self, question: &Question, asking: &Asking) -> Result<(), NoSecret> {
        self.prompt().confirm_last_try(question, asking)
    }

    fn consent(&mut self, question: &Question, asking: &Asking) -> Result<(), NoSecret> {
        self.prompt().consent(question, asking)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]
mod tests {
    use std::thread;

    use latchkey_agent::{Asker, Cancellation, PinStatus, Purpose, ReaderName, SecretKind};

    use super::*;

    /// Tells when it is asked, and knows nothing.
    struct Asked(Sender<&'static str>);

    impl Asked {
        fn note<T>(&self) -> Result<T, NoSecret> {
            self.0.send("asked").unwrap();
            Err(NoSecret::NoPrompt)
        }
    }

    impl SecretPrompt for Asked {
        fn pin(&mut self, _: &Question, _: &Asking) -> Result<Pin, NoSecret> {
            self.note()
        }

        fn pin2(&mut self, _: &Question, _: &Asking) -> Result<Pin2, NoSecret> {
            self.note()
        }

        fn new_pin(&mut self, _: &Question, _: &Asking) -> Result<Pin, NoSecret> {
            self.note()
        }

        fn can(&mut self, _: &Question, _: &Asking) -> Result<Can, NoSecret> {
            self.note()
        }

        fn puk(&mut self, _: &Question, _: &Asking) -> Result<Puk, NoSecret> {
            self.note()
        }

        fn confirm_last_try(&mut self, _: &Question, _: &Asking) -> Result<(), NoSecret> {
            self.note()
        }

        fn consent(&mut self, _: &Question, _: &Asking) -> Result<(), NoSecret> {
            self.note()
        }
    }

    fn question() -> Question {
        Question {
            documents: Vec::new(),
            two_pins: false,
            disclosure: None,
            asker: Asker::Holder,
            purpose: Purpose::ChangePin,
            digits: 6,
            reader: ReaderName::parse("Reader").unwrap(),
            pin: PinStatus::Usable { tries_left: 3 },
        }
    }

    fn ask_each(prompt: &mut InTurn<Asked>) {
        let (question, asking) = (question(), Asking::new(Cancellation::default(), || ()));
        prompt.confirm_last_try(&question, &asking).unwrap_err();
        prompt.can(&question, &asking).unwrap_err();
        prompt.pin(&question, &asking).unwrap_err();
        prompt.pin2(&question, &asking).unwrap_err();
        prompt.new_pin(&question, &asking).unwrap_err();
        prompt.puk(&question, &asking).unwrap_err();
    }

    #[test]
    fn every_question_comes_after_the_report_that_announces_it() {
        let (log, happened) = mpsc::channel();
        let (mut prompt, handled) = in_turn(Asked(log.clone()));
        let asking = thread::spawn(move || ask_each(&mut prompt));
        let kinds = [
            SecretKind::LastTryConfirmation,
            SecretKind::Can,
            SecretKind::Pin,
            SecretKind::Pin2,
            SecretKind::NewPin,
            SecretKind::Puk,
        ];
        for kind in kinds {
            handled.report(&Report::Progress(Step::PinStatusKnown(PinStatus::Suspended)));
            log.send("printed").unwrap();
            handled.report(&Report::Progress(Step::WaitingFor(kind)));
            assert_eq!((happened.recv().unwrap(), happened.recv().unwrap()), ("printed", "asked"), "{kind:?}");
        }
        asking.join().unwrap();
        assert!(happened.try_recv().is_err(), "asked more than once");
    }

    #[test]
    fn if_nobody_handles_reports_the_questions_are_asked_all_the_same() {
        let (log, happened) = mpsc::channel();
        let (mut prompt, handled) = in_turn(Asked(log));
        drop(handled);
        ask_each(&mut prompt);
        assert_eq!(happened.try_iter().count(), 6);
    }
}
