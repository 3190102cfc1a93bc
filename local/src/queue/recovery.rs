//! What becomes of the calls that a former run had claimed when it was killed.

use std::sync::Arc;
use std::time::Duration;

use redb::{ReadableTable, WriteTransaction};
use tokio::time::sleep;

use super::ending;
use super::lane::tell;
use super::queue::{Queue, now};
use super::state::State;
use super::tables::{self, CLAIMED};
use crate::failure::FailureKind;
use crate::store::{Broken, Store, StoreError};

/// How often functions are asked for that are still being built.
const BUILT: Duration = Duration::from_millis(100);

/// The calls that a former run had claimed.
#[derive(Debug, Default)]
pub(super) struct Recovered {
    /// How many are carried out once more, although they may have begun.
    pub(super) repeated: u64,
    /// The tasks whose stop had begun.
    pub(super) stopping: Vec<u64>,
}

/// Gives back the calls that a former run had claimed. A task that was being stopped is not given back: its end also
/// goes to a destination, which may be a setting of a function that is not built yet.
pub(super) fn give_back(write: &WriteTransaction, now: u64) -> Result<Recovered, Broken> {
    let claimed: Vec<u64> = {
        let claimed = write.open_table(CLAIMED)?;
        let all = claimed.iter()?.map(|entry| Ok(entry?.0.value())).collect::<Result<_, Broken>>();
        all?
    };
    let mut recovered = Recovered::default();
    for seq in claimed {
        let Some(before) = tables::get(write, seq)? else { continue };
        if before.state == State::Stopping {
            recovered.stopping.push(seq);
            continue;
        }
        let mut after = before.clone();
        after.recover(now, true);
        recovered.repeated += 1;
        tables::replace(write, seq, &before, &after)?;
    }
    Ok(recovered)
}

impl Queue {
    /// Ends the tasks whose stop a former run had begun, each once its function is known.
    pub(super) async fn end_stopping(self: Arc<Self>, store: Arc<Store>, mut tasks: Vec<u64>) {
        loop {
            let mut waiting = Vec::new();
            for seq in tasks {
                // After a fault of the store, the next round tries again.
                if !self.end_stopping_one(&store, seq).await.unwrap_or(false) {
                    waiting.push(seq);
                }
            }
            tasks = waiting;
            if tasks.is_empty() {
                return;
            }
            tokio::select! {
                () = self.trackers.stop.cancelled() => return,
                () = sleep(BUILT) => {}
            }
        }
    }

    /// `false` if the function of the task is not known yet.
    async fn end_stopping_one(self: &Arc<Self>, store: &Store, seq: u64) -> Result<bool, StoreError> {
        let own = Arc::clone(self);
        let ended = store.write(move |write| {
            let Some(before) = tables::get(write, seq)? else { return Ok(Some(None)) };
            let function = own.registry.find(&before.function);
            if function.is_err_and(|failure| failure.kind == FailureKind::ServiceUnavailable) {
                return Ok(None);
            }
            let mut after = before.clone();
            after.recover(now(), true);
            ending::store(write, &own, seq, &before, &after, None)?;
            Ok(Some(Some(after)))
        });
        let ended = ended.await?;
        if let Some(Some(record)) = &ended {
            tell(self, record, None);
        }
        Ok(ended.is_some())
    }
}
