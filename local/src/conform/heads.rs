//! Heads of requests and replies: methods, sizes, names.

use std::time::Duration;

use tokio::time::sleep;

use super::ask::Ask;
use super::bench::Bench;
use super::case::{Case, Need, Outcome, check, seen};
use super::h1::{Framing, Reply};
use super::sources::{HEADERS, HTTP_TRIGGERS, INFERRED, RFC_9110, RFC_9112, STREAMS, WEB_FUNCTIONS};

const KIB: usize = 1024;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "http-version",
        route: "",
        title: "replies are HTTP/1.1",
        need: Need::Must,
        source: WEB_FUNCTIONS,
        advice: "Switch the server to HTTP/1.1: HTTP/1.0 has no chunks, so nothing is streamed, and no kept connections. In Python's http.server: protocol_version = 'HTTP/1.1'.",
        run: |bench| Box::pin(version(bench)),
    },
    Case {
        id: "http-framing",
        route: "",
        title: "the end of a body is known by a length or by chunks",
        need: Need::Must,
        source: STREAMS,
        advice: "Send Content-Length, or Transfer-Encoding: chunked. A body that ends with its connection costs the connection.",
        run: |bench| Box::pin(framing(bench)),
    },
    Case {
        id: "http-head",
        route: "",
        title: "a reply to HEAD has no body",
        need: Need::Must,
        source: RFC_9110,
        advice: "Send the head alone: bytes behind it are taken for the next reply.",
        run: |bench| Box::pin(head(bench)),
    },
    Case {
        id: "http-options",
        route: "",
        title: "OPTIONS is answered",
        need: Need::Must,
        source: HTTP_TRIGGERS,
        advice: "Answer OPTIONS with any status below 500 (501 is one too): preflights of browsers reach the program if the trigger lists the method.",
        run: |bench| Box::pin(options(bench)),
    },
    Case {
        id: "http-methods",
        route: "POST /conform/echo",
        title: "PUT, PATCH and DELETE reach their handler with their bodies",
        need: Need::Should,
        source: HTTP_TRIGGERS,
        advice: "Route all methods of the trigger: GET, POST, PUT, DELETE, HEAD, PATCH, OPTIONS.",
        run: |bench| Box::pin(methods(bench)),
    },
    Case {
        id: "http-split-head",
        route: "",
        title: "a head that comes in pieces is read",
        need: Need::Must,
        source: RFC_9112,
        advice: "Read until the empty line: a head need not come in one packet.",
        run: |bench| Box::pin(split_head(bench)),
    },
    Case {
        id: "http-pipelining",
        route: "GET /conform/status",
        title: "two requests in one packet are answered in their order",
        need: Need::Should,
        source: RFC_9112,
        advice: "Keep the bytes behind a request for the next one.",
        run: |bench| Box::pin(pipelining(bench)),
    },
    Case {
        id: "http-large-head",
        route: "",
        title: "a head of 12 KiB is taken",
        need: Need::Must,
        source: HTTP_TRIGGERS,
        advice: "Raise the server's limit for heads to 16 KiB or more: clients may send 8 KiB, and the platform adds its own headers, with a session token among them.",
        run: |bench| Box::pin(large_head(bench)),
    },
    Case {
        id: "http-many-headers",
        route: "",
        title: "a head with 150 headers is taken",
        need: Need::Should,
        source: HTTP_TRIGGERS,
        advice: "Raise the server's limit for the number of headers: the platform limits bytes alone.",
        run: |bench| Box::pin(many_headers(bench)),
    },
    Case {
        id: "http-long-target",
        route: "",
        title: "a path with a query of 4 KiB is taken",
        need: Need::Must,
        source: HTTP_TRIGGERS,
        advice: "Raise the server's limit for request lines: the platform passes 4 KiB (8 KiB in edition 2.0).",
        run: |bench| Box::pin(long_target(bench)),
    },
    Case {
        id: "http-host-address",
        route: "",
        title: "an address as Host is taken",
        need: Need::Must,
        source: WEB_FUNCTIONS,
        advice: "Do not check Host against a list of names, or add the addresses of instances: events and hooks name the instance's address (21.0.x.x).",
        run: |bench| Box::pin(host_address(bench)),
    },
    Case {
        id: "http-platform-headers",
        route: "GET /conform/headers",
        title: "handlers see the x-fc- headers of the platform",
        need: Need::Should,
        source: HEADERS,
        advice: "Give the headers to handlers as they came: the request id, the region and the credentials are there.",
        run: |bench| Box::pin(platform_headers(bench)),
    },
    Case {
        id: "http-reply-head",
        route: "",
        title: "the head of a reply has at most 8 KiB",
        need: Need::Must,
        source: HTTP_TRIGGERS,
        advice: "Send fewer or shorter headers: beyond 8 KiB the client gets 502 BadResponse.",
        run: |bench| Box::pin(reply_head(bench)),
    },
    Case {
        id: "http-reserved-headers",
        route: "",
        title: "replies set no reserved x-fc- headers",
        need: Need::Should,
        source: HTTP_TRIGGERS,
        advice: "Leave x-fc- names to the platform, which drops them. x-fc-status alone is the function's.",
        run: |bench| Box::pin(reserved_headers(bench)),
    },
    Case {
        id: "http-garbage",
        route: "",
        title: "bytes that are no request end no more than their connection",
        need: Need::Must,
        source: RFC_9112,
        advice: "Answer 400 or close the connection, and go on serving the others.",
        run: |bench| Box::pin(garbage(bench)),
    },
    Case {
        id: "http-half-head",
        route: "",
        title: "a client that sends half a head stops nobody else",
        need: Need::Must,
        source: INFERRED,
        advice: "Serve each connection on its own: a thread, a task or an event loop that never waits for one client.",
        run: |bench| Box::pin(half_head(bench)),
    },
];

async fn version(bench: &mut Bench) -> Outcome {
    let reply = bench.get("/").await?;
    check(reply.minor == 1, || format!("it answers HTTP/1.{}", reply.minor))
}

async fn framing(bench: &mut Bench) -> Outcome {
    // Pages of errors are made elsewhere than the others.
    for target in ["/", "/conform/status?code=400", "/conform/status?code=500"] {
        let reply = bench.get(target).await?;
        check(reply.framing != Framing::Close, || {
            format!("the reply to {target} ({}) has neither a length nor chunks", reply.status)
        })?;
    }
    Ok(())
}

async fn head(bench: &mut Bench) -> Outcome {
    let program = bench.program().await?;
    let mut conn = program.connect().await?;
    let reply = conn.ask(&Ask::new(program, "HEAD", "/")).await?;
    if reply.has_word("connection", "close") || reply.minor == 0 {
        let (more, _) = conn.watched(Duration::from_millis(200)).await;
        return check(more == 0, || format!("{more} bytes follow the head"));
    }
    match conn.ask(&Ask::get(program, "/")).await {
        Ok(_) => Ok(()),
        Err(_) => seen("what follows the head is no reply to the next request"),
    }
}

async fn options(bench: &mut Bench) -> Outcome {
    let program = bench.program().await?;
    let reply = program.connect().await?.ask(&Ask::new(program, "OPTIONS", "/")).await?;
    check(reply.status < 500 || reply.status == 501, || format!("it is answered with {}", reply.status))
}

async fn methods(bench: &mut Bench) -> Outcome {
    let program = bench.program().await?;
    let ask = Ask::new(program, "POST", "/conform/echo").body("POST");
    program.connect().await?.ask(&ask).await?.offered("POST /conform/echo")?;
    for method in ["PUT", "PATCH", "DELETE"] {
        let program = bench.program().await?;
        let ask = Ask::new(program, method, "/conform/echo").body(method);
        let reply = program.connect().await?.ask(&ask).await?;
        check(reply.status == 200, || format!("{method} is answered with {}", reply.status))?;
        let told = reply.header("x-conform-method").unwrap_or("nothing").to_owned();
        check(told == method, || format!("x-conform-method of a {method} is {told}"))?;
        check(reply.text() == method, || format!("the body of a {method} comes back as {:?}", reply.text()))?;
    }
    Ok(())
}

async fn split_head(bench: &mut Bench) -> Outcome {
    let program = bench.program().await?;
    let mut conn = program.connect().await?;
    let bytes = Ask::get(program, "/").bytes();
    for piece in bytes.chunks(bytes.len().div_ceil(6)) {
        conn.send(piece).await?;
        sleep(Duration::from_millis(20)).await;
    }
    let reply = conn.reply("GET").await?;
    check(reply.status != 400 && reply.status != 408, || format!("it is answered with {}", reply.status))
}

async fn pipelining(bench: &mut Bench) -> Outcome {
    bench.check_kept()?;
    let program = bench.program().await?;
    let mut conn = program.connect().await?;
    let ask = |code: u16| Ask::get(program, format!("/conform/status?code={code}"));
    conn.send(&[ask(201).bytes(), ask(202).bytes()].concat()).await?;
    let first = conn.reply("GET").await?.offered("GET /conform/status")?;
    let second = match conn.reply("GET").await {
        Ok(reply) => reply.status,
        Err(_) => return seen("the second request is not answered"),
    };
    check((first.status, second) == (201, 202), || {
        format!("201 and 202 are asked for, and {} and {second} are the answers", first.status)
    })
}

/// The status of a request that is like others but for its size.
fn check_taken(reply: &Reply) -> Outcome {
    check(!matches!(reply.status, 400 | 403 | 413 | 414 | 421 | 431 | 500..), || {
        format!("it is answered with {}", reply.status)
    })
}

async fn large_head(bench: &mut Bench) -> Outcome {
    let program = bench.program().await?;
    let mut ask = Ask::get(program, "/");
    for at in 0..8 {
        ask = ask.header(&format!("x-conform-{at}"), "v".repeat(KIB));
    }
    let ask = ask.header("x-conform-token", "t".repeat(3 * KIB));
    check_taken(&program.connect().await?.ask(&ask).await?)
}

async fn many_headers(bench: &mut Bench) -> Outcome {
    let program = bench.program().await?;
    let mut ask = Ask::get(program, "/");
    for at in 0..135 {
        ask = ask.header(&format!("x-conform-{at}"), "value");
    }
    check_taken(&program.connect().await?.ask(&ask).await?)
}

async fn long_target(bench: &mut Bench) -> Outcome {
    let program = bench.program().await?;
    let ask = Ask::get(program, format!("/?long={}", "q".repeat(4 * KIB - 8)));
    check_taken(&program.connect().await?.ask(&ask).await?)
}

async fn host_address(bench: &mut Bench) -> Outcome {
    let usual = bench.get("/").await?.status;
    let program = bench.program().await?;
    let reply = program.connect().await?.ask(&Ask::get(program, "/").host("21.0.3.7:9000")).await?;
    check(reply.status == usual, || {
        format!("it is answered with {}, and a request to 127.0.0.1 with {usual}", reply.status)
    })
}

async fn platform_headers(bench: &mut Bench) -> Outcome {
    let program = bench.program().await?;
    let ask = Ask::get(program, "/conform/headers");
    let reply = program.connect().await?.ask(&ask).await?.offered("GET /conform/headers")?.expect(200)?;
    let Ok(told) = serde_json::from_slice::<serde_json::Value>(&reply.body) else {
        return seen("the body is no JSON");
    };
    for (name, value) in [("x-fc-request-id", ask.id.as_str()), ("x-fc-region", super::ask::REGION)] {
        check(told[name] == value, || format!("{name} is {} to the handler, not {value}", told[name]))?;
    }
    Ok(())
}

async fn reply_head(bench: &mut Bench) -> Outcome {
    let reply = bench.get("/").await?;
    check(reply.head_bytes <= 8 * KIB, || format!("the head has {} bytes", reply.head_bytes))
}

async fn reserved_headers(bench: &mut Bench) -> Outcome {
    let reply = bench.get("/").await?;
    let reserved = |name: &&String| name.starts_with("x-fc-") && *name != "x-fc-status";
    match reply.headers.iter().map(|(name, _)| name).find(reserved) {
        Some(name) => seen(format!("the reply has {name}")),
        None => Ok(()),
    }
}

async fn garbage(bench: &mut Bench) -> Outcome {
    let program = bench.program().await?;
    for bytes in
        [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n"[..], b"GET\r\n\r\n", b"\0\0\0\0"]
    {
        let mut conn = program.connect().await?;
        conn.send(bytes).await?;
        conn.watched(Duration::from_millis(50)).await;
    }
    bench.check_outlives("bytes that are no request").await
}

async fn half_head(bench: &mut Bench) -> Outcome {
    let program = bench.program().await?;
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let mut conn = program.connect().await?;
        conn.send(b"GET / HTTP/1.1\r\nHost: half").await?;
        waiting.push(conn);
    }
    bench.check_alive("three connections with half a head").await
}
