//! Documents that are chosen in the window.

use latchkey_agent::SecretKind;
use latchkey_client::app::snapshot::{Phase, Snapshot};
use tempfile::TempDir;

use super::Stage;
use crate::holder::{HOLDER, Holder, Reply};
use crate::readers::{Desk as Readers, HolderCard};

/// Files of these contents in a folder of their own.
fn files(contents: &[&str]) -> (TempDir, Vec<std::path::PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let paths = contents.iter().enumerate().map(|(number, contents)| {
        let path = folder.path().join(format!("document {number}.txt"));
        std::fs::write(&path, contents).unwrap();
        path
    });
    let paths = paths.collect();
    (folder, paths)
}

#[tokio::test]
async fn documents_that_were_chosen_are_signed_under_one_decision_with_a_result_each() {
    let mut stage = Stage::with_window(Holder::with_card());
    let (folder, paths) = files(&["a contract", "an annex", "a third"]);
    // The second has a signature already; twice the same, a folder and what is not there are not added.
    std::fs::write(folder.path().join("document 1.txt.p7s"), "somebody's").unwrap();
    let mut all = paths.clone();
    all.extend([paths[0].clone(), folder.path().to_owned(), folder.path().join("missing"), "relative.txt".into()]);
    stage.app.add_documents(all);
    let chosen = stage.app.snapshot().documents.clone();
    let names: Vec<_> = chosen.files.iter().map(|file| (file.name.as_str(), file.size.as_str())).collect();
    assert_eq!(names, [("document 0.txt", "10 B"), ("document 1.txt", "8 B"), ("document 2.txt", "7 B")]);

    stage.holder.replies([Reply::pin()]);
    stage.app.sign_documents();
    let (kind, question) = stage.holder.asked().await;
    assert_eq!((kind, question.documents.len()), (SecretKind::Pin, 2));
    let done = stage.shown(|now| now.documents.results.is_some()).await;
    assert!(done.documents.files.is_empty() && done.documents.phase.is_none());
    let results = done.documents.results.as_ref().unwrap();
    let signed: Vec<_> = results.iter().map(|result| result.signature.as_deref()).collect();
    assert_eq!(signed, [Some("document 0.txt.p7s"), None, Some("document 2.txt.p7s")]);
    assert_eq!(results[1].failure.as_ref().unwrap().code, "output-exists");
    assert!(folder.path().join("document 2.txt.p7s").is_file());
    assert_eq!(stage.app.folder_of_signature(0).as_deref(), Some(folder.path()));
    assert_eq!(stage.app.folder_of_signature(1), None);
    assert!(stage.holder.card_was_reset());

    stage.app.cancel_documents();
    assert_eq!(stage.app.snapshot().documents, Default::default());
}

#[tokio::test]
async fn a_signing_that_is_taken_back_keeps_the_documents_on_the_list() {
    let mut stage = Stage::with_window(Holder::with_card());
    let (folder, paths) = files(&["a contract", "an annex"]);
    stage.app.add_documents(paths);
    stage.app.remove_document(1);
    stage.app.place_documents(true);
    stage.holder.replies([Reply::Think]);
    stage.app.sign_documents();
    stage.holder.asked().await;
    // While the card is at work the list stays what it was.
    stage.app.remove_document(0);
    stage.app.cancel_documents();
    let after = stage.shown(|now| now.documents.phase.is_none()).await;
    assert_eq!((after.documents.files.len(), after.documents.attached), (1, true));
    assert!(after.documents.results.is_none() && after.documents.failure.is_none());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "something was written");
    // A window that is closed forgets them.
    stage.app.window_closed();
    assert!(stage.app.snapshot().documents.files.is_empty());
}

#[tokio::test]
async fn with_two_cards_the_holder_says_which_one_signs_the_documents() {
    let readers = Readers::with(&HolderCard::of(HOLDER));
    readers.plug_in("Right");
    readers.insert("Right", &HolderCard::of(HOLDER));
    let mut stage = Stage::with_window(Holder::at(readers));
    let (_folder, paths) = files(&["a contract"]);
    stage.app.add_documents(paths);
    stage.app.sign_documents();
    let asked = |now: &Snapshot| matches!(now.documents.phase, Some(Phase::ChooseReader { .. }));
    stage.shown(asked).await;
    stage.holder.replies([Reply::pin()]);
    stage.app.choose_reader_for_documents("Right");
    let done = stage.shown(|now| now.documents.results.is_some()).await;
    assert!(done.documents.results.as_ref().unwrap()[0].signature.is_some());
}
