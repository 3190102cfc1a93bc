//! A custom runtime for the tests of `fc-local conform`: whole without an argument, else broken in one way, which is named
//! after the case that has to find it.
//!
//! It speaks HTTP/1.1 and WebSockets by hand, so that each break is a line. gRPC is h2's.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a function's log is its output, and its threads may wait"
)]

mod conn;
mod grpc;
mod routes;
mod socket;

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// How the server is broken.
static MODE: OnceLock<String> = OnceLock::new();

/// Requests at work: those that sleep, and streams.
static BUSY: AtomicUsize = AtomicUsize::new(0);

/// Open connections.
static OPEN: AtomicUsize = AtomicUsize::new(0);

/// How often the clock has jumped.
static FREEZES: AtomicUsize = AtomicUsize::new(0);

/// When the clock was last looked at.
static LAST_TICK: Mutex<Option<Instant>> = Mutex::new(None);

/// Whether the server is broken in this way.
fn is(mode: &str) -> bool {
    MODE.get().is_some_and(|own| own == mode)
}

fn main() {
    let mode = std::env::args().nth(1).unwrap_or_default();
    MODE.set(mode).expect("it is set once");
    let given = std::env::var("FC_SERVER_PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(9000);
    if is("start-listens") {
        println!("not listening");
        std::thread::park();
    }
    let address = if is("start-all-addresses") { Ipv4Addr::LOCALHOST } else { Ipv4Addr::UNSPECIFIED };
    let port = if is("start-given-port") { 0 } else { given };
    let listener = TcpListener::bind((address, port)).expect("the port is free");
    std::thread::spawn(wait_for_end);
    std::thread::spawn(watch_clock);
    for stream in listener.incoming().flatten() {
        if is("freeze-thaw") && freezes() > 0 {
            continue;
        }
        OPEN.fetch_add(1, Ordering::Relaxed);
        std::thread::spawn(move || {
            conn::serve(stream);
            OPEN.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

/// Ends with SIGTERM, when nothing is at work.
fn wait_for_end() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let kind = tokio::signal::unix::SignalKind::terminate();
        let mut signals = tokio::signal::unix::signal(kind).expect("a signal");
        signals.recv().await;
        if is("stop-ends") {
            signals.recv().await;
        }
    });
    let begin = Instant::now();
    while !is("stop-drains") && BUSY.load(Ordering::Relaxed) > 0 && begin.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(5));
    }
    // The reply of the last request is on its way.
    std::thread::sleep(Duration::from_millis(20));
    std::process::exit(if is("stop-exit-code") { 3 } else { 0 });
}

/// Notices freezes, as watchdogs do. Whoever asks first notices.
fn freezes() -> usize {
    let mut last = LAST_TICK.lock().unwrap_or_else(PoisonError::into_inner);
    let now = Instant::now();
    if last.replace(now).is_some_and(|last| now - last > Duration::from_millis(900)) {
        FREEZES.fetch_add(1, Ordering::Relaxed);
    }
    FREEZES.load(Ordering::Relaxed)
}

fn watch_clock() {
    loop {
        freezes();
        std::thread::sleep(Duration::from_millis(20));
    }
}
