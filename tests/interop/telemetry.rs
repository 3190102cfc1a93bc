//! Spans and metrics, read by the classes of OpenTelemetry and Prometheus.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::support::server::Launch;
use crate::support::{Ask, Server};
use crate::tools::python;

struct Collector {
    child: Child,
    lines: BufReader<ChildStdout>,
    port: String,
}

impl Collector {
    fn open() -> Self {
        let mut command = python();
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/collector.py"));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let (mut lines, mut port) = (BufReader::new(child.stdout.take().unwrap()), String::new());
        lines.read_line(&mut port).unwrap();
        Self { child, lines, port: port.trim().to_owned() }
    }

    /// The next export: its resource's attributes, and its spans.
    fn next(&mut self) -> (Value, Vec<Value>) {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        let export: Value = serde_json::from_str(&line).unwrap();
        let of = &export["resourceSpans"][0];
        let spans = of["scopeSpans"][0]["spans"].as_array().unwrap().clone();
        (attributes(&of["resource"]), spans)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn attributes(of: &Value) -> Value {
    let pairs = of["attributes"].as_array().into_iter().flatten();
    let value = |pair: &Value| pair["value"].as_object().unwrap().values().next().unwrap().clone();
    pairs
        .map(|pair| (pair["key"].as_str().unwrap().to_owned(), value(pair)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Ids as the JSON form of protobuf writes bytes.
fn base64(digits: &str) -> String {
    use base64::Engine as _;
    let bytes: Vec<u8> =
        (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[test]
#[ignore = "needs Python with the packages of requirements.txt"]
fn opentelemetry_reads_the_spans() {
    let mut collector = Collector::open();
    let launch = Launch::app("telemetry").var("IT_OTEL", "1").var("FC_FUNCTION_NAME", "shop");
    let launch = launch
        .var("FC_REGION", "cn-hangzhou")
        .var("OTEL_RESOURCE_ATTRIBUTES", "team=a%3Db,broken,stage=test");
    let server =
        launch.var("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://127.0.0.1:{}", collector.port)).start();
    let (trace, span) = ("80f198ee56343ba864fe8b2a57d3eff7", "e457b5a2e4d86bd1");
    let ask = Ask::get("/orders/7?token=hush").header("traceparent", &format!("00-{trace}-{span}-01"));
    server.ask(&ask.header("tracestate", "a=1").header("user-agent", "probe/1")).assert_status(200);
    let (resource, mut spans) = collector.next();
    while spans.len() < 5 {
        spans.extend(collector.next().1);
    }
    for (name, value) in [
        ("service.name", "shop"),
        ("cloud.provider", "alibaba_cloud"),
        ("cloud.region", "cn-hangzhou"),
        ("faas.name", "shop"),
        ("team", "a=b"),
        ("stage", "test"),
    ] {
        assert_eq!(resource[name], value, "{name} in {resource}");
    }
    assert!(!format!("{spans:?}").contains("hush"));
    let find = |name: &str| {
        spans.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("{name}: {spans:?}"))
    };
    let request = find("GET /orders/{id}");
    assert_eq!(request["kind"], "SPAN_KIND_SERVER");
    assert_eq!(
        (&request["traceId"], &request["parentSpanId"]),
        (&json!(base64(trace)), &json!(base64(span)))
    );
    assert_eq!(request["traceState"], "a=1");
    let of = attributes(request);
    for (name, value) in [
        ("http.request.method", json!("GET")),
        ("url.path", json!("/orders/7")),
        ("http.route", json!("/orders/{id}")),
        ("http.response.status_code", json!("200")),
        ("user_agent.original", json!("probe/1")),
        ("network.peer.address", json!("127.0.0.1")),
        ("faas.trigger", json!("http")),
    ] {
        assert_eq!(of[name], value, "{name} in {of}");
    }
    let order = find("order");
    assert_eq!(order["parentSpanId"], request["spanId"]);
    assert_eq!(attributes(order)["id"], "7");
    let pays: Vec<_> = spans.iter().filter(|span| span["name"] == "pay").collect();
    assert_eq!(pays.len(), 2, "{spans:?}");
    assert!(
        pays.iter().any(|pay| pay["parentSpanId"] == order["spanId"] && attributes(pay)["method"] == "card")
    );
    assert_eq!(attributes(find("late"))["outcome"], "sent");
    let nanos = |span: &Value, name: &str| span[name].as_str().unwrap().parse::<u64>().unwrap();
    for span in &spans {
        assert_eq!(span["traceId"], request["traceId"]);
        assert!(nanos(span, "startTimeUnixNano") <= nanos(span, "endTimeUnixNano"), "{span}");
    }
    server.ask(&Ask::get("/fails")).assert_status(500);
    let (_, failed) = collector.next();
    assert_eq!(failed[0]["status"]["code"], "STATUS_CODE_ERROR", "{failed:?}");
    assert_eq!(attributes(&failed[0])["error.type"], "500");
}

#[test]
#[ignore = "needs Python with the packages of requirements.txt"]
fn prometheus_reads_the_metrics() {
    let server = Server::app("telemetry");
    server.ask(&Ask::get("/orders/7")).assert_status(200);
    let text = server.ask(&Ask::get("/metrics")).text();
    let mut command = python();
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/prometheus_reader.py"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{text}");
    let families: Value = serde_json::from_slice(&done.stdout).unwrap();
    let orders = json!(["counter", "Orders \\ that were\ntaken.", [["shop_orders_total", {"kind": "a \"b\"\\\n"}, 3]]]);
    assert_eq!(families["shop_orders"], orders);
    let seconds = &families["http_server_request_duration_seconds"];
    assert_eq!(seconds[0], "histogram");
    let labels = json!({"http_request_method": "GET", "http_route": "/orders/{id}", "http_response_status_code": "200"});
    let count = json!(["http_server_request_duration_seconds_count", labels, 1]);
    assert!(seconds[2].as_array().unwrap().contains(&count), "{seconds}");
    for name in [
        "fc_clients_left",
        "fc_panics",
        "http_server_active_requests",
        "faas_invoke_duration_seconds",
        "target_info",
    ] {
        assert!(families[name].is_array(), "{name} in {text}");
    }
}
