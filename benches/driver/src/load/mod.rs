//! HTTP load from one thread: closed loop, where every connection asks again as soon as it is answered, and open loop,
//! where requests fall due at a constant rate whether or not earlier ones were answered.

mod connection;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use mio::{Events, Poll};

use crate::Outcome;
use connection::Connection;

/// What was due in time may be answered so much later: a control group's quota is handed out that often.
const GRACE: Duration = Duration::from_millis(100);

/// Nothing that is measured takes this long; a hang has to end.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// One of so many connections has to be answered before the next is opened: then all of them are accepted. Those for which a
/// server's queue has no room would try again a second later.
const ACCEPTED: usize = 100;

pub(crate) struct Load<'a> {
    poll: Poll,
    connections: Vec<Connection>,
    request: &'a [u8],
}

/// How long requests took, from when they were due.
pub(crate) struct Latencies {
    /// Sorted, in microseconds.
    sorted: Vec<f64>,
    /// Requests that fell due and were answered before the time was over, or a moment later, over all that fell due.
    pub(crate) kept_up: f64,
    /// How many were answered, in time or not.
    pub(crate) answered: f64,
}

impl<'a> Load<'a> {
    pub(crate) fn connect(port: u16, connections: usize, request: &'a [u8]) -> Outcome<Self> {
        let poll = Poll::new()?;
        let open = |token| {
            let first = (token % ACCEPTED == ACCEPTED - 1).then_some(request);
            Connection::open(port, token, poll.registry(), first)
        };
        let connections: Outcome<Vec<_>> = (0..connections).map(open).collect();
        Ok(Self { poll, connections: connections?, request })
    }

    /// Every connection asks, again and again, for so long. Gives the number of answers.
    pub(crate) fn closed(&mut self, during: Duration) -> Outcome<usize> {
        let end = Instant::now() + during;
        for connection in &mut self.connections {
            connection.send(self.request)?;
        }
        let mut answers = 0;
        let mut asked = self.connections.len();
        let mut events = Events::with_capacity(256);
        while asked > 0 {
            self.poll.poll(&mut events, Some(SILENCE_MAX))?;
            if events.is_empty() {
                return Err("no answer".into());
            }
            let goes_on = Instant::now() < end;
            for event in &events {
                let connection = &mut self.connections[event.token().0];
                if connection.receive()? {
                    answers += 1;
                    asked -= 1;
                    if goes_on {
                        connection.send(self.request)?;
                        asked += 1;
                    }
                }
            }
        }
        Ok(answers)
    }

    /// So many requests per second, for so long. A request that finds no connection free waits for one, and its waiting counts.
    pub(crate) fn open(&mut self, per_second: f64, during: Duration) -> Outcome<Latencies> {
        let started = Instant::now();
        let due_at = |number: f64| started + Duration::from_secs_f64(number / per_second);
        let end = started + during;
        // What was due in time is waited for, but not without end: it counts as this late.
        let last = end + during.min(Duration::from_secs(2));
        let mut free: Vec<usize> = (0..self.connections.len()).collect();
        let mut due: Vec<Instant> = vec![started; self.connections.len()];
        let mut waiting: VecDeque<Instant> = VecDeque::new();
        let mut taken = Vec::new();
        let (mut number, mut in_time, mut asked) = (0.0, 0.0, 0);
        let mut events = Events::with_capacity(256);
        loop {
            let now = Instant::now();
            while due_at(number) <= now && due_at(number) < end {
                waiting.push_back(due_at(number));
                number += 1.0;
            }
            while let (Some(&at), Some(&connection)) = (waiting.front(), free.last()) {
                waiting.pop_front();
                free.pop();
                due[connection] = at;
                self.connections[connection].send(self.request)?;
                asked += 1;
            }
            if now >= last || now >= end && asked == 0 && waiting.is_empty() {
                break;
            }
            // The thread has a processor to itself: it looks without sleeping, so that it is never late itself.
            self.poll.poll(&mut events, Some(Duration::ZERO))?;
            for event in &events {
                let at = event.token().0;
                if self.connections[at].receive()? {
                    let now = Instant::now();
                    taken.push((now - due[at]).as_secs_f64() * 1e6);
                    in_time += if now <= end + GRACE { 1.0 } else { 0.0 };
                    free.push(at);
                    asked -= 1;
                }
            }
        }
        if asked > 0 {
            // These connections are of no use any more.
            in_time = 0.0;
        }
        #[allow(clippy::cast_precision_loss, reason = "a count of answers")]
        let answered = taken.len() as f64;
        let unanswered = waiting
            .iter()
            .chain(due.iter().enumerate().filter_map(|(at, due)| (!free.contains(&at)).then_some(due)));
        taken.extend(unanswered.map(|due| (last - *due).as_secs_f64() * 1e6));
        taken.sort_by(f64::total_cmp);
        Ok(Latencies { sorted: taken, kept_up: in_time / number, answered })
    }
}

impl Latencies {
    /// How many requests there were.
    #[allow(clippy::cast_precision_loss, reason = "a count of requests")]
    pub(crate) fn count(&self) -> f64 {
        self.sorted.len() as f64
    }

    /// The least that so many of a thousand do not exceed.
    pub(crate) fn permille(&self, permille: usize) -> f64 {
        let last = self.sorted.len().saturating_sub(1);
        self.sorted.get(last * permille / 1000).copied().unwrap_or(f64::NAN)
    }
}
