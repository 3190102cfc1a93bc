//! What a process writes: taken line by line, given to the log, and kept for error messages.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fc_runtime::platform::limits::KIB;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::net::unix::pipe::Receiver;
use tokio::sync::watch;

use super::lines::{Lines, Requests};
use crate::event::{Kind, Log, Redactor, Source, Tail};

/// How much of the latest output is kept for the text of a start failure.
const KEPT: usize = 16 * KIB;

/// How much is read at once.
const PIECE: usize = 8 * KIB;

/// How much is read from each pipe at the end of a call: all that a pipe holds, unless it was enlarged.
const REST_MAX: usize = 64 * KIB;

/// What a process writes.
pub(super) type Pipe = Receiver;

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
}

#[derive(Debug, Default)]
struct State {
    recent: VecDeque<String>,
    recent_size: usize,
    requests: Requests,
    /// Of the standard output and of the standard error.
    streams: [Stream; 2],
    ended_pipes: u8,
}

/// One of the two pipes, and the line that it is in.
#[derive(Debug, Default)]
struct Stream {
    pipe: Option<Arc<Pipe>>,
    lines: Lines,
}

impl Output {
    /// `kinds` are those of lines on the standard output and on the standard error.
    pub(crate) fn new(source: Source, log: Log, redactor: Redactor, kinds: [ToKind; 2]) -> Self {
        Output { source, log, redactor, state: Mutex::default(), lines: watch::Sender::new(0), kinds }
    }

    /// Reads one of the two pipes to its end.
    pub(crate) async fn read(self: Arc<Self>, pipe: Pipe, is_error: bool) {
        let (pipe, at) = (Arc::new(pipe), usize::from(is_error));
        self.lock().streams[at].pipe = Some(Arc::clone(&pipe));
        let mut piece = vec![0; PIECE];
        while pipe.readable().await.is_ok() {
            match pipe.try_read(&mut piece) {
                Ok(0) => break,
                Ok(length) => self.take(&mut self.lock(), at, &piece[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => break,
            }
        }
        let mut state = self.lock();
        self.flush(&mut state, at);
        state.streams[at].pipe = None;
        state.ended_pipes += 1;
        drop(state);
        self.lines.send_modify(|lines| *lines += 1);
    }

    /// Makes events of the lines that end in `bytes`.
    fn take(&self, state: &mut State, at: usize, bytes: &[u8]) {
        let mut lines = std::mem::take(&mut state.streams[at].lines);
        lines.push(bytes, |line| self.line(state, at, line));
        state.streams[at].lines = lines;
    }

    /// Makes an event of a line that has not ended.
    fn flush(&self, state: &mut State, at: usize) {
        if let Some(line) = state.streams[at].lines.flush() {
            self.line(state, at, &line);
        }
    }

    fn line(&self, state: &mut State, at: usize, line: &[u8]) {
        let text = self.redactor.redact(String::from_utf8_lossy(line).into_owned());
        state.recent_size += text.len() + 1;
        state.recent.push_back(text.clone());
        while state.recent_size > KEPT {
            let oldest = state.recent.pop_front().map_or(0, |oldest| oldest.len() + 1);
            state.recent_size -= oldest;
        }
        let source = match state.requests.attribute(&text) {
            Some(request) => self.source.with_request(&request),
            None => self.source.clone(),
        };
        self.log.emit(&source, self.kinds[at](text));
        self.lines.send_modify(|lines| *lines += 1);
    }

    /// From here on lines may belong to this request.
    pub(crate) fn begin(&self, request: &Arc<str>, tail: Option<Tail>) {
        let mut state = self.lock();
        // What was begun between two calls belongs to neither.
        if state.requests.is_empty() {
            self.flush_both(&mut state);
        }
        state.requests.begin(request, tail);
    }

    /// No further line belongs to this request, unless it names it. What the program has written by now is read, so that
    /// it is not taken for the next call's: a line without its end, too.
    pub(crate) fn end(&self, request: &Arc<str>) {
        let mut state = self.lock();
        // Among several calls a line belongs to the one it names, whenever it is read.
        if state.requests.is_only(request) {
            self.read_rest(&mut state);
            self.flush_both(&mut state);
        }
        state.requests.end(request);
    }

    fn flush_both(&self, state: &mut State) {
        self.flush(state, 0);
        self.flush(state, 1);
    }

    /// Reads what is in the pipes. The executor does not know of it before it has looked; the kernel does.
    fn read_rest(&self, state: &mut State) {
        let pipes = [0, 1].map(|at| state.streams[at].pipe.clone());
        let mut asked: Vec<_> = pipes.iter().flatten().map(|pipe| PollFd::new(pipe, PollFlags::IN)).collect();
        // One question for both, since most calls write nothing.
        if asked.is_empty() || !poll(&mut asked, Some(&Timespec::default())).is_ok_and(|ready| ready > 0) {
            return;
        }
        let mut piece = [0; PIECE];
        for (at, pipe) in pipes.iter().enumerate() {
            let Some(pipe) = pipe else { continue };
            let mut rest = REST_MAX;
            // Not by way of the executor, whose view is as old as its last look.
            while rest > 0
                && let Ok(length @ 1..) = rustix::io::read(pipe, &mut piece[..PIECE.min(rest)])
            {
                rest -= length;
                self.take(state, at, &piece[..length]);
            }
        }
    }

    /// The line that was written last, if it says anything.
    pub(crate) fn last_line(&self) -> Option<String> {
        self.lock().recent.iter().rev().find(|line| !line.trim().is_empty()).cloned()
    }

    /// The latest output as one text.
    pub(crate) fn recent(&self) -> String {
        let state = self.lock();
        state.recent.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }

    /// Waits until both pipes are at their end, so that the output is complete, but no longer than `limit`.
    pub(crate) async fn complete(&self, limit: Duration) {
        let mut lines = self.lines.subscribe();
        let closed = async { while self.lock().ended_pipes < 2 && lines.changed().await.is_ok() {} };
        // When the time is over, what has been written so far is all there is to show.
        _ = tokio::time::timeout(limit, closed).await;
    }

    /// Waits until no line came for `pause`, but no longer than `limit`: a line written before a reply may
    /// be read after it.
    pub(crate) async fn quiet(&self, pause: Duration, limit: Duration) {
        let mut lines = self.lines.subscribe();
        let silence = async { while tokio::time::timeout(pause, lines.changed()).await.is_ok() {} };
        _ = tokio::time::timeout(limit, silence).await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
