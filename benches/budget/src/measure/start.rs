//! From exec to the first 200, and what is resident then.

use std::time::Instant;

use super::instructions::total;
use crate::Outcome;
use crate::figures::{Figures, Measure};
use crate::http::ordinary;
use crate::process::{Bench, Under};
use crate::subjects::Subject::{self, AxumBare, AxumEqual, AxumHello, Hello, Ours, RawHyper};

const ROUNDS: usize = 15;

pub(crate) fn take(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    for subject in [Ours, RawHyper, AxumBare, AxumEqual, Hello, AxumHello] {
        // The end of the process is in it, a drain in ours: little, and against us.
        let instructions = total(bench, subject, &ordinary(subject.first_path()), 1)?;
        figures.set(Measure::StartInstructions, subject, instructions);
        let mut best = Start { wall_ms: f64::MAX, faults: f64::MAX, rss_kb: f64::MAX };
        for _ in 0..ROUNDS {
            let start = once(bench, subject)?;
            best.wall_ms = best.wall_ms.min(start.wall_ms);
            best.faults = best.faults.min(start.faults);
            best.rss_kb = best.rss_kb.min(start.rss_kb);
        }
        figures.set(Measure::StartWall, subject, best.wall_ms);
        figures.set(Measure::StartFaults, subject, best.faults);
        figures.set(Measure::IdleRss, subject, best.rss_kb);
    }
    Ok(())
}

struct Start {
    wall_ms: f64,
    faults: f64,
    rss_kb: f64,
}

fn once(bench: &Bench, subject: Subject) -> Outcome<Start> {
    let started = Instant::now();
    let mut server = bench.start(subject, Under::Nothing)?;
    let mut client = server.connect()?;
    client.repeat(&ordinary(subject.first_path()), 1)?;
    let wall_ms = started.elapsed().as_secs_f64() * 1000.0;
    let start = Start { wall_ms, faults: server.minor_faults()?, rss_kb: server.status_kb("VmRSS")? };
    drop(client);
    server.finish()?;
    Ok(start)
}
