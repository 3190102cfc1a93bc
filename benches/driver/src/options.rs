//! The command line.

use crate::Outcome;
use crate::row::Row;
use crate::rows;

pub(crate) struct Options {
    /// The rows that are counts; a missed budget fails the command.
    pub(crate) ci: bool,
    /// Few rounds, written below `target` and not beside the sources.
    pub(crate) quick: bool,
    /// Measures nothing: writes tables and plots from the data that is there.
    pub(crate) report: bool,
    pub(crate) rows: Vec<&'static Row>,
}

impl Options {
    pub(crate) fn from_args(args: impl Iterator<Item = String>) -> Outcome<Self> {
        let mut options = Self { ci: false, quick: false, report: false, rows: Vec::new() };
        for arg in args {
            match arg.as_str() {
                "--ci" => options.ci = true,
                "--quick" => options.quick = true,
                "--report" => options.report = true,
                name => {
                    let before = options.rows.len();
                    options.rows.extend(rows::ALL.iter().filter(|row| is_meant(row, name)));
                    if options.rows.len() == before {
                        return Err(usage(name).into());
                    }
                }
            }
        }
        if options.ci && !options.rows.is_empty() {
            return Err("--ci takes every row of counts".into());
        }
        if options.rows.is_empty() {
            options.rows = rows::ALL.to_vec();
        }
        if options.ci {
            options.rows.retain(|row| row.ci);
        }
        Ok(options)
    }
}

/// A row by its name, or one of a group: `growth-1` and `growth-2` are `growth`, `size-…` are `sizes`.
fn is_meant(row: &Row, name: &str) -> bool {
    let group = match name {
        "growth" => "growth-",
        "sizes" => "size-",
        _ => return row.name == name,
    };
    row.name.starts_with(group)
}

fn usage(word: &str) -> String {
    let names: Vec<_> = rows::ALL.iter().map(|row| row.name).collect();
    format!("{word}: say --ci, --quick, --report, or rows: {}, growth, sizes", names.join(", "))
}
