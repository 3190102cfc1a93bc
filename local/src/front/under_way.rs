//! What is under way on a connection, so that a stop can name it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Method, Request};
use tokio::time::Instant;

/// How much memory of a path is kept for the next one, in bytes.
const PATH_KEPT: usize = 1024;

/// The latest request of a connection, or the request of an HTTP/2 stream.
#[derive(Debug, Default)]
pub(super) struct UnderWay(Mutex<Option<Latest>>);

#[derive(Debug)]
struct Latest {
    method: Method,
    /// Without the query, in which signatures and tokens live. Its memory serves one request after another.
    path: String,
    begin: Instant,
    function: Option<Arc<str>>,
}

/// A request whose connection is still open: it has no reply yet, its client still sends, or its client has not taken the
/// whole reply.
#[derive(Debug)]
pub(crate) struct Remaining {
    /// `None` if the request is not for a function.
    pub(crate) function: Option<Arc<str>>,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) age: Duration,
}

/// What a stop may have to name.
pub(super) trait Ongoing: Send + Sync {
    /// The requests that are under way now.
    fn remaining(&self) -> Vec<Remaining>;
}

impl UnderWay {
    /// Notes a request, and gives the time of its begin. Its function is to be set at once.
    pub(super) fn begin<B>(&self, request: &Request<B>) -> Instant {
        let begin = Instant::now();
        let mut latest = self.lock();
        let latest = latest.get_or_insert_with(|| Latest {
            method: Method::GET,
            path: String::new(),
            begin,
            function: None,
        });
        latest.begin = begin;
        latest.method.clone_from(request.method());
        latest.path.clear();
        latest.path.shrink_to(PATH_KEPT);
        latest.path.push_str(request.uri().path());
        begin
    }

    pub(super) fn set_function(&self, name: Option<&Arc<str>>) {
        let Some(latest) = &mut *self.lock() else { return };
        let is_known = |own: &Arc<str>| name.is_some_and(|name| Arc::ptr_eq(own, name));
        if !latest.function.as_ref().is_some_and(is_known) {
            latest.function = name.cloned();
        }
    }

    pub(super) fn remaining(&self) -> Option<Remaining> {
        self.lock().as_ref().map(|latest| Remaining {
            function: latest.function.clone(),
            method: latest.method.clone(),
            path: latest.path.clone(),
            age: latest.begin.elapsed(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Latest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
