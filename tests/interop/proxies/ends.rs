//! What a client of a stream sees behind a proxy when the function ends: in good order, and when it is killed.

use super::BOUND;
use super::front::Front;
use super::grpc::Client;
use super::replies;
use crate::support::h1::{self, Conn};
use crate::support::{Ask, Server, ws};

/// One of each kind of stream that passes the proxy.
struct Streams {
    events: Conn,
    socket: Option<ws::Client>,
    chat: Option<Client>,
}

impl Streams {
    #[track_caller]
    fn open(server: &Server, front: &Front, has_sockets: bool, has_grpc: bool) -> Self {
        let mut events = Conn::open(front.port);
        events.send(&h1::bytes(&Ask::get("/feed")));
        server.until_counter("in_flight", 2);
        server.ask(&Ask::post("/publish", "one"));
        events.answer_head().assert_status(200);
        events.until_text("data: one\n\n");
        let socket = has_sockets.then(|| replies::open_socket(front, "both").expect("a socket"));
        let chat = has_grpc.then(|| Client::start(front.http2, &["chat"]));
        if let Some(chat) = &chat {
            chat.until_line("chat is open");
        }
        Self { events, socket, chat }
    }

    /// What came of each: the end of the events, the frame of the socket, the status of gRPC.
    #[track_caller]
    fn ends(mut self) -> String {
        let rest = String::from_utf8_lossy(&self.events.until_quiet(BOUND)).into_owned();
        let mut words = vec![match (rest.contains(": going away"), rest.ends_with("0\r\n\r\n")) {
            (true, true) => "comment, end".to_owned(),
            (true, false) => "comment, cut".to_owned(),
            (false, true) => "end".to_owned(),
            (false, false) => "cut".to_owned(),
        }];
        if let Some(socket) = &mut self.socket {
            let rest = socket.conn.until_quiet(BOUND);
            words.push(match rest.as_slice() {
                [0x88, _, high, low, ..] => u16::from_be_bytes([*high, *low]).to_string(),
                [] => "1006".to_owned(),
                other => panic!("{other:?}"),
            });
        }
        if let Some(chat) = &mut self.chat {
            words.push(chat.last_line());
        }
        words.join("; ")
    }
}

/// The two cells: after `SIGTERM`, and after `SIGKILL` of the one that comes back on the same port.
#[track_caller]
pub fn both(server: &mut Server, front: &Front, has_sockets: bool, has_grpc: bool) -> [String; 2] {
    let streams = Streams::open(server, front, has_sockets, has_grpc);
    server.signal("TERM");
    let in_order = streams.ends();
    assert!(server.wait().success());
    server.restart();
    let port = server.port;
    assert!(server.until_open(port), "{}", server.stderr());
    let streams = Streams::open(server, front, has_sockets, has_grpc);
    server.kill();
    [in_order, streams.ends()]
}
