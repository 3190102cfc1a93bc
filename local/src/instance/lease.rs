//! The right to one call.

use std::sync::Arc;

use super::Instance;
use super::pool::Pool;

/// The right to one call of an instance; dropping it gives the slot back.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) instance: Arc<Instance>,
    pub(super) pool: Arc<Pool>,
    /// Whether the call waited for this instance to start.
    pub(crate) is_cold: bool,
}

impl Lease {
    /// See [`Pool::replace`].
    pub(crate) fn replace(&self) {
        self.pool.replace(&self.instance);
    }

    /// See [`Pool::retire`].
    pub(crate) fn retire(&self) {
        self.pool.retire(&self.instance);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.pool.give_back(&self.instance);
    }
}
