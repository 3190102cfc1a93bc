//! Names that the platform makes up: request ids and instance ids.

use std::sync::Arc;
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

fn random() -> u128 {
    let mut bytes = [0; 16];
    // Ids must differ, not be secret: without the system's source the clock has to do.
    if getrandom::fill(&mut bytes).is_err() {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        return nanos.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    }
    u128::from_le_bytes(bytes)
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
