//! The executor, sized to the instance.

use std::thread::available_parallelism;

use tokio::runtime::{Builder, Runtime};

use crate::error::Result;

/// One thread where there is one processor: it needs no locks and no wake-ups between threads.
///
/// The count respects the instance's processor quota.
pub(crate) fn build() -> Result<Runtime> {
    let threads = available_parallelism().map_or(1, usize::from);
    let mut builder = if threads == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    Ok(builder.enable_all().build()?)
}
