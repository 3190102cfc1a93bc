//! The platform's own answers: why a call was refused or failed, as its caller sees it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

/// The platform refused or could not carry out the call.
pub(crate) const COMMON: &str = "FcCommonError";
/// The function did not finish the call.
pub(crate) const UNHANDLED: &str = "UnhandledInvocationError";

/// Why a call has no reply from the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    /// The reply header `x-fc-error-type`.
    pub(crate) error_type: &'static str,
    pub(crate) body: Body,
    /// The instance that had the call, if one did.
    pub(crate) instance: Option<Arc<str>>,
}

/// The two shapes of an error's JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    /// `{"Code":…,"Message":…,"RequestId":…}`
    Platform { code: &'static str, message: String },
    /// `{"errorMessage":…}`: the function was started for this call and failed in it.
    Function { message: String },
}

impl Failure {
    fn platform(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let body = Body::Platform { code, message: message.into() };
        Failure { status, error_type: COMMON, body, instance: None }
    }

    fn function(message: impl Into<String>) -> Self {
        Failure {
            status: StatusCode::BAD_GATEWAY,
            error_type: UNHANDLED,
            body: Body::Function { message: message.into() },
            instance: None,
        }
    }

    pub(crate) fn message(&self) -> &str {
        match &self.body {
            Body::Platform { message, .. } | Body::Function { message } => message,
        }
    }

    /// The body to send.
    pub(crate) fn json(&self, request_id: &str) -> String {
        match &self.body {
            Body::Platform { code, message } => {
                serde_json::json!({ "Code": code, "Message": message, "RequestId": request_id })
            }
            Body::Function { message } => serde_json::json!({ "errorMessage": message }),
        }
        .to_string()
    }

    pub(crate) fn invalid_argument(message: impl Into<String>) -> Self {
        Failure::platform(StatusCode::BAD_REQUEST, "InvalidArgument", message)
    }

    pub(crate) fn entity_too_large(limit: usize) -> Self {
        let message = format!("payload size exceeds maximum allowed size ({limit} bytes)");
        Failure::platform(StatusCode::BAD_REQUEST, "EntityTooLarge", message)
    }

    pub(crate) fn path_not_supported(method: &str, path: &str) -> Self {
        Failure::platform(
            StatusCode::BAD_REQUEST,
            "PathNotSupported",
            format!("'{method}' against '{path}' is not supported"),
        )
    }

    pub(crate) fn access_denied(message: impl fmt::Display) -> Self {
        Failure::platform(StatusCode::FORBIDDEN, "AccessDenied", format!("AccessDenied: {message}"))
    }

    pub(crate) fn internet_disabled() -> Self {
        let message = "access denied due to function internet URL is disable";
        Failure::platform(StatusCode::FORBIDDEN, "AccessDenied", message)
    }

    pub(crate) fn function_not_found(name: &str) -> Self {
        Failure::platform(
            StatusCode::NOT_FOUND,
            "FunctionNotFound",
            format!("function '{name}' does not exist"),
        )
    }

    pub(crate) fn trigger_not_found(name: &str) -> Self {
        let message = format!("function '{name}' has no HTTP trigger");
        Failure::platform(StatusCode::NOT_FOUND, "TriggerNotFound", message)
    }

    pub(crate) fn version_not_found(name: &str) -> Self {
        let message = format!("version or alias '{name}' does not exist: only LATEST exists here");
        Failure::platform(StatusCode::NOT_FOUND, "VersionNotFound", message)
    }

    pub(crate) fn domain_not_found(name: &str, others: &str) -> Self {
        let message = format!("domain name '{name}' does not exist; there are: {others}");
        Failure::platform(StatusCode::NOT_FOUND, "DomainNameNotFound", message)
    }

    pub(crate) fn exhausted(function: &str, cap: usize) -> Self {
        let message = format!("function '{function}' has reached its limit of instances ({cap})");
        Failure::platform(StatusCode::TOO_MANY_REQUESTS, "ResourceExhausted", message)
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Failure::platform(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
    }

    pub(crate) fn bad_response(message: impl Into<String>) -> Self {
        Failure {
            error_type: UNHANDLED,
            ..Failure::platform(StatusCode::BAD_GATEWAY, "BadResponse", message)
        }
    }

    pub(crate) fn file_not_found(file: &str) -> Self {
        let message = format!(
            "The function cannot be started. Failed to start function instance. Error: the file {file} is not exist"
        );
        Failure::platform(StatusCode::PRECONDITION_FAILED, "CAFileNotFound", message)
    }

    pub(crate) fn file_permission(command: &str) -> Self {
        let message = format!(
            "The function cannot be started. Function instance exited unexpectedly(code 13, message:permission denied) \
             with start command '{command} '."
        );
        Failure::platform(StatusCode::PRECONDITION_FAILED, "CAFilePermission", message)
    }

    pub(crate) fn exited_at_start(code: i32, command: &str, logs: &str) -> Self {
        let message = format!(
            "Function instance exited unexpectedly(code {code}, message:{}) with start command '{command} '.\nLogs:\n{logs}",
            exit_text(code)
        );
        Failure::platform(StatusCode::PRECONDITION_FAILED, "CAExited", message)
    }

    pub(crate) fn not_started(port: u16, limit: Duration, logs: &str) -> Self {
        let message = format!(
            "Function instance health check failed on port {port} in {} seconds.\nLogs:\n{logs}",
            limit.as_secs_f64()
        );
        Failure::platform(StatusCode::PRECONDITION_FAILED, "FunctionNotStarted", message)
    }

    pub(crate) fn health_check_failed(path: &str, why: &str) -> Self {
        let message = format!("Function instance health check failed: GET {path}: {why}.");
        Failure::platform(StatusCode::PRECONDITION_FAILED, "FunctionNotStarted", message)
    }

    pub(crate) fn initializer_failed(why: &str) -> Self {
        Failure::function(format!("Function initializer failed: {why}."))
    }

    pub(crate) fn process_exited(duration: Duration, memory: u64) -> Self {
        Failure::function(format!(
            "Process exited unexpectedly before completing request {}",
            usage(duration, memory)
        ))
    }

    pub(crate) fn timed_out(limit: Duration, duration: Duration, memory: u64) -> Self {
        let seconds = limit.as_secs();
        Failure::function(format!("Function time out after {seconds} seconds {}", usage(duration, memory)))
    }
}

/// `(duration: 45ms, maxMemoryUsage: 49.00MB)`, as the platform's texts end.
pub(crate) fn usage(duration: Duration, memory: u64) -> String {
    format!("(duration: {}ms, maxMemoryUsage: {}MB)", duration.as_millis(), megabytes(memory))
}

/// Bytes as MB with two digits.
pub(crate) fn megabytes(bytes: u64) -> String {
    let hundredths = bytes.saturating_mul(100) / (1024 * 1024);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// The platform reads an exit code as an error number of the system. Beyond the last one it has no text.
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

    #[test]
    fn errors_have_the_platforms_shapes() {
        let failure = Failure::entity_too_large(32);
        assert_eq!(
            failure.json("1-a"),
            r#"{"Code":"EntityTooLarge","Message":"payload size exceeds maximum allowed size (32 bytes)","RequestId":"1-a"}"#
        );
        let failure = Failure::process_exited(Duration::from_millis(45), 49 * 1024 * 1024);
        assert_eq!(
            failure.json("1-a"),
            r#"{"errorMessage":"Process exited unexpectedly before completing request (duration: 45ms, maxMemoryUsage: 49.00MB)"}"#
        );
    }
}
