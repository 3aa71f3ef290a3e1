//! TOML read with the line of every key, so that each fault can be pointed at.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What is wrong with a configuration, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {}{problem}", key_part(.key))]
pub struct Fault {
    /// The line, counted from 1.
    pub line: usize,
    /// The key with the names of its tables, `tls.key`; empty if the text is no TOML.
    pub key: String,
    /// What is wrong.
    pub problem: String,
}

/// A value and the place it stands at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    line: usize,
    key: String,
}

/// A table that is read key by key; a key that nobody asked for is a fault.
pub(super) struct Table<'t> {
    text: &'t str,
    name: String,
    line: usize,
    entries: BTreeMap<String, (Range<usize>, Spanned<DeValue<'t>>)>,
}

impl Fault {
    /// The fault of a table or key that is not there.
    #[must_use]
    pub fn missing(key: &str) -> Self {
        Self { line: 1, key: key.to_owned(), problem: "is missing".to_owned() }
    }

    /// A fault that no single key is to blame for.
    pub(crate) fn without_place(problem: &dyn std::error::Error) -> Self {
        Self { line: 1, key: String::new(), problem: problem.to_string() }
    }
}

impl<T> Located<T> {
    /// A fault of this value.
    pub fn fault(&self, problem: impl ToString) -> Fault {
        Fault { line: self.line, key: self.key.clone(), problem: problem.to_string() }
    }

    /// A fault of the file that this value names.
    pub fn file_fault(&self, problem: impl Display) -> Fault
    where
        T: AsRef<Path>,
    {
        self.fault(format!("{}: {problem}", self.value.as_ref().display()))
    }

    /// Turns the value into another type.
    ///
    /// # Errors
    /// The [`Fault`] of this value with what the conversion said.
    pub fn parse<U, E: ToString>(self, parse: impl FnOnce(T) -> Result<U, E>) -> Result<Located<U>, Fault> {
        let Self { value, line, key } = self;
        match parse(value) {
            Ok(value) => Ok(Located { value, line, key }),
            Err(problem) => Err(Fault { line, key, problem: problem.to_string() }),
        }
    }
}

impl<'t> Table<'t> {
    /// The whole document.
    pub(super) fn root(text: &'t str) -> Result<Self, Fault> {
        let root = DeTable::parse(text).map_err(|error| Fault {
            line: error.span().map_or(1, |span| line_of(text, span.start)),
            key: String::new(),
            problem: error.message().to_owned(),
        })?;
        Ok(Self::new(text, String::new(), 1, root.into_inner()))
    }

    fn new(text: &'t str, name: String, line: usize, table: DeTable<'t>) -> Self {
        let entries = table.into_iter().map(|(key, value)| (key.get_ref().to_string(), (key.span(), value))).collect();
        Self { text, name, line, entries }
    }

    /// The table under `key`.
    pub(super) fn table(&mut self, key: &str) -> Result<Self, Fault> {
        match self.optional_table(key)? {
            Some(table) => Ok(table),
            None => Err(self.missing(key)),
        }
    }

    /// The table under `key`, if it is there.
    pub(super) fn optional_table(&mut self, key: &str) -> Result<Option<Self>, Fault> {
        let Some(found) = self.take(key) else { return Ok(None) };
        let line = found.line;
        let name = found.key.clone();
        let table = found.parse(|value| match value {
            DeValue::Table(table) => Ok(table),
            other => Err(format!("must be a table, not {}", kind(&other))),
        })?;
        Ok(Some(Self::new(self.text, name, line, table.value)))
    }

    /// The tables of the array under `key`, of which there may be none.
    pub(super) fn tables(&mut self, key: &str) -> Result<Vec<Self>, Fault> {
        let Some(found) = self.take(key) else { return Ok(Vec::new()) };
        let name = found.key.clone();
        let array = found.parse(|value| match value {
            DeValue::Array(array) => Ok(array),
            other => Err(format!("must be an array of tables, not {}", kind(&other))),
        })?;
        let mut tables = Vec::new();
        for element in array.value {
            let line = line_of(self.text, element.span().start);
            match element.into_inner() {
                DeValue::Table(table) => tables.push(Self::new(self.text, name.clone(), line, table)),
                other => {
                    let problem = format!("must be an array of tables, not of {}", kind(&other));
                    return Err(Fault { line, key: name, problem });
                }
            }
        }
        Ok(tables)
    }

    pub(super) fn string(&mut self, key: &str) -> Result<Located<String>, Fault> {
        match self.optional_string(key)? {
            Some(string) => Ok(string),
            None => Err(self.missing(key)),
        }
    }

    pub(super) fn optional_string(&mut self, key: &str) -> Result<Option<Located<String>>, Fault> {
        self.take(key).map(|found| found.parse(string)).transpose()
    }

    /// An array of strings, each with its own line.
    pub(super) fn strings(&mut self, key: &str) -> Result<Located<Vec<Located<String>>>, Fault> {
        match self.optional_strings(key)? {
            Some(strings) => Ok(strings),
            None => Err(self.missing(key)),
        }
    }

    pub(super) fn optional_strings(&mut self, key: &str) -> Result<Option<Located<Vec<Located<String>>>>, Fault> {
        let Some(found) = self.take(key) else { return Ok(None) };
        let array = found.parse(|value| match value {
            DeValue::Array(array) => Ok(array),
            other => Err(format!("must be an array of strings, not {}", kind(&other))),
        })?;
        let Located { value, line, key } = array;
        let mut strings = Vec::new();
        for element in value {
            let element_line = line_of(self.text, element.span().start);
            let element = Located { value: element.into_inner(), line: element_line, key: key.clone() };
            strings.push(element.parse(string)?);
        }
        Ok(Some(Located { value: strings, line, key }))
    }

    /// A whole number within `range`, or `default` if there is none.
    pub(super) fn number(&mut self, key: &str, range: RangeInclusive<u32>, default: u32) -> Result<u32, Fault> {
        let Some(found) = self.take(key) else { return Ok(default) };
        let number = found.parse(|value| match value {
            DeValue::Integer(number) => u32::from_str_radix(number.as_str(), number.radix())
                .ok()
                .filter(|number| range.contains(number))
                .ok_or_else(|| format!("must be from {} to {}, not {number}", range.start(), range.end())),
            other => Err(format!("must be a whole number, not {}", kind(&other))),
        })?;
        Ok(number.value)
    }

    /// A truth value, or `default` if there is none.
    pub(super) fn truth(&mut self, key: &str, default: bool) -> Result<bool, Fault> {
        let Some(found) = self.take(key) else { return Ok(default) };
        let truth = found.parse(|value| match value {
            DeValue::Boolean(truth) => Ok(truth),
            other => Err(format!("must be true or false, not {}", kind(&other))),
        })?;
        Ok(truth.value)
    }

    /// A fault of the table as a whole.
    pub(super) fn fault(&self, problem: impl ToString) -> Fault {
        Fault { line: self.line, key: self.name.clone(), problem: problem.to_string() }
    }

    /// Refuses a key that named a file of a key which is in the folder of the service's own keys now.
    pub(super) fn is_in_folder(&mut self, key: &str, of: &str) -> Result<(), Fault> {
        let problem = format!("is in keys.folder now: `latchkey-portal keys take {of} FILE` puts it there");
        self.optional_string(key)?.map_or(Ok(()), |found| Err(found.fault(problem)))
    }

    /// Says that everything was asked for.
    pub(super) fn end(self) -> Result<(), Fault> {
        match self.entries.iter().min_by_key(|(_, (span, _))| span.start) {
            None => Ok(()),
            Some((key, (span, _))) => Err(Fault {
                line: line_of(self.text, span.start),
                key: self.path(key),
                problem: "there is no such key".to_owned(),
            }),
        }
    }

    fn take(&mut self, key: &str) -> Option<Located<DeValue<'t>>> {
        let (span, value) = self.entries.remove(key)?;
        Some(Located { value: value.into_inner(), line: line_of(self.text, span.start), key: self.path(key) })
    }

    fn missing(&self, key: &str) -> Fault {
        Fault { line: self.line, key: self.path(key), problem: "is missing".to_owned() }
    }

    fn path(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }
}

fn string(value: DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.into_owned()),
        other => Err(format!("must be a string, not {}", kind(&other))),
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "a truth value",
        DeValue::Datetime(_) => "a time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|octet| *octet == b'\n').count() + 1
}

fn key_part(key: &str) -> String {
    if key.is_empty() { String::new() } else { format!("`{key}` ") }
}
