//! The data that a run leaves: every row with its figures, when and of what they were taken. Rows that a later run takes
//! replace those before; figures of one row always come from one run.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Outcome;
use crate::figures::{Figure, Figures};
use crate::row::Row;

#[derive(Debug, Default)]
pub(crate) struct Results(Vec<Taken>);

/// One row as it was taken.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) row: String,
    pub(crate) date: String,
    pub(crate) commit: String,
    pub(crate) figures: Figures,
}

impl Results {
    pub(crate) fn set(&mut self, row: &Row, figures: Figures) {
        self.0.retain(|taken| taken.row != row.name);
        self.0.push(Taken {
            row: row.name.to_owned(),
            date: said_by("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
            commit: commit(),
            figures,
        });
    }

    pub(crate) fn of(&self, row: &Row) -> Option<&Taken> {
        self.0.iter().find(|taken| taken.row == row.name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Taken> {
        self.0.iter()
    }

    /// Of a file that is not there, nothing.
    pub(crate) fn read(path: &Path) -> Outcome<Self> {
        let text = if path.exists() { fs::read_to_string(path)? } else { String::new() };
        parse(&text).map_err(|error| format!("{}: {error}", path.display()).into())
    }

    pub(crate) fn write(&self, path: &Path) -> Outcome<()> {
        Ok(fs::write(path, self.text()?)?)
    }

    /// Lines of fields between tabs.
    fn text(&self) -> Outcome<String> {
        let mut text = String::new();
        for taken in &self.0 {
            writeln!(text, "row\t{}\t{}\t{}", taken.row, taken.date, taken.commit)?;
            for (measure, subject, figure) in taken.figures.iter() {
                match figure {
                    Figure::Rounds(rounds) => {
                        let rounds: Vec<String> = rounds.iter().map(f64::to_string).collect();
                        writeln!(text, "rounds\t{measure}\t{subject}\t{}", rounds.join(" "))?;
                    }
                    Figure::Absent(reason) => writeln!(text, "absent\t{measure}\t{subject}\t{reason}")?,
                }
            }
        }
        Ok(text)
    }
}

fn parse(text: &str) -> Outcome<Results> {
    let mut results = Results::default();
    for line in text.lines() {
        match line.split('\t').collect::<Vec<_>>().as_slice() {
            ["row", row, date, commit] => results.0.push(Taken {
                row: (*row).to_owned(),
                date: (*date).to_owned(),
                commit: (*commit).to_owned(),
                figures: Figures::default(),
            }),
            [kind @ ("rounds" | "absent"), measure, subject, rest] => {
                let taken = results.0.last_mut().ok_or("a figure before any row")?;
                let figure = if *kind == "absent" {
                    Figure::Absent((*rest).to_owned())
                } else {
                    Figure::Rounds(rest.split(' ').map(str::parse).collect::<Result<_, _>>()?)
                };
                taken.figures.insert(measure, subject, figure);
            }
            _ => return Err(format!("not a line of results: {line:?}").into()),
        }
    }
    Ok(results)
}

/// The commit, and whether the tree is another. What a run writes does not count.
fn commit() -> String {
    const FOLDER: &str = env!("CARGO_MANIFEST_DIR");
    let commit = said_by("git", &["-C", FOLDER, "describe", "--always"]);
    let changes = Command::new("git")
        .args(["-C", FOLDER, "status", "--porcelain", "--", ":/"])
        .args(["results.tsv", "RESULTS.md", "plots"].map(|name| format!(":(exclude)../{name}")))
        .output();
    let is_clean = changes.is_ok_and(|changes| changes.status.success() && changes.stdout.is_empty());
    if is_clean { commit } else { commit + "-dirty" }
}

/// What a program prints, on one line.
pub(crate) fn said_by(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success());
    let said = output.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    said.lines().next().map_or_else(|| "unknown".to_owned(), |line| line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let text = "row\tcpu\t2026-01-02 03:04 UTC\tabc\nabsent\tcpu-us\taxum\tno answer\nrounds\tcpu-us\tours\t1.5 2 3\n";
        assert_eq!(parse(text).unwrap().text().unwrap(), text);
        assert!(parse("rounds\tcpu-us\tours\t1").is_err(), "no row");
    }
}
