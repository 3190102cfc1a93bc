//! A stream of events that are all ready, to one client. Events are counted by a letter that each has once.

use std::io::Read;

use testkit::h1::{self, Conn};

use crate::cpu::Meter;
use crate::frames::events as request;
use crate::{Outcome, figure};

/// Once in `id: 7`, `data: tick 7`.
const LETTER: u8 = b'k';

pub(crate) fn ticks(port: u16, pid: u32, events: u64, times: u64) -> Outcome {
    let mut conn = Conn::open(port);
    let request = h1::bytes(&request(&format!("/sse?n={events}&ms=0")));
    let mut body = Body::default();
    let mut buffer = vec![0; 256 * 1024];
    let meter = Meter::start(pid)?;
    for _ in 0..times {
        conn.send(&request);
        conn.answer_head().assert_status(200);
        body.is_over = false;
        body.take(&conn.take_unread());
        while !body.is_over {
            match conn.stream().read(&mut buffer)? {
                0 => return Err("the stream was cut".into()),
                read => body.take(&buffer[..read]),
            }
        }
    }
    meter.stop(events * times)?;
    if body.events != events * times {
        return Err(format!("{} events came", body.events).into());
    }
    #[allow(clippy::cast_precision_loss, reason = "shares of small counts")]
    let each = |count: u64| count as f64 / body.events as f64;
    figure("chunks", each(body.chunks));
    figure("bytes", each(body.bytes));
    Ok(())
}

/// What came of a chunked body.
#[derive(Default)]
struct Body {
    place: Place,
    /// The size of the chunk whose head is read, then what is left of it.
    left: u64,
    events: u64,
    chunks: u64,
    bytes: u64,
    is_over: bool,
}

#[derive(Default, Clone, Copy)]
enum Place {
    #[default]
    Size,
    Data,
    /// The line end behind a chunk's data.
    End,
    /// The line end behind the chunk of size 0.
    Last,
}

impl Body {
    fn take(&mut self, mut wire: &[u8]) {
        self.bytes += wire.len() as u64;
        while let Some(&byte) = wire.first() {
            match self.place {
                Place::Data => {
                    let here = usize::try_from(self.left).map_or(wire.len(), |left| left.min(wire.len()));
                    self.events += wire[..here].iter().map(|byte| u64::from(*byte == LETTER)).sum::<u64>();
                    self.left -= here as u64;
                    wire = &wire[here..];
                    if self.left == 0 {
                        self.place = Place::End;
                    }
                    continue;
                }
                Place::Size => match (byte, char::from(byte).to_digit(16)) {
                    (_, Some(digit)) => self.left = self.left * 16 + u64::from(digit),
                    (b'\n', _) if self.left == 0 => self.place = Place::Last,
                    (b'\n', _) => {
                        self.chunks += 1;
                        self.place = Place::Data;
                    }
                    _ => {}
                },
                Place::End | Place::Last => {
                    if byte == b'\n' {
                        self.is_over = matches!(self.place, Place::Last);
                        self.place = Place::Size;
                    }
                }
            }
            wire = &wire[1..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_counted_however_they_come() {
        let wire = b"6\r\ntick 0\r\nd\r\ntick 1\n\ntick \r\n0\r\n\r\n";
        for piece in 1..wire.len() {
            let mut body = Body::default();
            for part in wire.chunks(piece) {
                assert!(!body.is_over);
                body.take(part);
            }
            assert!(body.is_over);
            assert_eq!((body.events, body.chunks, body.bytes), (3, 2, wire.len() as u64));
        }
    }
}
