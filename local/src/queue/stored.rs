//! The request of an asynchronous call as it is stored: a head like that of HTTP/1, and the body behind it.

use std::sync::Arc;

use bytes::Bytes;
use fc_runtime::platform::names::path;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use crate::call::{Call, CallKind};
use crate::event::{Tail, Via};
use crate::model::Claim;
use crate::registry::Callee;
use crate::wire::{BodyFault, Payload};

/// A request that is carried out later.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredCall {
    /// Whether it is an event, and not a client's own request.
    pub(crate) is_event: bool,
    pub(crate) via: Via,
    pub(crate) method: Method,
    pub(crate) target: Uri,
    /// As they go to the function.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What comes between the head and the body.
const END: &[u8] = b"\r\n\r\n";

impl StoredCall {
    /// An event for a function.
    pub(crate) fn event(via: Via, body: impl Into<Bytes>) -> Self {
        StoredCall {
            is_event: true,
            via,
            method: Method::POST,
            target: Uri::from_static(path::INVOKE),
            headers: Call::event_headers(),
            body: body.into(),
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let size: usize =
            self.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        let target = self.target.to_string();
        let mut out = Vec::with_capacity(size + target.len() + self.body.len() + 64);
        let kind = if self.is_event { "event" } else { "http" };
        for part in [kind, " ", self.via.name(), " ", self.method.as_str(), " ", &target] {
            out.extend_from_slice(part.as_bytes());
        }
        // No header has a line end in its value.
        for (name, value) in &self.headers {
            out.extend_from_slice(b"\r\n");
            out.extend_from_slice(name.as_str().as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value.as_bytes());
        }
        out.extend_from_slice(END);
        out.extend_from_slice(&self.body);
        out
    }

    /// `None` if the bytes are not of [`encode`](Self::encode).
    pub(super) fn decode(bytes: &Bytes) -> Option<Self> {
        let end = bytes.windows(END.len()).position(|window| window == END)?;
        let body = bytes.slice(end + END.len()..);
        let mut lines =
            bytes[..end].split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let mut words = std::str::from_utf8(lines.next()?).ok()?.splitn(4, ' ');
        let is_event = words.next()? == "event";
        let (via, method) = (Via::parse(words.next()?)?, words.next()?.parse().ok()?);
        let target = words.next()?.parse().ok()?;
        let mut headers = HeaderMap::new();
        for line in lines {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = HeaderName::from_bytes(&line[..colon]).ok()?;
            headers.append(name, HeaderValue::from_bytes(line.get(colon + 2..)?).ok()?);
        }
        Some(StoredCall { is_event, via, method, target, headers, body })
    }

    /// The call for one attempt, from 1.
    pub(super) fn into_call(self, id: Arc<str>, callee: Callee, attempt: u32, tail: Option<Tail>) -> Call {
        Call {
            id,
            callee,
            claim: Claim::Any,
            kind: if self.is_event { CallKind::Event } else { CallKind::Http },
            via: self.via,
            attempt,
            method: self.method,
            target: self.target,
            headers: self.headers,
            forwarded: None,
            payload: if self.body.is_empty() { Payload::Empty } else { Payload::whole(self.body) },
            body_fault: BodyFault::default(),
            early: None,
            tail,
            is_probe: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_comes_back_byte_for_byte() {
        let mut headers = HeaderMap::new();
        headers.append("a", HeaderValue::from_static("1"));
        headers.append("a", HeaderValue::from_static(""));
        headers.append("b", HeaderValue::from_bytes(b"caf\xe9: x").unwrap());
        for body in [&b""[..], b"\r\n\r\n", b"\0\xff\r\n"] {
            for is_event in [true, false] {
                let call = StoredCall {
                    is_event,
                    via: Via::CustomDomain,
                    method: Method::from_bytes(b"PURGE").unwrap(),
                    target: "/a%20b?c=d&e".parse().unwrap(),
                    headers: headers.clone(),
                    body: Bytes::copy_from_slice(body),
                };
                assert_eq!(StoredCall::decode(&call.encode().into()), Some(call));
            }
        }
        let bare = StoredCall {
            is_event: false,
            via: Via::HttpTrigger,
            method: Method::OPTIONS,
            target: "*".parse().unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        };
        assert_eq!(StoredCall::decode(&bare.encode().into()), Some(bare));
        assert_eq!(StoredCall::decode(&Bytes::from_static(b"nothing")), None);
    }
}
