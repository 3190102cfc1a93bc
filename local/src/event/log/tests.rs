//! Readers, the ring and the bounds of the log.

use super::unread::BATCH_BYTES;
use super::*;

/// A ring for four events.
const RING_OF_FOUR: Limits = Limits { events: 4, bytes: MIB };

/// A queue for two events of fc-local, and for four lines if one function alone writes.
const ROOM_FOR_FOUR: Limits = Limits { events: 10, bytes: MIB };
const PLENTY: Limits = Limits { events: 1_000, bytes: MIB };

fn line(log: &Log, text: impl Into<String>) {
    log.emit(&Source::default(), Kind::Stdout(text.into()));
}

/// What the reader has to read, a gap by its numbers.
fn read(events: &mut Events, limit: usize) -> Vec<String> {
    let mut taken = Vec::new();
    events.take(&mut taken, limit);
    let text = |event: &Arc<Event>| {
        let of = event.function.as_deref().map_or_else(String::new, |function| format!(" of {function}"));
        match &event.kind {
            Kind::Stdout(text) => text.clone(),
            Kind::EventsDropped { events, .. } => format!("{events} dropped{of}"),
            other => other.name().to_owned(),
        }
    };
    taken.iter().map(text).collect()
}

#[test]
fn each_reader_gets_every_event_in_order() {
    let (log, mut first) = Log::new();
    let mut second = log.subscribe();
    for text in ["a", "b"] {
        line(&log, text);
    }
    assert_eq!(read(&mut first, 10), ["a", "b"]);
    line(&log, "c");
    assert_eq!(read(&mut first, 10), ["c"]);
    assert_eq!(read(&mut second, 2), ["a", "b"]);
    assert_eq!(read(&mut second, 2), ["c"]);
}

#[test]
fn a_late_reader_begins_with_the_latest_events() {
    let (log, _first) = Log::bounded(RING_OF_FOUR, PLENTY);
    for number in 1..=6 {
        line(&log, number.to_string());
    }
    let mut late = log.subscribe();
    line(&log, "7");
    assert_eq!(read(&mut late, 10), ["3", "4", "5", "6", "7"]);
}

#[test]
fn a_slow_reader_loses_events_and_nobody_else_does() {
    let (log, mut slow) = Log::bounded(RING_OF_FOUR, ROOM_FOR_FOUR);
    let mut quick = log.subscribe();
    for number in 1..=7 {
        line(&log, number.to_string());
        assert_eq!(read(&mut quick, 10), [number.to_string()]);
    }
    assert_eq!(read(&mut slow, 4), ["1", "2", "3", "4"]);
    assert_eq!(read(&mut slow, 4), ["3 dropped"]);
}

#[test]
fn a_gap_is_said_once_and_where_it_is() {
    let (log, mut events) = Log::bounded(RING_OF_FOUR, ROOM_FOR_FOUR);
    for number in 1..=5 {
        line(&log, number.to_string());
    }
    // With more than half of the queue unread, further events belong to the same gap.
    assert_eq!(read(&mut events, 1), ["1"]);
    line(&log, "6");
    assert_eq!(read(&mut events, 1), ["2"]);
    line(&log, "7");
    assert_eq!(read(&mut events, 10), ["3", "4", "2 dropped", "7"]);
    line(&log, "8");
    assert_eq!(read(&mut events, 10), ["8"]);
}

fn of(function: &str) -> Source {
    Source::function(&Arc::from(function))
}

#[test]
fn a_function_that_floods_loses_its_own_lines_alone() {
    const FLOOD: u64 = 500_000;
    let (log, mut events) = Log::new();
    let (loud, quiet) = (of("loud"), of("quiet"));
    for number in 0..FLOOD {
        log.emit(&loud, Kind::Stdout("x".repeat(80)));
        if number % 1_000 == 0 {
            log.emit(&quiet, Kind::Stdout("quiet".to_owned()));
            log.emit(&loud, Kind::Swapped);
        }
    }
    let (mut taken, mut lost) = (Vec::new(), Vec::new());
    while events.take(&mut taken, 1_000) > 0 {}
    let count = |wanted: &dyn Fn(&Event) -> bool| {
        u64::try_from(taken.iter().filter(|event| wanted(event)).count()).unwrap()
    };
    assert_eq!(count(&|event| matches!(event.kind, Kind::Swapped)), FLOOD / 1_000);
    assert_eq!(count(&|event| event.function.as_deref() == Some("quiet")), FLOOD / 1_000);
    for event in &taken {
        if let Kind::EventsDropped { events, .. } = event.kind {
            lost.push((event.function.as_deref(), events));
        }
    }
    let kept = count(&|event| matches!(&event.kind, Kind::Stdout(text) if text.starts_with('x')));
    assert_eq!(lost, [(Some("loud"), FLOOD - kept)]);
}

#[test]
fn two_functions_that_flood_have_the_same_share_and_leave_room() {
    let (log, mut events) = Log::bounded(PLENTY, Limits { events: 1_200, bytes: MIB });
    for _ in 0..10_000 {
        for function in ["a", "b"] {
            log.emit(&of(function), Kind::Stdout(function.to_owned()));
        }
    }
    for _ in 0..100 {
        log.emit(&of("late"), Kind::Stdout("late".to_owned()));
    }
    let lines = read(&mut events, 10_000);
    let count = |text: &str| lines.iter().filter(|line| *line == text).count();
    assert_eq!([count("a"), count("b"), count("late")], [300, 300, 100]);
}

#[test]
fn events_of_fc_local_are_bounded_too() {
    let (log, mut events) = Log::bounded(PLENTY, ROOM_FOR_FOUR);
    for _ in 0..5 {
        log.emit(&of("a"), Kind::Swapped);
    }
    line(&log, "1");
    assert_eq!(read(&mut events, 10), ["swapped", "swapped", "1"]);
    assert_eq!(read(&mut events, 10), ["3 dropped"]);
}

#[test]
fn a_closed_log_takes_nothing_more() {
    let (log, mut events) = Log::new();
    line(&log, "1");
    log.close();
    line(&log, "2");
    let mut taken = Vec::new();
    assert_eq!([events.wait(&mut taken, 10), events.wait(&mut taken, 10)], [1, 0]);
}

#[test]
fn what_is_unread_is_bounded_in_bytes() {
    const LINE: usize = 32 * 1024;
    const LINES: u64 = 40_000;
    let (log, mut events) = Log::new();
    for _ in 0..LINES {
        line(&log, "x".repeat(LINE));
    }
    // Half of the room for lines, which is three quarters of all.
    let room = UNREAD.bytes / 8 * 3;
    let unread = events.reader.lock().backlog.bytes;
    assert!((room - LINE * 2..=room + LINE).contains(&unread), "{unread}");
    let recent = log.0.0.lock().recent.bytes;
    assert!((RECENT.bytes - LINE * 2..=RECENT.bytes).contains(&recent), "{recent}");
    // Each line was either read or counted, with its bytes.
    let (mut taken, mut lines, mut gaps) = (Vec::new(), 0, Vec::new());
    while events.take(&mut taken, 1_000) > 0 {
        assert!(taken.iter().map(|event| event.bytes()).sum::<usize>() <= BATCH_BYTES + 2 * LINE);
        for event in taken.drain(..) {
            match event.kind {
                Kind::EventsDropped { events, bytes } => gaps.push((events, bytes)),
                _ => lines += 1,
            }
        }
    }
    let [(dropped, bytes)] = gaps[..] else { panic!("{gaps:?}") };
    assert_eq!(lines + dropped, LINES);
    assert!(bytes >= dropped * LINE as u64, "{bytes}");
}

#[test]
fn an_event_that_is_larger_than_the_queue_is_read_and_does_not_stop_it() {
    let (log, mut events) = Log::bounded(PLENTY, Limits { events: 4, bytes: 100 });
    line(&log, "x".repeat(1_000));
    assert_eq!(read(&mut events, 10).len(), 1);
    line(&log, "small");
    assert_eq!(read(&mut events, 10), ["small"]);
}

#[test]
fn short_lines_are_bounded_by_what_each_takes() {
    let (log, events) = Log::new();
    for _ in 0..200_000 {
        line(&log, "");
    }
    let unread = events.reader.lock();
    assert!(!unread.backlog.exceeds(UNREAD));
    assert!(unread.backlog.bytes >= unread.backlog.events.len() * size_of::<Event>());
    assert!(unread.backlog.events.len() < 200_000);
}

#[test]
fn kinds_are_counted_also_those_that_nobody_reads() {
    let (log, events) = Log::bounded(RING_OF_FOUR, ROOM_FOR_FOUR);
    drop(events);
    for _ in 0..10 {
        line(&log, "a");
    }
    log.emit(&Source::default(), Kind::ManifestChanged);
    assert_eq!(log.counts(), BTreeMap::from([("manifest_changed", 1), ("stdout", 10)]));
    assert!(log.0.0.lock().readers.is_empty());
}

#[test]
fn a_reader_waits_for_events_and_ends_with_the_last_log() {
    let (log, mut events) = Log::new();
    let other = log.clone();
    std::thread::scope(|threads| {
        let reader = threads.spawn(move || {
            let (mut taken, mut count) = (Vec::new(), 0);
            while events.wait(&mut taken, 10) > 0 {
                count += taken.drain(..).len();
            }
            count
        });
        for log in [log, other] {
            line(&log, "a");
        }
        assert_eq!(reader.join().unwrap(), 2);
    });
}
