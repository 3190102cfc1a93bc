//! The id of a request: the platform's where it is usable, else one of the platform's own form.

use std::cell::Cell;
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderValue;

use crate::platform::limits::REQUEST_ID_MAX;

/// The id of one request: at most 128 printable ASCII characters.
///
/// ```
/// use fc_runtime::{HeaderValue, RequestId};
///
/// let sent = HeaderValue::from_static("1-65d71219-15d63510-fecf237c590c");
/// assert_eq!(RequestId::from_header(Some(&sent)).as_str(), "1-65d71219-15d63510-fecf237c590c");
/// let unusable = HeaderValue::from_static("two words");
/// assert_ne!(RequestId::from_header(Some(&unusable)).as_str(), "two words");
/// assert_eq!(RequestId::generate().as_str().len(), 32);
/// ```
#[derive(Clone)]
pub struct RequestId(Form);

#[derive(Clone)]
enum Form {
    Given(HeaderValue),
    /// Made when somebody asks: a request that is not logged and does not fail needs none.
    Made(OnceLock<[u8; MADE_LEN]>),
}

/// `1-<8 hex>-<8 hex>-<12 hex>`: the form of FC 3.0, whose first part is the time in seconds.
const MADE_LEN: usize = 2 + 8 + 1 + 8 + 1 + 12;

impl RequestId {
    /// The header's value if it is 1 to 128 printable ASCII characters, else a new id.
    pub fn from_header(value: Option<&HeaderValue>) -> Self {
        match value {
            Some(value) if is_usable(value.as_bytes()) => Self(Form::Given(value.clone())),
            _ => Self::generate(),
        }
    }

    /// A new id. It tells requests apart; it is not a secret.
    pub fn generate() -> Self {
        Self(Form::Made(OnceLock::new()))
    }

    /// The same id with bytes of its own: a header's value holds on to the buffer that it was read into.
    pub(crate) fn detached(&self) -> Self {
        Self::from_header(HeaderValue::from_bytes(self.as_bytes()).ok().as_ref())
    }

    /// The id as bytes, all of them printable ASCII.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Form::Given(value) => value.as_bytes(),
            Form::Made(text) => text.get_or_init(make),
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

fn make() -> [u8; MADE_LEN] {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut text = *b"1-00000000-00000000-000000000000";
    hex(&mut text[2..10], seconds);
    hex(&mut text[11..19], random());
    hex(&mut text[20..32], random());
    text
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn is_usable(id: &[u8]) -> bool {
    (1..=REQUEST_ID_MAX).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}

/// Writes the low digits of a number, as many as there is room for.
fn hex(into: &mut [u8], mut value: u64) {
    for digit in into.iter_mut().rev() {
        let nibble = (value & 15) as u8;
        *digit = nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
        value >>= 4;
    }
}

/// The `SplitMix64` generator, seeded per thread from the standard library's random hasher.
fn random() -> u64 {
    thread_local! {
        static STATE: Cell<u64> = Cell::new(RandomState::new().build_hasher().finish());
    }
    STATE.with(|state| {
        let next = state.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        state.set(next);
        let z = (next ^ (next >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, kept: bool) {
        let id = RequestId::from_header(HeaderValue::from_str(header).ok().as_ref());
        assert_eq!(id.as_str() == header, kept, "{header:?} -> {id}");
    }

    #[test]
    fn usable_ids_are_kept_and_others_replaced() {
        check("1-65d71219-15d63510-fecf237c590c", true);
        check(&"x".repeat(128), true);
        check(&"x".repeat(129), false);
        check("", false);
        check("a b", false);
        check("a\tb", false);
    }

    #[test]
    fn a_generated_id_has_the_form_of_fc3() {
        let id = RequestId::generate();
        let parts: Vec<_> = id.as_str().split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [1, 8, 8, 12]);
        assert!(parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_hexdigit())));
        assert_ne!(id.as_str(), RequestId::generate().as_str());
    }
}
