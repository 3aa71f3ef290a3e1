//! Signing and verifying documents at the command line, and every way in which that fails.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use latchkey_client::documents::{
    DocumentFailure, FAULT_CODES, Placement, SignaturePlace, Verification, fault_code, verify,
};
use latchkey_crypto::bign::PrivateKey;
use latchkey_crypto::cms::{ContentHasher, DetachedSignature, DigestAlgorithm, SignatureFault, SignedAttributes};
use latchkey_crypto::hash::HashAlgorithm;
use latchkey_crypto::signature::SignatureAlgorithm;
use latchkey_crypto::x509::{Certificate, PathError, Revocation, RevocationFault, RevocationReason};
use latchkey_fixtures::card_image::CardImage;
use latchkey_fixtures::holders::{issue_card, sample_pki, sign_in_only_certificate};
use latchkey_fixtures::vectors;
use time::OffsetDateTime;
use time::macros::datetime;

use crate::binary::{Ran, World, holder, latchkey, run, run_with_input};

const ORDINARY: &str = "hanna-vydumanaya";
/// The reference time of the test set.
const REFERENCE: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);

/// The program's clock is the machine's.
#[expect(clippy::disallowed_methods, reason = "the program that is tested looks at the clock")]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc().replace_nanosecond(0).unwrap()
}

/// A card, its authorities and their lists, as of now, and a folder to work in.
struct Bench {
    world: World,
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self::with(|_| ())
    }

    fn with(change: impl FnOnce(&mut CardImage)) -> Self {
        let pki = sample_pki(now()).unwrap();
        let mut image = issue_card(&pki, &holder(ORDINARY), now()).unwrap();
        change(&mut image);
        let bench = Self { world: World::with(image), folder: tempfile::tempdir().unwrap() };
        bench.write("root.cer", &pki.root().certificate().der);
        // One of them as people often have it.
        bench.write("authority.pem", pem("CERTIFICATE", &pki.authority().certificate().der).as_bytes());
        bench.write("root.crl", &pki.root_revocation_list(&[]).unwrap());
        bench.write("authority.crl", pem("X509 CRL", &pki.authority_revocation_list(&[]).unwrap()).as_bytes());
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, contents: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, contents).unwrap();
        path
    }

    fn sign(&self, arguments: &[&str]) -> Ran {
        let mut command = self.world.latchkey();
        command.current_dir(self.folder.path()).arg("sign").args(arguments).args(["--pin-fd", "0"]);
        run_with_input(&mut command, &format!("{}\n", holder(ORDINARY).pin))
    }

    fn verify(&self, arguments: &[&str]) -> Ran {
        run(latchkey().current_dir(self.folder.path()).arg("verify").args(arguments).args(TRUSTED))
    }
}

const TRUSTED: [&str; 8] =
    ["--trust", "root.cer", "--trust", "authority.pem", "--crl", "root.crl", "--crl", "authority.crl"];

fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let digits = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<_> = digits.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

#[test]
fn documents_are_signed_and_verified_beside_and_inside() {
    let bench = Bench::new();
    bench.write("contract.txt", b"a contract");
    bench.write("annex.txt", b"");
    let ran = bench.sign(&["contract.txt", "annex.txt"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("contract.txt: signed, see "), "{ran:?}");
    for name in ["contract.txt.p7s", "annex.txt.p7s"] {
        let ran = bench.verify(&[name, "--json"]);
        assert_eq!(ran.code, 0, "{name}: {ran:?}");
        let signer = &ran.json()["signers"][0];
        assert_eq!((&signer["valid"], &signer["form"]), (&true.into(), &"cades-b-b".into()), "{name}");
        assert!(signer["signer"].as_str().unwrap().contains("ВЫДУМАННАЯ"), "{name}: {ran:?}");
    }
    fs::create_dir(bench.path("signed")).unwrap();
    let ran = bench.sign(&["contract.txt", "--attached", "--output-folder", "signed", "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json()["documents"][0]["document"], "contract.txt");
    let ran = bench.verify(&["signed/contract.txt.p7m", "--save", "out.txt"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for words in ["the signature counts", "CAdES B-B", "bign-with-hbelt", "The document is inside"] {
        assert!(ran.out.contains(words), "{words}: {ran:?}");
    }
    assert_eq!(fs::read(bench.path("out.txt")).unwrap(), b"a contract");
    // Nothing is left over.
    assert_eq!(fs::read_dir(bench.path("signed")).unwrap().count(), 1);
}

#[test]
fn a_document_that_is_not_signed_does_not_lose_the_others() {
    let bench = Bench::new();
    bench.write("first.txt", b"first");
    bench.write("last.txt", b"last");
    bench.write("taken.txt", b"taken");
    bench.write("taken.txt.p7s", b"somebody's");
    let ran = bench.sign(&["first.txt", "missing.txt", "taken.txt", "last.txt", "--json"]);
    assert_eq!(ran.code, 10, "{ran:?}");
    assert!(ran.err.ends_with("Code: documents-not-signed\n"), "{ran:?}");
    let results: serde_json::Value = serde_json::from_str(ran.out.lines().next().unwrap()).unwrap();
    let code = |number: usize| results["documents"][number]["error"]["code"].as_str();
    assert_eq!([code(0), code(1), code(2), code(3)], [None, Some("document-unreadable"), Some("output-exists"), None]);
    assert_eq!(bench.verify(&["first.txt.p7s"]).code, 0);
    assert_eq!(bench.verify(&["last.txt.p7s"]).code, 0);
    assert_eq!(fs::read(bench.path("taken.txt.p7s")).unwrap(), b"somebody's");
}

#[test]
fn a_certificate_for_signing_in_alone_signs_nothing() {
    let bench = Bench::with(|image| {
        let der = sign_in_only_certificate(&sample_pki(now()).unwrap(), &holder(ORDINARY)).unwrap();
        image.esign.base_certificate = latchkey_fixtures::card_image::Octets(der);
    });
    bench.write("contract.txt", b"a contract");
    let ran = bench.sign(&["contract.txt"]);
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.err.ends_with("Code: certificate-not-for-documents\n"), "{ran:?}");
    assert!(!bench.path("contract.txt.p7s").exists());
}

#[test]
fn an_altered_document_is_told_and_its_contents_not_saved() {
    let bench = Bench::new();
    bench.write("contract.txt", b"a contract");
    assert_eq!(bench.sign(&["contract.txt", "--attached"]).code, 0);
    let mut octets = fs::read(bench.path("contract.txt.p7m")).unwrap();
    let at = octets.windows(10).position(|window| window == b"a contract").unwrap();
    octets[at] = b'A';
    bench.write("altered.p7m", &octets);
    let ran = bench.verify(&["altered.p7m", "--save", "out.txt"]);
    assert_eq!(ran.code, 10, "{ran:?}");
    assert!(ran.out.contains("content-altered") && ran.out.contains("the signature does not count"), "{ran:?}");
    assert!(ran.err.ends_with("Code: signature-not-valid\n"), "{ran:?}");
    assert!(!bench.path("out.txt").exists());
    assert_eq!(fs::read_dir(bench.folder.path()).unwrap().count(), 7, "something was left over");
}

/// With so little memory that a file which is held in it, or half of one, would not fit.
#[test]
fn files_of_any_size_pass_through_little_memory() {
    const LIMIT_KIB: u32 = 64 * 1024;
    // More than fits.
    const SIZE: u64 = 72 * 1024 * 1024;
    let bench = Bench::new();
    let large = fs::File::create(bench.path("large.bin")).unwrap();
    large.set_len(SIZE).unwrap();
    let limited = |command: &Command| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -d {LIMIT_KIB} && exec \"$0\" \"$@\"")]);
        shell.arg(command.get_program()).args(command.get_args()).current_dir(bench.folder.path());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell
    };
    let mut sign = bench.world.latchkey();
    sign.args(["sign", "large.bin", "--attached", "--pin-fd", "0"]);
    let ran = run_with_input(&mut limited(&sign), &format!("{}\n", holder(ORDINARY).pin));
    assert_eq!(ran.code, 0, "{ran:?}");
    let mut verify = latchkey();
    verify.args(["verify", "large.bin.p7m"]).args(TRUSTED);
    let ran = run(&mut limited(&verify));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(fs::metadata(bench.path("large.bin.p7m")).unwrap().len() > SIZE);
}

fn set(name: &str) -> PathBuf {
    vectors::directory().join("pki").join(name)
}

fn order(file: &str) -> Verification {
    Verification {
        file: set(file),
        trust: vec![set("root.cert.der"), set("sub.cert.der")],
        revocation_lists: vec![set("root.crl.der"), set("sub-fresh.crl.der")],
        ..Verification::default()
    }
}

/// The code of the only signer's fault.
fn fault(order: &Verification, now: OffsetDateTime) -> &'static str {
    match &verify(order, now).unwrap().signers[..] {
        [(_, Err(fault))] => fault_code(fault),
        other => panic!("{other:?}"),
    }
}

#[test]
fn faults_of_signatures_are_told_by_their_codes() {
    let rows = [
        ("content-altered", order("cms-attached-altered-content.der"), REFERENCE),
        ("signature-wrong", order("cms-attached-bad-signature.der"), REFERENCE),
        ("signer-certificate-expired", order("cms-expired-signer.der"), REFERENCE),
        ("signer-certificate-revoked", order("cms-revoked-signer.der"), REFERENCE),
        ("no-signed-attributes", order("cms-no-signed-attributes.der"), REFERENCE),
        (
            "signer-issuer-unknown",
            Verification { trust: vec![], revocation_lists: vec![], ..order("cms-attached.der") },
            REFERENCE,
        ),
        (
            "signer-revocation-unknown",
            Verification { revocation_lists: vec![], ..order("cms-attached.der") },
            REFERENCE,
        ),
        (
            "signer-revocation-stale",
            Verification { revocation_lists: vec![set("sub-stale.crl.der")], ..order("cms-attached.der") },
            REFERENCE,
        ),
        ("signer-revocation-from-the-future", order("cms-attached.der"), datetime!(2026-11-19 0:00 UTC)),
        ("signer-certificate-not-yet-valid", order("cms-attached.der"), datetime!(2026-11-14 0:00 UTC)),
        ("signing-time-impossible", order("cms-attached.der"), datetime!(2026-11-21 12:00 UTC)),
    ];
    for (code, order, now) in rows {
        assert_eq!(fault(&order, now), code);
    }
    let good = verify(&order("cms-cades-bes.der"), REFERENCE).unwrap();
    assert!(good.signers.iter().all(|(_, verdict)| verdict.is_ok()));
}

#[test]
fn every_fault_of_a_signature_has_a_code_of_its_own() {
    use SignatureFault as Fault;
    let revocation = Revocation { since: REFERENCE, reason: RevocationReason::Unspecified };
    let faults = [
        Fault::CertificateMissing,
        Fault::UnsupportedAlgorithm,
        Fault::ContentAltered,
        Fault::SignatureWrong,
        Fault::OtherCertificate,
        Fault::Path(PathError::AuthorityAsHolder),
        Fault::Path(PathError::NotYetValid),
        Fault::Path(PathError::Expired),
        Fault::Path(PathError::WrongKeyUsage),
        Fault::Path(PathError::WrongExtendedKeyUsage),
        Fault::Path(PathError::UnknownIssuer),
        Fault::Path(PathError::SignatureInvalid),
        Fault::Path(PathError::IssuerNotAuthority),
        Fault::Path(PathError::IssuerNotValidNow),
        Fault::Path(PathError::TooLong),
        Fault::Revocation(RevocationFault::Revoked(revocation)),
        Fault::Revocation(RevocationFault::Unknown),
        Fault::Revocation(RevocationFault::Stale { next_update: REFERENCE }),
        Fault::Revocation(RevocationFault::FromTheFuture { this_update: REFERENCE }),
        Fault::ImpossibleTime,
        Fault::NoSignedAttributes,
    ];
    let codes: BTreeSet<_> = faults.iter().map(fault_code).collect();
    assert_eq!(codes, FAULT_CODES.into_iter().collect());
    assert_eq!(codes.len(), faults.len());
}

fn code(order: &Verification) -> &'static str {
    verify(order, REFERENCE).unwrap_err().code()
}

#[test]
fn what_cannot_be_judged_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str, contents: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, contents).unwrap();
        path
    };
    let alone = place("alone.p7s", &vectors::file("pki/cms-detached.der"));
    let broken = place("broken.pem", b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n");
    let rows = [
        ("file-unreadable", order("missing.der")),
        ("file-unreadable", Verification { content: Some(set("missing.txt")), ..order("cms-detached.der") }),
        ("file-unreadable", Verification { trust: vec![broken], ..order("cms-attached.der") }),
        ("not-a-signed-document", order("person.cert.der")),
        ("not-a-signed-document", order("cms-enveloped.der")),
        ("content-needed", Verification { file: alone.clone(), ..order("") }),
        ("trust-unusable", Verification { trust: vec![set("document.txt")], ..order("cms-attached.der") }),
        ("trust-unusable", Verification { trust: vec![set("person.cert.der")], ..order("cms-attached.der") }),
        (
            "revocation-list-unusable",
            Verification { revocation_lists: vec![set("sub-bad-signature.crl.der")], ..order("cms-attached.der") },
        ),
        (
            "revocation-list-unusable",
            Verification { trust: vec![set("root512.cert.der")], ..order("cms-attached.der") },
        ),
        ("output-exists", Verification { save: Some(set("document.txt")), ..order("cms-attached.der") }),
        ("output-unwritable", Verification { save: Some("/nowhere/out".into()), ..order("cms-attached.der") }),
    ];
    for (expected, order) in rows {
        assert_eq!(code(&order), expected, "{order:?}");
    }
    // The document is found by its name.
    place("alone", &vectors::file("pki/document.txt"));
    let found = verify(&Verification { file: alone, ..order("") }, REFERENCE).unwrap();
    assert!(found.signers[0].1.is_ok() && found.content.is_some());
}

/// A signature over these contents, as a card would make it.
fn signature(contents: &[u8]) -> DetachedSignature {
    let algorithm = SignatureAlgorithm::Bign(HashAlgorithm::BeltHash);
    let mut hasher = ContentHasher::new(DigestAlgorithm::of_signature(algorithm));
    hasher.update(contents);
    let certificate = Certificate::from_der(&vectors::file("pki/person.cert.der")).unwrap();
    let attributes = SignedAttributes::new(hasher.finish(), certificate, algorithm, REFERENCE).unwrap();
    let key = vectors::file("pki/person.testkey.der");
    let key = PrivateKey::from_octets(key[key.len() - 32..].try_into().unwrap()).unwrap();
    let hash = attributes.hash().try_into().unwrap();
    attributes.signed(&key.sign_hash(&hash)).unwrap()
}

#[test]
fn a_document_that_changed_since_it_was_signed_gets_no_signature() {
    let folder = tempfile::tempdir().unwrap();
    let document = folder.path().join("contract.txt");
    let entries = || fs::read_dir(folder.path()).unwrap().count();
    for placement in [Placement::Detached, Placement::Attached] {
        for later in [&b"a contracT"[..], b"a contract, longer", b"a"] {
            fs::write(&document, later).unwrap();
            let place = SignaturePlace::find(&document, placement, None).unwrap();
            let refused = place.write(&signature(b"a contract")).unwrap_err();
            assert_eq!(refused, DocumentFailure::Changed { file: document.clone() }, "{placement:?}");
            assert_eq!(entries(), 1, "something was left over");
        }
        fs::write(&document, b"a contract").unwrap();
        let place = SignaturePlace::find(&document, placement, None).unwrap();
        place.write(&signature(b"a contract")).unwrap();
        let again = place.write(&signature(b"a contract")).unwrap_err();
        assert_eq!(again.code(), "output-exists");
        fs::remove_file(place.output()).unwrap();
    }
    let nowhere = SignaturePlace::find(&document, Placement::Detached, Some(Path::new("/nowhere"))).unwrap();
    assert_eq!(nowhere.write(&signature(b"a contract")).unwrap_err().code(), "output-unwritable");
}
