//! The output of a process: read line by line, given to the log, and kept for error messages.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use fc_runtime::platform::limits::KIB;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};

use super::lines::{Lines, Owner, Part, Requests};
use super::runner::Pipe;
use crate::event::{Kind, Log, Redactor, Source, Tail};
use crate::model::Lines as Shown;

/// The most output that is kept for the text of a failed start, in bytes.
const KEPT: usize = 16 * KIB;

/// The size of one read, in bytes.
const PIECE: usize = 8 * KIB;

/// How much is read from a pipe in one turn, and at both ends of a call: all that a pipe holds, unless it was enlarged.
const REST_MAX: usize = 64 * KIB;

/// How long a line without its end waits for more, before it is shown as it is. Programs that buffer their output write
/// blocks that end anywhere.
const MORE: Duration = Duration::from_millis(500);

/// Makes an event of a line.
type ToKind = fn(String) -> Kind;

/// The output of an instance, or of a build step.
#[derive(Debug)]
pub(crate) struct Output {
    source: Source,
    log: Log,
    redactor: Redactor,
    state: Mutex<State>,
    lines: watch::Sender<u64>,
    kinds: [ToKind; 2],
    shown: Shown,
}

#[derive(Debug, Default)]
struct State {
    recent: Recent,
    requests: Requests,
    /// Standard output and standard error.
    streams: [Stream; 2],
    ended_pipes: u8,
}

/// The latest lines. Their memory serves one line after another.
#[derive(Debug, Default)]
struct Recent {
    /// Line behind line.
    text: VecDeque<u8>,
    /// The length of each, and its stream.
    lines: VecDeque<(usize, usize)>,
}

impl Recent {
    fn push(&mut self, line: &str, at: usize) {
        self.text.extend(line.as_bytes());
        self.lines.push_back((line.len(), at));
        while self.text.len() + self.lines.len() > KEPT {
            let Some((length, _)) = self.lines.pop_front() else { return };
            self.text.drain(..length);
        }
    }

    /// The lines, each with its stream.
    fn lines(&self) -> Vec<(String, usize)> {
        let mut bytes = self.text.iter().copied();
        let line = |(length, at): &(usize, usize)| {
            let line: Vec<u8> = bytes.by_ref().take(*length).collect();
            // It was pushed as text.
            (String::from_utf8_lossy(&line).into_owned(), *at)
        };
        self.lines.iter().map(line).collect()
    }
}

/// One of the two pipes, with its incomplete line.
struct Stream {
    /// `None` before the first read, and after the end of the pipe.
    pipe: Option<Pipe>,
    /// Wakes the task that reads the pipe.
    reader: Waker,
    lines: Lines,
    /// Of the line that has not ended.
    begun: Option<Begun>,
}

/// What is known of a line that has not ended.
#[derive(Debug)]
struct Begun {
    /// The request that was alone when the line began.
    alone: Option<Owner>,
    /// When its latest bytes were read.
    latest: Instant,
}

/// What is read of both pipes when a call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// What the executor was told of. It is told of a line before the reply that was written behind the line, so this is
    /// enough for a reply that came at once.
    Told,
    /// All that is written by now, for which the kernel is asked.
    Written,
}

/// The result of a read from a pipe.
enum Read {
    /// As much as one turn allows.
    Some,
    End,
}

impl Default for Stream {
    fn default() -> Self {
        Stream { pipe: None, reader: Waker::noop().clone(), lines: Lines::default(), begun: None }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Stream").field("lines", &self.lines).finish_non_exhaustive()
    }
}

impl Output {
    /// `kinds` are the kinds of events for lines on standard output and standard error.
    pub(crate) fn new(source: Source, log: Log, redactor: Redactor, kinds: [ToKind; 2]) -> Self {
        let shown = Shown::All;
        Output { source, log, redactor, state: Mutex::default(), lines: watch::Sender::new(0), kinds, shown }
    }

    /// Keeps lines out of the log. Error messages and the logs of calls still have them.
    #[must_use]
    pub(crate) fn showing(self, shown: Shown) -> Self {
        Output { shown, ..self }
    }

    /// Gives the log the latest lines that were kept out, because something failed and they may say why.
    pub(crate) fn reveal(&self) {
        let mut state = self.lock();
        for (text, at) in std::mem::take(&mut state.recent).lines() {
            if !self.shows(at) {
                self.log.emit(&self.source, self.kinds[at](text));
            }
        }
    }

    fn shows(&self, at: usize) -> bool {
        match self.shown {
            Shown::All => true,
            Shown::Errors => at == 1,
            Shown::None => false,
        }
    }

    /// Reads one of the two pipes to its end.
    pub(crate) async fn read(self: Arc<Self>, pipe: Pipe, is_error: bool) {
        let at = usize::from(is_error);
        self.lock().streams[at].pipe = Some(pipe);
        let mut more = pin!(tokio::time::sleep(MORE));
        poll_fn(|context| {
            let mut state = self.lock();
            state.streams[at].reader.clone_from(context.waker());
            match self.read_some(&mut state, at, context) {
                // Others have their turn before the rest.
                Poll::Ready(Read::Some) => context.waker().wake_by_ref(),
                Poll::Ready(Read::End) => return Poll::Ready(()),
                Poll::Pending => self.wait_for_more(&mut state, at, more.as_mut(), context),
            }
            Poll::Pending
        })
        .await;
        let mut state = self.lock();
        // A program that was killed may have been in the middle of a secret.
        self.flush(&mut state, at);
        state.ended_pipes += 1;
        drop(state);
        self.tell_news();
    }

    /// Reads the available bytes, at most [`REST_MAX`].
    fn read_some(&self, state: &mut State, at: usize, context: &mut Context<'_>) -> Poll<Read> {
        let mut piece = [MaybeUninit::uninit(); PIECE];
        let mut left = REST_MAX;
        while left > 0 {
            let Some(pipe) = &mut state.streams[at].pipe else { return Poll::Ready(Read::End) };
            let mut piece = ReadBuf::uninit(&mut piece);
            let is_read = ready!(Pin::new(pipe).poll_read(context, &mut piece)).is_ok();
            if !is_read || piece.filled().is_empty() {
                state.streams[at].pipe = None;
                return Poll::Ready(Read::End);
            }
            left = left.saturating_sub(piece.filled().len());
            self.take(state, at, piece.filled());
        }
        Poll::Ready(Read::Some)
    }

    /// Shows a line without its end when nothing more of it has come for [`MORE`].
    fn wait_for_more(
        &self,
        state: &mut State,
        at: usize,
        mut more: Pin<&mut Sleep>,
        context: &mut Context<'_>,
    ) {
        let Some(begun) = &state.streams[at].begun else { return };
        let until = begun.latest + MORE;
        if more.deadline() != until {
            more.as_mut().reset(until);
        }
        if more.poll(context).is_ready() {
            self.flush(state, at);
        }
    }

    /// Makes events of the lines that end in `bytes`.
    fn take(&self, state: &mut State, at: usize, bytes: &[u8]) {
        let mut lines = std::mem::take(&mut state.streams[at].lines);
        let mut begun = state.streams[at].begun.take();
        lines.push(bytes, |part| {
            let has_ended = part.has_ended;
            self.part(state, at, begun.as_ref(), &part);
            if has_ended {
                begun = None;
            }
        });
        if lines.is_within() {
            let latest = Instant::now();
            match &mut begun {
                Some(begun) => begun.latest = latest,
                None => begun = Some(Begun { alone: state.requests.only().cloned(), latest }),
            }
        }
        state.streams[at].lines = lines;
        state.streams[at].begun = begun;
    }

    /// Makes an event of a line that has not ended. What comes later belongs to the call of its own time.
    fn flush(&self, state: &mut State, at: usize) {
        let mut lines = std::mem::take(&mut state.streams[at].lines);
        let begun = state.streams[at].begun.take();
        lines.flush(|part| self.part(state, at, begun.as_ref(), &part));
        state.streams[at].lines = lines;
    }

    /// Makes an event of a line, or of a part.
    fn part(&self, state: &mut State, at: usize, begun: Option<&Begun>, part: &Part<'_>) {
        let text = self.redactor.redact_part(part.before, part.bytes, part.has_ended);
        if text.is_empty() && !part.before.is_empty() {
            // Only the end of the line was missing, or the rest of a secret.
            return;
        }
        state.recent.push(&text, at);
        let alone = begun.map_or_else(|| state.requests.only(), |begun| begun.alone.as_ref());
        let source = match state.requests.of(&text, alone) {
            Some(owner) => {
                if let Some(tail) =
                    owner.tail.as_ref().filter(|tail| tail.keeps_marks() || !is_marker(&text, &owner.id))
                {
                    tail.push(&text);
                }
                self.source.with_request(&owner.id)
            }
            None => self.source.clone(),
        };
        if self.shows(at) {
            self.log.emit_from(source, self.kinds[at](text));
        }
        self.tell_news();
    }

    /// Begins a request, to which later lines may belong.
    pub(crate) fn begin(&self, request: &Arc<str>, tail: Option<Tail>) {
        let mut state = self.lock();
        // What was written before is not this call's. The executor told of it at the latest with the request. Beside two
        // others a line belongs to the one it names, whenever it is read.
        if state.requests.count() <= 1 {
            self.read_rest(&mut state, Rest::Told);
        }
        state.requests.begin(request, tail);
    }

    /// No further line belongs to this request, unless it names it or has begun. What the program has written by now is
    /// read, so that it is not taken for another call's. The tail gets a line without its end as it is.
    pub(crate) fn end(&self, request: &Arc<str>, rest: Rest) {
        let mut state = self.lock();
        // If two or more stay, a line belongs to the one it names, whenever it is read.
        if state.requests.count() <= 2 {
            self.read_rest(&mut state, rest);
        }
        if let Some(tail) = state.requests.tail(request) {
            self.give_unfinished(&mut state, request, &tail);
        }
        state.requests.end(request);
    }

    /// Gives a request's tail what there is of its lines that have not ended. It gets no more of them.
    fn give_unfinished(&self, state: &mut State, request: &Arc<str>, tail: &Tail) {
        let State { streams, requests, .. } = state;
        for stream in streams {
            let Some(begun) = &mut stream.begun else { continue };
            if let Some(part) = stream.lines.unfinished() {
                let text = self.redactor.redact_part(part.before, part.bytes, part.has_ended);
                if requests.of(&text, begun.alone.as_ref()).is_some_and(|owner| owner.id == *request) {
                    tail.push(&text);
                }
            }
            if let Some(alone) = begun.alone.as_mut().filter(|alone| alone.id == *request) {
                alone.tail = None;
            }
        }
    }

    /// Reads the available bytes of both pipes.
    fn read_rest(&self, state: &mut State, rest: Rest) {
        for at in [0, 1] {
            let stream = &mut state.streams[at];
            if let (Rest::Written, Some(pipe)) = (rest, &mut stream.pipe) {
                pipe.ask();
            }
            // Polled with the reader's waker, because a poll replaces the waker of the pipe.
            let reader = std::mem::replace(&mut stream.reader, Waker::noop().clone());
            let read = self.read_some(state, at, &mut Context::from_waker(&reader));
            // It has not seen the end itself, nor the line that it is to wait for.
            if matches!(read, Poll::Ready(Read::End)) || state.streams[at].begun.is_some() {
                reader.wake_by_ref();
            }
            state.streams[at].reader = reader;
        }
    }

    /// The last line of the output that is not blank.
    pub(crate) fn last_line(&self) -> Option<String> {
        let lines = self.lock().recent.lines();
        lines.into_iter().rev().map(|(line, _)| line).find(|line| !line.trim().is_empty())
    }

    /// The latest output as one text.
    pub(crate) fn recent(&self) -> String {
        let lines = self.lock().recent.lines();
        lines.iter().map(|(line, _)| line.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// Waits until both pipes are at their end, so that the output is complete, but no longer than `limit`.
    pub(crate) async fn complete(&self, limit: Duration) {
        let mut lines = self.lines.subscribe();
        let closed = async { while self.lock().ended_pipes < 2 && lines.changed().await.is_ok() {} };
        // After the time limit, only the output so far is shown.
        _ = tokio::time::timeout(limit, closed).await;
    }

    /// Waits until no line came for `pause`, but no longer than `limit`: a line written before a reply may
    /// be read after it.
    pub(crate) async fn quiet(&self, pause: Duration, limit: Duration) {
        let mut lines = self.lines.subscribe();
        let silence = async { while tokio::time::timeout(pause, lines.changed()).await.is_ok() {} };
        _ = tokio::time::timeout(limit, silence).await;
    }

    /// Tells of a line, or of the end of a pipe. Mostly nobody waits, and a look for who does costs less than the news.
    fn tell_news(&self) {
        if self.lines.receiver_count() > 0 {
            self.lines.send_modify(|lines| *lines += 1);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a program marks the begin or the end of a call by itself. fc-local marks both in the log of the call.
fn is_marker(line: &str, request: &str) -> bool {
    let rest =
        line.strip_prefix("FC Invoke Start RequestId: ").or(line.strip_prefix("FC Invoke End RequestId: "));
    rest == Some(request)
}

#[cfg(test)]
mod tests;
