//! `fc-local doctor` beside an app of fc-runtime.

use testkit::Launch;

use super::{example, root};
use crate::harness::program;

/// The app is started with its hooks, its health check and its memory, and asked by HTTP and gRPC.
#[test]
#[ignore = "builds an example"]
fn an_app_and_its_manifest_are_clean() {
    let app = example("contract");
    let launch = Launch::new(program()).args(["doctor", "--strict", "--json", "--function", "contract"]);
    let launch = launch.args(["--binary", app.to_str().unwrap()]).args([root().join("s.yaml")]);
    let ended = launch.run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    let findings = report["findings"].as_array().unwrap();
    assert!(findings.iter().all(|found| found["allowed"].is_string()), "{report:#}");
    assert_eq!(report["notLookedAt"], serde_json::json!([]), "{report:#}");
}
