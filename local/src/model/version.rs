//! Versions and aliases of a function, as plain data.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

/// What the code and settings of the manifest are called, beside versions and aliases.
pub(crate) const LATEST: &str = "LATEST";

/// The longest name of an alias.
const ALIAS_NAME_MAX: usize = 128;

/// The longest description of a version or an alias, in characters.
pub(crate) const DESCRIPTION_MAX: usize = 256;

/// The number of a version. Numbers go up, and none is used again.
pub(crate) type VersionId = u64;

/// A published version: code and settings that never change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) id: VersionId,
    pub(crate) description: String,
    pub(crate) created: SystemTime,
}

/// A name for one version, or for two with weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Alias {
    pub(crate) name: String,
    pub(crate) version: VersionId,
    /// A second version, and the share of calls that it gets: more than 0, less than 1.
    pub(crate) additional: Option<(VersionId, f64)>,
    pub(crate) description: String,
    pub(crate) created: SystemTime,
    pub(crate) modified: SystemTime,
}

impl Alias {
    /// The version for a call, where `roll` is a random number of 0 to 1 without 1.
    pub(crate) fn choose(&self, roll: f64) -> VersionId {
        match self.additional {
            Some((version, weight)) if roll < weight => version,
            _ => self.version,
        }
    }

    /// The versions that calls of the alias may come to.
    pub(crate) fn versions(&self) -> impl Iterator<Item = VersionId> {
        [Some(self.version), self.additional.map(|(version, _)| version)].into_iter().flatten()
    }
}

/// Whether an alias can have this name: a letter or `_`, then letters, digits, `_` and `-`. `LATEST` is no alias.
pub(crate) fn is_alias_name(name: &str) -> bool {
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts_well
        && name.len() <= ALIAS_NAME_MAX
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
        && !name.eq_ignore_ascii_case(LATEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_version_gets_its_share() {
        let now = SystemTime::UNIX_EPOCH;
        let one = Alias {
            name: "prod".to_owned(),
            version: 1,
            additional: None,
            description: String::new(),
            created: now,
            modified: now,
        };
        let two = Alias { additional: Some((2, 0.25)), ..one.clone() };
        for (alias, roll, version) in
            [(&one, 0.0, 1), (&two, 0.0, 2), (&two, 0.249, 2), (&two, 0.25, 1), (&two, 0.999, 1)]
        {
            assert_eq!(alias.choose(roll), version, "{alias:?} {roll}");
        }
        assert_eq!(two.versions().collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn names_of_aliases_cannot_be_taken_for_versions() {
        for name in ["prod", "_a-1", "P"] {
            assert!(is_alias_name(name), "{name}");
        }
        for name in ["", "1", "1a", "-a", "a.b", "LATEST", "latest", "a b", &"a".repeat(129)] {
            assert!(!is_alias_name(name), "{name}");
        }
    }
}
