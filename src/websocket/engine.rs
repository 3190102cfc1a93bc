//! The protocol of one socket: frames in, messages out. Pings and closes are answered here.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use crate::exchange::Peer;
use crate::exchange::upgrade::UpgradedIo;
use crate::platform::limits::KIB;
use crate::websocket::frames::{Expected, Fault, Frame, Frames, put_head};
use crate::websocket::message::{Close, Message, Text};
use crate::websocket::utf8::Utf8;

/// The result of reading.
pub(super) enum Incoming {
    Message(Message),
    /// The client's close, which is already answered in `replies`. `None` if it had no code.
    Close(Option<Close>),
    /// The client broke the protocol, or a message is too large. The value is the close to send.
    Broken(Close),
    /// The client left without a close.
    Gone,
    /// Many pings were answered, and `replies` should be sent before reading goes on.
    Replies,
}

/// The most bytes of `replies` before they have to be sent.
const REPLIES_MAX: usize = 4 * KIB;

pub(super) struct Engine {
    frames: Frames,
    /// The fragments so far of an unfinished message.
    fragments: Option<(Kind, BytesMut)>,
    /// The check of a text that is not complete.
    utf8: Utf8,
    max_message: usize,
    /// Whether our close frame was queued.
    has_closed: bool,
    /// Frames of the protocol itself that are to be sent: pings, pongs and a close.
    pub(super) replies: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Binary,
}

impl Engine {
    pub(super) fn new(max_message: usize, read_buf: &Bytes, peer: Option<Arc<Peer>>) -> Self {
        let (frames, utf8) = (Frames::new(read_buf, peer), Utf8::default());
        Self { frames, fragments: None, utf8, max_message, has_closed: false, replies: Vec::new() }
    }

    /// Reads the next event, and answers pings in between. A large message is read only if `is_wanted`.
    pub(super) fn poll_read(
        &mut self,
        io: &mut dyn UpgradedIo,
        cx: &mut Context<'_>,
        is_wanted: bool,
    ) -> Poll<Incoming> {
        if self.frames.is_idle(io, cx) {
            return Poll::Pending;
        }
        loop {
            let expected = self.expected(is_wanted);
            let Poll::Ready(next) = self.frames.poll_next(io, cx, expected) else {
                let is_good = !self.frames.is_mid_payload() || self.is_text_so_far();
                return if is_good { Poll::Pending } else { Poll::Ready(not_utf8()) };
            };
            let incoming = next.and_then(|frame| self.receive(frame));
            let incoming = incoming.unwrap_or_else(|fault| Some(self.give_up(fault)));
            if let Some(incoming) = incoming {
                return Poll::Ready(incoming);
            }
            if self.replies.len() >= REPLIES_MAX {
                return Poll::Ready(Incoming::Replies);
            }
        }
    }

    /// Whether a large message waits for the closure.
    pub(super) fn is_parked(&self) -> bool {
        self.frames.is_parked(self.expected(false))
    }

    fn expected(&self, is_wanted: bool) -> Expected {
        let so_far = self.fragments.as_ref().map_or(0, |(_, fragments)| fragments.len());
        Expected { so_far, most: self.max_message - so_far, is_wanted }
    }

    /// Queues our close frame, once. Frames that the client sends before its own close may still be read.
    pub(super) fn close(&mut self, close: &Close) {
        if !std::mem::replace(&mut self.has_closed, true) {
            let code = close.code.to_be_bytes();
            self.reply(Control::Close, &[&code, close.reason.as_bytes()].concat());
        }
    }

    pub(super) fn ping(&mut self) {
        self.reply(Control::Ping, &[]);
    }

    /// Gives up an unused buffer after a silence: a socket whose messages the closure does not take does not read.
    pub(super) fn give_up_buffer(&mut self) {
        self.frames.give_up_buffer();
    }

    /// Whether the client has sent bytes since the last call.
    pub(super) fn has_moved(&mut self) -> bool {
        std::mem::take(&mut self.frames.moved)
    }

    /// Handles one frame. `None` if the frame completes no event.
    fn receive(&mut self, frame: Frame) -> Result<Option<Incoming>, Fault> {
        let Frame { opcode, is_final, payload, seen } = frame;
        if let (OpCode::Data(Data::Binary), true, None) = (opcode, is_final, &self.fragments) {
            return Ok(Some(Incoming::Message(Message::Binary(self.frames.complete(payload)))));
        }
        let mut unseen = seen;
        let (kind, message) = match (opcode, self.fragments.take()) {
            (OpCode::Control(control), fragments) => {
                self.fragments = fragments;
                return self.control(control, &payload);
            }
            (OpCode::Data(Data::Continue), Some((kind, mut fragments))) => {
                unseen = fragments.len() + seen;
                fragments.extend_from_slice(&payload);
                (kind, fragments)
            }
            (OpCode::Data(Data::Continue), None) => {
                return Err(Fault::Protocol(ProtocolError::UnexpectedContinueFrame));
            }
            (OpCode::Data(data), Some(_)) => {
                return Err(Fault::Protocol(ProtocolError::ExpectedFragment(data)));
            }
            (OpCode::Data(Data::Text), None) => (Kind::Text, payload),
            (OpCode::Data(_), None) => (Kind::Binary, payload),
        };
        if !is_final {
            let is_good = matches!(kind, Kind::Binary) || self.utf8.push(&message[unseen..]);
            self.fragments = Some((kind, message));
            return Ok((!is_good).then(not_utf8));
        }
        self.utf8 = Utf8::default();
        let message = self.frames.complete(message);
        Ok(Some(match kind {
            Kind::Binary => Incoming::Message(Message::Binary(message)),
            Kind::Text => match Utf8Bytes::try_from(message) {
                Ok(text) => Incoming::Message(Message::Text(Text(text))),
                Err(_) => not_utf8(),
            },
        }))
    }

    /// Whether the text of an unfinished frame is valid so far.
    fn is_text_so_far(&mut self) -> bool {
        let is_text = matches!(self.fragments, Some((Kind::Text, _)));
        match self.frames.piece() {
            Some((OpCode::Data(Data::Text), piece)) => self.utf8.push(piece),
            Some((OpCode::Data(Data::Continue), piece)) if is_text => self.utf8.push(piece),
            _ => true,
        }
    }

    fn control(&mut self, control: Control, payload: &[u8]) -> Result<Option<Incoming>, Fault> {
        match control {
            Control::Ping if !self.has_closed => self.reply(Control::Pong, payload),
            Control::Close => return self.closed(payload).map(Some),
            Control::Ping | Control::Pong | Control::Reserved(_) => {}
        }
        Ok(None)
    }

    fn closed(&mut self, payload: &[u8]) -> Result<Incoming, Fault> {
        let close = match payload {
            [] => None,
            [high, low, reason @ ..] => {
                let code = u16::from_be_bytes([*high, *low]);
                if !Close::is_for_endpoints(code) {
                    return Err(Fault::Protocol(ProtocolError::InvalidCloseSequence));
                }
                let Ok(reason) = std::str::from_utf8(reason) else { return Ok(not_utf8()) };
                Some(Close::new(code, reason))
            }
            [_] => return Err(Fault::Protocol(ProtocolError::InvalidCloseSequence)),
        };
        if !std::mem::replace(&mut self.has_closed, true) {
            self.reply(Control::Close, payload);
        }
        Ok(Incoming::Close(close))
    }

    fn give_up(&mut self, fault: Fault) -> Incoming {
        self.fragments = None;
        self.frames.clear();
        match fault {
            Fault::Gone => Incoming::Gone,
            Fault::Protocol(error) => Incoming::Broken(Close::new(1002, &error.to_string())),
            Fault::TooLarge => {
                let reason = format!("a message may have {} bytes", self.max_message);
                Incoming::Broken(Close::new(1009, &reason))
            }
            Fault::NoMemory => {
                Incoming::Broken(Close::new(1013, "there is no room for a large message; try again later"))
            }
        }
    }

    fn reply(&mut self, control: Control, payload: &[u8]) {
        put_head(OpCode::Control(control), payload.len(), &mut self.replies);
        self.replies.extend_from_slice(payload);
    }
}

fn not_utf8() -> Incoming {
    Incoming::Broken(Close::new(1007, "text has to be UTF-8"))
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::pin::Pin;
    use std::task::Waker;

    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    use super::*;
    use crate::budget::Budget;

    /// A client's bytes, `piece` at a time; then pending.
    struct Script {
        bytes: Vec<u8>,
        piece: usize,
        /// The number of reads, also of those that found nothing.
        reads: usize,
    }

    impl Script {
        fn new(bytes: Vec<u8>, piece: usize) -> Self {
            Self { bytes, piece, reads: 0 }
        }
    }

    impl AsyncRead for Script {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            into: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            self.reads += 1;
            if self.bytes.is_empty() {
                return Poll::Pending;
            }
            let length = self.piece.min(self.bytes.len()).min(into.remaining());
            into.put_slice(&self.bytes.drain(..length).collect::<Vec<u8>>());
            Poll::Ready(Ok(()))
        }
    }

    impl UpgradedIo for Script {
        fn poll_readable(&self, _: &mut Context<'_>) -> Poll<()> {
            if self.bytes.is_empty() { Poll::Pending } else { Poll::Ready(()) }
        }
    }

    impl AsyncWrite for Script {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// A frame with a mask of zeros.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let length = payload.len();
        let mut bytes = vec![first];
        match u8::try_from(length) {
            Ok(length @ ..126) => bytes.push(0x80 | length),
            _ if length < 65_536 => {
                bytes.push(0xfe);
                bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            _ => {
                bytes.push(0xff);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        bytes.extend([0; 4]);
        bytes.extend(payload);
        bytes
    }

    fn name(incoming: &Incoming) -> String {
        match incoming {
            Incoming::Message(Message::Text(text)) => format!("text {}", text.len()),
            Incoming::Message(Message::Binary(bytes)) => format!("binary {}", bytes.len()),
            Incoming::Close(Some(close)) => format!("close {} {}", close.code, close.reason),
            Incoming::Close(None) => "close".to_owned(),
            Incoming::Broken(close) => format!("broken {}", close.code),
            Incoming::Gone => "gone".to_owned(),
            Incoming::Replies => "replies".to_owned(),
        }
    }

    /// The events are the same for every size of piece.
    #[track_caller]
    fn check(bytes: &[u8], expected: &[&str], replies: &[u8]) {
        for piece in [1, 2, 3, 1000, bytes.len().max(1)] {
            let mut io = Script::new(bytes.to_owned(), piece);
            let mut engine = Engine::new(200_000, &Bytes::new(), None);
            let mut came = Vec::new();
            let mut cx = Context::from_waker(Waker::noop());
            while let Poll::Ready(incoming) = engine.poll_read(&mut io, &mut cx, true) {
                came.push(name(&incoming));
                if !matches!(incoming, Incoming::Message(_)) {
                    break;
                }
            }
            assert_eq!(came, expected, "{piece} bytes at a time");
            assert_eq!(engine.replies, replies, "{piece} bytes at a time");
        }
    }

    #[test]
    fn messages_come_whole_whatever_their_pieces() {
        check(&frame(0x81, b"tea"), &["text 3"], b"");
        check(&frame(0x82, b""), &["binary 0"], b"");
        for length in [125, 126, 65_535, 65_536, 200_000] {
            check(&frame(0x82, &vec![7; length]), &[&format!("binary {length}")], b"");
        }
        let fragments =
            [frame(0x01, b"te"), frame(0x89, b"hi"), frame(0x00, b""), frame(0x80, b"a")].concat();
        check(&[fragments, frame(0x82, b"x")].concat(), &["text 3", "binary 1"], b"\x8a\x02hi");
    }

    #[test]
    fn a_close_is_answered_with_its_like() {
        check(&frame(0x88, b"\x03\xe8bye"), &["close 1000 bye"], b"\x88\x05\x03\xe8bye");
        check(&frame(0x88, b""), &["close"], b"\x88\x00");
    }

    #[test]
    fn what_breaks_the_protocol_is_not_taken() {
        check(&frame(0xc1, b""), &["broken 1002"], b"");
        check(&frame(0x83, b""), &["broken 1002"], b"");
        check(b"\x81\x01x", &["broken 1002"], b"");
        check(&frame(0x80, b"x"), &["broken 1002"], b"");
        check(&[frame(0x01, b"x"), frame(0x81, b"y")].concat(), &["broken 1002"], b"");
        check(&frame(0x09, b""), &["broken 1002"], b"");
        check(&frame(0x89, &[0; 126]), &["broken 1002"], b"");
        check(&frame(0x88, b"\x03"), &["broken 1002"], b"");
        check(&frame(0x88, b"\x03\xed"), &["broken 1002"], b"");
        check(&frame(0x88, b"\x03\xe8\xff"), &["broken 1007"], b"");
        check(&frame(0x81, b"\xff"), &["broken 1007"], b"");
        check(&[frame(0x01, b"\xc3"), frame(0x80, b"\xa9")].concat(), &["text 2"], b"");
        // An invalid text is refused before its message, or its frame, is complete.
        check(&[frame(0x01, b"\xf4\x90"), frame(0x89, b"")].concat(), &["broken 1007"], b"");
        check(b"\x81\xff\0\0\0\0\0\x01\0\0\0\0\0\0tea \xed\xa0", &["broken 1007"], b"");
        check(
            &[&frame(0x01, b"tea \xed"), &b"\x00\xfe\x01\x00\0\0\0\0\xa0"[..]].concat(),
            &["broken 1007"],
            b"",
        );
        // Binary messages may have any bytes.
        check(b"\x82\xff\0\0\0\0\0\x01\0\0\0\0\0\0\xed\xa0", &[], b"");
        check(&frame(0x82, &vec![0; 200_001]), &["broken 1009"], b"");
        check(
            &[frame(0x02, &vec![0; 150_000]), frame(0x80, &vec![0; 50_001])].concat(),
            &["broken 1009"],
            b"",
        );
    }

    #[test]
    fn many_pings_are_answered_before_more_is_read() {
        let pings = frame(0x89, &[b'x'; 100]).repeat(50);
        let mut io = Script::new(pings, usize::MAX);
        let mut engine = Engine::new(1000, &Bytes::new(), None);
        let incoming = engine.poll_read(&mut io, &mut Context::from_waker(Waker::noop()), true);
        assert!(matches!(incoming, Poll::Ready(Incoming::Replies)) && engine.replies.len() < 4400);
    }

    /// One message of this length, to an engine that had been idle: the number of reads until it is idle again.
    #[track_caller]
    fn reads(engine: &mut Engine, length: usize) -> usize {
        let mut io = Script::new(frame(0x82, &vec![7; length]), usize::MAX);
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(incoming) = engine.poll_read(&mut io, &mut cx, true) else { panic!("no message") };
        assert_eq!(name(&incoming), format!("binary {length}"));
        drop(incoming);
        assert!(engine.poll_read(&mut io, &mut cx, true).is_pending());
        io.reads
    }

    #[test]
    fn large_messages_that_follow_each_other_are_each_read_at_once() {
        let mut engine = Engine::new(200_000, &Bytes::new(), None);
        for length in [1000, 16_384, 50_000] {
            reads(&mut engine, length);
            assert_eq!([reads(&mut engine, length), reads(&mut engine, length)], [1, 1], "{length}");
        }
        // One small message between two large ones does not matter; many do.
        assert_eq!([reads(&mut engine, 10), reads(&mut engine, 40_000)], [1, 1]);
        for _ in 0..50 {
            assert_eq!(reads(&mut engine, 10), 1);
        }
        assert_eq!(reads(&mut engine, 16_384), 2);
    }

    /// As many sockets as there are share one buffer for small messages, and one for large ones.
    #[test]
    fn idle_sockets_hold_no_buffer() {
        let mut engines: Vec<_> = (0..20).map(|_| Engine::new(200_000, &Bytes::new(), None)).collect();
        for length in [10, 16_384, 200_000, 10] {
            for engine in &mut engines {
                reads(engine, length);
                assert_eq!(engine.frames.capacity(), 0, "{length}");
            }
        }
    }

    /// A message that is kept for long keeps its bytes, whoever reads next.
    #[test]
    fn messages_that_are_kept_stay_what_they_were() {
        let mut kept = Vec::new();
        let mut cx = Context::from_waker(Waker::noop());
        let mut engines: Vec<_> = (0..3).map(|_| Engine::new(200_000, &Bytes::new(), None)).collect();
        for round in 0..200_u8 {
            for engine in &mut engines {
                let payload = vec![round; if round % 7 == 0 { 20_000 } else { usize::from(round) }];
                // The first half comes alone: another socket reads meanwhile.
                let mut bytes = frame(0x82, &payload);
                let rest = bytes.split_off(bytes.len() / 2);
                let mut io = Script::new(bytes, usize::MAX);
                assert!(engine.poll_read(&mut io, &mut cx, true).is_pending());
                kept.push((payload, rest, None));
            }
            let these = kept.len() - engines.len();
            for (engine, (_, rest, message)) in engines.iter_mut().zip(&mut kept[these..]) {
                let mut io = Script::new(std::mem::take(rest), usize::MAX);
                let Poll::Ready(Incoming::Message(came)) = engine.poll_read(&mut io, &mut cx, true) else {
                    panic!("no message");
                };
                *message = Some(came);
                assert!(engine.poll_read(&mut io, &mut cx, true).is_pending());
            }
            if round % 50 == 49 {
                kept.retain(|(payload, _, message)| {
                    assert_eq!(message.as_ref().map(Message::as_bytes), Some(&payload[..]));
                    payload.len() % 2 == 0
                });
            }
        }
        assert!(kept.iter().all(|(payload, _, message)| message.as_ref().unwrap().as_bytes() == payload));
    }

    /// An engine behind small fragments of one message without end, of which each read gives one, when it reads no more.
    fn fragmented(budget: &Budget, is_wanted: bool) -> (Engine, Poll<Incoming>) {
        let fragments = [frame(0x02, &[7; 1000]), frame(0x00, &[7; 1000]).repeat(999)].concat();
        let mut io = Script::new(fragments, frame(0, &[7; 1000]).len());
        let peer = Peer::new(([127, 0, 0, 1], 1).into(), false, budget.clone());
        let mut engine = Engine::new(10_000_000, &Bytes::new(), Some(Arc::new(peer)));
        let last = engine.poll_read(&mut io, &mut Context::from_waker(Waker::noop()), is_wanted);
        (engine, last)
    }

    #[test]
    fn small_fragments_of_a_large_message_are_counted() {
        let budget = Budget::new(400_000);
        let (engine, last) = fragmented(&budget, true);
        let Poll::Ready(last) = last else { panic!("more is read than there is room for") };
        assert_eq!((name(&last), budget.refused()), ("broken 1013".to_owned(), 1));
        drop(engine);
        assert!(budget.account().take(300_000).is_some(), "all of it is free again");
    }

    #[test]
    fn small_fragments_of_a_large_message_wait_until_it_is_wanted() {
        let (engine, last) = fragmented(&Budget::new(10_000_000), false);
        assert!(last.is_pending() && engine.is_parked());
        let came = engine.fragments.as_ref().map_or(0, |(_, fragments)| fragments.len());
        assert!((60_000..70_000).contains(&came), "{came}");
        let (engine, last) = fragmented(&Budget::new(10_000_000), true);
        assert!(last.is_pending());
        assert_eq!(engine.fragments.map(|(_, fragments)| fragments.len()), Some(1_000_000));
    }
}
