//! The report, as Markdown: readable as it is.

use std::fmt::Write as _;

use crate::budgets::{Limit, Mode};
use crate::curves;
use crate::figures::{Figure, Figures, Spread};
use crate::measure::{Compared, Measure};
use crate::model;
use crate::plots;
use crate::results::{Results, Taken};
use crate::row::Row;
use crate::rows;
use crate::rows::growth;
use crate::subjects::{self, Kind, Subject};
use crate::verdicts::{self, Verdict};
use crate::versions;

/// Whether plots are shown between the tables.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Plots {
    Shown,
    Unseen,
}

const PREAMBLE: &str = "\
Written by `benches/run` from [results.tsv](results.tsv), never by hand. [README.md](README.md) says how it is measured.

**Reading a cell**: the ratio to ours first, then the median, then in brackets the least and the most of all rounds. A cell
without brackets is a count that is the same in every round. `≈` stands where the spread overlaps that of ours: the difference
is within the noise of this machine. A ratio with brackets of its own is the median of the ratios of rounds that were taken side
by side, with the half of them in the middle; `≈` then stands where that half has 1 in it. Less is better unless the heading says otherwise.
";

/// The whole file.
pub(crate) fn document(results: &Results, quick: bool) -> String {
    let mut text = "# Results\n\n".to_owned();
    if quick {
        text += "**Quick: two rounds. To see that everything works, not to be quoted.**\n\n";
    }
    text + PREAMBLE + "\n" + &versions::table() + "\n" + &tables(results, &Plots::Shown)
}

/// The budgets, and a section per row that was taken.
pub(crate) fn tables(results: &Results, plots: &Plots) -> String {
    let mut text = budgets(&verdicts::all(results));
    for row in rows::ALL {
        if let Some(taken) = results.of(row) {
            section(row, taken, plots, &mut text);
        }
        if row.name == growth::ON_TWO.name {
            let [one, two] = [&growth::ON_ONE, &growth::ON_TWO].map(|row| results.of(row));
            let model = one.zip(two).and_then(|(one, two)| model::table(&one.figures, &two.figures));
            text.extend(model.map(|table| table + "\n"));
        }
    }
    text
}

fn budgets(verdicts: &[Verdict]) -> String {
    let mut text = "## Budgets\n\n| verdict | budget | is | may be | that is | why |\n".to_owned();
    text += "|---|---|--:|--:|---|---|\n";
    for verdict in verdicts {
        let budget = verdict.budget;
        let said = match (verdict.met, budget.mode) {
            (true, _) if verdict.is_noise => "met, within noise".to_owned(),
            (true, _) => "met".to_owned(),
            (false, Mode::Compared) if verdict.is_noise => "missed, within noise".to_owned(),
            (false, Mode::Enforced | Mode::Compared) => "**MISSED**".to_owned(),
            (false, Mode::Printed(reason)) => {
                format!("missed: {reason} ([more](README.md#what-is-missed-and-why))")
            }
        };
        let is = budget.measure.text(verdict.is);
        let limit = budget.measure.text(verdict.limit);
        let (name, subject, why) = (budget.measure.name, budget.subject.name, budget.meaning);
        let _ =
            writeln!(text, "| {said} | {name}: {subject} | {is} | {limit} | {} | {why} |", relation(verdict));
    }
    text + "\n"
}

/// The figure as the budget speaks of it.
fn relation(verdict: &Verdict) -> String {
    let Some((peer, value)) = verdict.peer else {
        return String::new();
    };
    let times = verdict.times.unwrap_or(verdict.is / value);
    match verdict.budget.limit {
        Limit::Times(factor, _) => format!("{times:.3} × {} (at most {factor})", peer.name),
        Limit::Beyond(factor, _) => format!("{times:.3} × {} (better than {factor})", peer.name),
        Limit::Plus(more, _) => {
            let decimals = verdict.budget.measure.decimals;
            let is = verdict.is - value;
            format!("{} {is:+.decimals$} (at most {more:+.decimals$})", peer.name)
        }
        Limit::AtMost(_) => String::new(),
    }
}

fn section(row: &Row, taken: &Taken, plots: &Plots, text: &mut String) {
    let _ = writeln!(text, "## {}\n\n{}\n", row.title, row.about);
    let _ = writeln!(text, "`benches/run {}`, {}, {}.\n", row.name, taken.date, taken.commit);
    if *plots == Plots::Shown {
        for measure in row.plots {
            let _ = writeln!(text, "![{}: {}](plots/{})\n", row.title, measure.name, plots::file(measure));
        }
        for curves in curves::of(row) {
            let _ = writeln!(text, "![{}](plots/{})\n", row.title, curves.file);
        }
    }
    let is_measured =
        |subject: &&Subject| row.measures.iter().any(|it| taken.figures.get(it, subject).is_some());
    let _ = writeln!(text, "| | {} |", row.measures.iter().map(|it| it.name).collect::<Vec<_>>().join(" | "));
    let _ = writeln!(text, "|---{}|", "|--:".repeat(row.measures.len()));
    for subject in subjects::all().filter(is_measured) {
        let name = if subject.kind == Kind::Ours {
            format!("**{}**", subject.name)
        } else {
            subject.name.to_owned()
        };
        let cells: Vec<_> =
            row.measures.iter().map(|measure| cell(measure, subject, &taken.figures)).collect();
        let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
    }
    text.push('\n');
}

fn cell(measure: &Measure, subject: &Subject, figures: &Figures) -> String {
    let Some(figure) = figures.get(measure, subject) else {
        return String::new();
    };
    let spread = match (figure, figure.spread()) {
        (_, Some(spread)) => spread,
        (Figure::Absent(reason), _) => return reason.clone(),
        (Figure::Rounds(_), None) => return String::new(),
    };
    if spread.median.is_infinite() {
        return cannot_keep_up(figure);
    }
    let value = value(measure, spread);
    if measure.compared == Compared::Not {
        return value;
    }
    if measure.compared == Compared::ByRounds && subject.name != own(subject).name {
        let Some(ratio) = figures.ratio(measure, subject, own(subject)) else { return value };
        let noise = if ratio.is_around(1.0) { " ≈" } else { "" };
        let [median, lower, upper] = [ratio.median, ratio.lower, ratio.upper].map(as_ratio);
        return format!("**{median}** ({lower}–{upper}){noise} · {value}");
    }
    match base(measure, subject, figures) {
        Some(base) if base.median > 0.0 => {
            let noise = if subject.name != own(subject).name && spread.overlaps(&base) { " ≈" } else { "" };
            format!("**{:.2}**{noise} · {value}", spread.median / base.median)
        }
        _ => value,
    }
}

fn as_ratio(ratio: f64) -> String {
    if ratio.is_infinite() { "∞".to_owned() } else { format!("{ratio:.2}") }
}

fn cannot_keep_up(figure: &Figure) -> String {
    let Figure::Rounds(rounds) = figure else { return String::new() };
    let lost = rounds.iter().filter(|round| round.is_infinite()).count();
    format!("cannot keep up in {lost} of {} rounds", rounds.len())
}

fn value(measure: &Measure, spread: Spread) -> String {
    let median = measure.text(spread.median);
    if spread.is_exact() {
        return median;
    }
    format!("{median} ({}–{})", measure.text(spread.least), measure.text(spread.most))
}

/// Ours of the same family.
fn base(measure: &Measure, subject: &Subject, figures: &Figures) -> Option<Spread> {
    figures.spread(measure, own(subject))
}

fn own(subject: &Subject) -> &Subject {
    subjects::all().find(|own| own.kind == Kind::Ours && own.family == subject.family).unwrap_or(subject)
}
