//! Memory of idle connections, as the process's resident pages: what the instance's memory is filled with.

use crate::Outcome;
use crate::client::Client;
use crate::figures::{Figures, Measure};
use crate::http::with_large_head;
use crate::process::{Bench, Server, Under};
use crate::subjects::Subject::{self, AxumBare, Ours, RawHyper};

const FEW: u16 = 100;
const BETWEEN: u16 = 800;

pub(crate) fn take(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    for subject in [Ours, RawHyper, AxumBare] {
        let bytes = per_connection(bench, subject).map_err(|error| format!("{subject}: {error}"))?;
        figures.set(Measure::RssPerConnection, subject, bytes);
    }
    Ok(())
}

fn per_connection(bench: &Bench, subject: Subject) -> Outcome<f64> {
    let mut server = bench.start(subject, Under::Nothing)?;
    let mut idle = Vec::new();
    open(&mut server, &mut idle, FEW)?;
    let few = server.status_kb("VmRSS")?;
    open(&mut server, &mut idle, BETWEEN)?;
    let many = server.status_kb("VmRSS")?;
    drop(idle);
    server.finish()?;
    Ok((many - few) * 1024.0 / f64::from(BETWEEN))
}

/// More connections, each of which has asked once and stays.
fn open(server: &mut Server, idle: &mut Vec<Client>, more: u16) -> Outcome<()> {
    let request = with_large_head("/plaintext");
    for _ in 0..more {
        let mut client = server.connect()?;
        client.repeat(&request, 1)?;
        idle.push(client);
    }
    Ok(())
}
