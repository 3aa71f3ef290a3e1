//! Pages that want documents signed: what the holder is asked, what the page gets, and what it does not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_agent::{Asker, CONTENTS_MAX_SIZE, DOCUMENTS_MAX, Purpose, SecretKind};
use latchkey_client::desk::{Phase, Sites, SitesOfThisRun, Standing};
use latchkey_client::service::CallersOfSystem;
use latchkey_crypto::assertion::Origin;
use latchkey_crypto::cms::{ContentDigests, SignedMessage};
use latchkey_fixtures::card_image::Octets;
use latchkey_fixtures::holders::{sample_pki, sign_in_only_certificate};
use serde_json::{Value, json};

use crate::holder::{HOLDER, Holder, Reply};
use crate::readers::{Desk as Readers, HolderCard, NOW, holder};
use crate::wire::{PORTAL, REQUEST, Request, Served};

const SIGN: &str = "/latchkey/v1/sign";

fn body(documents: &[(&str, &[u8])], placement: &str) -> String {
    let documents: Vec<_> = documents
        .iter()
        .map(|(name, contents)| json!({ "name": name, "contents": STANDARD.encode(contents) }))
        .collect();
    json!({ "requestId": REQUEST, "documents": documents, "placement": placement, "portalName": "A portal" })
        .to_string()
}

fn octets(document: &Value) -> Vec<u8> {
    STANDARD.decode(document["signature"].as_str().unwrap_or_else(|| panic!("{document}"))).unwrap()
}

/// Whether each signature in the message is by its certificate's key over these contents.
fn is_over(message: &[u8], contents: &[u8]) -> bool {
    let mut inside = Vec::new();
    let read = SignedMessage::read(message, |octets| {
        inside.extend_from_slice(octets);
        Ok(())
    });
    let message = read.unwrap();
    if !message.is_detached() && inside != contents {
        return false;
    }
    let elsewhere = ContentDigests::read(&mut &*contents, &message.digest_algorithms()).unwrap();
    message.check_signatures(Some(&elsewhere)).iter().all(Result::is_ok)
}

#[tokio::test]
async fn a_page_has_documents_signed_after_the_holder_saw_their_names() {
    for placement in ["detached", "attached"] {
        let mut served = Served::start();
        served.scene.holder.replies([Reply::pin()]);
        let documents: [(&str, &[u8]); 2] = [("contract.txt", b"a contract"), ("empty.txt", b"")];
        let body = body(&documents, placement);
        let mut page = served.send(Request::post(SIGN, &body)).await;
        let request = served.scene.first(|request| request.phase == Phase::AskHandOver).await;
        let shown: Vec<_> = request.documents.iter().map(|shown| (shown.name.as_str(), shown.size)).collect();
        assert_eq!(shown, [("contract.txt", 10), ("empty.txt", 0)]);
        assert!(served.scene.holder.readers.events().is_empty(), "the card was touched before the holder agreed");

        served.scene.desk.agree(request.id);
        let (kind, question) = served.scene.holder.asked().await;
        assert_eq!((kind, question.purpose), (SecretKind::Pin, Purpose::SignDocuments));
        assert!(matches!(question.asker, Asker::Portal(origin) if origin.as_str() == PORTAL));
        assert_eq!(question.documents, request.documents);

        let answer = page.answer().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        for (signed, (name, contents)) in answer.json()["documents"].as_array().unwrap().iter().zip(documents) {
            assert!(is_over(&octets(signed), contents), "{placement}, {name}");
            assert!(!is_over(&octets(signed), b"something else"), "{placement}, {name}");
        }
        assert!(served.scene.holder.card_was_reset());
    }
}

/// A site that may sign the holder in without being asked about again.
struct AlwaysAllowed(AtomicUsize);

impl Sites for AlwaysAllowed {
    fn standing(&self, _: &Origin) -> Standing {
        Standing::Allowed
    }

    fn refused(&self, _: &Origin) {}

    fn agreed(&self, _: &Origin) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn terminals(&self) -> BTreeMap<String, Origin> {
        BTreeMap::new()
    }

    fn let_in(&self, _: &str, _: &Origin) {}
}

#[tokio::test]
async fn a_site_that_may_always_sign_the_holder_in_is_asked_about_for_documents() {
    let sites = Arc::new(AlwaysAllowed(AtomicUsize::new(0)));
    let mut served = Served::with(Holder::with_card(), sites.clone(), Arc::new(CallersOfSystem));
    served.scene.holder.replies([Reply::pin()]);
    let body = body(&[("contract.txt", b"a contract")], "detached");
    let mut page = served.send(Request::post(SIGN, &body)).await;
    let request = served.scene.first(|request| request.phase == Phase::AskHandOver).await;
    served.scene.desk.agree(request.id);
    assert_eq!(page.answer().await.status, 200);
    assert_eq!(sites.0.load(Ordering::SeqCst), 0, "a yes to documents was taken for one to sign-ins");
}

#[tokio::test]
async fn a_refusal_reaches_no_card_and_the_page_learns_no_more() {
    let mut served = Served::start();
    let body = body(&[("contract.txt", b"a contract")], "detached");
    let mut page = served.send(Request::post(SIGN, &body)).await;
    let request = served.scene.first(|request| request.phase == Phase::AskHandOver).await;
    served.scene.desk.refuse(request.id);
    let answer = page.answer().await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "holder-refused"));
    assert!(served.scene.holder.readers.events().is_empty());
    // The name is used up, and the site is not asked about again today.
    assert_eq!(served.ask(Request::post(SIGN, &body)).await.code(), "request-repeated");
}

#[tokio::test]
async fn a_page_that_goes_takes_its_documents_along() {
    let mut served = Served::start();
    let body = body(&[("contract.txt", b"a contract")], "detached");
    let page = served.send(Request::post(SIGN, &body)).await;
    served.scene.first(|request| request.phase == Phase::AskHandOver).await;
    drop(page);
    served.scene.empty().await;
    assert!(served.scene.holder.readers.events().is_empty());
}

#[tokio::test]
async fn what_is_no_wish_for_documents_is_refused_before_anything_happens() {
    let mut served = Served::start();
    let good = body(&[("contract.txt", b"a contract")], "detached");
    let with = |change: &dyn Fn(&mut Value)| {
        let mut json: Value = serde_json::from_str(&good).unwrap();
        change(&mut json);
        json.to_string()
    };
    let documents = |documents: Value| with(&|json| json["documents"] = documents.clone());
    let many = vec![json!({ "name": "a", "contents": "" }); DOCUMENTS_MAX + 1];
    let rows = [
        ("no document", documents(json!([]))),
        ("too many", documents(json!(many))),
        ("no name", documents(json!([{ "name": " ", "contents": "AAAA" }]))),
        ("a long name", documents(json!([{ "name": "a".repeat(256), "contents": "AAAA" }]))),
        ("no base64", documents(json!([{ "name": "a", "contents": "?" }]))),
        ("base64 of another kind", documents(json!([{ "name": "a", "contents": "-_-_" }]))),
        ("a hash for contents", documents(json!([{ "name": "a", "hash": "AAAA" }]))),
        ("a hash beside contents", documents(json!([{ "name": "a", "contents": "AAAA", "hash": "AAAA" }]))),
        ("a hash of its own", with(&|json| json["hash"] = json!("AAAA"))),
        ("a path", documents(json!([{ "name": "a", "path": "/etc/hostname" }]))),
        ("no placement", with(&|json| _ = json.as_object_mut().unwrap().remove("placement"))),
        ("another placement", with(&|json| json["placement"] = json!("elsewhere"))),
        ("a challenge", with(&|json| json["challenge"] = json!("AAAA"))),
        ("a list", format!("[{good}]")),
    ];
    for (name, body) in rows {
        let answer = served.ask(Request::post(SIGN, &body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "body-malformed"), "{name}");
    }
    let too_large = body(&[("a", &vec![0; CONTENTS_MAX_SIZE + 128 * 1024])], "detached");
    let mut request = Request::post(SIGN, "");
    request.headers.retain(|(name, _)| *name != "Content-Length");
    let answer = served.ask(request.with("Content-Length", &too_large.len().to_string())).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "body-too-large"));
    served.scene.empty().await;
}

#[tokio::test]
async fn as_many_octets_as_may_be_are_signed() {
    let mut served = Served::start();
    served.scene.holder.replies([Reply::pin()]);
    let contents = vec![0x5A; CONTENTS_MAX_SIZE];
    let body = body(&[("large.bin", &contents)], "detached");
    let mut page = served.send(Request::post(SIGN, &body)).await;
    let request = served.scene.first(|request| request.phase == Phase::AskHandOver).await;
    served.scene.desk.agree(request.id);
    let answer = page.answer().await;
    assert!(is_over(&octets(&answer.json()["documents"][0]), &contents));
}

#[tokio::test]
async fn a_certificate_for_signing_in_alone_signs_no_documents_for_a_page() {
    let mut card = HolderCard::of(HOLDER);
    let der = sign_in_only_certificate(&sample_pki(NOW).unwrap(), &holder(HOLDER)).unwrap();
    card.image.esign.base_certificate = Octets(der);
    let sites = Arc::new(SitesOfThisRun::new(|| NOW));
    let mut served = Served::with(Holder::at(Readers::with(&card)), sites, Arc::new(CallersOfSystem));
    served.scene.holder.replies([Reply::pin()]);
    let body = body(&[("contract.txt", b"a contract")], "detached");
    let mut page = served.send(Request::post(SIGN, &body)).await;
    let request = served.scene.first(|request| request.phase == Phase::AskHandOver).await;
    served.scene.desk.agree(request.id);
    // The holder sees what it means first.
    served.scene.first(|request| matches!(request.phase, Phase::Failed { .. })).await;
    served.scene.desk.end(request.id);
    let answer = page.answer().await;
    assert_eq!((answer.status, answer.code().as_str()), (422, "certificate-not-for-documents"));
    assert!(!served.scene.holder.readers.instructions().contains(&0x2A), "a signature was asked for");
}
