//! What checks of callers share for as long as the platform runs: the keys of the project, and key sets.

use std::path::PathBuf;
use std::sync::OnceLock;

use super::key_file;
use super::key_sets::KeySets;
use super::keys::LocalKeys;
use crate::failure::Failure;

/// The keys that callers are checked with.
#[derive(Debug)]
pub(crate) struct Gate {
    /// The folder that has the keys.
    folder: PathBuf,
    keys: OnceLock<LocalKeys>,
    /// Whether calls of the API must be signed.
    pub(crate) requires_signature: bool,
    pub(super) sets: KeySets,
}

impl Gate {
    pub(crate) fn new(folder: PathBuf, requires_signature: bool) -> Self {
        Gate { folder, keys: OnceLock::new(), requires_signature, sets: KeySets::default() }
    }

    /// The access keys of the project, which the first signed request makes.
    pub(crate) fn keys(&self) -> Result<&LocalKeys, Failure> {
        if let Some(keys) = self.keys.get() {
            return Ok(keys);
        }
        let keys = key_file::load(&self.folder).map_err(Failure::unavailable)?;
        Ok(self.keys.get_or_init(|| keys))
    }
}
