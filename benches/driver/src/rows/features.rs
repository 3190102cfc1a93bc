//! What each optional feature costs: instructions of a request that uses it, size of the binary, crates of its tree.

use super::instructions::total;
use super::tree::{crates_of, stripped};
use super::{FEW, MANY, slope};
use crate::Outcome;
use crate::figures::Figures;
use crate::measure::Measure;
use crate::process::Bench;
use crate::row::Row;
use crate::subjects::features::{CASES, Case};

pub(crate) static INSTRUCTIONS: Measure = Measure::new("feature-instructions", "instructions per request", 0);
static ADDED: Measure = Measure::new("feature-added", "… more than `plain`", 0);
static STRIPPED: Measure = Measure::new("feature-size", "stripped binary, KiB", 0);
static CRATES: Measure = Measure::new("feature-crates", "crates in the tree", 0);

pub(crate) static ROW: Row = Row {
    name: "features",
    title: "Optional features",
    about: "One program for each feature, ours and on axum with equal work and the same feature; `plain` has none. Counted as in \
            the rows `instructions` and `size`, with the request of the feature.",
    measures: &[&INSTRUCTIONS, &ADDED, &STRIPPED, &CRATES],
    plots: &[],
    ci: false,
    take,
};

fn take(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    let mut plain = [None; 2];
    for Case { feature, ours, axum, request } in &CASES {
        let both = [(ours, "features-ours"), (axum, "features-axum")];
        for ((subject, package), plain) in both.into_iter().zip(&mut plain) {
            let request = request();
            let few = total(bench, subject, &request, FEW)?;
            let instructions = slope(few, total(bench, subject, &request, MANY)?);
            figures.push(&INSTRUCTIONS, subject, instructions);
            match *plain {
                // The first case is the base.
                None => *plain = Some(instructions),
                Some(plain) => figures.push(&ADDED, subject, instructions - plain),
            }
            figures.push(&STRIPPED, subject, stripped(bench, subject)?);
            let features = if *feature == "plain" { "" } else { *feature };
            figures.push(&CRATES, subject, f64::from(crates_of(package, features)?));
        }
    }
    Ok(())
}
