//! Instances: real processes with the platform's environment, started when they are needed and stopped
//! when they are not.

mod connection;
mod environment;
mod health;
mod pool;
mod slots;
mod start;
mod supervisor;

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use fc_runtime::platform::names::header;
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use connection::{ADDRESS, Connection};
pub(crate) use environment::{Surroundings, with_code_folder};
pub(crate) use pool::{Lease, Pool, Refusal};

use crate::event::{HookFault, Kind, Log, Source};
use crate::model::Function;
use crate::process::{Cgroups, CommandLine, Exit, Output, OwnGroup, Port, Process, proc};
use crate::wire::Payload;
use crate::wire::ids;
use connection::Connections;

/// How much of a hook's answer is read.
const HOOK_ANSWER_MAX: usize = 64 * 1024;

/// A function with everything its instances have in common: one generation of its code and settings.
#[derive(Debug)]
pub(crate) struct Generation {
    pub(crate) function: Arc<Function>,
    pub(crate) name: Arc<str>,
    /// The folder that stands for `/code`.
    pub(crate) code: PathBuf,
    pub(crate) surroundings: Surroundings,
    pub(crate) log: Log,
    pub(crate) tasks: TaskTracker,
    /// Where the kernel can hold the memory limit; elsewhere it is checked by sampling.
    cgroups: Option<Arc<Cgroups>>,
}

impl Generation {
    pub(crate) fn new(
        function: Arc<Function>,
        code: PathBuf,
        log: Log,
        tasks: TaskTracker,
        cgroups: Option<Arc<Cgroups>>,
    ) -> Self {
        let surroundings = Surroundings::new(&function, &code);
        let name = Arc::from(function.name.as_str());
        let cgroups = cgroups.filter(|_| !function.local.sample_memory);
        Generation { function, name, code, surroundings, log, tasks, cgroups }
    }

    /// The most memory that an instance may use, in bytes.
    fn memory_limit(&self) -> u64 {
        u64::from(self.function.memory_mb) * 1024 * 1024
    }

    pub(crate) fn source(&self) -> Source {
        Source::function(&self.name)
    }
}

/// One running instance.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) id: Arc<str>,
    pub(crate) source: Source,
    pub(crate) generation: Arc<Generation>,
    pub(crate) process: Process,
    _port: Port,
    pub(crate) output: Arc<Output>,
    pub(crate) connections: Arc<Connections>,
    memory_max: AtomicU64,
    is_oom: AtomicBool,
    group: Option<OwnGroup>,
    /// Asks the supervisor to stop the instance.
    retired: CancellationToken,
}

/// An instance is equal to itself alone.
impl PartialEq for Instance {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Instance {
    /// The most memory that a sample has seen, or that the kernel counted before it killed, in bytes.
    pub(crate) fn memory_max(&self) -> u64 {
        self.memory_max.load(Ordering::Relaxed).max(self.process.oom())
    }

    /// Whether it was killed for want of memory.
    fn is_oom(&self) -> bool {
        self.is_oom.load(Ordering::Relaxed) || self.process.oom() > 0
    }

    /// Takes a sample of the memory in use.
    pub(crate) fn sample_memory(&self) -> u64 {
        let bytes = proc::memory(self.process.guard());
        self.memory_max.fetch_max(bytes, Ordering::Relaxed);
        bytes
    }

    /// Calls one of the hooks over HTTP, which succeeds with a status of success.
    async fn call_hook(&self, method: Method, path: &str, limit: Duration) -> Result<(), HookFault> {
        let id = ids::request();
        let mut request = Request::new(Payload::Empty);
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().map_err(broken)?;
        let headers = request.headers_mut();
        headers.extend(
            self.generation.surroundings.headers.iter().map(|(name, value)| (name.clone(), value.clone())),
        );
        headers.insert(http::header::HOST, self.host());
        for (name, value) in [(header::REQUEST_ID, &*id), (header::CONTROL_PATH, path)] {
            headers.insert(name, HeaderValue::from_str(value).map_err(broken)?);
        }
        self.output.begin(&id, None);
        let answer = self.exchange(request, limit).await;
        self.output.end(&id);
        let status = answer?;
        if status.is_success() { Ok(()) } else { Err(HookFault::Status(status)) }
    }

    /// One request and the status of its answer. The body is read so that the connection can be used again.
    async fn exchange(&self, request: Request<Payload>, limit: Duration) -> Result<StatusCode, HookFault> {
        let call = async {
            let mut connection = self.connections.take().await.map_err(broken)?;
            let reply = connection.sender.send_request(request).await.map_err(broken)?;
            let (head, body) = reply.into_parts();
            if Limited::new(body, HOOK_ANSWER_MAX).collect().await.is_ok() {
                self.connections.give_back(connection.sender);
            }
            Ok(head.status)
        };
        match tokio::time::timeout(limit, call).await {
            Ok(answer) => answer,
            Err(_) => Err(HookFault::NoAnswer(limit)),
        }
    }

    fn host(&self) -> HeaderValue {
        let text = format!("{ADDRESS}:{}", self.connections.port());
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("localhost"))
    }

    /// Runs the command form of a hook beside the instance, with the instance's environment. It succeeds with code 0.
    async fn run_hook(&self, command: &[String], limit: Duration) -> Result<(), HookFault> {
        let generation = &self.generation;
        let command: Vec<String> =
            command.iter().map(|part| with_code_folder(part, &generation.code)).collect();
        let variables = generation.surroundings.variables(&self.id, self.connections.port());
        let redactor = generation.surroundings.redactor.clone();
        let output =
            Output::new(self.source.clone(), generation.log.clone(), redactor, [Kind::Stdout, Kind::Stderr]);
        let line = CommandLine {
            command: &command,
            folder: &generation.code,
            environment: &variables,
            group: self.group.as_deref(),
        };
        match tokio::time::timeout(limit, line.run(output, &generation.tasks)).await {
            Ok(Ok(Exit::Code(0))) => Ok(()),
            Ok(Ok(exit)) => Err(HookFault::ExitCode(exit.code())),
            Ok(Err(error)) => Err(HookFault::NotStarted(error.to_string())),
            Err(_) => Err(HookFault::NotEnded(limit)),
        }
    }
}

fn broken(error: impl Display) -> HookFault {
    HookFault::Broken(error.to_string())
}
