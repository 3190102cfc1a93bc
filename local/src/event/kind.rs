//! The kinds of events, with their fields.
//!
//! A kind holds no sentence. `event/text.rs` makes the sentences only when a reader needs them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::details::{Address, BuildFailure, Cause, Ending, HookFault, Record, Remark};
use super::level::Level;

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
    /// A browser shows a page of the function. From the platform's built-in domain the browser would download the page.
    AttachmentLeftOut,
    /// A client calls by gRPC in plain text, which the platform refuses.
    GrpcPlaintext,
    /// The handshake of TLS with a client failed.
    TlsRefused {
        /// The fault, such as the alert that the client sent.
        error: String,
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
    /// An instance is still there after SIGKILL.
    InstanceNotEnded {
        /// Its own process.
        process_id: u32,
    },
    /// An instance was stopped: it was idle, replaced, or fc-local stops.
    InstanceStopped,

    /// A build step begins.
    BuildStarted {
        /// The command, with secrets masked.
        command: String,
    },
    /// A build step failed.
    BuildFailed(BuildFailure),
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
    /// The code is larger than the platform accepts. fc-local runs the code in place, without a copy.
    CodeRunInPlace {
        /// The folder.
        code: PathBuf,
    },
    /// A function answers at this address from now on.
    Ready(Address),
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
    /// The port of a function changed in the manifest. The new port takes effect after a restart of fc-local.
    PortChangeIgnored,
    /// A function is no longer in the manifest, and was stopped.
    FunctionRemoved,
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
    /// fc-local stops, and calls of a function are still in flight.
    CallsRemain {
        /// The number of calls that are in flight or wait for an instance.
        calls: usize,
        /// How long the calls may go on.
        left: Duration,
    },
    /// fc-local stops, and calls that were still under way after the drain time were ended.
    CallsEnded,
    /// This reader was too slow. Events were dropped between the previous event and this one.
    EventsDropped {
        /// The number of dropped events.
        events: u64,
        /// The memory of the dropped events, in bytes.
        bytes: u64,
    },
}

/// Gives each kind its name, and its index among all.
macro_rules! names {
    ($($kind:ident => $name:literal,)+) => {
        #[derive(Clone, Copy)]
        enum Index {
            $($kind,)+
        }

        impl Kind {
            /// The names of all kinds.
            pub const NAMES: &[&str] = &[$($name),+];

            /// The name, which stays as it is.
            pub fn name(&self) -> &'static str {
                match self { $(Kind::$kind { .. } => $name,)+ }
            }

            /// The index of the kind's name among all names.
            pub(super) fn index(&self) -> usize {
                match self { $(Kind::$kind { .. } => Index::$kind as usize,)+ }
            }
        }
    };
}

names! {
    Stdout => "stdout",
    Stderr => "stderr",
    Build => "build",
    Request => "request",
    CallFailed => "call_failed",
    CallCancelled => "call_cancelled",
    AttachmentLeftOut => "attachment_left_out",
    GrpcPlaintext => "grpc_plaintext",
    TlsRefused => "tls_refused",
    InstanceStarted => "instance_started",
    InstanceStartFailed => "instance_start_failed",
    InstanceNotListening => "instance_not_listening",
    PortIgnored => "port_ignored",
    PortUnreachable => "port_unreachable",
    PortUnexpected => "port_unexpected",
    InstanceMemorySampled => "instance_memory_sampled",
    InstanceUnhealthy => "instance_unhealthy",
    InstanceHealthy => "instance_healthy",
    InstanceOverMemory => "instance_over_memory",
    InstanceEnded => "instance_ended",
    PreStopFailed => "pre_stop_failed",
    InstanceNotEnded => "instance_not_ended",
    InstanceStopped => "instance_stopped",
    BuildStarted => "build_started",
    BuildFailed => "build_failed",
    BuildProducts => "build_products",
    BuildUnsettled => "build_unsettled",
    CodeMissing => "code_missing",
    CodeRunInPlace => "code_run_in_place",
    Ready => "ready",
    Swapped => "swapped",
    SwapRefused => "swap_refused",
    DrainExceeded => "drain_exceeded",
    FormerCodeRemains => "former_code_remains",
    NotStarted => "not_started",
    ManifestChanged => "manifest_changed",
    ManifestInvalid => "manifest_invalid",
    ManifestNote => "manifest_note",
    PortChangeIgnored => "port_change_ignored",
    FunctionRemoved => "function_removed",
    FolderNotWatched => "folder_not_watched",
    PortNotOpened => "port_not_opened",
    Ipv6PortTaken => "ipv6_port_taken",
    TlsReady => "tls_ready",
    TlsUnavailable => "tls_unavailable",
    GrpcReady => "grpc_ready",
    MemoryLimitsSampled => "memory_limits_sampled",
    CallsRemain => "calls_remain",
    CallsEnded => "calls_ended",
    EventsDropped => "events_dropped",
}

impl Kind {
    /// How much attention it needs. A request has the level of its status.
    pub fn level(&self) -> Level {
        match self {
            Kind::Request(record) => match record.as_status() {
                ..400 => Level::Info,
                400..500 => Level::Warning,
                500.. => Level::Error,
            },
            Kind::Stdout(_)
            | Kind::Stderr(_)
            | Kind::Build(_)
            | Kind::AttachmentLeftOut
            | Kind::InstanceStarted { .. }
            | Kind::InstanceHealthy
            | Kind::InstanceStopped
            | Kind::BuildStarted { .. }
            | Kind::Ready(_)
            | Kind::Swapped
            | Kind::ManifestChanged
            | Kind::FunctionRemoved
            | Kind::CallsRemain { .. }
            | Kind::TlsReady { .. }
            | Kind::GrpcReady { .. }
            | Kind::MemoryLimitsSampled { .. } => Level::Info,
            Kind::GrpcPlaintext
            | Kind::TlsRefused { .. }
            | Kind::TlsUnavailable { .. }
            | Kind::InstanceNotListening { .. }
            | Kind::PortIgnored { .. }
            | Kind::PortUnreachable { .. }
            | Kind::PortUnexpected { .. }
            | Kind::InstanceMemorySampled { .. }
            | Kind::InstanceUnhealthy { .. }
            | Kind::PreStopFailed { .. }
            | Kind::BuildProducts { .. }
            | Kind::BuildUnsettled
            | Kind::CodeRunInPlace { .. }
            | Kind::DrainExceeded { .. }
            | Kind::ManifestNote { .. }
            | Kind::PortChangeIgnored
            | Kind::FolderNotWatched { .. }
            | Kind::Ipv6PortTaken { .. }
            | Kind::CallsEnded
            | Kind::EventsDropped { .. } => Level::Warning,
            Kind::CallFailed(_)
            | Kind::CallCancelled { .. }
            | Kind::InstanceStartFailed(_)
            | Kind::InstanceOverMemory { .. }
            | Kind::InstanceEnded(_)
            | Kind::InstanceNotEnded { .. }
            | Kind::BuildFailed(_)
            | Kind::CodeMissing { .. }
            | Kind::SwapRefused(_)
            | Kind::FormerCodeRemains
            | Kind::NotStarted { .. }
            | Kind::ManifestInvalid { .. }
            | Kind::PortNotOpened { .. } => Level::Error,
        }
    }
}
