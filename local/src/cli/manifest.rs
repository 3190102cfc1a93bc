//! `fc-local manifest`.

use std::path::Path;
use std::process::ExitCode;

use super::print;
use crate::Manifest;

pub(super) fn run(file: &Path, environment: Option<&str>) -> ExitCode {
    match Manifest::resolved(file, environment) {
        Ok(value) => {
            print::say(&format!("{value:#}"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            print::complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}
