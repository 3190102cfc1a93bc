//! Counts what a server takes from the allocator, in all of its threads: every server in this process, one after
//! another, and a client that allocates nothing while it is counted.
//!
//! `alloc FILE` writes one line per figure: `request|connection SUBJECT VALUE`.

mod client;
mod servers;

use std::alloc::System;
use std::fmt::Write as _;
use std::future::poll_fn;
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::Poll;
use std::thread;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use client::Step;

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// A server on its way: it is polled as long as it is measured.
type Serving = Pin<Box<dyn Future<Output = Outcome<()>>>>;

fn main() -> Outcome<()> {
    let path = std::env::args().nth(1).ok_or("which file to write?")?;
    let mut lines = String::new();
    for (name, serve) in servers::ALL {
        let counted = count(serve).map_err(|error| format!("{name}: {error}"))?;
        writeln!(lines, "request {name} {}", counted.per_request)?;
        writeln!(lines, "connection {name} {}", counted.per_connection)?;
    }
    std::fs::write(path, lines)?;
    Ok(())
}

struct Counted {
    per_request: f64,
    per_connection: f64,
}

fn count(serve: servers::Start) -> Outcome<Counted> {
    const REQUESTS: u16 = 1000;
    const CONNECTIONS: u16 = 200;

    let runtime = Builder::new_current_thread().enable_all().build()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    let (steps, orders) = channel();
    let client = thread::spawn(move || client::run(address, &orders));
    let mut serving = serve(listener);

    // What is grown once is grown before the count: buffers, tables, the slab of sockets.
    let mut take = |step| take(&runtime, &mut serving, &steps, step);
    take(Step::Requests(100))?;
    let requests = take(Step::Requests(REQUESTS))?;
    take(Step::Connections(CONNECTIONS))?;
    let connections = take(Step::Connections(CONNECTIONS))?;
    drop(steps);
    client.join().map_err(|_| "the client panicked")??;
    #[allow(clippy::cast_precision_loss, reason = "counts of this size are exact in an f64")]
    Ok(Counted {
        per_request: (requests.allocations + requests.reallocations) as f64 / f64::from(REQUESTS),
        per_connection: (connections.bytes_allocated as f64 - connections.bytes_deallocated as f64)
            / f64::from(CONNECTIONS),
    })
}

/// Has the client take one step, and counts what the server allocates until it is done.
fn take(
    runtime: &Runtime,
    serving: &mut Serving,
    steps: &Sender<(Step, oneshot::Sender<()>)>,
    step: Step,
) -> Outcome<Stats> {
    let (done, mut is_done) = oneshot::channel();
    let region = Region::new(COUNTED);
    steps.send((step, done))?;
    let finished = runtime.block_on(poll_fn(|cx| {
        // A server that ended is not polled again: the step has failed.
        if let Poll::Ready(ended) = serving.as_mut().poll(cx) {
            return Poll::Ready(ended.and(Err("the server stopped".into())));
        }
        Pin::new(&mut is_done).poll(cx).map(|answer| answer.map_err(|_| "the client stopped".into()))
    }));
    finished.map(|()| region.change())
}

/// What the client waits for.
type Orders = Receiver<(Step, oneshot::Sender<()>)>;
