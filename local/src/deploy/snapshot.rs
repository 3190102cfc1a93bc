//! The code that instances run: a copy, so that a build never changes a program under a running instance.
//!
//! The platform does the same by its code package.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::copy::Contents;
use super::workspace::Workspace;

/// The largest code package of the platform. A larger folder is run in place.
const SIZE_MAX: u64 = 500 * 1024 * 1024;

/// How often the progress of a long copy is told.
const PROGRESS: Duration = Duration::from_secs(1);

/// Where a function's code is. Generations of the same code share one copy.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) folder: PathBuf,
    /// The copy of the code, if the folder is one.
    copy: Option<Arc<Copy>>,
}

#[derive(Debug)]
struct Copy {
    folder: PathBuf,
    of: Contents,
}

impl Snapshot {
    /// Copies `code`, as the deployment tool would pack it. An unchanged folder is not copied again: `former` is taken.
    /// `progress` gets the size so far and the whole size of a copy that takes long.
    pub(super) fn take(
        workspace: &Workspace,
        code: &Path,
        function: &str,
        former: Option<&Snapshot>,
        progress: &dyn Fn(u64, u64),
    ) -> io::Result<Self> {
        let contents = Contents::of(code, SIZE_MAX)?;
        if contents.bytes > SIZE_MAX {
            return Ok(Snapshot::in_place(code));
        }
        if let Some(former) = former
            && former.copy.as_ref().is_some_and(|copy| contents.is_as_copied(code, &copy.of, &copy.folder))
        {
            return Ok(former.clone());
        }
        let folder = workspace.new_folder(function);
        let mut told = Instant::now();
        contents.copy(code, &folder, &mut |copied| {
            if told.elapsed() >= PROGRESS {
                told = Instant::now();
                progress(copied, contents.bytes);
            }
        })?;
        let bootstrap = folder.join("bootstrap");
        if let Ok(metadata) = std::fs::symlink_metadata(&bootstrap)
            && metadata.is_file()
        {
            // The deployment tool packs a file of this name as executable, whatever its mode on disk.
            std::fs::set_permissions(&bootstrap, std::fs::Permissions::from_mode(0o755))?;
        }
        let copy = Arc::new(Copy { folder: folder.clone(), of: contents });
        Ok(Snapshot { folder, copy: Some(copy) })
    }

    /// Code that is not copied, and stays.
    pub(super) fn in_place(code: &Path) -> Self {
        Snapshot { folder: code.to_owned(), copy: None }
    }

    pub(super) fn is_copy(&self) -> bool {
        self.copy.is_some()
    }
}

/// Removes a copy that nothing runs from any more, on a thread where blocking does no harm. A copy that another generation
/// runs from stays.
pub(crate) async fn remove(snapshot: Snapshot) {
    if let Some(copy) = snapshot.copy.and_then(Arc::into_inner) {
        // The copy goes with the workspace at the latest.
        drop(tokio::task::spawn_blocking(move || std::fs::remove_dir_all(copy.folder)).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_copy_keeps_modes_links_and_makes_bootstrap_executable() {
        let workspace = Workspace::create().unwrap();
        let code = workspace.folder().join("source");
        std::fs::create_dir_all(code.join("sub")).unwrap();
        std::fs::write(code.join("bootstrap"), "#!/bin/sh\n").unwrap();
        std::fs::write(code.join("sub/data"), "x").unwrap();
        std::os::unix::fs::symlink("sub/data", code.join("link")).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        std::fs::set_permissions(code.join("bootstrap"), std::fs::Permissions::from_mode(0o644)).unwrap();
        std::fs::set_permissions(code.join("sub"), std::fs::Permissions::from_mode(0o711)).unwrap();
        let take =
            |former: Option<&Snapshot>| Snapshot::take(&workspace, &code, "f", former, &|_, _| {}).unwrap();

        let snapshot = take(None);
        assert!(snapshot.is_copy() && snapshot.folder != code);
        assert_eq!(mode(&snapshot.folder.join("bootstrap")), 0o755);
        assert_eq!(mode(&snapshot.folder.join("sub")), 0o711);
        assert_eq!(mode(&code.join("bootstrap")), 0o644);
        assert_eq!(std::fs::read_link(snapshot.folder.join("link")).unwrap(), Path::new("sub/data"));

        // The same code is the same copy, which stays as long as somebody has it.
        let same = take(Some(&snapshot));
        assert_eq!(same.folder, snapshot.folder);
        // Also if each file was written anew, and comes out the same. A copy would be another folder.
        for name in ["bootstrap", "sub/data"] {
            let text = std::fs::read(code.join(name)).unwrap();
            std::fs::remove_file(code.join(name)).unwrap();
            std::fs::write(code.join(name), text).unwrap();
        }
        assert_eq!(take(Some(&snapshot)).folder, snapshot.folder);
        let folder = snapshot.folder.clone();
        remove(snapshot).await;
        assert!(folder.exists());
        std::fs::write(code.join("sub/data"), "y").unwrap();
        let other = take(Some(&same));
        assert_ne!(other.folder, same.folder);
        remove(same).await;
        assert!(!folder.exists() && other.folder.exists() && code.exists());
        let folder = workspace.folder().to_owned();
        drop(workspace);
        assert!(!folder.exists());
    }
}
