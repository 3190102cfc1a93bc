//! A deployed function: an entry in the registry, held by callers and calls.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::releases::Releases;
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
    releases: RwLock<Releases>,
    /// Why the function takes no calls, if it takes none.
    disabled: RwLock<Option<String>>,
    /// Whether the log already says that a browser would download the function's pages.
    is_attachment_told: AtomicBool,
    /// Whether the log already says that a reply names two origins.
    are_origins_told: AtomicBool,
}

impl Deployed {
    pub(crate) fn new(pool: Arc<Pool>) -> Self {
        let generation = &pool.generation;
        let (name, log) = (Arc::clone(&generation.name), generation.log.clone());
        Deployed {
            name,
            log,
            pool: RwLock::new(pool),
            releases: RwLock::default(),
            disabled: RwLock::default(),
            is_attachment_told: AtomicBool::new(false),
            are_origins_told: AtomicBool::new(false),
        }
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

    /// Reads the versions and aliases.
    pub(crate) fn releases<T>(&self, read: impl FnOnce(&Releases) -> T) -> T {
        read(&self.releases.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the versions and aliases.
    pub(crate) fn change_releases<T>(&self, change: impl FnOnce(&mut Releases) -> T) -> T {
        change(&mut self.releases.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Refuses calls from now on, or takes them again.
    pub(crate) fn set_disabled(&self, reason: Option<String>) {
        *self.disabled.write().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    /// Why the function takes no calls, if it takes none.
    pub(crate) fn disabled(&self) -> Option<String> {
        self.disabled.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn check_enabled(&self) -> Result<(), Failure> {
        match &*self.disabled.read().unwrap_or_else(PoisonError::into_inner) {
            Some(reason) => Err(Failure::disabled(&self.name, reason)),
            None => Ok(()),
        }
    }

    /// Makes `pool` the current generation, and returns the former one.
    pub(crate) fn swap(&self, pool: Arc<Pool>) -> Arc<Pool> {
        std::mem::replace(&mut *self.pool.write().unwrap_or_else(PoisonError::into_inner), pool)
    }
}
