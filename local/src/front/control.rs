//! What a client asks of the platform, not of the function.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::UPGRADE;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::failure::Failure;
use crate::wire::headers::is_reserved;

const LOG_RESULT: HeaderName = HeaderName::from_static("x-fc-log-result");

/// What a client asks of the platform, not of the function.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Control {
    pub(crate) wants_log: bool,
    is_async: bool,
    is_websocket: bool,
}

impl Control {
    pub(crate) fn take(headers: &HeaderMap) -> Self {
        let is = |name: &str, word: &str| {
            headers.get(name).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(word.as_bytes()))
        };
        let is_websocket =
            headers.get(UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
        if !headers.keys().any(is_reserved) {
            return Control { is_websocket, ..Control::default() };
        }
        let (wants_log, is_async) = (is("x-fc-log-type", "Tail"), is("x-fc-invocation-type", "Async"));
        Control { wants_log, is_async, is_websocket }
    }

    pub(crate) fn refuse_unsupported(self) -> Result<(), Failure> {
        let text = match self {
            Control { is_async: true, .. } => {
                "fc-local does not support asynchronous calls yet; call it synchronously"
            }
            Control { is_websocket: true, .. } => "fc-local does not support WebSocket yet",
            _ => return Ok(()),
        };
        Err(Failure::invalid_argument(text))
    }
}

/// The last 4 KB of the call's log, for a caller who asked for them.
pub(crate) fn set_log(headers: &mut HeaderMap, log: &str) {
    if let Ok(value) = HeaderValue::from_str(&STANDARD.encode(log)) {
        headers.insert(LOG_RESULT, value);
    }
}
