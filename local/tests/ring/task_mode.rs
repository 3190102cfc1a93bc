//! When an asynchronous call is a task, and what ends one that never ran.

use serde_json::{Value, json};
use testkit::manifest::Function;

use crate::function::text;
use crate::harness::Ring;
use crate::queue::{CONFIG, TASKS, tasks_of};

fn ring(function: Function) -> Ring {
    Ring::serving(function, |_| async { text("done") })
}

#[test]
fn an_id_means_nothing_without_task_mode() {
    let ring = ring(Function::default());
    let accepted = ring.later("POST", "/", "x-fc-async-task-id: mine\r\n", b"");
    assert_eq!((accepted.status, accepted.header("x-fc-async-task-id")), (202, None));
    assert_eq!(ring.api("GET", &format!("{TASKS}/mine"), &Value::Null).status, 404);
    // One call is a task because its header says so.
    let headers = "x-fc-stateful-async-invocation-enable: true\r\nx-fc-async-task-id: mine\r\n";
    let accepted = ring.later("POST", "/", headers, b"");
    assert_eq!((accepted.status, accepted.header("x-fc-async-task-id")), (202, Some("mine")));
    ring.is_in("mine", "Succeeded");
}

#[test]
fn the_configurations_of_all_functions_are_listed() {
    let ring = ring(Function::default());
    ring.api("PUT", CONFIG, &json!({ "destinationConfig": {} })).assert_status(200);
    let target = format!("{CONFIG}?qualifier=prod");
    ring.api("PUT", &target, &json!({ "maxAsyncRetryAttempts": 0 })).assert_status(200);
    let list = |query: &str| {
        let all = ring.api("GET", &format!("/2023-03-30/async-invoke-configs{query}"), &Value::Null).json();
        let configs = all["configs"].as_array().unwrap().clone();
        let arn =
            |config: &Value| config["functionArn"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
        (configs.iter().map(arn).collect::<Vec<_>>(), all["nextToken"].as_str().map(str::to_owned))
    };
    assert_eq!(list("").0, ["functions/f", "functions/f/prod"]);
    assert_eq!(list("?functionName=none").0, [""; 0]);
    let (first, next) = list("?limit=1");
    assert_eq!(first, ["functions/f"]);
    assert_eq!(list(&format!("?limit=1&nextToken={}", next.unwrap())).0, ["functions/f/prod"]);
}

#[test]
fn a_call_that_is_too_old_expires_and_its_destination_is_told() {
    let config = json!({
        "maxAsyncEventAgeInSeconds": 1,
        "destinationConfig": { "onFailure": { "destination": "acs:mns:::/queues/old/messages" } },
    });
    let ring = ring(tasks_of(Function::default(), &config));
    let accepted = ring.later("POST", "/", "x-fc-async-delay: 2\r\nx-fc-async-task-id: t\r\n", b"late");
    let task = ring.is_in("t", "Expired");
    assert_eq!((&task["alreadyRetriedTimes"], &task["destinationStatus"]), (&json!(0), &json!("Expired")));
    let id = accepted.header("x-fc-request-id").unwrap().to_owned();
    let message = ring.message_of(&id, |_| true);
    assert_eq!((&message["name"], &message["body"]["requestPayload"]), (&json!("old"), &json!("late")));
}
