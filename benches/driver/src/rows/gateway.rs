//! What a gateway before the function adds.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use super::cpu::CONNECTIONS;
use super::latency::{CANNOT, KEPT_UP};
use crate::Outcome;
use crate::figures::Figures;
use crate::http::ordinary;
use crate::load::Load;
use crate::measure::Measure;
use crate::process::{Bench, Server, Under, Way, free_port};
use crate::row::Row;
use crate::subjects::Subject;
use crate::subjects::gateway::{DIRECT, FC_LOCAL, NGINX};

pub(crate) static ADDED_P50: Measure = Measure::new("added-p50", "added p50, µs", 0);
pub(crate) static ADDED_P99: Measure = Measure::new("added-p99", "added p99, µs", 0);
pub(crate) static CPU: Measure = Measure::new("gateway-cpu", "its CPU µs per request", 1);
static P50: Measure = Measure::new("gateway-p50", "p50, µs", 0);
static P99: Measure = Measure::new("gateway-p99", "p99, µs", 0);

pub(crate) static ROW: Row = Row {
    name: "gateway",
    title: "The local Function Compute, beside nginx",
    about: "The contract example by itself, behind nginx (one worker, upstream keep-alive 32, access log) and behind `fc-local dev`; \
            all on one processor. Open loop at 3 000 requests per second for `/users/42`. What is added is the difference of \
            one round; processor time is that of the gateway alone.",
    measures: &[&ADDED_P50, &ADDED_P99, &CPU, &P50, &P99],
    plots: &[],
    ci: false,
    take,
};

const PER_SECOND: f64 = 3000.0;
/// Valgrind makes fifty of one.
const READY_MAX: Duration = Duration::from_mins(1);

/// Seldom enough that the questions do not show in counts.
const READY_PAUSE: Duration = Duration::from_millis(100);

fn take(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    let ways = ways(bench)?;
    for round in 0..bench.rounds(9) {
        let mut taken = [None; 3];
        // Each comes first as often as the others.
        for at in (0..3).map(|at| (at + round) % 3) {
            taken[at] = once(bench, &ways[at], figures)?;
        }
        let Some(direct) = taken[0] else { continue };
        for (way, once) in ways.iter().zip(taken).skip(1) {
            let Some(once) = once else { continue };
            figures.push(&ADDED_P50, way.subject, once.p50 - direct.p50);
            figures.push(&ADDED_P99, way.subject, once.p99 - direct.p99);
            figures.push(&CPU, way.subject, once.cpu);
        }
    }
    for Placed { subject, .. } in &ways {
        if figures.get(&P50, subject).is_none() {
            figures.absent(&P50, subject, CANNOT);
        }
    }
    Ok(())
}

/// The function by itself, behind nginx and behind fc-local, each of them ready.
pub(super) fn ways(bench: &Bench) -> Outcome<[Placed; 3]> {
    let function = bench.start(&DIRECT, Under::Nothing)?;
    let port = function.port();
    let nginx = nginx(bench, port, Under::Nothing)?;
    let direct = Placed { subject: &DIRECT, server: function, grpc: port };
    let mut ways = [direct, nginx, fc_local(bench, Under::Nothing)?];
    for placed in &mut ways {
        placed.until_ready()?;
    }
    Ok(ways)
}

/// A way to the function, and where it listens.
pub(super) struct Placed {
    pub(super) subject: &'static Subject,
    pub(super) server: Server,
    /// The port for gRPC calls.
    pub(super) grpc: u16,
}

impl Placed {
    /// fc-local answers 503 until its function is in place.
    pub(super) fn until_ready(&mut self) -> Outcome<()> {
        let named = |error| format!("{}: {error}", self.subject.name);
        let mut client = self.server.connect().map_err(named)?;
        let asked = Instant::now();
        while client.ask(&ordinary("/users/42")).map_err(named)?.status == 503 && asked.elapsed() < READY_MAX
        {
            thread::sleep(READY_PAUSE);
        }
        Ok(client.repeat(&ordinary("/users/42"), 1).map_err(named)?)
    }
}

/// Of one way in one round, in microseconds.
#[derive(Clone, Copy)]
struct Once {
    p50: f64,
    p99: f64,
    cpu: f64,
}

/// `None` where the machine stood still for a moment: another round will do.
fn once(
    bench: &Bench,
    Placed { subject, server, .. }: &Placed,
    figures: &mut Figures,
) -> Outcome<Option<Once>> {
    let request = ordinary("/users/42");
    let once = bench.processors.on_client(|| {
        let mut load = Load::connect(server.port(), CONNECTIONS, &request)?;
        if load.open(PER_SECOND, Duration::from_millis(200))?.kept_up < KEPT_UP / 2.0 {
            return Ok(None);
        }
        let before = server.cpu_us()?;
        let latencies = load.open(PER_SECOND, Duration::from_millis(800))?;
        let cpu = (server.cpu_us()? - before) / latencies.count();
        let once = Once { p50: latencies.permille(500), p99: latencies.permille(990), cpu };
        Ok((latencies.kept_up >= KEPT_UP).then_some(once))
    });
    let once = once.map_err(|error| format!("{}: {error}", subject.name))?;
    if let Some(once) = &once {
        figures.push(&P50, subject, once.p50);
        figures.push(&P99, subject, once.p99);
    }
    Ok(once)
}

/// One process: a master would only watch its worker. A kept connection of HTTP/1 takes no gRPC call, so each has an upstream
/// of its own.
pub(super) fn nginx(bench: &Bench, upstream: u16, under: Under) -> Outcome<Placed> {
    let (port, grpc) = (free_port()?, free_port()?);
    let folder = bench.scratch("nginx");
    fs::create_dir_all(&folder)?;
    let folder = folder.canonicalize()?;
    let path = folder.display();
    let text = format!(
        "daemon off; master_process off; pid {path}/pid; error_log {path}/error.log;
         events {{ worker_connections 1024; }}
         http {{
           access_log {path}/access.log;
           client_body_temp_path {path}/b; proxy_temp_path {path}/p; fastcgi_temp_path {path}/f;
           uwsgi_temp_path {path}/u; scgi_temp_path {path}/s;
           keepalive_requests 10000000;
           upstream function {{ server 127.0.0.1:{upstream}; keepalive 32; keepalive_requests 10000000; }}
           upstream methods {{ server 127.0.0.1:{upstream}; keepalive 32; keepalive_requests 10000000; }}
           server {{ listen 127.0.0.1:{grpc} http2; location / {{ grpc_pass grpc://methods; }} }}
           server {{
             listen 127.0.0.1:{port};
             location / {{
               proxy_pass http://function; proxy_http_version 1.1; proxy_set_header Connection '';
               proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
               proxy_buffering off; proxy_request_buffering off;
             }}
             location = /ws {{
               proxy_pass http://function; proxy_http_version 1.1; proxy_set_header Host $host;
               proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; proxy_buffering off;
             }}
           }}
         }}"
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, text)?;
    let (folder, file) = (path.to_string(), file.display().to_string());
    let arguments = ["-p", &folder, "-c", &file];
    let way = Way { under, arguments: &arguments, port: Some(port), ..Way::default() };
    Ok(Placed { subject: &NGINX, server: bench.start_so(&NGINX, &way)?, grpc })
}

pub(super) fn fc_local(bench: &Bench, under: Under) -> Outcome<Placed> {
    let (port, grpc) = (free_port()?, free_port()?);
    let folder = bench.scratch("fc-local");
    let code = folder.join("code");
    fs::create_dir_all(&code)?;
    fs::copy(bench.binary("contract"), code.join("contract"))?;
    let manifest = "edition: 3.0.0
name: bench
resources:
  function:
    component: fc3
    props:
      functionName: function
      region: cn-hangzhou
      runtime: custom.debian12
      code: ./code
      timeout: 60
      memorySize: 512
      instanceConcurrency: 200
      customRuntimeConfig:
        port: 9000
        command: [./contract]
      triggers:
        - triggerName: http
          triggerType: http
          triggerConfig: { authType: anonymous, methods: [GET, POST] }
";
    let file = folder.join("s.yaml");
    fs::write(&file, manifest)?;
    let [file, port_word, grpc_word] = [file.display().to_string(), port.to_string(), grpc.to_string()];
    // What a relay costs. What recorded calls cost beyond, benches/README.md tells.
    let mut arguments =
        vec!["--template", &file, "dev", "--no-record", "--port", &port_word, "--grpc-port", &grpc_word];
    arguments.extend(["--no-build", "--no-watch", "--color", "never"]);
    let way = Way { under, arguments: &arguments, port: Some(port), ..Way::default() };
    Ok(Placed { subject: &FC_LOCAL, server: bench.start_so(&FC_LOCAL, &way)?, grpc })
}
