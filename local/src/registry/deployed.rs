//! A deployed function: an entry in the registry, held by callers and calls.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::event::{Kind, Log, Source};
use crate::failure::Failure;
use crate::instance::Pool;
use crate::model::Function;

/// A deployed function, with its current generation.
#[derive(Debug)]
pub(crate) struct Deployed {
    pub(crate) name: Arc<str>,
    pub(crate) log: Log,
    pool: RwLock<Arc<Pool>>,
    /// Whether the log already says that a browser would download the function's pages.
    is_attachment_told: AtomicBool,
    /// Whether the log already says that a reply names two origins.
    are_origins_told: AtomicBool,
}

impl Deployed {
    pub(crate) fn new(pool: Arc<Pool>) -> Self {
        let generation = &pool.generation;
        let (name, log) = (Arc::clone(&generation.name), generation.log.clone());
        let (is_attachment_told, are_origins_told) = (AtomicBool::new(false), AtomicBool::new(false));
        Deployed { name, log, pool: RwLock::new(pool), is_attachment_told, are_origins_told }
    }

    /// Logs, once, that a browser shows a page for which the platform would add a header.
    pub(crate) fn tell_attachment(&self) {
        if !self.is_attachment_told.swap(true, Ordering::Relaxed) {
            self.log.emit(&Source::function(&self.name), Kind::AttachmentLeftOut);
        }
    }

    /// Logs, once, that a reply names two origins, which no browser takes.
    pub(crate) fn tell_origins(&self) {
        if !self.are_origins_told.swap(true, Ordering::Relaxed) {
            self.log.emit(&Source::function(&self.name), Kind::OriginsDoubled);
        }
    }

    /// The state in a few words: who can call the function, and whether an instance exists.
    pub(super) fn state(&self) -> &'static str {
        match (self.settings().trigger.is_some(), self.pool().is_in_use()) {
            (false, true) => "takes events only, has an instance",
            (false, false) => "takes events only, has no instance",
            (true, true) => "has an instance",
            (true, false) => "has no instance: the next call starts one",
        }
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

    /// Refuses versions and aliases. Only `LATEST` exists, which `None` means.
    pub(crate) fn check_qualifier(qualifier: Option<&str>) -> Result<(), Failure> {
        qualifier.map_or(Ok(()), |qualifier| Err(Failure::version_not_found(qualifier)))
    }

    /// Makes `pool` the current generation, and returns the former one.
    pub(crate) fn swap(&self, pool: Arc<Pool>) -> Arc<Pool> {
        std::mem::replace(&mut *self.pool.write().unwrap_or_else(PoisonError::into_inner), pool)
    }
}
