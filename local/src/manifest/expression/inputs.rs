//! Whole values with expressions in them.

use std::cell::Cell;

use fc_runtime::platform::limits::MIB;

use super::evaluate::{Context, Failure};
use super::template;
use crate::manifest::node::{Entry, Node, Value};
use crate::manifest::problem::Problem;

/// The deepest nesting of references. A cycle ends here.
const DEPTH_MAX: usize = 100;

/// The most values that the expressions of a file may yield. A few nested lists could yield millions.
const VALUES_MAX: usize = 200_000;

/// The most text that the expressions of a file may yield, in bytes. Forty variables that each hold the one before
/// twice would yield a terabyte.
const TEXT_MAX: usize = 128 * MIB;

/// What is left of `VALUES_MAX` and `TEXT_MAX`.
#[derive(Debug)]
pub(crate) struct Budget {
    left: Cell<usize>,
    text_left: Cell<usize>,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Budget { left: Cell::new(VALUES_MAX), text_left: Cell::new(TEXT_MAX) }
    }

    /// Takes the bytes of a text from the budget, before an expression makes the text.
    ///
    /// # Errors
    ///
    /// The budget has too few bytes left. From then on no value is made.
    pub(super) fn take_text(&self, bytes: usize) -> Result<(), String> {
        if let Some(left) = self.text_left.get().checked_sub(bytes) {
            self.text_left.set(left);
            return Ok(());
        }
        // One report is enough.
        self.left.set(0);
        Err(format!("the expressions of this file lead to more than {} MiB of text", TEXT_MAX / MIB))
    }
}

/// Replaces every expression in `node`. Nulls vanish, as in the deployment tool. An expression without a value is
/// reported with its line and left out.
pub(crate) fn inputs(node: &Node, context: &Context<'_>, problems: &mut Vec<Problem>) -> Node {
    copy(node, 0, context, problems)
}

fn copy(node: &Node, depth: usize, context: &Context<'_>, problems: &mut Vec<Problem>) -> Node {
    let left = &context.budget.left;
    if left.get() == 0 {
        return Node::null(node.line);
    }
    left.set(left.get() - 1);
    let refusal = if depth > DEPTH_MAX {
        Some("this value leads back to itself".to_owned())
    } else {
        (left.get() == 0)
            .then(|| format!("the expressions of this file lead to more than {VALUES_MAX} values"))
    };
    if let Some(text) = refusal {
        // One report is enough.
        left.set(0);
        problems.push(Problem::error(node.line, text));
        return Node::null(node.line);
    }
    let value = match &node.value {
        Value::Text(text) => match template::compile(text, node.line, context) {
            Ok(compiled) => match compiled.value {
                Value::List(_) | Value::Map(_) => return copy(&compiled, depth + 1, context, problems),
                Value::Text(text) => match context.budget.take_text(text.len()) {
                    Ok(()) => Value::Text(text),
                    Err(why) => {
                        problems.push(Problem::error(node.line, why));
                        Value::Failed
                    }
                },
                value => value,
            },
            Err(Failure::Said) => Value::Failed,
            Err(Failure::Wrong(text)) => {
                problems.push(Problem::error(node.line, text));
                Value::Failed
            }
        },
        Value::List(items) => {
            let mut copied: Vec<Node> =
                items.iter().map(|item| copy(item, depth + 1, context, problems)).collect();
            // A null within a list leaves a hole; a null at the end shortens the list.
            let length = copied.iter().rposition(|item| item.value != Value::Null).map_or(0, |last| last + 1);
            copied.truncate(length);
            Value::List(copied)
        }
        Value::Map(entries) => {
            let copied = entries.iter().map(|entry| Entry {
                key: entry.key.clone(),
                line: entry.line,
                node: copy(&entry.node, depth + 1, context, problems),
            });
            Value::Map(copied.filter(|entry| entry.node.value != Value::Null).collect())
        }
        other => other.clone(),
    };
    Node { line: node.line, value }
}
