//! What a listener hears, and how it is written for a stream of events and for a socket.

use fc_runtime::{Message, Result, SseEvent};
use serde::Serialize;

use crate::Id;

/// A line that was said in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub id: Id,
    pub text: String,
    /// Names the call of `say`, so that a repeated call is one line, and a line is known again.
    pub(crate) token: String,
}

/// What a listener hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    Line(Line),
    /// Lines are missing here. Without a number, nobody knows how many: Redis has lost the history itself.
    Gap {
        missed: Option<u64>,
    },
    /// Redis cannot be reached: lines of other instances do not come until `Back`.
    Away,
    Back,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Frame<'a> {
    Line { id: String, text: &'a str },
    Gap { missed: Option<u64> },
    Away,
    Back,
}

impl Heard {
    /// A line is an event with its id; the others are events named `gap`, `away` and `back`, without an id, so that
    /// `Last-Event-ID` stays that of the last line.
    pub(crate) fn to_event(&self) -> Result<SseEvent> {
        Ok(match self {
            Self::Line(line) => SseEvent::data(&line.text).with_id(line.id),
            Self::Gap { missed } => SseEvent::json(&Frame::Gap { missed: *missed })?.with_event("gap"),
            Self::Away => SseEvent::data("").with_event("away"),
            Self::Back => SseEvent::data("").with_event("back"),
        })
    }

    /// JSON: `{"line":{"id":"5-7","text":".."}}`, `{"gap":{"missed":3}}`, `"away"` or `"back"`.
    pub(crate) fn to_message(&self) -> Result<Message> {
        let frame = match self {
            Self::Line(line) => Frame::Line { id: line.id.to_string(), text: &line.text },
            Self::Gap { missed } => Frame::Gap { missed: *missed },
            Self::Away => Frame::Away,
            Self::Back => Frame::Back,
        };
        Ok(Message::json(&frame)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_say_the_same() {
        let line = Line { id: "5-7".parse().unwrap(), text: "two\nlines".to_owned(), token: "t".to_owned() };
        for (heard, event, message) in [
            (
                Heard::Line(line),
                "data: two\ndata: lines\nid: 5-7\n\n",
                r#"{"line":{"id":"5-7","text":"two\nlines"}}"#,
            ),
            (
                Heard::Gap { missed: Some(3) },
                "data: {\"gap\":{\"missed\":3}}\nevent: gap\n\n",
                r#"{"gap":{"missed":3}}"#,
            ),
            (
                Heard::Gap { missed: None },
                "data: {\"gap\":{\"missed\":null}}\nevent: gap\n\n",
                r#"{"gap":{"missed":null}}"#,
            ),
            (Heard::Away, "data: \nevent: away\n\n", r#""away""#),
        ] {
            assert_eq!(heard.to_event().unwrap().text().unwrap(), event);
            assert_eq!(heard.to_message().unwrap().as_text(), Some(message));
        }
    }
}
