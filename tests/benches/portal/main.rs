//! Accepted sign-ins, and tickets for another site, through the portal's HTTP server over TLS, on SQLite and on PostgreSQL:
//! a challenge, its assertion, a session each, every write on the disk before its answer; for a ticket the site's request,
//! a code and its exchange, too. The portal is a process of its own, whose processor time is that of TLS, HTTP, the check
//! and its side of the database. Beside it what nobody can leave out, the arithmetic of the signatures, in the same run; how
//! long visitors wait who come at a steady rate; how much memory all of it takes; and what a revocation list of a whole
//! country costs.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark that panics has nothing to measure"
)]

mod lists;
mod service;
mod visitors;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use latchkey_crypto::bign::{PrivateKey, PublicKey};
use latchkey_crypto::hash::HashAlgorithm;
use latchkey_fixtures::postgresql::PrivatePostgresql;
use latchkey_tests::benchmark::{Benchmark, Figure};
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::nid::Nid;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use service::PortalProcess;
use visitors::{Visit, Visitor};

const VISITORS: usize = 16;
const ROUNDS: usize = 7;
/// Of the portal's processor time on SQLite, in microseconds.
const SIGN_IN_AT_MOST: f64 = 400.0;
const WITH_TICKET_AT_MOST: f64 = 800.0;
/// Of the portal, in MB.
const MEMORY_AT_MOST: f64 = 80.0;
/// Visitors in a second, where they come at a steady rate.
const RATES: [u32; 2] = [50, 200];

fn main() -> ExitCode {
    if let Some(code) = service::played(std::env::args()).or_else(|| lists::played(std::env::args())) {
        return code;
    }
    let mut benchmark = match Benchmark::from_arguments() {
        Ok(benchmark) => benchmark,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let visitors = Builder::new_multi_thread().worker_threads(1).thread_name("visitors").enable_all().build().unwrap();
    let arithmetic = measure_arithmetic(&mut benchmark);
    let server = PrivatePostgresql::start_durable().unwrap();
    for (name, database) in [("sqlite", "portal.sqlite".to_owned()), ("postgresql", server.address())] {
        let stage = Stage::set(&visitors, &database);
        stage.measure_work(&mut benchmark, name, arithmetic);
        stage.measure_waiting(&mut benchmark, name);
        let most = stage.portal.most_memory();
        let memory = figure(&format!("portal-memory-on-{name}"), most, "MB");
        benchmark.limit(memory, MEMORY_AT_MOST);
        stage.portal.stop();
    }
    lists::measure(&mut benchmark);
    benchmark.finish()
}

/// The signatures of a sign-in with a ticket: the holder's is verified, the ticket is signed (ES256). In microseconds.
fn measure_arithmetic(benchmark: &mut Benchmark) -> [f64; 2] {
    println!("The signatures alone");
    let times = if benchmark.is_measurement() { 500 } else { 1 };
    let key = PrivateKey::from_octets(&[7; 32]).unwrap();
    let public = PublicKey::from_octets(&key.public_key()).unwrap();
    let hash = [9; 32];
    let signature = key.sign_hash(&hash);
    let verify = microseconds(times, || public.verify(HashAlgorithm::BeltHash, &hash, &signature).unwrap());
    let curve = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let ticket_key = EcKey::generate(&curve).unwrap();
    let sign = microseconds(times, || EcdsaSig::sign(&hash, &ticket_key).unwrap());
    benchmark.record(figure("portal-holder-signature", verify, "µs"));
    benchmark.record(figure("portal-ticket-signature", sign, "µs"));
    [verify, verify + sign]
}

fn microseconds<T>(times: u32, mut work: impl FnMut() -> T) -> f64 {
    work();
    let begun = Instant::now();
    for _ in 0..times {
        std::hint::black_box(work());
    }
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(times)
}

/// A running portal, and visitors whom it knows.
struct Stage<'r> {
    portal: PortalProcess,
    visitors: Vec<Arc<Visitor>>,
    runtime: &'r Runtime,
}

impl<'r> Stage<'r> {
    fn set(runtime: &'r Runtime, database: &str) -> Self {
        let portal = PortalProcess::start(database);
        let visitors: Vec<_> = (0..VISITORS).map(|number| Arc::new(Visitor::new(&portal, number))).collect();
        // Each agrees once that the site may know.
        runtime.block_on(async {
            for visitor in &visitors {
                visitor.agree().await;
            }
        });
        Self { portal, visitors, runtime }
    }

    /// Everybody comes at once, again and again.
    fn measure_work(&self, benchmark: &mut Benchmark, database: &str, arithmetic: [f64; 2]) {
        println!("On {database}, {VISITORS} visitors at a time");
        let (rounds, visits) = if benchmark.is_measurement() { (ROUNDS, 40) } else { (1, 1) };
        let kept = self.work(rounds, visits, Visit::SignIn);
        let new = self.work(rounds, visits, Visit::SignInOnNewConnection);
        let tickets = self.work(rounds, visits, Visit::Ticket);
        let own = |what: &str| format!("portal-{what}-on-{database}");
        benchmark.record(figure(&own("sign-ins"), kept.per_second, "sign-ins/s"));
        benchmark.record(figure(&own("tickets"), tickets.per_second, "sign-ins/s"));
        let processor_time = figure(&own("processor-time"), kept.microseconds, "µs a sign-in");
        let with_ticket = figure(&own("processor-time-with-ticket"), tickets.microseconds, "µs a sign-in");
        if database == "sqlite" {
            benchmark.limit(processor_time, SIGN_IN_AT_MOST);
            benchmark.limit(with_ticket, WITH_TICKET_AT_MOST);
        } else {
            benchmark.record(processor_time);
            benchmark.record(with_ticket);
        }
        let handshake = figure(&own("processor-time-with-handshake"), new.microseconds, "µs a sign-in");
        benchmark.record(handshake);
        for (what, taken, needed) in [("sign-in", &kept, arithmetic[0]), ("ticket", &tickets, arithmetic[1])] {
            let name = own(&format!("{what}-vs-signatures"));
            let value = taken.microseconds / needed;
            benchmark.record(Figure { name, value, unit: "ratio", peer: Some("its signatures alone") });
        }
    }

    fn work(&self, rounds: usize, visits: usize, visit: Visit) -> Work {
        self.round(1, visit);
        let (mut per_second, mut microseconds) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let (clock, processor) = (Instant::now(), self.portal.processor_time());
            self.round(visits, visit);
            #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
            let count = (VISITORS * visits) as f64;
            per_second.push(count / clock.elapsed().as_secs_f64());
            microseconds.push((self.portal.processor_time() - processor).as_secs_f64() * 1e6 / count);
        }
        Work { per_second: quantile(per_second, 0.5), microseconds: quantile(microseconds, 0.5) }
    }

    fn round(&self, visits: usize, visit: Visit) {
        let mut open = JoinSet::new();
        for visitor in &self.visitors {
            let visitor = Arc::clone(visitor);
            let come = async move {
                for _ in 0..visits {
                    visitor.come(visit).await;
                }
            };
            open.spawn_on(come, self.runtime.handle());
        }
        self.runtime.block_on(open.join_all());
    }

    /// They come at a steady rate, whether the portal keeps up or not; what they need for signing is not counted.
    fn measure_waiting(&self, benchmark: &mut Benchmark, database: &str) {
        for rate in RATES {
            let seconds = if benchmark.is_measurement() { 10 } else { 0 };
            let waited = self.wait(rate, (rate * seconds).max(1));
            for (name, part) in [("p50", 0.5), ("p99", 0.99)] {
                let name = format!("portal-waiting-{name}-at-{rate}-on-{database}");
                benchmark.record(figure(&name, quantile(waited.clone(), part), "ms a sign-in"));
            }
        }
    }

    /// Milliseconds of each of so many.
    fn wait(&self, rate: u32, count: u32) -> Vec<f64> {
        let visitors = self.visitors.clone();
        self.runtime.block_on(async move {
            let mut arrivals = tokio::time::interval(Duration::from_secs(1) / rate);
            let mut open = JoinSet::new();
            for visitor in visitors.iter().cycle().take(count as usize) {
                arrivals.tick().await;
                let visitor = Arc::clone(visitor);
                open.spawn(async move { visitor.come(Visit::SignIn).await });
            }
            open.join_all().await.into_iter().map(|waited| waited.as_secs_f64() * 1e3).collect()
        })
    }
}

struct Work {
    per_second: f64,
    microseconds: f64,
}

fn figure(name: &str, value: f64, unit: &'static str) -> Figure {
    Figure { name: name.to_owned(), value, unit, peer: None }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a few thousand, and never less than nothing"
)]
fn quantile(mut values: Vec<f64>, part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * part).round() as usize]
}
