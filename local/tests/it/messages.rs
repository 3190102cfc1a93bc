//! `fc-local messages`, of a running `fc-local dev`.

use std::process::Command;

use serde_json::{Value, json};
use testkit::events::kind;

use crate::harness::{Local, f, program};

const ARN: &str = "acs:mns:::/queues/done/messages";

/// What `fc-local messages` prints, and whether it succeeds.
fn messages(local: &Local, arguments: &[&str]) -> (bool, String, String) {
    let mut command = Command::new(program());
    command.arg("--template").arg(local.folder.file("s.yaml")).arg("messages").args(arguments);
    let output = command.args(["--port", &local.main_port().to_string()]).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn messages_are_listed_and_shown() {
    let destinations = json!({ "onSuccess": { "destination": ARN } });
    let local = Local::scripted(f().prop("asyncInvokeConfig", json!({ "destinationConfig": destinations })));
    assert_eq!(messages(&local, &[]), (true, String::new(), String::new()));
    let accepted = local.invoke("x-fc-invocation-type: Async\r\n", b"hello");
    assert_eq!(accepted.status, 202);
    let id = accepted.header("x-fc-request-id").unwrap();
    local.wait_for(kind("message_stored").field("destination", ARN).request(id));

    let line = format!("{id}  queue done  f\n");
    assert_eq!(messages(&local, &[]), (true, line.clone(), String::new()));
    assert_eq!(messages(&local, &["list", "--name", "done"]).1, line);
    assert_eq!(messages(&local, &["list", "--name", "other"]).1, "");
    let json: Value = serde_json::from_str(&messages(&local, &["--json"]).1).unwrap();
    assert_eq!((&json[0]["id"], &json[0]["destination"]), (&json!(id), &json!(ARN)));
    let json: Value = serde_json::from_str(&messages(&local, &["get", id, "--json"]).1).unwrap();
    assert_eq!(json["body"]["requestPayload"], "hello");
    assert!(messages(&local, &["get", id]).1.contains("\"requestPayload\": \"hello\""));
    for id in ["none", "a b?c=d&e/f"] {
        let (is_ok, _, error) = messages(&local, &["get", id]);
        assert!(!is_ok && error.contains(&format!("there is no message of a request '{id}'")), "{error}");
    }
    assert_eq!(messages(&local, &["list", "--name", "a b&c"]), (true, String::new(), String::new()));
}
