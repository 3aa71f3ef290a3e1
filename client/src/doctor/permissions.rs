//! What browsers were told about pages that want to call this computer. Browsers made of Chromium ask their user once a
//! site and keep the answer in the preferences of the profile.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use latchkey_crypto::assertion::Origin;
use serde_json::Value;

use super::surroundings::LoopbackPermission;

/// The answers of the browsers whose folders are in one of these, one for each browser that has any: a no in one profile
/// is told, whatever other profiles say.
#[must_use]
pub fn permissions_in(folders: &[PathBuf], portal: &Origin) -> Vec<LoopbackPermission> {
    let answers = BROWSERS.iter().filter_map(|(browser, folder)| {
        let profiles = folders.iter().flat_map(|parent| profiles(&parent.join(folder)));
        let answers: Vec<bool> = profiles.flat_map(|profile| answers(&profile, portal)).collect();
        let is_granted = !answers.is_empty() && answers.iter().all(|granted| *granted);
        (!answers.is_empty()).then_some(LoopbackPermission { browser, is_granted })
    });
    answers.collect()
}

fn profiles(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.path().join("Preferences"));
    files.filter(|file| file.is_file()).collect()
}

fn answers(preferences: &Path, portal: &Origin) -> Vec<bool> {
    let mut octets = Vec::new();
    let read = File::open(preferences).and_then(|file| file.take(PREFERENCES_MAX_SIZE).read_to_end(&mut octets));
    let whole: Option<Value> = read.ok().and_then(|_| serde_json::from_slice(&octets).ok());
    let pattern = format!("https://{}:{},*", portal.host(), portal.port());
    let answer = |kind: &str| {
        let exceptions = whole.as_ref()?.get("profile")?.get("content_settings")?.get("exceptions")?;
        match exceptions.get(kind)?.get(&pattern)?.get("setting")?.as_u64()? {
            ALLOWED => Some(true),
            BLOCKED => Some(false),
            _ => None,
        }
    };
    ["loopback_network", "local_network_access"].into_iter().filter_map(answer).collect()
}

/// Browsers made of Chromium, and their folders beside other programs' settings.
const BROWSERS: &[(&str, &str)] = &[
    ("Chromium", "chromium"),
    ("Google Chrome", "google-chrome"),
    ("Microsoft Edge", "microsoft-edge"),
    ("Brave", "BraveSoftware/Brave-Browser"),
];
/// Chromium's numbers of answers.
const ALLOWED: u64 = 1;
const BLOCKED: u64 = 2;
/// Most octets of a profile's preferences that are read.
const PREFERENCES_MAX_SIZE: u64 = 16 * 1024 * 1024;
