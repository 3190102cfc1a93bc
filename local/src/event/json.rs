//! What happened, as the fields of a JSON object. docs/fc-local.md lists them.

use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::details::{
    AsyncNews, BuildFault, CallInFlight, Cause, DestinationFault, Ending, HookFault, Record, Remark,
    SocketTraffic, Unfit, VersionNews,
};
use super::entry::Event;
use super::kind::Kind;
use crate::fault::Fault;

impl Event {
    /// The function, the instance, the request and the version, the kind with its fields, and the level. The text is included only
    /// if it says more than the fields. The writer adds the time.
    pub fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        let names = [("function", &self.function), ("instance", &self.instance), ("request", &self.request)];
        for (name, value) in names {
            if let Some(value) = value {
                fields.insert(name.to_owned(), Value::from(&**value));
            }
        }
        if let Some(version) = self.version {
            fields.insert("versionId".to_owned(), version.to_string().into());
        }
        fields.insert("kind".to_owned(), self.kind.name().into());
        fields.insert("level".to_owned(), self.kind.level().name().into());
        if let Value::Object(own) = own(&self.kind) {
            fields.extend(own);
        }
        if !matches!(self.kind, Kind::Request(_) | Kind::Ready(_) | Kind::DomainReady(_)) {
            fields.insert("text".to_owned(), self.text().into());
        }
        fields
    }
}

/// The fields of the kind.
#[expect(clippy::too_many_lines, reason = "a line for each kind")]
fn own(kind: &Kind) -> Value {
    match kind {
        Kind::Request(record) => request(record),
        Kind::CallFailed(cause) | Kind::InstanceStartFailed(cause) | Kind::SwapRefused(cause) => {
            failure(cause)
        }
        Kind::CallCancelled { duration, memory_bytes } => {
            json!({ "ms": ms(*duration), "memoryBytes": memory_bytes })
        }
        Kind::AsyncCall(news) => async_call(news),
        Kind::MessageStored(destination) => json!({ "destination": destination }),
        Kind::DestinationFailed(DestinationFault { destination, error }) => {
            json!({ "destination": destination, "error": error })
        }
        Kind::QueueResumed { waiting, repeated } => json!({ "waiting": waiting, "repeated": repeated }),
        Kind::FaultInjected { fault, ordinal } => with(injected(*fault), "ordinal", *ordinal),
        Kind::InstanceStarted { process_id, duration } => {
            json!({ "processId": process_id, "ms": ms(*duration) })
        }
        Kind::InstanceNotListening { given_port, waited, last_line } => {
            json!({ "givenPort": given_port, "ms": ms(*waited), "lastLine": last_line })
        }
        Kind::PortIgnored { given_port, port } => json!({ "givenPort": given_port, "port": port }),
        Kind::PortUnexpected { given_port, ports } => json!({ "givenPort": given_port, "ports": ports }),
        Kind::PortUnreachable { port } | Kind::Ipv6PortTaken { port } => {
            json!({ "port": port })
        }
        Kind::NetworkOwn { .. }
        | Kind::NetworksUnavailable { .. }
        | Kind::FoldersTranslated(_)
        | Kind::PortHeld { .. }
        | Kind::ProgramHidden { .. }
        | Kind::LayersMissing { .. }
        | Kind::ProgramUnfit { .. }
        | Kind::InstanceKilled { .. }
        | Kind::ConnectionClosedEarly { .. }
        | Kind::DiskExceeded { .. }
        | Kind::CodeCopying { .. }
        | Kind::InterpreterMapped { .. }
        | Kind::Watching { .. } => of_program(kind),
        Kind::InstanceMemorySampled { error }
        | Kind::NotStarted { error }
        | Kind::TlsRefused { error }
        | Kind::TlsUnavailable { error }
        | Kind::QueueUnavailable { error }
        | Kind::CallSetAside { error }
        | Kind::VersionsNotRead { error } => json!({ "error": error }),
        Kind::VersionsChanged(news) => version_news(news),
        Kind::InstancesKept { count, schedule } => json!({ "count": count, "schedule": schedule }),
        Kind::Timer(news) => news.json(),
        Kind::Account(news) => news.json(),
        Kind::Alb(news) => news.json(),
        Kind::TlsReady { certificate } => json!({ "certificate": shown(certificate) }),
        Kind::ConsoleReady([url, path_url]) => json!({ "url": url, "pathUrl": path_url }),
        Kind::GrpcReady { address } | Kind::ProjectShared { address } => {
            json!({ "address": address.to_string() })
        }
        Kind::InstanceUnhealthy { path, fault } => with(hook_fault(fault), "path", &**path),
        Kind::InstanceOverMemory { memory_bytes, limit_mib } => {
            json!({ "memoryBytes": memory_bytes, "limitMiB": limit_mib })
        }
        Kind::InstanceEnded(Ending::Code(code)) => json!({ "exitCode": code }),
        Kind::InstanceEnded(Ending::Signal(signal)) => json!({ "signal": signal }),
        Kind::PreStopFailed { is_command, fault } | Kind::PreFreezeFailed { is_command, fault } => {
            with(hook_fault(fault), "command", *is_command)
        }
        Kind::InstanceNotEnded { process_id } => json!({ "processId": process_id }),
        Kind::BuildFinished { duration } => json!({ "ms": ms(*duration) }),
        Kind::BuildStarted { command } => json!({ "command": command }),
        Kind::BuildFailed(failure) | Kind::BuildFailureAllowed(failure) => {
            let fault = build_fault(&failure.fault);
            with(with(fault, "line", failure.line), "command", &*failure.command)
        }
        Kind::BuildProducts { files } => json!({ "files": files.iter().map(shown).collect::<Vec<_>>() }),
        Kind::CodeMissing { code, error } => json!({ "code": shown(code), "error": error }),
        Kind::ImageMissing(fault) => json!({ "image": fault.image, "error": fault.error }),
        Kind::CodeRunInPlace { code } => json!({ "code": shown(code) }),
        Kind::Ready(address) => {
            let fields = json!({
                "url": address.host_url, "portUrl": address.port_url, "trigger": address.has_trigger,
            });
            let own: Map<String, Value> =
                address.qualified_urls.iter().map(|(own, url)| (own.clone(), url.as_str().into())).collect();
            if own.is_empty() { fields } else { with(fields, "qualifiers", own) }
        }
        Kind::DomainReady(address) => json!({
            "domain": address.domain, "url": address.url, "curl": address.curl,
        }),
        Kind::DrainExceeded { limit } => json!({ "limitMs": ms(*limit) }),
        Kind::ManifestInvalid { file, problems } => json!({
            "file": shown(file), "problems": problems.iter().map(remark).collect::<Vec<_>>(),
        }),
        Kind::ManifestNote { file, note } => with(remark(note), "file", shown(file)),
        Kind::DoctorFindings(errors) => json!({ "errors": errors }),
        Kind::FolderNotWatched { folder, error } => json!({ "folder": shown(folder), "error": error }),
        Kind::PortNotOpened { address, error } => json!({ "address": address.to_string(), "error": error }),
        Kind::MemoryLimitsSampled { reason } => json!({ "reason": reason }),
        Kind::CallsRemain { calls, left, oldest } => json!({
            "calls": calls, "leftMs": ms(*left), "oldest": oldest.iter().map(call_in_flight).collect::<Vec<_>>(),
        }),
        Kind::EventsDropped { events, bytes } => json!({ "events": events, "bytes": bytes }),
        Kind::Stdout(_)
        | Kind::Stderr(_)
        | Kind::Build(_)
        | Kind::AttachmentLeftOut
        | Kind::OriginsDoubled
        | Kind::AnswersHttp10
        | Kind::GrpcPlaintext
        | Kind::InstanceHealthy
        | Kind::InstanceStopped
        | Kind::BuildUnsettled
        | Kind::Swapped
        | Kind::FormerCodeRemains
        | Kind::ManifestChanged
        | Kind::PortChangeIgnored
        | Kind::FunctionRemoved
        | Kind::CallsEnded => Value::Null,
    }
}

fn async_call(news: &AsyncNews) -> Value {
    json!({
        "task": news.task, "state": news.state, "execution": news.execution, "ms": news.duration.map(ms),
        "retryInMs": news.retry_in.map(ms), "error": news.error,
    })
}

/// The fields of a kind about a program that was written for other machines.
fn of_program(kind: &Kind) -> Value {
    match kind {
        Kind::NetworkOwn(port) => json!({ "port": port }),
        Kind::NetworksUnavailable(reason) | Kind::FoldersTranslated(reason) => {
            json!({ "reason": reason })
        }
        Kind::PortHeld { port, process_id, program, holder } => json!({
            "port": port, "processId": process_id, "program": program, "holder": holder,
        }),
        Kind::ProgramHidden { program, found, searched } => json!({
            "program": program, "found": shown(found), "searched": searched.iter().map(shown).collect::<Vec<_>>(),
        }),
        Kind::LayersMissing { layers } => json!({ "layers": layers }),
        Kind::ProgramUnfit { program, fault } => with(unfit(fault), "program", &**program),
        Kind::InstanceKilled { process_id, waited } => {
            json!({ "processId": process_id, "ms": waited.map(ms) })
        }
        Kind::ConnectionClosedEarly { within } => json!({ "withinMs": ms(*within) }),
        Kind::DiskExceeded { bytes, limit_mib } => json!({ "bytes": bytes, "limitMiB": limit_mib }),
        Kind::CodeCopying { code, copied, bytes } => {
            json!({ "code": shown(code), "copied": copied, "bytes": bytes })
        }
        Kind::InterpreterMapped { folder, program } => {
            json!({ "folder": shown(folder), "program": shown(program) })
        }
        Kind::Watching { folders, builds } => json!({
            "folders": folders.iter().map(shown).collect::<Vec<_>>(), "builds": builds,
        }),
        _ => Value::Null,
    }
}

fn request(record: &Record) -> Value {
    let mut fields = json!({
        "method": record.method.as_str(), "path": record.path, "status": record.status,
        "ms": ms(record.duration), "cold": record.is_cold,
    });
    if let Some(domain) = &record.domain {
        fields = with(fields, "domain", &**domain);
    }
    if let Some(via) = record.via {
        fields = with(with(fields, "via", via.name()), "attempt", record.attempt);
    }
    if let Some(code) = record.grpc_status {
        fields = with(fields, "grpcStatus", code);
    }
    if let Some(cause) = &record.cause {
        fields = with(with(fields, "failure", cause.failure), "by", cause.by);
    }
    if let Some(alb) = &record.alb {
        fields = with(fields, "alb", alb.json());
    }
    match record.socket {
        Some(socket) => with(fields, "socket", self::socket(socket)),
        None => fields,
    }
}

fn version_news(news: &VersionNews) -> Value {
    match news {
        VersionNews::Published(version) => json!({ "change": "published", "version": version }),
        VersionNews::Removed(version) => json!({ "change": "removed", "version": version }),
        VersionNews::AliasSet { alias, version, additional } => {
            let fields = json!({ "change": "alias_set", "alias": alias, "version": version });
            match additional {
                Some((second, weight)) => {
                    with(with(fields, "secondVersion", *second), "secondWeight", *weight)
                }
                None => fields,
            }
        }
        VersionNews::AliasRemoved(alias) => json!({ "change": "alias_removed", "alias": alias }),
    }
}

fn socket(socket: SocketTraffic) -> Value {
    json!({
        "messagesFromClient": socket.messages_from_client, "bytesFromClient": socket.bytes_from_client,
        "messagesToClient": socket.messages_to_client, "bytesToClient": socket.bytes_to_client,
    })
}

fn unfit(fault: &Unfit) -> Value {
    let name = fault.name();
    match fault {
        Unfit::NoInterpreter { interpreter } => json!({ "fault": name, "interpreter": interpreter }),
        Unfit::NotFound { searched } => {
            json!({ "fault": name, "searched": searched.iter().map(shown).collect::<Vec<_>>() })
        }
        _ => json!({ "fault": name }),
    }
}

fn injected(fault: Fault) -> Value {
    let name = fault.name();
    match fault {
        Fault::Reuse | Fault::Idle => json!({ "fault": name }),
        Fault::SlowStart(time) | Fault::Freeze(time) | Fault::Upstream(time) => {
            json!({ "fault": name, "ms": ms(time) })
        }
        Fault::Leave(bytes) => json!({ "fault": name, "bytes": bytes }),
        Fault::Throttle(status) => json!({ "fault": name, "status": status }),
    }
}

fn call_in_flight(call: &CallInFlight) -> Value {
    json!({ "method": call.method.as_str(), "path": call.path, "ms": ms(call.age) })
}

fn failure(cause: &Cause) -> Value {
    let fields = json!({ "failure": cause.failure, "by": cause.by, "message": cause.message });
    match cause.exit_code {
        Some(code) => with(fields, "exitCode", code),
        None => fields,
    }
}

fn hook_fault(fault: &HookFault) -> Value {
    let name = fault.name();
    match fault {
        HookFault::Status(status) => json!({ "fault": name, "status": status.as_u16() }),
        HookFault::NoAnswer(limit) | HookFault::NotEnded(limit) => {
            json!({ "fault": name, "limitMs": ms(*limit) })
        }
        HookFault::Broken(error) | HookFault::NotStarted(error) => json!({ "fault": name, "error": error }),
        HookFault::ExitCode(code) => json!({ "fault": name, "exitCode": code }),
        HookFault::InstanceEnded => json!({ "fault": name }),
    }
}

fn build_fault(fault: &BuildFault) -> Value {
    let name = fault.name();
    match fault {
        BuildFault::NoFolder(folder) => json!({ "fault": name, "folder": shown(folder) }),
        BuildFault::ExitCode(code) => json!({ "fault": name, "exitCode": code }),
        BuildFault::NotStarted(error) => json!({ "fault": name, "error": error }),
    }
}

fn remark(remark: &Remark) -> Value {
    json!({ "line": remark.line, "note": remark.text })
}

fn with(mut fields: Value, name: &str, value: impl Into<Value>) -> Value {
    fields[name] = value.into();
    fields
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn shown(path: impl AsRef<Path>) -> String {
    path.as_ref().display().to_string()
}
