//! Allocations per request: exactly, by a counting allocator, and of every process as valgrind sees it.

use std::fs;
use std::process::{Command, Stdio};

use super::{FEW, MANY, slope};
use crate::Outcome;
use crate::figures::{Figures, Measure};
use crate::http::ordinary;
use crate::process::{Bench, Under};
use crate::subjects::{Subject, TWINS};

pub(crate) fn take(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    inside(bench, figures)?;
    for subject in TWINS {
        let few = of_process(bench, subject, FEW)?;
        let many = of_process(bench, subject, MANY)?;
        figures.set(Measure::AllocationsOfProcess, subject, slope(few, many));
    }
    Ok(())
}

/// The program `alloc` writes `measure subject value` lines into a file; its stdout takes the records.
fn inside(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    let path = bench.scratch("alloc");
    let status = Command::new(bench.binary("alloc")).arg(&path).stdout(Stdio::null()).status()?;
    if !status.success() {
        return Err(format!("alloc: {status}").into());
    }
    for line in fs::read_to_string(&path)?.lines() {
        let mut words = line.split_whitespace();
        let measure = match words.next() {
            Some("request") => Measure::Allocations,
            Some("connection") => Measure::HeapPerConnection,
            _ => return Err(format!("alloc wrote {line:?}").into()),
        };
        let subject = words.next().and_then(Subject::by_name).ok_or("alloc named nobody")?;
        figures.set(measure, subject, words.next().unwrap_or_default().parse()?);
    }
    Ok(())
}

fn of_process(bench: &Bench, subject: Subject, requests: usize) -> Outcome<f64> {
    let mut server = bench.start(subject, Under::Memcheck)?;
    let mut client = server.connect()?;
    client.repeat(&ordinary("/users/42"), requests).map_err(|error| format!("{subject}: {error}"))?;
    drop(client);
    let log = server.finish()?;
    let usage = log.lines().find_map(|line| line.split_once("total heap usage:")).map(|(_, usage)| usage);
    let allocations =
        usage.and_then(|usage| usage.split_whitespace().next()).ok_or("valgrind wrote no usage")?;
    Ok(allocations.replace(',', "").parse()?)
}
