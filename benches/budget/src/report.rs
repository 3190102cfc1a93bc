//! The tables, as Markdown: readable as they are, and fit for the README.

use crate::budgets::{BUDGETS, Budget, Limit, Mode};
use crate::figures::{Figures, MEASURES, Measure};
use crate::subjects::{self, Subject};

/// Everything that was measured, a row per measure.
pub(crate) fn figures(figures: &Figures) {
    let columns: Vec<Subject> = subjects::ALL.into_iter().filter(|it| figures.has_subject(*it)).collect();
    println!();
    print!("| {:52} |", "");
    for subject in &columns {
        print!(" {subject:>13} |");
    }
    println!();
    println!("|---|{}", "--:|".repeat(columns.len()));
    for measure in MEASURES.into_iter().filter(|measure| figures.has(*measure)) {
        print!("| {:52} |", measure.name());
        for subject in &columns {
            let text = figures.of(measure, *subject).map_or_else(String::new, |value| number(measure, value));
            print!(" {text:>13} |");
        }
        println!();
    }
    println!();
}

/// Every budget, and how many enforced ones were missed.
pub(crate) fn verdicts(figures: &Figures) -> usize {
    println!("| verdict | budget | is | may be | that is | why |");
    println!("|---|---|--:|--:|---|---|");
    let mut missed = 0;
    for budget in BUDGETS {
        let Some((is, may_be)) = compare(budget, figures) else {
            continue;
        };
        let below = matches!(budget.limit, Limit::Below(..));
        let met = if below { is < may_be } else { is <= may_be };
        let verdict = match (met, budget.mode) {
            (true, _) => "met".to_owned(),
            (false, Mode::Enforced) => {
                missed += 1;
                "**MISSED**".to_owned()
            }
            (false, Mode::Printed(reason)) => format!("missed: {reason}"),
        };
        let sign = if below { "<" } else { "≤" };
        println!(
            "| {verdict} | {}, {} | {} | {sign} {} | {} | {} |",
            budget.measure.name(),
            budget.subject,
            number(budget.measure, is),
            number(budget.measure, may_be),
            relation(budget, is, figures),
            budget.meaning,
        );
    }
    println!();
    missed
}

fn compare(budget: &Budget, figures: &Figures) -> Option<(f64, f64)> {
    let is = figures.of(budget.measure, budget.subject)?;
    let peer = |peer| figures.of(budget.measure, peer);
    let may_be = match budget.limit {
        Limit::Times(factor, other) | Limit::Below(factor, other) => factor * peer(other)?,
        Limit::Plus(more, other) => more + peer(other)?,
        Limit::AtMost(most) => most,
    };
    Some((is, may_be))
}

/// The figure as the budget speaks of it.
fn relation(budget: &Budget, is: f64, figures: &Figures) -> String {
    let peer = |other| figures.of(budget.measure, other).unwrap_or(f64::NAN);
    match budget.limit {
        Limit::Times(factor, other) => format!("{:.3} × {other} (≤ {factor})", is / peer(other)),
        Limit::Below(factor, other) => format!("{:.3} × {other} (< {factor})", is / peer(other)),
        Limit::Plus(more, other) => {
            let decimals = budget.measure.decimals();
            format!("{other} {:+.decimals$} (≤ {more:+.decimals$})", is - peer(other))
        }
        Limit::AtMost(_) => String::new(),
    }
}

/// Thousands apart, so that a table can be read.
fn number(measure: Measure, value: f64) -> String {
    let decimals = measure.decimals();
    let plain = format!("{value:.decimals$}");
    // A slope of nothing may come out a hair below it.
    let plain =
        plain.strip_prefix('-').filter(|rest| !rest.contains(|c| ('1'..='9').contains(&c))).unwrap_or(&plain);
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    let mut text = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) && digit != '-' {
            text.push(' ');
        }
        text.push(digit);
    }
    if !fraction.is_empty() {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(number(Measure::Instructions, 1_234_567.4), "1 234 567");
        assert_eq!(number(Measure::Instructions, 999.0), "999");
        assert_eq!(number(Measure::Syscalls, 1234.5), "1 234.50");
        assert_eq!(number(Measure::Syscalls, -0.001), "0.00");
        assert_eq!(number(Measure::Syscalls, -0.25), "-0.25");
    }
}
