//! Real WebSocket clients: Python's, curl, and the same through nginx. Chromium is in `websocket_browser`.

use std::process::Command;

use crate::support::{Server, ws};
use crate::tools::python;
use testkit::Launch;
use testkit::proxy::{Config, Proxy};

/// Says `ok` at its end. Its arguments are the URL, and the largest message to try.
const CLIENT: &str = r#"
import asyncio, sys
import websockets

url, largest = sys.argv[1], int(sys.argv[2])

async def expect_close(socket, code, message):
    try:
        await socket.send(message)
        await socket.recv()
    except websockets.ConnectionClosed as closed:
        assert closed.rcvd is not None and closed.rcvd.code == code, closed
    else:
        raise AssertionError("a message in place of a close")

async def main():
    async with websockets.connect(url, subprotocols=["other", "echo"], max_size=None) as socket:
        assert socket.subprotocol == "echo"
        for message in ["", "tea", "é" * 1000, b"", b"\0\1", b"x" * 65_536, "y" * largest]:
            await socket.send(message)
            assert await socket.recv() == message, len(message)
        await socket.send(["in ", "three ", "fragments"])
        assert await socket.recv() == "in three fragments"
        await (await socket.ping(b"are you there?"))
        # A batch that is read only later.
        await asyncio.gather(*(socket.send(f"message {at}") for at in range(1000)))
        for at in range(1000):
            assert await socket.recv() == f"message {at}"
        await socket.close(4001, "bye")
        assert (socket.close_code, socket.close_reason) == (4001, "bye")
    # Without an offer, and without `permessage-deflate`, which it offers by default.
    socket = await websockets.connect(url, max_size=None)
    assert socket.subprotocol is None and socket.protocol.extensions == []
    await expect_close(socket, 1009, b"z" * (6 * 1024 * 1024 + 1))
    many = await asyncio.gather(*(websockets.connect(url) for _ in range(100)))
    await asyncio.gather(*(socket.send("all together") for socket in many))
    assert [await socket.recv() for socket in many] == ["all together"] * 100
    await asyncio.gather(*(socket.close() for socket in many))
    for origin, status in [("https://shop.example", None), ("https://evil.example", 403)]:
        try:
            socket = await websockets.connect(url, origin=origin)
            assert status is None, origin
            await socket.close()
        except websockets.InvalidStatus as refused:
            assert refused.response.status_code == status, refused
    print("ok")

asyncio.run(main())
"#;

/// Until the server goes, which it says.
const WAITING: &str = r#"
import sys
import websockets.sync.client as client
import websockets

socket = client.connect(sys.argv[1])
socket.send("here")
assert socket.recv() == "here"
print("connected", flush=True)
try:
    socket.recv()
except websockets.ConnectionClosed as closed:
    print(closed.rcvd.code, closed.rcvd.reason)
"#;

#[track_caller]
fn run_client(port: u16, largest: usize) {
    let url = format!("ws://127.0.0.1:{port}/ws");
    let output = python().args(["-c", CLIENT, &url, &largest.to_string()]).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "ok", "{errors}");
}

#[test]
#[ignore = "needs Python's websockets: .ci/run runs it with --ignored"]
fn the_client_of_python() {
    let mut server = Server::contract();
    run_client(server.port, 6 * 1024 * 1024);
    server.until_idle();
    assert_eq!(server.counter("cancelled"), 0, "all said goodbye");
    server.stop();
}

#[test]
#[ignore = "needs Python's websockets: .ci/run runs it with --ignored"]
fn a_client_of_python_is_told_of_a_drain() {
    let mut server = Server::contract();
    let url = format!("ws://127.0.0.1:{}/ws", server.port);
    let mut client = Launch::new(python().get_program()).args(["-c", WAITING, &url]).start();
    client.out().wait_for("connected");
    let lines = server.stop();
    let (status, said) = client.ended();
    assert_eq!(said, ["connected", "1001 going away"]);
    assert!(status.success());
    assert!(lines.iter().any(|line| line["status"] == 101), "{lines:?}");
}

/// As its documents say that an upgrade is passed on.
const UPGRADES: Config<'_> = Config {
    http: "map $http_upgrade $connection_upgrade { default upgrade; '' close; }",
    listen: "",
    location: "proxy_pass http://function;\nproxy_http_version 1.1;\n\
               proxy_set_header Upgrade $http_upgrade;\nproxy_set_header Connection $connection_upgrade;\n\
               proxy_set_header Host $http_host;\nproxy_read_timeout 15s;",
};

#[test]
#[ignore = "needs Python's websockets and nginx: .ci/run runs it with --ignored"]
fn a_client_behind_nginx() {
    let server = Server::contract();
    let proxy = Proxy::start(server.port, &UPGRADES);
    run_client(proxy.port, 6 * 1024 * 1024);
    server.until_idle();
}

#[track_caller]
fn curl(port: u16, arguments: &[&str]) -> (String, String) {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--include", "--max-time", "30", "--no-buffer"]).args(arguments);
    let output = curl.arg(format!("http://127.0.0.1:{port}/ws")).output().expect("curl is installed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {text:?}"));
    (head.to_ascii_lowercase(), body.to_owned())
}

#[test]
#[ignore = "needs curl: .ci/run runs it with --ignored"]
fn bad_handshakes_by_curl() {
    let server = Server::contract();
    let whole: Vec<String> =
        ws::handshake("/ws").headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let without = |part: &str, instead: &'static str| -> Vec<String> {
        let kept = whole.iter().filter(|header| !header.starts_with(part)).cloned();
        kept.chain((!instead.is_empty()).then(|| instead.to_owned())).collect()
    };
    for (headers, status, reason) in [
        (Vec::new(), "426", "Upgrade: websocket"),
        (without("Upgrade", ""), "426", "Upgrade: websocket"),
        (without("Connection", ""), "400", "Connection: Upgrade"),
        (without("Sec-WebSocket-Version", "Sec-WebSocket-Version: 7"), "426", "version 13"),
        (without("Sec-WebSocket-Key", "Sec-WebSocket-Key: short"), "400", "16 bytes"),
        (without("nothing", "Origin: https://evil.example"), "403", "origin"),
    ] {
        let arguments: Vec<&str> = headers.iter().flat_map(|header| ["--header", header]).collect();
        let (head, body) = curl(server.port, &[&["--http1.1"], &arguments[..]].concat());
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{head}");
        assert!(head.contains("content-type: application/problem+json"), "{head}");
        let problem: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert!(problem["detail"].as_str().unwrap().contains(reason), "{problem}");
    }
    let (head, body) = curl(server.port, &["--http2-prior-knowledge"]);
    assert!(head.starts_with("http/2 400") && body.contains("HTTP/1.1"), "{head} {body}");
}
