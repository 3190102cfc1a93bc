//! The end: SIGTERM.

use std::time::Duration;

use super::ask::Ask;
use super::bench::Bench;
use super::case::{Case, Need, Outcome, check, seen};
use super::load::sleepers;
use super::sources::INFERRED;
use crate::process::{Exit, Order};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "stop-ends",
        route: "",
        title: "SIGTERM ends the program, also beside an unused connection",
        need: Need::Should,
        source: INFERRED,
        advice: "End on SIGTERM, and close unused connections first: with them open some servers wait for ever. A process that is started by a shell has to be started with exec.",
        run: |bench| Box::pin(ends(bench)),
    },
    Case {
        id: "stop-exit-code",
        route: "",
        title: "the program ends by itself with code 0",
        need: Need::Should,
        source: INFERRED,
        advice: "Handle SIGTERM, and leave with code 0: without a handler the kernel ends the process, and nothing is written out.",
        run: |bench| Box::pin(exit_code(bench)),
    },
    Case {
        id: "stop-drains",
        route: "GET /conform/sleep",
        title: "a call at work when SIGTERM comes gets its reply",
        need: Need::Should,
        source: INFERRED,
        advice: "On SIGTERM take no more connections, finish the calls at work, then end.",
        run: |bench| Box::pin(drains(bench)),
    },
];

/// Ends a new program, with an unused connection open.
async fn stop(bench: &mut Bench) -> Outcome<Exit> {
    let limit = bench.patience();
    let program = bench.fresh().await?;
    let mut conn = program.connect().await?;
    conn.ask(&Ask::get(program, "/")).await?;
    program.order(Order::Terminate);
    match program.exited().await {
        Some(exit) => Ok(exit),
        None => seen(format!("the program runs on {} s after SIGTERM", limit.as_secs())),
    }
}

async fn ends(bench: &mut Bench) -> Outcome {
    stop(bench).await.map(drop)
}

async fn exit_code(bench: &mut Bench) -> Outcome {
    match stop(bench).await {
        Ok(Exit::Code(0)) => Ok(()),
        Ok(Exit::Code(code)) => seen(format!("the program ends with code {code}")),
        Ok(Exit::Signal(signal)) => seen(format!("the program is ended by signal {signal}")),
        // The case before says so.
        Err(_) => Err(super::case::Finding::Absent("the program does not end on SIGTERM".to_owned())),
    }
}

async fn drains(bench: &mut Bench) -> Outcome {
    bench.fresh().await?;
    let mut conns = sleepers(bench, 1, 1000).await?;
    tokio::time::sleep(Duration::from_millis(200)).await;
    bench.current()?.order(Order::Terminate);
    for conn in &mut conns {
        match conn.reply("GET").await {
            Ok(reply) => check(reply.status == 200, || format!("it is answered with {}", reply.status))?,
            Err(_) => return seen("its connection ends without a reply"),
        }
    }
    Ok(())
}
