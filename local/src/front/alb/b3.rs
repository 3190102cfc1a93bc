//! The headers of a listener that traces: B3, as Zipkin has them. The listener is a span between its client's and its backend's.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::wire::ids;

const SINGLE: HeaderName = HeaderName::from_static("b3");
const TRACE_ID: HeaderName = HeaderName::from_static("x-b3-traceid");
const SPAN_ID: HeaderName = HeaderName::from_static("x-b3-spanid");
const PARENT: HeaderName = HeaderName::from_static("x-b3-parentspanid");
const SAMPLED: HeaderName = HeaderName::from_static("x-b3-sampled");
const FLAGS: HeaderName = HeaderName::from_static("x-b3-flags");

/// The length of an id in hex digits: of a span, and the short one of a trace.
const ID: usize = 16;

/// A sampling rate that takes every request.
const SAMPLE_MAX: u64 = 10_000;

/// What is decided of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    Denied,
    Sampled,
    /// Sampled whatever the rates on the way are.
    Debug,
}

/// The trace that a client's request belongs to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Client {
    /// The ids of the trace and of the client's span.
    ids: Option<(String, String)>,
    decision: Option<Decision>,
    is_single: bool,
}

/// Replaces the client's headers by those of a span of the listener. `sample` is the rate for traces that begin here, and
/// `draw` a random number.
pub(super) fn apply(headers: &mut HeaderMap, sample: u16, draw: u64) {
    let client = read(headers);
    for name in [SINGLE, TRACE_ID, SPAN_ID, PARENT, SAMPLED, FLAGS] {
        headers.remove(name);
    }
    let is_drawn = draw % SAMPLE_MAX < u64::from(sample);
    let decision = client.decision.unwrap_or(if is_drawn { Decision::Sampled } else { Decision::Denied });
    let span = ids::span();
    let (trace, parent) = match client.ids {
        Some((trace, parent)) => (trace, Some(parent)),
        None => (ids::trace(), None),
    };
    let letter = match decision {
        Decision::Denied => "0",
        Decision::Sampled => "1",
        Decision::Debug => "d",
    };
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    if client.is_single {
        // Who reads this form reads it first, so it must not tell of another span.
        let end = parent.as_ref().map(|parent| format!("-{parent}")).unwrap_or_default();
        set(SINGLE, &format!("{trace}-{span}-{letter}{end}"));
    }
    set(TRACE_ID, &trace);
    set(SPAN_ID, &span);
    if let Some(parent) = &parent {
        set(PARENT, parent);
    }
    if decision == Decision::Debug {
        set(FLAGS, "1");
    } else {
        set(SAMPLED, letter);
    }
}

/// What the client says: in one header, else in several. Ids that are none begin a new trace.
fn read(headers: &HeaderMap) -> Client {
    let text = |name: &HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(single) = text(&SINGLE) {
        let mut parts = single.split('-');
        let (first, second) = (parts.next().unwrap_or_default(), parts.next());
        let Some(second) = second else {
            return Client { ids: None, decision: decision(first), is_single: true };
        };
        return Client {
            ids: ids_of(first, second),
            decision: parts.next().and_then(decision),
            is_single: true,
        };
    }
    let ids = text(&TRACE_ID).zip(text(&SPAN_ID)).and_then(|(trace, span)| ids_of(trace, span));
    let is_debug = text(&FLAGS) == Some("1");
    let decision = if is_debug { Some(Decision::Debug) } else { text(&SAMPLED).and_then(decision) };
    Client { ids, decision, is_single: false }
}

fn decision(word: &str) -> Option<Decision> {
    match word {
        "1" | "true" => Some(Decision::Sampled),
        "0" | "false" => Some(Decision::Denied),
        "d" => Some(Decision::Debug),
        _ => None,
    }
}

fn ids_of(trace: &str, span: &str) -> Option<(String, String)> {
    let is_id = |id: &str| id.bytes().all(|b| b.is_ascii_hexdigit()) && id.bytes().any(|b| b != b'0');
    let is_trace = matches!(trace.len(), ID | 32) && is_id(trace);
    let is_span = span.len() == ID && is_id(span);
    (is_trace && is_span).then(|| (trace.to_ascii_lowercase(), span.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "80f198ee56343ba864fe8b2a57d3eff7";
    const SPAN: &str = "e457b5a2e4d86bd1";

    fn applied(sent: &[(&'static str, &str)], sample: u16, draw: u64) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        apply(&mut headers, sample, draw);
        headers
    }

    #[test]
    fn a_request_without_a_trace_begins_one_by_the_rate() {
        for (sample, draw, sampled) in
            [(1, 0, "1"), (1, 1, "0"), (800, 799, "1"), (800, 10_800, "0"), (10_000, 9_999, "1")]
        {
            let headers = applied(&[], sample, draw);
            assert_eq!(headers["x-b3-sampled"], sampled, "{sample} {draw}");
            let (trace, span) = (&headers["x-b3-traceid"], &headers["x-b3-spanid"]);
            assert!(ids_of(trace.to_str().unwrap(), span.to_str().unwrap()).is_some(), "{headers:?}");
            assert_eq!((trace.len(), headers.len()), (32, 3));
        }
        assert_ne!(applied(&[], 1, 0)["x-b3-traceid"], applied(&[], 1, 0)["x-b3-traceid"]);
    }

    /// What is sent, and the trace, the parent and the decision that follow. A rate that takes nothing.
    #[track_caller]
    fn check(sent: &[(&'static str, &str)], trace: Option<&str>, parent: Option<&str>, word: &str) {
        let headers = applied(sent, 1, 5);
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap());
        match trace {
            Some(trace) => assert_eq!(text("x-b3-traceid"), Some(trace), "{sent:?}"),
            None => assert!(!sent.iter().any(|(_, value)| Some(*value) == text("x-b3-traceid")), "{sent:?}"),
        }
        assert_eq!(text("x-b3-parentspanid"), parent, "{sent:?}");
        assert_ne!(text("x-b3-spanid"), Some(SPAN), "the listener is a span of its own");
        let told = if text("x-b3-flags") == Some("1") { "d" } else { text("x-b3-sampled").unwrap() };
        assert_eq!(told, word, "{sent:?}");
        let single = text("b3").map(|single| single.split('-').map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(single.is_some(), sent.iter().any(|(name, _)| *name == "b3"), "{sent:?}");
        if let Some(single) = single {
            assert_eq!(Some(single[0].as_str()), text("x-b3-traceid"));
            assert_eq!((single[1].as_str(), single[2].as_str()), (text("x-b3-spanid").unwrap(), word));
            assert_eq!(single.get(3).map(String::as_str), parent);
        }
    }

    #[test]
    fn the_trace_of_a_client_goes_on() {
        let (trace, span) = (("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN));
        check(&[trace, span], Some(TRACE), Some(SPAN), "0");
        check(&[trace, span, ("x-b3-sampled", "1")], Some(TRACE), Some(SPAN), "1");
        check(&[trace, span, ("x-b3-sampled", "true")], Some(TRACE), Some(SPAN), "1");
        check(&[trace, span, ("x-b3-flags", "1")], Some(TRACE), Some(SPAN), "d");
        check(&[("x-b3-traceid", "64FE8B2A57D3EFF7"), span], Some("64fe8b2a57d3eff7"), Some(SPAN), "0");
        check(&[("x-b3-sampled", "1")], None, None, "1");
        let single = |rest: &str| format!("{TRACE}-{SPAN}{rest}");
        check(&[("b3", &single(""))], Some(TRACE), Some(SPAN), "0");
        check(&[("b3", &single("-1"))], Some(TRACE), Some(SPAN), "1");
        check(&[("b3", &single("-d-05e3ac9a4f6e3b90"))], Some(TRACE), Some(SPAN), "d");
        check(&[("b3", "1")], None, None, "1");
        // Ids that are none, and a trace of zeros.
        check(&[("x-b3-traceid", "nothing"), span], None, None, "0");
        check(&[("x-b3-traceid", "00000000000000000000000000000000"), span], None, None, "0");
        check(&[("x-b3-traceid", TRACE), ("x-b3-spanid", "1")], None, None, "0");
        check(&[("b3", "--")], None, None, "0");
    }
}
