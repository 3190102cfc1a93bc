//! The trait of values that an event handler may return.

use bytes::Bytes;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::reply::Json;

/// What an event handler may return: bytes, text, [`Json`], nothing, or a `Result` of one of these.
///
/// [`App::event`](crate::App::event) shows a handler that returns JSON, [`Event`](crate::Event) one that returns text.
#[diagnostic::on_unimplemented(
    message = "an event handler cannot return `{Self}`",
    label = "`{Self}` is not a payload",
    note = "return bytes, text, `Json(value)` or `()`; to fail, let `?` convert the error, as in `Ok(work().await?)`"
)]
#[doc(alias = "IntoPayload")]
pub trait IntoEventReply {
    #[doc(hidden)]
    fn into_event_reply(self) -> Result<Bytes>;
}

impl IntoEventReply for () {
    fn into_event_reply(self) -> Result<Bytes> {
        Ok(Bytes::new())
    }
}

impl IntoEventReply for Bytes {
    fn into_event_reply(self) -> Result<Bytes> {
        Ok(self)
    }
}

impl IntoEventReply for Vec<u8> {
    fn into_event_reply(self) -> Result<Bytes> {
        Ok(self.into())
    }
}

impl IntoEventReply for String {
    fn into_event_reply(self) -> Result<Bytes> {
        Ok(self.into())
    }
}

impl IntoEventReply for &'static str {
    fn into_event_reply(self) -> Result<Bytes> {
        Ok(self.into())
    }
}

impl<T: Serialize> IntoEventReply for Json<T> {
    fn into_event_reply(self) -> Result<Bytes> {
        Ok(serde_json::to_vec(&self.0)?.into())
    }
}

impl<T: IntoEventReply> IntoEventReply for Result<T, Error> {
    fn into_event_reply(self) -> Result<Bytes> {
        self.and_then(IntoEventReply::into_event_reply)
    }
}
