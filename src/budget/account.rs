//! The memory budget of the process, and the account of each connection.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::counters::Count;
use crate::log::say;
use crate::platform::limits::{CLIENT_MEMORY_SHARE, KIB, MEMORY_UNKNOWN_MIB, MIB};
use crate::watched::Watched;

/// The memory that all connections together may hold. Clones share one pool.
#[derive(Clone)]
pub(crate) struct Budget(pub(super) Arc<Pool>);

pub(super) struct Pool {
    pub(super) most: usize,
    used: AtomicUsize,
    connections: AtomicUsize,
    /// The part that HTTP/2 connections have reserved.
    #[cfg(feature = "http2")]
    pub(super) shared: super::share::Shared,
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
        Self(Arc::new(Pool {
            most,
            used: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            #[cfg(feature = "http2")]
            shared: super::share::Shared::default(),
            refused: Count::default(),
            room: Watched::default(),
        }))
    }

    /// How often the budget has refused memory.
    pub(crate) fn refused(&self) -> u64 {
        self.0.refused.get()
    }

    /// Counts a connection, which may hold 64 KiB beside the budget.
    pub(crate) fn connect(&self) {
        self.0.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes back the count of [`connect`](Self::connect).
    pub(crate) fn disconnect(&self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether the open connections would hold more than a quarter of the budget, at 64 KiB each.
    pub(crate) fn has_many_connections(&self) -> bool {
        self.0.connections.load(Ordering::Relaxed) > self.0.most / 4 / super::SMALL
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
        self.pool.add(bytes);
        self.held.fetch_add(bytes, Ordering::SeqCst);
    }

    /// Takes the count back, and wakes those that wait when one of the lines of [`has_room`](Self::has_room) is crossed. A
    /// lower line would save wakes, but what others hold may stay between the two lines for good.
    pub(super) fn remove(&self, bytes: usize) {
        let before = self.held.fetch_sub(bytes, Ordering::SeqCst);
        let most = self.most();
        if falls_below([1, super::SMALL, most / 2, most], before, bytes) {
            self.room.update(|changes| changes + 1);
        }
        self.pool.remove(bytes);
    }

    /// Whether a stream may add to the unread bytes of its reply; `is_read` says that the stream has none.
    ///
    /// A connection below [`SMALL`](super::SMALL) bytes may use half as much again as the budget, so that a few greedy
    /// connections do not stop the others. Hundreds of greedy connections use that reserve up too: a connection that
    /// holds nothing always has a piece. Above `SMALL`, half of a connection's limit is kept for streams that have nothing
    /// unread.
    pub(crate) fn has_room(&self, is_read: bool) -> bool {
        let (held, used) = (self.held.load(Ordering::SeqCst), self.pool.used.load(Ordering::SeqCst));
        if held == 0 {
            return true;
        }
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

    /// Counts `bytes` even if there is no room.
    pub(super) fn add(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::SeqCst);
    }

    pub(super) fn remove(&self, bytes: usize) {
        let before = self.used.fetch_sub(bytes, Ordering::SeqCst);
        if falls_below([self.most, self.most_of_all()], before, bytes) {
            self.room.update(|changes| changes + 1);
        }
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

/// Whether one of the lines is crossed when `bytes` of what was held `before` are gone.
fn falls_below<const N: usize>(lines: [usize; N], before: usize, bytes: usize) -> bool {
    lines.into_iter().any(|line| before >= line && before - bytes < line)
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
