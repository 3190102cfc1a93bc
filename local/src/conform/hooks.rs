//! The hooks of an instance's life.

use super::ask::Ask;
use super::bench::Bench;
use super::case::{Case, Finding, Need, Outcome, check, seen};
use super::h1::Reply;
use super::sources::{HOOKS, HOOKS_2};
use crate::model::Edition;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "hook-initialize",
        route: "POST /initialize",
        title: "POST /initialize is answered with 2xx",
        need: Need::Must,
        source: HOOKS,
        advice: "Answer 2xx when the program is ready for calls. The platform starts instances again whose hook fails, for as long as it fails.",
        run: |bench| Box::pin(initialize(bench)),
    },
    Case {
        id: "hook-initialize-again",
        route: "POST /initialize",
        title: "a second POST /initialize is answered with 2xx too",
        need: Need::Should,
        source: HOOKS_2,
        advice: "Let the hook do its work once, and answer alike afterwards: the platform may repeat it.",
        run: |bench| Box::pin(initialize_again(bench)),
    },
    Case {
        id: "hook-pre-freeze",
        route: "GET /pre-freeze",
        title: "in edition 2.0 GET /pre-freeze is answered with 2xx",
        need: Need::Must,
        source: HOOKS_2,
        advice: "Write out what is buffered, and answer 2xx. Edition 3.0 has no such hook.",
        run: |bench| Box::pin(pre_freeze(bench)),
    },
    Case {
        id: "hook-pre-stop",
        route: "GET /pre-stop",
        title: "GET /pre-stop is answered with 2xx",
        need: Need::Must,
        source: HOOKS,
        advice: "Write out what must not be lost and answer 2xx, within the hook's time-out.",
        run: |bench| Box::pin(pre_stop(bench)),
    },
    Case {
        id: "hook-pre-stop-serves",
        route: "GET /pre-stop",
        title: "the program serves on after GET /pre-stop",
        need: Need::Should,
        source: HOOKS,
        advice: "Leave the end to the signal: the platform may call the hook before a freeze, and calls may follow.",
        run: |bench| Box::pin(pre_stop_serves(bench)),
    },
];

async fn hook(bench: &mut Bench, method: &'static str, path: &'static str) -> Outcome<Reply> {
    let program = bench.program().await?;
    let reply = program.connect().await?.ask(&Ask::hook(program, method, path)).await?;
    reply.offered(&format!("{method} {path}"))
}

fn check_done(reply: &Reply) -> Outcome {
    check((200..300).contains(&reply.status), || format!("it is answered with {}", reply.status))
}

async fn initialize(bench: &mut Bench) -> Outcome {
    bench.fresh().await?;
    check_done(&hook(bench, "POST", "/initialize").await?)
}

async fn initialize_again(bench: &mut Bench) -> Outcome {
    hook(bench, "POST", "/initialize").await?;
    check_done(&hook(bench, "POST", "/initialize").await?)
}

async fn pre_freeze(bench: &mut Bench) -> Outcome {
    if bench.settings.edition == Edition::Fc3 {
        return Err(Finding::Absent(
            "edition 3.0 has no pre-freeze hook: --edition fc2 checks it".to_owned(),
        ));
    }
    check_done(&hook(bench, "GET", "/pre-freeze").await?)
}

async fn pre_stop(bench: &mut Bench) -> Outcome {
    check_done(&hook(bench, "GET", "/pre-stop").await?)
}

async fn pre_stop_serves(bench: &mut Bench) -> Outcome {
    hook(bench, "GET", "/pre-stop").await?;
    match bench.check_alive("GET /pre-stop").await {
        Ok(()) => Ok(()),
        Err(Finding::Failed(text)) => seen(text),
        Err(absent) => Err(absent),
    }
}
