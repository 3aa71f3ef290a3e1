//! What the window says: one Fluent file a language, built in.

use latchkey_texts::{Language, Texts};

/// The window's texts in that language.
pub(crate) fn texts(language: Language) -> Texts {
    let source = match language {
        Language::Belarusian => include_str!("../texts/be.ftl"),
        Language::Russian => include_str!("../texts/ru.ftl"),
        Language::English => include_str!("../texts/en.ftl"),
    };
    Texts::new(language, source)
}
