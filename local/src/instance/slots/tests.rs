//! The rules of the slots: a table that tells each as a story, and random commands that must keep all of them.

mod random;
mod table;

use std::time::{Duration, Instant};

use super::{Acquired, Effect, Rules, Slots, Waiter, Warmth};

/// Instances go by a letter.
type Name = char;

/// A command, and what came of it for the rest of the world.
#[derive(Debug, Clone, Copy)]
enum Do {
    Acquire,
    /// The caller of this number leaves.
    Cancel(Waiter),
    GiveBack(Name),
    /// A start has led to this instance, which took the port it was given.
    Started(Name),
    /// A start has led to this instance, which keeps to a port of its own.
    StartedOnOwnPort(Name),
    StartFails,
    StartEnds,
    Replace(Name),
    Retire(Name),
    Ended(Name),
    Unhealthy(Name),
    Healthy(Name),
    ReleaseIdle(Name),
    Warm,
    Open,
    Close,
    Abort,
}

/// Gives the command, and tells in words what came of it.
fn apply(slots: &mut Slots<Name>, command: Do, now: Instant) -> (Option<Acquired<Name>>, Vec<Effect<Name>>) {
    let mut effects = Vec::new();
    let into = &mut effects;
    let mut acquired = None;
    match command {
        Do::Acquire => acquired = Some(slots.acquire(into)),
        Do::Cancel(waiter) => slots.cancel(waiter),
        Do::GiveBack(name) => slots.give_back(&name, now, into),
        Do::Started(name) => slots.started(&name, false, now, into),
        Do::StartedOnOwnPort(name) => slots.started(&name, true, now, into),
        Do::StartFails => slots.start_failed(into),
        Do::StartEnds => slots.start_ended(),
        Do::Replace(name) => slots.replace(&name, into),
        Do::Retire(name) => slots.retire(&name),
        Do::Ended(name) => slots.ended(&name, into),
        Do::Unhealthy(name) => slots.set_healthy(&name, false, into),
        Do::Healthy(name) => slots.set_healthy(&name, true, into),
        Do::ReleaseIdle(name) => slots.release_idle(&name, into),
        Do::Warm => _ = slots.warm(into),
        Do::Open => slots.open(into),
        Do::Close => slots.close(into),
        Do::Abort => slots.abort(into),
    }
    (acquired, effects)
}

fn in_words(acquired: Option<&Acquired<Name>>, effects: &[Effect<Name>]) -> String {
    let acquired = acquired.map(|acquired| match acquired {
        Acquired::Slot(name) => format!("slot of {name}"),
        Acquired::Waiting(waiter) => format!("{waiter} waits"),
        Acquired::Closed => "closed".to_owned(),
        Acquired::Full(cap) => format!("full at {cap}"),
        Acquired::Unhealthy => "unhealthy".to_owned(),
    });
    let effects = effects.iter().map(|effect| match effect {
        Effect::Hand { waiter, instance, is_cold: true } => format!("{waiter} gets {instance} cold"),
        Effect::Hand { waiter, instance, is_cold: false } => format!("{waiter} gets {instance}"),
        Effect::Fail(waiter) => format!("{waiter} fails"),
        Effect::TurnAway(waiter) => format!("{waiter} is turned away"),
        Effect::Start(count) => format!("start {count}"),
        Effect::EndStarts => "end starts".to_owned(),
        Effect::Thaw(name) => format!("thaw {name}"),
        Effect::Freeze(name) => format!("freeze {name}"),
        Effect::Stop(name) => format!("stop {name}"),
        Effect::Kill(name) => format!("kill {name}"),
    });
    acquired.into_iter().chain(effects).collect::<Vec<_>>().join(", ")
}
