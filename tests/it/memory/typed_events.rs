//! Event handlers that take a type: each trigger's sample is read, and what is wrong is named.

use std::time::Duration;

use fc_events::samples;
use fc_runtime::App;
use fc_runtime::events::{
    AnyRequest, Batch, CloudEvent, FromPayload, api_gateway, cdn, destination, dts, http, kafka, mns, mqtt,
    oss, rabbitmq, rocketmq, sls, tablestore::TablestoreEvent, timer,
};
use serde_json::{Value, json};

/// The sample is read. Then the value at `wrong` is another one, and the failure names `field`.
async fn check<T: FromPayload + Send + 'static>(name: &str, wrong: &str, field: &str) {
    let client = App::new().event_of(async |_, _: T| name_of::<T>()).test_client();
    let sample = samples::json(name).unwrap();
    client.invoke(sample).await.assert_status(200).assert_text(name_of::<T>());
    let mut event: Value = serde_json::from_str(sample).unwrap();
    *event.pointer_mut(wrong).unwrap_or_else(|| panic!("{name} has no {wrong}")) =
        json!({"neither": ["text"]});
    let failed = client.invoke(event.to_string()).await;
    let failure: Value = failed.assert_status(404).assert_header("x-fc-status", "404").json();
    let message = failure["errorMessage"].as_str().unwrap();
    assert!(message.starts_with(&format!("the event does not fit: {field}: ")), "{name}: {message}");
    assert_eq!(failure["errorType"], "WrongEvent", "{name}");
}

fn name_of<T>() -> &'static str {
    std::any::type_name::<T>()
}

#[tokio::test]
async fn each_trigger_has_a_type_and_a_wrong_event_names_its_field() {
    check::<timer::TimerEvent>("timer", "/triggerName", "triggerName").await;
    check::<oss::OssEvent>("oss", "/events/0/oss/object/size", "events[0].oss.object.size").await;
    check::<sls::SlsEvent>("sls", "/source/shardId", "source.shardId").await;
    check::<cdn::CdnEvent>("cdn", "/events/0/eventName", "events[0].eventName").await;
    check::<mns::TopicEvent>("mns-topic", "/PublishTime", "PublishTime").await;
    check::<Batch<CloudEvent<mns::QueueMessage>>>("mns-queue", "/0/id", "[0].id").await;
    check::<CloudEvent>("eventbridge", "/type", "type").await;
    check::<Batch<CloudEvent<kafka::Record>>>("kafka", "/0/data/offset", "[0].data.offset").await;
    check::<Batch<CloudEvent<rocketmq::Message>>>("rocketmq", "/0/data/topic", "[0].data.topic").await;
    check::<Batch<rocketmq::Message>>("rocketmq-own", "/0/topic", "[0].topic").await;
    let tag = "/0/data/envelope/deliveryTag";
    check::<Batch<CloudEvent<rabbitmq::Message>>>("rabbitmq", tag, "[0].data.envelope.deliveryTag").await;
    check::<Batch<mqtt::Message>>("mqtt", "/0/body", "[0].body").await;
    check::<Batch<CloudEvent<dts::Change>>>("dts", "/0/data/id", "[0].data.id").await;
    check::<api_gateway::Request>("api-gateway", "/httpMethod", "httpMethod").await;
    check::<http::Request>("http", "/requestContext/http/method", "requestContext.http.method").await;
    check::<AnyRequest>("http", "/rawPath", "rawPath").await;
    check::<destination::Record>("destination", "/requestContext/requestId", "requestContext.requestId")
        .await;
}

#[tokio::test]
async fn tablestore_sends_cbor() {
    let client = App::new()
        .event_of(async |_, event: TablestoreEvent| event.records[0].columns[0].column_name.clone())
        .test_client();
    client.invoke(samples::tablestore()).await.assert_text("name");
    let failed = client.invoke(samples::tablestore()[..40].to_vec()).await;
    assert!(failed.assert_status(404).text().contains("the CBOR ends too early"), "{}", failed.text());
}

#[tokio::test]
async fn the_element_of_a_batch_is_told_also_inside_of_texts() {
    let client = App::new()
        .event_of(async |_, batch: Batch<CloudEvent<kafka::Record>>| batch.len().to_string())
        .test_client();
    let record = |offset: Value| json!({"id": "1", "type": "t", "data": {"topic": "logs", "offset": offset}});
    client.invoke(json!([record(json!(1)), record(json!("2"))]).to_string()).await.assert_text("2");
    for batch in [
        json!([record(json!(1)), record(json!("many"))]),
        json!([record(json!(1)).to_string(), record(json!("many")).to_string()]),
    ] {
        let failed = client.invoke(batch.to_string()).await;
        assert!(failed.text().contains("does not fit: [1].data.offset: invalid value"), "{}", failed.text());
    }
}

/// One handler for several triggers, and what it did not take.
#[tokio::test]
async fn a_handler_of_several_types_tries_one_after_the_other() {
    let client = App::new()
        .event(async |event| {
            if let Ok(timer) = event.read::<timer::TimerEvent>() {
                return Ok(timer.trigger_name);
            }
            Ok(event.read::<oss::OssEvent>()?.events[0].oss.object.key.clone())
        })
        .test_client();
    client.invoke(samples::json("timer").unwrap()).await.assert_text("nightly");
    client.invoke(samples::json("oss").unwrap()).await.assert_status(200);
    let failed = client.invoke("{}").await;
    assert!(failed.assert_status(404).text().contains("missing field `events`"), "{}", failed.text());
}

#[tokio::test]
async fn an_app_says_what_its_events_are() {
    let told = |app: App| serde_json::from_str::<Value>(&app.describe()).unwrap();
    let typed = told(App::new().event_of(async |_, _: timer::TimerEvent| ()));
    assert_eq!(typed["event"], json!({"type": "fc_events::timer::TimerEvent", "triggers": ["timer"]}));
    let own = told(App::new().event_of(async |_, _: fc_runtime::events::Raw| ()));
    assert_eq!(own["event"]["triggers"], json!(["eventbridge"]));
    assert_eq!(told(App::new().event(async |_| ()))["event"], json!({}));
    let none = told(
        App::new()
            .get("/a/{id}", async |_| "a")
            .any("/b", async |_| "b")
            .on_pre_stop(async |_| Ok(()))
            .drain_deadline(Duration::from_millis(1500))
            .event_as_http(),
    );
    assert_eq!(none["event"], Value::Null);
    assert_eq!(none["eventAsHttp"], true);
    assert_eq!(none["routes"], json!([{"pattern": "/a/{id}", "method": "GET"}, {"pattern": "/b"}]));
    assert_eq!(none["hooks"], json!(["pre-stop"]));
    assert_eq!((&none["preStopBudget"], &none["drainDeadline"]), (&json!(2.5), &json!(1.5)));
}
