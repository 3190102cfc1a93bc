//! One generation in place of another.

use std::sync::Arc;
use std::time::Duration;

use super::deploy::{Deployer, GONE_MAX};
use super::snapshot::{self, Snapshot};
use crate::event::{Kind, Log, Source};
use crate::instance::Pool;
use crate::registry::Deployed;

impl Deployer {
    /// Makes `pool` the current generation, and closes the one before: another than at the start of the deployment, if the
    /// function was disabled or enabled meanwhile.
    pub(super) async fn make_current(&self, deployed: &Deployed, pool: &Arc<Pool>) -> Arc<Pool> {
        let _turn = self.releases_turn.lock().await;
        let replaced = deployed.swap(Arc::clone(pool));
        replaced.close();
        let is_enabled = deployed.disabled().is_none();
        pool.set_kept(is_enabled);
        if !is_enabled {
            pool.stop_idle();
        }
        replaced
    }

    /// Waits until a closed generation has ended. Its calls get the drain time. Its WebSockets are asked to end at
    /// once.
    pub(super) async fn end(&self, former: &Arc<Pool>, source: &Source) {
        end(former, self.drain, &self.log, source).await;
    }

    /// Removes the code of a closed generation once nothing runs from it, and no version is made of it.
    pub(super) fn remove_after(&self, pool: Arc<Pool>, code: Option<Snapshot>) {
        let turn = Arc::clone(&self.releases_turn);
        self.tasks.spawn(async move {
            pool.gone().await;
            let _turn = turn.lock().await;
            if let Some(code) = code {
                snapshot::remove(code).await;
            }
        });
    }
}

/// As [`Deployer::end`].
pub(super) async fn end(former: &Arc<Pool>, drain: Duration, log: &Log, source: &Source) {
    former.say_goodbye();
    if tokio::time::timeout(drain, former.gone()).await.is_ok() {
        return;
    }
    log.emit(source, Kind::DrainExceeded { limit: drain });
    former.abort();
    if tokio::time::timeout(GONE_MAX, former.gone()).await.is_err() {
        log.emit(source, Kind::FormerCodeRemains);
    }
}
