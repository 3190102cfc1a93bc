//! The trait of values that may stand before a reply in a tuple.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::reply::Reply;

/// A part of a reply that may stand before it in a tuple: a status, a header or headers.
///
/// Headers replace those of the same name; a reply that is an error keeps its status.
///
/// ```
/// use fc_runtime::{IntoReply, Reply, ReplyPart};
///
/// /// Says that no cache may keep the reply.
/// struct NoStore;
/// impl ReplyPart for NoStore {
///     fn apply(self, reply: Reply) -> Reply { reply.with_header("cache-control", "no-store") }
/// }
///
/// let made = (201, [("location", "/orders/7")], "made").into_reply();
/// assert_eq!((made.status().as_u16(), &made.headers()["location"]), (201, &"/orders/7".parse().unwrap()));
/// let counted = (("x-count", 5), ("x-name", "tea".to_owned()), "counted").into_reply();
/// assert_eq!((&counted.headers()["x-count"], &counted.headers()["x-name"]), (&"5".parse().unwrap(), &"tea".parse().unwrap()));
/// assert_eq!((NoStore, "a secret").into_reply().headers()["cache-control"], "no-store");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand before a reply",
    note = "a status (`201` or `StatusCode::CREATED`), a header such as `(\"x-count\", 5)`, an array of headers or a `HeaderMap` can"
)]
pub trait ReplyPart {
    /// Adds this part to the reply.
    fn apply(self, reply: Reply) -> Reply;
}

impl ReplyPart for StatusCode {
    fn apply(self, reply: Reply) -> Reply {
        if reply.error().is_some() { reply } else { reply.with_status_at(self.as_u16(), None) }
    }
}

impl ReplyPart for u16 {
    fn apply(self, reply: Reply) -> Reply {
        if reply.error().is_some() { reply } else { reply.with_status_at(self, None) }
    }
}

impl ReplyPart for HeaderMap {
    fn apply(self, mut reply: Reply) -> Reply {
        reply.headers_mut().extend(self);
        reply
    }
}

/// One header. Headers with values of different types stand one after the other.
impl<K, V> ReplyPart for (K, V)
where
    K: TryInto<HeaderName>,
    V: TryInto<HeaderValue>,
{
    fn apply(self, mut reply: Reply) -> Reply {
        match header(self.0, self.1) {
            Ok((name, value)) => {
                reply.headers_mut().insert(name, value);
                reply
            }
            Err(what) => Reply::mistake(what, None),
        }
    }
}

impl<K, V, const N: usize> ReplyPart for [(K, V); N]
where
    K: TryInto<HeaderName>,
    V: TryInto<HeaderValue>,
{
    fn apply(self, reply: Reply) -> Reply {
        self.into_iter().fold(reply, |reply, header| header.apply(reply))
    }
}

/// The header of a name and a value.
///
/// # Errors
/// The mistake in the header. A wrong value is not told, because a client may have sent it.
pub(super) fn header<K, V>(name: K, value: V) -> Result<(HeaderName, HeaderValue), Cow<'static, str>>
where
    K: TryInto<HeaderName>,
    V: TryInto<HeaderValue>,
{
    let Ok(name) = name.try_into() else {
        return Err("the name of a header has bytes that HTTP forbids".into());
    };
    match value.try_into() {
        Ok(value) => Ok((name, value)),
        Err(_) => {
            Err(format!("the value of the header {:?} has bytes that HTTP forbids", name.as_str()).into())
        }
    }
}
