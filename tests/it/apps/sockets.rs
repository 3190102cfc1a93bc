//! Closures with sockets in every state that a client can meet them in. Each says what became of it.

use std::env::var;
use std::future::pending;
use std::time::Duration;

use fc_runtime::{App, Cors, Error, HangUpPolicy, Json, OrError, Result, Socket, at};
use tokio::sync::Notify;

use super::words::Words;

/// What the closures have seen, in order.
#[derive(Default)]
pub struct Seen {
    words: Words,
    gate: Notify,
}

pub fn app() -> App<Seen> {
    let number = |name: &str| var(name).ok().map(|value| value.parse::<u64>().unwrap());
    let app = App::with_state(Seen::default())
        .trust_platform(true)
        .drain_deadline(Duration::from_millis(number("IT_DRAIN_MS").unwrap_or(10_000)))
        .max_in_flight(number("IT_MAX_IN_FLIGHT").unwrap_or(u64::MAX))
        .max_finishing(number("IT_MAX_FINISHING").unwrap_or(1000))
        .max_connections(number("IT_MAX_CONNECTIONS").map_or(20_000, |most| usize::try_from(most).unwrap()))
        .get("/counters", async |ex| Json(ex.counters()))
        .get("/plaintext", async |_| "Hello, World!")
        .get("/seen", async |ex| Json(ex.state().words.all()))
        .post("/open", async |ex| {
            ex.state().gate.notify_waiters();
            "open"
        })
        .get("/protocol", async |ex| {
            ex.websocket(async |mut socket| {
                let chosen = socket.protocol().unwrap_or("none").to_owned();
                Ok(socket.send(chosen).await?)
            })
            .with_protocols(["chat.v2", "chat.v1"])
        })
        .get("/json", async |ex| ex.websocket(sums));
    with_handshakes(with_ends(match var("IT_ORIGIN") {
        Ok(origin) => app.cors(Cors::allow(origin)),
        Err(_) => app,
    }))
}

fn with_ends(app: App<Seen>) -> App<Seen> {
    app.get("/ended", async |ex| ex.websocket(ended))
        .get("/close", async |ex| {
            ex.websocket(async |mut socket| {
                socket.send("before").await?;
                socket.close(4000, "because");
                let late = socket.send("after").await;
                socket.state().words.say(if late.is_err() { "refused" } else { "sent" });
                while let Some(message) = socket.next().await {
                    let text = message?.as_text().unwrap_or_default().to_owned();
                    socket.state().words.say(format!("still {text}"));
                }
                Ok(())
            })
        })
        .get("/error", async |ex| {
            ex.websocket(async |_| Err(Error::new(503, "out of order").with_cause("a secret cause")))
        })
        .get("/panic", async |ex| {
            ex.websocket(async |mut socket| -> () {
                socket.next().await;
                panic!("asked to")
            })
        })
        .get("/split", async |ex| ex.websocket(split))
        .get("/hang-up", async |ex| {
            ex.websocket(async |socket| -> () {
                let _guard = socket.state().words.guard("dropped");
                socket.state().words.say("holding");
                socket.hang_up().await;
                socket.state().words.say("told");
                // It does not read, and does not end.
                pending::<()>().await;
            })
        })
        .get(at("/finish").hang_up_policy(HangUpPolicy::Finish), async |ex| {
            ex.websocket(async |mut socket| {
                socket.state().words.say("holding");
                let _guard = socket.state().words.guard("over");
                while socket.next().await.is_some() {}
                socket.state().gate.notified().await;
                socket.state().words.say("finished");
            })
        })
        .get("/stubborn", async |ex| {
            ex.websocket(async |mut socket| -> () {
                while socket.next().await.is_some() {}
                socket.state().words.say("told");
                pending::<()>().await;
            })
        })
        .get("/flood", async |ex| {
            ex.websocket(async |mut socket| -> Result {
                let piece = fc_runtime::Bytes::from(vec![b'x'; 256 * 1024]);
                loop {
                    socket.send(piece.clone()).await?;
                }
            })
        })
        .get("/pinged", async |ex| {
            ex.websocket(ended)
                .with_ping_every(Duration::from_millis(200))
                .with_pong_within(Duration::from_millis(400))
        })
        .get("/unpinged", async |ex| ex.websocket(echo).with_ping_every(Duration::ZERO))
        .get("/pinged-with-patience", async |ex| {
            ex.websocket(ended)
                .with_ping_every(Duration::from_millis(200))
                .with_pong_within(Duration::from_secs(60))
        })
        .get("/logs", async |ex| {
            let hang_up = ex.hang_up();
            ex.websocket(async move |mut socket| {
                tracing::info!(id = socket.request_id(), "inside");
                while socket.next().await.is_some() {}
                hang_up.await;
                tracing::info!("told");
            })
        })
}

fn with_handshakes(app: App<Seen>) -> App<Seen> {
    app.get("/echo", async |ex| ex.websocket(echo).with_protocols(["chat.v2", "chat.v1"]))
        .any("/any", async |ex| ex.websocket(echo))
        .get(at("/shop").cors(Cors::allow("https://shop.example")), async |ex| ex.websocket(echo))
        .get("/open-house", async |ex| ex.websocket(echo).with_any_origin())
        .get("/small", async |ex| ex.websocket(echo).with_max_message(8))
        .get("/broken-name", async |ex| ex.websocket(echo).with_protocols(["a\r\nset-cookie: b"]))
        .group("/inner", |group| {
            group.get("/echo", async |ex| ex.websocket(echo)).around(async |ex, next| {
                ex.cookie("session").or_error(401, "log in first")?;
                Ok(next.run(ex).await.with_header("x-around", "seen"))
            })
        })
}

async fn echo(mut socket: Socket<Seen>) -> Result {
    while let Some(message) = socket.next().await {
        socket.send(message?).await?;
    }
    Ok(())
}

async fn sums(mut socket: Socket<Seen>) -> Result {
    while let Some(numbers) = socket.next_json::<Vec<u32>>().await {
        match numbers {
            Ok(numbers) => socket.send_json(&numbers.iter().sum::<u32>()).await?,
            Err(error) => socket.send(error.message().to_owned()).await?,
        }
    }
    Ok(())
}

/// Says how it ended.
async fn ended(mut socket: Socket<Seen>) {
    socket.state().words.say("holding");
    while let Some(message) = socket.next().await {
        match message {
            Ok(message) => socket.state().words.say(format!("got {}", message.as_text().unwrap_or("bytes"))),
            Err(error) => socket.state().words.say(format!("fault {}", error.status().as_u16())),
        }
    }
    let closed = socket.closed().map_or(0, |close| close.code);
    socket.state().words.say(format!("ended {closed}"));
}

/// One half counts in a task of its own, the other answers.
#[allow(clippy::disallowed_methods, reason = "an author's own task, which the closure waits for")]
async fn split(socket: Socket<Seen>) -> Result {
    let (mut sender, mut receiver) = socket.split();
    let (tell, mut told) = tokio::sync::mpsc::channel::<usize>(1);
    let sending = tokio::spawn(async move {
        while let Some(length) = told.recv().await {
            sender.send(format!("{length} bytes")).await?;
        }
        sender.close(4001, "that was all");
        Ok::<_, Error>(())
    });
    while let Some(message) = receiver.next().await {
        let message = message?;
        if message.as_text() == Some("end") {
            break;
        }
        tell.send(message.as_bytes().len()).await?;
    }
    drop(tell);
    sending.await??;
    while receiver.next().await.is_some() {}
    Ok(())
}
