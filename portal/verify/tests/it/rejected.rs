//! One file for each way to be refused: its name states the fault, its first line the outcome.

use std::collections::BTreeSet;
use std::path::PathBuf;

use latchkey_verify::Rejection;

use crate::cases::cases;
use crate::presentation::Presentation;

/// How many variants [`Rejection`] has.
const REJECTIONS: usize = 29;

/// Numbers the variants. A new one does not compile before it has a number here, and then fails
/// [`every_rejection_is_provoked_by_a_file`] before it has a file.
fn number(rejection: &Rejection) -> usize {
    match rejection {
        Rejection::MalformedAssertion(_) => 0,
        Rejection::UnsupportedFormat => 1,
        Rejection::UnsupportedAlgorithm => 2,
        Rejection::ChallengeOfOtherPurpose { .. } => 3,
        Rejection::ChallengeExpired => 4,
        Rejection::ChallengeFromTheFuture => 5,
        Rejection::CertificateMalformed(_) => 6,
        Rejection::CertificateExtensionUnknown(_) => 7,
        Rejection::CertificateKeyUnsupported(_) => 8,
        Rejection::CertificateOfAuthority => 9,
        Rejection::CertificateNotYetValid { .. } => 10,
        Rejection::CertificateExpired { .. } => 11,
        Rejection::WrongKeyUsage => 12,
        Rejection::WrongExtendedKeyUsage => 13,
        Rejection::UnknownIssuer => 14,
        Rejection::CertificateSignatureInvalid => 15,
        Rejection::IssuerNotAuthority => 16,
        Rejection::IssuerNotValidNow => 17,
        Rejection::PathTooLong => 18,
        Rejection::AlgorithmMismatch => 19,
        Rejection::SignatureInvalid => 20,
        Rejection::CertificateRevoked(_) => 21,
        Rejection::IssuerRevoked(_) => 22,
        Rejection::RevocationUnknown => 23,
        Rejection::RevocationStale { .. } => 24,
        Rejection::RevocationFromTheFuture => 25,
        Rejection::WrongPolicy { .. } => 26,
        Rejection::HolderUnidentified(_) => 27,
        Rejection::NumberOfOtherCountry { .. } => REJECTIONS - 1,
    }
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/rejected")
}

/// Name, expected code, presentation of every file.
fn files() -> Vec<(String, String, Presentation)> {
    let mut files: Vec<_> = std::fs::read_dir(directory())
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let (expect, presentation) = Presentation::from_text(&std::fs::read_to_string(&path).unwrap());
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), expect, presentation)
        })
        .collect();
    files.sort_by(|one, other| one.0.cmp(&other.0));
    files
}

#[test]
fn every_file_is_refused_as_its_head_says() {
    for (name, expect, presentation) in files() {
        let rejection = presentation.verify().map(|_| ()).expect_err(&name);
        assert_eq!(rejection.code(), expect, "{name}: {rejection}");
    }
}

#[test]
fn every_rejection_is_provoked_by_a_file() {
    let rejections: Vec<_> = files().iter().filter_map(|(_, _, presentation)| presentation.verify().err()).collect();
    let provoked: BTreeSet<usize> = rejections.iter().map(number).collect();
    assert_eq!(provoked, (0..REJECTIONS).collect(), "a rejection without a file, or a file without one");
    let codes: BTreeSet<&str> = rejections.iter().map(Rejection::code).collect();
    assert_eq!(codes.len(), REJECTIONS, "two rejections share a code: {codes:?}");
    for code in codes {
        assert!(code.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'-'), "{code}");
    }
}

/// With `WRITE_REJECTED` set in the environment the files are written instead.
#[test]
fn files_are_current() {
    let cases = cases();
    let names: BTreeSet<_> = cases.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(names.len(), cases.len(), "two cases share a name");
    for (name, expect, presentation) in cases {
        let (path, text) = (directory().join(name).with_extension("txt"), presentation.to_text(expect));
        if std::env::var_os("WRITE_REJECTED").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(&path).unwrap_or_default(),
            text,
            "{name} is not current: run this test with WRITE_REJECTED=1"
        );
    }
    assert_eq!(names, files().into_iter().map(|(name, ..)| name).collect(), "a file that no case makes");
}
