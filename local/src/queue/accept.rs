//! Accepting a call: it is on the disk before its caller is told so.

use std::sync::Arc;
use std::time::Duration;

use fc_runtime::platform::is_task_id;
use fc_runtime::platform::limits::TASK_ID_MAX;

use super::queue::{Queue, now};
use super::record::{Record, milliseconds};
use super::state::State;
use super::stored::StoredCall;
use super::tables;
use crate::failure::Failure;
use crate::store::Store;

/// The id, if it is one.
fn task_id(text: String) -> Result<String, Failure> {
    if is_task_id(&text) {
        return Ok(text);
    }
    Err(Failure::invalid_argument(format!(
        "the id of a task begins with a letter or `_` and has at most {TASK_ID_MAX} letters, digits, `_` and `-`, but \
         is '{text}'"
    )))
}

/// A call that is to be accepted.
#[derive(Debug)]
pub(crate) struct New {
    pub(crate) function: String,
    /// The version or alias that the caller named; `None` is `LATEST`.
    pub(crate) qualifier: Option<String>,
    /// The request's id.
    pub(crate) request: String,
    /// The task's id, if the caller chose one. Without task mode it has no meaning.
    pub(crate) task: Option<String>,
    /// Whether the call is a task although its configuration does not say so.
    pub(crate) is_task: bool,
    pub(crate) delay: Duration,
    /// How many destinations led to this call.
    pub(crate) depth: u32,
    pub(crate) call: StoredCall,
}

impl New {
    /// The record of the call, which waits from now on.
    ///
    /// # Errors
    ///
    /// The caller chose an id that no task can have.
    pub(super) fn record(self, is_task: bool, now: u64) -> Result<(Record, StoredCall), Failure> {
        let task = match self.task {
            _ if !is_task => None,
            Some(task) => Some(task_id(task)?),
            None => Some(self.request.clone()),
        };
        let record = Record {
            function: self.function,
            qualifier: self.qualifier,
            request: self.request,
            task,
            state: State::Enqueued,
            accepted: now,
            due: now + milliseconds(self.delay),
            ended: 0,
            executions: 0,
            failures: 0,
            refusals: 0,
            refused_since: None,
            depth: self.depth,
            is_cut_off: false,
            instance: None,
            error: None,
            changes: Vec::new(),
        };
        Ok((record.begun_waiting(), self.call))
    }
}

impl Queue {
    /// Accepts a call. It is on the disk when this returns. Gives the id of the task, if the call is one.
    ///
    /// # Errors
    ///
    /// A task of the same id is known, or the call cannot be stored.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the call may be accepted or not. If it is, it is carried out.
    pub(crate) async fn accept(&self, new: New) -> Result<Option<String>, Failure> {
        let store = self.store().await?;
        let is_task = new.is_task || self.config(&new.function, new.qualifier.as_deref()).is_task;
        let (record, call) = new.record(is_task, now())?;
        let (seq, request) = (self.next_number(), call.encode());
        let (function, task, due) = (record.function.clone(), record.task.clone(), record.due);
        let mut unheard = Unheard(self.shared().map(|queue| (queue, Arc::clone(&store), function.clone())));
        let stored = store
            .write(move |write| {
                if let Some(task) = &record.task
                    && tables::find(write, &record.function, task)?.is_some()
                {
                    return Ok(false);
                }
                tables::insert(write, seq, &record, &request)?;
                Ok(true)
            })
            .await;
        unheard.0 = None;
        if !stored? {
            return Err(Failure::task_exists(task.as_deref().unwrap_or_default()));
        }
        self.expect(&function, due);
        Ok(task)
    }
}

/// Wakes the lane of a function although the caller has left, after the call that may be on its way to the disk.
struct Unheard(Option<(Arc<Queue>, Arc<Store>, String)>);

impl Drop for Unheard {
    fn drop(&mut self) {
        let Some((queue, store, function)) = self.0.take() else { return };
        let tracker = queue.trackers.tasks.clone();
        tracker.spawn(async move {
            // Writes are stored in their order.
            if store.write(|_| Ok(())).await.is_ok() {
                queue.wake(&function);
            }
        });
    }
}

#[cfg(test)]
impl New {
    /// The task `name` of the function `f`, due at once. Its request is `1-<name>`.
    pub(super) fn of_test(name: &str) -> Self {
        New {
            function: "f".to_owned(),
            qualifier: None,
            request: format!("1-{name}"),
            task: Some(name.to_owned()),
            is_task: true,
            delay: Duration::ZERO,
            depth: 0,
            call: StoredCall::event(crate::event::Via::InvokeFunction, "order"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::event::Log;
    use crate::queue::Trackers;
    use crate::registry::Registry;
    use crate::store::Place;

    /// Without the wake the lane would not exist before the next call of the function.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_call_is_carried_out_whose_caller_left_while_it_was_stored() {
        let (log, _events) = Log::new();
        let queue = Queue::new(Place::Memory, Arc::new(Registry::default()), log, Trackers::default());
        queue.store().await.unwrap();
        {
            // Mostly the commit is not done yet when the caller leaves.
            let mut accepting = pin!(queue.accept(New::of_test("t")));
            let first = accepting.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(first, Poll::Pending | Poll::Ready(Ok(_))), "{first:?}");
        }
        // Its function does not exist.
        testkit::eventually("the call has ended", || {
            queue.task("f", "t").is_ok_and(|(_, record)| record.state == State::Invalid)
        });
        queue.trackers.stop.cancel();
        queue.close().await;
    }

    #[test]
    fn ids_of_tasks_have_the_platforms_form() {
        for id in &["a", "_", "my-Task_1", &"a".repeat(128)] {
            assert!(task_id((*id).to_owned()).is_ok(), "{id}");
        }
        for id in &["", "1", "-a", "a b", "a.b", "ä", &"a".repeat(129)] {
            assert!(task_id((*id).to_owned()).is_err(), "{id}");
        }
    }
}
