//! The rules: pure functions of the facts, by subject.

mod alb;
mod asynchronous;
mod container;
mod cors;
mod deploy_tool;
mod environment;
mod handlers;
mod health;
mod hooks;
mod logs;
mod manifest;
mod package;
mod pages;
mod program;
mod runtime;
mod sources;
mod times;
mod triggers;

pub(super) use manifest::{MANIFEST, VALUE_LOST};

use super::finding::Rule;

/// All rules, by subject.
const SUBJECTS: [(&str, &[Rule]); 17] = [
    ("The file itself", manifest::RULES),
    ("Time-outs and concurrency", times::RULES),
    ("Health checks", health::RULES),
    ("Hooks", hooks::RULES),
    ("Triggers and who may call", triggers::RULES),
    ("Handlers", handlers::RULES),
    ("CORS", cors::RULES),
    ("Pages and replies", pages::RULES),
    ("Asynchronous calls", asynchronous::RULES),
    ("Variables and secrets", environment::RULES),
    ("Logs", logs::RULES),
    ("The code package", package::RULES),
    ("The program", program::RULES),
    ("The running server", runtime::RULES),
    ("Containers", container::RULES),
    ("Behind a load balancer", alb::RULES),
    ("The deployment tool", deploy_tool::RULES),
];

/// The subjects with their rules.
pub(super) fn subjects() -> impl Iterator<Item = (&'static str, &'static [Rule])> {
    SUBJECTS.into_iter()
}

/// All rules, in the order of their subjects.
pub(crate) fn all() -> impl Iterator<Item = &'static Rule> {
    subjects().flat_map(|(_, rules)| rules)
}

/// The rule of that id.
pub(crate) fn find(id: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.id == id)
}
