//! Where lines go: stdout, without ever waiting for it.
//!
//! A pipe or a terminal is opened a second time in non-blocking mode, so that a reader that stopped reading
//! cannot stop serving: what does not fit stays in a bounded buffer, a helper thread tries again, and lines
//! beyond the bound are dropped and counted. A file never blocks and is written as it is.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Stdout, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How much may wait for a reader that stopped reading.
const PENDING_MAX: usize = 1024 * 1024;

/// Lines of requests that overlap are written together once they come to this much.
const BATCH: usize = 16 * 1024;

/// How often the helper thread tries again while stdout is stuck.
const RETRY: Duration = Duration::from_millis(20);

/// How long a line may wait for others: of requests that overlap, one may last for hours.
const LINGER: Duration = Duration::from_millis(250);

/// `O_NONBLOCK` on Linux, the platform's only system.
const O_NONBLOCK: i32 = 0o4000;

static SINK: Mutex<Sink> =
    Mutex::new(Sink { pending: Vec::new(), dropped: 0, out: None, stuck: false, helper: Helper::None });
/// Whether lines wait to be written with others. Set before it is asked again whether they may.
static WAITING: AtomicBool = AtomicBool::new(false);
/// Told when lines begin to wait and the helper thread sleeps.
static WANTED: Condvar = Condvar::new();
/// Told when none wait any more.
static WRITTEN: Condvar = Condvar::new();

struct Sink {
    pending: Vec<u8>,
    dropped: u64,
    out: Option<Out>,
    /// Whether the last write did not take everything.
    stuck: bool,
    helper: Helper,
}

/// The thread that writes what nobody else wrote.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Helper {
    /// Most functions never need it.
    None,
    /// Until lines wait.
    Sleeping,
    /// Comes back by itself.
    Pausing,
}

enum Out {
    Again(File),
    Std(Stdout),
}

/// Appends lines, and writes them with all that waited before this returns, unless stdout is stuck.
pub(crate) fn write(lines: impl FnOnce(&mut Vec<u8>)) {
    write_once(lines, || true);
}

/// Appends lines, and writes them with all that waited as soon as `may` says so: now, by [`flush_if`], or a moment later.
pub(crate) fn write_once(lines: impl FnOnce(&mut Vec<u8>), may: impl Fn() -> bool) {
    let mut sink = lock();
    let before = sink.pending.len();
    lines(&mut sink.pending);
    if sink.pending.len() > PENDING_MAX && before > 0 {
        sink.pending.truncate(before);
        sink.dropped += 1;
    }
    if may() || sink.pending.len() >= BATCH {
        sink.flush();
    } else if !sink.pending.is_empty() {
        WAITING.store(true, Ordering::SeqCst);
        // Asked again: the last request may have looked at `WAITING` before it was set.
        if may() {
            sink.flush();
        }
    }
    if before == 0 && !sink.pending.is_empty() {
        sink.wake_helper();
    }
}

/// Flushes pending lines if the condition that they were held back for is over.
pub(crate) fn flush_if(may: impl Fn() -> bool) {
    if WAITING.load(Ordering::SeqCst) && may() {
        flush();
    }
}

/// Writes what waits, unless stdout is stuck: before the instance may be frozen.
pub(crate) fn flush() {
    write(|_| {});
}

/// Writes what waits, and waits itself up to `limit` for a stdout that is stuck. For the end of the process.
pub(crate) fn finish(limit: Duration) {
    let mut sink = lock();
    sink.flush();
    drop(WRITTEN.wait_timeout_while(sink, limit, |sink| !sink.pending.is_empty()));
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
                // Nobody can be told that stdout is gone; serving goes on.
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
                let thread = std::thread::Builder::new().name("fc-log".to_owned()).spawn(help);
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
            // Let others join, or the reader read.
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

/// Sockets cannot be opened by path, and files are better not: both are written through the standard handle.
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
