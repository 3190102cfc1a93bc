//! The end of a generation: of its sockets, its streams, its idle instances, and all of them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Pool;
use crate::instance::instance::Instance;
use crate::instance::slots::Slots;

impl Pool {
    /// Asks endless calls, such as WebSockets, to end.
    pub(crate) fn say_goodbye(&self) {
        self.farewell.cancel();
    }

    /// Takes no further calls. Calls in progress are finished. Idle instances are stopped at once, and so are
    /// starting ones, unless a call waits for them. Before [`Pool::open`] waiting calls are turned away.
    pub(crate) fn close(self: &Arc<Self>) {
        self.closed.cancel();
        self.change(Slots::close);
    }

    /// Stops each instance whose calls are all streams. The pre-stop hook and SIGTERM tell the program to end its
    /// streams, as on the platform. A call whose reply has not begun keeps its instance.
    pub(crate) fn end_streams(self: &Arc<Self>) {
        let is_streams = |instance: &Arc<Instance>, calls| instance.streams.load(Ordering::Relaxed) == calls;
        self.change(|slots, effects| slots.stop_where(is_streams, effects));
    }

    /// Stops the idle instances. Gives their number.
    pub(crate) fn stop_idle(self: &Arc<Self>) -> usize {
        self.change(Slots::stop_idle)
    }

    /// Ends every instance at once, in any state. Waiting calls are refused.
    pub(crate) fn abort(self: &Arc<Self>) {
        self.closed.cancel();
        self.change(Slots::abort);
    }

    /// Waits until every instance is gone.
    pub(crate) async fn gone(&self) {
        loop {
            let changed = self.changed.notified();
            if self.lock().slots.is_gone() {
                return;
            }
            changed.await;
        }
    }
}
