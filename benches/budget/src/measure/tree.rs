//! What a build leaves: the binary's size, the crates of its tree, and, asked for, the time it takes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::Outcome;
use crate::figures::{Figures, Measure};
use crate::process::Bench;
use crate::subjects::Subject::{AxumBare, AxumEqual, AxumHello, Hello, Ours, RawHyper, RawHyperLog};

const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");

pub(crate) fn take(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    for subject in [Ours, RawHyper, RawHyperLog, AxumBare, AxumEqual, Hello, AxumHello] {
        let stripped = bench.scratch(subject.binary());
        let status =
            Command::new("strip").arg("-o").arg(&stripped).arg(bench.binary(subject.binary())).status()?;
        if !status.success() {
            return Err(format!("strip {subject}: {status}").into());
        }
        let kilobytes = u32::try_from(fs::metadata(&stripped)?.len().div_ceil(1024))?;
        figures.set(Measure::Size, subject, f64::from(kilobytes));
    }
    for subject in [Hello, AxumHello] {
        figures.set(Measure::Crates, subject, f64::from(crates(subject.binary())?));
    }
    Ok(())
}

/// All that is compiled, build scripts and macros too, without the program itself.
fn crates(package: &str) -> Outcome<u32> {
    let mut cargo = Command::new("cargo");
    cargo.args([
        "tree",
        "--locked",
        "--prefix",
        "none",
        "--edges",
        "normal,build",
        "--manifest-path",
        WORKSPACE,
    ]);
    let output = cargo.args(["--package", package]).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let text = String::from_utf8(output.stdout)?;
    let names: BTreeSet<&str> = text
        .lines()
        .skip(1)
        .map(|line| line.trim_end_matches(" (*)").trim_end_matches(" (proc-macro)"))
        .collect();
    Ok(u32::try_from(names.len())?)
}

/// Each into a folder of its own that is removed before and after.
pub(crate) fn build_time(figures: &mut Figures) -> Outcome<()> {
    for subject in [Hello, AxumHello] {
        let target = Path::new(WORKSPACE).with_file_name("target").join("clean").join(subject.binary());
        let _ = fs::remove_dir_all(&target);
        let started = Instant::now();
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--release", "--locked", "--quiet", "--manifest-path", WORKSPACE]);
        let status = cargo.args(["--package", subject.binary(), "--target-dir"]).arg(&target).status()?;
        if !status.success() {
            return Err(format!("clean build of {subject}: {status}").into());
        }
        figures.set(Measure::BuildSeconds, subject, started.elapsed().as_secs_f64());
        fs::remove_dir_all(&target)?;
    }
    Ok(())
}
