//! Time that a virtual machine's processors did not have, since others had it: `/proc/stat` counts it as stolen.

use std::cell::Cell;
use std::fs;
use std::time::Instant;

use rustix::param::clock_ticks_per_second;

use crate::Outcome;
use crate::processors::Processors;

/// A round from which more was stolen is taken again. One tick in a round of half a second on two processors is 1 %.
const STOLEN_MAX: f64 = 1.5;

/// How often one round is taken at most.
const TRIES: usize = 3;

/// Takes rounds, and those again from which too much was stolen.
pub(crate) struct Undisturbed {
    processors: Processors,
    /// How many rounds may still be taken again. On a machine that is robbed all the time, a row has an end too.
    again: Cell<usize>,
}

/// A round that counts, and the percentage that was stolen from it.
pub(crate) struct Round<T> {
    pub(crate) value: T,
    pub(crate) stolen: f64,
}

impl Undisturbed {
    /// `again`: how many rounds of a row may be taken again.
    pub(crate) fn new(processors: Processors, again: usize) -> Self {
        Self { processors, again: Cell::new(again) }
    }

    /// One round: of its tries, the one from which least was stolen.
    pub(crate) fn round<T>(&self, mut work: impl FnMut() -> Outcome<T>) -> Outcome<Round<T>> {
        let mut best = self.once(&mut work)?;
        for _ in 1..TRIES {
            if best.stolen <= STOLEN_MAX || self.again.get() == 0 {
                break;
            }
            self.again.set(self.again.get() - 1);
            let next = self.once(&mut work)?;
            if next.stolen < best.stolen {
                best = next;
            }
        }
        Ok(best)
    }

    fn once<T>(&self, work: &mut impl FnMut() -> Outcome<T>) -> Outcome<Round<T>> {
        let (before, begun) = (self.stolen_ticks()?, Instant::now());
        let value = work()?;
        let ticks = self.stolen_ticks()? - before;
        #[allow(clippy::cast_precision_loss, reason = "a hundred")]
        let per_second = clock_ticks_per_second() as f64;
        let share = ticks / per_second / (begun.elapsed().as_secs_f64() * self.processors.count());
        Ok(Round { value, stolen: share * 100.0 })
    }

    /// Of the server's processor and the load's, since the machine started.
    fn stolen_ticks(&self) -> Outcome<f64> {
        let text = fs::read_to_string("/proc/stat")?;
        let Processors { server, client } = self.processors;
        let own = |processor: usize| stolen(&text, processor);
        Ok(own(server) + if client == server { 0.0 } else { own(client) })
    }
}

/// The eighth number of a processor's line. Kernels that count no stolen time have none.
fn stolen(stat: &str, processor: usize) -> f64 {
    let name = format!("cpu{processor}");
    let line = stat.lines().find(|line| line.split_whitespace().next() == Some(&name));
    line.and_then(|line| line.split_whitespace().nth(8)?.parse().ok()).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str =
        "cpu  9 9 9 9 9 9 9 30 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\ncpu1 1 2 3 4 5 6 7 22 0 0\nintr 1\n";

    #[test]
    #[allow(clippy::float_cmp, reason = "whole numbers")]
    fn stolen_time_is_read_of_a_processor() {
        assert_eq!((stolen(STAT, 0), stolen(STAT, 1), stolen(STAT, 2)), (8.0, 22.0, 0.0));
    }

    #[test]
    fn a_quiet_round_is_taken_once() {
        let undisturbed = Undisturbed::new(Processors { server: 900, client: 901 }, 5);
        let mut taken = 0;
        let round = undisturbed.round(|| {
            taken += 1;
            Ok(taken)
        });
        let round = round.unwrap();
        assert_eq!((round.value, taken), (1, 1));
        assert!(round.stolen <= 0.0, "processors that there are not have no time");
    }
}
