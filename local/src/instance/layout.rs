//! Where the platform's folders are on this machine: `/code`, `/opt`, and the interpreters of its images.
//!
//! Where instances can have mounts, each finds the folders at their own places. Elsewhere the paths are replaced in commands
//! and variables.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::Function;
use crate::process::{Mounts, find_program, resolver};
use crate::shell;

/// Where the platform mounts the code.
const CODE: &str = "/code";
/// Where the platform mounts the layers.
const LAYERS: &str = "/opt";
const TEMPORARY: &str = "/tmp";

/// What all instances need for mounts of their own.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MountFolders {
    /// An empty folder, see [`Mounts::root`].
    pub(crate) root: PathBuf,
    /// Where the folders are made that become `/tmp`.
    pub(crate) scratches: PathBuf,
    /// Entries of `/tmp` that stay visible.
    pub(crate) kept: Vec<PathBuf>,
    /// The file that names the resolver in a network of an instance's own, if this machine's file does not.
    pub(crate) resolver: Option<PathBuf>,
}

/// The folders of one generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    /// What stands for `/code`.
    pub(crate) code: PathBuf,
    /// What stands for `/opt`. `None` without layers: `/opt` is this machine's then.
    pub(crate) layers: Option<PathBuf>,
    /// Folders of the platform's image, and what stands for them.
    pub(crate) interpreters: Vec<(PathBuf, PathBuf)>,
    /// `None` where instances see this machine's files alone.
    pub(crate) mounts: Option<Arc<MountFolders>>,
}

impl Layout {
    /// The folder of the code as the program sees it.
    pub(super) fn code_folder(&self) -> &Path {
        if self.mounts.is_some() { Path::new(CODE) } else { &self.code }
    }

    /// `text` as the program has to get it: with other folders in place of the platform's, where these are not mounted.
    pub(super) fn translate(&self, text: &str) -> String {
        match self.mounts {
            Some(_) => text.to_owned(),
            None => self.replaced(text),
        }
    }

    /// The file on this machine that the program sees at `path`.
    pub(super) fn here(&self, path: &str) -> PathBuf {
        let replaced = self.code.join(self.replaced(path));
        // What no layer has may be this machine's own.
        let own = self.code.join(path);
        if !replaced.exists() && self.layers.is_some() && own.starts_with(LAYERS) { own } else { replaced }
    }

    fn replaced(&self, text: &str) -> String {
        let mut text = replace_folder(text, CODE, &self.code);
        if let Some(layers) = &self.layers {
            text = replace_folder(&text, LAYERS, layers);
        }
        for (folder, here) in &self.interpreters {
            text = replace_folder(&text, &folder.to_string_lossy(), here);
        }
        text
    }

    /// The folder that becomes `/tmp` of an instance.
    pub(super) fn scratch(&self, instance: &str) -> Option<PathBuf> {
        Some(self.mounts.as_ref()?.scratches.join(instance))
    }

    /// The mounts of an instance. `disk` is how much its `/tmp` may hold, in bytes. `is_instance` says
    /// whether its `/tmp` is made and removed with the program, `has_network` whether it has a network of its own.
    pub(super) fn mounts(
        &self,
        scratch: Option<&Path>,
        disk: u64,
        (is_instance, has_network): (bool, bool),
    ) -> Option<Mounts> {
        let (folders, scratch) = (self.mounts.as_ref()?, scratch?);
        let mut points = vec![(CODE.into(), self.code.clone()), (TEMPORARY.into(), scratch.to_owned())];
        points.extend(folders.kept.iter().map(|entry| (entry.clone(), entry.clone())));
        // One by one, so that this machine's own programs in `/opt` stay where they are.
        let layers = self.layers.iter().flat_map(std::fs::read_dir).flatten().flatten();
        points.extend(layers.map(|entry| (Path::new(LAYERS).join(entry.file_name()), entry.path())));
        points.extend(self.interpreters.iter().cloned());
        let resolver = folders.resolver.iter().filter(|_| has_network);
        points.extend(resolver.map(|file| (resolver::FILE.into(), file.clone())));
        Some(Mounts {
            root: folders.root.clone(),
            folder: CODE.into(),
            points,
            scratch: is_instance.then(|| scratch.to_owned()),
            disk,
        })
    }

    /// Looks for a program that the function does not find on the search path of the manifest, although this machine's
    /// own search path has it. Gives where it is, and where the function looks.
    pub(super) fn hidden(&self, function: &Function, program: &str) -> Option<(PathBuf, Vec<PathBuf>)> {
        let path = function.environment.get("PATH")?;
        let searched: Vec<PathBuf> = path
            .split(':')
            .filter(|folder| !folder.is_empty())
            .map(|folder| Path::new(folder).join(program))
            .collect();
        let is_there = |file: &PathBuf| find_program(&[self.here(&file.to_string_lossy())]).is_some();
        if program.contains('/') || program.is_empty() || searched.iter().any(is_there) {
            return None;
        }
        let candidates: Vec<PathBuf> =
            shell::search_path().into_iter().map(|folder| folder.join(program)).collect();
        Some((find_program(&candidates)?.to_owned(), searched))
    }
}

/// `text` with the mount point `point` replaced by `folder`, where `point` is a path of its own.
fn replace_folder(text: &str, point: &str, folder: &Path) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(point) {
        let (before, after) = (&rest[..at], &rest[at + point.len()..]);
        let starts = before.chars().next_back().is_none_or(|c| !(c.is_alphanumeric() || "/._-".contains(c)));
        let ends = after.chars().next().is_none_or(|c| !(c.is_alphanumeric() || "._-".contains(c)));
        out.push_str(before);
        if starts && ends {
            out.push_str(&folder.to_string_lossy());
        } else {
            out.push_str(point);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> Layout {
        Layout {
            code: "/app/dist".into(),
            layers: Some("/layers".into()),
            interpreters: vec![("/var/fc/lang/nodejs18".into(), "/lang/nodejs18".into())],
            mounts: None,
        }
    }

    #[test]
    fn the_mount_points_are_replaced_where_they_are_some() {
        for (text, expected) in [
            ("/code/bootstrap", "/app/dist/bootstrap"),
            ("/code", "/app/dist"),
            ("exec /code/app --root=/code", "exec /app/dist/app --root=/app/dist"),
            ("/code/python:/opt/python:/usr/lib", "/app/dist/python:/layers/python:/usr/lib"),
            ("/var/fc/lang/nodejs18/bin:/opt/bin", "/lang/nodejs18/bin:/layers/bin"),
            ("/var/fc/lang/nodejs180/bin", "/var/fc/lang/nodejs180/bin"),
            ("/my/code/app", "/my/code/app"),
            ("/codex/app", "/codex/app"),
            ("/usr/opt:/options", "/usr/opt:/options"),
            ("node", "node"),
        ] {
            assert_eq!(layout().translate(text), expected);
        }
        let without = Layout { layers: None, ..layout() };
        assert_eq!(without.translate("/opt/node/bin:/code"), "/opt/node/bin:/app/dist");
    }

    #[test]
    fn what_is_mounted_is_not_replaced() {
        let folders = MountFolders {
            root: "/r".into(),
            scratches: "/s".into(),
            kept: vec!["/tmp/project".into()],
            resolver: Some("/own".into()),
        };
        let layout = Layout { layers: None, mounts: Some(Arc::new(folders)), ..layout() };
        assert_eq!(layout.translate("/code/python"), "/code/python");
        assert_eq!(
            (layout.code_folder(), layout.here("/code/x")),
            (Path::new("/code"), "/app/dist/x".into())
        );
        assert_eq!(layout.here("./x"), Path::new("/app/dist/./x"));
        let scratch = layout.scratch("i-1").unwrap();
        let mounts = layout.mounts(Some(&scratch), 1, (true, false)).unwrap();
        let points: Vec<&str> = mounts.points.iter().map(|(point, _)| point.to_str().unwrap()).collect();
        assert_eq!(points, ["/code", "/tmp", "/tmp/project", "/var/fc/lang/nodejs18"]);
        assert_eq!(mounts.scratch.as_deref(), Some(Path::new("/s/i-1")));
        assert_eq!(layout.mounts(Some(&scratch), 1, (false, false)).unwrap().scratch, None);
        let points = layout.mounts(Some(&scratch), 1, (true, true)).unwrap().points;
        assert_eq!(points.last(), Some(&("/etc/resolv.conf".into(), "/own".into())));
    }
}
