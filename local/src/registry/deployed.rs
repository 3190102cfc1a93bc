//! A deployed function: an entry in the registry, held by callers and calls.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::releases::Releases;
use crate::event::{Kind, Log, Source};
use crate::failure::Failure;
use crate::fault::Faults;
use crate::instance::{Instance, Pool};
use crate::model::{Auth, Edition, Function, PoolLook, Usage};

/// A deployed function, with its current generation.
#[derive(Debug)]
pub(crate) struct Deployed {
    pub(crate) name: Arc<str>,
    pub(crate) log: Log,
    pool: RwLock<Arc<Pool>>,
    /// The faults that are injected into calls.
    pub(crate) faults: Option<Arc<Faults>>,
    releases: RwLock<Releases>,
    /// Why the function takes no calls, if it takes none.
    disabled: RwLock<Option<String>>,
    /// Whether the log already says that a browser would download the function's pages.
    is_attachment_told: AtomicBool,
    /// Whether the log already says that a reply names two origins.
    are_origins_told: AtomicBool,
}

/// What people are told of a function.
#[derive(Debug)]
pub(crate) struct State<'a> {
    pub(crate) name: &'a str,
    /// The state in a few words.
    pub(crate) text: &'static str,
    /// Whether clients of HTTP reach the function. `None` before its first deployment.
    pub(crate) has_trigger: Option<bool>,
    /// Whether they sign their requests.
    pub(crate) is_signed: bool,
    /// The first line of its latest failure.
    pub(crate) last_error: Option<String>,
}

impl<'a> State<'a> {
    /// Of a function that is not deployed yet.
    pub(super) fn pending(name: &'a str, why: &'static str) -> Self {
        State { name, text: why, has_trigger: None, is_signed: false, last_error: None }
    }
}

impl Deployed {
    pub(crate) fn new(pool: Arc<Pool>, faults: Option<Arc<Faults>>) -> Self {
        let generation = &pool.generation;
        let (name, log) = (Arc::clone(&generation.name), generation.log.clone());
        Deployed {
            name,
            log,
            pool: RwLock::new(pool),
            faults,
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

    /// What people are told of the function.
    pub(super) fn state(&self) -> State<'_> {
        let pool = self.pool();
        let text =
            if pool.is_in_use() { "has an instance" } else { "has no instance: the next call starts one" };
        let settings = self.settings();
        State {
            name: &self.name,
            text,
            has_trigger: Some(settings.trigger.is_some()),
            is_signed: settings.trigger.as_ref().is_some_and(|trigger| trigger.auth == Auth::Function),
            last_error: pool.generation.last_error(),
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

    /// The edition of the current generation.
    pub(crate) fn edition(&self) -> Edition {
        self.pool.read().unwrap_or_else(PoisonError::into_inner).generation.function.local.edition
    }

    /// The text without the secrets of its settings, as in its log.
    pub(crate) fn mask(&self, text: String) -> String {
        self.pool().generation.surroundings.redactor.redact(text)
    }

    /// How busy its instances are: of the current generation, and of each version.
    pub(crate) fn usage(&self) -> Vec<Usage> {
        let mut pools = vec![self.pool()];
        pools.extend(self.releases(|all| {
            all.versions.values().map(|release| Arc::clone(&release.pool)).collect::<Vec<_>>()
        }));
        pools.iter().map(|pool| pool.usage()).collect()
    }

    /// A running instance by its id, of the current generation or of a version.
    pub(crate) fn instance(&self, id: &str) -> Option<Arc<Instance>> {
        let own = self.pool().instance(id);
        own.or_else(|| {
            self.releases(|all| all.versions.values().find_map(|release| release.pool.instance(id)))
        })
    }

    /// Its instances, as people see them: of the current generation, and of each version.
    pub(crate) fn look(&self) -> Vec<PoolLook> {
        let mut pools = vec![self.pool()];
        pools.extend(self.releases(|all| {
            all.versions.values().map(|release| Arc::clone(&release.pool)).collect::<Vec<_>>()
        }));
        pools.iter().map(|pool| pool.look()).collect()
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
