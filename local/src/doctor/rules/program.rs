//! The program that the platform starts.

use super::sources::{RUNTIMES, STARTS, TOOL_RUN};
use crate::doctor::facts::{Facts, Function, Program, ProgramKind};
use crate::doctor::finding::{Finding, Level, Place, Rule};
use crate::package::{has_library, image_of};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "program-missing",
        level: Level::Error,
        title: "The program is in the code package.",
        why: "The platform starts `command`, or `/code/bootstrap` without one. Where there is none, calls get 412 \
              `CAFileNotFound`.",
        source: STARTS,
        check: missing,
    },
    Rule {
        id: "program-not-executable",
        level: Level::Error,
        title: "The program may be executed.",
        why: "Without the right to execute it calls get 412 `CAFilePermission`. The deployment tool sets it for a file called \
              `bootstrap` at the top of the code folder, and for no other.",
        source: TOOL_RUN,
        check: not_executable,
    },
    Rule {
        id: "program-wrong-kind",
        level: Level::Error,
        title: "The program is one for Linux, or a script.",
        why: "The platform starts programs for Linux on x86-64 (ELF), and scripts whose first line is `#!` and an \
              interpreter. Anything else ends with \"exec format error\". A carriage return behind the interpreter, as \
              editors on Windows write it, makes its name one that does not exist.",
        source: STARTS,
        check: wrong_kind,
    },
    Rule {
        id: "wrong-architecture",
        level: Level::Error,
        title: "The program is for x86-64.",
        why: "Instances have processors of x86-64 alone. A program that was built on an ARM machine, such as a Mac of today, \
              ends with \"exec format error\". Build with `--target x86_64-unknown-linux-musl`.",
        source: RUNTIMES,
        check: wrong_architecture,
    },
    Rule {
        id: "glibc-too-new",
        level: Level::Error,
        title: "The program's C library is no newer than the image's.",
        why: "The images have glibc 2.24 (`custom`), 2.28 (`custom.debian10`), 2.31 (`custom.debian11`) and 2.36 \
              (`custom.debian12`). A program built on a newer system ends at its start with \"version `GLIBC_…' not found\". \
              `fc-local package` builds for the \
              image of `runtime`; a program for musl links no glibc at all.",
        source: RUNTIMES,
        check: glibc_too_new,
    },
    Rule {
        id: "library-missing",
        level: Level::Error,
        title: "The libraries that the program links are in the image or in the package.",
        why: "The images have the C library and what belongs to it. Others, such as OpenSSL's, are of some version or not \
              there. Link statically: rustls in place of OpenSSL, the `bundled` feature of SQLite; or put the library into \
              `lib` of the code folder and set `LD_LIBRARY_PATH: /code/lib`.",
        source: STARTS,
        check: library_missing,
    },
    Rule {
        id: "panic-aborts",
        level: Level::Warning,
        title: "A panic ends one call, not the instance.",
        why: "With `panic = \"abort\"` a panic in one handler ends the process, and with it all calls of the instance: each \
              gets 502. fc-runtime makes a 500 of a panic, if the program unwinds.",
        source: "fc-runtime, What happens to a panic: README.md",
        check: panic_aborts,
    },
];

/// The functions whose programs are known, with a place for what is found in the program.
fn programs(facts: &Facts) -> impl Iterator<Item = (&Function, &Program, Place)> {
    facts.functions.iter().filter(|function| !function.is_container()).filter_map(|function| {
        let place = match function.get(&["customRuntimeConfig", "command"]) {
            Some(_) => facts.key(function, &["customRuntimeConfig", "command"]),
            None => facts.key(function, &["code"]),
        };
        Some((function, function.program.as_ref()?, place))
    })
}

/// Findings about the programs of which `tell` has something to say: what is wrong, and what to do.
fn each(facts: &Facts, tell: impl Fn(&Function, &Program) -> Option<(String, String)>) -> Vec<Finding> {
    let found = programs(facts).filter_map(|(function, program, place)| {
        let (text, fix) = tell(function, program)?;
        Some(Finding::new(place, text, fix))
    });
    found.collect()
}

fn missing(facts: &Facts) -> Vec<Finding> {
    each(facts, |_, program| {
        let is_missing = program.kind == ProgramKind::Missing;
        is_missing.then(|| {
            let text = format!("there is no {}", facts.shown(&program.file));
            (text, "install -D target/x86_64-unknown-linux-musl/release/NAME dist/bootstrap".to_owned())
        })
    })
}

fn not_executable(facts: &Facts) -> Vec<Finding> {
    each(facts, |_, program| {
        let is_set = program.is_executable || program.below.as_deref() == Some("bootstrap");
        let is_there = program.kind != ProgramKind::Missing;
        (is_there && !is_set && program.below.is_some()).then(|| {
            let text = format!("{} may not be executed", facts.shown(&program.file));
            (text, format!("chmod 755 {}", facts.shown(&program.file)))
        })
    })
}

fn wrong_kind(facts: &Facts) -> Vec<Finding> {
    each(facts, |_, program| match &program.kind {
        ProgramKind::Unknown => Some((
            format!("{} is neither a program for Linux nor a script", facts.shown(&program.file)),
            "#!/bin/sh".to_owned(),
        )),
        ProgramKind::Script { interpreter, has_carriage_return: true } => Some((
            format!("a carriage return stands behind `{interpreter}` in {}", facts.shown(&program.file)),
            format!("sed -i 's/\\r$//' {}", facts.shown(&program.file)),
        )),
        _ => None,
    })
}

fn wrong_architecture(facts: &Facts) -> Vec<Finding> {
    each(facts, |_, program| {
        let is_other = matches!(program.kind, ProgramKind::Elf { is_x86_64: false, .. });
        is_other.then(|| {
            let text =
                format!("{} is for another processor; instances are x86-64", facts.shown(&program.file));
            (text, "cargo build --release --target x86_64-unknown-linux-musl".to_owned())
        })
    })
}

fn glibc_too_new(facts: &Facts) -> Vec<Finding> {
    each(facts, |function, program| {
        let ProgramKind::Elf { is_x86_64: true, glibc: Some(needed), .. } = &program.kind else {
            return None;
        };
        let runtime = function.text(&["runtime"])?;
        let there = image_of(runtime)?.glibc;
        (*needed > there).then(|| {
            let text =
                format!("{} needs glibc {needed}; `{runtime}` has {there}", facts.shown(&program.file));
            (text, "fc-local package".to_owned())
        })
    })
}

fn library_missing(facts: &Facts) -> Vec<Finding> {
    each(facts, |function, program| {
        let ProgramKind::Elf { is_x86_64: true, libraries, .. } = &program.kind else { return None };
        let packed = function.code.as_ref().map(|code| code.libraries.as_slice()).unwrap_or_default();
        let has_layers = function.has("layers");
        let is_missing = |name: &&String| !has_library(name) && !packed.contains(name) && !has_layers;
        let missing: Vec<&str> = libraries.iter().filter(is_missing).map(String::as_str).collect();
        (!missing.is_empty()).then(|| {
            let text = format!(
                "{} links {}, which neither the image promises nor the package has",
                facts.shown(&program.file),
                missing.join(", ")
            );
            (text, "link statically, or pack the library".to_owned())
        })
    })
}

fn panic_aborts(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for profile in &facts.profiles {
        let Some((line, _)) = profile.panic.as_ref().filter(|(_, panic)| panic == "abort") else { continue };
        let text = "a panic in one handler ends the process, and with it every call of the instance";
        found.push(Finding::new(profile.manifest.place(*line, "panic", None), text, "panic = \"unwind\""));
    }
    found
}
