//! Instructions in user space per request, by callgrind: exact, and the same on a busy machine.

use super::{FEW, MANY, slope};
use crate::Outcome;
use crate::figures::{Figures, Measure};
use crate::http::{on_fc, ordinary};
use crate::process::{Bench, Under};
use crate::subjects::Subject::{self, AxumEqual, Ours, RawHyper};
use crate::subjects::TWINS;

const PATH: &str = "/users/42";

pub(crate) fn take(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    for subject in TWINS {
        let per_request = per_request(bench, subject, &ordinary(PATH))?;
        figures.set(Measure::Instructions, subject, per_request);
    }
    for subject in [Ours, RawHyper, AxumEqual] {
        let per_request = per_request(bench, subject, &on_fc(PATH))?;
        figures.set(Measure::InstructionsOnFc, subject, per_request);
    }
    Ok(())
}

fn per_request(bench: &Bench, subject: Subject, request: &[u8]) -> Outcome<f64> {
    Ok(slope(total(bench, subject, request, FEW)?, total(bench, subject, request, MANY)?))
}

/// Instructions of a whole run with so many requests on one connection.
pub(super) fn total(bench: &Bench, subject: Subject, request: &[u8], requests: usize) -> Outcome<f64> {
    let mut server = bench.start(subject, Under::Callgrind)?;
    let mut client = server.connect()?;
    client.repeat(request, requests).map_err(|error| format!("{subject}: {error}"))?;
    drop(client);
    let profile = server.finish()?;
    let total = profile.lines().find_map(|line| line.strip_prefix("totals:"));
    Ok(total.ok_or("callgrind wrote no total")?.trim().parse()?)
}
