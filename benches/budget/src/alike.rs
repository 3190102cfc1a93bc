//! Every twin answers the shared routes alike, or comparing them says nothing.

use crate::Outcome;
use crate::client::Answer;
use crate::http::{ordinary, post};
use crate::process::{Bench, Under};
use crate::subjects::TWINS;

pub(crate) fn check(bench: &Bench) -> Outcome<()> {
    for subject in TWINS {
        let mut server = bench.start(subject, Under::Nothing)?;
        let mut client = server.connect()?;
        for (name, request, expected) in questions() {
            let answer = client.ask(&request).map_err(|error| format!("{subject}: {name}: {error}"))?;
            if answer != expected {
                return Err(format!("{subject}: {name}: got {answer:?}, expected {expected:?}").into());
            }
        }
        drop(client);
        server.finish()?;
    }
    Ok(())
}

fn questions() -> [(&'static str, Vec<u8>, Answer); 5] {
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
            "POST /orders",
            post("/orders", JSON, order),
            Answer { location: "/orders/tea".to_owned(), ..answer(201, JSON, order) },
        ),
    ]
}

fn answer(status: u16, content_type: &str, body: &str) -> Answer {
    Answer { status, content_type: content_type.to_owned(), location: String::new(), body: body.to_owned() }
}
