//! A deployed function: its entry in the registry. Callers and calls hold it.

use std::sync::{Arc, PoisonError, RwLock};

use crate::event::Log;
use crate::failure::Failure;
use crate::instance::Pool;
use crate::model::Function;

/// A deployed function, with its current generation.
#[derive(Debug)]
pub(crate) struct Deployed {
    pub(crate) name: Arc<str>,
    pub(crate) log: Log,
    pool: RwLock<Arc<Pool>>,
}

impl Deployed {
    pub(crate) fn new(pool: Arc<Pool>) -> Self {
        let generation = &pool.generation;
        Deployed { name: Arc::clone(&generation.name), log: generation.log.clone(), pool: RwLock::new(pool) }
    }

    /// The current generation.
    pub(crate) fn pool(&self) -> Arc<Pool> {
        Arc::clone(&self.pool.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The settings of the current generation.
    pub(crate) fn settings(&self) -> Arc<Function> {
        let pool = self.pool.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&pool.generation.function)
    }

    /// Whether a version or an alias exists. Only `LATEST` does, which `None` means.
    pub(crate) fn check_qualifier(qualifier: Option<&str>) -> Result<(), Failure> {
        qualifier.map_or(Ok(()), |qualifier| Err(Failure::version_not_found(qualifier)))
    }

    /// Makes `pool` the current generation, and returns the former one.
    pub(crate) fn swap(&self, pool: Arc<Pool>) -> Arc<Pool> {
        std::mem::replace(&mut *self.pool.write().unwrap_or_else(PoisonError::into_inner), pool)
    }
}
