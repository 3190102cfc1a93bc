//! Asynchronous calls: accepted, carried out, repeated, stopped, and listed.

use serde_json::{Value, json};
use testkit::h1::{exchange, request};
use testkit::manifest::Function;
use testkit::{Answer, eventually, until};

use crate::function::{Answering, Asked, Cut, reply, text};
use crate::gate::Gate;
use crate::harness::Ring;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::BodyExt;

pub(crate) const TASKS: &str = "/2023-03-30/functions/f/async-tasks";
pub(crate) const CONFIG: &str = "/2023-03-30/functions/f/async-invoke-config";

/// What a request was when it reached the function.
#[derive(Debug, Clone, PartialEq)]
struct Got {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Got {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

type Seen = Arc<Mutex<Vec<Got>>>;

/// A function that keeps what it gets. `/fail` breaks off, `/500` is a reply of that status, `/wait` stands at the gate.
fn keeping(seen: &Seen, gate: &Gate) -> impl Fn(Asked) -> Answering + Clone + Send + Sync + 'static {
    let (seen, gate) = (Arc::clone(seen), gate.clone());
    move |asked| {
        let (seen, gate) = (Arc::clone(&seen), gate.clone());
        Box::pin(async move {
            if asked.path() == "/wait" {
                gate.pass(&asked).await;
            }
            let Asked { request, .. } = asked;
            let (head, body) = request.into_parts();
            let body = body.collect().await.map_err(|_| Cut)?.to_bytes().to_vec();
            let headers = head.headers.iter().map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            });
            let line = format!("{} {}", head.method, head.uri);
            let is_failure = body == b"fail" || head.uri.path() == "/fail";
            seen.lock().unwrap().push(Got { line, headers: headers.collect(), body });
            match head.uri.path() {
                _ if is_failure => Err(Cut),
                "/500" => reply(500, "broken inside"),
                _ => text("done"),
            }
        })
    }
}

fn ring(function: Function) -> (Ring, Seen, Gate) {
    let (seen, gate) = (Seen::default(), Gate::shut());
    (Ring::serving(function, keeping(&seen, &gate)), seen, gate)
}

pub(crate) fn tasks_of(function: Function, more: &Value) -> Function {
    let mut config = json!({ "asyncTask": true });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    function.prop("asyncInvokeConfig", config)
}

/// A function in task mode that is repeated at once.
fn task_function() -> Function {
    tasks_of(Function::default(), &json!({})).local("asyncRetryPause", 0.01)
}

impl Ring {
    /// Sends a request with control headers.
    pub(crate) fn later(&self, method: &str, target: &str, headers: &str, body: &[u8]) -> Answer {
        let headers = format!("x-fc-invocation-type: Async\r\n{headers}");
        exchange(self.port(), &request(method, target, &headers, body))
    }

    pub(crate) fn api(&self, method: &str, target: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        exchange(self.main_port(), &request(method, target, "", body.as_bytes()))
    }

    fn task(&self, id: &str) -> Value {
        self.api("GET", &format!("{TASKS}/{id}"), &Value::Null).json()
    }

    /// Waits until the task has the state.
    #[track_caller]
    pub(crate) fn is_in(&self, id: &str, state: &str) -> Value {
        until(&format!("task {id} is {state}"), || Some(self.task(id)).filter(|task| task["status"] == state))
    }

    fn stop_task(&self, id: &str) -> Answer {
        self.api("PUT", &format!("{TASKS}/{id}/stop"), &Value::Null)
    }

    fn ids(&self, query: &str) -> Vec<String> {
        let list = self.api("GET", &format!("{TASKS}?{query}"), &Value::Null).json();
        list["tasks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|task| task["taskId"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn states(task: &Value) -> Vec<String> {
    task["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["status"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_request_comes_to_the_function_later_as_it_was_sent() {
    let (ring, seen, _) = ring(Function::default());
    let body: Vec<u8> = (0..=255).collect();
    let accepted = ring.later("PUT", "/a%20b?c=d", "x-own: 1\r\nx-fc-own: 2\r\n", &body);
    assert_eq!((accepted.status, accepted.body.len()), (202, 0));
    assert_eq!(accepted.header("x-fc-async-task-id"), None, "it is no task");
    let id = accepted.header("x-fc-request-id").unwrap().to_owned();
    eventually("the call", || seen.lock().unwrap().len() == 1);
    let got = seen.lock().unwrap()[0].clone();
    assert_eq!((got.line.as_str(), &got.body), ("PUT /a%20b?c=d", &body));
    assert_eq!(got.header("x-own"), Some("1"));
    assert_eq!(got.header("x-fc-own"), None);
    assert_eq!(got.header("x-fc-request-id"), Some(&*id));
    assert_eq!(got.header("x-fc-control-path"), Some("/http-invoke"));
    assert_eq!(got.header("x-fc-retry-count"), Some("0"));
    assert_eq!(got.header("x-fc-invocation-type"), None);
    assert_eq!(got.header("content-length"), Some("256"));
    assert_eq!(ring.record(&id).status, 202);
}

#[test]
fn events_are_accepted_too_and_quotes_do_not_matter() {
    let (ring, seen, _) = ring(Function::default());
    let target = "/2023-03-30/functions/f/invocations";
    let headers = "x-fc-invocation-type: \"Async\"\r\nx-own: 1\r\n";
    let accepted = exchange(ring.main_port(), &request("POST", target, headers, b"hello"));
    assert_eq!(accepted.status, 202);
    eventually("the call", || seen.lock().unwrap().len() == 1);
    let got = seen.lock().unwrap()[0].clone();
    assert_eq!((got.line.as_str(), &*got.body), ("POST /invoke", &b"hello"[..]));
    assert_eq!(got.header("x-fc-control-path"), Some("/invoke"));
    assert_eq!(got.header("content-type"), Some("application/octet-stream"));
    assert_eq!(got.header("x-own"), None);
}

#[test]
fn what_cannot_be_accepted_is_refused() {
    let (ring, seen, _) = ring(task_function());
    let most = vec![b'x'; 128 * 1024];
    assert_eq!(ring.later("POST", "/", "", &most).status, 202);
    let refused = ring.later("POST", "/", "", &vec![b'x'; 128 * 1024 + 1]);
    assert_eq!((refused.status, &refused.json()["Code"]), (400, &json!("EntityTooLarge")));
    for delay in ["0", "3601", "-1", "1.5", "x", ""] {
        let refused = ring.later("POST", "/", &format!("x-fc-async-delay: {delay}\r\n"), b"");
        assert_eq!((refused.status, &refused.json()["Code"]), (400, &json!("InvalidArgument")), "{delay}");
    }
    for id in ["1", "a b", "-a", &"a".repeat(129)] {
        let refused = ring.later("POST", "/", &format!("x-fc-async-task-id: {id}\r\n"), b"");
        assert_eq!((refused.status, &refused.json()["Code"]), (400, &json!("InvalidArgument")), "{id}");
    }
    let upgrade = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                   sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    assert_eq!(ring.later("GET", "/", upgrade, b"").status, 400);
    eventually("the call", || seen.lock().unwrap().len() == 1);
}

#[test]
fn a_delayed_call_waits_and_can_be_stopped() {
    let (ring, seen, _) = ring(task_function());
    let headers = "x-fc-async-delay: 3600\r\nx-fc-async-task-id: later\r\n";
    assert_eq!(ring.later("POST", "/", headers, b"").status, 202);
    let headers = "x-fc-async-delay: 1\r\nx-fc-async-task-id: soon\r\n";
    assert_eq!(ring.later("POST", "/", headers, b"").status, 202);
    let soon = ring.is_in("soon", "Succeeded");
    let waited = soon["endTime"].as_u64().unwrap() - soon["startedTime"].as_u64().unwrap();
    assert!(waited >= 1000, "{soon}");
    let later = ring.task("later");
    assert_eq!((&later["status"], &later["endTime"]), (&json!("Enqueued"), &json!(0)));
    assert_eq!(later["destinationStatus"], Value::Null, "it has not ended");
    assert_eq!(ring.stop_task("later").status, 200);
    assert_eq!(ring.task("later")["status"], "Stopped");
    let again = ring.stop_task("later");
    assert_eq!(
        (again.status, &again.json()["Code"]),
        (412, &json!("StatefulAsyncInvocationAlreadyCompleted"))
    );
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[test]
fn a_task_has_an_id_and_a_record() {
    let (ring, seen, _) = ring(task_function());
    let accepted = ring.later("POST", "/", "x-fc-async-task-id: \"my-task\"\r\n", b"payload");
    assert_eq!((accepted.status, accepted.header("x-fc-async-task-id")), (202, Some("my-task")));
    let task = ring.is_in("my-task", "Succeeded");
    assert_eq!(task["requestId"].as_str(), accepted.header("x-fc-request-id"));
    assert_eq!(states(&task), ["Enqueued", "Dequeued", "Running", "Succeeded"]);
    assert_eq!((&task["taskPayload"], &task["returnPayload"]), (&json!("payload"), &json!("done")));
    assert_eq!((&task["alreadyRetriedTimes"], &task["qualifier"]), (&json!(0), &json!("LATEST")));
    assert_eq!(task["destinationStatus"], "Succeeded");
    assert!(task["functionArn"].as_str().unwrap().ends_with(":functions/f"), "{task}");
    assert!(task["instanceId"].as_str().unwrap().starts_with("c-"), "{task}");
    assert_eq!(seen.lock().unwrap()[0].header("x-fc-async-task-id"), Some("my-task"));

    let twice = ring.later("POST", "/", "x-fc-async-task-id: my-task\r\n", b"");
    assert_eq!((twice.status, &twice.json()["Code"]), (409, &json!("StatefulAsyncInvocationAlreadyExists")));
    let generated = ring.later("POST", "/", "", b"");
    let id = generated.header("x-fc-async-task-id").unwrap();
    ring.is_in(id, "Succeeded");
    let unknown = ring.api("GET", &format!("{TASKS}/nobody"), &Value::Null);
    assert_eq!((unknown.status, &unknown.json()["Code"]), (404, &json!("StatefulAsyncInvocationNotFound")));
}

#[test]
fn failures_of_the_function_are_repeated_and_counted() {
    let function = tasks_of(Function::default(), &json!({"maxAsyncRetryAttempts": 2}));
    let (ring, seen, _) = ring(function.local("asyncRetryPause", 0.01));
    ring.later("POST", "/fail", "x-fc-async-task-id: t\r\n", b"").assert_status(202);
    let task = ring.is_in("t", "Failed");
    let attempts = ["Dequeued", "Running", "Retrying"].repeat(2);
    let expected = [vec!["Enqueued"], attempts, vec!["Dequeued", "Running", "Failed"]].concat();
    assert_eq!(states(&task), expected);
    assert_eq!(task["alreadyRetriedTimes"], 2);
    let detail: Value = serde_json::from_str(task["events"][3]["eventDetail"].as_str().unwrap()).unwrap();
    assert_eq!((&detail["Error"], &detail["Execution"]), (&json!("UnhandledInvocationError"), &json!(1)));
    let counts: Vec<String> =
        seen.lock().unwrap().iter().map(|got| got.header("x-fc-retry-count").unwrap().to_owned()).collect();
    assert_eq!(counts, ["0", "1", "2"]);
}

#[test]
fn a_status_of_500_is_a_success_unless_a_setting_says_otherwise() {
    let (ring, _, _) = ring(task_function());
    ring.later("POST", "/500", "x-fc-async-task-id: t\r\n", b"").assert_status(202);
    assert_eq!(ring.is_in("t", "Succeeded")["returnPayload"], "broken inside");

    let function = tasks_of(Function::default(), &json!({"maxAsyncRetryAttempts": 0}));
    let (ring, _, _) = self::ring(function.local("asyncServerErrors", "failure"));
    ring.later("POST", "/500", "x-fc-async-task-id: t\r\n", b"").assert_status(202);
    assert_eq!(ring.is_in("t", "Failed")["taskErrorMessage"], "broken inside");
}

#[test]
fn a_stop_cancels_the_call_as_a_client_that_leaves() {
    let function = task_function().concurrency(5);
    let (ring, _, gate) = ring(function);
    ring.later("POST", "/wait", "x-fc-async-task-id: t\r\n", b"").assert_status(202);
    gate.holds(1);
    ring.is_in("t", "Running");
    assert_eq!(ring.stop_task("t").status, 200);
    let task = ring.is_in("t", "Stopped");
    assert_eq!(states(&task), ["Enqueued", "Dequeued", "Running", "Stopping", "Stopped"]);
    eventually("the function sees that its client left", || gate.waiting().is_empty());
    let id = task["requestId"].as_str().unwrap();
    ring.first("the cancelled call", |kind| matches!(kind, fc_local::Kind::CallCancelled { .. }));
    assert_eq!(ring.programs().len(), 1, "the instance lives: {id}");
    assert_eq!(ring.get("/").text(), "done");
}

#[test]
fn calls_beyond_the_functions_concurrency_wait_their_turn() {
    let function = task_function().concurrency(4).local("maxInstances", 1);
    let (ring, _, gate) = ring(function);
    for number in 0..6 {
        let header = format!("x-fc-async-task-id: t{number}\r\n");
        ring.later("POST", "/wait", &header, b"").assert_status(202);
    }
    gate.holds(2);
    // Half of the places are there for synchronous calls.
    assert_eq!(ring.get("/").text(), "done");
    gate.open_for(6);
    for number in 0..6 {
        ring.is_in(&format!("t{number}"), "Succeeded");
    }
    assert_eq!(ring.programs().len(), 1);
}

#[test]
fn tasks_are_listed_page_by_page_whatever_comes_meanwhile() {
    let (ring, _, gate) = ring(task_function().local("asyncConcurrency", 1));
    for id in ["a1", "a2", "b1", "a3"] {
        let delay = "x-fc-async-delay: 600\r\n";
        ring.later("POST", "/", &format!("{delay}x-fc-async-task-id: {id}\r\n"), b"p").assert_status(202);
    }
    assert_eq!(ring.ids(""), ["a3", "b1", "a2", "a1"]);
    assert_eq!(ring.ids("sortOrderByTime=asc"), ["a1", "a2", "b1", "a3"]);
    assert_eq!(ring.ids("prefix=a&sortOrderByTime=asc"), ["a1", "a2", "a3"]);
    assert_eq!(ring.ids("status=Enqueued&limit=2"), ["a3", "b1"]);
    assert_eq!(ring.ids("status=Running"), [""; 0]);
    let first = ring.api("GET", &format!("{TASKS}?limit=2"), &Value::Null).json();
    assert!(first["tasks"][0].get("taskPayload").is_none());
    let token = first["nextToken"].as_str().unwrap();
    ring.later("POST", "/", "x-fc-async-task-id: a4\r\n", b"").assert_status(202);
    ring.is_in("a4", "Succeeded");
    let rest = ring.ids(&format!("limit=2&nextToken={token}&includePayload=true"));
    assert_eq!(rest, ["a2", "a1"]);
    assert_eq!(ring.ids("status=Succeeded"), ["a4"]);
    let with = ring.api("GET", &format!("{TASKS}?includePayload=true&prefix=a1"), &Value::Null).json();
    assert_eq!(with["tasks"][0]["taskPayload"], "p");
    let time = ring.task("b1")["startedTime"].as_u64().unwrap();
    let from = ring.ids(&format!("startedTimeBegin={time}&sortOrderByTime=asc"));
    assert!(from.contains(&"b1".to_owned()) && from.contains(&"a4".to_owned()), "{from:?}");
    for query in
        ["limit=0", "limit=101", "status=Dead", "sortOrderByTime=up", "nextToken=x", "startedTimeBegin=x"]
    {
        assert_eq!(ring.api("GET", &format!("{TASKS}?{query}"), &Value::Null).status, 400, "{query}");
    }
    drop(gate);
}

#[test]
fn a_configuration_is_set_read_and_removed() {
    let (ring, _, _) = ring(Function::default());
    let none = ring.api("GET", CONFIG, &Value::Null);
    assert_eq!((none.status, &none.json()["Code"]), (404, &json!("AsyncConfigNotExists")));
    let body = json!({
        "asyncTask": true, "maxAsyncRetryAttempts": 1, "maxAsyncEventAgeInSeconds": 60,
        "destinationConfig": {"onFailure": {"destination": "acs:mns:::/queues/q/messages"}},
    });
    ring.api("PUT", CONFIG, &body).assert_status(200);
    let read = ring.api("GET", CONFIG, &Value::Null).json();
    for key in ["asyncTask", "maxAsyncRetryAttempts", "maxAsyncEventAgeInSeconds", "destinationConfig"] {
        assert_eq!(read[key], body[key], "{key}");
    }
    assert!(read["functionArn"].as_str().unwrap().ends_with(":functions/f"), "{read}");
    ring.later("POST", "/", "x-fc-async-task-id: t\r\n", b"").assert_status(202);
    ring.is_in("t", "Succeeded");
    // What a change leaves out stays.
    let changed = ring.api("PUT", CONFIG, &json!({"maxAsyncRetryAttempts": 8})).json();
    assert_eq!((&changed["maxAsyncRetryAttempts"], &changed["asyncTask"]), (&json!(8), &json!(true)));
    let all = ring.api("GET", "/2023-03-30/async-invoke-configs?functionName=f", &Value::Null).json();
    assert_eq!(all["configs"].as_array().unwrap().len(), 1, "{all}");
    for (key, value) in [
        ("maxAsyncRetryAttempts", json!(9)),
        ("maxAsyncEventAgeInSeconds", json!(0)),
        ("maxAsyncEventAgeInSeconds", json!(2_592_001)),
        ("asyncTask", json!("yes")),
        ("destinationConfig", json!({"onSuccess": {"destination": "nowhere"}})),
    ] {
        assert_eq!(ring.api("PUT", CONFIG, &json!({ key: value })).status, 400, "{key}");
    }
    assert_eq!(ring.api("DELETE", CONFIG, &Value::Null).status, 204);
    assert_eq!(ring.api("GET", CONFIG, &Value::Null).status, 404);
}

#[test]
fn a_rebuild_lets_attempts_finish_and_the_next_ones_get_the_new_code() {
    let (ring, _, gate) = ring(task_function());
    ring.later("POST", "/wait", "x-fc-async-task-id: old\r\n", b"").assert_status(202);
    gate.holds(1);
    assert!(ring.redeploy(task_function().var("NAME", "new")));
    ring.later("POST", "/", "x-fc-async-task-id: new\r\n", b"").assert_status(202);
    let new = ring.is_in("new", "Succeeded");
    gate.open_for(1);
    let old = ring.is_in("old", "Succeeded");
    assert_ne!(old["instanceId"], new["instanceId"]);
    assert_eq!(old["alreadyRetriedTimes"], 0);
}

#[test]
fn a_stop_of_the_platform_lets_attempts_finish() {
    let (ring, seen, gate) = ring(task_function());
    ring.later("POST", "/wait", "x-fc-async-task-id: t\r\n", b"").assert_status(202);
    gate.holds(1);
    gate.open_for(1);
    let events = ring.stop(Duration::from_secs(20));
    assert_eq!(seen.lock().unwrap().len(), 1);
    let ended = events.first("the end", |kind| matches!(kind, fc_local::Kind::AsyncCall(_)));
    assert!(ended.text().starts_with("task t Succeeded"), "{}", ended.text());
}
