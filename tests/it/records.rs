//! When records are written: before the instance may be frozen, which is when its last reply has been read, and together.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use testkit::Folder;

use crate::support::server::{Launch, json_about};
use crate::support::{Ask, h1};

fn records(text: &str, id: &str) -> usize {
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    json_about(&lines, id).iter().filter(|line| line["status"].is_u64()).count()
}

/// One executor, so that what comes while a handler holds it comes at once.
fn on_one_processor() -> Launch {
    Launch::contract().by(&["taskset", "-c", "0"])
}

fn hold(ms: u32) -> Vec<u8> {
    h1::bytes(&Ask::get(format!("/block?ms={ms}")))
}

/// The instance may be frozen as soon as its last reply has been read.
#[test]
fn a_record_is_written_before_its_reply_is_complete() {
    let folder = Folder::new();
    let server = Launch::contract().into_file(&folder.file("out")).start();
    let mut conn = server.connect();
    let kinds = [
        Ask::get("/plaintext"),
        Ask::get("/large?bytes=200000"),
        Ask::get("/nothing"),
        Ask::get("/panic"),
        Ask::new("OPTIONS", "/plaintext"),
        Ask::new("HEAD", "/plaintext"),
        Ask::post("/invoke", "x"),
        Ask::post("/invoke", "fail"),
    ];
    for round in 0..10 {
        for (at, ask) in kinds.iter().enumerate() {
            let id = format!("round-{round}-{at}");
            conn.ask(&ask.clone().header("x-fc-request-id", &id));
            assert_eq!(records(&folder.text("out"), &id), 1, "{ask:?}");
        }
    }
}

/// They wake the executor together with a request, and bring none that the record could share a write with.
#[test]
fn a_record_does_not_wait_for_clients_that_leave() {
    let folder = Folder::new();
    let server = on_one_processor().into_file(&folder.file("out")).start();
    let (mut holder, mut asking) = (server.connect(), server.connect());
    for round in 0..10 {
        let mut leavers: Vec<_> = (0..100).map(|_| server.connect()).collect();
        for leaver in &mut leavers {
            leaver.ask(&Ask::get("/plaintext")).assert_status(200);
        }
        let id = format!("round-{round}");
        holder.send(&hold(30));
        asking.send(&h1::bytes(&Ask::get("/plaintext").header("x-fc-request-id", &id)));
        drop(leavers);
        asking.answer("GET").assert_status(200);
        // The one that held the thread is in flight until its client has been looked for.
        holder.answer("GET").assert_status(200);
        assert_eq!(records(&folder.text("out"), &id), 1, "round {round}");
    }
}

#[test]
fn requests_that_come_together_share_a_write() {
    let (ours, theirs) = UnixDatagram::pair().unwrap();
    let server = on_one_processor().into_datagrams(theirs).start();
    let mut holder = server.connect();
    let mut conns: Vec<_> = (0..32).map(|_| server.connect()).collect();
    for conn in &mut conns {
        conn.ask(&Ask::get("/plaintext")).assert_status(200);
    }
    holder.send(&hold(200));
    for conn in &mut conns {
        conn.send(&h1::bytes(&Ask::get("/plaintext").header("x-fc-request-id", "together")));
    }
    for conn in &mut conns {
        conn.answer("GET").assert_status(200);
    }
    ours.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let (mut written, mut writes) = (0, 0);
    let mut datagram = vec![0; 256 * 1024];
    while written < conns.len() {
        let length = ours.recv(&mut datagram).unwrap();
        let here = records(std::str::from_utf8(&datagram[..length]).unwrap(), "together");
        written += here;
        writes += usize::from(here > 0);
    }
    assert_eq!(written, conns.len());
    assert!(writes <= conns.len() / 2, "{writes} writes of {written} records");
}
