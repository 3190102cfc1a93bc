//! Failures with the platform's texts.

use std::fmt;
use std::time::Duration;

use super::kind::FailureKind;

/// Why a call has no reply from the function. `front/refusal.rs` renders it for the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    message: String,
    /// The program's exit code, if its end is the failure.
    pub(crate) exit_code: Option<i32>,
    /// What the log says beside the platform's text, which callers get.
    note: Option<&'static str>,
}

impl Failure {
    pub(super) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Failure { kind, message: message.into(), exit_code: None, note: None }
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The message with what is known beyond the platform's text.
    pub(crate) fn told(&self) -> String {
        match self.note {
            Some(note) => format!("{}; {note}", self.message),
            None => self.message.clone(),
        }
    }

    pub(crate) fn invalid_argument(message: impl Into<String>) -> Self {
        Failure::new(FailureKind::InvalidArgument, message)
    }

    pub(crate) fn entity_too_large(limit: usize) -> Self {
        let message = format!("payload size exceeds maximum allowed size ({limit} bytes)");
        Failure::new(FailureKind::EntityTooLarge, message)
    }

    pub(crate) fn path_not_supported(method: &str, path: &str) -> Self {
        Failure::new(FailureKind::PathNotSupported, format!("'{method}' against '{path}' is not supported"))
    }

    pub(crate) fn access_denied(message: impl fmt::Display) -> Self {
        Failure::new(FailureKind::AccessDenied, format!("AccessDenied: {message}"))
    }

    pub(crate) fn header_missing(name: &str) -> Self {
        let message = format!("required HTTP header {name} was not specified");
        Failure::new(FailureKind::MissingRequiredHeader, message)
    }

    pub(crate) fn unknown_access_key(id: &str) -> Self {
        Failure::new(FailureKind::InvalidAccessKeyId, format!("invalid access key ID '{id}'"))
    }

    pub(crate) fn signature_differs() -> Self {
        let message = "The request signature we calculated does not match the signature you provided. \
                       Check your access key and signing method";
        Failure::new(FailureKind::SignatureNotMatch, message)
    }

    /// Both times as RFC 1123 writes them.
    pub(crate) fn time_differs(request: &str, now: &str) -> Self {
        let message = format!(
            "the difference between the request time '{request}' and the current time '{now}' is too large"
        );
        Failure::new(FailureKind::AccessDenied, message)
    }

    pub(crate) fn internet_disabled() -> Self {
        let message = "access denied due to function internet URL is disable";
        Failure::new(FailureKind::AccessDenied, message)
    }

    pub(crate) fn function_not_found(name: &str) -> Self {
        Failure::new(FailureKind::FunctionNotFound, format!("function '{name}' does not exist"))
    }

    pub(crate) fn trigger_not_found(name: &str, qualifier: Option<&str>) -> Self {
        let message = match qualifier {
            None => format!("function '{name}' has no HTTP trigger"),
            Some(qualifier) => format!(
                "function '{name}' has no HTTP trigger with `qualifier: {qualifier}`: the manifest gives one to each version or alias"
            ),
        };
        Failure::new(FailureKind::TriggerNotFound, message)
    }

    pub(crate) fn service_not_found(name: &str, own: &str) -> Self {
        let message = format!("service '{name}' does not exist; there is: {own}");
        Failure::new(FailureKind::ServiceNotFound, message)
    }

    pub(crate) fn no_services(function: &str) -> Self {
        let message = format!(
            "function '{function}' has edition 3.0, which has no services; `fc-local dev --edition fc2` starts it in edition 2.0"
        );
        Failure::new(FailureKind::InvalidArgument, message)
    }

    pub(crate) fn version_not_found(name: &str, known: &str) -> Self {
        let message = format!(
            "version '{name}' does not exist; there are: {known}. `fc-local version publish FUNCTION` makes one of LATEST"
        );
        Failure::new(FailureKind::VersionNotFound, message)
    }

    /// `can_be` says whether an alias can have the name.
    pub(crate) fn alias_not_found(name: &str, known: &str, can_be: bool) -> Self {
        let advice = if can_be {
            format!(". `fc-local alias set FUNCTION {name} --version N` makes it")
        } else {
            String::new()
        };
        let message = format!("alias '{name}' does not exist; there are: {known}{advice}");
        Failure::new(FailureKind::AliasNotFound, message)
    }

    pub(crate) fn alias_exists(name: &str) -> Self {
        Failure::new(FailureKind::AliasAlreadyExists, format!("alias '{name}' already exists"))
    }

    pub(crate) fn disabled(function: &str, reason: &str) -> Self {
        let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        let message = format!("the invocation of function '{function}' is disabled{why}");
        Failure::new(FailureKind::AccessDenied, message)
    }

    pub(crate) fn session_not_found(id: &str) -> Self {
        let message = format!("session '{id}' does not exist or has ended; `GET .../sessions` lists them");
        Failure::new(FailureKind::SessionNotFound, message)
    }

    pub(crate) fn session_exists(id: &str) -> Self {
        Failure::new(FailureKind::SessionAlreadyExists, format!("session '{id}' already exists"))
    }

    pub(crate) fn session_over() -> Self {
        let message = "the session has ended, and its id cannot be used again (disableSessionIdReuse)";
        Failure::new(FailureKind::InvalidArgument, message)
    }

    pub(crate) fn domain_not_found(name: &str, others: &str) -> Self {
        let others = if others.is_empty() { String::new() } else { format!("; there are: {others}") };
        let message = format!("domain name '{name}' does not exist{others}");
        Failure::new(FailureKind::DomainNameNotFound, message)
    }

    pub(crate) fn route_not_found(domain: &str, path: &str, others: &str) -> Self {
        let message = format!("domain name '{domain}' has no route for '{path}'; there are: {others}");
        Failure::new(FailureKind::RouteNotFound, message)
    }

    pub(crate) fn async_config_not_found(function: &str, qualifier: &str) -> Self {
        let message =
            format!("function '{function}' has no configuration of asynchronous calls for '{qualifier}'");
        Failure::new(FailureKind::AsyncConfigNotFound, message)
    }

    /// `is_off` says whether nothing is recorded at all.
    pub(crate) fn call_not_recorded(id: &str, is_off: bool) -> Self {
        let message = if is_off {
            "no calls are recorded: `fc-local dev` was started with --no-record".to_owned()
        } else {
            format!(
                "no call with request id '{id}' is recorded, nor one whose id ends so, or it had to go for later ones; `fc-local requests` lists them"
            )
        };
        Failure::new(FailureKind::CallNotRecorded, message)
    }

    pub(crate) fn task_not_found(function: &str, task: &str) -> Self {
        let message = format!(
            "function '{function}' has no task '{task}'; calls are tasks with `asyncInvokeConfig.asyncTask`, and kept \
             for seven days"
        );
        Failure::new(FailureKind::TaskNotFound, message)
    }

    pub(crate) fn task_exists(task: &str) -> Self {
        Failure::new(FailureKind::TaskAlreadyExists, format!("task '{task}' already exists"))
    }

    pub(crate) fn task_completed(task: &str, state: &str) -> Self {
        let message = format!("task '{task}' has ended already: {state}");
        Failure::new(FailureKind::TaskAlreadyCompleted, message)
    }

    pub(crate) fn exhausted(function: &str, cap: usize) -> Self {
        let message = format!("function '{function}' has reached its limit of instances ({cap})");
        Failure::new(FailureKind::ResourceExhausted, message)
    }

    /// The call waited for other calls of the same instances for as long as it may last.
    pub(crate) fn exhausted_after(function: &str, cap: usize, waited: Duration) -> Self {
        let message = format!(
            "function '{function}' has reached its limit of instances ({cap}), and the calls before this one took longer \
             than {} s",
            waited.as_secs_f64()
        );
        Failure::new(FailureKind::ResourceExhausted, message)
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Failure::new(FailureKind::ServiceUnavailable, message)
    }

    pub(crate) fn bad_response(message: impl Into<String>) -> Self {
        Failure::new(FailureKind::BadResponse, message)
    }

    pub(crate) fn file_not_found(file: &str) -> Self {
        let message = format!(
            "The function cannot be started. Failed to start function instance. Error: the file {file} is not exist"
        );
        Failure::new(FailureKind::FileNotFound, message)
    }

    pub(crate) fn file_permission(command: &str) -> Self {
        let message = format!(
            "The function cannot be started. Function instance exited unexpectedly(code 13, message:permission denied) \
             with start command '{command} '."
        );
        Failure::new(FailureKind::FilePermission, message)
    }

    pub(crate) fn exited_at_start(code: i32, command: &str, logs: &str) -> Self {
        let message = format!(
            "Function instance exited unexpectedly(code {code}, message:{}) with start command '{command} '.\nLogs:\n{logs}",
            exit_text(code)
        );
        Failure { exit_code: Some(code), ..Failure::new(FailureKind::ExitedAtStart, message) }
    }

    pub(crate) fn not_started(port: u16, limit: Duration, logs: &str) -> Self {
        let message = format!(
            "Function instance health check failed on port {port} in {} seconds.\nLogs:\n{logs}",
            limit.as_secs_f64()
        );
        Failure::new(FailureKind::NotStarted, message)
    }

    pub(crate) fn health_check_failed(path: &str, why: &str) -> Self {
        let message = format!("Function instance health check failed: GET {path}: {why}.");
        Failure::new(FailureKind::Unhealthy, message)
    }

    pub(crate) fn initializer_failed(why: &str) -> Self {
        Failure::new(FailureKind::InitializerFailed, format!("Function initializer failed: {why}."))
    }

    pub(crate) fn process_exited(duration: Duration, memory: u64) -> Self {
        Failure::new(
            FailureKind::ProcessExited,
            format!("Process exited unexpectedly before completing request {}", usage(duration, memory)),
        )
    }

    /// As [`process_exited`](Self::process_exited), whose text the platform has for both. The log tells them apart.
    pub(crate) fn connection_ended(duration: Duration, memory: u64) -> Self {
        let note = "the process goes on: it closed the connection of the call, or its server did";
        Failure { note: Some(note), ..Failure::process_exited(duration, memory) }
    }

    pub(crate) fn timed_out(limit: Duration, duration: Duration, memory: u64) -> Self {
        let seconds = limit.as_secs();
        Failure::new(
            FailureKind::TimedOut,
            format!("Function time out after {seconds} seconds {}", usage(duration, memory)),
        )
    }
}

/// `(duration: 45ms, maxMemoryUsage: 49.00MB)`, the end of the platform's texts. The platform writes MB for MiB.
pub(crate) fn usage(duration: Duration, memory: u64) -> String {
    format!("(duration: {}ms, maxMemoryUsage: {}MB)", duration.as_millis(), mebibytes(memory))
}

/// Bytes as MiB with two digits.
pub(crate) fn mebibytes(bytes: u64) -> String {
    let hundredths = bytes.saturating_mul(100) / (1024 * 1024);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// The text of an exit code. The platform reads the code as an error number of the system, and has no text beyond the
/// last number.
fn exit_text(code: i32) -> String {
    let error = std::io::Error::from_raw_os_error(code).to_string();
    match error.rsplit_once(" (os error") {
        Some((text, _)) if !text.starts_with("Unknown error") => text.to_lowercase(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_read_as_the_platform_reads_them() {
        let texts = [
            (1, "operation not permitted"),
            (2, "no such file or directory"),
            (8, "exec format error"),
            (13, "permission denied"),
            (127, "key has expired"),
            (145, ""),
        ];
        for (code, text) in texts {
            assert_eq!(exit_text(code), text, "{code}");
        }
    }
}
