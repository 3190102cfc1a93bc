//! Start and latency at the platform's instance sizes.

use std::time::{Duration, Instant};

use super::cpu::{CONNECTIONS, warming_up};
use super::latency::KEPT_UP;
use crate::Outcome;
use crate::figures::Figures;
use crate::http::ordinary;
use crate::load::Load;
use crate::measure::Measure;
use crate::process::{Bench, Server, Way};
use crate::row::Row;
use crate::share::Share;
use crate::steal::Undisturbed;
use crate::subjects::{Kind, Subject};

/// A size of an instance: its share of a processor, and the load that it is given.
pub(crate) struct Size {
    hundredths: u32,
    per_second: f64,
    pub(crate) start: &'static Measure,
    p50: &'static Measure,
    pub(crate) p99: &'static Measure,
    cpu: &'static Measure,
    throttled: &'static Measure,
    stolen: &'static Measure,
}

macro_rules! size {
    ($name:ident, $row:ident, $hundredths:literal, $per_second:literal, $id:literal, $title:literal) => {
        pub(crate) static $name: Size = Size {
            hundredths: $hundredths,
            per_second: $per_second,
            start: &Measure::new(concat!("start-", $id), concat!("start at ", $id, " vCPU, ms"), 1).paired(),
            p50: &Measure::new(concat!("p50-", $id), concat!("p50 at ", $id, " vCPU, µs"), 0).paired(),
            p99: &Measure::new(concat!("p99-", $id), concat!("p99 at ", $id, " vCPU, µs"), 0).paired(),
            cpu: &Measure::new(concat!("cpu-", $id), "CPU µs per request then", 1).paired(),
            throttled: &Measure::new(concat!("throttled-", $id), "periods without quota, %", 0).alone(),
            stolen: &Measure::new(concat!("stolen-", $id), "stolen, %", 1).alone(),
        };

        pub(crate) static $row: Row = Row {
            name: concat!("size-", $id),
            title: $title,
            about: "A control group with that share of a processor (a quota per 100 ms) and 128 MiB of memory, on one processor. \
                    From exec to the first 200; then the open loop, in which a server that does not keep up has no latency. \
                    Short rounds through all servers in turn, so that what slows the machine slows all; two of those of other \
                    languages. Rounds of which much was stolen by the hypervisor are taken again.",
            measures: &[$name.start, $name.p50, $name.p99, $name.cpu, $name.throttled, $name.stolen],
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

/// Five periods of the quota.
const DURING: Duration = Duration::from_millis(500);

/// Of servers in other languages, which are slow to start and to become warm.
const ROUNDS_OF_OTHERS: usize = 2;

fn take(bench: &Bench, figures: &mut Figures, size: &Size) -> Outcome<()> {
    let undisturbed = Undisturbed::new(bench.processors, 30);
    for round in 0..bench.rounds(9) {
        for subject in bench.deployed() {
            if subject.kind == Kind::Other && round >= ROUNDS_OF_OTHERS {
                continue;
            }
            let share = match Share::new(size.hundredths, MEBIBYTES) {
                Ok(share) => share,
                Err(reason) => {
                    for measure in [size.start, size.p50, size.p99, size.cpu, size.throttled, size.stolen] {
                        figures.absent(measure, subject, &reason);
                    }
                    continue;
                }
            };
            drop(share);
            let round = undisturbed.round(|| once(bench, subject, size));
            let round = round.map_err(|error| format!("{}: {error}", subject.name))?;
            let Once { start, p50, p99, cpu, throttled } = round.value;
            figures.push(size.start, subject, start);
            figures.push(size.p50, subject, p50);
            figures.push(size.p99, subject, p99);
            figures.push(size.cpu, subject, cpu);
            figures.push(size.throttled, subject, throttled);
            figures.push(size.stolen, subject, round.stolen);
        }
    }
    Ok(())
}

/// What one round gave.
struct Once {
    start: f64,
    /// Without end if the server did not keep up.
    p50: f64,
    p99: f64,
    cpu: f64,
    throttled: f64,
}

fn once(bench: &Bench, subject: &Subject, size: &Size) -> Outcome<Once> {
    let share = Share::new(size.hundredths, MEBIBYTES)?;
    let started = Instant::now();
    let mut server = bench.start_so(subject, &Way { share: Some(&share), ..Way::default() })?;
    server.connect()?.repeat(&ordinary("/plaintext"), 1)?;
    let start = started.elapsed().as_secs_f64() * 1000.0;
    bench.processors.on_client(|| under_load(&server, &share, subject, size, start))
}

fn under_load(server: &Server, share: &Share, subject: &Subject, size: &Size, start: f64) -> Outcome<Once> {
    let lost = Once { start, p50: f64::INFINITY, p99: f64::INFINITY, cpu: f64::INFINITY, throttled: 100.0 };
    let request = ordinary("/users/42");
    let mut load = Load::connect(server.port(), CONNECTIONS, &request)?;
    if load.open(size.per_second, warming_up(subject))?.kept_up < KEPT_UP / 2.0 {
        return Ok(lost);
    }
    let (before, periods) = (server.cpu_us()?, share.periods()?);
    let latencies = load.open(size.per_second, DURING)?;
    let cpu = (server.cpu_us()? - before) / latencies.answered;
    let throttled = share.periods()?.throttled_since(&periods);
    if latencies.kept_up < KEPT_UP {
        return Ok(Once { cpu, throttled, ..lost });
    }
    Ok(Once { start, p50: latencies.permille(500), p99: latencies.permille(990), cpu, throttled })
}
