//! Requests as they are written.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::Duration;

use latchkey_crypto::assertion::{APP_VERSION_MAX_SIZE, ChallengeText, Origin};
use serde::{Deserialize, Serialize};

use super::frame::WireFault;
use super::octets::{Octets, WireReader};
use super::terminal_session::WireTerminalSession;
use crate::{
    AfterUnblocking, Asker, CONTENTS_MAX_SIZE, CardRequest, CardTask, DOCUMENT_NAME_MAX_SIZE, DeactivateWith, Document,
    Documents, ReaderChoice, Request, SignDocuments, SignIn,
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub(super) enum WireRequest {
    ListReaders,
    WatchReaders,
    OfCard { reader: Option<WireReader>, patience_milliseconds: u64, task: WireTask },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub(super) enum WireTask {
    Status,
    SignIn { origin: String, challenge: String, app_version: String },
    SignDocuments { origin: Option<String>, documents: Vec<WireDocument> },
    ReadCertificates,
    ChangePin,
    UnblockPin { new_pin: bool },
    ActivatePin,
    DeactivatePin { with_puk: bool },
    Probe,
    TerminalSession(Box<WireTerminalSession>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum WireDocument {
    File { path: Octets },
    Contents { name: String, octets: Octets },
}

impl WireRequest {
    pub(super) fn of(request: &Request) -> Self {
        match request {
            Request::ListReaders => Self::ListReaders,
            Request::WatchReaders => Self::WatchReaders,
            Request::OfCard(request) => Self::OfCard {
                reader: match &request.reader {
                    ReaderChoice::TheOnlyCard => None,
                    ReaderChoice::Reader(name) => Some(WireReader::of(name)),
                },
                patience_milliseconds: milliseconds(request.patience),
                task: WireTask::of(&request.task),
            },
        }
    }

    pub(super) fn read(self) -> Result<Request, WireFault> {
        Ok(match self {
            Self::ListReaders => Request::ListReaders,
            Self::WatchReaders => Request::WatchReaders,
            Self::OfCard { reader, patience_milliseconds, task } => Request::OfCard(CardRequest {
                reader: match reader {
                    None => ReaderChoice::TheOnlyCard,
                    Some(name) => ReaderChoice::Reader(name.read()?),
                },
                patience: Duration::from_millis(patience_milliseconds),
                task: task.read()?,
            }),
        })
    }
}

impl WireTask {
    fn of(task: &CardTask) -> Self {
        match task {
            CardTask::Status => Self::Status,
            CardTask::SignIn(sign_in) => Self::SignIn {
                origin: sign_in.origin.as_str().to_owned(),
                challenge: sign_in.challenge.as_str().to_owned(),
                app_version: sign_in.app_version.clone(),
            },
            CardTask::SignDocuments(order) => Self::SignDocuments {
                origin: match &order.asker {
                    Asker::Portal(origin) => Some(origin.as_str().to_owned()),
                    Asker::Holder => None,
                },
                documents: order.documents.as_slice().iter().map(WireDocument::of).collect(),
            },
            CardTask::ReadCertificates => Self::ReadCertificates,
            CardTask::ChangePin => Self::ChangePin,
            CardTask::UnblockPin(after) => Self::UnblockPin { new_pin: *after == AfterUnblocking::NewPin },
            CardTask::ActivatePin => Self::ActivatePin,
            CardTask::DeactivatePin(with) => Self::DeactivatePin { with_puk: *with == DeactivateWith::Puk },
            CardTask::Probe => Self::Probe,
            CardTask::TerminalSession(session) => Self::TerminalSession(Box::new(WireTerminalSession::of(session))),
        }
    }

    fn read(self) -> Result<CardTask, WireFault> {
        Ok(match self {
            Self::Status => CardTask::Status,
            Self::SignIn { origin, challenge, app_version } => {
                CardTask::SignIn(read_sign_in(&origin, &challenge, app_version)?)
            }
            Self::SignDocuments { origin, documents } => CardTask::SignDocuments(SignDocuments {
                asker: match origin {
                    Some(origin) => Asker::Portal(read_origin(&origin)?),
                    None => Asker::Holder,
                },
                documents: read_documents(documents)?,
            }),
            Self::ReadCertificates => CardTask::ReadCertificates,
            Self::ChangePin => CardTask::ChangePin,
            Self::UnblockPin { new_pin: false } => CardTask::UnblockPin(AfterUnblocking::KeepPin),
            Self::UnblockPin { new_pin: true } => CardTask::UnblockPin(AfterUnblocking::NewPin),
            Self::ActivatePin => CardTask::ActivatePin,
            Self::DeactivatePin { with_puk: false } => CardTask::DeactivatePin(DeactivateWith::Pin),
            Self::DeactivatePin { with_puk: true } => CardTask::DeactivatePin(DeactivateWith::Puk),
            Self::Probe => CardTask::Probe,
            Self::TerminalSession(session) => CardTask::TerminalSession(Box::new(session.read()?)),
        })
    }
}

fn read_sign_in(origin: &str, challenge: &str, app_version: String) -> Result<SignIn, WireFault> {
    let origin = read_origin(origin)?;
    let challenge = ChallengeText::parse(challenge).map_err(|_| WireFault::Part("challenge"))?;
    if app_version.len() > APP_VERSION_MAX_SIZE {
        return Err(WireFault::Part("program's name"));
    }
    Ok(SignIn { origin, challenge, app_version })
}

pub(super) fn read_origin(origin: &str) -> Result<Origin, WireFault> {
    // Which pages without TLS may ask is the administrator's word, which the client has.
    let parsed =
        Origin::parse(origin).or_else(|_| Origin::parse_on_loopback(origin)).map_err(|_| WireFault::Part("origin"))?;
    // What the holder is shown is what was sent, in its one spelling.
    if parsed.as_str() == origin { Ok(parsed) } else { Err(WireFault::Part("origin")) }
}

fn read_documents(documents: Vec<WireDocument>) -> Result<Documents, WireFault> {
    let documents = documents.into_iter().map(WireDocument::read).collect::<Result<_, _>>()?;
    Documents::new(documents).map_err(|_| WireFault::Part("documents"))
}

impl WireDocument {
    fn of(document: &Document) -> Self {
        match document {
            Document::File(path) => Self::File { path: Octets::of(path.as_os_str().as_bytes()) },
            Document::Contents { octets, .. } => Self::Contents { name: document.name(), octets: Octets::of(octets) },
        }
    }

    fn read(self) -> Result<Document, WireFault> {
        Ok(match self {
            Self::File { path } => {
                let path = PathBuf::from(OsString::from_vec(path.read(MAX_PATH, "path")?));
                if !path.is_absolute() {
                    return Err(WireFault::Part("path"));
                }
                Document::File(path)
            }
            Self::Contents { name, octets } => {
                if name.chars().count() > DOCUMENT_NAME_MAX_SIZE {
                    return Err(WireFault::Part("document's name"));
                }
                Document::Contents { name, octets: octets.read(CONTENTS_MAX_SIZE, "contents")? }
            }
        })
    }
}

/// As long as Linux lets a path be.
const MAX_PATH: usize = 4096;

/// Rounded up, so that a patience is not cut to nothing.
pub(super) fn milliseconds(patience: Duration) -> u64 {
    u64::try_from(patience.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}
