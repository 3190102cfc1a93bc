//! One call as it was.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{Method, Version};

use super::headers::Headers;
use crate::event::{Cause, SocketTraffic, Via};

/// A call, without its bodies. Of the client's own data there is what may be shown; [`Original`] has the rest.
#[derive(Debug)]
pub(crate) struct Recorded {
    /// The number of the call, from 1.
    pub(crate) number: u64,
    /// The request's id, as the client was told.
    pub(crate) id: Arc<str>,
    pub(crate) function: Option<Arc<str>>,
    /// The version or alias that was named.
    pub(crate) qualifier: Option<Arc<str>>,
    pub(crate) instance: Option<Arc<str>>,
    /// `None` if the request was refused before it became a call.
    pub(crate) via: Option<Via>,
    /// The number of the platform's attempt: 1 for the first, 0 without a call.
    pub(crate) attempt: u32,
    /// Whether it is a health check of a load balancer.
    pub(crate) is_probe: bool,
    /// The name of the port at which it came in.
    pub(crate) door: Arc<str>,
    pub(crate) is_tls: bool,
    pub(crate) version: Version,
    pub(crate) method: Method,
    pub(crate) original: Original,
    /// 499 when the client left, 0 while the reply has no status yet.
    pub(crate) status: u16,
    pub(crate) reply: Headers,
    pub(crate) begun: SystemTime,
    pub(crate) phases: Phases,
    pub(crate) end: End,
    pub(crate) cause: Option<Box<Cause>>,
    /// What the function wrote during the call, its last 4 KiB; secrets are masked.
    pub(crate) log: Box<str>,
    pub(crate) socket: Option<SocketTraffic>,
    pub(crate) grpc_status: Option<u32>,
    /// The number of bytes of both bodies, which stays when the bodies have to go.
    pub(crate) lengths: [u64; 2],
    /// The id of the call that was sent once more.
    pub(crate) replay_of: Option<Arc<str>>,
}

/// What the client sent, credentials and all. Only a replay reads it.
#[derive(Clone, Default)]
pub(crate) struct Original {
    /// Path and query.
    pub(super) target: Box<str>,
    /// The host that the request named.
    pub(super) host: Box<str>,
    pub(super) headers: Headers,
}

/// Credentials stay inside.
impl fmt::Debug for Original {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Original").field("headers", &self.headers).finish_non_exhaustive()
    }
}

impl Original {
    pub(crate) fn new(target: &str, host: &str, headers: Headers) -> Self {
        Original { target: target.into(), host: host.into(), headers }
    }

    /// The target, the host and the headers as the client sent them: for a replay alone, and never to be shown.
    pub(crate) fn for_replay(&self) -> (&str, &str, &Headers) {
        (&self.target, &self.host, &self.headers)
    }

    /// The path, without the query.
    pub(crate) fn path(&self) -> &str {
        self.target.split_once('?').map_or(&*self.target, |(path, _)| path)
    }

    /// The host that the request named.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }
}

/// When a call reached which point, counted from its arrival. `None` for a point that it did not reach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Phases {
    /// It was admitted: limits, CORS, method, authentication, version.
    pub(crate) admitted: Option<Duration>,
    /// It had an instance.
    pub(crate) instance: Option<Duration>,
    /// Whether it waited for that instance to start, and not for other calls.
    pub(crate) is_cold: bool,
    /// There was a connection to the instance, and the request was on its way.
    pub(crate) sent: Option<Duration>,
    /// The head of the function's reply had come.
    pub(crate) head: Option<Duration>,
    /// The body had ended, or the call was over otherwise.
    pub(crate) end: Duration,
}

impl Phases {
    /// The phases in their order, with how long each took: the last one that was begun goes to the end.
    pub(crate) fn spans(&self) -> Vec<(&'static str, Duration)> {
        let wait = if self.is_cold { "cold_start" } else { "queue" };
        let ends = [
            ("admission", self.admitted),
            (wait, self.instance),
            ("connect", self.sent),
            ("function", self.head),
            ("body", Some(self.end)),
        ];
        let mut spans = Vec::with_capacity(ends.len());
        let mut begin = Duration::ZERO;
        for (name, end) in ends {
            let Some(end) = end else {
                spans.push((name, self.end.saturating_sub(begin)));
                break;
            };
            spans.push((name, end.saturating_sub(begin)));
            begin = begin.max(end);
        }
        spans
    }
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The reply is under way, as that of a stream or a WebSocket is.
    UnderWay,
    /// The reply was sent to its end.
    Sent,
    /// The client left before.
    ClientLeft,
    /// The reply broke off: the function, the platform or a limit of time ended it.
    Cut,
}

impl End {
    /// The name, which stays as it is.
    pub(crate) fn name(self) -> &'static str {
        match self {
            End::UnderWay => "under_way",
            End::Sent => "sent",
            End::ClientLeft => "client_left",
            End::Cut => "cut",
        }
    }
}

impl Recorded {
    /// The memory that it takes, exact enough for a bound.
    pub(super) fn bytes(&self) -> usize {
        const FIXED: usize = size_of::<Recorded>() + 128;
        let cause = self.cause.as_ref().map_or(0, |cause| size_of::<Cause>() + cause.message.len());
        FIXED
            + self.original.target.len()
            + self.original.host.len()
            + self.original.headers.bytes()
            + self.reply.bytes()
            + self.log.len()
            + self.id.len()
            + cause
    }

    /// Whether the call failed, by its status or that of gRPC, or by its end.
    pub(crate) fn is_error(&self) -> bool {
        self.status >= 500 || self.end == End::Cut || matches!(self.grpc_status, Some(2 | 4 | 13 | 14 | 15))
    }
}
