//! The hooks of a protocol above HTTP, such as gRPC, at its routes.

use std::time::Duration;

use http::HeaderMap;

use crate::exchange::Call;
use crate::reply::Reply;

/// The functions of a protocol that is spoken inside HTTP requests and replies. There is one constant for each
/// protocol. Only the builder's methods for its routes refer to it, so that functions without such routes have none of
/// its code in their binaries.
pub(crate) struct Protocol {
    /// The largest message that a reader accepts, in bytes: the upper bound of a place's limit, and its default.
    pub(crate) message_max: usize,
    /// What is wrong with a pattern to which no call of the protocol can come.
    pub(crate) path_mistake: fn(&str) -> Option<&'static str>,
    /// Whether a request speaks the protocol, by its headers.
    pub(crate) is_spoken: fn(&HeaderMap) -> bool,
    /// How long the client will wait, if its headers say so.
    pub(crate) patience: fn(&HeaderMap) -> Option<Duration>,
    /// Writes the error of a reply in the protocol's form.
    pub(crate) say_error: fn(&Call, &mut Reply),
}
