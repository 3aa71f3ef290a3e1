//! The window beside Debian's AusweisApp, in the same run on the same display: how long until something is to be seen,
//! what it costs while nobody needs it, and how large it is. Everything is the release that holders get.

mod contenders;
mod eyes;
mod upkeep;

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use contenders::{AusweisApp, Contender, Ground, Latchkey, Running, Start, released, wait_until_it_listens};
use eyes::Eyes;
use latchkey_client::app::REST;
use latchkey_tests::benchmark::{Benchmark, Figure};
use upkeep::WakeUps;

/// After a start, programs go on with what can wait: the last is the bridge to assistive tools, which gives something back
/// after 16 seconds, once.
const SETTLING: Duration = Duration::from_secs(20);

/// So long nobody does anything.
const QUIET: Duration = Duration::from_secs(60);

/// By how much a program may start anew later than it says.
const PATIENCE: Duration = Duration::from_secs(30);

const ROUNDS: u32 = 5;

fn main() -> ExitCode {
    let mut benchmark = match Benchmark::from_arguments() {
        Ok(benchmark) => benchmark,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    if !benchmark.is_measurement() {
        return ExitCode::SUCCESS;
    }
    match measure(&mut benchmark) {
        Ok(()) => benchmark.finish(),
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(benchmark: &mut Benchmark) -> Result<()> {
    let ground = Ground::lay()?;
    let eyes = Eyes::open(&ground.display()?)?;
    let (mut ours, mut theirs) = (Course::default(), Course::default());
    // What both read for the first time is in nobody's favour.
    Course::default().round(&Latchkey, &ground, &eyes)?;
    Course::default().round(&AusweisApp, &ground, &eyes)?;
    for _ in 0..ROUNDS {
        ours.round(&Latchkey, &ground, &eyes)?;
        theirs.round(&AusweisApp, &ground, &eyes)?;
    }
    let (our_upkeep, their_upkeep) = (Upkeep::of(&Latchkey, &ground, &eyes)?, Upkeep::of(&AusweisApp, &ground, &eyes)?);
    println!("Beside AusweisApp");
    ours.record(Latchkey::NAME, benchmark);
    theirs.record(AusweisApp::NAME, benchmark);
    our_upkeep.record(Latchkey::NAME, benchmark);
    their_upkeep.record(AusweisApp::NAME, benchmark);
    sizes(benchmark)?;
    let start = median(&theirs.start);
    benchmark.require("first-request-vs-ausweisapp-start", median(&ours.first_request) / start, 1.5, PEER);
    benchmark.require("later-request-vs-ausweisapp-start", median(&ours.later_request) / start, 1.0, PEER);
    benchmark.require("start-vs-ausweisapp", median(&ours.start) / start, f64::INFINITY, PEER);
    benchmark.require("idle-memory-vs-ausweisapp", our_upkeep.idle / their_upkeep.idle, 0.5, PEER);
    benchmark.require("idle-memory-again-vs-ausweisapp", our_upkeep.idle_again / their_upkeep.idle_again, 0.5, PEER);
    benchmark.require(
        "window-memory-vs-ausweisapp",
        our_upkeep.with_window / their_upkeep.with_window,
        f64::INFINITY,
        PEER,
    );
    benchmark.require("latchkey-idle-wake-ups", our_upkeep.wake_ups, 0.0, "none at all");
    Ok(())
}

const PEER: &str = "AusweisApp, Debian's package";

/// How long it takes until a window is painted, in milliseconds, a value a round.
#[derive(Default)]
struct Course {
    start: Vec<f64>,
    first_request: Vec<f64>,
    later_request: Vec<f64>,
}

impl Course {
    fn round<C: Contender>(&mut self, contender: &C, ground: &Ground, eyes: &Eyes) -> Result<()> {
        eyes.see_none()?;
        let began = Instant::now();
        let (running, _) = contender.start(ground, Start::Shown)?;
        self.start.push(until(began, eyes)?);
        drop(running);
        eyes.see_none()?;
        let (_running, port) = contender.start(ground, Start::Hidden)?;
        wait_until_it_listens(port)?;
        std::thread::sleep(Duration::from_secs(1));
        self.first_request.push(ask(contender, port, eyes)?);
        // AusweisApp leaves its window open: only the first request makes one.
        if C::NAME == Latchkey::NAME {
            for _ in 0..3 {
                eyes.see_none()?;
                std::thread::sleep(Duration::from_millis(500));
                self.later_request.push(ask(contender, port, eyes)?);
            }
        }
        Ok(())
    }

    fn record(&self, name: &str, benchmark: &mut Benchmark) {
        for (what, values) in [
            ("start-to-painted", &self.start),
            ("first-request-to-painted", &self.first_request),
            ("later-request-to-painted", &self.later_request),
        ] {
            if !values.is_empty() {
                record(benchmark, format!("{name}-{what}"), median(values), "ms");
            }
        }
    }
}

/// Milliseconds from a page's request to the painted window. The page goes away then.
fn ask<C: Contender>(contender: &C, port: u16, eyes: &Eyes) -> Result<f64> {
    let began = Instant::now();
    let request = contender.request(port)?;
    let painted = until(began, eyes);
    if painted.is_err() {
        bail!("no window after a request; the answer was {}", contenders::answer(request)?);
    }
    painted
}

fn until(began: Instant, eyes: &Eyes) -> Result<f64> {
    Ok((eyes.see_window()? - began).as_secs_f64() * 1000.0)
}

/// What a program costs that is there and not needed.
struct Upkeep {
    /// MiB after the start, without a window.
    idle: f64,
    /// Times that the system gave it a processor in a quiet minute.
    wake_ups: f64,
    /// MiB with its window.
    with_window: f64,
    /// MiB when it has hidden again after a request for so long that it started anew; of AusweisApp, that goes on showing its window, as at first.
    idle_again: f64,
}

impl Upkeep {
    fn of<C: Contender>(contender: &C, ground: &Ground, eyes: &Eyes) -> Result<Self> {
        eyes.see_none()?;
        let (running, port) = contender.start(ground, Start::Hidden)?;
        wait_until_it_listens(port)?;
        std::thread::sleep(SETTLING);
        let idle = upkeep::memory(running.id())?;
        let before = WakeUps::of(running.id());
        std::thread::sleep(QUIET);
        #[expect(clippy::cast_precision_loss, reason = "far below the limit")]
        let wake_ups = WakeUps::of(running.id()).since(&before) as f64;
        let request = contender.request(port)?;
        eyes.see_window()?;
        std::thread::sleep(SETTLING);
        let with_window = upkeep::memory(running.id())?;
        drop(request);
        let idle_again = if C::NAME == Latchkey::NAME { Self::hidden_again(&running, eyes)? } else { idle };
        Ok(Self { idle, wake_ups, with_window, idle_again })
    }

    fn hidden_again(running: &Running, eyes: &Eyes) -> Result<f64> {
        eyes.see_none()?;
        let began = Instant::now();
        while !upkeep::is_started_anew(running.id()) {
            if began.elapsed() > REST + PATIENCE {
                bail!("the program does not start anew");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        println!("Started anew {:.0} s after the window was gone", began.elapsed().as_secs_f64());
        std::thread::sleep(SETTLING);
        println!("Processes without a window: {}", upkeep::names(running.id()).join(", "));
        upkeep::memory(running.id())
    }

    fn record(&self, name: &str, benchmark: &mut Benchmark) {
        record(benchmark, format!("{name}-idle-memory"), self.idle, "MiB");
        record(benchmark, format!("{name}-window-memory"), self.with_window, "MiB");
        record(benchmark, format!("{name}-idle-again-memory"), self.idle_again, "MiB");
        record(benchmark, format!("{name}-wake-ups"), self.wake_ups, "in a quiet minute");
    }
}

/// Size of the packages and of what they install.
fn sizes(benchmark: &mut Benchmark) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let packages = released("latchkey-packages")?;
    let programs = packages.parent().context("a program stands in a folder")?;
    let made = Command::new(&packages).arg("--programs").arg(programs).arg("--into").arg(folder.path()).output()?;
    if !made.status.success() {
        bail!("no packages: {}", String::from_utf8_lossy(&made.stderr));
    }
    for entry in std::fs::read_dir(folder.path())? {
        let path = entry?.path();
        let kind = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        #[expect(clippy::cast_precision_loss, reason = "far below the limit")]
        let size = std::fs::metadata(&path)?.len() as f64 / 1_048_576.0;
        record(benchmark, format!("latchkey-{kind}-size"), size, "MiB");
        if kind == "deb" {
            let installed = ask_for("dpkg-deb", &["--field", &path.to_string_lossy(), "Installed-Size"])? / 1024.0;
            record(benchmark, "latchkey-installed-size".to_owned(), installed, "MiB");
        }
    }
    let installed = ask_for("dpkg-query", &["--show", "--showformat=${Installed-Size}", "ausweisapp2"])? / 1024.0;
    record(benchmark, "ausweisapp-installed-size".to_owned(), installed, "MiB");
    // Known only where Debian's list of packages is.
    if let Ok(size) = ask_for("sh", &["-c", "apt-cache show ausweisapp2 | sed -n 's/^Size: //p' | head -n 1"]) {
        record(benchmark, "ausweisapp-deb-size".to_owned(), size / 1_048_576.0, "MiB");
    }
    Ok(())
}

/// The number that a tool prints.
fn ask_for(program: &str, arguments: &[&str]) -> Result<f64> {
    let output = Command::new(program).args(arguments).output()?;
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .with_context(|| format!("{program} {arguments:?} says no number"))
}

fn record(benchmark: &mut Benchmark, name: String, value: f64, unit: &'static str) {
    benchmark.record(Figure { name, value, unit, peer: None });
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
