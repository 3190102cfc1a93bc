//! The rules of the slots: a story for each rule, and random commands that must keep all rules.

mod leaving;
mod random;
mod taking;

use std::time::{Duration, Instant};

use super::{Acquired, Effect, Rules, Slots, Waiter, Warmth};

/// Instances go by a letter.
type Name = char;

/// A command, and its effects.
#[derive(Debug, Clone, Copy)]
enum Do {
    Acquire,
    /// The caller of this number leaves.
    Cancel(Waiter),
    GiveBack(Name),
    /// A start has ended with this instance. The program listens on the given port.
    Started(Name),
    /// A start has ended with this instance. The program listens on a fixed port.
    StartedOnOwnPort(Name),
    StartFails,
    StartEnds,
    Replace(Name),
    Retire(Name),
    Ended(Name),
    Unhealthy(Name),
    Healthy(Name),
    ReleaseIdle(Name),
    /// The instance has only streams left, and fc-local stops.
    StopBusy(Name),
    Warm,
    Open,
    Close,
    Abort,
}

/// Applies the command, and returns its effects.
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
        Do::StopBusy(name) => slots.stop_where(|instance, _| *instance == name, into),
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

/// Commands in order, each with its effects as text.
type Story<'a> = &'a [(Do, &'a str)];

/// One call at a time, up to three instances. Four calls at an only instance.
const ONE_BY_ONE: Rules = Rules { concurrency: 1, instances_max: 3, alone_max: 4, freezes: false };
/// Two calls at a time, up to two instances. Four calls at an only instance.
const TWO_BY_TWO: Rules = Rules { concurrency: 2, instances_max: 2, alone_max: 4, freezes: false };
/// One call at a time on the only instance.
const ALONE: Rules = Rules { concurrency: 1, instances_max: 1, alone_max: 1, freezes: false };
/// Two calls at a time on the only instance.
const ALONE_WITH_TWO: Rules = Rules { concurrency: 2, instances_max: 1, alone_max: 2, freezes: false };
const FREEZES: Rules = Rules { concurrency: 2, instances_max: 1, alone_max: 2, freezes: true };

/// Tells the story to slots that nothing is known of yet.
#[track_caller]
fn tell(rules: Rules, story: Story<'_>) -> Slots<Name> {
    tell_to(Slots::new(rules, None, true), story)
}

#[track_caller]
fn tell_to(mut slots: Slots<Name>, story: Story<'_>) -> Slots<Name> {
    let now = Instant::now();
    for (at, (command, expected)) in story.iter().enumerate() {
        let (acquired, effects) = apply(&mut slots, *command, now);
        let seen = in_words(acquired.as_ref(), &effects);
        assert_eq!(seen, *expected, "line {} of the story: {command:?}", at + 1);
    }
    slots
}
