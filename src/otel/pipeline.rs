//! The spans on their way: a bounded queue, and a task that sends while there are any.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Request, StatusCode};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::error::{BoxError, Error};
use crate::log::say;
use crate::observe::{Ended, Observe};
use crate::otel::client::Client;
use crate::otel::proto::Message;
use crate::otel::settings::{Sampler, Target, shown};
use crate::otel::{Otel, span};
use crate::platform::Instance;
use crate::task::{Kind, Tracker};
use crate::unwind::caught;

/// Where the spans of one app go.
pub(crate) struct Pipeline {
    target: Target,
    tracker: Tracker,
    queue: Mutex<Queue>,
    client: tokio::sync::Mutex<Client>,
    /// Wakes those who wait for an empty queue.
    emptied: Notify,
}

#[derive(Default)]
struct Queue {
    spans: Vec<Vec<u8>>,
    bytes: usize,
    dropped: u64,
    is_sending: bool,
    /// When the collector is tried again, after it failed.
    rests_until: Option<Instant>,
}

/// The bound of the queue, in bytes.
const QUEUE_MAX: usize = 1024 * 1024;

/// Spans that wait for the end of their request are sent from this size on, in bytes.
const SOON: usize = 64 * 1024;

/// How long a collector that failed is left alone.
const REST: Duration = Duration::from_secs(30);

/// The pipeline of the process, for spans of the author's.
static CURRENT: OnceLock<Arc<Pipeline>> = OnceLock::new();

impl Pipeline {
    /// The pipeline of an app. `None` if the environment turns it off, or if it is wrong, which is logged.
    pub(crate) fn open(otel: &Otel, instance: &Instance, tracker: &Tracker) -> Option<Arc<Self>> {
        let target = match otel.target(instance) {
            Ok(target) => target?,
            Err(wrong) => {
                say::error(format_args!("no spans are sent: {}", wrong.join("; ")));
                return None;
            }
        };
        let pipeline = Arc::new(Self {
            target,
            tracker: tracker.clone(),
            queue: Mutex::default(),
            client: tokio::sync::Mutex::default(),
            emptied: Notify::new(),
        });
        let _ = CURRENT.set(Arc::clone(&pipeline));
        Some(pipeline)
    }

    /// The pipeline of the process's first app.
    pub(crate) fn current() -> Option<&'static Arc<Self>> {
        CURRENT.get()
    }

    pub(crate) fn sampler(&self) -> Sampler {
        self.target.sampler
    }

    /// Queues a span, and has the queue sent. A span inside a request waits for that of the request: an export that begins
    /// earlier would only delay it.
    pub(crate) fn push(self: &Arc<Self>, span: Vec<u8>, is_inside_request: bool) {
        let mut queue = self.lock();
        if queue.bytes + span.len() > QUEUE_MAX {
            queue.dropped += 1;
            return;
        }
        queue.bytes += span.len();
        queue.spans.push(span);
        let rests = queue.rests_until.is_some_and(|until| until > Instant::now());
        let waits = is_inside_request && queue.bytes < SOON;
        if waits || queue.is_sending || rests || tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        queue.is_sending = true;
        drop(queue);
        let own = Arc::clone(self);
        self.tracker.spawn(Kind::Export, async move { own.send_all().await });
    }

    /// Returns when all spans are sent, or after the limit. At once if the collector has just failed.
    pub(crate) async fn flush(self: &Arc<Self>) {
        let emptied = async {
            loop {
                let mut next = pin!(self.emptied.notified());
                next.as_mut().enable();
                if !self.lock().is_sending {
                    return;
                }
                next.await;
            }
        };
        if !self.target.flush_within.is_zero() {
            let _ = timeout(self.target.flush_within, emptied).await;
        }
    }

    async fn send_all(self: Arc<Self>) {
        let mut client = self.client.lock().await;
        loop {
            let (batch, dropped) = {
                let mut queue = self.lock();
                if queue.spans.is_empty() {
                    queue.is_sending = false;
                    break;
                }
                queue.bytes = 0;
                (std::mem::take(&mut queue.spans), std::mem::take(&mut queue.dropped))
            };
            if dropped > 0 {
                say::warn(format_args!(
                    "{dropped} spans are lost: more than {QUEUE_MAX} bytes waited to be sent"
                ));
            }
            let limit = self.target.export_within;
            let sent = timeout(limit, self.send(&mut client, &batch)).await;
            let failure = match sent {
                Ok(Ok(status)) if status.is_success() => None,
                Ok(Ok(status)) => Some(format!("it answered {status}")),
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some(format!("it did not answer within {limit:?}")),
            };
            if let Some(failure) = failure {
                let mut queue = self.lock();
                queue.rests_until = Some(Instant::now() + REST);
                queue.is_sending = false;
                drop(queue);
                *client = Client::default();
                let url = shown(&self.target.url.to_string());
                say::warn(format_args!(
                    "{} spans are lost: the collector {url} failed: {failure}",
                    batch.len()
                ));
                break;
            }
        }
        self.emptied.notify_waiters();
    }

    async fn send(&self, client: &mut Client, batch: &[Vec<u8>]) -> Result<StatusCode, BoxError> {
        let mut request = Request::new(Bytes::from(self.message(batch)));
        *request.method_mut() = http::Method::POST;
        let headers = request.headers_mut();
        for (name, value) in &self.target.headers {
            headers.insert(name.clone(), value.clone());
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        let agent = concat!("fc-runtime/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        let url = &self.target.url;
        if let Some(transport) = &self.target.transport {
            *request.uri_mut() = url.clone();
            let sent = caught(|| transport(request)).await.ok_or("the transport panicked")?;
            return Ok(sent.map_err(Error::into_std)?);
        }
        if let Some(authority) = url.authority() {
            let host = authority.as_str().rsplit('@').next().unwrap_or_default();
            request.headers_mut().insert(http::header::HOST, host.parse()?);
        }
        *request.uri_mut() = url.path_and_query().map_or("/", |target| target.as_str()).parse()?;
        client.send(url, &request).await
    }

    /// An `ExportTraceServiceRequest`.
    fn message(&self, batch: &[Vec<u8>]) -> Vec<u8> {
        let mut scope = Message::default();
        scope.text(1, "fc-runtime");
        scope.text(2, env!("CARGO_PKG_VERSION"));
        let mut of_scope = Message::default();
        of_scope.bytes(1, &scope.0);
        for span in batch {
            of_scope.bytes(2, span);
        }
        let mut of_resource = Message::default();
        of_resource.bytes(1, &self.target.resource);
        of_resource.bytes(2, &of_scope.0);
        let mut request = Message::default();
        request.bytes(1, &of_resource.0);
        request.0
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends the span of each request whose trace is recorded.
pub(crate) struct Requests(pub(crate) Arc<Pipeline>);

impl Observe for Requests {
    fn ended(&self, ended: &Ended<'_>) {
        if let Some(trace) = ended.request.known_trace().filter(|trace| trace.is_sampled() == Some(true)) {
            self.0.push(span::of_request(ended, trace), false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Else no span would be sent again, and every reply would wait for its own.
    #[tokio::test]
    async fn a_transport_that_panics_loses_its_spans_and_no_others() {
        let otel = Otel::new().with_transport(|request| async move {
            assert!(request.body().is_empty(), "asked to");
            Ok(StatusCode::OK)
        });
        let tracker = Tracker::default();
        let pipeline = Pipeline::open(&otel, &Instance::from_vars([("", "")]), &tracker).unwrap();
        pipeline.push(vec![0], false);
        pipeline.flush().await;
        tracker.idle().await;
        let queue = pipeline.lock();
        assert!(!queue.is_sending && queue.rests_until.is_some());
    }
}
