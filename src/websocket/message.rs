//! The messages of a socket, and the code and reason of its close.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use serde::Serialize;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::error::{Error, StatusError};
use crate::exchange::Readable;
use crate::exchange::read::parse_json;

/// One complete message. Fragments are joined, and pings are answered without reaching the closure.
///
/// ```
/// use fc_runtime::Message;
///
/// let message = Message::from("tea");
/// assert_eq!(message.as_text(), Some("tea"));
/// assert_eq!(Message::json(&[1, 2]).unwrap().to_json::<Vec<u8>>().unwrap(), [1, 2]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message {
    /// A text message. Its UTF-8 was checked.
    Text(Text),
    /// A binary message.
    Binary(Bytes),
}

impl Message {
    /// Writes a value as JSON, in a text message.
    ///
    /// # Errors
    /// 500 when the value cannot be written as JSON.
    #[track_caller]
    pub fn json(value: &impl Serialize) -> Result<Self, StatusError> {
        serde_json::to_string(value).map(Self::from).map_err(|cause| Error::internal(cause).into_std())
    }

    /// Reads the message, text or binary, as JSON.
    ///
    /// # Errors
    /// 400 for broken JSON, with line and column; 422 for a value that does not fit, with the path of the field.
    #[track_caller]
    pub fn to_json<T: Readable>(&self) -> Result<T, StatusError> {
        parse_json(self.as_bytes()).map_err(Error::into_std)
    }

    /// The text of a text message.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// The payload.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The payload, without a copy.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Text(text) => text.0.into(),
            Self::Binary(bytes) => bytes,
        }
    }
}

/// Text that shares the bytes of the received message, so that a clone copies nothing. It dereferences to `str`.
///
/// ```
/// use fc_runtime::{Message, Text};
///
/// let text = Text::from("tea");
/// assert_eq!(text.to_uppercase(), "TEA");
/// assert_eq!(Message::from(text.clone()).as_text(), Some(&*text));
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Text(pub(super) Utf8Bytes);

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        (*text).to_owned()
    }
}

impl From<Text> for Message {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<Cow<'_, str>> for Message {
    fn from(text: Cow<'_, str>) -> Self {
        Self::from(text.into_owned())
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes.into())
    }
}

impl From<&[u8]> for Message {
    fn from(bytes: &[u8]) -> Self {
        Self::Binary(Bytes::copy_from_slice(bytes))
    }
}

/// How a socket was closed, by the side that closed first: a code and a reason of RFC 6455.
///
/// ```
/// use fc_runtime::App;
///
/// let app = App::new().get("/chat", async |ex| ex.websocket(async |mut socket| {
///     while let Some(message) = socket.next().await { message?; }
///     if let Some(close) = socket.closed().filter(|close| close.code != 1000) {
///         tracing::warn!(code = close.code, reason = %close.reason, "the chat ended early");
///     }
///     Ok(())
/// }));
/// # let _: App = app;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Close {
    /// 1000 is a normal end. 1001 means that the page or the function goes away. 3000 to 4999 are free for libraries
    /// and applications. As in a browser, 1005 means a close without a code, and 1006 a client that left without a
    /// close.
    pub code: u16,
    /// The reason, of at most 123 bytes; often empty.
    pub reason: Text,
}

impl Close {
    pub(crate) fn new(code: u16, reason: &str) -> Self {
        Self { code, reason: shortened(reason).into() }
    }

    /// Whether an endpoint may send this code. RFC 6455, IANA's registry (1012 to 1014), libraries and applications
    /// define such codes. 1004 is reserved; 1005, 1006 and 1015 never stand in a frame.
    pub(super) fn is_for_endpoints(code: u16) -> bool {
        matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

/// The part of a reason that fits a close frame.
fn shortened(reason: &str) -> &str {
    const MAX: usize = 123;
    let mut end = reason.len().min(MAX);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_cut_between_characters() {
        assert_eq!(shortened("bye"), "bye");
        assert_eq!(shortened(&"é".repeat(100)), "é".repeat(61));
    }
}
