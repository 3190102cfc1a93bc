//! The five steps of the platform's page on asynchronous HTTP triggers, by curl, as they are written there but for the host.

use serde_json::{Value, json};
use testkit::events::kind;
use testkit::manifest::{Function, Manifest};
use testkit::until;

use super::clients::curl;
use crate::harness::{Local, scripted, write_manifest};

const TASKS: &str = "/2023-03-30/functions/transcode/async-tasks";

#[test]
#[ignore = "needs curl: .ci/run runs it with --ignored"]
fn the_steps_of_the_page_work_as_they_are_written() {
    // 1 and 2. The project, and its deployment.
    let folder = scripted();
    let notes = folder.file("notes").display().to_string();
    let function = |name: &str| Function::new(name).var("SCRIPT_NOTES", &notes);
    let destinations = json!({
        "onSuccess": { "destination": "acs:fc:::functions/dest-succ" },
        "onFailure": { "destination": "acs:fc:::functions/dest-fail" },
    });
    let config = json!({ "asyncTask": true, "maxAsyncRetryAttempts": 0, "destinationConfig": destinations });
    let transcode = function("transcode").prop("asyncInvokeConfig", config);
    write_manifest(&folder, Manifest::of([transcode, function("dest-succ"), function("dest-fail")]));
    let local = Local::start(folder, &[]);
    let certificate = local.wait_for(kind("tls_ready"))["certificate"].as_str().unwrap().to_owned();
    let host = format!("https://localhost:{}", local.function_port("transcode"));
    let call = |arguments: &[&str]| {
        let trusting = ["--cacert", &certificate, "--dump-header", "-", "--output", "/dev/null"];
        let head = curl(&[&["-v", "-H", "X-Fc-Invocation-Type: Async"], arguments, &trusting].concat());
        assert!(head.starts_with("HTTP/2 202") || head.starts_with("HTTP/1.1 202"), "{head}");
        let id = head.lines().find_map(|line| line.strip_prefix("x-fc-request-id: "));
        id.expect("the id of the request").trim().to_owned()
    };
    // The page's first call names a path, and neither a body nor an id of a task.
    let first = call(&[&format!("{host}/name")]);
    // 3.
    let body = r#"{"bucket":"my-bucket", "object":"480P.mp4" , "output_dir":"a", "dst_format":"mov"}"#;
    let second =
        call(&["-H", "Content-Type: application/json", "-d", body, "-X", "POST", &format!("{host}/note")]);
    // 4. The tasks and their states. An id is the request's where the caller named none.
    let main = format!("https://localhost:{}", local.main_port());
    let ask = |target: &str| -> Value {
        let answer = curl(&["--cacert", &certificate, &format!("{main}{target}")]);
        serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{answer}"))
    };
    for id in [&first, &second] {
        until("the task has succeeded", || {
            let list = ask(TASKS);
            let all = list["tasks"].as_array().unwrap();
            all.iter().find(|task| task["taskId"] == **id && task["status"] == "Succeeded").cloned()
        });
    }
    let task = ask(&format!("{TASKS}/{second}"));
    assert_eq!((&task["taskPayload"], &task["returnPayload"]), (&json!(body), &json!("noted")), "{task}");
    // A task under way is stopped, as by the console.
    let third = call(&[&format!("{host}/sleep?ms=60000")]);
    until("it runs", || Some(()).filter(|()| ask(&format!("{TASKS}/{third}"))["status"] == "Running"));
    curl(&["--cacert", &certificate, "-X", "PUT", &format!("{main}{TASKS}/{third}/stop")]);
    // 5. The callbacks: each destination is called with the record.
    for (name, count) in [("dest-succ", 2), ("dest-fail", 1)] {
        for _ in 0..count {
            local.wait_for(kind("async_call").function(name).field("state", "Succeeded"));
        }
    }
}
