//! The control headers: a client's requests to the platform, not to the function.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fc_runtime::platform::names::header as fc;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::wire::headers::is_reserved;

const LOG_RESULT: HeaderName = HeaderName::from_static("x-fc-log-result");

/// The control headers of a request.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Control {
    pub(crate) wants_log: bool,
    /// Whether the call is to be stored and carried out later.
    pub(crate) is_async: bool,
}

impl Control {
    pub(crate) fn take(headers: &HeaderMap) -> Self {
        let is = |name: &str, word: &str| {
            let value = headers.get(name).map(|value| unquoted(value.as_bytes()));
            value.is_some_and(|value| value.eq_ignore_ascii_case(word.as_bytes()))
        };
        if !headers.keys().any(is_reserved) {
            return Control::default();
        }
        let (wants_log, is_async) = (is("x-fc-log-type", "Tail"), is(fc::INVOCATION_TYPE, "Async"));
        Control { wants_log, is_async }
    }
}

/// The value without the quotes that some examples of the manual have around it.
pub(crate) fn unquoted(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii();
    value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value)
}

/// Sets the last 4 KiB of the call's log as a header.
pub(crate) fn set_log(headers: &mut HeaderMap, log: &str) {
    if let Ok(value) = HeaderValue::from_str(&STANDARD.encode(log)) {
        headers.insert(LOG_RESULT, value);
    }
}
