//! Verdicts as TAP, as the XML of `JUnit`, and as JSON.

use std::fmt::Write;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value, json};

use super::case::{Case, Need};
use super::sources::Source;
use super::suite::{Ended, Verdict};

/// The head of TAP version 14, for so many cases.
pub(crate) fn tap_begin(cases: usize) -> String {
    format!("TAP version 14\n1..{cases}\n")
}

/// The lines of one verdict. A missed SHOULD is a TODO, which harnesses do not count as a failure.
pub(crate) fn tap_line(number: usize, verdict: &Verdict) -> String {
    let Case { id, title, need, .. } = verdict.case;
    match &verdict.ended {
        Ended::Passed => format!("ok {number} - {id}: {title}\n"),
        Ended::Skipped(why) => format!("ok {number} - {id}: {title} # SKIP {}\n", plain(why)),
        Ended::Failed(what) => {
            let todo = if *need == Need::Should { " # TODO not required" } else { "" };
            let mut text = format!("not ok {number} - {id}: {title}{todo}\n  ---\n");
            for (name, value) in [
                ("required", need.word()),
                ("seen", what),
                ("do", verdict.case.advice),
                ("source", &source(verdict.case)),
            ] {
                // A JSON string is a YAML string too. A String takes whatever is written.
                _ = writeln!(text, "  {name}: {}", Value::from(value));
            }
            text + "  ...\n"
        }
    }
}

/// The last lines, for people.
pub(crate) fn tap_end(verdicts: &[Verdict]) -> String {
    summary(verdicts).lines().fold(String::new(), |text, line| text + "# " + line + "\n")
}

/// How many passed, and what to do next.
pub(crate) fn summary(verdicts: &[Verdict]) -> String {
    let count = |is: fn(&Verdict) -> bool| verdicts.iter().filter(|verdict| is(verdict)).count();
    let fatal = count(Verdict::is_fatal);
    let missed = count(|verdict| matches!(verdict.ended, Ended::Failed(_))) - fatal;
    let skipped = count(|verdict| matches!(verdict.ended, Ended::Skipped(_)));
    let mut text = format!(
        "{} passed, {fatal} failed that MUST hold, {missed} missed that SHOULD hold, {skipped} skipped\n",
        count(|verdict| verdict.ended == Ended::Passed)
    );
    if fatal > 0 {
        text += "The program would fail on the platform. Beside each failed case stands what to do.\n";
    }
    if verdicts
        .iter()
        .any(|verdict| matches!(&verdict.ended, Ended::Skipped(why) if why.contains("/conform")))
    {
        text += "Cases were skipped for want of routes: add the few lines of docs/conform.md to the program to check them.\n";
    }
    text
}

/// The XML of `JUnit`, for which a missed SHOULD is a skipped case with a message.
pub(crate) fn junit(verdicts: &[Verdict]) -> String {
    let mut suite = TestSuite::new("custom runtime");
    for verdict in verdicts {
        let kind = |kind, text: &str| {
            let mut status = TestCaseStatus::non_success(kind);
            status.set_message(plain(text)).set_description(verdict.case.advice);
            status
        };
        let status = match &verdict.ended {
            Ended::Passed => TestCaseStatus::success(),
            Ended::Failed(what) if verdict.is_fatal() => kind(NonSuccessKind::Failure, what),
            other => {
                let mut status = TestCaseStatus::skipped();
                status.set_message(match other {
                    Ended::Failed(what) => format!("SHOULD: {}. {}", plain(what), verdict.case.advice),
                    Ended::Skipped(why) => plain(why),
                    Ended::Passed => String::new(),
                });
                status
            }
        };
        let mut case = TestCase::new(format!("{}: {}", verdict.case.id, verdict.case.title), status);
        case.set_classname("conform").set_time(verdict.took);
        suite.add_test_case(case);
    }
    let mut report = Report::new("fc-local conform");
    report.add_test_suite(suite);
    report.to_string().unwrap_or_default()
}

/// All of it as one document.
pub(crate) fn to_json(command: &[String], verdicts: &[Verdict]) -> Value {
    let count = |word: &str| verdicts.iter().filter(|verdict| outcome(verdict) == word).count();
    json!({
        "command": command,
        "passed": count("passed"),
        "failed": count("failed"),
        "missed": count("missed"),
        "skipped": count("skipped"),
        "cases": verdicts.iter().map(|verdict| {
            let Case { id, title, need, advice, .. } = verdict.case;
            let text = match &verdict.ended {
                Ended::Passed => None,
                Ended::Failed(text) | Ended::Skipped(text) => Some(text),
            };
            json!({
                "id": id, "title": title, "need": need.word(), "outcome": outcome(verdict), "seen": text,
                "advice": advice, "source": source(verdict.case), "milliseconds": verdict.took.as_millis(),
            })
        }).collect::<Vec<_>>(),
    })
}

/// A line for each case.
pub(crate) fn list_text(cases: &[&Case]) -> String {
    let width = cases.iter().map(|case| case.id.len()).max().unwrap_or_default();
    let line = |case: &&Case| {
        let Case { id, title, need, .. } = case;
        format!("{id:width$}  {:6}  {title} ({})\n", need.word(), source(case))
    };
    cases.iter().map(line).collect()
}

/// The cases as a document.
pub(crate) fn list_json(cases: &[&Case]) -> Value {
    let case = |case: &&Case| {
        let Case { id, route, title, need, advice, source, .. } = case;
        json!({
            "id": id, "title": title, "need": need.word(), "advice": advice, "route": route,
            "source": source.name, "address": source.address,
        })
    };
    cases.iter().map(case).collect()
}

/// `missed` is a failed SHOULD.
fn outcome(verdict: &Verdict) -> &'static str {
    match &verdict.ended {
        Ended::Passed => "passed",
        Ended::Skipped(_) => "skipped",
        Ended::Failed(_) if verdict.is_fatal() => "failed",
        Ended::Failed(_) => "missed",
    }
}

fn source(case: &Case) -> String {
    let Source { name, address } = case.source;
    if address.contains("://") { format!("{name} ({address})") } else { format!("{name}: docs/{address}") }
}

/// One line that no reader takes for anything else.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || c == '#' || c == '\\' { ' ' } else { c }).collect()
}
