//! The rules themselves, for readers.

use std::fmt::Write as _;

use crate::doctor::rules;

/// The width of an explanation, in characters.
const WIDTH: usize = 100;

/// What there is to know of a rule. `None` if there is no such rule.
pub(crate) fn explanation(id: &str) -> Option<String> {
    let rule = rules::find(id)?;
    let mut out = format!("{} ({})\n{}\n\n", rule.id, rule.level.name(), rule.title);
    wrap(rule.why, &mut out);
    // Writing into a string cannot fail.
    _ = write!(out, "\nSource: {}\nAllow:  # doctor: allow {}: reason", rule.source, rule.id);
    Some(out)
}

/// All rules, a line for each.
pub(crate) fn list() -> String {
    let width = rules::all().map(|rule| rule.id.len()).max().unwrap_or(0);
    let lines =
        rules::all().map(|rule| format!("{:width$}  {:7}  {}", rule.id, rule.level.name(), rule.title));
    lines.collect::<Vec<_>>().join("\n")
}

fn wrap(text: &str, out: &mut String) {
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > WIDTH {
            out.push('\n');
            column = 0;
        }
        if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
}

/// The rules as the chapter of `docs/doctor.md`.
#[cfg(test)]
pub(in crate::doctor) fn document() -> String {
    let mut out = String::new();
    for (subject, rules) in rules::subjects() {
        _ = write!(out, "### {subject}\n\n| id | level | rule | source |\n|---|---|---|---|\n");
        for rule in rules {
            let source = match rule.source.split_once(": https://") {
                Some((name, address)) => format!("[{name}](https://{address})"),
                None => rule.source.to_owned(),
            };
            _ = writeln!(
                out,
                "| `{}` | {} | {} {} | {source} |",
                rule.id,
                rule.level.name(),
                rule.title,
                rule.why
            );
        }
        out.push('\n');
    }
    out
}
