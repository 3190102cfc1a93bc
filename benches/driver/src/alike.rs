//! Every twin answers the shared routes alike, or comparing them says nothing.

use crate::Outcome;
use crate::client::Answer;
use crate::http::{ordinary, post};
use crate::process::{Bench, Under};
use crate::streams;
use crate::subjects::Routes;
use crate::subjects::streams::{EVENTS, GRPC, WEBSOCKET};

pub(crate) fn check(bench: &Bench) -> Outcome<()> {
    for subject in bench.twins() {
        let name_of = subject.name;
        let mut server = bench.start(subject, Under::Nothing)?;
        let questions = questions();
        let all = if subject.routes == Routes::Plain { PLAIN } else { questions.len() };
        for (name, request, expected) in &questions[..all] {
            // On a connection each: actix-web closes its own after an echo.
            let mut answer =
                server.connect()?.ask(request).map_err(|error| format!("{name_of}: {name}: {error}"))?;
            // Some name the only encoding that JSON has.
            if let Some(essence) =
                answer.content_type.strip_suffix("; charset=utf-8").filter(|it| it.contains("json"))
            {
                answer.content_type = essence.to_owned();
            }
            if answer != *expected {
                return Err(format!("{name_of}: {name}: got {answer:?}, expected {expected:?}").into());
            }
        }
        server.finish()?;
    }
    for (name, subjects) in
        [("alike-ws", &WEBSOCKET[..]), ("alike-sse", &EVENTS), ("alike-feed", &EVENTS), ("alike-grpc", &GRPC)]
    {
        for subject in bench.wanted(subjects) {
            let mut server = bench.start(subject, Under::Nothing)?;
            streams::ask(bench, &mut server, name, &[])
                .map_err(|error| format!("{}: {error}", subject.name))?;
            server.finish()?;
        }
    }
    Ok(())
}

/// So many of the first are for a server with plain routes only.
const PLAIN: usize = 3;

fn questions() -> [(&'static str, Vec<u8>, Answer); 9] {
    const TEXT: &str = "text/plain; charset=utf-8";
    const JSON: &str = "application/json";
    let order = r#"{"item":"tea","quantity":2}"#;
    [
        ("GET /plaintext", ordinary("/plaintext"), answer(200, TEXT, "Hello, World!")),
        ("GET /json", ordinary("/json"), answer(200, JSON, r#"{"message":"Hello, World!"}"#)),
        ("GET /users/{id}", ordinary("/users/42"), answer(200, TEXT, "42")),
        (
            "POST /echo",
            post("/echo", "text/x-anything", "to and fro"),
            answer(200, "text/x-anything", "to and fro"),
        ),
        (
            "GET /users/{id}/posts/{post}",
            ordinary("/users/4/posts/2"),
            answer(200, JSON, r#"{"user":4,"post":2}"#),
        ),
        (
            "POST /orders",
            post("/orders", JSON, order),
            Answer { location: "/orders/tea".to_owned(), ..answer(201, JSON, order) },
        ),
        ("GET /large", ordinary("/large?bytes=3"), answer(200, "application/octet-stream", "\0\0\0")),
        ("GET /block", ordinary("/block?ms=1"), answer(200, TEXT, "blocked")),
        ("GET /spin", ordinary("/spin?ms=1"), answer(200, TEXT, "spun")),
    ]
}

fn answer(status: u16, content_type: &str, body: &str) -> Answer {
    Answer { status, content_type: content_type.to_owned(), location: String::new(), body: body.to_owned() }
}
