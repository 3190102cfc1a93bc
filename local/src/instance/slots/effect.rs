//! What the state machine of the slots tells the pool.

/// The number of a call that waits for a slot.
pub(in crate::instance) type Waiter = u64;

/// What a command asks the pool to do.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::instance) enum Effect<I> {
    /// The waiting call has a slot of `instance`. If nobody takes it any more, it has to be given back.
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
    /// End the starts under way.
    EndStarts,
    Thaw(I),
    Freeze(I),
    /// Stop the instance in good order: hook, SIGTERM, SIGKILL.
    Stop(I),
    Kill(I),
}

/// What a call gets at once.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::instance) enum Acquired<I> {
    Slot(I),
    /// An effect will tell.
    Waiting(Waiter),
    /// The generation takes no further calls.
    Closed,
    /// All slots are taken, and so is every place to wait. There may be this many instances.
    Full(usize),
    /// An unhealthy instance stands in the way. It makes room for the next call.
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
