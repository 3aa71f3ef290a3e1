//! What a person sees while a command works: steps on standard error, questions at the terminal.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use latchkey_agent::terminal::{PromptWording, Terminal, TerminalError};
use latchkey_agent::{Asker, Cancellation, Failure, PinStatus, Purpose, Question, Report, SecretKind, Step};

use crate::disclosure::DisclosureWords;
use crate::texts::{Texts, quotable};
use crate::wording::card_model;

/// Standard error and the terminal, in one language.
pub(super) struct Console {
    pub(super) texts: Arc<Texts>,
    /// Tripped when the person interrupts the program.
    pub(super) interruption: Cancellation,
    /// Whether a person reads standard error as it is written.
    pub(super) is_read: bool,
}

impl Console {
    pub(super) fn new(texts: Arc<Texts>, interruption: Cancellation) -> Self {
        Self { texts, interruption, is_read: std::io::stderr().is_terminal() }
    }

    /// Writes a line on standard error.
    pub(super) fn line(&self, text: &str) {
        // There is nowhere to complain about standard error.
        writeln!(std::io::stderr(), "{text}").ok();
    }

    /// Writes that a step was reached.
    pub(super) fn step(&self, text: &str) {
        if self.is_read {
            self.line(&format!("• {text}"));
        } else {
            self.line(text);
        }
    }

    /// Writes what the agent reports. What it waits for is asked by its prompt.
    pub(super) fn report(&self, report: &Report) {
        let texts = &self.texts;
        let Report::Progress(step) = report else { return };
        let text = match step {
            Step::WaitingForReader => return self.line(&texts.say("wait-reader")),
            Step::WaitingForCard => return self.line(&texts.say("wait-card")),
            Step::ReaderChosen(reader) => texts.fill("step-reader", &[("reader", reader.to_string().into())]),
            Step::CardRecognised(model) => texts.fill("step-card", &[("model", card_model(texts, *model).into())]),
            Step::PinStatusKnown(pin) => texts.fill("step-pin", &[("status", pin_status(texts, *pin).into())]),
            Step::ReadingDocuments => texts.say("step-reading-documents"),
            Step::ChannelOpen => texts.say("step-channel"),
            Step::Examining => texts.say("step-examining"),
            Step::CertificateRead => texts.say("step-certificate"),
            Step::Signing => texts.say("step-signing"),
            Step::Done => texts.say("step-card-done"),
            _ => return,
        };
        self.step(&text);
    }

    /// Asks for a yes. `agreed` is what the person said in advance: the question is then shown and not asked.
    pub(super) fn agree(&self, question: &str, agreed: bool) -> Result<(), Failure> {
        if agreed {
            self.line(&format!("{question}\n{}", self.texts.say("agreed-before")));
            return Ok(());
        }
        let text = format!("{question}\n{}", self.texts.say("ask-yes-no"));
        let answer = Terminal::open().and_then(|mut terminal| terminal.ask_line(&text, &self.interruption));
        match answer {
            Ok(answer) if is_yes(&self.texts, &answer) => Ok(()),
            Ok(_) | Err(TerminalError::Cancelled) => Err(Failure::Cancelled),
            Err(TerminalError::Gone(_)) => Err(Failure::NoPrompt),
        }
    }
}

/// The wording of questions for secrets.
pub(super) struct Wording(pub(super) Arc<Texts>);

impl PromptWording for Wording {
    fn introduction(&self, question: &Question) -> String {
        let purpose = self.0.say(purpose_key(question.purpose));
        let mut text = match &question.asker {
            Asker::Portal(origin) => {
                self.0.fill("asker-portal", &[("origin", origin.as_str().into()), ("purpose", purpose.into())])
            }
            Asker::Holder => self.0.fill("asker-holder", &[("purpose", purpose.into())]),
        };
        if let Ok(count @ 1..) = u32::try_from(question.documents.len()) {
            text.push('\n');
            text.push_str(&self.0.fill("ask-documents", &[("count", count.into())]));
            for document in &question.documents {
                text.push_str(&format!("\n  – {}, {}", quotable(&document.name), self.0.size(document.size)));
            }
        }
        if let Some(disclosure) = &question.disclosure {
            let words = DisclosureWords::of_question(disclosure, &self.0);
            text.push_str(&lines_of(&words, &self.0));
        }
        text.push('\n');
        text
    }

    fn label(&self, kind: SecretKind, question: &Question) -> String {
        match kind {
            SecretKind::Pin => {
                let key = if question.two_pins { "ask-pin1" } else { "ask-pin" };
                self.0.fill(key, &[("tries", question.pin.tries_left().into())])
            }
            SecretKind::Pin2 => self.0.say("ask-pin2"),
            SecretKind::NewPin => self.0.say("ask-new-pin"),
            SecretKind::Can => self.0.say("ask-can"),
            SecretKind::Puk => self.0.say("ask-puk"),
            SecretKind::LastTryConfirmation => format!("{}\n{}", self.0.say("ask-last-try"), self.0.say("ask-yes-no")),
            SecretKind::Consent => {
                let is_signature = question.purpose == Purpose::SignForTerminal;
                let key = if is_signature { "ask-consent-signature" } else { "ask-consent-terminal" };
                format!("{}\n{}", self.0.say(key), self.0.say("ask-yes-no"))
            }
        }
    }

    fn new_pin_again(&self) -> String {
        self.0.say("ask-new-pin-again")
    }

    fn wrong_length(&self, digits: usize) -> String {
        let count = u32::try_from(digits).unwrap_or(u32::MAX);
        self.0.fill("ask-again-digits", &[("count", count.into())])
    }

    fn entries_differ(&self) -> String {
        format!("{}\n", self.0.say("ask-again-different"))
    }

    fn is_yes(&self, answer: &str) -> bool {
        is_yes(&self.0, answer)
    }
}

/// Who asks, what may be read and done, and which terminal it is: lines that begin with a line break.
pub(super) fn lines_of(words: &DisclosureWords, texts: &Texts) -> String {
    let mut text = String::new();
    for line in &words.asker {
        text.push_str(&format!("\n{line}"));
    }
    text.push_str(&format!("\n{}", texts.say("ask-data-lines")));
    for line in &words.required {
        text.push_str(&format!("\n  – {line}"));
    }
    for line in &words.terminal {
        text.push_str(&format!("\n{line}"));
    }
    if !words.optional.is_empty() {
        text.push_str(&format!("\n{}", texts.say("ask-data-optional")));
    }
    for (number, (line, _)) in (1_u32..).zip(&words.optional) {
        text.push_str(&format!("\n  {number}  {line}"));
    }
    text
}

pub(super) fn pin_status(texts: &Texts, status: PinStatus) -> String {
    match status {
        PinStatus::Usable { tries_left } => texts.fill("pin-usable", &[("tries", tries_left.into())]),
        PinStatus::Suspended => texts.say("pin-suspended"),
        PinStatus::Blocked => texts.say("pin-blocked"),
        PinStatus::Deactivated => texts.say("pin-deactivated"),
    }
}

const fn purpose_key(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::SignIn => "purpose-sign-in",
        Purpose::SignDocuments => "purpose-sign-documents",
        Purpose::ReadCertificates => "purpose-read-certificates",
        Purpose::ChangePin => "purpose-change-pin",
        Purpose::UnblockPin => "purpose-unblock-pin",
        Purpose::ActivatePin => "purpose-activate-pin",
        Purpose::Probe => "purpose-probe",
        Purpose::DeactivatePin => "purpose-deactivate-pin",
        Purpose::HandOverData => "purpose-hand-over-data",
        Purpose::SignForTerminal => "purpose-sign-for-terminal",
        Purpose::RenewKey => "purpose-renew-key",
    }
}

pub(super) fn is_yes(texts: &Texts, answer: &str) -> bool {
    is_among(&texts.say("yes-words"), answer)
}

pub(super) fn is_no(texts: &Texts, answer: &str) -> bool {
    is_among(&texts.say("no-words"), answer)
}

fn is_among(words: &str, answer: &str) -> bool {
    let answer = answer.to_lowercase();
    words.split_whitespace().any(|word| word == answer)
}
