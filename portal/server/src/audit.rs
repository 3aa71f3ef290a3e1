//! The audit log: what happened, one JSON object per line, each with a number and a value that depends on all lines before
//! it. `docs/audit.md` lists the events. No personal data: a cabinet is named by the first octets of its id, which was drawn.
//!
//! Several processes on one machine may write one file: a line is added under a lock, and continues the last one.

mod event;

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use latchkey_crypto::belt;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub use event::Event;

use crate::configuration::{Fault, Located};
use crate::metrics::Metrics;

/// Most octets of a line.
pub const LINE_MAX_SIZE: usize = 4096;
const HASH_SIZE: usize = 32;
/// What the first line continues.
const BEGINNING: Link = Link { number: 0, hash: [0; HASH_SIZE] };

/// The log that events are written to, if to any.
#[derive(Debug)]
pub struct Audit(Option<AuditFile>);

#[derive(Debug)]
struct AuditFile {
    path: PathBuf,
    /// What this process has seen last: a file that was put aside is continued by the next one.
    last: Mutex<Link>,
}

/// A line's number, and the value that depends on it and all before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Link {
    number: u64,
    hash: [u8; HASH_SIZE],
}

/// How a log ends.
struct End {
    /// The last line, if there is one.
    link: Option<Link>,
    /// Whether nothing stands behind it.
    is_whole: bool,
}

/// What a log that was looked through is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How many lines it has.
    pub lines: u64,
    /// The number of the last one.
    pub number: u64,
    /// The value of the last one, hexadecimal: whoever has noted it can tell that nothing up to there was changed.
    pub hash: String,
}

/// Why a log does not hold together.
#[derive(Debug, thiserror::Error)]
pub enum AuditFault {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A line is not the one that belongs there.
    #[error("{}: line {line}: {problem}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// What is wrong.
        problem: &'static str,
    },
}

impl Audit {
    /// No log.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// Looks at the log. It is made, its owner's alone, with the first event.
    ///
    /// # Errors
    /// The [`Fault`] of the file: it cannot be written, or its end is no line of this log.
    pub fn open(file: Option<&Located<PathBuf>>) -> Result<Self, Fault> {
        let Some(file) = file else { return Ok(Self::none()) };
        let last = match OpenOptions::new().read(true).append(true).open(&file.value) {
            Ok(mut opened) => last_link(&mut opened).map(|end| end.link),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        let last = last.map_err(|error| file.file_fault(format!("cannot be continued: {error}")))?;
        let last = Mutex::new(last.unwrap_or(BEGINNING));
        Ok(Self(Some(AuditFile { path: file.value.clone(), last })))
    }

    /// Writes an event down. It is with the system when this returns.
    ///
    /// # Errors
    /// What the system says.
    pub fn note(&self, now: OffsetDateTime, event: &Event<'_>) -> io::Result<()> {
        let Some(AuditFile { path, last }) = &self.0 else { return Ok(()) };
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = open_locked(path)?;
        let End { link, is_whole } = last_link(&mut file)?;
        let former = link.unwrap_or(*last);
        let mut line = Map::new();
        line.insert("time".to_owned(), now.format(&Rfc3339).map_err(io::Error::other)?.into());
        line.insert("event".to_owned(), event.name().into());
        line.extend(event.details().into_iter().map(|(name, value)| (name.to_owned(), value.into())));
        let link = former.next(&mut line);
        // One write: a line is there in whole, or what is there of it is no line.
        let broken_off = if is_whole { "" } else { "\n" };
        file.write_all(format!("{broken_off}{}\n", Value::Object(line)).as_bytes())?;
        *last = link;
        Ok(())
    }
}

impl Audit {
    /// Writes an event down. If that fails, it is counted and told in the log, and the service goes on.
    pub(crate) fn tell(&self, metrics: &Metrics, now: OffsetDateTime, event: &Event<'_>) {
        if let Err(error) = self.note(now, event) {
            metrics.audit_failed();
            tracing::error!(%error, event = event.name(), "an event could not be written to the audit log");
        }
    }
}

impl Link {
    /// Numbers a line, and says what depends on it.
    fn next(self, line: &mut Map<String, Value>) -> Self {
        let number = self.number.saturating_add(1);
        line.insert("number".to_owned(), number.into());
        line.remove("chain");
        let hash =
            belt::hash(&[b"latchkey-portal audit ", &self.hash, Value::Object(line.clone()).to_string().as_bytes()]);
        line.insert("chain".to_owned(), hex::encode(hash).into());
        Self { number, hash }
    }

    fn of(line: &Map<String, Value>) -> Option<Self> {
        let number = line.get("number")?.as_u64()?;
        let mut hash = [0; HASH_SIZE];
        hex::decode_to_slice(line.get("chain")?.as_str()?, &mut hash).ok()?;
        Some(Self { number, hash })
    }
}

/// Looks a log through: every line continues the one before it. A log whose first lines were put aside begins with
/// whatever its first line says.
///
/// # Errors
/// The first [`AuditFault`].
pub fn verify(path: &Path) -> Result<Verified, AuditFault> {
    let unreadable = |source| AuditFault::Unreadable { path: path.to_owned(), source };
    let mut reader = BufReader::new(File::open(path).map_err(unreadable)?);
    let (mut lines, mut former): (u64, Option<Link>) = (0, None);
    loop {
        let mut octets = Vec::new();
        let limit = u64::try_from(LINE_MAX_SIZE).unwrap_or(u64::MAX);
        let size = reader.by_ref().take(limit).read_until(b'\n', &mut octets).map_err(unreadable)?;
        if size == 0 {
            break;
        }
        lines = lines.saturating_add(1);
        let wrong = |problem| AuditFault::Line { path: path.to_owned(), line: lines, problem };
        let text = octets.strip_suffix(b"\n").ok_or_else(|| wrong("is broken off, or too long"))?;
        let line: Map<String, Value> = serde_json::from_slice(text).map_err(|_| wrong("is no object of JSON"))?;
        let link = Link::of(&line).ok_or_else(|| wrong("has no number or no chain"))?;
        let expected = former.or((link.number == 1).then_some(BEGINNING));
        if let Some(former) = expected {
            if link.number != former.number.saturating_add(1) {
                return Err(wrong("does not have the next number: lines are missing"));
            }
            let mut repeated = line;
            if former.next(&mut repeated) != link {
                return Err(wrong("is not what was written, or what stands before it is not"));
            }
        }
        former = Some(link);
    }
    let Link { number, hash } = former.unwrap_or(BEGINNING);
    Ok(Verified { lines, number, hash: hex::encode(hash) })
}

/// Opens the file for one line. Until it is closed, nobody else writes one.
fn open_locked(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).create(true).append(true).mode(0o600).open(path)?;
    file.lock()?;
    Ok(file)
}

/// The end of a log. What a process that was killed has left of a line, after the last whole one, is no line: the log does
/// not hold together there.
fn last_link(file: &mut File) -> io::Result<End> {
    let length = file.seek(SeekFrom::End(0))?;
    let room = u64::try_from(LINE_MAX_SIZE.saturating_mul(2)).unwrap_or(u64::MAX);
    file.seek(SeekFrom::Start(length.saturating_sub(room)))?;
    let mut end = Vec::new();
    (&*file).take(room).read_to_end(&mut end)?;
    let is_whole = end.last().is_none_or(|octet| *octet == b'\n');
    let link = |line: &[u8]| Link::of(&serde_json::from_slice(line).ok()?);
    let last = end.rsplit(|octet| *octet == b'\n').find_map(link);
    match last {
        None if length > 0 => Err(io::Error::new(io::ErrorKind::InvalidData, "its end is no line of an audit log")),
        link => Ok(End { link, is_whole }),
    }
}
