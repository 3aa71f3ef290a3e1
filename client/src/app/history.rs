//! What the holder wants remembered, as the window shows and deletes them. The key store may keep whoever asks it
//! waiting: it is asked on threads of their own.

use std::collections::HashMap;
use std::sync::Arc;

use getrandom::SysRng;
use latchkey_crypto::assertion::Origin;
use rand_core::UnwrapErr;
use time::format_description::well_known::Rfc3339;

use super::snapshot::{HistoryEntry, HistoryKind, HistoryResult};
use super::{Shared, State};
use crate::desk::{DeskView, Phase, RequestFailure, RequestNumber, RequestView};
use crate::history::{Code, Entry, EntryKind, EntryResult, History, HistoryFailure};
use crate::wording::Told;

/// What is known of the history.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    entries: Vec<Entry>,
    failure: Option<HistoryFailure>,
    /// Requests that have not come to an end, with what they would have come to.
    open: HashMap<RequestNumber, (Asked, Option<EntryResult>)>,
}

/// Which site asked, and what for.
#[derive(Debug, Clone)]
struct Asked {
    origin: String,
    kind: EntryKind,
}

impl Remembered {
    pub(super) fn view(&self) -> Vec<HistoryEntry> {
        self.entries.iter().map(entry).collect()
    }

    pub(super) const fn failure(&self) -> Option<&HistoryFailure> {
        self.failure.as_ref()
    }

    /// What the window showed is forgotten with it.
    pub(super) fn forget(&mut self) {
        self.entries.clear();
    }

    /// The holder refused this request: what he refused is worth remembering, what was taken back is not.
    pub(super) fn refused(&mut self, number: RequestNumber) {
        if let Some((_, result)) = self.open.get_mut(&number) {
            *result = Code::parse(RequestFailure::HolderRefused.code()).map(EntryResult::Failed);
        }
    }

    /// What has come to an end since the desk was looked at last.
    fn ended(&mut self, at_desk: &DeskView) -> Vec<(Asked, EntryResult)> {
        let (mut ended, mut open) = (Vec::new(), HashMap::new());
        for request in &at_desk.requests {
            let before = self.open.remove(&request.id);
            let result = result(&request.phase);
            match result {
                Some(result) if is_final(request) => {
                    if before.is_some() {
                        ended.push((Asked::by(request), result));
                    }
                }
                result => {
                    open.insert(request.id, (Asked::by(request), result));
                }
            }
        }
        // What is gone after a failure was not tried again.
        ended.extend(self.open.drain().filter_map(|(_, (asked, result))| Some((asked, result?))));
        self.open = open;
        ended
    }
}

impl Asked {
    fn by(request: &RequestView) -> Self {
        let kind = match (&request.disclosure, request.documents.is_empty()) {
            (Some(_), _) => EntryKind::Terminal,
            (None, false) => EntryKind::Documents,
            (None, true) => EntryKind::SignIn,
        };
        Self { origin: request.origin.clone(), kind }
    }
}

fn is_final(request: &RequestView) -> bool {
    request.is_over || matches!(request.phase, Phase::Done)
}

fn result(phase: &Phase) -> Option<EntryResult> {
    match phase {
        Phase::Done => Some(EntryResult::Done),
        Phase::Failed { failure } => Code::parse(failure.code()).map(EntryResult::Failed),
        _ => None,
    }
}

fn entry(entry: &Entry) -> HistoryEntry {
    HistoryEntry {
        at: entry.at.format(&Rfc3339).unwrap_or_default(),
        origin: entry.origin.to_string(),
        kind: match entry.kind {
            EntryKind::SignIn => HistoryKind::SignIn,
            EntryKind::Documents => HistoryKind::Documents,
            EntryKind::Terminal => HistoryKind::Terminal,
        },
        result: match &entry.result {
            EntryResult::Done => HistoryResult::Done,
            EntryResult::Failed(code) if code.as_str() == RequestFailure::HolderRefused.code() => {
                HistoryResult::Refused
            }
            EntryResult::Failed(_) => HistoryResult::Failed,
        },
    }
}

/// The desk shows something new: what has come to an end is remembered, if the holder wants that.
pub(super) fn attend(shared: &Arc<Shared>, at_desk: &DeskView) {
    let ended = shared.change(|state| state.remembered.ended(at_desk));
    if ended.is_empty() || !shared.around.settings.settings().history {
        return;
    }
    let at = (shared.around.clock)();
    with_history(shared, move |history| {
        for (Asked { origin, kind }, result) in ended {
            // The desk has it from an origin.
            let Ok(origin) = Origin::parse(&origin) else { continue };
            history.remember(Entry { at, origin, kind, result }, &mut UnwrapErr(SysRng))?;
        }
        history.entries()
    });
}

/// A window was opened, or the setting changed: what is remembered is read.
pub(super) fn read(shared: &Arc<Shared>) {
    let is_on = shared.around.settings.settings().history;
    with_history(shared, move |history| {
        history.possible()?;
        if is_on { history.entries() } else { Ok(Vec::new()) }
    });
}

/// The holder wants everything forgotten.
pub(super) fn delete(shared: &Arc<Shared>) {
    with_history(shared, |history| history.delete().map(|()| Vec::new()));
}

/// Does something with the history and shows what is remembered then.
fn with_history(
    shared: &Arc<Shared>,
    work: impl FnOnce(&History) -> Result<Vec<Entry>, HistoryFailure> + Send + 'static,
) {
    let Some(history) = shared.around.history.clone() else { return };
    let (worker, errand) = (Arc::clone(shared), shared.errand());
    let thread = std::thread::Builder::new().name("history".into()).spawn(move || {
        let _errand = errand;
        let result = work(&history);
        worker.change(|state| show(state, result));
    });
    if let Err(error) = thread {
        tracing::error!(%error, "there can be no thread");
    }
}

fn show(state: &mut State, result: Result<Vec<Entry>, HistoryFailure>) {
    match result {
        Ok(entries) => {
            state.remembered.entries = entries;
            state.remembered.failure = None;
        }
        Err(failure) => {
            tracing::info!(code = Told::code(&failure), "the history cannot be used");
            state.remembered.failure = Some(failure);
        }
    }
}
