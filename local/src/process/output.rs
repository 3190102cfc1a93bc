//! The output of a process: read line by line, given to the log, and kept for error messages.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use fc_runtime::platform::limits::KIB;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::watch;

use super::lines::{Lines, Requests};
use super::runner::Pipe;
use crate::event::{Kind, Log, Redactor, Source, Tail};

/// The most output that is kept for the text of a failed start, in bytes.
const KEPT: usize = 16 * KIB;

/// How much is read at once.
const PIECE: usize = 8 * KIB;

/// How much is read from a pipe in one turn, and at both ends of a call: all that a pipe holds, unless it was enlarged.
const REST_MAX: usize = 64 * KIB;

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
struct Stream {
    /// `None` before it is read, and after its end.
    pipe: Option<Pipe>,
    /// Wakes the task that reads.
    reader: Waker,
    lines: Lines,
}

/// How far a pipe was read.
enum Read {
    /// As far as one turn goes.
    Some,
    End,
}

impl Default for Stream {
    fn default() -> Self {
        Stream { pipe: None, reader: Waker::noop().clone(), lines: Lines::default() }
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
        Output { source, log, redactor, state: Mutex::default(), lines: watch::Sender::new(0), kinds }
    }

    /// Reads one of the two pipes to its end.
    pub(crate) async fn read(self: Arc<Self>, pipe: Pipe, is_error: bool) {
        let at = usize::from(is_error);
        self.lock().streams[at].pipe = Some(pipe);
        poll_fn(|context| {
            let mut state = self.lock();
            state.streams[at].reader.clone_from(context.waker());
            let read = self.read_some(&mut state, at, context);
            if matches!(read, Poll::Ready(Read::Some)) {
                // Others have their turn before the rest.
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            read.map(drop)
        })
        .await;
        let mut state = self.lock();
        self.flush(&mut state, at);
        state.ended_pipes += 1;
        drop(state);
        self.lines.send_modify(|lines| *lines += 1);
    }

    /// Reads what is there now, at most [`REST_MAX`].
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

    /// Begins a request: later lines may belong to it.
    pub(crate) fn begin(&self, request: &Arc<str>, tail: Option<Tail>) {
        let mut state = self.lock();
        // What was written before is not this call's. Beside two others a line belongs to the one it names, whenever
        // it is read.
        if state.requests.count() <= 1 {
            self.read_rest(&mut state);
        }
        // What was begun between two calls belongs to neither.
        if state.requests.count() == 0 {
            self.flush_both(&mut state);
        }
        state.requests.begin(request, tail);
    }

    /// No further line belongs to this request, unless it names it. What the program has written by now is read, so that
    /// it is not taken for another call's: a line without its end, too.
    pub(crate) fn end(&self, request: &Arc<str>) {
        let mut state = self.lock();
        // If two or more stay, a line belongs to the one it names, whenever it is read.
        if state.requests.count() <= 2 {
            self.read_rest(&mut state);
        }
        if state.requests.is_only(request) {
            self.flush_both(&mut state);
        }
        state.requests.end(request);
    }

    fn flush_both(&self, state: &mut State) {
        self.flush(state, 0);
        self.flush(state, 1);
    }

    /// Reads what is in the pipes.
    fn read_rest(&self, state: &mut State) {
        for at in [0, 1] {
            // The task that reads is still the one to be woken by what comes later.
            let reader = state.streams[at].reader.clone();
            if let Poll::Ready(Read::End) = self.read_some(state, at, &mut Context::from_waker(&reader)) {
                // It has not seen the end itself.
                reader.wake();
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

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::io::{AsyncWriteExt, DuplexStream};
    use tokio::task::JoinHandle;
    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::event::{Event, Events};

    /// An output whose reader has no turn while a test writes and calls.
    async fn output() -> (Arc<Output>, Events, DuplexStream, JoinHandle<()>) {
        let (log, events) = Log::new();
        let output = Output::new(Source::default(), log, Redactor::default(), [Kind::Stdout, Kind::Stderr]);
        let output = Arc::new(output);
        let (program, pipe) = tokio::io::duplex(KIB);
        let reader = TaskTracker::new().spawn(Arc::clone(&output).read(Box::new(pipe), false));
        tokio::task::yield_now().await;
        (output, events, program, reader)
    }

    #[track_caller]
    fn check(events: &mut Events, expected: &[(&str, Option<&str>)]) {
        let mut seen = Vec::new();
        events.take(&mut seen, 10);
        let line =
            |event: &Arc<Event>| (event.text().into_owned(), event.request.as_deref().map(str::to_owned));
        let expected = expected.iter().map(|(text, id)| ((*text).to_owned(), id.map(str::to_owned)));
        assert_eq!(seen.iter().map(line).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn what_was_written_by_the_end_of_a_call_is_its_own() {
        let (output, mut events, mut program, reader) = output().await;
        let [one, two] = ["one", "two"].map(Arc::<str>::from);
        output.begin(&one, None);
        program.write_all(b"whole\nhalf").await.unwrap();
        output.end(&one);
        output.begin(&two, None);
        program.write_all(b" of the next\n").await.unwrap();
        output.end(&two);
        drop(program);
        reader.await.unwrap();
        check(&mut events, &[("whole", Some("one")), ("half", Some("one")), (" of the next", Some("two"))]);
    }

    #[tokio::test]
    async fn what_was_written_while_calls_overlap_is_not_given_to_the_one_that_stays() {
        let (output, mut events, mut program, reader) = output().await;
        let [one, two, three] = ["one", "two", "three"].map(Arc::<str>::from);
        let tail = Tail::default();
        output.begin(&one, None);
        output.begin(&two, Some(tail.clone()));
        program.write_all(b"of either\n").await.unwrap();
        output.end(&one);
        program.write_all(b"of two\n").await.unwrap();
        output.begin(&three, None);
        program.write_all(b"of either again\n").await.unwrap();
        output.end(&three);
        output.end(&two);
        drop(program);
        reader.await.unwrap();
        check(&mut events, &[("of either", None), ("of two", Some("two")), ("of either again", None)]);
        assert_eq!(tail.text(), "of two\n");
    }

    #[tokio::test]
    async fn what_was_written_before_a_call_is_not_its_own() {
        let (output, mut events, mut program, reader) = output().await;
        let one = Arc::<str>::from("one");
        program.write_all(b"before\n").await.unwrap();
        output.begin(&one, None);
        program.write_all(b"within\n").await.unwrap();
        output.end(&one);
        drop(program);
        reader.await.unwrap();
        check(&mut events, &[("before", None), ("within", Some("one"))]);
    }

    /// A pipe that wakes nobody.
    struct Mute(Arc<AtomicBool>);

    impl AsyncRead for Mute {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<std::io::Result<()>> {
            if self.0.load(Ordering::Relaxed) { Poll::Ready(Ok(())) } else { Poll::Pending }
        }
    }

    /// The end of a call may see the end of a pipe before the task that reads does.
    #[tokio::test]
    async fn an_end_that_a_call_sees_ends_the_reader() {
        let (log, _events) = Log::new();
        let output = Output::new(Source::default(), log, Redactor::default(), [Kind::Stdout, Kind::Stderr]);
        let output = Arc::new(output);
        let has_ended = Arc::new(AtomicBool::new(false));
        let reader =
            TaskTracker::new().spawn(Arc::clone(&output).read(Box::new(Mute(Arc::clone(&has_ended))), false));
        tokio::task::yield_now().await;
        let id = Arc::<str>::from("id");
        output.begin(&id, None);
        has_ended.store(true, Ordering::Relaxed);
        output.end(&id);
        tokio::time::timeout(Duration::from_secs(30), reader).await.expect("it ends").unwrap();
    }
}
