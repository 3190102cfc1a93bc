//! System calls per request, by strace.

use super::{FEW, MANY, slope};
use crate::Outcome;
use crate::figures::Figures;
use crate::http::ordinary;
use crate::measure::Measure;
use crate::process::{Bench, Under};
use crate::row::Row;
use crate::strace::calls;
use crate::subjects::Subject;

pub(crate) static PER_REQUEST: Measure = Measure::new("syscalls", "system calls per request", 2);
pub(crate) static WRITES: Measure = Measure::new("writes", "of these, `write`", 2);

pub(crate) static ROW: Row = Row {
    name: "syscalls",
    title: "System calls per request",
    about: "By `strace -f -c`; the same requests. Records leave by `write`, and with some servers replies do too.",
    measures: &[&PER_REQUEST, &WRITES],
    plots: &[],
    ci: true,
    take,
};

fn take(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    for subject in bench.twins() {
        let few = count(bench, subject, FEW)?;
        let many = count(bench, subject, MANY)?;
        figures.push(&PER_REQUEST, subject, slope(few.all, many.all));
        figures.push(&WRITES, subject, slope(few.writes, many.writes));
    }
    Ok(())
}

struct Count {
    all: f64,
    writes: f64,
}

fn count(bench: &Bench, subject: &Subject, requests: usize) -> Outcome<Count> {
    let mut server = bench.start(subject, Under::Strace)?;
    let mut client = server.connect()?;
    client.repeat(&ordinary("/users/42"), requests).map_err(|error| format!("{}: {error}", subject.name))?;
    drop(client);
    let table = server.finish()?;
    Ok(Count {
        all: calls(&table, "total").ok_or("strace wrote no total")?,
        writes: calls(&table, "write").unwrap_or(0.0),
    })
}
