//! Memory limits that the kernel enforces: a control group for each instance, where this machine allows control groups.
//!
//! With version 1 of control groups, an instance's group is created below fc-local's own group. With version 2, a group
//! with processes cannot have limited groups below. So the instance's group is created beside fc-local's own, or higher
//! up: where limits are delegated, and where this user may move processes.

use std::fs;
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::role::{JOIN, own_file};

/// `fc-local-<process>-<name>`. The process number lets a later fc-local find groups that are no longer needed.
const PREFIX: &str = "fc-local-";

/// Enough for the trial's program, which ends at once.
const TRIAL_LIMIT: u64 = 64 * 1024 * 1024;

/// The folder in which groups are created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cgroups {
    folder: PathBuf,
}

impl Cgroups {
    /// Finds out whether limits can be set here, by setting one. `Err` says why not.
    pub(crate) fn find() -> Result<Self, String> {
        let read = |file: &str| fs::read_to_string(file).map_err(|error| format!("{file}: {error}"));
        let hierarchy = hierarchy(&read("/proc/self/cgroup")?, &read("/proc/self/mountinfo")?)
            .ok_or("the memory controller of control groups is not mounted")?;
        let mut why = "no control group above fc-local's hands out memory limits".to_owned();
        for folder in hierarchy.candidates() {
            let found = Cgroups { folder };
            match found.try_out() {
                Ok(()) => {
                    found.remove_leftovers();
                    return Ok(found);
                }
                Err(error) => why = format!("{}: {error}", found.folder.display()),
            }
        }
        Err(why)
    }

    fn try_out(&self) -> io::Result<()> {
        let group = self.group("trial", TRIAL_LIMIT)?;
        if group.kills().is_none() {
            return Err(io::Error::other("the kernel does not count what it kills for want of memory"));
        }
        let joined = Command::new(own_file())
            .arg(JOIN)
            .arg(&group.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        if joined.success() { Ok(()) } else { Err(io::Error::other("processes cannot be moved there")) }
    }

    /// Creates a group with a memory limit and without swap.
    pub(crate) fn group(&self, name: &str, limit: u64) -> io::Result<OwnGroup> {
        let folder = self.folder.join(format!("{PREFIX}{}-{name}", std::process::id()));
        fs::create_dir(&folder)?;
        let group = OwnGroup(Group { folder });
        group.limit(limit)?;
        Ok(group)
    }

    /// Removes the groups that a killed fc-local left behind.
    fn remove_leftovers(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            // An entry of this form that names no process is not fc-local's.
            let owner = name
                .to_str()
                .and_then(|name| name.strip_prefix(PREFIX)?.split_once('-')?.0.parse::<u32>().ok());
            if owner.is_some_and(|owner| !Path::new("/proc").join(owner.to_string()).exists()) {
                // A group that still has processes stays. The next start tries again.
                _ = fs::remove_dir(entry.path());
            }
        }
    }
}

/// A group by its folder.
#[derive(Debug)]
pub(crate) struct Group {
    folder: PathBuf,
}

/// A group that this process created. The drop removes the group. The guard removes the group too, because the guard
/// outlives a killed fc-local.
#[derive(Debug)]
pub(crate) struct OwnGroup(Group);

impl Group {
    pub(super) fn at(folder: &Path) -> Self {
        Group { folder: folder.to_owned() }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn limit(&self, bytes: u64) -> io::Result<()> {
        let set = |file: &str, value: &str| fs::write(self.folder.join(file), value);
        let bytes = bytes.to_string();
        if self.folder.join("memory.max").exists() {
            set("memory.max", &bytes)?;
            // Without swap in the kernel there is nothing to turn off.
            _ = set("memory.swap.max", "0");
            return set("memory.oom.group", "1");
        }
        set("memory.limit_in_bytes", &bytes)?;
        _ = set("memory.memsw.limit_in_bytes", &bytes).or_else(|_| set("memory.swappiness", "0"));
        Ok(())
    }

    /// Moves this process into the group.
    pub(super) fn join(&self) -> io::Result<()> {
        fs::write(self.folder.join("cgroup.procs"), std::process::id().to_string())
    }

    /// The number of processes that the kernel killed at the limit. `None` if the kernel does not count them.
    pub(crate) fn kills(&self) -> Option<u64> {
        let files = ["memory.events", "memory.oom_control"];
        files.iter().find_map(|file| count(&fs::read_to_string(self.folder.join(file)).ok()?, "oom_kill"))
    }

    /// The most memory that was in use, in bytes.
    pub(crate) fn peak(&self) -> u64 {
        let files = ["memory.peak", "memory.max_usage_in_bytes", "memory.max"];
        let read = |file: &&str| fs::read_to_string(self.folder.join(file)).ok()?.trim().parse().ok();
        files.iter().find_map(read).unwrap_or(0)
    }

    pub(super) fn remove(&self) {
        // The guard and fc-local both remove the group. One of them may find processes in the group, the other may find
        // no group.
        _ = fs::remove_dir(&self.folder);
    }
}

impl Deref for OwnGroup {
    type Target = Group;

    fn deref(&self) -> &Group {
        &self.0
    }
}

impl Drop for OwnGroup {
    fn drop(&mut self) {
        self.remove();
    }
}

/// The number behind `key` in lines of keys and numbers.
fn count(text: &str, key: &str) -> Option<u64> {
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    pairs.filter(|(name, _)| *name == key).find_map(|(_, number)| number.trim().parse().ok())
}

/// The tree of groups that limits memory, and where fc-local stands in it.
#[derive(Debug, PartialEq, Eq)]
struct Hierarchy {
    mount: PathBuf,
    own: PathBuf,
    is_unified: bool,
}

impl Hierarchy {
    /// The folders in which a group with a limit may be possible, best first.
    fn candidates(&self) -> Vec<PathBuf> {
        if !self.is_unified {
            return vec![self.own.clone()];
        }
        let hands_out = |folder: &&Path| {
            let enabled = fs::read_to_string(folder.join("cgroup.subtree_control"));
            enabled.is_ok_and(|enabled| enabled.split_whitespace().any(|name| name == "memory"))
        };
        let up = self.own.ancestors().take_while(|folder| folder.starts_with(&self.mount));
        up.filter(hands_out).map(Path::to_owned).collect()
    }
}

/// Reads `/proc/self/cgroup` and `/proc/self/mountinfo`.
fn hierarchy(groups: &str, mounts: &str) -> Option<Hierarchy> {
    let own = |wanted: &dyn Fn(&str) -> bool| {
        groups.lines().find_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            wanted(controllers).then(|| path.to_owned())
        })
    };
    let has_memory = |list: &str| list.split(',').any(|name| name == "memory");
    let (path, is_unified) = match own(&has_memory) {
        Some(path) => (path, false),
        None => (own(&str::is_empty)?, true),
    };
    mounts.lines().find_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let mut fields = left.split(' ').skip(3);
        let (root, mount) = (fields.next()?, Path::new(fields.next()?));
        let mut kind = right.split(' ');
        let is_wanted = match kind.next()? {
            "cgroup2" => is_unified,
            "cgroup" => !is_unified && has_memory(kind.nth(1)?),
            _ => false,
        };
        if !is_wanted {
            return None;
        }
        // A container sees a part of the tree: the mount's root is one of the groups.
        let below = Path::new(&path).strip_prefix(root).ok()?;
        Some(Hierarchy { mount: mount.to_owned(), own: mount.join(below), is_unified })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(groups: &str, mounts: &str, expected: Option<(&str, bool)>) {
        let found = hierarchy(groups, mounts).map(|found| (found.own, found.is_unified));
        assert_eq!(found, expected.map(|(own, is_unified)| (PathBuf::from(own), is_unified)));
    }

    const V1: &str = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n\
                      32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n\
                      35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
                      41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
    const V2: &str = "26 22 0:23 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

    #[test]
    fn the_tree_that_limits_memory_is_found() {
        check("4:memory:/a/b\n1:cpu:/\n0::/c\n", V1, Some(("/sys/fs/cgroup/memory/a/b", false)));
        check("0::/user.slice/app.scope\n", V2, Some(("/sys/fs/cgroup/user.slice/app.scope", true)));
        check("4:memory:/\n", V1, Some(("/sys/fs/cgroup/memory/", false)));
        // A container that sees its own part only.
        let part = V1.replace("0:32 / ", "0:32 /docker/x ");
        check("4:memory:/docker/x\n", &part, Some(("/sys/fs/cgroup/memory/", false)));
        check("4:memory:/elsewhere\n", &part, None);
        // Memory is neither here nor there.
        check("1:cpu:/\n", V1, None);
        check("4:memory:/a\n", V2, None);
        check("", "", None);
    }

    #[test]
    fn what_the_kernel_killed_is_counted() {
        assert_eq!(count("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", "oom_kill"), Some(3));
        assert_eq!(count("low 0\nmax 12\noom 2\noom_kill 1\noom_group_kill 1\n", "oom_kill"), Some(1));
        assert_eq!(count("oom_kill_disable 0\nunder_oom 0\n", "oom_kill"), None);
    }

    #[test]
    fn groups_that_can_have_limits_below_them_are_tried_from_the_nearest_on() {
        let root = std::env::temp_dir().join(format!("fclt-groups-{}", std::process::id()));
        let own = root.join("user/app/shell");
        fs::create_dir_all(&own).unwrap();
        for (folder, enabled) in
            [("", "cpu memory"), ("user", "memory pids"), ("user/app", "memoryless"), ("user/app/shell", "")]
        {
            fs::write(root.join(folder).join("cgroup.subtree_control"), enabled).unwrap();
        }
        let tree = Hierarchy { mount: root.clone(), own: own.clone(), is_unified: true };
        assert_eq!(tree.candidates(), [root.join("user"), root.clone()]);
        let tree = Hierarchy { is_unified: false, ..tree };
        assert_eq!(tree.candidates(), [own]);
        fs::remove_dir_all(root).unwrap();
    }
}
