//! WebSocket messages back and forth: every connection has one on its way. Replies are counted by their length.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use testkit::ws::{masked, plain};

use crate::Outcome;
use crate::cpu::Meter;
use crate::frames::upgrade;

const BINARY: u8 = 0x82;

/// What is grown once is grown before the measurement.
const WARM_UP: Duration = Duration::from_millis(200);

pub(crate) fn for_a_while(port: u16, pid: u32, connections: u64, size: u64, ms: u64) -> Outcome {
    let mut echo = Echo::start(port, connections, size)?;
    echo.until(Instant::now() + WARM_UP)?;
    let meter = Meter::start(pid)?;
    let messages = echo.until(Instant::now() + Duration::from_millis(ms))?;
    meter.stop(messages)
}

pub(crate) fn so_many(port: u16, size: u64, count: u64) -> Outcome {
    let mut stream = upgrade(port).0.into_stream();
    let payload = vec![b'x'; usize::try_from(size)?];
    let (question, expected) = (masked(BINARY, &payload), plain(BINARY, &payload));
    let mut answer = vec![0; expected.len()];
    for _ in 0..count {
        stream.write_all(&question)?;
        stream.read_exact(&mut answer)?;
        if answer != expected {
            return Err("the echo is not what was sent".into());
        }
    }
    Ok(())
}

struct Echo {
    poll: Poll,
    sockets: Vec<Socket>,
    frame: Vec<u8>,
    reply_length: usize,
    buffer: Vec<u8>,
}

struct Socket {
    stream: TcpStream,
    /// Bytes of the reply that have come.
    received: usize,
    /// Bytes of the frame that are not sent.
    unsent: usize,
}

impl Echo {
    fn start(port: u16, connections: u64, size: u64) -> Outcome<Self> {
        let payload = vec![b'x'; usize::try_from(size)?];
        let poll = Poll::new()?;
        let mut sockets = Vec::new();
        for at in 0..usize::try_from(connections)? {
            let stream = upgrade(port).0.into_stream();
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(at), Interest::READABLE | Interest::WRITABLE)?;
            sockets.push(Socket { stream, received: 0, unsent: 0 });
        }
        let (frame, reply_length) = (masked(BINARY, &payload), plain(BINARY, &payload).len());
        let mut echo = Self { poll, sockets, frame, reply_length, buffer: vec![0; 256 * 1024] };
        for socket in &mut echo.sockets {
            socket.unsent = echo.frame.len();
            socket.send(&echo.frame)?;
        }
        Ok(echo)
    }

    /// How many messages came back.
    fn until(&mut self, end: Instant) -> Outcome<u64> {
        let mut events = Events::with_capacity(1024);
        let mut messages = 0;
        while Instant::now() < end {
            self.poll.poll(&mut events, Some(Duration::from_millis(100)))?;
            for event in &events {
                let socket = &mut self.sockets[event.token().0];
                if socket.unsent > 0 {
                    socket.send(&self.frame)?;
                }
                if event.is_readable() && socket.receive(&mut self.buffer, self.reply_length)? {
                    messages += 1;
                    socket.unsent = self.frame.len();
                    socket.send(&self.frame)?;
                }
            }
        }
        Ok(messages)
    }
}

impl Socket {
    fn send(&mut self, frame: &[u8]) -> Outcome {
        while self.unsent > 0 {
            match self.stream.write(&frame[frame.len() - self.unsent..]) {
                Ok(written) => self.unsent -= written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Whether the reply is whole.
    fn receive(&mut self, buffer: &mut [u8], length: usize) -> Outcome<bool> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err("the server closed the connection".into()),
                Ok(read) => {
                    self.received += read;
                    // A short read has emptied the socket: the next byte is a new event.
                    if read < buffer.len() {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        let whole = self.received >= length;
        if whole {
            self.received -= length;
        }
        Ok(whole)
    }
}
