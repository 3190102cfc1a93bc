//! The output of a process: read line by line, given to the log, and kept for error messages.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fc_runtime::platform::limits::{KIB, LOG_LINE_MAX};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::watch;

use super::runner::Pipe;
use crate::event::{Kind, Log, Redactor, Source, Tail};

/// The most output that is kept for the text of a failed start, in bytes.
const KEPT: usize = 16 * KIB;

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
    requests: Vec<(Arc<str>, Option<Tail>)>,
    open_pipes: u8,
}

impl Output {
    /// `kinds` are the kinds of events for lines on standard output and standard error.
    pub(crate) fn new(source: Source, log: Log, redactor: Redactor, kinds: [ToKind; 2]) -> Self {
        let state = Mutex::new(State { open_pipes: 2, ..State::default() });
        Output { source, log, redactor, state, lines: watch::Sender::new(0), kinds }
    }

    /// Reads one of the two pipes to its end.
    pub(crate) async fn read(self: Arc<Self>, pipe: Pipe, is_error: bool) {
        let mut reader = BufReader::with_capacity(8 * KIB, pipe);
        let mut line = Vec::new();
        while let Ok(more) = read_line(&mut reader, &mut line).await {
            if !line.is_empty() || more {
                self.line(&line, is_error);
            }
            if !more {
                break;
            }
        }
        self.lock().open_pipes -= 1;
        self.lines.send_modify(|lines| *lines += 1);
    }

    fn line(&self, line: &[u8], is_error: bool) {
        let text = self.redactor.redact(String::from_utf8_lossy(line).into_owned());
        let request = {
            let mut state = self.lock();
            state.recent_size += text.len() + 1;
            state.recent.push_back(text.clone());
            while state.recent_size > KEPT {
                let oldest = state.recent.pop_front().map_or(0, |oldest| oldest.len() + 1);
                state.recent_size -= oldest;
            }
            state.attribute(&text)
        };
        let source = match request {
            Some(request) => self.source.with_request(&request),
            None => self.source.clone(),
        };
        let kind = self.kinds[usize::from(is_error)];
        self.log.emit(&source, kind(text));
        self.lines.send_modify(|lines| *lines += 1);
    }

    /// Begins a request: later lines may belong to it.
    pub(crate) fn begin(&self, request: &Arc<str>, tail: Option<Tail>) {
        self.lock().requests.push((Arc::clone(request), tail));
    }

    pub(crate) fn end(&self, request: &Arc<str>) {
        self.lock().requests.retain(|(id, _)| id != request);
    }

    /// The latest output as one text.
    pub(crate) fn recent(&self) -> String {
        let state = self.lock();
        state.recent.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }

    /// Waits until both pipes are at their end, so that the output is complete, but no longer than `limit`.
    pub(crate) async fn complete(&self, limit: Duration) {
        let mut lines = self.lines.subscribe();
        let closed = async { while self.lock().open_pipes > 0 && lines.changed().await.is_ok() {} };
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

impl State {
    /// The request that a line belongs to: the request that it names, or the only one in flight.
    fn attribute(&self, line: &str) -> Option<Arc<str>> {
        let found = match &self.requests[..] {
            [] => None,
            [only] => Some(only),
            several => several.iter().find(|(id, _)| line.contains(&**id)),
        };
        let (id, tail) = found?;
        if let Some(tail) = tail {
            tail.push(line);
        }
        Some(Arc::clone(id))
    }
}

/// Reads up to the next line feed or 32 KiB, without the line feed. `false` at the end.
async fn read_line(reader: &mut BufReader<Pipe>, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    loop {
        let chunk = reader.fill_buf().await?;
        if chunk.is_empty() {
            return Ok(false);
        }
        let room = LOG_LINE_MAX - line.len();
        let window = &chunk[..chunk.len().min(room)];
        if let Some(end) = window.iter().position(|byte| *byte == b'\n') {
            line.extend_from_slice(&window[..end]);
            reader.consume(end + 1);
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return Ok(true);
        }
        line.extend_from_slice(window);
        let taken = window.len();
        reader.consume(taken);
        if line.len() >= LOG_LINE_MAX {
            return Ok(true);
        }
    }
}
