//! A process whose executor does not turn still ends when it is told to. One processor (`taskset`) is one thread, and
//! one handler that blocks it stops everything but the door.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::{Ask, Launch, h1};
use testkit::until;

/// Whether a request gets an answer soon. A blocked executor gives none for as long as it is blocked.
fn answers(port: u16) -> bool {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    stream.write_all(b"GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    stream.read(&mut [0; 64]).is_ok()
}

#[test]
#[ignore = "needs taskset: .ci/run runs it with --ignored"]
fn a_second_signal_ends_a_process_whose_executor_is_blocked() {
    let mut server = Launch::contract().by(&["taskset", "-c", "0"]).start();
    assert!(answers(server.port));
    let mut conn = server.connect();
    conn.send(&h1::bytes(&Ask::get("/block?ms=600000")));
    until("the executor to be blocked", || (!answers(server.port)).then_some(()));
    // The door still answers probes: the platform must not replace the instance before its heartbeat is overdue.
    server.ask(&Ask::get("/healthz")).assert_status(200);
    server.signal("TERM");
    server.until_closed();
    server.signal("TERM");
    let (status, lines) = server.ended();
    assert_eq!(status.code(), Some(1));
    assert!(lines.iter().any(|line| line.contains("the executor does not turn")), "{lines:?}");
    // The request that blocked it has its record, though nothing of it could run any more.
    assert!(
        lines.iter().any(|line| line.contains("/block") && line.contains("cut by shutdown")),
        "{lines:?}"
    );
}
