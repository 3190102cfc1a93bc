//! What a process has used of the processor, in all of its threads, and the time that passed meanwhile.

use std::fs;
use std::time::Instant;

use crate::{Outcome, figure};

/// A measurement that has begun.
pub(crate) struct Meter {
    pid: u32,
    started: Instant,
    nanoseconds: f64,
}

impl Meter {
    pub(crate) fn start(pid: u32) -> Outcome<Self> {
        Ok(Self { pid, nanoseconds: of(pid)?, started: Instant::now() })
    }

    /// Prints what one of `count` took, by the clock and of the server's processor.
    pub(crate) fn stop(self, count: u64) -> Outcome {
        #[allow(clippy::cast_precision_loss, reason = "a count of what was measured in seconds")]
        let count = count as f64;
        figure("per-second", count / self.started.elapsed().as_secs_f64());
        if self.pid != 0 {
            figure("cpu-us", (of(self.pid)? - self.nanoseconds) / 1000.0 / count);
        }
        Ok(())
    }
}

/// Nanoseconds on a processor, in user space and in the kernel.
fn of(pid: u32) -> Outcome<f64> {
    let mut sum = 0.0;
    if pid == 0 {
        return Ok(sum);
    }
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        sum += text.split_whitespace().next().ok_or("an empty schedstat")?.parse::<f64>()?;
    }
    Ok(sum)
}
