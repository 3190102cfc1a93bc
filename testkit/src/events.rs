//! What `fc-local` tells as JSON lines, and matchers that look at kinds and fields instead of sentences.
//!
//! ```no_run
//! use testkit::events::{Events, kind, printed};
//!
//! # fn check(local: &testkit::Program) {
//! let events = Events::of(local.out());
//! let ready = events.wait_for(kind("ready").function("f"));
//! let asleep = events.wait_for(printed("asleep "));
//! let record = events.wait_for(kind("request").request(asleep.request()).status(499));
//! assert_eq!(events.count(kind("request").but("status", 200)), 1);
//! # }
//! ```

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;

use crate::PATIENCE;
use crate::lines::Lines;

/// The events of one run of `fc-local --json`.
#[derive(Debug)]
pub struct Events {
    lines: Lines,
    /// Lines that have been looked at; no line is taken apart twice.
    read: Mutex<Vec<Event>>,
}

/// One event: a JSON object, whose fields are had by their names.
#[derive(Debug, Clone, PartialEq)]
pub struct Event(Value);

/// Which events are meant: those that meet all conditions.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Matcher {
    conditions: Vec<Condition>,
    or: Option<Box<Matcher>>,
}

#[derive(Debug, Clone)]
enum Condition {
    Is(String, Value),
    IsNot(String, Value),
    Has(String),
    IsOutput,
    Starts(String),
    Contains(String),
}

/// Events of this kind.
pub fn kind(kind: &str) -> Matcher {
    Matcher::default().field("kind", kind)
}

/// A line that a program wrote, an instance or a build step, and that begins so.
pub fn printed(begin: &str) -> Matcher {
    Matcher::default().with(Condition::IsOutput).with(Condition::Starts(begin.to_owned()))
}

impl Matcher {
    fn with(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    /// A field has this value. A name that begins with `/` is a JSON pointer.
    pub fn field(self, name: &str, value: impl Into<Value>) -> Self {
        self.with(Condition::Is(name.to_owned(), value.into()))
    }

    /// A field has not this value.
    pub fn but(self, name: &str, value: impl Into<Value>) -> Self {
        self.with(Condition::IsNot(name.to_owned(), value.into()))
    }

    /// A field is there.
    pub fn has(self, name: &str) -> Self {
        self.with(Condition::Has(name.to_owned()))
    }

    /// The event belongs to this function.
    pub fn function(self, name: &str) -> Self {
        self.field("function", name)
    }

    /// The event belongs to this instance.
    pub fn instance(self, id: &str) -> Self {
        self.field("instance", id)
    }

    /// The event belongs to this request.
    pub fn request(self, id: &str) -> Self {
        self.field("request", id)
    }

    /// The request ended with this status.
    pub fn status(self, status: u16) -> Self {
        self.field("status", status)
    }

    /// The text is this one.
    pub fn text(self, text: &str) -> Self {
        self.field("text", text)
    }

    /// `part` occurs in the text.
    pub fn saying(self, part: &str) -> Self {
        self.with(Condition::Contains(part.to_owned()))
    }

    /// Events that meet this matcher or the other one.
    pub fn or(self, other: Matcher) -> Self {
        let or = match self.or {
            None => other,
            Some(own) => own.or(other),
        };
        Self { conditions: self.conditions, or: Some(Box::new(or)) }
    }

    /// Whether an event is meant.
    pub fn is_met(&self, event: &Event) -> bool {
        self.conditions.iter().all(|condition| condition.is_met(event))
            || self.or.as_ref().is_some_and(|other| other.is_met(event))
    }
}

impl Condition {
    fn is_met(&self, event: &Event) -> bool {
        match self {
            Condition::Is(name, value) => event.field(name) == Some(value),
            Condition::IsNot(name, value) => event.field(name) != Some(value),
            Condition::Has(name) => event.field(name).is_some(),
            Condition::IsOutput => ["stdout", "stderr", "build"].contains(&event.kind()),
            Condition::Starts(begin) => event.try_text().is_some_and(|text| text.starts_with(begin)),
            Condition::Contains(part) => event.try_text().is_some_and(|text| text.contains(part)),
        }
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event with")?;
        for condition in &self.conditions {
            match condition {
                Condition::Is(name, value) => write!(f, " {name}={value}")?,
                Condition::IsNot(name, value) => write!(f, " {name}!={value}")?,
                Condition::Has(name) => write!(f, " a {name}")?,
                Condition::IsOutput => f.write_str(" a program's line")?,
                Condition::Starts(begin) => write!(f, " text={begin:?}..")?,
                Condition::Contains(part) => write!(f, " text=..{part:?}..")?,
            }
        }
        self.or.as_ref().map_or(Ok(()), |other| write!(f, ", or {other}"))
    }
}

impl Events {
    /// The events among the lines of a program, each of which has to be one.
    pub fn of(lines: &Lines) -> Self {
        Self { lines: lines.clone(), read: Mutex::default() }
    }

    fn look<T>(&self, lines: &[String], found: impl FnOnce(&[Event]) -> T) -> T {
        let mut read = self.read.lock().expect("no reader panics");
        for line in &lines[read.len()..] {
            read.push(Event::read(line));
        }
        found(&read)
    }

    /// Waits for an event, among those that have come and those that will.
    #[track_caller]
    pub fn wait_for(&self, wanted: impl Borrow<Matcher>) -> Event {
        self.wait_for_nth(1, wanted)
    }

    /// Waits for the nth event that is meant; the first one is 1.
    #[track_caller]
    pub fn wait_for_nth(&self, nth: usize, wanted: impl Borrow<Matcher>) -> Event {
        self.wait_within(nth, PATIENCE, wanted.borrow())
    }

    /// As [`wait_for`](Self::wait_for), for what includes a build.
    #[track_caller]
    pub fn wait_for_long(&self, wanted: impl Borrow<Matcher>) -> Event {
        self.wait_within(1, PATIENCE * 10, wanted.borrow())
    }

    #[track_caller]
    fn wait_within(&self, nth: usize, limit: Duration, wanted: &Matcher) -> Event {
        let nth_of =
            |events: &[Event]| events.iter().filter(|event| wanted.is_met(event)).nth(nth - 1).cloned();
        let found = self.lines.wait(limit, |lines| self.look(lines, nth_of));
        found.unwrap_or_else(|| panic!("never seen ({nth}): {wanted}; seen:\n{}", self.lines.text()))
    }

    /// All events so far.
    pub fn all(&self) -> Vec<Event> {
        self.look(&self.lines.all(), <[Event]>::to_vec)
    }

    /// All events so far that are meant.
    pub fn matching(&self, wanted: impl Borrow<Matcher>) -> Vec<Event> {
        self.all().into_iter().filter(|event| wanted.borrow().is_met(event)).collect()
    }

    /// How many events so far are meant.
    pub fn count(&self, wanted: impl Borrow<Matcher>) -> usize {
        self.matching(wanted).len()
    }

    /// Where the first event that is meant stands among all. For the order of what happened.
    #[track_caller]
    pub fn position(&self, wanted: impl Borrow<Matcher>) -> usize {
        let (wanted, all) = (wanted.borrow(), self.all());
        let position = all.iter().position(|event| wanted.is_met(event));
        position.unwrap_or_else(|| panic!("never seen: {wanted}; seen:\n{}", self.lines.text()))
    }
}

impl Event {
    #[track_caller]
    fn read(line: &str) -> Self {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        assert!(value.is_object(), "{line:?}");
        Self(value)
    }

    fn field(&self, name: &str) -> Option<&Value> {
        if name.starts_with('/') { self.0.pointer(name) } else { self.0.get(name) }
    }

    /// What kind of event this is.
    pub fn kind(&self) -> &str {
        self.0["kind"].as_str().unwrap_or_default()
    }

    fn try_text(&self) -> Option<&str> {
        self.0["text"].as_str()
    }

    /// The text.
    #[track_caller]
    pub fn text(&self) -> &str {
        self.try_text().unwrap_or_else(|| panic!("no text: {self}"))
    }

    /// What stands in the text behind the first `word`.
    #[track_caller]
    pub fn after(&self, word: &str) -> &str {
        self.text().split_once(word).unwrap_or_else(|| panic!("no {word:?}: {self}")).1
    }

    /// The number in the text right behind the first `word`.
    #[track_caller]
    pub fn number_after(&self, word: &str) -> u32 {
        let rest = self.after(word);
        let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
        digits.parse().unwrap_or_else(|_| panic!("no number behind {word:?}: {self}"))
    }

    /// The request that the event belongs to.
    #[track_caller]
    pub fn request(&self) -> &str {
        self.0["request"].as_str().unwrap_or_else(|| panic!("of no request: {self}"))
    }
}

impl Deref for Event {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matcher_looks_at_kinds_and_fields() {
        let event = Event::read(r#"{"kind":"request","function":"f","status":499,"of":{"pid":7}}"#);
        for (matcher, is_met) in [
            (kind("request"), true),
            (kind("ready"), false),
            (kind("request").status(499).function("f"), true),
            (kind("request").status(200), false),
            (kind("request").but("status", 200), true),
            (kind("request").but("status", 499), false),
            (kind("request").field("/of/pid", 7), true),
            (kind("request").has("status"), true),
            (kind("request").has("text"), false),
            (kind("ready").or(kind("swapped")).or(kind("request")), true),
            (kind("ready").or(kind("swapped")), false),
        ] {
            assert_eq!(matcher.is_met(&event), is_met, "{matcher}");
        }
    }

    #[test]
    fn a_line_of_a_program_is_no_remark() {
        let line = Event::read(r#"{"kind":"stdout","text":"asleep 17 s"}"#);
        let remark = Event::read(r#"{"kind":"swapped","text":"asleep 17 s"}"#);
        assert!(printed("asleep ").is_met(&line) && !printed("asleep ").is_met(&remark));
        assert!(!printed("17").is_met(&line));
        assert_eq!((line.after("asleep "), line.number_after("asleep ")), ("17 s", 17));
    }

    #[test]
    fn a_matcher_says_what_it_looks_for() {
        let matcher = kind("request").but("status", 200).or(printed("pid "));
        let expected =
            "an event with kind=\"request\" status!=200, or an event with a program's line text=\"pid \"..";
        assert_eq!(matcher.to_string(), expected);
    }
}
