//! Replies that come in pieces.

use std::time::Duration;

use tokio::time::Instant;

use super::ask::Ask;
use super::bench::Bench;
use super::case::{Case, Need, Outcome, check, seen};
use super::h1::{Conn, Framing, Reply};
use super::sources::{KEEP_ALIVE, RFC_9112, STREAMS};

/// The pause between two pieces.
const PAUSE: Duration = Duration::from_millis(500);

pub(super) const CASES: &[Case] = &[
    Case {
        id: "stream-chunked",
        route: "GET /conform/stream",
        title: "a stream is Transfer-Encoding: chunked",
        need: Need::Must,
        source: STREAMS,
        advice: "Set no Content-Length on a stream, and answer in HTTP/1.1: the platform gathers every reply that is not chunked.",
        run: |bench| Box::pin(chunked(bench)),
    },
    Case {
        id: "stream-unbuffered",
        route: "GET /conform/stream",
        title: "each piece of a stream leaves when it is written",
        need: Need::Must,
        source: STREAMS,
        advice: "Flush after each piece, and switch buffers off: in nginx proxy_buffering off, in middleware that compresses flush or leave out streams.",
        run: |bench| Box::pin(unbuffered(bench)),
    },
    Case {
        id: "stream-head-first",
        route: "GET /conform/stream",
        title: "the head of a stream comes before its first piece",
        need: Need::Should,
        source: STREAMS,
        advice: "Send the head at once: clients take its arrival for the answer, and some give up without one.",
        run: |bench| Box::pin(head_first(bench)),
    },
    Case {
        id: "stream-sse",
        route: "GET /conform/sse",
        title: "events come one by one as text/event-stream in chunks",
        need: Need::Must,
        source: STREAMS,
        advice: "Content-Type: text/event-stream, no length, and a flush after each event.",
        run: |bench| Box::pin(sse(bench)),
    },
    Case {
        id: "stream-whole",
        route: "GET /conform/stream",
        title: "a fast stream of 5000 pieces arrives whole",
        need: Need::Must,
        source: RFC_9112,
        advice: "End the body with its last chunk, and wait for a client that reads slowly.",
        run: |bench| Box::pin(whole(bench)),
    },
    Case {
        id: "stream-keeps-connection",
        route: "GET /conform/stream",
        title: "a stream keeps its connection",
        need: Need::Must,
        source: KEEP_ALIVE,
        advice: "End a stream with its last chunk instead of the connection.",
        run: |bench| Box::pin(keeps_connection(bench)),
    },
];

const STREAM: &str = "GET /conform/stream";

/// The head of a stream, and the connection to read on.
pub(super) async fn begin(bench: &mut Bench, path: &'static str, query: &str) -> Outcome<(Conn, Reply)> {
    let program = bench.program().await?;
    let mut conn = program.connect().await?;
    conn.send(&Ask::get(program, format!("{path}?{query}")).bytes()).await?;
    let reply = conn.head("GET").await?.offered(&format!("GET {path}"))?.expect(200)?;
    Ok((conn, reply))
}

fn ticks(prefix: &str, count: usize, end: &str) -> String {
    (0..count).fold(String::new(), |text, at| text + &format!("{prefix}tick {at}{end}"))
}

async fn chunked(bench: &mut Bench) -> Outcome {
    let (mut conn, mut reply) = begin(bench, "/conform/stream", "n=3&ms=0").await?;
    check(reply.framing == Framing::Chunked, || {
        let way = if reply.framing == Framing::Close { "the end of its connection" } else { "a length" };
        format!("the stream ends by {way}")
    })?;
    check(reply.header("content-length").is_none(), || "there is a Content-Length beside".to_owned())?;
    let text = String::from_utf8_lossy(&conn.rest(&mut reply).await?).into_owned();
    check(text == ticks("", 3, "\n"), || format!("the body is {text:?}"))
}

/// The pieces come one by one: between the first and the last lies the time in which they are written.
async fn check_pace(conn: &mut Conn, reply: &mut Reply, pieces: u32) -> Outcome<Vec<u8>> {
    let Some(mut body) = conn.piece(reply).await? else { return seen("the stream is empty") };
    let first = Instant::now();
    body.extend(conn.rest(reply).await?);
    let between = first.elapsed();
    let written = PAUSE * (pieces - 1);
    check(between * 2 > written, || {
        format!(
            "{} ms lie between the first piece and the last one, which are written {} ms apart",
            between.as_millis(),
            written.as_millis()
        )
    })?;
    Ok(body)
}

async fn unbuffered(bench: &mut Bench) -> Outcome {
    let (mut conn, mut reply) = begin(bench, "/conform/stream", "n=3&ms=500").await?;
    check_pace(&mut conn, &mut reply, 3).await.map(drop)
}

async fn head_first(bench: &mut Bench) -> Outcome {
    bench.get("/conform/stream?n=1&ms=0").await?.offered(STREAM)?;
    let begun = Instant::now();
    let (mut conn, mut reply) = begin(bench, "/conform/stream", "n=1&ms=0&first=1000").await?;
    let head_after = begun.elapsed();
    conn.rest(&mut reply).await?;
    check(begun.elapsed() > head_after + PAUSE, || {
        format!("the head comes after {} ms, with the first piece", head_after.as_millis())
    })
}

async fn sse(bench: &mut Bench) -> Outcome {
    let (mut conn, mut reply) = begin(bench, "/conform/sse", "n=2&ms=500").await?;
    let kind = reply.header("content-type").unwrap_or_default().to_owned();
    check(kind.starts_with("text/event-stream"), || format!("the content type is {kind:?}"))?;
    check(reply.framing == Framing::Chunked, || "the reply is not chunked".to_owned())?;
    let body = check_pace(&mut conn, &mut reply, 2).await?;
    let text = String::from_utf8_lossy(&body).into_owned();
    check(text == ticks("data: ", 2, "\n\n"), || format!("the events are {text:?}"))
}

async fn whole(bench: &mut Bench) -> Outcome {
    let (mut conn, mut reply) = begin(bench, "/conform/stream", "n=5000&ms=0").await?;
    let body = conn.rest(&mut reply).await?;
    check(body == ticks("", 5000, "\n").as_bytes(), || {
        format!("{} bytes arrive, not the {} that are written", body.len(), ticks("", 5000, "\n").len())
    })
}

async fn keeps_connection(bench: &mut Bench) -> Outcome {
    bench.check_kept()?;
    let (mut conn, mut reply) = begin(bench, "/conform/stream", "n=2&ms=0").await?;
    check(!reply.has_word("connection", "close"), || "the stream says Connection: close".to_owned())?;
    conn.rest(&mut reply).await?;
    let ask = Ask::get(bench.current()?, "/");
    match conn.ask(&ask).await {
        Ok(_) => Ok(()),
        Err(_) => seen("the next request on the connection is not answered"),
    }
}
