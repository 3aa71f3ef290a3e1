//! What is said to people: a Fluent file a language. A failure's message says what happened, and its attribute `todo`
//! what to do.

use std::fmt;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

/// A language that everything is said in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// Belarusian.
    Belarusian,
    /// Russian.
    Russian,
    /// English.
    English,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 3] = [Self::Belarusian, Self::Russian, Self::English];

    /// The language of an ISO 639-1 code: `be`, `ru` or `en`.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// The language that fits a locale such as `be_BY.UTF-8` or `ru-RU` best; English for all others.
    #[must_use]
    pub fn of_locale(locale: &str) -> Self {
        let language = locale.split(|character: char| !character.is_ascii_alphabetic()).next().unwrap_or_default();
        Self::of_code(&language.to_ascii_lowercase()).unwrap_or(Self::English)
    }

    /// The ISO 639-1 code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Belarusian => "be",
            Self::Russian => "ru",
            Self::English => "en",
        }
    }

    fn identifier(self) -> LanguageIdentifier {
        // The three codes are well-formed, as a test of the plural forms shows.
        LanguageIdentifier::from_bytes(self.code().as_bytes()).unwrap_or_default()
    }
}

/// A value that a text is filled with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filling {
    /// A text, perhaps a stranger's: what would steer a terminal is shown as U+FFFD.
    Text(String),
    /// A number, which chooses plural forms.
    Number(u32),
}

impl From<&str> for Filling {
    fn from(text: &str) -> Self {
        Self::Text(printable(text))
    }
}

impl From<String> for Filling {
    fn from(text: String) -> Self {
        Self::Text(printable(&text))
    }
}

impl From<u8> for Filling {
    fn from(number: u8) -> Self {
        Self::Number(number.into())
    }
}

impl From<u32> for Filling {
    fn from(number: u32) -> Self {
        Self::Number(number)
    }
}

/// The texts of one language.
pub struct Texts {
    language: Language,
    bundle: FluentBundle<FluentResource>,
}

impl Texts {
    /// The texts of that language, as the Fluent file `source` says them.
    #[must_use]
    pub fn new(language: Language, source: &str) -> Self {
        let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(readable, errors)| {
            tracing::error!(?errors, "a file of texts is malformed");
            readable
        });
        let mut bundle = FluentBundle::new_concurrent(vec![language.identifier()]);
        // Isolation marks are for windows; terminals show them as rubbish.
        bundle.set_use_isolating(false);
        if let Err(errors) = bundle.add_resource(resource) {
            tracing::error!(?errors, "a file of texts says something twice");
        }
        Self { language, bundle }
    }

    /// Which language this is.
    #[must_use]
    pub const fn language(&self) -> Language {
        self.language
    }

    /// A size in octets as people read it: whole octets below a kilobyte, then one digit behind the point. A kilobyte has
    /// 1000 octets.
    #[must_use]
    pub fn size(&self, octets: u64) -> String {
        let (point, units) = match self.language {
            Language::English => ('.', ["B", "kB", "MB", "GB"]),
            Language::Belarusian | Language::Russian => (',', ["Б", "кБ", "МБ", "ГБ"]),
        };
        let [whole, larger @ ..] = units;
        let mut tenths = octets.saturating_mul(10);
        let mut shown = format!("{octets} {whole}");
        for unit in larger {
            if tenths < 10_000 {
                break;
            }
            tenths /= 1000;
            shown = format!("{}{point}{} {unit}", tenths / 10, tenths % 10);
        }
        shown
    }

    /// The text of that key.
    #[must_use]
    pub fn say(&self, key: &str) -> String {
        self.fill(key, &[])
    }

    /// The text of that key with its variables filled.
    #[must_use]
    pub fn fill(&self, key: &str, fillings: &[(&str, Filling)]) -> String {
        let pattern = self.bundle.get_message(key).and_then(|message| message.value());
        self.format(key, pattern, fillings)
    }

    /// What happened, for a failure's code. `None` if the code has no text.
    #[must_use]
    pub fn what_happened(&self, code: &str, fillings: &[(&str, Filling)]) -> Option<String> {
        let key = failure_key(code);
        let pattern = self.bundle.get_message(&key)?.value()?;
        Some(self.format(&key, Some(pattern), fillings))
    }

    /// What to do, for a failure's code. `None` if the code has no text.
    #[must_use]
    pub fn what_to_do(&self, code: &str, fillings: &[(&str, Filling)]) -> Option<String> {
        self.attribute(code, "todo", fillings)
    }

    /// The same in a window, where commands and options are of no help.
    #[must_use]
    pub fn what_to_do_in_window(&self, code: &str, fillings: &[(&str, Filling)]) -> Option<String> {
        self.attribute(code, "window", fillings).or_else(|| self.what_to_do(code, fillings))
    }

    fn attribute(&self, code: &str, name: &str, fillings: &[(&str, Filling)]) -> Option<String> {
        let key = failure_key(code);
        let pattern = self.bundle.get_message(&key)?.get_attribute(name)?.value();
        Some(self.format(&key, Some(pattern), fillings))
    }

    fn format(
        &self,
        key: &str,
        pattern: Option<&fluent_syntax::ast::Pattern<&str>>,
        fillings: &[(&str, Filling)],
    ) -> String {
        let Some(pattern) = pattern else {
            tracing::error!(key, "there is no text of this key");
            return key.to_owned();
        };
        let mut arguments = FluentArgs::with_capacity(fillings.len());
        for (name, filling) in fillings {
            arguments.set(*name, value(filling));
        }
        let mut errors = Vec::new();
        let text = self.bundle.format_pattern(pattern, Some(&arguments), &mut errors).into_owned();
        if !errors.is_empty() {
            tracing::error!(key, ?errors, "a text could not be filled");
        }
        text
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Texts({})", self.language.code())
    }
}

/// The Fluent text with the words for what portals refuse: of the code `challenge-expired`, the failure
/// `portal-refused-challenge-expired`.
#[must_use]
pub const fn refusals(language: Language) -> &'static str {
    match language {
        Language::Belarusian => include_str!("../refusals/be.ftl"),
        Language::Russian => include_str!("../refusals/ru.ftl"),
        Language::English => include_str!("../refusals/en.ftl"),
    }
}

/// The text with everything replaced that would steer a terminal, turn the direction of writing or not be seen: others
/// choose the names of portals and readers.
#[must_use]
pub fn printable(text: &str) -> String {
    let steers = |character: char| {
        character.is_control()
            // Marks without a width of their own, directions, invisible operators, tags.
            || matches!(character, '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{180B}'..='\u{180F}')
            || matches!(character, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}')
            || matches!(character, '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}')
            || matches!(character, '\u{E0000}'..='\u{E0FFF}')
    };
    text.chars().map(|character| if steers(character) { char::REPLACEMENT_CHARACTER } else { character }).collect()
}

/// The same for what stands between quotation marks: without one of its own, at which the quotation would seem to end.
#[must_use]
pub fn quotable(text: &str) -> String {
    let is_mark =
        |character: char| matches!(character, '"' | '«' | '»' | '\u{201C}'..='\u{201F}' | '‹' | '›' | '\u{FF02}');
    printable(text).chars().map(|character| if is_mark(character) { '\'' } else { character }).collect()
}

fn failure_key(code: &str) -> String {
    format!("failure-{code}")
}

fn value(filling: &Filling) -> FluentValue<'static> {
    match filling {
        Filling::Text(text) => FluentValue::from(text.clone()),
        Filling::Number(number) => FluentValue::from(*number),
    }
}
