//! What expressions can refer to.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use hcl_edit::expr::Expression;
use hcl_edit::structure::Block;

use crate::manifest::node::Node;

/// A file, and where its lines begin.
pub(super) struct File {
    pub(super) path: Arc<Path>,
    ends: Vec<usize>,
}

impl File {
    pub(super) fn new(path: Arc<Path>, text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect();
        File { path, ends }
    }

    /// The line on which a span begins, from 1.
    pub(super) fn line(&self, span: Option<Range<usize>>) -> usize {
        let at = span.map_or(0, |span| span.start);
        self.ends.partition_point(|end| *end < at) + 1
    }
}

/// A resource as it is declared.
pub(super) struct Declared {
    pub(super) address: String,
    pub(super) kind: String,
    pub(super) block: Block,
    pub(super) file: usize,
}

/// All files of a folder.
#[derive(Default)]
pub(super) struct Config {
    pub(super) files: Vec<File>,
    /// The defaults, and their files.
    pub(super) variables: BTreeMap<String, (Option<Expression>, usize)>,
    /// What the variables are set to.
    pub(super) values: BTreeMap<String, Node>,
    pub(super) locals: HashMap<String, (Expression, usize)>,
    pub(super) resources: Vec<Declared>,
    /// How much expressions have made.
    pub(super) steps: Cell<usize>,
    /// How deep the expression stands that is being replaced.
    pub(super) level: Cell<usize>,
}

/// Where an expression stands.
#[derive(Clone)]
pub(super) struct Scope<'a> {
    pub(super) config: &'a Config,
    pub(super) file: usize,
    /// `each`, `count`, and the names of `for` and `dynamic`.
    names: Vec<(String, Node)>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(config: &'a Config, file: usize) -> Self {
        Scope { config, file, names: Vec::new() }
    }

    pub(super) fn with(&self, name: &str, node: Node) -> Self {
        let mut own = self.clone();
        own.names.push((name.to_owned(), node));
        own
    }

    pub(super) fn with_count(&self, number: usize) -> Self {
        let index = Node::text(1, number.to_string());
        let mut count = Node::empty_map(1);
        count.set("index", index);
        self.with("count", count)
    }

    pub(super) fn with_each(&self, key: &str, value: Node) -> Self {
        self.with("each", each(key, value))
    }

    /// A scope of another file, which knows no names of this one.
    pub(super) fn elsewhere(&self, file: usize) -> Self {
        Scope { config: self.config, file, names: Vec::new() }
    }

    /// A name of `for`, `dynamic`, `each` or `count`; the innermost one.
    pub(super) fn name(&self, name: &str) -> Option<&Node> {
        self.names.iter().rev().find(|(own, _)| own == name).map(|(_, node)| node)
    }

    pub(super) fn line(&self, span: Option<Range<usize>>) -> usize {
        self.config.files[self.file].line(span)
    }
}

/// `key` and `value`, as `each` and the name of a `dynamic` block have them.
pub(super) fn each(key: &str, value: Node) -> Node {
    let mut node = Node::empty_map(1);
    node.set("key", Node::text(1, key));
    node.set("value", value);
    node
}
