//! The queue over the ends of its program, without functions.

use std::sync::Arc;
use std::time::Duration;

use testkit::Folder;

use super::attempt::Ended;
use super::messages::{self, Message};
use super::queue::{KEPT, now};
use super::record::{Outcome, milliseconds};
use super::tables;
use super::{New, Queue, Record, State, Trackers};
use crate::event::Log;
use crate::registry::Registry;
use crate::store::{Place, Write};

/// A queue whose function `f` is still being built.
fn queue(folder: &Folder) -> Arc<Queue> {
    let registry = Arc::new(Registry::default());
    registry.set_pending("f", "is being built");
    let place = Place::File(folder.path().join("store.redb"));
    Queue::new(place, registry, Log::new().0, Trackers::default())
}

/// Ends a queue.
async fn end(queue: Arc<Queue>) {
    queue.trackers.stop.cancel();
    queue.trackers.tasks.close();
    queue.trackers.tasks.wait().await;
    queue.close().await;
}

/// A task that is not due for an hour. Its request is `1-<task>`.
fn task(task: &str) -> New {
    New { delay: Duration::from_secs(3600), ..New::of_test(task) }
}

/// Writes what a run might have written before its end.
async fn set(queue: &Queue, task: &str, change: impl FnOnce(&mut Record)) {
    let (seq, before) = queue.task("f", task).unwrap();
    let mut after = before.clone();
    change(&mut after);
    let store = queue.store().await.unwrap();
    store.write(move |write| tables::replace(write, seq, &before, &after)).await.unwrap();
}

#[tokio::test]
async fn records_are_kept_for_seven_days() {
    let folder = Folder::new();
    let first = queue(&folder);
    let week = milliseconds(KEPT);
    assert_eq!(week, 7 * 24 * 3600 * 1000);
    for (name, ended) in [("old", now() - week - 1), ("young", now() - week + 600_000)] {
        first.accept(task(name)).await.unwrap();
        set(&first, name, |record| {
            record.stop(ended);
        })
        .await;
    }
    first.accept(task("waiting")).await.unwrap();
    end(first).await;

    let second = queue(&folder);
    second.resume().await;
    while second.task("f", "old").is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(second.task("f", "young").unwrap().1.state, State::Stopped);
    assert_eq!(second.task("f", "waiting").unwrap().1.state, State::Enqueued);
    // Its id may be used again.
    second.accept(task("old")).await.unwrap();
    end(second).await;
}

#[tokio::test]
async fn a_task_that_ends_at_once_has_been_running() {
    let folder = Folder::new();
    let queue = queue(&folder);
    queue.accept(task("quick")).await.unwrap();
    set(&queue, "quick", |record| assert!(record.claim(now(), KEPT))).await;
    let (seq, _) = queue.task("f", "quick").unwrap();
    let mut ended = Ended::new(Outcome::Succeeded, None, KEPT);
    ended.instance = Some("c-1".into());
    let store = queue.store().await.unwrap();
    Arc::new(ended).store(&store, &queue, seq).await.unwrap().await.unwrap().unwrap();
    let record = queue.task("f", "quick").unwrap().1;
    let states: Vec<_> = record.changes.iter().map(|change| change.state).collect();
    assert_eq!(states, [State::Enqueued, State::Dequeued, State::Running, State::Succeeded]);
    assert_eq!(record.instance.as_deref(), Some("c-1"));
    end(queue).await;
}

#[tokio::test]
async fn the_number_of_a_record_that_was_set_aside_is_no_other_calls() {
    let folder = Folder::new();
    let first = queue(&folder);
    first.accept(task("spoiled")).await.unwrap();
    let seq = first.task("f", "spoiled").unwrap().0;
    let spoil = move |write: &Write<'_>| {
        write.insert(tables::CALLS, seq, &b"{"[..])?;
        tables::set_aside(write, seq)
    };
    first.store().await.unwrap().write(spoil).await.unwrap();
    end(first).await;

    let second = queue(&folder);
    second.accept(task("next")).await.unwrap();
    assert!(second.task("f", "spoiled").is_err(), "its id leads to the record of another task");
    assert!(second.task("f", "next").unwrap().0 > seq);
    end(second).await;
}

#[tokio::test]
async fn a_message_that_cannot_be_read_hides_no_other_one() {
    let folder = Folder::new();
    let queue = queue(&folder);
    let message = Message {
        id: "1-good".to_owned(),
        destination: String::new(),
        kind: "queue".to_owned(),
        name: "q".to_owned(),
        function: "f".to_owned(),
        time: 1,
        body: serde_json::Value::Null,
        forward: None,
    };
    let add = move |write: &Write<'_>| {
        messages::insert(write, &message)?;
        write.insert(messages::MESSAGES, 7, &b"{"[..])?;
        write.insert(messages::MESSAGE_IDS, "1-bad", 7)
    };
    queue.store().await.unwrap().write(add).await.unwrap();
    let (found, next) = queue.messages(None, 10, None).await.unwrap();
    assert_eq!((found.len(), &*found[0].id, next), (1, "1-good", None));
    assert!(queue.message("1-bad").unwrap_err().message().contains("there is no message"));
    end(queue).await;
}
