//! What a build leaves: the binary's size, the crates of its tree, and the time it takes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::Outcome;
use crate::figures::Figures;
use crate::measure::Measure;
use crate::process::Bench;
use crate::row::Row;
use crate::subjects::http::{ALL, AXUM_HELLO, HELLO};
use crate::subjects::{Program, Subject};

pub(crate) static STRIPPED: Measure = Measure::new("size", "stripped binary, KiB", 0);
pub(crate) static CRATES: Measure = Measure::new("crates", "crates in the tree", 0);
pub(crate) static SECONDS: Measure = Measure::new("build", "clean release build, s", 1);

pub(crate) static SIZE: Row = Row {
    name: "size",
    title: "Binary and tree",
    about: "`strip`; `cargo tree` without the program itself, build scripts and macros too. `hello` and `axum-hello` are \
            the ten-line example with default features and its twin with equal work; the others have all of their routes.",
    measures: &[&STRIPPED, &CRATES],
    plots: &[&STRIPPED],
    ci: true,
    take: size,
};

pub(crate) static BUILD: Row = Row {
    name: "build",
    title: "Clean release build",
    about: "Into an empty folder, on every processor, with the library's profile: fat LTO, one codegen unit.",
    measures: &[&SECONDS],
    plots: &[],
    ci: false,
    take: build,
};

const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");

fn size(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    for subject in bench.wanted(&ALL) {
        if matches!(subject.program, Program::Binary(_)) {
            figures.push(&STRIPPED, subject, stripped(bench, subject)?);
        }
    }
    for subject in [&HELLO, &AXUM_HELLO] {
        figures.push(&CRATES, subject, f64::from(crates_of(subject.name, "")?));
    }
    Ok(())
}

/// The size of its binary without symbols, in KiB.
pub(super) fn stripped(bench: &Bench, subject: &Subject) -> Outcome<f64> {
    let Program::Binary(binary) = subject.program else {
        return Err(format!("{} is no binary of this workspace", subject.name).into());
    };
    let stripped = bench.scratch(binary);
    let status = Command::new("strip").arg("-o").arg(&stripped).arg(bench.binary(binary)).status()?;
    if !status.success() {
        return Err(format!("strip {binary}: {status}").into());
    }
    Ok(f64::from(u32::try_from(fs::metadata(&stripped)?.len().div_ceil(1024))?))
}

/// All that is compiled of a package with these of its features, without the program itself.
pub(super) fn crates_of(package: &str, features: &str) -> Outcome<u32> {
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
    let output = cargo.args(["--package", package, "--features", features]).output()?;
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
fn build(_: &Bench, figures: &mut Figures) -> Outcome<()> {
    for subject in [&HELLO, &AXUM_HELLO] {
        let target = Path::new(WORKSPACE).with_file_name("target").join("clean").join(subject.name);
        let _ = fs::remove_dir_all(&target);
        let started = Instant::now();
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--release", "--locked", "--quiet", "--manifest-path", WORKSPACE]);
        let status = cargo.args(["--package", subject.name, "--target-dir"]).arg(&target).status()?;
        if !status.success() {
            return Err(format!("clean build of {}: {status}", subject.name).into());
        }
        figures.push(&SECONDS, subject, started.elapsed().as_secs_f64());
        fs::remove_dir_all(&target)?;
    }
    Ok(())
}
