//! Replies with a state: the client that has it gets a 304, and one that asks for a part gets the part.

use std::hash::{DefaultHasher, Hasher};
use std::ops::Range;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{ACCEPT_RANGES, CONTENT_RANGE, ETAG, LAST_MODIFIED};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::error::Error;
use crate::exchange::Call;
use crate::precondition::{State, Verdict, judge, whole_second};
use crate::reply::{Body, Reply};

const BYTES: HeaderValue = HeaderValue::from_static("bytes");

/// Answers by the request's conditions and range. Only a 200 is changed.
pub(super) fn conditional(call: &Call, mut reply: Reply) -> Reply {
    let reads = [Method::GET, Method::HEAD].contains(&call.head.method);
    if reply.status() != StatusCode::OK || !reads {
        return reply;
    }
    let content = match &reply.body {
        Body::Empty => Some(Bytes::new()),
        Body::Once(bytes) => Some(bytes.clone()),
        Body::Stream(_) | Body::Broken(_) | Body::Held(_) | Body::Elsewhere => None,
    };
    let headers = reply.our_headers_mut();
    if let Some(content) = &content {
        headers.insert(ACCEPT_RANGES, BYTES);
        if !headers.contains_key(ETAG) {
            headers.insert(ETAG, etag_of(content));
        }
    }
    if let Some(modified) = modified(headers)
        && passed(modified) != modified
        && let Some(now) = http_date(passed(modified))
    {
        headers.insert(LAST_MODIFIED, now);
    }
    let length = content.as_ref().map(|content| content.len() as u64);
    let verdict = judge(&call.head.method, &call.head.headers, state(headers), length);
    match (verdict, content) {
        (Verdict::Part(range), Some(content)) => {
            set_part(&mut reply, &range, content.len() as u64);
            let (start, end) = (as_index(range.start), as_index(range.end));
            reply.body = Body::Once(content.slice(start..end));
        }
        (verdict, _) => return apply(reply, &verdict, length),
    }
    reply
}

/// The reply for a verdict that needs no bytes of the content.
pub(crate) fn apply(mut reply: Reply, verdict: &Verdict, length: Option<u64>) -> Reply {
    match verdict {
        Verdict::Whole | Verdict::Part(_) => reply,
        Verdict::NotModified => {
            reply.say(StatusCode::NOT_MODIFIED, Bytes::new());
            reply
        }
        Verdict::Failed => {
            let message = "the content is not in the state that the request asks for";
            Reply::from_error(Error::of_ours(StatusCode::PRECONDITION_FAILED, message))
        }
        Verdict::Unsatisfiable => {
            let length = length.unwrap_or_default();
            let message = format!("the content has {length} bytes, none of them in the range");
            let error = Error::of_ours(StatusCode::RANGE_NOT_SATISFIABLE, message);
            let whole = HeaderValue::try_from(format!("bytes */{length}"));
            Reply::from_error(match whole {
                Ok(whole) => error.with_header(CONTENT_RANGE, whole),
                Err(_) => error,
            })
        }
    }
}

/// Makes the head of a 206.
pub(crate) fn set_part(reply: &mut Reply, range: &Range<u64>, length: u64) {
    let text = format!("bytes {}-{}/{length}", range.start, range.end - 1);
    if let Ok(text) = HeaderValue::try_from(text) {
        reply.our_headers_mut().insert(CONTENT_RANGE, text);
    }
    reply.head.status = StatusCode::PARTIAL_CONTENT;
}

fn state(headers: &HeaderMap) -> State<'_> {
    State { etag: headers.get(ETAG).map(HeaderValue::as_bytes), modified: modified(headers) }
}

fn modified(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(LAST_MODIFIED)?.to_str().ok()?).ok()
}

/// A time of the last change that is not behind the reply's `Date`, as RFC 9110, section 8.8.2.1, has it: a time to come
/// becomes this one. A `Date` may be a second old, for which hyper keeps one.
pub(crate) fn passed(modified: SystemTime) -> SystemTime {
    let latest = SystemTime::now().checked_sub(Duration::from_secs(1)).and_then(whole_second);
    latest.map_or(modified, |latest| modified.min(latest))
}

/// A range lies within a content in memory.
fn as_index(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

/// The tag of a content: its length and a hash. Equal in all instances of one build.
fn etag_of(content: &[u8]) -> HeaderValue {
    let mut hasher = DefaultHasher::new();
    hasher.write(content);
    let tag = format!("\"{:x}-{:016x}\"", content.len(), hasher.finish());
    HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("\"\""))
}

/// A time as a header says it.
pub(crate) fn http_date(time: SystemTime) -> Option<HeaderValue> {
    HeaderValue::try_from(httpdate::fmt_http_date(time)).ok()
}
