//! Session affinity: which instance the calls of a session come to.

use std::sync::{Arc, Mutex};

use fc_local::Kind;
use hyper::header::HeaderValue;
use serde_json::{Value, json};
use testkit::h1::{Conn, exchange, request};
use testkit::manifest::Function;
use testkit::{Answer, eventually};

use crate::function::{Asked, Served, chunks, text};
use crate::harness::{Ring, f};

fn affinity(kind: &str, config: &Value) -> Function {
    f().prop("sessionAffinity", kind).prop("sessionAffinityConfig", config.clone())
}

fn one_each() -> Function {
    affinity(
        "HEADER_FIELD",
        &json!({"affinityHeaderFieldName": "my-session", "sessionConcurrencyPerInstance": 1}),
    )
}

/// Replies with the number of the program.
fn numbered(function: Function) -> Ring {
    Ring::serving(function, |asked: Asked| async move { text(asked.program.pid().to_string()) })
}

#[track_caller]
fn ask(ring: &Ring, method: &str, target: &str, headers: &str) -> Answer {
    let reply = exchange(ring.port(), &request(method, target, headers, b""));
    assert_eq!(reply.status, 200, "{reply:?}");
    reply
}

#[test]
fn the_platform_names_a_session_in_the_header_and_its_calls_come_to_one_instance() {
    let ring = numbered(one_each());
    let first = ask(&ring, "GET", "/", "");
    let id = first.header("my-session").expect("the platform makes one").to_owned();
    let again = ask(&ring, "GET", "/", &format!("my-session: {id}\r\n"));
    assert_eq!((again.text(), again.header("my-session")), (first.text(), None));
    let own = ask(&ring, "GET", "/", "my-session: my-own_1\r\n");
    assert_ne!(own.text(), first.text(), "an instance takes one session");
    assert_eq!(ask(&ring, "GET", "/", "my-session: my-own_1\r\n").text(), own.text());
    let wrong = exchange(ring.port(), &request("GET", "/", "my-session: -a\r\n", b""));
    wrong.assert_platform_error(400, "FcCommonError", "InvalidArgument", "'my-session'");
    assert_eq!(ring.instances().len(), 2);
}

#[test]
fn an_event_has_a_session_too() {
    let ring = numbered(one_each());
    let path = "/2023-03-30/functions/f/invocations";
    let invoke = |headers: &str| exchange(ring.main_port(), &request("POST", path, headers, b"x"));
    let one = invoke("my-session: one\r\n").text();
    assert_ne!(invoke("my-session: two\r\n").text(), one);
    assert_eq!(ask(&ring, "GET", "/", "my-session: one\r\n").text(), one);
    assert!(invoke("").header("my-session").is_some());
}

#[test]
fn a_cookie_keeps_a_client_at_one_instance() {
    let config = json!({"sessionConcurrencyPerInstance": 1, "sessionTTLInSeconds": 60});
    let ring = numbered(affinity("GENERATED_COOKIE", &config));
    let first = ask(&ring, "GET", "/", "");
    let cookie = first.header("set-cookie").unwrap().to_owned();
    let (pair, rest) = cookie.split_once(';').unwrap();
    assert!(pair.starts_with("x-fc-cookie-session-id=") && rest == " Max-Age=60", "{cookie}");
    let again = ask(&ring, "GET", "/", &format!("cookie: a=1; {pair}\r\n"));
    assert_eq!((again.text(), again.header("set-cookie")), (first.text(), None));
    assert_ne!(ask(&ring, "GET", "/", "").text(), first.text());
}

/// Names a session after its program, as a server of MCP does.
async fn mcp(asked: Asked) -> Served {
    let own = format!("s-{}", asked.program.pid());
    let is_new = !asked.request.headers().contains_key("mcp-session-id");
    let mut reply = text(asked.program.pid().to_string())?;
    if is_new {
        reply.headers_mut().insert("mcp-session-id", HeaderValue::from_str(&own).unwrap());
    }
    Ok(reply)
}

#[test]
fn a_server_of_mcp_names_its_sessions_by_itself() {
    let config = json!({"sessionConcurrencyPerInstance": 1});
    let ring = Ring::serving(affinity("MCP_STREAMABLE", &config), mcp);
    let open = || ask(&ring, "POST", "/mcp", "").header("mcp-session-id").unwrap().to_owned();
    let (one, two) = (open(), open());
    assert_ne!(one, two);
    for id in [&one, &two, &one] {
        let reply = ask(&ring, "POST", "/mcp", &format!("mcp-session-id: {id}\r\n"));
        assert_eq!(format!("s-{}", reply.text()), *id);
    }
    // Its client ends a session, and another one gets its place.
    ask(&ring, "DELETE", "/mcp", &format!("mcp-session-id: {one}\r\n"));
    assert_eq!(open(), one);
    assert_eq!(ring.instances().len(), 2);
}

#[test]
fn a_stream_of_mcp_names_its_session_in_its_first_event() {
    let config = json!({"sessionConcurrencyPerInstance": 1, "sseEndpointPath": "/events"});
    let function = affinity("MCP_SSE", &config).timeout(60);
    // The numbers of the programs, and the open ends of their streams, which last as long as the test.
    let programs = Arc::new(Mutex::new((Vec::new(), Vec::new())));
    let known = Arc::clone(&programs);
    let answer = move |asked: Asked, known: Arc<Mutex<(Vec<u32>, Vec<_>)>>| async move {
        if asked.path() != "/events" {
            return text(asked.program.pid().to_string());
        }
        let (sender, mut stream) = chunks();
        // Of a program's number a test needs one of two texts.
        let mut known = known.lock().unwrap();
        let (programs, ends) = &mut *known;
        if !programs.contains(&asked.program.pid()) {
            programs.push(asked.program.pid());
        }
        let is_first = programs[0] == asked.program.pid();
        let event = if is_first {
            "event: endpoint\ndata: /messages?sessionId=one&end\n\n"
        } else {
            "event: endpoint\ndata: /messages?sessionId=two&end\n\n"
        };
        sender.send(Ok(event)).unwrap();
        if let Ok(reply) = &mut stream {
            reply.headers_mut().insert("content-type", HeaderValue::from_static("text/event-stream"));
        }
        ends.push(sender);
        stream
    };
    let ring = Ring::serving(function, move |asked| answer(asked, Arc::clone(&known)));
    let open = || {
        let mut conn = Conn::open(ring.port());
        conn.send(&request("GET", "/events", "", b""));
        let read = conn.until_text("&end");
        let id = read.rsplit_once("sessionId=").unwrap().1.split('&').next().unwrap().to_owned();
        (conn, id)
    };
    let ((first, one), (second, two)) = (open(), open());
    assert_eq!((&*one, &*two), ("one", "two"));
    for id in [&one, &two, &one] {
        let reply = ask(&ring, "POST", &format!("/messages?sessionId={id}"), "");
        let at = programs.lock().unwrap().0.iter().position(|pid| pid.to_string() == reply.text());
        assert_eq!(at, Some(usize::from(*id == two)));
    }
    // The session ends with its stream, and another one gets its place.
    drop(first);
    eventually("the client's end is seen", || {
        ring.count(|kind| matches!(kind, Kind::CallCancelled { .. })) > 0
    });
    let (_third, three) = open();
    assert_eq!(three, one);
    drop(second);
}

#[test]
fn a_session_whose_instance_is_gone_begins_anew() {
    let ring = numbered(one_each());
    let headers = "my-session: one\r\n";
    let first = ask(&ring, "GET", "/", headers).text();
    ring.programs()[0].is_killed();
    ring.first("its end", |kind| matches!(kind, Kind::InstanceEnded(_)));
    let second = ask(&ring, "GET", "/", headers).text();
    assert_ne!(first, second);
    assert_eq!(ask(&ring, "GET", "/", headers).text(), second);
}

#[test]
fn an_ended_session_can_be_refused() {
    let config = json!({"affinityHeaderFieldName": "my-session", "disableSessionIdReuse": true});
    let ring = numbered(affinity("HEADER_FIELD", &config));
    ask(&ring, "GET", "/", "my-session: one\r\n");
    ring.programs()[0].is_killed();
    ring.first("its end", |kind| matches!(kind, Kind::InstanceEnded(_)));
    let refused = exchange(ring.port(), &request("GET", "/", "my-session: one\r\n", b""));
    refused.assert_platform_error(400, "FcCommonError", "InvalidArgument", "disableSessionIdReuse");
    ask(&ring, "GET", "/", "my-session: two\r\n");
}

#[test]
fn isolation_decides_who_shares_an_instance() {
    let isolated = |mode: &str| f().prop("cpu", 2).memory(2048).prop("instanceIsolationMode", mode);
    let sessions = isolated("SESSION_EXCLUSIVE")
        .prop("sessionAffinity", "HEADER_FIELD")
        .prop("sessionAffinityConfig", json!({"affinityHeaderFieldName": "my-session"}).to_string());
    let ring = numbered(sessions);
    let one = ask(&ring, "GET", "/", "my-session: one\r\n").text();
    assert_ne!(ask(&ring, "GET", "/", "my-session: two\r\n").text(), one);
    assert_eq!(ask(&ring, "GET", "/", "my-session: one\r\n").text(), one);

    let gate = crate::gate::Gate::shut();
    let requests = isolated("REQUEST_EXCLUSIVE").concurrency(10);
    let ring = Ring::serving(requests, crate::function::usual(&gate));
    let calls: Vec<_> = (0..2).map(|_| ring.begin("/wait")).collect();
    gate.holds(2);
    assert_eq!(gate.crowds(), [1, 1], "an instance has one request");
    drop(calls);
}

#[test]
fn as_many_instances_are_kept_as_the_settings_say() {
    let kept = f().prop("scalingConfig", json!({"minInstances": 2})).local("idleTimeout", 0.1);
    let ring = numbered(kept);
    ring.warm();
    eventually("both are started", || ring.instances().len() == 2);
    ring.get("/").assert_ok();
    ring.programs()[1].is_killed();
    eventually("another one takes its place", || ring.instances().len() == 3);
    assert_eq!(
        ring.count(|kind| matches!(kind, Kind::InstanceStopped)),
        0,
        "none is stopped for its idleness"
    );
}

#[test]
fn schedules_decide_how_many_instances_are_kept() {
    let policy = |name: &str, expression: &str, target: u32, end: &str| json!({"name": name, "scheduleExpression": expression, "target": target, "endTime": end, "timeZone": "Asia/Shanghai"});
    let scheduled = f().prop(
        "scalingConfig",
        json!({"minInstances": 1, "scheduledPolicies": [
            policy("past", "cron(* * * * * *)", 9, "2020-01-01T00:00:00"),
            policy("each-second", "cron(* * * * * *)", 3, ""),
        ]}),
    );
    let ring = numbered(scheduled);
    ring.warm();
    eventually("three are started", || ring.instances().len() == 3);
    let told = ring.first("the number", |kind| matches!(kind, Kind::InstancesKept { .. }));
    let Kind::InstancesKept { count: 3, schedule: Some(name) } = &told.kind else { panic!("{told:?}") };
    assert_eq!(name, "each-second");

    // The number changes while nothing else happens, and what is missing is started.
    let at = |seconds: u64| {
        let time = std::time::SystemTime::now() + std::time::Duration::from_secs(seconds);
        let since = time.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        json!({"name": "soon", "scheduleExpression": format!("at({})", utc(since)), "target": 2})
    };
    // On a machine that is slow to begin, the time is over before anything is said.
    for wait in [2, 8, 30] {
        let ring = numbered(f().prop("scalingConfig", json!({"scheduledPolicies": [at(wait)]})));
        eventually("two are started", || ring.instances().len() == 2);
        let all = ring.all();
        let counts = all.iter().filter_map(|event| match event.kind {
            Kind::InstancesKept { count, .. } => Some(count),
            _ => None,
        });
        match counts.collect::<Vec<_>>()[..] {
            [0, 2] => return,
            [2] => {}
            ref other => panic!("{other:?}"),
        }
    }
    panic!("the time never came later");
}

/// `2026-01-31T12:00:00Z`, by the tool of the system.
fn utc(seconds: u64) -> String {
    let date =
        std::process::Command::new("date").args(["-u", "-d", &format!("@{seconds}"), "+%FT%TZ"]).output();
    String::from_utf8(date.unwrap().stdout).unwrap().trim().to_owned()
}

#[test]
fn a_disabled_function_keeps_no_instance() {
    let ring = numbered(f().prop("scalingConfig", json!({"minInstances": 2})));
    let api = |operation: &str| {
        let path = format!("/2023-03-30/functions/f/invoke/{operation}");
        exchange(ring.main_port(), &request("POST", &path, "", b"")).assert_ok();
    };
    ring.warm();
    eventually("both are started", || ring.instances().len() == 2);
    api("disable");
    let stopped = |ring: &Ring| ring.count(|kind| matches!(kind, Kind::InstanceStopped));
    eventually("both are stopped", || stopped(&ring) == 2);
    let new = numbered(f());
    for _ in 0..100 {
        ring.get("/").assert_platform_error(403, "FcCommonError", "AccessDenied", "disabled");
        // Another platform gets its calls meanwhile, so time goes on.
        new.get("/").assert_ok();
    }
    assert_eq!(ring.programs().len(), 2, "none takes their place");
    api("enable");
    eventually("as many as before are kept", || ring.programs().len() == 4);
}
