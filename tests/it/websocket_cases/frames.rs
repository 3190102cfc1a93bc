//! Sections 1 to 4: payloads, pings, reserved bits, reserved kinds of frames.

use super::{BINARY, End, Frame, PING, PONG, TEXT, check, check_in_turn};
use crate::support::Server;

const HELLO: Frame<'static> = (TEXT, b"Hello, world!");

#[test]
fn payloads_of_every_form_of_length() {
    let server = Server::contract();
    for (section, kind, byte) in [("1.1", TEXT, b'*'), ("1.2", BINARY, 0xfe)] {
        // The last case of each section is sent in pieces, as all of them are here.
        for (at, length) in [0, 125, 126, 127, 128, 65_535, 65_536].into_iter().enumerate() {
            let payload = vec![byte; length];
            let frame = [(kind, payload.as_slice())];
            if length < 1000 {
                check(&server, &format!("{section}.{}", at + 1), &frame, &frame, End::Open);
            } else {
                check_in_turn(&server, &format!("{section}.{}", at + 1), &[(&frame, &frame)], End::Open);
            }
        }
    }
}

#[test]
fn pings_and_pongs() {
    let server = Server::contract();
    let longest = [0xfe; 125];
    let binary = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff";
    check(&server, "2.1", &[(PING, b"")], &[(PONG, b"")], End::Open);
    check(&server, "2.2", &[(PING, b"Hello, world!")], &[(PONG, b"Hello, world!")], End::Open);
    check(&server, "2.3", &[(PING, binary)], &[(PONG, binary)], End::Open);
    check(&server, "2.4 and 2.6", &[(PING, &longest)], &[(PONG, &longest)], End::Open);
    check(&server, "2.5", &[(PING, &[0xfe; 126])], &[], End::Refused(1002));
    check(&server, "2.7", &[(PONG, b"")], &[], End::Open);
    check(&server, "2.8", &[(PONG, b"unsolicited")], &[], End::Open);
    check(&server, "2.9", &[(PONG, b"unsolicited"), (PING, b"ping")], &[(PONG, b"ping")], End::Open);
    let payloads: Vec<String> = (0..10).map(|at| format!("payload-{at}")).collect();
    let pings: Vec<Frame<'_>> = payloads.iter().map(|payload| (PING, payload.as_bytes())).collect();
    let answers: Vec<Frame<'_>> = payloads.iter().map(|payload| (PONG, payload.as_bytes())).collect();
    check(&server, "2.10 and 2.11", &pings, &answers, End::Open);
}

/// A reserved bit in any kind of frame, alone and with others, and a ping behind it that is not answered.
#[test]
fn reserved_bits() {
    let server = Server::contract();
    let ping = (PING, &b""[..]);
    check(&server, "3.1", &[(TEXT | 0x10, b"Hello, world!")], &[], End::Refused(1002));
    for (case, bits) in [("3.2", 0x20), ("3.3", 0x30), ("3.4", 0x40)] {
        let sent = [HELLO, (TEXT | bits, b"Hello, world!"), ping];
        check(&server, case, &sent, &[HELLO], End::Refused(1002));
    }
    check(&server, "3.5", &[(BINARY | 0x50, b"\x00\xff\xfe")], &[], End::Refused(1002));
    check(&server, "3.6", &[(PING | 0x60, b"Hello, world!")], &[], End::Refused(1002));
    check(&server, "3.7", &[(0x88 | 0x70, b"")], &[], End::Refused(1002));
}

#[test]
fn reserved_kinds() {
    let server = Server::contract();
    let ping = (PING, &b""[..]);
    for (section, kinds) in [("4.1", 0x83..=0x87), ("4.2", 0x8b..=0x8f)] {
        for (at, kind) in kinds.enumerate() {
            let case = format!("{section}.{}", at + 1);
            check(&server, &case, &[(kind, b"")], &[], End::Refused(1002));
            check(&server, &case, &[(kind, b"a payload"), ping], &[], End::Refused(1002));
            check(&server, &case, &[HELLO, (kind, b""), ping], &[HELLO], End::Refused(1002));
        }
    }
}
