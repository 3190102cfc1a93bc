//! Freezing between calls, as the local platform does it: by SIGSTOP and SIGCONT.

use std::time::Duration;

use tokio::time::sleep;

use super::ask::Ask;
use super::bench::Bench;
use super::case::{Case, Finding, Need, Outcome, seen};
use super::sources::{INSTANCES, KEEP_ALIVE};
use crate::process::Order;

/// Long enough for timers of a second to have passed.
const FROZEN: Duration = Duration::from_millis(1500);

pub(super) const CASES: &[Case] = &[
    Case {
        id: "freeze-thaw",
        route: "",
        title: "a request right after the thaw is answered",
        need: Need::Must,
        source: INSTANCES,
        advice: "Expect that time jumps: timers, watchdogs and heartbeats of the process find that they are late, and must not end the process.",
        run: |bench| Box::pin(thaw(bench)),
    },
    Case {
        id: "freeze-keeps-connections",
        route: "",
        title: "connections from before the freeze carry requests after it",
        need: Need::Must,
        source: KEEP_ALIVE,
        advice: "Close no connection because the clock has moved: the next POST on it is a 502.",
        run: |bench| Box::pin(keeps_connections(bench)),
    },
];

async fn freeze(bench: &mut Bench) -> Outcome {
    let program = bench.program().await?;
    program.order(Order::Freeze);
    sleep(FROZEN).await;
    program.order(Order::Thaw);
    Ok(())
}

async fn thaw(bench: &mut Bench) -> Outcome {
    bench.program().await?;
    freeze(bench).await?;
    bench.check_alive("a freeze").await
}

async fn keeps_connections(bench: &mut Bench) -> Outcome {
    bench.check_kept()?;
    let program = bench.program().await?;
    let mut conn = program.connect().await?;
    conn.ask(&Ask::get(program, "/")).await?;
    freeze(bench).await?;
    // Timers that were late fire now.
    sleep(Duration::from_millis(100)).await;
    match conn.ask(&Ask::get(bench.current()?, "/")).await {
        Ok(_) => Ok(()),
        Err(Finding::Failed(text)) => {
            seen(format!("the connection carries no request after the thaw: {text}"))
        }
        Err(absent) => Err(absent),
    }
}
