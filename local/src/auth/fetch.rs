//! Fetches a small document over HTTP or HTTPS, bounded in time and size.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tokio::time::timeout;

use crate::wire::outgoing;

/// How long fetching may take in all.
const TIME_MAX: Duration = Duration::from_secs(5);

/// The largest document, in bytes.
const SIZE_MAX: usize = 256 * 1024;

/// The document at `url`. Redirects are not followed.
pub(crate) async fn text(url: &str) -> Result<String, String> {
    let url: Uri = url.parse().map_err(|error| format!("its address cannot be read: {error}"))?;
    let request = Request::builder().header(header::ACCEPT, "application/json");
    match timeout(TIME_MAX, outgoing::exchange(&url, request, Bytes::new(), read)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(format!("it did not come within {} s", TIME_MAX.as_secs())),
    }
}

async fn read(reply: Response<Incoming>) -> Result<String, String> {
    if reply.status() != StatusCode::OK {
        return Err(format!("the reply has status {}", reply.status().as_u16()));
    }
    let body = Limited::new(reply.into_body(), SIZE_MAX).collect().await;
    let bytes = body.map_err(|error| error.to_string())?.to_bytes();
    String::from_utf8(bytes.into()).map_err(|_| "it is no text".to_owned())
}
