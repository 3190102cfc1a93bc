//! What is under way on a connection, so that a stop can name it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Method, Request, Uri};
use tokio::time::Instant;

/// The latest request of a connection, or the request of an HTTP/2 stream.
#[derive(Debug, Default)]
pub(super) struct UnderWay(Mutex<Option<Latest>>);

#[derive(Debug)]
struct Latest {
    method: Method,
    uri: Uri,
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
    /// Without the query, in which signatures and tokens live.
    pub(crate) path: String,
    pub(crate) age: Duration,
}

/// What a stop may have to name.
pub(super) trait Ongoing: Send + Sync {
    /// The requests that are under way now.
    fn remaining(&self) -> Vec<Remaining>;
}

impl UnderWay {
    pub(super) fn begin<B>(&self, request: &Request<B>) {
        // Copies of both share their texts.
        let (method, uri) = (request.method().clone(), request.uri().clone());
        *self.lock() = Some(Latest { method, uri, begin: Instant::now(), function: None });
    }

    pub(super) fn set_function(&self, name: Option<&Arc<str>>) {
        if let (Some(latest), Some(name)) = (&mut *self.lock(), name) {
            latest.function = Some(Arc::clone(name));
        }
    }

    pub(super) fn remaining(&self) -> Option<Remaining> {
        self.lock().as_ref().map(|latest| Remaining {
            function: latest.function.clone(),
            method: latest.method.clone(),
            path: latest.uri.path().to_owned(),
            age: latest.begin.elapsed(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Latest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
