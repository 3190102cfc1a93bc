//! Drains the unread body of a request, so that its connection can be used again.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::EXPECT;
use http_body::Body;

use crate::exchange::Call;
use crate::platform::limits::REQUEST_BODY_MAX;
use crate::task::{Kind, Tracker};

/// The longest time to drain a body. Then the connection is closed, as it would be without draining.
const LIMIT: Duration = Duration::from_secs(5);

/// The same for a body whose stream is reset. Clients of gRPC end their streams when they read the status. `HAProxy` drops
/// the status if the reset is read together with it.
const LIMIT_OF_RESET: Duration = Duration::from_millis(100);

/// Drains the unread rest of a request's body while the reply is sent.
///
/// Without draining, hyper closes the connection. The platform reuses connections, and would answer 502 to its next
/// `POST`. In HTTP/2 hyper would reset the stream, which clients that still send would take for an error of the reply.
/// A client that waits for `100 Continue` is not asked to send a body that is not wanted.
#[inline]
pub(crate) fn drain_leftover(call: &Arc<Call>, tracker: &Tracker) {
    if call.has_body {
        drain(call, tracker);
    }
}

fn drain(call: &Arc<Call>, tracker: &Tracker) {
    let Some(mut body) = call.body_state().leftover() else { return };
    if call.head.headers.contains_key(EXPECT) {
        return;
    }
    let limit = if call.resets_leftover() { LIMIT_OF_RESET } else { LIMIT };
    tracker.spawn(Kind::Leftover, async move {
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
        let _ = tokio::time::timeout(limit, drained).await;
    });
}
