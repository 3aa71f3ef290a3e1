//! What a terminal is let do, in words: who asks, what may be read and done, and which terminal it is.

use latchkey_agent::{
    AskedRights, Disclosure, DisclosureLine, asker_lines, disclosed, disclosed_by_any_model, terminal_lines,
};
use latchkey_card::profile::Profile;
use latchkey_crypto::cv::rights::Rights;

use crate::desk::TerminalDisclosure;
use crate::texts::{Texts, quotable};

/// A terminal session in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisclosureWords {
    /// Who asks: by a request that was checked, or without anybody who vouches for it.
    pub asker: Vec<String>,
    /// What may be read and done in any case.
    pub required: Vec<String>,
    /// What the holder may leave out, each with whether he hands it over.
    pub optional: Vec<(String, bool)>,
    /// The terminal, or that it is not known yet.
    pub terminal: Vec<String>,
}

impl DisclosureWords {
    /// What a request at the desk discloses.
    #[must_use]
    pub fn of_request(disclosure: &TerminalDisclosure, texts: &Texts) -> Self {
        let say = |keys: Vec<&'static str>| keys.into_iter().map(|key| texts.say(key)).collect::<Vec<_>>();
        let one = |right: Rights| say(disclosed(right, &Profile::standard())).join(", ");
        let optional = disclosure.choices().into_iter().map(|(right, kept)| (one(right), kept));
        let required = match disclosure.rights {
            AskedRights::Exactly(rights) => disclosed(rights.without(disclosure.optional), &Profile::standard()),
            asked @ AskedRights::OfModel { .. } => disclosed_by_any_model(|profile| {
                asked.of_card(profile).unwrap_or(Rights::NONE).without(disclosure.optional)
            }),
        };
        Self {
            asker: in_words(asker_lines(disclosure.request.as_ref()), texts),
            required: say(required),
            optional: optional.collect(),
            terminal: in_words(terminal_lines(disclosure.terminal.as_ref()), texts),
        }
    }

    /// What an agent's question discloses.
    #[must_use]
    pub fn of_question(disclosure: &Disclosure, texts: &Texts) -> Self {
        Self {
            asker: in_words(asker_lines(disclosure.request.as_ref()), texts),
            required: disclosure.keys().into_iter().map(|key| texts.say(key)).collect(),
            optional: Vec::new(),
            terminal: in_words(terminal_lines(disclosure.terminal.as_ref()), texts),
        }
    }
}

fn in_words(lines: Vec<DisclosureLine>, texts: &Texts) -> Vec<String> {
    let words = |DisclosureLine { key, fillings }: DisclosureLine| {
        let fillings: Vec<_> = fillings.iter().map(|(name, text)| (*name, quotable(text).into())).collect();
        texts.fill(key, &fillings)
    };
    lines.into_iter().map(words).collect()
}
