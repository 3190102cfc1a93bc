//! What all spellings of a load balancer become: resources with the names of Terraform, and values that know their lines.

use std::path::Path;
use std::sync::Arc;

use crate::manifest::node::Node;
use crate::manifest::problem::Problem;
use crate::model::alb::Place;

/// A spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Terraform,
    Ros,
    /// `x-local.alb.listeners` of a manifest.
    Short,
}

/// The kinds of resources that make a load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Balancer,
    Listener,
    Rule,
    Group,
    /// Servers that join a group.
    Servers,
    Acl,
    AclEntry,
    /// Who may speak to a listener.
    ListenerAcl,
    /// More certificates of a listener.
    Certificates,
    /// A function, to which groups lead.
    Function,
}

/// One resource.
#[derive(Debug, Clone)]
pub(super) struct Resource {
    pub(super) kind: Kind,
    /// By which others refer to the resource.
    pub(super) address: String,
    pub(super) place: Place,
    pub(super) node: Node,
}

/// The resources of one configuration.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) form: Form,
    pub(super) resources: Vec<Resource>,
}

/// Around what is known only after a deployment, or not at all: `MARK` `alicloud_alb_listener.web.id` `MARK`.
pub(super) const MARK: char = '\u{1}';

/// A value that another resource, or nobody, has.
pub(super) fn marked(name: &str) -> String {
    format!("{MARK}{name}{MARK}")
}

/// The name of the value, if the text is one that is not known here.
pub(super) fn reference(text: &str) -> Option<&str> {
    let name = text.strip_prefix(MARK)?.strip_suffix(MARK)?;
    (!name.contains(MARK)).then_some(name)
}

/// The text with its unknown parts as a person would write them.
pub(super) fn shown(text: &str) -> String {
    let parts = text.split(MARK).enumerate();
    parts.map(|(at, part)| if at % 2 == 1 { format!("${{{part}}}") } else { part.to_owned() }).collect()
}

/// Problems of several files.
#[derive(Debug, Default)]
pub(super) struct Problems(pub(super) Vec<Problem>);

impl Problems {
    pub(super) fn error(&mut self, place: &Place, text: impl Into<String>) {
        self.0.push(Problem::error(place.line, text).in_file(&place.file));
    }

    pub(super) fn note(&mut self, place: &Place, text: impl Into<String>) {
        let note = Problem::note(place.line, text).in_file(&place.file);
        if !self.0.iter().any(|own| own.text == note.text) {
            self.0.push(note);
        }
    }
}

pub(super) fn place(file: &Arc<Path>, line: usize) -> Place {
    Place { file: Arc::clone(file), line }
}
