//! What a lifecycle hook holds.

use std::fmt;
use std::sync::Arc;

use crate::exchange::{Call, Shared};
use crate::platform::{Instance, Invocation};

/// What a lifecycle hook holds: the state, the instance, the call that caused it.
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

    /// The app's state, to be moved into a task.
    pub fn state_arc(&self) -> Arc<S> {
        Arc::clone(&self.shared.state)
    }

    /// The environment this instance was started with.
    pub fn instance(&self) -> &Instance {
        &self.shared.instance
    }

    /// What the platform says about the call: the hook's own, or the first request's when that came before the hook.
    pub fn invocation(&self) -> Invocation<'_> {
        self.shared.invocation(&self.call)
    }
}

impl<S> fmt::Debug for Hook<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").field("request_id", &self.call.id).finish_non_exhaustive()
    }
}
