//! Clients that never read: what a server keeps for them.

use crate::Outcome;
use crate::figures::Figures;
use crate::measure::Measure;
use crate::process::{Bench, Under};
use crate::row::Row;
use crate::streams::hold;
use crate::subjects::Subject;
use crate::subjects::streams::{EVENTS, GRPC, WEBSOCKET};

static EVENTS_PEAK: Measure = Measure::new("stalled-events", "server-sent events, B per client", 0);
static WEBSOCKET_PEAK: Measure = Measure::new("stalled-websocket", "WebSocket, B per client", 0);
static GRPC_PEAK: Measure = Measure::new("stalled-grpc", "gRPC server stream, B per client", 0);

pub(crate) static ROW: Row = Row {
    name: "stalled",
    title: "Clients that do not read",
    about: "100 clients, each of which is sent an endless stream, or sends WebSocket messages of 16 KiB and takes no echo, for \
            two seconds. Growth of the peak of resident memory, over 100.",
    measures: &[&EVENTS_PEAK, &WEBSOCKET_PEAK, &GRPC_PEAK],
    plots: &[],
    ci: false,
    take,
};

fn take(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    let crowds: [(&[&'static Subject], &Measure, &str); 3] = [
        (&EVENTS, &EVENTS_PEAK, "stall-sse"),
        (&WEBSOCKET, &WEBSOCKET_PEAK, "stall-ws"),
        (&GRPC, &GRPC_PEAK, "stall-grpc"),
    ];
    for (subjects, measure, name) in crowds {
        for subject in bench.wanted(subjects) {
            figures.push(measure, subject, of(bench, subject, name)?);
        }
    }
    Ok(())
}

fn of(bench: &Bench, subject: &Subject, name: &str) -> Outcome<f64> {
    const CLIENTS: u16 = 100;
    let mut server = bench.start(subject, Under::Nothing)?;
    server.connect()?;
    let before = server.status_kib("VmHWM")?;
    let held = hold(bench, &mut server, name, usize::from(CLIENTS))?;
    let peak = server.status_kib("VmHWM")?;
    drop(held);
    server.finish()?;
    Ok((peak - before) * 1024.0 / f64::from(CLIENTS))
}
