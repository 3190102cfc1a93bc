//! The tracing headers of a listener that traces: B3, beside the header of loops.

use testkit::h1::{exchange, request};

use crate::alb::{group, listener, port_of, start};
use crate::harness::{f, scripted};

const TRACE: &str = "80f198ee56343ba864fe8b2a57d3eff7";
const SPAN: &str = "e457b5a2e4d86bd1";

fn tracing(sample: u16) -> String {
    format!(
        "access_log_tracing_config {{\n tracing_enabled = true\n tracing_sample = {sample}\n tracing_type = \"Zipkin\"\n }}"
    )
}

/// What the function sees of headers whose names begin with this.
fn seen(port: u16, sent: &str, begin: &str) -> Vec<(String, String)> {
    let text = exchange(port, &request("GET", "/seen", sent, b"")).text();
    let lines = text.lines().filter_map(|line| line.split_once(": "));
    let mut seen: Vec<(String, String)> = lines
        .filter(|(name, _)| name.starts_with(begin))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    seen.sort();
    seen
}

fn value(seen: &[(String, String)], name: &str) -> String {
    seen.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

#[test]
fn a_listener_that_traces_is_a_span_between_client_and_function() {
    let switched_off = tracing(10_000).replace("true", "false");
    let terraform = [
        group("f"),
        listener(80, "f", ""),
        listener(81, "f", &tracing(10_000)),
        listener(82, "f", &tracing(1)),
        listener(83, "f", &switched_off),
    ]
    .concat();
    let local = start(scripted(), f(), &terraform, &[80, 81, 82, 83]);
    let (off, all, few) = (port_of(&local, 80), port_of(&local, 81), port_of(&local, 82));

    // Without tracing the client's own headers pass, and nothing is added.
    for port in [off, port_of(&local, 83)] {
        assert_eq!(seen(port, "", "x-b3-"), []);
        let sent = format!("x-b3-traceid: {TRACE}\r\n");
        assert_eq!(seen(port, &sent, "x-b3-"), [("x-b3-traceid".to_owned(), TRACE.to_owned())]);
    }

    // A trace begins at the listener.
    let told = seen(all, "", "x-b3-");
    let names: Vec<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["x-b3-sampled", "x-b3-spanid", "x-b3-traceid"]);
    assert_eq!((value(&told, "x-b3-traceid").len(), value(&told, "x-b3-spanid").len()), (32, 16));
    assert_eq!(value(&told, "x-b3-sampled"), "1");
    assert_ne!(value(&told, "x-b3-traceid"), value(&seen(all, "", "x-b3-"), "x-b3-traceid"));
    let sampled = (0..20).filter(|_| value(&seen(few, "", "x-b3-"), "x-b3-sampled") == "1").count();
    assert!(sampled < 3, "one in 10 000: {sampled}");

    // The client's trace goes on, with its decision.
    let sent = format!("X-B3-TraceId: {TRACE}\r\nX-B3-SpanId: {SPAN}\r\nX-B3-Sampled: 1\r\n");
    for port in [all, few] {
        let told = seen(port, &sent, "x-b3-");
        assert_eq!(
            (value(&told, "x-b3-traceid").as_str(), value(&told, "x-b3-parentspanid").as_str()),
            (TRACE, SPAN)
        );
        assert_ne!(value(&told, "x-b3-spanid"), SPAN);
        assert_eq!(value(&told, "x-b3-sampled"), "1");
    }
    let told = seen(all, &sent.replace("Sampled: 1", "Sampled: 0"), "x-b3-");
    assert_eq!(value(&told, "x-b3-sampled"), "0", "the client has decided");
    // The form in one header tells of the same span, and W3C's passes as it is.
    let w3c = format!("00-{TRACE}-{SPAN}-01");
    let sent = format!("b3: {TRACE}-{SPAN}-d\r\ntraceparent: {w3c}\r\n");
    let told = seen(all, &sent, "");
    let single = format!("{TRACE}-{}-d-{SPAN}", value(&told, "x-b3-spanid"));
    assert_eq!((value(&told, "b3"), value(&told, "x-b3-flags")), (single, "1".to_owned()));
    assert_eq!((value(&told, "traceparent"), value(&told, "alicloud-alb-trace").len()), (w3c, 16));
}
