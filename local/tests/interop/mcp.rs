//! A server of the Model Context Protocol, by its npm package.

use serde_json::{Value, json};
use testkit::events::kind;
use testkit::h1::{Conn, request};
use testkit::process::{below, free_port, is_running};
use testkit::{Folder, eventually};

use super::published::{installed, published};
use crate::harness::{Local, write_manifest};

/// A size that no buffer holds on its way: 5 MiB, and more than the server takes.
const LARGE: usize = 5 * 1024 * 1024;

/// A text that the server takes.
const TEXT: usize = 1024 * 1024;

fn post(session: &str, message: &Value) -> Vec<u8> {
    let session = if session.is_empty() { String::new() } else { format!("mcp-session-id: {session}\r\n") };
    let headers =
        format!("content-type: application/json\r\naccept: application/json, text/event-stream\r\n{session}");
    request("POST", "/mcp", &headers, message.to_string().as_bytes())
}

fn initialize() -> Vec<u8> {
    let client = json!({"name": "test", "version": "1"});
    let params = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client});
    post("", &json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}))
}

/// A reply whose events have come to their end, and its session.
fn read(conn: &mut Conn) -> (String, String) {
    let reply = conn.answer("POST");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/event-stream")), "{reply:?}");
    (reply.header("mcp-session-id").unwrap_or_default().to_owned(), reply.text())
}

#[test]
#[ignore = "needs node, npm and pasta: .ci/run runs it with --ignored"]
fn server_everything() {
    let (port, packages) = (free_port(), installed("frameworks/node_modules"));
    let program = packages.join("@modelcontextprotocol/server-everything/dist/index.js");
    let folder = Folder::new();
    folder.write("code/settings.json", "{}");
    let command = json!(["node", program.to_str().unwrap(), "streamableHttp"]);
    let function = published("f", port, &command).concurrency(20).var("PORT", &port.to_string());
    let function = function
        .prop("sessionAffinity", "MCP_STREAMABLE")
        .prop("sessionAffinityConfig", json!({"sessionConcurrencyPerInstance": 20}).to_string());
    write_manifest(&folder, function);
    let mut local = Local::spawn(folder, &[]);
    local.wait_for_long(kind("instance_started").or(kind("instance_start_failed")));
    let f = local.function_port("f");

    // Sessions, all at once. Each goes on with the instance that has it.
    let mut all: Vec<Conn> = (0..50).map(|_| Conn::open(f)).collect();
    for conn in &mut all {
        conn.send(&initialize());
    }
    let sessions: Vec<String> = all.iter_mut().map(|conn| read(conn).0).collect();
    assert!(sessions.iter().all(|session| !session.is_empty()), "{sessions:?}");
    assert!(local.count(kind("instance_started")) > 1);
    let echo = |text: &str| {
        let params = json!({"name": "echo", "arguments": {"message": text}});
        json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params})
    };
    for (conn, session) in all.iter_mut().zip(&sessions) {
        conn.send(&post(session, &json!({"jsonrpc": "2.0", "method": "notifications/initialized"})));
        assert_eq!(conn.answer("POST").status, 202);
        conn.send(&post(session, &echo("hello")));
    }
    for conn in &mut all {
        assert!(read(conn).1.contains("hello"));
    }
    all[0].send(&post(&sessions[0], &echo(&"x".repeat(TEXT))));
    assert!(read(&mut all[0]).1.len() > TEXT);
    // More than the server takes: its refusal reaches the client.
    let mut large = Conn::open(f);
    drop(large.try_send(&post(&sessions[0], &echo(&"x".repeat(LARGE)))));
    assert!(large.try_answer("POST").is_some_and(|reply| (400..500).contains(&reply.status)));

    // A stream of the server's, whose client leaves.
    let mut stream = Conn::open(f);
    let headers = format!("accept: text/event-stream\r\nmcp-session-id: {}\r\n", sessions[1]);
    stream.send(&request("GET", "/mcp", &headers, b""));
    let head = stream.answer_head();
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")), "{head:?}");
    stream.reset();
    local.wait_for(kind("request").status(499).field("path", "/mcp"));

    // An edit is swapped in, and the sessions begin anew.
    local.folder.write("code/settings.json", "{\"a\": 1}");
    local.wait_for(kind("swapped"));
    let mut conn = Conn::open(f);
    conn.send(&initialize());
    assert!(!read(&mut conn).0.is_empty());
    assert_eq!(local.count(kind("request").status(429)), 0);
    let processes = below(local.pid());
    assert_eq!(local.interrupt(), Some(0));
    eventually("all processes end", || !processes.iter().any(|pid| is_running(*pid)));
}
