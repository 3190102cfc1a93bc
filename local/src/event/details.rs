//! The fields of some kinds of events.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};

use super::alb_news::AlbVisit;
use crate::failure::Failure;

/// One request. [The example of the crate](crate) takes the events that hold it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Record {
    /// The method.
    pub method: Method,
    /// The custom domain, if the request asked for one.
    pub domain: Option<Arc<str>>,
    /// The client's path without its query, in which signatures and tokens live.
    pub path: String,
    /// The status; 499 when the client left.
    pub status: u16,
    /// From arrival to the end of the answer.
    pub duration: Duration,
    /// Whether an instance was started for the request, however the request ended.
    pub is_cold: bool,
    /// Which way the call came in; `None` if the request was refused before it became a call.
    pub via: Option<Via>,
    /// The number of the platform's attempt at the call: 1 for the first, 0 without a call.
    pub attempt: u32,
    /// The traffic of the WebSocket, if the request became one.
    pub socket: Option<SocketTraffic>,
    /// The status of the gRPC call, if the request was one and has ended: 0 for success.
    pub grpc_status: Option<u32>,
    /// Why the function gave no reply, or no whole one. `None` also if the client left.
    pub cause: Option<Box<Cause>>,
    /// The part of the load balancer, if the request came in there.
    pub alb: Option<Box<AlbVisit>>,
}

impl Record {
    /// The status, or that of HTTP which means the same as the status of gRPC.
    pub(super) fn as_status(&self) -> u16 {
        match self.grpc_status {
            Some(0) | None => self.status,
            // UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE, DATA_LOSS: the function or the platform failed.
            Some(2 | 4 | 13 | 14 | 15) => self.status.max(500),
            Some(_) => self.status.max(400),
        }
    }
}

/// The traffic of a WebSocket. [The example of the crate](crate) takes the events whose records hold the traffic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SocketTraffic {
    /// Complete messages from the client.
    pub messages_from_client: u64,
    /// Payload bytes of the messages from the client, as on the wire.
    pub bytes_from_client: u64,
    /// Complete messages from the function.
    pub messages_to_client: u64,
    /// Payload bytes of the messages from the function, as on the wire.
    pub bytes_to_client: u64,
}

/// Which way a call comes in. [The example of the crate](crate) takes the events whose records hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Via {
    /// The function's HTTP trigger.
    HttpTrigger,
    /// A route of a custom domain.
    CustomDomain,
    /// `InvokeFunction`, as the SDK calls it.
    InvokeFunction,
    /// The command line, without a client in between.
    CommandLine,
    /// The end of another asynchronous call, whose destination the function is.
    Destination,
    /// A timer trigger.
    Timer,
    /// A load balancer.
    Alb,
}

impl Via {
    pub(crate) const ALL: [Via; 7] = [
        Via::HttpTrigger,
        Via::CustomDomain,
        Via::InvokeFunction,
        Via::CommandLine,
        Via::Destination,
        Via::Timer,
        Via::Alb,
    ];

    /// The name, which stays as it is.
    pub fn name(self) -> &'static str {
        match self {
            Via::HttpTrigger => "http_trigger",
            Via::CustomDomain => "custom_domain",
            Via::InvokeFunction => "invoke_function",
            Via::CommandLine => "command_line",
            Via::Destination => "destination",
            Via::Timer => "timer",
            Via::Alb => "alb",
        }
    }

    /// The way with this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Via::ALL.into_iter().find(|via| via.name() == name)
    }
}

/// What became of an asynchronous call. [The example of the crate](crate) takes the events that hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AsyncNews {
    /// The id of the task, if the call is one.
    pub task: Option<String>,
    /// The state of the call from now on, in the platform's words, such as `Succeeded` or `Retrying`.
    pub state: &'static str,
    /// The number of the execution, from 1; 0 if no instance got the call.
    pub execution: u32,
    /// How long the attempt took, if there was one.
    pub duration: Option<Duration>,
    /// When the next attempt follows, if one does.
    pub retry_in: Option<Duration>,
    /// Why the attempt or the call failed.
    pub error: Option<String>,
}

impl AsyncNews {
    pub(crate) fn new(task: Option<String>, state: &'static str, execution: u32) -> Self {
        AsyncNews { task, state, execution, duration: None, retry_in: None, error: None }
    }
}

/// Why the outcome of a call did not reach its destination. [The example of the crate](crate) takes the events that hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DestinationFault {
    /// The destination, as the configuration names it.
    pub destination: String,
    /// Why not.
    pub error: String,
}

/// Where a function answers. [The example of the crate](crate) takes the events that hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Address {
    /// The function's name.
    pub function: String,
    /// The URL on the main port, by the function's own host name.
    pub host_url: String,
    /// The URL on the function's own port.
    pub port_url: String,
    /// Whether an HTTP trigger leads there; without one only events reach the function.
    pub has_trigger: bool,
    /// The versions and aliases with an HTTP trigger of their own, each with its URL.
    pub qualified_urls: Vec<(String, String)>,
}

/// Why a function's image is not run. [The example of the crate](crate) takes the events that hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImageFault {
    /// The image in the manifest.
    pub image: String,
    /// What is wrong, and what to do.
    pub error: String,
}

/// Why the system does not start a program. [The example of the crate](crate) takes the events that hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unfit {
    /// Its `#!` line names a program that is not there.
    NoInterpreter {
        /// The path in the line.
        interpreter: String,
    },
    /// Its `#!` line ends with a carriage return, which the system takes for a part of the line.
    CarriageReturn,
    /// It is in none of the folders of the function's `PATH`.
    NotFound {
        /// The folders.
        searched: Vec<PathBuf>,
    },
    /// It was linked for a dynamic loader that is not there.
    NoLoader,
    /// It was built for another machine.
    OtherMachine,
    /// It is neither a script with a `#!` line nor a binary.
    NoProgram,
}

impl Unfit {
    /// The name, which stays as it is.
    pub fn name(&self) -> &'static str {
        match self {
            Unfit::NoInterpreter { .. } => "no_interpreter",
            Unfit::CarriageReturn => "carriage_return",
            Unfit::NotFound { .. } => "not_found",
            Unfit::NoLoader => "no_loader",
            Unfit::OtherMachine => "other_machine",
            Unfit::NoProgram => "no_program",
        }
    }
}

/// A call that a stop waits for. [The example of the crate](crate) takes the events that hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallInFlight {
    /// The method.
    pub method: Method,
    /// The path without its query.
    pub path: String,
    /// The time since the request's arrival.
    pub age: Duration,
}

impl CallInFlight {
    pub(crate) fn new(method: Method, path: String, age: Duration) -> Self {
        CallInFlight { method, path, age }
    }
}

/// A custom domain that leads to functions. [The example of the crate](crate) takes the events that hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DomainAddress {
    /// The domain's name; `*.` at its begin stands for any labels.
    pub domain: String,
    /// A host of the domain, and a path that has a route: what a client asks for.
    pub url: String,
    /// The command that asks fc-local for the URL, whatever the name system knows of the host.
    pub curl: String,
}

/// One of the platform's failures. [The example of the crate](crate) takes the events that hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cause {
    /// Which one, such as `exited_at_start`.
    pub failure: &'static str,
    /// Whose failure it is: `caller`, `platform` or `function`.
    pub by: &'static str,
    /// The platform's text for the caller.
    pub message: String,
    /// The program's exit code, if its end is the failure. The platform's message reads the code as an error number of
    /// the system.
    pub exit_code: Option<i32>,
}

impl From<&Failure> for Cause {
    fn from(failure: &Failure) -> Self {
        Cause {
            failure: failure.kind.name(),
            by: failure.kind.source().name(),
            message: failure.told(),
            exit_code: failure.exit_code,
        }
    }
}

/// How a process ended. [The example of the crate](crate) takes the events that hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// Why a health check or a hook did not succeed. [The example of the crate](crate) takes the events that hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HookFault {
    /// The answer has a status that is no success.
    Status(StatusCode),
    /// No answer came in time.
    NoAnswer(Duration),
    /// The request cannot be sent, or its answer is none.
    Broken(String),
    /// The command ended with this code.
    ExitCode(i32),
    /// The command did not end in time.
    NotEnded(Duration),
    /// The command cannot be started.
    NotStarted(String),
    /// The instance ended meanwhile.
    InstanceEnded,
}

impl HookFault {
    /// The name, which stays as it is.
    pub fn name(&self) -> &'static str {
        match self {
            HookFault::Status(_) => "status",
            HookFault::NoAnswer(_) => "no_answer",
            HookFault::Broken(_) => "broken",
            HookFault::ExitCode(_) => "exit_code",
            HookFault::NotEnded(_) => "not_ended",
            HookFault::NotStarted(_) => "not_started",
            HookFault::InstanceEnded => "instance_ended",
        }
    }
}

impl fmt::Display for HookFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HookFault::Status(status) => write!(out, "answered {status}"),
            HookFault::NoAnswer(limit) => write!(out, "no answer within {} s", limit.as_secs_f64()),
            HookFault::Broken(error) => out.write_str(error),
            HookFault::ExitCode(code) => write!(out, "ended with code {code}"),
            HookFault::NotEnded(limit) => write!(out, "it did not end within {} s", limit.as_secs_f64()),
            HookFault::NotStarted(error) => write!(out, "cannot start it: {error}"),
            HookFault::InstanceEnded => out.write_str("the instance ended"),
        }
    }
}

/// A build step that failed. [The example of the crate](crate) takes the events that hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BuildFailure {
    /// Where the step stands in the manifest.
    pub line: usize,
    /// The command, with secrets masked.
    pub command: String,
    /// How it failed.
    pub fault: BuildFault,
}

/// How a build step failed. [The example of the crate](crate) takes the events that hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildFault {
    /// The step's working folder does not exist.
    NoFolder(PathBuf),
    /// It ended with this code.
    ExitCode(i32),
    /// It cannot be started.
    NotStarted(String),
}

impl BuildFault {
    /// The name, which stays as it is.
    pub fn name(&self) -> &'static str {
        match self {
            BuildFault::NoFolder(_) => "no_folder",
            BuildFault::ExitCode(_) => "exit_code",
            BuildFault::NotStarted(_) => "not_started",
        }
    }
}

/// Something about a line of a file. [The example of the crate](crate) takes the events that hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Remark {
    /// The line, counted from 1.
    pub line: usize,
    /// The mistake, and what to do about it.
    pub text: String,
}

/// A change of a function's versions and aliases. [The example of the crate](crate) takes the events that hold it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum VersionNews {
    /// The code and settings of `LATEST` were published as this version.
    Published(u64),
    /// The version was removed.
    Removed(u64),
    /// The alias leads to a version, or to two: the second one gets this share of the calls.
    AliasSet {
        /// Its name.
        alias: String,
        /// The version it leads to.
        version: u64,
        /// The second version with its share, from 0 to 1.
        additional: Option<(u64, f64)>,
    },
    /// The alias was removed.
    AliasRemoved(String),
}
