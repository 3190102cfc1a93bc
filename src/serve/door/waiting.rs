//! A connection that has sent nothing but probes: what its bytes say, and what is still to be sent to it.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::serve::places::Place;
use crate::serve::sniff::{HttpVersion, PROBE_MAX, ProbeHead, Probes, Sniffed};
use crate::task::Ticket;

/// A connection at the door. Dropping it closes the connection.
pub(super) struct Waiting {
    pub(super) stream: Arc<TcpStream>,
    pub(super) address: SocketAddr,
    pub(super) place: Place,
    /// Whether the thread waits for its bytes, and for room for its reply.
    pub(super) watched: Watched,
    state: State,
    is_closed: bool,
    _ticket: Ticket,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Watched {
    No,
    Read,
    Both,
}

enum State {
    /// So many bytes of a head have been seen; and the time for its rest, once there are some.
    Reading(usize, Option<Limit>),
    Sending(Sending),
}

/// A reply that the socket did not take at once.
struct Sending {
    rest: Vec<u8>,
    closes: bool,
    limit: Option<Limit>,
}

/// A time limit, in a process that the platform may freeze.
struct Limit {
    end: Instant,
    forgiven: bool,
}

/// What becomes of a connection next.
pub(super) enum Next {
    /// It waits for bytes, or for room.
    Wait,
    /// It has more to say than its turn allows.
    Again,
    /// To the executor.
    HandOver(HttpVersion),
    /// The client left, or was too slow, or asked for the end.
    Gone,
}

/// How many probes of one connection are answered in its turn.
const TURN: usize = 8;

/// A limit that elapses this late shows that the process was frozen.
const FROZEN: Duration = Duration::from_secs(1);

/// How the thread looks at heads and answers them.
pub(super) trait Answers {
    fn probes(&self) -> &Probes;
    fn answer(&self, address: SocketAddr, probe: ProbeHead) -> String;
    fn head_limit(&self) -> Duration;
}

impl Waiting {
    pub(super) fn new(stream: Arc<TcpStream>, address: SocketAddr, place: Place, ticket: Ticket) -> Self {
        let state = State::Reading(0, None);
        Self { stream, address, place, watched: Watched::No, state, is_closed: false, _ticket: ticket }
    }

    /// What it waits for.
    pub(super) fn wanted(&self) -> Watched {
        if matches!(self.state, State::Sending(_)) { Watched::Both } else { Watched::Read }
    }

    /// When its limit ends.
    pub(super) fn end(&self) -> Option<Instant> {
        match &self.state {
            State::Reading(_, limit) | State::Sending(Sending { limit, .. }) => Some(limit.as_ref()?.end),
        }
    }

    /// Reads and writes as far as the socket allows. `is_closed`: the client sends nothing more.
    pub(super) fn turn(&mut self, answers: &impl Answers, is_closed: bool) -> Next {
        self.is_closed |= is_closed;
        for _ in 0..TURN {
            let step = match &mut self.state {
                State::Reading(..) => self.read(answers),
                State::Sending(sending) => sending.write(&self.stream),
            };
            match step {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Next::Gone,
                Ok(Some(next)) => return next,
                // A probe was answered.
                Ok(None) => self.state = State::Reading(0, None),
            }
        }
        Next::Again
    }

    /// What the first bytes say, which stay in the socket for hyper. `None` if a reply is to be sent.
    fn read(&mut self, answers: &impl Answers) -> io::Result<Option<Next>> {
        let State::Reading(seen, limit) = &mut self.state else { return Ok(Some(Next::Wait)) };
        let mut head = [0; PROBE_MAX];
        let length = match self.stream.peek(&mut head) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Some(Next::Wait)),
            length => length?,
        };
        if length == 0 {
            return Ok(Some(Next::Gone));
        }
        match answers.probes().sniff(&head[..length]) {
            // No further byte: the head stays incomplete.
            Sniffed::More if self.is_closed => Ok(Some(Next::Gone)),
            Sniffed::More => {
                if *seen == 0 {
                    *limit = Limit::new(answers.head_limit());
                }
                *seen = length;
                Ok(Some(Next::Wait))
            }
            Sniffed::HttpVersion(version) => Ok(Some(Next::HandOver(version))),
            Sniffed::Probe(probe) => {
                let answer = answers.answer(self.address, probe);
                (&*self.stream).read_exact(&mut head[..probe.length])?;
                let limit = Limit::new(answers.head_limit());
                let mut sending = Sending { rest: answer.into_bytes(), closes: probe.close, limit };
                let sent = sending.write(&self.stream)?;
                if matches!(sent, Some(Next::Wait)) {
                    self.state = State::Sending(sending);
                }
                Ok(sent)
            }
        }
    }

    /// What becomes of it at the end of its limit. A head of HTTP/1 that is incomplete goes to the executor, which answers
    /// 408. A freeze is not the client's fault: a limit that elapses more than a second late begins again, once.
    pub(super) fn expire(&mut self, answers: &impl Answers, now: Instant) -> Next {
        let (State::Reading(_, limit) | State::Sending(Sending { limit, .. })) = &mut self.state;
        match limit {
            Some(Limit { end, .. }) if now < *end => return Next::Wait,
            Some(Limit { end, forgiven }) if !*forgiven && now.duration_since(*end) >= FROZEN => {
                *limit = Limit::new(answers.head_limit()).map(|limit| Limit { forgiven: true, ..limit });
                return Next::Wait;
            }
            Some(_) => {}
            None => return Next::Wait,
        }
        let mut head = [0; PROBE_MAX];
        match (&self.state, self.stream.peek(&mut head)) {
            (State::Reading(..), Ok(length)) if length > 0 => {
                Probes::sniff_late(&head[..length]).map_or(Next::Gone, Next::HandOver)
            }
            _ => Next::Gone,
        }
    }
}

impl Limit {
    /// `None` for a limit that overflows the clock, which then never elapses.
    fn new(limit: Duration) -> Option<Self> {
        Instant::now().checked_add(limit).map(|end| Self { end, forgiven: false })
    }
}

impl Sending {
    /// `None` if all was sent, and the connection stays.
    fn write(&mut self, mut stream: &TcpStream) -> io::Result<Option<Next>> {
        while !self.rest.is_empty() {
            match stream.write(&self.rest) {
                Ok(0) => return Ok(Some(Next::Gone)),
                Ok(sent) => drop(self.rest.drain(..sent)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Some(Next::Wait)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.closes.then_some(Next::Gone))
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::serve::places::Places;
    use crate::task::{Kind, Tracker};

    /// Answers each probe with so many bytes.
    struct Large(Probes);

    const LARGE: usize = 8 << 20;
    const LIMIT: Duration = Duration::from_secs(10);
    const PROBE: &[u8] = b"GET /healthz HTTP/1.1\r\n\r\n";

    impl Answers for Large {
        fn probes(&self) -> &Probes {
            &self.0
        }

        fn answer(&self, _: SocketAddr, _: ProbeHead) -> String {
            "#".repeat(LARGE)
        }

        fn head_limit(&self) -> Duration {
            LIMIT
        }
    }

    /// A connection at the door, its client, and the tracker that counts it.
    fn connect() -> (Waiting, TcpStream, Large, Tracker) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, address) = listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        let (tracker, place) = (Tracker::default(), Places::new(1).try_take().unwrap());
        let ticket = tracker.ticket(Kind::Probing);
        let waiting = Waiting::new(Arc::new(stream), address, place, ticket);
        (waiting, client, Large(Probes::new("/healthz".into(), false)), tracker)
    }

    /// Gives it turns until it does not wait, or for so many.
    fn turns(waiting: &mut Waiting, answers: &Large, most: usize) -> Next {
        for _ in 0..most {
            match waiting.turn(answers, false) {
                Next::Wait | Next::Again => std::thread::park_timeout(Duration::from_millis(1)),
                next => return next,
            }
        }
        Next::Wait
    }

    #[test]
    fn a_reply_that_the_socket_does_not_take_at_once_is_sent_when_its_client_reads() {
        let (mut waiting, mut client, answers, tracker) = connect();
        client.write_all(&[PROBE, b"GET / HTTP/1.1"].concat()).unwrap();
        assert!(matches!(turns(&mut waiting, &answers, 50), Next::Wait));
        assert!(waiting.wanted() == Watched::Both && waiting.end().is_some());
        let reader = std::thread::spawn(move || client.read_exact(&mut vec![0; LARGE]).map(|()| client));
        let next = turns(&mut waiting, &answers, 60_000);
        assert!(matches!(next, Next::HandOver(HttpVersion::Http1)), "what is behind the probe");
        assert!(waiting.wanted() == Watched::Read && waiting.end().is_none());
        drop(reader.join().unwrap().unwrap());
        assert_eq!(tracker.running().map(|(_, count)| count).sum::<usize>(), 1);
        drop(waiting);
        assert_eq!(tracker.running().map(|(_, count)| count).sum::<usize>(), 0);
    }

    #[test]
    fn a_client_that_does_not_read_has_its_time() {
        let (mut waiting, mut client, answers, _tracker) = connect();
        client.write_all(PROBE).unwrap();
        assert!(matches!(turns(&mut waiting, &answers, 50), Next::Wait));
        let end = waiting.end().unwrap();
        let just_before = end.checked_sub(Duration::from_millis(1)).unwrap();
        assert!(matches!(waiting.expire(&answers, just_before), Next::Wait));
        assert!(matches!(waiting.expire(&answers, end), Next::Gone));
    }

    /// The process was frozen meanwhile.
    #[test]
    fn a_limit_that_elapses_late_begins_again_once() {
        let (mut waiting, mut client, answers, _tracker) = connect();
        assert!(waiting.end().is_none(), "there is no limit before the first byte");
        client.write_all(b"GET /heal").unwrap();
        while waiting.end().is_none() {
            assert!(matches!(waiting.turn(&answers, false), Next::Wait));
        }
        let end = waiting.end().unwrap();
        assert!(matches!(waiting.expire(&answers, end + FROZEN), Next::Wait));
        let again = waiting.end().unwrap();
        assert!(again >= end);
        assert!(matches!(waiting.expire(&answers, again), Next::HandOver(HttpVersion::Http1Late)));
        assert!(matches!(waiting.expire(&answers, again + FROZEN), Next::HandOver(HttpVersion::Http1Late)));
    }

    #[test]
    fn what_is_left_incomplete_is_gone() {
        let (mut waiting, mut client, answers, _tracker) = connect();
        client.write_all(b"GET /heal").unwrap();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        while waiting.end().is_none() {
            assert!(matches!(waiting.turn(&answers, false), Next::Wait));
        }
        assert!(matches!(waiting.turn(&answers, true), Next::Gone));
    }
}
