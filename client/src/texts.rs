//! What the client says: one Fluent file a language, built in.

pub use latchkey_texts::{Filling, Language, Texts, printable, quotable};

/// The client's texts in that language.
#[must_use]
pub fn texts(language: Language) -> Texts {
    Texts::new(language, source(language))
}

/// The Fluent file of that language.
#[must_use]
pub const fn source(language: Language) -> &'static str {
    match language {
        Language::Belarusian => include_str!("../texts/be.ftl"),
        Language::Russian => include_str!("../texts/ru.ftl"),
        Language::English => include_str!("../texts/en.ftl"),
    }
}
