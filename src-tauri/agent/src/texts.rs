//! What the window says: one Fluent file a language, built in.

use latchkey_texts::{Language, Texts};

/// The window's texts in that language.
pub(crate) fn texts(language: Language) -> Texts {
    let source = match language {
        Language::Belarusian => {
            concat!(include_str!("../texts/be.ftl"), include_str!("../../../texts/disclosures/be.ftl"))
        }
        Language::Russian => {
            concat!(include_str!("../texts/ru.ftl"), include_str!("../../../texts/disclosures/ru.ftl"))
        }
        Language::English => {
            concat!(include_str!("../texts/en.ftl"), include_str!("../../../texts/disclosures/en.ftl"))
        }
    };
    Texts::new(language, source)
}
