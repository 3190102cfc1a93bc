//! What a call calls: a function in one version.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use super::deployed::Deployed;
use crate::failure::Failure;
use crate::instance::Pool;
use crate::model::{Claim, Function, LATEST, VersionId};

/// A function in the version that one call gets. A clone is for another part of the same call.
#[derive(Debug, Clone)]
pub(crate) struct Callee {
    pub(crate) function: Arc<Deployed>,
    /// The version or alias that the caller, the trigger or the route named; `None` is `LATEST`.
    pub(crate) qualifier: Option<Arc<str>>,
    /// The version that runs; `None` is `LATEST`.
    pub(crate) version: Option<VersionId>,
}

impl Callee {
    /// Chooses the version of a call. An alias with two versions divides its calls by their weights.
    ///
    /// # Errors
    ///
    /// The version or alias does not exist, or the function is disabled.
    pub(crate) fn choose(function: Arc<Deployed>, qualifier: Option<&str>) -> Result<Self, Failure> {
        function.check_enabled()?;
        let Some(qualifier) = qualifier.filter(|qualifier| *qualifier != LATEST) else {
            return Ok(Callee { function, qualifier: None, version: None });
        };
        let version = function.releases(|releases| match qualifier.parse::<VersionId>() {
            Ok(id) => releases.version(id).map(|release| release.version.id),
            Err(_) => releases.alias(qualifier).map(|alias| match alias.additional {
                Some(_) => alias.choose(random()),
                None => alias.version,
            }),
        })?;
        let callee = Callee { function, qualifier: Some(Arc::from(qualifier)), version: Some(version) };
        // The version of an alias may have been removed.
        callee.pool()?;
        Ok(callee)
    }

    /// The instances that take the call.
    pub(crate) fn pool(&self) -> Result<Arc<Pool>, Failure> {
        let Some(version) = self.version else { return Ok(self.function.pool()) };
        self.function.releases(|releases| releases.version(version).map(|release| Arc::clone(&release.pool)))
    }

    /// The settings of the version.
    pub(crate) fn settings(&self) -> Result<Arc<Function>, Failure> {
        match self.version {
            None => Ok(self.function.settings()),
            Some(_) => Ok(Arc::clone(&self.pool()?.generation.function)),
        }
    }

    /// Goes over to the other version of an alias if an instance of that version has the call's session.
    pub(crate) fn follow_session(&mut self, claim: &Claim) {
        let (Claim::Session(id), Some(qualifier), Some(version)) = (claim, &self.qualifier, self.version)
        else {
            return;
        };
        let other = self.function.releases(|releases| {
            let alias = releases.aliases.get(&**qualifier)?;
            let mut others = alias.versions().filter(|other| *other != version);
            others.find(|other| {
                releases.versions.get(other).is_some_and(|release| release.pool.has_session(id))
            })
        });
        self.version = other.or(self.version);
    }

    /// The version as text.
    pub(crate) fn version_text(&self) -> String {
        self.version.map_or_else(|| LATEST.to_owned(), |version| version.to_string())
    }

    /// The alias by which the version was chosen, if it was.
    pub(crate) fn alias(&self) -> Option<&str> {
        self.qualifier.as_deref().filter(|qualifier| qualifier.parse::<VersionId>().is_err())
    }
}

/// A number of 0 to 1 without 1.
fn random() -> f64 {
    const BITS: u32 = 53;
    let number = RandomState::new().hash_one(()) >> (u64::BITS - BITS);
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    let fraction = number as f64 / (1_u64 << BITS) as f64;
    fraction
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_random_numbers_are_spread() {
        let numbers: Vec<f64> = (0..4000).map(|_| super::random()).collect();
        assert!(numbers.iter().all(|number| (0.0..1.0).contains(number)));
        let low = numbers.iter().filter(|number| **number < 0.25).count();
        // A thousand are expected; the bounds are nine standard deviations away.
        assert!((750..1250).contains(&low), "{low}");
    }
}
