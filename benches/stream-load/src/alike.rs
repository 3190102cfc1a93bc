//! What every twin has to answer, or comparing them says nothing.

use std::io::{Read, Write};
use std::net::TcpStream;

use bytes::Bytes;
use http::{HeaderMap, Request};

use crate::Outcome;
use crate::frames::{connect, find, get, head, masked, plain, upgrade};
use crate::grpc::hello;

pub(crate) fn sse(port: u16) -> Outcome {
    let fresh = events(port, "/sse?n=3&ms=1", "")?;
    same("events", &fresh, &["0 tick 0", "1 tick 1", "2 tick 2"])?;
    let resumed = events(port, "/sse?n=3&ms=0", "last-event-id: 0\r\n")?;
    same("events after the first", &resumed, &["1 tick 1", "2 tick 2"])
}

pub(crate) fn feed(port: u16) -> Outcome {
    const EVENT: &str = "tea is sold out!";
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(stream_of_events(port, "/feed", "")?.0);
    }
    let mut publisher = connect(port)?;
    write!(
        publisher,
        "POST /publish HTTP/1.1\r\nhost: localhost:9000\r\ncontent-type: text/plain\r\n\
         content-length: {}\r\n\r\n{EVENT}",
        EVENT.len()
    )?;
    let (answer, _) = head(&mut publisher)?;
    same("publish", &answer.starts_with("HTTP/1.1 2"), &true)?;
    for client in &mut clients {
        let mut wire = Vec::new();
        while find(&wire, b"\n\n").is_none() {
            wire.push(0);
            let last = wire.len() - 1;
            client.read_exact(&mut wire[last..])?;
        }
        let wire = std::str::from_utf8(&wire)?;
        // A comment may open the stream.
        let event = wire.find("data: ").map(|at| &wire[at..]).ok_or("no event")?;
        same("the event", &event, &format!("data: {EVENT}\n\n").as_str())?;
    }
    Ok(())
}

pub(crate) fn ws(port: u16) -> Outcome {
    const TEXT: u8 = 0x81;
    const BINARY: u8 = 0x82;
    let (mut stream, head) = upgrade(port)?;
    let head = head.to_ascii_lowercase();
    for line in ["sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n", "sec-websocket-protocol: echo\r\n"]
    {
        if !head.contains(line) {
            return Err(format!("the upgrade has no {line:?}: {head}").into());
        }
    }
    let large: Vec<u8> = (0..=u8::MAX).cycle().take(16 * 1024).collect();
    let huge: Vec<u8> = (0..=u8::MAX).cycle().take(70_000).collect();
    for (first, payload) in [(TEXT, "tea, 茶".as_bytes()), (BINARY, &large), (BINARY, &huge), (BINARY, b"")]
    {
        stream.write_all(&masked(first, payload))?;
        expect(&mut stream, &plain(first, payload))?;
    }
    // In two pieces, with a ping between them.
    stream.write_all(&masked(0x01, b"frag"))?;
    stream.write_all(&masked(0x89, b"are you there?"))?;
    expect(&mut stream, &plain(0x8a, b"are you there?"))?;
    stream.write_all(&masked(0x80, b"ments"))?;
    expect(&mut stream, &plain(TEXT, b"fragments"))?;
    stream.write_all(&masked(0x88, &1000_u16.to_be_bytes()))?;
    expect(&mut stream, &plain(0x88, &1000_u16.to_be_bytes()))
}

fn expect(stream: &mut TcpStream, frame: &[u8]) -> Outcome {
    let mut came = vec![0; frame.len()];
    stream.read_exact(&mut came)?;
    if came == frame {
        return Ok(());
    }
    let start = frame.len().min(20);
    Err(format!("a frame began {:?} instead of {:?}", &came[..start], &frame[..start]).into())
}

/// All events of a stream that ends, each as its id and data.
fn events(port: u16, path: &str, more: &str) -> Outcome<Vec<String>> {
    let (mut stream, mut wire) = stream_of_events(port, path, more)?;
    let mut piece = [0; 4096];
    while !wire.ends_with(b"\r\n0\r\n\r\n") {
        match stream.read(&mut piece)? {
            0 => return Err("the stream was cut".into()),
            read => wire.extend_from_slice(&piece[..read]),
        }
    }
    // No event has a line end of a chunk in it.
    let text: String = std::str::from_utf8(&wire)?.split("\r\n").skip(1).step_by(2).collect();
    let events = text.split_terminator("\n\n").filter(|event| !event.starts_with(':'));
    let field = |event: &str, name: &str| {
        event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned()
    };
    Ok(events.map(|event| format!("{} {}", field(event, "id: "), field(event, "data: "))).collect())
}

fn stream_of_events(port: u16, path: &str, more: &str) -> Outcome<(TcpStream, Vec<u8>)> {
    let mut stream = connect(port)?;
    stream.write_all(&get(path, &format!("accept: text/event-stream\r\n{more}")))?;
    let (head, rest) = head(&mut stream)?;
    let head = head.to_ascii_lowercase();
    for line in [
        "http/1.1 200",
        "content-type: text/event-stream",
        "cache-control: no-cache",
        "transfer-encoding: chunked",
    ] {
        if !head.contains(line) {
            return Err(format!("{path}: the head has no {line:?}: {head}").into());
        }
    }
    Ok((stream, rest))
}

pub(crate) fn grpc(port: u16) -> Outcome {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let one = call(port, "SayHello", &["tea"]).await?;
        same("SayHello", &one, &["Hello tea"])?;
        let several = call(port, "SayHellos", &["5"]).await?;
        same("SayHellos", &several.len(), &5)?;
        let all = call(port, "Collect", &["tea", "coffee"]).await?;
        same("Collect", &all, &["tea, coffee"])?;
        let chat = call(port, "Chat", &["tea", "coffee"]).await?;
        same("Chat", &chat, &["tea", "coffee"])
    })
}

/// The messages of the replies; an error if the call did not end well.
async fn call(port: u16, method: &str, names: &[&str]) -> Outcome<Vec<String>> {
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
    let (mut client, connection) = h2::client::handshake(stream).await?;
    let driver = tokio::spawn(connection);
    let request = Request::post(format!("http://localhost:{port}/greeter.Greeter/{method}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())?;
    let (response, mut requests) = client.send_request(request, false)?;
    for name in names {
        requests.send_data(Bytes::from(hello(name)), false)?;
    }
    requests.send_data(Bytes::new(), true)?;
    let response = response.await?;
    let content_type = response.headers().get("content-type").cloned();
    same(
        "content type",
        &content_type.as_ref().map(http::HeaderValue::as_bytes),
        &Some(b"application/grpc"),
    )?;
    let mut wire = Vec::new();
    let mut body = response.into_body();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        wire.extend_from_slice(&data);
    }
    let trailers: HeaderMap = body.trailers().await?.ok_or("no trailers")?;
    let status = trailers.get("grpc-status").ok_or("no grpc-status")?;
    if status != "0" {
        return Err(format!("{method}: {trailers:?}").into());
    }
    drop(client);
    driver.abort();
    let mut replies = Vec::new();
    let mut rest = &wire[..];
    while let [0, 0, 0, 0, length, message @ ..] = rest {
        let (message, after) =
            message.split_at_checked(usize::from(*length)).ok_or("half a message at the end")?;
        let [0x0a, _, text @ ..] = message else { return Err(format!("{method}: {message:?}").into()) };
        replies.push(String::from_utf8(text.to_vec())?);
        rest = after;
    }
    Ok(replies)
}

fn same<A: PartialEq<B> + std::fmt::Debug, B: std::fmt::Debug>(what: &str, is: &A, expected: &B) -> Outcome {
    if is == expected {
        return Ok(());
    }
    Err(format!("{what}: {is:?} instead of {expected:?}").into())
}
