//! A network of an instance's own, in which the instance has the declared port, whoever has it on this machine.
//!
//! fc-local starts a *keeper* (itself, by another name). The keeper starts a *dispenser*, which makes a network namespace
//! and stays there, and the tool `pasta`, which connects that namespace to this machine's network without rights. The
//! shim of an instance joins the namespace. fc-local calls the instance by sockets that the dispenser makes, so that calls
//! do not pass the tool.

use std::collections::BTreeSet;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};
use tokio::io::{AsyncReadExt, Interest};
use tokio::net::{TcpSocket, TcpStream, UnixStream};
use tokio::process::{ChildStdout, Command};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::port::Port;
use super::role::{KEEPER, NOTHING, SELF};
use super::{orphans, proc};

/// How long a network may take to be made.
const CREATE_MAX: Duration = Duration::from_secs(15);

/// The most of a keeper's report, in bytes.
const REPORT_MAX: u64 = 4096;

/// The most ports of this machine that are shown at the loopback address of the network.
const PORTS_MAX: usize = 256;

/// A network of an instance's own. Dropping the network ends its processes.
#[derive(Debug)]
pub(crate) struct Network {
    control: UnixStream,
    /// How many sockets were asked for and have not arrived yet: those of callers that gave up.
    owed: Mutex<usize>,
    /// The dispenser's process, by which others join the network.
    member: u32,
    ended: CancellationToken,
}

impl Network {
    /// Makes a network in which `declared` is free. What listens on other ports of this machine's loopback address at this
    /// moment is found there at the same address. `Err` says why not.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends what was begun.
    pub(crate) async fn create(declared: u16, tasks: &TaskTracker) -> Result<Self, String> {
        let begun = begin(declared, tasks).map_err(|error| error.to_string());
        let Keeper { control, mut stdout, ended } = begun?;
        let mut report = String::new();
        let reading = async {
            let mut chunk = [0; 256];
            while !report.contains('\n') && (report.len() as u64) < REPORT_MAX {
                match stdout.read(&mut chunk).await {
                    Ok(length) if length > 0 => report.push_str(&String::from_utf8_lossy(&chunk[..length])),
                    _ => break,
                }
            }
        };
        let is_late = tokio::time::timeout(CREATE_MAX, reading).await.is_err();
        let ready = report.trim().strip_prefix("ready ").and_then(|pid| pid.parse().ok());
        match ready {
            Some(member) => Ok(Network { control, owed: Mutex::default(), member, ended }),
            None if is_late => Err(format!("a network was not there within {} s", CREATE_MAX.as_secs())),
            None if report.trim().is_empty() => Err("a network cannot be made".to_owned()),
            None => Err(report.trim().to_owned()),
        }
    }

    /// The network as an argument of a guard or a shim.
    pub(super) fn argument(network: Option<&Self>) -> String {
        network.map_or_else(|| NOTHING.to_owned(), |network| network.member.to_string())
    }

    /// Waits until the network has ended, which it does not before it is dropped unless somebody kills its processes.
    pub(crate) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Connects to an address within the network.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves a socket to the next caller.
    pub(crate) async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let socket = self.socket().await?;
        TcpSocket::from_std_stream(std::net::TcpStream::from(socket)).connect(address).await
    }

    /// A socket that belongs to the network.
    async fn socket(&self) -> io::Result<OwnedFd> {
        let mut owed = self.owed.lock().await;
        if *owed == 0 {
            self.control.async_io(Interest::WRITABLE, || Ok(rustix::io::write(&self.control, b"s")?)).await?;
            *owed += 1;
        }
        let socket = self.control.async_io(Interest::READABLE, || receive(&self.control)).await?;
        *owed -= 1;
        Ok(socket)
    }
}

/// A keeper that was started, and its end.
struct Keeper {
    control: UnixStream,
    stdout: ChildStdout,
    ended: CancellationToken,
}

/// Starts the keeper. A task waits for its end.
fn begin(declared: u16, tasks: &TaskTracker) -> io::Result<Keeper> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let control = UnixStream::from_std(ours)?;
    let mut command = Command::new(SELF);
    command
        .arg(KEEPER)
        .arg(shown(declared))
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0);
    let mut child = orphans::spawn(&mut command)?;
    drop(command);
    let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let keeper = child.id().unwrap_or(0);
    let ended = CancellationToken::new();
    let ends = ended.clone();
    tasks.spawn(async move {
        let status = child.wait().await;
        orphans::forget(keeper);
        ends.cancel();
        if !status.is_ok_and(|status| status.code().is_some()) {
            // A keeper that was killed has left its processes behind.
            orphans::end().await;
        }
    });
    Ok(Keeper { control, stdout, ended })
}

/// The ports of this machine that the network shows, as the tool takes them.
fn shown(declared: u16) -> String {
    let ports: BTreeSet<u16> = proc::local_ports().into_iter().collect();
    let shown = ports.into_iter().filter(|port| *port != declared && !Port::is_given(*port));
    let texts: Vec<String> = shown.take(PORTS_MAX).map(|port| port.to_string()).collect();
    if texts.is_empty() { "none".to_owned() } else { texts.join(",") }
}

/// Takes one socket out of the control socket.
fn receive(control: &UnixStream) -> io::Result<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let message = rustix::net::recvmsg(control, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, flags)?;
    let sockets = ancillary.drain().filter_map(|part| match part {
        RecvAncillaryMessage::ScmRights(sockets) => Some(sockets),
        _ => None,
    });
    match sockets.flatten().next() {
        Some(socket) if message.bytes == 1 => Ok(socket),
        _ => Err(io::Error::new(io::ErrorKind::ConnectionReset, "the network of the instance has ended")),
    }
}
