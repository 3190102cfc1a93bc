//! A store whose keys have a name before them, so that apps can share one.

use std::time::Duration;

use crate::error::Result;
use crate::store::{Begun, Hits, Store};

/// A [`Store`] that several apps share, each under a name of its own: [`Store::namespaced`] makes it.
///
/// ```
/// use fc_runtime::store::{Begun, MemoryStore, Store};
/// use std::{sync::Arc, time::Duration};
///
/// # fc_runtime::testing::run(async {
/// let (redis, lease) = (Arc::new(MemoryStore::new()), Duration::from_secs(60)); // Such as one on Redis.
/// let (shop, blog) = (Arc::clone(&redis).namespaced("shop"), redis.namespaced("blog"));
/// assert_eq!(shop.begin("once:7", "a", lease).await.unwrap(), Begun::Yours);
/// assert_eq!(blog.begin("once:7", "b", lease).await.unwrap(), Begun::Yours);
/// # });
/// ```
#[derive(Debug, Clone)]
#[doc(alias = "prefix")]
pub struct Namespaced<T> {
    store: T,
    /// The name, with a colon that no name contains.
    prefix: String,
}

impl<T> Namespaced<T> {
    pub(super) fn new(store: T, name: &str) -> Self {
        // Without the escapes, the namespace `a` could hold keys of a namespace `a:b`.
        let name = name.replace('%', "%25").replace(':', "%3A");
        Self { store, prefix: format!("{name}:") }
    }

    fn key(&self, key: &str) -> String {
        [&self.prefix, key].concat()
    }
}

impl<T: Store> Store for Namespaced<T> {
    async fn begin(&self, key: &str, holder: &str, lease: Duration) -> Result<Begun> {
        self.store.begin(&self.key(key), holder, lease).await
    }

    async fn complete(&self, key: &str, holder: &str, value: &[u8], keep: Duration) -> Result {
        self.store.complete(&self.key(key), holder, value, keep).await
    }

    async fn release(&self, key: &str, holder: &str) -> Result {
        self.store.release(&self.key(key), holder).await
    }

    async fn hit(&self, key: &str, window: Duration) -> Result<Hits> {
        self.store.hit(&self.key(key), window).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_namespaces_share_a_key() {
        let keys =
            [("a", "b:c"), ("a:b", "c"), ("a%3Ab", "c"), ("a%", "3Ab:c"), ("", "a:b:c"), ("a:", "b:c")];
        let full: std::collections::BTreeSet<_> =
            keys.iter().map(|(name, key)| Namespaced::new((), name).key(key)).collect();
        assert_eq!(full.len(), keys.len(), "{full:?}");
        assert_eq!(Namespaced::new((), "shop").key("once:7"), "shop:once:7");
    }
}
