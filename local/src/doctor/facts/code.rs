//! The folder that becomes the code package.

use std::path::{Path, PathBuf};

use crate::deploy::Contents;

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
        let Ok(contents) = Contents::of(folder, LOOK_MAX) else {
            return Code { folder: folder.to_owned(), ..Code::default() };
        };
        let files = || contents.entries().filter(|(_, metadata)| !metadata.is_dir()).map(|(path, _)| path);
        let name = |file: &Path| file.file_name().map(|name| name.to_string_lossy().into_owned());
        let names = files().filter_map(name);
        let is_settings = |name: &str| {
            let is_sample = ["example", "sample", "template"].iter().any(|word| name.ends_with(word));
            (name == ".env" || name.starts_with(".env.")) && !is_sample
        };
        let dot_env = files().filter(|file| name(file).is_some_and(|name| is_settings(&name)));
        Code {
            folder: folder.to_owned(),
            bytes: contents.bytes,
            dot_env: dot_env.map(Path::to_owned).collect(),
            libraries: names.filter(|name| name.contains(".so")).collect(),
        }
    }
}
