//! What the page may call: the commands of the contract, each allowed by name, and nothing of Tauri's but hearing events.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

fn file(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The names of the commands that the page's side calls.
fn called() -> BTreeSet<String> {
    let text = file("../ui/src/tauri.ts");
    let rest = text.split("invoke").skip(1).filter_map(|rest| rest.split_once("(\""));
    rest.filter_map(|(_, name)| Some(name.split_once('"')?.0.to_owned())).collect()
}

#[test]
fn the_page_calls_what_it_may_and_may_call_nothing_else() {
    let capability: Value = serde_json::from_str(&file("capabilities/main.json")).unwrap();
    assert_eq!(capability["windows"], serde_json::json!(["main"]));
    assert!(capability.get("remote").is_none(), "pages from elsewhere may call something");
    let permissions: BTreeSet<_> =
        capability["permissions"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
    let mut expected: BTreeSet<_> =
        called().into_iter().map(|command| format!("allow-{}", command.replace('_', "-"))).collect();
    expected.extend(["core:event:allow-listen", "core:event:allow-unlisten"].map(str::to_owned));
    assert_eq!(permissions, expected);
}

#[test]
fn every_command_that_may_be_called_is_there() {
    let source = file("src/commands.rs");
    for command in called() {
        assert!(source.contains(&format!("\nfn {command}(")), "{command}");
    }
}

#[test]
fn the_window_loads_its_own_pages_and_nothing_else() {
    let config: Value = serde_json::from_str(&file("tauri.conf.json")).unwrap();
    let policy = config["app"]["security"]["csp"].as_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    for word in ["unsafe", "https:", "*", "blob:", "eval"] {
        assert!(!policy.contains(word), "{word}: {policy}");
    }
    assert!(config["build"].get("devUrl").is_none());
    assert_eq!(config["app"]["withGlobalTauri"], false);
    let window = &config["app"]["windows"][0];
    // With it, files that are dropped go to the program and their contents never to the page.
    for (name, expected) in [("create", false), ("devtools", false), ("dragDropEnabled", true)] {
        assert_eq!(window[name], expected, "{name}");
    }
}

#[test]
fn nothing_is_typed_into_the_pages() {
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/src")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "svelte" || extension == "ts") {
            let text = fs::read_to_string(&path).unwrap();
            for word in [
                "<textarea",
                "contenteditable",
                "type=\"text\"",
                "type=\"password\"",
                "type=\"number\"",
                "innerHTML",
                "{@html",
            ] {
                assert!(!text.contains(word), "{word} in {}", path.display());
            }
        }
    }
}
