//! What a gateway before the function costs in counts: exact, and the same on a busy machine.

use super::gateway::{Placed, fc_local, nginx};
use super::{FEW, MANY, slope};
use crate::figures::Figures;
use crate::http::ordinary;
use crate::measure::Measure;
use crate::process::{Bench, Under};
use crate::row::Row;
use crate::strace::calls;
use crate::streams::ask_at;
use crate::subjects::Subject;
use crate::subjects::gateway::{DIRECT, NGINX};
use crate::{Outcome, callgrind};

pub(crate) static INSTRUCTIONS: Measure = Measure::new("gateway-instructions", "instructions per request", 0);
pub(crate) static ALLOCATIONS: Measure = Measure::new("gateway-allocations", "allocations per request", 1);
pub(crate) static SYSCALLS: Measure = Measure::new("gateway-syscalls", "system calls per request", 1);
pub(crate) static CALL_INSTRUCTIONS: Measure =
    Measure::new("gateway-grpc-instructions", "instructions per unary gRPC call", 0);
pub(crate) static CALL_SYSCALLS: Measure =
    Measure::new("gateway-grpc-syscalls", "system calls per unary gRPC call", 1);

pub(crate) static ROW: Row = Row {
    name: "gateway-counts",
    title: "Instructions, allocations and system calls of the local Function Compute",
    about: "Of the gateway's process, 1 200 requests or calls less 200, one at a time on one connection: by callgrind, which counts the calls of \
            allocators too, and by `strace -c` of the thread that relays. fc-local also reads the function's record of each request, and prints it.",
    measures: &[&INSTRUCTIONS, &ALLOCATIONS, &SYSCALLS, &CALL_INSTRUCTIONS, &CALL_SYSCALLS],
    plots: &[],
    ci: true,
    take,
};

fn take(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    let function = bench.start(&DIRECT, Under::Nothing)?;
    let own = |under| fc_local(bench, under);
    let nginx = |under| nginx(bench, function.port(), under);
    let starts: [Start<'_>; 2] = [&own, &nginx];
    // What is enforced needs nobody beside it.
    for start in &starts[..if bench.ci { 1 } else { 2 }] {
        for (measure, allocations, under, ask) in [
            (&INSTRUCTIONS, Some(&ALLOCATIONS), Under::Callgrind, Ask::Requests),
            (&SYSCALLS, None, Under::StraceFirst, Ask::Requests),
            (&CALL_INSTRUCTIONS, None, Under::Callgrind, Ask::Calls),
            (&CALL_SYSCALLS, None, Under::StraceFirst, Ask::Calls),
        ] {
            let few = total(bench, start(under)?, ask, FEW)?;
            let many = total(bench, start(under)?, ask, MANY)?;
            figures.push(measure, few.subject, slope(few.count, many.count));
            if let Some(allocations) = allocations {
                figures.push(allocations, few.subject, slope(few.allocations, many.allocations));
            }
        }
    }
    Ok(())
}

/// Starts a gateway under a tool.
type Start<'a> = &'a dyn Fn(Under) -> Outcome<Placed>;

#[derive(Clone, Copy)]
enum Ask {
    Requests,
    Calls,
}

/// What the tool counted in a whole run.
struct Counted {
    subject: &'static Subject,
    count: f64,
    /// By callgrind: zero under other tools.
    allocations: f64,
}

/// A whole run with so many requests or calls.
fn total(bench: &Bench, mut placed: Placed, ask: Ask, count: usize) -> Outcome<Counted> {
    placed.until_ready()?;
    match ask {
        Ask::Requests => placed.server.connect()?.repeat(&ordinary("/users/42"), count)?,
        Ask::Calls => drop(ask_at(bench, &placed.server, placed.grpc, "calls", &[count])?),
    }
    let Placed { subject, server, .. } = placed;
    let under = server.under();
    let is_nginx = subject.name == NGINX.name;
    let written = if is_nginx { server.finish_by_an_event()? } else { server.finish()? };
    let count = match under {
        Under::StraceFirst => calls(&written, "total").ok_or("strace wrote no total")?,
        _ => under.total(&written)?,
    };
    Ok(Counted { subject, count, allocations: callgrind::allocations(&written) })
}
