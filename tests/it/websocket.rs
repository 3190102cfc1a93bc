//! Messages: what a socket carries, and what it closes for.

use std::time::Duration;

use socket2::SockRef;

use crate::support::ws::{Client, handshake, masked};
use crate::support::{Ask, Server};

#[test]
fn the_frames_of_the_standard_are_echoed() {
    let server = Server::app("sockets");
    let mut client = Client::open(&server, "/echo");
    client.conn.send(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    assert_eq!(client.conn.bytes(7), b"\x81\x05Hello");
    // A fragmented message with a ping between its fragments.
    client.conn.send(b"\x01\x83\x37\xfa\x21\x3d\x7f\x9f\x4d");
    client.conn.send(b"\x89\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    assert_eq!(client.conn.bytes(7), b"\x8a\x05Hello", "the pong does not wait for the message");
    client.conn.send(b"\x80\x82\x37\xfa\x21\x3d\x5b\x95");
    assert_eq!(client.conn.bytes(7), b"\x81\x05Hello");
    client.close(1000);
}

#[test]
fn messages_of_all_sizes_are_echoed() {
    let server = Server::app("sockets");
    let mut client = Client::open(&server, "/echo");
    for length in [0, 1, 125, 126, 4095, 4096, 4097, 16 * 1024, 65_535, 65_536, 1 << 20, 0, 20_000, 5] {
        let payload: Vec<u8> = (0..length).map(|at: usize| at.to_le_bytes()[0]).collect();
        client.send(0x82, &payload);
        let (first, echoed) = client.frame();
        assert!(first == 0x82 && echoed == payload, "{length}: {first:x}, {} bytes", echoed.len());
    }
    client.close(1000);
}

/// A slow reader has the kernel take a message in pieces, and any piece may begin like a reply of HTTP.
#[test]
fn a_message_that_looks_like_http_is_a_message_from_any_byte_on() {
    let server = Server::app("sockets");
    let mut client = Client::open(&server, "/unpinged");
    SockRef::from(&*client.conn.stream()).set_recv_buffer_size(64 * 1024).unwrap();
    for round in 0..12 {
        let payload = [&vec![b' '; round], "HTTP/1.1 404".repeat(400_000).as_bytes()].concat();
        client.send(0x82, &payload);
        let (first, echoed) = client.frame();
        assert!(first == 0x82 && echoed == payload, "{round}: {first:x}, {} bytes", echoed.len());
    }
    client.close(1000);
}

#[test]
fn a_message_in_many_fragments_and_a_frame_in_many_pieces_are_whole_again() {
    let server = Server::app("sockets");
    let mut client = Client::open(&server, "/echo");
    let text = "é".repeat(3000);
    let mut pieces = text.as_bytes().chunks(7);
    client.send(0x01, pieces.next().unwrap());
    for piece in pieces {
        client.send(0x00, piece);
    }
    client.send(0x80, b"");
    client.assert_text(&text);
    for byte in masked(0x81, b"byte by byte") {
        client.conn.send(&[byte]);
    }
    client.assert_text("byte by byte");
    client.close(1001);
}

#[test]
fn a_batch_of_messages_is_answered_in_order() {
    let server = Server::app("sockets");
    let mut client = Client::open(&server, "/echo");
    let batch: Vec<u8> = (0..5000).flat_map(|at| masked(0x81, format!("message {at}").as_bytes())).collect();
    client.conn.send(&batch);
    for at in 0..5000 {
        client.assert_text(&format!("message {at}"));
    }
    client.close(1000);
}

#[test]
fn json_goes_both_ways() {
    let server = Server::app("sockets");
    let mut client = Client::open(&server, "/json");
    client.text("[1, 2, 3]");
    client.assert_text("6");
    client.send(0x82, b"[40, 2]");
    client.assert_text("42");
    client.text("[1,");
    let (_, said) = client.frame();
    assert!(String::from_utf8_lossy(&said).contains("line 1 column 3"), "{}", String::from_utf8_lossy(&said));
    client.text("[]");
    client.assert_text("0");
    client.close(1000);
}

#[test]
fn halves_work_in_tasks_of_their_own() {
    let server = Server::app("sockets");
    let mut client = Client::open(&server, "/split");
    client.text("four");
    client.assert_text("4 bytes");
    client.text("fourteen bytes");
    client.assert_text("14 bytes");
    client.text("end");
    assert_eq!(client.assert_closed(4001), "that was all");
}

/// What a client may not send, the code that it is told, and what the closure learns.
#[track_caller]
fn check_fault(server: &Server, target: &str, bytes: &[u8], code: u16) {
    let mut client = Client::ask(server, &handshake(target).header("x-fc-request-id", "fault"));
    client.conn.send(bytes);
    let reason = client.assert_closed(code);
    assert!(!reason.is_empty(), "{code} has a reason");
}

#[test]
fn what_breaks_the_protocol_is_told() {
    let server = Server::app("sockets");
    for (bytes, code) in [
        (b"\x81\x05Hello".to_vec(), 1002),
        (masked(0xc1, b"a reserved bit"), 1002),
        (masked(0x83, b"a reserved kind"), 1002),
        (masked(0x80, b"nothing to continue"), 1002),
        ([masked(0x01, b"a"), masked(0x81, b"b")].concat(), 1002),
        (masked(0x09, b"a ping in fragments"), 1002),
        (masked(0x89, &[b'x'; 126]), 1002),
        (masked(0x88, b"x"), 1002),
        (masked(0x81, b"\xff\xfe"), 1007),
        (masked(0x81, b"\xed\xa0\x80"), 1007),
        ([masked(0x01, b"\xc3"), masked(0x80, b"\x28")].concat(), 1007),
        (masked(0x88, b"\x03\xe8\xff"), 1007),
    ] {
        check_fault(&server, "/echo", &bytes, code);
    }
    // A code that nobody may send is answered as what it is.
    for code in [0_u16, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
        let mut client = Client::open(&server, "/echo");
        client.send(0x88, &code.to_be_bytes());
        assert_eq!(client.frame().1[..2], [0x03, 0xea], "{code} is answered with 1002");
    }
    let lines = { server }.stop();
    assert!(lines.iter().all(|line| line["level"] == "INFO"), "nobody is at fault here: {lines:?}");
}

#[test]
fn the_closure_learns_what_the_client_did_wrong() {
    let server = Server::app("sockets");
    let mut client = Client::open(&server, "/ended");
    client.text("fine");
    client.send(0x81, b"\xff");
    client.assert_closed(1007);
    for word in ["got fine", "fault 400", "ended 1007"] {
        server.until_seen(word);
    }
}

#[test]
fn too_large_a_message_is_refused_by_its_head() {
    let server = Server::app("sockets");
    // 6 MiB and one byte are announced; none of them has been sent.
    let mut client = Client::open(&server, "/echo");
    client.conn.send(b"\x82\xff\x00\x00\x00\x00\x00\x60\x00\x01mask");
    assert!(client.assert_closed(1009).contains("6291456"));
    check_fault(&server, "/small", &masked(0x81, b"123456789"), 1009);
    let fragments: Vec<u8> = [masked(0x01, b"12345"), masked(0x00, b"6789"), masked(0x80, b"")].concat();
    check_fault(&server, "/small", &fragments, 1009);
    let mut client = Client::open(&server, "/small");
    client.text("12345678");
    client.assert_text("12345678");
}

/// The client sends on for a while, and still reads why it was refused.
#[test]
fn a_refusal_reaches_a_client_that_is_still_sending() {
    let server = Server::app("sockets");
    let mut client = Client::open(&server, "/small");
    client.conn.send(b"\x82\xff\x00\x00\x00\x00\x00\x80\x00\x00mask");
    for _ in 0..64 {
        client.conn.send(&vec![0; 64 * 1024]);
    }
    client.assert_closed(1009);
}

#[test]
fn silence_is_pinged_and_a_client_that_answers_stays() {
    let server = Server::app("sockets");
    let mut client = Client::open(&server, "/pinged-with-patience");
    for _ in 0..3 {
        assert_eq!(client.frame(), (0x89, Vec::new()));
        client.send(0x8a, b"");
    }
    client.text("still here");
    server.until_seen("got still here");
    // A pong that nobody asked for is fine, and whatever comes is an answer.
    client.send(0x8a, b"unasked");
    assert_eq!(client.frame(), (0x89, Vec::new()));
    client.send(0x88, b"");
    assert_eq!(client.frame(), (0x88, Vec::new()));
    assert_eq!(client.conn.rest(), b"");
    server.until_seen("ended 1005");
}

/// More pings at once than answers are kept for: when the answers have been sent, reading goes on.
#[test]
fn a_flood_of_pings_is_answered_and_what_stands_behind_it_too() {
    let server = Server::app("sockets");
    let mut client = Client::open(&server, "/unpinged");
    let mut burst = masked(0x89, &[b'x'; 125]).repeat(2000);
    burst.extend_from_slice(&masked(0x81, b"tea"));
    client.conn.send(&burst);
    for _ in 0..2000 {
        assert_eq!(client.frame(), (0x8a, vec![b'x'; 125]));
    }
    client.assert_text("tea");
}

#[test]
fn a_client_that_does_not_answer_its_ping_has_left() {
    let server = Server::app("sockets");
    let mut client = Client::ask(&server, &handshake("/pinged").header("x-fc-request-id", "mute"));
    assert_eq!(client.frame(), (0x89, Vec::new()));
    assert_eq!(client.conn.rest(), b"");
    server.until_seen("ended 1006");
    let record = server.record("mute");
    assert_eq!((&record["status"], &record["phase"]), (&499.into(), &"replying".into()));
}

/// Kilobytes that the process holds.
#[track_caller]
fn memory(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn clients_that_never_read_cost_little_and_hold_nobody_up() {
    const STALLED: usize = 50;
    let server = Server::app("sockets");
    Client::open(&server, "/echo").close(1000);
    let before = memory(&server);
    let stalled: Vec<Client> = (0..STALLED).map(|_| Client::open(&server, "/flood")).collect();
    // Another kind: it sends and sends, and does not read what comes back.
    let mut talker = Client::open(&server, "/echo");
    talker.conn.send_until_full();
    let mut pinger = Client::open(&server, "/echo");
    let pings: Vec<u8> = (0..10_000).flat_map(|_| masked(0x89, &[b'x'; 125])).collect();
    pinger.conn.try_send_for(&pings, Duration::from_millis(200));
    let mut client = Client::open(&server, "/echo");
    for _ in 0..100 {
        client.text("tea");
        client.assert_text("tea");
    }
    server.ask(&Ask::get("/plaintext")).assert_status(200);
    let grown = memory(&server).saturating_sub(before);
    println!("{STALLED} stalled readers, one talker, one pinger: {grown} KiB");
    // Pieces of 256 KiB are sent for ever: one would be 12 MiB for all, and all that the kernel takes 200.
    assert!(grown < 20_000, "{grown} KiB more than before");
    drop(stalled);
    server.until_counter("cancelled", STALLED as u64);
}
