//! Clients that leave: the platform closes its connection to the program.

use std::time::Duration;

use super::ask::Ask;
use super::bench::Bench;
use super::case::{Case, Need, Outcome, check, seen};
use super::load::sleepers;
use super::sources::CANCEL;
use super::streams;

/// Longer than anybody waits, in milliseconds.
const LONG: u64 = 120_000;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "departure-survives",
        route: "",
        title: "the program survives clients that leave",
        need: Need::Must,
        source: CANCEL,
        advice: "Take a write to a closed connection for the end of that call: ignore SIGPIPE, and catch the error.",
        run: |bench| Box::pin(survives(bench)),
    },
    Case {
        id: "departure-frees-call",
        route: "GET /conform/busy",
        title: "the work for a client that left ends",
        need: Need::Should,
        source: CANCEL,
        advice: "Watch the connection while a call works (in Node.js res.on('close'), in Go the request's context), and end the work: it is paid for.",
        run: |bench| Box::pin(frees_call(bench)),
    },
    Case {
        id: "departure-frees-stream",
        route: "GET /conform/busy",
        title: "a stream ends with its client",
        need: Need::Must,
        source: CANCEL,
        advice: "End the producer when a write fails or the connection closes: it would run until the instance ends.",
        run: |bench| Box::pin(frees_stream(bench)),
    },
];

async fn survives(bench: &mut Bench) -> Outcome {
    // Without the route requests that are left at once have to do.
    let mut waiting = sleepers(bench, 5, 300).await.unwrap_or_default();
    // A reset might come before the requests are read.
    _ = bench.until_busy(|busy| busy >= 5, Duration::from_millis(250)).await;
    let program = bench.program().await?;
    for _ in 0..5 {
        let mut conn = program.connect().await?;
        conn.send(&Ask::get(program, "/").bytes()).await?;
        waiting.push(conn);
    }
    for conn in waiting {
        conn.reset();
    }
    // Meanwhile the replies of those that wait are written into closed connections.
    bench.check_outlives("clients that left").await
}

/// After the departure no more is at work than before it.
async fn check_freed(bench: &mut Bench, what: &str) -> Outcome {
    let limit = bench.patience();
    match bench.until_busy(|busy| busy == 0, limit).await? {
        Ok(()) => Ok(()),
        Err(busy) => seen(format!("{busy} {what} at work {} s after the clients left", limit.as_secs())),
    }
}

/// Nothing of an earlier case is at work.
async fn settle(bench: &mut Bench) -> Outcome {
    let limit = bench.patience();
    match bench.until_busy(|busy| busy == 0, limit).await? {
        Ok(()) => Ok(()),
        Err(busy) => seen(format!("GET /conform/busy says {busy} while nothing is at work")),
    }
}

async fn frees_call(bench: &mut Bench) -> Outcome {
    const CALLS: usize = 3;
    settle(bench).await?;
    let conns = sleepers(bench, CALLS, LONG).await?;
    let limit = bench.patience();
    let begun = bench.until_busy(|busy| busy >= CALLS, limit).await?;
    check(begun.is_ok(), || "the calls do not begin, by GET /conform/busy".to_owned())?;
    drop(conns);
    check_freed(bench, "calls are").await
}

async fn frees_stream(bench: &mut Bench) -> Outcome {
    settle(bench).await?;
    let mut conns = Vec::new();
    for _ in 0..3 {
        let (mut conn, mut reply) = streams::begin(bench, "/conform/stream", "n=100000&ms=50").await?;
        conn.piece(&mut reply).await?;
        conns.push(conn);
    }
    let limit = bench.patience();
    let begun = bench.until_busy(|busy| busy >= 3, limit).await?;
    check(begun.is_ok(), || "the streams are not at work, by GET /conform/busy".to_owned())?;
    drop(conns);
    check_freed(bench, "streams are").await
}
