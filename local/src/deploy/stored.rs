//! Functions that a client of the API made. Their code is a folder of the account, which never changes: they run from there.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::OwnedMutexGuard;

use super::deploy::Deployer;
use super::snapshot::Snapshot;
use crate::event::{Kind, Source};
use crate::failure::Failure;
use crate::instance::Layout;
use crate::model::{Function, VersionId};
use crate::registry::Deployed;

/// A function that can come into effect.
#[derive(Debug)]
pub(crate) struct Prepared {
    function: Function,
    layout: Layout,
}

impl Deployer {
    /// Finds what the function needs on this machine.
    ///
    /// # Errors
    ///
    /// Its image or a layer is not there.
    pub(crate) async fn prepare_stored(&self, mut function: Function) -> Result<Prepared, Failure> {
        if let Err(fault) = Box::pin(self.settle_image(&mut function)).await {
            let text = format!("the image '{}' cannot be used: {}", fault.image, fault.error);
            return Err(Failure::invalid_argument(text));
        }
        let code = self.code_of(&function).map_err(Failure::unavailable)?;
        let layout = self.folders.layout(&function, &code, &self.workspace, &self.log).await;
        let layout = layout.map_err(|(folder, error)| {
            Failure::unavailable(format!("{} cannot be read: {error}", folder.display()))
        })?;
        function.local.edition = self.edition.unwrap_or(function.local.edition);
        Ok(Prepared { function, layout })
    }

    /// Makes a function current. New calls go to it at once; those under way finish in the former code.
    pub(crate) async fn put_stored(&self, Prepared { function, layout }: Prepared) {
        let name = function.name.clone();
        let functions = self.registry.functions();
        let snapshot = Snapshot::in_place(&layout.code);
        let Some(deployed) = functions.get(&name) else {
            let pool = self.pool(self.generation(function, None, layout), None, true);
            self.keep(&name, snapshot);
            let deployed = Deployed::new(pool, self.faults.of(&name));
            self.restore(&deployed).await;
            self.registry.add(Arc::new(deployed));
            self.warm_kept(&name);
            return;
        };
        let former = deployed.pool();
        if former.generation.function.is_same(&function) && former.generation.layout == layout {
            return;
        }
        let generation = self.generation(function, None, layout);
        generation.learn_from(&former.generation);
        let ignores_port = former.ignores_port();
        let pool = self.pool(generation, ignores_port, ignores_port != Some(true));
        let replaced = self.make_current(deployed, &pool).await;
        let source = Source::function(&deployed.name);
        self.log.emit(&source, Kind::Swapped);
        let old = self.keep(&name, snapshot);
        if ignores_port == Some(true) {
            // Both cannot listen on the same port: calls wait while the former one finishes. The caller does not.
            let next = Arc::clone(&pool);
            let (former, drain, log) = (Arc::clone(&replaced), self.drain, self.log.clone());
            self.tasks.spawn(async move {
                super::swap::end(&former, drain, &log, &source).await;
                next.open();
            });
        }
        self.remove_after(replaced, old);
        self.warm_kept(&name);
    }

    /// Starts an instance, if the function keeps some.
    fn warm_kept(&self, name: &str) {
        let functions = self.registry.functions();
        if functions.get(name).is_some_and(|deployed| deployed.pool().generation.keeps_instances()) {
            self.warm(name);
        }
    }

    /// Keeps versions and aliases from changing, until the drop.
    pub(crate) async fn hold_releases(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.releases_turn).lock_owned().await
    }

    /// Whether something may still run from a folder, or from one below it.
    pub(crate) fn runs_from(&self, folder: &Path) -> bool {
        self.generations().iter().any(|pool| pool.generation.layout.code.starts_with(folder))
    }

    /// What was kept with a version. `None` if nothing was, or the version is gone.
    pub(crate) async fn version_document(&self, name: &str, id: VersionId) -> Option<Value> {
        let name = name.to_owned();
        self.blocking(move |store| store.document(&name, id)).await.ok().flatten()
    }
}
