//! Section 6: text is UTF-8, which is seen as early as it can be.

use super::{ENDS, End, Frame, GOES_ON, TEXT, TEXT_BEGINS, begin, check, check_in_turn, finish, send};
use crate::support::Server;
use crate::support::ws::{Client, masked};

const KOSME: &[u8] = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";

/// Beyond the last code point: wrong from its second byte on.
const TOO_FAR: &[u8] = b"\xf4\x90\x80\x80";

#[test]
fn texts_without_a_letter() {
    let server = Server::contract();
    check(&server, "6.1.1", &[(TEXT, b"")], &[(TEXT, b"")], End::Open);
    let empty = [(TEXT_BEGINS, &b""[..]), (GOES_ON, b""), (ENDS, b"")];
    check(&server, "6.1.2", &empty, &[(TEXT, b"")], End::Open);
    let middle = [(TEXT_BEGINS, &b""[..]), (GOES_ON, b"middle frame payload"), (ENDS, b"")];
    check(&server, "6.1.3", &middle, &[(TEXT, b"middle frame payload")], End::Open);
}

/// Cut between characters, and in the middle of each of them.
#[test]
fn text_in_fragments() {
    let server = Server::contract();
    let text = "Hello-µ@ßöäüàá-UTF-8!!".as_bytes();
    check(&server, "6.2.1", &[(TEXT, text)], &[(TEXT, text)], End::Open);
    let (first, second) = text.split_at(12);
    check(&server, "6.2.2", &[(TEXT_BEGINS, first), (ENDS, second)], &[(TEXT, text)], End::Open);
    for (case, text) in [("6.2.3", text), ("6.2.4", KOSME)] {
        let octets: Vec<Frame<'_>> = text.chunks(1).map(|octet| (GOES_ON, octet)).collect();
        let sent = [&[(TEXT_BEGINS, &b""[..])], &octets[..], &[(ENDS, b"")]].concat();
        check(&server, case, &sent, &[(TEXT, text)], End::Open);
    }
}

#[test]
fn text_that_is_no_utf_8() {
    let server = Server::contract();
    let text = [KOSME, b"\xed\xa0\x80edited"].concat();
    check(&server, "6.3.1", &[(TEXT, &text)], &[], End::Refused(1007));
    let octets: Vec<Frame<'_>> = text.chunks(1).map(|octet| (GOES_ON, octet)).collect();
    let sent = [&[(TEXT_BEGINS, &b""[..])], &octets[..], &[(ENDS, b"")]].concat();
    check(&server, "6.3.2", &sent, &[], End::Refused(1007));
}

/// The text is refused while the client waits, with more of it to come.
#[test]
fn text_is_refused_at_the_octet_that_breaks_it() {
    let server = Server::contract();
    let sent: [Frame<'_>; 2] = [(TEXT_BEGINS, KOSME), (GOES_ON, TOO_FAR)];
    check(&server, "6.4.1", &sent, &[], End::Refused(1007));
    let sent: [Frame<'_>; 3] = [(TEXT_BEGINS, KOSME), (GOES_ON, b"\xf4"), (GOES_ON, b"\x90")];
    check_in_turn(&server, "6.4.2", &[(&sent, &[])], End::Refused(1007));
    // One frame, of which the rest never comes.
    let whole = masked(TEXT, &[KOSME, TOO_FAR, b"edited"].concat());
    let begun = 6 + KOSME.len();
    for (case, cuts) in [("6.4.3", [begun, begun + 4]), ("6.4.4", [begun + 1, begun + 2])] {
        let mut client = Client::open(&server, "/ws");
        send(&mut client, &whole[..cuts[0]]);
        assert!(client.conn.is_quiet_for(std::time::Duration::from_millis(50)), "{case}: what came is good");
        send(&mut client, &whole[cuts[0]..cuts[1]]);
        client.assert_closed(1007);
    }
}

#[test]
fn octets_that_are_text() {
    let server = Server::contract();
    let texts: [&[u8]; 28] = [
        b"hello\x24world",
        b"hello\xc2\xa2world",
        b"hello\xe2\x82\xacworld",
        b"hello\xf0\xa4\xad\xa2world",
        KOSME,
        &KOSME[..2],
        &KOSME[..5],
        &KOSME[..7],
        &KOSME[..9],
        b"\x00",
        b"\xc2\x80",
        b"\xe0\xa0\x80",
        b"\xf0\x90\x80\x80",
        b"\x7f",
        b"\xdf\xbf",
        b"\xef\xbf\xbf",
        b"\xf4\x8f\xbf\xbf",
        b"\xed\x9f\xbf",
        b"\xee\x80\x80",
        b"\xef\xbf\xbd",
        b"\xef\xbf\xbe",
        b"\xf0\x9f\xbf\xbe",
        b"\xf0\xaf\xbf\xbf",
        b"\xf1\x8f\xbf\xbe",
        b"\xf2\xbf\xbf\xbf",
        b"\xf3\xbf\xbf\xbe",
        b"\xef\xbf\xb9",
        b"\xef\xbf\xbc",
    ];
    for text in texts {
        check(&server, "6.5 to 6.23", &[(TEXT, text)], &[(TEXT, text)], End::Open);
    }
}

#[test]
fn octets_that_are_no_text() {
    let server = Server::contract();
    let lonely: Vec<u8> = (0xc0..0xe0).flat_map(|first| [first, b' ']).collect();
    let texts: [&[u8]; 48] = [
        // Cut short.
        &KOSME[..1],
        &KOSME[..3],
        &KOSME[..4],
        &KOSME[..6],
        &KOSME[..8],
        &KOSME[..10],
        // Longer than characters are, and beyond the last code point.
        b"\xf8\x88\x80\x80\x80",
        b"\xfc\x84\x80\x80\x80\x80",
        b"\xf7\xbf\xbf\xbf",
        b"\xfb\xbf\xbf\xbf\xbf",
        b"\xfd\xbf\xbf\xbf\xbf\xbf",
        b"\xf4\x90\x80\x80",
        // Bytes that only go on, or only begin.
        b"\x80",
        b"\xbf",
        b"\x80\xbf",
        b"\x80\xbf\x80",
        b"\x80\xbf\x80\xbf\x80\xbf",
        &lonely,
        b"\xe0 \xe1 ",
        b"\xf0 \xf1 ",
        b"\xf8 \xf9 ",
        b"\xfc ",
        // The last byte is missing.
        b"\xc0",
        b"\xe0\x80",
        b"\xf0\x80\x80",
        b"\xdf",
        b"\xef\xbf",
        b"\xf7\xbf\xbf",
        b"\xfd\xbf\xbf\xbf\xbf",
        b"\xc0\xe0\x80\xf0\x80\x80\xdf\xef\xbf\xf7\xbf\xbf",
        // No byte of any text.
        b"\xfe",
        b"\xff",
        b"\xfe\xfe\xff\xff",
        // Longer than needed.
        b"\xc0\xaf",
        b"\xe0\x80\xaf",
        b"\xf0\x80\x80\xaf",
        b"\xc1\xbf",
        b"\xe0\x9f\xbf",
        b"\xf0\x8f\xbf\xbf",
        b"\xc0\x80",
        b"\xe0\x80\x80",
        b"\xf0\x80\x80\x80",
        // Surrogates, single and in pairs.
        b"\xed\xa0\x80",
        b"\xed\xad\xbf",
        b"\xed\xb0\x80",
        b"\xed\xbf\xbf",
        b"\xed\xa0\x80\xed\xb0\x80",
        b"\xed\xaf\xbf\xed\xbf\xbf",
    ];
    // All are told first: the server waits a moment for each before it closes.
    let clients: Vec<_> =
        texts.iter().flat_map(|text| begin(&server, "6.6 to 6.21", &[(TEXT, text)], &[])).collect();
    for client in clients {
        finish(client, End::Refused(1007));
    }
}
