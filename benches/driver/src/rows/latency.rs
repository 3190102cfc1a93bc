//! Latency at a fixed load: open loop.

use std::time::Duration;

use super::cpu::{CONNECTIONS, warming_up};
use crate::Outcome;
use crate::figures::Figures;
use crate::http::ordinary;
use crate::load::{Latencies, Load};
use crate::measure::Measure;
use crate::process::{Bench, Server, Under};
use crate::row::Row;
use crate::subjects::Subject;

pub(crate) static P50: Measure = Measure::new("latency-p50", "p50, µs", 0);
pub(crate) static P99: Measure = Measure::new("latency-p99", "p99, µs", 0);
pub(crate) static P999: Measure = Measure::new("latency-p999", "p99.9, µs", 0);

pub(crate) static ROW: Row = Row {
    name: "latency",
    title: "Latency at 10 000 requests per second",
    about: "The server has one processor. Requests for `/users/42` fall due at a constant rate, over at most 32 connections; \
            the clock of each runs from when it was due, so that a server that stalls pays for all it kept waiting. \
            Where fewer than 99 % were answered in time, the round is taken once more: it may have been the machine.",
    measures: &[&P50, &P99, &P999],
    plots: &[&P99],
    ci: false,
    take,
};

const PER_SECOND: f64 = 10_000.0;

/// Of the requests that fell due, so many have to be answered in time.
pub(super) const KEPT_UP: f64 = 0.99;

fn take(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    for _ in 0..bench.rounds(5) {
        for subject in bench.twins() {
            once(bench, subject, figures).map_err(|error| format!("{}: {error}", subject.name))?;
        }
    }
    Ok(())
}

fn once(bench: &Bench, subject: &Subject, figures: &mut Figures) -> Outcome<()> {
    if figures.is_absent(&P50, subject) {
        return Ok(());
    }
    let mut server = bench.start(subject, Under::Nothing)?;
    drop(server.connect()?);
    match under_load(bench, &server, subject, PER_SECOND, Duration::from_millis(600))? {
        Some(latencies) => {
            for (measure, permille) in [(&P50, 500), (&P99, 990), (&P999, 999)] {
                figures.push(measure, subject, latencies.permille(permille));
            }
        }
        None => [&P50, &P99, &P999].into_iter().for_each(|it| figures.absent(it, subject, CANNOT)),
    }
    Ok(())
}

pub(super) const CANNOT: &str = "cannot keep up";

/// After a while to warm up. `None`: the server does not keep up, twice, so its latency is that of a queue without end.
pub(super) fn under_load(
    bench: &Bench,
    server: &Server,
    subject: &Subject,
    per_second: f64,
    during: Duration,
) -> Outcome<Option<Latencies>> {
    let request = ordinary("/users/42");
    let once = || {
        let mut load = Load::connect(server.port(), CONNECTIONS, &request)?;
        if load.open(per_second, warming_up(subject))?.kept_up < KEPT_UP / 2.0 {
            return Ok(None);
        }
        let latencies = load.open(per_second, during)?;
        Ok((latencies.kept_up >= KEPT_UP).then_some(latencies))
    };
    Ok(match bench.processors.on_client(once)? {
        None => bench.processors.on_client(once)?,
        kept_up => kept_up,
    })
}
