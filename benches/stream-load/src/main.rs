//! Clients for what stays open: a WebSocket, server-sent events, gRPC. One measurement per call, its figures as
//! `name value` lines on stdout.
//!
//! ```text
//! stream-load alike  sse|feed|ws|grpc PORT           the answers every twin has to give
//! stream-load echo   PORT PID CONNECTIONS SIZE MS    WebSocket messages back and forth for so long
//! stream-load echoes PORT SIZE COUNT                 exactly so many, on one connection
//! stream-load ticks  PORT PID EVENTS TIMES           a stream of ready events, so many times
//! stream-load fan    PORT PID CLIENTS EVENTS         one event to all clients, so many times
//! stream-load calls  PORT PID COUNT                  unary calls, one after another
//! stream-load hellos PORT PID MESSAGES TIMES         a server stream of so many messages, so many times
//! stream-load chat   PORT PID MESSAGES               a bidirectional stream, one message at a time
//! stream-load hold   sse|ws PORT COUNT               so many clients that got one message, until stdin ends
//! stream-load stall  sse|ws|grpc PORT COUNT          so many clients that never read, until stdin ends
//! ```
//!
//! PID is the server, whose processor time is read at both ends of the measurement; 0 reads nobody's.

mod alike;
mod cpu;
mod fan;
mod frames;
mod grpc;
mod hold;
mod sse;
mod ws;

use std::process::ExitCode;

/// What goes wrong here is told to a person, once.
type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stream-load {}: {error}", words.join(" "));
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Outcome {
    match *words {
        ["alike", "sse", port] => alike::sse(port.parse()?),
        ["alike", "feed", port] => alike::feed(port.parse()?),
        ["alike", "ws", port] => alike::ws(port.parse()?),
        ["alike", "grpc", port] => alike::grpc(port.parse()?),
        ["echo", port, pid, connections, size, ms] => {
            ws::for_a_while(port.parse()?, pid.parse()?, connections.parse()?, size.parse()?, ms.parse()?)
        }
        ["echoes", port, size, count] => ws::so_many(port.parse()?, size.parse()?, count.parse()?),
        ["ticks", port, pid, events, times] => {
            sse::ticks(port.parse()?, pid.parse()?, events.parse()?, times.parse()?)
        }
        ["fan", port, pid, clients, events] => {
            fan::out(port.parse()?, pid.parse()?, clients.parse()?, events.parse()?)
        }
        ["calls", port, pid, count] => grpc::calls(port.parse()?, pid.parse()?, count.parse()?),
        ["hellos", port, pid, messages, times] => {
            grpc::hellos(port.parse()?, pid.parse()?, messages.parse()?, times.parse()?)
        }
        ["chat", port, pid, messages] => grpc::chat(port.parse()?, pid.parse()?, messages.parse()?),
        ["hold", "sse", port, count] => hold::sse(port.parse()?, count.parse()?),
        ["hold", "ws", port, count] => hold::ws(port.parse()?, count.parse()?),
        ["stall", "sse", port, count] => hold::stall_sse(port.parse()?, count.parse()?),
        ["stall", "ws", port, count] => hold::stall_ws(port.parse()?, count.parse()?),
        ["stall", "grpc", port, count] => hold::stall_grpc(port.parse()?, count.parse()?),
        _ => Err("see the head of main.rs".into()),
    }
}

/// One figure.
fn figure(name: &str, value: f64) {
    println!("{name} {value}");
}
