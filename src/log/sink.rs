//! Where lines go: stdout, without ever waiting for it.
//!
//! A pipe or a terminal is opened a second time in non-blocking mode, so that a reader that stopped reading
//! cannot stop serving: what does not fit stays in a bounded buffer, a helper thread tries again, and lines
//! beyond the bound are dropped and counted. A file never blocks and is written as it is.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Stdout, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
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
    Mutex::new(Sink { pending: Vec::new(), dropped: 0, out: None, stuck: false, helper: false });
/// Told when lines begin to wait.
static WAITING: Condvar = Condvar::new();
/// Told when none wait any more.
static WRITTEN: Condvar = Condvar::new();

struct Sink {
    pending: Vec<u8>,
    dropped: u64,
    out: Option<Out>,
    /// Whether the last write did not take everything.
    stuck: bool,
    /// Whether the helper thread runs.
    helper: bool,
}

enum Out {
    Again(File),
    Std(Stdout),
}

/// Appends lines. If `lines` says so, they and all that waited are written before this returns, unless stdout is stuck;
/// otherwise with the next ones, or a moment later.
pub(crate) fn write(lines: impl FnOnce(&mut Vec<u8>) -> bool) {
    let mut sink = lock();
    let before = sink.pending.len();
    let now = lines(&mut sink.pending);
    if sink.pending.len() > PENDING_MAX && before > 0 {
        sink.pending.truncate(before);
        sink.dropped += 1;
    }
    if now || sink.pending.len() >= BATCH {
        sink.flush();
    }
    if before == 0 && !sink.pending.is_empty() {
        sink.wake_helper();
    }
}

/// Writes what waits, unless stdout is stuck: before the instance may be frozen.
pub(crate) fn flush() {
    write(|_| true);
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
        if self.dropped > 0 {
            let dropped = std::mem::take(&mut self.dropped);
            let text = format!("stdout was stuck: {dropped} log lines were dropped");
            let _ = writeln!(self.pending, "{{\"level\":\"WARN\",\"message\":\"{text}\"}}");
        }
    }

    /// The helper thread is started when a line waits for the first time: most functions never need it.
    fn wake_helper(&mut self) {
        if self.helper {
            WAITING.notify_one();
        } else {
            self.helper = std::thread::Builder::new().name("fc-log".to_owned()).spawn(help).is_ok();
        }
    }
}

fn help() {
    let mut sink = lock();
    loop {
        sink = if sink.pending.is_empty() {
            WRITTEN.notify_all();
            WAITING.wait(sink).unwrap_or_else(PoisonError::into_inner)
        } else {
            // Let others join, or the reader read.
            let pause = if sink.stuck { RETRY } else { LINGER };
            drop(sink);
            std::thread::park_timeout(pause);
            let mut sink = lock();
            sink.flush();
            sink
        };
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
