//! The rules of the slots: a story for each rule, and random commands that must keep all rules.

mod leaving;
mod random;
mod sessions;
mod taking;

use std::time::{Duration, Instant};

use super::{Acquired, Effect, Listed, Rules, SessionRules, Slots, Waiter, Warmth};
use crate::model::{Claim, SessionTerms};

/// Instances go by a letter.
type Name = char;

/// A command, and its effects.
#[derive(Debug, Clone, Copy)]
enum Do {
    Acquire,
    /// A call of this session.
    AcquireFor(&'static str),
    /// A call whose session has no name so far.
    AcquireNew,
    /// The caller of this number leaves.
    Cancel(Waiter),
    GiveBack(Name),
    GiveBackFor(Name, &'static str),
    GiveBackNew(Name),
    /// The call on the instance began this session.
    Named(Name, &'static str),
    CloseSession(&'static str),
    DeleteSession(&'static str),
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
        Do::Acquire => acquired = Some(slots.acquire(&Claim::Any, now, into)),
        Do::AcquireFor(id) => acquired = Some(slots.acquire(&session(id), now, into)),
        Do::AcquireNew => acquired = Some(slots.acquire(&Claim::NewSession, now, into)),
        Do::Cancel(waiter) => slots.cancel(waiter),
        Do::GiveBack(name) => slots.give_back(&name, &Claim::Any, now, into),
        Do::GiveBackFor(name, id) => slots.give_back(&name, &session(id), now, into),
        Do::GiveBackNew(name) => slots.give_back(&name, &Claim::NewSession, now, into),
        Do::Named(name, id) => slots.name_session(&name, &session(id), now),
        Do::CloseSession(id) => slots.close_session(id, into),
        Do::DeleteSession(id) => _ = slots.delete_session(id, into),
        Do::Started(name) => slots.started(&name, false, now, into),
        Do::StartedOnOwnPort(name) => slots.started(&name, true, now, into),
        Do::StartFails => slots.start_failed(into),
        Do::StartEnds => slots.start_ended(),
        Do::Replace(name) => slots.replace(&name, into),
        Do::Retire(name) => slots.retire(&name),
        Do::Ended(name) => slots.ended(&name, into),
        Do::Unhealthy(name) => slots.set_healthy(&name, false, now, into),
        Do::Healthy(name) => slots.set_healthy(&name, true, now, into),
        Do::ReleaseIdle(name) => slots.release_idle(&name, now, into),
        Do::StopBusy(name) => slots.stop_where(|instance, _| *instance == name, into),
        Do::Warm => _ = slots.warm(into),
        Do::Open => slots.open(into),
        Do::Close => slots.close(into),
        Do::Abort => slots.abort(into),
    }
    (acquired, effects)
}

fn session(id: &str) -> Claim {
    Claim::Session(id.into())
}

fn in_words(acquired: Option<&Acquired<Name>>, effects: &[Effect<Name>]) -> String {
    let acquired = acquired.map(|acquired| match acquired {
        Acquired::Slot(name) => format!("slot of {name}"),
        Acquired::Waiting(waiter) => format!("{waiter} waits"),
        Acquired::Closed => "closed".to_owned(),
        Acquired::SessionOver => "session over".to_owned(),
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
const ONE_BY_ONE: Rules = Rules {
    concurrency: 1,
    instances_max: 3,
    instances_min: 0,
    alone_max: 4,
    freezes: false,
    waits_at_cap: false,
    sessions: None,
};
/// Two calls at a time, up to two instances. Four calls at an only instance.
const TWO_BY_TWO: Rules = Rules { concurrency: 2, instances_max: 2, ..ONE_BY_ONE };
/// One call at a time on the only instance.
const ALONE: Rules = Rules { instances_max: 1, alone_max: 1, ..ONE_BY_ONE };
/// Two calls at a time on the only instance.
const ALONE_WITH_TWO: Rules = Rules { concurrency: 2, alone_max: 2, ..ALONE };
const FREEZES: Rules = Rules { freezes: true, ..ALONE_WITH_TWO };

/// Tells the story to slots that nothing is known of yet.
#[track_caller]
fn tell(rules: Rules, story: Story<'_>) -> Slots<Name> {
    tell_to(Slots::new(rules, None, true), story)
}

#[track_caller]
fn tell_to(slots: Slots<Name>, story: Story<'_>) -> Slots<Name> {
    tell_at(slots, Instant::now(), story)
}

#[track_caller]
fn tell_at(mut slots: Slots<Name>, now: Instant, story: Story<'_>) -> Slots<Name> {
    for (at, (command, expected)) in story.iter().enumerate() {
        let (acquired, effects) = apply(&mut slots, *command, now);
        let seen = in_words(acquired.as_ref(), &effects);
        assert_eq!(seen, *expected, "line {} of the story: {command:?}", at + 1);
    }
    slots
}
