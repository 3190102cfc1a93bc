//! The code that instances run: a copy, so that a build never changes a program under a running instance.
//!
//! The platform does the same by its code package.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::store::FOLDER;
use crate::shell;
use crate::wire::ids;

/// The largest code package of the platform. A larger folder is run in place.
const SIZE_MAX: u64 = 500 * 1024 * 1024;

/// Holds the copies, and removes them in the end.
#[derive(Debug)]
pub(crate) struct Workspace {
    folder: PathBuf,
    count: AtomicU64,
}

/// Where a function's code is, for one generation.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) folder: PathBuf,
    /// Whether the folder is a copy of the code.
    pub(crate) is_copy: bool,
}

const PREFIX: &str = "fc-local-";

impl Workspace {
    /// A new, empty folder. Folders that a killed fc-local left behind are removed.
    pub(crate) fn create() -> io::Result<Self> {
        let root = shell::temporary_folder();
        remove_leftovers(&root);
        let own = ids::request();
        let folder = root.join(format!("{PREFIX}{}-{}", std::process::id(), own));
        std::fs::create_dir(&folder)?;
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700))?;
        Ok(Workspace { folder, count: AtomicU64::new(0) })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folders of processes that run.
    pub(super) fn running(root: &Path) -> impl Iterator<Item = PathBuf> + use<> {
        workspaces(root).filter(|(_, is_running)| *is_running).map(|(folder, _)| folder)
    }

    /// Copies `code`, as the deployment tool would pack it.
    pub(crate) fn snapshot(&self, code: &Path, function: &str) -> io::Result<Snapshot> {
        if size(code, SIZE_MAX)? > SIZE_MAX {
            return Ok(Snapshot { folder: code.to_owned(), is_copy: false });
        }
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder.join(format!("{function}-{number}"));
        copy(code, &folder)?;
        let bootstrap = folder.join("bootstrap");
        if let Ok(metadata) = std::fs::symlink_metadata(&bootstrap)
            && metadata.is_file()
        {
            // The deployment tool packs a file of this name as executable, whatever its mode on disk.
            std::fs::set_permissions(&bootstrap, std::fs::Permissions::from_mode(0o755))?;
        }
        Ok(Snapshot { folder, is_copy: true })
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next start.
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// Removes a copy that nothing runs from any more, on a thread where blocking does no harm.
pub(crate) async fn remove(snapshot: Snapshot) {
    if snapshot.is_copy {
        // It goes with the workspace at the latest.
        drop(tokio::task::spawn_blocking(move || std::fs::remove_dir_all(snapshot.folder)).await);
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

/// The size of everything below, counted until `limit` is passed.
fn size(folder: &Path, limit: u64) -> io::Result<u64> {
    let mut total = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if entry.file_name() == FOLDER {
                continue;
            }
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                total += metadata.len();
            }
            if total > limit {
                return Ok(total);
            }
        }
    }
    Ok(total)
}

/// Copies a folder without the local state of the project, which is no code.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_name() == FOLDER {
            continue;
        }
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy(&source, &target)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(&source)?, &target)?;
        } else if kind.is_file() {
            std::fs::copy(&source, &target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_copy_keeps_modes_links_and_makes_bootstrap_executable() {
        let workspace = Workspace::create().unwrap();
        let code = workspace.folder.join("source");
        std::fs::create_dir_all(code.join("sub")).unwrap();
        std::fs::write(code.join("bootstrap"), "#!/bin/sh\n").unwrap();
        std::fs::write(code.join("sub/data"), "x").unwrap();
        std::os::unix::fs::symlink("sub/data", code.join("link")).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        std::fs::set_permissions(code.join("bootstrap"), std::fs::Permissions::from_mode(0o644)).unwrap();

        let snapshot = workspace.snapshot(&code, "f").unwrap();
        assert!(snapshot.is_copy && snapshot.folder != code);
        assert_eq!(mode(&snapshot.folder.join("bootstrap")), 0o755);
        assert_eq!(mode(&code.join("bootstrap")), 0o644);
        assert_eq!(std::fs::read_link(snapshot.folder.join("link")).unwrap(), Path::new("sub/data"));
        remove(snapshot.clone()).await;
        assert!(!snapshot.folder.exists() && code.exists());
        let folder = workspace.folder.clone();
        drop(workspace);
        assert!(!folder.exists());
    }
}
