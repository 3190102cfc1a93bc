//! A manifest from its file and everything that the file leads to.

mod access;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::content::{self, Content, Surroundings};
use super::dot_env::{self, Variables};
use super::mask::mask;
use super::node::{Node, Value};
use super::overlay::{self, Overlay};
use super::problem::{ManifestError, Matters, Problem};
use super::resources::Resources;
use super::written::Written;
use super::{alb, base, flow, function, keys, resources, text_file, yaml};
use crate::event::Redactor;
use crate::model::alb::LoadBalancer;
use crate::model::{Domain, Function};
use crate::shell;

/// A manifest that can be started. [The example of the crate](crate) loads one.
#[derive(Debug, Clone)]
pub struct Manifest {
    file: PathBuf,
    environment: Option<String>,
    functions: Vec<Function>,
    props: BTreeMap<String, serde_json::Value>,
    domains: Vec<Domain>,
    load_balancer: LoadBalancer,
    notes: Vec<Problem>,
    /// The manifest and the files that it may read, with their contents.
    sources: Vec<PathBuf>,
    texts: Texts,
    variables: Variables,
    redactor: Redactor,
}

/// The contents of the manifest's files, and of folders that are read whole. `None` for what does not exist.
pub(crate) type Texts = Vec<Option<Vec<u8>>>;

/// A name by which a value is known for a secret.
const SECRET: &str = "SECRET";

impl Manifest {
    /// Reads `file`, and the `.env` files in the current folder, in the functions' `code` folders and beside it.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the file, each with its line.
    pub fn load(file: &Path) -> Result<Self, ManifestError> {
        Self::load_in(file, None)
    }

    /// Reads `file` as [`load`](Self::load) does, with an environment of its `env.yaml` laid over it.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the files, each with its line.
    pub fn load_in(file: &Path, environment: Option<&str>) -> Result<Self, ManifestError> {
        let mut reading = Reading::open(file)?;
        keys::correct(&mut reading.root, &mut reading.problems);
        let content = reading.resolve(environment);
        let account = reading.variable("AccountID").unwrap_or_else(|| function::ACCOUNT_DEFAULT.to_owned());
        let Resources { mut functions, props, domains, files } =
            resources::read(&content, &account, &reading.folder, &mut reading.problems);
        for file in &files {
            reading.add_source(file);
        }
        let load_balancer = reading.load_balancer(&content, &functions);
        reading.done()?;
        resources::tell_secrets(&mut functions, &domains);
        let redactor = reading.redactor(&functions, &domains);
        Ok(Manifest {
            texts: read_all(&reading.sources),
            file: reading.file,
            environment: environment.map(str::to_owned),
            functions,
            props,
            domains,
            load_balancer,
            notes: reading.problems,
            sources: reading.sources,
            variables: reading.variables,
            redactor,
        })
    }

    /// Reads the manifest anew.
    ///
    /// # Errors
    ///
    /// Those of [`load_in`](Self::load_in).
    pub(crate) fn reload(&self) -> Result<Self, ManifestError> {
        // Taken before the files are read: what is written meanwhile makes the new manifest outdated at once.
        let before = self.texts_now();
        let mut newer = Self::load_in(&self.file, self.environment.as_deref())?;
        for (file, text) in self.sources.iter().zip(before) {
            if let Some(at) = newer.sources.iter().position(|own| own == file) {
                newer.texts[at] = text;
            }
        }
        Ok(newer)
    }

    /// The file with its expressions replaced, as the deployment tool has it before a component sees it: `vars`,
    /// `resources` and the rest. Secrets that are known by their names are masked.
    ///
    /// # Errors
    ///
    /// What is wrong with the text and its expressions, each with its line. Whether a component takes the values
    /// is not looked at.
    pub fn resolved(file: &Path, environment: Option<&str>) -> Result<serde_json::Value, ManifestError> {
        let mut reading = Reading::open(file)?;
        let content = reading.resolve(environment);
        for problem in &mut reading.problems {
            problem.fatal |= problem.matters == Matters::Refused;
        }
        reading.done()?;
        let mut value = content.root.to_json();
        mask(&mut value, reading.known_variables());
        Ok(value)
    }

    /// Reads the file for those who judge it: a mistake is a problem of the result, whatever follows from it.
    ///
    /// # Errors
    ///
    /// There is no file, or the file is not YAML.
    pub(crate) fn written(file: &Path, environment: Option<&str>) -> Result<Written, ManifestError> {
        let mut reading = Reading::open(file)?;
        keys::correct(&mut reading.root, &mut reading.problems);
        let raw = reading.root.clone();
        let content = reading.resolve(environment);
        resources::read(&content, function::ACCOUNT_DEFAULT, &reading.folder, &mut reading.problems);
        Ok(Written {
            file: reading.file,
            text: reading.text,
            raw,
            root: content.root,
            components: content.components,
            problems: reading.problems,
        })
    }

    /// As the manifest, with programs that see this machine's files and network alone, so that everybody reaches them.
    /// `program` takes the place of the one that the functions name, and its folder that of code which is not there.
    pub(crate) fn in_the_open(&self, program: Option<&Path>) -> Self {
        let mut open = self.clone();
        for function in &mut open.functions {
            (function.local.mounts, function.local.network) = (false, false);
            if let Some(program) = program {
                function.container = None;
                function.command = vec![program.to_string_lossy().into_owned()];
                if let Some(folder) = program.parent().filter(|_| !function.code.is_dir()) {
                    folder.clone_into(&mut function.code);
                }
            }
        }
        open
    }
}

fn read_all(files: &[PathBuf]) -> Texts {
    files.iter().map(|file| alb::folder_text(file).or_else(|| text_file::read_octets(file).ok())).collect()
}

/// A manifest that is being read.
struct Reading {
    file: PathBuf,
    folder: PathBuf,
    current: PathBuf,
    text: String,
    root: Node,
    sources: Vec<PathBuf>,
    variables: Variables,
    problems: Vec<Problem>,
}

impl Reading {
    /// Parses the text. The contents are checked later.
    fn open(file: &Path) -> Result<Self, ManifestError> {
        let failed = |problem| ManifestError::new(file, vec![problem]);
        let text = text_file::read(file).map_err(|why| failed(Problem::error(1, why)))?;
        let absolute = std::path::absolute(file)
            .map_err(|error| failed(Problem::error(1, format!("cannot find its folder: {error}"))))?;
        let document = yaml::parse(&text).map_err(failed)?;
        let folder = absolute.parent().unwrap_or(Path::new("/")).to_owned();
        Ok(Reading {
            sources: vec![absolute.clone()],
            file: absolute,
            current: shell::current_folder().unwrap_or_else(|| folder.clone()),
            folder,
            text,
            root: document.root,
            variables: Variables::new(),
            problems: document.notes,
        })
    }

    /// Reads what belongs to the manifest, and replaces its expressions.
    fn resolve(&mut self, environment: Option<&str>) -> Content {
        if !matches!(self.root.value, Value::Map(_)) {
            let text = format!("the file must be a map of settings but is {}", self.root.kind());
            self.problems.push(Problem::error(self.root.line, text));
            self.root = Node::empty_map(self.root.line);
        }
        self.read_dot_env(&dot_env::first(&self.current));
        self.join_base();
        let files = dot_env::others(&self.current, &self.folder, &self.root);
        for file in &files {
            self.read_dot_env(file);
        }
        for file in dot_env::others(&self.folder, &self.folder, &self.root) {
            if !files.contains(&file) && file.is_file() {
                let text = format!(
                    "{} is not read: the deployment tool looks for it from the current folder",
                    file.display()
                );
                self.problems.push(Problem::note(1, text));
            }
        }
        let overlay = self.overlay(environment);
        let mut problems = std::mem::take(&mut self.problems);
        let lookup = |name: &str| self.variable(name);
        let surroundings =
            Surroundings { folder: &self.folder, environment: &lookup, overlay: overlay.as_ref() };
        let content = content::resolve(&self.root, surroundings, &mut problems);
        flow::check(&content.root, &mut problems);
        self.problems = problems;
        content
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned().or_else(|| shell::text(name))
    }

    /// Reads the load balancer in front of the functions.
    fn load_balancer(&mut self, content: &Content, functions: &[Function]) -> LoadBalancer {
        let mut problems = std::mem::take(&mut self.problems);
        let mut files = Vec::new();
        let names: Vec<String> = functions.iter().map(|function| function.name.clone()).collect();
        let surroundings = alb::Surroundings {
            file: &self.file,
            folder: &self.folder,
            functions: &names,
            environment: &|name| self.variable(name),
        };
        let load_balancer = alb::read(&content.root, &surroundings, &mut files, &mut problems);
        self.problems = problems;
        for file in &files {
            self.add_source(file);
        }
        load_balancer
    }

    fn add_source(&mut self, file: &Path) {
        if !self.sources.iter().any(|own| own == file) {
            self.sources.push(file.to_owned());
        }
    }

    fn read_dot_env(&mut self, file: &Path) {
        self.add_source(file);
        match text_file::read_octets(file) {
            Ok(octets) => {
                let text = String::from_utf8_lossy(&octets);
                if let Err(name) = dot_env::read(&text, &shell::text, &mut self.variables) {
                    let text = format!("{}: the value of {name} leads back to itself", file.display());
                    self.problems.push(Problem::error(1, text));
                }
            }
            // One that is not there is the common case.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(error) => {
                self.problems.push(Problem::note(1, format!("{} is not read: {error}", file.display())));
            }
        }
    }

    fn join_base(&mut self) {
        let Some(file) = base::file(&self.root, &self.folder) else { return };
        self.add_source(&file);
        let mut problems = std::mem::take(&mut self.problems);
        let lookup = |name: &str| self.variable(name);
        let surroundings = Surroundings { folder: &self.folder, environment: &lookup, overlay: None };
        match base::join(&self.root, &file, surroundings, &mut problems) {
            Ok(joined) => self.root = joined,
            Err(problem) => problems.push(problem),
        }
        self.problems = problems;
    }

    fn overlay(&mut self, name: Option<&str>) -> Option<Overlay> {
        let name = name?;
        if let Some(entry) = self.root.entry("extend").filter(|entry| entry.node.as_text().is_some()) {
            let text = "`extend` and an environment exclude one another";
            self.problems.push(Problem::error(entry.line, text));
            return None;
        }
        self.add_source(&overlay::file(&self.root, &self.folder));
        overlay::find(&self.root, &self.folder, name, &mut self.problems)
    }

    /// Sorts the problems, and ends if one of them is fatal.
    fn done(&mut self) -> Result<(), ManifestError> {
        self.problems.sort_by(|one, other| (&one.file, one.line).cmp(&(&other.file, other.line)));
        let mut kept: Vec<Problem> = Vec::new();
        for problem in std::mem::take(&mut self.problems) {
            if !kept.iter().any(|own| own.placed(&self.file) == problem.placed(&self.file)) {
                kept.push(problem);
            }
        }
        if kept.iter().any(|problem| problem.fatal) {
            return Err(ManifestError::new(&self.file, kept));
        }
        self.problems = kept;
        Ok(())
    }

    /// Knows the secrets that a build step may show: its own environment is the developer's.
    fn redactor(&self, functions: &[Function], domains: &[Domain]) -> Redactor {
        let variables = functions.iter().flat_map(|function| &function.environment);
        let variables = variables.map(|(name, value)| (name.as_str(), value.as_str()));
        let known = self.known_variables();
        let known = known.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let callers = functions.iter().flat_map(|function| &function.secrets);
        let callers = callers.filter_map(|secret| Some((SECRET, std::str::from_utf8(secret.reveal()).ok()?)));
        let keys = domains.iter().filter_map(|domain| domain.certificate.as_ref());
        let keys = keys.map(|certificate| ("privateKey", certificate.key.as_str()));
        Redactor::new(known.chain(variables).chain(keys).chain(callers))
    }

    /// The shell's variables and those of the `.env` files.
    fn known_variables(&self) -> Vec<(String, String)> {
        let shell = shell::variables().filter_map(|(name, value)| Some((name, value.into_string().ok()?)));
        let files = self.variables.iter().map(|(name, value)| (name.clone(), value.clone()));
        shell.chain(files).collect()
    }
}
