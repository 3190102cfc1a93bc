//! The faults of instances: late starts, and frozen ones.

use std::time::Duration;

use tokio::time::sleep;

use super::generation::Generation;
use super::instance::Instance;
use crate::event::Kind;
use crate::fault::Fault;
use crate::process::Order;

impl Generation {
    /// Waits before a start, if its fault says so.
    pub(super) async fn delay_start(&self) {
        let Some((ordinal, delay)) = self.faults.as_ref().and_then(|faults| faults.next_start()) else {
            return;
        };
        let fault = Fault::SlowStart(delay);
        self.log.emit(&self.source(), Kind::FaultInjected { fault, ordinal });
        sleep(delay).await;
    }
}

impl Instance {
    /// Freezes the instance for a while.
    ///
    /// # Cancel safety
    ///
    /// The instance goes on when the future is dropped.
    pub(crate) async fn freeze_for(&self, time: Duration) {
        let _frozen = Frozen::begin(self);
        sleep(time).await;
    }
}

struct Frozen<'a>(&'a Instance);

impl<'a> Frozen<'a> {
    fn begin(instance: &'a Instance) -> Self {
        instance.process.order(Order::Freeze);
        Frozen(instance)
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        self.0.process.order(Order::Thaw);
    }
}
