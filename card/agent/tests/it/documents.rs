//! Signing documents: what the card signs, what is sent to it, and what becomes of each document.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use latchkey_agent::{
    Answer, Asker, CONTENTS_MAX_SIZE, CardTask, Clock, DOCUMENTS_MAX, Document, DocumentResults, Documents, Failure,
    Purpose, SecretKind, ShownDocument, SignDocuments, Step,
};
use latchkey_crypto::cms::{ContentDigests, DetachedSignature, SignatureForm, SignaturePolicy, SignedMessage};
use latchkey_crypto::x509::{Certificate, RevocationList, RevocationLists, TrustStore};
use latchkey_fixtures::card_image::Octets;
use latchkey_fixtures::faults::{Exchanged, FaultProfile};
use latchkey_fixtures::holders::{sample_pki, sign_in_only_certificate};
use latchkey_fixtures::vcard::VirtualCard;
use latchkey_fixtures::vcard::automaton::PinState;
use time::macros::datetime;

use crate::desk::{Desk, HolderCard, NOW, Played, holder};
use crate::holder::{Reply, Scene, origin};

const ORDINARY: &str = "hanna-vydumanaya";

fn pin() -> Reply {
    Reply::Digits(holder(ORDINARY).pin)
}

/// Files of these contents in a folder of their own.
fn files(contents: &[&[u8]]) -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let path = |(number, contents): (usize, &&[u8])| {
        let path = folder.path().join(format!("document {number}.txt"));
        fs::write(&path, contents).unwrap();
        path
    };
    let paths = contents.iter().enumerate().map(path).collect();
    (folder, paths)
}

fn of_holder(documents: Vec<Document>) -> CardTask {
    CardTask::SignDocuments(SignDocuments { asker: Asker::Holder, documents: Documents::new(documents).unwrap() })
}

fn sign(paths: &[impl AsRef<Path>]) -> CardTask {
    of_holder(paths.iter().map(|path| Document::File(path.as_ref().to_owned())).collect())
}

fn results(answer: Answer) -> DocumentResults {
    match answer {
        Answer::DocumentsSigned(results) => results,
        other => panic!("no documents: {other:?}"),
    }
}

fn codes(results: &DocumentResults) -> Vec<Option<&'static str>> {
    results.iter().map(|result| result.as_ref().err().map(Failure::code)).collect()
}

/// The signature counts for these contents, and is of the holder's card.
fn assert_counts(signature: &DetachedSignature, contents: &[u8]) {
    let message = SignedMessage::read(signature.to_der().as_slice(), |_| Ok(())).unwrap();
    let digests = ContentDigests::read(&mut &*contents, &message.digest_algorithms()).unwrap();
    let pki = sample_pki(NOW).unwrap();
    let certificate = |der: &[u8]| Certificate::from_der(der).unwrap();
    let (root, authority) = (&pki.root().certificate().der, &pki.authority().certificate().der);
    let mut revocation = RevocationLists::new();
    for (list, issuer) in
        [(pki.root_revocation_list(&[]).unwrap(), root), (pki.authority_revocation_list(&[]).unwrap(), authority)]
    {
        revocation.insert(RevocationList::from_der(&list).unwrap().verified_by(&certificate(issuer)).unwrap());
    }
    let trust = TrustStore::new(vec![certificate(root)], vec![certificate(authority)]).unwrap();
    let policy = SignaturePolicy { trust: &trust, revocation: &revocation };
    let verified = message.judge(Some(&digests), &policy, NOW).remove(0).unwrap();
    assert_eq!(verified.form, SignatureForm::CadesBaseline);
    assert_eq!(verified.signing_time, Some(NOW));
    assert_eq!(verified.certificate.der(), HolderCard::of(ORDINARY).image.esign.base_certificate.0);
}

#[test]
fn files_and_contents_are_signed_under_one_decision() {
    let scene = Scene::new(&Desk::with(&HolderCard::of(ORDINARY)), [pin()]);
    let (_folder, paths) = files(&[b"a contract", b""]);
    let contents = Document::Contents { name: "order.xml".into(), octets: b"<order/>".to_vec() };
    let mut documents: Vec<_> = paths.into_iter().map(Document::File).collect();
    documents.push(contents);
    let (answer, steps) = scene.ask_with_steps(of_holder(documents));
    let results = results(answer.unwrap());
    for (result, contents) in results.iter().zip([&b"a contract"[..], b"", b"<order/>"]) {
        assert_counts(result.as_ref().unwrap(), contents);
    }
    assert_eq!(scene.asked(), [SecretKind::Pin]);
    assert_eq!(steps.first(), Some(&Step::ReadingDocuments));
    assert_eq!(steps.iter().filter(|step| **step == Step::Signing).count(), 3);
}

#[test]
fn the_question_names_every_document_with_its_size_and_who_asks() {
    let (_folder, paths) = files(&[b"a contract", b""]);
    let documents = paths.into_iter().map(Document::File).collect();
    let order = SignDocuments { asker: Asker::Portal(origin()), documents: Documents::new(documents).unwrap() };
    let scene = Scene::new(&Desk::with(&HolderCard::of(ORDINARY)), [pin()]);
    scene.ask(CardTask::SignDocuments(order)).unwrap();
    let (_, question) = scene.questions().remove(0);
    assert_eq!((question.asker, question.purpose), (Asker::Portal(origin()), Purpose::SignDocuments));
    let shown = |name: &str, size| ShownDocument { name: name.into(), size };
    assert_eq!(question.documents, [shown("document 0.txt", 10), shown("document 1.txt", 0)]);
}

/// Two exchanges for each document, and nothing else that grows with them.
#[test]
fn each_document_costs_the_two_exchanges_that_a_signature_needs() {
    for count in [1, 2, 100, DOCUMENTS_MAX] {
        let card = HolderCard::of(ORDINARY);
        let scene = Scene::new(&Desk::with(&card), [pin()]);
        let documents =
            (0..count).map(|number| Document::Contents { name: number.to_string(), octets: vec![0x5A; number] });
        let results = results(scene.ask(of_holder(documents.collect())).unwrap());
        assert!(results.iter().all(Result::is_ok), "{count}");
        let blocks = card.image.esign.base_certificate.0.len().div_ceil(224);
        let mut expected = vec![0xA4, 0x22, 0xA4, 0x22, 0x86, 0x86, 0xA4, 0xA4];
        expected.extend(std::iter::repeat_n(0xB0, blocks));
        expected.extend([0x22, 0x2A].repeat(count));
        assert_eq!(scene.desk.instructions(), expected, "{count}");
    }
}

/// A card that keeps every command.
struct Listening {
    card: VirtualCard,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Played for Listening {
    fn exchange(&mut self, command: &[u8]) -> Exchanged {
        self.heard.lock().unwrap().push(command.to_vec());
        Exchanged::Answered(self.card.process(command), Duration::ZERO)
    }

    fn reset(&mut self) {
        self.card.reset();
    }
}

#[test]
fn the_card_is_told_exactly_how_many_signatures_were_agreed_to() {
    let missing = Document::File("/nowhere/missing.txt".into());
    let contents = || Document::Contents { name: "a".into(), octets: vec![1] };
    let rows = [
        ("one", vec![contents()], 1),
        ("three", vec![contents(), contents(), contents()], 3),
        // What cannot be read is not signed, so there is no signature for it to agree to.
        ("two of three", vec![contents(), missing, contents()], 2),
        ("all there can be", (0..DOCUMENTS_MAX).map(|_| contents()).collect(), 0xFF),
    ];
    for (name, documents, count) in rows {
        let heard = Arc::default();
        let desk = Desk::default();
        desk.plug_in("Reader");
        let card = HolderCard::of(ORDINARY).powered_up();
        desk.insert_played("Reader", Box::new(Listening { card, heard: Arc::clone(&heard) }));
        Scene::new(&desk, [pin()]).ask(of_holder(documents)).unwrap();
        // MSE:Set AT for the PIN, the second one: the first asks for the status alone.
        let heard = heard.lock().unwrap();
        let agreed = heard.iter().filter(|command| command.starts_with(&[0x00, 0x22, 0xC1, 0xA4])).nth(1).unwrap();
        assert!(agreed.ends_with(&[0x53, 0x01, count]), "{name}: {agreed:02X?}");
        // CertHAT of eSign with the right to sign in base mode and no other; none of eID.
        let word = [0x06, 0x02, 0x04, 0x02, 0x80, 0x00];
        assert!(agreed.windows(word.len()).any(|window| window == word), "{name}: {agreed:02X?}");
    }
}

#[test]
fn what_cannot_be_read_does_not_keep_the_rest_back() {
    let (folder, paths) = files(&[b"first", b"last"]);
    let fifo = folder.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    let all = [
        paths[0].clone(),
        folder.path().join("missing"),
        folder.path().to_owned(),
        fifo,
        "/dev/zero".into(),
        "relative.txt".into(),
        paths[1].clone(),
    ];
    let scene = Scene::new(&Desk::with(&HolderCard::of(ORDINARY)), [pin()]);
    let results = results(scene.ask(sign(&all)).unwrap());
    let (unreadable, no_file) = (Some("document-unreadable"), Some("document-not-a-file"));
    assert_eq!(codes(&results), [None, unreadable, no_file, no_file, no_file, unreadable, None]);
    assert_counts(results[0].as_ref().unwrap(), b"first");
    assert_counts(results[6].as_ref().unwrap(), b"last");
    let (_, question) = scene.questions().remove(0);
    assert_eq!(question.documents.len(), 2, "what is not signed is not shown as something to sign");
}

#[test]
fn without_anything_to_sign_nobody_is_asked() {
    // There is not even a reader.
    let scene = Scene::new(&Desk::default(), []);
    let results = results(scene.ask(sign(&["/nowhere/missing.txt"])).unwrap());
    assert_eq!(codes(&results), [Some("document-unreadable")]);
    assert_eq!(scene.asked(), []);
}

#[test]
fn what_goes_wrong_at_one_document_does_not_lose_the_others() {
    let contents = |number: u8| Document::Contents { name: number.to_string(), octets: vec![number] };
    let card = HolderCard::of(ORDINARY);
    // The exchange that computes the first signature, counted from 1; two more for each further one.
    let first = 10 + card.image.esign.base_certificate.0.len().div_ceil(224);
    let gone = Some("card-removed");
    let rows = [
        ("pulled at the second", first + 2, r#"{ pull = "before" }"#, [None, gone, gone]),
        ("pulled after the second", first + 2, r#"{ pull = "after" }"#, [None, gone, gone]),
        ("silent at the third", first + 4, r#""silence""#, [None, None, Some("card-silent")]),
        ("reset before the third", first + 3, r#""reset""#, [None, None, Some("card-reset")]),
        // The channel holds: the card goes on.
        ("the second refused", first + 2, r#"{ status = "6400" }"#, [None, Some("card-refused"), None]),
        ("the first refused", first, r#"{ status = "6400" }"#, [Some("card-refused"), None, None]),
    ];
    for (name, at, what, expected) in rows {
        let profile = format!("[[fault]]\nname = \"{name}\"\nat = {at}\nwhat = {what}\n");
        let faults = FaultProfile::parse(&profile).unwrap();
        let desk = Desk::with_faults(&card, faults, &HolderCard::of("vielmi-douhaya"));
        let scene = Scene::new(&desk, [pin()]);
        let results = results(scene.ask(of_holder((1..=3).map(contents).collect())).unwrap());
        assert_eq!(codes(&results), expected, "{name}");
        for (number, result) in (1..).zip(&results) {
            if let Ok(signature) = result {
                assert_counts(signature, &[number]);
            }
        }
    }
}

#[test]
fn a_certificate_that_is_not_for_documents_signs_none() {
    let for_sign_in = |card: &mut HolderCard| {
        let der = sign_in_only_certificate(&sample_pki(NOW).unwrap(), &holder(ORDINARY)).unwrap();
        card.image.esign.base_certificate = Octets(der);
    };
    let contents = || of_holder(vec![Document::Contents { name: "a".into(), octets: vec![1] }]);
    let rows: [(&str, &str, Clock); 3] = [
        ("certificate-not-for-documents", ORDINARY, || NOW),
        ("certificate-expired", "uladzislau-praterminavany", || NOW),
        ("certificate-not-yet-valid", ORDINARY, || datetime!(2016-01-01 0:00 UTC)),
    ];
    for (code, id, clock) in rows {
        let mut card = HolderCard::of(id);
        if code == "certificate-not-for-documents" {
            for_sign_in(&mut card);
        }
        let scene = Scene::at(&Desk::with(&card), [Reply::Digits(holder(id).pin)], clock);
        assert_eq!(scene.ask(contents()).unwrap_err().code(), code);
        assert!(!scene.desk.instructions().contains(&0x2A), "{code}: a signature was asked for");
        assert_eq!(card.pin_state(), PinState::Pin3, "{code}");
    }
}

#[test]
fn a_signature_that_is_not_the_certificates_is_given_to_nobody() {
    let mut card = HolderCard::of(ORDINARY);
    card.image.esign.base_certificate = HolderCard::of("yan-bezbatskovich").image.esign.base_certificate;
    let scene = Scene::new(&Desk::with(&card), [pin()]);
    let contents = |number| Document::Contents { name: "a".into(), octets: vec![number] };
    assert_eq!(scene.ask(of_holder(vec![contents(1), contents(2)])).unwrap_err(), Failure::SignatureFaulty);
}

#[test]
fn a_decision_has_a_limit() {
    let contents = |size: usize| Document::Contents { name: "a".into(), octets: vec![0; size] };
    let code = |documents| Documents::new(documents).map(|_| ()).unwrap_err().code();
    assert_eq!(code(Vec::new()), "no-documents");
    assert_eq!(code(vec![contents(0); DOCUMENTS_MAX + 1]), "too-many-documents");
    assert_eq!(code(vec![contents(CONTENTS_MAX_SIZE), contents(1)]), "too-many-documents");
    assert!(Documents::new(vec![contents(CONTENTS_MAX_SIZE)]).is_ok());
    assert!(Documents::new(vec![contents(0); DOCUMENTS_MAX]).is_ok());
}

#[test]
fn taken_back_while_reading_nothing_is_asked() {
    let scene = Scene::new(&Desk::with(&HolderCard::of(ORDINARY)), []);
    let (_folder, paths) = files(&[b"contents"]);
    // Sparse: it takes long to read and no room.
    fs::File::options().write(true).open(&paths[0]).unwrap().set_len(1 << 40).unwrap();
    let exchange = latchkey_agent::CardAgent::send(&scene.agent, crate::holder::of_card(sign(&paths)));
    let cancellation = exchange.cancellation();
    let result = exchange.finish(|report| {
        if matches!(report, latchkey_agent::Report::Progress(Step::ReadingDocuments)) {
            cancellation.cancel();
        }
    });
    assert_eq!(result.unwrap_err(), Failure::Cancelled);
    assert_eq!(scene.asked(), []);
}
