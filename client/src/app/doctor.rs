//! Diagnosis as the window shows it.

use std::sync::Arc;

use latchkey_crypto::assertion::Origin;

use super::Shared;
use super::snapshot::{DoctorCheck, DoctorVerdict, DoctorView};
use crate::doctor::{CHECK_TIME, Check, Personal, Verdict, diagnose, report};
use crate::texts::Texts;
use crate::wording::Place;

/// What diagnosis found last.
#[derive(Debug, Default)]
pub(super) struct Diagnosis {
    checks: Vec<Check>,
    running: bool,
}

impl Diagnosis {
    pub(super) fn view(&self, texts: &Texts) -> DoctorView {
        let is_whole = !self.running && !self.checks.is_empty();
        DoctorView {
            running: self.running,
            checks: self.checks.iter().map(|check| view(check, texts)).collect(),
            report: is_whole.then(|| report(&self.checks, texts, &Personal::of_this_process())),
        }
    }

    pub(super) const fn is_running(&self) -> bool {
        self.running
    }

    fn found(&mut self, check: Check) {
        self.checks.push(check);
        self.checks.sort_by_key(|check| check.name);
    }
}

fn view(check: &Check, texts: &Texts) -> DoctorCheck {
    let worded = check.worded(texts, Place::Window);
    DoctorCheck {
        name: check.name.code().to_owned(),
        title: worded.title,
        verdict: match check.verdict() {
            Verdict::Good => DoctorVerdict::Good,
            Verdict::Warning => DoctorVerdict::Warning,
            Verdict::Bad => DoctorVerdict::Bad,
            Verdict::NotChecked => DoctorVerdict::NotChecked,
        },
        finding: worded.finding,
        cure: worded.cure,
    }
}

/// Begins to look for the cause, on a thread of its own; not while it is looked for already.
pub(super) fn begin(shared: &Arc<Shared>, portal: Option<Origin>) {
    let is_free = shared.change(|state| {
        let is_free = !state.diagnosis.running;
        if is_free {
            state.diagnosis = Diagnosis { checks: Vec::new(), running: true };
        }
        is_free
    });
    if !is_free {
        return;
    }
    let worker = Arc::clone(shared);
    let thread = std::thread::Builder::new().name("diagnosis".into()).spawn(move || {
        diagnose(&(worker.computer)(), portal.as_ref(), CHECK_TIME, |check| {
            worker.change(|state| state.diagnosis.found(check.clone()));
        });
        worker.change(|state| state.diagnosis.running = false);
    });
    if let Err(error) = thread {
        tracing::error!(%error, "there can be no thread");
        shared.change(|state| state.diagnosis = Diagnosis::default());
    }
}
