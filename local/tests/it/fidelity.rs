//! `docs/fidelity.md` names tests that exist.

use std::path::Path;

/// `module::name` of every test, and `module::` of every module that has some.
fn tests() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut found = Vec::new();
    let folders = [("it", ""), ("ring", "ring::"), ("interop", "interop::")];
    for (folder, prefix) in folders.map(|(name, prefix)| (folder.join(name), prefix)) {
        let files = std::fs::read_dir(folder).unwrap().flatten();
        for file in files.filter(|file| file.path().extension().is_some_and(|ending| ending == "rs")) {
            let module = file.path().file_stem().unwrap().to_str().unwrap().to_owned();
            let text = std::fs::read_to_string(file.path()).unwrap();
            found.extend(tests_in(&text).map(|name| format!("{prefix}{module}::{name}")));
        }
    }
    tests_of_the_code(&folder.join("../src"), "src", &mut found);
    found
}

/// `src::room::file::name` of the tests beside the code.
fn tests_of_the_code(folder: &Path, prefix: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        if path.is_dir() {
            tests_of_the_code(&path, &format!("{prefix}::{name}"), found);
        } else if let Some(module) = name.strip_suffix(".rs") {
            let text = std::fs::read_to_string(path).unwrap();
            // A folder beside a file has the tests of that file.
            let of = if module == "tests" && prefix.matches("::").count() > 1 {
                prefix
            } else {
                &format!("{prefix}::{module}")
            };
            found.extend(tests_in(&text).map(|name| format!("{of}::{name}")));
        }
    }
}

/// The names of the tests in a file.
fn tests_in(text: &str) -> impl Iterator<Item = &str> {
    let marked = text.split("#[test]\n").skip(1).chain(text.split("#[tokio::test").skip(1));
    // Another attribute may stand in between.
    marked.map(|after| after.split_once("fn ").map_or("", |(_, behind)| behind.split('(').next().unwrap()))
}

/// The rows of the table below a heading.
fn rows<'d>(document: &'d str, heading: &str) -> Vec<&'d str> {
    let part = document.split("\n## ").find(|part| part.starts_with(heading)).unwrap();
    // The first one is the table's head.
    part.lines().filter(|line| line.starts_with("| ")).skip(1).collect()
}

fn document() -> String {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/fidelity.md");
    std::fs::read_to_string(document).unwrap()
}

#[test]
fn every_rule_of_asynchronous_calls_names_a_test_that_exists_or_a_reason() {
    let (document, tests) = (document(), tests());
    let rows = rows(&document, "Asynchronous calls, rule by rule");
    assert!(rows.len() > 35, "the table is not found: {} rows", rows.len());
    for row in rows {
        let cell = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let names = cell.split('`').skip(1).step_by(2).filter(|name| name.contains("::"));
        let known = |name: &str| match name.strip_suffix('*') {
            Some(start) => tests.iter().any(|test| test.starts_with(start)),
            None => tests.iter().any(|test| test == name || test.starts_with(&format!("{name}::"))),
        };
        for name in names.clone() {
            assert!(known(name), "`{name}` is no test: {row}");
        }
        let is_reason = cell.split_whitespace().filter(|word| !word.starts_with('`')).count() > 4;
        assert!(names.count() > 0 || is_reason, "neither test nor reason: {row}");
    }
}

#[test]
fn every_rule_names_a_test_that_exists() {
    let (text, tests) = (document(), tests());
    let rows = rows(&text, "Covered");
    let mut count = 0;
    for row in rows {
        count += 1;
        let cell = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let names: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test: {row}");
        for name in names {
            let is_there = match name.strip_suffix(['*', '…']) {
                Some(start) => tests.iter().any(|test| test.starts_with(start)),
                // A module stands for all its tests.
                None => tests.iter().any(|test| test == name || test.starts_with(&format!("{name}::"))),
            };
            assert!(is_there, "`{name}` is no test: {row}");
        }
    }
    assert!(count > 25, "the table is not found: {count} rows");
}

#[test]
fn only_functions_that_are_marked_are_tests() {
    let text = "fn helper() {}\n#[test]\n#[ignore]\nfn plain() {}\n#[tokio::test(start_paused)]\nasync fn waits() {}\nfn last() {}\n";
    assert_eq!(tests_in(text).collect::<Vec<_>>(), ["plain", "waits"]);
}
