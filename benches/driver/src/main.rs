//! Measures what a request, a connection, a start and a binary cost, ours beside the peers, in one run.
//!
//! Start it through `benches/run`, which builds everything first.

mod alike;
mod budgets;
mod callgrind;
mod client;
mod curves;
mod figures;
mod http;
mod load;
mod measure;
mod model;
mod options;
mod plots;
mod process;
mod processors;
mod report;
mod results;
mod row;
mod rows;
mod share;
mod steal;
mod strace;
mod streams;
mod subjects;
mod tools;
mod verdicts;
mod versions;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use figures::Figures;
use options::Options;
use process::Bench;
use results::Results;
use verdicts::Verdict;

/// What goes wrong here is told to a person, once.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("driver: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<ExitCode> {
    let options = Options::from_args(std::env::args().skip(1))?;
    if options.ci {
        let mut results = Results::default();
        measure(&options, &mut results, |_| Ok(()))?;
        print!("{}", report::tables(&results, &report::Plots::Unseen));
        return Ok(if passes(&results) { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let folder = folder(&options)?;
    let data = folder.join("results.tsv");
    let mut results = Results::read(&data)?;
    if !options.report {
        // After every row, so that what was measured stays measured.
        measure(&options, &mut results, |results| results.write(&data))?;
    }
    plots::draw(&results, &folder.join("plots"))?;
    fs::write(folder.join("RESULTS.md"), report::document(&results, options.quick))?;
    eprintln!("driver: {}", folder.join("RESULTS.md").display());
    Ok(ExitCode::SUCCESS)
}

/// Whether every enforced budget was held against a figure, and is met.
fn passes(results: &Results) -> bool {
    let mut passes = !verdicts::all(results).iter().any(Verdict::fails);
    for budget in verdicts::unjudged(results) {
        eprintln!("driver: nothing was measured for {}: {}", budget.measure.name, budget.subject.name);
        passes = false;
    }
    passes
}

/// Where the report goes: a quick one is for looking at only.
fn folder(options: &Options) -> Outcome<PathBuf> {
    let benches = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let folder = if options.quick { benches.join("target/quick") } else { benches };
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn measure(options: &Options, results: &mut Results, keep: impl Fn(&Results) -> Outcome<()>) -> Outcome<()> {
    tools::check()?;
    let bench = Bench::new(options.ci, options.quick)?;
    let started = Instant::now();
    // The programs of the row `features` are no twins of the contract, and are built without those.
    if options.rows.iter().any(|row| row.name != rows::features::ROW.name) {
        stage("twins answer alike", || alike::check(&bench))?;
    }
    for row in &options.rows {
        let mut figures = Figures::default();
        stage(row.name, || (row.take)(&bench, &mut figures))?;
        results.set(row, figures);
        keep(results)?;
    }
    eprintln!("driver: all of it {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// Says what is going on, and how long it took, on stderr: stdout is the report.
fn stage(name: &str, work: impl FnOnce() -> Outcome<()>) -> Outcome<()> {
    eprint!("driver: {name} …");
    let started = Instant::now();
    let done = work().map_err(|error| format!("{name}: {error}"));
    eprintln!(" {:.1} s", started.elapsed().as_secs_f64());
    Ok(done?)
}
