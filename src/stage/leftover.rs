//! A body that nobody read: read away, so that its connection can be used again.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::EXPECT;
use http_body::Body;

use crate::exchange::Call;
use crate::platform::limits::REQUEST_BODY_MAX;
use crate::task::{Kind, Tracker};

/// How long reading away may take. Then the connection is closed, as it would have been at once.
const LIMIT: Duration = Duration::from_secs(5);

/// Reads away what is left of a request's body once its reply is made, beside the sending of that reply.
///
/// hyper would close the connection instead; the platform, which reuses it, would answer 502 to its next `POST`. In
/// HTTP/2 it would reset the stream, and clients that still send would take that for an error of the reply. A
/// client that still waits for `100 Continue` is not told to send what nobody wants.
pub(crate) fn drain_leftover(call: &Arc<Call>, tracker: &Tracker) {
    if !call.has_body {
        return;
    }
    let Some(mut body) = call.body_state().leftover() else { return };
    if call.head.headers.contains_key(EXPECT) {
        return;
    }
    drop(tracker.spawn(Kind::Leftover, async move {
        let drained = async {
            let mut left = REQUEST_BODY_MAX;
            while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
                let length = frame.data_ref().map_or(0, bytes::Bytes::len);
                match left.checked_sub(length) {
                    Some(rest) => left = rest,
                    None => return,
                }
            }
        };
        let _ = tokio::time::timeout(LIMIT, drained).await;
    }));
}
