//! A build of client and portal in which every check that a fault targets can be taken out.
//!
//! It is made of a copy of the sources in which the lines of [`PATCHES`] are replaced, so that the ordinary programs have
//! no switch of this kind. One build serves all faults: a check is taken out by an environment variable that only these
//! programs look at. What others wrote is taken from the ordinary build by links, so that only our crates are compiled.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use latchkey_tests::faults::FAULTS;
use latchkey_tests::process::program;

use crate::sources::root;

/// Names the fault whose check is taken out.
pub(crate) const CHECK_REMOVED: &str = "LATCHKEY_CHECK_REMOVED";

/// One place of the sources.
struct Patch {
    file: &'static str,
    /// What stands there, once.
    from: &'static str,
    /// What takes its place: `GONE("fault")` is true if the check of that fault is taken out.
    to: &'static str,
}

const PATCHES: &[Patch] = &[
    Patch {
        file: "card/agent/src/failure.rs",
        from: "DialogueError::PinWrong { tries_left } => Self::PinWrong { tries_left },",
        to: r#"DialogueError::PinWrong { tries_left } if !GONE("wrong-pin") => Self::PinWrong { tries_left },"#,
    },
    Patch {
        file: "card/agent/src/pin_care.rs",
        from: "if status.is_last_try() {\n",
        to: "if status.is_last_try() && !GONE(\"last-try\") {\n",
    },
    Patch {
        file: "card/agent/src/pin_care.rs",
        from: "PinStatus::Blocked => Err(Failure::PinBlocked),",
        to: r#"PinStatus::Blocked => if GONE("blocked-pin") { Ok(PinStatus::Blocked) } else { Err(Failure::PinBlocked) },"#,
    },
    Patch {
        file: "card/agent/src/pin_care.rs",
        from: "if status.is_last_try() || self.profile",
        to: r#"if (status.is_last_try() && !GONE("suspended-pin")) || self.profile"#,
    },
    // A reset that goes unnoticed.
    Patch {
        file: "card/agent/src/pin_care.rs",
        from: "        card.connection.begin().map_err(|error| match error {",
        to: r#"        if GONE("card-reset-by-other") {
            drop(card.connection.begin());
        }
        card.connection.begin().map_err(|error| match error {"#,
    },
    Patch {
        file: "card/reader/src/pcsc/worker.rs",
        from: "Ok(answer) if answer.is_empty() =>",
        to: r#"Ok(answer) if answer.is_empty() && !GONE("card-pulled") =>"#,
    },
    Patch {
        file: "card/reader/src/pcsc/worker.rs",
        from: "Ok(()) if self.same_insertion().is_err() =>",
        to: r#"Ok(()) if !GONE("card-pulled") && self.same_insertion().is_err() =>"#,
    },
    // Any card in the reader is taken for the one whose status was shown.
    Patch {
        file: "card/reader/src/pcsc/worker.rs",
        from: "if error != Error::ResetCard {",
        to: r#"if error != Error::ResetCard && !GONE("card-swapped") {"#,
    },
    Patch {
        file: "card/reader/src/pcsc/worker.rs",
        from: "let same = count_of(state) == self.wanted.count",
        to: r#"let same = (count_of(state) == self.wanted.count || GONE("card-swapped"))"#,
    },
    Patch {
        file: "card/reader/src/pcsc/session.rs",
        from: "Ok(()) => thread.reply(within, too_late),",
        to: r#"Ok(()) => thread.reply(if GONE("card-silent") { Duration::from_secs(3600) } else { within }, too_late),"#,
    },
    Patch {
        file: "card/reader/src/pcsc/faults.rs",
        from: "| Error::InvalidHandle => ReaderError::NoService,",
        to: r#"| Error::InvalidHandle if !GONE("pcscd-killed") => ReaderError::NoService,"#,
    },
    Patch {
        file: "card/reader/src/pcsc/faults.rs",
        from: "| Error::NoReadersAvailable | Error::InvalidValue => {",
        to: r#"| Error::NoReadersAvailable | Error::InvalidValue if !GONE("reader-gone") => {"#,
    },
    Patch {
        file: "crypto/src/x509/path.rs",
        from: "if now > certificate.not_after() {",
        to: r#"if now > certificate.not_after() && !GONE("expired-certificate") {"#,
    },
    Patch {
        file: "crypto/src/x509/path.rs",
        from: "let seconds = u64::try_from(now.unix_timestamp()).unwrap_or(0);",
        to: r#"let now_of_path = if GONE("expired-certificate") { certificate.not_after() } else { now };
        let seconds = u64::try_from(now_of_path.unix_timestamp()).unwrap_or(0);"#,
    },
    Patch {
        file: "crypto/src/x509/path.rs",
        from: "(Ok(_), Ok(path)) => Ok(path),",
        to: r#"(Ok(_), Ok(path)) => Ok(path),
            _ if GONE("unknown-issuer") => {
                let policies = policies(certificate, &[]);
                Ok(Self { certificate, authorities: trust.anchors.iter().collect(), policies })
            }"#,
    },
    Patch {
        file: "crypto/src/x509/path.rs",
        from: "if !certificate.key_usage().is_some_and(",
        to: r#"if !GONE("wrong-key-usage") && !certificate.key_usage().is_some_and("#,
    },
    Patch {
        file: "crypto/src/x509/revocation.rs",
        from: "if let Some(revocation) = list.revocation_of(certificate.serial_number()) {",
        to: r#"if let Some(revocation) = list.revocation_of(certificate.serial_number()) && !GONE("revoked-certificate") {"#,
    },
    Patch {
        file: "portal/verify/src/policy.rs",
        from: "if assurance < self.minimum_assurance {",
        to: r#"if assurance < self.minimum_assurance && !GONE("wrong-policy") {"#,
    },
    Patch {
        file: "portal/verify/src/challenge.rs",
        from: "if age > self.lifetime.min(CHALLENGE_LIFETIME_MAX) {",
        to: r#"if age > self.lifetime.min(CHALLENGE_LIFETIME_MAX) && !GONE("challenge-expired") {"#,
    },
    Patch {
        file: "portal/verify/src/sign_in.rs",
        from: "Err(VerificationError::WrongSignature) =>",
        to: r#"Err(VerificationError::WrongSignature) if GONE("altered-signature") => {
            Ok(Check::Signature { origin: origin.clone(), algorithm, key: key.to_string() })
        }
        Err(VerificationError::WrongSignature) =>"#,
    },
    Patch {
        file: "portal/server/src/storage/sqlite/together.rs",
        from: "Take::STATEMENTS, ",
        to: r#"if GONE("challenge-replayed") {
            &["UPDATE challenges SET taken_at = ? WHERE id = ? AND browser = ? RETURNING *"][..]
        } else if GONE("challenge-of-other-session") {
            &["UPDATE challenges SET taken_at = ? WHERE id = ? AND ? IS NOT NULL RETURNING *"]
        } else {
            Take::STATEMENTS
        }, "#,
    },
    // The origin is the one that the visitor's request names, in place of the portal's own.
    Patch {
        file: "portal/server/src/http/assertions.rs",
        from: "    let challenge = ChallengeId::parse(challenge)",
        to: r#"    if let Some(host) = headers.get("host").and_then(|host| host.to_str().ok()) {
        *crate::portal::HOST.lock().unwrap() = host.to_owned();
    }
    let challenge = ChallengeId::parse(challenge)"#,
    },
    Patch {
        file: "portal/server/src/portal.rs",
        from: "/// A time in an answer.",
        to: "pub(crate) static HOST: std::sync::Mutex<String> = std::sync::Mutex::new(String::new());\n/// A time in an answer.",
    },
    Patch {
        file: "portal/server/src/portal.rs",
        from: "let proven = presented.prove(&pending, &self.settings.policy, ",
        to: r#"let mut policy = self.settings.policy.clone();
        if GONE("other-origin") {
            policy.origin = Origin::parse(&format!("https://{}", HOST.lock().unwrap())).unwrap();
        }
        let proven = presented.prove(&pending, &policy, "#,
    },
    Patch {
        file: "client/src/portal.rs",
        from: "} else if error.is_connect() {",
        to: r#"} else if error.is_connect() && !GONE("portal-down") {"#,
    },
];

/// Builds client and portal so, and gives the folder where they are, beside the demo.
pub(crate) fn build_without_checks() -> PathBuf {
    let ordinary = program("latchkey-demo").unwrap().parent().unwrap().to_owned();
    let place = ordinary.parent().unwrap().join("without-checks");
    let source = place.join("source");
    copy_sources(&root(), &source);
    // With a target that may use what tests use, cargo chooses the features with which the tests were built.
    write(&source.join("texts/examples/as_for_tests.rs"), "fn main() {}\n");
    let built = place.join("target").join(ordinary.file_name().unwrap());
    for folder in ["deps", "build", ".fingerprint"] {
        link_foreign(&ordinary.join(folder), &built.join(folder));
    }
    let output = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
        .current_dir(&source)
        .env("CARGO_TARGET_DIR", place.join("target"))
        .env_remove("CARGO_BUILD_TARGET_DIR")
        // Built once and hardly ever looked into: no more of it than runs.
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .args(["build", "--workspace", "--offline", "--locked", "--quiet"])
        .args(["--bin", "latchkey", "--bin", "latchkey-portal", "--example", "as_for_tests"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for name in ["latchkey-demo", "latchkey-vcard"] {
        // A program finds others beside itself: a link to it would be followed.
        fs::copy(ordinary.join(name), built.join(name)).unwrap();
    }
    built
}

#[test]
fn every_fault_has_a_check_to_take_out_and_every_patch_fits_the_sources() {
    let root = root();
    let mut targeted = BTreeSet::new();
    for Patch { file, from, to } in PATCHES {
        let text = fs::read_to_string(root.join(file)).unwrap();
        assert_eq!(text.matches(from).count(), 1, "{file} has another number of: {from}");
        targeted.extend(to.split("GONE(\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0)));
    }
    let faults: BTreeSet<_> = FAULTS.iter().map(|fault| fault.name).collect();
    assert_eq!(targeted, faults);
}

/// Copies the sources with the patches in them. A file that is the same already is left alone, so that nothing is
/// compiled twice.
fn copy_sources(from: &Path, to: &Path) {
    let mut wanted = BTreeSet::new();
    let mut open = vec![PathBuf::new()];
    while let Some(path) = open.pop() {
        let is_generated = ["target", "node_modules", ".git", "fuzz"].iter().any(|name| path.ends_with(name));
        if is_generated {
            continue;
        }
        if from.join(&path).is_dir() {
            open.extend(fs::read_dir(from.join(&path)).unwrap().map(|entry| path.join(entry.unwrap().file_name())));
        } else {
            let patched = PATCHES.iter().filter(|patch| path == Path::new(patch.file));
            let mut octets = fs::read(from.join(&path)).unwrap();
            for Patch { from, to, .. } in patched {
                octets = String::from_utf8(octets).unwrap().replace(from, &with_variable(to)).into_bytes();
            }
            write(&to.join(&path), octets);
            wanted.insert(path);
        }
    }
    remove_others(to, Path::new(""), &wanted);
}

fn with_variable(text: &str) -> String {
    text.replace("GONE", &format!("(|fault: &str| std::env::var({CHECK_REMOVED:?}).as_deref() == Ok(fault))"))
}

fn remove_others(root: &Path, folder: &Path, wanted: &BTreeSet<PathBuf>) {
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let path = folder.join(entry.unwrap().file_name());
        if root.join(&path).is_dir() {
            remove_others(root, &path, wanted);
        } else if !wanted.contains(&path) {
            fs::remove_file(root.join(&path)).unwrap();
        }
    }
}

fn write(path: &Path, octets: impl AsRef<[u8]>) {
    if fs::read(path).is_ok_and(|there| there == octets.as_ref()) {
        return;
    }
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, octets).unwrap();
}

/// Links what the ordinary build has made of other people's crates. What is small is copied: cargo might write to it.
fn link_foreign(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (name, path) = (PathBuf::from(entry.file_name()), to.join(entry.file_name()));
        let is_ours = name.to_string_lossy().contains("latchkey");
        // Tests of ours are programs without an extension.
        let is_program = from.ends_with("deps") && name.extension().is_none();
        if is_ours || is_program || path.is_file() {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            link_foreign(&entry.path(), &path);
        } else if entry.metadata().unwrap().len() > LARGE {
            fs::hard_link(entry.path(), &path).unwrap();
        } else {
            copy_with_time(&entry.path(), &path);
        }
    }
}

/// Cargo compares times.
fn copy_with_time(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap();
    let modified = fs::metadata(from).unwrap().modified().unwrap();
    fs::File::options().write(true).open(to).unwrap().set_modified(modified).unwrap();
}

/// Octets above which a file is linked.
const LARGE: u64 = 65_536;
