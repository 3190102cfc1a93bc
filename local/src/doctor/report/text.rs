//! Findings for people.

use std::fmt::Write as _;

use crate::doctor::examine::{Examination, Found};
use crate::doctor::finding::Level;
use crate::event::steers;
use crate::shell::shown;

/// All findings, one after the other. `is_coloured` says whether the levels have colours.
pub(crate) fn text(examination: &Examination, is_coloured: bool) -> String {
    let mut out = String::new();
    for found in examination.open() {
        write_one(found, is_coloured, &mut out);
    }
    for what in &examination.left_out {
        // Writing into a string cannot fail.
        _ = writeln!(out, "not looked at: {}", harmless(what));
    }
    out
}

fn write_one(found: &Found, is_coloured: bool, out: &mut String) {
    let Found { rule, finding, .. } = found;
    let (place, level) = (&finding.place, rule.level.name());
    let (begin, end) = if is_coloured { (colour(rule.level), "\x1b[0m") } else { ("", "") };
    _ = writeln!(
        out,
        "{}:{}:{}: {begin}{level}[{}]{end}: {}",
        harmless(&shown(&place.file)),
        place.line,
        place.column,
        rule.id,
        harmless(&finding.text)
    );
    for line in finding.fix.lines() {
        _ = writeln!(out, "    {}", harmless(line));
    }
}

fn colour(level: Level) -> &'static str {
    match level {
        Level::Error => "\x1b[31m",
        Level::Warning => "\x1b[33m",
        Level::Note => "\x1b[36m",
    }
}

/// The text without what would steer a terminal.
fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || steers(c) { '\u{fffd}' } else { c }).collect()
}

/// What was found, in one line.
pub(crate) fn summary(examination: &Examination) -> String {
    let counted = [Level::Error, Level::Warning, Level::Note].map(|level| (level, examination.count(level)));
    let parts: Vec<String> = counted
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(level, count)| format!("{count} {}{}", level.name(), if count == 1 { "" } else { "s" }))
        .collect();
    let allowed = examination.found.len() - examination.open().count();
    let allowed = if allowed == 0 { String::new() } else { format!(", {allowed} allowed") };
    if parts.is_empty() {
        return format!("nothing found{allowed}");
    }
    format!("{}{allowed}; `fc-local doctor --explain ID` says more", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(
            harmless("a\x1b[2J\nb\tc\u{202e}d\u{2066}"),
            "a\u{fffd}[2J\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}"
        );
        assert_eq!(harmless("plain é"), "plain é");
    }
}
