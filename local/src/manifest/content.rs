//! A manifest with its expressions replaced, in the order in which the deployment tool does so.
//!
//! First come all other keys, with unreplaced variables. Then come the resources in order, with replaced variables. A
//! resource sees earlier resources replaced, and later resources unreplaced.

use std::cell::RefCell;
use std::path::Path;

use super::expression::{self, Broken, Budget, Context};
use super::merge::merge;
use super::node::{Entry, Node, Value};
use super::overlay::Overlay;
use super::problem::{Matters, Problem};

/// What everything leads to.
pub(super) struct Content {
    /// The whole file, its resources among the rest.
    pub(super) root: Node,
    /// The component of each resource, in the file's order.
    pub(super) components: Vec<String>,
}

/// The sources of values for expressions.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    /// The folder that holds the file.
    pub(super) folder: &'a Path,
    pub(super) environment: &'a dyn Fn(&str) -> Option<String>,
    /// The environment of `--env`. It is laid over the resources.
    pub(super) overlay: Option<&'a Overlay>,
}

/// Keys of the file and of a resource whose expressions matter only to the deployment tool.
const NOT_USED_HERE: [&str; 6] = ["name", "access", "flow", "validation", "env", "actions"];

/// Replaces the expressions of the file `raw`.
pub(super) fn resolve(raw: &Node, surroundings: Surroundings<'_>, problems: &mut Vec<Problem>) -> Content {
    let (broken, budget) = (RefCell::new(Broken::default()), Budget::new());
    let context = Context {
        folder: surroundings.folder,
        environment: surroundings.environment,
        names: &[],
        broken: &broken,
        budget: &budget,
    };
    let first = problems.len();
    let mut done = Resolution { raw, root: raw.clone(), context, surroundings }.run(problems);
    // A variable without a value matters only if an expression uses the variable.
    let used = broken.into_inner().used;
    for problem in &mut problems[first..] {
        problem.fatal |= problem.variable.as_ref().is_some_and(|name| used.contains(name));
    }
    done.root.line = raw.line;
    done
}

struct Resolution<'a> {
    raw: &'a Node,
    root: Node,
    context: Context<'a>,
    surroundings: Surroundings<'a>,
}

impl Resolution<'_> {
    fn run(mut self, problems: &mut Vec<Problem>) -> Content {
        self.rest(problems);
        let access = self.access();
        let mut components = Vec::new();
        let resources =
            self.raw.entry("resources").map_or_else(|| Node::empty_map(1), |entry| entry.node.clone());
        if self.raw.entry("resources").is_some() {
            self.root.set("resources", resources.clone());
        }
        let former = self.raw.entry("services").filter(|entry| entry.node.is_true());
        if let Some(former) = former.filter(|_| resources.entries().is_empty()) {
            let text = "`services` is the word of former editions: write `resources`";
            problems.push(Problem::error(former.line, text));
        }
        for entry in resources.entries() {
            components.push(self.resource(entry, access.as_ref(), problems));
        }
        if let (Some(access), Some(_)) = (access, components.first()) {
            self.root.set("access", access);
        }
        Content { root: self.root, components }
    }

    /// All keys except the resources. The variables are not replaced yet.
    fn rest(&mut self, problems: &mut Vec<Problem>) {
        let nothing = Node::null(1);
        let names = [("vars", self.raw.child("vars").unwrap_or(&nothing))];
        let context = Context { names: &names, ..self.context };
        let mut done = Vec::new();
        for entry in self.raw.entries() {
            if entry.key == "resources" {
                continue;
            }
            let node = match (entry.key.as_str(), &entry.node.value) {
                ("vars", Value::Map(entries)) => variables(entries, &entry.node, &context, problems),
                ("actions", _) => hooks(&entry.node, &context, problems),
                (key, _) if NOT_USED_HERE.contains(&key) => leniently(&entry.node, &context, problems),
                _ => expression::inputs(&entry.node, &context, problems),
            };
            if node.value != Value::Null {
                done.push(Entry { key: entry.key.clone(), line: entry.line, node });
            }
        }
        self.root = Node { line: self.raw.line, value: Value::Map(done) };
    }

    /// The credential's name, unreplaced: from the overlay, else from the file.
    fn access(&self) -> Option<Node> {
        let overlay = self.surroundings.overlay.and_then(|overlay| overlay.environment.child("access"));
        overlay.or_else(|| self.raw.child("access")).cloned()
    }

    /// Replaces the expressions of one resource, and gives its component.
    fn resource(&mut self, entry: &Entry, access: Option<&Node>, problems: &mut Vec<Problem>) -> String {
        check_resource(entry, problems);
        let nothing = Node::null(entry.line);
        let vars = self.root.child("vars").cloned().unwrap_or_else(|| nothing.clone());
        let common = [("vars", &vars)];
        let context = Context { names: &common, ..self.context };
        let component = entry
            .node
            .child("component")
            .map_or_else(|| nothing.clone(), |node| expression::inputs(node, &context, problems));
        let name = component.scalar().unwrap_or_default();
        let mut element = entry.node.clone();
        let props = self.props(entry, &context, &name, problems);
        element.set("props", props.clone());
        let mut resources = self.root.child("resources").cloned().unwrap_or_else(|| nothing.clone());
        resources.set(&entry.key, element.clone());

        let mut that = Node::empty_map(entry.line);
        that.set("name", Node::text(entry.line, entry.key.clone()));
        if let Some(access) = access {
            that.set("access", access.clone());
        }
        that.set("component", component);
        let mut that = merge_flat(&that, &element);
        let components = self.root.child("components").cloned().unwrap_or_else(|| nothing.clone());
        let is_ours = is_fc3(&name) || is_fc3_domain(&name);
        // The tool replaces the properties twice, the first time with `this` as written.
        let written = that.clone();
        let names =
            [("vars", &vars), ("resources", &resources), ("components", &components), ("that", &written)];
        let context = Context { names: &names, ..self.context };
        let replace = if is_ours { expression::inputs } else { leniently };
        that.set("props", replace(&props, &context, problems));
        let names =
            [("vars", &vars), ("resources", &resources), ("components", &components), ("that", &that)];
        let context = Context { names: &names, ..self.context };
        let mut real = Vec::new();
        for own in element.entries() {
            let node = match own.key.as_str() {
                "actions" => hooks(&own.node, &context, problems),
                key if !is_ours || NOT_USED_HERE.contains(&key) => leniently(&own.node, &context, problems),
                _ => expression::inputs(&own.node, &context, problems),
            };
            if node.value != Value::Null {
                real.push(Entry { key: own.key.clone(), line: own.line, node });
            }
        }
        resources.set(&entry.key, Node { line: entry.node.line, value: Value::Map(real) });
        self.root.set("resources", resources);
        name
    }

    /// The unreplaced properties, laid over their template, with the overlay on top.
    fn props(
        &self,
        entry: &Entry,
        context: &Context<'_>,
        component: &str,
        problems: &mut Vec<Problem>,
    ) -> Node {
        let template = self.template(entry, context, problems);
        let mut props = template.unwrap_or_else(|| Node::empty_map(entry.line));
        if let Some(own) = entry.node.child("props") {
            props = merge(&props, own);
        }
        match self.surroundings.overlay {
            Some(overlay) => overlay.over(&props, component, &entry.key, &self.context, problems),
            None => props,
        }
    }

    fn template(&self, entry: &Entry, context: &Context<'_>, problems: &mut Vec<Problem>) -> Option<Node> {
        let extend = entry.node.child("extend")?;
        let name = extend.child("name")?;
        let path = name.scalar().unwrap_or_default();
        let names: Vec<&str> = path.split('.').collect();
        let template =
            self.root.child("template").and_then(|templates| expression::at_path(templates, &names));
        let Some(mut template) = template else {
            let text = format!("there is no template `{path}`: nothing is added, here and at a deployment");
            problems.push(Problem::lost(name.line, text));
            return None;
        };
        let ignored = match extend.child("ignore").map(|node| &node.value) {
            Some(Value::List(items)) => items.iter().filter_map(Node::scalar).collect(),
            Some(Value::Text(text)) => vec![text.clone()],
            _ => Vec::new(),
        };
        for path in ignored {
            expression::remove_path(&mut template, &path.split('.').collect::<Vec<_>>());
        }
        Some(expression::inputs(&template, context, problems))
    }
}

/// Refuses resources on which the deployment tool fails.
fn check_resource(entry: &Entry, problems: &mut Vec<Problem>) {
    if entry.key.contains(['.', '[']) {
        let text = format!(
            "resource `{}`: a dot or a bracket in its name makes the deployment tool fail",
            entry.key
        );
        problems.push(Problem::error(entry.line, text));
    }
    if !matches!(entry.node.value, Value::Map(_)) {
        let text = format!("resource `{}` must be a map of settings but is {}", entry.key, entry.node.kind());
        problems.push(Problem::error(entry.line, text));
    }
    if let Some(props) = entry.node.child("props").filter(|props| !matches!(props.value, Value::Map(_))) {
        let text = format!("`props` must be a map of settings but is {}", props.kind());
        problems.push(Problem::error(props.line, text));
    }
}

/// Whether a component is Function Compute's. A component may be a path, for a deployment tool without its registry.
pub(super) fn is_fc3(component: &str) -> bool {
    is_component(component, "fc3")
}

/// Whether the component is the one for custom domains, of any version and owner.
pub(super) fn is_fc3_domain(component: &str) -> bool {
    is_component(component, "fc3-domain")
}

fn is_component(component: &str, name: &str) -> bool {
    let base = component.split('@').next().unwrap_or_default();
    base.rsplit('/').next() == Some(name)
}

/// The map `base` with the entries of `over`, which take precedence.
fn merge_flat(base: &Node, over: &Node) -> Node {
    let mut merged = base.clone();
    for entry in over.entries() {
        merged.set(&entry.key, entry.node.clone());
    }
    merged
}

/// Replaces the variables one by one, so that an error names the variable.
fn variables(entries: &[Entry], node: &Node, context: &Context<'_>, problems: &mut Vec<Problem>) -> Node {
    let mut done = Vec::new();
    for entry in entries {
        let first = problems.len();
        let value = leniently(&entry.node, context, problems);
        if problems.len() > first {
            context.broken.borrow_mut().variables.insert(entry.key.clone());
            for problem in &mut problems[first..] {
                problem.variable = Some(entry.key.clone());
            }
        }
        if value.value != Value::Null {
            done.push(Entry { key: entry.key.clone(), line: entry.line, node: value });
        }
    }
    // References among the variables see the unreplaced text.
    context.broken.borrow_mut().used.clear();
    Node { line: node.line, value: Value::Map(done) }
}

/// The steps of each hook. Mistakes in a hook that does not run here are notes, not errors.
fn hooks(node: &Node, context: &Context<'_>, problems: &mut Vec<Problem>) -> Node {
    let Value::Map(entries) = &node.value else { return leniently(node, context, problems) };
    let is_run = |key: &str| {
        ["local", "deploy"].iter().any(|command| {
            expression::action(key, command).is_ok_and(|(phase, is_for)| phase == "pre" && is_for)
        })
    };
    let done = entries.iter().map(|entry| Entry {
        key: entry.key.clone(),
        line: entry.line,
        node: if is_run(&entry.key) {
            expression::inputs(&entry.node, context, problems)
        } else {
            leniently(&entry.node, context, problems)
        },
    });
    let done: Vec<Entry> = done.filter(|entry| entry.node.value != Value::Null).collect();
    for entry in done.iter().filter(|entry| !matches!(entry.node.value, Value::List(_))) {
        // The deployment tool refuses a hook that is not a list, in every hook.
        let text = format!("`{}` must be a list of steps but is {}", entry.key, entry.node.kind());
        problems.push(Problem::error(entry.line, text));
    }
    Node { line: node.line, value: Value::Map(done) }
}

/// Replaces the expressions of a part without effect here. Mistakes are notes, not errors.
fn leniently(node: &Node, context: &Context<'_>, problems: &mut Vec<Problem>) -> Node {
    let mut own = Vec::new();
    let done = expression::inputs(node, context, &mut own);
    problems.extend(own.into_iter().map(|problem| Problem {
        fatal: false,
        matters: Matters::Refused,
        text: format!("{}; the deployment tool refuses the whole file for it", problem.text),
        ..problem
    }));
    done
}
