//! Whether instances are kept although nothing calls them.

use super::Pool;

impl Pool {
    /// Keeps as many instances as the settings say, or none, as long as the function is disabled. Starts nothing by
    /// itself, and stops nothing.
    pub(crate) fn set_kept(&self, is_kept: bool) {
        let count = if is_kept { self.generation.instances_min() } else { 0 };
        self.lock().slots.set_kept(count);
    }
}
