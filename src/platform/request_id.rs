//! The id of a request: the platform's if it is usable, else a generated one of the same form.

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
    /// Generated at once: the access log needs the id.
    Ready([u8; MADE_LEN]),
    /// Generated at the first use. A request that is not logged and does not fail needs no id.
    Made(OnceLock<[u8; MADE_LEN]>),
}

/// The length of `1-<8 hex>-<8 hex>-<12 hex>`, the form of FC 3.0. The first part is the time in seconds.
const MADE_LEN: usize = 2 + 8 + 1 + 8 + 1 + 12;

impl RequestId {
    /// The header's value if it is 1 to 128 printable ASCII characters. Otherwise a generated id.
    pub fn from_header(value: Option<&HeaderValue>) -> Self {
        match value {
            Some(value) if is_usable(value.as_bytes()) => Self(Form::Given(value.clone())),
            _ => Self::generate(),
        }
    }

    /// A generated id. It is unique enough to tell requests apart, and is not a secret.
    pub fn generate() -> Self {
        Self(Form::Made(OnceLock::new()))
    }

    /// As [`from_header`](Self::from_header), for a request that the access log records. An id costs less if it is
    /// generated at once.
    pub(crate) fn to_be_logged(value: Option<&HeaderValue>) -> Self {
        match value {
            Some(value) if is_usable(value.as_bytes()) => Self(Form::Given(value.clone())),
            _ => Self(Form::Ready(make())),
        }
    }

    /// A copy of the id with its own bytes. A header's value keeps the buffer of the whole head in memory.
    pub(crate) fn detached(&self) -> Self {
        if let Form::Given(value) = &self.0
            && let Ok(value) = HeaderValue::from_bytes(value.as_bytes())
        {
            return Self(Form::Given(value));
        }
        // An id that is generated at its first use is generated before it is copied: the copy would have another one.
        self.as_bytes();
        self.clone()
    }

    /// The id as bytes, all of them printable ASCII.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Form::Given(value) => value.as_bytes(),
            Form::Ready(text) => text,
            Form::Made(text) => text.get_or_init(make),
        }
    }

    /// The generated id: hexadecimal digits and dashes. `None` if the id came with the request.
    pub(crate) fn generated(&self) -> Option<&[u8; MADE_LEN]> {
        match &self.0 {
            Form::Given(_) => None,
            Form::Ready(text) => Some(text),
            Form::Made(text) => Some(text.get_or_init(make)),
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
    let (first, second) = (random(), random());
    text[2..10].copy_from_slice(&hex(seconds));
    text[11..19].copy_from_slice(&hex(first));
    text[20..28].copy_from_slice(&hex(second));
    text[28..32].copy_from_slice(&hex(first >> 32)[4..]);
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
    // No branch for each byte, because nearly every id is valid and is read to its end.
    (1..=REQUEST_ID_MAX).contains(&id.len())
        && id.iter().fold(true, |all, byte| all & byte.is_ascii_graphic())
}

/// The low 32 bits as hexadecimal digits. All eight digits are made at once, one in each byte of a word.
fn hex(value: u64) -> [u8; 8] {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let mut word = value & 0xffff_ffff;
    word = (word | word << 16) & 0x0000_ffff_0000_ffff;
    word = (word | word << 8) & 0x00ff_00ff_00ff_00ff;
    word = (word | word << 4) & (ONES * 0x0f);
    // 1 in each byte whose digit is a letter.
    let letters = (word + ONES * 6) >> 4 & ONES;
    (word + ONES * u64::from(b'0') + letters * u64::from(b'a' - b'0' - 10)).to_be_bytes()
}

/// The `SplitMix64` generator, seeded per thread from the standard library's random hasher.
pub(crate) fn random() -> u64 {
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
    fn digits_are_those_of_the_number() {
        for value in [0, 1, 0x0123_4567, 0x89ab_cdef, 0xffff_ffff, 0xa0b1_c2d3] {
            assert_eq!(std::str::from_utf8(&hex(value)).unwrap(), format!("{value:08x}"));
        }
        assert_eq!(hex(0x1_0000_00ff), *b"000000ff");
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
