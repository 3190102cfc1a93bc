//! RFC 9113, section 3.4: the first bytes of a connection.

use super::{
    ACK, Client, DATA, END_HEADERS, END_STREAM, End, HEADERS, PING, PROTOCOL_ERROR, Row, SETTINGS,
    WINDOW_UPDATE, check, frame, request,
};
use crate::support::{Server, h2};

/// The server's first frame is SETTINGS, whatever the client sends with its preface.
#[test]
fn the_server_begins_with_settings() {
    let server = Server::contract();
    let mut conn = h2::Conn::silent(server.port);
    conn.send_raw(h2::PREFACE).unwrap();
    conn.send_raw(&frame(SETTINGS, 0, 0, b"")).unwrap();
    conn.send_raw(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &request("GET", "/plaintext", &[]))).unwrap();
    let first = conn.read();
    assert_eq!((first.kind, first.flags, first.stream), (SETTINGS, 0, 0));
    // Six octets each: an identifier, a value.
    let value = |id: u16| {
        let mut settings = first.payload.chunks_exact(6).filter(|one| one[..2] == id.to_be_bytes());
        settings.next_back().map(|one| super::number(&one[2..]))
    };
    assert_eq!((value(3), value(4), value(6)), (Some(256), Some(256 * 1024), Some(64 * 1024)));
    assert!(value(5).is_none_or(|size| (16_384..=16_777_215).contains(&size)));
}

/// What begins otherwise is no HTTP/2: it is closed, after a refusal that its sender may understand.
#[test]
fn another_preface_is_closed() {
    let server = Server::contract();
    for wrong in [
        &b"INVALID CONNECTION PREFACE\r\n\r\n"[..],
        b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rX",
        b"PRI * HTTP/3.0\r\n\r\nSM\r\n\r\n",
        b"PRI / HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut conn = h2::Conn::silent(server.port);
        conn.send_raw(wrong).unwrap();
        let came = conn.read_to_close();
        let text = String::from_utf8_lossy(&came);
        // A reset by the kernel may overtake the refusal.
        assert!(came.is_empty() || text.starts_with("HTTP/1.1 400"), "{wrong:?}: {text}");
    }
}

/// A client's first frame is SETTINGS. h2 0.4.20 reads others as it would later, but no acknowledgement.
#[test]
fn another_frame_than_settings_comes_first() {
    const CLOSES: &[End] = &[End::Goaway(PROTOCOL_ERROR), End::Closed];
    const H2_READS: &[End] = &[End::Goaway(PROTOCOL_ERROR), End::Closed, End::Nothing];
    let server = Server::contract();
    for (first, expected) in [
        (frame(PING, 0, 0, b"too soon"), H2_READS),
        (frame(SETTINGS, ACK, 0, b""), CLOSES),
        (frame(DATA, 0, 1, b"tea"), CLOSES),
        (frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\0"), CLOSES),
    ] {
        let mut conn = h2::Conn::silent(server.port);
        conn.send_raw(&[h2::PREFACE, &first].concat()).unwrap();
        let mut client = Client { conn, stream: 1, status: None };
        let end = client.end(false);
        assert!(expected.contains(&end), "{first:?}: {end:?}");
    }
}

const ROWS: &[Row] = &[(
    "3.4: requests right behind the preface, before the server's SETTINGS",
    |client| client.get(1),
    &[End::Answer(200)],
)];

#[test]
fn a_client_need_not_wait() {
    check(ROWS);
}
