//! The handle of one running program.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use super::proc::Listening;
use super::runner::Running;

/// How a program ended. [The example of `Reporter`](Reporter) reports an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exit {
    /// By itself, with this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// SIGKILL.
const KILLED: Exit = Exit::Signal(9);

impl Exit {
    /// The number that a container would show: 128 + the signal's.
    pub(crate) fn code(self) -> i32 {
        match self {
            Exit::Code(code) => code,
            Exit::Signal(signal) => 128 + signal,
        }
    }
}

/// An order to a program. [The example of `Reporter`](Reporter) takes orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// SIGTERM.
    Terminate,
    /// SIGKILL, also to all descendants.
    Kill,
    /// SIGSTOP.
    Freeze,
    /// SIGCONT.
    Thaw,
}

/// A running program with all descendants. [The example of `Reporter`](Reporter) makes one.
#[derive(Debug)]
pub struct Process {
    running: Box<dyn Running>,
    reports: Arc<Reports>,
    exit: watch::Receiver<Option<Exit>>,
}

/// Reports about a program. If a `Reporter` is dropped before the report of an end, the program counts as killed.
///
/// ```
/// use fc_local::runner::{Exit, Listening, Order, Process, Running};
///
/// #[derive(Debug)]
/// struct Idle;
///
/// impl Running for Idle {
///     fn order(&self, _: Order) {}
///     fn memory(&self) -> u64 {
///         0
///     }
///     fn listening(&self) -> Vec<Listening> {
///         Vec::new()
///     }
/// }
///
/// let (process, reporter) = Process::new(Box::new(Idle));
/// reporter.pid(1);
/// reporter.exit(Exit::Code(0));
/// # drop(process);
/// ```
#[derive(Debug)]
pub struct Reporter {
    reports: Arc<Reports>,
    exit: watch::Sender<Option<Exit>>,
}

/// The reports of the guard, except the end.
#[derive(Debug, Default)]
struct Reports {
    /// The process of the program itself; 0 until it is known.
    pid: watch::Sender<u32>,
    /// The memory in use when the kernel killed for lack of memory, in bytes; 0 without such a kill.
    oom: AtomicU64,
    /// The size of `/tmp`, in bytes, if that is more than allowed.
    disk: watch::Sender<u64>,
}

impl Process {
    /// A handle of a program that was just started, and the sender of its reports.
    pub fn new(running: Box<dyn Running>) -> (Self, Reporter) {
        let (sender, exit) = watch::channel(None);
        let reports = Arc::new(Reports::default());
        let reporter = Reporter { reports: Arc::clone(&reports), exit: sender };
        (Process { running, reports, exit }, reporter)
    }

    /// The process of the program itself; 0 until it is known.
    pub(crate) fn pid(&self) -> u32 {
        *self.reports.pid.borrow()
    }

    /// Waits until the process of the program is known. Never returns if the program ends before.
    pub(crate) async fn known(&self) {
        let mut pid = self.reports.pid.subscribe();
        // Fails only when the sender is gone, which is ours.
        _ = pid.wait_for(|pid| *pid != 0).await;
    }

    /// The memory in use when the kernel killed for lack of memory, in bytes; 0 without such a kill. Known once the end
    /// is reported.
    pub(crate) fn oom(&self) -> u64 {
        self.reports.oom.load(Ordering::Relaxed)
    }

    /// Waits until the program's `/tmp` holds more than it may, and gives the size in bytes.
    pub(crate) async fn full_disk(&self) -> u64 {
        let mut disk = self.reports.disk.subscribe();
        let full = disk.wait_for(|bytes| *bytes != 0).await.map(|bytes| *bytes);
        match full {
            Ok(bytes) => bytes,
            // The sender is gone, which is ours.
            Err(_) => std::future::pending().await,
        }
    }

    /// How it ended, if it did.
    pub(crate) fn exit(&self) -> Option<Exit> {
        *self.exit.borrow()
    }

    /// Waits for the end.
    pub(crate) async fn exited(&self) -> Exit {
        let mut exit = self.exit.clone();
        match exit.wait_for(Option::is_some).await {
            Ok(end) => (*end).unwrap_or(KILLED),
            Err(_) => KILLED,
        }
    }

    /// Waits for the end, but no longer than `limit`.
    pub(crate) async fn exited_within(&self, limit: Duration) -> Option<Exit> {
        tokio::time::timeout(limit, self.exited()).await.ok()
    }

    /// Passes an order on. Orders are carried out in sequence. After the end they have no effect.
    pub(crate) fn order(&self, order: Order) {
        self.running.order(order);
    }

    /// The resident memory of the program and its descendants, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.running.memory()
    }

    /// The processor time that the program and its descendants have used.
    pub(crate) fn cpu(&self) -> Duration {
        self.running.cpu()
    }

    /// The ports on which the program listens.
    pub(crate) fn listening(&self) -> Vec<Listening> {
        self.running.listening()
    }

    /// How many processes below the program have ended without anybody who waited for them.
    pub(crate) fn zombies(&self) -> usize {
        self.running.zombies()
    }

    /// Whether the program listens on `port`, as far as the runner can tell.
    pub(crate) fn may_listen_on(&self, port: u16) -> bool {
        self.running.may_listen_on(port)
    }
}

impl Drop for Process {
    /// Ends the program with an order. The guard does not see the socket close: the task that waits for the process
    /// keeps the socket open.
    fn drop(&mut self) {
        self.order(Order::Kill);
    }
}

impl Reporter {
    /// Reports the process of the program itself.
    pub fn pid(&self, pid: u32) {
        self.reports.pid.send_replace(pid);
    }

    /// Reports that the kernel killed for lack of memory, with `bytes` in use. Has to come before the report of the
    /// end.
    pub fn oom(&self, bytes: u64) {
        self.reports.oom.store(bytes, Ordering::Relaxed);
    }

    /// Reports the size of the program's `/tmp`, in bytes, which is more than allowed.
    pub(super) fn disk(&self, bytes: u64) {
        self.reports.disk.send_replace(bytes);
    }

    /// Reports the end of the program. Only the first report counts.
    pub fn exit(&self, exit: Exit) {
        self.exit.send_if_modified(|told| {
            let is_news = told.is_none();
            told.get_or_insert(exit);
            is_news
        });
    }

    pub(super) fn has_told_exit(&self) -> bool {
        self.exit.borrow().is_some()
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.exit(KILLED);
    }
}
