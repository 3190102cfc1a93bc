//! Which type reads which sample.

use fc_events::{
    Batch, CloudEvent, FromPayload, api_gateway, cdn, destination, dts, http, kafka, mns, mqtt, oss,
};
use fc_events::{rabbitmq, rocketmq, samples, sls, timer};
use serde::Serialize;
use serde_json::Value;

/// Reads a payload as one type of event and writes the event again.
pub(crate) type Pass = fn(&[u8]) -> Result<Value, fc_events::Error>;

fn pass<T: FromPayload + Serialize>(payload: &[u8]) -> Result<Value, fc_events::Error> {
    let event: T = fc_events::read(payload)?;
    Ok(serde_json::to_value(event).expect("events are JSON"))
}

/// A topic's event is not one JSON type: this is the form `JSON` of what was read.
fn pass_topic(payload: &[u8]) -> Result<Value, fc_events::Error> {
    let event: mns::TopicEvent = fc_events::read(payload)?;
    let mut object = serde_json::to_value(event.details).expect("events are JSON");
    object["Message"] = event.message.into();
    for (name, value) in event.attributes {
        object[name] = value.into();
    }
    Ok(object)
}

pub(crate) const KINDS: &[(&str, Pass)] = &[
    ("timer", pass::<timer::TimerEvent>),
    ("oss", pass::<oss::OssEvent>),
    ("sls", pass::<sls::SlsEvent>),
    ("cdn", pass::<cdn::CdnEvent>),
    ("mns-topic", pass_topic),
    ("mns-queue", pass::<Batch<CloudEvent<mns::QueueMessage>>>),
    ("eventbridge", pass::<CloudEvent>),
    ("kafka", pass::<Batch<CloudEvent<kafka::Record>>>),
    ("rocketmq", pass::<Batch<CloudEvent<rocketmq::Message>>>),
    ("rocketmq-own", pass::<Batch<rocketmq::Message>>),
    ("rabbitmq", pass::<Batch<CloudEvent<rabbitmq::Message>>>),
    ("mqtt", pass::<Batch<mqtt::Message>>),
    ("dts", pass::<Batch<CloudEvent<dts::Change>>>),
    ("api-gateway", pass::<api_gateway::Request>),
    ("http", pass::<http::Request>),
    ("destination", pass::<destination::Record>),
];

#[test]
fn every_sample_has_its_type() {
    let types: Vec<_> = KINDS.iter().map(|(name, _)| *name).collect();
    let samples: Vec<_> = samples::JSON.iter().map(|(name, _)| *name).collect();
    assert_eq!(types, samples);
}

#[test]
fn the_triggers_of_a_type_are_those_that_send_it() {
    fn of<T: FromPayload>() -> &'static [&'static str] {
        T::TRIGGERS
    }
    let seen = [
        ("timer", of::<timer::TimerEvent>()),
        ("oss", of::<oss::OssEvent>()),
        ("sls", of::<sls::SlsEvent>()),
        ("cdn", of::<cdn::CdnEvent>()),
        ("mns-topic", of::<mns::TopicEvent>()),
        ("mns-queue", of::<Batch<CloudEvent<mns::QueueMessage>>>()),
        ("eventbridge", of::<CloudEvent>()),
        ("eventbridge, raw", of::<Batch<fc_events::Raw>>()),
        ("kafka", of::<Batch<CloudEvent<kafka::Record>>>()),
        ("rocketmq", of::<Batch<CloudEvent<rocketmq::Message>>>()),
        ("rocketmq-own", of::<Batch<rocketmq::Message>>()),
        ("rabbitmq", of::<Batch<CloudEvent<rabbitmq::Message>>>()),
        ("mqtt", of::<Batch<mqtt::Message>>()),
        ("dts", of::<Batch<CloudEvent<dts::Change>>>()),
        ("tablestore", of::<fc_events::tablestore::TablestoreEvent>()),
        ("api-gateway", of::<api_gateway::Request>()),
        ("http", of::<http::Request>()),
        ("any request", of::<fc_events::AnyRequest>()),
        ("destination", of::<destination::Record>()),
    ];
    for (name, triggers) in seen {
        let expected: &[&str] = match name {
            "timer" => &["timer"],
            "oss" => &["oss"],
            "sls" => &["log"],
            "cdn" => &["cdn_events"],
            "mns-topic" => &["mns_topic"],
            "tablestore" => &["tablestore"],
            "api-gateway" | "http" | "any request" | "destination" => &[],
            _ => &["eventbridge"],
        };
        assert_eq!(triggers, expected, "{name}");
    }
}
