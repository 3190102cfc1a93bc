//! B3, as Zipkin writes it: one header `b3`, or several that begin with `x-b3-`. <https://github.com/openzipkin/b3-propagation>

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::trace::context::{Form, TraceContext};
use crate::trace::hex;

pub(super) const SINGLE: HeaderName = HeaderName::from_static("b3");
const TRACE_ID: HeaderName = HeaderName::from_static("x-b3-traceid");
const SPAN_ID: HeaderName = HeaderName::from_static("x-b3-spanid");
const SAMPLED: HeaderName = HeaderName::from_static("x-b3-sampled");
const FLAGS: HeaderName = HeaderName::from_static("x-b3-flags");

/// Reads the headers; the single one wins. A decision without ids begins a trace of its own with that decision.
pub(super) fn read(headers: &HeaderMap) -> Option<TraceContext> {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.as_bytes().trim_ascii());
    if let Some(context) = text(&SINGLE).and_then(parse) {
        return Some(context);
    }
    let is_debug = text(&FLAGS) == Some(b"1");
    let sampled = if is_debug { Some(true) } else { text(&SAMPLED).and_then(decision) };
    match (text(&TRACE_ID), text(&SPAN_ID)) {
        (Some(trace_id), Some(span_id)) => of_ids(trace_id, span_id, sampled, Form::B3Multi),
        _ => sampled.map(|sampled| TraceContext::begin(Some(sampled), Form::B3Multi)),
    }
}

/// `{trace}-{span}`, `{trace}-{span}-{decision}`, `{trace}-{span}-{decision}-{parent}`, or a decision alone.
fn parse(text: &[u8]) -> Option<TraceContext> {
    let mut parts = text.split(|byte| *byte == b'-');
    let first = parts.next()?;
    let Some(span_id) = parts.next() else {
        return Some(TraceContext::begin(Some(decision(first)?), Form::B3Single));
    };
    let sampled = match parts.next() {
        Some(word) => Some(decision(word)?),
        None => None,
    };
    of_ids(first, span_id, sampled, Form::B3Single)
}

fn decision(word: &[u8]) -> Option<bool> {
    match word {
        b"1" | b"d" | b"true" => Some(true),
        b"0" | b"false" => Some(false),
        _ => None,
    }
}

/// Trace ids of 64 bits are filled up with zeros at the left.
fn of_ids(trace_id: &[u8], span_id: &[u8], sampled: Option<bool>, form: Form) -> Option<TraceContext> {
    let (trace_id, span_id) = (trace_id.to_ascii_lowercase(), span_id.to_ascii_lowercase());
    let trace_id = match trace_id.len() {
        16 => {
            let mut whole = [0; 16];
            whole[8..].copy_from_slice(&hex::read::<8>(&trace_id)?);
            whole
        }
        _ => hex::read(&trace_id)?,
    };
    Some(TraceContext {
        trace_id,
        span_id: hex::read(&span_id)?,
        sampled,
        is_random: false,
        state: None,
        form,
        parent: None,
    })
}

/// Writes the headers in the form in which they came. A denial is written with ids, because receivers read `0` alone
/// as no decision.
pub(super) fn write(context: &TraceContext, put: &mut dyn FnMut(HeaderName, Vec<u8>)) {
    let (mut trace_id, mut span_id) = (Vec::new(), Vec::new());
    hex::write_into(&mut trace_id, &context.trace_id);
    hex::write_into(&mut span_id, &context.span_id);
    let sampled = context.sampled.map(|sampled| if sampled { b'1' } else { b'0' });
    if context.form == Form::B3Single {
        let mut single = [&trace_id[..], b"-", &span_id].concat();
        if let Some(sampled) = sampled {
            single.extend_from_slice(&[b'-', sampled]);
        }
        return put(SINGLE, single);
    }
    put(TRACE_ID, trace_id);
    put(SPAN_ID, span_id);
    if let Some(sampled) = sampled {
        put(SAMPLED, vec![sampled]);
    }
}

/// The names of the headers, for who replaces them.
pub(super) fn names() -> [HeaderName; 5] {
    [SINGLE, TRACE_ID, SPAN_ID, SAMPLED, FLAGS]
}

pub(super) fn value(text: Vec<u8>) -> Option<HeaderValue> {
    HeaderValue::from_maybe_shared(bytes::Bytes::from(text)).ok()
}
