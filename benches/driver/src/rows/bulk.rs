//! 32 MiB down, and up to a file, beside hyper: counts, the memory that it takes, and processor time in pairs.

use super::payload::{MIB, SIZE, down, up};
use crate::Outcome;
use crate::figures::Figures;
use crate::http::ordinary;
use crate::measure::Measure;
use crate::process::{Bench, Server, Under};
use crate::row::Row;
use crate::steal::Undisturbed;
use crate::strace::calls;
use crate::subjects::Subject;
use crate::subjects::http::{OURS, OURS_OFF, RAW_HYPER, RAW_HYPER_EQUAL};

pub(crate) static DOWN_INSTRUCTIONS: Measure =
    Measure::new("bulk-down-instructions", "down, instructions per MiB", 0);
pub(crate) static DOWN_SYSCALLS: Measure = Measure::new("bulk-down-syscalls", "system calls per MiB", 1);
pub(crate) static DOWN_CPU: Measure = Measure::new("bulk-down-cpu", "CPU µs per MiB", 0).paired();
pub(crate) static DOWN_GROWTH: Measure =
    Measure::new("bulk-down-growth", "peak beyond a small reply, KiB", 0);
pub(crate) static UP_INSTRUCTIONS: Measure =
    Measure::new("bulk-up-instructions", "up to a file, instructions per MiB", 0);
pub(crate) static UP_SYSCALLS: Measure = Measure::new("bulk-up-syscalls", "system calls per MiB then", 1);
pub(crate) static UP_CPU: Measure = Measure::new("bulk-up-cpu", "CPU µs per MiB then", 0).paired();
pub(crate) static UP_GROWTH: Measure =
    Measure::new("bulk-up-growth", "peak beyond a small reply then, KiB", 0);
static STOLEN: Measure = Measure::new("bulk-stolen", "stolen, %", 1).alone();

pub(crate) static ROW: Row = Row {
    name: "bulk",
    title: "32 MiB down, and up to a file",
    about: "`GET /large` streams 32 MiB in pieces of 64 KiB, `POST /store` writes 32 MiB to a file as they come, in a thread \
            for blocking work. Counts of processes that do it five times less those of one that does it once. The peak is \
            what was ever resident, beyond what is after a small reply. Processor time in many short rounds; the ratio is the \
            median of the rounds'.",
    measures: &[
        &DOWN_INSTRUCTIONS,
        &DOWN_SYSCALLS,
        &DOWN_CPU,
        &DOWN_GROWTH,
        &UP_INSTRUCTIONS,
        &UP_SYSCALLS,
        &UP_CPU,
        &UP_GROWTH,
        &STOLEN,
    ],
    plots: &[&DOWN_CPU],
    ci: true,
    take,
};

static SUBJECTS: [&Subject; 4] = [&OURS, &OURS_OFF, &RAW_HYPER_EQUAL, &RAW_HYPER];

/// One direction, with what is measured of it.
struct Direction {
    transfer: fn(&Server) -> Outcome<()>,
    instructions: &'static Measure,
    syscalls: &'static Measure,
    cpu: &'static Measure,
    growth: &'static Measure,
}

static DIRECTIONS: [Direction; 2] = [
    Direction {
        transfer: down,
        instructions: &DOWN_INSTRUCTIONS,
        syscalls: &DOWN_SYSCALLS,
        cpu: &DOWN_CPU,
        growth: &DOWN_GROWTH,
    },
    Direction {
        transfer: store,
        instructions: &UP_INSTRUCTIONS,
        syscalls: &UP_SYSCALLS,
        cpu: &UP_CPU,
        growth: &UP_GROWTH,
    },
];

/// Two counts of transfers: what lies between them is transfers alone.
const FEW: u32 = 1;
const MANY: u32 = 5;

fn store(server: &Server) -> Outcome<()> {
    let answered = up(server, "/store")?;
    // The length that was written.
    if answered.end.ends_with(SIZE.to_string().as_bytes()) {
        Ok(())
    } else {
        Err("a file was not written".into())
    }
}

fn take(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    for subject in SUBJECTS {
        for direction in &DIRECTIONS {
            count(bench, subject, direction, figures)
                .map_err(|error| format!("{}: {error}", subject.name))?;
        }
    }
    if bench.ci {
        return Ok(());
    }
    let undisturbed = Undisturbed::new(bench.processors, 20);
    for _ in 0..bench.rounds(11) {
        for subject in SUBJECTS {
            let round = undisturbed.round(|| cpu(bench, subject));
            let round = round.map_err(|error| format!("{}: {error}", subject.name))?;
            for (direction, per_mib) in DIRECTIONS.iter().zip(round.value) {
                figures.push(direction.cpu, subject, per_mib);
            }
            figures.push(&STOLEN, subject, round.stolen);
        }
    }
    Ok(())
}

fn count(bench: &Bench, subject: &Subject, direction: &Direction, figures: &mut Figures) -> Outcome<()> {
    let per_mib = |few: f64, many: f64| (many - few) / f64::from((MANY - FEW) * (SIZE / MIB));
    let written = |under, times| {
        let mut server = bench.start(subject, under)?;
        drop(server.connect()?);
        bench.processors.on_client(|| (0..times).try_for_each(|_| (direction.transfer)(&server)))?;
        server.finish()
    };
    let instructions = |times| Under::Callgrind.total(&written(Under::Callgrind, times)?);
    figures.push(direction.instructions, subject, per_mib(instructions(FEW)?, instructions(MANY)?));
    let all = |times| Ok::<_, Box<dyn std::error::Error>>(calls(&written(Under::Strace, times)?, "total"));
    let (few, many) = (all(FEW)?, all(MANY)?);
    let (few, many) = few.zip(many).ok_or("strace wrote no total")?;
    figures.push(direction.syscalls, subject, per_mib(few, many));
    let mut server = bench.start(subject, Under::Nothing)?;
    server.connect()?.repeat(&ordinary("/plaintext"), 1)?;
    let before = server.status_kib("VmRSS")?;
    bench.processors.on_client(|| (0..MANY).try_for_each(|_| (direction.transfer)(&server)))?;
    figures.push(direction.growth, subject, server.status_kib("VmHWM")? - before);
    Ok(())
}

/// Processor time of each direction, in microseconds per MiB.
fn cpu(bench: &Bench, subject: &Subject) -> Outcome<[f64; 2]> {
    const TIMES: u32 = 2;
    let mut server = bench.start(subject, Under::Nothing)?;
    drop(server.connect()?);
    let mut spent = [0.0; 2];
    for (direction, spent) in DIRECTIONS.iter().zip(&mut spent) {
        *spent = bench.processors.on_client(|| {
            (direction.transfer)(&server)?;
            let before = server.cpu_us()?;
            (0..TIMES).try_for_each(|_| (direction.transfer)(&server))?;
            Ok((server.cpu_us()? - before) / f64::from(TIMES * SIZE / MIB))
        })?;
    }
    Ok(spent)
}
