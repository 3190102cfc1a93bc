//! Readers, the ring and the bounds of the log.

use super::*;

const ROOM_FOR_FOUR: Limits = Limits { events: 4, bytes: MIB };
const PLENTY: Limits = Limits { events: 1_000, bytes: MIB };

fn line(log: &Log, text: impl Into<String>) {
    log.emit(&Source::default(), Kind::Stdout(text.into()));
}

/// What the reader has to read, a gap by its numbers.
fn read(events: &mut Events, limit: usize) -> Vec<String> {
    let mut taken = Vec::new();
    events.take(&mut taken, limit);
    let text = |event: &Arc<Event>| match &event.kind {
        Kind::Stdout(text) => text.clone(),
        Kind::EventsDropped { events, .. } => format!("{events} dropped"),
        other => panic!("{other:?}"),
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
    let (log, _first) = Log::bounded(ROOM_FOR_FOUR, PLENTY);
    for number in 1..=6 {
        line(&log, number.to_string());
    }
    let mut late = log.subscribe();
    line(&log, "7");
    assert_eq!(read(&mut late, 10), ["3", "4", "5", "6", "7"]);
}

#[test]
fn a_slow_reader_loses_events_and_nobody_else_does() {
    let (log, mut slow) = Log::bounded(ROOM_FOR_FOUR, ROOM_FOR_FOUR);
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
    let (log, mut events) = Log::bounded(ROOM_FOR_FOUR, ROOM_FOR_FOUR);
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

#[test]
fn what_is_unread_is_bounded_in_bytes() {
    const LINE: usize = 32 * 1024;
    const LINES: u64 = 40_000;
    let (log, mut events) = Log::new();
    for _ in 0..LINES {
        line(&log, "x".repeat(LINE));
    }
    let unread = events.reader.lock().backlog.bytes;
    assert!((UNREAD.bytes - LINE * 2..=UNREAD.bytes).contains(&unread), "{unread}");
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
    assert!(unread.dropped_events > 0);
}

#[test]
fn kinds_are_counted_also_those_that_nobody_reads() {
    let (log, events) = Log::bounded(ROOM_FOR_FOUR, ROOM_FOR_FOUR);
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
