//! The sink of log lines: stdout, written without blocking the caller.
//!
//! A pipe or a terminal is opened a second time in non-blocking mode, so that a reader that stops reading cannot block
//! the server. Bytes that stdout does not take stay in a bounded buffer, and a helper thread tries again. Lines beyond
//! the bound are dropped and counted. A regular file never blocks and is written directly.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, IsTerminal, Stdout, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::task;

/// The bound of the buffer, in bytes. Lines that would exceed it are dropped.
const PENDING_MAX: usize = 1024 * 1024;

/// Lines of requests that overlap share one write. A buffer of this size, in bytes, is flushed without further delay.
const BATCH: usize = 16 * 1024;

/// Room for the first lines, in bytes. Without it the first line makes the buffer grow four times.
const FIRST: usize = 512;

/// How often the helper thread retries while stdout takes no bytes.
const RETRY: Duration = Duration::from_millis(20);

/// The longest time a line is held back to share a write. Without it, one request that lasts for hours would hold back
/// the lines of all others.
const LINGER: Duration = Duration::from_millis(250);

/// `O_NONBLOCK` on Linux, the platform's only system.
const O_NONBLOCK: i32 = 0o4000;

static SINK: Mutex<Sink> =
    Mutex::new(Sink { pending: Vec::new(), dropped: 0, out: None, stuck: false, helper: Helper::None });
/// True while lines are held back to share a write. It is set before `write_once` calls `may` the second time.
static WAITING: AtomicBool = AtomicBool::new(false);
/// Wakes the sleeping helper thread when lines are held back or stdout is stuck.
static WANTED: Condvar = Condvar::new();
/// Wakes [`finish`] when the buffer is empty.
static WRITTEN: Condvar = Condvar::new();

struct Sink {
    pending: Vec<u8>,
    dropped: u64,
    out: Option<Out>,
    /// Whether the last write left bytes in the buffer.
    stuck: bool,
    helper: Helper,
}

/// The state of the helper thread, which flushes lines that no request flushed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Helper {
    /// Not started. Most functions never need the thread.
    None,
    /// Waits for `WANTED`.
    Sleeping,
    /// Pauses for `RETRY` or `LINGER`, and then flushes.
    Pausing,
}

enum Out {
    Again(File),
    Std(Stdout),
}

/// Appends lines and flushes the buffer before returning, unless stdout is stuck.
pub(crate) fn write(lines: impl FnOnce(&mut Vec<u8>)) {
    write_once(lines, || true);
}

/// Appends lines. They are flushed now if `may` allows a flush, else by a later [`flush_if`], or by the helper thread.
pub(crate) fn write_once(lines: impl FnOnce(&mut Vec<u8>), may: impl Fn() -> bool) {
    let mut sink = lock();
    let before = sink.pending.len();
    if sink.pending.capacity() == 0 {
        sink.pending.reserve_exact(FIRST);
    }
    lines(&mut sink.pending);
    if sink.pending.len() > PENDING_MAX && before > 0 {
        sink.pending.truncate(before);
        sink.dropped += 1;
    }
    if may() || sink.pending.len() >= BATCH {
        sink.flush();
    } else if !sink.pending.is_empty() {
        WAITING.store(true, Ordering::SeqCst);
        // Asked again: the last other request may have read `WAITING` in `flush_if` before it was set here.
        if may() {
            sink.flush();
        }
    }
    if before == 0 && !sink.pending.is_empty() {
        sink.wake_helper();
    }
}

/// Flushes lines that were held back, if `may` allows a flush now.
pub(crate) fn flush_if(may: impl Fn() -> bool) {
    if WAITING.load(Ordering::SeqCst) && may() {
        flush();
    }
}

/// Flushes the buffer, unless stdout is stuck. Called before the platform may freeze the instance.
pub(crate) fn flush() {
    write(|_| {});
}

/// Flushes the buffer, and waits up to `limit` for a stdout that is stuck. Called at the end of the process.
pub(crate) fn finish(limit: Duration) {
    let mut sink = lock();
    sink.flush();
    drop(WRITTEN.wait_timeout_while(sink, limit, |sink| !sink.pending.is_empty()));
}

/// Whether stdout is a terminal. Asked of what lines go to, since the standard library's handle has a buffer of its own, and a
/// pipe never needs it.
pub(crate) fn is_terminal() -> bool {
    match lock().out.get_or_insert_with(open) {
        Out::Again(file) => file.is_terminal(),
        Out::Std(stdout) => stdout.is_terminal(),
    }
}

fn lock() -> MutexGuard<'static, Sink> {
    SINK.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sink {
    fn flush(&mut self) {
        let out = self.out.get_or_insert_with(open);
        let mut written = 0;
        while written < self.pending.len() {
            match out.write(&self.pending[written..]) {
                Ok(0) => break,
                Ok(n) => written += n,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // A failing stdout leaves no channel to report it on: the bytes are dropped, and serving goes on.
                Err(_) => written = self.pending.len(),
            }
        }
        self.stuck = written < self.pending.len();
        if self.stuck {
            self.pending.drain(..written);
            self.wake_helper();
            return;
        }
        self.pending.clear();
        WAITING.store(false, Ordering::Relaxed);
        if self.dropped > 0 {
            let dropped = std::mem::take(&mut self.dropped);
            let text = format!("stdout was stuck: {dropped} log lines were dropped");
            let _ = writeln!(self.pending, "{{\"level\":\"WARN\",\"message\":\"{text}\"}}");
        }
    }

    fn wake_helper(&mut self) {
        match self.helper {
            Helper::None => {
                let thread = task::thread("fc-log", None, Box::new(help));
                self.helper = if thread.is_ok() { Helper::Pausing } else { Helper::None };
            }
            Helper::Sleeping => WANTED.notify_one(),
            Helper::Pausing => {}
        }
    }
}

fn help() {
    let mut sink = lock();
    loop {
        if sink.pending.is_empty() {
            WRITTEN.notify_all();
            sink.helper = Helper::Sleeping;
            sink = WANTED.wait(sink).unwrap_or_else(PoisonError::into_inner);
            sink.helper = Helper::Pausing;
        } else {
            // Give other lines time to share the write, or the reader time to read.
            let pause = if sink.stuck { RETRY } else { LINGER };
            drop(sink);
            std::thread::park_timeout(pause);
            sink = lock();
            sink.flush();
        }
    }
}

impl Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Again(file) => file.write(bytes),
            Self::Std(stdout) => stdout.lock().write_all(bytes).map(|()| bytes.len()),
        }
    }
}

/// Opens stdout in non-blocking mode if it is a pipe or a terminal. A socket cannot be opened by path. A regular file
/// keeps its write position only through the standard handle.
fn open() -> Out {
    const STDOUT: &str = "/proc/self/fd/1";
    let kind = std::fs::metadata(STDOUT).map(|meta| meta.file_type());
    if kind.is_ok_and(|kind| kind.is_fifo() || kind.is_char_device()) {
        let again = OpenOptions::new().write(true).custom_flags(O_NONBLOCK).open(STDOUT);
        if let Ok(file) = again {
            return Out::Again(file);
        }
    }
    Out::Std(io::stdout())
}
