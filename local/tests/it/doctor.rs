//! `fc-local doctor`, as its users call it. What each rule finds is tested beside the rules.

use std::path::{Path, PathBuf};

use serde_json::Value;
use testkit::program::Ended;
use testkit::{Folder, Launch};

use crate::harness::{Local, program, scripted};

const GOOD: &str = "\
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
      timeout: 30
      instanceConcurrency: 20
      logConfig: auto
      triggers:
        - triggerName: http
          triggerType: http
          triggerConfig:
            authType: function
            methods: [GET, POST]
";

fn doctor(folder: &Folder, arguments: &[&str]) -> Ended {
    let manifest = folder.file("s.yaml");
    Launch::new(program()).args(["doctor", manifest.to_str().unwrap()]).args(arguments).run()
}

/// Writes the good manifest with one part of it replaced.
fn write(folder: &Folder, from: &str, to: &str) {
    assert!(GOOD.contains(from));
    folder.write("s.yaml", &GOOD.replacen(from, to, 1));
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

/// The ids of the findings.
fn ids(report: &Value) -> Vec<&str> {
    report["findings"].as_array().unwrap().iter().map(|found| found["id"].as_str().unwrap()).collect()
}

#[test]
fn findings_have_place_reason_and_fix_for_people() {
    let folder = Folder::new();
    write(&folder, "      timeout: 30\n", "");
    let ended = doctor(&folder, &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let place = format!("{}:8:7: warning[default-timeout]: ", folder.file("s.yaml").display());
    assert!(ended.out.contains(&place), "{}", ended.out);
    assert!(ended.out.contains("\n    timeout: 60\n"), "{}", ended.out);
    assert!(ended.out.contains("1 warning; `fc-local doctor --explain ID`"), "{}", ended.out);
    assert!(ended.out.contains("not looked at: the running server: --start"), "{}", ended.out);
    folder.write("s.yaml", GOOD);
    let ended = doctor(&folder, &["--strict"]);
    assert!(ended.code == Some(0) && ended.out.ends_with("nothing found"), "{ended:?}");
}

#[test]
fn the_exit_code_says_whether_a_deployment_is_safe() {
    let folder = Folder::new();
    let reserved = "logConfig: auto\n      environmentVariables: {FC_A: b}";
    for (from, to, arguments, code) in [
        ("timeout: 30", "timeout: 30", vec!["--strict"], 0),
        ("timeout: 30", "description: x", vec![], 0),
        ("timeout: 30", "description: x", vec!["--strict"], 1),
        ("timeout: 30", "description: x", vec!["--strict", "--allow", "default-timeout"], 0),
        ("authType: function", "authType: anonymous", vec!["--strict"], 0),
        ("logConfig: auto", reserved, vec![], 1),
        ("logConfig: auto", reserved, vec!["--allow", "reserved-variable"], 0),
        ("timeout: 30", "timeout: soon", vec![], 1),
        ("edition: 3.0.0", "edition: [", vec![], 1),
        ("timeout: 30", "timeout: 30", vec!["--function", "other"], 2),
        ("timeout: 30", "timeout: 30", vec!["--allow", "there-is-none"], 2),
        ("timeout: 30", "timeout: 30", vec!["--explain", "there-is-none"], 2),
    ] {
        write(&folder, from, to);
        let ended = doctor(&folder, &arguments);
        assert_eq!(ended.code, Some(code), "{to} {arguments:?}: {ended:?}");
    }
    let ended = Launch::new(program()).args(["doctor", "/there/is/none.yaml"]).run();
    assert!(ended.code == Some(1) && ended.out.contains("error[manifest]"), "{ended:?}");
}

#[test]
fn programs_get_json() {
    let folder = Folder::new();
    write(&folder, "timeout: 30", "description: x # doctor: allow no-log-config: tried");
    let ended = doctor(&folder, &["--json"]);
    let report = json(&ended);
    assert_eq!((&report["errors"], &report["warnings"]), (&0.into(), &1.into()));
    let found = &report["findings"][0];
    assert_eq!((&found["id"], &found["level"]), (&"default-timeout".into(), &"warning".into()));
    assert_eq!((&found["line"], &found["column"]), (&8.into(), &7.into()));
    assert_eq!((&found["resource"], &found["fix"]), (&"web".into(), &"timeout: 60".into()));
    assert!(found["source"].as_str().unwrap().contains("https://") && found["allowed"].is_null());
}

#[test]
fn code_hosts_get_sarif() {
    let folder = Folder::new();
    write(&folder, "timeout: 30", "description: x");
    let launch = Launch::new(program()).args(["doctor", "--format", "sarif", "--allow", "default-timeout"]);
    let ended = launch.folder(folder.path()).run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let log = json(&ended);
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "fc-local doctor");
    let result = &run["results"][0];
    assert_eq!(result["ruleId"], "default-timeout");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "s.yaml", "relative, as a code host needs it");
    assert_eq!(place["region"]["startLine"], 8);
    assert_eq!(result["suppressions"][0]["kind"], "external");
}

#[test]
fn rules_explain_themselves() {
    let list = Launch::new(program()).args(["doctor", "--list"]).run();
    let ids: Vec<&str> = list.out.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(list.code == Some(0) && ids.len() > 50, "{list:?}");
    for id in ids {
        let ended = Launch::new(program()).args(["doctor", "--explain", id]).run();
        let has_parts =
            ["\nSource: ", "\nAllow:  # doctor: allow "].iter().all(|part| ended.out.contains(part));
        assert!(ended.code == Some(0) && ended.out.starts_with(id) && has_parts, "{ended:?}");
    }
}

/// The scripted function answers any path with 200, and hooks too.
#[test]
fn a_function_is_started_and_asked() {
    let folder = scripted();
    let health =
        "timeout: 30\n      customRuntimeConfig: {healthCheckConfig: {httpGetUrl: \"/status?code=404\"}}";
    write(&folder, "timeout: 30", health);
    let report = json(&doctor(&folder, &["--start", "--json"]));
    assert_eq!(ids(&report), ["does-not-start"], "{report:#}");
    let told = report["findings"][0]["message"].as_str().unwrap();
    assert!(told.contains("/status?code=404"), "{told}");
    let hooks =
        "timeout: 30\n      instanceLifecycleConfig: {initializer: {handler: x}, preStop: {handler: x}}";
    write(&folder, "timeout: 30", hooks);
    let report = json(&doctor(&folder, &["--start", "--json"]));
    assert_eq!(
        (&report["errors"], &report["notLookedAt"]),
        (&0.into(), &serde_json::json!([])),
        "{report:#}"
    );
}

#[test]
fn a_program_that_does_not_start_is_told_with_its_words() {
    let folder = Folder::new();
    let file = folder.write("other/program", "#!/bin/sh\necho there is no database >&2\nexit 3\n");
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    folder.write("s.yaml", GOOD);
    let report = json(&doctor(&folder, &["--json", "--binary", file.to_str().unwrap()]));
    assert_eq!(ids(&report), ["does-not-start"], "{report:#}");
    let told = report["findings"][0]["message"].as_str().unwrap();
    assert!(told.contains("there is no database"), "{told}");
    let report = json(&doctor(&folder, &["--json", "--no-start", "--binary", file.to_str().unwrap()]));
    assert_eq!(ids(&report), [""; 0], "{report:#}");
}

#[test]
fn a_server_that_runs_is_asked() {
    let folder = scripted();
    let health = "authType: anonymous\n            disableURLInternet: false";
    write(&folder, "authType: function", health);
    let local = Local::start(folder, &[]);
    let address = format!("http://web.localhost:{}", local.main_port());
    let report = json(&doctor(&local.folder, &["--json", "--server", &address]));
    // What the gateway adds of CORS and of names is not taken for the function's own.
    assert_eq!(ids(&report), ["anonymous-trigger"], "{report:#}");
    let report = json(&doctor(&local.folder, &["--json", "--server", "http://127.0.0.1:1"]));
    assert_eq!(ids(&report), ["does-not-start", "anonymous-trigger"], "{report:#}");
}

#[test]
fn dev_counts_the_errors_of_its_manifest() {
    let folder = scripted();
    write(&folder, "timeout: 30", "timeout: 30\n      description: \"{{ text }}\"");
    let local = Local::start(folder, &[]);
    let told = local.wait_for(testkit::events::kind("doctor_findings").has("errors"));
    assert_eq!(told["errors"], 1);
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every manifest of the repository, the marks of templates replaced by their defaults.
#[test]
fn examples_and_templates_are_clean() {
    let folders = |name: &str| {
        let entries = std::fs::read_dir(root().join(name)).unwrap();
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
    };
    let templates = folders("templates").map(|path| path.join("src/s.yaml"));
    let examples = folders("examples").map(|path| path.join("s.yaml"));
    let manifests: Vec<PathBuf> = [root().join("s.yaml")]
        .into_iter()
        .chain(examples)
        .chain(templates)
        .filter(|file| file.is_file())
        .collect();
    assert!(manifests.len() >= 4, "{manifests:?}");
    for manifest in manifests {
        let folder = Folder::new();
        let mut text = std::fs::read_to_string(&manifest).unwrap();
        while let Some(((before, rest), name)) = text.split_once("{{").and_then(|(before, rest)| {
            let (name, rest) = rest.split_once("}}")?;
            Some(((before, rest), name.trim().to_owned()))
        }) {
            let value = match name.as_str() {
                "region" => "cn-hangzhou",
                "memorySize" => "512",
                "access" => "default",
                _ => "web",
            };
            text = format!("{before}{value}{rest}");
        }
        folder.write("s.yaml", &text);
        let ended = doctor(&folder, &["--strict"]);
        assert_eq!(ended.code, Some(0), "{}: {}", manifest.display(), ended.out);
    }
}
