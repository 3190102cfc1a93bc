//! Orphans: the processes that a guard leaves behind when it is killed.
//!
//! A killed guard cannot end the descendants of its instance. fc-local is the next subreaper above the guard, and
//! becomes their parent. All other children of fc-local are guards.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions};
use tokio::process::{Child, Command};

use super::proc;

/// The children that are not orphans. A number may be listed twice for a moment, if the kernel gives the number of a
/// reaped guard to the next guard.
static KNOWN: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// How long the processes of a killed guard may take to arrive here and to end.
const END_MAX: Duration = Duration::from_secs(5);

/// The pause between two rounds.
const PAUSE: Duration = Duration::from_millis(5);

fn known() -> MutexGuard<'static, Vec<u32>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes this process the parent of orphans. Children from before the start of fc-local are left alone.
pub(crate) fn adopt() -> io::Result<()> {
    known().extend(proc::children(std::process::id()));
    Ok(rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?)
}

/// Starts a guard, and lists the guard before a round can see it as an orphan.
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

/// Kills every orphan. A dead orphan leaves its children to fc-local, so the rounds go on until no orphan is left.
pub(super) async fn end() {
    let ending = async {
        // The first round may come before the kernel has made the orphans children of fc-local.
        for _ in 0..2 {
            while kill() {
                tokio::time::sleep(PAUSE).await;
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    // A process that survives SIGKILL is blocked in the kernel. Nothing more can be done.
    _ = tokio::time::timeout(END_MAX, ending).await;
}

/// Kills and reaps the current orphans. True if there were any.
fn kill() -> bool {
    let known = known();
    let mut found = false;
    for pid in proc::children(std::process::id()) {
        if known.contains(&pid) {
            continue;
        }
        found = true;
        if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
            // The orphan is not reaped yet, so its number is still valid. If the kill fails, the next round tries
            // again.
            _ = rustix::process::kill_process(pid, Signal::KILL);
            _ = rustix::process::waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }
    found
}
