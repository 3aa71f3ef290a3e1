//! The licences of everything that is built into the programs: crates, and the scripts of the pages.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use cargo_metadata::{MetadataCommand, Package};
use serde::Deserialize;

use crate::failure::Failure;
use crate::tools::ask;

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
    Ok(render(&parts))
}

fn crates(checkout: &Path) -> Result<Vec<Part>, Failure> {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let options = ["--locked", "--offline", "--filter-platform", &platform].map(str::to_owned);
    let metadata = MetadataCommand::new().current_dir(checkout).other_options(options).exec()?;
    let built_in = built_in(checkout)?;
    let is_built_in = |package: &&Package| {
        let own = metadata.workspace_members.contains(&package.id);
        !own && built_in.contains(&format!("{} v{}", package.name, package.version))
    };
    metadata.packages.iter().filter(is_built_in).map(|package| part(checkout, package)).collect()
}

/// Names and versions of what is in the programs: not what only builds them, or only runs in the compiler.
fn built_in(checkout: &Path) -> Result<BTreeSet<String>, Failure> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(checkout).args(["tree", "--locked", "--offline", "--edges", "normal,no-proc-macro"]);
    command.args(["--prefix", "none", "--format", "{p}"]).args(CRATES.iter().flat_map(|name| ["--package", name]));
    let name_and_version = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    Ok(ask(&mut command)?.lines().map(name_and_version).collect())
}

fn part(checkout: &Path, package: &Package) -> Result<Part, Failure> {
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
    if texts.is_empty() {
        texts.insert(standard_text(checkout, package, &licence)?);
    }
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

/// The text for a part that brings none: whose it is, and the words of the first of its licences that are known here.
fn standard_text(checkout: &Path, package: &Package, licence: &str) -> Result<String, Failure> {
    let known = |licence: &str| match licence {
        "Apache-2.0" => Some(checkout.join("LICENSE")),
        "MIT" | "BSD-3-Clause" => Some(checkout.join(format!("packages/data/licences/{licence}.txt"))),
        _ => None,
    };
    let path = alternatives(licence)
        .find_map(known)
        .ok_or_else(|| Failure::NoLicenceText { name: package.name.to_string(), licence: licence.to_owned() })?;
    let words = fs::read_to_string(&path).map_err(|error| Failure::file(&path, error))?;
    let authors = if package.authors.is_empty() {
        vec![format!("the authors of {}", package.name)]
    } else {
        package.authors.clone()
    };
    Ok(tidy(&format!("Copyright {}\n\n{words}", authors.join(", "))))
}

/// The licences that an expression names.
fn alternatives(expression: &str) -> impl Iterator<Item = &str> {
    expression.split([' ', '(', ')', '/']).filter(|word| !["", "OR", "AND", "WITH"].contains(word))
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
