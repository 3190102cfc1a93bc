//! Sections 5 and 10: messages in fragments, and control frames between them.

use super::{
    BINARY, BINARY_BEGINS, ENDS, End, Frame, GOES_ON, PING, PONG, TEXT, TEXT_BEGINS, check, check_in_turn,
};
use crate::support::Server;

const BEGINNING: Frame<'static> = (TEXT_BEGINS, b"fragment1");
const MIDDLE: Frame<'static> = (GOES_ON, b"fragment2");
const END: Frame<'static> = (ENDS, b"fragment2");
const WHOLE: Frame<'static> = (TEXT, b"fragment1fragment2");

#[test]
fn control_frames_are_never_fragmented() {
    let server = Server::contract();
    check(&server, "5.1", &[(0x09, b"fragment1"), END], &[], End::Refused(1002));
    check(&server, "5.2", &[(0x0a, b"fragment1"), END], &[], End::Refused(1002));
    check(&server, "5.2 for a close", &[(0x08, b"\x03\xe8")], &[], End::Refused(1002));
}

#[test]
fn fragments_are_put_together() {
    let server = Server::contract();
    check(&server, "5.3 to 5.5", &[BEGINNING, END], &[WHOLE], End::Open);
    let binary = [(BINARY_BEGINS, &b"\xfe"[..]), (GOES_ON, b""), (ENDS, b"\xff")];
    check(&server, "5.3 for bytes", &binary, &[(BINARY, b"\xfe\xff")], End::Open);
}

/// The pong goes before the message that was still under way, however the frames came.
#[test]
fn a_ping_between_fragments_is_answered_at_once() {
    let server = Server::contract();
    let (ping, answer): (Frame<'_>, Frame<'_>) = ((PING, b"ping payload"), (PONG, b"ping payload"));
    check(&server, "5.6 to 5.8", &[BEGINNING, ping, END], &[answer, WHOLE], End::Open);
    let pings: [Frame<'_>; 2] = [(PING, b"pongme 1!"), (PING, b"pongme 2!")];
    let answers: [Frame<'_>; 2] = [(PONG, b"pongme 1!"), (PONG, b"pongme 2!")];
    let first = [BEGINNING, MIDDLE, pings[0]];
    let second = [(GOES_ON, &b"fragment3"[..]), (GOES_ON, b"fragment4"), pings[1], (ENDS, b"fragment5")];
    let whole: Frame<'_> = (TEXT, b"fragment1fragment2fragment3fragment4fragment5");
    let all = [first.as_slice(), second.as_slice()].concat();
    check(&server, "5.19", &all, &[answers[0], answers[1], whole], End::Open);
    let rounds: [(&[Frame<'_>], &[Frame<'_>]); 2] =
        [(&first, &answers[..1]), (&second, &[answers[1], whole])];
    check_in_turn(&server, "5.20", &rounds, End::Open);
    // Messages and pings in one piece keep their order.
    let mixed = [(TEXT, &b"one"[..]), ping, (TEXT, b"two"), ping];
    check(&server, "pings between messages", &mixed, &[mixed[0], answer, mixed[2], answer], End::Open);
}

#[test]
fn nothing_goes_on_that_has_not_begun() {
    let server = Server::contract();
    let (stray, stray_end): (Frame<'_>, Frame<'_>) =
        ((GOES_ON, b"non-continuation payload"), (ENDS, b"non-continuation payload"));
    let hello: Frame<'_> = (TEXT, b"Hello, world!");
    check(&server, "5.9 to 5.11", &[stray_end, hello], &[], End::Refused(1002));
    check(&server, "5.12 to 5.14", &[stray, hello], &[], End::Refused(1002));
    let sent = [BEGINNING, END, (GOES_ON, b"fragment3"), (TEXT, b"fragment4")];
    check(&server, "5.15", &sent, &[WHOLE], End::Refused(1002));
    check(&server, "5.16", &[stray, BEGINNING, END].repeat(2), &[], End::Refused(1002));
    check(&server, "5.17", &[stray_end, BEGINNING, END].repeat(2), &[], End::Refused(1002));
    check(&server, "5.18", &[BEGINNING, (TEXT, b"fragment2")], &[], End::Refused(1002));
}

#[test]
fn a_message_that_a_library_cut_by_itself() {
    let server = Server::contract();
    let payload = vec![b'*'; 65_536];
    let last = payload.chunks(1300).count() - 1;
    let sent: Vec<Frame<'_>> = payload
        .chunks(1300)
        .enumerate()
        .map(|(at, piece)| match at {
            0 => (TEXT_BEGINS, piece),
            at if at == last => (ENDS, piece),
            _ => (GOES_ON, piece),
        })
        .collect();
    check_in_turn(&server, "10.1.1", &[(&sent, &[(TEXT, &payload)])], End::Open);
}
