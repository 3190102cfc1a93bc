//! What requests share: results that are worked out once, and counts for rate limits.

mod memory;

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;

use crate::error::Result;

pub use memory::MemoryStore;

/// Where [`Exchange::once`](crate::Exchange::once) and [`guard::rate_limit`](crate::guard::rate_limit) keep what requests
/// share. [`App::store`](crate::App::store) sets it; the default is a [`MemoryStore`].
///
/// The memory of an instance is its own, and ends with it. A store on a database or on Redis is shared by all instances:
/// `examples/stores` has one on each. Every method is atomic: of two callers at once, one is first.
///
/// ```
/// use fc_runtime::store::{Begun, MemoryStore, Store};
/// use std::time::Duration;
///
/// # fc_runtime::testing::run(async {
/// let (store, lease) = (MemoryStore::new(), Duration::from_secs(60));
/// assert_eq!(store.begin("order 7", "a", lease).await.unwrap(), Begun::Yours);
/// assert_eq!(store.begin("order 7", "b", lease).await.unwrap(), Begun::Running);
/// store.complete("order 7", "a", b"paid", lease).await.unwrap();
/// assert_eq!(store.begin("order 7", "b", lease).await.unwrap(), Begun::Done("paid".into()));
/// assert_eq!(store.hit("client 1", lease).await.unwrap().count, 1);
/// # });
/// ```
#[doc(alias = "idempotency")]
#[doc(alias = "cache")]
pub trait Store: Send + Sync + 'static {
    /// Takes a key for a holder, if nobody holds it and no result is kept. After `lease` the key is free again, for holders
    /// that died.
    fn begin(&self, key: &str, holder: &str, lease: Duration) -> impl Future<Output = Result<Begun>> + Send;

    /// Keeps the result of a key for a time, if this holder still holds the key.
    fn complete(
        &self,
        key: &str,
        holder: &str,
        value: &[u8],
        keep: Duration,
    ) -> impl Future<Output = Result> + Send;

    /// Frees a key that this holder holds.
    fn release(&self, key: &str, holder: &str) -> impl Future<Output = Result> + Send;

    /// Counts a hit in the key's window, which begins with its first hit.
    fn hit(&self, key: &str, window: Duration) -> impl Future<Output = Result<Hits>> + Send;
}

/// What [`Store::begin`] found. See the example of [`Store`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Begun {
    /// The key is this holder's.
    Yours,
    /// Another holder has the key.
    Running,
    /// The key's result is kept.
    Done(Bytes),
}

/// The hits of a key in its window. See the example of [`Store`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "stores of authors make it")]
pub struct Hits {
    /// How many, with this one.
    pub count: u64,
    /// When the window ends.
    pub resets_in: Duration,
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// A store of any type.
pub(crate) trait AnyStore: Send + Sync {
    fn begin<'a>(&'a self, key: &'a str, holder: &'a str, lease: Duration) -> Boxed<'a, Begun>;
    fn complete<'a>(
        &'a self,
        key: &'a str,
        holder: &'a str,
        value: &'a [u8],
        keep: Duration,
    ) -> Boxed<'a, ()>;
    fn release<'a>(&'a self, key: &'a str, holder: &'a str) -> Boxed<'a, ()>;
    fn hit<'a>(&'a self, key: &'a str, window: Duration) -> Boxed<'a, Hits>;
}

/// The store of an app. The default is made when it is first used, so that only apps that use it link it.
pub(crate) fn store_of(store: &OnceLock<Arc<dyn AnyStore>>) -> Arc<dyn AnyStore> {
    Arc::clone(store.get_or_init(|| Arc::new(MemoryStore::new())))
}

impl<T: Store> AnyStore for T {
    fn begin<'a>(&'a self, key: &'a str, holder: &'a str, lease: Duration) -> Boxed<'a, Begun> {
        Box::pin(Store::begin(self, key, holder, lease))
    }

    fn complete<'a>(
        &'a self,
        key: &'a str,
        holder: &'a str,
        value: &'a [u8],
        keep: Duration,
    ) -> Boxed<'a, ()> {
        Box::pin(Store::complete(self, key, holder, value, keep))
    }

    fn release<'a>(&'a self, key: &'a str, holder: &'a str) -> Boxed<'a, ()> {
        Box::pin(Store::release(self, key, holder))
    }

    fn hit<'a>(&'a self, key: &'a str, window: Duration) -> Boxed<'a, Hits> {
        Box::pin(Store::hit(self, key, window))
    }
}
