//! Where the outcomes of asynchronous calls go: over the ends of the program, of versions and aliases, in edition 2.0.

use serde_json::{Value, json};
use testkit::events::kind;
use testkit::h1::{exchange, request};
use testkit::manifest::Manifest;
use testkit::{eventually, until};

use crate::domains::named;
use crate::harness::{Local, f, scripted, write_manifest};

const CONFIG: &str = "/2023-03-30/functions/f/async-invoke-config";

fn on_success(queue: &str) -> Value {
    let arn = format!("acs:mns:::/queues/{queue}/messages");
    json!({ "destinationConfig": { "onSuccess": { "destination": arn } } })
}

impl Local {
    /// The message that a request led to, if there is one.
    fn message(&self, id: &str) -> Option<Value> {
        let target = format!("/2023-03-30/messages/{id}");
        let answer = exchange(self.main_port(), &request("GET", &target, "", b""));
        (answer.status == 200).then(|| answer.json())
    }

    /// Queues a call, and gives its request's id.
    #[track_caller]
    fn queued(&self, target: &str, headers: &str, body: &[u8]) -> String {
        let headers = format!("x-fc-invocation-type: Async\r\n{headers}");
        let accepted = exchange(self.main_port(), &request("POST", target, &headers, body));
        accepted.assert_status(202);
        accepted.header("x-fc-request-id").unwrap().to_owned()
    }
}

#[test]
fn each_accepted_call_has_its_message_when_the_program_is_killed() {
    let folder = scripted();
    write_manifest(&folder, f().concurrency(4).prop("asyncInvokeConfig", on_success("done")));
    let local = Local::start(folder, &[]);
    let ids: Vec<(String, String)> = (0..200)
        .map(|number| {
            let body = format!("order {number}");
            (local.queued("/2023-03-30/functions/f/invocations", "", body.as_bytes()), body)
        })
        .collect();
    eventually("the first messages", || local.message(&ids[5].0).is_some());
    let mut killed = local;
    killed.program.signal("KILL");
    killed.program.ended();
    let local = Local::start(killed.folder, &[]);
    for (id, body) in &ids {
        let message = until("the message", || local.message(id));
        assert_eq!(message["body"]["requestPayload"], json!(body), "{message}");
        assert_eq!(message["body"]["responsePayload"], json!(body.to_uppercase()), "{message}");
    }
    let all = exchange(local.main_port(), &request("GET", "/2023-03-30/messages?limit=100", "", b"")).json();
    let first: Vec<&Value> =
        all["messages"].as_array().unwrap().iter().map(|message| &message["id"]).collect();
    assert_eq!(first.len(), 100);
    assert!((1..first.len()).all(|at| !first[..at].contains(&first[at])), "one message for each call");
}

#[test]
fn versions_and_aliases_have_destinations_of_their_own() {
    let local = Local::scripted(f());
    let api = |method: &str, target: &str, body: &Value| {
        let answer = exchange(local.main_port(), &request(method, target, "", body.to_string().as_bytes()));
        assert!(answer.status < 300, "{target}: {}", answer.text());
    };
    api("POST", "/2023-03-30/functions/f/versions", &json!({}));
    api("POST", "/2023-03-30/functions/f/aliases", &json!({ "aliasName": "prod", "versionId": "1" }));
    for qualifier in ["LATEST", "1", "prod"] {
        let queue = format!("of-{qualifier}");
        api("PUT", &format!("{CONFIG}?qualifier={qualifier}"), &on_success(&queue));
    }
    for (query, queue, own) in [
        ("", "of-LATEST", "functions/f"),
        ("?qualifier=LATEST", "of-LATEST", "functions/f"),
        ("?qualifier=1", "of-1", "functions/f/1"),
        ("?qualifier=prod", "of-prod", "functions/f/prod"),
    ] {
        let id = local.queued(&format!("/2023-03-30/functions/f/invocations{query}"), "", b"x");
        let message = until("the message", || local.message(&id));
        assert_eq!(message["name"], queue, "{query}: {message}");
        let arn = &message["body"]["requestContext"]["functionArn"];
        assert_eq!(*arn, format!("acs:fc:cn-hangzhou:1234567890123456:{own}"), "{query}: {message}");
    }
}

#[test]
fn in_edition_2_a_record_names_service_and_qualifier() {
    let folder = scripted();
    write_manifest(&folder, f().local("service", "s").prop("asyncInvokeConfig", on_success("done")));
    let local = Local::start(folder, &["--edition", "fc2"]);
    let id = local.queued("/2016-08-15/services/s.LATEST/functions/f/invocations", "", b"{\"info\":1}");
    let message = until("the message", || local.message(&id));
    let record = &message["body"];
    assert_eq!(
        record["requestContext"],
        json!({
            "requestId": id,
            "functionArn": "acs:fc:cn-hangzhou:1234567890123456:services/s.LATEST/functions/f",
            "condition": "",
            "approximateInvokeCount": 1,
        })
    );
    assert_eq!(record["responseContext"], json!({ "statusCode": 200, "functionError": "" }));
    assert_eq!(
        (&record["requestPayload"], &record["responsePayload"]),
        (&json!("{\"info\":1}"), &json!("{\"INFO\":1}"))
    );
}

#[test]
fn a_custom_domain_takes_asynchronous_calls() {
    let routes = json!([{ "path": "/*", "functionName": "web" }]);
    let domain = json!({
        "region": "cn-hangzhou", "domainName": "api.example.com", "protocol": "HTTP", "routeConfig": { "routes": routes },
    });
    let folder = scripted();
    let web = named("web").prop("asyncInvokeConfig", on_success("done"));
    write_manifest(&folder, Manifest::of([web]).resource("names", "fc3-domain", &domain));
    let local = Local::start(folder, &[]);
    let head = "POST /seen?a=1 HTTP/1.1\r\nhost: api.example.com\r\nx-fc-invocation-type: Async\r\n\
                content-length: 5\r\n\r\nhello";
    let accepted = exchange(local.main_port(), head.as_bytes());
    accepted.assert_status(202);
    let id = accepted.header("x-fc-request-id").unwrap();
    local.wait_for(kind("message_stored").request(id));
    let record = local.message(id).unwrap()["body"].clone();
    assert_eq!(record["requestPayload"], "hello", "{record}");
    let seen = record["responsePayload"].as_str().unwrap();
    assert!(seen.starts_with("POST /seen?a=1 HTTP/1.1\r\n") && seen.ends_with("\r\n\r\nhello"), "{seen}");
    assert!(seen.contains("host: api.example.com\r\n"), "{seen}");
}
