//! Every vector and document that was made elsewhere is claimed by a test, by its name.

use std::collections::BTreeSet;
use std::path::Path;
use std::str::FromStr;

use latchkey_fixtures::vectors;
use proc_macro2::{TokenStream, TokenTree};

use crate::sources::rust_sources;

/// Folders whose tests may claim.
const CLAIMING: &[&str] = &["crypto/tests", "card", "client/tests", "portal", "fixtures/tests", "tests/tests"];

#[derive(serde::Deserialize)]
struct Later {
    entries: Vec<LaterEntry>,
    files: Vec<LaterEntry>,
}

/// Something that no test claims yet, with the capability that will.
#[derive(serde::Deserialize)]
struct LaterEntry {
    #[serde(default, alias = "path")]
    name: Option<String>,
    #[serde(default)]
    prefix: Option<String>,
    until: String,
    reason: String,
}

impl LaterEntry {
    fn covers(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name) || self.prefix.as_deref().is_some_and(|prefix| name.starts_with(prefix))
    }
}

#[test]
fn every_vector_is_claimed() {
    let names: Vec<String> = vectors::all().into_iter().map(|vector| vector.name).collect();
    assert_claimed(&names, &later().entries);
}

#[test]
fn every_document_is_claimed() {
    let mut files = Vec::new();
    for folder in ["cv", "pki"] {
        for entry in std::fs::read_dir(vectors::directory().join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            // The manifests say what the other files are.
            if !name.ends_with(".json") {
                files.push(format!("{folder}/{name}"));
            }
        }
    }
    assert_claimed(&files, &later().files);
}

fn assert_claimed(names: &[String], later: &[LaterEntry]) {
    let claims = claims();
    let is_claimed = |name: &str| {
        claims.names.contains(name) || claims.prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
    };
    let mut faults = Vec::new();
    for name in names {
        match (is_claimed(name), later.iter().any(|entry| entry.covers(name))) {
            (false, false) => faults.push(format!("no test claims {name:?}")),
            (true, true) => faults.push(format!("{name:?} is claimed: take it off later.json")),
            (true, false) | (false, true) => {}
        }
    }
    for entry in later {
        assert!(!entry.until.is_empty() && !entry.reason.is_empty());
        if !names.iter().any(|name| entry.covers(name)) {
            faults.push(format!("later.json names nothing that exists: {:?} {:?}", entry.name, entry.prefix));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn later() -> Later {
    serde_json::from_slice(&vectors::file("later.json")).unwrap()
}

/// String literals in the tests' sources: names of entries and files, and the prefixes given to `series`.
#[derive(Default)]
struct Claims {
    names: BTreeSet<String>,
    prefixes: BTreeSet<String>,
}

fn claims() -> Claims {
    let mut claims = Claims::default();
    for (path, text) in CLAIMING.iter().flat_map(|folder| rust_sources(folder)) {
        if path.components().any(|part| part.as_os_str() == Path::new("tests").as_os_str()) {
            let tokens = TokenStream::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            collect(tokens, &mut claims, false);
        }
    }
    claims
}

fn collect(tokens: TokenStream, claims: &mut Claims, in_series: bool) {
    let mut after_series = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) => collect(group.stream(), claims, after_series),
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                if let Some(text) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
                    let kind = if in_series { &mut claims.prefixes } else { &mut claims.names };
                    kind.insert(text.to_owned());
                }
                after_series = false;
            }
            TokenTree::Ident(ident) => after_series = ident == "series",
            TokenTree::Punct(_) => after_series = false,
        }
    }
}
