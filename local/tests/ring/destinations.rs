//! Where the outcomes of asynchronous calls go.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use http_body_util::BodyExt;
use serde_json::{Value, json};
use testkit::h1::{exchange, request};
use testkit::manifest::Function;
use testkit::{Answer, PATIENCE, until};

use crate::function::{Answering, Asked, Cut, text};
use crate::harness::{Ring, f};

type Bodies = Arc<Mutex<Vec<Vec<u8>>>>;

/// A function that keeps what it gets. `fail` breaks off.
fn keeping(bodies: &Bodies) -> impl Fn(Asked) -> Answering + Clone + Send + Sync + 'static {
    let bodies = Arc::clone(bodies);
    move |Asked { request, .. }| {
        let bodies = Arc::clone(&bodies);
        Box::pin(async move {
            let body = request.into_body().collect().await.map_err(|_| Cut)?.to_bytes().to_vec();
            bodies.lock().unwrap().push(body.clone());
            if body.starts_with(b"fail") { Err(Cut) } else { text("done") }
        })
    }
}

fn with_destinations(function: Function, destinations: &Value) -> Function {
    let config = json!({ "asyncTask": true, "maxAsyncRetryAttempts": 1, "destinationConfig": destinations });
    function.prop("asyncInvokeConfig", config).local("asyncRetryPause", 0.01)
}

fn ring(function: Function) -> (Ring, Bodies) {
    let bodies = Bodies::default();
    (Ring::serving(function, keeping(&bodies)), bodies)
}

impl Ring {
    fn send(&self, id: &str, body: &[u8]) -> Answer {
        let headers = format!("x-fc-invocation-type: Async\r\nx-fc-async-task-id: {id}\r\n");
        let accepted = exchange(self.port(), &request("POST", "/a", &headers, body));
        assert_eq!(accepted.status, 202);
        accepted
    }

    fn messages(&self, query: &str) -> Vec<Value> {
        let target = format!("/2023-03-30/messages?{query}");
        let list = exchange(self.main_port(), &request("GET", &target, "", b"")).json();
        list["messages"].as_array().unwrap().clone()
    }

    /// Waits for a message, and gives it.
    #[track_caller]
    pub(crate) fn message_of(&self, id: &str, is: impl Fn(&Value) -> bool) -> Value {
        until("the message", || {
            let target = format!("/2023-03-30/messages/{id}");
            let answer = exchange(self.main_port(), &request("GET", &target, "", b""));
            (answer.status == 200).then(|| answer.json()).filter(|message| is(message))
        })
    }
}

/// A server that answers these statuses, one after the other, and gives what it got.
fn receiver(statuses: &'static [u16]) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, received) = channel();
    std::thread::spawn(move || {
        for status in statuses {
            let (mut socket, _) = listener.accept().unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut got = String::new();
            let is_whole = |got: &str| {
                let Some((head, body)) = got.split_once("\r\n\r\n") else { return false };
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                length.is_some_and(|length| body.len() >= length.parse().unwrap())
            };
            let mut piece = [0; 4096];
            while !is_whole(&got) {
                let read = socket.read(&mut piece).unwrap();
                assert!(read > 0, "{got}");
                got.push_str(std::str::from_utf8(&piece[..read]).unwrap());
            }
            let reply = format!("HTTP/1.1 {status} OK\r\ncontent-length: 0\r\n\r\n");
            socket.write_all(reply.as_bytes()).unwrap();
            sender.send(got).unwrap();
        }
    });
    (port, received)
}

#[test]
fn a_function_gets_the_record_of_a_success() {
    let arn = "acs:fc:::functions/f";
    // The function is its own destination: of a loop there are as many calls as the bound allows.
    let (ring, bodies) = ring(with_destinations(f(), &json!({ "onSuccess": { "destination": arn } })));
    let accepted = ring.send("t", b"{\"info\":true}");
    let id = accepted.header("x-fc-request-id").unwrap().to_owned();
    let calls = || bodies.lock().unwrap().len();
    ring.first("the end of the loop", |kind| matches!(kind, fc_local::Kind::DestinationFailed(_)));
    assert_eq!(calls(), 17, "the call itself, and sixteen that destinations led to");
    let record: Value = serde_json::from_slice(&bodies.lock().unwrap()[1]).unwrap();
    let timestamp = record["timestamp"].as_u64().unwrap();
    assert!(timestamp > 1_700_000_000_000, "{record}");
    assert_eq!(
        record,
        json!({
            "timestamp": timestamp,
            "requestContext": {
                "requestId": id,
                "functionArn": "acs:fc:cn-hangzhou:1234567890123456:functions/f",
                "condition": "",
                "approximateInvokeCount": 1,
            },
            "requestPayload": "{\"info\":true}",
            "responseContext": { "statusCode": 200, "functionError": "" },
            "responsePayload": "done",
        })
    );
}

#[test]
fn a_queue_gets_the_record_of_a_failure() {
    let arn = "acs:mns:::/queues/failed/messages";
    let (ring, bodies) = ring(with_destinations(f(), &json!({ "onFailure": { "destination": arn } })));
    ring.send("fine", b"fine");
    let id = ring.send("t", b"fail \xff").header("x-fc-request-id").unwrap().to_owned();
    let message = ring.message_of(&id, |_| true);
    assert_eq!(bodies.lock().unwrap().iter().filter(|body| body.starts_with(b"fail")).count(), 2);
    let record = &message["body"];
    assert_eq!(record["requestContext"]["condition"], "UnhandledInvocationError");
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 2);
    assert_eq!(
        record["responseContext"],
        json!({ "statusCode": 200, "functionError": "UnhandledInvocationError" })
    );
    assert_eq!(record["requestPayload"], "ZmFpbCD/", "what is no text is in base64");
    assert!(record["responsePayload"].as_str().unwrap().contains("errorMessage"), "{record}");
    assert_eq!((&message["kind"], &message["name"]), (&json!("queue"), &json!("failed")));
    assert_eq!((&message["destination"], &message["forward"]), (&json!(arn), &Value::Null));
    let ids =
        |query: &str| ring.messages(query).iter().map(|message| message["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids("name=failed"), [json!(id)]);
    assert_eq!(ids("name=other"), [Value::Null; 0]);
}

#[test]
fn each_stand_in_has_its_messages_page_by_page() {
    let arn = "acs:eventbridge:cn-hangzhou:1:eventbus/my-bus";
    let (ring, _) = ring(with_destinations(f(), &json!({ "onSuccess": { "destination": arn } })));
    let mut ids = Vec::new();
    for task in ["a", "b", "c"] {
        let id = ring.send(task, b"").header("x-fc-request-id").unwrap().to_owned();
        let event = ring.message_of(&id, |_| true)["body"].clone();
        assert_eq!((&event["specversion"], &event["id"]), (&json!("1.0"), &json!(id)));
        assert_eq!(
            (&event["type"], &event["data"]["responsePayload"]),
            (&json!("fc:AsyncInvoke:Succeeded"), &json!("done"))
        );
        ids.push(json!(id));
    }
    let page = |query: &str| {
        let target = format!("/2023-03-30/messages?{query}");
        exchange(ring.main_port(), &request("GET", &target, "", b"")).json()
    };
    let first = page("limit=2");
    assert_eq!(
        first["messages"].as_array().unwrap().iter().map(|message| &message["id"]).collect::<Vec<_>>(),
        [&ids[2], &ids[1]]
    );
    let second = page(&format!("limit=2&nextToken={}", first["nextToken"].as_str().unwrap()));
    assert_eq!((&second["messages"][0]["id"], &second["nextToken"]), (&ids[0], &Value::Null));
}

#[test]
fn a_message_is_forwarded_until_it_is_taken() {
    let arn = "acs:mns:cn-hangzhou:1:/topics/done/messages";
    let (port, received) = receiver(&[503, 204]);
    let function = with_destinations(f(), &json!({ "onSuccess": { "destination": arn } }));
    // Region and account of the address do not matter.
    let address = format!("http://127.0.0.1:{port}/take?a=1");
    let (ring, _) =
        ring(function.local("destinations", json!({ "acs:mns:::/topics/done/messages": address })));
    let id = ring.send("t", b"x").header("x-fc-request-id").unwrap().to_owned();
    let (first, second) =
        (received.recv_timeout(PATIENCE).unwrap(), received.recv_timeout(PATIENCE).unwrap());
    assert!(first.starts_with("POST /take?a=1 HTTP/1.1\r\n"), "{first}");
    assert_eq!(first.split_once("\r\n\r\n").unwrap().1, second.split_once("\r\n\r\n").unwrap().1);
    let message = ring.message_of(&id, |message| message["forward"]["state"] == "done");
    assert_eq!((&message["forward"]["tries"], &message["forward"]["error"]), (&json!(2), &Value::Null));
    let sent: Value = serde_json::from_str(second.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(sent, message["body"]);
}

#[test]
fn an_address_that_does_not_answer_holds_up_no_other_one() {
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, received) = receiver(&[204]);
    let queue = |name: &str| format!("acs:mns:::/queues/{name}/messages");
    let addresses = json!({
        (queue("mute")): format!("http://{}/", mute.local_addr().unwrap()),
        (queue("done")): format!("http://127.0.0.1:{port}/"),
    });
    let destinations = json!({
        "onFailure": { "destination": queue("mute") }, "onSuccess": { "destination": queue("done") },
    });
    let (ring, _) = ring(with_destinations(f(), &destinations).local("destinations", addresses));
    for number in 0..6 {
        let id = ring.send(&format!("t{number}"), b"fail").header("x-fc-request-id").unwrap().to_owned();
        ring.message_of(&id, |_| true);
    }
    // Several come at a time, and none of them gets an answer.
    let held: Vec<_> = (0..4).map(|_| mute.accept().unwrap()).collect();
    let id = ring.send("good", b"x").header("x-fc-request-id").unwrap().to_owned();
    received.recv_timeout(PATIENCE).unwrap();
    ring.message_of(&id, |message| message["forward"]["state"] == "done");
    mute.set_nonblocking(true).unwrap();
    assert!(mute.accept().is_err(), "four are under way, and two wait for them");
    drop(held);
}

#[test]
fn a_function_that_is_not_there_is_told() {
    let arn = "acs:fc:::functions/elsewhere";
    let (ring, _) = ring(with_destinations(f(), &json!({ "onSuccess": { "destination": arn } })));
    ring.send("t", b"x");
    ring.first("the failure", |kind| {
        matches!(kind, fc_local::Kind::DestinationFailed(fault)
            if fault.destination == arn && fault.error.contains("elsewhere"))
    });
}

#[test]
fn a_stopped_task_counts_as_a_failure() {
    let arn = "acs:mq:::/instances/i/topics/t";
    let (ring, _) = ring(with_destinations(f(), &json!({ "onFailure": { "destination": arn } })));
    let headers = "x-fc-invocation-type: Async\r\nx-fc-async-task-id: t\r\nx-fc-async-delay: 3600\r\n";
    let accepted = exchange(ring.port(), &request("POST", "/", headers, b"x"));
    let stop = request("PUT", "/2023-03-30/functions/f/async-tasks/t/stop", "", b"");
    assert_eq!(exchange(ring.main_port(), &stop).status, 200);
    let message = ring.message_of(accepted.header("x-fc-request-id").unwrap(), |_| true);
    assert_eq!((&message["kind"], &message["name"]), (&json!("rocketmq"), &json!("i/t")));
    let context = &message["body"]["requestContext"];
    assert_eq!(
        (&context["condition"], &context["approximateInvokeCount"]),
        (&json!("AsyncInvocationStopped"), &json!(0))
    );
}
