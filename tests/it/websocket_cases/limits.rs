//! Section 9: large messages up to the limit of 6 MiB, in many fragments, in many pieces, and many of them.

use super::{
    BINARY, BINARY_BEGINS, ENDS, End, Frame, GOES_ON, TEXT, TEXT_BEGINS, check_in_turn, expect, finish,
};
use crate::support::Server;
use crate::support::ws::{Client, masked};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

const KINDS: [(u8, u8, u8); 2] = [(TEXT, TEXT_BEGINS, b'*'), (BINARY, BINARY_BEGINS, 0xfe)];

#[test]
fn large_messages() {
    let server = Server::contract();
    for (kind, _, byte) in KINDS {
        for length in [64 * KIB, 256 * KIB, MIB, 4 * MIB, 6 * MIB] {
            let payload = vec![byte; length];
            let frame: [Frame<'_>; 1] = [(kind, &payload)];
            check_in_turn(&server, "9.1 and 9.2", &[(&frame, &frame)], End::Open);
        }
        let too_large = vec![byte; 6 * MIB + 1];
        check_in_turn(&server, "9.1.5", &[(&[(kind, &too_large)], &[])], End::Refused(1009));
    }
}

#[test]
fn four_mebibytes_in_fragments() {
    let server = Server::contract();
    for (kind, begins, byte) in KINDS {
        let payload = vec![byte; 4 * MIB];
        for length in [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB] {
            let middle = payload.chunks(length).skip(1).map(|piece| (GOES_ON, piece));
            let first = [(begins, &payload[..length])];
            let sent: Vec<Frame<'_>> = first.into_iter().chain(middle).chain([(ENDS, &b""[..])]).collect();
            // In larger pieces than frames, so that the test does not take for ever.
            let bytes: Vec<u8> = sent.iter().flat_map(|(first, payload)| masked(*first, payload)).collect();
            let mut client = Client::open(&server, "/ws");
            client.conn.send(&bytes);
            expect(&mut client, &format!("9.3 and 9.4, {length}"), &[(kind, &payload)]);
            finish(client, End::Open);
        }
    }
}

#[test]
fn a_mebibyte_in_pieces() {
    let server = Server::contract();
    for (kind, _, byte) in KINDS {
        let payload = vec![byte; MIB];
        let frame = masked(kind, &payload);
        for length in [64, 128, 256, 512, KIB, 2 * KIB] {
            let mut client = Client::open(&server, "/ws");
            frame.chunks(length).for_each(|piece| client.conn.send(piece));
            expect(&mut client, &format!("9.5 and 9.6, {length}"), &[(kind, &payload)]);
            finish(client, End::Open);
        }
    }
}

#[test]
fn a_thousand_messages_there_and_back() {
    let server = Server::contract();
    for (kind, _, byte) in KINDS {
        for length in [0, 16, 64, 256, KIB, 4 * KIB] {
            let payload = vec![byte; length];
            let frame: [Frame<'_>; 1] = [(kind, &payload)];
            let rounds = vec![(&frame[..], &frame[..]); 1000];
            check_in_turn(&server, "9.7 and 9.8", &rounds, End::Open);
        }
    }
}
