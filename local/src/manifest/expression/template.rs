//! Texts with expressions in them.

use super::evaluate::{self, Context, Failure};
use crate::manifest::node::Node;

/// Whether the text holds an expression.
pub(crate) fn has_expression(text: &str) -> bool {
    text.split_once("${").is_some_and(|(_, after)| after.contains('}'))
}

/// Replaces the expressions of a text, and then the expressions in the result.
///
/// A text that is one expression becomes the expression's value, with its type. Within a longer text every value becomes
/// text.
pub(super) fn compile(text: &str, line: usize, context: &Context<'_>) -> Result<Node, Failure> {
    if has_script(text) {
        return Err(Failure::Wrong(format!(
            "`{}`: the deployment tool runs what stands between `<%` and `%>` as JavaScript; there is no such thing here",
            evaluate::shortened(text)
        )));
    }
    // The deployment tool knows `this` only here. A value that an expression refers to has to write `that`.
    let first = render(&text.replace("${this.", "${that."), line, context)?;
    match first.as_text() {
        Some(again) if has_expression(again) => render(again, line, context),
        _ => Ok(first),
    }
}

fn render(text: &str, line: usize, context: &Context<'_>) -> Result<Node, Failure> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((code, behind)) = after.split_once('}') else { break };
        let value = evaluate::evaluate(code, line, context)?;
        if before.is_empty() && behind.is_empty() && rest.len() == text.len() {
            return Ok(Node { line, ..value });
        }
        let value = value.to_text();
        context.budget.take_text(before.len() + value.len()).map_err(Failure::Wrong)?;
        out.push_str(before);
        out.push_str(&value);
        rest = behind;
    }
    out.push_str(rest);
    Ok(Node::text(line, out))
}

fn has_script(text: &str) -> bool {
    text.split_once("<%").is_some_and(|(_, after)| after.contains("%>"))
}
