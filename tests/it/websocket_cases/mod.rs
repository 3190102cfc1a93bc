//! The case list of the Autobahn test suite, by its numbers: what a client sends, and what it gets from the echo of the
//! `contract` example. Sections 12 and 13 are about compression, which is not negotiated.

mod closing;
mod fragments;
mod frames;
mod limits;
mod utf8;

use crate::support::Server;
use crate::support::ws::{Client, masked};

// The first byte of a frame.
const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const TEXT_BEGINS: u8 = 0x01;
const BINARY_BEGINS: u8 = 0x02;
const GOES_ON: u8 = 0x00;
const ENDS: u8 = 0x80;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

/// Says goodbye with a normal end.
const BYE: (u8, &[u8]) = (CLOSE, b"\x03\xe8");

type Frame<'f> = (u8, &'f [u8]);

/// How a case ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Everything was in order: the client says goodbye and is answered.
    Open,
    /// A goodbye was among the frames, and its answer too: the connection is closed.
    Closed,
    /// The server closes with this code, for what the client has done.
    Refused(u16),
}

/// How the bytes of a case are cut.
const CUTS: [&str; 3] = ["at once", "frame by frame", "octet by octet"];

/// All frames are sent, whatever comes; then these are expected.
#[track_caller]
fn check(server: &Server, case: &str, sent: &[Frame<'_>], expected: &[Frame<'_>], end: End) {
    for client in begin(server, case, sent, expected) {
        finish(client, end);
    }
}

/// One client for each cut, each of which has got what is expected.
#[track_caller]
fn begin(server: &Server, case: &str, sent: &[Frame<'_>], expected: &[Frame<'_>]) -> [Client; 3] {
    CUTS.map(|cut| {
        let mut client = Client::open(server, "/ws");
        let frames: Vec<Vec<u8>> = sent.iter().map(|(first, payload)| masked(*first, payload)).collect();
        match cut {
            "at once" => send(&mut client, &frames.concat()),
            "frame by frame" => frames.iter().for_each(|frame| send(&mut client, frame)),
            _ => frames.concat().chunks(1).for_each(|octet| send(&mut client, octet)),
        }
        expect(&mut client, &format!("{case}, {cut}"), expected);
        client
    })
}

/// Frames are sent and answered in turn.
#[track_caller]
fn check_in_turn(server: &Server, case: &str, rounds: &[(&[Frame<'_>], &[Frame<'_>])], end: End) {
    let mut client = Client::open(server, "/ws");
    for (sent, expected) in rounds {
        for (first, payload) in *sent {
            send(&mut client, &masked(*first, payload));
        }
        expect(&mut client, case, expected);
    }
    finish(client, end);
}

/// The server may have refused what came before, and closed.
fn send(client: &mut Client, bytes: &[u8]) {
    let _ = client.conn.try_send(bytes);
}

#[track_caller]
fn expect(client: &mut Client, case: &str, expected: &[Frame<'_>]) {
    for (first, payload) in expected {
        let (head, body) = client.frame();
        let is_same = head == *first && body == *payload;
        let shown = String::from_utf8_lossy(&body[..body.len().min(200)]);
        assert!(is_same, "{case}: {first:x} and {} bytes, not {head:x} and {shown:?}", payload.len());
    }
}

#[track_caller]
fn finish(mut client: Client, end: End) {
    match end {
        End::Open => client.close(1000),
        End::Closed => assert_eq!(client.conn.rest(), b""),
        End::Refused(code) => drop(client.assert_closed(code)),
    }
}
