//! The rules in the document, and the forms of a report.

use std::path::Path;

use testkit::Folder;

use super::facts;
use crate::doctor::examine::judge;
use crate::doctor::report;

const MARKS: [&str; 2] = ["<!-- rules: written by a test -->\n", "<!-- end of rules -->"];

/// `DOCTOR_DOC=overwrite cargo test -p fc-local --lib doctor::` writes the chapter anew.
#[test]
fn the_document_has_the_rules_as_they_are() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/doctor.md");
    let text = std::fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once(MARKS[0]).unwrap();
    let (chapter, after) = rest.split_once(MARKS[1]).unwrap();
    let expected = report::document();
    if crate::shell::variable("DOCTOR_DOC").is_some_and(|value| value == "overwrite") {
        std::fs::write(file, format!("{before}{}{expected}{}{after}", MARKS[0], MARKS[1])).unwrap();
        return;
    }
    assert!(chapter == expected, "docs/doctor.md has other rules: DOCTOR_DOC=overwrite writes them anew");
}

/// What SARIF 2.1.0 asks of the parts that are written here.
#[test]
fn a_log_of_sarif_has_its_parts() {
    let facts = facts(
        &Folder::new(),
        &[
            ("timeout: 30", "description: x"),
            ("logConfig: auto", "handler: x # doctor: allow no-log-config: no"),
        ],
    );
    let log = report::sarif(&judge(&facts, &["default-timeout".to_owned()]));
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2, "{results:#?}");
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        assert!(place["region"]["startLine"].as_u64() >= Some(1));
        assert!(place["artifactLocation"]["uri"].as_str().unwrap().ends_with("s.yaml"));
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
    }
    let allowed = results.iter().find(|result| result["ruleId"] == "default-timeout").unwrap();
    assert_eq!(allowed["suppressions"][0]["kind"], "external");
}

#[test]
fn a_report_steers_no_terminal() {
    let facts = facts(&Folder::new(), &[("RUST_LOG: info", "\"FC_\\e[31m\": info")]);
    let text = report::text(&judge(&facts, &[]), false);
    assert!(text.contains("FC_") && !text.contains('\u{1b}'), "{text:?}");
}
