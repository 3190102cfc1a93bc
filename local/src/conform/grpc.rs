//! gRPC on one connection of HTTP/2, where the program offers it.

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use http::{HeaderMap, Method, Request};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::ask::Ask;
use super::bench::Bench;
use super::case::{Case, Finding, Need, Outcome, check, seen};
use super::sources::{GRPC, GRPC_WIRE, HOOKS};

pub(super) const CASES: &[Case] = &[
    Case {
        id: "grpc-unary",
        route: "gRPC conform.Echo",
        title: "a unary call comes back with status 0 in trailers",
        need: Need::Must,
        source: GRPC,
        advice: "Serve HTTP/2 without TLS by prior knowledge (h2c) on the port of the function, with the service conform.Echo.",
        run: |bench| Box::pin(unary(bench)),
    },
    Case {
        id: "grpc-stream",
        route: "gRPC conform.Echo",
        title: "messages of a stream come back while the client is still sending",
        need: Need::Must,
        source: GRPC,
        advice: "Answer each message of conform.Echo/Chat when it comes.",
        run: |bench| Box::pin(stream(bench)),
    },
    Case {
        id: "grpc-status",
        route: "gRPC conform.Echo",
        title: "a call that fails has a status that is not 0",
        need: Need::Must,
        source: GRPC_WIRE,
        advice: "Answer the message `fail` with an error: its grpc-status is what clients see.",
        run: |bench| Box::pin(status(bench)),
    },
    Case {
        id: "grpc-unknown-method",
        route: "gRPC conform.Echo",
        title: "a method that is not there has status 12",
        need: Need::Must,
        source: GRPC_WIRE,
        advice: "Answer unknown methods with 200 and grpc-status: 12 (UNIMPLEMENTED).",
        run: |bench| Box::pin(unknown(bench)),
    },
    Case {
        id: "grpc-one-connection",
        route: "gRPC conform.Echo",
        title: "one connection carries 100 calls at a time",
        need: Need::Must,
        source: GRPC,
        advice: "Raise the limit of concurrent streams: the platform has one connection to an instance, with instanceConcurrency streams.",
        run: |bench| Box::pin(one_connection(bench)),
    },
    Case {
        id: "grpc-cancel",
        route: "gRPC conform.Echo",
        title: "a call that its client resets leaves the connection in use",
        need: Need::Must,
        source: GRPC_WIRE,
        advice: "End the one stream: a GOAWAY fails all the others of the instance.",
        run: |bench| Box::pin(cancel(bench)),
    },
    Case {
        id: "grpc-beside-http1",
        route: "gRPC conform.Echo",
        title: "HTTP/1.1 is answered on the same port",
        need: Need::Must,
        source: HOOKS,
        advice: "Tell both apart by the first bytes of a connection: hooks, events and health checks come by HTTP/1.1.",
        run: |bench| Box::pin(beside_http1(bench)),
    },
];

/// A call in HTTP/2, by its path.
const SAY: &str = "/conform.Echo/Say";
const CHAT: &str = "/conform.Echo/Chat";

const UNIMPLEMENTED: &str = "12";

/// The largest reply to a call that is read, in bytes: it echoes a word.
const ANSWER_MAX: usize = 64 * 1024;

/// The one connection, if the program speaks HTTP/2.
async fn connect(bench: &mut Bench) -> Outcome<SendRequest<Bytes>> {
    let (limit, tasks) = (bench.patience(), bench.tasks().clone());
    let port = bench.program().await?.port;
    let absent = |why: &str| Finding::Absent(format!("the program has no h2c: {why}"));
    let connect = async {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok::<_, Finding>(Builder::new().enable_push(false).handshake::<_, Bytes>(stream).await)
    };
    let made = timeout(limit, connect).await.map_err(|_| absent("no settings come"))??;
    let (mut sender, connection) = made.map_err(|error| absent(&error.to_string()))?;
    let (ended, end) = tokio::sync::oneshot::channel();
    tasks.spawn(async move {
        // Nobody listens where the connection has lasted.
        _ = ended.send(connection.await.is_err());
    });
    // A first call shows whether it is HTTP/2 that is spoken.
    let (head, body) =
        sender.send_request(request(SAY)?, false).map_err(|error| absent(&error.to_string()))?;
    let mut body = body;
    body.send_data(message("tea"), true).map_err(|error| absent(&error.to_string()))?;
    let answered = async {
        tokio::select! {
            answer = head => answer.map_err(|error| absent(&error.to_string())),
            _ = end => Err(absent("the connection ends")),
        }
    };
    let answer = timeout(limit, answered).await.map_err(|_| absent("no answer"))??;
    let is_grpc = answer
        .headers()
        .get("content-type")
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
    // An unknown service may be answered by a web server as any page is.
    if !is_grpc || word(answer.headers(), "grpc-status").as_deref() == Some(UNIMPLEMENTED) {
        return Err(Finding::Absent(format!("the program has no gRPC service {SAY}")));
    }
    Ok(sender)
}

fn request(path: &str) -> Outcome<Request<()>> {
    let request = Request::builder().method(Method::POST).uri(format!("http://127.0.0.1{path}"));
    let request = request.header("content-type", "application/grpc").header("te", "trailers").body(());
    request.map_err(|error| Finding::Failed(error.to_string()))
}

/// A framed message with a text as its field 1.
fn message(text: &str) -> Bytes {
    let length = u8::try_from(text.len()).unwrap_or_default();
    let mut bytes = vec![0, 0, 0, 0, length + 2, 0x0a, length];
    bytes.extend_from_slice(text.as_bytes());
    bytes.into()
}

fn word(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// What came of a call: its messages, and its status, wherever it stood.
struct Answer {
    bytes: Vec<u8>,
    status: Option<String>,
    /// Whether the status stood in trailers.
    has_trailers: bool,
}

async fn call(bench: &Bench, sender: &mut SendRequest<Bytes>, path: &str, text: &str) -> Outcome<Answer> {
    let limit = bench.patience();
    match timeout(limit, try_call(sender, path, text)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => seen(format!("the call of {path} breaks: {error}")),
        Err(_) => seen(format!("{path} has no reply within {} s", limit.as_secs())),
    }
}

async fn try_call(
    sender: &mut SendRequest<Bytes>,
    path: &str,
    text: &str,
) -> Result<Outcome<Answer>, h2::Error> {
    let request = match request(path) {
        Ok(request) => request,
        Err(finding) => return Ok(Err(finding)),
    };
    *sender = sender.clone().ready().await?;
    let (head, mut body) = sender.send_request(request, false)?;
    body.send_data(message(text), true)?;
    let (head, mut body) = head.await?.into_parts();
    let mut bytes = Vec::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        bytes.extend_from_slice(&data);
        if bytes.len() > ANSWER_MAX {
            return Ok(seen(format!("the reply of {path} does not end within {} KiB", ANSWER_MAX >> 10)));
        }
    }
    let trailers = body.trailers().await?;
    let told = trailers.as_ref().and_then(|trailers| word(trailers, "grpc-status"));
    let has_trailers = told.is_some();
    Ok(Ok(Answer { bytes, status: told.or_else(|| word(&head.headers, "grpc-status")), has_trailers }))
}

async fn unary(bench: &mut Bench) -> Outcome {
    let mut sender = connect(bench).await?;
    let answer = call(bench, &mut sender, SAY, "tea").await?;
    check(answer.status.as_deref() == Some("0"), || format!("grpc-status is {:?}", answer.status))?;
    check(answer.has_trailers, || "grpc-status stands in the head, before the message".to_owned())?;
    check(answer.bytes == message("tea"), || format!("the message comes back as {:02x?}", answer.bytes))
}

async fn stream(bench: &mut Bench) -> Outcome {
    let mut sender = connect(bench).await?;
    let limit = bench.patience();
    let broken = |error: h2::Error| Finding::Failed(format!("the stream breaks: {error}"));
    let (head, mut body) = sender.send_request(request(CHAT)?, false).map_err(broken)?;
    let chat = async {
        body.send_data(message("one"), false).map_err(broken)?;
        let mut reply = head.await.map_err(broken)?.into_body();
        for text in ["one", "two", "three"] {
            if text != "one" {
                body.send_data(message(text), false).map_err(broken)?;
            }
            let mut bytes = Vec::new();
            while bytes.len() < message(text).len() {
                let Some(data) = reply.data().await else {
                    return seen(format!("the stream ends before `{text}`"));
                };
                bytes.extend_from_slice(&data.map_err(broken)?);
            }
            check(bytes == message(text), || format!("`{text}` comes back as {bytes:02x?}"))?;
        }
        body.send_data(Bytes::new(), true).map_err(broken)?;
        while let Some(data) = reply.data().await {
            check(data.map_err(broken)?.is_empty(), || "more messages come than were sent".to_owned())?;
        }
        let trailers = reply.trailers().await.map_err(broken)?.unwrap_or_default();
        let status = word(&trailers, "grpc-status");
        check(status.as_deref() == Some("0"), || format!("grpc-status is {status:?}"))
    };
    timeout(limit, chat)
        .await
        .unwrap_or_else(|_| seen("a message does not come back while the client is sending"))
}

async fn status(bench: &mut Bench) -> Outcome {
    let mut sender = connect(bench).await?;
    let answer = call(bench, &mut sender, SAY, "fail").await?;
    check(answer.status.as_deref().is_some_and(|status| status != "0"), || {
        format!("grpc-status is {:?}", answer.status)
    })
}

async fn unknown(bench: &mut Bench) -> Outcome {
    let mut sender = connect(bench).await?;
    let answer = call(bench, &mut sender, "/conform.Echo/NoSuchMethod", "tea").await?;
    check(answer.status.as_deref() == Some(UNIMPLEMENTED), || format!("grpc-status is {:?}", answer.status))
}

async fn one_connection(bench: &mut Bench) -> Outcome {
    const CALLS: usize = 100;
    let mut sender = connect(bench).await?;
    let limit = bench.patience();
    let broken = |error: h2::Error| Finding::Failed(format!("a stream breaks: {error}"));
    let all = async {
        let mut open = Vec::new();
        for _ in 0..CALLS {
            sender = sender.clone().ready().await.map_err(broken)?;
            let (head, mut body) = sender.send_request(request(CHAT)?, false).map_err(broken)?;
            body.send_data(message("tea"), false).map_err(broken)?;
            open.push((body, head.await.map_err(broken)?.into_body()));
        }
        for (_, reply) in &mut open {
            let data = reply.data().await.transpose().map_err(broken)?;
            check(data.is_some(), || "a stream ends without its message".to_owned())?;
        }
        Ok(())
    };
    timeout(limit, all).await.unwrap_or_else(|_| seen(format!("{CALLS} calls are not at work at a time")))
}

async fn cancel(bench: &mut Bench) -> Outcome {
    let mut sender = connect(bench).await?;
    let broken = |error: h2::Error| Finding::Failed(format!("a stream breaks: {error}"));
    for _ in 0..5 {
        let (head, mut body) = sender.send_request(request(CHAT)?, false).map_err(broken)?;
        body.send_data(message("tea"), false).map_err(broken)?;
        let reply = timeout(bench.patience(), head).await;
        drop(reply.map_err(|_| Finding::Failed(format!("{CHAT} has no reply")))?.map_err(broken)?);
        body.send_reset(h2::Reason::CANCEL);
    }
    let answer = call(bench, &mut sender, SAY, "tea").await?;
    check(answer.status.as_deref() == Some("0"), || format!("the next call has status {:?}", answer.status))
}

async fn beside_http1(bench: &mut Bench) -> Outcome {
    let _sender = connect(bench).await?;
    let program = bench.program().await?;
    program.connect().await?.ask(&Ask::get(program, "/")).await.map(drop)
}
