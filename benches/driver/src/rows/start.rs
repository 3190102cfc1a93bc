//! From exec to the first 200, and what is resident then.

use std::time::Instant;

use crate::Outcome;
use crate::figures::Figures;
use crate::http::ordinary;
use crate::measure::Measure;
use crate::process::{Bench, Under};
use crate::row::Row;
use crate::subjects::Subject;
use crate::subjects::http::ALL;

pub(crate) static INSTRUCTIONS: Measure = Measure::new("start-instructions", "instructions", 0);
pub(crate) static END: Measure = Measure::new("start-end", "of its end", 0);
pub(crate) static FAULTS: Measure = Measure::new("start-faults", "page faults", 0);
pub(crate) static WALL: Measure = Measure::new("start-wall", "wall, ms", 2);
pub(crate) static RSS: Measure = Measure::new("start-rss", "resident then, KiB", 0);

pub(crate) static ROW: Row = Row {
    name: "start",
    title: "From exec to the first 200",
    about: "Callgrind's total of a process from exec until it has answered once, and from there to its end at SIGTERM (a drain \
            in ours, none in others); minor faults, wall time and resident pages without a tool, interleaved.",
    measures: &[&WALL, &INSTRUCTIONS, &END, &FAULTS, &RSS],
    plots: &[&WALL, &RSS],
    ci: true,
    take,
};

fn take(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    let subjects = bench.wanted(&ALL);
    for subject in &subjects {
        if subject.is_native() {
            count(bench, subject, figures).map_err(|error| format!("{}: {error}", subject.name))?;
        }
    }
    for _ in 0..bench.rounds(15) {
        for subject in &subjects {
            once(bench, subject, figures).map_err(|error| format!("{}: {error}", subject.name))?;
        }
    }
    Ok(())
}

fn count(bench: &Bench, subject: &Subject, figures: &mut Figures) -> Outcome<()> {
    let mut server = bench.start(subject, Under::Callgrind)?;
    let mut client = server.connect()?;
    client.repeat(&ordinary(subject.first_path), 1)?;
    figures.push(&INSTRUCTIONS, subject, server.counted_so_far()?);
    drop(client);
    figures.push(&END, subject, Under::Callgrind.total(&server.finish()?)?);
    Ok(())
}

fn once(bench: &Bench, subject: &Subject, figures: &mut Figures) -> Outcome<()> {
    let started = Instant::now();
    let mut server = bench.start(subject, Under::Nothing)?;
    let mut client = server.connect()?;
    client.repeat(&ordinary(subject.first_path), 1)?;
    figures.push(&WALL, subject, started.elapsed().as_secs_f64() * 1000.0);
    figures.push(&FAULTS, subject, server.minor_faults()?);
    figures.push(&RSS, subject, server.status_kib("VmRSS")?);
    drop(client);
    server.finish()?;
    Ok(())
}
