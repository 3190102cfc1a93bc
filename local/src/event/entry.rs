//! An event: the time, the kind, the function, the instance and the request.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::details::{
    Address, AsyncNews, BuildFailure, BuildFault, CallInFlight, HookFault, Unfit, VersionNews,
};
use super::kind::Kind;

/// The memory of an event without its texts, in bytes: the event, its place in a queue, and its share of the names.
const FIXED: usize = size_of::<Event>() + 64;

/// Something that happened. [The example of the crate](crate) looks for one by its kind.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Event {
    /// When the event happened.
    pub time: SystemTime,
    /// The function it belongs to.
    pub function: Option<Arc<str>>,
    /// The instance it belongs to.
    pub instance: Option<Arc<str>>,
    /// The request it belongs to.
    pub request: Option<Arc<str>>,
    /// The published version of the instance's code. `None` for `LATEST`, and for what belongs to no instance.
    pub version: Option<u64>,
    /// The kind, with its fields.
    pub kind: Kind,
}

impl Event {
    /// The memory of the event in bytes, exact enough for a bound.
    pub fn bytes(&self) -> usize {
        FIXED + self.kind.bytes()
    }
}

impl Kind {
    /// What its texts take.
    fn bytes(&self) -> usize {
        match self {
            Kind::Stdout(text) | Kind::Stderr(text) | Kind::Build(text) => text.capacity(),
            Kind::Request(record) => {
                let cause = record.cause.as_ref();
                record.path.capacity()
                    + cause.map_or(0, |cause| size_of_val(&**cause) + cause.message.capacity())
                    + record.alb.as_ref().map_or(0, |alb| size_of_val(&**alb))
            }
            Kind::CallFailed(cause) | Kind::InstanceStartFailed(cause) | Kind::SwapRefused(cause) => {
                cause.message.capacity()
            }
            Kind::InstanceNotListening { last_line, .. } => last_line.as_ref().map_or(0, String::capacity),
            Kind::PortUnexpected { ports, .. } => size_of_val(ports.as_slice()),
            Kind::InstanceMemorySampled { error }
            | Kind::NotStarted { error }
            | Kind::TlsRefused { error }
            | Kind::TlsUnavailable { error }
            | Kind::VersionsNotRead { error }
            | Kind::QueueUnavailable { error }
            | Kind::CallSetAside { error }
            | Kind::PortNotOpened { error, .. } => error.capacity(),
            Kind::AsyncCall(news) => news.bytes(),
            Kind::Timer(news) => news.bytes(),
            Kind::Account(news) => news.bytes(),
            Kind::Alb(news) => news.bytes(),
            Kind::MessageStored(destination) => destination.capacity(),
            Kind::DestinationFailed(fault) => fault.destination.capacity() + fault.error.capacity(),
            Kind::InstanceUnhealthy { path, fault } => path.capacity() + fault.bytes(),
            Kind::PreStopFailed { fault, .. } | Kind::PreFreezeFailed { fault, .. } => fault.bytes(),
            Kind::BuildStarted { command } => command.capacity(),
            Kind::BuildFailed(failure) | Kind::BuildFailureAllowed(failure) => build_bytes(failure),
            Kind::BuildProducts { files } | Kind::Watching { folders: files, .. } => paths_bytes(files),
            Kind::PortHeld { program, holder, .. } => {
                program.capacity() + holder.as_ref().map_or(0, String::capacity)
            }
            Kind::ProgramHidden { program, found, searched } => {
                program.capacity() + path_bytes(found) + paths_bytes(searched)
            }
            Kind::LayersMissing { layers } => texts_bytes(layers),
            Kind::InterpreterMapped { folder, program } => path_bytes(folder) + path_bytes(program),
            Kind::CodeMissing { code: path, error } | Kind::FolderNotWatched { folder: path, error } => {
                path_bytes(path) + error.capacity()
            }
            Kind::ImageMissing(fault) => fault.image.capacity() + fault.error.capacity(),
            Kind::CodeRunInPlace { code } | Kind::CodeCopying { code, .. } => path_bytes(code),
            Kind::Ready(address) => address_bytes(address),
            Kind::DomainReady(address) => {
                address.domain.capacity() + address.url.capacity() + address.curl.capacity()
            }
            Kind::ManifestInvalid { file, problems } => {
                let problems = problems.iter().map(|problem| size_of_val(problem) + problem.text.capacity());
                path_bytes(file) + problems.sum::<usize>()
            }
            Kind::ManifestNote { file, note } => path_bytes(file) + note.text.capacity(),
            Kind::VersionsChanged(VersionNews::AliasSet { alias, .. } | VersionNews::AliasRemoved(alias)) => {
                alias.capacity()
            }
            Kind::InstancesKept { schedule, .. } => schedule.as_ref().map_or(0, String::capacity),
            Kind::MemoryLimitsSampled { reason }
            | Kind::FoldersTranslated(reason)
            | Kind::NetworksUnavailable(reason) => reason.capacity(),
            Kind::ProgramUnfit { program, fault } => program.capacity() + unfit_bytes(fault),
            Kind::TlsReady { certificate } => path_bytes(certificate),
            Kind::ConsoleReady(urls) => texts_bytes(urls),
            Kind::CallsRemain { oldest, .. } => calls_bytes(oldest),
            Kind::CallCancelled { .. }
            | Kind::QueueResumed { .. }
            | Kind::AttachmentLeftOut
            | Kind::OriginsDoubled
            | Kind::GrpcPlaintext
            | Kind::GrpcReady { .. }
            | Kind::ProjectShared { .. }
            | Kind::InstanceStarted { .. }
            | Kind::FaultInjected { .. }
            | Kind::PortIgnored { .. }
            | Kind::NetworkOwn { .. }
            | Kind::PortUnreachable { .. }
            | Kind::InstanceKilled { .. }
            | Kind::ConnectionClosedEarly { .. }
            | Kind::AnswersHttp10
            | Kind::DiskExceeded { .. }
            | Kind::InstanceHealthy
            | Kind::InstanceOverMemory { .. }
            | Kind::InstanceEnded(_)
            | Kind::InstanceNotEnded { .. }
            | Kind::InstanceStopped
            | Kind::BuildFinished { .. }
            | Kind::BuildUnsettled
            | Kind::Swapped
            | Kind::DrainExceeded { .. }
            | Kind::FormerCodeRemains
            | Kind::ManifestChanged
            | Kind::DoctorFindings(_)
            | Kind::PortChangeIgnored
            | Kind::FunctionRemoved
            | Kind::VersionsChanged(_)
            | Kind::Ipv6PortTaken { .. }
            | Kind::CallsEnded
            | Kind::EventsDropped { .. } => 0,
        }
    }
}

fn address_bytes(address: &Address) -> usize {
    let qualified = address.qualified_urls.iter().map(|(own, url)| own.capacity() + url.capacity());
    address.function.capacity()
        + address.host_url.capacity()
        + address.port_url.capacity()
        + qualified.sum::<usize>()
}

fn build_bytes(failure: &BuildFailure) -> usize {
    let fault = match &failure.fault {
        BuildFault::NoFolder(folder) => path_bytes(folder),
        BuildFault::NotStarted(error) => error.capacity(),
        BuildFault::ExitCode(_) => 0,
    };
    failure.command.capacity() + fault
}

fn texts_bytes(texts: &[String]) -> usize {
    texts.iter().map(|text| size_of_val(text) + text.capacity()).sum()
}

fn paths_bytes(paths: &[PathBuf]) -> usize {
    paths.iter().map(|path| size_of_val(path) + path_bytes(path)).sum()
}

impl AsyncNews {
    fn bytes(&self) -> usize {
        [&self.task, &self.error].into_iter().flatten().map(String::capacity).sum()
    }
}

impl HookFault {
    fn bytes(&self) -> usize {
        match self {
            HookFault::Broken(error) | HookFault::NotStarted(error) => error.capacity(),
            _ => 0,
        }
    }
}

fn unfit_bytes(fault: &Unfit) -> usize {
    match fault {
        Unfit::NoInterpreter { interpreter } => interpreter.capacity(),
        Unfit::NotFound { searched } => {
            searched.iter().map(|folder| size_of_val(folder) + path_bytes(folder)).sum()
        }
        _ => 0,
    }
}

fn calls_bytes(calls: &[CallInFlight]) -> usize {
    calls.iter().map(|call| size_of_val(call) + call.path.capacity()).sum()
}

fn path_bytes(path: &Path) -> usize {
    path.as_os_str().len()
}

/// What an event belongs to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Source {
    pub(crate) function: Option<Arc<str>>,
    pub(crate) instance: Option<Arc<str>>,
    pub(crate) request: Option<Arc<str>>,
    /// The published version of the instance's code.
    pub(crate) version: Option<u64>,
}

impl Source {
    pub(crate) fn function(name: &Arc<str>) -> Self {
        Source { function: Some(Arc::clone(name)), ..Source::default() }
    }

    pub(crate) fn with_instance(&self, id: &Arc<str>) -> Self {
        Source { instance: Some(Arc::clone(id)), ..self.clone() }
    }

    pub(crate) fn with_request(&self, id: &Arc<str>) -> Self {
        Source { request: Some(Arc::clone(id)), ..self.clone() }
    }
}
