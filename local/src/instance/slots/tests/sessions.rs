//! Sessions: which instance a call of a session gets, and when a session ends.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Two sessions on each of two instances, each for a minute, ten seconds without a call.
const SESSIONS: SessionRules = SessionRules {
    per_instance: 2,
    is_isolated: false,
    terms: SessionTerms {
        lifetime: Duration::from_secs(60),
        idle: Some(Duration::from_secs(10)),
        is_id_used_once: false,
    },
};

const RULES: Rules = Rules { concurrency: 3, instances_max: 2, sessions: Some(SESSIONS), ..ONE_BY_ONE };

fn slots(sessions: SessionRules) -> Slots<Name> {
    Slots::new(Rules { sessions: Some(sessions), ..RULES }, Some(false), true)
}

#[test]
fn calls_of_a_session_go_to_its_instance_and_others_to_one_with_room() {
    tell(
        RULES,
        &[
            (Do::AcquireFor("one"), "1 waits, start 1"),
            (Do::AcquireFor("one"), "2 waits"),
            (Do::Started('a'), "1 gets a cold, 2 gets a cold"),
            (Do::AcquireFor("two"), "slot of a"),
            (Do::GiveBackFor('a', "one"), ""),
            // The instance has a free slot, but no room for a third session.
            (Do::AcquireFor("three"), "3 waits, start 1"),
            (Do::Started('b'), "3 gets b cold"),
            (Do::AcquireFor("one"), "slot of a"),
            // The slots of the instance are shared by its sessions.
            (Do::AcquireFor("two"), "full at 2"),
            (Do::AcquireFor("three"), "slot of b"),
            (Do::AcquireFor("four"), "slot of b"),
            (Do::AcquireFor("five"), "full at 2"),
            // A call without a session takes any slot.
            (Do::GiveBackFor('a', "one"), ""),
            (Do::Acquire, "slot of a"),
        ],
    );
}

#[test]
fn waiting_sessions_start_as_many_instances_as_they_need() {
    tell_to(
        slots(SESSIONS),
        &[
            (Do::AcquireFor("one"), "1 waits, start 1"),
            (Do::AcquireFor("two"), "2 waits"),
            (Do::AcquireFor("three"), "3 waits, start 1"),
            (Do::AcquireFor("one"), "4 waits"),
            (Do::AcquireFor("four"), "5 waits"),
            (Do::AcquireFor("five"), "full at 2"),
            (Do::Started('a'), "1 gets a cold, 2 gets a cold, 4 gets a cold"),
            (Do::Started('b'), "3 gets b cold, 5 gets b cold"),
        ],
    );
}

#[test]
fn a_session_is_named_by_the_reply_of_its_first_call() {
    tell(
        RULES,
        &[
            (Do::AcquireNew, "1 waits, start 1"),
            (Do::Started('a'), "1 gets a cold"),
            (Do::AcquireNew, "slot of a"),
            // Both will be sessions of this instance.
            (Do::AcquireNew, "2 waits, start 1"),
            (Do::Named('a', "one"), ""),
            (Do::AcquireFor("one"), "slot of a"),
            (Do::GiveBackFor('a', "one"), ""),
            // The reply names no session.
            (Do::GiveBackNew('a'), "2 gets a"),
            (Do::GiveBackNew('a'), ""),
            (Do::GiveBackFor('a', "one"), ""),
            (Do::AcquireFor("one"), "slot of a"),
        ],
    );
}

#[test]
fn a_name_that_two_instances_give_does_not_keep_its_session_for_ever() {
    let begin = Instant::now();
    let slots = tell_at(
        slots(SESSIONS),
        begin,
        &[
            (Do::AcquireNew, "1 waits, start 1"),
            (Do::Started('a'), "1 gets a cold"),
            (Do::AcquireNew, "slot of a"),
            (Do::AcquireNew, "2 waits, start 1"),
            (Do::Started('b'), "2 gets b cold"),
            (Do::Named('a', "one"), ""),
            (Do::Named('b', "one"), ""),
            (Do::GiveBackFor('b', "one"), ""),
            (Do::GiveBackFor('a', "one"), ""),
            (Do::GiveBackNew('a'), ""),
        ],
    );
    tell_at(
        slots,
        begin + 10 * SECOND,
        &[(Do::ReleaseIdle('a'), "stop a"), (Do::ReleaseIdle('b'), "stop b")],
    );
}

#[test]
fn a_session_ends_with_its_time_its_idleness_or_by_its_client() {
    let begin = Instant::now();
    let slots = tell_at(
        slots(SESSIONS),
        begin,
        &[
            (Do::AcquireFor("one"), "1 waits, start 1"),
            (Do::Started('a'), "1 gets a cold"),
            (Do::AcquireFor("two"), "slot of a"),
            (Do::GiveBackFor('a', "two"), ""),
        ],
    );
    // A session with a call is not idle.
    let slots = tell_at(
        slots,
        begin + 10 * SECOND,
        &[
            (Do::AcquireFor("three"), "slot of a"),
            (Do::AcquireFor("one"), "slot of a"),
            (Do::GiveBackFor('a', "three"), ""),
            (Do::GiveBackFor('a', "one"), ""),
            (Do::CloseSession("three"), ""),
            (Do::AcquireFor("four"), "slot of a"),
            (Do::GiveBackFor('a', "four"), ""),
            (Do::GiveBackFor('a', "one"), ""),
            // It may be idle, but it has sessions.
            (Do::ReleaseIdle('a'), ""),
        ],
    );
    let slots = tell_at(slots, begin + 19 * SECOND, &[(Do::ReleaseIdle('a'), "")]);
    tell_at(slots, begin + 20 * SECOND, &[(Do::ReleaseIdle('a'), "stop a")]);
}

#[test]
fn a_session_does_not_outlive_its_lifetime() {
    let begin = Instant::now();
    let terms = SessionTerms { idle: None, ..SESSIONS.terms };
    let rules = SessionRules { per_instance: 1, terms, ..SESSIONS };
    let slots = tell_at(
        slots(rules),
        begin,
        &[
            (Do::AcquireFor("one"), "1 waits, start 1"),
            (Do::Started('a'), "1 gets a cold"),
            (Do::GiveBackFor('a', "one"), ""),
        ],
    );
    let slots = tell_at(
        slots,
        begin + 59 * SECOND,
        &[(Do::AcquireFor("two"), "2 waits, start 1"), (Do::Cancel(2), "")],
    );
    tell_at(slots, begin + 60 * SECOND, &[(Do::AcquireFor("two"), "slot of a")]);
}

#[test]
fn an_id_can_be_taken_again_unless_the_settings_forbid_it() {
    let story: Story<'_> = &[
        (Do::AcquireFor("one"), "1 waits, start 1"),
        (Do::Started('a'), "1 gets a cold"),
        (Do::GiveBackFor('a', "one"), ""),
        (Do::CloseSession("one"), ""),
    ];
    let again = |sessions| tell_to(slots(sessions), story);
    tell_to(again(SESSIONS), &[(Do::AcquireFor("one"), "slot of a")]);
    let terms = SessionTerms { is_id_used_once: true, ..SESSIONS.terms };
    let once = SessionRules { terms, ..SESSIONS };
    tell_to(again(once), &[(Do::AcquireFor("one"), "session over"), (Do::AcquireFor("two"), "slot of a")]);
}

#[test]
fn a_session_has_its_own_terms_and_is_listed_after_its_end() {
    let begin = Instant::now();
    let story: Story<'_> = &[
        (Do::AcquireFor("one"), "1 waits, start 1"),
        (Do::Started('a'), "1 gets a cold"),
        (Do::GiveBackFor('a', "one"), ""),
    ];
    let mut slots = tell_at(slots(SESSIONS), begin, story);
    let longer = SessionTerms { idle: None, is_id_used_once: true, ..SESSIONS.terms };
    assert!(slots.set_session_terms("one", longer, begin + SECOND));
    assert!(!slots.set_session_terms("two", longer, begin));
    let listed = |slots: &mut Slots<Name>, after: u32| {
        let sessions = slots.sessions(begin + after * SECOND, &mut Vec::new());
        let in_words =
            |session: Listed<Name>| (session.id.to_string(), session.instance, session.modified - begin);
        sessions.into_iter().map(in_words).collect::<Vec<_>>()
    };
    assert_eq!(listed(&mut slots, 59), [("one".to_owned(), Some('a'), SECOND)]);
    assert_eq!(listed(&mut slots, 60), [("one".to_owned(), None, SECOND)]);
    let mut slots = tell_at(slots, begin, &[(Do::AcquireFor("one"), "session over")]);
    // Whoever deletes a session gives its id free.
    assert!(slots.delete_session("one", &mut Vec::new()) && !slots.delete_session("one", &mut Vec::new()));
    assert_eq!(listed(&mut slots, 60), []);
    tell_at(slots, begin, &[(Do::AcquireFor("one"), "slot of a")]);
}

#[test]
fn an_isolated_instance_ends_with_its_session() {
    let begin = Instant::now();
    let isolated = SessionRules { per_instance: 1, is_isolated: true, ..SESSIONS };
    let two: Story<'_> = &[
        (Do::AcquireFor("one"), "1 waits, start 1"),
        (Do::Started('a'), "1 gets a cold"),
        (Do::AcquireFor("two"), "2 waits, start 1"),
        (Do::Started('b'), "2 gets b cold"),
        (Do::GiveBackFor('b', "two"), ""),
    ];
    let told = || tell_at(slots(isolated), begin, two);
    // The time of the idle session is over. The other session has a call.
    tell_at(told(), begin + 10 * SECOND, &[(Do::AcquireFor("one"), "slot of a, stop b")]);
    // A client ends its session, and the calls of the session are finished.
    tell_at(told(), begin, &[(Do::CloseSession("one"), ""), (Do::GiveBackFor('a', "one"), "stop a")]);
    // A caller of the API ends the session with its calls.
    tell_at(told(), begin, &[(Do::DeleteSession("one"), "stop a"), (Do::DeleteSession("two"), "stop b")]);
    // Instances that are shared stay.
    let shared = tell_at(slots(SESSIONS), begin, &two[..2]);
    tell_at(shared, begin, &[(Do::DeleteSession("one"), ""), (Do::AcquireFor("one"), "slot of a")]);
}

#[test]
fn without_its_instance_a_session_begins_anew() {
    for end in [Do::Ended('a'), Do::Retire('a')] {
        let slots = tell_to(
            slots(SESSIONS),
            &[
                (Do::AcquireFor("one"), "1 waits, start 1"),
                (Do::Started('a'), "1 gets a cold"),
                (end, ""),
                (Do::AcquireFor("one"), "2 waits, start 1"),
                (Do::Started('b'), "2 gets b cold"),
            ],
        );
        // The end of the former call is not the new session's.
        let former = if matches!(end, Do::Retire(_)) { "stop a" } else { "" };
        tell_to(slots, &[(Do::GiveBackFor('a', "one"), former), (Do::AcquireFor("one"), "slot of b")]);
    }
    tell_to(
        slots(SESSIONS),
        &[
            (Do::AcquireFor("one"), "1 waits, start 1"),
            (Do::Started('a'), "1 gets a cold"),
            (Do::GiveBackFor('a', "one"), ""),
            (Do::Unhealthy('a'), ""),
            (Do::AcquireFor("one"), "2 waits, start 1"),
        ],
    );
}

#[test]
fn what_ends_again_and_again_is_not_kept_before_the_next_call() {
    let rules = Rules { instances_min: 1, sessions: None, ..RULES };
    let mut story = vec![(Do::Warm, "start 1"), (Do::Started('a'), "")];
    for _ in 0..9 {
        story.extend([(Do::Ended('a'), "start 1"), (Do::Started('a'), "")]);
    }
    story.extend([
        (Do::Ended('a'), ""),
        (Do::Acquire, "1 waits, start 1"),
        (Do::Started('a'), "1 gets a cold"),
        (Do::GiveBack('a'), ""),
        (Do::Ended('a'), "start 1"),
    ]);
    tell(rules, &story);
}

#[test]
fn instances_are_kept_although_nothing_calls_them() {
    let rules = Rules { instances_min: 2, sessions: None, ..RULES };
    tell(
        rules,
        &[
            (Do::Warm, "start 1"),
            (Do::Started('a'), "start 1"),
            (Do::Started('b'), ""),
            (Do::ReleaseIdle('a'), ""),
            (Do::Ended('b'), "start 1"),
            (Do::StartFails, ""),
            // A failed start is not tried again at once, but by a call that waits.
            (Do::GiveBack('a'), ""),
            (Do::Close, "end starts, stop a"),
            (Do::Ended('a'), ""),
        ],
    );
}
