//! A reply that is read while it arrives.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body::Body as _;

use crate::stage::Outgoing;

/// A reply whose body is read piece by piece, for streams without an end. A drop before the end acts like a client that
/// leaves.
///
/// ```
/// use fc_runtime::{App, Sse};
///
/// # fc_runtime::testing::run(async {
/// let client = App::new()
///     .get("/ticks", async |_| Sse::run(async move |mut out| {
///         loop {
///             out.send("tick").await?;
///             tokio::time::sleep(std::time::Duration::from_millis(1)).await;
///         }
///     }))
///     .test_client();
/// let mut ticks = client.get("/ticks").open().await;
/// assert_eq!(ticks.status, 200);
/// assert_eq!(ticks.piece().await.unwrap(), "data: tick\n\n");
/// # });
/// ```
#[non_exhaustive]
pub struct Streaming {
    /// The status.
    pub status: StatusCode,
    /// The headers that the app set.
    pub headers: HeaderMap,
    /// The trailers, once the body has ended, such as the status of a gRPC call.
    pub trailers: HeaderMap,
    /// Whether the reply's stream failed.
    pub broken: bool,
    body: Outgoing,
}

impl Streaming {
    pub(super) fn new(response: Response<Outgoing>) -> Self {
        let (head, body) = response.into_parts();
        Self { status: head.status, headers: head.headers, trailers: HeaderMap::new(), broken: false, body }
    }

    /// The next piece, as a socket would get it. `None` at the end.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn piece(&mut self) -> Option<Bytes> {
        loop {
            let Ok(frame) = poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx)).await? else {
                self.broken = true;
                return None;
            };
            match frame.into_data() {
                Ok(data) => return Some(data.into_bytes()),
                Err(frame) => self.trailers = frame.into_trailers().unwrap_or_default(),
            }
        }
    }
}

impl fmt::Debug for Streaming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streaming").field("status", &self.status).finish_non_exhaustive()
    }
}
