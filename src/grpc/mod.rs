//! gRPC: methods as closures, generated services, health, reflection, gRPC-Web.
//!
//! A method is a route of the app, `POST /package.Service/Method`. Everything that applies to routes applies to
//! methods: places with settings, groups, middleware (arounds), CORS, the access log, drains. The closure gets the
//! exchange, and one message or [several](Messages). It returns a message or a `Stream` of messages.
//!
//! ```
//! use fc_runtime::{App, grpc::Messages};
//!
//! #[derive(Clone, PartialEq, prost::Message)]
//! struct Number { #[prost(int64, tag = "1")] value: i64 }
//!
//! # fc_runtime::testing::run(async {
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
//! An [`Error`](crate::Error) becomes a status with the same message. Its cause is only logged.
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
//! `?` passes a `tonic::Status` on with its code, message, details and metadata. So a method ends with any status by
//! `Err(Status::aborted("try again"))?`. To hide the message of another service, pass its text to
//! [`Error::internal`](crate::Error::internal) in place of its status.
//!
//! Refusals by the runtime, such as a 404, are a gRPC status too, in the headers of a reply without a body. Their codes
//! are the codes of gRPC libraries: `UNIMPLEMENTED` for an unknown method, `INTERNAL` for a broken message.
//!
//! `UNKNOWN`, `DEADLINE_EXCEEDED`, `INTERNAL`, `UNAVAILABLE` and `DATA_LOSS` count as failures of the function. Before
//! the reply has begun they are reported to the platform. The access log has the status as `grpc`, and such a line has
//! the level error.
//!
//! # Limits
//!
//! A message has at most 6 MiB, inflated. Generated services read by tonic, whose own limit is 4 MiB for a request unless
//! `max_decoding_message_size` of the generated server raises it. Requests may be compressed with gzip; replies are not compressed.
//! `grpc-timeout` is one more bound of [`Exchange::deadline`](crate::Exchange::deadline), and ends streams too.
//!
//! # gRPC-Web
//!
//! Every method also answers gRPC-Web, for browsers and for load balancers that forward HTTP/1.1 only:
//! `application/grpc-web` and `application/grpc-web-text`, over both versions of HTTP. The status is in the body, so a
//! page of another origin needs a [`Cors`](crate::Cors) policy, and no exposed headers.

mod accept;
mod call;
mod descriptors;
mod frame;
mod health;
mod message;
mod messages;
mod percent;
mod reflection;
mod reply_body;
mod routes;
mod service;
mod status;
mod web;
mod wire;

pub use message::{IntoMessage, IntoMessages, Replies, WithMetadata, replies};
pub use messages::Messages;
pub use service::{Generated, exchange};
pub use status::to_error;
pub use tonic::{Code, Status};
