//! What every twin has to answer, or comparing them says nothing. The tests' clients check the framing.

use testkit::h1::Conn;
use testkit::{Answer, Ask, h2, ws};

use crate::Outcome;
use crate::frames::{begin, events as request, publish, upgrade};
use crate::grpc::hello;

pub(crate) fn sse(port: u16) -> Outcome {
    let fresh = events(port, &request("/sse?n=3&ms=1"));
    same("events", &fresh, &["0 tick 0", "1 tick 1", "2 tick 2"])?;
    let resumed = events(port, &request("/sse?n=3&ms=0").header("last-event-id", "0"));
    same("events after the first", &resumed, &["1 tick 1", "2 tick 2"])
}

pub(crate) fn feed(port: u16) -> Outcome {
    const EVENT: &str = "tea is sold out!";
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut conn = Conn::open(port);
        assert_stream(&begin(&mut conn, &request("/feed"), 200));
        clients.push(conn);
    }
    publish(&mut Conn::open(port), EVENT);
    for client in &mut clients {
        // A comment may open the stream.
        let mut text = String::new();
        let event = loop {
            text.push_str(&String::from_utf8(client.chunk().ok_or("the stream ended")?)?);
            if let Some((_, event)) = text.split_once("data: ").filter(|(_, event)| event.contains("\n\n")) {
                break event;
            }
        };
        same("the event", &event, &format!("{EVENT}\n\n").as_str())?;
    }
    Ok(())
}

pub(crate) fn ws(port: u16) -> Outcome {
    const TEXT: u8 = 0x81;
    const BINARY: u8 = 0x82;
    let (conn, head) = upgrade(port);
    head.assert_header("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    head.assert_header("sec-websocket-protocol", "echo");
    let mut client = ws::Client { conn };
    let large: Vec<u8> = (0..=u8::MAX).cycle().take(16 * 1024).collect();
    let huge: Vec<u8> = (0..=u8::MAX).cycle().take(70_000).collect();
    for (first, payload) in [(TEXT, "tea, 茶".as_bytes()), (BINARY, &large), (BINARY, &huge), (BINARY, b"")]
    {
        client.send(first, payload);
        expect(&mut client, first, payload)?;
    }
    // In two pieces, with a ping between them.
    client.send(0x01, b"frag");
    client.send(0x89, b"are you there?");
    expect(&mut client, 0x8a, b"are you there?")?;
    client.send(0x80, b"ments");
    expect(&mut client, TEXT, b"fragments")?;
    client.send(0x88, &1000_u16.to_be_bytes());
    expect(&mut client, 0x88, &1000_u16.to_be_bytes())
}

fn expect(client: &mut ws::Client, first: u8, payload: &[u8]) -> Outcome {
    let came = client.frame();
    if (came.0, &came.1[..]) == (first, payload) {
        return Ok(());
    }
    let begin = |payload: &[u8]| payload[..payload.len().min(20)].to_vec();
    Err(format!(
        "a frame {:#x} began {:?} instead of {first:#x}, {:?}",
        came.0,
        begin(&came.1),
        begin(payload)
    )
    .into())
}

/// All events of a stream that ends, each as its id and data.
fn events(port: u16, ask: &Ask) -> Vec<String> {
    let answer = Conn::open(port).ask(ask);
    assert_stream(answer.assert_status(200));
    let text = answer.text();
    // Comments may stand alone, or before an event.
    let has_data = |event: &&str| event.lines().any(|line| line.starts_with("data: "));
    let events = text.split_terminator("\n\n").filter(has_data);
    let field = |event: &str, name: &str| {
        event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned()
    };
    events.map(|event| format!("{} {}", field(event, "id: "), field(event, "data: "))).collect()
}

fn assert_stream(head: &Answer) {
    head.assert_header("content-type", "text/event-stream").assert_header("cache-control", "no-cache");
    head.assert_header("transfer-encoding", "chunked");
}

pub(crate) fn grpc(port: u16) -> Outcome {
    let one = call(port, "SayHello", &["tea"])?;
    same("SayHello", &one, &["Hello tea"])?;
    let several = call(port, "SayHellos", &["5"])?;
    same("SayHellos", &several.len(), &5)?;
    let all = call(port, "Collect", &["tea", "coffee"])?;
    same("Collect", &all, &["tea, coffee"])?;
    let chat = call(port, "Chat", &["tea", "coffee"])?;
    same("Chat", &chat, &["tea", "coffee"])
}

/// The messages of the replies; an error if the call did not end well.
fn call(port: u16, method: &str, names: &[&str]) -> Outcome<Vec<String>> {
    let messages: Vec<u8> = names.iter().flat_map(|name| hello(name)).collect();
    let ask = Ask::post(format!("/greeter.Greeter/{method}"), messages).in_chunks();
    let ask = ask.header("content-type", "application/grpc").header("te", "trailers");
    let answer = h2::Conn::open(port).ask(&ask);
    answer.assert_trailers("0");
    let mut replies = Vec::new();
    let mut rest = &answer.body[..];
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
