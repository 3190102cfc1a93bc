//! Connections, which the platform keeps and uses again.

use tokio::time::timeout_at;

use super::ask::Ask;
use super::bench::Bench;
use super::case::{Case, Finding, Need, Outcome, check, seen};
use super::sources::{CONCURRENCY, KEEP_ALIVE};

/// What the platform demands of an announced time-out, in seconds.
const IDLE_MIN: u64 = 15 * 60;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "keep-alive",
        route: "",
        title: "a connection carries a second request",
        need: Need::Must,
        source: KEEP_ALIVE,
        advice: "Switch keep-alive on, and do not send Connection: close.",
        run: |bench| Box::pin(noted(bench, false)),
    },
    Case {
        id: "keep-alive-many",
        route: "",
        title: "a connection carries as many requests as come",
        need: Need::Must,
        source: KEEP_ALIVE,
        advice: "Remove the cap of requests per connection (in nginx keepalive_requests): the next POST gets 502.",
        run: |bench| Box::pin(many(bench)),
    },
    Case {
        id: "keep-alive-announced",
        route: "",
        title: "no time-out below 15 minutes is announced",
        need: Need::Must,
        source: KEEP_ALIVE,
        advice: "Set the server's keep-alive time-out to 0 or to more than 15 minutes. In Node.js: server.keepAliveTimeout = 0.",
        run: |bench| Box::pin(announced(bench)),
    },
    Case {
        id: "keep-alive-after-error",
        route: "",
        title: "a reply with an error keeps the connection",
        need: Need::Should,
        source: KEEP_ALIVE,
        advice: "Keep the connection after 4xx replies to whole requests.",
        run: |bench| Box::pin(after_error(bench)),
    },
    Case {
        id: "keep-alive-200",
        route: "",
        title: "200 connections are served at a time",
        need: Need::Should,
        source: CONCURRENCY,
        advice: "Raise the limit of connections or workers: an instance gets up to instanceConcurrency calls at a time, 200 at most.",
        run: |bench| Box::pin(two_hundred(bench)),
    },
];

/// Runs last of the cases that share a program: the others take part of the time.
pub(super) const OBSERVED: &[Case] = &[Case {
    id: "keep-alive-idle",
    route: "",
    title: "an unused connection stays open for as long as it is observed",
    need: Need::Must,
    source: KEEP_ALIVE,
    advice: "Set the server's keep-alive time-out to 0 or to more than 15 minutes: the platform answers 502 to a POST on a connection that the program closes.",
    run: |bench| Box::pin(noted(bench, true)),
}];

/// Remembers that connections are not kept: other cases need them.
async fn noted(bench: &mut Bench, is_idle: bool) -> Outcome {
    let outcome = if is_idle { idle(bench).await } else { second(bench).await };
    bench.keeps_connections &= outcome.is_ok();
    outcome
}

async fn second(bench: &mut Bench) -> Outcome {
    let program = bench.program().await?;
    let mut conn = program.connect().await?;
    let reply = conn.ask(&Ask::get(program, "/")).await?;
    check(!reply.has_word("connection", "close"), || "the reply says Connection: close".to_owned())?;
    match conn.ask(&Ask::get(program, "/")).await {
        Ok(_) => Ok(()),
        Err(Finding::Failed(text)) => seen(format!("the second request: {text}")),
        Err(absent) => Err(absent),
    }
}

async fn many(bench: &mut Bench) -> Outcome {
    bench.check_kept()?;
    let requests = bench.settings.requests;
    let program = bench.program().await?;
    let mut conn = program.connect().await?;
    let bytes = Ask::get(program, "/").bytes();
    for at in 1..=requests {
        match conn.exchange("GET", &bytes).await {
            Ok(reply) if reply.has_word("connection", "close") => {
                return seen(format!("the connection is closed with request {at} of {requests}"));
            }
            Ok(_) => {}
            Err(Finding::Failed(text)) => return seen(format!("request {at} of {requests}: {text}")),
            Err(absent) => return Err(absent),
        }
    }
    Ok(())
}

async fn announced(bench: &mut Bench) -> Outcome {
    let reply = bench.get("/").await?;
    let Some(value) = reply.header("keep-alive") else { return Ok(()) };
    let timeout = value.split(',').find_map(|part| part.trim().strip_prefix("timeout=")?.parse::<u64>().ok());
    check(timeout.is_none_or(|timeout| timeout == 0 || timeout > IDLE_MIN), || {
        format!("the reply says Keep-Alive: {value}")
    })
}

async fn after_error(bench: &mut Bench) -> Outcome {
    bench.check_kept()?;
    let program = bench.program().await?;
    let mut conn = program.connect().await?;
    let reply = conn.ask(&Ask::get(program, "/conform/no/such/route")).await?;
    check(!reply.has_word("connection", "close"), || {
        format!("the reply ({}) says Connection: close", reply.status)
    })?;
    match conn.ask(&Ask::get(program, "/")).await {
        Ok(_) => Ok(()),
        Err(_) => seen(format!("the reply ({}) is the last of its connection", reply.status)),
    }
}

async fn two_hundred(bench: &mut Bench) -> Outcome {
    const CONNECTIONS: usize = 200;
    let program = bench.program().await?;
    let mut conns = Vec::with_capacity(CONNECTIONS);
    for at in 1..=CONNECTIONS {
        let conn = program.connect().await;
        conns.push(conn.map_err(|_| Finding::Failed(format!("connection {at} is refused")))?);
    }
    let bytes = Ask::get(program, "/").bytes();
    for conn in &mut conns {
        conn.send(&bytes).await?;
    }
    for (at, conn) in conns.iter_mut().enumerate() {
        let reply = conn.reply("GET").await;
        let answered = reply.is_ok_and(|reply| reply.status != 503 && reply.status != 429);
        check(answered, || format!("connection {} of {CONNECTIONS} has no reply", at + 1))?;
    }
    Ok(())
}

async fn idle(bench: &mut Bench) -> Outcome {
    bench.check_kept()?;
    let wanted = bench.settings.idle;
    let (mut conn, since) = bench.take_observed().await?;
    let end = since + wanted;
    if timeout_at(end, conn.closed()).await.is_ok() {
        let within = since.elapsed().as_secs() + 1;
        return seen(format!("the connection is closed after less than {within} s without a request"));
    }
    let program = bench.current()?;
    match conn.ask(&Ask::get(program, "/")).await {
        Ok(_) => Ok(()),
        Err(_) => {
            seen(format!("the connection is open after {} s, but carries no request", wanted.as_secs()))
        }
    }
}
