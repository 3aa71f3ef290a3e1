//! The holder's settings file: read key by key, so that one slip costs one setting; changed in place, so that comments
//! and keys of other versions stay; written whole or not at all.

use std::fs::{self, DirBuilder, File};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use latchkey_crypto::assertion::Origin;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use toml_edit::{Document, DocumentMut, Item, Table};

use super::sites::{SITES_MAX, TERMINALS_MAX, Word, Words};
use super::value::{Choices, InvalidValue};
use super::{Fault, Setting, SettingName};

/// Longest file that is read, in octets.
pub(super) const FILE_MAX_SIZE: u64 = 256 * 1024;
const SITES: &str = "sites";
const TERMINALS: &str = "terminals";
const SITE: &str = "site";
const STATE: &str = "state";
const SINCE: &str = "since";

/// What a settings file says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Contents {
    pub(super) choices: Choices,
    pub(super) words: Words,
    /// What cannot be understood, in the file's order. It has no effect.
    pub(super) faults: Vec<Fault>,
}

impl Contents {
    /// Reads a file's text. Unknown keys are another version's and no fault.
    pub(super) fn parse(text: &str) -> Self {
        let mut contents = Self::default();
        let document = match Document::parse(text) {
            Ok(document) => document,
            Err(error) => {
                contents.faults.push(Fault::at(text, error.span().map(|span| span.start), error.message()));
                return contents;
            }
        };
        for (key, item) in document.iter() {
            let read = if key == SITES {
                contents.read_sites(text, item)
            } else if key == TERMINALS {
                contents.read_terminals(text, item)
            } else if let Some(name) = SettingName::ALL.into_iter().find(|name| name.key() == key) {
                Setting::from_file(name, item).map(|setting| contents.choices.choose(setting))
            } else {
                tracing::info!(key, "the settings file has a key that this version does not know");
                Ok(())
            };
            if let Err(problem) = read {
                contents.faults.push(fault(text, item, key, &problem));
            }
        }
        contents
    }

    fn read_sites(&mut self, text: &str, item: &Item) -> Result<(), InvalidValue> {
        let sites = item.as_table_like().ok_or(InvalidValue { wanted: "a table of sites" })?;
        for (key, site) in sites.iter().take(SITES_MAX) {
            match read_site(key, site) {
                Ok((origin, word, since)) => self.words.say(origin, word, since),
                Err(problem) => self.faults.push(fault(text, site, &format!("{SITES}.\"{key}\""), &problem)),
            }
        }
        Ok(())
    }

    fn read_terminals(&mut self, text: &str, item: &Item) -> Result<(), InvalidValue> {
        let terminals = item.as_table_like().ok_or(InvalidValue { wanted: "a table of terminals" })?;
        for (key, terminal) in terminals.iter().take(TERMINALS_MAX) {
            match read_terminal(key, terminal) {
                Ok((origin, since)) => self.words.let_in(key, origin, since),
                Err(problem) => self.faults.push(fault(text, terminal, &format!("{TERMINALS}.{key}"), &problem)),
            }
        }
        Ok(())
    }
}

/// A terminal's name is that of a CV certificate's holder.
fn read_terminal(key: &str, terminal: &Item) -> Result<(Origin, OffsetDateTime), InvalidValue> {
    if latchkey_crypto::cv::Name::parse(key.as_bytes()).is_err() {
        return Err(InvalidValue { wanted: "named by 8 to 12 letters and digits" });
    }
    let site = terminal.get(SITE).and_then(Item::as_str).unwrap_or_default();
    let origin = Origin::parse(site).or_else(|_| Origin::parse_without_tls(site));
    let origin = origin.or_else(|_| Origin::parse_on_loopback(site)).ok().filter(|origin| origin.as_str() == site);
    let origin = origin.ok_or(InvalidValue { wanted: "of a site like https://portal.example" })?;
    Ok((origin, since(terminal)?))
}

fn read_site(key: &str, site: &Item) -> Result<(Origin, Word, OffsetDateTime), InvalidValue> {
    // Which page without TLS may ask at all is the administrator's word alone.
    let origin = Origin::parse(key).or_else(|_| Origin::parse_on_loopback(key));
    let origin = origin.ok().filter(|origin| origin.as_str() == key);
    let origin = origin.ok_or(InvalidValue { wanted: "named by its origin, like https://portal.example" })?;
    let text = |name| site.get(name).and_then(Item::as_str);
    let word = text(STATE).and_then(Word::of_code).ok_or(InvalidValue { wanted: "of the state allowed or refused" })?;
    Ok((origin, word, since(site)?))
}

fn since(item: &Item) -> Result<OffsetDateTime, InvalidValue> {
    let since = item.get(SINCE).and_then(Item::as_str).and_then(|since| OffsetDateTime::parse(since, &Rfc3339).ok());
    since.ok_or(InvalidValue { wanted: "dated like 2026-01-31T12:00:00Z" })
}

fn fault(text: &str, item: &Item, key: &str, problem: &InvalidValue) -> Fault {
    Fault::at(text, item.span().map(|span| span.start), format!("{key} {problem}"))
}

/// A text with one setting changed. A text that is no TOML is given up: `None`.
pub(super) fn with_setting(text: &str, setting: &Setting) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    replace(document.as_table_mut(), setting.name().key(), setting.to_file());
    Some(document.to_string())
}

/// A text with what the holder said about sites, and what is known of terminals, replaced.
pub(super) fn with_words(text: &str, words: &Words) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let mut sites = Table::new();
    sites.set_implicit(true);
    for (origin, word, since) in words.iter() {
        let mut site = Table::new();
        site.insert(STATE, toml_edit::value(word.code()));
        site.insert(SINCE, toml_edit::value(since.format(&Rfc3339).ok()?));
        sites.insert(origin.as_str(), Item::Table(site));
    }
    let mut terminals = Table::new();
    terminals.set_implicit(true);
    for (name, origin, since) in words.terminals() {
        let mut terminal = Table::new();
        terminal.insert(SITE, toml_edit::value(origin.as_str()));
        terminal.insert(SINCE, toml_edit::value(since.format(&Rfc3339).ok()?));
        terminals.insert(name, Item::Table(terminal));
    }
    for (key, table) in [(SITES, sites), (TERMINALS, terminals)] {
        document.as_table_mut().remove(key);
        if !table.is_empty() {
            document.insert(key, Item::Table(table));
        }
    }
    Some(document.to_string())
}

/// Keeps what is written around the former value, such as a comment behind it.
fn replace(table: &mut Table, key: &str, mut item: Item) {
    if let (Some(former), Some(value)) = (table.get(key).and_then(Item::as_value), item.as_value_mut()) {
        *value.decor_mut() = former.decor().clone();
    }
    table.insert(key, item);
}

/// Reads a text that nobody else may write to. `None` if there is none.
pub(super) fn read(path: &Path, owners: &[u32], max_size: u64) -> Result<Option<String>, String> {
    let Some(octets) = read_octets(path, owners, max_size)? else { return Ok(None) };
    String::from_utf8(octets).map(Some).map_err(|error| error.to_string())
}

/// Reads a file that nobody else may write to. `None` if there is none.
pub(super) fn read_octets(path: &Path, owners: &[u32], max_size: u64) -> Result<Option<Vec<u8>>, String> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("this is not a file".to_owned());
    }
    if metadata.mode() & OTHERS_WRITE != 0 {
        return Err("others may write to it".to_owned());
    }
    if !owners.contains(&metadata.uid()) {
        return Err("it belongs to somebody else".to_owned());
    }
    let mut octets = Vec::new();
    file.take(max_size.saturating_add(1)).read_to_end(&mut octets).map_err(|error| error.to_string())?;
    if u64::try_from(octets.len()).unwrap_or(u64::MAX) > max_size {
        return Err("it is too long".to_owned());
    }
    Ok(Some(octets))
}

/// Group or others may write.
const OTHERS_WRITE: u32 = 0o022;

/// Writes a file for its owner's eyes only: whole or not at all.
pub(super) fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_folder(folder)?;
    // Readable and writable by its owner alone from the start.
    let mut file = tempfile::Builder::new().prefix(".settings-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder)?.sync_all()
}

/// Makes a folder that nobody else can look into, if it is not there.
pub(super) fn make_folder(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Puts a file aside that cannot be changed in place, under a name that nothing has yet.
pub(super) fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    for number in 1..=SET_ASIDE_MAX {
        let aside = path.with_extension(format!("toml.damaged-{number}"));
        // Fails if the name is taken, so nothing that was put aside before is lost.
        match fs::hard_link(path, &aside) {
            Ok(()) => return Ok(aside),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(std::io::ErrorKind::StorageFull.into())
}

/// Most damaged files beside the one in use.
const SET_ASIDE_MAX: u32 = 100;
