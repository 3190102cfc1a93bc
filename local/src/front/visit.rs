//! Visits. Every request leaves exactly one record in the log, even if the client leaves.

use std::sync::Arc;

use http::{Method, Request, Response};
use tokio::time::Instant;

use super::recording::{Known, Recording};
use crate::call::{Call, Seat};
use crate::event::{AlbVisit, Cause, Kind, Log, Maker, Record, SocketTraffic, Source, Tail, Via};
use crate::failure::Failure;
use crate::fault::Fault;
use crate::model::Edition;
use crate::record::{End, Phases, Records};
use crate::registry::Deployed;
use crate::wire::headers::Peer;
use crate::wire::{ClientBody, Passed, ids};

/// The client left before the answer was complete.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// The API of edition 2.0 whose errors have a shape of their own.
const FC2_API: &str = "/2016-08-15/";

/// The APIs whose errors have the same shape whatever the edition of the function.
const OPEN_APIS: [&str; 2] = ["/2023-03-30/", "/2021-04-06/"];

/// One request at the front. The drop writes the record, even after the client has left.
#[derive(Debug)]
pub(crate) struct Visit {
    log: Log,
    source: Source,
    id: Arc<str>,
    edition: Edition,
    begin: Instant,
    method: Method,
    domain: Option<Arc<str>>,
    path: String,
    status: u16,
    seat: Seat,
    via: Option<Via>,
    attempt: u32,
    socket: Option<SocketTraffic>,
    grpc_status: Option<u32>,
    cause: Option<Box<Cause>>,
    alb: Option<Box<AlbVisit>>,
    /// Whether the head of the reply was sent before its body had ended.
    has_begun: bool,
    is_over: bool,
    /// Whether the reply broke off without a failure that is told.
    is_cut: bool,
    /// `None` if the call is not recorded.
    recording: Option<Box<Recording>>,
}

/// A departure that is injected.
#[derive(Debug)]
pub(super) struct Departure {
    log: Log,
    source: Source,
    ordinal: u64,
    /// How many bytes of the reply's body the client takes.
    pub(super) bytes: u64,
}

impl Departure {
    pub(super) fn tell(&self) {
        let (fault, ordinal) = (Fault::Leave(self.bytes), self.ordinal);
        self.log.emit(&self.source, Kind::FaultInjected { fault, ordinal });
    }
}

/// Whether the client of edition 2.0 asks for a command in an instance, at a path of edition 3.0. It reads the errors of its
/// own.
fn is_exec(path: &str) -> bool {
    path.starts_with(OPEN_APIS[0]) && path.ends_with("/exec")
}

impl Visit {
    pub(crate) fn arrive<B>(log: &Log, request: &Request<B>, begin: Instant) -> Self {
        let id = ids::request();
        Visit {
            log: log.clone(),
            source: Source::default().with_request(&id),
            id,
            edition: if request.uri().path().starts_with(FC2_API) || is_exec(request.uri().path()) {
                Edition::Fc2
            } else {
                Edition::Fc3
            },
            begin,
            method: request.method().clone(),
            domain: None,
            path: request.uri().path().to_owned(),
            status: CLIENT_CLOSED_REQUEST,
            seat: Seat::default(),
            via: None,
            attempt: 0,
            socket: None,
            grpc_status: None,
            cause: None,
            alb: None,
            has_begun: false,
            is_over: false,
            is_cut: false,
            recording: None,
        }
    }

    /// Records the request from now on, if requests are recorded.
    pub(super) fn record(
        &mut self,
        records: &Records,
        door: Arc<str>,
        peer: &Peer,
        request: &mut Request<ClientBody>,
    ) {
        self.recording = Recording::begin(records, door, peer, request);
        if self.recording.is_some() {
            self.seat.times = Some(Box::default());
        }
    }

    /// The request is for fc-local itself, and is not recorded.
    pub(super) fn is_own(&mut self) {
        self.recording = None;
    }

    /// The bodies of the request and its reply are not recorded.
    pub(super) fn record_no_bodies(&self) {
        if let Some(recording) = &self.recording {
            recording.without_bodies();
        }
    }

    /// Where the function's lines go during the call: for its caller if `is_asked`, and for its record.
    pub(crate) fn tail(&mut self, is_asked: bool) -> Option<Tail> {
        let tail = (is_asked || self.recording.is_some()).then(Tail::default)?;
        if let Some(recording) = &mut self.recording {
            recording.keep_log(&tail);
        }
        Some(tail)
    }

    /// The head of the reply is known.
    pub(super) fn set_reply<B>(&mut self, response: &Response<B>) {
        if let Some(recording) = &mut self.recording {
            recording.set_reply(response.headers());
        }
    }

    /// A piece of the reply's body passes.
    pub(super) fn copy(&self, data: &[u8]) {
        if let Some(recording) = &self.recording {
            recording.copy(data);
        }
    }

    pub(crate) fn id(&self) -> Arc<str> {
        Arc::clone(&self.id)
    }

    pub(crate) fn instance(&self) -> Option<&str> {
        self.seat.instance.as_deref()
    }

    pub(super) fn function(&self) -> Option<&Arc<str>> {
        self.source.function.as_ref()
    }

    /// The function is known, and with it the edition: the shape of ids and errors.
    pub(crate) fn set_function(&mut self, function: &Deployed) {
        self.source.function = Some(Arc::clone(&function.name));
        if function.edition() == Edition::Fc2 {
            if !OPEN_APIS.iter().any(|api| self.path.starts_with(api)) {
                self.edition = Edition::Fc2;
            }
            self.id = ids::uuid();
            self.source.request = Some(Arc::clone(&self.id));
        }
    }

    /// The edition whose shape errors have: that of the function, unless the API has its own.
    pub(crate) fn edition(&self) -> Edition {
        self.edition
    }

    /// The request asks for a custom domain.
    pub(crate) fn set_domain(&mut self, name: &Arc<str>) {
        self.domain = Some(Arc::clone(name));
    }

    /// The request has become a call.
    pub(crate) fn set_call(&mut self, call: &Call) {
        (self.via, self.attempt) = (Some(call.via), call.attempt);
        if let Some(recording) = &mut self.recording {
            recording.set_qualifier(call.callee.qualifier.as_ref());
        }
    }

    /// The request has become a call that is carried out later.
    pub(crate) fn set_via(&mut self, via: Via) {
        self.via = Some(via);
    }

    /// The place for the instance of the call. The record has it however the call ends.
    pub(crate) fn seat(&mut self) -> &mut Seat {
        &mut self.seat
    }

    /// The departure that is injected into the reply.
    pub(super) fn take_leaving(&mut self) -> Option<Departure> {
        let (ordinal, bytes) = self.seat.leave.take()?;
        let mut source = self.source.clone();
        source.instance.clone_from(&self.seat.instance);
        Some(Departure { log: self.log.clone(), source, ordinal, bytes })
    }

    /// Notes the traffic of the WebSocket that the request became.
    pub(super) fn set_traffic(&mut self, [from_client, to_client]: [Passed; 2]) {
        self.socket = Some(SocketTraffic {
            messages_from_client: from_client.messages,
            bytes_from_client: from_client.bytes,
            messages_to_client: to_client.messages,
            bytes_to_client: to_client.bytes,
        });
    }

    /// Notes the status of a gRPC call.
    pub(super) fn set_grpc_status(&mut self, code: Option<u32>) {
        self.grpc_status = code;
    }

    /// Notes the part of the load balancer.
    pub(crate) fn set_alb(&mut self, alb: AlbVisit) {
        if alb.is_probe
            && let Some(recording) = &mut self.recording
        {
            recording.set_probe();
        }
        self.alb = Some(Box::new(alb));
    }

    /// Whether the request is a health check of a load balancer.
    pub(crate) fn is_probe(&self) -> bool {
        self.alb.as_ref().is_some_and(|alb| alb.is_probe)
    }

    /// The part of the load balancer, if the request came in there.
    pub(crate) fn alb(&mut self) -> Option<&mut AlbVisit> {
        self.alb.as_deref_mut()
    }

    /// Whether Function Compute itself made the reply: a refusal, or a failure of the function.
    pub(crate) fn is_by_platform(&self) -> bool {
        self.cause.is_some() || self.seat.instance.is_none()
    }

    /// Notes why there is no reply, or no whole one.
    pub(crate) fn set_cause(&mut self, failure: &Failure) {
        self.cause = Some(Box::new(Cause::from(failure)));
    }

    /// Notes the end of a streamed reply whose client has not left.
    pub(crate) fn complete(mut self) {
        self.is_over = true;
    }

    /// Notes that a reply broke off whose client has not left.
    pub(super) fn cut(mut self) {
        (self.is_over, self.is_cut) = (true, true);
    }

    /// The reply is whole.
    pub(super) fn finish(mut self, status: u16) {
        self.status = status;
        self.is_over = true;
    }

    /// The reply's head is sent; its body is still to come.
    pub(super) fn begin_reply(&mut self, status: u16) {
        (self.status, self.has_begun) = (status, true);
        if self.recording.is_some() {
            let (record, source) = (self.record_now(), self.source_now());
            let phases = self.phases(&record);
            let known = Known { record: &record, source: &source, phases, end: End::UnderWay };
            if let Some(recording) = &mut self.recording {
                recording.show(&known);
            }
        }
    }

    /// The record of a reply that is under way.
    fn record_now(&self) -> Record {
        Record {
            method: self.method.clone(),
            domain: self.domain.clone(),
            path: String::new(),
            status: self.status,
            duration: self.begin.elapsed(),
            is_cold: self.seat.is_cold,
            via: self.via,
            attempt: self.attempt,
            socket: self.socket,
            grpc_status: self.grpc_status,
            cause: self.cause.clone(),
            alb: None,
        }
    }

    /// When the call reached which point.
    fn phases(&self, record: &Record) -> Phases {
        let times = self.seat.times.as_deref().copied().unwrap_or_default();
        let since = |point: Option<Instant>| point.map(|point| point.saturating_duration_since(self.begin));
        Phases {
            admitted: since(times.admitted),
            instance: since(times.instance),
            is_cold: record.is_cold,
            sent: since(times.sent),
            head: since(times.head),
            end: record.duration,
        }
    }

    fn source_now(&self) -> Source {
        Source { instance: self.seat.instance.clone(), ..self.source.clone() }
    }

    /// How a visit has ended that ends now.
    fn end(&self) -> End {
        match (self.is_over, &self.cause) {
            (false, _) => End::ClientLeft,
            (true, None) if self.is_cut => End::Cut,
            // A failure after the head: the reply broke off.
            (true, Some(_)) if self.has_begun => End::Cut,
            (true, _) => End::Sent,
        }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let end = self.end();
        let record = Record {
            method: std::mem::take(&mut self.method),
            domain: self.domain.take(),
            path: std::mem::take(&mut self.path),
            status: if self.is_over { self.status } else { CLIENT_CLOSED_REQUEST },
            duration: self.begin.elapsed(),
            is_cold: self.seat.is_cold,
            via: self.via,
            attempt: self.attempt,
            socket: self.socket,
            grpc_status: self.grpc_status,
            cause: self.cause.take().filter(|_| self.is_over),
            alb: self.alb.take().map(|mut alb| {
                // A client that leaves is the load balancer's: the backend has said nothing of 499.
                if !self.is_over {
                    alb.by = Maker::Alb;
                }
                alb
            }),
        };
        self.source.instance = self.seat.instance.take();
        if let Some(recording) = self.recording.take() {
            let phases = self.phases(&record);
            recording.finish(&Known { record: &record, source: &self.source, phases, end });
        }
        self.log.emit_from(std::mem::take(&mut self.source), Kind::Request(record));
    }
}
