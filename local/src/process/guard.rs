//! Two small processes that stand between fc-local and an instance, so that no instance survives it.
//!
//! fc-local starts a *guard* (itself, by another name) with one end of a socket as its standard input. The
//! guard starts the instance in a process group of its own, passes signals on, and when the socket closes,
//! however fc-local ended, kills everything that came from the instance: as the subreaper of its tree it
//! also finds what left the group. The instance itself is started by way of a *shim*, which asks the kernel
//! to be killed with its guard and then becomes the program. So `kill -9` of fc-local, and of the guard,
//! both end the instance.
//!
//! The socket carries lines. To the guard: `term`, `kill`, `stop`, `cont`. From it: `pid N`, `disk BYTES` if `/tmp` holds too much, `oom BYTES` if the
//! kernel killed for want of memory, then `code N` or `signal N`.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, WaitOptions};

use super::cgroup::Group;
use super::mounts::{self, Mounts};
use super::orders::Orders;
use super::role::{DISPENSER, GUARD, JOIN, KEEPER, MOUNT, NOTHING, SELF, SHIM};
use super::{keeper, proc};

/// Runs as guard, shim, or another process of fc-local's own, if the arguments say so.
pub(crate) fn run(arguments: &[OsString]) -> Option<ExitCode> {
    match arguments.first()?.to_str()? {
        GUARD => Some(guard(&arguments[1..])),
        SHIM => Some(shim(&arguments[1..])),
        JOIN => Some(join(&arguments[1..])),
        MOUNT => Some(mount(&arguments[1..])),
        KEEPER => Some(keeper::keep(&arguments[1..])),
        DISPENSER => Some(keeper::dispense(&arguments[1..])),
        _ => None,
    }
}

fn join(arguments: &[OsString]) -> ExitCode {
    match arguments.first().map(|folder| enter(folder)) {
        Some(Ok(())) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Tells fc-local by its standard output why nothing can be mounted.
fn mount(arguments: &[OsString]) -> ExitCode {
    match mounts::check(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            _ = write!(io::stdout(), "{why}");
            ExitCode::FAILURE
        }
    }
}

/// The control group that the argument names.
fn group(folder: &OsStr) -> Option<Group> {
    (folder != NOTHING).then(|| Group::at(Path::new(folder)))
}

fn enter(folder: &OsStr) -> io::Result<()> {
    group(folder).map_or(Ok(()), |group| group.join())
}

fn guard(arguments: &[OsString]) -> ExitCode {
    match arguments {
        [folder, network, rest @ ..] if try_guard(folder, network, rest).is_ok() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn try_guard(folder: &OsStr, network: &OsStr, rest: &[OsString]) -> io::Result<()> {
    let (last_wish, command) = parse_last_wish(rest).ok_or(io::ErrorKind::InvalidInput)?;
    let (mounts, _) = Mounts::parse(command).ok_or(io::ErrorKind::InvalidInput)?;
    if let Some(mounts) = &mounts {
        mounts.create_scratch()?;
    }
    let control = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let mut child = Command::new(SELF)
        .arg(SHIM)
        .arg(std::process::id().to_string())
        .arg(folder)
        .arg(network)
        .args(command)
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()?;
    let mut report = control.try_clone()?;
    // If fc-local has ended, the write fails. The orders then end too, and the instance with them.
    _ = writeln!(report, "pid {}", child.id());
    let disk = mounts.as_ref().and_then(Mounts::disk);
    let status = Orders::new(control, disk).carry_out(&mut child)?;
    // An empty line is no report. Its write fails if fc-local is gone.
    if let [program, arguments @ ..] = last_wish
        && writeln!(report).is_err()
    {
        // Before the descendants, since no signal ends a paused container. What fails here, the next fc-local removes.
        let mut command = Command::new(program);
        _ = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
    kill_descendants();
    let mut text = String::new();
    if let Some(group) = group(folder) {
        if group.kills().is_some_and(|kills| kills > 0) {
            text = format!("oom {}\n", group.peak());
        }
        group.remove();
    }
    // Fails if fc-local is gone. Nobody needs the report then.
    _ = writeln!(report, "{text}{}", describe(status));
    if let Some(mounts) = mounts {
        mounts.remove_scratch();
    }
    Ok(())
}

/// The command at the front of `arguments` that is run if fc-local is gone, and the arguments behind it.
fn parse_last_wish(arguments: &[OsString]) -> Option<(&[OsString], &[OsString])> {
    let (count, rest) = arguments.split_first()?;
    rest.split_at_checked(count.to_str()?.parse().ok()?)
}

fn describe(status: ExitStatus) -> String {
    match status.signal() {
        Some(signal) => format!("signal {signal}"),
        None => format!("code {}", status.code().unwrap_or(-1)),
    }
}

/// Kills and reaps all processes below this one, such as those that the instance left behind. Each round turns orphans into children.
pub(super) fn kill_descendants() {
    loop {
        for pid in proc::children(std::process::id()) {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                _ = rustix::process::kill_process(pid, Signal::KILL);
            }
        }
        if rustix::process::wait(WaitOptions::empty()).is_err() {
            return;
        }
    }
}

/// "Exec format error".
const EXEC_FORMAT_ERROR: u8 = 8;

/// Whether the kernel can start the file. The C library would pass a file that the kernel refuses to a shell; the
/// platform does not.
fn is_program(file: &Path) -> bool {
    const MACHINE_AT: usize = 18;
    let own: [u8; 2] = match std::env::consts::ARCH {
        "x86_64" => [62, 0],
        "aarch64" => [183, 0],
        // The kernel decides about other formats.
        _ => return true,
    };
    if !file.to_string_lossy().contains('/') {
        return true;
    }
    let mut head = Vec::new();
    // For a program that cannot be opened, exec fails with the right error number.
    let Ok(opened) = std::fs::File::open(file) else { return true };
    if opened.take(MACHINE_AT as u64 + 2).read_to_end(&mut head).is_err() {
        return true;
    }
    head.starts_with(b"#!") || head.starts_with(b"\x7fELF") && head.get(MACHINE_AT..) == Some(&own)
}

/// Becomes the program, tied to the life of its guard. The exit code of a failure is the error's number,
/// as it is on the platform.
fn shim(arguments: &[OsString]) -> ExitCode {
    let [guard, folder, network, rest @ ..] = arguments else { return ExitCode::FAILURE };
    let Some((mounts, [program, rest @ ..])) = Mounts::parse(rest) else { return ExitCode::FAILURE };
    if let Err(error) = enter(folder) {
        // A program must not run without its limit. If nobody reads this text, the exit code remains.
        _ = writeln!(io::stderr(), "cannot enter the control group {}: {error}", folder.display());
        return ExitCode::FAILURE;
    }
    if let Err(error) = keeper::join(network) {
        _ = writeln!(io::stderr(), "cannot enter the network: {error}");
        return ExitCode::FAILURE;
    }
    if let Some(Err(error)) = mounts.map(|mounts| mounts.enter()) {
        _ = writeln!(io::stderr(), "{error}");
        return ExitCode::FAILURE;
    }
    // A user namespace takes the signal away, so it is set after the mounts.
    if rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).is_err() {
        return ExitCode::FAILURE;
    }
    // The guard may have ended before the line above.
    let parent = rustix::process::getppid().map(Pid::as_raw_nonzero);
    if parent.map(|pid| pid.get().to_string()).as_deref() != guard.to_str() {
        return ExitCode::FAILURE;
    }
    if !is_program(Path::new(program)) {
        return ExitCode::from(EXEC_FORMAT_ERROR);
    }
    let error = Command::new(program).args(rest).exec();
    let code = error.raw_os_error().and_then(|number| u8::try_from(number).ok()).unwrap_or(1);
    ExitCode::from(code)
}
