//! The control headers: a client's requests to the platform, not to the function.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::failure::Failure;
use crate::wire::headers::is_reserved;

const LOG_RESULT: HeaderName = HeaderName::from_static("x-fc-log-result");

/// The control headers of a request.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Control {
    pub(crate) wants_log: bool,
    is_async: bool,
}

impl Control {
    pub(crate) fn take(headers: &HeaderMap) -> Self {
        let is = |name: &str, word: &str| {
            headers.get(name).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(word.as_bytes()))
        };
        if !headers.keys().any(is_reserved) {
            return Control::default();
        }
        let (wants_log, is_async) = (is("x-fc-log-type", "Tail"), is("x-fc-invocation-type", "Async"));
        Control { wants_log, is_async }
    }

    pub(crate) fn refuse_unsupported(self) -> Result<(), Failure> {
        if self.is_async {
            let text = "fc-local does not support asynchronous calls yet; call it synchronously";
            return Err(Failure::invalid_argument(text));
        }
        Ok(())
    }
}

/// Sets the last 4 KiB of the call's log as a header.
pub(crate) fn set_log(headers: &mut HeaderMap, log: &str) {
    if let Ok(value) = HeaderValue::from_str(&STANDARD.encode(log)) {
        headers.insert(LOG_RESULT, value);
    }
}
