//! The trait of values that a handler may return.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderValue, StatusCode};

use crate::error::Error;
use crate::reply::{Reply, ReplyPart};

/// A value that a handler may return: text, bytes, [`Json`](crate::Json), [`Html`](crate::Html),
/// [`Redirect`](crate::Redirect), a bare status, a [`Reply`], or a `Result` of one of these. A tuple puts a status or
/// headers before such a value.
///
/// ```
/// use fc_runtime::{Error, IntoReply, Result};
///
/// assert_eq!("hello".into_reply().status(), 200);
/// assert_eq!((201, [("location", "/7")], "made").into_reply().headers()["location"], "/7");
/// let failed: Result<&str> = Err(Error::conflict("sold out"));
/// assert_eq!(failed.into_reply().status(), 409);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as a reply",
    label = "this returns `{Self}`, which is not a reply",
    note = "reply with text, bytes, `Json(value)`, `Html(text)`, `Redirect::to(..)`, a status such as `204`, a `Reply`, or a tuple such as `(201, Json(value))`",
    note = "to fail, return `fc_runtime::Result`: its `?` takes any error, also that of `anyhow`, as in `Ok(ex.text().await?)`",
    note = "to answer with no body, return a status such as `204`",
    note = "a header or a cookie stands before a reply, as in `(cookie, \"saved\")`",
    note = "an around returns the reply of `next.run(ex).await`, or one of its own"
)]
#[doc(alias = "IntoResponse")]
#[doc(alias = "Responder")]
pub trait IntoReply {
    /// Converts the value into a reply.
    fn into_reply(self) -> Reply;
}

impl IntoReply for Reply {
    fn into_reply(self) -> Reply {
        self
    }
}

/// The only implementation for `Result`: with a second error type, `?` could not infer which error is meant.
impl<T: IntoReply> IntoReply for Result<T, Error> {
    fn into_reply(self) -> Reply {
        match self {
            Ok(value) => value.into_reply(),
            Err(error) => Reply::from_error(error),
        }
    }
}

impl IntoReply for Error {
    fn into_reply(self) -> Reply {
        Reply::from_error(self)
    }
}

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const BINARY: HeaderValue = HeaderValue::from_static("application/octet-stream");

impl IntoReply for &'static str {
    fn into_reply(self) -> Reply {
        Reply::typed(self.into(), TEXT)
    }
}

impl IntoReply for String {
    fn into_reply(self) -> Reply {
        Reply::typed(self.into(), TEXT)
    }
}

impl IntoReply for Cow<'static, str> {
    fn into_reply(self) -> Reply {
        match self {
            Cow::Borrowed(text) => text.into_reply(),
            Cow::Owned(text) => text.into_reply(),
        }
    }
}

impl IntoReply for Bytes {
    fn into_reply(self) -> Reply {
        Reply::typed(self, BINARY)
    }
}

impl IntoReply for Vec<u8> {
    fn into_reply(self) -> Reply {
        Reply::typed(self.into(), BINARY)
    }
}

impl IntoReply for &'static [u8] {
    fn into_reply(self) -> Reply {
        Reply::typed(self.into(), BINARY)
    }
}

impl IntoReply for StatusCode {
    fn into_reply(self) -> Reply {
        Reply::empty(self)
    }
}

/// A status without a body, such as `204`.
impl IntoReply for u16 {
    fn into_reply(self) -> Reply {
        self.apply(Reply::empty(StatusCode::OK))
    }
}

/// Parts before a reply. The first is applied last.
macro_rules! tuples {
    ($(($($part:ident $at:tt),+; $reply:tt);)*) => {$(
        impl<$($part: ReplyPart,)+ T: IntoReply> IntoReply for ($($part,)+ T) {
            fn into_reply(self) -> Reply {
                let reply = self.$reply.into_reply();
                $(let reply = self.$at.apply(reply);)+
                reply
            }
        }
    )*};
}

tuples! {
    (A 0; 1);
    (B 1, A 0; 2);
    (C 2, B 1, A 0; 3);
    (D 3, C 2, B 1, A 0; 4);
    (E 4, D 3, C 2, B 1, A 0; 5);
}
