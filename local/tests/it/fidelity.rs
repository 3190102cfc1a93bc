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
            let functions = text.split("#[test]\n").skip(1);
            found.extend(functions.map(|after| {
                // An attribute may stand in between.
                let name = after.split_once("fn ").unwrap().1.split('(').next().unwrap();
                format!("{prefix}{module}::{name}")
            }));
        }
    }
    found
}

#[test]
fn every_rule_names_a_test_that_exists() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/fidelity.md");
    let text = std::fs::read_to_string(document).unwrap();
    let covered = text.split("\n## ").find(|part| part.starts_with("Covered")).unwrap();
    let tests = tests();
    // The first one is the table's head.
    let rows = covered.lines().filter(|line| line.starts_with("| ")).skip(1);
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
