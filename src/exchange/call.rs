//! One request, shared by everyone who deals with it: the exchange, the record, the body, the log.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::request::Parts;

use crate::cancel::{Departure, PhaseCell, Policy};
use crate::exchange::{Intake, Payload};
use crate::log::current::Tagged;
use crate::platform::RequestId;
use crate::route::Spans;

pub(crate) struct Call {
    pub(crate) id: RequestId,
    pub(crate) head: Parts,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) started: Instant,
    pub(crate) matched: Option<Matched>,
    pub(crate) phase: PhaseCell,
    pub(crate) departure: Departure,
    intake: Mutex<Intake>,
}

/// What the table found for a request.
pub(crate) struct Matched {
    pub(crate) scope: Arc<Scope>,
    pub(crate) spans: Spans,
}

/// The settings of one place: a route with what its groups and the app say.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) pattern: String,
    pub(crate) names: Vec<String>,
    pub(crate) policy: Policy,
    pub(crate) body_limit: usize,
    pub(crate) time_limit: Option<Duration>,
}

impl Call {
    pub(crate) fn new(
        id: RequestId,
        head: Parts,
        body: Payload,
        peer: Option<SocketAddr>,
        matched: Option<Matched>,
    ) -> Self {
        Self {
            id,
            head,
            peer,
            started: Instant::now(),
            matched,
            phase: PhaseCell::default(),
            departure: Departure::default(),
            intake: Mutex::new(Intake::Unread(body)),
        }
    }

    pub(crate) fn intake(&self) -> MutexGuard<'_, Intake> {
        self.intake.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn take_body(&self) -> Payload {
        self.intake().take()
    }

    /// The most a reader takes in.
    pub(crate) fn body_limit(&self) -> usize {
        self.matched
            .as_ref()
            .map_or(crate::platform::limits::BODY_LIMIT_DEFAULT, |matched| matched.scope.body_limit)
    }
}

impl Tagged for Call {
    fn request_id(&self) -> &str {
        self.id.as_str()
    }
}
