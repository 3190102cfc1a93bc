//! A web framework that is a Function Compute custom runtime.

mod app;
mod cancel;
mod cors;
mod endpoint;
mod error;
mod exchange;
pub mod guard;
mod health;
mod lifecycle;
mod log;
pub mod platform;
mod reply;
mod route;
mod serve;
mod stage;
mod tally;
mod task;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod timer;

pub use app::{AccessLog, App, AppErrors, At, Group, Handler, LogMarkers, Next, at};
pub use bytes::Bytes;
pub use cors::Cors;
pub use error::{BoxError, Error, OrError, Result};
pub use exchange::{Event, Exchange, FromParam, HangUp, Hook, Payload, Readable};
pub use http;
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
pub use log::current_request_id;
pub use platform::limits::{KIB, MIB};
pub use platform::{Credentials, Instance, Invocation, RequestId};
pub use reply::{Html, IntoPayload, IntoReply, Json, Outcome, Redirect, Reply, ReplyPart};
pub use tally::Counters;
