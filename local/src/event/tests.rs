//! Every kind has a sentence and fields, and docs/fc-local.md lists both.

mod account;
mod alb;
mod faults;
mod programs;
mod queue;
mod samples;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::SystemTime;

use super::*;
use crate::failure::Failure;
use samples::samples;

/// What every line may have besides the fields of its kind.
const COMMON: [&str; 8] = ["time", "function", "instance", "request", "versionId", "kind", "level", "text"];

fn event(kind: Kind) -> Event {
    let request = Some("1-a".into());
    Event { time: SystemTime::UNIX_EPOCH, function: None, instance: None, request, version: None, kind }
}

#[test]
fn every_kind_has_its_sentence() {
    let mut sampled = BTreeSet::new();
    for (kind, text) in samples() {
        sampled.insert(kind.name());
        assert_eq!(event(kind).text(), text);
    }
    let names: BTreeSet<_> = Kind::NAMES.iter().copied().collect();
    assert_eq!(sampled, names, "a sample for each kind");
    assert_eq!(names.len(), Kind::NAMES.len(), "no name twice");
}

/// Level and fields of each kind, as the table of the guide has them.
fn documented() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let guide = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/fc-local.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let begin = guide.find("| kind | level | fields | when |").expect("the table of kinds");
    let rows = guide[begin..].lines().skip(2).take_while(|line| line.starts_with('|'));
    let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<_>>();
    rows.map(|row| {
        let cells: Vec<&str> = row.split(" | ").map(|cell| cell.trim_matches(['|', ' ', '`'])).collect();
        let [kind, level, _, _] = cells[..] else { panic!("four cells: {row}") };
        let fields = row.split(" | ").nth(2).unwrap();
        (kind.to_owned(), (level.to_owned(), quoted(fields)))
    })
    .collect()
}

#[test]
fn the_guide_lists_every_kind_with_its_level_and_fields() {
    let mut seen: BTreeMap<String, (BTreeSet<&str>, BTreeSet<String>)> = BTreeMap::new();
    for (kind, _) in samples() {
        let (levels, fields) = seen.entry(kind.name().to_owned()).or_default();
        levels.insert(kind.level().name());
        let all = event(kind).fields();
        fields.extend(all.keys().filter(|name| !COMMON.contains(&name.as_str())).cloned());
    }
    let documented = documented();
    for (kind, (levels, fields)) in &seen {
        let (level, listed) = documented.get(kind).unwrap_or_else(|| panic!("{kind} is not listed"));
        assert_eq!(fields, listed, "the fields of {kind}");
        if levels.len() == 1 {
            assert!(levels.contains(level.as_str()), "the level of {kind}");
        }
    }
    assert_eq!(documented.keys().collect::<Vec<_>>(), seen.keys().collect::<Vec<_>>());
}

#[test]
fn a_line_says_what_it_belongs_to() {
    let event = Event {
        function: Some("f".into()),
        instance: Some("c-1".into()),
        version: Some(3),
        ..event(Kind::InstanceOverMemory { memory_bytes: 5, limit_mib: 128 })
    };
    let expected = serde_json::json!({
        "function": "f", "instance": "c-1", "request": "1-a", "versionId": "3", "kind": "instance_over_memory", "level": "error",
        "memoryBytes": 5, "limitMiB": 128, "text": "killed: it used 0.00 MiB of 128 MiB",
    });
    assert_eq!(serde_json::Value::Object(event.fields()), expected);
}
