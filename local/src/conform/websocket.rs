//! WebSockets, where the program offers them.

use super::ask::Ask;
use super::bench::Bench;
use super::case::{Case, Need, Outcome, check, seen};
use super::sources::{HTTP_TRIGGERS, RFC_6455, WEBSOCKET};
use super::websocket_client::{BINARY, CLOSE, Frame, LAST, PING, PONG, Socket, TEXT};

const MIB: usize = 1024 * 1024;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "ws-handshake",
        route: "GET /conform/ws",
        title: "a WebSocket opens",
        need: Need::Must,
        source: WEBSOCKET,
        advice: "Answer 101 with Sec-WebSocket-Accept, on the port of all requests. Behind nginx pass Upgrade and Connection on.",
        run: |bench| Box::pin(opens(bench)),
    },
    Case {
        id: "ws-text",
        route: "GET /conform/ws",
        title: "a text comes back as a text",
        need: Need::Must,
        source: RFC_6455,
        advice: "Echo messages of the route in their kind.",
        run: |bench| Box::pin(text(bench)),
    },
    Case {
        id: "ws-binary",
        route: "GET /conform/ws",
        title: "binary messages of all sizes come back as they are",
        need: Need::Must,
        source: RFC_6455,
        advice: "Read lengths of 7, 16 and 64 bits.",
        run: |bench| Box::pin(binary(bench)),
    },
    Case {
        id: "ws-fragments",
        route: "GET /conform/ws",
        title: "a message in fragments with a ping between them is one message",
        need: Need::Must,
        source: RFC_6455,
        advice: "Join fragments, and answer control frames between them.",
        run: |bench| Box::pin(fragments(bench)),
    },
    Case {
        id: "ws-ping",
        route: "GET /conform/ws",
        title: "a ping is answered with its payload",
        need: Need::Must,
        source: RFC_6455,
        advice: "Answer pings: clients and balancers close sockets without pongs.",
        run: |bench| Box::pin(ping(bench)),
    },
    Case {
        id: "ws-6-mib",
        route: "GET /conform/ws",
        title: "a message of 6 MiB is taken",
        need: Need::Should,
        source: WEBSOCKET,
        advice: "Raise the limit for messages: the platform passes 6 MiB.",
        run: |bench| Box::pin(large(bench)),
    },
    Case {
        id: "ws-close",
        route: "GET /conform/ws",
        title: "a close is answered, and the connection ends",
        need: Need::Must,
        source: RFC_6455,
        advice: "Answer a close with a close of the same code, and close the connection: each socket occupies a place of the instance.",
        run: |bench| Box::pin(close(bench)),
    },
    Case {
        id: "ws-close-code",
        route: "GET /conform/ws",
        title: "a close of the program carries its code",
        need: Need::Should,
        source: RFC_6455,
        advice: "Send a close frame with the handler's code before the connection ends: without one the client sees 1006.",
        run: |bench| Box::pin(close_code(bench)),
    },
    Case {
        id: "ws-protocol-error",
        route: "GET /conform/ws",
        title: "a frame without a mask ends its socket alone",
        need: Need::Should,
        source: RFC_6455,
        advice: "Close a socket that breaks the protocol, with 1002 where possible.",
        run: |bench| Box::pin(protocol_error(bench)),
    },
    Case {
        id: "ws-departure",
        route: "GET /conform/ws",
        title: "the program survives sockets that break",
        need: Need::Must,
        source: WEBSOCKET,
        advice: "Take a broken connection for the end of its socket: the platform cuts sockets at the function's time-out without a close.",
        run: |bench| Box::pin(departure(bench)),
    },
    Case {
        id: "ws-plain-request",
        route: "GET /conform/ws",
        title: "a plain request to the route of sockets is refused",
        need: Need::Should,
        source: HTTP_TRIGGERS,
        advice: "Answer 400 or 426 to a GET without Upgrade.",
        run: |bench| Box::pin(plain_request(bench)),
    },
];

async fn opens(bench: &mut Bench) -> Outcome {
    let (_, reply) = Socket::shake_hands(bench).await?;
    check(reply.has_word("upgrade", "websocket") && reply.has_word("connection", "upgrade"), || {
        "Upgrade: websocket or Connection: upgrade is missing".to_owned()
    })
}

fn check_echo(echo: &Frame, opcode: u8, payload: &[u8]) -> Outcome {
    let sizes = (payload.len(), echo.payload.len());
    check(echo.opcode == opcode, || {
        format!("a message of kind {opcode} with {} bytes comes back as kind {}", sizes.0, echo.opcode)
    })?;
    check(echo.payload == payload, || format!("{} bytes come back as {} other ones", sizes.0, sizes.1))
}

async fn text(bench: &mut Bench) -> Outcome {
    let mut socket = Socket::open(bench).await?;
    for text in ["tea", "", "こんにちは"] {
        check_echo(&socket.echo(TEXT, text.as_bytes()).await?, TEXT, text.as_bytes())?;
    }
    Ok(())
}

async fn binary(bench: &mut Bench) -> Outcome {
    let mut socket = Socket::open(bench).await?;
    for size in [1, 125, 126, 65_535, 65_536, 300_000] {
        let payload: Vec<u8> = (0..=255).cycle().take(size).collect();
        check_echo(&socket.echo(BINARY, &payload).await?, BINARY, &payload)?;
    }
    Ok(())
}

async fn fragments(bench: &mut Bench) -> Outcome {
    let mut socket = Socket::open(bench).await?;
    socket.send(TEXT, b"in ").await?;
    socket.send(LAST | PING, b"between").await?;
    socket.send(0, b"three ").await?;
    socket.send(LAST, b"parts").await?;
    let mut pongs = 0;
    loop {
        let frame = socket.next().await?;
        if frame.opcode == PONG {
            pongs += 1;
            continue;
        }
        check_echo(&frame, TEXT, b"in three parts")?;
        // The pong may come last only if the program answered late, which nobody can tell from none.
        return check(pongs == 1, || {
            "the ping between the fragments is not answered before the message".to_owned()
        });
    }
}

async fn ping(bench: &mut Bench) -> Outcome {
    let mut socket = Socket::open(bench).await?;
    socket.send(LAST | PING, b"are you there").await?;
    let frame = socket.next().await?;
    check_echo(&frame, PONG, b"are you there")
}

async fn large(bench: &mut Bench) -> Outcome {
    let mut socket = Socket::open(bench).await?;
    let payload = vec![b'x'; 6 * MIB];
    let echo = socket.echo(BINARY, &payload).await?;
    if echo.opcode == CLOSE {
        return seen(format!("the socket is closed with {:?}", echo.code()));
    }
    check_echo(&echo, BINARY, &payload)
}

async fn close(bench: &mut Bench) -> Outcome {
    let limit = bench.patience();
    let mut socket = Socket::open(bench).await?;
    socket.send(LAST | CLOSE, &1000_u16.to_be_bytes()).await?;
    let frame = socket.next().await?;
    check(frame.opcode == CLOSE, || format!("a frame of kind {} follows the close", frame.opcode))?;
    check(frame.code().is_none_or(|code| code == 1000), || {
        format!("1000 is answered with {:?}", frame.code())
    })?;
    check(socket.is_closed(limit).await, || "the connection stays open behind both closes".to_owned())
}

async fn close_code(bench: &mut Bench) -> Outcome {
    let mut socket = Socket::open(bench).await?;
    let frame = socket.echo(TEXT, b"close 4001").await?;
    check((frame.opcode, frame.code()) == (CLOSE, Some(4001)), || {
        format!("the text `close 4001` brings a frame of kind {} with code {:?}", frame.opcode, frame.code())
    })
}

async fn protocol_error(bench: &mut Bench) -> Outcome {
    let limit = bench.patience();
    let mut socket = Socket::open(bench).await?;
    socket.send_raw(b"\x81\x03tea").await?;
    let code = match socket.next().await {
        Ok(frame) if frame.opcode == CLOSE => frame.code(),
        Ok(frame) => return seen(format!("a frame of kind {} answers it", frame.opcode)),
        // Ended without a close.
        Err(_) => None,
    };
    check(code.is_none_or(|code| code == 1002), || format!("the socket is closed with {code:?}, not 1002"))?;
    // Some wait for the client's close before they close the connection.
    _ = socket.send(LAST | CLOSE, &1002_u16.to_be_bytes()).await;
    check(socket.is_closed(limit).await, || "the connection stays open".to_owned())?;
    bench.check_alive("a frame without a mask").await
}

async fn departure(bench: &mut Bench) -> Outcome {
    let parts = [&b""[..], b"\x81\xfe\x00", b"\x02\x83maskte"];
    let mut sockets = Vec::new();
    // All are open before the first one breaks: a program that ends of it would open no more.
    for _ in parts {
        sockets.push(Socket::open(bench).await?);
    }
    for (mut socket, part) in sockets.into_iter().zip(parts) {
        socket.send_raw(part).await?;
        if part.is_empty() {
            socket.reset();
        }
        // Dropped otherwise: a reset might come before the part of a frame.
    }
    bench.check_outlives("sockets that broke").await
}

async fn plain_request(bench: &mut Bench) -> Outcome {
    Socket::open(bench).await?;
    let program = bench.program().await?;
    let reply = program.connect().await?.ask(&Ask::get(program, "/conform/ws")).await?;
    check((400..500).contains(&reply.status), || format!("it is answered with {}", reply.status))
}
