//! The processes of a network: the keeper, the dispenser, and the tool that connects the network to the outside.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use rustix::process::Signal;
use rustix::thread::{CapabilitySet, CapabilitySets, LinkNameSpaceType, UnshareFlags};

use super::guard::kill_descendants;
use super::mounts::unshare_as_user;
use super::resolver;
use super::role::{DISPENSER, NOTHING, SELF};

/// The tool, of Debian's package `passt`.
const TOOL: &str = "pasta";

/// How long the tool may take to connect a network.
const TOOL_MAX: Duration = Duration::from_secs(10);

/// How often the tool is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(2);

/// The most that is read of the tool's errors, in bytes.
const ERRORS_MAX: u64 = 4096;

/// The dispenser has the rights of root on this machine, and has made no user namespace.
const AS_ROOT: &str = "root";
/// The dispenser has made a user namespace.
const AS_USER: &str = "user";

/// Keeps a network until fc-local has no more use for it. Tells by its standard output which process is in the network, or
/// why there is none.
pub(super) fn keep(arguments: &[OsString]) -> ExitCode {
    let outcome = arguments.first().ok_or_else(String::new).and_then(|ports| try_keep(ports));
    kill_descendants();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // Nobody reads it if fc-local has ended.
            _ = write!(io::stdout(), "{why}");
            ExitCode::FAILURE
        }
    }
}

fn try_keep(ports: &OsStr) -> Result<(), String> {
    let said = |error: io::Error| error.to_string();
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(|error| said(error.into()))?;
    let mut dispenser = Command::new(SELF)
        .arg(DISPENSER)
        .arg(std::process::id().to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(said)?;
    let mut report = String::new();
    if let Some(stdout) = dispenser.stdout.take() {
        BufReader::new(stdout).read_line(&mut report).map_err(said)?;
    }
    let member = dispenser.id();
    let mut tool = Command::new(TOOL);
    tool.args(["--quiet", "--config-net", "-t", "none", "-u", "none", "-U", "none", "-T"]).arg(ports);
    if resolver::is_on_loopback() {
        tool.args(["--dns-forward", resolver::IN_NETWORKS]);
    }
    match report.trim() {
        AS_USER => tool.arg(member.to_string()),
        // The tool would give the rights up that it needs for the namespace of root.
        AS_ROOT => {
            tool.args(["--runas", "0:0", "--netns-only", "--netns", &format!("/proc/{member}/ns/net")])
        }
        why => return Err(format!("a network namespace cannot be made: {why}")),
    };
    connect(tool.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()))?;
    writeln!(io::stdout(), "ready {member}").map_err(said)?;
    dispenser.wait().map(drop).map_err(said)
}

/// Runs the tool until it has gone to the background, which it does when the network is there.
fn connect(tool: &mut Command) -> Result<(), String> {
    let mut child = match tool.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(format!("there is no program `{TOOL}` (package passt)"));
        }
        Err(error) => return Err(format!("cannot start {TOOL}: {error}")),
    };
    let Some(status) = wait(&mut child).map_err(|error| error.to_string())? else {
        return Err(format!("{TOOL} has not connected a network within {} s", TOOL_MAX.as_secs()));
    };
    if status {
        return Ok(());
    }
    let mut errors = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        // What cannot be read is not told.
        _ = stderr.take(ERRORS_MAX).read_to_end(&mut errors);
    }
    Err(format!("{TOOL} fails: {}", reason(&String::from_utf8_lossy(&errors))))
}

/// The last line of the tool's errors that is none about the system's log.
fn reason(errors: &str) -> &str {
    let is_of_log = |line: &&str| line.contains("syslog");
    errors
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty() && !is_of_log(line))
        .unwrap_or("it says nothing")
}

/// Whether the tool has succeeded. `None` if it takes too long.
#[expect(clippy::disallowed_methods, reason = "the process has one thread and nothing else to do")]
fn wait(child: &mut Child) -> io::Result<Option<bool>> {
    let begin = Instant::now();
    while begin.elapsed() < TOOL_MAX {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        std::thread::sleep(LOOK);
    }
    Ok(None)
}

/// Makes a network namespace, and sockets in it: one for each byte of the standard input, which is a socket of fc-local's.
pub(super) fn dispense(arguments: &[OsString]) -> ExitCode {
    let made = make();
    let report = made.as_ref().map_or_else(ToString::to_string, |way| (*way).to_owned());
    // A user namespace takes the signal away, so it is set afterwards.
    let tied = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    let parent = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().to_string());
    let is_tied = tied.is_ok() && parent.as_deref() == arguments.first().and_then(|keeper| keeper.to_str());
    if writeln!(io::stdout(), "{report}").is_err() || made.is_err() || !is_tied {
        return ExitCode::FAILURE;
    }
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Moves this process, which must have one thread, to a new network.
fn make() -> io::Result<&'static str> {
    #[expect(deprecated, reason = "what makes it unsafe is the flag `FILES` alone")]
    let as_root =
        rustix::process::geteuid().is_root() && rustix::thread::unshare(UnshareFlags::NEWNET).is_ok();
    if !as_root {
        unshare_as_user(UnshareFlags::NEWNET)?;
    }
    // As in a container of the platform, where programs are root. Without the setting low ports are out of reach.
    _ = fs::write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
    if as_root {
        // The tool keeps a few of root's rights, and may not look at a process that has more.
        let none = CapabilitySet::empty();
        rustix::thread::set_capabilities(
            None,
            CapabilitySets { effective: none, permitted: none, inheritable: none },
        )?;
    }
    Ok(if as_root { AS_ROOT } else { AS_USER })
}

fn serve() -> io::Result<()> {
    let stdin = io::stdin();
    let mut asked = [0];
    while rustix::io::read(&stdin, &mut asked)? == 1 {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
        let sockets = [socket.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        ancillary.push(SendAncillaryMessage::ScmRights(&sockets));
        rustix::net::sendmsg(&stdin, &[IoSlice::new(b"s")], &mut ancillary, SendFlags::NOSIGNAL)?;
    }
    Ok(())
}

/// Moves this process, which must have one thread, to the network of the process `member`.
pub(super) fn join(member: &OsStr) -> io::Result<()> {
    if member == NOTHING {
        return Ok(());
    }
    let file = |kind: &str| format!("/proc/{}/ns/{kind}", member.display());
    if fs::read_link(file("user"))? != fs::read_link("/proc/self/ns/user")? {
        let user = File::open(file("user"))?;
        rustix::thread::move_into_link_name_space(user.as_fd(), Some(LinkNameSpaceType::User))?;
    }
    let network = File::open(file("net"))?;
    Ok(rustix::thread::move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_the_last_line_that_is_one() {
        for (errors, expected) in [
            (
                "Failed to send 59 bytes to syslog\nNo external routable interface for IPv6\nFailed to send 1 bytes to syslog\n",
                "No external routable interface for IPv6",
            ),
            (
                "Failed to open() /dev/net/tun: Permission denied\n\n",
                "Failed to open() /dev/net/tun: Permission denied",
            ),
            ("", "it says nothing"),
        ] {
            assert_eq!(reason(errors), expected);
        }
    }
}
