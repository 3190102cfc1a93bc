//! How a stream is opened: with the clients of the tests. Its loop then takes the bare socket.

use testkit::h1::{self, Conn};
use testkit::{Answer, Ask, ws};

/// A request for server-sent events.
pub(crate) fn events(target: &str) -> Ask {
    Ask::get(target).header("accept", "text/event-stream")
}

/// Sends the request, and reads the head of a reply with this status.
pub(crate) fn begin(conn: &mut Conn, ask: &Ask, status: u16) -> Answer {
    conn.send(&h1::bytes(ask));
    let head = conn.answer_head();
    head.assert_status(status);
    head
}

/// A connection that has become a WebSocket, and the head that said so.
pub(crate) fn upgrade(port: u16) -> (Conn, Answer) {
    let mut conn = Conn::open(port);
    let ask = ws::handshake("/ws").header("sec-websocket-protocol", "echo");
    let head = begin(&mut conn, &ask, 101);
    (conn, head)
}

/// Publishes an event on a connection of its own, or of the caller's.
pub(crate) fn publish(conn: &mut Conn, event: &str) {
    let answer = conn.ask(&publication(event));
    assert_eq!(answer.status / 100, 2, "publish: {answer:?}");
}

/// The request that publishes an event.
pub(crate) fn publication(event: &str) -> Ask {
    Ask::post("/publish", event).header("content-type", "text/plain")
}
