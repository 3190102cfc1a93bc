//! When an instance gets no further call, and when it is stopped.

use super::Do::{
    Abort, Acquire, Cancel, Close, Ended, GiveBack, Healthy, Open, ReleaseIdle, Replace, Retire, StartEnds,
    Started, StopBusy, Unhealthy, Warm,
};
use super::*;

#[test]
fn an_unhealthy_instance_gets_no_call_until_it_is_healthy_again() {
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (Started('a'), "1 gets a cold"),
        (GiveBack('a'), ""),
        (Unhealthy('a'), ""),
        (Acquire, "2 waits, start 1"),
        (Healthy('a'), "2 gets a"),
    ];
    tell(ONE_BY_ONE, story);
}

#[test]
fn at_the_cap_an_unhealthy_instance_makes_room_for_the_next_call() {
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (Started('a'), "1 gets a cold"),
        (GiveBack('a'), ""),
        (Unhealthy('a'), ""),
        (Acquire, "unhealthy, stop a"),
        (Acquire, "2 waits, start 1"),
    ];
    tell(ALONE, story);
    // One that has calls is stopped after them.
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (Started('a'), "1 gets a cold"),
        (Unhealthy('a'), ""),
        (Acquire, "unhealthy"),
        (Acquire, "2 waits, start 1"),
        (GiveBack('a'), "stop a"),
    ];
    tell(ALONE, story);
}

#[test]
fn after_a_client_left_another_instance_is_started_and_this_one_stopped() {
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (Started('a'), "1 gets a cold"),
        (Replace('a'), "start 1"),
        (Acquire, "2 waits"),
        (Started('b'), "2 gets b cold"),
        (GiveBack('a'), "stop a"),
        (Ended('a'), ""),
    ];
    tell(ALONE, story);
}

#[test]
fn a_replacement_keeps_to_the_cap() {
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (Acquire, "2 waits"),
        (Started('a'), "1 gets a cold, start 1"),
        (Started('b'), "2 gets b cold"),
        (Acquire, "3 waits, start 1"),
        // `a` no longer counts: one is starting, and one more is allowed.
        (Replace('a'), "start 1"),
        // `b` no longer counts either.
        (Replace('b'), "start 1"),
        // Twice the same is once.
        (Replace('b'), ""),
    ];
    tell(ONE_BY_ONE, story);
}

#[test]
fn a_retired_instance_takes_no_call_and_is_stopped_after_its_last_one() {
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (Started('a'), "1 gets a cold"),
        (Acquire, "slot of a"),
        (Retire('a'), ""),
        (Acquire, "2 waits, start 1"),
        (GiveBack('a'), ""),
        (GiveBack('a'), "stop a"),
        (Started('b'), "2 gets b cold"),
    ];
    tell(ALONE_WITH_TWO, story);
}

#[test]
fn an_instance_that_ended_makes_room() {
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (Started('a'), "1 gets a cold"),
        (Ended('a'), ""),
        (Acquire, "2 waits, start 1"),
        // The call that it had is over too.
        (GiveBack('a'), ""),
    ];
    tell(ALONE, story);
}

#[test]
fn an_unhealthy_instance_is_stopped_where_it_would_be_frozen() {
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (Started('a'), "thaw a, 1 gets a cold"),
        (Unhealthy('a'), ""),
        (GiveBack('a'), "stop a"),
    ];
    tell(FREEZES, story);
}

#[test]
fn an_idle_instance_is_released_unless_a_call_came_in_between() {
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (Started('a'), "1 gets a cold"),
        (ReleaseIdle('a'), ""),
        (GiveBack('a'), ""),
        (ReleaseIdle('a'), "stop a"),
        (Acquire, "2 waits, start 1"),
    ];
    tell(ALONE, story);
}

#[test]
fn a_closed_generation_finishes_its_calls_and_stops_idle_instances_at_once() {
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (Acquire, "2 waits"),
        (Started('a'), "1 gets a cold, start 1"),
        (Started('b'), "2 gets b cold"),
        (GiveBack('b'), ""),
        (Close, "end starts, stop b"),
        (Acquire, "closed"),
        (GiveBack('a'), "stop a"),
        (Ended('a'), ""),
    ];
    let slots = tell(ONE_BY_ONE, story);
    assert!(!slots.is_gone(), "b is still being stopped");
    assert!(tell_to(slots, &[(Ended('b'), "")]).is_gone());
}

#[test]
fn a_closed_generation_still_starts_for_the_calls_that_wait() {
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (Close, ""),
        (Acquire, "closed"),
        (Started('a'), "1 gets a cold"),
        (GiveBack('a'), "stop a"),
        (Ended('a'), ""),
    ];
    assert!(tell(ALONE, story).is_gone());
}

#[test]
fn a_generation_that_is_closed_before_it_opens_turns_its_calls_away() {
    let story: Story<'_> = &[
        (Acquire, "1 waits"),
        (Acquire, "2 waits"),
        (Close, "1 is turned away, 2 is turned away, end starts"),
    ];
    let slots = tell_to(Slots::new(ALONE_WITH_TWO, Some(true), false), story);
    assert!(slots.is_gone());
    tell_to(slots, &[(Acquire, "closed"), (Open, "")]);
}

#[test]
fn a_closed_generation_gives_up_starts_that_nobody_waits_for() {
    let story: Story<'_> =
        &[(Acquire, "1 waits, start 1"), (Cancel(1), ""), (Close, "end starts"), (StartEnds, "")];
    assert!(tell(ALONE, story).is_gone());
    // An instance that is up before the start has ended is not kept.
    let story: Story<'_> =
        &[(Warm, "start 1"), (Close, "end starts"), (Started('a'), "stop a"), (Ended('a'), "")];
    assert!(tell(ALONE, story).is_gone());
}

#[test]
fn an_abort_ends_everything_at_once() {
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (Acquire, "2 waits"),
        (Acquire, "3 waits"),
        (Started('a'), "1 gets a cold, start 2"),
        (Retire('a'), ""),
        (GiveBack('a'), "stop a"),
        (Started('b'), "2 gets b cold"),
        (Close, ""),
        (Abort, "end starts, 3 is turned away, kill b, kill a"),
        (StartEnds, ""),
        (Ended('a'), ""),
        (Ended('b'), ""),
        (GiveBack('b'), ""),
    ];
    assert!(tell(ONE_BY_ONE, story).is_gone());
}

#[test]
fn an_instance_with_streams_is_stopped_under_them() {
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (Started('a'), "1 gets a cold"),
        (Acquire, "slot of a"),
        (Close, "end starts"),
        (StopBusy('b'), ""),
        (StopBusy('a'), "stop a"),
        (StopBusy('a'), ""),
        (GiveBack('a'), ""),
        (Abort, "kill a"),
        (Ended('a'), ""),
        (GiveBack('a'), ""),
    ];
    assert!(tell(TWO_BY_TWO, story).is_gone());
}
