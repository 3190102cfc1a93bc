//! Waiting for a condition under a bound. The bound only decides when a test gives up, never what it asserts.

use std::time::{Duration, Instant};

/// How long something that must happen may take: longer than any machine needs, shorter than a stage's budget.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Asks until there is an answer, or panics with what was awaited.
#[track_caller]
pub fn until<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    until_within(PATIENCE, what, ask)
}

#[track_caller]
fn until_within<T>(bound: Duration, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + bound;
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < end, "waited {bound:?} in vain for {what}");
        pause();
    }
}

/// Waits until a condition holds.
#[track_caller]
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    until(what, || condition().then_some(()));
}

/// Looks until a number stays what it is. A machine with other work to do may let it rest between two looks, and takes
/// several times as long.
#[track_caller]
pub fn until_settled(what: &str, mut look: impl FnMut() -> u64) -> u64 {
    let (mut before, mut alike) = (0, 0);
    until_within(4 * PATIENCE, &format!("{what} to settle"), || {
        let now = look();
        alike = if before == now { alike + 1 } else { 0 };
        before = now;
        (alike == 20).then_some(now)
    })
}

#[allow(clippy::disallowed_methods, reason = "a pause between two looks; no executor runs on this thread")]
/// The pause between two polls.
pub fn pause() {
    std::thread::sleep(Duration::from_millis(5));
}
