//! How benchmarks measure and report: contenders that do the same work take turns, medians of the runs are compared,
//! and `--json FILE` writes every figure.
//!
//! What counts is the processor time of the calling thread, so the work must happen in it; work of other threads and
//! processes is measured by its own program and given to [`Benchmark::record`]. Neighbours on the machine still slow one
//! run or another, by the caches and cores that they share; taking turns makes them slow every contender alike, and the
//! median of the ratios within each round forgets the rounds in which they did not. Criterion then states the dispersion
//! of each contender by itself, in real time.

use std::hint::black_box;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use criterion::Criterion;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

/// One result.
#[derive(Debug, Clone)]
pub struct Figure {
    /// What was measured, in kebab case; stable.
    pub name: String,
    /// How much.
    pub value: f64,
    /// Of what: `ratio`, or something per second.
    pub unit: &'static str,
    /// Against whom, if it is a comparison.
    pub peer: Option<&'static str>,
}

/// Something that does the work that is measured.
pub struct Contender<'a> {
    name: &'static str,
    work: Box<dyn FnMut() + 'a>,
}

impl<'a> Contender<'a> {
    /// A contender whose own figure has this name. Its work does one unit each time it is called.
    pub fn new<T>(name: &'static str, mut work: impl FnMut() -> T + 'a) -> Self {
        let work = move || {
            black_box(work());
        };
        Self { name, work: Box::new(work) }
    }

    /// Seconds of this thread's processor time that one unit takes on average over so many.
    fn seconds(&mut self, units: u32) -> f64 {
        let start = processor_time();
        for _ in 0..units {
            (self.work)();
        }
        (processor_time() - start).as_secs_f64() / f64::from(units)
    }

    /// How many units fill one run. The first ones fill caches and tables and do not count.
    fn units_in(&mut self, run: Duration) -> u32 {
        self.seconds(1);
        let shortest = (0..10).map(|_| self.seconds(1)).fold(f64::MAX, f64::min);
        let units = run.as_secs_f64() / shortest.max(1e-7);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and it saturates")]
        let units = units as u32;
        units.max(1)
    }
}

/// Time that this thread has had a processor: neighbours that take turns on it do not count.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// A contender to compare with.
pub struct Peer<'a> {
    /// The name of the ratio: how many times as fast as the peer ours is.
    pub ratio: &'static str,
    /// Who that is, with what it computes.
    pub who: &'static str,
    /// The least ratio that is good enough.
    pub at_least: f64,
    /// Its work.
    pub contender: Contender<'a>,
}

/// A benchmark program: its arguments, its figures so far.
pub struct Benchmark {
    criterion: Option<Criterion>,
    json: Option<PathBuf>,
    figures: Vec<Figure>,
    misses: Vec<String>,
    rounds: u32,
    run: Duration,
}

impl Benchmark {
    /// Reads the arguments: `--json FILE` (relative to the root of the checkout), `--quick` (no statistics by Criterion). Without `--bench`, which `cargo bench` adds,
    /// everything runs once only, to show that it still works.
    ///
    /// # Errors
    /// An unknown argument.
    pub fn from_arguments() -> Result<Self, String> {
        let mut benchmark = Self {
            criterion: None,
            json: None,
            figures: Vec::new(),
            misses: Vec::new(),
            rounds: 1,
            run: Duration::ZERO,
        };
        let (mut measured, mut quick) = (false, false);
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--bench" => measured = true,
                "--quick" => quick = true,
                "--test" => measured = false,
                "--json" => {
                    // Cargo starts benchmarks in their package's folder; people start them at the root of the checkout.
                    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
                    benchmark.json = Some(root.join(arguments.next().ok_or("--json needs a file")?));
                }
                other => return Err(format!("unknown argument {other:?}; known are --json FILE and --quick")),
            }
        }
        if measured {
            (benchmark.rounds, benchmark.run) = (201, Duration::from_millis(3));
            benchmark.criterion = (!quick).then(|| {
                Criterion::default()
                    .warm_up_time(Duration::from_millis(200))
                    .measurement_time(Duration::from_secs(1))
                    .sample_size(20)
            });
        }
        Ok(benchmark)
    }

    /// Whether this is a measurement, not only a check that everything still works.
    pub fn is_measurement(&self) -> bool {
        self.run > Duration::ZERO
    }

    /// Measures ours and its peers in turns: a figure for each contender in `unit` (units of work per second) and a
    /// ratio for each peer.
    pub fn compare(&mut self, title: &str, unit: &'static str, ours: Contender<'_>, peers: Vec<Peer<'_>>) {
        println!("{title}");
        let mut contenders = vec![ours];
        let mut ratios = Vec::new();
        for Peer { ratio, who, at_least, contender } in peers {
            contenders.push(contender);
            ratios.push((ratio, who, at_least));
        }
        let rounds = self.rounds_of(&mut contenders);
        for (index, contender) in contenders.iter().enumerate() {
            let seconds = median(rounds.iter().filter_map(|round| round.get(index).copied()));
            self.record(Figure { name: contender.name.to_owned(), value: 1.0 / seconds, unit, peer: None });
        }
        for (index, (ratio, who, at_least)) in ratios.into_iter().enumerate() {
            let value = median(rounds.iter().filter_map(|round| Some(round.get(index + 1)? / round.first()?)));
            self.record(Figure { name: ratio.to_owned(), value, unit: "ratio", peer: Some(who) });
            if self.is_measurement() && value < at_least {
                self.misses.push(format!("{ratio} is {value:.2}, not {at_least}"));
            }
        }
        if let Some(criterion) = &mut self.criterion {
            for contender in &mut contenders {
                criterion.bench_function(contender.name, |bencher| bencher.iter(&mut contender.work));
            }
        }
    }

    /// Measures a whole and a part of it in turns: a figure for each in units of work per second, and what the whole takes
    /// beyond its part, in microseconds, which must not be more than `at_most`.
    pub fn beyond(&mut self, title: &str, whole: Contender<'_>, part: Contender<'_>, name: &str, at_most: f64) {
        println!("{title}");
        let mut contenders = [whole, part];
        let rounds = self.rounds_of(&mut contenders);
        for (index, contender) in contenders.iter().enumerate() {
            let seconds = median(rounds.iter().filter_map(|round| round.get(index).copied()));
            let name = contender.name.to_owned();
            self.record(Figure { name, value: 1.0 / seconds, unit: "/s", peer: None });
        }
        let value = median(rounds.iter().filter_map(|round| Some((round.first()? - round.get(1)?) * 1e6)));
        self.limit(Figure { name: name.to_owned(), value, unit: "µs", peer: None }, at_most);
    }

    /// Seconds for one unit, by round and contender. A round begins with another contender each time.
    fn rounds_of(&self, contenders: &mut [Contender<'_>]) -> Vec<Vec<f64>> {
        let units: Vec<_> = contenders.iter_mut().map(|contender| contender.units_in(self.run)).collect();
        let count = contenders.len();
        let round = |number: usize| {
            let mut seconds = vec![0.0; count];
            for index in (0..count).cycle().skip(number % count.max(1)).take(count) {
                let turn = (seconds.get_mut(index), contenders.get_mut(index), units.get(index));
                if let (Some(seconds), Some(contender), Some(units)) = turn {
                    *seconds = contender.seconds(*units);
                }
            }
            seconds
        };
        (0..self.rounds as usize).map(round).collect()
    }

    /// Takes a ratio, or a count, that was measured in another way and must not be greater than `at_most`.
    pub fn require(&mut self, name: &str, value: f64, at_most: f64, peer: &'static str) {
        self.limit(Figure { name: name.to_owned(), value, unit: "ratio", peer: Some(peer) }, at_most);
    }

    /// Takes a figure that was measured in another way and must not be greater than `at_most`, if this is a measurement.
    pub fn limit(&mut self, figure: Figure, at_most: f64) {
        let Figure { name, value, unit, .. } = &figure;
        if self.is_measurement() && (*value > at_most || value.is_nan()) {
            self.misses.push(format!("{name} is {value:.2} {unit}, not at most {at_most}"));
        }
        self.record(figure);
    }

    /// Takes a figure that was measured in another way.
    pub fn record(&mut self, figure: Figure) {
        let peer = figure.peer.map(|peer| format!("  (peer: {peer})")).unwrap_or_default();
        println!("  {:<40} {:>12.2} {}{peer}", figure.name, figure.value, figure.unit);
        self.figures.push(figure);
    }

    /// Writes the figures. Fails if they cannot be written or a ratio is not good enough.
    pub fn finish(self) -> ExitCode {
        for miss in &self.misses {
            eprintln!("{miss}");
        }
        if let Some(path) = &self.json
            && let Err(error) = self.write(path)
        {
            eprintln!("{}: {error}", path.display());
            return ExitCode::FAILURE;
        }
        if self.misses.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// Writes the figures beside those that other benchmark programs have written to the same file.
    fn write(&self, path: &Path) -> std::io::Result<()> {
        let mut figures: Vec<Value> = match std::fs::read(path) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        figures.retain(|written| self.figures.iter().all(|figure| written["name"] != figure.name.as_str()));
        for Figure { name, value, unit, peer } in &self.figures {
            figures.push(json!({"name": name, "value": value, "unit": unit, "peer": peer}));
        }
        std::fs::write(path, format!("{:#}\n", Value::from(figures)))
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
