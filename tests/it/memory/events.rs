//! Event calls in memory: payloads, results, and the error document.

use fc_runtime::{App, Error, Json, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Serialize, Deserialize)]
struct Timer {
    #[serde(rename = "triggerName")]
    trigger_name: String,
}

#[tokio::test]
async fn json_comes_in_and_goes_out() {
    let client = App::new()
        .event(async |event| {
            let timer: Timer = event.json()?;
            Ok(Json(timer))
        })
        .test_client();
    let answer = client.invoke("{\"triggerName\":\"hourly\",\"payload\":\"\"}").await;
    answer.assert_status(200).assert_header("x-fc-status", "200").assert_text("{\"triggerName\":\"hourly\"}");
    let failure: Value = client.invoke("{\"triggerName\":7}").await.assert_status(404).json();
    assert!(failure["errorMessage"].as_str().unwrap().contains("triggerName"), "{failure}");
}

#[tokio::test]
async fn bytes_pass_unchanged_and_nothing_is_a_payload() {
    let client = App::new().event(async |event| event.bytes().clone()).test_client();
    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(client.invoke(bytes.clone()).await.assert_status(200).body, bytes);
    client.invoke("").await.assert_status(200).assert_text("");
    let client = App::new().event(async |_| ()).test_client();
    client.invoke("x").await.assert_status(200).assert_header("x-fc-status", "200").assert_text("");
}

/// Buffered bodies go up to 32 MiB where the platform sends them: events are not held to the readers' limit.
#[tokio::test]
async fn an_event_may_be_larger_than_the_readers_limit() {
    let client = App::new().event(async |event| Ok(event.bytes().len().to_string())).test_client();
    client.invoke(vec![0; 5_000_000]).await.assert_status(200).assert_text("5000000");
}

#[tokio::test]
async fn an_error_hides_its_cause_and_says_where_it_was_made() {
    let client = App::new()
        .event(async |event| {
            if event.text()? == "coded" {
                return Err(Error::conflict("sold out").with_code("SoldOut"));
            }
            Err(std::io::Error::other("password=123"))?;
            Ok(())
        })
        .test_client();
    let failure: Value =
        client.invoke("coded").await.assert_status(404).assert_header("x-fc-status", "404").json();
    assert_eq!((&failure["errorMessage"], &failure["errorType"]), (&"sold out".into(), &"SoldOut".into()));
    let trace = failure["stackTrace"].as_array().unwrap();
    assert!(trace[0].as_str().unwrap().contains("events.rs:"), "{failure}");
    let answer = client.invoke("io").await;
    answer.assert_status(404);
    assert!(!answer.text().contains("password"), "{}", answer.text());
}

/// The line of the author, not one of this crate.
#[tokio::test]
async fn a_payload_that_is_no_text_fails_at_the_line_that_reads_it() {
    let line = line!() + 1;
    let client = App::new().event(async |event| Ok(event.text()?.len().to_string())).test_client();
    let failure: Value = client.invoke(vec![0xff]).await.assert_status(404).json();
    assert_eq!(failure["errorMessage"], "the payload is not UTF-8");
    let place = failure["stackTrace"][0].as_str().unwrap();
    assert!(place.contains(&format!("events.rs:{line}:")), "{failure}");
}

#[tokio::test]
async fn the_mapping_of_errors_holds_for_events_too() {
    let client = App::new()
        .on_error(|_: &std::fmt::Error| Error::conflict("mapped"))
        .event(async |_| -> Result { Err(std::fmt::Error)? })
        .test_client();
    let failure: Value = client.invoke("x").await.assert_status(404).json();
    assert_eq!(failure["errorMessage"], "mapped");
}

#[tokio::test]
async fn without_a_handler_an_event_fails() {
    let client = App::new().get("/", async |_| "http").test_client();
    let answer = client.invoke("x").await;
    answer.assert_status(404).assert_header("x-fc-status", "404");
    assert!(answer.json::<Value>()["errorMessage"].is_string());
}

#[tokio::test]
async fn an_event_knows_its_call() {
    let client = App::with_state("state")
        .event(async |event| {
            let invocation = event.invocation();
            format!(
                "{} {} {:?} {}",
                event.request_id(),
                event.state(),
                invocation.function_name(),
                invocation.retry_count()
            )
        })
        .test_client();
    let answer = client.invoke("x").header("x-fc-request-id", "1-a").header("x-fc-retry-count", "2").await;
    answer.assert_text("1-a state Some(\"test\") 2");
}
