//! A revocation list of a million entries: read, verified and indexed by a process that does nothing else.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use latchkey_crypto::x509::{Certificate, RevocationList};
use latchkey_fixtures::pki::TestPki;
use latchkey_tests::benchmark::Benchmark;

use crate::figure;
use crate::service::{memory, present};

const ENTRIES: u32 = 1_000_000;
const PLAY: &str = "--play-list";
/// Seconds, and MB beyond the list's own octets.
const SECONDS_AT_MOST: f64 = 5.0;

/// Loads a list, if that is what the arguments ask for: the list's file, and that of its authority's certificate. Says in
/// how many seconds, and how much memory stays and was needed at most, in MB.
pub(crate) fn played(arguments: impl Iterator<Item = String>) -> Option<ExitCode> {
    let mut words = arguments.skip_while(|word| word != PLAY).skip(1);
    let (list, authority) = (words.next()?, words.next()?);
    let authority = Certificate::from_der(&std::fs::read(authority).unwrap()).unwrap();
    let octets = std::fs::read(list).unwrap();
    let begun = Instant::now();
    let list = RevocationList::from_der(&octets).unwrap().verified_by(&authority).unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    drop(octets);
    let (kept, most) = (memory("/proc/self/status", "VmRSS:"), memory("/proc/self/status", "VmHWM:"));
    println!("{} {seconds} {kept} {most}", list.revoked_count());
    Some(ExitCode::SUCCESS)
}

pub(crate) fn measure(benchmark: &mut Benchmark) {
    let entries = if benchmark.is_measurement() { ENTRIES } else { 1000 };
    println!("A revocation list of {entries} entries");
    let pki = TestPki::new("list", present()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name);
    let octets = pki.authority().long_revocation_list(&[], entries, present(), 1).unwrap();
    std::fs::write(file("list.crl"), &octets).unwrap();
    std::fs::write(file("authority.der"), &pki.authority().certificate().der).unwrap();
    let [count, seconds, kept, most] = load(&file("list.crl"), &file("authority.der"));
    assert!((count - f64::from(entries)).abs() < 0.5, "{count}");
    benchmark.limit(figure("portal-list-loading", seconds, "s"), SECONDS_AT_MOST);
    benchmark.record(figure("portal-list-memory", kept, "MB"));
    benchmark.record(figure("portal-list-memory-at-most", most, "MB"));
    #[expect(clippy::cast_precision_loss, reason = "some millions")]
    benchmark.record(figure("portal-list-size", octets.len() as f64 / 1e6, "MB"));
}

fn load(list: &Path, authority: &Path) -> [f64; 4] {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let told = command.arg(PLAY).arg(list).arg(authority).output().unwrap();
    assert!(told.status.success(), "{told:?}");
    let told = String::from_utf8(told.stdout).unwrap();
    let numbers: Vec<f64> = told.split_whitespace().map(|number| number.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}
