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
                Err(error) => return Err(error),
            }
        }
        Ok(self.closes.then_some(Next::Gone))
    }
}
