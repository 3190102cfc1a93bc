//! An event of each trigger, for tests of handlers and for tools. The values are made up; the shapes are those of the platform's documents.

/// The samples that are JSON, by the name of their trigger.
///
/// ```
/// let (name, timer) = fc_events::samples::JSON[0];
/// assert_eq!(name, "timer");
/// let event: fc_events::timer::TimerEvent = fc_events::read(timer.as_bytes())?;
/// assert_eq!(event.trigger_name, "nightly");
/// # Ok::<(), fc_events::Error>(())
/// ```
pub const JSON: &[(&str, &str)] = &[
    ("timer", include_str!("../samples/timer.json")),
    ("oss", include_str!("../samples/oss.json")),
    ("sls", include_str!("../samples/sls.json")),
    ("cdn", include_str!("../samples/cdn.json")),
    ("mns-topic", include_str!("../samples/mns-topic.json")),
    ("mns-queue", include_str!("../samples/mns-queue.json")),
    ("eventbridge", include_str!("../samples/eventbridge.json")),
    ("kafka", include_str!("../samples/kafka.json")),
    ("rocketmq", include_str!("../samples/rocketmq.json")),
    ("rocketmq-own", include_str!("../samples/rocketmq-own.json")),
    ("rabbitmq", include_str!("../samples/rabbitmq.json")),
    ("mqtt", include_str!("../samples/mqtt.json")),
    ("dts", include_str!("../samples/dts.json")),
    ("api-gateway", include_str!("../samples/api-gateway.json")),
    ("http", include_str!("../samples/http.json")),
    ("destination", include_str!("../samples/destination.json")),
];

/// The sample of a trigger, by its name in [`JSON`].
///
/// ```
/// assert!(fc_events::samples::json("kafka").unwrap().contains("alikafka:Topic:Message"));
/// assert_eq!(fc_events::samples::json("fax"), None);
/// ```
pub fn json(name: &str) -> Option<&'static str> {
    JSON.iter().find(|(sample, _)| *sample == name).map(|(_, text)| *text)
}

/// The sample of Tablestore's trigger, in CBOR: a row that was put, with a value of each kind.
///
/// ```
/// let event: fc_events::tablestore::TablestoreEvent = fc_events::read(&fc_events::samples::tablestore())?;
/// assert_eq!(event.records[0].columns[0].column_name, "name");
/// # Ok::<(), fc_events::Error>(())
/// ```
#[cfg(feature = "tablestore")]
#[expect(clippy::missing_panics_doc, reason = "a vector takes all bytes, and the types are plain")]
pub fn tablestore() -> Vec<u8> {
    use crate::tablestore::{Column, Info, KeyColumn, Record, TablestoreEvent, Value};

    let key = |name: &str, value| KeyColumn { column_name: name.to_owned(), value };
    let column = |name: &str, value| Column {
        column_name: name.to_owned(),
        value,
        timestamp: Some(1_767_595_271_741),
        ..Column::default()
    };
    let event = TablestoreEvent {
        version: "Sync-v1".to_owned(),
        records: vec![Record {
            info: Info { timestamp: 1_767_595_271_740_836 },
            primary_key: vec![key("shop", Value::Integer(1)), key("order", Value::Text("42".to_owned()))],
            columns: vec![
                column("name", Value::Text("tea".to_owned())),
                column("quantity", Value::Integer(-2)),
                column("price", Value::Double(1.5)),
                column("paid", Value::Truth(true)),
                column("seal", Value::Bytes(vec![0, 255])),
            ],
            ..Record::default()
        }],
    };
    event.to_cbor().expect("a vector takes all bytes, and the types are plain")
}
