//! The kinds of events, with their fields. `event/text.rs` makes sentences of them only when a reader needs them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::details::{
    Address, AsyncNews, BuildFailure, CallInFlight, Cause, DestinationFault, DomainAddress, Ending,
    HookFault, ImageFault, Record, Remark, Unfit, VersionNews,
};
use super::{AccountNews, AlbNews, TimerNews};
use crate::fault::Fault;

/// What happened. [The example of the crate](crate) asks for its name.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Kind {
    /// A line that an instance wrote to its standard output.
    Stdout(String),
    /// A line that an instance wrote to its standard error.
    Stderr(String),
    /// A line that a build step wrote.
    Build(String),
    /// A request was answered, or its client left.
    Request(Record),
    /// A call has no reply, with or without an instance.
    CallFailed(Cause),
    /// The client left while an instance worked on its call.
    CallCancelled {
        /// How long the instance had worked on the call.
        duration: Duration,
        /// The most memory that the instance was seen to use.
        memory_bytes: u64,
    },
    /// An attempt at an asynchronous call has ended, or the call has ended without one.
    AsyncCall(AsyncNews),
    /// A queue, topic or bus of this name would have got a message. Its stand-in has the message.
    MessageStored(String),
    /// The outcome of an asynchronous call did not reach its destination.
    DestinationFailed(DestinationFault),
    /// Asynchronous calls of a former run are carried out from now on.
    QueueResumed {
        /// How many calls wait.
        waiting: u64,
        /// How many of them may have been under way when the former run ended without a word. Each is carried out once more.
        repeated: u64,
    },
    /// The record of an asynchronous call could not be read. It was set aside, and the others go on.
    CallSetAside {
        /// The number of the call, and why.
        error: String,
    },
    /// Asynchronous calls cannot be stored, so they are refused.
    QueueUnavailable {
        /// Why not.
        error: String,
    },
    /// A browser shows a page of the function. From the platform's built-in domain the browser would download the page.
    AttachmentLeftOut,
    /// A reply names two origins for CORS: one of `corsConfig`, one of the function. Browsers refuse such a reply.
    OriginsDoubled,
    /// A client calls by gRPC in plain text, which the platform refuses.
    GrpcPlaintext,
    /// The handshake of TLS with a client failed.
    TlsRefused {
        /// The fault, such as the alert that the client sent.
        error: String,
    },
    /// A fault was injected, as `--chaos` asks.
    FaultInjected {
        /// Which one.
        fault: Fault,
        /// The number of the function's call, or of its start, from 1.
        ordinal: u64,
    },
    /// An instance takes calls from now on.
    InstanceStarted {
        /// Its own process.
        process_id: u32,
        /// How long the start took.
        duration: Duration,
    },
    /// An instance did not start.
    InstanceStartFailed(Cause),
    /// The program does not listen yet, although a usual start would be over.
    InstanceNotListening {
        /// `FC_CUSTOM_LISTEN_PORT`.
        given_port: u16,
        /// The wait so far.
        waited: Duration,
        /// The last line of the program's output, if there is any.
        last_line: Option<String>,
    },
    /// The program listens on the declared port instead of the given port. Only one instance can run.
    PortIgnored {
        /// `FC_CUSTOM_LISTEN_PORT`.
        given_port: u16,
        /// Where it listens.
        port: u16,
    },
    /// The program listens on the given or the declared port, at an address where the platform does not reach it.
    PortUnreachable {
        /// The given or the declared port.
        port: u16,
    },
    /// The program listens on neither the given nor the declared port, but on others.
    PortUnexpected {
        /// `FC_CUSTOM_LISTEN_PORT`.
        given_port: u16,
        /// Where it listens: the first 16 ports in order.
        ports: Vec<u16>,
    },
    /// A port that the program may want is held by another process.
    PortHeld {
        /// The declared port.
        port: u16,
        /// The process that listens on the port.
        process_id: u32,
        /// The command line of the process.
        program: String,
        /// The function whose instance the process is, if it is one.
        holder: Option<String>,
    },
    /// The program is on this machine, but not on the search path that the manifest sets.
    ProgramHidden {
        /// The name of the program.
        program: String,
        /// Where this machine has the program.
        found: PathBuf,
        /// Where the program was looked for, in order.
        searched: Vec<PathBuf>,
    },
    /// A start failed, and the function has layers that are not here.
    LayersMissing {
        /// The layers of the manifest.
        layers: Vec<String>,
    },
    /// The program keeps to this port, the declared one: each further instance has a network of its own.
    NetworkOwn(u16),
    /// The system does not start the function's program.
    ProgramUnfit {
        /// The program, as the manifest names it.
        program: String,
        /// What is wrong with it.
        fault: Unfit,
    },
    /// fc-local killed an instance.
    InstanceKilled {
        /// Its own process.
        process_id: u32,
        /// How long its end was waited for after SIGTERM. `None` if there was no wait: calls were ended with the instance.
        waited: Option<Duration>,
    },
    /// The program closed a kept connection. Told once for each generation.
    ConnectionClosedEarly {
        /// How long the connection had been without a call, at most.
        within: Duration,
    },
    /// The program answers HTTP/1.0. Told once for each generation.
    AnswersHttp10,
    /// The folder `/tmp` of an instance holds more than the platform allows.
    DiskExceeded {
        /// The size of the files in `/tmp`, in bytes.
        bytes: u64,
        /// The size of the function's disk, in MiB.
        limit_mib: u32,
    },
    /// There is no control group for an instance. Its memory is sampled.
    InstanceMemorySampled {
        /// The system's error.
        error: String,
    },
    /// An instance failed its health checks and gets no new calls.
    InstanceUnhealthy {
        /// The path of the health check.
        path: String,
        /// How the last check failed.
        fault: HookFault,
    },
    /// An instance passes its health checks again.
    InstanceHealthy,
    /// An instance exceeded its memory limit, and was killed.
    InstanceOverMemory {
        /// The memory in use at the kill, in bytes.
        memory_bytes: u64,
        /// The memory limit, in MiB.
        limit_mib: u32,
    },
    /// An instance ended by itself, or by other hands than fc-local's.
    InstanceEnded(Ending),
    /// The pre-stop hook of an instance failed. The instance is stopped nevertheless.
    PreStopFailed {
        /// Whether the hook is a command.
        is_command: bool,
        /// How it failed.
        fault: HookFault,
    },
    /// The pre-freeze hook of an instance failed. The instance is frozen nevertheless.
    PreFreezeFailed {
        /// Whether the hook is a command.
        is_command: bool,
        /// How it failed.
        fault: HookFault,
    },
    /// An instance is still there after SIGKILL.
    InstanceNotEnded {
        /// Its own process.
        process_id: u32,
    },
    /// An instance was stopped: it was idle, replaced, or fc-local stops.
    InstanceStopped,
    /// A function with schedules keeps so many instances from now on.
    InstancesKept {
        /// The number.
        count: usize,
        /// The name of the schedule; `None` if none is in effect.
        schedule: Option<String>,
    },
    /// A timer trigger runs, fires, or was missed.
    Timer(TimerNews),
    /// What clients of the API changed.
    Account(AccountNews),
    /// A load balancer listens, or its backends change.
    Alb(AlbNews),
    /// A build step begins.
    BuildStarted {
        /// The command, with secrets masked.
        command: String,
    },
    /// A build step ended well.
    BuildFinished {
        /// How long the step took.
        duration: Duration,
    },
    /// A build step failed.
    BuildFailed(BuildFailure),
    /// A build step failed, which its `allow_failure` allows. The next step follows.
    BuildFailureAllowed(BuildFailure),
    /// Each build changes these files, so their change starts no build.
    BuildProducts {
        /// The files.
        files: Vec<PathBuf>,
    },
    /// Each build changes other files. The next one follows the next change.
    BuildUnsettled,
    /// The code of a function cannot be taken.
    CodeMissing {
        /// The path of the code in the manifest.
        code: PathBuf,
        /// The system's error.
        error: String,
    },
    /// The image of a function is not on this machine, or nothing that runs containers.
    ImageMissing(ImageFault),
    /// The code is larger than the platform accepts. fc-local runs the code in place, without a copy.
    CodeRunInPlace {
        /// The folder.
        code: PathBuf,
    },
    /// The copy of a large code folder is under way.
    CodeCopying {
        /// The folder.
        code: PathBuf,
        /// The size so far, in bytes.
        copied: u64,
        /// The size of the folder, in bytes.
        bytes: u64,
    },
    /// A folder of the platform's image stands for a program of this machine.
    InterpreterMapped {
        /// The folder in the platform's image.
        folder: PathBuf,
        /// The program of this machine.
        program: PathBuf,
    },
    /// Folders whose changes start a build or a swap. Logged at the start.
    Watching {
        /// What is watched.
        folders: Vec<PathBuf>,
        /// Whether the function has build steps.
        builds: bool,
    },
    /// A function answers at this address from now on.
    Ready(Address),
    /// A custom domain answers from now on.
    DomainReady(DomainAddress),
    /// New calls go to the new code.
    Swapped,
    /// The new code does not start. The former code goes on.
    SwapRefused(Cause),
    /// Calls of the former code were ended, since the new code needs its port.
    DrainExceeded {
        /// How long they had been waited for.
        limit: Duration,
    },
    /// The former code does not end. The new code is started all the same.
    FormerCodeRemains,
    /// `fc-local dev` cannot start, and ends.
    NotStarted {
        /// The reason, as on the standard error: several lines if a manifest has several mistakes.
        error: String,
    },
    /// The manifest changed and is used.
    ManifestChanged,
    /// The manifest changed and cannot be used. The former one goes on.
    ManifestInvalid {
        /// The file.
        file: PathBuf,
        /// All that was found.
        problems: Vec<Remark>,
    },
    /// A setting in the manifest has no effect here, or may be a mistake.
    ManifestNote {
        /// The file.
        file: PathBuf,
        /// The note.
        note: Remark,
    },
    /// So many errors in the manifest would show at a deployment alone.
    DoctorFindings(usize),
    /// The port of a function changed in the manifest. The new port takes effect after a restart of fc-local.
    PortChangeIgnored,
    /// A function is no longer in the manifest, and was stopped.
    FunctionRemoved,
    /// The versions or aliases of a function changed.
    VersionsChanged(VersionNews),
    /// Another `fc-local dev` of this project runs.
    ProjectShared {
        /// Its main address.
        address: SocketAddr,
    },
    /// The stored versions of a function cannot be read.
    VersionsNotRead {
        /// The system's error.
        error: String,
    },
    /// Changes in a folder are not noticed.
    FolderNotWatched {
        /// The folder.
        folder: PathBuf,
        /// The system's error.
        error: String,
    },
    /// The port of a function cannot be opened.
    PortNotOpened {
        /// The intended address.
        address: SocketAddr,
        /// The system's error.
        error: String,
    },
    /// Another program listens on the same port of `::1`. Clients that try IPv6 first reach the other program.
    Ipv6PortTaken {
        /// The port.
        port: u16,
    },
    /// The ports take TLS too.
    TlsReady {
        /// The certificate of the authority, which clients have to trust.
        certificate: PathBuf,
    },
    /// The ports take no TLS.
    TlsUnavailable {
        /// Why not.
        error: String,
    },
    /// The console is at these addresses: for browsers, which know that `*.localhost` is this machine, and for other clients.
    ConsoleReady([String; 2]),
    /// gRPC calls come in there.
    GrpcReady {
        /// The address that is bound.
        address: SocketAddr,
    },
    /// Memory limits are held by sampling, since control groups cannot be used.
    MemoryLimitsSampled {
        /// Why not.
        reason: String,
    },
    /// The platform's folders are replaced by this machine's in commands and variables: why they cannot be mounted.
    FoldersTranslated(String),
    /// Why instances cannot have networks of their own here, which a program needs that keeps to its port.
    NetworksUnavailable(String),
    /// fc-local stops, and calls of a function are still in flight.
    CallsRemain {
        /// The calls in flight or without an instance, and the clients that have not taken their replies.
        calls: usize,
        /// How long the calls may go on.
        left: Duration,
        /// The oldest of them, as far as their connections are known.
        oldest: Vec<CallInFlight>,
    },
    /// fc-local stops, and calls that were still under way after the drain time were ended.
    CallsEnded,
    /// This reader was too slow: lines of its function were dropped, or events of fc-local if it has no function.
    EventsDropped {
        /// The number of dropped events.
        events: u64,
        /// The memory of the dropped events, in bytes.
        bytes: u64,
    },
}
