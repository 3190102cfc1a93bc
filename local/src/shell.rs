//! The arguments, environment and folders of this program. No other file reads them.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The arguments, without the program's own name.
pub(crate) fn arguments() -> Vec<OsString> {
    env::args_os().skip(1).collect()
}

/// A variable of the environment.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    env::var_os(name)
}

/// A variable of the environment, if it is text.
pub(crate) fn text(name: &str) -> Option<String> {
    env::var(name).ok()
}

/// All variables whose names are text.
pub(crate) fn variables() -> impl Iterator<Item = (String, OsString)> {
    env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
}

/// The folder that the program was started in. `None` if the folder was removed.
pub(crate) fn current_folder() -> Option<PathBuf> {
    env::current_dir().ok()
}

/// The home folder of the user. `None` if the environment names none.
pub(crate) fn home_folder() -> Option<PathBuf> {
    env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from)
}

/// The folder for temporary files.
pub(crate) fn temporary_folder() -> PathBuf {
    env::temp_dir()
}

/// The folders in which this machine looks for programs.
pub(crate) fn search_path() -> Vec<PathBuf> {
    variable("PATH").map_or_else(Vec::new, |path| env::split_paths(&path).collect())
}

/// A path as a reader in the current folder writes it.
pub(crate) fn shown(path: &Path) -> String {
    let path: PathBuf = path.components().collect();
    let below = current_folder().and_then(|folder| path.strip_prefix(folder).ok().map(Path::to_owned));
    below.unwrap_or(path).display().to_string()
}
