//! Work that is done once for each key: `Exchange::once` and `Event::once`.

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

use crate::app::App;
use crate::error::{Error, Result};
use crate::exchange::{Event, Exchange};
use crate::log::say;
use crate::platform::RequestId;
use crate::store::{AnyStore, Begun, Store, store_of};
use crate::task::{BoxFuture, Kind, Tracker};

/// Work that is done once for each key: see [`Exchange::once`], which shows how.
#[must_use = "the work is not done unless this is awaited"]
pub struct Once<'a, F> {
    work: F,
    key: String,
    keep: Duration,
    lease: Duration,
    wait: Duration,
    store: Arc<dyn AnyStore>,
    tracker: Tracker,
    /// The work may borrow from the exchange.
    exchange: PhantomData<&'a ()>,
}

const KEEP_DEFAULT: Duration = Duration::from_secs(24 * 60 * 60);
const LEASE_DEFAULT: Duration = Duration::from_secs(10 * 60);
const WAIT_DEFAULT: Duration = Duration::from_secs(10);

impl<S: Send + Sync + 'static> Exchange<S> {
    /// Does work once for each key. Later callers with the key get the first one's result; callers meanwhile wait for it.
    ///
    /// The platform repeats asynchronous calls that failed, and clients and queues repeat what was not answered. A key that
    /// both have, such as an `Idempotency-Key` or the id of an order, makes a repetition harmless.
    ///
    /// ```
    /// use fc_runtime::{App, Json};
    /// use std::sync::atomic::{AtomicU32, Ordering};
    ///
    /// # fc_runtime::testing::run(async {
    /// let client = App::with_state(AtomicU32::new(0))
    ///     .post("/orders", async |ex| {
    ///         let key = ex.header("idempotency-key").unwrap_or(ex.request_id()).to_owned();
    ///         let number = ex.once(key, async || Ok(ex.state().fetch_add(1, Ordering::Relaxed) + 1)).await?;
    ///         Ok((201, Json(number)))
    ///     })
    ///     .test_client();
    /// client.post("/orders").header("idempotency-key", "a").await.assert_text("1");
    /// client.post("/orders").header("idempotency-key", "a").await.assert_text("1");
    /// client.post("/orders").header("idempotency-key", "b").await.assert_text("2");
    /// # });
    /// ```
    ///
    /// The result is kept as JSON for a day ([`Once::keep`]). An error frees the key, and so does a client that leaves, with
    /// which the handler is dropped: see [`HangUpPolicy::Finish`](crate::HangUpPolicy::Finish). [`App::store`] says where
    /// keys and results are kept.
    ///
    /// # Errors
    /// Those of the work. 409 with `Retry-After` when another call with the key takes longer than [`Once::wait`]. Those of
    /// the store before the work.
    #[doc(alias = "idempotency")]
    #[doc(alias = "deduplicate")]
    #[doc(alias = "retry")]
    pub fn once<'a, F, Fut, T>(&'a self, key: impl Into<String>, work: F) -> Once<'a, F>
    where
        F: FnOnce() -> Fut + Send + 'a,
        Fut: Future<Output = Result<T>> + Send + 'a,
        T: Serialize + DeserializeOwned + Send + 'a,
    {
        Once::new(&key.into(), work, store_of(&self.shared().store), &self.shared().tracker)
    }
}

impl<S: Send + Sync + 'static> Event<S> {
    /// Does work once for each key: see [`Exchange::once`]. Asynchronous calls that failed are repeated with the same
    /// [task id](crate::Invocation::task_id), and messages of queues with the same message id.
    pub fn once<'a, F, Fut, T>(&'a self, key: impl Into<String>, work: F) -> Once<'a, F>
    where
        F: FnOnce() -> Fut + Send + 'a,
        Fut: Future<Output = Result<T>> + Send + 'a,
        T: Serialize + DeserializeOwned + Send + 'a,
    {
        Once::new(&key.into(), work, store_of(&self.shared().store), &self.shared().tracker)
    }
}

impl<S: Send + Sync + 'static> App<S> {
    /// Where [`Exchange::once`] and [`guard::rate_limit`](crate::guard::rate_limit) keep what requests share. Default: a
    /// [`MemoryStore`](crate::store::MemoryStore), which each instance has for itself.
    ///
    /// Apps that share a database have a [namespace](Store::namespaced) each, or share their keys:
    /// `app.store(RedisStore::open(address)?.namespaced("shop"))`.
    pub fn store(mut self, store: impl Store) -> Self {
        self.set_store(Arc::new(store));
        self
    }
}

impl<F> Once<'_, F> {
    fn new(key: &str, work: F, store: Arc<dyn AnyStore>, tracker: &Tracker) -> Self {
        let (keep, lease, wait) = (KEEP_DEFAULT, LEASE_DEFAULT, WAIT_DEFAULT);
        Self {
            work,
            key: format!("once:{key}"),
            keep,
            lease,
            wait,
            store,
            tracker: tracker.clone(),
            exchange: PhantomData,
        }
    }

    /// How long the result is kept. Default: 24 h.
    pub fn keep(mut self, keep: Duration) -> Self {
        self.keep = keep;
        self
    }

    /// How long the work may take. After that another caller may begin it, for an instance that died meanwhile. Default: 10
    /// min.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// How long a second caller waits for the first one's result. After that it fails with 409. Default: 10 s; zero does not
    /// wait.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }
}

impl<'a, F, Fut, T> IntoFuture for Once<'a, F>
where
    F: FnOnce() -> Fut + Send + 'a,
    Fut: Future<Output = Result<T>> + Send + 'a,
    T: Serialize + DeserializeOwned + Send + 'a,
{
    type Output = Result<T>;
    type IntoFuture = std::pin::Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { work, key, keep, lease, wait, store, tracker, .. } = self;
            let holder = RequestId::generate().to_string();
            if let Some(kept) = begin(&*store, &key, &holder, lease, wait).await? {
                return serde_json::from_slice(&kept).map_err(Error::internal);
            }
            let mut held = Held { key: Some((key, holder)), done: None, keep, store, tracker };
            let value = work().await;
            if let Ok(done) = &value {
                held.done = Some(serde_json::to_vec(done).map_err(Error::internal)?);
            }
            // A drop meanwhile does it in a task.
            held.end().await;
            held.key = None;
            value
        })
    }
}

/// The kept result, or `None` once the key is this holder's.
async fn begin(
    store: &dyn AnyStore,
    key: &str,
    holder: &str,
    lease: Duration,
    wait: Duration,
) -> Result<Option<bytes::Bytes>> {
    const PAUSE_MAX: Duration = Duration::from_millis(500);
    let (begun, mut pause) = (Instant::now(), Duration::from_millis(10));
    loop {
        match store.begin(key, holder, lease).await? {
            Begun::Yours => return Ok(None),
            Begun::Done(value) => return Ok(Some(value)),
            Begun::Running => {}
        }
        let left = wait.saturating_sub(begun.elapsed());
        if left.is_zero() {
            let busy = "a request with the same key is in progress";
            let error = Error::of_ours(StatusCode::CONFLICT, busy).with_code("InProgress");
            return Err(error.with_header(RETRY_AFTER, HeaderValue::from_static("1")));
        }
        sleep(pause.min(left)).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// A key whose work runs, or has ended. A drop keeps the result if there is one, else it frees the key.
struct Held {
    key: Option<(String, String)>,
    done: Option<Vec<u8>>,
    keep: Duration,
    store: Arc<dyn AnyStore>,
    tracker: Tracker,
}

impl Held {
    async fn end(&self) {
        let Some((key, holder)) = &self.key else { return };
        if let Some(done) = &self.done {
            if let Err(error) = self.store.complete(key, holder, done, self.keep).await {
                // The work is done. The key stays taken until the end of its lease.
                say::error(format_args!("the result of {key:?} is not kept: {error:?}"));
            }
        } else if let Err(error) = self.store.release(key, holder).await {
            say::warn(format_args!("{key:?} stays taken until the end of its lease: {error:?}"));
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(key) = self.key.take()
            && tokio::runtime::Handle::try_current().is_ok()
        {
            let (done, store) = (self.done.take(), Arc::clone(&self.store));
            let (keep, tracker) = (self.keep, self.tracker.clone());
            let ending: BoxFuture<()> = Box::pin(async move {
                let mut held = Self { key: Some(key), done, keep, store, tracker };
                held.end().await;
                held.key = None;
            });
            self.tracker.spawn(Kind::Handler, ending);
        }
    }
}

impl<F> fmt::Debug for Once<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").field("key", &self.key).finish_non_exhaustive()
    }
}
