//! Allocations per request: exactly, by a counting allocator, and of every process as valgrind sees it.

use std::fs;
use std::process::{Command, Stdio};

use super::connections::HEAP;
use super::instructions::total_so;
use super::{FEW, MANY, slope};
use crate::Outcome;
use crate::figures::Figures;
use crate::http::ordinary;
use crate::measure::Measure;
use crate::process::{Bench, Under, Way};
use crate::row::Row;
use crate::subjects::Subject;
use crate::subjects::http::{AXUM_BARE, OURS, OURS_OFF, RAW_HYPER};

pub(crate) static PER_REQUEST: Measure = Measure::new("allocations", "allocations per request", 2);

pub(crate) static ROW: Row = Row {
    name: "allocations",
    title: "Allocations per request",
    about: "Of the whole process, by memcheck; the same requests. Checked against a counting allocator where server and \
            client share a process and the client allocates nothing (`alloc`), which also counts the heap of idle \
            connections: 200 more, each of which asked once with 2 KiB of headers and stays.",
    measures: &[&PER_REQUEST, &HEAP],
    plots: &[&PER_REQUEST],
    ci: true,
    take,
};

fn take(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    for subject in bench.native_twins() {
        let few = of_process(bench, subject, FEW)?;
        let many = of_process(bench, subject, MANY)?;
        figures.push(&PER_REQUEST, subject, slope(few, many));
    }
    inside(bench, figures)
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
        let (what, server) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let value: f64 = words.next().unwrap_or_default().parse()?;
        let subject = match server {
            "ours" => &OURS,
            "ours-off" => &OURS_OFF,
            "raw-hyper" => &RAW_HYPER,
            "axum-bare" => &AXUM_BARE,
            _ => return Err(format!("alloc wrote {line:?}").into()),
        };
        match what {
            "connection" => figures.push(&HEAP, subject, value),
            "request" => agree(figures, subject, value)?,
            _ => return Err(format!("alloc wrote {line:?}").into()),
        }
    }
    Ok(())
}

/// Two ways to count that differ by more than a tick's share are wrong.
fn agree(figures: &Figures, subject: &Subject, inside: f64) -> Outcome<()> {
    let outside = figures.spread(&PER_REQUEST, subject).map_or(inside, |spread| spread.median);
    if (outside - inside).abs() > 0.1 {
        return Err(format!("{}: memcheck counts {outside}, the allocator {inside}", subject.name).into());
    }
    Ok(())
}

fn of_process(bench: &Bench, subject: &Subject, requests: usize) -> Outcome<f64> {
    let way = Way { under: Under::Memcheck, ..Way::default() };
    total_so(bench, subject, &way, &ordinary("/users/42"), requests)
}
