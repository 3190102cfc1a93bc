//! The folder for temporary files of one fc-local: copies of code, and what instances get beside their code.

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::interpreters;
use crate::instance::MountFolders;
use crate::process::resolver;
use crate::shell;
use crate::wire::ids;

/// The begin of the folder's name. Behind it stands the process.
const PREFIX: &str = "fc-local-";

/// Others may pass, since a server may drop its rights and still needs its code. Nobody else sees the list.
const MODE: u32 = 0o711;

/// Holds the copies, and removes them in the end.
#[derive(Debug)]
pub(crate) struct Workspace {
    folder: PathBuf,
    count: AtomicU64,
    /// The interpreters' folders by name, each with this machine's program.
    interpreters: Mutex<HashMap<String, Option<PathBuf>>>,
}

impl Workspace {
    /// A new, empty folder. Folders that a killed fc-local left behind are removed.
    pub(crate) fn create() -> io::Result<Self> {
        let root = shell::temporary_folder();
        remove_leftovers(&root);
        let own = ids::request();
        let folder = root.join(format!("{PREFIX}{}-{}", std::process::id(), own));
        std::fs::create_dir(&folder)?;
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(MODE))?;
        Ok(Workspace { folder, count: AtomicU64::new(0), interpreters: Mutex::default() })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folders of processes that run.
    pub(super) fn running(root: &Path) -> impl Iterator<Item = PathBuf> + use<> {
        workspaces(root).filter(|(_, is_running)| *is_running).map(|(folder, _)| folder)
    }

    /// The name of a folder that is not there yet.
    pub(super) fn new_folder(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}-{}", self.count.fetch_add(1, Ordering::Relaxed)))
    }

    /// An empty folder: the code of functions that are images.
    pub(super) fn nothing(&self) -> io::Result<PathBuf> {
        let folder = self.folder.join("nothing");
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Makes the folders that mounts need. `kept` are entries of `/tmp` that instances see as well.
    pub(super) fn mount_folders(&self, kept: Vec<PathBuf>) -> io::Result<MountFolders> {
        let folders = MountFolders {
            root: self.folder.join("root"),
            scratches: self.folder.join("tmp"),
            kept,
            resolver: self.resolver()?,
        };
        std::fs::create_dir_all(&folders.root)?;
        std::fs::create_dir_all(&folders.scratches)?;
        Ok(folders)
    }

    /// The file that names the resolver in a network of an instance's own. `None` where this machine's file does.
    fn resolver(&self) -> io::Result<Option<PathBuf>> {
        if !resolver::is_on_loopback() {
            return Ok(None);
        }
        let file = self.folder.join("resolv.conf");
        std::fs::write(&file, format!("nameserver {}\n", resolver::IN_NETWORKS))?;
        Ok(Some(file))
    }

    /// Makes the folder that stands for an interpreter of the platform's image. `None` if this machine has no such
    /// program, or has the platform's folder itself. The program is told when the folder is new.
    pub(super) fn interpreter(
        &self,
        name: &str,
        tell: impl FnOnce(&Path, PathBuf),
    ) -> Option<(PathBuf, PathBuf)> {
        let point = Path::new(interpreters::FOLDER).join(name);
        let folder = self.folder.join("lang").join(name);
        let mut known = self.interpreters.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains_key(name) {
            let program =
                if point.exists() { None } else { interpreters::link(name, &folder).ok().flatten() };
            if let Some(program) = &program {
                tell(&point, program.clone());
            }
            known.insert(name.to_owned(), program);
        }
        known.get(name)?.as_ref().map(|_| (point, folder))
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next start.
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

fn remove_leftovers(root: &Path) {
    for (folder, _) in workspaces(root).filter(|(_, is_running)| !is_running) {
        drop(std::fs::remove_dir_all(folder));
    }
}

/// The folders of all processes, and whether the process still runs.
fn workspaces(root: &Path) -> impl Iterator<Item = (PathBuf, bool)> + use<> {
    std::fs::read_dir(root).into_iter().flatten().flatten().filter_map(|entry| {
        let name = entry.file_name();
        let pid: u32 = name.to_str()?.strip_prefix(PREFIX)?.split('-').next()?.parse().ok()?;
        Some((entry.path(), Path::new(&format!("/proc/{pid}")).exists()))
    })
}
