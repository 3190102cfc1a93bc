//! The argument of an event handler.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::error::{Error, OrError, StatusError};
use crate::exchange::read::{self, Readable};
use crate::exchange::{Call, HangUp, Shared};
use crate::log::current::Tagged as _;
use crate::platform::{Instance, Invocation};
use crate::trace::TraceContext;

/// One event call: the payload of an API call, a timer, a queue, an object store.
///
/// ```
/// use fc_runtime::App;
/// use serde::Deserialize;
///
/// /// What a timer sends.
/// #[derive(Deserialize)]
/// #[serde(rename_all = "camelCase")]
/// struct Timer { trigger_name: String }
///
/// # fc_runtime::testing::run(async {
/// let app = App::with_state("the shop").event(async |event| {
///     let timer: Timer = event.json()?;
///     Ok(format!("{} in {}", timer.trigger_name, event.state()))
/// });
/// app.test_client().invoke(r#"{"triggerName": "nightly"}"#).await.assert_text("nightly in the shop");
/// # });
/// ```
#[doc(alias = "invoke")]
#[doc(alias = "trigger")]
pub struct Event<S = ()> {
    call: Arc<Call>,
    shared: Arc<Shared<S>>,
    payload: Bytes,
}

impl<S> Event<S> {
    pub(crate) fn new(call: Arc<Call>, shared: Arc<Shared<S>>, payload: Bytes) -> Self {
        Self { call, shared, payload }
    }

    /// The payload as it was sent. It may be empty.
    pub fn bytes(&self) -> &Bytes {
        &self.payload
    }

    /// The payload as text.
    ///
    /// # Errors
    /// 400 when the payload is not UTF-8.
    #[track_caller]
    pub fn text(&self) -> Result<&str, StatusError> {
        std::str::from_utf8(&self.payload).or_bad_request("the payload is not UTF-8")
    }

    /// Reads the payload as JSON.
    ///
    /// # Errors
    /// 400 for broken JSON, with line and column; 422 for a value that does not fit, with the path of the field.
    #[track_caller]
    pub fn json<T: Readable>(&self) -> Result<T, StatusError> {
        read::parse_json(&self.payload).map_err(Error::into_std)
    }

    pub(crate) fn shared(&self) -> &Arc<Shared<S>> {
        &self.shared
    }

    /// The app's state.
    pub fn state(&self) -> &S {
        &self.shared.state
    }

    /// The app's state, as an `Arc` for tasks.
    pub fn state_arc(&self) -> Arc<S> {
        Arc::clone(&self.shared.state)
    }

    /// The platform's facts about this call.
    pub fn invocation(&self) -> Invocation<'_> {
        self.shared.invocation(&self.call)
    }

    /// The trace that this call belongs to: see [`TraceContext`].
    pub fn trace_context(&self) -> &TraceContext {
        self.call.trace_context()
    }

    /// The environment that this instance was started with.
    pub fn instance(&self) -> &Instance {
        &self.shared.instance
    }

    /// The request's id.
    pub fn request_id(&self) -> &str {
        self.call.id.as_str()
    }

    /// Runs blocking work on a separate thread, which a drain waits for. Its log lines carry the request's id.
    ///
    /// A panic of the work continues in the handler.
    ///
    /// # Cancel safety
    /// Dropping the future does not stop the work. The work can ask [`hang_up`](Self::hang_up).
    #[doc(alias = "spawn_blocking")]
    pub fn blocking<F, T>(&self, work: F) -> impl Future<Output = T> + Send + use<F, T, S>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.shared.blocking(&self.call, work)
    }

    /// When this call has to be answered: the platform's deadline, if the platform sends one.
    pub fn deadline(&self) -> Option<Instant> {
        self.shared.deadline(&self.call)
    }

    /// Resolves when the caller has left.
    pub fn hang_up(&self) -> HangUp {
        HangUp::new(Arc::clone(&self.call))
    }
}

impl<S> fmt::Debug for Event<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.payload.len();
        f.debug_struct("Event")
            .field("request_id", &self.call.id)
            .field("bytes", &length)
            .finish_non_exhaustive()
    }
}
