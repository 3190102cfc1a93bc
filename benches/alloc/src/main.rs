//! Counts what the server's thread takes from the allocator, with every server in this process, one after another.
//!
//! `alloc FILE` writes one line per figure: `request|connection SUBJECT VALUE`.

mod client;
mod servers;

use std::fmt::Write as _;
use std::io;
use std::net::TcpListener;
use std::pin::{Pin, pin};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use allocation_counter::{AllocationInfo, measure};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use client::Step;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// A server on its way: it is polled as long as it is measured.
type Serving = Pin<Box<dyn Future<Output = ()>>>;

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

fn count(serve: fn(TcpListener) -> io::Result<Serving>) -> Outcome<Counted> {
    const REQUESTS: u16 = 1000;
    const CONNECTIONS: u16 = 200;

    let runtime = Builder::new_current_thread().enable_all().build()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    let (steps, orders) = channel();
    let client = thread::spawn(move || client::run(address, &orders));
    let entered = runtime.enter();
    let mut serving = serve(listener)?;
    drop(entered);

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
        per_request: requests.count_total as f64 / f64::from(REQUESTS),
        per_connection: connections.bytes_current as f64 / f64::from(CONNECTIONS),
    })
}

/// Has the client take one step, and counts what the server allocates until it is done.
fn take(
    runtime: &Runtime,
    serving: &mut Serving,
    steps: &Sender<(Step, oneshot::Sender<()>)>,
    step: Step,
) -> Outcome<AllocationInfo> {
    let (done, mut is_done) = oneshot::channel();
    steps.send((step, done))?;
    let mut finished = false;
    let info = measure(|| {
        runtime.block_on(async {
            let mut is_done = pin!(&mut is_done);
            std::future::poll_fn(|cx| {
                // A server that ended is not polled again; then the step fails below.
                if serving.as_mut().poll(cx).is_ready() {
                    return std::task::Poll::Ready(());
                }
                is_done.as_mut().poll(cx).map(|answer| finished = answer.is_ok())
            })
            .await;
        });
    });
    if finished { Ok(info) } else { Err("the server or its client stopped".into()) }
}

/// What the client waits for.
type Orders = Receiver<(Step, oneshot::Sender<()>)>;
