//! What many routes cost.

use std::process::Command;

use super::instructions::total_so;
use super::{FEW, MANY, slope};
use crate::Outcome;
use crate::figures::Figures;
use crate::http::ordinary;
use crate::measure::Measure;
use crate::process::{Bench, Under, Way};
use crate::row::Row;
use crate::subjects::Subject;
use crate::subjects::lookup::{AXUM, MATCHIT, OURS};

static AT_10: Measure = Measure::new("lookup-10", "10 routes", 0);
static AT_100: Measure = Measure::new("lookup-100", "100", 0);
static AT_1000: Measure = Measure::new("lookup-1000", "1 000", 0);
static AT_10000: Measure = Measure::new("lookup-10000", "10 000", 0);
/// A look-up is what the trie takes at ten routes, and what the server takes more with more of them.
pub(crate) static GROWTH: Measure = Measure::new("lookup-growth", "a look-up at 10 000, over one at 10", 2);
pub(crate) static PART: Measure = Measure::new("lookup-part", "1 000 over 10, % of a request", 2);
pub(crate) static ALLOCATIONS: Measure =
    Measure::new("lookup-allocations", "allocations that 10 000 add over 10", 2);

pub(crate) static ROW: Row = Row {
    name: "lookup",
    title: "Many routes",
    about: "Instructions per request of a server with so many routes `/service<n>/items/{id}`, records off, by callgrind; of \
            `matchit`, on which both stand, instructions per look-up.",
    measures: &[&AT_10, &AT_100, &AT_1000, &AT_10000, &GROWTH, &PART, &ALLOCATIONS],
    plots: &[],
    ci: false,
    take,
};

fn take(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    let sizes = [(&AT_10, "10"), (&AT_100, "100"), (&AT_1000, "1000"), (&AT_10000, "10000")];
    let mut trie = Vec::new();
    for (measure, routes) in sizes {
        trie.push(slope(look_up(bench, routes, FEW)?, look_up(bench, routes, MANY)?));
        figures.push(measure, &MATCHIT, trie[trie.len() - 1]);
    }
    figures.push(&GROWTH, &MATCHIT, trie[3] / trie[0]);
    for subject in [&OURS, &AXUM] {
        let mut server = Vec::new();
        for (measure, routes) in sizes {
            let per_request = slope(
                ask(bench, subject, routes, FEW, Under::Callgrind)?,
                ask(bench, subject, routes, MANY, Under::Callgrind)?,
            );
            figures.push(measure, subject, per_request);
            server.push(per_request);
        }
        figures.push(&GROWTH, subject, (trie[0] + server[3] - server[0]) / trie[0]);
        figures.push(&PART, subject, (server[2] - server[0]) / server[2] * 100.0);
        let allocations = |routes| -> Outcome<f64> {
            let few = ask(bench, subject, routes, FEW, Under::Memcheck)?;
            Ok(slope(few, ask(bench, subject, routes, MANY, Under::Memcheck)?))
        };
        figures.push(&ALLOCATIONS, subject, allocations("10000")? - allocations("10")?);
    }
    Ok(())
}

fn ask(bench: &Bench, subject: &Subject, routes: &str, requests: usize, under: Under) -> Outcome<f64> {
    let middle = routes.parse::<usize>()? / 2;
    let request = ordinary(&format!("/service{middle:05}/items/42"));
    let env = [("ROUTES", routes)];
    total_so(bench, subject, &Way { under, env: &env, ..Way::default() }, &request, requests)
}

/// The trie's program has no port: it looks up and ends.
fn look_up(bench: &Bench, routes: &str, times: usize) -> Outcome<f64> {
    let output = bench.scratch("matchit");
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--log-file=/dev/null"]);
    command.arg(format!("--callgrind-out-file={}", output.display()));
    let status =
        command.args(bench.program(&MATCHIT)?).arg(times.to_string()).env("ROUTES", routes).status()?;
    if !status.success() {
        return Err(format!("{}: {status}", MATCHIT.name).into());
    }
    Under::Callgrind.total(&std::fs::read_to_string(output)?)
}
