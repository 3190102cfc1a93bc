//! Where the documents and the platform's own SDK disagree, both forms are read.

use fc_events::mns::{QueueMessage, TopicEvent};
use fc_events::{
    Batch, CloudEvent, Raw, api_gateway, cdn, destination, dts, http, kafka, oss, rabbitmq, rocketmq, sls,
};
use serde_json::json;

fn read<T: fc_events::FromPayload>(value: &serde_json::Value) -> T {
    fc_events::read(value.to_string().as_bytes()).unwrap_or_else(|error| panic!("{error}: {value}"))
}

#[test]
fn numbers_may_be_texts() {
    for offset in [json!(25), json!("25"), json!(" 25 ")] {
        let record: CloudEvent<kafka::Record> = read(
            &json!({"id": "", "type": "", "data": {"topic": "t", "offset": offset, "timestamp": "1767595271589"}}),
        );
        assert_eq!((record.data.offset, record.data.timestamp), (Some(25), Some(1_767_595_271_589)));
    }
    for (number, expected) in [(json!(null), None), (json!(""), None), (json!("-3"), Some(-3))] {
        let event: oss::OssEvent =
            read(&json!({"events": [{"eventName": "e", "oss": {"bucket": {"name": "b"},
            "object": {"key": "k", "deltaSize": number}}}]}));
        assert_eq!(event.events[0].oss.object.delta_size, expected);
    }
    let event: cdn::CdnEvent = read(&json!({"events": [{"eventName": "LogFileCreated",
        "eventParameter": {"startTime": "1528959900", "endTime": 1_528_959_960, "fileSize": "258", "filePath": "a/b.gz"}}]}));
    let parameter = &event.events[0].event_parameter;
    assert_eq!((parameter.start_time, parameter.end_time), (Some(1_528_959_900), Some(1_528_959_960)));
    assert_eq!(parameter.file_size, Some(258));
    let event: sls::SlsEvent =
        read(&json!({"source": {"projectName": "p", "logstoreName": "l", "shardId": "3"}}));
    assert_eq!(event.source.shard_id, 3);
    for epoch in [json!("1767595271895"), json!(1_767_595_271_895_i64)] {
        let request: http::Request = read(&json!({"version": "v1", "rawPath": "/",
            "requestContext": {"http": {"method": "GET"}, "timeEpoch": epoch}}));
        assert_eq!(request.request_context.time_epoch, Some(1_767_595_271_895));
    }
}

#[test]
fn a_number_beyond_its_range_is_named() {
    for offset in [json!(9_223_372_036_854_775_808_u64), json!(1.5), json!("1.5"), json!(true)] {
        let payload = json!({"id": "", "type": "", "data": {"topic": "t", "offset": offset}}).to_string();
        let error = fc_events::read::<CloudEvent<kafka::Record>>(payload.as_bytes()).unwrap_err();
        assert_eq!(error.field(), Some("data.offset"), "{error}");
    }
}

#[test]
fn truth_values_may_be_quoted() {
    for (word, expected) in [(json!(true), true), (json!("true"), true), (json!("False"), false)] {
        let request: api_gateway::Request =
            read(&json!({"path": "/", "httpMethod": "GET", "headers": null, "isBase64Encoded": word}));
        assert_eq!(request.is_base64_encoded, expected);
        assert!(request.headers.is_empty() && request.body.is_empty());
    }
    let message: CloudEvent<rabbitmq::Message> = read(
        &json!({"id": "", "type": "", "data": {"envelope": {"redeliver": "true", "deliveryTag": "7"}, "body": "text"}}),
    );
    assert!(message.data.envelope.redeliver);
    assert_eq!(message.data.envelope.delivery_tag, Some(7));
}

#[test]
fn maps_of_texts_may_hold_other_values() {
    let message: rocketmq::Message = serde_json::from_value(json!({"topic": "t", "body": null,
        "systemProperties": {"CONSUME_START_TIME": 1_628_577_790_396_i64, "TRACE_ON": true, "KEYS": null, "RATE": 0.5}}))
    .unwrap();
    let properties: Vec<_> = message.system_properties.values().map(String::as_str).collect();
    assert_eq!(properties, ["1628577790396", "", "0.5", "true"]);
}

#[test]
fn a_topic_sends_three_forms() {
    for text in ["hello topic", "", "42", "{broken", r#"{"body": "only"}"#, r#"["Message"]"#] {
        let event: TopicEvent = fc_events::read(text.as_bytes()).unwrap();
        assert_eq!((&*event.message, event.details), (text, None));
    }
    let event: TopicEvent = read(&json!({"body": "hello topic", "attrs": {"Extend": "{\"key\":\"value\"}"}}));
    assert_eq!((&*event.message, &*event.attributes["Extend"]), ("hello topic", r#"{"key":"value"}"#));
    // An attribute of the message may have the name of another form's key.
    let event: TopicEvent = read(
        &json!({"TopicName": "n", "Message": "m", "PublishTime": "1550216302888", "body": "b", "attrs": 5}),
    );
    let details = event.details.unwrap();
    assert_eq!((&*event.message, details.publish_time), ("m", Some(1_550_216_302_888)));
    assert_eq!((&*event.attributes["body"], &*event.attributes["attrs"]), ("b", "5"));
    assert_eq!(fc_events::read::<TopicEvent>(&[0xFF]).unwrap_err().to_string(), "the message is not UTF-8");
    let error =
        fc_events::read::<TopicEvent>(br#"{"TopicName": "n", "Message": "m", "PublishTime": "soon"}"#)
            .unwrap_err();
    assert_eq!(error.field(), Some("PublishTime"));
}

#[test]
fn a_queue_message_may_be_json() {
    let event: CloudEvent<QueueMessage> =
        read(&json!({"id": "", "type": "", "data": {"messageBody": {"order": 42}}}));
    assert_eq!(event.data.message_body, r#"{"order":42}"#);
}

#[test]
fn raw_elements_are_bare() {
    let batch: Batch<Raw> = read(&json!(["text", "{\"a\": 1}", {"a": 2}, 3, null, true, 1.5, [4]]));
    let values: Vec<_> = batch.into_iter().map(|Raw(value)| value).collect();
    assert_eq!(
        values,
        [
            json!("text"),
            json!({"a": 1}),
            json!({"a": 2}),
            json!(3),
            json!(null),
            json!(true),
            json!(1.5),
            json!([4])
        ]
    );
    let one: Batch<Raw> = read(&json!("only text"));
    assert_eq!(one[0].0, "only text");
}

/// An event without `data` is no event of a type, but one of any JSON is.
#[test]
fn data_that_is_not_there_is_named() {
    let error = fc_events::read::<CloudEvent<kafka::Record>>(br#"{"id": "1", "type": "t"}"#).unwrap_err();
    assert!(error.to_string().contains("missing field `data`"), "{error}");
}

#[test]
fn texts_of_dts_are_byte_buffers() {
    let value = |data| serde_json::from_value::<dts::ColumnValue>(json!({"data": data})).unwrap();
    let cases = [
        (json!({"hb": [116, 101, 97], "position": 0, "limit": 9}), Some("tea")), // the platform's sample: a limit behind the end
        (json!({"hb": [116, 101, 97], "position": 1, "limit": 2}), Some("e")),
        (json!({"hb": [-28, -67, -96]}), Some("你")), // bytes as Java writes them
        (json!({"hb": [], "position": 0, "limit": 0}), Some("")),
        (json!({"hb": [300]}), None),
        (json!({"hb": [1], "position": 5}), Some("")),
        (json!({"hb": "text"}), None),
        (json!({"hb": [255]}), None), // no UTF-8
        (json!("tea"), Some("tea")),
        (json!(115), Some("115")),
        (json!(null), None),
    ];
    for (data, expected) in cases {
        assert_eq!(value(data.clone()).text().as_deref(), expected, "{data}");
    }
    assert_eq!(value(json!({"hb": [-1]})).bytes().as_deref(), Some(&[255][..]));
    let change: dts::Change = serde_json::from_value(json!({"operationType": "DELETE",
        "beforeImage": {"values": [null, {"data": 1}]}}))
    .unwrap();
    assert_eq!((change.before_image.unwrap().values[0].clone(), change.after_image), (None, None));
}

#[test]
fn a_record_of_a_failure_says_so() {
    let mut record: destination::Record =
        read(&serde_json::from_str(fc_events::samples::json("destination").unwrap()).unwrap());
    assert!(!record.is_success());
    record.request_context.condition.clear();
    assert!(!record.is_success());
    record.response_context.function_error.clear();
    assert!(record.is_success());
}
