//! What others ask of a manifest that was read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Manifest, Texts, read_all};
use crate::event::Redactor;
use crate::manifest::Variables;
use crate::manifest::problem::Problem;
use crate::model::alb::LoadBalancer;
use crate::model::{Domain, Function};

impl Manifest {
    /// No manifest: a local account without functions of its own. `place` is known to others in the manifest's place.
    pub(crate) fn none(place: &Path) -> Self {
        Manifest {
            file: place.to_owned(),
            environment: None,
            functions: Vec::new(),
            props: BTreeMap::new(),
            domains: Vec::new(),
            load_balancer: LoadBalancer::default(),
            notes: Vec::new(),
            sources: Vec::new(),
            texts: Texts::new(),
            variables: Variables::new(),
            redactor: Redactor::new([]),
        }
    }

    pub(crate) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// What the `.env` files set, for build steps. They hold the shell's own variables where both have a name.
    pub(crate) fn variables(&self) -> &Variables {
        &self.variables
    }

    /// The file's absolute path.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The environment that is laid over the file.
    pub(crate) fn environment(&self) -> Option<&str> {
        self.environment.as_deref()
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

    /// The properties of a function, as the file has them with its expressions replaced.
    pub(crate) fn props(&self, function: &str) -> Option<&serde_json::Value> {
        self.props.get(function)
    }

    /// The custom domains, in the file's order.
    pub(crate) fn domains(&self) -> &[Domain] {
        &self.domains
    }

    /// The listeners in front of the functions; there may be none.
    pub(crate) fn load_balancer(&self) -> &LoadBalancer {
        &self.load_balancer
    }

    /// Whether the files have changed since they were read.
    pub(crate) fn is_outdated(&self) -> bool {
        self.texts_now() != self.texts
    }

    /// What the files hold now.
    pub(crate) fn texts_now(&self) -> Texts {
        read_all(&self.sources)
    }

    /// The files that only the manifest reads: the manifest, its base and its environments. Functions may also read a
    /// `.env` file.
    pub(crate) fn own_files(&self) -> impl Iterator<Item = &Path> {
        let files = self.sources.iter().map(PathBuf::as_path);
        files.filter(|file| file.file_name().is_some_and(|name| name != ".env"))
    }

    /// The folders of the files, to be watched, and those that are read whole.
    pub(crate) fn source_folders(&self) -> impl Iterator<Item = &Path> {
        let around = self.sources.iter().filter_map(|file| file.parent());
        around.chain(self.sources.iter().map(PathBuf::as_path).filter(|file| file.is_dir()))
    }

    pub(crate) fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new("/"))
    }
}
