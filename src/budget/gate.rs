//! Backpressure for the streams of replies, while the connection or the process has too many unread bytes.
//!
//! The window of HTTP/2 bounds the unread bytes of one stream, and a connection has many streams.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;

use crate::budget::Account;
use crate::platform::limits::KIB;
use crate::timer::Timer;
use crate::watched::Observer;

/// What h2 allocates for a piece beside its bytes, in bytes.
const PIECE_COST: usize = KIB / 2;

/// How long a client may take to read what came before the failure of a stream.
const SENT_MAX: Duration = Duration::from_secs(60);

/// The gate of one stream.
pub(crate) struct Gate {
    flow: Arc<Flow>,
    /// The room of the connection and of the process, observed while the stream waits.
    waiting: Option<[Observer; 2]>,
    /// Bounds the wait of a stream that has failed.
    patience: Timer,
}

/// The bytes of the stream that the connection has taken and not sent.
struct Flow {
    account: Arc<Account>,
    unread: AtomicUsize,
    waker: Mutex<Option<Waker>>,
}

/// A piece of the stream, counted until the connection has sent it.
struct Piece {
    bytes: Bytes,
    flow: Arc<Flow>,
}

impl Gate {
    pub(crate) fn new(account: &Arc<Account>) -> Self {
        let account = Arc::clone(account);
        let flow = Flow { account, unread: AtomicUsize::new(0), waker: Mutex::default() };
        Self { flow: Arc::new(flow), waiting: None, patience: Timer::default() }
    }

    /// Ready when the stream may give its next piece.
    pub(crate) fn poll_open(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.flow.is_open() {
            self.waiting = None;
            return Poll::Ready(());
        }
        let account = &self.flow.account;
        let rooms = self.waiting.get_or_insert_with(|| [account.room.observe(), account.pool.room.observe()]);
        for room in rooms {
            room.look(cx);
        }
        self.flow.set_waker(Some(cx.waker().clone()));
        // Room may have come between the first check and the registration of the waker, whose wake would be lost.
        if self.flow.is_open() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// What a piece counts for, in bytes.
    pub(crate) fn cost(piece: &[u8]) -> usize {
        piece.len() + PIECE_COST
    }

    /// Whether all counted pieces were sent.
    pub(crate) fn is_all_sent(&self) -> bool {
        self.flow.is_all_sent()
    }

    /// Ready when all counted pieces were sent, or after [`SENT_MAX`]. For a stream that has failed: HTTP/2 drops unsent
    /// pieces at a reset.
    pub(crate) fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.flow.set_waker(Some(cx.waker().clone()));
        // The last piece may have been sent before the registration of the waker.
        if self.is_all_sent() { Poll::Ready(()) } else { self.patience.poll(cx, SENT_MAX) }
    }

    /// Counts the piece until it is dropped.
    pub(crate) fn count(&self, bytes: Bytes) -> Bytes {
        let cost = Self::cost(&bytes);
        self.flow.unread.fetch_add(cost, Ordering::SeqCst);
        self.flow.account.add(cost);
        Bytes::from_owner(Piece { bytes, flow: Arc::clone(&self.flow) })
    }
}

/// Counts the whole body of a reply until all of it is sent or dropped. Its memory is there already, so it never waits. Bytes
/// that are shared, such as those of a static page, are not the client's.
pub(crate) fn count_whole(account: &Arc<Account>, body: &mut Bytes) {
    if body.is_unique() {
        *body = Gate::new(account).count(std::mem::take(body));
    }
}

impl Flow {
    fn is_all_sent(&self) -> bool {
        self.unread.load(Ordering::SeqCst) == 0
    }

    fn is_open(&self) -> bool {
        self.account.has_room(self.is_all_sent())
    }

    fn set_waker(&self, waker: Option<Waker>) -> Option<Waker> {
        std::mem::replace(&mut *self.waker.lock().unwrap_or_else(PoisonError::into_inner), waker)
    }
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let cost = Gate::cost(&self.bytes);
        self.flow.account.remove(cost);
        if self.flow.unread.fetch_sub(cost, Ordering::SeqCst) == cost
            && let Some(waker) = self.flow.set_waker(None)
        {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{Budget, SMALL};
    use crate::test_waker::Woken;

    fn piece() -> Bytes {
        Bytes::from(vec![b'x'; SMALL / 4 - PIECE_COST])
    }

    /// The pieces that the gate lets through, at most `most`.
    fn fill(gate: &mut Gate, waker: &Waker, most: usize) -> Vec<Bytes> {
        let mut pieces = Vec::new();
        while pieces.len() < most && gate.poll_open(&Context::from_waker(waker)).is_ready() {
            pieces.push(gate.count(piece()));
        }
        pieces
    }

    #[test]
    fn one_stream_is_held_back_at_the_half_where_others_still_have_a_piece() {
        // The limit of one connection is 48 pieces.
        let account = Budget::new(16 * SMALL).account();
        let (woken, waker) = Woken::new();
        let (mut first, mut other) = (Gate::new(&account), Gate::new(&account));
        let mut pieces = fill(&mut first, &waker, 100);
        assert_eq!(pieces.len(), 24);
        let mut others = fill(&mut other, &waker, 100);
        assert_eq!(others.len(), 1);
        assert_eq!(woken.count(), 0);
        others.clear();
        assert_eq!(woken.count(), 1, "its own bytes are read");
        assert_eq!(fill(&mut other, &waker, 100).len(), 1);
        pieces.truncate(8);
        assert!(woken.count() > 1, "there is room");
        assert_eq!(fill(&mut first, &waker, 100).len(), 16);
    }

    #[test]
    fn a_connection_goes_on_while_others_hold_everything() {
        let budget = Budget::new(8 * SMALL);
        let (woken, waker) = Woken::new();
        let hoards: Vec<_> = (0..2)
            .map(|_| {
                let account = budget.account();
                let gates = (0..20).map(|_| Gate::new(&account)).collect::<Vec<_>>();
                gates.into_iter().flat_map(|mut gate| fill(&mut gate, &waker, 1)).collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(hoards.iter().map(Vec::len).sum::<usize>(), 32);
        let mut gate = Gate::new(&budget.account());
        let before = woken.count();
        let mut pieces = fill(&mut gate, &waker, 100);
        assert_eq!(pieces.len(), 4);
        pieces.pop();
        assert_eq!(woken.count(), before + 1, "the client has read");
        pieces.extend(fill(&mut gate, &waker, 100));
        assert_eq!(pieces.len(), 4);
        // Three more connections use up their reserve beside the budget too.
        let mut more: Vec<_> = (0..3).map(|_| Gate::new(&budget.account())).collect();
        let more: Vec<_> = more.iter_mut().map(|gate| fill(gate, &waker, 100)).collect();
        assert_eq!(more.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 4]);
        // And then a connection has one piece after the other.
        let mut last = Gate::new(&budget.account());
        for _ in 0..3 {
            assert_eq!(fill(&mut last, &waker, 100).len(), 1);
        }
        drop(hoards);
        assert!(woken.count() > before + 1, "the others have read");
    }

    /// A stream that waits under so much memory, `held` by its connection and `hoarded` by others, is woken as soon as the
    /// `freed` part of it is free.
    #[track_caller]
    fn check_woken(budget: &Budget, held: usize, hoarded: usize, freed: impl Fn(&Account, &Account)) {
        let (own, other) = (budget.account(), budget.account());
        own.add(held);
        other.add(hoarded);
        let (woken, waker) = Woken::new();
        let mut gate = Gate::new(&own);
        assert!(gate.poll_open(&Context::from_waker(&waker)).is_pending());
        freed(&own, &other);
        assert!(woken.count() > 0, "there is room for it");
        assert!(gate.poll_open(&Context::from_waker(&waker)).is_ready());
    }

    #[test]
    fn a_stream_is_woken_at_the_line_where_it_may_go_on() {
        let most = 16 * SMALL;
        let new = || Budget::new(most);
        // Others hold one and a half budgets for good, but for a byte.
        check_woken(&new(), 1, most + most / 2 - 1, |_, other| other.remove(1));
        // They hold more, and the connection a byte more than nothing.
        check_woken(&new(), 1, 2 * most, |own, _| own.remove(1));
        // The connection holds more than a little, and all together a byte less than the budget.
        check_woken(&new(), SMALL, most - SMALL, |_, other| other.remove(1));
        check_woken(&new(), 2 * SMALL, most - 2 * SMALL, |own, _| own.remove(1));
        // The connection holds a byte less than its part.
        check_woken(&new(), most / 4 * 3, 0, |own, _| own.remove(1));
        // The connection holds a byte less than a little.
        check_woken(&new(), SMALL, most, |own, _| own.remove(1));
        // The smallest budget.
        check_woken(&Budget::new(1), 1, 0, |own, _| own.remove(1));
    }

    #[test]
    fn a_stream_with_unread_bytes_is_woken_at_the_half() {
        let most = 16 * SMALL;
        let account = Budget::new(most).account();
        let (woken, waker) = Woken::new();
        let mut gate = Gate::new(&account);
        let unread = gate.count(piece());
        account.add(most / 8 * 3 - SMALL / 4);
        assert!(gate.poll_open(&Context::from_waker(&waker)).is_pending());
        account.remove(1);
        assert_eq!(woken.count(), 1);
        assert!(gate.poll_open(&Context::from_waker(&waker)).is_ready());
        drop(unread);
    }

    #[test]
    fn what_is_refused_wakes_nobody() {
        let budget = Budget::new(16 * SMALL);
        let (own, other) = (budget.account(), budget.account());
        own.add(12 * SMALL);
        other.add(4 * SMALL - 1);
        let (woken, waker) = Woken::new();
        let mut gate = Gate::new(&own);
        assert!(gate.poll_open(&Context::from_waker(&waker)).is_pending());
        assert!(other.take(2).is_none());
        assert_eq!(woken.count(), 0);
    }

    #[test]
    fn a_whole_body_counts_until_its_last_piece_is_sent() {
        let budget = Budget::new(16 * SMALL);
        let account = budget.account();
        let mut body = Bytes::from(vec![b'x'; 8 * SMALL]);
        count_whole(&account, &mut body);
        let first = body.split_to(SMALL);
        assert!(account.take(5 * SMALL).is_none());
        drop(body);
        assert!(account.take(5 * SMALL).is_none(), "the piece holds the memory of the whole");
        drop(first);
        assert!(budget.is_unused());
        for mut shared in [Bytes::from_static(&[0; 100]), Bytes::from(vec![b'x'; 8 * SMALL])] {
            let _other = shared.clone();
            count_whole(&account, &mut shared);
            assert!(budget.is_unused());
        }
    }
}
