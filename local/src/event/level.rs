//! How much attention each kind of event needs.

use super::kind::Kind;

/// How much attention an event needs.
///
/// ```
/// use fc_local::Level;
///
/// assert!(Level::Error > Level::Warning);
/// assert_eq!(Level::Info.name(), "info");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Level {
    /// Worth knowing.
    Info,
    /// Something does not go as it should.
    Warning,
    /// Something failed.
    Error,
}

impl Level {
    /// `info`, `warning` or `error`.
    pub fn name(self) -> &'static str {
        match self {
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}

impl Kind {
    /// How much attention it needs. A request has the level of its status, unless its reply broke off.
    pub fn level(&self) -> Level {
        match self {
            Kind::Request(record) => match record.as_status() {
                ..400 if record.cause.is_some() => Level::Error,
                ..400 => Level::Info,
                400..500 => Level::Warning,
                500.. => Level::Error,
            },
            Kind::AsyncCall(news) => match news.state {
                "Retrying" | "Stopped" => Level::Warning,
                "Failed" | "Expired" | "Invalid" => Level::Error,
                _ => Level::Info,
            },
            Kind::Timer(news) => news.level(),
            Kind::Account(news) => news.level(),
            Kind::Alb(news) => news.level(),
            Kind::QueueResumed { repeated: 0, .. }
            | Kind::MessageStored(_)
            | Kind::Stdout(_)
            | Kind::Stderr(_)
            | Kind::Build(_)
            | Kind::AttachmentLeftOut
            | Kind::InstanceStarted { .. }
            | Kind::InstanceHealthy
            | Kind::InstanceStopped
            | Kind::BuildStarted { .. }
            | Kind::BuildFinished { .. }
            | Kind::CodeCopying { .. }
            | Kind::InterpreterMapped { .. }
            | Kind::NetworkOwn { .. }
            | Kind::Watching { .. }
            | Kind::Ready(_)
            | Kind::DomainReady(_)
            | Kind::Swapped
            | Kind::ManifestChanged
            | Kind::FunctionRemoved
            | Kind::VersionsChanged(_)
            | Kind::InstancesKept { .. }
            | Kind::CallsRemain { .. }
            | Kind::TlsReady { .. }
            | Kind::ConsoleReady { .. }
            | Kind::GrpcReady { .. }
            | Kind::MemoryLimitsSampled { .. } => Level::Info,
            Kind::QueueResumed { .. }
            | Kind::OriginsDoubled
            | Kind::GrpcPlaintext
            | Kind::TlsRefused { .. }
            | Kind::TlsUnavailable { .. }
            | Kind::InstanceNotListening { .. }
            | Kind::PortIgnored { .. }
            | Kind::PortUnreachable { .. }
            | Kind::PortUnexpected { .. }
            | Kind::PortHeld { .. }
            | Kind::ProgramHidden { .. }
            | Kind::LayersMissing { .. }
            | Kind::ProgramUnfit { .. }
            | Kind::InstanceKilled { .. }
            | Kind::ConnectionClosedEarly { .. }
            | Kind::AnswersHttp10
            | Kind::DiskExceeded { .. }
            | Kind::FoldersTranslated(_)
            | Kind::NetworksUnavailable { .. }
            | Kind::InstanceMemorySampled { .. }
            | Kind::InstanceUnhealthy { .. }
            | Kind::PreStopFailed { .. }
            | Kind::PreFreezeFailed { .. }
            | Kind::BuildFailureAllowed(_)
            | Kind::FaultInjected { .. }
            | Kind::BuildProducts { .. }
            | Kind::BuildUnsettled
            | Kind::CodeRunInPlace { .. }
            | Kind::DrainExceeded { .. }
            | Kind::ManifestNote { .. }
            | Kind::DoctorFindings(_)
            | Kind::PortChangeIgnored
            | Kind::FolderNotWatched { .. }
            | Kind::Ipv6PortTaken { .. }
            | Kind::CallsEnded
            | Kind::ProjectShared { .. }
            | Kind::EventsDropped { .. } => Level::Warning,
            Kind::QueueUnavailable { .. }
            | Kind::CallSetAside { .. }
            | Kind::DestinationFailed(_)
            | Kind::CallFailed(_)
            | Kind::CallCancelled { .. }
            | Kind::InstanceStartFailed(_)
            | Kind::InstanceOverMemory { .. }
            | Kind::InstanceEnded(_)
            | Kind::InstanceNotEnded { .. }
            | Kind::BuildFailed(_)
            | Kind::CodeMissing { .. }
            | Kind::ImageMissing(_)
            | Kind::SwapRefused(_)
            | Kind::FormerCodeRemains
            | Kind::NotStarted { .. }
            | Kind::ManifestInvalid { .. }
            | Kind::VersionsNotRead { .. }
            | Kind::PortNotOpened { .. } => Level::Error,
        }
    }
}
