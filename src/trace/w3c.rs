//! W3C Trace Context: `traceparent` and `tracestate`. <https://www.w3.org/TR/trace-context/>

use http::{HeaderMap, HeaderName};

use crate::trace::context::{Form, TraceContext};
use crate::trace::hex;

pub(super) const PARENT: HeaderName = HeaderName::from_static("traceparent");
pub(super) const STATE: HeaderName = HeaderName::from_static("tracestate");

pub(super) const SAMPLED: u8 = 1;
/// The trace id is random, so that it can be sampled by its bytes (level 2).
pub(super) const RANDOM: u8 = 2;

/// The most bytes of `tracestate` that are handed on. The standard asks for 512 at least.
const STATE_MAX: usize = 2048;

/// Reads the headers. `None` without a valid `traceparent`, or with two of them.
pub(super) fn read(headers: &HeaderMap) -> Option<TraceContext> {
    let mut sent = headers.get_all(PARENT).iter();
    let parent = sent.next()?;
    if sent.next().is_some() {
        return None;
    }
    let (trace_id, span_id, flags) = parse(parent.as_bytes().trim_ascii())?;
    let state = headers.contains_key(STATE).then(|| state(headers)).flatten();
    let sampled = Some(flags & SAMPLED != 0);
    Some(TraceContext {
        trace_id,
        span_id,
        sampled,
        is_random: flags & RANDOM != 0,
        state,
        form: Form::W3c,
        parent: None,
    })
}

#[cold]
fn state(headers: &HeaderMap) -> Option<String> {
    let mut state = String::new();
    for line in headers.get_all(STATE) {
        if !state.is_empty() {
            state.push(',');
        }
        state.push_str(line.to_str().ok()?);
    }
    (state.len() <= STATE_MAX).then_some(state)
}

/// `00-<32 hex>-<16 hex>-<2 hex>`. A later version may have more behind another dash.
fn parse(text: &[u8]) -> Option<([u8; 16], [u8; 8], u8)> {
    let (known, rest) = text.split_at_checked(55)?;
    let version = hex::digit(known[0])? << 4 | hex::digit(known[1])?;
    let is_long = !rest.is_empty();
    if version == 0xff || (version == 0 && is_long) || (is_long && rest[0] != b'-') {
        return None;
    }
    if [2, 35, 52].iter().any(|at| known[*at] != b'-') {
        return None;
    }
    let flags = hex::digit(known[53])? << 4 | hex::digit(known[54])?;
    Some((hex::read(&known[3..35])?, hex::read(&known[36..52])?, flags))
}

/// Two digits of flags, of which only the known ones are handed on.
pub(super) fn write(context: &TraceContext, is_sampled: bool) -> Vec<u8> {
    let mut out = b"00-".to_vec();
    hex::write_into(&mut out, &context.trace_id);
    out.push(b'-');
    hex::write_into(&mut out, &context.span_id);
    let flags = if is_sampled { SAMPLED } else { 0 } | if context.is_random { RANDOM } else { 0 };
    out.extend_from_slice(&[b'-', b'0', b'0' + flags]);
    out
}
