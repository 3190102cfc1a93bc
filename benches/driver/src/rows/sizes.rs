//! Start and latency at the platform's instance sizes.

use std::time::{Duration, Instant};

use super::latency::{CANNOT, under_load};
use crate::Outcome;
use crate::figures::Figures;
use crate::http::ordinary;
use crate::measure::Measure;
use crate::process::{Bench, Way};
use crate::row::Row;
use crate::share::Share;
use crate::subjects::Subject;

/// A size of an instance: its share of a processor, and the load that it is given.
pub(crate) struct Size {
    hundredths: u32,
    per_second: f64,
    pub(crate) start: &'static Measure,
    p50: &'static Measure,
    pub(crate) p99: &'static Measure,
}

macro_rules! size {
    ($name:ident, $row:ident, $hundredths:literal, $per_second:literal, $id:literal, $title:literal) => {
        pub(crate) static $name: Size = Size {
            hundredths: $hundredths,
            per_second: $per_second,
            start: &Measure::new(concat!("start-", $id), concat!("start at ", $id, " vCPU, ms"), 1),
            p50: &Measure::new(concat!("p50-", $id), concat!("p50 at ", $id, " vCPU, µs"), 0),
            p99: &Measure::new(concat!("p99-", $id), concat!("p99 at ", $id, " vCPU, µs"), 0),
        };

        pub(crate) static $row: Row = Row {
            name: concat!("size-", $id),
            title: $title,
            about: "A control group with that share of a processor (a quota per 100 ms) and 128 MiB of memory, on one processor. \
                    From exec to the first 200; then the open loop.",
            measures: &[$name.start, $name.p50, $name.p99],
            plots: &[],
            ci: false,
            take: |bench, figures| take(bench, figures, &$name),
        };
    };
}

size!(TWENTIETH, AT_TWENTIETH, 5, 500.0, "0.05", "An instance of 0.05 vCPU at 500 requests per second");
size!(HALF, AT_HALF, 50, 5000.0, "0.5", "An instance of 0.5 vCPU at 5 000 requests per second");
size!(WHOLE, AT_WHOLE, 100, 10_000.0, "1", "An instance of 1 vCPU at 10 000 requests per second");

const MEBIBYTES: u32 = 128;

fn take(bench: &Bench, figures: &mut Figures, size: &Size) -> Outcome<()> {
    for _ in 0..bench.rounds(3) {
        for subject in bench.deployed() {
            once(bench, subject, figures, size).map_err(|error| format!("{}: {error}", subject.name))?;
        }
    }
    Ok(())
}

fn once(bench: &Bench, subject: &Subject, figures: &mut Figures, size: &Size) -> Outcome<()> {
    let share = match Share::new(size.hundredths, MEBIBYTES) {
        Ok(share) => share,
        Err(reason) => {
            for measure in [size.start, size.p50, size.p99] {
                figures.absent(measure, subject, &reason);
            }
            return Ok(());
        }
    };
    let started = Instant::now();
    let mut server = bench.start_so(subject, &Way { share: Some(&share), ..Way::default() })?;
    server.connect()?.repeat(&ordinary("/plaintext"), 1)?;
    figures.push(size.start, subject, started.elapsed().as_secs_f64() * 1000.0);
    if figures.is_absent(size.p50, subject) {
        return Ok(());
    }
    match under_load(bench, &server, subject, size.per_second, Duration::from_secs(1))? {
        Some(latencies) => {
            figures.push(size.p50, subject, latencies.permille(500));
            figures.push(size.p99, subject, latencies.permille(990));
        }
        None => [size.p50, size.p99].into_iter().for_each(|it| figures.absent(it, subject, CANNOT)),
    }
    Ok(())
}
