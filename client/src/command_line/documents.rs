//! `latchkey sign` and `latchkey verify`.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use latchkey_agent::{Answer, Asker, CardTask, Document, Documents, Failure, Request, SignDocuments};
use latchkey_crypto::cms::{DetachedSignature, SignatureForm};
use latchkey_crypto::x509::HolderIdentity;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::arguments::{Common, card_arguments, flag, json as json_argument, secret_arguments};
use super::failure::CommandFailure;
use super::output::Output;
use super::table::{columns, table};
use super::tasks::Work;
use crate::documents::{DocumentFailure, Placement, SignaturePlace, Verification, VerifiedFile, fault_code, verify};
use crate::texts::{Texts, printable};

/// What to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignTask {
    /// Which card, and how to talk.
    pub common: Common,
    /// The documents.
    pub files: Vec<PathBuf>,
    /// Whether the document is inside the signed file.
    pub attached: bool,
    /// Where the signatures go; without it, each beside its document.
    pub folder: Option<PathBuf>,
}

/// What to verify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyTask {
    /// What, and whom to believe.
    pub order: Verification,
    /// The result as JSON.
    pub json: bool,
}

pub(super) fn sign_command(texts: &Texts) -> Command {
    Command::new("sign")
        .about(texts.say("help-sign"))
        .arg(paths("files", "FILE").required(true).num_args(1..).help(texts.say("help-sign-files")))
        .arg(flag("attached", None).conflicts_with("detached").help(texts.say("help-sign-attached")))
        .arg(flag("detached", None).help(texts.say("help-sign-detached")))
        .arg(paths("output-folder", "FOLDER").long("output-folder").help(texts.say("help-sign-folder")))
        .args(secret_arguments(texts))
        .args(card_arguments(texts))
}

pub(super) fn verify_command(texts: &Texts) -> Command {
    let many = |name: &'static str| paths(name, "FILE").long(name).action(ArgAction::Append);
    Command::new("verify")
        .about(texts.say("help-verify"))
        .arg(paths("file", "FILE").required(true).help(texts.say("help-verify-file")))
        .arg(paths("content", "FILE").long("content").help(texts.say("help-verify-content")))
        .arg(many("trust").help(texts.say("help-verify-trust")))
        .arg(many("crl").help(texts.say("help-verify-crl")))
        .arg(paths("save", "FILE").long("save").help(texts.say("help-verify-save")))
        .arg(json_argument(texts))
}

fn paths(name: &'static str, value: &'static str) -> Arg {
    Arg::new(name).value_name(value).value_parser(value_parser!(PathBuf))
}

impl SignTask {
    pub(super) fn from_matches(matches: &ArgMatches) -> Self {
        Self {
            common: Common::from_matches(matches),
            files: matches.get_many("files").unwrap_or_default().cloned().collect(),
            attached: matches.get_flag("attached"),
            folder: matches.get_one("output-folder").cloned(),
        }
    }
}

impl VerifyTask {
    pub(super) fn from_matches(matches: &ArgMatches) -> Option<Self> {
        let all = |name| matches.get_many(name).unwrap_or_default().cloned().collect();
        let order = Verification {
            file: matches.get_one::<PathBuf>("file")?.clone(),
            content: matches.get_one("content").cloned(),
            trust: all("trust"),
            revocation_lists: all("crl"),
            save: matches.get_one("save").cloned(),
        };
        Some(Self { order, json: matches.get_flag("json") })
    }
}

/// What became of one document: where its signature is, or why there is none.
type Outcome = (PathBuf, Result<PathBuf, CommandFailure>);

impl Work {
    /// Signs what can be, tells the result of each document, and fails if one was not signed.
    pub(super) fn sign(&self, task: &SignTask) -> Result<(), CommandFailure> {
        let placement = if task.attached { Placement::Attached } else { Placement::Detached };
        let places: Vec<_> = task.files.iter().map(|file| place(file, placement, task)).collect();
        let documents = places.iter().flatten().map(|place| Document::File(place.document().to_owned())).collect();
        let mut signatures = match self.signatures(&task.common, documents, places.iter().any(Result::is_ok))? {
            Some(signatures) => signatures.into_iter(),
            None => Vec::new().into_iter(),
        };
        let outcome = |(file, place): (&PathBuf, Result<SignaturePlace, CommandFailure>)| {
            let written = place.and_then(|place| {
                let signature = signatures.next().unwrap_or(Err(Failure::AgentFault))?;
                place.write(&signature)?;
                Ok(place.output().to_owned())
            });
            (file.clone(), written)
        };
        let outcomes: Vec<Outcome> = task.files.iter().zip(places).map(outcome).collect();
        signed(&self.console.texts, &outcomes).write(task.common.json)?;
        match count(outcomes.iter().filter(|(_, outcome)| outcome.is_err())) {
            0 => Ok(()),
            count => Err(DocumentFailure::NotAllSigned { count }.into()),
        }
    }

    /// The card's signatures; none if there is nothing that it could sign.
    fn signatures(
        &self,
        common: &Common,
        documents: Vec<Document>,
        any: bool,
    ) -> Result<Option<Vec<Result<DetachedSignature, Failure>>>, CommandFailure> {
        if !any {
            return Ok(None);
        }
        let order = SignDocuments { asker: Asker::Holder, documents: Documents::new(documents)? };
        let card = self.at_card(common)?;
        match self.ask(&card, Request::OfCard(card.request(CardTask::SignDocuments(order))), true)? {
            Answer::DocumentsSigned(results) => Ok(Some(results)),
            _ => Err(Failure::AgentFault.into()),
        }
    }

    /// Judges a file, tells of every signer, and fails if a signature does not count.
    pub(super) fn verify(&self, task: &VerifyTask) -> Result<(), CommandFailure> {
        let verified = verify(&task.order, self.now)?;
        judged(&self.console.texts, &verified).write(task.json)?;
        match count(verified.signers.iter().filter(|(_, verdict)| verdict.is_err())) {
            0 => Ok(()),
            count => Err(DocumentFailure::NotValid { count }.into()),
        }
    }
}

fn place(file: &PathBuf, placement: Placement, task: &SignTask) -> Result<SignaturePlace, CommandFailure> {
    let document = std::path::absolute(file)
        .map_err(|error| DocumentFailure::FileUnreadable { file: file.clone(), reason: error.to_string() })?;
    Ok(SignaturePlace::find(&document, placement, task.folder.as_deref())?)
}

fn count(these: impl Iterator) -> u32 {
    u32::try_from(these.count()).unwrap_or(u32::MAX)
}

fn signed(texts: &Texts, outcomes: &[Outcome]) -> Output {
    let mut lines = Vec::new();
    let mut list = Vec::new();
    for (file, outcome) in outcomes {
        let name = file.display().to_string();
        match outcome {
            Ok(output) => {
                let output = output.display().to_string();
                let fillings = [("file", name.as_str().into()), ("output", output.as_str().into())];
                lines.push(texts.fill("document-signed", &fillings));
                list.push(json!({ "document": name, "signature": output }));
            }
            Err(failure) => {
                lines.push(texts.fill("document-not-signed", &[("file", name.as_str().into())]));
                lines.push(failure.tell(texts));
                let mut entry = failure.to_json(texts);
                if let Some(entry) = entry.as_object_mut() {
                    entry.insert("document".into(), name.into());
                }
                list.push(entry);
            }
        }
    }
    Output { json: json!({ "documents": list }), text: lines.join("\n") }
}

fn judged(texts: &Texts, verified: &VerifiedFile) -> Output {
    let place = match &verified.content {
        Some(path) => texts.fill("verified-beside", &[("file", path.display().to_string().into())]),
        None => texts.say("verified-inside"),
    };
    let mut lines = vec![format!("{place}, {}", texts.size(verified.size))];
    let mut list = Vec::new();
    for (certificate, verdict) in &verified.signers {
        let holder = certificate.as_ref().and_then(|certificate| HolderIdentity::of(certificate).ok());
        let name = match (&holder, certificate) {
            (Some(holder), _) => format!("{}, {}", holder.name(), holder.personal_number()),
            (None, Some(certificate)) => certificate.subject().to_string(),
            (None, None) => texts.say("verified-nobody"),
        };
        let mut rows = vec![(texts.say("verified-signer"), printable(&name))];
        let mut entry = json!({ "signer": name });
        match verdict {
            Ok(signature) => {
                rows.push((texts.say("verified-verdict"), texts.say("verified-valid")));
                let time = signature.signing_time.and_then(|time| time.format(&Rfc3339).ok());
                rows.extend(time.clone().map(|time| (texts.say("verified-time"), time)));
                let form = match signature.form {
                    SignatureForm::CadesBaseline => ("cades-b-b", "CAdES B-B".to_owned()),
                    SignatureForm::Cms => ("cms", texts.say("verified-form-cms")),
                };
                rows.push((texts.say("verified-form"), form.1));
                rows.push((texts.say("verified-algorithm"), signature.algorithm.name().to_owned()));
                rows.push((texts.say("card-issuer"), signature.certificate.issuer().to_string()));
                let checks = signature.evidence.iter().map(ToString::to_string);
                rows.extend(checks.map(|check| (texts.say("check-revocation"), check)));
                merge(
                    &mut entry,
                    json!({ "valid": true, "form": form.0, "signingTime": time,
                    "algorithm": signature.algorithm.name(), "issuer": signature.certificate.issuer().to_string(),
                    "serialNumber": signature.certificate.serial_number().to_string() }),
                );
            }
            Err(fault) => {
                let code = fault_code(fault);
                rows.push((texts.say("verified-verdict"), texts.say("verified-invalid")));
                let what = texts.what_happened(code, &[]).unwrap_or_else(|| fault.to_string());
                let todo = texts.what_to_do(code, &[]).unwrap_or_default();
                rows.push((texts.say("verified-why"), what.clone()));
                rows.push((texts.say("verified-cure"), todo.clone()));
                rows.push((texts.say("verified-code"), code.to_owned()));
                merge(&mut entry, json!({ "valid": false, "code": code, "what": what, "todo": todo }));
            }
        }
        lines.push(table(&rows, columns()));
        list.push(entry);
    }
    let content = verified.content.as_ref().map(|path| path.display().to_string());
    let json = json!({ "content": content, "size": verified.size, "signers": list });
    Output { json, text: lines.join("\n") }
}

fn merge(entry: &mut Value, more: Value) {
    if let (Some(entry), Value::Object(more)) = (entry.as_object_mut(), more) {
        entry.extend(more);
    }
}
