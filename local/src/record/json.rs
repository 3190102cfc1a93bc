//! Calls as JSON: what lists and details show, credentials masked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::body::Body;
use super::headers::Headers;
use super::mask;
use super::recorded::Recorded;
use super::ring::Entry;
use crate::event::utc;

/// What a list shows of a call.
pub(crate) fn summary(call: &Recorded) -> Value {
    let [request, reply] = call.lengths;
    json!({
        "number": call.number,
        "requestId": *call.id,
        "time": utc(call.begun),
        "function": call.function.as_deref(),
        "qualifier": call.qualifier.as_deref(),
        "instance": call.instance.as_deref(),
        "via": call.via.map(crate::event::Via::name),
        "attempt": call.attempt,
        "probe": call.is_probe,
        "method": call.method.as_str(),
        "host": call.original.host(),
        "target": call.shown_target(),
        "status": call.status,
        "grpcStatus": call.grpc_status,
        "end": call.end.name(),
        "error": call.cause.as_ref().map(|cause| json!({ "kind": cause.failure, "message": cause.message })),
        "coldStart": call.phases.is_cold,
        "durationMs": millis(call.phases.end),
        "requestBytes": request,
        "replyBytes": reply,
        "replayOf": call.replay_of.as_deref(),
    })
}

/// Everything of a call that may be shown.
pub(crate) fn detail(entry: &Entry) -> Value {
    let call = &entry.call;
    let mut document = summary(call);
    let mut set = |name: &str, value: Value| {
        if let Value::Object(fields) = &mut document {
            fields.insert(name.to_owned(), value);
        }
    };
    let phase = |(name, took)| json!({ "name": name, "ms": millis(took) });
    set("phases", call.phases.spans().into_iter().map(phase).collect());
    set("httpVersion", version(call).into());
    set("tls", call.is_tls.into());
    set("masked", entry.has_secrets().into());
    set("requestHeaders", headers(&call.shown_request()));
    set("replyHeaders", headers(&call.shown_reply()));
    set("requestBody", body(entry.bodies.request(), call.original.for_replay().2, call.lengths[0]));
    set("replyBody", body(entry.bodies.reply(), &call.reply, call.lengths[1]));
    set("log", call.log.lines().collect());
    set("webSocket", call.socket.map_or(Value::Null, |socket| {
        json!({
            "messagesFromClient": socket.messages_from_client, "bytesFromClient": socket.bytes_from_client,
            "messagesToClient": socket.messages_to_client, "bytesToClient": socket.bytes_to_client,
        })
    }));
    document
}

/// The version of HTTP, as HTTP/1.1 names it.
pub(super) fn version(call: &Recorded) -> String {
    format!("{:?}", call.version)
}

pub(super) fn millis(time: std::time::Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

fn headers(all: &[(String, Vec<u8>)]) -> Value {
    all.iter().map(|(name, value)| json!([name, String::from_utf8_lossy(value)])).collect()
}

fn body(kept: Option<&Body>, headers: &Headers, length: u64) -> Value {
    let mut fields = Map::new();
    let Some(kept) = kept else {
        return json!({ "bytes": length, "leftOutBytes": length, "whole": false });
    };
    let shown = mask::body(kept, headers);
    match str::from_utf8(&shown) {
        Ok(text) => fields.insert("text".to_owned(), text.into()),
        Err(_) => fields.insert("base64".to_owned(), STANDARD.encode(&shown).into()),
    };
    fields.insert("bytes".to_owned(), kept.total().into());
    fields.insert("leftOutBytes".to_owned(), kept.left_out().into());
    fields.insert("whole".to_owned(), kept.is_whole().into());
    Value::Object(fields)
}
