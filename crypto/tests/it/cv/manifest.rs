//! The manifest of the test set: every case with its verdict, its effective rights and why; every file with its fields.

use latchkey_crypto::bign::SignatureError;
use latchkey_crypto::cv::rights::{EidRights, EsignRights, Rights};
use latchkey_crypto::cv::{
    Certificate, CertificateError, CertificateFault, DateError, NameError, PathError, Request, TrustAnchor,
    TrustAnchors,
};
use latchkey_crypto::tlv::TlvErrorKind;
use latchkey_fixtures::vectors::file;
use serde::Deserialize;

use super::{day, octets_of, test_set};

#[derive(Deserialize)]
struct Manifest {
    cases: Vec<Case>,
    certificates: Vec<Described>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    kind: String,
    chain: Vec<String>,
    date: String,
    verdict: String,
    effective: Option<Words>,
}

#[derive(Deserialize)]
struct Words {
    eid: String,
    esign: String,
}

impl Words {
    fn rights(&self) -> Rights {
        Rights { eid: eid(&self.eid), esign: esign(&self.esign) }
    }
}

#[derive(Deserialize)]
struct Described {
    file: String,
    authority: Option<String>,
    holder: Option<String>,
    level: Option<usize>,
    eid: Option<String>,
    esign: Option<String>,
    from: Option<String>,
    until: Option<String>,
    length: Option<usize>,
}

fn eid(word: &str) -> EidRights {
    EidRights::from_octets(hex::decode(word).unwrap().try_into().unwrap())
}

fn esign(word: &str) -> EsignRights {
    EsignRights::from_octets(hex::decode(word).unwrap().try_into().unwrap())
}

fn manifest() -> Manifest {
    serde_json::from_slice(&file("cv/cv.json")).unwrap()
}

#[derive(Debug, PartialEq)]
enum Refusal {
    Reading(CertificateError),
    Path(PathError),
}

impl From<CertificateError> for Refusal {
    fn from(error: CertificateError) -> Self {
        Self::Reading(error)
    }
}

impl From<PathError> for Refusal {
    fn from(error: PathError) -> Self {
        Self::Path(error)
    }
}

/// Reads the chain and judges its last certificate, as what it is said to be.
fn judged(case: &Case) -> Result<Rights, Refusal> {
    let today = day(&case.date);
    let chain = case.chain.iter().map(|file| Certificate::parse(&octets_of(file))).collect::<Result<Vec<_>, _>>()?;
    let (root, path) = chain.split_first().unwrap();
    let anchor = TrustAnchor::of_root(root.clone())?;
    let anchors = TrustAnchors::new(vec![anchor.clone()]);
    Ok(match (case.kind.as_str(), path) {
        ("ca", []) => {
            anchor.as_authority().in_force(today)?;
            anchor.as_authority().rights()
        }
        ("ca", [link]) if case.chain[1].ends_with(".link") => anchor.linked(link, today)?.as_authority().rights(),
        ("ca", [authority]) => anchor.as_authority().authority(authority, today)?.rights(),
        ("terminal", path) => anchors.terminal(path, today)?.rights(),
        ("card", path) => anchors.card(path, today).map(|_| Rights::NONE)?,
        other => panic!("{}: {other:?}", case.name),
    })
}

fn reading(fault: CertificateFault, offset: usize) -> Refusal {
    Refusal::Reading(CertificateError { fault, offset })
}

fn is_mismatch(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Path(PathError::Signature { error: SignatureError::Mismatch, .. }))
}

fn is_expired(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Path(PathError::Expired { .. }))
}

fn is_not_yet_in_force(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Path(PathError::NotYetInForce { .. }))
}

fn is_unknown_authority(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Path(PathError::UnknownAuthority { .. }))
}

fn is_not_self_issued(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Path(PathError::NotSelfIssued { .. }))
}

/// Why each refused case is refused.
fn is_refused_for_its_reason(case: &str, refusal: &Refusal) -> bool {
    use CertificateFault as Fault;
    match case {
        "terminal, day after" | "expired terminal" | "expired sub-CA" => is_expired(refusal),
        "terminal, day before" | "future terminal" => is_not_yet_in_force(refusal),
        "terminal under expired sub-CA" => match refusal {
            Refusal::Path(PathError::Expired { holder, .. }) => holder.as_str() == "BYCA1776",
            _ => false,
        },
        "terminal2 straight under old root" | "chain with sub-CA missing" => is_unknown_authority(refusal),
        "link as a root" | "sub-CA presented as root" => is_not_self_issued(refusal),
        "bad link" | "bad signature" | "altered date" | "root with bad self-signature" => is_mismatch(refusal),
        "issuer level lower than subject" => matches!(refusal, Refusal::Path(PathError::LevelAboveIssuer { .. })),
        "wrong issuer name" => matches!(refusal, Refusal::Path(PathError::OtherIssuer { .. })),
        "starts before issuer" => matches!(refusal, Refusal::Path(PathError::BeginsOutsideIssuersPeriod { .. })),
        "card with rights" => matches!(refusal, Refusal::Path(PathError::CardWithRights { .. })),
        "date month 13" => *refusal == reading(Fault::Date(DateError::NoSuchDay), 154),
        "date ascii" => *refusal == reading(Fault::Date(DateError::Digit(b'2')), 145),
        "from after until" => *refusal == reading(Fault::EndsBeforeItBegins, 154),
        "name too short" => *refusal == reading(Fault::Name(NameError::Length(7)), 108),
        "trailing octet" => *refusal == reading(Fault::Objects(TlvErrorKind::Trailing), 270),
        "cut" => *refusal == reading(Fault::Objects(TlvErrorKind::Truncated), 5),
        "key off curve" => matches!(refusal, Refusal::Reading(CertificateError { fault: Fault::Key(_), .. })),
        _ => false,
    }
}

#[test]
fn every_case_gets_its_verdict_and_its_rights() {
    let cases = manifest().cases;
    assert_eq!(cases.len(), 39);
    for case in cases {
        match (judged(&case), case.verdict.as_str()) {
            (Ok(rights), "accept") => {
                let expected = case.effective.map_or(Rights::NONE, |words| words.rights());
                assert_eq!(rights, expected, "{}", case.name);
            }
            (Err(refusal), "reject") => {
                assert!(is_refused_for_its_reason(&case.name, &refusal), "{}: {refusal:?}", case.name);
            }
            (result, verdict) => panic!("{}: {result:?}, expected {verdict}", case.name),
        }
    }
}

#[test]
fn every_file_says_what_the_manifest_says() {
    let described = manifest().certificates;
    assert_eq!(described.len(), test_set().len());
    let mut read = 0;
    for expected in described {
        let octets = octets_of(&expected.file);
        assert!(expected.length.is_none_or(|length| octets.len() == length), "{}", expected.file);
        // What cannot be read is among the cases.
        let Ok(certificate) = Certificate::parse(&octets) else { continue };
        let body = certificate.body();
        let says = (body.authority.as_str(), body.holder.as_str(), body.key.level().bits());
        let (authority, holder) = (expected.authority.unwrap(), expected.holder.unwrap());
        assert_eq!(says, (authority.as_str(), holder.as_str(), expected.level.unwrap()), "{}", expected.file);
        let words = Words { eid: expected.eid.unwrap(), esign: expected.esign.unwrap() };
        assert_eq!(body.rights, words.rights(), "{}", expected.file);
        let days = (hex::encode(body.period.from().octets()), hex::encode(body.period.until().octets()));
        assert_eq!(days, (expected.from.unwrap(), expected.until.unwrap()), "{}", expected.file);
        assert_eq!(certificate.to_octets(), octets, "{}", expected.file);
        assert_eq!(Certificate::parse_contents(&certificate.contents()), Ok(certificate), "{}", expected.file);
        read += 1;
    }
    assert_eq!(read, 26);
}

#[test]
fn requests_are_signed_with_their_own_key_and_certificates_are_not() {
    for (file, octets) in test_set() {
        let is_request = Request::parse(&octets).is_ok();
        let is_self_signed = file.ends_with(".req") || ["root.cert", "root2.cert"].contains(&file);
        assert_eq!(is_request, is_self_signed, "{file}");
    }
}
