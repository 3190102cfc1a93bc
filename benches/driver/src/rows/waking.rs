//! What a pause costs: requests on connections that were idle meanwhile, and may have given up what they do not need.

use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

use super::{FEW, MANY, instructions, slope};
use crate::Outcome;
use crate::client::Client;
use crate::figures::Figures;
use crate::http::ordinary;
use crate::measure::Measure;
use crate::process::{Bench, Under, Way};
use crate::row::Row;
use crate::subjects::Subject;

pub(crate) static AFTER: Measure =
    Measure::new("instructions-after-a-pause", "instructions per request after a pause", 0);
pub(crate) static OVER: Measure = Measure::new("after-a-pause", "… over one without a pause", 3);

pub(crate) static ROW: Row = Row {
    name: "waking",
    title: "Requests after a pause",
    about: "User space, by callgrind: 50 connections ask in turn and then pause for 300 ms, again and again. A process with \
            20 more such rounds less one without them, over the requests: all that the server does in the pauses counts \
            too. Beside it the same request on one connection without a pause.",
    measures: &[&AFTER, &OVER],
    plots: &[],
    ci: true,
    take,
};

const PATH: &str = "/users/42";

const CONNECTIONS: usize = 50;

/// Rounds that both processes have, and those that one has.
const FIRST: usize = 2;
const MORE: usize = 20;

/// Long enough for whoever gives up what idle connections keep, also under callgrind.
const PAUSE: Duration = Duration::from_millis(300);

fn take(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    for subject in bench.native_twins() {
        if !subject.ci {
            continue;
        }
        let after = slope(total(bench, subject, FIRST)?, total(bench, subject, FIRST + MORE)?);
        let warm = |requests| instructions::total(bench, subject, &ordinary(PATH), requests);
        figures.push(&AFTER, subject, after);
        figures.push(&OVER, subject, after / slope(warm(FEW)?, warm(MANY)?));
    }
    Ok(())
}

/// Instructions of a whole run with so many rounds.
fn total(bench: &Bench, subject: &Subject, rounds: usize) -> Outcome<f64> {
    const { assert!(CONNECTIONS * MORE == MANY - FEW, "slope divides by as many requests") };
    let way = Way { under: Under::Callgrind, ..Way::default() };
    let mut server = bench.start_so(subject, &way)?;
    let mut clients = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        clients.push(server.connect()?);
    }
    for _ in 0..rounds {
        for client in &mut clients {
            client.repeat(&ordinary(PATH), 1).map_err(|error| format!("{}: {error}", subject.name))?;
        }
        sleep(PAUSE);
    }
    let idle: Vec<TcpStream> = clients.into_iter().map(Client::into_stream).collect();
    let written = server.finish()?;
    drop(idle);
    way.under.total(&written)
}
