//! What is recorded of a request while it is answered: its head, the begin of both bodies, and its times.

use std::sync::Arc;
use std::time::SystemTime;

use http::{HeaderMap, Method, Request, Version, header};

use crate::event::{Record, Source, Tail};
use crate::record::{Bodies, Body, End, Headers, Original, Phases, Recorded, Records};
use crate::wire::headers::Peer;
use crate::wire::{ClientBody, Copied};

/// The recorder of one request.
#[derive(Debug)]
pub(crate) struct Recording {
    records: Records,
    /// Where the request came in.
    door: Arc<str>,
    is_tls: bool,
    version: Version,
    method: Method,
    original: Original,
    begun: SystemTime,
    /// Of the request. `None` if it has no body.
    request: Option<Copied>,
    reply: Headers,
    reply_body: Copied,
    tail: Option<Tail>,
    qualifier: Option<Arc<str>>,
    is_probe: bool,
    replay_of: Option<Arc<str>>,
    /// The number in the ring of a call that is under way.
    number: Option<u64>,
}

/// What the visit knows of a call at its end, or while it is under way.
pub(super) struct Known<'a> {
    pub(super) record: &'a Record,
    pub(super) source: &'a Source,
    pub(super) phases: Phases,
    pub(super) end: End,
}

impl Recording {
    /// Records a request from now on. `None` if nothing is recorded.
    pub(super) fn begin(
        records: &Records,
        door: Arc<str>,
        peer: &Peer,
        request: &mut Request<ClientBody>,
    ) -> Option<Box<Self>> {
        let most = records.limits()?.body;
        let copied = request.body_mut().copy(most);
        let target =
            request.uri().path_and_query().map_or_else(|| request.uri().path(), |target| target.as_str());
        let own = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        let host = own.or_else(|| request.uri().authority().map(http::uri::Authority::as_str));
        Some(Box::new(Recording {
            records: records.clone(),
            door,
            is_tls: peer.is_tls(),
            version: request.version(),
            method: request.method().clone(),
            original: Original::new(target, host.unwrap_or_default(), Headers::of(request.headers())),
            begun: SystemTime::now(),
            request: copied,
            reply: Headers::default(),
            reply_body: Copied::new(most),
            tail: None,
            qualifier: None,
            is_probe: false,
            replay_of: records.take_replay(peer.socket()),
            number: None,
        }))
    }

    /// Keeps no bodies: of what changes an account they are code and settings, with their secrets.
    pub(super) fn without_bodies(&self) {
        self.request.iter().chain([&self.reply_body]).for_each(Copied::keep_nothing);
    }

    /// Keeps what the function writes during the call.
    pub(super) fn keep_log(&mut self, tail: &Tail) {
        self.tail = Some(tail.clone());
    }

    pub(super) fn set_qualifier(&mut self, qualifier: Option<&Arc<str>>) {
        self.qualifier = qualifier.cloned();
    }

    pub(super) fn set_probe(&mut self) {
        self.is_probe = true;
    }

    /// The head of the reply, as the client gets it.
    pub(super) fn set_reply(&mut self, headers: &HeaderMap) {
        self.reply = Headers::of(headers);
    }

    /// A piece of the reply's body.
    pub(super) fn copy(&self, data: &[u8]) {
        self.reply_body.push(data);
    }

    /// Shows a call that lasts: the reply has begun.
    pub(super) fn show(&mut self, known: &Known<'_>) {
        let (bytes, total, has_ended) = self.reply_body.peek();
        let call = self.call(known, total);
        let bodies = Bodies::new(self.request_body(false), Body::new(bytes, total, has_ended));
        self.number = self.records.push(call, bodies);
    }

    /// The call is over.
    pub(super) fn finish(mut self, known: &Known<'_>) {
        let (bytes, total, _) = self.reply_body.take();
        let call = self.call(known, total);
        let bodies = Bodies::new(self.request_body(true), Body::new(bytes, total, known.end == End::Sent));
        match self.number.take() {
            Some(number) => self.records.replace(number, call, bodies),
            None => drop(self.records.push(call, bodies)),
        }
    }

    fn request_body(&self, is_last: bool) -> Body {
        let Some(copied) = &self.request else { return Body::empty() };
        let (bytes, total, has_ended) = if is_last { copied.take() } else { copied.peek() };
        Body::new(bytes, total, has_ended)
    }

    fn call(&mut self, known: &Known<'_>, replied: u64) -> Recorded {
        let Known { record, source, phases, end } = known;
        let requested = self.request.as_ref().map_or(0, Copied::total);
        let is_last = *end != End::UnderWay;
        let take = |own: &mut Headers| if is_last { std::mem::take(own) } else { own.clone() };
        Recorded {
            number: 0,
            id: source.request.clone().unwrap_or_else(|| Arc::from("")),
            function: source.function.clone(),
            qualifier: self.qualifier.clone(),
            instance: source.instance.clone(),
            via: record.via,
            attempt: record.attempt,
            is_probe: self.is_probe,
            door: Arc::clone(&self.door),
            is_tls: self.is_tls,
            version: self.version,
            method: self.method.clone(),
            original: if is_last { std::mem::take(&mut self.original) } else { self.original.clone() },
            status: record.status,
            reply: take(&mut self.reply),
            begun: self.begun,
            phases: *phases,
            end: *end,
            cause: record.cause.clone(),
            log: self.tail.as_ref().map(Tail::text).unwrap_or_default().into(),
            socket: record.socket,
            grpc_status: record.grpc_status,
            lengths: [requested, replied],
            replay_of: self.replay_of.clone(),
        }
    }
}
