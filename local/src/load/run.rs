//! One rate, from the first request to the last reply.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::client::Client;
use super::pace::Pace;
use super::schedule::Schedule;
use super::steps::Step;
use super::tally::{Failed, Tally, Times};
use super::usage::Course;

/// How often the instances are looked at, at most.
const LOOK_MIN: Duration = Duration::from_millis(250);

/// How many looks one rate has, at most.
const LOOKS: u32 = 240;

/// Beyond the time of one request: its own end is told first.
const GRACE: Duration = Duration::from_secs(1);

/// What ends a load, and which replies are right.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Ends the load before its time.
    pub(crate) stop: CancellationToken,
    /// The status that is wanted. `None` takes 200 to 399.
    pub(crate) expected: Option<u16>,
}

/// What the tasks of one rate share.
struct Shared {
    client: Arc<Client>,
    schedule: Schedule,
    /// The number of the first request, of all that the client has sent.
    first: u64,
    begin: Instant,
    /// One permit for each request that is due.
    ready: Semaphore,
    /// How many requests are due.
    due: AtomicU64,
    /// The number of the next request.
    next: AtomicU64,
    /// Nothing more is sent, and what is under way is cut off.
    over: CancellationToken,
    tally: Mutex<Tally>,
}

/// Sends the requests of `schedule`, each when it is due, or as soon as a connection is free for it. Once the last one is due,
/// what is left has the time of one request. `look` tells meanwhile how busy the function is.
///
/// # Errors
///
/// The process has too many open files.
pub(crate) async fn run(
    client: &Arc<Client>,
    schedule: Schedule,
    limits: &Limits,
    mut look: impl AsyncFnMut() -> Option<super::Usage>,
) -> io::Result<Step> {
    let time = schedule.due(schedule.count());
    let mut course = Course::default();
    if let Some(usage) = look().await {
        course.note(Duration::ZERO, &usage);
    }
    let pace = Pace::new()?;
    let shared = Arc::new(Shared {
        client: Arc::clone(client),
        schedule,
        first: client.take_numbers(schedule.count()),
        begin: Instant::now(),
        ready: Semaphore::new(0),
        due: AtomicU64::new(0),
        next: AtomicU64::new(0),
        over: CancellationToken::new(),
        tally: Mutex::new(Tally::new(time, limits.expected)),
    });
    let tasks = TaskTracker::new();
    for _ in 0..client.places() {
        tasks.spawn(Arc::clone(&shared).work());
    }
    tasks.close();
    let sending = async {
        shared.release(&pace).await?;
        // Those who wait for another request learn that there is none.
        shared.ready.add_permits(client.places());
        drop(tokio::time::timeout(client.target.timeout + GRACE, tasks.wait()).await);
        io::Result::Ok(())
    };
    let watch = async {
        loop {
            sleep((time / LOOKS).max(LOOK_MIN)).await;
            if let Some(usage) = look().await {
                course.note(shared.begin.elapsed(), &usage);
            }
        }
    };
    let is_stopped = tokio::select! {
        biased;
        () = limits.stop.cancelled() => true,
        sent = sending => {
            sent?;
            false
        }
        () = watch => false,
    };
    shared.over.cancel();
    tasks.wait().await;
    let elapsed = shared.begin.elapsed();
    let mut tally = std::mem::replace(
        &mut *shared.tally.lock().unwrap_or_else(PoisonError::into_inner),
        Tally::new(time, None),
    );
    let due = shared.due.load(Ordering::Relaxed);
    for number in shared.next.load(Ordering::Relaxed)..due {
        let times = Times { due: schedule.due(number), sent: elapsed, over: elapsed };
        tally.record(times, Err(Failed::Unsent));
    }
    let time = if is_stopped { time.min(elapsed) } else { time };
    // The last replies may have changed what the instances have used.
    if let Some(usage) = look().await {
        course.note(elapsed, &usage);
    }
    Ok(Step { rate: schedule.rate(), time, tally, course, is_stopped, errors: client.take_errors() })
}

impl Shared {
    /// Gives a permit for each request when it is due.
    async fn release(&self, pace: &Pace) -> io::Result<()> {
        let mut released = 0;
        while released < self.schedule.count() {
            let due = self.schedule.due_by(self.begin.elapsed());
            if due > released {
                self.due.store(due, Ordering::Relaxed);
                self.ready.add_permits(usize::try_from(due - released).unwrap_or(0));
                released = due;
            }
            let wait = self.schedule.due(released).saturating_sub(self.begin.elapsed());
            if wait.is_zero() {
                tokio::task::yield_now().await;
            } else if released < self.schedule.count() {
                pace.wait(wait).await?;
            }
        }
        Ok(())
    }

    /// Sends one request after another, each the next one that is due.
    async fn work(self: Arc<Self>) {
        loop {
            let permit = tokio::select! {
                biased;
                () = self.over.cancelled() => return,
                permit = self.ready.acquire() => permit,
            };
            let Ok(permit) = permit else { return };
            permit.forget();
            let due = self.due.load(Ordering::Relaxed);
            let next = |number| if number < due { Some(number + 1) } else { None };
            let Ok(number) = self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) else {
                return;
            };
            let sent = self.begin.elapsed();
            let outcome = tokio::select! {
                biased;
                outcome = self.client.ask(self.first + number) => outcome,
                () = self.over.cancelled() => Err(Failed::Cut),
            };
            let times = Times { due: self.schedule.due(number), sent, over: self.begin.elapsed() };
            self.tally.lock().unwrap_or_else(PoisonError::into_inner).record(times, outcome);
        }
    }
}
