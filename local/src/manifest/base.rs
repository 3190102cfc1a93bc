//! The base file that `extend` names: a manifest that this one is laid over.

use std::path::{Path, PathBuf};

use super::content::{self, Surroundings};
use super::expression;
use super::merge::merge;
use super::node::Node;
use super::problem::Problem;
use super::{text_file, yaml};

/// The base file of the manifest `root` in `folder`.
pub(super) fn file(root: &Node, folder: &Path) -> Option<PathBuf> {
    root.child("extend").and_then(Node::as_text).map(|name| folder.join(name))
}

/// Lays `root` over its base file. The deployment tool first replaces the expressions of both files, with the keys
/// beside the resources joined. Then the tool replaces the expressions of the result.
///
/// # Errors
///
/// A mistake in the base file, reported on the line of `extend`.
pub(super) fn join(
    root: &Node,
    file: &Path,
    surroundings: Surroundings<'_>,
    problems: &mut Vec<Problem>,
) -> Result<Node, Problem> {
    let line = root.entry("extend").map_or(root.line, |entry| entry.line);
    let failed = |text: String| Problem::error(line, text);
    if !file.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") {
        return Err(failed(format!("`extend`: {} must end with .yaml or .yml", file.display())));
    }
    let text = text_file::read(file).map_err(|why| failed(format!("`extend`: {why}")))?;
    let base = yaml::parse(&text)
        .map_err(|problem| failed(format!("{}:{}: {}", file.display(), problem.line, problem.text)))?
        .root;
    let without_resources = |node: &Node| {
        let mut rest = node.clone();
        rest.remove("resources");
        rest
    };
    let rest = merge(&without_resources(&base), &without_resources(root));
    let with_resources_of = |node: &Node| {
        let mut whole = rest.clone();
        if let Some(resources) = node.child("resources") {
            whole.set("resources", resources.clone());
        }
        whole
    };
    let folder = file.parent().unwrap_or(Path::new("/"));
    let mut of_base = Vec::new();
    let below =
        content::resolve(&with_resources_of(&base), Surroundings { folder, ..surroundings }, &mut of_base);
    // The line numbers of the base file mean nothing in this file.
    problems.extend(of_base.into_iter().map(|problem| Problem {
        line,
        text: format!("{}:{}: {}", file.display(), problem.line, problem.text),
        ..problem
    }));
    let above = content::resolve(&with_resources_of(root), surroundings, problems);
    let mut joined = merge(&expression::with_line(below.root, line), &above.root);
    joined.line = root.line;
    Ok(joined)
}
