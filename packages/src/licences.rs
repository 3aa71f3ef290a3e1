//! The licences of everything that is built into the programs: crates, and the scripts of the pages.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId, TargetKind};
use serde::Deserialize;

use crate::failure::Failure;

/// The crates of the programs.
const CRATES: [&str; 3] = ["latchkey-client", "latchkey-agent-gtk", "latchkey-desktop"];

/// How files with licences and notices begin, in capitals.
const NAMES: [&str; 6] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];

const RULE: &str = "--------------------------------------------------------------------------------";

/// Something foreign that is built in.
struct Part {
    name: String,
    /// An SPDX expression.
    licence: String,
    texts: BTreeSet<String>,
}

/// One text: a list of all parts with their licences, then each licence text once, with the parts that bring it.
pub(crate) fn collect(checkout: &Path) -> Result<String, Failure> {
    let mut parts = crates(checkout)?;
    parts.extend(scripts(checkout)?);
    lend_texts(&mut parts)?;
    Ok(render(&parts))
}

fn crates(checkout: &Path) -> Result<Vec<Part>, Failure> {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let options = ["--locked", "--offline", "--filter-platform", &platform].map(str::to_owned);
    let metadata = MetadataCommand::new().current_dir(checkout).other_options(options).exec()?;
    let mut open = Vec::new();
    for name in CRATES {
        let own = metadata.workspace_packages().into_iter().find(|package| package.name.as_str() == name);
        open.push(&own.ok_or(Failure::NoCrate { name })?.id);
    }
    reached(&metadata, open).into_iter().map(part).collect()
}

/// The foreign packages whose code is in the programs: not what only builds them, or only runs in the compiler.
fn reached<'a>(metadata: &'a Metadata, mut open: Vec<&'a PackageId>) -> Vec<&'a Package> {
    let nodes: BTreeMap<_, _> =
        metadata.resolve.iter().flat_map(|resolve| &resolve.nodes).map(|node| (&node.id, node)).collect();
    let mut seen: BTreeSet<&PackageId> = open.iter().copied().collect();
    let mut found = Vec::new();
    while let Some(id) = open.pop() {
        let package = &metadata[id];
        if package.targets.iter().any(|target| target.kind.contains(&TargetKind::ProcMacro)) {
            continue;
        }
        if !metadata.workspace_members.contains(id) {
            found.push(package);
        }
        for dependency in nodes.get(id).into_iter().flat_map(|node| &node.deps) {
            let built_in = dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal);
            if built_in && seen.insert(&dependency.pkg) {
                open.push(&dependency.pkg);
            }
        }
    }
    found.sort_by(|one, other| (&one.name, &one.version).cmp(&(&other.name, &other.version)));
    found
}

fn part(package: &Package) -> Result<Part, Failure> {
    let folder = package.manifest_path.as_std_path().parent().unwrap_or(Path::new("/"));
    let mut texts = BTreeSet::new();
    for entry in fs::read_dir(folder).map_err(|error| Failure::file(folder, error))? {
        let path = entry.map_err(|error| Failure::file(folder, error))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        if path.is_file() && NAMES.iter().any(|start| name.starts_with(start)) {
            let text = fs::read(&path).map_err(|error| Failure::file(&path, error))?;
            texts.insert(tidy(&String::from_utf8_lossy(&text)));
        }
    }
    let licence = package.license.clone().unwrap_or_else(|| "a licence of its own".to_owned());
    Ok(Part { name: format!("{} {}", package.name, package.version), licence, texts })
}

/// What the pages' build says of the scripts that it put in.
fn scripts(checkout: &Path) -> Result<Vec<Part>, Failure> {
    #[derive(Deserialize)]
    struct Script {
        name: String,
        version: String,
        identifier: Option<String>,
        text: Option<String>,
    }
    let path = checkout.join("ui/dist/licences.json");
    let list = fs::read(&path).map_err(|error| Failure::file(&path, error))?;
    let scripts: Vec<Script> = serde_json::from_slice(&list).map_err(|error| Failure::Pages { path, error })?;
    let part = |script: Script| Part {
        name: format!("{} {} (in the pages)", script.name, script.version),
        licence: script.identifier.unwrap_or_else(|| "a licence of its own".to_owned()),
        texts: script.text.iter().map(|text| tidy(text)).collect(),
    };
    Ok(scripts.into_iter().map(part).collect())
}

/// A part that brings no text of its licence has that of another part with the same one: the words are the licence's.
fn lend_texts(parts: &mut [Part]) -> Result<(), Failure> {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for part in parts.iter() {
        for alternative in alternatives(&part.licence) {
            if let Some(text) = part.texts.iter().find(|text| is_text_of(text, alternative)) {
                known.entry(alternative.to_owned()).or_insert_with(|| text.clone());
            }
        }
    }
    for part in parts.iter_mut().filter(|part| part.texts.is_empty()) {
        let lent = alternatives(&part.licence).find_map(|alternative| known.get(alternative));
        let lent =
            lent.ok_or_else(|| Failure::NoLicenceText { name: part.name.clone(), licence: part.licence.clone() })?;
        part.texts.insert(lent.clone());
    }
    Ok(())
}

/// The licences that an expression names.
fn alternatives(expression: &str) -> impl Iterator<Item = &str> {
    expression.split([' ', '(', ')', '/']).filter(|word| !["", "OR", "AND", "WITH"].contains(word))
}

fn is_text_of(text: &str, licence: &str) -> bool {
    match licence {
        "Apache-2.0" => text.contains("Apache License") && text.contains("TERMS AND CONDITIONS"),
        "MIT" => text.contains("Permission is hereby granted, free of charge"),
        _ => false,
    }
}

fn render(parts: &[Part]) -> String {
    let mut page = String::from("What is built into Latchkey, and under which licences.\n\n");
    for part in parts {
        _ = writeln!(page, "{}: {}", part.name, part.licence);
    }
    let mut by_text: BTreeMap<&String, Vec<&str>> = BTreeMap::new();
    for part in parts {
        for text in &part.texts {
            by_text.entry(text).or_default().push(&part.name);
        }
    }
    for (text, names) in by_text {
        _ = write!(page, "\n{RULE}\n{}\n{RULE}\n\n{text}\n", names.join(", "));
    }
    page
}

/// Line ends and blanks do not make another licence.
fn tidy(text: &str) -> String {
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned()
}
