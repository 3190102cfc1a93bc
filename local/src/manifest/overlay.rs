//! `env.yaml`: the environments, one of which `--env NAME` lays over the resources.

use std::path::{Path, PathBuf};

use super::expression::{self, Context};
use super::merge::merge;
use super::node::Node;
use super::problem::Problem;
use super::{text_file, yaml};

/// One environment of the file.
#[derive(Debug, Clone)]
pub(super) struct Overlay {
    pub(super) environment: Node,
    /// The project's name, for expressions.
    project: Node,
}

/// The file that holds the environments of the manifest `root` in `folder`.
pub(super) fn file(root: &Node, folder: &Path) -> PathBuf {
    let name = root.child("env").and_then(Node::as_text).unwrap_or("env.yaml");
    folder.join(name)
}

/// Looks up the environment `name`. An unknown environment is no error, as with the deployment tool.
pub(super) fn find(root: &Node, folder: &Path, name: &str, problems: &mut Vec<Problem>) -> Option<Overlay> {
    let file = file(root, folder);
    let line = root.entry("env").map_or(root.line, |entry| entry.line);
    let document = match text_file::read(&file).map(|text| yaml::parse(&text)) {
        Ok(Ok(document)) => document.root,
        Ok(Err(problem)) => {
            let text = format!("{}:{}: {}", file.display(), problem.line, problem.text);
            problems.push(Problem::error(line, text));
            return None;
        }
        Err(why) => {
            problems.push(Problem::note(line, format!("there is no environment `{name}`: {why}")));
            return None;
        }
    };
    let environments = document.child("environments").map(super::node::items).unwrap_or_default();
    let found = environments.iter().find(|node| node.child("name").and_then(Node::as_text) == Some(name));
    let Some(environment) = found else {
        let text = format!("there is no environment `{name}` in {}: nothing is laid over", file.display());
        problems.push(Problem::note(line, text));
        return None;
    };
    // The line numbers of the environment belong to another file.
    let environment = expression::with_line(environment.clone(), line);
    let project = root.child("name").cloned().unwrap_or_else(|| Node::null(line));
    Some(Overlay { environment, project })
}

impl Overlay {
    /// The properties with the overlays of the environment: for the component, then the resource, then the region.
    pub(super) fn over(
        &self,
        props: &Node,
        component: &str,
        resource: &str,
        context: &Context<'_>,
        problems: &mut Vec<Problem>,
    ) -> Node {
        let mut that = self.environment.clone();
        that.remove("infrastructure");
        that.remove("overlays");
        that.set("project", self.project.clone());
        let names = [("source", props), ("project", &self.project), ("that", &that)];
        let context = Context { names: &names, ..*context };
        let mut merged = props.clone();
        for path in [["overlays", "components", component], ["overlays", "resources", resource]] {
            if let Some(over) = expression::at_path(&self.environment, &path) {
                merged = merge(&merged, &expression::inputs(&over, &context, problems));
            }
        }
        if let Some(region) = expression::at_path(&self.environment, &["infraStack", "region"]) {
            merged.set("region", expression::inputs(&region, &context, problems));
        }
        merged
    }
}
