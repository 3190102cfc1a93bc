//! Load for the queue of `fc-local`, and the same load for redis: blocking connections, one request at a time on each.
//!
//! `queue-load accept PORT CONNECTIONS COUNT` lets `fc-local` accept asynchronous calls of 1 KiB that are due in an hour.
//! `queue-load drain …` lets it accept calls that are due at once. `queue-load lpush …` pushes values of 1 KiB to redis.
//! `queue-load sync …` makes synchronous calls. Each prints one line: the rate, and the times of a request.
//!
//! `queue-load compare PORT PID PORT PID CONNECTIONS COUNT ROUNDS` lets `fc-local` accept and redis push in turns, with the
//! processor time of both, and prints the medians of what one round of ours is beside the next one of redis.

#![expect(clippy::print_stdout, reason = "the figures are its output")]

mod client;

use client::{Figures, Load};

const USAGE: &str = "queue-load accept|drain|lpush|sync PORT CONNECTIONS COUNT\n\
                     queue-load compare PORT PID PORT PID CONNECTIONS COUNT ROUNDS";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<u64> = arguments.iter().skip(1).map_while(|number| number.parse().ok()).collect();
    match (arguments.first().map(String::as_str), numbers.as_slice()) {
        (Some("compare"), &[port, pid, redis_port, redis_pid, connections, count, rounds]) => {
            let ours = Load::new("accept", port, connections, count);
            let redis = Load::new("lpush", redis_port, connections, count);
            compare((&ours, pid), (&redis, redis_pid), rounds);
        }
        (Some(mode), &[port, connections, count]) => {
            println!("{mode}: {}", Load::new(mode, port, connections, count).run());
        }
        _ => panic!("{USAGE}"),
    }
}

fn compare(ours: (&Load, u64), redis: (&Load, u64), rounds: u64) {
    let mut ratios = [Vec::new(), Vec::new(), Vec::new()];
    let mut own = Vec::new();
    for _ in 0..rounds {
        let [(pushed, pushed_cpu), (accepted, accepted_cpu)] = [redis, ours].map(|(load, pid)| {
            let before = processor_seconds(pid);
            let figures = load.run();
            let cpu = (processor_seconds(pid) - before) / figures.count() * 1e6;
            println!("{}: {figures}, {cpu:.0} µs of the processor each", load.mode());
            (figures, cpu)
        });
        ratios[0].push(accepted.rate() / pushed.rate());
        ratios[1].push(accepted.millis(990) / pushed.millis(990));
        ratios[2].push(accepted_cpu / pushed_cpu);
        own.push((accepted, pushed));
    }
    let [rate, p99, cpu] = ratios.map(median);
    println!(
        "medians of {rounds} rounds, ours beside redis: rate {rate:.2}, p99 {p99:.2}, processor {cpu:.2}"
    );
    let of = |figure: fn(&Figures) -> f64| {
        let (ours, redis) = own.iter().map(|(ours, redis)| (figure(ours), figure(redis))).unzip();
        (median(ours), median(redis))
    };
    let ((rate, redis_rate), (p99, redis_p99)) = (of(Figures::rate), of(|figures| figures.millis(990)));
    println!("ours {rate:.0} /s, p99 {p99:.2} ms; redis {redis_rate:.0} /s, p99 {redis_p99:.2} ms");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What a process has had of the processor so far.
fn processor_seconds(pid: u64) -> f64 {
    // The kernel counts in hundredths of a second.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
    let fields = stat.rsplit_once(')').expect("its name").1.split_whitespace().skip(11).take(2);
    fields.map(|ticks| ticks.parse::<f64>().expect("a number")).sum::<f64>() / 100.0
}
