//! How fast a probe is answered while handlers hold every thread.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::figures::Figures;
use crate::http::ordinary;
use crate::measure::Measure;
use crate::process::{Bench, Server, Way};
use crate::row::Row;
use crate::share::Share;
use crate::subjects::Subject;

pub(crate) static BLOCKED: Measure = Measure::new("probe-blocked", "p99, threads blocked, ms", 2);
pub(crate) static SPINNING: Measure = Measure::new("probe-spinning", "p99, threads spinning, ms", 2);
pub(crate) static SPINNING_HALF: Measure =
    Measure::new("probe-spinning-half", "p99, spinning on half a processor, ms", 2);

pub(crate) static ROW: Row = Row {
    name: "probes",
    title: "Probes while handlers hold every thread",
    about: "The server has one processor (then half of one, as a control group), and 32 requests of which each blocks or spins \
            for minutes. Then `GET /healthz` on new connections, 11 ms apart: the platform's probe, which the peers answer as \
            an ordinary route. p99 of each round, which ends after 150 probes or four seconds. A server that leaves two \
            probes in a row unanswered for a second is given up.",
    measures: &[&BLOCKED, &SPINNING, &SPINNING_HALF],
    plots: &[],
    ci: false,
    take,
};

const HELD: usize = 32;
const PROBES: usize = 150;
/// A server that takes half a second for each has shown it by then.
const ROUND_MAX: Duration = Duration::from_secs(4);
const ANSWER_MAX: Duration = Duration::from_secs(1);
const GIVEN_UP: &str = "no answer in 1 s";

fn take(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    for _ in 0..bench.rounds(2) {
        for subject in bench.deployed() {
            for (measure, target, hundredths) in [
                (&BLOCKED, "/block?ms=600000", None),
                (&SPINNING, "/spin?ms=600000", None),
                (&SPINNING_HALF, "/spin?ms=600000", Some(50)),
            ] {
                if figures.is_absent(measure, subject) {
                    continue;
                }
                let probed = probe(bench, subject, target, hundredths)
                    .map_err(|error| format!("{}: {error}", subject.name))?;
                match probed {
                    Ok(p99) => figures.push(measure, subject, p99),
                    Err(reason) => figures.absent(measure, subject, &reason),
                }
            }
        }
    }
    Ok(())
}

/// `Ok(Err(reason))`: there is no number.
fn probe(
    bench: &Bench,
    subject: &Subject,
    target: &str,
    hundredths: Option<u32>,
) -> Outcome<Result<f64, String>> {
    const MEBIBYTES: u32 = 512;
    let share = match hundredths.map(|hundredths| Share::new(hundredths, MEBIBYTES)) {
        Some(Err(reason)) => return Ok(Err(reason)),
        Some(Ok(share)) => Some(share),
        None => None,
    };
    let mut server = bench.start_so(subject, &Way { share: share.as_ref(), ..Way::default() })?;
    server.connect()?.repeat(&ordinary("/healthz"), 1)?;
    let mut held = Vec::new();
    for _ in 0..HELD {
        let mut stream = connect(&server)?;
        stream.write_all(&ordinary(target))?;
        held.push(stream);
    }
    // Until they are read and hold what they hold.
    thread::sleep(Duration::from_millis(300));
    Ok(probe_so_many(&server))
}

fn probe_so_many(server: &Server) -> Result<f64, String> {
    let mut taken = Vec::new();
    let mut unanswered = 0;
    let round = Instant::now();
    while taken.len() < PROBES && round.elapsed() < ROUND_MAX {
        thread::sleep(Duration::from_millis(11));
        let begun = Instant::now();
        if once(server).is_ok() {
            unanswered = 0;
        } else {
            unanswered += 1;
            if unanswered == 2 {
                return Err(GIVEN_UP.to_owned());
            }
        }
        taken.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    taken.sort_by(f64::total_cmp);
    Ok(taken[(taken.len() - 1) * 99 / 100])
}

fn once(server: &Server) -> Outcome<()> {
    let mut stream = connect(server)?;
    stream.write_all(&ordinary("/healthz"))?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    if &head == b"HTTP/1.1 200" { Ok(()) } else { Err("not 200".into()) }
}

fn connect(server: &Server) -> Outcome<TcpStream> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, server.port()));
    let stream = TcpStream::connect_timeout(&address, ANSWER_MAX)?;
    stream.set_read_timeout(Some(ANSWER_MAX))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
