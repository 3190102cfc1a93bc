//! An event of each kind, and its sentence.

use std::path::PathBuf;
use std::time::Duration;

use http::{Method, StatusCode};

use super::*;

pub(super) type Sample = (Kind, &'static str);

const SECOND: Duration = Duration::from_secs(1);
const DURATION: Duration = Duration::from_millis(45);
const MEMORY_BYTES: u64 = 49 * 1024 * 1024;

pub(super) fn request(status: u16, is_cold: bool) -> Kind {
    let duration = Duration::from_micros(1_234);
    let (path, via) = ("/a".to_owned(), Some(Via::HttpTrigger));
    let (socket, domain, cause, alb) = (None, None, None, None);
    Kind::Request(Record {
        method: Method::GET,
        domain,
        path,
        status,
        duration,
        is_cold,
        via,
        attempt: 1,
        socket,
        grpc_status: None,
        cause,
        alb,
    })
}

fn failed(status: u16, failure: &Failure) -> Kind {
    let Kind::Request(record) = request(status, false) else { unreachable!("a request") };
    Kind::Request(Record { cause: Some(Box::new(Cause::from(failure))), ..record })
}

fn grpc(status: u16, code: u32) -> Kind {
    let Kind::Request(record) = request(status, false) else { unreachable!("a request") };
    Kind::Request(Record { grpc_status: Some(code), ..record })
}

fn websocket() -> Kind {
    let Kind::Request(record) = request(101, false) else { unreachable!("a request") };
    let traffic =
        SocketTraffic { messages_from_client: 3, messages_to_client: 1, ..SocketTraffic::default() };
    Kind::Request(Record { socket: Some(traffic), ..record })
}

fn by_domain() -> Kind {
    let Kind::Request(record) = request(200, false) else { unreachable!("a request") };
    Kind::Request(Record { domain: Some("api.example.com".into()), via: Some(Via::CustomDomain), ..record })
}

fn domain_ready() -> Kind {
    Kind::DomainReady(DomainAddress {
        domain: "api.example.com".to_owned(),
        url: "http://api.example.com:8080/".to_owned(),
        curl: "curl -H 'Host: api.example.com' http://127.0.0.1:8080/".to_owned(),
    })
}

fn build_failed(fault: BuildFault) -> Kind {
    Kind::BuildFailed(BuildFailure { line: 7, command: "make".to_owned(), fault })
}

fn build_failure_allowed(fault: BuildFault) -> Kind {
    Kind::BuildFailureAllowed(BuildFailure { line: 7, command: "make".to_owned(), fault })
}

fn unhealthy(fault: HookFault) -> Kind {
    Kind::InstanceUnhealthy { path: "/health".to_owned(), fault }
}

fn pre_stop_failed(is_command: bool, fault: HookFault) -> Kind {
    Kind::PreStopFailed { is_command, fault }
}

pub(super) fn address(has_trigger: bool, qualified: &[&str]) -> Kind {
    Kind::Ready(Address {
        function: "f".to_owned(),
        host_url: "http://f.localhost:8080/".to_owned(),
        port_url: "http://127.0.0.1:8081/".to_owned(),
        has_trigger,
        qualified_urls: qualified.iter().map(|own| ((*own).to_owned(), format!("http://{own}.f/"))).collect(),
    })
}

fn remark(line: usize, text: &str) -> Remark {
    Remark { line, text: text.to_owned() }
}

fn error() -> String {
    "no luck".to_owned()
}

fn call_in_flight() -> Vec<CallInFlight> {
    vec![CallInFlight::new(Method::POST, "/up".to_owned(), Duration::from_millis(61_500))]
}

fn cause() -> Cause {
    Cause::from(&Failure::unavailable("no port\nat all"))
}

fn folder() -> PathBuf {
    PathBuf::from("/code")
}

/// Each kind; those with faults several times.
pub(super) fn samples() -> Vec<Sample> {
    let apart =
        [account::samples(), alb::samples(), programs::samples(), faults::samples(), queue::samples()];
    [calls(), instances(), code(), settings()].into_iter().chain(apart).flatten().collect()
}

fn calls() -> Vec<Sample> {
    vec![
        (Kind::Stdout("out".to_owned()), "out"),
        (Kind::Stderr("err".to_owned()), "err"),
        (Kind::Build("built".to_owned()), "built"),
        (request(200, false), "GET /a 200 1.2 ms"),
        (request(499, true), "GET /a 499 1.2 ms cold, the client left"),
        (failed(502, &Failure::bad_response("no\nsense")), "GET /a 502 1.2 ms, function: no"),
        (
            failed(404, &Failure::function_not_found("g")),
            "GET /a 404 1.2 ms, caller: function 'g' does not exist",
        ),
        (
            failed(429, &Failure::exhausted("f", 1)),
            "GET /a 429 1.2 ms, platform: function 'f' has reached its limit of instances (1)",
        ),
        (
            failed(412, &Failure::exited_at_start(7, "a", "b")),
            "GET /a 412 1.2 ms, function: it does not start",
        ),
        (
            Kind::CallFailed(Cause::from(&Failure::exited_at_start(1, "/code/app", ""))),
            "FC Invoke End RequestId: 1-a, Error: Function instance exited unexpectedly(code 1, message:operation not \
             permitted) with start command '/code/app '.",
        ),
        (grpc(200, 0), "GET /a 200 grpc-status 0 1.2 ms"),
        (grpc(200, 14), "GET /a 200 grpc-status 14 1.2 ms"),
        (by_domain(), "GET api.example.com/a 200 1.2 ms"),
        (domain_ready(), "api.example.com  curl -H 'Host: api.example.com' http://127.0.0.1:8080/"),
        (websocket(), "GET /a 101 1.2 ms, 3 messages from the client and 1 to it"),
        (
            Kind::AttachmentLeftOut,
            "a browser shows this page; from the platform's built-in domain it would download it (content-disposition: \
             attachment), from a custom domain not. x-local.attachment: true has the header here too",
        ),
        (Kind::CallFailed(cause()), "FC Invoke End RequestId: 1-a, Error: no port"),
        (
            Kind::CallCancelled { duration: DURATION, memory_bytes: MEMORY_BYTES },
            "FC Invoke End RequestId: 1-a, Error: Invocation canceled by client (duration: 45ms, maxMemoryUsage: \
             49.00MB)",
        ),
        (
            Kind::OriginsDoubled,
            "a reply has access-control-allow-origin twice, once of corsConfig and once of the function, as on the platform: \
             browsers refuse it. Leave CORS to one of the two",
        ),
        (
            Kind::GrpcPlaintext,
            "a client calls by gRPC in plain text; the platform takes TLS only, and closes such a connection",
        ),
        (
            Kind::TlsRefused { error: error() },
            "a handshake of TLS failed: no luck; clients have to trust the certificate of fc-local",
        ),
    ]
}

fn instances() -> Vec<Sample> {
    vec![
        (Kind::InstanceStarted { process_id: 12, duration: DURATION }, "started in 45 ms, process 12"),
        (Kind::InstanceStartFailed(cause()), "cannot start: no port\nat all"),
        (
            Kind::PortIgnored { given_port: 1, port: 2 },
            "the program ignores FC_CUSTOM_LISTEN_PORT (1) and listens on 2, so it runs as one instance only, and \
             calls wait for it",
        ),
        (
            Kind::PortUnreachable { port: 2 },
            "the program listens on port 2 at an address where the platform cannot reach it, such as 127.0.0.1: \
             listen on 0.0.0.0:2",
        ),
        (
            Kind::PortUnexpected { given_port: 1, ports: vec![2] },
            "so far the program listens on port 2, not on 1 (FC_CUSTOM_LISTEN_PORT)",
        ),
        (
            Kind::PortUnexpected { given_port: 1, ports: vec![2, 3] },
            "so far the program listens on ports 2, 3, not on 1 (FC_CUSTOM_LISTEN_PORT)",
        ),
        (
            Kind::InstanceMemorySampled { error: error() },
            "no control group for the instance, so its memory is sampled: no luck",
        ),
        (
            unhealthy(HookFault::Status(StatusCode::NOT_FOUND)),
            "unhealthy, no new requests go to it: GET /health answered 404 Not Found",
        ),
        (
            unhealthy(HookFault::NoAnswer(SECOND)),
            "unhealthy, no new requests go to it: GET /health: no answer within 1 s",
        ),
        (unhealthy(HookFault::Broken(error())), "unhealthy, no new requests go to it: GET /health: no luck"),
        (Kind::InstanceHealthy, "healthy again"),
        (
            Kind::InstanceOverMemory { memory_bytes: MEMORY_BYTES, limit_mib: 128 },
            "killed: it used 49.00 MiB of 128 MiB",
        ),
        (Kind::InstanceEnded(Ending::Code(7)), "the instance ended by itself with code 7"),
        (Kind::InstanceEnded(Ending::Signal(9)), "the instance was ended by signal 9"),
        (
            pre_stop_failed(false, HookFault::NoAnswer(SECOND)),
            "GET /pre-stop: no answer within 1 s; stopping goes on",
        ),
        (
            pre_stop_failed(true, HookFault::ExitCode(3)),
            "the pre-stop command ended with code 3; stopping goes on",
        ),
        (
            pre_stop_failed(true, HookFault::NotEnded(SECOND)),
            "the pre-stop command: it did not end within 1 s; stopping goes on",
        ),
        (
            pre_stop_failed(true, HookFault::NotStarted(error())),
            "the pre-stop command: cannot start it: no luck; stopping goes on",
        ),
        (
            pre_stop_failed(false, HookFault::InstanceEnded),
            "the instance ended during its pre-stop hook; stopping goes on",
        ),
        (Kind::InstanceNotEnded { process_id: 12 }, "process 12 does not end after SIGKILL"),
        (Kind::InstanceStopped, "stopped"),
    ]
}

fn code() -> Vec<Sample> {
    vec![
        (Kind::BuildStarted { command: "make".to_owned() }, "building: make"),
        (Kind::BuildFinished { duration: Duration::from_millis(12_340) }, "built in 12.3 s"),
        (
            build_failure_allowed(BuildFault::ExitCode(2)),
            "line 7: `make` ended with code 2; the build goes on, as its allow_failure says",
        ),
        (
            build_failure_allowed(BuildFault::NoFolder(folder())),
            "line 7: there is no folder /code; the build goes on, as its allow_failure says",
        ),
        (
            build_failure_allowed(BuildFault::NotStarted(error())),
            "line 7: cannot start `make`: no luck; the build goes on, as its allow_failure says",
        ),
        (build_failed(BuildFault::ExitCode(2)), "the build failed: line 7: `make` ended with code 2"),
        (build_failed(BuildFault::NoFolder(folder())), "the build failed: line 7: there is no folder /code"),
        (
            build_failed(BuildFault::NotStarted(error())),
            "the build failed: line 7: cannot start `make`: no luck",
        ),
        (
            Kind::BuildProducts { files: vec!["a".into(), "b".into()] },
            "taken for what the build makes, since every build changes it: a, b; a change of it during a build is not \
             noticed. Name what to watch in x-local.watch, or build into a folder of its own",
        ),
        (
            Kind::BuildUnsettled,
            "every build changes the sources; it is built again after the next change. Name what to watch in \
             x-local.watch, or build into a folder of its own",
        ),
        (Kind::CodeMissing { code: folder(), error: error() }, "cannot take the code: /code: no luck"),
        (
            Kind::CodeRunInPlace { code: folder() },
            "/code is larger than the platform takes (500 MiB); it is run in place",
        ),
        (address(true, &[]), "http://127.0.0.1:8081/  http://f.localhost:8080/"),
        (address(false, &[]), "ready for events: fc-local invoke f"),
        (Kind::Swapped, "swapped: new calls go to the new code"),
        (
            Kind::InstanceStartFailed(Cause::from(&Failure::exited_at_start(101, "/code/app", "line\nline"))),
            "cannot start: Function instance exited unexpectedly(code 101, message:network is unreachable) with start \
             command '/code/app '. (The message is the platform's reading of the code as an error number: a Rust program \
             ends with 101 after a panic.)",
        ),
        (
            Kind::InstanceStartFailed(Cause::from(&Failure::exited_at_start(137, "/code/app", ""))),
            "cannot start: Function instance exited unexpectedly(code 137, message:) with start command '/code/app '. (137 \
             is 128 + 9: signal 9 ended it.)",
        ),
        (
            Kind::InstanceNotListening { given_port: 80, waited: SECOND, last_line: None },
            "nothing listens after 1 s: the program has to listen on 0.0.0.0:80, the port in FC_CUSTOM_LISTEN_PORT; it \
             has written nothing",
        ),
        (
            Kind::InstanceNotListening { given_port: 80, waited: SECOND, last_line: Some("x".to_owned()) },
            "nothing listens after 1 s: the program has to listen on 0.0.0.0:80, the port in FC_CUSTOM_LISTEN_PORT; its \
             last line was: x",
        ),
        (
            Kind::SwapRefused(Cause::from(&Failure::exited_at_start(1, "/code/app", ""))),
            "the new code does not start; the former goes on",
        ),
        (
            Kind::DrainExceeded { limit: SECOND },
            "calls of the former code are still under way after 1 s; they are ended, since the new code needs its port",
        ),
        (Kind::FormerCodeRemains, "the former code does not end; the new code is started all the same"),
    ]
}

fn settings() -> Vec<Sample> {
    vec![
        (Kind::ManifestChanged, "the manifest changed"),
        (Kind::NotStarted { error: error() }, "cannot start: no luck"),
        (
            Kind::ManifestInvalid {
                file: PathBuf::from("s.yaml"),
                problems: vec![remark(1, "a"), remark(2, "b")],
            },
            "the manifest is not used:\ns.yaml:1: a\ns.yaml:2: b",
        ),
        (Kind::ManifestNote { file: PathBuf::from("s.yaml"), note: remark(3, "c") }, "s.yaml:3: c"),
        (Kind::DoctorFindings(3), "3 errors that a deployment would meet: `fc-local doctor` shows them"),
        (Kind::PortChangeIgnored, "a changed x-local.port takes effect when fc-local is started anew"),
        (Kind::FunctionRemoved, "removed from the manifest: stopped"),
        (Kind::VersionsChanged(VersionNews::Published(2)), "version 2 is published"),
        (Kind::VersionsChanged(VersionNews::Removed(2)), "version 2 is removed"),
        (
            Kind::VersionsChanged(VersionNews::AliasSet {
                alias: "prod".to_owned(),
                version: 1,
                additional: None,
            }),
            "alias prod leads to version 1",
        ),
        (
            Kind::VersionsChanged(VersionNews::AliasSet {
                alias: "prod".to_owned(),
                version: 1,
                additional: Some((2, 0.1)),
            }),
            "alias prod leads to version 1, and 10 % of its calls to version 2",
        ),
        (Kind::VersionsChanged(VersionNews::AliasRemoved("prod".to_owned())), "alias prod is removed"),
        (
            Kind::VersionsNotRead { error: error() },
            "the versions in .fc-local cannot be read: no luck; calls of them are refused",
        ),
        (
            Kind::FolderNotWatched { folder: folder(), error: error() },
            "changes in /code are not noticed: no luck",
        ),
        (
            Kind::PortNotOpened { address: ([127, 0, 0, 1], 80).into(), error: error() },
            "cannot listen on 127.0.0.1:80: no luck; choose another one: --port, --grpc-port, or x-local.port of a function",
        ),
        (
            Kind::Ipv6PortTaken { port: 80 },
            "another program listens on [::1]:80: clients that try IPv6 first reach that one at \
             http://<function>.localhost:80/",
        ),
        (
            Kind::TlsReady { certificate: PathBuf::from("ca.pem") },
            "the ports take https too; clients trust it by ca.pem",
        ),
        (Kind::TlsUnavailable { error: error() }, "the ports take no https: no luck"),
        (Kind::GrpcReady { address: ([127, 0, 0, 1], 8089).into() }, "gRPC calls come in at 127.0.0.1:8089"),
        (
            Kind::MemoryLimitsSampled { reason: error() },
            "memory limits are held by sampling, since control groups cannot be used: no luck",
        ),
        (
            Kind::CallsRemain { calls: 2, left: SECOND, oldest: Vec::new() },
            "2 calls are still under way, for at most 1 s more; Ctrl-C ends all at once",
        ),
        (
            Kind::CallsRemain { calls: 1, left: Duration::from_millis(29_500), oldest: call_in_flight() },
            "1 call is still under way, for at most 30 s more; Ctrl-C ends all at once: POST /up for 61 s",
        ),
        (
            Kind::CallsRemain { calls: 3, left: SECOND, oldest: call_in_flight() },
            "3 calls are still under way, for at most 1 s more; Ctrl-C ends all at once: POST /up for 61 s, …",
        ),
        (Kind::CallsEnded, "calls are still under way; they are ended"),
        (
            Kind::EventsDropped { events: 3, bytes: MEMORY_BYTES },
            "3 lines (49.00 MiB) are not shown: the output is too slow",
        ),
        (
            Kind::EventsDropped { events: 1, bytes: 0 },
            "1 line (0.00 MiB) is not shown: the output is too slow",
        ),
    ]
}
