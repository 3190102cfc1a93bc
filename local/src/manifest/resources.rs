//! The resources of a manifest as functions and custom domains.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::content::{self, Content};
use super::expression;
use super::load::Manifest;
use super::node::{Node, Value};
use super::problem::Problem;
use super::{asynchronous, domain, function, hooks, local};
use crate::model::{Auth, Domain, Function, Local, Secret};

/// What is started and served.
#[derive(Debug, Default)]
pub(super) struct Resources {
    pub(super) functions: Vec<Function>,
    /// The properties of each, as the manifest has them.
    pub(super) props: BTreeMap<String, serde_json::Value>,
    pub(super) domains: Vec<Domain>,
    /// The files that were read for them.
    pub(super) files: Vec<PathBuf>,
}

/// Reads the functions and domains of a manifest whose expressions are replaced.
pub(super) fn read(
    content: &Content,
    account: &str,
    folder: &Path,
    problems: &mut Vec<Problem>,
) -> Resources {
    let root = &content.root;
    check_edition(root, problems);
    let Some(resources) = root.child("resources") else {
        // The report about `services` is enough.
        if root.entry("services").is_none() {
            problems.push(Problem::error(root.line, "`resources` is missing: there is nothing to start"));
        }
        return Resources::default();
    };
    let general = local::read(root, &Local::default(), folder, problems);
    if let Some(entry) = root.child("x-local").and_then(|local| local.entry("port")) {
        let text = "`port` is ignored here: no two functions can have the same one; write it in a resource's `x-local`";
        problems.push(Problem::note(entry.line, text));
    }
    let mut skipped = Vec::new();
    let before = hooks::read(root, folder, problems, &mut skipped);
    let mut functions: Vec<Function> = Vec::new();
    let mut described = BTreeMap::new();
    let mut domains = domain::Reading::default();
    for (entry, component) in resources.entries().iter().zip(&content.components) {
        let resource = &entry.node;
        // The mistake in its expression is reported already.
        if resource.is_failed("component") {
            continue;
        }
        if !is_started(resource, component, entry.line, problems) {
            continue;
        }
        let Some(props) = resource.child("props").filter(|props| !props.entries().is_empty()) else {
            problems.push(Problem::error(entry.line, format!("resource `{}` has no `props`", entry.key)));
            continue;
        };
        if content::is_fc3_domain(component) {
            check_left(props, problems);
            domains.of_resource(props, account, problems);
            continue;
        }
        let local = local::read(resource, &general, folder, problems);
        let mut skipped_here = Vec::new();
        let mut steps = before.clone();
        steps.extend(hooks::read(resource, folder, problems, &mut skipped_here));
        match &local.build {
            Some(build) => steps.clone_from(build),
            None => problems.extend(skipped.drain(..).chain(skipped_here)),
        }
        check_left(props, problems);
        let Some(mut function) = function::read(props, steps, local, account, folder, &mut domains, problems)
        else {
            continue;
        };
        let project = root.child("name").and_then(Node::scalar);
        function.service = function.local.service.clone().or(project).unwrap_or_else(|| "default".to_owned());
        // A deployment writes functions in order, so the last function of the same name stays.
        if let Some(at) = functions.iter().position(|other| other.name == function.name) {
            let former = functions.remove(at);
            let text = format!(
                "function `{}` takes the place of the one on line {}, as it does at a deployment to one region",
                former.name, former.line
            );
            problems.push(Problem::note(entry.line, text));
        }
        described.insert(function.name.clone(), props.to_json());
        functions.push(function);
    }
    if functions.is_empty() && !problems.iter().any(|problem| problem.fatal) {
        problems.push(Problem::here(resources.line, "there is no function of component fc3 to start"));
    }
    let names = functions.iter().map(|function| function.name.as_str());
    domains.check_functions(&names, problems);
    asynchronous::check_destinations(&functions, problems);
    Resources { functions, props: described, domains: domains.domains, files: domains.files }
}

/// Tells each function what its callers prove themselves with. A domain may come to lead to any of them.
pub(super) fn tell_secrets(functions: &mut [Function], domains: &[Domain]) {
    let of_domains: Vec<Secret> =
        domains.iter().filter_map(|domain| domain.auth.as_ref()).flat_map(Auth::secrets).collect();
    for function in functions {
        let qualified = function.qualified.iter().map(|(_, trigger)| trigger);
        let triggers = function.trigger.iter().chain(qualified);
        function.secrets =
            triggers.flat_map(|trigger| trigger.auth.secrets()).chain(of_domains.iter().cloned()).collect();
    }
}

fn check_edition(root: &Node, problems: &mut Vec<Problem>) {
    let edition = root.child("edition");
    match edition.and_then(Node::scalar).as_deref() {
        Some("3.0.0") => {}
        Some(other) => problems.push(Problem::error(
            edition.map_or(1, |node| node.line),
            format!("edition `{other}` is not supported; fc-local reads edition 3.0.0 with component fc3"),
        )),
        None => problems.push(Problem::error(root.line, "`edition` is missing: write `edition: 3.0.0`")),
    }
}

fn is_started(resource: &Node, component: &str, line: usize, problems: &mut Vec<Problem>) -> bool {
    let entry = resource.entry("component");
    if component.is_empty() {
        problems.push(Problem::error(line, "`component` is missing: write `component: fc3`"));
        return false;
    }
    let is_started = content::is_fc3(component) || content::is_fc3_domain(component);
    if !is_started {
        problems.push(Problem::note(
            entry.map_or(line, |entry| entry.line),
            format!("component `{component}` is not started here: fc-local runs functions of component fc3, and domains of fc3-domain"),
        ));
    }
    is_started
}

/// Reports the expressions that are left: values that only a deployment knows, and values that need more than two
/// replacements.
fn check_left(node: &Node, problems: &mut Vec<Problem>) {
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| check_left(item, problems)),
        Value::Map(entries) => entries.iter().for_each(|entry| check_left(&entry.node, problems)),
        Value::Text(text) if expression::has_expression(text) => {
            let is_later = [".output", ".info"].iter().any(|part| text.contains(part));
            problems.push(if is_later {
                let text =
                    format!("`{text}`: it is known only after a deployment; set a value for local use");
                Problem::here(node.line, text)
            } else {
                let text = format!(
                    "`{text}` stays as it is: the deployment tool replaces expressions twice, not more often"
                );
                Problem::lost(node.line, text)
            });
        }
        _ => {}
    }
}

impl Manifest {
    /// Reports the functions that cannot start: their code does not exist, and no build step makes it.
    pub(crate) fn without_code(&self, builds: bool) -> impl Iterator<Item = Problem> {
        let made = move |function: &&Function| builds && !function.actions.is_empty();
        let has_code = |function: &&Function| function.container.is_some() || function.code.is_dir();
        self.functions().iter().filter(move |function| !made(function) && !has_code(function)).map(
            |function| {
                // Without what `.` adds to the path.
                let code: PathBuf = function.code.components().collect();
                let what = if code.exists() { "a file, where fc-local takes a folder" } else { "not there" };
                let text = format!("the code of `{}` is {what}: {}", function.name, code.display());
                Problem::error(function.line, text)
            },
        )
    }
}
