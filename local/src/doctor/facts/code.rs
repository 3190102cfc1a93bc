//! The folder that becomes the code package.

use std::path::{Path, PathBuf};

use crate::deploy::Package;

/// Beyond this size nothing more is looked at, in bytes: twice what the platform takes.
const LOOK_MAX: u64 = 1024 * 1024 * 1024;

/// The code folder of a function, as the deployment tool packs it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Code {
    pub(crate) folder: PathBuf,
    /// Before packing, in bytes.
    pub(crate) bytes: u64,
    /// Files called `.env`, or `.env.` and more, below the folder.
    pub(crate) dot_env: Vec<PathBuf>,
    /// The names of shared libraries.
    pub(crate) libraries: Vec<String>,
}

impl Code {
    /// Looks at a folder. One that cannot be read is empty.
    pub(super) fn of(folder: &Path) -> Self {
        let package = Package::of(folder, LOOK_MAX).unwrap_or_default();
        let name = |file: &Path| file.file_name().map(|name| name.to_string_lossy().into_owned());
        let names = package.files.iter().filter_map(|file| name(file));
        let is_settings = |name: &str| {
            let is_sample = ["example", "sample", "template"].iter().any(|word| name.ends_with(word));
            (name == ".env" || name.starts_with(".env.")) && !is_sample
        };
        let dot_env = package.files.iter().filter(|file| name(file).is_some_and(|name| is_settings(&name)));
        Code {
            folder: folder.to_owned(),
            bytes: package.bytes,
            dot_env: dot_env.cloned().collect(),
            libraries: names.filter(|name| name.contains(".so")).collect(),
        }
    }
}
