//! What listeners are told of lines that come, come again, and do not come.

use futures_util::StreamExt as _;

use super::*;

fn line(id: &str) -> Line {
    Line { id: id.parse().unwrap(), text: format!("text {id}"), token: format!("token {id}") }
}

fn lines(ids: &[&str]) -> Vec<Line> {
    ids.iter().map(|id| line(id)).collect()
}

fn counts() -> Counts {
    Counts::new(&fc_runtime::Metrics::new())
}

/// A room with these lines, and what a listener hears afterwards.
struct Listener {
    room: Room,
    live: broadcast::Receiver<Message>,
    counts: Counts,
}

impl Listener {
    fn after(history: &[&str]) -> Self {
        let (room, counts) = (Room::new("r".to_owned(), 4), counts());
        room.absorb(lines(history), &counts);
        let live = room.messages(None).unwrap().1;
        Self { room, live, counts }
    }

    fn told(&mut self) -> Vec<String> {
        let mut told = Vec::new();
        while let Ok(message) = self.live.try_recv() {
            told.push(short(message.as_text().unwrap()));
        }
        told
    }

    #[track_caller]
    fn absorbs(&mut self, history: &[&str], told: &[&str]) {
        self.room.absorb(lines(history), &self.counts);
        assert_eq!(self.told(), told, "{history:?}");
    }
}

/// The id of a line, and other frames as they are.
fn short(frame: &str) -> String {
    let id = frame.strip_prefix(r#"{"line":{"id":""#).and_then(|rest| rest.split('"').next());
    id.unwrap_or(frame).to_owned()
}

#[test]
fn a_line_is_heard_once_and_in_its_order() {
    let mut heard = Listener::after(&["5-1", "5-2"]);
    let offers: Vec<Offer> = ["5-2", "5-3", "5-3", "5-5", "6-1"]
        .iter()
        .map(|id| heard.room.offer(&line(id), &heard.counts))
        .collect();
    assert_eq!(offers, [Offer::Known, Offer::Taken, Offer::Known, Offer::Missing, Offer::Missing]);
    assert_eq!(heard.told(), ["5-3"]);
    assert_eq!(Listener::after(&[]).room.offer(&line("5-1"), &counts()), Offer::Taken);
    assert_eq!(Listener::after(&[]).room.offer(&line("5-2"), &counts()), Offer::Missing);
}

#[test]
fn what_is_kept_is_read_and_what_is_not_is_counted() {
    let after = || Listener::after(&["5-1", "5-2"]);
    after().absorbs(&["5-2"], &[]);
    after().absorbs(&["5-2", "5-3", "5-4"], &["5-3", "5-4"]);
    after().absorbs(&["5-6", "5-7"], &[r#"{"gap":{"missed":3}}"#, "5-6", "5-7"]);
    Listener::after(&[]).absorbs(&["5-3"], &[r#"{"gap":{"missed":2}}"#, "5-3"]);
    Listener::after(&[]).absorbs(&[], &[]);
    let unknown = r#"{"gap":{"missed":null}}"#;
    // Redis is back without its data, with those of another time, or with a part of them.
    after().absorbs(&[], &[unknown]);
    after().absorbs(&["9-1"], &[unknown, "9-1"]);
    after().absorbs(&["5-1"], &[unknown]);
    // The same number, and another line.
    let mut other = after();
    let mut history = lines(&["5-1", "5-2", "5-3"]);
    for line in &mut history[1..] {
        line.token.push('!');
    }
    other.room.absorb(history, &other.counts);
    assert_eq!(other.told(), [unknown, "5-2", "5-3"]);
    assert_eq!(other.room.at(), line("5-3").id);
}

#[test]
fn a_history_that_is_lost_is_told_once_and_goes_on() {
    let mut heard = Listener::after(&["5-1"]);
    heard.room.away();
    heard.room.away();
    heard.absorbs(&[], &[r#""away""#, r#"{"gap":{"missed":null}}"#, r#""back""#]);
    heard.absorbs(&[], &[]);
    assert_eq!(heard.room.offer(&line("9-1"), &heard.counts), Offer::Taken);
    assert_eq!(heard.told(), ["9-1"]);
    // Who comes later is told the same.
    let replay = |after: &str| heard.room.events(Some(after.parse().unwrap())).0;
    let gap = Heard::Gap { missed: None };
    assert_eq!(replay("5-1"), [gap.clone(), Heard::Line(line("9-1"))]);
    assert_eq!(replay("9-1"), []);
    let lost = Listener::after(&["5-1"]);
    lost.room.absorb(Vec::new(), &lost.counts);
    assert_eq!(lost.room.events(Some("5-1".parse().unwrap())).0, [gap]);
}

#[test]
fn who_comes_back_hears_what_was_said_meanwhile() {
    let heard = Listener::after(&["5-2", "5-3", "5-4"]);
    let (three, all) = (&["5-4"][..], &["5-2", "5-3", "5-4"]);
    let unknown = [r#"{"gap":{"missed":null}}"#, "5-2", "5-3", "5-4"];
    for (after, told) in [
        (None, &[][..]),
        (Some("0-0"), all),
        (Some("5-3"), three),
        (Some("5-4"), &[]),
        (Some("5-1"), all),
        (Some("5-9"), &unknown),
        (Some("4-7"), &unknown),
    ] {
        let (replay, _) = heard.room.messages(after.map(|id: &str| id.parse().unwrap())).unwrap();
        let replay: Vec<String> = replay.iter().map(|message| short(message.as_text().unwrap())).collect();
        assert_eq!(replay, told, "{after:?}");
    }
    let heard = Listener::after(&["5-4"]);
    let (replay, _) = heard.room.events(Some("5-1".parse().unwrap()));
    assert_eq!(replay, [Heard::Gap { missed: Some(2) }, Heard::Line(line("5-4"))]);
    heard.room.away();
    let (replay, _) = heard.room.events(None);
    assert_eq!(replay, [Heard::Away]);
}

#[test]
fn a_stream_of_events_that_is_too_slow_ends() {
    fc_runtime::testing::run(async {
        let heard = Listener::after(&[]);
        let (_, mut slow) = heard.room.events(None);
        for number in 1..=BEHIND_MAX + 1 {
            heard.room.offer(&line(&format!("5-{number}")), &heard.counts);
        }
        assert!(slow.next().await.is_none());
    });
}
