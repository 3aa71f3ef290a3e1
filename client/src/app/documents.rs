//! Documents that the holder signs himself. Their paths come from the system's dialog or from files that were dropped on
//! the window, never from its page.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use latchkey_agent::{
    Answer, Asker, Cancellation, CardRequest, CardTask, DOCUMENTS_MAX, Document, DocumentResults, Documents, Failure,
    ReaderChoice, ReaderName, Report, Request, SecretKind, SignDocuments, Step,
};

use super::Shared;
use super::card::secret;
use super::readers::shown;
use super::snapshot::{self, DocumentResult, DocumentsView, Phase};
use crate::documents::{Placement, SignaturePlace};
use crate::texts::{Texts, quotable};
use crate::wording::Told;

/// The documents that were chosen, and what became of them.
#[derive(Default)]
pub(super) struct MyDocuments {
    files: Vec<Chosen>,
    attached: bool,
    at_work: Option<AtWork>,
    results: Option<Vec<Outcome>>,
    failure: Option<Failure>,
    chosen_reader: Option<ReaderName>,
    last_number: u64,
}

#[derive(Clone)]
struct Chosen {
    path: PathBuf,
    size: u64,
}

struct AtWork {
    number: u64,
    phase: Phase,
    readers: Vec<ReaderName>,
    cancellation: Cancellation,
}

/// What became of a document: where its signature is, or why there is none.
struct Outcome {
    document: PathBuf,
    result: Result<PathBuf, Arc<dyn Told + Send + Sync>>,
}

impl MyDocuments {
    pub(super) fn view(&self, texts: &Texts) -> DocumentsView {
        let file = |chosen: &Chosen| snapshot::ChosenDocument {
            name: name(&chosen.path),
            folder: folder(&chosen.path),
            size: texts.size(chosen.size),
        };
        let result = |outcome: &Outcome| DocumentResult {
            name: name(&outcome.document),
            signature: outcome.result.as_ref().ok().map(|path| name(path)),
            failure: outcome
                .result
                .as_ref()
                .err()
                .map(|failure| snapshot::Failure::of(&**failure, texts).without_remedy()),
        };
        DocumentsView {
            files: self.files.iter().map(file).collect(),
            attached: self.attached,
            phase: self.at_work.as_ref().map(|work| work.phase.clone()),
            results: self.results.as_ref().map(|results| results.iter().map(result).collect()),
            failure: self.failure.as_ref().map(|failure| snapshot::Failure::of(failure, texts).without_remedy()),
        }
    }

    pub(super) const fn is_at_work(&self) -> bool {
        self.at_work.is_some()
    }

    /// Forgets the documents and takes back what is being done.
    pub(super) fn forget(&mut self) {
        if let Some(work) = &self.at_work {
            work.cancellation.cancel();
        }
        *self = Self { last_number: self.last_number, attached: self.attached, ..Self::default() };
    }

    /// Files that the holder chose. What is no file, or there already, is not added; nor what is too many.
    pub(super) fn add(&mut self, paths: Vec<PathBuf>) {
        if self.at_work.is_some() {
            return;
        }
        self.results = None;
        self.failure = None;
        for path in paths {
            let size = path.metadata().ok().filter(std::fs::Metadata::is_file).map(|about| about.len());
            let is_new = path.is_absolute() && self.files.iter().all(|chosen| chosen.path != path);
            match size {
                Some(_) if is_new && self.files.len() >= DOCUMENTS_MAX => {
                    self.failure = Some(Failure::TooManyDocuments);
                    return;
                }
                Some(size) if is_new => self.files.push(Chosen { path, size }),
                _ => {}
            }
        }
    }

    pub(super) fn remove(&mut self, number: usize) {
        if self.at_work.is_none() && number < self.files.len() {
            self.files.remove(number);
            self.failure = None;
        }
    }

    pub(super) fn place(&mut self, attached: bool) {
        if self.at_work.is_none() {
            self.attached = attached;
        }
    }

    /// Takes back what is being done; if nothing is, puts away what it came to.
    pub(super) fn cancel(&mut self) {
        match &self.at_work {
            Some(work) if !work.readers.is_empty() => self.at_work = None,
            Some(work) => work.cancellation.cancel(),
            None => self.forget(),
        }
    }

    /// The folder with the signature of that number.
    pub(super) fn folder_of_signature(&self, number: usize) -> Option<PathBuf> {
        let signature = self.results.as_ref()?.get(number)?.result.as_ref().ok()?;
        signature.parent().map(Path::to_owned)
    }

    fn begin(&mut self) -> Option<Assignment> {
        if self.at_work.as_ref().is_some_and(|work| work.readers.is_empty()) || self.files.is_empty() {
            return None;
        }
        self.last_number = self.last_number.wrapping_add(1);
        self.results = None;
        self.failure = None;
        let cancellation = Cancellation::default();
        let work = AtWork {
            number: self.last_number,
            phase: Phase::ReadingCard,
            readers: Vec::new(),
            cancellation: cancellation.clone(),
        };
        self.at_work = Some(work);
        Some(Assignment {
            number: self.last_number,
            files: self.files.iter().map(|chosen| chosen.path.clone()).collect(),
            placement: if self.attached { Placement::Attached } else { Placement::Detached },
            reader: self.chosen_reader.clone().map_or(ReaderChoice::TheOnlyCard, ReaderChoice::Reader),
            cancellation,
        })
    }

    /// The work of that number, if it was not put away meanwhile.
    fn work(&mut self, number: u64) -> Option<&mut AtWork> {
        self.at_work.as_mut().filter(|work| work.number == number)
    }

    fn end(&mut self, number: u64, result: Result<Vec<Outcome>, Failure>) {
        if self.at_work.take_if(|work| work.number == number).is_none() {
            return;
        }
        match result {
            Ok(results) => {
                self.files.clear();
                self.results = Some(results);
            }
            Err(Failure::Cancelled) => {}
            Err(failure) => self.failure = Some(failure),
        }
    }
}

/// What a thread is started with.
struct Assignment {
    number: u64,
    files: Vec<PathBuf>,
    placement: Placement,
    reader: ReaderChoice,
    cancellation: Cancellation,
}

/// The holder wants the documents signed.
pub(super) fn sign(shared: &Arc<Shared>) {
    if let Some(assignment) = shared.change(|state| state.documents.begin()) {
        assign(shared, assignment);
    }
}

/// The holder says which of several cards he means.
pub(super) fn choose_reader(shared: &Arc<Shared>, reader: &str) {
    let assignment = shared.change(|state| {
        let work = state.documents.at_work.as_ref()?;
        state.documents.chosen_reader = Some(work.readers.iter().find(|name| shown(name) == reader)?.clone());
        state.documents.begin()
    });
    if let Some(assignment) = assignment {
        assign(shared, assignment);
    }
}

fn assign(shared: &Arc<Shared>, assignment: Assignment) {
    let number = assignment.number;
    let (worker, errand) = (Arc::clone(shared), shared.errand());
    let thread = std::thread::Builder::new().name("documents".into()).spawn(move || {
        // Signatures are written to the end, whatever the window does.
        let _errand = errand;
        carry_out(&worker, assignment);
    });
    if let Err(error) = thread {
        tracing::error!(%error, "there can be no thread");
        shared.change(|state| state.documents.end(number, Err(Failure::AgentStopped)));
    }
}

fn carry_out(shared: &Arc<Shared>, assignment: Assignment) {
    let Assignment { number, files, placement, reader, cancellation } = assignment;
    let places: Vec<_> = files.iter().map(|file| SignaturePlace::find(file, placement, None)).collect();
    let documents = places.iter().flatten().map(|place| Document::File(place.document().to_owned())).collect();
    let signed = match Documents::new(documents) {
        Ok(documents) => ask(shared, number, documents, reader, &cancellation),
        // Every signature is there already: nothing is asked of the card.
        Err(_) => Ok(Vec::new()),
    };
    let signed = match signed {
        Err(Failure::SeveralCards { readers }) => {
            return shared.change(|state| {
                if let Some(work) = state.documents.work(number) {
                    work.phase = Phase::ChooseReader { readers: readers.iter().map(shown).collect() };
                    work.readers = readers;
                }
            });
        }
        Err(failure) => return shared.change(|state| state.documents.end(number, Err(failure))),
        Ok(signed) => signed,
    };
    let mut signed = signed.into_iter();
    let outcome = |(document, place): (PathBuf, Result<SignaturePlace, _>)| {
        let result = match place {
            Err(failure) => Err(told(failure)),
            Ok(place) => match signed.next().unwrap_or(Err(Failure::AgentFault)) {
                Err(failure) => Err(told(failure)),
                Ok(signature) => place.write(&signature).map(|()| place.output().to_owned()).map_err(told),
            },
        };
        Outcome { document, result }
    };
    let outcomes = files.into_iter().zip(places).map(outcome).collect();
    shared.change(|state| state.documents.end(number, Ok(outcomes)));
}

fn told(failure: impl Told + Send + Sync + 'static) -> Arc<dyn Told + Send + Sync> {
    Arc::new(failure)
}

/// Asks the agent, and shows how far it is.
fn ask(
    shared: &Shared,
    number: u64,
    documents: Documents,
    reader: ReaderChoice,
    cancellation: &Cancellation,
) -> Result<DocumentResults, Failure> {
    let task = CardTask::SignDocuments(SignDocuments { asker: Asker::Holder, documents });
    let request = CardRequest { reader, patience: PATIENCE, task };
    shared.desk.make_way();
    let exchange = shared.agent.send(Request::OfCard(request));
    let taking_back = exchange.cancellation();
    cancellation.on_cancel(move || taking_back.cancel());
    let mut tries_left = None;
    let answer = exchange.finish(|report| {
        if let Report::Progress(step) = report
            && let Some(phase) = phase(step, &mut tries_left)
        {
            shared.change(|state| {
                if let Some(work) = state.documents.work(number) {
                    work.phase = phase;
                }
            });
        }
    })?;
    match answer {
        Answer::DocumentsSigned(results) => Ok(results),
        _ => Err(Failure::AgentFault),
    }
}

/// How far it is with that step; `None` if it shows nothing new.
fn phase(step: &Step, tries_left: &mut Option<u8>) -> Option<Phase> {
    match step {
        Step::WaitingForReader => Some(Phase::ConnectReader),
        Step::WaitingForCard => Some(Phase::InsertCard),
        Step::PinStatusKnown(status) => {
            *tries_left = Some(status.tries_left());
            None
        }
        Step::WaitingFor(kind @ (SecretKind::Pin2 | SecretKind::NewPin | SecretKind::Puk)) => {
            Some(Phase::AgentAsks { secret: secret(*kind), tries_left: None })
        }
        Step::WaitingFor(kind) => Some(Phase::AgentAsks { secret: secret(*kind), tries_left: *tries_left }),
        Step::ReaderChosen(_) | Step::ChannelOpen => Some(Phase::ReadingCard),
        Step::Signing => Some(Phase::Signing),
        _ => None,
    }
}

/// A file's name, as it is shown.
fn name(path: &Path) -> String {
    quotable(&path.file_name().unwrap_or_default().to_string_lossy())
}

fn folder(path: &Path) -> String {
    quotable(&path.parent().unwrap_or_else(|| Path::new("/")).to_string_lossy())
}

/// How long a person has to find reader and card.
const PATIENCE: Duration = Duration::from_secs(120);
