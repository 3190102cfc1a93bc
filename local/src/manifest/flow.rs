//! `flow`: which resources a deployment takes. The order has no effect here.

use super::expression;
use super::node::{self, Node, Value};
use super::problem::Problem;

/// Looks at the flow of `deploy`, of a file whose expressions are replaced.
pub(super) fn check(root: &Node, problems: &mut Vec<Problem>) {
    let (Some(flow), Some(resources)) = (root.child("flow"), root.child("resources")) else { return };
    let mut chosen = None;
    for entry in flow.entries() {
        match expression::is_match(&entry.key, "deploy") {
            Ok(true) if chosen.is_none() => chosen = Some(entry),
            Ok(_) => {}
            Err(text) => problems.push(Problem::error(entry.line, text)),
        }
    }
    let Some(chosen) = chosen else { return };
    let mut named: Vec<String> = Vec::new();
    for stage in node::items(&chosen.node) {
        if !matches!(stage.value, Value::List(_)) {
            let text = "each stage of a flow is a list of resources: write `- [name]`";
            problems.push(Problem::error(stage.line, text));
            return;
        }
        for item in node::items(stage) {
            let name = item.scalar().unwrap_or_default();
            if resources.entry(&name).is_none() {
                let text = format!("the flow names `{name}`, but there is no such resource");
                problems.push(Problem::error(item.line, text));
            }
            named.push(name);
        }
    }
    for entry in resources.entries().iter().filter(|entry| !named.contains(&entry.key)) {
        let text = format!(
            "`s deploy` leaves `{}` out: the flow on line {} does not name it",
            entry.key, chosen.line
        );
        problems.push(Problem::note(entry.line, text));
    }
}
