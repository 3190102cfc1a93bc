//! Event calls: `POST /invoke`.

use super::ask::Ask;
use super::bench::Bench;
use super::case::{Case, Need, Outcome, check, seen};
use super::h1::Reply;
use super::sources::{ERRORS, EVENTS, WEB_FUNCTIONS};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "event-call",
        route: "POST /invoke",
        title: "POST /invoke gives the event to the function, and its result back",
        need: Need::Must,
        source: EVENTS,
        advice: "Handle POST /invoke: the body is the event, the body of the reply is the result. API calls, timers and all other triggers come this way.",
        run: |bench| Box::pin(call(bench)),
    },
    Case {
        id: "event-status",
        route: "POST /invoke",
        title: "a success is 200 with x-fc-status: 200",
        need: Need::Should,
        source: EVENTS,
        advice: "Set the status and x-fc-status together, as the manual advises.",
        run: |bench| Box::pin(status(bench)),
    },
    Case {
        id: "event-empty",
        route: "POST /invoke",
        title: "an empty event is an event",
        need: Need::Must,
        source: WEB_FUNCTIONS,
        advice: "Take a body of no bytes: a caller may send none.",
        run: |bench| Box::pin(empty(bench)),
    },
    Case {
        id: "event-binary",
        route: "POST /invoke",
        title: "the bytes of an event stay as they are",
        need: Need::Must,
        source: WEB_FUNCTIONS,
        advice: "Read the event as bytes: it need be neither JSON nor UTF-8.",
        run: |bench| Box::pin(binary(bench)),
    },
    Case {
        id: "event-large",
        route: "POST /invoke",
        title: "an event of 6 MiB is taken",
        need: Need::Must,
        source: WEB_FUNCTIONS,
        advice: "Raise the limit of the body reader for application/octet-stream; the platform passes up to 32 MiB.",
        run: |bench| Box::pin(large(bench)),
    },
    Case {
        id: "event-fails",
        route: "POST /invoke",
        title: "a failed event is 404 with x-fc-status: 404",
        need: Need::Must,
        source: EVENTS,
        advice: "Answer an error of the handler with status 404 and the header x-fc-status: 404. Without the header the platform counts the call as a success, and repeats no asynchronous call.",
        run: |bench| Box::pin(fails(bench)),
    },
    Case {
        id: "event-error-body",
        route: "POST /invoke",
        title: "a failed event says why, as JSON with errorMessage",
        need: Need::Should,
        source: ERRORS,
        advice: "Answer {\"errorMessage\": …, \"errorType\": …}: the body is all that the caller sees of the error.",
        run: |bench| Box::pin(error_body(bench)),
    },
    Case {
        id: "event-after-failure",
        route: "POST /invoke",
        title: "the next event after a failed one succeeds, on the same connection",
        need: Need::Must,
        source: EVENTS,
        advice: "Let an error of one call end that call alone.",
        run: |bench| Box::pin(after_failure(bench)),
    },
];

async fn event(bench: &mut Bench, payload: &[u8]) -> Outcome<Reply> {
    let program = bench.program().await?;
    program.connect().await?.ask(&Ask::event(program, payload)).await?.offered("POST /invoke")
}

async fn call(bench: &mut Bench) -> Outcome {
    let reply = event(bench, b"{\"key\": \"value\"}").await?.expect(200)?;
    check(reply.text() == "{\"key\": \"value\"}", || {
        format!("the event is not the result (see the route POST /invoke): {:?}", reply.text())
    })
}

async fn status(bench: &mut Bench) -> Outcome {
    let reply = event(bench, b"tea").await?.expect(200)?;
    match reply.header("x-fc-status") {
        Some("200") => Ok(()),
        other => seen(format!("x-fc-status is {other:?}")),
    }
}

async fn empty(bench: &mut Bench) -> Outcome {
    let reply = event(bench, b"").await?.expect(200)?;
    check(reply.body.is_empty(), || format!("the result is {:?}", reply.text()))
}

async fn binary(bench: &mut Bench) -> Outcome {
    let bytes: Vec<u8> = (0..=255).rev().collect();
    let reply = event(bench, &bytes).await?.expect(200)?;
    check(reply.body == bytes, || {
        format!("256 bytes are sent, and {} other ones come back", reply.body.len())
    })
}

async fn large(bench: &mut Bench) -> Outcome {
    let bytes = vec![b'x'; 6 * 1024 * 1024];
    let reply = event(bench, &bytes).await?.expect(200)?;
    check(reply.body == bytes, || format!("{} of {} bytes come back", reply.body.len(), bytes.len()))
}

/// The reply to an event that fails, of a program that has events.
async fn failure(bench: &mut Bench) -> Outcome<Reply> {
    event(bench, b"tea").await?;
    let program = bench.program().await?;
    program.connect().await?.ask(&Ask::event(program, b"fail")).await
}

async fn fails(bench: &mut Bench) -> Outcome {
    let reply = failure(bench).await?;
    let word = reply.header("x-fc-status").map(str::to_owned);
    check((reply.status, word.as_deref()) == (404, Some("404")), || {
        format!(
            "the status is {}, and x-fc-status {}",
            reply.status,
            word.as_deref().unwrap_or("is not there")
        )
    })
}

async fn error_body(bench: &mut Bench) -> Outcome {
    let reply = failure(bench).await?;
    let told = serde_json::from_slice::<serde_json::Value>(&reply.body).unwrap_or_default();
    check(told["errorMessage"].is_string(), || {
        let begin: String = reply.text().chars().take(100).collect();
        format!("the body begins {begin:?}")
    })
}

async fn after_failure(bench: &mut Bench) -> Outcome {
    bench.check_kept()?;
    event(bench, b"tea").await?;
    let program = bench.program().await?;
    let mut conn = program.connect().await?;
    let failed = conn.ask(&Ask::event(program, b"fail")).await?;
    check(!failed.has_word("connection", "close"), || "the failed call closes the connection".to_owned())?;
    let reply = conn.ask(&Ask::event(program, b"tea")).await?.expect(200)?;
    check(reply.text() == "tea", || format!("the result is {:?}", reply.text()))
}
