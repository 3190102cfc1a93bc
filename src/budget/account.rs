//! The memory budget of the process, and the account of each connection.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::budget::REQUEST_COST;
use crate::counters::Count;
use crate::log::say;
use crate::platform::limits::{CLIENT_MEMORY_SHARE, KIB, MEMORY_UNKNOWN_MIB, MIB};
use crate::watched::Watched;

/// The memory that all connections together may hold. Clones share one pool.
#[derive(Clone)]
pub(crate) struct Budget(Arc<Pool>);

/// The bounds of [`Budget::window`], in bytes, and the number of windows that make up a budget.
#[cfg(feature = "http2")]
const WINDOW_MIN: usize = 256 * KIB;
#[cfg(feature = "http2")]
const WINDOW_MAX: usize = MIB;
#[cfg(feature = "http2")]
const WINDOWS: usize = 128;

pub(super) struct Pool {
    most: usize,
    many: u64,
    used: AtomicUsize,
    refused: Count,
    /// Changes when the pool has room again.
    pub(super) room: Watched,
}

/// The memory that one connection holds.
pub(crate) struct Account {
    pub(super) pool: Arc<Pool>,
    held: AtomicUsize,
    /// Changes when the account has room again.
    pub(super) room: Watched,
}

/// Memory that stays counted until this value is dropped.
pub(crate) struct Held {
    account: Arc<Account>,
    bytes: usize,
}

/// The default budget: a third of the instance's memory, in bytes.
pub(crate) fn budget_for(memory_mib: Option<u32>) -> usize {
    let mib = memory_mib.filter(|mib| *mib > 0).unwrap_or(MEMORY_UNKNOWN_MIB);
    (mib as usize).saturating_mul(MIB) / CLIENT_MEMORY_SHARE
}

impl Budget {
    pub(crate) fn new(most: usize) -> Self {
        let (used, refused) = (AtomicUsize::new(0), Count::default());
        let many = (most / 4 / REQUEST_COST) as u64;
        Self(Arc::new(Pool { most, many, used, refused, room: Watched::default() }))
    }

    /// How often the budget has refused memory.
    pub(crate) fn refused(&self) -> u64 {
        self.0.refused.get()
    }

    /// Whether `in_flight` requests would hold more than a quarter of the budget, at 4 KiB each.
    pub(crate) fn are_many(&self, in_flight: u64) -> bool {
        in_flight > self.0.many
    }

    /// The receive window of one HTTP/2 connection, in bytes. Unread bytes in the window are not counted.
    #[cfg(feature = "http2")]
    pub(crate) fn window(&self) -> u32 {
        let window = (self.0.most / WINDOWS).clamp(WINDOW_MIN, WINDOW_MAX);
        u32::try_from(window).unwrap_or(u32::MAX)
    }

    /// Whether nothing is counted.
    #[cfg(test)]
    pub(crate) fn is_unused(&self) -> bool {
        self.0.used.load(Ordering::SeqCst) == 0
    }

    pub(crate) fn account(&self) -> Arc<Account> {
        let (pool, held) = (Arc::clone(&self.0), AtomicUsize::new(0));
        Arc::new(Account { pool, held, room: Watched::default() })
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = self.0.used.load(Ordering::Relaxed);
        f.debug_struct("Budget").field("most", &self.0.most).field("used", &used).finish_non_exhaustive()
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.held.load(Ordering::Relaxed);
        f.debug_struct("Account").field("held", &held).finish_non_exhaustive()
    }
}

impl Account {
    /// Counts `bytes`. `None` if the connection or the process would exceed its limit.
    pub(crate) fn take(self: &Arc<Self>, bytes: usize) -> Option<Held> {
        let mut held = Held { account: Arc::clone(self), bytes: 0 };
        held.grow_to(bytes).then_some(held)
    }

    /// Counts `bytes` even if there is no room.
    pub(super) fn add(&self, bytes: usize) {
        self.pool.used.fetch_add(bytes, Ordering::SeqCst);
        self.held.fetch_add(bytes, Ordering::SeqCst);
    }

    /// Takes the count back, and wakes those that wait when one of the lines of [`has_room`](Self::has_room) is crossed. A
    /// lower line would save wakes, but what others hold may stay between the two lines for good.
    pub(super) fn remove(&self, bytes: usize) {
        let falls_below = |line: usize, before: usize| before >= line && before - bytes < line;
        let before = self.held.fetch_sub(bytes, Ordering::SeqCst);
        let most = self.most();
        if [super::SMALL, most / 2, most].into_iter().any(|line| falls_below(line, before)) {
            self.room.update(|changes| changes + 1);
        }
        let before = self.pool.used.fetch_sub(bytes, Ordering::SeqCst);
        if [self.pool.most, self.pool.most_of_all()].into_iter().any(|line| falls_below(line, before)) {
            self.pool.room.update(|changes| changes + 1);
        }
    }

    /// Whether a stream may add to the unread bytes of its reply; `is_read` says that the stream has none.
    ///
    /// A connection below [`SMALL`](super::SMALL) bytes may use half as much again as the budget, so that a few greedy
    /// connections do not stop the others. Hundreds of greedy connections use that reserve up too. Above `SMALL`, half
    /// of a connection's limit is kept for streams that have nothing unread.
    pub(crate) fn has_room(&self, is_read: bool) -> bool {
        let (held, used) = (self.held.load(Ordering::SeqCst), self.pool.used.load(Ordering::SeqCst));
        if held < super::SMALL {
            return used < self.pool.most_of_all();
        }
        let most = if is_read { self.most() } else { self.most() / 2 };
        held < most && used < self.pool.most
    }

    /// The limit of one connection: three quarters of the budget.
    fn most(&self) -> usize {
        self.pool.most - self.pool.most / 4
    }

    /// Whether the connection or the process would hold too much with so many bytes more.
    fn is_over_with(&self, more: usize) -> bool {
        self.held.load(Ordering::SeqCst).saturating_add(more) > self.most()
            || self.pool.used.load(Ordering::SeqCst).saturating_add(more) > self.pool.most
    }
}

impl Held {
    /// Counts up to `bytes`. False, with the count unchanged, if the connection or the process would exceed its limit.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        if more == 0 {
            return true;
        }
        // What is refused is not counted first: to take the count back would wake every stream that waits.
        if !self.account.is_over_with(more) {
            self.account.add(more);
            // Another thread may have taken the room meanwhile.
            if !self.account.is_over_with(0) {
                self.bytes = bytes;
                return true;
            }
            self.account.remove(more);
        }
        self.account.pool.refuse();
        false
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.account.remove(self.bytes);
    }
}

impl Pool {
    /// Where streams of connections that hold little wait too.
    fn most_of_all(&self) -> usize {
        self.most.saturating_add(self.most / 2)
    }

    /// The log has a line for the first refusal, and one whenever their number has doubled.
    #[cold]
    fn refuse(&self) {
        let count = self.refused.increment();
        if count.is_power_of_two() {
            say::warn(format_args!(
                "clients make this instance hold as much memory as they may, {} KiB of {} KiB; refused so far: {count}",
                self.used.load(Ordering::Relaxed) / KIB,
                self.most / KIB,
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::limits::REQUEST_BODY_MAX;

    #[test]
    fn a_connection_holds_at_most_a_part_and_all_together_the_whole() {
        let budget = Budget::new(1000);
        let accounts = [(); 3].map(|()| budget.account());
        let first = accounts[0].take(750).unwrap();
        assert!(accounts[0].take(1).is_none());
        let mut second = accounts[1].take(100).unwrap();
        assert!(second.grow_to(200) && second.grow_to(150) && !second.grow_to(251));
        assert_eq!(second.bytes, 200);
        let third = accounts[2].take(50).unwrap();
        assert!(accounts[2].take(1).is_none());
        drop(first);
        assert!(accounts[2].take(1).is_some());
        drop((second, third));
        assert!(budget.is_unused());
        assert_eq!(budget.refused(), 3);
    }

    #[test]
    fn the_default_is_a_share_of_the_instance() {
        assert_eq!(budget_for(Some(384)), 128 * MIB);
        assert_eq!(budget_for(None), 1024 * MIB / 3);
        assert_eq!(budget_for(Some(0)), budget_for(None));
        // The smallest instance has room for the largest body.
        assert!(Budget::new(budget_for(Some(128))).account().take(REQUEST_BODY_MAX).is_some());
    }
}
