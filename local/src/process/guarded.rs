//! The runner of real processes. Each program runs below a guard, which ends when fc-local ends.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio_util::task::TaskTracker;

use super::contained::Container;
use super::handle::{Exit, Order, Process, Reporter};
use super::mounts::Mounts;
use super::network::Network;
use super::orphans;
use super::pipe::KernelPipe;
use super::proc::{self, Listening};
use super::role::{GUARD, NOTHING, own_file};
use super::runner::{CommandLine, Pipe, Runner, Running};

/// Starts programs as processes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Processes;

/// A process and its descendants, which fc-local reaches through the guard.
#[derive(Debug)]
struct Guarded {
    control: Arc<UnixStream>,
    /// The guard's process, the ancestor of all of the program's processes.
    guard: u32,
}

impl Runner for Processes {
    fn start(&self, line: &CommandLine<'_>, tasks: &TaskTracker) -> io::Result<(Process, Pipe, Pipe)> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let control = Arc::new(UnixStream::from_std(ours)?);
        let mut command_of_guard = Command::new(own_file());
        command_of_guard
            .arg(GUARD)
            .arg(line.group.map_or(OsStr::new(NOTHING), |group| group.folder().as_os_str()))
            .arg(Network::argument(line.network))
            .args(last_wish(line))
            .args(line.mounts.map_or_else(Mounts::no_arguments, Mounts::arguments))
            .args(line.command)
            .current_dir(line.folder)
            .env_clear()
            .envs(line.environment)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C at the terminal must reach only fc-local, which drains the instance first.
            .process_group(0);
        let mut child = orphans::spawn(&mut command_of_guard)?;
        let guard = child.id().unwrap_or(0);
        let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?.into_owned_fd()?;
        let stderr = child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?.into_owned_fd()?;
        let (stdout, stderr): (Pipe, Pipe) =
            (Box::new(KernelPipe::new(stdout)?), Box::new(KernelPipe::new(stderr)?));
        let (process, reporter) = Process::new(Box::new(Guarded { control: Arc::clone(&control), guard }));
        tasks.spawn(follow(child, guard, control, reporter));
        let process = match line.container {
            Some(container) => container.watched(process, tasks),
            None => process,
        };
        Ok((process, stdout, stderr))
    }

    fn has_processes(&self) -> bool {
        true
    }
}

/// What a guard runs if it outlives fc-local, for its arguments: how many words, then the words.
fn last_wish(line: &CommandLine<'_>) -> Vec<String> {
    let words = line.container.map_or_else(Vec::new, Container::removal);
    [vec![words.len().to_string()], words].concat()
}

impl Running for Guarded {
    fn order(&self, order: Order) {
        let line: &[u8] = match order {
            Order::Terminate => b"term\n",
            Order::Kill => b"kill\n",
            Order::Freeze => b"stop\n",
            Order::Thaw => b"cont\n",
        };
        // A few bytes always fit into the socket of a live guard. Orders to a dead guard have no effect. Written past
        // the executor: the executor knows a new socket as writable only after its first wait.
        _ = rustix::io::write(&*self.control, line);
    }

    fn memory(&self) -> u64 {
        proc::memory(self.guard)
    }

    fn cpu(&self) -> Duration {
        proc::cpu(self.guard)
    }

    fn listening(&self) -> Vec<Listening> {
        proc::listening(self.guard)
    }

    fn zombies(&self) -> usize {
        proc::zombies(self.guard)
    }

    fn may_listen_on(&self, port: u16) -> bool {
        proc::may_listen_on(self.guard, port)
    }
}

/// Reads the guard's reports to the end, reaps the guard, and reports how the instance ended.
async fn follow(mut child: Child, guard: u32, control: Arc<UnixStream>, reporter: Reporter) {
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
                Some(Report::Pid(pid)) => reporter.pid(pid),
                Some(Report::Oom(bytes)) => reporter.oom(bytes),
                Some(Report::Disk(bytes)) => reporter.disk(bytes),
                Some(Report::Exit(exit)) => reporter.exit(exit),
                None => {}
            }
        }
    }
    // The guard ends right after its socket. Nobody needs an error of the wait.
    drop(child.wait().await);
    orphans::forget(guard);
    if !reporter.has_told_exit() {
        // The kernel ends the program together with a killed guard, but not the program's children.
        orphans::end().await;
    }
}

enum Report {
    Pid(u32),
    Oom(u64),
    Disk(u64),
    Exit(Exit),
}

fn parse(line: &[u8]) -> Option<Report> {
    let (word, number) = std::str::from_utf8(line).ok()?.trim().split_once(' ')?;
    Some(match word {
        "pid" => Report::Pid(number.parse().ok()?),
        "oom" => Report::Oom(number.parse().ok()?),
        "disk" => Report::Disk(number.parse().ok()?),
        "code" => Report::Exit(Exit::Code(number.parse().ok()?)),
        "signal" => Report::Exit(Exit::Signal(number.parse().ok()?)),
        _ => return None,
    })
}
