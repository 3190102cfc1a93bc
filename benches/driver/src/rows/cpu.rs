//! Processor time per request, and how many one processor answers: closed loop.

use std::time::{Duration, Instant};

use crate::Outcome;
use crate::figures::Figures;
use crate::http::ordinary;
use crate::load::Load;
use crate::measure::Measure;
use crate::process::{Bench, Under};
use crate::row::Row;
use crate::subjects::{Kind, Subject};

pub(crate) static PER_REQUEST: Measure = Measure::new("cpu", "CPU µs per request", 2);
pub(crate) static THROUGHPUT: Measure =
    Measure::new("throughput", "requests per second (more is better)", 0).more_is_better();

pub(crate) static ROW: Row = Row {
    name: "cpu",
    title: "Processor time and throughput",
    about: "The server has one processor, the load another: 32 connections of which each asks for `/users/42` again as soon \
            as it is answered. User and system time of all of the server's threads, by the scheduler's account.",
    measures: &[&PER_REQUEST, &THROUGHPUT],
    plots: &[&PER_REQUEST],
    ci: false,
    take,
};

pub(super) const CONNECTIONS: usize = 32;

fn take(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    for _ in 0..bench.rounds(5) {
        for subject in bench.twins() {
            once(bench, subject, figures).map_err(|error| format!("{}: {error}", subject.name))?;
        }
    }
    Ok(())
}

fn once(bench: &Bench, subject: &Subject, figures: &mut Figures) -> Outcome<()> {
    let mut server = bench.start(subject, Under::Nothing)?;
    drop(server.connect()?);
    let request = ordinary("/users/42");
    let (answers, cpu, elapsed) = bench.processors.on_client(|| {
        let mut load = Load::connect(server.port(), CONNECTIONS, &request)?;
        load.closed(warming_up(subject))?;
        let before = server.cpu_us()?;
        let started = Instant::now();
        let answers = load.closed(Duration::from_millis(600))?;
        Ok((answers, server.cpu_us()? - before, started.elapsed()))
    })?;
    #[allow(clippy::cast_precision_loss, reason = "a count of answers")]
    let answers = answers as f64;
    figures.push(&PER_REQUEST, subject, cpu / answers);
    figures.push(&THROUGHPUT, subject, answers / elapsed.as_secs_f64());
    Ok(())
}

/// Compilers that work while a program runs want longer.
pub(super) fn warming_up(subject: &Subject) -> Duration {
    Duration::from_millis(if subject.kind == Kind::Other { 1500 } else { 200 })
}
