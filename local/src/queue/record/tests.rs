//! The life of a call, without time and without a store.

use super::*;

const PAUSE: Duration = Duration::from_millis(500);

fn record(is_task: bool) -> Record {
    let record = Record {
        function: "f".to_owned(),
        qualifier: None,
        request: "1-a".to_owned(),
        task: is_task.then(|| "t".to_owned()),
        state: State::Enqueued,
        accepted: 1000,
        due: 1000,
        ended: 0,
        executions: 0,
        failures: 0,
        refusals: 0,
        refused_since: None,
        depth: 0,
        is_cut_off: false,
        instance: None,
        error: None,
        changes: Vec::new(),
    };
    record.begun_waiting()
}

fn fault() -> Fault {
    Fault { code: "NoLuckError".to_owned(), message: "no luck".to_owned(), status: 200 }
}

fn config(retries: u32) -> AsyncConfig {
    AsyncConfig { retries, ..AsyncConfig::default() }
}

/// One attempt of a call.
fn attempt(record: &mut Record, now: u64, outcome: Outcome, retries: u32) {
    assert!(record.claim(now, Duration::from_secs(3600)));
    record.begin(now, Some("c-1"));
    record.end(outcome, now, &config(retries), PAUSE, None);
}

fn states(record: &Record) -> Vec<&'static str> {
    record.changes.iter().map(|change| change.state.name()).collect()
}

#[test]
fn a_call_succeeds() {
    let mut record = record(true);
    attempt(&mut record, 2000, Outcome::Succeeded, 3);
    assert_eq!(states(&record), ["Enqueued", "Dequeued", "Running", "Succeeded"]);
    assert_eq!((record.executions, record.ended, record.error.clone()), (1, 2000, None));
    assert_eq!(record.stop(3000), StopOutcome::HasEnded);
    let ids: Vec<u64> = record.changes.iter().map(|change| change.id).collect();
    assert_eq!(ids, [1, 2, 3, 4]);
}

#[test]
fn failures_of_the_function_are_repeated_as_often_as_is_configured() {
    for retries in [0, 1, 3, 8] {
        let mut record = record(true);
        let mut pauses = Vec::new();
        while !record.state.is_final() {
            let now = record.due;
            attempt(&mut record, now, Outcome::Failed(fault()), retries);
            pauses.push(record.due - now);
        }
        assert_eq!((record.state, record.executions), (State::Failed, retries + 1), "{retries}");
        pauses.pop();
        let expected = [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000];
        assert_eq!(pauses, expected[..retries as usize], "{retries}");
        assert_eq!(record.error, Some(fault()));
    }
}

#[test]
fn what_would_fail_again_is_not_repeated() {
    let mut record = record(true);
    attempt(&mut record, 2000, Outcome::Hopeless(fault()), 8);
    assert_eq!((record.state, record.executions), (State::Failed, 1));
}

#[test]
fn refusals_of_the_platform_do_not_count_and_end_after_five_hours() {
    let mut record = record(true);
    let hours = 3600 * 1000;
    let mut count = 0;
    let old = Duration::from_secs(86_400);
    while !record.state.is_final() {
        let now = record.due;
        assert!(now < record.accepted + 5 * hours + 120_000, "it ends");
        assert!(record.claim(now, old));
        record.end(Outcome::Refused(fault()), now, &config(0), PAUSE, None);
        count += 1;
        assert_eq!((record.executions, record.failures), (0, 0));
    }
    assert_eq!(record.state, State::Failed);
    assert!(count > 300, "{count}");
    assert!(record.changes.len() <= CHANGES_MAX && record.changes[0].state == State::Enqueued);
    assert!(record.changes.windows(2).all(|pair| pair[0].id < pair[1].id));
}

#[test]
fn a_call_that_waited_too_long_expires_also_between_its_attempts() {
    let mut record = record(true);
    assert!(!record.claim(1000 + 60_001, Duration::from_secs(60)));
    assert_eq!((record.state, record.executions, record.ended), (State::Expired, 0, 61_001));

    let mut record = self::record(true);
    attempt(&mut record, 60_999, Outcome::Failed(fault()), 3);
    let due = record.due;
    assert!(!record.claim(due, Duration::from_secs(60)));
    assert_eq!((record.state, record.executions), (State::Expired, 1));
}

#[test]
fn a_call_whose_function_is_gone_is_invalid() {
    let mut record = record(true);
    attempt(&mut record, 2000, Outcome::Gone(fault()), 3);
    assert_eq!((record.state, record.executions), (State::Invalid, 0));
}

#[test]
fn an_attempt_and_a_stop_have_no_error_of_the_attempt_before() {
    let mut waiting = record(true);
    attempt(&mut waiting, 2000, Outcome::Failed(fault()), 3);
    assert_eq!((waiting.state, waiting.error.clone()), (State::Retrying, Some(fault())));
    let mut running = waiting.clone();
    assert_eq!((waiting.stop(3000), waiting.error), (StopOutcome::Stopped, None));
    assert!(running.claim(3000, Duration::from_secs(3600)));
    assert_eq!((running.state, running.error.clone()), (State::Dequeued, None));
    running.begin(3000, Some("c-2"));
    assert_eq!(running.stop(3500), StopOutcome::Stopping);
    running.end(Outcome::Stopped, 4000, &config(3), PAUSE, None);
    assert_eq!((running.state, running.error), (State::Stopped, None));
    let told: Vec<bool> = running.changes.iter().map(|change| change.error.is_some()).collect();
    assert_eq!(told.iter().filter(|is_told| **is_told).count(), 1, "the change to Retrying keeps the error");
}

#[test]
fn a_stop_ends_a_waiting_call_at_once_and_cancels_a_running_one() {
    let mut waiting = record(true);
    assert_eq!(waiting.stop(2000), StopOutcome::Stopped);
    assert_eq!((waiting.state, waiting.ended), (State::Stopped, 2000));

    let mut running = record(true);
    assert!(running.claim(2000, Duration::from_secs(60)));
    running.begin(2000, Some("c-1"));
    assert_eq!(running.stop(2001), StopOutcome::Stopping);
    assert_eq!(running.stop(2002), StopOutcome::Stopping);
    running.begin(2003, Some("c-1"));
    assert_eq!(running.state, State::Stopping, "a late note changes nothing");
    running.end(Outcome::Stopped, 2004, &config(3), PAUSE, None);
    assert_eq!(states(&running), ["Enqueued", "Dequeued", "Running", "Stopping", "Stopped"]);

    // The attempt may end by itself before the stop reaches it.
    for (outcome, state) in [
        (Outcome::Succeeded, State::Succeeded),
        (Outcome::Failed(fault()), State::Stopped),
        (Outcome::Refused(fault()), State::Stopped),
    ] {
        let mut running = record(true);
        assert!(running.claim(2000, Duration::from_secs(60)));
        running.stop(2001);
        running.end(outcome, 2002, &config(3), PAUSE, None);
        assert_eq!(running.state, state);
    }
}

#[test]
fn a_crash_repeats_what_was_claimed_and_counts_it() {
    let mut record = record(true);
    assert!(record.claim(2000, Duration::from_secs(60)));
    let mut not_begun = record.clone();
    not_begun.recover(3000, false);
    assert_eq!((not_begun.state, not_begun.executions, not_begun.due), (State::Enqueued, 0, 3000));
    record.begin(2000, Some("c-1"));
    record.recover(3000, true);
    assert_eq!((record.state, record.executions, record.due), (State::Retrying, 1, 3000));
    assert!(record.claim(3000, Duration::from_secs(60)));
    assert_eq!(record.executions, 2);
    record.stop(3001);
    record.recover(3002, true);
    assert_eq!(
        (record.state, record.is_waiting()),
        (State::Stopping, true),
        "its destination is not known yet"
    );
    assert!(!record.claim(3003, Duration::from_secs(60)));
    assert_eq!((record.state, record.ended, record.executions), (State::Stopped, 3003, 2));
    assert!(!record.is_waiting());
}

#[test]
fn a_call_that_is_no_task_has_no_history() {
    let mut record = record(false);
    attempt(&mut record, 2000, Outcome::Failed(fault()), 3);
    assert_eq!((record.state, record.changes.len()), (State::Retrying, 0));
}
