//! Answers of status services: the test set's verdicts, who may answer, and what counts when sources differ.

use latchkey_crypto::belt;
use latchkey_crypto::bign::PrivateKey;
use latchkey_crypto::x509::{
    Certificate, CertificateStatus, PathError, RevocationData, RevocationEvidence, RevocationFault, RevocationLists,
    RevocationReason, RevocationSources, STATUS_ANSWER_MAX_SIZE, StatusAnswer, StatusAnswerError, StatusRequest,
    VerificationError, VerifiedStatusAnswer,
};
use latchkey_fixtures::der_edit::{Value, resigned};
use latchkey_fixtures::holders::sample_holders;
use latchkey_fixtures::pki::{
    self, Authority, PersonOrder, Revocation, Status, StatusOrder, TestPki, Validity, status_service_busy,
};
use latchkey_fixtures::vectors::file;
use proptest::prelude::*;
use time::{Duration, OffsetDateTime};

use super::{NOW, certificate, list};

fn of_set(name: &str) -> Certificate {
    certificate(&match name {
        "person" => file("pki/person.cert.der"),
        "person-revoked" => file("pki/person-revoked.cert.der"),
        "root" => file("pki/root.cert.der"),
        _ => file("pki/sub.cert.der"),
    })
}

fn verified(octets: &[u8], name: &str) -> Result<VerifiedStatusAnswer, StatusAnswerError> {
    StatusAnswer::from_der(octets)?.verified_for(&of_set(name), &of_set("sub"), NOW)
}

#[test]
fn questions_are_octet_by_octet_those_of_another_maker() {
    for (name, theirs) in
        [("person", file("pki/ocsp-good.req.der")), ("person-revoked", file("pki/ocsp-revoked.req.der"))]
    {
        let nonce = &theirs[theirs.len() - 16..];
        assert_eq!(StatusRequest::new(&of_set(name), &of_set("sub"), nonce).der(), theirs, "{name}");
    }
    // Of a certificate that nobody issued: only its number differs.
    let unknown = file("pki/ocsp-unknown.req.der");
    assert_eq!(unknown.len(), file("pki/ocsp-good.req.der").len());
}

#[test]
fn answers_get_the_verdicts_of_the_test_set() {
    let good = verified(&file("pki/ocsp-good.resp.der"), "person").unwrap();
    assert_eq!(good.status(), CertificateStatus::Good);
    let question = file("pki/ocsp-good.req.der");
    assert!(good.answers(&question[question.len() - 16..]) && !good.answers(&question[question.len() - 15..]));
    assert!(good.delegate().is_some_and(|delegate| delegate.der() == file("pki/ocsp.cert.der")));
    assert!(good.is_current(good.this_update()) && !good.is_current(NOW), "hours old at the set's time");

    match verified(&file("pki/ocsp-revoked.resp.der"), "person-revoked").unwrap().status() {
        CertificateStatus::Revoked(revocation) => assert_eq!(revocation.reason, RevocationReason::KeyCompromise),
        other => panic!("{other:?}"),
    }
    let short = verified(&file("pki/ocsp-short-lived.resp.der"), "person").unwrap();
    assert!(short.is_current(short.next_update().unwrap()));
    assert!(!short.is_current(short.next_update().unwrap() + Duration::SECOND), "something newer is known");

    let refused = |octets: &[u8], name| verified(octets, name).map(|answer| answer.status()).unwrap_err();
    let good = file("pki/ocsp-good.resp.der");
    assert_eq!(refused(&good, "person-revoked"), StatusAnswerError::OtherCertificate);
    assert_eq!(refused(&file("pki/ocsp-unknown.resp.der"), "person"), StatusAnswerError::OtherCertificate);
    let altered = refused(&file("pki/ocsp-altered.resp.der"), "person");
    assert_eq!(altered, StatusAnswerError::Signature(VerificationError::WrongSignature));
    let wrong = refused(&file("pki/ocsp-wrong-responder.resp.der"), "person");
    assert_eq!(wrong, StatusAnswerError::Responder(PathError::WrongExtendedKeyUsage));
    // The delegate's certificate is of 2026 to 2028.
    let late = StatusAnswer::from_der(&good).unwrap();
    let late = late.verified_for(&of_set("person"), &of_set("sub"), NOW + Duration::days(800)).unwrap_err();
    assert_eq!(late, StatusAnswerError::Responder(PathError::Expired));
    let of_other_issuer = StatusAnswer::from_der(&good).unwrap();
    let refusal = of_other_issuer.verified_for(&of_set("person"), &of_set("root"), NOW).unwrap_err();
    assert_eq!(refusal, StatusAnswerError::OtherCertificate);
}

#[test]
fn no_answer_is_made_of_anything_else() {
    let good = file("pki/ocsp-good.resp.der");
    for kept in 0..good.len() {
        assert!(StatusAnswer::from_der(&good[..kept]).is_err(), "{kept} octets");
    }
    let longer = [good.as_slice(), &[0]].concat();
    assert!(matches!(StatusAnswer::from_der(&longer), Err(StatusAnswerError::Der(_))));
    let much = vec![0x30; STATUS_ANSWER_MAX_SIZE + 1];
    assert_eq!(StatusAnswer::from_der(&much).map(|_| ()), Err(StatusAnswerError::TooLong(much.len())));
    assert_eq!(StatusAnswer::from_der(&status_service_busy()).map(|_| ()), Err(StatusAnswerError::Refused(3)));
    assert_eq!(
        StatusAnswer::from_der(&[0x30, 3, 0x0A, 1, 0]).map(|_| ()),
        Err(StatusAnswerError::Field("answer")),
        "successful without an answer"
    );
}

proptest! {
    /// Whatever octet is changed: the answer does not count, or says the same.
    #[test]
    fn an_altered_answer_never_says_something_else(at in 0_usize..1100, flip in 1_u8..) {
        let mut octets = file("pki/ocsp-revoked.resp.der");
        let at = at % octets.len();
        octets[at] ^= flip;
        if let Ok(answer) = verified(&octets, "person-revoked") {
            let honest = verified(&file("pki/ocsp-revoked.resp.der"), "person-revoked").unwrap();
            prop_assert_eq!(answer.status(), honest.status());
            prop_assert_eq!(answer.this_update(), honest.this_update());
        }
    }
}

/// A person and the answers and lists that there are about his certificate.
struct Sources {
    pki: TestPki,
    issuer: Certificate,
    person: Certificate,
    serial_number: Vec<u8>,
}

impl Sources {
    fn new() -> Self {
        let pki = TestPki::new("status answers", NOW).unwrap();
        let person = &sample_holders()[0].person;
        let key = pki.key_of("somebody").public_key();
        let order = PersonOrder::card_held(person, &key, "somebody", Validity::days_around(NOW, -9, 9)).unwrap();
        let person = pki.authority().issue_to_person(&order).unwrap();
        let issuer = certificate(&pki.authority().certificate().der);
        Self { person: certificate(&person.der), issuer, serial_number: person.serial_number, pki }
    }

    fn answer(&self, status: Status, age: Duration) -> VerifiedStatusAnswer {
        self.answer_by(self.pki.authority(), status, age).unwrap()
    }

    fn answer_by(
        &self,
        authority: &Authority,
        status: Status,
        age: Duration,
    ) -> Result<VerifiedStatusAnswer, StatusAnswerError> {
        let this_update = NOW - age;
        let serial_number = &self.serial_number;
        let order = StatusOrder { serial_number, status, this_update, next_update: None, nonce: Some(b"once") };
        let octets = authority.status_answer(&order).unwrap();
        StatusAnswer::from_der(&octets).unwrap().verified_for(&self.person, &self.issuer, NOW)
    }

    fn list(&self, is_revoked: bool, from: OffsetDateTime, until: OffsetDateTime) -> RevocationLists {
        let revocation = Revocation {
            serial_number: self.serial_number.clone(),
            revoked_at: NOW - Duration::days(9),
            reason: pki::RevocationReason::KeyCompromise,
        };
        let revoked: &[Revocation] = if is_revoked { std::slice::from_ref(&revocation) } else { &[] };
        let octets = self.pki.authority().revocation_list_of(revoked, from, until, 7).unwrap();
        list(&octets, &self.pki.authority().certificate().der).unwrap()
    }
}

/// What the list says, what the service says and how long ago, and what counts.
#[test]
fn revoked_wins_from_any_source_and_good_must_be_current_and_newest() {
    let sources = Sources::new();
    let days = Duration::days;
    let current = |is_revoked| sources.list(is_revoked, NOW - days(1), NOW + days(1));
    let stale = |is_revoked| sources.list(is_revoked, NOW - days(3), NOW - days(1));
    let just_made = || sources.list(false, NOW - Duration::minutes(1), NOW + days(1));
    let none = RevocationLists::new;
    let good = |minutes| Some(sources.answer(Status::Good, Duration::minutes(minutes)));
    let revoked = |age| Some(sources.answer(Status::Revoked(NOW - days(2)), age));
    let unknown = || Some(sources.answer(Status::Unknown, Duration::ZERO));
    let rows: [(&str, RevocationLists, Option<VerifiedStatusAnswer>, &str); 15] = [
        ("current list", current(false), None, "list"),
        ("current list and answer", current(false), good(1), "answer"),
        ("the list is newer than the answer", just_made(), good(5), "list"),
        ("stale list", stale(false), None, "stale"),
        ("stale list, fresh answer", stale(false), good(1), "answer"),
        ("stale list, answer of ten minutes", stale(false), good(10), "answer"),
        ("stale list, answer of eleven minutes", stale(false), good(11), "stale"),
        ("stale list, the service does not know it", stale(false), unknown(), "stale"),
        ("stale list, an answer of the future", stale(false), good(-2), "stale"),
        ("no list, fresh answer", none(), good(0), "answer"),
        ("no list, no answer", none(), None, "unknown"),
        ("revoked on a stale list, fresh good answer", stale(true), good(0), "revoked"),
        ("revoked on a list, no answer", current(true), None, "revoked"),
        ("good on the list, revoked by the service", current(false), revoked(Duration::ZERO), "revoked"),
        ("good on the list, revoked by an old answer", current(false), revoked(days(30)), "revoked"),
    ];
    for (name, lists, answer, expected) in rows {
        let sources_of_row = RevocationSources { lists: &lists, answers: answer.as_slice() };
        let verdict = match sources_of_row.status(&sources.person, &sources.issuer, NOW) {
            Ok(RevocationEvidence::List { .. }) => "list",
            Ok(RevocationEvidence::Answer { .. }) => "answer",
            Ok(_) => "other",
            Err(RevocationFault::Revoked(_)) => "revoked",
            Err(RevocationFault::Stale { .. }) => "stale",
            Err(RevocationFault::Unknown) => "unknown",
            Err(RevocationFault::FromTheFuture { .. }) => "future",
        };
        assert_eq!(verdict, expected, "{name}");
    }
}

#[test]
fn an_answer_counts_for_its_certificate_only_and_by_its_issuer_only() {
    let sources = Sources::new();
    let answers = [sources.answer(Status::Good, Duration::ZERO)];
    let lists = RevocationLists::new();
    let known = RevocationSources { lists: &lists, answers: &answers };
    let evidence = known.status(&sources.person, &sources.issuer, NOW).unwrap();
    assert_eq!(evidence.to_string(), "answer of the status service of 2026-11-22T12:00:00Z");
    let root = certificate(&sources.pki.root().certificate().der);
    assert_eq!(known.status(&sources.issuer, &root, NOW), Err(RevocationFault::Unknown), "another certificate");
    let by_root = sources.answer_by(sources.pki.root(), Status::Good, Duration::ZERO).map(|_| ()).unwrap_err();
    assert_eq!(by_root, StatusAnswerError::OtherCertificate, "the root is not this certificate's issuer");
}

/// A service whose own certificate is revoked is not believed, whatever it says.
#[test]
fn a_revoked_delegate_counts_for_nothing() {
    let delegate = certificate(&file("pki/ocsp.cert.der"));
    let pretended = certificate(&file("pki/person.cert.der"));
    let good = verified(&file("pki/ocsp-good.resp.der"), "person").unwrap();
    let at = good.this_update();
    let answers = [good];
    let none = RevocationLists::new();
    let unlisted = RevocationSources { lists: &none, answers: &answers };
    assert!(unlisted.status(&pretended, &of_set("sub"), at).is_ok());
    let lists = list_with(&delegate);
    let listed = RevocationSources { lists: &lists, answers: &answers };
    assert!(matches!(listed.status(&pretended, &of_set("sub"), at), Err(RevocationFault::Stale { .. })));
}

/// The set's stale list with one more entry, signed with the authority's published key.
fn list_with(revoked: &Certificate) -> RevocationLists {
    let key_info = file("pki/sub.testkey.der");
    let key = PrivateKey::from_octets(key_info[key_info.len() - 32..].try_into().unwrap()).unwrap();
    let serial_number = revoked.serial_number().octets().to_vec();
    let add = |body: &mut Vec<Value>| {
        let entry = vec![Value::Primitive(0x02, serial_number), body[THIS_UPDATE].clone()];
        body.insert(THIS_UPDATE + 2, Value::Constructed(0x30, vec![Value::Constructed(0x30, entry)]));
    };
    let sign = |body: &[u8]| key.sign_hash(&belt::hash(&[body])).to_vec();
    list(&resigned(&file("pki/sub-stale.crl.der"), add, sign), &file("pki/sub.cert.der")).unwrap()
}

const THIS_UPDATE: usize = 3;
