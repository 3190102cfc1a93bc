//! Events of the platform's triggers as types, and requests that come as events.
//!
//! The types are those of the package `fc-events`, one for each trigger. [`App::event_of`](crate::App::event_of) hands one to the handler, and
//! [`Event::read`](crate::Event::read) reads one within a handler of several.
//!
//! ```
//! use fc_runtime::App;
//! use fc_runtime::events::oss::OssEvent;
//!
//! # fc_runtime::testing::run(async {
//! let client = App::new()
//!     .event_of(async |_, uploads: OssEvent| uploads.events[0].oss.object.key.clone())
//!     .test_client();
//! let event = r#"{"events": [{"eventName": "ObjectCreated:PutObject", "oss": {"bucket": {"name": "b"}, "object": {"key": "in/a.png"}}}]}"#;
//! client.invoke(event).await.assert_text("in/a.png");
//! let wrong = client.invoke(r#"{"events": [{"eventName": "x", "oss": {"bucket": {"name": "b"}, "object": {}}}]}"#).await;
//! assert!(wrong.assert_status(404).text().contains("events[0].oss.object: missing field `key`"));
//! # });
//! ```
//!
//! # One app, every door
//!
//! API Gateway, the HTTP trigger of an event function and a load balancer in front of one send requests as JSON.
//! [`App::event_as_http`](crate::App::event_as_http) has them answered by the routes, and gives the reply in the form that their sender reads.
//!
//! | of the request | comes from |
//! |---|---|
//! | method, path | `httpMethod`, `path`; `requestContext.http.method`, `rawPath` |
//! | query | `queryParameters`, decoded there and encoded again. The values of a repeated name are one, joined with commas |
//! | headers | `headers`, but for those of the connection, and for `x-fc-…`, which only the call itself may set |
//! | body | `body`, decoded if it is base64 |
//! | client's address | `requestContext.http.sourceIp`; API Gateway tells none but in headers |
//! | what else is told | [`Exchange::value`](crate::Exchange::value): [`http::RequestContext`], or [`api_gateway::Request`] without headers and body |
//!
//! Of the reply, a body that is no text is base64, and repeated headers are joined with commas. A second cookie has its header's name in another case,
//! since the form has one value for each name. A stream is gathered, up to 6 MiB and the function's time. What needs a connection (WebSocket, gRPC) is a
//! 501. An error of a route is a reply as another: the call itself succeeds.

mod as_http;
mod reply;
mod request;
mod typed;

pub use fc_events::*;

/// The code of the page about events is compiled.
#[cfg(doctest)]
#[doc = include_str!("../../docs/events.md")]
mod page {}
