//! Which processor is whose: the server has one to itself, and the load comes from another.

use std::fs;
use std::thread;

use rustix::thread::{CpuSet, sched_setaffinity};

use crate::Outcome;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Processors {
    pub(crate) server: usize,
    pub(crate) client: usize,
}

impl Processors {
    /// The first and the last that this process may use.
    pub(crate) fn allowed() -> Outcome<Self> {
        let status = fs::read_to_string("/proc/self/status")?;
        let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        let mut numbers = list.unwrap_or("0").trim().split(['-', ',']);
        let server = numbers.next().unwrap_or("0").parse()?;
        let client = numbers.next_back().map_or(Ok(server), str::parse)?;
        Ok(Self { server, client })
    }

    /// How many they are.
    pub(crate) fn count(self) -> f64 {
        if self.server == self.client { 1.0 } else { 2.0 }
    }

    /// Runs the load in a thread that stays on its own processor.
    pub(crate) fn on_client<T: Send>(&self, work: impl FnOnce() -> Outcome<T> + Send) -> Outcome<T> {
        let mut set = CpuSet::new();
        set.set(self.client);
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                sched_setaffinity(None, &set).map_err(|error| error.to_string())?;
                work().map_err(|error| error.to_string())
            });
            Ok(thread.join().map_err(|_| "the load panicked")??)
        })
    }
}
