//! Which triggers send what a type reads.

use std::any::type_name;

use crate::FromPayload;

/// Types by a part of their name, and the `triggerType`s of `s.yaml` that send them.
const SENDERS: &[(&str, &[&str])] = &[
    ("fc_events::timer::TimerEvent", &["timer"]),
    ("fc_events::oss::OssEvent", &["oss"]),
    ("fc_events::sls::SlsEvent", &["log"]),
    ("fc_events::cdn::CdnEvent", &["cdn_events"]),
    ("fc_events::mns::TopicEvent", &["mns_topic"]),
    ("fc_events::tablestore::TablestoreEvent", &["tablestore"]),
    ("fc_events::rocketmq::Message", &["eventbridge"]),
    ("fc_events::mqtt::Message", &["eventbridge"]),
    ("fc_events::cloud_event::CloudEvent", &["eventbridge"]),
    ("fc_events::batch::Raw", &["eventbridge"]),
];

/// The triggers whose events the type reads, by the names that `triggerType` has for them in `s.yaml`. Empty for what no trigger of `s.yaml`
/// sends (requests of API Gateway, records of destinations), and for types of others, which may read anything.
///
/// ```
/// use fc_events::{Batch, CloudEvent, kafka, oss::OssEvent, trigger_types};
///
/// assert_eq!(trigger_types::<OssEvent>(), ["oss"]);
/// assert_eq!(trigger_types::<Batch<CloudEvent<kafka::Record>>>(), ["eventbridge"]);
/// assert!(trigger_types::<fc_events::destination::Record>().is_empty());
/// ```
pub fn trigger_types<T: FromPayload>() -> &'static [&'static str] {
    let name = type_name::<T>();
    SENDERS.iter().find(|(part, _)| name.contains(part)).map_or(&[], |(_, triggers)| triggers)
}
