//! The command line.

use crate::Outcome;
use crate::measure;

pub(crate) struct Options {
    /// A missed budget fails the command.
    pub(crate) ci: bool,
    /// Clean builds are slow, so they are asked for.
    pub(crate) build_time: bool,
    only: Vec<String>,
}

impl Options {
    pub(crate) fn from_args(args: impl Iterator<Item = String>) -> Outcome<Self> {
        let mut options = Self { ci: false, build_time: false, only: Vec::new() };
        for arg in args {
            match arg.as_str() {
                "--ci" => options.ci = true,
                "--build-time" => options.build_time = true,
                name if measure::ALL.iter().any(|(known, _)| *known == name) => options.only.push(arg),
                _ => {
                    let names: Vec<_> = measure::ALL.iter().map(|(name, _)| *name).collect();
                    return Err(
                        format!("{arg}: say --ci, --build-time, or one of {}", names.join(", ")).into()
                    );
                }
            }
        }
        if options.ci && !options.only.is_empty() {
            return Err("--ci measures everything".into());
        }
        Ok(options)
    }

    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}
