//! What a protocol above HTTP changes at its routes.

use std::time::Duration;

use http::HeaderMap;

use crate::exchange::Call;
use crate::reply::Reply;

/// Functions of a protocol that is spoken in requests and replies of HTTP. One value per protocol; only the builder's
/// methods for its routes name it, so that functions without such routes have none of it in their binaries.
pub(crate) struct Protocol {
    /// The largest message that a reader takes in, whatever the place allows, and where it says nothing.
    pub(crate) message_max: usize,
    /// Whether a request speaks it.
    pub(crate) is_spoken: fn(&HeaderMap) -> bool,
    /// How long the client is going to wait, by its own words.
    pub(crate) patience: fn(&HeaderMap) -> Option<Duration>,
    /// Says a reply's error in the protocol's own way.
    pub(crate) say_error: fn(&Call, &mut Reply),
}
