//! Several calls at a time, and health checks beside them.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::ask::Ask;
use super::bench::Bench;
use super::case::{Case, Finding, Need, Outcome, check, seen};
use super::h1::Conn;
use super::sources::{CONCURRENCY, HEALTH};

/// How long the platform waits for a health check unless it is told otherwise.
const PROBE_MAX: Duration = Duration::from_secs(1);

const SLEEP: &str = "GET /conform/sleep";

pub(super) const CASES: &[Case] = &[
    Case {
        id: "load-concurrent",
        route: "GET /conform/busy",
        title: "eight calls that wait are at work at a time",
        need: Need::Must,
        source: CONCURRENCY,
        advice: "Serve calls side by side, by threads, tasks or an event loop; or leave instanceConcurrency at 1.",
        run: |bench| Box::pin(concurrent(bench)),
    },
    Case {
        id: "health-status",
        route: "GET /conform/health",
        title: "the health check is answered with 200 to 399",
        need: Need::Must,
        source: HEALTH,
        advice: "Answer GET on the path of healthCheckConfig.httpGetUrl (here --health) with a status from 200 to 399.",
        run: |bench| Box::pin(health(bench)),
    },
    Case {
        id: "health-while-waiting",
        route: "GET /conform/sleep",
        title: "the health check is answered within a second while calls wait",
        need: Need::Must,
        source: HEALTH,
        advice: "Do not let calls that wait for something occupy all workers.",
        run: |bench| Box::pin(while_waiting(bench)),
    },
    Case {
        id: "health-while-blocked",
        route: "GET /conform/block",
        title: "the health check is answered within a second while a call blocks its thread",
        need: Need::Should,
        source: HEALTH,
        advice: "Answer checks on a thread of their own, or keep long computation off the threads that serve.",
        run: |bench| Box::pin(while_blocked(bench)),
    },
];

/// Connections that wait for `/conform/sleep`.
pub(super) async fn sleepers(bench: &mut Bench, count: usize, ms: u64) -> Outcome<Vec<Conn>> {
    // A short one shows whether the route is there.
    bench.get("/conform/sleep?ms=0").await?.offered(SLEEP)?.expect(200)?;
    let program = bench.program().await?;
    let mut conns = Vec::new();
    for _ in 0..count {
        let mut conn = program.connect().await?;
        conn.send(&Ask::get(program, format!("/conform/sleep?ms={ms}")).bytes()).await?;
        conns.push(conn);
    }
    Ok(conns)
}

async fn concurrent(bench: &mut Bench) -> Outcome {
    const CALLS: usize = 8;
    let time = Duration::from_millis(1500);
    bench.busy().await?;
    let mut conns = sleepers(bench, CALLS, 1500).await?;
    let all = bench.until_busy(|busy| busy >= CALLS, time).await?;
    for conn in &mut conns {
        conn.reply("GET").await?.expect(200)?;
    }
    match all {
        Ok(()) => Ok(()),
        Err(busy) => seen(format!("{busy} of {CALLS} are at work, by GET /conform/busy")),
    }
}

/// One health check on a new connection, within the platform's time.
async fn probe(bench: &Bench) -> Outcome {
    let path = bench.settings.health.clone();
    let program = bench.current()?;
    let begin = Instant::now();
    let check_once = async { program.connect().await?.ask(&Ask::get(program, &*path)).await };
    match timeout(PROBE_MAX, check_once).await {
        Ok(reply) => {
            let status = reply?.status;
            check((200..400).contains(&status), || format!("it is answered with {status}"))
        }
        Err(_) => seen(format!("no reply within {} ms", begin.elapsed().as_millis())),
    }
}

/// The status of the health check, if the program has one.
async fn health_status(bench: &mut Bench) -> Outcome<u16> {
    let path = bench.settings.health.clone();
    let status = bench.get(&path).await?.status;
    if matches!(status, 404 | 405 | 501) {
        return Err(Finding::Absent(format!("the program has no GET {path}: it answers {status}")));
    }
    Ok(status)
}

/// Whether the check succeeds while nothing else is at work.
async fn has_health(bench: &mut Bench) -> Outcome {
    match health_status(bench).await? {
        200..400 => Ok(()),
        status => Err(Finding::Absent(format!("the health check itself is answered with {status}"))),
    }
}

async fn health(bench: &mut Bench) -> Outcome {
    health_status(bench).await?;
    probe(bench).await
}

async fn while_waiting(bench: &mut Bench) -> Outcome {
    has_health(bench).await?;
    let mut conns = sleepers(bench, 8, 1600).await?;
    let probed = probe(bench).await;
    for conn in &mut conns {
        conn.reply("GET").await?;
    }
    probed
}

async fn while_blocked(bench: &mut Bench) -> Outcome {
    has_health(bench).await?;
    bench.get("/conform/block?ms=0").await?.offered("GET /conform/block")?.expect(200)?;
    let program = bench.program().await?;
    let mut conn = program.connect().await?;
    conn.send(&Ask::get(program, "/conform/block?ms=1600").bytes()).await?;
    // The call is at work before the check comes.
    let early = timeout(Duration::from_millis(100), conn.reply("GET")).await;
    check(early.is_err(), || "GET /conform/block answers before its time".to_owned())?;
    let probed = probe(bench).await;
    conn.reply("GET").await?;
    probed
}
