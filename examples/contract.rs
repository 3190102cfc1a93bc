//! A fixed set of routes, so that anyone can drive the runtime from outside: tests, benchmarks, comparisons.
//!
//! It believes the platform's headers wherever it runs. `CONTRACT_RECORDS=off` switches the access log off.

use std::convert::Infallible;
use std::fs::File;
use std::future::{Ready, poll_fn, ready};
use std::io::{self, Write};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fc_runtime::grpc::Messages;
use fc_runtime::platform::limits::MESSAGE_MAX;
use fc_runtime::{
    AccessLog, App, Broadcast, Bytes, Cors, Error, Exchange, HangUpPolicy, IntoReply, Json, Reply, Result,
    Socket, Sse, SseEvent, StatusCode, at,
};
use futures_core::Stream;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

struct Contract {
    /// What `POST /health?up=false` turns off.
    database_is_up: AtomicBool,
    feed: Broadcast,
}

fn main() -> Result {
    let records = match std::env::var("CONTRACT_RECORDS").as_deref() {
        Ok("off") => AccessLog::Off,
        _ => AccessLog::All,
    };
    App::with_state(Contract { database_is_up: AtomicBool::new(true), feed: Broadcast::new(256) })
        .cors(Cors::allow("https://shop.example").with_credentials())
        .trust_platform(true)
        .access_log(records)
        .get("/plaintext", async |_| "Hello, World!")
        .get("/json", async |_| Json(Message { message: "Hello, World!" }))
        .get("/users/{id}", async |ex| Ok(ex.param::<String>("id")?))
        .get("/users/{id}/posts/{post}", async |ex| {
            Ok(Json(Post { user: ex.param("id")?, post: ex.param("post")? }))
        })
        .post("/echo", async |ex| {
            let content_type = ex.header("content-type").unwrap_or("application/octet-stream").to_owned();
            Reply::stream(ex.body()).with_header("content-type", content_type)
        })
        .post("/orders", async |ex| order(ex.json().await?))
        .post("/store", store)
        .get("/slow", slow)
        .get(at("/slow-finish").hang_up_policy(HangUpPolicy::Finish), slow)
        .post("/slow", slow)
        .get("/block", async |ex| {
            let Pause { ms } = ex.query()?;
            let (_keep, never) = std::sync::mpsc::channel::<Infallible>();
            Ok(if never.recv_timeout(Duration::from_millis(ms)).is_err() { "blocked" } else { "woken" })
        })
        .get("/spin", async |ex| {
            let Pause { ms } = ex.query()?;
            let end = Instant::now() + Duration::from_millis(ms);
            while Instant::now() < end {
                std::hint::spin_loop();
            }
            Ok("spun")
        })
        .get("/panic", async |ex| -> Result<&'static str> {
            let id = ex.request_id().to_owned();
            ready(()).await;
            panic!("asked to, by {id}")
        })
        .get("/panic-early", |_: Exchange<Contract>| -> Ready<&'static str> {
            panic!("asked to, before there is a future")
        })
        .get("/large", async |ex| {
            let Size { bytes } = ex.query()?;
            Ok(Reply::stream(zeros(bytes)).with_header("content-type", "application/octet-stream"))
        })
        .get("/ws", async |ex| ex.websocket(echo).with_protocols(["echo"]))
        .get("/context", async |ex| context(&ex).into_reply())
        .get("/sse", ticks)
        .get("/feed", async |ex| Sse::new(ex.state().feed.subscribe_after(ex.last_event_id().as_deref())))
        .post("/publish", async |ex| Ok(ex.state().feed.send(ex.text().await?)?.to_string()))
        .get("/counters", async |ex| Json(ex.counters()))
        .unary("/greeter.Greeter/SayHello", async |_, request: HelloRequest| Ok(hello(&request.name)))
        .server_stream("/greeter.Greeter/SayHellos", async |_, request: HelloRequest| {
            // A number is how many; everyone else is greeted three times.
            let count = request.name.parse().unwrap_or(3_u32);
            Ok(async_stream::try_stream! {
                for _ in 0..count {
                    yield hello(&request.name);
                }
            })
        })
        .client_stream("/greeter.Greeter/Collect", collect)
        .bidi("/greeter.Greeter/Chat", async |_, mut requests: Messages<HelloRequest>| {
            Ok(async_stream::try_stream! {
                while let Some(request) = requests.message().await? {
                    yield HelloReply { message: request.name };
                }
            })
        })
        .event(async |event| match event.text()? {
            "fail" => Err(Error::new(500, "asked to fail").with_code("AskedToFail")),
            "panic" => panic!("asked to"),
            text => Ok(text.to_uppercase()),
        })
        .post("/health", async |ex| {
            let Health { up } = ex.query()?;
            ex.state().database_is_up.store(up, Ordering::Relaxed);
            Ok(StatusCode::NO_CONTENT)
        })
        .ready_check("database", async |state| {
            if state.database_is_up.load(Ordering::Relaxed) {
                Ok(())
            } else {
                Err(Error::unavailable("switched off"))
            }
        })
        .on_initialize(async |_| ())
        .on_pre_stop(async |_| ())
        .run()
}

/// As in `proto/greeter.proto`; two messages need no generated code.
#[derive(Clone, PartialEq, prost::Message)]
struct HelloRequest {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct HelloReply {
    #[prost(string, tag = "1")]
    message: String,
}

fn hello(name: &str) -> HelloReply {
    HelloReply { message: format!("Hello {name}") }
}

#[derive(Serialize)]
struct Message {
    message: &'static str,
}

#[derive(Serialize)]
struct Post {
    user: u32,
    post: u32,
}

#[derive(Deserialize, Serialize)]
struct Order {
    item: String,
    quantity: i64,
}

#[derive(Deserialize)]
struct Pause {
    ms: u64,
}

#[derive(Deserialize)]
struct Health {
    up: bool,
}

#[derive(Deserialize)]
struct Ticks {
    n: u64,
    #[serde(default)]
    ms: u64,
}

#[derive(Deserialize)]
struct Size {
    bytes: usize,
}

async fn slow<S>(ex: Exchange<S>) -> Result<&'static str> {
    let Pause { ms } = ex.query()?;
    tokio::time::sleep(Duration::from_millis(ms)).await;
    Ok("slow")
}

/// What a handler keeps is its own to bound: here by what a reply may hold.
async fn collect(_: Exchange<Contract>, mut requests: Messages<HelloRequest>) -> Result<HelloReply> {
    let mut names: Option<String> = None;
    while let Some(request) = requests.message().await? {
        names = Some(match names {
            None => request.name,
            Some(names) => names + ", " + &request.name,
        });
        if names.as_ref().is_some_and(|names| names.len() > MESSAGE_MAX) {
            return Err(Error::new(413, "these are too many names"));
        }
    }
    Ok(HelloReply { message: names.unwrap_or_default() })
}

async fn echo<S>(mut socket: Socket<S>) -> Result {
    while let Some(message) = socket.next().await {
        socket.send(message?).await?;
    }
    Ok(())
}

/// Writes the body to a file piece by piece, and says its length.
async fn store(ex: Exchange<Contract>) -> Result<String> {
    let (mut file, mut body, mut length) = (unnamed_file()?, ex.body(), 0);
    while let Some(piece) = poll_fn(|cx| Pin::new(&mut body).poll_next(cx)).await {
        let piece = piece?;
        length += piece.len();
        file = spawn_blocking(move || file.write_all(&piece).map(|()| file)).await??;
    }
    Ok(length.to_string())
}

/// A file that ends with its handle.
fn unnamed_file() -> io::Result<File> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("contract-{}-{number}", std::process::id()));
    let file = File::create_new(&path)?;
    std::fs::remove_file(path)?;
    Ok(file)
}

fn order(order: Order) -> Result<impl IntoReply> {
    if order.quantity <= 0 {
        return Err(
            Error::unprocessable("the quantity has to be more than 0").with_member("field", "quantity")
        );
    }
    Ok((201, [("location", format!("/orders/{}", order.item))], Json(order)))
}

/// Ticks from 0, or from where the client lost its connection, to `n`. Without a pause all of them are ready at once.
async fn ticks<S>(ex: Exchange<S>) -> Result<Sse> {
    let Ticks { n, ms } = ex.query()?;
    let seen = ex.last_event_id().and_then(|id| id.parse::<u64>().ok());
    Ok(Sse::new(async_stream::stream! {
        for i in seen.map_or(0, |seen| seen.saturating_add(1))..n {
            if ms > 0 {
                tokio::time::sleep(Duration::from_millis(ms)).await;
            }
            yield SseEvent::data(format!("tick {i}")).with_id(i);
        }
    }))
}

/// Pieces of 64 KiB, none of them held back.
fn zeros(mut left: usize) -> impl Stream<Item = Result<Bytes>> {
    static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];
    async_stream::stream! {
        while left > 0 {
            let piece = left.min(ZEROS.len());
            left -= piece;
            yield Ok(Bytes::from_static(&ZEROS[..piece]));
        }
    }
}

/// What the platform says about the call. No credential is among it.
fn context(ex: &Exchange<Contract>) -> impl IntoReply {
    let invocation = ex.invocation();
    let deadline = ex.deadline().map(|at| SystemTime::now() + at.saturating_duration_since(Instant::now()));
    Json(serde_json::json!({
        "request_id": invocation.request_id(),
        "function": invocation.function_name(),
        "region": invocation.region(),
        "account": invocation.account_id(),
        "version": invocation.version_id(),
        "client_address": ex.client_addr(),
        "deadline_ms": deadline.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).map(|since| since.as_millis()),
    }))
}
