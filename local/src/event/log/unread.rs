//! What a reader has not read yet: bounded, with a share for each function's lines.
//!
//! A function that writes more than the reader takes loses its own lines, and no other function's. The events of fc-local
//! itself, such as requests and failures, have room that no line can take.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use crate::event::entry::Event;
use crate::event::kind::Kind;

const MIB: usize = 1024 * 1024;

/// How much is taken at once: a batch of the longest lines must not be as large as the queue.
pub(super) const BATCH_BYTES: usize = MIB;

/// Bounds of a queue.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) events: usize,
    pub(super) bytes: usize,
}

impl Limits {
    fn half(self) -> Self {
        Limits { events: self.events / 2, bytes: self.bytes / 2 }
    }

    /// The room for the lines of all functions: three quarters.
    fn of_lines(self) -> Self {
        self.less(self.of_own())
    }

    /// The room for the events of fc-local itself: a quarter.
    fn of_own(self) -> Self {
        self.half().half()
    }

    fn less(self, other: Limits) -> Self {
        Limits {
            events: self.events.saturating_sub(other.events),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }
}

/// An event in a queue, with the memory that it takes.
#[derive(Debug, Clone)]
pub(super) struct Queued {
    pub(super) event: Arc<Event>,
    bytes: usize,
}

impl From<Event> for Queued {
    fn from(event: Event) -> Self {
        let bytes = event.bytes();
        Queued { event: Arc::new(event), bytes }
    }
}

/// Events in order, with the memory that they take.
#[derive(Debug, Clone, Default)]
pub(super) struct Backlog {
    pub(super) events: VecDeque<Queued>,
    pub(super) bytes: usize,
}

impl Backlog {
    pub(super) fn push(&mut self, queued: Queued) {
        self.bytes += queued.bytes;
        self.events.push_back(queued);
    }

    pub(super) fn pop(&mut self) -> Option<Queued> {
        let queued = self.events.pop_front()?;
        self.bytes -= queued.bytes;
        Some(queued)
    }

    pub(super) fn exceeds(&self, limits: Limits) -> bool {
        self.events.len() > limits.events || self.bytes > limits.bytes
    }
}

/// The events that a reader has not read.
#[derive(Debug, Default)]
pub(super) struct Unread {
    pub(super) backlog: Backlog,
    own: Share,
    /// The lines of each function that has any, or has lost some. Few: a search costs less than a hash.
    lines: Vec<(Option<Arc<str>>, Share)>,
    /// Nothing comes any more.
    pub(super) is_over: bool,
    pub(super) is_awaited: bool,
}

/// A part of the backlog, and what was dropped of the part since its last reported gap.
#[derive(Debug, Default)]
struct Share {
    events: usize,
    bytes: usize,
    dropped_events: u64,
    dropped_bytes: u64,
}

impl Share {
    /// An empty share takes an event of any size: a reader that has read everything must not stand still.
    fn has_room(&self, bytes: usize, limits: Limits) -> bool {
        self.events == 0 || (self.events < limits.events && self.bytes + bytes <= limits.bytes)
    }

    fn is_within(&self, limits: Limits) -> bool {
        self.events <= limits.events && self.bytes <= limits.bytes
    }

    fn add(&mut self, bytes: usize) {
        self.events += 1;
        self.bytes += bytes;
    }

    fn subtract(&mut self, bytes: usize) {
        self.events -= 1;
        self.bytes -= bytes;
    }

    fn drop_one(&mut self, bytes: usize) {
        self.dropped_events += 1;
        self.dropped_bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
    }

    /// Makes the event that reports the drops.
    fn gap(&mut self, function: Option<Arc<str>>) -> Event {
        let events = std::mem::take(&mut self.dropped_events);
        let bytes = std::mem::take(&mut self.dropped_bytes);
        let kind = Kind::EventsDropped { events, bytes };
        Event { time: SystemTime::now(), function, instance: None, request: None, version: None, kind }
    }
}

/// Whether a program wrote the event, or the event stands for lines that a program wrote.
fn is_line(event: &Event) -> bool {
    match event.kind {
        Kind::Stdout(_) | Kind::Stderr(_) | Kind::Build(_) => true,
        Kind::EventsDropped { .. } => event.function.is_some(),
        _ => false,
    }
}

impl Unread {
    /// Starts with what a ring has.
    pub(super) fn of(backlog: Backlog) -> Self {
        let mut unread = Unread::default();
        for queued in backlog.events {
            unread.put(queued);
        }
        unread
    }

    /// Takes an event in, or counts it as dropped.
    pub(super) fn push(&mut self, queued: &Queued, limits: Limits) {
        let Queued { event, bytes } = queued;
        let room = if is_line(event) { self.fair(limits) } else { limits.of_own() };
        let share = self.share(event);
        if share.dropped_events > 0 || !share.has_room(*bytes, room) {
            return share.drop_one(*bytes);
        }
        share.add(*bytes);
        self.backlog.push(queued.clone());
    }

    /// Moves queued events into `into`: at most `limit` events, and a batch of bytes.
    pub(super) fn take(&mut self, into: &mut Vec<Arc<Event>>, limit: usize, limits: Limits) -> usize {
        let before = into.len();
        let mut taken = 0;
        while into.len() - before < limit && taken < BATCH_BYTES {
            let Some(Queued { event, bytes }) = self.backlog.pop() else { break };
            taken += bytes;
            self.share(&event).subtract(bytes);
            into.push(event);
        }
        self.report_gaps(limits);
        into.len() - before
    }

    /// Reports what was dropped of each share that is half empty again.
    fn report_gaps(&mut self, limits: Limits) {
        if self.own.dropped_events > 0 && self.own.is_within(limits.of_own().half()) {
            let gap = self.own.gap(None);
            self.put(gap.into());
        }
        let half = self.fair(limits).half();
        for at in 0..self.lines.len() {
            let (function, share) = &mut self.lines[at];
            if share.dropped_events > 0 && share.is_within(half) {
                let gap = share.gap(function.clone());
                self.put(gap.into());
            }
        }
        self.lines.retain(|(_, share)| share.events > 0 || share.dropped_events > 0);
    }

    /// The most that the lines of one function may take: as much as is free. One function that floods gets half of the room
    /// for lines, two get a third each; the rest is there for whoever writes next.
    fn fair(&self, limits: Limits) -> Limits {
        let (events, bytes) = self
            .lines
            .iter()
            .fold((0, 0), |(events, bytes), (_, share)| (events + share.events, bytes + share.bytes));
        limits.of_lines().less(Limits { events, bytes })
    }

    fn put(&mut self, queued: Queued) {
        self.share(&queued.event).add(queued.bytes);
        self.backlog.push(queued);
    }

    fn share(&mut self, event: &Event) -> &mut Share {
        if !is_line(event) {
            return &mut self.own;
        }
        let at = self.lines.iter().position(|(function, _)| *function == event.function);
        let at = at.unwrap_or_else(|| {
            self.lines.push((event.function.clone(), Share::default()));
            self.lines.len() - 1
        });
        &mut self.lines[at].1
    }
}
