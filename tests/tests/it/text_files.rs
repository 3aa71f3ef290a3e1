//! Every folder of texts: complete, its languages in step with each other and with the program, each in its own
//! language.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};

use crate::sources::{root, rust_sources};

/// One folder of texts.
struct Folder {
    path: &'static str,
    /// Where its texts are said.
    said_in: &'static [&'static str],
    /// Texts that may be equal in Belarusian and Russian: what is spelt alike in both.
    alike: &'static [&'static str],
    /// Texts that hold words of every language.
    of_all_languages: &'static [&'static str],
}

const FOLDERS: &[Folder] = &[
    Folder {
        path: "client/texts",
        said_in: &["client/src", "src-tauri/src"],
        alike: &[
            "card-pin",
            "doctor-not-checked",
            "failed-code",
            "help-arguments",
            "help-options",
            "help-usage-options",
            "step-pin",
        ],
        of_all_languages: &["yes-words"],
    },
    Folder {
        path: "src-tauri/agent/texts",
        said_in: &["src-tauri/agent/src"],
        alike: &["program-name"],
        of_all_languages: &[],
    },
    Folder { path: "texts/disclosures", said_in: &["card/agent/src"], alike: &["group-11"], of_all_languages: &[] },
    Folder { path: "texts/refusals", said_in: &[], alike: &[], of_all_languages: &[] },
];

/// What a text consists of: its variables and its words.
#[derive(Debug, Default, PartialEq, Eq)]
struct Shape {
    variables: BTreeSet<String>,
    text: String,
}

type Shapes = BTreeMap<String, Shape>;

/// Every text of a file by its key; attributes as `key.attribute`.
fn shapes(folder: &Folder, language: &str) -> Shapes {
    let file = root().join(folder.path).join(language).with_extension("ftl");
    let name = file.display();
    let source = fs::read_to_string(&file).unwrap();
    let resource = fluent_syntax::parser::parse(source).unwrap_or_else(|(_, errors)| panic!("{name}: {errors:?}"));
    let mut shapes = Shapes::new();
    for entry in &resource.body {
        let Entry::Message(message) = entry else { continue };
        let values = message.value.iter().map(|value| (message.id.name.clone(), value));
        let attributes = message.attributes.iter();
        let attributes =
            attributes.map(|attribute| (format!("{}.{}", message.id.name, attribute.id.name), &attribute.value));
        for (key, pattern) in values.chain(attributes) {
            let mut shape = Shape::default();
            read(pattern, &mut shape);
            assert!(shapes.insert(key.clone(), shape).is_none(), "{name} says {key} twice");
        }
    }
    shapes
}

fn read(pattern: &Pattern<String>, shape: &mut Shape) {
    for element in &pattern.elements {
        match element {
            PatternElement::TextElement { value } => shape.text.push_str(value),
            PatternElement::Placeable { expression: Expression::Inline(inline) } => read_inline(inline, shape),
            PatternElement::Placeable { expression: Expression::Select { selector, variants } } => {
                read_inline(selector, shape);
                variants.iter().for_each(|variant| read(&variant.value, shape));
            }
        }
    }
}

fn read_inline(inline: &InlineExpression<String>, shape: &mut Shape) {
    match inline {
        InlineExpression::VariableReference { id } => _ = shape.variables.insert(id.name.clone()),
        InlineExpression::StringLiteral { .. } | InlineExpression::NumberLiteral { .. } => {}
        other => panic!("texts use variables only, not {other:?}"),
    }
}

#[test]
fn every_folder_of_texts_is_looked_after() {
    let listed = Command::new("git").args(["ls-files", "*.ftl"]).current_dir(root()).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let found: BTreeSet<_> = listed.lines().map(PathBuf::from).collect();
    let expected = FOLDERS.iter().flat_map(|folder| ["be", "en", "ru"].map(|language| (folder.path, language)));
    let expected = expected.map(|(folder, language)| PathBuf::from(format!("{folder}/{language}.ftl"))).collect();
    assert_eq!(found, expected);
}

#[test]
fn every_language_says_the_same_things_with_the_same_variables() {
    for folder in FOLDERS {
        let english = shapes(folder, "en");
        for language in ["be", "ru"] {
            let name = format!("{}/{language}.ftl", folder.path);
            let other = shapes(folder, language);
            let keys = |shapes: &Shapes| shapes.keys().cloned().collect::<BTreeSet<_>>();
            assert_eq!(keys(&other), keys(&english), "{name}");
            for (key, shape) in &other {
                assert_eq!(shape.variables, english[key].variables, "{name}: {key}");
                assert!(!shape.text.trim().is_empty() || !shape.variables.is_empty(), "{name}: {key} says nothing");
            }
        }
    }
}

#[test]
fn belarusian_is_not_russian() {
    for folder in FOLDERS {
        let (belarusian, russian) = (shapes(folder, "be"), shapes(folder, "ru"));
        let equal: BTreeSet<_> =
            belarusian.iter().filter(|(key, shape)| **shape == russian[*key]).map(|(key, _)| key.as_str()).collect();
        assert_eq!(equal, folder.alike.iter().copied().collect(), "{}", folder.path);
    }
}

#[test]
fn each_alphabet_keeps_to_its_letters() {
    for folder in FOLDERS {
        for (language, strangers) in [("be", "ищъИЩЪ"), ("ru", "іўІЎ"), ("en", "абвгдежзклмнпрстуфхцчшэюя")]
        {
            for (key, shape) in shapes(folder, language) {
                let found: String = shape.text.chars().filter(|letter| strangers.contains(*letter)).collect();
                let allowed = folder.of_all_languages.contains(&key.as_str());
                assert!(found.is_empty() || allowed, "{}/{language}.ftl: {key} has {found:?}", folder.path);
            }
        }
    }
}

#[test]
fn nothing_is_said_that_no_text_has_and_no_text_is_never_said() {
    for folder in FOLDERS {
        let sources: String = folder
            .said_in
            .iter()
            .flat_map(|source| rust_sources(source))
            .map(|(_, text)| text)
            .collect::<Vec<_>>()
            .join("\n");
        let shapes = shapes(folder, "en");
        // What goes wrong is said by its code.
        let said = |key: &str| key.starts_with("failure-") || sources.contains(&format!("\"{key}\""));
        let unused: Vec<_> = shapes.keys().filter(|key| !said(key)).collect();
        assert!(unused.is_empty(), "{}: never said: {unused:?}", folder.path);
        for call in ["say(\"", "fill(\""] {
            for rest in sources.split(call).skip(1) {
                let key = rest.split('"').next().unwrap();
                assert!(shapes.contains_key(key), "{}: there is no text of {key}", folder.path);
            }
        }
    }
}
