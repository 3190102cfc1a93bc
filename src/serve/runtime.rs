//! The executor, sized to the instance.

use std::pin::Pin;
use std::thread::available_parallelism;

use tokio::runtime::{Builder, Runtime};

use crate::error::Result;
use crate::serve::process::Process;

/// Builds one thread per processor of the instance's quota. A single thread needs no locks, and no wake-ups between
/// threads.
pub(crate) fn build() -> Result<Runtime> {
    let threads =
        if Process::own().has_one_processor { 1 } else { available_parallelism().map_or(1, usize::from) };
    let mut builder = if threads == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    Ok(builder.enable_all().build()?)
}

/// Runs `work` to its end. Tokio's code for the entry into a runtime, about 5 KiB, is in the binary once for each type
/// of future. So the type is erased.
#[inline(never)]
pub(crate) fn block_on(runtime: &Runtime, work: Pin<&mut dyn Future<Output = ()>>) {
    runtime.block_on(work);
}
