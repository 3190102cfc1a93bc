//! Instructions in user space per request, by callgrind: exact, and the same on a busy machine.

use super::{FEW, MANY, slope};
use crate::Outcome;
use crate::figures::Figures;
use crate::http::{on_fc, ordinary};
use crate::measure::Measure;
use crate::process::{Bench, Under, Way};
use crate::row::Row;
use crate::subjects::http::RAW_HYPER;
use crate::subjects::{Kind, Subject};

pub(crate) static PER_REQUEST: Measure = Measure::new("instructions", "instructions per request", 0);
pub(crate) static ON_FC: Measure =
    Measure::new("instructions-on-fc", "… with the platform's sixteen headers", 0);

pub(crate) static ROW: Row = Row {
    name: "instructions",
    title: "Instructions per request",
    about: "User space, by callgrind: a process that answered 1 200 requests less one that answered 200, over 1 000. \
            HTTP/1.1, one kept connection, `GET /users/42` with five ordinary headers.",
    measures: &[&PER_REQUEST, &ON_FC],
    plots: &[&PER_REQUEST],
    ci: true,
    take,
};

const PATH: &str = "/users/42";

fn take(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    for subject in bench.native_twins() {
        figures.push(&PER_REQUEST, subject, per_request(bench, subject, &ordinary(PATH))?);
        if subject.kind != Kind::Bare || subject.name == RAW_HYPER.name {
            figures.push(&ON_FC, subject, per_request(bench, subject, &on_fc(PATH))?);
        }
    }
    Ok(())
}

fn per_request(bench: &Bench, subject: &Subject, request: &[u8]) -> Outcome<f64> {
    Ok(slope(total(bench, subject, request, FEW)?, total(bench, subject, request, MANY)?))
}

/// Instructions of a whole run with so many requests on one connection.
pub(super) fn total(bench: &Bench, subject: &Subject, request: &[u8], requests: usize) -> Outcome<f64> {
    total_so(bench, subject, &Way { under: Under::Callgrind, ..Way::default() }, request, requests)
}

/// What the tool counted in a whole run.
pub(super) fn total_so(
    bench: &Bench,
    subject: &Subject,
    way: &Way<'_>,
    request: &[u8],
    requests: usize,
) -> Outcome<f64> {
    let mut server = bench.start_so(subject, way)?;
    let mut client = server.connect()?;
    client.repeat(request, requests).map_err(|error| format!("{}: {error}", subject.name))?;
    drop(client);
    way.under.total(&server.finish()?)
}
