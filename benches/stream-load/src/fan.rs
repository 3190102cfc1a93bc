//! One event to many clients. It carries one `!`, which is how its arrival is seen.

use std::io::{ErrorKind, Read};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use testkit::h1::{self, Conn};

use crate::cpu::Meter;
use crate::frames::{begin, events as request, publication};
use crate::{Outcome, figure};

/// What is grown once is grown before the measurement.
const WARM_UP: u64 = 10;

/// An event that does not come ends the measurement.
const EVENT_MAX: Duration = Duration::from_mins(1);

pub(crate) fn out(port: u16, pid: u32, clients: u64, events: u64) -> Outcome {
    let mut crowd = Crowd::gather(port, clients)?;
    let mut publisher = Conn::open(port);
    for _ in 0..WARM_UP {
        crowd.tell(&mut publisher)?;
    }
    let mut times = Vec::new();
    let meter = Meter::start(pid)?;
    for _ in 0..events {
        times.push(crowd.tell(&mut publisher)?);
    }
    meter.stop(events * clients)?;
    times.sort();
    figure("last-ms", times[times.len() / 2].as_secs_f64() * 1000.0);
    Ok(())
}

struct Crowd {
    poll: Poll,
    streams: Vec<TcpStream>,
}

impl Crowd {
    fn gather(port: u16, clients: u64) -> Outcome<Self> {
        let poll = Poll::new()?;
        let mut streams = Vec::new();
        for at in 0..usize::try_from(clients)? {
            let mut conn = Conn::open(port);
            begin(&mut conn, &request("/feed"), 200);
            // A comment may have come already.
            drop(conn.take_unread());
            let stream = conn.into_stream();
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(at), Interest::READABLE)?;
            streams.push(stream);
        }
        Ok(Self { poll, streams })
    }

    /// Publishes one event, and waits until the last client has it.
    fn tell(&mut self, publisher: &mut Conn) -> Outcome<Duration> {
        const EVENT: &str = "the price of tea is 42 by now, at the market of Hangzhou!";
        let publication = h1::bytes(&publication(EVENT));
        let mut events = Events::with_capacity(1024);
        let mut buffer = [0; 4096];
        let mut missing = self.streams.len();
        let started = Instant::now();
        publisher.send(&publication);
        while missing > 0 {
            self.poll.poll(&mut events, Some(EVENT_MAX))?;
            if events.is_empty() {
                return Err(format!("{missing} clients got nothing").into());
            }
            for event in &events {
                match self.streams[event.token().0].read(&mut buffer) {
                    Ok(0) => return Err("the server closed a stream".into()),
                    Ok(read) => missing -= buffer[..read].split(|byte| *byte == b'!').count() - 1,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        let took = started.elapsed();
        let answer = publisher.answer("POST");
        if answer.status / 100 == 2 { Ok(took) } else { Err(format!("publish: {answer:?}").into()) }
    }
}
