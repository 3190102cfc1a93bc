//! The versions and aliases of one function.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::failure::Failure;
use crate::instance::Pool;
use crate::model::{Alias, LATEST, Version, VersionId, is_alias_name};

/// A published version with its instances.
#[derive(Debug, Clone)]
pub(crate) struct Release {
    pub(crate) version: Version,
    pub(crate) pool: Arc<Pool>,
}

/// The versions and aliases of one function.
#[derive(Debug, Clone, Default)]
pub(crate) struct Releases {
    pub(crate) versions: BTreeMap<VersionId, Release>,
    pub(crate) aliases: BTreeMap<String, Alias>,
}

impl Releases {
    pub(crate) fn version(&self, id: VersionId) -> Result<&Release, Failure> {
        self.versions.get(&id).ok_or_else(|| Failure::version_not_found(&id.to_string(), &self.known()))
    }

    pub(crate) fn alias(&self, name: &str) -> Result<&Alias, Failure> {
        self.aliases
            .get(name)
            .ok_or_else(|| Failure::alias_not_found(name, &self.known(), is_alias_name(name)))
    }

    /// What there is, for a caller who asked for something else.
    fn known(&self) -> String {
        let versions = self.versions.keys().map(ToString::to_string);
        let all: Vec<String> =
            std::iter::once(LATEST.to_owned()).chain(versions).chain(self.aliases.keys().cloned()).collect();
        all.join(", ")
    }
}
