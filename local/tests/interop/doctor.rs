//! `fc-local doctor` beside an app of fc-runtime.

use testkit::{Folder, Launch};

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

/// What an app says of itself is compared with its manifest: hooks, and the path of the health check.
#[test]
#[ignore = "builds examples"]
fn an_app_tells_what_its_manifest_does_not_know() {
    let hooks = "initializer: {handler: x, timeout: 10}\n        preStop: {handler: x, timeout: 5}";
    let check = |app: &str, hooks: &str, health: &str, expected: &[&str]| {
        let folder = Folder::new();
        let lifecycle = if hooks.is_empty() {
            String::new()
        } else {
            format!("\n      instanceLifecycleConfig:\n        {hooks}")
        };
        folder.write("s.yaml", &MANIFEST.replace("@HOOKS@", &lifecycle).replace("@HEALTH@", health));
        let (app, manifest) = (example(app), folder.file("s.yaml"));
        let launch = Launch::new(program()).args(["doctor", "--json", "--binary", app.to_str().unwrap()]);
        let ended = launch.args([manifest]).run();
        let report: serde_json::Value =
            serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"));
        let found = report["findings"].as_array().unwrap().iter().map(|found| found["id"].as_str().unwrap());
        let rules = ["hook-not-configured", "hook-without-code", "health-path-not-answered"];
        let found: Vec<&str> = found.filter(|id| rules.contains(id)).collect();
        assert_eq!(found, expected, "{report:#}");
    };
    check("contract", hooks, "/healthz", &[]);
    check("contract", "", "/healthz", &["hook-not-configured", "hook-not-configured"]);
    check("hello", "", "/healthz", &[]);
    check("hello", hooks, "/healthz", &["hook-without-code", "hook-without-code"]);
    check("hello", "", "/alive", &["health-path-not-answered"]);
}

const MANIFEST: &str = "\
edition: 3.0.0
name: test
resources:
  web:
    component: fc3
    props:
      region: cn-hangzhou
      functionName: web
      runtime: custom.debian12
      code: ./code
      timeout: 60
      instanceConcurrency: 20
      logConfig: auto@HOOKS@
      customRuntimeConfig:
        port: 9000
        healthCheckConfig: {httpGetUrl: @HEALTH@}
      triggers:
        - triggerName: http
          triggerType: http
          triggerConfig:
            authType: function
            methods: [GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS]
";
