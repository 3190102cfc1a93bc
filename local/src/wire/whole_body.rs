//! A client's body, read whole before its call: what is signed, or is a form, cannot be judged earlier.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;

use super::client_body::{BrokenBody, ClientBody};
use crate::failure::Failure;

/// How long a client may take to send a body that is read before the call.
const PATIENCE: Duration = Duration::from_secs(120);

impl ClientBody {
    /// Reads the body, which has at most `limit` bytes. Its next reader gets the same bytes.
    pub(crate) async fn read_in(&mut self, limit: usize) -> Result<Bytes, Failure> {
        match timeout(PATIENCE, Limited::new(&mut *self, limit).collect()).await {
            Ok(Ok(body)) => {
                let bytes = body.to_bytes();
                self.replace(bytes.clone());
                Ok(bytes)
            }
            // The connection drops this future.
            Ok(Err(error)) if error.downcast_ref().is_some_and(BrokenBody::has_client_left) => {
                std::future::pending().await
            }
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Failure::entity_too_large(limit)),
            Ok(Err(_)) => Err(Failure::invalid_argument("the request's body ended early")),
            Err(_) => Err(Failure::invalid_argument("the request's body does not end")),
        }
    }
}
