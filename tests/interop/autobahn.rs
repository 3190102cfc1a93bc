//! The Autobahn test suite, as it comes. Its cases are in words in `tests/it/websocket_cases`.

use std::process::Command;

use serde_json::Value;

use crate::support::Launch;
use crate::tools::output;
use testkit::Folder;

#[test]
#[ignore = "needs a Python 2.7: FC_PYTHON27 names it, and .ci/run runs it with --ignored"]
fn every_case_of_the_suite_is_passed() {
    let server = Launch::contract().start();
    let report = Folder::new();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/autobahn.sh");
    let url = format!("ws://127.0.0.1:{}/ws", server.port);
    output(Command::new("timeout").args(["600", script, &url]).arg(report.path()));
    let index: Value = serde_json::from_str(&report.text("index.json")).unwrap();
    let cases = index["fc-runtime"].as_object().unwrap();
    assert!(cases.len() >= 297, "{} cases", cases.len());
    let is_good = |case: &Value, part: &str| matches!(case[part].as_str(), Some("OK" | "INFORMATIONAL"));
    let bad = cases.iter().filter(|(_, case)| !is_good(case, "behavior") || !is_good(case, "behaviorClose"));
    let bad: Vec<_> = bad.map(|(name, case)| format!("{name}: {case}")).collect();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    println!("{} cases, none failed, none less than strict", cases.len());
}
