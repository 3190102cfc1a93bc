//! Header maps: a value is set and added in one place. `http`'s code for either, 3 KiB with what it calls, is in the binary once
//! for each type of a name and each crate that it is made in: generic functions of this crate are made in the author's.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Sets a header, in place of what it had.
#[inline(never)]
pub(crate) fn set(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    headers.insert(name, value);
}

/// Adds a value to a header.
#[inline(never)]
pub(crate) fn add(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    headers.append(name, value);
}
