//! Findings as SARIF 2.1.0, the format in which code hosts read what tools find.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::doctor::examine::{Examination, Found};
use crate::doctor::finding::Rule;
use crate::doctor::rules;
use crate::shell::shown;

/// A log with one run.
pub(crate) fn sarif(examination: &Examination) -> Value {
    let all: Vec<&Rule> = rules::all().collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "fc-local doctor",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": all.iter().map(|rule| descriptor(rule)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications": examination
                    .left_out
                    .iter()
                    .map(|what| json!({"level": "note", "message": {"text": format!("not looked at: {what}")}}))
                    .collect::<Vec<_>>(),
            }],
            "results": examination.found.iter().map(|found| result(found, &all)).collect::<Vec<_>>(),
        }],
    })
}

fn descriptor(rule: &Rule) -> Value {
    let mut descriptor = json!({
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": format!("{}\n\nSource: {}", rule.why, rule.source)},
        "defaultConfiguration": {"level": rule.level.name()},
    });
    if let Some(at) = rule.source.find("https://") {
        descriptor["helpUri"] = rule.source[at..].into();
    }
    descriptor
}

fn result(found: &Found, all: &[&Rule]) -> Value {
    let Found { rule, finding, allowed } = found;
    let fix = if finding.fix.is_empty() { String::new() } else { format!("\n\n{}", finding.fix) };
    let mut location = json!({"physicalLocation": {
        "artifactLocation": {"uri": uri(&shown(&finding.place.file))},
        "region": {"startLine": finding.place.line, "startColumn": finding.place.column},
    }});
    if let Some(resource) = &finding.place.resource {
        location["logicalLocations"] = json!([{"name": resource, "kind": "resource"}]);
    }
    let mut result = json!({
        "ruleId": rule.id,
        "ruleIndex": all.iter().position(|own| own.id == rule.id),
        "level": rule.level.name(),
        "message": {"text": format!("{}{fix}", finding.text)},
        "locations": [location],
    });
    if let Some(allowed) = allowed {
        let kind = if allowed.is_in_source { "inSource" } else { "external" };
        let reason = &allowed.reason;
        result["suppressions"] = json!([{"kind": kind, "status": "accepted", "justification": reason}]);
    }
    result
}

/// A path as a reference: relative if it is, else of the scheme `file`.
fn uri(path: &str) -> String {
    let mut out = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing into a string cannot fail.
            _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn paths_are_references() {
        assert_eq!(uri("app/s.yaml"), "app/s.yaml");
        assert_eq!(uri("/my app/ä.yaml"), "file:///my%20app/%C3%A4.yaml");
    }
}
