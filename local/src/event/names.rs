//! The names of the kinds, which stay as they are.

use super::kind::Kind;

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
    AsyncCall => "async_call",
    MessageStored => "message_stored",
    DestinationFailed => "destination_failed",
    QueueResumed => "queue_resumed",
    QueueUnavailable => "queue_unavailable",
    CallSetAside => "call_set_aside",
    AttachmentLeftOut => "attachment_left_out",
    OriginsDoubled => "origins_doubled",
    GrpcPlaintext => "grpc_plaintext",
    TlsRefused => "tls_refused",
    FaultInjected => "fault_injected",
    InstanceStarted => "instance_started",
    InstanceStartFailed => "instance_start_failed",
    InstanceNotListening => "instance_not_listening",
    PortIgnored => "port_ignored",
    PortUnreachable => "port_unreachable",
    PortUnexpected => "port_unexpected",
    NetworkOwn => "network_own",
    PortHeld => "port_held",
    ProgramHidden => "program_hidden",
    LayersMissing => "layers_missing",
    ProgramUnfit => "program_unfit",
    InstanceKilled => "instance_killed",
    ConnectionClosedEarly => "connection_closed_early",
    AnswersHttp10 => "answers_http_1_0",
    DiskExceeded => "disk_exceeded",
    InstanceMemorySampled => "instance_memory_sampled",
    InstanceUnhealthy => "instance_unhealthy",
    InstanceHealthy => "instance_healthy",
    InstanceOverMemory => "instance_over_memory",
    InstanceEnded => "instance_ended",
    PreStopFailed => "pre_stop_failed",
    PreFreezeFailed => "pre_freeze_failed",
    InstanceNotEnded => "instance_not_ended",
    InstanceStopped => "instance_stopped",
    BuildStarted => "build_started",
    BuildFinished => "build_finished",
    BuildFailed => "build_failed",
    BuildFailureAllowed => "build_failure_allowed",
    BuildProducts => "build_products",
    BuildUnsettled => "build_unsettled",
    CodeMissing => "code_missing",
    ImageMissing => "image_missing",
    CodeRunInPlace => "code_run_in_place",
    CodeCopying => "code_copying",
    InterpreterMapped => "interpreter_mapped",
    Watching => "watching",
    Ready => "ready",
    DomainReady => "domain_ready",
    Swapped => "swapped",
    SwapRefused => "swap_refused",
    DrainExceeded => "drain_exceeded",
    FormerCodeRemains => "former_code_remains",
    NotStarted => "not_started",
    ManifestChanged => "manifest_changed",
    ManifestInvalid => "manifest_invalid",
    ManifestNote => "manifest_note",
    DoctorFindings => "doctor_findings",
    PortChangeIgnored => "port_change_ignored",
    FunctionRemoved => "function_removed",
    VersionsChanged => "versions_changed",
    InstancesKept => "instances_kept",
    Timer => "timer",
    Account => "account",
    Alb => "alb",
    ProjectShared => "project_shared",
    VersionsNotRead => "versions_not_read",
    FolderNotWatched => "folder_not_watched",
    PortNotOpened => "port_not_opened",
    Ipv6PortTaken => "ipv6_port_taken",
    TlsReady => "tls_ready",
    TlsUnavailable => "tls_unavailable",
    ConsoleReady => "console_ready",
    GrpcReady => "grpc_ready",
    MemoryLimitsSampled => "memory_limits_sampled",
    FoldersTranslated => "folders_translated",
    NetworksUnavailable => "networks_unavailable",
    CallsRemain => "calls_remain",
    CallsEnded => "calls_ended",
    EventsDropped => "events_dropped",
}
