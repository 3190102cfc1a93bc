//! Findings for programs.

use serde_json::{Value, json as object};

use crate::doctor::examine::{Examination, Found};
use crate::doctor::finding::Level;
use crate::shell::shown;

/// All findings, those that are allowed among them.
pub(crate) fn json(examination: &Examination) -> Value {
    object!({
        "findings": examination.found.iter().map(one).collect::<Vec<_>>(),
        "errors": examination.count(Level::Error),
        "warnings": examination.count(Level::Warning),
        "notes": examination.count(Level::Note),
        "notLookedAt": examination.left_out,
    })
}

fn one(found: &Found) -> Value {
    let Found { rule, finding, allowed } = found;
    object!({
        "id": rule.id,
        "level": rule.level.name(),
        "message": finding.text,
        "file": shown(&finding.place.file),
        "line": finding.place.line,
        "column": finding.place.column,
        "resource": finding.place.resource,
        "fix": finding.fix,
        "source": rule.source,
        "allowed": allowed.as_ref().map(|allowed| &allowed.reason),
    })
}
