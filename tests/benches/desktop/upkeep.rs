//! What running programs cost, as the system counts it: a process and everything that it started.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context as _, Result};

/// The process and all its descendants.
pub(crate) fn family(head: u32) -> BTreeSet<u32> {
    let mut family = BTreeSet::from([head]);
    let parents: Vec<(u32, u32)> = processes().filter_map(|process| Some((process, parent(process)?))).collect();
    loop {
        let before = family.len();
        family.extend(
            parents
                .iter()
                .filter(|(_, parent)| family.contains(parent))
                .map(|(process, _)| *process)
                .collect::<Vec<_>>(),
        );
        if family.len() == before {
            return family;
        }
    }
}

/// Proportional set size of the whole family, in MiB: what is shared with others is counted in shares.
pub(crate) fn memory(head: u32) -> Result<f64> {
    let kibibytes: Result<Vec<u32>> = family(head).into_iter().map(proportional).collect();
    Ok(f64::from(kibibytes?.into_iter().sum::<u32>()) / 1024.0)
}

/// How often each thread of a family was given a processor so far.
pub(crate) struct WakeUps(BTreeMap<String, u64>);

impl WakeUps {
    pub(crate) fn of(head: u32) -> Self {
        let tasks = family(head).into_iter().flat_map(|process| entries(&format!("/proc/{process}/task")));
        Self(tasks.map(|(path, _)| (path.clone(), switches(&path))).collect())
    }

    /// How often until now. A thread that has ended meanwhile says nothing any more; one that has begun counts in full.
    pub(crate) fn since(&self, before: &Self) -> u64 {
        let until = |task| before.0.get(task).copied().unwrap_or_default();
        self.0.iter().map(|(task, count)| count.saturating_sub(until(task))).sum()
    }
}

/// The names of the family's processes.
pub(crate) fn names(head: u32) -> Vec<String> {
    let name = |process| fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default().trim_end().to_owned();
    family(head).into_iter().map(name).collect()
}

/// Whether the program in that process was put there by itself, in place of the one that was started.
pub(crate) fn is_started_anew(process: u32) -> bool {
    let arguments = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    arguments.split(|octet| *octet == 0).any(|argument| argument == b"--continue")
}

fn proportional(process: u32) -> Result<u32> {
    // The agent lets nobody but root look into its memory; the resident size, which everybody may read, is never less.
    let exact = fs::read_to_string(format!("/proc/{process}/smaps_rollup"));
    let (text, field) = match exact {
        Ok(text) => (text, "Pss:"),
        Err(_) => (fs::read_to_string(format!("/proc/{process}/status"))?, "VmRSS:"),
    };
    number(&text, field).with_context(|| format!("process {process} has no {field}"))
}

fn switches(task: &str) -> u64 {
    let status = fs::read_to_string(format!("{task}/status")).unwrap_or_default();
    ["voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:"]
        .iter()
        .filter_map(|field| number::<u64>(&status, field))
        .sum()
}

fn parent(process: u32) -> Option<u32> {
    number(&fs::read_to_string(format!("/proc/{process}/status")).ok()?, "PPid:")
}

/// The number on the line that begins with that.
fn number<T: std::str::FromStr>(text: &str, field: &str) -> Option<T> {
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}

fn processes() -> impl Iterator<Item = u32> {
    entries("/proc").into_iter().filter_map(|(_, name)| name.parse().ok())
}

/// Paths and names.
fn entries(folder: &str) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| (entry.path().to_string_lossy().into_owned(), entry.file_name().to_string_lossy().into_owned()))
        .collect()
}
