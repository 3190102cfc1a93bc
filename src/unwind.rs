//! Panics in `Drop` of the author's values, for which no caller is left.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Drops a value of the author's. A panic in its `Drop` ends here.
pub(crate) fn drop_caught<T>(value: T) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        // Dropping the panic's payload may panic too.
        std::mem::forget(panic);
    }
}
