//! gRPC: unary calls by h2load, streams by our own client.

use std::process::Command;

use super::{FEW, MANY, slope};
use crate::Outcome;
use crate::figures::Figures;
use crate::measure::Measure;
use crate::process::{Bench, Server, Under};
use crate::row::Row;
use crate::streams::{ask, instructions, system_calls};
use crate::subjects::streams::GRPC;

pub(crate) static UNARY_PER_SECOND: Measure =
    Measure::new("grpc-unary-per-second", "unary, 8 × 32: calls/s (more is better)", 0).more_is_better();
static UNARY_CPU: Measure = Measure::new("grpc-unary-cpu", "unary, 8 × 32: processor µs per call", 2);
static ONE_PER_SECOND: Measure =
    Measure::new("grpc-one-per-second", "unary, 1 × 100: calls/s (more is better)", 0).more_is_better();
static ONE_CPU: Measure = Measure::new("grpc-one-cpu", "unary, 1 × 100: processor µs per call", 2);
pub(crate) static STREAM_PER_SECOND: Measure =
    Measure::new("grpc-stream-per-second", "server stream: messages/s (more is better)", 0).more_is_better();
static STREAM_CPU: Measure = Measure::new("grpc-stream-cpu", "server stream: processor µs per message", 3);

pub(crate) static SPEED: Row = Row {
    name: "grpc",
    title: "gRPC",
    about: "Unary by h2load, 8 connections of 32 streams, and one connection of 100 streams, as the platform's gateway calls \
            an instance. A server stream is 100 000 messages that are ready, to a client whose window never closes.",
    measures: &[&UNARY_PER_SECOND, &UNARY_CPU, &ONE_PER_SECOND, &ONE_CPU, &STREAM_PER_SECOND, &STREAM_CPU],
    plots: &[&UNARY_CPU, &STREAM_CPU],
    ci: false,
    take: speed,
};

fn speed(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    for _ in 0..bench.rounds(5) {
        for subject in bench.wanted(&GRPC) {
            let mut server = bench.start(subject, Under::Nothing)?;
            server.connect()?;
            for (connections, streams, per_second, cpu) in
                [(8, 32, &UNARY_PER_SECOND, &UNARY_CPU), (1, 100, &ONE_PER_SECOND, &ONE_CPU)]
            {
                let calls = if bench.quick { 10_000 } else { 50_000 };
                let unary = unary(bench, (&server, server.port()), (connections, streams), calls)?;
                figures.push(per_second, subject, unary.per_second);
                figures.push(cpu, subject, unary.cpu_us);
            }
            let stream = ask(bench, &mut server, "hellos", &[100_000, 5])?;
            figures.push(&STREAM_PER_SECOND, subject, stream.figure("per-second")?);
            figures.push(&STREAM_CPU, subject, stream.figure("cpu-us")?);
            server.finish()?;
        }
    }
    Ok(())
}

pub(super) struct Unary {
    per_second: f64,
    pub(super) cpu_us: f64,
}

/// So many calls to `port` of a server, by so many connections of so many streams.
pub(super) fn unary(
    bench: &Bench,
    (server, port): (&Server, u16),
    (connections, streams): (u32, u32),
    calls: u32,
) -> Outcome<Unary> {
    let message = bench.scratch("hello.grpc");
    std::fs::write(&message, b"\0\0\0\0\x07\x0a\x05world")?;
    let mut command = Command::new("taskset");
    command.args(["-c", &bench.processors.client.to_string(), "h2load", "-t", "1", "-d"]).arg(message);
    command.args(["-n", &calls.to_string(), "-c", &connections.to_string(), "-m", &streams.to_string()]);
    command.args(["-H", "content-type: application/grpc", "-H", "te: trailers"]);
    command.arg(format!("http://127.0.0.1:{port}/greeter.Greeter/SayHello"));
    let before = server.cpu_us()?;
    let output = command.output()?;
    let cpu_us = (server.cpu_us()? - before) / f64::from(calls);
    let text = String::from_utf8(output.stdout)?;
    if !text.contains(&format!("status codes: {calls} 2xx")) {
        return Err(format!("h2load: {text}").into());
    }
    Ok(Unary { per_second: rate(&text).ok_or("h2load said no rate")?, cpu_us })
}

/// `finished in 1.02s, 59012.34 req/s, 5.12MB/s`
fn rate(text: &str) -> Option<f64> {
    let (before, _) = text.split_once(" req/s")?;
    before.rsplit(' ').next()?.parse().ok()
}

pub(crate) static UNARY: Measure = Measure::new("grpc-unary-instructions", "instructions per unary call", 0);
pub(crate) static STREAMED: Measure =
    Measure::new("grpc-stream-instructions", "instructions per streamed message", 0);
pub(crate) static CHAT: Measure =
    Measure::new("grpc-chat-instructions", "instructions per message there and back", 0);
pub(crate) static SYSCALLS: Measure = Measure::new("grpc-syscalls", "system calls per unary call", 2);

pub(crate) static COUNTS: Row = Row {
    name: "grpc-counts",
    title: "Instructions and system calls per gRPC call",
    about: "One connection, one call or message at a time, 1 200 less 200, by callgrind and by strace; ten times as many \
            messages of a server stream.",
    measures: &[&UNARY, &STREAMED, &CHAT, &SYSCALLS],
    plots: &[&UNARY],
    ci: true,
    take: counts,
};

fn counts(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    const TIMES: u16 = 10;
    for subject in bench.wanted(&GRPC) {
        let unary = |count| instructions(bench, subject, "calls", &[count]);
        figures.push(&UNARY, subject, slope(unary(FEW)?, unary(MANY)?));
        let streamed = |count| instructions(bench, subject, "hellos", &[count * usize::from(TIMES), 1]);
        figures.push(&STREAMED, subject, slope(streamed(FEW)?, streamed(MANY)?) / f64::from(TIMES));
        let chat = |count| instructions(bench, subject, "chat", &[count]);
        figures.push(&CHAT, subject, slope(chat(FEW)?, chat(MANY)?));
        let calls = |count| system_calls(bench, subject, "calls", &[count]);
        figures.push(&SYSCALLS, subject, slope(calls(FEW)?, calls(MANY)?));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_read() {
        assert_eq!(rate("\nfinished in 1.02s, 59012.34 req/s, 5.12MB/s\n"), Some(59_012.34));
        assert_eq!(rate("nothing finished"), None);
    }
}
