//! Messages that are too large, cut short, compressed or no messages.

use std::io::Write;

use super::{call, hello};
use crate::support::{Answer, Ask, Launch, Server, h2};

const METHODS: [&str; 2] = ["/greeter.Greeter/SayHello", "/greeter.Greeter/Collect"];

/// The same bytes to a method that reads one message and to one that reads several.
#[track_caller]
fn check(server: &Server, body: &[u8], headers: &[(&str, &str)], code: &str, message: &str) {
    for method in METHODS {
        let answer = ask(server, method, body, headers);
        answer.assert_trailers_only(code, message);
    }
}

#[track_caller]
fn ask(server: &Server, method: &str, body: &[u8], headers: &[(&str, &str)]) -> Answer {
    let ask = headers.iter().fold(call(method, body), |ask, (name, value)| ask.header(name, value));
    h2::Conn::open(server.port).ask(&ask)
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    coder.write_all(bytes).unwrap();
    coder.finish().unwrap()
}

pub fn frame(flag: u8, message: &[u8]) -> Vec<u8> {
    [&[flag], &u32::try_from(message.len()).unwrap().to_be_bytes()[..], message].concat()
}

/// A message of so many bytes: field 1, and a length of four bytes.
fn of_size(size: usize) -> Vec<u8> {
    let text = size - 5;
    let byte = |shift: usize, more: u8| u8::try_from(text >> shift & 0x7f).unwrap() | more;
    let mut message = vec![0x0a, byte(0, 0x80), byte(7, 0x80), byte(14, 0x80), byte(21, 0)];
    message.resize(size, b'x');
    message
}

#[test]
fn broken_frames() {
    let server = Server::contract();
    let broken = "a message cannot be read: failed to decode Protobuf message: invalid varint";
    check(&server, b"\x00\x00\x00\x00\x01\xff", &[], "13", broken);
    check(&server, b"\x02\x00\x00\x00\x00", &[], "13", "a message's flag is 2, which has no meaning");
    let unannounced = "a message is flagged as compressed, but no grpc-encoding was announced";
    check(&server, b"\x01\x00\x00\x00\x00", &[], "13", unannounced);
    for cut in [&b"\x00"[..], b"\x00\x00\x00\x00", b"\x00\x00\x00\x00\x02\x0a"] {
        assert_eq!(ask(&server, METHODS[0], cut, &[]).grpc_message(), "the message is cut short");
        let last = "the last message is cut short";
        assert_eq!(ask(&server, METHODS[1], cut, &[]).grpc_message(), last);
    }
    let none = ask(&server, METHODS[0], b"", &[]);
    none.assert_trailers_only("12", "this method takes one message, and none came");
    ask(&server, METHODS[1], b"", &[]).assert_trailers("0");
    let two = ask(&server, METHODS[0], &hello(&["a", "b"]), &[]);
    two.assert_trailers_only("12", "this method takes one message, and more came");
    // An empty message is one.
    assert_eq!(ask(&server, METHODS[0], b"\x00\x00\x00\x00\x00", &[]).assert_trailers("0").body.len(), 13);
}

#[test]
fn a_message_is_at_most_six_mebibytes() {
    const MOST: usize = 6 * 1024 * 1024;
    let server = Server::contract();
    // To a method that keeps none of it.
    let largest = ask(&Server::app("grpc"), "/it.It/Gather", &frame(0, &of_size(MOST)), &[]);
    assert_eq!(largest.assert_trailers("0").body, hello(&["gathered"]));
    let too_large = "a message is larger than 6291456 bytes";
    // Refused by its head alone.
    for (method, length) in
        METHODS.into_iter().flat_map(|method| [(method, 0x0060_0001_u32), (method, u32::MAX)])
    {
        let mut conn = h2::Conn::open(server.port);
        let stream = conn.send_head(&call(method, b""));
        conn.frame(0, 0, stream, &[&[0][..], &length.to_be_bytes()].concat());
        conn.answer(stream).assert_trailers_only("8", too_large);
    }
    // A small one that grows.
    let zeros = gzip(&of_size(MOST + 1));
    assert!(zeros.len() < 10_000);
    check(&server, &frame(1, &zeros), &[("grpc-encoding", "gzip")], "8", too_large);
}

/// The client keeps its stream open: what can no longer become one message is told at once, not at the deadline.
#[test]
fn what_cannot_become_a_message_is_told_before_the_stream_ends() {
    let server = Server::contract();
    let (meaningless, too_large) =
        ("a message's flag is 2, which has no meaning", "a message is larger than 6291456 bytes");
    let unannounced = "a message is flagged as compressed, but no grpc-encoding was announced";
    let more = "this method takes one message, and more came";
    let two = hello(&["a", "b"]);
    for (pieces, code, message) in [
        (&[&b"\x02\x00\x00\x00\x00"[..]][..], "13", meaningless),
        (&[b"\x02\x00", b"\x00\x00\x00"], "13", meaningless),
        (&[b"\x00\xff\xff\xff\xff"], "8", too_large),
        (&[b"\x01\x00\x00\x00\x09"], "13", unannounced),
        (&[&two], "12", more),
        (&[&two[..7], &two[7..]], "12", more),
        (&[&two[..9]], "12", more),
    ] {
        let mut conn = h2::Conn::open(server.port);
        let stream = conn.send_head(&call(METHODS[0], b"").header("grpc-timeout", "20S"));
        for piece in pieces {
            conn.frame(0, 0, stream, piece);
        }
        conn.answer(stream).assert_trailers_only(code, message);
        // The connection is as good as before.
        assert_eq!(conn.ask(&call(METHODS[0], &hello(&["a"]))).assert_trailers("0").body.len(), 14);
    }
}

/// A good message without the end of its stream waits for the end, or the deadline.
#[test]
fn a_good_message_waits_for_the_end_of_its_stream() {
    let server = Server::contract();
    let mut conn = h2::Conn::open(server.port);
    let stream = conn.send_head(&call(METHODS[0], b"").header("grpc-timeout", "20S"));
    for piece in [&b"\x00\x00"[..], b"\x00\x00\x03\x0a", b"\x01a"] {
        conn.frame(0, 0, stream, piece);
    }
    conn.frame(0, 1, stream, b"");
    assert_eq!(
        conn.answer(stream).assert_trailers("0").body,
        conn.ask(&call(METHODS[0], &hello(&["a"]))).body
    );
}

/// An instance of 2 MiB has room for half a MiB of one client's.
#[test]
fn a_message_counts_with_its_inflated_size() {
    let server = Launch::contract().var("FC_FUNCTION_MEMORY_SIZE", "2").start();
    let zeros = |length| frame(1, &gzip(&of_size(length)));
    for (refused, method) in (1..).zip(METHODS) {
        let answer = ask(&server, method, &zeros(1 << 20), &[("grpc-encoding", "gzip")]);
        answer.assert_header("grpc-status", "14").assert_header("grpc-accept-encoding", "identity,gzip");
        assert_eq!(server.counter("refused_for_memory"), refused);
        ask(&server, method, &zeros(400_000), &[("grpc-encoding", "gzip")]).assert_trailers("0");
    }
}

/// Messages that are small each: the example keeps no more of them than its reply may hold.
#[test]
fn a_client_that_sends_without_end_is_told_that_it_is_enough() {
    let server = Server::contract();
    // Field 1, and a length of three bytes: 64 KiB.
    let mut message = b"\x0a\x80\x80\x04".to_vec();
    message.resize(4 + 65_536, b'x');
    let messages = frame(0, &message);
    let sum = ask(&server, METHODS[1], &messages.repeat(90), &[]);
    assert_eq!(sum.assert_trailers("0").body.len(), 5 + 5 + 90 * 65_536 + 89 * 2);
    ask(&server, METHODS[1], &messages.repeat(97), &[]).assert_trailers_only("8", "these are too many names");
}

#[test]
fn gzip_is_understood_and_nothing_else() {
    let server = Server::contract();
    let packed = frame(1, &gzip(b"\x0a\x03tea"));
    for method in METHODS {
        ask(&server, method, &packed, &[("grpc-encoding", "gzip")]).assert_trailers("0");
        // Each message says for itself whether it is compressed.
        ask(&server, method, &hello(&["tea"]), &[("grpc-encoding", "gzip")]).assert_trailers("0");
        ask(&server, method, &hello(&["tea"]), &[("grpc-encoding", "identity")]).assert_trailers("0");
        let unknown = ask(&server, method, &packed, &[("grpc-encoding", "zstd")]);
        unknown.assert_trailers_only("12", "this grpc-encoding is not supported");
        unknown.assert_header("grpc-accept-encoding", "identity,gzip");
    }
    // Also within one call.
    let mixed = [packed, hello(&["salt"]), frame(1, &gzip(b"\x0a\x06pepper"))].concat();
    let all = ask(&server, METHODS[1], &mixed, &[("grpc-encoding", "gzip")]);
    assert_eq!(&all.assert_trailers("0").body[7..], b"tea, salt, pepper");
    let broken = frame(1, b"no gzip at all");
    let answer = ask(&server, METHODS[0], &broken, &[("grpc-encoding", "gzip")]);
    answer.assert_header("grpc-status", "13");
    assert!(answer.grpc_message().starts_with("a message cannot be inflated"));
}

/// RFC 1952: a file of gzip is one member or several, and nothing behind them.
#[test]
fn gzip_is_read_to_its_last_byte() {
    let server = Server::contract();
    let gzipped = [("grpc-encoding", "gzip")];
    let whole = gzip(b"\x0a\x03tea");
    let members = [gzip(b"\x0a\x03"), gzip(b""), gzip(b"tea")].concat();
    for method in METHODS {
        let answer = ask(&server, method, &frame(1, &members), &gzipped);
        assert!(answer.assert_trailers("0").body.ends_with(b"tea"), "{method}: {answer:?}");
        let mut wrong_sum = whole.clone();
        wrong_sum[whole.len() - 8] ^= 1;
        for broken in [
            &[&whole[..], b"more"].concat()[..],
            &[&whole[..], b"\0"].concat(),
            &[&whole[..], &whole[..10]].concat(),
            &whole[..whole.len() - 1],
            &wrong_sum,
            b"",
        ] {
            let answer = ask(&server, method, &frame(1, broken), &gzipped);
            answer.assert_header("grpc-status", "13").assert_no_header("x-fc-status");
            assert!(
                answer.grpc_message().starts_with("a message cannot be inflated"),
                "{method}: {answer:?}"
            );
        }
    }
    // The limit is that of all members.
    let half = gzip(&vec![b'x'; 4 << 20]);
    let too_large = "a message is larger than 6291456 bytes";
    check(&server, &frame(1, &[&half[..], &half].concat()), &gzipped, "8", too_large);
}

/// A client that compresses hears which compressions are understood, however its call ends.
#[test]
fn a_client_that_compresses_hears_what_is_understood() {
    let server = Server::contract();
    for (body, status) in [(frame(1, &gzip(b"\x0a\x03tea")), None), (frame(1, b"none"), Some("13"))] {
        for method in ["SayHello", "SayHellos", "Collect", "Chat"] {
            let method = format!("/greeter.Greeter/{method}");
            let answer = ask(&server, &method, &body, &[("grpc-encoding", "gzip")]);
            answer.assert_header("grpc-accept-encoding", "identity,gzip");
            assert_eq!(answer.header("grpc-status").or(answer.trailer("grpc-status")), status.or(Some("0")));
        }
    }
    for headers in [&[][..], &[("grpc-encoding", "identity")]] {
        ask(&server, METHODS[0], &hello(&["tea"]), headers).assert_no_header("grpc-accept-encoding");
    }
}

#[test]
fn timeouts_have_a_form() {
    let server = Server::contract();
    for right in ["1H", "1M", "30S", "30000m", "30000000u", "99999999n"] {
        ask(&server, METHODS[0], &hello(&["tea"]), &[("grpc-timeout", right)]).assert_trailers("0");
    }
    let message = "grpc-timeout has to be at most 8 digits and a unit: H, M, S, m, u or n";
    for wrong in ["", "1", "S", "1s", "-1S", "123456789S", "1.5S"] {
        check(&server, &hello(&["tea"]), &[("grpc-timeout", wrong)], "13", message);
    }
}

/// What a client has broken is no failure of the function.
#[test]
fn a_clients_mistake_is_no_error_of_ours() {
    let server = Server::contract();
    let answer = ask(&server, METHODS[0], b"\x02\x00\x00\x00\x00", &[("x-fc-request-id", "grpc-mistake")]);
    answer.assert_no_header("x-fc-status");
    let record = &server.records("grpc-mistake", 1)[0];
    assert_eq!((&record["grpc"], &record["level"]), (&"INTERNAL".into(), &"INFO".into()));
    let unknown: Ask = call("/greeter.Greeter/SayHello", b"");
    h2::Conn::open(server.port).ask(&unknown).assert_no_header("x-fc-status");
}
