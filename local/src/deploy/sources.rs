//! The files whose changes matter.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::manifest::Manifest;
use crate::model::Function;

/// Folders with the products of tools. They hold no sources.
const MADE_BY_TOOLS: [&str; 5] = ["target", "node_modules", "__pycache__", "dist", "venv"];

/// Endings of files that are written while nobody changes a source: temporary files of editors, the logs of builds, and the
/// store of fc-local where `--data` says.
const OFTEN_WRITTEN: [&str; 4] = ["swp", "log", "redb", "journal"];

/// The most folders that are watched. The system's own limit is not much higher.
const FOLDERS_MAX: usize = 4096;

/// The sources, each with a number that changes whenever the file does.
pub(crate) type Files = HashMap<PathBuf, u64>;

/// The sources of a build, before its first step and after its last step.
#[derive(Debug, Default)]
pub(crate) struct BuiltFrom {
    /// The sources when the build began.
    pub(crate) before: Files,
    /// The sources after its last step.
    pub(crate) after: Files,
}

/// The folders and files to watch for one function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sources {
    roots: Vec<PathBuf>,
    /// The folder of the code. What a build changes in there, the build has made.
    code: PathBuf,
    /// The manifest's own files, and its folders of Terraform. The new contents decide what a change requires.
    manifest: Vec<PathBuf>,
    /// Whether documents are left out: the manifest does not name the build's sources.
    skips_documents: bool,
}

impl Sources {
    /// The sources of a function with build steps, or the code of a function without.
    pub(crate) fn of(function: &Function, manifest: &Manifest) -> Self {
        let is_built = !function.actions.is_empty();
        let roots = match (&function.local.watch[..], is_built) {
            ([], true) => vec![manifest.folder().to_owned()],
            ([], false) if function.container.is_some() => Vec::new(),
            ([], false) => vec![function.code.clone()],
            (chosen, _) => chosen.to_vec(),
        };
        Sources {
            roots,
            code: function.code.clone(),
            manifest: manifest.own_files().map(Path::to_owned).collect(),
            skips_documents: is_built && function.local.watch.is_empty(),
        }
    }

    /// What is watched.
    pub(crate) fn roots(&self) -> &[PathBuf] {
        &self.roots
    }

    /// Whether a file is part of the code.
    pub(crate) fn is_code(&self, file: &Path) -> bool {
        // An image has no code here.
        !self.code.as_os_str().is_empty() && file.starts_with(&self.code)
    }

    /// As [`files`](Self::files), on a thread where blocking does no harm.
    pub(crate) async fn files_apart(&self) -> Files {
        let own = self.clone();
        // The task fails only if the walk panics. Then the sources count as changed.
        tokio::task::spawn_blocking(move || own.files()).await.unwrap_or_default()
    }

    /// Every folder with sources, found on a thread where blocking does no harm.
    pub(crate) async fn folders_apart(&self) -> HashSet<PathBuf> {
        let own = self.clone();
        tokio::task::spawn_blocking(move || own.folders()).await.unwrap_or_default()
    }

    fn folders(&self) -> HashSet<PathBuf> {
        let mut found = HashSet::new();
        self.walk(&mut |path, metadata| {
            if metadata.is_dir() {
                found.insert(path.to_owned());
            } else if self.roots.iter().any(|root| root == path) {
                // A file is watched through its folder: an editor replaces the file, and a watch on the file would be
                // lost.
                found.extend(path.parent().map(Path::to_owned));
            }
        });
        found
    }

    fn files(&self) -> Files {
        let mut files = Files::new();
        self.walk(&mut |path, metadata| {
            if metadata.is_dir() {
                return;
            }
            let mut hasher = DefaultHasher::new();
            metadata.len().hash(&mut hasher);
            metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH).hash(&mut hasher);
            files.insert(path.to_owned(), hasher.finish());
        });
        files
    }

    fn walk(&self, visit: &mut dyn FnMut(&Path, &std::fs::Metadata)) {
        let own_output = own_output();
        let mut folders: Vec<PathBuf> = Vec::new();
        for root in &self.roots {
            // A file that is gone or unreadable is checked again after the next change.
            let Ok(metadata) = std::fs::metadata(root) else { continue };
            visit(root, &metadata);
            if metadata.is_dir() {
                folders.push(root.clone());
            }
        }
        let mut seen = 0;
        while let Some(folder) = folders.pop() {
            seen += 1;
            if seen > FOLDERS_MAX {
                return;
            }
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            for entry in entries.flatten() {
                let path = entry.path();
                let Ok(metadata) = entry.metadata() else { continue };
                let is_own_output = own_output.contains(&(metadata.dev(), metadata.ino()));
                if is_own_output || self.is_ignored(&path, metadata.is_dir()) {
                    continue;
                }
                visit(&path, &metadata);
                if metadata.is_dir() {
                    folders.push(path);
                }
            }
        }
    }

    fn is_ignored(&self, path: &Path, is_folder: bool) -> bool {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if is_folder {
            return name.starts_with('.') || MADE_BY_TOOLS.contains(&name);
        }
        let is_own = |path: &Path| self.manifest.iter().any(|own| own == path);
        // A folder of Terraform is the manifest's own as far as Terraform reads it.
        if is_own(path) || path.parent().is_some_and(is_own) && is_terraform(name) {
            return true;
        }
        if self.skips_documents && is_document(name) {
            return true;
        }
        // Editors write a temporary file and rename it.
        name.ends_with('~')
            || path.extension().is_some_and(|ending| OFTEN_WRITTEN.iter().any(|own| ending == *own))
            || name.starts_with(".#")
            || name == "4913"
    }
}

fn is_terraform(name: &str) -> bool {
    let ending = Path::new(name).extension();
    ending.is_some_and(|ending| ending == "tf" || ending == "tfvars")
}

/// Whether the file is a document, which no build reads.
fn is_document(name: &str) -> bool {
    const DOCUMENTS: [&str; 8] =
        ["readme", "changelog", "contributing", "license", "licence", "notice", "authors", "copying"];
    let stem = name.split(['.', '-']).next().unwrap_or_default();
    let is_text =
        name.rsplit_once('.').is_none_or(|(_, ending)| ["md", "txt", "rst", "adoc"].contains(&ending));
    name == ".gitignore" || is_text && DOCUMENTS.iter().any(|document| stem.eq_ignore_ascii_case(document))
}

/// The files that fc-local itself writes to, by device and inode. Otherwise each line of output would count as a
/// change.
fn own_output() -> Vec<(u64, u64)> {
    let files = ["/proc/self/fd/1", "/proc/self/fd/2"].into_iter();
    files.filter_map(|file| std::fs::metadata(file).ok()).map(|file| (file.dev(), file.ino())).collect()
}
