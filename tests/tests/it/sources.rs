//! What the house's own sources contain, and must not.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every Rust source below `folder` of the checkout, with its text.
pub(crate) fn rust_sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut open = vec![root().join(folder)];
    let mut sources = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
            open.extend(entries.filter(|entry| {
                !entry.ends_with("target") && !entry.ends_with("node_modules") && !entry.ends_with(".git")
            }));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            sources.push((path, text));
        }
    }
    sources
}

/// Crates that hold no files, sockets, threads or clocks: what they say depends on their arguments only.
const PURE: &[&str] = &["crypto/src", "card/src", "portal/verify/src"];
const IMPURE: &[&str] = &[
    "std::fs",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "std::os",
    "std::env",
    "std::thread",
    "std::process",
    "SystemTime",
    "Instant::now",
    "now_utc(",
];

#[test]
fn pure_crates_touch_nothing_outside() {
    let mut faults = Vec::new();
    for (path, text) in PURE.iter().flat_map(|folder| rust_sources(folder)) {
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for word in IMPURE.iter().filter(|word| code.contains(**word)) {
                faults.push(format!("{}:{}: {word}", path.display(), number + 1));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Tests make their own keys, or draw them from a seed.
#[test]
fn no_private_key_is_in_the_repository() {
    let listed = std::process::Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().unwrap();
    let names = String::from_utf8(listed.stdout).unwrap();
    let files: Vec<_> = names.split_terminator('\0').collect();
    assert!(files.len() > 500, "only {} files were looked at", files.len());
    // What comes between the words differs from kind to kind; what follows them is the key.
    let is_begun = |line: &str| line.contains("-----BEGIN") && line.contains("PRIVATE KEY-----");
    let is_key = |line: &str| {
        line.len() >= 40 && line.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"+/=".contains(&octet))
    };
    let mut faults = Vec::new();
    for name in files {
        let Ok(octets) = fs::read(root().join(name)) else { continue };
        let text = String::from_utf8_lossy(&octets);
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        if lines.windows(2).any(|pair| is_begun(pair[0]) && is_key(pair[1])) {
            faults.push(name.to_owned());
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn no_test_is_switched_off_and_nothing_is_left_unfinished() {
    let words = [concat!("#[", "ignore"), concat!("TO", "DO"), concat!("FIX", "ME"), concat!("todo", "!(")];
    let mut faults = Vec::new();
    for (path, text) in rust_sources(".") {
        for word in words.iter().filter(|word| text.contains(**word)) {
            faults.push(format!("{}: {word}", path.display()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_source_outgrows_its_room() {
    let longest = 700;
    let faults: Vec<_> = rust_sources(".")
        .into_iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > longest)
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(faults.is_empty(), "longer than {longest} lines:\n{}", faults.join("\n"));
}
