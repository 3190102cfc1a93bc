//! Calls as an HTTP archive, HAR 1.2, credentials masked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::body::Body;
use super::json::{millis, version};
use super::mask;
use super::recorded::Recorded;
use super::ring::Entry;
use crate::event::utc;

/// An archive of the calls, in their order.
pub(crate) fn har<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Value {
    json!({
        "log": {
            "version": "1.2",
            "creator": { "name": "fc-local", "version": env!("CARGO_PKG_VERSION") },
            "entries": entries.into_iter().map(one).collect::<Vec<_>>(),
        },
    })
}

fn one(entry: &Entry) -> Value {
    let call = &entry.call;
    let (request, reply) = (call.shown_request(), call.shown_reply());
    let url = url(call);
    let mut document = json!({
        "startedDateTime": utc(call.begun),
        "time": millis(call.phases.end),
        "request": {
            "method": call.method.as_str(),
            "url": url,
            "httpVersion": version(call),
            "cookies": cookies(&request, "cookie"),
            "headers": pairs(&request),
            "queryString": query(&url),
            "headersSize": -1,
            "bodySize": call.lengths[0],
        },
        "response": {
            // The status is that of the record: 499 is none that a client got.
            "status": call.status,
            "statusText": http::StatusCode::from_u16(call.status)
                .ok().and_then(|status| status.canonical_reason()).unwrap_or_default(),
            "httpVersion": version(call),
            "cookies": cookies(&reply, "set-cookie"),
            "headers": pairs(&reply),
            "content": content(entry),
            "redirectURL": value(&reply, "location"),
            "headersSize": -1,
            "bodySize": call.lengths[1],
        },
        "cache": {},
        "timings": timings(call),
        "comment": comment(call),
        "_requestId": *call.id,
        "_function": call.function.as_deref(),
        "_instance": call.instance.as_deref(),
        "_coldStart": call.phases.is_cold,
        "_end": call.end.name(),
    });
    if let Some(sent) = entry.bodies.request().filter(|body| !body.bytes().is_empty()) {
        document["request"]["postData"] = post_data(call, sent, &value(&request, "content-type"));
    }
    document
}

/// The address as the client asked for it, its secrets masked.
pub(super) fn url(call: &Recorded) -> String {
    let scheme = if call.is_tls { "https" } else { "http" };
    let host = if call.original.host().is_empty() { "localhost" } else { call.original.host() };
    let target = call.shown_target();
    if target.starts_with('/') { format!("{scheme}://{host}{target}") } else { format!("{scheme}://{host}/") }
}

fn pairs(headers: &[(String, Vec<u8>)]) -> Vec<Value> {
    headers
        .iter()
        .map(|(name, value)| json!({ "name": name, "value": String::from_utf8_lossy(value) }))
        .collect()
}

fn value(headers: &[(String, Vec<u8>)], name: &str) -> String {
    let value = headers.iter().find(|(own, _)| own == name);
    value.map_or_else(String::new, |(_, value)| String::from_utf8_lossy(value).into_owned())
}

fn query(url: &str) -> Vec<Value> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let parts = query.split('&').filter(|part| !part.is_empty());
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        json!({ "name": decoded(name), "value": decoded(value) })
    };
    parts.map(pair).collect()
}

/// The cookies, whose values are masked by now.
fn cookies(headers: &[(String, Vec<u8>)], name: &str) -> Vec<Value> {
    let values = headers.iter().filter(|(own, _)| own == name);
    let texts = values.map(|(_, value)| String::from_utf8_lossy(value).into_owned());
    let mut all = Vec::new();
    for text in texts {
        // A reply sets one cookie in a header, and its attributes stand behind it.
        let most = if name == "cookie" { usize::MAX } else { 1 };
        for part in text.split(';').take(most) {
            let (name, value) = part.trim().split_once('=').unwrap_or((part.trim(), ""));
            all.push(json!({ "name": name, "value": value }));
        }
    }
    all
}

fn post_data(call: &Recorded, sent: &Body, mime_type: &str) -> Value {
    let shown = mask::body(sent, call.original.for_replay().2);
    let mut document = json!({ "mimeType": mime_type });
    if let Ok(text) = str::from_utf8(&shown) {
        document["text"] = text.into();
    } else {
        // The format has an encoding for replies alone.
        document["text"] = STANDARD.encode(&shown).into();
        document["_encoding"] = "base64".into();
    }
    if !sent.is_whole() {
        document["comment"] = format!("{} of {} bytes are kept", sent.bytes().len(), sent.total()).into();
    }
    document
}

fn content(entry: &Entry) -> Value {
    let call = &entry.call;
    let mut document =
        json!({ "size": call.lengths[1], "mimeType": value(&call.shown_reply(), "content-type") });
    let Some(body) = entry.bodies.reply() else {
        document["comment"] = "the body had to go for those of later calls".into();
        return document;
    };
    let shown = mask::body(body, &call.reply);
    match str::from_utf8(&shown) {
        Ok("") => {}
        Ok(text) => document["text"] = text.into(),
        Err(_) => {
            document["text"] = STANDARD.encode(&shown).into();
            document["encoding"] = "base64".into();
        }
    }
    if body.left_out() > 0 {
        document["comment"] = format!("{} of {} bytes are kept", body.bytes().len(), body.total()).into();
    }
    document
}

/// The phases in the words of the format: waiting for an instance is `blocked`, the function's own time `wait`.
fn timings(call: &Recorded) -> Value {
    let mut timings = json!({ "blocked": 0.0, "send": 0.0, "wait": 0.0, "receive": 0.0 });
    for (name, took) in call.phases.spans() {
        let field = match name {
            "connect" => "send",
            "function" => "wait",
            "body" => "receive",
            _ => "blocked",
        };
        let sum = timings[field].as_f64().unwrap_or(0.0) + millis(took);
        timings[field] = ((sum * 1e3).round() / 1e3).into();
    }
    timings
}

fn comment(call: &Recorded) -> String {
    let mut parts = Vec::new();
    if let Some(function) = &call.function {
        parts.push(format!("function {function}"));
    }
    if call.phases.is_cold {
        parts.push("cold start".to_owned());
    }
    if let Some(cause) = &call.cause {
        parts.push(cause.message.lines().next().unwrap_or_default().to_owned());
    }
    parts.join(", ")
}
