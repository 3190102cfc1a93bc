//! Lines that a process writes, kept as they come.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// The lines so far. Clones look at the same ones.
#[derive(Debug, Clone, Default)]
pub struct Lines(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<String>,
    is_over: bool,
}

impl Lines {
    /// No lines, of a writer that nobody listens to.
    pub(crate) fn none() -> Self {
        let lines = Self::default();
        lines.lock().is_over = true;
        lines
    }

    /// Reads `from` to its end on a thread of its own. Lines that `skipped` takes are not kept.
    pub fn collect(from: impl Read + Send + 'static, skipped: fn(&str) -> bool) -> Self {
        let lines = Self::default();
        let into = lines.clone();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(from);
            let mut line = Vec::new();
            // What is no text is kept too: a line must not end the reading.
            while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                let text = String::from_utf8_lossy(&line);
                let text = text.strip_suffix('\n').unwrap_or(&text);
                if !skipped(text) {
                    into.lock().lines.push(text.to_owned());
                    into.0.changed.notify_all();
                }
                line.clear();
            }
            into.lock().is_over = true;
            into.0.changed.notify_all();
        });
        lines
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("no reader panics")
    }

    /// A copy of all lines so far.
    pub fn all(&self) -> Vec<String> {
        self.lock().lines.clone()
    }

    /// All lines so far, as one text.
    pub fn text(&self) -> String {
        self.lock().lines.join("\n")
    }

    /// Looks at all lines again whenever there are more of them, until `look` finds something. `None` where it never
    /// does: the writer has ended, or `limit` is over.
    pub(crate) fn wait<T>(&self, limit: Duration, mut look: impl FnMut(&[String]) -> Option<T>) -> Option<T> {
        let end = Instant::now() + limit;
        let mut state = self.lock();
        loop {
            if let Some(found) = look(&state.lines) {
                return Some(found);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || state.is_over {
                return None;
            }
            state = self.0.changed.wait_timeout(state, left).expect("no reader panics").0;
        }
    }

    /// Waits for a line that holds `part`, among those that have come and those that will.
    #[track_caller]
    pub fn wait_for(&self, part: &str) -> String {
        let found =
            self.wait(crate::PATIENCE, |lines| lines.iter().find(|line| line.contains(part)).cloned());
        found.unwrap_or_else(|| panic!("no line with {part:?} in\n{}", self.text()))
    }

    /// Waits until the writer has closed its end.
    #[track_caller]
    pub fn until_over(&self) {
        crate::until("the output to end", || self.lock().is_over.then_some(()));
    }
}
