//! What the gateway adds to a call, beside nginx. It prints figures and asserts nothing about them:
//! `FC_INTEROP=1 FC_LOCAL_PROGRAM=$PWD/target/release/fc-local cargo test -p fc-local --test it measure -- --nocapture`
//! after `cargo build --release -p fc-local`.

use std::process::Command;

use super::is_wanted;
use super::nginx::Nginx;
use super::succeed;
use crate::harness::{Local, exchange, program, request};

/// Concurrent connections of the client.
const CONNECTIONS: &str = "8";
/// How long each way is measured, and how often all of them, in turn.
const SECONDS: &str = "2s";
const ROUNDS: usize = 9;

/// Of one way in one round, in microseconds.
#[derive(Debug, Default, Clone, Copy)]
struct Figures {
    p50: f64,
    p99: f64,
    cpu: f64,
}

#[test]
fn added_latency_and_cpu_beside_nginx() {
    if !is_wanted() {
        return;
    }
    let (local, gateway) = Local::quiet("timeout: 60\ninstanceConcurrency: 200");
    let output = std::fs::read_to_string(local.folder.path().join("out")).unwrap();
    let line = output.lines().find(|line| line.contains("listens on ")).unwrap();
    let direct: u16 = line.rsplit(' ').next().unwrap().parse().unwrap();
    let nginx = Nginx::start(direct);
    let ways = [(direct, Vec::new()), (nginx.port, nginx.processes()), (gateway, vec![local.child.id()])];
    for (port, processes) in &ways {
        assert_eq!(exchange(*port, &request("GET", "/", "", b"")).status, 200);
        measure(*port, processes);
    }
    let rounds: Vec<[Figures; 3]> = (0..ROUNDS)
        .map(|round| {
            let mut figures = [Figures::default(); 3];
            // Another one is first in each round.
            for step in 0..ways.len() {
                let at = (round + step) % ways.len();
                figures[at] = measure(ways[at].0, &ways[at].1);
            }
            figures
        })
        .collect();
    println!(
        "{CONNECTIONS} connections, {ROUNDS} rounds of {SECONDS} each way; median (least to most); {}",
        program()
    );
    let of = |figure: &dyn Fn(&[Figures; 3]) -> f64| Spread::of(rounds.iter().map(figure).collect());
    for (at, name) in ["direct", "nginx", "fc-local"].into_iter().enumerate() {
        let (p50, p99, cpu) =
            (of(&|round| round[at].p50), of(&|round| round[at].p99), of(&|round| round[at].cpu));
        println!("{name:9} p50 {p50} us   p99 {p99} us   CPU {cpu} us/request");
    }
    let added =
        |figure: &dyn Fn(&Figures) -> f64, at: usize| of(&|round| figure(&round[at]) - figure(&round[0]));
    let compare = |what: &str, nginx: &Spread, own: &Spread| {
        println!(
            "{what:10} nginx {nginx}   fc-local {own}   ratio of the medians {:.2}, budget 2",
            own.median / nginx.median
        );
    };
    compare("added p50", &added(&|one| one.p50, 1), &added(&|one| one.p50, 2));
    compare("added p99", &added(&|one| one.p99, 1), &added(&|one| one.p99, 2));
    compare("CPU", &of(&|round| round[1].cpu), &of(&|round| round[2].cpu));
}

/// Several measurements of one thing.
struct Spread {
    least: f64,
    median: f64,
    most: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Spread { least: values[0], median: values[values.len() / 2], most: values[values.len() - 1] }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:6.1} ({:.1} to {:.1})", self.median, self.least, self.most)
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
    Figures { p50: microseconds(&after("50%")), p99: microseconds(&after("99%")), cpu: used * 1e6 / total }
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
