//! What the guides say of the house is true of it: the tests they name, the files they link to, the commands they show.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::sources::{root, rust_sources};

/// `README.md` and everything in `docs`, with its text.
fn guides() -> Vec<(PathBuf, String)> {
    let mut paths = vec![root().join("README.md")];
    paths.extend(fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path()));
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(&path).unwrap())).collect()
}

#[test]
fn every_test_that_the_threat_model_and_the_conformance_table_name_exists() {
    let tests = tests();
    for (file, at_least) in [("docs/security.md", 20), ("docs/conformance.md", 10), ("docs/asvs.md", 80)] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let named: BTreeSet<&str> = code(&text).filter(|code| is_test_name(code)).collect();
        assert!(named.len() > at_least, "{file} names too few tests: {named:?}");
        let missing: Vec<_> = named.into_iter().filter(|name| !tests.contains(*name)).collect();
        assert!(missing.is_empty(), "{file} names tests that do not exist: {missing:#?}");
    }
}

/// Every requirement has a row, in the standard's order, that names a test or a place in a file, or says why not.
#[test]
fn every_requirement_of_asvs_level_2_is_answered() {
    let text = fs::read_to_string(root().join("docs/asvs.md")).unwrap();
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| Requirement"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let numbers: Vec<_> = rows.iter().map(|cells| cells[0].to_owned()).collect();
    assert_eq!(numbers, asvs_level_2());
    let mut faults = Vec::new();
    for cells in &rows {
        let places: Vec<_> = code(cells[2]).filter_map(|code| code.split_once('#')).collect();
        let has_reason = ["Does not apply: ", "Operator: ", "Not met"].iter().any(|start| cells[2].starts_with(start));
        if places.is_empty() && !has_reason && !code(cells[2]).any(is_test_name) {
            faults.push(format!("{}: no test, place or reason", cells[0]));
        }
        for (file, part) in places {
            if !fs::read_to_string(root().join(file)).is_ok_and(|text| text.contains(part)) {
                faults.push(format!("{}: {file} has no {part}", cells[0]));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// The numbers of the requirements of ASVS 4.0.3 at level 2, those at level 1 among them: each word a section and what it has.
fn asvs_level_2() -> Vec<String> {
    let numbers = "1.1.1-7 1.2.1-4 1.4.1,4-5 1.5.1-4 1.6.1-4 1.7.1-2 1.8.1-2 1.9.1-2 1.10.1 1.11.1-2 1.12.2 1.14.1-6 \
        2.1.1-12 2.2.1-3 2.3.1-3 2.4.1-5 2.5.1-7 2.6.1-3 2.7.1-6 2.8.1-7 2.9.1-3 2.10.1-4 3.1.1 3.2.1-4 3.3.1-4 3.4.1-5 \
        3.5.1-3 3.7.1 4.1.1-3,5 4.2.1-2 4.3.1-3 5.1.1-5 5.2.1-8 5.3.1-10 5.4.1-3 5.5.1-4 6.1.1-3 6.2.1-6 6.3.1-2 6.4.1-2 \
        7.1.1-4 7.2.1-2 7.3.1,3-4 7.4.1-3 8.1.1-4 8.2.1-3 8.3.1-8 9.1.1-3 9.2.1-4 10.2.1-2 10.3.1-3 11.1.1-8 12.1.1-3 \
        12.2.1 12.3.1-6 12.4.1-2 12.5.1-2 12.6.1 13.1.1,3-5 13.2.1-3,5-6 13.3.1-2 13.4.1-2 14.1.1-4 14.2.1-6 14.3.2-3 \
        14.4.1-7 14.5.1-4";
    let mut listed = Vec::new();
    for word in numbers.split(' ') {
        let (section, parts) = word.rsplit_once('.').unwrap();
        for part in parts.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let range = first.parse::<u32>().unwrap()..=last.parse().unwrap();
            listed.extend(range.map(|number| format!("{section}.{number}")));
        }
    }
    listed
}

#[test]
fn every_row_of_the_threat_model_names_a_test() {
    let text = fs::read_to_string(root().join("docs/security.md")).unwrap();
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with('|') && !line.starts_with("|--"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .filter(|cells: &Vec<_>| cells.len() == 4 && cells[0] != "Attacker")
        .collect();
    assert!(rows.len() > 20, "only {} rows", rows.len());
    let without: Vec<_> = rows.iter().filter(|cells| !code(cells[3]).any(is_test_name)).collect();
    assert!(without.is_empty(), "rows without a test: {without:#?}");
}

#[test]
fn every_refusal_is_explained_to_portal_developers() {
    let guide = fs::read_to_string(root().join("docs/portal-developer.md")).unwrap();
    let explained: BTreeSet<&str> = code(&guide).collect();
    let mut missing = Vec::new();
    let sources = [
        "portal/verify/src/rejection.rs",
        "portal/server/src/http/refusal.rs",
        "portal/server/src/terminal/refusal.rs",
    ];
    for source in sources {
        let text = fs::read_to_string(root().join(source)).unwrap();
        let codes = text.split("=> \"").skip(1).filter_map(|after| after.split_once('"')).map(|(code, _)| code);
        let codes: Vec<&str> = codes.filter(|code| !code.contains(' ')).collect();
        assert!(codes.len() > 10, "{source}: {codes:?}");
        missing.extend(codes.into_iter().filter(|code| !explained.contains(code)).map(str::to_owned));
    }
    assert!(missing.is_empty(), "docs/portal-developer.md does not explain {missing:?}");
}

#[test]
fn every_link_leads_to_a_file() {
    let mut faults = Vec::new();
    for (path, text) in guides() {
        for target in links(&text).filter(|target| !target.contains("://") && !target.starts_with('#')) {
            let file = target.split('#').next().unwrap_or_default();
            if !path.parent().unwrap().join(file).exists() {
                faults.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "links that lead nowhere:\n{}", faults.join("\n"));
}

/// Sites copy the button from their guide; what they copy is what the tests look at.
#[test]
fn the_guide_for_other_sites_shows_the_button_as_it_is() {
    let guide = fs::read_to_string(root().join("docs/relying-parties.md")).unwrap();
    for file in ["sign-in-button.css", "sign-in-button.html"] {
        let file = root().join("portal/server/web").join(file);
        let text = fs::read_to_string(&file).unwrap();
        assert!(guide.contains(text.trim_end()), "docs/relying-parties.md shows another {}", file.display());
        for loads in ["url(", "@import", "src=", "<script", "http"] {
            assert!(!text.contains(loads), "{loads} in {}", file.display());
        }
    }
}

#[test]
fn every_command_that_is_shown_is_one_of_dev() {
    let script = fs::read_to_string(root().join("dev")).unwrap();
    let (_, cases) = script.split_once("case \"$command\" in").unwrap();
    let (cases, _) = cases.split_once("esac").unwrap();
    let commands: BTreeSet<&str> = cases
        .lines()
        .filter_map(|line| line.trim().split_once(") "))
        .flat_map(|(names, _)| names.split('|').map(str::trim))
        .collect();
    assert!(commands.contains("demo") && commands.contains("test"), "{commands:?}");
    let mut faults = Vec::new();
    for (path, text) in guides() {
        for after in text.split("./dev ").skip(1) {
            let word: String = after.chars().take_while(char::is_ascii_lowercase).collect();
            // `./dev` followed by prose is the script itself.
            let is_prose = ["", "alone", "lists"].contains(&word.as_str());
            if !is_prose && !commands.contains(word.as_str()) {
                faults.push(format!("{}: ./dev {word}", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "commands that ./dev does not have:\n{}", faults.join("\n"));
}

/// Every test of the house, as `name` and as `module::name`.
fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let sources = rust_sources(".").into_iter();
    for (path, text) in sources.filter(|(path, text)| is_of_tests(path) || text.contains("#[cfg(test)]")) {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut is_marked = false;
        for line in text.lines().map(str::trim) {
            if let Some(name) = function_name(line).filter(|_| is_marked) {
                names.insert(format!("{stem}::{name}"));
                names.insert(name.to_owned());
            }
            let goes_on = line.starts_with("#[") || line.starts_with("//");
            is_marked = is_mark_of_test(line) || (is_marked && goes_on);
        }
    }
    names
}

fn is_of_tests(path: &Path) -> bool {
    path.strip_prefix(root()).unwrap().components().any(|part| part.as_os_str() == "tests")
}

/// What stands before a test: an attribute, or a macro of ours that makes one.
fn is_mark_of_test(line: &str) -> bool {
    line.starts_with("#[test") || line.starts_with("#[tokio::test") || line == "service_test! {"
}

fn function_name(line: &str) -> Option<&str> {
    let line = line.strip_prefix("async ").unwrap_or(line);
    line.strip_prefix("fn ")?.split_once('(').map(|(name, _)| name)
}

/// Lower-case words joined by underscores, after a module or not.
fn is_test_name(code: &str) -> bool {
    let name = code.rsplit("::").next().unwrap_or_default();
    name.matches('_').count() > 1
        && code.bytes().all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit() || b"_:".contains(&octet))
}

/// What stands between backticks.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The targets of `[text](target)`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|after| after.split_once(')')).map(|(target, _)| target)
}
