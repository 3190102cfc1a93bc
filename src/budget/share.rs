//! What HTTP/2 connections may use without being asked again: streams, and a window for what nobody reads.
//!
//! HTTP/2 announces both when a connection begins. Early connections reserve much, and later ones what is left. A client with
//! one connection, such as the platform's gateway, gets all that it can use.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::budget::{Budget, SMALL};
use crate::platform::limits::{KIB, MIB};

/// The most streams of one connection. One connection may carry all calls of an instance: at most 200 on the platform.
const STREAMS_MAX: usize = 256;

/// The streams of a connection that came when nothing was left.
const STREAMS_MIN: usize = 4;

/// The memory of one stream, in bytes: a request with its head and task, and a reply that nobody reads.
const STREAM_COST: usize = 32 * KIB;

/// The bounds of the window of one connection, in bytes, and the number of windows that make up a budget. HTTP/2 allows no
/// window below 64 KiB.
const WINDOW_MAX: usize = MIB;
const WINDOW_WANTED: usize = 256 * KIB;
const WINDOW_MIN: usize = SMALL - 1;
const WINDOWS: usize = 128;

/// What all HTTP/2 connections have reserved.
#[derive(Default)]
pub(super) struct Shared {
    streams: AtomicUsize,
    windows: AtomicUsize,
    /// The windows that count in the budget.
    counted: AtomicUsize,
}

/// What one HTTP/2 connection has reserved, until this value is dropped.
pub(crate) struct Share {
    budget: Budget,
    /// Bytes of the window that count like unread bytes.
    counted: usize,
    /// How many streams the client may have open.
    pub(crate) streams: u32,
    /// The receive window of the connection, in bytes. Unread bytes in the window are not counted.
    pub(crate) window: u32,
}

impl Budget {
    /// The share of a new HTTP/2 connection: half of the streams that are left, and a window if one is left. The smallest
    /// window counts in the budget, until such windows take half of the budget.
    pub(crate) fn share(&self) -> Share {
        let (most, shared) = (self.0.most, &self.0.shared);
        let left = (most / STREAM_COST).saturating_sub(shared.streams.load(Ordering::Relaxed));
        let streams = (left / 2).clamp(STREAMS_MIN, STREAMS_MAX);
        let wanted = (most / WINDOWS).clamp(WINDOW_WANTED, WINDOW_MAX);
        let left = (most / 4).saturating_sub(shared.windows.load(Ordering::Relaxed));
        let (window, counted) = if left >= wanted {
            (wanted, 0)
        } else if shared.counted.load(Ordering::Relaxed) < most / 2 {
            (WINDOW_MIN, WINDOW_MIN)
        } else {
            (WINDOW_MIN, 0)
        };
        // Connections that begin at the same moment may reserve a little more than is left.
        shared.streams.fetch_add(streams, Ordering::Relaxed);
        shared.windows.fetch_add(window - counted, Ordering::Relaxed);
        shared.counted.fetch_add(counted, Ordering::Relaxed);
        self.0.add(counted);
        Share { budget: self.clone(), counted, streams: narrow(streams), window: narrow(window) }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let shared = &self.budget.0.shared;
        shared.streams.fetch_sub(self.streams as usize, Ordering::Relaxed);
        shared.windows.fetch_sub(self.window as usize - self.counted, Ordering::Relaxed);
        shared.counted.fetch_sub(self.counted, Ordering::Relaxed);
        self.budget.0.remove(self.counted);
    }
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::budget_for;

    #[test]
    fn early_connections_get_all_they_can_use_and_later_ones_a_little() {
        for mib in [48, 128, 4096] {
            let budget = Budget::new(budget_for(Some(mib)));
            let first = budget.share();
            assert_eq!(first.streams, 256, "{mib} MiB");
            assert!(first.window >= 256 * 1024 - 1, "{mib} MiB");
        }
        let budget = Budget::new(budget_for(Some(128)));
        let mut shares: Vec<_> = (0..500).map(|_| budget.share()).collect();
        let sum = |of: fn(&Share) -> u32, shares: &[Share]| {
            shares.iter().map(|share| of(share) as usize).sum::<usize>()
        };
        assert!(sum(|share| share.streams, &shares) < 1500 + 500 * STREAMS_MIN);
        assert!(sum(|share| share.window, &shares) < 12 * MIB + 500 * WINDOW_MIN);
        // The budget is a third of 128 MiB.
        let account = budget.account();
        assert!(
            account.take(20 * MIB).is_some() && account.take(22 * MIB).is_none(),
            "windows count for a half"
        );
        drop(account);
        let last = shares.pop().unwrap();
        assert_eq!((last.streams, last.window), (4, 65_535));
        drop((last, shares));
        assert!(budget.is_unused());
        assert_eq!(budget.share().streams, 256);
    }
}
