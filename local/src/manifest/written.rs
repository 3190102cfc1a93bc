//! A manifest as it was written, and as a deployment has it.

use std::path::PathBuf;

use super::content;
use super::node::Node;
use super::problem::Problem;

/// A manifest for those who judge it. Nothing in it has to be right.
#[derive(Debug)]
pub(crate) struct Written {
    /// The absolute path.
    pub(crate) file: PathBuf,
    pub(crate) text: String,
    /// The values as they were written, with their expressions.
    pub(crate) raw: Node,
    /// The values with their expressions replaced.
    pub(crate) root: Node,
    /// The component of each resource, in the file's order.
    pub(crate) components: Vec<String>,
    pub(crate) problems: Vec<Problem>,
}

/// What a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Component {
    Function,
    Domain,
    Other,
}

impl Written {
    /// The resources: name, line, what it is, and its settings.
    pub(crate) fn resources(&self) -> impl Iterator<Item = (&str, Component, &Node)> {
        let resources = self.root.child("resources").map(Node::entries).unwrap_or_default();
        resources.iter().zip(&self.components).map(|(entry, component)| {
            let component = match component {
                component if content::is_fc3(component) => Component::Function,
                component if content::is_fc3_domain(component) => Component::Domain,
                _ => Component::Other,
            };
            (entry.key.as_str(), component, &entry.node)
        })
    }
}
