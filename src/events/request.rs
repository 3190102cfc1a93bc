//! From an event to the request that it holds.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ::http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use ::http::request::Parts;
use ::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use fc_events::{AnyRequest, api_gateway};

use crate::error::{Error, Result};
use crate::exchange::Call;
use crate::negotiate::lists;
use crate::platform::limits::REQUEST_FIELDS_MAX;
use crate::platform::names::{RESERVED_PREFIX, header};

/// Names with their values, as events have them.
type Texts = BTreeMap<String, String>;

/// Headers of the connection on which the request came to its door.
const OF_CONNECTION: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    EXPECT,
];

/// What both forms say.
struct Told<'e> {
    method: &'e str,
    path: &'e str,
    host: &'e str,
    client: &'e str,
    query: &'e Texts,
    headers: &'e Texts,
    body: String,
    is_base64: bool,
}

/// The request in an event. `call` is the one that brought the event: its `x-fc-…` headers are the request's.
///
/// # Errors
/// 400 for what is no request, 501 for one that needs a connection.
pub(super) fn made(found: AnyRequest, call: &Call) -> Result<(Parts, Bytes)> {
    match found {
        AnyRequest::Http(event) => {
            let mut event = *event;
            let body = std::mem::take(&mut event.body);
            let context = event.request_context;
            let told = Told {
                method: &context.http.method,
                path: &event.raw_path,
                host: &context.domain_name,
                client: &context.http.source_ip,
                query: &event.query_parameters,
                headers: &event.headers,
                body,
                is_base64: event.is_base64_encoded,
            };
            let (mut head, body) = made_of(told, call)?;
            head.extensions.insert(context);
            Ok((head, body))
        }
        AnyRequest::ApiGateway(mut event) => {
            let (body, headers) = (std::mem::take(&mut event.body), std::mem::take(&mut event.headers));
            let told = Told {
                method: &event.http_method,
                path: &event.path,
                host: "",
                client: "",
                query: &event.query_parameters,
                headers: &headers,
                body,
                is_base64: event.is_base64_encoded,
            };
            let (mut head, body) = made_of(told, call)?;
            head.extensions.insert::<api_gateway::Request>(event);
            Ok((head, body))
        }
        _ => Err(Error::of_ours(StatusCode::NOT_IMPLEMENTED, "this form of request is not known here")),
    }
}

fn made_of(told: Told<'_>, call: &Call) -> Result<(Parts, Bytes)> {
    let bad = |what: String| Error::of_ours(StatusCode::BAD_REQUEST, what);
    let (mut head, ()) = Request::new(()).into_parts();
    head.method = Method::from_bytes(told.method.as_bytes())
        .map_err(|_| bad("the event's method is none".to_owned()))?;
    head.uri = target(told.path, told.query).ok_or_else(|| {
        bad("the event's path is none: it begins with a slash, and has at most 64 KiB with the query"
            .to_owned())
    })?;
    if told.headers.len() > REQUEST_FIELDS_MAX {
        let what = format!("there are more than {REQUEST_FIELDS_MAX} headers");
        return Err(Error::of_ours(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, what));
    }
    for (name, value) in told.headers {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| bad(format!("`{name:.64}` is no header's name")))?;
        // Only the platform sets these, at the call itself.
        if name.as_str().starts_with(RESERVED_PREFIX) {
            continue;
        }
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
            bad(format!("the value of the header {name} has characters that no header can have"))
        })?;
        head.headers.append(name, value);
    }
    refuse_streams(&head.headers)?;
    for name in &OF_CONNECTION {
        head.headers.remove(name);
    }
    let of_call = |name: &HeaderName| name.as_str().starts_with(RESERVED_PREFIX) && name != header::CLIENT_IP;
    for (name, value) in call.head.headers.iter().filter(|(name, _)| of_call(name)) {
        head.headers.append(name.clone(), value.clone());
    }
    if let Ok(client) = HeaderValue::from_str(told.client)
        && !client.is_empty()
    {
        head.headers.insert(HeaderName::from_static(header::CLIENT_IP), client);
    }
    if !head.headers.contains_key(HOST) {
        let named = HeaderValue::from_str(told.host).ok().filter(|host| !host.is_empty());
        if let Some(host) = named.or_else(|| call.head.headers.get(HOST).cloned()) {
            head.headers.insert(HOST, host);
        }
    }
    let body = if told.is_base64 {
        let decoded = STANDARD.decode(told.body.as_bytes());
        let wrong = |error| bad(format!("the body is no base64, although the event says so: {error}"));
        Bytes::from(decoded.map_err(wrong)?)
    } else {
        Bytes::from(told.body)
    };
    // The door may have changed the body's form.
    if head.headers.remove(CONTENT_LENGTH).is_some() || !body.is_empty() {
        head.headers.insert(CONTENT_LENGTH, body.len().into());
    }
    Ok((head, body))
}

/// Refuses what needs a connection in both directions.
fn refuse_streams(headers: &HeaderMap) -> Result {
    let none = |what: &'static str| Err(Error::of_ours(StatusCode::NOT_IMPLEMENTED, what));
    if lists(headers, &UPGRADE, "websocket") {
        return none(
            "a request that came as an event cannot become a WebSocket: ask the function by its HTTP trigger",
        );
    }
    if headers.get(CONTENT_TYPE).is_some_and(is_grpc) {
        return none(
            "a request that came as an event cannot be gRPC, which needs HTTP/2: use gRPC-Web, or the HTTP trigger",
        );
    }
    Ok(())
}

/// Whether the content is gRPC's: with a format, with parameters, or neither. gRPC-Web is another type. Media types are
/// case-insensitive.
fn is_grpc(content_type: &HeaderValue) -> bool {
    const GRPC: &[u8] = b"application/grpc";
    let parts = content_type.as_bytes().split_at_checked(GRPC.len());
    let rest = parts.filter(|(begin, _)| begin.eq_ignore_ascii_case(GRPC)).map(|(_, rest)| rest);
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';' | b' ' | b'\t')))
}

/// Path and query. What no URI can have is percent-encoded; what is encoded stays so.
fn target(path: &str, query: &Texts) -> Option<Uri> {
    if !path.starts_with('/') {
        return None;
    }
    let mut target = String::with_capacity(path.len() + 16);
    for byte in path.bytes() {
        // What `http` and the route table take, but for what begins the query or a fragment.
        let is_plain = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/%".contains(&byte);
        if is_plain {
            target.push(char::from(byte));
        } else {
            // Writing into a text cannot fail.
            let _ = write!(target, "%{byte:02X}");
        }
    }
    if !query.is_empty() {
        target.push('?');
        let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        target.push_str(&encoded);
    }
    target.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_grpc_are_told_from_the_rest() {
        for (kind, expected) in [
            ("application/grpc", true),
            ("Application/gRPC+proto", true),
            ("application/grpc ; charset=utf-8", true),
            ("APPLICATION/GRPC-WEB", false),
            ("application/grpc-web+proto", false),
            ("application/grpcx", false),
            ("application/grp", false),
            ("", false),
        ] {
            assert_eq!(is_grpc(&HeaderValue::from_static(kind)), expected, "{kind}");
        }
    }

    #[test]
    fn a_target_is_one_whatever_the_door_has_decoded() {
        for (path, query, expected) in [
            ("/orders/42%20a", &[][..], "/orders/42%20a"),
            ("/orders/42 a", &[], "/orders/42%20a"),
            ("/caf\u{e9}/?x#y", &[], "/caf%C3%A9/%3Fx%23y"),
            ("/", &[("q", "a b&c=d"), ("\u{fc}", "")], "/?q=a+b%26c%3Dd&%C3%BC="),
            ("/a", &[("tag", "a,b")], "/a?tag=a%2Cb"),
            ("/a//b/../c", &[], "/a//b/../c"),
        ] {
            let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!(target(path, &query).unwrap().to_string(), expected);
        }
        for path in ["", "orders", "*", "http://shop.example/"] {
            assert_eq!(target(path, &Texts::new()), None, "{path}");
        }
    }
}
