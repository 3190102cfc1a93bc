//! Mounts: an instance finds its code at `/code`, as on the platform, and has a `/tmp` of its own.
//!
//! The shim makes a mount namespace before it becomes the program, and a new root in it. The new root shows this machine's
//! folders, and at the mount points the function's. Users without rights get a user namespace for that, in which they
//! keep their own number.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags};
use rustix::thread::UnshareFlags;

use super::disk::Disk;
use super::role::{MOUNT, NOTHING, own_file};

/// Everybody may write, and nobody may remove what belongs to others.
const TEMPORARY_MODE: u32 = 0o1777;

/// What an instance finds at the platform's places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mounts {
    /// An empty folder, where the new root is mounted. Nobody outside the namespace sees that.
    pub(crate) root: PathBuf,
    /// The working folder, as the program sees it.
    pub(crate) folder: PathBuf,
    /// Each mount point with the folder or file of this machine that is shown there, in the order of mounting.
    pub(crate) points: Vec<(PathBuf, PathBuf)>,
    /// The folder that becomes `/tmp`. The guard makes it and removes it, if the program is the instance itself.
    pub(crate) scratch: Option<PathBuf>,
    /// How much `/tmp` may hold, in bytes.
    pub(crate) disk: u64,
}

impl Mounts {
    /// Finds out whether mounts can be made here, by making some. `Err` says why not.
    pub(crate) fn try_out(root: &Path) -> Result<(), String> {
        let points = vec![(PathBuf::from("/code"), root.to_owned())];
        let trial = Mounts { root: root.to_owned(), folder: "/code".into(), points, scratch: None, disk: 0 };
        let mut command = Command::new(own_file());
        command.arg(MOUNT).args(trial.arguments()).stdin(Stdio::null()).stderr(Stdio::null());
        let output = command.output().map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(());
        }
        let why = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Err(if why.is_empty() { "a namespace cannot be made".to_owned() } else { why })
    }

    /// The mounts as arguments of a guard or a shim. [`Mounts::parse`] reads them.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let scratch = self.scratch.as_ref().map_or_else(|| NOTHING.into(), Into::into);
        let mut arguments: Vec<OsString> =
            vec![(&self.root).into(), (&self.folder).into(), scratch, self.disk.to_string().into()];
        arguments.push(self.points.len().to_string().into());
        for (point, source) in &self.points {
            arguments.extend([point.into(), source.into()]);
        }
        arguments
    }

    /// The arguments of a program without mounts.
    pub(super) fn no_arguments() -> Vec<OsString> {
        vec![NOTHING.into()]
    }

    /// Reads the mounts at the front of `arguments`, and gives the arguments behind them.
    pub(super) fn parse(arguments: &[OsString]) -> Option<(Option<Self>, &[OsString])> {
        let (root, rest) = arguments.split_first()?;
        if root == NOTHING {
            return Some((None, rest));
        }
        let [folder, scratch, disk, count, rest @ ..] = rest else { return None };
        let count: usize = count.to_str()?.parse().ok()?;
        let (pairs, rest) = rest.split_at_checked(count.checked_mul(2)?)?;
        let mounts = Mounts {
            root: root.into(),
            folder: folder.into(),
            points: pairs.chunks_exact(2).map(|pair| ((&pair[0]).into(), (&pair[1]).into())).collect(),
            scratch: (scratch != NOTHING).then(|| scratch.into()),
            disk: disk.to_str()?.parse().ok()?,
        };
        Some((Some(mounts), rest))
    }

    /// Creates the folder that becomes `/tmp`.
    pub(super) fn create_scratch(&self) -> io::Result<()> {
        let Some(folder) = &self.scratch else { return Ok(()) };
        fs::create_dir_all(folder)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(TEMPORARY_MODE))
    }

    /// Watches how much `/tmp` holds, if it is a folder of the instance's own.
    pub(super) fn disk(&self) -> Option<Disk> {
        Some(Disk::new(self.scratch.clone()?, self.disk))
    }

    /// Removes the folder that was `/tmp`, after the last process of the instance.
    pub(super) fn remove_scratch(&self) {
        if let Some(folder) = &self.scratch {
            // What cannot be removed goes with the folder of fc-local, or at the next start.
            _ = fs::remove_dir_all(folder);
        }
    }

    /// Moves this process, which must have one thread, to a root with the mounts.
    pub(super) fn enter(&self) -> io::Result<()> {
        unshare().map_err(|error| said("cannot make a mount namespace", &error))?;
        let make = || -> io::Result<()> {
            // Mounts of the machine go on to appear here, and none of here appears there.
            let to_here = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
            rustix::mount::mount_change("/", to_here)?;
            let flags = MountFlags::NOSUID | MountFlags::NODEV;
            rustix::mount::mount("tmpfs", &self.root, "tmpfs", flags, c"mode=755")?;
            self.mirror(Path::new("/"))?;
            for (point, source) in &self.points {
                self.show(source, point).map_err(|error| said(&point.display().to_string(), &error))?;
            }
            Ok(())
        };
        make().map_err(|error| said("cannot mount", &error))?;
        self.move_in().map_err(|error| said("cannot change the root", &error))?;
        std::env::set_current_dir(&self.folder).map_err(|error| said("cannot enter the code", &error))
    }

    /// Where `path` is while the new root is being made.
    fn inside(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Shows what this machine has in `folder`. A folder with a mount point below is made anew, since nothing may be
    /// created in the machine's own.
    fn mirror(&self, folder: &Path) -> io::Result<()> {
        let is_point = |path: &Path| self.points.iter().any(|(point, _)| point == path);
        let has_point = |path: &Path| self.points.iter().any(|(point, _)| point.starts_with(path));
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if is_point(&path) {
                continue;
            }
            let found = fs::symlink_metadata(&path)?;
            if has_point(&path) && path.is_dir() {
                let made = self.inside(&path);
                fs::create_dir(&made)?;
                fs::set_permissions(&made, fs::metadata(&path)?.permissions())?;
                self.mirror(&path)?;
            } else if found.is_symlink() {
                std::os::unix::fs::symlink(fs::read_link(&path)?, self.inside(&path))?;
            } else {
                self.show(&path, &path)?;
            }
        }
        Ok(())
    }

    /// Shows `source` at `point`, with everything that is mounted below.
    fn show(&self, source: &Path, point: &Path) -> io::Result<()> {
        let target = self.inside(point);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        if source.is_dir() {
            fs::create_dir_all(&target)?;
        } else {
            fs::OpenOptions::new().create(true).append(true).open(&target)?;
        }
        Ok(rustix::mount::mount_bind_recursive(source, &target)?)
    }

    fn move_in(&self) -> io::Result<()> {
        std::env::set_current_dir(&self.root)?;
        if rustix::process::pivot_root(".", ".").is_ok() {
            // The former root lies over the new one.
            return Ok(rustix::mount::unmount(".", UnmountFlags::DETACH)?);
        }
        // A root in the memory of the kernel's start cannot be exchanged.
        rustix::mount::mount_move(".", "/")?;
        Ok(rustix::process::chroot(".")?)
    }
}

/// Tries the mounts of the arguments out, and says on standard output what is in the way.
pub(super) fn check(arguments: &[OsString]) -> Result<(), String> {
    let Some((Some(mounts), _)) = Mounts::parse(arguments) else { return Err(String::new()) };
    mounts.enter().map_err(|error| error.to_string())
}

fn said(what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

fn unshare() -> io::Result<()> {
    #[expect(deprecated, reason = "what makes it unsafe is the flag `FILES` alone")]
    let unshared = rustix::thread::unshare(UnshareFlags::NEWNS);
    if unshared.is_ok() {
        return Ok(());
    }
    unshare_as_user(UnshareFlags::NEWNS)
}

/// Makes namespaces of `kinds` without rights, in a user namespace in which the user keeps the own number.
pub(super) fn unshare_as_user(kinds: UnshareFlags) -> io::Result<()> {
    let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    #[expect(deprecated, reason = "what makes it unsafe is the flag `FILES` alone")]
    rustix::thread::unshare(UnshareFlags::NEWUSER | kinds)?;
    // Without this no group could be set at all.
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("{group} {group} 1"))
}

/// The entries of `/tmp` in which one of `needed` lies. They stay where they are, also for a program with a `/tmp` of its
/// own: a project in `/tmp` would not find its tools otherwise.
pub(crate) fn kept_in_tmp<'a>(needed: impl IntoIterator<Item = &'a Path>) -> Vec<PathBuf> {
    let mut kept = Vec::new();
    for path in needed {
        let Ok(below) = path.strip_prefix("/tmp") else { continue };
        let Some(first) = below.iter().next() else { continue };
        let entry = Path::new("/tmp").join(OsStr::new(first));
        if !kept.contains(&entry) && entry.is_dir() {
            kept.push(entry);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_survive_the_way_to_the_shim() {
        let points = vec![("/code".into(), "/a b".into()), ("/tmp".into(), "/c".into())];
        for scratch in [None, Some("/c".into())] {
            let mounts = Mounts {
                root: "/r".into(),
                folder: "/code".into(),
                points: points.clone(),
                scratch,
                disk: 7,
            };
            let mut arguments = mounts.arguments();
            arguments.push("program".into());
            let (parsed, rest) = Mounts::parse(&arguments).unwrap();
            assert_eq!((parsed, rest), (Some(mounts), &["program".into()][..]));
        }
        let mut arguments = Mounts::no_arguments();
        arguments.push("program".into());
        assert_eq!(Mounts::parse(&arguments), Some((None, &["program".into()][..])));
        for broken in [
            &["/r", "/code", "-"][..],
            &["/r", "/code", "-", "0", "2", "/a", "/b"],
            &["/r", "/code", "-", "0", "x"],
            &["/r", "/code", "-", "x", "0"],
        ] {
            let arguments: Vec<OsString> = broken.iter().map(Into::into).collect();
            assert_eq!(Mounts::parse(&arguments), None, "{broken:?}");
        }
    }

    #[test]
    fn a_project_in_tmp_stays_where_it_is() {
        let folder = tempfile();
        let inner = folder.join("a/b");
        assert_eq!(kept_in_tmp([inner.as_path(), &folder]), std::slice::from_ref(&folder));
        assert!(
            kept_in_tmp([Path::new("/home/x"), Path::new("/tmp"), Path::new("/tmp/none-such/x")]).is_empty()
        );
        fs::remove_dir_all(folder).unwrap();
    }

    fn tempfile() -> PathBuf {
        let folder = Path::new("/tmp").join(format!("fclt-mounts-{}", std::process::id()));
        fs::create_dir_all(folder.join("a/b")).unwrap();
        folder
    }
}
