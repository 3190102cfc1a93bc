//! Handlers that fail, and what is logged.

use std::time::Duration;

use super::ask::{Ask, SECRET};
use super::bench::Bench;
use super::case::{Case, Finding, Need, Outcome, check, seen};
use super::sources::{INFERRED, INSTANCES, LOGS, WEB_FUNCTIONS};
use crate::model::Edition;
use crate::process::Order;

/// How long a line may be on its way from the program to its reader.
const LINE_MAX: Duration = Duration::from_millis(700);

pub(super) const CASES: &[Case] = &[
    Case {
        id: "fail-500",
        route: "GET /conform/fail",
        title: "a handler that fails is a 500, and the program goes on",
        need: Need::Must,
        source: WEB_FUNCTIONS,
        advice: "Catch what handlers throw, answer 500, and keep the process: its end fails all calls at work.",
        run: |bench| Box::pin(internal_error(bench)),
    },
    Case {
        id: "fail-x-fc-status",
        route: "GET /conform/fail",
        title: "a 5xx reply carries x-fc-status: 404",
        need: Need::Should,
        source: WEB_FUNCTIONS,
        advice: "Add x-fc-status: 404 to replies that are failures of the function: without it the platform counts them as successes.",
        run: |bench| Box::pin(word(bench)),
    },
    Case {
        id: "fail-is-logged",
        route: "GET /conform/fail",
        title: "a failure is on the standard output or error",
        need: Need::Should,
        source: WEB_FUNCTIONS,
        advice: "Print the error with its trace: the log service collects both outputs.",
        run: |bench| Box::pin(logged(bench)),
    },
    Case {
        id: "log-line",
        route: "GET /conform/log",
        title: "a line that a handler prints comes out",
        need: Need::Must,
        source: LOGS,
        advice: "Print to the standard output or error, a line at a time, and flush: in Python set PYTHONUNBUFFERED=1 or flush=True.",
        run: |bench| Box::pin(line(bench)),
    },
    Case {
        id: "log-before-freeze",
        route: "GET /conform/log",
        title: "the line is out when the reply is, before the instance is frozen",
        need: Need::Should,
        source: INSTANCES,
        advice: "Write lines before the reply is sent: the instance is frozen with the last reply, and what is buffered waits for the next call or is lost.",
        run: |bench| Box::pin(before_freeze(bench)),
    },
    Case {
        id: "log-no-credentials",
        route: "",
        title: "credentials of requests are not in the log",
        need: Need::Should,
        source: INFERRED,
        advice: "Do not print whole heads: x-fc-access-key-secret and x-fc-security-token are among the headers.",
        run: |bench| Box::pin(no_credentials(bench)),
    },
    Case {
        id: "log-marks",
        route: "POST /invoke",
        title: "in edition 2.0 the program marks each call in its log",
        need: Need::Should,
        source: LOGS,
        advice: "Print FC Invoke Start RequestId: ID and FC Invoke End RequestId: ID around each call: edition 2.0 finds the lines of a call by them.",
        run: |bench| Box::pin(marks(bench)),
    },
    Case {
        id: "process-no-zombies",
        route: "GET /conform/child",
        title: "ended child processes are waited for",
        need: Need::Should,
        source: INFERRED,
        advice: "Wait for children; a shell or a manager that is process 1 of the instance has to reap orphans. An instance may have 1024 processes and threads.",
        run: |bench| Box::pin(no_zombies(bench)),
    },
];

const FAIL: &str = "GET /conform/fail";

async fn internal_error(bench: &mut Bench) -> Outcome {
    // A 404 is a missing route; whatever else is not 500 is wrong.
    bench.get("/conform/fail").await?.offered(FAIL)?.expect(500)?;
    bench.check_alive("a handler that failed").await
}

async fn word(bench: &mut Bench) -> Outcome {
    let reply = bench.get("/conform/fail").await?.offered(FAIL)?;
    let word = reply.header("x-fc-status").map(str::to_owned);
    check(word.as_deref() == Some("404"), || {
        format!("a reply with {} has x-fc-status {}", reply.status, word.as_deref().unwrap_or("not at all"))
    })
}

async fn logged(bench: &mut Bench) -> Outcome {
    let before = bench.program().await?.recent();
    bench.get("/conform/fail").await?.offered(FAIL)?;
    check(bench.program().await?.has_printed_since(&before, LINE_MAX).await, || {
        "nothing is printed when a handler fails".to_owned()
    })
}

const LOG: &str = "GET /conform/log";

async fn line(bench: &mut Bench) -> Outcome {
    bench.get("/conform/log?text=conform-line-1").await?.offered(LOG)?.expect(200)?;
    check(bench.program().await?.has_printed("conform-line-1", LINE_MAX).await, || {
        format!("the line is not there {} ms after the reply", LINE_MAX.as_millis())
    })
}

async fn before_freeze(bench: &mut Bench) -> Outcome {
    let program = bench.program().await?;
    let mut conn = program.connect().await?;
    let ask = Ask::get(program, "/conform/log?text=conform-line-2");
    let reply = conn.ask(&ask).await?;
    program.order(Order::Freeze);
    let printed = program.has_printed("conform-line-2", LINE_MAX).await;
    program.order(Order::Thaw);
    reply.offered(LOG)?.expect(200)?;
    if printed {
        return Ok(());
    }
    if program.has_printed("conform-line-2", LINE_MAX).await {
        return seen("the line comes out when the instance is thawed");
    }
    seen("the line is not there")
}

async fn no_credentials(bench: &mut Bench) -> Outcome {
    let program = bench.program().await?;
    program.connect().await?.ask(&Ask::get(program, "/")).await?;
    program.connect().await?.ask(&Ask::event(program, b"tea")).await?;
    check(!program.has_printed(SECRET, Duration::from_millis(100)).await, || {
        "the secret of x-fc-access-key-secret is in the log".to_owned()
    })
}

async fn marks(bench: &mut Bench) -> Outcome {
    if bench.settings.edition == Edition::Fc3 {
        return Err(Finding::Absent("edition 3.0 marks calls by itself: --edition fc2 checks it".to_owned()));
    }
    let program = bench.program().await?;
    let ask = Ask::event(program, b"tea");
    program.connect().await?.ask(&ask).await?.offered("POST /invoke")?;
    for word in ["Start", "End"] {
        let mark = format!("FC Invoke {word} RequestId: {}", ask.id);
        check(program.has_printed(&mark, LINE_MAX).await, || format!("there is no line `{mark}`"))?;
    }
    Ok(())
}

async fn no_zombies(bench: &mut Bench) -> Outcome {
    let reply = bench.get("/conform/child").await?;
    // Without the route, what the other cases have left is counted.
    // A process is a zombie for a moment in any case.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let begun = tokio::time::Instant::now();
    let mut zombies = bench.program().await?.zombies();
    while zombies > 0 && begun.elapsed() < LINE_MAX {
        tokio::time::sleep(Duration::from_millis(20)).await;
        zombies = bench.program().await?.zombies();
    }
    check(zombies == 0, || format!("{zombies} processes have ended, and nobody has waited for them"))?;
    reply.offered("GET /conform/child").map(drop)
}
