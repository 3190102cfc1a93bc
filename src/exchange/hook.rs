//! The argument of a lifecycle hook.

use std::fmt;
use std::sync::Arc;

use crate::exchange::{Call, Shared};
use crate::platform::{Instance, Invocation};

/// The argument of a lifecycle hook: the state, the instance, and the call that caused the hook.
///
/// ```
/// use fc_runtime::App;
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// # fc_runtime::testing::run(async {
/// let client = App::with_state(AtomicU32::new(0))
///     .on_initialize(async |hook| hook.state().store(42, Ordering::Relaxed))
///     .get("/", async |ex| ex.state().load(Ordering::Relaxed).to_string())
///     .test_client();
/// client.get("/").await.assert_text("42");
/// # });
/// ```
#[doc(alias = "lifecycle")]
pub struct Hook<S = ()> {
    call: Arc<Call>,
    shared: Arc<Shared<S>>,
}

impl<S> Hook<S> {
    pub(crate) fn new(call: Arc<Call>, shared: Arc<Shared<S>>) -> Self {
        Self { call, shared }
    }

    /// The app's state.
    pub fn state(&self) -> &S {
        &self.shared.state
    }

    /// The app's state, as an `Arc` for tasks.
    pub fn state_arc(&self) -> Arc<S> {
        Arc::clone(&self.shared.state)
    }

    /// The environment that this instance was started with.
    pub fn instance(&self) -> &Instance {
        &self.shared.instance
    }

    /// The platform's facts about the call. If a request came before its hook, these are the facts of that request.
    pub fn invocation(&self) -> Invocation<'_> {
        self.shared.invocation(&self.call)
    }
}

impl<S> fmt::Debug for Hook<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").field("request_id", &self.call.id).finish_non_exhaustive()
    }
}
