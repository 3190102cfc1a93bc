//! gRPC: the four kinds of methods as closures, generated services, health, reflection, gRPC-Web.
//!
//! A method is a route of the app, `POST /package.Service/Method`, so whatever holds for routes holds for it: places with
//! settings, groups, arounds, CORS, records, drains. Its closure gets the exchange, and one message or
//! [several](Messages); it returns a message or a `Stream` of them.
//!
//! ```
//! use fc_runtime::{App, grpc::Messages};
//!
//! #[derive(Clone, PartialEq, prost::Message)]
//! struct Number { #[prost(int64, tag = "1")] value: i64 }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let app = App::new()
//!     .client_stream("/numbers.Numbers/Sum", async |_, mut numbers: Messages<Number>| {
//!         let mut value = 0;
//!         while let Some(number) = numbers.message().await? { value += number.value; }
//!         Ok(Number { value })
//!     })
//!     .server_stream("/numbers.Numbers/Count", async |_, most: Number| Ok(async_stream::try_stream! {
//!         for value in 1..=most.value { yield Number { value }; }
//!     }));
//! let client = app.test_client();
//! let sum = client.grpc("/numbers.Numbers/Sum", [Number { value: 20 }, Number { value: 22 }]).await;
//! assert_eq!(sum.messages::<Number>()[0].value, 42);
//! let counted = client.grpc("/numbers.Numbers/Count", [Number { value: 3 }]).await;
//! assert_eq!(counted.messages::<Number>().len(), 3);
//! # });
//! ```
//!
//! # Errors
//!
//! An [`Error`](crate::Error) is a status with the same message; the cause stays in the log.
//!
//! | HTTP | gRPC | HTTP | gRPC |
//! |---|---|---|---|
//! | 400, 414, 415, 422 | `INVALID_ARGUMENT` | 412 and other 4xx | `FAILED_PRECONDITION` |
//! | 401 | `UNAUTHENTICATED` | 416 | `OUT_OF_RANGE` |
//! | 403 | `PERMISSION_DENIED` | 499 | `CANCELLED` |
//! | 404, 410 | `NOT_FOUND` | 405, 501, 505 | `UNIMPLEMENTED` |
//! | 409 | `ALREADY_EXISTS` | 502, 503 | `UNAVAILABLE` |
//! | 413, 429, 431 | `RESOURCE_EXHAUSTED` | 408, 504 | `DEADLINE_EXCEEDED` |
//! | | | other 5xx | `INTERNAL` |
//!
//! A `tonic::Status` that `?` meets is passed on with its code, message, details and metadata; so a method ends with any
//! status by `Err(Status::aborted("try again"))?`. To hide what a service behind this one said, give its text to
//! [`Error::internal`](crate::Error::internal) and not its status. Refusals of ours speak gRPC to a call of gRPC: a status in the headers of a
//! reply without a body. `UNKNOWN`, `DEADLINE_EXCEEDED`, `INTERNAL`, `UNAVAILABLE` and `DATA_LOSS` are failures of the
//! function: the platform is told so where the reply has not begun, and the access line, which has the status as `grpc`, is
//! an error.
//!
//! # Limits
//!
//! A message has at most 6 MiB, inflated; gzip is understood, replies are not compressed. `grpc-timeout` is one more bound of
//! [`Exchange::deadline`](crate::Exchange::deadline), and streams end at it too.
//!
//! # gRPC-Web
//!
//! Every method is there for pages and for load balancers that pass HTTP/1.1 alone: `application/grpc-web` and
//! `application/grpc-web-text`, over either version of HTTP. The status is in the body, so pages of another origin need a
//! [`Cors`](crate::Cors) policy and no exposed headers.

mod call;
mod descriptors;
mod frame;
mod health;
mod message;
mod messages;
mod reflection;
mod reply_body;
mod routes;
mod service;
mod status;
mod web;
mod wire;

pub use message::{IntoMessage, IntoMessages, WithMetadata};
pub use messages::Messages;
pub use service::{Generated, exchange};
pub use status::to_error;
pub use tonic::{Code, Status};
