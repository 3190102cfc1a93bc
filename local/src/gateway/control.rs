//! What a client asks of the platform, not of the function.

use http::header::{CONTENT_DISPOSITION, UPGRADE};
use http::{HeaderMap, HeaderValue};

use crate::failure::Failure;
use crate::wire::headers::is_reserved;

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

/// Built-in hosts make browsers save a reply instead of showing it.
pub(crate) fn force_attachment(headers: &mut HeaderMap) {
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
}
