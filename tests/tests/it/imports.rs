//! Which crate may use which: a crate is a boundary only if a test watches it.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

/// One row of the house's import table.
struct Row {
    name: &'static str,
    /// Crates of ours that it may use.
    ours: &'static [&'static str],
    /// Foreign crates that it must not reach, not even through another crate.
    never: &'static [&'static str],
}

const NETWORK: &[&str] = &["tokio", "axum", "hyper", "reqwest", "sqlx", "tauri", "gtk", "pcsc"];

const TABLE: &[Row] = &[
    Row { name: "latchkey-crypto", ours: &[], never: NETWORK },
    Row { name: "latchkey-card", ours: &["crypto"], never: NETWORK },
    Row {
        name: "latchkey-reader",
        ours: &["card"],
        never: &["tokio", "axum", "hyper", "reqwest", "sqlx", "tauri", "gtk"],
    },
    Row {
        name: "latchkey-agent",
        ours: &["reader", "card", "crypto"],
        never: &["tokio", "axum", "hyper", "reqwest", "sqlx", "tauri", "gtk"],
    },
    Row { name: "latchkey-texts", ours: &[], never: NETWORK },
    Row {
        name: "latchkey-agent-gtk",
        ours: &["agent", "texts"],
        never: &["tokio", "axum", "hyper", "reqwest", "sqlx", "tauri"],
    },
    Row { name: "latchkey-client", ours: &["agent", "card", "crypto", "texts"], never: &["tauri", "gtk", "sqlx"] },
    Row { name: "latchkey-desktop", ours: &["client"], never: &["sqlx"] },
    Row { name: "latchkey-verify", ours: &["crypto"], never: NETWORK },
    Row { name: "latchkey-portal", ours: &["verify", "card", "crypto", "texts"], never: &["tauri", "gtk", "pcsc"] },
    Row {
        name: "latchkey-fixtures",
        ours: &["card", "crypto"],
        never: &["tokio", "axum", "hyper", "reqwest", "sqlx", "tauri", "gtk", "pcsc"],
    },
    Row { name: "latchkey-packages", ours: &[], never: NETWORK },
    Row {
        name: "latchkey-tests",
        ours: &["agent", "card", "client", "crypto", "fixtures", "portal", "reader", "verify"],
        never: &[],
    },
];

#[test]
fn every_crate_uses_only_what_the_table_allows() {
    let metadata = metadata();
    let mut faults = Vec::new();
    for package in metadata.workspace_packages() {
        let Some(row) = TABLE.iter().find(|row| row.name == package.name.as_str()) else {
            faults.push(format!("{} has no row in the import table", package.name));
            continue;
        };
        for dependency in &package.dependencies {
            let Some(used) = dependency.name.strip_prefix("latchkey-") else { continue };
            if dependency.kind != DependencyKind::Development && !row.ours.contains(&used) {
                faults.push(format!("{} must not use latchkey-{used}", row.name));
            }
        }
        let reached = reached_from(&metadata, &package.id);
        for name in row.never.iter().filter(|name| reached.contains(**name)) {
            faults.push(format!("{} reaches {name}", row.name));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_table_would_catch_a_forbidden_crate() {
    let metadata = metadata();
    let portal = metadata.packages.iter().find(|package| package.name.as_str() == "latchkey-portal").unwrap();
    assert!(reached_from(&metadata, &portal.id).contains("tokio"));
}

/// With its feature `x11` the window library listens to the keys of the whole session, and a PIN that is typed into the
/// agent's window stays in the memory of the program beside it.
#[test]
fn the_window_does_not_listen_to_the_keys_of_the_session() {
    the_window_is_built_without("x11", "x11-dl");
}

/// With its feature `dbus` the window library asks every five seconds whether the desktop has become dark.
#[test]
fn the_window_does_not_ask_for_its_colours_by_the_clock() {
    the_window_is_built_without("dbus", "dbus");
}

/// Neither that feature nor the crate behind it.
fn the_window_is_built_without(feature: &str, behind: &str) {
    let metadata = metadata();
    let window = ["tao", "wry", "tauri", "tauri-runtime-wry"];
    let mut seen = BTreeSet::new();
    for node in &metadata.resolve.as_ref().unwrap().nodes {
        let name = metadata[&node.id].name.as_str();
        if let Some(name) = window.into_iter().find(|part| *part == name) {
            seen.insert(name);
            assert!(!node.features.iter().any(|on| on.as_str() == feature), "{name} is built with {feature}");
        }
    }
    assert_eq!(seen, BTreeSet::from(window));
    let desktop = metadata.packages.iter().find(|package| package.name.as_str() == "latchkey-desktop").unwrap();
    assert!(!reached_from(&metadata, &desktop.id).contains(behind));
}

fn metadata() -> Metadata {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let options = ["--locked", "--offline", "--filter-platform", &platform].map(str::to_owned);
    MetadataCommand::new().other_options(options).exec().unwrap()
}

/// The names of all crates that `start` reaches through ordinary and build dependencies.
fn reached_from(metadata: &Metadata, start: &PackageId) -> BTreeSet<String> {
    let resolve = metadata.resolve.as_ref().unwrap();
    let nodes: BTreeMap<_, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let mut reached = BTreeSet::new();
    let mut seen = BTreeSet::from([start]);
    let mut open = vec![start];
    while let Some(id) = open.pop() {
        for dependency in &nodes[id].deps {
            let ordinary = dependency.dep_kinds.iter().any(|kind| kind.kind != DependencyKind::Development);
            if ordinary && seen.insert(&dependency.pkg) {
                reached.insert(metadata[&dependency.pkg].name.to_string());
                open.push(&dependency.pkg);
            }
        }
    }
    reached
}
