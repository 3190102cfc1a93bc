//! What a guard leaves behind when it is killed itself.
//!
//! Such a guard cannot look for the processes that came from its instance. As the next subreaper above it
//! fc-local becomes their parent, and its own children are guards and nothing else.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions};
use tokio::process::{Child, Command};

use super::proc;

/// The children that are no orphans. A number may stand here twice for a moment, when the system gives the
/// number of a guard that was reaped to the next one.
static KNOWN: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// How long the processes of a killed guard may take to arrive here and to end.
const END_MAX: Duration = Duration::from_secs(5);

/// The pause before it is looked again.
const PAUSE: Duration = Duration::from_millis(5);

fn known() -> MutexGuard<'static, Vec<u32>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes this process the parent of orphans. The children it was started with are not ours to end.
pub(crate) fn adopt() -> io::Result<()> {
    known().extend(proc::children(std::process::id()));
    Ok(rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?)
}

/// Starts a guard, which is no orphan from its first moment on.
pub(super) fn spawn(command: &mut Command) -> io::Result<Child> {
    let mut known = known();
    let child = command.spawn()?;
    known.extend(child.id());
    Ok(child)
}

/// The guard was reaped.
pub(super) fn forget(guard: u32) {
    let mut known = known();
    if let Some(at) = known.iter().position(|pid| *pid == guard) {
        known.swap_remove(at);
    }
}

/// Ends every orphan. Each one that ends makes its own children ours, so it is looked again until none is
/// left.
pub(super) async fn end() {
    let ending = async {
        // The first look may come before the kernel has handed them over.
        for _ in 0..2 {
            while kill() {
                tokio::time::sleep(PAUSE).await;
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    // What does not end by SIGKILL waits for the system, and nothing more can be done here.
    _ = tokio::time::timeout(END_MAX, ending).await;
}

/// Kills and reaps the orphans that are there; whether there were any.
fn kill() -> bool {
    let known = known();
    let mut found = false;
    for pid in proc::children(std::process::id()) {
        if known.contains(&pid) {
            continue;
        }
        found = true;
        if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
            // Not reaped yet, so the number is still its own. If it cannot be killed, the next look sees it.
            _ = rustix::process::kill_process(pid, Signal::KILL);
            _ = rustix::process::waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }
    found
}
