//! Who gets a slot, and when an instance is started for it.

use super::Do::{
    Acquire, Cancel, Close, Ended, GiveBack, Open, Replace, Retire, StartFails, Started, StartedOnOwnPort,
    Unhealthy, Warm,
};
use super::*;

#[test]
fn a_call_waits_for_the_start_of_an_instance_and_the_next_one_finds_it() {
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (Started('a'), "1 gets a cold"),
        (GiveBack('a'), ""),
        (Acquire, "slot of a"),
    ];
    tell(ONE_BY_ONE, story);
}

#[test]
fn another_instance_is_started_only_when_the_others_are_full() {
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (Started('a'), "1 gets a cold"),
        (Acquire, "slot of a"),
        (Acquire, "2 waits, start 1"),
        (Started('b'), "2 gets b cold"),
        (Acquire, "slot of b"),
        (GiveBack('a'), ""),
        (Acquire, "slot of a"),
    ];
    tell(TWO_BY_TWO, story);
}

#[test]
fn until_the_first_start_is_over_no_second_one_begins() {
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (Acquire, "2 waits"),
        (Acquire, "3 waits"),
        (Started('a'), "1 gets a cold, start 2"),
        (Started('b'), "2 gets b cold"),
        (Started('c'), "3 gets c cold"),
    ];
    tell(ONE_BY_ONE, story);
}

#[test]
fn at_the_cap_calls_are_refused() {
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (Started('a'), "1 gets a cold"),
        (Acquire, "full at 1"),
        (GiveBack('a'), ""),
        (Acquire, "slot of a"),
    ];
    tell(ALONE, story);
}

#[test]
fn as_many_calls_wait_as_the_instances_to_come_will_take() {
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (Acquire, "2 waits"),
        (Acquire, "full at 1"),
        // A place that is given up is free again.
        (Cancel(1), ""),
        (Acquire, "3 waits"),
        (Acquire, "full at 1"),
        (Started('a'), "2 gets a cold, 3 gets a cold"),
    ];
    tell(ALONE_WITH_TWO, story);
}

#[test]
fn a_caller_who_left_gets_nothing_and_the_start_goes_on() {
    let story: Story<'_> =
        &[(Acquire, "1 waits, start 1"), (Cancel(1), ""), (Started('a'), ""), (Acquire, "slot of a")];
    tell(ALONE, story);
    // Cancelled too late: the slot was handed over, and is given back by its drop.
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (Started('a'), "1 gets a cold"),
        (Cancel(1), ""),
        (GiveBack('a'), ""),
        (Acquire, "slot of a"),
    ];
    tell(ALONE, story);
}

#[test]
fn a_freed_slot_goes_to_who_has_waited_longest() {
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (Acquire, "2 waits"),
        (Acquire, "3 waits"),
        (Started('a'), "1 gets a cold, start 2"),
        (GiveBack('a'), "2 gets a"),
        (GiveBack('a'), "3 gets a"),
        // Started for nobody, and kept.
        (Started('b'), ""),
        (Started('c'), ""),
    ];
    tell(ONE_BY_ONE, story);
}

#[test]
fn a_failed_start_fails_the_calls_that_its_instance_would_have_taken() {
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (Acquire, "2 waits"),
        (Acquire, "3 waits, start 1"),
        (StartFails, "1 fails, 2 fails"),
        (StartFails, "3 fails"),
        // The next call tries once more.
        (Acquire, "4 waits, start 1"),
    ];
    tell_to(Slots::new(TWO_BY_TWO, Some(false), true), story);
    // Where instances start one by one, nobody waits for one failure after the other.
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (Acquire, "2 waits"),
        (Acquire, "3 waits"),
        (StartFails, "1 fails, 2 fails, 3 fails"),
        (Acquire, "4 waits, start 1"),
    ];
    tell(TWO_BY_TWO, story);
}

#[test]
fn a_program_with_a_port_of_its_own_has_one_instance() {
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (Acquire, "2 waits"),
        (StartedOnOwnPort('a'), "1 gets a cold"),
        (GiveBack('a'), "2 gets a"),
        // The next one is started when the last has let go of the port.
        (Retire('a'), ""),
        (GiveBack('a'), "stop a"),
        (Acquire, "3 waits"),
        (Ended('a'), "start 1"),
        (StartedOnOwnPort('b'), "3 gets b cold"),
    ];
    let slots = tell(ONE_BY_ONE, story);
    assert_eq!(slots.ignores_port(), Some(true));
}

#[test]
fn calls_wait_for_an_only_instance_as_for_the_others_that_the_platform_would_start() {
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        // Whether there will be others is not known yet.
        (Acquire, "2 waits"),
        (Acquire, "3 waits"),
        (Acquire, "4 waits"),
        (Acquire, "full at 3"),
        (StartedOnOwnPort('a'), "1 gets a cold"),
        (Acquire, "full at 1"),
        (GiveBack('a'), "2 gets a"),
        (Acquire, "5 waits"),
        (GiveBack('a'), "3 gets a"),
        (Cancel(4), ""),
        (GiveBack('a'), "5 gets a"),
        (GiveBack('a'), ""),
        (Acquire, "slot of a"),
        // Nobody waits for an instance that may stay unhealthy.
        (Unhealthy('a'), ""),
        (Acquire, "unhealthy"),
        (GiveBack('a'), "stop a"),
        (Acquire, "6 waits"),
        (Ended('a'), "start 1"),
    ];
    tell(ONE_BY_ONE, story);
    // Where each instance has a network of its own, there are several, and calls wait beyond the cap.
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (Started('a'), "1 gets a cold"),
        (Acquire, "2 waits, start 1"),
        (Started('b'), "2 gets b cold"),
        (Acquire, "3 waits"),
        (Acquire, "4 waits"),
        (Acquire, "full at 2"),
        (GiveBack('b'), "3 gets b"),
    ];
    tell(Rules { instances_max: 2, waits_at_cap: true, ..ONE_BY_ONE }, story);
    // Of a program that listens where it should, there will be others.
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (Acquire, "2 waits"),
        (Acquire, "3 waits"),
        (Acquire, "4 waits"),
        (Started('a'), "1 gets a cold, start 2"),
        (Started('b'), "2 gets b cold"),
        (Started('c'), "3 gets c cold"),
        (Acquire, "full at 3"),
        (GiveBack('b'), "4 gets b"),
    ];
    tell(ONE_BY_ONE, story);
}

#[test]
fn a_program_with_a_port_of_its_own_is_replaced_only_after_its_end() {
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (StartedOnOwnPort('a'), "1 gets a cold"),
        (Replace('a'), ""),
        (GiveBack('a'), "stop a"),
        (Ended('a'), ""),
        (Acquire, "2 waits, start 1"),
    ];
    tell(ONE_BY_ONE, story);
}

#[test]
fn the_port_is_free_when_the_last_call_of_a_retired_instance_is_over_and_it_has_ended() {
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (Acquire, "2 waits"),
        (StartedOnOwnPort('a'), "1 gets a cold, 2 gets a cold"),
        (Replace('a'), ""),
        (GiveBack('a'), ""),
        (Acquire, "3 waits"),
        (GiveBack('a'), "stop a"),
        (Ended('a'), "start 1"),
        (StartedOnOwnPort('b'), "3 gets b cold"),
    ];
    tell(ALONE_WITH_TWO, story);
}

#[test]
fn what_is_known_of_the_port_is_known_from_the_former_generation() {
    let story: Story<'_> = &[(Acquire, "1 waits, start 1"), (Acquire, "2 waits, start 1")];
    tell_to(Slots::new(ONE_BY_ONE, Some(false), true), story);
    let story: Story<'_> = &[(Acquire, "1 waits, start 1"), (Acquire, "2 waits")];
    tell_to(Slots::new(ONE_BY_ONE, Some(true), true), story);
}

#[test]
fn an_instance_is_frozen_while_it_has_no_call() {
    let story: Story<'_> = &[
        (Acquire, "1 waits, start 1"),
        (Started('a'), "thaw a, 1 gets a cold"),
        (Acquire, "slot of a"),
        (GiveBack('a'), ""),
        (GiveBack('a'), "freeze a"),
        (Acquire, "slot of a, thaw a"),
    ];
    tell(FREEZES, story);
    // Nobody waits for it any more.
    let story: Story<'_> = &[(Acquire, "1 waits, start 1"), (Cancel(1), ""), (Started('a'), "freeze a")];
    tell(FREEZES, story);
}

#[test]
fn an_instance_is_idle_since_its_last_call() {
    let mut slots = tell(ALONE, &[(Warm, "start 1")]);
    let begin = Instant::now();
    let mut at = |seconds, command| {
        apply(&mut slots, command, begin + Duration::from_secs(seconds));
        slots.idle_since(&'a').map(|since| (since - begin).as_secs())
    };
    assert_eq!(at(1, Started('a')), Some(1));
    assert_eq!(at(2, Acquire), None);
    assert_eq!(at(3, GiveBack('a')), Some(3));
    assert_eq!(at(4, Ended('a')), None);
}

#[test]
fn warming_starts_one_instance_and_takes_no_slot() {
    let mut slots = tell(ALONE, &[]);
    let before = slots.warm(&mut Vec::new());
    assert_eq!(slots.warmth(before), Warmth::Pending);
    // Another one waits for the same start.
    let mut slots = tell_to(slots, &[(Warm, ""), (StartFails, "")]);
    assert_eq!(slots.warmth(before), Warmth::Failed);
    // That failure is not the next one's.
    let before = slots.warm(&mut Vec::new());
    assert_eq!(slots.warmth(before), Warmth::Pending);
    let slots = tell_to(slots, &[(Started('a'), ""), (Warm, ""), (Acquire, "slot of a")]);
    assert_eq!(slots.warmth(before), Warmth::Done);
    let slots = tell_to(slots, &[(GiveBack('a'), ""), (Close, "end starts, stop a"), (Ended('a'), "")]);
    assert_eq!(slots.warmth(before), Warmth::Closed);
    // Nothing is started for a generation that is over, or that does not have the port yet.
    tell_to(slots, &[(Warm, "")]);
    tell_to(Slots::new(ALONE, Some(true), false), &[(Warm, "")]);
}

#[test]
fn before_it_is_opened_nothing_is_started() {
    let slots = Slots::new(ALONE_WITH_TWO, Some(true), false);
    let story: Story<'_> =
        &[(Acquire, "1 waits"), (Acquire, "2 waits"), (Acquire, "full at 1"), (Open, "start 1")];
    tell_to(slots, story);
}

#[test]
fn a_generation_is_in_use_while_an_instance_is_there_or_on_its_way() {
    let slots = tell(ALONE, &[]);
    assert!(!slots.is_in_use());
    let slots = tell_to(slots, &[(Warm, "start 1")]);
    assert!(slots.is_in_use());
    let slots = tell_to(slots, &[(Started('a'), ""), (Ended('a'), "")]);
    assert!(!slots.is_in_use());
}
