//! The events that Function Compute's triggers send, as types for serde.
//!
//! A trigger calls a function with `POST /invoke`; the body is the event. The types here read what the platform was seen to send, also where its
//! documents and its own SDK disagree: numbers that arrive as text, batches of objects or of texts that hold JSON, one object in place of a batch.
//! They need serde alone, so any Rust function can use them.
//!
//! ```
//! use fc_events::{CloudEvent, kafka, timer::TimerEvent};
//!
//! let timer: TimerEvent = fc_events::read(br#"{"triggerTime": "2026-01-05T06:40:00Z", "triggerName": "nightly", "payload": ""}"#)?;
//! assert_eq!(timer.trigger_name, "nightly");
//!
//! let batch = br#"["{\"id\": \"k-1\", \"type\": \"alikafka:Topic:Message\", \"data\": {\"topic\": \"logs\", \"offset\": \"25\"}}"]"#;
//! let records: fc_events::Batch<CloudEvent<kafka::Record>> = fc_events::read(batch)?;
//! assert_eq!(records[0].data.offset, Some(25));
//! # Ok::<(), fc_events::Error>(())
//! ```
//!
//! What is wrong is told with the element and the field:
//!
//! ```
//! use fc_events::{Batch, mqtt};
//!
//! let wrong = fc_events::read::<Batch<mqtt::Message>>(br#"[{"body": "21.5"}, {"body": {"value": 21.5}}]"#).unwrap_err();
//! assert_eq!(wrong.element(), Some(1));
//! assert_eq!(wrong.field(), Some("[1].body"));
//! ```
//!
//! | trigger | type | on the wire |
//! |---|---|---|
//! | timer | [`timer::TimerEvent`] | an object |
//! | OSS | [`oss::OssEvent`] | an object with `events` |
//! | CDN | [`cdn::CdnEvent`] | an object with `events` |
//! | SLS | [`sls::SlsEvent`] | an object: cursors, no logs |
//! | MNS topic | [`mns::TopicEvent`] | text, or an object |
//! | MNS queue | [`Batch`]`<`[`CloudEvent`]`<`[`mns::QueueMessage`]`>>` | an object or a batch |
//! | RocketMQ | [`Batch`]`<`[`CloudEvent`]`<`[`rocketmq::Message`]`>>` | an object or a batch |
//! | RocketMQ, self-managed | [`Batch`]`<`[`rocketmq::Message`]`>` | a batch without envelopes |
//! | RabbitMQ | [`Batch`]`<`[`CloudEvent`]`<`[`rabbitmq::Message`]`>>` | an object or a batch |
//! | Kafka | [`Batch`]`<`[`CloudEvent`]`<`[`kafka::Record`]`>>` | a batch, of objects or texts |
//! | MQTT | [`Batch`]`<`[`mqtt::Message`]`>` | a batch without envelopes |
//! | DTS | [`Batch`]`<`[`CloudEvent`]`<`[`dts::Change`]`>>` | a batch |
//! | EventBridge | [`CloudEvent`], or a [`Batch`] of them | an object or a batch |
//! | EventBridge, raw data | [`Batch`]`<`[`Raw`]`>` | bare payloads |
//! | Tablestore | `tablestore::TablestoreEvent` (feature `tablestore`) | CBOR |
//! | API Gateway | [`api_gateway::Request`], answered with [`http::Reply`] | an object |
//! | HTTP trigger of built-in runtimes, ALB | [`http::Request`], answered with [`http::Reply`] | an object, `version` `v1` |
//! | either of the two | [`AnyRequest`] | an object |
//! | destination of asynchronous calls | [`destination::Record`] | an object |
//!
//! IoT Platform and DataHub call functions through rule engines of their own. What they send is not documented, so there are no types for them.
//!
//! Features: `tablestore` reads CBOR; `samples` has an event of each trigger. Sources of the shapes: the platform's page on event formats, its Go SDK and
//! its Java library; `docs/events.md` of the project says field by field where these disagree.

mod any_request;
pub mod api_gateway;
mod batch;
pub mod cdn;
mod cloud_event;
pub mod destination;
pub mod dts;
mod error;
pub mod http;
pub mod kafka;
mod lenient;
pub mod mns;
pub mod mqtt;
pub mod oss;
mod payload;
pub mod rabbitmq;
pub mod rocketmq;
#[cfg(feature = "samples")]
pub mod samples;
pub mod sls;
#[cfg(feature = "tablestore")]
pub mod tablestore;
pub mod timer;

pub use any_request::AnyRequest;
pub use batch::{Batch, Raw};
pub use cloud_event::CloudEvent;
pub use error::Error;
pub use payload::{FromPayload, read};
