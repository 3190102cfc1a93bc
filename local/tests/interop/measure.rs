//! What the gateway adds to a call, beside nginx. It prints figures and asserts nothing about them:
//! `FC_INTEROP=1 FC_LOCAL_PROGRAM=target/release/fc-local cargo test -p fc-local --test it measure -- --nocapture`
//! after `cargo build --release -p fc-local`.

use std::process::Command;

use super::is_wanted;
use super::nginx::Nginx;
use super::succeed;
use crate::harness::{Local, PROGRAM, exchange, request};

/// Concurrent connections of the client.
const CONNECTIONS: &str = "8";
/// How long each way is measured, and how often all of them, in turn.
const SECONDS: &str = "3s";
const ROUNDS: usize = 3;

#[derive(Debug, Default, Clone, Copy)]
struct Figures {
    p50: f64,
    p99: f64,
    requests: f64,
    cpu: f64,
}

#[test]
fn added_latency_and_cpu_beside_nginx() {
    if !is_wanted() {
        return;
    }
    let program = std::env::var("FC_LOCAL_PROGRAM").unwrap_or_else(|_| PROGRAM.to_owned());
    let (local, gateway) = Local::quiet("timeout: 60\ninstanceConcurrency: 200", &program);
    let output = std::fs::read_to_string(local.folder.path().join("out")).unwrap();
    let line = output.lines().find(|line| line.contains("listens on ")).unwrap();
    let direct: u16 = line.rsplit(' ').next().unwrap().parse().unwrap();
    let nginx = Nginx::start(direct);
    let ways = [
        ("direct", direct, Vec::new()),
        ("nginx", nginx.port, nginx.processes()),
        ("fc-local", gateway, vec![local.child.id()]),
    ];
    for (_, port, _) in &ways {
        assert_eq!(exchange(*port, &request("GET", "/", "", b"")).status, 200);
    }
    let mut rounds = vec![Vec::new(); ways.len()];
    for _ in 0..ROUNDS {
        for (way, figures) in ways.iter().zip(&mut rounds) {
            figures.push(measure(way.1, &way.2));
        }
    }
    let best = |figures: &Vec<Figures>| {
        figures.iter().copied().min_by(|a, b| a.p50.total_cmp(&b.p50)).unwrap_or_default()
    };
    let base = best(&rounds[0]);
    println!("{CONNECTIONS} connections, {SECONDS}, best of {ROUNDS} by p50; {program}");
    for ((name, _, _), figures) in ways.iter().zip(&rounds) {
        let one = best(figures);
        println!(
            "{name:9} p50 {:6.0} us  p99 {:6.0} us  added p50 {:6.0} us  added p99 {:6.0} us  {:7.0} requests/s  CPU {:5.1} us/request",
            one.p50,
            one.p99,
            one.p50 - base.p50,
            one.p99 - base.p99,
            one.requests,
            one.cpu
        );
    }
}

fn measure(port: u16, processes: &[u32]) -> Figures {
    let before: f64 = processes.iter().map(|pid| cpu_seconds(*pid)).sum();
    let url = format!("http://127.0.0.1:{port}/");
    let report =
        succeed(Command::new("wrk").args(["-t", "1", "-c", CONNECTIONS, "-d", SECONDS, "--latency", &url]));
    let used = processes.iter().map(|pid| cpu_seconds(*pid)).sum::<f64>() - before;
    let after = |word: &str| {
        report.split_whitespace().skip_while(|found| *found != word).nth(1).unwrap_or_default().to_owned()
    };
    let total: f64 = report
        .lines()
        .find_map(|line| line.trim().split_once(" requests in ")?.0.parse().ok())
        .expect("a count");
    assert!(!report.contains("Non-2xx"), "{report}");
    Figures {
        p50: microseconds(&after("50%")),
        p99: microseconds(&after("99%")),
        requests: after("Requests/sec:").parse().expect("a rate"),
        cpu: used * 1e6 / total,
    }
}

fn microseconds(text: &str) -> f64 {
    let (number, factor) = match (text.strip_suffix("us"), text.strip_suffix("ms")) {
        (Some(number), _) => (number, 1.0),
        (_, Some(number)) => (number, 1e3),
        _ => (text.trim_end_matches('s'), 1e6),
    };
    number.parse::<f64>().expect("a time") * factor
}

/// User and system time of a process, in the kernel's ticks of 10 ms.
fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process runs");
    let fields: Vec<&str> = stat.rsplit_once(") ").expect("a name").1.split_whitespace().collect();
    (fields[11].parse::<f64>().expect("ticks") + fields[12].parse::<f64>().expect("ticks")) / 100.0
}
