//! The steps that build the code: `actions` of the file and of its resources.

use std::path::Path;

use super::expression;
use super::node::{self, Entry, Node, Value};
use super::problem::Problem;
use crate::model::Action;

/// The phases in which the deployment tool runs steps.
const PHASES: [&str; 5] = ["pre", "success", "fail", "complete", "post"];

/// The build steps of `pre-local`. Without `pre-local`, the build steps of `pre-deploy`.
///
/// `owner` is the file or a resource, with its expressions replaced. `skipped` gets a note for each step that only the
/// deployment tool runs.
pub(super) fn read(
    owner: &Node,
    folder: &Path,
    problems: &mut Vec<Problem>,
    skipped: &mut Vec<Problem>,
) -> Vec<Action> {
    let Some(actions) = owner.child("actions") else { return Vec::new() };
    let Value::Map(entries) = &actions.value else {
        let text = format!("`actions` must be a map of hooks but is {}", actions.kind());
        problems.push(Problem::error(actions.line, text));
        return Vec::new();
    };
    for entry in entries {
        check(entry, problems);
    }
    let of =
        |command| -> Vec<&Entry> { entries.iter().filter(|entry| is_pre(&entry.key, command)).collect() };
    let (command, chosen) = match of("local") {
        chosen if chosen.is_empty() => ("deploy", of("deploy")),
        chosen => ("local", chosen),
    };
    let steps = chosen.into_iter().flat_map(|entry| node::items(&entry.node));
    steps.filter_map(|item| step(item, owner, command, folder, problems, skipped)).collect()
}

fn is_pre(key: &str, command: &str) -> bool {
    expression::action(key, command).is_ok_and(|(phase, is_for)| phase == "pre" && is_for)
}

/// Parses a hook's key.
fn check(entry: &Entry, problems: &mut Vec<Problem>) {
    match expression::action(&entry.key, "deploy") {
        Err(text) => problems.push(Problem::error(entry.line, text)),
        Ok((phase, _)) if !PHASES.contains(&phase) || !entry.key.contains('-') => {
            let meant = entry.key.replace('_', "-");
            let is_typo = PHASES.iter().any(|phase| meant.starts_with(&format!("{phase}-")));
            let hint = if is_typo {
                format!("write `{meant}`")
            } else {
                "there are pre-, success-, fail- and complete-, each with a command behind it".to_owned()
            };
            let text = format!("`{}` is no hook, so its steps never run: {hint}", entry.key);
            problems.push(Problem::error(entry.line, text));
        }
        Ok(_) => {}
    }
}

fn step(
    item: &Node,
    owner: &Node,
    command: &str,
    folder: &Path,
    problems: &mut Vec<Problem>,
    skipped: &mut Vec<Problem>,
) -> Option<Action> {
    let Some(run) = item.child("run").filter(|run| run.is_true()) else {
        let of_the_tool = ["plugin", "component"]
            .into_iter()
            .find_map(|key| Some((key, item.child(key).filter(|child| child.is_true())?)));
        match of_the_tool {
            Some((key, child)) => skipped.push(Problem::note(item.line, left_out(key, child))),
            None => problems.push(match item.child("run") {
                Some(run) => Problem::error(
                    run.line,
                    format!(
                        "`run` must be a command but is {}: leave the step out if it is not to run",
                        run.kind()
                    ),
                ),
                None => Problem::error(item.line, "a step needs `run`, `plugin` or `component`"),
            }),
        }
        return None;
    };
    let Some(run) = run.scalar() else {
        problems.push(Problem::error(run.line, format!("`run` must be text but is {}", run.kind())));
        return None;
    };
    let path = item.child("path").and_then(Node::scalar).unwrap_or_default();
    // The resource's own setting takes precedence, even `false`.
    let allowed = owner.child("allow_failure").or_else(|| item.child("allow_failure"));
    Some(Action {
        run,
        folder: folder.join(path),
        line: item.line,
        may_fail: allowed.is_some_and(|allowed| is_allowed(allowed, command)),
    })
}

/// What is said of a step that only the deployment tool runs.
fn left_out(key: &str, child: &Node) -> String {
    let name = child.scalar().unwrap_or_default();
    let instead = if key == "component" && name.split_whitespace().nth(1) == Some("build") {
        "run `s build` before, or write the commands that install the packages"
    } else {
        "run it before, or write commands that do the same"
    };
    format!(
        "the step `{key}: {name}` is not run: the deployment tool runs it. If the code needs what it makes, {instead} in x-local.build"
    )
}

/// Whether a failed `run` step of the command is ignored.
fn is_allowed(allowed: &Node, command: &str) -> bool {
    /// The status that the tool gives a failed step.
    const STATUS: i64 = 101;
    if let Value::Bool(value) = allowed.value {
        return value;
    }
    let of = |key| allowed.child(key).map(node::items);
    let is_status = of("exit_code").map(|codes| codes.iter().any(|code| code.value == Value::Int(STATUS)));
    let is_command = of("command").map(|names| names.iter().any(|name| name.as_text() == Some(command)));
    (is_status.is_some() || is_command.is_some()) && is_status.unwrap_or(true) && is_command.unwrap_or(true)
}
