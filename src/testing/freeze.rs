//! A freeze: time passes, and nothing runs.

use std::time::Duration;

use tokio::time::{self, Instant};

/// Freezes this process for so long, as the platform freezes an instance between requests: no task runs meanwhile, and
/// at the thaw the clock has moved on. Timers that fell due then fire all at once. It takes no time.
///
/// It moves tokio's clock, by which `tokio::time` and the limits of this crate go. `std::time` is not moved.
///
/// ```
/// use fc_runtime::testing;
/// use std::time::Duration;
/// use tokio::time::Instant;
///
/// testing::run(async {
///     let before = Instant::now();
///     testing::freeze(Duration::from_secs(3600)).await;
///     assert!(before.elapsed() >= Duration::from_secs(3600));
/// });
/// ```
///
/// # Panics
/// In a runtime with several threads, because the tasks of the others could not be held. [`run`](super::run) has one.
#[doc(alias = "thaw")]
#[doc(alias = "clock")]
pub async fn freeze(duration: Duration) {
    let was_paused = is_paused();
    if !was_paused {
        time::pause();
    }
    time::advance(duration).await;
    if !was_paused {
        time::resume();
    }
}

/// Whether the test has paused the clock. tokio has no question for it.
fn is_paused() -> bool {
    let before = Instant::now();
    let begun = std::time::Instant::now();
    while begun.elapsed().is_zero() {}
    Instant::now() == before
}
