//! Counts what a request, a connection, a start and a binary cost, ours beside the peers, in one run.
//!
//! Start it through `benches/run`, which builds everything first.

mod alike;
mod budgets;
mod client;
mod figures;
mod http;
mod measure;
mod options;
mod process;
mod report;
mod subjects;
mod tools;

use std::process::ExitCode;
use std::time::Instant;

use figures::Figures;
use options::Options;

/// What goes wrong here is told to a person, once.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("budget: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<ExitCode> {
    let options = Options::from_args(std::env::args().skip(1))?;
    tools::check()?;
    let bench = process::Bench::new()?;
    let mut figures = Figures::default();
    stage("twins answer alike", || alike::check(&bench))?;
    for (name, measure) in measure::ALL {
        if options.wants(name) {
            stage(name, || measure(&bench, &mut figures))?;
        }
    }
    if options.build_time {
        stage("clean builds", || measure::build_time(&mut figures))?;
    }
    report::figures(&figures);
    let missed = report::verdicts(&figures);
    Ok(if options.ci && missed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Says what is going on, and how long it took, on stderr: stdout is the report.
fn stage<T>(name: &str, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    eprint!("budget: {name} …");
    let started = Instant::now();
    let done = work().map_err(|error| format!("{name}: {error}"));
    eprintln!(" {:.1} s", started.elapsed().as_secs_f64());
    Ok(done?)
}
