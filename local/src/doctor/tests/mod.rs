//! Each rule has a manifest that shows exactly its finding, and a twin that shows none.

mod asked;
mod described;
mod documents;
mod programs;
mod written;

use std::collections::BTreeSet;

use testkit::Folder;

use super::examine::{Examination, judge};
use super::facts::{Facts, gather};
use super::rules;

/// A manifest at which there is nothing to find.
const GOOD: &str = "\
edition: 3.0.0
name: test
access: default
vars:
  region: cn-hangzhou
resources:
  web:
    component: fc3
    props:
      region: ${vars.region}
      functionName: web
      runtime: custom.debian12
      code: ./code
      timeout: 30
      instanceConcurrency: 20
      logConfig: auto
      customRuntimeConfig:
        port: 9000
        healthCheckConfig:
          httpGetUrl: /healthz
      instanceLifecycleConfig:
        initializer: {handler: x, timeout: 10}
        preStop: {handler: x, timeout: 5}
      environmentVariables:
        RUST_LOG: info
      triggers:
        - triggerName: http
          triggerType: http
          triggerConfig:
            authType: function
            methods: [GET, POST, OPTIONS]
";

/// The facts of the good manifest with parts of it replaced: pairs of what it has, and what it gets.
fn facts(folder: &Folder, replaced: &[(&str, &str)]) -> Facts {
    let mut text = GOOD.to_owned();
    for (from, to) in replaced {
        assert!(text.contains(from), "there is no `{from}` to replace");
        text = text.replacen(from, to, 1);
    }
    gather(&folder.write("s.yaml", &text), None, None, true).unwrap()
}

fn ids(examination: &Examination) -> Vec<&'static str> {
    examination.open().map(|found| found.rule.id).collect()
}

/// Checks that the facts show the rule alone.
#[track_caller]
fn check(facts: &Facts, id: &str) {
    let examination = judge(facts, &[]);
    let found: Vec<_> = examination.open().map(|found| (found.rule.id, &found.finding.text)).collect();
    assert!(!found.is_empty() && found.iter().all(|(own, _)| *own == id), "{id}: {found:?}");
    for found in examination.open() {
        let place = &found.finding.place;
        assert!(place.line > 0 && place.column > 0 && place.file.is_absolute(), "{place:?}");
    }
}

/// Checks that the facts show nothing.
#[track_caller]
fn check_none(facts: &Facts, what: &str) {
    let examination = judge(facts, &[]);
    let found: Vec<_> = examination.open().map(|found| (found.rule.id, &found.finding.text)).collect();
    assert!(found.is_empty(), "{what}: {found:?}");
}

#[test]
fn the_good_manifest_shows_nothing() {
    check_none(&facts(&Folder::new(), &[]), "the good manifest");
}

#[test]
fn each_rule_has_a_test_and_an_id_of_its_own() {
    let tested = written::ids().chain(asked::ids()).chain(described::ids()).chain(programs::ids());
    let tested: BTreeSet<&str> = tested.collect();
    let all: BTreeSet<&str> = rules::all().map(|rule| rule.id).collect();
    assert_eq!(tested, all);
    assert_eq!(rules::all().count(), all.len());
    for rule in rules::all() {
        assert!(rule.id.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", rule.id);
        let texts = [rule.title, rule.why, rule.source];
        assert!(texts.iter().all(|text| !text.is_empty() && !text.contains("  ")), "{}", rule.id);
        assert!(rule.title.ends_with('.') && rule.why.ends_with('.'), "{}", rule.id);
    }
}

#[test]
fn what_the_reader_says_is_not_said_twice() {
    let facts = facts(&Folder::new(), &[("RUST_LOG: info", "FC_LOG: info")]);
    assert_eq!(ids(&judge(&facts, &[])), ["reserved-variable"]);
}

#[test]
fn what_is_allowed_needs_a_reason() {
    let folder = Folder::new();
    for (comment, open) in [
        ("  # doctor: allow default-timeout: tried", vec![]),
        ("  # doctor: allow default-timeout tried", vec![]),
        ("  # doctor: allow no-log-config: tried", vec!["default-timeout"]),
        ("  # doctor: allow default-timeout", vec!["default-timeout", "allow-without-reason"]),
        ("  # doctor: allow there-is-none: tried", vec!["default-timeout", "allow-without-reason"]),
    ] {
        let name = "functionName: web";
        let same = format!("{name}{comment}");
        let above = format!("{}\n      {name}", comment.trim());
        for line in [same, above] {
            let facts = facts(&folder, &[("      timeout: 30\n", ""), (name, &line)]);
            let examination = judge(&facts, &[]);
            let mut found = ids(&examination);
            found.sort_by_key(|id| *id != "default-timeout");
            assert_eq!(found, open, "{line}");
        }
    }
}

#[test]
fn settings_allow_for_a_resource_and_for_the_file() {
    let folder = Folder::new();
    let allow = "x-local:\n  doctor:\n    allow:\n      default-timeout: tried\n";
    let indented = allow.replace('\n', "\n    ").trim_end().to_owned();
    for (from, to) in [
        ("resources:\n", format!("{allow}resources:\n")),
        ("    component: fc3\n", format!("    component: fc3\n    {indented}\n")),
    ] {
        let facts = facts(&folder, &[("      timeout: 30\n", ""), (from, &to)]);
        let examination = judge(&facts, &[]);
        assert_eq!(ids(&examination), [""; 0], "{to}");
        let reasons: Vec<_> = examination
            .found
            .iter()
            .filter_map(|found| found.allowed.as_ref().map(|allowed| allowed.reason.as_str()))
            .collect();
        assert_eq!(reasons, ["tried"]);
    }
    let facts = facts(&folder, &[("      timeout: 30\n", "")]);
    assert_eq!(ids(&judge(&facts, &["default-timeout".to_owned()])), [""; 0]);
}
