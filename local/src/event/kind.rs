//! What happens, as values.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::Method;

/// Something that happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Event {
    /// When.
    pub time: SystemTime,
    /// The function it belongs to.
    pub function: Option<Arc<str>>,
    /// The instance it belongs to.
    pub instance: Option<Arc<str>>,
    /// The request it belongs to.
    pub request: Option<Arc<str>>,
    /// What.
    pub kind: Kind,
}

/// What happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Kind {
    /// A line that an instance wrote to its standard output.
    Stdout(String),
    /// A line that an instance wrote to its standard error.
    Stderr(String),
    /// A line that a build step wrote.
    Build(String),
    /// A request was answered, or its client left.
    Request(Record),
    /// A function answers at this address from now on.
    Ready(Address),
    /// Something worth knowing.
    Info(String),
    /// Something that needs attention.
    Warning(String),
    /// Something that failed.
    Error(String),
}

/// One request in the log.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Record {
    /// The method.
    pub method: Method,
    /// The path without its query, in which signatures and tokens live.
    pub path: String,
    /// The status; 499 when the client left.
    pub status: u16,
    /// From arrival to the end of the answer.
    pub duration: Duration,
    /// Whether an instance had to be started for it.
    pub is_cold: bool,
}

/// Where a function answers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Address {
    /// The function's name.
    pub function: String,
    /// The URL on the main port, by the function's own host name.
    pub host_url: String,
    /// The URL on the function's own port.
    pub port_url: String,
    /// Whether an HTTP trigger leads there; without one only events reach the function.
    pub has_trigger: bool,
}

/// What an event belongs to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Source {
    pub(crate) function: Option<Arc<str>>,
    pub(crate) instance: Option<Arc<str>>,
    pub(crate) request: Option<Arc<str>>,
}

impl Source {
    pub(crate) fn function(name: &Arc<str>) -> Self {
        Source { function: Some(Arc::clone(name)), ..Source::default() }
    }

    pub(crate) fn with_instance(&self, id: &Arc<str>) -> Self {
        Source { instance: Some(Arc::clone(id)), ..self.clone() }
    }

    pub(crate) fn with_request(&self, id: &Arc<str>) -> Self {
        Source { request: Some(Arc::clone(id)), ..self.clone() }
    }
}
