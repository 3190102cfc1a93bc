//! What requests share: results that are worked out once, and counts for rate limits.

mod memory;
mod namespaced;

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;

use crate::error::Result;

pub use memory::MemoryStore;
pub use namespaced::Namespaced;

/// Where [`Exchange::once`](crate::Exchange::once) and [`guard::rate_limit`](crate::guard::rate_limit) keep what requests
/// share. [`App::store`](crate::App::store) sets it; the default is a [`MemoryStore`].
///
/// The memory of an instance is its own, and ends with it. A store on a database or on Redis is shared by all instances:
/// `examples/stores` has one on each. Every method is atomic: of two callers at once, one is first.
///
/// Keys begin with `once:` or `rate:`, and are the same in all apps. Apps that share a database without sharing their work and
/// limits name themselves: [`namespaced`](Self::namespaced).
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

    /// The same store with a name and a colon before each key, for an app that shares the store with others. See the
    /// example of [`Namespaced`].
    fn namespaced(self, name: &str) -> Namespaced<Self>
    where
        Self: Sized,
    {
        Namespaced::new(self, name)
    }
}

/// A store that several apps of one process share.
impl<T: Store> Store for Arc<T> {
    async fn begin(&self, key: &str, holder: &str, lease: Duration) -> Result<Begun> {
        Store::begin(&**self, key, holder, lease).await
    }

    async fn complete(&self, key: &str, holder: &str, value: &[u8], keep: Duration) -> Result {
        Store::complete(&**self, key, holder, value, keep).await
    }

    async fn release(&self, key: &str, holder: &str) -> Result {
        Store::release(&**self, key, holder).await
    }

    async fn hit(&self, key: &str, window: Duration) -> Result<Hits> {
        Store::hit(&**self, key, window).await
    }
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
