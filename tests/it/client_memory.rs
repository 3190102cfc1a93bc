//! The memory that clients may make the process hold: what is beyond waits or is refused, and others are served.

use testkit::until;

use crate::support::greedy::{self, half_a_body};
use crate::support::{Ask, Launch, Server, h1, h2, ws};

const MIB: usize = 1024 * 1024;

/// An instance of 24 MiB: 8 MiB for all clients together, 6 MiB for one.
fn small() -> Server {
    Launch::contract().var("FC_FUNCTION_MEMORY_SIZE", "24").var("CONTRACT_RECORDS", "off").start()
}

fn order(length: usize) -> Ask {
    let mut body = b"{\"item\":\"tea\",\"quantity\":1}".to_vec();
    body.resize(length, b' ');
    Ask::post("/orders", body).header("content-type", "application/json")
}

fn resident_mib(server: &Server) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("a process");
    let size = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    size.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") / 1024
}

/// The server has come to rest: its memory grows no more.
fn settled_mib(server: &Server) -> usize {
    testkit::until_settled("the work to end", || server.cpu_ticks());
    resident_mib(server)
}

/// Streams wait, whatever the windows say. Those of a client that reads go on.
#[test]
fn streams_that_nobody_reads_wait() {
    for window in [0x7fff_ffff, 0] {
        let server = small();
        server.ask(&Ask::get("/plaintext")).assert_status(200);
        let before = resident_mib(&server);
        let hoards = [(); 3].map(|()| greedy::events(server.port, window));
        let after = settled_mib(&server);
        println!("window {window}: from {before} to {after} MiB");
        assert!(after < before + 24, "from {before} to {after} MiB");
        let mut conn = h2::Conn::open(server.port);
        let feed = conn.ask(&Ask::get("/sse?n=20000"));
        assert!(feed.assert_status(200).text().ends_with("data: tick 19999\nid: 19999\n\n"));
        drop(hoards);
        server.until_idle();
    }
}

/// A client that begins to read gets everything, also on the streams that waited.
#[test]
fn streams_that_waited_go_on() {
    let server = small();
    let mut conn = h2::Conn::open(server.port);
    let streams: Vec<_> = (0..100).map(|_| conn.send(&Ask::get("/sse?n=5000"))).collect();
    server.until_counter("in_flight", 101);
    settled_mib(&server);
    let ended = read_all(&mut conn, streams.len());
    assert_eq!(ended, streams.len());
    assert_eq!(server.counter("refused_for_memory"), 0, "streams are not refused");
    server.until_idle();
}

/// Reads until so many streams have ended, and opens the windows again.
fn read_all(conn: &mut h2::Conn, streams: usize) -> usize {
    let mut ended = 0;
    while ended < streams {
        let frame = conn.read();
        assert!(frame.kind != 3 && frame.kind != 7, "{frame:?}");
        let ends = matches!(frame.kind, 0 | 1) && frame.flags & 1 != 0;
        ended += usize::from(ends);
        if frame.kind == 0 && !frame.payload.is_empty() {
            let read = u32::try_from(frame.payload.len()).unwrap().to_be_bytes();
            conn.frame(8, 0, 0, &read);
            if !ends {
                conn.frame(8, 0, frame.stream, &read);
            }
        }
    }
    ended
}

/// What nobody reads stays with the client, in a small instance more of it.
#[test]
fn unread_bodies_wait_at_the_client() {
    for (memory, window) in [("24", 256 * 1024), ("4096", MIB)] {
        let server = Launch::contract().var("FC_FUNCTION_MEMORY_SIZE", memory).start();
        let mut conn = h2::Conn::open(server.port);
        let update =
            std::iter::from_fn(|| conn.try_read()).find(|frame| frame.kind == 8 && frame.stream == 0);
        let more = u32::from_be_bytes(update.unwrap().payload.try_into().unwrap());
        assert_eq!(more as usize, window - 65_535);
    }
}

#[test]
fn large_heads_are_refused() {
    let server = small();
    let large = greedy::large_head("/plaintext").header("x-more", &"x".repeat(1000));
    let hoards = [(); 2].map(|()| greedy::large_heads(server.port));
    until("the memory to be used up", || (server.ask(&large).status == 503).then_some(()));
    server.ask(&large).assert_header("retry-after", "1").assert_problem(503);
    assert!(server.counter("refused_for_memory") > 1);
    server.ask(&Ask::get("/plaintext")).assert_status(200);
    drop(hoards);
    server.until_idle();
    server.ask(&large).assert_status(200);
}

/// One connection may carry all calls of an instance. Others may have the streams that are left, and at least four each.
#[test]
fn streams_are_shared_among_connections() {
    let server = Launch::contract().var("FC_FUNCTION_MEMORY_SIZE", "128").start();
    let most = |conn: &mut h2::Conn| {
        let settings = std::iter::from_fn(|| conn.try_read()).find(|frame| frame.kind == 4).unwrap();
        let setting = settings.payload.chunks(6).find(|setting| setting[..2] == [0, 3]).unwrap();
        u32::from_be_bytes(setting[2..].try_into().unwrap())
    };
    let mut conns = Vec::new();
    let mut streams = Vec::new();
    // One after the other.
    for _ in 0..40 {
        let mut conn = h2::Conn::open(server.port);
        streams.push(most(&mut conn));
        conns.push(conn);
    }
    assert_eq!((streams[0], streams[39]), (256, 4), "{streams:?}");
    let last = &mut conns[39];
    for _ in 0..4 {
        last.send(&Ask::get("/slow?ms=600000"));
    }
    // One too many was not begun, and can be sent again.
    let refused = last.send(&Ask::get("/plaintext"));
    let reset = std::iter::from_fn(|| last.try_read()).find(|frame| frame.kind == 3).unwrap();
    assert_eq!((reset.stream, &reset.payload[..]), (refused, &[0, 0, 0, 7][..]));
    server.ask(&Ask::get("/plaintext")).assert_status(200);
    drop(conns);
    server.until_idle();
    assert_eq!(most(&mut h2::Conn::open(server.port)), 256, "the streams are free again");
}

/// 64 KiB of a body are free only where bodies are few.
#[test]
fn many_small_bodies_are_refused_too() {
    let server = small();
    let half = Ask::post("/orders", vec![b' '; 61_000]).header("content-type", "application/json");
    // 6 MiB for one connection are used up by 96 of them.
    let conn = greedy::parts(server.port, &half, &vec![b' '; 60_000], 100);
    until("a refusal", || (server.counter("refused_for_memory") > 0).then_some(()));
    server.ask(&order(1000)).assert_status(201);
    let mut other = h2::Conn::open(server.port);
    other.ask(&order(60_000)).assert_status(201);
    drop(conn);
    server.until_idle();
}

/// A body counts as its bytes come, and not by the length that its head announces.
#[test]
fn large_bodies_are_refused() {
    let server = small();
    let announced: Vec<_> = (0..20).map(|_| half_a_body(server.port, 2 * MIB, 1000)).collect();
    server.ask(&order(MIB)).assert_status(201);
    let hoards: Vec<_> = (0..4)
        .map(|_| {
            let hoard = half_a_body(server.port, 2 * MIB, 2 * MIB - 1);
            settled_mib(&server);
            hoard
        })
        .collect();
    let mut conn = server.connect();
    conn.ask(&order(MIB)).assert_header("retry-after", "1").assert_problem(503);
    // Its connection stays usable, and what is small is taken.
    conn.ask(&order(60_000)).assert_status(201);
    assert_eq!(server.counter("refused_for_memory"), 1);
    // A part of a message is enough.
    let mut grpc = h2::Conn::open(server.port);
    grpc.ask(&Ask::get("/plaintext")).assert_status(200);
    let ask = Ask { chunked: true, ..Ask::post("/greeter.Greeter/Collect", "") };
    let call = grpc.send_head(&ask.header("te", "trailers").header("content-type", "application/grpc"));
    grpc.frame(0, 0, call, &[0, 0, 0x20, 0, 0]);
    for _ in 0..12 {
        grpc.frame(0, 0, call, &[b'x'; 16_000]);
    }
    let refused = grpc.answer(call);
    assert_eq!(refused.header("grpc-status"), Some("14"), "{refused:?}");
    drop((hoards, announced));
    server.until_idle();
    conn.ask(&order(MIB)).assert_status(201);
}

/// One client has an echo of 6 MiB under way that it does not read. There is no room for a second.
#[test]
fn large_messages_are_refused() {
    let server = small();
    let large = vec![b'x'; 6 * MIB];
    let mut first = ws::Client::open(server.port, "/ws");
    first.send(0x82, &large);
    let mut second = ws::Client::open(server.port, "/ws");
    let _ = second.conn.try_send(&ws::masked(0x82, &large));
    assert_eq!(second.frame().1[..2], 1013_u16.to_be_bytes());
    drop(second);
    let mut third = ws::Client::open(server.port, "/ws");
    third.text("small");
    third.assert_text("small");
    assert_eq!(first.frame(), (0x82, large.clone()));
    server.until_counter("refused_for_memory", 1);
    until("the first message to be gone", || {
        let mut fourth = ws::Client::open(server.port, "/ws");
        let _ = fourth.conn.try_send(&ws::masked(0x82, &large));
        (fourth.frame() == (0x82, large.clone())).then_some(())
    });
}

/// A closure that is busy has no large message beside the one that it works on.
#[test]
fn a_large_message_is_read_when_the_closure_waits_for_it() {
    let server = Server::app("sockets");
    let mut first = ws::Client::open(&server, "/echo");
    first.send(0x82, &vec![b'x'; MIB]);
    assert_eq!(first.frame().1.len(), MIB);
    let before = resident_mib(&server);
    let mut idle = ws::Client::open(server.port, "/hang-up");
    server.until_seen("holding");
    idle.conn.try_send_for(&ws::masked(0x82, &vec![b'x'; 6 * MIB]), std::time::Duration::from_secs(1));
    let after = settled_mib(&server);
    assert!(after < before + 4, "from {before} to {after} MiB");
    // The watch sees that it leaves.
    idle.conn.reset();
    server.until_seen("told");
    // Halves in tasks of their own get large messages too.
    let mut split = ws::Client::open(server.port, "/split");
    for _ in 0..3 {
        split.send(0x82, &vec![b'x'; MIB]);
        split.assert_text(&format!("{MIB} bytes"));
    }
    split.text("end");
    split.assert_closed(4001);
}

/// What the author sets holds.
#[test]
fn the_budget_is_a_setting() {
    let server = Launch::app("settings").var("IT_CLIENT_MEMORY", "100000").start();
    let read = |length: usize| server.ask(&Ask::post("/read", vec![b'x'; length]));
    read(60_000).assert_status(200);
    read(200_000).assert_problem(503);
    let mut conn = server.connect();
    conn.send(&h1::bytes(&Ask::post("/read", vec![b'x'; 64 * 1024])));
    conn.answer("POST").assert_status(200);
}

/// The least budget lets one piece through after the other.
#[test]
fn a_stream_goes_on_without_a_budget() {
    let server = Launch::app("settings").var("IT_CLIENT_MEMORY", "0").start();
    let mut conn = h2::Conn::open(server.port);
    let body = vec![b'x'; 60_000];
    assert_eq!(conn.ask(&Ask::post("/echo", body.clone())).assert_status(200).body, body);
}

/// Whole replies of one client that does not read use the memory up, whether or not they have begun.
#[test]
fn whole_replies_that_nobody_reads_count() {
    let server = Launch::app("settings").var("IT_CLIENT_MEMORY", "4000000").start();
    let read = || server.ask(&Ask::post("/read", vec![b'x'; 200_000]));
    let mut hoard = greedy::windows(server.port, 0);
    for _ in 0..4 {
        hoard.send(&Ask::get("/whole"));
    }
    until("the memory to be used up", || (read().status == 503).then_some(()));
    drop(hoard);
    server.until_idle();
    read().assert_status(200);
}
