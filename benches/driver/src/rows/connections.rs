//! Memory of idle connections, as the process's resident pages: what the instance's memory is filled with.

use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::figures::Figures;
use crate::http::with_large_head;
use crate::measure::Measure;
use crate::process::{Bench, Server, Under};
use crate::row::Row;
use crate::subjects::Subject;

/// Counted with the allocations.
pub(crate) static HEAP: Measure = Measure::new("heap-per-connection", "heap per idle connection, B", 0);
pub(crate) static AT_1000: Measure =
    Measure::new("rss-1000-connections", "RSS per connection at 1 000, B", 0);
pub(crate) static AT_10000: Measure =
    Measure::new("rss-10000-connections", "RSS per connection at 10 000, B", 0);

pub(crate) static ARRIVING: Measure =
    Measure::new("rss-6000-arriving", "RSS per connection, 6 000 at 1 000 a second, B", 0);

pub(crate) static ROW: Row = Row {
    name: "connections",
    title: "Memory of idle connections",
    about: "Each asked once for `/plaintext` with 2 KiB of headers and stays. Resident pages beyond those with the first \
            100 connections, over the rest, half a second later: buffers that nobody touched do not count, an allocator's \
            slack does. Connections come one after another, as fast as they are answered, or 1 000 each second.",
    measures: &[&AT_1000, &AT_10000, &ARRIVING],
    plots: &[&AT_10000],
    ci: false,
    take,
};

const FIRST: u16 = 100;

/// The time from one connection to the next, where they do not come as fast as they can.
const BETWEEN: Duration = Duration::from_millis(1);

/// How long connections are idle before pages are counted.
const IDLE: Duration = Duration::from_millis(500);

fn take(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    for _ in 0..bench.rounds(2) {
        for subject in bench.twins() {
            of(bench, subject, figures).map_err(|error| format!("{}: {error}", subject.name))?;
        }
    }
    Ok(())
}

fn of(bench: &Bench, subject: &Subject, figures: &mut Figures) -> Outcome<()> {
    let at_once = [(&AT_1000, 1000), (&AT_10000, 10_000)];
    for (between, goals) in [(Duration::ZERO, &at_once[..]), (BETWEEN, &[(&ARRIVING, 6000)])] {
        let mut server = bench.start(subject, Under::Nothing)?;
        let mut idle = Vec::new();
        open(&mut server, &mut idle, FIRST, between)?;
        let first = server.status_kib("VmRSS")?;
        for (measure, connections) in goals {
            open(&mut server, &mut idle, *connections, between)?;
            let more = server.status_kib("VmRSS")? - first;
            figures.push(measure, subject, more * 1024.0 / f64::from(connections - FIRST));
        }
        drop(server);
    }
    Ok(())
}

/// More connections, each of which has asked once and stays.
fn open(server: &mut Server, idle: &mut Vec<TcpStream>, all: u16, between: Duration) -> Outcome<()> {
    let request = with_large_head("/plaintext");
    let mut due = Instant::now();
    while idle.len() < usize::from(all) {
        due += between;
        sleep(due.saturating_duration_since(Instant::now()));
        let mut client = server.connect()?;
        client.repeat(&request, 1)?;
        idle.push(client.into_stream());
    }
    sleep(IDLE);
    Ok(())
}
