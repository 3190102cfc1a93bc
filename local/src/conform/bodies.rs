//! Bodies of requests: chunks, sizes, expectations.

use std::time::Duration;

use super::ask::Ask;
use super::bench::Bench;
use super::case::{Case, Finding, Need, Outcome, check, seen};
use super::sources::{HTTP_TRIGGERS, KEEP_ALIVE, QUOTAS, RFC_9110, RFC_9112};

const MIB: usize = 1024 * 1024;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "body-echo",
        route: "POST /conform/echo",
        title: "a body reaches the handler as it was sent",
        need: Need::Must,
        source: HTTP_TRIGGERS,
        advice: "Read the body as bytes: text decoders change it.",
        run: |bench| Box::pin(echo(bench)),
    },
    Case {
        id: "body-chunked",
        route: "POST /conform/echo",
        title: "a body in chunks is read",
        need: Need::Must,
        source: RFC_9112,
        advice: "Read Transfer-Encoding: chunked, which a client's body of unknown length has.",
        run: |bench| Box::pin(chunked(bench)),
    },
    Case {
        id: "body-chunked-trailers",
        route: "POST /conform/echo",
        title: "trailers and extensions of chunks do not disturb the next request",
        need: Need::Should,
        source: RFC_9112,
        advice: "Skip what stands behind the size of a chunk, and read the trailers up to their empty line.",
        run: |bench| Box::pin(trailers(bench)),
    },
    Case {
        id: "body-32-mib",
        route: "POST /conform/upload",
        title: "a body of 32 MiB is taken",
        need: Need::Should,
        source: QUOTAS,
        advice: "Raise the server's limit for bodies where uploads are expected: the platform passes 32 MiB.",
        run: |bench| Box::pin(large(bench)),
    },
    Case {
        id: "body-expect",
        route: "",
        title: "Expect: 100-continue is answered at once",
        need: Need::Should,
        source: RFC_9110,
        advice: "Answer 100, or the final status: curl and others wait with their body for it.",
        run: |bench| Box::pin(expect(bench)),
    },
    Case {
        id: "body-unread",
        route: "",
        title: "a body that nobody reads does not break the next request",
        need: Need::Must,
        source: KEEP_ALIVE,
        advice: "Read the rest of the body away, or announce the end with Connection: close: the platform sends the next call on the same connection.",
        run: |bench| Box::pin(unread(bench)),
    },
    Case {
        id: "body-lying-length",
        route: "",
        title: "a body that ends too early ends no more than its connection",
        need: Need::Must,
        source: RFC_9112,
        advice: "Take the end of the connection for a client that left, and go on serving the others.",
        run: |bench| Box::pin(lying_length(bench)),
    },
];

const ECHO: &str = "POST /conform/echo";

async fn echo(bench: &mut Bench) -> Outcome {
    let program = bench.program().await?;
    let body: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let ask = Ask::new(program, "POST", "/conform/echo").header("content-type", "image/png").body(&*body);
    let reply = program.connect().await?.ask(&ask).await?.offered(ECHO)?.expect(200)?;
    check(reply.body == body, || {
        format!("{} bytes are sent, and other {} bytes come back", body.len(), reply.body.len())
    })
}

async fn chunked(bench: &mut Bench) -> Outcome {
    let program = bench.program().await?;
    let mut conn = program.connect().await?;
    let ask = Ask::new(program, "POST", "/conform/echo").header("transfer-encoding", "chunked");
    let mut bytes = ask.bytes();
    bytes.extend(b"5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n");
    let reply = conn.exchange("POST", &bytes).await?.offered(ECHO)?.expect(200)?;
    check(reply.text() == "hello, world", || format!("the body comes back as {:?}", reply.text()))
}

async fn trailers(bench: &mut Bench) -> Outcome {
    bench.check_kept()?;
    let program = bench.program().await?;
    let mut conn = program.connect().await?;
    let ask = Ask::new(program, "POST", "/conform/echo").header("transfer-encoding", "chunked");
    let mut bytes = ask.bytes();
    bytes.extend(b"3;name=value\r\ntea\r\n0\r\nx-checksum: 1\r\n\r\n");
    let reply = conn.exchange("POST", &bytes).await?.offered(ECHO)?.expect(200)?;
    check(reply.text() == "tea", || format!("the body comes back as {:?}", reply.text()))?;
    if reply.has_word("connection", "close") {
        return Ok(());
    }
    match conn.ask(&Ask::get(program, "/")).await {
        Ok(next) => check(next.status != 400, || "the next request is answered with 400".to_owned()),
        Err(_) => seen("the next request on the connection is not answered"),
    }
}

async fn large(bench: &mut Bench) -> Outcome {
    let program = bench.program().await?;
    let ask = Ask::new(program, "POST", "/conform/upload").body(vec![b'x'; 32 * MIB]);
    let reply = program.connect().await?.ask(&ask).await?.offered("POST /conform/upload")?.expect(200)?;
    let expected = (32 * MIB).to_string();
    check(reply.text().trim() == expected, || {
        format!("it says that it got {:?} bytes, not {expected}", reply.text())
    })
}

async fn expect(bench: &mut Bench) -> Outcome {
    let program = bench.program().await?;
    let mut conn = program.connect().await?;
    let ask = Ask::new(program, "POST", "/conform/echo")
        .header("expect", "100-continue")
        .header("content-length", "3");
    conn.send(&ask.bytes()).await?;
    // A server without this route answers at once as well.
    if !conn.has_bytes(Duration::from_secs(1)).await {
        return seen("nothing for a second, while the client waits with its body");
    }
    conn.send(b"tea").await?;
    let reply = conn.reply("POST").await?;
    if reply.interim.is_empty() && reply.status < 400 {
        return check(reply.text() == "tea", || format!("the body comes back as {:?}", reply.text()));
    }
    Ok(())
}

async fn unread(bench: &mut Bench) -> Outcome {
    bench.check_kept()?;
    let program = bench.program().await?;
    let mut conn = program.connect().await?;
    let ask = Ask::new(program, "POST", "/conform/nobody/reads/this").body(vec![b'x'; 64 * 1024]);
    let reply = conn.ask(&ask).await?;
    if reply.has_word("connection", "close") || reply.minor == 0 {
        return Ok(());
    }
    match conn.ask(&Ask::get(program, "/")).await {
        Ok(next) => check(next.status != 400, || "the next request is answered with 400".to_owned()),
        Err(Finding::Failed(text)) => seen(format!(
            "the reply ({}) does not announce the end of the connection, and then {text}",
            reply.status
        )),
        Err(absent) => Err(absent),
    }
}

async fn lying_length(bench: &mut Bench) -> Outcome {
    let program = bench.program().await?;
    for _ in 0..3 {
        let mut conn = program.connect().await?;
        let ask = Ask::new(program, "POST", "/conform/echo").header("content-length", "1000");
        conn.send(&ask.bytes()).await?;
        conn.send(b"only this").await?;
        // Dropped: a reset might come before the bytes.
    }
    bench.check_outlives("uploads that broke off").await
}
