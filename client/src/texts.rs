//! What the client says: its own Fluent file a language, and the words for what portals refuse. Both are built in.

pub use latchkey_texts::{Filling, Language, Texts, printable, quotable};

/// The client's texts in that language.
#[must_use]
pub fn texts(language: Language) -> Texts {
    Texts::new(language, source(language))
}

/// The language that the system says.
#[must_use]
pub fn system_language() -> Language {
    sys_locale::get_locale().map_or(Language::English, |locale| Language::of_locale(&locale))
}

/// The Fluent text of that language: what the client says, what portals refuse, and what terminals are let do.
#[must_use]
pub const fn source(language: Language) -> &'static str {
    match language {
        Language::Belarusian => concat!(
            include_str!("../texts/be.ftl"),
            include_str!("../../texts/refusals/be.ftl"),
            include_str!("../../texts/disclosures/be.ftl")
        ),
        Language::Russian => concat!(
            include_str!("../texts/ru.ftl"),
            include_str!("../../texts/refusals/ru.ftl"),
            include_str!("../../texts/disclosures/ru.ftl")
        ),
        Language::English => concat!(
            include_str!("../texts/en.ftl"),
            include_str!("../../texts/refusals/en.ftl"),
            include_str!("../../texts/disclosures/en.ftl")
        ),
    }
}
