//! What happened, in words for people. Every sentence stands here.

use std::borrow::Cow;
use std::fmt::{Display, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::details::{
    Address, BuildFailure, BuildFault, Cause, DestinationFault, Ending, HookFault, ImageFault, Record,
    Remark, SocketTraffic,
};
use super::entry::Event;
use super::kind::Kind;
use super::text_of_programs as of_programs;
use super::text_of_runs as of_runs;
use super::text_of_versions::version_news;
use crate::failure::{mebibytes, usage};

/// What to do about builds that change their sources.
const NAME_WHAT_TO_WATCH: &str = "Name what to watch in x-local.watch, or build into a folder of its own";

impl Event {
    /// What happened, in words. Lines of functions and builds are as they were written.
    #[expect(clippy::too_many_lines, reason = "a line for each kind")]
    pub fn text(&self) -> Cow<'_, str> {
        Cow::Owned(match &self.kind {
            Kind::Stdout(text) | Kind::Stderr(text) | Kind::Build(text) => return Cow::Borrowed(text),
            Kind::Request(record) => request(record),
            kind @ (Kind::CallFailed(_) | Kind::CallCancelled { .. }) => {
                call_end(self.request.as_deref(), Some(kind))
            }
            Kind::FaultInjected { fault, ordinal } => of_runs::injected(*fault, *ordinal),
            Kind::InstanceStarted { process_id, duration } => {
                format!("started in {} ms, process {process_id}", duration.as_millis())
            }
            Kind::InstanceStartFailed(cause) => format!("cannot start: {}", why_not_started(cause)),
            Kind::InstanceNotListening { given_port, waited, last_line } => {
                not_listening(*given_port, *waited, last_line.as_deref())
            }
            Kind::PortUnreachable { port } => format!(
                "the program listens on port {port} at an address where the platform cannot reach it, such as \
                 127.0.0.1: listen on 0.0.0.0:{port}"
            ),
            Kind::PortUnexpected { given_port, ports } => unexpected_ports(*given_port, ports),
            Kind::InstanceMemorySampled { error } => {
                format!("no control group for the instance, so its memory is sampled: {error}")
            }
            Kind::InstanceUnhealthy { path, fault } => {
                format!("unhealthy, no new requests go to it: {}", about(&format!("GET {path}"), fault))
            }
            Kind::InstanceOverMemory { memory_bytes, limit_mib } => {
                format!("killed: it used {} MiB of {limit_mib} MiB", mebibytes(*memory_bytes))
            }
            Kind::InstanceEnded(Ending::Code(code)) => {
                format!("the instance ended by itself with code {code}")
            }
            Kind::InstanceEnded(Ending::Signal(signal)) => {
                format!("the instance was ended by signal {signal}")
            }
            Kind::PreStopFailed { is_command, fault } => pre_stop_failed(*is_command, fault),
            Kind::PreFreezeFailed { is_command, fault } => {
                let name = if *is_command { "the pre-freeze command" } else { "GET /pre-freeze" };
                format!("{}; the instance is frozen all the same", about(name, fault))
            }
            Kind::InstanceNotEnded { process_id } => {
                format!("process {process_id} does not end after SIGKILL")
            }
            Kind::BuildStarted { command } => format!("building: {command}"),
            Kind::BuildFinished { duration } => {
                format!("built in {}.{} s", duration.as_secs(), duration.subsec_millis() / 100)
            }
            Kind::BuildFailed(failure) => format!("the build failed: {}", step_failed(failure)),
            Kind::BuildFailureAllowed(failure) => {
                format!("{}; the build goes on, as its allow_failure says", step_failed(failure))
            }
            Kind::BuildProducts { files } => build_products(files),
            Kind::BuildUnsettled => format!(
                "every build changes the sources; it is built again after the next change. {NAME_WHAT_TO_WATCH}"
            ),
            Kind::CodeMissing { code, error } => format!("cannot take the code: {}: {error}", code.display()),
            Kind::ImageMissing(ImageFault { image, error }) => {
                format!("cannot run the image {image}: {error}")
            }
            Kind::CodeRunInPlace { code } => {
                format!("{} is larger than the platform takes (500 MiB); it is run in place", code.display())
            }
            Kind::Ready(address) => ready(address),
            Kind::DomainReady(address) => format!("{}  {}", address.domain, address.curl),
            Kind::DrainExceeded { limit } => format!(
                "calls of the former code are still under way after {} s; they are ended, since the new code needs its \
                 port",
                limit.as_secs_f64()
            ),
            Kind::NotStarted { error } => format!("cannot start: {error}"),
            Kind::ManifestInvalid { file, problems } => manifest_invalid(file, problems),
            Kind::ManifestNote { file, note } => remark(file, note),
            Kind::DoctorFindings(errors) => of_runs::doctor_findings(*errors),
            Kind::VersionsChanged(news) => version_news(news),
            Kind::ProjectShared { address } => format!(
                "another fc-local dev of this project runs at {address}: they share the versions and \
                 aliases"
            ),
            Kind::InstancesKept { count, schedule } => of_runs::kept(*count, schedule.as_deref()),
            Kind::Timer(news) => news.text(),
            Kind::Account(news) => news.text(),
            Kind::Alb(news) => news.text(),
            Kind::VersionsNotRead { error } => {
                format!("the versions in .fc-local cannot be read: {error}; calls of them are refused")
            }
            Kind::FolderNotWatched { folder, error } => {
                format!("changes in {} are not noticed: {error}", folder.display())
            }
            Kind::PortNotOpened { address, error } => not_bound(*address, error),
            Kind::Ipv6PortTaken { port } => format!(
                "another program listens on [::1]:{port}: clients that try IPv6 first reach that one at \
                 http://<function>.localhost:{port}/"
            ),
            kind @ (Kind::TlsReady { .. }
            | Kind::TlsUnavailable { .. }
            | Kind::TlsRefused { .. }
            | Kind::ConsoleReady(_)
            | Kind::GrpcReady { .. }) => of_programs::ports(kind),
            Kind::AsyncCall(news) => of_runs::async_call(news),
            Kind::MessageStored(destination) => {
                format!("message for {destination}: `fc-local messages` shows it")
            }
            Kind::DestinationFailed(DestinationFault { destination, error }) => {
                format!("DestinationDeliveryFailed: {destination}: {error}")
            }
            Kind::QueueResumed { waiting, repeated } => of_runs::queue_resumed(*waiting, *repeated),
            Kind::CallSetAside { error } => {
                format!("the record of an asynchronous call cannot be read and was set aside: {error}")
            }
            Kind::QueueUnavailable { error } => format!("asynchronous calls are refused: {error}"),
            Kind::MemoryLimitsSampled { reason } => {
                format!("memory limits are held by sampling, since control groups cannot be used: {reason}")
            }
            Kind::CallsRemain { calls, left, oldest } => of_runs::calls_remain(*calls, *left, oldest),
            Kind::EventsDropped { events, bytes } => {
                of_runs::events_dropped(*events, *bytes, self.function.is_some())
            }
            kind => match of_programs::text(kind) {
                Some(text) => text,
                None => return Cow::Borrowed(plain(kind)),
            },
        })
    }
}

/// The sentences without fields.
fn plain(kind: &Kind) -> &'static str {
    match kind {
        Kind::AttachmentLeftOut => {
            "a browser shows this page; from the platform's built-in domain it would download it (content-disposition: \
             attachment), from a custom domain not. x-local.attachment: true has the header here too"
        }
        Kind::OriginsDoubled => {
            "a reply has access-control-allow-origin twice, once of corsConfig and once of the function, as on the platform: \
             browsers refuse it. Leave CORS to one of the two"
        }
        Kind::GrpcPlaintext => {
            "a client calls by gRPC in plain text; the platform takes TLS only, and closes such a connection"
        }
        Kind::AnswersHttp10 => {
            "the program answers HTTP/1.0. The platform speaks HTTP/1.1, keeps connections, and answers 502 to a POST on one that closes"
        }
        Kind::InstanceHealthy => "healthy again",
        Kind::InstanceStopped => "stopped",
        Kind::Swapped => "swapped: new calls go to the new code",
        // The failure of the start has already told the reason.
        Kind::SwapRefused(_) => "the new code does not start; the former goes on",
        Kind::FormerCodeRemains => "the former code does not end; the new code is started all the same",
        Kind::ManifestChanged => "the manifest changed",
        Kind::PortChangeIgnored => "a changed x-local.port takes effect when fc-local is started anew",
        Kind::FunctionRemoved => "removed from the manifest: stopped",
        Kind::CallsEnded => "calls are still under way; they are ended",
        _ => "",
    }
}

/// The platform's line at the end of a call, with the first line of what went wrong if anything did.
pub(crate) fn call_end(request: Option<&str>, kind: Option<&Kind>) -> String {
    let mut text = format!("FC Invoke End RequestId: {}", request.unwrap_or_default());
    let cancelled;
    let error = match kind {
        Some(Kind::CallFailed(cause)) => &cause.message,
        Some(Kind::CallCancelled { duration, memory_bytes }) => {
            cancelled = format!("Invocation canceled by client {}", usage(*duration, *memory_bytes));
            &cancelled
        }
        _ => return text,
    };
    text.extend([", Error: ", error.lines().next().unwrap_or_default()]);
    text
}

/// The first line of the message. What a failed start has told is not told again.
fn why_no_reply(cause: &Cause) -> &str {
    match cause.failure {
        "file_not_found" | "file_permission" | "exited_at_start" | "not_started" | "initializer_failed" => {
            "it does not start"
        }
        _ => cause.message.lines().next().unwrap_or_default(),
    }
}

/// The failure without the program's output: each line is already an event of its own.
fn why_not_started(cause: &Cause) -> String {
    let message = cause.message.split_once("\nLogs:\n").map_or(&*cause.message, |(message, _)| message);
    match cause.exit_code.and_then(exit_hint) {
        Some(hint) => format!("{message} {hint}"),
        None => message.to_owned(),
    }
}

/// The meaning of an exit code. The platform reads the code as an error number of the system.
fn exit_hint(code: i32) -> Option<String> {
    let meaning = match code {
        1 => "most programs end with 1 after an error of their own".to_owned(),
        101 => "a Rust program ends with 101 after a panic".to_owned(),
        126 => "a shell ends with 126 if it may not run a command".to_owned(),
        127 => "a shell ends with 127 if there is no such command".to_owned(),
        129..=192 => return Some(format!("({code} is 128 + {0}: signal {0} ended it.)", code - 128)),
        _ => return None,
    };
    Some(format!("(The message is the platform's reading of the code as an error number: {meaning}.)"))
}

fn unexpected_ports(given: u16, ports: &[u16]) -> String {
    let word = if ports.len() == 1 { "port" } else { "ports" };
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    format!(
        "so far the program listens on {word} {}, not on {given} (FC_CUSTOM_LISTEN_PORT)",
        ports.join(", ")
    )
}

fn not_listening(port: u16, waited: Duration, last_line: Option<&str>) -> String {
    let mut text = format!(
        "nothing listens after {} s: the program has to listen on 0.0.0.0:{port}, the port in FC_CUSTOM_LISTEN_PORT; ",
        waited.as_secs()
    );
    match last_line {
        Some(line) => text.extend(["its last line was: ", line]),
        None => text.push_str("it has written nothing"),
    }
    text
}

/// Describes the failure of the hook or check named `name`.
pub(crate) fn about(name: &str, fault: &HookFault) -> String {
    match fault {
        HookFault::Status(_) | HookFault::ExitCode(_) => format!("{name} {fault}"),
        _ => format!("{name}: {fault}"),
    }
}

/// Why there is no listening on an address.
pub(crate) fn not_bound(address: SocketAddr, error: impl Display) -> String {
    format!(
        "cannot listen on {address}: {error}; choose another one: --port, --grpc-port, or x-local.port of a function"
    )
}

fn request(record: &Record) -> String {
    let Record { method, domain, path, status, duration, is_cold, socket, grpc_status, cause, alb, .. } =
        record;
    let domain = domain.as_deref().unwrap_or_default();
    let tenths = duration.as_micros() / 100;
    let mut text = String::with_capacity(path.len() + 64);
    // One text for all parts, without the detour of a format: there is one for each request.
    for part in [method.as_str(), " ", domain, path, " ", itoa::Buffer::new().format(*status)] {
        text.push_str(part);
    }
    // Into memory, which does not fail.
    if let Some(code) = grpc_status {
        _ = write!(text, " grpc-status {code}");
    }
    for part in
        [" ", itoa::Buffer::new().format(tenths / 10), ".", itoa::Buffer::new().format(tenths % 10), " ms"]
    {
        text.push_str(part);
    }
    if *is_cold {
        text.push_str(" cold");
    }
    if let Some(SocketTraffic { messages_from_client: from, messages_to_client: to, .. }) = socket {
        _ = write!(text, ", {from} messages from the client and {to} to it");
    }
    match cause {
        Some(cause) => _ = write!(text, ", {}: {}", cause.by, why_no_reply(cause)),
        None if *status == 499 => text.push_str(", the client left"),
        None => {}
    }
    if let Some(alb) = alb {
        alb.write(&mut text);
    }
    text
}

fn ready(address: &Address) -> String {
    let mut text = if address.has_trigger {
        // The first one is understood by every client, also by those whose system does not know `*.localhost`. Beside `serve` a
        // function has no port of its own.
        if address.port_url == address.host_url {
            address.host_url.clone()
        } else {
            format!("{}  {}", address.port_url, address.host_url)
        }
    } else {
        format!("ready for events: fc-local invoke {}", address.function)
    };
    for (qualifier, url) in &address.qualified_urls {
        // Writing into a string cannot fail.
        _ = write!(text, "\n{qualifier}: {url}");
    }
    text
}

fn pre_stop_failed(is_command: bool, fault: &HookFault) -> String {
    let name = if is_command { "the pre-stop command" } else { "GET /pre-stop" };
    match fault {
        HookFault::InstanceEnded => {
            "the instance ended during its pre-stop hook; stopping goes on".to_owned()
        }
        fault => format!("{}; stopping goes on", about(name, fault)),
    }
}

fn step_failed(failure: &BuildFailure) -> String {
    let BuildFailure { line, command, fault } = failure;
    match fault {
        BuildFault::NoFolder(folder) => {
            format!("line {line}: there is no folder {}", folder.display())
        }
        BuildFault::ExitCode(code) => {
            format!("line {line}: `{command}` ended with code {code}")
        }
        BuildFault::NotStarted(error) => {
            format!("line {line}: cannot start `{command}`: {error}")
        }
    }
}

fn build_products(files: &[PathBuf]) -> String {
    let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    format!(
        "taken for what the build makes, since every build changes it: {}; a change of it during a build is not \
         noticed. {NAME_WHAT_TO_WATCH}",
        names.join(", ")
    )
}

fn manifest_invalid(file: &Path, problems: &[Remark]) -> String {
    let mut text = "the manifest is not used:".to_owned();
    for problem in problems {
        // Writing into a string cannot fail.
        _ = write!(text, "\n{}", remark(file, problem));
    }
    text
}

fn remark(file: &Path, remark: &Remark) -> String {
    format!("{}:{}: {}", file.display(), remark.line, remark.text)
}
