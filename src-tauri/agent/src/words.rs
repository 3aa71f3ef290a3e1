//! A question in words: everything that its window says, decided before there is a window.

use latchkey_agent::{
    Asker, DisclosureLine, PinStatus, Purpose, Question, SecretKind, ShownDocument, asker_lines, terminal_lines,
};
use latchkey_texts::{Texts, printable, quotable};

/// What a question's window says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    /// The largest line: what this is about.
    pub(crate) heading: String,
    /// Which of several questions this is.
    pub(crate) step: Option<String>,
    pub(crate) whom: Whom,
    /// What is going to be signed.
    pub(crate) documents: Option<Documents>,
    /// What the situation means, if it is out of the ordinary.
    pub(crate) meaning: Option<String>,
    /// What happens next, if that has more than one step.
    pub(crate) next: Vec<String>,
    /// A last word to whoever hesitates.
    pub(crate) hesitation: Option<String>,
    pub(crate) tries: Option<Tries>,
    pub(crate) reader: String,
    /// What to enter; nothing where a yes is wanted.
    pub(crate) field: Option<String>,
    pub(crate) agree: String,
    pub(crate) refuse: String,
}

/// For whom the secret is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whom {
    /// A site.
    Portal { introduction: String, origin: String, receives: String, handed_over: Vec<String> },
    /// The holder himself.
    Holder { introduction: String, reassurance: String },
}

/// What is going to be signed, one signature each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Documents {
    pub(crate) title: String,
    /// Name and size of each.
    pub(crate) lines: Vec<String>,
}

/// How many tries are left, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tries {
    pub(crate) text: String,
    pub(crate) gravity: Gravity,
}

/// How much depends on the next entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gravity {
    Usual,
    Warning,
    Last,
}

impl Words {
    pub(crate) fn of(kind: SecretKind, question: &Question, texts: &Texts) -> Self {
        Self {
            heading: heading(kind, question, texts),
            step: step(kind, question)
                .map(|(number, count)| texts.fill("step", &[("number", number.into()), ("count", count.into())])),
            whom: Whom::of(question, texts),
            documents: Documents::of(question, texts).or_else(|| Documents::of_disclosure(question, texts)),
            meaning: meaning(kind, question).map(|key| texts.say(key)),
            next: match kind {
                SecretKind::LastTryConfirmation => vec![texts.say("next-can"), texts.say("next-pin")],
                _ => Vec::new(),
            },
            hesitation: (kind == SecretKind::LastTryConfirmation).then(|| texts.say("last-try-unsure")),
            tries: Tries::of(kind, question, texts),
            reader: texts.fill("reader", &[("reader", question.reader.to_string().into())]),
            field: field(kind, question).map(|key| texts.say(key)),
            agree: texts.say(agree(kind, question)),
            refuse: texts.say(if kind == SecretKind::LastTryConfirmation { "not-now" } else { "cancel" }),
        }
    }
}

impl Words {
    /// The key of the deed's name, as a button says it.
    pub(crate) const fn deed(purpose: Purpose) -> &'static str {
        match purpose {
            Purpose::SignIn => "do-sign-in",
            Purpose::SignDocuments => "do-sign-documents",
            Purpose::ReadCertificates => "do-read-certificates",
            Purpose::ChangePin => "do-change-pin",
            Purpose::UnblockPin => "do-unblock-pin",
            Purpose::ActivatePin => "do-activate-pin",
            Purpose::DeactivatePin => "do-deactivate-pin",
            Purpose::Probe => "do-probe",
            Purpose::HandOverData => "do-hand-over-data",
            Purpose::SignForTerminal => "do-sign-for-terminal",
            Purpose::RenewKey => "do-renew-key",
        }
    }

    /// What assistive tools say of the window as a whole: what it is about, for whom, and what is at stake.
    pub(crate) fn spoken(&self) -> String {
        let whom = match &self.whom {
            Whom::Portal { introduction, origin, .. } => format!("{introduction} {origin}"),
            Whom::Holder { introduction, reassurance } => format!("{introduction}. {reassurance}"),
        };
        let tries = self.tries.as_ref().map(|tries| tries.text.as_str());
        let documents = self.documents.as_ref().map(|documents| documents.title.as_str());
        let parts = [Some(self.heading.as_str()), Some(&whom), documents, self.meaning.as_deref(), tries];
        parts.into_iter().flatten().collect::<Vec<_>>().join(". ")
    }
}

impl Whom {
    fn of(question: &Question, texts: &Texts) -> Self {
        let signs = question.purpose == Purpose::SignDocuments;
        match &question.asker {
            Asker::Portal(origin) if question.disclosure.is_some() => Self::Portal {
                introduction: texts.say(if question.purpose == Purpose::RenewKey {
                    "asks-portal-renewal"
                } else {
                    "asks-portal-data"
                }),
                origin: origin.as_str().to_owned(),
                receives: texts.say("handed-over-to-terminal"),
                handed_over: question
                    .disclosure
                    .iter()
                    .flat_map(|disclosure| disclosure.keys())
                    .map(|key| texts.say(key))
                    .collect(),
            },
            Asker::Portal(origin) => Self::Portal {
                introduction: texts.say(if signs { "asks-portal-documents" } else { "asks-portal" }),
                origin: origin.as_str().to_owned(),
                receives: texts.say("handed-over"),
                handed_over: vec![
                    texts.say("handed-over-certificate"),
                    texts.say(if signs { "handed-over-signatures" } else { "handed-over-signature" }),
                ],
            },
            Asker::Holder => Self::Holder {
                introduction: texts.say("asks-holder"),
                reassurance: texts.say(if signs { "signature-binds" } else { "nothing-leaves" }),
            },
        }
    }
}

impl Documents {
    fn of(question: &Question, texts: &Texts) -> Option<Self> {
        let count = u32::try_from(question.documents.len()).ok().filter(|count| *count > 0)?;
        let line = |document: &ShownDocument| format!("{}, {}", printable(&document.name), texts.size(document.size));
        Some(Self {
            title: texts.fill("sign-documents", &[("count", count.into())]),
            lines: question.documents.iter().map(line).collect(),
        })
    }
}

impl Documents {
    /// Who asks and which terminal it is, in the place of what is signed.
    fn of_disclosure(question: &Question, texts: &Texts) -> Option<Self> {
        let disclosure = question.disclosure.as_ref()?;
        let lines = asker_lines(disclosure.request.as_ref()).into_iter();
        let lines =
            lines.chain(terminal_lines(disclosure.terminal.as_ref())).map(|DisclosureLine { key, fillings }| {
                let fillings: Vec<_> = fillings.iter().map(|(name, text)| (*name, quotable(text).into())).collect();
                texts.fill(key, &fillings)
            });
        Some(Self { title: texts.say("who-asks"), lines: lines.collect() })
    }
}

impl Tries {
    fn of(kind: SecretKind, question: &Question, texts: &Texts) -> Option<Self> {
        let usual = |key: &str| Self { text: texts.say(key), gravity: Gravity::Usual };
        match (kind, question.pin) {
            (SecretKind::LastTryConfirmation | SecretKind::NewPin | SecretKind::Consent, _) => None,
            (SecretKind::Pin2, _) => Some(usual("tries-of-pin2")),
            (SecretKind::Can, _) => Some(usual("tries-of-can")),
            (SecretKind::Puk, PinStatus::Blocked) => {
                Some(Self { text: texts.say("tries-of-puk"), gravity: Gravity::Warning })
            }
            (SecretKind::Puk, _) => None,
            (SecretKind::Pin, status) if status.is_last_try() => {
                Some(Self { text: texts.say("tries-last"), gravity: Gravity::Last })
            }
            (SecretKind::Pin, status) => {
                let tries = status.tries_left();
                let (key, gravity) =
                    if tries < ALL_TRIES { ("tries-after-wrong", Gravity::Warning) } else { ("tries", Gravity::Usual) };
                Some(Self { text: texts.fill(key, &[("tries", tries.into())]), gravity })
            }
        }
    }
}

fn heading(kind: SecretKind, question: &Question, texts: &Texts) -> String {
    texts.say(match (kind, question.pin) {
        (SecretKind::LastTryConfirmation, PinStatus::Suspended) => "suspended-title",
        (SecretKind::LastTryConfirmation, _) => "last-try-title",
        _ => match question.purpose {
            Purpose::SignIn => "heading-sign-in",
            Purpose::SignDocuments => "heading-sign-documents",
            Purpose::ReadCertificates => "heading-read-certificates",
            Purpose::ChangePin => "heading-change-pin",
            Purpose::UnblockPin => "heading-unblock-pin",
            Purpose::ActivatePin => "heading-activate-pin",
            Purpose::DeactivatePin => "heading-deactivate-pin",
            Purpose::Probe => "heading-probe",
            Purpose::HandOverData => "heading-hand-over-data",
            Purpose::SignForTerminal => "heading-sign-for-terminal",
            Purpose::RenewKey => "heading-renew-key",
        },
    })
}

/// Which of how many questions this is, where it is known that there are more.
fn step(kind: SecretKind, question: &Question) -> Option<(u8, u8)> {
    let last_try = question.pin.is_last_try();
    let changes = question.purpose == Purpose::ChangePin;
    let before = u8::from(last_try);
    let count = 1_u8.saturating_add(before).saturating_add(u8::from(changes));
    let number = match kind {
        SecretKind::Can if last_try => 1,
        SecretKind::Pin => before.saturating_add(1),
        SecretKind::NewPin if changes => count,
        _ => return None,
    };
    (count > 1).then_some((number, count))
}

fn meaning(kind: SecretKind, question: &Question) -> Option<&'static str> {
    Some(match (kind, question.purpose, question.pin) {
        (SecretKind::LastTryConfirmation, _, PinStatus::Suspended) => "suspended-meaning",
        (SecretKind::LastTryConfirmation, ..) => "last-try-meaning",
        (SecretKind::Can, ..) => "about-can",
        (SecretKind::NewPin, ..) => "about-new-pin",
        (SecretKind::Pin2, Purpose::SignForTerminal, _) => "sign-for-terminal-pin2-meaning",
        (SecretKind::Pin2, ..) => "about-pin2",
        (SecretKind::Puk, Purpose::UnblockPin, PinStatus::Blocked) => "blocked-meaning",
        (SecretKind::Puk, Purpose::UnblockPin, _) => "unblock-meaning",
        (SecretKind::Puk, Purpose::ActivatePin, PinStatus::Deactivated) => "deactivated-meaning",
        (SecretKind::Puk, Purpose::ActivatePin, _) => "activate-meaning",
        (_, Purpose::DeactivatePin, _) => "deactivate-meaning",
        (_, Purpose::SignForTerminal, _) => "sign-for-terminal-meaning",
        (_, Purpose::RenewKey, _) => "renew-key-meaning",
        _ => return None,
    })
}

fn field(kind: SecretKind, question: &Question) -> Option<&'static str> {
    Some(match kind {
        SecretKind::Pin if question.purpose == Purpose::ChangePin => "field-present-pin",
        SecretKind::Pin if question.two_pins => "field-pin1",
        SecretKind::Pin2 => "field-pin2",
        SecretKind::Pin => "field-pin",
        SecretKind::NewPin => "field-new-pin",
        SecretKind::Can => "field-can",
        SecretKind::Puk => "field-puk",
        SecretKind::LastTryConfirmation | SecretKind::Consent => return None,
    })
}

/// The name of the button that goes on: of the deed itself only where nothing else is asked before it is done.
fn agree(kind: SecretKind, question: &Question) -> &'static str {
    match (kind, question.purpose) {
        (SecretKind::LastTryConfirmation, _) => "use-last-try",
        (SecretKind::Can, _) | (SecretKind::Pin, Purpose::ChangePin) | (SecretKind::Puk, Purpose::UnblockPin) => {
            "continue"
        }
        (SecretKind::Pin, purpose) if question.two_pins && purpose.signs() => "continue",
        (_, purpose) => Words::deed(purpose),
    }
}

/// How many wrong PINs in a row the card takes when none was wrong before.
const ALL_TRIES: u8 = 3;
