//! Requests through a load balancer: headers, refusals, limits, time, and who made the status.

use serde_json::{Value, json};
use testkit::events::{Event, kind};
use testkit::h1::{Conn, exchange, request};
use testkit::manifest::{Function, Manifest};
use testkit::ws::Client;
use testkit::{Answer, Ask, Folder, Launch, until};

use crate::harness::{Local, f, program, scripted};

/// A group of the function `name`.
pub(crate) fn group(name: &str) -> String {
    format!(
        r#"
resource "alicloud_alb_server_group" "{name}" {{
  server_group_name = "{name}-group"
  server_group_type = "Fc"
  health_check_config {{
    health_check_enabled = false
  }}
  servers {{
    server_type = "Fc"
    server_id   = "acs:fc:cn-hangzhou:123456789012:functions/{name}"
  }}
}}
"#
    )
}

/// A listener of HTTP whose requests go to the group `to`. `more` are further settings.
pub(crate) fn listener(port: u16, to: &str, more: &str) -> String {
    format!(
        r#"
resource "alicloud_alb_listener" "l{port}" {{
  load_balancer_id     = "alb-test"
  listener_protocol    = "HTTP"
  listener_port        = {port}
  listener_description = "http-{port}"
  {more}
  default_actions {{
    type = "ForwardGroup"
    forward_group_config {{
      server_group_tuples {{
        server_group_id = alicloud_alb_server_group.{to}.id
      }}
    }}
  }}
}}
"#
    )
}

/// A rule of the listener of a port for a path. `actions` are Terraform.
pub(crate) fn rule(port: u16, priority: u16, path: &str, actions: &str) -> String {
    format!(
        r#"
resource "alicloud_alb_rule" "r{port}_{priority}" {{
  listener_id = alicloud_alb_listener.l{port}.id
  rule_name   = "rule-{priority}"
  priority    = {priority}
  rule_conditions {{
    type = "Path"
    path_config {{
      values = ["{path}"]
    }}
  }}
  {actions}
}}
"#
    )
}

/// An action of a rule, as Terraform.
pub(crate) fn action(order: u16, name: &str, block: &str) -> String {
    format!("rule_actions {{\n order = {order}\n type = \"{name}\"\n {block}\n }}\n")
}

/// Forwards to a group.
pub(crate) fn forward(order: u16, to: &str) -> String {
    let tuple = format!("server_group_tuples {{\n server_group_id = alicloud_alb_server_group.{to}.id\n }}");
    action(order, "ForwardGroup", &format!("forward_group_config {{\n {tuple}\n }}"))
}

/// Answers by itself.
pub(crate) fn fixed(order: u16, status: u16, content: &str) -> String {
    let config =
        format!("http_code = \"{status}\"\n content_type = \"text/plain\"\n content = \"{content}\"");
    action(order, "FixedResponse", &format!("fixed_response_config {{\n {config}\n }}"))
}

/// A manifest of these functions with the load balancer of the folder `alb`. Every listener gets a free port.
pub(crate) fn manifest(functions: impl IntoIterator<Item = Function>, ports: &[u16]) -> Manifest {
    let ports: serde_json::Map<String, Value> =
        ports.iter().map(|port| (port.to_string(), json!(0))).collect();
    Manifest::of(functions).with("x-local", json!({"alb": {"terraform": "alb", "ports": ports}}))
}

/// Starts the function `f` behind the load balancer of `terraform`.
pub(crate) fn start(folder: Folder, function: Function, terraform: &str, ports: &[u16]) -> Local {
    folder.write("alb/main.tf", terraform);
    folder.write("s.yaml", &manifest([function], ports).to_string());
    Local::start(folder, &[])
}

/// Where the listener of a port answers here.
pub(crate) fn port_of(local: &Local, port: u16) -> u16 {
    let event = local.wait_for(kind("alb").field("what", "listening").field("port", port));
    let address = event["address"].as_str().unwrap();
    address.rsplit_once(':').unwrap().1.parse().unwrap()
}

/// The records of requests to `path`.
pub(crate) fn records(local: &Local, path: &str) -> Vec<Event> {
    local.matching(kind("request").field("path", path))
}

/// The part of the load balancer in the first record of a request to `path` with this status.
pub(crate) fn alb_part(local: &Local, path: &str, status: u16) -> Value {
    local.wait_for(kind("request").field("path", path).status(status).has("alb"))["alb"].clone()
}

fn ask(port: u16, method: &str, target: &str, headers: &str) -> Answer {
    exchange(port, &request(method, target, headers, b""))
}

fn seen(answer: &Answer, name: &str) -> Vec<String> {
    let text = answer.text();
    let lines = text.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(own, _)| *own == name).map(|(_, value)| value.to_owned()).collect()
}

/// One load balancer for the tests of rules, headers and refusals.
fn shop() -> Local {
    let switches = r"x_forwarded_for_config {
    x_forwarded_for_enabled                 = true
    x_forwarded_for_proto_enabled           = true
    x_forwarded_for_slb_port_enabled        = true
    x_forwarded_for_slb_id_enabled          = true
    x_forwarded_for_host_enabled            = true
    x_forwarded_for_client_src_port_enabled = true
  }";
    let removes = r#"x_forwarded_for_config {
    x_forwarded_for_processing_mode = "remove"
  }"#;
    let rewrite = action(1, "Rewrite", "rewrite_config {\n path = \"/seen\"\n query = \"by=rule\"\n }");
    let insert = |order, key: &str, kind: &str, value: &str| {
        let config = format!("key = \"{key}\"\n value = \"{value}\"\n value_type = \"{kind}\"");
        action(order, "InsertHeader", &format!("insert_header_config {{\n {config}\n }}"))
    };
    let redirect = action(
        1,
        "Redirect",
        "redirect_config {\n http_code = \"302\"\n host = \"www.example.com\"\n path = \"/new\"\n }",
    );
    let limit = action(1, "TrafficLimit", "traffic_limit_config {\n qps = 1\n }");
    let cors =
        "cors_config {\n allow_origin = [\"https://a.example\"]\n allow_methods = [\"GET\", \"PUT\"]\n }";
    let terraform = [
        group("f"),
        group("gone").replace("functions/gone", "functions/f/none"),
        listener(80, "f", ""),
        listener(81, "f", switches),
        listener(82, "f", removes),
        rule(80, 10, "/old/*", &(rewrite + &forward(2, "f"))),
        rule(80, 20, "/away", &redirect),
        rule(80, 30, "/fixed", &fixed(1, 403, "not here")),
        rule(
            80,
            40,
            "/inserted",
            &(insert(1, "x-own", "UserDefined", "1")
                + &insert(2, "x-port", "SystemDefined", "SLBPort")
                + &insert(3, "x-agent", "ReferenceHeader", "user-agent")
                + &action(4, "Rewrite", "rewrite_config {\n path = \"/seen\"\n }")
                + &forward(5, "f")),
        ),
        rule(80, 50, "/limited", &(limit + &fixed(2, 200, "ok"))),
        rule(80, 60, "/cors", &(action(1, "Cors", cors) + &forward(2, "f"))),
        rule(80, 70, "/gone", &forward(1, "gone")),
    ]
    .concat();
    start(scripted(), f(), &terraform, &[80, 81, 82])
}

#[test]
fn a_function_behind_a_listener_sees_what_the_listener_says() {
    let local = shop();
    let port = port_of(&local, 80);
    let answer = ask(port, "GET", "/seen?a=b", "x-forwarded-for: 1.2.3.4\r\nx-forwarded-proto: gopher\r\n");
    answer.assert_status(200);
    assert!(answer.text().starts_with("GET /seen?a=b HTTP/1.1"), "{}", answer.text());
    assert_eq!(seen(&answer, "x-forwarded-for"), ["1.2.3.4, 127.0.0.1"]);
    assert_eq!(seen(&answer, "x-forwarded-proto"), ["gopher"], "the switch is off: the client's own passes");
    for absent in ["x-forwarded-port", "x-forwarded-host", "slb-id", "x-forwarded-client-srcport"] {
        assert_eq!(seen(&answer, absent), Vec::<String>::new(), "{absent}");
    }
    let mark = seen(&answer, "alicloud-alb-trace");
    assert_eq!(mark.len(), 1);
    assert_eq!(mark[0].len(), 16, "{mark:?}");
    assert_eq!(answer.header("content-disposition"), None, "a load balancer makes no downloads");
    let told = alb_part(&local, "/seen", 200);
    let expected = json!({
        "listener": "http-80", "rule": null, "group": "f-group", "upstreamStatus": 200, "statusBy": "function",
        "probe": false,
    });
    assert_eq!(told, expected);
    assert_eq!(records(&local, "/seen")[0]["via"], "alb");

    // A request that comes again is a loop.
    ask(port, "GET", "/seen", &format!("alicloud-alb-trace: {}\r\n", mark[0])).assert_status(463);
    assert_eq!(alb_part(&local, "/seen", 463)["statusBy"], "alb");

    let mut conn = Conn::open(port_of(&local, 81));
    let own = conn.own_port();
    conn.send(&request("GET", "/seen", "x-forwarded-port: 1\r\nslb-id: mine\r\n", b""));
    let answer = conn.answer("GET");
    for (name, value) in [
        ("x-forwarded-proto", "http"),
        ("x-forwarded-port", "81"),
        ("slb-id", "alb-test"),
        ("x-forwarded-client-srcport", &own.to_string()),
    ] {
        assert_eq!(seen(&answer, name), [value], "{name}");
    }
    assert_eq!(seen(&answer, "x-forwarded-host"), seen(&answer, "host"));
    let answer = ask(port_of(&local, 82), "GET", "/seen", "x-forwarded-for: 1.2.3.4\r\n");
    assert_eq!(seen(&answer, "x-forwarded-for"), Vec::<String>::new());

    // Hop-by-hop headers, and those of the platform, stay behind.
    let sent = "connection: x-private\r\nx-private: 1\r\nx-fc-account-id: mine\r\n";
    let answer = ask(port, "GET", "/seen", sent);
    assert_eq!(seen(&answer, "x-private"), Vec::<String>::new());
    assert_ne!(seen(&answer, "x-fc-account-id"), ["mine"]);
}

#[test]
fn rules_do_as_they_say() {
    let local = shop();
    let port = port_of(&local, 80);
    let answer = ask(port, "GET", "/old/a?b=c", "");
    assert!(answer.text().starts_with("GET /seen?by=rule HTTP/1.1"), "{}", answer.text());
    assert_eq!(alb_part(&local, "/old/a", 200)["rule"], "rule-10");
    let answer = ask(port, "GET", "/away", "");
    answer.assert_status(302).assert_header("location", &format!("http://www.example.com:{port}/new"));
    let answer = ask(port, "POST", "/fixed", "");
    answer.assert_status(403).assert_text("not here").assert_header("content-type", "text/plain");
    let told = alb_part(&local, "/fixed", 403);
    assert_eq!(
        (&told["statusBy"], &told["upstreamStatus"], &told["group"]),
        (&json!("alb"), &Value::Null, &Value::Null)
    );
    let answer = ask(port, "GET", "/inserted", "user-agent: me\r\nx-own: 2\r\n");
    for (name, value) in [("x-own", "1"), ("x-port", "80"), ("x-agent", "me")] {
        assert_eq!(seen(&answer, name), [value], "{name}");
    }
    let limited: Vec<Answer> = (0..30).map(|_| ask(port, "GET", "/limited", "")).collect();
    let refused: Vec<&Answer> = limited.iter().filter(|answer| answer.status == 503).collect();
    assert!(!refused.is_empty());
    assert!(refused.iter().all(|answer| answer.header("alb-qps-limited") == Some("Limited")));
    let preflight = "origin: https://a.example\r\naccess-control-request-method: PUT\r\n";
    let answer = ask(port, "OPTIONS", "/cors", preflight);
    answer.assert_status(204).assert_header("access-control-allow-methods", "GET,PUT");
    assert_eq!(alb_part(&local, "/cors", 204)["statusBy"], "alb");
    let refused = preflight.replace("PUT", "DELETE");
    ask(port, "OPTIONS", "/cors", &refused).assert_no_header("access-control-allow-origin");
    let answer = ask(port, "GET", "/cors", "origin: https://a.example\r\n");
    answer.assert_header("access-control-allow-origin", "https://a.example");

    // What Function Compute refuses passes as it is.
    ask(port, "GET", "/gone", "").assert_status(404);
    let told = alb_part(&local, "/gone", 404);
    assert_eq!((&told["statusBy"], &told["upstreamStatus"]), (&json!("function_compute"), &json!(404)));
    ask(port, "GET", "/status?code=418", "").assert_status(418);
    assert_eq!(alb_part(&local, "/status", 418)["statusBy"], "function");
}

#[test]
fn what_no_backend_sees() {
    let local = shop();
    let port = port_of(&local, 80);
    for (status, request) in [
        (405, request("TRACE", "/refused-1", "", b"")),
        (414, request("GET", &format!("/{}", "a".repeat(33_000)), "", b"")),
        (400, request("GET", "/refused-2", &format!("x-a: {}\r\n", "a".repeat(33_000)), b"")),
        (400, b"GET /refused-3 HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n".to_vec()),
        (400, b"GET /refused-4 HTTP/1.1\r\n\r\n".to_vec()),
        (400, b"GET /refused-5 HTTP/1.1\r\nhost: a\r\nx y: z\r\n\r\n".to_vec()),
        (400, b"\x16\x03\x01\x00\x05hello\r\n\r\n".to_vec()),
        (413, b"POST /refused-6 HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999999\r\n\r\n".to_vec()),
    ] {
        let mut conn = Conn::open(port);
        conn.send(&request);
        let answer = conn.try_answer("GET").unwrap_or_else(|| panic!("no answer to {request:.60?}"));
        answer.assert_status(status).assert_header("content-type", "text/html");
    }
    // HTTP/2 is for HTTPS.
    let mut conn = Conn::open(port);
    conn.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert!(conn.try_answer("GET").is_none_or(|answer| answer.status == 400));
    assert_eq!(local.matching(kind("request").has("via")).len(), 0, "no call was made");
    local.wait_for_nth(8, kind("request").has("alb"));
    for record in local.matching(kind("request").has("alb")) {
        assert_eq!(record["alb"]["statusBy"], "alb", "{record:?}");
    }
    // Limits of Function Compute that are tighter: its refusals pass.
    ask(port, "GET", &format!("/{}", "a".repeat(5000)), "").assert_status(400);
    ask(port, "GET", "/x", &format!("x-a: {}\r\n", "a".repeat(9000))).assert_status(400);
    assert_eq!(alb_part(&local, "/x", 400)["statusBy"], "function_compute");
}

#[test]
fn replies_are_compressed_for_clients_that_take_it() {
    let terraform = [group("f"), listener(80, "f", ""), listener(81, "f", "gzip_enabled = false")].concat();
    let local = start(scripted(), f(), &terraform, &[80, 81]);
    let (on, off) = (port_of(&local, 80), port_of(&local, 81));
    let coding = |port, target, accepted: &str| {
        let answer = ask(port, "GET", target, &format!("accept-encoding: {accepted}\r\n"));
        answer.assert_status(200);
        (answer.header("content-encoding").map(str::to_owned), answer.body.len())
    };
    assert_eq!(coding(on, "/bytes?n=5000", "br").0.as_deref(), Some("br"));
    assert!(coding(on, "/bytes?n=5000", "br").1 < 100);
    assert_eq!(coding(on, "/bytes?n=1024", "br"), (None, 1024));
    assert_eq!(coding(on, "/bytes?n=5000", "gzip"), (None, 5000), "the type is none of the texts");
    assert_eq!(coding(off, "/bytes?n=5000", "br"), (None, 5000));
    assert_eq!(coding(on, "/chunks?n=2", "br").0, None, "a stream");
}

#[test]
fn a_backend_has_so_long_and_a_client_too() {
    let short = "idle_timeout = 1\n request_timeout = 1";
    let terraform = [group("f"), listener(80, "f", short), listener(81, "f", "idle_timeout = 1")].concat();
    let local = start(scripted(), f().timeout(60), &terraform, &[80, 81]);
    let port = port_of(&local, 80);
    ask(port, "GET", "/sleep?ms=20000", "").assert_status(504).assert_header("content-type", "text/html");
    let told = alb_part(&local, "/sleep", 504);
    assert_eq!((&told["statusBy"], &told["upstreamStatus"]), (&json!("alb"), &Value::Null));
    // The function is told as of a client that left.
    local.wait_for(kind("call_cancelled"));

    let mut conn = Conn::open(port);
    conn.send(b"POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nab");
    conn.answer("POST").assert_status(408);
    let mut conn = Conn::open(port);
    conn.send(b"GET /half HTTP/1.1\r\nho");
    conn.answer("GET").assert_status(408);
    // A connection without a request is closed, and so is a WebSocket or a stream on which nothing passes.
    let mut conn = Conn::open(port_of(&local, 81));
    conn.send(&request("GET", "/seen", "", b""));
    conn.answer("GET").assert_status(200);
    assert!(conn.rest().is_empty());
    let mut socket = Client::open(port_of(&local, 81), "/ws");
    socket.text("hello");
    socket.assert_text("hello");
    socket.assert_closed(1001);
    let begun = "/chunks?n=2&ms=20000";
    let mut conn = Conn::open(port_of(&local, 81));
    conn.send(&request("GET", begun, "", b""));
    until("the stream was cut", || conn.try_answer("GET").is_none().then_some(()));
}

#[test]
fn a_connection_takes_a_hundred_requests() {
    let terraform = [group("f"), listener(80, "f", "")].concat();
    let local = start(scripted(), f(), &terraform, &[80]);
    let mut conn = Conn::open(port_of(&local, 80));
    for number in 1..=100 {
        conn.send(&request("GET", "/name", "", b""));
        let answer = conn.answer("GET");
        let closes = answer.header("connection") == Some("close");
        assert_eq!(closes, number == 100, "{number}");
    }
    assert!(conn.rest().is_empty());
}

#[test]
fn websockets_and_streams_pass() {
    let terraform = [group("f"), listener(80, "f", "")].concat();
    let local = start(scripted(), f(), &terraform, &[80]);
    let port = port_of(&local, 80);
    let mut socket = Client::open(port, "/ws");
    socket.text("hello");
    socket.assert_text("hello");
    socket.close(1000);
    local.wait_for(kind("request").field("path", "/ws").status(101).has("alb"));
    let mut conn = Conn::open(port);
    conn.send(&request("GET", "/sse?n=3&ms=1", "", b""));
    conn.answer("GET").assert_status(200);
    // gRPC goes on as HTTP/1.1: a group of a function speaks nothing else.
    let asked = Ask::post("/length", b"12345".to_vec()).header("content-type", "application/grpc-web+proto");
    Conn::open(port).ask(&asked).assert_status(200).assert_text("5");
}

#[test]
fn a_client_that_leaves_is_one_in_both_logs() {
    const LEAVERS: usize = 20;
    let terraform = [group("f"), listener(80, "f", "")].concat();
    let local = start(scripted(), f().timeout(60).concurrency(50), &terraform, &[80]);
    let port = port_of(&local, 80);
    let conns: Vec<Conn> = (0..LEAVERS)
        .map(|_| {
            let mut conn = Conn::open(port);
            conn.send(&request("GET", "/sleep?ms=30000", "", b""));
            conn
        })
        .collect();
    // All of them are with the function before they leave.
    until("the function has them", || {
        let count: usize = ask(port, "GET", "/count", "").text().parse().unwrap();
        (count >= LEAVERS).then_some(())
    });
    drop(conns);
    local.wait_for_nth(LEAVERS, kind("request").field("path", "/sleep").status(499));
    local.wait_for_nth(LEAVERS, kind("call_cancelled"));
    for record in records(&local, "/sleep") {
        let told = &record["alb"];
        assert_eq!((&told["statusBy"], &told["upstreamStatus"]), (&json!("alb"), &Value::Null));
        assert!(record["instance"].is_string());
    }
}

/// What the local API says of the load balancer.
fn state(local: &Local) -> Value {
    exchange(local.main_port(), &request("GET", "/_local/v1/alb", "", b"")).json()
}

#[test]
fn health_checks_are_invocations_and_change_the_standing() {
    let check = "health_check_enabled = true\n health_check_interval = 1\n health_check_path = \"/healthz\"\n \
                 healthy_threshold = 2\n unhealthy_threshold = 2";
    let group = group("f").replace("health_check_enabled = false", check);
    let local = start(scripted(), f(), &(group + &listener(80, "f", "")), &[80]);
    let port = port_of(&local, 80);
    let healthy = || kind("alb").field("what", "healthy").field("target", "f");
    local.wait_for(healthy());
    let target = &state(&local)["groups"][0]["targets"][0];
    assert_eq!((&target["target"], &target["health"]), (&json!("f"), &json!("healthy")));
    let probe = local.wait_for(kind("request").field("path", "/healthz").status(200));
    assert_eq!((&probe["method"], &probe["via"]), (&json!("HEAD"), &json!("alb")));
    assert_eq!((&probe["alb"]["probe"], &probe["alb"]["group"]), (&json!(true), &json!("f-group")));
    ask(port, "GET", "/set-health?ok=0", "").assert_status(200);
    let event = local.wait_for(kind("alb").field("what", "unhealthy"));
    assert_eq!(event["error"], "status 500");
    // Whoever is all there is gets the requests all the same.
    ask(port, "GET", "/name", "").assert_status(200);
    assert_eq!(state(&local)["groups"][0]["targets"][0]["health"], "unhealthy");
    // The command line asks the running `dev`.
    let tells = |arguments: &[&str]| {
        let launch = Launch::new(program()).args(["--template".into(), local.folder.file("s.yaml")]);
        let ended = launch.args(arguments.iter().copied()).run();
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{}", ended.out);
        ended.out
    };
    let text = tells(&["alb", "explain", "GET", "http://localhost/"]);
    assert!(text.contains("f is unhealthy after ") && text.contains("the last one: status 500"), "{text}");
    let told: Value =
        serde_json::from_str(&tells(&["alb", "explain", "--json", "GET", "http://localhost/"])).unwrap();
    assert_eq!(told["action"]["groups"][0]["targets"][0]["health"], "unhealthy", "{told}");
    assert_eq!(told["listener"]["localPort"], port);
    let text = tells(&["list"]);
    assert!(text.contains(&format!("HTTP 80, here {port}")) && text.contains("f is unhealthy"), "{text}");
    let told: Value = serde_json::from_str(&tells(&["list", "--json"])).unwrap();
    assert_eq!(told[0]["serverGroups"][0]["targets"][0]["health"], "unhealthy", "{told}");
    ask(port, "GET", "/set-health?ok=1", "").assert_status(200);
    local.wait_for_nth(2, healthy());
    assert_eq!(state(&local)["listeners"][0]["name"], "http-80");
}

#[test]
fn a_listener_follows_the_manifest_and_loses_nothing() {
    let with = |content: &str, more: &str| {
        [group("f"), listener(80, "f", ""), rule(80, 10, "/fixed", &fixed(1, 200, content)), more.to_owned()]
            .concat()
    };
    let local = start(scripted(), f(), &with("one", &listener(81, "f", "")), &[80, 81]);
    let (port, other) = (port_of(&local, 80), port_of(&local, 81));
    let mut conn = Conn::open(port);
    let fixed = |conn: &mut Conn| {
        conn.send(&request("GET", "/fixed", "", b""));
        conn.answer("GET").text()
    };
    assert_eq!(fixed(&mut conn), "one");
    // On the same connection, which outlives the change.
    local.folder.write("alb/main.tf", &with("two", ""));
    until("the rule has changed", || (fixed(&mut Conn::open(port)) == "two").then_some(()));
    assert_eq!(fixed(&mut conn), "two");
    local.wait_for(kind("alb").field("what", "closed").field("listener", "http-81"));
    until("the port is closed", || Conn::try_open(other).is_none().then_some(()));
}
