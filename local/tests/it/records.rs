//! Recorded calls: listed, shown, exported and sent once more, by the command line and over the API.

use std::process::{Command, Output};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::events::kind;
use testkit::h1::{Conn, exchange, request};
use testkit::manifest::{Function, Manifest};
use testkit::program::Ended;
use testkit::ws::Client;
use testkit::{Answer, Launch, until};

use crate::harness::{Local, f, program, scripted, write_manifest};
use crate::signer::{Wire, iso8601, key};

/// Runs a command of fc-local for the project, and gives its standard output.
#[track_caller]
fn run(local: &Local, arguments: &[&str]) -> String {
    let ended = try_run(local, arguments);
    assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.err);
    ended.out
}

fn try_run(local: &Local, arguments: &[&str]) -> Ended {
    let launch = Launch::new(program()).args(["--template"]).args([local.folder.file("s.yaml")]);
    launch.args(arguments.iter().copied()).run()
}

fn api(local: &Local, method: &str, path: &str) -> Answer {
    let port = local.main_port();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\n\r\n");
    exchange(port, head.as_bytes())
}

/// The details of the latest call of a path, once it is over.
#[track_caller]
fn recorded(local: &Local, path: &str) -> Value {
    let id = until("the call is recorded", || {
        let page = api(local, "GET", &format!("/_local/v1/requests?path={path}&limit=1")).json();
        let call = page["requests"].get(0)?.clone();
        (call["end"] != "under_way").then(|| call["requestId"].as_str().unwrap().to_owned())
    });
    detail(local, &id)
}

#[track_caller]
fn detail(local: &Local, id: &str) -> Value {
    let answer = api(local, "GET", &format!("/_local/v1/requests/{id}"));
    answer.assert_status(200);
    answer.json()
}

fn phase(call: &Value, name: &str) -> f64 {
    let phases = call["phases"].as_array().unwrap();
    let own = phases.iter().find(|phase| phase["name"] == name);
    own.map_or(f64::NAN, |phase| phase["ms"].as_f64().unwrap())
}

#[test]
fn a_call_is_shown_with_its_head_its_bodies_its_times_and_its_log() {
    let local = Local::start(manifest_of(f().timeout(60)), &["--cold"]);
    local.call("POST", "/seen?a=1&token=t0p-secret", "x-own: yes\r\ncookie: sid=t0p-secret\r\n", b"the body");
    let call = recorded(&local, "/seen");
    assert_eq!(
        (&call["function"], &call["status"], &call["end"]),
        (&"f".into(), &200.into(), &"sent".into())
    );
    assert_eq!(call["target"], "/seen?a=1&token=******");
    assert_eq!(
        call["requestBody"],
        json!({"text": "the body", "bytes": 8, "leftOutBytes": 0, "whole": true})
    );
    let reply = call["replyBody"]["text"].as_str().unwrap();
    assert!(reply.starts_with("POST /seen?a=1") && reply.ends_with("the body"), "{reply}");
    assert!(call["requestHeaders"].as_array().unwrap().contains(&json!(["x-own", "yes"])));
    assert!(call["requestHeaders"].as_array().unwrap().contains(&json!(["cookie", "sid=******"])));
    assert!(call["instance"].as_str().unwrap().starts_with("c-"), "{call}");
    // The first call waited for the start.
    assert_eq!((&call["coldStart"], &call["via"]), (&true.into(), &"http_trigger".into()));
    assert!(phase(&call, "cold_start") > 1.0, "{call}");
    let sum: f64 = call["phases"].as_array().unwrap().iter().map(|phase| phase["ms"].as_f64().unwrap()).sum();
    assert!((sum - call["durationMs"].as_f64().unwrap()).abs() < 0.01, "{call}");
    // The same id as everywhere.
    let record = local.wait_for(kind("request").field("path", "/seen"));
    assert_eq!(call["requestId"].as_str(), Some(record.request()));

    local.get("/sleep?ms=80");
    let call = recorded(&local, "/sleep");
    assert_eq!(call["coldStart"], false);
    assert!(phase(&call, "function") >= 79.0 && phase(&call, "queue") < 40.0, "{call}");
    local.get("/log?text=a-line");
    let call = recorded(&local, "/log");
    assert!(call["log"].to_string().contains("FC Invoke Start RequestId"), "{call}");

    let text = run(&local, &["requests", call["requestId"].as_str().unwrap()]);
    assert!(text.contains("GET /log?text=a-line  200  f") && text.contains("phases: admission"), "{text}");
}

fn manifest_of(manifest: impl Into<Manifest>) -> testkit::Folder {
    let folder = scripted();
    write_manifest(&folder, manifest);
    folder
}

#[test]
fn lists_have_the_latest_first_and_filters_hold() {
    let local = Local::scripted(f().timeout(60));
    for target in ["/a/1", "/a/2", "/status?code=503", "/status?code=404"] {
        local.get(target);
    }
    exchange(local.function_port("f"), &request("DELETE", "/a/3", "", b""));
    let lines = run(&local, &["requests"]);
    let targets: Vec<&str> = lines.lines().filter_map(|line| line.split("  ").nth(1)).collect();
    assert_eq!(
        targets,
        ["GET /a/1", "GET /a/2", "GET /status?code=503", "GET /status?code=404", "DELETE /a/3"],
        "{lines}"
    );
    let count = |arguments: &[&str]| run(&local, &[&["requests"][..], arguments].concat()).lines().count();
    assert_eq!(count(&["--status", "5xx"]), 1);
    assert_eq!(count(&["--status", "404"]), 1);
    assert_eq!(count(&["--errors"]), 1);
    assert_eq!(count(&["--path", "/a/", "--method", "get"]), 2);
    assert_eq!(count(&["--limit", "2"]), 2);
    assert_eq!(count(&["--function", "other"]), 0);
    assert_eq!(count(&["--since", "1h", "--json"]), 5);
    let call: Value =
        serde_json::from_str(run(&local, &["requests", "--json", "--limit", "1"]).trim()).unwrap();
    assert_eq!((&call["target"], &call["method"]), (&"/a/3".into(), &"DELETE".into()));
    let wrong = try_run(&local, &["requests", "--status", "7xx"]);
    assert!(wrong.code == Some(1) && wrong.err.contains("`7xx` is no status"), "{}", wrong.err);
    let unknown = try_run(&local, &["requests", "1-unknown"]);
    assert!(
        unknown.code == Some(1) && unknown.err.contains("no call with request id '1-unknown'"),
        "{}",
        unknown.err
    );
    run(&local, &["requests", "--clear"]);
    assert_eq!(count(&[]), 0);
}

#[test]
fn a_list_goes_on_with_the_calls_that_come() {
    let local = Local::scripted(f().timeout(60));
    local.get("/before");
    let launch = Launch::new(program()).args(["--template"]).args([local.folder.file("s.yaml")]);
    let follower = launch.args(["requests", "--follow", "--path", "/b"]).start();
    let mut lines = Vec::new();
    let mut take = |wanted: &str| {
        until(wanted, || {
            lines = follower.out().all();
            lines.iter().any(|line: &String| line.contains(wanted)).then_some(())
        });
    };
    take("GET /before");
    local.get("/other");
    local.get("/b2");
    take("GET /b2");
    assert!(!lines.iter().any(|line| line.contains("/other")), "{lines:?}");
}

#[test]
fn large_bodies_are_cut_where_they_are_kept_and_pass_whole() {
    let local =
        Local::start(manifest_of(f().timeout(60)), &["--record-body", "1KiB", "--record-bodies", "8KiB"]);
    let sent = vec![b'a'; 300_000];
    local.call("POST", "/length", "", &sent).assert_text("300000");
    let reply = local.get("/big?bytes=200000");
    assert_eq!(reply.body.len(), 200_000);
    let call = recorded(&local, "/length");
    assert_eq!(
        (&call["requestBody"]["bytes"], &call["requestBody"]["leftOutBytes"]),
        (&300_000.into(), &298_976.into())
    );
    let big = recorded(&local, "/big");
    assert_eq!((&big["replyBytes"], &big["replyBody"]["leftOutBytes"]), (&200_000.into(), &198_976.into()));
    let id = call["requestId"].as_str().unwrap();
    for arguments in [&["requests", id, "--curl"][..], &["replay", id]] {
        let ended = try_run(&local, arguments);
        assert!(ended.code == Some(1) && ended.err.contains("1024 of 300000 bytes"), "{}", ended.err);
    }
    // The bodies of old calls go, and their records stay.
    for _ in 0..12 {
        local.call("POST", "/length", "", &[b'b'; 1000]);
    }
    let call = detail(&local, id);
    assert_eq!((&call["requestBody"]["whole"], &call["requestBytes"]), (&false.into(), &300_000.into()));
    assert!(call["requestBody"].get("text").is_none(), "{call}");
    let page = api(&local, "GET", "/_local/v1/requests").json();
    assert!(page["bodyBytes"].as_u64().unwrap() <= 8 * 1024, "{page}");
}

#[test]
fn a_stream_is_shown_while_it_lasts_and_is_not_held_back() {
    let local = Local::scripted(f().timeout(60));
    let mut client = Conn::open(local.function_port("f"));
    client.send(&request("GET", "/sse?n=3&ms=300", "", b""));
    client.answer_head().assert_status(200);
    let first = client.chunk().unwrap();
    assert_eq!(first, b"id: 0\ndata: tick 0\n\n");
    let page = api(&local, "GET", "/_local/v1/requests?end=under_way").json();
    let call = &page["requests"][0];
    assert_eq!((&call["status"], &call["end"]), (&200.into(), &"under_way".into()), "{page}");
    while client.chunk().is_some_and(|chunk| !chunk.is_empty()) {}
    let call = recorded(&local, "/sse");
    assert_eq!(call["end"], "sent");
    let body = call["replyBody"]["text"].as_str().unwrap();
    assert_eq!(body, "id: 0\ndata: tick 0\n\nid: 1\ndata: tick 1\n\nid: 2\ndata: tick 2\n\n");
    assert!(phase(&call, "body") >= 590.0, "{call}");
    // One call, and one record of it.
    let page = api(&local, "GET", "/_local/v1/requests?path=/sse").json();
    assert_eq!(page["requests"].as_array().unwrap().len(), 1);
}

#[test]
fn a_client_that_leaves_and_a_reply_that_breaks_off_are_told_apart() {
    let local = Local::scripted(f().timeout(60));
    let mut client = Conn::open(local.function_port("f"));
    client.send(&request("GET", "/sse?n=100&ms=50", "", b""));
    client.answer_head().assert_status(200);
    client.chunk();
    client.reset();
    let call = recorded(&local, "/sse");
    assert_eq!((&call["status"], &call["end"]), (&499.into(), &"client_left".into()));
    assert!(call["replyBody"]["text"].as_str().unwrap().starts_with("id: 0"), "{call}");
    assert_eq!(call["replyBody"]["whole"], false);
    let mut client = Conn::open(local.function_port("f"));
    client.send(&request("GET", "/broken?n=9000", "", b""));
    client.rest();
    let call = recorded(&local, "/broken");
    assert_eq!(call["end"], "cut", "{call}");
    assert!(call["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{call}");
    // A client that leaves in the middle of its own body.
    let mut client = Conn::open(local.function_port("f"));
    client.send(b"POST /length HTTP/1.1\r\nhost: f\r\ncontent-length: 1000\r\n\r\nonly this");
    std::thread::park_timeout(Duration::from_millis(200));
    client.reset();
    let call = recorded(&local, "/length");
    assert_eq!((&call["status"], &call["requestBody"]["whole"]), (&499.into(), &false.into()), "{call}");
    let ended = try_run(&local, &["replay", call["requestId"].as_str().unwrap()]);
    assert!(ended.err.contains("was not read to its end"), "{}", ended.err);
}

#[test]
fn a_websocket_is_recorded_with_its_traffic_and_is_not_sent_again() {
    let local = Local::scripted(f().timeout(60));
    let mut client = Client::open(local.function_port("f"), "/ws");
    client.text("tea");
    client.assert_text("tea");
    let page = api(&local, "GET", "/_local/v1/requests?end=under_way").json();
    assert_eq!(page["requests"][0]["status"], 101, "{page}");
    client.close(1000);
    let call = recorded(&local, "/ws");
    assert_eq!(call["webSocket"]["messagesFromClient"], 1);
    assert_eq!((&call["status"], &call["end"]), (&101.into(), &"sent".into()));
    let ended = try_run(&local, &["replay", call["requestId"].as_str().unwrap()]);
    assert!(ended.code == Some(1) && ended.err.contains("became a WebSocket"), "{}", ended.err);
}

#[test]
fn switched_off_nothing_is_recorded_and_that_is_said() {
    let local = Local::start(manifest_of(f().timeout(60)), &["--no-record"]);
    let answer = local.get("/name");
    let id = answer.header("x-fc-request-id").unwrap();
    for arguments in [&["requests", "--json"][..], &["requests", id], &["replay", id]] {
        let ended = try_run(&local, arguments);
        assert!(ended.code == Some(1) && ended.err.contains("--no-record"), "{}", ended.err);
    }
}

#[test]
fn a_call_of_before_is_sent_to_the_code_of_now() {
    let local = Local::scripted(f().timeout(60));
    let body = b"body \0\xff of bytes";
    local.call(
        "PUT",
        "/seen?x=%20y&x=2",
        "x-own: caf\u{e9}\r\nauthorization: Bearer t0p\r\ncookie: a=t0p\r\n",
        body,
    );
    let call = recorded(&local, "/seen");
    let id = call["requestId"].as_str().unwrap().to_owned();
    let reply: Value = serde_json::from_str(&run(&local, &["replay", &id, "--json"])).unwrap();
    assert_eq!((&reply["status"], &reply["replayOf"]), (&200.into(), &id.as_str().into()));
    // The function saw the same request, credentials and all, and the command showed none.
    let again = reply["requestId"].as_str().unwrap();
    assert_ne!(again, id);
    let replayed = detail(&local, again);
    assert_eq!(replayed["replayOf"], id);
    for field in ["target", "host", "method", "requestBody"] {
        assert_eq!(replayed[field], call[field], "{field}");
    }
    let headers = |call: &Value| {
        let mut all: Vec<String> =
            call["requestHeaders"].as_array().unwrap().iter().map(Value::to_string).collect();
        all.sort();
        all
    };
    assert_eq!(headers(&replayed), headers(&call));
    let seen = String::from_utf8_lossy(&base64_of(&reply["body"])).into_owned();
    assert!(seen.contains("authorization: Bearer t0p") && seen.contains("cookie: a=t0p"), "{seen}");
    assert!(!reply["headers"].to_string().contains("t0p"));
    // Not of the connection, and not of another call.
    assert_eq!(seen.matches("content-length").count(), 1, "{seen}");
    let line = run(&local, &["requests", "--limit", "1"]);
    assert!(line.contains(&format!("replay of {id}")), "{line}");
}

fn base64_of(body: &Value) -> Vec<u8> {
    use base64::Engine as _;
    match body["base64"].as_str() {
        Some(text) => base64::engine::general_purpose::STANDARD.decode(text).unwrap(),
        None => body["text"].as_str().unwrap().as_bytes().to_vec(),
    }
}

#[test]
fn a_call_is_sent_to_another_address() {
    let (local, other) =
        (Local::scripted(f().timeout(60)), Local::scripted(f().timeout(60).var("SCRIPT_NAME", "there")));
    local.call("POST", "/seen?a=1", "x-own: 1\r\n", b"tea");
    let id = recorded(&local, "/seen")["requestId"].as_str().unwrap().to_owned();
    let to = format!("http://127.0.0.1:{}/stage/", other.function_port("f"));
    let reply: Value = serde_json::from_str(&run(&local, &["replay", &id, "--to", &to, "--json"])).unwrap();
    assert_eq!(
        reply["url"],
        format!("http://127.0.0.1:{}/stage/seen?a=1", other.function_port("f")).as_str()
    );
    let there = recorded(&other, "/stage/seen");
    assert_eq!((&there["target"], &there["requestBody"]["text"]), (&"/stage/seen?a=1".into(), &"tea".into()));
    assert_eq!(there["host"], format!("127.0.0.1:{}", other.function_port("f")).as_str());
    for (to, part) in [
        ("ftp://x/", "no address of http or https"),
        ("http://u:p@x/", "no address"),
        ("nowhere", "no address"),
        ("http://127.0.0.1:1/", "got no reply"),
    ] {
        let ended = try_run(&local, &["replay", &id, "--to", to]);
        assert!(ended.code == Some(1) && ended.err.contains(part), "{to}: {}", ended.err);
    }
}

#[test]
fn a_signed_request_is_signed_anew() {
    let local = Local::scripted(
        f().trigger(&json!({"authType": "function", "methods": ["GET", "POST"]})).timeout(60),
    );
    let own = key(&local.folder, &[]);
    // As old as a signature may be.
    let wire = Wire::new("POST", "/length?a=1").with("x-acs-date", &iso8601(0)).body(b"tea");
    let wire = wire.acs3(&own, &["host", "x-acs-date"]);
    exchange(local.function_port("f"), &wire.bytes()).assert_status(200);
    let call = recorded(&local, "/length");
    assert!(!call.to_string().contains("Signature="), "{call}");
    let reply: Value =
        serde_json::from_str(&run(&local, &["replay", call["requestId"].as_str().unwrap(), "--json"]))
            .unwrap();
    assert_eq!((&reply["status"], &reply["body"]["text"]), (&200.into(), &"3".into()), "{reply}");
    assert!(reply["notes"].to_string().contains("signed anew"), "{reply}");
    // An address with a signature too.
    let presigned = Wire::new("GET", "/name?b=2").presigned(&own, &crate::signer::unix(600).to_string());
    exchange(local.function_port("f"), &presigned.bytes()).assert_status(200);
    let call = recorded(&local, "/name");
    assert!(!call["target"].as_str().unwrap().contains(&own.secret), "{call}");
    let reply: Value =
        serde_json::from_str(&run(&local, &["replay", call["requestId"].as_str().unwrap(), "--json"]))
            .unwrap();
    assert_eq!(reply["status"], 200, "{reply}");
    // What the account holds is for those alone who sign.
    let wire = Wire::new("GET", "/2023-03-30/functions").with("x-acs-date", &iso8601(0));
    let wire = wire.with("x-acs-content-sha256", &crate::signer::sha256(b""));
    let wire = wire.acs3(&own, &["host", "x-acs-content-sha256", "x-acs-date"]);
    let answer = exchange(local.main_port(), &wire.bytes());
    answer.assert_status(200);
    let call = recorded(&local, "/2023-03-30/functions");
    let ended = try_run(&local, &["replay", call["requestId"].as_str().unwrap()]);
    assert!(ended.code == Some(1) && ended.err.contains("its caller signs it"), "{}", ended.err);
}

#[test]
fn a_call_over_tls_is_repeated_over_tls() {
    let local = Local::scripted(f().timeout(60));
    let authority = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("ca/ca.pem");
    let url = format!("https://f.localhost:{}/seen?a=1", local.main_port());
    let line = format!("curl --silent --show-error --cacert '{}' --data tea {url}", authority.display());
    let first = shell(&line);
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    let call = recorded(&local, "/seen");
    assert_eq!(
        (&call["tls"], &call["host"]),
        (&true.into(), &format!("f.localhost:{}", local.main_port()).as_str().into())
    );
    let id = call["requestId"].as_str().unwrap();
    let line = run(&local, &["requests", id, "--curl"]);
    let again = shell(line.trim_end());
    assert!(again.status.success(), "{line}\n{}", String::from_utf8_lossy(&again.stderr));
    assert_eq!(of_request(&again.stdout), of_request(&first.stdout), "{line}");
    let reply: Value = serde_json::from_str(&run(&local, &["replay", id, "--json"])).unwrap();
    assert_eq!(reply["status"], 200, "{reply}");
    assert!(reply["url"].as_str().unwrap().starts_with("https://f.localhost:"), "{reply}");
    assert_eq!(of_request(&base64_of(&reply["body"])), of_request(&first.stdout));
}

fn shell(line: &str) -> Output {
    Command::new("sh").args(["-c", line]).env_remove("http_proxy").output().unwrap()
}

/// What the function saw, without what differs from call to call.
fn of_request(seen: &[u8]) -> String {
    let differs =
        ["x-fc-request-id", "x-fc-function-deadline", "x-fc-instance", "x-forwarded", "x-fc-client"];
    let text = String::from_utf8_lossy(seen).into_owned();
    let mut lines: Vec<&str> =
        text.split("\r\n").filter(|line| !differs.iter().any(|name| line.starts_with(name))).collect();
    let from = lines.iter().position(|line| line.is_empty()).unwrap_or(0);
    lines[1..from].sort_unstable();
    lines.join("\n")
}

#[test]
fn a_shell_and_curl_send_the_same_request() {
    let local = Local::scripted(f().timeout(60));
    let hostile = "it's $(touch pwned) `id` \\ \"q\" !! \n% {a,b} * ~ # & | ; < > @\t$HOME";
    let binary: Vec<u8> = (0..=255).cycle().take(40_000).collect();
    let bodies: [&[u8]; 6] =
        [b"", hostile.as_bytes(), &binary, b"@/etc/passwd", b"a=1&b=2", "\u{202e}\u{1b}[2J".as_bytes()];
    let heads = [
        "",
        "x-a: '; touch pwned; '\r\nx-b: a\"b\\c $HOME `id`\r\nx-empty:\r\naccept: */*;q=0.1\r\n",
        "content-type: application/x-own\r\nuser-agent: own/1\r\nx-bytes: caf\u{e9} %s \\n\r\n",
    ];
    let mut number = 0;
    for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
        for head in heads {
            for body in bodies {
                number += 1;
                // A target that a shell and curl would change both.
                let target = format!("/seen?n={number}&x=[1-3]{{a,b}}'$(id)&y=../%2e%2e/");
                let first = local.call(method, &target, head, body);
                first.assert_status(200);
                let id = first.header("x-fc-request-id").unwrap();
                let line = run(&local, &["requests", id, "--curl"]);
                let output = shell(line.trim_end());
                assert!(output.status.success(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
                assert_eq!(of_request(&output.stdout), of_request(&first.body), "{line}");
            }
        }
    }
    assert!(number > 80 && !std::path::Path::new("pwned").exists());
}

#[test]
fn an_archive_has_the_calls_in_their_order() {
    let local = Local::scripted(f().timeout(60));
    local.call(
        "POST",
        "/length?a=b+c&token=x",
        "content-type: application/json\r\ncookie: a=b\r\n",
        br#"{"password":"t0p"}"#,
    );
    local.call("POST", "/length", "", b"\xff\0");
    let file = local.folder.file("calls.har");
    let said = try_run(&local, &["requests", "--har", file.to_str().unwrap()]);
    assert!(said.code == Some(0) && said.err.contains("2 calls"), "{}", said.err);
    let archive: Value = serde_json::from_str(&local.folder.text("calls.har")).unwrap();
    assert_eq!(archive["log"]["version"], "1.2");
    let [one, other] = [0, 1].map(|at| archive["log"]["entries"][at].clone());
    assert_eq!(one["request"]["postData"]["text"], r#"{"password":"******"}"#);
    assert_eq!(
        one["request"]["queryString"],
        json!([{"name": "a", "value": "b c"}, {"name": "token", "value": "******"}])
    );
    assert_eq!(one["request"]["cookies"], json!([{"name": "a", "value": "******"}]));
    assert_eq!(other["request"]["postData"]["_encoding"], "base64");
    assert_eq!(
        (&one["response"]["status"], &one["response"]["content"]["text"]),
        (&200.into(), &"18".into())
    );
    let timings = &one["timings"];
    let sum: f64 =
        ["blocked", "send", "wait", "receive"].iter().map(|name| timings[name].as_f64().unwrap()).sum();
    assert!((sum - one["time"].as_f64().unwrap()).abs() < 0.02, "{one}");
}

#[test]
fn pages_of_other_sites_and_other_names_get_nothing() {
    let local = Local::scripted(Manifest::of([f().timeout(60), Function::new("g").code("code").timeout(60)]));
    local.get("/name");
    let port = local.main_port();
    let id = recorded(&local, "/name")["requestId"].as_str().unwrap().to_owned();
    for path in ["requests".to_owned(), format!("requests/{id}"), "usage".to_owned(), "har".to_owned()] {
        for head in [
            format!("host: evil.example:{port}\r\n"),
            format!("host: localhost:{port}\r\norigin: https://evil.example\r\n"),
            format!("host: localhost:{port}\r\nsec-fetch-site: cross-site\r\n"),
            format!("host: localhost:{port}\r\norigin: null\r\n"),
        ] {
            let asked = format!("GET /_local/v1/{path} HTTP/1.1\r\n{head}connection: close\r\n\r\n");
            let answer = exchange(port, asked.as_bytes());
            assert!(answer.status == 403 || answer.status == 404, "{path} {head}: {answer:?}");
            assert!(!answer.text().contains(&id), "{answer:?}");
        }
    }
    let asked = format!(
        "POST /_local/v1/requests/{id}/replay HTTP/1.1\r\nhost: localhost:{port}\r\norigin: https://evil.example\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    exchange(port, asked.as_bytes()).assert_status(403);
    // What fc-local is asked of its own is no call.
    let page = api(&local, "GET", "/_local/v1/requests?error=false").json();
    assert_eq!(
        page["requests"].as_array().unwrap().iter().filter(|call| call["status"] == 200).count(),
        1,
        "{page}"
    );
}

#[test]
fn use_is_told_for_each_function_with_what_it_would_cost() {
    let local = Local::start(
        manifest_of(Manifest::of([
            Function::new("list").code("code").memory(1024).concurrency(10).timeout(60).prop("cpu", 0.5),
            Function::new("item").code("code").memory(512).timeout(60).prop("cpu", 0.25),
        ])),
        &["--cold"],
    );
    local.wait_for(kind("ready").function("item"));
    let (list, item) = (local.function_port("list"), local.function_port("item"));
    // Two at the same time on one instance: their time counts once.
    let mut both = [Conn::open(list), Conn::open(list)];
    exchange(list, &request("GET", "/name", "", b"")).assert_status(200);
    for conn in &mut both {
        conn.send(&request("GET", "/sleep?ms=400", "", b""));
    }
    for conn in &mut both {
        conn.answer("GET").assert_status(200);
    }
    exchange(item, &request("POST", "/length", "", &[b'x'; 5000])).assert_status(200);
    exchange(item, &request("GET", "/status?code=500", "", b"")).assert_status(500);
    let mut leaves = Conn::open(item);
    leaves.send(&request("GET", "/sleep?ms=30000", "", b""));
    std::thread::park_timeout(Duration::from_millis(200));
    leaves.reset();
    local.wait_for(kind("request").status(499));

    let report: Value = serde_json::from_str(&run(&local, &["usage", "--json"])).unwrap();
    let of = |name: &str| {
        report["functions"].as_array().unwrap().iter().find(|own| own["function"] == name).unwrap().clone()
    };
    let (list, item) = (of("list"), of("item"));
    let number = |value: &Value| value.as_f64().unwrap();
    assert_eq!(
        (&list["invocations"], &list["coldStarts"], &list["errors"]),
        (&3.into(), &1.into(), &0.into()),
        "{list}"
    );
    let (active, calls) = (number(&list["activeSeconds"]), number(&list["callSeconds"]));
    assert!((0.4..0.78).contains(&active) && calls > 0.79, "{list}");
    // 1 GB and half a vCPU for each second.
    assert!((number(&list["activeGbSeconds"]) - active).abs() < 1e-6, "{list}");
    assert!((number(&list["activeVcpuSeconds"]) - active / 2.0).abs() < 1e-6, "{list}");
    assert_eq!(
        (&item["invocations"], &item["errors"], &item["clientLeft"]),
        (&3.into(), &1.into(), &1.into()),
        "{item}"
    );
    assert_eq!(item["bytesIn"], 5000);
    let units = 3.0 * 0.0075 + active / 2.0 + active * 0.15;
    assert!((number(&list["cost"]["units"]) - units).abs() < 1e-6, "{list}");
    assert!(
        (number(&report["total"]["cost"]["compute"]) - number(&report["total"]["cost"]["units"]) * 0.00002)
            .abs()
            < 1e-12
    );
    assert_eq!(report["prices"]["currency"], "USD");

    let csv = run(&local, &["usage", "--csv"]);
    assert!(csv.lines().count() == 4 && csv.lines().nth(3).unwrap().starts_with("(all),6,"), "{csv}");
    let table = run(&local, &["usage", "--invocations", "2000000"]);
    assert!(table.contains("those of 2000000 invocations in all"), "{table}");
    local.folder.write("own.toml", &run(&local, &["usage", "--show-prices"]).replace("0.000020", "1.0"));
    let own = local.folder.file("own.toml");
    let dear: Value =
        serde_json::from_str(&run(&local, &["usage", "--json", "--prices", own.to_str().unwrap()])).unwrap();
    let total = &dear["total"]["cost"];
    assert!((number(&total["compute"]) - number(&total["units"])).abs() < 1e-9, "{dear}");
    local.folder.write("own.toml", "currency = 1");
    let ended = try_run(&local, &["usage", "--prices", own.to_str().unwrap()]);
    assert!(ended.code == Some(1) && ended.err.contains("own.toml"), "{}", ended.err);
}
