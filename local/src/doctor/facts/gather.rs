//! Gathers the facts that files tell.

use std::path::{Path, PathBuf};

use super::function::{Alb, Domain, Function};
use super::project::{self, CargoProfile};
use super::{Code, Program, Text};
use crate::doctor::finding::Place;
use crate::manifest::{Component, Manifest, ManifestError, Node, Problem, Value, Written, items};

/// Everything that is known of a project.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) manifest: Text,
    pub(crate) root: Option<Node>,
    /// The values as they were written.
    pub(crate) raw: Option<Node>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) functions: Vec<Function>,
    pub(crate) domains: Vec<Domain>,
    /// Scripts and CI recipes beside the manifest.
    pub(crate) scripts: Vec<Text>,
    pub(crate) profiles: Vec<CargoProfile>,
    /// Whether a folder `fc3` stands where the deployment tool takes it for the component.
    pub(crate) has_component_folder: bool,
    /// What was not looked at, and how it would be.
    pub(crate) left_out: Vec<String>,
}

impl Facts {
    /// The place of `key` in a map, or of the map.
    pub(crate) fn at(&self, function: &Function, node: &Node, key: &str) -> Place {
        let line = node.entry(key).map_or(node.line, |entry| entry.line);
        self.manifest.place(line, key, Some(&function.resource))
    }

    /// Where the function stands, for what it lacks.
    pub(crate) fn of(&self, function: &Function) -> Place {
        match &function.props {
            Some(props) => self.at(function, props, "functionName"),
            None => self.manifest.place(1, "", Some(&function.resource)),
        }
    }

    /// The place of the key at the end of a path below `props`, or of the deepest that is there.
    pub(crate) fn key(&self, function: &Function, path: &[&str]) -> Place {
        let Some(mut node) = function.props.as_ref() else { return self.of(function) };
        let mut place = self.of(function);
        for key in path {
            if node.entry(key).is_none() {
                break;
            }
            place = self.at(function, node, key);
            match node.child(key) {
                Some(child) => node = child,
                None => break,
            }
        }
        place
    }

    /// The domains that lead to a function.
    pub(crate) fn domains_of<'a>(&'a self, function: &'a Function) -> impl Iterator<Item = &'a Domain> {
        self.domains.iter().filter(|domain| domain.leads_to(function))
    }

    /// Whether clients call the function by HTTP.
    pub(crate) fn is_web(&self, function: &Function) -> bool {
        function.http_triggers().next().is_some() || self.domains_of(function).next().is_some()
    }

    /// A path as a reader in the folder of the manifest writes it.
    pub(crate) fn shown(&self, path: &Path) -> String {
        shown(path, self.folder())
    }

    /// The folder of the manifest.
    pub(crate) fn folder(&self) -> &Path {
        self.manifest.file.parent().unwrap_or(Path::new("/"))
    }
}

/// Gathers what the files tell: the manifest, and with `has_code` the code and the program, `program` in its place.
///
/// # Errors
///
/// There is no manifest, or it is not YAML.
pub(crate) fn gather(
    file: &Path,
    environment: Option<&str>,
    program: Option<&Path>,
    has_code: bool,
) -> Result<Facts, ManifestError> {
    let written = Manifest::written(file, environment)?;
    let mut facts = Facts {
        manifest: Text { file: written.file.clone(), text: written.text.clone() },
        ..Facts::default()
    };
    let folder = facts.folder().to_owned();
    functions(&written, &mut facts);
    facts.scripts = project::scripts(&folder);
    facts.profiles = project::profiles(&folder, &written.root);
    facts.has_component_folder = folder.join("fc3").is_dir();
    facts.problems = written.problems;
    facts.root = Some(written.root);
    facts.raw = Some(written.raw);
    for at in (0..facts.functions.len()).filter(|_| has_code) {
        look_at_code(&mut facts, at, &folder, program);
    }
    Ok(facts)
}

fn functions(written: &Written, facts: &mut Facts) {
    let is_fc2 = |node: &Node| {
        let local = node.child("x-local").and_then(|local| local.child("edition"));
        local.and_then(Node::as_text).map(|edition| edition == "fc2")
    };
    let raw = written.raw.child("resources");
    for (resource, component, node) in written.resources() {
        let Some(props) = node.child("props") else { continue };
        let name = |key| props.child(key).and_then(Node::scalar).unwrap_or_default();
        match component {
            Component::Other => {}
            Component::Domain => {
                let routes = props.child("routeConfig").and_then(|config| config.child("routes"));
                let routes = routes.map(items).unwrap_or_default().iter().filter_map(|route| {
                    let text = |key| route.child(key).and_then(Node::scalar);
                    Some((text("functionName")?, text("path").unwrap_or_default()))
                });
                facts.domains.push(Domain {
                    resource: resource.to_owned(),
                    name: name("domainName"),
                    routes: routes.collect(),
                    node: props.clone(),
                });
            }
            Component::Function => {
                let props_written =
                    raw.and_then(|raw| raw.child(resource)).and_then(|own| own.child("props"));
                facts.functions.push(Function {
                    resource: resource.to_owned(),
                    name: name("functionName"),
                    props: Some(props.clone()),
                    written: props_written.cloned(),
                    is_fc2: is_fc2(node).or_else(|| is_fc2(&written.root)).unwrap_or(false),
                    alb: alb(node),
                    ..Function::default()
                });
                if let Some(domain) = props.child("customDomain") {
                    let path = domain.child("route").and_then(|route| route.child("path"));
                    let path = path.and_then(Node::scalar).unwrap_or_default();
                    facts.domains.push(Domain {
                        resource: resource.to_owned(),
                        name: domain.child("domainName").and_then(Node::scalar).unwrap_or_default(),
                        routes: vec![(name("functionName"), path)],
                        node: domain.clone(),
                    });
                }
            }
        }
    }
}

fn alb(resource: &Node) -> Option<Alb> {
    const CHECK_SECONDS: i64 = 2;
    let entry = resource.child("x-local")?.child("doctor")?.entry("alb")?;
    let number = |key, default| match entry.node.child(key).map(|node| &node.value) {
        Some(Value::Int(value)) => *value,
        _ => default,
    };
    let is_checked = entry.node.child("healthCheck").is_some_and(Node::is_true);
    Some(Alb {
        line: entry.line,
        idle_seconds: number("idleTimeout", 15),
        request_seconds: number("requestTimeout", 60),
        check_seconds: is_checked.then(|| number("healthCheckInterval", CHECK_SECONDS)),
    })
}

/// Looks at the code folder and the program of a function.
fn look_at_code(facts: &mut Facts, at: usize, folder: &Path, program: Option<&Path>) {
    let function = facts.functions[at].clone();
    let name = function.name.clone();
    if let Some(program) = program {
        facts.functions[at].program = Some(Program::of(program, None));
        facts.functions[at].file = Some(program.to_owned());
    }
    let code = function.get(&["code"]);
    let code = code.and_then(|code| code.as_text().or_else(|| code.child("src")?.as_text()));
    let Some(code) = code.filter(|code| !code.contains("://")).map(|code| folder.join(code)) else { return };
    if !code.is_dir() {
        if program.is_none() && !code.exists() && own_program(&function).is_some() {
            facts.left_out.push(format!(
                "the program of `{name}`: {} is not there. Build it, or name the program with --binary",
                shown(&code, folder)
            ));
        }
        return;
    }
    let found = Code::of(&code);
    let below = own_program(&function).filter(|_| program.is_none());
    if let Some(below) = below {
        let file: PathBuf = code.join(&below).components().collect();
        let resource =
            facts.root.as_ref().and_then(|root| root.child("resources")?.child(&function.resource));
        if project::has_two_builds(resource) {
            facts.left_out.push(format!(
                "the file of the program of `{name}`: the one in {} may be of `pre-local`. Name the one that is deployed with --binary",
                shown(&code, folder)
            ));
        } else {
            facts.functions[at].program = Some(Program::of(&file, Some(&below)));
        }
        facts.functions[at].file = Some(file);
    }
    facts.functions[at].code = Some(found);
}

/// The program below the code folder that the platform starts. `None` for one of the image, and for no program at all.
fn own_program(function: &Function) -> Option<String> {
    if !function.is_custom() || function.is_container() {
        return None;
    }
    let command = function.get(&["customRuntimeConfig", "command"]).map(items).unwrap_or_default();
    let command = command.first().and_then(Node::as_text).unwrap_or("/code/bootstrap");
    let below = command.strip_prefix("/code/").or_else(|| command.strip_prefix("./"))?;
    Some(below.to_owned())
}

fn shown(path: &Path, folder: &Path) -> String {
    let clean: PathBuf = path.components().collect();
    clean.strip_prefix(folder).unwrap_or(&clean).display().to_string()
}
