//! The effects of the slots' state machine, for the pool.

/// The number of a call that waits for a slot.
pub(in crate::instance) type Waiter = u64;

/// An effect of a command. The pool carries it out.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::instance) enum Effect<I> {
    /// The waiting call gets a slot of `instance`. If the call is gone, the slot is given back.
    Hand {
        waiter: Waiter,
        instance: I,
        is_cold: bool,
    },
    /// The waiting call gets the failure of the start that it waited for.
    Fail(Waiter),
    /// The waiting call gets nothing: the generation is over.
    TurnAway(Waiter),
    /// Start this many instances.
    Start(usize),
    /// Cancel the starts in progress.
    EndStarts,
    Thaw(I),
    Freeze(I),
    /// Stop the instance in good order: hook, SIGTERM, SIGKILL.
    Stop(I),
    Kill(I),
}

/// The immediate result for a call.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::instance) enum Acquired<I> {
    Slot(I),
    /// The call waits. A later effect has the result.
    Waiting(Waiter),
    /// The generation takes no further calls.
    Closed,
    /// The call's session has ended, and its id is not taken again.
    SessionOver,
    /// All slots are taken, and so is every place to wait. There may be this many instances.
    Full(usize),
    /// An unhealthy instance takes the last place. The instance is stopped, so that the next call can start another.
    Unhealthy,
}

/// How far [`Slots::warm`](super::Slots::warm) has come.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::instance) enum Warmth {
    /// An instance is there, or nothing is left to wait for.
    Done,
    Pending,
    Failed,
    Closed,
}
