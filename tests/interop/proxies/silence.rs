//! Streams on which the function says nothing for longer than a proxy waits: what keeps them open is the runtime's own comments
//! and pings. Time-outs are those that a proxy has by itself.

use std::time::{Duration, Instant};

use super::front::Front;
use super::grpc::Client;
use super::kinds::KINDS;
use super::{replies, table};
use crate::support::h1::{self, Conn};
use crate::support::{Ask, Server, ws};

/// Longer than a minute, which is what many wait.
const SILENCE: Duration = Duration::from_secs(65);

struct Silent {
    name: &'static str,
    server: Server,
    _front: Front,
    events: Conn,
    socket: ws::Client,
    chat: Option<Client>,
}

impl Silent {
    #[track_caller]
    fn open(kind: &super::kinds::Kind) -> Self {
        let server = Server::contract();
        let front = Front::start(kind, server.port);
        let mut events = Conn::open(front.port);
        events.send(&h1::bytes(&Ask::get("/feed")));
        server.until_counter("in_flight", 2);
        server.ask(&Ask::post("/publish", "before"));
        events.until_text("data: before\n\n");
        let socket = replies::open_socket(&front, "silent").expect("a socket");
        let chat = (table::cell(kind.name, "gRPC") == "yes").then(|| {
            let chat = Client::start(front.http2, &["quiet_chat"]);
            chat.until_line("chat is open");
            chat
        });
        Self { name: kind.name, server, _front: front, events, socket, chat }
    }

    /// As every client of WebSocket does.
    fn answer_ping(&mut self) {
        if self.socket.conn.comes_within(Duration::from_millis(1)) {
            let (first, payload) = self.socket.frame();
            assert_eq!(first, 0x89, "{}: {payload:?}", self.name);
            self.socket.send(0x8a, &payload);
        }
    }

    /// What still passes: events, messages, replies of gRPC.
    #[track_caller]
    fn ends(mut self) {
        self.server.ask(&Ask::post("/publish", "after"));
        let events = self.events.until_quiet(Duration::from_millis(500));
        let events = String::from_utf8_lossy(&events).into_owned();
        let passes = |does: bool| if does { "passes" } else { "is cut" };
        let events = passes(events.contains("data: after\n\n"));
        let _ = self.socket.conn.try_send(&ws::masked(0x81, b"after"));
        let frames = self.socket.conn.until_quiet(Duration::from_millis(500));
        let socket = passes(frames.ends_with(b"\x81\x05after"));
        let chat = self.chat.as_mut().map_or("–".to_owned(), Client::last_line);
        let seen = [
            ("silent SSE", events.to_owned()),
            ("silent WebSocket", socket.to_owned()),
            ("silent gRPC", chat),
        ];
        println!("{}: {seen:?}", self.name);
        table::check(self.name, &seen);
    }
}

#[test]
#[ignore = "needs the proxies and grpcio: .ci/run runs it with --ignored"]
fn streams_outlast_silence() {
    let mut all: Vec<_> = KINDS.iter().map(Silent::open).collect();
    let end = Instant::now() + SILENCE;
    while Instant::now() < end {
        all.iter_mut().for_each(Silent::answer_ping);
        testkit::pause();
    }
    all.into_iter().for_each(Silent::ends);
}
