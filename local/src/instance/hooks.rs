//! Hooks and health checks, which the platform sends to an instance. They are not calls, and have no record.

use std::fmt::Display;
use std::time::{Duration, Instant};

use fc_runtime::platform::names::{header, path};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Limited};

use super::connection::is_last;
use super::instance::Instance;
use crate::event::{HookFault, Kind, about};
use crate::failure::Failure;
use crate::model::Hook;
use crate::process::{Exit, Output, Rest};
use crate::wire::{Payload, final_reply, ids};

/// The most of a hook's reply that is read, in bytes.
const HOOK_ANSWER_MAX: usize = 64 * 1024;

/// The initializer of the function, if there is one.
pub(super) async fn initialize(instance: &Instance) -> Result<(), Failure> {
    let Some(hook) = &instance.generation.function.initializer else { return Ok(()) };
    let _billed = Billed::begin(instance);
    let (name, outcome) = match &hook.command {
        None => {
            let call = instance.call_hook(Method::POST, path::INITIALIZE, hook.timeout);
            ("POST /initialize", call.await)
        }
        Some(command) => ("its command", instance.run_hook(command, hook.timeout).await),
    };
    outcome.map_err(|fault| Failure::initializer_failed(&about(name, &fault)))
}

/// The time of a hook, which the platform bills as that of a call. The pre-freeze hook has none.
struct Billed<'a>(&'a Instance, Instant);

impl<'a> Billed<'a> {
    fn begin(instance: &'a Instance) -> Self {
        Billed(instance, Instant::now())
    }
}

impl Drop for Billed<'_> {
    fn drop(&mut self) {
        self.0.presence.fleet().add_active(self.1.elapsed());
    }
}

/// The pre-stop hook.
pub(super) async fn pre_stop(instance: &Instance, hook: &Hook) -> Result<(), HookFault> {
    let _billed = Billed::begin(instance);
    match &hook.command {
        None => instance.call_hook(Method::GET, path::PRE_STOP, hook.timeout).await,
        Some(command) => instance.run_hook(command, hook.timeout).await,
    }
}

/// The pre-freeze hook, which edition 2.0 alone has.
pub(super) async fn pre_freeze(instance: &Instance, hook: &Hook) -> Result<(), HookFault> {
    match &hook.command {
        None => instance.call_hook(Method::GET, path::PRE_FREEZE, hook.timeout).await,
        Some(command) => instance.run_hook(command, hook.timeout).await,
    }
}

impl Instance {
    /// Calls a hook over HTTP. It succeeds with a 2xx status.
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
        self.output.end(&id, Rest::Written);
        let status = answer?;
        if status.is_success() { Ok(()) } else { Err(HookFault::Status(status)) }
    }

    /// One request and the status of its answer. The body is read so that the connection can be used again.
    pub(super) async fn exchange(
        &self,
        request: Request<Payload>,
        limit: Duration,
    ) -> Result<StatusCode, HookFault> {
        let call = async {
            let mut link = self.connections.take().await.map_err(broken)?.link;
            let (asked, payload) = request.into_parts();
            let mut draft = link.begin(&asked.method, &asked.uri);
            for (name, value) in &asked.headers {
                draft.header(name, value);
            }
            draft.end(payload);
            let head = final_reply(&mut link, None).await.map_err(broken)?;
            if Limited::new(&mut link, HOOK_ANSWER_MAX).collect().await.is_ok() {
                self.connections.give_back(link, is_last(&head));
            }
            Ok(head.status)
        };
        match tokio::time::timeout(limit, call).await {
            Ok(answer) => answer,
            Err(_) => Err(HookFault::NoAnswer(limit)),
        }
    }

    pub(super) fn host(&self) -> HeaderValue {
        let text = self.connections.reach().address().to_string();
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("localhost"))
    }

    /// Runs the command form of a hook beside the instance, with the instance's environment. It succeeds with code 0.
    async fn run_hook(&self, command: &[String], limit: Duration) -> Result<(), HookFault> {
        let generation = &self.generation;
        let redactor = generation.surroundings.redactor.clone();
        let output =
            Output::new(self.source.clone(), generation.log.clone(), redactor, [Kind::Stdout, Kind::Stderr]);
        let beside = self.beside(command);
        let line = beside.line();
        match tokio::time::timeout(limit, line.run(&*generation.runner, output, &generation.tasks)).await {
            Ok(Ok(Exit::Code(0))) => Ok(()),
            Ok(Ok(exit)) => Err(HookFault::ExitCode(exit.code())),
            Ok(Err(error)) => Err(HookFault::NotStarted(error.to_string())),
            Err(_) => Err(HookFault::NotEnded(limit)),
        }
    }
}

pub(super) fn broken(error: impl Display) -> HookFault {
    HookFault::Broken(error.to_string())
}
