//! The user's `s.yaml`, read into functions.
//!
//! One file configures the deployment and this machine. Everything in it that is wrong, unknown or
//! without effect here is reported with its line, all of it at once.

mod dot_env;
mod expression;
mod function;
mod keys;
mod problem;
mod reader;
mod yaml;

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};

pub use problem::{ManifestError, Problem};

use crate::event::Redactor;
use crate::model::{Action, Function, Local};
pub(crate) use dot_env::Variables;
use expression::Scope;
use reader::Reader;
use yaml::{Node, Value};

/// A manifest that can be started.
#[derive(Debug, Clone)]
pub struct Manifest {
    file: PathBuf,
    functions: Vec<Function>,
    notes: Vec<Problem>,
    /// The manifest and the `.env` files that may be there, and what they held.
    sources: Vec<PathBuf>,
    texts: Texts,
    variables: Variables,
    redactor: Redactor,
}

/// The bytes of the files that a manifest is made of; `None` for one that is not there.
pub(crate) type Texts = Vec<Option<Vec<u8>>>;

impl Manifest {
    /// Reads `file`, and the `.env` files in the current folder, in the functions' `code` folders and beside it.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the file, each with its line.
    pub fn load(file: &Path) -> Result<Self, ManifestError> {
        let failed = |problem| ManifestError::new(file, vec![problem]);
        let source = std::fs::read_to_string(file)
            .map_err(|error| failed(Problem::error(1, format!("cannot read the file: {error}"))))?;
        let absolute = std::path::absolute(file)
            .map_err(|error| failed(Problem::error(1, format!("cannot find its folder: {error}"))))?;
        let folder = absolute.parent().unwrap_or(Path::new("/"));
        let current = std::env::current_dir().unwrap_or_else(|_| folder.to_owned());
        let mut sources = vec![absolute.clone()];
        // What is wrong with the text is said below.
        sources.extend(dot_env::files(&current, folder, yaml::parse(&source).ok().as_ref()));
        let texts = read_all(&sources);
        let shell = |name: &str| std::env::var(name).ok();
        let mut variables = Variables::new();
        for text in texts[1..].iter().flatten() {
            dot_env::read(&String::from_utf8_lossy(text), &shell, &mut variables);
        }
        let looked_up = RefCell::new(Vec::new());
        let environment = |name: &str| {
            let value = shell(name).or_else(|| variables.get(name).cloned())?;
            looked_up.borrow_mut().push((name.to_owned(), value.clone()));
            Some(value)
        };
        let manifest = Manifest::parse(&source, &absolute, &environment)?;
        let mut secrets = looked_up.into_inner();
        secrets.extend(variables.clone());
        let redactor = manifest.redactor_of(&secrets);
        Ok(Manifest { sources, texts, variables, redactor, ..manifest })
    }

    /// Reads `source` as the content of `file`; `environment` answers for `${env(…)}`.
    pub(crate) fn parse(
        source: &str,
        file: &Path,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ManifestError> {
        let root = yaml::parse(source).map_err(|problem| ManifestError::new(file, vec![problem]))?;
        let folder = file.parent().unwrap_or(Path::new("/"));
        let mut problems = Vec::new();
        let left = Cell::new(expression::VALUES_MAX);
        let scope = Scope { root: &root, folder, environment, resource: None, left: &left };
        let functions = read(scope, &mut problems);
        problems.sort_by_key(|problem| problem.line);
        problems.dedup();
        if problems.iter().any(|problem| problem.fatal) {
            return Err(ManifestError::new(file, problems));
        }
        Ok(Manifest {
            file: file.to_owned(),
            functions,
            notes: problems,
            sources: Vec::new(),
            texts: Vec::new(),
            variables: Variables::new(),
            redactor: Redactor::default(),
        })
    }

    /// Knows the secrets that a build step may show: its own environment is the developer's.
    fn redactor_of(&self, looked_up: &[(String, String)]) -> Redactor {
        let own: Vec<(String, String)> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let functions = self.functions.iter().flat_map(|function| &function.environment);
        let pairs = own.iter().chain(looked_up).map(|(name, value)| (name.as_str(), value.as_str()));
        Redactor::new(pairs.chain(functions.map(|(name, value)| (name.as_str(), value.as_str()))))
    }

    pub(crate) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// What the `.env` files set, for build steps: the shell's own variables win over them.
    pub(crate) fn variables(&self) -> &Variables {
        &self.variables
    }

    /// The file's absolute path.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Remarks that do not keep it from being started.
    pub fn notes(&self) -> &[Problem] {
        &self.notes
    }

    /// The functions' names, in the file's order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.functions.iter().map(|function| function.name.as_str())
    }

    pub(crate) fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// Whether the files differ from what was read.
    pub(crate) fn is_outdated(&self) -> bool {
        self.texts_now() != self.texts
    }

    /// What the files hold now.
    pub(crate) fn texts_now(&self) -> Texts {
        read_all(&self.sources)
    }

    /// The folders of the files, to be watched.
    pub(crate) fn source_folders(&self) -> impl Iterator<Item = &Path> {
        self.sources.iter().filter_map(|file| file.parent())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new("/"))
    }
}

fn read_all(files: &[PathBuf]) -> Texts {
    files.iter().map(|file| std::fs::read(file).ok()).collect()
}

fn read(scope: Scope<'_>, problems: &mut Vec<Problem>) -> Vec<Function> {
    let root = scope.root;
    keys::check_top(root, problems);
    check_edition(root, problems);
    let Some(resources) = root.child("resources") else {
        problems.push(Problem::error(root.line, "`resources` is missing: there is nothing to start"));
        return Vec::new();
    };
    let account = (scope.environment)("AccountID").unwrap_or_else(|| function::ACCOUNT_DEFAULT.to_owned());
    let general = local(root, &Local::default(), scope, problems);
    if let Some(entry) = root.child("x-local").and_then(|local| local.entry("port")) {
        let text = "`port` is ignored here: no two functions can have the same one; write it in a resource's `x-local`";
        problems.push(Problem::note(entry.line, text));
    }
    let before = actions(root, scope, problems);
    let mut functions: Vec<Function> = Vec::new();
    for entry in resources.entries() {
        let scope = Scope { resource: Some(&entry.key), ..scope };
        let resource = &entry.node;
        keys::check_resource(resource, problems);
        if !is_fc3(resource, scope, entry.line, problems) {
            continue;
        }
        let Some(props) = resource.child("props") else {
            problems.push(Problem::error(entry.line, format!("resource `{}` has no `props`", entry.key)));
            continue;
        };
        let props = expression::resolve(props, scope, problems);
        let local = local(resource, &general, scope, problems);
        let mut steps = before.clone();
        steps.extend(actions(resource, scope, problems));
        let Some(function) = function::read(&props, steps, local, &account, scope.folder, problems) else {
            continue;
        };
        if let Some(twin) = functions.iter().find(|other| other.name == function.name) {
            let text =
                format!("two functions are called `{}`; the other is on line {}", twin.name, twin.line);
            problems.push(Problem::error(entry.line, text));
        }
        functions.push(function);
    }
    if functions.is_empty() && !problems.iter().any(|problem| problem.fatal) {
        problems.push(Problem::error(resources.line, "there is no function of component fc3 to start"));
    }
    functions
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

fn is_fc3(resource: &Node, scope: Scope<'_>, line: usize, problems: &mut Vec<Problem>) -> bool {
    let Some(component) = resource.child("component") else {
        problems.push(Problem::error(line, "`component` is missing: write `component: fc3`"));
        return false;
    };
    let component = expression::resolve(component, scope, problems);
    let name = component.scalar().unwrap_or_default();
    let base = name.split('@').next().unwrap_or_default();
    // A component given by its path is how the deployment tool is run without its registry.
    if base == "fc3" || base.ends_with("/fc3") {
        return true;
    }
    problems.push(Problem::note(
        component.line,
        format!("component `{name}` is not started here: fc-local runs functions of component fc3"),
    ));
    false
}

/// The steps of `pre-local`, or of `pre-deploy` if there are none: what builds the code.
fn actions(owner: &Node, scope: Scope<'_>, problems: &mut Vec<Problem>) -> Vec<Action> {
    let Some(actions) = owner.child("actions") else { return Vec::new() };
    let of = |command| -> Vec<_> {
        actions.entries().iter().filter(|entry| expression::is_pre_action(&entry.key, command)).collect()
    };
    let mut chosen = of("local");
    if chosen.is_empty() {
        chosen = of("deploy");
    }
    let mut steps = Vec::new();
    for entry in chosen {
        let list = expression::resolve(&entry.node, scope, problems);
        let Value::List(items) = list.value else {
            problems.push(Problem::error(entry.line, format!("`{}` must be a list of steps", entry.key)));
            continue;
        };
        for item in items {
            match item.child("run").and_then(Node::scalar) {
                Some(run) => {
                    let path = item.child("path").and_then(Node::scalar).unwrap_or_default();
                    steps.push(Action { run, folder: scope.folder.join(path), line: item.line });
                }
                None => problems.push(Problem::note(
                    item.line,
                    "this step is skipped: fc-local runs `run` steps, not plugins or components",
                )),
            }
        }
    }
    steps
}

/// The `x-local` block of the file or of a resource, over `base`.
fn local(owner: &Node, base: &Local, scope: Scope<'_>, problems: &mut Vec<Problem>) -> Local {
    let Some(node) = owner.child("x-local") else { return Local { port: None, ..base.clone() } };
    let node = expression::resolve(node, scope, problems);
    if !matches!(node.value, Value::Map(_) | Value::Null) {
        let text = format!("`x-local` must be a map of settings but is {}", node.kind());
        problems.push(Problem::error(node.line, text));
    }
    let mut reader = Reader::new(problems);
    let max_instances = reader.integer(&node, "maxInstances", base.max_instances as u64, 0..=300);
    let port = reader.integer(&node, "port", 0, 1..=65535);
    let credentials = match reader.text(&node, "credentials").as_deref() {
        None => base.credentials,
        Some("none") => false,
        Some("environment") => true,
        Some(_) => {
            reader.error(&node, "credentials", "must be `none` or `environment`");
            false
        }
    };
    let or_base = |own: Vec<String>, base: &[String]| if own.is_empty() { base.to_vec() } else { own };
    let watch = reader.texts(&node, "watch");
    Local {
        port: u16::try_from(port).ok().filter(|port| *port != 0),
        max_instances: usize::try_from(max_instances).unwrap_or(0),
        idle_timeout: reader.seconds(&node, "idleTimeout", base.idle_timeout),
        start_timeout: reader.seconds(&node, "startTimeout", base.start_timeout),
        stop_timeout: reader.seconds(&node, "stopTimeout", base.stop_timeout),
        freeze: reader.boolean(&node, "freeze", base.freeze),
        sample_memory: reader.boolean(&node, "sampleMemory", base.sample_memory),
        attachment: reader.boolean(&node, "attachment", base.attachment),
        pass_env: or_base(reader.texts(&node, "passEnv"), &base.pass_env),
        watch: if watch.is_empty() {
            base.watch.clone()
        } else {
            watch.iter().map(|path| scope.folder.join(path)).collect()
        },
        credentials,
    }
}
