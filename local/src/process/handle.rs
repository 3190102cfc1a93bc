//! One process with all that it starts, seen from fc-local.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::cgroup::Group;
use super::orphans;
use super::output::{Output, Pipe};
use super::role::{GUARD, NO_GROUP, SELF};

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Code(i32),
    Signal(i32),
}

impl Exit {
    /// The number that a container would show: 128 + the signal's.
    pub(crate) fn code(self) -> i32 {
        match self {
            Exit::Code(code) => code,
            Exit::Signal(signal) => 128 + signal,
        }
    }
}

/// What can be asked of an instance's processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Terminate,
    Kill,
    Freeze,
    Thaw,
}

/// A running command and all that it starts.
#[derive(Debug)]
pub(crate) struct Process {
    control: Arc<UnixStream>,
    guard: u32,
    reports: Arc<Reports>,
    exit: watch::Receiver<Option<Exit>>,
}

/// What the guard told, besides the end.
#[derive(Debug, Default)]
struct Reports {
    /// The instance's own process; 0 until it is known.
    pid: watch::Sender<u32>,
    /// The memory in use when the kernel killed for want of it; 0 if it did not.
    oom: AtomicU64,
}

/// A command that is run to its end.
#[derive(Debug)]
pub(crate) struct CommandLine<'a> {
    pub(crate) command: &'a [String],
    pub(crate) folder: &'a Path,
    pub(crate) environment: &'a BTreeMap<String, OsString>,
    /// Whose memory limit it shares.
    pub(crate) group: Option<&'a Group>,
}

/// How long the last lines of a command that has ended may still be on their way.
const LAST_OUTPUT: Duration = Duration::from_millis(500);

impl CommandLine<'_> {
    /// Runs the command and waits for its end and its output.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the command and everything it started.
    pub(crate) async fn run(&self, output: Output, tasks: &TaskTracker) -> io::Result<Exit> {
        let (process, stdout, stderr) = Process::spawn(self, tasks)?;
        let output = Arc::new(output);
        tasks.spawn(Arc::clone(&output).read(stdout, false));
        tasks.spawn(Arc::clone(&output).read(stderr, true));
        let exit = process.exited().await;
        output.complete(LAST_OUTPUT).await;
        Ok(exit)
    }
}

impl Process {
    /// Starts the command with exactly its environment. Its end is noticed by a task in `tasks`.
    pub(crate) fn spawn(line: &CommandLine<'_>, tasks: &TaskTracker) -> io::Result<(Process, Pipe, Pipe)> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let control = Arc::new(UnixStream::from_std(ours)?);
        let mut command_of_guard = Command::new(SELF);
        command_of_guard
            .arg(GUARD)
            .arg(line.group.map_or(OsStr::new(NO_GROUP), |group| group.folder().as_os_str()))
            .args(line.command)
            .current_dir(line.folder)
            .env_clear()
            .envs(line.environment)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C at the terminal is fc-local's to handle: the instance is drained first.
            .process_group(0);
        let mut child = orphans::spawn(&mut command_of_guard)?;
        let guard = child.id().unwrap_or(0);
        let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?.into_owned_fd()?;
        let stderr = child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?.into_owned_fd()?;
        let (stdout, stderr) = (Pipe::from_owned_fd(stdout)?, Pipe::from_owned_fd(stderr)?);
        let (report, exit) = watch::channel(None);
        let reports = Arc::new(Reports::default());
        tasks.spawn(follow(child, guard, Arc::clone(&control), Arc::clone(&reports), report));
        Ok((Process { control, guard, reports, exit }, stdout, stderr))
    }

    /// The process that all of the instance's processes come from.
    pub(crate) fn guard(&self) -> u32 {
        self.guard
    }

    /// The instance's own process; 0 until it is known.
    pub(crate) fn pid(&self) -> u32 {
        *self.reports.pid.borrow()
    }

    /// Waits until the instance's own process is known. After an end before that it waits for ever.
    pub(crate) async fn known(&self) {
        let mut pid = self.reports.pid.subscribe();
        // Fails only when the sender is gone, which is ours.
        _ = pid.wait_for(|pid| *pid != 0).await;
    }

    /// How much memory was in use when the kernel killed for want of it, in bytes; 0 if it did not. It is
    /// known when the end is.
    pub(crate) fn oom(&self) -> u64 {
        self.reports.oom.load(Ordering::Relaxed)
    }

    /// How it ended, if it did.
    pub(crate) fn exit(&self) -> Option<Exit> {
        *self.exit.borrow()
    }

    /// Waits for the end.
    pub(crate) async fn exited(&self) -> Exit {
        let mut exit = self.exit.clone();
        match exit.wait_for(Option::is_some).await {
            Ok(end) => (*end).unwrap_or(Exit::Signal(9)),
            // The reporting task is gone, and the guard with it.
            Err(_) => Exit::Signal(9),
        }
    }

    /// Waits for the end, but no longer than `limit`.
    pub(crate) async fn exited_within(&self, limit: Duration) -> Option<Exit> {
        tokio::time::timeout(limit, self.exited()).await.ok()
    }

    /// Passes an order to the guard. Orders are carried out in the order given; after the end they are lost.
    pub(crate) fn order(&self, order: Order) {
        let line: &[u8] = match order {
            Order::Terminate => b"term\n",
            Order::Kill => b"kill\n",
            Order::Freeze => b"stop\n",
            Order::Thaw => b"cont\n",
        };
        // A few bytes always fit into the socket of a guard that lives; of a dead one nothing is left to order.
        // Not by way of the executor, which does not know a new socket as writable before it has waited once.
        _ = rustix::io::write(&*self.control, line);
    }
}

impl Drop for Process {
    /// Ends the process: the task that waits for its end keeps the socket open, so the guard would not see
    /// it close.
    fn drop(&mut self) {
        self.order(Order::Kill);
    }
}

/// Reads the guard's reports to the end, reaps it and tells how the instance ended.
async fn follow(
    mut child: Child,
    guard: u32,
    control: Arc<UnixStream>,
    reports: Arc<Reports>,
    report: watch::Sender<Option<Exit>>,
) {
    let mut text = Vec::new();
    let mut chunk = [0; 256];
    loop {
        if control.readable().await.is_err() {
            break;
        }
        match control.try_read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => text.extend_from_slice(&chunk[..length]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(_) => break,
        }
        while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = text.drain(..=end).collect();
            match parse(&line) {
                Some(Report::Pid(pid)) => _ = reports.pid.send_replace(pid),
                Some(Report::Oom(bytes)) => reports.oom.store(bytes, Ordering::Relaxed),
                Some(Report::Exit(exit)) => _ = report.send(Some(exit)),
                None => {}
            }
        }
    }
    // The guard ends right after its socket does; if it cannot be waited for there is nobody to tell.
    drop(child.wait().await);
    orphans::forget(guard);
    if report.borrow().is_none() {
        // A guard that was killed takes the program with it, but not what the program had started.
        orphans::end().await;
    }
    report.send_if_modified(|exit| {
        let is_unknown = exit.is_none();
        exit.get_or_insert(Exit::Signal(9));
        is_unknown
    });
}

enum Report {
    Pid(u32),
    Oom(u64),
    Exit(Exit),
}

fn parse(line: &[u8]) -> Option<Report> {
    let (word, number) = std::str::from_utf8(line).ok()?.trim().split_once(' ')?;
    Some(match word {
        "pid" => Report::Pid(number.parse().ok()?),
        "oom" => Report::Oom(number.parse().ok()?),
        "code" => Report::Exit(Exit::Code(number.parse().ok()?)),
        "signal" => Report::Exit(Exit::Signal(number.parse().ok()?)),
        _ => return None,
    })
}
