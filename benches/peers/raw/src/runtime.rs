//! The executor, sized as the library sizes its own.

use std::io;
use std::thread::available_parallelism;

use tokio::runtime::{Builder, Runtime};

pub(crate) fn build() -> io::Result<Runtime> {
    let threads = available_parallelism().map_or(1, usize::from);
    let mut builder = if threads == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder.enable_all().build()
}
