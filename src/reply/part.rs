//! The trait of values that may stand before a reply in a tuple.

use std::panic::Location;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::reply::Reply;

/// What may stand before a reply in a tuple: a status or headers.
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
/// assert_eq!((NoStore, "a secret").into_reply().headers()["cache-control"], "no-store");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand before a reply",
    note = "a status (`201` or `StatusCode::CREATED`), a `HeaderMap`, or an array such as `[(\"location\", \"/7\")]` can"
)]
pub trait ReplyPart {
    /// Adds this part to the reply.
    fn apply(self, reply: Reply) -> Reply;
}

impl ReplyPart for StatusCode {
    fn apply(self, reply: Reply) -> Reply {
        if reply.error().is_some() { reply } else { reply.with_status(self.as_u16()) }
    }
}

impl ReplyPart for u16 {
    fn apply(self, reply: Reply) -> Reply {
        if reply.error().is_some() { reply } else { reply.with_status(self) }
    }
}

impl ReplyPart for HeaderMap {
    fn apply(self, mut reply: Reply) -> Reply {
        reply.headers_mut().extend(self);
        reply
    }
}

impl<K, V, const N: usize> ReplyPart for [(K, V); N]
where
    K: TryInto<HeaderName>,
    V: TryInto<HeaderValue>,
{
    fn apply(self, mut reply: Reply) -> Reply {
        for (name, value) in self {
            match (name.try_into(), value.try_into()) {
                (Ok(name), Ok(value)) => {
                    reply.headers_mut().insert(name, value);
                }
                _ => {
                    return Reply::mistake("a header has bytes that HTTP forbids", Location::caller());
                }
            }
        }
        reply
    }
}
