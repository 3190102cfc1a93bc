//! What a project allows, with its reasons.

use super::facts::{Facts, Text};
use super::finding::{Finding, Place, Rule};
use super::rules;
use crate::manifest::{Node, Value};

/// One permission.
#[derive(Debug)]
pub(super) struct Allow {
    id: String,
    pub(super) reason: String,
    pub(super) place: Place,
    scope: Scope,
}

/// What a permission is for.
#[derive(Debug, PartialEq)]
enum Scope {
    File,
    Resource,
    Line(usize),
}

const COMMENT: &str = "# doctor: allow ";

impl Allow {
    /// Why the permission permits nothing, if so.
    pub(super) fn mistake(&self) -> Option<String> {
        if rules::find(&self.id).is_none() {
            return Some(format!("there is no rule `{}`; `fc-local doctor --list` has all", self.id));
        }
        self.reason.is_empty().then(|| format!("`{}` is allowed without a reason, so it is not", self.id))
    }

    /// Whether the finding is allowed.
    pub(super) fn covers(&self, rule: &Rule, finding: &Finding) -> bool {
        let is_there = match self.scope {
            Scope::File => true,
            Scope::Resource => self.place.resource.is_some() && self.place.resource == finding.place.resource,
            Scope::Line(line) => self.place.file == finding.place.file && line == finding.place.line,
        };
        is_there && self.id == rule.id && self.mistake().is_none()
    }
}

/// All permissions of a project.
pub(super) fn of(facts: &Facts) -> Vec<Allow> {
    let mut found = Vec::new();
    let texts = facts.profiles.iter().map(|profile| &profile.manifest).chain(&facts.scripts);
    for text in texts.chain([&facts.manifest]) {
        comments(text, &mut found);
    }
    if let Some(root) = &facts.raw {
        settings(facts, root, None, &mut found);
        for entry in root.child("resources").map(Node::entries).unwrap_or_default() {
            settings(facts, &entry.node, Some(&entry.key), &mut found);
        }
    }
    found
}

/// `x-local.doctor.allow`: a map of ids and reasons.
fn settings(facts: &Facts, owner: &Node, resource: Option<&str>, found: &mut Vec<Allow>) {
    let allow = owner.child("x-local").and_then(|local| local.child("doctor")?.child("allow"));
    let Some(allow) = allow else { return };
    let mut push = |id: String, line: usize, reason: String| {
        let scope = if resource.is_some() { Scope::Resource } else { Scope::File };
        let place = facts.manifest.place(line, &id, resource);
        found.push(Allow { id, reason, place, scope });
    };
    match &allow.value {
        Value::Map(entries) => {
            for entry in entries {
                push(entry.key.clone(), entry.line, entry.node.scalar().unwrap_or_default());
            }
        }
        Value::List(items) => items.iter().for_each(|item| {
            push(item.scalar().unwrap_or_default(), item.line, String::new());
        }),
        _ => push(allow.to_text(), allow.line, String::new()),
    }
}

/// Comments on a line, or above one.
fn comments(text: &Text, found: &mut Vec<Allow>) {
    let mut above: Vec<Allow> = Vec::new();
    for (number, line) in text.lines() {
        let is_comment = line.trim_start().starts_with('#');
        if let Some((_, rest)) = line.split_once(COMMENT) {
            let end = rest.find([':', ' ']).unwrap_or(rest.len());
            let allow = Allow {
                id: rest[..end].to_owned(),
                reason: rest[end..].trim_start_matches([':', ' ']).trim().to_owned(),
                place: text.place(number, COMMENT, None),
                scope: Scope::Line(number),
            };
            if is_comment { above.push(allow) } else { found.push(allow) }
        }
        if !is_comment && !line.trim().is_empty() {
            found.extend(above.drain(..).map(|allow| Allow { scope: Scope::Line(number), ..allow }));
        }
    }
    found.append(&mut above);
}
