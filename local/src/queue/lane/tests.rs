//! What becomes of a call between its claim and its end, whatever happens to the store and to fc-local.

use std::sync::mpsc;

use redb::ReadableTableMetadata;
use testkit::{Folder, eventually};

use super::*;
use crate::event::Log;
use crate::model::Destination;
use crate::queue::state::State;
use crate::queue::{Filter, New, Trackers};
use crate::registry::Registry;
use crate::store::{Place, Write};

fn queue(place: Place, registry: &Arc<Registry>) -> Arc<Queue> {
    let (log, _events) = Log::new();
    Queue::new(place, Arc::clone(registry), log, Trackers::default())
}

/// Stores the task `t` of the function `f`, and takes it. No lane hears of it.
async fn taken(queue: &Arc<Queue>) -> Taken {
    let new = New { request: "1-a".to_owned(), ..New::of_test("t") };
    let (record, call) = new.record(true, now()).unwrap();
    let (store, own) = (queue.store().await.unwrap(), Arc::clone(queue));
    let found = store.write(move |write| {
        tables::insert(write, own.next_number(), &record, &call.encode())?;
        let found = take(write, &own, "f", 1)?;
        // Nobody sees the claim before the commit.
        assert!(lock(&own.claimed).contains_key(&found.taken[0].seq), "a stop finds what it cancels");
        Ok(found)
    });
    found.await.unwrap().taken.pop().unwrap()
}

fn state(queue: &Queue) -> State {
    queue.task("f", "t").unwrap().1.state
}

#[tokio::test]
async fn a_call_can_be_cancelled_as_soon_as_its_claim_can_be_seen() {
    let queue = queue(Place::Memory, &Arc::default());
    let taken = taken(&queue).await;
    queue.stop_task("f", "t").await.unwrap();
    assert_eq!(state(&queue), State::Stopping);
    assert!(taken.cancel.is_cancelled());
    queue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_call_is_stored_although_a_commit_fails() {
    let queue = queue(Place::Memory, &Arc::default());
    let taken = taken(&queue).await;
    let (seq, store) = (taken.seq, queue.store().await.unwrap());
    // While the store's thread is held up, a work that fails and the end of the call come to share a commit.
    let ((sender, receiver), (begun, begins)) = (mpsc::channel::<()>(), mpsc::channel());
    let hold = move |_: &Write<'_>| {
        begun.send(()).unwrap();
        Ok(_ = receiver.recv())
    };
    let first = store.submit(hold).await.unwrap();
    begins.recv().unwrap();
    let fault = || redb::Error::Io(std::io::ErrorKind::StorageFull.into());
    let lane = Arc::new(Lane::new(Arc::from("f")));
    lane.running.fetch_add(1, Ordering::Relaxed);
    queue.trackers.calls.spawn(Attempt::new(Arc::clone(&queue), lane, taken).run());
    eventually("the end waits for its commit", || !lock(&queue.claimed).contains_key(&seq));
    let failing = store.submit(move |_| Err::<(), _>(fault().into())).await.unwrap();
    sender.send(()).unwrap();
    first.await.unwrap().unwrap();
    failing.await.unwrap().unwrap_err();
    // The function does not exist.
    eventually("the call has ended", || state(&queue) == State::Invalid);
    queue.trackers.calls.close();
    queue.trackers.calls.wait().await;
    queue.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_that_a_crash_interrupts_ends_with_its_destination() {
    let folder = Folder::new();
    let place = Place::File(folder.path().join("store.redb"));
    let first = queue(place.clone(), &Arc::default());
    let to_queue: Destination = Destination::parse("acs:mns:::/queues/q/messages").unwrap();
    let change = move |config| Ok(AsyncConfig { on_failure: Some(to_queue), ..config });
    first.set_config("f", None, Box::new(change)).await.unwrap();
    drop(taken(&first).await);
    first.stop_task("f", "t").await.unwrap();
    first.trackers.stop.cancel();
    first.close().await;

    let registry = Arc::<Registry>::default();
    registry.set_pending("f", "is being built");
    let second = queue(place, &registry);
    second.resume().await;
    assert_eq!(state(&second), State::Stopping, "the function's settings are not known yet");
    registry.remove("f");
    eventually("the task is stopped", || state(&second) == State::Stopped);
    assert_eq!(second.message("1-a").unwrap().name, "q");
    second.trackers.stop.cancel();
    second.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_read_is_set_aside_and_holds_up_no_other_one() {
    let folder = Folder::new();
    let place = Place::File(folder.path().join("store.redb"));
    let registry = Arc::<Registry>::default();
    registry.set_pending("f", "is being built");
    let (log, _events) = Log::new();
    let first = Queue::new(place.clone(), Arc::clone(&registry), log.clone(), Trackers::default());
    for name in ["bad", "claimed", "good"] {
        first.accept(New::of_test(name)).await.unwrap();
    }
    let (bad, claimed) = (first.task("f", "bad").unwrap().0, first.task("f", "claimed").unwrap().0);
    let spoil = move |write: &Write<'_>| {
        let before = tables::get(write, claimed)?.unwrap();
        let mut after = before.clone();
        after.claim(now(), Duration::MAX);
        tables::replace(write, claimed, &before, &after)?;
        [bad, claimed].iter().try_for_each(|seq| write.insert(tables::CALLS, *seq, &b"{"[..]))
    };
    first.store().await.unwrap().write(spoil).await.unwrap();
    // Readers and those who share a commit are none the wiser.
    let all = first.tasks("f", Filter::default(), 10, None).await.unwrap();
    assert_eq!(all.tasks.len(), 1);
    assert!(first.stop_task("f", "bad").await.is_err());
    registry.remove("f");
    first.wake("f");
    eventually("the good one has ended", || first.task("f", "good").unwrap().1.state == State::Invalid);
    assert_eq!(log.counts()["call_set_aside"], 1);
    first.trackers.stop.cancel();
    first.close().await;

    let second = Queue::new(place, registry, log.clone(), Trackers::default());
    second.resume().await;
    assert_eq!(log.counts()["call_set_aside"], 2, "the one that was claimed");
    let count = second.store().await.unwrap().read(|read| Ok(read.open_table(tables::ASIDE)?.len()?));
    assert_eq!(count.unwrap(), 2);
    second.trackers.stop.cancel();
    second.close().await;
}
