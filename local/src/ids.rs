//! Names that the platform makes up: request ids and instance ids.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{SystemTime, UNIX_EPOCH};

/// `1-<8 hex unix seconds>-<8 hex>-<12 hex>`, the form of FC 3.0.
pub(crate) fn request() -> Arc<str> {
    let random = random();
    let (high, low) = (random >> 96, random & 0xffff_ffff_ffff);
    format!("1-{:08x}-{high:08x}-{low:012x}", seconds()).into()
}

/// `c-<8 hex>-<20 hex>`.
pub(crate) fn instance() -> Arc<str> {
    format!("c-{:08x}-{:020x}", seconds(), random() >> 48).into()
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Ids must differ, not be secret: a keyed hash of a counter costs no call of the system.
fn random() -> u128 {
    static KEYS: LazyLock<(RandomState, RandomState)> = LazyLock::new(Default::default);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let (high, low) = &*KEYS;
    u128::from(high.hash_one(count)) << 64 | u128::from(low.hash_one(count))
}

#[cfg(test)]
mod tests {
    #[test]
    fn ids_have_the_platforms_form_and_differ() {
        let id = super::request();
        let parts: Vec<&str> = id.split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [1, 8, 8, 12]);
        assert!(parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_hexdigit())), "{id}");
        assert_ne!(id, super::request());
        assert_eq!(super::instance().len(), 2 + 8 + 1 + 20);
    }
}
