//! The context of a trace.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::log::current;
use crate::platform::random;
use crate::trace::{b3, hex, w3c};

/// The trace that a request belongs to, for requests to others and for logs.
///
/// It is read from `traceparent` and `tracestate`, else from B3 headers (`b3`, or `x-b3-traceid` and its like). A request
/// without any of them begins a trace. The ids are in the access record and in log lines of the request.
///
/// ```
/// use fc_runtime::{App, HeaderMap};
///
/// # fc_runtime::testing::run(async {
/// let client = App::new()
///     .get("/", async |ex| {
///         let mut outgoing = HeaderMap::new();
///         ex.trace_context().inject(&mut outgoing);
///         // … a request to another service, with these headers …
///         outgoing["traceparent"].to_str().unwrap_or_default().to_owned()
///     })
///     .test_client();
/// let parent = "00-80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-01";
/// client.get("/").header("traceparent", parent).await.assert_text(parent);
/// # });
/// ```
#[derive(Clone, PartialEq, Eq)]
#[doc(alias = "traceparent")]
#[doc(alias = "b3")]
#[doc(alias = "propagator")]
#[doc(alias = "opentelemetry")]
pub struct TraceContext {
    pub(super) trace_id: [u8; 16],
    pub(super) span_id: [u8; 8],
    pub(super) sampled: Option<bool>,
    pub(super) is_random: bool,
    pub(super) state: Option<String>,
    pub(super) form: Form,
    /// The caller's span, if `span_id` is one of this request.
    pub(super) parent: Option<[u8; 8]>,
}

/// The headers that the context came in, and is handed on in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    W3c,
    B3Single,
    B3Multi,
}

impl TraceContext {
    /// The context that a request's headers name.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        w3c::read(headers).or_else(|| b3::read(headers))
    }

    /// A trace that begins here, and that nobody records yet.
    pub(crate) fn fresh() -> Self {
        Self::begin(Some(false), Form::W3c)
    }

    pub(super) fn begin(sampled: Option<bool>, form: Form) -> Self {
        // A zero is no id. The generator gives one in 2^64 times.
        let (high, low, span) = (random(), random() | 1, random() | 1);
        let mut trace_id = [0; 16];
        trace_id[..8].copy_from_slice(&high.to_be_bytes());
        trace_id[8..].copy_from_slice(&low.to_be_bytes());
        Self {
            trace_id,
            span_id: span.to_be_bytes(),
            sampled,
            is_random: false,
            state: None,
            form,
            parent: None,
        }
    }

    /// The same trace, in which this request has a span of its own. `decide` is asked about a trace that nobody has decided
    /// about, or whose decision does not count.
    #[cfg(feature = "otel")]
    pub(crate) fn with_span(self, has_caller: bool, heeds_caller: bool, ratio: f64) -> Self {
        let parent = has_caller.then_some(self.span_id);
        let sampled = self.sampled.filter(|_| has_caller && heeds_caller);
        // The lower half of the id is random, so that all services keep the same traces.
        let low = u64::from_be_bytes(self.trace_id[8..].try_into().unwrap_or_default());
        #[allow(clippy::cast_precision_loss, reason = "a share of all ids needs no last digit")]
        let is_in = || ratio >= 1.0 || ((low >> 1) as f64) < ratio * (1_u64 << 63) as f64;
        let span_id = (random() | 1).to_be_bytes();
        Self { span_id, parent, sampled: Some(sampled.unwrap_or_else(is_in)), ..self }
    }

    /// The context of a span inside another.
    #[cfg(feature = "otel")]
    pub(crate) fn inside(self, parent: [u8; 8]) -> Self {
        Self { parent: Some(parent), ..self }
    }

    #[cfg(feature = "otel")]
    pub(crate) fn trace_id_bytes(&self) -> &[u8; 16] {
        &self.trace_id
    }

    #[cfg(feature = "otel")]
    pub(crate) fn own_span_id(&self) -> [u8; 8] {
        self.span_id
    }

    #[cfg(feature = "otel")]
    pub(crate) fn parent(&self) -> Option<[u8; 8]> {
        self.parent
    }

    /// The id of the trace: 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        text(&self.trace_id)
    }

    /// The id of the span that requests to others belong to: 16 hexadecimal digits. It is the caller's, unless
    /// `App::otel` (feature `otel`) makes a span of this request.
    pub fn span_id(&self) -> String {
        text(&self.span_id)
    }

    /// Whether the trace is recorded. `None` where B3 headers leave the decision to the receiver.
    pub fn is_sampled(&self) -> Option<bool> {
        self.sampled
    }

    /// The vendors' part of the context, `tracestate`, as it came.
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// Writes the context into the headers of a request to another service, in place of a context that is there.
    ///
    /// It is `traceparent` with `tracestate`. A context that came in B3 headers is also written in these, with its
    /// decision. Where B3 left the decision open, `traceparent` is left out, because it cannot say so.
    pub fn inject(&self, headers: &mut HeaderMap) {
        for name in [w3c::PARENT, w3c::STATE] {
            headers.remove(name);
        }
        for name in b3::names() {
            headers.remove(name);
        }
        for (name, value) in self.headers() {
            headers.insert(name, value);
        }
    }

    /// The headers that [`inject`](Self::inject) writes, for clients with other header maps.
    pub fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        let mut all = Vec::new();
        let mut put =
            |name: HeaderName, text: Vec<u8>| all.extend(b3::value(text).map(|value| (name, value)));
        if let Some(sampled) = self.sampled {
            put(w3c::PARENT, w3c::write(self, sampled));
            if let Some(state) = &self.state {
                put(w3c::STATE, state.clone().into_bytes());
            }
        }
        if self.form != Form::W3c {
            b3::write(self, &mut put);
        }
        all
    }

    /// Adds the ids to a log line, as JSON members with a comma before each.
    pub(crate) fn log_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b",\"trace_id\":\"");
        hex::write_into(out, &self.trace_id);
        out.extend_from_slice(b"\",\"span_id\":\"");
        hex::write_into(out, &self.span_id);
        out.push(b'"');
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceContext")
            .field("trace_id", &self.trace_id())
            .field("span_id", &self.span_id())
            .field("sampled", &self.sampled)
            .finish_non_exhaustive()
    }
}

fn text(id: &[u8]) -> String {
    let mut out = Vec::new();
    hex::write_into(&mut out, id);
    String::from_utf8(out).unwrap_or_default()
}

/// The context of the request whose handler runs on this thread now, for clients that are called without an exchange.
///
/// Present where [`current_request_id`](crate::current_request_id) is.
///
/// ```
/// use fc_runtime::{App, current_trace_context};
///
/// # fc_runtime::testing::run(async {
/// let client = App::new()
///     .get("/", async |_| current_trace_context().map(|context| context.trace_id()).unwrap_or_default())
///     .test_client();
/// let call = client.get("/").header("b3", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1");
/// call.await.assert_text("80f198ee56343ba864fe8b2a57d3eff7");
/// assert_eq!(current_trace_context(), None);
/// # });
/// ```
pub fn current_trace_context() -> Option<TraceContext> {
    current::with(|tag| tag.map(|tag| tag.trace_context().clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "80f198ee56343ba864fe8b2a57d3eff7";
    const SPAN: &str = "e457b5a2e4d86bd1";

    fn read(sent: &[(&'static str, &str)]) -> Option<TraceContext> {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        TraceContext::of(&headers)
    }

    /// What is handed on, one header a line.
    fn onwards(sent: &[(&'static str, &str)]) -> String {
        let context = read(sent).unwrap();
        let all = context.headers();
        let lines: Vec<_> =
            all.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        lines.join("\n").replace(TRACE, "T").replace(SPAN, "S")
    }

    #[track_caller]
    fn check(sent: &[(&'static str, &str)], expected: &str) {
        let own: Vec<_> =
            sent.iter().map(|(name, value)| (*name, value.replace('T', TRACE).replace('S', SPAN))).collect();
        let sent: Vec<_> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        if expected.is_empty() {
            assert_eq!(read(&sent), None, "{sent:?}");
        } else {
            assert_eq!(onwards(&sent), expected, "{sent:?}");
        }
    }

    #[test]
    fn w3c_contexts_are_handed_on() {
        check(&[("traceparent", "00-T-S-01")], "traceparent: 00-T-S-01");
        check(
            &[("traceparent", "00-T-S-00"), ("tracestate", "a=1"), ("tracestate", "b=2")],
            "traceparent: 00-T-S-00\ntracestate: a=1,b=2",
        );
        // Reserved flags are not handed on, and flags always have two digits.
        check(&[("traceparent", "00-T-S-11")], "traceparent: 00-T-S-01");
        check(&[("traceparent", "00-T-S-ff")], "traceparent: 00-T-S-03");
        // A later version is read as far as it is known.
        check(&[("traceparent", "cc-T-S-01-what")], "traceparent: 00-T-S-01");
    }

    #[test]
    fn what_is_no_context_is_none() {
        for parent in [
            "",
            "00-T-S",
            "00-T-S-1",
            "00-T-S-011",
            "00-T-S-01-x",
            "ff-T-S-01",
            "cc-T-S-01x",
            "0x-T-S-01",
            "00-00000000000000000000000000000000-S-01",
            "00-T-0000000000000000-01",
            "00_T-S-01",
        ] {
            check(&[("traceparent", parent), ("tracestate", "a=1")], "");
        }
        check(&[("traceparent", &format!("00-{}-S-01", TRACE.to_uppercase()))], "");
        check(&[("traceparent", "00-T-S-01"), ("traceparent", "00-T-S-01")], "");
        for single in ["", "-", "T-", "T-S-x", "T-S-", "x", "zz-S", "T-T"] {
            check(&[("b3", single)], "");
        }
        check(&[("x-b3-traceid", "T")], "");
    }

    #[test]
    fn b3_contexts_are_handed_on_with_their_decision() {
        check(&[("b3", "T-S-1")], "traceparent: 00-T-S-01\nb3: T-S-1");
        check(&[("b3", "T-S-d-S")], "traceparent: 00-T-S-01\nb3: T-S-1");
        check(&[("b3", "T-S-0")], "traceparent: 00-T-S-00\nb3: T-S-0");
        // Nobody has decided, which W3C cannot say.
        check(&[("b3", "T-S")], "b3: T-S");
        check(&[("x-b3-traceid", "T"), ("x-b3-spanid", "S")], "x-b3-traceid: T\nx-b3-spanid: S");
        let multi = "traceparent: 00-T-S-00\nx-b3-traceid: T\nx-b3-spanid: S\nx-b3-sampled: 0";
        check(&[("x-b3-traceid", "T"), ("x-b3-spanid", "S"), ("x-b3-sampled", "0")], multi);
        let debug = multi.replace("-00", "-01").replace("sampled: 0", "sampled: 1");
        check(&[("x-b3-traceid", "T"), ("x-b3-spanid", "S"), ("x-b3-flags", "1")], &debug);
        check(&[("traceparent", "00-T-S-01"), ("b3", "S-S-0")], "traceparent: 00-T-S-01");
        let short = format!("traceparent: 00-{}S-S-01\nb3: {0}S-S-1", "0".repeat(16));
        check(&[("b3", "S-S-1")], &short);
    }

    /// `b3: 0` alone is a decision, and is handed on with ids.
    #[test]
    fn a_denial_alone_begins_a_trace_that_is_not_recorded() {
        for sent in [("b3", "0"), ("x-b3-sampled", "0")] {
            let context = read(&[sent]).unwrap();
            assert_eq!(context.is_sampled(), Some(false));
            let all = context.headers();
            assert!(
                all.iter()
                    .any(|(name, value)| name == "traceparent" && value.to_str().unwrap().ends_with("-00"))
            );
            assert!(
                all.iter().all(|(name, value)| name != "b3" || value.to_str().unwrap().ends_with("-0")),
                "{all:?}"
            );
        }
        assert_ne!(TraceContext::fresh(), TraceContext::fresh());
    }
}
