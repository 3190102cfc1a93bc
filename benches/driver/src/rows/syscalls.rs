//! System calls per request, by strace.

use super::{FEW, MANY, slope};
use crate::Outcome;
use crate::figures::Figures;
use crate::http::ordinary;
use crate::measure::Measure;
use crate::process::{Bench, Under};
use crate::row::Row;
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

/// The column `calls` of a row of strace's summary; the column of errors may be empty, the name is always last.
pub(crate) fn calls(table: &str, name: &str) -> Option<f64> {
    let row = table.lines().find(|line| line.split_whitespace().next_back() == Some(name))?;
    row.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_read() {
        let table = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 50.00    0.000100           1       100           write
 50.00    0.000100           1        70         3 recvfrom
------ ----------- ----------- --------- --------- ----------------
100.00    0.000200           1       170         3 total
";
        assert_eq!(calls(table, "write"), Some(100.0));
        assert_eq!(calls(table, "total"), Some(170.0));
        assert_eq!(calls(table, "sendto"), None);
    }
}
