//! Clients for what stays open: a WebSocket, server-sent events, gRPC. One measurement per call, its figures as
//! `name value` lines on stdout.
//!
//! ```text
//! stream-load NAME PORT PID [NUMBER …]
//!
//! alike-sse alike-feed alike-ws alike-grpc   the answers that every twin has to give
//! echo CONNECTIONS SIZE MS                   WebSocket messages back and forth for so long
//! echoes SIZE COUNT                          exactly so many, on one connection
//! ticks EVENTS TIMES                         a stream of ready events, so many times
//! fan CLIENTS EVENTS                         one event to all clients, so many times
//! calls COUNT                                unary calls, one after another
//! hellos MESSAGES TIMES                      a server stream of so many messages, so many times
//! chat MESSAGES                              a bidirectional stream, one message at a time
//! hold-sse hold-ws COUNT                     so many clients that got one message, until stdin ends
//! stall-sse stall-ws stall-grpc COUNT        so many clients that never read, until stdin ends
//! ```
//!
//! PID is the server, whose processor time is read at both ends of a measurement; 0 reads nobody's.

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
    let [name, port, pid, numbers @ ..] = words else {
        return Err("see the head of main.rs".into());
    };
    let (port, pid) = (port.parse()?, pid.parse()?);
    let numbers: Vec<u64> = numbers.iter().map(|word| word.parse()).collect::<Result<_, _>>()?;
    match (*name, &numbers[..]) {
        ("alike-sse", []) => alike::sse(port),
        ("alike-feed", []) => alike::feed(port),
        ("alike-ws", []) => alike::ws(port),
        ("alike-grpc", []) => alike::grpc(port),
        ("echo", &[connections, size, ms]) => ws::for_a_while(port, pid, connections, size, ms),
        ("echoes", &[size, count]) => ws::so_many(port, size, count),
        ("ticks", &[events, times]) => sse::ticks(port, pid, events, times),
        ("fan", &[clients, events]) => fan::out(port, pid, clients, events),
        ("calls", &[count]) => grpc::calls(port, pid, count),
        ("hellos", &[messages, times]) => grpc::hellos(port, pid, messages, times),
        ("chat", &[messages]) => grpc::chat(port, pid, messages),
        ("hold-sse", &[count]) => hold::sse(port, count),
        ("hold-ws", &[count]) => hold::ws(port, count),
        ("stall-sse", &[count]) => hold::stall_sse(port, count),
        ("stall-ws", &[count]) => hold::stall_ws(port, count),
        ("stall-grpc", &[count]) => hold::stall_grpc(port, count),
        _ => Err("see the head of main.rs".into()),
    }
}

/// One figure.
fn figure(name: &str, value: f64) {
    println!("{name} {value}");
}
