//! What a relying party's check of an assertion costs beyond the signatures that it has to compute, with a revocation
//! list of half a million entries in use; and what it costs to take such a list into use.
//!
//! Warm: authorities and lists are loaded, as in a running portal. Two signatures remain, the assertion's and its
//! certificate's. Cold: everything from octets, with five signatures, those of the intermediate authority and of two
//! short lists among them, and the anchor's own.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark that panics has nothing to measure")]

use std::process::ExitCode;
use std::time::Instant;

use latchkey_crypto::assertion::{Assertion, AssertionAlgorithm, ChallengeText, Origin, signed_hash};
use latchkey_crypto::bign::PublicKey;
use latchkey_crypto::hash::HashAlgorithm;
use latchkey_crypto::x509::{
    Certificate, ObjectIdentifier, RevocationList, RevocationLists, TrustStore, VerifiedRevocationList,
};
use latchkey_fixtures::holders::sample_holders;
use latchkey_fixtures::pki::{CARD_HELD_KEY_POLICY, PersonOrder, TestPki, Validity};
use latchkey_fixtures::random::Seeded;
use latchkey_tests::benchmark::{Benchmark, Contender, Figure};
use latchkey_verify::{Assurance, Grace, PendingChallenge, PolicyLevels, Purpose, SignInPolicy, verify_sign_in};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

const NOW: OffsetDateTime = datetime!(2026-05-04 09:00 UTC);
const ORIGIN: &str = "https://portal.example";
const ENTRIES: u32 = 500_000;
/// Different holders, whose serial numbers lead to different places of the index.
const HOLDERS: usize = 64;
/// What the check may cost beyond its signatures, in microseconds.
const OVERHEAD_AT_MOST: f64 = 75.0;

fn main() -> ExitCode {
    let mut benchmark = match Benchmark::from_arguments() {
        Ok(benchmark) => benchmark,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let pki = TestPki::new("benchmark", NOW).unwrap();
    let long = take_long_list(&mut benchmark, &pki);
    let presented: Vec<_> = (0..HOLDERS).map(|holder| Presented::by(holder, &pki)).collect();
    warm(&mut benchmark, &pki, &presented, long);
    cold(&mut benchmark, &pki, &presented);
    benchmark.finish()
}

/// From received octets to an index with a checked signature, and what that leaves in memory.
fn take_long_list(benchmark: &mut Benchmark, pki: &TestPki) -> VerifiedRevocationList {
    println!("A revocation list of {ENTRIES} entries");
    let entries = if benchmark.is_measurement() { ENTRIES } else { 100 };
    let octets = pki.authority().long_revocation_list(&[], entries, NOW, 1).unwrap();
    let authority = certificate(&pki.authority().certificate().der);
    let take = || RevocationList::from_der(&octets).unwrap().verified_by(&authority).unwrap();
    let read = || RevocationList::from_der(&octets).unwrap();
    let rounds = if benchmark.is_measurement() { 9 } else { 1 };
    let before = resident();
    let list = take();
    let kept = resident() - before;
    for (name, value) in
        [("revocation-list-taken", milliseconds(rounds, take)), ("revocation-list-read", milliseconds(rounds, read))]
    {
        benchmark.record(Figure { name: name.to_owned(), value, unit: "ms", peer: None });
    }
    for (name, value) in [("revocation-list-size", megabytes(octets.len())), ("revocation-list-memory", kept)] {
        benchmark.record(Figure { name: name.to_owned(), value, unit: "MB", peer: None });
    }
    list
}

fn warm(benchmark: &mut Benchmark, pki: &TestPki, presented: &[Presented], long: VerifiedRevocationList) {
    let policy = policy(pki);
    let mut lists = RevocationLists::new();
    let root = certificate(&pki.root().certificate().der);
    let of_root = pki.root_revocation_list(&[]).unwrap();
    assert!(lists.insert(RevocationList::from_der(&of_root).unwrap().verified_by(&root).unwrap()));
    assert!(lists.insert(long));
    let authority = certificate(&pki.authority().certificate().der);
    let (mut turn, mut of_arithmetic) = (presented.iter().cycle(), presented.iter().cycle());
    benchmark.beyond(
        "An assertion's whole check, authorities and lists in use",
        Contender::new("assertion-check", || {
            let Presented { assertion, challenge, .. } = turn.next().unwrap();
            verify_sign_in(assertion, challenge, &policy, &lists, NOW).unwrap()
        }),
        Contender::new("assertion-check-two-signatures", || of_arithmetic.next().unwrap().verify(&authority)),
        "assertion-check-overhead",
        OVERHEAD_AT_MOST,
    );
}

fn cold(benchmark: &mut Benchmark, pki: &TestPki, presented: &[Presented]) {
    let lists = [pki.root_revocation_list(&[]).unwrap(), pki.authority_revocation_list(&[]).unwrap()];
    let authorities = [pki.root(), pki.authority()].map(|authority| certificate(&authority.certificate().der));
    let [root, authority] = &authorities;
    let (mut turn, mut of_arithmetic) = (presented.iter().cycle(), presented.iter().cycle());
    benchmark.beyond(
        "The same from the octets of authorities and of two lists without entries",
        Contender::new("assertion-check-cold", || {
            let Presented { assertion, challenge, .. } = turn.next().unwrap();
            let policy = policy(pki);
            let authorities = policy.trust.anchors().iter().chain(policy.trust.intermediates());
            let authorities: Vec<_> = authorities.cloned().collect();
            let mut taken = RevocationLists::new();
            for list in &lists {
                taken.insert(RevocationList::from_der(list).unwrap().verified_by_one_of(&authorities).unwrap());
            }
            verify_sign_in(assertion, challenge, &policy, &taken, NOW).unwrap()
        }),
        Contender::new("assertion-check-six-signatures", || {
            of_arithmetic.next().unwrap().verify(authority);
            root.verify_signature(root.public_key()).unwrap();
            authority.verify_signature(root.public_key()).unwrap();
            // A list without entries is signed as a certificate of its size is.
            root.verify_signature(root.public_key()).unwrap();
            authority.verify_signature(root.public_key()).unwrap();
        }),
        "assertion-check-cold-overhead",
        OVERHEAD_AT_MOST,
    );
}

/// An assertion, and what it was made for.
struct Presented {
    assertion: Vec<u8>,
    challenge: PendingChallenge,
    certificate: Certificate,
    key: PublicKey,
    hash: Vec<u8>,
    signature: Vec<u8>,
}

impl Presented {
    fn by(holder: usize, pki: &TestPki) -> Self {
        let label = format!("holder {holder}");
        let key = pki.key_of(&label);
        let person = &sample_holders()[0].person;
        let order = PersonOrder::card_held(person, &key.public_key(), &label, Validity::days_around(NOW, -100, 100));
        let certificate_octets = pki.authority().issue_to_person(&order.unwrap()).unwrap().der;
        let text = ChallengeText::draw(&mut Seeded::new(&label));
        let algorithm = AssertionAlgorithm::Bign(HashAlgorithm::BeltHash);
        let hash = signed_hash(algorithm, &Origin::parse(ORIGIN).unwrap(), &text);
        let signature = key.sign_hash(&hash.clone().try_into().unwrap()).to_vec();
        let agent = "https://client.example/benchmark".to_owned();
        let assertion = Assertion::new(certificate_octets.clone(), algorithm, signature.clone(), agent).unwrap();
        let lifetime = Duration::minutes(2);
        Self {
            assertion: assertion.to_json().into_bytes(),
            challenge: PendingChallenge { text, issued_at: NOW, lifetime, purpose: Purpose::SignIn },
            certificate: certificate(&certificate_octets),
            key: PublicKey::from_octets(&key.public_key()).unwrap(),
            hash,
            signature,
        }
    }

    /// The two signatures alone, their keys read and their hashes computed.
    fn verify(&self, authority: &Certificate) {
        self.certificate.verify_signature(authority.public_key()).unwrap();
        self.key.verify(HashAlgorithm::BeltHash, &self.hash, &self.signature).unwrap();
    }
}

fn policy(pki: &TestPki) -> SignInPolicy {
    let [anchor, intermediate] = [pki.root(), pki.authority()].map(|it| certificate(&it.certificate().der));
    let card_held: ObjectIdentifier = CARD_HELD_KEY_POLICY.to_string().parse().unwrap();
    SignInPolicy {
        origin: Origin::parse(ORIGIN).unwrap(),
        trust: TrustStore::new(vec![anchor], vec![intermediate]).unwrap(),
        levels: PolicyLevels { card_held_key: vec![card_held], other_key: Vec::new() },
        minimum_assurance: Assurance::High,
        grace: Grace::NONE,
    }
}

fn certificate(der: &[u8]) -> Certificate {
    Certificate::from_der(der).unwrap()
}

/// The shortest of so many runs: a whole list is long enough for neighbours on the machine to come between.
fn milliseconds<T>(rounds: usize, mut work: impl FnMut() -> T) -> f64 {
    let run = |_| {
        let start = Instant::now();
        drop(work());
        start.elapsed().as_secs_f64() * 1e3
    };
    (0..rounds).map(run).fold(f64::INFINITY, f64::min)
}

/// Memory that this process has at present, in MB.
fn resident() -> f64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    megabytes(pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096)
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53")]
fn megabytes(octets: usize) -> f64 {
    octets as f64 / 1e6
}
