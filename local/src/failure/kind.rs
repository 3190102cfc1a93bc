//! The platform's errors, and how they are classified.

/// One of the platform's errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum FailureKind {
    InvalidArgument,
    EntityTooLarge,
    PathNotSupported,
    AccessDenied,
    ServiceNotFound,
    MissingRequiredHeader,
    InvalidAccessKeyId,
    SignatureNotMatch,
    FunctionNotFound,
    TriggerNotFound,
    VersionNotFound,
    AliasNotFound,
    AliasAlreadyExists,
    SessionNotFound,
    SessionAlreadyExists,
    DomainNameNotFound,
    /// The custom domain has no route for the path.
    RouteNotFound,
    /// No configuration of asynchronous calls was set.
    AsyncConfigNotFound,
    TaskNotFound,
    TaskAlreadyExists,
    /// The task has ended, and cannot be stopped.
    TaskAlreadyCompleted,
    FunctionAlreadyExists,
    TriggerAlreadyExists,
    DomainNameAlreadyExists,
    LayerNotFound,
    InstanceNotFound,
    /// The function has no reserved concurrency.
    ConcurrencyNotFound,
    /// The function has no scaling configuration.
    ScalingNotFound,
    /// It excludes a provision configuration.
    ScalingExists,
    /// It excludes a scaling configuration.
    ProvisionExists,
    ResourceExhausted,
    ServiceUnavailable,
    /// The reply is not HTTP, or breaks a limit of the platform.
    BadResponse,
    /// The program does not exist.
    FileNotFound,
    /// The program is not executable.
    FilePermission,
    ExitedAtStart,
    /// The port did not open in time.
    NotStarted,
    /// A health check failed.
    Unhealthy,
    InitializerFailed,
    ProcessExited,
    TimedOut,
}

/// The source of a failure: the side at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureSource {
    /// The caller: the request is invalid.
    Caller,
    /// The platform: it cannot handle the request now.
    Platform,
    /// The function: the program does not do what the platform requires.
    Function,
}

impl FailureSource {
    /// The name, which stays as it is.
    pub(crate) fn name(self) -> &'static str {
        match self {
            FailureSource::Caller => "caller",
            FailureSource::Platform => "platform",
            FailureSource::Function => "function",
        }
    }
}

impl FailureKind {
    /// The name in events, which is stable.
    pub(crate) fn name(self) -> &'static str {
        match self {
            FailureKind::InvalidArgument => "invalid_argument",
            FailureKind::EntityTooLarge => "entity_too_large",
            FailureKind::PathNotSupported => "path_not_supported",
            FailureKind::AccessDenied => "access_denied",
            FailureKind::ServiceNotFound => "service_not_found",
            FailureKind::MissingRequiredHeader => "missing_required_header",
            FailureKind::InvalidAccessKeyId => "invalid_access_key_id",
            FailureKind::SignatureNotMatch => "signature_not_match",
            FailureKind::FunctionNotFound => "function_not_found",
            FailureKind::TriggerNotFound => "trigger_not_found",
            FailureKind::VersionNotFound => "version_not_found",
            FailureKind::AliasNotFound => "alias_not_found",
            FailureKind::AliasAlreadyExists => "alias_already_exists",
            FailureKind::SessionNotFound => "session_not_found",
            FailureKind::SessionAlreadyExists => "session_already_exists",
            FailureKind::DomainNameNotFound => "domain_name_not_found",
            FailureKind::RouteNotFound => "route_not_found",
            FailureKind::AsyncConfigNotFound => "async_config_not_found",
            FailureKind::TaskNotFound => "task_not_found",
            FailureKind::TaskAlreadyExists => "task_already_exists",
            FailureKind::TaskAlreadyCompleted => "task_already_completed",
            FailureKind::FunctionAlreadyExists => "function_already_exists",
            FailureKind::TriggerAlreadyExists => "trigger_already_exists",
            FailureKind::DomainNameAlreadyExists => "domain_name_already_exists",
            FailureKind::LayerNotFound => "layer_not_found",
            FailureKind::InstanceNotFound => "instance_not_found",
            FailureKind::ConcurrencyNotFound => "concurrency_not_found",
            FailureKind::ScalingNotFound => "scaling_not_found",
            FailureKind::ScalingExists => "scaling_exists",
            FailureKind::ProvisionExists => "provision_exists",
            FailureKind::ResourceExhausted => "resource_exhausted",
            FailureKind::ServiceUnavailable => "service_unavailable",
            FailureKind::BadResponse => "bad_response",
            FailureKind::FileNotFound => "file_not_found",
            FailureKind::FilePermission => "file_permission",
            FailureKind::ExitedAtStart => "exited_at_start",
            FailureKind::NotStarted => "not_started",
            FailureKind::Unhealthy => "unhealthy",
            FailureKind::InitializerFailed => "initializer_failed",
            FailureKind::ProcessExited => "process_exited",
            FailureKind::TimedOut => "timed_out",
        }
    }

    pub(crate) fn source(self) -> FailureSource {
        match self {
            FailureKind::InvalidArgument
            | FailureKind::EntityTooLarge
            | FailureKind::PathNotSupported
            | FailureKind::AccessDenied
            | FailureKind::ServiceNotFound
            | FailureKind::MissingRequiredHeader
            | FailureKind::InvalidAccessKeyId
            | FailureKind::SignatureNotMatch
            | FailureKind::FunctionNotFound
            | FailureKind::TriggerNotFound
            | FailureKind::VersionNotFound
            | FailureKind::AliasNotFound
            | FailureKind::AliasAlreadyExists
            | FailureKind::SessionNotFound
            | FailureKind::SessionAlreadyExists
            | FailureKind::DomainNameNotFound
            | FailureKind::RouteNotFound
            | FailureKind::AsyncConfigNotFound
            | FailureKind::TaskNotFound
            | FailureKind::TaskAlreadyExists
            | FailureKind::TaskAlreadyCompleted
            | FailureKind::FunctionAlreadyExists
            | FailureKind::TriggerAlreadyExists
            | FailureKind::DomainNameAlreadyExists
            | FailureKind::LayerNotFound
            | FailureKind::InstanceNotFound
            | FailureKind::ConcurrencyNotFound
            | FailureKind::ScalingNotFound
            | FailureKind::ScalingExists
            | FailureKind::ProvisionExists => FailureSource::Caller,
            FailureKind::ResourceExhausted | FailureKind::ServiceUnavailable => FailureSource::Platform,
            FailureKind::BadResponse
            | FailureKind::FileNotFound
            | FailureKind::FilePermission
            | FailureKind::ExitedAtStart
            | FailureKind::NotStarted
            | FailureKind::Unhealthy
            | FailureKind::InitializerFailed
            | FailureKind::ProcessExited
            | FailureKind::TimedOut => FailureSource::Function,
        }
    }

    /// Whether the unchanged call may succeed later. The platform retries asynchronous calls after its own failures,
    /// and after failures of a started function. A program that cannot start fails again.
    pub(crate) fn is_retryable(self) -> bool {
        match self.source() {
            FailureSource::Caller => false,
            FailureSource::Platform => true,
            FailureSource::Function => !matches!(
                self,
                FailureKind::FileNotFound
                    | FailureKind::FilePermission
                    | FailureKind::ExitedAtStart
                    | FailureKind::NotStarted
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FailureKind as Kind;
    use super::FailureSource::{Caller, Function, Platform};

    #[test]
    fn each_kind_has_a_source_and_may_be_retried_or_not() {
        for (kind, source, is_retryable) in [
            (Kind::InvalidArgument, Caller, false),
            (Kind::EntityTooLarge, Caller, false),
            (Kind::PathNotSupported, Caller, false),
            (Kind::AccessDenied, Caller, false),
            (Kind::ServiceNotFound, Caller, false),
            (Kind::MissingRequiredHeader, Caller, false),
            (Kind::InvalidAccessKeyId, Caller, false),
            (Kind::SignatureNotMatch, Caller, false),
            (Kind::FunctionNotFound, Caller, false),
            (Kind::TriggerNotFound, Caller, false),
            (Kind::VersionNotFound, Caller, false),
            (Kind::AliasNotFound, Caller, false),
            (Kind::AliasAlreadyExists, Caller, false),
            (Kind::SessionNotFound, Caller, false),
            (Kind::SessionAlreadyExists, Caller, false),
            (Kind::DomainNameNotFound, Caller, false),
            (Kind::RouteNotFound, Caller, false),
            (Kind::AsyncConfigNotFound, Caller, false),
            (Kind::TaskNotFound, Caller, false),
            (Kind::TaskAlreadyExists, Caller, false),
            (Kind::TaskAlreadyCompleted, Caller, false),
            (Kind::FunctionAlreadyExists, Caller, false),
            (Kind::TriggerAlreadyExists, Caller, false),
            (Kind::DomainNameAlreadyExists, Caller, false),
            (Kind::LayerNotFound, Caller, false),
            (Kind::InstanceNotFound, Caller, false),
            (Kind::ConcurrencyNotFound, Caller, false),
            (Kind::ScalingNotFound, Caller, false),
            (Kind::ScalingExists, Caller, false),
            (Kind::ProvisionExists, Caller, false),
            (Kind::ResourceExhausted, Platform, true),
            (Kind::ServiceUnavailable, Platform, true),
            (Kind::BadResponse, Function, true),
            (Kind::FileNotFound, Function, false),
            (Kind::FilePermission, Function, false),
            (Kind::ExitedAtStart, Function, false),
            (Kind::NotStarted, Function, false),
            (Kind::Unhealthy, Function, true),
            (Kind::InitializerFailed, Function, true),
            (Kind::ProcessExited, Function, true),
            (Kind::TimedOut, Function, true),
        ] {
            assert_eq!((kind.source(), kind.is_retryable()), (source, is_retryable), "{kind:?}");
        }
    }
}
