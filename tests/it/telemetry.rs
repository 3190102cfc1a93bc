//! Log levels by target, spans in log lines, subscribers of the author's, backtraces and traces.

use serde_json::{Value, json};
use testkit::Ask;

use crate::support::Server;
use crate::support::server::Launch;

const TRACE: &str = "80f198ee56343ba864fe8b2a57d3eff7";
const SPAN: &str = "e457b5a2e4d86bd1";

fn launch() -> Launch {
    Launch::app("telemetry").var("FC_INSTANCE_ID", "c-1")
}

/// The lines of a life in which these paths were asked for.
#[track_caller]
fn lines_of(server: &mut Server, paths: &[&str]) -> Vec<Value> {
    for path in paths {
        server.ask(&Ask::get(*path));
    }
    server.stop()
}

fn messages(lines: &[Value], target: &str) -> Vec<String> {
    let of = lines.iter().filter(|line| line["target"].as_str().is_some_and(|own| own.starts_with(target)));
    of.map(|line| line["message"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn levels_are_chosen_by_target() {
    let list = "warn,shop::orders=debug,sqlx=off";
    for (name, setting, shop, sqlx) in [
        ("FC_LOG", "info", vec!["an order"], vec!["a query", "a slow query"]),
        ("RUST_LOG", list, vec!["an order in detail"], vec![]),
        ("FC_LOG", "off,shop=trace", vec!["an order in detail", "an order"], vec![]),
        ("RUST_LOG", "info,sqlx=warn", vec!["an order"], vec!["a slow query"]),
    ] {
        let lines = lines_of(&mut launch().var(name, setting).start(), &["/said"]);
        assert_eq!(messages(&lines, "shop"), shop, "{setting}");
        assert_eq!(messages(&lines, "sqlx"), sqlx, "{setting}");
        let wrong = messages(&lines, "fc_runtime").iter().any(|line| line.starts_with(name));
        assert!(!wrong, "{lines:?}");
    }
}

#[test]
fn a_setting_that_is_not_understood_is_said_at_the_start() {
    let lines =
        launch().var("FC_LOG", "wran,shop=loud,shop[order]=info").var("FC_LOG_FORMAT", "xml").start().stop();
    let said = messages(&lines, "fc_runtime");
    assert_eq!(
        said[0],
        "FC_LOG: \"wran\" is no level and is read as wran=trace; \"shop=loud\" is left out: \"loud\" is no level; \
         \"shop[order]=info\" is left out: only levels and target=level are known"
    );
    assert_eq!(said[1], "FC_LOG_FORMAT is \"xml\": it has to be json or text");
}

#[test]
fn lines_have_the_fields_of_their_spans() {
    let lines = lines_of(&mut launch().start(), &["/orders/7", "/orders/8"]);
    let found = |message: &str, at: usize| {
        lines
            .iter()
            .filter(|line| line["message"] == message)
            .nth(at)
            .unwrap_or_else(|| panic!("{lines:?}"))
            .clone()
    };
    let begun = found("begun", 0);
    assert_eq!(begun["spans"], json!([{"name": "order", "id": 7}]));
    assert_eq!((&begun["weight"], &begun["paid"]), (&json!(1.5), &json!(true)));
    let inner = json!([{"name": "order", "id": 8}, {"name": "pay", "method": "card"}, {"name": "pay", "item": "tea"}]);
    assert_eq!(found("paid", 1)["spans"], inner);
    assert_eq!(
        found("ended", 1)["spans"],
        json!([{"name": "order", "id": 8}, {"name": "late", "outcome": "sent"}])
    );
    assert_eq!(found("outside", 1)["spans"], Value::Null);
    assert!(found("outside", 1)["request_id"].is_string());
}

#[test]
fn text_is_for_people() {
    let mut server = launch().var("FC_LOG_FORMAT", "text").start();
    server.ask(&Ask::get("/orders/7").header("x-fc-request-id", "1-text"));
    server.ask(&Ask::get("/%1b[31m").header("x-fc-request-id", "1-steering"));
    server.signal("TERM");
    let (_, lines) = server.ended();
    let line = |part: &str| {
        lines.iter().find(|line| line.contains(part)).unwrap_or_else(|| panic!("{part}: {lines:?}"))
    };
    assert!(line("begun").ends_with("begun weight=1.5 paid=true in order{id=7} 1-text"), "{}", line("begun"));
    assert!(
        line("paid ").contains("paid in order{id=7}:pay{method=card}:pay{item=tea} 1-text"),
        "{}",
        line("paid ")
    );
    assert!(
        line("GET /orders/7").contains(" INFO  GET /orders/7 200, 4 bytes in "),
        "{}",
        line("GET /orders/7")
    );
    assert!(line("404").contains("GET /%1b[31m 404"), "{lines:?}");
}

/// The author's subscriber sees requests as spans and events, and no line is printed beside it.
#[test]
fn a_subscriber_of_the_authors_gets_requests() {
    let mut server = launch().var("IT_SUBSCRIBER", "json").start();
    let ask =
        Ask::get("/orders/7?token=hush").header("x-fc-request-id", "1-own").header("user-agent", "probe/1");
    server.ask(&ask).assert_status(200);
    server.ask(&Ask::get("/nothing").header("x-fc-request-id", "1-none")).assert_status(404);
    server.ask(&Ask::post("/invoke", "x").header("x-fc-control-path", "/invoke")).assert_status(200);
    let lines = server.stop();
    assert!(lines.iter().all(|line| line["timestamp"].is_string()), "only theirs: {lines:?}");
    assert!(!format!("{lines:?}").contains("hush"));
    let records: Vec<_> = lines.iter().filter(|line| line["target"] == "fc_runtime::request").collect();
    assert_eq!(records.len(), 3, "{lines:?}");
    let (fields, span) = (&records[0]["fields"], &records[0]["span"]);
    assert_eq!((&fields["message"], &fields["status"]), (&json!("GET /orders/7"), &json!(200)));
    for (name, value) in [
        ("name", json!("request")),
        ("otel.name", json!("GET /orders/{id}")),
        ("otel.kind", json!("server")),
        ("http.request.method", json!("GET")),
        ("url.path", json!("/orders/7")),
        ("http.route", json!("/orders/{id}")),
        ("client.address", json!("127.0.0.1")),
        ("network.protocol.version", json!("1.1")),
        ("user_agent.original", json!("probe/1")),
        ("faas.invocation_id", json!("1-own")),
        ("faas.trigger", json!("http")),
        ("faas.coldstart", json!(true)),
    ] {
        assert_eq!(span[name], value, "{name} in {span}");
    }
    assert_eq!(
        (&records[1]["span"]["http.route"], &records[1]["fields"]["status"]),
        (&Value::Null, &json!(404))
    );
    assert_eq!(records[1]["span"]["faas.coldstart"], false);
    assert_eq!(records[2]["span"]["faas.trigger"], "other");
    // What the author says is inside the request's span.
    let paid = lines.iter().find(|line| line["fields"]["message"] == "paid").unwrap();
    assert_eq!(paid["spans"][0]["faas.invocation_id"], "1-own", "{paid}");
}

/// A request that came as an event is a span within the event's, not one beside it.
#[test]
fn a_request_in_an_event_has_its_span_within_the_events() {
    let mut server = launch().var("IT_SUBSCRIBER", "json").start();
    let event = r#"{"path": "/orders/7", "httpMethod": "GET", "headers": {}, "queryParameters": {}, "body": "", "isBase64Encoded": false}"#;
    server.ask(&Ask::post("/invoke", event).header("x-fc-control-path", "/invoke")).assert_status(200);
    let lines = server.stop();
    let paid = lines.iter().find(|line| line["fields"]["message"] == "paid").unwrap();
    let names: Vec<_> = (0..4).map(|at| paid["spans"][at]["name"].as_str().unwrap_or_default()).collect();
    assert_eq!(names, ["request", "request", "order", "pay"], "{paid}");
    assert_eq!(
        (&paid["spans"][0]["faas.trigger"], &paid["spans"][1]["otel.name"]),
        (&json!("other"), &json!("GET /orders/{id}"))
    );
}

#[test]
fn backtraces_show_the_authors_frames() {
    let traced =
        |paths: &[&str], full: &str| lines_of(&mut launch().var("RUST_BACKTRACE", full).start(), paths);
    let text = |lines: &[Value], part: &str| {
        let line = lines.iter().find(|line| line["message"].as_str().unwrap().contains(part));
        line.unwrap_or_else(|| panic!("{lines:?}"))["message"].as_str().unwrap().to_owned()
    };
    let lines = traced(&["/panic", "/fails"], "1");
    let panic = text(&lines, "asked to");
    assert!(panic.matches("telemetry::deep_inside").count() >= 4, "{panic}");
    assert!(panic.contains("frames of libraries left out"), "{panic}");
    for library in ["tokio::runtime", "std::panicking", "fc_runtime::stage", "hyper::proto"] {
        assert!(!panic.contains(library), "{library} in {panic}");
    }
    let error = text(&lines, "cannot write");
    assert!(error.contains("apps::telemetry::app") && error.contains("left out"), "{error}");
    assert!(!error.contains("tokio::runtime") && error.contains("caused by: no disk"), "{error}");
    let full = text(&traced(&["/panic"], "full"), "asked to");
    assert!(full.contains("fc_runtime") && !full.contains("left out"), "{full}");
    assert!(!text(&traced(&["/fails"], "0"), "cannot write").contains("left out"));
}

#[test]
fn a_trace_is_in_the_lines_and_is_handed_on() {
    let mut server = launch().start();
    let parent = format!("00-{TRACE}-{SPAN}-01");
    let ask = Ask::get("/onwards").header("traceparent", &parent).header("tracestate", "a=1");
    let answer = server.ask(&ask.header("x-fc-request-id", "1-traced"));
    assert_eq!(answer.text(), format!("traceparent: {parent}\ntracestate: a=1"));
    let answer = server.ask(&Ask::get("/onwards").header("b3", &format!("{TRACE}-{SPAN}-0")));
    assert_eq!(answer.text(), format!("traceparent: 00-{TRACE}-{SPAN}-00\nb3: {TRACE}-{SPAN}-0"));
    let event =
        Ask::post("/invoke", "x").header("x-fc-control-path", "/invoke").header("traceparent", &parent);
    assert_eq!(server.ask(&event).text(), TRACE);
    // A trace that begins here is in the record as soon as somebody has asked for it.
    let begun = server.ask(&Ask::get("/onwards").header("x-fc-request-id", "1-begun")).text();
    server.ask(&Ask::get("/orders/7").header("traceparent", &parent).header("x-fc-request-id", "1-lines"));
    server.ask(&Ask::get("/said").header("x-fc-request-id", "1-none"));
    let lines = server.stop();
    let of = |id: &str| lines.iter().filter(|line| line["request_id"] == id).collect::<Vec<_>>();
    assert_eq!(
        (&of("1-traced")[0]["trace_id"], &of("1-traced")[0]["span_id"]),
        (&json!(TRACE), &json!(SPAN))
    );
    assert_eq!(of("1-begun")[0]["trace_id"], begun["traceparent: 00-".len()..][..32]);
    assert!(
        of("1-lines").len() > 3 && of("1-lines").iter().all(|line| line["trace_id"] == TRACE),
        "{lines:?}"
    );
    assert!(of("1-none").iter().all(|line| line["trace_id"].is_null()), "{lines:?}");
}
