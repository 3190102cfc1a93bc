//! What an event handler may return.

use bytes::Bytes;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::reply::Json;

/// What an event handler may return: bytes, text, [`Json`], nothing, or a `Result` of one of these.
#[diagnostic::on_unimplemented(
    message = "an event handler cannot return `{Self}`",
    label = "`{Self}` is not a payload",
    note = "return bytes, text, `Json(value)` or `()`; to fail, let `?` convert the error, as in `Ok(work().await?)`"
)]
pub trait IntoPayload {
    #[doc(hidden)]
    fn into_payload(self) -> Result<Bytes>;
}

impl IntoPayload for () {
    fn into_payload(self) -> Result<Bytes> {
        Ok(Bytes::new())
    }
}

impl IntoPayload for Bytes {
    fn into_payload(self) -> Result<Bytes> {
        Ok(self)
    }
}

impl IntoPayload for Vec<u8> {
    fn into_payload(self) -> Result<Bytes> {
        Ok(self.into())
    }
}

impl IntoPayload for String {
    fn into_payload(self) -> Result<Bytes> {
        Ok(self.into())
    }
}

impl IntoPayload for &'static str {
    fn into_payload(self) -> Result<Bytes> {
        Ok(self.into())
    }
}

impl<T: Serialize> IntoPayload for Json<T> {
    fn into_payload(self) -> Result<Bytes> {
        Ok(serde_json::to_vec(&self.0)?.into())
    }
}

impl<T: IntoPayload> IntoPayload for Result<T, Error> {
    fn into_payload(self) -> Result<Bytes> {
        self.and_then(IntoPayload::into_payload)
    }
}
