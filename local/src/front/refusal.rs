//! How a failure looks to its caller: status, `x-fc-error-type` and JSON.

use bytes::Bytes;
use fc_runtime::platform::names::header as fc;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use super::body::plain;
use crate::failure::{Failure, FailureKind};
use crate::model::Edition;

pub(crate) const ERROR_TYPE: HeaderName = HeaderName::from_static("x-fc-error-type");

/// The function did not finish the call.
pub(crate) const UNHANDLED: &str = "UnhandledInvocationError";

/// The platform refused the call or could not carry it out.
const COMMON: &str = "FcCommonError";

/// The status and the error type of one kind of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    status: StatusCode,
    error_type: &'static str,
    /// The `Code` of the platform's JSON. `None` for the function's JSON: `{"errorMessage":…}`.
    code: Option<&'static str>,
}

fn form(kind: FailureKind) -> Form {
    let (status, code) = match kind {
        FailureKind::InvalidArgument => (StatusCode::BAD_REQUEST, "InvalidArgument"),
        FailureKind::EntityTooLarge => (StatusCode::BAD_REQUEST, "EntityTooLarge"),
        FailureKind::PathNotSupported => (StatusCode::BAD_REQUEST, "PathNotSupported"),
        FailureKind::AccessDenied => (StatusCode::FORBIDDEN, "AccessDenied"),
        FailureKind::ServiceNotFound => (StatusCode::NOT_FOUND, "ServiceNotFound"),
        FailureKind::MissingRequiredHeader => (StatusCode::BAD_REQUEST, "MissingRequiredHeader"),
        FailureKind::InvalidAccessKeyId => (StatusCode::FORBIDDEN, "InvalidAccessKeyID"),
        FailureKind::SignatureNotMatch => (StatusCode::FORBIDDEN, "SignatureNotMatch"),
        FailureKind::FunctionNotFound => (StatusCode::NOT_FOUND, "FunctionNotFound"),
        FailureKind::TriggerNotFound => (StatusCode::NOT_FOUND, "TriggerNotFound"),
        FailureKind::VersionNotFound => (StatusCode::NOT_FOUND, "VersionNotFound"),
        FailureKind::AliasNotFound => (StatusCode::NOT_FOUND, "AliasNotFound"),
        FailureKind::AliasAlreadyExists => (StatusCode::CONFLICT, "AliasAlreadyExists"),
        FailureKind::SessionNotFound => (StatusCode::NOT_FOUND, "SessionNotFound"),
        FailureKind::SessionAlreadyExists => (StatusCode::CONFLICT, "SessionAlreadyExists"),
        FailureKind::DomainNameNotFound => (StatusCode::NOT_FOUND, "DomainNameNotFound"),
        FailureKind::RouteNotFound => (StatusCode::NOT_FOUND, "PathNotSupported"),
        // Named as by edition 2.0: the names of edition 3.0 are written nowhere.
        FailureKind::AsyncConfigNotFound => (StatusCode::NOT_FOUND, "AsyncConfigNotExists"),
        FailureKind::TaskNotFound => (StatusCode::NOT_FOUND, "StatefulAsyncInvocationNotFound"),
        FailureKind::TaskAlreadyExists => (StatusCode::CONFLICT, "StatefulAsyncInvocationAlreadyExists"),
        FailureKind::TaskAlreadyCompleted => {
            (StatusCode::PRECONDITION_FAILED, "StatefulAsyncInvocationAlreadyCompleted")
        }
        // The names of edition 3.0 as far as its clients compare them; that of the scaling configuration is ours.
        FailureKind::FunctionAlreadyExists => (StatusCode::CONFLICT, "FunctionAlreadyExists"),
        FailureKind::TriggerAlreadyExists => (StatusCode::CONFLICT, "TriggerAlreadyExists"),
        FailureKind::DomainNameAlreadyExists => (StatusCode::CONFLICT, "DomainNameAlreadyExists"),
        FailureKind::LayerNotFound => (StatusCode::NOT_FOUND, "LayerNotFound"),
        FailureKind::InstanceNotFound => (StatusCode::NOT_FOUND, "InstanceNotFound"),
        FailureKind::ConcurrencyNotFound => (StatusCode::NOT_FOUND, "OnDemandConfigNotFound"),
        FailureKind::ScalingNotFound => (StatusCode::NOT_FOUND, "ScalingConfigNotFound"),
        FailureKind::ScalingExists => (StatusCode::CONFLICT, "ResidentScalingConfigExists"),
        FailureKind::ProvisionExists => (StatusCode::CONFLICT, "ProvisionConfigExist"),
        FailureKind::ResourceExhausted => (StatusCode::TOO_MANY_REQUESTS, "ResourceExhausted"),
        FailureKind::ServiceUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable"),
        FailureKind::FileNotFound => (StatusCode::PRECONDITION_FAILED, "CAFileNotFound"),
        FailureKind::FilePermission => (StatusCode::PRECONDITION_FAILED, "CAFilePermission"),
        FailureKind::ExitedAtStart => (StatusCode::PRECONDITION_FAILED, "CAExited"),
        FailureKind::NotStarted | FailureKind::Unhealthy => {
            (StatusCode::PRECONDITION_FAILED, "FunctionNotStarted")
        }
        FailureKind::BadResponse => {
            let (status, code) = (StatusCode::BAD_GATEWAY, Some("BadResponse"));
            return Form { status, error_type: UNHANDLED, code };
        }
        FailureKind::InitializerFailed | FailureKind::ProcessExited | FailureKind::TimedOut => {
            return Form { status: StatusCode::BAD_GATEWAY, error_type: UNHANDLED, code: None };
        }
    };
    Form { status, error_type: COMMON, code: Some(code) }
}

/// The HTTP status of a failure.
pub(super) fn status(kind: FailureKind) -> StatusCode {
    form(kind).status
}

/// The value of `x-fc-error-type` for a failure.
pub(super) fn error_type(kind: FailureKind) -> HeaderValue {
    HeaderValue::from_static(form(kind).error_type)
}

/// A failure as a reply.
pub(crate) fn reply(failure: &Failure, id: &str, edition: Edition) -> Response<Bytes> {
    let Form { status, error_type, .. } = form(failure.kind);
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ERROR_TYPE, HeaderValue::from_static(error_type));
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(fc::REQUEST_ID, value);
    }
    plain(status, headers, json(failure, id, edition))
}

/// A failure as JSON.
pub(crate) fn json(failure: &Failure, id: &str, edition: Edition) -> String {
    let message = failure.message();
    match form(failure.kind).code {
        Some(code) if edition == Edition::Fc2 => {
            serde_json::json!({ "ErrorCode": code, "ErrorMessage": message })
        }
        Some(code) => serde_json::json!({ "Code": code, "Message": message, "RequestId": id }),
        None => serde_json::json!({ "errorMessage": message }),
    }
    .to_string()
}

/// Whether the function itself failed. For the API such a call is a success, with the failure in the body.
pub(crate) fn is_functions_error(kind: FailureKind) -> bool {
    form(kind).code.is_none()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_kind_has_the_platforms_status_type_and_code() {
        let second = Duration::from_secs(1);
        let common = |status, code| (status, COMMON, Some(code));
        let failed = (502, UNHANDLED, None);
        let table = [
            (Failure::invalid_argument("x"), common(400, "InvalidArgument")),
            (Failure::entity_too_large(1), common(400, "EntityTooLarge")),
            (Failure::path_not_supported("GET", "/"), common(400, "PathNotSupported")),
            (Failure::access_denied("x"), common(403, "AccessDenied")),
            (Failure::internet_disabled(), common(403, "AccessDenied")),
            (Failure::time_differs("x", "y"), common(403, "AccessDenied")),
            (Failure::header_missing("Date"), common(400, "MissingRequiredHeader")),
            (Failure::unknown_access_key("x"), common(403, "InvalidAccessKeyID")),
            (Failure::signature_differs(), common(403, "SignatureNotMatch")),
            (Failure::function_not_found("f"), common(404, "FunctionNotFound")),
            (Failure::trigger_not_found("f", None), common(404, "TriggerNotFound")),
            (Failure::version_not_found("1", "LATEST"), common(404, "VersionNotFound")),
            (Failure::alias_not_found("a", "LATEST", true), common(404, "AliasNotFound")),
            (Failure::service_not_found("a", "b"), common(404, "ServiceNotFound")),
            (Failure::alias_exists("a"), common(409, "AliasAlreadyExists")),
            (Failure::domain_not_found("a", "b"), common(404, "DomainNameNotFound")),
            (Failure::route_not_found("a", "/", "b"), common(404, "PathNotSupported")),
            (Failure::async_config_not_found("f", "LATEST"), common(404, "AsyncConfigNotExists")),
            (Failure::task_not_found("f", "t"), common(404, "StatefulAsyncInvocationNotFound")),
            (Failure::task_exists("t"), common(409, "StatefulAsyncInvocationAlreadyExists")),
            (Failure::task_completed("t", "Failed"), common(412, "StatefulAsyncInvocationAlreadyCompleted")),
            (Failure::function_exists("f", ""), common(409, "FunctionAlreadyExists")),
            (Failure::of_manifest("x"), common(403, "AccessDenied")),
            (Failure::no_trigger("f", "t"), common(404, "TriggerNotFound")),
            (Failure::trigger_exists("f", "t"), common(409, "TriggerAlreadyExists")),
            (Failure::domain_exists("d", ""), common(409, "DomainNameAlreadyExists")),
            (Failure::layer_not_found("l"), common(404, "LayerNotFound")),
            (Failure::instance_not_found("f", "c-1"), common(404, "InstanceNotFound")),
            (Failure::no_concurrency("f"), common(404, "OnDemandConfigNotFound")),
            (Failure::no_scaling("f", "LATEST"), common(404, "ScalingConfigNotFound")),
            (Failure::scaling_exists("f"), common(409, "ResidentScalingConfigExists")),
            (Failure::provision_exists("f"), common(409, "ProvisionConfigExist")),
            (Failure::exhausted("f", 1), common(429, "ResourceExhausted")),
            (Failure::unavailable("x"), common(503, "ServiceUnavailable")),
            (Failure::bad_response("x"), (502, UNHANDLED, Some("BadResponse"))),
            (Failure::file_not_found("f"), common(412, "CAFileNotFound")),
            (Failure::file_permission("f"), common(412, "CAFilePermission")),
            (Failure::exited_at_start(1, "f", ""), common(412, "CAExited")),
            (Failure::not_started(9000, second, ""), common(412, "FunctionNotStarted")),
            (Failure::health_check_failed("/", "x"), common(412, "FunctionNotStarted")),
            (Failure::initializer_failed("x"), failed),
            (Failure::process_exited(second, 0), failed),
            (Failure::timed_out(second, second, 0), failed),
        ];
        for (failure, (status, error_type, code)) in table {
            let form = form(failure.kind);
            assert_eq!((form.status.as_u16(), form.error_type, form.code), (status, error_type, code));
            let reply = reply(&failure, "1-a", Edition::Fc3);
            assert_eq!(reply.status().as_u16(), status, "{failure:?}");
            assert_eq!(reply.headers()["x-fc-error-type"], error_type, "{failure:?}");
            assert_eq!(reply.headers()["x-fc-request-id"], "1-a");
            assert_eq!(is_functions_error(failure.kind), code.is_none(), "{failure:?}");
        }
    }

    #[test]
    fn the_json_has_the_platforms_shapes() {
        assert_eq!(
            json(&Failure::service_not_found("a", "b"), "1-a", Edition::Fc2),
            r#"{"ErrorCode":"ServiceNotFound","ErrorMessage":"service 'a' does not exist; there is: b"}"#
        );
        assert_eq!(
            json(&Failure::entity_too_large(32), "1-a", Edition::Fc3),
            r#"{"Code":"EntityTooLarge","Message":"payload size exceeds maximum allowed size (32 bytes)","RequestId":"1-a"}"#
        );
        assert_eq!(
            json(&Failure::process_exited(Duration::from_millis(45), 49 * 1024 * 1024), "1-a", Edition::Fc3),
            r#"{"errorMessage":"Process exited unexpectedly before completing request (duration: 45ms, maxMemoryUsage: 49.00MB)"}"#
        );
    }
}
