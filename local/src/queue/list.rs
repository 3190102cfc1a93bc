//! Looking at tasks, and stopping them. Nothing here starts an instance.

use redb::ReadTransaction;

use super::accept::New;
use super::ending;
use super::lane::{lock, tell};
use super::queue::{Queue, now};
use super::record::{Record, StopOutcome};
use super::state::State;
use super::stored::StoredCall;
use super::tables::{self, CALLS, REPLIES, REQUESTS, STATES, TASKS, TIMES};
use crate::failure::Failure;
use crate::store::Broken;

/// The most entries that one page looks through. A filter that fits few tasks gives a short page and a token.
const LOOKED_AT_MAX: usize = 20_000;

/// Which tasks are listed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// A version or an alias; `None` is `LATEST`.
    pub(crate) qualifier: Option<String>,
    pub(crate) prefix: String,
    pub(crate) state: Option<State>,
    /// The first and the last time of acceptance, in milliseconds since 1970.
    pub(crate) from: Option<u64>,
    pub(crate) to: Option<u64>,
    pub(crate) order: Order,
}

/// The order of a list, by the time of acceptance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Order {
    /// The latest first.
    #[default]
    Descending,
    Ascending,
}

/// The place behind the last entry of a page: its time and its number. New entries do not move it.
pub(crate) type After = (u64, u64);

/// A page of tasks.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) tasks: Vec<(u64, Record)>,
    /// Where the next page begins, if there is one.
    pub(crate) next: Option<After>,
}

impl Queue {
    /// A page of the tasks of a function.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub(crate) async fn tasks(
        &self,
        function: &str,
        filter: Filter,
        limit: usize,
        after: Option<After>,
    ) -> Result<Page, Failure> {
        let Some(store) = self.opened() else { return Ok(Page { tasks: Vec::new(), next: None }) };
        let function = function.to_owned();
        let look = move || store.read(|read| page(read, &function, &filter, limit, after));
        // The entries may have to be read from the disk.
        let page = tokio::task::spawn_blocking(look).await;
        Ok(page.map_err(|_| Failure::unavailable("the list was not read to its end"))??)
    }

    /// A task with its number.
    ///
    /// # Errors
    ///
    /// There is none of this id.
    pub(crate) fn task(&self, function: &str, task: &str) -> Result<(u64, Record), Failure> {
        let not_found = || Failure::task_not_found(function, task);
        let store = self.opened().ok_or_else(not_found)?;
        let found = store.read(|read| {
            let Some(seq) = read.open_table(TASKS)?.get((function, task))?.map(|seq| seq.value()) else {
                return Ok(None);
            };
            Ok(tables::record(&read.open_table(CALLS)?, seq)?.map(|record| (seq, record)))
        })?;
        found.ok_or_else(not_found)
    }

    /// The request of a call, if it is still known.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub(crate) fn request(&self, seq: u64) -> Result<Option<StoredCall>, Failure> {
        let Some(store) = self.opened() else { return Ok(None) };
        let bytes = store
            .read(|read| Ok(read.open_table(REQUESTS)?.get(seq)?.map(|bytes| bytes.value().to_owned())))?;
        Ok(bytes.and_then(|bytes| StoredCall::decode(&bytes.into())))
    }

    /// The function's reply to a task, as far as it is kept.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub(crate) fn reply(&self, seq: u64) -> Result<Option<Vec<u8>>, Failure> {
        let Some(store) = self.opened() else { return Ok(None) };
        Ok(store
            .read(|read| Ok(read.open_table(REPLIES)?.get(seq)?.map(|bytes| bytes.value().to_owned())))?)
    }

    /// Stops a task. An instance that works on it sees that its client leaves.
    ///
    /// # Errors
    ///
    /// There is no such task, or it has ended already.
    pub(crate) async fn stop_task(&self, function: &str, task: &str) -> Result<(), Failure> {
        let (seq, _) = self.task(function, task)?;
        let store = self.store().await?;
        let Some(own) = self.shared() else { return Err(Failure::unavailable("fc-local stops")) };
        let (outcome, record, followed) = store
            .write(move |write| {
                let Some(before) = tables::get(write, seq)? else {
                    return Ok((StopOutcome::HasEnded, None, None));
                };
                let mut after = before.clone();
                let outcome = after.stop(now());
                let followed = match outcome {
                    StopOutcome::HasEnded => None,
                    _ => ending::store(write, &own, seq, &before, &after, None)?,
                };
                Ok((outcome, Some(after), followed))
            })
            .await?;
        match (outcome, record) {
            (StopOutcome::HasEnded, record) => {
                let state = record.map_or("removed", |record| record.state.name());
                Err(Failure::task_completed(task, state))
            }
            (StopOutcome::Stopping, _) => {
                if let Some(cancel) = lock(&self.claimed).get(&seq) {
                    cancel.cancel();
                }
                Ok(())
            }
            (StopOutcome::Stopped, record) => {
                if let Some(record) = record {
                    tell(self, &record, followed, None);
                }
                Ok(())
            }
        }
    }

    /// Accepts the request of a task once more, as another task. Gives the id of that one.
    ///
    /// # Errors
    ///
    /// There is no such task, or the call cannot be stored.
    pub(crate) async fn repeat_task(
        &self,
        function: &str,
        task: &str,
        request: &str,
    ) -> Result<String, Failure> {
        let (seq, record) = self.task(function, task)?;
        let call = self.request(seq)?.ok_or_else(|| Failure::task_not_found(function, task))?;
        let new = New {
            function: record.function,
            qualifier: record.qualifier,
            request: request.to_owned(),
            task: None,
            is_task: true,
            delay: std::time::Duration::ZERO,
            depth: 0,
            call,
        };
        Ok(self.accept(new).await?.unwrap_or_default())
    }
}

fn page(
    read: &ReadTransaction,
    function: &str,
    filter: &Filter,
    limit: usize,
    after: Option<After>,
) -> Result<Page, Broken> {
    let mut low = (filter.from.unwrap_or(0), 0);
    let mut high = (filter.to.unwrap_or(u64::MAX), u64::MAX);
    match (filter.order, after) {
        (_, None) => {}
        (Order::Ascending, Some((time, seq))) => low = low.max((time, seq.saturating_add(1))),
        (Order::Descending, Some((time, 0))) => high = high.min((time.saturating_sub(1), u64::MAX)),
        (Order::Descending, Some((time, seq))) => high = high.min((time, seq - 1)),
    }
    if low > high {
        return Ok(Page { tasks: Vec::new(), next: None });
    }
    let is_descending = filter.order == Order::Descending;
    if let Some(state) = filter.state {
        let code = state.code();
        let states = read.open_table(STATES)?;
        let range = states.range((function, code, low.0, low.1)..=(function, code, high.0, high.1))?;
        let keys = range.map(|entry| {
            let (_, _, time, seq) = entry?.0.value();
            Ok((time, seq))
        });
        return if is_descending {
            collect(read, keys.rev(), filter, limit)
        } else {
            collect(read, keys, filter, limit)
        };
    }
    let times = read.open_table(TIMES)?;
    let range = times.range((function, low.0, low.1)..=(function, high.0, high.1))?;
    let keys = range.map(|entry| {
        let (_, time, seq) = entry?.0.value();
        Ok((time, seq))
    });
    if is_descending { collect(read, keys.rev(), filter, limit) } else { collect(read, keys, filter, limit) }
}

/// The records of the keys that fit the filter.
fn collect(
    read: &ReadTransaction,
    keys: impl Iterator<Item = Result<After, Broken>>,
    filter: &Filter,
    limit: usize,
) -> Result<Page, Broken> {
    let (calls, mut tasks, mut last) = (read.open_table(CALLS)?, Vec::new(), None);
    for (looked_at, key) in keys.enumerate() {
        if tasks.len() == limit || looked_at == LOOKED_AT_MAX {
            return Ok(Page { tasks, next: last });
        }
        let (time, seq) = key?;
        last = Some((time, seq));
        let Some(record) = tables::record(&calls, seq)? else { continue };
        let has_prefix = record.task.as_deref().is_some_and(|task| task.starts_with(&filter.prefix));
        if has_prefix && record.qualifier == filter.qualifier {
            tasks.push((seq, record));
        }
    }
    Ok(Page { tasks, next: None })
}
